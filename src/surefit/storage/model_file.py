"""A fit in one file: numbers and plain data, never code. `container` holds the bytes together, `schema` the fields.

Format 3. The header has "card" (Fit.to_dict), "said" (its sentences with codes), "network", which says how to build the
network again ({"kind": "mlp", ...} for our perceptrons, else {"kind": "program", ...}, the recorded evaluation of one
sample), "history" (the columns), "random", "exact", "score", "coding" (of columns of a table that held no numbers),
"sample" (the largest error of the model at the rows that are kept, to be found again when it is read), "noise" (what is
known of the noise of measured data: "rows", of each, or "none") and "extra" (`Record.extra`). Tensors: "network.*"
(random streams among them), "scaling.*" ("scaling.x_log" where inputs are logarithmic, "scaling.y_log" where the target
is), "history.*", and "data.*", samples of the data for pictures.
Format 2 had other names for some settings (`OLD_NAMES`); format 1 had no checksum as well, and its history in the
header.
"""

from __future__ import annotations

import math
import os
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from surefit.bounds.certificate import Certificate
from surefit.core import ops
from surefit.data import Coded, Domain
from surefit.errors import DataError, ModelFileError, SurefitError
from surefit.files import path_of
from surefit.models.inference import evaluate
from surefit.models.recorded import describe_network, network_from
from surefit.models.scaled import Scaled
from surefit.problems.callables import FormulaFunction, Steady
from surefit.problems.problem import Points, Problem
from surefit.reports.card import to_dict
from surefit.search.choosing import DESCRIBED
from surefit.search.classes import Classified
from surefit.search.judging import Measured
from surefit.search.record import Made, Record, Solved, Trained
from surefit.search.teacher import Processes, Taught
from surefit.sentences import Sentence, from_dict
from surefit.storage.container import Contents, read_container, write_container
from surefit.storage.history import columns_of, rows_of
from surefit.storage.schema import check_header

FORMAT = 3
SAMPLE = 2000  # rows of each part of the data that are kept in the file
WORK = 2 * 10**8  # multiplications at most that test a model when it is read
PARTS = ("train", "validation", "test")
GENERATOR = "PCG64"  # of numpy.random.default_rng, whose streams a seed names
ROUNDING = {"float32": 1e-3, "float64": 1e-6}  # of values, relative to their size: another machine adds otherwise
OLD_NAMES = {"steepness": "gain", "magnitude": "output_norm", "penalty": "ridge"}  # of settings, before format 3
JUDGED = {"test": "test", "validation": "validation"}  # kinds of error that are those of rows in the file


def save(fit: Record, path: Path) -> Path:
    """Write a fit; the file appears whole or not at all. ModelFileError when it cannot be written."""
    tensors = {f"scaling.{n}": b.numpy() for n, b in fit.model.named_buffers() if "." not in n}
    if fit.model.y_log:  # a tensor, so that a version that does not know it refuses the file
        tensors["scaling.y_log"] = np.ones(len(fit.outputs))
    description, weights = describe_network(fit.network, len(fit.names), fit.dtype)
    tensors |= {f"network.{n}": v for n, v in weights.items()}
    tensors |= _samples(fit.problem)
    columns, values = columns_of(fit.history)
    tensors |= {f"history.{n}": v for n, v in values.items()}
    rows = min(SAMPLE, max(1, WORK // max(1, fit.network.num_parameters())))
    largest = _largest(fit.model, fit.problem, rows)
    header = {
        "format": FORMAT,
        "card": to_dict(fit) | {"notes": list(fit.problem.notes), "warnings": list(fit.warnings)},
        "network": description,
        "history": columns,
        "said": _said(fit),
        "exact": fit.problem.exact,
        "coding": [code.to_dict() for code in fit.problem.coding],
        **({"noise": noise} if (noise := _noise(fit.problem)) else {}),
        "score": fit.score,
        "random": {"seed": fit.seed, "generator": GENERATOR},
        "classified": None if fit.classified is None else fit.classified.to_dict(),
        "sample": {"rows": rows, "largest": largest, "claim": not _strays(fit, largest, _claim(fit, rows))},
        "extra": fit.extra,
    }
    if fit.left_out is not None:
        tensors["data.train.left_out"] = fit.left_out[:SAMPLE]
    if fit.taught is not None:
        header["teacher"], arrays = fit.taught.teacher.to_dict()
        tensors |= {f"teacher.{n}": v for n, v in arrays.items()}
    return write_container(path, finite_json(header), tensors)


def read(path: str | os.PathLike[str]) -> Record:
    """Read a fit that `save` wrote. A formula is read again; a callable is not in the file.

    ModelFileError: no such file, damaged, not a surefit model, of a newer format, or with an error on its card that is
    not the one of the model in it.
    """
    path = path_of("load", path)
    found = read_container(path, FORMAT)
    if "kind" in found.header:
        raise ModelFileError(f"{str(path)!r} holds many curves; read it with surefit.Many.load")
    try:
        found = _renamed(found)
        check_header(found.header)
        fit = _rebuild(found)
        _compare(fit, found)
    except (KeyError, TypeError, ValueError, AttributeError, LookupError, ArithmeticError, RecursionError) as e:
        raise ModelFileError(f"{str(path)!r} is damaged: {_words(e)}") from None
    except SurefitError as e:
        raise ModelFileError(f"{str(path)!r} is damaged: {_words(e)}") from None
    return fit


def _words(error: Exception) -> str:
    name = "" if isinstance(error, SurefitError) else f"{type(error).__name__}: "
    return name + str(error).split("\n", 1)[0][:400]


# --- what is written --------------------------------------------------------------------------------------------------


def _noise(problem: Problem) -> str | None:
    """What somebody has said of the noise of measured data."""
    return "rows" if problem.noise_known else "none" if problem.known else None


def _samples(problem: Problem) -> dict[str, np.ndarray]:
    """The first rows of each part of the data, with what belongs to them."""
    tensors = {}
    weights = {"train": problem.weights, "validation": problem.validation_weights}
    gradients = {"train": problem.gradients, "validation": problem.validation_gradients}
    for part in PARTS:
        points = getattr(problem, part)
        if points is None:
            continue
        tensors[f"data.{part}.x"], tensors[f"data.{part}.y"] = (v[:SAMPLE] for v in points)
        if problem.row_numbers is not None and len(problem.row_numbers[part]) == len(points[0]):
            tensors[f"data.{part}.rows"] = problem.row_numbers[part][:SAMPLE]
        for name, values in (("weights", weights.get(part)), ("gradients", gradients.get(part))):
            if values is not None:
                tensors[f"data.{part}.{name}"] = values[:SAMPLE]
    return tensors


def _said(fit: Record) -> dict[str, Any]:
    """What the fit says about itself, with codes, so that it can be said in another language."""
    said: dict[str, Any] = {"stop_reason": fit.stop_reason.to_dict()}
    for name, sentences in (("warnings", fit.warnings), ("notes", fit.problem.notes)):
        said[name] = [s.to_dict() if isinstance(s, Sentence) else s for s in sentences]
    if isinstance(fit.made, Solved):
        said["stage"] = fit.made.stage.to_dict()
        said["choice"] = None if fit.made.choice is None else [s.to_dict() for s in fit.made.choice]
    stages = {str(s): s for row in fit.history if isinstance(s := row.get("stage"), Sentence)}
    if stages:
        said["stages"] = [s.to_dict() for s in stages.values()]
    return said


def finite_json(value: Any) -> Any:
    """Plain data with NaN and infinities as None, which JSON has, and numbers of NumPy's as those of Python."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, dict):
        return {k: finite_json(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite_json(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


# --- what is read -----------------------------------------------------------------------------------------------------


def _renamed(found: Contents) -> Contents:
    """A file of an older format with the names of today: of settings, and of gradients beside the data."""
    header, tensors, signed = found
    if header["format"] > 2 or not isinstance(header.get("card"), dict):
        return found
    card = dict(header["card"])
    if isinstance(card.get("method"), dict):
        card["method"] = {OLD_NAMES.get(name, name): value for name, value in card["method"].items()}
    call = card.get("call")
    if isinstance(call, dict) and isinstance(call.get("method"), str):
        card["call"] = call | {"method": re.sub(r"\bpenalty=", "ridge=", call["method"])}
    ending = re.compile(r"^(data\.\w+)\.slopes$")
    tensors = {ending.sub(r"\1.gradients", name): value for name, value in tensors.items()}
    return Contents(header | {"card": card}, tensors, signed)


def _rebuild(found: Contents) -> Record:
    header, tensors = found.header, dict(found.tensors)
    card, said = header["card"], header.get("said", {})  # which the first files of format 1 lack
    d, k = len(card["inputs"]), len(card["outputs"])
    dtype = ops.dtype_of(card["network"]["dtype"])
    for name, value in tensors.items():
        if header["format"] > 1 and not _known(name, header):
            raise ModelFileError(f"it holds {name[:60]!r}, which belongs to nothing")
        if value.dtype.kind == "f" and not name.startswith("history.") and not name.endswith(".gradients"):
            _finite(name, value)
    model = _model(header["network"], tensors, d, k, dtype)
    history = header["history"] if header["format"] == 1 else rows_of(header["history"], tensors)
    stages = {str(s): s for s in map(from_dict, said.get("stages", ()))}
    for row in history:
        if row.get("stage") in stages:
            row["stage"] = stages[row["stage"]]
    if any(row["epoch"] != i + 1 for i, row in enumerate(history)) or (card["best_epoch"] or 0) > len(history):
        raise ModelFileError("its history does not count the epochs")
    made = _made(card["method"], said)
    if isinstance(made, Trained) and any(row["lr"] is None for row in history):
        raise ModelFileError("its history lacks a learning rate")
    problem = _problem(header, tensors, d, k)
    return Record(
        problem=problem,
        model=model,
        made=made,
        error=_measured(card),
        history=history,
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
        restarts=[math.inf if r is None else r for r in card.get("restarts", [])],
        classified=_classified(header, k),
        extra=header.get("extra", {}) | ({"certificate": card["certificate"]} if card.get("certificate") else {}),
        certificate=_certificate(card.get("certificate")),
        taught=_taught(header, tensors, d + sum(period > 0 for period in problem.periods), k),
        left_out=_left_out(header, tensors, k),
    )


def _certificate(data: Any) -> Certificate | None:
    """The certificate of the fit that was saved, if it can be read. Whose numbers it speaks of, it knows itself."""
    try:
        return None if not data else Certificate.from_dict(data)
    except DataError:
        return None


def _left_out(header: dict[str, Any], tensors: dict[str, np.ndarray], k: int) -> np.ndarray | None:
    """What the training rows are missed by when they are left out, if the file holds all of them."""
    if "data.train.left_out" not in tensors:
        return None
    values = _tensor(tensors, "data.train.left_out", (None, k), "float64")
    return values if len(values) == header["card"]["data"]["train"] else None


def _taught(header: dict[str, Any], tensors: dict[str, np.ndarray], d: int, k: int) -> Taught | None:
    """The teacher of the network, if it had one; it is conditioned on its rows when it is first asked."""
    data, card = header.get("teacher"), header["card"].get("teacher")
    if data is None or card is None:
        return None
    x = _tensor(tensors, "teacher.x", (None, d), "float64")
    shapes: dict[str, tuple[int, ...]] = {"y": (len(x), k), "weights": (len(x),), "left_out": (len(x), k)}
    shapes["deviation"] = shapes["left_out"]
    arrays = {"x": x} | {
        name: _tensor(tensors, f"teacher.{name}", shape, "float64")
        for name, shape in shapes.items()
        if name == "y" or f"teacher.{name}" in tensors
    }
    if sorted({j for part in data["parts"] for j in part[0]}) != list(range(k)):
        raise ModelFileError("its teacher does not tell of each output")
    own = [some for part in data["parts"] for some in part[5:8] if some is not None]
    if any(len({i for i in some if i < d}) < len(some) for some in own):
        raise ModelFileError(f"its teacher has inputs that are none of the {d}")
    estimate, distance = (Measured.from_dict(card[key]) for key in ("error", "distance"))
    return Taught(Processes.from_dict(data, arrays), estimate, distance)


def _classified(header: dict[str, Any], k: int) -> Classified | None:
    """The classes of a fit of classes."""
    data = header.get("classified")
    if data is None:
        return None
    n = len(data["classes"])
    square = len(data["confusion"]) == n and all(len(row) == n for row in data["confusion"])
    if k != (1 if n == 2 else n) or len(set(map(str, data["classes"]))) != n or not square:
        raise ModelFileError(f"its {n} classes do not fit its {k} outputs")
    return Classified.from_dict(data)


def _known(name: str, header: dict[str, Any]) -> bool:
    """Whether a tensor is one that this format has. Networks check their own names."""
    room, _, rest = name.partition(".")
    if room == "history":
        return rest in header["history"]["columns"]
    part, _, what = rest.partition(".")
    scales = ("x_shift", "x_scale", "y_shift", "y_scale", "x_log", "y_log")
    beside = part in PARTS and what in ("x", "y", "rows", "weights", "gradients", "left_out")
    teaches = room == "teacher" and rest in ("x", "y", "weights", "left_out", "deviation")
    beside = teaches or (room == "data" and beside)
    return room in ("network", "extra") or (room == "scaling" and rest in scales) or beside


def _finite(name: str, value: np.ndarray) -> None:
    if not np.isfinite(value).all():
        raise ModelFileError(f"{name} has numbers that are not finite")


def _model(description: dict[str, Any], tensors: dict[str, np.ndarray], d: int, k: int, dtype: np.dtype) -> Scaled:
    """The network in its scaling; the numbers are compared with the description before anything is built."""
    weights = {n.removeprefix("network."): v for n, v in tensors.items() if n.startswith("network.")}
    if description["kind"] == "mlp":
        sizes = [description["n_in"], *description["hidden"], description["n_out"]]
        needed = sum(a * b + b * description.get("bias", True) for a, b in pairwise(sizes))
        if needed > sum(v.size for v in weights.values()):
            raise ModelFileError(f"its network has {needed} weights and more, and the file holds fewer")
    scaling = {}
    for name, width in (("x_shift", d), ("x_scale", d), ("y_shift", k), ("y_scale", k)):
        value = scaling[name] = _tensor(tensors, f"scaling.{name}", (width,), "float64")
        if name.endswith("scale") and not (value > 0).all():
            raise ModelFileError(f"scaling.{name} must be > 0")
    network = network_from(description, weights, dtype)
    for name, leaf in network.state_dict().items() if description["kind"] == "mlp" else ():
        given = weights.get(name)
        if given is not None and given.dtype != leaf.numpy().dtype:
            raise ModelFileError(f"network.{name} holds {given.dtype}, and {leaf.numpy().dtype} is needed")
    log = None
    if "scaling.x_log" in tensors:
        log = _tensor(tensors, "scaling.x_log", (d,), "float64")
        if not np.isin(log, (0.0, 1.0)).all():
            raise ModelFileError("scaling.x_log must be 0 or 1")
    y_log = "scaling.y_log" in tensors
    if y_log and not (_tensor(tensors, "scaling.y_log", (k,), "float64") == 1.0).all():
        raise ModelFileError("scaling.y_log must be 1")
    model = Scaled(network, **scaling, dtype=dtype, x_log=log, y_log=y_log)
    model.eval()
    if evaluate(model, np.ones((1, d))).shape != (1, k):
        raise ModelFileError(f"the network does not map {d} inputs to {k} outputs")
    return model


def _tensor(tensors: dict[str, np.ndarray], name: str, shape: tuple[int | None, ...], dtype: str) -> np.ndarray:
    """A tensor that must be there, of this shape (None: any length) and dtype."""
    value = tensors.get(name)
    if value is None:
        raise ModelFileError(f"{name} is missing")
    fits = len(value.shape) == len(shape) and all(b in (None, a) for a, b in zip(value.shape, shape, strict=True))
    if not fits or value.dtype != dtype:
        raise ModelFileError(f"{name} is {value.dtype} of shape {value.shape}; {dtype} of shape {shape} is needed")
    return value


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


def _measured(card: dict[str, Any]) -> Measured:
    """The error of a card. Older ones called the validation rows of a table without test rows its training rows."""
    error, data = card["error"], card["data"]
    if "kind" not in error and error["on"] == "training rows" and data["validation"] == error["points"]:
        error = error | {"kind": "validation"}
    return Measured.from_dict(error)


def _problem(header: dict[str, Any], tensors: dict[str, np.ndarray], d: int, k: int) -> Problem:
    card, said, exact = header["card"], header.get("said", {}), header.get("exact")
    domain = Domain.from_dict(card["domain"])
    function = None
    if card["target"]["kind"] == "formula":
        function = Steady(FormulaFunction(card["target"]["text"], domain.names), domain)

    def points(part: str) -> Points | None:
        if f"data.{part}.x" not in tensors:
            return None
        x = _tensor(tensors, f"data.{part}.x", (None, d), "float64")
        return x, _tensor(tensors, f"data.{part}.y", (len(x), k), "float64")

    def beside(part: str, name: str, *shape: int, dtype: str = "float64") -> np.ndarray | None:
        full = f"data.{part}.{name}"
        return _tensor(tensors, full, (len(tensors[f"data.{part}.x"]), *shape), dtype) if full in tensors else None

    train, validation, test = map(points, PARTS)
    if train is None or not len(train[0]):
        raise ModelFileError("the file holds no training sample")
    numbers = {part: rows for part in PARTS if (rows := beside(part, "rows", dtype="int64")) is not None}
    if function is not None and (exact is None or exact):
        x, y = (part[:200] for part in train)
        same = bool(np.allclose(function(x), y, rtol=1e-9, atol=0.0, equal_nan=True))
        if exact and not same:
            raise ModelFileError("its formula does not give the values of its training rows")
        exact = same  # the first files do not tell; their rows do
    return Problem(
        tuple(card["inputs"]), tuple(card["outputs"]), domain, train, validation, test, beside("train", "weights"),
        function, card["target"], card["data"]["dropped"], {part: card["data"][part] for part in PARTS},
        validation_weights=beside("validation", "weights"), gradients=beside("train", "gradients", k, d),
        validation_gradients=beside("validation", "gradients", k, d), added=tuple(card["data"].get("added", ())),
        notes=tuple(from_dict(n) for n in said.get("notes", card.get("notes", ()))), exact=bool(exact),
        row_numbers=numbers or None, coding=tuple(map(Coded.from_dict, header.get("coding", ()))),
        log_target="scaling.y_log" in tensors, known=header.get("noise") == "none",
        noise_known=header.get("noise") == "rows",
    )  # fmt: skip


# --- whether card, data and weights belong together -------------------------------------------------------------------


def _largest(model: Scaled, problem: Problem, rows: int) -> dict[str, float]:
    """The largest error of a model at the first rows of each part of the data."""
    return {
        part: float(np.abs(evaluate(model, points[0][:rows]) - points[1][:rows]).max())
        for part in PARTS
        if (points := getattr(problem, part)) is not None and len(points[0])
    }


def _claim(fit: Record, rows: int) -> dict[str, float]:
    """The error on the card, if it is that of rows which are all in the file."""
    part = JUDGED.get(fit.error.kind, "")
    points = getattr(fit.problem, part) if part else None
    whole = points is not None and len(points[0]) == fit.problem.sizes()[part] <= rows
    return {part: fit.error.max} if whole and math.isfinite(fit.error.max) else {}


def _strays(fit: Record, largest: dict[str, float], claimed: dict[str, float]) -> str:
    """What is wrong with errors that are told of parts of the data: nothing, or half a sentence."""
    for part, value in claimed.items():
        if part not in largest:
            return f"it tells an error at {part[:20]} rows, and holds none of them"
        size = max(float(np.abs(getattr(fit.problem, part)[1]).max()), float(fit.model.y_scale.numpy().max()))
        if not abs(value - largest[part]) <= 0.01 * value + ROUNDING[str(fit.dtype)] * size:
            return (
                f"its error at {part} rows is {largest[part]:.3g}, and it tells {value:.3g}; its numbers are not those "
                "of the fit that wrote it"
            )
    return ""


def _compare(fit: Record, found: Contents) -> None:
    """ModelFileError when the errors that the file tells are not those of its model at its rows."""
    sample = found.header.get("sample", {"rows": SAMPLE, "largest": {}, "claim": True})
    rows = min(sample["rows"], SAMPLE)
    largest = _largest(fit.model, fit.problem, rows)
    claimed = {part: value for part, value in sample["largest"].items() if value is not None}
    problem = _strays(fit, largest, claimed) or (_strays(fit, largest, _claim(fit, rows)) if sample["claim"] else "")
    if problem:
        raise ModelFileError(problem)


__all__ = ["FORMAT", "finite_json", "read", "save"]
