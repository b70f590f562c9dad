"""Designs: points over a box, as a grid, at random, or of a sequence that leaves no gaps.

A *design* places points in a `Domain`. Those that need NumPy alone are the defaults; Latin hypercube, Sobol
and Halton are SciPy's, imported when asked for. Every draw takes its randomness as an argument: an int seed,
a `numpy.random.Generator`, or None for fresh entropy.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from surefit.checking import check_memory
from surefit.core.creation import numpy_generator
from surefit.data.domain import Domain
from surefit.errors import ArgumentError
from surefit.keywords import naming

ALL_CORNERS_UP_TO = 8  # variables: 256 corners; see `corner_points`


# ---- designs: (domain, count, generator) -> (n, dim)


def uniform(domain: Domain, count: int, rng: np.random.Generator) -> np.ndarray:
    return _into(domain, rng.random((count, domain.dim)))


def _grid(domain: Domain, count: int | Sequence[int], rng: np.random.Generator) -> np.ndarray:
    counts = _axis_counts(count, domain.dim)
    return _product([domain.axis(i, n) for i, n in enumerate(counts)])


def _chebyshev(domain: Domain, count: int | Sequence[int], rng: np.random.Generator) -> np.ndarray:
    """Chebyshev points of the second kind, -cos(pi k / (n - 1)), which hold both ends.

    Written with the sine, so that they are symmetric to the last bit (Trefethen, Approximation Theory and
    Approximation Practice, chapter 2).
    """
    counts = _axis_counts(count, domain.dim)
    units = [np.sin(np.pi * np.arange(1 - n, n, 2) / (2 * (n - 1))) for n in counts]
    return domain.unscale(_product(units))


def _sobol(domain: Domain, count: int, rng: np.random.Generator) -> np.ndarray:
    # A whole power of two is drawn and cut, because a Sobol sequence is balanced only over those.
    unit = _qmc("Sobol", domain.dim, rng).random_base2(max(0, math.ceil(math.log2(count))))
    return _into(domain, unit[:count])


def _halton(domain: Domain, count: int, rng: np.random.Generator) -> np.ndarray:
    return _into(domain, _qmc("Halton", domain.dim, rng).random(count))


def _latin_hypercube(domain: Domain, count: int, rng: np.random.Generator) -> np.ndarray:
    return _into(domain, _qmc("LatinHypercube", domain.dim, rng).random(count))


def _qmc(name: str, dim: int, rng: np.random.Generator) -> Any:
    from scipy.stats import qmc

    engine = getattr(qmc, name)
    if rng.bit_generator.seed_seq is None:  # that of a surefit Generator, of which SciPy could spawn no other
        rng = np.random.default_rng(rng.integers(0, 2**32, 4).tolist())
    keyword = "rng" if "rng" in inspect.signature(engine).parameters else "seed"  # renamed in SciPy 1.15
    return engine(dim, **{keyword: rng})


_DESIGNS: dict[str, Callable[[Domain, Any, np.random.Generator], np.ndarray]] = {
    "uniform": uniform,
    "grid": _grid,
    "chebyshev": _chebyshev,
    "latin_hypercube": _latin_hypercube,
    "sobol": _sobol,
    "halton": _halton,
}
HOLDS_CORNERS = ("grid", "chebyshev")
DESIGNS = ("auto", *_DESIGNS)


@naming
def sample(
    domain: Domain,
    count: int | Sequence[int] | None = None,
    design: str = "auto",
    *,
    with_corners: bool = False,
    generator: int | np.random.Generator | None = None,
) -> np.ndarray:
    """Points over a box, (n, dim) float64, all inside.

    Args:
        domain: the box.
        count: how many. ``grid`` and ``chebyshev`` are products of axes: they take the least product that is
            not below `count` with axes that differ by one point at most, or a count for each axis, each >= 2.
            None: `default_count`.
        design: ``uniform`` (random), ``grid``, ``chebyshev``, ``latin_hypercube``, ``sobol``, ``halton``;
            ``auto`` is a grid in one dimension and uniform in more.
        with_corners: add the corners of the box (the two ends in one dimension) beyond `count`; see
            `corner_points`. ``grid`` and ``chebyshev`` have them already.
        generator: int seed, Generator, or None for fresh entropy.

    Raises:
        ArgumentError: an unknown design, a count below 1, or too few points for a product of axes.

    >>> sample(Domain((0, 1)), 5).ravel().tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]
    >>> sample(Domain("x=0:1, y=0:1"), 100, "sobol", with_corners=True, generator=0).shape
    (104, 2)
    """
    if design not in DESIGNS:
        raise ArgumentError(f"design: {design!r} is unknown; choose one of {', '.join(DESIGNS)}")
    if design == "auto":
        design = "grid" if domain.dim == 1 else "uniform"
    if count is None:
        count = default_count(domain.dim)
    if isinstance(count, Iterable) and design not in HOLDS_CORNERS:
        raise ArgumentError(f"count: {design} takes one number, got {count!r}; grid and chebyshev take one per axis")
    if not isinstance(count, Iterable):
        count = whole("count", count)
    asked = math.prod(int(n) for n in count) if isinstance(count, Iterable) else count
    check_memory("count", 32.0 * asked * domain.dim, f"{asked} points of {domain.dim} variables", "ask for fewer")
    points = _DESIGNS[design](domain, count, numpy_generator(generator))
    if with_corners and design not in HOLDS_CORNERS:
        points = np.concatenate([points, corner_points(domain)])
    return points


def default_count(dim: int) -> int:
    """How many points a function of `dim` variables gets when nobody says: 1000 dim^2, at most 20 000.

    1 000 and 4 000 points for one and two variables are what hand-made studies of such fits use; no
    affordable number keeps that density in more dimensions, so growth is quadratic and stops where an epoch
    would take longer than a fraction of a second.
    """
    return min(1000 * dim * dim, 20_000)


def corner_points(domain: Domain) -> np.ndarray:
    """Corners worth adding to a sample: all 2**dim up to 8 variables (256), beyond that 2 dim + 2 of them.

    Those are the lowest corner, the highest corner, and the ones that differ from either in one variable.
    """
    if domain.dim <= ALL_CORNERS_UP_TO:
        return domain.corners()
    one = np.eye(domain.dim, dtype=bool)
    none = np.zeros((1, domain.dim), dtype=bool)
    return np.where(np.concatenate([none, one, ~one, ~none]), domain.high, domain.low)


def face_points(domain: Domain, count: int, generator: int | np.random.Generator | None = None) -> np.ndarray:
    """Uniform points on the faces of a box, (count, dim): each face is as likely as the others.

    A uniform sample has no point there, and there fits are often worst.

    >>> x = face_points(Domain("x=0:1, y=0:2"), 50, 0)
    >>> bool(((x == [0, 0]) | (x == [1, 2])).any(axis=1).all())
    True
    """
    rng = numpy_generator(generator)
    unit = rng.uniform(-1.0, 1.0, (count, domain.dim))
    stuck = rng.integers(0, domain.dim, count)
    unit[np.arange(count), stuck] = rng.choice([-1.0, 1.0], count)
    return domain.unscale(unit)


def _into(domain: Domain, unit: np.ndarray) -> np.ndarray:
    """[0, 1]^dim to the box; clipped because the rounding of the last bit could step outside."""
    return domain.at(unit)


def _product(axes: list[np.ndarray]) -> np.ndarray:
    mesh = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)  # (n1, ..., nd, dim)
    return mesh.reshape(-1, len(axes))


def _axis_counts(count: int | Sequence[int], dim: int) -> list[int]:
    if isinstance(count, Iterable):
        counts = [whole("count", n) for n in count]
        if len(counts) != dim:
            raise ArgumentError(f"count: {len(counts)} numbers for {dim} variables: {counts}")
    else:
        base = max(1, round(count ** (1.0 / dim)))
        while base**dim > count:
            base -= 1
        counts = [base] * dim
        for axis in range(dim):
            if math.prod(counts) < count:
                counts[axis] += 1
    if min(counts) < 2:
        raise ArgumentError(
            f"count: a product of axes over {dim} variable{'s' * (dim > 1)} needs at least 2 points on each "
            f"axis, {2**dim} in all, got {count}; give more, or use uniform or sobol"
        )
    return counts


def whole(name: str, value: Any, least: int = 1) -> int:
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= least:
        return int(value)
    raise ArgumentError(f"{name}: expected a whole number >= {least}, got {value!r}")


def real(name: str, value: Any, least: float = -math.inf) -> float:
    try:
        number = math.nan if isinstance(value, bool | str) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if math.isfinite(number) and number >= least:
        return number
    bound = "" if least == -math.inf else f" >= {least:g}"
    raise ArgumentError(f"{name}: expected a finite number{bound}, got {value!r}")


# ---- splits


def split_lengths(n: int, fractions: Sequence[float]) -> list[int]:
    """Whole numbers that sum to n in proportion to fractions: rounded down, the rest dealt from the first on.

    This is the rule of PyTorch's `random_split`.
    >>> split_lengths(308, (0.8, 0.1, 0.1))
    [247, 31, 30]
    """
    lengths = [math.floor(n * fraction) for fraction in fractions]
    for i in range(n - sum(lengths)):
        lengths[i % len(lengths)] += 1
    return lengths


__all__ = [
    "DESIGNS", "HOLDS_CORNERS", "corner_points", "default_count", "face_points", "real", "sample", "split_lengths",
    "uniform", "whole",
]  # fmt: skip
