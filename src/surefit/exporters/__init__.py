"""Fitted models elsewhere: one recorded Program, written in other languages. Each file is one reading of it.

`FORMATS` says what there is; `write` writes an `Exportable` in one of them, `compared` runs what was written.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from surefit.errors import ArgumentError, ExportError
from surefit.exporters.exportable import Exportable, identifier
from surefit.exporters.running import RUNNERS, Compared, compared
from surefit.files import write_together
from surefit.spelling import spelled

Texts = dict[str, str | bytes]  # ending of each file -> what is in it


class Format(NamedTuple):
    """A language: the endings that announce it, what it is in words, and whether it has derivatives."""

    endings: tuple[str, ...]
    words: str
    write: Callable[[Exportable], Texts]
    derivative: bool = False
    imports: frozenset[str] = frozenset()  # names that a file cannot have: what it asks for would be itself


def _c(model: Exportable) -> Texts:
    from surefit.exporters.c_code import c_code

    header, source = c_code(model, f"{model.name}.h")
    return {".h": header, ".c": source}


def _onnx(model: Exportable) -> Texts:
    from surefit.exporters.onnx_code import onnx_model

    return {".onnx": onnx_model(model).SerializeToString()}


def _numpy(model: Exportable) -> Texts:
    from surefit.exporters.numpy_code import numpy_code

    return {".py": numpy_code(model)}


def _javascript(model: Exportable) -> Texts:
    from surefit.exporters.javascript import javascript

    return {".mjs": javascript(model)}


def _fortran(model: Exportable) -> Texts:
    from surefit.exporters.fortran import fortran

    return {".f90": fortran(model)}


def _table(model: Exportable) -> Texts:
    from surefit.exporters.piecewise import table

    as_csv, as_json = table(model)
    return {".csv": as_csv, ".json": as_json}


def _formula(model: Exportable) -> Texts:
    from surefit.exporters.formula_text import formula_text

    return {".txt": formula_text(model)}


def _casadi(model: Exportable) -> Texts:
    from surefit.exporters.casadi import casadi_code

    header, source, wrapper = casadi_code(model)
    return {".h": header, ".c": source, "_casadi.c": wrapper}


def _fmu(model: Exportable) -> Texts:
    from surefit.exporters.fmu import fmu

    return {".fmu": fmu(model, 2)}


def _fmu3(model: Exportable) -> Texts:
    from surefit.exporters.fmu import fmu

    return {".fmu": fmu(model, 3)}


HEADERS = frozenset(
    "assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdarg stdbool stddef "
    "stdint stdio stdlib string tgmath time wchar wctype".split()
)  # of C99: beside one of that name, a compiler that is told to look there finds it first
MODULES = frozenset({"numpy"}) | sys.stdlib_module_names  # NumPy imports many of them, from the folder one is in

FORMATS = {
    "c": Format((".c", ".h"), "C99, one header and one source", _c, True, HEADERS),
    "onnx": Format((".onnx",), "ONNX, opset 18", _onnx),
    "numpy": Format((".py",), "one Python file that needs NumPy", _numpy, imports=MODULES),
    "js": Format((".mjs", ".js"), "one JavaScript module", _javascript, True),
    "fortran": Format((".f90", ".f95"), "a module of Fortran 2008", _fortran, True),
    "table": Format((".csv", ".json"), "the corners of a network of straight pieces, CSV and JSON", _table),
    "formula": Format((".txt",), "formulas for a spreadsheet and for Desmos", _formula),
    "fmu": Format((".fmu",), "an FMU 2.0 for co-simulation, as sources", _fmu, True, HEADERS),
    "fmu3": Format((".fmu",), "an FMU 3.0 for co-simulation, as sources", _fmu3, True, HEADERS),
    "casadi": Format((".c", ".h"), "C for CasADi's external", _casadi, True, HEADERS),
}  # fmt: skip


def format_of(path: Path, to: str | None) -> str:
    """The format that is asked for, or that the ending of the file announces.

    ArgumentError: neither is known, or the ending is that of another format than the one that is asked for.
    """
    known = ", ".join(FORMATS)
    if to is not None:
        if to not in FORMATS:
            raise ArgumentError(f"to={to!r} is not a format; choose one of {known}")
        ending, own = path.suffix.lower(), FORMATS[to].endings
        others = [name for name, f in FORMATS.items() if ending in f.endings]
        if others and to not in others:
            raise ArgumentError(
                f"{spelled('to', repr(to))}: the ending of {path.name!r} is that of {others[0]}; write "
                f"{path.stem + own[0]!r}, or {spelled('to', repr(others[0]))}"
            )
        return to
    for name, f in FORMATS.items():
        if path.suffix.lower() in f.endings:
            return name
    raise ArgumentError(f"the ending of {path.name!r} names no format; say which with to=: {known}")


def write(model: Exportable, path: Path, to: str) -> list[Path]:
    """Write a model in one of FORMATS: one file with the name that was asked for, or several that differ in endings.

    Args:
        model: what is written; its name becomes that of the file.
        path: of the file; its ending may be missing.
        to: a name in FORMATS.

    Raises:
        ArgumentError: the format has no derivatives, and the model comes with some; no code can have that name.
        ExportError: a primitive of the model cannot be said in this language, or a file cannot be written.
    """
    f = FORMATS[to]
    if model.derivative is not None and not f.derivative:
        can = ", ".join(name for name, other in FORMATS.items() if other.derivative)
        raise ArgumentError(f"derivative=True: {f.words} is written without derivatives; they are in {can}")
    base = path.with_suffix("") if path.suffix.lower() in f.endings else path
    if not base.name.isprintable() or set(base.name) & set("\"\\'"):
        raise ArgumentError(f"path: the name {base.name!r} cannot be written into code; use letters and digits")
    if base.name.lower() in f.imports:
        raise ArgumentError(f"path: a file named {base.name!r} would hide what it needs itself; choose another name")
    model = replace(model, name=base.name)
    texts = f.write(model)
    as_asked = len(texts) == 1 and base != path  # .js, .F90: not the ending that is usual here
    return write_together(
        {path if as_asked else base.with_name(base.name + end): text for end, text in texts.items()}, error=ExportError
    )


__all__ = ["FORMATS", "RUNNERS", "Compared", "Exportable", "Format", "compared", "format_of", "identifier", "write"]
