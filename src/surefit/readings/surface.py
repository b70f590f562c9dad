"""What the readings need of a fit: its inputs and outputs by name, its domain, values and exact gradients."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from surefit.data import Domain
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

    def _predict(self, x: np.ndarray) -> np.ndarray:
        """Values (n, k) at points (n, d)."""

    def derivative(self, points: Any) -> np.ndarray:
        """Gradients (n, d), or (n, k, d) for several outputs."""


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
    """The part of the domain that bounds name; all of it for None. DomainError where they reach outside."""
    return surface.domain if bounds is None else surface.domain.inside(bounds)


__all__ = ["Surface", "gradients_of", "part_of", "which_input", "which_output"]
