"""Random Programs of core primitives, with what they must give and how far off a result may be.

`random_sample` takes its choices from a seeded `random.Random`; what fails can be made
`smaller`. While a Program grows, every value is computed as well, so that logarithms
get positive numbers and indices are in range.

What replay gives is right, but another order of additions or another exponential rounds otherwise. How much that may
change a result is measured by computing beside each value some *shadows*: the same steps, with every rounded result
(and every term of a sum) moved by a few units in its last place, by an amount that depends only on its bits, so that
equal values stay equal. Where the shadows of a boolean, an integer or a NaN disagree, the step is not taken.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from surefit.core import ops
from surefit.core.functional import value_and_grad
from surefit.core.leaves import State
from surefit.core.modes import no_grad
from surefit.core.program import Program, Var, record
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, GradientError, SurefitError

SIZES = (0, 1, 1, 2, 3, 4, 5, 7, 8, 11, 13, 16, 17, 23, 31, 33, 64, 67, 130)
LIMIT = 1200  # elements of a value
SHADOWS = 4
MOVED = 6  # units in the last place by which a shadow moves a result
SLACK = 8  # times the spread of the shadows: how far a result may be off

FLOATS = (ops.float32, ops.float64)
INTS = (ops.int32, ops.int64)

# primitives whose result is rounded; "terms": the order of additions or the contraction of a product is free
ROUNDED = {
    *"sqrt exp expm1 log log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh".split(),
    *"sigmoid softplus erf add sub mul div pow atan2 square sum prod cumsum matmul fold scatter_add".split(),
    *"remainder fmod".split(),
}
TERMS = {"add", "sub", "mul", "sum", "prod", "cumsum", "matmul", "fold", "scatter_add", "square"}


@dataclass(frozen=True)
class Step:
    """One call of a primitive: an argument is the place of an earlier value, or a constant."""

    op: ops.Op
    args: tuple[int | np.ndarray, ...]
    params: dict[str, Any]


@dataclass
class Recipe:
    """Inputs, state and steps: values are numbered in this order. `assigned`: (place of the state, place of value)."""

    inputs: list[np.ndarray] = field(default_factory=list)
    state: list[np.ndarray] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    assigned: list[tuple[int, int]] = field(default_factory=list)


@dataclass
class Sample:
    """A Program, what to run it on, what it gives, and how far off each element may be (0 for bool and int)."""

    program: Program
    recipe: Recipe
    inputs: list[np.ndarray]
    state: list[np.ndarray]
    outputs: list[np.ndarray]
    new_state: list[np.ndarray]
    slack: list[np.ndarray]  # of outputs, then of the new state

    def compare(self, outputs: Sequence[Any], new_state: Sequence[Any]) -> None:
        """AssertionError where a result has another shape or dtype, or is further off than it may be."""
        have, want = [*outputs, *new_state], [*self.outputs, *self.new_state]
        assert len(have) == len(want), f"{len(have)} results, not {len(want)}"
        for k, (a, b, slack) in enumerate(zip(have, want, self.slack, strict=True)):
            close(np.asarray(a), b, slack, self.name(k))

    def name(self, k: int) -> str:
        """Result k in words, with the step that makes it."""
        r, count = self.recipe, len(self.outputs)
        name = f"output {k}" if k < count else f"new state {k - count}"
        at = r.outputs[k] - len(r.inputs) - len(r.state) if k < count else -1
        return f"{name} ({r.steps[at].op.name} {r.steps[at].params})" if at >= 0 else name


def close(have: np.ndarray, want: np.ndarray, slack: np.ndarray, name: str) -> None:
    """AssertionError unless shape, dtype, NaNs and infinities are equal and the rest is within the slack."""
    assert (have.dtype, have.shape) == (want.dtype, want.shape), (
        f"{name}: {have.dtype}{have.shape}, not {want.dtype}{want.shape}"
    )
    if want.dtype.kind != "f":
        off = have != want
    else:
        finite = np.isfinite(want)
        with np.errstate(all="ignore"):
            off = np.where(finite, ~(np.abs(have - want) <= slack), ~_alike(have, want))
    if off.any():
        at = tuple(int(i) for i in np.argwhere(off)[0])
        bound = f" within {slack[at]:.3g}" if want.dtype.kind == "f" else ""
        raise AssertionError(
            f"{name}: {int(off.sum())} of {off.size} elements differ; at {at}: {have[at]!r}, not {want[at]!r}{bound}"
        )


def _alike(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a == b) | (np.isnan(a) & np.isnan(b))


# --- computing values with their shadows ------------------------------------------------------------------------------


def moved(x: np.ndarray, salt: int) -> np.ndarray:
    """x with every number moved by up to MOVED units in the last place, the same number always by the same.

    A zero is moved to that of the other sign: fast mode does not keep the sign of zeros.
    """
    if x.dtype.kind != "f" or not x.size:
        return x
    bits = np.atleast_1d(np.ascontiguousarray(x)).view(f"u{x.itemsize}").astype(np.uint64)
    bits = (bits ^ np.uint64(salt * 0x632BE59BD9B4E019 & (1 << 64) - 1)) * np.uint64(0x9E3779B97F4A7C15)
    unit = (bits >> np.uint64(40)).astype(np.float64) / 2.0**23 - 1.0
    scale = 1.0 + unit.reshape(x.shape) * MOVED * float(np.finfo(x.dtype).eps)
    zero = x.dtype.type(-0.0 if salt % 2 else 0.0)
    with np.errstate(all="ignore"):
        return np.where(x == 0, zero, (x * scale).astype(x.dtype))


def evaluate(step: Step, values: Sequence[Any], salt: int | None) -> np.ndarray:
    """The result of a step; as a shadow when there is a salt."""
    args = [values[a] if isinstance(a, int) else a for a in step.args]
    if salt is not None and step.op.name in TERMS:
        args = [moved(a, salt * 7 + k) for k, a in enumerate(args)]
    y = np.asarray(step.op(*args, **step.params))
    if salt is None or step.op.name not in ROUNDED:
        return y
    if step.op.name == "sigmoid":  # eager, it is 0 already where it is subnormal
        y = y + y.dtype.type(salt * np.finfo(y.dtype).tiny)
    return moved(y, salt)


class Values:
    """The values of a recipe so far: exact ones and their shadows."""

    def __init__(self) -> None:
        self.exact: list[np.ndarray] = []
        self.shadows: list[list[np.ndarray]] = [[] for _ in range(SHADOWS)]

    def given(self, a: np.ndarray) -> None:
        for values in (self.exact, *self.shadows):
            values.append(a)

    def take(self, step: Step, anyway: bool = False, limit: int = LIMIT) -> bool:
        """Compute a step, unless its result is an error, has too many elements or hangs on the last bit of a float."""
        try:
            y = evaluate(step, self.exact, None)
        except SurefitError:
            return False
        if not anyway and (y.size > limit or _order_matters(step, self.exact) or _masked(step, self.exact, y)):
            return False
        try:
            near = [evaluate(step, v, k + 1) for k, v in enumerate(self.shadows)]
        except ArgumentError:  # an integer that a float has become was 0 in one of them
            return False
        if not anyway and any(_decided_otherwise(y, s) for s in near):
            return False
        for values, a in zip((self.exact, *self.shadows), (y, *near), strict=True):
            values.append(a)
        return True

    def slack(self, i: int) -> np.ndarray:
        """How far off a result may be from value i."""
        y = self.exact[i]
        if y.dtype.kind != "f":
            return np.zeros(y.shape)
        info = np.finfo(y.dtype)
        finite = np.isfinite(y)
        with np.errstate(all="ignore"):
            spread = np.max([np.abs(np.where(finite & np.isfinite(s[i]), s[i] - y, 0)) for s in self.shadows], axis=0)
            size = np.where(finite, np.abs(y), 0).astype(np.float64)
        return SLACK * spread.astype(np.float64) + SLACK * float(info.eps) * size + 64 * float(info.tiny)


def _order_matters(step: Step, values: Sequence[np.ndarray]) -> bool:
    """Whether a product of many overflows or vanishes in some order of multiplication."""
    if step.op.name != "prod" or not isinstance(step.args[0], int):
        return False
    size = np.abs(values[step.args[0]])
    if size.dtype.kind != "f":
        return False
    with np.errstate(all="ignore"):
        large = np.prod(np.maximum(size, 1), axis=step.params["axes"])
        small = np.prod(np.where(size == 0, 1, np.minimum(size, 1)), axis=step.params["axes"])
    return bool(np.any(np.isinf(large)) or np.any(small < np.finfo(size.dtype).tiny))


def _masked(step: Step, values: Sequence[np.ndarray], y: np.ndarray) -> bool:
    """Whether a factor 0 meets an infinity or NaN: behind a relu's gradient, fast mode has 0 there, as PyTorch does."""
    if step.op.name != "mul" or y.dtype.kind != "f":
        return False
    zero = np.any([np.broadcast_to((values[a] if isinstance(a, int) else a) == 0, y.shape) for a in step.args], axis=0)
    return bool(np.any(np.isnan(y) & zero))


def _decided_otherwise(y: np.ndarray, shadow: np.ndarray) -> bool:
    """Whether a shadow differs in what cannot be off by a little."""
    if y.dtype.kind != "f":
        return not np.array_equal(y, shadow)
    if not np.array_equal(np.isfinite(y), np.isfinite(shadow)):
        return True
    odd = ~np.isfinite(y)
    if not bool(_alike(y[odd], shadow[odd]).all()):
        return True
    with np.errstate(all="ignore"):  # nothing is left of a value that is off by itself
        off, size = np.abs(y[~odd] - shadow[~odd]), np.abs(y[~odd])
        return bool(np.any(off > 0.01 * size + 1e-3 * np.max(size, initial=0.0)))


# --- growing a recipe -------------------------------------------------------------------------------------------------


class Grower:
    """Adds random steps to a recipe."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.recipe, self.values = Recipe(), Values()
        self.dtype = rng.choice(FLOATS)  # what most values have, so that they meet
        self.notes: list[tuple[str, Any]] = []  # (input, array), (state, array) or (step, Step), as they came
        self.numbers = np.random.default_rng(rng.randrange(2**32))

    # --- choices ---

    def shape(self, ndim: int | None = None) -> tuple[int, ...]:
        ndim = self.rng.choice((0, 1, 1, 2, 2, 2, 3, 4)) if ndim is None else ndim
        while True:
            shape = tuple(self.rng.choice(SIZES) for _ in range(ndim))
            if math.prod(shape) <= LIMIT // 2:
                return shape
            ndim_small = [min(n, 5) for n in shape]
            if math.prod(ndim_small) <= LIMIT // 2:
                return tuple(ndim_small)

    def array(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        if dtype == ops.bool_:
            return np.asarray(self.numbers.random(shape) < 0.5)
        if dtype.kind == "i":
            return np.asarray(self.numbers.integers(-9, 10, shape)).astype(dtype)
        x = self.numbers.normal(size=shape)
        kind = self.rng.randrange(8)
        if kind == 0:  # whole and half numbers, zeros of both signs, repeated ones
            x = np.round(x * 2) / 2
        elif kind == 1:  # of very different sizes
            x = x * 10.0 ** self.numbers.integers(-6, 7, shape)
        return np.asarray(x).astype(dtype)

    def places(self, good: Callable[[np.ndarray], bool]) -> list[int]:
        return [i for i, a in enumerate(self.values.exact) if good(a)]

    def pick(self, good: Callable[[np.ndarray], bool] = lambda a: True) -> int:
        """A value that is good, later ones more often; -1 where there is none."""
        there = self.places(good)
        if not there:
            return -1
        return there[max(self.rng.randrange(len(there)), self.rng.randrange(len(there)))]

    def pick_float(self, ndim: int = 0) -> int:
        return self.pick(lambda a: a.dtype.kind == "f" and a.ndim >= ndim)

    def input(self, a: np.ndarray) -> int:
        """A new input."""
        self.values.given(a)
        return self._note(("input", a))

    # --- growing ---

    def grow(self, steps: int) -> None:
        for _ in range(self.rng.randint(1, 3)):
            dtype = self.rng.choice((self.dtype,) * 5 + (ops.bool_, *INTS, *FLOATS))
            self.input(self.array(self.shape(), dtype))
        if self.rng.random() < 0.4:
            self.state(self.array(self.shape(), self.dtype))
        for _ in range(steps):
            KINDS[self.rng.randrange(len(KINDS))](self)

    def state(self, a: np.ndarray) -> int:
        self.values.given(a)
        return self._note(("state", a))

    def _note(self, note: tuple[str, Any]) -> int:
        self.notes.append(note)
        return len(self.notes) - 1

    def step(self, name: str, *args: int | np.ndarray, **params: Any) -> int:
        """The place of the new value, or -1 when the step is not taken."""
        step = Step(ops.TABLE[name], args, params)
        if any(isinstance(a, int) and a < 0 for a in args) or not self.values.take(step):
            return -1
        return self._note(("step", step))

    def finish(self) -> tuple[Recipe, Values]:
        """The recipe, outputs and assignments chosen, and its values: inputs first, then state, then steps."""
        order = sorted(range(len(self.notes)), key=lambda i: ("input", "state", "step").index(self.notes[i][0]))
        place = {old: new for new, old in enumerate(order)}
        recipe = Recipe()
        for old in order:
            kind, what = self.notes[old]
            if kind == "input":
                recipe.inputs.append(what)
            elif kind == "state":
                recipe.state.append(what)
            else:
                args = tuple(place[a] if isinstance(a, int) else a for a in what.args)
                recipe.steps.append(Step(what.op, args, what.params))
        last = len(order) - 1
        count = self.rng.randint(1, 4)
        recipe.outputs = [max(self.rng.randint(0, last), self.rng.randint(0, last)) for _ in range(count)]
        recipe.outputs[0] = last
        values = Values()
        values.exact = exact = [self.values.exact[old] for old in order]
        values.shadows = [[shadow[old] for old in order] for shadow in self.values.shadows]
        for i in range(len(recipe.inputs), len(recipe.inputs) + len(recipe.state)):
            fits = [k for k, a in enumerate(exact) if (a.shape, a.dtype) == (exact[i].shape, exact[i].dtype)]
            if self.rng.random() < 0.8:
                recipe.assigned.append((i, fits[self.rng.randrange(len(fits))]))
        return recipe, values


def _unary(g: Grower) -> None:
    names = (
        "neg abs sign square sqrt exp expm1 log log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh "
        "sigmoid softplus relu erf floor ceil round trunc"
    ).split()
    at = g.pick(lambda a: a.dtype != ops.bool_) if g.rng.random() < 0.2 else g.pick_float()
    name = g.rng.choice(names)
    if at >= 0 and name in ("sqrt", "log") and g.rng.random() < 0.8:
        at = g.step("add", g.step("square", at), np.asarray(0.125, g.values.exact[at].dtype))
    elif at >= 0 and name in ("asin", "acos", "atanh") and g.rng.random() < 0.8:
        at = g.step("sin", at)
    g.step(name, at)


def _fits(shape: tuple[int, ...]) -> Callable[[np.ndarray], bool]:
    def good(a: np.ndarray) -> bool:
        try:
            return math.prod(np.broadcast_shapes(a.shape, shape)) <= LIMIT
        except ValueError:
            return False

    return good


def _partner(g: Grower, at: int) -> int | np.ndarray:
    """Something that broadcasts with a value: an earlier one, a small constant, or a new input."""
    a = g.values.exact[at]
    kind = g.rng.randrange(10)
    if kind < 6:
        there = g.pick(_fits(a.shape))
        return there if there >= 0 else at
    if kind < 8:
        if g.rng.random() < 0.15:  # one number everywhere is a constant of any size
            return np.full(a.shape, g.array((), a.dtype))
        row = a.shape[-1:] if g.rng.random() < 0.4 else ()
        return g.array(row if math.prod(row) <= 16 else (), a.dtype)
    shape = tuple(n if g.rng.random() < 0.6 else 1 for n in a.shape)[g.rng.randint(0, a.ndim) if a.ndim else 0 :]
    return g.input(g.array(shape, g.rng.choice((a.dtype, g.dtype))))


def _binary(g: Grower) -> None:
    names = "add add sub mul mul div pow atan2 maximum minimum floor_divide remainder fmod".split()
    at = g.pick()
    other = _partner(g, at)
    args = (at, other) if g.rng.random() < 0.5 else (other, at)
    name = g.rng.choice(names)
    if name == "pow" and g.rng.random() < 0.7:
        x = g.values.exact[at]
        args = (at, np.asarray(g.rng.choice((2, 3, 0.5, -1, 0, 1)) if x.dtype.kind == "f" else g.rng.randint(0, 3)))
        args = (at, args[1].astype(x.dtype))
    g.step(name, *args)


def _compare(g: Grower) -> None:
    at = g.pick()
    name = g.rng.choice("eq ne lt le gt ge logical_and logical_or logical_xor".split())
    if g.rng.random() < 0.15:
        g.step("logical_not", at)
    else:
        g.step(name, at, _partner(g, at))


def _where(g: Grower) -> None:
    a = g.pick()
    c: int | np.ndarray = g.pick(lambda v: v.dtype == ops.bool_ and _fits(g.values.exact[a].shape)(v))
    if g.rng.random() < 0.2:  # a mask of any size may be written into the Program
        c = g.array(g.values.exact[a].shape, ops.bool_).view(ops.Literal)
    elif g.rng.random() < 0.5 or (isinstance(c, int) and c < 0):
        c = g.step("gt", a, np.zeros((), g.values.exact[a].dtype))
    g.step("where", c, *((a, _partner(g, a)) if g.rng.random() < 0.5 else (_partner(g, a), a)))


def _axes(g: Grower, ndim: int) -> tuple[int, ...]:
    return tuple(i for i in range(ndim) if g.rng.random() < 0.6)


def _reduce(g: Grower) -> None:
    at = g.pick(lambda a: a.ndim > 0)
    if at < 0:
        return
    ndim = g.values.exact[at].ndim
    name = g.rng.choice("sum sum sum prod amax amax argmax cumsum".split())
    if name in ("argmax", "cumsum"):
        y = g.step(name, at, axis=g.rng.randrange(ndim))
    else:
        axes = _axes(g, ndim)
        y = g.step(name, at, axes=axes)
        if y >= 0 and g.rng.random() < 0.5:  # as keepdim=True has it, so that it meets what it was reduced from
            shape = tuple(1 if i in axes else n for i, n in enumerate(g.values.exact[at].shape))
            y = g.step("reshape", y, shape=shape)
            if y >= 0 and g.rng.random() < 0.7:
                g.step(g.rng.choice(("add", "sub", "mul", "eq", "div")), at, y)


def _matmul(g: Grower) -> None:
    at = g.pick(lambda a: a.ndim >= 2 and a.dtype != ops.bool_)
    if at < 0:
        at = g.input(g.array(g.shape(2), g.dtype))
    a = g.values.exact[at]
    if g.rng.random() < 0.3:
        at = g.step("transpose", at, axes=(*range(a.ndim - 2), a.ndim - 1, a.ndim - 2))
        a = g.values.exact[at]
    k = a.shape[-1]
    there = g.pick(lambda b: b.ndim >= 2 and b.dtype != ops.bool_ and b.shape[-2] == k)
    if there < 0 or g.rng.random() < 0.5:
        lead = a.shape[:-2] if g.rng.random() < 0.3 else ()
        there = g.input(g.array((*lead, k, g.rng.choice(SIZES)), g.dtype if a.dtype.kind == "i" else a.dtype))
    y = g.step("matmul", at, there)
    if y >= 0 and g.rng.random() < 0.5:  # a layer
        bias = g.input(g.array(g.values.exact[y].shape[-1:], g.values.exact[y].dtype))
        y = g.step("add", y, bias)
        if y >= 0:
            g.step(g.rng.choice(("relu", "tanh", "sigmoid", "square")), y)


def _reshape(g: Grower) -> None:
    at = g.pick()
    size = g.values.exact[at].size
    splits = [n for n in range(1, size + 1) if size % n == 0] if size else [0, 1, 3]
    first = g.rng.choice(splits)
    if size:
        rest = size // first
        shape = g.rng.choice([(first, rest), (size,), (1, first, rest), (first, 1, rest), (rest, first)])
    else:
        shape = g.rng.choice([(0,), (first, 0), (0, first)])
    g.step("reshape", at, shape=shape)


def _view(g: Grower) -> None:
    at = g.pick(lambda a: a.ndim > 0)
    if at < 0:
        return
    shape = g.values.exact[at].shape
    ndim = len(shape)
    kind = g.rng.randrange(5)
    if kind == 0:
        g.step("transpose", at, axes=tuple(g.rng.sample(range(ndim), ndim)))
    elif kind == 1:
        g.step("flip", at, axes=_axes(g, ndim))
    elif kind == 2:
        start = tuple(g.rng.randint(0, n) for n in shape)
        stop = tuple(g.rng.randint(a, n) for a, n in zip(start, shape, strict=True))
        g.step("slice", at, start=start, stop=stop, step=tuple(g.rng.choice((1, 1, 2, 3)) for _ in shape))
    elif kind == 3:
        low, high = (tuple(g.rng.choice((0, 0, 1, 3)) for _ in shape) for _ in range(2))
        interior = tuple(g.rng.choice((0, 0, 0, 1, 2)) for _ in shape)
        value = g.rng.choice((0.0, 0.0, 1.0)) if g.values.exact[at].dtype.kind != "f" else g.rng.choice((0.0, -1.5))
        g.step("pad", at, low=low, high=high, interior=interior, value=value)
    else:
        wide = tuple(g.rng.choice((n, n, 3, 7)) if n == 1 else n for n in shape)
        g.step("broadcast_to", at, shape=(*((g.rng.choice(SIZES),) if g.rng.random() < 0.4 else ()), *wide))


def _index(g: Grower) -> None:
    at = g.pick(lambda a: a.ndim > 0)
    if at < 0:
        return
    shape = g.values.exact[at].shape
    axis = g.rng.randrange(len(shape))
    size = shape[axis]
    ndim = g.rng.choice((0, 1, 1, 1, 2))
    dtype = g.rng.choice(INTS)
    if g.rng.random() < 0.5:
        index = np.asarray(g.numbers.integers(0, max(size, 1), g.shape(ndim) if size else (0,))).astype(dtype)
        constant = index.size <= 16 and g.rng.random() < 0.3
        y = g.step("take", at, index if constant else g.input(index), axis=axis)
        if y >= 0 and g.rng.random() < 0.4:
            g.step("scatter_add", y, index if constant else len(g.notes) - 2, axis=axis, size=size)
        return
    wide = g.rng.randint(1, 9)
    index = np.asarray(g.numbers.integers(0, wide, size)).astype(dtype)
    g.step("scatter_add", at, g.input(index), axis=axis, size=wide)


def _concatenate(g: Grower) -> None:
    at = g.pick(lambda a: a.ndim > 0)
    if at < 0:
        return
    a = g.values.exact[at]
    axis = g.rng.randrange(a.ndim)
    same = g.places(
        lambda b: (
            b.ndim == a.ndim and all(n == m or i == axis for i, (n, m) in enumerate(zip(a.shape, b.shape, strict=True)))
        )
    )
    g.step("concatenate", *(g.rng.choice(same) for _ in range(g.rng.randint(1, 3))), axis=axis)


def _window(g: Grower) -> None:
    at = g.pick(lambda a: a.ndim > 0 and a.dtype != ops.bool_)
    if at < 0:
        return
    shape = g.values.exact[at].shape
    axes = _axes(g, len(shape))
    size, stride, dilation = (tuple(g.rng.choice((1, 2, 2, 3)) for _ in axes) for _ in range(3))
    how = dict(axes=axes, size=size, stride=stride, dilation=dilation)
    y = g.step("window", at, **how)
    if y >= 0 and g.rng.random() < 0.6:
        if g.rng.random() < 0.6:
            y = g.step("mul", y, y) if g.rng.random() < 0.5 else g.step("neg", y)
        g.step("fold", y, shape=shape, **how)


def _cast(g: Grower) -> None:
    at = g.pick()
    dtype = g.rng.choice(ops.DTYPES)
    a = g.values.exact[at]
    if dtype.kind == "i" and a.dtype.kind == "f" and not (np.isfinite(a).all() and np.abs(a).max(initial=0) < 2**30):
        return  # undefined
    g.step("cast", at, dtype=dtype)


def _made(g: Grower) -> None:
    """Values from nothing: counting, random bits."""
    if g.rng.random() < 0.5:
        g.step("iota", size=g.rng.choice(SIZES), dtype=g.rng.choice(ops.DTYPES[1:]))
        return
    key, counter = (np.asarray(g.numbers.integers(-(2**62), 2**62)) for _ in range(2))
    at = g.input(key) if g.rng.random() < 0.5 else g.state(key)
    g.step("random_bits", at, g.state(counter), shape=g.shape(g.rng.randint(0, 2)))


def _again(g: Grower) -> None:
    """A step that has been taken before: a common subexpression."""
    steps = [what for kind, what in g.notes if kind == "step"]
    if steps:
        s = g.rng.choice(steps)
        g.step(s.op.name, *s.args, **s.params)


KINDS = (
    _unary, _unary, _unary, _binary, _binary, _binary, _binary, _compare, _where, _reduce, _reduce, _matmul, _matmul,
    _reshape, _view, _view, _index, _concatenate, _window, _cast, _made, _again,
)  # fmt: skip


# --- from a recipe to a sample ----------------------------------------------------------------------------------------


def values_of(recipe: Recipe) -> Values:
    """Every value of a recipe."""
    values = Values()
    for a in (*recipe.inputs, *recipe.state):
        values.given(a)
    for step in recipe.steps:
        if not values.take(step, anyway=True):
            raise AssertionError(f"{step.op.name} fails on {step.args}")
    return values


def sample_of(recipe: Recipe, values: Values | None = None) -> Sample:
    """Record the Program of a recipe and compute what it must give."""
    leaves = [State(a, f"state{k}") for k, a in enumerate(recipe.state)]
    values = values or values_of(recipe)

    def f(*inputs: Any) -> Any:
        with no_grad():
            known: list[Any] = [*inputs, *(t.detach().clone() for t in leaves)]  # what they are before any is assigned
            for s in recipe.steps:
                known.append(s.op(*(known[a] if isinstance(a, int) else a for a in s.args), **s.params))
            out = [known[i] for i in recipe.outputs]
            for i, k in recipe.assigned:
                leaves[i - len(recipe.inputs)].assign(known[k])
            return out

    program = record(f, *recipe.inputs)
    places = {id(t): len(recipe.inputs) + k for k, t in enumerate(leaves)}
    state = [values.exact[places[id(t)]] for t, _ in program.state_in]
    outputs, new_state = program.replay(recipe.inputs, state)
    assigned = dict(recipe.assigned)
    wanted = [*recipe.outputs, *(assigned[places[id(t)]] for t, _ in program.state_out)]
    results = [np.asarray(y) for y in (*outputs, *new_state)]
    for y, i in zip(results, wanted, strict=True):  # replay is what evaluating step by step gives
        close(y, values.exact[i], np.zeros(y.shape), "replay")
    return Sample(
        program, recipe, list(recipe.inputs), state, results[: len(outputs)], results[len(outputs) :],
        [values.slack(i) for i in wanted],
    )  # fmt: skip


def random_sample(rng: random.Random, steps: int | None = None) -> Sample:
    """A sample of about so many steps (default: 1 to 12); of every fourth the gradient, where there is one."""
    g = Grower(rng)
    g.grow(rng.randint(1, 12) if steps is None else steps)
    recipe, values = g.finish()
    if rng.random() < 0.25 and (slopes := differentiated(recipe)) is not None:
        return sample_of(*slopes)
    return sample_of(recipe, values)


def differentiated(recipe: Recipe) -> tuple[Recipe, Values] | None:
    """The value and gradient in all inputs of the sum of squares of what a recipe gives; None where there is none."""
    places = [i for i, a in enumerate(recipe.inputs) if a.dtype.kind == "f" and a.size]
    if not places:
        return None

    def loss(*inputs: Any) -> Any:
        known = list(inputs)
        for s in recipe.steps:
            known.append(s.op(*(known[a] if isinstance(a, int) else a for a in s.args), **s.params))
        total: Any = Tensor(np.zeros((), np.float64))
        for i in recipe.outputs:
            if known[i].dtype in FLOATS:
                y = ops.square(known[i])
                total = ops.add(total, ops.sum_(y, axes=tuple(range(y.ndim))))
        return total

    recipe = Recipe([*recipe.inputs, *recipe.state], [], recipe.steps, recipe.outputs)  # state is an input like others
    try:
        program = record(value_and_grad(loss, tuple(places)), *recipe.inputs)
    except GradientError:  # the result does not depend on a float input
        return None
    values, place = Values(), {v: i for i, v in enumerate(program.inputs)}
    for a in recipe.inputs:
        values.given(a)
    steps = []
    for eq in program.equations:
        args = tuple(place[a] if isinstance(a, Var) else a.value.view(ops.Literal) for a in eq.args)
        steps.append(Step(eq.op, args, eq.params))
        if not values.take(steps[-1], limit=10 * LIMIT):
            return None
        place[eq.result] = len(values.exact) - 1
    outputs = [place[a] for a in program.outputs if isinstance(a, Var)]
    return Recipe(recipe.inputs, [], steps, outputs), values


# --- making a failing recipe smaller ----------------------------------------------------------------------------------


def smaller(recipe: Recipe, fails: Callable[[Sample], bool]) -> Recipe:
    """A recipe that still fails, with as few results and steps as greedy trials find; values replace their steps."""

    def bad(r: Recipe) -> bool:
        try:
            return fails(sample_of(r))
        except Exception:
            return False

    best = pruned(recipe)
    progress = True
    while progress:
        progress = False
        for candidate in _reductions(best):
            candidate = pruned(candidate)
            if bad(candidate):
                best, progress = candidate, True
                break
    return best


def _reductions(r: Recipe) -> Any:
    for k in range(len(r.assigned)):
        yield Recipe(r.inputs, r.state, r.steps, r.outputs, r.assigned[:k] + r.assigned[k + 1 :])
    for k in range(len(r.outputs)):
        yield Recipe(r.inputs, r.state, r.steps, r.outputs[:k] + r.outputs[k + 1 :], r.assigned)
    values = values_of(r)
    n = len(r.inputs) + len(r.state)
    for k in range(len(r.steps)):  # the value of a step becomes an input
        at = n + k
        inputs = [*r.inputs, values.exact[at]]
        new = len(r.inputs)

        def move(i: Any, at: int = at, new: int = new) -> Any:
            if not isinstance(i, int) or i < new:
                return i
            return new if i == at else i + 1 if i < at else i

        steps = [Step(s.op, tuple(map(move, s.args)), s.params) for j, s in enumerate(r.steps) if j != k]
        yield Recipe(inputs, r.state, steps, [move(i) for i in r.outputs], [(move(i), move(j)) for i, j in r.assigned])


def pruned(r: Recipe) -> Recipe:
    """Without the inputs, states and steps that no result needs."""
    n = len(r.inputs) + len(r.state)
    needed = {*r.outputs, *(i for pair in r.assigned for i in pair)}
    for k in reversed(range(len(r.steps))):
        if n + k in needed:
            needed |= {a for a in r.steps[k].args if isinstance(a, int)}
    keep = [i for i in range(n + len(r.steps)) if i in needed]
    place = {old: new for new, old in enumerate(keep)}
    m = len(r.inputs)
    return Recipe(
        [r.inputs[i] for i in keep if i < m],
        [r.state[i - m] for i in keep if m <= i < n],
        [
            Step(s.op, tuple(place[a] if isinstance(a, int) else a for a in s.args), s.params)
            for s in (r.steps[i - n] for i in keep if i >= n)
        ],
        [place[i] for i in r.outputs],
        [(place[i], place[j]) for i, j in r.assigned],
    )  # fmt: skip


def difference(sample: Sample, mode: str, target: str | None) -> str:
    """What compiling and running gives that replay does not; empty when nothing. The second run gives the same bits."""
    from surefit.compiler import compile_program

    try:
        compiled = compile_program(sample.program, mode=mode, target=target)
        first = compiled.run(sample.inputs, sample.state)
        sample.compare(*first)
        if bits(*first) != bits(*compiled.run(sample.inputs, sample.state)):
            return "Again: the second run gives other bits"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def bits(outputs: Sequence[Any], state: Sequence[Any]) -> list[bytes]:
    return [np.asarray(a).tobytes() for a in (*outputs, *state)]


def explained(sample: Sample, mode: str, target: str | None, small: bool = True) -> str:
    """What is wrong with a compiled Program, shown on as small a one as is found."""
    sort = difference(sample, mode, target).split(":")[0]
    recipe = sample.recipe
    if small:  # the same sort of failure: it must not become another one
        recipe = smaller(recipe, lambda s: difference(s, mode, target).split(":")[0] == sort)
    return f"{difference(sample_of(recipe), mode, target)}\n{described(recipe)}"


def described(recipe: Recipe) -> str:
    """The Program of a recipe, and code that makes it; large arrays are drawn again there."""
    lines = [str(sample_of(recipe).program), "", "import numpy as np", "from surefit.core import ops"]
    lines += ["from surefit.core.program import record", "from surefit.core.leaves import State", ""]
    names = [*(f"x{i}" for i in range(len(recipe.inputs))), *(f"s{i}.detach()" for i in range(len(recipe.state)))]
    lines += [f"s{i} = State({_code(a)}, 's{i}')" for i, a in enumerate(recipe.state)]
    lines += [f"def f({', '.join(names[: len(recipe.inputs)])}):"]
    for k, step in enumerate(recipe.steps):
        args = [names[a] if isinstance(a, int) else _code(a) for a in step.args]
        args += [f"{n}={f'np.dtype({str(v)!r})' if isinstance(v, np.dtype) else v}" for n, v in step.params.items()]
        lines.append(f"    t{k} = ops.TABLE[{step.op.name!r}]({', '.join(args)})")
        names.append(f"t{k}")
    first = len(recipe.inputs)
    lines += [f"    s{i - first}.assign({names[k]})" for i, k in recipe.assigned]
    lines += [f"    return [{', '.join(names[i] for i in recipe.outputs)}]"]
    lines += [f"inputs = [{', '.join(map(_code, recipe.inputs))}]", "program = record(f, *inputs)"]
    return "\n".join(lines)


def _code(a: np.ndarray) -> str:
    if not a.size:
        return f"np.zeros({a.shape}, {str(a.dtype)!r})"
    if a.size <= 64:
        kind = ".view(ops.Literal)" if isinstance(a, ops.Literal) else ""
        numbers = repr(a.tolist()).replace("nan", "np.nan").replace("inf", "np.inf")
        return f"np.array({numbers}, {str(a.dtype)!r}).reshape({a.shape}){kind}"
    if a.dtype.kind == "f":
        return f"np.random.default_rng(0).normal(size={a.shape}).astype({str(a.dtype)!r})"
    low, high = (0, 2) if a.dtype == ops.bool_ else (int(a.min()), int(a.max()) + 1)
    return f"np.random.default_rng(0).integers({low}, {high}, {a.shape}).astype({str(a.dtype)!r})"
