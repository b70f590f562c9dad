"""fit: from a target to an honest account of how good it is."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.errors import (
    ArgumentError,
    DataError,
    DomainError,
    FormulaError,
    ModelFileError,
    NotFiniteError,
    ShapeError,
)
from surefit.fitting import Epoch
from surefit.problems.callables import vectorised
from surefit.problems.posing import pose
from surefit.search.judging import Judge

QUICK = surefit.Adam(epochs=3, batch_size=32)
SMALL = surefit.Sampling(count=200)


def quick(target="sin(x)", domain="x=-3:3", **more):
    options = {"method": QUICK, "model": (8,), "data": SMALL, **more}
    return surefit.fit(target, domain, **options)


# --- it learns ---------------------------------------------------------------------------------------------------


def test_it_fits_a_sine_and_says_truthfully_how_well():
    method = surefit.Adam(epochs=150, lr=0.02, schedule="cosine", batch_size=32)
    fit = surefit.fit("sin(x)", "x=-3:3", method=method, model=(32,), data=surefit.Sampling(count=400))
    x = np.linspace(-3, 3, 5001)
    true_maximum = np.abs(fit.predict(x) - np.sin(x)).max()
    assert true_maximum < 0.1
    assert 0.999 * true_maximum <= fit.error.max <= true_maximum * (1 + 1e-3)
    assert fit.error.rmse == pytest.approx(np.sqrt(np.mean((fit.predict(x) - np.sin(x)) ** 2)), rel=0.1)
    slope = fit.derivative(np.array([0.0, 1.0]))
    np.testing.assert_allclose(slope[:, 0], np.cos([0.0, 1.0]), atol=0.1)


def test_two_outputs_of_two_inputs():
    fit = surefit.fit(["sin(a)*b", "a + b"], {"a": (-1, 1), "b": (0, 2)}, method=surefit.Adam(epochs=60), model=(32,))
    assert fit.outputs == ("y1", "y2")
    y = fit.predict([[0.5, 1.0], [0.0, 2.0]])
    assert y.shape == (2, 2)
    np.testing.assert_allclose(y, [[math.sin(0.5), 1.5], [0.0, 2.0]], atol=0.05)
    assert fit.derivative([[0.5, 1.0]]).shape == (1, 2, 2)


def test_a_tolerance_that_is_reached_ends_the_training():
    fit = surefit.fit("x", "x=-1:1", tol=0.05, model=(16,), method=surefit.Adam(epochs=400))
    assert fit.reached is True
    assert fit.error.max <= 0.05
    assert len(fit.history) < 400
    assert "tolerance" in fit.stop_reason


def test_a_tolerance_that_is_not_reached_is_said():
    fit = quick(tol=1e-9)
    assert fit.reached is False
    assert "NOT reached" in fit.card()


POLE = dict(data=surefit.Sampling(count=100, split=(1, 0, 0)), model=(5,))


@pytest.mark.slow
@pytest.mark.parametrize("method", [QUICK, "features", "lm", "auto"])
def test_a_fit_that_learned_nothing_says_so_once(method, tmp_path):
    fit = surefit.fit("1/x", "x=-1:1", method=method, time=2, **POLE)
    assert fit.error.relative_l2 > 0.5
    path = fit.save(tmp_path / "m.safetensors")
    for one in (fit, surefit.load(path), surefit.load(surefit.load(path).save(path))):
        assert [text for label, text in one.card_rows() if label == "warning"] == one.to_dict()["warnings"]
        (warning,) = one.to_dict()["warnings"]
        assert warning.startswith("hardly anything was learned") and "Poles" in warning
        assert not one.warnings  # nothing broke down
    assert not fit.doctor().find("training-broke-down")


def test_what_counts_as_having_learned():
    rng = np.random.default_rng(0)
    noise = surefit.fit((rng.uniform(-1, 1, 60), rng.normal(size=60)), method="features", model=(5,))
    (warning,) = noise.to_dict()["warnings"]
    assert "column" in warning and "noise" in warning
    assert not quick(tol=100.0).to_dict()["warnings"]  # as much was asked for
    assert not surefit.fit("sin(x)", "x=-3:3", method="features", model=(20,)).to_dict()["warnings"]
    (warning,) = surefit.fit("0*x", "x=-3:3", method="features", model=(5,)).to_dict()["warnings"]
    assert warning == "y is 0 at all 82 training points: there is nothing to learn from them"  # and it was learned


def test_one_seed_one_result():
    a, b, c = quick(seed=3), quick(seed=3), quick(seed=4)
    x = np.linspace(-3, 3, 7)
    assert a.predict(x).tobytes() == b.predict(x).tobytes()
    assert a.predict(x).tobytes() != c.predict(x).tobytes()


# --- what a target can be -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "domain"),
    [
        (np.sin, (-3, 3)),
        (lambda x: math.sin(x), (-3, 3)),
        (lambda x: x if x > 0 else 0.0, (-3, 3)),
        (lambda a, b: a * np.exp(b), {"a": (0, 1), "b": (0, 1)}),
        (lambda p: p[..., 0] + p[..., 1] ** 2, {"a": (0, 1), "b": (0, 1)}),
        (lambda a, b: (a + b, a * b), {"a": (0, 1), "b": (0, 1)}),
        (lambda a, b: 3.0, {"a": (0, 1), "b": (0, 1)}),
        (surefit.sin, (-3, 3)),
    ],
)
def test_a_callable_gives_what_it_gives_point_by_point(function, domain):
    box = surefit.Domain(domain)
    many, outputs = vectorised(function, box)
    x = box.unscale(np.random.default_rng(5).uniform(-1, 1, (20, box.dim)))
    for row, got in zip(x, many(x), strict=True):
        try:
            want = function(*row)
        except TypeError:
            want = function(row)
        want = np.atleast_1d(
            np.asarray([float(np.asarray(w)) for w in want] if isinstance(want, tuple) else float(np.asarray(want)))
        )
        np.testing.assert_allclose(got, want, rtol=1e-12)
        assert outputs == len(want)


def test_a_function_that_mixes_its_points_is_not_taken_for_vectorised():
    many, _ = vectorised(lambda x: x - np.mean(x), surefit.Domain((-1, 1)))
    np.testing.assert_allclose(many(np.array([[0.5], [0.25]])), [[0.0], [0.0]])


def test_an_expensive_function_is_asked_only_for_the_samples_and_for_the_error_on_the_card():
    asked = 0

    def expensive(x):
        nonlocal asked
        asked += np.size(x)
        return np.sin(x)

    fit = surefit.fit(
        expensive, (-3, 3), data=surefit.Sampling(count=60), method=surefit.Adam(epochs=2), model=(4,), tol=1e-9
    )
    assert asked <= sum(fit.problem.sizes().values()) + fit.error.n + 50  # and a few to learn its manners


def test_a_callable_that_fails_says_where_and_why():
    def broken(x):
        raise KeyError("pressure")

    with pytest.raises(ArgumentError, match=r"broken.*KeyError.*pressure"):
        surefit.fit(broken, (-1, 1))
    with pytest.raises(ArgumentError, match="IndexError"):  # a number, but only because columns can be indexed too
        surefit.fit(lambda x: x[3], (-1, 1))
    with pytest.raises(ArgumentError, match="does not take 2 arguments"):
        surefit.fit(lambda a, b, c: a, {"a": (0, 1), "b": (0, 1)})


def test_tables_and_arrays():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (200, 2))
    y = x[:, 0] - x[:, 1]
    fit = surefit.fit((x, y), method=surefit.Adam(epochs=100), model=(32, 32))
    assert fit.problem.function is None
    assert fit.error.n == len(fit.problem.test[0])
    assert fit.error.rmse < 0.2
    named = surefit.fit({"length": x[:, 0], "load": x[:, 1], "bend": y}, method=QUICK, model=(4,))
    assert named.names == ("length", "load")
    assert named.outputs == ("bend",)


def test_rows_of_a_table_that_miss_a_value_can_be_left_out():
    x = np.linspace(-1, 1, 50)
    y = np.where(np.arange(50) == 7, np.nan, x)
    with pytest.raises(DataError, match=r"row 7, column 'y' is missing; .*read_table\(..., drop_missing=True\)"):
        surefit.fit((x, y), method="features")
    fit = surefit.fit((x, y), method="features", data=surefit.Sampling(drop_nonfinite=True))
    assert sum(fit.problem.sizes().values()) == 49
    assert fit.error.max < 1e-6


def test_rows_outside_a_domain_of_the_users_own_are_told():
    x = np.linspace(-2, 2, 41)
    inside = surefit.fit((x, x), "x=-2:2", method="features")
    partly = surefit.fit((x, x), "x=-1:1", method="features")
    assert inside.warnings == []
    assert partly.warnings == ["20 of 41 rows lie outside the domain that was given; they are fitted too"]
    assert "20 of 41 rows" in partly.card()


def test_verification_points_are_fresh_and_include_the_corners():
    problem = pose("x1 + x2", {"x1": (0, 1), "x2": (0, 2)}, SMALL, seed=0)
    x, y = Judge(problem, 0).points
    seen = {tuple(p) for p in problem.train[0].tolist()}
    corners = {(0.0, 0.0), (0.0, 2.0), (1.0, 0.0), (1.0, 2.0)}
    assert corners <= {tuple(p) for p in x.tolist()}
    assert not (seen - corners) & {tuple(p) for p in x.tolist()}
    np.testing.assert_allclose(y[:, 0], x.sum(axis=1))


# --- scaling, dtype, weights, models
# -----------------------------------------------------------------------------------


def test_scaling_makes_large_and_shifted_data_as_easy_as_small():
    fit = surefit.fit(
        "1e6*sin((x-1e5)/1e2)", f"x={1e5 - 300}:{1e5 + 300}", method=surefit.Adam(epochs=150), model=(32,)
    )
    assert fit.error.relative_l2 < 0.05
    raw = surefit.fit("x", "x=-1:1", method=surefit.Adam(epochs=3, scale=False), model=(4,))
    assert raw.model.x_scale.numpy().tolist() == [1.0]
    assert raw.model.y_shift.numpy().tolist() == [0.0]


def test_first_units_bend_where_the_data_is():
    x = np.linspace(0, 1, 300) ** 3 * 1e4  # crowded on one side, far out on the other
    fit = surefit.fit((x, np.sqrt(x)), method=surefit.Adam(epochs=1, lr=1e-9), model=(500,))
    first = fit.network[0]
    breakpoints = -first.bias.detach().numpy() / first.weight.detach().numpy()[:, 0]
    breakpoints = breakpoints * fit.model.x_scale.numpy() + fit.model.x_shift.numpy()
    assert breakpoints.min() >= -1
    assert breakpoints.max() <= 1.001e4
    np.testing.assert_allclose(
        np.quantile(breakpoints, [0.1, 0.5, 0.9]), np.quantile(x, [0.1, 0.5, 0.9]), rtol=0.3, atol=30
    )


def test_dtype_and_a_module_of_ones_own():
    net = nn.Sequential(nn.Linear(1, 8, generator=0), nn.Tanh(), nn.Linear(8, 1, generator=1))
    fit = quick(model=net, dtype="float64")
    assert fit.network is net
    assert {str(p.dtype) for p in net.parameters()} == {"float64"}
    with pytest.raises(ShapeError, match="must map"):
        quick(model=nn.Linear(1, 2))


def test_weights_decide_which_rows_matter():
    x = np.linspace(-1, 1, 100)[:, None]
    y = np.where(np.arange(100) % 2 == 0, 1.0, -1.0)
    weights = np.where(np.arange(100) % 2 == 0, 1.0, 0.0)
    plan = surefit.Sampling(split=(1.0, 0.0, 0.0), weights=weights)
    fit = surefit.fit((x, y), data=plan, method=surefit.Adam(epochs=300, lr=0.02), model=(8,))
    np.testing.assert_allclose(fit.predict(x), 1.0, atol=0.1)


def test_weights_count_in_validation_too():
    x = np.linspace(-1, 1, 100)[:, None]
    y = np.where(np.arange(100) % 2 == 0, 1.0, -1.0)
    weights = np.where(np.arange(100) % 2 == 0, 1.0, 0.0)
    plan = surefit.Sampling(split=(0.5, 0.5, 0.0), weights=weights)
    fit = surefit.fit((x, y), data=plan, method=surefit.Adam(epochs=300, lr=0.02), model=(8,))
    assert fit.history[-1]["validation_loss"] < 0.05  # unweighted it is near 2
    rule = surefit.Sampling(count=100, weights=lambda points, values: (points[:, 0] > 0).astype(float))
    of_rule = pose("x", (-1, 1), rule, seed=0)
    np.testing.assert_array_equal(of_rule.validation_weights, of_rule.validation[0][:, 0] > 0)


def test_a_function_of_few_points_is_watched_on_more():
    few = pose("sin(x)", (-3, 3), surefit.Sampling(count=40), seed=0)
    assert [len(part[0]) for part in (few.train, few.validation, few.test)] == [40, 200, 5]
    measured = pose("sin(x)", (-3, 3), surefit.Sampling(count=40, noise=0.1), seed=0)  # like a table: as it is divided
    assert len(measured.validation[0]) == 5
    unwatched = pose("sin(x)", (-3, 3), surefit.Sampling(count=40, split=(1.0, 0.0, 0.0)), seed=0)
    assert unwatched.validation is None


def test_the_card_says_whose_weights_these_are():
    best, last = (quick(method=surefit.Adam(epochs=3, best_weights=kept)) for kept in (True, False))
    assert "weights of the last" not in best.card()
    assert "weights of the last" in last.card()


METHODS = [surefit.Adam(epochs=15), surefit.Auto(evaluations=60), "features", "varpro", surefit.LM(iterations=15)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("gradients", [None, True])
@pytest.mark.parametrize("method", METHODS, ids=lambda m: m if isinstance(m, str) else type(m).__name__)
def test_the_card_is_that_of_the_network_that_is_returned(method, gradients, dtype):
    plan = surefit.Sampling(count=50, derivatives=gradients, verify=4000)
    fit = surefit.fit("sin(3*x1)*x2", "x1=-1:1, x2=-1:1", method=method, dtype=dtype, data=plan, model=(6,))
    x = np.random.default_rng(5).uniform(-1, 1, (20_000, 2))
    apart = np.abs(fit.predict(x) - np.sin(3 * x[:, 0]) * x[:, 1])
    assert fit.error.rmse == pytest.approx(np.sqrt(np.mean(apart**2)), rel=0.05)
    assert 0.75 * apart.max() <= fit.error.max <= 1.3 * apart.max()  # the search climbs to the edges


@pytest.mark.parametrize("value", [None, "x", 1j, [1.0, 2.0]])
def test_a_loss_that_gives_no_number_is_named(value):
    with pytest.raises(ArgumentError, match="loss: must return one number"):
        quick(method=surefit.Adam(epochs=2, loss=lambda a, b: value))


def test_best_weights_patience_and_callbacks():
    events = []
    fit = quick(method=surefit.Adam(epochs=30, lr=0.05), callbacks=[events.append])
    kinds = [type(e).__name__ for e in events]
    assert kinds[0] == "Started"
    assert kinds[-1] == "Finished"
    assert kinds.count("Epoch") == 30
    best = min(fit.history, key=lambda r: r["validation_loss"])
    assert fit.best_epoch == best["epoch"]
    stopped = quick(method=surefit.Adam(epochs=30), callbacks=[lambda e: getattr(e, "epoch", 0) == 4])
    assert len(stopped.history) == 4
    patient = quick("1 + 0*x", method=surefit.SGD(epochs=500, lr=1e-12, patience=3))
    assert len(patient.history) < 50
    assert "patience" in patient.stop_reason


def test_an_interrupt_keeps_the_best_so_far():
    def interrupt(event):
        if getattr(event, "epoch", 0) == 5:
            raise KeyboardInterrupt

    fit = quick(method=surefit.Adam(epochs=50), callbacks=[interrupt])
    assert fit.interrupted
    assert len(fit.history) == 5
    assert fit.best_epoch is not None


# --- when it goes wrong
# ---------------------------------------------------------------------------------------------------


def test_divergence_says_step_layer_and_cause():
    with pytest.raises(NotFiniteError, match=r"step \d+.*(parameter|layer).*learning rate"):
        quick(method=surefit.SGD(epochs=5, lr=1e30))


def test_a_divergence_later_on_keeps_the_best_weights():
    def bad_loss(prediction, target):
        bad_loss.calls += 1
        d = ((prediction - target) ** 2).mean()
        return d * float("nan") if bad_loss.calls > 30 else d

    bad_loss.calls = 0
    fit = quick(method=surefit.Adam(epochs=50, loss=bad_loss))
    assert fit.warnings
    assert "loss" in fit.warnings[0]
    assert np.isfinite(fit.predict([0.0])).all()
    assert math.isfinite(fit.error.max)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (dict(target="sin(x)", domain=None), DomainError, "needs one"),
        (dict(target="sin(x) + y", domain="x=0:1"), FormulaError, "y"),
        (dict(target="2x", domain="x=0:1"), FormulaError, r"2\*x"),
        (dict(target="log(x)", domain="x=-1:1"), DomainError, "not finite.*drop_nonfinite"),
        (dict(target="sin(x)", domain="x=1:0"), DomainError, "reversed"),
        (dict(target="sin(x)", domain="x=0:1", tol=-1), ArgumentError, "tol"),
        (dict(target="sin(x)", domain="x=0:1", time=float("nan")), ArgumentError, "time"),
        (dict(target="sin(x)", domain="x=0:1", method="adm"), ArgumentError, "did you mean 'adam'"),
        (dict(target="sin(x)", domain="x=0:1", model="big"), ArgumentError, "widths"),
        (dict(target="sin(x)", domain="x=0:1", seed=-1), ArgumentError, "seed"),
        (dict(target="sin(x)", domain="x=0:1", data=[1, 2]), ArgumentError, "Sampling"),
        (dict(target="sin(x)", domain="x=0:1", model=(0,)), ArgumentError, "hidden"),
        (dict(target="sin(x)", domain="x=0:1", model=(10**9,)), ArgumentError, "parameters"),
        (dict(target="1e200*x", domain="x=0:1"), DomainError, "overflow"),
        (dict(target="sin(x)", domain="x=0:1", tol=True), ArgumentError, "tol=True"),
        (dict(target="sin(x)", domain="x=0:1", tol="1e-3"), ArgumentError, "tol='1e-3'"),
        (dict(target="sin(x)", domain="x=0:1", callbacks=[3]), ArgumentError, "callbacks: 3"),
        (dict(target="sin(x)", domain="x=0:1", callbacks=3), ArgumentError, "callbacks: 3"),
        (dict(target="sin(x)", domain="x=0:1", callbacks="print"), ArgumentError, "callbacks: 'print'"),
        (dict(target="sin(x)", domain="x=0:1", model=nn.Sequential()), ArgumentError, "no parameters"),
        (dict(target="sin(x)", domain="x=0:1", model=nn.Tanh(), method="adam"), ArgumentError, "no parameters"),
        (dict(target="sin(x)", domain="x=0:1", model=nn.Tanh(), method="lm"), ArgumentError, "no parameters"),
        (dict(target="sin(x)", domain="x=0:1", method="lm", jit=True), ArgumentError, "jit: method='lm'"),
        (dict(target="sin(x)", domain="x=0:1", jit="no"), ArgumentError, "jit='no' must be True, False or None"),
        (dict(target="sin(x)", domain="x=0:1", restarts=10**9), ArgumentError, "networks are too many"),
    ],
)
def test_wrong_arguments_are_named(arguments, error, words):
    with pytest.raises(error, match=words):
        surefit.fit(**arguments)


@pytest.mark.slow
@pytest.mark.parametrize("method", [surefit.Adam(epochs=3), "features"])
@pytest.mark.parametrize("restarts", [1, 2])
def test_one_callback_or_none(method, restarts):
    heard = [[], []]
    for callbacks in (heard[0].append, [heard[1].append], None, iter([heard[1].append])):
        fit = surefit.fit("x", "x=-1:1", model=(4,), method=method, restarts=restarts, callbacks=callbacks)
    steps = [[e.epoch for e in events if isinstance(e, Epoch)] for events in heard]
    assert len(steps[0]) >= 3
    assert steps[1] == 2 * steps[0]
    assert fit.error.max < 2


def test_numbers_of_numpy_are_numbers():
    for tol, time in ((np.float32(1e-3), np.int64(100)), (np.float64(1e-3), np.float32(100))):
        fit = surefit.fit("sin(x)", "x=0:1", tol=tol, time=time)
        assert fit.reached and type(fit.tol) is float and fit.tol == float(tol)
        json.dumps(fit.to_dict(), allow_nan=False)


@pytest.mark.slow
def test_jit_reaches_the_adam_of_the_automatic_choice(monkeypatch):
    seen = []
    monkeypatch.setattr("surefit.attempts.performing.descend", lambda attempt, *a: seen.append(attempt.jit))
    monkeypatch.setattr("surefit.search.strategies.rounds.ROUNDS", 0)
    for jit in (None, False, True):
        surefit.fit("abs(x)", "x=-1:1", model=(4, 4), jit=jit)
    assert seen == [None, False, True]


def test_method_settings_are_checked():
    for wrong in (
        dict(lr=-1),
        dict(epochs=0),
        dict(batch_size=2.5),
        dict(schedule="cosin"),
        dict(loss="mes"),
        dict(patience=0),
    ):
        with pytest.raises(ArgumentError, match=next(iter(wrong))):
            surefit.Adam(**wrong)


def test_points_that_are_not_finite_can_be_left_out():
    fit = surefit.fit(
        "log(x)", "x=-1:1", data=surefit.Sampling(count=200, drop_nonfinite=True), method=QUICK, model=(4,)
    )
    assert fit.problem.dropped > 0
    assert "left out" in fit.card()


# --- using and keeping it
# ----------------------------------------------------------------------------------------------------


def test_calling_a_fit_elementwise():
    fit = quick("x1 + x2", {"x1": (-1, 1), "x2": (-1, 1)})
    a = fit(0.5, 0.25)
    assert isinstance(a, float)
    assert a == fit(x1=0.5, x2=0.25) == fit({"x1": 0.5, "x2": 0.25}) == fit.predict([[0.5, 0.25]])[0]
    assert fit(np.zeros((3, 1)), np.zeros(4)).shape == (3, 4)
    with pytest.raises(ArgumentError, match="x1, x2"):
        fit(0.5)
    with pytest.raises(ShapeError, match="one column for each of x1, x2"):
        fit.predict([[1.0]])


def test_outside_the_domain_it_warns_once():
    fit = quick()
    with pytest.warns(surefit.OutsideWarning, match="outside the domain"):
        fit.predict([5.0])
    fit.predict([6.0])


def test_the_derivative_is_that_of_the_model():
    fit = quick("x1*x2", {"x1": (-1, 1), "x2": (-1, 1)}, dtype="float64")
    x, h = np.array([[0.3, -0.2]]), 1e-5
    for i in range(2):
        e = np.eye(2)[i] * h
        difference = (fit.predict(x + e) - fit.predict(x - e)) / (2 * h)
        assert fit.derivative(x)[0, i] == pytest.approx(difference[0], rel=1e-7)


def test_card_summary_and_json():
    fit = quick()
    card = str(fit)
    for word in ("sin(x)", "1-8-1 tanh", "adam", "max |error|", "rmse", "seed 0"):
        assert word in card
    assert "25" in fit.summary()
    data = json.loads(json.dumps(fit.to_dict(), allow_nan=False))
    assert data["error"]["status"] == "measured"
    assert fit._repr_html_().startswith("<table>")


@pytest.mark.slow
def test_pictures(tmp_path):
    one = quick()
    assert len(one.plot().axes) == 2
    assert one.plot("loss").axes
    assert one.error_map().axes
    two = quick("x1*x2", {"x1": (-1, 1), "x2": (-1, 1)})
    assert len(two.plot().axes) >= 3
    three = quick("x1*x2 + x3", {"x1": (-1, 1), "x2": (-1, 1), "x3": (0, 1)})
    assert three.plot().axes
    table = surefit.fit((np.random.default_rng(0).uniform(size=(100, 3)), np.arange(100.0)), method=QUICK, model=(4,))
    assert table.plot().axes
    assert "<svg" in one.graph().svg()
    assert "<svg" in one.graph("network").svg()
    with pytest.raises(ArgumentError, match="kind"):
        one.plot("nothing")
    paths = one.save_outputs(tmp_path / "out")
    assert {p.name for p in paths} == {
        "model.safetensors",
        "card.txt",
        "fit.json",
        "history.csv",
        "fit.png",
        "error.png",
        "loss.png",
    }
    assert all(p.stat().st_size > 0 for p in paths)


@pytest.mark.parametrize("kind", ["mlp", "module", "table", "callable"])
def test_a_saved_model_comes_back_the_same(tmp_path, kind):
    if kind == "mlp":
        fit = quick("sin(a) - b", {"a": (-1, 1), "b": (-1, 1)}, model=(8, 8))
    elif kind == "module":
        inner = nn.Sequential(nn.Linear(1, 8, generator=1), nn.BatchNorm1d(8), nn.Sin())
        net = nn.Sequential(inner, nn.Residual(nn.Linear(8, 8, generator=2)), nn.Linear(8, 1, generator=3))
        fit = quick(model=net)
    elif kind == "table":
        fit = surefit.fit((np.linspace(0, 1, 50), np.linspace(0, 2, 50)), method=QUICK, model=(4,))
    else:
        fit = quick(np.tanh)
    path = fit.save(tmp_path / "deep" / "model.safetensors")
    again = surefit.load(path)
    x = fit.problem.train[0]
    tolerance = 0 if kind != "module" else 2e-6  # one sample at a time is another order of summation
    np.testing.assert_allclose(again.predict(x), fit.predict(x), rtol=0, atol=tolerance)
    assert again.card() == fit.card() or kind == "module"
    assert again.names == fit.names
    assert again.problem.sizes() == fit.problem.sizes()
    assert again.derivative(x[:3]).shape == fit.derivative(x[:3]).shape
    assert again.plot().axes
    assert again.history == fit.history
    assert again.save(tmp_path / "again.safetensors").exists()


def test_damaged_and_foreign_files(tmp_path):
    from safetensors.numpy import save_file

    good = quick().save(tmp_path / "good.safetensors")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(good.read_bytes()[:-50])
    foreign = tmp_path / "foreign.safetensors"
    save_file({"w": np.zeros(3)}, foreign)
    text = tmp_path / "text.safetensors"
    text.write_text("hello")
    newer = tmp_path / "newer.safetensors"
    changed = re.sub(rb'\\"format\\": \d', rb'\\"format\\": 9', good.read_bytes())
    assert changed != good.read_bytes()
    newer.write_bytes(changed)
    cases = [(cut, "damaged"), (foreign, "not one that surefit wrote"), (text, "damaged"), (newer, "format 9")]
    for path, words in [*cases, (tmp_path / "none", "no model file")]:
        with pytest.raises(ModelFileError, match=words):
            surefit.load(path)


def test_an_interrupt_before_the_loop_is_ready_leaves_a_fit(monkeypatch):
    from surefit.attempts import descent

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(descent, "loop_for", interrupted)
    fit = surefit.fit("sin(x)", "x=-3:3", method=surefit.Adam(epochs=3), model=(8,))
    assert fit.interrupted and np.isfinite(fit.error.max)


def test_an_interrupt_of_the_last_look_at_the_error_leaves_the_same_error(monkeypatch):
    from surefit.search import runner

    arguments = dict(method="features", model=(6,))
    whole = surefit.fit("sin(5*x)", "x=-3:3", **arguments)
    told, calls = runner.error_told, []

    def interrupted(*given):
        calls.append(given)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return told(*given)

    monkeypatch.setattr(runner, "error_told", interrupted)
    fit = surefit.fit("sin(5*x)", "x=-3:3", **arguments)
    assert fit.interrupted and not whole.interrupted and len(calls) == 2
    assert fit.error == whole.error
