"""From a target to a Problem: a formula, a Python callable, a table in any form, or arrays."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from surefit.data import Domain, Noise, Sampling, Table, check_finite, read_table, sample
from surefit.data.generator import output_names
from surefit.errors import ArgumentError, DataError, DomainError
from surefit.formulas import Formula, parse_many
from surefit.problems import gradients as derivatives
from surefit.problems.callables import FormulaFunction, Steady, vectorised
from surefit.problems.problem import ROWS, Points, Problem
from surefit.sentences import say

TABLE_SUFFIXES = (
    ".csv", ".tsv", ".txt", ".dat", ".parquet", ".pq", ".npz", ".npy", ".gz", ".bz2", ".xz", ".zip",
)  # fmt: skip
LARGEST = 1e150  # squares and their sums stay finite in float64
FEWEST_WATCHED = 200  # validation points of a known function without noise: with fewer, luck picks the best epoch


def pose(target: Any, domain: Any, data: Sampling | None, seed: int, solver: bool = False) -> Problem:
    """The Problem of a target: a formula (or several), a callable, a table in any form `read_table` takes, or (X, y).

    solver: it is for a solver, which wants few points of a function at first and draws more itself.

    ArgumentError: a function without a domain, or a data argument that is not a Sampling. DomainError: the target is
    not finite somewhere. FormulaError, DataError: it cannot be read.
    """
    plan = Sampling() if data is None else data
    if not isinstance(plan, Sampling):
        raise ArgumentError(
            f"data={data!r} must be a surefit.Sampling(design=..., count=..., ...); the data itself is the target"
        )
    free = plan.chooses_nothing
    solver = solver and free
    if isinstance(target, Formula):
        target = target.text
    if isinstance(target, str) and _is_path(target):
        target = Path(target)
    texts = _formula_texts(target)
    if texts is not None:
        return _of_formulas(texts, domain, plan, seed, solver, free)
    if callable(target) and not isinstance(target, Table):
        box = _needed_domain(domain, None)
        function, outputs = vectorised(target, box, plan.drop_nonfinite)
        source = {"kind": "callable", "name": getattr(target, "__name__", type(target).__name__)}
        if plan.derivatives is True:
            raise derivatives.refuse(
                True,
                "a Python function is not differentiated",
                "give a function that returns its gradients, or a formula",
            )
        plan = first_sampling(box.dim, plan) if solver else plan
        return _of_function(function, box, outputs, plan, seed, source, _called_slopes(plan, box, outputs), free)
    return _of_table(target, domain, plan, seed)


def first_sampling(dim: int, plan: Sampling) -> Sampling:
    """The plan with the first training points of a function for a solver, which draws more as its networks grow."""
    design, count = ("chebyshev", 9**3) if dim == 3 else ("auto", 9**3)
    if dim <= 2:
        design, count = "chebyshev", ROWS * 20 + 2 if dim == 1 else 16 * 16
    return replace(plan, design=design, count=count)


def _is_path(text: str) -> bool:
    return text.lower().endswith(TABLE_SUFFIXES)


def _formula_texts(target: Any) -> list[str] | None:
    """The formulas of a text or a sequence of texts; None when the target is something else."""
    if isinstance(target, str):
        return [text for text in target.replace("；", ";").split(";") if text.strip()] or [target]
    if isinstance(target, (list, tuple)) and target and all(isinstance(t, (str, Formula)) for t in target):
        return [t.text if isinstance(t, Formula) else t for t in target]
    return None


def _needed_domain(domain: Any, variables: Sequence[str] | None) -> Domain:
    if domain is None:
        names = variables or ("x",)
        example = ", ".join(f'"{n}": (-1, 1)' for n in names)
        flags = " ".join(f"--on {n}=-1:1" for n in names)
        raise DomainError(f"domain: a function needs one; say where, for example domain={{{example}}} ({flags})")
    return (
        domain if isinstance(domain, Domain) else Domain(domain, names=None if Domain.is_named(domain) else variables)
    )


def _of_formulas(texts: list[str], domain: Any, plan: Sampling, seed: int, solver: bool, free: bool) -> Problem:
    if domain is not None and Domain.is_named(domain):  # which may give a variable the name of a function
        box = _needed_domain(domain, None)
    else:
        box = _needed_domain(domain, parse_many(texts)[0].variables or None)  # a first reading finds the variables
    formulas = parse_many(texts, box.names)

    function = FormulaFunction([f.text for f in formulas], box.names)
    outputs = output_names(box.names, len(formulas))
    source = {"kind": "formula", "text": [f.text for f in formulas]}
    slopes = (
        derivatives.FormulaGradients(formulas) if plan.derivatives is True else _called_slopes(plan, box, len(formulas))
    )
    plan = first_sampling(box.dim, plan) if solver else plan
    return _of_function(function, box, outputs, plan, seed, source, slopes, free)


def _called_slopes(plan: Sampling, box: Domain, outputs: int) -> derivatives.Slopes | None:
    """The gradients that a user's function gives, if one was given."""
    if plan.derivatives is None:
        return None
    if not callable(plan.derivatives):
        raise derivatives.refuse(..., "an array is for the rows of a table", "give a function of the points")
    return derivatives.CalledGradients(vectorised(plan.derivatives, box)[0], outputs)


def _of_function(
    function: Callable[[np.ndarray], np.ndarray], box: Domain, outputs: tuple[str, ...] | int, plan: Sampling,
    seed: int, source: dict[str, Any], slope_function: derivatives.Slopes | None, free: bool,
) -> Problem:  # fmt: skip
    if isinstance(outputs, int):
        outputs = output_names(box.names, outputs)
    if plan.test is not None:
        raise ArgumentError("test: a table of test rows goes with a table; a function is tested on fresh points")
    rng = np.random.default_rng(seed)
    dropped = 0
    function = Steady(function, box)

    def values(x: np.ndarray) -> Points:
        nonlocal dropped
        x, y, left_out = check_finite(x, function(x), box.names, drop=plan.drop_nonfinite)
        _check_size(y)
        dropped += left_out
        return x, y

    x, y = values(plan.points(box, rng))
    watched, tested = plan.held_out(box, rng)
    exact = Noise.read(plan.noise).scale == 0.0
    if exact and 0 < len(watched) < FEWEST_WATCHED:
        more = sample(box, FEWEST_WATCHED - len(watched), "uniform", generator=np.random.default_rng([seed, 0x5EE]))
        watched = np.concatenate([watched, more])
    held = [values(p) if len(p) else None for p in (watched, tested)]
    validation = None if held[0] is None else (held[0][0], plan.noisy(held[0][1], rng))
    train = (x, plan.noisy(y, rng))
    weights = plan.row_weights(*train)
    held_weights = plan.row_weights(*validation) if validation is not None and callable(plan.weights) else None
    slopes = [
        None if slope_function is None or part is None else slope_function(part[0]) for part in (train, validation)
    ]
    notes = (*derivatives.notes(slopes[0]), *_about(function, x), *_flat_outputs(y, outputs))
    return Problem(
        box.names, outputs, box, train, validation, held[1], weights, function, source, dropped,
        validation_weights=held_weights, plan=plan, slopes=slopes[0], validation_slopes=slopes[1],
        slope_function=slope_function, notes=notes, exact=exact, free=exact and free,
    )  # fmt: skip


def _about(function: Steady, x: np.ndarray) -> tuple[str, ...]:
    """Warnings about what a function did at single points."""
    notes: list[str] = []
    if function.stepped:
        notes.append(say("stepped-round", points=function.stepped))
    failures = getattr(function.function, "failures", [])
    if failures:
        where, error = failures[0]
        place = ", ".join(f"{n}={v:.6g}" for n, v in where.items())
        notes.append(say("points-failed", count=len(failures), where=place, error=error))
    return tuple(notes)


def _flat_outputs(y: np.ndarray, names: Sequence[str]) -> tuple[str, ...]:
    """A warning about each output that is the same at every point."""
    if len(y) < 2:
        return ()
    flat = np.ptp(y, axis=0) == 0
    return tuple(
        say("constant-output", name=n, value=float(v) + 0.0) for n, v, f in zip(names, y[0], flat, strict=True) if f
    )


def _of_table(target: Any, domain: Any, plan: Sampling, seed: int) -> Problem:
    table = read_table(target, drop_missing=plan.drop_nonfinite)
    if isinstance(domain, Domain) and isinstance(target, tuple) and len(domain.names) == len(table.inputs):
        table = _renamed(table, domain.names)  # arrays have no names of their own
    box = Domain.around(table.x, names=table.inputs) if domain is None else _needed_domain(domain, table.inputs)
    if box.names != table.inputs:
        raise DomainError(f"domain: names {', '.join(box.names)}, but the table's inputs are {', '.join(table.inputs)}")
    rng = np.random.default_rng(seed)
    parts = plan.rows(len(table), rng)
    x, y = table.x, table.y
    _check_size(y)
    _check_places(x, table.inputs)
    train, validation, test = ((x[rows], y[rows]) if len(rows) else None for rows in parts)
    if plan.test is not None:
        test = _test_rows(plan.test, table)
    if train is None:
        raise DataError("table: no rows to train on")
    _refuse_for_table(plan)
    slopes = _table_slopes(plan, box, x, y.shape[1])
    validation = None if validation is None else (validation[0], plan.noisy(validation[1], rng))
    train = (train[0], plan.noisy(train[1], rng))
    weights = plan.row_weights(x, y)  # of all rows
    of_parts = [None if weights is None else weights[rows] for rows in parts]
    name = os.path.basename(str(target)) if isinstance(target, (str, os.PathLike)) else type(target).__name__
    source = {"kind": "table", "name": name, "rows": len(table)}
    return Problem(
        table.inputs, table.targets, box, train, validation, test, of_parts[0], None, source,
        validation_weights=of_parts[1], plan=plan, slopes=None if slopes is None else slopes[parts[0]],
        validation_slopes=None if slopes is None or validation is None else slopes[parts[1]],
        notes=(*derivatives.notes(slopes), *_outside(box, x), *_constant(y, table.targets)),
    )  # fmt: skip


def _renamed(table: Table, names: Sequence[str]) -> Table:
    """The table with other names for its inputs, where they were numbered."""
    if any(name not in ("x", *(f"x{i + 1}" for i in range(len(names)))) for name in table.inputs):
        return table
    new = dict(zip(table.inputs, names, strict=True))
    return Table([new.get(n, n) for n in table.names], table.values, table.targets)


def _check_places(x: np.ndarray, names: Sequence[str]) -> None:
    """DataError for inputs whose squares overflow: they could not be scaled."""
    for name, column in zip(names, x.T, strict=True):
        if np.abs(column).max() > LARGEST:
            raise DataError(
                f"table: the input {name} is as large as {np.abs(column).max():.3g}, and its squares overflow; give it "
                "in a larger unit"
            )


def _outside(box: Domain, x: np.ndarray) -> tuple[str, ...]:
    """A warning about rows that a domain of the user's own leaves out."""
    count = int((~box.contains(x)).sum())
    if count == 0:
        return ()
    return (say("rows-outside", count=count, rows=len(x)),)


def _constant(y: np.ndarray, names: Sequence[str]) -> tuple[str, ...]:
    """A warning about each target that never changes."""
    flat = (np.ptp(y, axis=0) == 0) & (len(y) > 1)
    return tuple(
        say("constant-target", name=name, value=float(value) + 0.0)
        for name, value, same in zip(names, y[0], flat, strict=True)
        if same
    )


def _refuse_for_table(plan: Sampling) -> None:
    """ArgumentError for what only a function that can be asked again can do."""
    for name, asked in (("adaptive", plan.adaptive), ("faces", plan.faces), ("verify", plan.verify)):
        if asked:
            raise ArgumentError(
                f"{name}: needs a function that can be asked for more values; a table has its rows only"
            )


def _table_slopes(plan: Sampling, box: Domain, x: np.ndarray, k: int) -> np.ndarray | None:
    """The gradients of all rows, (n, k, d), if some were given."""
    if plan.derivatives is None:
        return None
    if plan.derivatives is True:
        raise derivatives.refuse(
            True, "the gradients of a table are not known", "give them as an array, one for each row"
        )
    if callable(plan.derivatives):
        return derivatives.CalledGradients(vectorised(plan.derivatives, box)[0], k)(x)
    return derivatives.row_slopes(plan.derivatives, len(x), k, x.shape[1])


def _test_rows(given: Any, table: Table) -> Points:
    """A table of test rows in the columns of the training table."""
    own = read_table(given)
    missing = [name for name in (*table.inputs, *table.targets) if name not in own.names]
    if missing:
        raise DataError(f"test: the table has no column {missing[0]!r}; it has {', '.join(own.names)}")
    x, y = (np.stack([own[name] for name in names], axis=1) for names in (table.inputs, table.targets))
    _check_size(y)
    return x, y


def _check_size(y: np.ndarray) -> None:
    """DomainError for values whose squares overflow: no error of such a fit could be computed."""
    largest = float(np.abs(y).max(initial=0.0))
    if largest > LARGEST:
        raise DomainError(f"the target is as large as {largest:.3g}, and its squares overflow; fit it in larger units")


__all__ = ["first_sampling", "pose"]
