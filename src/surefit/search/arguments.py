"""What somebody means who gives `fit` an argument that it does not have: a setting of the method, model or data."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from surefit.attempts.methods import METHODS
from surefit.data import Sampling, with_settings
from surefit.errors import UnknownArgumentError
from surefit.keywords import meant, naming
from surefit.models.spec import MLPSpec

Function = TypeVar("Function", bound=Callable[..., Any])
_FIRST = 'it comes first, without a name: fit("sin(x)", "x=-3:3")'
_PAIR = "inputs and values come first, as a pair: fit((X, y))"
FIRST = dict.fromkeys(("what", "formula", "function", "func", "f", "expression", "expr", "table", "df", "path"), _FIRST)
FIRST |= dict.fromkeys(("X", "y", "Y"), _PAIR)
OTHER_NAMES = {  # of other libraries, and of the command line
    "hidden": "model=(64, 64), the widths of the hidden layers",
    "hidden_layer_sizes": "model=(64, 64), the widths of the hidden layers",
    "layers": "model=(64, 64), the widths of the hidden layers",
    "units": "model=(64,), the widths of the hidden layers",
    "on": 'domain={"x": (-3, 3)}',
    "bounds": 'domain={"x": (-3, 3)}',
    "num": "data=surefit.Sampling(count=1000)",
    "n": "data=surefit.Sampling(count=1000)",
    "points": "data=surefit.Sampling(count=1000)",
    "sampling": "data=surefit.Sampling(...)",
    "learning_rate": "method=surefit.Adam(lr=1e-3)",
    "optimizer": 'method="adam"',
    "solver": 'method="lm"',
    "max_iter": "method=surefit.Adam(epochs=300)",
    "tolerance": "tol=1e-3",
    "timeout": "time=10",
    "random_state": "seed=0",
    "verbose": "progress=True",
    "callback": "callbacks=[...]",
    "network": "model=...",
    "net": "model=...",
}
OF_DATA = ("target_scale", "missing", "folds", "loss", "quantile", "monotone", "periodic")  # which `Sampling` has, too
OF_VALUES = ("method", "model", "tol", "time", "dtype", "jit", "callbacks")  # that go with values that were told
MEMBERS = ("n", "k", "num", "count", "size", "number", "models", "networks", "n_models", "n_members", "n_estimators")
EXAMPLES = {"epochs": "300", "lr": "1e-3", "batch_size": "64", "activation": '"tanh"', "split": "(0.8, 0.1, 0.1)"}


def cure_of(name: str, known: Sequence[str]) -> str:
    """What to write instead of an argument of this name.

    >>> cure_of("epochs", [])
    'it is a setting of the method: write method=surefit.Adam(epochs=300)'
    >>> cure_of("sed", ["seed"])
    'did you mean seed?'
    """
    if name in FIRST:
        return FIRST[name]
    if name in MEMBERS and "members" in known:
        return "did you mean members?"
    if name in OTHER_NAMES:
        return f"write {OTHER_NAMES[name]}"
    value = EXAMPLES.get(name, "...")
    for kind in sorted(METHODS.values(), key=lambda kind: kind.__name__ != "Adam"):
        if name in {field.name for field in fields(kind)}:
            return f"it is a setting of the method: write method=surefit.{kind.__name__}({name}={value})"
    if name in {field.name for field in fields(MLPSpec)}:
        return f"it is a setting of the model: write model=surefit.MLPSpec({name}={value})"
    if name in {field.name for field in fields(Sampling)}:
        return f"it is a setting of the data: write data=surefit.Sampling({name}={value})"
    found = meant(name, [*known, *OTHER_NAMES, *EXAMPLES])
    if found is not None:
        return f"did you mean {found}?" if found in known else cure_of(found, known)
    if re.fullmatch(r"[a-z]\d*", name):
        return f'an interval is written domain={{"{name}": (-3, 3)}}'
    return f"it takes {', '.join(known)}"


def saying_cures(function: Function) -> Function:
    """Decorates a function: an argument that it does not have is an error that names what to write."""
    return naming(function, cure_of)


def of_told_values(data: Sampling | None, given: Mapping[str, Any]) -> tuple[Sampling | None, dict[str, Any]]:
    """The Sampling, and the other arguments, of a fit of values that were told. UnknownArgumentError names others."""
    known = ("data", "seed", *OF_VALUES, *OF_DATA)
    for name in given:
        if name not in known:
            raise UnknownArgumentError(f"Experiment.fit has no argument {name!r}; {cure_of(name, known)}")
    data = with_settings(data, **{name: given.get(name) for name in OF_DATA})
    return data, {name: value for name, value in given.items() if name not in OF_DATA} | {
        "folds": None if data is None else data.folds
    }


__all__ = ["cure_of", "of_told_values", "saying_cures"]
