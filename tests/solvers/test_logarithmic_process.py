"""Gaussian processes of logarithms: SciPy's lognormal distribution and numerical integration are the oracles."""

import numpy as np
import pytest
import scipy.stats

from surefit.errors import ArgumentError
from surefit.solvers.gaussian_process import GaussianProcess
from surefit.solvers.logarithmic_process import MOST_SQUARE, LogarithmicProcess

RNG = np.random.default_rng(3)
X, NEW = RNG.random((25, 2)), RNG.random((40, 2))
Y = 1e5 * np.exp(4 * X[:, :1] - np.sin(3 * X[:, 1:]) + 0.05 * RNG.normal(size=(25, 1)))


@pytest.fixture(scope="module")
def pair():
    """A process of logarithms, and the process that it is of."""
    process = LogarithmicProcess(GaussianProcess("rbf")).fit(X, Y)
    return process, GaussianProcess("rbf").fit(X, np.log(Y))


def test_values_are_lognormal(pair):
    process, inner = pair
    told, spread = process.predict(NEW, return_std=True)
    mean, s = inner.predict(NEW, return_std=True)
    noise = inner.noise_
    assert noise > 0.01
    assert np.allclose(told, scipy.stats.lognorm.mean(noise, scale=np.exp(mean)))
    assert np.array_equal(told, process.predict(NEW))
    within = s**2 < MOST_SQUARE
    share = scipy.stats.lognorm.std(s, scale=1.0) / scipy.stats.lognorm.mean(s, scale=1.0)
    assert within.sum() > 20 and np.allclose((spread / told)[within], share[within])


def test_rows_left_out_are_told_in_the_units_of_the_values(pair):
    process, inner = pair
    (mean, deviation), (logarithm, s) = process.leave_one_out(), inner.leave_one_out()
    assert np.allclose(np.log(mean), logarithm + inner.noise_**2 / 2)
    assert np.allclose(deviation / mean, np.sqrt(np.exp(s**2) - 1))
    assert np.abs(mean / Y - 1).max() < 0.5


def test_the_density_of_values_is_that_of_logarithms_by_the_change_of_variables():
    # One row and a known zero mean: log y is normal, y is lognormal.
    for y in (0.2, 3.0, 1e6):
        plain = GaussianProcess(mean="zero", noise=0).fit([[0.0]], [[np.log(y)]])
        process = LogarithmicProcess(GaussianProcess(mean="zero", noise=0)).fit([[0.0]], [[y]])
        variance = np.exp(plain.theta[0]) + np.exp(plain.theta[-1])
        scale = np.sqrt(variance) * abs(np.log(y))  # in whose units the logarithm of the only row is 1 or -1
        assert process.log_density() == pytest.approx(scipy.stats.lognorm.logpdf(y, scale), rel=1e-6)


def test_densities_of_both_are_in_the_same_units():
    # In other units all densities change by the same factor, so that which is larger does not.
    for process in (GaussianProcess("rbf"), LogarithmicProcess(GaussianProcess("rbf"))):
        one, other = process.fit(X, Y).log_density(), process.fit(X, 1e-7 * Y).log_density()
        assert other - one == pytest.approx(len(Y) * np.log(1e7), rel=1e-6)


def test_the_noise_is_a_share_of_the_value(pair):
    process, inner = pair
    size = np.sqrt(np.mean(Y**2))
    assert process.noise_ == pytest.approx(size * np.sqrt(np.exp(inner.noise_**2) - 1))
    huge = LogarithmicProcess(GaussianProcess("rbf")).fit(X, 1e200 * Y)
    assert np.isfinite(huge.noise_).all()


def test_what_has_no_logarithm_is_refused():
    with pytest.raises(ArgumentError, match=r"y: -1 has no logarithm; values must be positive"):
        LogarithmicProcess(GaussianProcess()).fit(X, Y - Y.min() - 1.0)
    with pytest.raises(ArgumentError, match=r"noise=0\.5 is of values"):
        LogarithmicProcess(GaussianProcess(noise=0.5))
    with pytest.raises(ArgumentError, match="effects would multiply"):
        LogarithmicProcess(GaussianProcess(effects=(0,)))
