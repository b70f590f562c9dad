"""Standard output and standard error as commands see them: writing to them never raises.

What stops being readable falls silent: a progress line on a closed terminal ends no fit, and `head` that has gone is no
error. Only of standard output, which carries the result, is a failure told: after the command has done all its work.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from surefit.errors import DataError
from surefit.files import reason

STDIN = "-"  # in the place of a file


def standard_input() -> Any:
    """Standard input as bytes. DataError when it is a terminal, where nothing would ever come."""
    if sys.stdin is None or sys.stdin.isatty():
        raise DataError("-: standard input is a terminal; send a table into it: surefit fit - < data.csv")
    return sys.stdin.buffer


class Stream:
    """A stream of text that falls silent when it cannot be written to; `failure` then says why.

    stream: None where the program was started with that stream closed.
    """

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.failure: Exception | None = None
        with suppress(AttributeError, ValueError, OSError):  # a stream that is no real file
            stream.reconfigure(errors="replace")  # a terminal that lacks a character shows `?` for it

    def write(self, text: str) -> int:
        """Write, or do nothing."""
        self._try(lambda: self.stream.write(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write each, or do nothing."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush, or do nothing."""
        self._try(lambda: self.stream.flush())

    def isatty(self) -> bool:
        """Whether somebody looks at it."""
        try:
            return self.stream is not None and self.failure is None and bool(self.stream.isatty())
        except (ValueError, OSError):
            return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def _try(self, write: Any) -> None:
        if self.stream is None or self.failure is not None:
            return
        try:
            write()
        except (OSError, ValueError) as error:  # ValueError: closed by somebody else
            self.failure = error
            # What is still in its buffer would fail again, aloud, when the interpreter ends.
            with suppress(OSError, ValueError, AttributeError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self.stream.fileno())
                os.close(nowhere)

    @property
    def complaint(self) -> str | None:
        """Why it cannot be written to, if that should be told: not of a reader that has gone, as `head` does."""
        if self.failure is None or getattr(self.failure, "errno", None) == errno.EPIPE:
            return None
        return reason(self.failure)


@contextmanager
def never_failing() -> Iterator[Stream]:
    """Within the block sys.stdout and sys.stderr are such streams; that of stdout is yielded."""
    for number in range(3):  # a file that is opened later must not become one of these by its number
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    before = sys.stdout, sys.stderr
    out, error = Stream(sys.stdout), Stream(sys.stderr)
    sys.stdout, sys.stderr = out, error
    try:
        yield out
    finally:
        out.flush()
        error.flush()
        sys.stdout, sys.stderr = before


__all__ = ["STDIN", "Stream", "never_failing", "standard_input"]
