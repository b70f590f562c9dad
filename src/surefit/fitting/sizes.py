"""smallest(target, domain, tol): the network with the fewest units that reaches a tolerance, and what a unit buys."""

from __future__ import annotations

import math
import time as clock
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit.data import Sampling
from surefit.errors import ArgumentError
from surefit.fitting.fitted import Fit, fit_problem
from surefit.fitting.methods import Method, Solver, method_from
from surefit.fitting.problem import pose

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SURER = 2  # times as many seeds for the size just below the answer, whose failure is the claim


@dataclass(frozen=True)
class Trial:
    """One size: the best of its fits. error: its largest |error|; fits: how many seeds were tried."""

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

    fit: Fit
    tol: float
    units: int
    curve: list[Trial] = field(default_factory=list)
    reason: str = ""

    @property
    def reached(self) -> bool:
        """Whether the tolerance was reached at all."""
        return bool(self.fit.error.max <= self.tol)

    def __str__(self) -> str:
        head = f"{self.units} units reach {self.tol:g}" if self.reached else f"no size reached {self.tol:g}"
        rows = [("units", "parameters", "max |error|", "fits", "seconds", "")]
        for t in self.curve:
            mark = "smallest" if self.reached and t.units == self.units else "reached" if t.reached else ""
            rows.append((f"{t.units}", f"{t.parameters}", f"{t.error:.3g}", f"{t.fits}", f"{t.seconds:.2f}", mark))
        widths = [max(len(r[i]) for r in rows) for i in range(6)]
        lines = ["  ".join(c.rjust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows]
        return "\n".join([f"{self.fit.target}: {head}; {self.reason}", *lines])

    def __repr__(self) -> str:
        return f"<Smallest: {self.units} units, max |error| {self.fit.error.max:.3g}, tol {self.tol:g}>"

    def plot(self) -> Figure:
        """The error against the units, with the tolerance and the size that was chosen."""
        from surefit import view

        units, errors = [t.units for t in self.curve], [t.error for t in self.curve]
        chosen = self.units if self.reached else None
        return view.tradeoff(units, errors, tol=self.tol, chosen=chosen, title=self.fit.target)


def smallest(
    target: Any,
    domain: Any = None,
    tol: float | None = None,
    *,
    largest: int = 256,
    model: Callable[[int], Any] | None = None,
    method: str | Method = "varpro",
    data: Sampling | None = None,
    tries: int = 3,
    time: float | None = None,
    seed: int = 0,
    dtype: Any = None,
    callbacks: Any = (),
) -> Smallest:
    """The smallest network that reaches a tolerance: sizes are doubled until one does, then halved between.

    Args:
        target, domain, data, dtype, callbacks: as for `fit`.
        tol: the largest |error| that is good enough.
        largest: units at most.
        model: units -> a model as `fit` takes it; None: one hidden layer of so many. `lambda n: (n, n)` makes two.
        method: of each fit, as for `fit`.
        tries: seeds tried for a size before it counts as too small; twice as many for the one below the answer.
        time: seconds in all; the search then ends with the best so far.
        seed: the first of the seeds.

    Raises:
        ArgumentError: a tolerance or count outside its range. Otherwise as `fit`.

    >>> import surefit
    >>> found = surefit.smallest("x", "x=-1:1", 1e-3)
    >>> found.units, found.reached
    (1, True)
    """
    if tol is None or not (isinstance(tol, (int, float)) and 0 < tol < math.inf):
        raise ArgumentError(f"tol={tol!r} must be a number > 0: the largest error that is good enough")
    if time is not None and not (isinstance(time, (int, float)) and 0 < time < math.inf):
        raise ArgumentError(f"time={time!r} must be a number > 0")
    for name, value in (("largest", largest), ("tries", tries)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise ArgumentError(f"{name}={value!r} must be a whole number >= 1")
    chosen = method_from(method)
    search = _Search(
        lambda s: pose(target, domain, data, s, solver=isinstance(chosen, Solver)),
        dict(method=chosen, dtype=dtype, callbacks=callbacks),
        model or (lambda n: (n,)),
        tol, time, seed,
    )  # fmt: skip
    return search.run(int(largest), int(tries))


class _Search:
    """The sizes tried so far, and the best fit of each."""

    def __init__(
        self, posed: Callable[[int], Any], options: dict[str, Any], model: Callable[[int], Any], tol: float,
        time: float | None, seed: int,
    ) -> None:  # fmt: skip
        self.posed, self.options, self.model = posed, options, model
        self.tol, self.time, self.seed = tol, time, seed
        self.began = clock.perf_counter()
        self.fits: dict[int, Fit] = {}
        self.spent: dict[int, tuple[int, float]] = {}  # fits and seconds of each size
        self.ended = ""

    def left(self) -> float | None:
        """Seconds that are left, if they are limited."""
        return None if self.time is None else self.time - (clock.perf_counter() - self.began)

    def works(self, units: int, tries: int) -> bool:
        """Whether one of so many seeds reaches the tolerance with this size; those tried before count."""
        done, seconds = self.spent.get(units, (0, 0.0))
        for k in range(done, tries):
            left = self.left()
            if self.fits and left is not None and left <= 0:
                self.ended = f"time={self.time:g} s used up"
                break
            began = clock.perf_counter()
            found = fit_problem(
                self.posed(self.seed + k), model=self.model(units), tol=self.tol, seed=self.seed + k,
                time=None if left is None else max(left, 1e-3), **self.options,
            )  # fmt: skip
            seconds += clock.perf_counter() - began
            self.spent[units] = (k + 1, seconds)
            if units not in self.fits or found.error.max < self.fits[units].error.max:
                self.fits[units] = found
            if found.interrupted:
                self.ended = "interrupted"
                break
            if found.reached:
                break
        return units in self.fits and bool(self.fits[units].reached)

    def run(self, largest: int, tries: int) -> Smallest:
        """Double, halve, and make sure."""
        low, high = 0, 1  # low failed, high is being tried
        while not self.works(high, tries) and not self.ended:
            if high == largest:
                return self.result(None, f"units up to {largest} were tried")
            low, high = high, min(2 * high, largest)
        while not self.ended:
            while high - low > 1 and not self.ended:
                middle = (low + high) // 2
                low, high = (low, middle) if self.works(middle, tries) else (middle, high)
            below = high - 1
            if self.ended or below == 0 or not self.works(below, SURER * tries):
                break
            low, high = 0, below  # more seeds did it after all
            low = max((n for n in self.fits if n < high and not self.fits[n].reached), default=0)
        reached = [n for n, f in self.fits.items() if f.reached]
        why = self.ended or (
            f"{SURER * tries} fits of {min(reached) - 1} units did not" if min(reached) > 1 else "no less is possible"
        )
        return self.result(min(reached, default=None), why)

    def result(self, units: int | None, reason: str) -> Smallest:
        """What was found; the most accurate size when none is good enough."""
        best = units if units is not None else min(self.fits, key=lambda n: self.fits[n].error.max)
        curve = [
            Trial(n, f.network.num_parameters(), f.error.max, bool(f.reached), *self.spent[n])
            for n, f in sorted(self.fits.items())
        ]
        return Smallest(self.fits[best], self.tol, best, curve, reason)


__all__ = ["Smallest", "Trial", "smallest"]
