"""A fit in one file: safetensors (numbers) with a JSON header (everything else), never pickle; or in a directory.

Format 1. Header key "surefit": JSON with "format", "card" (Fit.to_dict), "history", and "network", which says how to
build the network again: {"kind": "mlp", ...} for our perceptrons, else {"kind": "program", ...}, the recorded
evaluation of one sample, which is replayed for many. Tensors: "network.*", "scaling.*", and "data.*", samples of the
data for pictures.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from surefit.core import ops
from surefit.data import Domain
from surefit.errors import ModelFileError
from surefit.files import make_directory, regular_file, write_atomically
from surefit.models.recorded import describe_network, network_from
from surefit.models.scaled import Scaled
from surefit.problems.callables import FormulaFunction, Steady
from surefit.problems.problem import Points, Problem
from surefit.reports.card import card_text, to_dict
from surefit.reports.film import load_frames, save_frames
from surefit.search.choosing import DESCRIBED
from surefit.search.judging import Measured
from surefit.search.record import Made, Record, Solved, Trained
from surefit.search.teacher import Processes, Taught
from surefit.sentences import Sentence, from_dict

FORMAT = 1
MODEL = "model.safetensors"
CONFIG = "run.toml"  # written by the command line
FRAMES = "frames.npz"  # the film of a training, in the directory of its fit
PICTURES = ("fit", "error", "loss", "samples")
SAMPLE = 2000  # rows of each part of the data that are kept in the file


def save(fit: Record, path: Path) -> Path:
    """Write a fit; the file appears whole or not at all. ModelFileError when it cannot be written."""
    from safetensors.numpy import save as to_bytes

    tensors = {f"scaling.{n}": b.numpy() for n, b in fit.model.named_buffers() if "." not in n}
    description, weights = describe_network(fit.network, len(fit.names), fit.dtype)
    tensors |= {f"network.{n}": v for n, v in weights.items()}
    for part in ("train", "validation", "test"):
        points = getattr(fit.problem, part)
        if points is not None:
            tensors[f"data.{part}.x"], tensors[f"data.{part}.y"] = (v[:SAMPLE] for v in points)
            if fit.problem.row_numbers is not None and len(fit.problem.row_numbers[part]) == len(points[0]):
                tensors[f"data.{part}.rows"] = fit.problem.row_numbers[part][:SAMPLE]
    if fit.problem.slopes is not None:
        tensors["data.train.slopes"] = fit.problem.slopes[:SAMPLE]
    if fit.left_out is not None:
        tensors["data.train.left_out"] = fit.left_out[:SAMPLE]
    teacher = None
    if fit.taught is not None:
        teacher, arrays = fit.taught.teacher.to_dict()
        tensors |= {f"teacher.{n}": v for n, v in arrays.items()}
    header = {
        "format": FORMAT,
        "teacher": teacher,
        "card": _card(fit),
        "network": description,
        "history": fit.history,
        "said": _said(fit),
        "exact": fit.problem.exact,
        "score": fit.score,
    }
    text = json.dumps(finite_json(header))
    tensors = {k: np.asarray(v, order="C") for k, v in tensors.items()}
    make_directory(path.parent, error=ModelFileError)
    write_atomically(path, to_bytes(tensors, metadata={"surefit": text}), error=ModelFileError)
    return path


def _card(fit: Record) -> dict[str, Any]:
    """The card with its warnings in two parts: those about the data, and those of the training."""
    notes = list(fit.problem.notes)
    return to_dict(fit) | {"notes": notes, "warnings": list(fit.warnings)}


def _said(fit: Record) -> dict[str, Any]:
    """What the fit says about itself, with codes, so that it can be said in another language."""
    said: dict[str, Any] = {"stop_reason": fit.stop_reason.to_dict()}
    for name, sentences in (("warnings", fit.warnings), ("notes", fit.problem.notes)):
        said[name] = [s.to_dict() if isinstance(s, Sentence) else s for s in sentences]
    if isinstance(fit.made, Solved):
        said["stage"] = fit.made.stage.to_dict()
        said["choice"] = None if fit.made.choice is None else [s.to_dict() for s in fit.made.choice]
    return said


def _made(method: dict[str, Any], said: dict[str, Any]) -> Made:
    """How it was made, from the settings on the card."""
    if "stage" not in method:
        return Trained(method)
    settings = {k: v for k, v in method.items() if k not in (*DESCRIBED, "stage", "choice", "rounded")}
    choice = said.get("choice", method.get("choice"))
    return Solved(
        settings, from_dict(said.get("stage", method["stage"])),
        None if choice is None else tuple(from_dict(s) for s in choice),
        {k: method[k] for k in DESCRIBED if k in method}, bool(method.get("rounded")),
    )  # fmt: skip


def save_outputs(fit: Record, folder: Path) -> list[Path]:
    """Write the model, its history, card.txt, fit.json and the pictures into a directory (made if needed)."""
    return [*numbers_saved(fit, folder), *pictures_saved(fit, folder)]


def numbers_saved(fit: Record, folder: Path) -> Iterator[Path]:
    """Write all of `save_outputs` that need not be drawn, the model first, which took the longest to make.

    Yields each path when it is written. Pictures of an earlier fit are taken away: they are not of this model.
    """
    yield save(fit, make_directory(folder) / MODEL)
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
    """Read a fit that `Fit.save` wrote, or the one in a directory that `Fit.save_outputs` wrote, film included.

    A formula is read again, so that errors can be measured and drawn; a callable is not in the file. ModelFileError:
    no such file, damaged, not a surefit model, or of a newer format.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if path.is_dir():
        fit = read(path / MODEL)
        if (path / CONFIG).is_file():
            fit.config = (path / CONFIG).read_text(encoding="utf-8", errors="replace")
        if (path / FRAMES).is_file():
            film = load_frames(path / FRAMES, fit.problem, fit.history)
            y = fit._predict(film.known[0])
            if film.frames and np.allclose(film.frames[-1].known_values, y, rtol=1e-3, atol=1e-3 * np.abs(y).max()):
                fit.film = film  # else it is left from another training into the same directory
        return fit
    regular_file(path, "model file", error=ModelFileError)
    try:
        with safe_open(path, framework="numpy") as f:
            header_text = (f.metadata() or {}).get("surefit")
            tensors = {k: f.get_tensor(k) for k in f.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError, ValueError) as e:
        raise ModelFileError(f"{str(path)!r} is damaged or not a model file ({e})") from None
    if header_text is None:
        raise ModelFileError(f"{str(path)!r} is a safetensors file, but not one that surefit wrote")
    try:
        header = json.loads(header_text)
        if header["format"] > FORMAT:
            raise ModelFileError(
                f"{str(path)!r} has format {header['format']}, this surefit reads up to {FORMAT}; upgrade surefit"
            )
        return _rebuild(header, tensors)
    except (KeyError, TypeError, ValueError) as e:
        if isinstance(e, ModelFileError):
            raise
        raise ModelFileError(f"{str(path)!r} is damaged: {type(e).__name__}: {e}") from e


def _rebuild(header: dict[str, Any], tensors: dict[str, np.ndarray]) -> Record:
    card, said = header["card"], header.get("said", {})  # which the first files of format 1 lack
    dtype = ops.dtype_of(card["network"]["dtype"])
    weights = {k.removeprefix("network."): v for k, v in tensors.items() if k.startswith("network.")}
    network = network_from(header["network"], weights, dtype)
    scaling = {n: tensors[f"scaling.{n}"] for n in ("x_shift", "x_scale", "y_shift", "y_scale")}
    model = Scaled(network, **scaling, dtype=dtype)
    model.eval()
    return Record(
        problem=_problem(card, said, header.get("exact"), tensors),
        model=model,
        made=_made(card["method"], said),
        error=_measured(card),
        history=header["history"],
        stop_reason=from_dict(said.get("stop_reason", card["stop_reason"])),
        seed=card["seed"],
        steps=card["steps"],
        seconds=card["seconds"],
        tol=card["tol"],
        interrupted=card["interrupted"],
        best_epoch=card["best_epoch"],
        warnings=[from_dict(s) for s in said.get("warnings", card["warnings"])],
        score=float("nan") if header.get("score") is None else header["score"],
        version=card["surefit"],
        call=card.get("call", {}),  # the first files of format 1 lack these two
        environment=card.get("environment", {}),
        compile_seconds=card.get("compile_seconds"),
        restarts=card.get("restarts", []),
        taught=_taught(card, header, tensors),
        left_out=tensors.get("data.train.left_out"),
    )


def _taught(card: dict[str, Any], header: dict[str, Any], tensors: dict[str, np.ndarray]) -> Taught | None:
    if header.get("teacher") is None:
        return None
    arrays = {n.removeprefix("teacher."): a for n, a in tensors.items() if n.startswith("teacher.")}
    estimate, distance = (Measured.from_dict(card["teacher"][key]) for key in ("error", "distance"))
    return Taught(Processes.from_dict(header["teacher"], arrays), estimate, distance)


def _measured(card: dict[str, Any]) -> Measured:
    """The error of a card. Older ones called the validation rows of a table without test rows its training rows."""
    error, data = card["error"], card["data"]
    if "kind" not in error and error["on"] == "training rows" and data["validation"] == error["points"]:
        error = error | {"kind": "validation"}
    return Measured.from_dict(error)


def _problem(card: dict[str, Any], said: dict[str, Any], exact: bool | None, tensors: dict[str, np.ndarray]) -> Problem:
    domain = Domain.from_dict(card["domain"])
    function = None
    if card["target"]["kind"] == "formula":
        function = Steady(FormulaFunction(card["target"]["text"], domain.names), domain)

    def points(part: str) -> Points | None:
        x = tensors.get(f"data.{part}.x")
        return None if x is None else (x, tensors[f"data.{part}.y"])

    parts = ("train", "validation", "test")
    numbers = {part: tensors[f"data.{part}.rows"] for part in parts if f"data.{part}.rows" in tensors}
    train = points("train")
    if train is None:
        raise ModelFileError("the file holds no training sample")
    if exact is None and function is not None:  # the first files do not tell; their rows do
        x, y = (part[:200] for part in train)
        exact = bool(np.allclose(function(x), y, rtol=1e-9, atol=0.0, equal_nan=True))
    return Problem(
        tuple(card["inputs"]), tuple(card["outputs"]), domain, train, points("validation"), points("test"), None,
        function, card["target"], card["data"]["dropped"], {k: card["data"][k] for k in parts},
        slopes=tensors.get("data.train.slopes"), added=tuple(card["data"].get("added", ())),
        notes=tuple(from_dict(n) for n in said.get("notes", card.get("notes", ()))), exact=bool(exact),
        row_numbers=numbers or None,
    )  # fmt: skip


def finite_json(value: Any) -> Any:
    """Plain data with NaN and infinities as None, which JSON has."""
    if isinstance(value, dict):
        return {k: finite_json(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite_json(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


__all__ = ["FORMAT", "numbers_saved", "pictures_saved", "read", "save", "save_outputs"]
