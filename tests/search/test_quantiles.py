"""Quantiles: their loss against scikit-learn's, coverage counted by hand, outputs that never cross, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import surefit
from surefit import Adam, Sampling
from surefit.attempts.training import loss_function
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError
from surefit.models.rising import rising, start_of
from surefit.problems.quantiles import pinball

NORMAL = {0.05: -1.6449, 0.5: 0.0, 0.9: 1.2816, 0.95: 1.6449}  # quantiles of the standard normal distribution


def heteroscedastic(n, seed=0):
    """Rows whose noise grows from left to right, and the deviation of the noise."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, (n, 2))
    scale = 0.1 + 0.1 * (x[:, 0] + 2)
    return x, np.sin(x[:, 0]) + 0.5 * x[:, 1] + scale * rng.standard_normal(n), scale


def quick(quantile, n=1200, **options):
    x, y, _ = heteroscedastic(n)
    return surefit.fit(
        (x, y),
        quantile=quantile,
        method=Adam(epochs=60, lr=0.02, schedule="cosine"),
        model=(16,),
        jit=False,
        **options,
    )


@pytest.fixture(scope="module")
def three():
    return quick((0.05, 0.5, 0.95))


def test_the_pinball_loss_is_that_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics", reason="the oracle")
    rng = np.random.default_rng(0)
    y, found = rng.standard_normal((50, 1)), rng.standard_normal((50, 2))
    own = pinball(found, y, (0.2, 0.9)).mean(axis=0)
    theirs = [metrics.mean_pinball_loss(y[:, 0], found[:, i], alpha=a) for i, a in enumerate((0.2, 0.9))]
    assert np.allclose(own, theirs, rtol=1e-12)
    loss = loss_function(Adam(loss="quantile"), (0.2, 0.9))
    assert np.isclose(float(loss(Tensor(found), Tensor(np.repeat(y, 2, 1)), None).item()), np.mean(theirs))


def test_a_weight_counts_as_repetitions():
    rng = np.random.default_rng(1)
    y, found = rng.standard_normal((4, 1)), rng.standard_normal((4, 1))
    times = np.array([1, 3, 2, 2])
    loss = loss_function(Adam(loss="quantile"), (0.7,))
    own = loss(Tensor(found), Tensor(y), Tensor((times / times.mean())[:, None]))
    again = pinball(np.repeat(found, times, 0), np.repeat(y, times, 0), (0.7,)).mean()
    assert np.isclose(float(own.item()), again)


def test_a_linear_network_comes_to_the_linear_program():
    linear = pytest.importorskip("sklearn.linear_model", reason="the oracle")
    rng = np.random.default_rng(2)
    x = rng.uniform(0, 1, (400, 2))
    y = x[:, 0] - 2 * x[:, 1] + (0.1 + x[:, 0]) * rng.standard_normal(400)
    fit = surefit.fit(
        (x, y), quantile=0.9, method=Adam(epochs=400, lr=0.02, schedule="cosine", batch_size=400), model=(), jit=False,
        data=Sampling(split=(1, 0, 0)),
    )  # fmt: skip
    best = linear.QuantileRegressor(quantile=0.9, alpha=0).fit(x, y).predict(x)
    own, least = (pinball(p[:, None], y[:, None], (0.9,)).mean() for p in (fit.predict(x), best))
    assert least <= own <= 1.01 * least


def test_coverage_and_loss_on_the_card_are_those_of_the_test_rows(three):
    (x, y), found = three.problem.test, three.error.coverage
    predicted = three.predict(x)
    assert found.covered == tuple(np.mean(y[:, :1] <= predicted, axis=0))
    assert np.isclose(found.loss, pinball(predicted, y, found.levels).mean())
    assert three.outputs == ("y q0.05", "y q0.5", "y q0.95")
    card = three.card()
    assert "pinball loss" in card
    assert "max |error|" not in card
    assert "覆盖率" in three.card("zh")


def test_quantiles_are_near_the_truth(three):
    x, y, scale = heteroscedastic(20_000, 7)
    inside = three.domain.contains(x)
    predicted = three.predict(x[inside])
    for i, level in enumerate((0.05, 0.5, 0.95)):
        truth = np.sin(x[:, 0]) + 0.5 * x[:, 1] + NORMAL[level] * scale
        own, best = (pinball(p[:, None], y[inside, None], (level,)).mean() for p in (predicted[:, i], truth[inside]))
        assert own < 1.25 * best
        assert abs(np.mean(y[inside] <= predicted[:, i]) - level) < 0.05


def test_outputs_never_cross_wherever_they_are_asked_for(three):
    far = np.random.default_rng(3).uniform(-1e3, 1e3, (2000, 2))
    with pytest.warns(surefit.OutsideWarning):
        assert (np.diff(three.predict(far), axis=1) >= 0).all()


def test_numbers_that_rise_begin_where_they_should():
    levels = np.array([-1.5, -0.2, 0.4, 2.0])
    found = rising(Tensor(start_of(levels)[None]), Tensor(np.triu(np.ones((4, 4))))).numpy()
    assert np.allclose(found, levels, atol=1e-12)


def test_the_file_and_the_export_say_the_same(three, tmp_path):
    again = surefit.load(three.save(tmp_path / "q.safetensors"))
    x = three.problem.test[0]
    assert np.array_equal(again.predict(x), three.predict(x))
    assert again.error.coverage == three.error.coverage
    assert again.problem.quantiles == (0.05, 0.5, 0.95)
    assert again.card().splitlines()[-4:] == three.card().splitlines()[-4:]
    assert three.export(tmp_path / "q.py", verify=20).compared.difference < 1e-5


def test_one_level_is_a_plain_network_and_a_logarithm_changes_the_quantile_not_at_all():
    rng = np.random.default_rng(4)
    x = rng.uniform(0, 1, 800)
    y = np.exp(x + 0.3 * rng.standard_normal(800))
    fit = surefit.fit((x, y), quantile=0.9, target_scale="log", method=Adam(epochs=60), model=(8,), jit=False)
    assert fit.predict([0.5]).shape == (1,)
    truth = np.exp(0.5 + 0.3 * NORMAL[0.9])  # of the values, whose logarithm has the same rows below
    assert abs(fit.predict([0.5])[0] / truth - 1) < 0.1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(quantile=1.5), "between 0 and 1"),
        (dict(quantile=(0.9, 0.1)), r"must rise.*\(0.1, 0.9\)"),
        (dict(quantile=()), "between 0 and 1"),
        (dict(quantile="high"), "quantile"),
        (dict(loss="quantile"), "of which quantile"),
        (dict(loss="huber", quantile=0.5), "tells of no quantile"),
        (dict(quantile=0.5, method="lm"), "'lm'"),
        (dict(quantile=0.5, method="features"), "'features'"),
        (dict(quantile=0.5, method=Adam(loss="l1")), "'l1'"),
        (dict(quantile=0.5, method=Adam(solve_output=True)), "solve_output"),
        (dict(quantile=0.5, tol=0.1), "tol: quantiles"),
        (dict(method=Adam(loss="quantile")), "of which quantile"),
        (dict(quantile=0.5, task="classify"), "quantile"),
    ],
)
def test_what_means_nothing_is_refused_by_name(options, message):
    x, y, _ = heteroscedastic(40)
    with pytest.raises(ArgumentError, match=message):
        surefit.fit((x, (y > 0).astype(int) if "task" in options else y), **options)


def test_a_function_and_several_targets_are_refused():
    with pytest.raises(ArgumentError, match="rows of a table"):
        surefit.fit("sin(x)", "x=0:1", quantile=0.5)
    with pytest.raises(ArgumentError, match="2 targets"):
        surefit.fit((np.zeros((9, 1)), np.zeros((9, 2))), quantile=0.5)


def test_what_is_for_means_is_refused_by_a_fit_of_quantiles(three):
    with pytest.raises(ArgumentError, match="interval: this fit is of quantiles"):
        three.interval([[0.0, 0.0]])
    with pytest.raises(ArgumentError, match="update: this fit is of quantiles"):
        three.update([[0.0, 0.0]], [1.0])


@pytest.mark.parametrize("word", ["large-error", "unseen-error", "row"])
def test_the_doctor_takes_no_quantile_for_a_bad_mean(three, word):
    assert not three.doctor().find(word)


@pytest.mark.slow
def test_the_automatic_choice_covers_what_it_says_and_is_no_worse_than_boosting():
    ensemble = pytest.importorskip("sklearn.ensemble", reason="the peer")
    x, y, _ = heteroscedastic(500)
    fit = surefit.fit((x, y), quantile=0.9)
    new, values, _ = heteroscedastic(20_000, 9)
    inside = fit.domain.contains(new)
    new, values = new[inside], values[inside]
    peer = ensemble.GradientBoostingRegressor(loss="quantile", alpha=0.9, random_state=0).fit(x, y).predict(new)
    own = fit.predict(new)
    assert 0.87 < np.mean(values <= own) < 0.93
    assert (
        pinball(own[:, None], values[:, None], (0.9,)).mean() < pinball(peer[:, None], values[:, None], (0.9,)).mean()
    )
    assert fit.error.status == "estimated" or fit.error.kind == "test"
