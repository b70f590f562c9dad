"""NIST's reference problems of nonlinear regression: every set, both starting points, against the certified values."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from surefit.solvers import Marquardt, levenberg_marquardt

_spec = importlib.util.spec_from_file_location("nist", Path(__file__).with_name("nist.py"))
nist = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = nist  # dataclasses look their module up
_spec.loader.exec_module(nist)
SETS, read, digits = nist.SETS, nist.read, nist.digits


def test_all_27_sets_are_here():
    assert len(SETS) == 27


def test_the_files_are_those_of_the_outside_data(shared_data):
    for path in shared_data("nist_strd").glob("*.dat"):
        assert path.read_bytes() == (nist.FOLDER / path.name).read_bytes()


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
