"""Networks of several inputs that are put together: the plan is the formula, and the proved bound holds."""

from __future__ import annotations

import dataclasses
import re
from fractions import Fraction

import numpy as np
import pytest

import surefit
from surefit.bounds import assembly, structure
from surefit.bounds.network import lowered
from surefit.bounds.proving import program_of
from surefit.bounds.structure import plan_of
from surefit.cli.app import run
from surefit.formulas import parse
from surefit.problems.posing import pose
from surefit.search.constructing import _Assembly

CASES = [
    ("sin(x) - cos(y)", 2), ("x*y", 2), ("x*y*z", 3), ("x^2*y", 2), ("sqrt(1 + x^2 + y^2)", 2), ("max(x, y)", 2),
    ("exp(-x^2)*sin(3*y) + x*y", 2), ("sin(x)*cos(2*y)", 2), ("sin(x)*sin(y) - cos(x)*cos(2*y)", 2), ("sin(x*y)", 2),
    ("exp(-x^2 - y^2)", 2), ("0.1*x + 0.7*y", 2), ("x/(y + 3)", 2), ("hypot(x, y + 3)", 2), ("min(x, y, x + y)", 2),
    ("clip(x*y, -1, 1)", 2), ("(x if x > 0 else x^2) + y", 2), ("pi*x*y + e", 2), ("(x + 2.5)^(y/3)", 2),
    ("(x - y)^3*x", 2),
    ("exp(x)*exp(y)*cos(z)", 3), ("2", 2), ("abs(x) + abs(y) - x*2", 2),
    ("1/(3 + x)/(3 + y)", 2), ("-x^2*(y - 1)^2", 2),
]  # fmt: skip


def assembled(text, d, tol, half=2.0):
    box = dict.fromkeys("xyz"[:d], (-half, half))
    problem = pose(text, box, None, 0, solver=True)
    made = _Assembly(problem, parse(text, tuple(box)), 0.0, None)
    model, owners = made.made(tol * (1 - 2e-4))
    return made, model, owners, problem


def bound_of(made, model, owners):
    low, high = made.low, made.high
    exact = lowered(program_of(model, len(low)))
    deployed = lowered(program_of(model, len(low)), lambda name, dtype: 4.0)
    return assembly.assembled_bound(exact, deployed, made.plan, made.parts, owners, low, high)[1]


def worst(model, problem, n=20_000, seed=0):
    rng = np.random.default_rng(seed)
    low, high = problem.domain.low, problem.domain.high
    u = rng.random((n, len(low)))
    u[: n // 4] = np.round(u[: n // 4] * 8) / 8  # corners and faces too
    x = low + u * (high - low)
    return float(
        np.abs(model(surefit.tensor(x, dtype=np.float64)).detach().numpy()[:, 0] - problem.function(x)[:, 0]).max()
    )


@pytest.mark.parametrize("text, d", CASES)
def test_a_plan_is_the_formula(text, d):
    names, low, high = tuple("xyz"[:d]), -np.full(d, 1.7), np.full(d, 2.0)
    formula = parse(text, names)
    plan = plan_of(formula, names, low, high)
    x = low + np.random.default_rng(0).random((4000, d)) * (high - low)
    places, y = plan.values(x)
    assert np.abs(y - formula(*x.T)).max() <= 1e-12 * (1 + max(float(np.abs(p).max()) for p in places) ** 2)
    for atom, (a, b) in zip(plan.atoms, plan.arguments(low, high), strict=True):
        t = sum(float(c) * places[i] for i, c in atom.terms)
        assert a <= t.min() and t.max() <= b


def test_of_polynomials_the_identities_are_exact():
    for text, depth in (("x*y", 1), ("x*y*z", 1), ("x^2*y", 1), ("x^2*y^2*z", 1), ("(x + y/3)*(x - 2*z)", 1)):
        plan = plan_of(parse(text, ("x", "y", "z")), ("x", "y", "z"), -np.ones(3), np.ones(3))
        assert plan.depth == depth
        rng = np.random.default_rng(1)
        for _ in range(20):
            at = [Fraction(int(v), 16) for v in rng.integers(-40, 40, 3)]
            places = list(at)
            for atom in plan.atoms:
                t = sum(c * places[i] for i, c in atom.terms)
                text_ = re.sub(r"(?<!\^)(\d+)", r"F(\1)", atom.text)
                places.append(eval(text_.replace("^", "**"), {"t": t, "F": Fraction}))  # noqa: S307
            found = plan.const + sum(c * places[i] for i, c in plan.terms)
            x, y, z = at
            assert found == eval(text.replace("^", "**"), {"x": x, "y": y, "z": z})  # noqa: S307


@pytest.mark.slow
@pytest.mark.parametrize(
    "text, d, tol, layers",
    [
        ("x*y", 2, 0.05, 1), ("sin(x) - cos(y)", 2, 0.05, 1), ("x*y*z", 3, 0.3, 1), ("max(x, y)", 2, 0.05, 1),
        ("sqrt(1 + x^2 + y^2)", 2, 0.05, 2), ("sin(x*y)", 2, 0.1, 2), ("0.1*x + 0.7*y", 2, 0.05, 1), ("2", 2, 0.05, 1),
        ("exp(-x^2)*sin(3*y) + x*y", 2, 0.2, 2),
    ],
)  # fmt: skip
def test_the_bound_holds_and_certify_agrees(text, d, tol, layers):
    fit = surefit.construct(text, dict.fromkeys("xyz"[:d], (-2, 2)), tol=tol)
    proof = fit.certificate
    assert proof.proves(tol) is True and proof.mode == "deployed" and fit.proved is proof
    assert len(fit.layers()) == layers + 2
    problem = pose(text, dict.fromkeys("xyz"[:d], (-2, 2)), None, 0, solver=True)
    assert worst(fit.model, problem, 50_000) <= proof.upper
    other = surefit.certify(fit.model, text, fit.domain, rtol=0.05, boxes=3000, mode="real")
    assert other.lower <= proof.upper * (1 + 1e-9) and proof.lower <= other.upper * (1 + 1e-9)


def test_hinges_are_the_fewest_of_each_part():
    fit = surefit.construct("x*y", "x=-2:2, y=-2:2", tol=0.01)
    # each square t^2/4 on [-4, 4] has half of the tolerance: k pieces reach (8/k)^2/16 (Chebyshev)
    pieces = int(np.ceil(8 / np.sqrt(16 * 0.005)))
    assert [p.hinges for p in fit.construction.pieces] in ([pieces - 1] * 2, [20, 20])
    assert all(p.at_least == p.hinges for p in fit.construction.pieces) and fit.layers() == [2, 41, 1]
    assert not fit.construction.minimal
    assert "40 in 2 functions of one number" in str(fit) and "一元函数" in fit.card("zh")
    assert len(fit.plot("tube").axes) == 2


def test_units_are_used():
    fit = surefit.construct("x*y", "x=-2:2, y=-2:2", units=41)
    assert fit.layers() == [2, 41, 1] and fit.certificate.upper < 0.0092


@pytest.mark.slow
def test_saved_and_at_the_command_line(tmp_path, capsys):
    out = tmp_path / "out"
    assert run(["construct", "x*y", "--on", "x=-1:1", "--on", "y=-1:1", "--tol", "0.05", "--out", str(out)]) == 0
    assert "proved" in capsys.readouterr().out and (out / "tube.png").exists()
    again = surefit.load(out / "model.safetensors")
    assert len(again.construction.pieces) == 2 and again.construction.pieces[0].hinges > 3


@pytest.mark.slow
@pytest.mark.parametrize("text, d, tol", [("x*y", 2, 0.3), ("sin(x*y)", 2, 0.3), ("exp(x)*cos(y)", 2, 1.0)])
def test_of_a_network_that_is_another_the_bound_still_holds(text, d, tol):
    made, model, owners, problem = assembled(text, d, tol)
    assert worst(model, problem) <= bound_of(made, model, owners) <= 1.01 * tol or made.plan.depth > 1
    rng = np.random.default_rng(0)
    parameters = [p for p in model.parameters() if p.size]
    refused = 0
    for k in range(16):
        p = parameters[k % len(parameters)]
        kept = p.detach().numpy().copy()
        new = kept.copy()
        place = tuple(rng.integers(0, s) for s in kept.shape)
        new[place] += rng.choice([1e-6, 1e-3, 0.1, 1.0]) * rng.standard_normal()
        p.assign(new)
        try:
            assert worst(model, problem, 4000, k) <= bound_of(made, model, owners)
        except assembly.Unproved:
            refused += 1
        p.assign(kept)
    assert refused < 16


# --- wrong proofs are noticed ---


def _noticed(text="sin(x*y)", tol=0.3, change=None, part=None):
    """Whether a true network, or one that was changed, is refused or has a bound that its error exceeds."""
    try:
        made, model, owners, problem = assembled(text, 2, tol)
        if part is not None:
            made.parts = {k: part(p) for k, p in made.parts.items()}
        if change is not None:
            change(model)
        return worst(model, problem) > bound_of(made, model, owners)
    except (AssertionError, assembly.Unproved, surefit.errors.SurefitError):
        return True


def _moved(ndim, layer, place, by):
    def change(model):
        p = [q for q in model.parameters() if q.ndim == ndim][layer]
        new = p.detach().numpy().copy()
        new.reshape(-1)[place] += by
        p.assign(new)

    return change


def _times(module, name, factor):
    kept = getattr(module, name)
    return lambda *a, **k: kept(*a, **k) * factor


MUTANTS = {
    "errors of parts forgotten": dict(part=lambda p: dataclasses.replace(p, error=0.0)),
    "a part proved on less": dict(part=lambda p: dataclasses.replace(p, high=p.high - 0.1)),
    "steepest slope forgotten": dict(
        patch=(assembly.Part, "steepest", lambda self: Fraction(0)), change=_moved(1, 0, 1, 0.3)
    ),
    "linear rest forgotten": dict(
        patch=(assembly._Proof, "linear", lambda *a: Fraction(0)), change=_moved(1, 1, 0, 0.9), text="x*y"
    ),
    "wrong multiples not paid": dict(
        patch=(assembly, "_finite", lambda x: Fraction(0)), change=_moved(2, 1, 3, 0.7), text="x*y"
    ),
    "ranges of units too small": dict(
        patch=(assembly, "_ranges", lambda n, s, f=assembly._ranges: [(a, 0 * b) for a, b in f(n, s)]),
        change=_moved(2, 1, 3, 0.7), text="x*y",
    ),
    "quarter squares that are halves": dict(
        patch=(structure._Planner, "squares", lambda self, u, v, f=structure._Planner.squares:
               self.scaled(f(self, u, v), Fraction(2))), text="exp(x)*cos(y)",
    ),
    "a sign of a power": dict(
        patch=(structure._Planner, "polarised", lambda self, s, f=structure._Planner.polarised:
               self.scaled(f(self, s), Fraction(-1))), text="x*y",
    ),
    "sine for cosine": dict(
        patch=(structure._Planner, "of_waves", lambda self, a, b, f=structure._Planner.of_waves: f(self, b, b)),
        text="sin(x)*cos(2*y)",
    ),
    "min for max": dict(
        patch=(structure._Planner, "larger", lambda self, a, b, m, f=structure._Planner.larger: f(self, a, b, not m)),
        text="max(x, y)",
    ),
    "a reciprocal forgotten": dict(patch=(structure._Planner, "inverse", lambda self, a: a), text="x/(y + 3)"),
    "arguments too narrow": dict(
        patch=(structure.Plan, "arguments", lambda self, a, b, f=structure.Plan.arguments:
               [(0.5 * u, 0.5 * v) for u, v in f(self, a, b)]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTANTS)
def test_a_wrong_proof_is_noticed(name, monkeypatch):
    mutant = dict(MUTANTS[name])
    patch = mutant.pop("patch", None)
    if patch is not None:
        assert not _noticed(**mutant)  # without the mutation all is well
        monkeypatch.setattr(*patch)
    assert _noticed(**mutant)


def test_a_missing_hinge_a_wrong_owner_and_a_unit_that_bends_are_refused():
    made, model, owners, _ = assembled("x*y", 2, 0.3)
    swapped = [list(o) for o in owners]
    swapped[0][0], swapped[0][1] = swapped[0][1], swapped[0][0]
    with pytest.raises(assembly.Unproved, match="missing"):
        bound_of(made, model, swapped)
    fewer = [[None if o == owners[0][0] else o for o in owners[0]]]
    with pytest.raises(assembly.Unproved):
        bound_of(made, model, fewer)
    bias = next(p for p in model.parameters() if p.ndim == 1)
    moved = bias.detach().numpy().copy()
    moved[owners[0].index(None)] -= 1.0
    bias.assign(moved)
    with pytest.raises(assembly.Unproved, match="never bend"):
        bound_of(made, model, owners)
