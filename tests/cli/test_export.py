"""`surefit export`: files appear, are compared where that is asked, and wrong words are named."""

from __future__ import annotations

import shutil

import pytest

from surefit.cli import models as commands


@pytest.fixture(autouse=True)
def model(models, tmp_path):
    shutil.copy(models / "two.safetensors", tmp_path)


def test_the_words_of_the_command_line_are_those_of_the_library():
    from surefit.exporters import FORMATS

    assert tuple(FORMATS) == commands.FORMATS


def test_a_file_beside_the_model(surefit, tmp_path):
    ran = surefit("export two.safetensors --to numpy --verify 50")
    assert (ran.code, ran.err) == (0, "")
    path, compared = ran.out.splitlines()
    assert path == "two.py"
    assert compared.startswith(("equal to the model bit for bit", "largest difference"))
    assert (tmp_path / "two.py").exists()


def test_units_and_every_format_can_be_compared(surefit, tmp_path):
    ran = surefit("export two.safetensors --to formula --units x1=mm,y=K --verify 50")
    assert (ran.code, ran.err) == (0, "")
    assert "inputs: x1 [mm], x2" in (tmp_path / "two.txt").read_text()
    assert "at 50 points" in ran.out


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler on this machine")
def test_c_is_exact(surefit):
    ran = surefit("export two.safetensors --out code/demo.c --derivative --verify 50 --json")
    record = ran.json()
    assert record.pop("paths") == ["code/demo.h", "code/demo.c"]
    assert record == {"format": "c", "points": 50, "difference": 0.0, "ulp": 0.0, "exact": True}


@pytest.mark.parametrize(
    "words, said",
    [
        ("", "give a format, --to c, or a file, --out"),
        ("--to cobol", "--to cobol: expected one of c, onnx"),
        ("--to c --dtype half", "--dtype half: expected float32 or float64"),
        ("--to c --verify -3", "--verify -3"),
        ("--out demo.xyz", "--out demo.xyz: its ending names no format"),
        ("--to numpy --derivative", "--derivative: "),
        ("--to table", "one input; this model has 2"),
        ("--to numpy --units x1", "--units x1: expected a name and its unit, such as x=mm"),
        ("--to numpy --units q=mm", "no variable 'q'"),
        ("--to c --out two.safetensors/demo.c", "two.safetensors"),
    ],
)
def test_wrong_words_are_named(surefit, words, said, tmp_path):
    ran = surefit(f"export two.safetensors {words}")
    assert ran.code == 2
    assert said in ran.err
    assert ran.err.count("\n") <= 2
    assert [p.name for p in tmp_path.iterdir()] == ["two.safetensors"]
