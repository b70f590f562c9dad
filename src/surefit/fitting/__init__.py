"""Fitting: from a target to a Fit."""

from surefit.fitting.doctor import Diagnosis, Finding, diagnose, examine
from surefit.fitting.fitted import Fit, Measured, OutsideWarning, fit
from surefit.fitting.live import Live, TextPlot
from surefit.fitting.methods import SGD, Adagrad, Adam, Adamax, AdamW, FirstOrder, NAdam, RAdam, RMSprop
from surefit.fitting.model_file import load
from surefit.fitting.network import MLPSpec
from surefit.fitting.snapshots import Snapshots
from surefit.fitting.training import Epoch, Finished, Started

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Diagnosis",
    "Epoch",
    "Finding",
    "Finished",
    "FirstOrder",
    "Fit",
    "Live",
    "MLPSpec",
    "Measured",
    "NAdam",
    "OutsideWarning",
    "RAdam",
    "RMSprop",
    "Snapshots",
    "Started",
    "TextPlot",
    "diagnose",
    "examine",
    "fit",
    "load",
]
