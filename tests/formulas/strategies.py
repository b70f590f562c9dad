"""Random well-formed formulas, each with an independent evaluation: Python's own, on NumPy scalars."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

VARIABLES = ("x1", "x2", "x10", "e")

ONE = "sin cos tan atan tanh sinh exp expm1 abs sign floor ceil sqrt log log1p asin acosh square".split()
TWO = "max min atan2 hypot".split()

_leaves = st.one_of(
    st.sampled_from(VARIABLES),
    st.sampled_from(["0", "1", "2", "0.5", "3.25", "1e-3", "pi", "10"]),
)


def _numbers(child: st.SearchStrategy[str], conditions: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def joined(form: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.tuples(*parts).map(lambda values: form.format(*values))

    return st.one_of(
        *(joined(f"({{}}) {sign} ({{}})", child, child) for sign in "+-*/%"),
        joined("-({})", child),
        joined("({})**2", child),
        st.tuples(st.sampled_from(ONE), child).map(lambda t: f"{t[0]}({t[1]})"),
        st.tuples(st.sampled_from(TWO), child, child).map(lambda t: f"{t[0]}({t[1]}, {t[2]})"),
        joined("({}) if ({}) else ({})", child, conditions, child),
        joined("({})*({})", conditions, child),
    )


def _conditions(child: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    signs = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
    simple = st.one_of(
        st.tuples(child, signs, child).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
        st.tuples(child, signs, child, signs, child).map(lambda t: "({}) {} ({}) {} ({})".format(*t)),
    )
    return st.one_of(
        simple,
        simple,
        st.tuples(simple, st.sampled_from(["and", "or"]), simple).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
        simple.map(lambda c: f"not ({c})"),
    )


formulas = st.recursive(_leaves, lambda child: _numbers(child, _conditions(child)), max_leaves=12)
"""Texts in Python's syntax, every operand in brackets."""

_NAMES = {
    "sqrt": np.sqrt,
    "square": lambda x: x * x,
    "abs": np.abs,
    "max": np.maximum,
    "min": np.minimum,
    "atan2": np.arctan2,
    "atan": np.arctan,
    "asin": np.arcsin,
    "acosh": np.arccosh,
    "pi": np.float64(math.pi),
    "sign": lambda x: np.float64(x > 0) - np.float64(x < 0),  # 0 for NaN, as PyTorch has it
    **{n: getattr(np, n) for n in "sin cos tan tanh sinh exp expm1 floor ceil log log1p hypot".split()},
}


def evaluated(text: str | ast.Expression, names: Mapping[str, Any]) -> Any:
    """Python's own value of a text that the tests wrote themselves: the independent opinion."""
    return eval(compile(text, "formula", "eval"), {"__builtins__": {}}, dict(names))  # noqa: S307


class _Exact(ast.NodeTransformer):
    """Numbers as float64, and a square as one product: Python's power may round differently."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.Call(ast.Name("F", ast.Load()), [node], [])

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        if isinstance(node.op, ast.Pow):
            return ast.Call(ast.Name("square", ast.Load()), [self.visit(node.left)], [])
        return self.generic_visit(node)


def oracle(text: str, values: dict[str, float]) -> float:
    """The value of a formula at one point by Python itself, which knows nothing of this package."""
    tree = ast.fix_missing_locations(_Exact().visit(ast.parse(text, mode="eval")))
    names = {**_NAMES, "F": np.float64, **{k: np.float64(v) for k, v in values.items()}}
    with np.errstate(all="ignore"):
        return float(evaluated(tree, names))
