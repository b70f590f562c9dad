"""The smallest network that reaches a tolerance: sizes are doubled, then pruned or halved.

Each size is a fit, or a run of the strategy `pruned`; all are judged by the same error.
"""

from __future__ import annotations

import math
import time as clock
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit.attempts.events import Callback, notify_failure
from surefit.attempts.journal import Journal
from surefit.attempts.methods import VarPro
from surefit.attempts.progress import Progress
from surefit.problems.problem import Problem
from surefit.search.candidates import Candidate
from surefit.search.judging import Judge
from surefit.search.record import Record, Solved
from surefit.search.runner import State, recorded, run
from surefit.search.strategies.pruning import pruned
from surefit.sentences import say

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SURER = 2  # times as many seeds for the size just below the answer, whose failure is the claim


@dataclass(frozen=True)
class Trial:
    """One size: the best of its fits.

    error: its largest |error|, by which it was judged. fits: how many seeds were tried.
    """

    units: int
    parameters: int
    error: float
    reached: bool
    fits: int
    seconds: float


@dataclass
class Smallest:
    """What a search for the smallest network found.

    fit: of the smallest size that reached tol; of the most accurate size when none did. tol: the tolerance. curve: the
    sizes tried, in order of size. reason: why the search ended.

    That a size failed means that no fit of it was good enough, not that none can be: the size is an upper bound.
    """

    fit: Record
    tol: float
    units: int
    curve: list[Trial] = field(default_factory=list)
    reason: str = ""

    @property
    def reached(self) -> bool:
        """Whether the tolerance was reached at all."""
        return largest_error(self.fit) <= self.tol

    def __str__(self) -> str:
        head = f"{self.units} units reach {self.tol:g}" if self.reached else f"no size reached {self.tol:g}"
        measured = self.fit.problem.function is None
        error = "max |error| at validation rows" if measured else "max |error|"
        rows = [("units", "parameters", error, "fits", "seconds", "")]
        for t in self.curve:
            mark = "smallest" if self.reached and t.units == self.units else "reached" if t.reached else ""
            rows.append((f"{t.units}", f"{t.parameters}", f"{t.error:.3g}", f"{t.fits}", f"{t.seconds:.2f}", mark))
        widths = [max(len(r[i]) for r in rows) for i in range(6)]
        lines = ["  ".join(c.rjust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows]
        return "\n".join([f"{self.fit.target}: {head}; {self.reason}", *lines])

    def __repr__(self) -> str:
        return f"<Smallest: {self.units} units, max |error| {largest_error(self.fit):.3g}, tol {self.tol:g}>"

    def plot(self) -> Figure:
        """The error against the units, with the tolerance and the size that was chosen."""
        from surefit import view

        units, errors = [t.units for t in self.curve], [t.error for t in self.curve]
        chosen = self.units if self.reached else None
        return view.tradeoff(units, errors, tol=self.tol, chosen=chosen, title=self.fit.target)


def largest_error(fit: Record) -> float:
    """By which a size is judged: the error of the card, but of a table that at the validation rows."""
    problem = fit.problem
    if problem.function is not None:
        return fit.error.max
    x, y = problem.validation or problem.train
    error = float(np.abs(fit._predict(x) - y).max())
    return error if math.isfinite(error) else math.inf


class Sizes:
    """The sizes tried so far, and the best fit of each.

    fit: makes one, fit(problem, model=, tol=, seed=, time=) -> Record. model: units -> what fit takes. wrap: makes of a
    pruned record what `fit` makes.
    """

    def __init__(
        self, posed: Callable[[int], Problem], fit: Callable[..., Record], model: Callable[[int], Any], tol: float,
        time: float | None, seed: int, pruning: VarPro | None, wrap: Callable[[Record], Record],
        callbacks: Sequence[Callback] = (), journal: Journal | None = None,
    ) -> None:  # fmt: skip
        self.journal = journal
        self.posed, self.fit, self.model, self.tol, self.time, self.seed = posed, fit, model, tol, time, seed
        self.pruning, self.wrap, self.callbacks = pruning, wrap, callbacks
        self.began = clock.perf_counter()
        self.fits: dict[int, Record] = {}
        self.spent: dict[int, tuple[int, float]] = {}  # fits and seconds of each size
        self.fresh: dict[int, int] = {}  # of them those that began with weights of their own
        self.ended = ""

    def left(self) -> float | None:
        """Seconds that are left, if they are limited."""
        return None if self.time is None else self.time - (clock.perf_counter() - self.began)

    def over(self) -> bool:
        """Whether the time is up."""
        left = self.left()
        if self.fits and left is not None and left <= 0:
            self.ended = say("time", time=self.time)
        return bool(self.ended)

    def keep(self, units: int, found: Record, seconds: float) -> None:
        """Take note of a fit."""
        fits, before = self.spent.get(units, (0, 0.0))
        self.spent[units] = (fits + 1, before + seconds)
        if units not in self.fits or largest_error(found) < largest_error(self.fits[units]):
            self.fits[units] = found
        if found.interrupted or found.stop_reason.code == "callback":
            self.ended = found.stop_reason

    def works(self, units: int, tries: int) -> bool:
        """Whether one of so many seeds reaches the tolerance with this size; those tried before count."""
        for k in range(self.fresh.get(units, 0), tries):
            if self.over():
                break
            began, left = clock.perf_counter(), self.left()
            found = self.fit(
                self.posed(self.seed + k), model=self.model(units), tol=self.tol, seed=self.seed + k,
                time=None if left is None else max(left, 1e-3),
            )  # fmt: skip
            self.fresh[units] = k + 1
            spent = clock.perf_counter() - began
            self.began -= max(0.0, found.seconds - spent)  # of an earlier process, from which this one goes on
            self.keep(units, found, max(spent, found.seconds))
            if self.good(found) or self.ended:
                break
        return units in self.fits and self.good(self.fits[units])

    def good(self, fit: Record) -> bool:
        """Whether a fit reaches the tolerance."""
        return largest_error(fit) <= self.tol

    def run(self, largest: int, tries: int) -> Smallest:
        """Double, then prune or halve, and make sure."""
        low, high = 0, 1  # low failed, high is being tried
        while not self.works(high, tries) and not self.ended:
            if high == largest:
                return self.result(None, f"units up to {largest} were tried")
            low, high = high, min(2 * high, largest)
        while not self.ended:
            prunable = self.pruning is not None and self.fits[high].problem.exact
            high = self.pruned(high) if prunable else self.halved(low, high, tries)
            if self.ended or high == 1 or not self.works(high - 1, SURER * tries):
                break
            high -= 1  # more seeds did it after all
            low = max((n for n in self.fits if n < high and not self.good(self.fits[n])), default=0)
        best = min((n for n, f in self.fits.items() if self.good(f)), default=None)
        why = self.ended
        if not why:
            below = 0 if best is None else best - 1
            why = f"{self.spent[below][0]} fits of {below} units did not" if below else "no less is possible"
        return self.result(best, why)

    def halved(self, low: int, high: int, tries: int) -> int:
        """The smallest size that works, where low does not and high does."""
        while high - low > 1 and not self.ended:
            middle = (low + high) // 2
            low, high = (low, middle) if self.works(middle, tries) else (middle, high)
        return high

    def pruned(self, units: int) -> int:
        """The smallest size that is left when units are taken away from the fit of this one."""
        start = self.fits[units]
        progress = Progress(time=self.left(), callbacks=self.callbacks, journal=self.journal)
        judge, pruning = Judge(start.problem, start.seed), self.pruning
        assert pruning is not None
        state = State(start.problem, start.seed, start.dtype, judge, progress)
        began = clock.perf_counter()

        def note(size: int, found: Candidate) -> None:
            nonlocal began
            state.candidates[:] = [found]  # each size has a best of its own
            record = recorded(state, found.reason, made, announce=False)
            record.history, record.tol = list(progress.history), self.tol
            self.keep(size, self.wrap(record), clock.perf_counter() - began)
            began = clock.perf_counter()

        def made(found: Candidate) -> Solved:
            return Solved(pruning.settings(), found.stage, details={"solver": "varpro"})

        kept = Candidate(
            model=start.model, problem=start.problem, stage=start.stop_reason, reason=start.stop_reason,
            score=start.score, error=start.error, largest=start.error.max, row=None, details={}, by=start.stop_reason,
        )  # fmt: skip
        with notify_failure(self.callbacks, progress.began):
            reason = run(state, pruned(state, kept, pruning, self.tol, note))
        progress.finished(reason)
        if progress.over is not None:
            self.ended = reason
        return min(n for n, f in self.fits.items() if n <= units and self.good(f))

    def result(self, units: int | None, reason: str) -> Smallest:
        """What was found; the most accurate size when none is good enough."""
        best = units if units is not None else min(self.fits, key=lambda n: largest_error(self.fits[n]))
        curve = [
            Trial(n, f.network.num_parameters(), largest_error(f), self.good(f), *self.spent[n])
            for n, f in sorted(self.fits.items())
        ]
        return Smallest(self.fits[best], self.tol, best, curve, reason)


__all__ = ["Sizes", "Smallest", "Trial", "largest_error"]
