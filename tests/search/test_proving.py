"""Prove while fitting: a tolerance counts when it is proved; points where a proof fails join the training points."""

from __future__ import annotations

import json

import numpy as np
import pytest

import surefit
from surefit.cli import main
from surefit.errors import ArgumentError
from surefit.search import proofs
from surefit.search.judging import Judge
from surefit.search.strategies import proving


def worst(fit, f, low, high, n=200_001):
    x = np.linspace(low, high, n)
    return np.abs(fit.predict(x) - f(x)).max()


def test_a_tolerance_is_reached_when_it_is_proved():
    fit = surefit.fit("sin(x)", "x=-3:3", tol=1e-6, prove=True, seed=0)
    assert fit.stop_reason.code == "tolerance-proved"
    assert fit.proved.proves(1e-6) is True and fit.proved.mode == "deployed"
    assert worst(fit, np.sin, -3, 3) <= fit.proved.upper <= 1e-6
    assert "tolerance 1e-06 reached (proved)" in fit.card()
    assert "达到容差，并已证明" in fit.card("zh")
    assert fit.call["prove"] == "True"


def test_without_a_tolerance_the_bounds_are_told():
    fit = surefit.fit("x^2 - x; sin(3*x)", "x=-2:2", model=(4,), method="features", prove=True, seed=0)
    assert fit.tol is None
    assert 0 < fit.proved.lower <= fit.proved.upper <= 1.3 * fit.proved.lower
    assert set(fit.proved.error.outputs) == set(fit.outputs)


@pytest.mark.slow
def test_a_proof_shows_its_bounds_as_it_is_asked_to(capsys):
    fit = surefit.fit("sin(x)", "x=0:1", tol=1e-4, seed=0)
    heard = []
    proof = fit.certify(progress=lambda lower, upper: heard.append((lower, upper)))
    assert heard[-1] == (proof.lower, proof.upper)
    for silent in (None, False):
        fit.certify(progress=silent)
    assert capsys.readouterr().err == ""
    fit.certify(progress=True)
    assert f"<= {proof.upper:.4g}" in capsys.readouterr().err
    with pytest.raises(ArgumentError, match=r"progress='bar' must be True, False, None or a function of"):
        fit.certify(progress="bar")
    with pytest.raises(ArgumentError, match=r"progress=True must be a function of \(lower, upper\)"):
        surefit.certify(fit.model, "sin(x)", "x=0:1", progress=True)


def blind(monkeypatch, below=0.0):
    """A judge that looks at points below a number only, so that it misses what is above; what it is shown it sees."""
    old = Judge._draw

    def draw(self):
        old(self)
        seen = self.points[0][:, 0] <= below
        self.points = tuple(a[seen] for a in self.points)
        self.even = len(self.points[0])
        self.effort = self.effort._replace(climb=0)

    monkeypatch.setattr(Judge, "_draw", draw)


@pytest.mark.slow
def test_a_measurement_that_misses_is_refuted_and_the_point_is_learned(monkeypatch):
    blind(monkeypatch)
    fit = surefit.fit("sin(3*x) + abs(x - 1)", "x=-2:2", tol=0.02, model=(10,), method="varpro", prove=True, seed=0)
    assert fit.error.max >= worst(fit, lambda x: np.sin(3 * x) + abs(x - 1), -2, 2) * (1 - 1e-6)
    assert fit.proved.lower <= fit.error.max <= fit.proved.upper
    assert (fit.proved.proves(0.02) is True) == (fit.stop_reason.code == "tolerance-proved")
    assert fit.error.at["x"] > 0  # which the judge would not have seen


def test_rounds_press_the_error_down_where_it_is_largest():
    """The same attempts without a proof end above the tolerance; points at the worst boxes take them below it."""
    settings = dict(tol=0.017, model=surefit.MLPSpec((12,), "relu"), method="lm", seed=1)
    plain = surefit.fit("sin(3*x)", "x=-1:1", **settings)
    proved = surefit.fit("sin(3*x)", "x=-1:1", prove=True, **settings)
    assert plain.error.max > 0.017
    assert proved.error.max < plain.error.max
    assert len(proved.problem.train[0]) > len(plain.problem.train[0])
    assert proved.proved is not None and proved.proved.upper >= worst(proved, lambda x: np.sin(3 * x), -1, 1)


@pytest.mark.slow
@pytest.mark.parametrize(("time", "rounds"), [(None, 3), (1000.0, 10)])
def test_rounds_that_do_not_help_are_given_up_later_where_there_is_time(monkeypatch, time, rounds):
    """A proof that always fails, and by the same: one of a relu network of three layers took four such rounds."""
    made, old, going_on = [], proofs.decided, proving.going_on
    monkeypatch.setattr(proofs, "decided", lambda model, *args, **more: old(model, ["100"], *args[1:], **more))
    monkeypatch.setattr(proving, "going_on", lambda *args: made.append(args[4]) or going_on(*args))
    how = dict(tol=0.5, model=(3,), method=surefit.LM(iterations=3), prove=True, time=time, seed=0)
    fit = surefit.fit("sin(x)", "x=-1:1", **how)
    assert made == list(range(rounds))
    assert fit.proved.upper > 0.5


@pytest.mark.slow
def test_the_automatic_choice_grows_until_it_is_proved(monkeypatch):
    """A proof that always fails for 30 units or fewer: more are tried, and what is kept is the one that is proved."""
    made = []
    old = proofs.decided

    def strict(model, *args, **more):
        proof = old(model, *args, **more)
        made.append(model.network[0].out_features)
        return proof if made[-1] > 60 else surefit.certify(model, ["100"], args[1])

    monkeypatch.setattr(proofs, "decided", strict)
    fit = surefit.fit("sin(x)", "x=-3:3", tol=1e-3, prove=True, seed=0)
    assert made[0] <= 60 < made[-1] == fit.network[0].out_features
    assert fit.stop_reason.code == "tolerance-proved"


@pytest.mark.parametrize("target", [np.sin, (np.linspace(0, 1, 30), np.linspace(0, 1, 30))])
def test_what_is_known_at_points_is_refused(target):
    with pytest.raises(ArgumentError, match="known at points only"):
        surefit.fit(target, None if isinstance(target, tuple) else "x=0:1", prove=True)
    with pytest.raises(ArgumentError, match="prove='yes' must be True or False"):
        surefit.fit("x", "x=0:1", prove="yes")
    with pytest.raises(ArgumentError, match="noise"):
        surefit.fit("x", "x=0:1", prove=True, data=surefit.Sampling(noise=0.1))


class Sorting(surefit.nn.Module):
    def forward(self, x):
        return surefit.sort(x, dim=-1)[0]


@pytest.mark.slow
def test_what_cannot_be_proved_is_said_and_the_fit_is_kept():
    net = surefit.nn.Sequential(surefit.nn.Linear(1, 3), Sorting(), surefit.nn.Linear(3, 1))
    fit = surefit.fit("2*x", "x=0:1", model=net, method=surefit.Adam(epochs=3), tol=2.0, prove=True, seed=0)
    assert fit.proved is None and "tolerance 2 reached (measured)" in fit.card()
    assert any(w.code == "unprovable" for w in fit.warnings)
    pole = surefit.fit("1/(x - 0.3)", "x=-1:1", model=(4,), method="features", tol=1e300, prove=True, seed=0)
    assert any(w.code == "unprovable-undefined" for w in pole.warnings)
    assert pole.proved.proves(1e300) is None


def test_ctrl_c_in_a_proof_keeps_the_network(monkeypatch):
    def interrupted(*args, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr(proofs, "decided", interrupted)
    fit = surefit.fit("sin(x)", "x=-3:3", tol=1e-3, prove=True, seed=0)
    assert fit.interrupted and fit.error.max < 1e-3 and fit.proved is None


@pytest.mark.slow
def test_restarts_and_first_order_methods_are_proved_too():
    fit = surefit.fit(
        "x", "x=-1:1", tol=0.2, prove=True, model=(6,), method=surefit.Adam(epochs=60), restarts=2, seed=0
    )
    assert fit.proved is not None and fit.proved.upper >= fit.error.max * (1 - 1e-6)


@pytest.mark.slow
def test_the_command(capsys, tmp_path):
    assert main(["fit", "sin(x)", "--on", "x=-1:1", "--tol", "1e-4", "--prove", "--json"]) == 0
    card = json.loads(capsys.readouterr().out)
    assert card["certificate"]["error"]["upper"] <= 1e-4
    assert main(["fit", "sin(30*x)", "--on", "x=-1:1", "--tol", "1e-4", "--prove", "--hidden", "2", "--time", "1"]) == 3
    assert "NOT reached" in capsys.readouterr().out
    (tmp_path / "t.csv").write_text("x,y\n" + "\n".join(f"{i},{i}" for i in range(30)))
    assert main(["fit", str(tmp_path / "t.csv"), "--prove"]) == 2
    assert "--prove: the target is a table" in capsys.readouterr().err


@pytest.mark.slow
def test_a_proof_about_something_else_says_nothing_of_the_tolerance(tmp_path):
    """Another formula, a part of the domain: the card tells of what the proof is, and the tolerance stays measured."""
    fit = surefit.fit("sin(x)", "x=-3:3", tol=1e-3, seed=0)
    part = surefit.certify(fit.model, "sin(x)", "x=0:1", rtol=1.0)
    for proof, target in ((fit.certify("2*sin(x)", tol=0.5), "2*sin(x) on x=-3:3"), (part, "sin(x) on x=0:1")):
        fit.certificate = proof
        again = surefit.load(fit.save(tmp_path / "m.safetensors"))
        for shown in (fit, again):
            assert shown.proved == proof and proofs.proof_of_target(shown) is None
            assert f"of the target {target}, which is not what was fitted" in shown.card()
            assert "tolerance 0.001 reached (measured" in shown.card()
            assert "(proved)" not in shown.card() and "已证明）" not in shown.card("zh").split("\n")[-1]
            assert f"The error meant is that of the target {target}" in shown.report(
                tmp_path / "r.md"
            ).read_text().replace("\\", "")
    fit.certify("sin( x )", tol=1e-3)
    assert proofs.proof_of_target(fit) is fit.proved
    assert "tolerance 0.001 reached (proved)" in fit.card()
    assert "which is not what was fitted" not in fit.card()


def test_of_a_table_a_proof_is_never_the_one_of_its_tolerance():
    x = np.linspace(0, 1, 200)
    fit = surefit.fit((x, np.sin(x) + 1e-3 * np.sign(np.sin(99 * x))), tol=1e-2, time=2, seed=0)
    fit.certify(f"sin({fit.names[0]})", tol=0.1, time=5)
    assert fit.proved.proves(0.1) and proofs.proof_of_target(fit) is None
    assert "(proved)" not in fit.card()


def test_the_command_calls_no_other_proof_its_own(tmp_path, monkeypatch):
    from surefit.cli import training

    fit = surefit.fit("sin(x)", "x=-3:3", tol=1e-3, seed=0)
    fit.certificate = surefit.certify(fit.model, "sin(x)", "x=0:1", tol=1e-3)
    assert fit.proved.proves(1e-3) and training._proved(fit) is False
