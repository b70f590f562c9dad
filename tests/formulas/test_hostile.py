"""Formulas that try to run code or to exhaust time or memory: refused, quickly, with a reason."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from surefit.errors import FormulaError
from surefit.formulas import constant, parse, parse_many, to_latex, to_text
from surefit.formulas.scanner import MAX_DEPTH, MAX_LENGTH, MAX_TOKENS

QUICK = 1.0  # seconds of processor time; a refusal takes milliseconds, the rest is for a slow and busy machine


def hostile(shared_data, kind):
    for entry in json.loads(shared_data("functions/hostile_formulas.json").read_text())[kind]:
        if isinstance(entry, dict):
            head, length = entry["head"], entry["length"]
            entry = (head * (length // len(head) + 1))[:length]
        yield entry


@pytest.fixture(scope="session")
def parsed_quickly(own_time):
    def parsed(text, variables=None):
        """The formula or the refusal, which came at once."""
        with own_time() as seconds:
            try:
                result = parse(text, variables)
            except FormulaError as error:
                result = error
        assert seconds[0] < QUICK, text[:60]
        return result

    return parsed


def test_nothing_is_executed(shared_data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    texts = list(hostile(shared_data, "code"))
    assert len(texts) == 26
    for text in texts:
        for variables in (None, ["x"], ["x", "open", "sin", "eval"]):
            with pytest.raises(FormulaError):
                parse(text, variables)
        with pytest.raises(FormulaError):
            constant(text)
        with pytest.raises(FormulaError):
            parse_many(text)
    assert os.listdir(tmp_path) == []


def test_nothing_hangs(shared_data, tmp_path, monkeypatch, own_time, parsed_quickly):
    monkeypatch.chdir(tmp_path)
    texts = list(hostile(shared_data, "dos"))
    assert len(texts) == 19
    for text in texts:
        result = parsed_quickly(text)
        if isinstance(result, FormulaError):
            assert len(str(result)) < 600  # the text itself is not repeated at full length
        else:
            with own_time() as taken:
                values = result(*[np.linspace(0.0, 1.0, 5)] * len(result.variables))
                to_text(result), to_latex(result)
            assert taken[0] < QUICK
            assert values.shape == (5,)
    refused = [t for t in texts if isinstance(parsed_quickly(t), FormulaError)]
    assert len(refused) == 18  # all but (1+x)**100000, which is an ordinary power
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('touch pwned')",
        "x.__class__",
        "[].append(1)",
        "(lambda: 0)()",
        "f'{x}'",
        "x := 3",
        "*x",
        "max(*x)",
        "max(x, key=x)",
        "await x",
        "yield",
        "x[1:2]",
        "{x}",
        "x @ y",
        "`x`",
        "x; import os",
        "x # comment",
        "x \\\n y",
        "1j",
        "0x10",
        "1if x>0else 2j",
        "...",
        "9**9**9**9",
        "x**-1e300",
        "1e308*10",
        "exp(1e9)",
        "gamma(1000)",
        "cosh(1000)*x",
        "0**-1",
        "atanh(1)",
        "5 % 0",
        "x" * (MAX_LENGTH + 1),
        "9" * 5000,
        "0." + "1" * 200,
        "x" * 200,
        "x+" * MAX_TOKENS + "x",
        "(" * 5000,
        "((((" * 50 + "x" + "))))" * 50,
        "-" * 5000 + "x",
        "not " * 3000 + "x > 0",
        "x**" * 1500 + "x",
        "x if x > 0 else " * 500 + "0",
        "sin(" * 150 + "x" + ")" * 150,
        "\x00",
        "\ud800",
        "\U000e0001x",
        "x\u202ey",
    ],
)
def test_refused(text, parsed_quickly):
    result = parsed_quickly(text)
    assert isinstance(result, FormulaError)


@pytest.mark.parametrize(
    "text",
    [
        "(" * (MAX_DEPTH - 1) + "x" + ")" * (MAX_DEPTH - 1),
        "-" * (MAX_DEPTH - 1) + "x",
        "x**" * (MAX_DEPTH - 1) + "x",
        "sin(" * (MAX_DEPTH - 1) + "x" + ")" * (MAX_DEPTH - 1),
        "x if x > 0 else " * (MAX_DEPTH - 1) + "0",
        " + ".join(["x**2*(x - 1)"] * 350),
        "+".join(["x"] * (MAX_TOKENS // 4)),
        "max(" + ",".join(["x"] * 900) + ")",
        "<".join(["x"] * 500),
        "1 if " + " and ".join(["log(x + 2) < 9"] * 400) + " else 0",
        "1 if " + " or ".join(["1/x < -9"] * 500) + " else 0",
        "+".join(["(log(x) if x > 0 else 1)"] * 250),
    ],
)
def test_within_the_limits_everything_works(text, parsed_quickly):
    f = parsed_quickly(text)
    assert not isinstance(f, FormulaError), str(f)
    assert np.isfinite(f(0.5))
    assert parse(to_text(f)).nodes == f.nodes
    assert to_latex(f)


def test_small_stacks_are_enough():
    """Half of the smallest stack that Python gives a thread is enough for the deepest formulas."""
    import threading

    failures: list[object] = []

    def read():
        for text in (
            "(" * 99 + "x" + ")" * 99,
            "-" * 99 + "x",
            "x**" * 99 + "x",
            "+".join(["x"] * (MAX_TOKENS // 2)),
        ):
            try:
                parse(text)
            except BaseException as error:
                failures.append(error)

    old = threading.stack_size(512 * 1024)
    try:
        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(old)
    assert not failures


# --- fuzzing --------------------------------------------------------------------------------------

WORDS = (
    "x y x1 x10 e pi sin cos log max where gamma foo lambda if else and or not in is True None inf 2 0.5 "
    "1e3 1e400 ( ) ( ) , + - * / % ** ^ // < <= > >= == != = ; . [ ] { } : | & ! ' \" \\ # @ ² ⁻¹ "
    "π √ × · − （ ） ， ２ 。 θ 速 \n"
).split(" ")
sentences = st.lists(st.sampled_from(WORDS), max_size=25).flatmap(
    lambda words: st.sampled_from(["", " "]).map(lambda gap: gap.join(words))
)


def check_refusal(error: FormulaError, text: str) -> None:
    lines = str(error).split("\n")
    assert lines[0] and lines[1].startswith("    ") and set(lines[2].strip()) == {"^"}
    if len(lines) > 3:
        proposal = str(error).split("did you mean: ")[1]
        assert "\n" not in proposal and proposal != text
        parse(proposal)


@pytest.mark.slow
@settings(deadline=None, max_examples=400)
@given(st.one_of(sentences, st.text(max_size=60)))
@example("x if x else")
@example("1(")
@example("sin^2(")
@example("f(x)=")
@example("=")
@example("x=")
@example("(=")
@example("sin)(")
@example("f(x)=)")
def test_random_text_is_read_or_refused(parsed_quickly, text):
    f = parsed_quickly(text)
    if isinstance(f, FormulaError):
        check_refusal(f, text)
        return
    assert parse(to_text(f), f.variables).nodes == f.nodes
    to_latex(f)
    values = f(*[np.array([-1.0, 0.0, 0.5, 2.0])] * len(f.variables))
    assert np.asarray(values).dtype == np.float64


@settings(deadline=None, max_examples=200)
@given(sentences)
def test_random_text_with_declared_variables(parsed_quickly, text):
    result = parsed_quickly(text, ["x", "e", "max", "lambda"])
    assert set(getattr(result, "variables", ["x"])) <= {"x", "e", "max", "lambda"}
    assert str(result)


@settings(deadline=None, max_examples=100)
@given(st.text(alphabet="0123456789.eE+-_", min_size=1, max_size=30))
def test_numbers_are_pythons_numbers(text):
    try:
        value = constant(text)
    except FormulaError:
        return
    assume("_" not in text)
    import re

    if re.fullmatch(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text):
        assert value == float(text)
