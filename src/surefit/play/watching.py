"""One training in a thread of its own, and what is seen of it: the latest frame, never a queue of frames."""

from __future__ import annotations

import secrets
import threading
import time as clock
from dataclasses import dataclass
from typing import Any

from surefit.attempts.events import Epoch, Finished, Started
from surefit.errors import SurefitError
from surefit.fitting import Fit, construct, fit
from surefit.models.scaled import Scaled
from surefit.problems.problem import Problem
from surefit.reports.pictures import Loss, finite, picture_of, scene_of, thinned
from surefit.sentences import Sentence

from .memory import give_back
from .wishes import CONSTRUCT, FieldError, Wish

SECONDS = 120.0  # of training, pauses not counted
PAUSED = 1800.0  # seconds; who is away for longer has gone
RATE = 20.0  # frames a second


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

    def __init__(self, wish: Wish, paused: bool = False, delay: float = 0.0) -> None:
        self.id = secrets.token_hex(8)
        self.wish, self.delay = wish, delay
        self.fit: Fit | None = None
        self.error: str | None = None
        self.model: Scaled | None = None
        self.problem: Problem | None = None
        self.done = threading.Event()
        self._going = threading.Event()
        self._steps = 0  # epochs still to go although paused
        self._stopped = self._left = False
        self._began = clock.monotonic()
        self._waited = 0.0
        self._drawn = 0.0
        self._lock = threading.Lock()
        self._losses: list[Loss] = []
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

    def control(self, action: str, count: int = 1, delay: float = 0.0) -> None:
        """Pause, resume, step (so many epochs, then pause), stop, or speed: each epoch takes `delay` seconds at least.

        FieldError for another word.
        """
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
        elif action == "speed":
            self.delay = delay
        else:
            raise FieldError("action", f"action must be pause, resume, step, speed or stop, not {action[:40]!r}")

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

    def leave(self) -> None:
        """Nobody watches any more: stop, and keep the fit alone, from which files are made."""
        self._left = True
        self.stop()
        if self.done.is_set():
            self._forget()

    def _forget(self) -> None:
        with self._lock:
            self._losses, self._picture, self._scene, self._now = [], {}, {}, None
            self.model = self.problem = None

    # --- in the thread ---

    def _run(self) -> None:
        try:
            wish = self.wish
            if wish.method == CONSTRUCT:
                self.fit = construct(wish.target, wish.domain, units=wish.units, time=SECONDS)
                self.problem = self.fit.problem
            else:
                self.fit = fit(wish.target, wish.domain, callbacks=[self], progress=False, **wish.arguments())
            first = self.model is None  # nothing was seen on the way
            self.model = self.fit.model  # what is kept, which the last picture shows
            assert self.problem is not None
            self._draw(scene_of(self.problem) if first else None)
        except SurefitError as error:
            self.error = str(error)
        except (ArithmeticError, MemoryError, RecursionError, ValueError) as error:
            self.error = f"this could not be trained ({type(error).__name__})"
        except Exception as error:
            self.error = f"{type(error).__name__}: a fault of surefit"
        finally:
            self.done.set()
            if self._left:
                self._forget()
            give_back()

    def watch(self, model: Scaled, problem: Problem, seed: int) -> None:
        """Training of this model is about to begin."""
        self.model, self.problem = model, problem
        self._draw(scene_of(problem))

    def __call__(self, event: Any) -> bool:
        if isinstance(event, Epoch):
            with self._lock:
                self._now = event
                number = len(self._losses) + 1
                seconds = float(f"{event.seconds:.4g}")
                self._losses.append((number, finite(event.train_loss), finite(event.validation_loss), seconds))
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
        """Until somebody lets it go on, or take a step; and as long as the chosen speed wants."""
        began = clock.monotonic()
        while self.delay > 0 and self._going.is_set() and not self._stopped:
            left = self.delay - (clock.monotonic() - began)
            if left <= 0:
                break
            clock.sleep(min(left, 0.05))
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
        provable=fitted.problem.source["kind"] == "formula", findings=findings_of(fitted),
    )  # fmt: skip


def findings_of(fitted: Fit) -> list[dict[str, Any]]:
    """What the doctor finds wrong or worth knowing: how bad, and where, what and the cure in both languages."""
    try:
        shown = fitted.doctor().shown()
    except SurefitError:
        return []
    return [dict(severity=f.severity, code=f.code) | {lang: list(f.said(lang)) for lang in ("en", "zh")} for f in shown]


__all__ = ["Cursor", "Session", "summary_of"]
