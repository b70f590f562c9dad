"""Inputs that matter, and sums of functions of one input: found where they are, beside scikit-learn and the truth."""

from __future__ import annotations

import numpy as np
import pytest

import surefit
from surefit.attempts.additive import centres
from surefit.attempts.inputs import selected
from surefit.errors import ArgumentError


def table(rows, inputs, truth, noise=0.1, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, inputs))
    return x, truth(x) + noise * rng.normal(size=rows)


def relative(fit, truth, inputs, seed=1):
    x = np.random.default_rng(seed).uniform(-0.99, 0.99, (500, inputs))
    return float(np.sqrt(np.mean((fit.predict(x) - truth(x)) ** 2) / np.var(truth(x))))


def linear(x):
    return 3 * x[:, 0] - 2 * x[:, 5] + x[:, 7]


def test_a_wide_linear_table_gives_its_three_inputs():
    x, y = table(60, 100, linear)
    fit = surefit.fit((x, y))
    weights = np.asarray(fit.derivative(np.zeros((1, 100)))).reshape(-1)
    assert set(np.flatnonzero(np.abs(weights) > 0.05)) == {0, 5, 7}
    assert relative(fit, linear, 100) < 0.05


def test_forward_selection_agrees_with_scikit_learns_matching_pursuit():
    linear_model = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is the oracle")
    x, y = table(80, 30, lambda x: 2 * x[:, 3] - x[:, 11] + 0.5 * x[:, 20], noise=0.2)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    found = selected(x, (y - y.mean())[:, None], None, np.random.default_rng(0))[0]
    model = linear_model.OrthogonalMatchingPursuit(n_nonzero_coefs=len(found.inputs)).fit(x, y)
    assert set(found.inputs) == set(np.flatnonzero(model.coef_))
    assert {3, 11, 20} <= set(found.inputs)


@pytest.mark.slow
def test_inputs_that_only_bend_the_target_are_found():
    truth = lambda x: np.sin(2 * x[:, 2]) + x[:, 9] ** 2 / 2
    x, y = table(300, 60, truth)
    found = selected(x, (y - y.mean())[:, None], None, np.random.default_rng(0))
    best = min(found, key=lambda s: s.score)
    assert best.powers == 3 and {2, 9} <= set(best.inputs)
    assert relative(surefit.fit((x, y)), truth, 60) < 0.25


def test_the_error_of_a_choice_of_inputs_is_not_that_of_the_rows_that_chose():
    """Of 500 inputs that are noise some fit by luck; folds that choose for themselves are not fooled."""
    x, y = table(40, 500, lambda x: np.zeros(len(x)), noise=1.0)
    for found in selected(x, y[:, None], None, np.random.default_rng(0)):
        assert found.score > 0.8 * np.var(y)


def test_rows_with_no_weight_choose_nothing():
    x, y = table(80, 20, lambda x: x[:, 4])
    y[:30] += 50 * x[:30, 9]
    weights = np.r_[np.zeros(30), np.ones(50)]
    found = selected(x, y[:, None], weights, np.random.default_rng(0))[0].inputs
    assert found[0] == 4 and 9 not in found


@pytest.mark.slow
def test_a_sum_of_functions_of_one_input_each_is_found():
    truth = lambda x: np.sin(3 * x).sum(axis=1)
    x = np.random.default_rng(0).uniform(-1, 1, (1000, 12))
    fit = surefit.fit((x, truth(x)))
    assert fit.method["stage"].startswith("sum of functions")
    assert relative(fit, truth, 12) < 1e-3


def test_each_unit_of_an_additive_network_sees_one_input():
    fit = surefit.fit("exp(x) + sin(3*y)", "x=-1:1, y=0:2", method=surefit.Additive(units=10))
    assert fit.layers() == [2, 20, 1]
    assert (np.count_nonzero(fit.network[0].weight.detach().numpy(), axis=1) == 1).all()
    assert fit.error.max < 1e-5
    mixed = surefit.hessian(lambda p: fit.model(p.reshape(1, 2)).sum())(np.array([0.3, 1.1]))
    assert abs(float(mixed.detach().numpy()[0, 1])) < 1e-12  # no interaction


@pytest.mark.slow
def test_it_saves_and_loads_and_gives_intervals(tmp_path):
    x, y = table(80, 40, linear)
    fit = surefit.fit((x, y))
    again = surefit.load(fit.save(tmp_path / "m.safetensors"))
    np.testing.assert_array_equal(again.predict(x[:9] / 4), fit.predict(x[:9] / 4))
    split = surefit.fit((x, y), data=surefit.Sampling(split=(0.7, 0.15, 0.15)))
    band = split.interval(x[:20] / 4, level=0.8, kind="ensemble", members=3)
    assert np.isfinite(band.low).all() and (band.high > band.low).all()


def test_centres_of_few_values_lie_between_them():
    np.testing.assert_allclose(sorted(centres(np.array([0.0, 1.0, 3.0] * 9), 4, False)), [0.5, 0.5, 2, 2])
    assert len(centres(np.ones(5), 3, False)) == 3


@pytest.mark.parametrize("method", [surefit.Additive(), surefit.Polynomial(degree=1)], ids=lambda m: m.name)
def test_gradients_among_the_data_are_refused_not_ignored(method):
    with pytest.raises(ArgumentError, match="fits values alone"):
        surefit.fit("x^2", "x=0:1", data=surefit.Sampling(count=20, derivatives=True), method=method)


def test_what_it_cannot_do_is_said():
    with pytest.raises(ArgumentError, match="sparse=True chooses the inputs of a linear function"):
        surefit.Polynomial(sparse=True)
    with pytest.raises(ArgumentError, match="sparse='yes' must be True or False"):
        surefit.Polynomial(degree=1, sparse="yes")
    with pytest.raises(ArgumentError, match="units=0 must be a whole number >= 1"):
        surefit.Additive(units=0)
    with pytest.raises(ArgumentError, match="makes its own network"):
        surefit.fit("x+y", "x=0:1, y=0:1", method="additive", model=(4,))


def test_a_warning_names_few_of_many_inputs():
    x, y = table(60, 100, linear)
    fit = surefit.fit((x, y), method=surefit.Polynomial(degree=1, sparse=True))
    with pytest.warns(surefit.OutsideWarning, match="x1=.* and 94 other inputs, where this fit was made") as caught:
        fit.predict(100 + x)
    assert len(str(caught[0].message)) < 400


def test_of_a_known_function_inputs_that_do_not_matter_are_left_out():
    box = ", ".join(f"x{i}=2:5" for i in range(1, 9))
    fit = surefit.fit("3*x2 - x7 + 1", box, method=surefit.Polynomial(degree=1, sparse=True))
    assert fit.error.max < 1e-12
    assert fit.method["stage"] == "linear function of 2 of 8 inputs"
