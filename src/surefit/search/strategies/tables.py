"""The automatic choice for measured data: simple candidates first, and nothing is kept that may be better by luck.

A linear and a quadratic function, sums of functions of one input each. Of few rows Gaussian processes, and a small
network that learns from them. Of more ridge regression on features with more and more
units, variable projection, the mean of the best of these, Adam. Where there are many inputs, the same on those that
matter. Each is judged where it was not fitted: at the validation rows and, where the attempt knows
them, at the training rows, each left out in turn.
"""

from __future__ import annotations

import math
import time as clock
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from surefit import nn
from surefit.attempts.attempt import Attempt, Outcome
from surefit.attempts.boosted import BoostedTrees
from surefit.attempts.inputs import restricted, widened
from surefit.attempts.journal import key_of
from surefit.attempts.members import Tabular
from surefit.attempts.methods import Adam, Additive, Features, Method, Polynomial
from surefit.attempts.output_layer import enough_rows
from surefit.attempts.performing import perform
from surefit.attempts.polynomial import network_for
from surefit.attempts.recalled import data_of
from surefit.attempts.training import plan
from surefit.data import Domain
from surefit.models.chain import hidden_layer
from surefit.models.clipped import Clipped, clipped
from surefit.models.inference import evaluate
from surefit.models.members import Blend
from surefit.models.scaled import Scaled
from surefit.problems.points import NEAR, cloud, equations
from surefit.problems.problem import Problem
from surefit.problems.rows import telling
from surefit.problems.scaling import Scaling
from surefit.search.candidates import Candidate, searched
from surefit.search.cost import of_search, of_solve
from surefit.search.distilling import lesson
from surefit.search.judging import Judge, Measured
from surefit.search.limits import (
    ADDITIVE_UNITS,
    BY_THE_WAY,
    CLEAN,
    CLOSE,
    CLOSEST,
    COMPILING,
    FEW_ROWS,
    FEWER,
    FEWEST_VISITS,
    FIRST_RESERVE,
    HANDFUL,
    HELPED_NOISY,
    LARGE,
    LARGE_BATCH,
    LAST_RESERVE,
    LEAST_OF_EFFECTS,
    LOOKED_AT,
    MANY_COLUMNS,
    MEAN_OF,
    MEAN_WITHIN,
    MOST_MEAN,
    MOST_MONOMIALS,
    MOST_PARAMETERS,
    NAMED_UNITS,
    NEARLY_CLEAN,
    NOISY_UNITS,
    QUICK,
    ROWS_OF_UNIT,
    SMOOTH,
    SOLVE,
    SOLVER_RESERVE,
    TABULAR_MOST_INPUTS,
    TABULAR_MOST_ROWS,
    TABULAR_ROWS,
    VISITED,
    WIDE,
    WIDER,
)
from surefit.search.runner import State, Strategy, run
from surefit.search.strategies.blends import blended, hedged, stacked
from surefit.search.strategies.functions import adam, polishing
from surefit.search.strategies.polynomials import learned_from_polynomials
from surefit.search.strategies.students import farness, students
from surefit.search.teacher import Processes, Taught, can_teach, fills_its_box, spread_evenly, teacher_of
from surefit.sentences import say


def measured_data(s: State, jit: bool | None = None) -> Strategy:
    """What is tried on the rows of a table, or of a function with noise."""
    n = len(s.problem.train[0])
    x, box = s.problem.train[0], s.problem.domain
    small = sum(s.problem.sizes().values()) <= FEW_ROWS and s.problem.function is None and s.problem.gradients is None
    s.clip = small and not fills_its_box(box.scale(x))
    matter = yield from inputs_that_matter(s)
    every = matter if matter.inputs is None else On(s)
    few = can_teach(s.problem) and sum(s.problem.sizes().values()) <= FEW_ROWS
    chosen = [every, matter] if every is not matter and s.dim <= WIDE * n else [matter]
    if every not in chosen and s.problem.gradients is None and s.dim <= MOST_MONOMIALS:
        yield every(Polynomial(degree=1), network_for(1, s.dim), reserve=FIRST_RESERVE)  # ridge regression
    for on in chosen:
        yield from sums(s, on)
    enough = CLEAN if few else NEARLY_CLEAN  # of more rows a teacher costs seconds
    if can_teach(s.problem) and not (s.best is not None and s.best.score <= enough):
        yield from taught(s)
    if few:
        if s.best is None or s.best.score > enough:
            yield from learned_from_polynomials(s)
        yield from for_tables(s)
        yield from stacked(s, student_of)
        yield from hedged(s, student_of)
        yield say("no-adam-teacher")
        clean = s.best is not None and s.best.score <= CLEAN
        if clean or s.problem.validation is None:
            folds = 0 if s.best is None else s.best.error.folds
            left_out = say("all-rows-folds", rows=n, folds=folds) if folds else say("all-rows", rows=n)
            return say("clean") if clean else left_out
        return say("rows-chose", rows=say("validation rows"))
    if n <= HANDFUL and s.best is not None:
        return say("all-rows", rows=n) if n > 1 else say("single-row")
    for on in chosen if n < TABULAR_ROWS else chosen[:1]:  # networks for tables choose their inputs themselves
        yield from networks(s, on)
    yield from mean(s)
    yield from for_tables(s)
    yield from stacked(s, student_of)
    best = s.best
    if best is not None and best.score <= CLEAN:
        yield say("no-adam-clean")
        return say("clean")
    if s.problem.validation is None and s.problem.gradients is None and best is not None:
        yield say("no-adam-few", rows=n)  # nothing would tell how good it is
    elif best is not None and s.dim > WIDE * n:
        yield say("no-adam-wide", inputs=s.dim, rows=n)
    elif any(c.details["solver"] == "tabular" for c in s.candidates):
        yield say("no-adam-tabular")
    else:
        yield from adam(s, s.problem, None, jit, shortly(n))
    yield from hedged(s, student_of)
    rows_said = "rows left out one by one" if s.problem.validation is None else "validation rows"
    return say("rows-chose", rows=say(rows_said))


def shortly(rows: int) -> Adam:
    """Adam for so many rows of measured data: fewer epochs than by itself, of very many rows fewer still."""
    epochs = max(1, plan(Adam(), rows)[2] // FEWER)
    if epochs * rows <= VISITED:
        return Adam(epochs=epochs)
    return Adam(epochs=min(epochs, max(FEWEST_VISITS, round(VISITED / rows))), batch_size=LARGE_BATCH)


class On:
    """Makes attempts on some or all of the inputs.

    inputs: None: all. chosen: how they were, which attempts do again without parts of the rows.
    """

    def __init__(self, s: State, inputs: tuple[int, ...] | None = None, chosen: Any = None) -> None:
        self.state, self.inputs = s, inputs
        self.chosen = chosen if len(s.problem.train[0]) <= FEW_ROWS else None  # of more rows all choose the same ones
        self.part = s.problem if inputs is None else restricted(s.problem, inputs)
        self.count = s.dim if inputs is None else len(inputs)

    def __call__(self, method: Method, model: Any, **options: Any) -> Attempt:
        s = self.state
        network = s.built(model, self.part)
        return s.attempt(method, network, s.problem, inputs=self.inputs, chosen=self.chosen, **options)


def inputs_that_matter(s: State) -> Generator[Attempt, Candidate | None, On]:
    """The inputs of the best sparse linear function, where there are many; else all."""
    if s.dim < MANY_COLUMNS or s.problem.gradients is not None or s.problem.function is not None:
        return On(s)
    network = s.built(network_for(1, s.dim))
    found = yield s.attempt(Polynomial(degree=1, sparse=True), network, s.problem, reserve=FIRST_RESERVE)
    details = {} if found is None else found.details
    if len(details.get("matter", ())) in (0, s.dim):
        return On(s)
    return On(s, tuple(details["matter"]), (details["fold"], details["without"]))


def sums(s: State, on: On) -> Strategy:
    """Polynomials and sums of functions of one input each, on some or all of the inputs."""
    n, d = len(s.problem.train[0]), on.count
    if s.problem.gradients is not None:
        return None
    for degree in (1, 2):
        monomials = d if degree == 1 else d * (d + 3) // 2
        if monomials <= min(n if degree == 1 else 2 * n // 3, MOST_MONOMIALS):
            yield on(Polynomial(degree=degree), network_for(degree, d), reserve=FIRST_RESERVE)
    for each in ADDITIVE_UNITS if d > 1 else ():
        if each * d <= min(n // ROWS_OF_UNIT, MOST_MEAN) and of_solve(n, each * d) <= QUICK:
            yield on(Additive(units=each), (each * d,), reserve=FIRST_RESERVE)
    return None


def networks(s: State, on: On) -> Strategy:
    """Features with more and more units and variable projection, on some or all of the inputs."""
    n, rows, d = len(s.problem.train[0]), equations(s.problem), on.count
    part = on.part
    scales: Sequence[float] = ()
    reached = [math.inf, 0.0]
    taken = {h: min(rows, enough_rows(h)) for h in NOISY_UNITS}
    affordable = [h for h in NOISY_UNITS if h <= n and of_solve(taken[h], h) <= SOLVE] or [NOISY_UNITS[0]]
    for units in affordable:
        quick = of_solve(taken[units], units) <= QUICK
        if units > LARGE and reached[-2] < HELPED_NOISY * reached[-1]:
            break
        draws, beyond = (2, 4) if quick or not scales else (1, 1)
        found = yield on(
            Features(draws=draws), (min(units, max(1, n - 1)),), scales=() if quick else scales, beyond=beyond,
            reserve=FIRST_RESERVE,
        )  # fmt: skip
        if found is None:
            break
        reached.append(found.score)
        centre = found.details["gain"]
        scales = (centre, 2 * centre, centre / 2)
    h = max(1, min(NOISY_UNITS[0], rows // (3 * (d + 2))))
    for units in dict.fromkeys((h, 2 * h, max(h, min(NAMED_UNITS.get(d, 60), (2 * rows) // (3 * (d + 2)))))):
        if of_search(s.built((units,), part), part) > BY_THE_WAY:
            break
        found = yield (first := on(Features(draws=1), (units,), reserve=SOLVER_RESERVE))
        ridge = 0.0 if found is None else found.details["ridge"]
        again = replace(first, method=polishing(s, 60), ridge=ridge)
        yield again
    return None


def taught(s: State, reserve: float = FIRST_RESERVE) -> Strategy:
    """A small network that learns from Gaussian processes. reserve: of the time, that is kept for what follows them."""
    x, y = s.problem.train
    own = s.problem.coordinates(y)  # what the teacher learns
    plain = replace(s.problem, train=(x, own), log_target=False) if s.problem.log_target else s.problem
    yield from student_of(s, taught_by(s, plain, reserve), MOST_PARAMETERS)
    return None


def student_of(s: State, teacher: Processes, most: int) -> Generator[Attempt, Candidate | None, Candidate | None]:
    """A network of at most so many parameters that learns from a teacher, whose error is what rows left out tell."""
    x, y = s.problem.train
    own = s.problem.coordinates(y)
    left_out = teacher.left_out()[0] - own
    error, estimate = error_of(s, teacher, left_out)
    aims = np.maximum(CLOSE * error, CLOSEST * own.std(axis=0)).tolist()
    source = {"kind": "callable", "name": str(teacher.words)}
    even = spread_evenly(x, s.problem.domain)  # else, and where noise may be drawn so by chance, new rows are beyond
    even = even and (fills_its_box(s.problem.domain.scale(x)) or teacher.surely_without_noise)
    columns = list(range(s.dim)) if teacher.inputs is None else list(teacher.inputs)
    columns = [i for i in columns if i not in teacher.effects]  # which a linear function has beside the network
    part = s.problem if len(columns) == s.dim else restricted(s.problem, columns)

    def taught_values(points: np.ndarray) -> np.ndarray:  # of the inputs that the teacher has
        whole = np.zeros((len(points), s.dim))
        whole[:, columns] = points
        return teacher.predict(whole)

    box = part.domain if even else beyond(part.domain)  # of a design the border is that of the world
    most = max(LEAST_OF_EFFECTS, most - len(teacher.effects) * y.shape[1])
    learned = lesson(taught_values, part.names, s.problem.outputs, box, x[:, columns], s.seed, most, source)
    inner = State(learned, s.seed, s.dtype, Judge(learned, s.seed), s.progress)
    changes = teacher.changes(s.problem.domain)
    changes = None if changes is None else changes[columns]
    width = s.dim - len(teacher.effects)
    reason = run(inner, students(inner, most, aims, changes, width), s.perform or perform)
    if not inner.candidates:
        return None
    best = min(inner.candidates, key=lambda c: farness(c, aims))
    size, apart_by = np.sqrt(np.mean(left_out**2, axis=0)), np.array([output.rmse for output in best.error.outputs])
    if not even:  # the box is emptier than where rows are asked for
        rng = np.random.default_rng([s.seed, 0xD157])
        there = cloud(part.domain, x[:, columns], LOOKED_AT, rng)[-round(NEAR * LOOKED_AT) :]
        apart_by = np.sqrt(np.mean((evaluate(best.model, there) - taught_values(there)) ** 2, axis=0))
    left_out = left_out * np.hypot(1.0, apart_by / np.where(size > 0, size, np.inf))
    model, distance = best.model, best.error
    if s.problem.log_target:
        c = model.scaling
        model = Scaled(model.network, c.x_shift, c.x_scale, c.y_shift, c.y_scale, model.dtype, c.log, y_log=True)
        points, right = inner.judge.points[0], np.exp(inner.judge.points[1])
        distance = Judge.apart(part, evaluate(model, points), (points, right), "fresh")
    if len(columns) < s.dim:
        model = on_all(model, columns, s.dim)
    if teacher.effects:
        model = clipped(model, *s.problem.train) if s.clip else model  # before what goes on evenly is added to it
        model = with_effects(model, teacher.effects, teacher.of_effects())
    outcome = Outcome(
        network=model.network, problem=s.problem, reason=reason,
        stage=say("stage-student", teacher=teacher.words, stage=best.stage),
        row=best.row, model=model, details=best.details,
        left_out=left_out / Scaling.of(s.problem).y_scale, taught=Taught(teacher, estimate, distance),
    )  # fmt: skip
    return (yield s.attempt(None, model.network, s.problem, made=outcome, named=True))  # it cost what time there was


def error_of(s: State, teacher: Processes, left_out: np.ndarray) -> tuple[np.ndarray, Measured]:
    """The root mean square error of a teacher for each output (k,), in what it learned, and as the card tells it."""
    if s.problem.validation is not None and s.problem.plan is not None and s.problem.plan.apart:
        x, y = s.problem.validation  # a row left out has relatives among the others
        found = teacher.predict(x)
        error = np.sqrt(np.mean((found - s.problem.coordinates(y)) ** 2, axis=0))
        found = np.exp(found) if s.problem.log_target else found
        return error, Judge.apart(s.problem, found, s.problem.validation, "validation")
    error, known = teacher.error(s.problem.domain, s.seed), telling(s.problem)
    if not known.all():  # rows that fill no box evenly, of which the error is that of the rows left out
        error = np.sqrt(np.mean(left_out[known] ** 2, axis=0))
    left_out, rmse = in_target_units(s.problem, left_out, error)
    return error, s.judge.estimated(left_out, rmse, unlearned=teacher.unlearned)


def beyond(box: Domain) -> Domain:
    """A box that holds another, and a part of each input on both sides: new rows of the world lie there, too."""
    low, high = box.unscale(np.array([[-1.0 - WIDER], [1.0 + WIDER]]) * np.ones(box.dim))
    ends = zip(box.names, box.axes, low.tolist(), high.tolist(), strict=True)
    return Domain({name: (a, b, *axis[2:]) for name, axis, a, b in ends})


def on_all(model: Scaled, inputs: Sequence[int], count: int) -> Scaled:
    """A model of these inputs as one of all `count`, to which the others are all the same."""
    own, columns = model.scaling, list(inputs)
    shift, scale, log = np.zeros(count), np.ones(count), np.zeros(count, bool)
    shift[columns], scale[columns] = own.x_shift, own.x_scale
    log[columns] = False if own.log is None else own.log
    network = widened(cast(nn.MLP, model.network), inputs, count)
    return Scaled(network, shift, scale, own.y_shift, own.y_scale, model.dtype, log if log.any() else None, own.y_log)


def with_effects(model: Scaled, inputs: Sequence[int], effects: np.ndarray) -> Scaled:
    """A model to which so much of some inputs is added, (m, k): the mean of twice the one and twice the other."""
    own, k = model.scaling, effects.shape[1]
    shift, scale = 2.0 * own.y_shift, 2.0 * own.y_scale
    line = nn.MLP(len(own.x_shift), (), k, dtype=str(model.dtype), generator=0)
    weight = np.zeros((k, len(own.x_shift)))
    weight[:, list(inputs)] = 2.0 * effects.T / scale[:, None]
    last = line[-1]
    last.weight.assign(weight * own.x_scale)
    last.bias.assign(weight @ own.x_shift)
    first = Scaled(model.network, own.x_shift, own.x_scale, shift, scale, model.dtype, own.log)
    second = Scaled(line, own.x_shift, own.x_scale, np.zeros(k), scale, model.dtype, own.log)
    network = Blend(first, second, 0.5)
    network.eval()
    return Scaled(network, own.x_shift, own.x_scale, shift, scale, model.dtype, own.log, own.y_log)


def for_tables(s: State) -> Strategy:
    """Networks for tables, and their mean with the best of the others, weighted as the rows left out tell."""
    n, d = s.problem.train[0].shape
    clean = s.best is not None and s.best.score <= SMOOTH
    if (
        clean
        or not TABULAR_ROWS <= n <= TABULAR_MOST_ROWS
        or d > TABULAR_MOST_INPUTS
        or s.problem.gradients is not None
    ):
        return None
    others = [c for c in s.candidates if not searched(c)]
    left = s.progress.left()
    found = None
    if left is None or left >= COMPILING:
        found = yield s.attempt(Tabular(), s.hidden(1), s.problem, reserve=LAST_RESERVE)
    if found is not None:
        mixed = yield from blended(s, found, others)
        others += [found] if mixed is None else [found, mixed]
    if s.best is not None and s.best.score <= SMOOTH:
        return None
    found = yield s.attempt(BoostedTrees(), s.hidden(1), s.problem, reserve=LAST_RESERVE)
    if found is not None:
        yield from blended(s, found, others)
    return None


def taught_by(s: State, problem: Problem, reserve: float = FIRST_RESERVE) -> Processes:
    """The teacher of a problem, which takes up to minutes to be found."""
    journal, out_of_time = s.progress.journal, lambda: s.progress.out_of_time(1.0 - reserve)

    def found() -> Processes:
        return teacher_of(problem, s.seed, lambda: out_of_time() or s.progress.halt())

    if journal is None:
        return found()
    key = key_of("teacher", [data_of(problem), s.seed])
    known = journal.find(key)
    if known is not None:
        s.progress.began = min(s.progress.began, clock.perf_counter() - known["seconds"])
        return Processes.from_dict(known["about"], known["arrays"])
    teacher = found()
    if not (out_of_time() or s.progress.stopped or s.progress.interrupted):
        about, arrays = teacher.to_dict()
        journal.keep(key, {"about": about, "arrays": arrays, "seconds": s.progress.seconds})
    return teacher


def in_target_units(problem: Problem, left_out: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What rows are missed by (n, k), and the error that is expected (k,), where a teacher learned logarithms."""
    if not problem.log_target:
        return left_out, error
    y = problem.train[1]
    missed = Scaling.none(len(problem.names), len(problem.outputs), y_log=True).unscaled_errors(left_out, y)
    size, own = (np.sqrt(np.mean(e**2, axis=0)) for e in (missed, left_out))
    return missed, size * error / np.where(own > 0, own, 1.0)


def mean(s: State) -> Strategy:
    """The mean of the best networks with one hidden layer, as one network with all their units.

    What they have learned of the noise differs, and half of it goes (Breiman 1996, Bagging predictors).
    """
    layers = [
        c
        for c in s.candidates
        if c.details["solver"] in ("additive", "features", "varpro") and c.left_out is not None and c.taught is None
    ]
    whole = [c for c in layers if c.left_out is not None and len(c.left_out) == len(s.problem.train[0])]
    least = min((c.score for c in whole), default=0.0)
    chosen: list[Candidate] = []
    for c in sorted(whole, key=lambda c: c.score)[:MEAN_OF]:
        total = sum(perceptron(k)[0].out_features for k in (*chosen, c))
        same = any(np.array_equal(np.asarray(c.left_out), np.asarray(k.left_out)) for k in chosen)  # of few rows
        if not same and c.score <= MEAN_WITHIN * least and total <= MOST_MEAN:
            chosen.append(c)
    if len(chosen) < 2:
        return None
    network = s.hidden(sum(perceptron(c)[0].out_features for c in chosen))
    parts = [hidden_layer(perceptron(c)) for c in chosen]
    lasts = [perceptron(c)[-1] for c in chosen]
    first, last = network[0], network[-1]  # type: ignore[index]
    first.weight.assign(np.concatenate([w for w, _, _ in parts]))
    first.bias.assign(np.concatenate([b for _, b, _ in parts]))
    last.weight.assign(np.concatenate([k.weight.detach().numpy() for k in lasts], axis=1) / len(lasts))
    last.bias.assign(np.mean([k.bias.detach().numpy() for k in lasts], axis=0))
    details = {"solver": chosen[0].details["solver"], "ridge": chosen[0].details.get("ridge", 0.0)}
    stage = say("stage-mean", networks=len(chosen), units=first.out_features)
    outcome = Outcome(
        network=network, problem=s.problem, stage=stage,
        reason=say("solver-solved"), row=chosen[0].row, details=details,
        left_out=np.mean(np.stack([c.left_out for c in chosen if c.left_out is not None]), axis=0),
    )  # fmt: skip
    yield s.attempt(None, network, s.problem, made=outcome)
    return None


def perceptron(c: Candidate) -> Any:
    """The network with one hidden layer of a candidate, without its clip: their mean gets one of its own."""
    network = c.model.network
    return network.network if isinstance(network, Clipped) else network


__all__ = ["measured_data", "taught"]
