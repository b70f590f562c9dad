"""Studies: several fits of one target, side by side or searched through."""

from __future__ import annotations

from surefit.keywords import naming_all
from surefit.studies.comparison import Comparison, compare
from surefit.studies.tuning import Trial, Tuning, tune

__all__ = ["Comparison", "Trial", "Tuning", "compare", "tune"]

naming_all(globals(), (), methods=(Comparison, Tuning))
