"""A search for the largest error: uphill from the worst points that are known, many at a time.

It needs no derivative of the target, so that it works for any callable and at kinks. In every step each climber looks
at both sides along every input. Those values are a line search, a gradient and a curvature at once: the climber tries
the best of them, the place where parabolas through them are highest, steps along the gradient, and goes to the best.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from surefit.data import Domain

ErrorAt = Callable[[np.ndarray], np.ndarray]  # points (n, d) -> |errors| (n, k), -inf where there are none

STEP_FACTORS = (1.0, 0.5, 2.0)  # of the step to the top of the parabolas
GAIN = 1e-4  # a larger error by less than this share is none, and the next steps are shorter
SHORTEST = 1e-5  # a climber whose steps are this short, of its first, is at its top


class Climb(NamedTuple):
    """How hard to search: evaluations in all, climbers at a time, and how many of them are left in the end."""

    budget: int
    climbers: int = 24
    last: int = 4


def climb(
    error_at: ErrorAt, box: Domain, x: np.ndarray, error: np.ndarray, effort: Climb, rng: np.random.Generator
) -> None:
    """Ask `error_at` for larger errors than those known at points x (n, d), |errors| (n, k), until the budget is spent.

    All that it found has passed through `error_at`.
    """
    if effort.budget <= 0 or not len(x):
        return
    d = box.dim
    search = _Search(error_at, box, effort.budget)
    unit, heights = box.shares(x), error.max(axis=1)
    first = 0.5 * len(x) ** (-1.0 / d)  # half of the distance of the points
    order = np.argsort(-heights, kind="stable")
    if d > 12:
        corners = search.corners(unit[order[:8]])
        unit, heights = np.concatenate([corners[0], unit]), np.concatenate([corners[1], heights])
        order = np.argsort(-heights, kind="stable")
    width = max(1, min(effort.climbers, effort.budget // (10 * (2 * d + 6))))
    taken: list[int] = []
    while search.left > 0 and len(taken) < len(unit):
        starts = _apart(unit, order, taken, width, first)
        if not starts:
            return
        search.ascend(unit[starts], heights[starts], first, effort.last, rng)
    return


def _apart(unit: np.ndarray, order: np.ndarray, taken: list[int], count: int, least: float) -> list[int]:
    """The next `count` highest points that are not close to a higher one; `taken` remembers all that were looked at."""
    fresh: list[int] = []
    known = set(taken)
    for i in order:
        if len(fresh) == count:
            break
        if i in known:
            continue
        taken.append(int(i))
        if not fresh or np.abs(unit[fresh] - unit[i]).max(axis=1).min() > least:
            fresh.append(int(i))
    return fresh


def apart(unit: np.ndarray, count: int, cells: int) -> list[int]:
    """Of points of the unit cube (n, d), in order, the first `count` that are not close to an earlier one.

    cells: of so many points in the cube none are close.
    """
    return _apart(unit, np.arange(len(unit)), [], count, 0.5 * cells ** (-1.0 / unit.shape[1]))


class _Search:
    """Evaluations in the unit cube, and how many are left."""

    def __init__(self, error_at: ErrorAt, box: Domain, budget: int) -> None:
        self.error_at, self.box, self.left = error_at, box, budget

    def heights(self, unit: np.ndarray) -> np.ndarray:
        """The errors (n, k) at points of the unit cube; -inf for those that the budget does not pay."""
        flat = unit.reshape(-1, self.box.dim)[: self.left]
        self.left -= len(flat)
        x = self.box.at(flat)
        found = self.error_at(x) if len(flat) else np.zeros((0, 1))
        k = found.shape[1]
        out = np.full((unit.size // self.box.dim, k), -np.inf)
        out[: len(found)] = found
        return out.reshape(*unit.shape[:-1], k)

    def corners(self, unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Corners (n, d) reached by flips of single inputs, and of all that help, from those next to some points."""
        d = self.box.dim
        tops = np.unique(np.round(unit), axis=0)
        heights = self.heights(tops).max(axis=-1)
        budget = self.left // 3
        for _ in range(d):
            if self.left < 2 * budget:
                break
            flips = np.where(np.eye(d, dtype=bool), 1.0 - tops[:, None, :], tops[:, None, :])  # (n, d, d)
            single = self.heights(flips).max(axis=-1)  # (n, d)
            helps = single > heights[:, None]
            middle = np.median(np.where(helps, single, np.nan), axis=1) if helps.any() else heights
            many = np.stack([helps, helps & (single >= middle[:, None])], axis=1)  # (n, 2, d)
            joint = np.where(many, 1.0 - tops[:, None, :], tops[:, None, :])
            tries = np.concatenate([flips, joint], axis=1)
            found = np.concatenate([single, self.heights(joint).max(axis=-1)], axis=1)
            pick = found.argmax(axis=1)
            best = found[np.arange(len(tops)), pick]
            better = best > heights
            if not better.any():
                break
            tops = np.where(better[:, None], tries[np.arange(len(tops)), pick], tops)
            heights = np.where(better, best, heights)
        return tops, heights

    def ascend(self, tops: np.ndarray, heights: np.ndarray, first: float, last: int, rng: np.random.Generator) -> None:
        """Climb from `tops` until all have arrived; every few steps the lower half gives up."""
        radius = np.full(len(tops), first)
        turn = 0
        while len(tops) and self.left > 0:
            tops, found, moved = self._step(tops, heights, radius, rng)
            better = found > heights * (1.0 + GAIN)
            radius = np.where(better, np.where(moved >= radius, 1.5 * radius, radius), 0.4 * radius)
            radius = np.minimum(radius, 0.5)
            heights = np.maximum(found, heights)
            turn += 1
            go_on = radius > SHORTEST * first
            if turn % 4 == 0 and len(tops) > last:
                rank = np.argsort(np.argsort(-heights, kind="stable"), kind="stable")
                go_on &= rank < max(last, len(tops) // 2)
            tops, heights, radius = tops[go_on], heights[go_on], radius[go_on]

    def _step(
        self, tops: np.ndarray, heights: np.ndarray, radius: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One step of all climbers: where they are then, the heights there, and how far they went in any input."""
        n, d = tops.shape
        r = radius[:, None]
        ahead, behind = np.minimum(tops + r, 1.0), np.maximum(tops - r, 0.0)
        eye = np.eye(d, dtype=bool)
        sides = np.concatenate([np.where(eye, v[:, None, :], tops[:, None, :]) for v in (ahead, behind)], axis=1)
        around = self.heights(sides)  # (n, 2 d, k)
        values = around.max(axis=-1)
        up, down = values[:, :d], values[:, d:]
        steps = _parabola_tops(tops, heights, ahead, behind, up, down, r)
        known = np.isfinite(up) & np.isfinite(down)
        gradient = np.where(known, up, 0.0) - np.where(known, down, 0.0)
        gradient /= np.maximum(ahead - behind, 1e-300)
        steepest = np.abs(gradient).max(axis=1, keepdims=True)
        along = r * gradient / np.where(steepest > 0, steepest, 1.0)
        best_side = np.where(
            (up > heights[:, None]) & (up >= down), ahead, np.where(down > heights[:, None], behind, tops)
        )
        aims = [tops + f * steps for f in STEP_FACTORS]
        aims += [tops + along, best_side, tops + r * rng.uniform(-1.0, 1.0, (n, d))]
        more = np.clip(np.stack(aims, axis=1), 0.0, 1.0)
        found = np.concatenate([values, self.heights(more).max(axis=-1)], axis=1)
        tries = np.concatenate([sides, more], axis=1)
        pick = found.argmax(axis=1)
        best = found[np.arange(n), pick]
        better = best > heights
        reached = np.where(better[:, None], tries[np.arange(n), pick], tops)
        return reached, best, np.abs(reached - tops).max(axis=1)


def _parabola_tops(
    tops: np.ndarray, heights: np.ndarray, ahead: np.ndarray, behind: np.ndarray, up: np.ndarray, down: np.ndarray,
    r: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """For each input the step to the top of the parabola through three values, at most twice the radius."""
    right, left = ahead - tops, tops - behind
    h = heights[:, None]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        slope_right, slope_left = (up - h) / right, (h - down) / left
        bend = 2.0 * (slope_right - slope_left) / (right + left)
        slope = (slope_right * left + slope_left * right) / (right + left)
        step = np.where(bend < 0, -slope / bend, np.sign(slope) * 2.0 * r)
    one_sided = np.where(right <= 0, np.where(down > h, -r, 0.0), np.where(left <= 0, np.where(up > h, r, 0.0), np.nan))
    step = np.where(np.isnan(one_sided), step, one_sided)
    return np.clip(np.where(np.isfinite(step), step, 0.0), -2.0 * r, 2.0 * r)


__all__ = ["Climb", "apart", "climb"]
