"""Variable projection: the linear part of a network is always at its optimum, only the rest is searched.

Separable least squares (Golub and Pereyra 1973): for every theta the output layer c(theta) is the least-squares
solution of features(theta) c = y, so the residual is a function of theta alone. Its Jacobian, without the term that
Kaufman (1975) showed may be left out, is (I - U U^T) times the Jacobian of features(theta) @ c with c held fixed, where
U spans the features. The step is Levenberg and Marquardt's, from the QR decomposition of that Jacobian stacked on the
damping: nothing is squared, which is what lets residuals fall to 1e-13.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from surefit.blas import one_thread
from surefit.checking import number_array
from surefit.errors import ArgumentError, DtypeError, ShapeError
from surefit.keywords import naming
from surefit.sentences import Sentence, say

from .damped import products
from .features import decompose, shares
from .problem import real_numbers
from .result import Callback, Keeper, Result, Trace

DAMPING, EASIER, HARDER = 1e-2, 1 / 5, 4.0  # mu at the start, after a step that helped, after one that did not
LEAST, MOST = 1e-16, 1e12
NORMAL = 1e-8  # mu from which on the normal equations of many rows are solved
NEARLY_WHOLE = 1e-10  # of the square of a column: with less left of it a projection is made twice
TALL = 1000  # rows of a Jacobian from which on a QR decomposition takes most of the time


@dataclass(frozen=True, kw_only=True, eq=False)
class VarPro(Result):
    """What `varpro` found. x: theta. output (h, k): the linear part. rank: of the features, at most h.

    norm: the largest sum of absolute values in a column of it. score: the largest weighted residual plus roundoff
    times the norm. validation: the best value of `validate`, nan without one.
    """

    output: np.ndarray
    norm: float
    score: float
    validation: float = math.nan

    @property
    def _columns(self) -> int:
        return len(self.output)


@dataclass
class _Point:
    """theta with everything that is known there."""

    theta: np.ndarray
    cost: float
    u: np.ndarray
    c: np.ndarray
    residuals: np.ndarray  # (m, k), weighted
    rank: int
    score: float


@naming
@one_thread()
def varpro(
    features: Callable[[np.ndarray], np.ndarray],
    jacobian: Callable[[np.ndarray, np.ndarray], np.ndarray],
    theta: np.ndarray,
    y: np.ndarray,
    *,
    weights: np.ndarray | None = None,
    rcond: float = 1e-14,
    ridge: float = 0.0,
    constant: bool = True,
    roundoff: float = 2.0**-53,
    keep: str = "cost",
    goal: float | None = None,
    ftol: float = 1e-8,
    validate: Callable[[np.ndarray, np.ndarray], float] | None = None,
    max_fail: int = 6,
    max_iterations: int | None = 100,
    max_evaluations: int | None = None,
    time: float | None = None,
    callback: Callback | None = None,
    keeper: Keeper | None = None,
) -> VarPro:
    """Minimise 0.5 * sum weights * (features(theta) @ c - y)^2 over theta and c.

    Args:
        features: theta (p,) -> (m, h). A constant, if one is wanted, is a column of ones at the end.
        jacobian: theta (p,), c (h, k) -> (m, k, p), the derivative of features(theta) @ c with c held fixed.
        y: (m, k). weights: of its rows, (m,).
        rcond: singular values of the features below this share of the largest are left out.
        ridge: on c, relative to the mean square of a singular value at the start; constant: the last
            column is the constant and is not penalised.
        roundoff: of the machine that the answer is for; it makes up the score: the largest weighted residual plus
            roundoff times the largest sum of |c| of an output.
        keep: which of the points on the way is returned, that of the lowest "cost" or of the lowest "score".
        goal: stop when the score is so small. ftol: stop when a step lowers the cost by less than this share of it.
        validate: (theta, c) -> a cost on other data; x is then where that was lowest, and max_fail iterations without a
            lower one end the search.
        keeper: keeps its state, from which it goes on in another process.

    Returns:
        The best point, as `keep` or `validate` has it.

    Raises:
        ShapeError, ArgumentError, DtypeError: shapes do not fit, y or the features at the start are not finite, or an
            option is outside its range.
    """
    theta, y = _checked(theta, y, features, jacobian, keep, max_fail, dict(ridge=ridge, rcond=rcond, ftol=ftol))
    trace = Trace(
        "varpro", max_iterations=max_iterations, max_evaluations=max_evaluations, time=time, callback=callback
    )
    problem = _Separable(features, y, weights, rcond, ridge, constant, roundoff)
    trace.evaluations += 1
    start = problem.at(theta)
    if start is None:
        raise ArgumentError("varpro: the features are not finite at the start")
    search = _Search(problem, jacobian, trace, start, goal, ftol, keep, validate, max_fail)
    found, stop = None if keeper is None else keeper.take(), None
    if found is None:
        stop = search.begin()
    else:
        search.again(found)
    while stop is None:
        if keeper is not None and trace.iterations and keeper.due(trace.iterations):
            keeper.keep(search.state)
        stop = search.iteration()
    return search.result(stop)


def _checked(
    theta: Any, y: Any, features: Any, jacobian: Any, keep: str, max_fail: Any, numbers: dict[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    """theta and y as arrays of their own; the errors of `varpro` for what it cannot take."""
    given = [real_numbers(theta), real_numbers(y)]
    if given[0] is None or given[1] is None:
        raise DtypeError("varpro: theta (p,) and y (m, k) must be real numbers")
    theta, y = given[0].copy(), given[1]
    if theta.ndim != 1 or y.ndim != 2 or len(y) == 0:
        raise ShapeError(f"varpro: theta {theta.shape} and y {y.shape} must be (p,) and (m, k) with m >= 1 rows")
    if keep not in ("cost", "score"):
        raise ArgumentError(f"varpro: keep={keep!r} must be 'cost' or 'score'")
    if isinstance(max_fail, bool) or not isinstance(max_fail, (int, np.integer)) or max_fail < 1:
        raise ArgumentError(f"varpro: max_fail={max_fail!r} must be a whole number >= 1")
    for name, function in (("features", features), ("jacobian", jacobian)):
        if not callable(function):
            raise ArgumentError(f"varpro: {name}={function!r} must be a function of theta")
    for name, value in numbers.items():
        end = 1.0 if name == "rcond" else math.inf
        if not (isinstance(value, (int, float, np.number)) and 0 <= value < end):
            limit = f" and < {end:g}" if math.isfinite(end) else ""
            raise ArgumentError(f"varpro: {name}={value!r} must be a number >= 0{limit}")
    if not np.isfinite(y).all():
        where = ", ".join(str(i) for i in np.argwhere(~np.isfinite(y))[0])
        raise ArgumentError(f"varpro: y[{where}] is not finite; leave such rows out")
    return theta, y


@dataclass
class _Search:
    """Where the search is, and the best point on its way."""

    problem: _Separable
    jacobian: Callable[[np.ndarray, np.ndarray], np.ndarray]
    trace: Trace
    here: _Point
    goal: float | None
    ftol: float
    keep: str
    validate: Callable[[np.ndarray, np.ndarray], float] | None
    max_fail: int

    def __post_init__(self) -> None:
        self.best, self.unseen, self.since = self.here, math.inf, 0
        self.mu, self.slope = DAMPING, math.nan
        self.reason: Sentence | None = None
        self.longest = np.zeros(len(self.here.theta))  # of each column of the Jacobian so far

    def begin(self) -> str | None:
        """Why it ends at its start, if so."""
        if self.validate is not None:
            self.unseen = float(self.validate(self.here.theta, self.here.c))
        return self.trace.add(self.here.theta, self.here.cost) or _enough(self.best, self.goal)

    @property
    def state(self) -> dict[str, Any]:
        """What another process needs to go on from here."""
        rest = (self.unseen, self.since, self.mu, self.slope)
        places = {"here": self.here.theta, "best": self.best.theta, "longest": self.longest}
        return {**places, "rest": rest, "trace": self.trace.state}

    def again(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.here, self.best = self.problem.again(state["here"]), self.problem.again(state["best"])
        self.unseen, self.since, self.mu, self.slope = state["rest"]
        self.longest = np.array(state.get("longest", self.longest), np.float64)  # checkpoints of old have none
        self.trace.again(state["trace"])

    def iteration(self) -> str | None:
        """To a point of less cost; why the search ends, if so."""
        here, trace = self.here, self.trace
        trace.jacobians += 1
        j = self.problem.project(here, number_array("jacobian", self.jacobian(here.theta, here.c)))
        steps = _Steps(j, here.residuals.reshape(-1), self.longest)
        self.longest = steps.longest
        self.slope = float(np.abs(steps.gradient).max(initial=0.0))
        if not math.isfinite(self.slope):
            self.reason = say("solver-jacobian", iterations=trace.iterations)
            return "not_finite"
        if self.slope <= 1e-15 * math.sqrt(2 * here.cost):
            return "gradient"
        there, step, stop = self.less(steps)
        if there is None:
            return stop
        self.here = there
        self.look(there)
        return (
            trace.add(there.theta, there.cost, self.slope, float(np.linalg.norm(step)), self.mu)
            or _enough(there, self.goal)
            or ("validation" if self.validate is not None and self.since >= self.max_fail else None)
            or ("cost" if 1.0 - there.cost / here.cost < self.ftol else None)
            or stop
            or trace.spent()
        )

    def less(self, steps: _Steps) -> tuple[_Point | None, np.ndarray, str | None]:
        """A point of less cost, by more and more damping, with the step to it; None, and why there is none."""
        while True:
            step = steps(self.mu)
            self.trace.evaluations += 1
            there = self.problem.at(self.here.theta - step)
            if there is not None and not there.cost < self.here.cost:
                there = None
            self.mu = max(LEAST, self.mu * EASIER) if there is not None else self.mu * HARDER
            stop = self.trace.spent()
            if there is not None:
                return there, step, stop
            if self.mu > MOST:
                stop = "precision"
            if stop is not None:
                return None, step, stop

    def look(self, there: _Point) -> None:
        """Keep a point that is better than the best."""
        self.since += 1
        if self.validate is not None:
            now = float(self.validate(there.theta, there.c))
            if now < self.unseen:
                self.best, self.unseen, self.since = there, now, 0
        elif self.keep == "cost" or there.score < self.best.score:
            self.best = there

    def result(self, stop: str) -> VarPro:
        """The best point."""
        best = self.best
        return self.trace.finish(
            best.theta, best.cost, stop, self.reason, kind=VarPro, residuals=best.residuals.reshape(-1),
            gradient=self.slope, rank=best.rank, output=best.c, norm=float(np.abs(best.c).sum(axis=0).max(initial=0.0)),
            score=best.score, validation=self.unseen if self.validate is not None else math.nan,
        )  # fmt: skip


def _enough(point: _Point, goal: float | None) -> str | None:
    if point.cost == 0.0:
        return "zero"
    return "goal" if goal is not None and point.score <= goal else None


@dataclass
class _Separable:
    """The residuals as a function of theta alone."""

    features: Callable[[np.ndarray], np.ndarray]
    y: np.ndarray
    weights: np.ndarray | None
    rcond: float
    ridge: float
    constant: bool
    roundoff: float

    def __post_init__(self) -> None:
        self.root = np.sqrt(shares(self.weights, len(self.y), "varpro"))[:, None]
        self.ridge_rows: np.ndarray | None = None

    def at(self, theta: np.ndarray) -> _Point | None:
        """Everything at theta; None where the features are not finite."""
        with np.errstate(all="ignore"):
            phi = number_array("features", self.features(theta))
        if phi.ndim != 2 or len(phi) != len(self.y):
            raise ShapeError(f"varpro: features of shape {phi.shape}; needed ({len(self.y)}, h)")
        if not np.isfinite(phi).all():
            return None
        a, b = phi * self.root, self.y * self.root
        if self.ridge > 0.0:  # the ridge as further rows
            if self.ridge_rows is None:  # of one size throughout, or the cost would change from step to step
                size = math.sqrt(self.ridge * float((a * a).sum()) / max(1, min(a.shape)))
                self.ridge_rows = np.full(a.shape[1], size)
                self.ridge_rows[-1] *= not self.constant
            a = np.concatenate([a, np.diag(self.ridge_rows)])
            b = np.concatenate([b, np.zeros((a.shape[1], b.shape[1]))])
        u, s, vt = decompose(a)
        kept = s > self.rcond * s[0] if len(s) else s > 0
        u = u[:, kept]
        projected = u.T @ b
        c = vt[kept].T @ (projected / s[kept][:, None])
        residuals = a @ c - b
        score = float(np.abs(residuals[: len(self.y)]).max()) + self.roundoff * float(np.abs(c).sum(axis=0).max())
        return _Point(theta, 0.5 * float((residuals**2).sum()), u, c, residuals, int(kept.sum()), score)

    def again(self, theta: np.ndarray) -> _Point:
        """Everything at a point where it was finite."""
        point = self.at(theta)
        if point is None:
            raise ArgumentError("varpro: keeper: its state is not of these features")
        return point

    def project(self, point: _Point, jacobian: np.ndarray) -> np.ndarray:
        """Kaufman's Jacobian of the residuals, (m k, p), the rows of a ridge included."""
        m, k = self.y.shape
        if jacobian.shape != (m, k, len(point.theta)):
            raise ShapeError(f"varpro: jacobian of shape {jacobian.shape}; needed ({m}, {k}, {len(point.theta)})")
        rows = len(point.residuals)
        full = np.empty((rows, k * len(point.theta)))
        full[m:] = 0.0
        np.multiply(jacobian, self.root[:, :, None], out=full[:m].reshape(jacobian.shape))
        before = _squares(full)
        full -= point.u @ (point.u.T @ full)
        if (_squares(full) < NEARLY_WHOLE * before).any():  # the first leaves rounding of the size of the columns
            full -= point.u @ (point.u.T @ full)
        return full.reshape(rows * k, -1)


class _Steps:
    """Steps of Levenberg and Marquardt from one point, by the Jacobian j (q, p), its columns scaled to norm 1, and r.

    Columns are scaled by the longest that each has been (`least`, then `longest`), as More does it (1978, The
    Levenberg-Marquardt algorithm: implementation and theory): else a unit that no longer changes anything at the rows,
    whose column is next to nothing, would be sent as far as floats go, and be a jump between two of them.

    With many rows, and so much damping that the normal equations lose little, they are solved, at a quarter of the
    cost: their rounding is 1e-14 of the largest eigenvalue, and so 1e-6 of the least, or less. Else by a QR
    decomposition, which costs little where rows are few.
    """

    def __init__(self, j: np.ndarray, r: np.ndarray, least: np.ndarray) -> None:
        self.j, self.r = j, r
        self.gram = products(j) if len(j) >= TALL else None
        squares = _squares(j) if self.gram is None else np.diag(self.gram)
        self.longest = np.maximum(np.sqrt(squares), least)
        self.norms = np.where(self.longest > 0.0, self.longest, 1.0)
        self.qr = None
        if self.gram is None:
            self.qr = _triangle(j / self.norms, r)
            self.gradient = self.qr[0].T @ self.qr[1]
        else:
            self.gram /= self.norms
            self.gram /= self.norms[:, None]
            self.gradient = (r @ j) / self.norms

    def __call__(self, mu: float) -> np.ndarray:
        """The step that minimises |J p - r|^2 + mu |p|^2 in scaled variables, in those of theta."""
        if self.gram is not None and mu >= NORMAL:
            damped = self.gram.copy()
            damped[np.diag_indices(len(damped))] += mu
            return np.asarray(np.linalg.solve(damped, self.gradient) / self.norms)
        if self.qr is None:
            self.qr = _triangle(self.j / self.norms, self.r)
        return np.asarray(_damped(*self.qr, mu) / self.norms)


def _squares(a: np.ndarray) -> np.ndarray:
    """The sum of squares of each column."""
    return np.asarray(np.einsum("ij,ij->j", a, a))


def _upper(a: np.ndarray) -> np.ndarray:
    """The triangle of a QR decomposition."""
    return np.asarray(np.linalg.qr(a, mode="r"))


def _triangle(j: np.ndarray, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """R (q, p) of j = Q R, and Q^T r, by one decomposition of both side by side."""
    joined = _upper(np.concatenate([j, r[:, None]], axis=1))
    rows = min(j.shape[1], len(joined))
    return joined[:rows, :-1], joined[:rows, -1]


def _damped(triangle: np.ndarray, right: np.ndarray, mu: float) -> np.ndarray:
    """The step p that minimises |R p - Q^T r|^2 + mu |p|^2, from the QR decomposition of the stacked system.

    Of fewer rows than weights it lies in what the rows span: p = R^T z with (R R^T + mu) z = Q^T r, by the QR
    decomposition of R^T with the damping below it. Such seminormal equations are as exact for a step of least norm
    (Björck 1996, Numerical methods for least squares problems, section 6.6), and cost a square of the rows, not a cube
    of the weights.
    """
    rows, p = triangle.shape
    if rows < p:
        upper = _upper(np.concatenate([triangle.T, math.sqrt(mu) * np.eye(rows)]))
        try:
            return triangle.T @ np.linalg.solve(upper, np.linalg.solve(upper.T, right))
        except np.linalg.LinAlgError:
            return np.linalg.lstsq(triangle, right, rcond=None)[0]
    stacked = np.concatenate([triangle, math.sqrt(mu) * np.eye(p)])
    joined = _upper(np.concatenate([stacked, np.concatenate([right, np.zeros(p)])[:, None]], axis=1))
    upper, rest = joined[:p, :-1], joined[:p, -1]
    try:
        return np.linalg.solve(upper, rest)
    except np.linalg.LinAlgError:
        return np.linalg.lstsq(upper, rest, rcond=None)[0]


__all__ = ["VarPro", "varpro"]
