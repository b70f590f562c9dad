"""Errors near the rounding of float64, proved in ball arithmetic: against mpmath, and without python-flint."""

import math

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.bounds import balls, certify
from surefit.bounds.branch import Lines
from surefit.bounds.network import lowered
from surefit.bounds.noise import running_noise
from surefit.bounds.proving import program_of, subject_of
from surefit.bounds.relax import Relaxation
from surefit.core.modes import no_grad
from surefit.core.tensor import Tensor
from surefit.formulas import parse

pytest.importorskip("flint", reason="the balls are those of python-flint, the extra certify")
mpmath = pytest.importorskip("mpmath", reason="the truth")

UNITS = {
    "tanh": mpmath.tanh, "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)), "sin": mpmath.sin,
    "softplus": lambda z: mpmath.log(1 + mpmath.exp(z)),
}  # fmt: skip
TARGETS = {
    "sin(3*x)*0.1": lambda x: mpmath.sin(3 * x) / 10,
    "1/(2 + x) - x^3/3": lambda x: 1 / (2 + x) - x**3 / 3,
    "sqrt(x + 1.5)*log(x + 2)": lambda x: mpmath.sqrt(x + 1.5) * mpmath.log(x + 2),
    "exp(-x^2)*2^x + pi*x": lambda x: mpmath.exp(-(x**2)) * mpmath.mpf(2) ** x + mpmath.pi * x,
    "erf(x) + (x + 3)^1.5 - e^x": lambda x: mpmath.erf(x) + (x + 3) ** mpmath.mpf("1.5") - mpmath.exp(x),
    "digamma(2*x + 2.5) - erfinv(sin(x)/2 + 0.3)": lambda x: (
        mpmath.digamma(2 * x + 2.5) - mpmath.erfinv(mpmath.sin(x) / 2 + mpmath.mpf(3) / 10)
    ),
    "tanh(x)*cosh(x) + atan(x)": lambda x: mpmath.tanh(x) * mpmath.cosh(x) + mpmath.atan(x),
}


def _net(activation, dtype=np.float64, seed=0, scale=1.0):
    net = nn.MLP(1, (7,), 1, activation=activation, generator=seed, dtype=dtype)
    rng = np.random.default_rng(seed)
    for p in net.parameters():
        p.assign((scale * rng.normal(size=p.shape)).astype(dtype))
    return net


def _exact(net, unit, x):
    w, b, c, d = (p.detach().numpy().astype(float) for p in net.parameters())
    total = mpmath.mpf(float(d[0]))
    for i in range(len(w)):
        z = mpmath.mpf(float(w[i, 0])) * x + mpmath.mpf(float(b[i]))
        total += mpmath.mpf(float(c[0, i])) * unit(z)
    return total


def _engine(net, text, deployed):
    formulas = (parse(text),)
    program = program_of(net, 1)
    running = lowered(program, lambda name, kind: 4.0, strict=False)
    exact, relaxation = lowered(program), Relaxation(running, True)
    assert balls.fits(exact, formulas)
    subject = subject_of(net, text, "x=-1:1", "real")
    lines = Lines(relaxation if deployed else Relaxation(exact, False), subject.target)
    return balls.Balls(exact, formulas, lines, relaxation if deployed else None)


@pytest.mark.parametrize("activation", UNITS)
@pytest.mark.parametrize("text", TARGETS)
def test_bounds_hold_in_exact_arithmetic_and_are_reached(activation, text):
    net = _net(activation, seed=len(text))
    engine = _engine(net, text, False)
    rng = np.random.default_rng(1)
    middle = rng.uniform(-0.9, 0.9, 12)
    half = np.minimum(np.array([0.3, 0.1, 1e-2, 1e-5] * 3), 1 - np.abs(middle))
    low, high = (middle - half)[:, None], (middle + half)[:, None]
    seen = engine.look(low, high)
    assert np.isfinite(seen.bound).all()
    with mpmath.workdps(60):
        for i in range(len(low)):

            def error(x):
                x = mpmath.mpf(float(x))
                return abs(TARGETS[text](x) - _exact(net, UNITS[activation], x))

            points = [low[i, 0], high[i, 0], *rng.uniform(low[i, 0], high[i, 0], 6)]
            largest = max(error(p) for p in points)
            assert largest <= mpmath.mpf(float(seen.bound[i, 0]))
            assert mpmath.mpf(float(seen.surely[i])) <= error(seen.at[i, 0])
        below, above = engine.at_points(low)
        for x, a, b in zip(low[:, 0], below, above, strict=True):
            assert mpmath.mpf(float(a)) <= error(x) <= mpmath.mpf(float(b))
            assert b - a <= 4e-15 * (1 + b)
    # the last boxes are so small that nothing but the difference itself is left
    assert np.allclose(seen.bound[half < 1e-4, 0], seen.surely[half < 1e-4], rtol=1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", UNITS)
def test_the_running_model_is_within_its_noise(activation, dtype):
    rng = np.random.default_rng(3)
    for seed in range(3):
        net = _net(activation, dtype, seed, scale=10.0 ** rng.uniform(-1, 1))
        relaxation = _engine(net, "x", True).noise
        low = rng.uniform(-3, 3, (6, 1)).astype(dtype).astype(float)
        high = (low + 10.0 ** rng.uniform(-6, 0, low.shape)).astype(dtype).astype(float)
        noise = running_noise(relaxation, low, high)
        for i in range(len(low)):
            x = np.clip(rng.uniform(low[i], high[i], (8, 1)).astype(dtype), low[i], high[i])
            with no_grad():
                y = net(Tensor(x.astype(dtype))).numpy()[:, 0].astype(float)
            with mpmath.workdps(40):
                for p, v in zip(x[:, 0], y, strict=True):
                    truth = _exact(net, UNITS[activation], mpmath.mpf(float(p)))
                    assert abs(truth - mpmath.mpf(float(v))) <= mpmath.mpf(float(noise[i, 0]))
        assert (noise < (1e-2 if dtype == np.float32 else 1e-9)).all()


def test_an_error_of_the_last_digits_is_proved():
    """A fit is made as good as float64 allows; what float64 cannot prove of it, balls can."""
    fit = surefit.fit("sin(x)", "x=-1:1", model=(16,), method="varpro", seed=0)
    assert fit.error.max < 1e-11
    with_balls = certify(fit.model, "sin(x)", fit.domain, rtol=0.02)
    assert with_balls.complete
    assert with_balls.error.gap <= 0.02
    assert "balls" in str(with_balls)
    assert any("Arb" in a for a in with_balls.assuming)
    network = lambda x: float(fit.model(Tensor(np.array([[x]]))).detach().numpy()[0, 0])
    grid = np.linspace(-1, 1, 401)
    assert with_balls.upper <= max(abs(math.sin(x) - network(x)) for x in grid) + 1e-13


def test_without_python_flint_float64_proves_what_it_can(monkeypatch):
    fit = surefit.fit("sin(x)", "x=-1:1", model=(16,), method="varpro", seed=0)
    tight = certify(fit.model, "sin(x)", fit.domain, rtol=0.02)
    monkeypatch.setattr(balls, "flint", lambda: None)
    wide = certify(fit.model, "sin(x)", fit.domain, rtol=0.02)
    assert "balls" not in str(wide)
    assert tight.upper <= wide.upper < 1e-8
    assert wide.lower <= tight.upper


POLES = ["1/x", "0*(1/x)", "x/x", "log(x)", "sqrt(x)", "x^-2", "tan(4*x)", "x^0.3", "0/x", "(x-x)/(x-x)"]


@pytest.mark.slow
@pytest.mark.parametrize("text", POLES)
def test_poles_and_ends_of_domains_have_no_bound(text):
    proof = certify(_net("tanh"), text, "x=-1:1", boxes=400)
    assert not math.isfinite(proof.upper)


@pytest.mark.parametrize("text", ["abs(x)", "max(x, 0.1)", "relu(x) + min(x, 0.3)", "clip(x, -0.2, 0.4)"])
def test_a_kink_has_balls_on_either_side_and_ranges_where_it_is(text):
    net = _net("tanh")
    assert balls.fits(lowered(program_of(net, 1)), (parse(text),))
    proof = certify(net, text, "x=-1:1", boxes=2000)
    assert proof.complete and proof.upper <= 1.001 * proof.lower
    x = np.linspace(-1, 1, 10001)
    seen = np.abs(net(Tensor(x[:, None])).detach().numpy()[:, 0] - parse(text)(x)).max()
    assert 0.999 * seen <= proof.upper


@pytest.mark.parametrize("text", ["x if x > 0 else 0", "floor(x)", "x % 2"])
def test_jumps_and_conditions_are_left_to_the_other_engines(text):
    net = _net("tanh")
    assert not balls.fits(lowered(program_of(net, 1)), (parse(text),))
    assert math.isfinite(certify(net, text, "x=-1:1", boxes=2000).upper)


@pytest.mark.slow
@pytest.mark.parametrize("terms", [1, 2, 3, 9])
@pytest.mark.parametrize("name, at, far", [("digamma", 1.375, 0.25), ("erfinv", 0.375, 0.125)])
def test_series_of_functions_that_have_none_in_arb(name, at, far, terms):
    """Of a series they hold the coefficients at its first one, and of a ball those at all points of it."""
    import flint

    function = {"digamma": mpmath.digamma, "erfinv": mpmath.erfinv}[name]
    with mpmath.workdps(40), balls.precision(flint, terms):
        for radius in (0.0, far):
            found = balls.FUNCTIONS[name](flint.arb_series([flint.arb(at, radius), 2, -1][: max(terms, 1)]))
            for shift in (-radius, 0.0, 0.5 * radius, radius):
                middle = mpmath.mpf(at + shift)
                true = mpmath.taylor(lambda t, m=middle: function(m + 2 * t - t * t), 0, terms - 1)
                for k, value in enumerate(true):
                    near = flint.arb(mpmath.nstr(value, 30), 1e-20 * (1.0 + abs(float(value))))
                    assert found[k].overlaps(near)
                    assert radius or found[k].rad() < 1e-25
    with balls.precision(flint, 3):
        for outside in (flint.arb(-1.5), flint.arb(1.0), flint.arb(0.5, 0.6)):
            if name == "digamma" and outside > 0:
                continue
            series = balls.Series(flint)
            with pytest.raises(balls.NotFinite):
                series.call(name, [flint.arb_series([outside, 1])], [None])


def test_the_precision_of_others_is_left_alone():
    import flint

    before = flint.ctx.prec, flint.ctx.cap
    certify(_net("tanh"), "sin(x)", "x=-1:1")
    assert (flint.ctx.prec, flint.ctx.cap) == before


def test_divisions_are_exact():
    """Three divides 1 with a remainder; what the model is in exact arithmetic has none."""

    class Thirds(nn.Module):
        def __init__(self):
            super().__init__()
            self.three = surefit.tensor(np.full((1, 1), 3.0))
            self.net = _net("tanh", scale=1e6)

        def forward(self, x):
            return self.net(x / self.three)

    model = Thirds()
    proof = certify(model, "x", "x=-1:1", rtol=1e-12)
    inner = model.net
    with mpmath.workdps(50):
        x = mpmath.mpf(proof.error.at["x"])
        truth = abs(x - _exact(inner, mpmath.tanh, x / 3))
    assert proof.lower <= truth <= proof.upper
    assert proof.error.gap < 1e-11


@pytest.mark.parametrize("name", ["square", "exp", "cos", "erf"])
def test_other_units_that_are_read_in_balls(name):
    from surefit.core import ops
    from surefit.core.program import record

    rng = np.random.default_rng(5)
    w, b, c = (surefit.tensor(rng.normal(size=shape)) for shape in ((1, 5), (5,), (5, 1)))
    function = lambda x: getattr(ops, name)(x @ w + b) @ c
    with no_grad():
        x = Tensor(np.linspace(-1, 1, 801)[:, None], np.float64)
        values = function(x).numpy()[:, 0]
        program = record(function, Tensor(np.zeros((1, 1)), np.float64))
    assert balls.fits(lowered(program), (parse("sin(x)"),))
    largest = np.abs(np.sin(x.numpy()[:, 0]) - values).max()
    proof = certify(program, "sin(x)", "x=-1:1", rtol=1e-3)
    assert largest * (1 - 1e-12) <= proof.upper <= largest * 1.01
