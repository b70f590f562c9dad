"""What rows tell that a card cannot: repeats, grids, contradictions, columns that depend on each other; and silence."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import surefit

RNG = np.random.default_rng(0)
QUICK = dict(method="features", model=(20,))


def found(target, **more):
    fit = surefit.fit(target, **{**QUICK, **more})
    return {f.code: f for f in fit.doctor()}


def smooth(x):
    return np.sin(2 * x[:, 0]) + x[:, -1] ** 2


def test_repeats_that_were_split_at_random():
    places = RNG.uniform(-1, 1, (12, 2))
    x = np.repeat(places, 20, axis=0)
    seen = found((x, smooth(x) + 0.1 * RNG.normal(size=len(x))))
    assert seen["repeated-places"].severity == "warning" and seen["repeated-places"].number > 0.9
    assert "contradictory-rows" in seen
    floor = seen["contradictory-rows"].message
    assert "0.1" in floor or "0.09" in floor  # the noise that was put in


def test_a_grid():
    axes = np.meshgrid(np.linspace(0, 1, 12), np.linspace(0, 1, 10), np.linspace(0, 1, 6))
    x = np.stack([a.ravel() for a in axes], axis=1)
    seen = found((x, smooth(x)))
    assert "12 x 10 x 6" in seen["grid"].message or "10 x 12 x 6" in seen["grid"].message
    assert "repeated-places" not in seen


def test_columns_that_depend_on_each_other():
    kind = RNG.integers(0, 3, 200)
    x = np.column_stack([kind == 0, kind == 1, kind == 2, RNG.uniform(-1, 1, 200)]).astype(float)
    seen = found((x, kind + x[:, 3]))
    assert all(name in seen["dependent-inputs"].message for name in ("x1", "x2", "x3"))
    assert "x4" not in seen["dependent-inputs"].message


def test_a_target_that_an_input_gives_away_and_one_of_two_values():
    x = RNG.uniform(-1, 1, (100, 2))
    assert found((x, 3 - 2 * x[:, 1]))["target-among-inputs"].severity == "warning"
    table = {"size": x[:, 0], "red": (x[:, 1] > 0).astype(int)}
    assert "red" in found(table)["two-valued-target"].message


def test_few_rows_apart_are_told():
    x = RNG.uniform(-1, 1, (60, 1))
    assert found((x, smooth(x)))["few-rows-apart"].number == 6
    assert "few-rows-apart" not in found((x, smooth(x)), data=surefit.Sampling(split=(0.4, 0.1, 0.5)))


def test_an_infinite_error_is_an_error():
    fit = surefit.fit("x^2", "x=0:1", **QUICK)
    from dataclasses import replace

    broken = replace(fit, error=replace(fit.error, max=float("inf")))
    assert broken.doctor().find("error-not-finite")[0].severity == "error"
    assert not fit.doctor().find("error-not-finite")


def test_a_warning_that_is_no_breakdown_is_none():
    fit = surefit.fit("sin(x)", "x=-3:3", **QUICK)
    fit.warnings.append(surefit.sentences.say("not-compiled", why="for a reason"))
    assert fit.doctor().ok
    assert fit.doctor().find("training-note") and not fit.doctor().find("training-broke-down")


def draw(n, d, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (n, d))


def normal(n, seed=0):
    return np.random.default_rng([seed, 1]).normal(size=n)


def levels(target, **more):
    """The codes that are not "ok", and how severe."""
    return {code: f.severity for code, f in found(target, **more).items() if f.severity != "ok"}


def new_places(fit, f, d):
    """The true error where nothing was measured."""
    x = np.random.default_rng(99).uniform(-1, 1, (4000, d))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(np.sqrt(np.mean((fit.predict(x) - f(x)) ** 2)))


# --- repeats ----------------------------------------------------------------------------------------------------------


def hilly(x):
    return np.sin(4 * x[:, 0]) * np.cos(3 * x[:, 1]) + x[:, 2]


@pytest.mark.parametrize("jitter", [0.0, 1e-9, 1e-4])
def test_repeats_of_places_exact_or_nearly_so(jitter):
    """12 places of three inputs, 20 rows at each: the error of the card is the noise, the truth many times that."""
    x = np.repeat(draw(12, 3), 20, axis=0)
    x = x + jitter * np.random.default_rng(5).normal(size=x.shape)
    fit = surefit.fit((x, hilly(x) + 0.05 * normal(240)), **QUICK)
    assert new_places(fit, hilly, 3) > 4 * fit.error.rmse
    (seen,) = fit.doctor().find("repeated-places")
    assert seen.severity == "warning" and seen.number > 0.9
    assert "12 places" in seen.message


def test_repeats_at_places_enough_are_worth_a_note_only():
    """30 replicated places of one smooth function: the others tell what is at one that is left out."""
    x = np.repeat(np.linspace(-1, 1, 30), 6)[:, None]
    fit = surefit.fit((x, np.sin(2 * x[:, 0]) + 0.1 * normal(180)), **QUICK)
    assert new_places(fit, lambda x: np.sin(2 * x[:, 0]), 1) < fit.error.rmse
    assert fit.doctor().find("repeated-places")[0].severity == "note"


def test_where_some_rows_stand_at_new_places_their_errors_are_compared():
    """Half of the rows repeat places: a network that knows these by heart is seen, another is not."""
    x = np.concatenate([np.repeat(draw(30, 3), 10, axis=0), draw(300, 3, seed=3)])
    every = surefit.Sampling(weights=np.ones(600))  # copies too, which are left out otherwise
    fit = surefit.fit((x, hilly(x)), method=surefit.Features(ridge=0.0), model=(400,), seed=1, data=every)
    apart, train = fit.problem.test[0], fit.problem.train[0]
    known = (apart[:, None] == train).all(axis=2).any(axis=1)
    off = np.abs(fit.predict(apart) - hilly(apart))
    rmse = [float(np.sqrt(np.mean(off[rows] ** 2))) for rows in (known, ~known)]
    assert rmse[1] > 2 * rmse[0] and rmse[1] > 0.02
    (seen,) = fit.doctor().find("repeated-places")
    assert seen.severity == "warning" and f"{rmse[1]:.2g}" in seen.message
    healthy = surefit.fit((x, x[:, 0] + 0.1 * normal(600)), **QUICK).doctor()
    assert healthy.find("repeated-places")[0].severity == "note" and healthy.ok


def test_kinds_have_no_new_places():
    """All combinations of three yes-or-no inputs, measured often."""
    x = np.random.default_rng(0).integers(0, 2, (400, 3)).astype(float)
    assert levels((x, x @ [1.0, 2.0, 4.0] + x[:, 0] * x[:, 1] + 0.1 * normal(400)))["repeated-places"] == "note"


@pytest.mark.parametrize("d", [1, 2, 3, 6])
@pytest.mark.parametrize("n", [40, 500])
def test_independent_rows_are_no_repeats(n, d):
    from surefit.doctor.row_checks import Rows, _gaps

    x = draw(n, d, seed=n + d)
    r = Rows(x, x[:, :1], ("x",) * d, ("y",), train=n // 2, apart=(n // 2, n), kind="test", count=n // 2)
    assert _gaps(r)[0] < 0.3
    assert _gaps(Rows(np.round(x * 1e3) ** 3, x[:, :1], (), (), train=n // 2, apart=(n // 2, n)))[0] < 0.5


# --- grids ------------------------------------------------------------------------------------------------------------


def lattice(*shape):
    axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    return np.stack([a.ravel() for a in axes], axis=1)


def test_a_coarse_grid_hides_its_error():
    x = lattice(12, 10, 6)
    fit = surefit.fit((x, hilly(x)), method="features", model=(200,))
    assert new_places(fit, hilly, 3) > 3 * fit.error.rmse
    (seen,) = fit.doctor().find("grid")
    assert seen.severity == "warning" and "12 x 10 x 6" in seen.message


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_fine_grid_is_no_alarm(noise):
    x = lattice(25, 25)
    truth = lambda x: np.sin(3 * x[:, 0]) + x[:, 1] ** 2
    fit = surefit.fit((x, truth(x) + noise * normal(len(x))), method="features", model=(60,))
    assert new_places(fit, truth, 2) < 2 * fit.error.rmse
    assert fit.doctor().ok, str(fit.doctor())


def test_between_the_lines_of_a_fine_grid_a_network_that_waves_is_seen():
    """Interpolation knows better there than a network with too many units and no ridge."""
    from surefit.doctor.interpolation import between_levels, own_error

    x = lattice(16, 16)
    axis = np.unique(x[:, 0])
    y = np.sin(2 * x[:, :1])
    waves = lambda p: np.sin(2 * p[:, :1]) + 0.3 * np.sin(np.pi * (p[:, :1] + 1) / (axis[1] - axis[0]))
    np.testing.assert_allclose(waves(x), y, atol=1e-12)
    off, own = between_levels([axis, axis], x, y, waves), own_error([axis, axis], x, y, 8)
    assert off[0] == pytest.approx(0.3 / 2**0.5, rel=0.1) and off[0] > 100 * own[0]
    assert between_levels([axis, axis], x, y, lambda p: np.sin(2 * p[:, :1]))[0] < own[0] < 1e-3


def test_interpolation_of_a_cubic_is_exact_and_missing_places_are_left_out():
    from surefit.doctor.interpolation import between_levels, left_out_places

    x = lattice(7, 5, 2)
    cubic = lambda p: p[:, :1] ** 3 - p[:, :1] * p[:, 1:2] ** 2 + p[:, 2:]
    several = [np.unique(column) for column in x.T]
    assert between_levels(several, x, cubic(x), cubic)[0] < 1e-14
    assert between_levels(several, x[1:], cubic(x[1:]), cubic)[0] < 1e-14
    plane = draw(30, 2)
    assert left_out_places(plane, plane @ [[1.0], [2.0]], np.arange(30))[0] < 1e-12
    assert left_out_places(plane[:3], plane[:3], np.arange(3)) is None


def test_leaving_out_one_place_is_what_fitting_the_others_gives():
    """The closed form, against solving for all other places."""
    from surefit.doctor.interpolation import left_out_places

    z, y = draw(20, 2), draw(20, 1, seed=4)
    by_power = []
    for power in (1, 3):
        misses = []
        for i in range(20):
            rest = np.delete(np.arange(20), i)
            distance = lambda a, b: np.linalg.norm(a[:, None] - b, axis=2) ** power  # noqa: B023
            tail = lambda a: np.column_stack([np.ones(len(a)), a])
            system = np.block([[distance(z[rest], z[rest]), tail(z[rest])], [tail(z[rest]).T, np.zeros((3, 3))]])
            c = np.linalg.solve(system, np.concatenate([y[rest, 0], np.zeros(3)]))
            told = np.concatenate([distance(z[[i]], z[rest]), tail(z[[i]])], axis=1) @ c
            misses.append(told[0] - y[i, 0])
        by_power.append(np.sqrt(np.mean(np.square(misses))))
    assert left_out_places(z, y, np.arange(20))[0] == pytest.approx(min(by_power), rel=1e-8)


def test_a_column_of_few_values_beside_others():
    x = np.column_stack([draw(200, 1), np.random.default_rng(0).choice([20.0, 40.0, 80.0], 200)])
    assert levels((x, x[:, 0] + x[:, 1] / 20))["few-levels"] == "note"


# --- order ------------------------------------------------------------------------------------------------------------


def walk(n, d, seed=0):
    return np.cumsum(np.random.default_rng(seed).normal(size=(n, d)), axis=0) / n**0.5


def test_rows_along_a_path_and_the_same_rows_shuffled(tmp_path):
    x = walk(400, 3)
    y = np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2]
    fit = surefit.fit((x, y), **QUICK)
    assert fit.doctor().find("rows-in-order")[0].severity == "warning"
    again = surefit.load(fit.save(tmp_path / "m.safetensors"))
    assert again.doctor().find("rows-in-order")[0].number == fit.doctor().find("rows-in-order")[0].number
    order = np.random.default_rng(1).permutation(400)
    assert "rows-in-order" not in levels((x[order], y[order]))


def test_rows_in_the_order_of_a_time():
    x = np.column_stack([np.arange(300.0), walk(300, 2)])
    seen = found({"time": x[:, 0], "a": x[:, 1], "b": x[:, 2], "y": x[:, 1] - x[:, 2] ** 2})["rows-in-order"]
    assert (seen.severity, seen.where) == ("warning", "time")


def test_rows_that_were_sorted_afterwards_are_worth_a_note_only():
    x = draw(300, 3)
    x = x[np.argsort(x[:, 1])]
    assert levels((x, smooth(x)))["rows-in-order"] == "note"
    follows = np.sort(draw(300, 1), axis=0)
    x = np.column_stack([follows, follows**3 + 0.01 * normal(300)[:, None]])  # a second input that goes with the first
    assert levels((x, smooth(x)))["rows-in-order"] == "note"


def test_a_table_of_one_sorted_input_is_a_curve():
    x = np.linspace(-1, 1, 200)[:, None]
    assert levels((x, np.sin(3 * x[:, 0]) + 0.05 * normal(200))).keys() <= {"few-rows-apart", "residuals"}


# --- contradictions ---------------------------------------------------------------------------------------------------


def test_two_rows_that_contradict_each_other():
    x = draw(200, 2)
    y = smooth(x) + 0.02 * normal(200)
    x[7] = x[150]
    y[7] = y[150] + 2.0
    (seen,) = surefit.fit((x, y), **QUICK).doctor().find("contradictory-rows")
    assert (seen.severity, seen.number) == ("warning", 1)
    assert f"x1={x[7, 0]:.4g}" in seen.message


def test_few_of_many_repeats_contradict():
    x = np.repeat(draw(40, 2), 3, axis=0)
    y = smooth(x)
    y[[0, 30, 60]] += 1.0
    assert found((x, y))["contradictory-rows"].number == 3


def test_the_noise_of_repeats_is_no_contradiction():
    x = np.repeat(draw(40, 2), 5, axis=0)
    seen = found((x, smooth(x) + 0.2 * normal(200)))["contradictory-rows"]
    assert seen.severity == "note"
    assert seen.number * np.std(smooth(x) + 0.2 * normal(200)) == pytest.approx(0.2, rel=0.15)
    assert "contradictory-rows" not in levels((x, smooth(x)))


# --- columns ----------------------------------------------------------------------------------------------------------


def test_an_input_in_other_units_repeats_it():
    x = draw(100, 2)
    table = {"celsius": 20 + 5 * x[:, 0], "b": x[:, 1], "fahrenheit": 68 + 9 * x[:, 0], "y": smooth(x)}
    assert found(table)["repeated-inputs"].where == "fahrenheit"
    near = x[:, :1] + 1e-3 * normal(100)[:, None]
    assert "repeated-inputs" not in levels((np.hstack([x, near]), smooth(x)))


def test_a_linear_function_of_other_inputs_is_named_with_its_terms():
    x = draw(100, 3)
    seen = found((np.column_stack([x, 1 - x[:, 0] + 2.5 * x[:, 2]]), smooth(x)))["dependent-inputs"]
    assert seen.severity == "note" and "x4 = 1 - x1 + 2.5 x3" in seen.message
    assert "dependent-inputs" not in levels((np.column_stack([x, x[:, 0] * x[:, 2]]), smooth(x)))


def test_a_column_that_never_changes_but_once():
    x = draw(100, 2)
    rare = np.zeros(100)
    rare[3] = 1.0
    assert levels((np.column_stack([x, rare]), smooth(x)))["nearly-constant-inputs"] == "note"
    assert levels((np.column_stack([x, np.ones(100)]), smooth(x)))["constant-inputs"] == "warning"


def test_a_target_that_is_the_last_dummy_column_is_named():
    kind = np.random.default_rng(0).integers(0, 3, 120)
    table = {f"kind_{i}": (kind == i).astype(float) for i in range(3)}
    seen = found({"size": draw(120, 1)[:, 0], **table})
    assert seen["given-target"].where == "kind_2" == seen["two-valued-target"].where
    assert "kind_2 = 1 - kind_0 - kind_1" in seen["given-target"].message


def test_a_line_and_a_polynomial_are_no_targets_given_away():
    x = draw(100, 1)
    for y in (2 * x[:, 0] + 1, x[:, 0] ** 2):
        assert not {"given-target", "target-among-inputs"} & levels((x, y)).keys()


def test_examine_sees_columns_and_contradictions_too():
    x = draw(100, 2)
    x[1] = x[0]
    y = smooth(x)[:, None]
    y[1] += 3.0
    net = surefit.nn.MLP(3, (8,), 1, generator=0)
    codes = {f.code for f in surefit.examine(net, np.column_stack([x, x[:, 0] + x[:, 1]]), y)}
    assert {"contradictory-rows", "dependent-inputs"} <= codes
    same = surefit.nn.MLP(3, (8,), 3, generator=0)
    three = draw(100, 3)
    assert not {f.code for f in surefit.examine(same, three, three)} & {"target-among-inputs", "given-target"}


# --- how many, and over how many decades ------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "severity"), [(20, "warning"), (60, "note"), (400, None)])
def test_few_rows_say_what_that_means_for_the_largest_error(rows, severity):
    x = draw(rows, 1)
    assert levels((x, smooth(x))).get("few-rows-apart") == severity
    if severity:
        assert f"one of {rows // 10 + 1} new rows" in found((x, smooth(x)))["few-rows-apart"].message


def test_no_rows_held_out():
    x = draw(60, 1)
    every = surefit.Sampling(split=(1.0, 0.0, 0.0))
    assert "no-rows-apart" in levels((x, smooth(x)), data=every, method=surefit.Adam(epochs=20), model=(8,))
    assert "no-rows-apart" not in levels((x, smooth(x)), data=every)  # each was left out in turn


def test_columns_over_many_decades():
    q = draw(300, 2)
    x = np.column_stack([10 ** (3 * q[:, 0]), q[:, 1]])
    assert levels((x, 3 * q[:, 0] + q[:, 1] ** 2))["logarithmic-inputs"] in ("note", "warning")
    assert levels((q, 10 ** (3 * q[:, 0])), model=(5,))["logarithmic-targets"] == "note"
    even = np.random.default_rng(0).uniform(0, 1, (1000, 2))  # from 1e-3 to 1, evenly
    assert not {c for c in levels((even, even[:, 0])) if c.startswith("logarithmic")}


def noisy(n, d, noise=0.1):
    x = RNG.uniform(-1, 1, (n, d))
    return x, smooth(x) + noise * RNG.normal(size=n)


HEALTHY = {
    "sin": ("sin(x)", "x=-3:3", {}),
    "square": ("x^2", "x=-1:1", {}),
    "exponential": ("exp(x)", "x=-2:2", {}),
    "two inputs": ("sin(x1)-cos(x2)", "x1=-2:2, x2=-2:2", {}),
    "two outputs": ("sin(x); cos(x)", "x=-3:3", {}),
    "large units": ("1000+5*sin(x)", "x=0:6", {}),
    "small units": ("1e-6*sin(x)", "x=0:6", {}),
    "offset": ("sin(x)", "x=1000:1003", {}),
    "three inputs": ("x1*x2+x3", "x1=0:1, x2=0:1, x3=0:1", {}),
    "varpro": ("tanh(3*x)", "x=-1:1", dict(method="varpro", model=(6,))),
    "lm": ("sin(x)", "x=-3:3", dict(method="lm", model=(6, 6))),
    "float32": ("sin(x)", "x=-3:3", dict(dtype="float32")),
    "adam": ("sin(x)", "x=-3:3", dict(method=surefit.Adam(epochs=150), model=(32,))),
    "table": (noisy(200, 2), None, {}),
    "table, one input": (noisy(300, 1), None, {}),
    "clean table": (noisy(200, 2, 0.0), None, {}),
    "relu": ("abs(x-0.3)", "x=-1:1", dict(method=surefit.Adam(epochs=150), model=surefit.MLPSpec((32,), "relu"))),
    "steep": ("tanh(20*x)", "x=-1:1", {}),
    "waves": ("sin(15*x)", "x=-3:3", {}),
    "constant": ("2", "x=0:1", {}),
    "zero": ("x1 - x1", "x1=0:1", {}),
    "noisy function": ("sin(x)", "x=-3:3", dict(data=surefit.Sampling(noise=0.1), model=(16,))),
    "with a tolerance": ("exp(-x^2)", "x=-3:3", dict(tol=1e-3)),
    "lbfgs": ("sin(x)", "x=-3:3", dict(method="lbfgs", model=(8, 8))),
    "many rows": (noisy(3000, 3), None, dict(method="features", model=(60,))),
    "much noise": (noisy(400, 2, 0.4), None, {}),
    "linear table": ((draw(100, 1), 2 * draw(100, 1)[:, 0] + 1), None, {}),
    "several targets": ((draw(200, 2), np.column_stack([smooth(draw(200, 2)), draw(200, 2)[:, 0] ** 2])), None, {}),
    "large numbers": ((1e6 + 1e3 * draw(200, 1), 1e9 * draw(200, 1)[:, 0] ** 2), None, {}),
    "yes and no": (
        (np.column_stack([draw(300, 1), draw(300, 1, 5) > 0]), draw(300, 1)[:, 0] * (draw(300, 1, 5)[:, 0] > 0)),
        None,
        {},
    ),
    "grid table": ((lattice(15, 15), smooth(lattice(15, 15))), None, {}),
    "rows of its own to test on": (noisy(200, 2), None, dict(data=surefit.Sampling(test=noisy(100, 2)))),
    "sorted table": ((np.linspace(0, 3, 200), np.sin(np.linspace(0, 3, 200))), None, {}),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", HEALTHY)
def test_a_healthy_fit_raises_no_alarm(case):
    target, domain, options = HEALTHY[case]
    diagnosis = surefit.fit(target, domain, **options).doctor()
    assert diagnosis.ok, str(diagnosis)
