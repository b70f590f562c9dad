"""smallest(target, domain, tol): the network with the fewest units that reaches a tolerance, and what a unit buys."""

from __future__ import annotations

import math
import time as clock
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit.attempts.descent import callbacks_from
from surefit.attempts.methods import Method, Solver, VarPro, method_from
from surefit.data import Noise, Sampling
from surefit.errors import ArgumentError
from surefit.fitting.entry import fit_problem
from surefit.fitting.fitted import Fit
from surefit.fitting.solving import Run, scaled_rows, search
from surefit.fitting.together import positive_number, whole_number
from surefit.models.chain import chain_of
from surefit.problems.problem import Problem, pose
from surefit.solvers.features import solve_output

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SURER = 2  # times as many seeds for the size just below the answer, whose failure is the claim
CHUNK = 6  # at first this part of the units is taken away at once
REMOVED = 4  # units that are tried as the one to go, before a size counts as too small to be pruned to
POINTS = {1: 200, 2: 900}  # training points at least while units are pruned


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

    fit: Fit
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


def largest_error(fit: Fit) -> float:
    """By which a size is judged: the error of the card, but of a table that at the validation rows."""
    problem = fit.problem
    if problem.function is not None:
        return fit.error.max
    x, y = problem.validation or problem.train
    error = float(np.abs(fit._predict(x) - y).max())
    return error if math.isfinite(error) else math.inf


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
    """The smallest network that reaches a tolerance.

    Sizes are doubled until one does. Then its units are taken away one by one, each time the one that is missed least,
    and the others polished by variable projection: a network that has learned with more units ends far below those that
    begin with few. With a `model` or `method` of your own, or measured data, sizes are halved instead.

    Args:
        target, domain, data, dtype, callbacks: as for `fit`.
        tol: the largest |error| that is good enough: of a function at fresh points; of a table at the validation rows
            (the training rows without any), so that the error at the test rows, on the card, had no part in the choice.
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
    enough, time = positive_number("tol", tol), positive_number("time", time)
    if enough is None:
        raise ArgumentError("tol=None must be a number > 0: the largest error that is good enough")
    largest, tries, seed = (
        whole_number(name, value, least)
        for name, value, least in (("largest", largest, 1), ("tries", tries, 1), ("seed", seed, 0))
    )
    if model is not None and not callable(model):
        raise ArgumentError(f"model={model!r} must be a function of the units, such as lambda n: (n, n)")
    chosen = method_from(method)
    search = _Search(
        lambda s: pose(target, domain, data, s, solver=isinstance(chosen, Solver)),
        dict(method=chosen, dtype=dtype, callbacks=callbacks_from(callbacks)),
        model,
        enough, time, seed,
    )  # fmt: skip
    return search.run(largest, tries)


class _Search:
    """The sizes tried so far, and the best fit of each."""

    def __init__(
        self, posed: Callable[[int], Problem], options: dict[str, Any], model: Callable[[int], Any] | None, tol: float,
        time: float | None, seed: int,
    ) -> None:  # fmt: skip
        self.posed, self.options, self.tol, self.time, self.seed = posed, options, tol, time, seed
        self.model = model or (lambda n: (n,))
        self.prunable = model is None and isinstance(options["method"], VarPro)
        self.began = clock.perf_counter()
        self.fits: dict[int, Fit] = {}
        self.spent: dict[int, tuple[int, float]] = {}  # fits and seconds of each size
        self.fresh: dict[int, int] = {}  # of them those that began anew
        self.ended = ""

    def left(self) -> float | None:
        """Seconds that are left, if they are limited."""
        return None if self.time is None else self.time - (clock.perf_counter() - self.began)

    def over(self) -> bool:
        """Whether the time is up."""
        left = self.left()
        if self.fits and left is not None and left <= 0:
            self.ended = f"time={self.time:g} s used up"
        return bool(self.ended)

    def keep(self, units: int, found: Fit, seconds: float) -> None:
        """Take note of a fit."""
        fits, before = self.spent.get(units, (0, 0.0))
        self.spent[units] = (fits + 1, before + seconds)
        if units not in self.fits or largest_error(found) < largest_error(self.fits[units]):
            self.fits[units] = found
        if found.interrupted:
            self.ended = "interrupted"
        elif found.stop_reason == "stopped by a callback":
            self.ended = found.stop_reason

    def works(self, units: int, tries: int) -> bool:
        """Whether one of so many seeds reaches the tolerance with this size; those tried before count."""
        for k in range(self.fresh.get(units, 0), tries):
            if self.over():
                break
            began, left = clock.perf_counter(), self.left()
            found = fit_problem(
                self.posed(self.seed + k), model=self.model(units), tol=self.tol, seed=self.seed + k,
                time=None if left is None else max(left, 1e-3), **self.options,
            )  # fmt: skip
            self.fresh[units] = k + 1
            self.keep(units, found, clock.perf_counter() - began)
            if self.good(found) or self.ended:
                break
        return units in self.fits and self.good(self.fits[units])

    def good(self, fit: Fit) -> bool:
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
            high = self.pruned(high) if self.prunable and self.exact(high) else self.halved(low, high, tries)
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

    def exact(self, units: int) -> bool:
        """Whether the target is a function without noise, so that the error on fresh points decides."""
        problem = self.fits[units].problem
        return problem.function is not None and problem.plan is not None and Noise.read(problem.plan.noise).scale == 0.0

    def pruned(self, units: int) -> int:
        """The smallest size that is left when units are taken away, the least important first.

        Several at once as long as that goes well, then one by one.
        """
        fit, chunk = self.fits[units], max(1, units // CHUNK)
        while units > 1 and not self.over():
            pruning = Pruning(fit, self.options["method"], self.options["callbacks"])
            ways = [pruning.order[:chunk]] if chunk > 1 else [[one] for one in pruning.order[:REMOVED]]
            found = None
            for gone in ways:
                began = clock.perf_counter()
                found = pruning.without(gone, self.left())
                if found is None or self.over():
                    break
                self.keep(units - chunk, found, clock.perf_counter() - began)
                if self.good(found) or self.ended:
                    break
            if found is not None and self.good(found):
                fit, units = found, units - chunk
                chunk = min(chunk, max(1, units // CHUNK))
            elif chunk > 1:
                chunk //= 2
            else:
                break
        return units

    def result(self, units: int | None, reason: str) -> Smallest:
        """What was found; the most accurate size when none is good enough."""
        best = units if units is not None else min(self.fits, key=lambda n: largest_error(self.fits[n]))
        curve = [
            Trial(n, f.network.num_parameters(), largest_error(f), self.good(f), *self.spent[n])
            for n, f in sorted(self.fits.items())
        ]
        return Smallest(self.fits[best], self.tol, best, curve, reason)


class Pruning:
    """A network with one hidden layer, and its units in the order in which they can be missed."""

    def __init__(self, fit: Fit, method: VarPro, callbacks: Any) -> None:
        self.fit, self.method, self.callbacks = fit, method, callbacks
        self.problem = self._dense()
        chain = chain_of(fit.network)
        assert chain is not None
        first, activation = chain[0]
        assert activation is not None
        assert first.bias is not None
        self.kind = activation.kind.lower()
        self.weight, self.bias = (np.asarray(p.detach().numpy(), np.float64) for p in (first.weight, first.bias))
        x, y = scaled_rows(fit.model, self.problem.train)
        phi = activation.value(x @ self.weight.T + self.bias)
        losses = [
            float(np.mean(solve_output(np.delete(phi, i, 1), y, weights=self.problem.weights).residuals ** 2))
            for i in range(len(self.bias))
        ]
        self.order = np.argsort(losses)

    def _dense(self) -> Problem:
        """The problem with enough points for a small network, where they are ours to choose."""
        run = self._run(None)
        return run.drawn(max(len(self.fit.problem.train[0]), POINTS.get(self.fit.domain.dim, 1500)))

    def _run(self, time: float | None) -> Run:
        f = self.fit
        return Run(f.problem, f.seed, f.tol, time, f.dtype, self.callbacks)

    def without(self, gone: Any, time: float | None) -> Fit | None:
        """A fit without these units, polished; None when it was interrupted before anything was found."""
        run = self._run(time)
        keep = np.delete(np.arange(len(self.bias)), gone)
        network = run.hidden(len(keep), self.kind)
        first = network[0]  # type: ignore[index]
        first.weight.assign(self.weight[keep])
        first.bias.assign(self.bias[keep])
        found = search(run, network, self.problem, self.method, None)
        if found is None:
            return None
        reason = run.stopped or ("interrupted" if run.interrupted else found.details["reason"].rstrip("."))
        settings = self.method.settings() | {
            "loss": "mse",
            "best_weights": True,
            "stage": found.stage,
            "solver": "varpro",
        }
        return Fit(
            problem=found.problem, model=found.model, method=settings, error=found.error, history=run.history,
            stop_reason=reason, seed=run.seed, steps=run.evaluations, seconds=run.seconds, tol=run.tol,
            interrupted=run.interrupted, best_epoch=found.row or None, warnings=[*self.problem.notes, *run.warnings],
        )  # fmt: skip


__all__ = ["Smallest", "Trial", "smallest"]
