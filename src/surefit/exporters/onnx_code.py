"""A model as an ONNX file: opset 18, IR version 8, for any number of points where the model allows it.

Functions that ONNX lacks, or that runtimes have in float32 only, are put together from those it has, without losing
digits where numbers are small.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from surefit.errors import MissingExtraError
from surefit.exporters.batched import Batched, Size
from surefit.exporters.exportable import Exportable, identifier, refuse
from surefit.ir import coefficients
from surefit.ir.graph import Node

OPSET, IR = 18, 8
SAME = {
    "add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "matmul": "MatMul", "pow": "Pow", "maximum": "Max",
    "minimum": "Min", "eq": "Equal", "lt": "Less", "le": "LessOrEqual", "gt": "Greater", "ge": "GreaterOrEqual",
    "logical_and": "And", "logical_or": "Or", "logical_xor": "Xor", "logical_not": "Not", "where": "Where",
    "neg": "Neg", "abs": "Abs", "sqrt": "Sqrt", "exp": "Exp", "log": "Log", "sin": "Sin", "cos": "Cos",
    "tanh": "Tanh", "sigmoid": "Sigmoid", "relu": "Relu", "floor": "Floor", "ceil": "Ceil", "copy": "Identity",
}  # fmt: skip


def package() -> ModuleType:
    """The package onnx. MissingExtraError: it is not installed."""
    try:
        import onnx
    except ImportError:
        raise MissingExtraError('ONNX needs the package onnx: pip install "surefit[onnx]"') from None
    return onnx


class _Writer:
    """Nodes and weights of an ONNX graph."""

    def __init__(self, model: Exportable) -> None:
        self.onnx = package()
        self.graph = Batched(model)
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self.seen: dict[Any, str] = {}
        self.names: dict[int, str] = {self.graph.points.id: "x"}
        self.dtypes: dict[str, np.dtype] = {"x": model.dtype}
        self.counts: dict[str, int] = {}
        for n in self.graph.nodes:
            self.names[n.id] = self.write(n)
            self.dtypes[self.names[n.id]] = n.dtype

    # --- the raw level ---

    def weight(self, a: Any, dtype: Any = None, wish: str = "constant") -> str:
        """An array in the file; its name."""
        a = np.asarray(a, dtype)
        key = (a.dtype, a.shape, a.tobytes())
        if key not in self.seen:
            self.counts[wish] = self.counts.get(wish, 0) + 1
            self.seen[key] = f"{wish}_{self.counts[wish]}"
            self.weights.append(self.onnx.numpy_helper.from_array(a, self.seen[key]))
        return self.seen[key]

    def node(self, op: str, *args: str, **attributes: Any) -> str:
        """A node with one result; the name of that."""
        word = op.lower()
        self.counts[word] = self.counts.get(word, 0) + 1
        out = f"{word}_{self.counts[word]}"
        self.nodes.append(self.onnx.helper.make_node(op, list(args), [out], name=out, **attributes))
        return out

    def value(self, n: Node) -> str:
        if n.id in self.graph.known and n.id not in self.names:
            wish = "weight" if n.size > 1 else "constant"
            self.names[n.id] = self.weight(self.graph.known[n.id], wish=wish)
        return self.names[n.id]

    def shape(self, shape: tuple[int, ...], guess: bool = True) -> str:
        """A shape as a tensor; guess: one growing size may be -1."""
        grows = [s for s in shape if isinstance(s, Size)]
        if not grows:
            return self.weight([int(s) for s in shape], np.int64, "shape")
        if guess and len(grows) == 1:
            return self.weight([-1 if isinstance(s, Size) else int(s) for s in shape], np.int64, "shape")
        if "n" not in self.names:
            size = self.node("Shape", "x", start=0, end=1)
            self.names["n"] = size  # type: ignore[index]
        n = self.names["n"]  # type: ignore[index]
        parts = []
        for s in shape:
            if not isinstance(s, Size):
                parts.append(self.weight([int(s)], np.int64, "size"))
            else:
                parts.append(n if s.times == 1 else self.node("Mul", n, self.weight([s.times], np.int64, "size")))
        return self.node("Concat", *parts, axis=0)

    def number(self, x: float, dtype: np.dtype) -> str:
        return self.weight(np.array(x, dtype))

    # --- primitives ---

    def write(self, n: Node) -> str:
        """A node of ours; the name of its result."""
        args = [self.value(a) for a in n.args]
        special = getattr(self, "_" + n.op, None)
        if special is not None:
            return str(special(n, *args))
        dtype = n.args[0].dtype if n.args else n.dtype
        if n.op in COMPOSED:
            return COMPOSED[n.op](_Math(self, dtype), *args)
        if n.op in SAME:
            if dtype == np.bool_ and n.op in ("add", "mul", "maximum", "minimum"):
                return self.node("Or" if n.op in ("add", "maximum") else "And", *args)
            if dtype == np.bool_ and n.op == "relu":
                return self.node("Identity", *args)
            return self.node(SAME[n.op], *args)
        raise refuse("ONNX", n.op)

    def _ne(self, n: Node, a: str, b: str) -> str:
        return self.node("Not", self.node("Equal", a, b))

    def _square(self, n: Node, a: str) -> str:
        return self.node("Mul", a, a)

    def _cast(self, n: Node, a: str) -> str:
        return self.node("Cast", a, to=self.onnx.helper.np_dtype_to_tensor_dtype(n.dtype))

    def _transpose(self, n: Node, a: str) -> str:
        return self.node("Transpose", a, perm=[int(i) for i in n.params["axes"]])

    def _reshape(self, n: Node, a: str) -> str:
        return self.node("Reshape", a, self.shape(n.shape))

    def _broadcast_to(self, n: Node, a: str) -> str:
        return self.node("Expand", a, self.shape(n.shape, guess=False))

    def _slice(self, n: Node, a: str) -> str:
        p, shape = n.params, n.args[0].shape
        axes = [i for i, s in enumerate(shape) if (p["start"][i], p["stop"][i], p["step"][i]) != (0, s, 1)]
        far = 2**62
        ends = [far if p["stop"][i] == shape[i] else int(p["stop"][i]) for i in axes]
        lists = [[int(p["start"][i]) for i in axes], ends, axes, [int(p["step"][i]) for i in axes]]
        return self.node("Slice", a, *(self.weight(v, np.int64, "slice") for v in lists))

    def _flip(self, n: Node, a: str) -> str:
        axes = [int(i) for i in n.params["axes"]]
        lists = [[-1] * len(axes), [-(2**62)] * len(axes), axes, [-1] * len(axes)]
        return self.node("Slice", a, *(self.weight(v, np.int64, "slice") for v in lists))

    def _window(self, n: Node, a: str) -> str:
        p, rank = n.params, len(n.args[0].shape)
        for k, axis in enumerate(p["axes"]):
            index = np.arange(n.shape[axis])[:, None] * p["stride"][k] + np.arange(p["size"][k]) * p["dilation"][k]
            a = self.node("Gather", a, self.weight(index, np.int64, "places"), axis=axis)
            whole = rank + k + 1
            a = self.node("Transpose", a, perm=[i for i in range(whole) if i != axis + 1] + [axis + 1])
        return a

    def _pad(self, n: Node, a: str) -> str:
        p = n.params
        if any(p["interior"]):
            raise refuse("ONNX", "pad with gaps")
        pads = self.weight([int(v) for v in (*p["low"], *p["high"])], np.int64, "pads")
        return self.node("Pad", a, pads, self.weight(np.array(p["value"], n.dtype)))

    def _take(self, n: Node, a: str, index: str) -> str:
        return self.node("Gather", a, index, axis=int(n.params["axis"]))

    def _concatenate(self, n: Node, *args: str) -> str:
        return self.node("Concat", *args, axis=int(n.params["axis"]))

    def _reduced(self, op: str, n: Node, a: str) -> str:
        if n.args[0].dtype != n.dtype:
            a = self._cast(n, a)
        return self.node(op, a, self.weight([int(i) for i in n.params["axes"]], np.int64, "axes"), keepdims=0)

    def _sum(self, n: Node, a: str) -> str:
        return self._reduced("ReduceSum", n, a)

    def _prod(self, n: Node, a: str) -> str:
        return self._reduced("ReduceProd", n, a)

    def _amax(self, n: Node, a: str) -> str:
        return self._reduced("ReduceMax", n, a)

    def _argmax(self, n: Node, a: str) -> str:
        return self.node("ArgMax", a, axis=int(n.params["axis"]), keepdims=0)

    def _cumsum(self, n: Node, a: str) -> str:
        if n.args[0].dtype != n.dtype:
            a = self._cast(n, a)
        return self.node("CumSum", a, self.weight(n.params["axis"], np.int64, "axis"))

    def _iota(self, n: Node) -> str:
        if isinstance(n.params["size"], Size):
            none = self.weight([0], np.int64, "axis")
            stop = self.node("Squeeze", self.shape((n.params["size"],), guess=False), none)
            counted = self.node("Range", self.weight(0, np.int64), stop, self.weight(1, np.int64))
            return counted if n.dtype == np.int64 else self._cast(n, counted)
        return self.weight(np.arange(n.params["size"], dtype=n.dtype))


class _Math:
    """Formulas in nodes: each method is a node, numbers are constants of the dtype at hand."""

    def __init__(self, writer: _Writer, dtype: np.dtype) -> None:
        self.w, self.dtype = writer, dtype

    def __getattr__(self, op: str) -> Callable[..., str]:
        def node(*args: Any) -> str:
            named = [a if isinstance(a, str) else self.w.number(a, self.dtype) for a in args]
            return self.w.node(op, *named)

        return node

    def sign_of(self, a: str, x: str) -> str:
        """|a| with the sign of x, 0 for x = 0."""
        return self.Mul(self.Sign(x), a)

    def horner(self, x: str, c: tuple[float, ...]) -> str:
        y: Any = c[-1]
        for a in reversed(c[:-1]):
            y = self.Add(self.Mul(y, x), a)
        return str(y)

    def expm1(self, x: str) -> str:
        """tanh(x/2) (e^x + 1), which loses nothing near 0; far out e^x."""
        near = self.Mul(self.Tanh(self.Mul(x, 0.5)), self.Add(self.Exp(x), 1.0))
        return self.Where(self.Less(self.Abs(x), 1.0), near, self.Sub(self.Exp(x), 1.0))

    def log1p(self, x: str) -> str:
        """log(u) x / (u - 1), u = 1 + x (Kahan); far out log(u)."""
        u = self.Add(x, 1.0)
        d = self.Sub(u, 1.0)
        one, far = self.Equal(d, 0.0), self.Greater(x, 1e5)
        near = self.Div(self.Mul(self.Log(u), x), self.Where(self.Or(one, far), 1.0, d))
        return self.Where(one, x, self.Where(far, self.Log(u), near))

    def softplus(self, x: str) -> str:
        return self.Add(self.Max(x, 0.0), self.log1p(self.Exp(self.Neg(self.Abs(x)))))

    def atan(self, x: str) -> str:
        """By atan(a) = pi/4 + atan((a - 1) / (a + 1)) and a polynomial, as the compiler's."""
        a = self.Abs(x)
        middle, outer = self.Greater(a, 0.66), self.Greater(a, 1.9)
        safe = self.Min(a, 1e30)
        above = self.Where(outer, -1.0, self.Where(middle, self.Sub(safe, 1.0), safe))
        below = self.Where(outer, safe, self.Where(middle, self.Add(safe, 1.0), 1.0))
        t = self.Div(above, below)
        z = self.Mul(t, t)
        base = self.Where(outer, math.pi / 2, self.Where(middle, math.pi / 4, 0.0))
        y = self.Add(base, self.Add(t, self.Mul(self.Mul(t, z), self.horner(z, coefficients.ATAN_F64))))
        return self.sign_of(y, x)

    def asin(self, x: str) -> str:
        return self.atan(self.Div(x, self.Sqrt(self.Mul(self.Sub(1.0, x), self.Add(x, 1.0)))))

    def acos(self, x: str) -> str:
        """2 atan(sqrt((1 - x) / (1 + x)))."""
        return self.Mul(self.atan(self.Sqrt(self.Div(self.Sub(1.0, x), self.Add(x, 1.0)))), 2.0)

    def sinh(self, x: str) -> str:
        e = self.expm1(self.Min(self.Abs(x), 700.0 if self.dtype == np.float64 else 88.0))
        return self.sign_of(self.Mul(self.Add(e, self.Div(e, self.Add(e, 1.0))), 0.5), x)

    def cosh(self, x: str) -> str:
        e = self.Exp(self.Abs(x))
        return self.Mul(self.Add(e, self.Div(1.0, e)), 0.5)

    def asinh(self, x: str) -> str:
        a = self.Abs(x)
        square = self.Mul(a, a)
        root = self.Add(self.Sqrt(self.Add(square, 1.0)), 1.0)
        return self.sign_of(self.log1p(self.Add(a, self.Div(square, root))), x)

    def acosh(self, x: str) -> str:
        d = self.Sub(x, 1.0)
        return self.log1p(self.Add(d, self.Sqrt(self.Mul(d, self.Add(x, 1.0)))))

    def atanh(self, x: str) -> str:
        a = self.Abs(x)
        half = self.Mul(self.log1p(self.Div(self.Add(a, a), self.Sub(1.0, a))), 0.5)
        return self.sign_of(half, x)

    def atan2(self, y: str, x: str) -> str:
        steep = self.Greater(self.Abs(y), self.Abs(x))
        zero = self.And(self.Equal(x, 0.0), self.Equal(y, 0.0))
        below = self.Where(zero, 1.0, self.Where(steep, y, x))
        t = self.atan(self.Div(self.Where(steep, x, y), below))
        left = self.Less(x, 0.0)
        up = self.Where(self.Less(y, 0.0), -1.0, self.Where(zero, 0.0, 1.0))
        flat = self.Add(t, self.Where(left, self.Mul(up, math.pi), 0.0))
        return self.Where(steep, self.Sub(self.Mul(up, math.pi / 2), t), flat)

    def erf(self, x: str) -> str:
        a = self.Abs(x)
        z = self.Mul(x, x)
        high, low = coefficients.TWO_OVER_ROOT_PI_F64
        near = self.Mul(x, self.Add(self.Mul(z, self.horner(z, coefficients.ERF_F64)), high + low))
        g = self.horner(self.Sub(self.Min(a, 5.95), 0.625), coefficients.ERFC_F64)
        far = self.sign_of(self.Neg(self.expm1(self.Neg(g))), x)
        return self.Where(self.Less(a, 0.625), near, far)

    def erfc(self, x: str) -> str:
        a = self.Min(self.Abs(x), 27.5 if self.dtype == np.float64 else 10.0)
        q = self.Div(self.Sub(a, 3.0), self.Add(a, 3.0))
        far = self.Exp(self.Neg(self.Mul(a, a)))
        far = self.Div(self.Mul(far, self.horner(q, coefficients.ERFCX_F64)), self.Add(self.Add(a, a), 1.0))
        far = self.Where(self.Less(x, 0.0), self.Sub(2.0, far), far)
        return self.Where(self.Less(self.Abs(x), 0.625), self.Sub(1.0, self.erf(x)), far)

    def hypot(self, a: str, b: str) -> str:
        p, q = self.Abs(a), self.Abs(b)
        large = self.Max(p, q)
        ratio = self.Div(self.Min(p, q), self.Where(self.Equal(large, 0.0), 1.0, large))
        return self.Mul(large, self.Sqrt(self.Add(self.Mul(ratio, ratio), 1.0)))

    def logaddexp(self, a: str, b: str) -> str:
        return self.Add(self.Max(a, b), self.log1p(self.Exp(self.Neg(self.Abs(self.Sub(a, b))))))

    def floor_divide(self, a: str, b: str) -> str:
        return self.Floor(self.Div(a, b)) if self.dtype.kind == "f" else self.Div(self.Sub(a, self.remainder(a, b)), b)

    def remainder(self, a: str, b: str) -> str:
        if self.dtype.kind != "f":
            return self.Mod(a, b)
        m = self.w.node("Mod", a, b, fmod=1)
        turned = self.And(self.Not(self.Equal(m, 0.0)), self.Xor(self.Less(m, 0.0), self.Less(b, 0.0)))
        return self.Where(turned, self.Add(m, b), m)

    def fmod(self, a: str, b: str) -> str:
        return self.w.node("Mod", a, b, fmod=1)

    def sign(self, x: str) -> str:
        return self.Sign(x)

    def trunc(self, x: str) -> str:
        return self.Where(self.Less(x, 0.0), self.Ceil(x), self.Floor(x)) if self.dtype.kind == "f" else x

    def round(self, x: str) -> str:
        return self.Round(x) if self.dtype.kind == "f" else x


COMPOSED: dict[str, Callable[..., str]] = {
    name: getattr(_Math, name)
    for name in (
        "expm1 log1p softplus asin acos atan sinh cosh asinh acosh atanh atan2 erf erfc hypot logaddexp floor_divide "
        "remainder fmod sign trunc round"
    ).split()
} | {
    "tan": lambda m, x: m.Div(m.Sin(x), m.Cos(x)),
    "exp2": lambda m, x: m.Exp(m.Mul(x, math.log(2))),
    "log2": lambda m, x: m.Div(m.Log(x), math.log(2)),
    "log10": lambda m, x: m.Div(m.Log(x), math.log(10)),
    "cbrt": lambda m, x: m.sign_of(m.Pow(m.Abs(x), 1 / 3), x),
}  # fmt: skip


def onnx_model(model: Exportable) -> Any:
    """The model as an onnx.ModelProto, checked. x: points (n, d); y: values (n, k)."""
    w = _Writer(model)
    onnx = w.onnx
    helper = onnx.helper
    out = w.value(w.graph.result)
    nodes = [*w.nodes, helper.make_node("Identity", [out], ["y"], name="result")]
    kind = helper.np_dtype_to_tensor_dtype(model.dtype)
    n = "n" if w.graph.free else 1
    x = helper.make_tensor_value_info("x", kind, [n, len(model.inputs)], doc_string=", ".join(model.inputs))
    y = helper.make_tensor_value_info("y", kind, [n, len(model.outputs)], doc_string=", ".join(model.outputs))
    graph = helper.make_graph(nodes, identifier(model.name), [x], [y], w.weights, doc_string="\n".join(model.comment()))
    proto = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR, producer_name="surefit",
        doc_string=model.comment()[0],
    )  # fmt: skip
    about = {
        "inputs": ", ".join(model.inputs), "outputs": ", ".join(model.outputs),
        "domain_low": ", ".join(map(repr, model.low.tolist())),
        "domain_high": ", ".join(map(repr, model.high.tolist())),
        "about": "\n".join(model.comment()),
        "test_x": repr(model.points.tolist()), "test_y": repr(model.values()[0].tolist()),
    }  # fmt: skip
    helper.set_model_props(proto, about)
    onnx.checker.check_model(proto, full_check=True)
    return proto


__all__ = ["IR", "OPSET", "onnx_model", "package"]
