"""Functions that can be asked for values: formulas and Python callables, as points (n, d) -> values (n, k).

How a callable wants to be called is tried on a few points. Both kinds are objects that pickle where the callable does.
Called, they give NaN where the target could not be evaluated; `strictly` raises there.
"""

from __future__ import annotations

import inspect
import math
import sys
import threading
import time as clock
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np

from surefit.data import Domain
from surefit.data.columns import unmasked
from surefit.errors import ArgumentError, CheckpointError, EvaluationError, ShapeError
from surefit.formulas import Formula, parse_many
from surefit.formulas.expression import Expression
from surefit.formulas.tracing import traced
from surefit.spelling import spelled

DROPPING = "data=Sampling(drop_nonfinite=True)"  # how points without a value are left out
TRIED = 4  # points on which the ways of calling are tried
ASKED_AGAIN = 1.0  # seconds of a value up to which it is asked for twice, to see whether it is the same
REMEMBERED = 50_000  # points whose values a function that takes one point at a time is not asked for again
HOLES = 0.5  # of all points at most may be holes; more are a region where the target is not defined
STEPS = (1e-2, 1e-3, 1e-4, 1e-5)  # of the width of the box: from points so far away the limit at a hole is computed
SHORTER = 0.7  # times as far away are those that must give the same limit
AGREE = 1e-6  # times the largest value beside it: what limits from different sides and distances may differ by
ROUNDING = 1e-12  # by which no other distance could tell the limit better
EXTRAPOLATION = np.array([6.0, -15.0, 20.0, -15.0, 6.0, -1.0])  # the value at 0 of the polynomial through 1, ..., 6


MANY_AT_ONCE = 500  # points of a call, that tell what a value costs where many are asked for at once
SLOW, SLOW_POINT = 1e-2, 1e-4  # seconds of a call, and of a point in it, from which on values are kept in a memory


_counting = threading.Lock()  # restarts on several cores ask one function at the same time


class Memory(Protocol):
    """What is known from an earlier process: see `surefit.attempts.journal.Journal`."""

    def recall(self, kind: str, things: Any, compute: Callable[[], Any], least: float = 0.0) -> Any:
        """What `compute` gives, or gave; least: seconds that it must have taken to be worth keeping."""

    def all(self, kind: str) -> list[Any]:
        """All that is known of a kind."""

    def agrees(self, kind: str, things: Any, value: Any) -> bool:
        """Whether a value is the one that is known of these things."""


class FormulaFunction:
    """Formulas of the same variables as a function of points."""

    def __init__(self, texts: Sequence[str], names: Sequence[str]) -> None:
        self.texts, self.names = tuple(texts), tuple(names)

    @cached_property
    def formulas(self) -> tuple[Formula, ...]:
        """The formulas, read again after unpickling."""
        return parse_many(self.texts, self.names)

    def __getstate__(self) -> dict[str, Any]:
        return {"texts": self.texts, "names": self.names}

    def __call__(self, points: np.ndarray) -> np.ndarray:
        return np.stack([f.on_points(points) for f in self.formulas], axis=1)

    strictly = __call__  # a formula raises nothing


class Failure(NamedTuple):
    """An error that a callable raised: at which point, what it said, and whether it was one of arithmetic."""

    where: str
    error: str
    of_arithmetic: bool


class CallableFunction:
    """A Python callable as a function of points. way: a key of `WAYS`, how it wants to be called.

    Attributes:
        failures: the errors that it raised, by points as bytes.
        asked, seconds: how many values it was asked for, and how long that took.
        evaluations: how many values it was asked for in all, those that told how it wants to be called among them.
        single: whether some came in single precision.
        remembers: whether values are kept, so that a point is not asked for twice: for one that takes them one by one.
        memory: where values are kept for a process that goes on after this one was killed.
        differing: a point where it gave two values one after the other, and these, in words; empty where it did not.
    """

    def __init__(self, f: Callable[..., Any], way: str, names: Sequence[str], outputs: int) -> None:
        self.f, self.way, self.names, self.outputs = f, way, tuple(names), outputs
        self.failures: dict[bytes, Failure] = {}
        self.asked, self.seconds, self.single = 0, 0.0, False
        self.evaluations = 0
        self.quickest = math.inf  # seconds of a value, of many at once
        self.remembers = way not in AT_ONCE
        self._known: dict[bytes, np.ndarray] = {}
        self.memory: Memory | None = None
        self.kind = "values"
        self.differing: tuple[str, str, str] | tuple[()] = ()

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "formulas"} | {"_known": {}, "memory": None}

    @cached_property
    def formulas(self) -> tuple[Expression, ...] | None:
        """What it writes down when it is called with names, one formula for each output; None where that fails."""
        return traced(self.f, self.names, self.way)

    @property
    def known(self) -> Mapping[bytes, np.ndarray]:
        """The values that are kept, by points as bytes."""
        return self._known

    def remember(self, memory: Memory, kind: str) -> None:
        """Take values from a memory, and keep them there. kind: what they are, apart from those of other functions."""
        self.memory, self.kind = memory, kind
        for known in memory.all(kind) if self.remembers else ():
            self._take(known)
            self._known.update(zip(map(key_of, known["x"]), known["y"], strict=True))

    @property
    def seconds_per_point(self) -> float | None:
        """What a value costs, as far as is known."""
        return self.seconds / self.asked if self.asked else None

    @property
    def seconds_of_many(self) -> float | None:
        """The same of many at once, of which few cost nearly as much as one."""
        return self.quickest if math.isfinite(self.quickest) else self.seconds_per_point

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Values (n, k), NaN at points where an error was raised."""
        return self._values(points, strict=False)

    def strictly(self, points: np.ndarray) -> np.ndarray:
        """Values (n, k). EvaluationError for the first point at which an error is raised, with the values before it.

        One of arithmetic, such as a division by zero, is NaN here too: the target is not defined there.
        """
        return self._values(points, strict=True)

    def _values(self, points: np.ndarray, strict: bool) -> np.ndarray:
        if not len(points):
            return np.zeros((0, self.outputs))
        if not self.remembers:
            return self._evaluated(points, strict)
        keys = [key_of(point) for point in points]
        new = {key: i for i, key in enumerate(keys) if key not in self._known}
        fresh: dict[bytes, np.ndarray] = {}
        if new:
            fresh = dict(zip(new, self._evaluated(points[list(new.values())], strict), strict=True))
        values = np.stack([fresh[key] if key in fresh else self._known[key] for key in keys])
        if len(self._known) + len(fresh) <= REMEMBERED:
            self._known.update(fresh)
        return values

    def _evaluated(self, points: np.ndarray, strict: bool) -> np.ndarray:
        if self.memory is None:
            return self._asked(points, strict)

        def compute() -> dict[str, Any]:
            y = self._asked(points, strict)
            failed = [(i, *self.failures[key]) for i, key in enumerate(map(key_of, points)) if key in self.failures]
            return {"x": points if self.remembers else None, "y": y, "failed": failed, "single": self.single}

        known = self.memory.recall(
            self.kind, [self.way, points], compute, SLOW_POINT * len(points) if self.remembers else SLOW
        )
        self._take(known, points)
        y: np.ndarray = known["y"].copy()
        return y

    def _take(self, known: dict[str, Any], points: np.ndarray | None = None) -> None:
        """What is known of points beside their values."""
        self.single |= known["single"]
        for i, *failure in known["failed"]:
            where = known["x"] if points is None else points
            self.failures.setdefault(key_of(where[i]), Failure(*failure))

    def _asked(self, points: np.ndarray, strict: bool) -> np.ndarray:
        began = clock.perf_counter()
        try:
            with np.errstate(all="ignore"):
                if self.way in AT_ONCE and len(points) > 1:
                    try:
                        return self._checked(points)
                    except (Exception, SystemExit):
                        pass  # one point may be the cause: look which
                return self._one_by_one(points, strict)
        finally:
            seconds = clock.perf_counter() - began
            self.asked, self.seconds = self.asked + len(points), self.seconds + seconds
            if self.way in AT_ONCE and len(points) >= MANY_AT_ONCE:
                self.quickest = min(self.quickest, seconds / len(points))

    def _one_by_one(self, points: np.ndarray, strict: bool) -> np.ndarray:
        values = np.full((len(points), self.outputs), np.nan)
        for i in range(len(points)):
            try:
                values[i] = self._checked(points[i : i + 1])[0]
            except (Exception, SystemExit) as e:  # a simulator that gives up must not end the program that asks it
                where = ", ".join(f"{n}={v:.6g}" for n, v in zip(self.names, points[i], strict=True))
                if strict and isinstance(e, _Refused):
                    raise ArgumentError(f"at {where} {e}") from None
                if strict and not of_arithmetic(e):
                    kept = f"; the {i} values computed before are in this error's .points and .values" if i else ""
                    leave_out = spelled("drop_nonfinite", "True", DROPPING)
                    raise EvaluationError(
                        f"the function {_name(self.f)} raised {type(e).__name__} at {where}: {e}. Correct it there, "
                        f"shrink the domain, or leave such points out with {leave_out}"
                        + kept,
                        points[:i].copy(), values[:i].copy(),
                    ) from e  # fmt: skip
                failure = Failure(where, f"{type(e).__name__}: {e}", of_arithmetic(e))
                self.failures.setdefault(key_of(points[i]), failure)
        return values

    def _checked(self, points: np.ndarray) -> np.ndarray:
        with _counting:
            self.evaluations += len(points)
        y = WAYS[self.way](self.f, points)
        if y.shape != (len(points), self.outputs):
            raise _Refused(
                f"the function {_name(self.f)} gave {self.outputs} values at a point before and now an array "
                f"{y.shape} for {len(points)} points; it must give the same number everywhere"
            )
        self.single |= y.dtype.itemsize < 8
        return y.astype(np.float64)


def of_arithmetic(error: BaseException) -> bool:
    """Whether an error says that a formula is not defined at a point: 1/0, the logarithm of a negative number."""
    if isinstance(error, ArithmeticError):
        return True
    return isinstance(error, ValueError) and str(error).startswith(("math domain error", "expected a "))  # of `math`


def key_of(point: np.ndarray) -> bytes:
    """What a point is known by."""
    return (point + 0.0).tobytes()  # -0.0 is 0.0


def failures_at(function: Any, points: np.ndarray) -> list[Failure]:
    """The errors that a function raised at these points."""
    failures: dict[bytes, Failure] = getattr(function, "failures", {})
    return [failures[key] for key in map(key_of, points) if key in failures] if failures else []


class Steady:
    """A function whose holes are filled where it has a limit: sin(x)/x at 0 is what it tends to beside 0.

    Where it gives NaN, polynomials through values beside the point are continued to it from several sides and
    distances; where all agree, that is the value. At a pole or a jump they do not, and it stays NaN, as an infinite
    value stays what it is. Attribute `filled`: how many points that were.
    """

    def __init__(self, function: Callable[[np.ndarray], np.ndarray], box: Domain) -> None:
        self.function, self.box, self.filled = function, box, 0

    @property
    def failures(self) -> dict[bytes, Failure]:
        """The errors that the function raised, by points as bytes."""
        return getattr(self.function, "failures", {})

    def __call__(self, points: np.ndarray) -> np.ndarray:
        return self._steady(points, self.function(points))

    def strictly(self, points: np.ndarray) -> np.ndarray:
        """The values; an error for the first point at which the function raises one."""
        return self._steady(points, strictly(self.function, points))

    def _steady(self, points: np.ndarray, y: np.ndarray) -> np.ndarray:
        holes = np.flatnonzero(np.isnan(y).any(axis=1))
        if not 0 < len(holes) <= max(1, HOLES * len(y)):
            return y
        if failures := self.failures:
            known = (failures.get(key_of(points[i])) for i in holes)
            holes = holes[[failure is None or failure.of_arithmetic for failure in known]]
        y, apart = y.copy(), np.full(len(holes), AGREE)
        for step in STEPS:
            open_ = np.flatnonzero(apart > ROUNDING)
            if len(open_):
                limit, differ = self._limit(points[holes[open_]], y.shape[1], step)
                better = differ < apart[open_]
                y[holes[open_[better]]], apart[open_[better]] = limit[better], differ[better]
        self.filled += int((apart < AGREE).sum())
        return y

    def _limit(self, x: np.ndarray, k: int, step: float) -> tuple[np.ndarray, np.ndarray]:
        """What the function tends to at these points, (n, k), and how far the sides are apart there, (n,)."""
        rng, box, nodes = np.random.default_rng(0), self.box, len(EXTRAPOLATION)
        rays: list[np.ndarray] = []
        for _ in range(1 if box.dim == 1 else 2):
            width = np.where(box.log, np.abs(x), box.width)
            ray = step * width * rng.uniform(0.5, 1.0, x.shape) * rng.choice([-1.0, 1.0], x.shape)
            end = x + nodes * ray
            ray = np.where(end > box.high, -np.abs(ray), np.where(end < box.low, np.abs(ray), ray))
            back = np.where(box.contains(x - nodes * ray)[:, None], -ray, SHORTER**2 * ray)
            rays += [ray, SHORTER * ray, back, SHORTER * back]
        along = np.stack(rays)[:, None] * np.arange(1, nodes + 1)[:, None, None]  # (rays, nodes, n, d)
        values = self.function((x + along).reshape(-1, box.dim)).reshape(*along.shape[:3], k)
        with np.errstate(all="ignore"):
            limits = np.einsum("m,rmnk->rnk", EXTRAPOLATION, values)
            size = np.abs(values).max(axis=(0, 1)) + np.finfo(np.float64).tiny
            apart = (np.ptp(limits, axis=0) / size).max(axis=1)
        return limits.mean(axis=0), np.where(np.isfinite(apart), apart, np.inf)


def strictly(function: Callable[[np.ndarray], np.ndarray], points: np.ndarray) -> np.ndarray:
    """Values at points; EvaluationError for the first at which a callable raises an error."""
    return getattr(function, "strictly", function)(points)


def at_once(function: Callable[[np.ndarray], np.ndarray]) -> bool:
    """Whether a function takes many points by one call."""
    called = function.function if isinstance(function, Steady) else function
    return not isinstance(called, CallableFunction) or called.way in AT_ONCE


class _Refused(ArgumentError):
    """What a function gave cannot be fitted whichever way it is called."""


# --- how a callable wants to be called ------------------------------------------------------------------------------


def vectorised(
    f: Callable[..., Any], box: Domain, memory: Memory | None = None, kind: str = "values"
) -> tuple[CallableFunction, int]:
    """`called` as far as it is not known from a memory, where the values of this kind are kept from now on."""
    if memory is None:
        return called(f, box)
    known = memory.recall("way", [_name(f), box, kind], lambda: list(_way_of(called(f, box)[0])))
    way, outputs, seconds, differing = known
    if way.startswith("tensor"):  # where PyTorch may be another one, or none
        function, outputs = called(f, box)
    else:
        function = CallableFunction(f, way, box.names, outputs)
        function.asked, function.seconds, function.differing = 1, seconds, tuple(differing)
    point = box.unscale(np.random.default_rng(0).uniform(-1.0, 1.0, (1, box.dim)))
    if not memory.agrees("probe", [point, kind], function(point)):
        raise CheckpointError(f"resume: the function {_name(f)} gives other values than it did; fit again")
    function.remember(memory, kind)
    return function, outputs


def _way_of(function: CallableFunction) -> tuple[str, int, float, list[str]]:
    return function.way, function.outputs, function.seconds, list(function.differing)


def called(f: Callable[..., Any], box: Domain) -> tuple[CallableFunction, int]:
    """A callable as a function of points (n, d) -> (n, k), and k; how it wants its arguments is tried on a few points.

    Tried in this order: f(x1, ..., xd) on columns and, one by one, on numbers; f(X) on points (n, d), one by one on a
    point (d,) and on a matrix (1, d); the first and the third with tensors where PyTorch is loaded. Many at once is
    believed only when it agrees with the same way for one at a time.

    Arguments that have the names of the inputs get those inputs, in whatever order they stand.

    ArgumentError when none works, or when it gives complex numbers, or something that is not a number.
    """
    f = by_name(f, box.names)
    x = box.unscale(np.random.default_rng(0).uniform(-1.0, 1.0, (TRIED, box.dim)))
    d = box.dim
    several, single = accepts(f, d), accepts(f, 1)
    if not several and not single:
        wanted = f"{d} argument{'s' * (d > 1)}, one for each of {', '.join(box.names)}"
        raise ArgumentError(
            f"the function {_name(f)} does not take {wanted}; the domain names its inputs" + fitting_call(f, box.names)
        )
    ways = ["columns", "turned columns", "values"] * several + ["points", "point", "matrix"] * single
    if "torch" in sys.modules:
        ways += ["tensor columns"] * several + ["tensor points"] * single
    failures: list[str] = []
    tries = 0
    for way in ways:
        if way == "turned columns" and not (failures and failures[-1].startswith("ShapeError")):
            continue  # it did not give (k, n)
        tries += len(x) * (way in AT_ONCE)
        many, seconds = _timed(way, f, x, failures) if way in AT_ONCE else (None, math.inf)
        if way in AT_ONCE and many is None:
            continue
        alone, each = zip(*[_timed(way, f, x[i : i + 1], failures) for i in range(len(x))], strict=True)
        tries += len(x)
        known = [y for y in alone if y is not None]
        if not known or (many is not None and not _same(many, alone)):
            continue
        widths = {y.shape[1] for y in known}
        if len(widths) > 1:
            raise ArgumentError(
                f"the function {_name(f)} gives different numbers of values at different points: {sorted(widths)}"
            )
        function = CallableFunction(f, way, box.names, widths.pop())
        function.asked, function.seconds = 1, min(seconds / len(x), float(np.median(each)))
        if way not in AT_ONCE and function.seconds < ASKED_AGAIN:
            i = next(i for i, y in enumerate(alone) if y is not None)
            function.differing = _differing(alone[i], _attempt(way, f, x[i : i + 1], []), box, x[i])
            tries += 1
        function.evaluations = tries
        return function, function.outputs
    said = list(dict.fromkeys(failures)) or ["it returned nothing usable"]
    where = ", ".join(f"{n}={v:.6g}" for n, v in zip(box.names, x[0], strict=True))
    last = next((each for each in said if each.startswith("ShapeError: for one point ")), said[-1])  # says it best
    alone_too = f"; point by point: {last}" if len(said) > 1 else ""
    raise ArgumentError(f"the function {_name(f)} could not be evaluated at {where}: {said[0]}{alone_too}")


def _differing(
    first: np.ndarray, again: np.ndarray | None, box: Domain, point: np.ndarray
) -> tuple[str, str, str] | tuple[()]:
    """Where a function gave two values, and these, in words."""
    if again is None or _same(first, [again]):
        return ()
    where = ", ".join(f"{n}={v:.6g}" for n, v in zip(box.names, point, strict=True))
    j = int(np.nanargmax(np.abs(again - first)[0])) if again.shape == first.shape else 0
    return where, f"{first[0, j]:.6g}", f"{again[0, j]:.6g}"


# Arrays are copied, because a function may write into what it gets.
WAYS: dict[str, Callable[[Callable[..., Any], np.ndarray], np.ndarray]] = {
    "columns": lambda f, p: _rows(f(*p.T.copy()), len(p), f),
    "turned columns": lambda f, p: _rows(_numbers(f(*p.T.copy()), f).T, len(p), f),
    "points": lambda f, p: _rows(f(p.copy()), len(p), f),
    "tensor columns": lambda f, p: _rows(f(*_tensor(p.T, f)), len(p), f),
    "tensor points": lambda f, p: _rows(f(_tensor(p, f)), len(p), f),
    "values": lambda f, p: _row(f(*p[0].tolist()), f),
    "point": lambda f, p: _row(f(p[0].copy()), f),
    "matrix": lambda f, p: _row(f(p.copy()), f),
}
AT_ONCE = ("columns", "turned columns", "points", "tensor columns", "tensor points")


class ByName:
    """A function that is given its arguments by the names of the inputs, which it has in another order."""

    def __init__(self, f: Callable[..., Any], names: Sequence[str]) -> None:
        self.f, self.names, self.__name__ = f, tuple(names), getattr(f, "__name__", type(f).__name__)

    @property
    def __signature__(self) -> inspect.Signature:
        kind = inspect.Parameter.POSITIONAL_ONLY
        return inspect.Signature([inspect.Parameter(f"_{i}", kind) for i in range(len(self.names))])

    def __call__(self, *values: Any) -> Any:
        return self.f(**dict(zip(self.names, values, strict=True)))


def fitting_call(f: Callable[..., Any], names: Sequence[str]) -> str:
    """What to do about a function that does not take the inputs, as the end of a sentence; "" where nothing tells."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        return ""
    keywords = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty and p.name not in names]
    placed = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if keywords:
        return f"; {keywords[0]!r} needs a value, too: functools.partial(f, {keywords[0]}=...)"
    if placed[:1] == ["self"]:
        return "; its first argument is self: give the method of an object"
    if placed:
        others = f"functools.partial(f, {placed[-1]}=...)"
        return f"; it takes {', '.join(placed)}: name as many in the domain, or give {others}"
    return ""


def by_name(f: Callable[..., Any], names: Sequence[str]) -> Callable[..., Any]:
    """The function as it is, or by name where its arguments are the inputs in another order, or keywords alone.

    ArgumentError where some are called as inputs are and stand in other places: then it is unclear which is meant.
    """
    try:
        every = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # a builtin without a signature
        return f
    parameters = [p for p in every if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    own = [p.name for p in parameters if p.kind is not p.POSITIONAL_ONLY]
    needed = {p.name for p in parameters if p.default is p.empty}
    placed = [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]
    if set(names) <= set(own) and needed <= set(names):
        return f if placed[: len(names)] == list(names) else ByName(f, names)
    if any(p.kind is p.VAR_KEYWORD for p in every) and needed <= set(names) and not accepts(f, len(names)):
        return ByName(f, names)  # **inputs
    moved = [n for n in names if n in placed and placed.index(n) != list(names).index(n)]
    if moved and len(names) > 1:
        raise ArgumentError(
            f"the function {_name(f)} takes {', '.join(placed)}, and the domain has {', '.join(names)}: {moved[0]!r} "
            "is in another place, so that it is unclear which argument gets it; give both the same names"
        )
    return f


def _tensor(a: np.ndarray, f: Any) -> Any:
    """An array as a tensor of PyTorch, in the dtype of the weights of a network."""
    torch = sys.modules["torch"]
    weights = next(iter(f.parameters()), None) if hasattr(f, "parameters") else None
    return torch.tensor(a, dtype=torch.float64 if weights is None else weights.dtype)


def _name(f: Any) -> str:
    return repr(getattr(f, "__name__", type(f).__name__))


def accepts(f: Callable[..., Any], count: int) -> bool:
    if isinstance(f, np.ufunc):
        return bool(f.nin == count)  # further arguments are where it writes
    try:
        inspect.signature(f).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # a builtin without a signature: just try
        return True
    return True


def _timed(way: str, f: Callable[..., Any], x: np.ndarray, failures: list[str]) -> tuple[np.ndarray | None, float]:
    """What an attempt gives, and its seconds."""
    began = clock.perf_counter()
    return _attempt(way, f, x, failures), clock.perf_counter() - began


def _attempt(way: str, f: Callable[..., Any], x: np.ndarray, failures: list[str]) -> np.ndarray | None:
    try:
        with np.errstate(all="ignore"):
            return WAYS[way](f, x)
    except _Refused as e:
        raise ArgumentError(str(e)) from None
    except (Exception, SystemExit) as e:
        failures.append(f"{type(e).__name__}: {e}")
        return None


def _numbers(y: Any, f: Any) -> np.ndarray:
    """What a function gave as floats. ArgumentError by name for complex numbers and None."""
    a = unmasked(y)  # what is masked has no value
    if a.dtype.kind == "O" and a.size:
        if all(v is None for v in a.flat):
            raise _Refused(f"the function {_name(f)} gives None; does it lack a return?")
        a = _floats(a)
    if a.dtype.kind == "c":
        raise _Refused(
            f"the function {_name(f)} gives complex numbers, of which no part may be dropped; return real and "
            "imaginary part as two outputs, (z.real, z.imag), or the absolute value"
        )
    if a.dtype.kind not in "fiub":
        raise ShapeError(f"it returns {type(y).__name__}, not numbers")
    return a if a.dtype.kind == "f" else a.astype(np.float64)


def _floats(a: np.ndarray) -> np.ndarray:
    """An array of objects as float64 where they are numbers, such as Decimal or mpf; as complex where some are."""
    for kind in (float, complex):
        try:
            return np.array([kind(v) for v in a.flat]).reshape(a.shape)
        except (TypeError, ValueError):
            pass
    return a


def _rows(y: Any, n: int, f: Any) -> np.ndarray:
    """A result for n points as (n, k): (n,), (n, k), a number (a constant), or a tuple of such."""
    if isinstance(y, (tuple, list)) and any(np.ndim(v) for v in y):
        return np.concatenate([_rows(v, n, f) for v in y], axis=1)
    a = _numbers(y, f)
    if a.ndim == 0:
        a = np.full(n, a)
    if a.ndim == 1 and len(a) == n:
        return a[:, None]
    if a.ndim == 2 and len(a) == n:
        return a
    raise ShapeError(f"for {n} points it returns shape {a.shape}; needed ({n},) or ({n}, outputs)")


def _row(y: Any, f: Any) -> np.ndarray:
    """A result for one point as (1, k)."""
    row = _values_of(y, f)
    if not row.size:
        raise ShapeError("for one point it returns no value; needed is a number, or a row of them")
    return row


def _values_of(y: Any, f: Any) -> np.ndarray:
    if isinstance(y, (tuple, list)) and y:
        return np.concatenate([_numbers(v, f).reshape(-1) for v in y])[None]
    a = _numbers(y, f)
    if a.ndim > 1 and a.size > max(a.shape):
        raise ShapeError(f"for one point it returns shape {a.shape}; needed is a number, or a row of them: y.ravel()")
    return a.reshape(1, -1)


def _same(many: np.ndarray, alone: Sequence[np.ndarray | None]) -> bool:
    if any(one is None or one.shape != (1, many.shape[1]) for one in alone):
        return False
    one_by_one = np.concatenate([one for one in alone if one is not None])
    close = 1e-6 if min(many.dtype.itemsize, one_by_one.dtype.itemsize) == 8 else 1e-4
    return np.allclose(many, one_by_one, rtol=close, atol=1e-3 * close, equal_nan=True)


__all__ = [
    "CallableFunction",
    "FormulaFunction",
    "Steady",
    "accepts",
    "at_once",
    "by_name",
    "failures_at",
    "fitting_call",
    "key_of",
    "strictly",
    "vectorised",
]
