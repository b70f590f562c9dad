"""`surefit fit`: what it prints, what it writes, how it ends."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest

import surefit as library
from surefit.fitting import Epoch, Started
from surefit.reports import display as progress

PICTURES = {"fit.png", "error.png", "loss.png"}
FILES = PICTURES | {"model.safetensors", "history.csv", "run.toml", "card.txt", "fit.json", "frames.npz"}


def test_the_card_goes_to_stdout_and_nothing_else_anywhere(surefit, tmp_path):
    ran = surefit("fit 'sin(x)' --on x=-3:3 {small}")
    assert ran.code == 0
    assert ran.out.startswith("target       sin(x)\ndomain       x=-3:3\n")
    assert ran.err == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_out_writes_model_history_settings_and_pictures(surefit, tmp_path):
    ran = surefit("fit 'x1*x2' --on x1=-1:1 --on x2=0:1 --out some/demo {small}")
    folder = tmp_path / "some" / "demo"
    assert ran.code == 0
    assert {path.name for path in folder.iterdir()} == FILES
    assert all(str(Path("some/demo") / name) in ran.out for name in FILES)
    assert all((folder / name).read_bytes().startswith(b"\x89PNG") for name in PICTURES)
    with (folder / "history.csv").open(newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2"]
    assert library.load(folder / "model.safetensors").target == "x1*x2"


@pytest.mark.slow
def test_json_is_the_fit_and_the_paths(surefit, tmp_path):
    ran = surefit("fit 'sin(x)' --on x=-3:3 --out demo --json {small}")
    record = ran.json()
    assert (ran.code, ran.err) == (0, "")
    assert record["target"] == {"kind": "formula", "text": ["sin(x)"]}
    assert record["method"]["method"] == "adam"
    assert record["error"]["max"] > 0
    assert {Path(path).name for path in record["files"]} == FILES
    assert all((tmp_path / path).is_file() for path in record["files"])


def test_exit_code_3_when_the_tolerance_is_not_reached(surefit):
    ran = surefit("fit 'sin(x)' --on x=-3:3 --tol 1e-9 --json {small}")
    assert ran.code == 3
    assert ran.json()["reached"] is False


def test_exit_code_0_when_it_is(surefit):
    ran = surefit("fit 'x/2' --on x=-1:1 --tol 0.5 --hidden 8 --epochs 300 --json")
    assert ran.code == 0
    assert ran.json()["reached"] is True
    assert ran.json()["epochs"] < 300


@pytest.mark.parametrize("formula", ["-2/(2+sin(x))", "-x^2", "-x", "-1.5*x", "-(x)", "−x"])
def test_a_formula_may_begin_with_a_minus_sign(surefit, formula):
    before = surefit(f"fit '{formula}' --on x=-3:-0.5 --json {{small}}")
    after = surefit(f"fit --on x=-3:-0.5 --lr 0.01 {{small}} --json '{formula}'")
    for ran in (before, after):
        assert ran.code == 0, ran.err
        assert ran.json()["target"]["text"] == [formula]
        assert ran.json()["domain"]["low"] == [-3.0]


def test_several_formulas_are_several_outputs(surefit):
    assert surefit("fit 'sin(x); cos(x)' --on x=-3:3 --json {small}").json()["outputs"] == ["y1", "y2"]


@pytest.mark.parametrize(
    "options, method, expected",
    [
        ("--epochs 2", "adam", {"epochs": 2, "patience": None}),
        ("--epochs 2 --lr 0.01", "adam", {"lr": 0.01, "schedule": "constant"}),
        ("--epochs 2 --batch-size 7", "adam", {"batch_size": 7}),
        ("--epochs 2 --method sgd --momentum 0.5", "sgd", {"momentum": 0.5}),
        ("--epochs 2 --method auto --lr 0.01", "adam", {"lr": 0.01}),
        ("--epochs 2 --schedule cosine --lr 0.01", "adam", {"schedule": "cosine"}),
        ("--epochs 2 --patience 1", "adam", {"patience": 1}),
        ("--epochs 2 --patience none", "adam", {"patience": None}),
        ("--epochs 2 --loss huber --clip-norm 1 --weight-decay 0.1", "adam",
         {"loss": "huber", "clip_norm": 1.0, "weight_decay": 0.1}),
        ("--epochs 2 --no-scale --no-best-weights", "adam", {"scale": False, "best_weights": False}),
    ],
)  # fmt: skip
def test_settings_of_the_training_arrive(surefit, options, method, expected):
    ran = surefit(f"fit 'sin(x)' --on x=-3:3 --num 40 --hidden 4 -q --json {options}")
    assert ran.code == 0, ran.err
    assert expected.items() <= ran.json()["method"].items()
    assert ran.json()["method"]["method"] == method


@pytest.mark.parametrize(
    "options, count",
    [
        ("--num 40", 42),  # and the two ends
        ("--num 40 --no-corners", 40),
        ("--num 40 --no-corners --extra-box x=0:1 --extra-ratio 0.5", 60),
        ("--num 40 --no-corners --extra-box x=0:1", 45),
        ("--num 40 --design chebyshev", 40),
        ("--num 40 --design sobol --no-corners --noise uniform:0.1 --split 0.5,0.5,0", 40),
    ],
)
def test_settings_of_the_samples_arrive(surefit, options, count):
    ran = surefit(f"fit 'sin(x)' --on x=-3:3 --design uniform {options} --hidden 4 --epochs 1 --json")
    assert ran.code == 0, ran.err
    data = ran.json()["data"]
    assert data["train"] == count
    if "--split" in options:
        assert (data["validation"], data["test"]) == (40, 0)


@pytest.mark.slow
def test_adaptive_sampling_and_gradients(surefit, tmp_path):
    options = "--epochs 3 --batch-size 32 --lr auto --hidden 4 --num 40 --split 1,0,0"
    ran = surefit(
        f"fit 'x1*x2' --on x1=-1:1 --on x2=0:1 {options} --faces 0.5 --adaptive 2 --adaptive-ratio 0.5 --derivatives "
        "--derivative-weight 0.5 --verify 300 --out demo --json"
    )
    record = ran.json()
    assert len(record["data"]["added"]) == 2
    assert record["data"]["train"] == 40 + 4 + 20 + sum(record["data"]["added"])
    assert record["data"]["gradients"] is True
    assert 290 <= record["error"]["points"] <= 300
    assert record["method"]["lr"] > 0 and record["epochs"] == 3
    assert (tmp_path / "demo" / "samples.png").exists()
    again = surefit("fit --config demo/run.toml --json -q").json()
    assert again["error"] == record["error"]
    solved = surefit("fit 'x*x' --on x=0:1 --method lm --hidden 3 --num 12 --derivatives --json").json()
    assert solved["data"]["gradients"] is True and solved["error"]["max"] < 1e-3


def test_points_for_each_axis_of_a_grid(surefit):
    ran = surefit("fit 'x*y' --on x=0:1 --on y=0:1 --design grid --num 6,7 --hidden 4 --epochs 1 --json")
    assert ran.json()["data"]["train"] == 42


@pytest.mark.slow
def test_settings_of_the_network_arrive(surefit):
    ran = surefit(
        "fit x --on x=0:1 --hidden 5,6 --activation relu --dropout 0.1 --dtype float64 --num 9 --epochs 1 --out d"
    )
    assert "1-5-6-1" in ran.out
    fitted = library.load("d/model.safetensors")
    assert fitted.network.settings()["activation"] == "relu"
    assert fitted.network.settings()["dropout"] == 0.1
    assert fitted.dtype == np.float64


def test_drop_nonfinite_leaves_points_out(surefit):
    ran = surefit("fit 'sqrt(x)' --on x=-1:1 --drop-nonfinite --json {small}")
    assert ran.json()["data"]["dropped"] > 0


def test_time_ends_a_run(surefit):
    ran = surefit("fit 'sin(x)' --on x=-3:3 --time 0.2 --epochs 1000000 --json")
    assert ran.code == 0
    assert "time" in ran.json()["stop_reason"]
    assert ran.json()["epochs"] < 1_000_000


def test_the_seed_decides(surefit):
    first, same, other = (
        surefit(f"fit 'sin(x)' --on x=-3:3 --seed {seed} --json {{small}}").json()["error"] for seed in (1, 1, 2)
    )
    assert first == same
    assert first != other


# --- tables ---------------------------------------------------------------------------------------


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    rows = [[a, b, a * b, "word"] for a, b in rng.random((40, 2))]
    with (tmp_path / "data.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["a", "b", "y", "note"], *rows, [0.5, "", 0.1, "word"]])


@pytest.mark.slow
@pytest.mark.usefixtures("table")
def test_a_table_with_chosen_columns(surefit):
    ran = surefit("fit data.csv --columns a,b,y --target-column b --drop-missing --out demo --json {quick}")
    assert ran.code == 0, ran.err
    record = ran.json()
    assert record["target"] == {"kind": "table", "name": "data.csv", "rows": 40}
    assert (record["inputs"], record["outputs"]) == (["a", "y"], ["b"])
    assert library.load("demo/model.safetensors").target == "data.csv (40 rows)"


@pytest.mark.usefixtures("table")
def test_the_domain_of_a_table_may_be_given(surefit):
    ran = surefit("fit data.csv --columns a --target y --on a=-1:2 --json {quick}")
    assert ran.json()["domain"] == {"names": ["a"], "low": [-1.0], "high": [2.0]}


def test_how_a_csv_file_is_written_may_be_said(surefit, tmp_path):
    rows = "".join(f"{i},5|{i * i},25\n" for i in range(20))
    (tmp_path / "odd.csv").write_bytes(("长|面积\n" + rows).encode("gbk"))
    ran = surefit("fit odd.csv --encoding gbk --decimal , --delimiter '|' --header --json {quick}")
    assert ran.code == 0, ran.err
    assert (ran.json()["inputs"], ran.json()["outputs"]) == (["长"], ["面积"])
    (tmp_path / "bare.csv").write_text("".join(f"{i},{i}\n" for i in range(20)))
    assert surefit("fit bare.csv --no-header --json {quick}").json()["inputs"] == ["c1"]


# --- progress -------------------------------------------------------------------------------------


def test_without_a_terminal_progress_is_about_twenty_lines_on_stderr(surefit):
    ran = surefit("fit 'sin(x)' --on x=-3:3 --hidden 4 --num 40 --epochs 200")
    lines = ran.err.splitlines()
    assert lines[0].startswith("epoch 1/200  train ")
    assert lines[-1].startswith("epoch 200/200  train ")
    assert 20 <= len(lines) <= 23
    assert all("validation" in line and "lr" in line for line in lines)
    assert [line.endswith(" left") for line in lines] == [False] + [True] * (len(lines) - 1)  # one epoch tells nothing
    assert "epoch" not in ran.out.split("training")[0]


def test_long_epochs_are_shown_more_often(capsys):
    shown = progress.PlainLines()
    shown.pause = 0.0
    for epoch in range(1, 11):
        shown(Epoch(epoch, 1000, epoch, 0.1, None, 0.01, float(epoch), True))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    assert lines[1] == "epoch 2/1000  train 1.00e-01  lr 1.0e-02  16 min 38 s left"


def test_a_time_limit_bounds_the_time_left():
    shown = progress.PlainLines(time=15.0)
    shown(Epoch(1, 1000, 1, 0.1, 0.2, 0.01, 1.0, True))
    assert shown.line(Epoch(10, 1000, 10, 0.1, 0.2, 0.01, 10.0, True)).endswith("5 s left")


@pytest.mark.parametrize(
    "seconds, words", [(0, "0 s"), (0.2, "1 s"), (59, "59 s"), (61, "1 min 1 s"), (7500, "2 h 5 min")]
)
def test_durations(seconds, words):
    assert progress.duration(seconds) == words


@pytest.mark.parametrize("width", [80, 100, 200])
def test_a_terminal_gets_one_line_that_updates(width):
    import io

    from rich.console import Console

    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=width, _environ={"TERM": "xterm"})
    with progress.LiveLine(None, console) as shown:
        shown(Started(2, 5, 17))
        for epoch in (1, 2):
            shown(Epoch(epoch, 2, 5 * epoch, 0.25, 0.5, 0.01, 0.1 * epoch, True))
            shown.bar.refresh()
    text = screen.getvalue()
    assert "epoch 1/2" in text
    assert ("━" in text) == (width > 80)
    assert "train 2.50e-01  validation 5.00e-01  lr 1.0e-02" in text
    assert text.endswith("\x1b[2K")  # it is wiped at the end
    assert "\n" not in text.split("epoch 1/2")[1].split("epoch 2/2")[0]


def test_which_display_is_chosen(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert type(progress.display(quiet=True)) is progress.Display
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes that for a terminal
    assert type(progress.display()) is progress.LiveLine
    monkeypatch.delenv("FORCE_COLOR")
    assert os.isatty(2) or type(progress.display()) is progress.PlainLines


@pytest.mark.slow
def test_a_logarithmic_target(surefit, tmp_path):
    x = np.linspace(0, 1, 60)
    rows = "\n".join(f"{a},{b}" for a, b in zip(x, 10 ** (6 * x), strict=True))
    (tmp_path / "t.csv").write_text(f"x,y\n{rows}\n")
    ran = surefit("fit t.csv --target-scale log --method polynomial --out out --save-config again.toml")
    assert ran.code == 0 and "fitted in its logarithm" in ran.out and "relative error" in ran.out
    assert 'target_scale = "log"' in (tmp_path / "again.toml").read_text()
    told = surefit("predict out --at 0.25 --at 0.75").out.split()
    np.testing.assert_allclose([float(w) for w in told if w[0].isdigit()][-2:], [10**1.5, 10**4.5], rtol=1e-3)
    (tmp_path / "t.csv").write_text(f"x,y\n{rows}\n2,-1\n")
    ran = surefit("fit t.csv --target-scale log")
    assert ran.code == 2 and "--target-scale: 'log' needs values above 0, and y is -1 in row 60" in ran.err
    assert "--target-scale lag: expected one of linear, log" in surefit("fit t.csv --target-scale lag").err
    assert "--target-scale is for tables" in surefit("fit x --on x=0:1 --target-scale log").err


@pytest.mark.slow
def test_missing_inputs_are_filled_in_when_asked(surefit, tmp_path):
    rows = [f"{'' if i % 5 == 0 else i / 50},{'' if i == 7 else 'ab'[i % 2]},{2 * (i % 2)}" for i in range(50)]
    (tmp_path / "t.csv").write_text("\n".join(["u,kind,y", *rows]))
    refused = surefit("fit t.csv")
    assert refused.code == 2 and "--missing median" in refused.err and "--drop-missing" in refused.err
    assert surefit("fit t.csv --missing median --method polynomial --out out --quiet").code == 0
    (tmp_path / "new.csv").write_text("u,kind\n,a\n0.3,\n")
    told = surefit("predict out/model.safetensors --csv new.csv")
    assert told.code == 0, told.err
    assert len(told.out.splitlines()) == 3 and "nan" not in told.out
    both = surefit("predict out/model.safetensors --at kind=a --at u=0.3,kind=a --json").json()["points"]
    assert both[0]["y"] != both[1]["y"]
    assert "--missing mean: expected one of error, median" in surefit("fit t.csv --missing mean").err
