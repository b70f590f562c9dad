"""Several fits at once: restarts, of which the best is kept, those of an ensemble, which are all, and those of folds.

They share the data; seeds of weights and order differ. Each runs in a thread of its own, as many at a time as there are
cores, and compiled training holds no lock, so that K networks on C cores take little more than K / C times one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, wait
from functools import partial
from typing import Any, TypeVar

import numpy as np

from surefit import nn
from surefit.cores import pool_of, taken
from surefit.errors import ArgumentError
from surefit.problems.posing import with_evaluations
from surefit.problems.problem import Problem
from surefit.search.limits import MOST_NETWORKS
from surefit.search.record import Record
from surefit.worker import TICK

ARecord = TypeVar("ARecord", bound=Record)


def check_networks(count: int, model: Any, folds: int | None) -> None:
    """ArgumentError for more networks than are made of one problem, and for several of a Module.

    folds: by how many further fits the error is estimated, if that is asked.
    """
    if folds is not None and isinstance(model, nn.Module):
        raise ArgumentError("folds: a Module can be trained only once; give widths or an MLPSpec")
    if count > MOST_NETWORKS:
        raise ArgumentError(
            f"{count} networks are too many; each is a fit of its own, and {MOST_NETWORKS} are the most"
        )
    if count > 1 and isinstance(model, nn.Module):
        raise ArgumentError("model: a Module can be trained only once; give widths or an MLPSpec for several networks")


def seeds_of(seed: int, count: int) -> list[int]:
    """The seed itself, then others made from it."""
    more = np.random.SeedSequence([seed, 0x5EED]).generate_state(max(0, count - 1))
    return [seed, *(int(s) for s in more)]


def fit_each(problem: Problem, seeds: Sequence[int], fit_one: Callable[..., ARecord]) -> list[ARecord]:
    """One record for each seed, in order; `fit_one(problem, seed=, first=, halted=)` makes one.

    Ctrl-C stops all of them, and each keeps its best weights so far. The first error of one stops the others and is
    raised.
    """
    found, interrupted = at_once([partial(fit_one, problem, seed=s, first=i == 0) for i, s in enumerate(seeds)])
    fits = [one for one in found if one is not None]
    for one in fits:
        one.interrupted |= interrupted
    return fits


def at_once(calls: Sequence[Callable[..., ARecord]], most: int | None = None) -> tuple[list[ARecord | None], bool]:
    """What `call(halted=)` of each returns, in order, and whether Ctrl-C came; None for one that had not begun then.

    most: how many may be under way at a time; None: as many as there are cores without work.
    """
    halt = threading.Event()
    with taken(min(len(calls), most or len(calls)) - 1) as others:
        pool = pool_of(1 + others)
        jobs = [pool.submit(call, halted=halt.is_set) for call in calls]
        interrupted = False
        running = set(jobs)
        try:
            while running and not any(j.done() and j.exception() is not None for j in jobs):
                running = wait(running, timeout=TICK, return_when=FIRST_EXCEPTION).not_done
        except KeyboardInterrupt:
            interrupted = True
        broken = next((j.exception() for j in jobs if j.done() and j.exception() is not None), None)
        if interrupted or broken is not None:
            halt.set()
            for job in jobs:
                job.cancel()
            while wait(jobs, timeout=TICK).not_done:
                pass
        pool.shutdown(wait=True)
    if broken is not None:
        raise broken
    return [None if j.cancelled() else j.result() for j in jobs], interrupted


def best_of(records: Sequence[ARecord]) -> ARecord:
    """The record with the smallest score, which says how the others did; one whose tolerance is proved goes first."""
    scores = [r.score for r in records]
    sure = [r.tol is not None and r.certificate is not None and r.certificate.proves(r.tol) is True for r in records]
    counting = [s if good or not any(sure) else np.inf for s, good in zip(scores, sure, strict=True)]
    chosen = records[int(np.nanargmin(counting)) if np.isfinite(counting).any() else 0]
    chosen.made.settings["restarts"] = len(records)
    chosen.restarts = scores
    chosen.problem = with_evaluations(chosen.problem)  # those of the others, too
    return chosen


__all__ = ["at_once", "best_of", "check_networks", "fit_each", "seeds_of"]
