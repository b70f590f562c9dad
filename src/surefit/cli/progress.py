"""How training is shown, on stderr: one line that updates in a terminal, plain lines elsewhere.

A display is a callback of `surefit.fit` and a context manager; it changes nothing about the run.
"""

from __future__ import annotations

import math
import sys
import time as clock
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .language import words

if TYPE_CHECKING:
    from surefit.reports.live import TextPlot

STEP = 0.05  # share of the epochs between two plain lines
PAUSE = 10.0  # seconds after which a plain line comes anyway

WORDS = 80  # columns of a terminal that the words of a long run fill; what is beyond them is for the bar


def display(time: float | None = None, quiet: bool = False, plot: TextPlot | None = None) -> Display:
    """The display that suits stderr. time: the limit in seconds, if there is one. plot: shown below the line."""
    if quiet:
        return Display(time)
    from rich.console import Console

    console = Console(stderr=True)
    live = console.is_terminal and not console.is_dumb_terminal
    return LiveLine(time, console, plot) if live else PlainLines(time, plot)


class Display:
    """Shows nothing; base of those that do."""

    passive = True  # it never stops training, which need not wait for it

    def __init__(self, time: float | None = None, plot: TextPlot | None = None) -> None:
        self.limit, self.plot = time, plot

    def __enter__(self) -> Display:
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def __call__(self, event: Any) -> None:
        from surefit.fitting import Epoch, Started

        if isinstance(event, Started):
            self.started(event)
        elif isinstance(event, Epoch):
            self.epoch(event)

    def started(self, event: Any) -> None:
        """Training begins."""

    def epoch(self, event: Any) -> None:
        """An epoch has ended."""

    def line(self, event: Any) -> str:
        """Losses, learning rate and time left after an epoch."""
        left = event.seconds / event.epoch * (event.epochs - event.epoch)
        if self.limit is not None:
            left = min(left, max(0.0, self.limit - event.seconds))
        line = words("train {loss}", loss=f"{event.train_loss:.2e}")
        if event.validation_loss is not None:
            line += words("  validation {loss}", loss=f"{event.validation_loss:.2e}")
        if not math.isnan(event.lr):
            line += words("  lr {lr}", lr=f"{event.lr:.1e}")
        return words("{line}  {left} left", line=line, left=duration(left))


def numbered(event: Any) -> str:
    """Which epoch of how many; of a solver's iterations, whose."""
    stage = getattr(event, "stage", "")
    if stage:
        return f"{words(stage)}  {event.epoch}/{event.epochs}"
    return words("epoch {epoch}/{epochs}", epoch=event.epoch, epochs=event.epochs)


class PlainLines(Display):
    """A line for the first and last epoch, and between them whenever enough epochs or seconds have passed.

    A solver, which is quick, gets one line, and more after many seconds. The plot comes once, at the end.
    """

    def __init__(self, time: float | None = None, plot: TextPlot | None = None) -> None:
        super().__init__(time, plot)
        self.pause = PAUSE
        self.shown_epoch = 0
        self.shown_at = 0.0

    def epoch(self, event: Any) -> None:
        far = event.epoch - self.shown_epoch >= STEP * event.epochs or event.epoch == event.epochs
        far = far and not math.isnan(event.lr)
        if event.epoch == 1 or far or clock.monotonic() - self.shown_at >= self.pause:
            self.shown_epoch, self.shown_at = event.epoch, clock.monotonic()
            print(f"{numbered(event)}  {self.line(event)}", file=sys.stderr, flush=True)

    def __exit__(self, *_: Any) -> None:
        if self.plot is not None:
            print(*self.plot.lines(), sep="\n", file=sys.stderr, flush=True)


class LiveLine(Display):
    """One line with a bar, which is gone when training ends; a plot below it stays."""

    def __init__(self, time: float | None, console: Any, plot: TextPlot | None = None) -> None:
        from rich.progress import BarColumn, Progress, TextColumn
        from rich.table import Column
        from rich.text import Text

        super().__init__(time, plot)

        class WithPlot(Progress):
            def get_renderables(self) -> Iterator[Any]:
                yield from super().get_renderables()
                if plot is not None:
                    yield Text("\n".join(plot.lines(console.width)), no_wrap=True)

        room = min(20, console.width - WORDS - 1)
        self.bar = WithPlot(
            TextColumn("{task.description}"),
            *([BarColumn(room)] if room > 0 else []),
            TextColumn("{task.fields[line]}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
            console=console,
            transient=plot is None,
            redirect_stdout=False,
        )

    def __enter__(self) -> Display:
        self.bar.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.bar.stop()

    def started(self, event: Any) -> None:
        for task in self.bar.task_ids:  # of the method before
            self.bar.remove_task(task)
        self.task = self.bar.add_task(
            words("epoch {epoch}/{epochs}", epoch=0, epochs=event.epochs), total=event.epochs, line=""
        )

    def epoch(self, event: Any) -> None:
        self.bar.update(self.task, completed=event.epoch, description=numbered(event), line=self.line(event))


def duration(seconds: float) -> str:
    """A time in words: 12 s, 3 min 20 s, 2 h 5 min.

    >>> duration(200.0)
    '3 min 20 s'
    """
    s = math.ceil(seconds)
    if s < 60:
        return f"{s} s"
    minutes, s = divmod(s, 60)
    return f"{minutes} min {s} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
