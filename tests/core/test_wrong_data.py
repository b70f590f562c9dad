"""Data that surefit does not compute with is refused by name, whatever function it meets."""

from __future__ import annotations

import operator
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

import surefit
from surefit.core import functions as F
from surefit.core import ops
from surefit.core.creation import tensor
from surefit.errors import ArgumentError, DtypeError, SurefitError

ARRAYS = {
    "complex": np.array([1 + 2j, 2]),
    "objects": np.array([1, None], object),
    "numbers as objects": np.array([1.5, 2], object),
    "text": np.array(["a", "b"]),
    "dates": np.array(["2020-01-01", "2020-01-02"], "M8[D]"),
    "records": np.zeros(2, [("a", "f4")]),
    "float16": np.array([1, 2], np.float16),
    "uint8": np.array([1, 2], np.uint8),
    "long": np.array([1, 2], np.longdouble),
}
SINGLE = [None, "abc", 1j, Decimal("1.5"), {1}, {"a": 1}, np.complex64(1j), float]
GOOD = np.array([0.3, 0.7])


def _accepts(*args: Any) -> list[str]:
    """The functions that take these arguments."""
    names = []
    for name in F.__all__:
        try:
            getattr(F, name)(*args)
        except (SurefitError, TypeError, AttributeError):
            continue
        names.append(name)
    return [n for n in names if n != "stop_gradient"]  # which hands on whatever it is given


@pytest.mark.parametrize("kind", ARRAYS)
def test_arrays_of_other_dtypes_are_refused_by_every_function(kind: str) -> None:
    bad = ARRAYS[kind]
    unary = [n for n in _accepts(GOOD) if n != "stack"]  # which takes an array as the list of its rows
    binary = [n for n in _accepts(GOOD, GOOD) if n not in ("broadcast_tensors", "cast", "logit")]
    assert len(unary) > 70 and len(binary) > 25
    for name in unary:
        with pytest.raises(SurefitError, match=r"dtype|numeric|bool|int|float32"):
            getattr(F, name)(bad)
    for name in binary:
        f = getattr(F, name)
        for call in (lambda: f(tensor(GOOD), bad), lambda: f(bad, tensor(GOOD)), lambda: f(bad, bad)):  # noqa: B023
            with pytest.raises(SurefitError):
                call()


@pytest.mark.parametrize("bad", [*SINGLE, *ARRAYS.values()], ids=str)
def test_operators_and_new_tensors_refuse_what_is_no_number(bad: Any) -> None:
    x = tensor(GOOD)
    narrow = getattr(bad, "dtype", None) in (np.float16, np.uint8)  # which new tensors take, as float32 and int32
    for op in (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.lt):
        for call in (lambda: op(x, bad), lambda: op(bad, x))[: 1 if narrow else 2]:  # noqa: B023
            with pytest.raises((DtypeError, surefit.errors.ShapeError)):
                call()
    if not narrow:
        with pytest.raises(SurefitError):
            x @ bad
        for make in (tensor, surefit.as_tensor, surefit.Tensor, surefit.nn.Parameter, surefit.from_numpy):
            with pytest.raises(DtypeError):
                make(bad)
        with pytest.raises(SurefitError):
            x[0] = bad
        if bad is not None:  # which adds an axis
            with pytest.raises(SurefitError):
                x[bad]
    assert x.tolist() == GOOD.tolist()


@pytest.mark.parametrize("kind", ARRAYS)
def test_arrays_of_one_other_dtype_do_not_pass_together(kind: str) -> None:
    bad = ARRAYS[kind]
    square = np.array([bad, bad])
    for call in (
        lambda: F.cat([bad, bad]), lambda: F.stack([bad, bad]), lambda: F.where(GOOD > 0, bad, bad),
        lambda: F.matmul(square, square), lambda: F.where(bad, GOOD, GOOD) if bad.dtype.kind != "u" else F.sin(bad),
    ):  # fmt: skip
        with pytest.raises(DtypeError):
            call()


def test_masked_arrays_do_not_lose_their_mask() -> None:
    hidden = np.ma.array([1.0, 1e6], mask=[False, True])
    for call in (tensor, F.sum, F.sin, surefit.from_numpy, lambda a: tensor([1.0, 2.0]) + a, lambda a: F.cat([a, a])):
        with pytest.raises(ArgumentError, match=r"hides 1 elements.*filled"):
            call(hidden)
    whole = np.ma.array([1.0, 2.0], mask=[False, False])
    for y in (tensor(whole), tensor([1.0, 1.0]) * whole, F.sum(whole)):
        assert type(getattr(y, "_value", np.zeros(()))) is np.ndarray
    matrix = np.array([[1, 2], [3, 4]]).view(np.matrix)  # whose * is a product of matrices
    assert (tensor(np.ones((2, 2))) * matrix).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda x: x.sum(np.array([0, 1])), "dim="),
        (lambda x: x.sum(1j), "dim="),
        (lambda x: x.reshape(2.0, 1), "sizes must be integers"),
        (lambda x: x.split("a"), "split_size"),
        (lambda x: x.chunk(None), "chunks"),
        (lambda x: F.pad(x, 3), "pad="),
        (lambda x: F.roll(x, 1.5), "roll"),
        (lambda x: F.diag(x, None), "diagonal"),
        (lambda x: F.cat(None), "list or tuple of tensors, got NoneType"),
        (lambda x: F.stack(3), "list or tuple of tensors, got int"),
        (lambda x: F.matmul(x, None), "NoneType"),
        (lambda x: F.take_along_dim(x, GOOD), "must be integers, got float64"),
        (lambda x: F.einsum(x, x), "equation must be text"),
        (lambda x: surefit.from_numpy([1.0]), "needs a NumPy array, got list"),
    ],
)
def test_places_and_sizes_that_are_no_integers_are_named(call: Any, words: str) -> None:
    with pytest.raises(SurefitError, match=words):
        call(tensor(GOOD))


def test_the_dtypes_named_are_surefits() -> None:
    with pytest.raises(DtypeError, match=", ".join(map(str, ops.DTYPES))):
        F.sum(ARRAYS["complex"])
