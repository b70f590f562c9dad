"""The `data=` object of fit: how a function or a table becomes rows to train, validate and test on."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from surefit.checking import number_array
from surefit.core.creation import numpy_generator
from surefit.data.columns import unmasked
from surefit.data.designs import (
    DESIGNS,
    HOLDS_CORNERS,
    default_count,
    face_points,
    real,
    sample,
    split_lengths,
    uniform,
    whole,
)
from surefit.data.domain import Domain
from surefit.data.hints import periods_of, signs_of
from surefit.errors import ArgumentError, DataError
from surefit.spelling import spelled

# Points on the faces, as a share of those inside. Measured with Adam on four functions of two and three variables: the
# largest error falls by a tenth to a half, the root mean square by a tenth or not at all.
FACES = 0.2
SPLIT = (0.8, 0.1, 0.1)  # shares of training, validation and test data
ARRAY = "an array of numbers, or a function"
TARGET_SCALES = (None, "linear", "log")
FEWEST_SPLIT = 10  # rows of a table, of which fewer leave no row for one of these parts


# ---- noise


@dataclass(frozen=True)
class Noise:
    """Additive noise: ``normal`` with standard deviation `scale`, or ``uniform`` in [-scale, scale].

    `scale` is absolute, in the units of the target. For ``uniform`` it may also be a pair (low, high):
    ``Noise("uniform", (0, 0.01))`` adds 0.01 * U[0, 1).
    """

    kind: str = "normal"
    scale: float | tuple[float, float] = 0.0

    def __post_init__(self) -> None:
        if self.kind not in ("normal", "uniform"):
            raise ArgumentError(f"noise: {self.kind!r} is unknown; choose normal or uniform")
        if self.kind == "uniform" and isinstance(self.scale, Sequence) and not isinstance(self.scale, str):
            ends = tuple(real("noise", end) for end in self.scale)
            if len(ends) != 2 or ends[0] >= ends[1]:
                raise ArgumentError(f"noise: uniform needs (low, high) with low < high, got {self.scale!r}")
            object.__setattr__(self, "scale", ends)
        else:
            object.__setattr__(self, "scale", real("noise", self.scale, least=0.0))

    @classmethod
    def read(cls, noise: Noise | float | str | None) -> Noise:
        """A Noise from a Noise, a number (normal, its standard deviation), None, or a text.

        Texts: ``0.01``, ``normal:0.01``, ``uniform:0.01``, ``uniform:0:0.01``.
        """
        if isinstance(noise, Noise):
            return noise
        if not isinstance(noise, str):
            return cls("normal", 0.0 if noise is None else real("noise", noise, least=0.0))
        kind, _, rest = noise.rpartition(":") if noise.count(":") < 2 else noise.partition(":")
        try:
            scale: Any = tuple(float(part) for part in rest.split(":"))
        except ValueError:
            raise ArgumentError(
                f"noise: cannot read {noise!r}; expected 0.01, normal:0.01, uniform:0.01 or uniform:LOW:HIGH"
            ) from None
        return cls(kind.strip() or "normal", scale if len(scale) > 1 else scale[0])

    def draw(self, shape: tuple[int, ...], generator: int | np.random.Generator | None = None) -> np.ndarray:
        """Noise alone, of this shape, float64."""
        rng = numpy_generator(generator)
        if isinstance(self.scale, tuple):
            return rng.uniform(*self.scale, size=shape)
        if self.kind == "uniform":
            return rng.uniform(-self.scale, self.scale, size=shape)
        return rng.normal(0.0, self.scale, size=shape)


# ---- the data= argument of fit


@dataclass(frozen=True)
class Sampling:
    """How a target becomes training, validation and test data: the ``data=`` argument of `fit`.

    For a function (formula, callable) `design`, `count`, `with_corners` and the extra box place the training
    points, and validation and test points are fresh uniform draws over the whole box. For a table only
    `split`, `weights`, `noise`, `drop_nonfinite`, `derivatives`, `test`, `groups` and `order` have a meaning, for its
    rows.

    Attributes:
        design: see `sample`.
        count: training points without corners and extra points; None: `default_count`.
        with_corners: see `sample`; on, because a fit is worst at the ends that it never saw.
        faces: points on the faces of the box, as a share of `count`, beyond `count`; see `face_points`. None: 0.2, or 0
            for a design that has some. In one dimension the faces are the two ends, and there are none.
        extra_box: a sub-box, in any form `Domain` takes, that gets extra uniform points.
        extra_ratio: extra points as a share of `count`; 0.125 when only the box is given (500 on 4 000).
        adaptive: rounds in which training stops to add points where the error is largest; the automatic form of
            `extra_box`. The steps and the time of training are divided among the rounds.
        adaptive_ratio: points added in each round as a share of `count`.
        noise: added to the training and validation values; a `Noise`, a number (normal, its standard
            deviation), or a text such as ``uniform:0.01``. Of a table 0 says that its values are exact; None that their
            noise is not known; the name of a column, which is then no input, or an array that holds the standard
            deviation of each row's noise, in the units of the target, that rows count accordingly.
        split: shares of training, validation and test data, which sum to 1; the last two may be 0. None: (0.8, 0.1,
            0.1); but of a table with few rows the automatic choice trains on all, and estimates the error by leaving
            them out in turn.
        weights: one weight per training point, for a table one per row of the table, as an array or as a function
            (points (n, dim), values) -> (n,); or the name of a column of the table, which is then no input.
        drop_nonfinite: leave points out where the target is NaN or infinite, and rows of a table that miss a value,
            instead of raising. Weights and gradients of a table may be those of all its rows, or of those that stay.
        verify: how many fresh evaluations of a function one measurement of the error may cost: evenly spread points,
            corners, points on and near the border, and a search from the worst of them. None: 15 000 and the corners
            (all of them up to 12 variables), 5 000 in one dimension; but of a Python function whose `count` is given at
            most 10 times as many evaluations as that for all measurements of a fit together, 200 at least, and with
            `time` at most as many as take a fifth of it. The card says how many they were.
        derivatives: gradients of the target, which are fitted together with the values: True for a formula, whose
            gradients are known; a function called as the target is, that returns (dim,) for each point, or
            (outputs, dim) for several outputs; for a table an array (rows, dim) or (rows, outputs, dim), NaN where
            unknown.
        derivative_weight: of the mean squared error of the gradients beside that of the values, in scaled units.
        test: a table of its own, in any form `read_table` takes, whose rows are the test data of a table; the test
            share of `split` then joins the training data.
        groups: of a table, one label for each row, or the name of the column that holds them, which is then no input:
            the rows of one group (a patient, a device, a place) never lie in two parts. The error is then that of new
            groups.
        order: of a table, one number or time for each row, or the name of the column that holds them, which stays an
            input: the last rows are the test data, those before them the validation data. Rows of one time stay
            together. The error is then that of later rows.
        folds: of a table, by how many fits without a part of the rows, each part in turn, the error is estimated
            (cross-validation); no rows are then held out for testing. With `groups` whole groups are left out, and each
            group alone where they are not more than `folds`. None: no such fits.
        loss: of a table, "huber" lets rows that are far off count less, "mse" lets all count alike, "quantile" fits
            quantiles. None: less where a few lie so far off all others that they must be mistakes, which the card says.
        quantile: of a table, the level of the quantile of the target that is fitted instead of its mean, between 0 and
            1, or several in rising order, one output for each, which never cross.
        missing: of a table, "median" puts the median of an input in the place of its missing values, and a further
            input says where; see `read_table`. None, "error": a missing value is an error.
        target_scale: "log" fits the logarithm of the target: for values above 0 that spread over powers of ten, whose
            relative error counts. What is predicted is the target in its own units, and above 0. None, "linear": the
            target itself.
        monotone: inputs with which the target rises (1) or falls (-1): {"x": 1, "y": -1}, a text "x=+1,y=-1", or a
            number for each input, 0 where nothing is known. The network then does so at every point, by the signs of
            its weights.
        periodic: inputs after whose periods the target is the same again: {"angle": 360}, a text "angle=360", or a
            period for each input, None where it has none. The network is given their sine and cosine.
        stream: whether a table is read in parts, so that it need not fit into memory (by "features", and by first-order
            methods such as "adam"). None: folders of Parquet, DataFrames of Dask, and files of more than 33 million
            numbers, rows times columns (CSV: 268 MB).
        window: of a table that is read in parts, how many training rows a first-order method has in memory at a time,
            and shuffles together; twice as many while it reads the next ones. It stands for `stream=True`, too.
            None: as many as 256 MiB hold.

    Raises:
        ArgumentError: a field outside its domain; `DomainError` when the extra box is unreadable.

    >>> plan = Sampling("uniform", 4000, extra_box="x1=-2:2, x2=-2:2", extra_ratio=0.125)
    >>> plan.points(Domain("x1=-5:5, x2=-5:5"), generator=0).shape  # 4 corners, 800 on the faces, 500 in the extra box
    (5304, 2)
    """

    design: str = "auto"
    count: int | tuple[int, ...] | None = None
    with_corners: bool = True
    extra_box: Any = None
    extra_ratio: float | None = None
    noise: Noise | float | str | None = None
    split: tuple[float, float, float] | None = None
    weights: Any = None
    drop_nonfinite: bool = False
    faces: float | None = None
    adaptive: int = 0
    adaptive_ratio: float = 0.125
    verify: int | None = None
    derivatives: Any = None
    derivative_weight: float = 1.0
    test: Any = None
    groups: Any = None
    order: Any = None
    target_scale: str | None = None
    missing: str | None = None
    folds: int | None = None
    loss: str | None = None
    quantile: float | tuple[float, ...] | None = None
    monotone: Any = None
    periodic: Any = None
    stream: bool | None = None
    window: int | None = None

    def __post_init__(self) -> None:
        self._read_points()
        self._read_losses()
        self._read_held_out()
        self._read_shape()
        self._read_parts()
        self._read_further()

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def _read_points(self) -> None:
        """How many points there are, and where."""
        if isinstance(self.design, int):
            raise ArgumentError(f"design: {self.design!r} is no design; a number of points is count={self.design!r}")
        if self.design not in DESIGNS:
            raise ArgumentError(f"design: {self.design!r} is unknown; choose one of {', '.join(DESIGNS)}")
        for name in ("with_corners", "drop_nonfinite"):
            if not isinstance(getattr(self, name), bool | np.bool_):
                raise ArgumentError(f"{name}={getattr(self, name)!r} must be True or False")
        if isinstance(self.count, Iterable) and not isinstance(self.count, str):
            self._set("count", tuple(whole("count", n, least=2) for n in self.count))
        elif self.count is not None:
            self._set("count", whole("count", self.count))
        if self.extra_box is None and self.extra_ratio is not None:
            raise ArgumentError(
                f"extra_ratio: says how many extra points, but {spelled('extra_box')} does not say where; give both"
            )
        if self.extra_box is not None:
            ratio = 0.125 if self.extra_ratio is None else real("extra_ratio", self.extra_ratio)
            if ratio <= 0.0:
                raise ArgumentError(f"extra_ratio: expected a share of the training points above 0, got {ratio:g}")
            self._set("extra_ratio", ratio)
        if self.faces is not None:
            self._set("faces", real("faces", self.faces, least=0.0))

    def _read_losses(self) -> None:
        """What is known of the values, and what their errors count."""
        self._set("noise", _noise_of(self.noise))
        if self.noise_of_rows is not None and self.weights is not None:
            raise ArgumentError("noise: the noise of each row says how much it counts; leave weights out")
        if self.split is not None:
            self._set("split", _three_shares(self.split))
        if self.weights is not None and not callable(self.weights) and not isinstance(self.weights, str):
            self._set("weights", tuple(number_array("weights", self.weights, ARRAY).ravel().tolist()))
        if self.loss not in (None, "mse", "huber", "quantile"):
            raise ArgumentError(
                f"loss={self.loss!r} must be 'huber', 'quantile' or 'mse'; the methods have losses of their own"
            )
        self._set("quantile", _levels_of(self.quantile))
        if self.loss == "quantile" and self.quantile is None:
            raise ArgumentError(f"loss: of which quantile? Give its level too, such as {spelled('quantile', '0.9')}")
        if self.quantile is not None and self.loss not in (None, "quantile"):
            raise ArgumentError(f"quantile: loss={self.loss!r} tells of no quantile; leave one of the two out")
        if self.target_scale not in TARGET_SCALES:
            raise ArgumentError(f"target_scale={self.target_scale!r} must be 'log', or 'linear'")

    def _read_held_out(self) -> None:
        """Which rows are held out."""
        for name in ("groups", "order"):
            given = getattr(self, name)
            if given is not None and not isinstance(given, str):
                self._set(name, _places_of(name, given))
        if self.groups is not None and self.order is not None:
            raise ArgumentError(
                "order: groups were given as well, and rows are held out by one of the two; leave one out"
            )
        if self.apart and self.shares[1] == 0.0:
            by = "groups" if self.groups is not None else "order"
            raise ArgumentError(
                f"{by}: the choice of the network needs validation rows apart from the others, and split={self.split} "
                f"has none; give them a share, such as {spelled('split', '(0.8, 0.1, 0.1)')}"
            )
        if self.folds is not None:
            self._set("folds", whole("folds", self.folds, least=2))
            for name, why in (
                ("order", "later rows would tell of earlier ones"),
                ("test", "the rows of the test table tell the error"),
                ("derivatives", "gradients are fitted too"),
            ):
                if getattr(self, name) is not None and getattr(self, name) is not False:
                    raise ArgumentError(f"folds: does not go with {spelled(name)}: {why}; leave one of the two out")

    def _read_shape(self) -> None:
        """What the target is known to do."""
        self._set("monotone", signs_of(self.monotone))
        self._set("periodic", periods_of(self.periodic))

    def _read_parts(self) -> None:
        """How a table is read that may be larger than the memory."""
        if self.stream not in (None, True, False):
            raise ArgumentError(f"stream={self.stream!r} must be True, False or None")
        if self.window is not None:
            self._set("window", whole("window", self.window))
            if self.stream is False:
                raise ArgumentError(
                    f"window: is for a table that is read in parts, and {spelled('stream', 'False')} reads all at "
                    "once; leave one of the two out"
                )
            self._set("stream", True)

    def _read_further(self) -> None:
        """Points that are added, measured at, or have gradients."""
        self._set("adaptive", whole("adaptive", self.adaptive, least=0))
        self._set("adaptive_ratio", _above_zero("adaptive_ratio", self.adaptive_ratio))
        self._set("derivative_weight", _above_zero("derivative_weight", self.derivative_weight))
        if self.derivative_weight != 1.0 and (self.derivatives is None or self.derivatives is False):
            raise ArgumentError(
                f"derivative_weight: says what gradients count, and there are none; give {spelled('derivatives')} too"
            )
        if self.verify is not None:
            self._set("verify", whole("verify", self.verify))
        if self.derivatives is False:
            self._set("derivatives", None)
        elif self.derivatives is not None and self.derivatives is not True and not callable(self.derivatives):
            self._set("derivatives", _as_tuples(self.derivatives))

    @property
    def shares(self) -> tuple[float, float, float]:
        """Of training, validation and test data: `split` with its default filled in; test rows of their own join."""
        train, validation, test = SPLIT if self.split is None else self.split
        whole = self.test is None and self.folds is None
        return (train, validation, test) if whole else (train + test, validation, 0.0)

    @property
    def levels(self) -> tuple[float, ...]:
        """The levels of the quantiles that are asked for."""
        return self.quantile if isinstance(self.quantile, tuple) else ()

    @property
    def noise_of_rows(self) -> str | tuple[float, ...] | None:
        """The deviation of each row's noise, or the column that holds it; None: it is not known row by row."""
        return self.noise if isinstance(self.noise, (str, tuple)) else None

    @property
    def logarithmic(self) -> bool:
        """Whether the logarithm of the target is fitted."""
        return self.target_scale == "log"

    def check_target(self, y: np.ndarray, outputs: Sequence[str], where: Callable[[int], str]) -> None:
        """DataError for values (n, k) of a logarithmic target that are not above 0; where: of a row, in words."""
        if self.logarithmic and (low := ~(y > 0)).any():
            row, column = (int(i) for i in np.argwhere(low)[0])
            raise DataError(
                f"target_scale: 'log' needs values above 0, and {outputs[column]} is {y[row, column]:.6g} {where(row)}"
                f" ({int(low.any(axis=1).sum())} of {len(y)} such); leave those out, or leave "
                f"{spelled('target_scale')} out"
            )

    @property
    def apart(self) -> bool:
        """Whether rows are held out as whole groups, or as the last ones.

        A training row that is left out then has relatives among the others, and what it is missed by says little.
        """
        return self.groups is not None or self.order is not None

    @property
    def about_rows(self) -> bool:
        """Whether something is said of single rows of a table: weights, noise, gradients, groups, an order."""
        said = (self.weights, self.noise_of_rows, self.derivatives)
        return self.apart or any(given is not None for given in said)

    def points(self, domain: Domain, generator: int | np.random.Generator | None = None) -> np.ndarray:
        """Training points (n, dim): the design, then corners, then those on the faces, then the extra box."""
        rng = numpy_generator(generator)
        main = sample(domain, self.count, self.design, with_corners=self.with_corners, generator=rng)
        base = self._base(domain)
        faces = face_points(domain, round(self.face_share(domain) * base), rng)
        return np.concatenate([main, faces, self.extra_points(domain, base, rng)])

    @property
    def chooses_nothing(self) -> bool:
        """Whether nothing was said about which points a function is fitted to, so that a solver may choose them.

        How they are split, weighted against gradients, dropped or measured says nothing of which they are.
        """
        asked = (self.count, self.extra_box, self.weights, self.faces, self.test, self.groups, self.order)
        default = self.design == "auto" and self.with_corners and not self.adaptive
        return default and all(a is None for a in asked)

    def face_share(self, domain: Domain) -> float:
        """Points on the faces as a share of `count`, with the default filled in."""
        if domain.dim == 1:
            return 0.0
        if self.faces is None:
            return 0.0 if self.design in HOLDS_CORNERS else FACES
        return self.faces

    def added(self, domain: Domain) -> int:
        """How many points each round of adaptive sampling adds."""
        return max(1, round(self.adaptive_ratio * self._base(domain)))

    def extra_points(
        self, domain: Domain, count: int, generator: int | np.random.Generator | None = None
    ) -> np.ndarray:
        """Uniform points in the extra box beside `count` training points: (round(extra_ratio * count), dim).

        At least one; none without an extra box.
        """
        if self.extra_box is None or self.extra_ratio is None:
            return np.empty((0, domain.dim))
        extra = max(1, round(self.extra_ratio * count))
        return sample(domain.inside(self.extra_box, "extra_box"), extra, "uniform", generator=generator)

    def _base(self, domain: Domain) -> int:
        """How many training points are asked for, without corners and extra points."""
        count = default_count(domain.dim) if self.count is None else self.count
        return math.prod(count) if isinstance(count, tuple) else count

    def held_out(
        self, domain: Domain, generator: int | np.random.Generator | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Fresh uniform points for validation and for test, as many as `split` gives them beside `count`."""
        rng = numpy_generator(generator)
        train, validation, test = self.shares
        sizes = [math.ceil(self._base(domain) * share / train) for share in (validation, test)]
        return uniform(domain, sizes[0], rng), uniform(domain, sizes[1], rng)

    def rows(
        self, n: int, generator: int | np.random.Generator | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Row numbers of a table of n rows for training, validation and test: a random partition.

        With `groups` one of whole groups, as near to the shares as their sizes allow; with `order` the first rows,
        those after them, and the last.

        Of fewer than 10 rows all are trained on, unless another split was asked for.

        Raises:
            ArgumentError: too few rows, or groups, for a part that `split` asks for.
        """
        if self.apart:
            return self._rows_apart(n, numpy_generator(generator))
        if n < FEWEST_SPLIT and self.shares == SPLIT:
            return np.arange(n), np.arange(0), np.arange(0)
        train, validation, _ = lengths = split_lengths(n, self.shares)
        if any(share > 0 and length == 0 for share, length in zip(self.shares, lengths, strict=True)):
            raise ArgumentError(
                f"split: {n} rows are too few for shares of {self.shares}: {lengths}; give more rows, or "
                f"another, such as {spelled('split', '(1, 0, 0)')}"
            )
        order = numpy_generator(generator).permutation(n)
        return order[:train], order[train : train + validation], order[train + validation :]

    def _rows_apart(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Row numbers of the three parts, cut between groups."""
        name, given = ("groups", self.groups) if self.groups is not None else ("order", self.order)
        if isinstance(given, str):
            raise ArgumentError(f"{name}: {given!r} names a column of a table; here one label for each row is needed")
        if len(given) != n:
            raise ArgumentError(f"{name}: expected one for each row, {n}, got {len(given)}")
        _, place = np.unique(np.array(given), return_inverse=True)
        count = int(place.max()) + 1
        if name == "groups":
            place = rng.permutation(count)[place]
        asked = [share > 0 for share in self.shares]
        if count < sum(asked):
            what = "groups" if name == "groups" else "times"
            raise ArgumentError(
                f"{name}: {sum(asked)} parts need as many different {what} at least, and the {n} rows have {count}; "
                f"hold out fewer parts, such as {spelled('split', '(0.8, 0.2, 0)')}"
            )
        ends = np.cumsum(np.bincount(place, minlength=count))  # rows up to the end of each group
        first = 1 + int(np.argmin(np.abs(ends[: count - sum(asked) + 1] - n * self.shares[0])))
        second = count
        if asked[2]:
            second = first + 1 + int(np.argmin(np.abs(ends[first : count - 1] - n * sum(self.shares[:2]))))
        held = (place >= first).astype(int) + (place >= second)
        train, validation, test = (np.flatnonzero(held == part) for part in range(3))
        return train, validation, test

    def noisy(self, values: Any, generator: int | np.random.Generator | None = None) -> np.ndarray:
        """Values plus noise, float64, same shape."""
        y = number_array("values", values)
        noise = Noise.read(None if self.noise_of_rows is not None else self.noise)
        return y if noise.scale == 0.0 else y + noise.draw(y.shape, generator)

    def row_weights(self, points: np.ndarray, values: np.ndarray) -> np.ndarray | None:
        """The weight of each row, (n,) float64, or None when all weigh the same.

        Raises:
            ArgumentError: not one finite weight >= 0 per row, or all zero.
        """
        if self.weights is None:
            return None
        if isinstance(self.weights, str):
            raise ArgumentError(f"weights: {self.weights!r} names a column of a table, and a function has none")
        given = self.weights(points, values) if callable(self.weights) else self.weights
        w = number_array("weights", given)
        if w.shape != (len(points),):
            raise ArgumentError(f"weights: expected one per row, shape ({len(points)},), got {w.shape}")
        if not (np.isfinite(w).all() and (w >= 0).all() and w.any()):
            raise ArgumentError("weights: must be finite and >= 0, and not all 0")
        return w


def with_settings(data: Sampling | None, **given: Any) -> Sampling | None:
    """A Sampling with settings that were given beside it; None: not given.

    ArgumentError: `data` says something else.
    """
    given = {name: value for name, value in given.items() if value is not None}
    if not given or not (data is None or isinstance(data, Sampling)):
        return data  # what is no Sampling is refused where it is used
    data = Sampling() if data is None else data
    for name, value in given.items():
        if getattr(data, name) not in (None, value):
            raise ArgumentError(f"{name}={value!r}: data= says {getattr(data, name)!r}; give it once")
    return replace(data, **given)


def _levels_of(given: Any) -> tuple[float, ...] | None:
    """Levels of quantiles as a tuple that rises."""
    if given is None:
        return None
    levels = tuple(number_array("quantile", given, "a level such as 0.9, or several").ravel().tolist())
    if not levels or not all(0 < level < 1 for level in levels):
        raise ArgumentError(f"quantile: {given!r} must be a level between 0 and 1, such as 0.9, or several")
    if any(a >= b for a, b in pairwise(levels)):
        raise ArgumentError(
            f"quantile: levels must rise, each given once; write {spelled('quantile', str(tuple(sorted(set(levels)))))}"
        )
    return levels


def _places_of(name: str, given: Any) -> tuple[int, ...]:
    """Labels of rows as the places of each among the different ones in order, which compare and can be stored."""
    a = unmasked(given)
    if a.dtype.kind == "c":
        raise ArgumentError(f"{name}: complex numbers have no order; give real ones")
    if a.ndim != 1 or not a.size:
        raise ArgumentError(f"{name}: expected one for each row, shape (rows,), or the name of a column, got {given!r}")
    if a.dtype.kind == "O":
        missing = [v is None or v != v for v in a.tolist()]
    else:
        missing = list(np.isnan(a)) if a.dtype.kind == "f" else list(np.isnat(a)) if a.dtype.kind in "mM" else []
    if any(missing):
        raise ArgumentError(f"{name}: row {missing.index(True)} has none (first row is 0); give each row one")
    if name == "order" and a.dtype.kind in "USO" and not _comparable(a):
        raise ArgumentError("order: texts have no order in time; give numbers, dates or times")
    if a.dtype.kind == "O" and name == "groups":
        a = a.astype(str)
    return tuple(np.unique(a, return_inverse=True)[1].tolist())


def _noise_of(given: Any) -> Any:
    """A Noise; or the noise of each row as a tuple; or a text that is none, which may be a column."""
    if given is None:
        return None
    if isinstance(given, str) and not re.search(r"\d", given) and given.strip() and ":" not in given:
        return given.strip()
    if isinstance(given, (Noise, str)) or np.ndim(given) == 0:
        return Noise.read(given)
    sizes = number_array("noise", given, ARRAY)
    if sizes.ndim != 1 or not (np.isfinite(sizes) & (sizes > 0)).all():
        raise ArgumentError("noise: expected one standard deviation above 0 for each row, shape (rows,)")
    return tuple(sizes.tolist())


def _comparable(a: np.ndarray) -> bool:
    """Whether objects are numbers or times, which have an order."""
    if a.dtype.kind != "O" or any(isinstance(v, str) for v in a.tolist()):
        return False
    try:
        np.sort(a)
    except TypeError:
        return False
    return True


def _above_zero(name: str, value: Any) -> float:
    number = real(name, value)
    if number <= 0.0:
        raise ArgumentError(f"{name}: expected a number above 0, got {value!r}")
    return number


def _as_tuples(values: Any) -> Any:
    """Gradients as nested tuples, which compare and cannot be changed."""
    a = number_array("derivatives", values, ARRAY)
    if a.ndim not in (1, 2, 3):
        raise ArgumentError(
            "derivatives: expected True, a function, or an array (rows, dim) or (rows, outputs, dim), got shape "
            f"{a.shape}"
        )

    def frozen(v: Any) -> Any:
        return tuple(map(frozen, v)) if isinstance(v, list) else v

    return frozen(a.tolist())


def _three_shares(split: Sequence[float]) -> tuple[float, float, float]:
    several = isinstance(split, Iterable) and not isinstance(split, str)
    shares = tuple(real("split", share, least=0.0) for share in split) if several else ()
    if len(shares) != 3 or not shares[0] > 0 or not math.isclose(sum(shares), 1.0):
        raise ArgumentError(
            "split: expected shares of training, validation and test data that sum to 1, such as (0.8, "
            f"0.1, 0.1), got {split!r}"
        )
    return shares
