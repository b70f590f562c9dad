"""The command as a shell runs it: start-up, streams, signals. Each test starts an interpreter, so there are few."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import surefit
from surefit import fitting

POSIX = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has neither SIGINT for others nor terminals like these"
)


def environment(**extra):
    source = str(Path(surefit.__file__).parents[1])
    return {**os.environ, "PYTHONPATH": source, "COLUMNS": "100", **extra}


def shell(*words, cwd=None, **extra):
    command = [sys.executable, "-m", "surefit", *words]
    return subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", env=environment(**extra), cwd=cwd, check=False
    )


def test_version():
    done = shell("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"surefit {surefit.__version__}\n", "")


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["fit", "--help"], ["fit", "2x", "--lr", "-1"]])
def test_start_up_is_light(words):
    code = f"""
import sys
from surefit.cli import main
main({words!r})
heavy = {{"scipy", "matplotlib", "pandas", "pyarrow", "llvmlite", "safetensors", "numpy"}}
print(*heavy & {{name.partition(".")[0] for name in sys.modules}}, file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=False)
    assert done.stderr.splitlines()[-1] == ""


@pytest.mark.parametrize("words", [[], ["--help"]])
def test_help_shows_an_example_for_each_command(words):
    done = shell(*words)
    assert (done.returncode, done.stderr) == (0, "")
    for command in ("fit", "predict", "info", "data", "doctor"):
        assert f"  surefit {command} " in done.stdout


@pytest.mark.parametrize("command", ["fit", "predict", "info", "data", "doctor"])
def test_help_of_a_command_shows_an_example(command, capsys):
    from surefit.cli import main

    assert main([command, "--help"]) == 0
    long = capsys.readouterr().out
    assert main([command, "-h"]) == 0
    assert capsys.readouterr().out == long and "Usage: surefit " + command in long
    assert f"surefit {command} " in long.replace(f"Usage: surefit {command} ", "")


@pytest.mark.slow
def test_a_run_from_the_shell(tmp_path):
    words = [
        "fit",
        "-2/(2+sin(x))",
        "--on",
        "x=-3:3",
        "--hidden",
        "8",
        "--epochs",
        "20",
        "--num",
        "100",
        "--out",
        "demo",
    ]
    done = shell(*words, cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("target       -2/(2+sin(x))\n")
    assert "epoch 20/20" in done.stderr
    at = shell("predict", "demo/model.safetensors", "--at", "x=-0.5", cwd=tmp_path)
    assert float(at.stdout) == pytest.approx(surefit.load(tmp_path / "demo" / "model.safetensors")(-0.5), rel=1e-6)


def test_json_on_stdout_and_nothing_on_stderr(tmp_path):
    done = shell("fit", "sin(x)", "--on", "x=-3:3", "--epochs", "2", "--tol", "1e-9", "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (3, "")
    assert json.loads(done.stdout)["reached"] is False


@pytest.mark.slow
def test_a_terminal_that_lacks_characters_gets_a_question_mark():
    done = shell("fit", "sin(长)", "--on", "长=-3:3", "--epochs", "1", "-q", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("target       sin(?)\n")


def heard():
    """In the child: what this process may be ignoring, begun in the background or under nohup, is heard there."""
    for wish in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(wish, signal.SIG_DFL)


@pytest.mark.slow
@POSIX
@pytest.mark.parametrize("out, wish", [(True, "SIGINT"), (False, "SIGINT"), (True, "SIGTERM"), (True, "SIGHUP")])
def test_a_signal_to_end_keeps_the_best_and_is_the_exit_code(tmp_path, out, wish):
    number = getattr(signal, wish)
    words = ["fit", "sin(5*x)", "--on", "x=-3:3", "--epochs", "1000000", *(["--out", "demo"] if out else [])]
    command = [sys.executable, "-m", "surefit", *words]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(), cwd=tmp_path,
        preexec_fn=heard,
    ) as running:  # fmt: skip
        assert running.stderr.readline().startswith("epoch 1/1000000")
        running.send_signal(number)
        stdout, stderr = running.communicate(timeout=60)
    assert running.returncode == 128 + number
    assert "interrupted in epoch" in stdout
    assert "Traceback" not in stderr
    if out:
        fitted = surefit.load(tmp_path / "demo" / "model.safetensors")
        assert fitted.interrupted
        written = set(os.listdir(tmp_path / "demo"))
        assert {"run.toml", "history.csv"} <= written and "fit.png" not in written  # for which nobody waits who stops
        assert "not all pictures were drawn (surefit report demo draws them)" in stderr
    else:
        assert "the model was not saved (--out DIR saves it)" in stderr


@POSIX
@pytest.mark.parametrize("words", ["info pipe", "fit x --on x=0:1 --config pipe"])
def test_a_pipe_under_the_name_of_a_file_is_not_waited_for(tmp_path, words):
    os.mkfifo(tmp_path / "pipe")
    command = [sys.executable, "-m", "surefit", *words.split()]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), cwd=tmp_path, timeout=100)
    assert done.returncode == 2 and "'pipe' is a pipe or a device" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux that is always full")
@pytest.mark.parametrize(
    "streams, code, out, err",
    [("2>/dev/full", 0, "target       x\n", ""), (">/dev/full", 2, "", "error: cannot write to standard output ("),
     (">&-", 0, "", ""), ("2>&-", 0, "target       x\n", "")],
)  # fmt: skip
def test_streams_that_are_full_or_closed(streams, code, out, err):
    command = f"{sys.executable} -m surefit fit x --on x=0:1 --method polynomial -q {streams}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, env=environment(), check=False)
    assert done.returncode == code and done.stdout.startswith(out) and done.stderr.startswith(err)
    assert "Traceback" not in done.stderr and (done.stderr == "") == (err == "")


@pytest.mark.slow
@POSIX
def test_a_reader_that_stops_early_is_no_error(tmp_path):
    (tmp_path / "in.csv").write_text("t\n" + "0.5\n" * 50_000)
    assert shell("fit", "t", "--on", "t=0:1", "--epochs", "1", "--out", "m", cwd=tmp_path).returncode == 0
    command = f"{sys.executable} -m surefit predict m/model.safetensors --csv in.csv | head -n 1"
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, env=environment(), cwd=tmp_path, check=False
    )
    assert (done.stdout, done.stderr) == ("t,y\n", "")


@pytest.mark.slow
@POSIX
def test_in_a_terminal_one_line_updates_and_the_card_remains(tmp_path):
    import pty

    inside, outside = pty.openpty()
    words = ["fit", "sin(x)", "--on", "x=-3:3", "--epochs", "30"]
    with subprocess.Popen(
        [sys.executable, "-m", "surefit", *words], stdout=outside, stderr=outside, cwd=tmp_path,
        env=environment(TERM="xterm"),
    ) as running:  # fmt: skip
        os.close(outside)
        seen = b""
        try:
            while part := os.read(inside, 65536):
                seen += part
        except OSError:  # the other end has closed
            pass
    os.close(inside)
    assert running.returncode == 0
    text = seen.decode()
    assert "epoch 0/30" in text
    assert text.count("\n") < 15  # the lines of the card and one for the display
    assert text.rstrip().endswith("seed 0")


def test_a_fault_of_our_own_is_one_line_too(monkeypatch, capsys):
    from surefit.cli import main

    monkeypatch.setattr(fitting, "load", lambda path: 1 / 0)
    assert main(["info", "model"]) == 1
    assert capsys.readouterr().err == (
        "error: ZeroDivisionError: division by zero\nthis is a fault of surefit; SUREFIT_TRACEBACK=1 shows where\n"
    )
    monkeypatch.setenv("SUREFIT_TRACEBACK", "1")
    main(["info", "model"])
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error, says",
    [(MemoryError("8 TiB"), "not enough memory (8 TiB)"), (PermissionError(13, "Denied", "f"), "f: Denied")],
)
def test_trouble_with_the_machine(monkeypatch, capsys, error, says):
    from surefit.cli import main

    def fail(path):
        raise error

    monkeypatch.setattr(fitting, "load", fail)
    assert main(["info", "model"]) == 2
    assert capsys.readouterr().err == f"error: {says}\n"


def test_an_interrupt_before_training(monkeypatch, capsys):
    from surefit.cli import main

    def interrupt(path):
        raise KeyboardInterrupt

    monkeypatch.setattr(fitting, "load", interrupt)
    assert main(["info", "model"]) == 130
    assert capsys.readouterr().err == "error: interrupted\n"
