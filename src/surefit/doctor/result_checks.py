"""The doctor's checks of the result: warnings of the training, the error that was measured, and the tolerance."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from surefit.doctor.findings import Finding, found, percent
from surefit.doctor.graph import evenly
from surefit.models.inference import values_of
from surefit.search.record import Record
from surefit.sentences import Sentence

LARGE = 0.5  # relative L2 error above which a fit is worth nothing; 1 is that of a network that gives 0
UNEXPLAINED = 0.1  # R² of an output below which little more than its mean was learned
ENOUGH, FEWEST = 10, 3  # rows that tell an R², and a ratio as large as APART
MISSED = 0.5  # of the target's root mean square: a largest error above it is a place that was missed
ALONE = 6.0  # times the root mean square error, that the largest is at one place rather than everywhere
UNSEEN, APART = 0.05, 5.0  # relative error where it was not trained, and times the error where it was, that are told
LOOKED_AT = 2000  # training rows at which the error is compared

CHECKED = ("constant-inputs", "copied-inputs", "rows-contradict")  # notes of which the doctor has findings of its own

NARROW = 0.9  # of the tolerance: measured at points, the error of a fit that reached it may well be above it elsewhere

# An error this small where it was not trained, the largest one included, is good for any purpose that a picture shows:
# how it came about then needs no alarm.
GOOD, GOOD_EVERYWHERE = 0.01, 0.05

DECADES = 3.0  # between the ends of a positive input
POOR = 0.01  # relative L2 error, from which the logarithm of such an input is worth a try


def warnings(fit: Record) -> Iterator[Finding]:
    """What the warnings of the training mean, by their codes; those about the data are notes."""
    for warning in fit.warnings:
        if warning in fit.problem.notes:
            continue
        broken = isinstance(warning, Sentence) and warning.code == "training-not-finite"
        if broken or warning.startswith("the loss became"):  # of files from before warnings had codes
            yield found("training-broke-down", "error", "training", None, warning=warning)
        else:
            yield found("training-note", "note", "training", None, warning=warning)
    for note in fit.problem.notes:
        if note.code not in CHECKED:
            yield found("data-note", "note", "data", None, note=note)


def error(fit: Record) -> Iterator[Finding]:
    """Errors that are infinite, large, large at one place, or far larger than where the network was trained."""
    e = fit.error
    if e.coverage is not None:
        return
    if not (math.isfinite(e.max) and math.isfinite(e.rmse)):
        yield found("error-not-finite", "error", "result", None, most=e.max, rmse=e.rmse, where=e.where)
        return
    if not fit.reached:
        yield from _large(fit)
    if (
        e.kind == "training" or e.status == "estimated"
    ):  # a network that goes through its rows has an error between them
        return
    x, y = (part[evenly(len(fit.problem.train[0]), LOOKED_AT)] for part in fit.problem.train)
    trained = float(np.sqrt(np.mean((values_of(fit.model)(x) - y) ** 2)))
    times = e.rmse / max(trained, 1e-300)
    if e.relative_l2 > UNSEEN and times > APART and e.n >= FEWEST:
        yield found("unseen-error", "warning", "result", times, rmse=e.rmse, times=times, trained=trained)


def _large(fit: Record) -> Iterator[Finding]:
    e = fit.error
    size = e.rmse / e.relative_l2 if e.relative_l2 > 0 else math.inf  # of the target
    flat = [part for part in e.outputs if part.r2 < UNEXPLAINED] if e.n >= ENOUGH else []
    far = [part for part in e.outputs if part.few_far]
    if far and (e.relative_l2 > LARGE or flat) and all(part in far for part in flat):
        for part in far:
            values = dict(rmse=part.rmse, median=part.median, varies=part.varies)
            yield found("rows-far-off", "warning", part.name, part.rmse / part.varies, **values)
    elif e.relative_l2 > LARGE:
        case = "" if e.kind == "fresh" else "data"
        yield found("large-error", "warning", "result", e.relative_l2, case, rmse=e.rmse, share=percent(e.relative_l2))
    elif flat:
        for part in (part for part in flat if part not in far):
            yield found("large-error", "warning", part.name, part.r2, "output", name=part.name, r2=part.r2)
    elif e.kind == "fresh" and fit.only_at_jumps:
        yield found("jump-place", "note", "result", e.max, most=e.max, where=e.where, rmse=e.rmse)
    elif e.kind == "fresh" and e.max > max(MISSED * size, ALONE * e.rmse):
        yield found("missed-place", "warning", "result", e.max, most=e.max, where=e.where, share=percent(e.max / size))


def tolerance(fit: Record) -> Iterator[Finding]:
    """Whether the tolerance was missed, or reached by less than measuring can tell."""
    if fit.tol is None or not math.isfinite(fit.error.max):
        return
    most, tol = fit.error.max, float(fit.tol)
    if most > tol:
        yield found("tolerance-missed", "warning", "result", most, most=most, times=most / tol, tol=tol)
    elif most > NARROW * tol:
        yield found("tolerance-met-narrowly", "note", "result", most / tol, share=percent(most / tol), tol=tol)


def decades(fit: Record) -> Iterator[Finding]:
    """Inputs of a function whose logarithm would be the better number, where a fit is poor or misses its tolerance."""
    poor = not (is_good(fit) or fit.error.relative_l2 <= POOR)
    if not poor and (fit.tol is None or fit.error.max <= float(fit.tol) or fit.only_at_jumps):
        return
    for name, (low, high) in zip(fit.names, fit.domain.bounds, strict=True):
        if low > 0 and name not in fit.domain.logarithmic and math.log10(high / low) >= DECADES:
            span = math.log10(high / low)
            level = "warning" if poor else "note"
            yield found("logarithmic-inputs", level, name, span, name=name, low=low, high=high, decades=span)


def is_good(fit: Record) -> bool:
    """Whether the error is small everywhere it was measured, at points or rows that no training saw; jumps apart."""
    e = fit.error
    if fit.only_at_jumps:  # where no network can follow
        return e.kind == "fresh" and e.relative_l2 <= GOOD
    if (
        (e.kind not in ("fresh", "test") and e.status != "estimated")
        or fit.reached is False
        or not math.isfinite(e.max)
    ):
        return False
    size = e.rmse / e.relative_l2 if e.relative_l2 > 0 else math.inf
    return e.relative_l2 <= GOOD and e.max <= GOOD_EVERYWHERE * size


def calmed(findings: Iterator[Finding], fit: Record) -> Iterator[Finding]:
    """Findings about the means, the network and its training, which are notes where the end is well.

    Those about the columns of a table stay: they say that it is not the table that was meant. A function may well be
    constant.
    """
    good = is_good(fit)
    of_data = () if fit.problem.function is not None else ("constant-targets", "constant-inputs", "repeated-inputs")
    for f in findings:
        calm = good and f.code not in of_data and f.severity in ("warning", "error")
        yield replace(f, severity="note") if calm else f


__all__ = ["calmed", "decades", "error", "is_good", "tolerance", "warnings"]
