"""The table of primitives: value, rule, gradient, recording and batching of every one, over tests/core/cases.py."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from surefit.core import functions as F
from surefit.core import ops
from surefit.core.batching import RULES, batch
from surefit.core.creation import tensor
from surefit.core.functional import grad
from surefit.core.modes import no_grad
from surefit.core.program import record
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, AxisError, DtypeError, ShapeError, SurefitError

from .cases import CASES, KINKS, PRIMITIVES, STEP, Case, philox

FLOATS = (ops.float32, ops.float64)


def over(which: Callable[[Case], Any] = lambda c: True) -> Callable[[Callable[[Case], None]], Any]:
    """A test of one case, run over all cases of a primitive; a failure names the case."""

    def decorate(test: Callable[[Case], None]) -> Any:
        names = [name for name, cases in PRIMITIVES.items() if any(map(which, cases))]

        @pytest.mark.parametrize("name", names)
        def run(name: str) -> None:
            for case in filter(which, PRIMITIVES[name]):
                try:
                    test(case)
                except Exception as e:
                    e.add_note(f"case {case.id}: shapes {[a.shape for a in case.args]}, {case.params}")
                    raise

        run.__doc__ = test.__doc__
        return run

    return decorate


def differentiable_cases(case: Case) -> bool:
    return bool(case.differentiable)


def is_float(a: Any) -> bool:
    return isinstance(a, np.ndarray) and a.dtype.kind == "f"


def same(a: Any, b: Any) -> bool:
    """Equal to the last bit, shape and dtype included."""
    a, b = np.asarray(a), np.asarray(b)
    return (a.shape, a.dtype, a.tobytes()) == (b.shape, b.dtype, b.tobytes())


def weights(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).normal(size=shape))


def differentiable(case: Case, *at: Any) -> Callable[..., Any]:
    """The case as a function of its differentiable arguments alone."""

    def f(*values: Any) -> Any:
        args = list(at or case.args)
        for i, v in zip(case.differentiable, values, strict=True):
            args[i] = case.through(v)
        return case.call(*args)

    return f


def difference(f: Callable[..., float], args: list[np.ndarray], i: int) -> np.ndarray:
    """Central difference of fourth order with respect to every element of args[i]."""
    out = np.zeros(args[i].shape)
    for place in np.ndindex(*args[i].shape):

        def at(k: int, place: tuple[int, ...] = place) -> float:
            moved = args[i].copy()
            moved[place] += k * STEP
            return f(*args[:i], moved, *args[i + 1 :])

        out[place] = (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * STEP)
    return out


def assert_close(have: Any, want: Any, rtol: float) -> None:
    have, want = np.asarray(have, float), np.asarray(want, float)
    assert have.shape == want.shape
    np.testing.assert_allclose(have, want, rtol=rtol, atol=rtol * max(1.0, abs(want).max(initial=0.0)))


# --- value --------------------------------------------------------------------------------------------------


@over()
def test_value(case: Case) -> None:
    have, want = np.asarray(case.call(*case.args)), np.asarray(case.oracle(*case.args, **case.params))
    assert have.shape == want.shape
    if have.dtype.kind in "biu":
        assert (have == want).all()
    else:
        kind = have.dtype.type
        eps = np.finfo(kind).eps
        np.testing.assert_allclose(case.canonical(have), case.canonical(want), rtol=40 * eps, atol=10 * eps)


def test_philox_of_the_oracle_gives_the_published_numbers() -> None:
    """Known answers of Random123 (kat_vectors, philox4x64-10)."""
    zeros = [0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B]
    ones = [0x87B092C3013FE90B, 0x438C3C67BE8D0224, 0x9CC7D7C69CD777B6, 0xA09CAEBF594F0BA0]
    assert philox([0] * 4, [0] * 2) == zeros
    assert philox([2**64 - 1] * 4, [2**64 - 1] * 2) == ones


def test_random_bits_do_not_repeat_over_counters_and_keys() -> None:
    draws = [tuple(ops.random_bits(np.array(k), np.array(c), shape=(4,))) for k in range(8) for c in range(8)]
    assert len(set(draws)) == 64


# --- rule: shape and dtype before the value -----------------------------------------------------------------


@over()
def test_rule_says_what_the_value_is(case: Case) -> None:
    for dtype in ops.DTYPES:
        _check_rule(case, dtype)


def _check_rule(case: Case, dtype: np.dtype) -> None:
    with np.errstate(invalid="ignore"):
        args = [a.astype(dtype) if is_float(a) else a for a in case.args]
    try:
        aval = case.op.rule(*map(ops.aval_of, args), **case.params)
    except SurefitError:
        with pytest.raises(SurefitError):
            case.call(*args)
        return
    if case.op.name in ("div", "floor_divide", "remainder", "fmod") and dtype in (ops.int32, ops.int64):
        args[1] = np.where(args[1] == 0, 1, args[1]).astype(dtype)
    if case.op.name == "pow" and dtype in (ops.int32, ops.int64):
        args[1] = abs(args[1])
    y = case.call(*args)
    assert (np.shape(y), np.asarray(y).dtype) == (aval.shape, aval.dtype)
    if aval.dtype in FLOATS and dtype in FLOATS and "dtype" not in case.params:
        want = next((a.dtype for a in args if is_float(a)), None)
        assert want is None or aval.dtype == want  # float32 in, float32 out


@over(lambda c: any(map(is_float, c.args)))
def test_float32_agrees_with_float64(case: Case) -> None:
    small = case.call(*(a.astype(np.float32) if is_float(a) else a for a in case.args))
    large = case.call(*(a.astype(np.float32).astype(np.float64) if is_float(a) else a for a in case.args))
    if case.op.name == "argsort" or np.asarray(small).dtype.kind != "f":
        assert np.array_equal(small, large)
    else:
        assert_close(case.canonical(np.asarray(small, np.float64)), case.canonical(np.asarray(large)), rtol=3e-4)


# --- gradient -----------------------------------------------------------------------------------------------


@over(differentiable_cases)
def test_gradient(case: Case) -> None:
    f, args = differentiable(case), [case.args[i] for i in case.differentiable]
    w = weights(np.shape(f(*args)), seed=1)
    tensors = [Tensor(a, requires_grad=True) for a in args]
    f(*tensors).backward(w)
    for i, t in enumerate(tensors):
        assert t.grad is not None and (t.grad.shape, t.grad.dtype) == (t.shape, t.dtype)
        want = difference(lambda *a: float((f(*a) * w).sum()), args, i)
        assert_close(t.grad.numpy(), want, rtol=1e-7)


@over(differentiable_cases)
def test_second_gradient(case: Case) -> None:
    f, args = differentiable(case), [case.args[i] for i in case.differentiable]
    w = weights(np.shape(f(*args)), seed=1)
    directions = [weights(a.shape, seed=i + 2) for i, a in enumerate(args)]

    def slope(*values: Any, again: bool = False) -> Any:
        """The gradient of the projected value, projected in turn."""
        tensors = [v if isinstance(v, Tensor) else Tensor(v, requires_grad=True) for v in values]
        f(*tensors).backward(w, create_graph=again)
        total = sum((t.grad * d).sum() for t, d in zip(tensors, directions, strict=True))
        for t in tensors:
            t.grad = None
        return total

    tensors = [Tensor(a, requires_grad=True) for a in args]
    total = slope(*tensors, again=True)
    if total.requires_grad:
        total.backward()
    for i, t in enumerate(tensors):
        have = np.zeros(t.shape) if t.grad is None else t.grad.numpy()
        want = difference(lambda *a: slope(*a).item(), args, i)
        assert_close(have, want, rtol=1e-7)


@over(differentiable_cases)
def test_gradient_of_float32_is_float32(case: Case) -> None:
    small = [a.astype(np.float32) if is_float(a) and "dtype" not in case.params else a for a in case.args]
    f = differentiable(case, *small)
    tensors = [Tensor(case.args[i].astype(np.float32), requires_grad=True) for i in case.differentiable]
    y = f(*tensors)
    y.backward(np.ones(y.shape))
    for t in tensors:
        assert t.grad is not None and t.grad.dtype == ops.float32


@pytest.mark.parametrize("name, args, params, want", KINKS, ids=[f"{k[0]}-{i}" for i, k in enumerate(KINKS)])
def test_gradient_at_kinks_is_pytorchs(name: str, args: Any, params: Any, want: Any) -> None:
    values = [np.array(a) for a in args]
    tensors = [Tensor(v, requires_grad=True) if is_float(v) else Tensor(v) for v in values]
    ops.TABLE[name](*tensors, **params).sum().backward()
    for t, g in zip(tensors, want, strict=True):
        if g is None:
            assert t.grad is None
        else:
            np.testing.assert_allclose(t.grad.numpy(), g, rtol=1e-12, atol=1e-12)


def test_a_primitive_without_a_rule_passes_no_gradient() -> None:
    x = tensor([1.0, 2.0], requires_grad=True)
    for y in (x > 1.5, F.argmax(x, 0), ops.argsort(x, axis=0, descending=False), ops.cast(x, dtype=ops.int64)):
        assert not y.requires_grad


# --- record and replay --------------------------------------------------------------------------------------


@over()
def test_recorded_value_replays_bit_equal(case: Case) -> None:
    program = record(case.call, *case.args)
    program.check()
    assert same(program.replay(case.args)[0][0], case.call(*case.args))
    assert [e.op for e in program.equations][-1] is case.op or not program.equations


@over(differentiable_cases)
def test_recorded_gradient_replays_bit_equal(case: Case) -> None:
    f, args = differentiable(case), [case.args[i] for i in case.differentiable]
    others = tuple(a for i, a in enumerate(case.args) if i not in case.differentiable)
    w = weights(np.shape(f(*args)), seed=1)

    def slopes(w: Any, others: Any, *values: Any) -> Any:
        rest = iter(others)
        at = [None if i in case.differentiable else next(rest) for i in range(len(case.args))]
        which = tuple(range(len(values)))
        return grad(lambda *v: (differentiable(case, *at)(*v) * w).sum(), which)(*values)

    program = record(slopes, w, others, *args)
    program.check()
    eager = slopes(w, others, *args)
    outputs, _ = program.replay([w, *others, *args])
    for have, want in zip(outputs, eager, strict=True):
        assert same(have, want.numpy())


# --- batched equals the loop --------------------------------------------------------------------------------

UNBATCHED = {
    "iota": "has no arguments, so nothing of it can be batched",
    "random_bits": "samples would have to share or split the bits; batch() refuses random draws",
}


def test_every_core_primitive_has_a_batching_rule() -> None:
    core = {op.name for op in ops.TABLE.values() if op.tier == "core"}
    assert core - set(RULES) == set(UNBATCHED)


def samples(a: np.ndarray) -> np.ndarray:
    """Three neighbours of an argument that are as valid as it is."""
    if is_float(a):
        return np.stack([a, a * 1.01, a * 0.98])
    return np.stack([a, np.roll(a, 1), a[::-1] if a.ndim else a])


@over(lambda c: c.op.name not in UNBATCHED)
def test_batched_value_is_the_loop(case: Case) -> None:
    many = [samples(a) for a in case.args]
    n = len(many)
    for on in itertools.product([False, True], repeat=n):
        if not any(on):
            continue
        args = [m if b else a for m, a, b in zip(many, case.args, on, strict=True)]
        have = batch(case.call, in_axes=tuple(0 if b else None for b in on))(*args).numpy()
        rows = [case.call(*(a[k] if b else a for a, b in zip(args, on, strict=True))) for k in range(3)]
        want = np.stack([np.asarray(r) for r in rows])
        assert (have.shape, have.dtype) == (want.shape, want.dtype)
        np.testing.assert_allclose(have, want, rtol=1e-13, atol=1e-14)


@over(lambda c: c.op.name not in UNBATCHED and c.differentiable)
def test_batched_gradient_is_the_loop(case: Case) -> None:
    many = [samples(a) for a in case.args]
    w = weights(np.shape(case.call(*case.args)), seed=4)
    slopes = grad(lambda *a: (case.call(*a) * w).sum(), case.differentiable)
    for on in itertools.product([False, True], repeat=len(many)):
        if not any(on):
            continue
        args = [m if b else a for m, a, b in zip(many, case.args, on, strict=True)]
        have = batch(slopes, in_axes=tuple(0 if b else None for b in on))(*args)
        rows = [slopes(*(a[k] if b else a for a, b in zip(args, on, strict=True))) for k in range(3)]
        for i, g in enumerate(have):
            assert_close(g.numpy(), np.stack([r[i].numpy() for r in rows]), rtol=1e-12)


# --- what is refused, and in which words --------------------------------------------------------------------

x23, x32, i3 = np.ones((2, 3)), np.ones((3, 2)), np.array([0, 1, 2])
yes = np.array([True, False, True])
REFUSED: list[tuple[str, tuple[Any, ...], dict[str, Any], type[SurefitError], str]] = [
    ("add", (x23, np.ones(4)), {}, ShapeError, r"\(2, 3\), \(4,\) do not broadcast"),
    ("where", (np.array([True, False]), x23, x23), {}, ShapeError, "where"),
    ("sub", (yes, yes), {}, DtypeError, "sub is not defined on bool"),
    ("neg", (yes,), {}, DtypeError, "neg is not defined on bool"),
    ("pow", (i3, np.array(-1)), {}, ArgumentError, "negative integer power"),
    ("floor_divide", (i3, np.array([1, 0, 1])), {}, ArgumentError, "division by zero"),
    ("remainder", (i3, np.array(0)), {}, ArgumentError, "division by zero"),
    ("fmod", (i3, np.array(0)), {}, ArgumentError, "division by zero"),
    ("add", (x23, np.ones(3, np.complex128)), {}, DtypeError, "complex128"),
    ("add", (x23, np.ones(3, np.int16)), {}, DtypeError, "int16"),
    ("add", (x23, None), {}, DtypeError, "NoneType"),
    ("add", (x23, "1"), {}, DtypeError, "str"),
    ("sin", ([1.0],), {}, DtypeError, "list"),
    ("matmul", (x23, x23), {}, ShapeError, r"3 columns meet 2 rows"),
    ("matmul", (x23, np.ones(3)), {}, ShapeError, "at least two axes"),
    ("matmul", (np.ones((2, 2, 3)), np.ones((4, 3, 2))), {}, ShapeError, "do not broadcast"),
    ("matmul", (np.ones((2, 2), bool), np.ones((2, 2), bool)), {}, DtypeError, "bool"),
    ("sum", (x23,), {"axes": (2,)}, AxisError, "axes=2 is out of range for 2 axes"),
    ("sum", (x23,), {"axes": (0, 0)}, AxisError, "twice"),
    ("amax", (np.ones((2, 0)),), {"axes": (1,)}, ShapeError, "no element"),
    ("argmax", (np.ones((2, 0)),), {"axis": 1}, ShapeError, "no element"),
    ("argmax", (x23,), {"axis": 5}, AxisError, "dim=5"),
    ("cumsum", (x23,), {"axis": 2}, AxisError, "dim=2"),
    ("reshape", (x23,), {"shape": (4,)}, ShapeError, "6 elements, shape"),
    ("reshape", (x23,), {"shape": (-2, -3)}, ShapeError, "asks for"),
    ("transpose", (x23,), {"axes": (0,)}, AxisError, "dims=.0,. must name each"),
    ("transpose", (x23,), {"axes": (0, 0)}, AxisError, "once"),
    ("broadcast_to", (x23,), {"shape": (2, 4)}, ShapeError, "does not fit"),
    ("broadcast_to", (x23,), {"shape": (3,)}, ShapeError, "does not fit"),
    ("broadcast_to", (np.ones(()),), {"shape": (-1,)}, ShapeError, "negative"),
    ("flip", (x23,), {"axes": (3,)}, AxisError, "dims=3"),
    ("slice", (x23,), {"start": (0,), "stop": (2,), "step": (1,)}, AxisError, "one entry for each of the 2"),
    ("slice", (x23,), {"start": (0, 0), "stop": (2, 4), "step": (1, 1)}, AxisError, "not inside axis 1 of size 3"),
    ("slice", (x23,), {"start": (0, 0), "stop": (2, 3), "step": (1, 0)}, AxisError, "step >= 1"),
    ("pad", (x23,), {"low": (0,), "high": (0,), "interior": (0,), "value": 0.0}, AxisError, "one entry"),
    ("pad", (x23,), {"low": (0, -1), "high": (0, 0), "interior": (0, 0), "value": 0.0}, ShapeError, ">= 0"),
    ("take", (x23, np.array([2])), {"axis": 0}, AxisError, "index 2 is out of range for an axis of size 2"),
    ("take", (x23, np.array([-1])), {"axis": 0}, AxisError, "index -1"),
    ("take", (x23, np.array([0.0])), {"axis": 0}, DtypeError, "int32 or int64"),
    ("take", (x23, np.array([0])), {"axis": 2}, AxisError, "axis|dim"),
    ("scatter_add", (np.ones(3), np.array([0, 1])), {"axis": 0, "size": 4}, ShapeError, "does not match"),
    ("scatter_add", (np.ones(3), i3), {"axis": 0, "size": 2}, AxisError, "index 2"),
    ("scatter_add", (np.ones(3), i3 * 1.0), {"axis": 0, "size": 3}, DtypeError, "int32 or int64"),
    ("scatter_add", (np.ones(0), i3[:0]), {"axis": 0, "size": -1}, ShapeError, "negative"),
    ("concatenate", (x23, x32), {"axis": 0}, ShapeError, "does not fit tensor 0"),
    ("concatenate", (x23, np.ones(3)), {"axis": 0}, ShapeError, "does not fit"),
    ("concatenate", (x23, x23), {"axis": 2}, AxisError, "dim=2"),
    ("window", (x23,), {"axes": (1,), "size": (4,), "stride": (1,), "dilation": (1,)}, ShapeError, "more than the 3"),
    ("window", (x23,), {"axes": (1,), "size": (0,), "stride": (1,), "dilation": (1,)}, ArgumentError, ">= 1"),
    ("window", (x23,), {"axes": (2,), "size": (1,), "stride": (1,), "dilation": (1,)}, AxisError, "axes=2"),
    ("window", (x23,), {"axes": (1,), "size": (1, 2), "stride": (1,), "dilation": (1,)}, ShapeError, "length"),
    (
        "fold",
        (x23,),
        {"shape": (3,), "axes": (0,), "size": (2,), "stride": (1,), "dilation": (1,)},
        ShapeError,
        "shape",
    ),
    ("cast", (x23,), {"dtype": np.dtype(np.float16)}, DtypeError, "float16"),
    ("cast", (x23,), {"dtype": "nonsense"}, DtypeError, "not a dtype"),
    ("random_bits", (np.array(1.0), np.array(0)), {"shape": (2,)}, DtypeError, "key must be an int64 scalar"),
    ("random_bits", (np.array(1), np.array([0])), {"shape": (2,)}, DtypeError, "counter must be"),
    ("random_bits", (np.array(1), np.array(0)), {"shape": (-2,)}, ShapeError, "negative"),
    ("argsort", (x23,), {"axis": 2, "descending": False}, AxisError, "dim=2"),
    ("inv", (x23,), {}, ShapeError, r"square matrices \(..., n, n\), got \(2, 3\)"),
    ("inv", (np.zeros((2, 2)),), {}, ArgumentError, "[Ss]ingular"),
    ("inv", (np.ones((2, 2), int),), {}, DtypeError, "float32 or float64"),
    ("det", (np.ones(2),), {}, ShapeError, "square"),
    ("slogabsdet", (x23,), {}, ShapeError, "square"),
    ("cofactors", (x23,), {}, ShapeError, "square"),
    ("svd", (np.ones(2),), {}, ShapeError, "svd"),
    ("solve", (np.eye(2), x32), {}, ShapeError, "rows must be 2"),
    ("solve", (np.zeros((2, 2)), x23), {}, ArgumentError, "[Ss]ingular"),
    ("cholesky", (-np.eye(2),), {}, ArgumentError, "positive definite"),
]
IDS = [f"{name}-{i}" for i, (name, *_) in enumerate(REFUSED)]


@pytest.mark.parametrize("name, args, params, error, words", REFUSED, ids=IDS)
def test_refused(name: str, args: Any, params: Any, error: type[SurefitError], words: str) -> None:
    op = ops.TABLE[name]
    with pytest.raises(error, match=words):
        op(*args, **params)
    if isinstance(args[0], np.ndarray) and args[0].dtype in ops.DTYPES:
        with pytest.raises(error, match=words):
            op(Tensor(args[0]), *args[1:], **params)


# what depends on numbers alone is not known while recording; everything else is refused there too
OF_VALUES = ("negative integer", "division by zero", "index 2", "index -1", "ingular", "positive definite")


@pytest.mark.parametrize(
    "name, args, params, error, words", [r for r in REFUSED if not any(v in r[4] for v in OF_VALUES)]
)
def test_refused_while_recording(name: str, args: Any, params: Any, error: type[SurefitError], words: str) -> None:
    with pytest.raises(error, match=words):
        record(lambda x: ops.TABLE[name](x, *args[1:], **params), args[0])


def test_a_gradient_of_the_wrong_shape_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"\(3,\) for a tensor of shape \(2,\)"):
        (tensor([1.0, 2.0], requires_grad=True) * 2).backward(np.ones(3))


# --- extremes -----------------------------------------------------------------------------------------------

ODD = np.array([0.0, -0.0, 1e-45, -1e-300, 1e-8, 300.0, -300.0, 1e30, 3e38, -3e38, np.inf, -np.inf, np.nan])


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("op", [o for o in ops.TABLE.values() if o.category != "structural"], ids=lambda o: o.name)
def test_extremes_give_numbers_and_never_warnings(op: ops.Op, dtype: np.dtype) -> None:
    with np.errstate(all="ignore"):
        odd = ODD.astype(dtype)
    if op.name in ("matmul", "concatenate"):
        args = [odd[:, None], odd[None, :]]
    else:
        n = 1 if len(op.vjps) == 1 else 2
        args = [odd] if n == 1 else [odd[:, None], odd]
        args = [odd > 0, *args] if op.name == "where" else args
    params = {"axis": 0} if op.name == "concatenate" else {}
    if op.name == "concatenate":
        args[1] = args[1].T
    tensors = [Tensor(a, requires_grad=True) if is_float(a) else Tensor(a) for a in args]
    y = op(*tensors, **params)
    assert y.dtype in (dtype, ops.bool_)
    if y.requires_grad:
        y.backward(np.ones(y.shape))


@pytest.mark.parametrize(
    "name, at, value, slope",
    [
        ("sigmoid", 800.0, 1.0, 0.0),
        ("sigmoid", -800.0, 0.0, 0.0),
        ("softplus", 800.0, 800.0, 1.0),
        ("softplus", -800.0, 0.0, 0.0),
        ("tanh", 800.0, 1.0, 0.0),
        ("erf", -800.0, -1.0, 0.0),
        ("exp", -800.0, 0.0, 0.0),
        ("relu", 1e30, 1e30, 1.0),
        ("log1p", 1e-20, 1e-20, 1.0),
        ("expm1", 1e-20, 1e-20, 1.0),
        ("atan", math.inf, math.pi / 2, 0.0),
        ("asinh", 1e-20, 1e-20, 1.0),
    ],
)
def test_saturation_is_exact(name: str, at: float, value: float, slope: float) -> None:
    x = Tensor(np.array(at), requires_grad=True)
    y = ops.TABLE[name](x)
    y.backward()
    assert y.item() == pytest.approx(value, rel=1e-15, abs=0) and x.grad.item() == pytest.approx(slope, abs=1e-300)


@pytest.mark.parametrize("name", ["hypot", "logaddexp", "atan2"])
def test_large_arguments_do_not_overflow_in_the_gradient(name: str) -> None:
    a, b = (Tensor(np.array(v), requires_grad=True) for v in (3e200, 4e200))
    ops.TABLE[name](a, b).backward()
    want = {"hypot": (0.6, 0.8), "logaddexp": (0.0, 1.0), "atan2": (0.0, 0.0)}[name]
    assert (a.grad.item(), b.grad.item()) == pytest.approx(want, abs=1e-15)


BINARY = [
    o
    for o in ops.TABLE.values()
    if not callable(o.vjps)
    and len(o.vjps) == 2
    and o.category in ("same", "number", "float", "logical")
    and o is not ops.matmul
]

# --- Python numbers and structure ---------------------------------------------------------------------------


def test_python_numbers_are_numbers_for_elementwise_and_arrays_for_structure() -> None:
    assert ops.sin(0.5) == math.sin(0.5) and isinstance(ops.sin(0.5), float)
    assert ops.add(2, 3) == 5 and isinstance(ops.add(2, 3), int)
    assert F.stack([1.0, 2.0]).tolist() == [1.0, 2.0]
    assert ops.reshape(3, shape=(1, 1)).tolist() == [[3]]
    assert ops.sum_(2.5, axes=()) == 2.5


@pytest.mark.parametrize("number", [1.7, 2, 0, -1.3, 0.0])
@pytest.mark.parametrize("op", BINARY, ids=lambda o: o.name)
def test_a_number_is_as_good_as_an_array(op: ops.Op, number: Any) -> None:
    """Value and gradient beside a Python number are those beside a float64 array, to the last digits."""
    data = np.array([0.3, 1.9, 2.6])
    for swap in (False, True):

        def value_and_slope(other: Any, swap: bool = swap) -> tuple[np.ndarray, np.ndarray]:
            x = Tensor(data, requires_grad=True)
            y = op(other, x) if swap else op(x, other)
            if y.requires_grad:
                y.backward(np.ones(3))
            return y.detach().numpy(), np.zeros(3) if x.grad is None else x.grad.numpy()

        for have, want in zip(value_and_slope(number), value_and_slope(np.array(float(number))), strict=True):
            assert have.dtype == want.dtype
            np.testing.assert_allclose(have, want, rtol=1e-15)


def test_whole_numbers_stay_whole_when_rounded() -> None:
    big = np.array([2**60 + 1, -7])
    for op in (ops.floor, ops.ceil, ops.trunc, ops.round_):
        assert same(op(big), big)


def test_primitives_are_singletons_that_copy_and_pickle_as_themselves() -> None:
    import copy
    import pickle

    assert copy.deepcopy(ops.sin) is ops.sin and pickle.loads(pickle.dumps(ops.sin)) is ops.sin  # noqa: S301
    assert repr(ops.sin) == "<primitive sin>"
    with pytest.raises(ArgumentError, match="declared twice"):
        ops.Op("sin", np.sin, (None,), lambda x: x)


def test_nothing_is_written_into_arguments() -> None:
    with no_grad():
        for c in CASES:
            before = [a.copy() for a in c.args]
            y = c.call(*c.args)
            if (
                isinstance(y, np.ndarray)
                and y.size
                and y.flags.writeable
                and c.op.name in ("fold", "scatter_add", "pad")
            ):
                y.fill(0)
            assert all(same(a, b) for a, b in zip(before, c.args, strict=True)), c.id


# --- gradients at points where a formula divides by zero -----------------------------------------------------------


@pytest.mark.parametrize(
    "options", [{}, {"dim": 0}, {"dim": 0, "keepdim": True}, {"correction": 0}, {"unbiased": False}]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_gradient_of_a_deviation_of_equal_numbers_is_zero(options: Any, dtype: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle of this test")
    table = np.random.default_rng(0).normal(size=(5, 3)).astype(dtype)
    table[:, 1] = 2.5  # one constant column must not spoil the others
    for array in (table, np.full((4, 2), 3.0, dtype)):
        theirs, ours = torch.tensor(array, requires_grad=True), tensor(array, requires_grad=True)
        torch.std(theirs, **options).sum().backward()
        F.std(ours, **options).sum().backward(create_graph=True)
        np.testing.assert_allclose(ours.grad.detach().numpy(), theirs.grad.numpy(), rtol=1e-5, atol=1e-7)
        assert ours.grad.requires_grad
        (second,) = (ours.grad, setattr(ours, "grad", None))[:1]
        (second * ours.detach()).sum().backward()
        assert np.isfinite(ours.grad.numpy()).all()


def test_a_standardised_constant_column_keeps_the_gradients_of_the_others() -> None:
    x = tensor(np.array([[1.0, 7.0], [2.0, 7.0], [4.0, 7.0]]), requires_grad=True)
    (((x - x.mean(0)) / (x.std(0) + 1e-8)) ** 3).sum().backward()
    grad = x.grad.numpy()
    assert np.isfinite(grad).all() and np.abs(grad[:, 0]).max() > 0.1


@pytest.mark.parametrize("p", [1, 1.5, 2, 3, math.inf, 0.5])
def test_the_gradient_of_a_norm_at_zero_is_zero(p: float) -> None:
    x = tensor(np.zeros((2, 3)), requires_grad=True)
    F.norm(x, p, dim=1).sum().backward()
    assert x.grad.tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize("n", [3, 64, 65, 100, 129])
@pytest.mark.parametrize("zeros", [(), (1,), (0, -1), (0, 1, 2)], ids=str)
def test_derivatives_of_a_product_are_products_of_the_others(n: int, zeros: tuple[int, ...]) -> None:
    rng = np.random.default_rng(n)
    a, w = rng.choice([-1.0, 1.0], n) * rng.uniform(0.9, 1.1, n), rng.normal(size=n)
    a[list(zeros)] = 0.0
    x = tensor(a, requires_grad=True)
    x.prod().backward(create_graph=True)
    first, x.grad = x.grad, None
    np.testing.assert_allclose(first.detach().numpy(), [np.prod(np.delete(a, i)) for i in range(n)], rtol=1e-12)
    (first * tensor(w)).sum().backward()
    hessian = [[0.0 if i == j else np.prod(np.delete(a, [i, j])) for j in range(n)] for i in range(n)]
    np.testing.assert_allclose(x.grad.numpy(), np.array(hessian) @ w, rtol=1e-11, atol=1e-12)
