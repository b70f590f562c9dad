"""What is to be fitted, brought to one form: data to train, validate and test on, and the function if it is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from surefit.data import Coded, Domain, Sampling
from surefit.problems.streams import Stream
from surefit.sentences import Sentence

Points = tuple[np.ndarray, np.ndarray]  # x (n, d), y (n, k), float64
Function = Callable[[np.ndarray], np.ndarray]  # points (n, d) -> values (n, k)
ROWS = 4  # training points for each unit that a solver places


@dataclass(frozen=True)
class Problem:
    """Data and, where it is known, the function behind it."""

    names: tuple[str, ...]  # of the inputs
    outputs: tuple[str, ...]
    domain: Domain
    train: Points
    validation: Points | None
    test: Points | None
    weights: np.ndarray | None  # (n,) of the training rows
    function: Function | None  # None for measured data
    source: dict[str, Any]  # what the target was, as plain data
    dropped: int = 0  # points left out as not finite
    rows: dict[str, int] | None = None  # of each part, where only a sample of it is at hand (a loaded fit)
    validation_weights: np.ndarray | None = None
    plan: Sampling | None = None  # how a function was sampled, and rows were split
    gradients: np.ndarray | None = None  # gradients (n, k, d) at the training rows, NaN where unknown
    validation_gradients: np.ndarray | None = None
    gradient_function: Function | None = None  # points (n, d) -> gradients (n, k, d), where they are known everywhere
    added: tuple[int, ...] = ()  # points of each round of adaptive sampling, at the end of the training rows
    notes: tuple[Sentence, ...] = ()  # warnings about the data, for the card
    seconds_per_point: float | None = None  # what a value of a callable costs, as far as is known
    affordable: int | None = None  # training points of a slow function that a limit of time allows
    row_numbers: dict[str, np.ndarray] | None = None  # of the rows of each part, in the table as it came
    exact: bool = False  # a known function without noise
    known: bool = False  # of measured data: somebody says that the values have no noise
    noise_known: bool = False  # of measured data: the weights are 1 over the variances of the noise
    near: np.ndarray | None = None  # of a function: rows (n, d) near which it counts, too, and where it is looked at
    coding: tuple[Coded, ...] = ()  # of columns of a table that held texts, times, or yes and no
    free: bool = False  # exact, and its training points are ours to choose: nobody asked for others
    log_target: bool = False  # fitted is the logarithm of the values, which are above 0
    origin: np.ndarray | None = None  # (d,) where inputs of the network are 0; None: in the middle of the box
    stream: Stream | None = None  # of a table that is read in parts: all rows, of which those here are a sample

    @property
    def quantiles(self) -> tuple[float, ...]:
        """The levels of the outputs, where they are quantiles of one target; else none."""
        return tuple(self.source.get("quantiles", ()))

    @property
    def target(self) -> str:
        """Of quantiles the name of their one target."""
        return self.outputs[0].rsplit(" q", 1)[0]

    @property
    def signs(self) -> tuple[int, ...]:
        """Of each input 1 where the target rises with it, -1 where it falls, 0 where nobody says; () of none."""
        told: dict[str, int] = self.source.get("monotone", {})
        return tuple(int(told.get(name, 0)) for name in self.names) if told else ()

    @property
    def periods(self) -> tuple[float, ...]:
        """Of each input its period, 0 where it has none; () where none has one."""
        told: dict[str, float] = self.source.get("periodic", {})
        return tuple(float(told.get(name, 0.0)) for name in self.names) if told else ()

    def coordinates(self, y: np.ndarray) -> np.ndarray:
        """Values in which errors are of one size: of a logarithmic target their logarithms."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(y) if self.log_target else y

    def sizes(self) -> dict[str, int]:
        """How many rows each part has."""
        return self.rows or {part: len((getattr(self, part) or [()])[0]) for part in ("train", "validation", "test")}


__all__ = ["ROWS", "Function", "Points", "Problem"]
