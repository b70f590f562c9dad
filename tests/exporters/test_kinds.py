"""Every kind of fit in every language: it agrees with what the fit predicts, or is refused with the way out."""

from __future__ import annotations

import importlib.util
import shutil

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.data import Sampling
from surefit.errors import ArgumentError, ExportError
from surefit.exporters import FORMATS

QUICK = surefit.Adam(epochs=2)
NEAR = 2e-13  # of the largest value; a language rounds in its own way, and terms of opposite sign cancel


def rows(n: int = 40, d: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(n, d))
    return x, np.sin(6 * x[:, 0]) * x[:, -1] + 0.02 * rng.normal(size=n)


def mixed() -> dict[str, list]:
    """Columns of numbers, texts, dates, and yes and no."""
    x, y = rows()
    days = [f"2024-01-{1 + i % 28:02d}" for i in range(len(x))]
    colours = ["red", "green", "blue"]
    return {
        "width [mm]": x[:, 0].tolist(), "colour": [colours[i % 3] for i in range(len(x))], "day": days,
        "new": [i % 2 == 0 for i in range(len(x))], "price": y.tolist(),
    }  # fmt: skip


def made(kind: str):
    x, y = rows()
    one = "x=-1:1"
    if kind == "formula":
        return surefit.fit("sin(a)*exp(b)", "a=-1:2, b=0:1", seed=0, tol=1e-2)
    if kind == "kinks":
        return surefit.fit("abs(x)", one, seed=0)
    if kind == "quadratic":
        return surefit.fit("a^2 + b*c - c^2", "a=-1:1, b=-1:1, c=-1:1", seed=0)
    if kind == "logarithmic":
        return surefit.fit("log10(p)", {"p": (1e-3, 1e6, "log")}, seed=0, tol=1e-2)
    if kind == "two outputs":
        return surefit.fit(["sin(x)", "cos(x)"], one, seed=0, tol=1e-2)
    if kind == "callable":
        return surefit.fit(np.tanh, (-1, 1), seed=0, tol=1e-2)
    if kind == "taught":
        return surefit.fit((x[:16, :1], np.sin(6 * x[:16, 0])), data=Sampling(noise=0), seed=0)
    if kind == "additive":
        return surefit.fit((x, y), method="additive", seed=0)
    if kind == "linear":
        return surefit.fit((x, y), method=surefit.Polynomial(degree=1), seed=0)
    if kind == "mixed":
        return surefit.fit(mixed(), target="price", method=QUICK, model=(4,), seed=0)
    if kind == "gaps":
        gaps = {"a": [None, *x[1:, 0].tolist()], "b": x[:, 1].tolist(), "c": y.tolist()}
        return surefit.fit(gaps, missing="median", method=QUICK, model=(4,), seed=0)
    if kind == "logarithmic target":
        return surefit.fit((x, np.exp(y)), target_scale="log", method="features", model=(6,), seed=0)
    if kind == "two classes":
        return surefit.fit((x, np.where(y > 0, "up", "down")), task="classify", method=QUICK, model=(4,), seed=0)
    if kind == "three classes":
        labels = np.digitize(y, [-0.2, 0.3])
        return surefit.fit((x, labels), task="classify", method="features", model=(6,), seed=0)
    if kind == "module":
        net = nn.Sequential(nn.Linear(1, 3, generator=1), nn.Sin(), nn.Linear(3, 1, generator=3))
        return surefit.fit(np.tanh, (-1, 1), method=QUICK, model=net, data=Sampling(count=30))
    if kind == "float32":
        return surefit.fit("sin(x)", one, tol=1e-2, seed=0).to("float32")
    if kind == "constructed":
        return surefit.construct("x^2", one, tol=1e-2)
    if kind == "no hidden layer":
        return surefit.fit((x, y), method=QUICK, model=(), seed=0)
    if kind == "periodic":
        return surefit.fit("sin(9*x)", one, method=QUICK, model=surefit.MLPSpec((6,), nn.Sin(3.0)), seed=0)
    if kind == "quantile":
        return surefit.fit((x, y), quantile=(0.1, 0.9), method=QUICK, model=(4,), seed=0)
    if kind == "jump":
        return surefit.fit("floor(x) + x", "x=-1.5:1.5", seed=0)
    if (
        kind == "odd names"
    ):  # words of the languages, the same after cleaning or in capitals, long, of no letters at all
        names = ["int", "end", "a b", "a_b", "A_B", "q" * 200, "温度", '"<&>\\', "der(time)"]
        outs = ["double", "var", "x", "y_", "-1"]
        x9 = np.random.default_rng(1).uniform(size=(40, 9))
        columns = {n: x9[:, i].tolist() for i, n in enumerate(names)}
        columns |= {n: np.sin(3 * x9[:, 0] + i).tolist() for i, n in enumerate(outs)}
        return surefit.fit(columns, target=outs, method=QUICK, model=(5,), seed=0)
    if kind == "distilled":
        return surefit.distil(lambda points: np.sin(points[:, 0]), one, seed=0)
    if kind == "ensemble":
        return surefit.ensemble("sin(x)", one, members=3, method=QUICK, model=(4,), seed=0)
    raise AssertionError(kind)


KINDS = (
    "formula", "kinks", "quadratic", "logarithmic", "two outputs", "callable", "taught", "additive", "linear", "mixed",
    "gaps", "logarithmic target",
    "two classes", "three classes", "module", "float32", "constructed", "distilled", "ensemble", "no hidden layer",
    "periodic", "quantile", "jump", "odd names",
)  # fmt: skip
STRAIGHT = ("kinks", "constructed")  # one input, straight pieces
LONG = ("formula", "taught", "three classes", "additive")  # whose formula may be too long for a cell


@pytest.fixture(scope="module")
def fits():
    known: dict[str, object] = {}

    def fit(kind: str):
        if kind not in known:
            known[kind] = made(kind)
        return known[kind]

    return fit


def points_of(fit) -> np.ndarray:
    one = fit.fits[0] if isinstance(fit, surefit.Ensemble) else fit
    box = one.domain
    return box.low + (box.high - box.low) * np.random.default_rng(1).random((20, len(box.names)))


def predicted(fit, x: np.ndarray) -> np.ndarray:
    """What a user sees: values (n, k), of classes the probabilities."""
    y = fit.predict_proba(x) if getattr(fit, "classified", None) is not None else fit.predict(x)
    return y.reshape(len(x), -1)


@pytest.mark.parametrize("kind", KINDS)
def test_numpy_gives_what_predict_gives(fits, kind, tmp_path):
    fit = fits(kind)
    x = points_of(fit)
    (path,) = fit.export(tmp_path / "m.py").paths
    spec = importlib.util.spec_from_file_location("m", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    want = predicted(fit, x)
    dtype = getattr(fit, "dtype", np.dtype(np.float64))
    assert module.evaluate(x).shape == want.shape
    size = 1e-6 if np.float32 in (dtype, getattr(getattr(fit, "fits", [None])[0], "dtype", dtype)) else NEAR
    assert np.abs(module.evaluate(x) - want).max() <= size * max(1.0, np.abs(want).max())


@pytest.mark.parametrize("to", ["c", "fmu3", "casadi"])
@pytest.mark.skipif(not shutil.which("gcc"), reason="no C compiler on this machine")
@pytest.mark.parametrize("kind", ["taught", "mixed", "three classes", "ensemble", "logarithmic", "odd names", "jump"])
def test_what_is_c_has_the_bits_of_the_model(fits, kind, to, tmp_path):
    if to == "fmu3":
        pytest.importorskip("fmpy", reason="runs FMUs")
    assert fits(kind).export(tmp_path / "m", to, verify=20).compared.exact


def exported(fit, path, to: str, **wanted):
    """What was written, or the sentence with which it was refused."""
    try:
        return fit.export(path, to, **wanted)
    except ExportError as e:
        return str(e)


@pytest.mark.parametrize("kind", KINDS)
def test_tables_and_formulas_agree_or_name_the_way_out(fits, kind, tmp_path):
    for to, agrees in (("table", kind in STRAIGHT), ("formula", kind not in LONG)):
        found = exported(fits(kind), tmp_path / "m", to, verify=50)
        if isinstance(found, str):
            assert not agrees and "choose another format" in found and "\n" not in found
        else:
            assert found.compared.ulp < 5000 and (agrees or kind in LONG)


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_writes_every_kind_or_says_why_not(fits, kind, tmp_path):
    for to, form in FORMATS.items():
        if to == "onnx" and importlib.util.find_spec("onnx") is None:
            continue
        for derivative in (False, True) if form.derivative else (False,):
            found = exported(fits(kind), tmp_path / "m", to, derivative=derivative)
            if isinstance(found, str):
                assert to in ("table", "formula") and "\n" not in found
            else:
                assert all(path.stat().st_size for path in found.paths)


def test_classes_are_exported_as_probabilities(fits, tmp_path):
    text = fits("two classes").export(tmp_path / "m.py").paths[0].read_text()
    assert "outputs: P(down), P(up)" in text and "the probability of each class" in text


def test_columns_of_texts_and_dates_are_explained_and_have_units(fits, tmp_path):
    text = fits("mixed").export(tmp_path / "m.py", units={"price": "EUR"}).paths[0].read_text()
    assert "inputs: width [mm], colour=blue," in text and "day [d]" in text and "price [EUR]" in text
    assert "colour: one of blue, green, red" in text and "days since 2024-01-01" in text


@pytest.mark.parametrize("units, words", [({"q": "m"}, "no variable 'q'"), ({"x": 3}, "'x'"), ({"x": " "}, "'x'")])
def test_wrong_units_are_named(fits, units, words, tmp_path):
    with pytest.raises(ArgumentError, match=words):
        fits("kinks").export(tmp_path / "m.py", units=units)
    assert not list(tmp_path.iterdir())


def test_units_must_be_a_dict(tmp_path):
    fit = surefit.fit("x", "x=0:1", method="polynomial")
    for units in ("x=mm", ["x", "mm"], 5):
        with pytest.raises(ArgumentError, match="must be a dict of names and their units"):
            fit.export(tmp_path / "m.c", units=units)
