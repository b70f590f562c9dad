"""`fit_many`: thousands of curves, each with a small network of its own, in one result of arrays."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit import nn
from surefit.checking import warn, whole_number
from surefit.core import ops
from surefit.cores import cores, pool_of, taken
from surefit.data import Domain
from surefit.data.columns import Coded
from surefit.errors import ArgumentError, DataError, ModelFileError, ShapeError
from surefit.files import path_of
from surefit.keywords import naming
from surefit.many.blocks import CONSTANT, NOT_DONE, OK, STATUS, Found, fit_groups, nothing, weights_of
from surefit.many.groups import Groups, groups_of, points_of
from surefit.models.scaled import Scaled
from surefit.problems.workers import another, workers_of
from surefit.search.predictions import OutsideWarning
from surefit.solvers.batched import outputs
from surefit.solvers.problem import real_numbers
from surefit.storage.container import read_container, write_container

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from surefit.reports.exported import Exported

CHUNK = 1000  # groups in a task at least: a task of Dask costs 200 us by itself
POOLS = 2  # of processes, one after the other, in the place of one in which a process died
AHEAD = 4  # tasks for each worker that wait
FORMAT = 2  # of the container, with a checksum
KIND = "many"
DRAWN = 6  # curves in a picture, from the best to the worst
PLACES = 201  # of each of them
BEYOND = 1.0  # of the range of a group's rows, how far outside nothing is said: one grid for all goes beyond some
BLOCK = 2**22  # numbers of hidden units at once while values are computed


@naming
def fit_many(
    table: Any = None,
    /,
    *,
    by: Any = None,
    x: Any = None,
    y: Any = None,
    hidden: int = 8,
    seed: int = 0,
    executor: Executor | Any = None,
    chunk: int = CHUNK,
    callback: Callable[[int, int], Any] | None = None,
) -> Many:
    """Fit one small network to each group of rows: thousands of sensors, pixels or samples at once.

    All have the shape inputs-`hidden`-1 with tanh. Each is regularised by itself: how much its weights are held back
    is found from its own rows (see `surefit.solvers.batched`), so noisy curves come out smooth. The error of each
    is estimated by leaving out each of its rows, and holds the noise of the rows as well.

    Args:
        table: whatever `surefit.fit` takes for a table, one row for each observation; or a DataArray of xarray, with a
            group at each place of its other dimensions. None: x and y are arrays.
        by: the column, or columns, whose values tell the groups apart.
        x: the input column, or columns; of a DataArray its dimension. As an array (n,) for all groups, (groups, n) or
            (groups, n, inputs). Dates are days or seconds since the first of them, times of day and durations seconds.
        y: the output column. As an array (groups, n), with NaN where a shorter curve has no row.
        hidden: units of each network.
        seed: of where units begin, for several inputs; of one input nothing is drawn.
        executor: one of `concurrent.futures`, of Dask, mpi4py or loky. None: threads, one for each core.
        chunk: groups in one task of it, at least 1000.
        callback: called with how many groups are done and how many there are; returning True stops, and the others
            have the status "not done".

    Returns:
        A `Many`. A group that cannot be fitted is a row with a status, not an exception: "too few rows" (under 6),
        "constant" (predicted as such), "not finite" (an infinite value), "one place" (all rows at one x), "not done"
        (stopped, also by Ctrl-C, or its task of the executor failed; if all did, the last failure is raised). Where a
        process of a ProcessPoolExecutor dies, what it lost is fitted by a fresh pool.

    Raises:
        ArgumentError, DataError, ShapeError: the call as a whole is wrong; the message names what and the cure.

    >>> import numpy as np
    >>> import surefit
    >>> t = np.linspace(0, 1, 40)
    >>> many = surefit.fit_many(x=t, y=[np.sin(3 * t), np.exp(-t), t * 0])
    >>> many.status.tolist()
    ['ok', 'ok', 'constant']
    >>> many.predict([0.5]).round(2).tolist()
    [[1.0], [0.61], [0.0]]
    """
    units, seed = whole_number("hidden", hidden, 1), whole_number("seed", seed, 0)
    chunk = whole_number("chunk", chunk, CHUNK)
    if executor is not None and (isinstance(executor, type) or not hasattr(executor, "submit")):
        raise ArgumentError(f"executor={executor!r} must have a method submit, such as ThreadPoolExecutor()")
    if callback is not None and not callable(callback):
        raise ArgumentError(f"callback={callback!r} must be a function of two numbers, done and all")
    groups = groups_of(table, by, x, y)
    if not groups.number:
        raise ShapeError("y: its shape is that of no group at all")
    found = _over(groups, units, seed, executor, chunk, callback)
    return Many(
        *found[:-1], codes=found.status, rows=np.diff(groups.starts), left_out=groups.left_out, by=groups.by,
        keys=groups.keys, inputs=groups.inputs, output=groups.output, hidden=units, nowhere=groups.nowhere,
        coded=groups.coded,
    )  # fmt: skip


def _over(
    groups: Groups, units: int, seed: int, executor: Any, chunk: int, callback: Callable[[int, int], Any] | None
) -> Found:
    """The fits of all groups, in tasks over an executor."""
    count = groups.number
    found = nothing(count, units, groups.x.shape[1])
    edges = [*range(0, count, chunk), count]
    if len(edges) > 2 and edges[-1] - edges[-2] < chunk:
        del edges[-2]  # the last task has the rest as well

    done = 0

    def tasks(pool: Any) -> Iterator[tuple[Future[Found], slice]]:
        for low, high in pairwise(edges):
            if (found.status[low:high] != NOT_DONE).all():
                continue
            a, b = groups.starts[low], groups.starts[high]
            sizes = np.diff(groups.starts[low : high + 1])
            yield pool.submit(fit_groups, groups.x[a:b], groups.y[a:b], sizes, units, seed), slice(low, high)

    def run(pool: Any, workers: int) -> Exception | None:
        """Fit what is not done yet; why some of it still is not."""
        nonlocal done
        waiting: dict[Future[Found], slice] = {}
        rest = tasks(pool)
        failure: Exception | None = None
        try:
            while True:
                try:
                    waiting.update(islice(rest, workers * AHEAD - len(waiting)))
                except BrokenExecutor as e:  # a worker died; `rest` has ended
                    failure = e
                except Exception as e:  # it was shut down; `rest` has ended
                    failure = ArgumentError(f"executor: it takes no calls ({e}); fit inside of its with block")
                if not waiting:
                    break
                ended = _first(waiting)
                for future in ended:
                    place = waiting.pop(future)
                    try:
                        parts = future.result()
                    except Exception as e:  # of a worker: what the others did is kept
                        failure = e
                        continue
                    for whole, part in zip(found, parts, strict=True):
                        whole[place] = part
                    done += place.stop - place.start
                    if callback is not None and callback(done, count) is True:
                        return None
        except KeyboardInterrupt:  # what is done is kept, as by `fit`
            if not done:
                raise
            return None
        finally:
            for future in waiting:
                future.cancel()
        return failure

    if executor is None:
        with taken(cores() - 1) as others, pool_of(1 + others) as pool:
            failure = run(pool, 1 + others)
    else:
        failure = run(executor, 2 * (os.cpu_count() or 1))
        for _ in range(POOLS):
            fresh = another(executor) if isinstance(failure, BrokenExecutor) else None
            if fresh is None:
                break
            with fresh:
                failure = run(fresh, workers_of(fresh))
    if isinstance(failure, BrokenExecutor) and not done:
        raise ArgumentError(
            f"executor: it takes no calls ({failure}); give a new one, or leave it out: threads do the work then"
        ) from None
    if failure is not None and not done:
        raise failure
    return found


def _first(waiting: dict[Any, slice]) -> list[Any]:
    """Tasks that ended; those of other libraries, which `wait` does not know, in the order in which they began."""
    if all(isinstance(future, Future) for future in waiting):
        return list(wait(waiting, return_when=FIRST_COMPLETED)[0])
    return [next(iter(waiting))]


@dataclass(frozen=True, eq=False, repr=False)
class Many:
    """Small networks of one shape, one for each group; every array has one row for each.

    parameters (groups, p): weights of the hidden units (hidden * inputs), their biases, the output weights and the
    constant, for inputs (x - x_shift) / x_scale and the output (y - y_shift) / y_scale; NaN where nothing was fitted.
    error (groups,): root mean squared error at new rows of the group, noise included, in the units of y; estimated by
    leaving out each row. noise (groups,): deviation of the rows from the curve, estimated. effective (groups,):
    how many parameters the rows decide, the others are held back. rows, left_out (groups,): rows used, and those
    without a value. by, keys: the columns that tell groups apart and their values, one array for each.
    codes: places in STATUS. nowhere: rows of the table whose group is missing, which are in none. coded: for each input
    how its times are numbers, None of one that is a number; () where all are.
    """

    parameters: np.ndarray
    x_shift: np.ndarray
    x_scale: np.ndarray
    y_shift: np.ndarray
    y_scale: np.ndarray
    error: np.ndarray
    noise: np.ndarray
    effective: np.ndarray
    codes: np.ndarray
    rows: np.ndarray
    left_out: np.ndarray
    by: tuple[str, ...]
    keys: tuple[np.ndarray, ...]
    inputs: tuple[str, ...]
    output: str
    hidden: int
    nowhere: int = 0
    coded: tuple[Coded | None, ...] = ()
    _places: dict[Any, int] = field(default_factory=dict, init=False)
    _said: list[str] = field(default_factory=list, init=False, repr=False, compare=False)  # what is said once

    def __len__(self) -> int:
        return len(self.parameters)

    def __iter__(self) -> Iterator[Curve]:
        return (self._curve(i) for i in range(len(self)))

    def __getitem__(self, key: Any) -> Curve:
        """The curve of a group by its key: a value of the column `by`, a tuple of several, of arrays the number."""
        if not self._places:
            self._places.update((self._key(i), i) for i in range(len(self)))
        try:
            place = self._places[key]
        except (KeyError, TypeError):
            some = ", ".join(repr(self._key(i)) for i in range(min(3, len(self))))
            raise ArgumentError(f"{key!r} is no group; the groups of {', '.join(self.by)} are {some}, ...") from None
        return self._curve(place)

    def _key(self, i: int) -> Any:
        parts = tuple(k[i].item() for k in self.keys)
        return parts[0] if len(parts) == 1 else parts

    def _curve(self, i: int) -> Curve:
        return Curve(self, i)

    @property
    def status(self) -> np.ndarray:
        """In a word how each group ended, (groups,): "ok", or why not."""
        return np.array(STATUS)[self.codes]

    def predict(self, x: Any) -> np.ndarray:
        """Values (groups, n) at x: (n,), (n, inputs) for all groups; (groups, n), (groups, n, inputs) for each its own.

        Where the only input is a time, x may be times as well; of several inputs a curve takes them one by one. NaN
        for groups without a fit. ShapeError for another shape.
        """
        return self._values(self._points(x), slice(None))

    def _points(self, x: Any) -> np.ndarray:
        """Points as (groups, n, inputs), or (1, n, inputs) for all."""
        d = len(self.inputs)
        given = real_numbers(x) if d > 1 else self._numbers(x, 0)
        if given is not None:
            if d == 1 and given.ndim <= 2:
                points = given.reshape((1, -1, 1) if given.ndim < 2 else (*given.shape, 1))
            else:
                points = given[None] if given.ndim == 2 else given
            if points.ndim == 3 and points.shape[2] == d and len(points) in (1, len(self)):
                return points
        came = type(x).__name__ if given is None else str(given.shape)
        wanted = "(n,) or (groups, n)" if d == 1 else f"(n, {d}) or (groups, n, {d})"
        raise ShapeError(f"x: numbers of shape {wanted} with {len(self)} groups are needed, and {came} came")

    def _numbers(self, x: Any, i: int) -> np.ndarray | None:
        """Points of one input as the numbers that its times are; None for what is neither."""
        return points_of(x, self.inputs[i], self.coded[i] if self.coded else None)

    def _values(self, points: np.ndarray, which: slice) -> np.ndarray:
        self._tell_outside(points, which)
        theta = self.parameters[which]
        out = np.empty((len(theta), points.shape[1]))
        step = max(1, BLOCK // max(1, points.shape[1] * self.hidden))
        for low in range(0, len(theta), step):
            part = slice(low, low + step)
            own = points if len(points) == 1 else points[which][part]
            with np.errstate(over="ignore", invalid="ignore"):
                scaled = (own - self.x_shift[which][part, None, :]) / self.x_scale[which][part, None, :]
                values = outputs(theta[part], scaled, self.hidden)
                out[part] = values * self.y_scale[which][part, None] + self.y_shift[which][part, None]
        return out

    def _tell_outside(self, points: np.ndarray, which: slice) -> None:
        """Say once if values are asked for far from the rows of a fitted group."""
        if self._said or not points.shape[1]:
            return
        own = points if len(points) == 1 else points[which]
        low, high = own.min(axis=1), own.max(axis=1)  # (groups or 1, inputs)
        shift, half = self.x_shift[which], self.x_scale[which] * (1.0 + 2.0 * BEYOND)
        beyond = ((low < shift - half) | (high > shift + half)) & (self.codes[which] == OK)[:, None]
        groups = int(beyond.any(axis=1).sum())
        if groups:
            self._said.append("outside")
            names = ", ".join(name for name, odd in zip(self.inputs, beyond.any(axis=0), strict=True) if odd)
            warn(
                f"points far outside the rows of {groups} of the {len(self)} groups, in {names}: the values there mean "
                "nothing certain",
                OutsideWarning,
            )

    def plot(self, keys: Sequence[Any] | None = None, title: str | None = None) -> Figure:
        """Some of the curves over their rows, and the errors of all groups in their order.

        Args:
            keys: of the groups that are drawn; None: six, from the one with the least error to that with the largest.
            title: above the figure.

        Raises:
            ArgumentError: a key of no group, or nothing that was fitted.

        >>> import numpy as np, surefit
        >>> t = np.linspace(0, 3, 20)
        >>> many = surefit.fit_many(x=t, y=np.array([np.sin(t), np.cos(t)]))
        >>> [axes.get_ylabel() for axes in many.plot().axes]
        ['y', 'error at new rows']
        """
        from surefit import view

        order = np.flatnonzero(self.codes == OK)[np.argsort(self.error[self.codes == OK], kind="stable")]
        if not len(order):
            raise ArgumentError(f"plot: no group was fitted ({', '.join(sorted(set(self.status.tolist())))})")
        chosen = [self[key] for key in keys] if keys is not None else [
            self._curve(int(order[round(place)]))
            for place in np.unique(np.linspace(0, len(order) - 1, min(DRAWN, len(order))).round())
        ]  # fmt: skip
        panels = []
        if len(self.inputs) == 1:
            lines = []
            for curve in chosen:
                low, high = curve.domain.bounds[0]
                x = np.linspace(low, high, PLACES)
                lines.append(view.Curve(x, curve.predict(x), f"{curve.key} ({curve.error:.2g})"))
            panels.append(view.Panel(lines, self.inputs[0], self.output))
        errors = self.error[order]
        ranks = view.Curve(np.arange(1, len(order) + 1), errors, "", "marks" if len(order) <= PLACES else "line")
        label = "group, from the least error to the largest"
        panels.append(view.Panel([ranks], label, "error at new rows", log="y" if (errors > 0).all() else ""))
        return view.chart(panels, across=1, title=title or f"{len(self)} curves by {', '.join(self.by)}")

    def table(self) -> dict[str, np.ndarray]:
        """Keys, status, rows, errors as columns, for `pandas.DataFrame(many.table())`."""
        columns = dict(zip(self.by, self.keys, strict=True))
        return columns | {
            "status": self.status, "rows": self.rows, "left_out": self.left_out, "error": self.error,
            "noise": self.noise, "effective": self.effective,
        }  # fmt: skip

    def __repr__(self) -> str:
        counts = np.bincount(self.codes, minlength=len(STATUS))
        odd = ", ".join(f"{n} {STATUS[i]}" for i, n in enumerate(counts) if n and i != OK)
        fitted = self.codes == OK
        lines = [
            f"{len(self)} curves {self.output}({', '.join(self.inputs)}) by {', '.join(self.by)}, each a network "
            f"{len(self.inputs)}-{self.hidden}-1 of {self.parameters.shape[1]} parameters",
            f"{counts[OK]} fitted{'; ' * bool(odd)}{odd}",
        ]
        lines += [f"{code.name}: {code.words()}" for code in self.coded if code is not None]
        if counts[NOT_DONE]:
            lines.append("for what is not done call fit_many again, with the rows of the groups of that status")
        if self.nowhere:
            lines.append(f"{self.nowhere} rows left out, of which {' or '.join(self.by)} is missing")
        if fitted.any():
            low, middle, high = np.quantile(self.error[fitted], (0.05, 0.5, 0.95))
            lines.append(
                f"error at new rows (estimated, leaving out each row): median {middle:.3g}, 90 % from {low:.3g} to "
                f"{high:.3g}"
            )
        return "\n".join(lines)

    # --- files ---

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write all curves into one file, whole or not at all. ModelFileError when it cannot be written."""
        tensors = {name: getattr(self, name) for name in ARRAYS}
        header: dict[str, Any] = {
            "format": FORMAT, "kind": KIND, "by": list(self.by), "inputs": list(self.inputs), "output": self.output,
            "hidden": self.hidden, "nowhere": self.nowhere,
            **({"coded": [code and code.to_dict() for code in self.coded]} if self.coded else {}),
        }  # fmt: skip
        for i, key in enumerate(self.keys):
            if key.dtype.kind in "iuf":
                tensors[f"key.{i}"] = key.astype(np.int64 if key.dtype.kind in "iu" else np.float64)
            else:
                texts = [text.encode() for text in key.tolist()]
                tensors[f"key.{i}.texts"] = np.frombuffer(b"".join(texts), np.uint8)
                tensors[f"key.{i}.ends"] = np.cumsum([len(text) for text in texts], dtype=np.int64)
        return write_container(path_of("save", path), header, tensors)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Many:
        """Read what `save` wrote. ModelFileError: no such file, damaged, or a file of something else."""
        found = read_container(path_of("load", path), FORMAT)
        if found.header.get("kind") != KIND:
            raise ModelFileError(f"{str(path)!r} does not hold many curves; a fit is read by surefit.load")
        try:
            return _rebuilt(found.header, found.tensors)
        except (KeyError, TypeError, ValueError, IndexError, DataError) as e:
            raise ModelFileError(f"{str(path)!r} is damaged: {type(e).__name__}: {str(e)[:200]}") from None


ARRAYS = (
    "parameters", "x_shift", "x_scale", "y_shift", "y_scale", "error", "noise", "effective", "codes", "rows",
    "left_out",
)  # fmt: skip


def _rebuilt(header: dict[str, Any], tensors: dict[str, np.ndarray]) -> Many:
    by, inputs, hidden = tuple(header["by"]), tuple(header["inputs"]), int(header["hidden"])
    arrays = {name: tensors[name] for name in ARRAYS}
    count = len(arrays["rows"])
    wide = {"parameters": weights_of(hidden, len(inputs)), "x_shift": len(inputs), "x_scale": len(inputs)}
    keys = []
    for i in range(len(by)):
        if f"key.{i}" in tensors:
            keys.append(tensors[f"key.{i}"])
            continue
        ends = tensors[f"key.{i}.ends"]
        content = tensors[f"key.{i}.texts"].tobytes()
        keys.append(np.array([content[a:b].decode() for a, b in zip([0, *ends[:-1]], ends, strict=True)]))
    for name, array in arrays.items():
        if array.shape != ((count, wide[name]) if name in wide else (count,)):
            raise ModelFileError(f"{name} has shape {array.shape}")
    coded = tuple(None if each is None else Coded.from_dict(each) for each in header.get("coded", ()))
    if len(coded) not in (0, len(inputs)):
        raise ModelFileError(f"{len(coded)} of its {len(inputs)} inputs are told of")
    if any(key.shape != (count,) for key in keys) or (arrays["codes"] >= len(STATUS)).any():
        raise ModelFileError("its keys or states are not those of its curves")
    return Many(
        **arrays, by=by, keys=tuple(keys), inputs=inputs, output=str(header["output"]), hidden=hidden,
        nowhere=int(header.get("nowhere", 0)), coded=coded,
    )  # fmt: skip


class Curve:
    """One of many curves: what is known of it, its values, and its network as a module or in another language.

    Attributes: key, status, error, noise, rows, parameters, as in `Many`.
    """

    def __init__(self, many: Many, place: int) -> None:
        self._many, self._place = many, place
        self.key = many._key(place)
        self.status = STATUS[many.codes[place]]
        self.error, self.noise = float(many.error[place]), float(many.noise[place])
        self.rows = int(many.rows[place])
        self.parameters = many.parameters[place]

    def predict(self, x: Any) -> np.ndarray:
        """Values (n,) at x (n,), or (n, inputs); NaN where nothing was fitted. Times as for `Many.predict`."""
        given = real_numbers(x)
        own = given is not None and given.ndim == 2 and given.shape[1] == len(self._many.inputs)
        points = given[None] if own and given is not None else self._many._points(x)
        if len(points) != 1:
            raise ShapeError(f"x: one curve takes points for one, (n,) or (n, inputs), and {points.shape} came")
        return self._many._values(points, slice(self._place, self._place + 1))[0]

    def __call__(self, *x: Any) -> Any:
        """The value at one point, `curve(0.5)`; or values at arrays of one shape, one for each input, in that shape.

        ArgumentError for another number of inputs. ShapeError for arrays that do not fit together, or no numbers.
        """
        if len(x) != len(self._many.inputs):
            raise ArgumentError(f"{len(x)} numbers came; the inputs are {', '.join(self._many.inputs)}")
        given = [self._many._numbers(each, i) for i, each in enumerate(x)]
        try:
            columns = np.broadcast_arrays(*(value for value in given if value is not None))
        except ValueError:
            columns = ()
        if len(columns) < len(x):
            came = ", ".join(type(e).__name__ if v is None else str(v.shape) for e, v in zip(x, given, strict=True))
            wanted = ", ".join(self._many.inputs)
            raise ShapeError(f"{wanted}: numbers, or arrays of one shape, are needed, and {came} came")
        values = self.predict(np.stack([each.ravel() for each in columns], axis=1))
        return float(values[0]) if columns[0].ndim == 0 else values.reshape(columns[0].shape)

    def module(self) -> nn.Module:
        """The network with its scaling, float64, for `surefit.export_module` and all that takes a Module.

        ArgumentError where nothing was fitted.
        """
        many, i = self._many, self._place
        if many.codes[i] not in (OK, CONSTANT):
            raise ArgumentError(f"group {self.key!r} has no network: {self.status}")
        h, d = many.hidden, len(many.inputs)
        network = nn.MLP(d, (h,), 1, activation="tanh", dtype="float64", generator=0)
        w, b, c = np.split(self.parameters[:-1], [h * d, h * (d + 1)])
        values = (w.reshape(h, d), b, c.reshape(1, h), self.parameters[-1:])
        network.load_state_dict(dict(zip(network.state_dict(), values, strict=True)))
        scale = (many.x_shift[i], many.x_scale[i], many.y_shift[i : i + 1], many.y_scale[i : i + 1])
        return Scaled(network, *scale, ops.float64)

    @property
    def domain(self) -> Domain:
        """The box of the rows of the group."""
        many, i = self._many, self._place
        shift, half = many.x_shift[i].tolist(), many.x_scale[i].tolist()
        return Domain({n: (s - h, s + h) for n, s, h in zip(many.inputs, shift, half, strict=True)})

    def export(
        self, path: str | os.PathLike[str], to: str | None = None, *, dtype: Any = None, derivative: bool = False,
        verify: int = 0, units: Mapping[str, str] | None = None,
    ) -> Exported:  # fmt: skip
        """Write the curve in another language; the arguments are those of `Fit.export`.

        ArgumentError where nothing was fitted; otherwise as `export_module`.
        """
        from surefit.reports.exported import export_module

        told = {code.name: str(code.words()) for code in self._many.coded if code is not None}
        return export_module(
            self.module(), path_of("export", path), to, domain=self.domain, outputs=(self._many.output,), dtype=dtype,
            derivative=derivative, verify=verify, units=told | dict(units or {}),
        )  # fmt: skip

    def __repr__(self) -> str:
        return (
            f"curve {self.key!r} of {self.rows} rows: {self.status}, error at new rows {self.error:.3g} (estimated), "
            f"noise {self.noise:.3g}"
        )


__all__ = ["Curve", "Many", "fit_many"]
