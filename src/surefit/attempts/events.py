"""What happens while a fit is made, as events to callbacks: functions of one event, which may return True to stop.

A callback is a function that hears every event, an `On` with a function for each kind of event, or an object with
methods of these names: on_started, on_epoch, on_evaluated, on_finished, on_failed.
"""

from __future__ import annotations

import difflib
import inspect
import time as clock
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
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


@dataclass(frozen=True)
class Failed:
    """There will be no fit: this error ends it, after so many seconds. Nothing follows."""

    error: Exception
    seconds: float


Callback = Callable[[Any], Any]
KINDS: dict[type, str] = {
    Started: "started", Epoch: "epoch", Step: "epoch", Evaluated: "evaluated", Finished: "finished", Failed: "failed",
}  # fmt: skip
METHODS = tuple(f"on_{name}" for name in dict.fromkeys(KINDS.values()))


@runtime_checkable
class Watching(Protocol):
    """A callback that wants to know the model."""

    def watch(self, model: Scaled, problem: Problem, seed: int) -> None:
        """Training of this model is about to begin."""


class On:
    """A callback with a function for each kind of event; each takes that event and may return True to stop.

    Args:
        started: an attempt begins (`Started`); the automatic choice makes several.
        epoch: an epoch, or an iteration of a solver, has ended (`Epoch`).
        evaluated: an expensive function has been evaluated (`Evaluated`).
        finished: training has ended, and there is a fit (`Finished`).
        failed: an error ends it without a fit (`Failed`), and is raised when all callbacks have heard of it.
        passive: `epoch` neither stops training nor looks at weights, so that compiled epochs need not wait for it.

    Raises:
        ArgumentError: what is given is no function of one event, or nothing is given.

    >>> import surefit
    >>> losses = []
    >>> fit = surefit.fit(
    ...     "sin(x)", "x=-3:3", method=surefit.Adam(epochs=3), model=(4,),
    ...     callbacks=surefit.On(epoch=lambda e: losses.append(e.train_loss)),
    ... )
    >>> losses == [row["train_loss"] for row in fit.history]
    True
    """

    def __init__(
        self,
        *,
        started: Callable[[Started], Any] | None = None,
        epoch: Callable[[Epoch], Any] | None = None,
        evaluated: Callable[[Evaluated], Any] | None = None,
        finished: Callable[[Finished], Any] | None = None,
        failed: Callable[[Failed], Any] | None = None,
        passive: bool = False,
    ) -> None:
        given = dict(started=started, epoch=epoch, evaluated=evaluated, finished=finished, failed=failed)
        self.functions: dict[str, Callable[[Any], Any]] = {k: f for k, f in given.items() if f is not None}
        if not self.functions:
            raise ArgumentError("On: give a function for at least one of " + ", ".join(given))
        for name, function in self.functions.items():
            _check_function(f"On: {name}", function)
        self.passive = bool(passive) or epoch is None

    def __call__(self, event: Any) -> Any:
        function = self.functions.get(KINDS.get(type(event), ""))
        return None if function is None else function(event)


def _check_function(name: str, function: Any) -> None:
    """ArgumentError for what cannot be called with one event."""
    if not callable(function) or isinstance(function, type):
        raise ArgumentError(f"{name}={function!r} must be a function of one event")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # of a built-in that does not tell
        return
    try:
        signature.bind(None)
    except TypeError:
        raise ArgumentError(f"{name}: the function takes {signature}, and is called with one event") from None


def _of_methods(watcher: Any) -> On | None:
    """An object with methods such as on_epoch as a callback; None where it has no method on_... at all."""
    names = {name for name in [*dir(type(watcher)), *getattr(watcher, "__dict__", ())] if name.startswith("on_")}
    if not names:
        return None
    known = [name for name in METHODS if name in names]
    strange = sorted(name for name in names.difference(METHODS) if difflib.get_close_matches(name, METHODS, 1, 0.75))
    if strange or not known:
        raise ArgumentError(
            f"callbacks: {type(watcher).__name__} has {(strange or sorted(names))[0]}, which is never called; the "
            f"methods of a callback are {', '.join(METHODS)}, each with one event"
        )
    for name in known:
        _check_function(f"callbacks: {name}", getattr(watcher, name))
    heard = On(
        **{name.removeprefix("on_"): getattr(watcher, name) for name in known},
        passive=getattr(watcher, "passive", False),
    )
    if isinstance(watcher, Watching):
        heard.watch = watcher.watch  # type: ignore[attr-defined]  # only of those that want to know the model
    return heard


def _callback(given: Any) -> Callback:
    """One callback as a function of any event."""
    if isinstance(given, type):
        raise ArgumentError(f"callbacks: {given.__name__} is a class; give an object of it, {given.__name__}(...)")
    if callable(given):
        return given
    heard = _of_methods(given)
    if heard is None:
        raise ArgumentError(
            f"callbacks: {given!r} is not a function of an event and has no method such as on_epoch; give a function, "
            "surefit.On(epoch=...), or a list of them"
        )
    return heard


def callbacks_from(callbacks: Any) -> tuple[Callback, ...]:
    """The callbacks of fit's `callbacks=`: several, one, or None. ArgumentError for what is none."""
    if callbacks is None:
        return ()
    several = isinstance(callbacks, Iterable) and not callable(callbacks) and not isinstance(callbacks, (str, dict))
    if several and not any(name.startswith("on_") for name in dir(type(callbacks))):
        return tuple(_callback(c) for c in callbacks)
    return (_callback(callbacks),)


@contextmanager
def notify_failure(callbacks: Sequence[Callback], began: float) -> Iterator[None]:
    """An error that leaves the block is told to the callbacks before it goes on; began: as of `time.perf_counter`."""
    try:
        yield
    except Exception as error:
        for callback in callbacks:
            with suppress(Exception):  # the error that was first is the one to be seen
                callback(Failed(error, clock.perf_counter() - began))
        raise


def notify(callbacks: Sequence[Callback], event: Any) -> bool:
    """Every callback hears of it; whether one of them wants to stop."""
    answers = [callback(event) for callback in callbacks]  # all of them, whatever one says
    return any(answer is True for answer in answers)


def notify_model(callbacks: Iterable[Any], model: Scaled, problem: Problem, seed: int) -> None:
    """Let the callbacks that watch know which model they will hear of.

    A method that trains step by step calls this before its first event; one whose model exists only at the end, before
    `Finished`: then there is one frame.
    """
    for callback in callbacks:
        if isinstance(callback, Watching):
            callback.watch(model, problem, seed)


__all__ = [
    "KINDS",
    "Callback",
    "Epoch",
    "Evaluated",
    "Failed",
    "Finished",
    "On",
    "Started",
    "Step",
    "Watching",
    "callbacks_from",
    "notify",
    "notify_failure",
    "notify_model",
]
