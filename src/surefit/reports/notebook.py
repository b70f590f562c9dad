"""A fit seen while it is trained in a notebook: the pictures of `surefit play` as a widget, by anywidget."""

from __future__ import annotations

import time as clock
from functools import cache
from pathlib import Path
from typing import Any

from surefit.attempts.events import Epoch, Finished, Started
from surefit.models.scaled import Scaled
from surefit.problems.problem import Problem
from surefit.reports.pictures import Loss, finite, picture_of, scene_of, thinned

VIEW = Path(__file__).resolve().parents[1] / "play" / "page" / "view.js"  # built with the page
PAUSE = 0.1  # seconds between two pictures at least
LOSSES = 600  # of a picture, at most
SHARE = 0.05  # of the time that may go into pictures


@cache
def widget_class() -> Any:
    """The class of the widget; None without anywidget, or where the page was not built."""
    if not VIEW.exists():
        return None
    try:
        import anywidget
        import traitlets
    except ModuleNotFoundError:
        return None

    class LiveFit(anywidget.AnyWidget):
        """scene: what does not change; picture: the latest, with all losses."""

        _esm = VIEW.read_text(encoding="utf-8")
        scene = traitlets.Dict().tag(sync=True)
        picture = traitlets.Dict().tag(sync=True)

    return LiveFit


class Watcher:
    """A callback of `fit` that keeps a widget up to date. Of more than two inputs the fit itself is not drawn.

    Each picture holds all there is to see, losses too: a front end may come late, or miss some. Drawing takes a
    twentieth of the time at most.
    """

    def __init__(self, widget: Any) -> None:
        self.widget = widget
        self.model: Scaled | None = None
        self.problem: Problem | None = None
        self.losses: list[Loss] = []
        self.due = 0.0
        self.epoch: Epoch | None = None

    def watch(self, model: Scaled, problem: Problem, seed: int) -> None:
        """Training of this model is about to begin."""
        self.model, self.problem = model, problem
        self.widget.scene = scene_of(problem)

    def __call__(self, event: Any) -> None:
        if isinstance(event, Started):  # comes before the model where that exists only at the end
            self.losses, self.epoch, self.due = [], None, 0.0
        if isinstance(event, Epoch):
            self.epoch = event
            self.losses.append(row_of(len(self.losses) + 1, event.train_loss, event.validation_loss, event.seconds))
        if self.model is None or not isinstance(event, (Started, Epoch, Finished)):
            return
        began = clock.perf_counter()
        if began >= self.due or isinstance(event, Finished):
            e = self.epoch
            self.show("" if e is None else f"epoch {e.epoch} of {e.epochs}: training loss {e.train_loss:.3g}")
            now = clock.perf_counter()
            self.due = now + max(PAUSE, (now - began) * (1 / SHARE - 1))

    def ended(self, fit: Any) -> None:
        """The last picture is of what was kept, and says how good it is."""
        self.model, self.problem = fit.model, fit.problem
        self.widget.scene = scene_of(fit.problem)
        rows = [(row["train_loss"], row["validation_loss"], row["seconds"]) for row in fit.history]
        self.losses = [row_of(number, *row) for number, row in enumerate(rows, 1)]
        error = fit.error
        self.show(f"{fit.stop_reason}; max |error| {error.max:.3g}, rmse {error.rmse:.3g} ({error.status})")

    def show(self, words: str) -> None:
        """Send a picture of the network as it is now, with words below."""
        assert self.model is not None
        assert self.problem is not None
        self.widget.picture = picture_of(self.model, self.problem) | {
            "losses": thinned(self.losses, LOSSES),
            "words": words,
        }


def row_of(number: int, train: float | None, validation: float | None, seconds: float) -> Loss:
    """A row of the losses, as they are drawn."""
    return number, finite(train), finite(validation), round(seconds, 4)


def live_view() -> Watcher | None:
    """A callback whose widget is displayed in the cell that runs; None without anywidget."""
    made = widget_class()
    if made is None:
        return None
    from IPython.display import display

    widget = made()
    display(widget)
    return Watcher(widget)


__all__ = ["Watcher", "live_view", "widget_class"]
