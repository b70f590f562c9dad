"""A recorded model as layers that bounds can go through: affine maps, and functions of one number each.

`lowered(program)` reads the Program of one evaluation, x (1, d) -> (1, k). What only moves numbers (reshape, take,
windows, ...) moves indices here; every linear primitive becomes an `Affine` node with the weights as they are stored,
so that nothing is rounded on the way; kinks (abs, maximum, leaky ReLU, clip) become affine nodes and ReLUs, exactly; a
product of two values becomes a difference of squares. A model that does anything else is refused by name.

Each node remembers the roundings of the primitives it stands for, which the deployed mode pays for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from surefit.bounds import interval as I
from surefit.bounds.activations import evaluated, seen
from surefit.bounds.interval import RULES, Range, as_range, gamma, largest_of
from surefit.core.order import BLOCK
from surefit.core.program import Constant, Equation, Program, Var
from surefit.errors import RecordError


@dataclass(frozen=True)
class Affine:
    """sum of W_i x_i + b over its sources. W (m, n) and b (m,) are exact but for their radii, None meaning 0.

    steps: roundings that one term may go through where the model runs; unit: half a unit in the last place there. One
    step is a rounding of the result. in_blocks: whether the products with the one source are rounded and summed in the
    order of core/order.py, and b is added to that.
    """

    sources: tuple[tuple[int, np.ndarray, np.ndarray | None], ...]
    b: np.ndarray
    b_radius: np.ndarray | None = None
    steps: int = 0
    unit: float = 2.0**-53
    in_blocks: bool = False

    @property
    def size(self) -> int:
        return len(self.b)


@dataclass(frozen=True)
class Unary:
    """A function of one number, applied to each element of a node.

    parameter: the constant inside of it, where it has one. ulps: by how much its kernel may be wrong where it runs.
    """

    source: int
    kind: str
    size: int
    parameter: float = 0.0
    ulps: float = 0.0
    unit: float = 2.0**-53


Node = Affine | Unary


@dataclass
class Network:
    """Nodes in order; node 0 is the input (a `None`), the last one the output (k,).

    divisors: of an affine node that divides its one source by floats, these (m,), whose reciprocals W only encloses.
    """

    inputs: int
    nodes: list[Node | None] = field(default_factory=lambda: [None])
    divisors: dict[int, np.ndarray] = field(default_factory=dict)

    @property
    def outputs(self) -> int:
        last = self.nodes[-1]
        assert last is not None
        return last.size

    def kinds(self) -> set[str]:
        """The functions in it."""
        return {n.kind for n in self.nodes if isinstance(n, Unary)}

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Values at points (n, d) -> (n, k) in float64, without any claim about rounding."""
        values: list[np.ndarray] = [x]
        with np.errstate(all="ignore"):
            for node in self.nodes[1:]:
                if isinstance(node, Affine):
                    y = np.broadcast_to(node.b, (len(x), node.size))
                    for source, w, _ in node.sources:
                        y = y + values[source] @ w.T
                else:
                    assert node is not None
                    y = evaluated(node.kind, values[node.source], node.parameter)
                values.append(y)
        return values[-1]

    def breakpoints(self) -> np.ndarray:
        """Of a network of one input: about where the units of its first hidden layer bend, (m,); no claim.

        Boxes that are cut there hold straight pieces, on which bounds by lines are exact.
        """
        affine: dict[int, tuple[np.ndarray, np.ndarray]] = {0: (np.ones(1), np.zeros(1))}
        found = [np.empty(0)]
        with np.errstate(all="ignore"):
            for i, node in enumerate(self.nodes):
                if isinstance(node, Affine) and all(j in affine for j, _, _ in node.sources):
                    parts = [(w @ affine[j][0], w @ affine[j][1]) for j, w, _ in node.sources]
                    slope = sum((p[0] for p in parts), np.zeros(node.size))
                    affine[i] = (slope, sum((p[1] for p in parts), np.array(node.b)))
                elif isinstance(node, Unary) and node.kind in ("relu", "abs") and node.source in affine:
                    slope, offset = affine[node.source]
                    found.append(-offset / slope)
        places = np.concatenate(found)
        return places[np.isfinite(places)]

    def size_of(self, i: int) -> int:
        node = self.nodes[i]
        return self.inputs if node is None else node.size


class Unsupported(RecordError):
    """A model does something that no bound goes through."""


@dataclass(frozen=True)
class _Sym:
    """An array whose elements are elements of a node: index (shape), -1 for a zero."""

    node: int
    index: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        return self.index.shape


@dataclass(frozen=True)
class _Cond:
    """A comparison of an array with constants, waiting for its `where`."""

    op: str
    x: Any
    bound: Any


UNARY_KINDS = {
    "tanh", "sigmoid", "softplus", "sin", "cos", "exp", "expm1", "erf", "atan", "square", "relu", "log", "sqrt",
    "sinh", "cosh", "asinh", "log1p", "exp2",
}  # fmt: skip
_MOVES = {"reshape", "transpose", "broadcast_to", "flip", "slice", "window"}
# of constants: these give one of the numbers they are given, or a whole one
_UNROUNDED = {
    "take", "concatenate", "pad", "neg", "abs", "relu", "maximum", "minimum", "amax", "where", "sign", "floor", "ceil",
    "round", "trunc",
}  # fmt: skip
_UNITS = {np.dtype(np.float32): 2.0**-24, np.dtype(np.float64): 2.0**-53}
MOST_WEIGHTS = 60_000_000  # entries of one dense matrix, half a GB


def lowered(program: Program, ulps: Callable[[str, np.dtype], float] | None = None, strict: bool = True) -> Network:
    """The network of a Program with one input (1, d) or (d,) and one output (1, k) or (k,).

    ulps: the error of the kernel of a primitive in a dtype, in units in the last place; None: exact arithmetic on the
    stored numbers, in which roundings cost nothing. strict: sums are taken in the order of core/order.py, else in any
    order. Unsupported names what cannot be bounded.
    """
    return _Lowering(program, ulps, strict).run()


class _Lowering:
    def __init__(self, program: Program, ulps: Callable[[str, np.dtype], float] | None, strict: bool) -> None:
        self.program, self.strict, self.deployed = program, strict, ulps is not None
        self.ulps = ulps or (lambda name, dtype: 0.0)
        self.env: dict[Var, Any] = {}
        if len(program.inputs) != 1 or len(program.outputs) != 1:
            raise Unsupported(
                f"certify: the model takes {len(program.inputs)} arrays and returns {len(program.outputs)}; it must "
                f"map one array of points to one of values"
            )
        self.net = Network(int(np.prod(program.inputs[0].shape)))
        self.made: dict[Var, Equation] = {e.result: e for e in program.equations}
        self.scaled: dict[int, tuple[_Sym, Range]] = {}  # node -> what it is a multiple of, and the factors

    def run(self) -> Network:
        p = self.program
        env = self.env
        env[p.inputs[0]] = _Sym(0, np.arange(self.net.inputs).reshape(p.inputs[0].shape))
        for t, v in p.state_in:
            env[v] = as_range(p._present(t))

        def value(a: Var | Constant) -> Any:
            return env[a] if isinstance(a, Var) else as_range(a.value)

        for e in p.equations:
            args = [value(a) for a in e.args]
            unknown = next((a for a in args if isinstance(a, Unsupported)), None)
            try:  # a part of a composite need not be anything on its own: it is refused when something else needs it
                found = self.whole(e) if unknown is not None else self.equation(e, args)
                env[e.result] = unknown if found is None else found
            except Unsupported as error:
                env[e.result] = Unsupported(f"{error}{f' (at {e.line})' if e.line else ''}")
        out = value(p.outputs[0])
        if isinstance(out, Unsupported):
            raise out
        if not isinstance(out, _Sym):
            out = self.affine([], self.flat(out), out.shape)
        if not (out.node == len(self.net.nodes) - 1 and isinstance(self.net.nodes[-1], Affine) and _whole(out)):
            out = self.gathered(out)
        return _pruned(self.net, out.node)

    # --- one equation ---

    def equation(self, e: Equation, args: list[Any]) -> Any:
        name, unit = e.op.name, _UNITS.get(e.result.dtype, 0.0)
        if all(isinstance(a, Range) for a in args):
            with np.errstate(all="ignore"):
                y = RULES[name](*args, **e.params) if name in RULES else self.refuse(e)
            same = name in _MOVES or name in _UNROUNDED
            same |= name == "cast" and e.result.dtype.itemsize >= e.args[0].aval.dtype.itemsize
            if isinstance(y, Range) and unit and self.deployed and not same:  # it is computed in its own dtype there
                y = _widened(y, unit, *_terms(e, args, y))
            return y
        whole = self.whole(e)
        if whole is not None:
            return whole
        rule = getattr(self, f"do_{name}", None)
        if name in _MOVES:
            x = args[0]
            if isinstance(x, _Cond):
                return _Cond(x.op, self.moved(e, x.x), self.moved(e, x.bound))
            return self.moved(e, x)
        if rule is not None:
            return rule(e, args, unit)
        if name in UNARY_KINDS and isinstance(args[0], _Sym):
            return self.unary(args[0], name, unit, self.ulps(name, e.result.dtype) if name not in _EXACT else 0.5)
        return self.refuse(e)

    def refuse(self, e: Equation) -> Any:
        shown = ", ".join("?" if isinstance(a, Constant) else str(a.aval) for a in e.args)
        raise Unsupported(f"certify: the model uses {e.op.name}({shown}), through which no bounds are taken")

    def moved(self, e: Equation, x: Any) -> Any:
        if isinstance(x, Range):
            return RULES[e.op.name](x, **e.params)
        return _Sym(x.node, np.asarray(e.op.value(x.index, **e.params)))

    # --- building nodes ---

    def add_node(self, node: Node) -> int:
        if isinstance(node, Affine) and any(w.size > MOST_WEIGHTS for _, w, _ in node.sources):
            raise Unsupported("certify: a layer of this model is too large to be written as one matrix")
        self.net.nodes.append(node)
        return len(self.net.nodes) - 1

    def flat(self, r: Range) -> Range:
        if r.bad.any() or not (np.isfinite(r.low).all() and np.isfinite(r.high).all()):
            raise Unsupported("certify: a constant of the model is infinite or has no value")
        return Range(r.low.reshape(-1), r.high.reshape(-1))

    def affine(
        self, terms: list[tuple[int, np.ndarray, np.ndarray | None]], b: Range, shape: tuple[int, ...],
        steps: int = 0, unit: float = 2.0**-53, in_blocks: bool = False,
    ) -> _Sym:  # fmt: skip
        """A new node; terms of one source are added up, exactly where their entries do not meet."""
        middle = b.middle
        radius = np.where(b.low == b.high, 0.0, b.radius(middle))
        node = Affine(tuple(terms), middle, radius if radius.any() else None, steps, unit, in_blocks)
        return _Sym(self.add_node(node), np.arange(len(middle)).reshape(shape))

    def picks(self, x: _Sym) -> np.ndarray:
        """The matrix that takes the elements of an array out of its node."""
        w = np.zeros((x.index.size, self.net.size_of(x.node)))
        rows = np.flatnonzero(x.index.reshape(-1) >= 0)
        w[rows, x.index.reshape(-1)[rows]] = 1.0
        return w

    def gathered(self, x: _Sym) -> _Sym:
        zero = np.zeros(x.index.size)
        return self.affine([(x.node, self.picks(x), None)], Range(zero, zero), x.shape)

    def unary(self, x: _Sym, kind: str, unit: float, ulps: float, parameter: float = 0.0) -> _Sym:
        if not _whole(x) or x.index.size != self.net.size_of(x.node):
            x = self.gathered(x)
        n = x.index.size
        return _Sym(self.add_node(Unary(x.node, kind, n, parameter, ulps, unit)), np.arange(n).reshape(x.shape))

    def sum_of(self, parts: list[tuple[Any, float]], shape: tuple[int, ...], steps: int, unit: float) -> Any:
        """The sum of arrays times exact factors 1, -1."""
        zero = np.zeros(int(np.prod(shape)))
        b = Range(zero, zero)
        terms: dict[int, np.ndarray] = {}
        for x, sign in parts:
            if isinstance(x, Range):
                full = Range(*(np.broadcast_to(v, shape).reshape(-1) for v in (x.low, x.high)))
                b = I.add(b, full if sign > 0 else I.neg(full))
            else:
                w = self.picks(_Sym(x.node, np.broadcast_to(x.index, shape))) * sign
                terms[x.node] = terms[x.node] + w if x.node in terms else w  # of 0, 1, -1, 2: exact
        return self.affine([(n, w, None) for n, w in terms.items()], self.flat(b), shape, steps, unit)

    # --- linear primitives ---

    def do_cast(self, e: Equation, args: list[Any], unit: float) -> Any:
        x, old = args[0], e.args[0].aval.dtype
        if e.result.dtype.kind != "f" or old.kind != "f":
            return self.refuse(e)
        if e.result.dtype.itemsize >= old.itemsize:
            return x
        y = self.gathered(x)
        self.net.nodes[y.node] = replace(self.net.nodes[y.node], steps=1, unit=unit)  # type: ignore[type-var]
        return y

    def do_add(self, e: Equation, args: list[Any], unit: float, sign: float = 1.0) -> Any:
        a, b = args
        if isinstance(a, _Sym) and isinstance(b, Range) and self.foldable(a, e.result.shape, unit):
            node = self.net.nodes[a.node]
            assert isinstance(node, Affine)
            full = Range(*(np.broadcast_to(v, e.result.shape).reshape(-1) for v in (b.low, b.high)))
            full = self.flat(full if sign > 0 else I.neg(full))
            in_blocks = node.in_blocks and node.unit == unit
            sum_ = self.affine(list(node.sources), full, e.result.shape, node.steps + 1, unit, in_blocks)
            if a.node in self.net.divisors:
                self.net.divisors[sum_.node] = self.net.divisors[a.node]
            return sum_
        return self.sum_of([(a, 1.0), (b, sign)], e.result.shape, 1, unit)

    def do_sub(self, e: Equation, args: list[Any], unit: float) -> Any:
        return self.do_add(e, args, unit, -1.0)

    def foldable(self, x: _Sym, shape: tuple[int, ...], unit: float) -> bool:
        """Whether a constant may be added to the node itself: it is a product alone, in order."""
        node = self.net.nodes[x.node]
        if not isinstance(node, Affine) or node.b.any() or node.b_radius is not None:
            return False
        # a product in float32 that is added to in float64 keeps the roundings of float32
        return _whole(x) and x.shape == shape and (node.unit == unit or not node.steps)

    def do_neg(self, e: Equation, args: list[Any], unit: float) -> Any:
        return self.sum_of([(args[0], -1.0)], e.result.shape, 0, unit)

    def do_mul(self, e: Equation, args: list[Any], unit: float) -> Any:
        a, b = args
        if isinstance(a, Range):
            a, b = b, a
        if isinstance(b, Range):
            return self.times(a, b, e.result.shape, unit)
        shape = e.result.shape
        if a.node == b.node and a.shape == b.shape and np.array_equal(a.index, b.index):
            return self.unary(a, "square", unit, 0.5)
        plus = self.unary(self.sum_of([(a, 1.0), (b, 1.0)], shape, 0, unit), "square", unit, 0.0)
        minus = self.unary(self.sum_of([(a, 1.0), (b, -1.0)], shape, 0, unit), "square", unit, 0.0)
        n = plus.index.size
        quarter, zero = 0.25 * np.eye(n), np.zeros(n)
        # ((a + b)^2 - (a - b)^2) / 4, of which only the product is rounded
        return self.affine(
            [(plus.node, quarter, None), (minus.node, -quarter, None)], Range(zero, zero), shape, 1, unit
        )

    def do_div(self, e: Equation, args: list[Any], unit: float) -> Any:
        a, b = args
        if isinstance(b, Range):
            result = self.times(a, _reciprocal(b), e.result.shape, unit)
            if (b.low == b.high).all():
                self.net.divisors[result.node] = np.broadcast_to(b.low, e.result.shape).reshape(-1)
            return result
        one = self.unary(b, "reciprocal", unit, 0.5)
        if isinstance(a, Range):
            return self.times(one, a, e.result.shape, unit)
        return self.do_mul(e, [_broadcast(a, e), _broadcast(one, e)], unit)

    def times(self, x: _Sym, factor: Range, shape: tuple[int, ...], unit: float) -> Any:
        factor = self.flat(Range(*(np.broadcast_to(v, shape) for v in (factor.low, factor.high))))
        middle = factor.middle
        radius = np.where(factor.low == factor.high, 0.0, factor.radius(middle))
        full = _Sym(x.node, np.broadcast_to(x.index, shape))
        w = self.picks(full)
        zero = np.zeros(len(middle))
        result = self.affine(
            [(x.node, w * middle[:, None], w * radius[:, None] if radius.any() else None)],
            Range(zero, zero), shape, 1, unit,
        )  # fmt: skip
        self.scaled[result.node] = (full, factor)
        return result

    def do_matmul(self, e: Equation, args: list[Any], unit: float) -> Any:
        a, b = args
        if isinstance(a, _Sym) and isinstance(b, _Sym):
            return self.refuse(e)
        left = isinstance(a, _Sym)
        x, w = (a, b) if left else (b, a)
        shape = e.result.shape
        k = x.shape[-1] if left else x.shape[-2]
        lead = shape[:-2]
        idx = np.broadcast_to(x.index, (*lead, *x.shape[-2:]))
        low, high = (np.broadcast_to(v, (*lead, *w.shape[-2:])) for v in (w.low, w.high))
        # element (..., i, j) is the sum over k of x[..., i, k] w[..., k, j], or of w[..., i, k] x[..., k, j]
        if left:
            columns = np.broadcast_to(idx[..., :, None, :], (*shape, k))
            entries = [np.broadcast_to(np.swapaxes(v, -1, -2)[..., None, :, :], (*shape, k)) for v in (low, high)]
        else:
            columns = np.broadcast_to(np.swapaxes(idx, -1, -2)[..., None, :, :], (*shape, k))
            entries = [np.broadcast_to(v[..., :, None, :], (*shape, k)) for v in (low, high)]
        columns = columns.reshape(-1, k)
        if not _distinct(columns):
            x = self.gathered(x)
            return self.do_matmul(e, [x, w] if left else [w, x], unit)
        weights = self.flat(Range(*(v.reshape(-1) for v in entries)))
        middle = weights.middle.reshape(-1, k)
        radius = np.where(weights.low == weights.high, 0.0, weights.radius(weights.middle)).reshape(-1, k)
        matrix = np.zeros((len(columns), self.net.size_of(x.node)))
        rows = np.arange(len(columns))[:, None]
        there = columns >= 0
        matrix[np.broadcast_to(rows, columns.shape)[there], columns[there]] = middle[there]
        spread = None
        if radius.any():
            spread = np.zeros_like(matrix)
            spread[np.broadcast_to(rows, columns.shape)[there], columns[there]] = radius[there]
        zero = np.zeros(len(columns))
        ordered = self.strict and matrix.shape[1] == k and bool((columns == np.arange(k)).all())
        return self.affine([(x.node, matrix, spread)], Range(zero, zero), shape, self.sum_steps(k) + 1, unit, ordered)

    def sum_steps(self, n: int) -> int:
        """Roundings that a term of a sum of n may go through: the first one of a block is added to nothing."""
        return max(min(BLOCK, n) + -(-n // BLOCK) - 2 if self.strict else n - 1, 0)

    def do_sum(self, e: Equation, args: list[Any], unit: float) -> Any:
        x, axes = args[0], e.params["axes"]
        rest = tuple(i for i in range(len(x.shape)) if i not in axes)
        rows = x.index.transpose((*rest, *axes)).reshape(-1, int(np.prod([x.shape[i] for i in axes], initial=1)))
        if not _distinct(rows):
            return self.do_sum(e, [self.gathered(x)], unit)
        flat = _Sym(x.node, rows)
        w = np.zeros((len(rows), self.net.size_of(flat.node)))
        for j in range(rows.shape[1]):
            there = flat.index[:, j] >= 0
            w[np.flatnonzero(there), flat.index[there, j]] = 1.0
        zero = np.zeros(len(rows))
        steps = sum(self.sum_steps(x.shape[i]) for i in axes)
        return self.affine([(flat.node, w, None)], Range(zero, zero), e.result.shape, steps, unit)

    def do_concatenate(self, e: Equation, args: list[Any], unit: float) -> Any:
        if all(isinstance(a, _Sym) and a.node == args[0].node for a in args):
            return _Sym(args[0].node, np.concatenate([a.index for a in args], axis=e.params["axis"]))
        sizes = [int(np.prod(a.shape)) for a in args]
        places = np.concatenate(
            [np.arange(s).reshape(a.shape) + o for a, s, o in zip(args, sizes, np.cumsum([0, *sizes]), strict=False)],
            axis=e.params["axis"],
        ).reshape(-1)
        total = sum(sizes)
        zero = np.zeros(total)
        b = Range(zero.copy(), zero.copy())
        terms: dict[int, np.ndarray] = {}
        start = 0
        for a, s in zip(args, sizes, strict=True):
            if isinstance(a, Range):
                b.low[start : start + s], b.high[start : start + s] = a.low.reshape(-1), a.high.reshape(-1)
            else:
                w = terms.setdefault(a.node, np.zeros((total, self.net.size_of(a.node))))
                w[start : start + s] = self.picks(a)
            start += s
        moved: list[tuple[int, np.ndarray, np.ndarray | None]] = [(n, w[places], None) for n, w in terms.items()]
        return self.affine(moved, self.flat(Range(b.low[places], b.high[places])), e.result.shape)

    def do_pad(self, e: Equation, args: list[Any], unit: float) -> Any:
        p = e.params
        if p["value"] != 0:
            return self.refuse(e)
        x = args[0]
        return _Sym(x.node, np.asarray(e.op.value(x.index, p["low"], p["high"], p["interior"], -1)))

    def do_take(self, e: Equation, args: list[Any], unit: float) -> Any:
        x, index = args
        if not isinstance(x, _Sym) or not isinstance(index, Range):
            return self.refuse(e)
        return _Sym(x.node, np.take(x.index, index.low.astype(int), axis=e.params["axis"]))

    # --- kinks: exact as ReLUs, and without rounding where the model runs ---

    def relu_of(self, x: Any) -> _Sym:
        return self.unary(x, "relu", 2.0**-53, 0.0)

    def do_maximum(self, e: Equation, args: list[Any], unit: float) -> Any:
        a, b = args
        if isinstance(a, Range):
            a, b = b, a
        above = self.relu_of(self.sum_of([(a, 1.0), (b, -1.0)], e.result.shape, 0, unit))
        return self.sum_of([(b, 1.0), (above, 1.0)], e.result.shape, 0, unit)

    def do_minimum(self, e: Equation, args: list[Any], unit: float) -> Any:
        a, b = args
        if isinstance(a, Range):
            a, b = b, a
        beneath = self.relu_of(self.sum_of([(b, 1.0), (a, -1.0)], e.result.shape, 0, unit))
        return self.sum_of([(b, 1.0), (beneath, -1.0)], e.result.shape, 0, unit)

    def do_abs(self, e: Equation, args: list[Any], unit: float) -> Any:
        x, shape = args[0], e.result.shape
        right = self.relu_of(x)
        left = self.relu_of(self.sum_of([(x, -1.0)], shape, 0, unit))
        return self.sum_of([(right, 1.0), (left, 1.0)], shape, 0, unit)

    def do_amax(self, e: Equation, args: list[Any], unit: float) -> Any:
        x, axes = args[0], e.params["axes"]
        rest = tuple(i for i in range(len(x.shape)) if i not in axes)
        rows = x.index.transpose((*rest, *axes)).reshape(-1, int(np.prod([x.shape[i] for i in axes], initial=1)))
        best: Any = _Sym(x.node, rows[:, 0])
        for j in range(1, rows.shape[1]):
            other = _Sym(x.node, rows[:, j])
            above = self.relu_of(self.sum_of([(other, 1.0), (best, -1.0)], best.shape, 0, unit))
            best = self.sum_of([(best, 1.0), (above, 1.0)], best.shape, 0, unit)
        return _Sym(best.node, best.index.reshape(e.result.shape))

    def do_pow(self, e: Equation, args: list[Any], unit: float) -> Any:
        x, n = args
        if isinstance(x, _Sym) and isinstance(n, Range) and (n.low == 2).all() and (n.high == 2).all():
            return self.unary(x, "square", unit, self.ulps("pow", e.result.dtype))
        return self.refuse(e)

    def _compare(self, e: Equation, args: list[Any], unit: float) -> Any:
        return _Cond(e.op.name, args[0], args[1])

    do_gt = do_lt = do_ge = do_le = _compare

    def do_where(self, e: Equation, args: list[Any], unit: float) -> Any:
        """Leaky ReLU: where(x > 0, x, c x) is c x + (1 - c) relu(x); c x is rounded once."""
        c, a, b = args
        if isinstance(c, _Cond) and c.op in ("lt", "le"):  # where(x < 0, c x, x) is where(x >= 0, x, c x)
            c, a, b = _Cond("ge", c.x, c.bound), b, a
        if isinstance(c, _Cond) and c.op in ("gt", "ge") and isinstance(c.x, _Sym) and isinstance(a, _Sym):
            zero = isinstance(c.bound, Range) and not c.bound.low.any() and not c.bound.high.any()
            multiple = self.scaled.get(b.node) if isinstance(b, _Sym) and _whole(b) else None
            if zero and multiple is not None and _same(a, c.x) and _same(multiple[0], c.x):
                slope = multiple[1]
                positive = self.relu_of(a)
                rest = I.sub(1.0, slope)
                steep = self.times(
                    positive, Range(rest.low.reshape(a.shape), rest.high.reshape(a.shape)), a.shape, unit
                )
                lean = self.times(a, Range(slope.low.reshape(a.shape), slope.high.reshape(a.shape)), a.shape, unit)
                return self.sum_of([(steep, 1.0), (lean, 1.0)], e.result.shape, 0, unit)
        return self.refuse(e)

    # --- functions that are written as several primitives ---

    def whole(self, e: Equation) -> Any:
        """A composite function of one array, seen from its last primitive; None where it is none."""
        found = seen(e, self.made)
        if found is None:
            return None
        (kind, var, parameter), constants = found
        x, unit, dtype = self.env[var], _UNITS.get(e.result.dtype, 2.0**-53), e.result.dtype
        if not isinstance(x, _Sym) or x.shape != e.result.shape:
            return None
        if kind == "clip":  # the branches agree
            return self.env[e.args[2]]  # type: ignore[index]
        if kind in ("elu", "celu"):  # relu(x) + alpha (exp(-relu(-x)) - 1), of which one part is 0
            left = self.sum_of([(self.relu_of(self.sum_of([(x, -1.0)], x.shape, 0, unit)), -1.0)], x.shape, 0, unit)
            alpha = as_range(np.full(x.shape, constants["alpha"]))
            if kind == "celu":  # exp(-relu(-x) / alpha)
                left = self.times(left, _reciprocal(alpha), x.shape, unit)
            bent = self.unary(left, "expm1", unit, self.ulps("expm1", dtype))
            return self.sum_of(
                [(self.relu_of(x), 1.0), (self.times(bent, alpha, x.shape, unit), 1.0)], x.shape, 0, unit
            )
        if kind == "hardswish":
            return self.hardswish(x, unit)
        ulps = 0.0
        if self.deployed:  # of gelu: of |x|, since 1 + erf may cancel
            ulps = self.ulps("sigmoid", dtype) + 2.0 if kind == "silu" else 2.0 * self.ulps("erf", dtype) + 6.0
        return self.unary(x, kind, unit, ulps, parameter)

    def hardswish(self, x: _Sym, unit: float) -> Any:
        """c (c + 3) / 6 + relu(x - 3), c = x within [-3, 3]; a sum, a product and a quotient are rounded."""
        three = as_range(np.full(x.shape, 3.0))
        above = self.relu_of(self.sum_of([(x, 1.0), (three, -1.0)], x.shape, 0, unit))
        from_low = self.relu_of(self.sum_of([(x, 1.0), (three, 1.0)], x.shape, 0, unit))
        c = self.sum_of([(from_low, 1.0), (above, -1.0), (three, -1.0)], x.shape, 0, unit)
        sixth = self.times(
            self.unary(c, "square", unit, 0.0), _reciprocal(as_range(np.full(x.shape, 6.0))), x.shape, unit
        )
        half = self.times(c, as_range(np.full(x.shape, 0.5)), x.shape, unit)
        return self.sum_of([(sixth, 1.0), (half, 1.0), (above, 1.0)], x.shape, 3, unit)


_EXACT = {"relu", "square", "sqrt"}  # correctly rounded: half a unit in the last place


def _whole(x: _Sym) -> bool:
    """Whether the elements are those of the node, in order, from the first."""
    flat = x.index.reshape(-1)
    return bool((flat == np.arange(len(flat))).all())


def _same(a: _Sym, b: _Sym) -> bool:
    return a.node == b.node and a.shape == b.shape and np.array_equal(a.index, b.index)


def _distinct(rows: np.ndarray) -> bool:
    """Whether no element of the node comes twice in a row (n, k), so that no weights have to be added up."""
    ordered = np.sort(rows, axis=-1)
    return not bool(((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any())


def _broadcast(x: _Sym, e: Equation) -> _Sym:
    return _Sym(x.node, np.broadcast_to(x.index, e.result.shape))


def _reciprocal(b: Range) -> Range:
    """1 / b, without a rounding where it is a power of two."""
    per, exact = I.div(1.0, b), (b.low == b.high) & (np.abs(np.frexp(b.low)[0]) == 0.5) & (np.abs(b.low) > 2.0**-1000)
    with np.errstate(all="ignore"):
        return Range(np.where(exact, 1.0 / b.low, per.low), np.where(exact, 1.0 / b.low, per.high), per.bad)


def _terms(e: Equation, args: list[Any], y: Range) -> tuple[int, np.ndarray]:
    """How often a term of a constant may be rounded where the model runs, and what those roundings are relative to."""
    if e.op.name not in ("sum", "matmul"):
        return 16, y.size
    sizes = [Range(np.zeros(a.shape), a.size) for a in map(as_range, args)]
    many = sizes[0].shape[-1] if e.op.name == "matmul" else int(np.prod(sizes[0].shape))
    with np.errstate(all="ignore"):
        return many + 16, RULES[e.op.name](*sizes, **e.params).high


def _widened(r: Range, unit: float, steps: int, size: np.ndarray) -> Range:
    """A constant as it may be where it is computed with this unit; everything, where it may overflow there."""
    single = unit > 2.0**-30
    slack = gamma(steps, unit) * size + steps * (2.0**-126 if single else 2.0**-1022)
    fine = size < largest_of(unit)
    low, high = I.down(r.low - slack), I.up(r.high + slack)
    return Range(np.where(fine, low, -np.inf), np.where(fine, high, np.inf), r.bad)


def _pruned(net: Network, last: int) -> Network:
    """Only the nodes that the last one needs, numbered again."""
    needed = {last, 0}
    for i in range(last, 0, -1):
        if i in needed:
            node = net.nodes[i]
            needed |= {s for s, _, _ in node.sources} if isinstance(node, Affine) else {node.source}  # type: ignore[union-attr]
    order = sorted(needed)
    new = {old: k for k, old in enumerate(order)}
    result = Network(net.inputs, divisors={new[i]: d for i, d in net.divisors.items() if i in new})
    for i in order[1:]:
        node = net.nodes[i]
        if isinstance(node, Affine):
            node = replace(node, sources=tuple((new[s], w, r) for s, w, r in node.sources))
        elif isinstance(node, Unary):
            node = replace(node, source=new[node.source])
        result.nodes.append(node)
    return result


__all__ = ["Affine", "Network", "Node", "Unary", "Unsupported", "lowered"]
