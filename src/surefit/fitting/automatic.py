"""fit with a solver: the one that was named, or a ladder of them that is climbed until the tolerance is reached.

The ladder of a known function without noise: features with more and more units, each polished by variable projection
where that can bring it to the goal; when more units stop helping (kinks, many inputs), variable projection on a hidden
layer that is small enough to be searched, then more units where the error is, then Levenberg-Marquardt on two hidden
layers, with more points where the error is, then Adam on the network that fit uses by default, with a last solve for
its output layer. Where gradients are fitted too and the points are few, variable projection is tried in any case.
Measured data climb features, variable projection and Adam with a penalty and early stopping, and the validation rows
choose.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from surefit import nn
from surefit.attempts.descent import Callback, Epoch, Finished, Started, plan, train
from surefit.attempts.methods import LBFGS, LM, Adam, Auto, Features, Solver, VarPro
from surefit.core import ops
from surefit.errors import ArgumentError
from surefit.fitting.adaptive import with_worst
from surefit.fitting.fitted import Fit
from surefit.fitting.refined import refine
from surefit.fitting.solving import (
    DESCRIBED,
    FEWEST,
    FLOAT32,
    MANY,
    Candidate,
    Run,
    check_method,
    equations,
    fewer_rows,
    predictor,
    restate,
    rows_of,
    scan,
    search,
    solve_last,
)
from surefit.models.chain import chain_of, is_hidden_layer, output_layer
from surefit.models.scaled import scaled
from surefit.models.spec import network_of
from surefit.problems.gradients import unlike
from surefit.problems.problem import ROWS, Problem
from surefit.reports.film import Snapshots, tell_model
from surefit.solvers.features import SCALES

GOAL = 1e-7  # of the largest |target|: what is aimed at when no tolerance is given
UNITS = {1: (20, 50, 100, 200, 400, 800, 1600), 2: (60, 150, 300, 600, 1000), 3: (150, 400, 800, 2000)}  # by inputs
MANY_INPUTS = (300, 800, 2000)
LARGE = 400  # units from which a solve takes long, so that steepnesses are not tried in plenty
SEARCHED = 400  # parameters of a hidden layer that variable projection is tried on by the way
IN_REACH = {1: 1e4}  # variable projection is tried when the error is so many times the goal; more units are cheap too
IN_REACH_OF_MORE = 100.0  # in more than one dimension, where it is dear
LEARNED = 0.3  # relative error above which nothing is learned yet, so that no trend can be seen
HELPED = 3.0  # more units that lower the error by less than this do not help
ADAM_REACHES = 1e-3  # relative error below which Adam has nothing to add
LM_REACHES = 1e-5  # likewise for Levenberg-Marquardt
ADAM_AFTER_LM = 1e-2  # likewise after Levenberg-Marquardt, which has then found what bends
SOLVER_SHARE = 0.7  # of the time, when Levenberg-Marquardt or Adam may have to follow
LM_SHARE = 0.9  # likewise, when Adam may have to follow
LAST_SHARE = 0.96  # when nothing follows but measuring the error
DEEP = (16, 16)  # hidden layers that Levenberg-Marquardt is tried on
REFINED = 4  # rounds of more units where the error is
MOST_JACOBIAN = 4_000_000  # numbers in a Jacobian that automatic choice still takes: half a second an iteration
FEW_JACOBIAN = 500_000  # numbers in the Jacobian of variable projection on few points with gradients
ENOUGH = 20_000  # training points of one of many inputs, whatever the network
LM_FEW, LM_MANY = 5, 20  # training points for each parameter that Levenberg-Marquardt begins and goes on with
LM_FIRST, LM_AGAIN = 60, 15  # iterations at first, and whenever there are more points
LM_ROUNDS = 6  # with more points, when nothing was asked for
LM_ROUNDS_ASKED = 30  # where there is a tolerance to reach, or time to use
LM_ADDED = 0.15  # of the points, in each round after the first
LOOKED = 0.25  # of the time of a round that it may take to look for points
WORTH = 1.05  # a round that lowers the error by less than this did not help
DEEP_VARPRO = 60  # iterations on a network of several hidden layers
LM_WORK = 1.5e11  # rows times the square of the parameters, over all iterations: half a minute
NOISY_UNITS = (30, 100, 300, 800)
MOST_SQUARE = 4e9  # rows times the square of the units: a second for a solve
QUICK_SQUARE = 2e8  # a twentieth of a second: a dozen of them may be tried
FIRST_SHARE = 0.4  # of the time, for the features of measured data
FEWER = 4  # measured data get so much less of Adam than it takes by itself: it is seldom the best there
CLEAN = 1e-5  # relative validation error below which measured data have no noise worth speaking of


def solve(
    problem: Problem,
    method: Solver,
    *,
    tol: float | None,
    time: float | None,
    model: Any,
    seed: int,
    dtype: Any,
    callbacks: Sequence[Callback] = (),
    jit: bool | None = None,
    halted: Callable[[], bool] | None = None,
) -> Fit:
    """The Fit of a problem by a solver or by the automatic choice.

    dtype None: float64, float32 where Adam was best. jit: of Adam, if the automatic choice comes to it. halted: asked
    after each iteration whether to stop.
    """
    if problem.plan is not None and problem.plan.adaptive:
        raise ArgumentError(
            f"adaptive: method={method.name!r} chooses its points itself; use a first-order method such as 'adam'"
        )
    run = Run(problem, seed, tol, time, ops.dtype_of(ops.float64 if dtype is None else dtype), callbacks, halted)
    try:
        reason = _ladder(run, method, model, dtype, jit) if isinstance(method, Auto) else _named(run, method, model)
    except KeyboardInterrupt:
        run.interrupted = True
        reason = ""
    best = run.best()
    if best is None:  # interrupted before anything was solved
        best = run.candidate(run.built(model), problem, "initial weights", {"solver": "none"})
    if run.interrupted:
        reason = "interrupted; the best network so far is kept"
    settings = method.settings() | {"loss": "mse", "scale": True, "best_weights": True, "stage": best.stage}
    settings |= {k: v for k, v in best.details.items() if k in DESCRIBED}
    if isinstance(method, Auto):
        settings["choice"] = run.told
    settings["rounded"] = best.details["solver"] != "adam" and best.model.dtype == ops.float32
    settings["penalty"] = best.details.get("penalty", settings.get("penalty"))
    tell_model(callbacks, best.model, best.problem, seed)
    run.finished(reason)
    return Fit(
        problem=best.problem, model=best.model, method=settings, error=best.error, history=run.history,
        stop_reason=reason, seed=seed, steps=run.evaluations, seconds=run.seconds, tol=tol,
        interrupted=run.interrupted, best_epoch=best.row or None, warnings=[*problem.notes, *run.warnings],
        film=next((c.film for c in callbacks if isinstance(c, Snapshots)), None),
    )  # fmt: skip


# --- a named solver ---------------------------------------------------------------------------------------------------


def _named(run: Run, method: Solver, model: Any) -> str:
    """One method on the network asked for, or on one of a size that suits it."""
    d, n = run.problem.domain.dim, run.equations
    if model is None:
        if isinstance(method, (Features, VarPro)):
            units = {1: 100, 2: 400}.get(d, 800) if isinstance(method, Features) else {1: 50, 2: 80}.get(d, 60)
            model = (units if run.free else max(1, min(units, n // 3)),)
        elif isinstance(method, LM):
            model = DEEP
    network = run.built(model)
    check_method(method, network, run.problem)
    p, problem = network.num_parameters(), run.problem
    if run.free:
        rows = ROWS * p // (d + 2) + 2
        if not isinstance(method, Features) and d >= MANY:
            most = MOST_JACOBIAN // (p * len(problem.outputs))
            rows = max(rows, min(rows_of(problem) * p, most, ENOUGH))
        if isinstance(method, (LM, LBFGS)):
            rows = max(rows, min(2 * p, 1000 * d))
        problem = run.drawn(rows)
    goal = run.tol if run.exact else None
    found: Candidate | None = None
    penalty = 0.0
    if isinstance(method, Features) or (isinstance(method, VarPro) and is_hidden_layer(network)):
        first = method if isinstance(method, Features) else Features(draws=method.draws, penalty=method.penalty)
        found = scan(run, network, problem, first, goal)
        penalty = 0.0 if found is None else found.details["penalty"]
    if not isinstance(method, Features) and not (run.reached() or run.stopped or run.interrupted):
        found = search(run, network, problem, method, goal, penalty=penalty)  # type: ignore[arg-type]
    if run.reached():
        return "the tolerance was reached"
    if run.stopped:
        return run.stopped
    if run.out_of_time():
        return f"time={run.time:g} s used up"
    return "" if found is None else found.details["reason"].rstrip(".")


# --- the automatic choice ---------------------------------------------------------------------------------------------


def _ladder(run: Run, method: Auto, model: Any, dtype: Any, jit: bool | None) -> str:
    """Climb; why it ended."""
    given = model
    if given is not None:
        given = run.built(given)
    climb = _Ladder(run, method, given, dtype, jit)
    if given is not None:
        reason = climb.given_network()
    elif run.exact:
        reason = climb.function()
    else:
        reason = climb.measured_data()
    return reason


class _Ladder:
    """The rungs, and what is known on the way."""

    def __init__(self, run: Run, method: Auto, network: nn.Module | None, dtype: Any, jit: bool | None) -> None:
        self.run, self.method, self.network, self.dtype, self.jit = run, method, network, dtype, jit
        run.limit = method.evaluations
        single = run.dtype == ops.float32
        self.goal = run.tol if run.tol is not None else (FLOAT32 if single else GOAL) * run.size
        self.floor = FLOAT32 * run.size if single else 0.0
        self.dim = run.problem.domain.dim
        self.separable = run.problem.slopes is None or not len(unlike(run.problem.slopes))  # for variable projection

    # --- what happens between rungs ---

    def over(self, share: float = 1.0) -> str | None:
        """Why the climb is over, if it is."""
        run = self.run
        best = run.best()
        if run.reached():
            return "the tolerance was reached"
        if run.exact and run.tol is None and best is not None and best.judged <= self.goal:
            return f"the error is below {self.goal / run.size:.3g} of the largest value, and no tolerance was asked for"
        if run.exact and best is not None and best.judged <= self.floor:
            return "this is what float32 can hold; dtype='float64' goes further"
        if run.interrupted:
            return "interrupted"
        if run.stopped:
            return run.stopped
        if run.out_of_time(share):
            return f"time={run.time:g} s used up"
        if run.limit is not None and run.evaluations >= run.limit:
            return f"all {run.limit} evaluations were used"
        return None

    def tell(self, found: Candidate | None, why: str = "") -> None:
        """A sentence for the card."""
        if found is not None:
            held = "validation error" if self.run.problem.validation else "training error"
            what = "max |error|" if self.run.exact else held
            self.run.told.append(f"{found.stage}: {what} {found.judged:.2g}" + (f"; {why}" if why else ""))
        elif why:
            self.run.told.append(why)

    def say(self, why: str) -> None:
        self.run.told.append(why)

    # --- a function that is known exactly ---

    def function(self) -> str:
        """Features with more and more units, and what follows where they do not do."""
        run = self.run
        ladder = UNITS.get(self.dim, MANY_INPUTS)
        if not run.free:
            most = run.equations // 2
            ladder = (*(h for h in ladder if 1.3 * h <= most), max(1, min(most, ladder[-1])))  # up to what they can fix
        before = math.inf
        scales: Sequence[float] = SCALES
        searched, last, rate = False, 1, 0.0  # seconds of a solve over the cube of the units
        for units in ladder:
            left = run.left()
            if left is not None and len(scales) * rate * units**3 > left:  # as many as the time allows
                fitting = int((0.8 * left / (len(scales) * rate)) ** (1 / 3))
                if fitting < 1.2 * last:
                    self.say(f"{units} units were left out: their solve would take longer than the time that is left")
                    break
                units = fitting
            network, problem = run.hidden(units), self.drawn(units)
            large, began, known = units > LARGE, run.seconds, len(run.history)
            draws, beyond = (1, 0 if large else 4) if units > 100 else (2, 4)
            found = scan(run, network, problem, Features(draws=draws), self.goal, scales, beyond, SOLVER_SHARE)
            last, rate = units, (run.seconds - began) / max(1, len(run.history) - known) / units**3
            self.tell(found)
            if (why := self.over(SOLVER_SHARE)) is not None or found is None:
                return self.after_solvers(why)
            helped = before / found.judged if found.judged > 0 else math.inf
            near = found.judged <= IN_REACH.get(self.dim, IN_REACH_OF_MORE) * self.goal
            hidden = units * (self.dim + 1)
            numbers = equations(fewer_rows(problem, FEWEST)) * len(problem.outputs) * hidden
            small = hidden <= SEARCHED and numbers <= 2 * MOST_JACOBIAN
            cheap = self.dim == 1 and units < LARGE  # so that a try costs next to nothing
            stuck = helped < HELPED and not cheap and found.judged < LEARNED * self.run.size
            if small and (near or (stuck and not searched)):
                searched = True
                method = self.polishing(iterations=30 if near else 60)
                polished = search(run, network, problem, method, self.goal, SOLVER_SHARE)
                self.tell(polished)
                if (why := self.over(SOLVER_SHARE)) is not None:
                    return self.after_solvers(why)
            if stuck:
                self.say("more units did not help: kinks, or too many inputs for units placed at random")
                break
            if self.dim > 3 and units > LARGE and found.judged > ADAM_AFTER_LM * run.size:
                self.say("more units were left out: with so many inputs, two hidden layers come closer in less time")
                break
            if self.dim == 1 and units > LARGE and found.judged > LEARNED * run.size:
                self.say("more units were left out: so many have learned nothing, as at a pole")
                break
            before = found.judged
            centre = found.details["steepness"]
            if found.judged > LEARNED * run.size:
                scales = SCALES
                continue
            scales = (centre, 2 * centre) if 2 * units > LARGE else (centre, 2 * centre, 4 * centre, centre / 2)
        return self.after_solvers(None)

    def polishing(self, iterations: int) -> VarPro | LM:
        """What searches a hidden layer: variable projection, where one row of features serves all outputs."""
        return VarPro(iterations=iterations) if self.separable else LM(iterations=iterations)

    def drawn(self, units: int) -> Problem:
        """Training points for so many units."""
        rows = ROWS * units + 2
        return self.run.drawn(rows if self.dim <= 3 else rows + rows // 2)

    def after_solvers(self, why: str | None) -> str:
        """Levenberg-Marquardt and Adam, where the features were not enough and something is left to spend."""
        run, best = self.run, self.run.best()
        final = self.over()
        if final is not None or best is None:
            return final or why or "nothing could be solved"
        good = best.judged / run.size <= ADAM_REACHES
        refinable = run.free and self.dim <= 3 and best.details.get("solver") == "features"
        if why is None and refinable and (run.tol is not None or not good):
            units = max(20, min(150, best.details["units"] // 2))
            self.tell(refine(run, best, units, REFINED, self.goal, SOLVER_SHARE))
            best, why = run.best() or best, self.over(SOLVER_SHARE)
            if (final := self.over()) is not None:
                return final
        if why is None and run.problem.slopes is not None:
            self.few()
            best, why = run.best() or best, self.over(SOLVER_SHARE)
            if (final := self.over()) is not None:
                return final
        asked = run.tol is not None or run.time is not None  # who asks for nothing gets what is good enough, soon
        if best.judged / run.size <= (LM_REACHES if asked else ADAM_REACHES):
            self.say(f"Adam was left out: it seldom comes below {ADAM_REACHES:g} of the largest value")
            return self.ended()
        problem = run.drawn(min(1000 * self.dim**2, ENOUGH))
        if not run.out_of_time(LM_SHARE):
            self.marquardt(run.built(DEEP), LM_FIRST)
            if (final := self.over(LAST_SHARE)) is not None:
                return final
            best = run.best() or best
            if best.judged / run.size <= ADAM_AFTER_LM:
                self.say(f"Adam was left out: here it seldom comes below {ADAM_AFTER_LM:g} of the largest value")
                return self.ended()
        self.adam(problem, None)
        return self.over() or self.ended()

    def few(self) -> None:
        """Search the units that values and gradients of few points can fix: placed at random they were not enough."""
        run, each = self.run, self.dim + 2  # parameters of a unit
        units = max(1, min(run.equations // 3, SEARCHED // each))
        searched = any(c.details["solver"] in ("varpro", "lm") for c in run.candidates)
        if searched or equations(fewer_rows(run.problem, FEWEST)) * units * each > FEW_JACOBIAN:
            return
        network = run.hidden(units)
        self.tell(scan(run, network, run.problem, Features(draws=1), self.goal, share=SOLVER_SHARE))
        if self.over(SOLVER_SHARE) is None:
            self.tell(search(run, network, run.problem, self.polishing(60), self.goal, SOLVER_SHARE))

    def ended(self) -> str:
        """The reason when all rungs are behind."""
        run = self.run
        if run.tol is None:
            return "what could have made it better was tried; the best is kept"
        return "the tolerance was not reached by any method; the best is kept"

    def marquardt(self, network: nn.Module, iterations: int) -> None:
        """Levenberg-Marquardt: on few points, on many, then on more where the error is, as long as that helps."""
        run = self.run
        p, k = network.num_parameters(), len(run.problem.outputs)
        most = max(2 * p // k, MOST_JACOBIAN // (p * k))
        problem = run.drawn(min(LM_FEW * p, most))
        if (n := equations(problem)) * p * k > 2 * MOST_JACOBIAN:
            self.say(f"Levenberg-Marquardt was left out: {n} rows by {p} parameters are too many")
            return
        goal = self.goal if run.exact else None
        share = LM_SHARE if run.time is not None else 1.0
        best = search(run, network, problem, LM(iterations=iterations), goal, share, thin=False)
        self.tell(best)
        if best is None or not run.free:
            return
        rng, failed = np.random.default_rng([run.seed, 0xADD]), 0
        work = 0.0
        for number in range(LM_ROUNDS if run.tol is None and run.time is None else LM_ROUNDS_ASKED):
            work += LM_AGAIN * k * n * p**2
            if run.time is None and work > LM_WORK:
                break
            if run.time is not None and best.judged <= ADAM_AFTER_LM * run.size:
                share = LAST_SHARE
            if self.over(share) is not None or failed > 1:
                break
            began, before = run.seconds, problem
            if number == 0:
                problem = run.drawn(min(LM_MANY * p, most))
                n = len(problem.train[0])
            else:
                problem = with_worst(problem, predictor(best.model), rng, max(1, round(LM_ADDED * n)))
            looked = run.seconds - began
            restate(network, before, problem)
            note = f", {len(problem.train[0])} points"
            found = search(run, network, problem, LM(iterations=LM_AGAIN), goal, share, thin=False, note=note)
            self.tell(found, "the last were added where it was worst" if number else "")
            if found is None or looked > LOOKED * (run.seconds - began):  # values are dear
                break
            gains = (
                (best.judged / found.judged, best.error.rmse / found.error.rmse) if found.judged > 0 else (math.inf,)
            )
            failed = 0 if number == 0 or max(gains) >= WORTH else failed + 1
            best = found if found.judged < best.judged else best

    # --- measured data ---

    def measured_data(self) -> str:
        """Ridge regression on features, variable projection, Adam; the validation rows choose."""
        run = self.run
        n, k = run.problem.train[1].shape
        rows = equations(run.problem)
        affordable = [h for h in NOISY_UNITS if h <= n and rows * h * h <= MOST_SQUARE] or [NOISY_UNITS[0]]
        scales: Sequence[float] = ()
        for units in affordable:
            small = rows * units * units <= QUICK_SQUARE
            draws, beyond = (2, 4) if small or not scales else (1, 1)
            network = run.hidden(min(units, max(1, n - 1)))
            found = scan(
                run, network, run.problem, Features(draws=draws), None, scales if not small else (), beyond, FIRST_SHARE
            )
            self.tell(found)
            if (why := self.over()) is not None:
                return why
            if found is None or run.out_of_time(FIRST_SHARE):
                break
            centre = found.details["steepness"]
            scales = (centre, 2 * centre, centre / 2)
        each = self.dim + 2  # parameters of a unit
        units = max(1, min(NOISY_UNITS[0], rows // (3 * each), MOST_JACOBIAN // (rows * k * each)))
        for count in (units, 2 * units):
            parameters = count * each
            dear = parameters > 2 * SEARCHED or rows * k * parameters > 2 * MOST_JACOBIAN
            if dear or run.out_of_time(SOLVER_SHARE):
                break
            network = run.hidden(count)
            found = scan(run, network, run.problem, Features(draws=1), None, share=SOLVER_SHARE)
            penalty = 0.0 if found is None else found.details["penalty"]
            self.tell(search(run, network, run.problem, self.polishing(60), None, SOLVER_SHARE, penalty))
            if (why := self.over()) is not None:
                return why
        best = run.best()
        if best is not None and best.judged <= CLEAN:
            self.say("Adam was left out: the validation error is next to nothing")
            return "the validation error is next to nothing"
        by_adam = self.adam(run.problem, None)
        before = run.best()
        run.prefer(by_adam)
        if before is not run.best():
            self.say("Adam was kept: at so few validation rows the others may be better by chance")
        chose = "validation" if run.problem.validation else "training"
        return self.over() or f"every method was tried; the {chose} rows chose"

    # --- a network that was given ---

    def given_network(self) -> str:
        """The solvers that fit the network, cheap ones first, then Adam."""
        run, network = self.run, self.network
        assert network is not None
        d, k = self.dim, len(run.problem.outputs)
        p = network.num_parameters()
        goal = self.goal if run.exact else None
        start = [leaf.detach().numpy() for leaf in (*network.parameters(), *network.buffers())]

        def restore() -> None:
            for leaf, value in zip((*network.parameters(), *network.buffers()), start, strict=True):
                leaf.assign(value)

        rows = min(max(2 * p // k, ROWS * p // (d + 2)) + 2, max(1000 * d * d, 2 * p // k))
        problem = run.drawn(rows)
        n = equations(problem)
        solved = False
        if is_hidden_layer(network):
            chain = chain_of(network)
            assert chain is not None
            problem = self.drawn(chain[0][0].out_features)
            found = scan(run, network, problem, Features(), goal)
            self.tell(found)
            solved = True
            if (why := self.over()) is not None:
                return why
            if p * equations(problem) * k <= MOST_JACOBIAN:
                penalty = 0.0 if found is None else found.details["penalty"]
                self.tell(search(run, network, problem, self.polishing(100), goal, SOLVER_SHARE, penalty))
                if (why := self.over()) is not None:
                    return why
        elif p * n * k <= MOST_JACOBIAN:
            iterations = int(min(200, max(20, LM_WORK / (k * n * p**2 + p**3))))
            self.marquardt(network, iterations)
            solved = True
            if (why := self.over()) is not None:
                return why
            if output_layer(network) is not None and self.separable:
                restore()
                self.tell(search(run, network, problem, VarPro(iterations=DEEP_VARPRO), goal, LM_SHARE))
                if (why := self.over()) is not None:
                    return why
        else:
            self.say(f"Levenberg-Marquardt was left out: {n} rows by {p} parameters are too many")
            self.tell(search(run, network, problem, LBFGS(iterations=500), goal, SOLVER_SHARE / 2))
            solved = True
            if (why := self.over()) is not None:
                return why
        best = run.best()
        if solved and best is not None and run.exact and best.judged / run.size <= ADAM_REACHES:
            self.say(f"Adam was left out: it seldom comes below {ADAM_REACHES:g} of the largest value")
            return self.ended()
        restore()
        self.adam(run.drawn(min(1000 * d * d, 20_000)), network)
        return self.over() or self.ended()

    # --- the last rung ---

    def adam(self, problem: Problem, network: nn.Module | None) -> Candidate:
        """Adam in float32, or in the dtype asked for, and a last solve for the output layer."""
        run = self.run
        kind = ops.dtype_of(ops.default_float if self.dtype is None else self.dtype)
        if network is None:
            network = network_of(None, problem, np.random.default_rng([run.seed, 2]), kind)
        network.to(kind)
        whole = scaled(network, problem, True, kind)
        stage = f"adam, {network.num_parameters()} parameters, {kind}"
        offset = len(run.history)
        limit = run.left()

        def forward(event: Any) -> bool:
            if isinstance(event, Started):
                run.started(event.epochs, event.parameters)
            elif isinstance(event, Epoch):
                run.step(
                    stage, event.epoch, event.epochs, event.train_loss, event.validation_loss, event.best, event.lr
                )
            return run.stopped is not None and not isinstance(event, Finished)

        def good_enough() -> bool:
            network.eval()
            try:
                x, y = (a[:: max(1, len(run.points[0]) // 512)] for a in run.points)
                quick = np.abs(predictor(whole)(x) - y).max() <= self.goal
                return bool(quick) and run.measured(predictor(whole)).max <= self.goal
            finally:
                network.train()

        method = Adam() if run.exact else Adam(epochs=max(1, plan(Adam(), len(problem.train[0]))[2] // FEWER))
        outcome = train(
            whole, problem, method, seed=run.seed, time=limit, good_enough=good_enough if run.exact else None,
            callbacks=[forward], jit=self.jit,
        )  # fmt: skip
        whole.eval()
        run.interrupted |= outcome.interrupted
        run.warnings += outcome.warnings
        was, run.dtype = run.dtype, kind
        solve_last(whole, problem)
        details = {"solver": "adam", "reason": outcome.stop_reason, "steps": outcome.steps}
        found = run.candidate(network, problem, stage, details)
        found.model = whole
        run.dtype = was
        reason = outcome.stop_reason  # whose time was what the solvers had left
        if reason.startswith("time="):
            reason = f"time={run.time:g} s used up"
        if outcome.best_epoch is not None:
            found.row = offset + outcome.best_epoch
        self.tell(found, reason)
        return found


__all__ = ["GOAL", "solve"]
