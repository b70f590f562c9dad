"""Certificates: the truth lies between their bounds, for every activation, depth and mode; statuses say what they mean.

Oracles: maxima known by calculus, dense samples of the model itself, NumPy in float32 and float64, mpmath.
"""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.bounds import Certificate, Proved, Undefined, Unsupported, branch, certify, proving
from surefit.bounds.branch import Lines, Polynomials, branch_and_bound
from surefit.bounds.certificate import ceil_words, floor_words, read_certificate
from surefit.bounds.network import lowered
from surefit.bounds.proving import program_of, subject_of
from surefit.bounds.relax import Relaxation
from surefit.core.modes import no_grad
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, DataError, FormulaError, ShapeError

ACTIVATIONS = ["relu", "leaky_relu", "tanh", "sigmoid", "gelu", "silu", "softplus", "elu", "sin", "relu6", "hardswish"]


def two_layer(w, b, c, d=0.0, activation="relu", dtype=np.float64):
    """sum c_i s(w_i x + b_i) + d of one input."""
    net = nn.MLP(1, (len(w),), 1, activation=activation, generator=0, dtype=dtype)
    values = [np.array(w).reshape(-1, 1), np.array(b), np.array(c).reshape(1, -1), np.array([d])]
    for p, v in zip(net.parameters(), values, strict=True):
        p.assign(np.asarray(v, dtype))
    return net


ABS = two_layer([1.0, -1.0], [0.0, 0.0], [1.0, 1.0])  # |x|


@pytest.mark.parametrize(
    "formula, box, truth",
    [("x^2", "x=-1:1", 0.25), ("abs(x)", "x=-1:1", 0.0), ("x^2", "x=-2:3", 6.0), ("0*x", "x=-1:0.5", 1.0),
     ("x", "x=-1:1", 2.0), ("abs(x) + sin(x)", "x=-4:4", 1.0)],
)  # fmt: skip
@pytest.mark.parametrize("mode", ["real", "deployed"])
def test_maxima_that_are_known(formula, box, truth, mode):
    proof = certify(ABS, formula, box, rtol=1e-4, mode=mode)
    assert isinstance(proof.error, Proved)
    assert proof.lower <= truth <= proof.upper <= truth * (1 + 1e-3) + 1e-12
    assert proof.boxes < 20_000  # an error of nothing is not looked for until the time is over


@pytest.mark.parametrize(
    "lowers, uppers, ends",
    [((0.0, 0.0), (1e-14, 1e-14), True), ((0.0, 0.0), (1e-3, 1e-3), False), ((0.0, 0.0), (1e-14, 4e-15), False),
     ((1e-15, 2e-15), (1e-14, 1e-14), False)],
)  # fmt: skip
def test_what_moves_no_more_is_ended_only_near_the_rounding(lowers, uppers, ends):
    """The largest bound stays while boxes beside a kink are cut: that is no reason to end; rounding is."""
    search = branch._Search(None, -np.ones(1), np.ones(1), None, 1, ())
    said = []
    for boxes, lower, upper in zip((2000, 7000, 8000), (lowers[0], *lowers), (uppers[0], *uppers), strict=True):
        search.boxes, search.lower = boxes, lower
        search.open.bound[:] = upper
        said.append(search.stands_still(size=1.0))
    assert said == [False, False, ends]  # the second time there were not four times as many boxes


def sampled(model, formula, names, low, high, n=4000):
    rng = np.random.default_rng(0)
    x = rng.uniform(low, high, (n, len(low)))
    x[: 2 ** len(low)] = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(len(low), -1).T
    dtype = next(iter(model.parameters())).dtype
    x = x.astype(dtype)
    with no_grad():
        y = model(Tensor(x)).numpy().astype(float)
    f = surefit.parse(formula)
    target = np.broadcast_to(f(*(x[:, names.index(v)].astype(float) for v in f.variables)), (n,))
    return np.abs(y[:, 0] - target).max()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("d, hidden", [(1, (12,)), (2, (8, 8)), (3, (6,))])
def test_samples_lie_below_the_upper_bound(activation, d, hidden):
    net = nn.MLP(d, hidden, 1, activation=activation, generator=d)
    names = ["x", "y", "z"][:d]
    formula = ["sin(2*x)", "x*y - 0.1", "x*y + z"][d - 1]
    box = dict.fromkeys(names, (-1.5, 1.25))
    worst = sampled(net, formula, names, [-1.5] * d, [1.25] * d)
    for mode in ("real", "deployed"):
        proof = certify(net, formula, box, rtol=0.2, time=2.0, mode=mode, strict=False)
        assert worst * (1 - 1e-5) <= proof.upper
        assert proof.lower <= proof.upper
        if mode == "deployed":
            assert worst <= proof.upper
        assert proof.lower > 0.5 * worst


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ranges_contain_what_the_running_model_gives(activation, dtype):
    """Every box, corners included: the values of NumPy in the model's own dtype, and in float64."""
    rng = np.random.default_rng(1)
    net = nn.MLP(2, (16, 12), 2, activation=activation, generator=4, dtype=dtype)
    exact, running = lowered(program_of(net, 2)), lowered(program_of(net, 2), lambda name, kind: 4.0, strict=False)
    middle = rng.uniform(-3, 3, (60, 2))
    width = rng.choice([1.0, 0.1, 1e-2, 1e-4], (60, 1)) * rng.random((60, 2))
    lo, hi = (middle - width).astype(dtype).astype(float), (middle + width).astype(dtype).astype(float)
    t = rng.random((60, 40, 2))
    t = np.where(rng.random(t.shape) < 0.3, np.round(t), t)
    x = np.clip((lo[:, None] + t * (hi - lo)[:, None]).astype(dtype), lo[:, None], hi[:, None]).astype(dtype)
    with no_grad():
        y = net(Tensor(x.reshape(-1, 2))).numpy().reshape(60, 40, 2).astype(float)
    z = exact(x.reshape(-1, 2).astype(float)).reshape(60, 40, 2)
    for tighten in (False, True):
        for low_net, values, deployed, slack in ((running, y, True, 0.0), (exact, z, False, 1e-14)):
            relaxation = Relaxation(low_net, deployed, tighten)
            states = relaxation.forward(lo, hi)
            linear = relaxation.backward(states)
            assert (values >= states[-1].low[:, None] - slack).all()
            assert (values <= states[-1].high[:, None] + slack).all()
            line = np.einsum("bqd,bpd->bpq", linear.a, x.astype(float)) + linear.b[:, None]
            assert (np.concatenate([values, -values], axis=2) >= line - 1e-13).all()


def test_the_scaling_inside_a_model_is_part_of_it():
    fit = surefit.fit("1e6 + 1e3*sin(x)", {"x": (1000, 1003)}, model=(6,), seed=0)
    proof = fit.certify(rtol=0.1)
    x = np.linspace(1000, 1003, 20001)
    worst = np.abs(fit.predict(x) - (1e6 + 1e3 * np.sin(x))).max()
    assert proof.upper >= worst
    assert proof.lower <= worst * 1.01


def test_several_outputs_have_a_bound_each():
    net = nn.MLP(1, (6,), 2, activation="tanh", generator=0, dtype=np.float64)
    proof = certify(net, ["x", "100 + x"], "x=-1:1", outputs=["a", "b"], rtol=0.01)
    assert isinstance(proof.error, Proved)
    assert set(proof.error.outputs) == {"a", "b"}
    assert proof.error.outputs["a"] < 5 < 95 < proof.error.outputs["b"] == proof.upper


def test_residual_and_parallel_models():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(2, 5, generator=1, dtype=np.float64)
            self.b = nn.Linear(5, 5, generator=2, dtype=np.float64)
            self.c = nn.Linear(7, 1, generator=3, dtype=np.float64)

        def forward(self, x):
            h = surefit.tanh(self.a(x))
            h = h + surefit.relu(self.b(h)) * 0.5
            return self.c(surefit.cat([h, surefit.abs(x)], dim=1)) + x[:, :1] * x[:, 1:]

    net = Net()
    net.eval()
    proof = certify(net, "x*y", {"x": (-1, 1), "y": (-2, 1)}, rtol=0.05, time=60)
    rng = np.random.default_rng(0)
    x = rng.uniform((-1, -2), (1, 1), (20000, 2))
    with no_grad():
        worst = np.abs(net(Tensor(x)).numpy()[:, 0] - x[:, 0] * x[:, 1]).max()
    assert worst <= proof.upper <= worst * 1.2
    assert proof.lower <= worst * 1.05


def test_taylor_models_reach_tiny_errors():
    fit = surefit.fit("-2/(2 + sin(x))", {"x": (-3, 3)}, model=(60,), seed=0)
    proof = fit.certify(rtol=0.1, mode="real")
    assert fit.error.max < 1e-8
    assert 0.9 * fit.error.max <= proof.upper <= 1.5 * fit.error.max


def test_a_tolerance_is_proved_or_disproved_or_left_open():
    assert certify(ABS, "x^2", "x=-1:1", tol=0.26).proves(0.26) is True
    assert certify(ABS, "x^2", "x=-1:1", tol=0.2).proves(0.2) is False
    short = certify(nn.MLP(3, (32, 32), 1, generator=0), "sin(x)*y*z", "x=-9:9, y=-9:9, z=-9:9", tol=85, time=1e-9)
    assert short.proves(math.nan) is None
    assert short.proves(85) is None and "ended before the tolerance 85 was decided" in short.note


def test_ctrl_c_keeps_what_is_proved(monkeypatch):
    calls = []

    def progress(lower, upper):
        calls.append((lower, upper))
        if len(calls) == 3:
            raise KeyboardInterrupt

    proof = certify(nn.MLP(2, (16, 16), 1, generator=0), "sin(3*x)*y", "x=-2:2, y=-2:2", rtol=1e-6, progress=progress)
    assert "interrupted" in proof.note
    assert proof.lower <= proof.upper < math.inf
    assert not proof.complete


@pytest.mark.parametrize("where", ["search_points", "_way"])
@pytest.mark.parametrize("mode", ["real", "deployed"])
def test_an_interrupt_before_the_first_box_leaves_a_bound_of_the_whole_domain(monkeypatch, where, mode):
    def interrupted(*args, **more):
        raise KeyboardInterrupt

    net = nn.MLP(2, (16, 16), 1, generator=0)
    monkeypatch.setattr(proving, where, interrupted)
    proof = certify(net, "sin(3*x)*y", "x=-2:2, y=-2:2", mode=mode)
    assert "interrupted" in proof.note and not proof.complete
    monkeypatch.undo()
    full = certify(net, "sin(3*x)*y", "x=-2:2, y=-2:2", mode=mode)
    assert proof.lower <= full.upper and full.lower <= proof.upper < math.inf


class _Sorted(nn.Module):
    def forward(self, x):
        return surefit.sort(x, dim=-1)[0]


def test_wrong_arguments_are_named():
    with pytest.raises(ArgumentError, match="domain= is missing"):
        certify(ABS, "x")
    fit = surefit.fit("x", "x=0:1")
    with pytest.raises(ArgumentError, match=r"fit\.certify\(\)"):
        certify(fit)
    with pytest.raises(ArgumentError, match=r"model=Fit .* its \.model"):
        certify(fit, "x", "x=0:1")
    with pytest.raises(ArgumentError, match="mode='exact'"):
        certify(ABS, "x", "x=0:1", mode="exact")
    with pytest.raises(ArgumentError, match="rtol=0"):
        certify(ABS, "x", "x=0:1", rtol=0)
    with pytest.raises(ArgumentError, match="depends on y"):
        certify(ABS, "y", "x=0:1")
    with pytest.raises(ShapeError, match="1 outputs for 2 formulas"):
        certify(ABS, ["x", "x"], "x=0:1")
    with pytest.raises(FormulaError, match="Python function nothing can be proved"):
        certify(ABS, [lambda x: x], "x=0:1")
    with pytest.raises(ArgumentError, match="must be a surefit Module"):
        certify(lambda x: x, "x", "x=0:1")
    sorting = nn.Sequential(nn.Linear(2, 3), _Sorted(), nn.Linear(3, 1))
    with pytest.raises(Unsupported, match="through which no bounds are taken"):
        certify(sorting, "x + y", "x=0:1, y=0:1")
    table = surefit.fit((np.arange(30.0), np.arange(30.0)), model=(4,), seed=0)
    with pytest.raises(ArgumentError, match="known at points only"):
        table.certify()


def test_the_file_is_exact_and_foreign_ones_are_refused(tmp_path):
    proof = certify(ABS, "x^2", "x=-1:1")
    data = read_certificate(proof.save(tmp_path / "c.json"))
    assert data["error"]["upper"] == proof.upper
    assert data["model_sha256"] == proof.model
    assert proof.leaves is not None
    assert np.array(data["leaves"]["low"]).shape == proof.leaves[0].shape
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(DataError, match="no certificate"):
        read_certificate(tmp_path / "x.json")


def test_printed_bounds_are_rounded_outward():
    rng = np.random.default_rng(0)
    for x in 10.0 ** rng.uniform(-300, 300, 300):
        assert float(floor_words(x)) <= x <= float(ceil_words(x))
    assert ceil_words(math.inf) == "inf"


@pytest.mark.slow
def test_card_report_and_plain_data_say_proved(tmp_path):
    fit = surefit.fit("x^2", {"x": (-1, 1)}, model=(8,), tol=1e-4, seed=0)
    assert "(measured)" in fit.card() and "proved" not in fit.card()
    fit.certify(rtol=0.2)
    assert "tolerance 0.0001 reached (proved)" in fit.card()
    assert "of the program as it runs, rounding included" in fit.card()
    assert json.loads(json.dumps(fit.to_dict()["certificate"]))["error"]["status"] == "proved"
    text = fit.report(tmp_path / "r.md").read_text()
    assert "Proved: at every point of the domain" in text
    assert fit.to("float32").proved is None  # another network
    again = surefit.load(fit.save(tmp_path / "m.safetensors"))
    assert again.proved is not None and again.proved.error == fit.certificate.error
    assert "tolerance 0.0001 reached (proved)" in again.card()
    next(iter(again.network.parameters())).assign(0.999 * next(iter(again.network.parameters())).detach().numpy())
    assert again.proved is None and "proved" not in again.card()


@pytest.mark.slow
def test_the_report_tells_each_output_and_what_it_rests_on_in_both_languages(tmp_path):
    fit = surefit.fit("x^2 - x; 9*sin(x)", "x=-1:1", model=(3,), method="features", seed=0)
    proof = fit.certify(rtol=0.2)
    again = surefit.load(fit.save(tmp_path / "m.safetensors"))
    for one in (fit, again):
        english, chinese = (one.report(tmp_path / f"{lang}.md", lang=lang).read_text() for lang in ("en", "zh"))
        for name, bound in proof.error.outputs.items():
            assert f"| {name} | {ceil_words(bound)} |" in english and f"| {name} | {ceil_words(bound)} |" in chinese
        assert "those of IEEE 754" in english and "舍入到最近" in chinese
        assert "已证明：最大" in one.card("zh")
    late = fit.certify(time=1e-9)
    assert math.isfinite(late.upper)  # the whole domain is looked at in any case


def test_a_certificate_comes_back_from_its_data():
    proof = certify(two_layer([1.0, -1.0], [0.0, 0.0], [1.0, 1.0]), "x^2", "x=-1:1", tol=0.3)
    again = Certificate.from_dict(json.loads(json.dumps(proof.to_dict())))
    assert again == proof and all(np.array_equal(a, b) for a, b in zip(again.leaves, proof.leaves, strict=True))
    lost = certify(two_layer([1.0], [0.0], [1.0]), "1/x", "x=-1:1", time=0.5)
    assert Certificate.from_dict(lost.to_dict()) == lost and lost.upper == math.inf
    for wrong in ({}, {"format": 7}, {**proof.to_dict(), "error": {}}, {**proof.to_dict(), "domain": 3}):
        with pytest.raises(DataError, match="no certificate"):
            Certificate.from_dict(wrong)


def test_engines_agree():
    """Lines and polynomials bound the same maximum."""
    net = nn.MLP(2, (10,), 1, activation="tanh", generator=3, dtype=np.float64)
    s = subject_of(net, "sin(x) - y", "x=-1:1, y=-1:1", "real")
    lines = Lines(Relaxation(s.net, False), s.target)
    points = np.zeros((1, 2))
    first = branch_and_bound(lines, s.low, s.high, points=points, rtol=0.01)
    second = branch_and_bound(
        Polynomials(s.net, s.formulas, s.names, False, lines), s.low, s.high, points=points, rtol=0.01
    )
    assert first.complete and second.complete
    assert second.lower <= first.upper and first.lower <= second.upper
    assert abs(first.upper - second.upper) < 0.02 * first.upper


@pytest.mark.slow
def test_a_steep_unit_with_a_small_weight_spoils_no_polynomial():
    """Its own polynomial says nothing on a box where it goes from -1 to 1, but its range does."""
    rng = np.random.default_rng(0)
    net = nn.MLP(2, (12,), 1, activation="tanh", generator=3, dtype=np.float64)
    first, last = [m for m in net.modules() if isinstance(m, nn.Linear)]
    w, b, out = rng.standard_normal((12, 2)), rng.standard_normal(12), rng.standard_normal((1, 12))
    w[0], b[0], out[0, 0] = (4e4, -3e4), 1e3, 1e-5
    for p, value in ((first.weight, w), (first.bias, b), (last.weight, out), (last.bias, np.zeros(1))):
        p.assign(value)
    terms = zip(out[0, 1:].tolist(), *w[1:].T.tolist(), b[1:].tolist(), strict=True)
    teacher = " + ".join(f"{c!r}*tanh({u!r}*x + {v!r}*y + {t!r})" for c, u, v, t in terms)
    proof = certify(net, teacher, "x=-1:1, y=-1:1", boxes=200, time=None)
    assert proof.method.code == "proof-taylor"
    assert 0.99e-5 <= proof.upper <= 1.05e-5
    low, high, bound = proof.leaves
    u = rng.random((len(low), 50, 2))
    u[:, :20] = np.round(u[:, :20])
    x = np.clip(low[:, None] + u * (high - low)[:, None], low[:, None], high[:, None])
    z = np.abs(1e-5 * np.tanh(x @ w[0] + b[0]))
    assert (z.max(axis=1) <= bound[:, 0] + 1e-14).all()


def test_undefined_targets_have_no_number():
    proof = certify(ABS, "1/x", "x=-1:1")
    assert isinstance(proof.error, Undefined)
    assert proof.upper == math.inf
    assert proof.proves(1e300) is None
    assert "no bound is proved" in str(proof.error)


def test_a_constant_that_is_rounded_where_it_runs():
    """A float64 weight that the model casts to float32 is another number there."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = surefit.Parameter(np.array([[0.1]]), np.float64)

        def forward(self, x):
            return x @ self.w.float()

    x = np.linspace(1, 2, 999, dtype=np.float32)[:, None]
    with no_grad():
        y = (x @ np.array([[0.1]], np.float32)).astype(float)
    net = Net()
    program = surefit.record(lambda x: net(x), Tensor(np.zeros((1, 1), np.float32)))
    proof = certify(program, "x/10", "x=1:2", mode="deployed")
    assert np.abs(y[:, 0] - x[:, 0] / 10.0).max() <= proof.upper < 1e-6
    assert certify(program, "x/10", "x=1:2").upper < 1e-14


def test_an_input_may_have_the_name_of_a_constant():
    """In a domain that names e, e is that input, as it is where the formula is fitted."""
    fit = surefit.fit("2*e*x + pi", "x=0:1, e=0:1", seed=0, tol=1e-6)
    proof = fit.certify(time=None)
    assert proof.upper < 1e-5
    net = nn.Linear(1, 1, dtype=np.float64)
    net.weight.assign(np.array([[2.0]]))
    net.bias.assign(np.array([0.0]))
    assert surefit.certify(net, "2*e", "e=0:1").upper < 1e-14
    assert surefit.certify(net, "2*x + 0*e", (0, 1)).upper < 1e-14  # which names none: e is 2.718...
    with pytest.raises(ArgumentError, match="depends on y"):
        surefit.certify(net, "2*y", "e=0:1")


@pytest.mark.parametrize("net, formula, box", [(ABS, "x^2", (-1, 1)), (None, "sin(x)*cos(y)", None)])
@pytest.mark.parametrize("mode", ["real", "deployed"])
def test_a_tolerance_is_decided_however_near_it_is(net, formula, box, mode):
    """It once ended undecided where the tolerance lay within `rtol` of what is reached."""
    net = net or nn.MLP(2, (8,), 1, activation="tanh", generator=3, dtype=np.float64)
    box = box or {"x": (-1, 1), "y": (-1, 1)}
    known = certify(net, formula, box, rtol=1e-5, mode=mode)
    for tol, decided in ((known.upper * 1.0005, True), (known.lower * 0.9999, False)):
        assert certify(net, formula, box, rtol=0.05, mode=mode, tol=tol).proves(tol) is decided


@pytest.mark.parametrize("formula, domain, activation", [
    ("sin(3*x)", "x=-1:1", "relu"), ("sin(3*x)", "x=-1:1", "tanh"), ("x*y + exp(-x^2)", "x=-1:1, y=-1:1", "tanh"),
    ("max(x, y)", "x=-1:1, y=-1:1", "relu"),
])  # fmt: skip
def test_a_tolerance_that_is_disproved_leaves_as_good_a_bound_as_none(formula, domain, activation):
    """The search had ended at the first point above it, with the bound of the first box."""
    net = surefit.nn.MLP(domain.count("="), (6,), 1, activation=activation, generator=0)
    given = dict(rtol=0.05, time=None, boxes=20_000)
    plain = surefit.certify(net, formula, domain, **given)
    below = surefit.certify(net, formula, domain, tol=1e-9, **given)
    assert below.proves(1e-9) is False
    assert below.upper <= 1.06 * plain.lower
