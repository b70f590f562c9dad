"""Attacks: thresholds that are met exactly, numbers near the smallest float, values that do not exist, edited files.

The truth is exact arithmetic in fractions, mpmath, or a point where a claim is seen to be false.
scripts/fuzz_properties.py does the first of them by the thousand.
"""

from __future__ import annotations

import importlib.util
import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.bounds import certify, certify_slopes, verify
from surefit.bounds.checker import check_certificate
from surefit.cli import main
from surefit.core import ops
from surefit.core.program import record
from surefit.core.tensor import Tensor
from surefit.errors import FormulaError

from .test_certify import ABS, two_layer

mpmath = pytest.importorskip("mpmath", reason="the truth of smooth networks")
_spec = importlib.util.spec_from_file_location(
    "fuzz_properties", Path(__file__).parents[2] / "scripts" / "fuzz_properties.py"
)
assert _spec is not None
assert _spec.loader is not None
fuzz = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fuzz)


@pytest.mark.parametrize("seed", range(6))
def test_claims_of_broken_lines_are_true_in_fractions(seed, monkeypatch):
    """Maxima, slopes, tolerances and pairs of ReLU networks, with thresholds at the truth and one float beside it."""
    monkeypatch.setattr(fuzz, "SECONDS", 0.02)
    faults = fuzz.Faults()
    fuzz.exactly(np.random.default_rng([7, seed]), faults)
    assert faults["FALSE"] == 0
    assert sum(faults.values()) > 10


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 4, 5, 8, 10, 11])
def test_claims_of_smooth_networks_are_true_in_many_digits(seed, monkeypatch):
    for name, value in (("SECONDS", 0.02), ("STEEP", 1), ("SAMPLE", 500)):
        monkeypatch.setattr(fuzz, name, value)
    faults = fuzz.Faults()
    with mpmath.workdps(30):
        fuzz.anything(np.random.default_rng([8, seed]), faults)
    assert faults["FALSE"] == 0
    assert sum(faults.values()) > 5


@pytest.mark.slow
@pytest.mark.parametrize("seed", [6, 9, 10, 11, 12, 20])
def test_networks_of_parts_have_no_smaller_bound_than_their_error(seed, monkeypatch):
    """With weights and formulas changed; proved by parts where python-flint is there."""
    monkeypatch.setattr(fuzz, "SECONDS", 0.1)
    faults = fuzz.Faults()
    with mpmath.workdps(30):
        fuzz.parts(np.random.default_rng([9, seed]), faults, digits=(2, 4), boxes=20)
    assert faults["FALSE"] == 0


def test_a_certificate_of_a_fit_is_one_of_its_file(tmp_path):
    """Adam keeps the parameters in one vector, a file does not: the numbers are the same, and so is the hash."""
    fit = surefit.fit("exp(x)", {"x": (-1, 1)}, model=(6,), method=surefit.Adam(epochs=20), seed=0)
    proof = fit.certify(rtol=0.1)
    again = surefit.load(fit.save(tmp_path / "m.safetensors"))
    assert again.certify(rtol=0.1).model == proof.model
    assert check_certificate(proof.save(tmp_path / "c.json"), again.model).holds is True


@pytest.mark.parametrize(
    "relation, never",
    [("y < 1", True), ("y <= 1", False), ("y > 0", True), ("y >= 0", False), ("dy/dx < 1", True), ("dy/dx <= 1", False),
     ("dy/dx > -1", True), ("dy/dx >= -1", False), ("y - x < 2", True), ("y + x >= 0", False)],
)  # fmt: skip
def test_an_equality_at_the_threshold_is_never_called_the_other_thing(relation, never):
    """|x| on [-1, 1] reaches all of these exactly: what is strict is false, what is not is true."""
    assert verify(ABS, relation, "x=-1:1", time=0.1).holds is not never


@pytest.mark.parametrize("weight", [1e-100, 1e-160, 1e-162, 1e-200, 1e-310, 5e-324, 1e160, 1e200, 1e307])
def test_lengths_of_gradients_near_the_ends_of_the_floats(weight):
    net = nn.Sequential(nn.Linear(2, 1, dtype=np.float64))
    net[0].weight.assign(np.array([[weight, weight]]))
    low, high = certify_slopes(net, "x=0:1, y=0:1", time=1).lipschitz
    square = 2 * Fraction(weight) ** 2
    assert Fraction(low) ** 2 <= square
    assert not math.isfinite(high) or Fraction(high) ** 2 >= square
    assert low > 0.99 * weight or weight < 1e-300
    assert not 1e-300 < weight < 1e300 or high < 1.5 * weight


@pytest.mark.parametrize("function", [ops.log, ops.log1p, ops.sqrt, lambda z: ops.relu(ops.log(z))])
def test_nothing_is_claimed_of_slopes_where_the_network_has_no_value(function):
    """log(x - 3) on [0, 1]: 1 / (x - 3) is finite there."""
    x = Tensor(np.zeros((1, 1)))
    with np.errstate(all="ignore"):
        program = record(lambda x: function(x - 3.0), x)
    assert math.isinf(certify_slopes(program, "x=0:1", time=0.2).lipschitz[1])
    assert verify(program, "dy/dx <= 5", "x=0:1", time=0.2).holds is None
    assert certify_slopes(program, "x=4:5", time=0.2).lipschitz[1] < 2.0


def test_a_factor_that_is_no_float_is_said():
    with pytest.raises(FormulaError, match="is no float"):
        verify(ABS, "1e308*y*10 <= 1", "x=0:1")


@pytest.mark.parametrize("denominator", [3, 7, 10, 49, 1000])
def test_a_ball_of_a_factor_holds_the_factor(denominator):
    """The middle of two floats that are neighbours is one of them: the other must be in the ball too."""
    flint = pytest.importorskip("flint", reason="the balls are those of python-flint, the extra certify")
    from surefit.bounds.balls import precision
    from surefit.bounds.interval import Range
    from surefit.bounds.recognised import Recognised

    found = object.__new__(Recognised)
    found.f = flint
    with precision(flint, 1):
        for numerator in range(1, 60):
            r = Range.exact(Fraction(numerator, denominator))
            ball = found._arb(r)
            for v in (float(r.low), float(r.high)):
                assert ball.contains(flint.arb(v))
            assert ball.contains(flint.arb(flint.fmpq(numerator, denominator)))


# --- certificates that were edited ---


def _edited(path, data, model, **more):
    path.write_text(json.dumps(data))
    return check_certificate(path, model, **more).holds


@pytest.fixture
def held(tmp_path):
    net = two_layer([1.0, -1.0], [0.1, 0.0], [1.0, 1.0])
    wide = nn.Sequential(nn.Linear(2, 1, dtype=np.float64), *net)
    wide[0].weight.assign(np.array([[1.0, 1.0]]))
    path = certify(wide, "x*y + 0.3*x", "x=0:1, y=0.5:0.5", rtol=0.05).save(tmp_path / "c.json")
    return path, json.loads(path.read_text()), wide


@pytest.mark.parametrize("ends", [(1.0, 0.2), (0.6, 0.4), (5.0, 0.0), (0.5, 0.4), (0.6, 0.5), (0.4, 0.4)])
def test_a_held_input_with_other_ends_covers_nothing(held, ends):
    """Ends in the wrong order lie on the right side of the domain's, and hold nothing."""
    path, data, net = held
    assert _edited(path, data, net) is True
    for side, end in zip(("low", "high"), ends, strict=True):
        data["leaves"][side] = [[row[0], end] for row in data["leaves"][side]]
    assert _edited(path, data, net) is False


@pytest.fixture
def two(tmp_path):
    net = nn.MLP(1, (4,), 2, activation="tanh", generator=0, dtype=np.float64)
    path = certify(net, ["x^2", "0.5*x"], "x=-1:1", rtol=0.05).save(tmp_path / "c.json")
    return path, json.loads(path.read_text()), net


@pytest.mark.parametrize("edit", [
    lambda d: d["error"]["outputs"].update(y1=1e-3),
    lambda d: d["error"]["outputs"].update(y2=1e-3),
    lambda d: d["error"]["outputs"].pop("y2"),
    lambda d: d["error"]["outputs"].update(y3=0.1),
    lambda d: d["error"]["outputs"].update(y1=math.nan),
    lambda d: d["error"].update(upper=0.9 * d["error"]["upper"]),
    lambda d: d["formulas"].pop(),
    lambda d: d["formulas"].append("x"),
    lambda d: d["formulas"].__setitem__(1, "0.5*x + 0*z"),
])  # fmt: skip
def test_what_is_said_of_one_output_is_checked(two, edit):
    path, data, net = two
    assert _edited(path, data, net) is True
    edit(data)
    assert _edited(path, data, net) is False


def test_a_bound_that_was_lowered_is_not_saved_by_the_tolerance_beside_it(tmp_path):
    """float32 that cancels: the checker's bound of the rounding is too crude to refute a bound that is too small."""
    net = two_layer([1e3, 1e3], [0.0, 1.0], [1e3, -1e3], dtype=np.float32)
    path = certify(net, "-1000 + 0*x", "x=0.5:1", mode="deployed", time=1).save(tmp_path / "c.json")
    x = np.linspace(0.5, 1.0, 2001, dtype=np.float32)[:, None]
    seen = np.abs(net(Tensor(x)).detach().numpy().astype(float) + 1000).max()
    assert seen > 0.01
    data = json.loads(path.read_text())
    data |= {"tol": 1e3}
    data["error"] |= {"upper": 0.1 * seen, "lower": 0.0, "outputs": {"y": 0.1 * seen}}
    assert _edited(path, data, net) is None
    assert _edited(path, data, net, tol=1e3) is True  # what the one who checks asks for, and is told
    assert "the tolerance 1000 is proved" in check_certificate(path, net, tol=1e3).why
    assert _edited(path, data, net, tol=0.5 * seen) is not True


class _Function(nn.Module):
    def __init__(self, function, dtype):
        super().__init__()
        self.function = function
        self.one = nn.Parameter(np.ones(1, dtype))

    def forward(self, x):
        return self.function(x)


def _powers(*exponents):
    factors = [Tensor(np.array([2.0**n], np.float32)) for n in exponents]

    def function(x):
        for factor in factors:
            x = x * factor
        return x

    return function


@pytest.mark.parametrize(
    "exponents, box", [((-70, -70, 70, 70), (0.5, 1)), ((127, -127), (1, 4)), ((-126, 126), (0, 1))]
)
def test_powers_of_two_are_no_harm_only_while_numbers_stay_in_range(tmp_path, exponents, box):
    """In float32 x 2^-140 has nine bits, and x 2^127 may be infinite, so that what brings them back does not."""
    net = _Function(_powers(*exponents), np.float32)
    x = np.linspace(*box, 1001, dtype=np.float32)[:, None]
    with np.errstate(all="ignore"):
        apart = np.abs(net(Tensor(x)).detach().numpy().astype(float) - x).max()
    assert not apart < 1e-9 or exponents[0] == -126
    path = certify(net, "x", {"x": box}, mode="deployed", boxes=10).save(tmp_path / "c.json")
    data = json.loads(path.read_text())
    data["error"] = {"status": "proved", "lower": 0.0, "upper": 1e-9, "at": {"x": box[0]}, "outputs": {"y": 1e-9}}
    data.pop("leaves", None)
    assert _edited(path, data, net, time=1) is not True


def test_an_input_that_is_rounded_on_one_way_and_not_on_another(tmp_path):
    """What cancels is the rounding of the input alone, which must not be taken for another input on both ways."""
    single, double = np.dtype(np.float32), np.dtype(np.float64)
    w, v = Tensor(np.array([[2.0**20]])), Tensor(np.array([[-(2.0**20)]]))

    def function(x):
        return ops.cast(ops.cast(x, dtype=single), dtype=double) @ w + x @ v

    net = _Function(function, np.float64)
    x = np.random.default_rng(0).uniform(0.5, 1, (1000, 1))
    assert np.abs(net(Tensor(x)).detach().numpy()).max() > 0.03
    path = certify(net, "0*x", "x=0.5:1", mode="deployed", boxes=10).save(tmp_path / "c.json")
    data = json.loads(path.read_text())
    assert data["error"]["upper"] > 0.03
    data["error"] |= {"upper": 0.02, "lower": 0.0, "outputs": {"y": 0.02}}
    assert _edited(path, data, net, time=1) is not True


@pytest.mark.parametrize("function", [
    lambda x: ops.maximum(x, 0.3), lambda x: ops.where(x > 0, x, x * 0.5), ops.exp2, lambda x: x / (x + 2.0),
    lambda x: x,
])  # fmt: skip
def test_what_the_checker_does_not_know_is_not_checked_and_no_crash(tmp_path, function):
    net = _Function(function, np.float64)
    for mode in ("real", "deployed"):
        path = certify(net, "x", "x=-1:1", mode=mode, boxes=50).save(tmp_path / "c.json")
        verdict = check_certificate(path, net, time=1)
        assert verdict.holds is not False
        assert verdict.holds is True or "does not know" in verdict.why or "was not proved" in verdict.why


def test_the_command_asks_for_a_tolerance(tmp_path, capsys):
    fit = surefit.fit("exp(x)", {"x": (-1, 1)}, model=(6,), method=surefit.Adam(epochs=20), seed=0)
    model, out = str(fit.save(tmp_path / "m.safetensors")), tmp_path / "c.json"
    fit.certify(mode="real").save(out)
    data = json.loads(out.read_text())
    data["error"] |= {"upper": data["error"]["lower"] * 0.5, "lower": 0.0}
    data["error"]["outputs"] = dict.fromkeys(data["error"]["outputs"], data["error"]["upper"])
    out.write_text(json.dumps(data | {"tol": 9.0}))
    assert main(["check", str(out), model]) == 3
    assert main(["check", str(out), model, "--tol", "9"]) == 0
    assert "the tolerance 9 is proved again" in capsys.readouterr().out
