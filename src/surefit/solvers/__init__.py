"""Solvers: functions of 1-D arrays that find where residuals are smallest. They know nothing of networks.

Each returns a `Result`: x, cost, the reason it stopped in a sentence that says what to do, counts, time, history.
"""

from surefit.keywords import naming_all

from .damped import LineSearch, Marquardt, TrustRegion
from .features import Features, Output, Trial, linear_features, place_units, solve_output
from .gaussian_process import GaussianProcess
from .least_squares import TRAINLM, gauss_newton, levenberg_marquardt
from .problem import sum_of_squares
from .quasi_newton import lbfgs
from .reduction import Reduced, Reduction
from .result import STATUSES, Iteration, Keeper, Result, Trace
from .robust import LOSSES
from .variable_projection import VarPro, varpro

__all__ = [
    "LOSSES",
    "STATUSES",
    "TRAINLM",
    "Features",
    "GaussianProcess",
    "Iteration",
    "Keeper",
    "LineSearch",
    "Marquardt",
    "Output",
    "Reduced",
    "Reduction",
    "Result",
    "Trace",
    "Trial",
    "TrustRegion",
    "VarPro",
    "gauss_newton",
    "lbfgs",
    "levenberg_marquardt",
    "linear_features",
    "place_units",
    "solve_output",
    "sum_of_squares",
    "varpro",
]

naming_all(globals(), __all__)
