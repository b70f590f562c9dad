"""Losses: they never broadcast, stay finite at the extremes, and agree with mpmath and with their definitions."""

from __future__ import annotations

import itertools
from typing import Any

import mpmath
import numpy as np
import pytest

from surefit.core.creation import tensor
from surefit.core.functional import grad
from surefit.core.program import record
from surefit.errors import ArgumentError, DtypeError, ShapeError, SurefitError
from surefit.nn import functional as F

rng = np.random.default_rng(4)

PAIRS = {  # losses of (input, target)
    "mse_loss": F.mse_loss,
    "l1_loss": F.l1_loss,
    "smooth_l1_loss": F.smooth_l1_loss,
    "huber_loss": F.huber_loss,
    "log_cosh_loss": F.log_cosh_loss,
    "quantile_loss": F.quantile_loss,
    "poisson_nll_loss": F.poisson_nll_loss,
    "gaussian_nll_loss": lambda x, t, **k: F.gaussian_nll_loss(x, t, 1.0, **k),
    "binary_cross_entropy": F.binary_cross_entropy,
    "binary_cross_entropy_with_logits": F.binary_cross_entropy_with_logits,
    "kl_div": F.kl_div,
    "soft_margin_loss": F.soft_margin_loss,
    "hinge_embedding_loss": F.hinge_embedding_loss,
    "margin_ranking_loss": lambda x, t, **k: F.margin_ranking_loss(x, t, x, **k),
    "cosine_embedding_loss": lambda x, t, **k: F.cosine_embedding_loss(x, t, x[..., 0], **k),
}
ONE_OF_CLASSES = ("cross_entropy", "nll_loss")


def test_every_loss_is_tested():
    losses = {name for name in F.__all__ if name.endswith("_loss") or name in ("kl_div", *ONE_OF_CLASSES)}
    losses |= {name for name in F.__all__ if name.startswith("binary_cross_entropy")}
    assert losses == {*PAIRS, *ONE_OF_CLASSES}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize(
    "a, b", [((5, 1), (5,)), ((5,), (5, 1)), ((5,), ()), ((2, 3), (3, 2)), ((2, 3), (1, 3)), ((2, 3), (3,))]
)
def test_losses_never_broadcast(name, a, b):
    with pytest.raises(ShapeError) as caught:
        PAIRS[name](np.full(a, 0.5), np.full(b, 0.5))
    message = str(caught.value)
    assert message.startswith(name) and str(a) in message and str(b) in message


def test_the_error_says_how_to_mend_the_shapes():
    column, row = np.zeros((5, 1)), np.zeros(5)
    with pytest.raises(ShapeError, match=r"target\.squeeze\(-1\)"):
        F.mse_loss(row, column)
    with pytest.raises(ShapeError, match=r"input\.squeeze\(-1\)"):
        F.mse_loss(column, row)
    with pytest.raises(ShapeError, match=r"target\.reshape\(3, 2\)"):
        F.mse_loss(np.zeros((3, 2)), np.zeros(6))
    with pytest.raises(ShapeError, match="its own target"):
        F.mse_loss(np.zeros((3, 2)), np.zeros(3))
    with pytest.raises(ShapeError, match=r"target\.squeeze\(1\)"):
        F.cross_entropy(np.zeros((5, 3)), np.zeros((5, 1), np.int64))


@pytest.mark.parametrize("name", PAIRS)
def test_reductions(name):
    x, t = rng.uniform(0.2, 0.8, (4, 3)), rng.uniform(0.2, 0.8, (4, 3))
    each = np.asarray(PAIRS[name](x, t, reduction="none"))
    assert each.shape == ((4,) if name == "cosine_embedding_loss" else (4, 3))
    assert float(PAIRS[name](x, t, reduction="sum")) == pytest.approx(each.sum(), rel=1e-14)
    assert float(PAIRS[name](x, t)) == pytest.approx(each.mean(), rel=1e-14)
    with pytest.raises(ArgumentError, match=f"{name}: reduction='average' must be one of 'mean', 'sum', 'none'"):
        PAIRS[name](x, t, reduction="average")


# --- regression ----------------------------------------------------------------------------------


def test_log_cosh_has_all_digits_near_and_far():
    d = np.array([0.0, 1e-150, 1e-9, 3e-5, 0.01, 0.4, 0.999999, 1.0, 1.000001, 3.0, 40.0, 800.0, 1e5])
    d = np.concatenate([d, -d])
    with mpmath.workdps(400):
        want = [float(mpmath.log(mpmath.cosh(mpmath.mpf(v)))) for v in d]
        slope = [float(mpmath.tanh(mpmath.mpf(v))) for v in d]
    np.testing.assert_allclose(F.log_cosh_loss(d, 0 * d, reduction="none"), want, rtol=4e-15, atol=0)
    x = tensor(d, requires_grad=True)
    F.log_cosh_loss(x, 0 * d, reduction="sum").backward()
    np.testing.assert_allclose(x.grad.numpy(), slope, rtol=4e-15, atol=0)


def test_log_cosh_in_float32_sees_small_errors():
    loss = F.log_cosh_loss(np.float32([1e-4]), np.float32([0]), reduction="none")
    assert loss[0] == pytest.approx(0.5e-8, rel=1e-6)
    assert F.log_cosh_loss(np.float32([1e4]), np.float32([0])) == pytest.approx(1e4 - np.log(2), rel=1e-6)


def test_log_cosh_is_smooth_at_zero():
    def curve(x: Any) -> Any:
        return F.log_cosh_loss(x, 0.0)

    assert grad(grad(curve))(0.0).item() == 1.0


@pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
def test_the_quantile_minimises_the_quantile_loss(q):
    sample = np.sort(rng.standard_normal(101))
    losses = [float(F.quantile_loss(np.full(101, c), sample, q)) for c in sample]
    assert sample[int(np.argmin(losses))] == np.quantile(sample, q)


def test_quantile_loss_weighs_the_two_sides():
    below, above = F.quantile_loss(np.zeros(2), np.array([2.0, -2.0]), 0.8, reduction="none")
    assert (below, above) == (pytest.approx(1.6), pytest.approx(0.4))  # too low a prediction costs more
    for q in (0.0, 1.0, -3.0):
        with pytest.raises(ArgumentError, match="between 0 and 1"):
            F.quantile_loss(np.zeros(1), np.zeros(1), q)


def test_huber_and_smooth_l1_are_one_loss_in_two_units():
    x, t = rng.standard_normal(50) * 3, rng.standard_normal(50)
    for beta in (0.3, 1.0, 2.0):
        np.testing.assert_allclose(F.huber_loss(x, t, delta=beta), beta * F.smooth_l1_loss(x, t, beta=beta), rtol=1e-14)
    assert F.smooth_l1_loss(x, t, beta=0) == F.l1_loss(x, t)


def test_weights_of_regression():
    x, t, w = rng.standard_normal(6), rng.standard_normal(6), np.array([0.0, 1, 2, 0, 1, 4])
    assert F.mse_loss(x, t, weight=w) == pytest.approx(np.average((x - t) ** 2, weights=w))
    assert F.l1_loss(x, t, weight=w) == pytest.approx(np.average(abs(x - t), weights=w))
    with pytest.raises(ShapeError, match="weight"):
        F.mse_loss(x, t, weight=np.ones(1))


def test_gaussian_nll_is_the_density_of_scipy():
    from scipy.stats import norm

    x, t, var = rng.standard_normal((4, 3)), rng.standard_normal((4, 3)), rng.uniform(0.5, 2.0, (4, 3))
    for v in (var, var[:, :1], var[:, 0], 0.7):
        spread = np.sqrt(v[:, None] if np.ndim(v) == 1 else v)
        want = -norm.logpdf(t, x, spread).mean()
        assert F.gaussian_nll_loss(x, t, v, full=True) == pytest.approx(want, rel=1e-13)
    with pytest.raises(ArgumentError, match=r"negative.*-1"):
        F.gaussian_nll_loss(x, t, -1.0)
    with pytest.raises(ShapeError, match="var"):
        F.gaussian_nll_loss(x, t, var[:2])
    small = tensor(0.0, requires_grad=True)  # below eps the loss still pulls the variance up
    F.gaussian_nll_loss(x, t, small, eps=0.01).backward()
    assert small.grad.item() < 0


def test_poisson_nll_is_the_probability_of_scipy():
    from scipy.stats import poisson

    counts, rate = np.array([2.0, 30.0, 200.0]), np.array([3.0, 25.0, 210.0])
    want = -poisson.logpmf(counts, rate)
    have = F.poisson_nll_loss(rate, counts, log_input=False, full=True, eps=0.0, reduction="none")
    np.testing.assert_allclose(have, want, atol=0.05)  # Stirling's formula
    have = F.poisson_nll_loss(np.log(rate), counts, full=True, reduction="none")
    np.testing.assert_allclose(have, want, atol=0.05)


# --- classification ------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("far", [1e4, 1e30])
def test_cross_entropy_is_finite_at_far_logits(dtype, far):
    logits = np.array(list(itertools.product([-far, 0.0, far], repeat=3)), dtype)
    for target in (np.arange(27) % 3, np.full((27, 3), 1 / 3, dtype)):
        for smoothing in (0.0, 0.1):
            x = tensor(logits, requires_grad=True)
            loss = F.cross_entropy(x, target, label_smoothing=smoothing, reduction="none")
            loss.sum().backward()
            assert loss.dtype == dtype
            assert np.isfinite(loss.detach().numpy()).all()
            assert np.isfinite(x.grad.numpy()).all()


def test_cross_entropy_at_far_logits_is_exact():
    x = tensor(np.array([[1e4, 0.0, -1e4]]), requires_grad=True)
    F.cross_entropy(x, np.array([2])).backward()
    assert x.grad.tolist() == [[1.0, 0.0, -1.0]]
    assert F.cross_entropy(np.array([[1e4, 0.0, -1e4]]), np.array([2])) == 20000.0
    assert F.cross_entropy(np.array([[1e4, 0.0, -1e4]]), np.array([0])) == 0.0


def test_cross_entropy_in_its_forms():
    logits, labels, weight = rng.standard_normal((6, 4)), np.array([0, 3, 1, 1, 2, 3]), rng.uniform(0.5, 2, 4)
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    nll = -np.log(p[np.arange(6), labels])
    assert F.cross_entropy(logits, labels) == pytest.approx(nll.mean())
    assert F.cross_entropy(logits, labels, weight) == pytest.approx(np.average(nll, weights=weight[labels]))
    counted = labels != 3
    assert F.cross_entropy(logits, labels, ignore_index=3) == pytest.approx(nll[counted].mean())
    sure = np.eye(4)[labels]
    assert F.cross_entropy(logits, sure) == pytest.approx(nll.mean())
    mixed = sure * 0.8 + 0.2 / 4
    assert F.cross_entropy(logits, labels, label_smoothing=0.2) == pytest.approx(F.cross_entropy(logits, mixed))
    assert F.cross_entropy(logits, sure, label_smoothing=0.2) == pytest.approx(F.cross_entropy(logits, mixed))
    assert F.nll_loss(np.log(p), labels) == pytest.approx(nll.mean())
    spread = logits.reshape(2, 3, 4).transpose(0, 2, 1)  # (n, classes, places)
    assert F.cross_entropy(spread, labels.reshape(2, 3)) == pytest.approx(nll.mean())
    assert F.cross_entropy(logits[1], labels[1]) == pytest.approx(nll[1])
    assert np.isnan(F.cross_entropy(logits, np.full(6, -100)))  # nothing counts: 0 / 0, as in PyTorch


@pytest.mark.parametrize(
    "x, target, kwargs, error, words",
    [
        (
            np.zeros((2, 3)),
            np.array([0, 3]),
            {},
            ArgumentError,
            r"target 3 at place \(1,\) is not one of the 3 classes",
        ),
        (np.zeros((2, 3)), np.array([0, -1]), {}, ArgumentError, "target -1"),
        (np.zeros((2, 3)), np.array([0.0, 1.0]), {}, ShapeError, r"target\.long\(\)"),
        (np.zeros((2, 3)), np.eye(3, dtype=int)[:2], {}, ShapeError, r"\(2,\)"),
        (np.zeros((2, 3)), np.array([True, False]), {}, DtypeError, "bool"),
        (np.zeros((2, 3), int), np.array([0, 1]), {}, DtypeError, "float32"),
        (np.zeros((2, 3)), np.array([0, 1]), {"weight": np.ones(2)}, ShapeError, "weight"),
        (np.zeros((2, 3)), np.array([0, 1]), {"label_smoothing": 1.5}, ArgumentError, "label_smoothing"),
        (np.zeros((2, 0)), np.array([0, 1]), {}, ShapeError, "no classes"),
        (np.zeros(()), np.array(0), {}, ShapeError, "class axis"),
    ],
)
def test_cross_entropy_errors(x, target, kwargs, error, words):
    with pytest.raises(error, match=words):
        F.cross_entropy(x, target, **kwargs)


def test_a_recorded_cross_entropy_ignores_later_targets_too():
    logits, labels = rng.standard_normal((4, 3)), np.array([0, 1, 2, 0])
    program = record(lambda x, t: F.cross_entropy(x, t), logits, labels)
    later = np.array([0, -100, 2, -100])
    assert program(logits, later).item() == pytest.approx(float(F.cross_entropy(logits[[0, 2]], later[[0, 2]])))


def test_binary_cross_entropy_with_logits_has_all_digits():
    x = np.array([-1e4, -40.0, -1.0, 0.0, 2.0, 40.0, 1e4])
    for t in (0.0, 0.3, 1.0):
        with mpmath.workdps(60):
            want = [
                float(t * mpmath.log1p(mpmath.exp(-mpmath.mpf(v))) + (1 - t) * mpmath.log1p(mpmath.exp(mpmath.mpf(v))))
                for v in x
            ]
        have = F.binary_cross_entropy_with_logits(x, np.full(7, t), reduction="none")
        np.testing.assert_allclose(have, want, rtol=1e-14)


def test_binary_cross_entropy_at_zero_and_one():
    x = tensor(np.array([0.0, 1.0, 0.0, 1.0]), requires_grad=True)
    loss = F.binary_cross_entropy(x, np.array([0.0, 1.0, 1.0, 0.0]), reduction="none")
    assert loss.tolist() == [0, 0, 100, 100]
    loss.sum().backward()
    assert x.grad.tolist() == [1.0, -1.0, -1e12, 1e12]
    for wrong in (-0.1, 1.1):
        with pytest.raises(ArgumentError, match="with_logits"):
            F.binary_cross_entropy(np.array([0.5, wrong]), np.zeros(2))


def test_weights_of_binary_losses_may_be_repeated_but_never_repeat_the_input():
    x, t = rng.uniform(0.2, 0.8, (4, 3)), np.ones((4, 3))
    weighted = F.binary_cross_entropy(x, t, np.array([1.0, 2.0, 0.0]), reduction="none")
    np.testing.assert_allclose(weighted, -np.log(x) * [1, 2, 0], rtol=1e-14)
    for f in (F.binary_cross_entropy, F.binary_cross_entropy_with_logits):
        with pytest.raises(ShapeError, match="does not broadcast"):
            f(x, t, np.ones((2, 4, 3)))
    with pytest.raises(SurefitError, match="broadcast"):
        F.binary_cross_entropy_with_logits(x, t, pos_weight=np.ones(4))


def test_kl_div_is_the_divergence():
    p, q = rng.dirichlet(np.ones(4), 5), rng.dirichlet(np.ones(4), 5)
    want = (p * np.log(p / q)).sum(1).mean()
    assert F.kl_div(np.log(q), p, reduction="batchmean") == pytest.approx(want)
    assert F.kl_div(np.log(q), np.log(p), log_target=True, reduction="batchmean") == pytest.approx(want)
    sure = np.array([[1.0, 0.0]])  # 0 log 0 = 0, and so is its gradient
    x = tensor(np.log([[0.5, 0.5]]), requires_grad=True)
    t = tensor(sure, requires_grad=True)
    F.kl_div(x, t, reduction="sum").backward()
    assert x.grad.tolist() == [[-1.0, 0.0]]
    assert np.isfinite(t.grad.numpy()).all()
