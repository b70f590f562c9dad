"""Fitting: from a target to a Fit."""

from surefit.fitting.doctor import Diagnosis, Finding, diagnose, examine
from surefit.fitting.entry import fit
from surefit.fitting.fitted import Fit, OutsideWarning
from surefit.fitting.intervals import Interval
from surefit.fitting.live import Live, TextPlot
from surefit.fitting.measuring import Measured
from surefit.fitting.methods import (
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
from surefit.fitting.model_file import load
from surefit.fitting.network import MLPSpec
from surefit.fitting.rates import RateTest, find_lr
from surefit.fitting.sizes import Smallest, smallest
from surefit.fitting.snapshots import Snapshots
from surefit.fitting.together import Ensemble, ensemble
from surefit.fitting.training import Epoch, Finished, Started

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
