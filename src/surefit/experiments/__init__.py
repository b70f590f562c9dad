"""The experiments that surefit was started from: reproduced, explained and surpassed.

Each is one file to read from top to bottom: settings with a reason beside each, the loop, the claims. `run(name)` runs
one and gives a `Result`: the published numbers beside ours, tables, claims, pictures. `byhand` holds the hand-written
layers that most of them are made of.
"""

from __future__ import annotations

import time as clock
from dataclasses import replace
from importlib import import_module

from surefit.errors import ArgumentError
from surefit.view.style import speaking

from .result import Claim, Grid, Options, Picture, Result, Row, Setting, Verdict, markdown, save, settings_of, tally

NAMES = ("sine-reciprocal", "two-ways", "digits", "three-functions", "sine-by-sample", "two-inputs")


def run(name: str, options: Options | None = None) -> Result:
    """Run an experiment by its name.

    Raises:
        ArgumentError: there is no experiment of this name.
        DataError: `digits` without the MNIST files; the message says how to get them.
    """
    if name not in NAMES:
        raise ArgumentError(f"there is no experiment {name!r}; they are {', '.join(NAMES)}")
    module = import_module(f"surefit.experiments.{name.replace('-', '_')}")
    options = options or Options()
    began = clock.perf_counter()
    with speaking(options.lang):  # without a font for Chinese the pictures are English, with a warning
        result: Result = module.run(options)
    return replace(result, quick=options.quick, seconds=clock.perf_counter() - began, settings=settings_of(module))


__all__ = [
    "NAMES",
    "Claim",
    "Grid",
    "Options",
    "Picture",
    "Result",
    "Row",
    "Setting",
    "Verdict",
    "markdown",
    "run",
    "save",
    "tally",
]
