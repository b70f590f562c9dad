"""Boosted trees as an attempt: what is left out was not seen, and the network is a fit like any other."""

import numpy as np
import pytest

from surefit.attempts.boosted import BoostedTrees
from surefit.attempts.progress import Progress
from surefit.core.modes import no_grad
from surefit.core.tensor import Tensor
from surefit.data import Sampling
from surefit.fitting import Fit, load
from surefit.models import inference
from surefit.models.inference import evaluate, rows_at_once
from surefit.models.trees import Trees
from surefit.problems.posing import pose
from surefit.search.judging import Judge
from surefit.search.record import Solved
from surefit.search.runner import State, recorded, run

RNG = np.random.default_rng(0)
X = RNG.random((150, 3))
STEPS = np.where(X[:, 0] > 0.5, X[:, 1], 1 - X[:, 1]) + (X[:, 2] > 0.3)
Y = STEPS + 0.05 * RNG.standard_normal(150)


def attempted(table, method, data=None, **options):
    problem = pose(table, None, data or Sampling(split=(0.9, 0.1, 0.0)), 0)
    state = State(problem, 0, np.dtype("float64"), Judge(problem, 0), Progress(**options))

    def strategy(s):
        yield s.attempt(method, s.hidden(1), s.problem)

    return state, run(state, strategy(state))


def made(table, method, data=None, **options):
    return attempted(table, method, data, **options)[0].candidates[0]


def trees_of(depth=3, trees=4, outputs=2, inputs=3):
    rng = np.random.default_rng(1)
    low = rng.random((outputs, trees, depth))
    asked = rng.integers(0, inputs, low.shape)
    leaves = rng.standard_normal((outputs, trees, 2**depth))
    return asked, low, low + rng.uniform(0.01, 0.3, low.shape), leaves, rng.standard_normal(outputs)


def test_the_network_is_the_sum_over_all_leaves_of_products():
    asked, low, high, leaves, constant = trees_of()
    x = RNG.random((20, 3))
    expected = np.tile(constant, (20, 1))
    for (o, t, place), value in np.ndenumerate(leaves):
        share = np.ones(20)
        for level in range(3):
            rise = np.clip((x[:, asked[o, t, level]] - low[o, t, level]) / (high - low)[o, t, level], 0, 1)
            share *= rise if place >> (2 - level) & 1 else 1 - rise
        expected[:, o] += share * value
    with no_grad():
        found = Trees(asked, low, high, leaves, constant)(Tensor(x)).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.fixture(scope="module")
def fitted():
    state, reason = attempted((X, Y), BoostedTrees(trees=60, depth=4, folds=5))
    how = lambda found: Solved({"method": "auto"}, found.stage, (), dict(found.details))
    return Fit.of(recorded(state, reason, how))


def test_what_is_left_out_was_not_seen():
    changed = Y.copy()
    changed[7] += 50.0
    one, two = (made((X, y), BoostedTrees(trees=20), Sampling(split=(1.0, 0.0, 0.0))) for y in (Y, changed))
    found = [c.problem.train[1][:, 0] + c.left_out[:, 0] * c.scaling.y_scale[0] for c in (one, two)]
    row = int(np.argmax(two.problem.train[1] - one.problem.train[1]))
    assert two.problem.train[1][row, 0] == pytest.approx(one.problem.train[1][row, 0] + 50.0)
    assert found[0][row] == pytest.approx(found[1][row], rel=1e-5)
    assert np.abs(found[0] - found[1]).max() > 0.1  # which others did


def test_the_estimate_is_near_the_error_at_other_rows(fitted):
    rng = np.random.default_rng(3)
    x = 0.01 + 0.98 * rng.random((2000, 3))
    y = np.where(x[:, 0] > 0.5, x[:, 1], 1 - x[:, 1]) + (x[:, 2] > 0.3) + 0.05 * rng.standard_normal(2000)
    inside = ((x >= fitted.domain.low) & (x <= fitted.domain.high)).all(axis=1)
    error = np.sqrt(np.mean((fitted.predict(x[inside]) - y[inside]) ** 2))
    assert fitted.error.rmse == pytest.approx(error, rel=0.3)
    assert fitted.error.folds == 5 and fitted.error.status == "estimated" and fitted.error.n == 150


def test_it_is_a_fit_like_any_other(fitted, tmp_path):
    assert isinstance(fitted.network, Trees) and "boosted trees" in fitted.card()
    x = 0.1 + 0.8 * RNG.random((40, 3))
    again = load(fitted.save(tmp_path / "fit.surefit"))
    np.testing.assert_allclose(again.predict(x), fitted.predict(x), rtol=1e-12)
    np.testing.assert_allclose(again.derivative(x), fitted.derivative(x), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(fitted.to("float32").predict(x), fitted.predict(x), atol=1e-3)
    low, high = fitted.interval(x, 0.9)
    assert (low < fitted.predict(x)).all() and (fitted.predict(x) < high).all()
    assert fitted.doctor() is not None


def test_it_is_exported(fitted, tmp_path):
    fitted.export(tmp_path / "model.py", verify=10)


def test_between_rows_it_is_continuous_and_its_slopes_are_those_of_differences(fitted):
    x = 0.1 + 0.8 * RNG.random((200, 3))
    h = 1e-7
    steps = np.stack([(fitted.predict(x + h * e) - fitted.predict(x - h * e)) / (2 * h) for e in np.eye(3)], axis=1)
    near = np.isclose(fitted.derivative(x), steps, rtol=1e-4, atol=1e-4).all(axis=1)
    assert near.mean() > 0.95  # but for a unit that bends within 2 h
    assert np.abs(fitted.predict(x + 1e-9) - fitted.predict(x)).max() < 1e-4


def test_groups_keep_their_rows_apart():
    data = Sampling(groups=np.arange(150) % 9)
    found = made((X, Y), BoostedTrees(trees=30), data)
    x, y = found.problem.validation
    assert found.left_out is None and len(x)
    miss = evaluate(found.model, x)[:, 0] - y[:, 0]
    assert found.score_in_units == pytest.approx(np.sqrt(np.mean(miss**2)), rel=1e-6)


def test_several_outputs_have_trees_of_their_own():
    both = made((X, np.column_stack([Y, 10 - 5 * Y])), BoostedTrees(trees=30))
    values = evaluate(both.model, X)
    np.testing.assert_allclose(values[:, 1], 10 - 5 * values[:, 0], atol=1e-5)
    assert both.left_out.shape == (150, 2)


def test_rows_of_large_weight_are_met_more_closely():
    weights = np.where(np.arange(150) < 75, 10.0, 0.1)
    found = made(
        (X, np.where(np.arange(150) < 75, 1.0, 2.0)), BoostedTrees(trees=30, depth=2), Sampling(weights=weights)
    )
    values = evaluate(found.model, X)[:, 0]
    assert np.abs(values[:75] - 1).mean() < 0.2 < np.abs(values[75:] - 2).mean()


def test_nothing_is_grown_where_no_input_varies_or_somebody_stops():
    state, _ = attempted((np.ones((40, 2)), Y[:40]), BoostedTrees(), time=None)
    assert not state.candidates

    class Stop:
        def __call__(self, event):
            return type(event).__name__ == "Step" and event.epoch >= 2

    found = made((X, Y), BoostedTrees(trees=500), callbacks=[Stop()])
    assert found.model.network.trees <= 20 and found.reason.code == "callback"


def test_a_large_network_is_evaluated_in_small_blocks_with_the_same_values(fitted, monkeypatch):
    x = 0.1 + 0.8 * RNG.random((200, 3))
    whole = evaluate(fitted.model, x)
    assert rows_at_once(fitted.model) == 1_000_000 // (fitted.network.trees * 16)
    monkeypatch.setattr(inference, "MOST_NUMBERS", 1)
    assert rows_at_once(fitted.model, numbers=1) == inference.FEWEST_ROWS
    monkeypatch.setattr(inference, "rows_at_once", lambda *a: 7)
    np.testing.assert_array_equal(evaluate(fitted.model, x), whole)


def test_one_seed_gives_the_same_trees():
    one, two = (made((X, Y), BoostedTrees(trees=20)) for _ in range(2))
    np.testing.assert_array_equal(evaluate(one.model, X), evaluate(two.model, X))
