"""The promotion table: in which dtype values meet, for arrays and Tensors, eager, recorded and batched."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from surefit.core import functions as F
from surefit.core import ops
from surefit.core.batching import batch
from surefit.core.creation import tensor
from surefit.core.program import record
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, DtypeError

B, I, L, F32, D = ops.DTYPES  # bool, int32, int64, float32, float64

# what two arrays meet in                       B    I    L    F32  D
ARRAYS = {
    B: (B, I, L, F32, D),
    I: (I, I, L, F32, D),
    L: (L, L, L, F32, D),
    F32: (F32, F32, F32, F32, D),
    D: (D, D, D, D, D),
}

# what an array and a Python number meet in: the number is weak    True  2   2.5
NUMBERS = {B: (B, L, F32), I: (I, I, F32), L: (L, L, F32), F32: (F32, F32, F32), D: (D, D, D)}
PYTHON = (True, 2, 2.5)
NUMPY = (np.bool_(True), np.int64(2), np.float64(2.5))  # NumPy's scalars are as weak as Python's beside a Tensor
NUMPY_NARROW = (np.bool_(True), np.int8(2), np.float16(2.5))

# two Python numbers stay Python numbers           bool        int       float
TWO_NUMBERS = {bool: (bool, int, float), int: (int, int, float), float: (float, float, float)}

MEETINGS = [(a, b, ARRAYS[a][k]) for a in ops.DTYPES for k, b in enumerate(ops.DTYPES)]
WEAK_MEETINGS = [(a, k, NUMBERS[a][k]) for a in ops.DTYPES for k in range(3)]


def array(dtype: np.dtype) -> np.ndarray:
    return np.array([1, 1, 1]).astype(dtype)


def as_float(dtype: np.dtype) -> np.dtype:
    return dtype if dtype in (F32, D) else F32


# a primitive of each category, and the dtype of its result where its arguments meet in d (None: refused)
CATEGORIES = {
    "same": (ops.maximum, lambda d: d),
    "number": (ops.sub, lambda d: None if d == B else d),
    "float": (ops.div, as_float),
    "logical": (ops.logical_and, lambda d: B),
    "comparison": (ops.lt, lambda d: B),
    "where": (lambda a, b: ops.where(np.array([True, False, True]), a, b), lambda d: d),
}


def is_array(a: Any) -> bool:
    return isinstance(a, np.ndarray)


def readings(f: Any, a: Any, b: Any) -> dict[str, Any]:
    """Ways to evaluate f(a, b), each with its result; a and b are arrays or numbers, one at least an array."""
    left, right = (Tensor(x) if is_array(x) else x for x in (a, b))
    ways = {
        "tensors": lambda: f(left, right),
        "batched": lambda: batch(lambda *v: f(v[0] if is_array(a) else a, v[-1] if is_array(b) else b))(
            *(x for x in (a, b) if is_array(x))
        ),
        "number frozen": lambda: _checked(
            record(
                lambda *v: f(v[0] if is_array(a) else a, v[-1] if is_array(b) else b),
                *(x for x in (a, b) if is_array(x)),
            )
        ),
    }
    if not isinstance(a, np.generic) and not isinstance(b, np.generic):
        ways["arrays"] = lambda: f(a, b)
        ways["recorded"] = lambda: _checked(record(f, a, b))
        ways["replayed"] = lambda: record(f, left, right)(left, right)
    return ways


def _checked(program: Any) -> Any:
    program.check()
    return program.outputs[0].aval


def check(f: Any, a: Any, b: Any, want: np.dtype | None) -> None:
    """In every reading f(a, b) has the dtype wanted, or is refused where that is None."""
    for name, way in readings(f, a, b).items():
        if want is None:
            with pytest.raises(DtypeError, match="bool"):
                way()
        else:
            assert way().dtype == want, name


@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize("a, b, meet", MEETINGS, ids=[f"{a}-{b}" for a, b, _ in MEETINGS])
def test_two_arrays(a: np.dtype, b: np.dtype, meet: np.dtype, category: str) -> None:
    f, result = CATEGORIES[category]
    check(f, array(a), array(b), result(meet))


@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize("a, k, meet", WEAK_MEETINGS, ids=[f"{a}-{PYTHON[k]}" for a, k, _ in WEAK_MEETINGS])
def test_an_array_and_a_number(a: np.dtype, k: int, meet: np.dtype, category: str) -> None:
    f, result = CATEGORIES[category]
    check(f, array(a), PYTHON[k], result(meet))
    check(f, PYTHON[k], array(a), result(meet))


@pytest.mark.parametrize("numbers", [NUMPY, NUMPY_NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("a, k, meet", WEAK_MEETINGS, ids=[f"{a}-{PYTHON[k]}" for a, k, _ in WEAK_MEETINGS])
def test_numpy_scalars_are_weak_beside_tensors(a: np.dtype, k: int, meet: np.dtype, numbers: Any) -> None:
    for f, result in CATEGORIES.values():
        if (
            f is not CATEGORIES["where"][0]
        ):  # its condition is a constant, so that nothing here makes it a batch of Tensors
            check(f, array(a), numbers[k], result(meet))
            check(f, numbers[k], array(a), result(meet))
    t = Tensor(array(a))
    assert (t * numbers[k]).dtype == (numbers[k] * t).dtype == meet


@pytest.mark.parametrize("a", [True, 2, 2.5])
@pytest.mark.parametrize("b", [True, 2, 2.5])
def test_two_python_numbers_stay_a_python_number(a: Any, b: Any) -> None:
    want = TWO_NUMBERS[type(a)][(bool, int, float).index(type(b))]
    assert type(ops.add(a, b)) is want
    assert type(ops.div(a, b)) is float
    assert type(ops.lt(a, b)) is bool
    program = record(ops.add, a, b)
    assert program.outputs[0].aval.weak
    both = record(lambda a, b, x: ops.add(a, b) * x, a, b, array(F32))  # weak still, when it meets an array
    assert both(a, b, array(F32)).dtype == F32


def test_weak_numbers_are_rounded_to_the_dtype_they_meet() -> None:
    x = np.array([0.1], np.float32)
    want = np.float32(0.1) + np.float32(0.7)
    assert (Tensor(x) + 0.7).item() == want
    assert record(lambda x, c: x + c, x, 0.7)(x, 0.7).item() == want
    assert record(lambda x: x + 0.7, x)(x).item() == want


def test_zero_dimensional_arrays_are_not_weak() -> None:
    assert (tensor([1.0]) * np.array(2.0)).dtype == D
    assert (tensor([1.0]) * tensor(2.0, dtype=D)).dtype == D
    assert (tensor([1.0]) * np.float64(2.0)).dtype == F32


@pytest.mark.parametrize("f", [ops.add, ops.maximum, lambda a, b: ops.where(np.array(True), a, b)])
def test_numbers_that_do_not_fit_are_refused(f: Any) -> None:
    for number in (2**40, -(2**31) - 1):
        with pytest.raises(ArgumentError, match=f"{number} does not fit into int32"):
            f(tensor([1], dtype=I), number)
        with pytest.raises(ArgumentError, match="does not fit into int32"):
            record(lambda x, n=number: f(x, n), np.array([1], np.int32))
    with pytest.raises(ArgumentError, match="does not fit into int64"):
        f(tensor([1], dtype=L), 2**70)


@pytest.mark.parametrize("a", ops.DTYPES, ids=str)
@pytest.mark.parametrize("b", ops.DTYPES, ids=str)
def test_joined_and_multiplied_matrices_promote_like_sums(a: np.dtype, b: np.dtype) -> None:
    meet = ARRAYS[a][ops.DTYPES.index(b)]
    x, y = array(a).reshape(1, 3), array(b).reshape(3, 1)
    for f, want in ((lambda x, y: F.cat([x, y.reshape(1, 3)]), meet), (F.matmul, None if meet == B else meet)):
        if want is None:
            with pytest.raises(DtypeError, match="bool"):
                f(Tensor(x), Tensor(y))
            continue
        assert f(Tensor(x), Tensor(y)).dtype == f(x, y).dtype == want
        assert record(f, x, y)(x, y).dtype == want


@pytest.mark.parametrize("dtype", ops.DTYPES, ids=str)
def test_sums_of_integers_are_wide(dtype: np.dtype) -> None:
    want = L if dtype in (B, I) else dtype
    for f in (F.sum, F.prod, lambda x: F.cumsum(x, 0)):
        assert f(Tensor(array(dtype))).dtype == want
        assert record(f, array(dtype)).outputs[0].aval.dtype == want


def test_two_tensors_promote_as_in_pytorch() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle of this test")
    for a, b, meet in MEETINGS:
        theirs = torch.from_numpy(array(a)) + torch.from_numpy(array(b))
        assert theirs.numpy().dtype == meet
        quotient = torch.from_numpy(array(a)) / torch.from_numpy(array(b))
        assert quotient.numpy().dtype == as_float(meet)
    for a, k, meet in WEAK_MEETINGS:
        assert (torch.from_numpy(array(a)) + PYTHON[k]).numpy().dtype == meet


def test_gradients_come_back_in_the_dtype_of_the_argument() -> None:
    for kinds in ((F32, D), (D, F32)):
        a, b = (Tensor(array(d), requires_grad=True) for d in kinds)
        (a * b + F.maximum(a, b) + F.where(a > 0, a, b)).sum().backward()
        assert (a.grad.dtype, b.grad.dtype) == kinds


TWO_ARGUMENTS = """
add subtract mul div remainder fmod floor_divide pow maximum minimum max min atan2 hypot logaddexp xlogy lerp heaviside
clamp clamp_min clamp_max eq lt where
""".split()
NUMBER = 0.1  # which float32 cannot hold


def _called(name: str, x: Any, c: Any, place: int) -> Any:
    f = getattr(F, name)
    if name == "lerp":
        return f(*(c if i == place else x * (i + 1) for i in range(3)))
    if name == "where":
        return f(x > 0.5, c, x) if place == 0 else f(x > 0.5, x, c)
    return f(c, x) if place == 0 else f(x, c)


# a number that is limited by tensors stays a number, so clamp has no first place here
PLACES = [(name, place) for name in TWO_ARGUMENTS for place in (0, 1) if place or not name.startswith("clamp")]


@pytest.mark.parametrize("name, place", PLACES)
def test_a_number_is_as_exact_as_the_float64_it_meets(name: str, place: int) -> None:
    x = np.array([0.0, 0.3, 0.7, 1.9])
    want = _called(name, Tensor(x), tensor(np.float64(NUMBER)), place).numpy()
    ways = {
        "tensors": lambda: _called(name, Tensor(x), NUMBER, place).numpy(),
        "recorded": lambda: record(lambda v: _called(name, v, NUMBER, place), x)(x).numpy(),
        "batched": lambda: batch(lambda v: _called(name, v, NUMBER, place))(x).numpy(),
    }
    for way, f in ways.items():
        have = f()
        assert have.dtype == want.dtype, way
        np.testing.assert_allclose(have, want, rtol=1e-14, err_msg=way)
    single = _called(name, Tensor(x.astype(np.float32)), NUMBER, place)
    assert single.dtype == (want.dtype if want.dtype == B else F32)
    whole = _called(name, Tensor(np.array([1, 2, 3])), NUMBER, place)
    assert whole.dtype == (want.dtype if want.dtype == B else F32)
