"""Fitting: from a target to a Fit."""

from surefit.attempts.descent import Epoch, Finished, Started
from surefit.attempts.lr_finder import RateTest, find_lr
from surefit.attempts.methods import (
    LBFGS,
    LM,
    SGD,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Auto,
    Features,
    FirstOrder,
    NAdam,
    RAdam,
    RMSprop,
    Solver,
    VarPro,
)
from surefit.doctor.examine import Diagnosis, Finding, diagnose, examine
from surefit.fitting.entry import fit
from surefit.fitting.fitted import Fit, OutsideWarning
from surefit.fitting.model_file import load
from surefit.fitting.sizes import Smallest, smallest
from surefit.fitting.together import Ensemble, ensemble
from surefit.models.spec import MLPSpec
from surefit.reports.film import Snapshots
from surefit.reports.live import Live, TextPlot
from surefit.search.intervals import Interval
from surefit.search.judging import Measured

__all__ = [
    "LBFGS",
    "LM",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Auto",
    "Diagnosis",
    "Ensemble",
    "Epoch",
    "Features",
    "Finding",
    "Finished",
    "FirstOrder",
    "Fit",
    "Interval",
    "Live",
    "MLPSpec",
    "Measured",
    "NAdam",
    "OutsideWarning",
    "RAdam",
    "RMSprop",
    "RateTest",
    "Smallest",
    "Snapshots",
    "Solver",
    "Started",
    "TextPlot",
    "VarPro",
    "diagnose",
    "ensemble",
    "examine",
    "find_lr",
    "fit",
    "load",
    "smallest",
]
