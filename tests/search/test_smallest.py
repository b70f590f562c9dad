"""smallest: the answer reaches the tolerance, the size below does not, and the curve says so."""

from __future__ import annotations

import numpy as np
import pytest

import surefit
from surefit.errors import ArgumentError

TANH = "1 + 2*tanh(3*x - 1) - tanh(x + 2)"  # two units are enough, one is not
DATA = surefit.Sampling(count=60, verify=500)


def test_a_network_of_two_units_is_found_again():
    found = surefit.smallest(TANH, "x=-2:2", 1e-4, data=DATA)
    assert (found.units, found.reached) == (2, True)
    assert found.fit.error.max <= 1e-4 and found.fit.network.num_parameters() == 7
    x = np.linspace(-2, 2, 1001)
    true = 1 + 2 * np.tanh(3 * x - 1) - np.tanh(x + 2)
    assert np.abs(found.fit.predict(x) - true).max() <= 1.01e-4
    curve = {t.units: t for t in found.curve}
    assert set(curve) == {1, 2}
    assert curve[1].error > 1e-2 and curve[1].fits == 6 + 2 and not curve[1].reached  # fresh ones and pruned ones
    assert curve[2].error <= 1e-4 and curve[2].parameters == 7 and curve[2].reached
    assert "2 units reach 0.0001; 8 fits of 1 units did not" in str(found)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_pruning_goes_below_what_fresh_fits_reach(dtype):
    found = surefit.smallest("sin(x1) - cos(x2)", "x1=-2:2, x2=-2:2", 1e-2, tries=1, dtype=dtype)
    assert found.reached and found.units <= 6
    if dtype == "float64":
        fresh = surefit.smallest("sin(x1) - cos(x2)", "x1=-2:2, x2=-2:2", 1e-2, tries=1, model=lambda n: (n,))
        assert found.units < fresh.units
    x = found.fit.domain.unscale(np.random.default_rng(0).uniform(-1, 1, (5000, 2)))
    assert np.abs(found.fit.predict(x) - np.sin(x[:, 0]) + np.cos(x[:, 1])).max() <= 1e-2
    assert str(found.fit.dtype) == dtype
    assert found.fit.layers() == [2, found.units, 1]
    assert "reached" in found.fit.card() and found.fit.history


def test_measured_data_are_searched_by_halving():
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, 300)
    found = surefit.smallest((x, np.tanh(2 * x) + rng.normal(0, 0.01, 300)), None, 0.1, tries=1)
    assert found.reached and found.units <= 3


@pytest.mark.parametrize("method", ["varpro", "lm"])
def test_the_test_rows_of_a_table_decide_nothing(method):
    """What they hold, nothing that can be learned, changes no size and no error of the search."""
    rng = np.random.default_rng(1)
    x = rng.uniform(-2, 2, 200)
    table = {"x": x, "y": np.sin(3 * x)}
    found = []
    for y in (np.sin(3 * x[:20]), 100 + rng.normal(size=20)):
        plan = surefit.Sampling(test={"x": x[:20], "y": y}, split=(0.8, 0.2, 0))
        found.append(surefit.smallest(table, None, 0.02, tries=2, method=method, data=plan))
    good, bad = found
    assert good.reached and bad.reached and good.units == bad.units > 1
    assert [(t.units, t.error, t.reached) for t in good.curve] == [(t.units, t.error, t.reached) for t in bad.curve]
    held_x, held_y = bad.fit.problem.validation
    errors = {t.units: t.error for t in bad.curve}
    assert errors[bad.units] == pytest.approx(np.abs(bad.fit.predict(held_x) - held_y[:, 0]).max(), rel=1e-9)
    assert bad.fit.error.max > 90 and bad.fit.error.on == "test rows"  # which the card says
    assert "at validation rows" in str(bad)


def test_a_callback_ends_it():
    found = surefit.smallest("sin(9*x)", "x=-3:3", 1e-6, callbacks=[lambda event: True])
    assert found.reason == "stopped by a callback" and len(found.curve) == 1


def test_a_tolerance_out_of_reach_is_said():
    found = surefit.smallest("sin(9*x)", "x=-3:3", 1e-12, largest=4, tries=1, data=DATA)
    assert not found.reached
    assert [t.units for t in found.curve] == [1, 2, 4]
    assert found.fit.error.max == min(t.error for t in found.curve)
    assert "no size reached 1e-12; units up to 4 were tried" in str(found)


def test_models_and_methods_of_ones_own():
    found = surefit.smallest(
        "x", "x=-1:1", 0.1, model=lambda n: surefit.MLPSpec((n, n), activation="relu"), tries=1,
        method=surefit.Adam(epochs=60, lr=0.02), data=DATA, largest=16,
    )  # fmt: skip
    assert found.reached
    assert found.fit.layers() == [1, found.units, found.units, 1]
    assert found.fit.method["method"] == "adam"


def test_the_time_ends_it():
    found = surefit.smallest("sin(9*x)", "x=-3:3", 1e-12, time=0.02, data=DATA)
    assert "time=0.02 s used up" in found.reason
    assert found.curve


def test_the_picture():
    found = surefit.smallest(TANH, "x=-2:2", 1e-4, data=DATA, tries=1)
    (axes,) = found.plot().axes
    tolerance, curve, good, ring = axes.get_lines()
    assert set(tolerance.get_ydata()) == {1e-4}
    np.testing.assert_array_equal(curve.get_ydata(), [t.error for t in found.curve])
    assert found.units == 2 and {t.reached for t in found.curve} == {True, False}
    np.testing.assert_array_equal(good.get_xdata(), [t.units for t in found.curve if t.error <= 1e-4])
    np.testing.assert_array_equal(ring.get_xdata(), [2])


@pytest.mark.parametrize(
    "arguments, message",
    [({"tol": None}, "tol=None"), ({"tol": -1.0}, "tol=-1"), ({"largest": 0}, "largest=0"), ({"tries": 0}, "tries=0"),
     ({"time": 0}, "time=0"), ({"seed": -1}, "seed=-1"), ({"model": (3,)}, r"model=\(3,\) must be a function")],
)  # fmt: skip
def test_refused(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        surefit.smallest("x", "x=-1:1", **{"tol": 0.1, **arguments})


def test_numbers_of_numpy_are_numbers():
    found = surefit.smallest("x", "x=-1:1", np.float32(1e-3), largest=np.int64(2), time=np.float64(30))
    assert (found.units, found.reached) == (1, True)
