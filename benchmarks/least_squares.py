"""Nonlinear least squares: surefit's solvers beside SciPy's, on NIST's and on the classic test problems. See README.md.

All get the same residuals and exact Jacobians, the same tolerances (cost 1e-14, step and slope
1e-12), and at most 2000 evaluations of the residuals.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from harness import report, versions
from scipy.optimize import least_squares
from typer import Option

from surefit.solvers import gauss_newton, lbfgs, levenberg_marquardt, sum_of_squares

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "solvers"))
import nist

import problems

Solver = Callable[[Any, Any, Any], tuple[np.ndarray, int]]
TOLERANCES = dict(ftol=1e-14, xtol=1e-12, gtol=1e-12)


def ours(solve: Callable[..., Any], **settings: Any) -> Solver:
    def run(fun: Any, start: Any, jac: Any) -> tuple[np.ndarray, int]:
        result = solve(fun, start, jac, max_evaluations=2000, **TOLERANCES, **settings)
        return result.x, result.evaluations

    return run


def by_lbfgs(fun: Any, start: Any, jac: Any) -> tuple[np.ndarray, int]:
    result = lbfgs(sum_of_squares(fun, jac), start, gtol=1e-12, max_evaluations=2000)
    return result.x, result.evaluations


def scipys(method: str) -> Solver:
    def run(fun: Any, start: Any, jac: Any) -> tuple[np.ndarray, int]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of exp on its way to infinity
            try:
                found = least_squares(fun, start, jac, method=method, x_scale="jac", max_nfev=2000, **TOLERANCES)
            except ValueError:  # residuals that are not finite, or fewer of them than variables
                return np.asarray(start, float), 0
        return found.x, found.nfev

    return run


SOLVERS: dict[str, Solver] = {
    "surefit levenberg_marquardt": ours(levenberg_marquardt),
    "surefit, geodesic": ours(levenberg_marquardt, geodesic=True),
    "surefit gauss_newton": ours(gauss_newton),
    "surefit lbfgs": by_lbfgs,
    "SciPy lm (MINPACK)": scipys("lm"),
    "SciPy trf": scipys("trf"),
    "SciPy dogbox": scipys("dogbox"),
}


def main(
    only: Annotated[str, Option(help="Solvers whose name contains one of these words.")] = "surefit,SciPy",
    count: Annotated[int, Option(min=1, help="How many sets of NIST and how many problems.")] = 99,
    json: Annotated[Path | None, Option(help="Write the outcome of every run to this file.")] = None,
) -> None:
    """Print one table: how many problems each solver solves, and what that takes."""
    sets, classic = nist.SETS[:count], dict(list(problems.PROBLEMS.items())[:count])
    cells, rows = [], []
    for name, solve in SOLVERS.items():
        if not any(word in name for word in only.split(",")):
            continue
        begin, right, calls, missed = time.perf_counter(), [0, 0], [0, 0], []
        for which in sets:
            problem = nist.read(which)
            for k, start in enumerate(problem.starts):
                x, evaluations = solve(problem.fun, start, problem.jac)
                digits = nist.digits(x, problem.certified)
                good = digits >= 6.0
                right[0], calls[0] = right[0] + good, calls[0] + evaluations
                missed += [] if good else [f"{which} from start {k + 1}"]
                rows.append({"solver": name, "set": which, "start": k + 1, "digits": digits, "calls": evaluations})
        for which, problem in classic.items():
            x, evaluations = solve(problem.fun, problem.start, problem.jac)
            squares = float(np.sum(problem.fun(x) ** 2))
            good = problem.reached(squares)
            right[1], calls[1] = right[1] + good, calls[1] + evaluations
            missed += [] if good else [which]
            rows.append({"solver": name, "problem": which, "sum of squares": squares, "calls": evaluations})
        seconds = time.perf_counter() - begin
        few = ", ".join(missed[:8]) + (f" and {len(missed) - 8} more" if len(missed) > 8 else "")
        cells.append(
            [
                name,
                f"{right[0]} of {2 * len(sets)}",
                str(calls[0]),
                f"{right[1]} of {len(classic)}",
                str(calls[1]),
                f"{seconds:.1f} s",
                few or "none",
            ]
        )
    notes = [
        "NIST: the reference sets of nonlinear regression from both starting points; right are six digits of every "
        "parameter.",
        "Classic: the problems of More, Garbow and Hillstrom (1981); right is a published minimum within 1e-5 (1e-10 "
        "if it is zero).",
        "Evaluations are of the residuals; seconds are mostly those of residuals and Jacobians in eager mode.",
    ]
    columns = ["", "NIST right", "evaluations", "classic right", "evaluations", "time", "missed"]
    title = "Nonlinear least squares"
    report(title, columns, cells, notes, {"versions": versions(["numpy", "scipy"]), "rows": rows}, json)


if __name__ == "__main__":
    typer.run(main)
