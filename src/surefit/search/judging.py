"""How large an error is that can only be sampled: at points never trained on, and uphill from the worst of them.

A `Judge` holds what a fit is judged by: of a table its test rows, else its validation rows, else its training rows;
of a known function fresh points over the domain, corners, faces, and places that a formula itself names. Their values
are computed once. All candidates of a fit are measured by the same judge.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar, NamedTuple

import numpy as np

from surefit.data import place_said
from surefit.data.columns import Coded
from surefit.problems.behind import asked_for_formulas, formulas_behind, known_values
from surefit.problems.points import cloud, named_points
from surefit.problems.problem import Points, Problem
from surefit.problems.rows import telling
from surefit.problems.streams import Stream
from surefit.search.coverage import Coverage
from surefit.search.effort import border_points, effort_of, end_points, judging_rows, some_corners, spread_points
from surefit.search.limits import KNOWN_TO
from surefit.search.ranges import Range, range_around
from surefit.search.rounding import GROWN, Enclosed, Surely, doubted
from surefit.search.suspects import suspects
from surefit.search.uphill import Climb, apart, climb
from surefit.sentences import Sentence, say

Predict = Callable[[np.ndarray], np.ndarray]  # points (n, d) -> values (n, k)

KINDS = {
    "fresh": "fresh points",
    "test": "test rows",
    "validation": "validation rows",
    "training": "training rows",
    "estimated": "rows left out one by one",
    "folds": "rows left out in folds",
    "groups": "rows of groups left out",
}
ESTIMATES = ("estimated", "folds", "groups")  # each row predicted by fits without it
CHOOSING = ("validation", "training")  # rows that also chose the network
SHOWN = 8  # inputs of a point in words
DEVIATION = 1.4826  # of normal numbers over their median size
FAR = 4.0  # deviations of most rows, which the root mean square is above where a few are far off; 1 of normal noise
MOST_MISSED = 0.5  # of what values vary by, that most rows are missed by at most where they are predicted
FEW = 100  # test rows, or fresh points, of which the largest error says little about new ones
CROWD, TOPS = 10_000, 24  # further points near the worst ones, of which there are so many, and about as many everywhere
BESIDE, HALVED = 400, 40  # points that are moved to the border of where the target is defined, and steps to it
FOREMOST = 10_000  # of the largest errors, among which these lie
SPACED = 250  # points that lie as far apart as these are, at least: several on one ridge say little of others
CLIMBED = 5  # times fewer than of one kind are spent on a climb from the worst of them all
SUSPECTED = 4000  # points at which models are compared, to see where one of an expensive function may be wrong
SUSPICIONS = 4  # rounds of values where errors are likely to be largest, each of which tells the next one where
FINER = 8  # times as close as in the round before these may lie
CROWD_VALUE = 5e-5  # seconds of a value, above which there are none where no time is given
CROWD_SECONDS, CROWD_OF_TIME, FLOPS = 0.3, 0.06, 5e9  # that these may cost; operations of one core in a second


# --- what was measured ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OutputError:
    """The error of one output in its own units: `max` at the point `at`, root mean square, and R².

    median: half of the rows are missed by no more; varies: half of the values are no farther from their median. A few
    rows that are far off move neither. NaN of functions, and of tables that are read in parts. rmse_range: where the
    true `rmse` lies; see `Measured`.
    """

    name: str
    max: float
    at: dict[str, float]
    rmse: float
    r2: float
    median: float = math.nan
    varies: float = math.nan
    rmse_range: Range | None = None

    @property
    def few_far(self) -> bool:
        """Whether a few rows that are far off make the root mean square what it is, and most rows are predicted."""
        return self.rmse > FAR * DEVIATION * self.median and self.median <= MOST_MISSED * self.varies


def _known(part: OutputError) -> dict[str, Any]:
    """As plain data, without what is NaN or None because it was not looked at."""
    unknown = [k for k in ("median", "varies") if math.isnan(getattr(part, k))]
    unknown += ["rmse_range"] if part.rmse_range is None else []
    return {k: v for k, v in asdict(part).items() if k not in unknown}


@dataclass(frozen=True)
class Measured:
    """An error that was sampled: `max` is the largest |fit - target| seen, a lower bound of the true maximum.

    max, at: the largest error of all outputs and where. rmse. relative_l2: the root of sum (fit - target)² / sum
    target². n: how many points or rows. kind: "fresh" (points of a known function), "test", "validation" or "training"
    (rows). chose: whether they also chose the network. r2: the share of the variance explained, the mean over the
    outputs, NaN where no output varies. outputs: the same for each output. left_out: points where the target is not
    finite, which were looked at and count for nothing. log_rmse: of a logarithmic target, the root mean square of
    log(fit / target); of others NaN. folds: how many fits without a part of the rows estimated it; 0: none. coverage:
    of quantiles how good they are, which the other numbers do not tell. rmse_range: where the true `rmse` lies for nine
    fits of ten, of an estimate by leaving rows out one by one, and of fewer than 100 test rows; else None.
    """

    max: float
    at: dict[str, float]
    rmse: float
    relative_l2: float
    n: int
    kind: str = "fresh"
    chose: bool = False
    r2: float = math.nan
    outputs: tuple[OutputError, ...] = field(default=())
    left_out: int = 0
    log_rmse: float = math.nan
    folds: int = 0
    coverage: Coverage | None = None
    rmse_range: Range | None = None
    coding: tuple[Coded, ...] = field(default=(), repr=False, compare=False)  # of the inputs: how `at` is said
    status: ClassVar[str] = "measured"

    @property
    def on(self) -> str:
        """What it was measured on, in words: "fresh points", "test rows", "validation rows" or "training rows"."""
        return KINDS[self.kind]

    @property
    def where(self) -> str:
        """The point of the largest error: x1=0.5, x2=-3, colour=red."""
        return place_words(self.at, self.coding)

    def sentence(self) -> Sentence:
        """The largest error, where it is, and how many rows of which kind it is the largest of."""
        code, size, n = f"error-{self.kind}", f"{self.max:.3g}", self.n
        if self.left_out:
            return say("error-left-out", size=size, where=self.where, n=n, left_out=self.left_out)
        if self.kind == "test" and n < FEW:
            return say("error-test-few", size=size, where=self.where, n=n, more=n + 1)
        if self.kind == "fresh" and n < FEW:
            return say("error-fresh-few", size=size, where=self.where, n=n)
        if self.folds:  # also where each row was left out once by an attempt that chose by the others
            code = "error-folds" if self.kind == "estimated" else code
            return say(code, size=size, where=self.where, n=n, folds=self.folds)
        return say(code, size=size, where=self.where, n=n)

    def __str__(self) -> str:
        return str(self.sentence())

    def witnessed(self, size: float, at: dict[str, float], output: int | None = None) -> Measured:
        """The same where a further point is known at which the error is surely so large. output: of which it is."""
        if not size > self.max:
            return self
        output = 0 if len(self.outputs) == 1 else output
        each = enumerate(self.outputs)
        parts = tuple(replace(part, max=size, at=dict(at)) if j == output else part for j, part in each)
        return replace(self, max=size, at=dict(at), outputs=parts)

    def without_range(self) -> Measured:
        """The same without the range in which the true root mean square error lies for nine fits of ten."""
        return replace(self, rmse_range=None, outputs=tuple(replace(part, rmse_range=None) for part in self.outputs))

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data, for files; `from_dict` reads it."""
        return {
            "status": self.status, "max": self.max, "at": dict(self.at), "rmse": self.rmse,
            "relative_l2": self.relative_l2, "r2": self.r2, "points": self.n, "on": self.on, "kind": self.kind,
            "chose": self.chose, "left_out": self.left_out, "outputs": [_known(part) for part in self.outputs],
            **({} if math.isnan(self.log_rmse) else {"log_rmse": self.log_rmse}),
            **({"folds": self.folds} if self.folds else {}),
            **({} if self.coverage is None else {"coverage": self.coverage.to_dict()}),
            **({} if self.rmse_range is None else {"rmse_range": self.rmse_range.to_dict()}),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Measured:
        """What `to_dict` gave, numbers that JSON does not have as None; or that of an older file, which had less."""

        def number(value: float | None) -> float:
            return math.nan if value is None else float(value)

        kind = data.get("kind") or next(kind for kind, on in KINDS.items() if on == data["on"])
        parts = tuple(
            OutputError(
                part["name"],
                number(part["max"]),
                dict(part["at"]),
                number(part["rmse"]),
                number(part["r2"]),
                number(part.get("median")),
                number(part.get("varies")),
                Range.from_dict(part.get("rmse_range")),
            )
            for part in data.get("outputs", ())
        )
        made = Estimated if data.get("status") == Estimated.status else cls
        return made(
            number(data["max"]), dict(data["at"]), number(data["rmse"]), number(data["relative_l2"]),
            int(data["points"]), kind, bool(data.get("chose", kind in CHOOSING)), number(data.get("r2")), parts,
            int(data.get("left_out", 0)), number(data.get("log_rmse")),
            int(data.get("folds", 0)), Coverage.from_dict(data.get("coverage")),
            Range.from_dict(data.get("rmse_range")),
        )  # fmt: skip


class Estimated(Measured):
    """An error that is estimated: all rows were fitted, and each has been left out in turn.

    Its numbers are those of the rows that the others predict, or that fits to the others do.
    Nothing was measured on rows that took no part.
    """

    status: ClassVar[str] = "estimated"

    def farther(self, changed: np.ndarray) -> Estimated:
        """That of a network whose values at the rows have changed by so much, (n, k)."""
        rmse, most = np.sqrt(np.mean(changed**2, axis=0)), np.abs(changed).max(axis=0)

        def beyond(known: Range | None, distance: float) -> Range | None:
            return None if known is None else known.farther(distance)

        parts = tuple(
            replace(
                part, rmse=math.hypot(part.rmse, float(e)), max=part.max + float(m),
                rmse_range=beyond(part.rmse_range, float(e)),
            )
            for part, e, m in zip(self.outputs, rmse, most, strict=True)
        )  # fmt: skip
        distance = math.sqrt(float(np.mean(rmse**2)))
        total = math.hypot(self.rmse, distance)
        relative = self.relative_l2 * total / self.rmse if self.rmse > 0 else self.relative_l2
        return replace(
            self, rmse=total, max=max(p.max for p in parts), relative_l2=relative, outputs=parts,
            rmse_range=beyond(self.rmse_range, distance),
        )  # fmt: skip


def place_words(at: Mapping[str, float], coding: Sequence[Coded] = (), equals: str = "=") -> str:
    """A point in words: x1=0.5, x2=-3, colour=red; of one with many inputs the first of them."""
    said = place_said(at, coding)
    shown = list(said.items()) if len(said) <= SHOWN + 2 else list(said.items())[:SHOWN]
    words = ", ".join(f"{k}{equals}{v}" if isinstance(v, str) else f"{k}{equals}{v:.4g}" for k, v in shown)
    return words if len(shown) == len(said) else f"{words} ... ({len(said)} inputs)"


class Part(NamedTuple):
    """What is kept of |errors| (n, k) at some rows, so that those of many parts can be put together."""

    n: int
    squares: np.ndarray  # (k,) sums of squared errors
    largest: np.ndarray  # (k,)
    places: list[dict[str, float]]  # where these are
    mean: np.ndarray  # (k,) of the values
    spread: np.ndarray  # (k,) sums of squares around it

    @classmethod
    def of(cls, names: Sequence[str], x: np.ndarray, error: np.ndarray, y: np.ndarray) -> Part:
        """Of these rows."""
        worst = error.argmax(axis=0)
        mean = y.mean(axis=0)
        with np.errstate(over="ignore"):
            squares = np.square(error).sum(axis=0)
        places = [dict(zip(names, x[row].tolist(), strict=True)) for row in worst]
        return cls(len(x), squares, error.max(axis=0), places, mean, np.square(y - mean).sum(axis=0))


def together(outputs: Sequence[str], parts: Sequence[Part], kind: str) -> Measured:
    """The `Measured` of rows that came in parts; what `sampled` gives for all of them at once.

    Means and sums of squares are put together as by Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm
    for computing sample variances", 1979.
    """
    counts = np.array([part.n for part in parts], np.float64)
    n = float(counts.sum())
    squares = np.sum([part.squares for part in parts], axis=0) / n
    means = np.array([part.mean for part in parts])
    mean = counts @ means / n
    variance = (np.sum([part.spread for part in parts], axis=0) + counts @ np.square(means - mean)) / n
    varies = variance > 0
    r2 = np.where(varies, 1.0 - squares / np.where(varies, variance, 1.0), np.nan)
    each = []
    for j, name in enumerate(outputs):
        worst = max(parts, key=lambda part, j=j: part.largest[j])  # type: ignore[misc]
        found = (float(worst.largest[j]), worst.places[j], math.sqrt(float(squares[j])), float(r2[j]))
        each.append(OutputError(name, *found))
    largest = max(each, key=lambda part: part.max)
    rmse, size = math.sqrt(float(np.mean(squares))), math.sqrt(float(np.mean(variance + np.square(mean))))
    return Measured(
        max=largest.max, at=largest.at, rmse=rmse,
        relative_l2=rmse / size if size > 0 else (0.0 if rmse == 0 else math.inf), n=int(n), kind=kind,
        chose=kind in CHOOSING, r2=float(np.mean(r2[varies])) if varies.any() else math.nan, outputs=tuple(each),
    )  # fmt: skip


def sampled(
    names: Sequence[str], outputs: Sequence[str], x: np.ndarray, error: np.ndarray, y: np.ndarray, kind: str,
    *, more: tuple[np.ndarray, np.ndarray] | None = None, left_out: int = 0,
) -> Measured:  # fmt: skip
    """The `Measured` of |errors| (n, k) at points x (n, d) with values y (n, k).

    more: further points and |errors| that count for the largest error alone, because they were not drawn evenly.
    """
    error = np.where(np.isnan(error), np.inf, error)
    places, sizes = (x, error) if more is None else (np.concatenate([x, more[0]]), np.concatenate([error, more[1]]))
    each = root_mean_square(error)  # (k,)
    size, rmse = float(root_mean_square(y.reshape(-1, 1))[0]), float(root_mean_square(error.reshape(-1, 1))[0])
    deviation, varies = root_mean_square(y - y.mean(axis=0)), np.ptp(y, axis=0) > 0
    with np.errstate(over="ignore", invalid="ignore"):
        r2 = np.where(varies, 1.0 - (each / np.where(deviation > 0, deviation, 1.0)) ** 2, np.nan)
    rows = sizes.argmax(axis=0)
    half = [(math.nan, math.nan)] * len(outputs)
    if kind != "fresh" and len(y):
        middle = np.median(np.abs(y - np.median(y, axis=0)), axis=0)
        half = list(zip(np.median(error, axis=0).tolist(), middle.tolist(), strict=True))
    parts = tuple(
        OutputError(
            name, float(sizes[row, j]), dict(zip(names, places[row].tolist(), strict=True)),
            float(each[j]), float(r2[j]), *half[j],
        )
        for j, (name, row) in enumerate(zip(outputs, rows, strict=True))
    )  # fmt: skip
    worst = max(parts, key=lambda part: part.max)
    return (Estimated if kind in ESTIMATES else Measured)(
        max=worst.max,
        at=worst.at,
        rmse=rmse,
        relative_l2=rmse / size if size > 0 else (0.0 if rmse == 0 else math.inf),
        n=len(places),
        kind=kind,
        chose=kind in CHOOSING,
        r2=float(np.mean(r2[varies])) if varies.any() else math.nan,
        outputs=parts,
        left_out=left_out,
    )


def unit_of(a: np.ndarray) -> np.ndarray:
    """The power of two just above the largest size in each column of a (n, k), by which nothing is rounded, (k,)."""
    return np.ldexp(1.0, np.frexp(np.abs(a).max(axis=0, initial=0.0))[1])


def root_mean_square(a: np.ndarray) -> np.ndarray:
    """The root of the mean square of each column of a (n, k); no square overflows or vanishes, whatever their size."""
    with np.errstate(over="ignore", invalid="ignore"):
        unit = unit_of(a)
        return np.asarray(unit * np.sqrt(np.mean((a / unit) ** 2, axis=0)))


class Judge:
    """Measures candidates of one fit, all in the same way.

    Attributes:
        kind: of what it measures on; see `Measured`.
        points: the rows or fresh points and their values, which stay the same for all candidates.
        size: the largest |target| among these points and the training rows.
        spread: what it varies by there where that is less, as beside a large offset.
        spent: how often the target was evaluated.

    With `time` in seconds and a slow callable (`Problem.seconds_per_point`) about a fifth of it goes into measuring,
    all candidates together. Where there is such a limit, points that a search asked for are kept, and later candidates
    are measured there too.
    """

    def __init__(self, problem: Problem, seed: int, time: float | None = None) -> None:
        self.problem, self.seed, self.time, self.spent, self.left_out = problem, seed, time, 0, 0
        self._enclosed: Enclosed | None = None
        self._asked = False  # whether there are formulas
        self._doubts = np.zeros((0, len(problem.outputs)))  # of the first points, as `Enclosed` has them
        if problem.function is None:
            self.points, self.kind = judging_rows(problem)
            self.even = len(self.points[0])
        else:
            self.kind, self.effort = "fresh", effort_of(problem, time)
            self.pool = self.effort.pool
            self._least = math.inf  # largest error of the best candidate of an expensive function
            self._draw()
        known = np.concatenate([self.points[1], problem.train[1]])
        self.size = float(np.abs(known).max(initial=0.0))
        self.spread = min(self.size, float(np.ptp(known, axis=0).max(initial=0.0)) if len(known) else 0.0)

    def share(self, of: float) -> float:
        """An error that is such a share of what the target varies by; not less than values so large are known to."""
        return max(of * self.spread, KNOWN_TO * self.size)

    def _draw(self) -> None:
        """The points of a known function that every candidate is measured at; the first `even` are spread evenly."""
        problem, effort = self.problem, self.effort
        rng = np.random.default_rng([self.seed, 0x7E57])  # a stream of its own: never the training points
        known = [] if self.pool is None or problem.test is None else [problem.test]  # uniform points, known already
        if problem.near is not None:
            self.points = self._known(cloud(problem.domain, problem.near, effort.total, rng))
            self.even = len(self.points[0])
            return
        even = spread_points(problem.domain, effort.uniform, rng)
        uneven = [some_corners(problem.domain, effort.corners, rng)]
        uneven.append(border_points(problem.domain, effort.faces, rng))
        uneven.append(named_points(problem, effort.named, rng))
        parts = [*known, self._known(even)]
        self.even = sum(len(x) for x, _ in parts)
        parts.append(self._known(np.concatenate(uneven)))
        self.points = (np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts]))

    def _known(self, x: np.ndarray) -> Points:
        """Points where the target is finite, and its values there."""
        values = self._values(x)
        good = np.isfinite(values).all(axis=1)
        self.left_out += int((~good).sum())
        return x[good], values[good]

    def _values(self, x: np.ndarray) -> np.ndarray:
        assert self.problem.function is not None
        self.spent += len(x)
        return self.problem.function(x) if len(x) else np.zeros((0, len(self.problem.outputs)))

    def measured(self, predict: Predict) -> Measured:
        """The error of a prediction: of a table on its rows, of a known function by a search for the largest."""
        if self.problem.stream is not None:
            return self._streamed(predict, self.problem.stream)
        if self.problem.function is None:
            return self.measured_on(predict, self.points, self.kind)
        x, y = self.points
        if self.problem.near is not None:
            return self.measured_on(predict, self.points, self.kind)
        error = doubted(_sizes(predict(x), y), self.doubts())
        sure = self._surely(x, error)
        found, sizes, left_out = self._uphill(predict, x, error, sure)
        if self.pool is not None:
            self._least = min(self._least, max(float(error.max(initial=0.0)), float(sizes.max(initial=0.0))))
        even = self.even
        more = (np.concatenate([x[even:], found]), np.concatenate([error[even:], sizes]))
        names, outputs = self.problem.names, self.problem.outputs
        return sampled(
            names, outputs, x[:even], error[:even], y[:even], "fresh", more=more, left_out=self.left_out + left_out
        )

    def closer(
        self, predict: Predict, error: Measured, parameters: int, trained: np.ndarray | None = None,
        rivals: Sequence[Predict] = (),
    ) -> Measured:  # fmt: skip
        """The error of what would be kept, looked at once more: at fresh points, and in crowds near the worst ones.

        A search uphill ends on one of many ridges, as beside kinks, and may know the highest by a tenth too little; and
        the rounding of float32 differs from point to point.

        error: what `measured` found. trained (n, d): points that the model was fitted to. Only of a known function
        whose values cost little, unless somebody said how many may be asked for. Values that cost more are not asked
        for, but those that others were fitted to are known, and some are asked for where `rivals` say something else.
        """
        count = self._crowd(parameters)
        if count == 0 and self.problem.function is not None and self.pool is not None:
            return self._disputed(predict, self._among_known(predict, error, trained), rivals)
        if count == 0 or (self.problem.domain.dim == 1 and error.n >= 2 * CROWD):  # on a line so many leave no gap
            return error
        rng, domain, names = np.random.default_rng([self.seed, 0xC60D]), self.problem.domain, self.problem.names
        x, y = self.points
        sizes = doubted(_sizes(predict(x), y), self.doubts()).max(axis=1)
        worst = np.array([[error.at[name] for name in names]])
        x, sizes = np.concatenate([worst, x]), np.append(error.max, sizes)
        fresh = domain.at(rng.random((count, domain.dim)))
        if domain.dim > 1:
            more = (border_points(domain, count // 3, rng), end_points(domain, count // 3, rng))
            fresh = np.concatenate([fresh[: count // 3], *more])
        looked_at, sure = 0, None if self.enclosed else Surely(self._values, domain, rng, cautious=True)

        def sizes_by_output(points: np.ndarray, values: np.ndarray) -> np.ndarray:
            found = _sizes(predict(points), values)
            return self.enclosed.certain(points, values, found, error.max) if self.enclosed else found

        def sizes_of(points: np.ndarray, values: np.ndarray) -> np.ndarray:
            return sizes_by_output(points, values).max(axis=1)

        for crowd, few in ((0, 0), (count // 2, TOPS), (count // 4, TOPS // 3), (count // 4, TOPS // 6)):
            points = fresh
            if crowd:
                order = np.argpartition(-sizes, min(FOREMOST, len(sizes) - 1))[:FOREMOST]
                order = order[np.argsort(-sizes[order], kind="stable")]
                tops = x[order[apart(domain.shares(x[order]), few, SPACED)]]
                places = domain.shares(tops[np.arange(crowd) % len(tops)])
                radius = 10.0 ** rng.uniform(-5.0, -0.5, (crowd, 1))
                points = domain.at(np.clip(places + radius * rng.uniform(-1.0, 1.0, places.shape), 0.0, 1.0))
            values = self._values(points)
            good = np.isfinite(values).all(axis=1)
            if not crowd and not good.all():
                points = np.concatenate([points[good], self._beside_holes(points[good], points[~good])])
                values = self._values(points)
                good = np.isfinite(values).all(axis=1)
            looked_at += int(good.sum())
            x = np.concatenate([x, points[good]])
            sizes = np.append(sizes, sizes_of(points[good], values[good]))
            if sure is not None:
                rounding = sure.leaves_out(x, sizes, error.max)
                if rounding is None:
                    return error
                sizes[rounding] = 0.0
        order = np.argsort(-sizes, kind="stable")[:FOREMOST]
        kept: list[tuple[np.ndarray, np.ndarray]] = []

        def error_at(points: np.ndarray) -> np.ndarray:
            values = self._values(points)
            found = np.where(np.isfinite(values).all(axis=1), sizes_of(points, values), -np.inf)
            kept.append((points, found))
            return found[:, None]

        climb(error_at, domain, x[order], sizes[order][:, None], Climb(count // CLIMBED), rng)
        if kept:
            points, found = (np.concatenate([pair[i] for pair in kept]) for i in (0, 1))
            known = max(error.max, float(sizes.max()))
            rounding = np.zeros(len(points), bool) if sure is None else sure.leaves_out(points, found, known)
            if rounding is not None:
                x, sizes = np.concatenate([x, points[~rounding]]), np.append(sizes, found[~rounding])
                looked_at += int(np.isfinite(found).sum())
        for points, values in () if sure is None else sure.seen:
            looked_at += len(points)
            x, sizes = np.concatenate([x, points]), np.append(sizes, _sizes(predict(points), values).max(axis=1))
        largest = int(sizes.argmax())
        at = dict(zip(names, x[largest].tolist(), strict=True))
        place = x[largest : largest + 1]
        output = int(sizes_by_output(place, self._values(place))[0].argmax())
        return replace(error.witnessed(float(sizes[largest]), at, output), n=error.n + looked_at)

    def _among_known(self, predict: Predict, error: Measured, trained: np.ndarray | None) -> Measured:
        """The error of what would be kept where a function was asked for values that others were fitted to."""
        problem = self.problem
        known = None if problem.near is not None or not problem.exact else known_values(problem)
        if known is None or (problem.plan is not None and problem.plan.verify is not None):
            return error
        x, y = known
        seen = {row.tobytes() for part in (self.points[0], x[:0] if trained is None else trained) for row in part + 0.0}
        fresh = np.array([row.tobytes() not in seen for row in x], bool)
        if not fresh.any():
            return error
        x, sizes = x[fresh], _sizes(predict(x[fresh]), y[fresh])
        largest, output = divmod(int(sizes.argmax()), sizes.shape[1])
        at = dict(zip(problem.names, x[largest].tolist(), strict=True))
        return replace(error.witnessed(float(sizes[largest, output]), at, output), n=error.n + len(x))

    def _disputed(self, predict: Predict, error: Measured, rivals: Sequence[Predict]) -> Measured:
        """The error of what would be kept at few more points: where one of some rivals differs from it most.

        And then where its errors are likely to be largest, for all that is known of them. Where an expensive function
        was asked for few values, a model is wrong between them, and seldom as another is.
        """
        problem, count = self.problem, self.effort.disputed
        if count == 0 or not problem.exact or problem.near is not None:
            return error
        rng, domain = np.random.default_rng([self.seed, 0xD15]), problem.domain
        corners = some_corners(domain, min(2**domain.dim, SUSPECTED // 4), rng)
        border = border_points(domain, SUSPECTED // 4, rng) if domain.dim > 1 else np.zeros((0, 1))
        inside = domain.at(rng.random((SUSPECTED - len(corners) - len(border), domain.dim)))
        x = np.concatenate([inside, border, corners])
        unit, own = domain.shares(x), predict(x)
        ours, likely = (count - count // 2, count // 2) if rivals else (0, 2 * count // 3)
        known, values = known_values(problem) or self.points
        known_at, errors = domain.shares(known), predict(known) - values

        def looked_at(places: np.ndarray) -> None:
            nonlocal known_at, errors, error
            values = self._values(places)
            off = predict(places) - values
            known_at, errors = np.concatenate([known_at, domain.shares(places)]), np.concatenate([errors, off])
            each = _sizes(predict(places), values)
            sizes = np.where(np.isfinite(values).all(axis=1), each.max(axis=1), -np.inf)
            if len(sizes):
                largest = int(sizes.argmax())
                at = dict(zip(problem.names, places[largest].tolist(), strict=True))
                error = error.witnessed(float(sizes[largest]), at, int(each[largest].argmax()))
                error = replace(error, n=error.n + int(np.isfinite(sizes).sum()))

        for number, rival in enumerate(rivals):
            differ = _sizes(rival(x), own).max(axis=1)
            order = np.argsort(-np.where(np.isfinite(differ), differ, 0.0), kind="stable")
            share = ours // len(rivals) + (number < ours % len(rivals))
            looked_at(x[order[apart(unit[order], share, SPACED)]])
        for number in range(SUSPICIONS):
            share = likely // SUSPICIONS + (number < likely % SUSPICIONS)
            if share:
                looked_at(domain.at(suspects(known_at, errors, unit, share, SPACED * FINER**number, rng)))
        return error

    def _beside_holes(self, inside: np.ndarray, holes: np.ndarray) -> np.ndarray:
        """Points (n, d) beside which the target is not defined, where it often begins like a root.

        inside, holes: points at which it is, and is not.
        """
        from scipy.spatial import cKDTree

        if not len(inside):
            return inside
        shares, low = self.problem.domain.shares, inside[:BESIDE]
        high = holes[cKDTree(shares(holes)).query(shares(low))[1]]
        for _ in range(HALVED):
            middle = 0.5 * low + 0.5 * high
            there = np.isfinite(self._values(middle)).all(axis=1)[:, None]
            low, high = np.where(there, middle, low), np.where(there, high, middle)
        return low

    def _crowd(self, parameters: int) -> int:
        """How many points of each kind are looked at once more; `parameters`: of the network."""
        problem = self.problem
        if problem.function is None or problem.near is not None or not problem.exact or self.pool is not None:
            return 0
        if (problem.plan is not None and problem.plan.verify is not None) or problem.affordable is not None:
            return 0
        value, each = problem.seconds_per_point or 0.0, 2.0 * parameters / FLOPS
        if self.time is None:  # no clock says how many
            return min(CROWD, int(CROWD_SECONDS / max(each, 1e-12) / 2)) if value <= CROWD_VALUE else 0
        return min(CROWD, int(min(CROWD_SECONDS, CROWD_OF_TIME * self.time) / max(value + each, 1e-12) / 2))

    def _streamed(self, predict: Predict, stream: Stream) -> Measured:
        """The error on all rows of its kind of a table that is read in parts."""
        names, part = self.problem.names, "train" if self.kind == "training" else self.kind
        found = [Part.of(names, r.x, _sizes(predict(r.x), r.y), r.y) for r in stream.rows(part)]
        return together(self.problem.outputs, found, self.kind)

    def watch(self, x: np.ndarray) -> None:
        """Further points (n, d) of a known function, at which all later candidates are measured too."""
        found, values = self._known(x)
        self.points = (np.concatenate([self.points[0], found]), np.concatenate([self.points[1], values]))

    def estimated(
        self, left_out: np.ndarray, rmse: np.ndarray | None = None, distance: np.ndarray | None = None,
        unlearned: np.ndarray | None = None,
    ) -> Measured:  # fmt: skip
        """The error of a fit to all rows, from what each was missed by (n, k) when it was left out; see `telling`.

        rmse: (k,) of the outputs over the domain, where more is known of it than these rows tell: of a teacher.
        distance: (k,) of the model from that teacher, which is measured. unlearned: (k,), which share of the square of
        the teacher's error is no noise.
        """
        tell = telling(self.problem)
        (x, y), left_out = (part[tell] for part in self.problem.train), left_out[tell]
        error = self.apart(self.problem, y + left_out, (x, y), "estimated")
        if rmse is None:
            return with_ranges(error, left_out, np.array([part.rmse for part in error.outputs]))
        taught, away = rmse, np.zeros(len(rmse)) if distance is None else distance
        rmse = np.hypot(taught, away)
        deviation = np.where(np.ptp(y, axis=0) > 0, root_mean_square(y - y.mean(axis=0)), np.nan)
        r2 = 1.0 - (rmse / deviation) ** 2
        parts = tuple(
            replace(part, rmse=float(e), r2=float(r)) for part, e, r in zip(error.outputs, rmse, r2, strict=True)
        )
        total, size = (float(root_mean_square(a.reshape(-1, 1))[0]) for a in (rmse, y))
        known = np.isfinite(r2)
        found = replace(
            error, rmse=total, relative_l2=total / size if size > 0 else error.relative_l2, outputs=parts,
            r2=float(np.mean(r2[known])) if known.any() else math.nan,
        )  # fmt: skip
        return with_ranges(found, left_out, taught, away, np.ones(len(rmse)) if unlearned is None else unlearned)

    def measured_on(self, predict: Predict, points: Points, kind: str) -> Measured:
        """The error on these rows alone, and on nothing that is looked for."""
        return self.apart(self.problem, predict(points[0]), points, kind)

    @staticmethod
    def apart(problem: Problem, found: np.ndarray, points: Points, kind: str) -> Measured:
        """By how much values that were found (n, k) are off those of points."""
        x, y = points
        error = sampled(problem.names, problem.outputs, x, _sizes(found, y), y, kind)
        if problem.quantiles:
            error = replace(error, coverage=Coverage.of(found, y, problem.quantiles))
        elif kind == "test" and len(x) < FEW and not (problem.plan is not None and problem.plan.apart):
            error = with_ranges(error, found - y, np.array([part.rmse for part in error.outputs]), apart=True)
        if not problem.log_target:
            return error
        square = float(np.mean((problem.coordinates(found) - problem.coordinates(y)) ** 2))
        return replace(error, log_rmse=math.sqrt(square) if math.isfinite(square) else math.inf)

    def within(self, predict: Predict, goal: float) -> bool:
        """Whether the largest error is within a goal; most that are not are seen at a few points.

        Of measured data the validation rows tell, else the training rows: test rows decide nothing.
        """
        measured = self.problem.function is None
        x, y = points = (self.problem.validation or self.problem.train) if measured else self.points
        every = max(1, len(x) // 512)
        error = _sizes(predict(x[::every]), y[::every])
        if not (error if measured else doubted(error, self.doubts()[::every])).max() <= goal:
            return False
        found = self.measured_on(predict, points, "validation") if measured else self.measured(predict)
        return found.max <= goal

    @property
    def disputes(self) -> bool:
        """Whether values are kept for places where models of an expensive function disagree."""
        return self.problem.function is not None and self.effort.disputed > 0

    @property
    def seconds_after(self) -> float:
        """What it will take to measure what is kept when all else is over, of the time that was given."""
        return self.effort.disputed * (self.problem.seconds_per_point or 0.0) if self.disputes else 0.0

    @property
    def _cheap(self) -> bool:
        """Whether as many values of an exact function may be asked for as one likes."""
        problem = self.problem
        counted = problem.plan is not None and problem.plan.verify is not None
        return self.pool is None and not counted and problem.affordable is None and problem.exact

    @property
    def enclosed(self) -> Enclosed | None:
        """The formulas behind a function, by which errors are told from rounding; None where they are not known.

        A Python function is not called for this, but what it wrote down for a strategy counts.
        """
        if not self._asked and self.problem.function is not None and asked_for_formulas(self.problem):
            self._asked = True
            if self.problem.source["kind"] == "formula" or self._cheap:
                self._enclosed = Enclosed.of(formulas_behind(self.problem), *self.points)
                self._doubts = self._doubts[:0]
        return self._enclosed

    def doubts(self) -> np.ndarray:
        """How far the true values at all points may be from those known, (n, k)."""
        enclosed, (x, y) = self.enclosed, self.points
        known = len(self._doubts)
        if known < len(x):
            more = np.zeros(y[known:].shape) if enclosed is None else enclosed.doubts(x[known:], y[known:])
            self._doubts = np.concatenate([self._doubts, more])
        return self._doubts

    def uncertain(self, error: Measured) -> tuple[Sentence, ...]:
        """What is to be said where the values of a function are less certain than an error that was found."""
        if self.problem.function is None or self.enclosed is None:
            return ()
        doubts = self.doubts()[: self.even].max(axis=1)
        typical = float(np.median(doubts)) if len(doubts) else 0.0
        return (say("values-rounded", size=f"{typical:.2g}"),) if typical > 0.0 and error.max < typical else ()

    def _surely(self, x: np.ndarray, error: np.ndarray) -> Surely | None:
        """What tells errors from the rounding of a callable, where its values cost little: |errors| (n, k) become 0.

        Of a formula it is known. Where it is not, narrow peaks and points where an equation holds are meant.
        """
        problem = self.problem
        if not self._cheap or problem.source["kind"] != "callable" or self.enclosed is not None:
            return None
        rng = np.random.default_rng([self.seed, 0x50FE])
        sure = Surely(self._values, problem.domain, rng)
        rounding = sure.leaves_out(x, error.max(axis=1))
        if rounding is None:
            return None
        error[rounding] = 0.0
        return sure

    def _uphill(
        self, predict: Predict, x: np.ndarray, error: np.ndarray, sure: Surely | None
    ) -> tuple[np.ndarray, np.ndarray, int]:
        """Points (m, d) of a search for larger errors, |errors| (m, k) there, and how many were not finite."""
        budget = self.effort.climb
        if self.pool is not None:  # of what is worse than another at the points that are known, enough is known
            budget = min(budget, -(-self.pool // 2)) if error.max(initial=0.0) <= self._least else 0
            self.pool -= budget
        kept: list[Points] = []
        sizes: list[np.ndarray] = []
        left_out, largest = 0, float(error.max(initial=0.0))

        def error_at(points: np.ndarray) -> np.ndarray:
            nonlocal left_out, largest
            values = self._values(points)
            good = np.isfinite(values).all(axis=1)
            left_out += int((~good).sum())
            out = np.full(values.shape, -np.inf)  # where the target is not finite there is no error
            out[good] = _sizes(predict(points[good]), values[good]) if good.any() else out[good]
            if self.enclosed is not None and good.any():
                out[good] = self.enclosed.certain(points[good], values[good], out[good], largest)
                largest = max(largest, float(out[good].max()))
            if sure is not None:
                most = np.where(good, out.max(axis=1), 0.0)
                rounding = sure.leaves_out(points, most, GROWN * sure.above)
                good &= ~(most > GROWN * sure.above if rounding is None else rounding)
                out[~good] = -np.inf
            kept.append((points[good], values[good]))
            sizes.append(out[good])
            return out

        climb(error_at, self.problem.domain, x, error, Climb(budget), np.random.default_rng([self.seed, 0xC11B]))
        for points, values in () if sure is None else sure.seen:  # what was asked for counts, too
            kept.append((points, values))
            sizes.append(_sizes(predict(points), values))
        if not kept:
            return x[:0], error[:0], 0
        found, values = (np.concatenate([pair[i] for pair in kept]) for i in (0, 1))
        if self.pool is not None:  # what an expensive function has said is kept
            self.points = (np.concatenate([self.points[0], found]), np.concatenate([self.points[1], values]))
        return found, np.concatenate(sizes), left_out


def with_ranges(
    error: Measured, left_out: np.ndarray, rmse: np.ndarray, distance: np.ndarray | None = None,
    unlearned: np.ndarray | None = None, apart: bool = False,
) -> Measured:  # fmt: skip
    """An error that few rows tell with the ranges of its root mean squares.

    left_out (n, k): what rows are missed by when they are left out. rmse (k,): what they tell. distance (k,): what is
    known beside it, of a model from its teacher. unlearned (k,): which share of the square of the teacher's error is no
    noise; None: nothing was taught. apart: whether they are test rows.
    """
    inputs = max(1, len(error.at))

    def around(size: float, misses: np.ndarray, away: float, share: float | None) -> Range | None:
        known = range_around(size, misses, None if share is None else (share, inputs), apart)
        return None if known is None else known.farther(away)

    beside = np.zeros(len(rmse)) if distance is None else distance
    shares = [None] * len(rmse) if unlearned is None else unlearned.tolist()
    parts = tuple(
        replace(part, rmse_range=around(float(rmse[j]), left_out[:, [j]], float(beside[j]), shares[j]))
        for j, part in enumerate(error.outputs)
    )
    size, away = (float(root_mean_square(each.reshape(-1, 1))[0]) for each in (rmse, beside))
    share = None if unlearned is None else float(unlearned.mean())
    return replace(error, outputs=parts, rmse_range=around(size, left_out, away, share))


def _sizes(predicted: np.ndarray, y: np.ndarray) -> np.ndarray:
    """|prediction - target| (n, k); infinite where the prediction is not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        error = np.abs(predicted - y)
    return np.where(np.isnan(error), np.inf, error)


__all__ = [
    "Estimated",
    "Judge",
    "Measured",
    "OutputError",
    "place_words",
    "sampled",
]
