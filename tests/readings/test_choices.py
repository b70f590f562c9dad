"""What is read off fits of columns of texts, of yes and no, of missing values, and of classes.

Half a text, or two texts at once, is no row that could be measured. Each answer is compared with one that goes through
the texts one by one by `predict`.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import surefit
from surefit.errors import ArgumentError, DataError, DomainError, ShapeError

COLOURS, YES = ("blue", "green", "red"), ("no", "yes")


def table(n=240, seed=0):
    rng = np.random.default_rng(seed)
    size, colour, sold = rng.uniform(0, 1, n), rng.choice(COLOURS, n), rng.choice(YES, n)
    peak = np.select([colour == "blue", colour == "green"], [0.2, 0.5], 0.8)
    y = -((size - peak) ** 2) + 0.3 * (colour == "red") * (sold == "no") + 0.1 * (sold == "yes")
    return {"size": size, "colour": colour, "sold": sold, "y": y}


@pytest.fixture(scope="module")
def fit():
    """A network that bends between the texts, so that its extremes over the box are at no text."""
    return surefit.fit(table(), method=surefit.Features(), model=(40,))


@pytest.fixture(scope="module")
def gaps():
    """A table with missing numbers and texts."""
    rows = table()
    rows["size"] = np.where(np.arange(240) % 7 == 0, np.nan, rows["size"])
    rows["colour"] = np.where(np.arange(240) % 11 == 0, None, rows["colour"].astype(object))
    return surefit.fit(rows, missing="median", method="polynomial")


def each(fit, sizes):
    """{(colour, sold): values at the sizes}, by predict."""
    return {
        pair: fit.predict({"size": sizes, "colour": [pair[0]] * len(sizes), "sold": [pair[1]] * len(sizes)})
        for pair in itertools.product(COLOURS, YES)
    }


def sizes_of(fit, n=2001):
    return np.linspace(*fit.domain.bounds[0], n)


def test_extremes_are_at_texts_that_the_table_has(fit):
    values = each(fit, sizes_of(fit))
    for found, best, sign in (
        (fit.maximum(), max(v.max() for v in values.values()), 1),
        (fit.minimum(), min(v.min() for v in values.values()), -1),
    ):
        assert found.at["colour"] in COLOURS and found.at["sold"] in (0.0, 1.0) and "colour=red" not in found.at
        assert sign * (found.value - best) >= -1e-9 and abs(found.value - best) < 1e-4
        assert fit.predict(found.at)[0] == pytest.approx(found.value, abs=1e-12)
    over = fit.domain.low + np.random.default_rng(0).uniform(size=(20_000, 5)) * fit.domain.width
    assert fit._predict(over).max() > fit.maximum().value + 1e-3  # so that the test can fail
    assert "colour=red" in str(fit.slice(sold="no").maximum())


def test_a_part_of_the_box_leaves_some_texts(fit):
    assert fit.maximum({"colour=red": (0, 0.5)}).at["colour"] != "red"
    with pytest.raises(ArgumentError, match=r"'colour' is a column of texts.*slice\(colour=\.\.\.\)"):
        fit.maximum({"colour": "red"})
    with pytest.raises(DomainError, match=r"leaves no value of 'colour'.*slice\(colour='blue'\)"):
        fit.maximum({"colour=red": (0.2, 0.8)})


def test_slices_hold_columns_as_the_table_has_them(fit):
    sizes, held = sizes_of(fit, 7), fit.slice(colour="green", sold="yes")
    assert held.names == ("size",)
    right = each(fit, sizes)["green", "yes"]
    assert held.predict(sizes) == pytest.approx(right, abs=1e-12)
    assert held(sizes) == pytest.approx(right, abs=1e-12)
    assert fit.slice(**{"colour=green": 1}, sold=True).predict(sizes) == pytest.approx(right, abs=1e-12)
    assert fit.slice(size=0.4)("green", "yes") == pytest.approx(fit(0.4, "green", "yes"), abs=1e-12)
    assert fit.slice(size=0.4).predict({"colour": ["green"], "sold": ["yes"]}) == pytest.approx(
        [fit(0.4, "green", "yes")], abs=1e-12
    )
    for wrong, match in (
        ({"colour": "pink"}, "none of the known blue, green, red"),
        ({"colour=red": 0.5}, "belongs to the column 'colour'"),
        ({"colour=red": 0}, "belongs to the column 'colour'"),
        ({"sold": 0.5}, "must be yes or no"),
        ({"size": "big"}, "must be a number"),
        ({"tint": 1}, "there is no input 'tint'"),
    ):
        with pytest.raises((ArgumentError, DataError), match=match):
            fit.slice(**wrong)


def test_there_is_no_integral_over_texts(fit):
    with pytest.raises(ArgumentError, match=r"over colour, sold, .*slice\(colour='blue'\)"):
        fit.integral()
    sizes = sizes_of(fit)
    found = fit.slice(colour="red", sold="no").integral().value
    assert found == pytest.approx(np.trapezoid(each(fit, sizes)["red", "no"], sizes), abs=1e-6)


def test_roots_are_at_texts_that_the_table_has(fit):
    found, sizes = fit.roots(0.05), sizes_of(fit)
    assert np.abs(fit._predict(found) - 0.05).max() < 1e-7
    assert set(np.unique(found[:, 1:])) == {0.0, 1.0} and (found[:, 1:4].sum(axis=1) == 1).all()
    crossed = sum((np.diff(np.sign(v - 0.05)) != 0).sum() for v in each(fit, sizes).values())
    assert len(found) == crossed > 3


def test_a_column_of_texts_is_one_input_of_sensitivity(fit):
    nodes, weights = np.polynomial.legendre.leggauss(60)
    low, high = fit.domain.bounds[0]
    values = each(fit, low + (high - low) * (nodes + 1) / 2)
    y = np.array([[values[c, s] for s in YES] for c in COLOURS])  # colour, sold, size
    w = weights / 2
    mean = (y @ w).mean()
    variance = ((y - mean) ** 2 @ w).mean()
    of = {
        "colour": (((y @ w).mean(axis=1) - mean) ** 2).mean(),
        "sold": (((y @ w).mean(axis=0) - mean) ** 2).mean(),
        "size": ((y.mean(axis=(0, 1)) - mean) ** 2) @ w,
    }
    rest = {"colour": ((y.mean(axis=0) - mean) ** 2 @ w).mean(), "sold": ((y.mean(axis=1) - mean) ** 2 @ w).mean()}
    rest["size"] = ((y @ w - mean) ** 2).mean()
    found = fit.sensitivity()
    assert set(found.names) == set(of) and found.variance == pytest.approx(variance, rel=1e-6)
    for name, share in found.to_dict().items():
        assert share["first"] == pytest.approx(of[name] / variance, abs=1e-6)
        assert share["total"] == pytest.approx(1 - rest[name] / variance, abs=1e-6)
    four = surefit.fit(table() | {"z": np.linspace(0, 1, 240), "y": table()["y"]}, target="y", method="polynomial")
    assert four.sensitivity().names == ("size", "colour", "sold", "z")  # by samples


def test_partial_dependence_goes_through_the_texts(fit):
    rows = {name: column for name, column in table().items() if name != "y"}
    x, y = fit.partial_dependence("colour", over=rows)
    assert x.tolist() == list(COLOURS)
    for colour, mean in zip(x, y, strict=True):
        assert mean == pytest.approx(fit.predict(rows | {"colour": [colour] * 240}).mean(), abs=1e-12)
    even = fit.partial_dependence("size", [0.3]).y[0]
    assert even == pytest.approx(np.mean([v[0] for v in each(fit, np.array([0.3])).values()]), abs=2e-3)
    for wrong, match in (
        (("colour=red",), "part of the column 'colour'"),
        (("colour", ["pink"]), "'pink' is no value"),
    ):
        with pytest.raises(ArgumentError, match=match):
            fit.partial_dependence(*wrong)


def test_what_is_missing_is_held_at_there(gaps):
    found = gaps.maximum()
    assert set(found.at) == {"size", "colour", "sold"} and found.at["colour"] in COLOURS
    best = max(v.max() for v in each(gaps, sizes_of(gaps)).values())
    assert found.value == pytest.approx(best, abs=1e-4)
    assert "missing" not in str(gaps.sensitivity())
    for value in (0.4, None):
        assert gaps.slice(size=value, sold="no")("red") == pytest.approx(
            gaps.predict({"size": value, "colour": "red", "sold": "no"})[0], abs=1e-12
        )
    rows = {"size": [None, 0.5], "colour": ["red", "blue"], "sold": ["no", "no"]}
    right = gaps.predict({"size": [0.3, 0.3], "colour": ["red", "blue"], "sold": ["no", "no"]}).mean()
    assert gaps.partial_dependence("size", [0.3], over=rows).y == pytest.approx([right], abs=1e-12)


def test_one_input_with_gaps_is_inverted():
    a = np.where(np.arange(100) % 5 == 0, np.nan, np.linspace(-2, 2, 100))
    fit = surefit.fit({"a": a, "y": 3 * np.nan_to_num(a) + 1}, missing="median", method="polynomial")
    assert fit.inverse(2.5) == pytest.approx(0.5, abs=1e-6)
    assert fit.roots(2.5)[0] == pytest.approx([0.5, 0.0], abs=1e-6)


def test_more_texts_than_can_be_gone_through_are_refused():
    rng = np.random.default_rng(1)
    rows = {f"c{i}": rng.choice(list("abcdefgh"), 400) for i in range(3)} | {"x": rng.uniform(size=400)}
    many = surefit.fit(rows | {"y": rows["x"] + (rows["c0"] == "a")}, method=surefit.Polynomial(degree=1))
    with pytest.raises(ArgumentError, match="more than 256 combinations"):
        many.roots(0.5)
    found = many.maximum()
    assert found.at["c0"] == "a" and found.value == pytest.approx(many.predict(found.at)[0], abs=1e-12)


# --- classes ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[2, 3])
def classes(request):
    rng = np.random.default_rng(2)
    x = rng.uniform(-1, 1, (200, 2))
    kind = np.where(x[:, 0] > 0.3 * x[:, 1], "p", "n")
    kind = np.where(x[:, 1] > 0.5, "q", kind) if request.param == 3 else kind
    return surefit.fit({"a": x[:, 0], "b": x[:, 1], "k": kind}, task="classify", method="features", model=(30,))


@pytest.mark.slow
def test_classes_are_read_as_probabilities(classes):
    points = np.random.default_rng(3).uniform(-0.8, 0.8, (50, 2))
    right, step = classes.predict_proba(points), 1e-6
    found = classes.derivative(points)
    assert found.shape == (50, right.shape[1], 2)
    for i, shift in enumerate(np.eye(2) * step):
        numeric = (classes.predict_proba(points + shift) - classes.predict_proba(points - shift)) / (2 * step)
        assert found[:, :, i] == pytest.approx(numeric, abs=1e-6 * np.abs(found).max())
    held = classes.slice(b=0.1)
    assert held.outputs == tuple(f"P({name})" for name in classes.classified.classes)
    assert held(0.2) == pytest.approx(classes.predict_proba([[0.2, 0.1]])[0], abs=1e-12)
    most = classes.maximum(output="P(p)")
    assert 0.5 < most.value <= 1.0 and most.value == pytest.approx(
        classes.predict_proba([most.x])[0, list(classes.classified.classes).index("p")], abs=1e-12
    )
    assert np.sum(classes.integral().value) == pytest.approx(classes.domain.volume)
    value, slope = classes.value_and_grad(points[0], output="P(n)")
    assert value == pytest.approx(right[0, 0], abs=1e-12) and slope == pytest.approx(found[0, 0])


def test_what_classes_do_not_have_is_refused(classes):
    with pytest.raises(ArgumentError, match="predict_proba"):
        classes.interval([[0.0, 0.0]])
    with pytest.raises(ArgumentError, match="update: this fit is of classes"):
        classes.update([[0.0, 0.0]], [1.0])
    with pytest.warns(surefit.OutsideWarning), pytest.raises(DataError, match=r"row 1 .*predict_proba"):
        classes.predict([[0.0, 0.0], [np.nan, 0.0]])
    assert np.isnan(classes.predict_proba([[np.nan, 0.0]])).all()


def test_no_new_rows_are_no_update():
    x = np.linspace(0, 1, 30)
    with pytest.raises(ShapeError, match="there is no new row"):
        surefit.fit((x, x**2), method="features", model=(5,)).update(x[:0], [])
