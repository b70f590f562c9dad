"""Networks made of the parts of a formula: bounds against values at points, and networks that are not quite so."""

import functools
import math
from fractions import Fraction

import numpy as np
import pytest

import surefit
from surefit.bounds import cells, certify, composed, recognised
from surefit.bounds.branch import Lines
from surefit.bounds.network import Affine, lowered
from surefit.bounds.proving import subject_of
from surefit.bounds.relax import Relaxation
from surefit.core.order import strict_sum
from surefit.formulas import parse
from surefit.formulas.compositions import composition_of
from surefit.formulas.exact import Exact, T, combined, expression, number, put, term_of
from surefit.models.inference import values_of

pytest.importorskip("flint", reason="the balls are those of python-flint, the extra certify")
mpmath = pytest.importorskip("mpmath", reason="the truth")

FITS = {
    "x*exp(y)": {"x": (-1, 2), "y": (0, 3)},
    "sqrt((x + 1.1)*(y + 1.2))*0.3": {"x": (-1, 1), "y": (-1, 1)},
    "1/(x^2 + y^2 + 0.01)": {"x": (-1, 1), "y": (-1, 1)},  # with a pole not far beyond
    "x*sin(pi*y + z)": {"x": (-1, 1), "y": (-1, 0.5), "z": (0, 1)},
    "abs(x*y)": {"x": (-1, 1), "y": (-1, 1)},  # a kink along curves
    "max(x*y, x + y)": {"x": (-2, 2), "y": (-2, 2)},
    "sqrt(abs(x*y))": {"x": (-1, 1), "y": (-1, 1)},  # and an infinite slope
}
# tolerances that a network of parts is the first to reach
MOST = {"max(x*y, x + y)": 1e-2, "sqrt(abs(x*y))": 5e-2, "abs(x*y)": 1e-3, "x*exp(y)": 1e-8}


@functools.cache
def _fit(text):
    found = surefit.fit(text, FITS[text], seed=0, tol=MOST.get(text))
    assert found.method["solver"] == "composed"
    return found


def _points(low, high, n, seed=0):
    t = np.random.default_rng(seed).random((n, len(low)))
    t[: n // 3] = np.round(t[: n // 3])  # corners
    return np.clip(low + t * (high - low), low, high)


def _error(fit, text, x):
    f = parse(text)
    return np.abs(values_of(fit.model)(x)[:, 0] - f(*(x[:, fit.names.index(v)] for v in f.variables)))


def _proof(fit, text, mode="deployed", boxes=600):
    return certify(
        fit.model, text, fit.domain, mode=mode, values=values_of(fit.model), boxes=boxes, time=None, rtol=0.02
    )


@pytest.mark.parametrize(
    "text",
    [
        next(iter(FITS)),
        "abs(x*y)",
        *(pytest.param(t, marks=pytest.mark.slow) for t in list(FITS)[1:] if t != "abs(x*y)"),
    ],
)
def test_bounds_are_near_the_error_and_above_it_on_every_box(text):
    fit = _fit(text)
    proof = _proof(fit, text)
    assert proof.method.code == "proof-parts"
    most = _error(fit, text, _points(fit.domain.low, fit.domain.high, 20_000)).max()
    assert most <= proof.upper <= 2.0 * max(most, proof.lower)
    low, high, bound = proof.leaves
    for i in np.random.default_rng(1).integers(0, len(low), 60):
        assert _error(fit, text, _points(low[i], high[i], 30, i)).max() <= bound[i, 0]


@pytest.mark.slow
@pytest.mark.parametrize("text", ["sin(x) + abs(x - y)", "max(x, y) + exp(x)"])
def test_a_kink_of_a_sum_beside_smooth_parts_is_proved_as_near_as_each_part(text):
    """Of two weights of one size either may count as the larger; at a kink cells become as short as units are steep."""
    found = surefit.fit(text, {"x": (-2, 2), "y": (0, 3)}, seed=0)
    proof = _proof(found, text)
    assert "parts of the formula" in proof.method
    x = _points(np.array([-2.0, 0.0]), np.array([2.0, 3.0]), 20_000)
    x[:5000, 1] = x[:5000, 0] = np.abs(x[:5000, 0])  # at the kink
    assert _error(found, text, x).max() <= proof.upper <= 1.2 * found.error.max


@pytest.mark.slow
def test_sums_of_each_layer_are_rounded_by_what_they_are_at_the_time():
    """Output weights cancel: running sums are small, and rounded by half a unit of that, which the bound knows."""
    fit = _fit("x*exp(y)")
    s = subject_of(fit.model, "x*exp(y)", fit.domain, "deployed")
    lines = Lines(Relaxation(s.net, True), s.target)
    made = composed.parts_of(lowered(s.program), s.formulas, s.names, s.low, s.high, lines, s.net)
    loose = recognised.roundings_of(made.running, made.low, made.high)
    h = _points(made.low, made.high, 400)
    seen = []
    for node in made.running.nodes[1:]:
        if not isinstance(node, Affine):
            h = recognised.UNITS[made.kind](h)
            continue
        ((_, w, _),) = node.sources
        if not node.in_blocks:
            h = h @ w.T + node.b
            continue
        z = strict_sum(h[:, None] * w) + node.b
        exact = (h[:, None].astype(np.longdouble) * w).sum(axis=-1) + node.b
        seen.append(np.abs(z - exact).max(axis=0).astype(float))
        h = z
    for depth, off in enumerate(seen[1:-1], 1):  # of the last layer the scale follows
        assert (off <= made.roundings[depth][0]).all()
        assert (made.roundings[depth][0] < loose[depth][0]).all()
    assert made.roundings[-1][0] < 0.6 * loose[-1][0]


@pytest.mark.parametrize("layer, factor", [pytest.param(0, 1 + 1e-4, marks=pytest.mark.slow), (0, 0.0), (-1, 1 + 1e-7)])
def test_a_network_with_another_weight_has_no_smaller_bound_than_its_error(layer, factor):
    text = "x*exp(y)"
    fit = surefit.fit(text, FITS[text], seed=0, tol=MOST[text])  # one that may be changed
    weights = [p for name, p in fit.model.named_parameters() if name.endswith("weight")][layer]
    w = weights.detach().numpy().copy()
    w[np.unravel_index(np.abs(w).argmax(), w.shape)] *= factor
    weights.assign(w)
    proof = _proof(fit, text, boxes=1)
    most = _error(fit, text, _points(fit.domain.low, fit.domain.high, 5000)).max()
    assert most > 1.2 * fit.error.max  # the change is seen
    assert most <= proof.upper


@pytest.mark.slow
def test_rounding_of_the_running_network_is_in_the_deployed_bound():
    text = "x*exp(y)"
    deployed, real = (_proof(_fit(text), text, mode, boxes=1) for mode in ("deployed", "real"))
    assert deployed.upper > real.upper
    assert 0 < deployed.rounding < deployed.upper


def _parts(fit, text):
    s = subject_of(fit.model, text, fit.domain, "real")
    return composed.parts_of(
        s.net, s.formulas, s.names, s.low, s.high, Lines(Relaxation(lowered(s.program), False), s.target), None
    )


@pytest.mark.slow
def test_arguments_that_no_sample_point_has_are_in_the_cells():
    """Where an argument is largest in a corner, boxes there would have no bound, however small they are."""
    text = "sin(3*x)*exp(y)*z"
    fit = surefit.fit(text, "x=-1:1, y=-1:1, z=-1:1", tol=1e-6, seed=0)
    assert len(fit.layers()) == 5  # three layers of parts
    s = subject_of(fit.model, text, fit.domain, "real")
    made_of = composed.Parts(s.net, s.formulas, s.names, s.low, s.high, Lines(Relaxation(s.net, False), s.target), None)
    x = _points(s.low, s.high, 3000)
    x[:, 2] = np.round(x[:, 2])
    x = np.concatenate([x, x * [1, 0, 1] + [0, 1, 0]])  # most are on faces and edges
    forms, _ = made_of._forms(x, x)
    beyond = 0
    for group in (g for layer in made_of.layers[1:] for g in layer):
        values = forms[id(group.sum)].c
        assert group.low <= values.min() and values.max() <= group.high
        beyond += not (group.sum.values.min() <= values.min() and values.max() <= group.sum.values.max())
        assert group.high - group.low <= 1.15 * (values.max() - values.min())  # and not much farther
    assert beyond
    proof = certify(fit.model, text, fit.domain, boxes=4000, time=None, rtol=0.05)
    assert proof.upper <= 1.3 * proof.lower


@pytest.mark.slow
def test_another_formula_is_not_taken_for_the_one_it_was_made_of():
    fit = _fit("x*exp(y)")
    assert _parts(fit, "x*exp(y)") is not None
    for other in ("x*exp(y) + 0.001*x^3*y", "2*x*exp(y)"):
        proof = certify(fit.model, other, fit.domain, boxes=1, time=None)
        f = parse(other)
        x = _points(fit.domain.low, fit.domain.high, 3000)
        assert np.abs(fit.predict(x).reshape(-1) - f(x[:, 0], x[:, 1])).max() <= proof.upper


def test_a_root_of_a_square_is_no_part_where_its_base_may_be_negative(monkeypatch):
    text, box = "(x^2)^0.5*exp(y)", {"x": (0.5, 1), "y": (0, 1)}
    fit = surefit.fit("x*exp(y)", box, seed=0)  # what it is where x > 0
    wide = {"x": (-1, 1), "y": (0, 1)}
    positive = lambda formulas, points, log=None: composition_of(formulas, np.abs(points), log)
    monkeypatch.setattr(recognised, "composition_of", positive)
    proof = certify(fit.model, text, wide, boxes=1, time=None)
    x = _points(np.array([-1.0, 0.0]), np.array([1.0, 1.0]), 2000)
    error = np.abs(values_of(fit.model)(x)[:, 0] - np.abs(x[:, 0]) * np.exp(x[:, 1])).max()
    assert error > 0.5  # the network goes on as x exp(y)
    assert error <= proof.upper


def test_lookup_of_the_largest_on_intervals():
    rng = np.random.default_rng(0)
    ends = np.sort(rng.random(38))
    values = rng.normal(size=37)
    steps = cells.Steps(ends, values)
    a, b = np.sort(rng.uniform(ends[0], ends[-1], (2, 200)), axis=0)
    found = steps.largest(a, b)
    for low, high, value in zip(a, b, found, strict=True):
        touched = [v for v, s, e in zip(values, ends[:-1], ends[1:], strict=True) if s <= high and e >= low]
        assert value == max(touched)
    assert np.isinf(steps.largest(np.array([ends[0] - 1e-9]), ends[-1:])).all()


def test_factors_remember_what_they_are():
    tenth = Exact(0.1, number(Fraction(1, 10)))
    assert (3 * tenth - 1 / tenth).term.value == Fraction(3, 10) - 10
    assert (-tenth).term.value == Fraction(-1, 10)
    assert (tenth**-2).term.value == 100
    assert term_of(0.1) is None  # nobody vouches for a float that was rounded
    assert term_of(np.float64(0.5)) is None
    assert term_of(0.75).value == Fraction(3, 4)
    assert (tenth * 0.123456789).term is None
    assert float(tenth * np.ones(2) @ np.ones(2)) == 0.2


def test_terms_are_formulas():
    third = number(Fraction(1, 3))
    big = number(Fraction(12345678901234567890123, 10**5))
    f = expression(put(combined("sin", combined("mul", third, T)), combined("add", combined("exp", T), big)))
    from surefit.bounds.balls import Series, flint
    from surefit.bounds.reading import read

    arb = flint()
    before, arb.ctx.prec = arb.ctx.prec, 200
    try:
        found = read(f, {"t": arb.arb_series([arb.arb(0.5)])}, Series(arb))[0]
    finally:
        arb.ctx.prec = before
    with mpmath.workdps(50):
        true = mpmath.sin((mpmath.exp(mpmath.mpf("0.5")) + mpmath.mpf("123456789012345678.90123")) / 3)
        assert abs(mpmath.mpf(found.str(40, radius=False)) - true) < 1e-35
    assert math.isclose(float(expression(combined("mul", third, T))(0.3)), 0.1)


class _Clock:
    """A time that goes on by one second each time that somebody looks at it."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        self.now += 1.0
        return self.now


def _made(text, allowed):
    fit = _fit(text)
    s = subject_of(fit.model, text, fit.domain, "real")
    lines = Lines(Relaxation(s.net, False), s.target)
    return composed.parts_of(s.net, s.formulas, s.names, s.low, s.high, lines, None, allowed)


@pytest.mark.slow
def test_tables_are_made_as_long_as_there_is_time(monkeypatch):
    """Cells are not cut any more when half of it is over; and none is begun when it is over."""
    text = "abs(x*y)"
    clock = _Clock()
    monkeypatch.setattr(cells, "time", clock)
    whole = _made(text, cells.Allowance())
    looked, clock.now = clock.now, 0.0
    rough = _made(text, cells.Allowance(0.0, math.inf))
    few, clock.now = clock.now, 0.0
    assert few < looked
    assert rough.parts == whole.parts
    low, high = np.array([[0.3, 0.2]]), np.array([[0.31, 0.21]])
    most = _error(_fit(text), text, _points(low[0], high[0], 500)).max()
    assert most <= whole.look(low, high).bound[0, 0] <= rough.look(low, high).bound[0, 0] * (1 + 1e-9)
    for last in (0.0, 1.0, few / 2):
        clock.now = 0.0
        assert _made(text, cells.Allowance(0.0, last)) is None
        assert clock.now <= last + 2


def test_a_proof_without_time_for_tables_has_a_bound(monkeypatch):
    fit, text = _fit("x*exp(y)"), "x*exp(y)"
    monkeypatch.setattr(cells.Allowance, "until", classmethod(lambda cls, deadline: cls(-math.inf, -math.inf)))
    proof = certify(fit.model, text, fit.domain, mode="deployed", values=values_of(fit.model), boxes=1, time=1e6)
    assert proof.method.code != "proof-parts"
    most = _error(fit, text, _points(fit.domain.low, fit.domain.high, 5000)).max()
    assert most <= proof.upper < math.inf


def test_an_interrupt_while_tables_are_made_leaves_a_bound(monkeypatch):
    fit, text = _fit("x*exp(y)"), "x*exp(y)"

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(composed.Parts, "_tabulate", stopped)
    proof = certify(fit.model, text, fit.domain, mode="deployed", values=values_of(fit.model), time=1e6)
    assert proof.note.code == "proof-interrupted" and not proof.complete
    most = _error(fit, text, _points(fit.domain.low, fit.domain.high, 5000)).max()
    assert most <= proof.upper < math.inf


@pytest.mark.slow
def test_a_box_at_the_end_of_a_root_has_a_bound_near_the_error():
    """hypot at 0: the sum of squares is 0 at least, and the float below that has no root."""
    fit = surefit.fit("hypot(x,y)", {"x": (-1, 1), "y": (-1, 1)}, seed=0, tol=1e-3)
    subject = subject_of(fit.model, "hypot(x,y)", fit.domain, "real")
    lines = Lines(Relaxation(subject.net, False), subject.target)
    exact = lowered(subject.program)
    parts = composed.parts_of(exact, subject.formulas, subject.names, subject.low, subject.high, lines, None)
    corners = np.array([[0.0, 0.0], [-1e-5, 0.0], [0.0, -1e-5], [-1e-5, -1e-5]])
    bounds = parts.look(corners, corners + 1e-5).bound[:, 0]
    for corner, bound in zip(corners, bounds, strict=True):
        seen = _error(fit, "hypot(x,y)", _points(corner, corner + 1e-5, 3000)).max()
        assert seen <= bound <= 1.5 * fit.error.max
