"""A function that takes its inputs together, step by step: each step is fitted by itself, and all are one network.

Units spread over a box of many inputs see little of each. Where a function has some of its inputs only together
(`problems.contractions`), it is made of functions of two or three numbers, each of which few units fit to many digits;
nothing of it has to be known but values. What the layers hand on are the numbers that the inputs make together. A
function that takes all of its inputs at once is a single step: it is tried where it is simpler in another form.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from surefit.attempts.attempt import Attempt
from surefit.attempts.output_layer import ROUNDOFF
from surefit.core import ops
from surefit.problems.contractions import MOST_INPUTS, Contraction, Values, contracted
from surefit.problems.links import Link, Parts, linked
from surefit.problems.problem import ROWS
from surefit.problems.scaling import Scaling
from surefit.search.candidates import Candidate
from surefit.search.limits import (
    CONTRACTED,
    HELPED,
    LAST_RESERVE,
    LEARNED,
    MANY_INPUTS,
    MOST_WIDE,
    SOLVER_RESERVE,
    UNASKED_PARAMETERS,
    UNITS,
)
from surefit.search.runner import State, Strategy
from surefit.search.strategies.layers import (
    Layers,
    affordable,
    most_parameters,
    of_layers,
    reserve,
    size_of,
)
from surefit.search.strategies.steps import (
    FINEST,
    FORMS,
    ITSELF,
    Form,
    Placed,
    Step,
    Way,
    joined,
    of_products,
    placed,
    rank_of,
    widths_of,
)
from surefit.sentences import Sentence, say
from surefit.solvers.features import SCALES, linear_features
from surefit.solvers.univariate import units_of

POOL, FIRST_POOL = 4000, 300  # points that tell the range of a number, and from which others are taken evenly over it
PLACES = 4  # where the others are held for a first solve, of which the easiest is kept
VALUES = 10_000  # of the function that a step takes about, all in all
OF_TIME = 0.4  # of the time, that values may cost
AT_END = 0.2  # of the points evenly over the numbers, how many are at an end of each
SOON = 300  # units that are solved for at once; more when the network is not good enough
SEEN = 0.5  # of the points are taken evenly over the numbers, the others over the inputs
PRODUCTS = {2: 40_000, 3: 150_000}  # values that a sum of products of so many numbers may take
PRODUCTS_OF_MORE = 500_000  # the same of more numbers, which takes all but a few of these where their order matters
LOOKED_AT = 2000  # points that tell how well a step is fitted in another form
BETTER = 10.0  # times better a step must be in another form
FEW, MORE = 150, 400  # units that tell whether it is, and so many where it is smooth
UNTIL, EACH_OF_TIME = 0.6, 0.1  # of the time, up to which other forms are tried, and for values of one sum of products
COARSE = 1e-4  # tolerance of a sum of products of many numbers at first, of the size of the number
FINER = 4.0  # times as large is a finer sum of products
PURSUED = 2  # forms, those in which few units learn most
OF_SIZE = 0.8  # of the parameters that a network may have, that a step may make it so large
SMOOTH = 1e-3  # of half the range of a number: an error of the few with which it is
KNOWN = 10.0  # times what its number is off by: shorter lengths are not resolved where its form is undone


@dataclass
class _Number:
    """An input, or what several make together: (form of the value - middle) / half is what the network has of it."""

    pool: np.ndarray  # points (n, d), of which its own inputs count
    values: np.ndarray  # (n,) there, scaled
    middle: float
    half: float
    form: Form = ITSELF
    sign: float = 1.0  # of all values
    way: Way | Link | None = None  # on which its places are found

    def of(self, y: np.ndarray) -> np.ndarray:
        """The number (n,) of values (n,)."""
        return np.asarray((self.form.forth(self.sign * y) - self.middle) / self.half)

    def back(self, z: np.ndarray) -> np.ndarray:
        """The values (n,) of numbers (n,)."""
        return np.asarray(self.sign * self.form.back(z * self.half + self.middle))


def contracting(s: State) -> Strategy:
    """The network of the functions that a function is found to be made of; once more with more units, if that helps."""
    fitting = yield from steps_of(s)
    if fitting is not None:
        yield from networks(s, fitting, math.inf)
    return None


def steps_of(s: State) -> Generator[Attempt | Sentence, Candidate | None, Fitting | None]:
    """The steps that a function is made of, each fitted with few units; None where there are none."""
    values = _values(s)
    if values is None:
        return None
    rng = np.random.default_rng([s.seed, 0xC0DE])
    whole = contracted(values, s.dim, rng)
    if whole is None:
        return None
    yield say("taken-together", steps=len(list(whole.all())), numbers=whole.arity, inputs=s.dim)
    fitting = Fitting(s, values, rng, whole)
    return fitting if fitting.begun() else None


def simpler_steps_of(
    s: State, known: Fitting | None, share: float = CONTRACTED
) -> Generator[Attempt | Sentence, Candidate | None, Fitting | None]:  # fmt: skip
    """The same steps with numbers in whatever form is simpler; None where none is.

    known: these steps; None: of a function that takes all of its inputs at once, which is a single step. share: of the
    goal, to which each is fitted.
    """
    values = _values(s)
    if values is None:
        return None
    rng = np.random.default_rng([s.seed, 0xF0B])
    if known is None:
        every = range(s.dim)
        fitting = Fitting(s, values, rng, Contraction(frozenset(every), tuple(every), np.zeros((1, s.dim))), share)
    else:
        fitting = Fitting(s, values, rng, known.whole, share)
    if not fitting.simpler(known):
        return None
    yield say("simpler-steps") if fitting.form is ITSELF else say("simpler-form", form=fitting.form.name)
    return fitting


def _values(s: State) -> Values | None:
    """The target as a function of points of [-1, 1]^d; None where it is not asked for its steps."""
    problem = s.problem
    known = problem.free and problem.gradients is None and problem.affordable is None and not problem.log_target
    function = problem.function
    if not known or function is None or len(problem.outputs) > 1 or not 2 < problem.domain.dim <= MOST_INPUTS:
        return None
    if s.dtype != ops.float64:
        return None  # what a layer hands on would be rounded by as much as the weights are large
    if affordable(s, OF_TIME) < VALUES * s.dim or (s.candidates and s.progress.out_of_time(1.0 - SOLVER_RESERVE)):
        return None  # its steps are solved for before there is a network of them
    scaling = Scaling.of(problem)

    def values(u: np.ndarray) -> np.ndarray:
        return np.asarray(function(scaling.unscaled_inputs(u)))[:, 0]

    return values


def networks(s: State, fitting: Fitting, most: float) -> Strategy:
    """The networks of these steps, with more and more units of those that need them: `most` parameters at most.

    Goes on where it was left.
    """
    while not fitting.joined or fitting.better(most):
        layers = fitting.layers(Scaling.of(s.problem))
        if size_of(layers) > most_parameters(s):
            fitting.given_up = True
            return None
        units = sum(len(bias) for _, bias in layers[:-1])
        stage = say("stage-contracted", units=units, layers=len(layers) - 1)
        attempt = of_layers(s, layers, "tanh", stage, s.problem, solver="contracted", units=units)
        if attempt is None:
            return None
        found = yield attempt
        if found is None or found.score > s.judge.share(LEARNED):
            fitting.given_up = True
            return None
    return None


class Fitting:
    """The steps of one function, fitted one after the other.

    All values are of points of [-1, 1]^d. A step that is of the whole has the target as its number.
    """

    def __init__(
        self, s: State, function: Values, rng: np.random.Generator, whole: Contraction, share: float = CONTRACTED
    ) -> None:  # fmt: skip
        self.state, self.function, self.rng, self.whole = s, function, rng, whole
        self.roundoff = ROUNDOFF[str(s.dtype)]
        self.goal = max(share * (s.goal or 0.0) / s.size if s.size > 0 else 0.0, 10.0 * self.roundoff)
        self.steps = list(whole.all())
        self.numbers: dict[int | Contraction, _Number] = {}
        self.held: dict[Contraction, np.ndarray] = {}  # (d,)
        self.fitted: dict[Contraction, Step] = {}
        self.off: dict[Contraction, float] = {}  # of half the range of its number, where that is not the score
        self.last: Step | None = None  # that undoes the form of the whole
        self.target: _Number  # what the whole is by itself
        self.inputs = list(whole.inputs)
        self.joined = False  # whether there was a network of them
        self.given_up = False  # whether that was of no use
        self.seconds = 0.0  # of a solve, over the cube of the units
        self.number_of_rung = dict.fromkeys(self.steps, 0)  # of the next

        for i in self.inputs:
            pool = np.linspace(-1.0, 1.0, POOL)[:, None] * np.ones(s.dim)
            self.numbers[i] = _Number(pool, pool[:, i], 0.0, 1.0)

    @property
    def form(self) -> Form:
        """That the last step is fitted in."""
        return self.numbers[self.whole].form

    @property
    def score(self) -> float:
        """Of the last step, of half the range of its values."""
        return self.fitted[self.whole].score

    # --- fitting ---

    def begun(self) -> bool:
        """Fit all steps with as many units as are soon solved for; whether all could be."""
        return all(not self.out_of_time and self.climbed(c) for c in self.steps)

    @property
    def out_of_time(self) -> bool:
        """Whether no network of the steps could be measured any more."""
        return bool(self.state.candidates) and self.state.progress.out_of_time(1.0 - LAST_RESERVE)

    def climbed(self, c: Contraction) -> bool:
        """Fit a step with as many units as are soon solved for; whether it could be."""
        if not self.place(c):
            return False
        while self.number_of_rung[c] < len(self.rungs(c)) and self.fitted[c].score > self.goal:
            if self.rungs(c)[self.number_of_rung[c]] > SOON or not self.more(c, UNASKED_PARAMETERS):
                break
        return True

    def simpler(self, known: Fitting | None) -> bool:
        """Fit the steps in whatever form each is simpler; whether there is such a form, and all could be fitted.

        known: the same steps as they are, of which those stay that are good enough.
        """
        if known is None:
            c = self.whole
            if not self.place(c, FEW):
                return False
            self.number_of_rung[c] = len(self.rungs(c))
            before = self.fitted[c]
            self.simplified(c)
            return self.fitted[c] is not before
        same: set[int | Contraction] = set(self.inputs)
        for c in self.steps:
            if same.issuperset(c.parts) and c in known.fitted:
                self.fitted[c], self.numbers[c], self.held[c] = known.fitted[c], known.numbers[c], known.held[c]
                self.number_of_rung[c] = known.number_of_rung[c]
                if c is self.whole:
                    self.target = known.target
            elif not self.climbed(c):
                return False
            before = self.fitted[c]
            if before.score > self.enough(c) and not self.summed(c):
                self.simplified(c)
            if self.fitted[c] is before and same.issuperset(c.parts):
                same.add(c)
        return self.whole not in same

    # --- a step that is a sum ---

    def summed(self, c: Contraction) -> bool:
        """Hand on a sum of functions of one input each, where the inputs of a step make one; whether they do.

        The number is that sum then, and no function of it: what is rough as one is for those after it to undo.
        """
        own = [p for p in c.parts if isinstance(p, int)]
        if c is self.whole or len(own) < len(c.parts):
            return False
        held, number = self.held[c], self.numbers[c]

        def beside(u: np.ndarray) -> np.ndarray:
            x = np.repeat(held[None], len(u), axis=0)
            x[:, own] = u
            return self.function(x)

        link = linked(beside, len(own), self.rng, mixed=False)
        if link is None or not isinstance(link.inner, Parts):
            return False
        hidden, offsets, weights, constant, off = [], [], [], 0.0, 0.0
        for i in range(len(own)):
            units = units_of(partial(_part, link.inner, i), self.goal, roundoff=self.roundoff)
            if units is None:
                return False
            hidden.append(units.gains[:, None] * np.eye(len(own))[i])
            offsets.append(units.offsets)
            weights.append(units.weights[:, 0])
            constant, off = constant + float(units.constant[0]), off + float(units.error[0])
        step = Step([(np.concatenate(hidden), np.concatenate(offsets))], np.concatenate(weights), constant, off)
        if off > self.fitted[c].score:
            return False
        self.fitted[c], self.number_of_rung[c], self.off[c] = step, len(self.rungs(c)), off
        self.numbers[c] = _Number(number.pool, link.inner(number.pool[:, own]), 0.0, 1.0, way=link)
        return True

    # --- other forms of a step ---

    def simplified(self, c: Contraction) -> None:
        """Fit a step as a sum of products, and in other forms, and keep what is far better."""
        held, own = self.held[c], self.numbers[c]
        x, z = self.points(c, LOOKED_AT)
        y = self.function(self.at(c, held, x))
        half = 0.5 * float(np.ptp(y))
        if not np.isfinite(y).all() or not half > 0.0:
            return
        enough, most = self.enough(c), self.fitted[c].score / BETTER
        found: list[tuple[Step, _Number, Step | None, float]] = []
        for number, first in self.forms(c, held, own):
            for step in self.finer(c, held, number, first):
                own_values = step(z)
                values, last = number.back(own_values), None
                if not np.abs(values - y).max() <= most * half:
                    continue
                number_off = float(np.abs(own_values - number.of(y)).max())
                if c is self.whole and number is not own:
                    last = self.undone(number, number_off)
                    if last is None:
                        continue
                    values = last(own_values[:, None]) * own.half + own.middle
                off = float(np.abs(values - y).max()) / half
                if off <= most:
                    found.append((Step(step.hidden, step.weights, step.constant, off), number, last, number_off))
                    most = min(most, max(HELPED * off, enough))
                if off <= enough or self.late:
                    break
            if most <= enough or self.late:
                break
        if found:  # the smallest of the best
            size = lambda each: self.total({c: each[0]}, each[2])
            small = [each for each in found if size(each) <= OF_SIZE * most_parameters(self.state)] or found
            best = min(each[0].score for each in small)
            near = [each for each in small if each[0].score <= max(HELPED * best, enough)]
            self.fitted[c], self.numbers[c], self.last, self.off[c] = min(near, key=size)
            self.number_of_rung[c] = len(self.rungs(c))

    @property
    def late(self) -> bool:
        """Whether so much of the time is over that a network must come of what is known."""
        return self.state.progress.out_of_time(UNTIL)

    def enough(self, c: Contraction) -> float:
        """An error with which a step is left as it is; the last may be off by more, as nothing is made of it."""
        return BETTER * self.goal if c is self.whole else self.goal

    def forms(self, c: Contraction, held: np.ndarray, own: _Number) -> list[tuple[_Number, Step | None]]:
        """The numbers of a step in the forms in which it is simplest, each with a step by few units.

        None in place of that where it is a sum of few products of many numbers, of which few units learn little.
        Simple are few products of functions of one number each; where that cannot be asked, what few units learn.
        """
        at_once, few = len(self.steps) == 1, FEW if len(c.parts) <= 3 else self.rungs(c)[0]
        found: list[tuple[bool, float, _Number]] = []
        steps: dict[int, Step] = {}
        for form in FORMS if at_once and len(c.parts) in PRODUCTS else (ITSELF, *FORMS):
            number = own if form is ITSELF else self.number(c, held, POOL, form)
            values = None if number is None else self.of_numbers(c, held, number)
            rank = np.inf if values is None else rank_of(values, len(c.parts), self.most(c), self.rng)
            few_numbers = values is not None and len(c.parts) in PRODUCTS
            if number is not None and (rank < np.inf or few_numbers):
                found.append((False, rank, number))
            elif number is not None and not (at_once and form is ITSELF):
                step = self.solved(c, held, number, few)
                if step is not None and step.score <= LEARNED:
                    found.append((True, step.score, number))
                    steps[id(number)] = step
        found.sort(key=lambda each: each[:2])
        few_products = [number for by_units, _, number in found[:PURSUED] if not by_units]
        if few_products and len(c.parts) not in PRODUCTS:
            return [(number, None) for number in few_products]
        known = [(number, steps.get(id(number)) or self.solved(c, held, number, few)) for *_, number in found[:PURSUED]]
        return [(number, step) for number, step in known if step is not None]

    def of_numbers(self, c: Contraction, held: np.ndarray, number: _Number) -> Values | None:
        """The number of a step as a function of those that it takes; None where that cannot be asked for."""
        ways = [self.way(part) for part in c.parts]
        if not ways or any(way is None for way in ways):
            return None

        def values(z: np.ndarray) -> np.ndarray:
            x = np.repeat(held[None], len(z), axis=0)
            for part, way, t in zip(c.parts, ways, z.T, strict=True):
                if isinstance(part, int):
                    x[:, part] = t
                else:
                    inputs, places = sorted(part.inputs), way.places(t)  # type: ignore[union-attr]
                    x[:, inputs] = places if isinstance(way, Link) else places[:, inputs]
            return number.of(self.function(x))

        return values

    def finer(self, c: Contraction, held: np.ndarray, number: _Number, few: Step | None) -> Iterator[Step]:
        """The step by few units, by more, where it is smooth, and as a sum of products, more and more finely.

        few: None where it is known to be a sum of products, and to take long otherwise.
        """
        if few is not None:
            yield few
        values = self.of_numbers(c, held, number)
        if values is None:
            return
        if few is not None and few.score <= SMOOTH:
            found = self.solved(c, held, number, MORE)
            if found is not None:
                yield found
        most = self.most(c)
        for tol in () if self.late else FINEST if few is not None else (COARSE, *FINEST):
            found = of_products(values, len(c.parts), max(tol, self.roundoff), most, self.rng, self.roundoff)
            if found is None:
                return
            yield found
            if self.late or FINER * self.total({c: found}, None) > most_parameters(self.state):
                return

    def most(self, c: Contraction) -> int:
        """Values that a sum of products may take."""
        return int(min(PRODUCTS.get(len(c.parts), PRODUCTS_OF_MORE), affordable(self.state, EACH_OF_TIME)))

    def way(self, part: int | Contraction) -> Way | Link | None:
        """The way on which the places of a number are found; None where it falls on it."""
        number = self.numbers[part]
        if number.way is None:
            value = (lambda x: x[:, part]) if isinstance(part, int) else partial(self.number_at, part)
            low, high = number.pool[number.values.argmin()], number.pool[number.values.argmax()]
            number.way = Way(value, low, high, self.rng)
        return None if isinstance(number.way, Way) and not number.way.rises else number.way

    def number_at(self, c: Contraction, points: np.ndarray) -> np.ndarray:
        """The number (n,) that the inputs of c are at points (n, d)."""
        return self.numbers[c].of(self.function(self.at(c, self.held[c], points)))

    def undone(self, number: _Number, off: float) -> Step | None:
        """The units that make values of the whole of its number; None where these are too many.

        off: of half the range of the number, by which it is off; so much it may lie beyond its ends.
        """
        own = self.numbers[self.whole]
        off = max(off, *(self.off.get(c, self.fitted[c].score) for c in self.steps[:-1]), self.roundoff)
        values = lambda t: ((number.back(t) - own.middle) / own.half)[:, None]
        outer = units_of(values, max(self.goal, self.roundoff), KNOWN * off, self.roundoff)
        if outer is None or len(outer.gains) > MOST_WIDE:
            return None
        return Step([(outer.gains[:, None], outer.offsets)], outer.weights[:, 0], float(outer.constant[0]), off)

    def better(self, most: float) -> bool:
        """More units for the step that needs them most; whether that helped. most: parameters."""
        if self.given_up:
            return False
        worst = max(self.steps, key=lambda c: self.fitted[c].score)
        if self.fitted[worst].score <= self.goal or self.number_of_rung[worst] == len(self.rungs(worst)):
            return False
        return not self.state.progress.out_of_time(1.0 - reserve(self.state)) and self.more(worst, most)

    def rungs(self, c: Contraction) -> Sequence[int]:
        """Units, in the order in which they are tried."""
        return UNITS.get(max(2, len(c.parts)), MANY_INPUTS)

    def place(self, c: Contraction, units: int | None = None) -> bool:
        """Hold the other inputs where the step is the easiest; whether its values are finite somewhere."""
        best, units = np.inf, units or self.rungs(c)[0]
        for held in c.held[:PLACES] if len(c.held) > 1 else ():
            if self.out_of_time:
                return False
            number = self.number(c, held, FIRST_POOL)
            found = None if number is None else self.solved(c, held, number, units)
            if found is not None and found.score < best:
                best, self.held[c] = found.score, held
        held = self.held.setdefault(c, c.held[0])
        number = self.number(c, held, POOL)
        found = None if number is None else self.solved(c, held, number, units)
        if number is None or found is None:
            return False
        self.fitted[c], self.numbers[c], self.number_of_rung[c] = found, number, 1
        if c is self.whole:
            self.target = number
        return True

    def number(self, c: Contraction, held: np.ndarray, count: int, form: Form = ITSELF) -> _Number | None:
        """What these inputs make together, all over its range; None where that is not finite or does not change.

        form: in which it is the number; None where it does not serve.
        """
        each = (count // 3, self.state.dim)
        inside = self.rng.uniform(-1.0, 1.0, each)
        ends = np.where(self.rng.random(each) < 0.5, np.sign(inside), inside)
        pool = np.concatenate([inside, ends, np.sign(self.rng.uniform(-1.0, 1.0, each))])
        values, sign = self.function(self.at(c, held, pool)), 1.0
        if not np.isfinite(values).all() or np.ptp(values) == 0.0:
            return None
        if form is not ITSELF:
            if not form.serves(values):
                return None
            sign = 1.0 if values.max() > 0.0 else -1.0
            values = form.forth(sign * values)
        low, high = float(values.min()), float(values.max())
        middle, half = low / 2 + high / 2, (high - low) / 2
        return _Number(pool, (values - middle) / half, middle, half, form, sign)

    def at(self, c: Contraction, held: np.ndarray, points: np.ndarray) -> np.ndarray:
        """The points (n, d) with the inputs of c of these, and the others where they are held."""
        return np.where(np.isin(np.arange(self.state.dim), sorted(c.inputs)), points, held)

    def points(self, c: Contraction, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Points (n, d), and the numbers (n, m) that the parts are there.

        Evenly over the numbers and denser to their ends, where all are at times, as polynomials need them; and evenly
        over the inputs.
        """
        x, z = np.zeros((count, self.state.dim)), np.empty((count, len(c.parts)))
        even = int(SEEN * count)
        for j, part in enumerate(c.parts):
            number = self.numbers[part]
            order = np.argsort(number.values)
            low, high = number.values[order[[0, -1]]]
            share = 0.5 * (1.0 - np.cos(np.pi * self.rng.random(even)))
            share = np.where(self.rng.random(even) < AT_END, np.round(share), share)
            share[: 2 ** len(c.parts)] = np.arange(2 ** len(c.parts)) >> j & 1  # all corners
            near = np.searchsorted(number.values[order], low + (high - low) * share).clip(0, len(order) - 1)
            rows = np.concatenate([order[near], self.rng.integers(0, len(order), count - even)])
            own = [part] if isinstance(part, int) else sorted(part.inputs)
            x[:, own], z[:, j] = number.pool[rows][:, own], number.values[rows]
        return x, z

    def more(self, c: Contraction, most: float = math.inf) -> bool:
        """Fit a step with the next more units; whether that helped. most: parameters of the network."""
        units = self.rungs(c)[self.number_of_rung[c]]
        left = self.state.progress.left(1.0 - reserve(self.state))
        if left is not None and self.seconds * units**3 > left:
            return False
        if self.size(c, units) > min(most, most_parameters(self.state)):
            return False
        self.number_of_rung[c] += 1
        found = self.solved(c, self.held[c], self.numbers[c], units)
        if found is None or HELPED * found.score > self.fitted[c].score:
            self.number_of_rung[c] = len(self.rungs(c))
        if found is None or found.score >= self.fitted[c].score:
            return False
        self.fitted[c] = found
        return True

    def size(self, changed: Contraction, units: int) -> int:
        """Parameters of the network, about, with so many units for a step."""
        return self.total({changed: _few(changed, units)}, self.last)

    def total(self, instead: dict[Contraction, Step], last: Step | None) -> int:
        """Parameters of the network, about, with some steps in place of others; those not known yet are small."""
        known = {c: _few(c, self.rungs(c)[0]) for c in self.steps} | self.fitted | instead
        widths = widths_of(self.placed(known, last), self.inputs)
        return sum(a * b for a, b in pairwise(widths)) + sum(widths)

    def placed(self, steps: dict[Contraction, Step], last: Step | None) -> list[Placed]:
        """The steps in the layers in which they are, and what undoes the form of the whole."""
        every: list[tuple[Any, Step, Sequence[Any]]] = [(c, steps[c], c.parts) for c in self.steps]
        if last is not None:
            every.append(("form", last, (self.whole,)))
        return placed(every, self.inputs)

    def solved(self, c: Contraction, held: np.ndarray, number: _Number, units: int) -> Step | None:
        """The function of its parts that a number is, by so many units; None where it is not finite."""
        rows = ROWS * units + 2 if len(c.parts) <= 3 else (ROWS * units + 2) * 3 // 2
        x, z = self.points(c, rows + rows // 4)
        y = number.of(self.function(self.at(c, held, x)))[:, None]
        if not np.isfinite(y).all():
            return None
        began = self.state.progress.seconds
        found = linear_features(
            z[:rows], y[:rows], units, scales=SCALES[:4] if units <= SOON else SCALES[:2], beyond=2, draws=1,
            generator=self.rng, roundoff=self.roundoff, validation=(z[rows:], y[rows:]), dtype=self.state.dtype,
            goal=self.goal,
        )  # fmt: skip
        if units > SOON // 2:  # of fewer other things take the time
            self.seconds = (self.state.progress.seconds - began) / units**3
        out = found.output
        return Step([(found.hidden, found.offsets)], out.weights[:, 0], float(out.constant[0]), out.score)

    # --- the network ---

    def layers(self, scaling: Scaling) -> Layers:
        """All steps as layers, each as soon as its parts are known; what is wanted later is handed on."""
        self.joined = True
        unit, middle, half = scaling.y_scale, self.target.middle, self.target.half
        rows = {i: np.eye(self.state.dim)[i] for i in self.inputs}
        layers, (row, constant) = joined(self.placed(self.fitted, self.last), rows)
        layers.append((half * row[None] / unit[:, None], (half * constant + middle - scaling.y_shift) / unit))
        return layers


def _part(inner: Parts, i: int, u: np.ndarray) -> np.ndarray:
    """One of the functions of a sum, (n, 1)."""
    return inner.part(i, u)[:, None]


def _few(c: Contraction, units: int) -> Step:
    """A step of so many units, of which only the size counts."""
    return Step([(np.empty((units, len(c.parts))), np.empty(units))], np.empty(units), 0.0, 0.0)


__all__ = ["Fitting", "contracting", "networks", "simpler_steps_of", "steps_of"]
