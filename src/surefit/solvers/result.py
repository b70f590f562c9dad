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
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Protocol, TypeVar

import numpy as np

from surefit.errors import ArgumentError
from surefit.sentences import Sentence, say

# status -> whether the answer can be relied on; its sentence, which then says what to do, is "solver-" and the status
STATUSES: dict[str, tuple[bool, Sentence]] = {
    status: (reliable, say(f"solver-{status}"))
    for status, reliable in {
        "gradient": True,
        "cost": True,
        "step": True,
        "zero": True,
        "goal": True,
        "scanned": True,
        "precision": True,
        "max_iterations": False,
        "max_evaluations": False,
        "time": False,
        "callback": False,
        "validation": True,
        "damping": False,
        "stalled": False,
        "flat": False,
        "not_finite": False,
        "unbounded": False,
    }.items()
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


@dataclass(frozen=True, kw_only=True, eq=False)
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
    reason: Sentence
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


class Keeper(Protocol):
    """Keeps the state of a solver between two iterations, and gives back one from which to go on, to the last bit.

    A state is a mapping of texts to numbers, arrays, and tuples of them. The solver asks `take` before its first
    iteration, and must be called with what it was called with when the state was kept.
    """

    def due(self, number: int) -> bool:
        """Whether to keep the state after so many iterations."""

    def keep(self, state: dict[str, Any]) -> None:
        """Keep a state in the place of the one before."""

    def take(self) -> dict[str, Any] | None:
        """The state to go on from; None where there is none."""


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

    @property
    def state(self) -> dict[str, Any]:
        """The book as plain data and arrays, for a `Keeper`."""
        rows = [
            (i.number, i.cost, i.gradient, i.step, i.damping, i.evaluations, i.seconds) for i in self.history
        ]  # fmt: skip
        counts = (self.evaluations, self.jacobians, self.seconds)
        return {"counts": counts, "history": np.array(rows, np.float64).reshape(-1, 7)}

    def again(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave; the time that was used then counts."""
        self.evaluations, self.jacobians, seconds = state["counts"]
        self.start = perf_counter() - seconds
        self.history = [Iteration(int(n), c, g, p, d, int(e), s) for n, c, g, p, d, e, s in state["history"].tolist()]

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
        reason: Sentence | None = None,
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
