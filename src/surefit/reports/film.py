"""A training that can be looked at afterwards: `fit(..., callbacks=[Snapshots()])` keeps the fit at some epochs.

A callback that has a method `watch(model, problem, seed)` is told, before training begins, which model the events will
be about; `fit` calls it.
"""

from __future__ import annotations

import io
import math
import os
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit.attempts.events import Epoch, Finished, Started
from surefit.checking import warn
from surefit.core.modes import no_grad
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, ModelFileError
from surefit.files import regular_file, write_atomically
from surefit.models.scaled import Scaled
from surefit.problems.problem import Problem
from surefit.search.effort import fresh_points

if TYPE_CHECKING:
    from surefit.view.animation import Film, Frame

COUNT = 36  # frames of a film whose epochs are not given
GRID = {1: 301, 2: 61}  # points along each axis
KNOWN = 1000  # test points that are followed
LARGEST = 2**30  # bytes of a film in memory


def empty_film(problem: Problem, seed: int, title: str = "") -> Film:
    """A film of this problem without frames: grid, target, test points."""
    from surefit.view.animation import Film

    d = len(problem.names)
    axes = tuple(
        np.linspace(low, high, GRID[d])
        for low, high in zip(problem.domain.low, problem.domain.high, strict=True)
        if d in GRID
    )
    axes = (problem.domain.axis(0, GRID[1]),) if d == 1 else axes  # over decades where its logarithm counts
    x, y = problem.test or problem.validation or problem.train
    if problem.function is not None and problem.test is None and problem.validation is None:
        x, y = fresh_points(problem, seed, KNOWN)
    known = (x[:KNOWN], y[:KNOWN])
    data = (problem.train[0][:KNOWN], problem.train[1][:KNOWN]) if d == 1 or problem.function is None else None
    film = Film((*problem.names, *problem.outputs), axes, None, known, data, title)
    if axes and problem.function is not None:
        film.target = problem.function(film.grid())
    return film


class Filming:
    """Knows the model that is trained, and takes frames of it."""

    def __init__(self) -> None:
        self.film: Film | None = None
        self.model: Scaled | None = None
        self.last_epoch = 0

    def watch(self, model: Scaled, problem: Problem, seed: int) -> None:
        """A new training begins: what was filmed before is forgotten."""
        self.model, self.film, self.last_epoch = model, empty_film(problem, seed), 0

    def __call__(self, event: Any) -> None:
        if self.film is None:
            if isinstance(event, Finished):
                warn(
                    f"{type(self).__name__}: nothing was seen of this training, because it did not say which model it "
                    "trains; surefit.fit says it (surefit.attempts.events.notify_model)"
                )
            return
        if isinstance(event, Started):
            self.film.epochs = event.epochs
            self.begin()
        elif isinstance(event, Epoch):
            self.last_epoch = event.epoch
            self.film.losses.append((event.epoch, event.train_loss, event.validation_loss))
            self.after_epoch(event)
        elif isinstance(event, Finished):
            self.end()

    def begin(self) -> None:
        """Before the first epoch."""

    def after_epoch(self, event: Epoch) -> None:
        """An epoch has ended."""

    def end(self) -> None:
        """Training has ended; the model has the weights that it keeps."""

    def frame(self, epoch: int, kept: bool = False) -> Frame:
        """The model as it is now."""
        from surefit.view.animation import Frame

        assert self.film is not None
        assert self.model is not None
        x = np.concatenate([self.film.grid(), self.film.known[0]])
        was = self.model.training
        inner = self.model.network.training
        self.model.eval()
        try:
            with no_grad(), np.errstate(all="ignore"):
                y = self.model(Tensor(x)).numpy()
        finally:
            self.model.train(was)
            self.model.network.train(inner)
        n = len(x) - len(self.film.known[0])
        return Frame(epoch, y[:n], y[n:], kept)


class Snapshots(Filming):
    """A callback of `fit` that keeps the fit at some epochs: `Fit.animate` and `Fit.report` show them.

    epochs: which ones; None: about `count`, dense at the beginning, where most happens. The weights before training
    and those that training gives back are always among them. A frame is the model's values on a grid (301 points for
    one input, 61 x 61 for two) and at 1000 test points at most, so it costs one evaluation and some kilobytes. A known
    target of one or two inputs is evaluated on the grid once.

    >>> import surefit
    >>> shots = Snapshots([1, 2])
    >>> fit = surefit.fit("sin(x)", "x=-3:3", method=surefit.Adam(epochs=3), model=(4,), callbacks=[shots])
    >>> [frame.epoch for frame in shots.film.frames]
    [0, 1, 2, 3]
    """

    def __init__(self, epochs: Iterable[int] | None = None, *, count: int = COUNT) -> None:
        super().__init__()
        if isinstance(count, bool) or not isinstance(count, int) or count < 2:
            raise ArgumentError(f"Snapshots: count={count!r} must be a whole number >= 2")
        self.epochs = None if epochs is None else frozenset(epochs)
        if self.epochs is not None and not all(isinstance(e, (int, np.integer)) and e >= 0 for e in self.epochs):
            raise ArgumentError(f"Snapshots: epochs={sorted(map(str, self.epochs))} must be whole numbers >= 0")
        self.count = count
        self.wanted: frozenset[int] = frozenset()

    def begin(self) -> None:
        assert self.film is not None
        self.wanted = self.epochs if self.epochs is not None else spread(self.film.epochs, self.count)
        self.film.frames.append(self.frame(0))

    def after_epoch(self, event: Epoch) -> None:
        assert self.film is not None
        if event.epoch in self.wanted:
            self.film.frames.append(self.frame(event.epoch))

    def end(self) -> None:
        assert self.film is not None
        kept = self.frame(self.last_epoch, kept=True)
        frames = self.film.frames
        if frames and all(np.array_equal(a, b) for a, b in zip(frames[-1][1:3], kept[1:3], strict=True)):
            frames.pop()  # the same picture twice would stand still
        frames.append(kept)


def spread(epochs: int, count: int) -> frozenset[int]:
    """About `count` epochs from 1 to `epochs`, each a constant factor after the one before.

    >>> sorted(spread(100, 6))
    [1, 3, 6, 16, 40, 100]
    """
    return frozenset(np.unique(np.geomspace(1, max(epochs, 1), count).round().astype(int)).tolist())


# --- files --------------------------------------------------------------------------------------------------


def save_frames(film: Film, path: Path) -> Path:
    """Write the frames of a film, in float32, as an npz file."""
    arrays: dict[str, Any] = {
        "epochs": np.array([f.epoch for f in film.frames]),
        "kept": np.array([f.kept for f in film.frames]),
        "values": np.stack([f.values for f in film.frames]).astype(np.float32),
        "known_values": np.stack([f.known_values for f in film.frames]).astype(np.float32),
        "known_x": film.known[0],
        "known_y": film.known[1],
    }
    arrays |= {f"axis{i}": axis for i, axis in enumerate(film.axes)}
    if film.target is not None:
        arrays["target"] = film.target
    if film.data is not None:
        arrays["data_x"], arrays["data_y"] = film.data
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return write_atomically(path, buffer.getvalue())


def _check(path: str | os.PathLike[str], film: Film) -> None:
    """ModelFileError when shapes of a film do not fit together."""
    k, rows, grid = len(film.names) - film.inputs, len(film.known[0]), math.prod(len(axis) for axis in film.axes)
    grid = grid if film.axes else 0
    shapes = [(film.known[0], (rows, film.inputs)), (film.known[1], (rows, k)), *((a, (len(a),)) for a in film.axes)]
    shapes += [(f.known_values, (rows, k)) for f in film.frames] + [(f.values, (grid, k)) for f in film.frames]
    shapes += [] if film.target is None else [(film.target, (grid, k))]
    if film.data is not None:
        shapes += [(array, (len(film.data[0]), n)) for array, n in zip(film.data, (film.inputs, k), strict=True)]
    if any(array.shape != shape or array.dtype.kind != "f" for array, shape in shapes):
        raise ModelFileError(f"{str(path)!r} is damaged: its arrays do not fit together")


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an npz file; none that is larger unpacked than the file says, or than a film can be."""
    parts = {}
    with zipfile.ZipFile(regular_file(path, "film", error=ModelFileError)) as archive:
        if sum(member.file_size for member in archive.infolist()) > LARGEST:
            raise ModelFileError(f"{str(path)!r} would take more than {LARGEST >> 20} MiB unpacked")
        for member in archive.infolist():
            with archive.open(member) as file:
                version = np.lib.format.read_magic(file)
                header = (
                    np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                )
                shape, fortran, dtype = header(file)
                raw = file.read()
            if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(raw):
                raise ModelFileError(f"{str(path)!r} is damaged: {member.filename[:60]!r} is not as long as it says")
            array = np.frombuffer(raw, dtype)
            parts[member.filename.removesuffix(".npy")] = array.reshape(shape, order="F" if fortran else "C")
    return parts


def load_frames(path: str | os.PathLike[str], problem: Problem, history: list[dict[str, Any]]) -> Film:
    """Read what `save_frames` wrote. ModelFileError: damaged, or of another problem."""
    from surefit.view.animation import Film, Frame

    try:
        parts = _arrays(Path(path))
        names = (*problem.names, *problem.outputs)
        axes = tuple(parts[f"axis{i}"] for i in range(len(problem.names)) if f"axis{i}" in parts)
        film = Film(names, axes, parts.get("target"), (parts["known_x"], parts["known_y"]))
        if "data_x" in parts:
            film.data = (parts["data_x"], parts["data_y"])
        kinds = {"epochs": "i", "kept": "b", "values": "f", "known_values": "f"}
        if any(parts[name].dtype.kind != kind for name, kind in kinds.items()) or parts["epochs"].ndim != 1:
            raise ModelFileError(f"{str(path)!r} is damaged: its frames are not counted")
        columns = (parts["epochs"].tolist(), parts["values"], parts["known_values"], parts["kept"].tolist())
        film.frames = [
            Frame(e, v.astype(np.float64), k.astype(np.float64), kept) for e, v, k, kept in zip(*columns, strict=True)
        ]
        if film.inputs != len(problem.names) or film.known[1].shape[1] != len(problem.outputs):
            raise ModelFileError(f"{str(path)!r} belongs to another model: {film.inputs} inputs")
        _check(path, film)
    except (OSError, EOFError, LookupError, ValueError, TypeError, RuntimeError, zipfile.BadZipFile, zlib.error) as e:
        if isinstance(e, ModelFileError):
            raise
        raise ModelFileError(f"{str(path)!r} is damaged ({type(e).__name__}: {e})") from None
    film.losses = [(r["epoch"], r["train_loss"], r["validation_loss"]) for r in history]
    film.epochs = len(history)
    return film


__all__ = [
    "Filming",
    "Snapshots",
    "empty_film",
    "load_frames",
    "save_frames",
    "spread",
]
