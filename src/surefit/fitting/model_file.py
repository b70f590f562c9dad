"""A fit in one file: safetensors (numbers) with a JSON header (everything else), never pickle; or in a directory.

Format 1. Header key "surefit": JSON with "format", "card" (Fit.to_dict), "history", and "network", which says how to
build the network again: {"kind": "mlp", ...} for our perceptrons, else {"kind": "program", ...}, the recorded
evaluation of one sample, which is replayed for many. Tensors: "network.*", "scaling.*", and "data.*", samples of the
data for pictures.
"""

from __future__ import annotations

import csv
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from surefit.core import ops
from surefit.data import Domain
from surefit.errors import DataError, ModelFileError
from surefit.models.recorded import describe_network, network_from
from surefit.models.scaled import Scaled
from surefit.problems.callables import FormulaFunction, Steady
from surefit.problems.problem import Points, Problem
from surefit.reports.card import card_text, to_dict
from surefit.reports.film import load_frames, save_frames
from surefit.search.choosing import DESCRIBED
from surefit.search.judging import Measured
from surefit.search.record import Made, Record, Solved, Trained
from surefit.sentences import Sentence, from_dict

FORMAT = 1
MODEL = "model.safetensors"
CONFIG = "run.toml"  # written by the command line
FRAMES = "frames.npz"  # the film of a training, in the directory of its fit
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
    if fit.problem.slopes is not None:
        tensors["data.train.slopes"] = fit.problem.slopes[:SAMPLE]
    header = {
        "format": FORMAT,
        "card": _card(fit),
        "network": description,
        "history": fit.history,
        "said": _said(fit),
        "exact": fit.problem.exact,
        "score": fit.score,
    }
    text = json.dumps(finite_json(header))
    tensors = {k: np.asarray(v, order="C") for k, v in tensors.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part_path = path.with_name(path.name + ".part")
        part_path.write_bytes(to_bytes(tensors, metadata={"surefit": text}))
        os.replace(part_path, path)
    except OSError as e:
        raise ModelFileError(f"cannot write {str(path)!r} ({e.strerror or e})") from e
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
    from surefit.reports.plots import draw  # what draws takes time to load

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise DataError(f"cannot make the directory {str(folder)!r} ({e.strerror or e})") from e
    paths = [save(fit, folder / MODEL)]
    (folder / "card.txt").write_text(card_text(fit) + "\n", encoding="utf-8")
    (folder / "fit.json").write_text(json.dumps(finite_json(to_dict(fit)), indent=2) + "\n", encoding="utf-8")
    paths += [folder / "card.txt", folder / "fit.json"]
    if fit.history:
        with (folder / "history.csv").open("w", newline="", encoding="utf-8") as f:
            writer = csv.DictWriter(f, fieldnames=list(fit.history[0]))
            writer.writeheader()
            writer.writerows(fit.history)
        paths.append(folder / "history.csv")
    more = [("loss", bool(fit.history)), ("samples", bool(fit.problem.added))]
    for kind in ("fit", "error", *(kind for kind, wanted in more if wanted)):
        draw(fit, kind).savefig(folder / f"{kind}.png", dpi=150)
        paths.append(folder / f"{kind}.png")
    if fit.film is not None:
        paths.append(save_frames(fit.film, folder / FRAMES))
    return paths


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
    if not path.is_file():
        raise ModelFileError(f"there is no model file {str(path)!r}")
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
    )


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

    train = points("train")
    if train is None:
        raise ModelFileError("the file holds no training sample")
    if exact is None and function is not None:  # the first files do not tell; their rows do
        x, y = (part[:200] for part in train)
        exact = bool(np.allclose(function(x), y, rtol=1e-9, atol=0.0, equal_nan=True))
    return Problem(
        tuple(card["inputs"]), tuple(card["outputs"]), domain, train, points("validation"), points("test"), None,
        function, card["target"], card["data"]["dropped"], {k: card["data"][k] for k in ("train", "validation",
        "test")}, slopes=tensors.get("data.train.slopes"), added=tuple(card["data"].get("added", ())),
        notes=tuple(from_dict(n) for n in said.get("notes", card.get("notes", ()))), exact=bool(exact),
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


__all__ = ["FORMAT", "read", "save", "save_outputs"]
