"""The independent checker: it proves again what is true, and finds what was changed."""

from __future__ import annotations

import ast
import copy
import inspect
import json

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.bounds import certify, checker, checker_arithmetic, checker_rounding
from surefit.bounds.certificate import fingerprint
from surefit.bounds.checker import check_certificate
from surefit.bounds.properties import _combined
from surefit.bounds.proving import program_of
from surefit.cli import main
from surefit.core import ops
from surefit.core.tensor import Tensor
from surefit.errors import DataError, SurefitError
from surefit.formulas import parse

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


def test_an_input_may_have_the_name_of_a_constant(tmp_path):
    """e*x is a product of two inputs then."""
    net = nn.MLP(2, (6,), 1, activation="tanh", generator=1, dtype=np.float64)
    proof = certify(net, "e*x", {"e": (-1, 1), "x": (-1, 1)}, rtol=0.1)
    assert check_certificate(proof.save(tmp_path / "c.json"), net).holds is True


def mlp(d, widths, activation, gain=1.0, dtype=np.float64):
    net = nn.MLP(d, widths, 1, activation=activation, generator=2, dtype=dtype)
    for p in net.parameters():
        p.assign((gain * p.detach().numpy()).astype(dtype))
    return net


@pytest.mark.parametrize(
    "text",
    ["max(x, y)", "abs(x - y)", "clip(x + y, -0.5, 0.5)", "x if x > y else y", "abs(abs(x) - abs(y))",
     "max(x, 0.3) + pi*y", "abs(x - z) + relu(y + z - 0.1)", "where(x + y > 0, x + y, 0.1*(x + y))"],
)  # fmt: skip
@pytest.mark.parametrize("mode", ["real", "deployed"])
def test_kinks_that_cancel(tmp_path, text, mode):
    """The fit is exact but for rounding, and a network whose kinks are a little elsewhere is not."""
    names = [v for v in "xyz" if v in surefit.parse(text).variables]
    fit = surefit.fit(text, dict.fromkeys(names, (-1, 1)), tol=1e-12, seed=0)
    proof = fit.certify(mode=mode, tol=4e-14)
    path = proof.save(tmp_path / "c.json")
    verdict = check_certificate(path, fit.model, tol=4e-14, time=None)
    assert verdict.holds is True and verdict.boxes < 100, verdict
    first = next(p for name, p in fit.model.named_parameters() if name.endswith("0.weight"))
    first.assign(first.detach().numpy() * np.array([1 + 1e-9, *[1.0] * (len(names) - 1)]))
    x = np.random.default_rng(0).uniform(-1, 1, (2000, len(names)))
    assert np.abs(fit.model(Tensor(x)).detach().numpy()[:, 0] - surefit.parse(text)(*x.T)).max() > 1e-11
    data = json.loads(path.read_text())
    data |= {"model_sha256": fingerprint(program_of(fit.model, len(names)))}
    data["error"] |= {"lower": 0.0}
    path.write_text(json.dumps(data))
    assert check_certificate(path, fit.model, tol=4e-14, time=1).holds is not True


@pytest.mark.parametrize(
    "text, domain",
    [("hypot(x, y)", "x=1:2, y=1:2"), ("atan2(y, x)", "x=-2:-1, y=0.5:1"), ("asinh(x)", "x=-2:2"),
     ("cosh(x)", "x=-1:1"), ("acos(x)", "x=-0.9:0.9"), ("log10(x)", "x=1:10"), ("sec(x)", "x=-1:1"),
     ("logaddexp(x, y)", "x=-1:1, y=-1:1"),
     ("erfc(x) - cbrt(x + 2)", "x=-1:1"), ("-x if x < 0 else 2*x", "x=-1:1"), ("floor(x)", "x=0.2:0.8")],
)  # fmt: skip
def test_functions_by_others(tmp_path, text, domain):
    net = mlp(domain.count("="), (8,), "tanh")
    proof = certify(net, text, domain, rtol=0.05)
    assert check_certificate(proof.save(tmp_path / "c.json"), net).holds is True


@pytest.mark.parametrize("activation", ["leaky_relu", "elu", "relu6", "silu", "mish"])
def test_activations_that_choose(tmp_path, activation):
    net = mlp(2, (6,), activation, gain=2.0)
    proof = certify(net, "x*y", "x=-1:1, y=-1:1", rtol=0.1)
    assert check_certificate(proof.save(tmp_path / "c.json"), net).holds is True


def fitted_units(target, low, high, n=14):
    """Gains, biases and output weights of n units of tanh, and a constant, that are about the target on an interval."""
    t = np.linspace(low, high, 400)
    middle, half = (low + high) / 2, (high - low) / 2
    gain = np.linspace(0.85, 0.95, n) / half
    bias = -gain * (middle + half * np.linspace(-1.5, 1.5, n))
    units = np.tanh(np.outer(t, gain) + bias)
    weights = np.linalg.lstsq(np.column_stack([units, np.ones_like(t)]), target(t), rcond=1e-12)[0]
    return gain, bias, weights[:-1], weights[-1]


@pytest.mark.slow
def test_networks_made_of_parts(tmp_path):
    """Its units have weights of hundreds that cancel; each sees a multiple of x, of y, or of x^2 + y^2."""
    a, b, w, c = fitted_units(np.square, -1.0, 1.0)
    gain, bias, out, constant = fitted_units(np.cos, -0.1, 2.1)
    net, n = mlp(2, (2 * len(a), len(gain)), "tanh"), len(a)
    first = np.zeros((2 * n, 2))
    first[:n, 0] = first[n:, 1] = a
    values = (first, np.tile(b, 2), np.outer(gain, np.tile(w, 2)), bias + 2 * gain * c, out[None], np.array([constant]))
    for p, value in zip(net.parameters(), values, strict=True):
        p.assign(value)
    x = np.random.default_rng(0).uniform(-1, 0, (40_000, 2))
    error = np.abs(net(Tensor(x)).detach().numpy()[:, 0] - np.cos((x * x).sum(axis=1))).max()
    assert np.abs(w).sum() > 100 and np.abs(out).sum() > 50 and error < 1e-6
    path = certify(net, "cos(x^2 + y^2)", "x=-1:0, y=-1:0", boxes=1).save(tmp_path / "c.json")
    data = json.loads(path.read_text()) | {"leaves": None}
    for factor, holds in ((1.5, True), (0.9, False)):
        data["error"] |= {"upper": factor * error, "outputs": {"y": factor * error}, "lower": 0.0}
        path.write_text(json.dumps(data))
        assert check_certificate(path, net, time=None).holds is holds


def test_relations_and_pairs(tmp_path):
    """A relation is proved as a bound of outputs minus a formula, which is the one in the file."""
    net = mlp(2, (6,), "tanh")
    proof = surefit.verify(net, "y - 0.3*x1*x2 <= 2", "x1=-1:1, x2=-1:1").certificates[0]
    path = proof.save(tmp_path / "c.json")
    combined = _combined(net, 2, np.ones(1))
    verdict = check_certificate(path, combined)
    assert verdict.holds is True, verdict
    assert [float(surefit.parse(f)(1.0, 1.0)) for f in proof.formulas] == [2.3 - proof.tol]


def falsehoods():
    """Certificates that are false: what is claimed, in words, the data, and the model."""
    rng = np.random.default_rng(3)
    x = np.concatenate([rng.uniform(-1, 1, (4000, 2)), np.array([[a, b] for a in (-1.0, 1.0) for b in (-1.0, 1.0)])])
    for activation, widths, dtype, text, fn in (
        ("relu", (6, 4), np.float64, "max(x, y)", lambda u, v: np.maximum(u, v)),
        ("relu", (5,), np.float32, "abs(x - y) + 0.1*x", lambda u, v: abs(u - v) + u / 10),
        ("tanh", (6, 6), np.float64, "sin(2*x)*y", lambda u, v: np.sin(2 * u) * v),
        ("tanh", (7,), np.float32, "hypot(x + 3, y)", lambda u, v: np.hypot(u + 3, v)),
        ("leaky_relu", (5,), np.float64, "x if x > y else 0.5*y", lambda u, v: np.where(u > v, u, 0.5 * v)),
        ("sigmoid", (5,), np.float64, "log(x + 2)/(y + 2)", lambda u, v: np.log(u + 2) / (v + 2)),
    ):
        net = mlp(2, widths, activation, 2.0, dtype)
        points = x.astype(dtype).astype(float)
        error = lambda f, net=net, u=points: np.abs(f(u[:, 0], u[:, 1]) - net(Tensor(u)).detach().numpy()[:, 0]).max()
        for mode in ("real", "deployed"):
            proof = certify(net, text, "x=-1:1, y=-1:1", rtol=0.02, mode=mode, strict=False)
            top = error(fn) * (1 - 1e-6)

            def edited(proof=proof, **error):
                data = json.loads(json.dumps(proof.to_dict()))
                data["error"] |= {"lower": 0.0, **error}
                return data

            for k in (1.0, 0.99, 0.5):
                yield f"{text}: bound of {k} of the error", edited(upper=k * top, outputs={"y": k * top}), net
            for name, term, g in (
                ("term", "0.3*x", lambda u, v: 0.3 * u), ("kink", "abs(x)*0.3", lambda u, v: 0.3 * abs(u)),
                ("number", "0.3", lambda u, v: 0.3),
            ):  # fmt: skip
                for sign in (1, -1):
                    if error(lambda u, v, f=fn, s=sign, g=g: f(u, v) + s * g(u, v)) > proof.upper * 1.0001:
                        data = edited() | {"formulas": [f"({text}) + {sign}*({term})"]}
                        yield f"{text}: another {name}", data, net
            data, k = edited(), int(rng.integers(len(proof.leaves[0])))
            for rows in data["leaves"].values():
                rows[k] = rows[k - 1]
            if len(proof.leaves[0]) > 1:
                yield f"{text}: a box in the place of another", data, net
            data = edited() | {"domain": {"x": [-1, 1 + 1e-9], "y": [-1, 1]}}
            yield f"{text}: a wider domain", data, net
            for pole in ("atan(1/x)", "sigmoid(1/(x - y))", "0*log(x)", "max(1/y, 0)", "sign(log(y))"):
                yield f"undefined {pole}", edited(upper=1e6, outputs={"y": 1e6}) | {"formulas": [pole]}, net
            other = copy.deepcopy(net)
            last = list(other.parameters())[-1]
            for by in (0.1, -0.1, 1.0, -1.0):
                last.assign(list(net.parameters())[-1].detach().numpy() + np.array(by, dtype))
                if error(fn, other) > proof.upper * 1.0001:
                    data = edited() | {"model_sha256": fingerprint(program_of(other, 2))}
                    yield f"{text}: bias moved by {by}", data, copy.deepcopy(other)


@pytest.mark.slow
def test_nothing_false_is_accepted(tmp_path):
    tried = 0
    for what, data, net in falsehoods():
        tried += 1
        path = tmp_path / "c.json"
        path.write_text(json.dumps(data))
        assert check_certificate(path, net, time=0.2).holds is not True, what
    assert tried > 150


def test_another_model_is_found(written):
    path, _ = written
    other = two_layer([1.0, -1.0], [0.0, 5e-324], [1.0, 1.0])
    assert "another SHA-256" in check_certificate(path, other).why


def test_the_model_is_described_and_rounding_stands_apart(written, tmp_path):
    _, data = written
    operations = data["operations"]
    assert len(operations) == 2 + len(program_of(ABS, 1).equations)
    assert "float64[1,1]" in operations[0] and "relu(" in "".join(operations) and data["rounding"] is None
    net = mlp(2, (8,), "tanh", dtype=np.float32)
    deployed = certify(net, "x*y", "x=-1:1, y=-1:1", mode="deployed")
    assert 1e-8 < deployed.rounding < 1e-5 < deployed.upper
    again_read = type(deployed).from_dict(json.loads(json.dumps(deployed.to_dict())))
    assert (again_read.rounding, again_read.operations) == (deployed.rounding, deployed.operations)


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
    "other operations": change("operations", by=lambda lines: [lines[0], lines[2], lines[1], *lines[3:]]),
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
    "formula", ["round(x)", "gamma(x + 3)", "x^2.00000000000000000001 - 0.1*x", "(x > 0)*x^2 - 0.1*x"]
)
def test_what_it_cannot_prove_it_does_not_call_proved(written, formula):
    path, data = written
    data["formulas"] = [formula]
    assert again(path, data).holds is None


class Counting(nn.Module):
    """A condition that is moved, and then taken for a number."""

    def __init__(self, kind):
        super().__init__()
        self.kind, self.one = kind, nn.Parameter(np.ones(1))

    def forward(self, x):
        c = ops.reshape(ops.gt(x, 0.5), shape=x.shape)
        return ops.cast(c, dtype=np.dtype(np.float64)) if self.kind == "cast" else ops.where(c, x * 1.0, -x)


@pytest.mark.parametrize("kind, formula, never", [
    ("cast", "x - 0.5", True), ("where", "x if x > 0.5 else -x", False), ("where", "x > 0.5", True),
    ("where", "x if (x > 0 if x > 0.2 else x < 1) else 0", True), ("where", "abs(x > 0.5)", True),
])  # fmt: skip
def test_a_condition_is_no_number(written, kind, formula, never):
    path, data = written
    model = Counting(kind)
    data |= {"formulas": [formula], "model_sha256": fingerprint(program_of(model, 1)), "operations": [], "leaves": None}
    data["error"] |= {"upper": 1.7, "lower": 0.0, "outputs": {"y": 1.7}}
    assert again(path, data, model).holds is (None if never else True)


@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_only_boxes_that_tile_the_domain_cover_it(d):
    """Boxes that were cut at random, in any order; with one moved, doubled, turned around, or left out they do not."""
    rng = np.random.default_rng(d)
    box = [(-1.0, float(rng.uniform(0.5, 2))) for _ in range(d)]
    low, high = (np.array([[e[i] for e in box]]) for i in (0, 1))
    for _ in range(40):
        k, axis = rng.integers(len(low)), rng.integers(d)
        cut = rng.uniform(low[k, axis], high[k, axis])
        low, high = np.concatenate([low, low[k : k + 1]]), np.concatenate([high, high[k : k + 1]])
        high[k, axis] = low[-1, axis] = cut
    order = rng.permutation(len(low))
    low, high = low[order], high[order]
    assert checker.covered(low, high, box)
    k, axis = rng.integers(len(low)), rng.integers(d)
    assert not checker.covered(np.delete(low, k, 0), np.delete(high, k, 0), box)
    assert not checker.covered(np.concatenate([low, low[k : k + 1]]), np.concatenate([high, high[k : k + 1]]), box)
    assert not checker.covered(low, high, [(a, b + (i == axis) * 1e-15) for i, (a, b) in enumerate(box)])
    for side, by in ((low, 2.0), (low, -2.0), (high, 2.0), (high, -2.0)):
        old = side[k, axis]
        side[k, axis] = np.nextafter(old, by)
        assert not checker.covered(low, high, box)
        side[k, axis] = old
    low[k], high[k] = high[k].copy(), low[k].copy()
    assert not checker.covered(low, high, box)


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
        "surefit.bounds.certificate": ["described", "fingerprint", "read_certificate"],
        "surefit.bounds.checker_arithmetic": [
            "PAD", "PI", "Condition", "Space", "Taylor", "Unknown", "basis", "joined", "where",
        ],
        "surefit.bounds.checker_rounding": ["REAL", "UP", "halves_of"],
        "surefit.bounds.proving": ["program_of"],
        "surefit.formulas": ["parse"],
        "surefit.formulas.exact": ["literal"],
    }),
    (checker_arithmetic, {
        "surefit.bounds.checker_rounding": ["REAL", "U", "UNITS", "UP", "half_unit", "of_sums"],
    }),
    (checker_rounding, {"surefit.ir.mathlib": ["STRICT_ULP"]}),
])  # fmt: skip
def test_it_is_short_and_shares_no_code_with_the_search(part, imports):
    source = inspect.getsource(part)
    names = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.ImportFrom)]
    found = {}
    for n in names:
        if (n.module or "").startswith("surefit"):
            found.setdefault(n.module, []).extend(a.name for a in n.names)
    assert {module: sorted(given) for module, given in found.items()} == {k: sorted(v) for k, v in imports.items()}
    assert sum(1 for line in source.splitlines() if line.strip()) < 300


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


@pytest.mark.slow
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


def test_units_that_see_few_sums_share_symbols():
    """As in sin(x) - cos(y) part by part, which were left unchecked: rests of high powers are common to a direction."""
    rng = np.random.default_rng(0)
    directions = np.array([[1.0, 0.0], [0.0, 1.0]])[np.arange(24) % 2]
    found = {}
    for kind, rows in (("few", directions * rng.uniform(0.5, 2, (24, 1))), ("many", rng.standard_normal((24, 2)))):
        net = nn.Sequential(nn.Linear(2, 24, dtype=np.float64), nn.Tanh(), nn.Linear(24, 1, dtype=np.float64))
        net[0].weight.assign(rows)
        program = program_of(net, 2)
        found[kind] = checker.effort(program, [parse("sin(x) - cos(y)")], 2, 1e-8)[1]
    assert found == {"few": True, "many": False}
