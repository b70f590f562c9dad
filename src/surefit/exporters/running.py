"""Exports are run where they live, and compared with the model: a compiler, Node or onnxruntime at this machine."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from surefit.errors import ExportError, MissingExtraError
from surefit.exporters.exportable import Exportable, identifier


class Compared(NamedTuple):
    """How far an export is from the model at so many points of its domain.

    difference: the largest |difference|. ulp: the same in units in the last place, those of the largest value that the
    model has there, in its own precision. exact: every value is the same, bit for bit.
    """

    points: int
    difference: float
    ulp: float
    exact: bool

    def __str__(self) -> str:
        if self.exact:
            return f"equal to the model bit for bit at {self.points} points"
        return f"largest difference {self.difference:.3g}, {self.ulp:.3g} ulp, at {self.points} points"


def compared(model: Exportable, paths: Sequence[Path], to: str, count: int) -> Compared:
    """Run an export at points drawn over the domain, and compare. ExportError: nothing here can run it."""
    rng = np.random.default_rng(0)
    low, high = (np.nan_to_num(v, neginf=-1e3, posinf=1e3) for v in (model.low, model.high))
    points = (low + (high - low) * rng.random((count, len(low)))).astype(model.dtype)
    want = (model.original or model.reference)(points)[0].astype(model.dtype)
    got = np.asarray(RUNNERS[to](model, paths, points), model.dtype).reshape(want.shape)
    both = np.isfinite(want) & np.isfinite(got)
    if not np.array_equal(np.isfinite(want), np.isfinite(got)):
        return Compared(count, float("inf"), float("inf"), False)
    gap = np.abs(got - want)[both]
    largest = float(gap.max(initial=0.0))
    unit = float(np.spacing(np.abs(want[both]).max(initial=0.0).astype(model.precision)))
    exact = bool(np.array_equal(got, want, equal_nan=True))
    return Compared(count, largest, largest / unit, exact)


def program(names: Sequence[str], purpose: str) -> str:
    """The first of some programs that is on this machine."""
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    raise ExportError(f"verify: {purpose} needs one of {', '.join(names)} on this machine; leave verify out")


def run(command: Sequence[str], folder: Path, text: str | None = None) -> str:
    """What a program prints. ExportError with its complaint where it fails."""
    done = subprocess.run(command, cwd=folder, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ExportError(f"verify: {Path(command[0]).name} failed: {done.stderr.strip()[:400]}")
    return done.stdout


def _c(model: Exportable, paths: Sequence[Path], points: np.ndarray) -> np.ndarray:
    compiler = program(("cc", "gcc", "clang"), "running C")
    source = next(p for p in paths if p.suffix == ".c").resolve()
    out = np.empty((len(points), len(model.outputs)), model.dtype)
    with TemporaryDirectory() as folder:
        library = Path(folder) / "model.so"
        run([compiler, "-O2", "-shared", "-fPIC", str(source), "-o", str(library), "-lm"], source.parent)
        batch = ctypes.CDLL(str(library))[f"{identifier(model.name)}_batch"]
        batch.restype = None
        x = np.ascontiguousarray(points)
        batch(ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(out.ctypes.data), ctypes.c_size_t(len(x)))
    return out


def _onnx(model: Exportable, paths: Sequence[Path], points: np.ndarray) -> np.ndarray:
    try:
        import onnxruntime
    except ImportError:
        raise MissingExtraError('verify: running ONNX needs onnxruntime: pip install "surefit[onnx]"') from None
    session = onnxruntime.InferenceSession(str(paths[0]), providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    if given.shape[0] == 1:
        return np.concatenate([session.run(None, {given.name: p[None]})[0] for p in points])
    return np.asarray(session.run(None, {given.name: points})[0])


def _numpy(model: Exportable, paths: Sequence[Path], points: np.ndarray) -> np.ndarray:
    import importlib.util

    spec = importlib.util.spec_from_file_location("exported", paths[0])
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return np.asarray(module.evaluate(points))


def _javascript(model: Exportable, paths: Sequence[Path], points: np.ndarray) -> np.ndarray:
    import json

    node = program(("node", "nodejs"), "running JavaScript")
    url = paths[0].resolve().as_uri()
    code = (
        f"import {{ evaluate }} from {json.dumps(url)};\n"
        "let text = ''; for await (const part of process.stdin) text += part;\n"
        "console.log(JSON.stringify(JSON.parse(text).map((x) => Array.from(evaluate(x), String))));"
    )
    printed = run([node, "--input-type=module", "-e", code], paths[0].parent, json.dumps(points.tolist()))
    return np.array([[float(v.replace("Infinity", "inf")) for v in row] for row in json.loads(printed)], model.dtype)


def _fortran(model: Exportable, paths: Sequence[Path], points: np.ndarray) -> np.ndarray:
    compiler = program(("gfortran",), "running Fortran")
    name, d, k = identifier(model.name), len(model.inputs), len(model.outputs)
    real = "real32" if model.kind == "f32" else "real64"
    main = f"""program main
  use, intrinsic :: iso_fortran_env, only: {real}
  use {name}_model, only: {name}_eval
  implicit none
  integer :: i, n
  real({real}) :: x({d}), y({k})
  read (*, *) n
  do i = 1, n
    read (*, *) x
    call {name}_eval(x, y)
    write (*, '({k}es26.17e3)') y
  end do
end program main
"""
    lines = [str(len(points)), *(" ".join(f"{v:.17g}" for v in row) for row in points.tolist())]
    with TemporaryDirectory() as folder:
        (Path(folder) / "main.f90").write_text(main)
        source = str(paths[0].resolve())
        run([compiler, "-O2", source, "main.f90", "-o", "main"], Path(folder))
        printed = run([str(Path(folder) / "main")], Path(folder), "\n".join(lines) + "\n")
    return np.array([[float(v) for v in line.split()] for line in printed.splitlines()], model.dtype)


RUNNERS = {"c": _c, "onnx": _onnx, "numpy": _numpy, "js": _javascript, "fortran": _fortran}

__all__ = ["RUNNERS", "Compared", "compared"]
