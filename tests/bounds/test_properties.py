"""Relations between inputs and outputs, and two networks side by side."""

from __future__ import annotations

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.bounds.properties import certify_pair, verify
from surefit.core.modes import no_grad
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, FormulaError, ShapeError
from surefit.formulas import parse

from .test_certify import ABS, two_layer


def values(net, x):
    with no_grad():
        return net(Tensor(x)).numpy()


@pytest.mark.parametrize(
    "relation, holds",
    [
        ("y <= 1.0001", True), ("y <= 0.9999", False), ("y >= -0.0001", True), ("y >= 0.0001", False),
        ("-0.0001 <= y - x^2 <= 0.2501", True), ("y - x^2 < 0.2499", False), ("2*y - 2*x^2 <= 0.5001", True),
        ("0.2499 > y - x^2", False), ("y/2 <= 0.50001", True), ("x <= y + 0.0001", True), ("y < x", False),
        ("-(y - 3) >= 1.9999", True), ("1e6*x - y <= 1e6", True), ("y <= 0.9 + 0.1001", True), ("y + y <= 1.99", False),
    ],
)  # fmt: skip
def test_of_the_absolute_value_the_truth_is_known(relation, holds):
    verdict = verify(ABS, relation, "x=-1:1")
    assert verdict.holds is holds and verdict.status == ("proved" if holds else "refuted")
    if not holds:
        x, y = verdict.at["x"], abs(verdict.at["x"])
        assert -1 <= x <= 1 and not parse(relation, ("x", "y"))(x, y)  # the witness is one


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_samples_agree_with_verdicts(activation):
    rng = np.random.default_rng(0)
    for seed in range(4):
        net = nn.MLP(2, (8, 8), 1, activation=activation, generator=seed, dtype=np.float64)
        x = rng.uniform(-1.1, 1.1, (20_000, 2)).clip(-1, 1)  # faces and corners too
        gap = values(net, x)[:, 0] - x[:, 0] * x[:, 1]
        box = {"x1": (-1, 1), "x2": (-1, 1)}
        for level in np.quantile(gap, [0.01, 0.5, 0.99]).tolist():
            assert verify(net, f"y - x1*x2 <= {level!r}", box, time=60).holds is False
        assert verify(net, f"y - x1*x2 <= {float(gap.max()) + 0.05!r}", box, time=60).holds is True


def test_outputs_may_be_compared():
    net = nn.MLP(1, (2,), 2, activation="relu", generator=0, dtype=np.float64)
    parts = [[[1.0], [-1.0]], [0.0, 0.0], [[1.0, 0.0], [1.0, 1.0]], [0.0, 0.0]]  # relu(x) and |x|
    for p, v in zip(net.parameters(), parts, strict=True):
        p.assign(np.array(v))
    assert verify(net, "y1 <= y2 + 1e-9", "x=-1:1").holds is True
    assert verify(net, "y2 <= y1 + 0.5", "x=-1:1").holds is False
    assert verify(net, "b <= a + 1.01", "x=-1:1", outputs=["a", "b"]).holds is True


def test_what_is_not_decided_is_unknown():
    verdict = verify(ABS, "y - 1/(x-0.5) <= 1", "x=-1:1", time=0.5)
    assert verdict.holds is None and str(verdict).startswith("unknown")
    assert verify(ABS, "y <= 1", "x=-1:1", time=1).holds is not False  # true, and equal at the ends


@pytest.mark.parametrize(
    "relation, words",
    [("y^2 <= 1", "linearly"), ("x*y <= 1", "linearly"), ("abs(y) <= 1", "linearly"), ("1/y <= 1", "linearly"),
     ("x <= 1", "says nothing"), ("y", "no relation"), ("y == 1", "no relation"), ("y - y <= 1", "says nothing"),
     ("0.1*y <= 1", "no float"), (3, "text")],
)  # fmt: skip
def test_what_cannot_be_asked_is_said(relation, words):
    with pytest.raises(FormulaError, match=words):
        verify(ABS, relation, "x=-1:1")


def test_two_networks():
    other = two_layer([1.0, -1.0], [0.0, 0.0], [1.0, 1.1])
    proof = certify_pair(ABS, other, "x=-1:1", rtol=1e-3)
    assert proof.lower <= 0.1 <= proof.upper <= 0.1002 and proof.error.at["x"] == pytest.approx(-1, abs=0.01)
    with pytest.raises(ShapeError):
        certify_pair(ABS, nn.MLP(1, (3,), 2, generator=0), "x=-1:1")
    a, b = (nn.MLP(2, (6,), 1, activation=s, generator=1) for s in ("tanh", "relu"))
    x = np.random.default_rng(0).uniform(-1, 1, (5000, 2)).astype(np.float32)
    apart = np.abs(values(a, x).astype(float) - values(b, x)).max()
    assert apart - 1e-6 <= certify_pair(a, b, {"p": (-1, 1), "q": (-1, 1)}, time=60).upper


def test_a_column_whose_name_is_a_formula_of_others_is_meant_in_quotes():
    """y = 3 of the column 'a-b', beside columns a and b, which do not matter."""
    net = nn.Sequential(nn.Linear(3, 1, dtype=np.float64))
    net[0].weight.assign(np.array([[0.0, 0.0, 3.0]]))
    net[0].bias.assign(np.zeros(1))
    box = {"a": (0.0, 1.0), "b": (0.0, 1.0), "a-b": (0.0, 1.0)}
    assert verify(net, "-1e-9 <= y - 3*'a-b' <= 1e-9", box).holds  # which 3 a - b is far from
    assert verify(net, "y - 3*a-b <= 3.001", box).holds  # y - 3 a - b, whose largest value is 3
    assert verify(net, "y - 3*a-b <= 2.9", box).holds is False
    assert verify(net, "y - 3*'a-b' >= 0.5", box).holds is False


def test_a_fit_brings_its_own_box_and_outputs():
    fit = surefit.fit("sin(x); cos(x)", "x=-1:1", method="features", tol=1e-3)
    assert surefit.verify(fit, "y1 <= 0.9").holds and surefit.verify(fit, "y1 <= 0.1", "x=-1:0").holds
    assert surefit.verify(fit, "y2 <= 0.9").holds is False
    wrong = (
        (lambda: surefit.verify(fit.model, "y1 <= 1"), ArgumentError, "domain= is missing"),
        (lambda: surefit.verify(fit, 5), FormulaError, "relation=5"),
        (lambda: surefit.verify(fit, "y1 <= 1", time="no"), ArgumentError, "time='no'"),
    )
    for ask, error, says in wrong:
        with pytest.raises(error, match=says):
            ask()
    for name in ("tol", "rtol", "time"):
        with pytest.raises(ArgumentError, match=f"{name}='no' must be a number above 0"):
            fit.certify(**{name: "no"})
