"""Boosted trees: a tree that is grown by counting is the oracle, and scikit-learn for what many of them reach."""

from itertools import product

import numpy as np
import pytest

from surefit.solvers.boosting import boost, thresholds

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 3))
Y = np.sin(2 * X[:, :1]) * np.sign(X[:, 1:2]) + 0.1 * RNG.standard_normal((60, 1))
ALL = dict(rows=60, columns=3, bins=100)


def grown(y=Y, counts=None, x=X, seed=0, **options):
    counts = np.ones(y.shape) if counts is None else counts
    return boost(x, y, counts, np.random.default_rng(seed), **({"trees": 3, "depth": 2} | ALL | options))


def values_of(trees, x, model=0):
    """What the trees give at rows, one row and one tree at a time."""
    found = np.full(len(x), trees.start[model])
    for i, row in enumerate(x):
        for inputs, low, high, leaves in zip(trees.inputs, trees.low, trees.high, trees.leaves, strict=True):
            place = 0
            for j, a, b in zip(inputs[model], low[model], high[model], strict=True):
                place = 2 * place + bool(row[j] > (a + b) / 2)
            found[i] += leaves[model, place]
    return found


def by_counting(x, rest, weights, depth, ridge):
    """The leaves of the rows (n,) of an oblivious tree, of which each level is the best of all thresholds."""
    leaf = np.zeros(len(x), int)
    for _ in range(depth):
        tried = []
        for j in range(x.shape[1]):
            for cut in np.unique(x[:, j])[1:]:
                side = 2 * leaf + (x[:, j] >= cut)
                parts = [side == s for s in np.unique(side)]
                gain = sum((weights[p] @ rest[p]) ** 2 / (weights[p].sum() + ridge) for p in parts)
                tried.append((gain, j, cut))
        _, j, cut = max(tried)
        leaf = 2 * leaf + (x[:, j] >= cut)
    return leaf


@pytest.mark.parametrize(("ridge", "weighted"), [*product((0.0, 1.0), (False, True))])
def test_a_tree_is_the_best_of_all_that_can_be_counted(ridge, weighted):
    weights = RNG.uniform(0.2, 2.0, 60) if weighted else np.ones(60)
    trees = grown(counts=weights[:, None], trees=2, rate=0.5, depth=3, ridge=ridge)
    values = np.full(60, weights @ Y[:, 0] / weights.sum())
    for _ in range(2):
        rest = Y[:, 0] - values
        leaf = by_counting(X, rest, weights, 3, ridge)
        for place in np.unique(leaf):
            inside = leaf == place
            values[inside] += 0.5 * (weights @ (rest * inside)) / (weights[inside].sum() + ridge)
    np.testing.assert_allclose(values_of(trees, X), values, rtol=1e-10)


def test_what_a_row_without_a_count_is_worth_changes_nothing():
    counts = np.ones((60, 2))
    counts[:20, 0] = 0.0
    other = np.tile(Y, (1, 2))
    other[:20, 0] += 100 * RNG.standard_normal(20)
    one, two = (grown(y, counts, rows=40, columns=2, trees=20) for y in (np.tile(Y, (1, 2)), other))
    np.testing.assert_array_equal(one.leaves, two.leaves)
    np.testing.assert_array_equal(one.low, two.low)
    assert not np.array_equal(one.leaves[:, 0], one.leaves[:, 1])


def test_models_side_by_side_are_each_as_alone():
    y = np.column_stack([Y[:, 0], X[:, 2] ** 2, 3 * Y[:, 0] + 1])
    together = grown(y, trees=5)
    for i in range(3):
        alone = grown(y[:, i : i + 1], trees=5)
        np.testing.assert_allclose(values_of(together, X, i), values_of(alone, X), rtol=1e-12)
    np.testing.assert_allclose(values_of(together, X, 2), 3 * values_of(together, X) + 1, rtol=1e-5, atol=1e-5)


def test_what_is_told_after_each_tree_is_what_the_trees_give():
    told = {}
    trees = grown(trees=9, after=lambda number, values: told.update({number: values.copy()}) or number == 4)
    assert sorted(told) == [1, 2, 3, 4] and len(trees.leaves) == 4
    np.testing.assert_allclose(told[4][:, 0], values_of(trees, X), rtol=1e-12)


def test_inputs_that_do_not_vary_are_not_asked():
    x = np.column_stack([np.ones(60), X[:, 0], np.zeros(60)])
    assert set(grown(x=x).inputs.ravel().tolist()) == {1}
    assert grown(x=np.ones((60, 2))) is None


def test_a_threshold_is_between_neighbours_and_few_of_many_are_at_quantiles():
    column = RNG.standard_normal(1000)
    low, high = thresholds(column, 9)
    assert len(low) == 9 and np.isin(low, column).all() and (np.diff(low) > 0).all()
    for share, a, b in zip(np.arange(1, 10) / 10, low, high, strict=True):
        assert not ((column > a) & (column < b)).any()
        assert np.mean(column <= a) == pytest.approx(share, abs=0.01)
    skewed = np.r_[np.zeros(900), np.arange(1.0, 101.0)]
    assert thresholds(skewed, 9)[0].tolist()[0] == 0.0
    assert len(thresholds(np.ones(5), 9)[0]) == 0


def test_they_come_as_near_to_a_step_as_boosting_of_scikit_learn():
    ensemble = pytest.importorskip("sklearn.ensemble", reason="scikit-learn is not installed")
    x = RNG.random((200, 4))
    truth = lambda x: np.where(x[:, 0] > 0.5, x[:, 1], 1 - x[:, 1]) + (x[:, 2] > 0.3)
    y = truth(x) + 0.05 * RNG.standard_normal(200)
    at = RNG.random((300, 4))
    peer = ensemble.GradientBoostingRegressor(n_estimators=60, max_depth=4, random_state=0).fit(x, y)
    trees = grown(y[:, None], x=x, trees=60, depth=4, rows=200, columns=4)
    error = lambda found: np.sqrt(np.mean((found - truth(at)) ** 2))
    assert error(values_of(trees, at)) < 1.15 * error(peer.predict(at))
