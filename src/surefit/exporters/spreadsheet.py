"""What a spreadsheet makes of the formulas that `formula_text` writes: enough of its language to run them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from surefit.errors import ExportError

FUNCTIONS: dict[str, Any] = {
    "ABS": np.abs, "ACOS": np.arccos, "AND": np.logical_and, "ASIN": np.arcsin, "ATAN": np.arctan, "COS": np.cos,
    "COSH": np.cosh, "EXP": np.exp, "IF": np.where, "LN": np.log, "LOG10": np.log10, "MAX": np.maximum,
    "MIN": np.minimum, "OR": np.logical_or, "POWER": np.power, "SIGN": np.sign, "SIN": np.sin, "SINH": np.sinh,
    "SQRT": np.sqrt, "TAN": np.tan, "TANH": np.tanh, "LOG": lambda x, base: np.log(x) / np.log(base),
}  # fmt: skip
_TOKEN = re.compile(r"[A-Za-z_][A-Za-z_0-9]*|\d+\.?\d*(?:[eE][-+]?\d+)?|<>|<=|>=|[-+*/^(),<>=]")
_SAME = {"^": "**", "<>": "!=", "=": "=="}


def calculated(formula: str, points: np.ndarray) -> np.ndarray:
    """A formula of our own at points (n, d), whose columns are the cells A1, B1, ...; (n,), or one number.

    ExportError: it holds what we do not write.

    >>> calculated("=LET(v_1,2*A1,v_1^2+MAX(B1,0))", np.array([[1.0, -3.0], [2.0, 5.0]])).tolist()
    [4.0, 21.0]
    """
    text = formula.removeprefix("=").replace("ERF.PRECISE", "ERF")
    cells: dict[str, Any] = {f"{chr(65 + i)}1": column for i, column in enumerate(points.T)}
    names = FUNCTIONS | {"ERF": _erf} | cells
    *named, result = _parts(text[4:-1]) if text.startswith("LET(") else [text]
    with np.errstate(all="ignore"):
        for name, value in zip(named[::2], named[1::2], strict=True):
            names[name] = _value(value, names)
        return np.asarray(_value(result, names), np.float64)


def _erf(x: Any) -> Any:
    from surefit.core import ops

    return ops.primitive("erf").value(np.asarray(x, np.float64))


def _parts(text: str) -> list[str]:
    """What stands between the commas that no brackets enclose."""
    parts, depth = [""], 0
    for c in text:
        depth += (c == "(") - (c == ")")
        if c == "," and not depth:
            parts.append("")
        else:
            parts[-1] += c
    return parts


def _value(text: str, names: dict[str, Any]) -> Any:
    """The value of an expression in which every word is known: nothing else is run."""
    tokens = _TOKEN.findall(text)
    unknown = [t for t in tokens if t[0].isalpha() and t not in names]
    if "".join(tokens) != text.replace(" ", "") or unknown:
        raise ExportError(f"verify: the formula holds {unknown[:1] or text[:40]!r}, which cannot be computed here")
    return eval(" ".join(_SAME.get(t, t) for t in tokens), {"__builtins__": {}}, names)  # noqa: S307, our own words


__all__ = ["calculated"]
