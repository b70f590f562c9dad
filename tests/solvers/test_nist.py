"""NIST's reference problems of nonlinear regression: every set, both starting points, against the certified values.

The files beside this test are NIST's own (Statistical Reference Datasets, https://www.itl.nist.gov/div898/strd/, public
domain): model, data, starting points, certified parameters to 11 digits. The model is read by the formula parser from
the text of the file, the Jacobian is exact, by automatic differentiation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import surefit
from surefit.solvers import Marquardt, levenberg_marquardt

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


def test_all_27_sets_are_here():
    assert len(SETS) == 27


def test_the_files_are_those_of_the_outside_data(shared_data):
    for path in shared_data("nist_strd").glob("*.dat"):
        assert path.read_bytes() == (FOLDER / path.name).read_bytes()


@pytest.mark.parametrize("name", SETS)
def test_the_model_was_read_correctly(name):
    problem = read(name)
    residuals = problem.fun(problem.certified)
    # Lanczos1 is generated: its sum of squares of 1e-25 is rounding
    assert float(residuals @ residuals) == pytest.approx(problem.sum_of_squares, rel=1e-9, abs=1e-20)


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("name", SETS)
def test_six_digits(name, start):
    problem = read(name)
    result = levenberg_marquardt(problem.fun, problem.starts[start], problem.jac)
    assert result.converged, result
    assert digits(result.x, problem.certified) >= 6.0, result


@pytest.mark.parametrize("name", ["Chwirut2", "Misra1a", "DanWood", "Gauss1", "Rat42", "Hahn1"])
@pytest.mark.parametrize("start", [0, 1])
def test_damping_by_multiplication(name, start):
    problem = read(name)
    result = levenberg_marquardt(problem.fun, problem.starts[start], problem.jac, damping=Marquardt(min_grad=0.0))
    assert digits(result.x, problem.certified) >= 6.0, result
