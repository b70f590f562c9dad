"""Variable projection: against SciPy's solver of the whole problem, differences, and exact answers."""

from __future__ import annotations

import numpy as np
import pytest

from surefit.errors import ArgumentError, DtypeError, ShapeError
from surefit.solvers import varpro

T = np.linspace(0.0, 4.0, 50)


def features(theta):
    """Two decays and a constant, (50, 3)."""
    return np.stack([np.exp(-theta[0] * T), np.exp(-theta[1] * T), np.ones_like(T)], axis=1)


def jacobian(theta, c):
    slopes = -T[:, None] * np.exp(-theta * T[:, None])  # (50, 2)
    return slopes[:, None, :] * c[:2].T  # (50, k, 2)


def decays(theta, c):
    return features(np.asarray(theta)) @ np.asarray(c)


EXACT = decays([0.7, 3.0], [[2.0], [-1.0], [0.5]])
NOISY = EXACT + 0.02 * np.random.default_rng(0).standard_normal(EXACT.shape)


def test_exact_data_give_back_the_decays():
    found = varpro(features, jacobian, np.array([1.0, 2.0]), EXACT)
    np.testing.assert_allclose(sorted(found.x), [0.7, 3.0], rtol=1e-9)
    np.testing.assert_allclose(found.output[:, 0], [2.0, -1.0, 0.5], rtol=1e-9)
    assert found.score < 1e-12
    assert found.converged


@pytest.mark.parametrize("weights", [None, np.linspace(0.2, 2.0, 50)])
def test_noisy_data_give_the_minimum_of_the_whole_problem(weights):
    from scipy.optimize import least_squares

    share = np.ones(50) if weights is None else weights / weights.mean()

    def residuals(p):
        return np.sqrt(share) * (decays(p[:2], p[2:, None]) - NOISY)[:, 0]

    whole = least_squares(residuals, [0.7, 3.0, 2.0, -1.0, 0.5], method="lm", xtol=1e-15, ftol=1e-15, gtol=1e-15)
    found = varpro(features, jacobian, np.array([1.0, 2.0]), NOISY, weights=weights, ftol=1e-14)
    assert found.cost == pytest.approx(whole.cost, rel=1e-10)
    np.testing.assert_allclose(sorted(found.x), sorted(whole.x[:2]), rtol=1e-4)


def test_the_slope_is_that_of_the_projected_cost():
    def cost(theta):
        phi = features(theta)
        r = phi @ np.linalg.lstsq(phi, NOISY, rcond=None)[0] - NOISY
        return 0.5 * float((r**2).sum())

    start, h = np.array([1.0, 2.0]), 1e-6
    c = np.linalg.lstsq(features(start), NOISY, rcond=None)[0]
    u = np.linalg.qr(features(start))[0]
    j = jacobian(start, c)[:, 0]
    norms = np.linalg.norm(j - u @ (u.T @ j), axis=0)
    slopes = [(cost(start + e) - cost(start - e)) / (2 * h) for e in np.eye(2) * h]
    seen = varpro(features, jacobian, start, NOISY, max_iterations=1)
    assert seen.history[1].gradient == pytest.approx(np.abs(slopes / norms).max(), rel=1e-5)


def test_several_outputs_share_the_decays():
    both = np.hstack([EXACT, decays([0.7, 3.0], [[-1.0], [4.0], [0.0]])])
    found = varpro(features, jacobian, np.array([1.0, 2.0]), both)
    np.testing.assert_allclose(sorted(found.x), [0.7, 3.0], rtol=1e-9)
    np.testing.assert_allclose(found.output, [[2.0, -1.0], [-1.0, 4.0], [0.5, 0.0]], atol=1e-8)


def test_a_ridge_makes_the_linear_part_small_but_not_its_constant():
    plain, ridged = (
        varpro(features, jacobian, np.array([1.0, 1.1]), NOISY + 100.0, ridge=p, max_iterations=5) for p in (0.0, 1.0)
    )
    assert np.abs(ridged.output[:2]).max() < np.abs(plain.output[:2]).max()
    assert ridged.output[2, 0] > 98
    assert varpro(features, jacobian, np.array([1.0, 1.1]), NOISY + 100.0, ridge=1.0, constant=False).output[2] < 60


def test_validation_ends_the_search_where_it_was_best():
    seen = []

    def validate(theta, c):
        seen.append((abs(theta.max() - 2.2), theta))  # best on the way, not at the end
        return seen[-1][0]

    found = varpro(features, jacobian, np.array([1.0, 2.0]), EXACT, validate=validate, max_fail=2, ftol=0.0)
    assert found.validation == min(v for v, _ in seen)
    np.testing.assert_array_equal(found.x, min(seen, key=lambda s: s[0])[1])
    assert found.status in ("validation", "goal", "precision", "zero", "gradient")
    stopped = varpro(features, jacobian, np.array([1.0, 2.0]), EXACT, validate=lambda *_: len(seen), max_fail=2)
    assert stopped.status == "validation"
    assert stopped.iterations == 2


def test_it_stops_when_told():
    start = np.array([1.0, 2.0])
    assert varpro(features, jacobian, start, EXACT, max_iterations=1).status == "max_iterations"
    assert varpro(features, jacobian, start, EXACT, time=1e-9).status == "time"
    assert varpro(features, jacobian, start, EXACT, max_evaluations=2).status == "max_evaluations"
    assert varpro(features, jacobian, start, EXACT, callback=lambda _, now: now.number == 2).iterations == 2
    reached = varpro(features, jacobian, start, EXACT, goal=1e-3)
    assert reached.status == "goal"
    assert 1e-12 < reached.score <= 1e-3


def test_a_jacobian_that_is_not_finite_is_named():
    found = varpro(features, lambda t, c: jacobian(t, c) * np.nan, np.array([1.0, 2.0]), EXACT)
    assert (found.status, found.iterations) == ("not_finite", 0)
    assert found.reason.startswith("The Jacobian is not finite")


def test_the_printed_rank_is_out_of_the_features():
    found = varpro(features, jacobian, np.array([1.0, 2.0]), EXACT)
    assert found.rank == features(found.x).shape[1]
    assert "rank" not in str(found)


def test_a_step_into_infinity_is_taken_back():
    def fragile(theta):
        return features(theta) if (theta < 3.5).all() else np.full((50, 3), np.nan)

    found = varpro(fragile, jacobian, np.array([1.0, 2.0]), EXACT)
    np.testing.assert_allclose(sorted(found.x), [0.7, 3.0], rtol=1e-8)


def test_equal_decays_and_more_unknowns_than_samples():
    rows = slice(0, 2)
    few = varpro(lambda t: features(t)[rows], lambda t, c: jacobian(t, c)[rows], np.array([1.0, 1.0]), EXACT[rows])
    assert few.rank == 2
    assert few.score < 1e-12
    flat = varpro(features, jacobian, np.array([1.0, 1.0]), np.full((50, 1), 2.0))
    np.testing.assert_allclose(features(flat.x) @ flat.output, 2.0, atol=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: varpro(features, jacobian, np.zeros((2, 1)), EXACT), ShapeError, "theta"),
        (lambda: varpro(features, jacobian, np.ones(2), EXACT[:3]), ShapeError, "features of shape"),
        (lambda: varpro(features, lambda t, c: jacobian(t, c)[0], np.ones(2), EXACT), ShapeError, "jacobian of shape"),
        (lambda: varpro(features, jacobian, np.array([np.nan, 1.0]), EXACT), ArgumentError, "not finite at the start"),
        (lambda: varpro(features, jacobian, np.ones(2), EXACT, max_fail=0), ArgumentError, "max_fail"),
        (lambda: varpro(features, jacobian, np.ones(2), EXACT, max_fail="6"), ArgumentError, "max_fail='6'"),
        (lambda: varpro(features, jacobian, "ab", EXACT), DtypeError, "must be real numbers"),
        (lambda: varpro(features, jacobian, np.ones(2), EXACT + 1j), DtypeError, "must be real numbers"),
        (lambda: varpro(features, jacobian, np.ones(2), EXACT * [[np.nan]]), ArgumentError, r"y\[0, 0\] is not finite"),
        (lambda: varpro(3, jacobian, np.ones(2), EXACT), ArgumentError, "features=3 must be a function"),
        (lambda: varpro(features, jacobian, np.ones(2), EXACT, ridge=-1.0), ArgumentError, "ridge=-1.0"),
        (lambda: varpro(features, jacobian, np.ones(2), EXACT, rcond=2.0), ArgumentError, "rcond=2.0 .* < 1"),
    ],
)
def test_wrong_arguments_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize("mu", [1e-2, 1e-6, 1.01e-8, 1e-9, 1e-14])
def test_damped_steps_solve_the_stacked_system_on_either_side_of_the_normal_equations(mu):
    from surefit.solvers.variable_projection import _Steps

    rng = np.random.default_rng(3)
    j = rng.standard_normal((40, 6)) * [1, 1e-3, 1e3, 1, 1, 1]
    j[:, 5] = j[:, 4] + 1e-5 * rng.standard_normal(40)  # nearly the same column
    r, norms = rng.standard_normal(40), np.linalg.norm(j, axis=0)
    stacked = np.concatenate([j / norms, np.sqrt(mu) * np.eye(6)])
    expected = np.linalg.lstsq(stacked, np.concatenate([r, np.zeros(6)]), rcond=None)[0] / norms
    np.testing.assert_allclose(_Steps(j, r, np.zeros(j.shape[1]))(mu), expected, rtol=1e-4)


@pytest.mark.parametrize("share", [1.0, 1e-3, 1e-9])
def test_a_column_that_the_features_nearly_explain_is_projected_as_exactly(share):
    from surefit.solvers.variable_projection import _Separable

    rng = np.random.default_rng(4)
    y, phi = rng.standard_normal((30, 1)), rng.standard_normal((30, 4))
    apart = rng.standard_normal((30, 1))
    apart -= phi @ np.linalg.lstsq(phi, apart, rcond=None)[0]
    j = np.concatenate([rng.standard_normal((30, 1)), phi @ rng.standard_normal((4, 1)) + share * apart], axis=1)
    problem = _Separable(lambda theta: phi, y, None, 1e-14, 0.0, False, 0.0)
    found = problem.project(problem.at(np.zeros(2)), j[:, None, :])
    np.testing.assert_allclose(found[:, 1], share * apart[:, 0], atol=1e-14 + 1e-6 * share)
    rest = j[:, 0] - phi @ np.linalg.lstsq(phi, j[:, 0], rcond=None)[0]
    np.testing.assert_allclose(found[:, 0], rest, atol=1e-13)


@pytest.mark.parametrize("seed", range(8))
def test_no_unit_becomes_a_jump_between_two_rows(seed):
    """Where inputs are 0 or 1 a unit may saturate at all rows; the step of a column of next to nothing had no end."""
    rng = np.random.default_rng(seed)
    x = np.concatenate([rng.integers(0, 2, (200, 3)), rng.uniform(-1, 1, (200, 1)), np.ones((200, 1))], axis=1)
    y = (np.sin(3 * x[:, 3]) * (1 + x[:, 0]) + x[:, 1] * x[:, 2] + 0.05 * rng.normal(size=200))[:, None]
    h, d = 8, 5

    def units(theta):
        return np.concatenate([np.tanh(x @ theta.reshape(h, d).T), np.ones((200, 1))], axis=1)

    def tangents(theta, c):
        slopes = 1.0 - np.tanh(x @ theta.reshape(h, d).T) ** 2
        return (slopes[:, :, None] * c[:h, 0, None] * x[:, None, :]).reshape(200, 1, h * d)

    found = varpro(units, tangents, 2 * rng.normal(size=h * d), y, max_iterations=30, ftol=1e-12)
    assert np.abs(found.x).max() < 1e5


@pytest.mark.parametrize("condition", [1.0, 1e6, 1e12])
@pytest.mark.parametrize("mu", [1e-12, 1e-6, 1e-2])
def test_damped_steps_of_few_rows_solve_the_stacked_system(mu, condition):
    from surefit.solvers.variable_projection import _Steps

    rng = np.random.default_rng(0)
    u, _, v = np.linalg.svd(rng.normal(size=(20, 90)), full_matrices=False)
    j = (u * np.logspace(0, -np.log10(condition), 20)) @ v
    j /= np.linalg.norm(j, axis=0)
    r = rng.normal(size=20)
    stacked, right = np.concatenate([j, np.sqrt(mu) * np.eye(90)]), np.r_[r, np.zeros(90)]
    expected = np.linalg.lstsq(stacked, right, rcond=None)[0]
    np.testing.assert_allclose(_Steps(j, r, np.zeros(90))(mu), expected, rtol=1e-4, atol=1e-6 * np.abs(expected).max())


def test_a_step_of_few_rows_decomposes_nothing_as_large_as_the_weights_squared(monkeypatch):
    """Of 400 rows and 4400 weights one decomposition of a stacked system took seconds, and no time limit held."""
    from surefit.solvers import variable_projection

    sizes, plain = [], variable_projection._upper
    monkeypatch.setattr(variable_projection, "_upper", lambda a: sizes.append(a.shape) or plain(a))
    rng = np.random.default_rng(0)
    steps = variable_projection._Steps(rng.normal(size=(20, 300)), rng.normal(size=20), np.zeros(300))
    steps(1e-3)
    assert max(min(shape) for shape in sizes) <= 20
