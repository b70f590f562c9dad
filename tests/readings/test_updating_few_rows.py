"""New rows for a network with more weights than rows: it must not go through all of them, noise included."""

import numpy as np
import pytest

import surefit

RNG = np.random.default_rng(1)
X = RNG.uniform(-2, 2, (60, 2))
NEW = RNG.uniform(-1.7, 1.7, (1000, 2))


def truth(x):
    return np.sin(2 * x[:, 0]) + 0.5 * x[:, 1]


Y = truth(X) + 0.5 * RNG.normal(size=60)


def off(fit):
    return float(np.sqrt(np.mean((fit.predict(NEW) - truth(NEW)) ** 2)))


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.1, 0.5])
def test_what_was_chosen_for_few_rows_is_chosen_again(noise, tmp_path):
    """Trained on it had gone through the rows: three times as far off as before, and 1e-14 of error on its card."""
    y = truth(X) + noise / 0.5 * (Y - truth(X))
    first = surefit.fit((X[:40], y[:40]))
    first.save(tmp_path / "first.surefit")
    fresh = off(surefit.fit((X, y)))
    for fit in (first, surefit.load(tmp_path / "first.surefit")):
        again = fit.update(X[40:50], y[40:50]).update(X[50:], y[50:])
        assert again.problem.sizes()["train"] == 60 and again.error.kind == "estimated"
        assert off(again) < 1.2 * fresh < off(first) * 1.2
        assert again.error.rmse == pytest.approx(np.hypot(noise, off(again)), rel=0.3)
        low, high = again.interval(NEW)
        assert np.mean((low < truth(NEW)) & (truth(NEW) < high)) > 0.8


def test_a_model_of_ones_own_goes_on():
    first = surefit.fit((X[:40], Y[:40]), model=(3,))
    again = first.update(X[40:], Y[40:])
    assert again.layers() == [2, 3, 1] and again.method["method"] == "update"


@pytest.mark.slow
@pytest.mark.parametrize("method, units", [("features", 70), ("varpro", 30)])
def test_one_hidden_layer_of_more_weights_than_rows_is_judged_by_rows_left_out(method, units):
    first = surefit.fit((X[:40], Y[:40]), method=method, model=(units,), data=surefit.Sampling(split=(1, 0, 0)))
    again = first.update(X[40:], Y[40:])
    assert again.error.kind == "estimated" and again.error.rmse > 0.3
    assert again.left_out is not None


@pytest.mark.slow
def test_rows_that_are_known_tell_nothing_new():
    """Given once more they had been left out and known from their copies: an error of nothing."""
    fit = surefit.fit((X[:40], truth(X[:40])))
    same = fit.update(X[:40], truth(X[:40]))
    assert same.problem.sizes()["train"] == 40 and "40 of 40 new rows are copies of others" in same.card()
    assert same.error.rmse == pytest.approx(fit.error.rmse, rel=0.3)
    again = fit.update(np.vstack([X[:40], X[40:]]), truth(X))
    assert again.problem.sizes()["train"] == 60
    noisy = surefit.fit((X[:40], Y[:40]), method="polynomial", data=surefit.Sampling(split=(1, 0, 0)))
    assert noisy.update(X[:40], Y[:40] + 0.1).problem.sizes()["train"] == 80  # measured again
