"""The mean of several fits of one problem as a record of its own, judged as any other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from surefit.core import ops
from surefit.models.inference import values_of
from surefit.models.mean import Mean
from surefit.models.scaled import Scaled
from surefit.search.judging import Judge, Measured
from surefit.search.record import Record, Solved
from surefit.sentences import Both, declare, say

declare({"stage-ensemble": Both("mean of {count} fits", "{count} 个拟合的平均")})
ARecord = TypeVar("ARecord", bound=Record)


def mean_record(records: Sequence[ARecord]) -> ARecord:
    """The record whose model is the mean of those of some records, which share their problem.

    Its error is measured where each of theirs was. Of rows that were left out one by one, or in folds, it is that of
    the mean of what each said there.
    """
    first = records[0]
    d, k = len(first.names), len(first.outputs)
    network = Mean([r.model for r in records])
    network.eval()
    model = Scaled(network, np.zeros(d), np.ones(d), np.zeros(k), np.ones(k), ops.float64)
    stage = say("stage-ensemble", count=len(records))
    made = Solved(first.made.settings, stage, None, {"solver": "mean", "units": None}, False)
    left_out = _mean([_left_out(r) for r in records])
    across = _mean([r.across for r in records])
    error = _judged(first, model, left_out, across)
    reason = first.stop_reason if all(r.stop_reason == first.stop_reason for r in records) else say("solver-solved")
    return replace(
        first, model=model, made=made, error=error, history=[], stop_reason=reason, best_epoch=None, taught=None,
        steps=sum(r.steps for r in records), seconds=sum(r.seconds for r in records), score=error.max, film=None,
        warnings=list(dict.fromkeys(text for r in records for text in r.warnings)), certificate=None, extra={},
        left_out=left_out, across=across, restarts=[], interrupted=any(r.interrupted for r in records),
    )  # fmt: skip


def _left_out(record: Record) -> np.ndarray | None:
    """What the training rows are missed by when they are left out, in the units of the target, if that is known."""
    if record.left_out is None:
        return None
    return record.model.scaling.unscaled_errors(record.left_out, record.problem.train[1])


def _mean(each: Sequence[np.ndarray | None]) -> np.ndarray | None:
    known = [a for a in each if a is not None]
    same = len(known) == len(each) and all(a.shape == known[0].shape for a in known)
    return np.mean(known, axis=0) if same else None


def _judged(record: Record, model: Scaled, left_out: np.ndarray | None, across: np.ndarray | None) -> Measured:
    """The error of the mean, where that of the record was found."""
    problem = record.problem
    judge = Judge(problem, record.seed)
    if across is not None and record.error.folds:
        parts = [part for part in (problem.train, problem.validation) if part is not None]
        x, y = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
        return replace(Judge.apart(problem, across, (x, y), record.error.kind), folds=record.error.folds)
    if judge.kind == "training" and left_out is not None:
        return judge.estimated(left_out)
    return judge.measured(values_of(model))


__all__ = ["mean_record"]
