"""Cross-validation for the card: scikit-learn's predictions of rows left out are the oracle."""

import numpy as np
import pytest

import surefit
from surefit.data import Sampling
from surefit.errors import ArgumentError
from surefit.fitting import Estimated, Measured, load
from surefit.problems.posing import pose
from surefit.problems.rows import replicated
from surefit.search.folds import folds_of, without

RNG = np.random.default_rng(1)
X = RNG.random((60, 2))
GROUP = RNG.integers(0, 6, 60)
Y = X @ [2.0, -1.0] + 0.3 * RNG.standard_normal(6)[GROUP] + 0.1 * RNG.standard_normal(60)
LINE = surefit.Polynomial(degree=1, ridge=0.0)
ALL = (1, 0, 0)


def predicted(place):
    """What least squares of the other folds says of each row."""
    select = pytest.importorskip("sklearn.model_selection", reason="scikit-learn is not installed")
    from sklearn.linear_model import LinearRegression

    return select.cross_val_predict(LinearRegression(), X, Y, groups=place, cv=select.LeaveOneGroupOut())


def test_the_error_is_that_of_rows_that_other_fits_predict(tmp_path):
    fit = surefit.fit((X, Y), method=LINE, folds=5, data=Sampling(split=ALL))
    rows = fit.problem.row_numbers["train"]
    place = np.empty(60, int)
    place[rows] = folds_of(60, None, 5, fit.seed)
    miss = predicted(place) - Y
    assert isinstance(fit.error, Estimated) and fit.error.folds == 5 and fit.error.n == 60
    assert fit.error.rmse == pytest.approx(np.sqrt(np.mean(miss**2)))
    assert fit.error.max == pytest.approx(np.abs(miss).max())
    assert "5-fold cross-validation" in fit.card() and "5 折" in fit.card("zh")
    found = fit.interval(X[:1], 0.8)
    assert found.high - found.low == pytest.approx(2 * np.sort(np.abs(miss))[48])  # rank ceil(61 * 0.8)
    again = load(fit.save(tmp_path / "fit.surefit"))
    assert again.error == fit.error and Measured.from_dict(fit.error.to_dict()) == fit.error


def test_each_group_is_left_out_alone_where_there_are_few():
    plan = Sampling(groups=GROUP, split=(0.75, 0.25, 0))
    fit = surefit.fit((X, Y), method=LINE, folds=6, data=plan)
    assert fit.error.kind == "groups" and fit.error.folds == 6
    folds = folds_of(60, GROUP, 6, 0)
    assert all(len(set(folds[g == GROUP])) == 1 for g in range(6)) and len(set(folds)) == 6
    posed = pose((X, Y), None, Sampling(groups=GROUP, folds=6), 0)
    rows = np.concatenate([posed.row_numbers["train"], posed.row_numbers["validation"]])
    part = without(posed, folds_of(60, GROUP[rows], 6, 0) == 2, 0)
    labels = {tuple(x): g for x, g in zip(X, GROUP, strict=True)}
    sets = [{labels[tuple(x)] for x in points[0]} for points in (part.train, part.validation, part.test)]
    assert not (sets[0] & sets[1] or sets[0] & sets[2] or sets[1] & sets[2])
    assert sum(len(points[0]) for points in (part.train, part.validation, part.test)) == 60


def test_more_groups_than_folds_are_dealt_evenly():
    labels = np.repeat(np.arange(30), np.arange(1, 31))
    fold = folds_of(len(labels), labels, 5, 0)
    sizes = np.bincount(fold)
    assert len(sizes) == 5 and sizes.max() - sizes.min() <= 30 and sizes.sum() == len(labels)
    assert all(len(set(fold[labels == g])) == 1 for g in range(30))


def test_weights_go_with_their_rows():
    weights = RNG.random(60)
    posed = pose((X, Y), None, Sampling(weights=weights, folds=4, split=(0.8, 0.1, 0.1)), 0)
    x = np.concatenate([posed.train[0], posed.validation[0]])
    out = folds_of(60, None, 4, 0) == 1
    part = without(posed, out, 0)
    known = {tuple(a): w for a, w in zip(X, weights, strict=True)}
    np.testing.assert_array_equal(part.weights, [known[tuple(a)] for a in part.train[0]])
    np.testing.assert_array_equal(part.validation_weights, [known[tuple(a)] for a in part.validation[0]])
    np.testing.assert_array_equal(part.test[0], x[out])


def test_members_of_an_interval_are_fits_without_folds():
    fit = surefit.fit((X, Y), method=LINE, folds=2)
    assert (fit.interval(X, 0.8, kind="ensemble", members=2).high >= fit.predict(X)).all()


def test_the_teacher_does_not_tell_of_relatives():
    x, group = X[:30, :1], GROUP[:30]
    fit = surefit.fit((x, np.sin(9 * x[:, 0]) + RNG.standard_normal(6)[group]), data=Sampling(groups=group))
    assert fit.taught is None or fit.taught.estimate.kind == "validation"
    if fit.taught is not None:
        estimate, (x, held) = fit.taught.estimate, fit.problem.validation
        assert estimate.kind == "validation"
        assert estimate.rmse == pytest.approx(np.sqrt(np.mean((fit.taught.teacher.predict(x) - held) ** 2)))
    assert "estimated by leave-one-out" not in fit.card()


@pytest.mark.parametrize(
    "options, words",
    [
        ({"folds": 1}, "folds"),
        ({"folds": 100}, "100 folds need as many rows, and the table has 60"),
        ({"folds": 3, "data": Sampling(order=np.arange(60))}, "does not go with order"),
        ({"folds": 3, "data": Sampling(test=(X, Y))}, "does not go with test"),
        ({"folds": 3, "model": surefit.nn.Linear(2, 1)}, "a Module can be trained only once"),
    ],
)
def test_what_cannot_be_is_said(options, words):
    with pytest.raises(ArgumentError, match=words):
        surefit.fit((X, Y), **options)
    with pytest.raises(ArgumentError, match="folds: is for the rows of a table"):
        surefit.fit("x", "x=0:1", folds=3)


# --- rows at one place ---


def repeated(places, times, noise, seed=0):
    rng = np.random.default_rng(seed)
    x = np.repeat(rng.uniform(-1, 1, (places, 2)), times, axis=0)
    return x, np.sin(3 * x[:, 0]) * x[:, 1] + noise * rng.normal(size=len(x))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:points outside")
@pytest.mark.parametrize(("places", "times"), [(12, 3), (20, 2)])
def test_rows_at_one_place_are_left_out_together(places, times):
    """One that is left out alone is known from the others there, whatever is between the places."""
    x, y = repeated(places, times, 0.01)
    new = np.random.default_rng(1).uniform(-1, 1, (1000, 2))
    fit = surefit.fit((x, y))
    true = np.sqrt(np.mean((fit.predict(new) - np.sin(3 * new[:, 0]) * new[:, 1]) ** 2))
    assert fit.error.status == "estimated" and fit.error.kind == "groups" and fit.error.n == len(x)
    assert 0.5 < fit.error.rmse / true < 4 and true > 3 * 0.01  # what it was told to be is that of the noise
    assert f"{len(x)} rows are at {places} places" in " ".join(map(str, fit.warnings))
    assert fit.error.folds == 10 and fit.problem.validation is None


@pytest.mark.slow
def test_rows_at_one_place_are_told_apart_from_levels_noise_and_other_wishes():
    x, y = repeated(12, 3, 0.01)
    assert len(np.unique(replicated(x, y[:, None]))) == 12
    assert replicated(x, repeated(12, 3, 0.5)[1][:, None]) is None  # noise is most of what any row is missed by
    levels = np.repeat(np.arange(4.0), 9)[:, None]
    assert replicated(levels, levels + 0.01 * y[:, None]) is None  # new rows are at these
    assert replicated(*(part[::3] for part in (x, y[:, None]))) is None
    for options in ({"time": 60}, {"data": surefit.Sampling(groups=np.repeat(np.arange(12), 3))}):
        assert surefit.fit((x, y), **options).error.kind != "groups"
