"""Gaussian processes beside scikit-learn's, finite differences and what leaving a row out gives."""

from __future__ import annotations

import numpy as np
import pytest

from surefit.errors import ArgumentError, NotFiniteError, ShapeError
from surefit.solvers import GaussianProcess

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (25, 2))
Y = np.sin(3 * X[:, 0]) + X[:, 1] ** 2 + 0.05 * RNG.normal(size=25)
NEW = RNG.uniform(-1, 1, (40, 2))


def lessons(kernel, process):
    """scikit-learn's process with the same hyperparameters, in the scaled units of ours."""
    pytest.importorskip("sklearn", reason="the values are compared with scikit-learn's")
    from sklearn.gaussian_process import GaussianProcessRegressor, kernels

    length = process.length_scale_
    amplitude = float(np.exp(process.theta[0])) * float(process._y_scale[0]) ** 2
    shape = kernels.RBF(length) if kernel == "rbf" else kernels.Matern(length, nu=2.5)
    k = kernels.ConstantKernel(amplitude) * shape + kernels.WhiteKernel(float(process.noise_[0]) ** 2)
    return GaussianProcessRegressor(k, alpha=1e-13, optimizer=None)


@pytest.mark.parametrize("kernel", ["matern52", "rbf"])
def test_values_deviations_and_likelihood_are_those_of_scikit_learn(kernel):
    process = GaussianProcess(kernel, "zero").fit(X, Y)
    other = lessons(kernel, process).fit(X, Y)
    mean, deviation = process.predict(NEW, return_std=True)
    expected, spread = other.predict(NEW, return_std=True)
    np.testing.assert_allclose(mean, expected, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(deviation, spread, rtol=1e-6)
    scaled = process.log_marginal_likelihood() - len(Y) * np.log(process._y_scale[0])
    assert scaled == pytest.approx(other.log_marginal_likelihood_value_, rel=1e-8)


@pytest.mark.parametrize("kernel", ["matern52", "rbf"])
def test_the_search_ends_as_high_as_that_of_scikit_learn(kernel):
    pytest.importorskip("sklearn", reason="the values are compared with scikit-learn's")
    from sklearn.gaussian_process import GaussianProcessRegressor, kernels

    shape = kernels.RBF([1, 1]) if kernel == "rbf" else kernels.Matern([1, 1], nu=2.5)
    k = kernels.ConstantKernel() * shape + kernels.WhiteKernel(1e-2)
    other = GaussianProcessRegressor(k, n_restarts_optimizer=2, random_state=0).fit(X, Y)
    process = GaussianProcess(kernel, "zero").fit(X, Y)
    mine = process.log_marginal_likelihood() - len(Y) * np.log(process._y_scale[0])
    assert mine >= other.log_marginal_likelihood_value_ - 1e-3


@pytest.mark.parametrize("mean", ["zero", "constant", "linear", "quadratic"])
@pytest.mark.parametrize("kernel", ["matern52", "rbf"])
@pytest.mark.parametrize("outputs", [1, 2])
def test_the_gradient_is_that_of_differences(kernel, mean, outputs):
    y = Y if outputs == 1 else np.column_stack([Y, Y**2])
    process = GaussianProcess(kernel, mean).fit(X, y, weights=np.linspace(1, 3, 25))
    theta = np.array([0.3, 0.2, -0.4, -3.0])
    value, gradient = process.log_marginal_likelihood(theta, eval_gradient=True)
    assert value == process.log_marginal_likelihood(theta)
    for j, step in enumerate(1e-5 * np.eye(4)):
        up, down = (process.log_marginal_likelihood(theta + s * step) for s in (1, -1))
        assert gradient[j] == pytest.approx((up - down) / 2e-5, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("mean", ["zero", "constant", "linear"])
def test_a_row_left_out_is_what_a_process_without_it_predicts(mean):
    process = GaussianProcess("matern52", mean).refit(X, Y, [0.3, 0.2, -0.4, -3.0])
    values, deviations = process.leave_one_out()
    kept = process._basis
    for i in (0, 7, 24):
        rest = np.arange(25) != i
        rows = process._rows
        k = rows.between(rows.u, process.theta)
        noise = np.exp(process.theta[-1])
        inside, across = k[np.ix_(rest, rest)] + noise * np.eye(24), k[rest, i]
        h, own = kept(rows.u[rest]), kept(rows.u[i : i + 1])[0]
        v = rows.v[rest, 0]
        inverse = np.linalg.inv(inside)
        gram = h.T @ inverse @ h
        beta = np.linalg.solve(gram, h.T @ inverse @ v) if h.shape[1] else np.zeros(0)
        expected = own @ beta + across @ inverse @ (v - h @ beta)
        r = own - h.T @ inverse @ across
        rest_of_mean = r @ np.linalg.solve(gram, r) if h.shape[1] else 0.0
        variance = k[i, i] + noise - across @ inverse @ across + rest_of_mean
        assert values[i] == pytest.approx(expected * process._y_scale[0] + process._y_shift[0], rel=1e-6)
        assert deviations[i] == pytest.approx(np.sqrt(variance) * process._y_scale[0], rel=1e-5)


def test_known_noise_is_kept_and_none_goes_through_the_rows():
    exact = GaussianProcess(noise=0).fit(X, Y)
    np.testing.assert_allclose(exact.predict(X), Y, atol=1e-4)
    given = GaussianProcess(noise=0.2).fit(X, Y)
    assert given.noise_[0] == pytest.approx(0.2)
    estimated = GaussianProcess().fit(X, Y)
    assert 0.01 < estimated.noise_[0] < 0.15  # 0.05


def test_a_row_with_much_noise_counts_for_little():
    wrong = Y.copy()
    wrong[3] += 5
    weights = np.ones(25)
    weights[3] = 1e-6
    without = GaussianProcess().fit(np.delete(X, 3, 0), np.delete(Y, 3)).predict(NEW)
    assert np.abs(GaussianProcess().fit(X, wrong, weights).predict(NEW) - without).max() < 0.1
    assert np.abs(GaussianProcess().fit(X, wrong).predict(NEW) - without).max() > 0.2


@pytest.mark.parametrize(
    "x, y",
    [
        (np.repeat(X, 2, axis=0), np.repeat(Y, 2)),  # rows twice
        (np.repeat(X, 2, axis=0), np.r_[Y, Y[::-1]]),  # and with other values
        (np.column_stack([X, np.ones(25)]), Y),  # a column that says nothing
        (np.column_stack([X, X[:, 0]]), Y),  # a column twice
        (np.ones((25, 1)), Y),  # no column that says anything
        (X * 1e9 + 1e12, Y * 1e-9),
        (X * 1e-150, Y * 1e200),
        (X, np.full(25, 3.0)),
        (X[:1], Y[:1]),
        (X[:2], Y[:2]),
    ],
)
@pytest.mark.parametrize("kernel, noise", [("matern52", None), ("rbf", 0)])
def test_rows_of_all_kinds_give_finite_values(x, y, kernel, noise):
    mean = "constant" if len(x) > 1 else "zero"
    process = GaussianProcess(kernel, mean, noise=noise).fit(x, y)
    values, deviations = process.predict(x, return_std=True)
    assert np.isfinite(values).all() and np.isfinite(deviations).all()
    left, spread = process.leave_one_out()
    assert np.isfinite(left).all() and np.isfinite(spread).all()
    assert np.abs(values - y).max() <= 1.01 * max(np.ptp(y), 1e-6 * np.abs(y).max())


def test_units_of_inputs_and_values_do_not_matter():
    own = GaussianProcess().fit(X, Y).predict(NEW)
    other = GaussianProcess().fit(X * [1e6, 1e-6] + 5, 1e3 * Y - 7).predict(NEW * [1e6, 1e-6] + 5)
    np.testing.assert_allclose(other, 1e3 * own - 7, rtol=1e-4, atol=1e-1)


@pytest.mark.parametrize("offset, step", [(1e18, 1024.0), (1e15, 1.0), (2.0**30, 2.0**-22)])
def test_inputs_that_differ_in_their_last_digits_are_inputs(offset, step):
    """All of these numbers are exact, so it is the same as without the offset."""
    n = np.arange(60)
    x, y = step * n[:, None], np.sin(n / 10)
    near = GaussianProcess("matern52").fit(x, y).predict(x[:-1] + step)
    far = GaussianProcess("matern52").fit(offset + x, y).predict(offset + x[:-1] + step)
    assert np.allclose(far, near, atol=1e-6)


def test_several_outputs_share_hyperparameters_and_many_inputs_a_length():
    both = GaussianProcess().fit(X, np.column_stack([Y, 100 * Y]))
    values, deviations = both.predict(NEW, return_std=True)
    np.testing.assert_allclose(values[:, 1], 100 * values[:, 0], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(deviations[:, 1], 100 * deviations[:, 0], rtol=1e-6)
    wide = np.random.default_rng(1).normal(size=(30, 60))
    process = GaussianProcess().fit(wide, wide[:, 0])
    assert len(process.theta) == 3 and process.predict(wide).shape == (30,)


def test_hyperparameters_come_from_a_subset_and_all_rows_are_fitted():
    x = np.random.default_rng(2).uniform(-1, 1, (400, 1))
    y = np.sin(4 * x[:, 0])
    process = GaussianProcess(subset=60, starts=1).fit(x, y)
    assert np.abs(process.predict(x) - y).max() < 1e-3
    again = GaussianProcess().refit(x, y, process.theta)
    np.testing.assert_array_equal(again.predict(x), process.predict(x))


def test_a_search_can_be_stopped():
    asked = []
    GaussianProcess(stop=lambda: asked.append(1) or True).fit(X, Y)
    assert len(asked) <= 2


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: GaussianProcess("cubic"), ArgumentError, "kernel='cubic'"),
        (lambda: GaussianProcess(mean="cubic"), ArgumentError, "mean='cubic'"),
        (lambda: GaussianProcess(noise=-1), ArgumentError, "noise=-1"),
        (lambda: GaussianProcess(starts=0), ArgumentError, "starts=0"),
        (lambda: GaussianProcess().predict(X), ArgumentError, "call fit"),
        (lambda: GaussianProcess().fit(X, Y[:3]), ShapeError, r"\(25, 2\)"),
        (lambda: GaussianProcess().fit(X[:0], Y[:0]), ArgumentError, "no rows"),
        (lambda: GaussianProcess().fit(X, np.where(Y > 1, np.nan, Y)), NotFiniteError, "y: row"),
        (lambda: GaussianProcess().fit(X, Y, np.zeros(25)), ArgumentError, "weights"),
        (lambda: GaussianProcess(mean="linear").fit(X[:3], Y[:3]), ArgumentError, "3 coefficients"),
        (lambda: GaussianProcess().fit(X, Y).predict(X[:, :1]), ShapeError, "2 inputs"),
        (lambda: GaussianProcess().refit(X, Y, [0.0]), ShapeError, "theta"),
    ],
)
def test_wrong_arguments_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_search_of_smooth_exact_values_is_as_likely_as_at_known_lengths():
    """Lengths and amplitude grow together along a ridge, on which a search of both ends too early."""
    x = np.random.default_rng(0).random((100, 2))
    a, b = 15 * x[:, 0] - 5, 15 * x[:, 1]
    y = (
        (b - 5.1 / (4 * np.pi**2) * a**2 + 5 / np.pi * a - 6) ** 2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(a) + 10
    )  # Branin
    process = GaussianProcess("rbf", starts=2).fit(x, y)
    other = GaussianProcess("rbf").refit(x, y, [np.log(400.0), np.log(1.1), np.log(10.5), np.log(1e-15)])
    assert process.log_marginal_likelihood() >= other.log_marginal_likelihood() - 2.0


def test_a_search_that_is_told_where_to_begin_ends_at_the_same_place():
    process = GaussianProcess().fit(X, Y)
    again = GaussianProcess(starts=1).fit(X, Y, theta=process.theta)
    assert again.log_marginal_likelihood() == pytest.approx(process.log_marginal_likelihood(), abs=1e-4)
    np.testing.assert_allclose(again.predict(NEW), process.predict(NEW), atol=1e-3)
    with pytest.raises(ShapeError, match="theta"):
        GaussianProcess().fit(X, Y, theta=[0.0])


@pytest.mark.parametrize("noise", [None, 0.1])
def test_effects_are_drawn_from_one_distribution_beside_the_process(noise):
    rng = np.random.default_rng(0)
    site = np.arange(40) % 8
    x = np.column_stack([np.eye(8)[site], rng.uniform(-1, 1, 40)])
    y = np.sin(3 * x[:, 8]) + rng.normal(size=8)[site] + 0.1 * rng.normal(size=40)
    found = GaussianProcess("rbf", noise=noise, effects=range(8)).fit(x, y)
    k = np.exp(found.theta[0] - 0.5 * ((x[:, 8:] - x[:, 8]) / found.length_scale_[8]) ** 2)
    k += np.exp(found.theta[2]) * x[:, :8] @ x[:, :8].T + np.exp(found.theta[3]) * np.eye(40)
    v = (y - y.mean()) / y.std()
    inverse, one = np.linalg.inv(k), np.ones(40)
    beta = one @ inverse @ v / (one @ inverse @ one)
    alpha = inverse @ (v - beta)
    new = np.column_stack([np.eye(8), np.linspace(-1, 1, 8)])
    between = np.exp(found.theta[0] - 0.5 * ((new[:, 8:] - x[:, 8]) / found.length_scale_[8]) ** 2)
    between += np.exp(found.theta[2]) * new[:, :8] @ x[:, :8].T
    np.testing.assert_allclose(found.predict(new), (between @ alpha + beta) * y.std() + y.mean(), rtol=1e-8)
    np.testing.assert_allclose(found.effects_, np.exp(found.theta[2]) * x[:, :8].T @ alpha * y.std(), rtol=1e-8)
    without = new.copy()
    without[:, :8] = 0.0
    np.testing.assert_allclose(found.predict(new), found.predict(without) + found.effects_, rtol=1e-9)
    theta = found.theta + 0.1
    _, gradient = found.log_marginal_likelihood(theta, eval_gradient=True)
    steps = 1e-5 * np.eye(4)
    numbers = [
        (found.log_marginal_likelihood(theta + s) - found.log_marginal_likelihood(theta - s)) / 2e-5 for s in steps
    ]
    np.testing.assert_allclose(gradient, numbers, rtol=1e-4, atol=1e-6)
    with_site = found.predict(np.column_stack([np.eye(8)[:1], x[:1, 8:]]), return_std=True)[1]
    assert with_site < np.sqrt(np.exp(found.theta[2]) + np.exp(found.theta[3])) * y.std()
    with pytest.raises(ArgumentError, match="effects: there is no input 9"):
        GaussianProcess(effects=(9,)).fit(x, y)
