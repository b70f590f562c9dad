"""Searches: the best of their trials is a fit of `fit`, journals are gone on from, processes share one."""

from __future__ import annotations

import contextlib
import csv
import multiprocessing
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

import surefit
from surefit.errors import ArgumentError, MissingExtraError

optuna = pytest.importorskip("optuna", reason="the search is Optuna's")
TARGET = ("sin(x)", "x=-3:3")
QUICK = dict(method="features")


def test_the_best_trial_is_the_fit_of_its_settings():
    found = surefit.tune(*TARGET, {"hidden": [2, 12], "activation": ["tanh", "sin"]}, trials=6, **QUICK)
    losses = [one.loss for one in found.trials]
    assert len(losses) == 6
    model = surefit.MLPSpec((found.settings["hidden"],), found.settings["activation"])
    alone = surefit.fit(*TARGET, model=model, **QUICK)
    assert found.best.error == alone.error
    assert alone.error.max == min(losses)
    same = {}  # trials with the same settings have the same loss
    for one in found.trials:
        assert same.setdefault(str(one.settings), one.loss) == one.loss


@pytest.mark.slow
def test_the_same_seed_gives_the_same_search():
    one, two = (
        surefit.tune(*TARGET, {"units": (2, 30, "log"), "ridge": (1e-9, 1e-3, "log")}, trials=4, seed=3, **QUICK)
        for _ in range(2)
    )
    assert [t.settings for t in one.trials] == [t.settings for t in two.trials]
    assert [t.loss for t in one.trials] == [t.loss for t in two.trials]
    assert all(2 <= t.settings["units"] <= 30 and isinstance(t.settings["units"], int) for t in one.trials)
    assert all(1e-9 <= t.settings["ridge"] <= 1e-3 for t in one.trials)
    assert all(f"{t.loss:.3g}" in repr(one) for t in one.trials)


def test_test_rows_have_no_part_in_it():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (200, 1))
    y = np.sin(3 * x[:, 0]) + 0.3 * rng.standard_normal(200)
    found = surefit.tune(
        (x, y), search={"hidden": [1, 4, 40]}, trials=6, data=surefit.Sampling(split=(0.7, 0.2, 0.1)), **QUICK
    )
    assert found.best.score == pytest.approx(min(one.loss for one in found.trials))


def test_a_journal_is_gone_on_from(tmp_path):
    path = tmp_path / "search.log"
    space = {"hidden": [2, 4, 8, 16]}
    first = surefit.tune(*TARGET, space, trials=3, journal=path, **QUICK)
    again = surefit.tune(*TARGET, space, trials=5, journal=path, **QUICK)
    assert [t.loss for t in again.trials[:3]] == [t.loss for t in first.trials]
    assert len(again.trials) == 5
    full = surefit.tune(*TARGET, space, trials=4, journal=path, **QUICK)  # nothing is left to do
    assert len(full.trials) == 5
    assert full.best.error == again.best.error
    with pytest.raises(ArgumentError, match="another search"):
        surefit.tune("cos(x)", "x=-3:3", space, trials=6, journal=path, **QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("cut", [1, 40, "first line"])
def test_a_journal_whose_last_line_was_cut_off_is_gone_on_from(tmp_path, cut):
    """As a kill or a full disk leaves it."""
    path = tmp_path / "j.log"
    ask = dict(method="features", journal=path)
    surefit.tune("sin(x)", "x=-3:3", {"units": (2, 30)}, trials=3, **ask)
    whole = path.read_bytes()
    path.write_bytes(whole[:20] if cut == "first line" else whole[:-cut])
    for trials in (4, 5):  # the second call reads what the first one wrote behind
        assert len(surefit.tune("sin(x)", "x=-3:3", {"units": (2, 30)}, trials=trials, **ask).trials) >= trials


@pytest.mark.parametrize("text", ["notes without an end", "a,b\n1,2\n", '{"a": 1}\n'])
def test_a_file_that_is_no_journal_stays_as_it_is(tmp_path, text):
    path = tmp_path / "mine.log"
    path.write_text(text)
    with pytest.raises(ArgumentError, match=r"journal: .*mine\.log' exists and is no journal"):
        surefit.tune("sin(x)", "x=-3:3", {"units": (2, 30)}, trials=1, method="features", journal=path)
    assert path.read_text() == text


@pytest.mark.slow
def test_several_processes_share_the_trials():
    found = surefit.tune(*TARGET, {"hidden": [2, 4, 8, 16]}, trials=5, processes=2, **QUICK)
    assert len(found.trials) == 5
    assert found.best.error.max == min(one.loss for one in found.trials)


def deadly(x):
    """sin(x), but where two processes work on it the second one to come dies."""
    if multiprocessing.parent_process() is not None:
        with contextlib.suppress(FileExistsError):
            os.close(os.open(os.environ["SUREFIT_TEST_DEATH"], os.O_CREAT | os.O_EXCL))
            os._exit(9)
    return np.sin(x)


@pytest.mark.slow
def test_trials_go_on_where_a_process_died(tmp_path, monkeypatch):
    monkeypatch.setenv("SUREFIT_TEST_DEATH", str(tmp_path / "died"))
    search = {"hidden": [2, 4, 8]}
    found = surefit.tune(deadly, "x=-3:3", search, trials=4, processes=2, method="features")
    status = [one.status for one in found.trials]
    assert len(status) == 4 and set(status) == {"done", "its process died"}
    assert 1 <= status.count("its process died") <= 2


def always_deadly(x):
    if multiprocessing.parent_process() is not None:
        os._exit(9)
    return np.sin(x)


@pytest.mark.slow
def test_a_search_whose_processes_all_die_ends():
    with pytest.raises(ArgumentError, match="all 2 trials failed; the first with its process died"):
        surefit.tune(always_deadly, "x=-3:3", {"hidden": [2, 4, 8]}, trials=2, processes=1 + 1, method="features")


def test_a_trial_that_fails_is_a_row(tmp_path):
    found = surefit.tune(*TARGET, {"hidden": [(3,), (3, 3)]}, trials=6, **QUICK)
    failed = [one for one in found.trials if one.status != "done"]
    assert failed
    assert all("one hidden layer" in one.status for one in failed)
    assert f"{len(failed)} failed" in repr(found)
    with open(found.to_csv(tmp_path / "all.csv"), newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] == "done" for row in rows] == [one.status == "done" for one in found.trials]
    with pytest.raises(ArgumentError, match=r"all 2 trials failed.*one hidden layer"):
        surefit.tune(*TARGET, {"hidden": [(3, 3), (4, 4)]}, trials=2, **QUICK)


@pytest.mark.slow
def test_it_stops_when_it_is_told_to_or_has_what_was_asked():
    heard = []
    found = surefit.tune(
        *TARGET, {"hidden": [2, 3]}, trials=9, callback=lambda t: heard.append(t) or len(heard) == 2, **QUICK
    )
    assert found.trials == tuple(heard)
    near = surefit.tune(*TARGET, {"hidden": [20, 21]}, trials=9, tol=1e-3, **QUICK)
    assert len(near.trials) == 1
    assert near.best.reached
    short = surefit.tune(*TARGET, {"hidden": (2, 60)}, trials=10**6, time=0.5, **QUICK)
    assert len(short.trials) < 1000


def test_without_a_search_sizes_activations_and_rates_are_varied():
    found = surefit.tune(*TARGET, trials=2, epochs=2)
    assert set(found.settings) == {"units", "layers", "activation", "lr"}
    other = surefit.tune(*TARGET, trials=2, method="features", layers=1)
    assert set(other.settings) == {"units", "activation"}


def test_pictures_and_pages():
    found = surefit.tune(*TARGET, {"units": (2, 60, "log"), "activation": ["tanh", "sin"]}, trials=4, **QUICK)
    axes = found.plot().axes
    assert [one.get_xlabel().split(" (")[0] for one in axes] == ["trial", "units", "activation"]
    assert "<caption>sin(x): 4 trials</caption>" in found._repr_html_()
    assert len(found.table()["units"]) == 4


@pytest.mark.parametrize(
    "arguments, words",
    [
        (dict(search={}), "search="),
        (dict(search={"unitz": (1, 2)}), "unitz"),
        (dict(search={"activation": ["tanh", "tahn"]}), "did you mean 'tanh'"),
        (dict(search={"activation": ["tanh", ("sin", "sni")], "hidden": [(3, 3)]}), "'sni' is unknown"),
        (dict(search={"method": ["lm", "ml"]}), "'ml' is unknown"),
        (dict(search={"hidden": [3, (3, 0)]}), "hidden=0 must be"),
        (dict(search={"units": 4}), "list of choices"),
        (dict(search={"units": (9, 4)}), "low < high"),
        (dict(search={"units": (1, 4, "lin")}), '"log"'),
        (dict(search={"lr": (0.0, 1.0, "log")}), "above 0"),
        (dict(search={"hidden": []}), "list of choices"),
        (dict(search={"hidden": [4]}, hidden=3), "leave one out"),
        (dict(search={"hidden": [4]}, trials=0), "trials=0"),
        (dict(search={"hidden": [4]}, callback=3), "callback=3"),
        (dict(search={"hidden": [4]}, journal="/no/such/folder/j.log"), "a file in a folder"),
    ],
)
def test_wrong_calls(arguments, words):
    with pytest.raises(ArgumentError, match=words):
        surefit.tune(*TARGET, **arguments)


def test_a_lambda_goes_to_no_other_process():
    with pytest.raises(ArgumentError, match="cannot be sent to another process"):
        surefit.tune(lambda x: x, "x=0:1", {"hidden": [3]}, processes=2, **QUICK)


def test_without_optuna_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"surefit\[tune\]"):
        surefit.tune(*TARGET, {"hidden": [3]})


def test_optuna_is_as_loud_as_before():
    before = optuna.logging.get_verbosity()
    surefit.tune(*TARGET, {"hidden": [3, 4]}, trials=1, **QUICK)
    assert optuna.logging.get_verbosity() == before


def test_of_classes_it_is_shown_how_often_they_are_right(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (200, 2))
    kind = np.where(x[:, 0] > x[:, 1] ** 2, "in", "out")
    found = surefit.tune((x, kind), None, {"hidden": [1, 20]}, trials=4, task="classify", **QUICK)
    best = found.best.classified
    assert max(one.accuracy for one in found.trials) >= best.accuracy == found.table()["accuracy"][_number(found)]
    head, first = str(found).splitlines()[1:3]
    assert head.split()[:5] == ["trial", "loss", "accuracy", "log", "loss"] and "|error|" not in head
    assert f"{best.accuracy:.3g}" in first and f"{best.log_loss:.3g}" in first
    assert "accuracy,log_loss" in found.to_csv(tmp_path / "trials.csv").read_text().splitlines()[0]


def _number(found):
    return next(one.number for one in found.trials if one.status == "done" and one.settings == found.settings)


def test_an_interrupt_keeps_the_trials_and_the_journal_goes_on(tmp_path, monkeypatch):
    from surefit.studies import tuning

    journal, made = tmp_path / "journal.log", []

    def interrupted(*what, **settings):
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(surefit.fit(*what, **settings))
        return made[-1]

    search = {"units": (2, 30)}
    with monkeypatch.context() as patch:
        patch.setattr(tuning, "fit", interrupted)
        found = surefit.tune("sin(x)", "x=-3:3", search, trials=4, method="features", journal=journal)
    assert found.interrupted and "2 trials, interrupted" in str(found)
    assert [one.status for one in found.trials] == ["done", "done"]
    assert found.best is min(made, key=lambda fit: fit.error.max)
    went_on = surefit.tune("sin(x)", "x=-3:3", search, trials=4, method="features", journal=journal)
    assert not went_on.interrupted and [one.status for one in went_on.trials] == ["done"] * 4
    assert [one.loss for one in went_on.trials[:2]] == [one.loss for one in found.trials]


def test_a_search_interrupted_in_its_first_trial_is_an_interrupt(monkeypatch):
    from surefit.studies import tuning

    def interrupted(*what, **settings):
        raise KeyboardInterrupt

    monkeypatch.setattr(tuning, "fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        surefit.tune("sin(x)", "x=-3:3", {"units": (2, 30)}, trials=4, method="features")


def test_choices_that_are_tuples_are_told_as_they_are(tmp_path):
    """Optuna knows them by their places, which a journal holds."""
    search = {"hidden": [(3, 3), 8]}
    given = dict(trials=2, method=surefit.LM(iterations=3), journal=tmp_path / "journal.log")
    found = surefit.tune("sin(x)", "x=-3:3", search, **given)
    assert {str(one.settings["hidden"]) for one in found.trials} <= {"(3, 3)", "8"}
    assert "3-3" in str(found) or all(one.settings["hidden"] == 8 for one in found.trials)
    from_journal = surefit.tune("sin(x)", "x=-3:3", search, **given)
    assert from_journal.settings == found.settings and from_journal.best.error == found.best.error


def test_trials_that_are_judged_by_several_kinds_of_error_are_no_search():
    rng = np.random.default_rng(0)
    x = np.linspace(0, 3, 80)
    y = np.exp(np.sin(2 * x) + rng.normal(0, 0.1, 80))
    with pytest.raises(ArgumentError, match=r"squared errors of the logarithm.*say nothing of each other"):
        surefit.tune((x, y), None, {"target_scale": ["log", "linear"]}, trials=20, method="features")


INTERRUPTED = """
import sys, surefit
if __name__ == "__main__":
    search = {"units": (2, 40), "lr": (1e-3, 1e-1, "log")}
    found = surefit.tune(
        "sin(5*x)", "x=-3:3", search, trials=2000, processes=2, method="adam", epochs=3000, journal=sys.argv[1],
        callback=lambda trial: print("ended", trial.number, flush=True), seed=1, progress=False,
    )
    assert found.interrupted and all(trial.status == "done" for trial in found.trials)
    print("kept", len(found.trials), f"{found.best.error.max:.17g}", f"{min(t.loss for t in found.trials):.17g}")
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signal for one process alone")
@pytest.mark.parametrize("everybody", [False, True])  # a notebook interrupts its kernel alone, a terminal all
def test_an_interrupt_ends_the_processes_too(everybody, tmp_path):
    (tmp_path / "search.py").write_text(INTERRUPTED)
    command = [sys.executable, "search.py", "j.log"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout.readline().startswith("ended")
        (os.killpg if everybody else os.kill)(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=120)  # 2 000 trials would take half an hour
    assert process.returncode == 0, err
    _, count, best, least = out.splitlines()[-1].split()
    assert 1 <= int(count) < 200 and best == least and "Traceback" not in err


def test_trials_of_other_processes_are_told_and_ended(capsys):
    heard = []

    def hear(trial):
        heard.append(trial)
        return len(heard) == 3

    found = surefit.tune(
        *TARGET, {"units": (2, 30)}, trials=500, processes=2, callback=hear, progress=True, **QUICK
    )  # fmt: skip
    assert not found.interrupted and 3 <= len(found.trials) < 500
    known = {trial.number: trial for trial in found.trials}
    assert all(known[trial.number] == trial for trial in heard)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["trial 1/500", "trial 2/500", "trial 3/500"]


def test_a_line_tells_which_trial_is_made(capsys):
    surefit.tune(*TARGET, {"units": (2, 30)}, trials=2, progress=True, **QUICK)
    told = capsys.readouterr().err
    assert "1/2  units=" in told and "2/2  units=" in told
    surefit.tune(*TARGET, {"units": (2, 30)}, trials=2, **QUICK)
    assert capsys.readouterr().err == ""
