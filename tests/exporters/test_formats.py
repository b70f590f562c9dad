"""Exports in languages that round in their own way: near the model, and whole."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.core.modes import no_grad
from surefit.core.program import record
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, ExportError
from surefit.exporters import FORMATS, compared, format_of, write

from .networks import exportable, layers, random_networks

NEAR = 40  # units in the last place of the largest value
NETWORKS = {**layers(), **{name: (net, d) for name, net, d in random_networks(10, seed=1)}}


def tried(to: str, name: str, dtype: str, folder) -> float:
    m = exportable(*NETWORKS[name], f"m {name}", dtype, derivative=False)
    return compared(m, write(m, folder / m.name, to), to, 12).ulp


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numpy(name, dtype, tmp_path):
    assert tried("numpy", name, dtype, tmp_path) < NEAR


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_onnx(name, dtype, tmp_path):
    pytest.importorskip("onnxruntime", reason="onnxruntime runs what is written")
    assert tried("onnx", name, dtype, tmp_path) < NEAR


SOME = ["GELU", "Sin", "Softplus", "Conv1d", "Embedding", "LayerNorm", "Formula", "random 3"]


@pytest.mark.skipif(not shutil.which("node"), reason="no Node on this machine")
@pytest.mark.parametrize("name", SOME)
def test_javascript(name, tmp_path):
    assert tried("js", name, "float32" if len(name) % 2 else "float64", tmp_path) < NEAR


@pytest.mark.skipif(not shutil.which("gfortran"), reason="no gfortran on this machine")
@pytest.mark.parametrize("name", ["Mish", "Formula", "Conv1d"])
def test_fortran(name, tmp_path):
    assert tried("fortran", name, "float32" if len(name) % 2 else "float64", tmp_path) < NEAR


@pytest.mark.parametrize("number", [-0.00038050171246051256, -1.2345678901234567e-301])
def test_a_line_of_fortran_has_at_most_132_characters(number, tmp_path):
    """Also where every number takes as many digits as there are."""
    net = nn.Sequential(nn.Linear(2, 60, dtype=np.float64), nn.Tanh(), nn.Linear(60, 2, dtype=np.float64))
    for p in net.parameters():
        p.data[...] = np.float64(number)
    (path,) = write(exportable(net, 2, "long", "float64"), tmp_path / "long", "fortran")
    assert max(map(len, path.read_text().splitlines())) <= 132


def test_numpy_takes_one_point_many_and_none(tmp_path):
    m = exportable(*layers()["MLP"], "m", derivative=False)
    (path,) = write(m, tmp_path / "m.py", "numpy")
    spec = importlib.util.spec_from_file_location("m", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    x = m.points
    assert module.evaluate(x).shape == (4, 2)
    assert np.array_equal(module.evaluate(x[0]), module.evaluate(x[:1])[0])
    assert module.evaluate(x[:0]).shape == (0, 2)
    assert module.self_test()
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == "ok\n"
    module.TEST_Y += 1.0
    assert not module.self_test()


def test_onnx_says_what_it_is(tmp_path):
    onnx = pytest.importorskip("onnx", reason="reads the file")
    m = exportable(*layers()["MLP"], "m", derivative=False)
    (path,) = write(m, tmp_path / "m", "onnx")
    proto = onnx.load(str(path))
    assert (proto.opset_import[0].version, proto.ir_version) == (18, 8)
    about = {p.key: p.value for p in proto.metadata_props}
    assert about["inputs"] == "x0, x1, x2"
    assert about["domain_low"] == "-3.0, -3.0, -3.0"
    assert [i.name for i in proto.graph.input] == ["x"]
    assert proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "n"
    reference = pytest.importorskip("onnx.reference", reason="a second opinion")
    (y,) = reference.ReferenceEvaluator(proto).run(None, {"x": m.points})
    assert np.abs(y - m.values()[0]).max() < 1e-5


@pytest.mark.parametrize("name", ["MLP", "Formula", "Conv2d", "LayerNorm"])
def test_from_onnx_reads_what_was_written(name, tmp_path):
    pytest.importorskip("onnx", reason="writes and reads the file")
    from surefit.interop import from_onnx

    m = exportable(*layers()[name], "m", "float64", derivative=False)
    net = from_onnx(write(m, tmp_path / "m", "onnx")[0])
    with no_grad():
        got = np.concatenate([net(Tensor(p[None])).numpy() for p in m.points])
    want = m.values()[0]
    assert np.abs(got - want).max() < 1e-12 * np.abs(want).max()


@pytest.mark.skipif(not shutil.which("node"), reason="no Node on this machine")
def test_javascript_has_derivatives_and_a_self_test(tmp_path):
    m = exportable(*layers()["Tanh"], "m", "float64")
    (path,) = write(m, tmp_path / "m", "js")
    code = (
        f"import * as m from {json.dumps(path.as_uri())};"
        f"const r = m.jacobian({m.points[0].tolist()});"
        "console.log(JSON.stringify([m.selfTest(), Array.from(r.y), Array.from(r.jacobian), m.inputs]))"
    )
    done = subprocess.run(
        ["node", "--input-type=module", "-e", code], capture_output=True, text=True, check=True
    )  # fmt: skip
    good, y, jacobian, inputs = json.loads(done.stdout)
    want = m.reference(m.points[:1])
    assert good
    assert np.allclose(y, want[0][0], rtol=1e-13)
    assert np.allclose(np.reshape(jacobian, (2, 2)), want[1][0], rtol=1e-12)
    assert inputs == ["x0", "x1"]


@pytest.mark.skipif(not shutil.which("gfortran"), reason="no gfortran on this machine")
def test_fortran_has_derivatives_and_a_self_test(tmp_path):
    m = exportable(*layers()["Tanh"], "m", "float64")
    (path,) = write(m, tmp_path / "m", "fortran")
    main = f"""program main
  use m_model
  double precision :: y(2), j(4)
  call m_jacobian([{", ".join(f"{v!r}d0" for v in m.points[0].tolist())}], y, j)
  print *, m_self_test(), y, j
end program main
"""
    (tmp_path / "main.f90").write_text(main)
    flags = ["-std=f2008", "-Wall", "-Werror", "-pedantic"]
    command = ["gfortran", *flags, str(path), "main.f90", "-o", "main"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:2000]
    numbers = subprocess.run([str(tmp_path / "main")], capture_output=True, text=True, check=True).stdout.split()
    want = m.reference(m.points[:1])
    assert numbers[0] == "0"
    assert np.allclose(np.array(numbers[1:], float), np.concatenate([w.reshape(-1) for w in want]), rtol=1e-12)


@pytest.mark.parametrize("name", ["very" * 25, "end program", "3d", "class", "模型", "a-b"])
def test_files_of_any_name_compile(name, tmp_path):
    m = replace(exportable(*layers()["linear"], "m"), inputs=("do", "T [K]", "end module"), outputs=("int", '"&<>'))
    for to, program in (("c", "gcc"), ("js", "node"), ("fortran", "gfortran")):
        if shutil.which(program):
            assert compared(replace(m, name=name), write(m, tmp_path / name, to), to, 5).ulp < NEAR


@pytest.mark.parametrize("to", ["c", "numpy", "onnx", "js"])
def test_a_primitive_without_a_reading_is_named(to, tmp_path):
    if to == "onnx":
        pytest.importorskip("onnx", reason="writes the file")

    class Gamma(nn.Module):
        def forward(self, x):
            return surefit.digamma(x * x + 1.0)

    base = exportable(*layers()["linear"], "m", derivative=False)
    m = replace(base, program=record(Gamma(), Tensor(np.zeros((1, 3)))), batch=None)
    with pytest.raises(ExportError, match="digamma"):
        write(m, tmp_path / "m", to)
    assert not list(tmp_path.iterdir())


def test_formats_are_known_by_their_ending(tmp_path):
    assert format_of(tmp_path / "a.c", None) == "c"
    assert format_of(tmp_path / "a.MJS", None) == "js"
    assert format_of(tmp_path / "a", "numpy") == "numpy"
    with pytest.raises(ArgumentError, match=r"to='pascal'.*c, onnx"):
        format_of(tmp_path / "a.c", "pascal")
    with pytest.raises(ArgumentError, match="names no format"):
        format_of(tmp_path / "a.txt.xyz", None)
    assert format_of(tmp_path / "a.txt.xyz", "c") == "c"


def test_a_format_and_an_ending_of_another_one_contradict(tmp_path):
    with pytest.raises(ArgumentError, match=r"to='onnx': the ending of 'a.c' is that of c; write 'a.onnx', or to='c'"):
        format_of(tmp_path / "a.c", "onnx")
    assert format_of(tmp_path / "a.c", "casadi") == "casadi"  # which is C as well
    assert format_of(tmp_path / "a.fmu", "fmu3") == "fmu3"


def test_derivatives_are_refused_where_there_are_none(tmp_path):
    m = exportable(*layers()["linear"], "m")
    with pytest.raises(ArgumentError, match="without derivatives; they are in c, js, fortran, fmu, fmu3, casadi"):
        write(m, tmp_path / "m", "numpy")


# --- of a fit --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fit():
    return surefit.fit("sin(a)*exp(b)", {"a": (-1, 2), "b": (0, 1)}, seed=0, tol=1e-3)


@pytest.mark.skipif(not shutil.which("gcc"), reason="no C compiler on this machine")
def test_a_fit_is_exported_with_its_names_domain_and_error(fit, tmp_path):
    done = fit.export(tmp_path / "demo.c", derivative=True, verify=200)
    assert [p.name for p in done.paths] == ["demo.h", "demo.c"]
    assert done.compared.exact
    assert "bit for bit at 200 points" in str(done)
    head = (tmp_path / "demo.h").read_text()
    assert "inputs: a, b" in head
    assert "domain: a -1 to 2, b 0 to 1" in head
    assert f"{fit.error.max:.3g}" in head
    assert "bytes of stack" in head


@pytest.mark.parametrize("to", ["numpy", "onnx"])
def test_an_export_is_near_predict(fit, to, tmp_path):
    if to == "onnx":
        pytest.importorskip("onnxruntime", reason="runs the file")
    done = fit.export(tmp_path / "demo", to, verify=100)
    x = fit.domain.low + (fit.domain.high - fit.domain.low) * np.random.default_rng(0).random((100, 2))
    assert done.compared.difference < 1e-6 * np.abs(fit.predict(x)).max()


@pytest.mark.skipif(not shutil.which("gcc"), reason="no C compiler on this machine")
def test_float32_is_made_ready_and_says_how_far_it_is_off(fit, tmp_path):
    done = fit.export(tmp_path / "demo.c", dtype="float32", verify=200)
    assert done.compared.difference < 1e-2
    text = (tmp_path / "demo.c").read_text()
    assert "written in float32 throughout: at most" in text
    assert "double" not in text.split("#include <math.h>")[1].replace("(double)NAN", "")


@pytest.mark.parametrize(
    "given, words",
    [
        ({"to": "c", "dtype": "float16"}, "float16"),
        ({"to": "c", "verify": -1}, "verify=-1"),
        ({"to": "cobol"}, "cobol"),
        ({}, "names no format"),
    ],
)
def test_wrong_arguments_are_named(fit, given, words, tmp_path):
    with pytest.raises((ArgumentError, surefit.errors.DtypeError), match=words):
        fit.export(tmp_path / "demo", **given)
    assert not list(tmp_path.iterdir())


def test_every_format_is_documented():
    text = surefit.Fit.export.__doc__
    assert all(f'"{name}"' in text for name in FORMATS)


# --- of a module -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_module_is_exported_as_it_evaluates(dtype, tmp_path):
    net = nn.Sequential(nn.Linear(2, 5, generator=0), nn.Dropout(0.5), nn.Tanh(), nn.Linear(5, 2, generator=1)).to(
        dtype
    )
    done = surefit.export_module(net, tmp_path / "net.py", domain={"a": (0, 1), "b": (-2, 2)}, verify=50)
    assert done.compared.ulp < NEAR
    assert net.training
    assert "inputs: a, b\noutputs: y1, y2" in (tmp_path / "net.py").read_text()
    assert f"np.{dtype})" in (tmp_path / "net.py").read_text()


@pytest.mark.parametrize(
    "given, words",
    [
        ({"module": 3}, "got int"),
        ({"domain": {"a": (0, 1)}}, "rows of 1 numbers"),
        ({"outputs": ["u", "v"]}, "1 outputs"),
        ({"module": nn.Flatten(0)}, r"\(4,\) of rows \(2, 2\)"),
        ({"dtype": "int32"}, "dtype='int32'"),
    ],
)
def test_wrong_arguments_of_a_module_are_named(given, words, tmp_path):
    right = {"module": nn.Linear(2, 1, generator=0), "path": tmp_path / "m.c", "domain": {"a": (0, 1), "b": (0, 1)}}
    with pytest.raises(ArgumentError, match=words):
        surefit.export_module(**{**right, **given})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "to, name",
    [("js", "g.js"), ("js", "g.mjs"), ("numpy", "G.PY"), ("fortran", "g.F90"), ("fortran", "g.f95"), ("fmu", "G.FMU")],
)
def test_one_file_has_the_name_that_was_asked_for(to, name, tmp_path):
    m = exportable(*layers()["MLP"], "m", derivative=False)
    assert write(m, tmp_path / name, to) == [tmp_path / name]
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("to, name", [("js", "g.js"), ("numpy", "G.PY"), ("fortran", "g.F90"), ("fortran", "g.f95")])
def test_what_has_another_usual_ending_runs(to, name, tmp_path):
    needed = {"js": "node", "fortran": "gfortran"}.get(to)
    if needed is not None and not shutil.which(needed):
        pytest.skip(f"no {needed} on this machine")
    m = exportable(*layers()["MLP"], name.partition(".")[0], "float64", derivative=False)
    (tmp_path / "package.json").write_text('{"type": "commonjs"}')  # to Node a .js is no module here
    assert compared(m, write(m, tmp_path / name, to), to, 5).ulp < NEAR


@pytest.mark.parametrize(
    "to, name", [("numpy", "numpy.py"), ("numpy", "random"), ("c", "math.h"), ("c", "String.c"), ("fmu", "time.fmu")]
)
def test_a_file_is_not_named_as_what_it_needs(to, name, tmp_path):
    m = exportable(*layers()["MLP"], "m", derivative=False)
    with pytest.raises(ArgumentError, match="would hide what it needs itself; choose another name"):
        write(m, tmp_path / name, to)
    assert not any(tmp_path.iterdir())
