"""`surefit data`: tables of samples; NumPy is the oracle of their values."""

from __future__ import annotations

import numpy as np
import pytest

from surefit.data import read_table

BOX = "--on x1=-5:5 --on x2=-5:5"


@pytest.mark.parametrize("form", ["csv", "parquet", "npz"])
def test_training_and_test_tables(surefit, tmp_path, form):
    ran = surefit(f"data 'sin(x1) - cos(x2)' {BOX} --num 500 --ratio 0.8 --format {form} --out samples")
    assert (ran.code, ran.err) == (0, "")
    folder = tmp_path / "samples"
    train, test = read_table(folder / f"train.{form}"), read_table(folder / f"test.{form}")
    assert (len(train), len(test)) == (400, 100)
    for table in (train, test):
        np.testing.assert_allclose(table["y"], np.sin(table["x1"]) - np.cos(table["x2"]), rtol=1e-12, atol=1e-15)
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert lines == [
        f"samples/train.{form} 400 rows: x1, x2 -> y",
        f"samples/test.{form} 100 rows: x1, x2 -> y",
    ]


def test_json_of_the_tables(surefit):
    ran = surefit(f"data 'x1; x2' {BOX} --num 10 --ratio 1 --out samples --json")
    assert ran.json() == {
        "train": {"path": "samples/train.csv", "rows": 10, "inputs": ["x1", "x2"], "outputs": ["y1", "y2"]}
    }


def test_a_test_table_has_points_of_its_own(surefit, tmp_path):
    surefit(f"data x1 {BOX} --num 50 --ratio 1 --out samples")
    surefit(f"data x1 {BOX} --num 50 --test --out samples")
    train, test = (read_table(tmp_path / "samples" / f"{name}.csv")["x1"] for name in ("train", "test"))
    assert len(test) == 50
    assert not set(train) & set(test)


def test_the_seed_decides(surefit, tmp_path):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        surefit(f"data x1 {BOX} --num 50 --noise 0.1 --seed {seed} --out {name}")
    a, b, c = ((tmp_path / name / "train.csv").read_bytes() for name in "abc")
    assert a == b != c


def test_an_extra_box(surefit, tmp_path):
    surefit(f"data x1 {BOX} --num 500 --extra-box x1=-2:2,x2=-2:2 --extra-ratio 0.125 --out samples")
    train = read_table(tmp_path / "samples" / "train.csv")
    assert len(train) == 450
    assert (np.abs(train.x[-50:]) <= 2).all()


def test_noise_and_design(surefit, tmp_path):
    surefit("data 0*x --on x=0:1 --num 11 --ratio 1 --design grid --noise uniform:0.5:0.6 --out samples")
    train = read_table(tmp_path / "samples" / "train.csv")
    np.testing.assert_allclose(np.sort(train["x"]), np.linspace(0, 1, 11))
    assert ((train["y"] >= 0.5) & (train["y"] < 0.6)).all()


def test_points_where_the_formula_is_not_finite(surefit, tmp_path):
    refused = surefit("data 'log(x)' --on x=-1:1 --num 100 --out samples")
    assert refused.code == 2
    assert "--drop-nonfinite" in refused.err
    assert "drop_nonfinite" not in refused.err
    assert surefit("data 'log(x)' --on x=-1:1 --num 100 --out samples --drop-nonfinite").code == 0
    assert (read_table(tmp_path / "samples" / "train.csv")["x"] > 0).all()


def test_a_formula_may_begin_with_a_minus_sign(surefit, tmp_path):
    assert surefit("data '-x^2' --on x=-3:-1 --num 10 --out samples").code == 0
    assert (read_table(tmp_path / "samples" / "train.csv")["y"] <= -1).all()


@pytest.mark.parametrize(
    "options, says",
    [
        ("", "--on is missing: give an interval for each variable, such as --on x=-1:1"),
        ("--on x=0:1 --ratio 0", "--ratio 0: expected a number above 0 and not above 1"),
        ("--on x=0:1 --num 0", "--num 0: expected a whole number of 1 or more"),
        ("--on x=0:1 --format xls", "--format xls: expected one of csv, parquet, npz"),
        ("--on x=0:1 --design best", "--design best: expected one of"),
        ("--on x=0:1 --test --extra-box x=0:0.5", "--extra-box: goes with training data"),
        ("--on x=0:1 --extra-box x=0:2", "--extra-box: x=0:2 reaches outside the domain"),
    ],
)
def test_wrong_options(surefit, tmp_path, options, says):
    ran = surefit(f"data x {options} --out samples")
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err
    assert list(tmp_path.iterdir()) == []


def test_what_it_writes_can_be_fitted(surefit):
    surefit(f"data x1*x2 {BOX} --num 50 --out samples")
    assert surefit("fit samples/train.csv {quick} --json").json()["inputs"] == ["x1", "x2"]


def test_a_folder_of_parquet_is_a_table(surefit, tmp_path):
    arrow = pytest.importorskip("pyarrow", reason="Parquet is read by pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet", reason="Parquet is read by pyarrow")
    folder = tmp_path / "all"
    folder.mkdir()
    x = np.linspace(-1.0, 1.0, 400)
    parquet.write_table(arrow.table({"note": ["same"] * 400, "y": x**2, "x": x}), folder / "part-0.parquet")
    ran = surefit(f"fit {folder} --target y --columns x --method features --hidden 10")
    assert ran.code == 0
    assert "all (400 rows): y from x" in ran.out
    ran = surefit(f"fit {folder} --target y --columns x --method adam --hidden 8 --epochs 2")
    assert ran.code == 0
    assert "adam" in ran.out and "all (400 rows): y from x" in ran.out
    refused = surefit(f"fit {folder} --method lm")
    assert refused.code != 0
    assert "features" in refused.err
