"""The errors surefit raises on purpose.

Each derives from `SurefitError` (to catch them all) and from the built-in that fits (so that ordinary
`except ValueError` code works). A message names the argument, what came, what was needed, and the fix.
"""

from __future__ import annotations


class SurefitError(Exception):
    """Base of every error that surefit raises on purpose."""


class ShapeError(SurefitError, ValueError):
    """Shapes do not fit together."""


class DtypeError(SurefitError, TypeError):
    """A dtype is not accepted by an operation."""


class AxisError(SurefitError, ValueError, IndexError):
    """An axis or an index is out of range, or repeated."""


class ArgumentError(SurefitError, ValueError):
    """An argument has a value outside its domain."""


class UnknownArgumentError(ArgumentError, TypeError):
    """A function or class was given an argument that it does not have; the message names the one that was meant."""


class GradientError(SurefitError, RuntimeError):
    """A gradient was asked for that does not exist: no graph, a graph already freed, or a changed leaf."""


class RecordError(SurefitError, RuntimeError):
    """A function does something that cannot be recorded into a Program."""


class CapturedError(RecordError):
    """A recorded function would freeze an array that it did not receive as an argument."""


class FormulaError(SurefitError, ValueError):
    """A formula cannot be read; the message shows where, with a caret under the column."""


class DataError(SurefitError, ValueError):
    """A table, file or data set is not what was announced."""


class DomainError(SurefitError, ValueError):
    """A domain is malformed, or the target is not finite on it."""


class EvaluationError(DomainError):
    """A Python function raised an error at a point of the domain.

    Attributes: points (m, d) and values (m, k), what it had given before; `fit((e.points, e.values))` fits that.
    """

    def __init__(self, message: str, points: object = None, values: object = None) -> None:
        super().__init__(message)
        self.points, self.values = points, values


class NotFiniteError(SurefitError, ArithmeticError):
    """NaN or infinity appeared during training; the message says step, layer and likely cause."""


class ModelFileError(SurefitError, ValueError):
    """A model file is damaged, foreign, or of a newer format."""


class CheckpointError(SurefitError, ValueError):
    """A checkpoint cannot be written or gone on from: it is of another fit, damaged, or in use."""


class ExportError(SurefitError, ValueError):
    """A model cannot be written in the language that was asked for, or one that was cannot be read or run."""


class MissingExtraError(SurefitError, ImportError):
    """An optional package is not installed; the message names the extra that brings it."""
