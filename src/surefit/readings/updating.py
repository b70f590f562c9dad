"""New rows for a fit that is there: the network goes on from its weights, on the old rows and the new ones."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np

from surefit import nn
from surefit.attempts.methods import LBFGS, LM, Features, VarPro
from surefit.attempts.progress import Progress
from surefit.checking import number_array, positive_number
from surefit.data import Domain, Sampling, points_from, raw_names, read_table
from surefit.errors import ArgumentError, DataError, DomainError, ShapeError
from surefit.models.chain import chain_of, is_hidden_layer, output_layer
from surefit.models.clipped import Clipped
from surefit.problems.problem import Points, Problem
from surefit.problems.rows import distinct
from surefit.problems.scaling import Scaling
from surefit.search.cost import of_iteration
from surefit.search.judging import Judge
from surefit.search.limits import FEW_ROWS, ITERATION
from surefit.search.record import Record, Solved
from surefit.search.runner import State, Strategy, recorded, run
from surefit.search.strategies.tables import measured_data
from surefit.sentences import say

FEWEST = 10  # new rows, of fewer of which all are trained on
ITERATIONS = 60  # of Levenberg-Marquardt


def updated(record: Record, points: Any, values: Any, time: float | None, seed: int) -> Record:
    """The record of the same network trained on, with new rows; see `Fit.update`."""
    if record.problem.exact:
        raise ArgumentError(
            "update: this fit is of a known function, which can be asked for more; fit it again with a smaller tol"
        )
    if record.problem.gradients is not None:
        raise ArgumentError("update: this fit is of values and gradients; fit the old and new rows together")
    if record.classified is not None:
        raise ArgumentError("update: this fit is of classes; fit the old and new rows together")
    if record.problem.quantiles:
        raise ArgumentError("update: this fit is of quantiles; fit the old and new rows together")
    if record.problem.signs:
        raise ArgumentError(
            "update: going on would change the signs of the weights that make this fit monotone; fit all together"
        )
    if record.problem.periods:
        raise ArgumentError("update: this fit is of periodic inputs; fit the old and new rows together")
    if values is None and isinstance(points, tuple) and len(points) == 2:
        points, values = points
    if values is None:
        x, values = _of_table(record, points)
    else:
        x = points_from(points, record.names, "update", record.problem.coding)
    if not len(x):
        raise ShapeError("update: there is no new row; give one point and its value at least")
    if (bad := np.argwhere(~np.isfinite(x))).size:
        row, column = bad[0]
        where = f"{record.names[column]} is {x[row, column]:g} in new row {row} (first row is 0)"
        raise DomainError(f"update: {where}; leave such rows out")
    y = _values(values, len(x), len(record.outputs))
    Sampling(target_scale="log" if record.problem.log_target else None).check_target(
        y, record.outputs, lambda row: f"in new row {row} (first row is 0)"
    )
    new = unknown(record.problem, x, y)
    problem = extended(record.problem, x[new], y[new], seed) if len(new) else replace(record.problem, function=None)
    if len(new) < len(x):
        left = say("rows-known", count=len(x) - len(new), rows=len(x))
        problem = replace(problem, notes=(*problem.notes, left))
    progress = Progress(time=positive_number("time", time))
    state = State(problem, seed, record.dtype, Judge(problem, seed, time), progress, record.tol)
    again = chosen_again(record, problem)
    reason = run(state, measured_data(state) if again else going_on(state, in_units_of(record, problem)))
    settings = record.made.settings if again else {"method": "update"}
    made = Solved(settings, say("stage-initial"), tuple(state.choice))
    return recorded(state, reason, lambda found: replace(made, stage=found.stage, details=dict(found.details)))


def chosen_again(record: Record, problem: Problem) -> bool:
    """Whether what the automatic choice makes of few rows is chosen once more, of all of them.

    It has as many weights as there are rows, or more, which were found with a ridge or by a teacher: trained on they
    would go through all rows, noise included. Few rows cost little.
    """
    automatic = isinstance(record.made, Solved) and record.made.settings.get("method") == "auto"
    own_model = record.call.get("model") not in (None, "None")
    return automatic and not own_model and sum(problem.sizes().values()) <= FEW_ROWS


def _of_table(record: Record, table: Any) -> Points:
    """The new rows of a table in the columns of the fit: (n, d) and (n, k)."""
    names, coding = (*record.names, *record.outputs), record.problem.coding
    try:
        own = read_table(table, columns=raw_names(names, coding), coding=coding)
    except DataError as error:
        what = str(error).removeprefix("columns: ")
        raise DataError(f"update: {what}; give a table with the columns of the fit, or points and values") from None
    x, y = (np.stack([own[name] for name in part], axis=1) for part in (record.names, record.outputs))
    return x, y


def _values(values: Any, n: int, k: int) -> np.ndarray:
    """The new values as (n, k)."""
    y = number_array("y", values)
    y = y.reshape(-1, 1) if y.ndim < 2 and k == 1 else y
    if y.shape != (n, k):
        raise ShapeError(f"update: y has shape {np.shape(values)}; needed ({n},{f' {k}' * (k > 1)}), as many as points")
    if not np.isfinite(y).all():
        raise DomainError("update: some values are NaN or infinite; leave those rows out")
    return y


def extended(problem: Problem, x: np.ndarray, y: np.ndarray, seed: int) -> Problem:
    """The problem with new rows, split as the old ones were; the domain grows where they lie outside."""
    plan = problem.plan or Sampling()
    rows: Any = (np.arange(len(x)), np.arange(0), np.arange(0))
    if len(x) >= FEWEST:
        a, b, c = (s if part is not None else 0.0 for s, part in zip(plan.shares, _parts(problem), strict=True))
        shares = (a / (a + b + c), b / (a + b + c), c / (a + b + c))
        rows = replace(plan, split=shares, test=None, groups=None, order=None).rows(
            len(x), np.random.default_rng([seed, 0x0D])
        )
    train, validation, test = (_joined(part, (x[r], y[r])) for part, r in zip(_parts(problem), rows, strict=True))
    assert train is not None
    ends = zip(x.min(axis=0), x.max(axis=0), problem.domain.axes, strict=True)
    both = [(min(low, axis[0]), max(high, axis[1]), *axis[2:]) for low, high, axis in ends]
    weights = problem.weights
    if weights is not None:
        weights = np.concatenate([weights, np.full(len(train[0]) - len(weights), weights.mean())])
    of_validation = problem.validation_weights
    if of_validation is not None and validation is not None:
        of_validation = np.concatenate(
            [of_validation, np.full(len(validation[0]) - len(of_validation), of_validation.mean())]
        )
    source = dict(problem.source)
    if "rows" in source:
        source["rows"] += len(x)
    return replace(
        problem, train=train, validation=validation, test=test, domain=Domain(both, names=problem.names),
        weights=weights, validation_weights=of_validation, source=source, row_numbers=None, function=None, rows=None,
    )  # fmt: skip


def unknown(problem: Problem, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The new rows that are no copies of others, where many are: see `distinct`."""
    if problem.weights is not None or (problem.plan is not None and problem.plan.about_rows):
        return np.arange(len(x))
    known = [part for part in _parts(problem) if part is not None]
    whole = [np.concatenate([*(part[i] for part in known), new]) for i, new in ((0, x), (1, y))]
    kept = distinct(whole[0], whole[1])
    old = len(whole[0]) - len(x)
    return np.arange(len(x)) if kept is None else kept[kept >= old] - old


def _parts(problem: Problem) -> tuple[Points | None, Points | None, Points | None]:
    return problem.train, problem.validation, problem.test


def _joined(old: Points | None, new: Points) -> Points | None:
    if old is None:
        return None
    return np.concatenate([old[0], new[0]]), np.concatenate([old[1], new[1]])


def in_units_of(record: Record, problem: Problem) -> nn.Module:
    """A copy of the network, in float64, that says in the scaling of another problem what it says in its own.

    ArgumentError: its first or last layer is not linear.
    """
    network = copy.deepcopy(record.network)
    if isinstance(network, Clipped):  # at rows that were the outermost ones
        network = network.network
    linear = [m for m in network.modules() if isinstance(m, nn.Linear)]
    if chain_of(network) is None or not linear or any(m.bias is None for m in linear):
        raise ArgumentError(
            f"update: goes on from a chain of linear layers and activations, and the network is a "
            f"{type(network).__name__}; fit the old and new rows together, with model=fit.network"
        )
    network.to("float64")
    old, new, first, last = record.model.scaling, Scaling.of(problem), linear[0], linear[-1]
    # u_old = (x - a) / s with x = u_new s' + a': the first layer takes the difference in, and so does the last one
    weight = first.weight.detach().numpy()
    bias = first.bias.detach().numpy() + weight @ ((new.x_shift - old.x_shift) / old.x_scale)  # type: ignore[union-attr]
    first.weight.assign(weight * (new.x_scale / old.x_scale))
    first.bias.assign(bias)  # type: ignore[union-attr]
    weight, bias = last.weight.detach().numpy(), last.bias.detach().numpy()  # type: ignore[union-attr]
    last.weight.assign(weight * (old.y_scale / new.y_scale)[:, None])
    last.bias.assign((bias * old.y_scale + old.y_shift - new.y_shift) / new.y_scale)  # type: ignore[union-attr]
    return network


def going_on(s: State, network: nn.Module) -> Strategy:
    """The network trained on in several ways; what is best at rows that it was not fitted to is kept."""
    n, k, p = len(s.problem.train[0]), len(s.problem.outputs), network.num_parameters()
    if of_iteration(n, k, p) > ITERATION:
        yield s.attempt(LBFGS(iterations=10 * ITERATIONS), copy.deepcopy(network), s.problem)
        return say("updated", rows=n)
    yield s.attempt(LM(iterations=ITERATIONS), copy.deepcopy(network), s.problem)
    if output_layer(network) is None:  # a linear function, which is solved for
        return say("updated", rows=n)
    going = copy.deepcopy(network)
    yield s.attempt(VarPro(iterations=ITERATIONS), going, s.problem)
    yield s.attempt(LM(iterations=ITERATIONS), going, s.problem)
    if is_hidden_layer(network):  # from old weights, rows in a new region may be out of reach
        again = copy.deepcopy(network)
        few = (
            s.problem.validation is None and p >= n * k
        )  # of more weights nothing else is known where rows are left out
        found = yield s.attempt(Features(), again, s.problem, provisional=not few)
        ridge = 0.0 if found is None else found.details["ridge"]
        yield s.attempt(VarPro(iterations=ITERATIONS), again, s.problem, ridge=ridge)
    return say("updated", rows=n)


__all__ = ["extended", "in_units_of", "updated"]
