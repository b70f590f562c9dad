"""Formulas and networks of straight pieces: exact errors, cells, and what a wrong step in them would claim."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.bounds import certify, kinks
from surefit.bounds.kinks import Cell
from surefit.bounds.reading import read
from surefit.core.modes import no_grad
from surefit.core.tensor import Tensor


class Rational:
    """Formulas of straight pieces in rational numbers."""

    def number(self, value):
        return value

    def call(self, op, args, exact):
        a, b = args[0], args[-1]
        rules = {
            "add": lambda: a + b, "sub": lambda: a - b, "neg": lambda: -a, "mul": lambda: a * b, "div": lambda: a / b,
            "abs": lambda: abs(a), "min": lambda: min(args), "max": lambda: max(args),
            "relu": lambda: max(a, Fraction(0)), "clip": lambda: min(max(a, args[1]), b),
        }  # fmt: skip
        return rules[op]()

    def compare(self, sign, a, b, exact):
        return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[sign]

    def join(self, op, args):
        return {"and": all, "or": any, "not": lambda a: not a[0]}[op](args)

    def decided(self, condition):
        return condition

    def choose(self, condition, then, other):
        return then if condition else other


def rational_network(net, x, unit=lambda v: max(v, Fraction(0))):
    """The network in a point, exactly. unit: of the hidden layers."""
    values = [Fraction(float(v)) for v in x]
    layers = [m for m in net if hasattr(m, "weight")]
    for layer in layers:
        rows, biases = (p.detach().numpy().astype(float).tolist() for p in (layer.weight, layer.bias))
        values = [
            sum((Fraction(w) * v for w, v in zip(row, values, strict=True)), Fraction(b))
            for row, b in zip(rows, biases, strict=True)
        ]
        if layer is not layers[-1]:
            values = [unit(v) for v in values]
    return values[0]


def straight_formula(rng, names, depth):
    """A random formula of straight pieces."""

    def line():
        terms = [f"{rng.choice([1, -1, 2, 0.5, 0.1, -0.3])}*{name}" for name in names if rng.random() < 0.75]
        return f"({' + '.join([*terms, str(rng.choice([0.1, -0.25, 0.0]))])})"

    if depth == 0:
        return line()
    a, b = (straight_formula(rng, names, k) for k in (depth - 1, int(rng.integers(0, depth))))
    sign = rng.choice(["<", "<=", ">", ">="])
    return str(
        rng.choice(
            [
                f"abs({a})", f"max({a}, {b})", f"min({a}, {b})", f"clip({a}, -0.5, 0.4)", f"({a} + 0.5*{b})",
                f"relu({a} - {b})", f"({b} + 0.5*{line()} if {line()} {sign} 0 else {b})",
                f"({a} if {line()} {sign} 0 and {line()} > 0.1 else {b})",
            ]
        )
    )  # fmt: skip


def some_network(rng, d):
    """A random network, often of quarters, so that bends meet corners and each other."""
    widths = tuple(int(w) for w in rng.integers(1, 5, rng.integers(1, 3)))
    dtype = [np.float64, np.float32][rng.integers(2)]
    net = nn.MLP(d, widths, 1, activation="relu", generator=int(rng.integers(1e6)), dtype=dtype)
    for p in net.parameters():
        w = p.detach().numpy()
        p.assign((np.round(w * 4) / 4 if rng.random() < 0.7 else w).astype(dtype))
    return net


def claims(n, seed=0):
    """Whether each certificate of kinks is right, for random formulas, networks and boxes."""
    rng = np.random.default_rng(seed)
    for _ in range(n):
        d = int(rng.integers(1, 4))
        names = "xyz"[:d]
        f = surefit.parse(straight_formula(rng, names, int(rng.integers(1, 4))))
        net = some_network(rng, d)
        middle, width = rng.choice([0.0, 0.25, 0.1], d), rng.choice([1.0, 1e-3, 0.37])
        low, high = middle - width * rng.choice([1.0, rng.random()]), middle + width * rng.random(d)
        box = {k: (float(a), float(b)) for k, a, b in zip(names, low, high, strict=True)}
        mode = ["real", "deployed"][rng.integers(2)]
        try:
            proof = certify(net, f, box, mode=mode, boxes=40, time=None)
        except AssertionError:  # bounds that contradict each other
            yield False
            continue
        if "kinks" not in str(proof.method):
            continue
        at = np.array(list(proof.error.at.values()))
        points = [*itertools.product(*zip(low, high, strict=True)), *rng.uniform(low, high, (12, d)), at]
        errors = [
            abs(read(f, dict(zip(names, map(Fraction, map(float, x)), strict=True)), Rational())
                - rational_network(net, x))
            for x in points
        ]  # fmt: skip
        below = mode == "deployed" or errors[-1] >= Fraction(proof.lower)
        yield bool(max(errors) <= Fraction(proof.upper) and below)


@pytest.mark.slow
def test_no_claim_is_wrong():
    right = list(claims(30))
    assert all(right)
    assert len(right) >= 24


@pytest.mark.parametrize(
    "text",
    [
        "max(x, y)", "abs(x - y)", "max(x - y, 0) + min(x, y)", "clip(x + y, -0.5, 0.5)",
        "abs(x) - 2*abs(y - 0.3) + x/3",
        "where(x + y > 0, x + y, 0.1*(x + y))", "x if x > y else y", "abs(abs(x) - abs(y))", "max(x, 0.3) + pi*y",
        "max(x, y, z)", "abs(x - z) + relu(y + z - 0.1)",
    ],
)  # fmt: skip
def test_a_fit_that_is_exact_is_proved_to_be(text):
    names = [v for v in "xyz" if v in surefit.parse(text).variables]
    fit = surefit.fit(text, dict.fromkeys(names, (-1, 1)), tol=1e-12, seed=0)
    for mode in ("real", "deployed"):
        proof = fit.certify(mode=mode, tol=4e-14)
        assert proof.upper <= 4e-14, (mode, str(proof))


def relu_net(w, b, out, bias=0.0):
    """out . relu(w x + b) + bias."""
    net = nn.MLP(len(w[0]), (len(w),), 1, activation="relu", dtype=np.float64)
    for p, value in zip(net.parameters(), (w, b, [out], [bias]), strict=True):
        p.assign(np.array(value, float))
    return net


def test_the_error_of_a_network_that_bends_elsewhere_is_exact():
    # |x - y| with bends that are moved by 1/8: the error is 1/8, on the other side 0 where they meet
    net = relu_net([[1.0, -1.0], [-1.0, 1.0]], [-0.125, 0.0], [1.0, 1.0])
    proof = certify(net, "abs(x - y)", {"x": (-1, 1), "y": (-1, 1)})
    assert proof.lower == pytest.approx(0.125, rel=1e-12)
    assert 0.125 <= proof.upper <= 0.125 * (1 + 1e-9)


def test_many_inputs_need_no_cells():
    d = 8
    w = np.concatenate([np.eye(d), -np.eye(d)])
    net = relu_net(w.tolist(), np.zeros(2 * d).tolist(), [1.0] * (2 * d))
    names = [f"x{i}" for i in range(1, d + 1)]
    proof = certify(net, " + ".join(f"abs({v})" for v in names), dict.fromkeys(names, (-1, 1)), boxes=1, time=None)
    assert proof.upper < 1e-15
    assert proof.boxes == 1


@pytest.mark.slow
def test_a_copy_in_float32_is_near_its_network():
    big = nn.MLP(2, (30, 30), 1, activation="relu", generator=1, dtype=np.float64)
    small = nn.MLP(2, (30, 30), 1, activation="relu", generator=1, dtype=np.float32)
    for p, q in zip(big.parameters(), small.parameters(), strict=True):
        q.assign(p.detach().numpy().astype(np.float32))
    proof = surefit.certify_pair(big, small, "x=-1:1, y=-1:1", time=3)
    assert 0 < proof.lower <= proof.upper < 3e-6


@pytest.mark.parametrize("sign, ends", [(">", (0, 1)), ("<", (-1, 0))])
def test_the_one_point_beyond_a_jump_counts(sign, ends):
    """`1 if x > 0 else 0` is 0 at x = 0 alone, on [0, 1]."""
    net = relu_net([[0.0, 0.0]], [0.0], [0.0], bias=1.0)
    proof = certify(net, f"1 if x {sign} 0 else 0", {"x": ends, "y": (0, 1)}, boxes=200, time=None)
    assert proof.upper >= 1.0


def random_cell(rng, d):
    low = rng.uniform(-2, 0, d)
    cell = Cell.of_box(low, low + rng.uniform(0.1, 2, d))
    for _ in range(4):
        h = rng.standard_normal(1 + d) * np.array([0.3, *np.ones(d)])
        h[0] -= h[1:] @ (cell.corners.mean(axis=0))
        parts = cell.halves(h.astype(kinks.REAL))
        if parts:
            cell = parts[rng.integers(2)]
    return cell


@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_no_point_of_a_cell_is_above_its_bound(d):
    rng = np.random.default_rng(d)
    near = 0
    for _ in range(20):
        cell = random_cell(rng, d)
        x = rng.uniform(cell.low, cell.high, (4000, d))
        x = np.concatenate([x, rng.dirichlet(np.ones(len(cell.corners)), 200) @ cell.corners])
        inside = (cell.A[:, 0].astype(float) + x @ cell.A[:, 1:].astype(float).T >= 0).all(axis=1)
        for _ in range(5):
            c = rng.standard_normal(1 + d)
            bound = float(cell.most(c.astype(kinks.REAL)))
            assert not inside.any() or (c[0] + x[inside] @ c[1:]).max() <= bound
            top = c[0] + (cell.corners @ c[1:]).max()  # what it is in floats
            assert top <= bound + 1e-9
            near += bound <= top + 1e-9 * np.abs(c).sum()
    assert near >= 95  # of 100: and it is no larger than it must be


def test_halves_lose_nothing():
    rng = np.random.default_rng(3)
    for _ in range(20):
        cell = Cell.of_box(np.zeros(2), np.ones(2))
        h = rng.standard_normal(3).astype(kinks.REAL)
        parts = cell.halves(h)
        if parts:
            (above,), (below,) = (p.A.tolist() for p in parts)
            assert above == h.tolist()
            assert below == (-h).tolist()


def test_values_at_points_hold_the_truth():
    rng = np.random.default_rng(4)
    for _ in range(10):
        net = some_network(rng, 2)
        lowered = kinks_network(net)
        x = rng.uniform(-1, 1, (20, 2))
        z, off = kinks.network_at(lowered, x)
        for i in range(20):
            exact = rational_network(net, x[i])
            assert abs(Fraction(*z[i, 0].as_integer_ratio()) - exact) <= Fraction(*off[i, 0].as_integer_ratio())
        with no_grad():
            y = net(Tensor(x.astype(next(iter(net.parameters())).dtype))).numpy()
        assert np.abs(y - z).max() < 1e-5


def kinks_network(net):
    from surefit.bounds.network import lowered
    from surefit.bounds.proving import program_of

    return lowered(program_of(net, 2))


def other_half(old):
    return lambda self, h: old(self, h)[:1]


def negative_multipliers(old):
    def mutate(self, c, y):
        return old(self, c, y) - 0.01 * (1 + abs(float(c[0])))

    return mutate


WRONG = {
    "half of a cell is lost": (Cell, "halves", other_half),
    "a bound on a cell is too small": (Cell, "_with", negative_multipliers),
    "kinks that are far from each other are taken for one": (kinks, "ALIKE", lambda old: 10.0),
    "of a condition the jump is forgotten": (
        kinks.Reading, "multiple", lambda old: lambda self, a, u: (old(self, a, u)[0], kinks.REAL(0))
    ),
    "the smaller of two is the larger": (kinks.Reading, "smaller", lambda old: kinks.Reading.larger),
    "a kink is nothing below its range": (
        kinks.Reading, "kink", lambda old: lambda self, arg, low, high, on: old(self, arg, low, 0 * high, on)
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_step_is_noticed(name, monkeypatch):
    owner, attribute, make = WRONG[name]
    monkeypatch.setattr(owner, attribute, make(getattr(owner, attribute)))
    right = all(claims(6 if attribute == "ALIKE" else 100))  # up to the first that is wrong
    assert right == (attribute == "ALIKE")  # which alone is only loose: what is far off is paid for
