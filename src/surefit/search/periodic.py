"""The record of a problem with periodic inputs, from that of its rows in coordinates that come back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from surefit.attempts.events import Callback, Watching
from surefit.attempts.members import joined
from surefit.models.circular import around
from surefit.models.inference import values_of
from surefit.models.scaled import Scaled
from surefit.problems.periodic import lowered
from surefit.problems.problem import Problem
from surefit.search.judging import Judge, Measured
from surefit.search.record import Record, Solved
from surefit.search.teacher import Taught


class Heard:
    """A callback that hears of a training in coordinates that come back, and of its model in the inputs themselves."""

    def __init__(self, callback: Callback, problem: Problem) -> None:
        self.callback, self.problem = callback, problem
        self.passive = getattr(callback, "passive", False)

    def watch(self, model: Scaled, problem: Problem, seed: int) -> None:
        """Training of this model is about to begin."""
        if isinstance(self.callback, Watching):
            self.callback.watch(around(model, self.problem.periods), self.problem, seed)

    def __call__(self, event: Any) -> Any:
        return self.callback(event)


def in_own_inputs(record: Record, problem: Problem, time: float | None) -> Record:
    """The record in the inputs of the problem; of a known function its error is measured there."""
    names = record.problem.names

    def own(error: Measured) -> Measured:
        outputs = tuple(replace(each, at=lowered(each.at, problem, names)) for each in error.outputs)
        return replace(error, at=lowered(error.at, problem, names), outputs=outputs)

    model = around(record.model, problem.periods)
    all_trained = record.problem.validation is None and problem.validation is not None
    notes = list(record.problem.notes)
    changes: dict[str, Any] = {"model": model, "error": own(record.error)}
    if problem.function is not None:
        changes["error"] = Judge(problem, record.seed, time).measured(values_of(model))
    if record.taught is not None:
        taught = record.taught
        changes["taught"] = Taught(taught.teacher, own(taught.estimate), own(taught.distance))
    if isinstance(record.made, Solved):
        details = {key: value for key, value in record.made.details.items() if key != "inputs"}
        changes["made"] = replace(record.made, details=details)
    own_problem = joined(problem) if all_trained else problem
    changes["problem"] = replace(own_problem, notes=tuple(notes))
    return replace(record, **changes)


__all__ = ["Heard", "in_own_inputs"]
