"""Rows that are far off count less, rows of known noise as they should; the truth and weighted least squares tell."""

import numpy as np
import pandas as pd
import pytest

import surefit
from surefit.data import Sampling
from surefit.errors import ArgumentError, DataError
from surefit.problems.posing import pose
from surefit.problems.scaling import Scaling
from surefit.search.robust import robust

RNG = np.random.default_rng(0)
X = RNG.random((100, 2))
TRUTH = X[:, 0] - 2 * X[:, 1]
Y = TRUTH + 0.05 * RNG.standard_normal(100)
WRONG = [3, 30, 60, 70, 90]
SLIPPED = Y.copy()
SLIPPED[WRONG] = SLIPPED[WRONG] * 10 + 4
LINE = surefit.Polynomial(degree=1, ridge=0.0)
ALL = Sampling(split=(1, 0, 0))


def off(fit):
    return np.sqrt(np.mean((fit.predict(X) - TRUTH) ** 2))


@pytest.mark.parametrize("method", [LINE, surefit.Features(draws=1), surefit.VarPro(iterations=5)])
def test_huber_keeps_slipped_points_from_deciding(method):
    options = dict(method=method, model=None if method is LINE else (10,), data=ALL)
    plain, held = (off(surefit.fit((X, SLIPPED), loss=loss, **options)) for loss in ("mse", "huber"))
    assert held < 0.1 < plain


def test_the_line_is_that_of_scikit_learn():
    linear = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is not installed")
    theirs = linear.HuberRegressor(epsilon=1.345, alpha=0.0).fit(X, SLIPPED).predict(X)
    ours = surefit.fit((X, SLIPPED), loss="huber", method=LINE, data=ALL).predict(X)
    np.testing.assert_allclose(ours, theirs, atol=0.02)


def test_it_is_the_default_where_a_few_rows_are_mistakes_and_nowhere_else():
    found, word = robust(pose((X, SLIPPED), None, ALL, 0), 0, False)
    assert word.values == {"rows": 100, "far": 5}
    rows = found.row_numbers["train"]
    assert set(rows[found.weights < 0.25]) == set(WRONG)
    peak = np.exp(-60 * ((X - 0.5) ** 2).sum(axis=1))
    for y in (Y, TRUTH, peak, np.tanh(50 * (X[:, 0] - 0.4)), np.exp(8 * X[:, 0]), RNG.standard_t(4, 100)):
        assert robust(pose((X, y), None, ALL, 0), 0, False)[1] is None
    assert robust(pose((X, SLIPPED), None, Sampling(noise=0, split=(1, 0, 0)), 0), 0, False)[1] is None


@pytest.mark.filterwarnings("ignore:points outside")
@pytest.mark.parametrize(("rows", "inputs"), [(40, 1), (80, 1), (100, 2)])
def test_a_single_mistake_between_other_rows_counts_less_by_itself(rows, inputs):
    rng = np.random.default_rng(rows)
    x, points = rng.uniform(-2, 2, (rows, inputs)), rng.uniform(-1.7, 1.7, (1000, inputs))
    truth, there = (np.sin(2 * p).sum(axis=1) for p in (x, points))
    y = truth + 0.1 * rng.normal(size=rows)
    y[np.argmin(np.abs(x).sum(axis=1))] += 10.0
    fit = surefit.fit((x, y))
    assert np.sqrt(np.mean((fit.predict(points) - there) ** 2)) < 0.12
    assert any(text.startswith(f"1 of {rows} rows is over 25") for text in map(str, fit.warnings))


def test_a_single_row_at_an_end_that_rises_is_no_mistake():
    x = np.linspace(-1, 1, 60)[:, None]
    for y in (np.tan(1.55 * x[:, 0]), 1 / (1.02 - x[:, 0]) - 3, np.where(x[:, 0] == 1, 50.0, x[:, 0])):
        assert robust(pose((x, y + 0.01 * RNG.normal(size=60)), None, ALL, 0), 0, False)[1] is None


def test_weights_that_were_given_still_count():
    weights = np.linspace(1, 2, 100)
    found, _ = robust(pose((X, SLIPPED), None, Sampling(weights=weights, split=(0.8, 0.2, 0)), 0), 0, True)
    own = weights[found.row_numbers["train"]]
    assert (found.weights <= own).all() and np.median(found.weights / own) == 1.0
    assert (found.validation_weights <= weights[found.row_numbers["validation"]]).all()


def test_descent_gets_the_loss_itself():
    fit = surefit.fit((X, SLIPPED), loss="huber", method=surefit.Adam(epochs=2), model=(4,))
    assert fit.method["loss"] == "huber"
    own = surefit.Adam(epochs=2, loss="l1")
    assert surefit.fit((X, SLIPPED), loss="huber", method=own, model=(4,)).method["loss"] == "l1"


def test_known_noise_is_weighted_least_squares():
    sigma = np.where(np.arange(100) % 2, 0.01, 1.0)
    y = TRUTH + sigma * RNG.standard_normal(100)
    a = np.column_stack([np.ones(100), X]) / sigma[:, None]
    expected = np.column_stack([np.ones(100), X]) @ np.linalg.lstsq(a, y / sigma)[0]
    frame = pd.DataFrame({"a": X[:, 0], "sigma": sigma, "b": X[:, 1], "y": y})
    for source, noise in (((X, y), sigma), ((X, y), list(sigma)), (frame, "sigma")):
        fit = surefit.fit(source, method=LINE, data=Sampling(noise=noise, split=(1, 0, 0)))
        np.testing.assert_allclose(fit.predict(X), expected, atol=1e-9)
    assert fit.names == ("a", "b") and "each with its own noise" in fit.card()
    taught = surefit.fit((X, y), data=Sampling(noise=sigma))
    if taught.taught is not None:
        assert taught.taught.teacher.noise == pytest.approx(1 / np.sqrt(np.mean(1 / sigma**2)))


def test_mistakes_are_named():
    frame = pd.DataFrame({"a": X[:, 0], "sigma": np.zeros(100), "y": Y})
    for noise, error, words in (
        ("sigma", DataError, "'sigma' is 0 in row 0"),
        ("sgima", DataError, "noise: the table has no column 'sgima'"),
        ("y", DataError, "noise: 'y' is the last column"),
        (np.ones(7), ArgumentError, "noise: expected one standard deviation for each row"),
    ):
        with pytest.raises(error, match=words):
            surefit.fit(frame, data=Sampling(noise=noise))
    with pytest.raises(ArgumentError, match="above 0 for each row"):
        Sampling(noise=[1.0, 0.0])
    with pytest.raises(ArgumentError, match="leave weights out"):
        Sampling(noise=[1.0, 1.0], weights=[1.0, 1.0])
    with pytest.raises(ArgumentError, match="cannot read 'loud'"):
        surefit.fit("x", "x=0:1", data=Sampling(noise="loud"))
    with pytest.raises(ArgumentError, match="loss='hubber' must be"):
        surefit.fit((X, Y), loss="hubber")
    with pytest.raises(ArgumentError, match="loss: is for the rows of a table"):
        surefit.fit("x", "x=0:1", loss="huber")


def test_of_very_many_rows_all_that_are_mistakes_are_found():
    x = np.random.default_rng(3).random((20_000, 2))
    y = np.sin(3 * x[:, 0]) * x[:, 1] + 0.02 * np.random.default_rng(4).standard_normal(len(x))
    wrong = np.arange(7, len(x), 400)
    y[wrong] = 100 * y[wrong] + 30
    found, word = robust(pose((x, y), None, Sampling(), 0), 0, False)
    rows = found.row_numbers["train"]
    assert word is not None
    assert set(rows[found.weights < 0.1]) == set(wrong) & set(rows)
    held = found.row_numbers["validation"]
    assert set(held[found.validation_weights < 0.1]) == set(wrong) & set(held)


def test_of_very_many_rows_the_few_that_are_mistakes_spoil_nothing():
    rng = np.random.default_rng(5)
    x = rng.uniform(-1, 1, (60_000, 3))
    truth = np.sin(3 * x[:, 0]) * x[:, 1] + x[:, 2]
    y = truth + 0.05 * rng.standard_normal(len(x))
    wrong = rng.choice(len(x), 5, replace=False)
    y[wrong] *= 1e6
    found, word = robust(pose((x, y), None, Sampling(split=(1, 0, 0)), 0), 0, False)
    rows = found.row_numbers["train"]
    assert word is not None and word.values["far"] == 5
    assert set(rows[found.weights < 1e-3]) == set(wrong)
    assert Scaling.of(found).y_scale < 5 * truth.std()  # and not 10 000 times that


@pytest.mark.parametrize("loss, told", [("huber", "huber"), ("mse", "mse"), (None, "mse")])
def test_the_loss_that_was_asked_for_is_told(loss, told, tmp_path):
    """Every solver told mse, whatever weights rows that are far off had been given."""
    x = np.linspace(-1, 1, 40)
    y = 2 * x + 0.05 * np.random.default_rng(0).normal(size=40)
    fit = surefit.fit((x, y), loss=loss, method="polynomial")
    again = surefit.load(fit.save(tmp_path / "m.surefit"))
    assert fit.to_dict()["method"]["loss"] == fit.method["loss"] == again.method["loss"] == told


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_the_largest_values_of_a_power_law_are_no_mistakes(noise):
    rng = np.random.default_rng(1)

    def law(x):
        return 100 * x[:, 0] ** 2.5 * x[:, 1] ** -3 * x[:, 2] ** 0.5

    for _ in range(3):
        x, new = rng.uniform(0.5, 3, (40, 3)), rng.uniform(0.5, 3, (2000, 3))
        y = law(x) * np.exp(noise * rng.normal(size=40))
        fit = surefit.fit((x, y), [(0.5, 3)] * 3)
        assert not any("deviations off" in note for note in map(str, fit.problem.notes))
        assert np.sqrt(np.mean((fit.predict(new) - law(new)) ** 2)) < 0.5 * law(new).std()
    y[[3, 17]] = 100 * y[[3, 17]] + 50 * y.max()  # these are
    assert "2 of 40 rows are over 10 deviations off" in str(surefit.fit((x, y)))
