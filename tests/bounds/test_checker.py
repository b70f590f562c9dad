"""The independent checker: it proves again what is true, and finds what was changed."""

from __future__ import annotations

import ast
import inspect
import json

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.bounds import certify, checker, checker_arithmetic
from surefit.bounds.checker import check_certificate
from surefit.bounds.proving import program_of
from surefit.cli import main
from surefit.errors import DataError, SurefitError

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


@pytest.mark.parametrize(
    "formula", ["floor(x)", "atan2(x, 1)", "x^2.00000000000000000001 - 0.1*x", "x if x > 0 else -x"]
)
def test_what_it_cannot_prove_it_does_not_call_proved(written, formula):
    path, data = written
    data["formulas"] = [formula]
    assert again(path, data).holds is None


def test_a_layer_that_is_wider_than_its_sums_are_counted_is_left_unchecked(tmp_path):
    net = two_layer([1.0] * 4001, [0.0] * 4001, [1e-3] * 4001)
    proof = certify(net, "x", "x=0.5:1", rtol=0.5)
    assert check_certificate(proof.save(tmp_path / "c.json"), net).holds is None


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "gelu", "softplus"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_rounding_of_the_running_model_is_proved_again(tmp_path, activation, dtype):
    """Its own bound of the rounding contains what NumPy and the compiled program give."""
    fit = surefit.fit("sin(2*x)*y", "x=-1:1, y=-1:1", model=surefit.MLPSpec((8,), activation), dtype=dtype,
                      method=surefit.Adam(epochs=4), seed=0)  # fmt: skip
    proof = fit.certify(rtol=0.1)
    path = proof.save(tmp_path / "c.json")
    verdict = check_certificate(path, fit.model)
    assert verdict.holds is True and "rounding of the running model" in verdict.why
    program = program_of(fit.model, 2)
    x = np.random.default_rng(0).uniform(-1, 1, (300, 2))
    nothing = [surefit.parse("0*x + 0*y")]
    exact = checker.residual(program, nothing, ["x", "y"], x, x, None)
    noisy = checker.residual(program, nothing, ["x", "y"], x, x, "any")
    off = np.abs(-fit.predict(x)[:, None] - exact.c[..., 0])
    assert (off <= noisy.size - np.abs(noisy.c[..., 0]) + exact.e).all()
    assert (noisy.e > exact.e).all() and (noisy.e < (1e-4 if dtype == "float32" else 1e-12)).all()
    data = json.loads(path.read_text())
    data["error"] |= {"upper": 0.98 * proof.lower, "lower": 0.5 * proof.lower}
    assert again(path, data, fit.model).holds is False


def test_a_tight_bound_of_a_rounding_network_is_not_called_proved(tmp_path):
    """Two large weights cancel: in float32 nothing as small as the real error holds."""
    net = two_layer([1e3, 1e3], [0.0, 1.0], [1e3, -1e3], dtype=np.float32)
    proof = certify(net, "-1000 + 0*x", "x=0.5:1", rtol=0.01)
    data = proof.to_dict() | {"mode": "deployed"}
    path = proof.save(tmp_path / "c.json")
    assert check_certificate(path, net).holds is not False
    assert again(path, data, net).holds is not True


@pytest.mark.parametrize("part, imports", [
    (checker, {
        "surefit.bounds.certificate": ["fingerprint", "read_certificate"],
        "surefit.bounds.checker_arithmetic": [
            "PAD", "PI", "REAL", "SMALL", "UNITS", "UP", "Taylor", "Unknown", "basis", "value",
        ],
        "surefit.bounds.proving": ["program_of"],
        "surefit.formulas": ["parse"],
        "surefit.formulas.exact": ["literal"],
        "surefit.ir.mathlib": ["MAX_ULP"],
    }),
    (checker_arithmetic, {}),
])  # fmt: skip
def test_it_is_short_and_shares_no_code_with_the_search(part, imports):
    source = inspect.getsource(part)
    names = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.ImportFrom)]
    assert {n.module: [a.name for a in n.names] for n in names if (n.module or "").startswith("surefit")} == imports
    assert sum(1 for line in source.splitlines() if line.strip()) < 230


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


def places(part, at=()):
    """Every place in plain data, of lists the first two."""
    if at:
        yield at
    pairs = part.items() if isinstance(part, dict) else enumerate(part[:2]) if isinstance(part, list) else ()
    for key, inner in pairs:
        yield from places(inner, (*at, key))


def test_whatever_is_changed_in_a_certificate_leads_to_a_verdict_or_one_error_of_surefit(written):
    path, data = written
    claims = {"domain", "formulas", "model_sha256"}  # of the others a change may leave what is true
    tried = 0
    for at in places(data):
        for value in (None, [], {}, "x", -1.0, float("nan"), "9" * 400, [[1]]):
            changed = json.loads(json.dumps(data))
            place = changed
            for key in at[:-1]:
                place = place[key]
            if place[at[-1]] == value:
                continue
            place[at[-1]] = value
            tried += 1
            try:
                holds = again(path, changed).holds
            except SurefitError:
                continue
            assert holds is not True or at[0] not in claims, at
    assert tried > 200


@pytest.mark.parametrize("text", ['{"a":' * 100_000, "[" * 10**6, '{"format": ' + "9" * 5000 + "}", "[]", "NaN", "\0"])
def test_what_is_no_certificate_is_refused(tmp_path, text):
    path = tmp_path / "c.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"c\.json"):
        check_certificate(path, ABS)
