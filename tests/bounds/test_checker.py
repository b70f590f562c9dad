"""The independent checker: it proves again what is true, and finds what was changed."""

from __future__ import annotations

import ast
import inspect
import json

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.bounds import certify, checker
from surefit.bounds.checker import check_certificate
from surefit.cli import main

from .test_certify import ABS, two_layer


@pytest.fixture
def written(tmp_path):
    proof = certify(ABS, "x^2 - 0.1*x", "x=-1:1", rtol=0.05)
    path = proof.save(tmp_path / "c.json")
    return path, json.loads(path.read_text())


def again(path, data, model=ABS):
    path.write_text(json.dumps(data))
    return check_certificate(path, model)


def test_a_true_certificate_holds(written):
    path, _ = written
    verdict = check_certificate(path, ABS)
    assert verdict.holds is True, verdict
    assert "proved again" in str(verdict)


@pytest.mark.parametrize("formula, d", [("sin(3*x)", 1), ("x*y + exp(-x^2)", 2), ("1/(2 + x) - cos(y)", 2)])
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "softplus"])
def test_networks_and_formulas(tmp_path, formula, d, activation):
    net = nn.MLP(d, (6,), 1, activation=activation, generator=1, dtype=np.float64)
    proof = certify(net, formula, dict.fromkeys("xy"[:d], (-1, 1)), rtol=0.1)
    assert check_certificate(proof.save(tmp_path / "c.json"), net).holds is True


def test_another_model_is_found(written):
    path, _ = written
    other = two_layer([1.0, -1.0], [0.0, 5e-324], [1.0, 1.0])
    assert "another SHA-256" in check_certificate(path, other).why


def change(*keys, by):
    def edit(data):
        place = data
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = by(place[keys[-1]])

    return edit


def drop_a_box(data):
    for rows in data["leaves"].values():
        rows.pop()


EDITS = {
    "upper bound made smaller": change("error", "upper", by=lambda v: v * 0.9),
    "lower bound made larger": change("error", "lower", by=lambda v: v * 1.02),
    "place moved": change("error", "at", by=lambda at: {"x": 0.1}),
    "place outside": change("error", "at", by=lambda at: {"x": 2.0}),
    "a box left out": drop_a_box,
    "a gap of one float": change("leaves", "high", by=lambda rows: [[np.nextafter(rows[0][0], -9)], *rows[1:]]),
    "domain made larger": change("domain", "x", by=lambda ends: [ends[0], ends[1] + 1e-9]),
    "another formula": change("formulas", by=lambda texts: ["x^2 + 0.2*x"]),
    "bounds crossed": change("error", "lower", by=lambda v: v * 10),
}


@pytest.mark.parametrize("name", EDITS)
def test_what_was_changed_is_found(written, name):
    path, data = written
    EDITS[name](data)
    verdict = again(path, data)
    assert verdict.holds is False, verdict


def test_what_it_cannot_prove_it_does_not_call_proved(written):
    path, data = written
    data["mode"] = "deployed"
    assert again(path, data).holds is None
    data["mode"], data["formulas"] = "real", ["floor(x)"]
    assert again(path, data).holds is None


def test_it_shares_no_code_with_the_search():
    names = [n for n in ast.walk(ast.parse(inspect.getsource(checker))) if isinstance(n, ast.ImportFrom)]
    own = {n.module: [a.name for a in n.names] for n in names if (n.module or "").startswith("surefit")}
    assert own == {
        "surefit.bounds.certificate": ["fingerprint", "read_certificate"],
        "surefit.bounds.proving": ["program_of"],
        "surefit.formulas": ["parse"],
    }


def test_the_commands(tmp_path, capsys):
    fit = surefit.fit("exp(x)", {"x": (-1, 1)}, model=(6,), method=surefit.Adam(epochs=20), seed=0)
    model = str(fit.save(tmp_path / "m.safetensors"))
    out = str(tmp_path / "c.json")
    assert main(["certify", model, "--mode", "real", "--out", out]) == 0
    assert "proved: max |error| <=" in capsys.readouterr().out
    assert main(["check", out, model]) == 0
    assert "certificate holds" in capsys.readouterr().out
    assert main(["certify", model, "--tol", "1e-9"]) == 3
    assert "disproved" in capsys.readouterr().out
    assert main(["certify", model, "x + z"]) == 2
    assert "depends on z" in capsys.readouterr().err
    assert main(["check", model, model]) == 2
    assert "cannot be read as a certificate" in capsys.readouterr().err
