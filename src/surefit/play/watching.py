"""One training in a thread of its own, and what is seen of it: the latest frame, never a queue of frames."""

from __future__ import annotations

import math
import secrets
import threading
import time as clock
from dataclasses import dataclass
from typing import Any

import numpy as np

from surefit import nn
from surefit.attempts.events import Epoch, Finished, Started
from surefit.core.tensor import Tensor, no_grad
from surefit.errors import ArgumentError, SurefitError
from surefit.fitting import Fit, fit
from surefit.models.inference import evaluate
from surefit.models.scaled import Scaled
from surefit.problems.problem import Problem
from surefit.sentences import Sentence

from .wishes import Wish

SECONDS = 120.0  # of training, pauses not counted
PAUSED = 1800.0  # seconds; who is away for longer has gone
RATE = 20.0  # frames a second
GRID = {1: (301,), 2: (45, 45)}
DRAWN = 12  # units of a layer that are drawn
SHOWN = 400  # data points
LOSSES = 150  # of a frame


@dataclass
class Cursor:
    """How far somebody has read: the number of the last picture, of the scene, and how many losses."""

    number: int = 0
    losses: int = 0
    scenes: int = 0


class Session:
    """One training: `start` begins it, `control` steers it, `frame` is what it looks like now.

    Attributes: id, for the page to name it by; fit, when it is done; error, the sentence why there is none.
    """

    def __init__(self, wish: Wish, paused: bool = False) -> None:
        self.id = secrets.token_hex(8)
        self.wish = wish
        self.fit: Fit | None = None
        self.error: str | None = None
        self.model: Scaled | None = None
        self.problem: Problem | None = None
        self.done = threading.Event()
        self._going = threading.Event()
        self._steps = 0  # epochs still to go although paused
        self._stopped = False
        self._began = clock.monotonic()
        self._waited = 0.0
        self._drawn = 0.0
        self._lock = threading.Lock()
        self._losses: list[tuple[int, float | None, float | None]] = []
        self._number = 0
        self._picture: dict[str, Any] = {}
        self._scene: dict[str, Any] = {}
        self._scenes = 0
        self._now: Epoch | None = None
        self._thread = threading.Thread(target=self._run, name=f"play-{self.id}", daemon=True)
        if not paused:
            self._going.set()

    # --- from the page ---

    def start(self) -> None:
        """Begin, in a thread."""
        self._thread.start()

    def control(self, action: str, count: int = 1) -> None:
        """Pause, resume, step (so many epochs, then pause) or stop. ArgumentError for another word."""
        if action == "pause":
            self._going.clear()
        elif action == "resume":
            self._going.set()
        elif action == "step":
            self._going.clear()
            with self._lock:
                self._steps += count
        elif action == "stop":
            self.stop()
        else:
            raise ArgumentError(f"action must be pause, resume, step or stop, not {action[:40]!r}")

    def stop(self) -> None:
        """End training after the epoch at hand; what was reached is kept."""
        self._stopped = True
        self._going.set()

    def join(self, seconds: float) -> bool:
        """Wait for the end; whether it came."""
        return self.done.wait(seconds)

    def frame(self, cursor: Cursor) -> dict[str, Any] | None:
        """What is new to whoever has read as far as `cursor`, which is moved on; None if nothing is."""
        with self._lock:
            if self._number == cursor.number:
                return None
            new, frame, now = self._losses[cursor.losses :], dict(self._picture), self._now
            if self._scenes != cursor.scenes:
                frame |= self._scene
            cursor.number, cursor.losses, cursor.scenes = self._number, len(self._losses), self._scenes
        frame["losses"] = thinned(new)
        frame["paused"] = not self._going.is_set()
        if now is not None:
            frame |= dict(epoch=now.epoch, epochs=now.epochs, step=now.step)
        return frame

    # --- in the thread ---

    def _run(self) -> None:
        try:
            wish = self.wish
            self.fit = fit(wish.target, wish.domain, callbacks=[self], progress=False, **wish.arguments())
        except SurefitError as error:
            self.error = str(error)
        except (ArithmeticError, MemoryError, RecursionError, ValueError) as error:
            self.error = f"this could not be trained ({type(error).__name__})"
        except Exception as error:
            self.error = f"{type(error).__name__}: a fault of surefit"
        finally:
            self.done.set()

    def watch(self, model: Scaled, problem: Problem, seed: int) -> None:
        """Training of this model is about to begin."""
        self.model, self.problem = model, problem
        self._draw(scene_of(problem))

    def __call__(self, event: Any) -> bool:
        if isinstance(event, Epoch):
            with self._lock:
                self._now = event
                number = len(self._losses) + 1
                self._losses.append((number, finite(event.train_loss), finite(event.validation_loss)))
                self._number += 1
            now = clock.monotonic()
            paused = not self._going.is_set()
            if self.model is not None and (now - self._drawn > 1.0 / RATE or paused):
                self._draw()
            self._wait()
        elif isinstance(event, Started):
            self._wait()
        elif isinstance(event, Finished) and self.model is not None:
            self._draw()
        return self._stopped or clock.monotonic() - self._began - self._waited > SECONDS

    def _wait(self) -> None:
        """Until somebody lets it go on, or take a step."""
        began = clock.monotonic()
        while not self._going.is_set():
            with self._lock:
                if self._steps > 0:
                    self._steps -= 1
                    break
            if clock.monotonic() - began > PAUSED:
                self.stop()
            self._going.wait(0.05)
        self._waited += clock.monotonic() - began

    def _draw(self, scene: dict[str, Any] | None = None) -> None:
        """Replace the latest picture, and the scene if there is one. Drawing takes at most a twentieth of the time."""
        assert self.model is not None
        assert self.problem is not None
        began = clock.monotonic()
        picture = picture_of(self.model, self.problem)
        ended = clock.monotonic()
        with self._lock:
            self._picture = picture
            self._number += 1
            if scene is not None:
                self._scene, self._scenes = scene, self._scenes + 1
        self._drawn = max(ended, ended + 19.0 * (ended - began) - 1.0 / RATE)


def finite(value: float | None) -> float | None:
    """The number with six digits, None where it is not finite."""
    return float(f"{value:.6g}") if value is not None and math.isfinite(value) else None


def numbers(values: np.ndarray, digits: int = 5) -> list[float | None]:
    """An array, flat, with few digits; None where it is not finite."""
    return [float(f"{v:.{digits}g}") if math.isfinite(v) else None for v in np.ravel(values).tolist()]


def thinned(rows: list[tuple[int, float | None, float | None]]) -> list[tuple[int, float | None, float | None]]:
    """At most `LOSSES` of the rows, the last one among them."""
    step = max(1, -(-len(rows) // LOSSES))
    return rows[::-1][::step][::-1]


def grid_of(problem: Problem) -> tuple[list[np.ndarray], np.ndarray]:
    """Axes and points (n, d) of the picture; of two inputs the first one varies fastest."""
    box = problem.domain
    axes = [np.linspace(a, b, n) for a, b, n in zip(box.low, box.high, GRID[len(problem.names)], strict=True)]
    if len(axes) == 1:
        return axes, axes[0][:, None]
    first, second = np.meshgrid(*axes)
    return axes, np.column_stack([first.ravel(), second.ravel()])


def scene_of(problem: Problem) -> dict[str, Any]:
    """What does not change: axes, target on the grid (None of a table), some of the data."""
    axes, points = grid_of(problem)
    x, y = problem.train[0], problem.train[1]
    some = slice(None, None, max(1, -(-len(x) // SHOWN)))
    target = None
    if problem.function is not None:
        with np.errstate(all="ignore"):
            target = numbers(problem.function(points))
    data = np.column_stack([x[some], y[some, 0]])
    return dict(
        axes=[numbers(axis, 8) for axis in axes], names=list(problem.names), output=problem.outputs[0],
        target=target, points=[numbers(row, 6) for row in data],
    )  # fmt: skip


def picture_of(model: Scaled, problem: Problem) -> dict[str, Any]:
    """The fit on the grid, the layers as they are drawn, and where ReLU units bend (one input)."""
    was, inner = model.training, model.network.training
    model.eval()
    try:
        with no_grad(), np.errstate(all="ignore"):
            fitted = evaluate(model, grid_of(problem)[1])
    finally:
        model.train(was)
        model.network.train(inner)
    layers = [m for m in model.network.modules() if isinstance(m, nn.Linear)]
    picture: dict[str, Any] = dict(fit=numbers(fitted))
    picture["layers"] = [
        dict(
            n_in=layer.weight.shape[1], n_out=layer.weight.shape[0],
            w=[numbers(row, 3) for row in array(layer.weight)[:DRAWN, :DRAWN]],
            b=numbers(array(layer.bias)[:DRAWN], 3) if layer.bias is not None else [],
        )
        for layer in layers
    ]  # fmt: skip
    if len(problem.names) == 1 and layers and any(isinstance(m, nn.ReLU) for m in model.network.modules()):
        w, b = array(layers[0].weight)[:, 0], array(layers[0].bias)
        with np.errstate(all="ignore"):
            breakpoints = -b / w * model.scaling.x_scale + model.scaling.x_shift
        low, high = problem.domain.low[0], problem.domain.high[0]
        picture["kinks"] = numbers(breakpoints[(breakpoints >= low) & (breakpoints <= high)][:300], 5)
    return picture


def array(tensor: Any) -> np.ndarray:
    """The values of a parameter, float64."""
    return np.asarray(tensor.detach().numpy() if isinstance(tensor, Tensor) else tensor, np.float64)


def both(text: Any) -> dict[str, str]:
    """A sentence in both languages."""
    return {lang: text.said(lang) if isinstance(text, Sentence) else str(text) for lang in ("en", "zh")}


def summary_of(fitted: Fit) -> dict[str, Any]:
    """What is said of a fit that is done: its error, its card, and the call that repeats it."""
    error = fitted.error
    return dict(
        max=finite(error.max), rmse=finite(error.rmse), measured=fitted.problem.function is not None,
        at={name: finite(value) for name, value in error.at.items()}, status=error.status,
        seconds=finite(fitted.seconds), parameters=int(fitted.network.num_parameters()),
        stopped=both(fitted.stop_reason), card={lang: fitted.card_rows(lang) for lang in ("en", "zh")},
        provable=fitted.problem.source["kind"] == "formula",
    )  # fmt: skip


__all__ = ["Cursor", "Session", "summary_of"]
