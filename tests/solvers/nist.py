"""NIST's reference problems of nonlinear regression, read from their own files.

The files in nist_strd/ are NIST's (Statistical Reference Datasets, https://www.itl.nist.gov/div898/strd/, public
domain): model, data, two starting points, certified parameters to 11 digits. The model is read by the formula parser
from the text of the file; the Jacobian is exact, by automatic differentiation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

import surefit

FOLDER = Path(__file__).parent / "nist_strd"
SETS = sorted(path.stem for path in FOLDER.glob("*.dat"))


@dataclass(frozen=True)
class Problem:
    model: str
    starts: np.ndarray  # (2, n)
    certified: np.ndarray  # (n,)
    sum_of_squares: float
    fun: object
    jac: object


def lines_of(text: str, what: str) -> list[str]:
    """The lines that the head of the file announces for this part."""
    first, last = re.search(rf"{what}\s*\(lines\s+(\d+)\s+to\s+(\d+)\)", text, re.IGNORECASE).groups()
    return text.splitlines()[int(first) - 1 : int(last)]


@cache
def read(name: str) -> Problem:
    text = (FOLDER / f"{name}.dat").read_text(encoding="ascii")
    rows = [line.split("=")[1].split() for line in lines_of(text, "Starting Values")]
    start_1, start_2, certified, _ = np.array(rows, dtype=float).T
    n = len(certified)
    data = np.array([line.split() for line in lines_of(text, "Data  ")], dtype=float)
    y, x = data[:, 0], data[:, 1:].T

    statement = re.search(r"Parameters \(b1 (?:to|and) b\d\)(.*?)Starting", text, re.DOTALL | re.IGNORECASE)[1]
    statement = " ".join(line for line in statement.splitlines() if "pi =" not in line)
    left, right = (side.strip() for side in statement.split("=", 1))
    model = re.sub(r"\+\s*e\s*$", "", right).replace("[", "(").replace("]", ")").strip()
    if left == "log[y]":
        y = np.log(y)
    variables = [f"b{i + 1}" for i in range(n)] + (["x"] if len(x) == 1 else [f"x{i + 1}" for i in range(len(x))])
    formula = surefit.parse(model, variables)

    def curve(b):
        return formula(*(b[i] for i in range(n)), *map(surefit.as_tensor, x))

    return Problem(
        model,
        np.array([start_1, start_2]),
        certified,
        float(re.search(r"Residual Sum of Squares:\s*(\S+)", text)[1]),
        lambda b: curve(surefit.as_tensor(b)).numpy() - y,
        lambda b: surefit.jacobian(curve)(surefit.as_tensor(b)).numpy(),
    )


def digits(found: np.ndarray, certified: np.ndarray) -> float:
    """How many digits of the worst parameter are right; NIST certifies 11."""
    with np.errstate(divide="ignore"):
        return float(min(11.0, -np.log10(np.abs(found - certified) / np.abs(certified)).max()))
