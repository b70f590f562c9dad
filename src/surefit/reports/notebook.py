"""A fit seen while it is trained in a notebook: the pictures of `surefit play` as a widget, by anywidget."""

from __future__ import annotations

import time as clock
from functools import cache
from pathlib import Path
from typing import Any

from surefit.attempts.events import Epoch, Finished, Started
from surefit.models.scaled import Scaled
from surefit.problems.problem import Problem
from surefit.reports.pictures import GRID, finite, picture_of, scene_of

VIEW = Path(__file__).resolve().parents[1] / "play" / "page" / "view.js"  # built with the page
PAUSE = 0.1  # seconds between two pictures at least
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
        """scene: what does not change; picture: the latest, with the losses that are new."""

        _esm = VIEW.read_text(encoding="utf-8")
        scene = traitlets.Dict().tag(sync=True)
        picture = traitlets.Dict().tag(sync=True)

    return LiveFit


class Watcher:
    """A callback of `fit` that keeps a widget up to date; of functions of more than two inputs it shows the losses.

    Drawing takes a twentieth of the time at most.
    """

    def __init__(self, widget: Any) -> None:
        self.widget = widget
        self.model: Scaled | None = None
        self.problem: Problem | None = None
        self.losses: list[tuple[int, float | None, float | None, float]] = []
        self.due, self.number = 0.0, 0
        self.epoch: Epoch | None = None

    def watch(self, model: Scaled, problem: Problem, seed: int) -> None:
        """Training of this model is about to begin."""
        self.model, self.problem = (model, problem) if len(problem.names) in GRID else (None, None)
        if self.problem is not None:
            self.widget.scene = scene_of(self.problem)
        self.losses, self.number, self.due = [], 0, 0.0

    def __call__(self, event: Any) -> None:
        if isinstance(event, Epoch):
            self.epoch = event
            row = (event.epoch, finite(event.train_loss), finite(event.validation_loss), round(event.seconds, 4))
            self.losses.append(row)
        if self.model is None or not isinstance(event, (Started, Epoch, Finished)):
            return
        began = clock.perf_counter()
        if began >= self.due or isinstance(event, Finished):
            self.show()
            now = clock.perf_counter()
            self.due = now + max(PAUSE, (now - began) * (1 / SHARE - 1))

    def show(self) -> None:
        """Send the latest picture."""
        assert self.model is not None
        assert self.problem is not None
        e = self.epoch
        words = "" if e is None else f"epoch {e.epoch} of {e.epochs}: training loss {e.train_loss:.3g}"
        picture = picture_of(self.model, self.problem) | {"losses": self.losses, "number": self.number, "words": words}
        self.widget.picture = picture
        self.losses, self.number = [], self.number + 1


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
