"""Many curves: beside scikit-learn, beside leaving rows out for real, and what cannot be fitted."""

from __future__ import annotations

import os
import pickle
import warnings
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

import surefit
from surefit.blas import one_thread
from surefit.errors import ArgumentError, DataError, ModelFileError, ShapeError
from surefit.many import Many, fit_many
from surefit.many.blocks import fit_groups
from surefit.solvers.batched import fit_batch, outputs

GRID = np.linspace(-1.0, 1.0, 101)


def curves(count: int, noise: float, rows: int = 50, seed: int = 0):
    """x (count, rows), y, and the truth on GRID, (count, 101), in units of each curve's deviation."""
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(-1.0, 1.0, (count, rows)), axis=1)
    a, b = rng.uniform(2.0, 4.0, (count, 1)), rng.uniform(-1.0, 1.0, (count, 1))
    kinds = np.arange(count)[:, None] % 3

    def f(t):
        return np.choose(kinds, [np.sin(a * t + b), np.tanh(a * (t - b / 2)), np.exp(-a * (t + 1))])

    truth = f(np.tile(GRID, (count, 1)))
    size = truth.std(axis=1, keepdims=True)
    return x, f(x) / size + noise * rng.standard_normal(x.shape), truth / size


def far(values, truth):
    return np.sqrt(np.mean((values - truth) ** 2, axis=1))


@pytest.mark.slow
@pytest.mark.parametrize("noise, share", [(0.3, 0.85), (0.1, 1.1), (0.0, 0.5)])
def test_nearer_to_the_truth_than_scikit_learn(noise, share):
    neural = pytest.importorskip("sklearn.neural_network", reason="the peer")
    x, y, truth = curves(30, noise)
    ours = far(surefit.fit_many(x=x, y=y).predict(GRID), truth)
    theirs = []
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the peer, that it might go on
        for u, v in zip(x, y, strict=True):
            peer = neural.MLPRegressor(
                hidden_layer_sizes=(8,), activation="tanh", solver="lbfgs", max_iter=400, random_state=0
            )
            theirs.append(peer.fit(u[:, None], v).predict(GRID[:, None]))
    assert np.median(ours) < share * np.median(far(np.array(theirs), truth))


def test_the_estimated_error_is_that_at_new_rows():
    x, y, truth = curves(90, 0.2)
    many = surefit.fit_many(x=x, y=y)
    true = np.sqrt(far(many.predict(GRID), truth) ** 2 + 0.2**2)
    assert 0.95 < np.median(many.error / true) < 1.05
    assert np.mean(np.abs(np.log(many.error / true)) < np.log(1.5)) > 0.95
    assert np.median(many.noise) == pytest.approx(0.2, rel=0.1)


def test_leaving_rows_out_for_real_gives_that_error():
    x, y, _ = curves(3, 0.2, rows=30)
    many = surefit.fit_many(x=x, y=y)
    for i in range(3):
        others = np.array([np.delete(np.arange(30), j) for j in range(30)])
        left = surefit.fit_many(x=x[i][others], y=y[i][others])
        real = np.array([left[j](x[i, j]) for j in range(30)]) - y[i]
        assert many.error[i] == pytest.approx(np.sqrt(np.mean(real**2)), rel=0.25)


@pytest.mark.filterwarnings("ignore:points far outside")  # of the shortest of them
def test_ragged_curves_are_those_of_each_alone():
    x, y, _ = curves(12, 0.1)
    y[np.arange(12), :] = np.where(np.arange(50) < np.arange(12)[:, None] * 3 + 10, y, np.nan)
    many = surefit.fit_many(x=x, y=y)
    for i in (0, 5, 11):
        n = i * 3 + 10
        alone = surefit.fit_many(x=x[i, :n], y=y[i : i + 1, :n])
        np.testing.assert_allclose(many.predict(GRID)[i], alone.predict(GRID)[0], rtol=1e-6, atol=1e-6)
        assert (many.rows[i], many.left_out[i]) == (n, 50 - n)


def test_weights_count_rows():
    x, y, _ = curves(2, 0.1, rows=20)
    twice = fit_batch(np.repeat(x, 2, axis=1)[:, :, None], np.repeat(y, 2, axis=1), 3, iterations=1)
    once = fit_batch(x[:, :, None], y, 3, weights=np.full(x.shape, 2.0), iterations=1)
    np.testing.assert_allclose(twice.theta, once.theta, rtol=1e-9)


def test_the_network_is_the_formula():
    rng = np.random.default_rng(0)
    theta, x = rng.standard_normal((1, 3 * 4 + 1)), rng.standard_normal((1, 5, 2))
    w, b, c = theta[0, :6].reshape(3, 2), theta[0, 6:9], theta[0, 9:12]
    by_hand = [sum(c[h] * np.tanh(w[h] @ p + b[h]) for h in range(3)) + theta[0, 12] for p in x[0]]
    np.testing.assert_allclose(outputs(theta, x, 3)[0], by_hand)


def test_failures_are_rows():
    t = np.linspace(0.0, 1.0, 20)
    nan = np.full(20, np.nan)
    good = np.sin(t)
    y = [good, nan, np.where(t < 0.2, good, np.nan), np.full(20, 3.5), np.where(t > 0.5, np.inf, good), good * 1e300]
    many = surefit.fit_many(x=t, y=y)
    assert many.status.tolist() == ["ok", "too few rows", "too few rows", "constant", "not finite", "ok"]
    values = many.predict([0.3])[:, 0]
    assert np.isnan(values[[1, 2, 4]]).all() and values[3] == 3.5
    assert values[5] == pytest.approx(np.sin(0.3) * 1e300, rel=1e-2)
    assert surefit.fit_many(x=np.zeros(20), y=[good]).status.tolist() == ["one place"]
    assert "3 fitted" not in repr(many) and "2 too few rows" in repr(many)


@pytest.mark.parametrize("numbers", [True, False])
def test_rows_of_no_group_are_left_out_and_counted(tmp_path, numbers):
    t = np.tile(np.linspace(0.0, 1.0, 20), 3)
    place = np.repeat(np.arange(3.0), 20)
    sensor = place.copy() if numbers else np.array(["a", "b", "c"], object)[place.astype(int)]
    sensor[22:25] = np.nan if numbers else None
    values = np.sin(3 * t + place)
    many = surefit.fit_many({"sensor": sensor, "t": t, "v": values}, by="sensor", x="t", y="v")
    assert many.status.tolist() == ["ok"] * 3 and many.rows.tolist() == [20, 17, 20] and many.nowhere == 3
    assert "3 rows left out, of which sensor is missing" in repr(many)
    many.save(tmp_path / "m.safetensors")
    assert surefit.Many.load(tmp_path / "m.safetensors").nowhere == 3
    there = ~((np.arange(60) >= 22) & (np.arange(60) < 25))
    without = surefit.fit_many({"s": place[there], "t": t[there], "v": values[there]}, by="s", x="t", y="v")
    np.testing.assert_array_equal(many.parameters, without.parameters)
    with pytest.raises(DataError, match="missing in every row"):
        surefit.fit_many({"s": np.full(60, np.nan), "t": t, "v": values}, by="s", x="t", y="v")


def test_arrays_without_a_row_are_too_short():
    assert surefit.fit_many(x=np.zeros(0), y=np.zeros((3, 0))).status.tolist() == ["too few rows"] * 3


@pytest.mark.parametrize("shift, size", [(1.7e9, 3600.0), (-5.0, 1e-10), (0.0, 1e200)])
def test_units_do_not_matter(shift, size):
    x, y, truth = curves(3, 0.0)
    many = surefit.fit_many(x=shift + size * x, y=1e6 + 1e-3 * y)
    np.testing.assert_allclose((many.predict(shift + size * GRID) - 1e6) * 1e3, truth, atol=0.05)


def test_two_inputs():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1.0, 1.0, (5, 200, 2))
    y = np.sin(2 * x[:, :, 0]) * x[:, :, 1]
    many = surefit.fit_many(x=x, y=y, hidden=12)
    new = rng.uniform(-0.9, 0.9, (100, 2))
    assert np.abs(many.predict(new) - np.sin(2 * new[:, 0]) * new[:, 1]).max() < 0.05
    assert many[2](0.3, 0.5) == pytest.approx(many.predict([[0.3, 0.5]])[2, 0], rel=1e-12)


def frame():
    t = np.arange(40.0)
    return {
        "sensor": ["b"] * 40 + ["a"] * 40,
        "run": np.tile([1, 2], 40),
        "t": np.tile(t, 2),
        "v": np.concatenate([np.sin(t / 9), np.cos(t / 9)]),
    }


def test_tables_by_one_and_two_columns(tmp_path):
    many = surefit.fit_many(frame(), by="sensor", x="t", y="v")
    assert many.keys[0].tolist() == ["a", "b"]
    assert many["b"](10.0) == pytest.approx(np.sin(10 / 9), abs=0.02)
    both = surefit.fit_many(frame(), by=["sensor", "run"], x="t", y="v")
    assert [c.key for c in both] == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]
    assert both["a", 2](10.0) == pytest.approx(np.cos(10 / 9), abs=0.05)
    file = tmp_path / "v.csv"
    rows = zip(*frame().values(), strict=True)
    file.write_text("sensor,run,t,v\n" + "\n".join(",".join(map(str, row)) for row in rows), encoding="utf-8")
    read = surefit.fit_many(file, by="sensor", x="t", y="v")
    np.testing.assert_allclose(read.predict([3.0]), many.predict([3.0]), rtol=1e-12)


def test_xarray():
    xarray = pytest.importorskip("xarray", reason="a DataArray is read")
    t = np.linspace(0.0, 3.0, 30)
    values = np.array([[np.sin(t + i + j) for j in range(2)] for i in range(3)])
    array = xarray.DataArray(values, dims=("lat", "lon", "time"), coords={"lat": [10, 20, 30], "time": t})
    many = surefit.fit_many(array.transpose("time", "lat", "lon"), x="time")
    assert many.by == ("lat", "lon")
    assert many[20, 1](1.0) == pytest.approx(np.sin(3.0), abs=0.02)


def test_a_dataset_of_xarray_without_coordinates():
    xarray = pytest.importorskip("xarray")
    t = np.linspace(0.0, 1.0, 20)
    values = np.sin(3 * t + np.arange(3.0)[:, None])
    data = xarray.Dataset({"v": (("place", "t"), values)}, coords={"t": t})
    many = surefit.fit_many(data, by="place", x="t", y="v")
    np.testing.assert_array_equal(many.parameters, surefit.fit_many(x=t, y=values).parameters)
    assert many[2].rows == 20


def test_an_executor_changes_no_bit_and_hears_a_stop():
    x, y, _ = curves(2500, 0.1, rows=10)
    seen = []
    plain = surefit.fit_many(x=x, y=y, hidden=2)
    with ThreadPoolExecutor(2) as pool:
        spread = surefit.fit_many(x=x, y=y, hidden=2, executor=pool, chunk=1100, callback=lambda *n: seen.append(n))
    np.testing.assert_array_equal(plain.parameters, spread.parameters)
    assert seen[-1] == (2500, 2500)
    stopped = surefit.fit_many(x=x, y=y, hidden=2, callback=lambda done, _: True)
    assert set(stopped.status) == {"ok", "not done"}
    assert pickle.loads(pickle.dumps(fit_groups)) is fit_groups  # noqa: S301


@pytest.mark.parametrize("error", [BrokenExecutor("a worker died"), RuntimeError("it was shut down")])
def test_an_executor_that_takes_no_more_tasks_loses_no_curve(error):
    class Ending(ThreadPoolExecutor):
        calls = 0

        def submit(self, function, *args):
            self.calls += 1
            if self.calls > self.most:
                raise error
            return super().submit(function, *args)

    x, y, _ = curves(3000, 0.1, rows=8)
    with Ending(1) as pool:
        pool.most = 2
        many = surefit.fit_many(x=x, y=y, hidden=1, executor=pool)
        assert many.status.tolist() == ["ok"] * 2000 + ["not done"] * 1000
        pool.most = 0
        with pytest.raises(ArgumentError, match=f"executor: it takes no calls .{error}"):
            surefit.fit_many(x=x, y=y, hidden=1, executor=pool)


def die_once(path):
    """For the first process that comes: it dies."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    os._exit(7)


@pytest.mark.slow
def test_what_a_dead_process_lost_is_fitted_by_a_fresh_pool(tmp_path):
    x, y, _ = curves(3000, 0.1, rows=8)
    with ProcessPoolExecutor(1, get_context("spawn"), die_once, (str(tmp_path / "died"),)) as pool:
        many = surefit.fit_many(x=x, y=y, hidden=1, executor=pool)
    assert set(many.status) == {"ok"}
    np.testing.assert_array_equal(many.parameters, surefit.fit_many(x=x, y=y, hidden=1).parameters)


def test_processes_that_always_die_are_told():
    x, y, _ = curves(1000, 0.1, rows=8)
    with (
        ProcessPoolExecutor(1, get_context("spawn"), os._exit, (7,)) as pool,
        pytest.raises(ArgumentError, match=r"executor: it takes no calls .*; give a new one"),
    ):
        surefit.fit_many(x=x, y=y, hidden=1, executor=pool)


def test_curves_that_are_done_survive_an_interrupt():
    def interrupted(done: int, count: int) -> None:
        raise KeyboardInterrupt

    x, y, _ = curves(2000, 0.1, rows=8)
    many = surefit.fit_many(x=x, y=y, hidden=1, callback=interrupted)
    assert sorted(set(many.status)) == ["not done", "ok"]


def test_what_a_worker_lost_is_not_done():
    class Flaky(ThreadPoolExecutor):
        calls = 0

        def submit(self, function, *args):
            self.calls += 1
            return super().submit(function if self.calls != self.bad else (lambda *a: 1 / 0), *args)

    x, y, _ = curves(2000, 0.1, rows=10)
    with Flaky(1) as pool:
        pool.bad = 2
        many = surefit.fit_many(x=x, y=y, hidden=1, executor=pool)
        assert many.status.tolist() == ["ok"] * 1000 + ["not done"] * 1000
        pool.calls, pool.bad = 0, 1
        with pytest.raises(ZeroDivisionError):
            surefit.fit_many(x=x[:5], y=y[:5], hidden=1, executor=pool)


@pytest.mark.parametrize("by", ["sensor", ["sensor", "run"]])
def test_one_file_for_all(tmp_path, by):
    many = surefit.fit_many(frame(), by=by, x="t", y="v", hidden=3)
    back = surefit.Many.load(many.save(tmp_path / "all.safetensors"))
    np.testing.assert_array_equal(back.predict([1.0, 2.0]), many.predict([1.0, 2.0]))
    assert [c.key for c in back] == [c.key for c in many] and repr(back) == repr(many)
    content = bytearray((tmp_path / "all.safetensors").read_bytes())
    content[-9] ^= 1
    (tmp_path / "bad.safetensors").write_bytes(content)
    with pytest.raises(ModelFileError, match="checksum"):
        surefit.Many.load(tmp_path / "bad.safetensors")
    with pytest.raises(ModelFileError, match=r"surefit\.Many\.load"):
        surefit.load(tmp_path / "all.safetensors")


def test_a_curve_is_a_module():
    many = surefit.fit_many(frame(), by="sensor", x="t", y="v")
    x = np.array([[3.0], [7.5]])
    values = many["a"].module()(surefit.tensor(x, dtype="float64")).detach().numpy()[:, 0]
    np.testing.assert_allclose(values, many["a"].predict([3.0, 7.5]), rtol=1e-12)


def test_a_curve_is_exported(tmp_path):
    many = surefit.fit_many(frame(), by="sensor", x="t", y="v")
    (path,) = many["a"].export(tmp_path / "a.py").paths
    text = path.read_text()
    low, high = many["a"].domain.bounds[0]
    assert "inputs: t" in text and "outputs: v" in text and f"domain: t {low:.17g} to {high:.17g}" in text
    assert many["a"].export(tmp_path / "b.py", verify=20).compared.ulp < 20


@pytest.mark.parametrize(
    "arguments, error, words",
    [
        (dict(), ArgumentError, "by=, x=, y="),
        (dict(x=[1.0, 2.0], y=[1.0, 2.0]), ShapeError, "groups, n"),
        (dict(x=[1.0, 2.0], y=[[1.0, 2.0, 3.0]]), ShapeError, "that of y"),
        (dict(x=[1.0], y=[[1.0], [1.0, 2.0]]), DataError, "pad shorter curves with NaN"),
        (dict(x="t", y="v"), ArgumentError, "no table"),
        (dict(x=[1.0], y=[[1.0]], hidden=0), ArgumentError, "hidden=0"),
        (dict(x=[1.0], y=[[1.0]], chunk=10), ArgumentError, "chunk=10"),
        (dict(x=[1.0], y=[[1.0]], executor=4), ArgumentError, "submit"),
        (dict(x=[1.0], y=[[1.0]], executor=ThreadPoolExecutor), ArgumentError, "executor=<class"),
        (dict(x=[1.0], y=[[1.0]], by="s"), ArgumentError, "by"),
    ],
)
def test_wrong_calls(arguments, error, words):
    with pytest.raises(error, match=words):
        surefit.fit_many(**arguments)


@pytest.mark.parametrize(
    "arguments, error, words",
    [
        (dict(x="t", y="v"), ArgumentError, "by=None"),
        (dict(by="sensr", x="t", y="v"), DataError, "sensor"),
        (dict(by="sensor", x="t", y="t"), ArgumentError, "twice"),
        (dict(by="run", x="t", y="sensor"), DataError, "holds texts"),
        (dict(by="run", x=3, y="v"), ArgumentError, "x=3"),
    ],
)
def test_wrong_columns(arguments, error, words):
    with pytest.raises(error, match=words):
        surefit.fit_many(frame(), **arguments)
    many = surefit.fit_many(x=[1.0], y=[[1.0], [2.0]])
    with pytest.raises(ArgumentError, match="no group"):
        many[7]
    with pytest.raises(ShapeError, match="2 groups"):
        many.predict(np.zeros((3, 4)))
    with pytest.raises(ArgumentError, match="too few rows"):
        many[0].module()


def test_a_curve_takes_arrays_as_a_fit_does():
    t = np.linspace(0, 1, 30)
    one = surefit.fit_many(x=t, y=[np.sin(3 * t), t * 0 + 2])[0]
    for x in (t, t[:6].reshape(2, 3), t[:1], t.tolist()):
        np.testing.assert_array_equal(one(x), one.predict(np.ravel(x)).reshape(np.shape(x)))
    assert isinstance(one(0.5), float) and one(0.5) == one([0.5])[0]
    grid = np.stack(np.meshgrid(t[::5], t[::5]), axis=-1).reshape(-1, 2)
    two = surefit.fit_many(x=np.tile(grid, (2, 1, 1)), y=[grid[:, 0] * grid[:, 1], grid.sum(axis=1)])[1]
    np.testing.assert_array_equal(two(t, 0.25), two.predict(np.column_stack([t, np.full(30, 0.25)])))
    with pytest.raises(ShapeError, match=r"x1, x2: numbers, or arrays of one shape, .* \(30,\), \(2,\) came"):
        two(t, t[:2])
    with pytest.raises(ShapeError, match=r"and \(\), str came"):
        two(0.5, "a")
    with pytest.raises(ArgumentError, match="1 numbers came; the inputs are x1, x2"):
        two(t)


def test_inputs_that_are_times_are_numbers_since_the_first_and_times_are_predicted(tmp_path: Path) -> None:
    hours, moments = np.arange(60.0), np.datetime64("2024-03-01T00:30") + np.arange(60) * np.timedelta64(1, "h")
    curves = np.stack([np.sin(hours / 9), np.cos(hours / 9)])
    known = fit_many(x=hours * 3600.0, y=curves)
    later = np.datetime64("2024-03-02T06:30", "ns")
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"site": ["a"] * 60 + ["b"] * 60, "when": np.tile(moments, 2), "y": curves.ravel()})
    frame.loc[120] = ["a", pandas.NaT, 9.0]
    for many in (fit_many(x=moments, y=curves), fit_many(frame, by="site", x="when", y="y")):
        assert np.allclose(many.predict([later])[:, 0], known.predict([30 * 3600.0])[:, 0], atol=1e-9)
        assert "seconds since 2024-03-01 00:30:00" in repr(many)
    assert many.left_out.tolist() == [1, 0]
    many.save(tmp_path / "many.surefit")
    read = Many.load(tmp_path / "many.surefit")
    for given in ([later], ["2024-03-02 06:30"], [108000.0], pandas.DatetimeIndex([later])):
        assert np.array_equal(read.predict(given), many.predict([later]))
    assert read["a"](later) == read["a"].predict([later])[0] == many.predict([later])[0, 0]
    many["a"].export(tmp_path / "curve.py")
    assert "when [seconds since 2024-03-01 00:30:00]" in (tmp_path / "curve.py").read_text()
    with pytest.raises(DataError, match="has a time zone"):
        many.predict(["2024-03-02 06:30Z"])
    with pytest.raises(DataError, match="holds times; convert it to numbers"):
        fit_many(frame, by="site", x="y", y="when")


def test_a_coordinate_of_times_is_the_input_of_a_data_array() -> None:
    xarray = pytest.importorskip("xarray")
    days = np.datetime64("2024-03-01") + np.arange(40)
    cube = xarray.DataArray(
        [np.sin(np.arange(40) / 6), np.cos(np.arange(40) / 6)], dims=("place", "time"), coords={"time": days}
    )
    many = fit_many(cube, x="time")
    assert "time: days since 2024-03-01" in repr(many)
    assert np.abs(many.predict(days) - cube.values).max() < 0.01


def test_values_outside_the_rows_are_told_once_and_no_others():
    t = np.linspace(0, 3, 20)
    many = fit_many(x=t, y=np.array([np.sin(t), np.cos(t)]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        many.predict(t), many[0](1.0)
    with pytest.warns(surefit.OutsideWarning, match="2 of the 2 groups"):
        many.predict([100.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        many.predict([100.0])


def test_a_picture_has_some_curves_and_all_errors():
    t = np.linspace(0, 3, 20)
    rng = np.random.default_rng(0)
    many = fit_many(x=t, y=np.array([np.sin(t) + 0.01 * k * rng.normal(size=20) for k in range(12)]))
    curves, errors = many.plot().axes
    assert len(curves.get_lines()) == 6
    assert np.allclose(np.sort(many.error), errors.get_lines()[0].get_ydata())
    assert len(many.plot([3, 7]).axes[0].get_lines()) == 2
    with pytest.raises(ArgumentError, match="no group"):
        many.plot([99])
    with pytest.raises(ArgumentError, match="no group was fitted"):
        fit_many(x=t[:3], y=np.ones((2, 3)) * np.nan).plot()
