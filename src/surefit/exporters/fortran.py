"""A model as a module of Fortran 2008 with pure procedures; functions that Fortran lacks come from C's library."""

from __future__ import annotations

import math
import re
from typing import Any, ClassVar

import numpy as np

from surefit.core.program import Program
from surefit.exporters.exportable import Exportable, identifier
from surefit.exporters.loops import Loops, Tables
from surefit.exporters.text_words import TextWords
from surefit.ir.builder import KIND_OF

TYPES = {"f32": "real(real32)", "f64": "real(real64)", "i1": "logical", "i32": "integer(int32)",
         "i64": "integer(int64)"}  # fmt: skip
KINDS = {"f32": "real32", "f64": "real64", "i32": "int32", "i64": "int64"}
LINE = 50  # numbers in one data statement


class Fortran(TextWords):
    """Statements of a Fortran procedure; its variables are declared at the top."""

    LANGUAGE = "Fortran"
    TEMPLATES: ClassVar[dict[str, str]] = {
        "add": "{0} + {1}", "sub": "{0} - {1}", "mul": "{0} * {1}", "div": "{0} / {1}", "neg": "-{0}",
        "eq": "{0} == {1}", "ne": "{0} /= {1}", "lt": "{0} < {1}", "le": "{0} <= {1}", "gt": "{0} > {1}",
        "ge": "{0} >= {1}", "logical_and": "{0} .and. {1}", "logical_or": "{0} .or. {1}", "logical_not": ".not. {0}",
        "logical_xor": "{0} .neqv. {1}", "maximum": "merge({0}, merge({0}, {1}, {0} > {1}), {0} /= {0})",
        "minimum": "merge({0}, merge({0}, {1}, {0} < {1}), {0} /= {0})",
        "abs": "abs({0})", "square": "{0} * {0}", "sqrt": "sqrt({0})", "exp": "exp({0})", "expm1": "expm1({0})",
        "log": "log({0})", "log1p": "log1p({0})", "sin": "sin({0})", "cos": "cos({0})", "tan": "tan({0})",
        "asin": "asin({0})", "acos": "acos({0})", "atan": "atan({0})", "sinh": "sinh({0})", "cosh": "cosh({0})",
        "tanh": "tanh({0})", "asinh": "asinh({0})", "acosh": "acosh({0})", "atanh": "atanh({0})",
        "relu": "merge(0 * {0}, {0}, {0} < 0)", "floor": "floor_c({0})", "ceil": "ceil({0})", "trunc": "trunc({0})",
        "round": "rint({0})", "exp2": "exp2({0})", "log2": "log2({0})", "log10": "log10({0})", "cbrt": "cbrt({0})",
        "hypot": "hypot({0}, {1})", "atan2": "atan2({0}, {1})", "pow": "{0} ** {1}", "fmod": "mod({0}, {1})",
        "remainder": "modulo({0}, {1})", "floor_divide": "floor_c(({0} - modulo({0}, {1})) / {1} + 0.5)",
        "floor_divide of integers": "({0} - modulo({0}, {1})) / {1}",
        "sign": "merge(sign(1 + 0 * {0}, {0}), 0 * {0}, {0} > 0 .or. {0} < 0)",
        "sigmoid": "merge(exp(-abs({0})), 1 + 0 * {0}, {0} < 0) / (1 + exp(-abs({0})))",
        "softplus": "max({0}, 0 * {0}) + log1p(exp(-abs({0})))", "erf": "erf({0})", "erfc": "erfc({0})",
        "logaddexp": "max({0}, {1}) + log1p(exp(-abs({0} - {1})))",
    }  # fmt: skip

    def __init__(self, tables: str) -> None:
        super().__init__(depth=2)
        self.declared: dict[str, list[str]] = {}
        self.tables = tables
        self.counters: set[str] = set()

    def constant_line(self, name: str, kind: str, text: str) -> str:
        self.declared.setdefault(kind, []).append(name)
        return f"{name} = {text}"

    def rounded(self, text: str, kind: str) -> str:
        return text

    def opening(self, counter: str, start: str, stop: str, step: int) -> tuple[str, str]:
        self.counters.add(counter)
        return f"do {counter} = {start}, {stop} - 1" + (f", {step}" if step != 1 else ""), "end do"

    def block_end(self, start: str, size: int, stop: int) -> str:
        return f"min({start} + {size}, {stop})"

    def load(self, array: str, kind: str, at: str) -> Any:
        return self.made(f"{array}({at})", kind)

    def store(self, array: str, kind: str, at: str, value: Any) -> None:
        self.line(f"{array}({at}) = {value}")

    def number(self, x: Any, kind: str) -> Any:
        return literal(x, kind)

    def counter(self, text: str, kind: str) -> Any:
        return f"int({text}, {KINDS[kind]})" if kind[0] == "i" else f"real({text}, {KINDS[kind]})"

    def variable(self, kind: str, value: Any) -> str:
        self.count += 1
        self.declared.setdefault(kind, []).append(f"s{self.count}")
        self.line(f"s{self.count} = {value}")
        return f"s{self.count}"

    def assign(self, name: str, kind: str, value: Any) -> None:
        self.line(f"{name} = {value}")

    def choose(self, condition: Any, kind: str, a: Any, b: Any) -> Any:
        return self.made(f"merge({a}, {b}, {condition})", kind)

    def converted(self, text: str, source: str, kind: str) -> str:
        if kind == "i1":
            return f"{text} /= 0"
        if source == "i1":
            return f"merge({literal(1, kind)}, {literal(0, kind)}, {text})"
        return f"{'real' if kind[0] == 'f' else 'int'}({text}, {KINDS[kind]})"

    def taken(self, array: str, kind: str, at: str, place: Any, stride: int, size: int) -> Any:
        inside = self.made(f"{place} >= 0 .and. {place} < {size}", "i1")
        safe = self.made(f"merge({place}, 0 * {place}, {inside})", "i64")
        found = self.made(f"{array}({at} + {safe} * {stride})", kind)
        other = self.number(math.nan, kind) if kind[0] == "f" else ".false." if kind == "i1" else literal(0, kind)
        return self.choose(inside, kind, found, other)

    def place(self, place: Any, size: int) -> str:
        return self.made(f"merge({place}, 0 * {place}, {place} >= 0 .and. {place} < {size})", "i64")


def literal(x: Any, kind: str) -> str:
    """A number of this kind, every bit of it."""
    if kind == "i1":
        return ".true." if x else ".false."
    if kind[0] == "i":
        return f"({int(x)}_{KINDS[kind]})" if x < 0 else f"{int(x)}_{KINDS[kind]}"
    x = float(x)
    if not math.isfinite(x):
        which = "quiet_nan" if x != x else "positive_inf" if x > 0 else "negative_inf"
        return f"ieee_value(0.0_{KINDS[kind]}, ieee_{which})"
    text = f"{np.float32(x)!s}" if kind == "f32" else repr(x)
    word = f"{text if any(c in text for c in '.en') else text + '.0'}_{KINDS[kind]}"
    return f"({word})" if word[0] == "-" else word


C_FUNCTIONS = ("expm1", "log1p", "exp2", "log2", "cbrt", "ceil", "trunc", "rint", "floor_c")


def _interface(name: str) -> str:
    bodies = []
    for suffix, kind in (("", "c_double"), ("f", "c_float")):
        c_name = name.removesuffix("_c") + suffix
        bodies.append(
            f"    pure function c_{c_name}(x) bind(c, name='{c_name}') result(y)\n      import :: {kind}\n"
            f"      real({kind}), value :: x\n      real({kind}) :: y\n    end function"
        )
    return f"  interface {name}\n" + "\n".join(bodies) + "\n  end interface"


def _procedure(p: str, name: str, program: Program, outputs: list[str], tables: Tables, sizes: list[int]) -> str:
    kind = KIND_OF[program.inputs[0].dtype.name]
    loops = Loops(program, ["x"], outputs, tables)
    w = Fortran(tables.prefix)
    loops.write(w)
    size = math.prod(program.inputs[0].shape)
    head = [
        f"  pure subroutine {p}_{name}(x, {', '.join(outputs)})",
        f"    {TYPES[kind]}, intent(in) :: x(0:{size - 1})",
    ]
    for output, count in zip(outputs, sizes, strict=True):
        head.append(f"    {TYPES[kind]}, intent(out) :: {output}(0:{count - 1})")
    for array, (array_kind, count) in loops.arrays.items():
        head.append(f"    {TYPES[array_kind]} :: {array}(0:{max(0, count - 1)})")
    if w.counters:
        head.append(f"    integer :: {', '.join(sorted(w.counters))}")
    for declared_kind, names in w.declared.items():
        rows = [", ".join(names[i : i + 12]) for i in range(0, len(names), 12)]
        head += [f"    {TYPES[declared_kind]} :: {row}" for row in rows]
    return "\n".join([*head, *w.lines, f"  end subroutine {p}_{name}"])


def _table(name: str, a: np.ndarray) -> tuple[str, str]:
    """Declaration and values of a table."""
    kind = KIND_OF[a.dtype.name]
    lines = []
    for start in range(0, a.size, LINE):
        words = [literal(v, kind).strip("()") for v in a[start : start + LINE].tolist()]
        rows = [", ".join(words[i : i + 3]) for i in range(0, len(words), 3)]  # of 31 characters: a line takes 132
        stop = min(start + LINE, a.size) - 1
        lines.append(f"  data {name}({start}:{stop}) / &\n    " + ", &\n    ".join(rows) + " /")
    return f"  {TYPES[kind]}, save :: {name}(0:{a.size - 1})", "\n".join(lines)


def fortran(model: Exportable) -> str:
    """The text of the module NAME_model: `NAME_eval(x, y)`, and `NAME_jacobian(x, y, jacobian)` with derivatives."""
    p = identifier(model.name)
    tables = Tables(f"{p}_w")
    d, k, kind = len(model.inputs), len(model.outputs), model.kind
    procedures = [_procedure(p, "eval", model.program, ["y"], tables, [k])]
    public = [f"{p}_eval", f"{p}_self_test"]
    if model.derivative is not None:
        outputs = ["y", "jacobian"]
        procedures.append(
            f"  ! jacobian(output * {d} + input), both from 0\n"
            + _procedure(p, "jacobian", model.derivative, outputs, tables, [k, k * d])
        )
        public.append(f"{p}_jacobian")
    text = "\n".join(procedures)
    named = set(re.findall(rf"\b{tables.prefix}\d+\b", text))
    values = model.values()[0].astype(model.dtype)
    finite = np.where(np.isfinite(values), values, 0.0).astype(model.dtype)
    near = 2e3 * float(np.finfo(model.precision).eps) * max(float(np.abs(finite).max(initial=0.0)), 1e-300)
    arrays = {n: a for n, a in tables.arrays.items() if n in named}
    arrays |= {f"{p}_test_x": model.points.astype(model.dtype).reshape(-1), f"{p}_test_y": finite.reshape(-1)}
    declared = [_table(n, a) for n, a in arrays.items()]
    needed = [n for n in C_FUNCTIONS if re.search(rf"\b{n}\(", text)]
    head = [
        *(f"! {line[:125]}" for line in model.comment()),
        f"module {p}_model",
        "  use, intrinsic :: iso_fortran_env, only: real32, real64, int32, int64",
        "  use, intrinsic :: iso_c_binding, only: c_float, c_double",
        "  use, intrinsic :: ieee_arithmetic, only: ieee_value, ieee_quiet_nan, ieee_positive_inf, ieee_negative_inf",
        "  implicit none",
        "  private",
        *(f"  public :: {name}" for name in public),
        f"  integer, parameter, public :: {p}_inputs = {d}",
        f"  integer, parameter, public :: {p}_outputs = {k}",
        *(declaration for declaration, _ in declared),
        *(_interface(n) for n in needed),
        *(values for _, values in declared),
        "contains",
    ]
    test = f"""  ! the number of stored values that are missed by more than rounding
  pure function {p}_self_test() result(wrong)
    integer :: wrong, i
    {TYPES[kind]} :: y({k})
    wrong = 0
    do i = 0, {len(model.points) - 1}
      call {p}_eval( &
        {p}_test_x(i * {d}:i * {d} + {d - 1}), y)
      wrong = wrong + count(abs(y - &
        {p}_test_y(i * {k}:i * {k} + {k - 1})) > {literal(near, kind)})
    end do
  end function {p}_self_test"""
    return "\n".join([*head, text, test, f"end module {p}_model", ""])


__all__ = ["fortran"]
