"""Networks for tables: PyTorch and NumPy are the oracles of the architecture, the truth that of the training."""

import numpy as np
import pytest

import surefit
from surefit.attempts.members import Tabular, _left_out, joined
from surefit.attempts.methods import Features
from surefit.attempts.progress import Progress
from surefit.core.modes import no_grad
from surefit.core.tensor import Tensor
from surefit.data import Sampling
from surefit.fitting import Fit, load
from surefit.models.inference import evaluate
from surefit.models.members import BOUND, FASTER, SLOWER, Blend, Members
from surefit.models.scaled import scaled
from surefit.problems.posing import pose
from surefit.search.judging import Judge
from surefit.search.record import Solved
from surefit.search.runner import State, recorded, run
from surefit.search.strategies import blends

RNG = np.random.default_rng(0)
X = RNG.standard_normal((30, 2)).astype(np.float32)
LOW, HIGH = np.array([-1.0]), np.array([1.0])


def members(m=3, periods=4, seed=0):
    """Networks whose weights are all of size 1, so that each counts."""
    net = Members(X, LOW * 100, HIGH * 100, m, 5, periods, np.random.default_rng(seed))
    rng = np.random.default_rng(1)
    for p in net.parameters():
        p.assign(rng.standard_normal(p.shape).astype(np.float32))
    return net


def values(net, x=X):
    with no_grad():
        return net.each(Tensor(x)).numpy(), net(Tensor(x)).numpy()


def test_each_network_is_that_of_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    net = members()
    p = {name: torch.tensor(value.numpy()) for name, value in net.state_dict().items()}
    median, quartiles = np.median(X, axis=0), np.diff(np.quantile(X, [0.25, 0.75], axis=0), axis=0)[0]
    u = torch.tensor(((X - median) / quartiles).astype(np.float32))
    u = u / torch.sqrt(1 + (u / BOUND) ** 2)
    for i in range(3):
        parts = []
        for j in range(2):
            waves = torch.cos(u[:, j : j + 1] * p["frequencies"][i, j] * SLOWER + p["phases"][i, j] * SLOWER)
            embedded = waves @ p["embedding"][i, j] * SLOWER / 2 + p["shift"][i, j] * SLOWER  # 2: the root of 4 waves
            parts.append(torch.cat([u[:, j : j + 1], embedded], 1) * p["gain"][i, j, 0, 0] * FASTER)
        z = torch.cat(parts, 1)
        for layer, fan in ((1, 8), (2, 5)):
            z = z @ p[f"weight{layer}"][i] / fan**0.5 + p[f"bias{layer}"][i] * SLOWER
            z = torch.nn.functional.mish(z)
        y = z @ p["weight3"][i] / 5**0.5 + p["bias3"][i] * SLOWER
        np.testing.assert_allclose(values(net)[0][:, i], y.numpy(), rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("periods", [0, 4])
def test_the_mean_stays_within_what_was_seen(periods):
    net = members(periods=periods)
    each, mean = values(net)
    np.testing.assert_allclose(mean, each.mean(axis=1), rtol=1e-5, atol=1e-6)
    middle = np.quantile(mean, [0.3, 0.6])
    net.low.assign(middle[:1].astype(np.float32)), net.high.assign(middle[1:].astype(np.float32))
    np.testing.assert_allclose(values(net)[1], np.clip(mean, *middle.astype(np.float32)), rtol=1e-5)


def test_a_constant_input_says_nothing():
    x = np.column_stack([X[:, 0], np.full(30, 7.0)]).astype(np.float32)
    net = Members(x, LOW, HIGH, 2, 4, 3, np.random.default_rng(0))
    assert np.isfinite(values(net, x)[0]).all()


def test_a_blend_is_the_weighted_mean_of_both_models():
    x = RNG.random((40, 2)) * [5, 100]
    one, other = (pose((x + a, np.sin(x[:, :1]) + b), None, None, 0) for a, b in ((0, 3), (10, -4)))
    models = []
    for problem, seed in ((one, 0), (other, 1)):
        net = surefit.nn.MLP(2, (4,), 1, generator=seed, dtype="float64")
        models.append(scaled(net, problem, True, "float64"))
    blend = scaled(Blend(*models, 0.3), one, True, "float64")
    expected = 0.3 * evaluate(models[0], x) + 0.7 * evaluate(models[1], x)
    np.testing.assert_allclose(evaluate(blend, x), expected, rtol=1e-12)


def test_what_a_mean_of_many_would_miss_is_estimated_without_bias():
    rng = np.random.default_rng(2)
    n, m, times, folds = 4000, 10, 2, 5
    each = 0.3 + rng.standard_normal((n, m, 1))  # all are off by 0.3, and by 1 each for itself
    outside = np.zeros((n, m))
    for t in range(times):
        outside[np.arange(n), t * folds + rng.permutation(n) % folds] = 1.0
    found = _left_out(each, outside, np.zeros((n, 1)), times, False)
    assert np.mean(found**2) == pytest.approx(0.09 + 1 / m, rel=0.1)
    assert (
        np.mean(_left_out(each, outside, each.mean(axis=1) * 0, times, False) ** 2) < 0.5
    )  # and not that of a mean of two


def test_validation_rows_join_first_with_their_weights():
    weights = RNG.random(50)
    x, y = RNG.random((50, 1)), RNG.random(50)
    problem = pose((x, y), None, Sampling(weights=weights, split=(0.6, 0.2, 0.2)), 0)
    whole = joined(problem)
    np.testing.assert_array_equal(whole.train[0], np.concatenate([problem.validation[0], problem.train[0]]))
    rows = whole.row_numbers["train"]
    np.testing.assert_array_equal(whole.train[0], x[rows])
    np.testing.assert_array_equal(whole.weights, weights[rows])
    assert whole.validation is None and whole.sizes() == {"train": 40, "validation": 0, "test": 10}


@pytest.fixture(scope="module")
def blended():
    """A fit of a small blend, made as the automatic choice makes it."""
    pytest.importorskip("llvmlite", reason="llvmlite is not installed")
    x = RNG.random((120, 2))
    y = np.sin(5 * x[:, 0]) * x[:, 1] + 0.05 * RNG.standard_normal(120)
    problem = pose((x, y), None, Sampling(split=(0.9, 0.1, 0.0)), 0)
    state = State(problem, 0, np.dtype("float64"), Judge(problem, 0), Progress())

    def strategy(s):
        other = yield s.attempt(Features(draws=1), s.hidden(6), s.problem)
        found = yield s.attempt(Tabular(units=8, folds=3, epochs=16), s.hidden(1), s.problem)
        yield from blends.blended(s, found, [other])

    misses = {}  # as of two models that are as good, and wrong in different ways
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blends, "unseen", lambda _, c: misses.setdefault(id(c), 0.1 * RNG.standard_normal((120, 1))))
        reason = run(state, strategy(state))
    state.candidates = state.candidates[-1:]
    made = lambda found: Solved({"method": "auto"}, found.stage, (), dict(found.details))
    return Fit.of(recorded(state, reason, made)), state, problem


@pytest.mark.slow
def test_a_blend_is_a_fit_like_any_other(blended, tmp_path):
    fit, _, _ = blended
    assert isinstance(fit.network, Blend) and fit.made.stage.code == "stage-blend"
    assert fit.error.status == "estimated" and fit.error.folds == 3 and fit.problem.validation is None
    assert fit.error.n == 120 and 0.3 < fit.network.share < 0.7
    x = 0.1 + 0.8 * RNG.random((20, 2))
    again = load(fit.save(tmp_path / "fit.surefit"))
    np.testing.assert_allclose(again.predict(x), fit.predict(x), rtol=1e-12)
    low, high = fit.interval(x, 0.9)
    assert (low < fit.predict(x)).all() and (high > fit.predict(x)).all()
    np.testing.assert_allclose(fit.to("float32").predict(x), fit.predict(x), atol=1e-4)
    h = 1e-5
    steps = [(fit.predict(x + h * e) - fit.predict(x - h * e)) / (2 * h) for e in np.eye(2)]
    np.testing.assert_allclose(fit.derivative(x), np.stack(steps, axis=1), rtol=1e-3, atol=1e-4)
    network = dict(fit.card_rows())["network"]
    assert "networks 2-" in network and " mish, averaged + " in network and fit.doctor() is not None
    assert f", {fit.network.num_parameters()} parameters, float64" in network
    for lang in ("en", "zh"):
        assert again.card(lang=lang) == fit.card(lang=lang)


def test_a_blend_is_exported(blended, tmp_path):
    fit, _, _ = blended
    fit.export(tmp_path / "model.py", verify=10)


def test_a_blend_is_distilled(blended):
    fit, _, problem = blended
    small = surefit.distil(fit, max_parameters=100)
    assert small.network.num_parameters() <= 100
    assert np.sqrt(np.mean((small.predict(problem.train[0]) - fit.predict(problem.train[0])) ** 2)) < 0.1


def test_groups_keep_their_rows_apart():
    pytest.importorskip("llvmlite", reason="llvmlite is not installed")
    x, group = RNG.random((90, 2)), np.arange(90) % 9
    problem = pose((x, x[:, 0]), None, Sampling(groups=group), 0)
    state = State(problem, 0, np.dtype("float64"), Judge(problem, 0), Progress())

    def strategy(s):
        yield s.attempt(Tabular(units=4, folds=2, epochs=16), s.hidden(1), s.problem)

    run(state, strategy(state))
    found = state.candidates[0]
    assert found.left_out is None and found.problem.validation is not None
    miss = evaluate(found.model, problem.validation[0]) - problem.validation[1]
    assert found.score_in_units == pytest.approx(np.sqrt(np.mean(miss**2)), rel=1e-6)
