"""The rounding of a running model: sums in the declared order, and kernels that err as far as they may, to harm."""

from __future__ import annotations

import numpy as np
import pytest

from surefit import nn
from surefit.bounds.interval import gamma
from surefit.bounds.network import lowered
from surefit.bounds.noise import rounding_of_sizes, running_noise
from surefit.bounds.proving import program_of
from surefit.bounds.relax import Relaxation
from surefit.core.order import strict_sum
from surefit.core.program import record
from surefit.core.tensor import Tensor

ULPS = 1.8
KINDS = {"relu": None, "tanh": np.tanh, "sin": np.sin, "sigmoid": lambda v: 1.0 / (1.0 + np.exp(-v))}


def harmful(kind, z, sign):
    """A float32 kernel that is off by up to ULPS units in the last place, towards `sign`."""
    if kind == "relu":
        return np.maximum(z, np.float32(0))
    y = KINDS[kind](z.astype(float))
    near = y.astype(np.float32)
    further = np.nextafter(near, np.where(sign < 0, -np.inf, np.inf).astype(np.float32))
    unit = np.spacing(np.minimum(np.abs(near), np.abs(y).astype(np.float32))).astype(float)
    allowed = (np.abs(further.astype(float) - y) <= ULPS * unit * 0.999) & (sign != 0)
    return np.where(allowed, further, near)


def both(net, kind, x):
    """Running values, in float32 and in order, and those of exact arithmetic to sixteen digits."""
    weights = [p.detach().numpy() for p in net.parameters()]
    h, e = x, x.astype(float)
    for k in range(0, len(weights), 2):
        w, b = weights[k], weights[k + 1]
        z, e = strict_sum(h[:, None, :] * w[None], axis=-1) + b, e @ w.astype(float).T + b.astype(float)
        if k + 2 == len(weights):
            return z[:, 0].astype(float), e[:, 0]
        h = harmful(kind, z, np.sign(weights[k + 2][0]))
        e = np.maximum(e, 0.0) if kind == "relu" else KINDS[kind](e)
    raise AssertionError


def changed(net, rng, scale):
    last = len(list(net.parameters())) - 2
    for i, p in enumerate(net.parameters()):
        v = rng.normal(size=p.shape) * (scale if i == last else rng.choice([0.3, 1.0, 3.0]))
        if rng.random() < 0.3:
            v[rng.random(v.shape) < 0.4] = 0.0
        if rng.random() < 0.2:
            v = np.exp2(np.round(np.log2(np.abs(v) + 1e-9)))
        if i == last and rng.random() < 0.5:
            v -= v.mean()  # sums that cancel
        p.assign(v.astype(np.float32))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hidden", [(1,), (15,), (16,), (17,), (70,), (20, 33), (5, 16, 17)])
def test_no_run_is_further_off(kind, hidden):
    rng = np.random.default_rng(len(hidden) + hidden[0])
    for seed in range(6):
        d = 1 + seed % 2
        net = nn.MLP(d, hidden, 1, activation=kind, generator=seed, dtype=np.float32)
        changed(net, rng, 10.0 ** rng.uniform(-2, 3))
        relaxation = Relaxation(lowered(program_of(net, d), lambda name, dtype: ULPS, True), True)
        low = rng.uniform(-3, 3, (6, d)).astype(np.float32)
        high = np.maximum((low + 10.0 ** rng.uniform(-6, 0.3, (6, d))).astype(np.float32), low)
        noise = running_noise(relaxation, low.astype(float), high.astype(float))[:, 0]
        for i in range(6):
            x = np.clip(rng.uniform(low[i], high[i], (300, d)).astype(np.float32), low[i], high[i])
            running, exact = both(net, kind, x)
            assert np.abs(running - exact).max() <= noise[i] * (1 + 1e-6) + 1e-13 * np.abs(exact).max()


def test_what_an_input_is_rounded_by_counts_with_the_slope_of_the_network():
    """1000 tanh(x) - 999 tanh(x) has a slope of 1 at most; a shift of x that is rounded is not charged 1999 times."""
    net = nn.Sequential(nn.Linear(1, 1, dtype=np.float64), nn.Linear(1, 2, dtype=np.float64), nn.Tanh(),
                        nn.Linear(2, 1, dtype=np.float64))  # fmt: skip
    values = [[[1.0]], [1e3], [[1.0], [1.0]], [-1e3, -1e3], [[1000.0, -999.0]], [0.0]]
    for p, v in zip(net.parameters(), values, strict=True):
        p.assign(np.array(v))
    relaxation = Relaxation(lowered(program_of(net, 1), lambda name, dtype: 0.0, True), True)
    x = np.array([[0.1]])
    noise = running_noise(relaxation, x, x + 1e-6)
    # of 1000 + x half a unit in the last place, 5.7e-14, once; of both products and their sum half a unit of 128 and 2
    assert 5.6e-14 < noise[0, 0] < 5e-13


def test_ranges_that_are_not_finite_bound_nothing():
    net = nn.MLP(1, (3,), 1, activation="relu", generator=0, dtype=np.float32)
    for p in net.parameters():
        p.assign(np.full(p.shape, 3e38, np.float32))
    relaxation = Relaxation(lowered(program_of(net, 1), lambda name, dtype: 1.0, True), True)
    assert np.isinf(running_noise(relaxation, np.array([[1.0]]), np.array([[2.0]]))).all()


def test_terms_of_zero_weight_are_not_rounded():
    net = nn.MLP(1, (40,), 1, activation="relu", generator=0, dtype=np.float32)
    w, b, c, d = net.parameters()
    c.assign(np.eye(1, 40, dtype=np.float32))
    for p in (b, d):
        p.assign(np.zeros(p.shape, np.float32))
    w.assign(np.ones(w.shape, np.float32))
    relaxation = Relaxation(lowered(program_of(net, 1), lambda name, dtype: 1.0, True), True)
    noise = running_noise(relaxation, np.array([[0.75]]), np.array([[0.75]]))
    assert noise[0, 0] <= 43 * 2.0**-25  # two products, and of 39 sums what a rounding to 0.75 may be wrong by


def layer(w, b):
    """An affine map of one source, with the roundings that it has where it runs in float32."""
    net = nn.Linear(w.shape[1], len(w), dtype=np.float32)
    net.weight.assign(w)
    net.bias.assign(b)
    running = lowered(program_of(net, w.shape[1]), lambda name, dtype: 1.0)
    (node,) = running.nodes[1:]
    return node


def wrong_sums(seeds, bound):
    """How many layers round by more than a bound of it, of inputs that are as large as they may be and of one sign."""
    wrong = 0
    for seed in seeds:
        rng = np.random.default_rng(seed)
        n = int(rng.choice([1, 2, 15, 16, 17, 33, 100]))
        w = (rng.normal(size=(8, n)) if seed % 2 else 1.0 + rng.random((8, n))).astype(np.float32)
        w[rng.random(w.shape) < 0.1] = 0.5
        b = (rng.normal(size=8) * (seed % 3)).astype(np.float32)
        node, size = layer(w, b), rng.random(n)
        x = (size * rng.choice([1.0, 1.0, -1.0, 0.7], (50, n))).astype(np.float32)
        x = np.clip(x, -size, size).astype(np.float32)
        size = np.maximum(size, np.abs(x).max(axis=0))
        running = strict_sum(x[:, None, :] * w[None], axis=-1) + b
        exact = x.astype(np.longdouble) @ w.astype(np.longdouble).T + b
        wrong += (np.abs(running - exact).max(axis=0) > bound(node, size)).any()
    return int(wrong)


def test_no_layer_rounds_by_more_than_the_sizes_of_what_it_adds_allow():
    assert wrong_sums(range(120), rounding_of_sizes) == 0
    assert wrong_sums(range(120), lambda node, size: 0.2 * rounding_of_sizes(node, size)) > 5  # and it is no waste
    node = layer(np.ones((1, 100), np.float32) * np.float32(0.7), np.zeros(1, np.float32))
    assert node.in_blocks
    size = np.ones(100)
    assert rounding_of_sizes(node, size)[0] < 0.5 * gamma(node.steps, node.unit) * 70


def running_sums(seeds):
    """Of layers whose terms cancel, on narrow boxes: how far runs are off, and what the noise is, over half a unit."""
    for seed in seeds:
        rng = np.random.default_rng(seed)
        fan, m = int(rng.choice([1, 2, 3, 15, 16, 17, 40])), 8
        places = int(rng.integers(2, 25))  # of numbers with few bits many sums are exact
        w = np.round(rng.normal(size=(m, fan)) * 2.0**places) / 2.0**places
        x = np.round(rng.normal(size=fan) * 2.0 ** (24 - places)) / 2.0 ** (24 - places)
        w[:, 1::2] = -w[:, : len(w.T) - 1 : 2][:, : len(w.T[1::2])] * rng.choice([1.0, 1.0, 0.5, 1.25])
        b = np.round(-(w @ x) * 2.0**places) / 2.0**places * rng.choice([0.0, 1.0, 0.5, 2.0])
        net = nn.Linear(fan, m, dtype=np.float32)
        net.weight.assign(w.astype(np.float32))
        net.bias.assign(b.astype(np.float32))
        low = x.astype(np.float32)
        high = np.maximum(low, (low + 10.0 ** rng.uniform(-9, -2)).astype(np.float32))
        relaxation = Relaxation(lowered(program_of(net, fan), lambda name, dtype: 1.0, True), True)
        noise = running_noise(relaxation, low[None].astype(float), high[None].astype(float))[0]
        t = np.clip(rng.uniform(low, high, (400, fan)).astype(np.float32), low, high)
        t[0], t[1] = low, high
        w, b = w.astype(np.float32), b.astype(np.float32)
        running = strict_sum(t[:, None, :] * w[None], axis=-1) + b
        exact = t.astype(np.longdouble) @ w.astype(np.longdouble).T + b
        unit = np.spacing(np.maximum(np.abs(exact).max(axis=0), 1e-9).astype(np.float32)) / 2
        yield (np.abs(running - exact).max(axis=0) / unit).astype(float), noise / unit


@pytest.mark.slow
def test_sums_that_cancel_to_a_float_are_not_rounded():
    pairs = list(running_sums(range(300)))
    for off, noise in pairs:
        assert (off <= noise * (1 + 1e-6)).all()
    off, noise = (np.concatenate(v) for v in zip(*pairs, strict=True))
    assert (noise[off == 0] < 1e-6).sum() > 15  # and where nothing is rounded, that is known of many
    net = nn.Linear(1, 1, dtype=np.float64)
    for b, most in ((-1.0, 0.0), (-0.2, 2.0**-55)):  # 0.3 * 4 - 1 is a float, and 1.2 - 0.2 may be none
        net.weight.assign(np.array([[4.0]]))
        net.bias.assign(np.array([b]))
        relaxation = Relaxation(lowered(program_of(net, 1), lambda name, dtype: 1.0, True), True)
        found = running_noise(relaxation, np.array([[0.3]]), np.array([[0.3]]))[0, 0]
        assert found < 1e-290 if most == 0.0 else found >= most


def test_strict_tanh_is_off_by_half_a_unit_and_little_beside_it():
    net = nn.Sequential(nn.Linear(1, 1, dtype=np.float64), nn.Tanh())
    for p, v in zip(net.parameters(), ([[1.0]], [0.0]), strict=True):
        p.assign(np.array(v))
    relaxation = Relaxation(lowered(program_of(net, 1), lambda name, dtype: 0.64, True), True)
    for at, unit in ((0.2, 2.0**-56), (0.4, 2.0**-55), (3.0, 2.0**-54), (40.0, 2.0**-54)):
        noise = running_noise(relaxation, np.array([[at]]), np.array([[at]]))[0, 0]
        assert unit + 0.28 * 2.0**-56 <= noise * (1 + 1e-9) <= unit + 0.281 * 2.0**-56


@pytest.mark.parametrize("fan", [1, 2])
def test_an_uncertain_number_around_0_is_added_with_a_rounding(fan):
    """1 + b with |b| <= 1.5 u may be 1 + 2 u where it runs, and 1 - 1.5 u in exact arithmetic."""
    from surefit.bounds.network import Affine, Network

    u = 2.0**-53
    net = Network(fan)
    net.nodes.append(Affine(((0, np.ones((1, fan)), None),), np.zeros(1), np.array([1.5 * u]), fan + 1, u, True))
    x = np.eye(fan)[:1]
    assert running_noise(Relaxation(net, True), x, x)[0, 0] >= 3.5 * u


def test_an_input_that_is_divided_is_rounded_once():
    """x / 15 is the nearest float to a fifteenth of x: no more than half a unit, and not that of 1/15 in addition."""
    net = nn.Sequential(nn.Linear(1, 1, dtype=np.float64))
    net[0].weight.assign(np.array([[1.0]]))
    net[0].bias.assign(np.array([0.0]))
    program = record(lambda x: net(x / 15.0), Tensor(np.zeros((1, 1))))
    relaxation = Relaxation(lowered(program, lambda name, dtype: 0.0, True), True)
    x = np.array([[13.0]])
    assert 2.0**-54 <= running_noise(relaxation, x, x)[0, 0] <= 1.01 * 2.0**-54


def test_adding_nothing_rounds_nothing():
    """The rows of an identity, and a bias of 0, leave floats as they are."""
    net = nn.MLP(3, (3,), 1, activation="relu", generator=0, dtype=np.float64)
    for p, v in zip(net.parameters(), (np.eye(3), np.zeros(3), np.array([[1.0, 0.0, 0.0]]), np.zeros(1)), strict=True):
        p.assign(v)
    relaxation = Relaxation(lowered(program_of(net, 3), lambda name, dtype: 0.0, True), True)
    x = np.array([[0.7, 0.3, 0.9]])
    assert running_noise(relaxation, x, x)[0, 0] < 1e-30
    net[0].bias.assign(np.array([0.0, 0.5, 0.0]))  # of another unit, which the output does not read
    relaxation = Relaxation(lowered(program_of(net, 3), lambda name, dtype: 0.0, True), True)
    assert running_noise(relaxation, x, x)[0, 0] < 1e-30
