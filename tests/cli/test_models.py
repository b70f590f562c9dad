"""`surefit predict`, `info` and `doctor`. The oracle is the model itself, loaded through the library."""

from __future__ import annotations

import csv
import gzip
import io
import shutil

import numpy as np
import pytest

import surefit as library
from surefit.data import Table, read_table, write_table


@pytest.fixture
def two(models, tmp_path):
    shutil.copy(models / "two.safetensors", tmp_path)
    return library.load(tmp_path / "two.safetensors")


@pytest.fixture
def one(models, tmp_path):
    shutil.copy(models / "one.safetensors", tmp_path)
    return library.load(tmp_path / "one.safetensors")


# --- points ---------------------------------------------------------------------------------------


def test_one_output_is_a_bare_number_a_line(surefit, two):
    ran = surefit("predict two.safetensors --at x1=1,x2=2 --at 'x2 = pi/2, x1 = -0.5'")
    assert (ran.code, ran.err) == (0, "")
    expected = [two(1.0, 2.0), two(-0.5, np.pi / 2)]
    np.testing.assert_allclose([float(line) for line in ran.out.splitlines()], expected, rtol=1e-6)


def test_several_outputs_carry_their_names(surefit, one):
    ran = surefit("predict one.safetensors --at t=0.5")
    pairs = dict(word.split("=") for word in ran.out.split())
    np.testing.assert_allclose([float(pairs["y1"]), float(pairs["y2"])], one(0.5), rtol=1e-6)


def test_with_one_input_a_bare_number_does(surefit, one):
    assert surefit("predict one.safetensors --at -0.5").out == surefit("predict one.safetensors --at t=-0.5").out


def test_derivatives_agree_with_differences(surefit, two):
    point = surefit("predict two.safetensors --at x1=0.3,x2=1.1 --derivative --json").json()["points"][0]
    h = 1e-3  # float32: rounding and truncation are both below 1e-3
    expected = [(two(0.3 + h, 1.1) - two(0.3 - h, 1.1)) / (2 * h), (two(0.3, 1.1 + h) - two(0.3, 1.1 - h)) / (2 * h)]
    np.testing.assert_allclose([point["dy/dx1"], point["dy/dx2"]], expected, atol=2e-3)


def test_intervals_are_those_of_the_library(surefit, two):
    point = surefit("predict two.safetensors --at x1=0.3,x2=1.1 --interval 0.8 --json").json()["points"][0]
    (low,), (high,) = two.interval([[0.3, 1.1]], 0.8)
    assert (point["y_low"], point["y_high"]) == (low, high)
    refused = surefit("predict two.safetensors --at x1=0.3,x2=1.1 --interval 80")
    assert refused.code == 2 and "between 0 and 1" in refused.err


def test_info_shows_every_warning(surefit, tmp_path):
    x, noise = np.linspace(-1, 1, 60), np.random.default_rng(0).normal(size=60)
    fit = library.fit((x, noise), {"x": (-0.9, 0.9)}, method="features", model=(5,))
    fit.save(tmp_path / "noise.safetensors")
    shown = [line for line in surefit("info noise.safetensors").out.splitlines() if line.startswith("warning")]
    assert len(shown) == 2 and "outside" in shown[0] and "learned" in shown[1]


def test_json_of_points(surefit, two):
    ran = surefit("predict two.safetensors --at x1=1,x2=2 --at x1=7,x2=1 --json")
    points = ran.json()["points"]
    assert [(p["x1"], p["x2"]) for p in points] == [(1, 2), (7, 1)]
    np.testing.assert_allclose(points[0]["y"], two(1.0, 2.0), rtol=1e-6)
    with pytest.warns(library.OutsideWarning):
        np.testing.assert_allclose(points[1]["y"], two(7.0, 1.0), rtol=1e-6)
    assert ran.json()["outside"] == 1


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    "points, says",
    [
        ("--at x1=7,x2=1", "the point lies outside the domain x1=-1:1, x2=0:2, where the error is unknown"),
        ("--at x1=7,x2=1 --at x1=0,x2=1", "1 of 2 points lies outside"),
        ("--at x1=7,x2=1 --at x1=0,x2=-1", "2 of 2 points lie outside"),
    ],
)
def test_points_outside_the_domain_are_a_warning(surefit, points, says):
    ran = surefit(f"predict two.safetensors {points}")
    assert ran.code == 0
    assert ran.err.startswith("warning: ")
    assert says in ran.err
    assert ran.err.count("\n") == 1


# --- tables ---------------------------------------------------------------------------------------


def test_a_table_keeps_its_columns_and_gains_the_outputs(surefit, two, tmp_path):
    (tmp_path / "in.csv").write_text('id;x2;note;x1\na;0;"b;c";1\n\nb;0.5;;-0.25\n')
    ran = surefit("predict two.safetensors --csv in.csv --out out.csv --derivative")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "out.csv  2 rows: id, x2, note, x1, y, dy/dx1, dy/dx2\n"
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    assert [[row[name] for name in ("id", "x2", "note", "x1")] for row in rows] == [
        ["a", "0", "b;c", "1"], ["b", "0.5", "", "-0.25"],
    ]  # fmt: skip
    points = [[1, 0], [-0.25, 0.5]]
    assert [float(row["y"]) for row in rows] == two.predict(points).tolist()
    slopes = [[float(row["dy/dx1"]), float(row["dy/dx2"])] for row in rows]
    assert slopes == two.derivative(points).tolist()


def test_without_out_the_table_goes_to_stdout(surefit, one, tmp_path):
    (tmp_path / "in.csv").write_text("t,y1\n0.5,9\n")
    ran = surefit("predict one.safetensors --csv in.csv")
    (row,) = csv.DictReader(io.StringIO(ran.out))
    assert (row["t"], row["y1"]) == ("0.5", "9")
    assert [float(row["y1_fit"]), float(row["y2"])] == one.predict([0.5])[0].tolist()


@pytest.mark.parametrize("form", ["csv", "parquet", "npz"])
def test_every_kind_of_table_can_be_read_and_written(surefit, two, tmp_path, form):
    points = np.array([[0.5, 1.5], [-1.0, 0.0], [0.25, 2.0]])
    write_table(Table(["x2", "x1"], points[:, ::-1]), tmp_path / f"in.{form}")
    ran = surefit(f"predict two.safetensors --csv in.{form} --out out.{form} --json")
    assert ran.json() == {"path": f"out.{form}", "rows": 3, "columns": ["x2", "x1", "y"], "outside": 0}
    np.testing.assert_array_equal(read_table(tmp_path / f"out.{form}")["y"], two.predict(points))


def test_compressed_input_and_tabs_in_the_output(surefit, one, tmp_path):
    (tmp_path / "in.csv.gz").write_bytes(gzip.compress(b"t,id\n0.5,a\n"))
    assert surefit("predict one.safetensors --csv in.csv.gz --out out.tsv").code == 0
    assert (tmp_path / "out.tsv").read_text().startswith("t\tid\ty1\ty2\n0.5\ta\t")
    refused = surefit("predict one.safetensors --csv in.csv.gz --out out.csv.gz")
    assert (refused.code, (tmp_path / "out.csv.gz").exists()) == (2, False)


def test_text_columns_cannot_go_into_a_file_of_numbers(surefit, two, tmp_path):
    (tmp_path / "in.csv").write_text("id,x1,x2\na,0,1\n")
    ran = surefit("predict two.safetensors --csv in.csv --out out.npz")
    assert ran.out == "out.npz  1 rows: x1, x2, y\n"
    assert read_table(tmp_path / "out.npz")["y"] == two.predict([[0, 1]])


@pytest.mark.slow
def test_a_table_without_a_header(surefit, tmp_path):
    (tmp_path / "bare.csv").write_text("".join(f"{i},{i}\n" for i in range(20)))
    assert surefit("fit bare.csv --out m {quick}").code == 0
    ran = surefit("predict m/model.safetensors --csv bare.csv")
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[0] == "c1,c2,c2_fit"
    assert len(ran.out.splitlines()) == 21


def test_json_of_a_table(surefit, two, tmp_path):
    (tmp_path / "in.csv").write_text("x1,x2\n0,1\n1,1\n")
    expected = two.predict([[0, 1], [1, 1]]).tolist()
    ran = surefit("predict two.safetensors --csv in.csv --json")
    assert ran.json() == {"rows": 2, "columns": {"y": expected}, "outside": 0}


def test_how_a_csv_file_is_written_may_be_said(surefit, one, tmp_path):
    (tmp_path / "in.csv").write_bytes("t;注\n0,5;好\n".encode("gbk"))
    ran = surefit("predict one.safetensors --csv in.csv --encoding gbk --decimal ,")
    assert ran.out.splitlines()[0] == "t;注;y1;y2"
    assert ran.out.splitlines()[1].startswith("0,5;好;")
    assert float(ran.out.splitlines()[1].split(";")[2]) == one.predict([0.5])[0, 0]


# --- info and doctor ------------------------------------------------------------------------------


@pytest.mark.usefixtures("two")
def test_info_says_what_a_model_is(surefit):
    ran = surefit("info two.safetensors")
    rows = dict(line.split("  ", 1) for line in ran.out.splitlines())
    assert (ran.code, ran.err) == (0, "")
    for label, part in {
        "target": "x1*x2",
        "domain": "x1=-1:1, x2=0:2",
        "network": "2-4-1 tanh, 17 parameters, float32",
        "method": "adam lr=0.005",
        "max |error|": "measured on",
        "status": "seed 0",
        "file": f"kB, surefit {library.__version__})",
    }.items():
        assert part in rows[label], label


def test_info_as_json(surefit, two, tmp_path):
    record = surefit("info two.safetensors --json").json()
    assert record["error"]["max"] == two.error.max
    assert record["network"]["layers"] == [2, 4, 1]
    assert record["bytes"] == (tmp_path / "two.safetensors").stat().st_size


def test_doctor_prints_its_findings(surefit, two):
    ran = surefit("doctor two.safetensors")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"{two.doctor()}\n"


def test_doctor_as_json(surefit, two):
    findings = surefit("doctor two.safetensors --json").json()["findings"]
    assert [f["code"] for f in findings] == [f.code for f in two.doctor().findings]
    assert all(f["severity"] in ("ok", "note", "warning", "error") and f["message"] for f in findings)
