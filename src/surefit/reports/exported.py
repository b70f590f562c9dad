"""A fit elsewhere: its recorded evaluation, with derivatives if wanted, in one of the languages of `exporters`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit import exporters, nn
from surefit._version import __version__
from surefit.checking import whole_number
from surefit.compiler import compile_program
from surefit.core import ops
from surefit.core.functional import hvp, jacobian
from surefit.core.modes import no_grad
from surefit.core.program import Program, record
from surefit.core.tensor import Tensor
from surefit.data import Domain
from surefit.errors import ArgumentError, ExportError, MissingExtraError, RecordError, SurefitError
from surefit.exporters.exportable import Exportable, Values
from surefit.exporters.retyped import retyped
from surefit.files import make_directory
from surefit.keywords import naming
from surefit.reports.card import card_rows

if TYPE_CHECKING:
    from surefit.search.record import Record

_UNIT = re.compile(r"\S\s*\[([^\[\]]+)\]$")
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


def export(
    fit: Record, path: Path, to: str | None, dtype: Any, derivative: bool, verify: int,
    units: Mapping[str, str] | None = None,
) -> Exported:  # fmt: skip
    """Write a fit in another language. See `Fit.export`; of classes the probabilities are written.

    dtype: that of the fit, for all the rest; None: as it is.
    """
    model: nn.Module = fit.model
    outputs, rows = fit.outputs, card_rows(fit)
    if (known := fit.classified) is not None:
        model, outputs = known.module(model), tuple(f"P({name})" for name in known.classes)
        rows.append(("values", "the probability of each class; the largest one is that of the class to expect"))
    seconds = {"days": "d", "seconds": "s"}
    by_name = {c.name: seconds[c.unit] for c in fit.problem.coding if c.unit} | _mapping(units)
    lines = tuple(f"{label}: {text}" for label, text in rows)
    return _written(
        model, np.dtype(np.float64), fit.domain, outputs, lines, path, to, dtype, derivative, verify, by_name
    )


@naming
def export_module(
    module: nn.Module, path: str | os.PathLike[str], to: str | None = None, *, domain: Any,
    outputs: Sequence[str] | None = None, dtype: Any = None, derivative: bool = False, verify: int = 0,
    units: Mapping[str, str] | None = None,
) -> Exported:  # fmt: skip
    """Write a Module in another language, as `Fit.export` does a fit: one from ONNX or PyTorch, or one of your own.

    Args:
        module: maps rows (n, d) to rows (n, k). It is written as it evaluates, not as it trains.
        path: of the file; what stands before its ending names the functions.
        to: the format; None: what the ending of the path says. See `Fit.export`.
        domain: names and ranges of the inputs, as in `fit`: {"x": (-1, 1)}. It is where `verify` looks.
        outputs: names of the outputs; None: y, or y1, y2, ...
        dtype: of everything in it, "float32" or "float64"; None: that of the module's parameters.
        derivative: whether Jacobian and Hessian products come with it, where the format has them.
        verify: run what was written at so many points of the domain, and compare it with the module.
        units: of inputs and outputs by name, such as {"x": "mm"}.

    Returns:
        The files, and how far they are from the module if `verify` was given.

    Raises:
        ArgumentError: a wrong argument, or a module that does not take rows of so many numbers.
        ExportError: a primitive of the module has no reading in the language, or nothing here can run it.

    >>> import tempfile
    >>> net = nn.Sequential(nn.Linear(2, 4, generator=0), nn.Tanh(), nn.Linear(4, 1, generator=1))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = export_module(net, f"{folder}/net.py", domain={"a": (0, 1), "b": (-1, 1)})
    ...     [path.name for path in done.paths]
    ['net.py']
    """
    if not isinstance(module, nn.Module):
        raise ArgumentError(f"export_module: needs a Module, got {type(module).__name__}; a fit has export of its own")
    box = domain if isinstance(domain, Domain) else Domain(domain)
    kinds = {p.dtype for p in module.parameters()}
    kind = np.dtype(np.float64 if ops.float64 in kinds or not kinds else np.float32)
    training = module.training
    module.eval()
    try:
        shape = _shape_of_rows(module, len(box.names), kind)
        plain = ("y",) if shape == 1 else tuple(f"y{i + 1}" for i in range(shape))
        names = plain if outputs is None else tuple(outputs)
        if len(names) != shape:
            raise ArgumentError(f"outputs={outputs!r}: the module has {shape} outputs; give as many names")
        about = (f"network: {type(module).__name__}, {module.num_parameters()} parameters, {kind}",)
        return _written(module, kind, box, names, about, Path(path), to, dtype, derivative, verify, units or {})
    finally:
        module.train(training)


def _shape_of_rows(module: nn.Module, d: int, kind: np.dtype) -> int:
    """The number of outputs of a module that takes rows."""
    try:
        with no_grad():
            y = module(Tensor(np.zeros((2, d)), kind))
    except SurefitError as e:
        raise ArgumentError(f"the module does not take rows of {d} numbers, as the domain has inputs: {e}") from None
    if not isinstance(y, Tensor) or y.ndim != 2 or y.shape[0] != 2:
        got = getattr(y, "shape", type(y).__name__)
        raise ArgumentError(f"the module makes {got} of rows (2, {d}); it has to make rows (2, k)")
    return int(y.shape[1])


def _written(
    model: nn.Module, kind: np.dtype, box: Domain, outputs: Sequence[str], about: tuple[str, ...], path: Path,
    to: str | None, dtype: Any, derivative: bool, verify: int, units: Mapping[str, str],
) -> Exported:  # fmt: skip
    to = exporters.format_of(path, to)
    verify = whole_number("verify", verify, 0)
    name = path.stem if path.suffix.lower() in exporters.FORMATS[to].endings else path.name
    known = _units(units, box.names, outputs)
    made = replace(exportable(model, kind, box, outputs, about, name, dtype, derivative), units=known)
    make_directory(path.parent, error=ExportError)
    paths = exporters.write(made, path, to)
    return Exported(tuple(paths), to, exporters.compared(made, paths, to, verify) if verify else None)


def _mapping(units: Any) -> dict[str, str]:
    """What was given as units. ArgumentError for all but a dict."""
    if units is not None and not isinstance(units, Mapping):
        raise ArgumentError(f"units={units!r} must be a dict of names and their units, such as {{'x': 'mm'}}")
    return dict(units or {})


def _units(units: Mapping[str, str], inputs: Sequence[str], outputs: Sequence[str]) -> tuple[str, ...]:
    """The unit of each input, then of each output: what was given, or what stands in brackets behind the name."""
    names = (*inputs, *outputs)
    for name, unit in units.items():
        if name not in names:
            raise ArgumentError(f"units: there is no variable {name!r}; there are {', '.join(names)}")
        if not isinstance(unit, str) or not unit.strip() or not unit.isprintable():
            raise ArgumentError(f"units: that of {name!r} must be a text such as 'mm', got {unit!r}")
    found = tuple(units.get(n) or (m[1].strip() if (m := _UNIT.search(n)) else "") for n in names)
    return found if any(found) else ()


def exportable(
    model: nn.Module, kind: np.dtype, box: Domain, outputs: Sequence[str], about: tuple[str, ...], name: str,
    dtype: Any = None, derivative: bool = False,
) -> Exportable:  # fmt: skip
    """The Programs of a Module of rows, and what is known about it.

    kind: of the points that it takes. about: lines for the comment. dtype: of all floats; None: as it computes.
    """
    d, k = len(box.names), len(outputs)
    model.eval()

    def row(x: Any) -> Any:
        return model(x.reshape(1, -1)).reshape(-1)

    def value(x: Any) -> Any:
        with no_grad():
            return model(x)

    def value_and_gradients(x: Any) -> Any:
        return model(x), jacobian(row)(x.reshape(-1))

    def product(x: Any, weights: Any, direction: Any) -> Any:
        return hvp(lambda t: (row(t) * weights).sum(), x.reshape(-1), direction)

    def programs(f: Any, *shapes: tuple[int, ...]) -> Program:
        program = record(f, *(Tensor(np.zeros(s), kind) for s in shapes))
        return program if dtype is None else retyped(program, _float(dtype))

    rng = np.random.default_rng(0)
    points = box.low + (box.high - box.low) * rng.random((TESTED, d))
    program = programs(value, (1, d))
    own = None if dtype is None else _values(record(value, Tensor(np.zeros((1, d)), kind)), k)
    values = _values(program, k)
    lines = list(about)
    if own is not None:
        many = box.low + (box.high - box.low) * rng.random((256, d))
        gap = np.abs(values(many)[0] - own(many)[0]).max()
        lines.append(f"written in {_float(dtype)} throughout: at most {gap:.3g} away from that at 256 points")
    return Exportable(
        name, program, tuple(box.names), tuple(outputs), box.low, box.high,
        (f"Written by surefit {__version__}.", *lines), points.astype(program.inputs[0].dtype), values,
        programs(value_and_gradients, (1, d)) if derivative else None,
        programs(product, (1, d), (k,), (d,)) if derivative else None,
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


__all__ = ["Exported", "export", "export_module", "exportable"]
