"""`surefit fit --command`: programs that are not Python, their failures, their log, Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

import surefit as library
from surefit.errors import ArgumentError, EvaluationError
from surefit.problems.calling import Command

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the programs here are scripts of a POSIX shell")

ON = "--on x1=-1:1 --on x2=0:2"
QUICK = "--method polynomial -q"


@pytest.fixture
def sim(tmp_path):
    """Makes ./sim of the lines of a shell script."""

    def write(*lines: str) -> None:
        (tmp_path / "sim").write_text("\n".join(["#!/bin/sh", *lines, ""]))
        (tmp_path / "sim").chmod(0o755)

    return write


def test_a_program_is_fitted_within_its_budget(surefit, sim, tmp_path):
    sim('echo "$1 $2" >> calls', 'awk "BEGIN { print \\"step 7\\"; print \\"value\\", $1 * $2 }"')
    ran = surefit(f"fit --command './sim {{x1}} {{x2}}' {ON} --budget 30 --jobs 3 --log runs.csv --json {QUICK}")
    assert ran.code == 0
    assert ran.json()["target"]["evaluated"] == {"evaluations": 30, "failed": 0, "resumed": 0}
    assert ran.json()["error"]["max"] < 1e-4  # of six digits that awk prints
    calls = (tmp_path / "calls").read_text().splitlines()
    assert len(calls) == 30
    points = {run.x for run in library.Experiment("x1=-1:1, x2=0:2", log=tmp_path / "runs.csv").runs}
    assert points == {tuple(map(float, line.split())) for line in calls}  # to the last bit


@pytest.mark.slow
def test_its_settings_repeat_it_from_the_log(surefit, sim, tmp_path):
    sim('echo "$1" >> calls', 'awk "BEGIN { print $1 * $2 }"')
    first = surefit(f"fit --command './sim {{x1}} {{x2}}' {ON} --budget 20 --log runs.csv --out demo {QUICK}")
    again = surefit("fit --config demo/run.toml -q")
    assert (first.code, again.code) == (0, 0)
    assert "20 from the log" in again.out
    assert len((tmp_path / "calls").read_text().splitlines()) == 20


def test_failures_are_told(surefit, sim):
    sim('case $1 in -*) echo "no mesh" >&2; exit 3;; esac', "echo $2")
    ran = surefit(f"fit --command './sim {{x1}} {{x2}}' {ON} --budget 30 {QUICK}")
    assert ran.code == 0
    assert "exit code 3: no mesh" in ran.out


def test_no_shell_sees_the_values_or_the_words(sim, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sim("printf '%s\\n' \"$@\" > words", "echo 5")
    program = Command("./sim '{x1}' '$(touch hacked)' '`touch hacked`' \"a b\" --q={x2}", ("x1", "x2"))
    assert program(0.1, 1e-300) == (5.0,)
    words = (tmp_path / "words").read_text().splitlines()
    assert words == ["0.1", "$(touch hacked)", "`touch hacked`", "a b", "--q=1e-300"]
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize(
    "printed, value",
    [
        ("3.5", 3.5), ("a = 1\nb = -2e3 m", -2000.0), ("x1 7", 7.0), ("1.5D-03", 1.5e-3), ("+.5", 0.5),
        ("inf", float("inf")), ("1, 2, 3.", 3.0),
    ],
)  # fmt: skip
def test_the_last_number_is_the_value(sim, tmp_path, monkeypatch, printed, value):
    monkeypatch.chdir(tmp_path)
    sim(f"printf '%s' '{printed}'")
    assert Command("./sim {x}", ("x",))(1.0) == (value,)


def test_several_numbers(sim, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sim("echo 1 2 3")
    assert Command("./sim {x}", ("x",), outputs=2)(1.0) == (2.0, 3.0)
    with pytest.raises(EvaluationError, match="printed 3 numbers, of which 4"):
        Command("./sim {x}", ("x",), outputs=4)(1.0)


def test_a_program_beyond_its_time_is_ended_with_what_it_started(sim, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sim("(sleep 60; touch ended) &", "echo $! > child", "wait")
    with pytest.raises(EvaluationError, match=r"longer than 0.3 s"):
        Command("./sim {x}", ("x",), timeout=0.3)(1.0)
    child = int((tmp_path / "child").read_text())
    for _ in range(1000):
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(child)], capture_output=True, text=True).stdout
        if not state or state.startswith("Z"):
            break
        time.sleep(0.02)
    else:
        raise AssertionError("the child still runs")
    assert not (tmp_path / "ended").exists()


@pytest.mark.parametrize(
    "text, said",
    [
        ("./sim {x1} {y}", "{y} is no input"), ("./sim {x1}", "{x2} does not occur"), ("  ", "it is empty"),
        ("./sim '{x1} {x2}", "cannot read"), ("./sim {x1} {x2} | tail -1", "'|' is for a shell"),
        ("cd a; ./sim {x1} {x2}", "'a;' is for a shell"),
    ],
)  # fmt: skip
def test_a_command_that_cannot_be_is_refused(text, said):
    with pytest.raises(ArgumentError) as caught:
        Command(text, ("x1", "x2"))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "line, said",
    [
        ("--command './nowhere {x1} {x2}' --budget 20", "there is no program './nowhere'"),
        ("--command 'true {x1} {x2}'", "--command: say how often"),
        ("--command 'true {x1} {x2}' --budget 20 'x1*x2'", "--command: is fitted instead of 'x1*x2'"),
        ("--command 'true {x1} {x2}' --budget 20 --num 50", "--num does not go with --budget"),
        ("--command 'true {x1} {x2}' --budget 20 --targets a", "--targets is for tables"),
        ("'x1*x2' --budget 20 --timeout 3", "--timeout: goes with --command"),
        ("'x1*x2' --jobs 2", "--jobs: say how often"),
        ("'x1*x2' --budget 2", "--budget 2: expected a whole number of 5 or more"),
        ("'x1*x2' --budget 20 --log runs.parquet", "--log 'runs.parquet': a Parquet file cannot be appended to"),
        ("--command 'true {x1} {x2}' --budget 100", "none of the first 20 evaluations gave a value"),
    ],
)
def test_wrong_input_is_one_sentence(surefit, line, said):
    ran = surefit(f"fit {ON} -q {line}")
    assert ran.code == 2
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_without_intervals_it_says_so(surefit):
    assert "--on is missing" in surefit("fit --command 'true {x}' --budget 20").err


def test_progress_counts_evaluations(surefit):
    ran = surefit(f"fit 'x1*x2' {ON} --budget 25 --method polynomial")
    assert ran.err.splitlines()[0].startswith("evaluation 1/25")
    assert any(line.startswith("evaluation 25/25") for line in ran.err.splitlines())


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 3])
def test_ctrl_c_keeps_what_was_evaluated(sim, tmp_path, jobs):
    sim("sleep 0.05", "echo $1")
    words = ["fit", "--command", "./sim {x1} {x2}", "--on", "x1=0:1", "--on", "x2=0:1", "--budget", "5000"]
    words += ["--log", "runs.jsonl", "--method", "polynomial", "--json", "--jobs", str(jobs)]
    with subprocess.Popen(
        [sys.executable, "-m", "surefit", *words], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True,
    ) as process:  # fmt: skip
        log = tmp_path / "runs.jsonl"
        while not log.exists() or len(log.read_text().splitlines()) < 12:
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out = process.communicate(timeout=60)[0]
    assert process.returncode == 130
    record = json.loads(out)
    evaluated = record["target"]["evaluated"]
    assert 11 <= evaluated["evaluations"] < 5000
    assert evaluated["evaluations"] == len(log.read_text().splitlines()) - 1
    assert record["error"]["max"] < 1e-9
