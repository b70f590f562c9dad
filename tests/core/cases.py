"""One table of calls for every primitive; the tests of test_ops.py, test_batching.py and test_program.py run over it.

A case is a primitive, its arguments (float64 arrays are the differentiable ones), its parameters, and an independent
oracle of the value: mpmath for elementwise functions, plain loops or another NumPy function for the structural ones.
The arguments stay away from kinks by more than the steps of the finite differences; kinks have a table of their own.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import mpmath
import numpy as np

from surefit.core import ops

STEP = 1e-3  # of the finite differences; nothing below is nearer to a kink than three steps


class Case(NamedTuple):
    id: str
    op: ops.Op
    args: tuple[Any, ...]
    params: dict[str, Any]
    oracle: Callable[..., Any]
    differentiable: tuple[int, ...]
    canonical: Callable[[np.ndarray], np.ndarray] = np.asarray  # takes away a freedom that the value has
    through: Callable[[Any], Any] = lambda a: a  # differentiated as a function of what this makes of its argument

    def call(self, *args: Any) -> Any:
        return self.op(*args, **self.params)


CASES: list[Case] = []


def case(
    name: str,
    *args: Any,
    oracle: Callable[..., Any],
    only: tuple[int, ...] | None = None,
    canonical: Callable[[np.ndarray], np.ndarray] = np.asarray,
    through: Callable[[Any], Any] = lambda a: a,
    **params: Any,
) -> None:
    """Add a case; `only` names the arguments to differentiate (default: the float64 ones that have a rule)."""
    op = ops.TABLE[name]
    args = tuple(map(np.asarray, args))
    count = sum(c.op is op for c in CASES)
    floats = tuple(i for i, a in enumerate(args) if a.dtype == np.float64 and op.vjp(i) is not None)
    floats = floats if only is None else only
    CASES.append(Case(f"{name}-{count}", op, args, params, oracle, floats, canonical, through))


def spread(low: float, high: float, *shape: int, seed: int = 0) -> np.ndarray:
    """Evenly spread numbers in random order: no two are close, and none is close to an end."""
    n = math.prod(shape)
    places = (np.arange(n) + 0.5) / max(n, 1)
    return (low + (high - low) * np.random.default_rng(seed).permutation(places)).reshape(shape)


def both_signs(*shape: int, seed: int = 0) -> np.ndarray:
    """Numbers of both signs between 0.2 and 2 in size, all different."""
    x = spread(0.2, 2.0, *shape, seed=seed)
    return x * np.random.default_rng(seed + 1).choice([-1.0, 1.0], shape)


def precise(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of mpmath as a function of arrays, computed with 40 digits."""

    def call(*args: Any) -> np.ndarray:
        with mpmath.workdps(40):
            return np.vectorize(lambda *a: float(f(*map(mpmath.mpf, map(float, a)))), otypes=[float])(*args)

    def sized(*args: Any) -> np.ndarray:
        shape = np.broadcast_shapes(*(np.shape(a) for a in args))
        return call(*args) if math.prod(shape) else np.zeros(shape)

    return sized


# --- elementwise --------------------------------------------------------------------------------------------

SHAPES = [(), (5,), (2, 3), (0,), (3, 0)]


def unary(name: str, make: Callable[..., np.ndarray], oracle: Callable[..., Any]) -> None:
    for k, shape in enumerate(SHAPES):
        case(name, make(*shape, seed=k), oracle=oracle)


def between(low: float, high: float) -> Callable[..., np.ndarray]:
    return lambda *shape, seed=0: spread(low, high, *shape, seed=seed)


def off_whole(*shape: int, seed: int = 0) -> np.ndarray:
    """Numbers between -3 and 3 that are at least 0.1 away from whole and from half numbers."""
    rng = np.random.default_rng(seed)
    return rng.integers(-3, 3, shape) + rng.choice([0.0, 0.5], shape) + spread(0.1, 0.4, *shape, seed=seed)


mp = mpmath
unary("neg", both_signs, precise(lambda x: -x))
unary("abs", both_signs, precise(abs))
unary("sign", both_signs, precise(mp.sign))
unary("square", both_signs, precise(lambda x: x**2))
unary("sqrt", between(0.1, 5), precise(mp.sqrt))
unary("exp", both_signs, precise(mp.exp))
unary("expm1", both_signs, precise(mp.expm1))
unary("log", between(0.1, 5), precise(mp.log))
unary("log1p", between(-0.8, 5), precise(mp.log1p))
unary("sin", both_signs, precise(mp.sin))
unary("cos", both_signs, precise(mp.cos))
unary("tan", between(-1.3, 1.3), precise(mp.tan))
unary("asin", between(-0.9, 0.9), precise(mp.asin))
unary("acos", between(-0.9, 0.9), precise(mp.acos))
unary("atan", both_signs, precise(mp.atan))
unary("sinh", both_signs, precise(mp.sinh))
unary("cosh", both_signs, precise(mp.cosh))
unary("tanh", both_signs, precise(mp.tanh))
unary("asinh", both_signs, precise(mp.asinh))
unary("acosh", between(1.2, 4), precise(mp.acosh))
unary("atanh", between(-0.9, 0.9), precise(mp.atanh))
unary("sigmoid", both_signs, precise(lambda x: 1 / (1 + mp.exp(-x))))
unary("softplus", both_signs, precise(lambda x: mp.log1p(mp.exp(x))))
unary("relu", both_signs, precise(lambda x: x if x > 0 else mp.mpf(0)))
unary("erf", both_signs, precise(mp.erf))
unary("floor", off_whole, precise(mp.floor))
unary("ceil", off_whole, precise(mp.ceil))
unary("round", off_whole, precise(mp.nint))
unary("trunc", off_whole, precise(lambda x: mp.sign(x) * mp.floor(abs(x))))
unary("exp2", both_signs, precise(lambda x: mp.mpf(2) ** x))
unary("log2", between(0.1, 5), precise(lambda x: mp.log(x, 2)))
unary("log10", between(0.1, 5), precise(lambda x: mp.log(x, 10)))
unary("cbrt", both_signs, precise(lambda x: mp.sign(x) * mp.cbrt(abs(x))))
unary("erfc", both_signs, precise(mp.erfc))
unary("erfinv", between(-0.9, 0.9), precise(mp.erfinv))
unary("lgamma", between(0.2, 6), precise(mp.loggamma))
unary("digamma", between(0.2, 6), precise(mp.digamma))
unary("gamma", between(0.2, 5), precise(mp.gamma))
unary("i0", both_signs, precise(lambda x: mp.besseli(0, x)))
unary("i1", both_signs, precise(lambda x: mp.besseli(1, x)))
unary("j0", both_signs, precise(lambda x: mp.besselj(0, x)))
unary("j1", both_signs, precise(lambda x: mp.besselj(1, x)))
for far in (np.array([-30.0, -8.0, 8.0, 30.0]),):  # where a careless formula overflows or cancels
    case("sigmoid", far, oracle=precise(lambda x: 1 / (1 + mp.exp(-x))))
    case("softplus", far, oracle=precise(lambda x: mp.log1p(mp.exp(x))))
    case("tanh", far, oracle=precise(mp.tanh))
    case("asinh", far, oracle=precise(mp.asinh))
case("lgamma", np.array([-1.5, -0.3, 30.0]), oracle=precise(lambda x: mp.log(abs(mp.gamma(x)))))
case("digamma", np.array([-1.5, -0.3, 30.0]), oracle=precise(mp.digamma))
case("logical_not", np.array([[True, False]]), oracle=lambda x: np.array([[False, True]]))
case("logical_not", np.array([0.0, -0.5, 2.0]), oracle=lambda x: np.array([True, False, False]))

PAIRS = [((), ()), ((4,), (4,)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((3,), ()), ((0, 2), (1, 2)), ((2, 1, 2), (3, 1))]


def binary(
    name: str, left: Callable[..., np.ndarray], right: Callable[..., np.ndarray], oracle: Callable[..., Any]
) -> None:
    for k, (a, b) in enumerate(PAIRS):
        case(name, left(*a, seed=2 * k), right(*b, seed=2 * k + 1), oracle=oracle)


def apart(*shape: int, seed: int = 0) -> np.ndarray:
    """Numbers of both signs that are never near those of `both_signs`: those are < 2 in size, these > 2.5."""
    return both_signs(*shape, seed=seed) * 0.3 + np.where(both_signs(*shape, seed=seed + 7) > 0, 3.0, -3.0)


def mod_floor(a: Any, b: Any) -> Any:
    return a - b * mp.floor(a / b)


def mod_trunc(a: Any, b: Any) -> Any:
    return a - b * mp.sign(a / b) * mp.floor(abs(a / b))


def mixed(*shape: int, seed: int = 0) -> np.ndarray:
    """Some larger, some smaller than those of `both_signs`, none equal."""
    return np.round(both_signs(*shape, seed=seed), 1) + 0.05 + 1e-2 * math.pi


binary("add", both_signs, mixed, precise(lambda a, b: a + b))
binary("sub", both_signs, mixed, precise(lambda a, b: a - b))
binary("mul", both_signs, mixed, precise(lambda a, b: a * b))
binary("div", both_signs, apart, precise(lambda a, b: a / b))
binary("atan2", both_signs, apart, precise(lambda a, b: mp.atan2(a, b)))
binary("pow", between(0.3, 2.5), both_signs, precise(lambda a, b: a**b))
binary("hypot", both_signs, apart, precise(mp.hypot))
binary("logaddexp", both_signs, apart, precise(lambda a, b: mp.log(mp.exp(a) + mp.exp(b))))
binary("maximum", both_signs, apart, precise(max))
binary("minimum", both_signs, apart, precise(min))
binary("floor_divide", apart, both_signs, precise(lambda a, b: mp.floor(a / b)))
binary("remainder", apart, both_signs, precise(mod_floor))
binary("fmod", apart, both_signs, precise(mod_trunc))
for base, exponent in [([-1.5, 0.7, -2.0], [2, 3, 1]), ([-1.5, 0.0, 0.0, 2.0], [2.0, 2.0, 1.0, 0.0])]:
    case(  # the gradient of the exponent does not exist at negative bases
        "pow", np.array(base), np.array(exponent), only=(0,), oracle=precise(lambda a, b: a ** int(b))
    )
for order in (0, 1, 3):
    case(
        "polygamma", np.array(order), spread(0.4, 5, 4),
        oracle=precise(lambda n, x: mp.polygamma(int(n), x)),
    )  # fmt: skip
case(
    "polygamma", np.array([[1.0], [2.0]]), spread(0.4, 5, 3),
    oracle=precise(lambda n, x: mp.polygamma(int(n), x)),
)  # fmt: skip

COMPARED = [
    (np.array([1.0, 2.0, 3.0, -0.0]), np.array([1.0, 3.0, 2.0, 0.0])),
    (np.array([[1], [2]]), np.array([1, 2, 3])),
    (np.array([True, False]), np.array([True, True])),
    (np.array(np.nan), np.array([np.nan, 1.0, np.inf])),
    (np.zeros((0, 2)), np.zeros(2)),
]
PYTHON: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b, "ne": lambda a, b: a != b, "lt": lambda a, b: a < b, "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b, "ge": lambda a, b: a >= b, "logical_and": lambda a, b: bool(a) and bool(b),
    "logical_or": lambda a, b: bool(a) or bool(b), "logical_xor": lambda a, b: bool(a) != bool(b),
}  # fmt: skip
for compare, python in PYTHON.items():
    for left, right in COMPARED:
        case(compare, left, right, oracle=lambda a, b, f=python: _elementwise_python(f, a, b))


def _elementwise_python(f: Callable[..., bool], a: Any, b: Any) -> np.ndarray:
    a, b = np.broadcast_arrays(a, b)
    return np.array([f(x, y) for x, y in zip(a.ravel().tolist(), b.ravel().tolist(), strict=True)], bool).reshape(
        a.shape
    )


def _chosen(c: Any, a: Any, b: Any) -> np.ndarray:
    c, a, b = np.broadcast_arrays(c, a, b)
    flat = [y if k else z for k, y, z in zip(c.ravel(), a.ravel(), b.ravel(), strict=True)]
    return np.array(flat, a.dtype).reshape(c.shape)


yes_no = np.array([True, False, True])
case("where", yes_no, both_signs(3), both_signs(3, seed=1), oracle=_chosen)
case("where", yes_no[:, None], both_signs(2), both_signs(3, 1, seed=1), oracle=_chosen)
case("where", yes_no, both_signs(), both_signs(2, 3, seed=1), oracle=_chosen)
case("where", np.array(True), both_signs(2), both_signs(2, seed=1), oracle=_chosen)
case("where", np.array([0.0, 2.0, -1.0]), both_signs(3), both_signs(3, seed=1), oracle=_chosen)
case("where", np.zeros((0, 3), bool), both_signs(3), both_signs(1, seed=1), oracle=_chosen)

# --- reductions ---------------------------------------------------------------------------------------------


def _reduced(f: Callable[[list[Any]], Any]) -> Callable[..., np.ndarray]:
    """A function of a list of numbers, along axes."""

    def call(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
        keep = [i for i in range(x.ndim) if i not in axes]
        shape = [x.shape[i] for i in keep]
        rows = x.transpose(*keep, *axes).reshape(*shape, -1) if x.size else np.zeros((*shape, 0))
        flat = [f(rows[i].tolist()) for i in np.ndindex(*shape)]
        return np.array(flat, float).reshape(shape)

    return call


REDUCED = [
    ((), ()),
    ((4,), (0,)),
    ((2, 3), (0,)),
    ((2, 3), (1,)),
    ((2, 3, 2), (0, 2)),
    ((2, 3, 2), (0, 1, 2)),
    ((2, 3), ()),
]
for shape, axes in REDUCED:
    x = both_signs(*shape, seed=len(shape))
    case("sum", x, axes=axes, oracle=_reduced(math.fsum))
    case("prod", x, axes=axes, oracle=_reduced(math.prod))
    case("amax", x, axes=axes, oracle=_reduced(max))
for shape, axes in [((0,), (0,)), ((0, 3), (0,)), ((3, 0), (0,)), ((3, 0, 2), (1, 2))]:
    case("sum", np.zeros(shape), axes=axes, oracle=_reduced(math.fsum))
    case("prod", np.zeros(shape), axes=axes, oracle=_reduced(math.prod))
case("amax", np.zeros((3, 0)), axes=(0,), oracle=_reduced(max))
case("prod", np.array([2.0, 0.0, 3.0]), axes=(0,), oracle=_reduced(math.prod))
case("prod", np.array([[0.0, 0.0, 3.0], [1.0, 2.0, 3.0]]), axes=(1,), oracle=_reduced(math.prod))
case("prod", 1.0 + 0.1 * both_signs(70), axes=(0,), oracle=_reduced(math.prod))  # the rule for long rows
for shape, axis in [((4,), 0), ((2, 3), 0), ((2, 3), 1), ((2, 3, 2), 1), ((3, 0), 0)]:
    x = both_signs(*shape, seed=axis)
    case("argmax", x, axis=axis, oracle=lambda x, axis: _reduced(lambda row: row.index(max(row)))(x, (axis,)))
    case(
        "cumsum", x, axis=axis,
        oracle=lambda x, axis: np.stack([x.take(range(i + 1), axis).sum(axis) for i in range(x.shape[axis])], axis),
    )  # fmt: skip
case("argmax", np.array([1.0, 5.0, 5.0, 2.0]), axis=0, oracle=lambda x, axis: np.array(1))  # the first of equals
case("cumsum", np.zeros((2, 0)), axis=1, oracle=lambda x, axis: np.zeros((2, 0)))
for x, down in itertools.product([np.array([3.0, 1.0, 2.0, 1.0, 3.0]), both_signs(2, 3)], (False, True)):
    case(
        "argsort", x, axis=x.ndim - 1, descending=down,
        oracle=lambda x, axis, descending: np.array(
            [
                sorted(range(len(r)), key=lambda i, r=r: -r[i] if descending else r[i])
                for r in x.reshape(-1, x.shape[-1])
            ]
        ).reshape(x.shape),
    )  # fmt: skip

# --- matrix product -----------------------------------------------------------------------------------------

for k, (left_shape, right_shape) in enumerate([
    ((2, 3), (3, 4)), ((1, 1), (1, 1)), ((3, 1), (1, 2)), ((0, 3), (3, 2)), ((2, 0), (0, 3)), ((5, 2, 3), (5, 3, 2)),
    ((5, 2, 3), (3, 2)), ((2, 3), (4, 3, 1)), ((2, 1, 2, 3), (3, 3, 2)), ((0, 2, 3), (3, 2)), ((1, 2, 3), (4, 3, 2)),
]):  # fmt: skip
    case(
        "matmul", both_signs(*left_shape, seed=k), both_signs(*right_shape, seed=k + 50),
        oracle=lambda a, b: (a[..., :, :, None] * b[..., None, :, :]).sum(-2),
    )  # fmt: skip

# --- structure ----------------------------------------------------------------------------------------------

for shape, new in [((6,), (2, 3)), ((2, 3), (6,)), ((1,), ()), ((), (1, 1)), ((0, 3), (3, 0)), ((2, 3), (2, 3))]:
    case(
        "reshape", both_signs(*shape), shape=new,
        oracle=lambda x, shape: np.array(list(x.flat)).reshape(shape),
    )  # fmt: skip
for shape, order in [((), ()), ((3,), (0,)), ((2, 3), (1, 0)), ((2, 3, 4), (2, 0, 1)), ((2, 0, 3), (1, 2, 0))]:
    case(
        "transpose",
        both_signs(*shape),
        axes=order,
        oracle=lambda x, axes: np.einsum(x, list(range(x.ndim)), list(axes)),
    )
for shape, new in [
    ((), (2, 3)),
    ((3,), (2, 3)),
    ((2, 1), (2, 3)),
    ((1, 1), (4, 2, 3)),
    ((1,), (0,)),
    ((80, 1), (80, 60)),
]:
    case("broadcast_to", both_signs(*shape), shape=new, oracle=lambda x, shape: x + np.zeros(shape))
for shape, axes in [((3,), (0,)), ((2, 3), (1,)), ((2, 3), (0, 1)), ((2, 3), ()), ((0, 2), (0,))]:
    case(
        "flip", both_signs(*shape), axes=axes,
        oracle=lambda x, axes: x[tuple(slice(None, None, -1) if i in axes else slice(None) for i in range(x.ndim))],
    )  # fmt: skip
for shape, start, stop, step in [
    ((7,), (1,), (6,), (2,)), ((7,), (0,), (7,), (3,)), ((4, 5), (1, 0), (3, 5), (1, 2)), ((4,), (2,), (2,), (1,)),
    ((), (), (), ()), ((5,), (1,), (5,), (9,)), ((0, 2), (0, 1), (0, 2), (1, 1)),
]:  # fmt: skip
    case(
        "slice", both_signs(*shape), start=start, stop=stop, step=step,
        oracle=lambda x, start, stop, step: x[np.ix_(*map(range, start, stop, step))] if x.ndim else x,
    )  # fmt: skip


def _padded(x: Any, low: Any, high: Any, interior: Any, value: float) -> np.ndarray:
    for axis, (lo, hi, k) in enumerate(zip(low, high, interior, strict=True)):
        n = x.shape[axis]
        other = list(x.shape)
        other[axis] = 1
        gap = np.full(other, value)
        parts = [gap] * lo
        for i in range(n):
            parts += [x.take([i], axis)] + [gap] * (k if i < n - 1 else 0)
        other[axis] = 0
        x = np.concatenate([np.zeros(other), *parts, *[gap] * hi], axis)
    return x


for shape, low, high, interior, fill in [
    ((3,), (1,), (2,), (0,), 0.0), ((3,), (0,), (1,), (2,), -1.5), ((2, 3), (1, 0), (0, 2), (1, 0), 7.0),
    ((), (), (), (), 0.0), ((0,), (2,), (1,), (3,), 0.5), ((2, 2), (0, 0), (0, 0), (0, 0), 9.0),
]:  # fmt: skip
    case("pad", both_signs(*shape), low=low, high=high, interior=interior, value=fill, oracle=_padded)


def _taken(x: Any, index: Any, axis: int) -> np.ndarray:
    out = np.zeros((*x.shape[:axis], *index.shape, *x.shape[axis + 1 :]))
    for i in np.ndindex(*index.shape):
        out[(slice(None),) * axis + i] = x[(slice(None),) * axis + (index[i],)]
    return out


def _scattered(u: Any, index: Any, axis: int, size: int) -> np.ndarray:
    out = np.zeros((*u.shape[:axis], size, *u.shape[axis + index.ndim :]))
    for i in np.ndindex(*index.shape):
        out[(slice(None),) * axis + (index[i],)] += u[(slice(None),) * axis + i]
    return out


for shape, index, axis in [
    ((3,), [0, 0, 1], 0), ((4, 2), [3, 1, 1, 0], 0), ((2, 4, 3), [[0, 3], [3, 3]], 1), ((2, 3), 2, 1), ((3, 2), [], 0),
    ((2, 3), [2, 0], 1), ((4,), [[[1]]], 0), ((3, 0), [1, 1], 0),
]:  # fmt: skip
    at = np.array(index, int)
    case("take", both_signs(*shape), at, axis=axis, oracle=_taken)
    case("take", both_signs(*shape), at.astype(np.int32), axis=axis, oracle=_taken)
    case(
        "scatter_add", both_signs(*shape[:axis], *at.shape, *shape[axis + 1 :]), at, axis=axis, size=shape[axis],
        oracle=_scattered,
    )  # fmt: skip
case("scatter_add", both_signs(), np.array(1), axis=0, size=3, oracle=_scattered)
case("scatter_add", np.zeros(0), np.zeros(0, int), axis=0, size=0, oracle=_scattered)


def _joined(*xs: Any, axis: int) -> np.ndarray:
    return np.moveaxis(np.array([row for x in xs for row in np.moveaxis(x, axis, 0)]), 0, axis)


case("concatenate", both_signs(2), both_signs(3, seed=1), axis=0, oracle=_joined)
case("concatenate", both_signs(2, 2), both_signs(2, 1, seed=1), both_signs(2, 3, seed=2), axis=1, oracle=_joined)
case("concatenate", both_signs(2, 3), axis=0, oracle=_joined)
case("concatenate", both_signs(2, 3), np.zeros((0, 3)), both_signs(1, 3, seed=1), axis=0, oracle=_joined)


def _windows(x: Any, axes: Any, size: Any, stride: Any, dilation: Any) -> np.ndarray:
    wide = tuple((k - 1) * d + 1 for k, d in zip(size, dilation, strict=True))
    every = np.lib.stride_tricks.sliding_window_view(x, wide, axes)
    steps = [slice(None)] * x.ndim
    for a, s in zip(axes, stride, strict=True):
        steps[a] = slice(None, None, s)
    return every[(*steps, *(slice(None, None, d) for d in dilation))]


def _folded(u: Any, shape: Any, axes: Any, size: Any, stride: Any, dilation: Any) -> np.ndarray:
    out = np.zeros(shape)
    places = _windows(np.arange(math.prod(shape)).reshape(shape), axes, size, stride, dilation)
    for place, v in zip(places.ravel().tolist(), u.ravel().tolist(), strict=True):
        out.reshape(-1)[place] += v
    return out


for shape, axes, size, stride, dilation in [
    ((6,), (0,), (3,), (1,), (1,)), ((7,), (0,), (2,), (2,), (3,)), ((2, 6, 5), (1, 2), (3, 2), (1, 2), (2, 1)),
    ((5, 2, 4), (0, 2), (2, 3), (3, 1), (1, 1)), ((4,), (0,), (4,), (5,), (1,)), ((2, 3), (), (), (), ()),
    ((0, 3), (1,), (2,), (1,), (1,)),
]:  # fmt: skip
    how = dict(axes=axes, size=size, stride=stride, dilation=dilation)
    x = both_signs(*shape)
    case("window", x, oracle=_windows, **how)
    case("fold", both_signs(*_windows(x, **how).shape, seed=3), shape=shape, oracle=_folded, **how)

case("cast", both_signs(3), dtype=ops.float32, only=(), oracle=lambda x, dtype: np.float32(x))
case("cast", both_signs(2, 2), dtype=ops.float64, oracle=lambda x, dtype: x)
case("cast", np.array([-1.7, 0.0, 2.5]), dtype=ops.int64, only=(), oracle=lambda x, dtype: np.array([-1, 0, 2]))
case("cast", np.array([-0.5, 0.0]), dtype=ops.bool_, only=(), oracle=lambda x, dtype: np.array([True, False]))
case("cast", np.array([True, False]), dtype=ops.float32, oracle=lambda x, dtype: np.array([1.0, 0.0]))
for size in (0, 1, 5):
    case("iota", size=size, dtype=ops.int64, oracle=lambda size, dtype: np.array(list(range(size)), int))
case("iota", size=4, dtype=ops.float32, oracle=lambda size, dtype: np.array([0.0, 1.0, 2.0, 3.0]))

# --- random bits --------------------------------------------------------------------------------------------


def philox(counter: list[int], key: list[int]) -> list[int]:
    """Philox4x64-10 written from the paper (Salmon, Moraes, Dror, Shaw 2011, section 3.3): four words for a counter."""
    mask = (1 << 64) - 1
    c, k = list(counter), list(key)
    for _ in range(10):
        high0, low0 = divmod(0xD2E7470EE14C6C93 * c[0], 1 << 64)
        high1, low1 = divmod(0xCA5A826395121157 * c[2], 1 << 64)
        c = [high1 ^ c[1] ^ k[0], low1, high0 ^ c[3] ^ k[1], low0]
        k = [(k[0] + 0x9E3779B97F4A7C15) & mask, (k[1] + 0xBB67AE8584CAA73B) & mask]
    return c


def _bits(key: Any, counter: Any, shape: tuple[int, ...]) -> np.ndarray:
    mask, n = (1 << 64) - 1, math.prod(shape)
    words: list[int] = []
    for block in range(1, n // 8 + 2):
        words += philox([block, int(counter) & mask, 0, 0], [int(key) & mask, 0])
    halves = [h for w in words for h in (w & 0xFFFFFFFF, w >> 32)][:n]
    return np.array([h - (1 << 32) if h >> 31 else h for h in halves], np.int64).reshape(shape)


for key, counter, shape in [
    (0, 0, ()),
    (1, 0, (3,)),
    (2**62, 5, (4, 5)),
    (-7, -1, (9,)),
    (3, 2**40, (0,)),
    (1, 1, (17,)),
]:
    case("random_bits", np.array(key), np.array(counter), shape=shape, oracle=_bits)

# --- linear algebra -----------------------------------------------------------------------------------------


def _well_conditioned(*shape: int, seed: int = 0) -> np.ndarray:
    return 0.4 * both_signs(*shape, seed=seed) + 2.0 * np.eye(shape[-1])


def _exact_det(a: np.ndarray) -> Any:
    n = len(a)
    total = 0.0
    for p in itertools.permutations(range(n)):
        swaps = sum(p[i] > p[j] for i in range(n) for j in range(i + 1, n))
        total += (-1) ** swaps * math.prod(a[i, p[i]] for i in range(n))
    return total


def _each(f: Callable[..., Any], *arrays: np.ndarray) -> np.ndarray:
    lead = np.broadcast_shapes(*(a.shape[:-2] for a in arrays))
    full = [np.broadcast_to(a, (*lead, *a.shape[-2:])) for a in arrays]
    flat = [np.asarray(f(*(a[i] for a in full))) for i in np.ndindex(*lead)]
    return np.array(flat, float).reshape((*lead, *flat[0].shape))


def _cofactor_matrix(a: np.ndarray) -> np.ndarray:
    n = len(a)
    minor = [[np.delete(np.delete(a, i, 0), j, 1) for j in range(n)] for i in range(n)]
    return np.array([[(-1) ** (i + j) * _exact_det(minor[i][j]) for j in range(n)] for i in range(n)])


def _cholesky_loop(a: np.ndarray) -> np.ndarray:
    lower = np.zeros_like(a)
    for i in range(len(a)):
        for j in range(i + 1):
            rest = a[i, j] - lower[i, :j] @ lower[j, :j]
            lower[i, j] = math.sqrt(rest) if i == j else rest / lower[j, j]
    return lower


for shape in [(1, 1), (3, 3), (2, 2, 2), (2, 1, 3, 3)]:
    m = _well_conditioned(*shape, seed=len(shape))
    case("inv", m, oracle=lambda a: _each(lambda b: _cofactor_matrix(b).T / _exact_det(b), a))
    case("det", m, oracle=lambda a: _each(_exact_det, a))
    case("cofactors", m, oracle=lambda a: _each(_cofactor_matrix, a))
    case("slogabsdet", m, oracle=lambda a: _each(lambda b: math.log(abs(_exact_det(b))), a))
for left_shape, right_shape in [((3, 3), (3, 2)), ((2, 2), (3, 2, 1)), ((2, 3, 3), (3, 1)), ((4, 2, 2), (4, 2, 2))]:
    case(
        "solve", _well_conditioned(*left_shape), both_signs(*right_shape, seed=5),
        oracle=lambda a, b: _each(lambda p, q: _cofactor_matrix(p).T @ q / _exact_det(p), a, b),
    )  # fmt: skip


def _upright(packed: np.ndarray) -> np.ndarray:
    """Singular vectors of a fixed sign: the sum of each left one is positive."""
    m = SVD_ROWS[packed.shape]
    flip = np.where(packed[..., :m, :].sum(-2, keepdims=True) < 0, -1.0, 1.0)
    packed = packed * flip
    packed[..., m, :] = abs(packed[..., m, :])
    return packed


def _svd_by_eigenvectors(a: np.ndarray) -> np.ndarray:
    k = min(a.shape)
    values, u = np.linalg.eigh(a @ a.T)
    s, u = np.sqrt(values[::-1][:k]), u[:, ::-1][:, :k]
    return np.concatenate([u, s[None], (a.T @ u) / s])


SVD_ROWS = {(4, 1): 1, (7, 3): 3, (6, 2): 3, (2, 6, 2): 2}
for shape in [(1, 2), (3, 3), (3, 2), (2, 2, 3)]:
    case(
        "svd", both_signs(*shape, seed=11), canonical=_upright,
        oracle=lambda a: _each(_svd_by_eigenvectors, a),
    )  # fmt: skip
for shape in [(1, 1), (3, 3), (2, 2, 2)]:
    half = both_signs(*shape, seed=4)
    case(
        "cholesky", half @ half.swapaxes(-1, -2) + np.eye(shape[-1]), oracle=lambda a: _each(_cholesky_loop, a),
        through=lambda a: (a + ops.swap_last(a)) * 0.5,  # LAPACK reads one triangle; the gradient is symmetric
    )  # fmt: skip

# --- what PyTorch says at kinks: (op, arguments, params, gradients of the sum) ------------------------------

KINKS: list[tuple[str, tuple[Any, ...], dict[str, Any], tuple[Any, ...]]] = [
    ("relu", ([-1.0, 0.0, -0.0, 2.0],), {}, ([0, 0, 0, 1],)),
    ("abs", ([-1.0, 0.0, -0.0, 2.0],), {}, ([-1, 0, 0, 1],)),
    ("sign", ([-1.0, 0.0, 2.0],), {}, ([0, 0, 0],)),
    ("floor", ([-1.0, 0.0, 2.5],), {}, ([0, 0, 0],)),
    ("maximum", ([1.0, 2.0, 3.0], [2.0, 2.0, 2.0]), {}, ([0, 0.5, 1], [1, 0.5, 0])),
    ("minimum", ([1.0, 2.0, 3.0], [2.0, 2.0, 2.0]), {}, ([1, 0.5, 0], [0, 0.5, 1])),
    ("amax", ([2.0, 5.0, 5.0, 1.0, 5.0],), {"axes": (0,)}, ([0, 1 / 3, 1 / 3, 0, 1 / 3],)),
    ("amax", ([[1.0, 1.0], [1.0, 0.0]],), {"axes": (0, 1)}, ([[1 / 3, 1 / 3], [1 / 3, 0]],)),
    ("prod", ([0.0, 2.0, 3.0],), {"axes": (0,)}, ([6, 0, 0],)),
    ("prod", ([0.0, 0.0, 3.0],), {"axes": (0,)}, ([0, 0, 0],)),
    ("prod", ([0.0] + [1.0] * 69,), {"axes": (0,)}, ([1] + [0] * 69,)),
    ("prod", ([0.0, 0.0] + [1.0] * 68,), {"axes": (0,)}, ([0] * 70,)),
    ("pow", ([0.0, 0.0, 0.0, 2.0], [0.0, 1.0, 2.0, 0.0]), {}, ([0, 1, 0, 0], [0, 0, 0, math.log(2.0)])),
    ("where", ([True, False], [1.0, math.nan], [math.nan, 2.0]), {}, (None, [1, 0], [0, 1])),
    ("sqrt", ([0.0, 4.0],), {}, ([math.inf, 0.25],)),
    ("i1", ([0.0],), {}, ([0.5],)),
    ("j1", ([0.0],), {}, ([0.5],)),
    ("det", ([[1.0, 2.0], [2.0, 4.0]],), {}, ([[4, -2], [-2, 1]],)),  # singular
]

# --- every primitive has a case -----------------------------------------------------------------------------

_missing = {op.name for op in ops.TABLE.values() if op.tier != "batching"} - {c.op.name for c in CASES}
if _missing:
    raise AssertionError(f"primitives without a case in tests/core/cases.py: {sorted(_missing)}")

PRIMITIVES = {name: [c for c in CASES if c.op.name == name] for name in dict.fromkeys(c.op.name for c in CASES)}
