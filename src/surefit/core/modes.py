"""What holds for a while, in each thread: whether operations are remembered, and the recording in progress."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])
next_birth = itertools.count(1).__next__  # results are born after their arguments: birth order is a topological order


class _Mode(threading.local):
    grad = True  # whether operations remember how they were made
    recorder: Any = None  # the recording in progress, see program.py
    followed = False  # whether a function runs of which `grad` or one of its kin takes the derivative


mode = _Mode()


class _GradMode:
    """Context manager and decorator that switches remembering on or off."""

    def __init__(self, on: bool) -> None:
        self.on = on
        self.before: list[bool] = []

    def __enter__(self) -> None:
        self.before.append(mode.grad)
        mode.grad = self.on

    def __exit__(self, *exc: object) -> None:
        mode.grad = self.before.pop()

    def __call__(self, f: Function) -> Function:
        @wraps(f)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with _GradMode(self.on):
                return f(*args, **kwargs)

        return inside  # type: ignore[return-value]


@contextmanager
def followed() -> Iterator[None]:
    """Within the block a function runs whose derivative is taken: operations are remembered, floats are not made."""
    before = mode.followed
    mode.followed = True
    try:
        with _GradMode(True):
            yield
    finally:
        mode.followed = before


def no_grad() -> _GradMode:
    """`with no_grad():` (or `@no_grad()`): operations inside are not remembered for `backward`."""
    return _GradMode(False)


def enable_grad() -> _GradMode:
    """The opposite of `no_grad`, inside it."""
    return _GradMode(True)


def is_grad_enabled() -> bool:
    """Whether operations are remembered for `backward` now."""
    return mode.grad


__all__ = ["enable_grad", "followed", "is_grad_enabled", "mode", "next_birth", "no_grad"]
