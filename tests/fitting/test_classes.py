"""fit(task="classify"): classes come in any form, keep their names, and the card tells how often they are right."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

import surefit
from surefit.data.labels import labelled
from surefit.errors import ArgumentError, DataError
from surefit.search.classes import classify, probabilities

QUICK = surefit.Features()


def three(n=150, seed=0):
    """Three classes along a line, with one row in ten of a class by chance."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 3, (n, 2))
    kind = np.where(rng.random(n) < 0.1, rng.integers(0, 3, n), x[:, 0].astype(int))
    return x, np.array(["low", "middle", "high"])[kind]


@pytest.fixture(scope="module")
def fit():
    return surefit.fit(three(), [(0, 3), (0, 3)], task="classify", method=QUICK)


def test_the_card_tells_what_is_right(fit):
    x, y = three(2000, seed=1)
    found = fit.classified
    assert found.classes == ("high", "low", "middle") and found.kind == "test" and found.n == 15
    accuracy = (fit.predict(x) == y).mean()
    assert found.low < accuracy < found.high and accuracy > 0.85
    card = fit.card()
    assert "accuracy" in card and "log loss" in card and "max |error|" not in card
    assert sum(map(sum, found.confusion)) == found.n
    assert sum(found.confusion[i][i] for i in range(3)) == round(found.accuracy * found.n)


def test_probabilities_are_those_that_come_true(fit):
    x, y = three(4000, seed=2)
    shares = fit.predict_proba(x)
    given = np.array(fit.classified.classes)[shares.argmax(axis=1)]
    np.testing.assert_array_equal(given, fit.predict(x))
    assert fit(*x[0]) == given[0] and fit(x[:4, :1], x[:4, 1]).shape == (4, 4)
    sure = shares.max(axis=1)
    for low, high in ((0.5, 0.8), (0.8, 1.0)):
        rows = (sure >= low) & (sure < high)
        assert abs(sure[rows].mean() - (given == y)[rows].mean()) < 0.12
    right = shares[np.arange(len(y)), np.searchsorted(fit.classified.classes, y)]
    assert -np.log(right).mean() < 0.75  # 1.10 without looking; the truth itself has 0.36


@pytest.mark.parametrize("floor", [0.001, 0.1, 1.0])
@pytest.mark.parametrize("power", [0.35, 1.0, 8.0])
def test_probabilities_keep_the_order(floor, power):
    values = np.random.default_rng(0).normal(0.3, 0.5, (200, 4))  # far from any probabilities
    shares = probabilities(values, floor, power)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-12)
    np.testing.assert_array_equal(shares.argmax(axis=1), values.argmax(axis=1))
    two = probabilities(values[:, :1], floor, power)
    np.testing.assert_array_equal(two[:, 1] > 0.5, values[:, 0] > 0.5)


def test_values_that_are_probabilities_stay_what_they_are():
    p = np.random.default_rng(0).dirichlet([2, 2, 2], 100)
    np.testing.assert_allclose(probabilities(p, 0.001, 1.0), p, atol=0.005)


def test_a_few_right_answers_are_no_certainty():
    """Ten of ten say little: no probability may be next to 1 for that."""
    x = np.linspace(-1, 1, 40)
    found = surefit.fit((x, x > 0), task="classify", method=QUICK)
    assert found.predict_proba(x).max() < 0.9995
    assert found.classified.low < 0.6 if found.classified.n < 5 else found.classified.low < 0.95


def test_measures_are_the_textbook_ones(fit):
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is an extra")
    x, y = fit.problem.test
    truth = np.array(fit.classified.classes)[y.argmax(axis=1)]
    found = classify(fit, fit.classified.classes)
    assert found == fit.classified
    assert math.isclose(found.log_loss, metrics.log_loss(truth, fit.predict_proba(x), labels=list(found.classes)))
    assert found.accuracy == metrics.accuracy_score(truth, fit.predict(x))
    counts = metrics.confusion_matrix(truth, fit.predict(x), labels=list(found.classes))
    np.testing.assert_array_equal(counts, found.confusion)


@pytest.mark.parametrize("kind", ["pair", "dict", "pandas", "polars", "csv", "numbers", "table"])
def test_classes_come_in_every_form(tmp_path, kind):
    x, y = three(60)
    columns = {"a": x[:, 0], "b": x[:, 1], "kind": y}
    if kind in ("pandas", "polars"):
        frames = pytest.importorskip(kind, reason="an extra")
        source = frames.DataFrame(columns)
    elif kind == "csv":
        source = tmp_path / "kinds.csv"
        source.write_text("a;b;kind\n" + "".join(f"{p};{q};{k}\n" for (p, q), k in zip(x, y, strict=True)))
    elif kind == "numbers":
        source = tmp_path / "kinds.csv"
        source.write_text("a,b,kind\n" + "".join(f"{p},{q},{len(k)}\n" for (p, q), k in zip(x, y, strict=True)))
    elif kind == "table":
        source = surefit.data.Table(["a", "b", "kind"], np.column_stack([x, [len(k) for k in y]]))
    else:
        source = columns if kind == "dict" else (x, y)
    found = labelled(source)
    assert found.classes == ((3, 4, 6) if kind in ("numbers", "table") else ("high", "low", "middle"))
    table = surefit.data.read_table(found.raw)
    np.testing.assert_array_equal(table.x, x)
    np.testing.assert_array_equal(np.array(found.classes)[table.y.argmax(axis=1)].astype(str), (
        [str(len(k)) for k in y] if kind in ("numbers", "table") else y
    ))  # fmt: skip
    assert table.inputs == (("x1", "x2") if kind == "pair" else ("a", "b"))


@pytest.mark.parametrize(
    "labels, words",
    [
        (["a"] * 20, "1 class only"), ([*["a"] * 19, None], "row 19 is missing"), ([*["a"] * 19, ""], "row 19"),
        (np.linspace(0, 1, 20), "measured numbers"), ([*["a", 1] * 10], "these are"), ([[1, 2]] * 20, "shape"),
    ],
)  # fmt: skip
def test_labels_that_are_no_classes_are_named(labels, words):
    with pytest.raises(DataError, match=words):
        surefit.fit({"x": np.arange(20.0), "y": labels}, task="classify")


def test_wrong_tasks_are_named():
    with pytest.raises(ArgumentError, match="task='sort'"):
        surefit.fit("x", "x=0:1", task="sort")
    with pytest.raises(ArgumentError, match="no classes"):
        surefit.fit(np.sin, (0, 1), task="classify")
    with pytest.raises(DataError, match="cannot read"):
        surefit.fit("sin(x)", (0, 1), task="classify")
    with pytest.raises(ArgumentError, match="tol"):
        surefit.fit(three(), task="classify", tol=0.1)
    with pytest.raises(ArgumentError, match="no classes"):
        surefit.fit("x", "x=0:1", method=surefit.Adam(epochs=1)).predict_proba([0.5])


@pytest.mark.slow
def test_files_reports_and_the_doctor_know_classes(fit, tmp_path):
    again = surefit.load(fit.save(tmp_path / "m.safetensors"))
    x = three(50, seed=3)[0]
    np.testing.assert_array_equal(again.predict_proba(x), fit.predict_proba(x))
    np.testing.assert_array_equal(again.predict(x), fit.predict(x))
    assert again.classified == fit.classified and again.card() == fit.card()
    assert fit.to_dict()["classified"]["classes"] == ["high", "low", "middle"]
    text = fit.report(tmp_path / "r.md", "zh").read_text("utf-8")
    assert "准确率" in text and "真实类别" in text and "middle" in text
    assert "Accuracy" in fit.report(tmp_path / "r.md").read_text("utf-8")
    assert not {f.code for f in fit.doctor()} & {"two-valued-target", "given-target"}


def test_nothing_learned_is_said():
    rng = np.random.default_rng(0)
    blind = surefit.fit((rng.normal(size=(80, 2)), np.array(["a", "b"])[(rng.random(80) < 0.2).astype(int)]),
                        task="classify", method=surefit.Polynomial(degree=1))  # fmt: skip
    assert "most frequent class alone is right as often" in blind.card()


def mixed(n=120):
    """Classes in the first column, gaps, texts, rows that belong together."""
    rng = np.random.default_rng(0)
    a, colour = rng.uniform(-1, 1, n), np.array(["red", "green", "blue"])[rng.integers(0, 3, n)]
    kind = np.where(a + 0.5 * (colour == "red") > 0, "up", "down")
    gaps = [None if i % 9 == 0 else v for i, v in enumerate(a.tolist())]
    batch = [str(i // 10) for i in range(n)]
    return {"kind": kind.tolist(), "a": gaps, "colour": colour.tolist(), "batch": batch}


def test_gaps_texts_and_a_target_of_any_place(tmp_path):
    found = surefit.fit(
        mixed(), target="kind", columns=["a", "colour"], missing="median", task="classify", method=QUICK
    )
    assert found.names[:2] == ("a", "a missing") and found.classified.classes == ("down", "up")
    new = {"a": [None, -0.9, 0.9], "colour": ["red", "blue", "green"]}
    assert found.predict(new).tolist()[1:] == ["down", "up"]
    again = surefit.load(found.save(tmp_path / "m.safetensors"))
    np.testing.assert_array_equal(again.predict_proba(new), found.predict_proba(new))
    assert "colour: one of blue, green, red" in found.export(tmp_path / "m.py").paths[0].read_text()


@pytest.mark.parametrize("groups", [None, "batch"])
def test_folds_tell_of_every_row(groups):
    table = mixed()
    if groups is None:
        del table["batch"]
    plan = surefit.Sampling(groups=groups)
    found = surefit.fit(table, target="kind", folds=4, data=plan, missing="median", task="classify", method=QUICK)
    told = found.classified
    assert (told.kind, told.n) == ("folds" if groups is None else "groups", 120)
    assert sum(map(sum, told.confusion)) == 120
    x, y = (np.concatenate([found.problem.train[i], found.problem.validation[i]]) for i in (0, 1))
    fitted = found.classified.probabilities(found._predict(x)).argmax(axis=1) == y[:, 0]
    assert 0.7 < told.accuracy <= fitted.mean() + 0.02  # rows that were not seen are not told better
    assert "each by a fit that" in found.card() and "每行由未见过" in found.card("zh")


def test_rows_for_a_test_have_the_same_classes():
    table = {key: value for key, value in mixed().items() if key != "batch"}
    rows = {key: value[:30] for key, value in table.items()}
    found = surefit.fit(
        table, target="kind", missing="median", task="classify", method=QUICK, data=surefit.Sampling(test=rows)
    )
    assert (found.classified.kind, found.classified.n) == ("test", 30)
    with pytest.raises(DataError, match="'left' is none of the classes down, up"):
        surefit.fit(table, target="kind", missing="median", task="classify",
                    data=surefit.Sampling(test=rows | {"kind": ["left"] * 30}))  # fmt: skip


def test_what_classes_do_not_have_is_refused():
    table = mixed()
    for more in ({"data": surefit.Sampling(noise=0.1)}, {"target_scale": "log"}, {"tol": 0.1}):
        with pytest.raises(ArgumentError, match="classes have no"):
            surefit.fit(table, target="kind", task="classify", **more)
    with pytest.raises(DataError, match="classes are those of one column"):
        surefit.fit(table, target=["kind", "batch"], task="classify")
    del table["batch"]
    table["kind"][3] = None
    with pytest.raises(DataError, match=r"kind: the class of row 3 is missing"):
        surefit.fit(table, target="kind", task="classify", missing="median")
    plan = surefit.Sampling(drop_nonfinite=True)
    found = surefit.fit(table, target="kind", task="classify", missing="median", data=plan, method=QUICK)
    assert sum(found.problem.sizes().values()) == 119


def test_steps_that_part_all_rows_promise_nothing_of_new_ones():
    rng = np.random.default_rng(3)
    x = rng.uniform(-1, 1, (330, 12))
    x[:2] = [[-1.0], [1.0]]  # so that no new row lies outside
    score = x[:, 0] + 0.7 * x[:, 1] * x[:, 2] + 0.5 * x[:, 3] + 0.4 * rng.normal(size=330)
    kind = np.where(score > 0, "in", "out")
    found = surefit.fit((x[:150], kind[:150]), task="classify", time=10)
    new = float(np.mean(found.predict(x[150:]) == kind[150:]))
    assert found.classified.low <= new + 2 * np.sqrt(new * (1 - new) / 180)
    all_rows = surefit.Sampling(split=(1, 0, 0))
    named = surefit.fit((x[:150], kind[:150]), task="classify", method="varpro", model=(4,), data=all_rows)
    known = float(np.mean(named.predict(x[150:]) == kind[150:]))
    assert named.classified.kind == "training"  # and not "left-out", where nearly all were right
    assert named.classified.accuracy > known


def test_an_attempt_whose_error_nothing_tells_has_no_number_on_the_card():
    """Steps that part all rows know nothing of rows left out, and neither do as many parameters as rows."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (24, 2))
    found = surefit.fit((x, np.where((x * x).sum(1) < 0.5, "in", "out")), task="classify")
    told = [choice for choice in found.made.choice if choice.code.startswith("untold")]
    assert told and all("nothing tells its error" in choice for choice in told)
    for lang in ("en", "zh"):
        card = " ".join(words.said(lang) for words in found.made.choice)
        assert not re.search(r"\b(inf|nan)\b", card)


def test_a_source_has_one_name_whatever_is_fitted(tmp_path):
    x = np.random.default_rng(0).uniform(-1, 1, (60, 2))
    kind = np.where(x[:, 0] > 0, "a", "b")
    for pair in ((x, kind), [x, kind]):
        assert "(X, y) (60 rows)" in surefit.fit(pair, task="classify", method="polynomial").card()
    for pair in ((x, x[:, 0]), [x, x[:, 0]]):
        assert "(X, y) (60 rows)" in surefit.fit(pair, method="polynomial").card()
    rows = tmp_path / "kinds.csv"
    rows.write_text("a,b,kind\n" + "".join(f"{a},{b},{k}\n" for (a, b), k in zip(x, kind, strict=True)))
    assert "kinds.csv (60 rows)" in surefit.fit(rows, task="classify", method="polynomial").card()
