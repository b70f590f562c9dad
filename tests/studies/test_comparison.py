"""Several ways side by side: each is the fit that `fit` makes, and what fails is a row."""

from __future__ import annotations

import csv

import numpy as np
import pytest

import surefit
from surefit.errors import ArgumentError, FormulaError
from surefit.studies.settings import arguments_of

QUICK = dict(method="features")


def test_each_way_is_the_fit_of_its_arguments():
    found = surefit.compare("sin(x)", "x=-3:3", hidden=[4, 9], activation=["tanh", "sin"], **QUICK)
    assert found.names == ("4, tanh", "4, sin", "9, tanh", "9, sin")
    alone = surefit.fit("sin(x)", "x=-3:3", model=surefit.MLPSpec((9,), "sin"), **QUICK)
    assert found["9, sin"].error == alone.error
    assert found["9, sin"].predict([0.3]) == alone.predict([0.3])
    rows = [row for row in found.rows if row["variant"] == "9, sin"]
    assert [row["max_error"] for row in rows] == [alone.error.max]
    assert found.best is min((f for (f,) in found.results), key=lambda f: f.error.max)


def test_seeds_are_those_of_fit_and_medians_are_shown():
    found = surefit.compare("sin(x)", "x=-3:3", hidden=[3, 6], seeds=3, seed=5, **QUICK)
    assert [row["seed"] for row in found.rows] == [5, 6, 7] * 2
    alone = [surefit.fit("sin(x)", "x=-3:3", model=(6,), seed=s, **QUICK).error.max for s in (5, 6, 7)]
    assert [row["max_error"] for row in found.rows[3:]] == alone
    assert f"{np.median(alone):.3g}" in str(found)
    assert "medians of 3 seeds" in str(found)


def test_a_line_tells_which_fit_of_how_many(capsys):
    heard = []
    ways = dict(method=["features", "varpro"], hidden=[4, 9])
    shown = surefit.compare("sin(x)", "x=-3:3", progress=True, callbacks=heard.append, **ways)
    told = capsys.readouterr().err
    places = [told.index(f"{i}/4  {name}:  ") for i, name in enumerate(shown.names, 1)]
    assert places == sorted(places) and heard
    silent = surefit.compare("sin(x)", "x=-3:3", progress=False, **ways)
    assert capsys.readouterr().err == ""
    assert [row["max_error"] for row in silent.rows] == [row["max_error"] for row in shown.rows]
    with pytest.raises(ArgumentError, match="progress='bar' must be True, False or None"):
        surefit.compare("sin(x)", "x=-3:3", progress="bar", **ways)


def test_measured_data_are_not_chosen_by_their_test_rows():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (300, 1))
    y = np.sin(3 * x[:, 0]) + 0.3 * rng.standard_normal(300)
    found = surefit.compare((x, y), hidden=[1, 3, 12, 60], data=surefit.Sampling(split=(0.7, 0.2, 0.1)), **QUICK)
    fits = [each[0] for each in found.results]
    assert found.best.score == min(f.score for f in fits)
    assert len({f.problem.test[0].tobytes() for f in fits}) == 1  # the same rows for all
    assert "test rows" in str(found)


@pytest.mark.slow
def test_activations_alone_are_tried_on_the_widths_that_suit_the_method():
    found = surefit.compare("sin(x)", "x=-3:3", method="features", activation=["tanh", "sin"])
    alone = surefit.fit("sin(x)", "x=-3:3", method="features")
    assert found["tanh"].layers() == found["sin"].layers() == alone.layers()
    assert found["tanh"].error == alone.error
    lm = surefit.LM(iterations=2)
    with_activation = surefit.fit("sin(x)", "x=-3:3", method=lm, model=surefit.MLPSpec(activation="sin"))
    assert with_activation.layers() == surefit.fit("sin(x)", "x=-3:3", method=lm).layers()


def test_variants_with_names_methods_and_settings():
    found = surefit.compare(
        "x^2",
        "x=-1:1",
        {
            "small": {"hidden": 3, "method": "features"},
            "rate": {"lr": 0.01, "epochs": 5},
            "lm": surefit.LM(iterations=3),
        },
    )
    assert found.names == ("small", "rate", "lm")
    assert found["rate"].method["lr"] == 0.01
    assert found["lm"].method["method"] == "lm"
    assert found["small"].network[0].out_features == 3


def test_a_way_that_fails_is_a_row(tmp_path):
    found = surefit.compare("sin(x)", "x=-3:3", {"flat": {"hidden": 4}, "deep": {"hidden": (4, 4)}}, **QUICK)
    assert "deep: ArgumentError" in str(found)
    assert found.rows[1]["parameters"] is None
    with pytest.raises(ArgumentError, match="one hidden layer"):
        found["deep"]
    with open(found.to_csv(tmp_path / "all.csv"), newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert float(rows[0]["max_error"]) == found["flat"].error.max
    assert rows[1]["stopped"].startswith("ArgumentError")
    page = found._repr_html_()
    assert "<th style='text-align:left'>sin(x), fresh points</th>" in page
    assert page.count("<tr>") == 3


def test_fits_that_are_there_are_compared_as_they_are():
    fits = {"four": surefit.fit("sin(x)", "x=-3:3", model=(4,), **QUICK), "b<c": surefit.fit("x", "x=0:1", **QUICK)}
    found = surefit.compare(fits)
    assert found.names == ("four", "b<c")
    assert found["four"] is fits["four"]
    assert "b&lt;c" in found._repr_html_()
    assert len(surefit.compare(list(fits.values()))) == 2


def test_a_callback_stops_and_what_is_done_is_kept():
    heard = []

    def callback(done, of):
        heard.append((done, of))
        return done == 2

    found = surefit.compare("sin(x)", "x=-3:3", hidden=[2, 3, 4], callback=callback, **QUICK)
    assert heard == [(1, 3), (2, 3)]
    assert [len(each) for each in found.results] == [1, 1, 0]
    assert "not done" in str(found)


def test_the_picture_has_a_dot_for_each_fit():
    found = surefit.compare("sin(x)", "x=-3:3", hidden=[2, 5], seeds=2, **QUICK)
    axes = found.plot().axes[0]
    drawn = np.concatenate([line.get_xdata() for line in axes.lines if line.get_marker() == "o"])
    np.testing.assert_allclose(np.sort(drawn), np.sort([row["max_error"] for row in found.rows]))
    assert [label.get_text() for label in axes.get_yticklabels()] == ["2", "5"]


@pytest.mark.parametrize(
    "arguments, error, words",
    [
        (dict(hidden=4), ArgumentError, "one way alone"),
        (dict(hidden=[]), ArgumentError, "empty list"),
        (dict(hidden=[4, 4]), ArgumentError, "'4' stands twice"),
        (dict(hiden=[4, 8]), ArgumentError, "hiden"),
        (dict(units=[4, 8], hidden=3), ArgumentError, "say the same"),
        (dict(layers=[1, 2]), ArgumentError, "how many units"),
        (dict(hidden=[4, 8], model=(3,)), ArgumentError, "model="),
        (dict(iterations=[4, 8]), ArgumentError, "say which with method="),
        (dict(method="lm", lr=[0.1, 0.2]), ArgumentError, "lr"),
        (dict(method=[surefit.LM(), "varpro"], lr=0.1), ArgumentError, "lr"),
        (dict(variants="lm"), ArgumentError, "variants='lm'"),
        (dict(variants=[]), ArgumentError, "variants"),
        (dict(hidden=[4, 8], seeds=0), ArgumentError, "seeds=0"),
        (dict(hidden=[4, 8], callback=3), ArgumentError, "callback=3"),
    ],
)
def test_wrong_calls(arguments, error, words):
    with pytest.raises(error, match=words):
        surefit.compare("sin(x)", "x=-3:3", **arguments)


def test_what_no_way_can_fit_is_raised():
    with pytest.raises(FormulaError):
        surefit.compare("sin(", "x=-3:3", hidden=[4, 8], **QUICK)
    with pytest.raises(ArgumentError, match="as they are"):
        surefit.compare([surefit.fit("x", "x=0:1", **QUICK)], "x=0:1")


def test_settings_are_those_of_fit_its_network_and_its_method():
    found = arguments_of({"units": 8, "layers": 2, "activation": "relu", "lr": 0.1, "seed": 3, "time": None})
    assert found == {"seed": 3, "model": surefit.MLPSpec((8, 8), "relu"), "method": surefit.Adam(lr=0.1)}
    assert arguments_of({"method": surefit.Adam(epochs=7), "lr": 0.2})["method"] == surefit.Adam(epochs=7, lr=0.2)
    assert arguments_of({"method": "additive", "units": 5}) == {"method": surefit.Additive(units=5)}


def test_classes_are_compared_by_how_often_they_are_right(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (200, 2))
    rows = {"a": x[:, 0], "b": x[:, 1], "kind": np.where(x[:, 0] > x[:, 1] ** 2, "in", "out")}
    found = surefit.compare(rows, task="classify", method="features", hidden=[1, 20])
    few, many = (found[name].classified for name in found.names)
    assert found.table()["accuracy"] == [few.accuracy, many.accuracy]
    head, *lines, note = str(found).splitlines()
    assert head.split()[-5:] == ["parameters", "accuracy", "log", "loss", "seconds"] and "test rows" in head
    assert f"{few.accuracy:.3g}" in lines[0] and f"{many.log_loss:.3g}" in lines[1]
    assert note.startswith("* the best where it was chosen")
    assert "accuracy,log_loss" in found.to_csv(tmp_path / "ways.csv").read_text().splitlines()[0]
    found.plot()
    assert "accuracy" not in surefit.compare("x", "x=0:1", method="features", hidden=[2, 3]).table()


def test_what_has_no_classes_says_so():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (60, 2))
    fit = surefit.fit((x, x[:, 0] > 0), task="classify", method="features", model=(5,))
    with pytest.raises(ArgumentError, match=r"distil\(fit.predict_proba, fit.domain\)"):
        surefit.distil(fit)
    with pytest.raises(ArgumentError, match="ensemble has no argument 'task'; only fit takes it"):
        surefit.ensemble((x, x[:, 0] > 0), task="classify")


@pytest.mark.parametrize("name", ["n", "count", "n_estimators", "size", "k"])
def test_how_many_members_has_one_name(name):
    with pytest.raises(TypeError, match=f"ensemble has no argument '{name}'; did you mean members"):
        surefit.ensemble("sin(x)", "x=0:1", **{name: 3})


@pytest.fixture
def noisy():
    rng = np.random.default_rng(0)
    x = np.linspace(0, 3, 120)
    return x, np.exp(np.sin(2 * x) + rng.normal(0, 0.1, 120))


@pytest.mark.parametrize(
    ("ways", "words"),
    [
        ({"target_scale": ["log", "linear"], "method": "features"}, "squared errors of the logarithm; squared errors"),
        ({"loss": ["mse", "huber"], "method": "features"}, "squared errors, those of outliers counting less"),
    ],
)
def test_errors_of_several_kinds_have_no_best(noisy, ways, words):
    found = surefit.compare(noisy, **ways)
    assert " *" not in str(found) and words in str(found)
    with pytest.raises(ArgumentError, match="several kinds of error"):
        _ = found.best
    found.plot()


def test_one_function_on_two_domains_has_no_best():
    near, far = (surefit.fit("sin(x)", f"x=0:{end}", **QUICK) for end in (1, 9))
    found = surefit.compare([near, far])
    assert "the largest error on x=0:1; the largest error on x=0:9" in str(found) and " *" not in str(found)
    assert " *" in str(surefit.compare([near, near]))


def test_samplings_in_a_list_are_told_apart():
    counts = [surefit.Sampling(count=20), surefit.Sampling(count=50)]
    found = surefit.compare("sin(x)", "x=-3:3", data=counts, **QUICK)
    assert found.names == ("data=Sampling(count=20)", "data=Sampling(count=50)")
    rng = np.random.default_rng(0)
    weights = [surefit.Sampling(weights=rng.uniform(1, 2, 60)) for _ in range(2)]
    x = np.linspace(0, 1, 60)
    found = surefit.compare((x, np.sin(3 * x)), data=weights, **QUICK)
    assert found.names == ("data=Sampling 1", "data=Sampling 2")
    with pytest.raises(ArgumentError, match="'8' stands twice"):
        surefit.compare("sin(x)", "x=-3:3", hidden=[8, 8], **QUICK)


def test_an_interrupt_keeps_what_was_found(monkeypatch):
    from surefit.studies import comparison

    made = []

    def interrupted(*what, **settings):
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(surefit.fit(*what, **settings))
        return made[-1]

    monkeypatch.setattr(comparison, "fit", interrupted)
    found = surefit.compare("sin(x)", "x=-3:3", hidden=[4, 6, 8], **QUICK)
    assert found.interrupted and [len(each) for each in found.results] == [1, 1, 0]
    assert found.best is made[1]
    assert "not done" in str(found) and "interrupted: not all fits were made" in str(found)
    made[:] = [None, None]  # and with nothing found there is nothing to keep
    with pytest.raises(KeyboardInterrupt):
        surefit.compare("sin(x)", "x=-3:3", hidden=[4, 6, 8], **QUICK)
