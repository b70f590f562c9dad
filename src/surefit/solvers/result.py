"""What every solver gives back, and the book it keeps while it works: history, counts, budgets, the reason it stopped.

trace = Trace("varpro", max_iterations=100, max_evaluations=None, time=2.0, callback=None)
while True:
    ...
    trace.evaluations += 1                        # one for every residual computed
    stop = trace.add(x, cost, gradient=..., step=..., damping=...) or trace.spent()
    if stop is not None:
        return trace.finish(x, cost, stop)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, TypeVar

import numpy as np

from surefit.errors import ArgumentError

# status -> (whether the answer can be relied on, the sentence; a sentence of the other kind says what to do)
STATUSES: dict[str, tuple[bool, str]] = {
    "gradient": (True, "The gradient is zero to within gtol: this is a stationary point, normally a minimum."),
    "cost": (True, "The last step lowered the cost by less than the fraction ftol of it, as the model foretold."),
    "step": (True, "The last step was shorter than the fraction xtol of x."),
    "zero": (True, "The residuals are zero: nothing is left to fit."),
    "goal": (True, "The cost fell to the goal."),
    "scanned": (True, "Every scale was tried; this is the best of them."),
    "precision": (
        True,
        "No step lowers the cost any more: what is left is the rounding of the numbers. Scale variables and residuals "
        "to about 1, or compute in float64, if more digits are needed.",
    ),
    "max_iterations": (
        False,
        "max_iterations was spent before the cost settled: raise it, start closer, or scale the variables.",
    ),
    "max_evaluations": (
        False,
        "max_evaluations was spent before the cost settled: raise it, give the exact Jacobian (differences cost one "
        "evaluation a variable), or start closer.",
    ),
    "time": (False, "The time was spent before the cost settled: raise time=, or start closer."),
    "callback": (False, "The callback asked to stop; x is the best point so far."),
    "validation": (
        True,
        "The validation cost has risen max_fail times: more steps would fit the noise; x is the point where it was "
        "lowest.",
    ),
    "damping": (
        False,
        "The damping mu reached its largest value without lowering the cost: x is at a minimum to within the accuracy "
        "of the Jacobian, or the Jacobian is wrong; compare it with differences.",
    ),
    "stalled": (
        False,
        "No step in a direction of descent lowers the cost, although the slope says it should: the gradient or "
        "Jacobian is wrong (compare it with differences), the function jumps, or its rounding hides the fall.",
    ),
    "flat": (
        False,
        "The Jacobian is zero: at x the residuals do not depend on any variable. Start elsewhere; if that is no help, "
        "see whether fun uses x, and compare the Jacobian with differences.",
    ),
    "not_finite": (
        False,
        "Every step ended where the residuals are NaN or infinite: add bounds that keep x where they are finite, or "
        "start elsewhere.",
    ),
    "unbounded": (False, "The function falls without limit: it has no minimum; check its sign, or add a penalty."),
}


@dataclass(frozen=True, slots=True)
class Iteration:
    """One iteration: its number (0 is the start), the cost after it, and how it came about.

    gradient: norm of the gradient (the largest absolute component, in the solver's scaling); step: length of the step
    taken; damping: mu, radius or step length, whichever the solver has; nan where it has none. evaluations and seconds
    count from the start.
    """

    number: int
    cost: float
    gradient: float = math.nan
    step: float = math.nan
    damping: float = math.nan
    evaluations: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Result:
    """The answer of a solver.

    x (n,): the best point found; cost: the value there (half the sum of squared residuals, or what stands in for it);
    status: one word, a key of `STATUSES`; reason: the same as a sentence that says what to do about it;
    residuals (m,): at x, None for a solver that has none; gradient: its largest absolute component at x;
    rank: of the Jacobian at x, None if not known; iterations, evaluations (of residuals or the function), jacobians
    (or gradients), seconds: what it cost; history: one `Iteration` each, the first is the start.
    """

    solver: str
    x: np.ndarray
    cost: float
    status: str
    reason: str
    iterations: int
    evaluations: int
    jacobians: int
    seconds: float
    history: tuple[Iteration, ...] = field(default=(), repr=False)
    residuals: np.ndarray | None = field(default=None, repr=False)
    gradient: float = math.nan
    rank: int | None = None

    @property
    def _columns(self) -> int:
        """How large the rank can be."""
        return len(self.x)

    @property
    def converged(self) -> bool:
        """Whether it stopped because the answer was found, not because something ran out or went wrong."""
        return STATUSES[self.status][0]

    def __str__(self) -> str:
        end = "converged" if self.converged else "not converged"
        rank = "" if self.rank is None or self.rank == self._columns else f", rank {self.rank} of {self._columns}"
        return (
            f"{self.solver}: {end}, cost {self.cost:.6g}, largest slope {self.gradient:.3g}{rank}\n"
            f"{self.iterations} iterations, {self.evaluations} evaluations, {self.jacobians} Jacobians, "
            f"{self.seconds:.3g} s\n{self.reason}"
        )


# called after every iteration with (x, iteration); stops the solver by returning True
Callback = Callable[[np.ndarray, Iteration], Any]
AResult = TypeVar("AResult", bound=Result)


class Trace:
    """The book of one solve: counts, clock, history, budgets; makes the result.

    max_iterations, max_evaluations, time (seconds) end the solve; None: no limit. callback(x, iteration) is called
    after every iteration with a copy of x; it stops the solve by returning True.
    """

    def __init__(
        self,
        solver: str,
        *,
        max_iterations: int | None = None,
        max_evaluations: int | None = None,
        time: float | None = None,
        callback: Callback | None = None,
    ) -> None:
        for name, value in (("max_iterations", max_iterations), ("max_evaluations", max_evaluations)):
            whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
            if value is not None and not (whole and value >= 1):
                raise ArgumentError(f"{solver}: {name}={value!r} must be a whole number >= 1, or None for no limit")
        if time is not None and not (isinstance(time, (int, float, np.number)) and time > 0):
            raise ArgumentError(f"{solver}: time={time!r} must be a number of seconds > 0, or None for no limit")
        if callback is not None and not callable(callback):
            raise ArgumentError(f"{solver}: callback={callback!r} must be a function of (x, iteration), or None")
        self.solver = solver
        self.max_iterations = max_iterations
        self.max_evaluations = max_evaluations
        self.time = time
        self.callback = callback
        self.start = perf_counter()
        self.evaluations = 0
        self.jacobians = 0
        self.history: list[Iteration] = []

    @property
    def iterations(self) -> int:
        """How many iterations are in the book, the start not counted."""
        return max(0, len(self.history) - 1)

    @property
    def seconds(self) -> float:
        """Since the trace was made."""
        return perf_counter() - self.start

    def add(
        self, x: np.ndarray, cost: float, gradient: float = math.nan, step: float = math.nan, damping: float = math.nan
    ) -> str | None:
        """Writes one iteration down and calls the callback -> "callback" if that asks to stop, else None."""
        now = Iteration(len(self.history), float(cost), gradient, step, damping, self.evaluations, self.seconds)
        self.history.append(now)
        asked = None if self.callback is None else self.callback(x.copy(), now)
        return "callback" if isinstance(asked, (bool, np.bool_)) and asked else None

    def spent(self) -> str | None:
        """The budget that is used up, if any: "max_iterations", "max_evaluations" or "time"."""
        if self.max_iterations is not None and self.iterations >= self.max_iterations:
            return "max_iterations"
        if self.max_evaluations is not None and self.evaluations >= self.max_evaluations:
            return "max_evaluations"
        if self.time is not None and self.seconds >= self.time:
            return "time"
        return None

    def finish(
        self,
        x: np.ndarray,
        cost: float,
        status: str,
        reason: str | None = None,
        kind: type[AResult] = Result,  # type: ignore[assignment]
        **more: Any,
    ) -> AResult:
        """The result. reason: None is the sentence of the status; kind: a subclass of Result; more: its fields."""
        return kind(
            solver=self.solver,
            x=x,
            cost=float(cost),
            status=status,
            reason=STATUSES[status][1] if reason is None else reason,
            iterations=self.iterations,
            evaluations=self.evaluations,
            jacobians=self.jacobians,
            seconds=self.seconds,
            history=tuple(self.history),
            **more,
        )
