"""The command line in Chinese: help, messages, cards; full-width input; which language is spoken when."""

from __future__ import annotations

import ast
import json
import re
import string
import unicodedata
from pathlib import Path

import pytest
import typer

import surefit.cli
from surefit.cli import app, language, readers
from surefit.cli.chinese import CHINESE
from surefit.cli.settings import SETTINGS
from surefit.errors import ArgumentError

FOLDER = Path(surefit.cli.__file__).parent
CHINESE_LETTER = re.compile("[\u4e00-\u9fff]")


def commands():
    group = typer.main.get_command(app.app)
    return {"": group, **group.commands}


def fields_of(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


# --- which language --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "args, environment, spoken",
    [
        (["fit", "x"], {}, "en"),
        (["fit", "x", "--lang", "zh"], {"LANG": "en_US.UTF-8"}, "zh"),
        (["--lang=en", "fit"], {"LANG": "zh_CN.UTF-8"}, "en"),
        (["fit"], {"LANG": "zh_CN.UTF-8"}, "zh"),
        (["fit"], {"LC_ALL": "C.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
        (["fit"], {"LC_MESSAGES": "zh_TW", "LANG": "de_DE"}, "zh"),
        (["fit", "--", "--lang", "zh"], {}, "en"),  # behind -- stand formulas
        (["fit", "--lang"], {}, "en"),  # its value is missing, which is said later
    ],
)
def test_the_language_is_the_one_named_or_the_locales(args, environment, spoken):
    assert language.language_of(args, environment) == spoken


def test_another_language_is_refused(surefit):
    with pytest.raises(ArgumentError, match="--lang fr: expected en or zh"):
        language.language_of(["--lang", "fr"])
    ran = surefit("fit x --lang fr")
    assert ran.code == 2 and ran.err == "error: --lang fr: expected en or zh\n"


def test_the_locale_decides_and_is_overruled(surefit, monkeypatch):
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert surefit("fit").err.startswith("错误： 要拟合什么？")
    assert surefit("fit --lang en").err.startswith("error: what should be fitted?")


# --- the table of words ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, command", commands().items())
def test_every_text_of_the_help_has_chinese_words(name, command):
    with typer.Context(command) as context:
        texts = [p.help for p in command.get_params(context) if getattr(p, "help", None)]
        texts += [p.rich_help_panel for p in command.get_params(context) if getattr(p, "rich_help_panel", None)]
    paragraphs = [" ".join(part.split()) for part in (command.help or "").split("\n\n")]
    texts += [part for part in paragraphs if not part.startswith("surefit ")]  # examples
    lists = re.compile(r"[a-z, -]+\.")  # of names, which are the same in every language
    assert [text for text in texts if text not in CHINESE and not lists.fullmatch(text)] == []


def test_words_keep_their_fields_and_are_used():
    strings = set()
    others = (FOLDER.parent / "experiments" / "result.py", FOLDER.parent / "reports" / "display.py")
    for path in [*FOLDER.glob("*.py"), *others]:
        if path.name != "chinese.py":
            strings |= {n.value for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Constant)}
    helps = {p for c in commands().values() for p in re.split(r"\n\n", c.help or "")}
    for english, chinese in CHINESE.items():
        assert CHINESE_LETTER.search(chinese), english
        assert fields_of(english) == fields_of(chinese), english
    text = "\n".join(s for s in strings if isinstance(s, str)) + " ".join(" ".join(h.split()) for h in helps)
    typers = {"Arguments", "Options", "Commands", "Error"}  # and two texts of its own
    typers |= {e for e in CHINESE if re.fullmatch(r"<[a-z[\]]+>", e)}
    unused = [
        e for e in CHINESE if e not in text and e not in typers and "completion" not in e and "message and" not in e
    ]
    assert [e for e in unused if not e.startswith(("a whole number", "How the points"))] == []


# --- what is said ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", commands())
def test_help_in_chinese_has_no_english_words(surefit, name):
    """But for examples, options, placeholders in capitals, and names of formats, methods and functions."""
    shown = surefit(f"{name} --help --lang zh").out
    for word in (
        "Usage",
        "OPTIONS",
        "ARGS",
        "Options",
        "Arguments",
        "Commands",
        "default",
        "required",
        "<bool",
        "<str",
    ):
        assert word not in shown
    assert "用法：surefit" in shown and "选项" in shown and "<开关>" in shown
    assert not re.search(r"<[a-z\[\]]+>|\b(the|of|and|with|is|are|for|from)\b", shown)
    english = surefit(f"{name} --help --lang en").out
    assert "Usage: surefit" in english and not CHINESE_LETTER.search(english)  # nothing is left behind


def test_help_in_chinese_is_not_cut(surefit, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    shown = surefit("fit --help --lang zh").out
    assert "用神经网络拟合公式或数据表。" in shown and "选项" in shown and "Options" not in shown
    assert not re.search("[\u4e00-\u9fff，。] ?…", shown)
    assert "早停轮数" in shown and "批大小" in shown
    widths = [sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line) for line in shown.splitlines()]
    assert max(widths) <= 80
    assert "Options" in surefit("fit --help").out  # nothing is left behind


@pytest.mark.slow
def test_a_fit_its_card_and_what_is_done_with_it(surefit):
    ran = surefit("fit 'sin(x)' --on x=0:1 {small} --out 结果 --lang zh")
    assert ran.code == 0 and "目标" in ran.out and "训练" in ran.out and "已写入" in ran.out
    assert "target" not in ran.out
    assert "目标" in surefit("info 结果/model.safetensors --lang zh").out
    assert CHINESE_LETTER.search(surefit("doctor 结果/model.safetensors --lang zh").out)
    outside = surefit("predict 结果/model.safetensors --at x=9 --lang zh")
    assert outside.err.startswith("警告： 该点在范围") and float(outside.out)
    page = surefit("report 结果 --lang zh").out.strip()
    assert "拟合报告" in Path(page).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "line, message",
    [
        ("fitt", "没有命令 'fitt'；您是否想写 fit？"),
        ("fit x --hiden 3", "没有选项 --hiden；您是否想写 --hidden？\n参见：surefit fit --help"),
        ("fit x --tol 0", "--tol 0：应为大于 0 的数"),
        ("fit x --epochs a", "--epochs a：应为不小于 1 的整数"),
        ("fit x", "缺少 --on：请为每个变量给出区间，例如 --on x=-1:1"),
        ("fit x --on x=0:1 --method best", "--method best：应为以下之一：auto, "),
        ("reproduce sine", "没有实验 'sine'"),
    ],
)
def test_wrong_input_is_answered_in_chinese(surefit, line, message):
    ran = surefit(f"{line} --lang zh")
    assert ran.code == 2 and ran.out == ""
    assert message.replace(" ", "") in ran.err.replace(" ", "") and ran.err.startswith("错误：")


def test_json_is_readable_in_chinese(surefit, tmp_path):
    (tmp_path / "表.csv").write_text("温度,压力\n" + "\n".join(f"{i},{i * i}" for i in range(40)), encoding="utf-8")
    ran = surefit("fit 表.csv {quick} --json")
    assert "温度" in ran.out and "\\u" not in ran.out and json.loads(ran.out)["inputs"] == ["温度"]


# --- full-width input ------------------------------------------------------------------------------------------------


def test_full_width_numbers_commas_and_colons_are_read(surefit):
    words = "--hidden ８，４ --epochs ２ --num ４０ --seed ３ -q --json"
    wide = surefit(f"fit 'sin（x）' --on x：－3：3 {words}")
    plain = surefit("fit 'sin(x)' --on x=-3:3 --hidden 8,4 --epochs 2 --num 40 --seed 3 -q --json")
    assert wide.code == plain.code == 0
    assert wide.json()["error"] == plain.json()["error"] and wide.json()["network"]["layers"] == [1, 8, 4, 1]


@pytest.mark.parametrize(
    "key, came, read",
    [
        ("hidden", "200，100", (200, 100)),
        ("hidden", "200、100", (200, 100)),
        ("lr", "３ｅ－４", 3e-4),
        ("tol", "０．００１", 1e-3),
        ("split", "０．８，０．１，０．１", (0.8, 0.1, 0.1)),
        ("targets", "甲，乙", ["甲", "乙"]),
        ("num", "５０，４０", (50, 40)),
        ("patience", "ｎｏｎｅ", "none"),
    ],
)
def test_a_setting_reads_full_width_marks(key, came, read):
    assert SETTINGS[key].read(came) == read


def test_narrow_leaves_other_values_alone():
    assert readers.narrow(5) == 5 and readers.narrow([1]) == [1]
