"""A fit elsewhere: its recorded evaluation, with derivatives if wanted, in one of the languages of `exporters`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit import exporters
from surefit._version import __version__
from surefit.checking import whole_number
from surefit.compiler import compile_program
from surefit.core import ops
from surefit.core.functional import hvp, jacobian
from surefit.core.program import Program, record
from surefit.core.tensor import Tensor, no_grad
from surefit.errors import ArgumentError, ExportError, MissingExtraError, RecordError
from surefit.exporters.exportable import Exportable, Values
from surefit.exporters.retyped import retyped
from surefit.files import make_directory
from surefit.reports.card import card_rows

if TYPE_CHECKING:
    from surefit.search.record import Record

TESTED = 8  # points of the self-test in an export


@dataclass(frozen=True)
class Exported:
    """What was written. paths: its files. to: the format. compared: how far it is from the model, if that was asked."""

    paths: tuple[Path, ...]
    to: str
    compared: exporters.Compared | None = None

    def __str__(self) -> str:
        files = ", ".join(map(str, self.paths))
        return files if self.compared is None else f"{files}: {self.compared}"


def export(fit: Record, path: Path, to: str | None, dtype: Any, derivative: bool, verify: int) -> Exported:
    """Write a fit in another language. See `Fit.export`. dtype: that of the fit, for all the rest; None: as it is."""
    to = exporters.format_of(path, to)
    verify = whole_number("verify", verify, 0)
    if verify and to not in exporters.RUNNERS:
        raise ArgumentError(f"verify={verify}: {exporters.FORMATS[to].words} cannot be run here; leave verify out")
    name = path.stem if path.suffix.lower() in exporters.FORMATS[to].endings else path.name
    model = exportable(fit, name, dtype, derivative)
    make_directory(path.parent, error=ExportError)
    paths = exporters.write(model, path, to)
    return Exported(tuple(paths), to, exporters.compared(model, paths, to, verify) if verify else None)


def exportable(fit: Record, name: str, dtype: Any = None, derivative: bool = False) -> Exportable:
    """The Programs of a fit and what is known about it. dtype: of all its floats; None: as it computes."""
    model = fit.model
    d, k = len(fit.names), len(fit.outputs)
    model.eval()

    def row(x: Any) -> Any:
        return model(x.reshape(1, -1)).reshape(-1)

    def value(x: Any) -> Any:
        with no_grad():
            return model(x)

    def both(x: Any) -> Any:
        return model(x), jacobian(row)(x.reshape(-1))

    def product(x: Any, weights: Any, direction: Any) -> Any:
        return hvp(lambda t: (row(t) * weights).sum(), x.reshape(-1), direction)

    def programs(f: Any, *shapes: tuple[int, ...]) -> Program:
        program = record(f, *(Tensor(np.zeros(s), np.float64) for s in shapes))
        return program if dtype is None else retyped(program, _float(dtype))

    box = fit.domain
    rng = np.random.default_rng(0)
    points = box.low + (box.high - box.low) * rng.random((TESTED, d))
    program = programs(value, (1, d))
    own = None if dtype is None else _values(record(value, Tensor(np.zeros((1, d)), np.float64)), k)
    values = _values(program, k)
    lines = [f"{label}: {text}" for label, text in card_rows(fit)]
    if own is not None:
        many = box.low + (box.high - box.low) * rng.random((256, d))
        gap = np.abs(values(many)[0] - own(many)[0]).max()
        lines.append(f"written in {_float(dtype)} throughout: at most {gap:.3g} away from that fit at 256 points")
    return Exportable(
        name, program, tuple(fit.names), tuple(fit.outputs), box.low, box.high,
        (f"Written by surefit {__version__}.", *lines), points, values,
        programs(both, (1, d)) if derivative else None, programs(product, (1, d), (k,), (d,)) if derivative else None,
        lambda n: programs(value, (n, d)), own,
    )  # fmt: skip


def _float(dtype: Any) -> np.dtype:
    kind = ops.dtype_of(dtype)
    if kind not in (ops.float32, ops.float64):
        raise ArgumentError(f"dtype={dtype!r} must be 'float32' or 'float64'")
    return kind


def _values(program: Program, k: int) -> Values:
    """A Program of one point at many points: compiled in strict mode, else as NumPy has it."""

    @lru_cache(maxsize=1)
    def run() -> Any:
        try:
            return compile_program(program, mode="strict").run
        except (RecordError, MissingExtraError):
            return program.replay

    def values(points: np.ndarray) -> list[np.ndarray]:
        x = np.asarray(points, program.inputs[0].dtype)
        rows = [np.asarray(run()([p[None]])[0][0]).reshape(k) for p in x]
        return [np.stack(rows) if rows else np.zeros((0, k))]

    return values


__all__ = ["Exported", "export", "exportable"]
