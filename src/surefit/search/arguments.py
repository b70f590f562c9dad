"""What somebody means who gives `fit` an argument that it does not have: a setting of the method, model or data."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import ParamSpec, TypeVar

from surefit.attempts.methods import METHODS
from surefit.data import Sampling
from surefit.errors import ArgumentError
from surefit.models.spec import MLPSpec

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

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
EXAMPLES = {"epochs": "300", "lr": "1e-3", "batch_size": "64", "activation": '"tanh"', "split": "(0.8, 0.1, 0.1)"}


def cure_of(name: str, known: list[str]) -> str:
    """What to write instead of an argument of this name.

    >>> cure_of("epochs", [])
    'it is a setting of the method: write method=surefit.Adam(epochs=300)'
    >>> cure_of("sed", ["seed"])
    'did you mean seed?'
    """
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
    close = difflib.get_close_matches(name, [*known, *OTHER_NAMES], 1)
    if close:
        return f"did you mean {close[0]}?" if close[0] in known else cure_of(close[0], known)
    return f"it takes {', '.join(known)}"


def saying_cures(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Decorates a function: an argument that it does not have is an ArgumentError that names what to write."""
    known = [p.name for p in inspect.signature(function).parameters.values()]

    @functools.wraps(function)
    def checked(*args: Arguments.args, **given: Arguments.kwargs) -> Result:
        for name in given:
            if name not in known:
                raise ArgumentError(f"{function.__name__} has no argument {name!r}; {cure_of(name, known)}")
        return function(*args, **given)

    return checked


__all__ = ["cure_of", "saying_cures"]
