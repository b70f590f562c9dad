"""The doctor's words: one table, both languages, and nothing that is said without standing in it."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.doctor import words
from surefit.doctor.examine import examine
from surefit.doctor.findings import Diagnosis, found
from surefit.errors import ArgumentError
from surefit.sentences import Both, Sentence, declare

SOURCES = sorted(Path(words.__file__).parent.glob("*.py"))


def fields(text):
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def is_chinese(text):
    return bool(re.search(r"[\u4e00-\u9fff]", text))


def calls(name):
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == name:
                yield node


def test_both_languages_are_filled_in_with_the_same():
    bare = {"training-broke-down", "training-note", "data-note", "unnamed", "and", "ill"}  # texts that others made
    for code, both in words.WORDS.items():
        assert fields(both.en) == fields(both.zh), code
        assert is_chinese(both.zh) or code in bare, code
        assert not is_chinese(both.en), code


def test_every_finding_has_words():
    codes = {node.args[0].value for node in calls("found") if isinstance(node.args[0], ast.Constant)}
    assert len(codes) > 35
    shared = {"step-size"}
    assert {c for c in codes if c not in words.WORDS and not any(w.startswith(f"{c}.") for w in words.WORDS)} == set()
    told = {node.args[0].value for node in calls("tell") if isinstance(node.args[0], ast.Constant)}
    assert told - words.WORDS.keys() == set()
    assert shared <= words.WORDS.keys()


def test_every_place_has_a_translation():
    places = {node.args[2].value for node in calls("found") if isinstance(node.args[2], ast.Constant)}
    assert places <= words.PLACES.keys()


def test_numbers_are_said_in_chinese_too():
    net = nn.MLP(2, (20, 20), 1, activation="relu", generator=0)
    net[2].bias.assign(np.full(20, -100.0, np.float32))
    x = np.random.default_rng(0).uniform(-1, 1, (300, 2))
    (dead,) = [f for f in examine(net, x, x[:, :1] ** 2).find("dead-units") if f.severity == "error"]
    where, message, cure = dead.said("zh")
    assert where == "3 (ReLU)" and "20 个单元中 100 %" in message and is_chinese(cure)
    assert dead.said("en") == (dead.where, dead.message, dead.cure)


@pytest.mark.parametrize("target", ["sin(60*x)", "abs(x)", "1"])
def test_the_whole_diagnosis_in_chinese(target):
    plan = surefit.Sampling(count=60)
    fit = surefit.fit(target, "x=-3:3", data=plan, method=surefit.Adam(epochs=12), model=(6,), tol=1e-9)
    diagnosis = fit.doctor()
    assert all(isinstance(f.message, Sentence) for f in diagnosis)
    text = diagnosis.text("zh")
    assert is_chinese(text.splitlines()[0])
    assert all(is_chinese(f.said("zh")[1]) for f in diagnosis), [f.said("zh") for f in diagnosis]
    assert str(diagnosis) == diagnosis.text() == diagnosis.text("en")


def test_a_code_says_one_thing():
    declare({"doctor.dead-units": words.WORDS["dead-units"]})
    with pytest.raises(ArgumentError, match="declared twice"):
        declare({"doctor.dead-units": Both("something else", "别的")})


def test_a_diagnosis_without_fault_in_chinese():
    healthy = Diagnosis([found("constant-targets", "ok", "targets", 0, "none")])
    assert healthy.text("zh") == "一切正常：检查了 1 项，均无问题。"
    assert str(healthy) == "Nothing is wrong: one thing looked at, all as they should be."
