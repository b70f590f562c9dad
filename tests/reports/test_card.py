"""The card tells what was fitted, how good it is in which units, what it was measured on, and that a bad fit is bad."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from sklearn.metrics import r2_score

import surefit
from surefit.data import Sampling
from surefit.reports.card import r2_words
from surefit.sentences import SENTENCES

RNG = np.random.default_rng(7)
X = RNG.uniform(-1, 1, (80, 2))
TWO = {"speed": X[:, 0], "load": X[:, 1], "force": 1e5 * np.sin(X[:, 0]), "gap": 1e-3 * X[:, 0] * X[:, 1]}
SPLIT = Sampling(split=(0.6, 0.2, 0.2))


def rows(fit):
    return dict(fit.card_rows())


def text_of(figure):
    from matplotlib.text import Text

    return "\n".join(t.get_text() for t in figure.findobj(Text)).replace("\N{MINUS SIGN}", "-")


@pytest.fixture(scope="module")
def table():
    return surefit.fit((X, np.sin(X[:, 0])), data=SPLIT, method="features")


@pytest.fixture(scope="module")
def outputs():
    y = np.stack([TWO["force"], TWO["gap"]], axis=1)
    return surefit.fit((X, y), data=SPLIT, method="features")


# --- what was fitted ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_inputs_and_target_are_named(tmp_path):
    path = tmp_path / "bench.csv"
    names = ("speed", "load", "force")
    path.write_text(
        ",".join(names) + "\n" + "\n".join(",".join(map(str, r)) for r in zip(*(TWO[n] for n in names), strict=True))
    )
    assert rows(surefit.fit(str(path), method="features"))["target"] == "bench.csv (80 rows): force from speed, load"

    def draught(speed, load):
        return speed + load

    fit = surefit.fit(draught, {"speed": (0, 1), "load": (0, 1)}, method="features")
    assert rows(fit)["target"].startswith("draught():") and rows(fit)["target"].endswith("from speed, load")


def test_many_inputs_do_not_fill_the_card():
    x = RNG.normal(size=(100, 40))
    fit = surefit.fit((x, x[:, 0]), method="features", model=(8,))
    shown = rows(fit)
    assert "x6 and 34 more" in shown["target"] and shown["domain"].endswith("and 34 more")
    assert "(40 inputs)" in shown["max |error|"]
    assert max(map(len, shown.values())) < 250
    assert len(fit.error.at) == 40  # for programs, all


# --- how good it is -------------------------------------------------------------------------------------------------


def test_rows_and_their_number_are_on_the_card(table):
    assert "(largest of 16 test rows: of 17 new rows one is expected to exceed it)" in rows(table)["max |error|"]
    many = surefit.fit((np.linspace(-1, 1, 1000), np.linspace(-1, 1, 1000) ** 2), method="features")
    assert rows(many)["max |error|"].endswith("(largest of 100 test rows)")
    held = surefit.fit((X, X[:, 0]), data=Sampling(split=(0.8, 0.2, 0)), method="features")
    assert "16 validation rows, which also chose the network" in rows(held)["max |error|"]
    fitted = surefit.fit((X, X[:, 0]), data=Sampling(split=(1, 0, 0)), method="features")
    assert "(estimated by leave-one-out: the largest of 80 rows)" in rows(fitted)["max |error|"]
    assert (held.to_dict()["error"]["kind"], held.to_dict()["error"]["chose"]) == ("validation", True)


def test_one_output_is_told_with_its_units_and_r2(table):
    x, y = table.problem.test
    share = r2_score(y[:, 0], table.predict(x))
    low, high = table.error.rmse_range  # eight test rows say little
    assert rows(table)["rmse"] == (
        f"{table.error.rmse:.3g} ({low:.2g} to {high:.2g} in 90% of such fits) in the units of y, R² "
        f"{r2_words(share)}, relative L2 {table.error.relative_l2:.3g}"
    )
    assert table.to_dict()["error"]["r2"] == pytest.approx(share)


def test_each_of_several_outputs_has_a_line_in_its_own_units(outputs):
    x, y = outputs.problem.test
    miss = outputs.predict(x) - y
    shown, data = outputs.card_rows(), outputs.to_dict()["error"]["outputs"]
    for j, name in enumerate(outputs.outputs):
        (line,) = [text for label, text in shown if label.strip() == name]
        assert f"max |error| {np.abs(miss[:, j]).max():.3g}, rmse {np.sqrt(np.mean(miss[:, j] ** 2)):.3g}" in line
        assert f"R² {r2_words(r2_score(y[:, j], outputs.predict(x)[:, j]))}" in line
        assert data[j]["max"] == pytest.approx(np.abs(miss[:, j]).max())
    assert rows(outputs)["max |error|"].startswith("y1: ")  # the large one


def test_many_outputs_show_the_worst_of_them():
    y = np.stack([np.sin(k * X[:, 0]) for k in range(1, 13)], axis=1)
    y[:, 4] = RNG.normal(size=80)
    fit = surefit.fit((X, y), method="features", model=(12,))
    shown = fit.card_rows()
    assert next(label for label, _ in shown if label.startswith("  ")).strip() == "y5"
    assert any(text == "and 6 more outputs, of larger R²" for _, text in shown)
    assert len(fit.to_dict()["error"]["outputs"]) == 12


def test_what_decided_among_restarts_has_its_units():
    method, plan = surefit.Adam(epochs=3), Sampling(count=30, verify=200)
    exact = surefit.fit("x", "x=0:1", method=method, model=(3,), data=plan, restarts=2)
    assert "networks, errors" in rows(exact)["restarts"] and "deviations" not in rows(exact)["restarts"]
    noisy = surefit.fit((X, X[:, 0]), method=method, model=(3,), restarts=2)
    assert "networks, errors in deviations of the target" in rows(noisy)["restarts"]


@pytest.mark.parametrize(
    "value, words",
    [(0.5, "0.5"), (-3.21, "-3.21"), (0.99, "0.99"), (0.99997, "0.99997"), (1.0, "1"), (1 - 1e-12, "1 - 1e-12")],
)
def test_r2_is_1_only_where_it_is(value, words):
    assert r2_words(value) == words


def test_card_and_numbers_survive_the_file(table, outputs, tmp_path):
    for fit in (table, outputs):
        again = surefit.load(fit.save(tmp_path / "m.safetensors"))
        assert again.error == fit.error and again.card() == fit.card()
        assert json.loads(json.dumps(fit.to_dict()["error"])) == fit.to_dict()["error"]


# --- one number on card and picture ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("domain", ["x=-2:2", "x=-2:2, y=-1:3", "x=-2:2, y=-1:3, z=0:1"])
def test_pictures_tell_the_largest_error_of_the_card(domain):
    names = surefit.Domain(domain).names
    target = " + ".join(f"exp(-20*({n} - 0.3)^2)" for n in names)
    fit = surefit.fit(target, domain, method=surefit.Adam(epochs=20), model=(6,), data=Sampling(count=100))
    number = f"{fit.error.max:.3g}"
    pictures = ("error",) if len(names) > 2 else ("error", "fit")  # slices show lines, and say so
    for kind in pictures:
        assert f"max |error| {number}" in text_of(fit.plot(kind)), kind


@pytest.mark.slow
def test_pictures_of_a_table_tell_the_rows_of_the_card(table):
    for kind in ("error", "fit"):
        assert f"max |error| {table.error.max:.3g}" in text_of(table.plot(kind))
    three = surefit.fit((RNG.normal(size=(60, 3)), RNG.normal(size=60)), data=SPLIT, method="features", model=(3,))
    numbers = f"test: RMSE {three.error.rmse:.3g}, max |error| {three.error.max:.3g}, R² {r2_words(three.error.r2)}"
    assert numbers in text_of(three.plot("fit"))
    held = surefit.fit((X[:, :1], X[:, 0] ** 3), data=Sampling(split=(0.8, 0.2, 0)), method="features", model=(3,))
    drawn = text_of(held.plot("fit"))
    assert f"validation data: max |error| {held.error.max:.3g}" in drawn and "test" not in drawn


# --- a bad fit says so ----------------------------------------------------------------------------------------------


def bad_words(fit):
    return [getattr(w, "code", "") for w in fit.to_dict()["warnings"]]


def test_a_fit_of_nothing_is_called_so():
    noise = surefit.fit((X, RNG.normal(size=80)), data=SPLIT, method="features")
    assert bad_words(noise)[-1] in ("unlearned-data", "unlearned-outputs")
    wild = surefit.fit("sin(900*x)", "x=-3:3", method="features", model=(8,))
    assert bad_words(wild) == ["unlearned-function"]


def test_an_offset_does_not_hide_that_nothing_was_learned():
    """Temperatures in kelvin: 3 % of the size of the target, and all of its variance."""
    fit = surefit.fit((X, 300.0 + RNG.normal(size=80)), data=SPLIT, method="features", model=(2,))
    assert fit.error.relative_l2 < 0.01
    assert bad_words(fit) == ["unlearned-outputs"] and "R² of y" in fit.card()


def test_one_output_among_good_ones_is_called_bad():
    y = np.stack([1e5 * X[:, 0], 1e-3 * np.random.default_rng(3).normal(size=80)], axis=1)
    fit = surefit.fit((X, y), data=SPLIT, method="features", model=(6,))
    assert bad_words(fit) == ["unlearned-outputs"] and "(R² of y2" in fit.card()


def test_a_place_that_was_missed_is_told():
    fit = surefit.fit("heaviside(x)", "x=-1:1", method="features", model=(40,))
    assert bad_words(fit) == ["unlearned-place"]
    assert abs(next(iter(fit.error.at.values()))) < 0.1 and "a jump" in fit.card()


def test_a_good_fit_and_one_within_its_tolerance_are_not_called_bad():
    assert bad_words(surefit.fit("sin(x)", "x=-3:3")) == []
    assert bad_words(surefit.fit((X, np.sin(X[:, 0])), method="features")) == []
    assert bad_words(surefit.fit("heaviside(x)", "x=-1:1", tol=2.0, method="features", model=(10,))) == []


def test_sentences_about_errors_are_said_in_chinese(table):
    words = table.error.sentence().said("zh")
    assert "测试行" in words and f"{table.error.max:.3g}" in words
    for code in (c for c in SENTENCES if c.startswith(("error-", "unlearned-"))):
        assert any("\u4e00" <= c <= "\u9fff" for c in SENTENCES[code].zh)


@pytest.mark.slow
def test_reports_tell_the_same(outputs, tmp_path):
    text = outputs.report(tmp_path / "r.md").read_text(encoding="utf-8")
    for part in outputs.error.outputs:
        assert f"{part.max:.3g}" in text and f"{part.rmse:.3g}" in text
    held = surefit.fit((X, X[:, 0]), data=Sampling(split=(0.8, 0.2, 0)), method="features")
    assert "which also chose the network" in held.report(tmp_path / "h.md").read_text(encoding="utf-8")
    assert "也用于选定网络" in held.report(tmp_path / "z.md", lang="zh").read_text(encoding="utf-8")
    assert not math.isnan(held.error.r2)


def test_the_card_as_data_is_json():
    """R² of a constant is NaN, the error left out of one row is infinite: JSON has neither."""
    for target, box in (("3", "x=0:1"), (([1.0], [2.0]), None)):
        fit = surefit.fit(target, box)
        assert json.loads(json.dumps(fit.to_dict(), allow_nan=False))["error"]["r2"] is None


def test_a_table_of_one_row_says_that_it_tells_nothing_of_the_error():
    fit = surefit.fit(([1.0], [2.0]), seed=0)
    assert fit.stop_reason.code == "single-row"
    assert "one row tells the value at one place" in fit.card()
    assert "left out one by one" not in fit.card()
    assert "唯一的一行" in fit.card("zh")
    assert "one row tells" not in surefit.fit(([1.0, 2.0, 3.0], [2.0, 4.0, 6.0]), seed=0).card()
