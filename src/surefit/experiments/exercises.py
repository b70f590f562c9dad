"""The exercises of document 002 against references, and what is weak in the document's own versions.

Softmax over the last axis, sigmoid, two cross-entropies, the gradients of Matmul and ReLU; then the printed class,
which asks for a layer that it never makes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from surefit.core.creation import tensor
from surefit.core.ops import float64
from surefit.nn import functional as F
from surefit.sentences import both

from .byhand import (
    Matmul,
    ReLU,
    Sigmoid,
    SigmoidCrossEntropy,
    Softmax,
    SoftmaxCrossEntropy,
    numeric_gradient,
)
from .result import Claim, own, verdict_of

Array = np.ndarray


def document_softmax(x: Array) -> Array:
    """As the document has it: the maximum over axis 1, the sum over the last axis."""
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _value(loss: Any, target: Array, x: Array) -> float:
    return float(loss().forward(x, target))


def exercises() -> list[Claim]:
    """Values and gradients against the reference (autograd, and central differences); the document's weak points."""
    rng = np.random.default_rng(0)
    x, w, y = rng.standard_normal((6, 10)), rng.standard_normal((10, 4)), rng.uniform(size=(6, 10))
    labels = rng.integers(0, 10, 6)
    worst = 0.0
    cases: list[tuple[Any, Callable[[Any], Any], Array]] = [
        (SoftmaxCrossEntropy(), lambda z: F.cross_entropy(z, tensor(labels)), labels),
        (SigmoidCrossEntropy(), lambda z: F.binary_cross_entropy_with_logits(z, tensor(y)), y),
    ]
    for loss, reference, target in cases:
        z = tensor(x, dtype=float64, requires_grad=True)
        theirs = reference(z)
        theirs.backward()
        assert z.grad is not None
        value = loss.forward(x, target)
        numeric = numeric_gradient(partial(_value, type(loss), target), x)
        worst = max(worst, abs(value - theirs.item()), np.abs(loss.backward() - z.grad.numpy()).max())
        worst = max(worst, 1e-8 * np.abs(loss.backward() - numeric).max())  # differences are good to 1e-9 only
    for layer, function in ((ReLU(), F.relu), (Sigmoid(), F.sigmoid), (Softmax(), lambda z: F.softmax(z, -1))):
        z = tensor(x, dtype=float64, requires_grad=True)
        out = function(z)
        out.backward(tensor(y))
        assert z.grad is not None
        worst = max(worst, np.abs(layer.forward(x) - out.detach().numpy()).max())
        worst = max(worst, np.abs(layer.backward(y) - z.grad.numpy()).max())
    product, g = Matmul(), rng.standard_normal((6, 4))
    product.forward(x, w)
    by_x, by_w = product.backward(g)
    worst = max(
        worst, np.abs(by_x - np.einsum("no,io->ni", g, w)).max(), np.abs(by_w - np.einsum("ni,no->io", x, g)).max()
    )

    images = np.stack([np.zeros((3, 4)), np.zeros((3, 4))])
    images[:, 0] += 1000.0  # one row of three far above the others
    with np.errstate(all="ignore"):
        theirs_sum = document_softmax(images).sum(axis=-1)
    ours_sum = Softmax().forward(images).sum(axis=-1)
    logits = np.array([[1e4, -1e4]])
    with np.errstate(all="ignore"):
        theirs_loss = float(-np.log(Softmax().forward(logits)[0, 1] + 1e-8))
    ours_loss = SoftmaxCrossEntropy().forward(logits, np.array([1]))
    return [
        own(
            both(
                "softmax, sigmoid, two cross-entropies and the gradients of Matmul and ReLU by hand are right",
                "手写的 softmax、sigmoid、两种交叉熵以及 Matmul 和 ReLU 的梯度是正确的",
            ),
            verdict_of(worst < 1e-13),
            both(f"the largest difference from autograd is {worst:.0e}", f"与自动微分的最大差别为 {worst:.0e}"),
        ),
        Claim(
            both(
                "softmax: subtract the maximum over axis 1, divide by the sum over the last axis",
                "softmax：减去沿轴 1 的最大值，除以沿最后一轴的和",
            ),
            verdict_of(bool(np.allclose(theirs_sum, 1.0))),
            both(
                f"on three axes {int(np.isnan(theirs_sum).sum())} of {theirs_sum.size} rows are NaN by it, and "
                f"{int(np.isnan(ours_sum).sum())} by ours",
                f"在三维数组上，{theirs_sum.size} 行中用它有 {int(np.isnan(theirs_sum).sum())} 行为 NaN，用"
                f"我们的有 {int(np.isnan(ours_sum).sum())} 行",
            ),
            both(
                "the axes must be the same: rows far below the maximum become 0/0",
                "两个轴必须相同：远低于最大值的行会成为 0/0",
            ),
            verdict_of(bool(np.isnan(theirs_sum).any() and np.allclose(ours_sum, 1.0))),
        ),
        Claim(
            both("cross-entropy: -log(p + 1e-8)", "交叉熵：-log(p + 1e-8)"),
            verdict_of(abs(theirs_loss - 20_000) < 1),
            both(
                f"at logits of +-10 000 it gives {theirs_loss:.4g}, ours {ours_loss:.0f}; the true value is 20000",
                f"logit 为 +-10 000 时它给出 {theirs_loss:.4g}，我们给出 {ours_loss:.0f}；真值为 20000",
            ),
            both(
                "taken from the logits, nothing has to be added inside the logarithm",
                "直接由 logit 计算，对数里不必加任何量",
            ),
            verdict_of(theirs_loss < 20 and ours_loss == 20_000),
        ),
    ]


class PrintedBackward:
    """The way back of the printed class, as far as it goes: it asks for a layer that `__init__` never makes."""

    def __init__(self) -> None:
        self.relu = ReLU()

    def backward(self, gradient: Array) -> Array:
        return self.sigmoid.backward(gradient)  # type: ignore[attr-defined]


def printed_class_fails(made: Any) -> str:
    """What `backward` of a class raises; "" where it runs."""
    try:
        made.backward(np.ones((2, 10)))
    except AttributeError as error:
        return str(error)
    return ""


def cannot_run(raised: str) -> Claim:
    """raised: what the printed class's backward raises, "" for nothing."""
    return Claim(
        both("the printed class is what was trained", "训练的就是文献所印的类"),
        verdict_of(not raised),
        both(f"its backward raises {raised!r}", f"它的 backward 报错：{raised!r}")
        if raised
        else both("its backward runs", "它的 backward 能运行"),
        both(
            "it cannot run: backward calls self.sigmoid, which is never made. Here the ReLU that its forward has takes "
            "that place",
            "它不能运行：backward 调用 self.sigmoid，而它从未创建。这里用其 forward 中的 ReLU 代替",
        ),
        verdict_of(bool(raised)),
    )
