"""The fit redrawn while it is trained: into a picture file, into a window, or as lines of text.

`fit(..., callbacks=[Live("fit.png")])`; `surefit fit ... --live fit.png`. Drawing takes a fifth of the time at most.
"""

from __future__ import annotations

import os
import time as clock
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit.attempts.events import Epoch
from surefit.errors import ArgumentError
from surefit.reports.film import Filming

if TYPE_CHECKING:
    from surefit.view.animation import Film, Frame, Scene, Window

WINDOW = "window"
ENDINGS = (".png", ".svg", ".pdf", ".jpg")
SHARE = 0.2  # of the time that may go into drawing
BLOCKS = "▁▂▃▄▅▆▇█"
MOST_ROWS = 3  # inputs that the lines of text show


class Redrawing(Filming, ABC):
    """Takes a frame every now and then, and shows it."""

    def __init__(self, every: float) -> None:
        super().__init__()
        if isinstance(every, bool) or not isinstance(every, (int, float)) or not 0 <= every < float("inf"):
            raise ArgumentError(f"{type(self).__name__}: every={every!r} must be a number of seconds >= 0")
        self.every = every
        self.due = 0.0

    def after_epoch(self, event: Epoch) -> None:
        """Show the fit when it is time again."""
        began = clock.perf_counter()
        if began >= self.due:
            self.show(self.frame(event.epoch))
            now = clock.perf_counter()
            self.due = now + max(self.every, (now - began) * (1 / SHARE - 1))

    def begin(self) -> None:
        """Show the fit before training."""
        self.due = 0.0
        self.show(self.frame(0))

    def end(self) -> None:
        """Show the weights that are kept."""
        self.show(self.frame(self.last_epoch, kept=True))

    @abstractmethod
    def show(self, frame: Frame) -> None:
        """Show a frame."""


class Live(Redrawing):
    """A callback of `fit` that redraws target, test data, fit and losses while it is trained.

    where: the path of a picture (.png, .svg, .pdf, .jpg), written again each time and never half, or "window".
    every: seconds between two pictures at least.
    """

    def __init__(self, where: str | os.PathLike[str], *, every: float = 1.0) -> None:
        super().__init__(every)
        self.path = None if str(where) == WINDOW else Path(where)
        if self.path is not None and self.path.suffix.lower() not in ENDINGS:
            raise ArgumentError(f"Live: {str(where)!r} must be 'window' or the name of a {', '.join(ENDINGS)} file")
        self.window: Window | None = None
        self.scene: Scene | None = None
        if self.path is None:
            from surefit.view.animation import Window

            self.window = Window()

    def show(self, frame: Frame) -> None:
        from surefit.view.animation import Scene, save_picture

        assert self.film is not None
        if self.scene is None or self.scene.film is not self.film:
            self.scene = Scene(self.film)
        figure = self.scene.show(frame)
        if self.window is not None:
            self.window.show(figure)
        elif self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            save_picture(figure, self.path)


class TextPlot(Redrawing):
    """A callback of `fit` that keeps a small plot in block characters up to date: `lines(width)`.

    A function: it and the fit along each input through the centre of the domain. A table: true and predicted values
    of the test rows, sorted. Below them the losses on a logarithmic scale.
    """

    def __init__(self, *, every: float = 0.3) -> None:
        super().__init__(every)
        self.shown: Frame | None = None

    def show(self, frame: Frame) -> None:
        self.shown = frame

    def lines(self, width: int = 72) -> list[str]:
        """The plot in so many columns; no line before training."""
        if self.film is None or self.shown is None:
            return []
        rows = plot_rows(self.film, self.shown)
        losses = np.array([train if validation is None else validation for _, train, validation in self.film.losses])
        with np.errstate(divide="ignore", invalid="ignore"):
            rows.append(("loss", np.log10(losses), None))
        label = max(len(name) for name, _, _ in rows)
        return [f"{name:<{label}}  {spark(values, limits, max(8, width - label - 2))}" for name, values, limits in rows]


Row = tuple[str, np.ndarray, tuple[float, float] | None]


def plot_rows(film: Film, frame: Frame) -> list[Row]:
    """(label, values, limits) of the first output: along each input, or of the sorted test rows."""
    if film.target is None:
        order = np.argsort(film.known[1][:, 0], kind="stable")
        pair = [("true", film.known[1][order, 0]), ("fit", frame.known_values[order, 0])]
        return _with_limits(pair)
    rows: list[Row] = []
    shape = tuple(len(axis) for axis in reversed(film.axes))
    middle = tuple(n // 2 for n in shape)
    for i, name in enumerate(film.names[: min(film.inputs, MOST_ROWS)]):
        cut: list[Any] = list(middle)
        cut[len(shape) - 1 - i] = slice(None)
        truth, fit = (v[:, 0].reshape(shape)[tuple(cut)] for v in (film.target, frame.values))
        along = "" if film.inputs == 1 else f" along {name}"
        rows += _with_limits([(f"target{along}", truth), (f"fit{along}", fit)])
    return rows


def _with_limits(pair: list[tuple[str, np.ndarray]]) -> list[Row]:
    """Both on the scale of the first."""
    known = pair[0][1][np.isfinite(pair[0][1])]
    limits = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    return [(name, values, limits) for name, values in pair]


def spark(values: np.ndarray, limits: tuple[float, float] | None, width: int) -> str:
    """Values as block characters, at most `width`; outside the limits the lowest or the highest; a gap where unknown.

    >>> spark(np.array([0.0, 1.0, 2.0, 3.0, np.nan, 9.0]), (0.0, 7.0), 10)
    '▁▂▃▄ █'
    """
    if len(values) > width:
        values = values[np.linspace(0, len(values) - 1, width).round().astype(int)]
    known = values[np.isfinite(values)]
    if limits is None:
        limits = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    low, high = limits
    room = high - low or 1.0
    places = [-1 if not np.isfinite(v) else int(np.clip(np.round((v - low) / room * 7), 0, 7)) for v in values]
    return "".join(" " if i < 0 else BLOCKS[i] for i in places)


__all__ = ["Live", "Redrawing", "TextPlot", "plot_rows", "spark"]
