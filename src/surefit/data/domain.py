"""The box a function is fitted on: an ordered set of named variables, each with a low and a high end."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from surefit.checking import number_array
from surefit.errors import DomainError
from surefit.formulas import constant
from surefit.spelling import spelled

_FORM = "NAME=LOW:HIGH, such as x=-2:2 or x1=-2*pi:2*pi, or NAME=LOW:HIGH:log"
LOG = "log"


class Domain:
    """A box of named variables with finite ends, low < high; immutable, ordered as given.

    Args:
        box: any of

            - ``{"x": (-2, 2), "y": (0, 1)}``, ends as numbers or as texts such as ``"-2*pi"``;
            - a Series of such pairs by name, or a DataFrame with a row of low and one of high ends, such as
              ``frame.agg(["min", "max"])``;
            - a text ``"x1=-5:5, x2=-5:5"``, or several: ``["x1=-5:5", "x2=-5:5"]``;
            - ``{"p": (1e-3, 1e6, "log")}`` or ``"p=1e-3:1e6:log"``: a logarithmic variable, whose ends are above 0. Its
              points are spread evenly over its logarithm, and networks are given that;
            - one pair ``(-2, 2)`` (the variable is then called ``x``) or a sequence of pairs ``[(-5, 5), (0,
              1)]`` (``x1``, ``x2``, ...);
            - a Domain.
        names: what to call the variables when `box` has pairs without names.
        fixed: whether a variable may be held at one value, low = high, as in a slice of which something is proved.

    Raises:
        DomainError: an end is NaN, infinite or unreadable, low is not below high, a name is missing or
            repeated, or a logarithmic variable is not above 0.

    >>> box = Domain("x1=-5:5, x2=0:2*pi")
    >>> box.names, box.dim, float(box.high[1])
    (('x1', 'x2'), 2, 6.283185307179586)
    >>> print(Domain((-2, 2)))
    x=-2:2
    """

    __slots__ = ("_bounds", "_high", "_log", "_low", "_names")

    def __init__(self, box: Any, names: Iterable[str] | None = None, *, fixed: bool = False) -> None:
        axes = _axes(box, None if names is None else _name_list(names))
        self._names = tuple(name for name, *_ in axes)
        _check_names(self._names)
        ends = np.array([_interval(*axis, fixed) for axis in axes], dtype=np.float64)  # (dim, 2)
        self._log = np.array([axis[3] for axis in axes])
        self._log.flags.writeable = False
        ends.flags.writeable = False
        self._low, self._high = ends[:, 0], ends[:, 1]
        self._bounds = tuple((low, high) for low, high in ends.tolist())

    @classmethod
    def around(cls, points: Any, names: Iterable[str] | None = None) -> Domain:
        """The smallest box that holds all rows of `points`, (n, dim) or (n,).

        A column with one value c only has no width; it gets c - h to c + h with h = max(1, abs(c)) / 2.
        """
        x = number_array("points", points)
        x = x[:, None] if x.ndim == 1 else x
        if x.ndim != 2 or x.size == 0:
            raise DomainError(f"points: expected shape (n, dim) with at least one row, got {np.shape(points)}")
        if not np.isfinite(x).all():
            raise DomainError("points: some are NaN or infinite, so no box holds them; remove those rows first")
        low, high = x.min(axis=0), x.max(axis=0)
        half = np.where(low == high, np.maximum(1.0, np.abs(low)) / 2.0, 0.0)
        return cls(np.stack([low - half, high + half], axis=1), names=names)

    @staticmethod
    def is_named(box: Any) -> bool:
        """Whether a box, in any of the forms above, names its variables.

        >>> Domain.is_named("t=0:1"), Domain.is_named(("-pi", "pi"))
        (True, False)
        """
        return isinstance(box, Domain | Mapping) or _has_names(box) or _is_labelled(box)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Domain:
        """The Domain that `to_dict` wrote.

        Raises:
            DomainError: a field is missing, or the lists differ in length.
        """
        try:
            names, low, high = list(record["names"]), list(record["low"]), list(record["high"])
        except (KeyError, TypeError) as error:
            raise DomainError(f"domain record: expected the lists 'names', 'low' and 'high', got {record!r}") from error
        if not len(names) == len(low) == len(high):
            raise DomainError(
                f"domain record: {len(names)} names, {len(low)} low ends and {len(high)} high ends; need as "
                "many of each"
            )
        log = record.get("log", ())
        return cls([(a, b, *((LOG,) if n in log else ())) for n, a, b in zip(names, low, high, strict=True)], names)

    def to_dict(self) -> dict[str, list[Any]]:
        """A record for JSON: lists ``names``, ``low``, ``high``, and ``log``, the names of logarithmic variables.

        Floats survive the round trip exactly; ``log`` is left out where there are none.
        """
        record = {"names": list(self._names), "low": self._low.tolist(), "high": self._high.tolist()}
        return record | ({"log": list(self.logarithmic)} if self._log.any() else {})

    # ---- what it is

    @property
    def names(self) -> tuple[str, ...]:
        """The variables in order."""
        return self._names

    @property
    def low(self) -> np.ndarray:
        """Low ends, (dim,) float64, read-only."""
        return self._low

    @property
    def high(self) -> np.ndarray:
        """High ends, (dim,) float64, read-only."""
        return self._high

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """(low, high) of each variable, as `scipy.optimize` takes them."""
        return self._bounds

    @property
    def axes(self) -> tuple[tuple[Any, ...], ...]:
        """Each variable as a Domain takes it: (low, high), or (low, high, "log")."""
        return tuple((*ends, LOG) if log else ends for ends, log in zip(self.bounds, self._log, strict=True))

    @property
    def log(self) -> np.ndarray:
        """Which variables are logarithmic, (dim,) bool, read-only."""
        return self._log

    @property
    def logarithmic(self) -> tuple[str, ...]:
        """The names of logarithmic variables."""
        return tuple(name for name, log in zip(self._names, self._log, strict=True) if log)

    @property
    def dim(self) -> int:
        """The number of variables."""
        return len(self._names)

    @property
    def width(self) -> np.ndarray:
        """high - low, (dim,) float64."""
        return self._high - self._low

    @property
    def volume(self) -> float:
        """The product of the widths."""
        with np.errstate(over="ignore", under="ignore"):
            return float(np.prod(self.width))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Domain) and (self._names, self.axes) == (other._names, other.axes)

    def __hash__(self) -> int:
        return hash((self._names, self.axes))

    def __repr__(self) -> str:
        return f"Domain({dict(zip(self._names, self.axes, strict=True))!r})"

    def __str__(self) -> str:
        pairs = zip(self._names, self.bounds, self._log, strict=True)
        return ", ".join(f"{name}={_short(low)}:{_short(high)}{':log' * bool(log)}" for name, (low, high), log in pairs)

    def __reduce__(self) -> tuple[Any, ...]:
        return Domain, (self.axes, self._names)

    # ---- other boxes from this one

    def select(self, names: Iterable[str]) -> Domain:
        """The box of these variables only, in this order.

        Raises:
            DomainError: a name that the domain does not have.
        """
        index = [self._index(name) for name in _name_list(names)]
        return Domain([self.axes[i] for i in index], names=[self._names[i] for i in index])

    def inside(self, box: Any, called: str = "box") -> Domain:
        """A sub-box given in any form that Domain takes; variables it does not name keep their whole range.

        called: the argument that holds it, for errors.

        >>> print(Domain("x1=-5:5, x2=-5:5").inside({"x2": (-2, 2)}))
        x1=-5:5, x2=-2:2

        Raises:
            DomainError: the box names an unknown variable or reaches outside.
        """
        try:
            part = Domain(box) if Domain.is_named(box) else Domain(box, names=self._names)
        except DomainError as error:
            raise DomainError(f"{called}: {str(error).removeprefix('domain: ')}") from None
        ends = list(self.bounds)
        for name, (low, high) in zip(part.names, part.bounds, strict=True):
            if name not in self._names:
                raise DomainError(f"{called}: the domain has no variable {name!r}; it has {', '.join(self._names)}")
            i = self._index(name)
            if low < ends[i][0] or high > ends[i][1]:
                raise DomainError(
                    f"{called}: {name}={_short(low)}:{_short(high)} reaches outside the domain, "
                    f"where {name}={_short(ends[i][0])}:{_short(ends[i][1])}"
                )
            ends[i] = (low, high)
        axes = [(*pair, LOG) if log else pair for pair, log in zip(ends, self._log, strict=True)]
        return Domain(axes, names=self._names)

    def _index(self, name: str) -> int:
        if name not in self._names:
            raise DomainError(f"the domain has no variable {name!r}; it has {', '.join(self._names)}")
        return self._names.index(name)

    # ---- points

    def contains(self, points: Any) -> np.ndarray:
        """Whether each point lies in the box, ends included: (n, dim) -> (n,) bool; a NaN lies nowhere.

        In one dimension (n,) is read as n points; in more, (dim,) is one point and gives a scalar.
        """
        x = self._points(points)
        return np.all((x >= self._low) & (x <= self._high), axis=-1)

    def scale(self, points: Any) -> np.ndarray:
        """Points of the box to [-1, 1] in each variable, linearly, or in the logarithm; the shape stays.

        The ends become -1 and 1 exactly.
        """
        x = self._points(points)
        return (2.0 * self.shares(x) - 1.0).reshape(np.shape(points))

    def shares(self, x: np.ndarray) -> np.ndarray:
        """How far along each variable points (n, dim) are: 0 at its low end, 1 at its high end; `at` is the inverse."""
        if not self._log.any():
            return (x - self._low) / self.width
        low, high = logarithms(self._low, self._log), logarithms(self._high, self._log)
        return (logarithms(x, self._log) - low) / (high - low)

    def at(self, shares: np.ndarray) -> np.ndarray:
        """Points that are so far along each variable, kept inside in spite of rounding."""
        if not self._log.any():
            return np.clip(self._low * (1.0 - shares) + self._high * shares, self._low, self._high)
        low, high = logarithms(self._low, self._log), logarithms(self._high, self._log)
        between = low * (1.0 - shares) + high * shares
        return np.clip(np.where(self._log, np.exp(np.where(self._log, between, 0.0)), between), self._low, self._high)

    def stretch(self, x: np.ndarray) -> np.ndarray:
        """How fast points move with their scaled coordinates: the derivative of `unscale` where it gives x (n, dim)."""
        if not self._log.any():
            return np.broadcast_to(self.width / 2.0, np.shape(x))
        ratio = np.log(np.where(self._log, self._high, 1.0)) - np.log(np.where(self._log, self._low, 1.0))
        return np.where(self._log, x * ratio, self.width) / 2.0

    def axis(self, variable: int, count: int) -> np.ndarray:
        """Points (count,) along one variable from end to end, evenly spread, or in its logarithm."""
        ends = self.bounds[variable]
        return np.geomspace(*ends, count) if self._log[variable] else np.linspace(*ends, count)

    def unscale(self, points: Any) -> np.ndarray:
        """The inverse of `scale`; what is in [-1, 1] lands inside the box in spite of rounding."""
        t = self._points(points)
        if self._log.any():
            return self.at(0.5 + 0.5 * t).reshape(np.shape(points))
        x = self._low * (0.5 - 0.5 * t) + self._high * (0.5 + 0.5 * t)
        x = np.where(np.abs(t) <= 1.0, np.clip(x, self._low, self._high), x)
        return x.reshape(np.shape(points))

    def corners(self) -> np.ndarray:
        """All corners, (2**dim, dim), the first variable varying slowest; in one dimension the two ends.

        Raises:
            DomainError: more than 20 variables.
        """
        if self.dim > 20:
            raise DomainError(f"a box of {self.dim} variables has 2**{self.dim} corners; all can be listed up to 20")
        return np.array(list(itertools.product(*self.bounds)), dtype=np.float64)

    def _points(self, points: Any) -> np.ndarray:
        x = number_array("points", points)
        if self.dim == 1 and x.ndim == 1:
            return x[:, None]
        if x.ndim not in (1, 2) or x.shape[-1] != self.dim:
            columns = f"(n, {self.dim})" + (" or (n,)" if self.dim == 1 else "")
            raise DomainError(f"points: expected shape {columns} for variables {self._names}, got {x.shape}")
        return x


def box_words(box: Domain, constant: Mapping[str, float] = MappingProxyType({})) -> str:
    """A domain in few digits: that of a table ends where its rows do. constant: columns that have one value only."""
    words = []
    for name, (low, high) in zip(box.names, box.bounds, strict=True):
        if name in constant:
            words.append(f"{name}={constant[name]:.6g} (constant)")
            continue
        digits = next((n for n in range(6, 17) if f"{low:.{n}g}" != f"{high:.{n}g}"), 17)
        words.append(f"{name}={low:.{digits}g}:{high:.{digits}g}{':log' * (name in box.logarithmic)}")
    return ", ".join(words)


def check_finite(
    points: Any, values: Any, names: Sequence[str], drop: bool = False, python: str = ""
) -> tuple[np.ndarray, np.ndarray, int]:
    """The samples of a target at which it is finite; refused by name when some are not, unless `drop`.

    Args:
        points: (n, dim).
        values: (n,) or (n, outputs), what the target gave there.
        names: the variables, for the message.
        drop: leave the others out instead of raising.
        python: how that is asked for in Python, if not by drop_nonfinite=True.

    Returns:
        points, values and how many rows were left out.

    Raises:
        DomainError: some value is NaN or infinite (and drop is False), or none is finite.

    >>> x, y, dropped = check_finite([[0.0], [1.0]], [-np.inf, 0.0], ["x"], drop=True)
    >>> x.tolist(), y.tolist(), dropped
    ([[1.0]], [0.0], 1)
    """
    points, values = np.asarray(points), np.asarray(values)
    if points.ndim != 2 or values.ndim not in (1, 2) or len(values) != len(points):
        raise DomainError(
            f"the target must give one value or one row per point: points {points.shape}, values {values.shape}"
        )
    good = np.isfinite(values) if values.ndim == 1 else np.isfinite(values).all(axis=1)
    bad = np.flatnonzero(~good)
    if bad.size == 0:
        return points, values, 0
    if drop and bad.size < len(points):
        return points[good], values[good], int(bad.size)
    shown = "; ".join(_at(points[i], values[i], names) for i in bad[:3])
    more = f"; and {bad.size - 3} more" if bad.size > 3 else ""
    if bad.size == len(points):
        raise DomainError(
            f"the target is not finite at any of the {bad.size} sampled points: {shown}{more}. "
            "Check the formula and the domain"
        )
    raise DomainError(
        f"the target is not finite at {bad.size} of {len(points)} sampled points: {shown}{more}. "
        f"Shrink the domain, or leave such points out with {spelled('drop_nonfinite', 'True', python)}"
    )


def _at(point: np.ndarray, value: np.ndarray, names: Sequence[str]) -> str:
    where = ", ".join(f"{name}={v:.6g}" for name, v in zip(names, point, strict=True))
    return f"{where} gives {', '.join(f'{v:g}' for v in np.atleast_1d(value))}"


# ---- reading the many forms of a box

Axis = tuple[str, Any, Any, bool]


def logarithms(x: np.ndarray, log: np.ndarray) -> np.ndarray:
    """Points (..., dim) with the logarithmic variables as logarithms."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(log, np.log(np.where(log, x, 1.0)), x)


def _axes(box: Any, names: list[str] | None) -> list[Axis]:
    """(name, low, high) of each variable, ends not yet read."""
    if isinstance(box, Domain):
        box = box.axes if names is not None else dict(zip(box.names, box.axes, strict=True))
    if names is not None and Domain.is_named(box):
        raise DomainError(f"names: the domain {box!r} names its variables already; leave names out")
    if _is_labelled(box):
        box = box.to_dict("list") if hasattr(box, "columns") else box.to_dict()
    if isinstance(box, Mapping):
        return [(name, *_ends(ends, repr(name))) for name, ends in box.items()]
    if isinstance(box, str):
        box = [box]
    if not isinstance(box, Iterable):
        raise DomainError(f"domain: expected a dict, texts {_FORM}, or (low, high) pairs; got {box!r}")
    box = list(box)
    for text in box:
        if isinstance(text, str) and (meant := _meant(_normal(text))) is not None:
            name = meant.partition("=")[0] if "=" in meant else "x"
            raise DomainError(
                f"domain: cannot read {text.strip()!r} as the interval of {name!r}; expected LOW:HIGH or LOW:HIGH:log; "
                f"did you mean {meant}?"
            )
    if _has_names(box):
        return [_named(part) for text in box for part in _normal(text).split(",")]
    alone = len(box) == 2 or (len(box) == 3 and _is_log(box[2]))
    pairs = [box] if alone and all(map(_is_end, box)) else box
    if names is None:
        names = ["x"] if len(pairs) == 1 else [f"x{i + 1}" for i in range(len(pairs))]
    if len(names) != len(pairs):
        raise DomainError(f"domain: {len(pairs)} intervals for {len(names)} variables ({', '.join(names)})")
    return [(name, *_ends(ends, repr(name))) for name, ends in zip(names, pairs, strict=True)]


def _is_labelled(box: Any) -> bool:
    """Whether the box is a Series of pairs by name, or a DataFrame with a row of low and one of high ends."""
    labels = getattr(box, "columns", getattr(box, "index", None))
    return hasattr(box, "to_dict") and labels is not None and all(isinstance(label, str) for label in labels)


def _has_names(box: Any) -> bool:
    """Whether the box is made of texts NAME=LOW:HIGH."""
    parts = [box] if isinstance(box, str) else list(box) if isinstance(box, list | tuple) else []
    return bool(parts) and all(isinstance(p, str) for p in parts) and any("=" in _normal(p) for p in parts)


def _is_end(value: Any) -> bool:
    if isinstance(value, str):
        return ":" not in _normal(value)
    return not isinstance(value, Iterable) or getattr(value, "ndim", 1) == 0


def _named(text: str) -> Axis:
    name, equals, ends = text.partition("=")
    if not (equals and name.strip()):
        raise DomainError(f"domain: cannot read {text.strip()!r}; expected {_FORM}")
    return (name.strip(), *_ends(ends, repr(name.strip())))


def _marked(ends: str) -> str:
    """What was meant by an interval with dots or blanks between its ends."""
    end = r"([^\s.;:][^\s;:]*?)"
    found = re.fullmatch(rf"\s*[\[(]?\s*{end}\s*(?:\.\.+|\bto\b|;|\s)\s*{end}\s*[\])]?\s*", ends)
    return f"; did you mean {found[1]}:{found[2]}?" if found else ""


_END = r"([^\s,;:<>=\[\]()]+|[^\s,;:<>=\[\]]*\w\([^,;:<>=\[\]]*\)[^\s,;:<>=\[\]]*)"  # a number, or a formula of one
_LESS = r"(?:<=?|\N{LESS-THAN OR EQUAL TO})"
_OTHERS = (  # intervals as they are written elsewhere, and which of the groups are name, low and high
    (rf"(?:(\w+)\s*(?:=|:|\bin\b|\N{{ELEMENT OF}})\s*)?[\[(]\s*{_END}\s*[,;:]\s*{_END}\s*[\])]", (1, 2, 3)),
    (
        rf"{_END}\s*(?:<=?|\N{{LESS-THAN OR EQUAL TO}})\s*(\w+)\s*(?:<=?|\N{{LESS-THAN OR EQUAL TO}})\s*{_END}",
        (2, 1, 3),
    ),
    (rf"([^\W\d]\w*)\s*:\s*{_END}\s*:\s*{_END}", (1, 2, 3)),
    (rf"([^\W\d]\w*)\s*=\s*{_END}\s*,\s*{_END}", (1, 2, 3)),
    (r"([^\W\d]\w*)\s*=\s*(-?[\d.]+)\s*-\s*(-?[\d.]+)", (1, 2, 3)),
)


def _meant(text: str) -> str | None:
    """What was meant by intervals that are written in another way; None where there is nothing of the kind."""
    several = re.fullmatch(r"\s*\w+\s*=\s*\S+:\S+(\s+\w+\s*=\s*\S+:\S+)+\s*", text)
    if several and not set(",;") & set(text):
        return ", ".join(re.sub(r"\s*=\s*", "=", text).split())
    parts = re.split(r"[,;](?![^\[(]*[\])])", text)  # outside of brackets
    if len(parts) > 1 and all(re.fullmatch(rf"\s*{_END}:{_END}\s*", part) for part in parts):
        return ", ".join(f"x{i + 1}={part.strip()}" for i, part in enumerate(parts))
    if len(parts) > 1 and re.search(r"[\[(;<\N{LESS-THAN OR EQUAL TO}]", text):
        meant = [part.strip() if re.fullmatch(rf"\s*\w+\s*={_END}:{_END}\s*", part) else _meant(part) for part in parts]
        if None not in meant:
            return ", ".join(part for part in meant if part)
    for pattern, (name, low, high) in _OTHERS:
        found = re.fullmatch(rf"\s*{pattern}\s*", text)
        if found and not (found[name] and _is_log(found[high])):
            return (f"{found[name]}=" if found[name] else "") + f"{found[low]}:{found[high]}"
    return None


def _ends(ends: Any, of: str) -> tuple[Any, Any, bool]:
    """Low end, high end, and whether the variable is logarithmic."""
    if isinstance(ends, str):
        parts: list[Any] = list(_normal(ends).split(":"))
        if len(parts) not in (2, 3) or (len(parts) == 3 and not _is_log(parts[2])):
            raise DomainError(
                f"domain: cannot read {ends.strip()!r} as the interval of {of}; expected LOW:HIGH or LOW:HIGH:log"
                + _marked(ends)
            )
    else:
        parts = list(ends) if isinstance(ends, Iterable) else []
        if len(parts) not in (2, 3) or (len(parts) == 3 and not _is_log(parts[2])):
            raise DomainError(
                f"domain: the interval of {of} must be a pair (low, high), got {ends!r}; where the logarithm counts, "
                'it is (low, high, "log")'
            )
    return parts[0], parts[1], len(parts) == 3


def _is_log(word: Any) -> bool:
    return isinstance(word, str) and word.strip().lower() == LOG


def _normal(text: str) -> str:
    """Full-width characters as ASCII: a Chinese keyboard types them for = : , and -."""
    return unicodedata.normalize("NFKC", text).replace("\N{MINUS SIGN}", "-")


def _interval(name: str, low: Any, high: Any, log: bool, fixed: bool = False) -> tuple[float, float]:
    a, b = _end(low, f"low end of {name!r}"), _end(high, f"high end of {name!r}")
    if log and not (a > 0 and b > 0):
        raise DomainError(
            f"domain: {name!r} is logarithmic, so its ends must be above 0: {_short(a)} to {_short(b)}; leave 'log' out"
        )
    if a > b:
        raise DomainError(f"domain: the interval of {name!r} is reversed: {_short(a)} to {_short(b)}; write low first")
    if a == b and not fixed:
        raise DomainError(f"domain: the interval of {name!r} has no width: both ends are {_short(a)}; need low < high")
    if not np.isfinite(b - a):
        raise DomainError(f"domain: the interval of {name!r} is wider than a float64 can hold: {a!r} to {b!r}")
    return a, b


def _end(value: Any, what: str) -> float:
    if isinstance(value, str):
        if not value.strip():
            raise DomainError(f"domain: the {what} is missing")
        if value.strip().lstrip("+-").lower() in ("inf", "infinity", "nan", "oo", "\N{INFINITY}"):
            raise DomainError(f"domain: the {what} is {value.strip()}; both ends must be finite")
        try:
            number = constant(value)
        except ValueError as error:
            raise DomainError(f"domain: cannot read the {what}, {value.strip()!r}, as a number: {error}") from error
    else:
        try:
            if isinstance(value, bool | np.bool_):
                raise TypeError
            number = float(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise DomainError(f"domain: the {what} must be a finite number or a text, got {value!r}") from error
    if not np.isfinite(number):
        raise DomainError(f"domain: the {what} is {number}; both ends must be finite")
    return number + 0.0  # -0.0 becomes 0.0, so that equal boxes print alike


def _name_list(names: Iterable[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _check_names(names: tuple[str, ...]) -> None:
    if not names:
        raise DomainError("domain: no variables; give at least one, such as {'x': (-2, 2)}")
    counts = Counter(names)
    for name in names:
        if not isinstance(name, str) or not name.strip() or name != name.strip():
            raise DomainError(f"domain: a variable's name must be a text without blanks around it, got {name!r}")
        if (times := counts[name]) > 1:
            raise DomainError(f"domain: the variable {name!r} is given {times} times")


def _short(value: float) -> str:
    """The shortest text that reads back as the same float: 5, 0.1, 1e+300."""
    text = repr(value)
    return text[:-2] if text.endswith(".0") else text
