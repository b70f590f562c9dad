"""A journal on the disk: a directory from which a fit goes on that was killed, at whatever moment that was.

    checkpoint.json          what is fitted and how, to refuse what does not go on with it
    part-000001.safetensors  entries of the journal, a few at a time; never changed, each with a checksum
    state-....safetensors    the state of an attempt that is under way, replaced as it goes on
    lock                     held by the process that writes

Every file appears whole or not at all. Nothing in them is executed: they hold numbers, texts and sentences.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from surefit._version import __version__
from surefit.attempts.journal import Journal, key_of
from surefit.attempts.recalled import data_of
from surefit.checking import positive_number, warn, whole_number
from surefit.data.columns import Raw
from surefit.errors import ArgumentError, CheckpointError, ModelFileError
from surefit.files import held_lock, make_directory, reason, regular_file, write_atomically
from surefit.problems.problem import Problem
from surefit.reports.provenance import environment, text_of
from surefit.sentences import Sentence
from surefit.spelling import spelled
from surefit.storage.container import read_container, write_container

FORMAT = 3  # of the files; 1 of model files had no checksum
ABOUT, LOCK, MARK = "checkpoint.json", "lock", "surefit checkpoint"
LARGEST_ABOUT = 2**20  # bytes


@dataclass(frozen=True)
class Checkpoint:
    """Where a fit is kept while it is made, and how often: fit's `checkpoint=`, which also takes the directory alone.

    Args:
        directory: it is made if needed.
        seconds: between two writes. Where writing takes long, they are as far apart as makes it a twentieth of the
            time.
        epochs: epochs, or iterations of a solver, between two writes of an attempt that is under way, instead.

    Raises:
        ArgumentError: numbers that are not > 0, or both of them.

    >>> import surefit, tempfile
    >>> place = tempfile.mkdtemp()
    >>> how = dict(method=surefit.Adam(epochs=20), model=(8,))
    >>> one = surefit.fit("sin(x)", "x=-3:3", checkpoint=surefit.Checkpoint(place, epochs=5), **how)
    >>> again = surefit.fit("sin(x)", "x=-3:3", resume=place, **how)
    >>> again(0.5) == one(0.5)
    True
    """

    directory: str | os.PathLike[str]
    seconds: float | None = None
    epochs: int | None = None

    def __post_init__(self) -> None:
        _check_directory("checkpoint", self.directory)
        positive_number("Checkpoint: seconds", self.seconds)
        if self.epochs is not None:
            whole_number("Checkpoint: epochs", self.epochs, 1)
            if self.seconds is not None:
                raise ArgumentError("Checkpoint: give seconds or epochs, one of the two")


SECONDS = 10.0  # between two writes, where nobody says


@contextmanager
def journal_for(
    checkpoint: str | os.PathLike[str] | Checkpoint | None, resume: str | os.PathLike[str] | None,
    arguments: Callable[[], Mapping[str, str]],
) -> Iterator[Journal | None]:  # fmt: skip
    """The journal of a fit for the time of a block: a new one, or that of `resume`; None where neither is given.

    Given both, with one directory, it goes on where there is something to go on from. arguments: of the fit as texts,
    which must be the same.

    CheckpointError: the directory cannot be used, is of another fit, damaged, or in use by another process.
    """
    if checkpoint is None and resume is None:
        yield None
        return
    own = checkpoint if isinstance(checkpoint, Checkpoint) or checkpoint is None else Checkpoint(checkpoint)
    if resume is not None:
        _check_directory("resume", resume)
    folder = Path(own.directory if own is not None else resume)  # type: ignore[arg-type]  # one of them is given
    if resume is not None and own is not None and Path(resume).resolve() != folder.resolve():
        raise ArgumentError(
            f"resume: a fit goes on in the directory of its checkpoint; leave {spelled('checkpoint')} out, or give "
            f"{str(resume)!r} for both"
        )
    name = "resume" if own is None else "checkpoint"
    begun = (folder / ABOUT).exists()
    if not begun and own is None:
        raise CheckpointError(
            f"resume: there is no checkpoint in {str(folder)!r}; {spelled('checkpoint', repr(str(folder)))} begins one"
        )
    if begun and resume is None:
        raise CheckpointError(
            f"checkpoint: {str(folder)!r} holds one already; {spelled('resume', repr(str(folder)))} goes on with it, "
            "and another directory begins another"
        )
    make_directory(folder, error=CheckpointError, argument=name)
    with held_lock(folder / LOCK, f"{name}: another fit is writing to {str(folder)!r}", error=CheckpointError):
        place, about = _Directory(folder), arguments()
        entries, states = place.read(about) if begun else place.begin(about)
        seconds, epochs = (None, None) if own is None else (own.seconds, own.epochs)
        journal = Journal(place, entries, states, seconds=seconds or SECONDS, epochs=epochs)
        try:
            yield journal
        finally:
            journal.flush()


def _check_directory(name: str, value: Any) -> None:
    if not isinstance(value, (str, os.PathLike)) or not os.fspath(value):
        raise ArgumentError(f"{name}={value!r} must be the path of a directory")


def texts_of(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Arguments of a fit as texts that tell others apart; those at None are left out, and tables, whose data tell."""
    out: dict[str, str] = {}
    for name, value in arguments.items():
        plain = isinstance(value, (str, list, tuple)) and not isinstance(value, Raw)
        table = name == "target" and not plain and not callable(value)
        if value is not None and not table:
            kind = getattr(value, "__name__", type(value).__name__)
            out[name] = text_of(value) or f"{kind} {key_of('', value)[1:13]}"
    return out


def check_data(journal: Journal, problem: Problem) -> None:
    """CheckpointError where the data are not those of the fit that was killed."""
    if not journal.agrees("data", "all", [data_of(problem), problem.test]):
        changed = "the table has changed" if problem.function is None else "the function gives other values than it did"
        raise CheckpointError(f"resume: the data are not those of the checkpoint: {changed}; fit again")


class _Directory:
    """The files of a checkpoint."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.parts = 0  # the number of the last one

    def begin(self, about: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Write down what is fitted. CheckpointError where parts of another checkpoint lie about."""
        left = next((path for path in sorted(self.folder.iterdir()) if _is_ours(path.name)), None)
        if left is not None:
            raise CheckpointError(
                f"checkpoint: {str(self.folder)!r} holds {left.name}, of a checkpoint without its {ABOUT}; give "
                "another directory, or remove what is in it"
            )
        text = {MARK: FORMAT, "version": __version__, "environment": environment(), "arguments": dict(about)}
        write_atomically(self.folder / ABOUT, json.dumps(text, indent=1) + "\n", error=CheckpointError)
        return {}, {}

    def read(self, about: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The entries and states; CheckpointError where they are not those of this fit."""
        _check_about(self.folder, self._about(), about)
        entries: dict[str, Any] = {}
        states: dict[str, Any] = {}
        for path in sorted(self.folder.iterdir()):
            if _is_ours(path.name):
                found = self._contents(path)
                if path.name.startswith("part-"):
                    self.parts = max(self.parts, int(path.stem.removeprefix("part-")))
                    entries |= found
                else:
                    states |= found
        return entries, states

    def _about(self) -> dict[str, Any]:
        path = regular_file(self.folder / ABOUT, "checkpoint", error=CheckpointError)
        try:
            with path.open("rb") as file:
                found = json.loads(file.read(LARGEST_ABOUT))
            parts = [found["arguments"], found["environment"]]
            if isinstance(found[MARK], int) and all(isinstance(part, dict) for part in parts) and "version" in found:
                return dict(found)
        except OSError as e:
            raise CheckpointError(f"resume: cannot read {str(path)!r} ({reason(e)})") from None
        except (ValueError, KeyError, TypeError, RecursionError):
            pass
        raise CheckpointError(f"resume: {str(path)!r} is damaged, or of something else")

    def _contents(self, path: Path) -> dict[str, Any]:
        try:
            found = read_container(path, FORMAT)
            entries = unpacked(found.header["entries"], found.tensors)
            if found.header["kind"] == "checkpoint" and isinstance(entries, dict):
                return entries
            problem = f"{str(path)!r} is not of a checkpoint"
        except ModelFileError as e:
            problem = str(e)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError):  # CheckpointError is one
            problem = f"{str(path)!r} is damaged"
        raise CheckpointError(f"resume: {problem}. Without that file what it holds is done again")

    # --- what a Journal asks for ---

    def add(self, entries: Mapping[str, Any]) -> None:
        """A further part."""
        self._write(self.folder / f"part-{self.parts + 1:06d}.safetensors", entries)
        self.parts += 1

    def hold(self, key: str, value: Any) -> None:
        """A state in the place of the one before."""
        self._write(self.folder / f"state-{key}.safetensors", {key: value})

    def drop(self, key: str) -> None:
        """Remove a state; where that cannot be done it is no matter."""
        with suppress(OSError):
            (self.folder / f"state-{key}.safetensors").unlink()

    def _write(self, path: Path, entries: Mapping[str, Any]) -> None:
        tensors: dict[str, np.ndarray] = {}
        try:
            header = {"format": FORMAT, "kind": "checkpoint", "entries": packed(dict(entries), tensors)}
            write_container(path, header, tensors)
        except ModelFileError as e:
            raise CheckpointError(str(e)) from None


def _is_ours(name: str) -> bool:
    return name.startswith(("part-", "state-")) and name.endswith(".safetensors")


def _check_about(folder: Path, found: Mapping[str, Any], about: Mapping[str, str]) -> None:
    """CheckpointError for the first thing that is not as it was."""
    where = f"resume: the checkpoint in {str(folder)!r}"
    if found[MARK] != FORMAT or found["version"] != __version__:
        raise CheckpointError(
            f"{where} is of surefit {str(found['version'])[:40]}, and this is {__version__}, whose bits may be others; "
            "fit again, or go on with that version"
        )
    then, now = (
        tuple(side.get(name) for name in ("numpy", "machine")) for side in (found["environment"], environment())
    )
    if then != now:
        warn(
            f"{where} was made with NumPy {then[0]} on {then[1]}, and goes on with {now[0]} on {now[1]}: the last "
            "digits may be others than without a stop", RuntimeWarning,
        )  # fmt: skip
    before = found["arguments"]
    for name in dict.fromkeys([*before, *about]):
        was, is_now = (str(side.get(name, "None"))[:80] for side in (before, about))
        if before.get(name, "None") != about.get(name, "None"):
            raise CheckpointError(
                f"{where} is of another fit: {name} was {was} and is {is_now}; give the same arguments, or begin "
                "another fit elsewhere"
            )


# --- values as plain data and arrays ----------------------------------------------------------------------------------


def packed(value: Any, tensors: dict[str, np.ndarray]) -> Any:
    """A value as JSON, its arrays among the tensors. Lists and what JSON has stay; what it has not is a pair in a list.

    CheckpointError for something else than numbers, texts, sentences, arrays, and lists, tuples and mappings of them.
    """
    if value is None or isinstance(value, (bool, int)) or type(value) is str:
        return value
    if isinstance(value, Sentence):
        return {"sentence": [str(value), value.code, packed(value.values, tensors)]}
    if type(value) is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "biuf":
        name = str(len(tensors))
        tensors[name] = np.array(value)
        return {"array" if isinstance(value, np.ndarray) else "scalar": name}
    if isinstance(value, (list, tuple)):
        parts = [packed(part, tensors) for part in value]
        return parts if isinstance(value, list) else {"tuple": parts}
    if isinstance(value, Mapping):
        return {"map": [[packed(k, tensors), packed(v, tensors)] for k, v in value.items()]}
    if isinstance(value, str):
        return str(value)
    raise CheckpointError(f"a {type(value).__name__} cannot be kept")


def unpacked(data: Any, tensors: Mapping[str, np.ndarray]) -> Any:
    """What `packed` was given."""
    if isinstance(data, list):
        return [unpacked(part, tensors) for part in data]
    if not isinstance(data, dict):
        return data
    ((kind, inner),) = data.items()
    if kind == "sentence":
        return Sentence(inner[0], inner[1], unpacked(inner[2], tensors))
    if kind == "float":
        return float(inner)
    if kind in ("array", "scalar"):
        return tensors[inner] if kind == "array" else tensors[inner][()]
    if kind == "tuple":
        return tuple(unpacked(inner, tensors))
    if kind == "map":
        return {unpacked(k, tensors): unpacked(v, tensors) for k, v in inner}
    raise CheckpointError(f"{kind[:20]!r} is no kind of value")


__all__ = ["Checkpoint", "journal_for", "packed", "unpacked"]
