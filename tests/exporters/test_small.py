"""What small networks become: the corners of straight pieces, and formulas; and what simulators take, FMUs."""

from __future__ import annotations

import csv
import json
import math
import re
import shutil
import subprocess
from itertools import pairwise

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.errors import ExportError
from surefit.exporters import write
from surefit.exporters.formula_text import desmos, spreadsheet
from surefit.exporters.piecewise import corners, table

from .networks import exportable

BENT = {
    "relu": nn.ReLU(), "leaky": nn.LeakyReLU(0.1), "hardtanh": nn.Hardtanh(), "relu6": nn.ReLU6(),
    "prelu": nn.PReLU(), "softshrink": nn.Softshrink(), "hardsigmoid": nn.Hardsigmoid(),
}  # fmt: skip


def network(activation: nn.Module, *widths: int) -> nn.Module:
    parts: list[nn.Module] = []
    for i, (a, b) in enumerate(pairwise(widths)):
        parts += [nn.Linear(a, b, generator=i), activation]
    return nn.Sequential(*parts[:-1])


@pytest.mark.parametrize("name", BENT)
@pytest.mark.parametrize("widths", [(1, 8, 1), (1, 6, 5, 2)])
def test_between_corners_the_network_is_straight(name, widths):
    m = exportable(network(BENT[name], *widths), 1, "m", "float64", derivative=False)
    x, y = corners(m)
    assert (np.diff(x) > 0).all()
    assert (x[0], x[-1]) == (-3.0, 3.0)
    at = np.sort(np.random.default_rng(0).uniform(-3, 3, 300))
    want = m.reference(at[:, None])[0]
    got = np.stack([np.interp(at, x, column) for column in y.T], axis=1)
    assert np.abs(got - want).max() < 1e-12 * np.abs(want).max()


def test_a_network_of_relus_has_no_more_corners_than_units_can_bend():
    m = exportable(network(nn.ReLU(), 1, 8, 1), 1, "m", "float64", derivative=False)
    assert 2 < len(corners(m)[0]) <= 10


def test_a_jump_is_two_rows():
    m = exportable(network(nn.Threshold(0.0, 1.0), 1, 3, 1), 1, "m", "float64", derivative=False)
    x, _ = corners(m)
    assert (np.diff(x) == 0).any()


def test_the_table_is_csv_and_json():
    m = exportable(network(nn.ReLU(), 1, 4, 1), 1, "m", "float64", derivative=False)
    as_csv, as_json = table(m)
    rows = list(csv.reader(as_csv.splitlines()))
    data = json.loads(as_json)
    assert rows[0] == ["x0", "y0"]
    assert [float(r[0]) for r in rows[1:]] == data["x"]
    assert [[float(r[1])] for r in rows[1:]] == data["y"]


def test_what_is_not_straight_is_refused():
    with pytest.raises(ExportError, match="'tanh'"):
        corners(exportable(network(nn.Tanh(), 1, 4, 1), 1, "m", derivative=False))
    with pytest.raises(ExportError, match="this model has 2"):
        corners(exportable(network(nn.ReLU(), 2, 4, 1), 2, "m", derivative=False))


FUNCTIONS = {
    "TANH": math.tanh, "EXP": math.exp, "LN": math.log, "SIN": math.sin, "COS": math.cos, "ABS": abs, "MAX": max,
    "MIN": min, "SQRT": math.sqrt, "IF": lambda c, a, b: a if c else b,
}  # fmt: skip


def calculated(formula: str, values: list[float]) -> float:
    """What a spreadsheet makes of a formula."""
    text = formula.removeprefix("=").replace("^", "**")
    names = {f"{chr(65 + i)}1": v for i, v in enumerate(values)} | FUNCTIONS
    if text.startswith("LET("):
        depth, parts, part = 0, [], ""
        for c in text[4:-1]:
            depth += (c == "(") - (c == ")")
            if c == "," and not depth:
                parts.append(part)
                part = ""
            else:
                part += c
        for name, value in zip(parts[::2], parts[1::2], strict=False):
            names[name] = eval(value, {}, names)  # noqa: S307
        text = part
    return eval(text, {}, names)  # noqa: S307


@pytest.mark.parametrize("activation", [nn.Tanh(), nn.Sigmoid(), nn.ReLU(), nn.Softplus(), nn.SiLU(), nn.Sin()])
@pytest.mark.parametrize("widths", [(2, 5, 1), (1, 3, 4, 2)])
def test_a_spreadsheet_gives_the_values_of_the_network(activation, widths):
    m = exportable(network(activation, *widths), widths[0], "m", "float64", derivative=False)
    formulas = spreadsheet(m)
    want = m.values()[0]
    for x, y in zip(m.points.tolist(), want.tolist(), strict=True):
        got = [calculated(f, x) for f in formulas]
        assert np.allclose(got, y, rtol=1e-11, atol=1e-13)


def test_desmos_gives_the_values_of_the_network():
    m = exportable(network(nn.Tanh(), 1, 3, 4, 1), 1, "m", "float64", derivative=False)
    names: dict[str, object] = {"tanh": math.tanh}
    *parts, last = desmos(m)
    for x, y in zip(m.points[:, 0].tolist(), m.values()[0][:, 0].tolist(), strict=True):
        names["x"] = x
        for line in parts:
            left, _, right = line.partition("=")
            names[left.replace("_{", "").replace("}(x)", "")] = eval(_python(right), {}, names)  # noqa: S307
        got = eval(_python(last.partition("=")[2]), {}, names)  # noqa: S307
        assert math.isclose(got, y, rel_tol=1e-11)


def test_desmos_takes_several_inputs():
    m = exportable(network(nn.Square(), 3, 4, 2), 3, "m", "float64", derivative=False)
    names: dict[str, object] = {}
    *parts, first, second = desmos(m)
    assert all("(x_{1},x_{2},x_{3})" in line for line in (*parts, first, second))
    for x, y in zip(m.points.tolist(), m.values()[0].tolist(), strict=True):
        names |= {f"x{i + 1}": v for i, v in enumerate(x)}
        for line in (*parts, first, second):
            left, _, right = line.replace("(x_{1},x_{2},x_{3})", "").partition("=")
            plain = re.sub(r"([vxf])_\{(\d+)\}", r"\1\2", right).replace("^", "**")
            names[re.sub(r"[_{}]", "", left)] = eval(plain, {}, names)  # noqa: S307
        assert np.allclose([names["f1"], names["f2"]], y, rtol=1e-11)


def _python(text: str) -> str:
    return re.sub(r"v_\{(\d+)\}\(x\)", r"v\1", text).replace("^", "**")


def test_a_network_that_is_too_large_for_a_cell_is_refused():
    m = exportable(network(nn.Tanh(), 2, 200, 1), 2, "m", derivative=False)
    with pytest.raises(ExportError, match="a cell takes 8192"):
        spreadsheet(m)


def test_a_fit_becomes_a_table_and_a_formula(tmp_path):
    line = surefit.fit("abs(t)", {"t": (-1, 1)}, model=surefit.MLPSpec((4,), "relu"), method="adam", time=0.3, seed=0)
    done = line.export(tmp_path / "corners.csv")
    assert [p.name for p in done.paths] == ["corners.csv", "corners.json"]
    assert line.export(tmp_path / "f.txt").paths[0].read_text().count("t in A1") == 1
    for name in ("corners.csv", "f.txt"):
        assert line.export(tmp_path / name, verify=50).compared.ulp < 4


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("gcc"), reason="no C compiler on this machine")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_casadi_has_values_and_derivatives(dtype, tmp_path):
    casadi = pytest.importorskip("casadi", reason="takes the library")
    m = exportable(network(nn.Tanh(), 2, 5, 3), 2, "sin", dtype)
    paths = write(m, tmp_path / "sin", "casadi")
    flags = ["-std=c99", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror"]
    sources = [str(p) for p in paths if p.suffix == ".c"]
    subprocess.run(["gcc", *flags, *sources, "-o", str(tmp_path / "demo.so"), "-lm"], check=True)
    f = casadi.external("sin_f", str(tmp_path / "demo.so"))
    j = f.jacobian()
    values, jacobians = m.reference(m.points)
    for x, y, slope in zip(m.points, values, jacobians, strict=True):
        assert np.array_equal(np.array(f(x))[:, 0], y)
        assert np.array_equal(np.array(j(x, y)), slope)
