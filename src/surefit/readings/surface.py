"""What the readings need of a fit: its inputs and outputs by name, its domain, values and exact gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from surefit.data import Domain
from surefit.data.columns import Coded
from surefit.errors import ArgumentError


class Surface(Protocol):
    """A function of named inputs on a domain, with gradients: a fit, or a slice of one."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the inputs."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Of the outputs."""

    @property
    def domain(self) -> Domain:
        """Where it holds."""

    @property
    def coding(self) -> tuple[Coded, ...]:
        """How inputs that are columns of texts, times, yes and no became numbers."""

    def _predict(self, x: np.ndarray) -> np.ndarray:
        """Values (n, k) at points (n, d)."""

    def derivative(self, points: Any) -> np.ndarray:
        """Gradients (n, d), or (n, k, d) for several outputs."""


class Held:
    """A surface with some of its inputs held at a value: a surface of the others."""

    def __init__(self, whole: Surface, fixed: dict[str, float]) -> None:
        self.whole, self.fixed = whole, fixed
        self.names = tuple(name for name in whole.names if name not in fixed)
        self.outputs, self.domain = whole.outputs, whole.domain.select(self.names)
        self.coding = tuple(code for code in whole.coding if not fixed.keys() & set(code.columns))
        self.dtype = getattr(whole, "dtype", np.dtype(np.float64))
        self._columns = [whole.names.index(name) for name in self.names]
        self._row = np.array([fixed.get(name, 0.0) for name in whole.names])

    def filled(self, x: np.ndarray) -> np.ndarray:
        """Points of the whole (n, d) from those of the inputs that are left."""
        points = np.tile(self._row, (len(x), 1))
        points[:, self._columns] = x
        return points

    def _predict(self, x: np.ndarray) -> np.ndarray:
        return self.whole._predict(self.filled(x))

    def derivative(self, points: Any) -> np.ndarray:
        """Gradients by the inputs that are left at points of them (n, d)."""
        return self.whole.derivative(self.filled(points))[..., self._columns]


class Probabilities:
    """The probabilities of a fit of classes as a surface, an output `P(name)` for each class."""

    def __init__(self, fit: Any) -> None:
        self.fit, self.known = fit, fit.classified
        self.names, self.domain, self.coding, self.dtype = fit.names, fit.domain, fit.coding, fit.dtype
        self.outputs = tuple(f"P({name})" for name in self.known.classes)

    def _predict(self, x: np.ndarray) -> np.ndarray:
        found: np.ndarray = self.known.probabilities(self.fit._predict(x))
        return found

    def derivative(self, points: Any) -> np.ndarray:
        """Gradients of the probabilities, (n, classes, d)."""
        found: np.ndarray = self.fit.derivative(points)
        return found


def read(surface: Any) -> Any:
    """The surface that is read of a fit or a slice: itself, or of classes their probabilities."""
    return Probabilities(surface) if getattr(surface, "classified", None) is not None else surface


def told_outside(surface: Any, x: np.ndarray) -> None:
    """Let the fit say, once, if points (n, d) of it or of a slice lie outside its domain."""
    while isinstance(surface, Held):
        surface, x = surface.whole, surface.filled(x)
    fit = surface.fit if isinstance(surface, Probabilities) else surface
    fit._points(np.asarray(x, np.float64))


def gradients_of(surface: Surface, x: np.ndarray) -> np.ndarray:
    """Gradients (n, k, d) at points (n, d)."""
    return surface.derivative(x).reshape(len(x), len(surface.outputs), len(surface.names))


def which_output(surface: Surface, output: Any) -> int:
    """The column of an output by name or number. ArgumentError: there is none, or several and none was named."""
    names = surface.outputs
    if output is None:
        if len(names) > 1:
            raise ArgumentError(f"output: there are {len(names)}, {', '.join(names)}; say which, output={names[0]!r}")
        return 0
    if isinstance(output, str):
        if output not in names:
            raise ArgumentError(f"output: there is no {output!r}; there is {', '.join(names)}")
        return names.index(output)
    if isinstance(output, bool) or not isinstance(output, (int, np.integer)) or not 0 <= output < len(names):
        raise ArgumentError(f"output={output!r} must be one of {', '.join(names)}, or a number below {len(names)}")
    return int(output)


def which_input(surface: Surface, name: str) -> int:
    """The column of an input. ArgumentError: there is no such one."""
    if name not in surface.names:
        raise ArgumentError(f"there is no input {name!r}; there is {', '.join(surface.names)}")
    return surface.names.index(name)


def part_of(surface: Surface, bounds: Any) -> Domain:
    """The part of the domain that bounds name; all of it for None. DomainError where they reach outside.

    ArgumentError: they name a column of texts, which has no interval.
    """
    if isinstance(bounds, Mapping):
        texts = [code.name for code in surface.coding if code.name in bounds and code.name not in surface.names]
        if texts:
            raise ArgumentError(
                f"bounds: {texts[0]!r} is a column of texts and has no interval; hold it by slice({texts[0]}=...)"
            )
    return surface.domain if bounds is None else surface.domain.inside(bounds, "bounds")


__all__ = ["Held", "Probabilities", "Surface", "gradients_of", "part_of", "read", "which_input", "which_output"]
