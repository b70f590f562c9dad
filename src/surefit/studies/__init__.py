"""Studies: several fits of one target, side by side or searched through."""

from __future__ import annotations

from surefit.studies.comparison import Comparison, compare
from surefit.studies.tuning import Trial, Tuning, tune

__all__ = ["Comparison", "Trial", "Tuning", "compare", "tune"]
