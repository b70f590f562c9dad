"""Settings: one table for options and TOML; a saved run is replayed exactly."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefit.cli.app import app
from surefit.cli.settings import SETTINGS, as_option, of_options, read_config, toml_value, write_config
from surefit.spelling import cure, spelled, spelling


def result(ran):
    """All that a run is, but the time it took, in which words it was asked for, and where it was written."""
    assert ran.code == 0, ran.err
    return {
        key: value for key, value in ran.json().items() if key not in ("seconds", "compile_seconds", "call", "files")
    }


RUNS = [
    "fit 'sin(x1) - cos(x2)' --on x1=-5:5 --on x2=-5:2*pi {small}",
    "fit '-x^2; x' --on x=-1:1 {small} --seed 7 --dtype float64 --activation sin --hidden 3,4",
    "fit x --on x=0:1 --num 30 --hidden 3 --design chebyshev --no-corners --noise uniform:0:0.1 --extra-box x=0:0.5",
    "fit 'sqrt(x)' --drop-nonfinite --on x=-1:1 --num 9 --method sgd --epochs 2 --momentum .3 --split .6,.4,0",
    "fit x --on x=0:1 --hidden 3 --num 40 --epochs 5 --lr 0.01 --schedule plateau --patience 2 --loss l1 --no-scale",
    "fit x --on x=0:1 --hidden 3 --num 40 --tol 0.2 --dropout 0.1",
    "fit data.csv --columns a,b --targets a --drop-missing --hidden 3 --epochs 2 --on b=-50:50",
]


@pytest.mark.slow
@pytest.mark.parametrize("line", RUNS)
def test_a_saved_run_is_replayed_exactly(surefit, tmp_path, line):
    (tmp_path / "data.csv").write_text("a,b,c\n" + "".join(f"{i},{i * i % 17},\n" for i in range(30)) + ",1,1\n")
    first = result(surefit(f"{line} --json --save-config run.toml"))
    assert result(surefit("fit --config run.toml --json")) == first
    # what the second run saves says the same
    surefit("fit --config run.toml -q --save-config again.toml")
    assert tomllib.loads((tmp_path / "again.toml").read_text()) == tomllib.loads((tmp_path / "run.toml").read_text())


@pytest.mark.slow
def test_a_saved_run_holds_what_was_left_to_surefit(surefit, tmp_path):
    surefit("fit 'sin(x)' --on x=-3:3 --epochs 2 --out demo -q")
    saved = tomllib.loads((tmp_path / "demo" / "run.toml").read_text())
    assert saved == {
        "target": "sin(x)", "on": ["x=-3:3"], "seed": 0, "dtype": "float32",
        "hidden": [64, 64], "activation": "tanh", "dropout": 0.0,
        "method": "adam", "epochs": 2, "batch_size": 64, "lr": 0.005, "schedule": "cosine", "loss": "mse",
        "patience": "none", "weight_decay": 0.0, "scale": True, "best_weights": True,
        "solve_output": False,
        "num": 1000, "design": "auto", "corners": True, "split": [0.8, 0.1, 0.1],
    }  # fmt: skip


def test_options_win_over_the_file(surefit, tmp_path):
    (tmp_path / "run.toml").write_text(
        'target = "x"\non = ["x=0:1"]\nepochs = 2\nnum = 30\nhidden = "3"\nscale = false\n'
    )
    ran = surefit("fit --config run.toml --json -q")
    assert (ran.json()["epochs"], ran.json()["method"]["scale"]) == (2, False)
    ran = surefit("fit 'x+y' --config run.toml --epochs 3 --scale --on x=1:2 --on y=0:1 --json -q")
    assert ran.json()["target"]["text"] == ["x+y"]
    assert (ran.json()["epochs"], ran.json()["method"]["scale"]) == (3, True)
    assert ran.json()["inputs"] == ["x", "y"]


def test_a_file_may_be_written_by_hand(surefit, tmp_path):
    (tmp_path / "run.toml").write_text(
        'target = ["sin(x)", "cos(x)"]\non = "x=-3:3"\nbatch-size = 8\nhidden = [3, 3]\nnum = 30\nepochs = 2\n'
        'lr = 1e-2\nnoise = 0.01\nsplit = "0.5,0.25,0.25"\npatience = 1\n'
    )
    record = surefit("fit --config run.toml --json -q").json()
    assert record["outputs"] == ["y1", "y2"]
    assert record["method"]["batch_size"] == 8
    assert record["network"]["layers"] == [1, 3, 3, 2]


VALUES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
)


@given(st.one_of(VALUES, st.lists(VALUES)))
def test_what_is_written_as_toml_reads_back(value):
    read = tomllib.loads(f"key = {toml_value(value)}")["key"]
    assert read == value
    assert repr(read) == repr(value)


def test_a_heading_is_a_comment(tmp_path):
    write_config(tmp_path / "run.toml", {"target": "x # y", "lr": 1e-5}, ["a heading"])
    assert (tmp_path / "run.toml").read_text().startswith("# a heading\n")
    assert read_config(tmp_path / "run.toml") == {"target": ["x # y"], "lr": 1e-5}


def test_every_setting_is_an_option_of_fit():
    import typer.main

    fit = typer.main.get_command(app).commands["fit"]
    options = {word for parameter in fit.params for word in parameter.opts}
    assert {row.option for row in SETTINGS.values()} <= options


def test_the_words_in_the_help_are_those_of_the_library():
    for key in ("method", "schedule", "loss", "design"):
        with pytest.raises(Exception, match="one of") as caught:
            SETTINGS[key].read("?")
        known = set(str(caught.value).removeprefix("one of ").split(", "))
        shown = set(
            SETTINGS[key]
            .help.replace(" or ", ", ")
            .replace(".", "")
            .replace(" (default)", "")
            .split(": ")[-1]
            .split(", ")
        )
        assert shown - {"auto"} == known - {"auto"}, key


@pytest.mark.parametrize(
    "name, value, shown",
    [
        ("lr", "0.05", "--lr 0.05"),
        ("clip_norm", "1", "--clip-norm 1"),
        ("dtype", "'float64'", "--dtype float64"),
        ("scale", "True", "--scale"),
        ("header", "False", "--no-header"),
        ("columns", "", "--columns"),
        ("decimal", "','", "--decimal ','"),
        ("split", "(1, 0, 0)", "--split 1,0,0"),
        ("model", "(units,)", "--hidden UNITS"),
        ("count", "100", "--num 100"),
        ("nowhere", "3", "nowhere=3"),
    ],
)
def test_an_argument_is_spelled_as_an_option(name, value, shown):
    assert spelled(name, value) == (f"{name}={value}" if value else name)
    with spelling(as_option):
        assert spelled(name, value) == shown
    assert spelled("lr", "1") == "lr=1"


def test_a_cure_that_a_command_does_not_have_is_not_proposed():
    with spelling(lambda name, value: None):
        assert cure(", or leave them out with {}", "drop_missing", "True") == ""
    with spelling(as_option):
        assert cure(", or leave them out with {}", "drop_missing", "True") == ", or leave them out with --drop-missing"


@pytest.mark.parametrize(
    "message, shown",
    [
        ("count: too few", "--num: too few"),
        ("tol=-1 must be a number > 0", "--tol -1 must be a number > 0"),
        ("the column 'lr=3' stays, as does decimal=','", "the column 'lr=3' stays, as does decimal=','"),
        ("noise.csv: line 3", "noise.csv: line 3"),
    ],
)
def test_a_message_begins_with_the_option(message, shown):
    assert of_options(message) == shown
