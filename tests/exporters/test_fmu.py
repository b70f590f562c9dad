"""FMUs of both versions: valid descriptions with units and limits, and values and derivatives in FMPy."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from surefit import nn
from surefit.exporters import write
from surefit.exporters.retyped import retyped

from .networks import exportable

VERSIONS = ["fmu", "fmu3"]
UNITS = ("m", "", "", "N/m^2")


def fmu_of(folder, to: str, derivative: bool = False, dtype: str = "float64", **changes):
    net = nn.Sequential(nn.Linear(2, 5, generator=0), nn.Tanh(), nn.Linear(5, 2, generator=1))
    m = exportable(net, 2, "demo", dtype, derivative)
    m = replace(m, inputs=("a<b", '"c"'), outputs=("y & z", "time"), units=UNITS, **changes)
    if dtype == "float32":
        m = replace(m, program=retyped(m.program, dtype), derivative=m.derivative and retyped(m.derivative, dtype))
    return m, write(m, folder / "demo", to)[0]


@pytest.mark.parametrize("to", VERSIONS)
def test_an_fmu_holds_a_description_and_sources(to, tmp_path):
    _, path = fmu_of(tmp_path, to)
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        root = ElementTree.fromstring(archive.read("modelDescription.xml"))
    more = {"sources/buildDescription.xml"} if to == "fmu3" else set()
    assert names == {"modelDescription.xml", "sources/demo.h", "sources/demo.c", "sources/demo_fmu.c"} | more
    variables = root.find("ModelVariables")
    own = [v[0] if to == "fmu" else v for v in variables]
    assert [v.get("name") for v in variables] == ["a<b", '"c"', "y & z", "time_", "time"][: len(own)]
    assert [float(own[0].get(key)) for key in ("min", "max", "start")] == [-3.0, 3.0, 0.0]
    assert [v.get("unit") for v in own[:4]] == ["m", None, None, "N/m^2"]
    assert [u.get("name") for u in root.find("UnitDefinitions")] == ["m", "N/m^2"]
    assert "a<b [m]" in root.get("description")
    assert fmu_of(tmp_path, to)[1].read_bytes() == path.read_bytes()


def test_a_domain_without_ends_has_no_limits(tmp_path):
    _, path = fmu_of(tmp_path, "fmu3", low=np.array([-np.inf, -1e308]), high=np.array([3.0, 1e308]))
    with zipfile.ZipFile(path) as archive:
        first, second, *_ = ElementTree.fromstring(archive.read("modelDescription.xml")).find("ModelVariables")
    assert (first.get("min"), first.get("max"), first.get("start")) == (None, "3.0", "0.0")
    assert (second.get("min"), second.get("start")) == ("-1e+308", "0.0")


def built(path: Path, folder: Path, old: bool) -> None:
    """The library of an extracted FMU, where FMPy looks for it."""
    import fmpy

    fmpy.extract(str(path), str(folder))
    place = folder / "binaries" / (fmpy.platform if old else fmpy.platform_tuple)
    place.mkdir(parents=True)
    headers = Path(fmpy.__file__).parent / "c-code"
    flags = ["-std=c99", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-pedantic", "-Werror", f"-I{headers}"]
    sources = [str(p) for p in (folder / "sources").glob("*.c")]
    subprocess.run(["gcc", *flags, *sources, "-o", str(place / "demo.so"), "-lm"], check=True)


@pytest.mark.skipif(not shutil.which("gcc"), reason="no C compiler on this machine")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("to", VERSIONS)
def test_an_fmu_runs_in_fmpy(to, dtype, tmp_path):
    fmpy = pytest.importorskip("fmpy", reason="imports FMUs")
    m, path = fmu_of(tmp_path, to, True, dtype)
    assert not pytest.importorskip("fmpy.validation", reason="checks FMUs").validate_fmu(str(path))
    folder = tmp_path / "fmu"
    built(path, folder, to == "fmu")
    kind = [("time", float), ("a<b", dtype), ('"c"', dtype)]
    given = np.array([(i, *p) for i, p in enumerate(m.points.tolist())], kind)
    outputs = ["y & z", "time_"]  # tools keep "time" for themselves
    got = fmpy.simulate_fmu(str(folder), input=given, stop_time=3, output_interval=1, output=outputs)
    near = 1e-5 if dtype == "float32" else 0.0  # the reference is that of float64
    want = m.reference(m.points)[0]
    assert len(got) == 4
    for row in got:
        np.testing.assert_allclose([row[1], row[2]], want[max(0, round(row[0]) - 1)], rtol=near, atol=near)


@pytest.mark.skipif(not shutil.which("gcc"), reason="no C compiler on this machine")
@pytest.mark.parametrize("to", VERSIONS)
def test_directional_derivatives_are_those_of_the_model(to, tmp_path):
    fmpy = pytest.importorskip("fmpy", reason="imports FMUs")
    from fmpy import fmi2, fmi3

    m, path = fmu_of(tmp_path, to, True)
    built(path, tmp_path / "fmu", to == "fmu")
    about = fmpy.read_model_description(str(tmp_path / "fmu"))
    slave = fmi2.FMU2Slave if to == "fmu" else fmi3.FMU3Slave
    one, two = (
        slave(guid=about.guid, unzipDirectory=str(tmp_path / "fmu"), modelIdentifier="demo", instanceName=name)
        for name in ("one", "two")
    )
    for instance in (one, two):
        instance.instantiate()
        instance.enterInitializationMode()
        instance.exitInitializationMode()
    values, jacobians = m.reference(m.points)
    put, get = ("setReal", "getReal") if to == "fmu" else ("setFloat64", "getFloat64")
    getattr(two, put)([0, 1], [0.5, -0.5])
    for x, y, slope in zip(m.points.tolist(), values, jacobians, strict=True):
        getattr(one, put)([0, 1], x)
        assert getattr(one, get)([3, 2]) == y[::-1].tolist()
        found = one.getDirectionalDerivative([2, 3], [1, 0], [2.0, -1.0])
        np.testing.assert_allclose(found, 2.0 * slope[:, 1] - slope[:, 0], rtol=1e-14)
        if to == "fmu3":
            back = one.getAdjointDerivative([2, 3], [0, 1], [1.0, -3.0])
            np.testing.assert_allclose(back, slope[0] - 3.0 * slope[1], rtol=1e-14)
    assert getattr(two, get)([0, 1]) == [0.5, -0.5]  # instances know nothing of each other
    if to == "fmu3":
        one.doStep(2.0, 0.25)
        assert one.getFloat64([4]) == [2.25]
    for instance in (one, two):
        instance.terminate()
        instance.freeInstance()
