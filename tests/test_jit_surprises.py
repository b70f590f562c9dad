"""What tracing surprises people with: each is an error that says what to do, or a behaviour that is written down.

A function is recorded once for each set of shapes and dtypes and compiled; from then on Python does not run. Whatever
only Python does (branches, numbers, prints, lists, files, NumPy's random numbers) happens while recording and never
again. Leaves (parameters, optimiser state, counters, generators) are read and written by every call.
"""

from __future__ import annotations

import random
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import surefit
from surefit import jit, nn, optim
from surefit.core import functions as F
from surefit.core import ops
from surefit.core.batching import batch
from surefit.core.creation import tensor
from surefit.core.functional import grad
from surefit.core.leaves import Parameter, State
from surefit.core.modes import no_grad
from surefit.core.program import record
from surefit.core.random import Generator
from surefit.core.tensor import Tensor
from surefit.errors import (
    ArgumentError,
    AxisError,
    CapturedError,
    DtypeError,
    GradientError,
    RecordError,
    ShapeError,
)  # fmt: skip

ONES = np.ones(3)


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("SUREFIT_CACHE", str(tmp_path))


# --- what is frozen -----------------------------------------------------------------------------------------


def test_a_large_captured_array_is_an_error_that_names_it() -> None:
    table = np.arange(100.0)
    with pytest.raises(CapturedError, match=r"\(100,\) of float64.*pass it as an argument"):
        jit(lambda x: x + table)(np.ones(100))


def test_a_small_captured_array_is_frozen() -> None:
    offset = np.array([1.0, 2.0, 3.0])
    f = jit(lambda x: x + offset)
    assert f(ONES).tolist() == [2, 3, 4]
    offset[:] = 7
    assert f(ONES).tolist() == [2, 3, 4]


def test_a_leaf_is_not_frozen() -> None:
    offset = tensor([1.0, 2.0, 3.0], dtype=np.float64)
    f = jit(lambda x: x + offset)
    assert f(ONES).tolist() == [2, 3, 4]
    offset.assign(np.full(3, 7.0))
    assert f(ONES).tolist() == [8, 8, 8] and f.traces == 1


def test_a_python_number_outside_is_frozen() -> None:
    factor = 2.0
    f = jit(lambda x: x * factor)
    assert f(ONES).tolist() == [2, 2, 2]
    factor = 5.0
    assert f(ONES).tolist() == [2, 2, 2]


def test_a_python_number_that_is_an_argument_is_not_frozen() -> None:
    f = jit(lambda x, factor: x * factor)
    assert f(ONES, 2.0).tolist() == [2, 2, 2]
    assert f(ONES, 5.0).tolist() == [5, 5, 5] and f.traces == 1


def test_an_integer_argument_is_another_type_than_a_number() -> None:
    f = jit(lambda x, factor: x * factor)
    assert f(ONES, 2.0).tolist() == f(ONES, 2).tolist()
    assert f.traces == 2 and "factor" in f.trace_log[1]


def test_an_attribute_that_is_a_number_is_frozen_and_a_leaf_is_not() -> None:
    class Scale(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.number, self.leaf = 2.0, State(np.array(2.0), "factor")

    m = Scale()
    f = jit(lambda x: (x * m.number, x * m.leaf))
    f(ONES)
    m.number, m.leaf = 5.0, m.leaf
    m.leaf.assign(np.array(5.0))
    assert [y.tolist() for y in f(ONES)] == [[2, 2, 2], [5, 5, 5]]


NUMPYS = np.random.default_rng(0)


class Noisy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rng = np.random.RandomState(0)

    def forward(self, x: Any) -> Any:
        return x + self.rng.randn(3)


def drawing_below(x: Any) -> Any:
    return helper(x) * 2.0


def helper(x: Any) -> Any:
    return x + NUMPYS.normal(size=3)


@pytest.mark.parametrize(
    "f, name",
    [
        (lambda x: x + NUMPYS.normal(size=3), "NUMPYS"),
        (lambda x, rng=NUMPYS: x + rng.normal(size=3), "default"),
        (lambda x: x + float(NUMPYS.normal()), "NUMPYS"),
        (lambda x: x + np.random.randn(3), "np.random"),  # noqa: NPY002
        (lambda x: x + random.random(), "Python's random"),
        (lambda x: x * (NUMPYS.random(3) > 0.5), "NUMPYS"),
        (lambda x: (lambda: x + NUMPYS.random(3))(), "NUMPYS"),
        (drawing_below, "NUMPYS"),
        (Noisy(), "rng"),
        (lambda x: x + surefit.rand(3), "rand"),
        (lambda x: x + Generator().uniform((3,), dtype=np.float64), "fresh entropy"),
        (lambda x: nn.functional.dropout(x, 0.5), "generator=None"),
        (lambda x: nn.Linear(3, 1)(x.float()), "fresh entropy"),
    ],
)
def test_random_numbers_that_would_be_drawn_once_are_an_error_that_names_their_stream(f: Any, name: str) -> None:
    with pytest.raises(CapturedError, match=f"{name}.*Generator"):
        jit(f)(ONES)


def test_random_numbers_before_the_recording_are_constants_like_others() -> None:
    noise, rng = NUMPYS.normal(size=3), np.random.default_rng(1)
    rng.normal()
    np.testing.assert_array_equal(jit(lambda x: x + noise if rng else x)(ONES).numpy(), 1 + noise)


def test_a_generator_draws_in_each_call() -> None:
    ours, eager = Generator(3), Generator(3)
    f = jit(lambda x: x + ours.uniform((3,), dtype=np.float64))
    a, b = f(ONES), f(ONES)
    assert a.tolist() != b.tolist()
    for drawn in (a, b):  # the same bits as eager
        assert drawn.tolist() == (ONES + eager.uniform((3,), dtype=np.float64)).tolist()


def test_a_generator_with_a_seed_that_is_made_inside_draws_the_same_as_in_eager_calls() -> None:
    f = lambda x: x + Generator(5).uniform((40,), dtype=np.float64)
    compiled = jit(f)
    for _ in range(2):
        assert compiled(np.ones(40)).tolist() == f(np.ones(40)).tolist()


# --- training and evaluation --------------------------------------------------------------------------------


def test_a_network_that_goes_to_evaluation_and_back_is_compiled_for_both() -> None:
    net = nn.Sequential(nn.Linear(4, 50, dtype="float64", generator=0), nn.Dropout(0.5, generator=0))
    f = jit(net)
    x = np.ones((8, 4))
    for _ in range(2):
        net.train()
        assert 0.0 in f(x).numpy()
        net.eval()
        np.testing.assert_allclose(f(x).numpy(), net(tensor(x)).detach().numpy())
    assert f.traces == 2 and "training of a Dropout changed from True to False" in f.trace_log[1]


def test_batch_normalisation_follows_the_mode() -> None:
    net = nn.BatchNorm1d(2, dtype="float64")
    f, x = jit(net), np.arange(8.0).reshape(4, 2)
    assert abs(f(x).numpy().mean(0)).max() < 1e-12
    net.eval()
    np.testing.assert_allclose(f(x).numpy(), net(tensor(x)).detach().numpy())
    assert f(x).numpy().mean() > 1


def test_a_branch_on_the_mode_follows_it() -> None:
    net = nn.Identity()
    f = jit(lambda x: net(x) * 2 if net.training else net(x))
    assert f(ONES).tolist() == [2, 2, 2]
    net.eval()
    assert f(ONES).tolist() == [1, 1, 1]
    net.training = True
    assert f(ONES).tolist() == [2, 2, 2] and f.traces == 2


def test_a_function_that_sets_the_mode_itself_is_compiled_once() -> None:
    drop = nn.Dropout(0.5, generator=0)

    def f(x: Any) -> Any:
        drop.eval()
        y = drop(x)
        drop.train()
        return y

    compiled = jit(f)
    for _ in range(3):
        assert compiled(ONES).tolist() == [1, 1, 1]
    assert compiled.traces == 1


def test_a_layer_that_is_frozen_later_learns_no_more() -> None:
    a, b = nn.Linear(2, 3, dtype="float64", generator=0), nn.Linear(3, 1, dtype="float64", generator=1)
    optimizer = optim.SGD([*a.parameters(), *b.parameters()], lr=0.1)
    optimizer.prepare()

    def step(x: Any) -> Any:
        optimizer.zero_grad()
        loss = (b(a(x)) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss

    compiled, x = jit(step), np.ones((4, 2))
    compiled(x)
    a.requires_grad_(False)
    kept, learns = a.weight.detach().numpy().copy(), b.weight.detach().numpy().copy()
    with pytest.raises(RecordError, match=r"optimizer\.prepare"):  # whose vector held both layers
        compiled(x)
    optimizer.prepare()
    compiled(x)
    assert np.array_equal(a.weight.detach().numpy(), kept)
    assert not np.array_equal(b.weight.detach().numpy(), learns)
    compiled(x)
    assert compiled.traces == 3  # one of them in vain


# --- Python runs once ---------------------------------------------------------------------------------------


def test_print_and_lists_happen_while_recording_only(capsys: pytest.CaptureFixture[str]) -> None:
    seen = []

    def f(x: Any) -> Any:
        print("here")
        seen.append(x.shape)
        return x + 1

    compiled = jit(f)
    for _ in range(3):
        compiled(ONES)
    assert seen == [(3,)] and capsys.readouterr().out == "here\n"


def test_a_tensor_that_a_list_keeps_has_no_value() -> None:
    kept: list[Any] = []
    f = jit(lambda x: (kept.append(x * 2), x + 1)[1])
    f(ONES)
    with pytest.raises(RecordError, match=r"escaped from a finished recording|not known"):
        kept[0].numpy()


def test_a_loop_is_unrolled() -> None:
    def f(x: Any) -> Any:
        for k in range(4):
            x = x * (k + 1)
        return x

    compiled = jit(f)
    assert compiled(ONES).tolist() == [24, 24, 24]
    assert compiled.program.primitives() == {"mul": 4}


# --- Python wants a value -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x if x.sum() > 0 else -x,
        lambda x: x * x.sum().item(),
        lambda x: x * float(x[0]),
        lambda x: Tensor(x.numpy()),
        lambda x: x[: int(x[0])],
        lambda x: x[x > 0],
        lambda x: max(x),
        lambda x: F.zeros(int(x.sum())) if hasattr(F, "zeros") else x[: int(x.sum())],
        lambda x: [v for v in x if v > 0],
    ],
)
def test_a_python_branch_or_number_on_a_value_is_an_error(f: Any) -> None:
    with pytest.raises(RecordError, match="where"):
        jit(f)(ONES)


def test_a_flag_as_an_argument_is_a_value_too() -> None:
    with pytest.raises(RecordError, match="training: bool"):
        jit(lambda x, training: x * 2 if training else x)(ONES, True)


def test_the_shape_is_known_and_may_decide() -> None:
    f = jit(lambda x: x.sum() if x.shape[0] > 2 else x)
    assert f(ONES).item() == 3 and f(np.ones(2)).tolist() == [1, 1]


# --- shapes, dtypes, retraces -------------------------------------------------------------------------------


def test_another_shape_or_dtype_compiles_again_and_says_why() -> None:
    f = jit(lambda x, scale: x * scale)
    for x in (np.ones(2), np.ones(3), np.ones(3, np.float32), np.ones(2), np.ones(3)):
        f(x, 2.0)
    assert f.traces == 3
    assert f.trace_log[0] == "first call"
    assert "argument x" in f.trace_log[1] and "float64[2]" in f.trace_log[1] and "float64[3]" in f.trace_log[1]
    assert "float32[3]" in f.trace_log[2]


def test_too_many_retraces_are_an_error_that_names_the_argument() -> None:
    f = jit(lambda first, second: first + second.sum(), max_traces=2)
    for n in (1, 2):
        f(ONES, np.ones(n))
    with pytest.raises(RecordError, match=r"argument second changed.*pad"):
        f(ONES, np.ones(3))
    assert f(ONES, np.ones(2)).tolist() == [3, 3, 3]  # what is compiled stays


def test_the_argument_inside_a_container_is_named() -> None:
    f = jit(lambda batch: batch["x"] + batch["y"].sum())
    f({"x": ONES, "y": np.ones(2)})
    f({"x": ONES, "y": np.ones(4)})
    assert "batch.y" in f.trace_log[1]


def test_a_parameter_of_another_shape_is_found() -> None:
    w = Parameter(np.ones(3))
    f = jit(lambda x: (x * w).sum())
    assert f(ONES).item() == 3
    with pytest.raises((ShapeError, ArgumentError, RecordError)):
        w.assign(np.ones(4))


# --- errors inside ------------------------------------------------------------------------------------------

WRONG = [
    (lambda x, i: x[i], (ONES, np.array([0, 5])), AxisError, "index 5 is out of range"),
    (lambda x, i: x[i], (ONES, np.array([0, -4])), AxisError, "out of range"),
    (lambda a, b: a // b, (np.array([1, 2]), np.array([1, 0])), ArgumentError, "integer division by zero"),
    (lambda a, b: a % b, (np.array([1, 2]), np.array([1, 0])), ArgumentError, "integer division by zero"),
    (lambda a, b: a**b, (np.array([2, 3]), np.array([1, -1])), ArgumentError, "negative integer power"),
    (
        lambda u, i: ops.scatter_add(u, i, axis=0, size=2), (np.ones(2), np.array([0, 2])), AxisError,
        "index 2 is out of range",
    ),
]  # fmt: skip


@pytest.mark.parametrize("f, args, error, words", WRONG)
def test_an_error_inside_is_the_one_of_the_eager_call(f: Any, args: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        f(*map(tensor, args))
    compiled = jit(f)
    good = [a if a.dtype.kind == "f" else np.ones_like(a) for a in args]
    first = np.asarray(compiled(*good).numpy())
    for _ in range(2):
        with pytest.raises(error, match=words):
            compiled(*args)
    np.testing.assert_array_equal(compiled(*good).numpy(), first)  # and the next call is as good as before


TABLE_OF_20, ROW_OF_5 = State(np.arange(20.0).reshape(4, 5), "table"), State(np.arange(5.0), "row")

INDEXED = {
    "x[i]": lambda i: ROW_OF_5[i],
    "x[:, i]": lambda i: TABLE_OF_20[:, i],
    "x[0, i]": lambda i: TABLE_OF_20[i * 0, i],
    "x[2, i]": lambda i: TABLE_OF_20[i * 0 + 2, i],
    "x[i, 2] of x^T": lambda i: TABLE_OF_20.T[i, i * 0 + 2],
    "take_along_dim": lambda i: F.take_along_dim(TABLE_OF_20, i.reshape(1, -1), 1),
    "index_select": lambda i: F.index_select(TABLE_OF_20, 1, i),
    "gather": lambda i: F.gather(TABLE_OF_20, 1, i.reshape(1, -1)),
    "scatter_add": lambda i: F.scatter_add(
        surefit.zeros(4, 5, dtype=np.float64), 1, i.reshape(1, -1), surefit.ones(1, 2, dtype=np.float64)
    ),
    "one_hot": lambda i: nn.functional.one_hot(i, 5),
    "cross_entropy": lambda i: nn.functional.cross_entropy(TABLE_OF_20[:2], i),
    "embedding": lambda i: nn.functional.embedding(i, TABLE_OF_20.T),
}


@pytest.mark.parametrize("bad", [5, 9, -6, 25, -21])
@pytest.mark.parametrize("f", INDEXED.values(), ids=INDEXED)
def test_an_index_out_of_range_is_named_as_it_was_given_and_ends_in_no_other_row(f: Any, bad: int) -> None:
    compiled = jit(f)
    np.testing.assert_array_equal(compiled(np.array([0, 4])).numpy(), f(tensor(np.array([0, 4]))).numpy())
    for g in (lambda i: f(tensor(i)), compiled):
        with pytest.raises((AxisError, ArgumentError), match=rf" {bad} "):
            g(np.array([0, bad]))


def test_indices_from_the_end() -> None:
    for name in ("x[i]", "x[:, i]", "x[2, i]", "take_along_dim", "index_select"):
        at = np.array([-1, -5])
        np.testing.assert_array_equal(jit(INDEXED[name])(at).numpy(), INDEXED[name](tensor(at)).numpy())


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("to", [np.int32, np.int64])
def test_what_no_integer_is_near_is_the_smallest_integer_both_ways(kind: Any, to: Any) -> None:
    least = int(np.iinfo(to).min)
    x = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30, -float(least), float(least), 1.7, -1.7, 0.0], kind)
    want = [least] * 7 + [1, -1, 0]
    for mode in ("fast", "strict"):
        assert jit(lambda v: v.to(to), mode=mode)(x).tolist() == want
    assert tensor(x).to(to).tolist() == want


def test_what_python_checks_before_computing_is_checked_by_the_index() -> None:
    logits, wrong = np.ones((2, 3)), np.array([0, 3])
    with pytest.raises(ArgumentError, match="3"):
        nn.functional.cross_entropy(tensor(logits), tensor(wrong))
    f = jit(lambda y, t: nn.functional.cross_entropy(y, t))
    assert f(logits, np.array([0, 2])).item() == pytest.approx(np.log(3.0))
    with pytest.raises(AxisError, match=r"out of range.*test_jit_surprises"):
        f(logits, wrong)


def test_an_error_leaves_the_leaves_alone() -> None:
    w = State(np.zeros(3), "w")

    def f(i: Any) -> Any:
        w.assign(w + 1.0)
        return w[i]

    compiled = jit(f)
    assert compiled(np.array([0])).tolist() == [1.0]
    with pytest.raises(AxisError, match="index 9"):
        compiled(np.array([9]))
    assert w.tolist() == [1, 1, 1]


def test_infinities_and_nans_are_values_and_not_errors() -> None:
    f = jit(lambda x: (F.log(x), x / 0.0))
    logs, ratios = f(np.array([-1.0, 0.0, 1.0]))
    assert np.isnan(logs.numpy()[0]) and logs.numpy()[1] == -np.inf and logs.numpy()[2] == 0
    assert ratios.tolist() == [-np.inf, pytest.approx(np.nan, nan_ok=True), np.inf]


def test_a_wrong_shape_inside_is_the_eager_error() -> None:
    with pytest.raises(ShapeError, match="matmul"):
        jit(lambda a, b: a @ b)(np.ones((2, 3)), np.ones((2, 3)))


def test_what_does_not_compile_is_named_with_its_line() -> None:
    with pytest.raises(RecordError, match=r"'inv'.*test_jit_surprises\.py:\d+"):
        jit(lambda x: ops.TABLE["inv"](x))(np.eye(2))


def test_what_is_no_number_is_an_error_and_never_eager() -> None:
    f = jit(lambda x, how: x * 2)
    with pytest.raises((DtypeError, RecordError, ArgumentError), match="str"):
        f(ONES, "mean")


def test_an_exception_of_the_function_leaves_nothing_behind() -> None:
    fail = True

    def f(x: Any) -> Any:
        if fail:
            raise KeyError("user's own")
        return x + 1

    compiled = jit(f)
    with pytest.raises(KeyError, match="user's own"):
        compiled(ONES)
    fail = False
    assert compiled(ONES).tolist() == [2, 2, 2]


# --- gradients ----------------------------------------------------------------------------------------------


def test_gradients_that_would_add_up_are_an_error() -> None:
    w = Parameter([1.0, 2.0, 3.0])

    def f(x: Any, clear: bool) -> Any:
        if clear:
            w.grad = None
        loss = (w * x).sum()
        loss.backward()
        return loss, w.grad

    with pytest.raises(RecordError, match="zero_grad"):
        jit(lambda x: f(x, False))(ONES)
    assert jit(lambda x: f(x, True))(ONES)[1].tolist() == [1, 1, 1]
    assert w.grad is None  # a gradient is no state: use it inside, or return it


def test_results_carry_no_history() -> None:
    w = Parameter([1.0, 2.0])
    y = jit(lambda x: (w * x).sum())(np.ones(2))
    assert not y.requires_grad
    with pytest.raises(GradientError):
        y.backward()


def test_a_gradient_through_a_compiled_function_is_an_error_and_never_zero() -> None:
    f = lambda x: (x * x * x).sum()
    with pytest.raises(GradientError, match=r"jit\(grad\(f\)\)"):
        grad(jit(f))(tensor(ONES))
    with pytest.raises(GradientError, match="detach"):
        jit(f)(tensor(ONES, requires_grad=True))
    with no_grad():
        assert jit(f)(tensor(ONES, requires_grad=True)).item() == 3
    assert jit(grad(f))(ONES).tolist() == grad(f)(tensor(ONES)).tolist() == [3, 3, 3]


def test_a_compiled_function_inside_another_or_inside_a_batch_is_part_of_it() -> None:
    inner = jit(lambda x: x * 2)
    outer = jit(lambda x: inner(x) + 1)
    assert outer(ONES).tolist() == [3, 3, 3] and inner.traces == 0
    assert batch(inner)(np.ones((2, 3))).tolist() == [[2, 2, 2]] * 2
    assert record(inner, ONES).primitives() == {"mul": 1}


# --- optimisers ---------------------------------------------------------------------------------------------


def training() -> tuple[Any, Any, Any]:
    w = Parameter([1.0, 2.0])
    optimizer = optim.SGD([w], lr=0.5)
    optimizer.prepare()

    def step(x: Any) -> Any:
        optimizer.zero_grad()
        loss = (w * x).sum()
        loss.backward()
        optimizer.step()
        return loss

    return w, optimizer, jit(step)


def test_the_learning_rate_is_a_leaf() -> None:
    w, optimizer, step = training()
    step(np.ones(2, np.float32))
    assert w.tolist() == [0.5, 1.5]
    optimizer.param_groups[0]["lr"] = 1.0
    step(np.ones(2, np.float32))
    assert w.tolist() == [-0.5, 0.5] and step.traces == 1


def test_parameters_that_moved_to_another_optimiser_are_found() -> None:
    w, optimizer, step = training()
    step(np.ones(2, np.float32))
    other = Parameter([5.0])
    optim.SGD([w, other], lr=0.1).prepare()  # which lays both into one vector
    with pytest.raises(RecordError, match="flat vector"):
        step(np.ones(2, np.float32))
    optimizer.prepare()  # which takes w back
    step(np.ones(2, np.float32))
    assert w.tolist() == [0.0, 1.0] and other.tolist() == [5.0]
    assert "moved" in step.trace_log[-1]


# --- arguments ----------------------------------------------------------------------------------------------


def test_a_list_of_numbers_is_one_tensor() -> None:
    f = lambda x: (x * x).sum()
    assert jit(f)([3.0, 4.0]).item() == 25 and jit(grad(f))([3.0, 4.0]).tolist() == [6, 8]
    assert jit(f)([[1, 2], [3, 4]]).item() == 30
    assert jit(lambda d: d["x"].sum())({"x": [1.0, 2.0]}).item() == 3


def test_a_tuple_of_numbers_stays_a_tuple_of_numbers() -> None:
    f = jit(lambda x, pair: x * pair[0] + pair[1])
    assert f(ONES, (0.1, 0.2)).tolist() == [0.1 + 0.2] * 3 and f.traces == 1
    assert f(ONES, (0.5, 0.25)).tolist() == [0.75] * 3 and f.traces == 1


@pytest.mark.parametrize(
    "value, error, words",
    [
        (np.array([1, None], object), DtypeError, "object"),
        (np.array([1j, 2.0]), DtypeError, "complex128"),
        (1j, DtypeError, "complex"),
        (np.array(["a", "b"]), DtypeError, "<U1"),
        (np.array(["2020-01-01"], "M8[D]"), DtypeError, "datetime64"),
        (np.ones(2, np.float16), DtypeError, "float16"),
        (np.ones(2, np.uint8), DtypeError, "uint8"),
        (range(3), DtypeError, "range"),
        ({1, 2}, DtypeError, "set"),
        (np.ma.array([1.0, 2.0], mask=[False, True]), ArgumentError, "hides 1"),
    ],
)
def test_what_is_no_array_of_numbers_is_refused_by_name(value: Any, error: Any, words: str) -> None:
    for make in (lambda f, *args: jit(f)(*args), record):
        with pytest.raises(error, match=words) as caught:
            make(lambda first, second: (first * second).sum(), ONES, value)
        assert "argument second" in str(caught.value)


def test_a_ragged_list_is_refused() -> None:
    with pytest.raises(ShapeError, match="ragged"):
        jit(lambda x: x.sum())([[1.0], [1.0, 2.0]])


def test_what_is_no_array_of_numbers_inside_is_refused() -> None:
    for inside in (np.array([1j, 2, 3]), np.array([1, 2, None], object), "a", 1j):
        with pytest.raises(DtypeError):
            jit(lambda x, inside=inside: x * inside)(ONES)


def test_arrays_are_not_kept_and_results_are_not_shared() -> None:
    f = jit(lambda x: (x, x * 2))
    x = np.ones(3)
    same, double = f(x)
    x[:] = 9
    again = f(np.zeros(3))
    assert same.tolist() == [1, 1, 1] and double.tolist() == [2, 2, 2] and again[1].tolist() == [0, 0, 0]


def test_trees_of_arguments_and_results() -> None:
    f = jit(lambda d: {"sum": d["a"] + d["b"][0], "rest": [d["b"][1], 3.0, None]})
    y = f({"a": ONES, "b": (ONES, 2 * ONES)})
    assert y["sum"].tolist() == [2, 2, 2] and y["rest"][0].tolist() == [2, 2, 2] and y["rest"][2] is None


def test_keyword_arguments() -> None:
    f = jit(lambda x, scale=2.0: x * scale)
    assert f(ONES, scale=3.0).tolist() == [3, 3, 3]
    assert f(ONES).tolist() == [2, 2, 2]


def test_any_memory_layout_will_do() -> None:
    f = jit(lambda x: x * 2)
    x = np.arange(24.0).reshape(4, 6)
    for view in (x.T, x[::-1], x[:, ::2], np.broadcast_to(x[:1], (4, 6)), np.asfortranarray(x)):
        np.testing.assert_array_equal(f(view).numpy(), view * 2)


def test_wrong_settings_are_errors() -> None:
    with pytest.raises(ArgumentError, match="fast"):
        jit(lambda x: x, mode="quick")
    with pytest.raises(ArgumentError, match="max_traces=0"):
        jit(lambda x: x, max_traces=0)
    with pytest.raises(ArgumentError, match="function"):
        jit(3)
    with pytest.raises(RecordError, match="call the function once"):
        jit(lambda x: x).explain()
    with pytest.raises(ArgumentError, match=r"target|level|avx"):
        jit(lambda x: x, target="pentium")(ONES)


# --- threads ------------------------------------------------------------------------------------------------


def test_threads_may_share_a_compiled_function_and_compile_their_own() -> None:
    shared = jit(lambda x: F.cumsum(x * 2.0, 0))

    def work(seed: int) -> bool:
        rng = np.random.default_rng(seed)
        own = jit(lambda x: (x * float(seed)).sum())
        for _ in range(50):
            x = rng.normal(size=1000)
            if not np.allclose(shared(x).numpy(), np.cumsum(2.0 * x)) or not np.isclose(own(x).item(), seed * x.sum()):
                return False
        return own.traces == 1

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(1, 9)))


def test_threads_that_call_a_function_with_state_lose_no_update() -> None:
    count = State(np.zeros(()), "count")

    def step(x: Any) -> Any:
        count.assign(count + 1.0)
        return x * count

    compiled = jit(step)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            seen = [y.item() for y in pool.map(compiled, [np.ones(())] * 2000)]
    finally:
        sys.setswitchinterval(before)
    assert count.item() == 2000 and sorted(seen) == list(range(1, 2001)) and compiled.traces == 1


def test_a_python_integer_that_is_too_large_is_named() -> None:
    for f in (lambda x: x * 2, lambda x: x * tensor([1.0, 2.0])):
        for n in (2**63, -(2**63) - 1, 2**70):
            with pytest.raises(ArgumentError, match=f"{n} does not fit into int64"):
                jit(f)(n)
