"""Settings of fits as one flat mapping: arguments of `fit`, of its network and of its method, by their plain names."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np

from surefit.attempts.methods import METHODS, Adam, Additive, FirstOrder, Method, method_from
from surefit.checking import whole_number
from surefit.errors import ArgumentError, UnknownArgumentError
from surefit.fitting.api import fit
from surefit.keywords import meant
from surefit.models.spec import MLPSpec
from surefit.reports.provenance import text_of

NETWORK = ("hidden", "units", "layers", "activation", "dropout")
OF_FIT = tuple(name for name, p in inspect.signature(fit).parameters.items() if p.kind is p.KEYWORD_ONLY)
OF_STUDIES = ("trials", "processes", "journal", "search", "variants", "seeds", "callback")
LONGEST = 60  # letters of a value in the name of a way; of a longer one its type is told
OF_METHODS = tuple(dict.fromkeys(f.name for kind in METHODS.values() for f in fields(kind)))


def arguments_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `fit` that these settings are.

    hidden (widths, or one), units and layers (layers of so many units each), activation, dropout make the network;
    settings of a method (`lr`, `epochs`, `iterations`, ...) go to `method`, and to Adam where none is named and it has
    them. All others are arguments of `fit`.

    ArgumentError: a name that none of these has, or two that say the same.

    >>> arguments_of({"hidden": 16, "activation": "sin", "lr": 0.01})["method"].lr
    0.01
    """
    given = {name: value for name, value in settings.items() if value is not None}
    of_network = {name: given.pop(name) for name in NETWORK if name in given and not _additive(name, given)}
    found = {name: given.pop(name) for name in OF_FIT if name in given}
    for name in given:
        if name not in OF_METHODS:
            near = meant(name, (*NETWORK, *OF_FIT, *OF_METHODS, *OF_STUDIES))
            cure = (
                f"did you mean {near}?"
                if near
                else f"the network has {', '.join(NETWORK)}, and `fit` {', '.join(OF_FIT)}"
            )
            raise UnknownArgumentError(f"{name}: neither `fit` nor a method has such a setting; {cure}")
    if of_network:
        if "model" in found:
            raise ArgumentError(f"{next(iter(of_network))}: the network is given by model= already; leave one out")
        found["model"] = _network(of_network)
    if given:
        found["method"] = _method(found.get("method"), given)
    elif "method" in found:
        found["method"] = method_from(found["method"])
    return found


def _additive(name: str, given: Mapping[str, Any]) -> bool:
    """Whether `units` are those for each input."""
    method = given.get("method")
    return name == "units" and (method == Additive.name or isinstance(method, Additive))


def _network(given: Mapping[str, Any]) -> MLPSpec:
    hidden = given.get("hidden")
    if hidden is not None and ("units" in given or "layers" in given):
        raise ArgumentError("hidden: units and layers say the same; leave one out")
    if hidden is None:
        units, layers = given.get("units"), given.get("layers", 1)
        if units is None:
            if "layers" in given:
                raise ArgumentError("layers: of how many units? Give units too")
            return MLPSpec(**given)
        hidden = (whole_number("units", units, 1),) * whole_number("layers", layers, 1)
    if isinstance(hidden, str) or not isinstance(hidden, int | np.integer | Iterable):
        raise ArgumentError(
            f"hidden={hidden!r} must be the widths of the hidden layers, such as (64, 64), or one width"
        )
    widths = (hidden,) if isinstance(hidden, int | np.integer) else tuple(hidden)
    rest = {name: given[name] for name in ("activation", "dropout") if name in given}
    return MLPSpec(tuple(whole_number("hidden", width, 1) for width in widths), **rest)


def _method(method: Any, settings: Mapping[str, Any]) -> Method:
    if method is None:
        of_adam = {field.name for field in fields(Adam)}
        having = [name for name, kind in METHODS.items() if set(settings) <= {field.name for field in fields(kind)}]
        if not set(settings) <= of_adam:
            raise ArgumentError(
                f"{next(n for n in settings if n not in of_adam)}: is a setting of {', '.join(having) or 'no method'}; "
                "say which with method="
            )
        method = Adam.name
    if isinstance(method, str):
        return method_from(method, **settings)
    known = {field.name for field in fields(method_from(method))}
    for name in settings:
        if name not in known:
            raise ArgumentError(
                f"{name}: {type(method).__name__} has no such setting; it has {', '.join(sorted(known))}"
            )
    return replace(method, **settings)


def words_of(settings: Mapping[str, Any]) -> str:
    """Settings in a few words: a method and widths by themselves, others by name."""
    parts = []
    for name, value in settings.items():
        if isinstance(value, MLPSpec):
            widths = () if value.hidden is None else value.hidden
            text = f"{'-'.join(map(str, widths))} {value.activation}".strip()
        elif name in ("method", "activation"):
            text = value if isinstance(value, str) else _method_words(value)
        elif name in ("hidden", "model") and isinstance(value, int | tuple | list):
            text = "-".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
        else:
            shown = f"{value:.4g}" if isinstance(value, float) else _said(value)
            text = f"{name}={shown if len(shown) < LONGEST else type(value).__name__}"
        parts.append(text)
    return ", ".join(parts)


def _said(value: Any) -> str:
    """A value as a call has it: `Sampling(count=50)`; of what has no such text its own."""
    if isinstance(value, str | int | None):
        return str(value)
    return (text_of(value) or str(value)).removeprefix("surefit.")


def _method_words(method: Any) -> str:
    """A method with the settings that are not its usual ones."""
    if not isinstance(method, FirstOrder) and not hasattr(method, "settings"):
        return str(method)
    usual = {f.name: f.default for f in fields(method)}
    own = {name: getattr(method, name) for name in usual if getattr(method, name) != usual[name]}
    return method.name + (f" ({', '.join(f'{k}={v}' for k, v in own.items())})" if own else "")


__all__ = ["arguments_of", "words_of"]
