"""A model as one Python file that needs NumPy alone and can be read."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from surefit.exporters.batched import Batched, Size
from surefit.exporters.exportable import Exportable, plain, refuse
from surefit.ir import coefficients
from surefit.ir.graph import Node

BINARY = {"add": "+", "sub": "-", "mul": "*", "div": "/", "matmul": "@", "eq": "==", "ne": "!=", "lt": "<", "le": "<=",
          "gt": ">", "ge": ">=", "floor_divide": "//", "remainder": "%", "pow": "**"}  # fmt: skip
CALLS = {
    "maximum": "maximum", "minimum": "minimum", "where": "where", "sqrt": "sqrt", "exp": "exp", "expm1": "expm1",
    "log": "log", "log1p": "log1p", "sin": "sin", "cos": "cos", "tan": "tan", "asin": "arcsin", "acos": "arccos",
    "atan": "arctan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "asinh": "arcsinh", "acosh": "arccosh",
    "atanh": "arctanh", "floor": "floor", "ceil": "ceil", "round": "round", "trunc": "trunc", "exp2": "exp2",
    "log2": "log2", "log10": "log10", "cbrt": "cbrt", "hypot": "hypot", "logaddexp": "logaddexp", "fmod": "fmod",
    "atan2": "arctan2", "abs": "abs", "sign": "sign", "square": "square", "logical_and": "logical_and",
    "logical_or": "logical_or", "logical_xor": "logical_xor", "logical_not": "logical_not",
}  # fmt: skip


def _polynomial(c: tuple[float, ...]) -> str:
    """Coefficients for a helper, the first of the lowest degree."""
    return "(" + ", ".join(map(repr, c)) + ",)"


HELPERS = {
    "sigmoid": """def sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)""",
    "softplus": """def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))""",
    "relu": """def relu(x):
    return np.maximum(x, 0)""",
    "horner": """def horner(x, coefficients):
    y = np.zeros_like(x)
    for c in reversed(coefficients):
        y = y * x + c
    return y""",
    "erf": f"""def erf(x):
    x = np.asarray(x)
    t = x.astype(np.float64)
    a = np.abs(t)
    near = t * {coefficients.TWO_OVER_ROOT_PI_F64[0]!r} + t * t * t * horner(t * t, {_polynomial(coefficients.ERF_F64)})
    far = -np.expm1(-horner(np.minimum(a, 5.95) - 0.625, {_polynomial(coefficients.ERFC_F64)}))
    return np.where(a < 0.625, near, np.copysign(far, t)).astype(x.dtype)""",
    "erfc": f"""def erfc(x):
    x = np.asarray(x)
    t = x.astype(np.float64)
    a = np.minimum(np.abs(t), 27.5)
    far = np.exp(-a * a) * horner((a - 3) / (a + 3), {_polynomial(coefficients.ERFCX_F64)}) / (2 * a + 1)
    return np.where(np.abs(t) < 0.625, 1 - erf(t), np.where(t < 0, 2 - far, far)).astype(x.dtype)""",
}
NEEDS = {"erf": ("horner",), "erfc": ("horner", "erf")}


class _Code:
    """The body of `evaluate`."""

    def __init__(self, model: Exportable) -> None:
        self.graph = Batched(model)
        self.names: dict[int, str] = {self.graph.points.id: "x"}
        self.tables: dict[str, np.ndarray] = {}
        self.seen: dict[Any, str] = {}
        self.helpers: set[str] = set()
        self.lines: list[str] = []
        for n in self.graph.nodes:
            text = self._expression(n)
            short = n.op in ("transpose", "reshape", "broadcast_to", "cast", "slice")
            if (short and len(text) < 60) or n is self.graph.result:
                self.names[n.id] = text
            else:
                name = f"t{len(self.lines) + 1}"
                self.lines.append(f"{name} = {text}")
                self.names[n.id] = name
        self.lines.append(f"return {self._name(self.graph.result)}")

    def _name(self, n: Node) -> str:
        """How a value is written where it is used."""
        if n.id not in self.graph.known or n.id in self.names:
            return self.names[n.id]
        value = self.graph.known[n.id]
        if value.size == 1 and value.ndim == 0 and n.dtype.kind == "f":
            number = float(value)
            text = repr(number) if math.isfinite(number) else f"np.{'nan' if number != number else 'inf'}"
            text = f"-{text}" if number == -math.inf else text
            return text if n.dtype == np.float64 else f"np.float32({text})"
        if value.size == 1 and value.ndim == 0:
            return repr(value.item())
        key = (value.dtype, value.shape, value.tobytes())
        if key not in self.seen:
            self.seen[key] = f"W{len(self.tables)}"
            self.tables[self.seen[key]] = value
        return self.seen[key]

    def _size(self, n: int) -> str:
        if not isinstance(n, Size):
            return str(n)
        return "len(x)" if n.times == 1 else f"{n.times} * len(x)"

    def _shape(self, shape: tuple[int, ...]) -> str:
        grows = [s for s in shape if isinstance(s, Size)]
        words = ["-1" if len(grows) == 1 and isinstance(s, Size) else self._size(s) for s in shape]
        return f"({', '.join(words)}{',' * (len(words) == 1)})"

    def _full(self, shape: tuple[int, ...]) -> str:
        words = [self._size(s) for s in shape]
        return f"({', '.join(words)}{',' * (len(words) == 1)})"

    def _expression(self, n: Node) -> str:
        a = [self._name(x) for x in n.args]
        p, op = n.params, n.op
        if op in BINARY:
            return f"{_bracket(a[0])} {BINARY[op]} {_bracket(a[1])}"
        if op == "neg":
            return f"-{_bracket(a[0])}"
        if op in CALLS:
            return f"np.{CALLS[op]}({', '.join(a)})"
        if op in HELPERS:
            self.helpers |= {op, *NEEDS.get(op, ())}
            return f"{op}({a[0]})"
        axes: Any = p.get("axes")
        if op in ("sum", "prod", "amax"):
            dtype = f", dtype=np.{n.dtype}" if op != "amax" and n.dtype != n.args[0].dtype else ""
            return f"np.{op}({a[0]}, axis={axes if len(axes) != 1 else axes[0]}{dtype})"
        if op == "argmax":
            return f"np.argmax({a[0]}, axis={p['axis']})"
        if op == "cumsum":
            return f"np.cumsum({a[0]}, axis={p['axis']}, dtype=np.{n.dtype})"
        if op == "transpose":
            last = tuple(axes) == tuple(reversed(range(len(axes))))
            return f"{_bracket(a[0])}.T" if last else f"{_bracket(a[0])}.transpose{tuple(axes)}"
        if op == "reshape":
            return f"{_bracket(a[0])}.reshape{self._shape(n.shape)}"
        if op == "broadcast_to":
            return f"np.broadcast_to({a[0]}, {self._full(n.shape)})"
        if op == "cast":
            name = "bool_" if n.dtype == np.bool_ else str(n.dtype)
            return f"{_bracket(a[0])}.astype(np.{name})"
        if op == "copy":
            return a[0]
        if op == "slice":
            parts = []
            for start, stop, step, size in zip(p["start"], p["stop"], p["step"], n.args[0].shape, strict=True):
                end = "" if stop == size else self._size(stop)
                parts.append(f"{start or ''}:{end}" + (f":{step}" if step != 1 else ""))
            return f"{_bracket(a[0])}[{', '.join(parts)}]"
        if op == "flip":
            return f"np.flip({a[0]}, {tuple(axes)})"
        if op == "concatenate":
            return f"np.concatenate([{', '.join(a)}], axis={p['axis']})"
        if op == "take":
            return f"np.take({a[0]}, {a[1]}, axis={p['axis']})"
        if op == "iota":
            return f"np.arange({self._size(p['size'])}, dtype=np.{n.dtype})"
        if op == "pad" and not any(p["interior"]):
            widths = list(zip(p["low"], p["high"], strict=True))
            return f"np.pad({a[0]}, {widths}, constant_values={p['value']!r})"
        if op == "window":
            text = a[0]
            for k, axis in enumerate(p["axes"]):
                count, size = n.shape[axis], p["size"][k]
                index = np.arange(count)[:, None] * p["stride"][k] + np.arange(size) * p["dilation"][k]
                text = f"np.moveaxis(np.take({text}, {index.tolist()}, axis={axis}), {axis + 1}, -1)"
            return text
        raise refuse("NumPy", op)


def _bracket(text: str) -> str:
    """A part of an expression, in brackets where it needs them."""
    simple = " " not in text or (text.startswith("np.") and text.endswith(")")) or text.endswith((".T", ")", "]"))
    return text if simple and text[0] != "-" else f"({text})"


def numpy_code(model: Exportable) -> str:
    """The text of the file: `evaluate(x)`, points (n, d) -> values (n, k), and `self_test()`."""
    code = _Code(model)
    d, k = len(model.inputs), len(model.outputs)
    text = "\n".join(plain(line) for line in model.comment())
    loop = (
        ""
        if code.graph.free
        else "\n    if len(x) != 1:\n        return np.concatenate([evaluate(p[None]) for p in x]) "
    )
    if loop:
        loop += f"if len(x) else np.zeros((0, {k}))"
    tables = [f"{name} = {_array(value)}" for name, value in code.tables.items()]
    values = model.values()[0]
    scale = float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
    near = f"{2e3 * float(np.finfo(model.precision).eps) * max(scale, 1e-300):.3g}"
    body = "\n    ".join(code.lines)
    parts = [
        f'"""A fitted network as a function of NumPy arrays.\n\n{text}\n"""\n\nimport numpy as np',
        f"INPUTS = {list(model.inputs)!r}\nOUTPUTS = {list(model.outputs)!r}\n"
        f"LOW = {_list(model.low)}\nHIGH = {_list(model.high)}",
        "\n".join(tables),
        *("\n" + HELPERS[name] for name in HELPERS if name in code.helpers),
        f'\ndef evaluate(x):\n    """Values (n, {k}) at points (n, {d}); of one point ({d},) its values ({k},)."""\n'
        f"    x = np.asarray(x, np.{model.dtype})\n    if x.ndim == 1:\n        return evaluate(x[None])[0]{loop}\n"
        f"    {body}",
        f"\nTEST_X = {_array(model.points.astype(model.dtype))}\nTEST_Y = {_array(values.astype(model.dtype))}",
        '\ndef self_test():\n    """Whether the stored points have the stored values, to rounding."""\n'
        f"    return bool(np.allclose(evaluate(TEST_X), TEST_Y, rtol=0, atol={near}, equal_nan=True))",
        '\nif __name__ == "__main__":\n    print("ok" if self_test() else "wrong")',
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _list(a: np.ndarray) -> str:
    return "[" + ", ".join(f"float({float(v)!r})" if not math.isfinite(v) else repr(float(v)) for v in a) + "]"


def _array(a: np.ndarray) -> str:
    """An array as text, every bit of it."""
    kind = "bool_" if a.dtype == np.bool_ else str(a.dtype)
    numbers = repr(a.tolist()).replace("nan", "np.nan").replace("inf", "np.inf")
    return f"np.array({numbers}, np.{kind})"


__all__ = ["numpy_code"]
