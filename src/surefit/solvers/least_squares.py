"""Nonlinear least squares: Levenberg-Marquardt, and Gauss-Newton with a line search.

Sources: J. J. More (1978), The Levenberg-Marquardt algorithm: implementation and theory (trust region, scaling,
stopping, as in MINPACK); M. K. Transtrum and J. P. Sethna (2012), Improvements to the Levenberg-Marquardt algorithm for
nonlinear least-squares minimization (geodesic acceleration); J. Nocedal and S. J. Wright (2006), Numerical
optimization, chapters 3 and 10; M. T. Hagan and M. B. Menhaj (1994), Training feedforward networks with the Marquardt
algorithm, and MATLAB's trainlm (mu by multiplication, its defaults and reasons to stop).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from surefit.blas import one_thread
from surefit.errors import ArgumentError, ShapeError
from surefit.keywords import naming
from surefit.sentences import Sentence, say

from .damped import LINEAR_SOLVERS, Linearised, LineSearch, Marquardt, TrustRegion, column_norms
from .differences import EPS
from .problem import Residuals
from .result import STATUSES, Callback, Keeper, Result, Trace
from .robust import Rho

Function = Callable[[np.ndarray], Any]

# MATLAB's trainlm: levenberg_marquardt(fun, x0, jac, **TRAINLM), or **(TRAINLM | {"max_fail": 10})
TRAINLM: Mapping[str, Any] = MappingProxyType(
    dict(
        damping=Marquardt(mu=1e-3, mu_inc=10.0, mu_dec=0.1, mu_max=1e10, min_grad=1e-7),
        x_scale=1.0,
        ftol=0.0,
        xtol=0.0,
        gtol=0.0,
        goal=0.0,
        max_fail=6,
        max_iterations=1000,
    )
)


def _problem(
    solver: str, fun: Function, jac: Function | str, x0: Any, linear: str, tolerances: Mapping[str, float], *,
    bounds: Any, loss: str | Rho, f_scale: float, **budgets: Any,
) -> Residuals:  # fmt: skip
    """The problem with its trace, of what every solver takes; ArgumentError for what cannot be."""
    problem = Residuals(solver, fun, jac, x0, Trace(solver, **budgets), bounds=bounds, loss=loss, f_scale=f_scale)
    for name, value in tolerances.items():
        if not (isinstance(value, (int, float, np.number)) and 0 <= value < math.inf):
            raise ArgumentError(f"{solver}: {name}={value!r} must be a number >= 0")
    if linear not in LINEAR_SOLVERS:
        raise ArgumentError(f"{solver}: linear={linear!r} must be one of {', '.join(LINEAR_SOLVERS)}")
    return problem


def _with_rank(reason: Sentence, x: np.ndarray, rank: int | None) -> Sentence:
    """The reason, and that the residuals do not determine all variables, if so."""
    if rank is None or rank == x.size:
        return reason
    return say("solver-undetermined", reason=reason, rank=rank, variables=x.size)


class _Scaling:
    """D: given, or from the columns of J (never smaller than before, so that a flat spot does not free a variable)."""

    def __init__(self, solver: str, x_scale: Any, n: int) -> None:
        self.from_jacobian = isinstance(x_scale, str)
        if self.from_jacobian:
            if x_scale != "jac":
                raise ArgumentError(
                    f"{solver}: x_scale={x_scale!r} must be 'jac', a number or an array of shape ({n},)"
                )
            self.d = np.zeros(n)
            return
        try:
            scale = np.broadcast_to(np.asarray(x_scale, np.float64), (n,))
        except (TypeError, ValueError):
            raise ShapeError(f"{solver}: x_scale must be 'jac', a number or an array of shape ({n},)") from None
        if not ((scale > 0) & np.isfinite(scale)).all():
            raise ArgumentError(f"{solver}: x_scale={x_scale!r} must be > 0")
        self.d = 1.0 / scale

    def at(self, J: np.ndarray) -> np.ndarray:
        if self.from_jacobian:
            self.d = np.maximum(self.d, column_norms(J))
        return np.where(self.d > 0, self.d, 1.0)


def _projected(gradient: np.ndarray, x: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The gradient without the components that push against a bound."""
    return np.where(((x <= low) & (gradient > 0)) | ((x >= high) & (gradient < 0)), 0.0, gradient)


@naming
@one_thread()
def levenberg_marquardt(
    fun: Function,
    x0: Any,
    jac: Function | str = "2-point",
    *,
    bounds: Any = None,
    loss: str | Rho = "linear",
    f_scale: float = 1.0,
    x_scale: Any = "jac",
    damping: TrustRegion | Marquardt = TrustRegion(),  # noqa: B008 - frozen
    geodesic: bool = False,
    ftol: float = 1e-14,
    xtol: float = 1e-12,
    gtol: float = 1e-12,
    goal: float = 0.0,
    validate: Callable[[np.ndarray], float] | None = None,
    max_fail: int = 6,
    max_iterations: int | None = 1000,
    max_evaluations: int | None = None,
    time: float | None = None,
    linear: str = "auto",
    callback: Callback | None = None,
    keeper: Keeper | None = None,
    rank: bool = True,
) -> Result:
    """Minimises 1/2 sum of fun(x)^2 (or of a robust loss), from x0.

    fun: x (n,) -> residuals (m,); m may be smaller than n. jac: x -> (m, n), entry (i, j) the derivative of residual i
    by x[j]; "2-point" or "3-point" take differences (n or 2 n evaluations each, and some more where steps are looked
    for, see `surefit.solvers.differences`). bounds: (low, high), each a number or (n,); equal ones hold a variable
    fixed; fun and jac are never called outside. loss, f_scale: see `surefit.solvers.robust`. x_scale: the
    typical size of each variable, or "jac": by the columns of the Jacobian.
    damping: how steps are kept short, `TrustRegion()` or `Marquardt()`. geodesic: adds half the geodesic acceleration
    (one evaluation more an iteration; pays in narrow curved valleys).

    It stops when a step lowers the cost by less than the fraction ftol, or is shorter than the fraction xtol of x, or
    no column of J makes a cosine above gtol with the residuals, or the cost is at the goal, or the cost that
    `validate(x)` gives has been above its lowest for max_fail iterations, or a budget is spent (max_evaluations counts
    the ones for differences; time is in seconds; None: no limit). With validate, x is the point where that was lowest.
    callback(x, iteration) stops it by returning True. keeper: keeps its state, from which it goes on in another
    process; jac must then be a function.
    linear: "auto", "svd" or "qr", see `surefit.solvers.damped`. rank: whether that of the Jacobian is found at the end;
    of many variables it takes as long as several iterations.

    Residuals or a Jacobian that are not finite at x0 end it at once with status "not_finite"; later they only shorten
    the step. NumPy's warnings are off meanwhile.

    >>> import numpy as np
    >>> t = np.linspace(0, 1, 20)
    >>> found = levenberg_marquardt(lambda x: x[0] * np.exp(-x[1] * t) - 3 * np.exp(-2 * t), [1.0, 1.0])
    >>> found.x.round(6).tolist(), found.converged
    ([3.0, 2.0], True)
    """
    name = "levenberg_marquardt"
    problem = _problem(
        name, fun, jac, x0, linear, dict(ftol=ftol, xtol=xtol, gtol=gtol, goal=goal), bounds=bounds, loss=loss,
        f_scale=f_scale, max_iterations=max_iterations, max_evaluations=max_evaluations, time=time, callback=callback,
    )  # fmt: skip
    if not isinstance(damping, (TrustRegion, Marquardt)):
        raise ArgumentError(f"{name}: damping={damping!r} must be TrustRegion(...) or Marquardt(...)")
    if not (isinstance(max_fail, (int, np.integer)) and max_fail >= 1):
        raise ArgumentError(f"{name}: max_fail={max_fail!r} must be a whole number >= 1")
    if validate is not None and not callable(validate):
        raise ArgumentError(f"{name}: validate={validate!r} must be a function x -> cost, or None")
    if keeper is not None and not callable(jac):
        raise ArgumentError(f"{name}: keeper: differences remember more than is kept; give jac as a function")
    return _Descent(problem, damping, _Scaling(name, x_scale, problem.n), linear, geodesic, rank).run(
        ftol, xtol, gtol, goal, validate, max_fail, keeper
    )


@naming
@one_thread()
def gauss_newton(
    fun: Function,
    x0: Any,
    jac: Function | str = "2-point",
    *,
    bounds: Any = None,
    loss: str | Rho = "linear",
    f_scale: float = 1.0,
    line_search: LineSearch = LineSearch(),  # noqa: B008 - frozen
    ftol: float = 1e-14,
    xtol: float = 1e-12,
    gtol: float = 1e-12,
    goal: float = 0.0,
    max_iterations: int | None = 1000,
    max_evaluations: int | None = None,
    time: float | None = None,
    linear: str = "auto",
    callback: Callback | None = None,
) -> Result:
    """Minimises 1/2 sum of fun(x)^2 (or of a robust loss), from x0, by Gauss-Newton steps with a line search.

    As fast as `levenberg_marquardt` near a minimum with small residuals and a Jacobian of full rank, and needs nothing
    to be set; far from it, or where the rank is lost, prefer that. Where the Jacobian does not determine the step, the
    shortest is taken. The arguments are those of `levenberg_marquardt`.

    >>> import numpy as np
    >>> found = gauss_newton(lambda x: np.array([10 * (x[1] - x[0] ** 2), 1 - x[0]]), [-1.2, 1.0])
    >>> found.x.round(6).tolist(), found.converged
    ([1.0, 1.0], True)
    """
    name = "gauss_newton"
    problem = _problem(
        name, fun, jac, x0, linear, dict(ftol=ftol, xtol=xtol, gtol=gtol, goal=goal), bounds=bounds, loss=loss,
        f_scale=f_scale, max_iterations=max_iterations, max_evaluations=max_evaluations, time=time, callback=callback,
    )  # fmt: skip
    if not isinstance(line_search, LineSearch):
        raise ArgumentError(f"{name}: line_search={line_search!r} must be LineSearch(...)")
    return _Descent(problem, line_search, _Scaling(name, "jac", problem.n), linear, False).run(
        ftol, xtol, gtol, goal, None, 1
    )


class _Descent:
    """One run of Levenberg-Marquardt: the point, its residuals and Jacobian, and the state of the damping."""

    def __init__(
        self,
        problem: Residuals,
        damping: TrustRegion | Marquardt | LineSearch,
        scaling: _Scaling,
        linear: str,
        geodesic: bool,
        ranked: bool = True,
    ) -> None:
        self.problem, self.damping, self.scaling = problem, damping, scaling
        self.linear, self.geodesic, self.ranked = linear, geodesic, ranked
        if not scaling.from_jacobian:
            problem.differences.typical = 1.0 / scaling.d
        self.trace = problem.trace
        self.x = problem.x0
        self.r = problem.residuals(self.x)
        self.cost = problem.cost(self.r)
        self.J: np.ndarray | None = None

    def finish(self, status: str, reason: Sentence | None = None, x: np.ndarray | None = None) -> Result:
        p, rank, slope = self.problem, None, math.nan
        if x is not None and x is not self.x:  # an earlier point, of the lowest validation cost
            self.x, self.r, self.J = x, p.residuals(x), None
            self.cost = p.cost(self.r)
        if self.J is not None and np.isfinite(self.J).all() and np.isfinite(self.cost):
            r, J = p.loss.weighted(self.r, self.J)
            slope = float(np.abs(_projected(r @ J, self.x, p.low, p.high)).max())
            if self.ranked:
                norms = column_norms(J)
                rank = Linearised(J, r, np.where(norms > 0, norms, 1.0), self.linear).rank()
        if p.differences.doubt.any() and status in ("gradient", "cost", "step", "precision"):
            status = "stalled"  # what looks like a minimum is one of a Jacobian that says nothing
        if reason is None:
            singular = status == "stalled" and isinstance(self.damping, LineSearch)
            reason = say("solver-singular") if singular else STATUSES[status][1]
        reason = _with_rank(reason, self.x, rank)
        return self.trace.finish(self.x, self.cost, status, reason, residuals=self.r, gradient=slope, rank=rank)

    def flat(self, model: Linearised) -> str | None:
        """The status if the residuals depend on no variable that may move."""
        free = self.problem.low < self.problem.high
        return "flat" if free.any() and not model.columns[free].any() else None

    def stationary(self, model: Linearised, gtol: float) -> str | None:
        """The status if no variable that can move has a slope."""
        p = self.problem
        projected = np.abs(_projected(model.gradient, self.x, p.low, p.high))
        if isinstance(self.damping, Marquardt) and float(np.linalg.norm(projected)) <= self.damping.min_grad:
            return "gradient"
        norms = model.columns * float(np.linalg.norm(model.residuals))
        return "gradient" if (projected <= max(gtol, EPS) * norms).all() else None

    @np.errstate(all="ignore")
    def run(
        self,
        ftol: float,
        xtol: float,
        gtol: float,
        goal: float,
        validate: Callable[[np.ndarray], float] | None,
        max_fail: int,
        keeper: Keeper | None = None,
    ) -> Result:
        p, trace = self.problem, self.trace
        wrong = p.not_finite(self.x, self.r)
        if wrong is not None:
            trace.add(self.x, self.cost)
            return self.finish("not_finite", Sentence(wrong, "solver-not_finite"))
        found = None if keeper is None else keeper.take()
        fails, step, state = 0, math.nan, math.nan
        if found is None:
            lowest = (math.inf if validate is None else float(validate(self.x.copy())), self.x)
        else:
            lowest = self.again(found)
            fails, step, state = found["rest"]
        stop: str | None = None
        while True:
            if keeper is not None and stop is None and trace.history and keeper.due(trace.iterations):
                keeper.keep({
                    "x": self.x, "scale": self.scaling.d, "lowest": lowest, "rest": (fails, step, state),
                    "trace": trace.state,
                })  # fmt: skip
            limit = trace.max_evaluations
            if limit is not None and trace.evaluations + p.price_of_jacobian() > limit:
                self.J = None
                trace.add(self.x, self.cost, math.nan, step, state)
                return self.finish(stop or ("zero" if self.cost == 0.0 else "max_evaluations"))
            self.J = p.jacobian(self.x, self.r)
            wrong = p.not_finite(self.x, self.r, self.J)
            if wrong is not None:
                trace.add(self.x, self.cost, math.nan, step, state)
                return self.finish("not_finite", Sentence(wrong, "solver-not_finite"))
            r, J = p.loss.weighted(self.r, self.J)
            scale = self.scaling.at(J)
            model = Linearised(J, r, scale, self.linear)
            if not trace.history:
                state = self.damping.first(self.x, scale)
            slope = float(np.abs(_projected(model.gradient, self.x, p.low, p.high)).max())
            if validate is not None and trace.history:  # before the callback hears of x
                now = float(validate(self.x.copy()))
                if now < lowest[0]:
                    lowest, fails = (now, self.x), 0
                elif now > lowest[0] or math.isnan(now):
                    fails += 1
            asked = trace.add(self.x, self.cost, slope, step, state)
            if self.cost == 0.0:
                return self.finish("zero")
            if self.cost <= goal:
                return self.finish("goal")
            best = lowest[1] if validate is not None else None
            stop = stop or self.flat(model) or self.stationary(model, gtol)
            if stop is None and fails >= max_fail:
                stop = "validation"
            stop = stop or asked or trace.spent()
            if stop is not None:
                return self.finish(stop, x=best)
            stop, state, step = self.iterate(model, state, ftol, xtol)
            if stop is not None and math.isnan(step):  # no step was taken: J is still that of x
                return self.finish(stop, x=best)

    def again(self, found: Mapping[str, Any]) -> tuple[float, np.ndarray]:
        """Go on from a state that was kept: the lowest validation cost and where it was."""
        self.x = found["x"]
        self.r = self.problem.residuals(self.x)
        self.cost = self.problem.cost(self.r)
        self.scaling.d = found["scale"]
        self.trace.again(found["trace"])
        value, x = found["lowest"]
        return value, self.x if np.array_equal(x, self.x) else x

    def iterate(self, model: Linearised, state: float, ftol: float, xtol: float) -> tuple[str | None, float, float]:
        """Steps from x until one is accepted -> (status to stop with or None, damping, |D step| or nan for none)."""
        p, trace, scale = self.problem, self.trace, model.scale
        size = float(np.linalg.norm(scale * self.x))
        noise = self.noise(model)
        finite = False  # whether any point tried was
        untried = trace.iterations == 0 and isinstance(self.damping, TrustRegion)  # the first radius
        promised = math.nan  # the fall that the model predicts for the first step, before it is cut
        while True:
            mu, step = self.propose(state, model)
            x_new = self.moved(step)
            taken = x_new - self.x
            length = float(np.linalg.norm(scale * taken))
            predicted = model.predicted(step)
            if untried and mu > 0.0:
                visible = max(noise, 1e-6 * self.cost)
                if predicted <= visible < 1e-2 * model.predicted(model.damped(0.0)[0]):
                    state *= 10.0  # the first radius is made of x0, which is so small that nothing would be seen
                    continue
            untried = False
            promised = predicted if math.isnan(promised) else promised
            if not taken.any() or predicted <= EPS * noise:
                return self.at_rest(finite, promised, noise), state, math.nan
            if self.geodesic:
                x_new = self.accelerate(model, mu, step, x_new)
            r_new = p.residuals(x_new)
            cost_new = p.cost(r_new)
            finite = finite or math.isfinite(cost_new)
            fall = p.fall(self.r, self.cost, r_new, cost_new)
            ratio = fall / predicted
            part = state if isinstance(self.damping, LineSearch) else 1.0  # of the step that the model asks for
            accepted, state = self.damping.judge(state, mu, ratio, length, fall, float(model.gradient @ step))
            if accepted:
                settled = fall <= ftol * self.cost and promised <= ftol * self.cost and ratio <= 2.0
                self.x, self.r, self.cost = x_new, r_new, cost_new
                if settled:
                    return "cost", state, length
                return ("step" if length <= part * xtol * (xtol + size) else None), state, length
            stop = self.damping.exhausted(state) or trace.spent()
            if stop is not None:
                return stop, state, math.nan
            if isinstance(self.damping, Marquardt):
                continue
            if predicted <= noise or length <= EPS * size:
                return self.at_rest(finite, promised, noise), state, math.nan
            if finite and length <= xtol * (xtol + size):
                tiny = "step" if length > xtol * size else self.at_rest(finite, promised, noise)
                return tiny, state, math.nan

    def moved(self, step: np.ndarray) -> np.ndarray:
        """x + step, inside the box, and exactly on a bound where the step goes as far as that."""
        p = self.problem
        x_new = self.x + step
        if not p.bounded:
            return x_new
        return np.where(step <= p.low - self.x, p.low, np.where(step >= p.high - self.x, p.high, x_new))

    def noise(self, model: Linearised) -> float:
        """Differences of the cost up to this are rounding: of the cost, and of x through the slopes."""
        eps = self.problem.precision
        shake = eps * float(model.columns @ np.abs(self.x))
        return 10.0 * (eps * self.cost + shake * float(np.linalg.norm(model.residuals)) + shake**2)

    def at_rest(self, finite: bool, promised: float, noise: float) -> str:
        """Why no step helps: because there is nothing to gain, or because the model is not true."""
        if promised <= 1e3 * noise:
            return "precision"
        return "stalled" if finite else "not_finite"

    def propose(self, state: float, model: Linearised) -> tuple[float, np.ndarray]:
        p = self.problem
        if not p.bounded:
            return self.damping.propose(state, model)
        low, high = p.low - self.x, p.high - self.x
        pushed = ((low == 0.0) & (model.gradient > 0)) | ((high == 0.0) & (model.gradient < 0)) | (low == high)
        mu = state if isinstance(self.damping, Marquardt) else 0.0
        if isinstance(self.damping, TrustRegion) and not pushed.all():
            free = model.within(~pushed, np.zeros_like(self.x))
            mu, step = self.damping.propose(state, free)
            whole = np.zeros_like(self.x)
            whole[~pushed] = step
            if ((whole >= low) & (whole <= high)).all() and not pushed.any():
                return mu, whole
        part = state if isinstance(self.damping, LineSearch) else 1.0
        return mu, part * model.boxed(mu, low, high)

    def accelerate(self, model: Linearised, mu: float, step: np.ndarray, x_new: np.ndarray) -> np.ndarray:
        """The new point with half the geodesic acceleration added, where that is short beside the step, and inside.

        h = 0.1 and the limit 0.75 are those of Transtrum and Sethna; the second derivative of the residuals along the
        step is a difference quotient.
        """
        p, h = self.problem, 0.1
        near = p.residuals(self.x + h * (x_new - self.x))
        if self.J is None or not np.isfinite(near).all():
            return x_new
        bend = (2.0 / h) * ((near - self.r) / h - self.J @ step)
        bend = p.loss.weighted(self.r, bend[:, None])[1][:, 0]
        free = (x_new > p.low) & (x_new < p.high)
        a = np.zeros_like(step)
        if free.all():
            a = model.again(mu, bend @ model.jacobian)
        elif free.any():
            a[free] = model.within(free, a).again(mu, bend @ model.jacobian[:, free])
        bent = x_new + 0.5 * a
        short = 2.0 * np.linalg.norm(model.scale * a) <= 0.75 * np.linalg.norm(model.scale * step)
        return bent if short and ((bent >= p.low) & (bent <= p.high)).all() else x_new
