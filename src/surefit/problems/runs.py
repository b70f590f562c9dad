"""Evaluations of an expensive function, one by one: which points come next, what came of each, all in a log file."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from surefit.checking import check_memory, number_array, whole_number
from surefit.data import Domain, Table
from surefit.data.generator import output_names
from surefit.data.places import has_names, is_row, points_from
from surefit.errors import ArgumentError, DataError, DomainError, ShapeError
from surefit.problems.callables import key_of
from surefit.problems.proposals import FIRST, filling, next_points
from surefit.problems.run_log import Run, RunLog, arrays
from surefit.sentences import Sentence, say

SHOWN = 300  # characters of an error that are told
POINT = 500  # bytes that a point costs on its way, and 64 more for each input


class Runs:
    """What is known of a function that is evaluated point by point.

    `ask` proposes points and `tell` takes what came of them, in any order and at any points. The first points fill the
    box, the later ones lie where cheap models disagree and no other point is near.

    Args:
        domain: in any form that `Domain` takes.
        log: a file ending in .csv or .jsonl that every evaluation is appended to; what is in it already is known.
        seed: of the points.
        function, code: what the log is of; see `RunLog`.

    Raises:
        DomainError, ArgumentError: a malformed domain or argument. DataError: a log of something else.

    Attributes:
        box: the domain. runs: the evaluations, in the order in which they came. failed: those that gave no value.
        width: how many values a point has; 0: not known yet. resumed: how many evaluations came from the log.
        first: how many points fill the box before models are asked; ten for each input.
    """

    def __init__(
        self, domain: Any, *, log: str | os.PathLike[str] | None = None, seed: int = 0, function: str | None = None,
        code: str | None = None,
    ) -> None:  # fmt: skip
        self.box = domain if isinstance(domain, Domain) else Domain(domain)
        self.seed, self.first = whole_number("seed", seed, 0), FIRST * self.box.dim
        self.log = None if log is None else RunLog(log, self.box, function, code)
        self.runs: list[Run] = []
        self.failed: list[Run] = []
        self.width = 0
        self._evaluated: set[bytes] = set()
        self._pending: dict[bytes, np.ndarray] = {}  # asked for, and nothing told yet
        for run in [] if self.log is None else self.log.read():
            self._check_width([run])
            self._known(run)
        self.resumed = len(self.runs)

    def ask(self, count: int = 1, *, model: Any = None) -> np.ndarray:
        """The next points to evaluate, (count, d) float64; asked again before they are told, others.

        model: with `predict(X, return_std=True)`, fitted to the same rows, whose deviation then says where values are
        missing, instead of the disagreement of polynomials and random features. ArgumentError: a count below 1.
        """
        count = whole_number("count", count, 1)
        check_memory("count", float(count) * (POINT + 64 * self.box.dim), f"{count} points", "ask for fewer")
        if model is not None and not hasattr(model, "predict"):
            raise ArgumentError(f"model={model!r} must have a method predict(X, return_std=True)")
        taken = {**self._pending}
        filled = min(count, max(0, self.first - len(self.runs) - len(taken)))
        points = self._fresh(filled)
        if filled < count:
            x, y = arrays(self.runs, self.box.dim)
            on_way = np.concatenate([np.array(list(taken.values())).reshape(-1, self.box.dim), points])
            rng = np.random.default_rng([self.seed, len(x), len(on_way)])
            if np.isfinite(y).any():
                more = next_points(self.box, x, y, count - filled, rng, taken=on_way, model=model)
            else:
                more = self._fresh(count)[filled:]
            points = np.concatenate([points, more])
        self._pending.update((key_of(point), point) for point in points)
        return points

    def _fresh(self, count: int) -> np.ndarray:
        """The first points of the filling sequence that are neither known nor asked for, (count, d)."""
        length = 2 * (count + len(self.runs) + len(self._pending)) + 2
        known = self._evaluated | self._pending.keys()
        new = [p for p in filling(self.box, length, self.seed) if key_of(p) not in known]
        return np.array(new[:count]).reshape(-1, self.box.dim)

    def tell(self, x: Any, y: Any, *, seconds: float = math.nan, error: str = "") -> None:
        """Write down what was measured.

        Args:
            x: points (n, d), or one point (d,), also points that were not asked for; a dict of names, a frame, a row
                of one.
            y: values (n,) or (n, outputs); of one point a number or (outputs,). NaN: the evaluation failed.
            seconds: how long it took. error: why it failed.

        Raises:
            ShapeError: points and values that do not fit together, or another number of outputs than before.
            DomainError: a point that is not finite. DataError: the log cannot be written.
        """
        points, values = self._pairs(x, y)
        new = [Run(tuple(p), tuple(v), seconds, error) for p, v in zip(points.tolist(), values.tolist(), strict=True)]
        self._check_width(new)
        for run in new:
            if run.failed and not run.error:
                run = run._replace(error="it gave no finite value")
            self._known(run)  # first, so that an interrupt leaves nothing in the log that is not known here
            if self.log is not None:
                self.log.append(run, self.runs[:-1])

    def _known(self, run: Run) -> None:
        key = key_of(np.array(run.x))
        self.runs.append(run)
        self._evaluated.add(key)
        self._pending.pop(key, None)
        if run.failed:
            self.failed.append(run)
        else:
            self.width = len(run.y)

    def withdraw(self, point: np.ndarray) -> None:
        """Nobody evaluates this point that was asked for."""
        self._pending.pop(key_of(point), None)

    def held(self) -> Any:
        """A block in which nobody else may write the log."""
        return nullcontext() if self.log is None else self.log.held()

    def _pairs(self, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        """Points (n, d) and values (n, k)."""
        d = self.box.dim
        if has_names(x) or (is_row(x) and set(self.box.names) <= set(map(str, x.index))):  # by name, in any order
            x = points_from(x, self.box.names, "tell")
            x = x[0] if np.ndim(y) == 0 and len(x) == 1 else x
        try:
            points, values = number_array("x", x), number_array("y", y)
        except ArgumentError:
            raise ShapeError(f"tell: x and y must be numbers, got {type(x).__name__} and {type(y).__name__}") from None
        one = points.ndim == 0 or (points.ndim == 1 and (d > 1 or values.ndim == 0))
        points = points.reshape(-1, d) if points.ndim < 2 and points.size % d == 0 else points
        if points.ndim != 2 or points.shape[1] != d or (one and len(points) != 1):
            raise ShapeError(f"tell: x has shape {np.shape(x)}; needed (n, {d}), for {', '.join(self.box.names)}")
        values = values.reshape(1, -1) if one else values.reshape(len(values), -1) if values.ndim == 1 else values
        if values.ndim != 2 or len(values) != len(points) or not values.shape[1]:
            raise ShapeError(f"tell: y has shape {np.shape(y)} for {len(points)} points; needed one value a point")
        if not np.isfinite(points).all():
            raise DomainError("tell: a point is NaN or infinite; tell where the value was measured")
        return points, values

    def _check_width(self, runs: Sequence[Run]) -> None:
        for run in runs:
            known = self.width or len(next(r.y for r in runs if not r.failed or r is run))
            if not run.failed and len(run.y) != known:
                raise ShapeError(f"tell: an evaluation has {len(run.y)} values where others have {known}")

    # --- what is to be fitted ---

    def table(self) -> Table:
        """The evaluations that gave a value, sorted by place so that the order in which they ended is no matter.

        DataError where there are none.
        """
        x, y = arrays(self.runs, self.box.dim)
        good = np.isfinite(y).all(axis=1)
        if not self.runs:
            raise DataError(
                "no evaluation has ended yet, so that nothing can be fitted; give more time, or tell what was measured"
            )
        if not good.any():
            raise DataError(
                f"none of {len(self.runs)} evaluations gave a value, so that nothing can be fitted; the first: "
                f"{self.where(self.runs[0])}"
            )
        rows = np.concatenate([x, y], axis=1)[good]
        rows = rows[np.lexsort(rows.T[::-1])]
        outputs = output_names(self.box.names, y.shape[1])
        return Table([*self.box.names, *outputs], rows, outputs)

    def where(self, run: Run) -> str:
        """A failed evaluation in words."""
        place = ", ".join(f"{n}={v:.6g}" for n, v in zip(self.box.names, run.x, strict=True))
        # no word is cut, but one that is all
        cut = run.error[: run.error.rfind(" ", 0, SHOWN) if " " in run.error[:SHOWN] else SHOWN]
        return f"{place}: {run.error if len(run.error) <= SHOWN else cut + ' ...'}"

    def notes(self) -> tuple[Sentence, ...]:
        """What the card should say about evaluations that failed."""
        failed = self.failed
        return (say("runs-failed", count=len(failed), where=self.where(failed[0])),) if failed else ()

    def counts(self) -> dict[str, Any]:
        """How many evaluations there are and how many failed, as plain data."""
        return {"evaluations": len(self.runs), "failed": len(self.failed), "resumed": self.resumed}


__all__ = ["Runs"]
