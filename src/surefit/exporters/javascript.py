"""A model as one JavaScript module (ECMAScript 2015 and later), for browsers and Node; it imports nothing."""

from __future__ import annotations

import json
import math
import re
from typing import Any, ClassVar

import numpy as np

from surefit.core.program import Program
from surefit.exporters.exportable import Exportable, wrapped
from surefit.exporters.loops import Loops, Tables
from surefit.exporters.text_words import TextWords
from surefit.ir import coefficients
from surefit.ir.builder import KIND_OF

ARRAYS = {"f32": "Float32Array", "f64": "Float64Array", "i1": "Uint8Array", "i32": "Int32Array", "i64": "Float64Array"}


class JavaScript(TextWords):
    """Statements of a JavaScript function. float32 is rounded after each operation."""

    LANGUAGE = "JavaScript"
    TEMPLATES: ClassVar[dict[str, str]] = {
        "add": "{0} + {1}", "sub": "{0} - {1}", "mul": "{0} * {1}", "div": "{0} / {1}", "neg": "-{0}",
        "eq": "{0} === {1}", "ne": "{0} !== {1}", "lt": "{0} < {1}", "le": "{0} <= {1}", "gt": "{0} > {1}",
        "ge": "{0} >= {1}", "logical_and": "{0} && {1}", "logical_or": "{0} || {1}", "logical_not": "!{0}",
        "logical_xor": "{0} !== {1}", "maximum": "Math.max({0}, {1})", "minimum": "Math.min({0}, {1})",
        "abs": "Math.abs({0})", "square": "{0} * {0}", "sqrt": "Math.sqrt({0})", "exp": "Math.exp({0})",
        "expm1": "Math.expm1({0})", "log": "Math.log({0})", "log1p": "Math.log1p({0})", "sin": "Math.sin({0})",
        "cos": "Math.cos({0})", "tan": "Math.tan({0})", "asin": "Math.asin({0})", "acos": "Math.acos({0})",
        "atan": "Math.atan({0})", "sinh": "Math.sinh({0})", "cosh": "Math.cosh({0})", "tanh": "Math.tanh({0})",
        "asinh": "Math.asinh({0})", "acosh": "Math.acosh({0})", "atanh": "Math.atanh({0})",
        "relu": "{0} < 0 ? 0 : {0}", "floor": "Math.floor({0})", "ceil": "Math.ceil({0})",
        "trunc": "Math.trunc({0})", "exp2": "Math.pow(2, {0})", "log2": "Math.log2({0})", "log10": "Math.log10({0})",
        "cbrt": "Math.cbrt({0})", "hypot": "Math.hypot({0}, {1})", "atan2": "Math.atan2({0}, {1})",
        "pow": "Math.pow({0}, {1})", "fmod": "{0} % {1}", "sign": "({0} > 0) - ({0} < 0)",
        "sigmoid": "sigmoid({0})", "softplus": "softplus({0})", "logaddexp": "logaddexp({0}, {1})",
        "erf": "erf({0})", "erfc": "erfc({0})", "round": "round({0})", "remainder": "remainder({0}, {1})",
        "floor_divide": "floorDivide({0}, {1})",
    }  # fmt: skip

    def constant_line(self, name: str, kind: str, text: str) -> str:
        return f"const {name} = {text};"

    def rounded(self, text: str, kind: str) -> str:
        return f"Math.fround({text})" if kind == "f32" else text

    def opening(self, counter: str, start: str, stop: str, step: int) -> tuple[str, str]:
        more = f"{counter}++" if step == 1 else f"{counter} += {step}"
        return f"for (let {counter} = {start}; {counter} < {stop}; {more}) {{", "}"

    def block_end(self, start: str, size: int, stop: int) -> str:
        return f"Math.min({start} + {size}, {stop})"

    def load(self, array: str, kind: str, at: str) -> Any:
        return self.made(f"{array}[{at}]" + " !== 0" * (kind == "i1"), kind)

    def store(self, array: str, kind: str, at: str, value: Any) -> None:
        self.line(f"{array}[{at}] = {f'Number({value})' if kind == 'i1' else value};")

    def number(self, x: Any, kind: str) -> Any:
        if kind == "i1":
            return "true" if x else "false"
        x = float(x)
        if not math.isfinite(x):
            return "NaN" if x != x else "Infinity" if x > 0 else "(-Infinity)"
        text = repr(int(x)) if x == int(x) and abs(x) < 2**53 and math.copysign(1, x) > 0 else repr(x)
        return f"({text})" if text[0] == "-" else text

    def counter(self, text: str, kind: str) -> Any:
        return text

    def variable(self, kind: str, value: Any) -> str:
        self.count += 1
        self.line(f"let s{self.count} = {value};")
        return f"s{self.count}"

    def assign(self, name: str, kind: str, value: Any) -> None:
        self.line(f"{name} = {value};")

    def choose(self, condition: Any, kind: str, a: Any, b: Any) -> Any:
        return self.made(f"{condition} ? {a} : {b}", kind)

    def converted(self, text: str, source: str, kind: str) -> str:
        if kind == "i1":
            return f"{text} !== 0"
        if source == "i1":
            return f"Number({text})"
        if kind[0] == "i":
            return f"Math.trunc({text})"
        return self.rounded(text, kind)

    def taken(self, array: str, kind: str, at: str, place: Any, stride: int, size: int) -> Any:
        other = "NaN" if kind[0] == "f" else "0"
        return self.made(f"{place} >= 0 && {place} < {size} ? {array}[{at} + {place} * {stride}] : {other}", kind)

    def place(self, place: Any, size: int) -> str:
        return self.made(f"{place} >= 0 && {place} < {size} ? {place} : 0", "i64")


def _list(c: tuple[float, ...]) -> str:
    return "[" + ", ".join(map(repr, c)) + "]"


HELPERS = {
    "sigmoid": "function sigmoid(x) {\n  const e = Math.exp(-Math.abs(x));\n  return (x < 0 ? e : 1) / (1 + e);\n}",
    "softplus": "function softplus(x) {\n  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));\n}",
    "logaddexp": "function logaddexp(a, b) {\n  if (a === b) return a + Math.LN2;\n"
    "  return Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));\n}",
    "round": "function round(x) {\n  const r = Math.round(x);\n  return r - x === 0.5 && r % 2 !== 0 ? r - 1 : r;\n}",
    "remainder": "function remainder(a, b) {\n  const r = a % b;\n"
    "  return r !== 0 && (r < 0) !== (b < 0) ? r + b : r;\n}",
    "floor_divide": "function floorDivide(a, b) {\n  const r = a % b;\n"
    "  return Math.round((a - r) / b) - Number(r !== 0 && (r < 0) !== (b < 0));\n}",
    "horner": "function horner(x, c) {\n  let y = 0;\n  for (let i = c.length - 1; i >= 0; i--) y = y * x + c[i];\n"
    "  return y;\n}",
    "erf": f"""function erf(x) {{
  const a = Math.abs(x);
  if (a < 0.625) return x * ({coefficients.TWO_OVER_ROOT_PI_F64[0]!r} + x * x * horner(x * x, ERF));
  const far = -Math.expm1(-horner(Math.min(a, 5.95) - 0.625, ERFC));
  return x < 0 ? -far : far;
}}
const ERF = {_list(coefficients.ERF_F64)};
const ERFC = {_list(coefficients.ERFC_F64)};""",
    "erfc": f"""function erfc(x) {{
  const a = Math.min(Math.abs(x), 27.5);
  if (a < 0.625) return 1 - erf(x);
  const far = Math.exp(-a * a) * horner((a - 3) / (a + 3), ERFCX) / (2 * a + 1);
  return x < 0 ? 2 - far : far;
}}
const ERFCX = {_list(coefficients.ERFCX_F64)};""",
}
NEEDS = {"erf": ("horner",), "erfc": ("horner", "erf")}


def _function(name: str, program: Program, outputs: list[str], tables: Tables, used: set[str], sizes: list[int]) -> str:
    loops = Loops(program, ["x"], outputs, tables)
    w = JavaScript()
    for array, (kind, size) in loops.arrays.items():
        w.line(f"const {array} = new {ARRAYS[kind]}({size});")
    kind = KIND_OF[program.inputs[0].dtype.name]
    for output, size in zip(outputs, sizes, strict=True):
        w.line(f"const {output} = new {ARRAYS[kind]}({size});")
    loops.write(w)
    used |= w.used
    result = outputs[0] if len(outputs) == 1 else "{ " + ", ".join(outputs) + " }"
    return "\n".join([f"export function {name}(x) {{", *w.lines, f"  return {result};", "}"])


def javascript(model: Exportable) -> str:
    """The text of the module: `evaluate(x)`, with derivatives `jacobian(x)`, and `selfTest()`."""
    tables, used = Tables(), set[str]()
    d, k = len(model.inputs), len(model.outputs)
    functions = [
        f"/* Values ({k}) at a point, an array of {d} numbers. */\n"
        + _function("evaluate", model.program, ["y"], tables, used, [k])
    ]
    if model.derivative is not None:
        functions.append(
            f"/* Values y and derivatives, jacobian[output * {d} + input]. */\n"
            + _function("jacobian", model.derivative, ["y", "jacobian"], tables, used, [k, k * d])
        )
    used |= {m for n in used for m in NEEDS.get(n, ())}
    named = set(re.findall(r"\bw\d+\b", "\n".join(functions)))
    values = model.values()[0].astype(model.dtype)
    scale = float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
    near = 2e3 * float(np.finfo(model.precision).eps) * max(scale, 1e-300)
    parts = [
        "/*\n" + "\n".join(f" * {line}" for line in model.comment()) + "\n */",
        f"export const inputs = {json.dumps(model.inputs)};\nexport const outputs = {json.dumps(model.outputs)};\n"
        f"export const low = {_numbers(model.low)};\nexport const high = {_numbers(model.high)};",
        *(_table(name, a) for name, a in tables.arrays.items() if name in named),
        *functions,
        *(HELPERS[name] for name in HELPERS if name in used),
        f"const TEST_X = {_rows(model.points.astype(model.dtype))};\nconst TEST_Y = {_rows(values)};",
        "/* Whether the stored points have the stored values, to rounding. */\nexport function selfTest() {\n"
        "  return TEST_X.every((x, i) => evaluate(x).every((y, j) => Object.is(y, TEST_Y[i][j])\n"
        f"    || Math.abs(y - TEST_Y[i][j]) <= {near:.3g}));\n}}",
    ]
    return "\n\n".join(parts) + "\n"


def _word(v: float) -> str:
    return repr(v) if math.isfinite(v) else "NaN" if v != v else "Infinity" if v > 0 else "-Infinity"


def _numbers(a: np.ndarray) -> str:
    return "[" + ", ".join(_word(float(v)) for v in a) + "]"


def _rows(a: np.ndarray) -> str:
    return "[\n  " + ",\n  ".join(map(_numbers, a)) + "\n]"


def _table(name: str, a: np.ndarray) -> str:
    items = [_word(float(v)) for v in a.tolist()]
    return f"const {name} = new {ARRAYS[KIND_OF[a.dtype.name]]}([\n{wrapped(items, before='  ')}\n]);"


__all__ = ["javascript"]
