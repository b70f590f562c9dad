"""The routes of the server in OpenAPI 3.1, made from the limits that the server itself keeps."""

from __future__ import annotations

from typing import Any

from surefit._version import __version__
from surefit.data import DESIGNS

from .guard import BODY
from .taking import FORMATS, LANGUAGES
from .wishes import (
    ACTIVATIONS,
    CSV,
    EPOCHS,
    FORMULA,
    INITIAL,
    INPUTS,
    LAYERS,
    METHODS,
    NAME,
    POINTS,
    ROWS,
    SLOWEST,
    UNITS,
)  # fmt: skip

ACTIONS = ("pause", "resume", "step", "speed", "stop")


def number(low: float, high: float, default: float) -> dict[str, Any]:
    return {"type": "number", "minimum": low, "maximum": high, "default": default}


def whole(low: int, high: int, default: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": low, "maximum": high, "default": default}


def choice(options: tuple[str, ...], default: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(options), "default": default}


def record(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "properties": properties}
    return found | ({"required": list(required)} if required else {})


INTERVAL = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
WISH = {
    "formula": {"type": "string", "maxLength": FORMULA, "description": "of one or two variables; needed without table"},
    "domain": {"type": "object", "additionalProperties": INTERVAL, "description": "an interval for each variable"},
    "table": record(
        {
            "file": {"type": "string", "maxLength": NAME, "description": "what it was read from, for the call as code"},
            "decimal": choice((".", ","), "."),
            "names": {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": INPUTS + 1},
            "rows": {
                "type": "array", "minItems": 8, "maxItems": ROWS,
                "items": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": INPUTS + 1},
            },
        },
        "names", "rows",
    ),
    "exact": {"type": "boolean", "default": False, "description": "the values of the table have no noise"},
    "points": whole(4, POINTS, 200),
    "noise": number(0, 1e6, 0),
    "design": choice(DESIGNS, "auto"),
    "hidden": {
        "type": "array", "items": {"type": "integer", "minimum": 1, "maximum": UNITS}, "minItems": 1,
        "maxItems": LAYERS, "default": [16],
    },
    "activation": {
        "oneOf": [
            {"type": "string", "enum": list(ACTIVATIONS)},
            {"type": "array", "items": {"type": "string", "enum": list(ACTIVATIONS)}, "description": "of each layer"},
        ],
        "default": "tanh",
    },
    "bias": {"type": "boolean", "default": True},
    "init": choice(INITIAL, "auto"),
    "method": choice(METHODS, "adam"),
    "lr": number(1e-7, 100, 0.01),
    "batch": whole(1, POINTS, 32),
    "epochs": whole(1, EPOCHS, 1000),
    "seed": whole(0, 2**31 - 1, 0),
}  # fmt: skip
DELAY = number(0, SLOWEST, 0) | {"description": "seconds that each epoch takes at least"}
SESSION = {"type": "string", "maxLength": 40}
BODIES = {
    "check": record(WISH),
    "table": record({"csv": {"type": "string", "maxLength": CSV}, "decimal": choice((".", ","), ".")}, "csv"),
    "train": record(WISH | {"paused": {"type": "boolean", "default": False}, "delay": DELAY}),
    "control": record(
        {
            "session": SESSION, "action": {"type": "string", "enum": list(ACTIONS)}, "count": whole(1, 1000, 1),
            "delay": DELAY,
        },
        "session", "action",
    ),
    "export": record({"session": SESSION, "to": choice(FORMATS, "c"), "lang": choice(LANGUAGES, "en")}, "session"),
    "prove": record({"session": SESSION}, "session"),
}  # fmt: skip
SAID = {
    "check": "What a wish means: the formula typeset and on a grid, the size of the network, the call as code.",
    "table": "The columns and rows of a CSV text.",
    "train": "Train; server-sent events session, frame, done and failed. Whoever hangs up stops it.",
    "control": "Steer a training.",
    "export": "The network, or pictures and words about it, as a file.",
    "prove": "Prove the error of a network; server-sent events gap and proved.",
}
EVENTS = ("train", "prove")
REFUSED = {
    400: "what came cannot be done, in one sentence", 401: "no token, or a wrong one", 403: "another page asks",
    413: f"more than {BODY} bytes", 415: "no JSON", 421: "another host name",
}  # fmt: skip


def content_of(name: str) -> dict[str, Any]:
    """What comes when all is well."""
    if name in EVENTS:
        return {"text/event-stream": {"schema": {"type": "string"}}}
    if name == "export":
        return {"application/octet-stream": {}}
    return {"application/json": {"schema": {"type": "object"}}}


def description() -> dict[str, Any]:
    """The description, as JSON."""
    failure = record({"error": {"type": "string"}, "field": {"type": "string"}}, "error")
    refused = {
        str(code): {"description": why, "content": {"application/json": {"schema": failure}}}
        for code, why in REFUSED.items()
    }
    paths = {}
    for name, body in BODIES.items():
        done = {"200": {"description": "done", "content": content_of(name)}}
        paths[f"/api/{name}"] = {
            "post": {
                "operationId": name, "summary": SAID[name], "security": [{"token": []}],
                "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
                "responses": done | refused,
            }
        }  # fmt: skip
    return {
        "openapi": "3.1.0",
        "info": {"title": "surefit play", "version": __version__},
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": "x-surefit-token"}},
        },
    }


__all__ = ["ACTIONS", "BODIES", "description"]
