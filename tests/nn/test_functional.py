"""nn.functional: every function in every reading, and what the operator vectors of tests/conformance do not cover.

One table of cases: each is run on float64 against finite differences (first and second derivatives), on float32, on
plain arrays, recorded and replayed, and under `batch` against a loop. A function without a case fails.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.signal

from surefit.core import functions as fn
from surefit.core.batching import batch
from surefit.core.creation import tensor
from surefit.core.functional import grad, hvp
from surefit.core.leaves import State
from surefit.core.modes import no_grad
from surefit.core.program import record
from surefit.core.random import Generator
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, CapturedError, DtypeError, ShapeError
from surefit.nn import functional as F

rng = np.random.default_rng(20)


def normal(*shape: int) -> np.ndarray:
    return rng.standard_normal(shape)


def apart(*shape: int) -> np.ndarray:
    """Numbers at least 0.1 from each other and from the kinks at multiples of 1/2."""
    n = math.prod(shape)
    return (rng.permutation(n) - n // 2 + 0.23).reshape(shape) * 0.4


def inside(*shape: int) -> np.ndarray:
    """Probabilities away from 0 and 1."""
    return rng.uniform(0.2, 0.8, shape)


def classes(*shape: int) -> np.ndarray:
    return rng.integers(0, 4, shape)


def signs(*shape: int) -> np.ndarray:
    return rng.choice([-1.0, 1.0], shape)


x4, mask = apart(3, 4), np.array([[True, False, True], [True, True, True]])

ELEMENTWISE = """relu relu6 leaky_relu elu selu celu gelu silu mish softplus softsign hardswish hardsigmoid hardtanh
hardshrink softshrink tanhshrink logsigmoid sigmoid tanh sin""".split()

# name -> [(arguments, keyword arguments)]: arrays of floats are differentiated; each array stands for one sample of a
# batch, except those named in SHARED, which all samples share
CASES: dict[str, list[tuple[list[Any], dict[str, Any]]]] = {
    **{name: [([x4], {})] for name in (*ELEMENTWISE, "glu")},
    "threshold": [([x4, 0.1, 7.0], {})],
    "prelu": [([x4, np.array([0.3])], {}), ([x4, normal(4)], {})],
    "softmax": [([x4, -1], {}), ([x4, 0], {})],
    "softmin": [([x4, -1], {})],
    "log_softmax": [([x4, -1], {})],
    "linear": [
        ([normal(5, 3), normal(2, 3), normal(2)], {}),
        ([normal(2, 5, 3), normal(4, 3)], {}),
        ([normal(3), normal(3)], {}),
    ],
    "bilinear": [([normal(5, 3), normal(5, 2), normal(4, 3, 2), normal(4)], {})],
    "embedding": [([classes(2, 3), normal(4, 5)], {}), ([np.array([0, 2, 1]), normal(4, 5)], {"padding_idx": -1})],
    "one_hot": [([classes(3), 4], {})],
    "dropout": [([x4, 0.4, False], {})],
    "conv1d": [
        ([normal(2, 3, 7), normal(4, 3, 3), normal(4)], {"stride": 2, "padding": 1}),
        ([normal(4, 7), normal(6, 2, 3)], {"groups": 2, "dilation": 2, "padding": "same"}),
    ],
    "conv2d": [
        ([normal(2, 2, 5, 6), normal(3, 2, 2, 3), normal(3)], {"stride": (1, 2), "padding": (1, 0)}),
        ([normal(4, 5, 5), normal(4, 1, 3, 3)], {"groups": 4, "padding": "valid"}),
    ],
    "max_pool1d": [
        ([apart(2, 3, 9), 3], {"stride": 2, "padding": 1}),
        ([apart(3, 9), 2], {"dilation": 2, "ceil_mode": True}),
    ],
    "max_pool2d": [([apart(2, 2, 7, 5), (3, 2)], {"padding": 1, "ceil_mode": True}), ([apart(1, 20, 20), 2], {})],
    "avg_pool1d": [([normal(2, 3, 9), 4], {"stride": 2, "padding": 1, "count_include_pad": False})],
    "avg_pool2d": [
        ([normal(2, 2, 7, 50), (3, 2)], {"padding": 1, "ceil_mode": True, "count_include_pad": False}),
        ([normal(2, 6, 6), 2], {"divisor_override": 3}),
    ],
    "adaptive_avg_pool1d": [([normal(2, 3, 7), 3], {})],
    "adaptive_avg_pool2d": [([normal(2, 3, 7, 4), (None, 2)], {})],
    "layer_norm": [([normal(3, 4, 5), (4, 5), normal(4, 5), normal(4, 5)], {})],
    "rms_norm": [([normal(3, 4), 4, normal(4)], {})],
    "group_norm": [([normal(2, 6, 3), 3, normal(6), normal(6)], {})],
    "instance_norm": [([normal(2, 3, 5)], {"weight": None}), ([normal(2, 3, 5)], {})],
    "batch_norm": [
        ([normal(6, 3), None, None, normal(3), normal(3), True], {}),
        ([normal(2, 3), normal(3), inside(3)], {}),
    ],
    "normalize": [([normal(3, 4)], {"p": 3.0})],
    "cosine_similarity": [([normal(3, 4), normal(3, 4)], {})],
    "pairwise_distance": [([normal(3, 4), normal(3, 4)], {"p": 1.5})],
    "pixel_shuffle": [([normal(2, 8, 3, 2), 2], {})],
    "pad": [([normal(2, 3), (1, 2)], {"value": 3.0}), ([normal(1, 4, 20), (2, 1)], {"mode": "reflect"})],
    "scaled_dot_product_attention": [
        ([normal(2, 3, 4), normal(2, 5, 4), normal(2, 5, 2)], {}),
        ([normal(2, 5, 4), normal(2, 5, 4), normal(2, 5, 2)], {"is_causal": True}),
        ([normal(2, 4, 4), normal(3, 4), normal(3, 2), mask[:1]], {"scale": 0.3}),
        ([normal(4, 2, 4), normal(2, 3, 4), normal(2, 3, 2)], {"enable_gqa": True}),
    ],
    "mse_loss": [([x4, normal(3, 4)], {}), ([x4, normal(3, 4)], {"weight": inside(3, 4)})],
    "l1_loss": [([x4, normal(3, 4)], {})],
    "smooth_l1_loss": [([x4, normal(3, 4)], {"beta": 0.7})],
    "huber_loss": [([x4, normal(3, 4)], {"delta": 0.7})],
    "log_cosh_loss": [([x4, normal(3, 4)], {})],
    "quantile_loss": [([x4, normal(3, 4), 0.8], {})],
    "cross_entropy": [
        ([normal(5, 4), classes(5)], {"label_smoothing": 0.1, "weight": inside(4), "ignore_index": 2}),
        ([normal(5, 4, 2), classes(5, 2)], {}),
        ([normal(4), classes()], {}),
        ([normal(5, 4), inside(5, 4)], {}),
    ],
    "nll_loss": [([normal(5, 4), classes(5)], {"reduction": "sum"})],
    "binary_cross_entropy": [([inside(5), inside(5)], {})],
    "binary_cross_entropy_with_logits": [([normal(5, 3), inside(5, 3)], {"pos_weight": inside(3)})],
    "kl_div": [([normal(3, 4), inside(3, 4)], {"reduction": "batchmean"})],
    "poisson_nll_loss": [
        ([normal(5), inside(5) + 1.5], {"full": True}),
        ([inside(5), inside(5)], {"log_input": False}),
    ],
    "gaussian_nll_loss": [([normal(5, 2), normal(5, 2), inside(5)], {"full": True}), ([normal(5), normal(5), 0.5], {})],
    "hinge_embedding_loss": [([apart(5), signs(5)], {})],
    "margin_ranking_loss": [([apart(5), normal(5), signs(5)], {"margin": 0.3})],
    "cosine_embedding_loss": [([normal(5, 3), normal(5, 3), signs(5)], {"margin": -0.9})],
    "soft_margin_loss": [([normal(5), signs(5)], {})],
}
LABELS = ("hinge_embedding_loss", "margin_ranking_loss", "cosine_embedding_loss", "soft_margin_loss")
CASES["conv_transpose1d"] = [([normal(2, 4, 5), normal(4, 3, 3), normal(6)], {"stride": 2, "padding": 1, "groups": 2})]
CASES["conv_transpose2d"] = [([normal(2, 3, 3), normal(2, 3, 2, 2)], {"stride": (2, 1), "dilation": 2})]
CASES["interpolate"] = [([normal(2, 3, 5)], {"scale_factor": 1.5}), ([normal(1, 2, 3, 4), 5], {"mode": "bilinear"})]

ALL = [pytest.param(name, i, id=f"{name}-{i}") for name in CASES for i in range(len(CASES[name]))]


def test_every_function_has_a_case():
    assert set(CASES) == set(F.__all__)


def _case(name: str, i: int, dtype: Any = np.float64) -> tuple[list[np.ndarray], Any]:
    """The arrays of a case, and its function of them."""
    args, kwargs = CASES[name][i]
    places = [k for k, a in enumerate(args) if isinstance(a, np.ndarray)]
    names = [k for k, v in kwargs.items() if isinstance(v, np.ndarray)]
    arrays = [args[k] for k in places] + [kwargs[k] for k in names]
    arrays = [a.astype(dtype) if a.dtype == np.float64 else a for a in arrays]

    def f(*values: Any) -> Any:
        full, named = list(args), dict(kwargs)
        for k, v in zip(places, values, strict=False):
            full[k] = v
        named.update(zip(names, values[len(places) :], strict=True))
        return getattr(F, name)(*full, **named)

    return arrays, f


def _scalar(f: Any) -> Any:
    """f as one number: its results times fixed numbers."""

    def number(*values: Any) -> Any:
        y = f(*values)
        return fn.sum(y * np.cos(np.arange(math.prod(y.shape), dtype=y.dtype)).reshape(y.shape))

    return number


def _differentiable(name: str, arrays: list[np.ndarray]) -> list[int]:
    return [k for k, a in enumerate(arrays) if a.dtype == np.float64 and not (name in LABELS and k == len(arrays) - 1)]


@pytest.mark.parametrize("name, i", ALL)
def test_first_and_second_derivatives_against_differences(name, i):
    arrays, f = _case(name, i)
    g = _scalar(f)
    for k in _differentiable(name, arrays):

        def along(a: Any, k: int = k) -> Any:
            return g(*arrays[:k], a, *arrays[k + 1 :])

        way = np.random.default_rng(k).standard_normal(arrays[k].shape)
        h = 1e-5

        def value(t: float, k: int = k, way: np.ndarray = way) -> float:
            return along(tensor(arrays[k] + t * way)).item()

        slope = (8 * (value(h) - value(-h)) - (value(2 * h) - value(-2 * h))) / (12 * h)
        here = grad(along)(arrays[k]).numpy()
        assert np.sum(here * way) == pytest.approx(slope, rel=1e-6, abs=1e-7)
        ahead, behind = (grad(along)(arrays[k] + s * h * way).numpy() for s in (1, -1))
        second = hvp(along, arrays[k], way).numpy()
        np.testing.assert_allclose(second, (ahead - behind) / (2 * h), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name, i", ALL)
def test_float32_stays_float32(name, i):
    arrays, f = _case(name, i, np.float32)
    given = [tensor(a, requires_grad=a.dtype == np.float32) for a in arrays]
    y = f(*given)
    if name == "one_hot":
        assert y.dtype == np.int64
        return
    assert y.dtype == np.float32
    if y.requires_grad:
        y.sum().backward()
    assert all(t.grad is None or t.grad.dtype == np.float32 for t in given)
    exact = _case(name, i)[1](*_case(name, i)[0])
    np.testing.assert_allclose(y.detach().numpy(), np.asarray(exact), rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("name, i", ALL)
def test_plain_arrays_give_plain_arrays(name, i):
    arrays, f = _case(name, i)
    y = f(*arrays)
    assert not isinstance(y, Tensor)
    with no_grad():
        np.testing.assert_array_equal(np.asarray(y), f(*map(tensor, arrays)).numpy())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name, i", ALL)
def test_recorded_and_replayed_bit_for_bit(name, i, dtype):
    arrays, f = _case(name, i, dtype)
    program = record(f, *arrays)
    program.check()
    with no_grad():
        eager = f(*map(tensor, arrays))
    np.testing.assert_array_equal(program(*arrays).numpy(), eager.numpy(), strict=True)


@pytest.mark.parametrize("name, i", ALL)
def test_recorded_gradients_replay_bit_for_bit(name, i):
    arrays, f = _case(name, i)
    floats = _differentiable(name, arrays)
    if not floats:
        return
    g = grad(_scalar_recordable(f), tuple(floats))
    program = record(g, *arrays)
    program.check()
    for have, want in zip(program(*arrays), g(*arrays), strict=True):
        np.testing.assert_array_equal(have.numpy(), want.numpy(), strict=True)


def _scalar_recordable(f: Any) -> Any:
    return lambda *values: fn.sum(fn.sin(f(*values)))


@pytest.mark.parametrize("name, i", ALL)
def test_batched_as_a_loop(name, i):
    arrays, f = _case(name, i)
    stacks = []
    for a in arrays:  # three samples that differ
        other = a + 0.01 if a.dtype == np.float64 else a[::-1] if a.ndim else a
        stacks.append(np.stack([a, other, a]))
    if name in LABELS:
        stacks[-1] = np.stack([arrays[-1]] * 3)
    y = batch(f)(*stacks)
    loop = np.stack([np.asarray(f(*(s[k] for s in stacks))) for k in range(3)])
    np.testing.assert_allclose(y.numpy(), loop, rtol=1e-12, atol=1e-13)
    alone = batch(f, in_axes=(0,) + (None,) * (len(arrays) - 1))(stacks[0], *arrays[1:])  # the others are shared
    loop = np.stack([np.asarray(f(stacks[0][k], *arrays[1:])) for k in range(3)])
    np.testing.assert_allclose(alone.numpy(), loop, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name, i", ALL)
def test_per_sample_gradients_as_a_loop(name, i):
    arrays, f = _case(name, i)
    if 0 not in _differentiable(name, arrays):
        return
    g = grad(_scalar(f))
    stack = np.stack([arrays[0], arrays[0] + 0.01])
    each = batch(g, in_axes=(0,) + (None,) * (len(arrays) - 1))(stack, *arrays[1:])
    loop = np.stack([g(s, *arrays[1:]).numpy() for s in stack])
    np.testing.assert_allclose(each.numpy(), loop, rtol=1e-11, atol=1e-12)


# --- activations ---------------------------------------------------------------------------------


def _slopes(f: Any, at: list[float]) -> list[float]:
    x = tensor(np.array(at), requires_grad=True)
    f(x).sum().backward()
    return x.grad.tolist()


def test_slopes_at_kinks_are_pytorchs():
    assert _slopes(F.relu, [0.0]) == [0.0]
    assert _slopes(F.relu6, [0.0, 6.0]) == [0.0, 0.0]
    assert _slopes(F.hardtanh, [-1.0, 1.0]) == [0.0, 0.0]
    assert _slopes(F.hardsigmoid, [-3.0, 3.0]) == [0.0, 0.0]
    assert _slopes(F.hardswish, [-3.0, 3.0]) == [0.0, 1.0]
    assert _slopes(F.leaky_relu, [0.0]) == [0.01]
    assert _slopes(F.elu, [0.0]) == [1.0]
    assert _slopes(F.hardshrink, [-0.5, 0.5]) == [0.0, 0.0]
    assert _slopes(F.softshrink, [-0.5, 0.5]) == [0.0, 0.0]
    assert _slopes(lambda x: F.threshold(x, 0.5, 9.0), [0.5]) == [0.0]


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_activations_at_the_extremes(name):
    f = getattr(F, name)
    far = np.array([-1e4, -300.0, 0.0, 300.0, 1e4])
    for dtype in (np.float32, np.float64):
        x = tensor(far.astype(dtype), requires_grad=True)
        y = f(x)
        y.sum().backward()
        assert np.isfinite(y.detach().numpy()).all()
        assert np.isfinite(x.grad.numpy()).all()
    assert np.isnan(f(np.array([np.nan]))).all()


def test_softplus_is_exact_and_takes_pytorchs_threshold():
    x = np.array([-800.0, -1.0, 0.0, 25.0, 800.0])
    np.testing.assert_allclose(F.softplus(x), np.logaddexp(0.0, x), rtol=1e-15)
    np.testing.assert_allclose(F.softplus(x, 2.0), np.logaddexp(0.0, 2 * x) / 2, rtol=1e-15)
    assert F.softplus(np.array([3.0]), 1.0, threshold=2.5) == 3.0
    assert F.softplus(np.array([2.0]), 1.0, threshold=2.5) > 2.1
    with pytest.raises(ArgumentError, match="beta"):
        F.softplus(x, 0.0)


def test_glu_of_an_odd_axis():
    with pytest.raises(ShapeError, match="odd size 3"):
        F.glu(np.zeros((2, 3)))


# --- maps ----------------------------------------------------------------------------------------


def test_linear_of_any_number_of_axes():
    w, b = normal(4, 3), normal(4)
    for shape in ((3,), (5, 3), (2, 5, 3), (0, 3), (2, 2, 5, 3)):
        x = normal(*shape)
        np.testing.assert_allclose(F.linear(x, w, b), x @ w.T + b, rtol=1e-14)


@pytest.mark.parametrize(
    "shapes, words",
    [
        (((5, 2), (4, 3)), "(5, 2)"),
        (((5, 3), (4, 3), (5,)), "bias"),
        (((), (4, 3)), "linear"),
        (((5, 3), (4, 3), (1,)), "bias"),
    ],
)
def test_linear_refuses_what_does_not_fit(shapes, words):
    with pytest.raises(ShapeError, match=words.replace("(", r"\(").replace(")", r"\)")):
        F.linear(*map(np.zeros, shapes))


def test_embedding_errors():
    table = np.zeros((4, 2))
    with pytest.raises(ArgumentError, match="index 4 is not one of the 4 rows"):
        F.embedding(np.array([0, 4]), table)
    with pytest.raises(ArgumentError, match="index -1"):
        F.embedding(np.array([-1]), table)
    with pytest.raises(DtypeError, match="float64"):
        F.embedding(np.array([0.0]), table)


def test_embedding_padding_gets_no_gradient():
    table = tensor(np.ones((4, 2)), requires_grad=True)
    F.embedding(tensor([0, 3, 3, 1]), table, padding_idx=3).sum().backward()
    assert table.grad.tolist() == [[1, 1], [1, 1], [0, 0], [0, 0]]


def test_one_hot_counts_classes_and_refuses_strangers():
    assert F.one_hot(np.array([0, 2])).tolist() == [[1, 0, 0], [0, 0, 1]]
    for labels in ([0, 3], [-1, 0]):
        with pytest.raises(ArgumentError, match="not one of 3"):
            F.one_hot(np.array(labels), 3)
    with pytest.raises(ArgumentError, match="num_classes"):
        record(F.one_hot, np.array([0, 1]))


# --- windows -------------------------------------------------------------------------------------


def test_convolution_is_scipys_correlation():
    x, w = normal(1, 3, 8, 9), normal(2, 3, 3, 2)
    want = [sum(scipy.signal.correlate2d(x[0, c], w[o, c], mode="valid") for c in range(3)) for o in range(2)]
    np.testing.assert_allclose(F.conv2d(x, w)[0], want, rtol=1e-12)


def test_same_padding_keeps_the_size_and_puts_the_odd_zero_last():
    y = F.conv1d(np.ones((1, 1, 5)), np.ones((1, 1, 4)), padding="same")
    assert y.tolist() == [[[3, 4, 4, 3, 2]]]
    with pytest.raises(ArgumentError, match="stride 1"):
        F.conv1d(np.ones((1, 1, 5)), np.ones((1, 1, 4)), stride=2, padding="same")


@pytest.mark.parametrize(
    "x, w, kwargs, error, words",
    [
        ((1, 2, 5), (3, 3, 2), {}, ShapeError, "needs 3 channels"),
        ((1, 2, 5), (3, 2, 6), {}, ShapeError, "spans 6 places"),
        ((1, 2, 5), (3, 2, 2), {"groups": 2}, ShapeError, "not divided"),
        ((1, 2, 5), (3, 2, 2), {"padding": "full"}, ArgumentError, "'same', 'valid'"),
        ((1, 2, 5), (3, 2, 2), {"stride": 0}, ArgumentError, "stride"),
        ((2, 5, 5, 5, 5), (3, 2, 2), {}, ShapeError, "length"),
        ((1, 2, 5), (3, 2, 2), {"bias": np.zeros(2)}, ShapeError, "bias"),
    ],
)
def test_convolution_errors(x, w, kwargs, error, words):
    with pytest.raises(error, match=words):
        F.conv1d(np.zeros(x), np.zeros(w), **kwargs)


def test_the_gradient_of_max_pool_goes_to_the_first_largest():
    x = tensor([[2.0, 2.0, 1.0, 3.0, 3.0, 3.0]], requires_grad=True)
    F.max_pool1d(x, 3).sum().backward()
    assert x.grad.tolist() == [[1, 0, 0, 1, 0, 0]]


def test_max_pool_of_minus_infinity_finds_a_place_inside():
    x = np.full((1, 1, 3, 3), -np.inf)
    values, places = F.max_pool2d(x, 2, padding=1, return_indices=True)
    assert values.tolist() == [[[[-np.inf] * 2] * 2]]
    assert places.tolist() == [[[[0, 1], [3, 4]]]]


def test_max_pool_propagates_nan():
    assert np.isnan(F.max_pool1d(np.array([[1.0, np.nan, 3.0, 4.0]]), 2)).tolist() == [[True, False]]


def test_a_window_that_sees_only_padding_is_refused():
    with pytest.raises(ArgumentError, match="sees none"):
        F.max_pool1d(np.zeros((1, 1, 1)), 2, padding=1, dilation=2, ceil_mode=True)


def test_adaptive_pooling_keeps_infinities_apart():
    x = np.array([[np.inf, 1.0, 2.0, 3.0, -np.inf]])
    assert F.adaptive_avg_pool1d(x, 3).tolist() == [[np.inf, 2.0, -np.inf]]


# --- normalisation -------------------------------------------------------------------------------


def test_batch_norm_moves_its_running_statistics():
    mean, var = State(np.zeros(3), "mean"), State(np.ones(3), "var")
    want_mean, want_var = np.zeros(3), np.ones(3)
    for _ in range(3):
        x = normal(5, 3, 4) * 3 + 1
        y = F.batch_norm(tensor(x), mean, var, training=True, momentum=0.2)
        want_mean = 0.8 * want_mean + 0.2 * x.mean((0, 2))
        want_var = 0.8 * want_var + 0.2 * x.var((0, 2), ddof=1)
        np.testing.assert_allclose(y.numpy().mean((0, 2)), 0, atol=1e-14)
    np.testing.assert_allclose(mean.numpy(), want_mean, rtol=1e-13)
    np.testing.assert_allclose(var.numpy(), want_var, rtol=1e-13)
    y = F.batch_norm(x, mean, var)
    shown = (x - want_mean[:, None]) / np.sqrt(want_var[:, None] + 1e-5)
    np.testing.assert_allclose(y.numpy(), shown, rtol=1e-12)


def test_batch_norm_records_its_running_statistics():
    mean, var = State(np.zeros(3, np.float32), "mean"), State(np.ones(3, np.float32), "var")

    def step(x: Any) -> Any:
        return F.batch_norm(x, mean, var, training=True)

    x = normal(5, 3).astype(np.float32)
    program = record(step, x)
    assert [t for t, _ in program.state_out] == [mean, var]
    assert mean.tolist() == [0, 0, 0]  # recording touched nothing
    recorded = program(x).numpy(), mean.numpy().copy(), var.numpy().copy()
    mean.zero_(), var.fill_(1)
    for have, want in zip(recorded, (step(tensor(x)).numpy(), mean.numpy(), var.numpy()), strict=True):
        np.testing.assert_array_equal(have, want)


def test_batch_norm_needs_more_than_one_value():
    with pytest.raises(ShapeError, match=r"more than one value per channel.*\(1, 3\).*batch\(\)"):
        F.batch_norm(np.zeros((1, 3)), None, None, training=True)
    with pytest.raises(ShapeError, match=r"batch\(\)"):
        batch(lambda x: F.batch_norm(x, None, None, training=True))(np.zeros((5, 3)))
    with pytest.raises(ArgumentError, match="running_mean and running_var are needed"):
        F.batch_norm(np.zeros((2, 3)), None, None)


def test_batch_norm_inside_a_batch_cannot_move_its_statistics():
    mean, var = State(np.zeros(3), "mean"), State(np.ones(3), "var")
    with pytest.raises(ArgumentError, match=r"inside batch\(\)"):
        batch(lambda x: F.batch_norm(x, mean, var, training=True))(normal(4, 5, 3))
    assert mean.tolist() == [0, 0, 0]
    y = batch(lambda x: F.batch_norm(x, mean, var))(normal(4, 5, 3))  # evaluation is a map of each sample
    assert y.shape == (4, 5, 3)


def test_batch_norm_of_an_empty_batch_moves_nothing():
    mean, var = State(np.zeros(3), "mean"), State(np.ones(3), "var")
    assert F.batch_norm(np.zeros((0, 3)), mean, var, np.ones(3), training=True).shape == (0, 3)
    assert mean.tolist() == [0, 0, 0] and var.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: F.layer_norm(np.zeros((2, 3)), (2,)), "normalized_shape"),
        (lambda: F.layer_norm(np.zeros((2, 3)), 3, np.zeros(2)), "weight"),
        (lambda: F.group_norm(np.zeros((2, 4)), 3), "num_groups=3"),
        (lambda: F.instance_norm(np.zeros((2, 4, 1))), "more than one place"),
        (lambda: F.batch_norm(np.zeros((2, 4)), np.zeros(3), np.ones(4)), "running_mean"),
    ],
)
def test_normalisation_errors(call, words):
    with pytest.raises(ShapeError, match=words):
        call()


# --- attention and dropout -----------------------------------------------------------------------


def test_a_row_of_attention_that_sees_nothing_is_zero():
    q, k, v = (tensor(normal(2, 3), requires_grad=True) for _ in range(3))
    y = F.scaled_dot_product_attention(q, k, v, np.array([[True, True], [False, False]]))
    assert y[1].tolist() == [0, 0, 0]
    y.sum().backward()
    assert all(np.isfinite(t.grad.numpy()).all() for t in (q, k, v))


def test_attention_masks_agree():
    q, k, v = normal(4, 3), normal(4, 3), normal(4, 2)
    low = np.tril(np.ones((4, 4), bool))
    causal = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    np.testing.assert_allclose(F.scaled_dot_product_attention(q, k, v, low), causal, rtol=1e-14)
    np.testing.assert_allclose(F.scaled_dot_product_attention(q, k, v, np.where(low, 0, -np.inf)), causal, rtol=1e-14)
    with pytest.raises(ArgumentError, match="not both"):
        F.scaled_dot_product_attention(q, k, v, low, is_causal=True)


def test_attention_drops_weights():
    q, k, v = np.zeros((1, 3)), np.zeros((1000, 3)), np.ones((1000, 1))
    y = F.scaled_dot_product_attention(q, k, v, dropout_p=0.25, generator=0)
    kept = y.item() * 0.75 * 1000  # each weight is 1/1000, divided by 1 - p where it is kept
    assert kept == pytest.approx(round(kept))
    assert 700 < kept < 800


def test_dropout():
    x = np.ones((100, 100), np.float32)
    g = Generator(3)
    a, b = F.dropout(x, 0.3, True, g), F.dropout(x, 0.3, True, g)
    assert set(np.unique(a.numpy())) == {np.float32(0), np.float32(1 / 0.7)}
    assert abs((a.numpy() == 0).mean() - 0.3) < 0.02
    assert not np.array_equal(a.numpy(), b.numpy())
    np.testing.assert_array_equal(a.numpy(), F.dropout(x, 0.3, True, 3).numpy())
    assert F.dropout(x, 0.3, False) is x
    assert not F.dropout(x, 1.0, True, 0).numpy().any()
    with pytest.raises(ArgumentError, match=r"p=1\.5"):
        F.dropout(x, 1.5)
    with pytest.raises(CapturedError, match="would freeze one draw"):
        record(lambda x: F.dropout(x, 0.5), x)
