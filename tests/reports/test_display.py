"""`fit(progress=)`: shown when asked for and where somebody watches, silent in scripts; what fit does not take."""

from __future__ import annotations

import sys

import pytest

import surefit
from surefit.attempts.events import Epoch, Finished, Started
from surefit.errors import ArgumentError
from surefit.reports import display

EPOCH = Epoch(3, 10, 30, 0.5, 0.25, 1e-3, 2.0, True)


def quick(**more):
    return surefit.fit("sin(x)", "x=-3:3", method=surefit.Adam(epochs=3), model=(4,), **more)


def test_a_script_is_silent_and_a_fit_that_was_asked_to_is_not(capsys):
    plain = quick()
    assert capsys.readouterr().err == ""
    watched = quick(progress=True)
    err = capsys.readouterr().err
    assert "epoch 3/3  train " in err and watched.history[-1]["train_loss"] == plain.history[-1]["train_loss"]
    quick(progress=False)
    assert capsys.readouterr().err == ""


def test_at_a_prompt_only_a_long_fit_is_shown(capsys, monkeypatch):
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    quick()
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(display, "LONG", 0.0)
    quick()
    assert "epoch 1/3" in capsys.readouterr().err
    quick(progress=False)
    assert capsys.readouterr().err == ""


def test_a_late_display_opens_with_the_attempt_that_runs_and_is_closed_once(monkeypatch):
    now, seen = [0.0], []
    monkeypatch.setattr(display.clock, "monotonic", lambda: now[0])

    class Recorded(display.Display):
        def __enter__(self):
            seen.append("open")
            return self

        def __exit__(self, *_):
            seen.append("closed")

        def started(self, event):
            seen.append("started")

        def epoch(self, event):
            seen.append(event.epoch)

    late = display.Late(Recorded(), 1.0)
    late(Started(10, 10, 5))
    late(EPOCH)
    assert seen == []
    now[0] = 2.0
    late(EPOCH)
    late(Finished("done", 2.0))
    late.close()
    late.close()
    assert seen == ["open", "started", 3, "closed"]


def test_a_notebooks_line_is_written_over_and_taken_away(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(display.clock, "monotonic", lambda: now[0])
    with display.NotebookLine() as line:
        line(EPOCH)
        line(EPOCH)  # too soon
        now[0] = 1.0
        line(EPOCH)
    parts = capsys.readouterr().err.split("\r")
    assert parts[1] == parts[2] and parts[1].startswith("epoch 3/10  train 5.00e-01  validation 2.50e-01  lr 1.0e-03")
    assert parts[3].strip() == "" and len(parts[3]) == len(parts[1]) and parts[4] == ""


def test_a_notebook_is_told_from_a_prompt(monkeypatch):
    class Shell:
        kernel = object()

    class IPython:
        get_ipython = staticmethod(lambda: Shell())

    assert not display.in_notebook()
    monkeypatch.setitem(sys.modules, "IPython", IPython)
    assert display.in_notebook()
    monkeypatch.delattr(Shell, "kernel")
    assert not display.in_notebook()


@pytest.mark.parametrize(
    "given, cure",
    [
        ({"epochs": 3}, r"it is a setting of the method: write method=surefit.Adam\(epochs=300\)"),
        ({"memory": 3}, r"write method=surefit.LBFGS\(memory=...\)"),
        ({"hidden": (3,)}, r"write model=\(64, 64\)"),
        ({"activation": "relu"}, r"write model=surefit.MLPSpec\(activation="),
        ({"split": 1}, r"write data=surefit.Sampling\(split="),
        ({"verbose": 1}, "write progress=True"),
        ({"sed": 1}, "did you mean seed"),
        ({"epoch": 1}, r"method=surefit.Adam\(epochs=300\)|it takes domain"),
        ({"zzz": 1}, "it takes domain, target"),
        ({"progress": 1}, "progress=1 must be True, False or None"),
    ],
)
def test_an_argument_that_fit_does_not_have_is_answered_with_what_to_write(given, cure):
    with pytest.raises(ArgumentError, match=cure):
        surefit.fit("sin(x)", "x=-3:3", **given)
    if "write" in cure:  # the cure is a call that can be made: its class is there and has the setting
        kind = cure.split("surefit.")[1].split("\\")[0] if "surefit." in cure else "fit"
        assert hasattr(surefit, kind)
