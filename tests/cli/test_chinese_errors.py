"""Errors at the command line in Chinese: the table of texts against those in the code, and errors as they are met."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import surefit
from surefit.cli.app import run
from surefit.cli.chinese_errors import _KNOWN, in_chinese

SOURCE = Path(surefit.__file__).parent
SYSTEM = {
    "[Errno {#}] {}: {}",
    "No space left on device",
    "Permission denied",
    "Is a directory",
    "Not a directory",
    "File exists",
    "Read-only file system",
    "File name too long",
    "No such file or directory",
}
ENGLISH = re.compile(r"[a-z]{2,},? [a-z]{2,},? [a-z]{2,}")
TRANSLATED = (
    "formulas/scanner.py", "formulas/parser.py", "data/csv_text.py", "data/columns.py", "data/table.py",
    "data/domain.py", "problems/splitting.py", "storage/container.py", "data/sources.py", "problems/posing.py",
)  # fmt: skip


def text_of(node):
    """A text, or one with blanks, as it stands in the code: {} for a blank."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(v.value if isinstance(v, ast.Constant) else "{}" for v in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = text_of(node.left), text_of(node.right)
        return "".join("{}" if part is None else part for part in parts) if any(parts) else None
    return None


ROOMS = (
    "formulas data problems search fitting storage models exporters bounds attempts cli reports view play experiments "
    "solvers readings studies"
).split()
KINDS = ("file", "model file", "certificate")  # "there is no {what} {path}{near}"
MADE = {f"there is no {what} {{}}{near}" for what in KINDS for near in ("", "; did you mean {}?")}
MADE |= {"there is no file {}; {}"}
MADE |= {
    f"certificate {verdict}: {{}}" for verdict in ("holds", "DOES NOT HOLD", "not checked")
}  # "there is no {kind} {name}"


@pytest.mark.slow
def test_every_text_of_the_table_stands_in_the_code():
    paths = [*SOURCE.glob("*.py"), *(p for room in ROOMS for p in (SOURCE / room).rglob("*.py"))]
    texts = {
        text_of(node)
        for path in paths if not path.name.startswith("chinese")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    }  # fmt: skip
    everything = "\n".join(filter(None, texts))
    missing = []
    for english in _KNOWN.keys() - SYSTEM - MADE:
        parts = re.split(r"\{#?\}|; |, |: |\? ", english)
        missing += [english] if not all(part.strip() in everything for part in parts) else []
    assert not missing, missing


def test_errors_of_these_files_are_all_translated():
    left = []
    for name in TRANSLATED:
        for node in ast.walk(ast.parse((SOURCE / name).read_text(encoding="utf-8"))):
            called = getattr(node, "func", None)
            word = getattr(called, "id", getattr(called, "attr", ""))
            text = text_of(node.args[-1]) if word.endswith(("Error", "Fault", "error")) and node.args else None
            ways = (
                []
                if text is None
                else [text.replace("{}", "7"), re.sub(r"(?<=[a-z'])\{\}", "", text).replace("{}", "7")]
            )
            if ways and all(ENGLISH.search(in_chinese(way.replace("{}", "7"))) for way in ways):
                left.append(f"{name}:{node.lineno}: {text}")
    assert not left, "\n".join(left)


@pytest.mark.parametrize(
    "message, chinese",
    [
        ("a.csv: line 3, column 'b' is 'x', not a number; correct it, or read other columns with --columns",
         "a.csv：第 3 行，'b' 列为 'x'，不是数；请改正，或用 --columns 读取其他列"),
        ("unknown name 'y'; the variable is x\n    sin(y)\n        ^\ndid you mean: sin(x)",
         "未知的名称 'y'；变量是 x\n    sin(y)\n        ^\n您是否想写：sin(x)"),
        ("max takes 2 or more arguments, 1 came", "max 需要至少 2 个参数，实际给出 1 个"),
        ("a text of which no part is known: x; y", "a text of which no part is known: x; y"),
        ("a: b: the file is empty", "a: b：文件为空"),
        ("(X, y): y has no columns; got (5, 2), (5, 0)", "(X, y)：y 没有列；实际为 (5, 2), (5, 0)"),
        ("", ""), ("{}", "{}"), ("{0}; the file is empty", "{0}；文件为空"),
    ],
)  # fmt: skip
def test_what_becomes_of_a_message(message, chinese):
    assert in_chinese(message) == chinese


MORE = {
    "classes": "a,kind\n" + "1,red\n2,blue\n" * 6,
    "notes": "Ann, Instrument X\na,b,y\n1,2,3\n4,5,6\n",  # one title is read over, this one has two cells
    "sums": "a,b,y\n" + "1,2,3\n" * 12 + "Total,,36\n",
}
WRONG = {
    "fit sin(x --on x=0:1": "没有闭合", "fit sin(x) --on x=5:1": "颠倒", "fit log(x) --on x=-1:1": "不是有限的数",
    "fit sin(x) --on x=0:1 --out /proc/none": "无法建立目录", "fit none.csv": "没有文件", "fit words.csv": "不是数",
    "fit ragged.csv": "单元格", "fit empty.csv": "文件为空", "fit words.csv --columns q": "没有列",
    "info words.csv": "是文本，不是模型文件",
    "fit classes.csv": "--task classify", "fit words.csv --adaptive 2": "自带数据点",
    "fit sin(x) --on x=0:1 --extra-box x=2:3": "超出范围",
    "fit sin(x) --on x=0:1 --live terminal --quiet": "禁止", "fit sin(x) --on x=0:1 --jobs 2": "--budget",
    "fit words.csv --encoding klingon": "未知", "fit notes.csv": "加 #", "fit sums.csv": "汇总",
    "construct atan2(x1,x2) --on x1=0:1 --on x2=1:2 --tol 1": "一元函数", "reproduce digits --mnist none": "--download",
    "check none none": "没有", "reproduce two-ways --all": "全部",
    "predict none --at x=1": "没有模型文件", "fit word.csv": "您是否想写 'words.csv'", "fit words.cvs": "words.csv",
    "certify none --tol x": "应为数", "play --port 99999": "65535", "info none none": "多出这些词",
    "construct sin(x) --on x=0:1 --units 2.5": "应为整数", "construct sin(x) --on x=0:1 --tol -1": "应为大于 0 的数",
    "fit --command ./none{x} --on x=0:1 --budget 9": "没有程序",
}  # fmt: skip


@pytest.mark.parametrize("command", WRONG)
def test_an_error_as_it_is_met(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "words": "a,b,y\n1,2,3\n2,x,4\n3,1,5\n",
        "ragged": "a,b,y\n1,2,3\n2,3\n",
        "empty": "",
        **MORE,
    }.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    assert run([*command.split(), "--lang", "zh"]) == 2
    said = capsys.readouterr().err
    assert WRONG[command] in said
    assert not ENGLISH.search(said), said
