"""Compiled against replayed: every core primitive, special values, random Programs."""

from __future__ import annotations

import random
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import surefit
from surefit.compiler import compile_program, engine
from surefit.core import functions as F
from surefit.core import ops
from surefit.core.creation import as_tensor
from surefit.core.program import record
from surefit.errors import ArgumentError

from .programs import Recipe, Sample, Step, Values, bits, described, difference, explained, random_sample, sample_of

MODES = ("fast", "strict")
CASES = runpy.run_path(str(Path(__file__).parents[1] / "core" / "cases.py"))["CASES"]
CORE = [name for name, op in ops.TABLE.items() if op.tier == "core"]


def runs(level: str) -> bool:
    try:
        engine.target(level)
    except ArgumentError:
        return False
    return True


TARGETS = [level for level in engine.LEVELS if runs(level)]


@pytest.fixture(autouse=True)
def no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of small modules are not worth keeping."""
    monkeypatch.setenv("SUREFIT_CACHE", "off")


def agree(sample: Sample, mode: str, target: str | None = None) -> None:
    """Compiling and running gives what replaying gives, the first time and the second time."""
    if difference(sample, mode, target):
        raise AssertionError(f"{mode}, {target}: {explained(sample, mode, target)}")


# --- every core primitive -----------------------------------------------------------------------------------


def together(steps: list[tuple[ops.Op, tuple[np.ndarray, ...], dict[str, Any]]]) -> Sample:
    """One Program of many calls, each on inputs of its own; every result is an output."""
    recipe = Recipe()
    for op, args, params in steps:
        trial = Values()
        for a in args:
            trial.given(a)
        if trial.take(Step(op, tuple(range(len(args))), params), anyway=True):  # else it refuses these dtypes
            first = len(recipe.inputs)
            recipe.inputs += args
            recipe.steps.append(Step(op, tuple(range(first, first + len(args))), params))
    n = len(recipe.inputs)
    recipe.outputs = list(range(n, n + len(recipe.steps)))
    assert recipe.outputs
    return sample_of(recipe)


def as_dtype(a: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """A case's array in another dtype: integers keep their signs and stay away from 0."""
    if a.dtype != np.float64 or not np.isfinite(a).all():
        return a
    return np.asarray(np.sign(a) * np.ceil(3 * np.abs(a)) if dtype.kind == "i" else a).astype(dtype)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", CORE)
def test_every_core_primitive(name: str, mode: str) -> None:
    steps = [
        (c.op, tuple(as_dtype(a, dtype) for a in c.args), c.params)
        for c in CASES
        if c.op.name == name
        for dtype in (ops.float64, ops.float32, ops.int64, ops.int32, ops.bool_)
    ]
    agree(together(steps), mode, TARGETS[CORE.index(name) % len(TARGETS)])


SIZES = [0, 1, 2, 3, 7, 8, 13, 16, 17, 31, 64, 67]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", ["exp", "add", "where", "sum", "amax", "cumsum", "argmax", "matmul", "take"])
def test_every_size_around_a_vector(name: str, target: str) -> None:
    rng = np.random.default_rng(0)
    steps = []
    for n in SIZES:
        for dtype in (ops.float32, ops.float64):
            x, y = (rng.normal(size=(3, n)).astype(dtype) for _ in range(2))
            args: tuple[np.ndarray, ...] = (x,)
            params: dict[str, Any] = {}
            if name in ("add", "where"):
                args = (x, y[:, :1] if n else y) if name == "add" else (x > 0, x, y)
            elif name in ("sum", "amax"):
                params = {"axes": (1,)}
            elif name in ("cumsum", "argmax"):
                params = {"axis": 1}
            elif name == "matmul":
                args = (x, y.T.copy())
            elif name == "take":
                args, params = (x, rng.integers(0, max(n, 1), n)), {"axis": 1}
            steps.append((ops.TABLE[name], args, params))
    agree(together(steps), "fast", target)


# --- special values -----------------------------------------------------------------------------------------


def special(dtype: np.dtype) -> np.ndarray:
    info = np.finfo(dtype)
    sizes = [0.0, info.smallest_subnormal, info.tiny, 1e-20, 0.25, 0.5, 1.0, 1.5, 2.5, 3.0, 40.0, 1e6, info.max, np.inf]
    return np.array([*sizes, *(-s for s in sizes), np.nan], dtype)


FUNCTIONS = [
    n for n in CORE if ops.TABLE[n].category not in ("structural", "where") and n not in ("matmul", "concatenate")
]
ARITY = {n: next(len(c.args) for c in CASES if c.op.name == n) for n in FUNCTIONS}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_values(name: str, mode: str) -> None:
    steps = []
    for dtype in (ops.float32, ops.float64):
        x = special(dtype)
        steps.append((ops.TABLE[name], (x, x[:, None].copy())[: ARITY[name]], {}))
    agree(together(steps), mode, TARGETS[FUNCTIONS.index(name) % len(TARGETS)])


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1)])
@pytest.mark.parametrize("name", ["sum", "prod", "amax"])
def test_special_values_in_reductions(name: str, axes: tuple[int, ...]) -> None:
    x = np.ones((24, 24), np.float32)
    x[[3, 5, 5, 9], [2, 4, 9, 9]] = [np.inf, np.nan, -np.inf, -np.inf]
    agree(together([(ops.TABLE[name], (x.astype(d),), {"axes": axes}) for d in (ops.float32, ops.float64)]), "strict")


def test_the_first_of_equals_and_the_first_nan_is_the_largest() -> None:
    rows = np.ones((5, 37), np.float32)
    rows[1, 30], rows[2, [9, 20]], rows[3, 36] = 2.0, np.nan, 2.0
    rows[4] = -np.inf
    program = record(lambda x: ops.argmax(x, axis=1), rows)
    for mode in MODES:
        assert compile_program(program, mode).run([rows])[0][0].tolist() == [0, 30, 9, 36, 0]


LIMITS = [
    ("floor_divide", [-7, -7, 7, 7], [2, -2, 2, -2], [-4, 3, 3, -4]),
    ("remainder", [-7, -7, 7, 7], [2, -2, 2, -2], [1, -1, 1, -1]),
    ("fmod", [-7, -7, 7, 7], [2, -2, 2, -2], [-1, -1, 1, 1]),
    ("remainder", [-(2**31), 2**31 - 1], [-1, -1], [0, 0]),
    ("fmod", [-(2**31), 2**31 - 1], [-1, -1], [0, 0]),
    ("add", [2**31 - 1, -(2**31)], [1, -1], [-(2**31), 2**31 - 1]),
    ("mul", [65536, 2**31 - 1], [65536, 2], [0, -2]),
    ("pow", [3, -2, 0, 7, 2], [4, 3, 0, 1, 40], [81, -8, 1, 7, 0]),
]


@pytest.mark.parametrize("name, a, b, want", LIMITS)
def test_integers_wrap_and_round_as_numpy_has_it(name: str, a: list[int], b: list[int], want: list[int]) -> None:
    x, y = np.array(a, np.int32), np.array(b, np.int32)
    program = record(lambda x, y: ops.TABLE[name](x, y), x, y)
    for mode in MODES:
        assert compile_program(program, mode).run([x, y])[0][0].tolist() == want


def test_the_smallest_integer_divided_by_minus_one() -> None:
    for dtype in (np.int32, np.int64):
        x, y = np.array([np.iinfo(dtype).min] * 9, dtype), np.array([-1] * 9, dtype)
        for name in ("floor_divide", "remainder", "fmod"):  # the processor's own division traps here
            program = record(lambda x, y, name=name: ops.TABLE[name](x, y), x, y)
            (got,) = compile_program(program).run([x, y])[0]
            np.testing.assert_array_equal(got, program.replay([x, y])[0][0])


# --- random Programs ----------------------------------------------------------------------------------------
# Always the same ones, so that a change is to blame for what fails; scripts/fuzz_compiler.py runs others.

RANDOM = settings(
    deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)  # fmt: skip


WAYS = [("fast", TARGETS[0]), ("strict", TARGETS[0]), ("fast", TARGETS[1 % len(TARGETS)]), ("fast", "generic")]
SEEDS = st.integers(0, 2**32 - 1)  # hypothesis's own random.Random repeats itself: every second Program has been there


@pytest.mark.slow
@settings(RANDOM, max_examples=2000)
@given(seed=SEEDS)
def test_random_programs(seed: int) -> None:
    agree(random_sample(random.Random(seed)), *WAYS[seed % len(WAYS)])


@pytest.mark.slow
@settings(RANDOM, max_examples=100)
@given(seed=SEEDS)
def test_strict_has_the_same_bits_whatever_the_vector_width(seed: int) -> None:
    sample = random_sample(random.Random(seed))
    runs = [compile_program(sample.program, "strict", t).run(sample.inputs, sample.state) for t in TARGETS]
    assert all(bits(*r) == bits(*runs[0]) for r in runs), described(sample.recipe)


# --- parts of a concatenation that others read, too ----------------------------------------------------------

AUTHORS = {
    "elementwise": lambda x, y: F.tanh(x),
    "sum": lambda x, y: F.stack([x, y], 2).sum(2),
    "product": lambda x, y: x @ (y.T @ y),
}
PLACED = {
    "turned": lambda e, x: F.concatenate([e.T.reshape(-1), x.reshape(-1)]),
    "turned and plain": lambda e, x: F.concatenate([e.T.reshape(-1), e.reshape(-1)]),
    "beside": lambda e, x: F.concatenate([e, x], 1),
}
READERS = {
    "a product on the right": lambda e, x: F.tanh(x @ x.T) @ e,
    "a product on the left": lambda e, x: e @ F.tanh(x.T @ x),
    "a product with its weights transposed": lambda e, x: F.sin(e) @ x.T,
    "axes that are merged": lambda e, x: e.reshape(-1) * 2.0,
    "other rows": lambda e, x: e.reshape(e.shape[0] // 2, -1).sum(1),
    "sums along an axis": lambda e, x: F.cumsum(e, 1),
}


@pytest.mark.parametrize("placed", PLACED)
@pytest.mark.parametrize("author", AUTHORS)
def test_a_part_of_a_concatenation_is_read_by_others_as_it_is(author: str, placed: str) -> None:
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=(48, 50)) * 0.2 for _ in range(2))

    for name, read in READERS.items():

        def f(x: Any, y: Any, read: Any = read) -> Any:
            e = AUTHORS[author](x, y)
            return PLACED[placed](e, x), read(e, x)

        found, wanted = surefit.jit(lambda x, y, f=f: f(x, y))(x, y), f(as_tensor(x), as_tensor(y))
        for got, want in zip(found, wanted, strict=True):
            np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=1e-11, atol=1e-11, err_msg=name)
