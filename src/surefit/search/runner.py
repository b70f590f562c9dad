"""The runner: performs what a strategy proposes, judges what came of it, keeps the best, and says why it stopped.

A strategy is a generator. It yields an `Attempt`, or a sentence for the card, and is sent the candidate that came of
it: None when there was none, because the share of the time that it may use is spent. It may return why it ended. The
runner is the only place that knows clocks, tolerances, callbacks and interrupts.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from surefit import nn
from surefit.attempts.attempt import Attempt, Outcome, Within
from surefit.attempts.events import notify_model
from surefit.attempts.methods import FirstOrder, Method
from surefit.attempts.performing import perform
from surefit.attempts.progress import Progress
from surefit.attempts.recalled import performed
from surefit.blas import one_thread
from surefit.core import ops
from surefit.models.spec import MLPSpec, network_of
from surefit.problems.points import drawn
from surefit.problems.problem import Problem
from surefit.search.candidates import Candidate, best_of, error_told, scored
from surefit.search.judging import Judge
from surefit.search.limits import FLOAT32
from surefit.search.proofs import Prover
from surefit.search.record import Made, Record
from surefit.search.timings import Timings
from surefit.sentences import Sentence, say

Strategy = Generator[Attempt | Sentence, Candidate | None, Sentence | None]
Perform = Callable[[Attempt, Progress, Within], Outcome | None]


@dataclass
class State:
    """What a strategy may look at: the problem, what was asked, and what has come of it so far."""

    problem: Problem
    seed: int
    dtype: np.dtype  # in which the network will be used
    judge: Judge
    progress: Progress
    tol: float | None = None
    first_order_dtype: np.dtype = ops.float32  # in which Adam trains
    aim: float | None = None  # the error at which it ends where no tolerance is given; None: none
    prover: Prover | None = None  # of a tolerance that is to be proved
    clip: bool = False  # whether models are clipped far beyond rows with long tails
    candidates: list[Candidate] = field(default_factory=list)
    choice: list[Sentence] = field(default_factory=list)  # what was tried and why, for the card
    perform: Perform | None = field(default=None, repr=False)  # of the run that it is the state of
    timings: Timings = field(default_factory=Timings, repr=False)

    @property
    def dim(self) -> int:
        """The number of inputs."""
        return self.problem.domain.dim

    @property
    def size(self) -> float:
        """The largest |target|."""
        return self.judge.size

    @property
    def goal(self) -> float | None:
        """The largest error that is good enough: the tolerance, or what is aimed at; None for measured data."""
        return (self.aim if self.tol is None else self.enough) if self.problem.exact else None

    @property
    def enough(self) -> float | None:
        """The tolerance; where it is to be proved less, so that room is left for that."""
        return self.tol if self.tol is None or self.prover is None else self.prover.margin * self.tol

    @property
    def best(self) -> Candidate | None:
        """The best candidate so far."""
        if self.prover is not None and self.prover.impossible is None:
            for found in self.candidates:
                if self.prover.proves(found):
                    return found
        return best_of(self.candidates, self.judge.spread, cautious=self.aim is not None)

    def changed(self, old: Candidate, new: Candidate) -> Candidate:
        """Put a candidate of which more is known in the place of what it was."""
        self.candidates = [new if c is old else c for c in self.candidates]
        return new

    # --- what attempts are made of ---

    def drawn(self, rows: int, scattered: bool = False) -> Problem:
        """The problem with so many training points, where they are ours to choose."""
        drop = bool(self.candidates)  # what was found is not lost
        return drawn(self.problem, rows, self.seed, drop=drop, scattered=scattered)

    def hidden(self, units: int, activation: str = "tanh") -> nn.Module:
        """A network with one hidden layer, in float64."""
        return self.built(MLPSpec((units,), activation))

    def built(self, model: Any, problem: Problem | None = None) -> nn.Module:
        """The network of fit's model=, in float64, for this problem or a part of it; of a Module a copy."""
        model = copy.deepcopy(model) if isinstance(model, nn.Module) else model
        return network_of(model, problem or self.problem, np.random.default_rng([self.seed, 2]), ops.float64)

    def attempt(self, method: Method | None, network: nn.Module, problem: Problem, **options: Any) -> Attempt:
        """An attempt with what was asked for."""
        common: dict[str, Any] = dict(seed=self.seed, dtype=self.dtype, goal=self.goal, clip=self.clip)
        return Attempt(method=method, network=network, problem=problem, **(common | options))

    # --- when it is over ---

    @property
    def reached(self) -> bool:
        """Whether the best candidate is within the tolerance: at rows that it was not fitted to, or provably."""
        best = self.best
        if self.tol is None or best is None or not best.largest <= self.tol:
            return False
        return self.prover is None or self.prover.proves(best)

    def over(self, share: float = 1.0) -> Sentence | None:
        """Why nothing more should be tried, if so; share: of the time."""
        best = self.best
        if self.reached:
            proved = self.prover is not None and self.prover.impossible is None
            return say("tolerance-proved") if proved else say("tolerance")
        if self.aim is not None and best is not None and self.problem.exact:
            if self.tol is None and best.score <= self.aim:
                return say("good-enough", share=self.aim / self.size) if self.size else say("exact")
            if self.dtype == ops.float32 and best.score <= FLOAT32 * self.size:
                return say("float32")
        if self.progress.over is not None:
            return self.progress.over
        return say("time", time=self.progress.time) if self.progress.out_of_time(share) else None


def run(state: State, strategy: Strategy, perform: Perform = perform) -> Sentence:
    """Let a strategy propose until it ends or something ends it: the reason. The candidates are in the state."""
    found: Candidate | None = None
    state.perform = perform
    try:
        while True:
            with one_thread(), state.timings.phase("choosing"):
                proposed = strategy.send(found)
            found = None
            if isinstance(proposed, Sentence):
                state.choice.append(proposed)
            elif proposed.named or not state.candidates or not state.progress.out_of_time(proposed.share):
                # what was named is done, and the first attempt of all: untrained weights are no fit
                found = tried(state, proposed, perform)
            stop = state.over()
            if stop is not None and stop.code == "time" and not state.candidates and isinstance(proposed, Sentence):
                continue  # to the first attempt, however long it took to come to it
            if stop is not None:
                strategy.close()
                own = found is not None and stop.code == "interrupted" and found.reason.code.startswith("interrupted")
                return found.reason if own and found is not None else stop  # which knows the epoch
    except StopIteration as end:
        return end.value or state.over() or say("all-tried" if state.tol is None else "all-tried-tol")
    except KeyboardInterrupt:
        state.progress.interrupted = True
        return say("interrupted")


def tried(state: State, attempt: Attempt, perform: Perform) -> Candidate | None:
    """The candidate that comes of an attempt, noted and logged."""
    goal = math.inf if attempt.goal is None else attempt.goal
    problem = attempt.problem

    def within(predict: Callable[[np.ndarray], np.ndarray]) -> bool:
        if problem.function is not None:
            with state.timings.phase("judging"):
                return state.judge.within(predict, goal)
        x, y = problem.validation or problem.train  # the test rows decide nothing
        good = bool(np.abs(predict(x) - y).max() <= goal)
        return good and (problem.stream is None or problem.stream.largest_error(predict) <= goal)

    solver = "none" if attempt.method is None else attempt.method.name
    compiled = state.progress.compile_seconds or 0.0
    began = state.progress.began
    with state.timings.phase(solver):
        outcome = performed(attempt, state.progress, within, perform)
    state.timings.add(solver, began - state.progress.began)  # seconds of an earlier process, if this one goes on
    state.timings.moved((state.progress.compile_seconds or 0.0) - compiled, solver, "compiling")
    if outcome is None:
        return None
    with state.timings.phase("judging"):
        found = state.progress.twice(lambda: scored(attempt, outcome, state.judge, state.tol))
    state.candidates.append(found)
    if state.prover is not None and not state.progress.interrupted:
        with state.timings.phase("proving"):
            found = state.candidates[-1] = state.prover.scored(found)
    state.choice.append(found.tried(outcome.reason if isinstance(attempt.method, FirstOrder) else attempt.why))
    return found


def recorded(
    state: State, reason: Sentence, made: Callable[[Candidate], Made], model: Any = None, announce: bool = True
) -> Record:
    """The record of the best candidate; of the initial weights of `model` where nothing was solved.

    announce: whether callbacks hear that all is done.
    """
    progress, best = state.progress, state.best
    if best is None:
        if progress.interrupted:
            reason = say("interrupted")
        best = tried(state, state.attempt(None, state.built(model), state.problem), perform)
        assert best is not None
    if announce and not progress.shown:
        notify_model(progress.callbacks, best.model, best.problem, state.seed)
    if announce:
        progress.finished(reason)
    how = made(best)
    error = progress.twice(lambda: error_told(best, state.judge, state.goal, state.timings, state.candidates))
    uncertain = state.judge.uncertain(error)
    warnings = [*best.problem.notes, *uncertain, *progress.warnings]
    timings = dict(state.timings)
    timings["other"] = max(0.0, progress.seconds - state.timings.total)
    measured_data = best.problem.function is None  # of whose rows an attempt may have taken a part
    whole = best.problem.validation is None and state.problem.validation is not None  # all were trained on
    problem = state.problem if measured_data and not whole else best.problem
    problem = replace(problem, notes=(*problem.notes, *uncertain)) if uncertain else problem
    if problem.stream is not None:  # whose rows are not the fit's to keep
        problem = replace(problem, stream=None, source=problem.source | {"parts": problem.stream.to_dict(best.details)})
    return Record(
        problem=problem, model=best.model, made=how, error=error,
        history=progress.history,
        stop_reason=reason, seed=state.seed, seconds=progress.seconds,
        steps=progress.evaluations if how.solved else progress.steps,
        tol=state.tol, interrupted=progress.interrupted, best_epoch=best.row or None, warnings=warnings,
        score=error.max if best.score == best.error.max else best.score,
        compile_seconds=progress.compile_seconds, taught=best.taught, left_out=best.missed,
        certificate=best.certificate, extra={"timings": timings},
    )  # fmt: skip


__all__ = ["State", "Strategy", "recorded", "run"]
