"""How far the running model of a certificate may be from exact arithmetic, for the checker: what each operation rounds.

A result is off by half a unit in its last place, and by nothing where it is a float as it is: where terms cancel, the
sum is a multiple of the last places of both, and has no more digits than they have (Sterbenz 1974).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from surefit.ir.mathlib import STRICT_ULP

REAL = np.longdouble  # 64 bits of mantissa on most machines, 53 on some
U = float(np.finfo(REAL).eps) / 2
UP = 1.0 + 4096 * U  # more than the roundings of a sum of 4000 numbers, none negative
UNITS = {"float64": (2.0**-53, 2.0**-1022), "float32": (2.0**-24, 2.0**-126)}  # half a unit; what underflow may lose
EXACT = "neg relu abs maximum minimum where floor ceil trunc sign".split()
HALVES = dict.fromkeys(EXACT, 0.0) | dict.fromkeys("add sub mul div square sqrt".split(), 1.0)  # half units of rounding


def half_unit(size: Any, unit: float) -> Any:
    """Half a unit in the last place of numbers up to that size."""
    return np.where(size < 1e38, np.ldexp(REAL(unit), np.frexp(np.where(size < 1e38, size * UP, 1.0))[1] - 1), np.inf)


def last_place(least: Any, unit: float) -> Any:
    """Of what all floats of at least that size are multiples; 0 where they are tiny."""
    return np.where(least > 1e-30, np.ldexp(REAL(unit), np.frexp(least)[1]), 0.0)


def lowest_bit(x: Any) -> Any:
    """Of what power of two each of these numbers is a multiple; 0 of those that are not float64."""
    whole = (np.abs(np.frexp(x)[0]) * REAL(2.0**53)).astype(np.int64)
    bit = np.ldexp((whole & -whole).astype(REAL), np.frexp(x)[1] - 53)
    return np.where(x == 0, np.inf, np.where(np.asarray(x, np.float64) == x, bit, 0.0))


def halves_of(name: str, args: Any, result: Any, dtype: Any, running: str | None) -> Any:
    """Half units of rounding of a function: what is known of a compiled one, or four units of NumPy's."""
    by = args[-1] if len(args) == 2 and isinstance(args[-1], np.ndarray) else None
    if by is not None and name in ("mul", "div") and (np.abs(np.frexp(by)[0]) == 0.5).all():
        return 0.0  # where the exponent alone is moved
    u, _ = UNITS.get(str(dtype), (1.0, 0.0))
    if by is not None and name in ("add", "sub") and not isinstance(args[0], np.ndarray):
        low, high = args[0].ends()
        grid = np.minimum(lowest_bit(by), last_place(np.maximum(low, -high), u))
        return np.where((by == 0) | (2 * half_unit(result.size, u) <= grid), 0.0, 1.0)
    units = STRICT_ULP.get(name, {}).get("f32" if dtype == np.float32 else "f64", 4.0)
    if name == "tanh" and running == "blocks" and units < 1:  # half a unit below 1, and beside it no more than at 1/4
        beside = (2 * units - 1) * half_unit(np.minimum(result.size, 0.249), u)
        return (half_unit(np.minimum(result.size, 0.999), u) + beside) / half_unit(result.size, u)
    return HALVES.get(name, 2 * units if running == "blocks" else 8.0)


def of_sums(w: Any, terms: Any, size: Any, least: Any, moved: Any, u: float) -> Any:
    """Half a unit of each product of running values with w (n, m), and of each partial sum, in blocks of 16.

    terms (..., n, m, lines): the products, the first of the lines a constant. size, least (..., n): how large the
    values are, at most and at least. moved (..., m): how far sums may be off.
    """
    grid = np.where(w == 0, np.inf, last_place(least[..., None] * np.abs(w) * (1 - 4 * u), u))
    own, found = half_unit(size[..., None] * np.abs(w), u).sum(axis=-2), []
    for i in range(0, len(w), 16):
        block = terms[..., i : i + 16, :, :].cumsum(axis=-3)
        lost, whole = _of_partial(block, grid[..., i : i + 16, :], moved, u)
        own = own + lost
        found.append((block[..., -1, :, :], whole))
    ends, grids = np.stack([e for e, _ in found], axis=-3), np.stack([g for _, g in found], axis=-2)
    return own + _of_partial(ends.cumsum(axis=-3), grids, moved, u)[0]


def _of_partial(sums: Any, grid: Any, moved: Any, u: float) -> tuple[Any, Any]:
    """Of sums (..., k, m, lines), whose first is one term, and of what the last is a multiple.

    grid (..., k, m): of what the terms are multiples.
    """
    middle = np.abs(sums[..., 0])
    most = np.abs(sums).sum(axis=-1) * UP + moved[..., None, :]
    half, last = half_unit(most, u), last_place(2 * middle - most, u)
    own, whole = np.zeros(1), grid[..., 0, :]
    for k in range(1, sums.shape[-3]):
        whole = np.minimum(whole, grid[..., k, :])
        exact = 2 * half[..., k, :] <= whole
        own = own + np.where(exact, 0.0, half[..., k, :])
        whole = np.where(exact, np.maximum(whole, last[..., k, :]), last[..., k, :])
    return own, whole
