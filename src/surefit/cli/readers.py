"""Readers: what a setting means, whether it came as a word of the command line or as a value of a TOML file.

A reader takes either and returns the value, or raises `Needed` with what it needed; who asked adds the name.
"""

from __future__ import annotations

import csv
import difflib
import math
import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

from .language import words

Reader = Callable[[Any], Any]


class Needed(Exception):
    """Says what a setting needs instead of what came."""


def narrow(value: Any) -> Any:
    """A text with full-width digits, commas, colons and signs as plain ones, and those of Chinese lists; others as is.

    >>> narrow("２００，１００"), narrow("x：－３：３"), narrow(5)
    ('200,100', 'x:-3:3', 5)
    """
    if not isinstance(value, str):
        return value
    return unicodedata.normalize("NFKC", value).translate({ord("、"): ",", ord("−"): "-"})


def text(value: Any) -> str:
    """A text that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise Needed(words("a text"))
    return value.strip()


def texts(value: Any) -> list[str]:
    """Several texts, or one."""
    return [text(v) for v in (value if isinstance(value, list | tuple) else [value])]


def names(value: Any) -> list[str]:
    """Names with commas between them, or a list."""
    what = words("names with commas between them, such as x1,x2; one that has a comma itself in quotes: '\"a, b\",c'")
    plain = [v if '"' in v else v.replace("，", ",") for v in texts(value)]
    try:
        parts = [part for v in plain for part in next(csv.reader([v], strict=True, skipinitialspace=True))]
    except csv.Error:
        raise Needed(what) from None
    if not all(part.strip() for part in parts):
        raise Needed(what)
    return [part.strip() for part in parts]


def intervals(value: Any) -> list[str]:
    """Intervals, NAME=LOW:HIGH; with full-width marks too, and a colon after the name where there is no equals sign.

    >>> intervals(["x：－3：3", "y=0:1"])
    ['x=-3:3', 'y=0:1']
    """
    return [re.sub(r"^\s*([^\W\d]\w*)\s*:(?=[^=]*:[^=]*$)", r"\1=", narrow(part)) for part in texts(value)]


def flag(value: Any) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise Needed(words("true or false"))
    return value


def character(value: Any) -> str:
    r"""One character; \t and tab are the tabulator."""
    value = {"\\t": "\t", "tab": "\t"}.get(value, value) if isinstance(value, str) else value
    if not isinstance(value, str) or len(value) != 1:
        raise Needed(words("one character, or tab"))
    return value


def choice(*known: str) -> Reader:
    """One of these words."""
    return one_of(lambda: known)


def one_of(list_known: Callable[[], Iterable[str]]) -> Reader:
    """One of the words that the function returns, which is called when it is needed."""

    def read(value: Any) -> str:
        known, value = list(list_known()), narrow(value)
        if isinstance(value, str) and value.strip().lower() in known:
            return value.strip().lower()
        raise Needed(words("one of {known}{hint}", known=", ".join(known), hint=nearest(str(value), known)))

    return read


def written_as(value: Any) -> str:
    """What a number with a decimal comma or a percent sign has to be instead; nothing for other texts."""
    text = narrow(value).strip() if isinstance(value, str) else ""
    if re.fullmatch(r"-?\d*,\d+(?:e[-+]?\d+)?", text, re.IGNORECASE):
        return words("; the decimal mark is a point: {word}", word=text.replace(",", "."))
    if re.fullmatch(r"[-+]?\d+(\.\d*)?e\+?\d+", text, re.IGNORECASE) and math.isinf(float(text)):
        return words("; it is beyond the largest number there is, 1.8e308")
    return words("; shares are not read, but numbers in the units of what they limit") if text.endswith("%") else ""


def number(above: float = -math.inf, least: float = -math.inf, most: float = math.inf) -> Reader:
    """A finite number within bounds."""
    bounds = [("above {bound:g}", above), ("of {bound:g} or more", least), ("not above {bound:g}", most)]

    def read(value: Any) -> float:
        try:
            x = math.nan if isinstance(value, bool) else float(narrow(value))
        except (TypeError, ValueError, OverflowError):
            x = math.nan
        if not (math.isfinite(x) and above < x <= most and x >= least):
            said = [words(text, bound=bound) for text, bound in bounds if math.isfinite(bound)]
            wanted = words("a number {bounds}", bounds=words(" and ").join(said)) if said else words("a number")
            raise Needed(wanted + written_as(value))
        return x

    return read


LARGEST = 2**63 - 1  # what a whole number of NumPy can be


def whole(least: int = 1, most: int = LARGEST) -> Reader:
    """A whole number, not below `least` and not above `most`."""

    def read(value: Any) -> int:
        try:
            value = narrow(value)
            n = int(value) if isinstance(value, int | str) and not isinstance(value, bool) else None
        except ValueError:
            n = None
        if n is None or not least <= n <= most:
            upper = " and not above {most}" if most < LARGEST or (n is not None and n > most) else ""
            raise Needed(words("a whole number of {least} or more" + upper, least=least, most=most))
        return n

    return read


def several(read_one: Reader, what: str, count: int | None = None) -> Reader:
    """Values with commas between them, or a list, each as `read_one` has it."""

    def read(value: Any) -> tuple[Any, ...]:
        parts = (
            narrow(value).split(",")
            if isinstance(value, str)
            else value
            if isinstance(value, list | tuple)
            else [value]
        )
        try:
            values = tuple(read_one(part) for part in parts)
        except Needed:
            raise Needed(words(what)) from None
        if not values or count not in (None, len(values)):
            raise Needed(words(what))
        return values

    return read


def one_or_several(read_one: Reader) -> Reader:
    """A value as `read_one` has it, or several with commas between them."""

    def read(value: Any) -> Any:
        value = narrow(value)
        if isinstance(value, str) and "," in value:
            value = value.split(",")
        return tuple(map(read_one, value)) if isinstance(value, list | tuple) else read_one(value)

    return read


def either(choices: Iterable[str], read_other: Reader) -> Reader:
    """One of these words, or what the other reader reads."""
    known = tuple(choices)

    def read(value: Any) -> Any:
        value = narrow(value)
        if isinstance(value, str) and value.strip().lower() in known:
            return value.strip().lower()
        try:
            return read_other(value)
        except Needed as needed:
            raise Needed(words("{needed}, or {known}", needed=needed, known=words(" or ").join(known))) from None

    return read


def points(value: Any) -> int | tuple[int, ...]:
    """A number of points, or one for each axis of a grid."""
    counts = several(whole(), "a whole number of 1 or more, or one for each axis of a grid such as 50,40")(value)
    return counts[0] if len(counts) == 1 else counts


def shares(value: Any) -> tuple[float, ...]:
    """Three numbers that sum to 1."""
    what = "shares of training, validation and test data that sum to 1, such as 0.8,0.1,0.1"
    values = several(number(least=0), what, count=3)(value)
    if not math.isclose(sum(values), 1.0) or values[0] == 0:
        raise Needed(words(what))
    return values


def noise(value: Any) -> str | float:
    """A number, or a text that `surefit.data.Noise` reads."""
    return text(value) if isinstance(value, str) else number(least=0)(value)


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean ...?`, or nothing when no known word is near."""
    close = difflib.get_close_matches(word, list(known), 1)
    return words("; did you mean {word}?", word=close[0]) if close else ""
