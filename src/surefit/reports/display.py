"""How training is shown: one line that updates in a terminal or notebook, plain lines elsewhere.

A display is a callback of `surefit.fit` and a context manager; it changes nothing about the run. `fit(progress=True)`
shows one, and so does the command line.
"""

from __future__ import annotations

import math
import sys
import time as clock
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from surefit.attempts.events import Epoch, Evaluated, Finished, Started
from surefit.errors import ArgumentError

if TYPE_CHECKING:
    from surefit.reports.live import TextPlot

LONG = 1.0  # seconds after which a fit is shown that nobody asked to show
STEP = 0.05  # share of the epochs between two plain lines
PAUSE = 10.0  # seconds after which a plain line comes anyway

WORDS = 80  # columns of a terminal that the words of a long run fill; what is beyond them is for the bar


Words = Callable[..., str]


def english(template: str, **values: Any) -> str:
    """The words as they stand, values filled in."""
    return template.format(**values) if values else template


@contextmanager
def shown(progress: bool | None, time: float | None, live: bool = False) -> Iterator[list[Callable[[Any], Any]]]:
    """The callbacks that show a fit while it runs, for `fit(progress=, live=)`. Nothing of a line is left afterwards.

    progress: None: in a notebook or at an interactive prompt, and only fits that take over a second. live: pictures in
    a notebook; where there can be none, the line, unless that is forbidden.
    """
    if not isinstance(live, bool):
        raise ArgumentError(
            f"live={live!r} must be True or False; for a picture file: callbacks=[surefit.Live('fit.png')]"
        )
    if live and in_notebook():
        from surefit.reports.notebook import live_view

        if (view := live_view()) is not None:
            yield [view]
            return
    progress = True if live and progress is None else progress
    if progress is not None and not isinstance(progress, bool):
        raise ArgumentError(f"progress={progress!r} must be True, False or None (shown where you can watch)")
    if progress is False or (progress is None and not hasattr(sys, "ps1")):  # as interactive sessions have it
        yield []
        return
    display_ = NotebookLine(time) if in_notebook() else display(time)
    late = Late(display_, 0.0 if progress else LONG)
    try:
        yield [late]
    finally:
        late.close()


@contextmanager
def gap(progress: Any) -> Iterator[Callable[[float, float], None] | None]:
    """What a proof calls with its two bounds after each round, for `certify(progress=)`: a line of them, wiped after.

    progress: True shows the line, False and None show nothing; a function of (lower, upper) is called itself.
    """
    if not isinstance(progress, bool | None):
        if not callable(progress):
            raise ArgumentError(f"progress={progress!r} must be True, False, None or a function of (lower, upper)")
        yield progress
    elif not progress:
        yield None
    else:
        try:
            yield lambda low, high: write(f"\r{low:.4g} <= max |error| <= {high:.4g}\x1b[K")
        finally:
            write("\r\x1b[K")


def tell_end(displays: Iterable[Any], fit: Any) -> None:
    """Displays that show the fit itself (`ended`) show the one that came out."""
    for display_ in displays:
        if hasattr(display_, "ended"):
            display_.ended(fit)


def in_notebook() -> bool:
    """Whether this runs in a Jupyter kernel."""
    shell = sys.modules.get("IPython")
    running = None if shell is None else shell.get_ipython()
    return running is not None and hasattr(running, "kernel")


def display(
    time: float | None = None, quiet: bool = False, plot: TextPlot | None = None, words: Words = english
) -> Display:
    """The display that suits stderr. time: the limit in seconds, if there is one. plot: shown below the line.

    words: says a template with its values, in another language.
    """
    if quiet:
        return Display(time, words=words)
    from rich.console import Console

    console = Console(stderr=True)
    live = console.is_terminal and not console.is_dumb_terminal
    return LiveLine(time, console, plot, words) if live else PlainLines(time, plot, words)


def write(text: str) -> None:
    """Write to standard error, at once."""
    sys.stderr.write(text)
    sys.stderr.flush()


class Display:
    """Shows nothing; base of those that do."""

    passive = True  # it never stops training, which need not wait for it

    def __init__(self, time: float | None = None, plot: TextPlot | None = None, words: Words = english) -> None:
        self.limit, self.plot, self.words = time, plot, words
        self.first: Any = None  # evaluation of this run
        self.head: Any = None  # the first epoch that was heard of in this attempt
        self.last = 0  # epoch
        self.before = ""  # which fit of several it is

    def begins(self, which: str, limit: float | None = None) -> None:
        """The next of several fits begins. which: stands before what is told of it. limit: its time in seconds."""
        self.before, self.limit = which, limit
        self.first, self.head, self.last = None, None, 0

    def __enter__(self) -> Display:
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def __call__(self, event: Any) -> None:
        if isinstance(event, Started):
            self.started(event)
        elif isinstance(event, Epoch):
            if self.head is None or event.epoch <= self.last:
                self.head = event
            self.last = event.epoch
            self.epoch(event)
        elif isinstance(event, Evaluated):
            self.evaluated(event)

    def started(self, event: Any) -> None:
        """Training begins."""

    def epoch(self, event: Any) -> None:
        """An epoch has ended."""

    def evaluated(self, event: Any) -> None:
        """An evaluation of an expensive function has ended."""

    def evaluation(self, event: Any) -> str:
        """Which evaluation of how many."""
        return self.before + self.words("evaluation {count}/{budget}", count=event.count, budget=event.budget)

    def spent(self, event: Any) -> str:
        """Failures and time left after an evaluation."""
        self.first = self.first or event
        done = event.count - self.first.count
        left = (event.seconds - self.first.seconds) / max(1, done) * (event.budget - event.count)
        if self.limit is not None:
            left = min(left, max(0.0, self.limit - event.seconds))
        failed = self.words("  {count} failed", count=event.failed) if event.failed else ""
        return self.words("{line}  {left} left", line=failed, left=duration(left, self.words)) if done else failed

    def line(self, event: Any) -> str:
        """Losses, learning rate and time left after an epoch; of one epoch alone, which compiles, nothing is known."""
        words = self.words
        line = words("train {loss}", loss=f"{event.train_loss:.2e}")
        if event.validation_loss is not None:
            line += words("  validation {loss}", loss=f"{event.validation_loss:.2e}")
        if not math.isnan(event.lr):
            line += words("  lr {lr}", lr=f"{event.lr:.1e}")
        head = event if self.head is None else self.head
        if event.epoch == head.epoch:
            return line
        left = (event.seconds - head.seconds) / (event.epoch - head.epoch) * (event.epochs - event.epoch)
        if self.limit is not None:
            left = min(left, max(0.0, self.limit - event.seconds))
        return words("{line}  {left} left", line=line, left=duration(left, words))

    def numbered(self, event: Any) -> str:
        """Which epoch of how many; of a solver's iterations, whose."""
        stage = getattr(event, "stage", "")
        if stage:
            return f"{self.before}{self.words(stage)}  {event.epoch}/{event.epochs}"
        return self.before + self.words("epoch {epoch}/{epochs}", epoch=event.epoch, epochs=event.epochs)


class PlainLines(Display):
    """A line for the first and last epoch, and between them whenever enough epochs or seconds have passed.

    A solver, which is quick, gets one line, and more after many seconds. The plot comes once, at the end.
    """

    def __init__(self, time: float | None = None, plot: TextPlot | None = None, words: Words = english) -> None:
        super().__init__(time, plot, words)
        self.pause = PAUSE
        self.shown_epoch = 0
        self.shown_at = 0.0

    def epoch(self, event: Any) -> None:
        far = event.epoch - self.shown_epoch >= STEP * event.epochs or event.epoch == event.epochs
        far = far and not math.isnan(event.lr)
        if event.epoch == 1 or far or clock.monotonic() - self.shown_at >= self.pause:
            self.shown_epoch, self.shown_at = event.epoch, clock.monotonic()
            write(f"{self.numbered(event)}  {self.line(event)}\n")

    def evaluated(self, event: Any) -> None:
        spent = self.spent(event)
        if event is self.first or event.count == event.budget or clock.monotonic() - self.shown_at >= self.pause:
            self.shown_at = clock.monotonic()
            write(f"{self.evaluation(event)}{spent}\n")

    def __exit__(self, *_: Any) -> None:
        if self.plot is not None:
            write("\n".join(self.plot.lines()) + "\n")


class LiveLine(Display):
    """One line with a bar, which is gone when training ends; a plot below it stays."""

    def __init__(self, time: float | None, console: Any, plot: TextPlot | None = None, words: Words = english) -> None:
        from rich.progress import BarColumn, Progress, TextColumn
        from rich.table import Column
        from rich.text import Text

        super().__init__(time, plot, words)

        class WithPlot(Progress):
            def get_renderables(self) -> Iterator[Any]:
                yield from super().get_renderables()
                if plot is not None:
                    yield Text("\n".join(plot.lines(console.width)), no_wrap=True)

        room = min(20, console.width - WORDS - 1)
        self.bar = WithPlot(
            TextColumn("{task.description}", markup=False),
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
        words = self.before + self.words("epoch {epoch}/{epochs}", epoch=0, epochs=event.epochs)
        self.task = self.bar.add_task(words, total=event.epochs, line="")

    def evaluated(self, event: Any) -> None:
        spent = self.spent(event)
        if event is self.first:
            self.task = self.bar.add_task("", total=event.budget, line="")
        self.bar.update(self.task, completed=event.count, description=self.evaluation(event), line=spent.strip())

    def epoch(self, event: Any) -> None:
        self.bar.update(self.task, completed=event.epoch, description=self.numbered(event), line=self.line(event))


class NotebookLine(Display):
    """One line of text that is written over, which needs no widgets."""

    PAUSE = 0.2  # seconds between two writings

    def __init__(self, time: float | None = None, plot: TextPlot | None = None, words: Words = english) -> None:
        super().__init__(time, plot, words)
        self.shown_at, self.width = -math.inf, 0

    def epoch(self, event: Any) -> None:
        if clock.monotonic() - self.shown_at >= self.PAUSE:
            self.shown_at = clock.monotonic()
            self._write(f"{self.numbered(event)}  {self.line(event)}")

    def evaluated(self, event: Any) -> None:
        spent = self.spent(event)
        if clock.monotonic() - self.shown_at >= self.PAUSE:
            self.shown_at = clock.monotonic()
            self._write(f"{self.evaluation(event)}{spent}")

    def __exit__(self, *_: Any) -> None:
        if self.width:
            self._write("")
            write("\r")

    def _write(self, text: str) -> None:
        write("\r" + text.ljust(self.width))
        self.width = len(text)


class Late:
    """A callback that opens a display when the fit has taken so many seconds, and closes it with the fit."""

    passive = True

    def __init__(self, display_: Display, after: float) -> None:
        self.display, self.after, self.began = display_, after, clock.monotonic()
        self.started: Any = None
        self.open = False

    def __call__(self, event: Any) -> None:
        if isinstance(event, Started):
            self.started = event
        if not self.open and not isinstance(event, Finished) and clock.monotonic() - self.began >= self.after:
            self.display.__enter__()
            self.open = True
            if self.started is not None and event is not self.started:
                self.display(self.started)
        if self.open:
            self.display(event)

    def begins(self, which: str, limit: float | None = None) -> None:
        """See `Display.begins`."""
        self.started = None
        self.display.begins(which, limit)

    def close(self) -> None:
        """Take the display away."""
        if self.open:
            self.display.__exit__(None, None, None)
            self.open = False


def duration(seconds: float, words: Words = english) -> str:
    """A time in words: 12 s, 3 min 20 s, 2 h 5 min.

    >>> duration(200.0)
    '3 min 20 s'
    """
    s = math.ceil(seconds)
    if s < 60:
        return words("{s} s", s=s)
    minutes, s = divmod(s, 60)
    if minutes < 60:
        return words("{minutes} min {s} s", minutes=minutes, s=s)
    return words("{hours} h {minutes} min", hours=minutes // 60, minutes=minutes % 60)


__all__ = ["Display", "Late", "LiveLine", "NotebookLine", "PlainLines", "display", "duration", "shown"]
