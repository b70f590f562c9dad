"""L-BFGS: for smooth functions of many variables, where a Jacobian would not fit.

D. C. Liu and J. Nocedal (1989), On the limited memory BFGS method for large scale optimization; J. Nocedal and
S. J. Wright (2006), Numerical optimization, algorithms 7.4 and 7.5.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from surefit.blas import one_thread
from surefit.errors import ArgumentError, DtypeError, ShapeError
from surefit.keywords import naming
from surefit.sentences import Sentence

from .differences import EPS
from .problem import real_numbers, start_of
from .result import STATUSES, Callback, Keeper, Result, Trace
from .wolfe import NOISE, strong_wolfe


class _SpentError(Exception):
    """A budget ended inside a line search."""

    def __init__(self, status: str) -> None:
        self.status = status


IDLE = 20  # iterations in a row whose fall is rounding and whose gradients are no smaller than before


class _Function:
    """The caller's function, checked and counted."""

    def __init__(self, fun: Callable[[np.ndarray], Any], trace: Trace) -> None:
        if not callable(fun):
            raise ArgumentError(f"lbfgs: fun={fun!r} must be a function x (n,) -> (value, gradient (n,))")
        self.fun, self.trace = fun, trace

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        self.trace.evaluations += 1
        self.trace.jacobians += 1
        got = self.fun(x.copy())
        if not (isinstance(got, (tuple, list)) and len(got) == 2):
            raise ShapeError(f"lbfgs: fun returned {type(got).__name__}; return a pair, (value, gradient)")
        value, gradient = (real_numbers(part) for part in got)
        if value is None or gradient is None:
            raise DtypeError("lbfgs: fun must return real numbers, (value, gradient)")
        gradient = gradient.copy()
        if value.size != 1:
            raise ShapeError(f"lbfgs: the value has shape {value.shape}; return one number (a sum over the samples)")
        gradient = gradient.reshape(1) if gradient.ndim == 0 else gradient
        if gradient.shape != x.shape:
            raise ShapeError(f"lbfgs: the gradient has shape {gradient.shape}; x has {x.shape}, and so must it")
        return float(value.reshape(())), gradient


class _Line:
    """The function along a direction from x; it keeps the gradients that it has seen."""

    def __init__(self, f: _Function, x: np.ndarray, direction: np.ndarray) -> None:
        self.f, self.x, self.direction = f, x, direction
        self.seen: dict[float, tuple[float, np.ndarray]] = {}

    def __call__(self, t: float) -> tuple[float, float]:
        """t -> value and slope at x + t direction; nan where that is still x."""
        spent = self.f.trace.spent()
        if spent is not None:
            raise _SpentError(spent)
        there = self.x + t * self.direction
        if (there == self.x).all():
            return math.nan, math.nan
        self.seen[t] = self.f(there)
        return self.seen[t][0], float(self.seen[t][1] @ self.direction)


class _Memory:
    """The last steps and changes of the gradient, which stand for the inverse of the Hessian."""

    def __init__(self, size: int) -> None:
        self.pairs: deque[tuple[np.ndarray, np.ndarray, float]] = deque(maxlen=size)
        self.scale = 1.0

    def add(self, step: np.ndarray, change: np.ndarray) -> None:
        product = float(step @ change)
        square = float(change @ change)
        if product > EPS * square and product > EPS * np.linalg.norm(step) * math.sqrt(square):
            self.pairs.append((step, change, 1.0 / product))
            self.scale = product / square

    def direction(self, gradient: np.ndarray) -> np.ndarray:
        """Minus the inverse Hessian times the gradient: the two loops of algorithm 7.4."""
        q = -gradient
        alphas = []
        for step, change, rho in reversed(self.pairs):
            alphas.append(rho * float(step @ q))
            q = q - alphas[-1] * change
        q = self.scale * q
        for (step, change, rho), alpha in zip(self.pairs, reversed(alphas), strict=True):
            q = q + (alpha - rho * float(change @ q)) * step
        return q


@naming
@one_thread()
@np.errstate(all="ignore")
def lbfgs(
    fun: Callable[[np.ndarray], Any],
    x0: Any,
    *,
    memory: int = 10,
    gtol: float = 1e-8,
    ftol: float = 0.0,
    xtol: float = 0.0,
    goal: float = -math.inf,
    max_iterations: int | None = 10_000,
    max_evaluations: int | None = None,
    time: float | None = None,
    callback: Callback | None = None,
    keeper: Keeper | None = None,
) -> Result:
    """Minimises fun from x0 by the limited-memory BFGS method with a strong Wolfe line search.

    fun: x (n,) -> (value, gradient (n,)); `sum_of_squares(residuals, jacobian)` makes one of residuals. memory: how
    many steps stand for the curvature. It stops when the largest component of the gradient is below gtol, or a step
    lowers the value by less than the fraction ftol of it, or is shorter than the fraction xtol of x, or the value is at
    the goal, or cannot be lowered for its rounding, or a budget is spent (None: no limit). callback(x, iteration) stops
    it by returning True. keeper: keeps its state, from which it goes on in another process. NumPy's warnings are off
    meanwhile.

    >>> import numpy as np
    >>> found = lbfgs(lambda x: (np.sum(x**4 - x), 4 * x**3 - 1), np.zeros(3))
    >>> found.x.round(6).tolist(), found.converged
    ([0.629961, 0.629961, 0.629961], True)
    """
    trace = Trace("lbfgs", max_iterations=max_iterations, max_evaluations=max_evaluations, time=time, callback=callback)
    x = start_of("lbfgs", x0)
    if isinstance(memory, bool) or not (isinstance(memory, (int, np.integer)) and memory >= 1):
        raise ArgumentError(f"lbfgs: memory={memory!r} must be a whole number >= 1")
    for name, tolerance in (("gtol", gtol), ("ftol", ftol), ("xtol", xtol)):
        if not (isinstance(tolerance, (int, float, np.number)) and tolerance >= 0):
            raise ArgumentError(f"lbfgs: {name}={tolerance!r} must be a number >= 0")
    if not isinstance(goal, (int, float, np.number)) or math.isnan(goal):
        raise ArgumentError(f"lbfgs: goal={goal!r} must be a number")
    f = _Function(fun, trace)
    value, gradient = f(x)
    past = _Memory(memory)
    step, length = math.nan, math.nan
    idle, lowest = 0, math.inf

    def finish(status: str, reason: Sentence | None = None) -> Result:
        return trace.finish(x, value, status, reason or STATUSES[status][1], gradient=float(np.abs(gradient).max()))

    if not (math.isfinite(value) and np.isfinite(gradient).all()):
        trace.add(x, value)
        what = f"value is {value}" if not math.isfinite(value) else "gradient is not finite"
        wrong = f"The {what} at the starting point x0: start where fun is finite."
        return finish("not_finite", Sentence(wrong, "solver-not_finite"))
    found = None if keeper is None else keeper.take()
    if found is not None:
        x = found["x"]
        value, gradient = f(x)
        past.pairs.extend(found["pairs"])
        past.scale, step, length, idle, lowest = found["rest"]
        trace.again(found["trace"])
    while True:
        if keeper is not None and trace.history and keeper.due(trace.iterations):
            rest = (past.scale, step, length, idle, lowest)
            keeper.keep({"x": x, "pairs": list(past.pairs), "rest": rest, "trace": trace.state})
        asked = trace.add(x, value, float(np.abs(gradient).max()), length, step)
        if value <= goal:
            return finish("goal")
        if np.abs(gradient).max() <= gtol:
            return finish("gradient")
        stop = asked or trace.spent()
        if stop is not None:
            return finish(stop)
        while True:
            direction = past.direction(gradient)
            slope = float(direction @ gradient)
            if not slope < 0 or not np.isfinite(direction).all():
                past = _Memory(memory)
                direction, slope = -gradient, -float(gradient @ gradient)
            first = 1.0 if past.pairs else min(1.0, 1.0 / float(np.abs(gradient).sum()))
            line = _Line(f, x, direction)
            try:
                trial, how = strong_wolfe(line, value, slope, first)
            except _SpentError as end:
                t = min(line.seen, key=lambda t: line.seen[t][0], default=0.0)
                if t > 0.0 and line.seen[t][0] < value:
                    (value, gradient), x = line.seen[t], x + t * direction
                    trace.add(x, value, float(np.abs(gradient).max()), math.nan, t)
                return finish(end.status)
            if trial is not None or not past.pairs:
                break
            past = _Memory(memory)  # the remembered curvature misleads: once more, downhill
        if trial is None:
            if how == "not_finite":
                return finish("not_finite")
            return finish("precision" if -slope * first <= 1e4 * EPS * abs(value) else "stalled")
        new_value, new_gradient = line.seen[trial.at]
        new = x + trial.at * direction
        taken, fall, before = new - x, value - new_value, value
        past.add(taken, new_gradient - gradient)
        x, value, gradient = new, new_value, new_gradient
        step, length = trial.at, float(np.linalg.norm(taken))
        if how == "unbounded":
            trace.add(x, value, float(np.abs(gradient).max()), length, step)
            return finish("unbounded")
        size = float(np.abs(gradient).max())
        if fall > NOISE * abs(before) or size <= 0.9 * lowest:
            idle, lowest = 0, min(lowest, size)
        else:
            idle += 1
        settled = None
        if idle >= IDLE or not taken.any():
            settled = "precision"
        elif ftol > 0 and fall <= ftol * abs(before):
            settled = "cost"
        elif xtol > 0 and length <= xtol * float(np.linalg.norm(x)):
            settled = "step"
        if settled is not None:
            trace.add(x, value, float(np.abs(gradient).max()), length, step)
            return finish("gradient" if np.abs(gradient).max() <= gtol else settled)
