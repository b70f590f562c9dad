"""three-functions: Linear(1, 100) - ReLU - Linear(100, 1) with Adam on three functions (document 002).

The document shows the fits only; of the second it says that it needs improvement. What it lacks is scaling: the second
and third function reach 10^3 and 10^4, and the inputs 10.
"""

from __future__ import annotations

import time as clock
from dataclasses import dataclass
from typing import Any

import numpy as np

from surefit import fitting, formulas, nn, optim, view
from surefit.core.creation import tensor
from surefit.core.tensor import no_grad

from .result import FIGURE_ONLY, Claim, Grid, Options, Picture, Result, Row, own, verdict_of
from .stepping import compiled_step

# --- settings ---------------------------------------------------------------------------------------------------

LOW, HIGH, POINTS = -10.0, 10.0, 100  # given: linspace
HIDDEN = 100  # given
LR = 1e-2  # given, for Adam
EPOCHS = 5000  # given, all points in each step
SEED = 0  # not given
VERY_GOOD = 0.02  # relative error of a "very good" fit: about the width of a line in a picture
POOR = 0.1  # relative error that needs improvement: a tenth of the deviation can be seen in any picture
FINE = 2001  # points of the error: between the training points as well as on them

# given
FUNCTIONS = {
    "f1": "sin(x)",
    "f2": "sin(x)^2 + x^3*cos(x) + 4*x + 2",
    "f3": "x^4 - x^3 + x^2 - x + 1",
}

Array = np.ndarray


@dataclass
class Trained:
    """A run: the prediction on the fine grid, losses by epoch, relative error there, seconds."""

    prediction: Array
    losses: list[float]
    error: float
    seconds: float


def relative(prediction: Array, truth: Array) -> float:
    """The root of the mean square error over the function's deviation: 1 is what the best constant reaches."""
    return float(np.sqrt(np.square(prediction - truth).mean()) / truth.std())


def train(text: str, epochs: int, scale_x: bool, scale_y: bool) -> Trained:
    """The document's loop on surefit's parts; inputs divided by 10, labels to mean 0 and deviation 1, where asked."""
    function = formulas.parse(text)
    x = np.linspace(LOW, HIGH, POINTS)[:, None]
    fine = np.linspace(LOW, HIGH, FINE)[:, None]
    y, truth = (function.on_points(points)[:, None] for points in (x, fine))
    unit = HIGH if scale_x else 1.0
    shift, size = (float(y.mean()), float(y.std())) if scale_y else (0.0, 1.0)
    inputs, labels = tensor(x / unit).float(), tensor((y - shift) / size).float()

    network = nn.Sequential(nn.Linear(1, HIDDEN, generator=SEED), nn.ReLU(), nn.Linear(HIDDEN, 1, generator=SEED + 1))
    optimizer = optim.Adam(network.parameters(), lr=LR)

    step = compiled_step(network, optimizer)

    began = clock.perf_counter()
    losses = [float(step(inputs, labels).item()) * size**2 for _ in range(epochs)]
    seconds = clock.perf_counter() - began
    with no_grad():
        prediction = network(tensor(fine / unit).float()).numpy() * size + shift
    return Trained(prediction[:, 0], losses, relative(prediction, truth), seconds)


# --- the run ---------------------------------------------------------------------------------------------------


def run(options: Options) -> Result:
    """Raw, scaled, and surefit's own fit of the three functions."""
    epochs = 500 if options.quick else EPOCHS
    result = Result(
        "three-functions",
        "Three functions with Adam, raw and scaled",
        "document 002",
        "100 points on (-10, 10), 100 hidden units, 5 000 steps of Adam on all of them.",
    )
    variants = {
        "raw": (False, False),
        "inputs scaled": (True, False),
        "outputs scaled": (False, True),
        "both": (True, True),
    }
    runs: dict[str, dict[str, Trained]] = {}
    fits = {}
    for name, text in FUNCTIONS.items():
        runs[name] = {}
        for variant, (scale_x, scale_y) in variants.items():
            options.log(f"{name}, {variant}")
            runs[name][variant] = train(text, epochs, scale_x, scale_y)
        options.log(f"{name}, surefit's own way")
        method = fitting.Adam(epochs=30) if options.quick else "auto"
        fits[name] = fitting.fit(text, {"x": (LOW, HIGH)}, method=method)

    fine = np.linspace(LOW, HIGH, FINE)
    for name, text in FUNCTIONS.items():
        truth = formulas.parse(text).on_points(fine[:, None])
        raw, fit = runs[name]["raw"], fits[name]
        own_error = relative(fit.predict(fine), truth)
        result.rows += [
            Row(
                f"{name} = {text}: final MSE",
                FIGURE_ONLY,
                raw.losses[-1],
                float(np.square(fit.predict(fine) - truth).mean()),
                raw.seconds,
                fit.seconds,
            ),
            Row(
                f"{name}: relative RMS error on {FINE} points",
                FIGURE_ONLY,
                raw.error,
                own_error,
                raw.seconds,
                fit.seconds,
            ),
        ]
    rows: list[Any] = [(name, *(runs[name][v].error for v in variants)) for name in FUNCTIONS]
    note = f"Relative RMS error on {FINE} points after {epochs} steps; the network, rate and steps are the document's."
    result.grids.append(Grid("Raw and scaled", ("function", *variants), rows, note))

    better = {name: float(str(row.better)) for name, row in zip(FUNCTIONS, result.rows[1::2], strict=True)}
    raw_errors = {name: runs[name]["raw"].error for name in FUNCTIONS}
    both = {name: runs[name]["both"].error for name in FUNCTIONS}
    result.claims += claims(raw_errors, both, better, tested=not options.quick)
    result.pictures += _pictures(runs, fits, fine)
    return result


def claims(raw: dict[str, float], scaled: dict[str, float], better: dict[str, float], *, tested: bool) -> list[Claim]:
    """From relative errors by function: of the document's run, of the one that is scaled, of surefit's own fit."""
    return [
        Claim(
            "the fits are very good, but for that of f2 (figures only)",
            verdict_of(raw["f1"] < VERY_GOOD, raw["f3"] < VERY_GOOD, tested=tested),
            f"relative error of f1 {raw['f1']:.2g}, of f3 {raw['f3']:.2g}; very good is called what is below "
            f"{VERY_GOOD:g}, the width of a line in a picture",
            "none of the three is: the error can be seen in each",
            verdict_of(*(raw[name] > VERY_GOOD for name in FUNCTIONS), tested=tested),
        ),
        Claim(
            "f2 needs improvement",
            verdict_of(raw["f2"] > POOR, tested=tested),
            f"relative error of f2 {raw['f2']:.2g} as given, {scaled['f2']:.2g} with inputs and labels scaled; of f3 "
            f"{raw['f3']:.2g} and {scaled['f3']:.2g}",
            "it needs scaling, and so does f3",
            verdict_of(*(raw[name] > 1.5 * scaled[name] for name in ("f2", "f3")), tested=tested),
        ),
        own(
            "surefit.fit, which scales and chooses by itself, is better on all three",
            verdict_of(*(better[name] < raw[name] for name in FUNCTIONS), tested=tested),
            "relative error " + ", ".join(f"{name} {error:.1e}" for name, error in better.items()),
        ),
    ]


def _pictures(runs: dict[str, dict[str, Trained]], fits: dict[str, Any], fine: Array) -> list[Picture]:
    Curve, Panel = view.Curve, view.Panel
    shown, errors = [], []
    for name, text in FUNCTIONS.items():
        truth = formulas.parse(text).on_points(fine[:, None])
        curves = {
            "raw": runs[name]["raw"].prediction,
            "scaled": runs[name]["both"].prediction,
            "surefit.fit": fits[name].predict(fine),
        }
        lines = [Curve(fine, values, label) for label, values in curves.items()]
        shown.append(Panel([Curve(fine, truth, "target", "target"), *lines], "x", "y", title=f"{name} = {text}"))
        gaps = [Curve(fine, np.abs(values - truth) / truth.std(), label) for label, values in curves.items()]
        errors.append(Panel(gaps, "x", "relative |error|", title=name, log="y"))
    return [
        Picture(
            "three-functions",
            "The three functions, raw, scaled, and surefit's own fit.",
            view.chart(shown, title="Adam, 100 hidden units: raw, scaled, and surefit.fit"),
        ),
        Picture(
            "three-functions-errors",
            "Their errors.",
            view.chart(errors, share_y=True, title="Errors over the deviation of each function"),
        ),
    ]
