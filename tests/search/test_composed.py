"""Formulas fitted part by part: many inputs, poles, frequencies that change; the truth is NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

import surefit
from surefit.attempts.progress import Progress
from surefit.data import sample
from surefit.formulas import parse_many
from surefit.formulas.compositions import composition_of
from surefit.problems.posing import pose
from surefit.problems.scaling import Scaling
from surefit.search import limits
from surefit.search.judging import Judge
from surefit.search.runner import State, run
from surefit.search.strategies import composed
from surefit.search.strategies.layers import size_of

HARD = [
    ("1/(x^2+y^2+0.01)", lambda x, y: 1 / (x**2 + y**2 + 0.01), "x=-1:1, y=-1:1"),
    ("sin(E*t/(h/(2*pi)))^2", lambda e, t, h: np.sin(2 * np.pi * e * t / h) ** 2, "E=1:5, t=1:5, h=1:5"),
    ("exp(-300*((x-0.3)^2+(y+0.2)^2)) + x*y", lambda x, y: np.exp(-300 * ((x - 0.3) ** 2 + (y + 0.2) ** 2)) + x * y,
     "x=-1:1, y=-1:1"),
    ("G*m*n/((x-u)^2 + 0.1)", lambda g, m, n, x, u: g * m * n / ((x - u) ** 2 + 0.1),
     "G=1:2, m=1:2, n=1:2, x=1:3, u=1:3"),
    ("n/(exp(m*b/(k*t)) + exp(-m*b/(k*t)))", lambda n, m, b, k, t: n / (np.exp(m * b / k / t) + np.exp(-m * b / k / t)),
     "n=1:3, m=1:3, b=1:3, k=1:3, t=1:3"),
    ("w*sin((a-b)*t/2)^2/((a-b)*t/2)^2", lambda w, a, b, t: w * np.sinc((a - b) * t / 2 / np.pi) ** 2,
     "w=1:3, a=1:5, b=1:5, t=1:3"),
    ("m*c^2/sqrt(1-v^2/c^2)", lambda m, c, v: m * c**2 / np.sqrt(1 - v**2 / c**2), "m=1:5, c=3:10, v=1:2"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("text", "truth", "domain"), HARD)
def test_a_formula_is_fitted_part_by_part(text, truth, domain):
    box = surefit.Domain(domain)
    points = np.random.default_rng(0).uniform(box.low, box.high, (5000, box.dim))
    y = truth(*points.T)
    fit = surefit.fit(text, box, tol=1e-6 * np.ptp(y))
    assert np.abs(fit.predict(points) - y).max() <= 1e-6 * np.ptp(y)
    assert len(fit.layers()) > 3 and "part by part" in str(fit)


def test_the_ends_of_many_inputs_together_are_fitted_too():
    """Samples of nine inputs hardly come near a corner, where the inverse of a sum of squares is largest."""
    box = surefit.Domain("m=1:2, n=1:2, G=1:2, a=3:4, b=1:2, c=3:4, d=1:2, e=3:4, f=1:2")
    fit = surefit.fit("G*m*n/((a-b)^2 + (c-d)^2 + (e-f)^2)", box, tol=1e-6)
    corners = box.corners()
    m, n, g, a, b, c, d, e, f = corners.T
    truth = g * m * n / ((a - b) ** 2 + (c - d) ** 2 + (e - f) ** 2)
    assert np.abs(fit.predict(corners) - truth).max() <= 1e-6


def test_several_outputs_and_a_logarithmic_input():
    box = surefit.Domain({"x": (1e-3, 1e3, "log"), "y": (-1.0, 1.0)})
    fit = surefit.fit(["x*exp(y)/(1+x)", "sin(3*log(x))*y"], box, tol=1e-6)
    points = box.unscale(np.random.default_rng(0).uniform(-1, 1, (3000, 2)))
    x, y = points.T
    truth = np.stack([x * np.exp(y) / (1 + x), np.sin(3 * np.log(x)) * y], axis=1)
    assert np.abs(fit.predict(points) - truth).max() <= 1e-6


def test_it_is_saved_and_read_as_any_network(tmp_path):
    fit = surefit.fit("1/(x^2+y^2+0.01)", "x=-1:1, y=-1:1", tol=1e-4)
    fit.save(tmp_path / "pole.npz")
    again = surefit.load(tmp_path / "pole.npz")
    points = np.random.default_rng(0).uniform(-1, 1, (100, 2))
    np.testing.assert_array_equal(again.predict(points), fit.predict(points))


SPANNING = [  # sums of positive terms that range over many powers of ten, which a value near 0 or a logarithm is of
    ("exp(a)/(exp(a) + exp(b) + exp(c))", lambda a, b, c: 1 / (1 + np.exp(b - a) + np.exp(c - a)), 6.0),
    ("ln(exp(a) + exp(b) + exp(c))", lambda a, b, c: np.logaddexp(np.logaddexp(a, b), c), 20.0),
    ("a/sqrt(exp(b) + exp(c))", lambda a, b, c: a * np.exp(-0.5 * np.logaddexp(b, c)), 8.0),
]


@pytest.mark.parametrize(("text", "truth", "end"), SPANNING)
def test_sums_that_span_powers_of_ten_are_read_by_logarithms(text, truth, end):
    points = np.random.default_rng(0).uniform(-end, end, (5000, 3))
    y = truth(*points.T)
    fit = surefit.fit(text, f"a=-{end}:{end}, b=-{end}:{end}, c=-{end}:{end}", tol=1e-6 * np.ptp(y))
    assert np.abs(fit.predict(points) - y).max() <= 1e-6 * np.ptp(y)


JUMPING = [
    ("sin(2*x) if x+y > 0 else cos(y)-x", lambda x, y: np.where(x + y > 0, np.sin(2 * x), np.cos(y) - x)),
    ("sign(x^2 + y^2 - 0.5)", lambda x, y: np.sign(x**2 + y**2 - 0.5)),
    ("floor(3*x)*y", lambda x, y: np.floor(3 * x) * y),
    ("mod(2*x + y, 0.7)", lambda x, y: np.mod(2 * x + y, 0.7)),
    ("x*y if x > 0 and not y <= 0 else exp(x-y)", lambda x, y: np.where((x > 0) & (y > 0), x * y, np.exp(x - y))),
    ("sqrt(x) if x > 0 else y", lambda x, y: np.where(x > 0, np.sqrt(np.abs(x)), y)),
    ("x if x > 0.3 or y > 0.4 else -y^2", lambda x, y: np.where((x > 0.3) | (y > 0.4), x, -(y**2))),
]


@pytest.mark.slow
@pytest.mark.parametrize(("text", "truth"), JUMPING)
def test_jumps_of_several_inputs_are_followed_to_where_they_are(text, truth):
    """Nearly all points lie beside a jump, not on it; the largest error, which is at the jump, is still told."""
    x, y = np.random.default_rng(0).uniform(-1, 1, (2, 20_000))
    fit = surefit.fit(text, "x=-1:1, y=-1:1", tol=1e-6)
    assert np.abs(fit.predict(np.stack([x, y], axis=1)) - truth(x, y)).max() < 1e-6
    assert not fit.reached and fit.error.max > 0.1
    assert "a network is continuous" in str(fit) and "narrow peak" not in str(fit)
    warned = {finding.code for finding in fit.doctor().findings if finding.severity == "warning"}
    assert warned == {"tolerance-missed"}


def test_a_condition_without_a_jump_is_within_the_tolerance():
    fit = surefit.fit("x^2+y if x>y else x+y^2", "x=0:1, y=0:1", tol=1e-7)
    x, y = np.random.default_rng(0).uniform(0, 1, (2, 20_000))
    truth = np.where(x > y, x**2 + y, x + y**2)
    assert fit.reached and np.abs(fit.predict(np.stack([x, y], axis=1)) - truth).max() < 1e-7


SIDES = [  # a formula that jumps, and points at the jump
    ("1 if x > 0 else 0", [(0.0, 0.3)]),
    ("1 if x >= 0 else -y", [(0.0, 0.3)]),
    ("sign(x)*y", [(0.0, 0.3)]),
    ("floor(3*x) + y", [(1 / 3, 0.3), (0.0, 0.5), (1.0, 0.2)]),
    ("floor(x + y)", [(0.5, 0.5), (0.0, 0.0), (0.25, 0.75)]),
    ("x*exp(-y) if x > 0.2 else y", [(0.2, 0.3), (0.2, -0.5)]),
]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("text", "points"), SIDES)
def test_a_point_at_a_jump_is_on_its_side(text, points, dtype):
    fit = surefit.fit(text, "x=-1:1, y=-1:1", tol=1e-5, dtype=dtype)
    value = surefit.parse(text, ["x", "y"])
    for x, y in points:
        assert fit(x, y) == pytest.approx(float(value(x, y)), abs=1e-4)


POWERS = [  # whose exponents vary, of a base that begins at 0, where its logarithm ends
    ("x^n/(1+x^n)", lambda x, n: x**n / (1 + x**n), "x=0:100, n=0.5:8"),
    ("x^n/(k^n+x^n)", lambda x, n, k: x**n / (k**n + x**n), "x=0:100, n=0.5:8, k=0.1:10"),
    ("x^n*cos(x)", lambda x, n: x**n * np.cos(x), "x=0:2, n=1:3"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("text", "truth", "domain"), POWERS)
def test_powers_of_what_begins_at_0(text, truth, domain):
    box = surefit.Domain(domain)
    rng = np.random.default_rng(0)
    points = rng.uniform(box.low, box.high, (10_000, box.dim))
    points[:3000, 0] = 10.0 ** rng.uniform(-9, 2, 3000) * box.high[0] / 100
    points[3000:3100, 0] = 0.0
    y = truth(*points.T)
    fit = surefit.fit(text, box, tol=1e-6 * np.ptp(y))
    assert fit.reached and np.abs(fit.predict(points) - y).max() <= 1e-6 * np.ptp(y)


@pytest.mark.slow
def test_a_network_larger_than_was_asked_for_is_kept_where_nothing_else_is_good():
    """Kinks of several numbers and a product: units spread over the box came to 1e-2."""
    formula, box = "x*y*z + x + max(x, y, z)", "x=-1:1, y=-1:1, z=-1:1"
    fit = surefit.fit(formula, box)
    x = np.random.default_rng(2).uniform(-1, 1, (50_000, 3))
    truth = x.prod(axis=1) + x[:, 0] + x.max(axis=1)
    assert np.abs(fit.predict(x) - truth).max() <= 1e-6 * np.ptp(truth)


@pytest.mark.slow
def test_a_network_of_a_formula_that_would_be_too_large_has_fewer_digits(monkeypatch):
    """It was given up where the time left did not allow its size, and what followed was off by a tenth."""
    monkeypatch.setattr(composed, "most_parameters", lambda s: 80_000)
    text = "max(a+b-c, 0) + max(d-e*f, 0)"
    box = surefit.Domain(", ".join(f"{name}=-1:1" for name in "abcdef"))
    fit = surefit.fit(text, box, tol=1e-4)
    assert fit.method["solver"] == "composed" and fit.reached and fit.network.num_parameters() <= 80_000
    x = sample(box, 20_000, "uniform", with_corners=True, generator=1)
    assert np.abs(fit.predict(x) - surefit.parse(text, box.names).on_points(x)).max() <= 1.1e-4


def test_a_layer_never_spans_the_pole_of_what_it_is_for():
    """1/(k (1 + i/c) + s) of what is at least 0.1: the margins of layers added up to a range from -0.35."""
    formulas = parse_many("v*s/(k*(1+i/c)+s)", ("s", "i", "k", "c", "v"))
    box = surefit.Domain("s=0:10, i=0:10, k=0.1:2, c=0.1:2, v=1:5")
    points = box.at(np.random.default_rng(0).random((4000, 5)))
    s, i, k, c, v = points.T
    truth = v * s / (k * (1 + i / c) + s)
    composition = composition_of(formulas, np.concatenate([points, box.corners()]))
    scaling = Scaling((box.low + box.high) / 2, box.width / 2, np.zeros(1), np.ones(1))
    layers, _ = composed.fitted(composition, 1e-11, scaling)
    h = box.scale(points)
    for weight, bias in layers[:-1]:
        h = np.tanh(h @ weight.T + bias)
    found = h @ layers[-1][0].T + layers[-1][1]
    assert np.abs(found[:, 0] - truth).max() <= 1e-6


@pytest.mark.slow
def test_a_function_with_holes_that_have_limits_is_read_as_a_formula():
    """It has no value at 0/0 where the problem has its limit, and was taken for another function."""
    fit = surefit.fit(lambda x, y: np.sin(x * y) / (x * y) + np.hypot(x, y), "x=-1:1, y=-1:1", tol=1e-5)
    points = np.random.default_rng(0).uniform(-1, 1, (3000, 2))
    x, y = points.T
    assert np.abs(fit.predict(points) - np.sinc(x * y / np.pi) - np.hypot(x, y)).max() <= 1e-5
    assert "part by part" in str(fit)


@pytest.mark.slow
def test_digits_that_would_cost_too_large_a_network_are_not_left_out_altogether(monkeypatch):
    """Between a network of few digits and one that nobody asked for there are others.

    And x^n / (k^n + x^n) as a product of 1e4 and 1e-4 is tried once: no digits make that good.
    """
    tried, fitted = [], composed.fitted

    def seen(composition, tol, *rest):
        found = fitted(composition, tol, *rest)
        tried.append((tol, size_of(found[0])))
        return found

    monkeypatch.setattr(composed, "fitted", seen)
    problem = pose("x^n/(k^n + x^n)", surefit.Domain("x=0:10, k=0.5:5, n=1:4"), None, 0, solver=True)
    judge = Judge(problem, 0)
    state = State(problem, 0, np.dtype(np.float64), judge, Progress(), aim=judge.share(limits.GOAL))
    run(state, composed.composed(state))
    large = max(tol for tol, size in tried if size > limits.UNASKED_PARAMETERS)
    small = [tol for tol, size in tried if size <= limits.UNASKED_PARAMETERS]
    assert len(small) > 2 and min(small) < 5 * large
    assert state.best.error.max < 2e-6
    assert sum(found.error.max > 1.0 for found in state.candidates) <= 1
