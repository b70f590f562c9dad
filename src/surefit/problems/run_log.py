"""A file to which every evaluation of an expensive function is appended as it ends: CSV, or JSON lines.

The first line says which function on which domain, so that the runs of another one are refused. Each evaluation is one
line, on the disk before the next step: a run that is killed loses at most the evaluations in flight. What a kill left
of a line that was being written is cut off.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from surefit.data import Domain
from surefit.errors import ArgumentError, DataError
from surefit.files import check_writable, reason

ENDINGS = (".csv", ".jsonl")
MARK = "# surefit runs: "  # of the first line of a CSV file
KEY = "surefit runs"  # of the first line of a file of JSON lines
VERSION = 1
TAIL = 1 << 16  # bytes at the end that are looked at for a line that was cut off
MEASURES = ("seconds", "error")  # columns of a CSV file between inputs and outputs


class Run(NamedTuple):
    """One evaluation: the point, the values (NaN: it failed), the seconds it took, and what went wrong."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    seconds: float = math.nan
    error: str = ""

    @property
    def failed(self) -> bool:
        """Whether it gave no value."""
        return not self.y or not all(map(math.isfinite, self.y))


class RunLog:
    """The file of one function on one domain.

    Args:
        path: ending in .csv or .jsonl; made when the first evaluation ends.
        box: the domain.
        function: its name; None: unknown, such as of experiments by hand, which takes those of any.
        code: a fingerprint of its source, where there is one.

    Attributes:
        header: the first line; its "way" is how the function wants to be called, as far as that was found out.

    Raises:
        ArgumentError: another ending. DataError: a file that is no such log, or that of another function or domain.
    """

    def __init__(self, path: str | os.PathLike[str], box: Domain, function: str | None, code: str | None) -> None:
        self.path, self.box = Path(path), box
        ending = self.path.suffix.lower()
        if ending == ".parquet":
            raise ArgumentError(
                f"log={str(path)!r}: a Parquet file cannot be appended to, so that a killed run would lose it; "
                "give a name that ends in .csv or .jsonl"
            )
        if ending not in ENDINGS:
            raise ArgumentError(f"log={str(path)!r} must end in {' or '.join(ENDINGS)}")
        self.lines = ending == ".jsonl"
        self.header: dict[str, Any] = {
            "version": VERSION, "function": function, "code": code, "way": None, "inputs": list(box.names),
            "domain": str(box), "low": box.low.tolist(), "high": box.high.tolist(),
        }  # fmt: skip
        self.outputs = 1  # columns of a CSV file
        self._held: IO[bytes] | None = None

    # --- reading ---

    def read(self) -> list[Run]:
        """What is in the file; nothing where there is none yet."""
        try:
            whole = self.path.read_bytes()
        except FileNotFoundError:
            check_writable(self.path)
            return []
        except OSError as error:
            raise DataError(f"log: cannot read {str(self.path)!r} ({reason(error)})") from None
        text = whole[: whole.rfind(b"\n") + 1].decode("utf-8", errors="replace")
        if not text:
            if whole and not whole.startswith((MARK + "{").encode()[: len(whole)]) and not self.lines:
                raise self._foreign()
            return []
        first, *rest = text.splitlines()
        self._check(first)
        if self.lines:
            return [self._of_json(line, number) for number, line in enumerate(rest, 2) if line.strip()]
        rows = list(csv.reader(rest))
        if not rows:
            return []
        d = self.box.dim
        self.outputs = len(rows[0]) - d - len(MEASURES)
        if rows[0][: d + 2] != [*self.box.names, *MEASURES] or self.outputs < 1:
            raise DataError(
                f"log: the second line of {str(self.path)!r} must name the columns {','.join(self.box.names)},"
                f"{','.join(MEASURES)},y, and it is {','.join(rows[0])}"
            )
        return [self._of_cells(cells, number) for number, cells in enumerate(rows[1:], 3) if cells]

    def _foreign(self) -> DataError:
        return DataError(
            f"log: {str(self.path)!r} exists and is not a log of evaluations; give another name (a table of runs that "
            "you have is a target of its own: surefit.fit('runs.csv'), or Experiment.tell)"
        )

    def _check(self, first: str) -> None:
        """DataError for the first line of another function, domain or kind of file."""
        try:
            found = json.loads(first)[KEY] if self.lines else json.loads(first.removeprefix(MARK))
            found["version"], found["function"], found["code"], found["inputs"], found["low"], found["high"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise self._foreign() from None
        own, name = self.header, str(self.path)
        if found["version"] != VERSION:
            raise DataError(f"log: {name!r} is of version {found['version']}, and this surefit writes {VERSION}")
        cure = "give another name for the log, or remove that file"
        if [found[k] for k in ("inputs", "low", "high")] != [own[k] for k in ("inputs", "low", "high")]:
            raise DataError(f"log: {name!r} holds evaluations on {found['domain']}, not on {own['domain']}; {cure}")
        if None not in (found["function"], own["function"]) and found["function"] != own["function"]:
            raise DataError(f"log: {name!r} holds evaluations of {found['function']}, not of {own['function']}; {cure}")
        if None not in (found["code"], own["code"]) and found["code"] != own["code"]:
            raise DataError(
                f"log: {name!r} holds evaluations of {found['function']} as its source was before it was changed; "
                f'{cure} (if its values still hold, write "code": null into the first line of the file)'
            )
        own["function"], own["way"] = own["function"] or found["function"], found.get("way")

    def _of_json(self, line: str, number: int) -> Run:
        try:
            row = json.loads(line)
            values = [math.nan if v is None else float(v) for v in row["y"]]
            seconds = math.nan if row.get("seconds") is None else float(row["seconds"])
            return self._checked(Run(tuple(map(float, row["x"])), tuple(values), seconds, row.get("error") or ""))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
            raise self._broken(number) from None

    def _of_cells(self, cells: Sequence[str], number: int) -> Run:
        d = self.box.dim
        try:
            x, values = map(float, cells[:d]), [float(c) if c.strip() else math.nan for c in cells[d + 2 :]]
            return self._checked(Run(tuple(x), tuple(values), float(cells[d] or "nan"), cells[d + 1]))
        except (ValueError, IndexError):
            raise self._broken(number) from None

    def _checked(self, run: Run) -> Run:
        if len(run.x) != self.box.dim or not all(map(math.isfinite, run.x)) or not run.y:
            raise ValueError
        return run

    def _broken(self, number: int) -> DataError:
        return DataError(f"log: line {number} of {str(self.path)!r} is not an evaluation; correct or remove it")

    # --- writing ---

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else may write meanwhile. DataError where somebody does."""
        with self._opened() as file:
            _lock(file, self.path)
            self._held = file
            try:
                yield
            finally:
                self._held = None

    def append(self, run: Run, before: Sequence[Run] = ()) -> None:
        """Write an evaluation to the end of the file and to the disk. before: those that are in the file already.

        All are written again where this is the first one with values, and these are more than one.
        """
        run = run._replace(error=" ".join(run.error.split()))  # one line
        again = not self.lines and not run.failed and len(run.y) != self.outputs
        if again:
            self.outputs = len(run.y)
        if self._held is not None:
            return self._write(self._held, [*before, run] if again else [run], again)
        with self._opened() as file:
            return self._write(file, [*before, run] if again else [run], again)

    @contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        try:
            file = open(self.path, "a+b")  # noqa: SIM115
        except OSError as error:
            raise DataError(f"log: cannot write {str(self.path)!r} ({reason(error)})") from None
        with file:
            yield file

    def _write(self, file: IO[bytes], runs: Sequence[Run], again: bool) -> None:
        size = file.seek(0, os.SEEK_END)
        begin = file.seek(max(0, size - TAIL))
        end = 0 if again else begin + file.read().rfind(b"\n") + 1
        text = "" if end else self._head()
        text += "".join(map(self._line, runs))
        try:
            if end < size:
                file.truncate(end)  # what a kill left of a line
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        except OSError as error:
            raise DataError(f"log: cannot write {str(self.path)!r} ({reason(error)})") from None

    def _head(self) -> str:
        if self.lines:
            return json.dumps({KEY: self.header}) + "\n"
        names = ["y"] if self.outputs == 1 else [f"y{i + 1}" for i in range(self.outputs)]
        return MARK + json.dumps(self.header) + "\n" + _csv([*self.box.names, *MEASURES, *names])

    def _line(self, run: Run) -> str:
        if self.lines:
            values = [v if math.isfinite(v) else None for v in run.y]
            seconds = None if math.isnan(run.seconds) else run.seconds
            return json.dumps({"x": run.x, "y": values, "seconds": seconds, "error": run.error or None}) + "\n"
        y = run.y if len(run.y) == self.outputs else (math.nan,) * self.outputs
        cells = ["" if not math.isfinite(v) else repr(float(v)) for v in y]
        spent = "" if math.isnan(run.seconds) else repr(run.seconds)
        return _csv([*map(repr, map(float, run.x)), spent, run.error, *cells])


def _csv(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()


def _lock(file: IO[bytes], path: Path) -> None:
    """DataError where another process holds the file; where the system has no such locks, nothing."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise DataError(f"log: another run is writing {str(path)!r}; wait for its end, or give another name") from None
    except OSError:
        pass  # a file system without locks


def arrays(runs: Sequence[Run], d: int) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, d) and values (n, k) of runs, NaN where they failed."""
    k = next((len(run.y) for run in runs if not run.failed), 1)
    x = np.array([run.x for run in runs], dtype=np.float64).reshape(-1, d)
    y = np.array([run.y if not run.failed else (math.nan,) * k for run in runs], dtype=np.float64).reshape(-1, k)
    return x, y


__all__ = ["Run", "RunLog", "arrays"]
