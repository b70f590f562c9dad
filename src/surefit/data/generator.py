"""Tables of samples of a function: what ``surefit data FORMULA --on ... --num ... --out DIR`` writes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from surefit.checking import number_array
from surefit.core.creation import numpy_generator
from surefit.data.designs import sample
from surefit.data.domain import Domain, check_finite
from surefit.data.sampling import Noise, Sampling
from surefit.data.table import FORMATS, Table, write_table
from surefit.errors import ArgumentError, DataError
from surefit.files import make_directory
from surefit.formulas import Formula, parse_many
from surefit.keywords import naming


def _streams(rng: np.random.Generator) -> list[np.random.Generator]:
    """Two streams of one seed."""
    try:
        return rng.spawn(2)
    except TypeError:  # of a bit generator that was given its state, not a seed
        return [np.random.default_rng(seed) for seed in rng.integers(2**63, size=(2, 4)).tolist()]


@naming
def generate(
    target: str | Formula | Callable[[np.ndarray], Any],
    domain: Any,
    num: int = 5000,
    *,
    ratio: float = 0.8,
    test: bool = False,
    design: str = "uniform",
    extra_box: Any = None,
    extra_ratio: float | None = None,
    noise: Noise | float | str | None = None,
    drop_nonfinite: bool = False,
    outputs: Iterable[str] | None = None,
    generator: int | np.random.Generator | None = None,
) -> dict[str, Table]:
    """Sample a function into tables with one column per variable and per output.

    Args:
        target: a formula (several are separated by ``;``), or a function of points (n, dim), columns in the
            order of the domain, that returns (n,) or (n, outputs).
        domain: the box, in any form `Domain` takes.
        num: points in all, before extra points.
        ratio: the share that goes into the training table; the rest is the test table. 1 gives no test table.
        test: all points into a test table of their own. One seed draws other points for it than for training.
        design: see `sample`. Designs are shuffled before they are divided.
        extra_box: a sub-box, in any form `Domain` takes, that gets extra uniform training points.
        extra_ratio: their number as a share of the training points; 0.125 when only the box is given (500 on
            4 000).
        noise: added to every value; see `Noise.read`.
        drop_nonfinite: leave out points where the target is NaN or infinite.
        outputs: names of the target columns; None: y, or y1, y2, ...; z, f or target where a variable has
            that name.
        generator: int seed, Generator, or None for fresh entropy.

    Returns:
        ``{"train": Table, "test": Table}``, or the one of them that was asked for.

    Raises:
        ArgumentError, DomainError, FormulaError: an argument outside its domain, a target that is not finite,
            an unreadable formula.

    >>> tables = generate("sin(x1) - cos(x2)", "x1=-5:5, x2=-5:5", 50, generator=0)
    >>> tables
    {'train': Table(40 rows: x1, x2 -> y), 'test': Table(10 rows: x1, x2 -> y)}
    """
    box = Domain(domain)
    values_of = _values_function(target, box)
    if not (isinstance(ratio, int | float) and 0.0 < ratio <= 1.0):
        raise ArgumentError(f"ratio: the training share must be above 0 and at most 1, got {ratio!r}")
    if test and extra_box is not None:
        raise ArgumentError("extra_box: goes with training data; a test table covers the whole domain alike")
    plan = Sampling(design, num, extra_box=extra_box, extra_ratio=extra_ratio, noise=Noise.read(noise))
    rng = _streams(numpy_generator(generator))[int(test)]  # test points are never training points

    points = rng.permutation(sample(box, plan.count, design, generator=rng))
    if test:
        parts = {"test": points}
    else:
        cut = max(1, round(ratio * len(points)))
        parts = {
            "train": np.concatenate([points[:cut], plan.extra_points(box, cut, rng)]),
            "test": points[cut:],
        }

    tables: dict[str, Table] = {}
    for part, x in parts.items():
        if len(x):
            x, y, _ = check_finite(x, values_of(x), box.names, drop=drop_nonfinite)
            tables[part] = _table(box, x, plan.noisy(y, rng), outputs)
    return tables


@naming
def write_tables(
    tables: Mapping[str, Table], directory: str | os.PathLike[str], format: str = "csv"
) -> dict[str, Path]:
    """Write each table to ``directory/NAME.FORMAT`` (csv, parquet or npz) and return the paths.

    The directory is made when it is not there.

    Raises:
        DataError: an unknown format, or a place that cannot be written.
    """
    if format not in FORMATS:
        raise DataError(f"format: {format!r} is unknown; choose one of {', '.join(FORMATS)}")
    folder = Path(directory)
    make_directory(folder, argument="directory")
    return {name: write_table(table, folder / f"{name}.{format}") for name, table in tables.items()}


def _values_function(target: Any, box: Domain) -> Callable[[np.ndarray], np.ndarray]:
    """points (n, dim) -> values (n, outputs), checked."""
    if isinstance(target, str):
        formulas = parse_many(target, box.names)
        return lambda points: np.stack([f.on_points(points) for f in formulas], axis=1)
    if isinstance(target, Formula):
        columns = [box.names.index(name) for name in box.select(target.variables).names]
        return lambda points: target.on_points(points[:, columns])[:, None]
    if not callable(target):
        raise ArgumentError(f"target: expected a formula or a function of points (n, dim), got {type(target).__name__}")

    def values(points: np.ndarray) -> np.ndarray:
        y = number_array("target", target(points))
        if y.shape[:1] != (len(points),) or y.ndim > 2:
            raise ArgumentError(
                f"target: for points {points.shape} it must return ({len(points)},) or ({len(points)}, "
                f"outputs), it returned {y.shape}"
            )
        return y[:, None] if y.ndim == 1 else y

    return values


def _table(box: Domain, x: np.ndarray, y: np.ndarray, outputs: Iterable[str] | None) -> Table:
    if outputs is None:
        names = list(output_names(box.names, y.shape[1]))
    else:
        names = [outputs] if isinstance(outputs, str) else list(outputs)
    if len(names) != y.shape[1]:
        raise ArgumentError(f"outputs: {len(names)} names for {y.shape[1]} outputs of the target")
    return Table([*box.names, *names], np.concatenate([x, y], axis=1), names)


def output_names(inputs: Iterable[str], count: int) -> tuple[str, ...]:
    """Names for the outputs of a function: y, or y1, y2, ...; z, f, target or output where an input has that name.

    >>> output_names(["x", "y"], 1), output_names(["x"], 2)
    (('z',), ('y1', 'y2'))
    """
    taken = set(inputs)
    for stem in ("y", "z", "f", "target", "output"):
        names = (stem,) if count == 1 else tuple(f"{stem}{i + 1}" for i in range(count))
        if not taken & set(names):
            return names
    raise ArgumentError(f"outputs: no free name beside the inputs {', '.join(sorted(taken))}; name the outputs")
