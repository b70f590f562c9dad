"""Inputs that a function has only together: f(x, y, z) = F(h(x, y), z), however h and F look.

A set of inputs works through one number where the direction of the gradient along these inputs is the same whatever the
others are (Leontief 1947, Introduction to a theory of the internal structure of functional relationships; Gorman 1968,
The structure of utility functions). Then h may be the function itself with the other inputs held at some place. A
product of eight inputs is made of seven functions of two inputs so, and a distance between two points in space of
differences, of squares and a sum, without anybody knowing what these are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

LEAST_INPUTS, MOST_INPUTS = 3, 9  # all sets of which are looked at: 28 000 values of 9
PLACES, TELLING = 6, 3  # at which each set is looked at, and of these, how many must not be flat
STEP = 1e-5  # of half a range, of central differences
SAME = 1e-6  # of their product, what two directions may differ by
FLAT = 1e-7  # of the largest derivative, below which one tells no direction
INSIDE = 0.95  # of the box, where derivatives are taken
HELD = 8  # places at which the other inputs may be held
LOOKED_AT = 30  # points that tell which of these is best
FAINT = 1e-3  # of what it is elsewhere, that a derivative must have at all of them where the others are held

Values = Callable[[np.ndarray], np.ndarray]  # points (n, d) of [-1, 1]^d -> values (n,)
Inputs = frozenset[int]


@dataclass(frozen=True, eq=False)
class Contraction:
    """A function of some inputs by way of numbers: `parts` are inputs, or contractions of several.

    held (p, d): places where the other inputs may be held, so that the value of the function is the number of these;
    of all inputs that matter any one.
    """

    inputs: Inputs
    parts: tuple[int | Contraction, ...]
    held: np.ndarray

    @property
    def depth(self) -> int:
        """Functions on the longest way to an input."""
        return 1 + max((p.depth for p in self.parts if isinstance(p, Contraction)), default=0)

    @property
    def arity(self) -> int:
        """The most numbers that one of the functions takes."""
        return max(len(self.parts), *(p.arity for p in self.parts if isinstance(p, Contraction)), 0)

    def all(self) -> Iterator[Contraction]:
        """Its parts and theirs, and at last itself."""
        for part in self.parts:
            if isinstance(part, Contraction):
                yield from part.all()
        yield self


def contracted(f: Values, d: int, generator: np.random.Generator) -> Contraction | None:
    """How a function of d inputs takes them together, so that no step takes many; None where it takes all at once.

    f is asked for some thousands of values. None also where it is not smooth enough for differences.
    """
    if not LEAST_INPUTS <= d <= MOST_INPUTS:
        return None
    together, matters = sets_of(f, d, generator)
    if not matters:
        return None
    places: dict[Inputs, np.ndarray | None] = {}
    while True:
        possible = {s: places.get(s, np.zeros((1, d))) for s in together if places.get(s, True) is not None}
        found = tree_of(possible, matters, np.zeros((1, d)), d)  # type: ignore[arg-type]
        if found is None:
            return None
        new = [c.inputs for c in found.all() if c.inputs != found.inputs and c.inputs not in places]
        if not new:
            return found
        places |= {s: held_at(f, d, s, generator) for s in new}


def sets_of(f: Values, d: int, generator: np.random.Generator) -> tuple[list[Inputs], Inputs]:
    """The sets of two inputs or more, but not of all, that a function has only together; and the inputs that matter."""
    first, second = generator.uniform(-INSIDE, INSIDE, (2, PLACES, d))
    slopes = gradients(f, first, range(d))  # (places, d)
    if not np.isfinite(slopes).all():
        return [], frozenset()
    most = np.abs(slopes).max()
    matters = frozenset(np.flatnonzero(np.abs(slopes).max(axis=0) > FLAT * most).tolist())
    several = sorted(matters)
    subsets = [
        [several[i] for i in range(len(several)) if bits >> i & 1]
        for bits in range(1 << len(several))
        if 2 <= bits.bit_count() < len(several)
    ]
    if not subsets:
        return [], matters
    points = [np.where(np.isin(np.arange(d), s), first, second) for s in subsets]
    found = []
    for own, slope in zip(subsets, _several(f, points, subsets), strict=True):
        here, there = slopes[:, own], slope
        sizes = np.linalg.norm(here, axis=1), np.linalg.norm(there, axis=1)
        steep = np.minimum(*sizes) > FLAT * most
        if not np.isfinite(there).all() or steep.sum() < TELLING:
            continue
        here, there, sizes = here[steep], there[steep], (sizes[0][steep], sizes[1][steep])
        outer = here[:, :, None] * there[:, None, :]
        if (np.abs(outer - outer.transpose(0, 2, 1)).max(axis=(1, 2)) <= SAME * sizes[0] * sizes[1]).all():
            found.append(frozenset(own))
    return found, matters


def gradients(f: Values, points: np.ndarray, inputs: Iterable[int]) -> np.ndarray:
    """Derivatives (n, m) at points (n, d) along these m inputs."""
    return _several(f, [points], [list(inputs)])[0]


def _several(f: Values, points: list[np.ndarray], inputs: list[list[int]]) -> list[np.ndarray]:
    """The derivatives at several sets of points, each along inputs of its own, by one call."""
    moved = []
    for x, own in zip(points, inputs, strict=True):
        steps = STEP * np.eye(x.shape[1])[own]
        moved.append(np.concatenate([x + steps[:, None, :], x - steps[:, None, :]]).reshape(-1, x.shape[1]))
    sizes = np.cumsum([len(m) for m in moved])[:-1]
    found = []
    for y, x, own in zip(np.split(f(np.concatenate(moved)), sizes), points, inputs, strict=True):
        up, down = y.reshape(2, len(own), len(x))
        found.append((up - down).T / (2.0 * STEP))
    return found


def held_at(f: Values, d: int, inputs: Inputs, generator: np.random.Generator) -> np.ndarray | None:
    """Places (p, d) where the others may be held so that a function says something of these inputs; None: nowhere.

    Where it hardly changes with them at some point, it must hardly do so wherever the others are.
    """
    own = sorted(inputs)
    places = generator.uniform(-0.9, 0.9, (HELD, d))
    x = generator.uniform(-INSIDE, INSIDE, (LOOKED_AT, d))
    ours = np.isin(np.arange(d), own)
    points = np.where(ours, x, places[:, None, :])  # (held, n, d)
    slopes = np.linalg.norm(gradients(f, points.reshape(-1, d), own), axis=1).reshape(HELD, LOOKED_AT)
    if not np.isfinite(slopes).all():
        return None
    tiny = np.finfo(np.float64).tiny
    relative = slopes / np.maximum(slopes.mean(axis=1, keepdims=True), tiny)
    least = (relative / np.maximum(relative.max(axis=0), tiny)).min(axis=1)
    return np.where(ours, 0.0, places[least > FAINT]) if least.max() > FAINT else None


def tree_of(held: dict[Inputs, np.ndarray], inputs: Inputs, nowhere: np.ndarray, less: int) -> Contraction | None:
    """The contraction of these inputs whose functions take the fewest numbers, and among such the shallowest.

    None where none takes less than so many numbers.

    >>> pair, nowhere = frozenset({0, 1}), np.zeros((1, 3))
    >>> found = tree_of({pair: nowhere}, frozenset({0, 1, 2}), nowhere, 3)
    >>> found.depth, found.arity
    (2, 2)
    """

    @cache
    def best(s: Inputs, most: int) -> Contraction | None:
        choice: Contraction | None = None
        for blocks in partitions(s, most):
            parts: list[int | Contraction] = []
            for block in blocks:
                part = next(iter(block)) if len(block) == 1 else best(block, most)
                if part is None:
                    break
                parts.append(part)
            else:
                found = Contraction(s, tuple(parts), held.get(s, nowhere))
                if choice is None or (found.depth, len(parts)) < (choice.depth, len(choice.parts)):
                    choice = found
        return choice

    @cache
    def blocks_of(s: Inputs) -> tuple[Inputs, ...]:
        singles = [frozenset({i}) for i in s]
        return (*(single for single in singles if single < s or len(s) == 1), *(h for h in held if h < s))

    def partitions(s: Inputs, most: int) -> Iterator[tuple[Inputs, ...]]:
        """Ways to divide a set into at most so many blocks that are smaller."""

        def rest(left: Inputs, number: int) -> Iterator[tuple[Inputs, ...]]:
            if not left:
                yield ()
            elif number:
                first = min(left)
                for block in blocks_of(s):
                    if first in block and block <= left:
                        for others in rest(left - block, number - 1):
                            yield (block, *others)

        return rest(s, most)

    for most in range(min(2, len(inputs)), min(less, len(inputs) + 1)):
        found = best(inputs, most)
        if found is not None:
            return found
    return None


__all__ = ["Contraction", "contracted", "gradients", "held_at", "sets_of", "tree_of"]
