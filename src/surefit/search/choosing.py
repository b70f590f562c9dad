"""From a problem and a method to a record: which strategy a method is, and what its settings have become."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from surefit.attempts.events import Callback, notify_failure
from surefit.attempts.journal import Journal
from surefit.attempts.lr_finder import RateTest, range_test, with_found_rate
from surefit.attempts.methods import LBFGS, LM, Adam, Auto, Features, FirstOrder, Method, Solver, method_from
from surefit.attempts.progress import Progress
from surefit.attempts.recalled import data_of
from surefit.attempts.training import plan
from surefit.checking import positive_number
from surefit.core import ops
from surefit.errors import ArgumentError
from surefit.models.chain import is_hidden_layer, output_layer
from surefit.models.scaled import Scaled, scaled
from surefit.models.spec import network_of
from surefit.problems.large import Parts
from surefit.problems.periodic import lifted
from surefit.problems.posing import with_evaluations
from surefit.problems.problem import Problem
from surefit.search.candidates import Candidate
from surefit.search.judging import Judge
from surefit.search.limits import FEW_ROWS, FLOAT32, GOAL
from surefit.search.periodic import Heard, in_own_inputs
from surefit.search.proofs import Prover
from surefit.search.record import Made, Record, Solved, Trained
from surefit.search.robust import robust
from surefit.search.runner import State, Strategy, recorded, run
from surefit.search.strategies.descent import descent, parts
from surefit.search.strategies.functions import known_function
from surefit.search.strategies.given import given_model
from surefit.search.strategies.monotone import monotone
from surefit.search.strategies.named import named
from surefit.search.strategies.proving import until_proved
from surefit.search.strategies.quantiles import quantiles
from surefit.search.strategies.slow import has_few_values, of_few_values
from surefit.search.strategies.streamed import of_all_rows
from surefit.search.strategies.students import students
from surefit.search.strategies.tables import measured_data
from surefit.search.timings import Timings
from surefit.spelling import spelled

# what the card says where rows that are far off count less
ROBUST = ("robust-asked", "robust-found", "robust-found-one")
# of a candidate's details, what the method of a fit tells
DESCRIBED = ("solver", "units", "gain", "output_norm", "jumps", "inputs")


def fit_problem(
    posed: Problem | Callable[[], Problem],
    *,
    tol: float | None = None,
    time: float | None = None,
    method: str | Method = "auto",
    model: Any = None,
    seed: int = 0,
    dtype: Any = None,
    callbacks: Sequence[Callback] = (),
    jit: bool | None = None,
    prove: bool = False,
    halted: Callable[[], bool] | None = None,
    began: float | None = None,
    journal: Journal | None = None,
    again: bool = True,
) -> Record:
    """The record of a Problem, or of what poses one (then the checks of the other arguments come first).

    The arguments are those of `fit`.

    halted: asked after each iteration whether to stop. began: when the clock of `time` started. journal: what is known
    of the fit from an earlier process, and where it is kept. again: whether the automatic choice may begin again from
    other weights of a given network; not where whoever asks does that himself.
    """
    began = clock.perf_counter() if began is None else began
    tol, time = positive_number("tol", tol), positive_number("time", time)
    settings = method_from(method)
    _check_switches(prove, jit, settings)
    kind = checked_dtype(dtype, ops.float32)
    timings = Timings()
    with timings.phase("data"):
        problem = posed if isinstance(posed, Problem) else posed()
    whole, problem = _in_coordinates(problem, settings, int(seed), prove)
    callbacks = callbacks if whole is None else tuple(Heard(callback, whole) for callback in callbacks)
    if tol is not None and problem.quantiles:
        raise ArgumentError("tol: quantiles have no largest error, since values lie above and below them; leave it out")
    if problem.stream is None:
        problem, settings = with_loss(problem, settings, seed, model)
    else:
        settings = of_stream(problem, settings, model, int(seed))
    adaptive = problem.plan is not None and bool(problem.plan.adaptive)
    if isinstance(settings, Auto) and adaptive:
        settings = Adam()  # the first-order methods alone add points as they go
    progress = Progress(
        time=time, evaluations=settings.evaluations if isinstance(settings, Auto) else None, callbacks=callbacks,
        halted=halted, began=began, journal=journal,
    )  # fmt: skip
    solver = isinstance(settings, Solver)
    dtype = kind if dtype is not None or not solver else ops.float64
    state = State(problem, int(seed), ops.dtype_of(dtype), Judge(problem, int(seed), time), progress, tol)
    state.timings = timings
    progress.data_seconds = progress.seconds  # an expensive function takes most of the time until here
    progress.seconds_after = state.judge.seconds_after
    if problem.signs:
        check_monotone(settings, prove)
    if prove:
        state.prover = Prover(problem, state.judge, progress, tol)
    if isinstance(settings, Auto):
        state.first_order_dtype = kind
        if not problem.quantiles and (problem.exact or not problem.signs):  # else validation rows alone decide
            state.aim = FLOAT32 * state.size if state.dtype == ops.float32 else state.judge.share(GOAL)
    settings, strategy, made = strategy_of(state, settings, model, jit, again)
    with notify_failure(callbacks, began):
        if state.prover is not None:
            free = model is None and problem.free
            reason = run(state, until_proved(state, strategy, settings, free))
            record = recorded(with_bounds(state), reason, made, model)
        else:
            record = recorded(state, run(state, strategy), made, model)
        record = record if whole is None else in_own_inputs(record, whole, time)
    record.problem = with_evaluations(record.problem)
    return record


def _check_switches(prove: Any, jit: Any, method: Method) -> None:
    """ArgumentError for switches that are none, and for `jit` where nothing is compiled."""
    if not isinstance(prove, (bool, np.bool_)):
        raise ArgumentError(f"prove={prove!r} must be True or False; the tolerance is {spelled('tol')}")
    if not isinstance(jit, (bool, np.bool_, type(None))):
        raise ArgumentError(f"jit={jit!r} must be True, False or None (compiled where that pays)")
    if jit and isinstance(method, Solver) and not isinstance(method, Auto):
        raise ArgumentError(
            f"jit: {spelled('method', repr(method.name))} computes with NumPy, where nothing is compiled; leave "
            f"{spelled('jit', 'True')} out, or "
            "use a first-order method such as 'adam'"
        )


def strategy_of(
    state: State, method: Method, model: Any, jit: bool | None, again: bool = True
) -> tuple[Method, Strategy, Callable[[Candidate], Made]]:
    """A method as its settings have become, the strategy that it is, and how a record says that it was made.

    ArgumentError for points that are added as training goes on, to a method that chooses its own.
    """
    if isinstance(method, Auto):
        return method, automatic(state, model, jit, again), partial(_solved, state, method)
    if isinstance(method, Solver):
        if state.problem.plan is not None and state.problem.plan.adaptive:
            raise ArgumentError(
                f"adaptive: {spelled('method', repr(method.name))} chooses its points itself; use a first-order "
                "method such as 'adam'"
            )
        if model is None and isinstance(method, Features) and state.problem.stream is not None:
            return method, of_all_rows(state, method), partial(_solved, state, method)
        return method, named(state, method, model), partial(_solved, state, method)
    settings, strategy = first_order(state, method, model, jit)
    return settings, strategy, lambda found: Trained(_resolved(settings, state.problem))


def _in_coordinates(problem: Problem, method: Method, seed: int, prove: bool) -> tuple[Problem | None, Problem]:
    """A problem with periodic inputs with its points, and as rows of their cosines and sines; None, and any other."""
    if not problem.periods:
        return None, problem
    if prove:
        raise ArgumentError("prove: training on where a proof fails is not for periodic inputs; leave periodic out")
    return lifted(problem, seed, isinstance(method, Solver))


def rate_test(
    posed: Callable[[], Problem], method: str | Method, model: Any, seed: int, dtype: Any
) -> RateTest:  # fmt: skip
    """The learning rate that suits a problem, a network and a first-order method."""
    chosen = method_from(method)
    if not isinstance(chosen, FirstOrder):
        raise ArgumentError(f"method={chosen.name!r} has no learning rate; choose a first-order method such as 'adam'")
    kind, problem = ops.float32 if dtype is None else ops.dtype_of(dtype), posed()
    network = network_of(model, problem, np.random.default_rng([seed, 2]), kind, chosen.scale)
    return range_test(scaled(network, problem, chosen.scale, kind), problem, chosen, seed)


def takes_parts(method: Method) -> Parts:
    """What a method does with a table that is read in parts."""
    if isinstance(method, FirstOrder):
        return Parts.OFTEN
    return Parts.ONCE if isinstance(method, (Auto, Features)) else Parts.NONE


def of_stream(problem: Problem, method: Method, model: Any, seed: int) -> Method:
    """The method for a table that is read in parts: of the automatic choice features, or Adam for other networks.

    ArgumentError for a loss that it does not have.
    """
    asked = None if problem.plan is None else problem.plan.loss
    if isinstance(method, Auto):
        network = None if model is None else network_of(model, problem, np.random.default_rng([seed, 2]), ops.float64)
        method = Features() if network is None or is_hidden_layer(network) else Adam()
    if isinstance(method, FirstOrder):
        return with_loss(problem, method, seed, model)[1]
    if asked not in (None, "mse"):
        raise ArgumentError(
            f"loss: of a table that is read in parts {spelled('method', repr(method.name))} minimises squared errors; "
            f"use a first-order method such as 'adam' for {asked!r}"
        )
    if problem.plan is not None and problem.plan.window is not None:
        raise ArgumentError(
            f"window: {spelled('method', repr(method.name))} goes over a table in parts once, and keeps no rows; leave "
            "it out, or use a first-order method such as 'adam'"
        )
    return method


def with_bounds(state: State) -> State:
    """The state whose best candidate has a certificate, unless somebody wants to stop: one more proof for that."""
    best, prover, progress = state.best, state.prover, state.progress
    if best is None or prover is None or progress.interrupted or progress.stopped is not None:
        return state
    if not prover.proves(best) and not prover.is_bounded(best):
        state.changed(best, prover.bounded(best))
    return state


def with_loss(problem: Problem, method: Method, seed: int, model: Any) -> tuple[Problem, Method]:
    """The problem and the method where rows that are far off shall count less, or it is found that they should."""
    asked = None if problem.plan is None else problem.plan.loss
    if problem.quantiles:
        return problem, _of_quantiles(problem, method, model)
    if isinstance(method, FirstOrder) and method.loss == "quantile":
        known = problem.function is not None
        raise ArgumentError(
            "loss: 'quantile' is for the rows of a table; a function has one value at a point"
            if known
            else f"loss: of which quantile? Give its level too, such as {spelled('quantile', '0.9')}"
        )
    if problem.function is not None or asked == "mse":
        return problem, method
    if isinstance(method, FirstOrder):
        return problem, replace(method, loss=asked) if asked is not None and method.loss == "mse" else method
    if asked is None and not (isinstance(method, Auto) and model is None):
        return problem, method
    problem, word = robust(problem, int(seed), asked is not None)
    return (problem if word is None else replace(problem, notes=(*problem.notes, word))), method


def check_monotone(method: Method, prove: bool) -> None:
    """ArgumentError for a method whose weights have no sign, and for proofs while training."""
    if isinstance(method, Solver) and not isinstance(method, (Auto, LM, LBFGS)):
        raise ArgumentError(
            f"monotone: {spelled('method', repr(method.name))} solves for weights of either sign; use 'auto', 'lm', "
            "'lbfgs' or a first-order method such as 'adam'"
        )
    if isinstance(method, FirstOrder) and method.solve_output:
        raise ArgumentError("solve_output: solves for weights of either sign, and monotone= needs one; leave it out")
    if prove:
        raise ArgumentError("prove: training on where a proof fails needs weights of either sign; leave monotone out")


def _of_quantiles(problem: Problem, method: Method, model: Any) -> Method:
    """A method that fits quantiles: a first-order one with the pinball loss; the automatic choice of a network Adam."""
    if isinstance(method, Auto):
        return method if model is None or problem.signs else Adam(loss="quantile")
    if isinstance(method, Solver):
        raise ArgumentError(
            f"quantile: {spelled('method', repr(method.name))} minimises squared errors, which give the mean; use "
            "'auto' or a first-order method such as 'adam'"
        )
    if method.loss not in ("mse", "quantile"):
        raise ArgumentError(
            f"loss: {type(method).__name__} has {method.loss!r}, and quantiles need their own; leave it out"
        )
    if method.solve_output:
        raise ArgumentError("solve_output: minimises squared errors, which give the mean and no quantile; leave it out")
    return replace(method, loss="quantile")


def few_rows(method: str | Method, model: Any) -> int:
    """Rows of a table up to which all train, where nobody asks for a split: of the automatic choice."""
    return FEW_ROWS if model is None and isinstance(method_from(method), Auto) else 0


def checked_dtype(dtype: Any, default: np.dtype) -> np.dtype:
    """The dtype of a network. ArgumentError for another than float32 and float64."""
    kind = default if dtype is None else ops.dtype_of(dtype)
    if kind not in (ops.float32, ops.float64):
        raise ArgumentError(f"dtype={dtype!r} must be 'float32' or 'float64'")
    return kind


def distil_problem(
    posed: Callable[[], tuple[Problem, list[float]]], *, tol: float | None, time: float | None, most: int, seed: int,
    dtype: Any, callbacks: Sequence[Callback],
) -> Record:  # fmt: skip
    """The record of a small network that learns from a teacher: see `search.distilling`."""
    progress = Progress(time=positive_number("time", time), callbacks=callbacks)
    tol, kind = positive_number("tol", tol), checked_dtype(dtype, ops.float64)
    problem, aims = posed()
    state = State(problem, seed, kind, Judge(problem, seed), progress, tol)
    with notify_failure(callbacks, progress.began):
        return recorded(state, run(state, students(state, most, aims)), partial(_solved, state, Auto()))


def automatic(state: State, model: Any, jit: bool | None, again: bool = True) -> Strategy:
    """The strategy of the automatic choice."""
    if state.problem.signs:
        return monotone(state, model, jit)
    if state.problem.quantiles:
        return quantiles(state, jit)
    if model is not None:
        return given_model(state, model, jit, again)
    if has_few_values(state):
        return of_few_values(state)
    return known_function(state, jit) if state.problem.exact else measured_data(state, jit)


def first_order(state: State, method: FirstOrder, model: Any, jit: bool | None) -> tuple[FirstOrder, Strategy]:
    """A first-order method with its learning rate, and its strategy on a network that is trained in place."""
    problem = state.problem
    network = network_of(model, problem, np.random.default_rng([state.seed, 2]), state.dtype, method.scale)
    if method.solve_output and (output_layer(network) is None or problem.gradients is not None):
        raise ArgumentError(
            f"{spelled('solve_output', 'True')} needs a network that ends in a linear layer with a bias, and no "
            "gradients among the data"
        )
    network.eval()
    if method.lr == "auto":
        method = with_rate(state, scaled(network, problem, method.scale, state.dtype), method)
    adaptive = problem.plan is not None and problem.plan.adaptive
    return method, (parts if adaptive else descent)(state, method, network, jit)


def with_rate(state: State, model: Scaled, method: FirstOrder) -> FirstOrder:
    """The method with the rate that a range test finds, or has found."""
    journal, problem = state.progress.journal, state.problem

    def found() -> FirstOrder:
        return with_found_rate(model, problem, method, state.seed)

    if journal is None:
        return found()
    things = [method, model, data_of(problem), state.seed]
    known = journal.recall("rate", things, lambda: [(chosen := found()).lr, chosen.schedule])
    return replace(method, lr=known[0], schedule=known[1])


def _solved(state: State, method: Solver, found: Candidate) -> Solved:
    """How a solver, or the automatic choice, made a network."""
    details = {k: v for k, v in found.details.items() if k in DESCRIBED}
    settings = method.settings()
    settings["ridge"] = found.details.get("ridge", settings.get("ridge"))
    if any(getattr(note, "code", None) in ROBUST for note in state.problem.notes):
        settings["loss"] = "huber"  # by the weights of the rows
    rounded = found.details["solver"] != "adam" and found.model.dtype == ops.float32
    choice = tuple(state.choice) if isinstance(method, Auto) else None
    return Solved(settings, found.stage, choice, details, rounded)


def _resolved(method: FirstOrder, problem: Problem) -> dict[str, Any]:
    """The settings with the choices that were left to us filled in."""
    batch_size, _, epochs, patience = plan(method, problem.sizes()["train"])
    settings = method.settings()
    settings.update(batch_size=batch_size, epochs=epochs, patience=patience)
    settings["schedule"] = (
        ("constant" if method.lr is not None else "cosine") if method.schedule == "auto" else method.schedule
    )
    settings["lr"] = method.rate
    return {k: list(v) if isinstance(v, tuple) else v for k, v in settings.items()}


__all__ = ["distil_problem", "few_rows", "fit_problem", "rate_test", "takes_parts"]
