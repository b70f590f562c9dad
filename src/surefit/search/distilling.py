"""Distillation: the values of a teacher, wherever they are wanted, become a small network.

Hinton, Vinyals and Dean 2015, Distilling the knowledge in a neural network. The teacher is a known function without
noise. Its points lie over the box and, where there are rows, near them; they are ours to choose, and fresh ones of the
same kind tell how near the network is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from surefit.data import Domain, Sampling, corner_points, face_points, read_table, sample
from surefit.errors import ArgumentError, DomainError, ShapeError
from surefit.problems.callables import vectorised
from surefit.problems.points import cloud
from surefit.problems.problem import Function, Problem
from surefit.search.limits import CLOSE, CLOSE_ALONE, CLOSEST, CLOUD, LOOKED_AT
from surefit.search.record import Record

EXTRA = 200  # points beside those for each parameter
BORDER = 0.2  # of the points, on the faces of a box that is all that is known


def lesson(
    teacher: Function, names: Sequence[str], outputs: Sequence[str], box: Domain, near: np.ndarray | None, seed: int,
    most: int, source: dict[str, Any],
) -> Problem:  # fmt: skip
    """The problem of a network with at most so many parameters that learns from a teacher.

    near: rows (n, d), some of which are among its points. DomainError: the teacher is not finite somewhere.
    """
    rng = np.random.default_rng([seed, 0x7EAC])
    count = CLOUD * most + EXTRA
    if near is None:
        faces = round(BORDER * count) if box.dim > 1 else 0
        spread = sample(box, count - faces, "latin_hypercube", generator=rng)
        x = np.concatenate([spread, face_points(box, faces, rng), corner_points(box)])
    else:
        x = np.concatenate([near[:most], cloud(box, near, count, rng)])
    x = x[rng.permutation(len(x))]
    y = teacher(x)
    bad = ~np.isfinite(y).all(axis=1)
    if bad.any():
        place = ", ".join(f"{n}={v:.6g}" for n, v in zip(names, x[bad][0], strict=True))
        raise DomainError(f"the teacher is not finite at {int(bad.sum())} of {len(x)} points, as at {place}")
    return Problem(
        tuple(names), tuple(outputs), box, (x, y), None, None, None, teacher, source,
        plan=Sampling(verify=LOOKED_AT), exact=True, near=near,
    )  # fmt: skip


class Predicted:
    """What a model predicts, as points (n, d) -> values (n, k).

    A model that was fitted to a DataFrame is asked with the names of its columns.
    """

    def __init__(self, model: Any, names: Sequence[str]) -> None:
        self.model, self.names = model, tuple(names)
        self.framed = hasattr(model, "feature_names_in_")

    def __call__(self, points: np.ndarray) -> np.ndarray:
        x: Any = points
        if self.framed:
            import pandas

            x = pandas.DataFrame(points, columns=list(self.model.feature_names_in_))
        came = np.asarray(self.model.predict(x))
        if came.dtype.kind not in "fiub":
            raise ArgumentError(
                f"model: {type(self.model).__name__}.predict gives values of type {came.dtype}, such as "
                f"{came.ravel()[0]!r}; give a function of numbers, such as lambda x: model.predict_proba(x)[:, 1]"
            )
        y = came.astype(np.float64)
        if y.ndim not in (1, 2) or len(y) != len(points):
            raise ShapeError(f"model: of {len(points)} points it gives shape {came.shape}; expected (n,) or (n, k)")
        return y.reshape(len(points), -1)


def teaching(model: Any, where: Any, seed: int, most: int) -> tuple[Problem, list[float]]:
    """The problem of a network that learns from a model, and the rmse of each output at which it is near enough.

    where: a domain or rows; None: that of a fit.
    """
    fitted = isinstance(model, Record)
    if fitted and model.classified is not None:
        raise ArgumentError(
            "distil: this fit is of classes; give what it says of them, distil(fit.predict_proba, fit.domain)"
        )
    box: Domain
    near: np.ndarray | None = None
    if where is None:
        if not fitted:
            raise DomainError("domain: say where the model is wanted: a box, domain={'x': (0, 1)}, or rows X")
        box, near = model.domain, model.problem.train[0] if model.problem.function is None else None
    elif is_rows(where):
        x, columns = rows_of_inputs(where)
        names = model.names if fitted else columns or getattr(model, "feature_names_in_", None)
        box, near = Domain.around(x, names=None if names is None else [str(n) for n in names]), x
    else:
        box = where if isinstance(where, Domain) else Domain(where)
    teacher: Callable[[np.ndarray], np.ndarray]
    if hasattr(model, "predict"):
        inputs = len(model.names) if fitted else getattr(model, "n_features_in_", box.dim)
        if inputs != box.dim:
            raise ShapeError(f"domain: it has {box.dim} inputs ({', '.join(box.names)}), and the model takes {inputs}")
        teacher = model._predict if fitted else Predicted(model, box.names)
        outputs = model.outputs if fitted else named_outputs(teacher(box.low[None, :] / 2 + box.high[None, :] / 2))
    elif callable(model):
        teacher, outputs = vectorised(model, box)
        outputs = outputs if isinstance(outputs, tuple) else named_outputs(np.zeros((1, outputs)))
    else:
        raise ArgumentError(f"model: a {type(model).__name__} has no predict and cannot be called")
    name = getattr(model, "__name__", type(model).__name__)
    problem = lesson(teacher, box.names, outputs, box, near, seed, most, {"kind": "callable", "name": name})
    if fitted:
        least = CLOSEST * problem.train[1].std(axis=0)
        return problem, np.maximum([CLOSE * part.rmse for part in model.error.outputs], least).tolist()
    return problem, (CLOSE_ALONE * problem.train[1].std(axis=0)).tolist()


def named_outputs(y: np.ndarray) -> tuple[str, ...]:
    """y, or y1, y2, ..."""
    k = y.shape[1]
    return ("y",) if k == 1 else tuple(f"y{j}" for j in range(1, k + 1))


def is_rows(where: Any) -> bool:
    """Whether this is rows of inputs, not a box: an array of two dimensions, or columns with names."""
    return isinstance(where, np.ndarray) or hasattr(where, "columns") or hasattr(where, "__dataframe__")


def rows_of_inputs(where: Any) -> tuple[np.ndarray, list[str] | None]:
    """Rows (n, d), and the names of their columns, if they have some."""
    columns = None
    if isinstance(where, np.ndarray):
        x = where.astype(np.float64)
        x = x[:, None] if x.ndim == 1 else x
    else:
        table = read_table(where)
        columns = list(table.names)
        x = np.stack([table[name] for name in columns], axis=1)
    if x.ndim != 2 or not len(x):
        raise ShapeError(f"X: expected rows of inputs, shape (n, d), got {x.shape}")
    if not np.isfinite(x).all():
        raise DomainError("X: some of its numbers are NaN or infinite; leave those rows out")
    return x, columns


__all__ = ["lesson", "teaching"]
