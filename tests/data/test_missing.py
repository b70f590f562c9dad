"""Missing inputs that are filled in by a median: scikit-learn's imputer is the oracle."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

import surefit
from surefit.data import Coded, Sampling, Table, read_table
from surefit.errors import ArgumentError, DataError
from surefit.fitting import load

RNG = np.random.default_rng(0)
X = RNG.random((80, 3))
Y = 2 * X[:, 0] - X[:, 1] + 0.1 * RNG.standard_normal(80)
HOLES = X.copy()
HOLES[RNG.random(80) < 0.2, 0] = np.nan
HOLES[5:9, 2] = np.nan
LINE = surefit.Polynomial(degree=1, ridge=0.0)
ALL = Sampling(split=(1, 0, 0))


@pytest.fixture(scope="module")
def frame():
    """Numbers, texts, dates, yes and no, each with holes."""
    colour = np.where(RNG.random(80) < 0.5, "red", "blue").astype(object)
    colour[3] = None
    day = pd.to_datetime("2024-01-01") + pd.to_timedelta(RNG.integers(0, 30, 80), "D")
    whole = pd.DataFrame({"a": HOLES[:, 0], "colour": colour, "day": day, "b": X[:, 1], "y": Y})
    whole.loc[7, "day"] = pd.NaT
    return whole


def test_the_columns_are_those_of_scikit_learn():
    impute = pytest.importorskip("sklearn.impute", reason="scikit-learn is not installed")
    filled = impute.SimpleImputer(strategy="median", add_indicator=True).fit_transform(HOLES)
    table = read_table((HOLES, Y), missing="median")
    assert table.inputs == ("x1", "x1 missing", "x2", "x3", "x3 missing")
    np.testing.assert_array_equal(table.x, filled[:, [0, 3, 1, 2, 4]])
    linear = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is not installed")
    theirs = linear.LinearRegression().fit(filled, Y).predict(filled)
    fit = surefit.fit((HOLES, Y), missing="median", method=LINE, data=ALL)
    np.testing.assert_allclose(fit.predict(HOLES), theirs, atol=1e-9)


def test_a_row_in_any_form_may_miss_what_rows_missed():
    fit = surefit.fit((HOLES, Y), missing="median", method=LINE)
    row = [np.nan, 0.4, 0.2]
    values = [
        fit.predict([row])[0], fit.predict(np.array([row]))[0], fit.predict([[None, 0.4, 0.2]])[0],
        fit.predict({"x1": np.nan, "x2": 0.4, "x3": 0.2})[0], fit(np.nan, 0.4, 0.2), fit(x1=None, x2=0.4, x3=0.2),
        fit.predict(pd.DataFrame({"x3": [0.2], "x2": [0.4], "x1": [None]}))[0],
    ]  # fmt: skip
    median = np.nanmedian(HOLES[:, 0])
    by_hand = fit.predict(np.array([[median, 1.0, 0.4, 0.2, 0.0]]))[0]
    np.testing.assert_allclose(values, by_hand, rtol=1e-12)
    assert fit(0.3, np.nan, 0.2) == pytest.approx(fit(0.3, np.median(X[:, 1]), 0.2))  # none was missing there


def test_texts_and_dates_may_be_missing_too(frame, tmp_path):
    fit = surefit.fit(frame, missing="median", method=LINE)
    assert "day missing" in fit.names and "colour=missing" in fit.names
    assert "(median) where missing" in fit.card()
    again = load(fit.save(tmp_path / "fit.surefit"))
    np.testing.assert_array_equal(again.predict(frame), fit.predict(frame))
    nothing = {"a": None, "colour": None, "day": None, "b": None}
    assert np.isfinite(again.predict(nothing)).all()
    middle = {"a": np.nan, "colour": None, "day": frame["day"].median(), "b": float(frame["b"].median())}
    before, after = again.predict(nothing), again.predict(middle)
    j = again.names.index("day missing")
    assert after + again.derivative(middle)[0, j] == pytest.approx(before)  # they differ by the flag alone


def test_a_test_table_is_filled_in_by_the_same_medians(frame):
    fit = surefit.fit(frame[:60], missing="median", method=LINE, data=Sampling(test=frame[60:]))
    x, _ = fit.problem.test
    a = frame["a"][60:].to_numpy()
    np.testing.assert_array_equal(x[:, 0], np.where(np.isnan(a), np.nanmedian(frame["a"][:60]), a))
    np.testing.assert_array_equal(x[:, 1], np.isnan(a))


def test_codes_survive_as_plain_data():
    code = Coded("a", "number", fill=0.5, flagged=True)
    assert Coded.from_dict(code.to_dict()) == code
    assert "fill" not in Coded("a", "time", (), "days", "2024-01-01").to_dict()
    for wrong in ({"fill": None}, {"fill": "x"}, {"fill": float("nan")}):
        with pytest.raises(DataError, match="cannot read"):
            Coded.from_dict(code.to_dict() | wrong)


def test_without_being_asked_a_hole_is_an_error_that_says_how():
    with pytest.raises(
        DataError, match=r"row 1, column 'x1' is missing; fill it in, by missing='median'.* \(first row is 0\)"
    ):
        surefit.fit((HOLES, Y))
    with pytest.raises(DataError, match="column 'y' is missing"):  # a target is never made up
        surefit.fit((X, np.where(Y > 1, np.nan, Y)), missing="median")
    with pytest.raises(DataError, match="holds no value at all"):
        surefit.fit((np.column_stack([X, np.full(80, np.nan)]), Y), missing="median")
    with pytest.raises(ArgumentError, match="missing='mean' must be 'median'"):
        surefit.fit((HOLES, Y), missing="mean")
    with pytest.raises(ArgumentError, match="missing: is for the rows of a table"):
        surefit.fit("x", "x=0:1", missing="median")


def test_classes_of_rows_with_holes():
    kinds = np.where(np.median(Y) < Y, "high", "low")
    fit = surefit.fit((HOLES, kinds), missing="median", task="classify", method=LINE)
    assert set(fit.predict(HOLES)) == {"high", "low"} and fit.classified.accuracy > 0.6


def test_rows_without_a_target_may_be_left_out_beside():
    y = np.where(np.arange(80) % 7 == 0, np.nan, Y)
    fit = surefit.fit((HOLES, y), missing="median", method=LINE, data=Sampling(drop_nonfinite=True, split=(1, 0, 0)))
    assert len(fit.problem.train[0]) == np.isfinite(y).sum()


def test_a_table_that_was_read_before_keeps_its_medians():
    table = read_table((HOLES, Y), missing="median")
    fit = surefit.fit(table, missing="median", method=LINE)
    assert isinstance(table, Table) and fit.problem.coding == table.coding
    assert np.isfinite(fit.predict(HOLES)).all()


def in_parts(rows, path, at=0):
    """A table of which a number, a text and a date are missing here and there, not in the first part of its file."""
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    import pyarrow

    rng = np.random.default_rng(3)
    x, day = rng.normal(size=(rows, 2)), np.datetime64("2024-01-01") + rng.integers(0, 99, rows)
    colour = np.array(["red", "green", "blue"], object)[rng.integers(0, 3, rows)]
    y = x[:, 0] + 2 * x[:, 1] + (colour == "red")
    later = np.arange(rows) >= at
    x[later & (rng.random(rows) < 0.1), 0] = np.nan
    colour[later & (rng.random(rows) < 0.1)] = None
    day[later & (rng.random(rows) < 0.1)] = np.datetime64("NaT")
    frame = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "colour": colour, "day": day.astype("M8[ns]"), "y": y})
    parquet.write_table(pyarrow.Table.from_pandas(frame), path, row_group_size=500)
    return frame


@pytest.mark.parametrize("method", ["auto", surefit.Adam(epochs=2)])
def test_a_table_in_parts_has_the_same_medians(method, tmp_path):
    frame = in_parts(3000, tmp_path / "t.parquet", at=1500)
    plan = surefit.Sampling(stream=True)
    fit = surefit.fit(tmp_path / "t.parquet", missing="median", data=plan, method=method, model=(8,))
    table = read_table(frame, missing="median")
    assert fit.names == table.inputs
    assert {c.name: c for c in fit.problem.coding} == {c.name: c for c in table.coding}
    assert np.isfinite(fit.predict(frame.drop(columns="y"))).all()
    assert not any("drawn at random" in str(word) for word in fit.warnings)


def test_of_very_many_rows_the_medians_are_those_of_a_sample_and_the_card_says_so(tmp_path, monkeypatch):
    from surefit.problems import large

    monkeypatch.setattr(large, "SAMPLE", 900)
    frame = in_parts(3000, tmp_path / "t.parquet")
    fit = surefit.fit(tmp_path / "t.parquet", missing="median", data=surefit.Sampling(stream=True), model=(8,))
    fill = next(c.fill for c in fit.problem.coding if c.name == "a")
    assert fill == pytest.approx(float(np.nanmedian(frame["a"])), abs=4 * 1.25 / np.sqrt(900))
    assert "medians that stand for missing values are those of 900 rows drawn at random" in fit.card()


def test_rows_of_a_table_in_parts_without_a_target_are_left_out_where_that_is_asked(tmp_path):
    frame = in_parts(1200, tmp_path / "t.parquet")
    frame.loc[frame.index % 7 == 0, "y"] = np.nan
    frame.to_parquet(tmp_path / "t.parquet", row_group_size=200)
    plan = surefit.Sampling(stream=True, drop_nonfinite=True)
    fit = surefit.fit(tmp_path / "t.parquet", missing="median", data=plan, model=(8,))
    assert sum(fit.problem.rows.values()) == int(frame["y"].notna().sum())


@pytest.mark.parametrize("nothing", [[None] * 20, np.full(20, np.nan), [""] * 20, ["n/a"] * 20])
@pytest.mark.parametrize("drop", [False, True])
def test_a_column_without_any_value_is_told_as_such(nothing, drop):
    rows = {"a": nothing, "x": np.arange(20.0), "y": np.arange(20.0)}
    with pytest.raises(DataError, match=r"column 'a' holds no value at all; leave it out: .*columns="):
        surefit.data.read_table(rows, drop_missing=drop)
    for call in (partial(surefit.data.read_table, targets="a"), partial(surefit.fit, target="a")):
        with pytest.raises(DataError, match=r"column 'a' holds no value at all; it is to be predicted, .* target="):
            call(rows, missing="median")
    assert len(surefit.data.read_table(rows, columns=["x", "y"])) == 20
