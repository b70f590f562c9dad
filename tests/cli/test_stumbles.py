"""What somebody types who has not read the help: each mistake is answered with what was meant."""

from __future__ import annotations

import pytest

import surefit
from surefit.cli import main
from surefit.errors import ArgumentError, DataError, FormulaError, ModelFileError

ROWS = "hours,degrees\n" + "\n".join(f"{i},{15 + i % 5}" for i in range(12)) + "\n"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(ROWS)
    (tmp_path / "hole.csv").write_text(ROWS.replace("3,18", "3,").replace("\n5,", "\n,"))
    return tmp_path


@pytest.mark.parametrize(
    "words, meant",
    [
        (["t.csv", "--target", "Degree"], "did you mean 'degrees'?"),
        (["t.csv", "--columns", "hour"], "did you mean 'hours'?"),
        (["t.csv", "--learning-rate", "0.1"], "did you mean --lr?"),
        (["t.csv", "--optimizer", "adam"], "did you mean --method?"),
        (["t.csv", "--random-state", "1"], "did you mean --seed?"),
        (["t.csv", "--epoch", "1"], "did you mean --epochs?"),
        (["sin(x)", "--on", "x=0:1", "--tol", "0,001"], "the decimal mark is a point: 0.001"),
        (["sin(x)", "--on", "x=0:1", "--tol", "1%"], "shares are not read"),
        (["sin(x)", "--on", "x=0..1"], "did you mean 0:1?"),
        (["sin(x)", "--on", "x=-pi to pi"], "did you mean -pi:pi?"),
        (["y = sin(x)", "--on", "x=0:1"], "did you mean: sin(x)"),
        (["sin(30°*x)", "--on", "x=0:1"], "did you mean: sin(30*pi/180*x)"),
        (["hole.csv", "--missing", "median"], "fill it in yourself, medians are for inputs, or leave such rows out"),
    ],
)
def test_a_slip_is_answered_with_what_was_meant(here, capsys, words, meant):
    assert main(["fit", *words, "--quiet"]) == 2
    said = capsys.readouterr().err
    assert meant in " ".join(said.split()), said
    assert main(["fit", *words, "--quiet", "--lang", "zh"]) == 2
    chinese = capsys.readouterr().err
    assert "did you mean" not in chinese
    assert "，" in chinese or "；" in chinese or "：" in chinese


def test_medians_are_for_inputs_and_rows_without_a_target_can_be_left_out(here):
    fit = surefit.fit("hole.csv", missing="median", method="polynomial", data=surefit.Sampling(drop_nonfinite=True))
    assert sum(fit.problem.sizes().values()) == 11  # the row without an input is there
    assert "hours missing" in fit.names


def test_a_table_is_no_model_file(here):
    with pytest.raises(ModelFileError, match="is a text, not a model file"):
        surefit.load("t.csv")


@pytest.mark.parametrize(
    "text", ["x,y\n0.1,1\n", "x\ty\r\n1\t2\r\n", "温度,速度\n1,2\n" * 9, "\ufeffa,b\n1,2\n", "数" * 99]
)
def test_a_short_line_or_letters_of_any_script_are_a_text_too(here, text):
    here.joinpath("a.csv").write_text(text, encoding="utf-8", newline="")
    with pytest.raises(ModelFileError, match="is a text, not a model file"):
        surefit.load("a.csv")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00\x01" * 9, b"\x00" * 40, b"PK\x03\x04" + b"\x00" * 40])
def test_what_is_no_text_is_damaged_or_something_else(here, content):
    here.joinpath("a.bin").write_bytes(content)
    with pytest.raises(ModelFileError, match="damaged or not a model file"):
        surefit.load("a.bin")


@pytest.mark.parametrize(
    "text, meant, value",
    [("radians(x)", "pi/180*(x)", 1.5707963267948966), ("rad2deg(x)", "180/pi*(x)", 5156.620156177409),
     ("x°", "x*pi/180", 1.5707963267948966)],
)  # fmt: skip
def test_degrees(text, meant, value):
    with pytest.raises(FormulaError) as error:
        surefit.parse(text)
    assert f"did you mean: {meant}" in str(error.value)
    assert surefit.parse(meant)(90.0) == pytest.approx(value, rel=1e-14)


def test_numbers_in_the_wrong_place():
    fit = surefit.fit("x", "x=0:1", method="polynomial")
    with pytest.raises(ArgumentError, match=r"tol=0\.001"):
        fit.certify(1e-3)
    with pytest.raises(ArgumentError, match="count=100"):
        surefit.Sampling(100)
    with pytest.raises(DataError, match="did you mean 'y'"):
        surefit.fit({"x": [1.0] * 12, "y": [2.0] * 12}, target="Y")
    for said in (fit.doctor().text, fit.doctor().headline):
        with pytest.raises(ArgumentError, match="'en' or 'zh'"):
            said("cn")
