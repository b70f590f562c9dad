"""What happens while a fit is made, as events to callbacks: functions of one event, which may return True to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from surefit.errors import ArgumentError
from surefit.models.scaled import Scaled
from surefit.problems.problem import Problem


@dataclass(frozen=True)
class Started:
    """Training begins: epochs at most, steps of each, parameters of the network."""

    epochs: int
    steps_per_epoch: int
    parameters: int


@dataclass(frozen=True)
class Epoch:
    """An epoch has ended. Losses are means in scaled units; lr is the epoch's; best: it is the best so far."""

    epoch: int
    epochs: int
    step: int
    train_loss: float
    validation_loss: float | None
    lr: float
    seconds: float
    best: bool


@dataclass(frozen=True)
class Step(Epoch):
    """An iteration of one of several attempts: an `Epoch` whose learning rate may be nan. stage: method and network."""

    stage: str = ""


@dataclass(frozen=True)
class Evaluated:
    """An evaluation of an expensive function has ended: the `count`-th of `budget`, with `failed` in all.

    point (d,), its values (k,), or () and the error where it failed. seconds: since the fit began.
    """

    count: int
    budget: int
    failed: int
    seconds: float
    point: tuple[float, ...]
    values: tuple[float, ...]
    error: str = ""


@dataclass(frozen=True)
class Finished:
    """Training has ended, for this reason."""

    reason: str
    seconds: float


Callback = Callable[[Any], Any]


@runtime_checkable
class Watching(Protocol):
    """A callback that wants to know the model."""

    def watch(self, model: Scaled, problem: Problem, seed: int) -> None:
        """Training of this model is about to begin."""


def callbacks_from(callbacks: Any) -> tuple[Callback, ...]:
    """The callbacks of fit's `callbacks=`: several functions of an event, one, or None. ArgumentError otherwise."""
    if callbacks is None or callable(callbacks):
        return () if callbacks is None else (callbacks,)
    several = tuple(callbacks) if isinstance(callbacks, Iterable) and not isinstance(callbacks, str) else (callbacks,)
    wrong = [c for c in several if not callable(c)]
    if wrong:
        raise ArgumentError(f"callbacks: {wrong[0]!r} is not a function of an event; give a function or a list of them")
    return several


def tell(callbacks: Sequence[Callback], event: Any) -> bool:
    """Every callback hears of it; whether one of them wants to stop."""
    answers = [callback(event) for callback in callbacks]  # all of them, whatever one says
    return any(answer is True for answer in answers)


def tell_model(callbacks: Iterable[Any], model: Scaled, problem: Problem, seed: int) -> None:
    """Let the callbacks that watch know which model they will hear of.

    A method that trains step by step calls this before its first event; one whose model exists only at the end, before
    `Finished`: then there is one frame.
    """
    for callback in callbacks:
        if isinstance(callback, Watching):
            callback.watch(model, problem, seed)


__all__ = [
    "Callback",
    "Epoch",
    "Evaluated",
    "Finished",
    "Started",
    "Step",
    "Watching",
    "callbacks_from",
    "tell",
    "tell_model",
]
