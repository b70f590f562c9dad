"""Texts that are dates, moments or times of day, as numbers: which form they have, and which day comes first."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence

import numpy as np

from surefit.errors import DataError

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_NAME = rf"(?P<name>{'|'.join(_MONTHS)})[a-z]*\.?"
_DATE = r"(?P<y>\d{4})[-/.年](?P<m>\d{1,2})(?:[-/.月](?P<d>\d{1,2})日?|月)?"
_TIME = r"(?P<h>\d{1,2}):(?P<min>\d{2})(?::(?P<s>\d{2})(?P<f>[.,]\d+)?)?(?:\s*(?P<half>[ap])\.?m\.?)?"
_ZONE = r"\s*(?P<zone>Z|UTC|[+-]\d{2}:?\d{2})?"
_FORMS = {
    key: re.compile(rf"{date}(?:(?:T|,?\s)\s*{_TIME}{_ZONE})?", re.IGNORECASE)
    for key, date in {
        "year": _DATE,
        "dots": r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})",
        "slashes": r"(?P<d>\d{1,2})/(?P<m>\d{1,2})/(?P<y>\d{4})",
        "day name": rf"(?P<d>\d{{1,2}})[\s./-]*{_NAME}[\s,./-]*(?P<y>\d{{4}})",
        "name day": rf"{_NAME}\s*(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[\s,]+(?P<y>\d{{4}})",
        "name year": rf"{_NAME}[\s,./-]*(?P<y>\d{{4}})",
    }.items()
}
_CLOCK = re.compile(_TIME, re.IGNORECASE)


class OddTime(Exception):
    """A text that does not go with the others. i: which. others: what those are; else what is wrong with it."""

    def __init__(self, i: int, others: str = "", wrong: str = "") -> None:
        self.i, self.others, self.wrong = i, others, wrong


class NoTime(DataError):
    """A text that looks like a time of day, of which there is no such one."""


def times(words: Sequence[str], present: Sequence[int]) -> np.ndarray | None:
    """Texts as moments (n,) M8[us] or as seconds since midnight (n,) float64; None where the first is neither.

    present: which are there. Months may be written by their English names.

    Raises:
        OddTime: one of them is not like the first, or nothing tells whether day or month comes first.

    >>> times(["8:30", "10:00 PM"], [0, 1]).tolist(), str(times(["Jan 5, 2024"], [0])[0])[:10]
    ([30600.0, 79200.0], '2024-01-05')
    """
    first = words[present[0]]
    if _CLOCK.fullmatch(first):
        out = np.full(len(words), np.nan)
        for i in present:
            match = _CLOCK.fullmatch(words[i])
            if match is None:
                raise OddTime(i, "times of day")
            try:
                out[i] = _of_day(match).total_seconds()
            except NoTime as error:
                raise OddTime(i, wrong=f": {error}") from None
        return out
    form = next((key for key, pattern in _FORMS.items() if pattern.fullmatch(first)), None)
    if form is None:
        return None
    found = {}
    for i in present:
        match = _FORMS[form].fullmatch(words[i])
        if match is None:
            raise OddTime(i, "dates")
        found[i] = match
    month_first = form == "slashes" and _month_first(found)
    for i, match in found.items():
        if (match["zone"] is None) != (found[present[0]]["zone"] is None):
            raise OddTime(i, wrong=": some have a time zone, some not")
    moments = np.full(len(words), np.datetime64("NaT"), dtype="M8[us]")
    for i, match in found.items():
        try:
            moments[i] = _moment(match, month_first)
        except (ValueError, OverflowError) as error:
            raise OddTime(i, wrong=f", no date ({error})") from None
    return moments


def has_zone(word: str) -> bool:
    """Whether a text is a moment with a time zone.

    >>> has_zone("2024-01-02 10:00+01:00"), has_zone("2024-01-02 10:00")
    (True, False)
    """
    matches = (pattern.fullmatch(word) for pattern in _FORMS.values())
    return any(match["zone"] is not None for match in matches if match is not None)


def _month_first(found: Mapping[int, re.Match[str]]) -> bool:
    """Whether dates with slashes begin with the month. OddTime where nothing tells."""
    if any(int(match["d"]) > 12 for match in found.values()):
        return False
    if any(int(match["m"]) > 12 for match in found.values()):
        return True
    wrong = ": nothing tells whether day or month comes first; write such dates as 2024-12-31"
    raise OddTime(next(iter(found)), wrong=wrong)


def _moment(match: re.Match[str], month_first: bool) -> datetime.datetime:
    part = match.groupdict()
    month = _MONTHS.index(part["name"].lower()) + 1 if part.get("name") else part["m"]
    day = part.get("d") or 1
    if month_first:
        month, day = day, month
    moment = datetime.datetime(int(part["y"]), int(month), int(day))
    if part["h"] is None:
        return moment
    moment += _of_day(match)
    zone = (part["zone"] or "Z").upper()
    if zone in ("Z", "UTC"):
        return moment
    shift = datetime.timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return moment - shift if zone[0] == "+" else moment + shift


def _of_day(match: re.Match[str]) -> datetime.timedelta:
    hours, seconds = int(match["h"]), float(match["s"] or 0) + float((match["f"] or "0").replace(",", "."))
    if int(match["min"]) > 59 or seconds >= 61 or (match["half"] and not 1 <= hours <= 12):
        raise NoTime("there is no such time of day")
    if match["half"]:
        hours = hours % 12 + 12 * (match["half"].lower() == "p")
    return datetime.timedelta(hours=hours, minutes=int(match["min"]), seconds=seconds)


__all__ = ["OddTime", "has_zone", "times"]
