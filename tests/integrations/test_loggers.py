"""Logs of fits: files that the csv module, pandas and json read, TensorBoard's own reader, MLflow's calls."""

from __future__ import annotations

import csv
import json
import pathlib
import sys
import types

import pytest

import surefit
from surefit.errors import ArgumentError, DataError, MissingExtraError, NotFiniteError
from surefit.integrations import loggers, trackers

ADAM = surefit.Adam(epochs=5)


def quick(logger, **more):
    return surefit.fit("sin(x)", "x=-3:3", **{"method": ADAM, "model": (4,), "callbacks": logger, **more})


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def events_of(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line, parse_constant=lambda c: pytest.fail(f"{c} is not JSON")) for line in lines]


def number(cell):
    return float(cell) if cell else None


# --- CSV --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jit", [False, True])
def test_a_csv_log_holds_the_history_to_the_last_bit(tmp_path, jit):
    path = tmp_path / "new" / "log.csv"
    fit = quick(surefit.CSVLogger(path), jit=jit)
    rows = rows_of(path)
    assert [int(r["epoch"]) for r in rows] == [1, 2, 3, 4, 5]
    for name in ("train_loss", "validation_loss", "lr"):
        assert [number(r[name]) for r in rows] == [h[name] for h in fit.history]
    assert [int(r["epoch"]) for r in rows if r["best"] == "1"][-1] == fit.best_epoch


def test_the_automatic_choice_is_logged_attempt_by_attempt_with_commas_in_cells(tmp_path):
    fit = quick(surefit.CSVLogger(tmp_path / "a.csv"), method="auto", model=None)
    rows = rows_of(tmp_path / "a.csv")
    assert [int(r["epoch"]) for r in rows] == [h["epoch"] for h in fit.history]
    assert [r["stage"] for r in rows] == [str(h["stage"]) for h in fit.history]


def test_what_has_no_value_is_an_empty_cell_and_texts_are_quoted():
    assert loggers._cell(None) == loggers._cell(float("nan")) == ""
    assert loggers._cell(float("inf")) == "inf" and float(loggers._cell(0.1 + 0.2)) == 0.1 + 0.2
    text = 'a "b", c'
    assert next(csv.reader([loggers._quoted(text)])) == [text]


def test_a_logger_changes_nothing(tmp_path):
    plain = surefit.fit("sin(x)", "x=-3:3", method=ADAM, model=(4,))
    fit = quick([surefit.CSVLogger(tmp_path / "a.csv"), surefit.JSONLogger(tmp_path / "a.jsonl")])
    assert [r["train_loss"] for r in fit.history] == [r["train_loss"] for r in plain.history]


def test_every_keeps_the_first_and_the_last(tmp_path):
    quick(surefit.CSVLogger(tmp_path / "a.csv", every=3), method=surefit.Adam(epochs=9))
    assert [int(r["epoch"]) for r in rows_of(tmp_path / "a.csv")] == [1, 4, 7, 9]


def test_one_logger_for_two_fits_keeps_both_and_a_new_one_replaces_the_file(tmp_path):
    path = tmp_path / "a.csv"
    logger = surefit.CSVLogger(path)
    quick(logger), quick(logger)
    assert [r["fit"] for r in rows_of(path)] == ["1"] * 5 + ["2"] * 5
    quick(surefit.CSVLogger(path))
    assert [r["fit"] for r in rows_of(path)] == ["1"] * 5


@pytest.mark.parametrize("kind, name", [(surefit.CSVLogger, "a.csv"), (surefit.JSONLogger, "a.jsonl")])
def test_append_goes_on_after_the_last_whole_line(tmp_path, kind, name):
    path = tmp_path / name
    quick(kind(path, append=True))
    before = path.read_bytes()
    path.write_bytes(before + before.splitlines()[1][:17])  # a kill in the middle of a line
    quick(kind(path, append=True))
    assert path.read_bytes().startswith(before)
    found = rows_of(path) if name.endswith("csv") else [e for e in events_of(path) if e["event"] == "epoch"]
    assert [int(r["fit"]) for r in found] == [1] * 5 + [2] * 5


@pytest.mark.parametrize("kind", [surefit.CSVLogger, surefit.JSONLogger])
@pytest.mark.parametrize("content", [b"x,y\n1,2\n", b"# notes", b"\xff\xfe\n", b"[1]\n", b"3\n", b"[" * 10**5 + b"\n"])
def test_append_leaves_another_file_as_it_is(tmp_path, kind, content):
    path = tmp_path / "mine"
    path.write_bytes(content)
    with pytest.raises(DataError, match="is not such a log, so nothing is appended"):
        quick(kind(path, append=True))
    assert path.read_bytes() == content


def test_a_place_that_cannot_be_written_is_said_when_training_begins(tmp_path):
    with pytest.raises(DataError, match="CSVLogger: cannot write"):
        quick(surefit.CSVLogger(tmp_path))
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="cannot make the directory"):
        quick(surefit.CSVLogger(tmp_path / "file" / "log.csv"))


@pytest.mark.skipif(not pathlib.Path("/dev/full").exists(), reason="a device of Linux that is always full")
def test_a_full_disk_ends_the_log_and_not_the_fit():
    with pytest.warns(RuntimeWarning, match="nothing more is written to .*No space left.*the fit goes on") as seen:
        fit = quick(FullDisk("/dev/full"))
    assert len(fit.history) == 5 and len(seen) == 1
    with pytest.raises(DataError, match=r"cannot write '/dev/full' \(No space left"):  # already its first line
        quick(surefit.CSVLogger("/dev/full"))


class FullDisk(surefit.CSVLogger):
    def head(self):
        return None


@pytest.mark.parametrize("every", [0, -1, 1.5, True, "2"])
def test_every_must_be_a_whole_number(every):
    for kind in (surefit.CSVLogger, surefit.JSONLogger, surefit.TensorBoardLogger):
        with pytest.raises(ArgumentError, match=f"{kind.__name__}: every="):
            kind("x", every=every)


def test_a_bad_argument_leaves_an_old_log_alone(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("old")
    with pytest.raises(ArgumentError):
        quick(surefit.CSVLogger(path), tol=-1)
    assert path.read_text() == "old"


# --- JSON lines -------------------------------------------------------------------------------------------------------


def test_json_lines_tell_all_events_in_their_order(tmp_path):
    fit = quick(surefit.JSONLogger(tmp_path / "a.jsonl"))
    events = events_of(tmp_path / "a.jsonl")
    assert [e["event"] for e in events] == ["started", *["epoch"] * 5, "finished"]
    assert [e["train_loss"] for e in events[1:-1]] == [h["train_loss"] for h in fit.history]
    assert events[-1]["reason"] == fit.stop_reason and events[0]["parameters"] == fit.network.num_parameters()


def test_evaluations_of_an_expensive_function_are_lines_too(tmp_path):
    fit = surefit.fit(
        lambda x: x**2, "x=0:1", budget=12, method=surefit.VarPro(iterations=2),
        callbacks=surefit.JSONLogger(tmp_path / "a.jsonl"),
    )  # fmt: skip
    told = [e for e in events_of(tmp_path / "a.jsonl") if e["event"] == "evaluated"]
    assert [e["count"] for e in told] == list(range(1, 13)) and fit.problem.source["budget"] == 12
    assert all(e["values"][0] == pytest.approx(e["point"][0] ** 2) for e in told)


def test_a_training_that_breaks_down_leaves_its_log_with_the_error(tmp_path):
    bad = surefit.Adam(epochs=3, loss=lambda y, t: ((y - t) ** 2).mean() * float("inf"))
    with pytest.raises(NotFiniteError):
        quick(surefit.JSONLogger(tmp_path / "a.jsonl"), method=bad)
    events = events_of(tmp_path / "a.jsonl")
    assert [e["event"] for e in events] == ["started", "failed"]
    assert events[-1]["error"].startswith("NotFiniteError: the loss became")


def test_numbers_that_json_does_not_have_are_null(tmp_path):
    quick(surefit.JSONLogger(tmp_path / "a.jsonl"), method="lm")  # whose iterations have no learning rate
    assert {e["lr"] for e in events_of(tmp_path / "a.jsonl") if e["event"] == "epoch"} == {None}


def test_the_search_for_the_smallest_network_leaves_nothing_in_memory(tmp_path):
    logger = surefit.CSVLogger(tmp_path / "a.csv")
    surefit.smallest("x", "x=-1:1", 1e-3, callbacks=logger)
    assert not logger.waiting and not logger.under_way and rows_of(tmp_path / "a.csv")


# --- TensorBoard ------------------------------------------------------------------------------------------------------


def test_tensorboard_reads_what_was_logged(tmp_path):
    pytest.importorskip("tensorboard", reason="the extra tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    logger = surefit.TensorBoardLogger(tmp_path / "runs")
    fit = quick(logger)
    quick(logger)
    found = EventAccumulator(str(tmp_path / "runs")).Reload()
    for tag, name in (("loss/train", "train_loss"), ("loss/validation", "validation_loss"), ("lr", "lr")):
        told = [(s.step, s.value) for s in found.Scalars(tag)]
        assert told == [(h["epoch"], pytest.approx(h[name], rel=1e-6)) for h in fit.history]
    assert (tmp_path / "runs" / "fit-2").is_dir()


def test_a_long_training_is_thinned_for_curves(monkeypatch):
    monkeypatch.setattr(trackers, "MOST_POINTS", 4)
    logger = Kept(None)
    quick(logger, method=surefit.Adam(epochs=10))
    assert [row[0] for row in logger.rows] == [1, 4, 7, 10]


class Kept(trackers.Tracker):
    def begin(self):
        self.rows = []

    def where(self):
        return "memory"

    def write(self, rows):
        self.rows += rows

    def end(self):
        return None


@pytest.mark.parametrize("kind, extra", [(surefit.TensorBoardLogger, "tensorboard"), (surefit.MLflowLogger, "mlflow")])
def test_a_package_that_is_not_there_is_named(tmp_path, monkeypatch, kind, extra):
    monkeypatch.setitem(sys.modules, extra, None)
    for name in [name for name in sys.modules if name.startswith(f"{extra}.")]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=rf'pip install "surefit\[{extra}\]"'):
        quick(kind(str(tmp_path / "x")))


# --- MLflow, by its calls ---------------------------------------------------------------------------------------------


@pytest.fixture
def mlflow(monkeypatch):
    """A module with the part of MLflow that is used, which writes down what it is asked for."""
    calls: list = []
    run = types.SimpleNamespace(info=types.SimpleNamespace(run_id="r1"))
    state = {"active": None}

    def start_run(run_name=None):
        calls.append(("start", run_name))
        return run

    def log_batch(run_id, metrics):
        assert len(metrics) <= 1000  # what MLflow takes
        calls.append(("batch", run_id, metrics))

    client = types.SimpleNamespace(log_batch=log_batch, set_tag=lambda *given: calls.append(("tag", *given)))
    module = types.ModuleType("mlflow")
    module.active_run = lambda: state["active"]
    module.start_run = start_run
    module.end_run = lambda status: calls.append(("end", status))
    module.MlflowClient = lambda: client
    entities = types.ModuleType("mlflow.entities")
    entities.Metric = lambda key, value, timestamp, step: (key, value, timestamp, step)
    monkeypatch.setitem(sys.modules, "mlflow", module)
    monkeypatch.setitem(sys.modules, "mlflow.entities", entities)
    return types.SimpleNamespace(calls=calls, state=state, run=run, client=client)


def test_mlflow_has_a_run_with_the_losses(mlflow):
    fit = quick(surefit.MLflowLogger("mine"))
    metrics = [m for call in mlflow.calls if call[0] == "batch" for m in call[2]]
    told = [(step, value) for key, value, _, step in metrics if key == "loss/train"]
    assert told == [(h["epoch"], h["train_loss"]) for h in fit.history]
    assert all(isinstance(time, int) and time > 1e12 for _, _, time, _ in metrics)  # milliseconds since 1970
    assert mlflow.calls[0] == ("start", "mine") and mlflow.calls[-1] == ("end", "FINISHED")
    assert ("tag", "r1", "stop_reason", fit.stop_reason) in mlflow.calls


def test_a_run_that_is_active_is_used_and_stays_open(mlflow):
    mlflow.state["active"] = mlflow.run
    quick(surefit.MLflowLogger())
    assert not {"start", "end"} & {call[0] for call in mlflow.calls}


def test_a_fit_that_fails_is_a_failed_run(mlflow):
    bad = surefit.Adam(epochs=3, loss=lambda y, t: ((y - t) ** 2).mean() * float("inf"))
    with pytest.raises(NotFiniteError):
        quick(surefit.MLflowLogger(), method=bad)
    assert mlflow.calls[-1] == ("end", "FAILED")


def test_a_server_that_is_lost_ends_the_log_and_not_the_fit(mlflow):
    def lost(*_, **__):
        raise ConnectionError("no route")

    mlflow.client.log_batch = lost
    with pytest.warns(RuntimeWarning, match="the MLflow run r1 .no route.; the fit goes on"):
        assert len(quick(surefit.MLflowLogger()).history) == 5
