"""Certificates that an earlier surefit wrote are proved again by today's checker, with the model files of then."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import surefit
from surefit.bounds.certificate import read_certificate
from surefit.bounds.checker import check_certificate
from surefit.bounds.properties import _combined
from surefit.cli import main

EARLIER = Path(__file__).parent / "earlier"
PAIRS = {path.stem: EARLIER / f"{path.stem.removesuffix('-real')}.safetensors" for path in EARLIER.glob("*.json")}
PAIRS.pop("relation")  # whose model is a program


def test_there_are_some_of_every_kind():
    methods = {name: str(read_certificate(EARLIER / f"{name}.json")["method"]) for name in PAIRS}
    assert "straight pieces" in methods["relu-1d"]
    assert "balls" in methods["tanh-1d"]
    assert "linear bounds" in methods["relu-2d"]
    assert "Taylor models" in methods["tanh-2d"]
    assert "sum of proved functions" in methods["construct-2d"]
    assert sum(path.stat().st_size for path in EARLIER.iterdir()) < 200_000


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_it_is_proved_again(name, capsys):
    path, model = EARLIER / f"{name}.json", PAIRS[name]
    data = json.loads(path.read_text())
    assert main(["check", str(path), str(model), "--time", "600"]) == 0
    said = capsys.readouterr().out
    assert "certificate holds" in said
    assert ("rounding of the running model" in said) == (data["mode"] == "deployed")


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_the_model_of_then_has_the_error_that_was_proved(name):
    """The lower bound is reached at its point, and no point is above the upper one: the model was read as it was."""
    data, fit = json.loads((EARLIER / f"{name}.json").read_text()), surefit.load(PAIRS[name])
    formula, names = surefit.parse(data["formulas"][0]), list(data["domain"])
    low, high = np.array(list(data["domain"].values())).T
    x = np.random.default_rng(0).uniform(low, high, (5000, len(names)))
    x = np.concatenate([x, np.array([[data["error"]["at"][n] for n in names]])])
    if str(fit.dtype) == "float32":
        x[:-1] = x[:-1].astype(np.float32)
    values = formula(*(x[:, names.index(v)] for v in formula.variables))
    error = np.abs(np.ravel(fit.predict(x)) - values)
    lower, upper = data["error"]["lower"], data["error"]["upper"]
    assert error[-1] == pytest.approx(lower, rel=1e-6)
    assert error.max() <= upper * (1 + 1e-12)


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_a_smaller_bound_is_still_refused(name, tmp_path):
    """So that it is not proved because everything is."""
    data = json.loads((EARLIER / f"{name}.json").read_text())
    upper = 0.9 * data["error"]["lower"]
    data["error"] |= {"upper": upper, "outputs": dict.fromkeys(data["error"]["outputs"], upper), "lower": 0.0}
    path = tmp_path / "c.json"
    path.write_text(json.dumps(data))
    assert check_certificate(path, surefit.load(PAIRS[name]).model, time=60).holds is not True


def test_another_model_is_refused_in_a_sentence(capsys):
    assert main(["check", str(EARLIER / "relu-2d.json"), str(PAIRS["tanh-2d"])]) != 0
    assert "another model" in "".join(capsys.readouterr())


def test_a_relation_of_then_is_refused_in_a_sentence():
    """Its certificate held the relation, and not the formula that was proved: there is nothing to prove again."""
    fit = surefit.load(PAIRS["tanh-2d"])
    verdict = check_certificate(EARLIER / "relation.json", _combined(fit.model, 2, np.ones(1)))
    assert verdict.holds is not True
    assert str(verdict).count("\n") == 0
    assert "its formulas" in str(verdict)
    again = surefit.verify(fit.model, "z - x <= 3", fit.domain, outputs=["z"])
    assert again.holds is True
