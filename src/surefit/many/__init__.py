"""Many fits at once: thousands of curves as one program."""

from __future__ import annotations

from surefit.keywords import naming_all
from surefit.many.curves import Curve, Many, fit_many

__all__ = ["Curve", "Many", "fit_many"]

naming_all(globals(), (), methods=(Curve, Many))
