"""`surefit fit` with solvers: names, settings, what is printed, and that a saved run is replayed."""

from __future__ import annotations

import pytest

import surefit as library

SINE = "fit 'sin(x)' --on x=-3:3"


def test_a_tolerance_is_reached_by_the_automatic_choice(surefit):
    ran = surefit("fit 'sin(x)' --on x=-6.28:6.28 --tol 1e-8")
    assert ran.code == 0
    for words in (
        "method       auto: ",
        "(tried: features, 20 units: max |error|",
        "tolerance 1e-08 reached",
        "float64",
    ):
        assert words in ran.out
    assert "lr" not in ran.err
    assert ran.err.startswith("features, 20 units  1/")


def test_what_is_not_reached_is_exit_code_3(surefit):
    ran = surefit("fit 'abs(x^2-0.3)' --on x=-1:1 --tol 1e-12 --evaluations 12 -q")
    assert ran.code == 3
    assert "all 12 evaluations were used" in ran.out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("--method features --hidden 30 --draws 1", {"method": "features", "draws": 1}),
        ("--method features --hidden 30 --ridge 1e-6", {"ridge": 1e-6}),
        ("--method features --hidden 30 --ridge none", {"ridge": 0.0}),
        ("--method varpro --hidden 10 --iterations 5", {"method": "varpro", "iterations": 5}),
        ("--method lm --hidden 4 --iterations 5", {"method": "lm", "iterations": 5}),
        ("--method lbfgs --hidden 4 --iterations 5 --memory 3", {"method": "lbfgs", "iterations": 5, "memory": 3}),
        ("--evaluations 7", {"method": "auto", "evaluations": 7}),
        ("--hidden 10 --tol 0.1", {"method": "auto", "solver": "features", "units": 10}),
        ("--method auto --hidden 4 --epochs 2 --num 40", {"method": "adam", "epochs": 2}),
    ],
)
def test_settings_arrive(surefit, options, expected):
    ran = surefit(f"{SINE} {options} -q --json")
    assert ran.code == 0, ran.err
    assert expected.items() <= ran.json()["method"].items()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--iterations 5", "--iterations: auto has no such setting; choose --method varpro, lm or lbfgs"),
        ("--method lm --lr 0.1", "--lr: lm has no such setting"),
        ("--method adam --memory 3", "--memory: adam has no such setting; choose --method lbfgs"),
        ("--method features --hidden 3,3", "--hidden: --method features needs one hidden layer, --hidden UNITS"),
        ("--method lm --ridge few", "--ridge few: expected"),
        ("--method features --hidden 8,8", "one hidden layer"),
    ],
)
def test_settings_that_would_do_nothing_are_refused(surefit, options, says):
    ran = surefit(f"{SINE} {options}")
    assert ran.code == 2
    assert says in ran.err


@pytest.mark.parametrize(
    "line",
    [
        f"{SINE} --tol 1e-7",
        f"{SINE} --method varpro --hidden 12 --iterations 4 --ridge 1e-9 --seed 3",
        f"{SINE} --method features --num 60 --design uniform --hidden 15 --dtype float32",
        "fit data.csv --method features --hidden 5",
    ],
)
def test_a_saved_run_is_replayed_exactly(surefit, tmp_path, line):
    (tmp_path / "data.csv").write_text("a,b\n" + "".join(f"{i},{i * i % 17}\n" for i in range(30)))

    def result(ran):
        assert ran.code == 0, ran.err
        return {key: value for key, value in ran.json().items() if key not in ("seconds", "files", "call")}

    first = result(surefit(f"{line} -q --json --save-config run.toml"))
    assert result(surefit("fit --config run.toml -q --json")) == first


@pytest.mark.slow
def test_the_folder_of_a_solve(surefit, tmp_path):
    ran = surefit(f"{SINE} --tol 1e-6 --out demo -q")
    assert ran.code == 0
    header, *rows = (tmp_path / "demo" / "history.csv").read_text().splitlines()
    assert header == "epoch,train_loss,validation_loss,lr,seconds,stage"
    assert len(rows) >= 1
    assert library.load(tmp_path / "demo" / "model.safetensors").reached
    assert "(tried: " in surefit("info demo/model.safetensors").out
    assert "Nothing is wrong" in surefit("doctor demo/model.safetensors").out
