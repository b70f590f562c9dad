"""From a target to a Problem: a formula, a Python callable, a table in any form, or arrays."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from surefit.checking import near, positive_number
from surefit.data import Domain, Noise, Sampling, Table, corner_points, default_count, raw_names, read_table, sample
from surefit.data.generator import output_names
from surefit.data.sampling import FEWEST_SPLIT, SPLIT
from surefit.data.sources import called, is_table_path
from surefit.errors import ArgumentError, DataError, DomainError
from surefit.formulas import Formula, parse_many
from surefit.problems import gradients as derivatives
from surefit.problems import rows
from surefit.problems.callables import (
    AT_ONCE,
    DROPPING,
    CallableFunction,
    Failure,
    FormulaFunction,
    Memory,
    Steady,
    vectorised,
)
from surefit.problems.known import known
from surefit.problems.large import Parts, in_parts, of_parts
from surefit.problems.points import about_dropped, check_size, few_for_time, finite_values, for_all
from surefit.problems.problem import ROWS, Points, Problem
from surefit.problems.quantiles import in_levels
from surefit.problems.splitting import split_by_columns
from surefit.sentences import Sentence, say
from surefit.spelling import spelled

SAMPLING = 0.3  # of a limit of time, for the values of a slow function
POOLED, FEW_POOLED = 0.5, 0.6  # of it, where these are all that is ever fitted to; and where they are few
SOON_FITTED = 120  # such values, up to which fitting takes little time
PROBES, PROBING = (64, 512, 2048), 0.02  # points at once that tell what a value costs; of a limit of time, for them
PLENTY = 25_000  # values that show how a function is made: one that gives them in that time is not slow
MANY_POOLED = 600  # such points, beyond which time for fitting is worth as much as more of them
MOST_POOLED = 5000  # such points: more are of no use to networks of a size that is soon fitted
FEWEST_TRAINED = 8  # training points, however slow a function is
FEWEST_WATCHED = 200  # validation points of a known function without noise: with fewer, luck picks the best epoch


def pose(
    target: Any, domain: Any, data: Sampling | None, seed: int, solver: bool = False, time: float | None = None,
    table: Mapping[str, Any] | None = None,
    few: int = 0, parts: Parts = Parts.NONE, memory: Memory | None = None,
) -> Problem:  # fmt: skip
    """The Problem of a target: a formula (or several), a callable, a table in any form `read_table` takes, or (X, y).

    solver: it is for a solver, which wants few points of a function at first and draws more itself. time: the seconds
    that the fit may take; of a callable so slow that its values would take more than a part of them, fewer are asked.
    table: how a table is read, arguments of `read_table`, None where they were not given.
    few: rows of a table, up to which none are held out unless somebody asks for a split. parts: what the method does
    with a table that is read in parts. memory: of the values of a callable, for a process that goes on after this one
    was killed.

    ArgumentError: a function without a domain, or a data argument that is not a Sampling. DomainError: the target is
    not finite somewhere. FormulaError, DataError: it cannot be read.
    """
    plan = Sampling() if data is None else data
    if not isinstance(plan, Sampling):
        raise ArgumentError(
            f"data={data!r} must be a surefit.Sampling(design=..., count=..., ...); the data itself is the target"
        )
    time, free = positive_number("time", time), plan.chooses_nothing
    solver = solver and free
    if isinstance(target, Formula):
        target = target.text
    if isinstance(target, str) and (is_table_path(target) or (domain is None and os.path.isdir(target))):
        target = Path(target)
    reading = {key: value for key, value in (table or {}).items() if value is not None}
    texts = formula_texts(target)
    if isinstance(target, list | tuple) and texts and all(map(is_table_path, texts)):
        raise DataError(
            f"target: {len(texts)} files, and one is read; join them, with pandas.concat, or give a folder of "
            "Parquet files"
        )
    if texts is not None or (callable(target) and not isinstance(target, Table)):
        for key in reading:
            name = {"targets": "target", "inputs": "columns"}.get(key, key)
            raise ArgumentError(f"{name}: is for the columns of a table, and a function has none; leave it out")
    if texts is not None:
        return known(_of_formulas(texts, domain, plan, seed, solver, free, memory), plan)
    if callable(target) and not isinstance(target, Table):
        box = needed_domain(domain, None)
        function, outputs = vectorised(target, box, memory)
        source = {"kind": "callable", "name": getattr(target, "__name__", type(target).__name__)}
        if plan.derivatives is True:
            raise derivatives.refuse(
                True,
                "a Python function is not differentiated",
                "give a function that returns its gradients, or a formula",
            )
        free = free and not function.differing
        plan = first_sampling(box.dim, plan) if solver and free else plan
        allowed = _allowed(function, box, time)
        problem = _of_function(
            function, box, outputs, plan, seed, source, _called_gradients(plan, box, outputs, memory), free, allowed,
            pooled=solver and free,
        )  # fmt: skip
        return known(problem, plan)
    batches = in_parts(target, plan, reading, parts)
    if batches is not None:
        return of_parts(batches, domain, plan, seed, reading)
    problem = in_levels(_of_table(target, domain, plan, seed, reading, few), plan.levels)
    return known(problem, plan)


def with_evaluations(problem: Problem) -> Problem:
    """The problem, which says how often its callable was evaluated so far, if it has one."""
    function = problem.function.function if isinstance(problem.function, Steady) else problem.function
    if not isinstance(function, CallableFunction):
        return problem
    counts = {"evaluations": function.evaluations, "failed": len(function.failures), "resumed": 0}
    return replace(problem, source=problem.source | {"evaluated": counts})


def first_sampling(dim: int, plan: Sampling) -> Sampling:
    """The plan with the first training points of a function for a solver, which draws more as its networks grow."""
    design, count = ("chebyshev", 9**3) if dim == 3 else ("auto", 9**3)
    if dim <= 2:
        design, count = "chebyshev", ROWS * 20 + 2 if dim == 1 else 16 * 16
    return replace(plan, design=design, count=count)


def formula_texts(target: Any) -> list[str] | None:
    """The formulas of a text or a sequence of texts; None when the target is something else."""
    if isinstance(target, str):
        return [text for text in target.replace("；", ";").split(";") if text.strip()] or [target]
    if isinstance(target, (list, tuple)) and target and all(isinstance(t, (str, Formula)) for t in target):
        return [t.text if isinstance(t, Formula) else t for t in target]
    return None


def needed_domain(domain: Any, variables: Sequence[str] | None) -> Domain:
    if domain is None:
        names = variables or ("x",)
        example = ", ".join(f'"{n}": (-1, 1)' for n in names)
        raise DomainError(f"domain: a function needs one; say where, for example domain={{{example}}}")
    return (
        domain if isinstance(domain, Domain) else Domain(domain, names=None if Domain.is_named(domain) else variables)
    )


def _of_formulas(
    texts: list[str], domain: Any, plan: Sampling, seed: int, solver: bool, free: bool, memory: Memory | None
) -> Problem:
    if domain is not None and Domain.is_named(domain):  # which may give a variable the name of a function
        box = needed_domain(domain, None)
    else:
        box = needed_domain(domain, parse_many(texts)[0].variables or None)  # a first reading finds the variables
    formulas = parse_many(texts, box.names)

    function = FormulaFunction([f.text for f in formulas], box.names)
    outputs = output_names(box.names, len(formulas))
    source = {"kind": "formula", "text": [f.text for f in formulas]}
    gradients: derivatives.Gradients | None = derivatives.FormulaGradients(formulas)
    if plan.derivatives is not True:
        gradients = _called_gradients(plan, box, len(formulas), memory)
    plan = first_sampling(box.dim, plan) if solver else plan
    return _of_function(function, box, outputs, plan, seed, source, gradients, free)


def _called_gradients(plan: Sampling, box: Domain, outputs: int, memory: Memory | None) -> derivatives.Gradients | None:
    """The gradients that a user's function gives, if one was given."""
    if plan.derivatives is None:
        return None
    if not callable(plan.derivatives):
        raise derivatives.refuse(..., "an array is for the rows of a table", "give a function of the points")
    return derivatives.CalledGradients(vectorised(plan.derivatives, box, memory, "gradients")[0], outputs)


def _refuse_rows(plan: Sampling) -> None:
    """ArgumentError for settings that are for the rows of a table."""
    if plan.test is not None:
        raise ArgumentError("test: a table of test rows goes with a table; a function is tested on fresh points")
    if plan.apart:
        name = "order" if plan.groups is None else "groups"
        raise ArgumentError(f"{name}: is for the rows of a table; a function is tested on fresh points")
    if plan.window is not None or plan.stream:
        name = "stream" if plan.stream else "window"
        raise ArgumentError(f"{name}: is for a table that is read in parts; leave it out")
    if plan.missing is not None:
        raise ArgumentError(
            "missing: is for the rows of a table; leave points where a function has no value out with "
            f"{spelled('drop_nonfinite', 'True', DROPPING)}"
        )
    if isinstance(plan.noise_of_rows, tuple):
        raise ArgumentError(
            "noise: an array is for the rows of a table; of a function give one number, or 'uniform:0.01'"
        )
    if plan.levels:
        raise ArgumentError("quantile: is for the rows of a table; a function has one value at a point")
    if plan.loss is not None:
        raise ArgumentError("loss: is for the rows of a table; of a function give it to the method, Adam(loss='huber')")
    if plan.folds is not None:
        raise ArgumentError("folds: is for the rows of a table; a function is tested on fresh points")
    if plan.logarithmic:
        raise ArgumentError(
            "target_scale: 'log' is for the values of a table; of a function fit the logarithm itself, whose error is "
            "the relative error"
        )


def _of_function(
    function: Callable[[np.ndarray], np.ndarray], box: Domain, outputs: tuple[str, ...] | int, plan: Sampling,
    seed: int, source: dict[str, Any], gradient_function: derivatives.Gradients | None, free: bool,
    allowed: int | None = None, pooled: bool = False,
) -> Problem:  # fmt: skip
    """allowed: how often a slow function may be evaluated. pooled: its points are drawn now, once for all attempts."""
    if isinstance(outputs, int):
        outputs = output_names(box.names, outputs)
    _refuse_rows(plan)
    rng = np.random.default_rng(seed)
    dropped = 0
    failures: list[Failure] = []
    target = function if plan.drop_nonfinite else Steady(function, box)

    def values(x: np.ndarray) -> Points:
        nonlocal dropped
        points, failed, left_out = finite_values(target, x, box.names, plan.drop_nonfinite)
        dropped += left_out
        failures.extend(failed)
        return points

    exact = Noise.read(plan.noise).scale == 0.0 and not getattr(function, "differing", ())
    fewer = plan if allowed is None else _fewer(plan, box, allowed // (4 if exact and free else 2))
    pool = 0
    if pooled and exact and allowed is not None:
        calls = allowed / SAMPLING
        pool = int(max(min(FEW_POOLED * calls, SOON_FITTED), POOLED * calls))
        pool = max(FEWEST_TRAINED, min(pool, MANY_POOLED + (pool - MANY_POOLED) // 2, MOST_POOLED))
    x, y = values(for_all(box, pool, seed) if pool else fewer.points(box, rng))
    watched, tested = fewer.held_out(box, rng)
    if pool:
        watched, tested = watched[:0], tested[:0]  # what judges is drawn apart
    fewest = 0 if pool else FEWEST_WATCHED
    if isinstance(function, CallableFunction):  # which may be expensive
        fewest = min(fewest, len(x) if allowed is None else min(len(x), allowed // 8))
    if exact and 0 < len(watched) < fewest:
        more = sample(box, fewest - len(watched), "uniform", generator=np.random.default_rng([seed, 0x5EE]))
        watched = np.concatenate([watched, more])
    held = [values(p) if len(p) else None for p in (watched, tested)]
    validation = None if held[0] is None else (held[0][0], plan.noisy(held[0][1], rng))
    train = (x, plan.noisy(y, rng))
    weights = plan.row_weights(*train)
    validation_weights = plan.row_weights(*validation) if validation is not None and callable(plan.weights) else None
    gradients = [
        None if gradient_function is None or part is None else gradient_function(part[0])
        for part in (train, validation)
    ]
    notes = (
        *derivatives.notes(gradients[0]),
        *about_dropped(0, failures, 0),
        *_about(target),
        *_flat_outputs(y, outputs),
    )
    problem = Problem(
        box.names, outputs, box, train, validation, held[1], weights, target, source, dropped,
        validation_weights=validation_weights, plan=fewer, gradients=gradients[0], validation_gradients=gradients[1],
        gradient_function=gradient_function, notes=notes, exact=exact, free=exact and free,
        seconds_per_point=function.seconds_per_point if isinstance(function, CallableFunction) else None,
        affordable=None if allowed is None else pool or max(FEWEST_TRAINED, allowed // 4),
    )  # fmt: skip
    if fewer is plan and not pool:
        return problem
    return replace(problem, notes=(*notes, few_for_time(replace(problem, affordable=len(x)))))


def _allowed(function: CallableFunction, box: Domain, time: float | None) -> int | None:
    """How many values of a callable fit into the part of the time that is for sampling; None where that is no limit."""
    if time is None:
        return None
    seconds = function.seconds_per_point or 0.0
    for number in PROBES:  # a few points at once say little of what each of many takes
        if seconds * PLENTY <= SAMPLING * time:
            return None
        if function.way not in AT_ONCE or (number > PROBES[0] and number * seconds > PROBING * time):
            break
        before = function.seconds
        function(sample(box, number, "uniform", generator=np.random.default_rng(number)))
        seconds = min(seconds, (function.seconds - before) / number)
    if seconds * PLENTY <= SAMPLING * time:
        return None
    function.remembers = True
    return int(SAMPLING * time / seconds)


def _fewer(plan: Sampling, box: Domain, most: int) -> Sampling:
    """A plan with at most so many training points, unless each has a weight of its own."""
    count: Any = default_count(box.dim) if plan.count is None else plan.count
    base = math.prod(count) if isinstance(count, tuple) else count
    corners = plan.with_corners and 2 * len(corner_points(box)) <= most
    per_point = 1.0 + plan.face_share(box) + (plan.extra_ratio or 0.0)
    room = max(FEWEST_TRAINED, int((most - len(corner_points(box)) * corners) / per_point))
    if base <= room or isinstance(plan.weights, tuple):
        return plan
    if isinstance(count, tuple):
        shrink = (room / base) ** (1.0 / len(count))
        return replace(plan, count=tuple(max(2, int(n * shrink)) for n in count), with_corners=corners)
    return replace(plan, count=room, with_corners=corners)


def _about(target: Any) -> tuple[Sentence, ...]:
    """What a function was like at the points it was asked for: with holes, in single precision."""
    notes: list[Sentence] = []
    function = target
    if isinstance(target, Steady):
        function = target.function
        if target.filled:
            notes.append(say("stepped-round", points=target.filled))
    if isinstance(function, CallableFunction) and function.single:
        notes.append(say("single-precision"))
    if isinstance(function, CallableFunction) and function.differing:
        where, first, again = function.differing
        notes.append(say("differing-values", where=where, first=first, again=again))
    return tuple(notes)


def _flat_outputs(y: np.ndarray, names: Sequence[str]) -> tuple[Sentence, ...]:
    """A warning about each output that is the same at every training point."""
    if len(y) < 2:
        return ()
    flat = np.ptp(y, axis=0) == 0
    return tuple(
        say("constant-output", name=n, value=float(v) + 0.0, points=len(y))
        for n, v, f in zip(names, y[0], flat, strict=True)
        if f
    )


def _is_another_half(target: Any, domain: Any) -> bool:
    """Whether the values of the rows came as a second argument, as scikit-learn has it, where the domain should be."""
    if isinstance(domain, str | Mapping | Domain) or not hasattr(target, "__len__"):
        return False
    numbers = hasattr(domain, "shape") or (isinstance(domain, list) and all(np.isscalar(v) for v in domain))
    return numbers and np.size(domain) == len(domain) == len(target) > 2


def _of_table(target: Any, domain: Any, plan: Sampling, seed: int, reading: Mapping[str, Any], few: int = 0) -> Problem:
    if hasattr(target, "predict") and not hasattr(target, "columns"):
        name = type(target).__name__
        raise ArgumentError(f"the target is a {name}, which is not called itself; give its method, model.predict")
    if isinstance(domain, str) and not Domain.is_named(domain):
        raise DomainError(
            f"domain: {domain!r} is no interval; if it is the column to predict, say {spelled('target', repr(domain))}"
        )
    if _is_another_half(target, domain):
        raise ArgumentError("domain: rows and their values are one argument, a pair: fit((X, y), ...)")
    table, plan = _table_and_weights(target, plan, reading)
    table, box = _named_alike(target, table, domain)
    rng = np.random.default_rng(seed)
    x, y = table.x, table.y
    check_size(y)
    kept = None if plan.about_rows else rows.distinct(x, y)
    if kept is not None:
        x, y = x[kept], y[kept]
    n = len(x)
    place = None
    if n <= few and plan.split is None and plan.derivatives is None and not plan.apart:
        place = None if plan.about_rows or plan.folds is not None else rows.replicated(x, y)
        plan = replace(plan, split=(1.0, 0.0, 0.0))
    if plan.folds is not None and plan.folds > n:
        raise ArgumentError(f"folds: {plan.folds} folds need as many rows, and the table has {n}; give fewer")
    parts = plan.rows(n, rng)
    number = np.arange(n) if kept is None else kept  # of each row, in the table as it came
    plan.check_target(y, table.targets, lambda row: f"in row {number[row]} (first row is 0)")
    if box.log.any() and (low := (x <= 0) & box.log).any():
        row, column = np.argwhere(low)[0]
        raise DomainError(
            f"domain: {box.names[column]!r} is logarithmic, and {x[row, column]:g} in row {number[row]} is not above "
            "0; leave 'log' out, or such rows (first row is 0)"
        )
    weights = plan.row_weights(x, y)  # of all rows
    if weights is not None:  # a row that does not count judges nothing either
        train_rows, validation_rows, test_rows = (part[weights[part] > 0] for part in parts)
        parts = (train_rows, validation_rows, test_rows)
    train, validation, test = ((x[part], y[part]) if len(part) else None for part in parts)
    if plan.test is not None:
        test = _test_rows(plan.test, table, reading)
        plan.check_target(test[1], table.targets, lambda row: f"in row {row} of the test table")
    if train is None:
        raise DataError("table: no rows to train on" + (" that have a weight" if weights is not None else ""))
    gradients = _table_gradients(plan, box, x, y.shape[1])
    _refuse_for_table(plan)
    validation = None if validation is None else (validation[0], plan.noisy(validation[1], rng))
    train = (train[0], plan.noisy(train[1], rng))
    for part in (train, validation):
        if part is not None:
            plan.check_target(part[1], table.targets, lambda row: "with its noise")
    looked_at = slice(rows.MOST) if weights is None else np.flatnonzero(weights > 0)[: rows.MOST]
    if plan.noise_of_rows is not None:
        weights = _weights_of_noise(np.array(plan.noise), y, plan.logarithmic)
    of_parts = [None if weights is None else weights[part] for part in parts]
    source: dict[str, Any] = {"kind": "table", "name": called(target), "rows": len(table)}
    if kept is not None:
        source["copies"] = len(table) - n
    if place is not None:
        source["places"] = int(place.max()) + 1
    if plan.apart and (validation is not None or test is not None):
        source["apart"] = "order" if plan.groups is None else "groups"
    return Problem(
        table.inputs, table.targets, box, train, validation, test, of_parts[0], None, source,
        validation_weights=of_parts[1], plan=plan, coding=table.coding,
        gradients=None if gradients is None else gradients[parts[0]],
        validation_gradients=None if gradients is None or validation is None else gradients[parts[1]],
        row_numbers=None if plan.test is not None else _numbers(number, parts),
        notes=(
            *_few(plan, n), *derivatives.notes(gradients), *_outside(box, x),
            *([] if kept is None else [say("rows-merged", count=len(table) - n, rows=len(table))]),
            *([] if place is None else [say("rows-replicated", rows=n, places=int(place.max()) + 1)]),
            *rows.notes(x[looked_at], y[looked_at], table.inputs, table.targets), *rows.alike_texts(table.coding),
        ),
        known=isinstance(plan.noise, Noise) and plan.noise.scale == 0.0,
        noise_known=plan.noise_of_rows is not None, log_target=plan.logarithmic,
    )  # fmt: skip


def _numbers(number: np.ndarray, parts: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """The numbers of the rows of each part."""
    return {name: number[part] for name, part in zip(("train", "validation", "test"), parts, strict=True)}


def _weights_of_noise(noise: np.ndarray, y: np.ndarray, logarithmic: bool) -> np.ndarray:
    """What rows count whose noise has these deviations (n,): the reciprocals of the variances."""
    if len(noise) != len(y):
        raise ArgumentError(
            f"noise: expected one standard deviation for each row, shape ({len(y)},), got ({len(noise)},)"
        )
    if logarithmic:  # of log(y) it is the relative noise
        noise = noise / np.exp(np.log(y).mean(axis=1))
    return 1.0 / noise**2


def _named_alike(target: Any, table: Table, domain: Any) -> tuple[Table, Domain]:
    """A table and its box, whose inputs have the same names in the same order: arrays take those of the domain."""
    if domain is None:
        return table, Domain.around(table.x, names=table.inputs)
    box = needed_domain(domain, table.inputs)
    if set(box.names) < set(table.inputs):  # of the others the range of the rows
        own, given = Domain.around(table.x, names=table.inputs), dict(zip(box.names, box.axes, strict=True))
        box = Domain({n: given.get(n, ends) for n, ends in zip(own.names, own.bounds, strict=True)})
    if sorted(box.names) == sorted(table.inputs):
        return table, box.select(table.inputs)
    pair = isinstance(target, (tuple, list)) and len(target) == 2 and not hasattr(target[0], "columns")
    if pair and len(box.names) == len(table.inputs) and not set(box.names) & set(table.targets):
        new = dict(zip(table.inputs, box.names, strict=True))
        return Table([new.get(n, n) for n in table.names], table.values, table.targets), box
    raise DomainError(
        f"domain: names {', '.join(box.names)}, but the table's inputs are {', '.join(table.inputs)}; name the same, "
        f"or leave {spelled('domain')} out: it is then the range of the rows"
    )


def _few(plan: Sampling, rows: int) -> tuple[Sentence, ...]:
    """A warning where the default split holds nothing out; of one row another warning says all."""
    alone = 1 < rows < FEWEST_SPLIT and plan.shares == SPLIT and plan.test is None and not plan.apart
    return (say("few-rows", rows=rows),) if alone else ()


def _outside(box: Domain, x: np.ndarray) -> tuple[Sentence, ...]:
    """A warning about rows that a domain of the user's own leaves out."""
    count = int((~box.contains(x)).sum())
    if count == 0:
        return ()
    return (say("rows-outside", count=count, rows=len(x)),)


def _refuse_for_table(plan: Sampling) -> None:
    """ArgumentError for what only a function that can be asked again can do."""
    asked_again = (
        ("adaptive", plan.adaptive), ("faces", plan.faces), ("verify", plan.verify), ("extra_box", plan.extra_box),
        ("count", plan.count), ("design", plan.design != "auto"),
    )  # fmt: skip
    for name, asked in asked_again:
        if asked:
            raise ArgumentError(
                f"{name}: needs a function that can be asked for more values; a table has its rows only"
            )


def _table_gradients(plan: Sampling, box: Domain, x: np.ndarray, k: int) -> np.ndarray | None:
    """The gradients of all rows, (n, k, d), if some were given."""
    if plan.derivatives is None:
        return None
    if plan.derivatives is True:
        raise derivatives.refuse(
            True, "the gradients of a table are not known", "give them as an array, one for each row"
        )
    if callable(plan.derivatives):
        return derivatives.CalledGradients(vectorised(plan.derivatives, box)[0], k)(x)
    return derivatives.row_gradients(plan.derivatives, len(x), k, x.shape[1])


def _test_rows(given: Any, table: Table, reading: Mapping[str, Any]) -> Points:
    """A table of test rows in the columns of the training table, coded as those."""
    if isinstance(given, Table) and given.coding != table.coding:
        raise DataError("test: its texts or times became other numbers; give its path or frame, and it is read alike")
    names = (*table.inputs, *table.targets)
    wanted = names if isinstance(given, Table) else raw_names(names, table.coding)
    options = {} if isinstance(given, Table) else {k: v for k, v in reading.items() if k in ("decimal", "header")}
    try:
        own = read_table(given, columns=wanted, coding=None if isinstance(given, Table) else table.coding, **options)
    except DataError as error:
        raise DataError(f"test: {str(error).removeprefix('columns: ')}") from None
    x, y = (np.stack([own[name] for name in part], axis=1) for part in (table.inputs, table.targets))
    check_size(y)
    return x, y


def _table_and_weights(target: Any, plan: Sampling, reading: Mapping[str, Any]) -> tuple[Table, Sampling]:
    """A table, and its plan with the weights and gradients of the rows that stay.

    Weights that are a column are those of the rows; that column is no input.
    """
    target, plan, own = split_by_columns(target, plan, reading)
    what = "noise" if isinstance(plan.noise, str) else "weights"
    column = plan.noise if isinstance(plan.noise, str) else plan.weights if isinstance(plan.weights, str) else None
    if column is not None and "inputs" in own:
        given = own["inputs"]
        own["inputs"] = [*([given] if isinstance(given, str | int) else given), column]
    table = read_table(target, drop_missing=plan.drop_nonfinite, missing=plan.missing, **own)
    kept = table.row_numbers
    if column is not None:
        if column not in table.names:
            raise DataError(f"{what}: the table has no column {column!r}{near(column, table.names)}")
        if column in table.targets:
            example = spelled("target", "...")
            raise DataError(f"{what}: {column!r} is the last column, which is the target; name another with {example}")
        values = table[column]
        table = table.select([name for name in table.inputs if name != column])
        if what == "noise" and (low := ~(values > 0)).any():
            row = int(np.flatnonzero(low)[0])
            raise DataError(
                f"noise: {column!r} is {values[row]:g} in row {row} (first row is 0), and a standard deviation must "
                "be above 0"
            )
        of_rows: dict[str, Any] = {what: values}
        plan = replace(plan, **of_rows)
    if kept is None:
        return table, plan
    for name in ("weights", "noise", "derivatives", "groups", "order"):
        rows_given = getattr(plan, name)
        if isinstance(rows_given, tuple) and len(rows_given) > len(table):
            plan = replace(plan, **{name: np.array(rows_given)[kept]})
    return table, plan


__all__ = ["first_sampling", "formula_texts", "needed_domain", "pose", "with_evaluations"]
