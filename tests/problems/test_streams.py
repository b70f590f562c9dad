"""Tables that are read in parts: beside the fit of all rows in memory, beside a solver, and what is refused."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import surefit
from surefit.attempts import performing
from surefit.attempts.progress import Progress
from surefit.errors import ArgumentError, DataError
from surefit.problems import large
from surefit.problems.streams import Reader
from surefit.search.strategies import streamed as strategy
from surefit.solvers import Reduction

arrow = pytest.importorskip("pyarrow", reason="tables in parts are read by pyarrow")
parquet = pytest.importorskip("pyarrow.parquet", reason="tables in parts are read by pyarrow")
NAMES = ("a", "b", "y")
SMALL = surefit.Features(draws=1)


def rows(n: int = 3000, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1.0, 1.0, (n, 2)) * (1.0, 5.0)
    return np.column_stack([x, np.sin(2 * x[:, 0]) + 0.1 * x[:, 1] ** 2 + 0.1 * rng.standard_normal(n)])


def written(path, values: np.ndarray, size: int = 700, names=NAMES):
    table = arrow.table(dict(zip(names, values.T, strict=True)))
    parquet.write_table(table, path, row_group_size=size)
    return path


def fitted(source, method=SMALL, units: int = 30, **plan):
    return surefit.fit(source, method=method, model=(units,), data=surefit.Sampling(stream=True, **plan))


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(large, "SAMPLE", 400)


@pytest.mark.parametrize("ridge", ["auto", 1e-6])
def test_what_fits_into_memory_gives_the_fit_of_all_rows(tmp_path, ridge):
    values, method = rows(), surefit.Features(draws=1, ridge=ridge)
    whole = surefit.fit(
        (values[:, :2], values[:, 2]), method=method, model=(30,), data=surefit.Sampling(split=(1, 0, 0))
    )
    order = whole.problem.row_numbers["train"]  # in which units are placed at rows
    parts = fitted(written(tmp_path / "t.parquet", values[order]), method, split=(1, 0, 0))
    np.testing.assert_allclose(parts.predict(values[:, :2]), whole.predict(values[:, :2]), atol=1e-9)
    assert parts.error.rmse == pytest.approx(whole.error.rmse, rel=1e-9)


def test_the_output_layer_is_that_of_all_training_rows(tmp_path, few):
    values = rows()
    fit = fitted(written(tmp_path / "t.parquet", values))
    x, y = values[:, :2], values[:, 2]
    where = Reader(("a", "b"), ("y",), None, (), False, 0, (0.8, 0.1, 0.1)).part_of(np.arange(len(y)))
    assert fit.problem.sizes() == dict(zip(("train", "validation", "test"), np.bincount(where).tolist(), strict=True))
    first = fit.network[0]
    scaling = fit.model.scaling
    phi = np.tanh(scaling.inputs(x[where == 0]) @ first.weight.detach().numpy().T + first.bias.detach().numpy())
    target = scaling.outputs(y[where == 0][:, None])[:, 0]
    centre = phi.mean(axis=0)
    ridge = fit.method["ridge"] * np.sum((phi - centre) ** 2) / phi.shape[1]
    above = np.concatenate([phi - centre, np.sqrt(ridge) * np.eye(phi.shape[1])])
    weights = np.linalg.lstsq(above, np.concatenate([target - target.mean(), np.zeros(phi.shape[1])]), rcond=None)[0]
    ours = scaling.outputs(fit.predict(x)[:, None])[:, 0]
    all_phi = np.tanh(scaling.inputs(x) @ first.weight.detach().numpy().T + first.bias.detach().numpy())
    np.testing.assert_allclose(ours, (all_phi - centre) @ weights + target.mean(), atol=1e-9)
    # and the error is that of every test row, of which the sample holds a part
    error = fit.predict(x[where == 2]) - y[where == 2]
    assert (fit.error.kind, fit.error.n) == ("test", int((where == 2).sum()))
    assert fit.error.max == pytest.approx(np.abs(error).max(), rel=1e-9)
    assert fit.error.rmse == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-9)
    assert fit.error.r2 == pytest.approx(1 - np.mean(error**2) / np.var(y[where == 2]), rel=1e-9)
    assert list(fit.error.at.values()) == x[where == 2][np.abs(error).argmax()].tolist()


def test_all_rows_are_nearer_to_the_truth_than_a_sample(tmp_path, few):
    values = rows(20_000)
    fit = fitted(written(tmp_path / "t.parquet", values))
    x, y = fit.problem.train
    alone = surefit.fit((x, y[:, 0]), method=SMALL, model=(30,), data=surefit.Sampling(split=(1, 0, 0)))
    inside = values[:, :2] * 0.9
    truth = np.sin(2 * inside[:, 0]) + 0.1 * inside[:, 1] ** 2
    far = [np.sqrt(np.mean((f.predict(inside) - truth) ** 2)) for f in (fit, alone)]
    assert far[0] < 0.75 * far[1]


def test_however_the_parts_come_the_network_is_the_same(tmp_path, few):
    values = rows()
    one = fitted(written(tmp_path / "t.parquet", values))
    folder = tmp_path / "all"
    folder.mkdir()
    for i, part in enumerate(np.split(values, [500, 501, 2000])):
        written(folder / f"part-{i}.parquet", part)
    text = tmp_path / "t.csv"
    lines = ["# of a test", "a;b;y", *(";".join(map(repr, row)) for row in values.tolist())]
    text.write_text("\n".join(lines), encoding="utf-8")
    frame = dict(zip(NAMES, values.T, strict=True))
    for source in (folder, str(folder), text, frame):
        other = fitted(source)
        np.testing.assert_allclose(other.predict(values[:, :2]), one.predict(values[:, :2]), atol=1e-9)
        assert other.problem.sizes() == one.problem.sizes()
        assert other.error.max == pytest.approx(one.error.max, abs=1e-9)


def test_partitions_of_dask_give_the_same_network(tmp_path, few):
    dask = pytest.importorskip("dask.dataframe", reason="the partitions are Dask's")
    pandas = pytest.importorskip("pandas", reason="of frames of pandas")
    values = rows()
    frame = pandas.DataFrame(values, columns=list(NAMES))
    here = fitted(written(tmp_path / "t.parquet", values))
    there = surefit.fit(dask.from_pandas(frame, npartitions=4), method=SMALL, model=(30,))
    np.testing.assert_allclose(there.predict(values[:, :2]), here.predict(values[:, :2]), atol=1e-9)
    assert there.error.max == pytest.approx(here.error.max, abs=1e-9)


def test_texts_weights_and_missing_values(tmp_path, few):
    values = rows(2000)
    kinds = np.where(np.arange(2000) % 2, "left", "right")
    values[:, 2] += 3.0 * (kinds == "left")
    values[5:900:7, 1] = np.nan
    weights = np.where(np.arange(2000) < 1000, 1.0, 0.0)
    table = arrow.table({"a": values[:, 0], "b": values[:, 1], "side": kinds, "w": weights, "y": values[:, 2]})
    parquet.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(DataError, match="row 5, column 'b' is missing"):
        fitted(tmp_path / "t.parquet")
    fit = fitted(tmp_path / "t.parquet", weights="w", drop_nonfinite=True)
    lost = len(range(5, 900, 7))
    assert sum(fit.problem.sizes().values()) == 2000 - lost
    assert any(f"{lost} rows" in str(warning) for warning in fit.warnings)
    both = fit.predict({"a": [0.0, 0.0], "b": [1.0, 1.0], "side": ["left", "right"]})
    assert both[0] - both[1] == pytest.approx(3.0, abs=0.1)
    # rows of no weight say nothing: with other values there the network is the same
    values[1000:, 2] = 1e3 * np.sin(values[1000:, 0])
    other = table.set_column(4, "y", arrow.array(values[:, 2]))
    parquet.write_table(other, tmp_path / "u.parquet")
    moved = fitted(tmp_path / "u.parquet", weights="w", drop_nonfinite=True)
    assert moved.problem.weights is not None
    inside = {"a": values[900:1000, 0], "b": values[900:1000, 1], "side": kinds[900:1000]}
    assert np.abs(moved.predict(inside) - values[900:1000, 2]).std() < 1.0


def test_files_beyond_a_size_are_read_in_parts_by_themselves(tmp_path, monkeypatch, few):
    path = written(tmp_path / "t.parquet", rows())
    assert "parts" not in surefit.fit(path, method=SMALL, model=(30,)).problem.source
    monkeypatch.setattr("surefit.data.batches.LARGE", 8000)
    fit = surefit.fit(path)
    assert fit.problem.source["parts"]["used"] == fit.problem.sizes()["train"]
    assert "read in parts" in str(fit)
    assert fit.method["method"] == "features"
    whole = surefit.fit(path, method=SMALL, model=(30,), data=surefit.Sampling(stream=False))
    assert "parts" not in whole.problem.source


def test_a_saved_fit_says_the_same(tmp_path, few):
    fit = fitted(written(tmp_path / "t.parquet", rows()))
    back = surefit.load(fit.save(tmp_path / "fit.safetensors"))
    assert str(back) == str(fit)
    assert back.predict([[0.1, 0.2]]) == fit.predict([[0.1, 0.2]])


@pytest.mark.parametrize("ctrl_c", [False, True])
def test_what_was_read_until_it_is_stopped_is_used(tmp_path, few, monkeypatch, ctrl_c):
    monkeypatch.setattr("surefit.data.batches.BLOCK", 500)
    path = written(tmp_path / "t.parquet", rows(), size=500)
    merge, done = Reduction.merge, []

    def counted(self, other):
        if len(done) == 2 and ctrl_c:
            raise KeyboardInterrupt
        done.append(other.rows)
        return merge(self, other)

    monkeypatch.setattr(Reduction, "merge", counted)
    monkeypatch.setattr(Progress, "halt", lambda self: len(done) == 2 and not ctrl_c)
    fit = fitted(path)
    assert any(f"{sum(done)} were read until it was stopped" in str(w) for w in fit.warnings)
    assert fit.problem.source["parts"]["used"] == sum(done)
    assert fit.interrupted is ctrl_c
    assert fit.error.rmse < 0.2


@pytest.mark.parametrize(
    "arguments, error, words",
    [
        (dict(method="lm"), ArgumentError, "features"),
        (dict(method="features", model=(8, 8)), ArgumentError, "one hidden layer"),
        (dict(data=surefit.Sampling(stream=True, groups="a")), ArgumentError, "groups: rows of one group"),
        (dict(data=surefit.Sampling(stream=True, weights=[1.0] * 3000)), ArgumentError, "a column"),
        (dict(data=surefit.Sampling(stream=True, weights="w")), DataError, "no column 'w'"),
        (dict(data=surefit.Sampling(stream=True, noise=0.5)), ArgumentError, "noise"),
        (dict(target="z"), DataError, "no column 'z'"),
        (dict(columns="y"), DataError, "no input"),
    ],
)
def test_what_cannot_be_done_is_refused(tmp_path, arguments, error, words):
    path = written(tmp_path / "t.parquet", rows())
    with pytest.raises(error, match=words):
        surefit.fit(path, **{"data": surefit.Sampling(stream=True), "method": "features"} | arguments)


@pytest.mark.slow
@pytest.mark.parametrize(
    "content, words",
    [("a b y\n" + "1 2 3\n" * 20, "separated by ' '"), ("a,b,y\n" + "1,2,3\n" * 200_000 + "1,2\n", "pyarrow says")],
)
def test_texts_that_cannot_be_cut_are_refused(tmp_path, content, words):
    path = tmp_path / "t.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=words):
        fitted(path)


def test_folders_without_tables_and_damaged_files(tmp_path):
    (tmp_path / "none").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "t.parquet").write_bytes(b"no Parquet at all")
    for folder in ("none", "bad"):
        with pytest.raises(DataError, match=folder):
            surefit.fit(tmp_path / folder)
    with pytest.raises(ArgumentError, match="stream"):
        surefit.Sampling(stream="yes")


MEMORY = """
import sys
import surefit
from surefit.checking import memory_peak as grown
surefit.fit(sys.argv[1], method=surefit.Features(draws=1), model=(20,), data=surefit.Sampling(stream=True))
before = grown()
fit = surefit.fit(sys.argv[2], method=surefit.Features(draws=1), model=(20,), data=surefit.Sampling(stream=True))
print(fit.problem.sizes()["train"], grown() - before, fit.problem.source["parts"]["memory"])
"""


@pytest.mark.slow
@pytest.mark.parametrize("noise, least, most", [(0.3, 10, 300), (0.0, 300, 800)])
def test_units_are_as_many_as_help_and_all_rows_are_gone_over_once(tmp_path, monkeypatch, noise, least, most):
    rng = np.random.default_rng(5)
    x = rng.uniform(-1.0, 1.0, (6000, 2))
    y = np.sin(5 * x[:, 0]) * np.exp(x[:, 1]) + noise * rng.standard_normal(6000)
    path = written(tmp_path / "t.parquet", np.column_stack([x, y]))
    passes = []
    own = performing.from_all_rows
    monkeypatch.setattr(performing, "from_all_rows", lambda *given: (passes.append(given), own(*given))[1])
    fit = surefit.fit(path, data=surefit.Sampling(stream=True))
    units = fit.layers()[1]
    assert least <= units <= most and len(passes) == 1
    whole = surefit.fit(path, method="features", model=(800,), data=surefit.Sampling(stream=True))
    # as good as with the most, by the rows of the test; without noise the error is that of the units that were drawn
    assert fit.error.rmse < (1.1 if noise else 2.0) * whole.error.rmse
    assert fit.problem.source["parts"]["used"] == fit.problem.sizes()["train"]
    monkeypatch.setattr(strategy, "PASS", 4.0 * 6000 * 30**2)
    assert surefit.fit(path, data=surefit.Sampling(stream=True)).layers()[1] == 30  # no more can be afforded


PEAK = "import sys; sys.path[:0] = {path!r}; from surefit.checking import memory_peak; print(memory_peak())"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts what a process was made from")
def test_memory_is_that_of_this_process_alone():
    held = np.ones(2**26)  # 512 MiB, which the process that is made of this one has for a moment
    done = subprocess.run(
        [sys.executable, "-c", PEAK.format(path=sys.path)], capture_output=True, check=True, text=True
    )
    assert 2**22 < float(done.stdout) < held.nbytes / 2


WHOLE = """
import sys
import numpy as np
import surefit
from surefit.checking import memory_peak
path, arrays, rows = sys.argv[1], sys.argv[2] == "arrays", int(sys.argv[3])
target = path
if arrays:
    rng = np.random.default_rng(0)
    x, y = np.empty((rows, 5)), np.empty(rows)
    for low in range(0, rows, 2**16):
        part = x[low : low + 2**16] = rng.uniform(-1.0, 1.0, (min(2**16, rows - low), 5))
        y[low : low + 2**16] = np.sin(2 * part[:, 0]) * part[:, 1] + part[:, 2] ** 2 - part[:, 3] * part[:, 4]
    y += 0.06 * rng.standard_normal(rows)
    if path != "-":
        import pyarrow, pyarrow.parquet
        pyarrow.parquet.write_table(pyarrow.table([*x.T, y], names=list("abcdey")), path, row_group_size=2**17)
        sys.exit()
    target = x, y
fit = surefit.fit(target)
print(memory_peak() / (48 * rows), fit.error.rmse, "adam" in str(fit))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the memory of a process is asked as on Linux and macOS")
@pytest.mark.parametrize("kind", ["arrays", "file"])
def test_a_fit_takes_eight_times_the_memory_of_its_table(tmp_path, kind):
    """The whole process with all that it imports, and a compiler."""
    path, command = str(tmp_path / "t.parquet"), [sys.executable, "-c", WHOLE]
    if kind == "file":
        subprocess.run([*command, path, "arrays", "1000000"], check=True)
    given = ["-" if kind == "arrays" else path, kind, "1000000"]
    done = subprocess.run([*command, *given], capture_output=True, check=True, text=True)
    times, rmse, trained = done.stdout.split()
    assert float(times) < 8 and float(rmse) < 0.07 and trained == "True"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the memory of a process is asked as on Linux and macOS")
def test_memory_does_not_grow_with_the_table(tmp_path):
    small = written(tmp_path / "small.parquet", rows(90_000), 2**16)
    big = arrow.concat_tables([parquet.read_table(small)] * 10)
    parquet.write_table(big, tmp_path / "big.parquet", row_group_size=2**16)
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(small), str(tmp_path / "big.parquet")],
        capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    train, more, told = map(float, done.stdout.split())
    assert train > 700_000
    assert more < told
    assert more < 0.8 * 8 * 3 * 10 * 90_000 + 2**26


def of_different_columns(folder):
    """Three files, of which the second lacks `b` and the third has `c`."""
    rng = np.random.default_rng(0)
    for i, names in enumerate(("aby", "ay", "abcy")):
        values = rng.uniform(-1, 1, (len(names), 300))
        parquet.write_table(arrow.table(dict(zip(names, values, strict=True))), folder / f"part{i}.parquet")
    return folder


def test_a_file_of_a_folder_that_lacks_a_column_is_named(tmp_path):
    folder = of_different_columns(tmp_path)
    for options in ({}, {"target": "y", "columns": ["a", "b"]}):
        with pytest.raises(DataError, match=r"part1\.parquet has no column 'b'.*columns="):
            surefit.fit(folder, **options)
    with pytest.raises(DataError, match=r"part1\.parquet has no column 'b'"):
        surefit.fit(folder, target="b", data=surefit.Sampling(missing="median"))
    (folder / "part1.parquet").unlink()
    with pytest.raises(DataError, match=r"part2\.parquet has a column 'c', which the first file lacks.*columns="):
        surefit.fit(folder)
    assert surefit.fit(folder, target="y", columns=["a", "b"]).names == ("a", "b")


def test_what_fills_in_or_leaves_out_missing_values_does_so_with_a_column_that_a_file_lacks(tmp_path):
    folder = of_different_columns(tmp_path)
    filled = surefit.fit(folder, target="y", columns=["a", "b"], data=surefit.Sampling(missing="median"))
    assert sum(filled.problem.sizes().values()) == 900
    left = surefit.fit(folder, target="y", columns=["a", "b"], data=surefit.Sampling(drop_nonfinite=True))
    assert sum(left.problem.sizes().values()) == 600
