"""Logarithmic inputs: points, scaling, fits, files, gradients, against the same function of the logarithm itself."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import surefit
from surefit import Domain
from surefit.data import sample
from surefit.errors import DataError, DomainError
from surefit.problems.posing import pose
from surefit.problems.scaling import Scaling

BOX = Domain("p=1e-3:1e6:log, q=-1:1")


@pytest.mark.parametrize(
    "form",
    [{"p": (1e-3, 1e6, "log"), "q": (-1, 1)}, {"p": "1e-3:1e6:LOG", "q": (-1, 1)}, ["p=1e-3:1e6：log", "q=-1:1"]],
)
def test_every_form_says_the_same(form):
    assert Domain(form) == BOX and Domain(form).logarithmic == ("p",)


def test_a_domain_survives_everything():
    for again in (
        copy.deepcopy(BOX), Domain(str(BOX)), Domain.from_dict(BOX.to_dict()), Domain(BOX.axes, BOX.names), Domain(BOX),
        BOX.select(["q", "p"]).select(["p", "q"]), BOX.inside("q=-1:1"),
    ):  # fmt: skip
        assert again == BOX and hash(again) == hash(BOX)
    assert Domain("p=1e-3:1e6, q=-1:1") != BOX and "log" not in Domain("p=1:2").to_dict()
    assert Domain((1, 100, "log")).logarithmic == ("x",)


@pytest.mark.parametrize(
    "wrong, words",
    [
        ("p=0:1:log", "'p' is logarithmic, so its ends must be above 0: 0 to 1"),
        ("p=-1:1:log", "must be above 0"),
        ("p=1:2:lin", "expected LOW:HIGH or LOW:HIGH:log"),
        ({"p": (1, 2, "lin")}, r'\(low, high, "log"\)'),
        ({"p": (1, 2, 3)}, r'\(low, high, "log"\)'),
        ("p=2:1:log", "reversed"),
    ],
)
def test_what_is_no_logarithmic_interval_is_refused(wrong, words):
    with pytest.raises(DomainError, match=words):
        Domain(wrong)


@pytest.mark.parametrize("design", ["uniform", "grid", "chebyshev", "sobol", "halton", "latin_hypercube"])
def test_points_are_those_of_the_logarithm(design):
    plain = Domain({"p": (np.log(1e-3), np.log(1e6)), "q": (-1, 1)})
    x, u = (sample(box, 64, design, generator=3) for box in (BOX, plain))
    np.testing.assert_allclose(np.log(x[:, 0]), u[:, 0], atol=1e-12)
    np.testing.assert_allclose(x[:, 1], u[:, 1], atol=1e-15)
    assert BOX.contains(x).all()
    np.testing.assert_allclose(BOX.scale(x), plain.scale(u), atol=1e-12)
    np.testing.assert_allclose(BOX.unscale(BOX.scale(x)), x, rtol=1e-12)
    np.testing.assert_array_equal(BOX.scale(BOX.corners()), Domain([(-1, 1), (-1, 1)]).corners())


def test_scaled_gradients_are_those_of_the_scaled_function():
    problem = pose("p^0.3*q + log(p)", BOX, surefit.Sampling(count=50, derivatives=True), 0)
    scaling, x = Scaling.of(problem), problem.train[0][:20] * [0.999, 0.999]
    u = scaling.inputs(x)
    assert np.abs(u).max() <= 1.001
    np.testing.assert_allclose(scaling.unscaled_inputs(u), x, rtol=1e-12)
    numbers = []
    for j in range(2):
        step = np.zeros(2)
        step[j] = 1e-5
        high, low = (problem.function(scaling.unscaled_inputs(u + s)) for s in (step, -step))
        numbers.append(scaling.outputs(high) - scaling.outputs(low))
    central = np.stack(numbers, axis=-1) / 2e-5  # (n, k, d)
    known = problem.gradient_function(x)
    np.testing.assert_allclose(scaling.gradients(known, x), central, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(scaling.unscaled_gradients(scaling.gradients(known, x), x), known, rtol=1e-12)


@pytest.fixture(scope="module")
def fit():
    return surefit.fit("log10(p)", "p=1e-3:1e6:log")


def test_a_function_over_nine_decades_is_fitted(fit, tmp_path):
    x = np.geomspace(1e-3, 1e6, 100)
    assert np.abs(fit.predict(x) - np.log10(x)).max() < 1e-8
    np.testing.assert_allclose(fit.derivative(x)[:, 0], 1 / (x * np.log(10)), rtol=1e-6)
    again = surefit.load(fit.save(tmp_path / "m.safetensors"))
    assert again.domain == fit.domain and fit.domain.logarithmic == ("p",)
    np.testing.assert_array_equal(again.predict(x), fit.predict(x))
    np.testing.assert_array_equal(again.derivative(x), fit.derivative(x))
    single = again.to("float32")
    assert np.abs(single.predict(x) - np.log10(x)).max() < 1e-4
    assert ":log" in fit.card() and not fit.doctor().find("logarithmic-inputs")
    assert fit.plot().axes[0].get_xscale() == "log"


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_the_logarithm_of_nothing_is_refused(fit, value):
    with pytest.raises(DataError, match=f"p is {value:g} in row 1, and a logarithmic input must be above 0"):
        fit.predict([1.0, value])


@pytest.mark.slow
def test_two_inputs_are_drawn_over_the_logarithm_of_the_one_that_has_decades():
    found = surefit.fit("log(p)*t", {"p": (1e-3, 1e3, "log"), "t": (-1, 1)}, seed=0)
    for kind in ("fit", "samples"):
        drawn = [axes for axes in found.plot(kind).axes if axes.get_label() != "<colorbar>"]
        assert drawn
        for axes in drawn:
            assert (axes.get_xscale(), axes.get_yscale()) == ("log", "linear")
            room = 1.0 if kind == "fit" else 1e6**0.02  # points at the ends are seen whole
            assert axes.get_xlim() == pytest.approx((1e-3 / room, 1e3 * room))
    cells = found.plot().axes[0].collections[0].get_coordinates()[0, :, 0]
    middle = cells[1:-1]
    np.testing.assert_allclose(np.diff(np.log(middle)), np.diff(np.log(middle))[0], rtol=1e-6)  # as many to a decade


def test_the_error_is_searched_over_the_decades():
    fit = surefit.fit("exp(-(log10(p) + 2)^2)", "p=1e-3:1e6:log", method=surefit.Adam(epochs=1), model=(4,))
    assert fit.error.at["p"] < 10  # uniform points have one in a hundred thousand there


@pytest.mark.slow
def test_first_order_methods_and_gradients_take_them():
    plan = surefit.Sampling(count=200, derivatives=True)
    fit = surefit.fit("log(p)*q", BOX, method="features", model=(60,), data=plan)
    box = {"p": (np.log(1e-3), np.log(1e6)), "q": (-1, 1)}
    plain = surefit.fit("p*q", box, method="features", model=(60,), data=plan)
    assert fit.error.rmse < 2 * plain.error.rmse
    method, plan = surefit.Adam(epochs=60), surefit.Sampling(adaptive=2)
    fit = surefit.fit("log(p)", "p=1e-3:1e6:log", method=method, model=(16,), data=plan)
    assert fit.error.relative_l2 < 0.2


def test_of_a_table_only_such_inputs_need_be_named():
    rng = np.random.default_rng(0)
    p, q = 10 ** rng.uniform(-3, 6, 80), rng.uniform(0, 1, 80)
    rows = {"p": p, "q": q, "y": 2 * np.log(p) + q}
    fit = surefit.fit(rows, {"p": (1e-3, 1e6, "log")}, method="polynomial")
    np.testing.assert_allclose(fit.predict(rows), rows["y"], atol=1e-9)
    assert fit.domain.names == ("p", "q") and fit.domain.bounds[1] == (q.min(), q.max())
    assert surefit.fit(rows, method="polynomial").doctor().find("logarithmic-inputs")
    rows["p"][5] = -1.0
    with pytest.raises(DomainError, match="'p' is logarithmic, and -1 in row 5 is not above 0"):
        surefit.fit(rows, {"p": (1e-3, 1e6, "log")})
