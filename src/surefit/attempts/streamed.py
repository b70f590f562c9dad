"""An output layer for all rows of a table that is read in parts: one pass, in which each part becomes a triangle."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from surefit.attempts.attempt import Attempt, Outcome
from surefit.attempts.features import ridges_of
from surefit.attempts.methods import Features
from surefit.attempts.output_layer import enough_rows
from surefit.attempts.progress import Progress
from surefit.checking import memory_peak
from surefit.core import ops
from surefit.data.batches import BLOCK as PART
from surefit.models.chain import chain_of, output_layer
from surefit.models.scaled import scaled
from surefit.problems.scaling import Scaling
from surefit.problems.streams import Reader, only
from surefit.sentences import say
from surefit.solvers.reduction import BLOCK, Reduction

COPIES = 3  # of a block of features, while it becomes a triangle
AHEAD = 4  # parts of a table that wait
SCANNED = 6  # copies of the features of a sample, while their ridge is chosen


@dataclass(frozen=True)
class Layer:
    """A hidden layer on rows as a table has them, so that a part of one becomes a triangle wherever that part is."""

    reader: Reader
    scaling: Scaling
    weight: np.ndarray  # (h, d)
    bias: np.ndarray  # (h,)
    activation: Callable[[np.ndarray], np.ndarray]

    def reduced(self, start: int, part: Any) -> Reduction:
        """The training rows of a part of the table."""
        rows = only(self.reader, 0, start, part)
        found = Reduction(len(self.bias), rows.y.shape[1])
        for low in range(0, len(rows.numbers), BLOCK):
            at = slice(low, low + BLOCK)
            phi = self.activation(self.scaling.inputs(rows.x[at]) @ self.weight.T + self.bias)
            weights = None if rows.weights is None else rows.weights[at]
            found.update(phi, self.scaling.outputs(rows.y[at]), weights)
        return found


def from_all_rows(outcome: Outcome, attempt: Attempt, method: Features, progress: Progress) -> Outcome:
    """The outcome with its output layer solved for all training rows, where it was solved for a sample of them.

    The ridge is that of the sample if this was all rows, else the best by generalised cross-validation. What was read
    until time is up or somebody interrupts is used.
    """
    stream = attempt.problem.stream
    assert stream is not None
    network, problem = outcome.network, outcome.problem
    model = scaled(network, problem, True, ops.float64)
    chain = chain_of(network)
    assert chain is not None
    first, activation = chain[0]
    assert activation is not None
    assert first.bias is not None
    layer = Layer(
        stream.reader, model.scaling, first.weight.detach().numpy().astype(np.float64),
        first.bias.detach().numpy().astype(np.float64), activation.value,
    )  # fmt: skip
    units, outputs = layer.weight.shape[0], len(problem.outputs)
    total, whole = Reduction(units, outputs), len(problem.train[0]) == stream.counts["train"]
    reason = outcome.reason
    try:
        with closing(stream.batches.map(layer.reduced, stream.reader.columns)) as parts:
            for part in parts:
                total.merge(part)
                if progress.out_of_time() or progress.halt():
                    break
    except KeyboardInterrupt:
        progress.interrupted = True
        reason = say("interrupted")
    if total.rows < stream.counts["train"]:
        progress.warnings.append(say("rows-unread", read=total.rows, rows=stream.counts["train"]))
        if total.rows < len(problem.train[0]):
            return replace(outcome, reason=reason)  # the sample says more
    given = method.ridge if method.ridge != "auto" else outcome.details["ridge"]
    chosen = ridges_of("auto", exact=False) if method.ridge == "auto" and not whole else (float(given or 0.0),)
    assert chosen is not None
    solved = total.solve(chosen)
    last = output_layer(network)
    assert last is not None
    assert last.bias is not None
    last.weight.assign(np.ascontiguousarray(solved.weights.T))
    last.bias.assign(solved.constant)
    progress.evaluations += 1
    stream.used = total.rows
    stream.memory = memory_peak() or memory_of(stream.reader, units, outputs, stream.sample)
    details = outcome.details | {
        "ridge": solved.ridge, "output_norm": float(np.abs(solved.weights).sum(axis=0).max(initial=0.0)),
    }  # fmt: skip
    return replace(outcome, details=details, reason=reason, left_out=outcome.left_out if whole else None)


def memory_of(reader: Reader, units: int, outputs: int, sample: int) -> float:
    """Bytes of the arrays that are there at a time: a sample, parts of the table, and triangles of each core."""
    cores, columns, width = os.cpu_count() or 1, len(reader.columns), units + outputs + 1
    parts = 8.0 * (cores + AHEAD) * 2 * PART * 3 * columns
    triangles = 8.0 * cores * COPIES * (max(BLOCK, 4 * width) + width) * width
    scanned = 8.0 * SCANNED * min(sample, enough_rows(units)) * units
    return parts + max(triangles, scanned) + 8.0 * SCANNED * sample * columns


__all__ = ["Layer", "from_all_rows", "memory_of"]
