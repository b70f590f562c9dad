"""Callbacks: functions for each kind of event, objects with methods of these names, and what is none of these."""

from __future__ import annotations

import pytest

import surefit
from surefit.attempts.events import Step, callbacks_from
from surefit.errors import ArgumentError, NotFiniteError


def quick(**more):
    return surefit.fit("sin(x)", "x=-3:3", method=surefit.Adam(epochs=3), model=(4,), **more)


class Watcher:
    def __init__(self):
        self.heard = []

    def on_started(self, event):
        self.heard.append(type(event))

    def on_epoch(self, event):
        self.heard.append(event.epoch)

    def on_finished(self, event):
        self.heard.append(str(event.reason))


def test_each_function_hears_its_kind_of_event_and_nothing_else():
    started, epochs, finished, failed = [], [], [], []
    on = surefit.On(started=started.append, epoch=epochs.append, finished=finished.append, failed=failed.append)
    fit = quick(callbacks=on)
    assert [type(e) for e in started] == [surefit.Started] and started[0].epochs == 3
    assert [(e.epoch, e.train_loss) for e in epochs] == [(r["epoch"], r["train_loss"]) for r in fit.history]
    assert [e.reason for e in finished] == [fit.stop_reason] and not failed


def test_iterations_of_solvers_are_epochs_too():
    seen = []
    fit = surefit.fit("sin(x)", "x=-3:3", method="lm", model=(4,), callbacks=surefit.On(epoch=seen.append))
    assert len(seen) == len(fit.history) and {type(e) for e in seen} <= {surefit.Epoch, Step}


def test_an_object_with_methods_hears_what_they_are_named_after_alone_or_in_a_list():
    for given in (lambda w: w, lambda w: [w], lambda w: (print_nothing, w)):
        watcher = Watcher()
        fit = quick(callbacks=given(watcher))
        assert watcher.heard == [surefit.Started, 1, 2, 3, fit.stop_reason]


def print_nothing(event):
    return None


def test_true_from_a_named_function_stops():
    assert len(quick(callbacks=surefit.On(epoch=lambda e: e.epoch == 2)).history) == 2


def test_an_object_that_wants_the_model_is_given_it():
    class Looking(Watcher):
        def watch(self, model, problem, seed):
            self.model = model

    looking = Looking()
    fit = quick(callbacks=looking)
    assert looking.model is fit.model


def test_only_a_function_of_epochs_keeps_compiled_epochs_waiting():
    nothing = lambda event: None
    assert surefit.On(finished=nothing).passive and surefit.On(epoch=nothing, passive=True).passive
    assert not surefit.On(epoch=nothing).passive
    assert not callbacks_from(Watcher())[0].passive


def test_named_functions_change_nothing_about_compiled_training():
    method = surefit.Adam(epochs=30)
    plain = surefit.fit("sin(x)", "x=-3:3", method=method, model=(4,), jit=True)
    heard = []
    for on in (surefit.On(epoch=heard.append), surefit.On(epoch=heard.append, passive=True)):
        fit = surefit.fit("sin(x)", "x=-3:3", method=method, model=(4,), jit=True, callbacks=on)
        assert [r["train_loss"] for r in fit.history] == [r["train_loss"] for r in plain.history]
    assert len(heard) == 60


def test_a_failure_is_told_once_and_then_raised():
    heard = []
    bad = surefit.Adam(epochs=3, lr=1e30, loss=lambda y, t: ((y - t) ** 2).mean() * float("inf"))
    with pytest.raises(NotFiniteError) as caught:
        surefit.fit("sin(x)", "x=-3:3", method=bad, model=(4,), callbacks=[surefit.On(failed=heard.append)])
    assert [e.error for e in heard] == [caught.value] and heard[0].seconds > 0


def test_an_error_of_a_callback_reaches_the_others_and_the_caller():
    def wrong(event):
        raise RuntimeError("mine")

    def unwilling(event):
        raise KeyError("second")

    heard = []
    with pytest.raises(RuntimeError, match="mine"):
        quick(callbacks=[surefit.On(epoch=wrong, failed=unwilling), surefit.On(failed=heard.append)])
    assert [str(e.error) for e in heard] == ["mine"]


class Keras:
    def on_epoch_end(self, epoch, logs=None): ...


class Lightning:
    def on_train_start(self, trainer, module): ...


class NearlyRight:
    def on_epoch(self, event): ...

    def on_finish(self, event): ...


class TwoArguments:
    def on_epoch(self, epoch, logs): ...


@pytest.mark.parametrize(
    "callbacks, words",
    [
        (Keras(), "Keras has on_epoch_end, which is never called.*on_epoch"),
        (Lightning(), "Lightning has on_train_start, which is never called"),
        (NearlyRight(), "NearlyRight has on_finish, which is never called.*on_finished"),
        (TwoArguments(), r"callbacks: on_epoch: the function takes \(epoch, logs\), and is called with one event"),
        (Watcher, r"Watcher is a class; give an object of it, Watcher\(...\)"),
        ([surefit.CSVLogger], "CSVLogger is a class"),
        ("csv", "'csv' is not a function of an event and has no method such as on_epoch"),
        ({"epoch": print}, "is not a function of an event"),
        ([None], "None is not a function of an event"),
    ],
)
def test_what_is_no_callback_is_refused_before_anything_begins(callbacks, words):
    with pytest.raises(ArgumentError, match=words):
        quick(callbacks=callbacks)


@pytest.mark.parametrize(
    "given, words",
    [
        ({}, "On: give a function for at least one of started, epoch, evaluated, finished, failed"),
        ({"epoch": 3}, "On: epoch=3 must be a function of one event"),
        ({"finished": lambda: None}, r"On: finished: the function takes \(\), and is called with one event"),
        ({"started": Watcher}, "On: started=.* must be a function of one event"),
    ],
)
def test_on_refuses_what_it_could_not_call(given, words):
    with pytest.raises(ArgumentError, match=words):
        surefit.On(**given)


def test_an_object_may_have_other_methods_that_begin_with_on():
    class Widget:
        def on_epoch(self, event): ...

        def on_click(self, x, y): ...

    assert len(quick(callbacks=Widget()).history) == 3
