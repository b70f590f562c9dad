"""`surefit compare` and `surefit tune`: what Python's `compare` and `tune` give, as a table, files and an exit code."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

import surefit as sf

WAVE = "'sin(3*x) * exp(-x)' --on x=0:3"
BOTH = "--method features --method varpro --hidden 4 --hidden 8 -q"


@pytest.mark.slow
def test_each_way_is_that_of_python(surefit):
    ran = surefit(f"compare {WAVE} {BOTH} --json")
    assert ran.code == 0
    found = sf.compare("sin(3*x) * exp(-x)", "x=0:3", method=["features", "varpro"], hidden=[4, 8])
    told = ran.json()
    assert [row["variant"] for row in told["ways"]] == list(found.names)
    assert [row["max_error"] for row in told["ways"]] == [row["max_error"] for row in found.rows]
    assert told["best"] == found.best_name and not told["interrupted"]


@pytest.mark.slow
def test_the_table_the_picture_and_the_best_model_are_written(surefit):
    ran = surefit(f"compare {WAVE} {BOTH} --seeds 2 --out 'all of them'")
    assert ran.code == 0 and "varpro, 8 *" in ran.out and "medians of 2 seeds" in ran.out
    folder = Path("all of them")
    assert {"compared.csv", "compared.png", "model.safetensors"} <= {path.name for path in folder.iterdir()}
    with (folder / "compared.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8
    least = min(float(row["max_error"]) for row in rows)
    assert sf.load(folder / "model.safetensors").error.max == least
    assert all(str(path) in ran.out for path in folder.glob("compared.*"))


def test_what_each_line_stands_for_is_shown(surefit):
    ran = surefit(f"compare {WAVE} --method features --hidden 4 --hidden 8")
    assert "1/2  4:" in ran.err and "2/2  8:" in ran.err
    assert surefit(f"compare {WAVE} --method features --hidden 4 --hidden 8 -q").err == ""


def test_tables_and_classes(surefit):
    rows = [f"{i},{'red' if i % 20 < 10 else 'blue'}" for i in range(60)]
    Path("colours.csv").write_text("\n".join(["a,kind", *rows]), encoding="utf-8")
    ran = surefit("compare colours.csv --task classify --method features --method lm --hidden 5 -q")
    assert ran.code == 0 and "accuracy" in ran.out and "colours.csv (60 rows), test rows" in ran.out
    values = [f"{i},{2 + i * i % 17}" for i in range(60)]
    Path("values.csv").write_text("\n".join(["a,y", *values]), encoding="utf-8")
    ran = surefit("compare values.csv --method features --target-scale log --target-scale linear -q --json --out two")
    assert ran.json()["best"] is None and not Path("two/model.safetensors").exists()  # of errors of two kinds
    ran = surefit("tune values.csv --method features --vary units=2:9 --trials 2 -q")
    assert ran.code == 0 and ran.out.startswith("values.csv (60 rows): 2 trials")


@pytest.mark.slow
def test_a_search_is_that_of_python_and_goes_on(surefit):
    varied = "--vary units=2:20:log --vary activation=tanh,sin --method features"
    ran = surefit(f"tune {WAVE} {varied} --trials 3 --journal kept.log --out best")
    assert ran.code == 0
    assert [re.findall(r"trial (\d)/3", line) for line in ran.err.splitlines()] == [["1"], ["2"], ["3"]]
    search = {"units": (2, 20, "log"), "activation": ["tanh", "sin"]}
    found = sf.tune("sin(3*x) * exp(-x)", "x=0:3", search, trials=3, method="features")
    assert f"units={found.settings['units']}, {found.settings['activation']}" in ran.out
    assert sf.load("best/model.safetensors").error.max == found.best.error.max
    assert {"tuned.csv", "tuned.png"} <= {path.name for path in Path("best").iterdir()}
    more = surefit(f"tune {WAVE} {varied} --trials 4 --journal kept.log --json")
    losses = [row["loss"] for row in more.json()["trials"]]
    assert losses[:3] == [one.loss for one in found.trials] and len(losses) == 4


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("compare x --on x=0:1", ("give an option twice", "给出两次")),
        ("compare x --on x=0:1 --method lm --method lm", ("'lm' stands twice", "'lm' 出现了两次")),
        ("compare x --on x=0:1 --method lm --method ml", ("--method ml: expected one of", "--method ml：应为以下之一")),
        ("compare x --method lm --method varpro", ("--on is missing", "缺少 --on")),
        ("compare", ("one way alone", "只有一种方式")),
        ("compare x --on x=0:1 --hidden 3 --hidden 4 --seeds 0", ("--seeds 0: expected a number of 1", "--seeds 0")),
        ("tune", ("what should be fitted?", "要拟合什么？")),
        ("tune x --on x=0:1 --vary units", ("--vary units: expected NAME=LOW", "--vary units：应为 NAME=LOW")),
        ("tune x --on x=0:1 --vary units=5:2", ("--vary units=5:2: expected", "--vary units=5:2：应为")),
        ("tune x --on x=0:1 --vary lr=0:1:log", ("--vary lr=0:1:log: expected", "--vary lr=0:1:log：应为")),
        ("tune x --on x=0:1 --vary units=5", ("--vary units=5: expected", "--vary units=5：应为")),
        ("tune x --on x=0:1 --vary unitz=2:5", ("--vary unitz: neither", "您是否想写 units？")),
        ("tune x --on x=0:1 --vary units=2:5 --vary units=3:9", ("units: stands twice", "units：出现了两次")),
        ("tune x --on x=0:1 --vary units=0:5", ("--vary units 0 must be", "--vary units 0")),
        ("tune x --on x=0:1 --vary activation=tanh,nope", ("--vary activation 'nope' is", "activation 'nope'")),
        ("tune x --on x=0:1 --vary method=lm,ml", ("--vary method 'ml' is unknown", "--vary method 'ml'")),
        ("tune x --on x=0:1 --vary hidden=4,0", ("--vary hidden 0 must be", "--vary hidden 0")),
        ("compare x --on x=0:1 --hidden 3 --hidden 4 --seed 1 --seed 2", ("--seed: is not tried", "--seed：此处不")),
        ("compare x --on x=0:1 --hidden 3 --hidden 4 --tol 1 --tol 2", ("--tol: is not tried", "--tol：此处不")),
        ("tune x --on x=0:1 --vary units=2:5 --journal no/x", ("--journal 'no/x' must be", "--journal 'no/x' 应为")),
    ],
)  # fmt: skip
def test_wrong_calls(surefit, line, said, language):
    ran = surefit(f"{line} --lang {language}")
    assert ran.code == 2 and ran.out == "" and said[language == "zh"] in ran.err


@pytest.mark.parametrize(
    "command", ["compare x --on x=0:1 --hidden 3 --hidden 4", "tune x --on x=0:1 --vary units=2:5"]
)
@pytest.mark.parametrize(
    "lang, said", [("en", "error: --out: cannot make the directory"), ("zh", "--out：无法建立目录")]
)
def test_a_folder_that_cannot_be_made_is_told_before_a_fit_is(surefit, monkeypatch, command, lang, said):
    from surefit.studies import comparison, tuning

    for module in (comparison, tuning):
        monkeypatch.setattr(module, "fit", lambda *_, **__: pytest.fail("a fit was made"))
    Path("a file").write_text("")
    for place in ("'a file'", "'a file/inside'"):
        ran = surefit(f"{command} --method features --out {place} --lang {lang}")
        assert ran.code == 2 and said in ran.err and ran.out == ""
        assert lang == "en" or not re.search("[a-z]{3,} a [a-z]{3,}", ran.err)


def test_a_tolerance_that_the_best_misses_is_told_by_the_exit_code(surefit):
    ways = f"compare {WAVE} --method features --hidden 4 --hidden 8 -q"
    assert surefit(f"{ways} --tol 1").code == 0
    assert surefit(f"{ways} --tol 1e-12").code == 3
    assert surefit(f"tune {WAVE} --method features --vary units=2:4 --trials 2 -q --tol 1e-12").code == 3


@pytest.mark.slow
def test_an_interrupt_leaves_the_table_and_the_files(surefit, monkeypatch):
    from surefit.studies import comparison, tuning

    made = []

    def interrupted(*what, **settings):
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(sf.fit(*what, **settings))
        return made[-1]

    monkeypatch.setattr(comparison, "fit", interrupted)
    monkeypatch.setattr(tuning, "fit", interrupted)
    ran = surefit(f"compare {WAVE} --method features --hidden 4 --hidden 6 --hidden 8 -q --out some")
    assert ran.code == 130 and "interrupted: not all fits were made" in ran.out and ran.err == "error: interrupted\n"
    assert Path("some/compared.csv").exists() and sf.load("some/model.safetensors").error.max == made[1].error.max
    made.clear()
    ran = surefit(f"tune {WAVE} --method features --vary units=2:9 --trials 5 -q")
    assert ran.code == 130 and " trials, interrupted" in ran.out and len(made) == 2


@pytest.mark.slow
def test_pictures_are_in_the_language_that_is_spoken():
    from surefit.view.style import speaking

    found = sf.compare("sin(x)", "x=-3:3", method="features", hidden=[3, 6])
    searched = sf.tune("sin(x)", "x=-3:3", {"units": (2, 9)}, trials=3, method="features")
    with speaking("zh"):
        labels = [axes.get_xlabel() for axes in found.plot().axes if axes.get_xlabel()]
        of_search = [label for axes in searched.plot().axes for label in (axes.get_xlabel(), axes.get_ylabel())]
    assert labels == ["最大 |误差|", "均方根误差", "秒"]
    assert {"试验", "损失", "units"} <= set(of_search)
    assert "max |error|" in [axes.get_xlabel() for axes in found.plot().axes]


@pytest.mark.slow
def test_in_chinese_all_but_names_is_chinese(surefit):
    ran = surefit(f"compare {WAVE} {BOTH} --lang zh")
    assert "新取的点" in ran.out and "误差最小" in ran.out and "参数" in ran.out
    ran = surefit(f"tune {WAVE} --method features --vary units=2:9 --trials 2 --lang zh")
    assert "试验 1/2" in ran.err and "2 次试验" in ran.out and "设置" in ran.out
    told = json.loads(surefit(f"tune {WAVE} --method features --vary units=2:9 --trials 2 --lang zh --json").out)
    assert set(told) == {"trials", "settings", "best", "files"}
