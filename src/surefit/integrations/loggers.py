"""The events of a fit as rows of a file: CSV, or JSON lines.

A row is kept in memory until a second has passed, or there are many, then all are written; a program that is killed
loses at most that second.
A disk that is full ends the log with a warning, and never the fit.
"""

from __future__ import annotations

import json
import math
import os
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import IO, Any

from surefit.attempts.events import KINDS, Epoch, Failed, Finished, Step
from surefit.checking import warn, whole_number
from surefit.errors import DataError
from surefit.files import make_directory, reason

WAIT = 1.0  # seconds that a row may wait in memory
MOST_WAITING = 4096  # rows, for what is sent elsewhere
IN_CACHE = 256  # rows of a file: the memory of more is no longer near when they are written
COLUMNS = ("fit", "epoch", "train_loss", "validation_loss", "lr", "seconds", "best", "stage")


class Logger(ABC):
    """A callback that hands epochs on in groups, so that one of them costs next to nothing.

    every: epochs from one that is kept to the next; the first and the last are kept always. One object may follow
    several fits, one after the other; `fit` is the number of the present one. Of restarts and ensembles callbacks hear
    of the first network.
    """

    passive = True  # compiled epochs need not wait for it
    most_waiting = MOST_WAITING

    def __init__(self, every: int = 1) -> None:
        self.every = whole_number(f"{type(self).__name__}: every", every, 1)
        self.fit = 0
        self.under_way = self.broken = False
        self._forget()

    def _forget(self) -> None:
        self.count, self.due = 0, 0.0
        self.waiting: list[Any] = []  # texts and numbers alone: objects would cost the garbage collector more than us
        self.last: Epoch | None = None

    def __call__(self, event: Any) -> None:
        if isinstance(event, Epoch):
            if not self.under_way:
                self._begin()
            self.count += 1
            if self.every == 1 or self.count % self.every == 1:
                self.waiting.append(self.row(self.count, event))
                self.last = None
            else:
                self.last = event
            if event.seconds < self.due and len(self.waiting) < self.most_waiting:
                return
            self.due = event.seconds + WAIT
            self.flush()
            return
        if isinstance(event, Failed) and not self.under_way:
            return  # nothing had begun
        self._begin()
        ended = isinstance(event, (Finished, Failed))
        if ended and self.last is not None:
            self.waiting.append(self.row(self.count, self.last))
        self.flush()
        self._guarded(lambda: self.other(event))
        if ended:
            self._guarded(self.end)
            if self.broken:  # what is open is closed all the same
                with suppress(Exception):
                    self.end()
            self.under_way = self.broken = False
            self._forget()

    def flush(self) -> None:
        """Write what waits in memory."""
        rows, self.waiting = self.waiting, []
        if rows:
            self._guarded(lambda: self.write(rows))

    def _begin(self) -> None:
        if not self.under_way:
            self.fit += 1
            try:
                self.begin()
            except BaseException:
                self.fit -= 1
                raise
            self.under_way = True

    def _guarded(self, act: Any) -> None:
        """Do what a full disk or a lost connection may prevent: that is said once for each fit, and harms nothing."""
        if self.broken:
            return
        try:
            act()
        except Exception as error:
            self.broken = True
            warn(
                f"{type(self).__name__}: nothing more is written to {self.where()} ({reason(error)}); the fit goes on",
                RuntimeWarning,
            )  # fmt: skip

    @abstractmethod
    def where(self) -> str:
        """What is written to, in words."""

    @abstractmethod
    def begin(self) -> None:
        """A fit begins; here an error may be raised, since nothing is lost yet."""

    @abstractmethod
    def row(self, number: int, event: Epoch) -> Any:
        """What is to be written of an epoch, which is this one in `Fit.history`."""

    @abstractmethod
    def write(self, rows: list[Any]) -> None:
        """Write the rows of several epochs."""

    def other(self, event: Any) -> None:
        """An event that is no epoch."""
        return

    @abstractmethod
    def end(self) -> None:
        """A fit has ended."""


class FileLogger(Logger):
    """A Logger whose rows go to a file."""

    most_waiting = IN_CACHE

    def __init__(self, path: str | os.PathLike[str], *, every: int = 1, append: bool = False) -> None:
        super().__init__(every)
        self.path, self.append = Path(path), append
        self.file: IO[str] | None = None

    def where(self) -> str:
        return repr(str(self.path))

    def begin(self) -> None:
        make_directory(self.path.parent)
        old = ""
        try:
            if self.append and self.fit == 1 and self.path.exists():
                old = self._complete()
            more = self.fit > 1 or bool(old)
            self.file = self.path.open("a" if more else "w", encoding="utf-8", newline="")
            if old:
                self.fit = 1 + self.last_fit(old)
            elif not more:
                self.head()
        except OSError as e:
            with suppress(OSError):
                self.end()
            raise DataError(f"{type(self).__name__}: cannot write {self.where()} ({reason(e)})") from None

    def _complete(self) -> str:
        """What is in the file to go on with; a line that a kill cut off is removed."""
        content = self.path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        try:
            text = whole.decode("utf-8")
            if text:
                self.last_fit(text)
        except (ValueError, KeyError, TypeError, IndexError, RecursionError):
            raise DataError(
                f"{type(self).__name__}: {self.where()} is not such a log, so nothing is appended to it; give another "
                "name, or append=False to replace it"
            ) from None
        if len(whole) < len(content):
            if not whole and not content.startswith(self.beginning()[: len(content)]):
                raise DataError(
                    f"{type(self).__name__}: {self.where()} is not such a log, so nothing is appended to it; give "
                    "another name, or append=False to replace it"
                )
            os.truncate(self.path, len(whole))
        return text

    @abstractmethod
    def beginning(self) -> bytes:
        """What each such file begins with."""

    @abstractmethod
    def last_fit(self, text: str) -> int:
        """The number of the last fit in the text of such a log; an error where it is none."""

    def head(self) -> None:
        """Write what stands first in a file."""

    def write(self, rows: list[str]) -> None:
        assert self.file is not None
        self.file.write("".join(rows))
        self.file.flush()

    def end(self) -> None:
        if self.file is not None:
            file, self.file = self.file, None
            file.close()


class CSVLogger(FileLogger):
    """A callback of `fit` that writes a row for each epoch, or iteration of a solver, into a CSV file while it trains.

    The columns are those of `Fit.history` (losses are means in scaled units, seconds count from the beginning), and
    fit: 1, 2, ... where one logger follows several fits; best: 1 where the epoch is the best of its attempt so far;
    stage: which attempt of several. Cells are empty where there is no value.

    Args:
        path: of the file; directories above it are made. A file that is there is replaced when training begins.
        every: epochs between two rows; the last one is always there.
        append: go on at the end of a file that such a logger has written.

    Raises:
        ArgumentError: every is no whole number > 0. DataError, when training begins: the file cannot be written, or is
            no such log and append=True.

    >>> import surefit, tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp(), "log.csv")
    >>> method = surefit.Adam(epochs=3)
    >>> fit = surefit.fit("sin(x)", "x=-3:3", method=method, model=(4,), callbacks=surefit.CSVLogger(path))
    >>> [line.split(",")[:2] for line in path.read_text().splitlines()]
    [['fit', 'epoch'], ['1', '1'], ['1', '2'], ['1', '3']]
    """

    def beginning(self) -> bytes:
        return (",".join(COLUMNS) + "\n").encode()

    def head(self) -> None:
        self.write([",".join(COLUMNS) + "\n"])

    def last_fit(self, text: str) -> int:
        first, *rest = text.splitlines()
        if first.encode() + b"\n" != self.beginning():
            raise DataError("another first line")
        return int(rest[-1].split(",")[0]) if rest else 0

    def row(self, number: int, event: Epoch) -> str:
        t, v, r = event.train_loss, event.validation_loss, event.lr
        if type(t) is type(v) is type(r) is float and type(event) is Epoch and -math.inf < t + v + r < math.inf:
            # most are so, and each call of a function would cost as much as a number
            return f"{self.fit},{number},{t!r},{v!r},{r!r},{event.seconds:.6f},{1 if event.best else 0},\n"
        e, stage = event, _quoted(event.stage) if isinstance(event, Step) else ""
        return (
            f"{self.fit},{number},{_cell(e.train_loss)},{_cell(e.validation_loss)},{_cell(e.lr)},{e.seconds:.6f},"
            f"{1 if e.best else 0},{stage}\n"
        )


def _cell(value: float | None) -> str:
    """A number that reads back as the same one; nothing where there is none."""
    return "" if value is None or value != value else repr(float(value))


def _quoted(text: str) -> str:
    return '"' + str(text).replace('"', '""') + '"' if any(c in text for c in ',"\r\n') else str(text)


class JSONLogger(FileLogger):
    r"""A callback of `fit` that writes each event as a line of JSON while it trains.

    "event" is started, epoch, evaluated, finished or failed, "fit" the number of the fit, and the rest are the fields
    of the event; "row" of an epoch is its number in `Fit.history` (its "epoch" begins at 1 in each attempt).
    Numbers that are not finite are null, as JSON has none.

    Args:
        path: of the file, by custom ending in .jsonl; directories above it are made, and a file that is there is
            replaced when training begins.
        every: epochs between two lines of epochs; the last one is always there.
        append: go on at the end of a file that such a logger has written.

    Raises:
        ArgumentError, DataError: as `CSVLogger`.

    >>> import json, surefit, tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp(), "log.jsonl")
    >>> method = surefit.Adam(epochs=2)
    >>> fit = surefit.fit("sin(x)", "x=-3:3", method=method, model=(4,), callbacks=surefit.JSONLogger(path))
    >>> [json.loads(line)["event"] for line in path.read_text().splitlines()]
    ['started', 'epoch', 'epoch', 'finished']
    """

    def beginning(self) -> bytes:
        return b'{"event": "'

    def last_fit(self, text: str) -> int:
        for line in text.splitlines():
            json.loads(line)["event"]
        return int(json.loads(text.splitlines()[-1])["fit"])

    def row(self, number: int, event: Epoch) -> str:
        t, v, r = event.train_loss, event.validation_loss, event.lr
        if type(t) is type(v) is type(r) is float and type(event) is Epoch and -math.inf < t + v + r < math.inf:
            return (  # as in CSVLogger, without a call
                f'{{"event": "epoch", "fit": {self.fit}, "row": {number}, "epoch": {event.epoch}, '
                f'"epochs": {event.epochs}, "step": {event.step}, "train_loss": {t!r}, "validation_loss": {v!r}, '
                f'"lr": {r!r}, "seconds": {event.seconds:.6f}, "best": {"true" if event.best else "false"}}}\n'
            )
        e, stage = event, f', "stage": {_text(event.stage)}' if isinstance(event, Step) else ""
        return (  # by hand, since json.dumps takes three times as long
            f'{{"event": "epoch", "fit": {self.fit}, "row": {number}, "epoch": {e.epoch}, "epochs": {e.epochs}, '
            f'"step": {e.step}, "train_loss": {_number(e.train_loss)}, '
            f'"validation_loss": {_number(e.validation_loss)}, "lr": {_number(e.lr)}, '
            f'"seconds": {e.seconds:.6f}, "best": {"true" if e.best else "false"}{stage}}}\n'
        )

    def other(self, event: Any) -> None:
        values = {f.name: _plain(getattr(event, f.name)) for f in fields(event)}
        self.write([json.dumps({"event": KINDS[type(event)], "fit": self.fit, **values}, ensure_ascii=False) + "\n"])


def _text(text: str) -> str:
    return json.dumps(str(text), ensure_ascii=False)


def _number(value: float | None) -> str:
    """A number in JSON, that reads back as the same one."""
    return repr(float(value)) if value is not None and -math.inf < value < math.inf else "null"


def _plain(value: Any) -> Any:
    """A field of an event as JSON has it."""
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    if isinstance(value, Exception):
        return f"{type(value).__name__}: {value}"
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return str(value) if isinstance(value, str) else value


__all__ = ["CSVLogger", "FileLogger", "JSONLogger", "Logger"]
