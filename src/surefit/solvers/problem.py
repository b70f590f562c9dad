"""The caller's functions, checked and counted: residuals and their Jacobian, exact or by differences, within a box."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from surefit.checking import number_array
from surefit.errors import ArgumentError, DtypeError, ShapeError

from .differences import DIFFERENCES, Differences, precision_of
from .result import Trace
from .robust import Loss, Rho

HUGE = 1e150  # the squares of what is larger overflow


def real_numbers(given: Any) -> np.ndarray | None:
    """What a caller gave as a float64 array; None where it is not all real numbers (text, None, complex)."""
    try:
        return None if given is None else number_array("given", given)
    except ArgumentError:
        return None


def _kind_of(given: Any) -> str:
    complex_ = isinstance(given, (complex, np.ndarray)) and np.iscomplexobj(given)
    return "complex numbers (give real and imaginary parts as two)" if complex_ else type(given).__name__


def start_of(solver: str, x0: Any) -> np.ndarray:
    """x0 as a float64 array (n,) of its own."""
    given = real_numbers(x0)
    if given is None:
        raise DtypeError(f"{solver}: x0 must be real numbers, got {_kind_of(x0)}")
    x = given.copy()
    x = x.reshape(1) if x.ndim == 0 else x
    if x.ndim != 1 or x.size == 0:
        raise ShapeError(f"{solver}: x0 has shape {x.shape}; give the starting point as (n,), n >= 1")
    if not np.isfinite(x).all():
        where = int(np.flatnonzero(~np.isfinite(x))[0])
        raise ArgumentError(f"{solver}: x0[{where}] is {x[where]}; the starting point must be finite")
    return x


def box_of(solver: str, bounds: Any, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bounds (low, high), each a number or (n,) -> two arrays (n,) around x; None: no bounds."""
    if bounds is None:
        return np.full(x.shape, -np.inf), np.full(x.shape, np.inf)
    try:
        low, high = (np.broadcast_to(np.asarray(side, np.float64), x.shape).copy() for side in bounds)
    except (TypeError, ValueError):
        raise ShapeError(
            f"{solver}: bounds must be two, (low, high), each a number or of shape {x.shape}; +-inf is no bound"
        ) from None
    for i in np.flatnonzero(~(low <= high)):
        raise ArgumentError(f"{solver}: bounds of x[{i}] are {low[i]} and {high[i]}; the first must not be above")
    for i in np.flatnonzero((x < low) | (x > high)):
        raise ArgumentError(f"{solver}: x0[{i}] = {x[i]} is outside its bounds {low[i]} to {high[i]}; start inside")
    return low, high


class Residuals:
    """Residuals fun(x) -> (m,) and Jacobian jac(x) -> (m, n) with loss, box and counts.

    NumPy's warnings are off while the caller's functions run: what is not finite is seen and named here.
    """

    def __init__(
        self,
        solver: str,
        fun: Callable[[np.ndarray], Any],
        jac: Callable[[np.ndarray], Any] | str,
        x0: Any,
        trace: Trace,
        *,
        bounds: Any = None,
        loss: str | Rho = "linear",
        f_scale: float = 1.0,
    ) -> None:
        if not callable(fun):
            raise ArgumentError(f"{solver}: fun={fun!r} must be a function x (n,) -> residuals (m,)")
        if not callable(jac) and jac not in DIFFERENCES:
            raise ArgumentError(f"{solver}: jac={jac!r} must be a function x -> (m, n), '2-point' or '3-point'")
        self.solver, self.trace = solver, trace
        self.fun, self.jac = fun, jac
        self.x0 = start_of(solver, x0)
        self.low, self.high = box_of(solver, bounds, self.x0)
        self.loss = Loss(solver, loss, f_scale)
        self.m: int | None = None
        method = DIFFERENCES[0] if callable(jac) else str(jac)
        self.differences = Differences(method, self.residuals, self.low, self.high, self.may)

    @property
    def precision(self) -> float:
        """Of the residuals, relative: the rounding of float64, or what is known to be worse."""
        return self.differences.precision

    def may(self, count: int) -> bool:
        """Whether so many more evaluations are allowed."""
        limit = self.trace.max_evaluations
        return limit is None or self.trace.evaluations + count <= limit

    @property
    def n(self) -> int:
        """How many variables."""
        return self.x0.size

    @property
    def bounded(self) -> bool:
        """Whether any bound is finite."""
        return bool(np.isfinite(self.low).any() or np.isfinite(self.high).any())

    def residuals(self, x: np.ndarray) -> np.ndarray:
        """x (n,) -> residuals (m,), float64; they may hold NaN and infinity."""
        self.trace.evaluations += 1
        with np.errstate(all="ignore"):
            got = self.fun(x.copy())
        r = real_numbers(got)
        if r is None:
            raise DtypeError(f"{self.solver}: fun returned {_kind_of(got)}; needed are residuals (m,)")
        r = r.reshape(1) if r.ndim == 0 else r
        if r.ndim != 1 or r.size == 0:
            raise ShapeError(
                f"{self.solver}: fun returned shape {r.shape}; return the residuals as (m,), m >= 1 "
                "(not their squares, not their sum)"
            )
        if self.m is not None and r.size != self.m:
            raise ShapeError(f"{self.solver}: fun returned {r.size} residuals after {self.m} before; m may not change")
        self.m = r.size
        self.differences.precision = max(self.precision, precision_of(got))
        return r

    def cost(self, r: np.ndarray) -> float:
        """Residuals (m,) -> half the sum of their losses; infinite if any is not finite."""
        with np.errstate(all="ignore"):
            value = self.loss.cost(r) if np.isfinite(r).all() else np.inf
        return value if np.isfinite(value) else np.inf

    def fall(self, r: np.ndarray, cost: float, r_new: np.ndarray, cost_new: float) -> float:
        """How much the cost falls from r to r_new, without the cancellation of subtracting two sums of squares."""
        if self.loss.linear and np.isfinite(cost_new):
            return 0.5 * float((r - r_new) @ (r + r_new))
        return cost - cost_new

    def price_of_jacobian(self) -> int:
        """How many evaluations a Jacobian costs."""
        return 0 if callable(self.jac) else self.n * (1 if self.jac == "2-point" else 2)

    def jacobian(self, x: np.ndarray, r: np.ndarray) -> np.ndarray:
        """x (n,), residuals there -> (m, n), float64; may hold NaN and infinity."""
        self.trace.jacobians += 1
        if not callable(self.jac):
            return self.differences.jacobian(x, r)
        with np.errstate(all="ignore"):
            got = self.jac(x.copy())
        J = real_numbers(got)
        if J is None:
            raise DtypeError(f"{self.solver}: jac returned {_kind_of(got)}; needed is a matrix (m, n)")
        J = J.reshape(r.size, x.size) if J.ndim < 2 and J.size == r.size * x.size else J
        if J.shape != (r.size, x.size):
            hint = "; it is transposed" if J.shape == (x.size, r.size) else ""
            raise ShapeError(
                f"{self.solver}: jac returned shape {J.shape}; {r.size} residuals and {x.size} variables need "
                f"({r.size}, {x.size}){hint}"
            )
        return J

    def not_finite(self, x: np.ndarray, r: np.ndarray, J: np.ndarray | None = None) -> str | None:
        """A sentence that says which residual or slope is not finite at x, and what to do; None if all are."""
        where = "at the starting point" if not self.trace.history else f"after {self.trace.iterations} iterations"
        if not np.isfinite(r).all():
            i = int(np.flatnonzero(~np.isfinite(r))[0])
            count = int((~np.isfinite(r)).sum())
            return (
                f"{count} of {r.size} residuals are not finite {where}, the first is residual {i}: {r[i]}. "
                "Start elsewhere, add bounds that keep x where the residuals are finite, or leave those samples out."
            )
        if not np.isfinite(self.cost(r)):
            return (
                f"The residuals are so large {where} (up to {np.abs(r).max():.3g}) that their squares overflow. "
                "Scale them, or start closer."
            )
        if J is None or J.size == 0:
            return None
        largest = max(float(J.max()), -float(J.min()))  # nan if any slope is
        if not np.isfinite(largest):
            i, j = (int(k[0]) for k in np.nonzero(~np.isfinite(J)))
            return (
                f"The Jacobian is not finite {where}: the slope of residual {i} by x[{j}] = {x[j]:.6g} is {J[i, j]}. "
                "Start elsewhere, or add bounds that keep x where the slopes are finite."
            )
        if largest > HUGE:
            return (
                f"The slopes are so large {where} (up to {largest:.3g}) that their squares overflow. "
                "Scale variables and residuals, or start closer."
            )
        return None


def sum_of_squares(
    fun: Callable[[np.ndarray], Any],
    jac: Callable[[np.ndarray], Any],
    *,
    loss: str | Rho = "linear",
    f_scale: float = 1.0,
) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
    """Residuals fun(x) -> (m,) and Jacobian jac(x) -> (m, n) -> a function x -> (cost, gradient) for `lbfgs`.

    >>> import numpy as np
    >>> value, gradient = sum_of_squares(lambda x: x - 3.0, lambda x: np.eye(2))(np.array([1.0, 3.0]))
    >>> value, gradient.tolist()
    (2.0, [-2.0, 0.0])
    """
    robust = Loss("sum_of_squares", loss, f_scale)

    def value_and_gradient(x: np.ndarray) -> tuple[float, np.ndarray]:
        r = number_array("fun", fun(x.copy()))
        J = number_array("jac", jac(x.copy()))
        weighted, rows = robust.weighted(r, J)
        return robust.cost(r), rows.T @ weighted

    return value_and_gradient
