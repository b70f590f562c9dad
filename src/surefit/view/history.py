"""Loss curves: what happened during training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from surefit.errors import ArgumentError, ShapeError

from .arrays import Array, finite, span, vector
from .canvas import new_figure
from .language import say
from .panels import circle, draw_line, legend_above, mark_missing, set_note, set_title, set_x_limits
from .style import (
    BLUE,
    GREEN,
    GREY,
    OKABE_ITO,
    ORANGE,
    PAGE_WIDTH,
    VERMILLION,
    in_house_style,
    number,
    plain,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TRAINING = ("train", "training", "train_loss", "training_loss", "loss")
_VALIDATION = ("validation", "val", "valid", "val_loss", "valid_loss", "validation_loss")
_TEST = ("test", "test_loss")
_STEPS = ("epoch", "epochs", "step", "steps", "iteration")
_RATE = ("lr", "learning_rate")
_NOT_CURVES = (*_STEPS, *_RATE, "time", "seconds", "elapsed")

_ROLES = {
    **dict.fromkeys(_TRAINING, ("training", BLUE)),
    **dict.fromkeys(_VALIDATION, ("validation", ORANGE)),
    **dict.fromkeys(_TEST, ("test", GREEN)),
}
_OTHERS = tuple(colour for colour in OKABE_ITO if colour not in (BLUE, ORANGE, GREEN))


@in_house_style
def loss_curves(
    history: Mapping[str, Any] | Iterable[Mapping[str, Any]],
    *,
    best: int | None = None,
    ylabel: str = "loss",
    title: str | None = None,
) -> Figure:
    """Losses against epochs on a logarithmic axis, the best one marked; a changing learning rate below.

    Args:
        history: One of

            - a mapping of columns, one value per epoch: `train` and `validation` (or the usual other names of
              the two), `test`, further curves under their own names; `epoch` numbers them (default 1, 2,
              ...), `lr` is the learning rate, `time` is not drawn;
            - a list of such rows, one mapping per epoch;
            - several histories by name, {"Adam": history, "LM": history}: one colour each, training thin,
              validation thick.

            A value of None was not measured in that epoch.
        best: The epoch to mark; default the one with the smallest validation loss, or training loss when
            there is no validation.
        ylabel: What the loss is, for example "mean squared error".
        title: Above the figure.

    The axis is linear when a loss is negative. A loss of exactly 0 stands as a triangle on the axis, one that
    is not finite as a cross.

    Raises:
        ArgumentError: no curve in the history, or a `best` that is none of its epochs.
        ShapeError: columns of different lengths.

    Example:
        >>> figure = loss_curves({"train": [1.0, 0.1, 0.05], "validation": [1.2, 0.2, 0.3]})
        >>> figure.axes[0].get_yscale()
        'log'
    """
    runs = _runs(history)
    if best is not None and len(runs) > 1:
        raise ArgumentError("best: several histories are drawn, and each marks its own best epoch; leave it out")
    rates = [run.rate for run in runs if run.rate is not None and np.ptp(run.rate.values) > 0]
    heights = [3.0, 1.1] if rates else [3.0]
    names = 0.15 * max(0, len(runs) - 2)  # a line of the legend for each, at most
    figure = new_figure(PAGE_WIDTH, 0.6 + sum(heights) + names)
    panels = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    if len(runs) == 1:
        _draw_one(panels[0], runs[0], best)
    else:
        _draw_several(panels[0], runs)
    panels[0].set_ylabel(wrapped(say(ylabel), 30))
    for rate in rates:
        panels[1].plot(rate.steps, finite(rate.values), drawstyle="steps-post", color=rate.colour, linewidth=1.4)
    if rates:
        panels[1].set_ylabel(say("learning rate"))
        if all(np.all(rate.values > 0) for rate in rates):
            panels[1].set_yscale("log")
    panels[-1].set_xlabel(say(runs[0].step_name))
    panels[-1].locator_params(axis="x", integer=True)
    steps = np.concatenate([curve.steps for run in runs for curve in run.curves])
    low, high = span(steps)
    set_x_limits(panels[-1], low - (low == high), high + (low == high), margin=0.03)
    figure.align_ylabels(list(panels))
    set_title(figure, title)
    return figure


@dataclass(frozen=True)
class _Curve:
    label: str
    colour: str
    steps: Array
    values: Array


@dataclass(frozen=True)
class _Run:
    name: str
    step_name: str
    curves: list[_Curve]
    rate: _Curve | None

    def deciding(self) -> _Curve:
        """The curve whose smallest value makes an epoch the best: validation, training, or the first."""
        by_label = {curve.label: curve for curve in self.curves}
        return next((by_label[label] for label in ("validation", "training") if label in by_label), self.curves[0])


def _runs(history: Mapping[str, Any] | Iterable[Mapping[str, Any]]) -> list[_Run]:
    if isinstance(history, Mapping) and history and all(isinstance(value, Mapping) for value in history.values()):
        colours = [OKABE_ITO[i % len(OKABE_ITO)] for i in range(len(history))]
        return [
            _run(str(name), columns, colour) for (name, columns), colour in zip(history.items(), colours, strict=True)
        ]
    return [_run("", history if isinstance(history, Mapping) else _columns(history), GREY)]


def _colour(i: int) -> str:
    return OKABE_ITO[i % len(OKABE_ITO)]


def _columns(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    rows = list(rows)
    if not rows or not all(isinstance(row, Mapping) for row in rows):
        raise ArgumentError("history: a mapping of columns, or a list of one mapping per epoch, is needed")
    return {name: [row.get(name) for row in rows] for name in dict.fromkeys(name for row in rows for name in row)}


def _run(name: str, given: Mapping[str, Any], rate_colour: str) -> _Run:
    columns = {key: list(values) for key, values in given.items() if values is not None}
    columns = {key: values for key, values in columns.items() if any(value is not None for value in values)}
    lengths = {key: len(values) for key, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ShapeError(f"history: columns of different lengths {lengths}; each needs one value or None per epoch")
    step_column = next((key for key in _STEPS if key in columns), None)
    n = next(iter(lengths.values()), 0)
    steps = (
        np.arange(1.0, n + 1.0) if step_column is None else vector(f"history[{step_column!r}]", columns[step_column])
    )

    def curve(key: str, label: str, colour: str) -> _Curve:
        measured = np.array([value is not None for value in columns[key]])
        values = vector(f"history[{key!r}]", [value for value in columns[key] if value is not None])
        return _Curve(label, colour, steps[measured], values)

    others = iter(_OTHERS * len(columns))
    curves = [curve(key, *(_ROLES.get(key) or (key, next(others)))) for key in columns if key not in _NOT_CURVES]
    if not curves:
        raise ArgumentError(f"history: no losses in the columns {list(given)}; 'train' or 'validation' is needed")
    labels = [c.label for c in curves]
    if len(set(labels)) != len(labels):
        raise ArgumentError(f"history: two columns for one loss in {list(columns)}; keep one of each")
    rate_column = next((key for key in _RATE if key in columns), None)
    rate = None if rate_column is None else curve(rate_column, "learning rate", rate_colour)
    return _Run(name, "epoch" if step_column is None else step_column.rstrip("s"), curves, rate)


def _draw_one(axes: Axes, run: _Run, best: int | None) -> None:
    _set_scale(axes, [run])
    for curve in run.curves:
        draw_line(
            axes,
            curve.steps,
            curve.values,
            {"color": curve.colour, "linewidth": 1.4, "label": plain(say(curve.label))},
        )
    _mark_extremes(axes, run.curves)
    curve = run.deciding()
    at = _best_row(curve, best)
    if at is not None:
        axes.axvline(curve.steps[at], color=GREY, linestyle=":", linewidth=1.0, zorder=1)
        note = say(
            "best {step} {at}: {label} {value}",
            step=say(run.step_name),
            at=f"{curve.steps[at]:.0f}",
            label=say(curve.label),
            value=number(curve.values[at]),
        )
        if _can_stand(axes, curve.values[at]):
            circle(axes, curve.steps[at], curve.values[at], label=note)
        else:
            set_note(axes, note)
    legend_above(axes)


def _draw_several(axes: Axes, runs: list[_Run]) -> None:
    _set_scale(axes, runs)
    for i, run in enumerate(runs):
        colour = _colour(i)
        deciding = run.deciding()
        at = _best_row(deciding, None)
        label = run.name
        if at is not None:
            value, step = number(deciding.values[at]), f"{deciding.steps[at]:.0f}"
            label = say("{name} ({value} at {step})", name=run.name, value=value, step=step)
        for curve in run.curves:
            width, strength = (1.8, 1.0) if curve is deciding else (0.9, 0.5)
            style = {"color": colour, "linewidth": width, "alpha": strength}
            draw_line(axes, curve.steps, curve.values, style)
        axes.plot([], [], color=colour, linewidth=1.8, label=plain(label))
        if at is not None and _can_stand(axes, deciding.values[at]):
            circle(axes, deciding.steps[at], deciding.values[at])
    _mark_extremes(axes, [curve for run in runs for curve in run.curves])
    legend_above(axes)


def _set_scale(axes: Axes, runs: list[_Run]) -> None:
    values = np.concatenate([finite(curve.values) for run in runs for curve in run.curves])
    if np.any(values > 0) and not np.any(values < 0):
        axes.set_yscale("log")


def _can_stand(axes: Axes, value: float) -> bool:
    return value > 0 or axes.get_yscale() == "linear"


def _best_row(curve: _Curve, best: int | None) -> int | None:
    if best is not None:
        rows = np.flatnonzero(curve.steps == best)
        if rows.size == 0:
            raise ArgumentError(
                f"best: {best} is none of the epochs {curve.steps[0]:.0f} to {curve.steps[-1]:.0f} measured"
            )
        return int(rows[0])
    values = finite(curve.values)
    return None if np.all(np.isnan(values)) else int(np.nanargmin(values))


def _mark_extremes(axes: Axes, curves: list[_Curve]) -> None:
    """What a logarithmic axis cannot show: values that are not finite, and zeros."""
    mark_missing(axes, np.concatenate([c.steps[~np.isfinite(c.values)] for c in curves]), say("not finite"), VERMILLION)
    zeros = np.concatenate([c.steps[c.values == 0] for c in curves])
    if axes.get_yscale() == "log" and zeros.size:
        mark_missing(axes, zeros, say("exactly 0"), GREY, marker="v")


@in_house_style
def rate_curve(rates: ArrayLike, losses: ArrayLike, chosen: float, *, title: str | None = None) -> Figure:
    """The losses of a learning-rate range test against the rate, both logarithmic; the chosen rate marked.

    Args:
        rates: Learning rates, (n,), above 0.
        losses: The loss at each, (n,).
        chosen: The rate that was chosen.
        title: Above the figure.

    Raises:
        ShapeError, ArgumentError: arrays that do not fit together, a rate that is not above 0.

    Example:
        >>> figure = rate_curve([1e-4, 1e-3, 1e-2, 1e-1], [1.0, 0.7, 0.2, 3.0], 3e-3)
        >>> figure.axes[0].get_xscale()
        'log'
    """
    x, y = vector("rates", rates), vector("losses", losses)
    if x.shape != y.shape:
        raise ShapeError(f"rates, losses: shapes {x.shape} and {y.shape}; both need the same")
    if not (np.all(x > 0) and chosen > 0):
        raise ArgumentError("rates: must be above 0")
    figure = new_figure(PAGE_WIDTH, 3.4)
    axes = figure.subplots()
    axes.set_xscale("log")
    if np.all(y[np.isfinite(y)] > 0):
        axes.set_yscale("log")
    draw_line(axes, x, y, {"color": BLUE, "linewidth": 1.4})
    at = int(np.nanargmin(np.where(np.isfinite(y), y, np.nan)))
    circle(axes, x[at], y[at])
    axes.axvline(chosen, color=VERMILLION, linewidth=1.2, linestyle="--")
    axes.set_xlabel(say("learning rate"))
    axes.set_ylabel(say("loss (moving average)"))
    set_note(axes, f"smallest loss at {number(x[at])}, chosen rate {number(chosen)}")
    set_title(figure, title)
    return figure
