"""A small network as a formula: for a cell of a spreadsheet, and for Desmos."""

from __future__ import annotations

import math
import re
from functools import reduce
from typing import Any

import numpy as np

from surefit.core import ops
from surefit.errors import ExportError
from surefit.exporters.exportable import Exportable, plain, refuse, strict_graph
from surefit.exporters.loops import EXACT
from surefit.ir.graph import VIEWS, Node, reachable

CELL = 8192  # characters that a spreadsheet takes in one formula
NAMED = 126  # values that LET takes: a function of a spreadsheet has up to 255 arguments
SHORT = 24  # characters of a value that is written again where it is used again

SPREADSHEET = {
    "add": "({0}+{1})", "sub": "({0}-{1})", "mul": "({0}*{1})", "div": "({0}/{1})", "neg": "(-({0}))",
    "pow": "POWER({0},{1})", "square": "({0})^2", "sqrt": "SQRT({0})", "exp": "EXP({0})", "expm1": "(EXP({0})-1)",
    "log": "LN({0})", "log1p": "LN(1+{0})", "sin": "SIN({0})", "cos": "COS({0})", "tan": "TAN({0})",
    "asin": "ASIN({0})", "acos": "ACOS({0})", "atan": "ATAN({0})", "sinh": "SINH({0})", "cosh": "COSH({0})",
    "tanh": "TANH({0})", "sigmoid": "(1/(1+EXP(-({0}))))", "softplus": "(MAX({0},0)+LN(1+EXP(-ABS({0}))))",
    "relu": "MAX({0},0)", "maximum": "MAX({0},{1})", "minimum": "MIN({0},{1})", "abs": "ABS({0})",
    "erf": "ERF.PRECISE({0})", "where": "IF({0},{1},{2})", "lt": "({0}<{1})", "le": "({0}<={1})", "gt": "({0}>{1})",
    "ge": "({0}>={1})", "eq": "({0}={1})", "ne": "({0}<>{1})", "sign": "SIGN({0})", "log2": "LOG({0},2)",
    "log10": "LOG10({0})", "exp2": "POWER(2,{0})", "logical_and": "AND({0},{1})", "logical_or": "OR({0},{1})",
}  # fmt: skip
DESMOS = {
    "add": "({0}+{1})", "sub": "({0}-{1})", "mul": "({0}*{1})", "div": "({0})/({1})", "neg": "(-({0}))",
    "pow": "({0})^({1})", "square": "({0})^2", "sqrt": "sqrt({0})", "exp": "exp({0})", "expm1": "(exp({0})-1)",
    "log": "ln({0})", "log1p": "ln(1+{0})", "sin": "sin({0})", "cos": "cos({0})", "tan": "tan({0})",
    "asin": "arcsin({0})", "acos": "arccos({0})", "atan": "arctan({0})", "sinh": "sinh({0})", "cosh": "cosh({0})",
    "tanh": "tanh({0})", "sigmoid": "1/(1+exp(-({0})))", "softplus": "(max({0},0)+ln(1+exp(-abs({0}))))",
    "relu": "max({0},0)", "maximum": "max({0},{1})", "minimum": "min({0},{1})", "abs": "abs({0})",
    "sign": "sign({0})",
}  # fmt: skip


class _Writer:
    """The graph read on texts: a value is an array of expressions; long ones that are used again get a name."""

    def __init__(
        self, model: Exportable, words: dict[str, str], language: str, variables: list[str], name: str
    ) -> None:
        self.words, self.language, self.name = words, language, name
        self.named: list[tuple[str, str]] = []
        inputs, (result,) = strict_graph(model.program)
        nodes = reachable([result])
        users: dict[int, int] = {}
        for n in nodes:
            for a in n.args:
                users[a.id] = users.get(a.id, 0) + max(1, n.size // max(1, a.size))
        values: dict[int, Any] = {inputs[0].id: np.array(variables, object).reshape(inputs[0].shape)}
        state = [np.asarray(model.program._present(t)) for t, _ in model.program.state_in]
        values |= {n.id: v for n, v in zip(inputs[1:], state, strict=True)}
        for n in nodes:
            if n.op == "constant":
                values[n.id] = n.value
            elif n.op != "input":
                made = self.read(n, [values[a.id] for a in n.args])
                repeated = users.get(n.id, 0) > 1 or any(u.op == "matmul" and n in u.args and u.size > 1 for u in nodes)
                if made.dtype == object and repeated and n.op not in VIEWS:
                    made = np.array([self.short(t) for t in made.reshape(-1)], object).reshape(made.shape)
                values[n.id] = made
        self.results = [text(v) for v in np.asarray(values[result.id]).reshape(-1)]

    def short(self, t: Any) -> Any:
        """A long text as a name."""
        if not isinstance(t, str) or len(t) <= SHORT:
            return t
        for name, other in self.named:
            if other == t:
                return name
        self.named.append((self.name.replace("#", str(len(self.named) + 1)), t))
        return self.named[-1][0]

    def read(self, n: Node, args: list[Any]) -> np.ndarray:
        op = n.op
        if all(np.asarray(a).dtype != object for a in args) and (op in EXACT or op in VIEWS or op == "concatenate"):
            return np.asarray(ops.quietly(ops.primitive(op).value, args, n.params))
        if op in VIEWS or op == "concatenate":
            if op == "broadcast_to":
                return np.broadcast_to(args[0], n.shape)
            if op == "concatenate":
                return np.concatenate([np.asarray(a, object) for a in args], axis=n.params["axis"])
            if op == "window":
                raise refuse(self.language, op)
            return np.asarray(ops.primitive(op).value(np.asarray(args[0], object), **n.params))
        if op in ("cast", "copy"):
            return np.asarray(args[0], object)
        if op == "matmul":
            a, b = (np.asarray(v, object) for v in args)
            if a.ndim != 2 or b.ndim != 2:
                raise refuse(self.language, "matmul of many matrices")
            sums = [[self.summed([self.product(x, y) for x, y in zip(r, c, strict=True)]) for c in b.T] for r in a]
            return np.array(sums, object).reshape(n.shape)
        if op in ("sum", "amax"):
            rows = np.moveaxis(np.asarray(args[0], object), n.params["axes"], range(-len(n.params["axes"]), 0))
            flat = rows.reshape(*n.shape, -1)
            out = np.empty(n.shape, object)
            for i in np.ndindex(*n.shape):
                out[i] = self.summed(list(flat[i])) if op == "sum" else reduce(self.larger, flat[i])
            return out
        if op not in self.words:
            raise refuse(self.language, op)
        spread = np.broadcast_arrays(*(np.asarray(a, object) for a in args))
        out = np.empty(n.shape, object)
        for i in np.ndindex(*n.shape):
            out[i] = self.words[op].format(*(text(s[i]) for s in spread))
        return out

    def larger(self, a: Any, b: Any) -> str:
        return self.words["maximum"].format(text(a), text(b))

    @staticmethod
    def product(a: Any, b: Any) -> str:
        return f"{text(a)}*{text(b)}"

    @staticmethod
    def summed(terms: list[Any]) -> str:
        whole = "+".join(text(t) for t in terms).replace("+-", "-")
        return f"({whole})" if len(terms) > 1 else whole


def text(x: Any) -> str:
    """An expression, or a number with all its digits."""
    if isinstance(x, str):
        return x
    x = float(x) if not isinstance(x, np.float32) else float(str(x))
    if not math.isfinite(x):
        raise ExportError(f"the number {x} cannot be written into a formula; choose another format")
    return f"{x:.17g}" if float(f"{x:.15g}") != x else f"{x:.15g}"


def spreadsheet(model: Exportable) -> list[str]:
    """A formula for each output, in Excel's words; inputs are in the cells A1, B1, ...

    ExportError: a primitive that spreadsheets lack, or a formula longer than a cell takes.
    """
    if len(model.inputs) > 26:
        many = len(model.inputs)
        raise ExportError(f"a formula is for up to 26 inputs; this model has {many}, choose another format")
    cells = [f"{chr(65 + i)}1" for i in range(len(model.inputs))]
    w = _Writer(model, SPREADSHEET, "a spreadsheet", cells, "v_#")
    lets = "".join(f"{name},{value}," for name, value in w.named)
    formulas = [f"=LET({lets}{r})" if lets else f"={r}" for r in w.results]
    if len(w.named) > NAMED:
        raise ExportError(
            f"the formula names {len(w.named)} values, and a spreadsheet takes {NAMED}; fit fewer units "
            "(surefit.smallest), or choose another format"
        )
    longest = max(map(len, formulas))
    if longest > CELL:
        raise ExportError(
            f"the formula has {longest} characters, and a cell takes {CELL}; fit fewer units (surefit.smallest), or "
            f"choose another format"
        )
    return formulas


def desmos(model: Exportable) -> list[str]:
    """Lines for Desmos, each an equation; the inputs are x_1, x_2, ..., or x where there is one."""
    one = len(model.inputs) == 1
    variables = ["x"] if one else [f"x_{{{i + 1}}}" for i in range(len(model.inputs))]
    given = ",".join(variables)
    w = _Writer(model, DESMOS, "Desmos", variables, f"v_{{#}}({given})")
    lines = [f"{name}={_plain_powers(value)}" for name, value in w.named]
    for i, r in enumerate(w.results):
        name = "f" if len(w.results) == 1 else f"f_{{{i + 1}}}"
        lines.append(f"{name}({given})={_plain_powers(r)}")
    return lines


def _plain_powers(t: str) -> str:
    """Numbers without e notation, which Desmos reads as Euler's number."""
    return re.sub(r"(\d+(?:\.\d+)?)e([-+]?\d+)", lambda m: f"({m[1]}*10^({int(m[2])}))", t)


def formula_text(model: Exportable) -> str:
    """Both as one text file."""
    cells = ", ".join(f"{name} in {chr(65 + i)}1" for i, name in enumerate(model.inputs[:26]))
    parts = [*model.comment(), "", f"Spreadsheet (Excel, LibreOffice, Google Sheets), with {plain(cells)}:", ""]
    for name, formula in zip(model.outputs, spreadsheet(model), strict=True):
        parts += [f"{plain(name)}:", formula, ""]
    try:
        lines = desmos(model)
    except ExportError as e:
        lines = [f"({e})"]
    return "\n".join([*parts, "Desmos, one equation a line:", "", *lines, ""])


__all__ = ["desmos", "formula_text", "spreadsheet"]
