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
from surefit.exporters.spreadsheet import calculated
from surefit.sentences import Both, Sentence, declare, say

declare(
    {
        "export-exact": Both("equal to the model bit for bit at {points} points", "在 {points} 个点上与模型逐位相同"),
        "export-differs": Both(
            "largest difference {difference:.3g}, {ulp:.3g} ulp, at {points} points",
            "在 {points} 个点上最大相差 {difference:.3g}，即 {ulp:.3g} 个末位单位",
        ),
    }
)


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
        return str(self.sentence())

    def sentence(self) -> Sentence:
        """The comparison in words."""
        if self.exact:
            return say("export-exact", points=self.points)
        return say("export-differs", difference=self.difference, ulp=self.ulp, points=self.points)


def compared(model: Exportable, paths: Sequence[Path], to: str, count: int) -> Compared:
    """Run an export at points drawn over the domain, and compare. ExportError: nothing here can run it."""
    points = points_of(model, count)
    return distance(model, points, RUNNERS[to](model, paths, points))


def points_of(model: Exportable, count: int) -> np.ndarray:
    """Points (count, d) drawn over the domain."""
    rng = np.random.default_rng(0)
    low, high = (np.nan_to_num(v, neginf=-1e3, posinf=1e3) for v in (model.low, model.high))
    return (low + (high - low) * rng.random((count, len(low)))).astype(model.dtype)


def distance(model: Exportable, points: np.ndarray, values: np.ndarray) -> Compared:
    """How far values at these points are from those of the model."""
    want = (model.original or model.reference)(points)[0].astype(model.dtype)
    got = np.asarray(values, model.dtype).reshape(want.shape)
    both = np.isfinite(want) & np.isfinite(got)
    if not np.array_equal(np.isfinite(want), np.isfinite(got)):
        return Compared(len(points), float("inf"), float("inf"), False)
    gap = np.abs(got - want)[both]
    largest = float(gap.max(initial=0.0))
    unit = float(np.spacing(np.abs(want[both]).max(initial=0.0).astype(model.precision)))
    exact = bool(np.array_equal(got, want, equal_nan=True))
    return Compared(len(points), largest, largest / unit, exact)


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
    from importlib.machinery import SourceFileLoader

    loader = SourceFileLoader("exported", str(paths[0]))  # whatever the ending: .PY too
    spec = importlib.util.spec_from_loader("exported", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return np.asarray(module.evaluate(points))


def _javascript(model: Exportable, paths: Sequence[Path], points: np.ndarray) -> np.ndarray:
    import json

    node = program(("node", "nodejs"), "running JavaScript")
    with TemporaryDirectory() as folder:
        module = Path(folder) / "model.mjs"  # whether .js is a module depends on what lies around it
        shutil.copyfile(paths[0], module)
        code = (
            f"import {{ evaluate }} from {json.dumps(module.resolve().as_uri())};\n"
            "let text = ''; for await (const part of process.stdin) text += part;\n"
            "console.log(JSON.stringify(JSON.parse(text).map((x) => Array.from(evaluate(x), String))));"
        )
        printed = run([node, "--input-type=module", "-e", code], Path(folder), json.dumps(points.tolist()))
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
        (Path(folder) / "main.f90").write_text(main, encoding="utf-8")
        source = str(paths[0].resolve())
        run([compiler, "-O2", source, "main.f90", "-o", "main"], Path(folder))
        printed = run([str(Path(folder) / "main")], Path(folder), "\n".join(lines) + "\n")
    return np.array([[float(v) for v in line.split()] for line in printed.splitlines()], model.dtype)


def _table(model: Exportable, paths: Sequence[Path], points: np.ndarray) -> np.ndarray:
    rows = np.loadtxt(next(p for p in paths if p.suffix == ".csv"), delimiter=",", skiprows=1, ndmin=2)
    return np.stack([np.interp(points[:, 0], rows[:, 0], column) for column in rows[:, 1:].T], axis=1)


def _formula(model: Exportable, paths: Sequence[Path], points: np.ndarray) -> np.ndarray:
    formulas = [line for line in paths[0].read_text(encoding="utf-8").splitlines() if line.startswith("=")]
    x = np.asarray(points, np.float64)
    return np.stack([np.broadcast_to(calculated(f, x), len(x)) for f in formulas], axis=1)


def _casadi(model: Exportable, paths: Sequence[Path], points: np.ndarray) -> np.ndarray:
    compiler = program(("cc", "gcc", "clang"), "running C")
    sources = [str(p.resolve()) for p in paths if p.suffix == ".c"]
    x, out = np.array(points, np.float64), np.empty((len(points), len(model.outputs)))
    with TemporaryDirectory() as folder:
        library = Path(folder) / "model.so"
        run([compiler, "-O2", "-shared", "-fPIC", *sources, "-o", str(library), "-lm"], Path(folder))
        function = ctypes.CDLL(str(library))[f"{identifier(model.name)}_f"]
        for given, made in zip(x, out, strict=True):
            arg, res = ((ctypes.c_void_p * 1)(a.ctypes.data) for a in (given, made))
            function(arg, res, None, None, 0)
    return out


def _fmu(model: Exportable, paths: Sequence[Path], points: np.ndarray) -> np.ndarray:
    try:
        import fmpy
        from fmpy import fmi2, fmi3
    except ImportError:
        raise MissingExtraError("verify: running an FMU needs fmpy: pip install fmpy") from None
    compiler = program(("cc", "gcc", "clang"), "compiling the sources of an FMU")
    headers = Path(fmpy.__file__).parent / "c-code"
    name, d, k = identifier(model.name), len(model.inputs), len(model.outputs)
    out = np.empty((len(points), k))
    with TemporaryDirectory() as folder:
        fmpy.extract(str(paths[0]), folder)
        about = fmpy.read_model_description(folder)
        sources = [str(Path(folder) / "sources" / f"{name}{more}.c") for more in ("", "_fmu")]
        old = about.fmiVersion == "2.0"
        place = Path(folder) / "binaries" / (fmpy.platform if old else fmpy.platform_tuple)
        place.mkdir(parents=True)
        library = str(place / (name + fmpy.sharedLibraryExtension))
        run([compiler, "-O2", "-shared", "-fPIC", f"-I{headers}", *sources, "-o", library, "-lm"], Path(folder))
        kind = fmi2.FMU2Slave if old else fmi3.FMU3Slave
        instance = kind(guid=about.guid, unzipDirectory=folder, modelIdentifier=name, instanceName="one")
        instance.instantiate()
        words = "Real" if old else "Float64" if model.kind == "f64" else "Float32"
        put, get = getattr(instance, f"set{words}"), getattr(instance, f"get{words}")
        instance.enterInitializationMode()
        instance.exitInitializationMode()
        for i, point in enumerate(points.tolist()):
            put(list(range(d)), point)
            out[i] = get(list(range(d, d + k)))
        instance.terminate()
        instance.freeInstance()
    return out


RUNNERS = {
    "c": _c, "onnx": _onnx, "numpy": _numpy, "js": _javascript, "fortran": _fortran, "table": _table,
    "formula": _formula, "fmu": _fmu, "fmu3": _fmu, "casadi": _casadi,
}  # fmt: skip

__all__ = ["RUNNERS", "Compared", "compared", "distance", "points_of"]
