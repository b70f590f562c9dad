"""Placing units and solving the output layer: against lstsq, against refits, on known functions."""

from __future__ import annotations

import numpy as np
import pytest

from surefit.errors import ArgumentError, DtypeError, ShapeError
from surefit.solvers import linear_features, place_units, solve_output

RNG = np.random.default_rng(0)
PHI, Y = RNG.standard_normal((40, 6)), RNG.standard_normal((40, 2))
WEIGHTS = RNG.uniform(0.1, 3.0, 40)
X = np.linspace(-1, 1, 40)[:, None]


def with_nan(values):
    values = values.copy()
    values[3, 1] = np.nan
    return values


def chebyshev(n):
    return -np.cos(np.pi * np.arange(n) / (n - 1))[:, None]


def network(found, x):
    return np.tanh(x @ found.hidden.T + found.offsets) @ found.output.weights + found.output.constant


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_the_output_layer_is_that_of_lstsq(weights):
    root = np.ones((40, 1)) if weights is None else np.sqrt(weights)[:, None]
    with_ones = np.hstack([PHI, np.ones((40, 1))])
    wanted = np.linalg.lstsq(with_ones * root, Y * root, rcond=None)[0]
    found = solve_output(PHI, Y, weights=weights)
    np.testing.assert_allclose(found.weights, wanted[:-1], rtol=1e-10)
    np.testing.assert_allclose(found.constant, wanted[-1], rtol=1e-10)
    np.testing.assert_allclose(found.residuals, with_ones @ wanted - Y, atol=1e-12)
    assert found.rank == 6


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("ridge", [1e-6, 0.1, 10.0])
def test_the_leave_one_out_score_is_that_of_forty_refits(ridge, weights):
    share = np.ones(40) if weights is None else weights / weights.mean()
    root = np.sqrt(share)[:, None]
    centred = (PHI - share @ PHI / 40) * root
    damping = ridge * (centred**2).sum() / 6
    with_ones = np.hstack([PHI, np.ones((40, 1))])
    damping = np.diag([damping] * 6 + [0.0])
    left = []
    for i in range(40):
        rows = np.arange(40) != i
        a, b = (with_ones * root)[rows], (Y * root)[rows]
        c = np.linalg.solve(a.T @ a + damping, a.T @ b)
        left.append(root[i] * (with_ones[i] @ c - Y[i]))
    found = solve_output(PHI, Y, weights=weights, ridges=[ridge])
    assert found.score == pytest.approx(np.sqrt(np.mean(np.square(left))), rel=1e-9)
    assert found.ridge == ridge


def test_the_ridge_follows_the_noise():
    x = np.linspace(-1, 1, 200)[:, None]
    phi = np.tanh(4 * x - np.linspace(-4, 4, 60))
    clean = np.sin(3 * x)
    noisy = clean + 0.2 * np.random.default_rng(1).standard_normal(x.shape)
    ridges = tuple(10.0**e for e in range(-14, 4))
    exact, damped = (solve_output(phi, y, ridges=ridges) for y in (clean, noisy))
    assert damped.ridge > 1e3 * exact.ridge
    assert np.sqrt(np.mean((noisy + damped.residuals - clean) ** 2)) < 0.05  # far less than the noise
    interpolating = solve_output(phi, noisy, rconds=(1e-14,))
    assert np.sqrt(np.mean((noisy + interpolating.residuals - clean) ** 2)) > 0.075


def test_linearly_dependent_features_are_left_out():
    found = solve_output(np.hstack([PHI, PHI]), Y)
    assert found.rank == 6
    np.testing.assert_allclose(found.residuals, solve_output(PHI, Y).residuals, atol=1e-11)


@pytest.mark.parametrize(
    ("function", "low", "high"),
    [
        (np.sin, -2 * np.pi, 2 * np.pi),
        (np.square, -2 * np.pi, 2 * np.pi),
        (lambda x: -2 / (2 + np.sin(x)), -3, 3),
        (lambda x: x**4 - x**3 + x**2 - x + 1, -10, 10),
        (lambda x: np.sin(x) ** 2 + x**3 * np.cos(x) + 4 * x + 2, -10, 10),
    ],
)
def test_a_hundred_units_reach_1e_minus_10(function, low, high):
    def scaled(u):
        return function((low + high) / 2 + (high - low) / 2 * u)

    size = np.abs(scaled(np.linspace(-1, 1, 9999))).max()
    found = linear_features(chebyshev(402), scaled(chebyshev(402)) / size, 100)
    fresh = np.linspace(-1, 1, 3001)[:, None]
    assert np.abs(network(found, fresh) - scaled(fresh) / size).max() < 1e-10
    assert found.output.norm < 1e5


def test_two_inputs_and_two_outputs():
    axis = chebyshev(28)[:, 0]
    x = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    y = np.stack([np.sin(3 * x[:, 0]) - np.cos(2 * x[:, 1]), x[:, 0] * x[:, 1]], axis=1)
    found = linear_features(x, y, 150, generator=3)
    fresh = np.random.default_rng(9).uniform(-1, 1, (2000, 2))
    wanted = np.stack([np.sin(3 * fresh[:, 0]) - np.cos(2 * fresh[:, 1]), fresh[:, 0] * fresh[:, 1]], axis=1)
    assert np.abs(network(found, fresh) - wanted).max() < 1e-4
    assert found.x.shape == (150 * 2 + 150 + 150 * 2 + 2,)


def test_weights_of_a_size_that_the_target_machine_can_bear():
    x, fresh = chebyshev(402), np.linspace(-1, 1, 2001)[:, None]
    y, wanted = np.sin(6 * x), np.sin(6 * fresh)

    def single(found):
        hidden, offsets, weights, constant = (
            a.astype(np.float32) for a in (found.hidden, found.offsets, found.output.weights, found.output.constant)
        )
        z = np.tanh(fresh.astype(np.float32) @ hidden.T + offsets)
        return np.abs(z @ weights + constant - wanted).max()

    careless = linear_features(x, y, 60, scales=(1.0,), generator=0)
    careful = linear_features(x, y, 60, roundoff=2.0**-24, dtype=np.float32, generator=0)
    assert careful.output.norm < 50 < careless.output.norm
    assert single(careful) < 2e-6 < single(careless)
    assert (careful.hidden == careful.hidden.astype(np.float32)).all()


def test_it_stops_at_the_goal_and_when_told():
    x = chebyshev(100)
    reached = linear_features(x, np.sin(x), 30, goal=1e-6)
    assert (reached.status, reached.iterations + 1) == ("goal", len(reached.tried))
    assert reached.output.score <= 1e-6
    told = linear_features(x, np.sin(x), 30, callback=lambda _, now: now.number == 1)
    assert (told.status, len(told.tried)) == ("callback", 2)
    late = linear_features(x, np.sin(x), 30, time=1e-9)
    assert (late.status, len(late.tried)) == ("time", 1)
    whole = linear_features(x, np.sin(x), 30, scales=(1.0, 2.0, 4.0), beyond=0, draws=3)
    assert (whole.status, len(whole.tried)) == ("scanned", 3 + 2 * 2)
    assert whole.output.score == min(t.score for t in whole.tried)


def test_it_looks_beyond_the_scales_that_were_asked_for():
    x = chebyshev(800)
    y = np.sin(60 * x)
    found = linear_features(x, y, 120, scales=(1.0, 2.0), beyond=5, draws=1)
    tried = [t.scale for t in found.tried]
    assert tried[:2] == [1.0, 2.0]
    assert max(tried) >= 16.0
    assert found.output.score < 1e-2 * linear_features(x, y, 120, scales=(1.0, 2.0), beyond=0, draws=1).output.score


def test_the_rank_is_that_of_the_units():
    found = linear_features(X, X, 30)
    assert found.rank < 30
    assert f"rank {found.rank} of 30\n" in str(found)


def test_scales_may_be_an_array():
    arrays = linear_features(X, Y, 4, scales=np.array([1.0, 2.0]), ridges=np.array([1e-6, 1e-3]))
    lists = linear_features(X, Y, 4, scales=[1, 2], ridges=[1e-6, 1e-3])
    np.testing.assert_array_equal(arrays.x, lists.x)


def test_units_bend_all_over_the_box_or_at_the_given_points():
    weights, offsets = place_units(1, 50, 4.0, 0)
    breakpoints = -offsets / weights[:, 0]
    np.testing.assert_allclose(breakpoints, np.linspace(-1.05, 1.05, 50), atol=1e-12)
    assert (np.abs(weights) >= 2.0).all()
    assert (np.abs(weights) <= 6.0).all()
    points = np.random.default_rng(0).standard_normal((5, 3))
    weights, offsets = place_units(3, 20, 1.0, 0, centres=points)
    nearest = np.abs(weights @ points.T + offsets[:, None]).min(axis=1)
    np.testing.assert_allclose(nearest, 0.0, atol=1e-12)


def test_units_change_as_fast_along_each_input_as_the_target_does():
    weights, _ = place_units(3, 4000, 2.0, 0, stretch=[3.0, 1.0, 0.0])
    np.testing.assert_array_equal(weights[:, 2], 0.0)
    size = np.linalg.norm(weights, axis=1)
    assert (size >= 1.0).all() and (size <= 3.0).all()  # the gain is that of the whole unit
    # the angle of a normal vector whose parts have deviations 3 and 1: half of them are within atan(1 / 3)
    assert np.mean(np.abs(weights[:, 1]) < np.abs(weights[:, 0]) / 3) == pytest.approx(0.5, abs=0.03)
    for wrong, error in (([1.0, 2.0], ShapeError), ([0.0, 0.0, 0.0], ArgumentError), ([1, -1, 1], ArgumentError)):
        with pytest.raises(error, match="stretch"):
            place_units(3, 5, 1.0, 0, stretch=np.array(wrong))


@pytest.mark.parametrize("seed", range(3))
def test_stretched_units_follow_a_target_of_one_fast_input_better(seed):
    rng = np.random.default_rng(seed)
    x, new = rng.uniform(-1, 1, (600, 4)), rng.uniform(-1, 1, (1000, 4))
    target = lambda u: np.sin(6 * u[:, :1]) + 0.1 * u[:, 1:].sum(axis=1, keepdims=True)
    plain, stretched = (
        linear_features(x, target(x), 60, centres=x, stretch=stretch, generator=seed, draws=1)
        for stretch in (None, [6.0, 0.3, 0.3, 0.3])
    )
    miss = [float(np.abs(network(found, new) - target(new)).max()) for found in (plain, stretched)]
    assert miss[1] < 0.3 * miss[0]


@pytest.mark.parametrize("ridges", [None, (1e-8, 1.0)])
def test_one_sample_a_constant_and_more_units_than_samples(ridges):
    one = solve_output(np.ones((1, 3)), np.array([[2.0]]), ridges=ridges)
    np.testing.assert_allclose(one.residuals, 0.0, atol=1e-12)
    flat = linear_features(chebyshev(20), np.full((20, 1), 3.0), 5, ridges=ridges)
    np.testing.assert_allclose(network(flat, np.array([[0.3]])), 3.0, atol=1e-12)
    wide = linear_features(chebyshev(10), np.sin(chebyshev(10)), 40, ridges=ridges)
    assert np.isfinite(wide.x).all()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: linear_features(np.zeros(3), np.zeros((3, 1)), 4), ShapeError, r"x \(3,\)"),
        (lambda: linear_features(np.zeros((3, 1)), np.zeros((3, 1)), 0), ArgumentError, "units"),
        (lambda: linear_features(np.zeros((3, 1)), np.zeros((3, 1)), 4, scales=(0.0,)), ArgumentError, "scales"),
        (lambda: linear_features(np.zeros((3, 1)), np.zeros((3, 1)), 4, draws=0), ArgumentError, "draws"),
        (lambda: solve_output(PHI, Y[:5]), ShapeError, "rows"),
        (lambda: solve_output(PHI, Y, weights=-WEIGHTS), ArgumentError, "weights"),
        (lambda: solve_output(PHI * np.nan, Y), ArgumentError, "NaN"),
        (lambda: solve_output(PHI, with_nan(Y)), ArgumentError, r"solve_output: y\[3, 1\] is not finite"),
        (lambda: solve_output(PHI, with_nan(Y), ridges=(1e-3,)), ArgumentError, r"y\[3, 1\]"),
        (lambda: solve_output(PHI, [["a", "b"]] * 40), DtypeError, "y must be real"),
        (lambda: solve_output(PHI, Y, ridges=()), ArgumentError, r"ridges=\(\)"),
        (lambda: solve_output(PHI, Y, ridges=("small",)), ArgumentError, "ridges="),
        (lambda: solve_output(PHI, Y, ridges=1e-3), ArgumentError, "ridges=0.001"),
        (lambda: solve_output(PHI, Y, ridges=(-1.0,)), ArgumentError, ">= 0"),
        (lambda: solve_output(PHI, Y, rconds=()), ArgumentError, "rconds"),
        (lambda: solve_output(PHI, Y, weights=["a"] * 40), ArgumentError, "weights"),
        (lambda: linear_features(X, with_nan(Y), 4), ArgumentError, r"linear_features: y\[3, 1\]"),
        (lambda: linear_features(with_nan(PHI), Y, 4), ArgumentError, r"x\[3, 1\]"),
        (lambda: linear_features(X, None, 4), DtypeError, "y must be real"),
        (lambda: linear_features(X, Y, 4, scales="steep"), ArgumentError, "scales='steep'"),
        (lambda: linear_features(X, Y, 4, scales=("1", 2)), ArgumentError, "scales="),
        (lambda: linear_features(X, Y, 4, scales=()), ArgumentError, "scales="),
        (lambda: linear_features(X, Y, 4, scales=(np.nan,)), ArgumentError, "scales="),
        (lambda: linear_features(X, Y, 4, draws="2"), ArgumentError, "draws='2'"),
        (lambda: linear_features(X, Y, 4, beyond=None), ArgumentError, "beyond=None"),
        (lambda: linear_features(X, Y, 4, goal="1e-3"), ArgumentError, "goal='1e-3'"),
        (lambda: linear_features(X, Y, 4, ridges=[]), ArgumentError, r"linear_features: ridges=\[\]"),
    ],
)
def test_wrong_arguments_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_many_rows_are_decomposed_in_blocks_and_give_the_same_layer():
    rng = np.random.default_rng(0)
    phi, y = rng.standard_normal((40_000, 5)) * [1, 1, 1, 1, 1e-3], rng.standard_normal((40_000, 2))
    weights = rng.uniform(0.5, 2.0, len(y))
    found = solve_output(phi, y, weights=weights, ridges=[1e-3])
    root = np.sqrt(weights / weights.mean())[:, None]
    a, b = (root * (v - np.average(v, 0, weights)) for v in (phi, y))
    size = (a**2).sum() / 5
    expected = np.linalg.solve(a.T @ a + 1e-3 * size * np.eye(5), a.T @ b)
    np.testing.assert_allclose(found.weights, expected, rtol=1e-9)
    left = np.einsum("ij,jk,ik->i", a, np.linalg.inv(a.T @ a + 1e-3 * size * np.eye(5)), a) + root[:, 0] ** 2 / len(a)
    missed = (a @ expected - b) / (1 - left)[:, None]
    assert found.score == pytest.approx(np.sqrt(np.mean(missed**2)), rel=1e-9)
