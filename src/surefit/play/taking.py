"""A fit as a file: code, pictures, a table of its values, a report."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from surefit.fitting import Fit
from surefit.reports.pictures import grid_of

from .memory import give_back

EXPORTS = {"c": "c", "onnx": "onnx", "numpy": "py", "js": "js"}
PICTURES = ("png", "svg")
DRAWN = (*PICTURES, "report")  # by Matplotlib, which takes seconds
FORMATS = (*EXPORTS, "c-text", *PICTURES, "csv", "report", "model")
LANGUAGES = ("en", "zh")


def file_of(fitted: Fit, to: str, lang: str = "en") -> tuple[str, bytes]:
    """The name and content of a fit as a file; several files are packed into one."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        if to == "c-text":
            paths = fitted.export(here / "model.c", "c").paths
            return "model.c", joined(paths).encode()
        if to == "model":
            return "model.safetensors", fitted.save(here / "model.safetensors").read_bytes()
        if to == "csv":
            return "fit.csv", table_of(fitted).encode()
        if to == "report":
            return "report.html", fitted.report(here / "report.html", lang).read_bytes()
        if to in PICTURES:
            found = io.BytesIO()
            fitted.plot("fit", lang=lang).savefig(found, format=to)
            give_back()
            return f"fit.{to}", found.getvalue()
        paths = fitted.export(here / f"model.{EXPORTS[to]}", to).paths
        if len(paths) == 1:
            return paths[0].name, paths[0].read_bytes()
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in paths:
                archive.write(path, path.name)
        return f"model-{to}.zip", packed.getvalue()


def joined(paths: Sequence[Path]) -> str:
    """The C source with its header in the place where it is included: one text to paste."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in paths}
    source = texts["model.c"]
    return source.replace('#include "model.h"\n', texts["model.h"]) if "model.h" in texts else source


def table_of(fitted: Fit) -> str:
    """Inputs, fit, and of a function the target and the error, over the grid of the picture, as CSV."""
    problem = fitted.problem
    points = grid_of(problem)[1]
    names, columns = list(problem.names), [*points.T]
    values = np.ravel(fitted.predict(points))
    names.append("fit")
    columns.append(values)
    if problem.function is not None:
        with np.errstate(all="ignore"):
            target = np.ravel(problem.function(points))
        names += ["target", "error"]
        columns += [target, values - target]
    rows = [",".join(names), *(",".join(f"{v:.10g}" for v in row) for row in zip(*columns, strict=True))]
    return "\n".join(rows) + "\n"


__all__ = ["DRAWN", "FORMATS", "LANGUAGES", "file_of"]
