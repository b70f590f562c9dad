"""Elementary functions as vector code: their errors, their special values, the same bits everywhere in strict mode.

The oracle of float32 is NumPy and SciPy in float64; that of float64 is mpmath.
"""

from __future__ import annotations

import ctypes
import importlib.util
import math
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from types import ModuleType

import mpmath
import numpy as np
import pytest
import scipy.special

import surefit
from surefit.compiler import engine
from surefit.core.primitive import TABLE
from surefit.errors import ArgumentError, RecordError
from surefit.ir import coefficients
from surefit.ir.builder import FAST, Function, Module
from surefit.ir.mathlib import FUNCTIONS, MAX_ULP, STRICT_ULP

STRICT = ""
DTYPE = {"f32": np.float32, "f64": np.float64}
NAMES = {"f32": "float32", "f64": "float64"}
BINARY = ("pow", "atan2", "hypot", "logaddexp", "fmod", "remainder", "floor_divide")
EXACT = [name for name, bound in MAX_ULP.items() if not bound["f64"]]
ROUNDED = [name for name in FUNCTIONS if name not in EXACT]

ONE_INSTRUCTION = {  # or a few: what the compiler writes itself
    "add", "sub", "mul", "div", "maximum", "minimum", "eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or",
    "logical_xor", "logical_not", "where", "neg", "abs", "square", "sqrt", "relu", "floor", "ceil", "round", "trunc",
}  # fmt: skip

UNCOMPILED = {"erfinv", "lgamma", "digamma", "polygamma", "gamma", "i0", "i1", "j0", "j1"}


def levels() -> list[str]:
    """What this machine can run."""
    found = []
    for level in engine.LEVELS:
        try:
            engine.target(level)
        except ArgumentError:
            continue
        found.append(level)
    return found


Compiled = Callable[..., np.ndarray]


@lru_cache
def compiled(kind: str, flags: str, level: str | None = None, width: int = 0) -> dict[str, Compiled]:
    """name -> function of arrays; all of one kind in one module. width 0: what the target prefers."""
    target, module = engine.target(level), Module()
    width = width or target.lanes(kind)
    for name, write in FUNCTIONS.items():
        f = Function(module, f"vector_{name}", [(a, "ptr") for a in ("x", "y", "out")] + [("n", "i64")], flags=flags)
        with f.loop(0, f.args["n"], width) as l:
            at = [f.gep(f.args[a], l.i, kind) for a in ("x", "y", "out")]
            args = [f.load(p, kind, width) for p in at[: 2 if name in BINARY else 1]]
            f.store(write(f, *args), at[2])
            assert f.flags == flags
        f.ret()
        f.end()
    library = engine.Library(engine.object_code(str(module), target), target, [f"vector_{name}" for name in FUNCTIONS])
    of = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, ctypes.c_int64)

    def bound(name: str) -> Compiled:
        code = of(library.addresses[f"vector_{name}"])

        def call(x: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
            n = -(-len(x) // width) * width
            args = [np.resize(a, n).astype(DTYPE[kind]) for a in (x, x if y is None else y)]
            out = np.empty(n, DTYPE[kind])
            code(*(a.ctypes.data for a in (*args, out)), n)
            return out[: len(x)]

        call.library = library  # keeps the code in memory
        return call

    return {name: bound(name) for name in FUNCTIONS}


# --- the list -------------------------------------------------------------------------------------------------------


def test_every_elementwise_primitive_of_the_core_is_here():
    elementwise = {n: op.tier for n, op in TABLE.items() if op.category not in ("structural", "logical")}
    needed = {n for n, tier in elementwise.items() if tier == "core"}
    assert needed - ONE_INSTRUCTION - {"matmul", "concatenate"} <= set(FUNCTIONS)
    assert elementwise.keys() - FUNCTIONS.keys() - needed == UNCOMPILED
    assert set(MAX_ULP) == set(FUNCTIONS)


def test_no_function_promises_more_than_two_ulp():
    assert all(0 <= u <= 2 for bound in MAX_ULP.values() for u in bound.values())


# --- float32, over all exponents ------------------------------------------------------------------------------------


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


NUMPY = {
    "exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh, "sigmoid": _sigmoid,
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))), "erf": scipy.special.erf,
    "pow": np.power, "atan2": np.arctan2, "exp2": np.exp2, "log2": np.log2, "log10": np.log10, "cbrt": np.cbrt,
    "erfc": scipy.special.erfc, "hypot": np.hypot, "logaddexp": np.logaddexp,
}  # fmt: skip


@lru_cache
def singles() -> tuple[np.ndarray, np.ndarray]:
    """Two shuffles of float32: 2^9 mantissas for each exponent and sign, more where functions are steep."""
    rng = np.random.default_rng(7)
    mantissas = np.arange(1 << 9, dtype=np.uint32) << 14 | rng.integers(0, 1 << 14, 1 << 9, dtype=np.uint32)
    every = (np.arange(255, dtype=np.uint32)[:, None] << 23 | mantissas).ravel().view(np.float32)
    near = [rng.uniform(-r, r, 30_000) for r in (1, 2, 20, 110)]
    x = np.concatenate([every, -every, *near, [0.0, -0.0, math.inf, -math.inf]]).astype(np.float32)
    y = rng.permutation(x)
    y[-60_000:] = rng.uniform(-9, 9, 60_000)
    return x, y


def wrong_place(got: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Where an infinity, a NaN or the sign of a zero is not where it belongs."""
    zero = (exact == 0) & (np.signbit(exact) != np.signbit(got))
    infinite = (np.isinf(exact) | np.isinf(got)) & (exact != got)
    return zero | infinite | (np.isnan(exact) != np.isnan(got))


def size(name: str, value: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The numbers whose units errors are counted in: the values, or the largest part of a sum, which may cancel."""
    if name != "logaddexp":
        return abs(value)
    first = np.maximum(x, y)
    return np.maximum(abs(value), np.maximum(abs(first), abs(value - first))).astype(value.dtype)


@pytest.mark.parametrize("flags", [FAST, STRICT], ids=["fast", "strict"])
@pytest.mark.parametrize("name", ROUNDED)
def test_error_in_float32(name, flags):
    x, y = singles()
    args = (x, y) if name in BINARY else (x,)
    with np.errstate(all="ignore"):
        exact = NUMPY[name](*(a.astype(np.float64) for a in args))
        nearest = exact.astype(np.float32)
    got = compiled("f32", flags)[name](*args)
    assert not wrong_place(got, nearest).any(), x[wrong_place(got, nearest)][:5]
    finite = np.isfinite(nearest)
    ulp = np.spacing(size(name, nearest[finite], x[finite], y[finite])).astype(np.float64)
    error = np.abs(got[finite].astype(np.float64) - exact[finite]) / ulp
    assert error.max() <= min(MAX_ULP[name]["f32"], STRICT_ULP[name]["f32"] if flags == STRICT else 2.0)
    assert not error.size or error.max() >= 0.4  # the oracle was asked


@pytest.mark.parametrize("level", [v for v in levels() if v != levels()[0]])
@pytest.mark.parametrize("name", ["exp", "tanh", "sigmoid", "sin", "tan", "log", "pow", "acosh", "atanh"])
def test_error_of_the_fused_reading_on_lesser_targets(name, level):
    x, y = (a[::37] for a in singles())
    args = (x, y) if name in BINARY else (x,)
    with np.errstate(all="ignore"):
        exact = NUMPY[name](*(a.astype(np.float64) for a in args))
        nearest = exact.astype(np.float32)
    got = compiled("f32", FAST, level)[name](*args)
    finite = np.isfinite(nearest)
    ulp = np.spacing(np.abs(nearest[finite])).astype(np.float64)
    assert (np.abs(got[finite].astype(np.float64) - exact[finite]) / ulp).max() <= MAX_ULP[name]["f32"]


# --- float64, against mpmath ----------------------------------------------------------------------------------------

MPMATH = {
    **{name: getattr(mpmath, name) for name in ROUNDED if hasattr(mpmath, name)}, "pow": mpmath.power,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)), "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "exp2": lambda x: mpmath.mpf(2) ** x, "log2": lambda x: mpmath.log(x, 2),
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    "logaddexp": lambda a, b: max(a, b) + mpmath.log1p(mpmath.exp(-min(abs(a - b), 1e5))),
}  # fmt: skip

# where reductions change over, results over- or underflow, zeros of sin and cos lie, or 1 is
HARD = [
    math.log(2) / 2, 3 * math.log(2) / 2, math.log(2), 709.782712893384, 710.475860073944, -708.3964185322641,
    -745.1332191019412, 36.7368005696771, 19.0615474653984, 5.92158719979599, 0.1733, 0.2559, 0.6025, 0.5, 0.625, 0.66,
    1.0, 1.9, 2.0, math.sqrt(0.5), math.sqrt(2), math.pi / 4, math.pi / 2, math.pi, 355.0, 1e5, 1e6, 1e22, 2.0**-28,
]  # fmt: skip
WORST_ANGLE = math.ldexp(6381956970095103, 797)  # of all float64 the nearest to a multiple of pi/2 (Muller 2018, 10.2)


@lru_cache
def doubles() -> tuple[np.ndarray, np.ndarray]:
    """Two shuffles of float64: all magnitudes, everyday ones, and neighbourhoods of what is hard."""
    rng = np.random.default_rng(11)
    every = np.ldexp(rng.uniform(1, 2, 300), rng.integers(-1074, 1024, 300))
    around = [h * (1 + s * rng.uniform(-1, 1, 3)) for h in HARD for s in (3e-16, 1e-9, 1e-3)]
    multiples = np.concatenate([rng.integers(1, 10**5, 60), rng.integers(1, 1 << 53, 60)]) * (math.pi / 2)
    usual = [rng.uniform(0, r, 150) for r in (1, 3, 12, 750)]
    tiny = 10 ** rng.uniform(-15, 0, 80)
    x = np.concatenate([every, *around, HARD, multiples, *usual, tiny, 1 + tiny, 1 - tiny, [WORST_ANGLE]])
    x = np.concatenate([x, -x])
    y = rng.permutation(x)
    with np.errstate(all="ignore"):  # powers that neither vanish nor overflow
        y[::2] = rng.uniform(-700, 700, len(x[::2])) / np.log(np.abs(x[::2]))
    return x, np.nan_to_num(y)


@lru_cache
def precisely(name: str) -> list[mpmath.mpf | None]:
    """The values at `doubles` with 120 bits or more; None where they are not real."""
    found = []
    with mpmath.workprec(120):
        for args in zip(*doubles(), strict=True) if name in BINARY else ((x,) for x in doubles()[0]):
            if name in ("exp", "exp2", "sinh", "cosh", "expm1", "softplus", "sigmoid") and abs(args[0]) > 1e5:
                args = (math.copysign(1e5, args[0]),)  # which is 0 or infinite as well
            if name == "erfc" and args[0] > 100:
                args = (100.0,)
            if name == "pow" and args[0] < 0:
                args = (-args[0], args[1])
            try:
                value = MPMATH[name](*map(mpmath.mpf, map(float, args)))
            except (ValueError, ZeroDivisionError):
                value = mpmath.nan
            found.append(value if isinstance(value, mpmath.mpf) and not mpmath.isnan(value) else None)
    return found


@pytest.mark.parametrize("flags", [FAST, STRICT], ids=["fast", "strict"])
@pytest.mark.parametrize("name", ROUNDED)
def test_error_in_float64(name, flags):
    x, y = doubles()
    if name == "pow":
        x = np.abs(x)
    got = compiled("f64", flags)[name](*((x, y) if name in BINARY else (x,)))
    worst = 0.0
    for i, exact in enumerate(precisely(name)):
        if exact is None or (name == "softplus" and abs(x[i]) > 1e5):
            continue
        nearest = float(exact)
        if math.isinf(nearest) or exact == 0:
            assert got[i] == nearest, x[i]
            continue
        unit = math.ulp(float(size(name, np.float64(nearest), x[i], y[i])))
        error = abs((mpmath.mpf(float(got[i])) - exact) / mpmath.mpf(unit))
        most = min(MAX_ULP[name]["f64"], STRICT_ULP[name]["f64"] if flags == STRICT else 2.0)
        assert error <= most, (x[i], y[i], got[i], nearest)
        worst = max(worst, float(error))
    assert worst > 0.4  # the oracle was asked


def test_strict_tanh_in_float64_is_rounded_once_and_never_above_one():
    rng = np.random.default_rng(5)
    k = np.arange(1, 60)[:, None]
    around = np.concatenate([k * math.log(2) / 2 + 0.0826 - math.log(2) / 4 + 0.0 * k, 2.0 ** -k.astype(float)])
    x = (around * (1 + rng.uniform(-1, 1, (len(around), 40)) * 2.0 ** -rng.integers(1, 50, 40))).ravel()
    # 25: binary places of its first part
    near = rng.integers(0, 1 << 8, 2000) * 2.0**-25 * (1 + 2.0**-20 * rng.normal(size=2000))
    x = np.concatenate([x, near, rng.uniform(0, 1, 3000), rng.uniform(0, 21, 3000)])
    got = compiled("f64", STRICT)["tanh"](np.concatenate([x, -x]))
    assert (got[: len(x)] == -got[len(x) :]).all()
    got = got[: len(x)]
    assert (got <= 1).all()
    units = 2.0**-53
    with mpmath.workprec(150):
        for a, y in zip(x.tolist(), got.tolist(), strict=True):
            if a == 0:
                continue
            exact = mpmath.tanh(a)
            last = 2 * units * mpmath.mpf(2) ** (mpmath.frexp(exact)[1] - 1)  # of the exact value, which is below 1
            beside = (STRICT_ULP["tanh"]["f64"] - 0.5) * min(last, units / 2)  # as bounds/noise.py counts
            assert abs(y - exact) <= last / 2 + beside, a


# --- special values -------------------------------------------------------------------------------------------------


def special(kind: str) -> np.ndarray:
    info = np.finfo(DTYPE[kind])
    few = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 7.5, 2.0**24, 2.0**24 + 2, 2.0**53, 1e30, math.inf]
    few += [info.smallest_subnormal, info.tiny, info.eps, 1 - info.eps, 1 + info.eps, float(info.max)]
    x = np.array(few, DTYPE[kind])
    return np.concatenate([x, -x, [math.nan]]).astype(DTYPE[kind])


def same_class(got: np.ndarray, want: np.ndarray) -> np.ndarray:
    return ~wrong_place(got, want) & ((got == 0) == (want == 0))


@pytest.mark.parametrize("flags", [FAST, STRICT], ids=["fast", "strict"])
@pytest.mark.parametrize("kind", DTYPE)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_infinities_zeros_and_nan_are_those_of_numpy(name, kind, flags):
    x = special(kind)
    args = [a.ravel() for a in np.meshgrid(x, x)] if name in BINARY else [x]
    if name in ("sigmoid", "softplus"):  # eagerly they vanish where a small number is left
        args = [x[(np.abs(x) < 60) | ~np.isfinite(x)]]
    got, want = compiled(kind, flags)[name](*args), np.asarray(TABLE[name](*args))
    bad = ~same_class(got, want)
    if name in EXACT:
        bad |= (got != want) & ~np.isnan(want)
    assert not bad.any(), [(*(a[i] for a in args), got[i], want[i]) for i in np.flatnonzero(bad)[:5]]


@pytest.mark.parametrize("payload", [0x7FC00001, 0x7FFFFFFF, 0xFFC12345])
def test_any_nan_stays_nan(payload):
    x = np.full(16, payload, np.uint32).view(np.float32)
    for flags in (FAST, STRICT):
        for name, call in compiled("f32", flags).items():
            assert (call(x) == 0).all() if name == "sign" else np.isnan(call(x)).all(), name


@pytest.mark.parametrize("flags", [FAST, STRICT], ids=["fast", "strict"])
@pytest.mark.parametrize("kind", DTYPE)
@pytest.mark.parametrize("name", ["fmod", "remainder", "floor_divide"])
def test_remainders_are_exact(name, kind, flags):
    rng = np.random.default_rng(5)
    top = 126 if kind == "f32" else 1022
    x = np.ldexp(rng.uniform(1, 2, 3000), rng.integers(-top, top, 3000)).astype(DTYPE[kind])
    y = rng.permutation(x)
    y[:1500] = np.ldexp(x[:1500], rng.integers(-40, 3, 1500)) * DTYPE[kind](1.37)  # not too far apart
    multiples = (rng.integers(1, 50, (2, 1000)) * 0.1).astype(DTYPE[kind])
    x, y = np.concatenate([x, multiples[0]]), np.concatenate([y, multiples[1]])
    x, y = (a * rng.choice([-1, 1], len(a)).astype(DTYPE[kind]) for a in (x, y))
    got, want = compiled(kind, flags)[name](x, y), TABLE[name](x, y)
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(np.signbit(got), np.signbit(want))


@pytest.mark.parametrize("exponent", [1.0, 2.0, 3.0, -1.0, 0.5, -0.0, 2.5])
@pytest.mark.parametrize("kind", DTYPE)
def test_constant_exponents(kind, exponent):
    target, module = engine.target(), Module()
    f = Function(module, "power", [("x", "ptr"), ("n", "i64")])
    with f.loop(0, f.args["n"]) as l:
        p = f.gep(f.args["x"], l.i, kind)
        x = f.load(p, kind)
        f.store(FUNCTIONS["pow"](f, x, f.const(exponent, x)), p)
    f.ret()
    f.end()
    library = engine.Library(engine.object_code(str(module), target), target, ["power"])
    x = np.concatenate([special(kind), np.random.default_rng(3).uniform(-3, 3, 500).astype(DTYPE[kind])])
    with np.errstate(all="ignore"):
        want = np.power(x.astype(np.longdouble), np.longdouble(exponent)).astype(DTYPE[kind])
    ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(library.addresses["power"])(x.ctypes.data, len(x))
    assert same_class(x, want).all()
    finite = np.isfinite(want)
    np.testing.assert_array_max_ulp(x[finite], want[finite], 2)
    library.close()


# --- one source, two readings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("kind", DTYPE)
def test_strict_bits_depend_on_nothing(kind, level):
    x, y = singles() if kind == "f32" else doubles()
    step = 97 if kind == "f32" else 1
    x, y = np.concatenate([x[::step], special(kind)]), np.concatenate([y[::step], special(kind)[::-1]])
    widths = {1, 4, 8, 16} if level == levels()[0] else {engine.target(level).lanes(kind)}
    reference = compiled(kind, STRICT)
    for width in widths:
        for name, call in compiled(kind, STRICT, level, width).items():
            args = (x, y) if name in BINARY else (x,)
            got, want = call(*args), reference[name](*args)
            same = (got.view(np.uint8) == want.view(np.uint8)).reshape(len(x), -1).all(-1) | (
                np.isnan(got) & np.isnan(want)
            )
            assert same.all(), (name, width, x[~same][:3])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_text_has_the_flags_of_its_reading(name):
    for flags, forbidden in (
        (FAST, ("reassoc", "nsz")),
        (STRICT, ("reassoc", "nsz", "contract", "fmuladd", "llvm.fma")),
    ):
        module = Module()
        f = Function(module, "g", [("x", "f32"), ("y", "f32")], ret="f32", flags=flags)
        f.ret(FUNCTIONS[name](f, *list(f.args.values())[: 2 if name in BINARY else 1]))
        f.end()
        assert not any(word in str(module) for word in forbidden)


# --- the coefficients -----------------------------------------------------------------------------------------------


def script() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "scripts" / "minimax.py"
    spec = importlib.util.spec_from_file_location("minimax", path)
    module = sys.modules["minimax"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_coefficients_are_those_of_the_script():
    minimax = script()
    with mpmath.workdps(minimax.DIGITS):
        fits = {fit.full_name: fit for fit in minimax.fits()}
        for name in ("TANH_F32", "SIN_F32", "EXP_F32", "LOG_F64_SHORT"):
            found, bits = minimax.Best(fits[name]).run()
            assert tuple(found) == getattr(coefficients, name)
            assert bits <= fits[name].bits
    with mpmath.workprec(minimax.TABLE_BITS + 64):
        for name, (_, value) in minimax.constants().items():
            assert getattr(coefficients, name) == value
    assert all(isinstance(getattr(coefficients, name), tuple) for name in fits)


# --- through jit ----------------------------------------------------------------------------------------------------

SPECIAL = sorted(n for n in FUNCTIONS if TABLE[n].tier == "special")


@pytest.mark.parametrize("mode", ["fast", "strict"])
@pytest.mark.parametrize("name", SPECIAL)
def test_functions_beyond_the_core_compile_with_their_gradients(name, mode, monkeypatch, tmp_path):
    monkeypatch.setenv("SUREFIT_CACHE", str(tmp_path))
    x = np.array([0.3, 0.9, 1.7, 4.2, 5.5])
    y = np.array([1.1, 0.2, 3.3, 4.1, 0.7])
    args = (x, y) if name in BINARY else (x,)
    f = getattr(surefit, name)
    exact = [MPMATH[name](*map(mpmath.mpf, map(float, a))) for a in zip(*args, strict=True)]
    slope = [mpmath.diff(lambda t, *b: MPMATH[name](t, *b), a[0]) if len(a) == 1 else
             mpmath.diff(MPMATH[name], a, (1, 0)) for a in zip(*args, strict=True)]  # fmt: skip
    np.testing.assert_allclose(surefit.jit(f, mode=mode)(*args).numpy(), np.array(exact, float), rtol=1e-14)
    gradient = surefit.jit(surefit.grad(lambda *a: f(*a).sum()), mode=mode)
    np.testing.assert_allclose(gradient(*args).numpy(), np.array(slope, float), rtol=1e-13)


@pytest.mark.parametrize("name", sorted(UNCOMPILED))
def test_what_does_not_compile_is_named(name):
    args = (1.0, np.ones(3)) if name == "polygamma" else (np.full(3, 0.5),)
    with pytest.raises(RecordError, match=rf"'{name}'.*test_mathlib\.py"):
        surefit.jit(lambda *a: TABLE[name](*a))(*args)
