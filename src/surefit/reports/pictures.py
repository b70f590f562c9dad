"""What is drawn of a network: its values on a grid, what each unit does, its weights, and the gradients on them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from surefit import nn
from surefit.core.functional import gradients
from surefit.core.modes import enable_grad, no_grad
from surefit.core.tensor import Tensor
from surefit.doctor.network_checks import FLAT, MOSTLY
from surefit.models.inference import evaluate
from surefit.models.scaled import Scaled
from surefit.problems.problem import Problem

GRID = {1: (301,), 2: (45, 45)}
EVERY = {1: 5, 2: 3}  # point of the grid at which units are drawn
DRAWN = 12  # units of a layer that are drawn
SHOWN = 400  # data points
SAMPLED = 200  # rows on which gradients and dead units are seen
BINS = 24
LOSSES = 150  # that are sent with a picture

Loss = tuple[int, float | None, float | None, float]  # number, training, validation, seconds


def finite(value: float | None) -> float | None:
    """The number with six digits, None where it is not finite."""
    return float(f"{value:.6g}") if value is not None and math.isfinite(value) else None


def numbers(values: np.ndarray, digits: int | None = 5) -> list[float | None]:
    """An array, flat, with few digits of what differs in it (None: with all); None where it is not finite.

    A fit and its target need all: their difference is drawn too, and may be a billionth of them.
    """
    if digits is None:
        return [v if math.isfinite(v) else None for v in np.ravel(np.asarray(values, np.float64)).tolist()]
    known = values[np.isfinite(values)] if isinstance(values, np.ndarray) else np.array([])
    span, most = (float(np.ptp(known)), float(np.abs(known).max())) if known.size else (0.0, 0.0)
    if 0.0 < span < most:  # a small change of large numbers
        digits = min(16, digits + math.ceil(math.log10(most) - math.log10(span)))
    return [float(f"{v:.{digits}g}") if math.isfinite(v) else None for v in np.ravel(values).tolist()]


def thinned(rows: list[Loss], most: int = LOSSES) -> list[Loss]:
    """At most so many of the rows, the last one among them."""
    step = max(1, -(-len(rows) // most))
    return rows[::-1][::step][::-1]


def grid_of(problem: Problem, every: int = 1) -> tuple[list[np.ndarray], np.ndarray]:
    """Axes and points (n, d) of the picture; of two inputs the first one varies fastest."""
    box = problem.domain
    axes = [np.linspace(a, b, n)[::every] for a, b, n in zip(box.low, box.high, GRID[len(problem.names)], strict=True)]
    if len(axes) == 1:
        return axes, axes[0][:, None]
    first, second = np.meshgrid(*axes)
    return axes, np.column_stack([first.ravel(), second.ravel()])


def scene_of(problem: Problem) -> dict[str, Any]:
    """What does not change: axes, target on the grid (None of a table), some of the data; of more inputs no grid."""
    drawable = len(problem.names) in GRID
    axes, points = grid_of(problem) if drawable else ([], np.empty((0, len(problem.names))))
    x, y = problem.train[0], problem.train[1]
    some = slice(None, None, max(1, -(-len(x) // SHOWN)))
    target = None
    if drawable and problem.function is not None:
        with np.errstate(all="ignore"):
            target = numbers(problem.function(points), None)
    data = np.column_stack([x[some], y[some, 0]])
    return dict(
        axes=[numbers(axis, None) for axis in axes], names=list(problem.names), output=problem.outputs[0],
        target=target, points=[numbers(row, 6) for row in data],
    )  # fmt: skip


def picture_of(model: Scaled, problem: Problem) -> dict[str, Any]:
    """The fit on the grid (one or two inputs), the layers as they are drawn, and where ReLU units bend (one input)."""
    was, inner = model.training, model.network.training
    model.eval()
    try:
        with np.errstate(all="ignore"):
            fitted = None
            if len(problem.names) in GRID:
                with no_grad():
                    fitted = numbers(evaluate(model, grid_of(problem)[1]), None)
            layers = linear_layers(model)
            picture: dict[str, Any] = dict(fit=fitted, y_scale=finite(float(np.ravel(array(model.y_scale))[0])))
            picture["layers"] = [
                dict(
                    n_in=layer.weight.shape[1], n_out=layer.weight.shape[0],
                    w=[numbers(row, 3) for row in array(layer.weight)[:DRAWN, :DRAWN]],
                    b=numbers(array(layer.bias)[:DRAWN], 3) if layer.bias is not None else [],
                )
                for layer in layers
            ]  # fmt: skip
            picture["kinks"] = kinks_of(model, problem, layers)
            picture["units"] = units_of(model, problem)
            picture["histograms"] = histograms_of(model, problem, layers)
    finally:
        model.train(was)
        model.network.train(inner)
    return picture


def linear_layers(model: Scaled) -> list[nn.Linear]:
    """The layers with weights, from the input to the output."""
    return [m for m in model.network.modules() if isinstance(m, nn.Linear)]


def kinks_of(model: Scaled, problem: Problem, layers: list[nn.Linear]) -> list[float | None]:
    """Where the ReLU units of the first layer bend inside the domain, of one input."""
    if len(problem.names) != 1 or not layers:
        return []
    first = next((m for m in model.network.modules() if not isinstance(m, (nn.Linear, nn.Sequential))), None)
    if not isinstance(first, nn.ReLU):
        return []
    w = array(layers[0].weight)[:, 0]
    b = np.zeros(len(w)) if layers[0].bias is None else array(layers[0].bias)
    breakpoints = -b / w * model.scaling.x_scale + model.scaling.x_shift
    low, high = problem.domain.low[0], problem.domain.high[0]
    return numbers(breakpoints[(breakpoints >= low) & (breakpoints <= high)][:300], 5)


def passed(model: Scaled, points: np.ndarray) -> list[tuple[nn.Module, np.ndarray]]:
    """The outputs (n, units) of each activation, for points (n, d); none of a network that is no plain sequence."""
    found: list[tuple[nn.Module, np.ndarray]] = []
    if not isinstance(model.network, nn.Sequential):
        return found
    with no_grad():
        x = model.inputs(Tensor(points))
        for module in model.network:
            x = module(x)
            if not isinstance(module, (nn.Linear, nn.Dropout)):
                found.append((module, array(x)))
    return found


def units_of(model: Scaled, problem: Problem) -> list[dict[str, Any]]:
    """Of each hidden layer: the outputs of its units over a coarse grid (one or two inputs), and which are lost."""
    x = problem.train[0]
    some = x[:: max(1, -(-len(x) // SAMPLED))]
    inputs = len(problem.names)
    coarse = grid_of(problem, EVERY[inputs])[1] if inputs in GRID else some[:0]
    outputs = passed(model, np.concatenate([coarse, some]))
    found = []
    for module, values in outputs:
        drawn, sample = values[: len(coarse), :DRAWN], values[len(coarse) :]
        states = [state_of(module, column) for column in sample.T]
        found.append(
            dict(
                values=[numbers(column, 3) for column in drawn.T if column.size], states=states[:DRAWN],
                dead=states.count("dead"), saturated=states.count("saturated"), of=values.shape[1],
            )
        )  # fmt: skip
    return found


def state_of(module: nn.Module, outputs: np.ndarray) -> str:
    """What the doctor would say: "dead" (a ReLU that is 0 everywhere), "saturated" (flat on most of the sample)."""
    if isinstance(module, nn.ReLU):
        return "" if np.any(outputs > 0) else "dead"
    if isinstance(module, nn.Tanh):
        slope = 1.0 - outputs**2
    elif isinstance(module, nn.Sigmoid):
        slope = 4.0 * outputs * (1.0 - outputs)
    else:
        return ""
    return "saturated" if np.mean(slope < FLAT) >= MOSTLY else ""


def histograms_of(model: Scaled, problem: Problem, layers: list[nn.Linear]) -> list[dict[str, Any]]:
    """Of each layer: how its weights are distributed, and the gradient of the squared error on them (sampled rows)."""
    x, y = model.rows((problem.train[0], problem.train[1]))
    some = slice(None, None, max(1, -(-len(x) // SAMPLED)))
    weights = [layer.weight for layer in layers]
    of_weights: tuple[Tensor | None, ...] = (None,) * len(weights)
    if weights and all(w.requires_grad for w in weights):
        with enable_grad():
            wrong = model.network(Tensor(x[some], model.dtype)) - Tensor(y[some], model.dtype)
            of_weights = gradients((wrong * wrong).mean(), weights, allow_unused=True)
    return [
        dict(weights=histogram(array(w)), gradients=None if g is None else histogram(array(g)))
        for w, g in zip(weights, of_weights, strict=True)
    ]


def histogram(values: np.ndarray) -> dict[str, Any]:
    """Counts in bins from -most to most, the largest absolute value, and the root mean square."""
    flat = np.ravel(values)
    flat = flat[np.isfinite(flat)]
    most = float(np.max(np.abs(flat), initial=0.0))
    counts = np.histogram(flat, BINS, (-most, most))[0] if most > 0 else np.zeros(BINS, int)
    return dict(most=finite(most), rms=finite(float(np.sqrt(np.mean(flat**2)))) if flat.size else None,
                counts=counts.tolist())  # fmt: skip


def array(tensor: Any) -> np.ndarray:
    """The values of a parameter, float64."""
    return np.asarray(tensor.detach().numpy() if isinstance(tensor, Tensor) else tensor, np.float64)


__all__ = ["EVERY", "GRID", "Loss", "finite", "grid_of", "numbers", "picture_of", "scene_of", "thinned"]
