"""Networks that are clipped far beyond rows with long tails."""

from __future__ import annotations

import runpy

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.models.clipped import FARTHER, REACH, Clipped, clipped, long_tails, stays_within
from surefit.models.inference import evaluate
from surefit.models.members import Blend
from surefit.models.scaled import Scaled


def drawn(kind: str, rows: int = 400) -> np.ndarray:
    rng = np.random.default_rng(3)
    return {
        "uniform": rng.uniform(-1, 1, (rows, 2)), "lognormal": rng.lognormal(size=(rows, 2)),
        "minus lognormal": -rng.lognormal(size=(rows, 2)), "student": rng.standard_t(2, size=(rows, 2)),
        "levels": rng.integers(1, 6, (rows, 2)).astype(float), "grid": np.tile(np.linspace(0, 1, rows), (2, 1)).T,
        "indicators": (rng.random((rows, 2)) < 0.1).astype(float),
    }[kind]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "below", "above"),
    [
        ("uniform", False, False), ("lognormal", False, True), ("minus lognormal", True, False),
        ("student", True, True), ("levels", False, False), ("grid", False, False), ("indicators", False, False),
    ],
)  # fmt: skip
def test_which_columns_have_long_tails(kind: str, below: bool, above: bool) -> None:
    found = long_tails(drawn(kind))
    assert [part.tolist() for part in found] == [[below] * 2, [above] * 2]


def test_a_shift_and_a_unit_change_no_tail() -> None:
    x = drawn("lognormal")
    for of in (x, 1e6 + 1e-3 * x):
        assert [part.tolist() for part in long_tails(of)] == [[False] * 2, [True] * 2]


def square(dtype: str = "float64") -> Scaled:
    """x1^2, as a network of one unit, in units of its own."""
    network = nn.MLP(2, (1,), 1, activation="square", dtype=dtype, generator=0)
    first, last = network[0], network[-1]
    first.weight.assign(np.array([[1.0, 0.0]]))
    first.bias.assign(np.zeros(1))
    last.weight.assign(np.array([[2.0]]))
    last.bias.assign(np.array([1.0]))
    network.eval()
    return Scaled(network, [5.0, 0.0], [2.0, 1.0], [-3.0], [4.0], dtype)


def test_nothing_changes_near_the_rows_and_far_from_them_values_are_those_of_the_clip() -> None:
    model, x = square(), drawn("lognormal")
    y = evaluate(model, x)
    made = clipped(model, x, y)
    assert isinstance(made.network, Clipped)
    low, high = x.min(axis=0), x.max(axis=0)
    rng = np.random.default_rng(0)
    near = rng.uniform(low, high, (200, 2))
    far = rng.uniform(low - 50, high + 50, (200, 2))
    reach, farther = REACH * (high - low), FARTHER * np.ptp(y)
    for points in (x, near, far):
        by_hand = evaluate(model, np.clip(points, low - reach, high + reach))
        expected = np.clip(by_hand, y.min() - farther, y.max() + farther)
        assert np.allclose(evaluate(made, points), expected, rtol=1e-12, atol=1e-12)
    assert not np.allclose(evaluate(model, far), evaluate(made, far), rtol=0.5)


def test_rows_without_a_tail_leave_the_model_as_it_is() -> None:
    model, x = square(), drawn("uniform")
    assert clipped(model, x, evaluate(model, x)) is model


def test_a_line_is_not_what_goes_on_steeply() -> None:
    model = square()
    assert not stays_within(model.network)
    assert stays_within(clipped(model, drawn("lognormal"), evaluate(model, drawn("lognormal"))).network)
    assert stays_within(nn.MLP(2, (), 1, generator=0))


@pytest.mark.parametrize("seed", range(3))
def test_a_law_of_logarithms_is_never_far_off_beyond_its_rows(seed: int) -> None:
    """30 rows of inputs whose next ones lie several times as far out as any of them."""
    rng = np.random.default_rng([seed, 30])
    x = rng.lognormal(size=(630, 2))
    y = 2.0 * np.log(x[:, 0]) - np.log(x[:, 1]) + 0.3 * rng.normal(size=630)
    fit = surefit.fit((x[:30], y[:30]), seed=seed)
    assert (x[30:] > 2.0 * x[:30].max(axis=0)).any()
    with pytest.warns(surefit.OutsideWarning):
        found = fit.predict(x[30:]).ravel()
    by_mean = np.sqrt(np.mean((y[30:] - y[:30].mean()) ** 2))
    assert np.sqrt(np.mean((found - y[30:]) ** 2)) < 0.8 * by_mean
    assert np.abs(found).max() < 3.0 * np.abs(y[:30]).max()


@pytest.mark.slow
def test_a_clipped_fit_is_the_same_from_its_file(tmp_path) -> None:
    rng = np.random.default_rng(1)
    x = rng.lognormal(size=(60, 2))
    fit = surefit.fit((x, np.log(x[:, 0]) * 3.0 + np.sqrt(x[:, 1])))
    assert isinstance(fit.network, (Clipped, Blend))
    fit.save(tmp_path / "fit.surefit")
    points = rng.lognormal(1.0, 1.5, size=(100, 2))
    with pytest.warns(surefit.OutsideWarning):
        before, after = fit.predict(points), surefit.load(tmp_path / "fit.surefit").predict(points)
    assert np.array_equal(before, after)


def test_the_mean_of_networks_of_two_values_is_clipped_as_a_whole() -> None:
    """Of 0 and 1 no process is the teacher: the mean of the best networks is tried, which are clipped each."""
    rng = np.random.default_rng(0)
    for seed in range(3):
        x = rng.lognormal(size=(60, 2))
        y = (rng.random(60) < 1.0 / (1.0 + np.exp(2.0 - 2.0 * np.log(x[:, 0])))).astype(float)
        fit = surefit.fit((x, y), seed=seed)
        with pytest.warns(surefit.OutsideWarning):
            found = fit.predict(10.0 * x).ravel()
        assert np.isfinite(found).all()
        assert any("mean of" in line for line in str(fit.card()).splitlines())


@pytest.mark.slow
def test_more_rows_than_few_go_on_from_a_clipped_network_which_loses_its_clip() -> None:
    rng = np.random.default_rng(4)
    x = rng.lognormal(size=(700, 1))
    y = 3.0 * np.log(x[:, 0])
    fit = surefit.fit((x[:240], y[:240]))
    assert isinstance(fit.network, Clipped)
    far = x[240:] * 5.0
    again = fit.update(far, 3.0 * np.log(far[:, 0]))
    assert type(again.network) is nn.MLP
    off = again.predict(far).ravel() - 3.0 * np.log(far[:, 0])
    assert np.sqrt(np.mean(off**2)) < 0.3


@pytest.fixture(scope="module")
def fitted() -> surefit.Fit:
    x = np.random.default_rng(0).lognormal(0.0, 1.2, 150)
    y = np.sin(1.5 * np.log(x)) + 0.03 * np.random.default_rng(1).normal(size=150)
    fit = surefit.fit({"x": x, "y": y}, target="y", seed=1)
    assert isinstance(fit.network, Clipped)
    return fit


def test_the_card_says_that_it_is_clipped_and_the_file_too(fitted, tmp_path) -> None:
    assert "tanh clipped far from the rows" in str(fitted)
    fitted.save(tmp_path / "m.surefit")
    assert "tanh clipped far from the rows" in str(surefit.load(tmp_path / "m.surefit"))
    assert "远离数据行处截断" in fitted.card(lang="zh")


@pytest.mark.filterwarnings("ignore:points outside")
def test_what_is_exported_has_the_clip(fitted, tmp_path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    low, high = fitted.problem.train[0].min(), fitted.problem.train[0].max()
    far = np.linspace(low - (high - low), high + 3.0 * (high - low), 500)[:, None]
    right = np.ravel(fitted.predict(far))
    assert np.ptp(right[far[:, 0] > high + 0.3 * (high - low)]) == 0.0  # of the clip
    fitted.export(tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    (found,) = session.run(None, {session.get_inputs()[0].name: far})
    np.testing.assert_allclose(np.ravel(found), right, rtol=1e-12, atol=1e-12)
    fitted.export(tmp_path / "m.py")
    own = runpy.run_path(str(tmp_path / "m.py"))
    np.testing.assert_allclose(np.ravel(own["evaluate"](far)), right, rtol=1e-12, atol=1e-12)


@pytest.mark.filterwarnings("ignore:points outside")
def test_a_proof_of_a_clipped_network_holds(fitted) -> None:
    """Beside many values of the formula, over the box and beyond it, where the network says one number."""
    formula, box = "sin(1.5*log(x))", {"x": (0.1, 400.0)}
    proof = fitted.certify(formula, domain=box, time=20.0)
    x = np.concatenate([np.linspace(0.1, 400.0, 40_001), 10.0 ** np.linspace(-1.0, 1.0, 4001)])
    error = np.abs(np.ravel(fitted.predict(x)) - np.sin(1.5 * np.log(x))).max()
    assert error <= proof.upper <= 1.2 * error
