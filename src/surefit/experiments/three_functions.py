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
from surefit.core.modes import no_grad
from surefit.sentences import both, zh

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

RAW = both("raw", "原样")

# given
FUNCTIONS = {
    "f1": "sin(x)",
    "f2": "sin(x)^2 + x^3*cos(x) + 4*x + 2",
    "f3": "x^4 - x^3 + x^2 - x + 1",
}

REASONS_IN_CHINESE = {
    "LOW, HIGH, POINTS": "文献给出：linspace",
    "LR": "文献给出，用于 Adam",
    "EPOCHS": "文献给出，每步用全部点",
    "VERY_GOOD": "“非常好”的拟合的相对误差：约为图中一条线的宽度",
    "POOR": "有待改进的相对误差：标准差的十分之一在任何图上都看得出来",
    "FINE": "计算误差的点数：既在训练点上，也在训练点之间",
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
        both("Three functions with Adam, raw and scaled", "用 Adam 拟合三个函数：原样与缩放"),
        both("document 002", "文献 002"),
        both(
            "100 points on (-10, 10), 100 hidden units, 5 000 steps of Adam on all of them.",
            "(-10, 10) 上的 100 个点，100 个隐藏单元，用 Adam 在全部点上训练 5 000 步。",
        ),
    )
    variants = {
        RAW: (False, False),
        both("inputs scaled", "输入缩放"): (True, False),
        both("outputs scaled", "输出缩放"): (False, True),
        both("both", "都缩放"): (True, True),
    }
    runs: dict[str, dict[str, Trained]] = {}
    fits = {}
    for name, text in FUNCTIONS.items():
        runs[name] = {}
        for variant, (scale_x, scale_y) in variants.items():
            options.log(both(f"{name}, {variant}", f"{name}，{zh(variant)}"))
            runs[name][variant] = train(text, epochs, scale_x, scale_y)
        options.log(both(f"{name}, surefit's own way", f"{name}，surefit 自己的做法"))
        method = fitting.Adam(epochs=30) if options.quick else "auto"
        fits[name] = fitting.fit(text, {"x": (LOW, HIGH)}, method=method)

    fine = np.linspace(LOW, HIGH, FINE)
    for name, text in FUNCTIONS.items():
        truth = formulas.parse(text).on_points(fine[:, None])
        raw, fit = runs[name]["raw"], fits[name]
        own_error = relative(fit.predict(fine), truth)
        result.rows += [
            Row(
                both(f"{name} = {text}: final MSE", f"{name} = {text}：最终 MSE"),
                FIGURE_ONLY,
                raw.losses[-1],
                float(np.square(fit.predict(fine) - truth).mean()),
                raw.seconds,
                fit.seconds,
            ),
            Row(
                both(f"{name}: relative RMS error on {FINE} points", f"{name}：{FINE} 个点上的相对 RMS 误差"),
                FIGURE_ONLY,
                raw.error,
                own_error,
                raw.seconds,
                fit.seconds,
            ),
        ]
    rows: list[Any] = [(name, *(runs[name][v].error for v in variants)) for name in FUNCTIONS]
    note = both(
        f"Relative RMS error on {FINE} points after {epochs} steps; the network, rate and steps are the document's.",
        f"训练 {epochs} 步后 {FINE} 个点上的相对 RMS 误差；网络、学习率和步数是文献的。",
    )
    result.grids.append(Grid(both("Raw and scaled", "原样与缩放"), (both("function", "函数"), *variants), rows, note))

    better = {name: float(str(row.better)) for name, row in zip(FUNCTIONS, result.rows[1::2], strict=True)}
    raw_errors = {name: runs[name]["raw"].error for name in FUNCTIONS}
    scaled = {name: runs[name]["both"].error for name in FUNCTIONS}
    result.claims += claims(raw_errors, scaled, better, tested=not options.quick)
    result.pictures += _pictures(runs, fits, fine)
    return result


def claims(raw: dict[str, float], scaled: dict[str, float], better: dict[str, float], *, tested: bool) -> list[Claim]:
    """From relative errors by function: of the document's run, of the one that is scaled, of surefit's own fit."""
    errors = ", ".join(f"{name} {error:.1e}" for name, error in better.items())
    return [
        Claim(
            both("the fits are very good, but for that of f2 (figures only)", "除 f2 外，拟合都非常好（仅有图）"),
            verdict_of(raw["f1"] < VERY_GOOD, raw["f3"] < VERY_GOOD, tested=tested),
            both(
                f"relative error of f1 {raw['f1']:.2g}, of f3 {raw['f3']:.2g}; very good is called what is below "
                f"{VERY_GOOD:g}, the width of a line in a picture",
                f"f1 的相对误差 {raw['f1']:.2g}，f3 的 {raw['f3']:.2g}；小于 {VERY_GOOD:g}（图中一条线的宽"
                "度）才称为非常好",
            ),
            both("none of the three is: the error can be seen in each", "三个都不是：每个的误差都看得出来"),
            verdict_of(*(raw[name] > VERY_GOOD for name in FUNCTIONS), tested=tested),
        ),
        Claim(
            both("f2 needs improvement", "f2 有待改进"),
            verdict_of(raw["f2"] > POOR, tested=tested),
            both(
                f"relative error of f2 {raw['f2']:.2g} as given, "
                f"{scaled['f2']:.2g} with inputs and labels scaled; of f3 "
                f"{raw['f3']:.2g} and {scaled['f3']:.2g}",
                f"f2 的相对误差按原样为 {raw['f2']:.2g}，输入和标签都缩放后为 {scaled['f2']:.2g}；f3 为 {raw['f3']:.2g}"
                f" 和 {scaled['f3']:.2g}",
            ),
            both("it needs scaling, and so does f3", "它需要缩放，f3 也一样"),
            verdict_of(*(raw[name] > 1.5 * scaled[name] for name in ("f2", "f3")), tested=tested),
        ),
        own(
            both(
                "surefit.fit, which scales and chooses by itself, is better on all three",
                "自行缩放、自行选择的 surefit.fit 在三个函数上都更好",
            ),
            verdict_of(*(better[name] < raw[name] for name in FUNCTIONS), tested=tested),
            both(f"relative error {errors}", f"相对误差 {errors}"),
        ),
    ]


def _pictures(runs: dict[str, dict[str, Trained]], fits: dict[str, Any], fine: Array) -> list[Picture]:
    Curve, Panel = view.Curve, view.Panel
    shown, errors = [], []
    for name, text in FUNCTIONS.items():
        truth = formulas.parse(text).on_points(fine[:, None])
        curves = {
            RAW: runs[name]["raw"].prediction,
            both("scaled", "缩放"): runs[name]["both"].prediction,
            "surefit.fit": fits[name].predict(fine),
        }
        lines = [Curve(fine, values, label) for label, values in curves.items()]
        shown.append(
            Panel([Curve(fine, truth, both("target", "目标"), "target"), *lines], "x", "y", title=f"{name} = {text}")
        )
        gaps = [Curve(fine, np.abs(values - truth) / truth.std(), label) for label, values in curves.items()]
        errors.append(Panel(gaps, "x", both("relative |error|", "相对|误差|"), title=name, log="y"))
    return [
        Picture(
            "three-functions",
            both(
                "The three functions, raw, scaled, and surefit's own fit.",
                "三个函数：原样、缩放，以及 surefit 自己的拟合。",
            ),
            view.chart(
                shown,
                title=both(
                    "Adam, 100 hidden units: raw, scaled, and surefit.fit",
                    "Adam，100 个隐藏单元：原样、缩放与 surefit.fit",
                ),
            ),
        ),
        Picture(
            "three-functions-errors",
            both("Their errors.", "它们的误差。"),
            view.chart(
                errors, share_y=True, title=both("Errors over the deviation of each function", "误差除以各函数的标准差")
            ),
        ),
    ]
