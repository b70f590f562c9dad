"""Fitting: from a target to a Fit."""

from surefit.attempts.events import Epoch, Evaluated, Failed, Finished, On, Started
from surefit.attempts.lr_finder import RateTest
from surefit.attempts.methods import (
    LBFGS,
    LM,
    SGD,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Additive,
    Auto,
    Features,
    FirstOrder,
    NAdam,
    Polynomial,
    RAdam,
    RMSprop,
    Solver,
    VarPro,
)
from surefit.doctor.examine import Diagnosis, Finding, diagnose, examine
from surefit.fitting.api import construct, distil, ensemble, find_lr, fit, load, smallest
from surefit.fitting.ensembles import Ensemble
from surefit.fitting.experiment import Experiment
from surefit.fitting.fitted import Fit
from surefit.keywords import naming_all
from surefit.models.spec import MLPSpec
from surefit.reports.film import Snapshots
from surefit.reports.live import Live, TextPlot
from surefit.search.intervals import Interval
from surefit.search.judging import Estimated, Measured
from surefit.search.predictions import OutsideWarning
from surefit.search.smallest import Smallest
from surefit.storage.checkpoint import Checkpoint

__all__ = [
    "LBFGS",
    "LM",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Additive",
    "Auto",
    "Checkpoint",
    "Diagnosis",
    "Ensemble",
    "Epoch",
    "Estimated",
    "Evaluated",
    "Experiment",
    "Failed",
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
    "On",
    "OutsideWarning",
    "Polynomial",
    "RAdam",
    "RMSprop",
    "RateTest",
    "Smallest",
    "Snapshots",
    "Solver",
    "Started",
    "TextPlot",
    "VarPro",
    "construct",
    "diagnose",
    "distil",
    "ensemble",
    "examine",
    "find_lr",
    "fit",
    "load",
    "smallest",
]

naming_all(globals(), __all__, methods=(Fit, Ensemble, Experiment, Smallest))
