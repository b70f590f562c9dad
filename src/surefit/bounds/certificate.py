"""What is proved, what is not, and the file that says so.

A bound has a type: `Proved` holds for every point of the box. `Undefined` says that the target has no value somewhere,
so that no bound exists. A search that is stopped early has proved less, and nothing false.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from surefit._version import __version__
from surefit.core.node import value_of
from surefit.core.program import Program
from surefit.errors import DataError
from surefit.files import path_of, regular_file, replacing
from surefit.sentences import Both, Sentence, check_language, columns, declare, from_dict, say

FORMAT = 1
declare(
    {
        "proof-error": Both("error", "误差"),
        "proof-target": Both("target", "目标"),
        "proof-box": Both("box", "范围"),
        "proof-model": Both("model", "模型"),
        "proof-method": Both("method", "方法"),
        "proof-tolerance": Both("tolerance", "容差"),
        "proof-note": Both("note", "说明"),
        "proof-assuming": Both("assuming", "前提"),
        "proof-of-deployed": Both("as it runs, sha256 {digest}", "实际运行的程序，sha256 {digest}"),
        "proof-of-real": Both(
            "in exact arithmetic on its stored numbers, sha256 {digest}", "按所存数值精确运算，sha256 {digest}"
        ),
        "proof-work": Both("{method}, {boxes} boxes in {seconds:.2f} s", "{method}，{boxes} 个区域，{seconds:.2f} 秒"),
        "proof-affine": Both("affine forms, linear bounds, branch and bound", "仿射形式、线性界、分支定界"),
        "proof-taylor": Both("Taylor models of degree {degree}, branch and bound", "{degree} 次泰勒模型、分支定界"),
        "proof-balls": Both(
            "Taylor models of degree {degree} in balls of {bits} bits, branch and bound",
            "{bits} 位球算术中的 {degree} 次泰勒模型、分支定界",
        ),
        "proof-pieces": Both(
            "straight pieces of the network, polynomials of degree {degree} of the target",
            "网络的直线段与目标的 {degree} 次多项式",
        ),
        "proof-parts": Both(
            "{parts} parts of the formula in balls of {bits} bits, branch and bound",
            "公式的 {parts} 个部分用 {bits} 位球算术、分支定界",
        ),
        "proof-kinks": Both("kinks of formula and network side by side", "公式与网络的折点逐一对照"),
        "proof-polynomials": Both("the difference, a polynomial, expanded exactly", "误差本身是多项式，已精确展开"),
        "proof-structure": Both("sum of proved functions of one number", "已证明的一元函数之和"),
        "proof-tol-True": Both("|error| <= {tol:g}: proved", "|误差| <= {tol:g}：已证明"),
        "proof-tol-False": Both("|error| <= {tol:g}: disproved", "|误差| <= {tol:g}：已否定"),
        "proof-tol-None": Both("|error| <= {tol:g}: not known", "|误差| <= {tol:g}：未能判定"),
    }
)


@dataclass(frozen=True)
class Proved:
    """lower <= largest |model - target| on the box <= upper; lower is reached at `at`.

    outputs: an upper bound for each output.
    """

    lower: float
    upper: float
    at: dict[str, float]
    outputs: dict[str, float] = field(default_factory=dict)
    status = "proved"

    @property
    def gap(self) -> float:
        """upper / lower - 1: how much of the bound may be in excess; infinite where nothing but 0 is known below."""
        if self.upper == self.lower:
            return 0.0
        return self.upper / self.lower - 1.0 if self.lower > 0 and math.isfinite(self.upper) else math.inf

    def sentence(self) -> Sentence:
        """Both bounds, rounded outward."""
        place = ", ".join(f"{k}={v:.6g}" for k, v in self.at.items())
        if not math.isfinite(self.upper):
            return say("proved-below", lower=floor_words(self.lower), place=place)
        return say("proved-between", upper=ceil_words(self.upper), lower=floor_words(self.lower), place=place)

    def __str__(self) -> str:
        return str(self.sentence())


@dataclass(frozen=True)
class Undefined:
    """The target has no finite value at some point of this box, or none could be shown; no bound exists there."""

    box: dict[str, tuple[float, float]]
    status = "undefined"

    def sentence(self) -> Sentence:
        """Where that is."""
        where = ", ".join(f"{k} in [{a:.9g}, {b:.9g}]" for k, (a, b) in self.box.items())
        return say("proved-nothing", where=where)

    def __str__(self) -> str:
        return str(self.sentence())


def ceil_words(x: float, digits: int = 4) -> str:
    """A number in so many digits, rounded up: a bound must not become smaller by being printed.

    >>> ceil_words(0.00012341), floor_words(0.00012349)
    ('0.0001235', '0.0001234')
    """
    return _directed(x, digits, up=True)


def floor_words(x: float, digits: int = 4) -> str:
    """A number in so many digits, rounded down."""
    return _directed(x, digits, up=False)


def _directed(x: float, digits: int, up: bool) -> str:
    if x == 0 or not math.isfinite(x):
        return f"{x:g}"
    import decimal

    mode = decimal.ROUND_CEILING if up else decimal.ROUND_FLOOR
    context = decimal.Context(prec=digits, rounding=mode, Emin=-400, Emax=400)
    exact = context.create_decimal(decimal.Decimal(x)).normalize()
    return f"{exact:e}" if abs(x) < 1e-4 or abs(x) >= 1e6 else f"{exact:f}"


@dataclass(frozen=True)
class Certificate:
    """The outcome of `certify`.

    Attributes:
        error: `Proved` or `Undefined`.
        domain: name -> (low, high), the floats that the box ends at.
        formulas: the target, one text for each output. outputs: their names.
        mode: "real", the model in exact arithmetic on its stored numbers, or "deployed", the program that runs.
        method: how it was proved. complete: whether the gap that was asked for is reached. note: why not, else "".
        assuming: what the proof rests on beside mathematics, each a sentence.
        model: SHA-256 of the program and its numbers. boxes: how many were looked at. seconds.
        tol: the tolerance asked for, if any. leaves: the boxes (n, d) twice and their bounds (n, k), where kept.
        in_blocks: in deployed mode, whether sums are taken in blocks of 16, as in strict mode; else in any order.
        operations: of the model, in order, a line each, with the shape and dtype of every result.
        rounding: in deployed mode, how far the running model may be from exact arithmetic in the box whose bound is the
            largest; the rest of that bound is approximation. Infinite where nothing is known, None without boxes.
    """

    error: Proved | Undefined
    domain: dict[str, tuple[float, float]]
    formulas: tuple[str, ...]
    outputs: tuple[str, ...]
    mode: str
    method: str
    complete: bool
    note: str
    assuming: tuple[str, ...]
    model: str
    boxes: int
    seconds: float
    tol: float | None = None
    leaves: tuple[np.ndarray, np.ndarray, np.ndarray] | None = field(default=None, repr=False, compare=False)
    version: str = __version__
    in_blocks: bool = False
    operations: tuple[str, ...] = field(default=(), repr=False)
    rounding: float | None = None

    @property
    def upper(self) -> float:
        """The proved upper bound; infinite where there is none."""
        return self.error.upper if isinstance(self.error, Proved) else math.inf

    @property
    def lower(self) -> float:
        """The proved lower bound, 0 where there is none."""
        return self.error.lower if isinstance(self.error, Proved) else 0.0

    def proves(self, tol: float) -> bool | None:
        """Whether |error| <= tol everywhere: True is proved, False is disproved by a point, None is not known.

        A NaN proves nothing.
        """
        if self.upper <= tol:
            return True
        if self.lower > tol:
            return False
        return None

    def __str__(self) -> str:
        return self.said()

    def said(self, lang: str = "en") -> str:
        """All of it as lines of text in "en" or "zh"."""
        check_language(lang)
        rows: list[tuple[str, Sentence | str]] = [
            ("error", self.error.sentence()),
            ("target", "; ".join(self.formulas)),
            ("box", ", ".join(f"{k}={a:.17g}:{b:.17g}" for k, (a, b) in self.domain.items())),
            ("model", say(f"proof-of-{self.mode}", digest=self.model[:16])),
            ("method", say("proof-work", method=self.method, boxes=self.boxes, seconds=self.seconds)),
        ]
        if self.tol is not None:
            rows.append(("tolerance", say(f"proof-tol-{self.proves(self.tol)}", tol=self.tol)))
        if self.note:
            rows.append(("note", self.note))
        rows += [("assuming", a) for a in self.assuming]
        lines = [
            (say(f"proof-{label}").said(lang), text.said(lang) if isinstance(text, Sentence) else text)
            for label, text in rows
        ]
        return "\n".join(f"{label}{' ' * (9 - columns(label))}  {text}" for label, text in lines)

    def to_dict(self, leaves: bool = True) -> dict[str, Any]:
        """All of it as plain data; floats are exact in JSON, infinities are texts."""
        error: dict[str, Any] = {"status": self.error.status}
        if isinstance(self.error, Proved):
            error |= {"lower": self.error.lower, "upper": _plain(self.error.upper), "at": self.error.at}
            error["outputs"] = {k: _plain(v) for k, v in self.error.outputs.items()}
        else:
            error["box"] = {k: list(v) for k, v in self.error.box.items()}
        data: dict[str, Any] = {
            "format": FORMAT, "surefit": self.version, "error": error,
            "domain": {k: list(v) for k, v in self.domain.items()}, "formulas": list(self.formulas),
            "outputs": list(self.outputs), "mode": self.mode, "method": self.method, "complete": self.complete,
            "note": self.note, "assuming": list(self.assuming), "said": self._said(),
            "model_sha256": self.model, "boxes": self.boxes,
            "seconds": self.seconds, "tol": self.tol, "in_blocks": self.in_blocks,
            "operations": list(self.operations),
            "rounding": None if self.rounding is None else _plain(self.rounding),
        }  # fmt: skip
        if leaves and self.leaves is not None:
            low, high, bounds = self.leaves
            data["leaves"] = {"low": low.tolist(), "high": high.tolist(), "bound": _plain_rows(bounds)}
        return data

    def _said(self) -> dict[str, Any]:
        """The sentences in it with their codes, so that they can be said in another language."""
        said = [s.to_dict() if isinstance(s, Sentence) else s for s in (self.note, self.method, *self.assuming)]
        return {"note": said[0], "method": said[1], "assuming": said[2:]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Certificate:
        """From the plain data of `to_dict`. DataError for data of which some are missing or of another format."""
        try:
            said = data.get("said") or {"note": data["note"], "assuming": data["assuming"]}
            if data["format"] != FORMAT:
                raise DataError(f"this is no certificate of format {FORMAT}, but of format {data['format']!r}")
            return cls(
                _error_of(data["error"]), {k: (float(a), float(b)) for k, (a, b) in data["domain"].items()},
                tuple(data["formulas"]), tuple(data["outputs"]), str(data["mode"]),
                from_dict(said.get("method", str(data["method"]))),
                bool(data["complete"]), from_dict(said["note"]) if said["note"] else "",
                tuple(from_dict(s) for s in said["assuming"]), str(data["model_sha256"]),
                int(data["boxes"]), float(data["seconds"]), data["tol"], _leaves_of(data.get("leaves")),
                str(data["surefit"]), bool(data.get("in_blocks", False)),
                tuple(map(str, data.get("operations", ()))),
                None if data.get("rounding") is None else float(data["rounding"]),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise DataError(f"this is no certificate of format {FORMAT} ({str(repr(error))[:200]})") from None

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it as JSON, for `surefit check`; returns the path."""
        target = path_of("save", path)
        with replacing(target) as part:
            Path(part).write_text(json.dumps(self.to_dict(), indent=None) + "\n", encoding="utf-8")
        return target


def _error_of(data: Mapping[str, Any]) -> Proved | Undefined:
    if data["status"] != "proved":
        return Undefined({k: (float(a), float(b)) for k, (a, b) in data["box"].items()})
    outputs = {k: float(v) for k, v in data["outputs"].items()}
    at = {k: float(v) for k, v in data["at"].items()}
    return Proved(float(data["lower"]), float(data["upper"]), at, outputs)


def _leaves_of(data: Mapping[str, Any] | None) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    if data is None:
        return None
    low, high, bound = (np.array(data[k], np.float64) for k in ("low", "high", "bound"))
    return low, high, bound


def _plain(x: float) -> float | str:
    return x if math.isfinite(x) else str(x)


def _plain_rows(rows: np.ndarray) -> list[list[Any]]:
    return [[_plain(float(v)) for v in row] for row in rows]


def read_certificate(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The plain data of a certificate file. DataError for anything else."""
    file = regular_file(path_of("certificate", path), "certificate")
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: cannot be read as a certificate ({error})") from None
    if not isinstance(data, dict) or str(data.get("format")) != str(FORMAT) or "model_sha256" not in data:
        raise DataError(f"{path}: is no certificate of format {FORMAT}; write one with certificate.save(...)")
    try:
        _check(Certificate.from_dict(data))
    except (DataError, RecursionError) as error:
        raise DataError(f"{path}: is damaged: {error}") from None
    return data


def _check(found: Certificate) -> None:
    """DataError where parts of a certificate do not fit together."""
    names = list(found.domain)
    if not names or not all(-math.inf < a <= b < math.inf for a, b in found.domain.values()):
        raise DataError("its domain is none")
    if not found.formulas or not all(isinstance(text, str) for text in found.formulas):
        raise DataError("its formulas are not texts")
    if found.tol is not None and not isinstance(found.tol, (int, float)):
        raise DataError("its tolerance is not a number")
    if isinstance(found.error, Proved) and set(found.error.at) != set(names):
        raise DataError("the point of its error has other names than its domain")
    if found.leaves is not None:
        low, high, _ = found.leaves
        if not (low.ndim == 2 and low.shape == high.shape and low.shape[1] == len(names)):
            raise DataError("its boxes have other axes than its domain")
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            raise DataError("its boxes are not finite")


def described(program: Program) -> tuple[str, ...]:
    """The operations of a recorded model in order, a line each, with the shapes and dtypes of all values."""
    return tuple(str(program).splitlines())


def fingerprint(program: Program) -> str:
    """SHA-256 of a recorded model: its equations and the bytes of every number in it."""
    digest = hashlib.sha256()
    digest.update(str(program).encode())
    for e in program.equations:
        for a in e.args:
            value = getattr(a, "value", None)
            if isinstance(value, np.ndarray):
                digest.update(str((value.shape, str(value.dtype))).encode() + np.ascontiguousarray(value).tobytes())
    for t, v in program.state_in:
        value = np.asarray(value_of(t))
        digest.update(f"{v.name}{value.shape}{value.dtype}".encode() + np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()


def named(names: Sequence[str], values: Sequence[float] | np.ndarray) -> dict[str, float]:
    return {name: float(v) for name, v in zip(names, values, strict=True)}


__all__ = [
    "Certificate", "Proved", "Undefined", "ceil_words", "described", "fingerprint", "floor_words", "named",
    "read_certificate",
]  # fmt: skip
