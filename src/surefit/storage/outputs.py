"""A fit in a directory: the model, its history, card and pictures, each file whole or not there."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from surefit.files import make_directory, path_of, write_atomically
from surefit.reports.card import card_text, to_dict
from surefit.reports.film import load_frames, save_frames
from surefit.search.record import Record
from surefit.storage import model_file
from surefit.storage.model_file import finite_json

MODEL = "model.safetensors"
CONFIG = "run.toml"  # written by the command line
FRAMES = "frames.npz"  # the film of a training, in the directory of its fit
PICTURES = ("fit", "error", "loss", "samples")
LONGEST = 2**20  # bytes of a configuration


def save_outputs(fit: Record, folder: Path) -> list[Path]:
    """Write the model, its history, card.txt, fit.json and the pictures into a directory (made if needed)."""
    return [*numbers_saved(fit, folder), *pictures_saved(fit, folder)]


def numbers_saved(fit: Record, folder: Path) -> Iterator[Path]:
    """Write all of `save_outputs` that need not be drawn, the model first, which took the longest to make.

    Yields each path when it is written. Pictures of an earlier fit are taken away: they are not of this model.
    """
    yield model_file.save(fit, make_directory(folder) / MODEL)
    for kind in PICTURES:
        with suppress(OSError):
            (folder / f"{kind}.png").unlink()
    yield write_atomically(folder / "card.txt", card_text(fit) + "\n")
    yield write_atomically(folder / "fit.json", json.dumps(finite_json(to_dict(fit)), indent=2) + "\n")
    if fit.history:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, fieldnames=list(fit.history[0]))
        writer.writeheader()
        writer.writerows(fit.history)
        yield write_atomically(folder / "history.csv", text.getvalue())
    if fit.film is not None:
        yield save_frames(fit.film, folder / FRAMES)


def pictures_saved(fit: Record, folder: Path) -> Iterator[Path]:
    """Draw the pictures of `save_outputs` and write them; yields each path when it is written."""
    from surefit.reports.plots import draw  # what draws takes time to load
    from surefit.view.pictures import png_of

    empty = {"loss": not fit.history, "samples": not fit.problem.added}
    for kind in PICTURES:
        if not empty.get(kind):
            yield write_atomically(folder / f"{kind}.png", png_of(draw(fit, kind)))


def read(path: str | os.PathLike[str]) -> Record:
    """Read a model file, or the fit in a directory that `save_outputs` wrote, film included. See `model_file.read`."""
    path = path_of("load", path)
    if not path.is_dir():
        return model_file.read(path)
    fit = model_file.read(path / MODEL)
    config = path / CONFIG
    if config.is_file():
        with suppress(OSError), config.open("rb") as file:
            fit.config = file.read(LONGEST).decode("utf-8", "replace")
    if (path / FRAMES).is_file():
        film = load_frames(path / FRAMES, fit.problem, fit.history)
        y = fit._predict(film.known[0])
        if film.frames and np.allclose(film.frames[-1].known_values, y, rtol=1e-3, atol=1e-3 * np.abs(y).max()):
            fit.film = film  # else it is left from another training into the same directory
    return fit


__all__ = ["CONFIG", "FRAMES", "MODEL", "numbers_saved", "pictures_saved", "read", "save_outputs"]
