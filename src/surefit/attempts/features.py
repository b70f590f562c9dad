"""Features: the units of one hidden layer are placed, not trained, and its output layer is solved for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from surefit.attempts.attempt import Attempt, Outcome
from surefit.attempts.methods import Features
from surefit.attempts.output_layer import ROUNDOFF, enough_rows
from surefit.attempts.progress import Losses, Progress
from surefit.attempts.residuals import Residuals
from surefit.core import ops
from surefit.models.chain import Elementwise, chain_of
from surefit.models.scaled import scaled
from surefit.problems.points import VALIDATED, apart, fewer_rows, gradient_weight, some_rows
from surefit.sentences import say
from surefit.solvers.features import RIDGES, SCALES, Output, alone, linear_features, place_units, solve_output
from surefit.solvers.gradients import gradient_features
from surefit.solvers.left_out import LEAST_LEFT

PLENTY, FEWEST = 20, 2000  # rows for each unit, and in all, beyond which a solve takes a part of them
# How much steeper than tanh units must be to bend as sharply; those of relu bend the same at every gain.
GAIN = {"Sigmoid": 2.0, "Softplus": 2.0, "SiLU": 2.0, "GELU": 1.5, "Mish": 2.0}
KINKED = ("ReLU", "LeakyReLU")
BLOCK = 8192  # rows at a time, or copies of all would take more memory than the table
NOISY_SCALES = (1.0, 0.5, 2.0, 0.25, 4.0)


def ridges_of(ridge: float | str | None, exact: bool) -> tuple[float, ...] | None:
    """What `solve_output` takes."""
    if ridge == "auto":
        return None if exact else RIDGES
    return None if ridge in (None, 0) else (float(ridge),)


def scan(attempt: Attempt, method: Features, progress: Progress) -> Outcome | None:
    """Place the units of a network with one hidden layer for a few gains, and solve for its output layer."""
    network, problem, exact = attempt.network, attempt.problem, attempt.problem.exact
    units, activation = _hidden(attempt)
    if exact:
        problem = fewer_rows(problem, max(FEWEST, PLENTY * units))
    else:
        problem = some_rows(problem, enough_rows(units), attempt.seed)
    model = scaled(network, problem, True, ops.float64)
    x, y = model.rows(problem.train)
    scales, beyond = attempt.scales or (SCALES if exact else NOISY_SCALES), attempt.beyond
    if activation.kind in KINKED:
        scales, beyond = (1.0,), 0
    ridges, draws = ridges_of(method.ridge, exact), method.draws
    if (left := progress.evaluations_left()) is not None:
        scales = scales[:left]
        beyond = min(beyond, left - len(scales))
        draws = min(draws, 1 + (left - len(scales) - beyond) // 2)
    stage, of = say("stage-features", units=units), len(scales) + beyond + 2 * (draws - 1)
    if progress.started(of, 1, network.num_parameters()):
        return None
    losses = Losses(progress, stage, of, y.size)
    rows = Residuals(network, x, y, problem.weights)
    factor, stretch = GAIN.get(activation.kind, 1.0), attempt.stretch is not None
    common: dict[str, Any] = dict(
        scales=[factor * s for s in scales], beyond=beyond, draws=draws,
        generator=np.random.default_rng([attempt.seed, 3, units]), centres=x if stretch or not exact else None,
        roundoff=max(attempt.calm, ROUNDOFF[str(attempt.dtype)]), dtype=attempt.dtype,
        time=progress.left(attempt.share), callback=losses,
    )  # fmt: skip
    solver: Callable[[], Any]
    if problem.gradients is not None:
        validation = None if exact or problem.validation is None else model.rows(problem.validation)
        gradients = model.gradients(problem.gradients, problem.train)
        solver = lambda: gradient_features(
            x, y, gradients, units, activation.value_and_slope, row_weights=problem.weights,
            weight=gradient_weight(problem), validation=validation, **common,
        )  # fmt: skip
    else:
        others = apart(problem, round(VALIDATED * len(x)), attempt.seed)
        goal = None if attempt.goal is None else 0.5 * attempt.goal / model.value_unit(problem)
        solver = lambda: linear_features(
            x, y, units, activation=activation.value, weights=problem.weights, ridges=ridges, goal=goal,
            validation=None if others is None else model.rows(others), stretch=attempt.stretch, **common,
        )  # fmt: skip
    found = losses.solve(solver)
    details: dict[str, Any] = {"solver": "features", "units": units, "ridge": 0.0}
    if found is None:
        if losses.latest is None:
            return None
        rows.assign(losses.latest)
        row = losses.row(losses.latest)
        return Outcome(
            network=network, problem=problem, stage=stage, reason=say("interrupted"), row=row, details=details
        )
    progress.evaluations += found.evaluations
    rows.assign(found.x)
    details |= {
        "gain": found.scale, "ridge": found.output.ridge, "output_norm": found.output.norm,
    }  # fmt: skip
    reason = say("solver-scanned-more" if exact and found.status == "scanned" else f"solver-{found.status}")
    left_out = None
    if not exact and problem.gradients is None:
        left_out = missed_alone(
            found.output, lambda: rows.features(rows.theta[: rows.body_size])[:, :-1], y, problem.weights
        )
    return Outcome(
        network=network,
        problem=problem,
        stage=stage,
        reason=reason,
        row=losses.row(found.x),
        details=details,
        left_out=left_out,
    )


def extend(attempt: Attempt, progress: Progress) -> Outcome | None:
    """Further units beside those of `attempt.layer`, which stay: they bend at the last points that were added, if any.

    One solve for each of `attempt.scales` finds the output layer of all; the best by its largest residual is kept.
    """
    assert attempt.layer is not None
    assert attempt.generator is not None
    network, problem = attempt.network, attempt.problem
    hidden, offsets = attempt.layer
    total, activation = _hidden(attempt)
    model = scaled(network, problem, True, ops.float64)
    x, y = model.rows(problem.train)
    centres = x[-problem.added[-1] :] if problem.added else None
    named, added = len(offsets), total - len(offsets)
    code = "stage-refined" if problem.added else "stage-named-beside" if added else "stage-named"
    stage = say(code, units=total, named=named, added=added)
    if progress.started(len(attempt.scales), 1, network.num_parameters()):
        return None
    rows = Residuals(network, x, y, problem.weights)
    before, best = len(progress.history), None
    for number, scale in enumerate(attempt.scales, 1):
        if best is not None and progress.out_of_time(attempt.share):
            break
        more, offset = place_units(x.shape[1], total - len(offsets), scale, attempt.generator, centres)
        w, b = np.concatenate([hidden, more]), np.concatenate([offsets, offset])
        w, b = (a.astype(attempt.dtype).astype(np.float64) for a in (w, b))
        solved = solve_output(
            activation.value(x @ w.T + b), y, weights=problem.weights, roundoff=ROUNDOFF[str(attempt.dtype)]
        )
        progress.evaluations += 1
        better = best is None or solved.score < best[0].score
        if better:
            best = (solved, scale, w, b, before + number)
        loss = float(np.mean(solved.residuals**2))
        if progress.iteration(number, len(attempt.scales), loss, None, better, stage=stage):
            break
    assert best is not None
    solved, scale, w, b, row = best
    rows.assign(np.concatenate([a.reshape(-1) for a in (w, b, solved.weights.T, solved.constant)]))
    details = {
        "solver": "features", "units": total, "gain": scale, "ridge": 0.0, "output_norm": solved.norm,
    }  # fmt: skip
    reason = say("solver-scanned")
    return Outcome(network=network, problem=problem, stage=stage, reason=reason, row=row, details=details)


def missed_alone(
    solved: Output, features: Callable[[], np.ndarray], y: np.ndarray, weights: np.ndarray | None
) -> np.ndarray:  # fmt: skip
    """What an output layer misses rows by, (n, k), each when it is left out: as it was solved for, where that says so.

    features: called for them, (n, h), where it does not, since no ridge was asked for.
    """
    if solved.left_out is not None:
        return solved.left_out
    return leave_one_out(features(), y, solved.residuals, weights, solved.ridge)


def leave_one_out(
    phi: np.ndarray, y: np.ndarray, residuals: np.ndarray, weights: np.ndarray | None, ridge: float
) -> np.ndarray:
    """Residuals (n, k) of a ridge regression on phi (n, h) and a constant, each when its row is left out.

    Exact for features that are given: a residual over 1 - its leverage (Allen 1974). ridge: as of `solve_output`.
    Infinite for a row without which nothing is known: the only one.
    """
    share = np.full(len(phi), 1.0 / len(phi)) if weights is None else weights / weights.sum()
    root = np.sqrt(share)[:, None]
    a = phi - share @ phi
    a *= root
    gram = a.T @ a
    size = float(np.trace(gram))
    leverage, damping = share, 0.0
    if size > 0.0:
        damping = ridge * size / max(1, min(a.shape)) + 1e-14 * size
        gram += damping * np.eye(len(gram))
        blocks = [a[i : i + BLOCK] for i in range(0, len(a), BLOCK)]
        leverage = share + np.concatenate([np.einsum("ij,ji->i", b, np.linalg.solve(gram, b.T)) for b in blocks])
    left = 1.0 - leverage
    near = left < LEAST_LEFT
    out = np.asarray(residuals / np.where(near, 1.0, left)[:, None])
    if near.any():
        out[near] = alone(a, root * (y - share @ y), share, damping)[near] / root[near]
    return out


def _hidden(attempt: Attempt) -> tuple[int, Elementwise]:
    """The units of the one hidden layer, and their activation."""
    chain = chain_of(attempt.network)
    assert chain is not None
    first, activation = chain[0]
    assert activation is not None
    return first.out_features, activation


__all__ = ["extend", "leave_one_out", "missed_alone", "ridges_of", "scan"]
