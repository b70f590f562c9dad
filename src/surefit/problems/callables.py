"""Functions that can be asked for values: formulas and Python callables, as points (n, d) -> values (n, k).

How a callable wants to be called is tried on a few points. Both kinds are objects that pickle where the callable does.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from surefit.data import Domain
from surefit.errors import ArgumentError, DomainError, ShapeError
from surefit.formulas import Formula, parse_many

TRIED = 4  # points on which the ways of calling are tried
NEAR = 1e-5  # of the width of the box: how far the points lie from which the value at a removable singularity is taken
AGREE = 1e-6  # relative difference of the two directions from which it is taken, at most


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


class CallableFunction:
    """A Python callable as a function of points. way: a key of `WAYS`, how it wants to be called.

    skip: whether a point at which it raises an error is left out, as NaN, instead of ending everything.

    Attributes: failures, the points that were left out with their errors; outputs, the number of values at a point.
    """

    def __init__(self, f: Callable[..., Any], way: str, names: Sequence[str], outputs: int, skip: bool = False) -> None:
        self.f, self.way, self.names, self.outputs, self.skip = f, way, tuple(names), outputs, skip
        self.failures: list[tuple[dict[str, float], str]] = []

    def __call__(self, points: np.ndarray) -> np.ndarray:
        if not len(points):
            return np.zeros((0, self.outputs))
        if self.way in AT_ONCE:
            try:
                return self._checked(WAYS[self.way](self.f, points), len(points))
            except _Refused:
                raise
            except Exception:
                if len(points) == 1:
                    self._failed(points, 0, [])
        values: list[np.ndarray] = []
        for i in range(len(points)):
            one = points[i : i + 1]
            try:
                values.append(self._checked(WAYS[self.way](self.f, one), 1))
            except _Refused:
                raise
            except Exception:
                if not self.skip:
                    self._failed(points, i, values)
                self._note(one[0])
                values.append(np.full((1, self.outputs), np.nan))
        return np.concatenate(values)

    def _checked(self, y: np.ndarray, n: int) -> np.ndarray:
        if y.shape != (n, self.outputs):
            raise _Refused(
                f"the function {_name(self.f)} gave {self.outputs} values at a point before and now an array "
                f"{y.shape} for {n} points; it must give the same number everywhere"
            )
        return y

    def _note(self, point: np.ndarray) -> None:
        import sys

        e = sys.exc_info()[1]
        where = {n: float(v) for n, v in zip(self.names, point, strict=True)}
        self.failures.append((where, f"{type(e).__name__}: {e}"))

    def _failed(self, points: np.ndarray, i: int, values: list[np.ndarray]) -> None:
        """DomainError for the point at which it raised; the values that are known by then are not lost."""
        import sys

        e = sys.exc_info()[1]
        where = ", ".join(f"{n}={v:.6g}" for n, v in zip(self.names, points[i], strict=True))
        kept = f"; the {len(values)} values computed before are in this error's .points and .values" if values else ""
        error = DomainError(
            f"the function {_name(self.f)} raised {type(e).__name__} at {where}: {e}. Mend it there, shrink the "
            f"domain, or leave such points out with drop_nonfinite=True (--drop-nonfinite){kept}"
        )
        error.points, error.values = points[: len(values)], values and np.concatenate(values)  # type: ignore[attr-defined]
        raise error from e


class Steady:
    """A function whose removable singularities are stepped round: sin(x)/x at 0 is what it is beside 0.

    Where it gives NaN but has finite values close by that agree from two directions, their mean is taken. An infinite
    value stays what it is. Attributes: stepped, how many points that were.
    """

    def __init__(self, function: Callable[[np.ndarray], np.ndarray], box: Domain) -> None:
        self.function, self.box, self.stepped = function, box, 0

    def __call__(self, points: np.ndarray) -> np.ndarray:
        y = self.function(points)
        holes = np.flatnonzero(np.isnan(y).any(axis=1))
        if len(holes) and len(holes) < max(2, len(y) // 10):  # a tenth of all is no isolated point
            found = self._beside(points[holes])
            good = np.isfinite(found).all(axis=1)
            self.stepped += int(good.sum())
            y = y.copy()
            y[holes[good]] = found[good]
        return y

    def _beside(self, x: np.ndarray) -> np.ndarray:
        """The values that the function tends to at these points, NaN where it tends to none."""
        rng = np.random.default_rng(len(x))
        found = []
        for _ in range(2):
            step = rng.uniform(0.5, 1.0, x.shape) * rng.choice([-1.0, 1.0], x.shape) * NEAR * self.box.width
            inside = self.box.contains(x + step)[:, None]
            step = np.where(inside, step, -step)
            both = self.box.contains(x - step)
            there, back = self.function(x + step), self.function(np.where(both[:, None], x - step, x + 2 * step))
            found.append(np.where(both[:, None], (there + back) / 2, 2 * there - back))
        a, b = found
        size = np.abs(a) + np.abs(b) + 1e-300
        return np.where(np.abs(a - b) <= AGREE * size + 1e-12, (a + b) / 2, np.nan)


class _Refused(ArgumentError):
    """What a function gave cannot be fitted whichever way it is called."""


def vectorised(f: Callable[..., Any], box: Domain, skip: bool = False) -> tuple[CallableFunction, int]:
    """A callable as a function of points (n, d) -> (n, k), and k; how it wants its arguments is tried on a few points.

    Tried in this order: f(x1, ..., xd) on columns, f(X) on points (n, d), and f(x1, ..., xd) or f(point) one by one.
    Many at once is believed only when it agrees with the same way for one at a time. skip: see `CallableFunction`.

    ArgumentError when none works, or when it gives complex numbers, or something that is not a number.
    """
    rng = np.random.default_rng(0)
    x = box.unscale(rng.uniform(-1.0, 1.0, (TRIED, box.dim)))
    d = box.dim
    several, single = _accepts(f, d), _accepts(f, 1)
    if not several and not single:
        wanted = f"{d} argument{'s' * (d > 1)}, one for each of {', '.join(box.names)}"
        raise ArgumentError(f"the function {_name(f)} does not take {wanted}; the domain names its inputs")
    ways = [("columns", "values")] if several else []
    ways += [("points", "point")] if single else []
    failures: list[str] = []
    for at_once, one_by_one in ways:
        many = _attempt(at_once, f, x, failures)
        if many is not None:
            alone = [_attempt(at_once, f, x[i : i + 1], failures) for i in range(len(x))]
            if _same(many, alone):
                return CallableFunction(f, at_once, box.names, many.shape[1], skip), many.shape[1]
        singly = [_attempt(one_by_one, f, x[i : i + 1], failures) for i in range(len(x))]
        known = [y for y in singly if y is not None]
        if known and (skip or len(known) == len(x)):
            widths = {y.shape[1] for y in known}
            if len(widths) > 1:
                raise _Refused(
                    f"the function {_name(f)} gives different numbers of values at different points: {sorted(widths)}"
                )
            return CallableFunction(f, one_by_one, box.names, known[0].shape[1], skip), known[0].shape[1]
    first = failures[0] if failures else "it returned nothing usable"
    where = dict(zip(box.names, x[0].round(6).tolist(), strict=True))
    raise ArgumentError(f"the function {_name(f)} could not be evaluated at {where}: {first}")


WAYS: dict[str, Callable[[Callable[..., Any], np.ndarray], np.ndarray]] = {
    "columns": lambda f, p: _rows(f(*p.T), len(p), f),
    "points": lambda f, p: _rows(f(p), len(p), f),
    "values": lambda f, p: _row(f(*(v.item() for v in p[0])), f),
    "point": lambda f, p: _row(f(p[0]), f),
}
AT_ONCE = ("columns", "points")


def _name(f: Any) -> str:
    return repr(getattr(f, "__name__", type(f).__name__))


def _accepts(f: Callable[..., Any], count: int) -> bool:
    try:
        inspect.signature(f).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # a builtin without a signature: just try
        return True
    return True


def _attempt(way: str, f: Callable[..., Any], x: np.ndarray, failures: list[str]) -> np.ndarray | None:
    try:
        with np.errstate(all="ignore"):
            return WAYS[way](f, x)
    except _Refused:
        raise
    except Exception as e:
        failures.append(f"{type(e).__name__}: {e}")
        return None


def _numbers(y: Any, f: Any) -> np.ndarray:
    """What a function gave as float64. ArgumentError by name for what is no real number."""
    a = np.asarray(y.detach() if hasattr(y, "detach") else y)
    if a.dtype.kind == "c":
        raise _Refused(
            f"the function {_name(f)} gives complex numbers, of which no part may be dropped; return real and "
            "imaginary part as two outputs, (z.real, z.imag), or the absolute value"
        )
    if a.dtype.kind == "O" and a.size and all(v is None for v in a.flat):
        raise _Refused(f"the function {_name(f)} gives None; does it lack a return?")
    if a.dtype.kind not in "fiub":
        shown = type(y).__name__ if a.dtype.kind == "O" else str(a.dtype)
        raise ShapeError(f"it returns {shown}, not numbers")
    return a.astype(np.float64)


def _rows(y: Any, n: int, f: Any) -> np.ndarray:
    """A result for n points as (n, k) float64: (n,), (n, k), a number (a constant), or a tuple of such."""
    if isinstance(y, (tuple, list)) and any(np.ndim(v) for v in y):
        return np.concatenate([_rows(v, n, f) for v in y], axis=1)
    a = _numbers(y, f)
    if a.ndim == 0:
        a = np.full(n, float(a))
    if a.ndim == 1 and len(a) == n:
        return a[:, None]
    if a.ndim == 2 and len(a) == n:
        return a
    raise ShapeError(f"for {n} points it returns shape {a.shape}; needed ({n},) or ({n}, outputs)")


def _row(y: Any, f: Any) -> np.ndarray:
    """A result for one point as (1, k) float64."""
    if isinstance(y, (tuple, list)):
        return np.concatenate([_numbers(v, f).reshape(-1) for v in y])[None]
    return _numbers(y, f).reshape(1, -1)


def _same(many: np.ndarray, alone: Sequence[np.ndarray | None]) -> bool:
    if any(one is None or one.shape != (1, many.shape[1]) for one in alone):
        return False
    one_by_one = np.concatenate([one for one in alone if one is not None])
    return np.allclose(many, one_by_one, rtol=1e-6, atol=1e-9, equal_nan=True)


__all__ = ["CallableFunction", "FormulaFunction", "Steady", "vectorised"]
