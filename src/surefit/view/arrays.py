"""What the pictures accept: numbers of a stated shape, checked before anything is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surefit.errors import ArgumentError, DtypeError, ShapeError

Array = NDArray[np.float64]

_LARGEST = 1e200


def real(name: str, values: ArrayLike) -> Array:
    """The values as float64, infinities kept; text, objects and complex numbers are refused by name.

    A size above 1e200 counts as infinite: margins and ticks that a chart computes for it would overflow.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise DtypeError(f"{name}: real numbers are drawn, not {array.dtype}; convert the values first")
    array = array.astype(np.float64)
    return np.where(np.abs(array) > _LARGEST, np.copysign(np.inf, array), array)


def vector(name: str, values: ArrayLike) -> Array:
    """(n,) or (n, 1) -> (n,), at least one value."""
    array = real(name, values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or array.size == 0:
        raise ShapeError(f"{name}: shape {array.shape}; a list of at least one number, (n,), is needed")
    return array


def table(name: str, values: ArrayLike) -> Array:
    """(n,) -> (n, 1); (n, d) stays; at least one row and one column."""
    array = real(name, values)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.size == 0:
        raise ShapeError(f"{name}: shape {array.shape}; a table of at least one row, (n, d), is needed")
    return array


def outputs(name: str, values: ArrayLike, shape: tuple[int, ...], of: str) -> Array:
    """Values at points of the given shape, outputs on the last axis: shape or (*shape, k) -> (*shape, k)."""
    array = real(name, values)
    if array.shape == shape:
        array = array[..., None]
    if array.shape[:-1] != shape or array.shape[-1] == 0:
        raise ShapeError(f"{name}: shape {array.shape} does not fit {of}; needed {shape} or {(*shape, 'outputs')}")
    return array


def grid_axes(x1: ArrayLike, x2: ArrayLike) -> tuple[Array, Array, bool]:
    """The two axes of a grid, and whether values on it lie transposed.

    Axes (n,) and (m,) go with values (m, n): rows follow x2, as in `numpy.meshgrid`. The two arrays that
    `meshgrid` returns, with either indexing, are accepted as well.
    """
    first, second = real("x1", x1), real("x2", x2)
    transposed = False
    if first.ndim == 2 and first.shape == second.shape and first.size:
        transposed = bool((first.shape[0] > 1 and np.ptp(first[:, 0]) > 0) or np.ptp(second[0]) > 0)
        if transposed:
            first, second = first.T, second.T
        if not (np.array_equal(first, np.broadcast_to(first[:1], first.shape))) or not np.array_equal(
            second, np.broadcast_to(second[:, :1], second.shape)
        ):
            raise ShapeError("x1, x2: these two arrays are not a grid of numpy.meshgrid; pass its axes, (n,) and (m,)")
        first, second = first[0], second[:, 0]
    first, second = vector("x1", first), vector("x2", second)
    for name, axis in (("x1", first), ("x2", second)):
        if not np.all(np.isfinite(axis)) or np.unique(axis).size != axis.size:
            raise ArgumentError(f"{name}: the axis of a grid needs finite numbers, each once")
    return first, second, transposed


def on_grid(name: str, values: ArrayLike, shape: tuple[int, int], transposed: bool) -> Array:
    """Values on a grid of `shape` = (m, n): -> (m, n, k)."""
    array = real(name, values)
    given = shape[::-1] if transposed else shape
    if array.ndim >= 2 and array.shape[:2] == shape[::-1] and given == shape and shape[0] != shape[1]:
        raise ShapeError(f"{name}: shape {array.shape}, but rows follow x2: {shape} is needed; transpose it")
    array = outputs(name, array, given, f"the grid of {shape[1]} x1 and {shape[0]} x2")
    return np.swapaxes(array, 0, 1) if transposed else array


def name_inputs_and_outputs(names: Sequence[str] | None, d: int, k: int) -> tuple[list[str], list[str]]:
    """Split names into d inputs and k outputs; None gives x or x1, x2, ... and y or y1, y2, ..."""
    if names is None:
        return numbered("x", d), numbered("y", k)
    if isinstance(names, str):
        raise ArgumentError(f"names: {names!r} is one text; give a sequence such as ('x', 'y')")
    given = [str(name) for name in names]
    if len(given) == d + 1 and k > 1:  # one name for all outputs: number it
        return given[:d], numbered(given[d], k)
    if len(given) != d + k:
        raise ArgumentError(f"names: {len(given)} given, {d} inputs and {k} outputs need {d + k}")
    return given[:d], given[d:]


def numbered(name: str, count: int) -> list[str]:
    return [name] if count == 1 else [f"{name}{i}" for i in range(1, count + 1)]


def finite(values: Array) -> Array:
    """The values with NaN for everything that is not finite, which Matplotlib leaves out."""
    return np.where(np.isfinite(values), values, np.nan)


def difference(fit: Array, target: Array) -> Array:
    """fit - target; NaN where either is not finite or the difference leaves the range of float64."""
    with np.errstate(over="ignore", invalid="ignore"):
        return finite(finite(fit) - finite(target))


def worst(error: Array) -> int | None:
    """Flat index of the largest |error|; None when no error is finite."""
    size = np.abs(error).ravel()
    return None if np.all(np.isnan(size)) else int(np.nanargmax(size))


def span(*arrays: Array | Sequence[Any]) -> tuple[float, float]:
    """Smallest and largest finite value of all arrays, (0, 1) when there is none."""
    joined = np.concatenate([np.ravel(np.asarray(a, dtype=np.float64)) for a in arrays])
    joined = joined[np.isfinite(joined)]
    return (float(joined.min()), float(joined.max())) if joined.size else (0.0, 1.0)


def colour_limits(*arrays: Array) -> tuple[float, float]:
    """`span`, widened about a constant, so that one colour scale can hold it."""
    low, high = span(*arrays)
    if low < high:
        return low, high
    room = 0.05 * abs(low) or 1.0
    return low - room, high + room


def symmetric_limit(error: Array, *scale: Array) -> float:
    """Half the range of a colour scale centred on 0; one float64 spacing of `scale` when every error is 0."""
    low, high = span(error)
    limit = max(abs(low), abs(high)) if np.any(np.isfinite(error)) else 0.0
    if limit > 0.0:
        return limit
    return float(np.spacing(max(1.0, *(abs(v) for v in span(*scale))))) if scale else float(np.spacing(1.0))
