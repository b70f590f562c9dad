"""Functions of many inputs that nothing can be read of, fitted by what they do with their inputs together."""

from __future__ import annotations

import numpy as np
import pytest

import surefit
from surefit.data import Domain, sample
from surefit.search.strategies.steps import Step, Way, joined, placed, widths_of


class Opaque:
    """A function of which only values can be had."""

    def __init__(self, formula, box):
        self.formula, self.asked = surefit.parse(formula, box.names), 0

    def __call__(self, x):
        x = np.asarray(x)
        if x.dtype == object:
            raise TypeError("numbers")
        self.asked += len(x)
        return self.formula.on_points(x.astype(np.float64).reshape(len(x), -1))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("formula", "box", "tol"),
    [
        ("a*(b - c)*d/e", "a=1:5, b=1:5, c=1:5, d=1:5, e=1:5", 1e-3),
        ("m*g/((a-b)^2 + (c-d)^2 + (e-f)^2)", "m=1:2, g=1:2, a=3:4, b=1:2, c=3:4, d=1:2, e=3:4, f=1:2", 1e-6),
        ("n*(1 + p*cos(t)/(k*q))", "n=1:3, p=1:3, t=1:3, k=1:3, q=1:3", 1e-5),
        ("exp(-(a + b^2)*c)*d + 0*unused", "a=0:1, b=0:1, c=0:1, d=1:2, unused=0:1", 1e-6),
    ],
)
def test_an_opaque_function_is_fitted_step_by_step_and_the_card_tells_its_error(formula, box, tol):
    box = Domain(box)
    f = Opaque(formula, box)
    fit = surefit.fit(f, box, tol=tol)
    assert fit.made.stage.code in ("stage-contracted", "stage-linked") and fit.error.max <= tol
    assert f.asked < 300_000
    x = sample(box, 20_000, "uniform", with_corners=True, generator=1)
    error = np.abs(fit.predict(x) - f(x)).max()
    assert error <= 1.5 * fit.error.max <= 1.5 * tol


@pytest.mark.slow
def test_a_sum_whose_parts_overlap_is_taken_together_first_where_it_can_be():
    """Units of each part, spread over its inputs, came to 1e-3 of the range, and took the time of what came nearer."""
    box = Domain("q=1:5, e=1:5, b=1:5, v=1:5, t=1:5")
    fit = surefit.fit(Opaque("q*(e + b*v*sin(t))", box), box)
    assert fit.made.stage.code == "stage-contracted"
    x = sample(box, 20_000, "uniform", with_corners=True, generator=1)
    truth = fit.predict(x) - x[:, 0] * (x[:, 1] + x[:, 2] * x[:, 3] * np.sin(x[:, 4]))
    assert np.abs(truth).max() <= 1e-8 * 240  # their range


@pytest.mark.slow
def test_what_a_tolerance_does_not_need_is_not_fitted():
    box = Domain("a=1:5, b=1:5, c=1:5, d=1:5")
    loose, tight = (surefit.fit(Opaque("a*b/(c*d)", box), box, tol=tol) for tol in (1e-1, 1e-5))
    assert loose.network.num_parameters() < tight.network.num_parameters()


def test_of_logarithmic_inputs_the_logarithms_are_taken_together():
    box = Domain("a=1e-3:1e3:log, b=1:2, c=1:2, d=1:2")
    f = Opaque("log(a)*b*c*d", box)
    fit = surefit.fit(f, box, tol=1e-4)
    assert fit.made.stage.code in ("stage-contracted", "stage-linked")
    x = sample(box, 5000, "uniform", generator=1)
    assert np.abs(fit.predict(x) - f(x)).max() <= 2e-4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("formula", "box", "tol"),
    [
        ("F/sqrt((w0^2 - w^2)^2 + (g*w)^2)", "F=1:2, w=0.5:3, w0=0.5:3, g=0.05:0.5", 1e-5),  # of 4 inputs, in 2 steps
        ("(G^2/4)/((E - E0)^2 + G^2/4)/E", "E=1:10, E0=3:7, G=0.1:1", 1e-4),  # all inputs at once
        ("1/(1 + 4*R/(1-R)^2*sin(2*pi*d/w)^2)", "w=0.4:0.7, d=1:2, R=0.3:0.9", 1e-5),  # peaks along curves
        ("sqrt(a^2 + b^2 - 2*a*b*cos(t - u))", "a=1:5, b=1:5, t=1:5, u=1:5", 1e-3),  # a cone
    ],
)
def test_resonances_and_distances_are_simpler_in_another_form(formula, box, tol):
    box = Domain(box)
    f = Opaque(formula, box)
    rng = np.random.default_rng(1)
    x = sample(box, 50_000, "uniform", with_corners=True, generator=rng)
    near = x[rng.integers(0, len(x), 50_000)]
    for pair in (("w", "w0"), ("E", "E0"), ("a", "b"), ("t", "u")):  # where they are sharp
        if set(pair) <= set(box.names):
            one, other = (box.names.index(name) for name in pair)
            at = np.clip(near[:, one] + 10.0 ** rng.uniform(-6, -1, len(near)), box.low[other], box.high[other])
            near[:, other] = at
    x = np.concatenate([x, near])
    truth = f(x)
    size = np.ptp(truth)
    fit = surefit.fit(f, box, tol=tol * size)
    assert fit.made.stage.code == "stage-contracted" and fit.error.max <= tol * size
    assert any(each.code in ("simpler-form", "simpler-steps") for each in fit.made.choice)
    assert np.abs(fit.predict(x) - truth).max() <= 1.1 * tol * size


def test_steps_of_several_layers_are_one_network():
    """A step is begun as soon as its parts are known, and what is read later is handed on."""
    rng = np.random.default_rng(0)

    def step(numbers, *widths):
        hidden, before = [], numbers
        for width in widths:
            hidden.append((rng.normal(size=(width, before)), rng.normal(size=width)))
            before = width
        return Step(hidden, rng.normal(size=before) / before, 0.3, 0.0)

    f, g, h, last = step(2, 5), step(2, 4, 3, 6), step(3, 7, 2), step(1, 5)
    inputs = {i: np.eye(4)[i] for i in range(4)}
    steps = placed([("f", f, (0, 1)), ("g", g, ("f", 2)), ("h", h, ("g", "f", 3)), ("last", last, ("h",))], [*inputs])
    layers, (row, constant) = joined(steps, inputs)
    widths = widths_of(steps, [*inputs])
    assert widths == [4, *(len(bias) for _, bias in layers)]
    assert all(weight.shape == (b, a) for (weight, _), a, b in zip(layers, widths[:-1], widths[1:], strict=True))
    x = rng.uniform(-1.0, 1.0, (200, 4))
    one = f(x[:, :2])
    two = g(np.stack([one, x[:, 2]], axis=1))
    truth = last(h(np.stack([two, one, x[:, 3]], axis=1))[:, None])
    z = x
    for weight, bias in layers:
        z = np.tanh(z @ weight.T + bias)
    np.testing.assert_allclose(z @ row + constant, truth, atol=1e-7)  # what is handed on is off by a little


@pytest.mark.parametrize("number", [lambda x: x[:, 0] - x[:, 1], lambda x: np.exp(2.0 * x[:, 0]) - x[:, 1] ** 3])
def test_a_way_has_a_place_for_each_value_of_a_number(number):
    """From where it is least to where it is most, which need not be known well: cos(x) falls at both sides of 0."""
    rng = np.random.default_rng(2)
    way = Way(number, np.array([-0.99, 0.99]), np.array([0.995, -1.0]), rng)
    assert way.rises and way.known[0] == pytest.approx(number(np.array([[-1.0, 1.0]]))[0], abs=1e-12)
    z = rng.uniform(way.known[0], way.known[-1], 1000)
    np.testing.assert_allclose(number(way.places(z)), z, atol=1e-11)
    top = Way(lambda x: np.cos(x[:, 0] - 0.1), np.array([-1.0, 0.0]), np.array([0.11, 0.0]), rng)
    assert top.rises
