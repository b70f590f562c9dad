"""The record that a run leaves: its best candidate, and how it came about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from surefit.attempts.events import tell_model
from surefit.search.candidates import Candidate
from surefit.search.record import Made, Record
from surefit.search.runner import State, perform, tried
from surefit.sentences import Sentence, say


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
        tell_model(progress.callbacks, best.model, best.problem, state.seed)
    if announce:
        progress.finished(reason)
    warnings = [*best.problem.notes, *progress.warnings]
    timings = dict(state.timings)
    timings["other"] = max(0.0, progress.seconds - state.timings.total)
    how = made(best)
    measured_data = best.problem.function is None  # of whose rows an attempt may have taken a part
    problem = state.problem if measured_data else best.problem
    if problem.stream is not None:  # whose rows are not the fit's to keep
        problem = replace(problem, stream=None, source=problem.source | {"parts": problem.stream.told()})
    return Record(
        problem=problem, model=best.model, made=how, error=best.error,
        history=progress.history,
        stop_reason=reason, seed=state.seed, seconds=progress.seconds,
        steps=progress.evaluations if how.solved else progress.steps,
        tol=state.tol, interrupted=progress.interrupted, best_epoch=best.row or None, warnings=warnings,
        score=best.score, compile_seconds=progress.compile_seconds, taught=best.taught, left_out=best.missed,
        certificate=best.certificate, extra={"timings": timings},
    )  # fmt: skip


__all__ = ["recorded"]
