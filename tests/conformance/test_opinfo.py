"""PyTorch's operator vectors through the adapter: values and gradients, refusals, and float32 that stays float32.

Tolerances are those of the runner that comes with the vectors: 1e-9 for values, ten times that for gradients. A case
that raises anything but a waiver of the adapter fails, a TypeError too.
"""

from __future__ import annotations

import functools
import importlib.util
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import surefit
from surefit.core import functions
from surefit.errors import SurefitError
from surefit.nn import functional

_spec = importlib.util.spec_from_file_location("opinfo_adapter", Path(__file__).with_name("opinfo_adapter.py"))
adapter = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(adapter)

RTOL, ATOL = 1e-9, 1e-10

# (op, waiver) -> how many of the development cases it takes out; any other number is a failure
WAIVED_CASES = {
    ("nn.functional.scaled_dot_product_attention", "pytorch-random"): 11,
}

_NUMBERS = "plain numbers are values here, as arrays are"
_OUT = "tensors are immutable, so there is no out= (the call is a TypeError)"

# calls that PyTorch refuses and surefit does not, or not with an error of its own: (op, arguments) -> why
WAIVED_ERRORS = {
    ("clamp_max", "int64[3], 2"): _NUMBERS,
    ("clamp_max", "2, 3"): _NUMBERS,
    ("clamp_min", "2, int64[3]"): _NUMBERS,
    ("atan2", "int64[3], 2"): _NUMBERS,
    ("atan2", "2, 3"): _NUMBERS,
    ("eq", "2, 3"): _NUMBERS,
    ("ne", "2, 3"): _NUMBERS,
    ("lt", "2, 3"): _NUMBERS,
    ("ge", "2, int64[3]"): _NUMBERS,
    ("gt", "2, int64[3]"): _NUMBERS,
    ("le", "2, int64[3]"): _NUMBERS,
    ("fmod", "2, 3"): _NUMBERS,
    ("logaddexp", "int64[3], 2"): _NUMBERS,
    ("logaddexp", "2, 3"): _NUMBERS,
    ("maximum", "2, int64[3]"): _NUMBERS,
    ("minimum", "2, int64[3]"): _NUMBERS,
    ("pow", "2, 3"): _NUMBERS,
    ("hypot", "int64[3], 2"): _NUMBERS,
    ("hypot", "2, 3"): _NUMBERS,
    ("xlogy", "2, 3"): _NUMBERS,
    ("rsub", "2, 3"): _NUMBERS,
    ("__radd__", "2, 3"): _NUMBERS,
    ("__rdiv__", "2, 3"): _NUMBERS,
    ("__rmul__", "2, 3"): _NUMBERS,
    ("__rsub__", "2, 3"): _NUMBERS,
    ("gather", "float32[2, 2], 1, int64[2, 2], out=float64[2, 2]"): _OUT,
    ("gather", "float32[6], 0, int64[3], out=float32[3]"): _OUT,
    ("gather", "int64[3], 0, int64[2], out=int64[1]"): _OUT,
    ("cat", "(float32[0], float32[4, 6]), dim=0, out=float32[4, 6]"): _OUT,
    ("cat", "float32[2, 3], out=float64[2, 3]"): _OUT,
    ("amin", "float32[20, 20], dim=0, out=int32[20]"): _OUT,
}


# --- reading the vectors -------------------------------------------------------------------------


@functools.cache
def _vectors(folder: Path) -> tuple[Any, dict[str, list[dict]], list[dict]]:
    """The arrays, the cases by op, and the calls that must be refused."""
    with (folder / "opinfo_f64_dev.json").open() as f:
        index = json.load(f)
    cases = defaultdict(list)
    for case in index["cases"]:
        cases[case["op"]].append(case)
    return np.load(folder / "opinfo_f64_dev.npz"), cases, index["errors"]


@pytest.fixture(scope="module")
def vectors(shared_data):
    return _vectors(shared_data("opinfo/opinfo_f64_dev.json").parent)


def _decoded(o: Any, tensor: Any) -> Any:
    """A stored argument; tensor(array, needs_grad) makes what stands for an array."""
    if isinstance(o, list):
        return [_decoded(x, tensor) for x in o]
    if not isinstance(o, dict):
        return o
    if "t" in o:
        return tensor(o["t"], bool(o.get("grad")))
    if "tuple" in o:
        return tuple(_decoded(x, tensor) for x in o["tuple"])
    if "slice" in o:
        return slice(*o["slice"])
    return float(o["f"]) if "f" in o else Ellipsis


def _arguments(case: dict, tensor: Any) -> tuple[list[Any], dict[str, Any]]:
    args = [_decoded(a, tensor) for a in (case["input"], *case["args"])]
    return args, {k: _decoded(v, tensor) for k, v in case["kwargs"].items()}


def _shown(case: dict, arrays: Any) -> str:
    """The arguments of a case, arrays as dtype and shape."""

    class Text(str):
        __slots__ = ()
        __repr__ = str.__str__

    args, kwargs = _arguments(case, lambda k, grad: Text(f"{arrays[str(k)].dtype}{list(arrays[str(k)].shape)}"))
    return ", ".join([*map(repr, args), *(f"{k}={v!r}" for k, v in kwargs.items())])


def _run(case: dict, arrays: Any, cast: Any = lambda a: a) -> tuple[list[Any], list[Any]]:
    """Outputs and gradients of a case through the adapter."""
    leaves: list[np.ndarray] = []
    places: list[int] = []

    def collect(k: int, grad: bool) -> None:
        if grad:
            leaves.append(cast(arrays[str(k)]))
            places.append(k)

    _arguments(case, collect)

    def fn(xs: list[Any]) -> tuple[Any, ...]:
        rest = iter(xs)
        args, kwargs = _arguments(case, lambda k, grad: next(rest) if grad else adapter.const(cast(arrays[str(k)])))
        out = adapter.OPS[case["op"]](*args, **kwargs)
        return tuple(out) if isinstance(out, (tuple, list)) else (out,)

    cots = {} if case["grads"] is None else {int(i): cast(arrays[str(k)]) for i, k in case["cot"].items()}
    return adapter.vjp(fn, leaves, cots)


# --- tests ---------------------------------------------------------------------------------------


def test_every_operator_of_the_vectors_is_covered(vectors):
    _, cases, errors = vectors
    assert set(cases) <= set(adapter.OPS)
    assert {e["op"] for e in errors} <= set(adapter.OPS)


@pytest.mark.parametrize("op", sorted(adapter.OPS))
def test_values_and_gradients(op, vectors):
    arrays, cases, _ = vectors
    waived: dict[str, int] = defaultdict(int)
    for case in cases.get(op, []):
        what = f"{op}({_shown(case, arrays)})"
        try:
            outs, grads = _run(case, arrays)
        except adapter.Waived as e:
            waived[e.name] += 1
            continue
        want = [arrays[str(k)] for k in case["out"]]
        assert [o.shape for o in outs] == [w.shape for w in want], what
        for have, w in zip(outs, want, strict=True):
            np.testing.assert_allclose(have.astype(np.float64), w, RTOL, ATOL, err_msg=what)
        for have, k in zip(grads, case["grads"] or [], strict=False):
            if k is None:
                assert have is None or not have.any(), what
                continue
            w = arrays[str(k)]
            have = np.zeros_like(w) if have is None else have
            np.testing.assert_allclose(have, w, 10 * RTOL, 10 * ATOL, err_msg=f"gradient of {what}")
    assert waived == {name: n for (o, name), n in WAIVED_CASES.items() if o == op}


@pytest.mark.parametrize("op", sorted(adapter.OPS))
def test_float32_stays_float32(op, vectors):
    arrays, cases, _ = vectors
    for case in cases.get(op, []):
        what = f"{op}({_shown(case, arrays)})"
        try:
            outs, grads = _run(case, arrays, lambda a: a.astype(np.float32) if a.dtype == np.float64 else a)
        except adapter.Waived:
            continue
        for have, k in zip(outs, case["out"], strict=True):
            assert (have.dtype == np.float32) == (arrays[str(k)].dtype == np.float64), what
        assert all(g is None or g.dtype == np.float32 for g in grads), what


def test_what_pytorch_refuses_is_refused(vectors):
    arrays, _, errors = vectors
    waived = set()
    for case in errors:
        key = (case["op"], _shown(case, arrays))
        args, kwargs = _arguments(case, lambda k, grad: adapter.const(arrays[str(k)]))
        if key in WAIVED_ERRORS:
            waived.add(key)
            if WAIVED_ERRORS[key] is _OUT:
                with pytest.raises(TypeError, match="out"):
                    adapter.OPS[case["op"]](*args, **kwargs)
            continue
        with pytest.raises(SurefitError) as caught:
            adapter.OPS[case["op"]](*args, **kwargs)
        assert len(str(caught.value)) > 20, key  # it says something
    assert waived == set(WAIVED_ERRORS)  # no waiver outlives its case


def test_what_the_waivers_say_of_surefit():
    x = surefit.tensor([-1.0, -2.0], requires_grad=True)
    functions.digamma(x).sum().backward()
    assert x.grad.tolist() == [np.inf, np.inf]
    x = surefit.tensor([np.nan] * 9, requires_grad=True)
    functional.relu6(x).sum().backward()
    assert x.grad.tolist() == [0.0] * 9
    y = surefit.tensor(0.0, requires_grad=True)
    functions.xlogy(0.0, y).backward()
    assert y.grad.item() == 0.0
    with pytest.raises(SurefitError, match="channels"):
        functional.batch_norm(surefit.zeros(0), surefit.zeros(0), surefit.zeros(0))
