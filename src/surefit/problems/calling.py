"""One call of an expensive function, wherever it runs, and a program of the command line as such a function."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import inspect
import os
import re
import shlex
import signal
import subprocess
import textwrap
import time as clock
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from surefit.errors import ArgumentError, EvaluationError, SurefitError
from surefit.problems.callables import WAYS, accepts, fitting_call

WINDOWS = os.name == "nt"
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?|[-+]?(?:nan|inf(?:inity)?)\b", re.IGNORECASE)
FIELD = re.compile(r"\{(\w*)\}")
SHELL = ("|", "||", "&", "&&", ";", "<", ">", ">>", "2>", "2>&1")  # words that mean nothing without a shell
SAID = 200  # characters at the end of what a failed program said


class Result(NamedTuple):
    """What came of a call: values (k,) or why there are none, the seconds, the way it was called and how often."""

    y: tuple[float, ...]
    seconds: float
    error: str = ""
    way: str | None = None
    calls: int = 1


def ways_of(f: Callable[..., Any], names: Sequence[str]) -> tuple[str, ...]:
    """How one point may be handed over, the likely way first; only as many ways as the signature leaves open.

    ArgumentError for a function that takes neither one argument for each input nor the point.
    """
    d = len(names)
    several, single = accepts(f, d), accepts(f, 1)
    if not several and not single:
        name = getattr(f, "__name__", type(f).__name__)
        raise ArgumentError(
            f"the function {name!r} does not take {d} arguments, one for each of {', '.join(names)}, nor one point"
            + fitting_call(f, names)
        )
    return (("values",) if several else ()) + (("point", "matrix") if single and (d == 1 or not several) else ())


class Call:
    """A function of one point (d,) that returns a `Result`, whatever happens; it pickles where the function does."""

    def __init__(self, f: Callable[..., Any], ways: Sequence[str]) -> None:
        self.f, self.ways = f, tuple(ways)

    def __call__(self, point: np.ndarray, most: int = 1) -> Result:
        """Tries the ways one after the other, with `most` calls at most."""
        began, first = clock.perf_counter(), ""
        calls = 0
        for way in self.ways[: max(1, most)]:
            calls += 1
            try:
                with np.errstate(all="ignore"):
                    y = WAYS[way](self.f, point[None])[0].astype(np.float64)
            except (Exception, SystemExit) as error:
                kind = "" if isinstance(error, SurefitError) else f"{type(error).__name__}: "
                first = first or f"{kind}{error}".rstrip(": ")
                continue
            seconds = clock.perf_counter() - began
            if not np.isfinite(y).all():
                return Result((), seconds, f"it gave {', '.join(f'{v:g}' for v in y)}", way, calls)
            return Result(tuple(y.tolist()), seconds, "", way, calls)
        return Result((), clock.perf_counter() - began, first, None, calls)


def fingerprint(f: Any) -> str | None:
    """A few characters that change when the source of a function does, remarks and layout aside; None: not known."""
    parts: list[str] = []
    while isinstance(f, partial):
        parts.append(repr((f.args, f.keywords)))
        f = f.func
    code = getattr(f, "fingerprint", None)
    if isinstance(code, str):
        return code
    f = f if inspect.isroutine(f) else type(f).__call__
    try:
        source = textwrap.dedent(inspect.getsource(f))
    except (OSError, TypeError):
        return None
    with contextlib.suppress(SyntaxError):  # of a lambda in the middle of a line
        source = ast.dump(ast.parse(source))
    return hashlib.sha256("\n".join([*parts, source]).encode()).hexdigest()[:16]


def words_of(text: str, windows: bool = WINDOWS) -> list[str]:
    r"""The words of a command, as a shell would split them; on Windows a backslash is part of a path.

    >>> words_of(r'"C:\my sims\run.exe" {x}', windows=True)
    ['C:\\my sims\\run.exe', '{x}']
    """
    lexer = shlex.shlex(text, posix=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    if windows:
        lexer.escape = ""
    return list(lexer)


class Command:
    """A program as a function: `Command("./sim {x1} {x2}", ("x1", "x2"))(0.5, 2.0)` runs it and reads its number.

    The words are split as a shell would split them, but no shell sees them; `{name}` stands for the value of an input,
    in 17 digits. The last number on standard output is the value; with `outputs` the last so many.

    Args:
        text: the command. names: of the inputs, each of which must occur in it. timeout: seconds, after which the
        program and those that it started are ended. outputs: numbers to read.

    Raises:
        ArgumentError: an unknown name in braces, an input that does not occur, or quotes that do not close.
    """

    def __init__(self, text: str, names: Sequence[str], *, timeout: float | None = None, outputs: int = 1) -> None:
        try:
            self.words = words_of(text)
        except ValueError as error:
            raise ArgumentError(f"command: cannot read {text!r} ({error})") from None
        if not self.words:
            raise ArgumentError("command: it is empty; give a program, such as './sim {x1} {x2}'")
        if shell := [word for word in self.words if word in SHELL or word.endswith(";")]:
            raise ArgumentError(
                f"command: {shell[0]!r} is for a shell, and none sees the command; put it into a script, and give that"
            )
        fields = [name for word in self.words for name in FIELD.findall(word)]
        unknown = [name for name in fields if name not in names]
        missing = [name for name in names if name not in fields]
        if unknown:
            raise ArgumentError(f"command: {{{unknown[0]}}} is no input; they are {', '.join(names)}")
        if missing:
            raise ArgumentError(
                f"command: {{{missing[0]}}} does not occur in {text!r}; the program must get each input"
            )
        self.names, self.timeout, self.outputs = tuple(names), timeout, outputs
        self.__name__ = self.words[0]
        self.fingerprint = hashlib.sha256(repr(self.words).encode()).hexdigest()[:16]
        self._running: set[subprocess.Popen[str]] = set()
        self._stopped = False

    def __call__(self, *values: float) -> tuple[float, ...]:
        """The numbers that the program prints for these inputs. EvaluationError where it fails."""
        given = dict(zip(self.names, values, strict=True))
        words = [FIELD.sub(lambda m: repr(float(given[m[1]])), word) for word in self.words]
        if self._stopped:
            raise EvaluationError("stopped")
        try:
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                errors="replace", start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise EvaluationError(f"cannot run {words[0]!r} ({error.strerror or error})") from None
        self._running.add(process)
        if self._stopped:
            _kill(process)
        with process:  # which closes its pipes and waits for its end
            try:
                said, complaint = process.communicate(timeout=self.timeout)
            except subprocess.TimeoutExpired:
                raise EvaluationError(f"it took longer than {self.timeout:g} s") from None
            finally:
                _kill(process)
                self._running.discard(process)
        if process.returncode:
            words_ = " ".join((complaint or said).split())[-SAID:]
            raise EvaluationError(f"exit code {process.returncode}{': ' * bool(words_)}{words_}")
        numbers = NUMBER.findall(said)
        if len(numbers) < self.outputs:
            raise EvaluationError(f"it printed {len(numbers)} numbers, of which {self.outputs} are needed")
        return tuple(map(_float, numbers[-self.outputs :]))

    def check(self) -> None:
        """ArgumentError where the program cannot be found, before anything is evaluated."""
        import shutil

        if shutil.which(self.words[0]) is None:
            raise ArgumentError(f"command: there is no program {self.words[0]!r}; give its path, such as ./sim")

    def stop(self) -> None:
        """End what is running; nothing more is started."""
        self._stopped = True
        for process in list(self._running):  # the threads that wait for them see that they have ended
            _kill(process)


def _float(text: str) -> float:
    """A number as Fortran may write it, 1.5D-3."""
    text = text.lower()
    return float(text if "n" in text else text.replace("d", "e"))  # nan, inf


def _kill(process: subprocess.Popen[str]) -> None:
    """End a program and those that it started."""
    if process.poll() is None:
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()


__all__ = ["Call", "Command", "Result", "fingerprint", "ways_of", "words_of"]
