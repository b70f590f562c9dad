"""First-order training on tables in parts: beside the same training in memory, row by row, and within its memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

import surefit
from surefit.attempts import windows
from surefit.attempts.training import Training
from surefit.attempts.windows import rows_of_window
from surefit.compiler import TrainingLoop
from surefit.data import batches
from surefit.errors import ArgumentError, CheckpointError, DataError
from surefit.problems import large

arrow = pytest.importorskip("pyarrow", reason="tables in parts are read by pyarrow")
parquet = pytest.importorskip("pyarrow.parquet", reason="tables in parts are read by pyarrow")
ROWS = 3001
PLACES = np.array([[0.1, 0.2], [-0.7, 3.0]])


def table(n: int = ROWS, seed: int = 0, order=slice(None)) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    a, b, noise = rng.uniform(-1, 1, n), rng.uniform(-5, 5, n), rng.standard_normal(n)
    columns = {"a": a, "b": b, "w": rng.uniform(0.5, 1.5, n), "y": np.sin(4 * a) * np.cos(b) + 0.05 * noise}
    return {name: column[order] for name, column in columns.items()}


def written(path, columns, group=350):
    parquet.write_table(arrow.table(columns), path, row_group_size=group)
    return path


def fitted(source, method=None, model=(16, 16), **more):
    plan = {"stream": True, **more.pop("plan", {})}
    method = method or surefit.Adam(epochs=4)
    options = {"target": "y", "columns": ["a", "b"], "data": surefit.Sampling(**plan)} | more
    return surefit.fit(source, method=method, model=model, **options)


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(batches, "BLOCK", 200)
    monkeypatch.setattr(batches, "READ", 10_000)


@pytest.mark.parametrize("jit", [True, False])
@pytest.mark.parametrize(
    "settings, weights",
    [
        ({}, None),
        ({"batch_size": ROWS}, None),
        ({"batch_size": 1000, "schedule": "onecycle", "loss": "huber"}, "w"),
        ({"schedule": "plateau", "clip_norm": 1.0}, "w"),
    ],
)
def test_a_window_of_all_rows_gives_the_network_of_training_in_memory(jit, settings, weights):
    method = surefit.Adam(epochs=4, **settings)
    plan = {"split": (1, 0, 0), "weights": weights}
    whole = fitted(table(), method, jit=jit, plan={"stream": False, **plan})
    order = whole.problem.row_numbers["train"]  # in which rows are held in memory
    parts = fitted(table(order=order), method, jit=jit, plan=plan)
    assert parts.predict(PLACES).tobytes() == whole.predict(PLACES).tobytes()
    assert [row["train_loss"] for row in parts.history] == pytest.approx([r["train_loss"] for r in whole.history])
    assert (parts.steps, parts.best_epoch) == (whole.steps, whole.best_epoch)


@pytest.mark.parametrize("jit", [True, False])
def test_the_best_epoch_is_that_of_the_validation_rows_as_in_memory(jit):
    whole = fitted(table(), surefit.SGD(epochs=12, lr=0.1), jit=jit, plan={"split": (1, 0, 0)})
    noisy = fitted(table(), surefit.SGD(epochs=12, lr=0.1), jit=jit)
    assert whole.history[0]["validation_loss"] is None
    losses = [row["validation_loss"] for row in noisy.history]
    assert noisy.best_epoch == int(np.argmin(losses)) + 1
    x, y = noisy.problem.validation
    ours = np.mean((noisy.model.scaling.outputs(noisy.predict(x)[:, None]) - noisy.model.scaling.outputs(y)) ** 2)
    assert min(losses) == pytest.approx(ours, rel=1e-5)


@pytest.mark.parametrize("jit", [True, False])
def test_each_epoch_visits_every_training_row_once_in_another_order(tmp_path, small, monkeypatch, jit):
    columns = table()
    columns["y"] = np.arange(float(ROWS))  # so that a row is known by its value
    seen: list[float] = []
    step, sweep = Training.step, TrainingLoop.sweep

    def counted(self, rows):
        seen.extend(self.y[rows, 0].tolist())
        return step(self, rows)

    def swept(self, data, rows, rates, halted=None):
        seen.extend(data[1][rows, 0].tolist())
        return sweep(self, data, rows, rates, halted)

    monkeypatch.setattr(Training, "step", counted)
    monkeypatch.setattr(TrainingLoop, "sweep", swept)
    method = surefit.Adam(epochs=3, scale=False, lr=1e-6)
    fit = fitted(written(tmp_path / "t.parquet", columns), method, jit=jit, plan={"window": 500})
    count = fit.problem.sizes()["train"]
    assert len(seen) == 3 * count and fit.problem.source["parts"]["window"] == 512
    epochs = [seen[i * count : (i + 1) * count] for i in range(3)]
    held = np.array([y[0] for part in (fit.problem.validation, fit.problem.test) for y in part[1]])
    expected = Counter(set(range(ROWS)) - set(held.astype(int).tolist()))
    for epoch in epochs:
        assert Counter(int(y) for y in epoch) == expected
        blocks = len({int(y) // 350 for y in epoch[:512]})
        assert 2 <= blocks < 9  # rows of several parts of the table, and not of all
    assert epochs[0] != epochs[1] != epochs[2]
    assert sorted(epochs[0][:512]) != sorted(epochs[1][:512])  # in another order of the parts, too


@pytest.mark.slow
def test_windows_are_as_good_as_memory_and_better_than_features(tmp_path, small):
    columns = table(10_000)
    path = written(tmp_path / "t.parquet", columns, 1000)
    method = surefit.Adam(epochs=20, lr=1e-2)
    memory = fitted(columns, method, (32, 32), plan={"stream": False})
    parts = fitted(path, method, (32, 32), plan={"window": 2000})
    features = fitted(path, "features", (20,))
    assert parts.error.rmse < 1.1 * memory.error.rmse  # of other test rows
    assert parts.error.rmse < 0.8 * features.error.rmse
    assert "shuffled 2048 at a time" in str(parts)


@pytest.mark.slow
def test_rows_in_order_are_learned_from_windows_too(tmp_path, small):
    columns = table(10_000)
    order = np.argsort(columns["a"])
    path = written(tmp_path / "t.parquet", {name: c[order] for name, c in columns.items()}, 500)
    method = surefit.Adam(epochs=20, lr=1e-2)
    parts = fitted(path, method, (32, 32), plan={"window": 2000})
    assert parts.error.rmse < 1.1 * fitted(columns, method, (32, 32), plan={"stream": False}).error.rmse


@pytest.mark.slow
def test_one_seed_gives_one_network(tmp_path, small):
    path = written(tmp_path / "t.parquet", table())
    one, again, other = (fitted(path, plan={"window": 700}, seed=seed).predict(PLACES) for seed in (3, 3, 4))
    assert one.tobytes() == again.tobytes() != other.tobytes()


@pytest.mark.slow
def test_whatever_holds_the_table_a_window_of_all_rows_gives_one_network(tmp_path, small):
    columns = table()
    here = fitted(written(tmp_path / "t.parquet", columns)).predict(PLACES)
    (tmp_path / "all").mkdir()
    for i, part in enumerate(np.split(np.arange(ROWS), [500, 501, 2000])):
        written(tmp_path / "all" / f"{i}.parquet", {name: c[part] for name, c in columns.items()})
    text = [",".join(columns), *(",".join(map(repr, row)) for row in np.column_stack([*columns.values()]).tolist())]
    (tmp_path / "t.csv").write_text("\n".join(text), encoding="utf-8")
    for source in (tmp_path / "all", tmp_path / "t.csv", columns):
        assert fitted(source).predict(PLACES).tobytes() == here.tobytes()


@pytest.mark.slow
def test_partitions_of_dask_are_trained_on(small):
    dask = pytest.importorskip("dask.dataframe", reason="the partitions are Dask's")
    pandas = pytest.importorskip("pandas", reason="of frames of pandas")
    columns = table()
    frame = dask.from_pandas(pandas.DataFrame(columns), npartitions=7)
    assert fitted(frame).predict(PLACES).tobytes() == fitted(columns).predict(PLACES).tobytes()
    one, again = (fitted(frame, plan={"window": 500}).predict(PLACES) for _ in range(2))
    assert one.tobytes() == again.tobytes()


def test_large_files_are_trained_on_in_parts_by_themselves(tmp_path, monkeypatch):
    path = written(tmp_path / "t.parquet", table())
    plain = surefit.fit(path, target="y", method=surefit.Adam(epochs=1))
    assert "parts" not in plain.problem.source
    monkeypatch.setattr(batches, "LARGE", 1000)
    fit = surefit.fit(path, target="y", method=surefit.Adam(epochs=1))
    assert fit.problem.source["parts"]["used"] == fit.problem.sizes()["train"]
    assert fit.problem.source["parts"]["memory"] > 0
    groups = surefit.fit(  # which needs all rows, and has them
        path, target="y", method=surefit.Adam(epochs=1), quantile=0.9
    )
    assert "parts" not in groups.problem.source


@pytest.mark.parametrize("model, method", [((8, 8), "adam"), ((8,), "features")])
def test_the_automatic_choice_trains_what_features_cannot_solve(model, method):
    fit = fitted(table(500), "auto", model, time=1)
    assert fit.method["method"] == method


def test_loggers_hear_of_every_epoch_and_a_callback_stops(small):
    events = []
    fit = fitted(table(), plan={"window": 500}, callbacks=lambda e: events.append(e) or getattr(e, "epoch", 0) == 3)
    assert [type(e).__name__ for e in events] == ["Started", "Epoch", "Epoch", "Epoch", "Finished"]
    steps = -(-fit.problem.sizes()["train"] // 64)
    assert [e.step for e in events[1:4]] == [steps, 2 * steps, 3 * steps]
    assert fit.stop_reason == "stopped by a callback" and len(fit.history) == 3


@pytest.mark.parametrize("jit", [True, False])
def test_time_ends_it_within_an_epoch_and_rows_that_were_not_read_are_told(small, monkeypatch, jit):
    monkeypatch.setattr(windows, "TICK", 1e-3)
    fit = fitted(table(), surefit.Adam(epochs=10_000), plan={"window": 200}, time=1e-3, jit=jit)
    assert fit.stop_reason == "time=0.001 s used up" and len(fit.history) == 1
    read = fit.problem.source["parts"]["used"]
    assert 0 < read < fit.problem.sizes()["train"]
    assert any(f"{read} were read until it was stopped" in str(w) for w in fit.warnings)
    assert np.isfinite(fit.error.rmse)


def test_ctrl_c_keeps_the_best_weights_and_stops_reading(small, monkeypatch):
    sweep, calls = TrainingLoop.sweep, []

    def interrupted(self, *given, **more):
        calls.append(1)
        if len(calls) == 9:
            raise KeyboardInterrupt
        return sweep(self, *given, **more)

    monkeypatch.setattr(TrainingLoop, "sweep", interrupted)
    fit = fitted(table(), jit=True, plan={"window": 700})  # four windows
    assert fit.interrupted and "interrupted in epoch 3" in fit.stop_reason
    assert len(fit.history) == 2 and fit.best_epoch == 2
    short = fitted(table(), jit=True, plan={"window": 700}, callbacks=lambda e: getattr(e, "epoch", 0) == 2)
    assert fit.predict(PLACES).tobytes() == short.predict(PLACES).tobytes()


def test_a_loss_that_is_not_finite_keeps_the_best_weights(small):
    columns = table()
    method = surefit.SGD(epochs=20, lr=1e3, scale=False)
    with pytest.raises(surefit.errors.NotFiniteError, match="learning rate that is too high"):
        fitted(columns, method, plan={"window": 500})


@pytest.mark.slow
@pytest.mark.parametrize("jit", [True, False])
def test_what_was_stopped_goes_on_from_its_checkpoint(tmp_path, small, jit):
    path = written(tmp_path / "t.parquet", table())
    plan = {"window": 700}
    whole = fitted(path, surefit.Adam(epochs=6), jit=jit, plan=plan)
    keep = surefit.Checkpoint(tmp_path / "kept", epochs=1)
    stop = lambda e: getattr(e, "epoch", 0) == 3
    assert len(fitted(path, surefit.Adam(epochs=6), jit=jit, plan=plan, checkpoint=keep, callbacks=stop).history) == 3
    counted = []
    heard = lambda e: counted.append(getattr(e, "epoch", None)) and False
    heard.passive = False
    again = fitted(path, surefit.Adam(epochs=6), jit=jit, plan=plan, resume=tmp_path / "kept", callbacks=heard)
    assert again.predict(PLACES).tobytes() == whole.predict(PLACES).tobytes()
    assert counted[1:4] == [3, 4, 5] or counted[1:4] == [4, 5, 6]  # it begins where it was, not at the first
    assert [row["train_loss"] for row in again.history] == [row["train_loss"] for row in whole.history]


def test_a_table_that_has_changed_is_not_gone_on_with(tmp_path, small, monkeypatch):
    monkeypatch.setattr(large, "SAMPLE", 100)  # the change is in a row that is in no sample
    columns = table()
    path = written(tmp_path / "t.parquet", columns)
    fit = fitted(path, checkpoint=tmp_path / "kept", plan={"window": 700})
    sampled = np.concatenate([*fit.problem.row_numbers.values()])
    ranges = [int(f(columns[name])) for name in "ab" for f in (np.argmin, np.argmax)]
    row = next(i for i in range(ROWS) if i not in sampled and i not in ranges)
    columns["a"][row] += 1e-9
    written(path, columns)
    with pytest.raises(CheckpointError, match="the table has changed"):
        fitted(path, resume=tmp_path / "kept", plan={"window": 700})


def test_a_finished_fit_is_taken_from_its_checkpoint(tmp_path, small):
    path = written(tmp_path / "t.parquet", table())
    fit = fitted(path, checkpoint=tmp_path / "kept", plan={"window": 700})
    again = fitted(path, resume=tmp_path / "kept", plan={"window": 700})
    assert again.predict(PLACES).tobytes() == fit.predict(PLACES).tobytes()
    told, before = again.problem.source["parts"], fit.problem.source["parts"]
    assert (told["used"], told["window"]) == (before["used"], before["window"]) != (None, None)


def test_a_table_that_changes_while_it_is_read_is_an_error(tmp_path, small):
    path = written(tmp_path / "t.parquet", table())

    def shorter(event):
        if getattr(event, "epoch", 0) == 2:
            os.replace(written(tmp_path / "other", table(2950)), path)  # as many row groups

    with pytest.raises(DataError, match=r"t\.parquet: has changed while it was read"):
        fitted(path, surefit.Adam(epochs=50), plan={"window": 500}, callbacks=shorter)


def test_the_tolerance_is_that_of_all_validation_rows(tmp_path, small, monkeypatch):
    monkeypatch.setattr(large, "SAMPLE", 100)
    columns = table()
    columns["y"] = columns["a"].copy()
    path = written(tmp_path / "t.parquet", columns)
    method = surefit.Adam(epochs=8, lr=2e-2)
    easy = fitted(path, method, (8,), tol=0.3)
    assert easy.reached and len(easy.history) < 8 and "tolerance" in easy.stop_reason
    where = easy.problem.row_numbers["validation"]
    reader = large.Reader(("a", "b"), ("y",), None, (), False, 0, (0.8, 0.1, 0.1))
    held = np.flatnonzero(reader.part_of(np.arange(ROWS)) == 1)
    columns["y"][np.setdiff1d(held, where)[0]] += 100.0
    hard = fitted(written(path, columns), method, (8,), tol=0.3)
    assert len(hard.history) == 8 and "tolerance" not in hard.stop_reason


@pytest.mark.slow
def test_texts_that_the_first_part_does_not_hold_are_known(tmp_path, small):
    columns = table()
    kinds = np.repeat(["left", "right", "up"], [1000, 1000, 1001])
    columns["y"] = columns["y"] + np.repeat([0.0, 2.0, 4.0], [1000, 1000, 1001])
    path = written(tmp_path / "t.parquet", columns | {"side": kinds})
    for method in (surefit.Adam(epochs=40, lr=1e-2), "features"):
        fit = fitted(
            path, method, (30,), columns=["a", "b", "side"], plan={"window": 700} if method != "features" else {}
        )
        said = fit.predict({"a": [0.0] * 3, "b": [0.0] * 3, "side": ["left", "right", "up"]})
        np.testing.assert_allclose(np.diff(said), [2.0, 2.0], atol=0.5)


def test_several_networks_share_a_table(small):
    fit = fitted(table(), plan={"window": 700}, restarts=2)
    assert len(fit.restarts) == 2
    group = surefit.ensemble(
        table(), target="y", members=2, method=surefit.Adam(epochs=2), model=(8,), data=surefit.Sampling(window=700)
    )
    assert len(group.fits) == 2


@pytest.mark.slow
def test_the_rate_is_found_on_a_sample(small):
    assert 1e-4 < surefit.find_lr(table(), model=(16,), data=surefit.Sampling(stream=True)).lr < 1
    fit = fitted(table(), surefit.Adam(lr="auto", epochs=2), plan={"window": 700})
    assert fit.method["lr"] > 0


@pytest.mark.parametrize("method", ["adam", "features"])
@pytest.mark.parametrize(
    "more",
    [
        {"target_scale": "log"}, {"folds": 3}, {"quantile": 0.9}, {"noise": "w"},
        {"noise": [0.1] * ROWS}, {"groups": "w"}, {"order": "w"}, {"test": {"a": [1.0], "b": [1.0], "y": [1.0]}},
        {"monotone": {"a": 1}}, {"periodic": {"b": 1.0}}, {"adaptive": 1},
    ],
    ids=lambda more: next(iter(more)),
)  # fmt: skip
def test_what_needs_all_rows_is_refused(more, method):
    (name,) = more
    with pytest.raises(ArgumentError, match=rf"{name}: .*cannot be had of a table that is read in parts"):
        fitted(table(), method, plan=more)


@pytest.mark.parametrize(
    "method, plan, words",
    [
        ("lm", {}, "trained on by a first-order method"),
        ("features", {"window": 100}, "window: .*goes over a table in parts once"),
        ("features", {"loss": "huber"}, "loss: .*minimises squared errors"),
        ("adam", {"window": 100, "stream": False}, "window: is for a table that is read in parts"),
        ("adam", {"window": 0}, "window: expected a whole number"),
        (surefit.Adam(loss="quantile"), {}, "loss: of which quantile"),
    ],
)
def test_what_a_method_cannot_do_is_refused(method, plan, words):
    with pytest.raises(ArgumentError, match=words):
        fitted(table(), method, plan=plan)


def test_a_loss_of_the_rows_is_that_of_the_method():
    fit = fitted(table(), plan={"loss": "huber"})
    assert fit.method["loss"] == "huber"


def test_windows_are_whole_batches_within_the_memory():
    assert rows_of_window(1000, None, 12, 64) == 1000
    assert rows_of_window(10**9, None, 24, 64) * 24 <= windows.MEMORY // 2 + 64 * 24
    assert rows_of_window(10**9, None, 24, 64) % 64 == 0
    assert rows_of_window(1000, 100, 12, 64) == 128
    assert rows_of_window(1000, 1, 12, 64) == 64
    assert rows_of_window(1000, 990, 12, 64) == 1000


MEMORY = """
import sys
import surefit, surefit.data.batches
from surefit.checking import memory_peak as peak
surefit.data.batches.BLOCK = 2**14
fit = lambda path: surefit.fit(
    path, method=surefit.Adam(epochs=1, batch_size=4096), model=(8,), data=surefit.Sampling(window=2**16)
)
fit(sys.argv[1])
before = peak()
found = fit(sys.argv[2])
print(found.problem.sizes()["train"], peak() - before, found.problem.source["parts"]["memory"], peak())
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the memory of a process is asked as on Linux and macOS")
def test_memory_does_not_grow_with_the_table(tmp_path):
    small = written(tmp_path / "small.parquet", table(300_000), 2**16)
    big = arrow.concat_tables([parquet.read_table(small)] * 24)
    parquet.write_table(big, tmp_path / "big.parquet", row_group_size=2**20)
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(small), str(tmp_path / "big.parquet")],
        capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    train, more, told, peak = map(float, done.stdout.split())
    assert train > 5_700_000
    assert more < 0.7 * 24 * 300_000 * 4 * 8  # of the table's numbers; in memory it takes several times as many
    assert told == pytest.approx(peak, rel=0.05)
