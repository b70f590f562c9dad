"""Constructed networks: the tolerance holds, and no piecewise-linear function has fewer hinges."""

from __future__ import annotations

import math

import numpy as np
import pytest
from matplotlib.text import Text

import surefit
from surefit.bounds.minlink import Construction, bent_triples, fewest_links, links_on, proved_triples
from surefit.errors import ArgumentError, DomainError, FormulaError
from surefit.formulas import parse
from surefit.problems.posing import pose
from surefit.search import constructing


def f_of(text):
    formula = parse(text, ("x",))
    return lambda x: np.broadcast_to(formula(x), np.shape(x))


@pytest.mark.parametrize(
    "text, low, high, tol, hinges",
    [
        ("-2/(2+sin(x))", -3, 3, 1e-3, 32),
        ("sin(x)", -2 * math.pi, 2 * math.pi, 1e-3, 76),
        ("x^2", -3, 3, 1e-3, 67),
        ("x^4-x^3+x^2-x+1", -2, 2, 1e-3, 119),
        ("abs(x-0.3)", -1, 1, 1e-3, 1),
        ("sqrt(x)", 0, 1, 1e-3, 15),
        ("2*x+1", -1, 3, 1e-6, 0),
    ],
)
def test_hinges_are_as_few_as_is_proved(text, low, high, tol, hinges):
    fit = surefit.construct(text, {"x": (low, high)}, tol=tol)
    made = fit.construction
    assert (made.hinges, made.at_least, made.minimal) == (hinges, hinges, True)
    assert fit.certificate.proves(tol) is True and fit.proved is fit.certificate and fit.certificate.mode == "deployed"
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.uniform(low, high, 20_000), made.knots, np.nextafter(made.knots, 0.0)]).clip(low, high)
    assert np.abs(fit.predict(x) - f_of(text)(x)).max() <= tol


@pytest.mark.slow
def test_of_a_parabola_the_number_is_known():
    # on a piece of width w a line is off by w^2/8 at least (Chebyshev): k pieces reach (b-a)^2/(8 (2)...) exactly
    for k in (1, 2, 5, 9):
        best = (2.0 / k) ** 2 / 8.0  # of x^2 on [-1, 1] with k pieces
        for tol, hinges in ((best * 1.001, k - 1), (best * 0.999, k)):
            assert surefit.construct("x^2", "x=-1:1", tol=tol).construction.hinges == hinges


def test_units_are_used_to_the_full():
    fit = surefit.construct("x^2", "x=-1:1", units=5)
    assert fit.network.num_parameters() == 5 * 2 + 5 + 1
    assert 0.02 <= fit.certificate.upper <= 0.02 * 1.002  # 5 pieces: (2/5)^2/8


@pytest.mark.parametrize("seed", range(6))
def test_of_random_polygons_links_keep_the_tube_and_windows_hold(seed):
    rng = np.random.default_rng(seed)
    nodes, heights = np.sort(rng.uniform(0, 1, 25)), rng.standard_normal(25).cumsum()
    x = np.union1d(np.linspace(nodes[0], nodes[-1], 20_001), nodes)
    f = lambda z: np.interp(z, nodes, heights)
    links, found = links_on(x, f(x), 0.8), bent_triples(f, x, f(x), 0.8)
    assert np.abs(links(x) - f(x)).max() <= 0.81
    assert len(found) <= links.hinges <= len(nodes) - 2 and (found[1:, 0] >= found[:-1, 2]).all()
    left, middle, right = found.T
    chord = f(left) + (f(right) - f(left)) * (middle - left) / (right - left)
    assert len(found) and (np.abs(chord - f(middle)) > 1.6).all()


def test_wrong_windows_prove_nothing():
    formula, f = parse("x^2"), f_of("x^2")
    x = np.linspace(-1, 1, 2001)
    good = bent_triples(f, x, f(x), 1e-3)
    count = len(good)
    assert len(proved_triples(formula, good, 1e-3)) == count > 10
    assert len(proved_triples(formula, good, 1.001e-3)) < count  # a larger tolerance
    assert len(proved_triples(parse("0.99*x^2"), good, 1e-3)) < count  # another function
    assert len(proved_triples(formula, np.repeat(good, 2, axis=0), 1e-3)) == count  # the same twice
    assert len(proved_triples(formula, good[:, ::-1], 1e-3)) == 0
    assert len(proved_triples(formula, np.where([0, 0, 1], np.nan, good), 1e-3)) == 0
    assert len(proved_triples(parse("1/x"), np.array([[-1.0, 0.0, 1.0]]), 1e-3)) == 0  # undefined there
    shifted = good + np.array([0.0, 0.0, 1e-4]) * np.array([[1.0]])
    kept = proved_triples(formula, shifted, 1e-3)
    assert (kept[1:, 0] >= kept[:-1, 2]).all() and len(kept) < count  # overlapping windows do not count twice


def test_no_function_with_fewer_hinges_is_found_by_a_fit():
    made = surefit.construct("sin(x)", "x=-3:3", tol=0.02).construction
    fewer = surefit.construct("sin(x)", "x=-3:3", units=made.hinges)  # one hinge less
    assert fewer.certificate.lower > 0.02


def test_the_network_is_an_ordinary_one(tmp_path):
    fit = surefit.construct("sin(x)", "x=-3:3", tol=1e-3)
    assert "36, and no piecewise-linear function within 0.001 has fewer (proved)" in str(fit)
    assert "proved" in fit.card() and "已证明" in fit.card("zh")
    path = fit.save(tmp_path / "m.safetensors")
    again = surefit.load(path)
    assert again.construction.hinges == 36 and again.construction.minimal
    x = np.linspace(-3, 3, 1000)
    assert np.array_equal(again.predict(x), fit.predict(x))
    (fit.export(tmp_path / "t.csv", to="table"))
    table = np.loadtxt(tmp_path / "t.csv", delimiter=",", skiprows=1)
    assert len(table) == 38 and np.abs(np.interp(x, *table.T) - fit.predict(x)).max() < 1e-12
    twin = Construction.from_dict(fit.construction.to_dict())
    assert np.array_equal(twin.windows, fit.construction.windows) and twin.tol == 1e-3


def test_a_network_that_was_changed_is_not_called_proved():
    fit = surefit.construct("sin(x)", "x=-3:3", tol=1e-2)
    p = next(iter(fit.network.parameters()))
    p.assign(p.detach().numpy() * 1.0001)
    assert fit.proved is None and "no piecewise-linear function" not in str(fit)


def test_pictures():
    fit = surefit.construct("sin(x)", "x=-3:3", tol=1e-2)
    figure = fit.plot("tube")
    words = {text.get_text() for text in figure.findobj(Text)}
    count = fit.construction.hinges
    assert len(figure.axes) == 2 and {f"{count} hinges; {count} are needed", "tolerance"} <= words
    trained = surefit.fit("sin(x)", "x=-3:3", method="features", model=(8,))
    with pytest.raises(ArgumentError, match="construct"):
        trained.plot("tube")


@pytest.mark.parametrize(
    "call, error, words",
    [
        (dict(formula="sin(x)", domain="x=0:1"), ArgumentError, "either tol"),
        (dict(formula="sin(x)", domain="x=0:1", tol=1e-3, units=4), ArgumentError, "or units"),
        (dict(formula="sin(x)", domain="x=0:1", tol=0), ArgumentError, "tol=0"),
        (dict(formula="sin(x)", domain="x=0:1", units=0), ArgumentError, "units=0"),
        (dict(formula="atan2(y,x)", domain="x=1:2,y=0:1", tol=1e-3), FormulaError, "atan2"),
        (dict(formula="x if y > 0 else y", domain="x=0:1,y=-1:1", tol=1e-3), FormulaError, "condition"),
        (dict(formula=["x", "y"], domain="x=0:1,y=0:1", tol=1e-3), FormulaError, "2 outputs"),
        (dict(formula="1/(x+y)", domain="x=-1:1,y=-1:1", tol=1e-3), DomainError, "finite"),
        (dict(formula="sin(x*y)", domain="x=-1:1,y=-1:1", units=1), ArgumentError, "units=1"),
        (dict(formula=np.sin, domain="x=0:1", tol=1e-3), FormulaError, "formula"),
        (dict(formula="sign(x)", domain="x=-1:1", tol=0.1), DomainError, "jump"),
        (dict(formula="1/x", domain="x=-1:1", tol=0.1), DomainError, "no finite value"),
        (dict(formula="sin(x)", domain=None, tol=0.1), DomainError, "domain"),
    ],
)
def test_what_cannot_be_is_said(call, error, words):
    formula, domain = call.pop("formula"), call.pop("domain")
    with pytest.raises(error, match=words):
        surefit.construct(formula, domain, **call)


@pytest.mark.slow
def test_kinks_and_steep_places_are_found():
    for text, dom, tol in (
        ("max(sin(5*x), x)", "x=-3:3", 1e-2),
        ("abs(sin(x))", "x=-7:7", 1e-2),
        ("exp(x)", "x=-9:9", 5),
    ):
        made = surefit.construct(text, dom, tol=tol).construction
        assert made.minimal and made.hinges > 5


def test_points_alone_prove_nothing_about_links():
    f = f_of("sin(x)")
    links, x, y = fewest_links(f, -3.0, 3.0, 1e-3)
    assert np.abs(links(x) - y).max() <= 1.001e-3 and links.hinges == 36


def _best(x, y, links):
    """The least error of any continuous broken line with so many links, on a grid of places and values, at points.

    A dynamic programme over knots at points and values on a grid: an upper bound of what is best, found without tubes.
    """
    places = np.unique(np.linspace(0, len(x) - 1, 31).astype(int))
    heights = np.linspace(y.min(), y.max(), 41)
    cost = np.zeros(len(heights))  # of lines that end at this place with this value
    table = {0: cost}
    for _ in range(links):
        following = {}
        for b in places[1:]:
            best = np.full(len(heights), np.inf)
            for a in (p for p in table if p < b):
                t = ((x[a : b + 1] - x[a]) / (x[b] - x[a]))[:, None, None]
                apart = np.abs(heights[:, None] * (1 - t) + heights[None, :] * t - y[a : b + 1, None, None]).max(axis=0)
                best = np.minimum(best, np.maximum(apart, table[a][:, None]).min(axis=0))
            following[int(b)] = best
        table = following
    return float(table[int(places[-1])].min())


@pytest.mark.slow
@pytest.mark.parametrize("text", ["sin(3*x)", "abs(x-0.3)+0.2*x^2", "exp(2*x)", "x^3-x"])
@pytest.mark.parametrize("links", [2, 3])
def test_a_search_of_another_kind_finds_nothing_better(text, links):
    x = np.linspace(-1, 1, 121)
    y = f_of(text)(x)
    best = _best(x, y, links)
    fit = surefit.construct(text, "x=-1:1", units=links)
    assert fit.construction.hinges <= links - 1
    assert fit.certificate.upper <= best * 1.001  # of all places and values, not of a grid
    for less in (0.5, 0.8):  # and what is said to be needed at least, a function on the grid does not undercut
        found = surefit.construct(text, "x=-1:1", tol=best / less).construction
        assert found.at_least <= links - 1


AWKWARD = [
    ("sign(x)", "x=-1:1", 3, 1.001),  # a jump: no continuous function is nearer than half of it
    ("floor(x)", "x=0:3", 4, 0.51),
    ("floor(x)+min(x^2,0.1)", "x=-1:1", 3, 0.53),  # one of them at the very end
    ("sinc(x)*sign(x)", "x=1e8:1e9", 1, 1e-8),  # more waves than points
    ("x^(1/3)", "x=0:1", 12, 0.02),  # points are missing beside an infinite slope
    ("1e-200*sin(x)", "x=-3:3", 6, 1.2e-201),
    ("sqrt(x+50)", "x=1e8:1e9", 5, 60.5),  # (1/4 of the integral of sqrt(-f''), over 5) squared
]


@pytest.mark.slow
@pytest.mark.parametrize("text, domain, units, most", AWKWARD)
def test_so_many_units_are_never_exceeded_and_used_well(text, domain, units, most):
    fit = surefit.construct(text, domain, units=units)
    made, proof, box = fit.construction, fit.certificate, fit.domain
    low, high = float(box.low[0]), float(box.high[0])
    assert made.hinges <= units - 1 and made.at_least <= made.hinges
    assert (made.knots[0], made.knots[-1]) == (low, high) and (np.diff(made.knots) > 0).all()
    assert proof.lower <= proof.upper <= most
    beside = np.concatenate([made.knots, np.round(made.knots)])
    x = np.concatenate([np.random.default_rng(0).uniform(low, high, 5000), beside, np.nextafter(beside, low)])
    x = x.clip(low, high)
    y = f_of(text)(x)
    assert np.abs(fit.predict(x) - y).max() <= proof.upper + 1e-15 * np.abs(y).max()
    assert np.abs(np.interp(x, made.knots, made.values) - fit.predict(x)).max() <= 1e-8 * np.abs(made.values).max()


@pytest.mark.slow
@pytest.mark.parametrize(
    "text, domain, how, words",
    [
        ("1/x+exp(-x)", "x=-1:1", dict(units=2), "pole|no finite value"),
        ("sign(x)", "x=-1:1", dict(tol=0.9), "it is .* half its height"),
        ("abs(x-0.3)", "x=-1:1", dict(tol=1e-17), "it is .* 16 digits"),
    ],
)
def test_what_is_not_reached_is_said_with_what_is(text, domain, how, words):
    with pytest.raises(DomainError, match=words):
        surefit.construct(text, domain, **how)


@pytest.mark.parametrize("text, domain, how", [
    ("x^2", "x=-1:1", dict(tol=2e-9)), ("sin(x)", "x=0:9", dict(units=15_000)),
    ("sin(x*y)+exp(x)*cos(y)", "x=-1:1, y=-1:1", dict(tol=1e-6)),
])  # fmt: skip
def test_time_ends_a_search_for_links(monkeypatch, text, domain, how):
    """After some links the clock that it asks says that the time is over: it ends there, with one sentence."""
    asked = 0

    def ticking():
        nonlocal asked
        asked += 1
        return 0.0 if asked < 40 else 1e9

    monkeypatch.setattr(constructing.clock, "perf_counter", ticking)
    problem = pose(text, domain, None, 0, solver=True)
    with pytest.raises(DomainError, match="time"):
        constructing.constructed(problem, how.get("tol"), how.get("units"), 5.0, 0.0)
    assert asked < 400


@pytest.mark.slow
@pytest.mark.parametrize(
    "text, domain, units",
    [("max(x,y)", "x=-1:1, y=-1:1", 2), ("abs(x-y)+max(x,0.1)", "x=-1:1, y=-1:1", 4),
     ("max(x,y,z)", "x=-1:1, y=-1:1, z=-1:1", 5)],
)  # fmt: skip
def test_corners_that_need_no_tolerance_are_proved_within_a_small_one(text, domain, units):
    """No part is asked for less than the rounding of float64, which would be looked for until the time is over."""
    fit = surefit.construct(text, domain, tol=1e-9, time=20)
    assert fit.certificate.proves(1e-9)
    assert sum(fit.layers()[1:-1]) <= units


@pytest.mark.parametrize("text, units", [("3", 3), ("x", 1), ("2*x - 1", 4)])
def test_a_straight_line_is_no_search_below_the_rounding_of_floats(text, units):
    fit = surefit.construct(text, "x=-1:1", units=units, time=20)
    assert fit.certificate.upper <= 1e-12
    assert fit.certificate.boxes < 1000


@pytest.mark.parametrize("text, domain, where", [("tan(x)", "x=0:2", "1.57079"), ("1/(x-1/3)", "x=0:1", "0.33333")])
def test_a_pole_is_named_before_anything_is_looked_for(text, domain, where):
    with pytest.raises(DomainError, match=rf"no finite value for x in \[{where}"):
        surefit.construct(text, domain, tol=1e-3)


def test_links_through_waves_that_are_narrower_than_the_points():
    """A link may have to turn again at the very next point: the points are few at first."""
    x = np.linspace(1e-3, 1.0, 2001)
    links = links_on(x, np.sin(1 / x), 0.01)
    assert np.abs(links(x) - np.sin(1 / x)).max() <= 0.02  # a point beside a corner may be moved
