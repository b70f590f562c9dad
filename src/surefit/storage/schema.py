"""What the texts of a model file may be: one table of all fields, and the check of a header against it.

A field that is not in the table may be there, as plain data, and is not looked at. So files can get fields that older
versions of surefit need not know; what they must know raises the number of the format.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from typing import Any

from surefit.attempts.methods import FirstOrder
from surefit.errors import ModelFileError, SurefitError
from surefit.search.classes import KINDS as CLASS_KINDS
from surefit.search.judging import KINDS
from surefit.sentences import from_dict
from surefit.solvers.gaussian_process import KERNELS, MEANS

Check = Callable[[Any, str], None]  # a value and where it stands; ModelFileError when it cannot be there
DEEPEST = 40  # plain data in plain data, and sentences in sentences: a mean of seven models has 20 of them
LONGEST = 200_000  # characters of one text


def wrong(where: str, value: Any, wanted: str) -> ModelFileError:
    """The error of a field that is not what it must be."""
    shown = repr(value)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return ModelFileError(f"{where} is {shown}, which must be {wanted}")


def whole(least: int = 0, most: int = 2**63 - 1) -> Check:
    """A whole number, no truth value."""

    def check(value: Any, where: str) -> None:
        if type(value) is not int or not least <= value <= most:
            raise wrong(where, value, f"a whole number >= {least}")

    return check


def number(value: Any, where: str) -> None:
    """A finite number."""
    if type(value) not in (int, float) or not math.isfinite(value) or abs(value) > 1e308:
        raise wrong(where, value, "a number")


def amount(value: Any, where: str) -> None:
    """A number >= 0."""
    number(value, where)
    if value < 0:
        raise wrong(where, value, "a number >= 0")


def share(value: Any, where: str) -> None:
    """A number from 0 to 1."""
    amount(value, where)
    if value > 1:
        raise wrong(where, value, "a number from 0 to 1")


def positive(value: Any, where: str) -> None:
    """A number > 0 that can be divided by."""
    amount(value, where)
    if not 1e-6 <= value <= 1e6:
        raise wrong(where, value, "a number > 0")


def text(value: Any, where: str) -> None:
    """A text."""
    if not isinstance(value, str) or len(value) > LONGEST:
        raise wrong(where, value, "a text")


def truth(value: Any, where: str) -> None:
    """True or False."""
    if not isinstance(value, bool):
        raise wrong(where, value, "true or false")


def plain(value: Any, where: str, deep: int = 0) -> None:
    """Any plain data, not too deep."""
    if deep > DEEPEST:
        raise wrong(where, value, "nested less deeply")
    for key, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        plain(part, f"{where}.{key}", deep + 1)


def one_of(*values: Any) -> Check:
    """One of some values, of the same type."""

    def check(value: Any, where: str) -> None:
        if not any(type(value) is type(v) and value == v for v in values):
            raise wrong(where, value, f"one of {', '.join(map(repr, values))}")

    return check


def perhaps(inner: Check) -> Check:
    """None, or what `inner` says."""
    return lambda value, where: None if value is None else inner(value, where)


def either(*kinds: Check) -> Check:
    """What one of some checks lets pass."""

    def check(value: Any, where: str) -> None:
        for kind in kinds[:-1]:
            with suppress(ModelFileError):
                kind(value, where)
                return
        kinds[-1](value, where)

    return check


def list_of(inner: Check, least: int = 0, most: int = 10**6) -> Check:
    """A list of so many."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise wrong(where, value, "a list" if least == 0 else f"a list of at least {least}")
        for i, part in enumerate(value):
            inner(part, f"{where}[{i}]")

    return check


def by_name(inner: Check) -> Check:
    """Any names, each with what `inner` says."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise wrong(where, value, "an object")
        for key, part in value.items():
            inner(part, f"{where}.{key[:60]}")

    return check


def record(required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    """An object with these fields, and others as plain data."""
    checks = required | (optional or {})

    def check(value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise wrong(where, value, "an object")
        missing = [name for name in required if name not in value]
        if missing:
            raise ModelFileError(f"{where}.{missing[0]} is missing")
        for name, part in value.items():
            checks.get(name, plain)(part, f"{where}.{name[:60]}")

    return check


def sentence(value: Any, where: str) -> None:
    """A text, or a sentence with code and values that can be said in each language."""
    if isinstance(value, str):
        return text(value, where)
    plain(value, where)
    _sentence(value, where)
    try:
        from_dict(value).said("zh")
    except (LookupError, TypeError, ValueError, AttributeError, SurefitError):
        raise wrong(where, value, "a sentence with its values") from None


def _scalar(value: Any, where: str) -> None:
    if isinstance(value, (dict, list)):
        raise wrong(where, value, "a number, a text, true, false or null")


def _sentence_value(value: Any, where: str) -> None:
    if isinstance(value, dict):
        return (_not_finite if "number" in value else _sentence)(value, where)
    if isinstance(value, list):
        return list_of(_scalar)(value, where)
    return None


_not_finite = record({"number": one_of("inf", "-inf", "nan")})
_sentence = record({"text": text, "code": text, "values": by_name(_sentence_value)})
count = whole()
place = by_name(number)


def target(value: Any, where: str) -> None:
    """What was fitted; each kind has words of its own."""
    record({"kind": one_of("formula", "table", "callable")})(value, where)
    words: dict[str, dict[str, Check]] = {
        "formula": {"text": list_of(text, least=1)},
        "table": {"name": text, "rows": count},
        "callable": {"name": text},
    }
    record(words[value["kind"]])(value, where)


def method(value: Any, where: str) -> None:
    """The settings of a method: those of a first-order method, or those of a solver with the stage that was kept."""
    solved = isinstance(value, dict) and "stage" in value
    needed = ["method", "loss", "scale", "best_weights"]
    if solved:
        needed += ["stage"]
    else:
        needed += [f.name for f in fields(FirstOrder) if f.name != "solve_output"]  # which the first files lack
    record({name: _SETTINGS[name] for name in dict.fromkeys(needed)}, _SETTINGS)(value, where)


_SETTINGS: dict[str, Check] = {
    "method": text,
    "lr": number,
    "epochs": whole(1),
    "batch_size": whole(1),
    "schedule": text,
    "patience": perhaps(whole(1)),
    "loss": text,
    "weight_decay": amount,
    "clip_norm": perhaps(amount),
    "scale": truth,
    "best_weights": truth,
    "solve_output": truth,
    "betas": list_of(number, 2, 2),
    "momentum": number,
    "alpha": number,
    "nesterov": truth,
    "amsgrad": truth,
    "centered": truth,
    "stage": text,
    "choice": perhaps(list_of(text)),
    "rounded": truth,
    "ridge": perhaps(either(number, text)),
    "iterations": whole(1),
    "evaluations": whole(1),
    "draws": whole(1),
    "memory": whole(1),
    "degree": whole(1),
    "solver": text,
    "units": perhaps(either(number, text)),
    "gain": perhaps(either(number, text)),
    "output_norm": perhaps(number),
    "jumps": perhaps(number),
}

between = record({"low": amount, "high": amount, "level": amount})  # where an estimated error lies

error = record(
    {
        "max": perhaps(amount), "at": place, "rmse": perhaps(amount), "relative_l2": perhaps(amount), "points": count,
        "on": text,
    },
    {
        "status": text, "kind": one_of(*KINDS), "chose": truth, "r2": perhaps(number), "left_out": count,
        "outputs": list_of(
            record(
                {"name": text, "max": perhaps(amount), "at": place, "rmse": perhaps(amount), "r2": perhaps(number)},
                {"median": perhaps(amount), "varies": perhaps(amount), "rmse_range": between},
            )
        ),
        "rmse_range": between,
    },
)  # fmt: skip

card = record(
    {
        "target": target, "inputs": list_of(text, 1), "outputs": list_of(text, 1),
        "domain": record(
            {"names": list_of(text, 1), "low": list_of(number, 1), "high": list_of(number, 1)}, {"log": list_of(text)}
        ),
        "data": record(
            {"train": count, "validation": count, "test": count, "dropped": count}, {"added": list_of(count)}
        ),
        "network": record({"dtype": one_of("float32", "float64")}),
        "method": method, "best_epoch": perhaps(count), "steps": count, "seconds": amount, "stop_reason": text,
        "interrupted": truth, "error": error, "tol": perhaps(amount), "seed": count, "warnings": list_of(text),
        "surefit": text,
    },
    {
        "notes": list_of(text), "call": by_name(perhaps(text)), "environment": by_name(text),
        "compile_seconds": perhaps(amount), "restarts": list_of(perhaps(number)),
        "teacher": perhaps(record({"teacher": text, "error": error, "distance": error})),
    },
)  # fmt: skip

said = record(
    {},
    {
        "stop_reason": sentence, "warnings": list_of(sentence), "notes": list_of(sentence), "stage": sentence,
        "choice": perhaps(list_of(sentence)), "stages": list_of(sentence),
    },
)  # fmt: skip

perceptron = record(
    {
        "kind": one_of("mlp"), "n_in": whole(1), "hidden": list_of(whole(1)), "n_out": whole(1),
        "activation": either(text, list_of(text)), "dropout": amount, "norm": perhaps(one_of("batch", "layer")),
        "residual": truth,
    },
    {"bias": truth},
)  # fmt: skip


def network(value: Any, where: str) -> None:
    """A perceptron by its settings, or a recorded program, whose equations are checked where it is built."""
    record({"kind": one_of("mlp", "program")})(value, where)
    if value["kind"] == "mlp":
        perceptron(value, where)
    else:
        required = {"inputs": list_of(plain, 1), "state": list_of(plain), "outputs": list_of(plain, 1)}
        record(required, {"said": sentence, "fixed": list_of(whole())})(value, where)
        list_of(list_of(plain, 4, 4))(value.get("equations"), f"{where}.equations")


row = record(
    {
        "epoch": whole(1), "train_loss": perhaps(number), "validation_loss": perhaps(number), "lr": perhaps(number),
        "seconds": perhaps(number),
    },
    {"stage": text},
)  # fmt: skip


def process(value: Any, where: str) -> None:
    """A Gaussian process of a teacher: outputs, kernel, mean, hyperparameters.

    And, where it has them, its share, its inputs if not all, those with logarithms, those with an effect alone, and
    whether it is one of logarithms of the values.
    """
    list_of(plain, 4, 9)(value, where)
    long = len(value)
    inputs = perhaps(list_of(count, 1)) if long > 6 else list_of(count, 1)
    logs, effects = list_of(count, int(long == 7)), list_of(count, int(long == 8))
    checks = (
        list_of(count, 1), one_of(*KERNELS), one_of(*MEANS), list_of(number, 2), positive, inputs, logs, effects, truth,
    )  # fmt: skip
    for part, check in zip(value, checks[: len(value)], strict=True):
        check(part, where)


classified = record(
    {
        "classes": either(list_of(text, 2), list_of(either(truth, number), 2)), "floor": positive, "power": positive,
        "kind": one_of(*CLASS_KINDS), "n": whole(1), "accuracy": share, "low": share, "high": share, "base": share,
        "log_loss": amount, "calibration": amount, "confusion": list_of(list_of(count), 2),
    }
)  # fmt: skip

columns = record({"rows": count, "columns": by_name(either(one_of("int", "float"), list_of(text)))})

coded = record(
    {"name": text, "kind": text, "categories": list_of(text), "unit": text, "origin": text},
    {"fill": number, "flagged": truth, "zoned": truth, "rare": list_of(text)},
)

common: dict[str, Check] = {"format": whole(1), "card": card, "network": network}
FORMATS: dict[int, Check] = {
    1: record(common | {"history": list_of(row)}, {"said": said, "exact": truth, "score": perhaps(number)}),
    2: record(
        common
        | {
            "said": said, "exact": truth, "score": perhaps(number), "history": columns,
            "random": record({"seed": count, "generator": text}),
            "sample": record({"rows": whole(1), "largest": by_name(perhaps(amount)), "claim": truth}),
            "extra": by_name(plain), "classified": perhaps(classified),
        },
        {
            "coding": list_of(coded), "noise": one_of("rows", "none"),
            "teacher": perhaps(record({"noise": perhaps(amount), "parts": list_of(process, 1)})),
        },
    ),
}  # fmt: skip
FORMATS[3] = FORMATS[2]  # with names of today for settings


def check_header(header: dict[str, Any]) -> None:
    """ModelFileError for the first field that is missing or not what it must be; and where two do not fit together."""
    FORMATS[header["format"]](header, "header")
    about, network = header["card"], header["network"]
    names, box = about["inputs"], about["domain"]
    if box["names"] != names or not len(names) == len(box["low"]) == len(box["high"]):
        raise ModelFileError(f"the domain has {len(box['names'])} variables, and the inputs are {len(names)}")
    if network["kind"] == "mlp" and (network["n_in"], network["n_out"]) != (len(names), len(about["outputs"])):
        raise ModelFileError(
            f"the network maps {network['n_in']} numbers to {network['n_out']}, and there are {len(names)} inputs and "
            f"{len(about['outputs'])} outputs"
        )
    solved = "stage" in about["method"]
    if solved != ("stage" in header.get("said", {"stage": 0} if solved else {})):
        raise ModelFileError("the method and the sentences about it do not tell of the same kind of fit")
    for part in (about["error"], *about["error"].get("outputs", ())):
        if set(part["at"]) not in (set(names), set()):
            raise ModelFileError(f"an error is told at {', '.join(part['at'])[:60]}, and the inputs are others")


__all__ = ["check_header", "wrong"]
