"""fit(target, domain) -> Fit: a trained network with an honest account of how good it is."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from surefit import nn
from surefit.attempts.descent import Outcome, callbacks_from, plan, train
from surefit.attempts.lr_finder import with_found_rate
from surefit.attempts.methods import Adam, Auto, FirstOrder, Method, Solver, method_from
from surefit.core import ops
from surefit.core.tensor import Tensor, no_grad
from surefit.data import Sampling
from surefit.errors import ArgumentError
from surefit.fitting.adaptive import train_adaptively
from surefit.fitting.automatic import solve
from surefit.fitting.fitted import BLOCK, Fit
from surefit.fitting.solving import solve_last
from surefit.fitting.together import best_of, fit_each, positive_number, seeds_of, whole_number
from surefit.models.chain import output_layer
from surefit.models.inference import values_of
from surefit.models.scaled import scaled
from surefit.models.spec import network_of
from surefit.problems.problem import Problem, pose
from surefit.reports.film import Snapshots, tell_model
from surefit.reports.provenance import call_of
from surefit.search.judging import measure

Callbacks = Callable[[Any], Any] | Sequence[Callable[[Any], Any]] | None

ROUNDING = 1e-4  # relative errors below which the order of float32 sums could be seen


def fit(
    target: Any,
    domain: Any = None,
    *,
    tol: float | None = None,
    time: float | None = None,
    method: str | Method = "auto",
    model: Any = None,
    data: Sampling | None = None,
    seed: int = 0,
    dtype: Any = None,
    callbacks: Callbacks = (),
    jit: bool | None = None,
    restarts: int = 1,
) -> Fit:
    """Fit a function with a neural network.

    Args:
        target: a formula ("sin(x1) - cos(x2)"; several outputs: "sin(x); cos(x)" or a list), a callable, a table
        (path to
            CSV or Parquet, DataFrame, dict of columns, `Table`; the last column is the target) or arrays (X, y).
        domain: where, for a function: {"x": (-5, 5)}, "x=-5:5", or (low, high). For a table: its own range.
        tol: the largest |error| that is good enough, in the units of the target; training ends when it is reached.
        time: seconds of training at most.
        method: "auto", a name ("features", "varpro", "lm", "lbfgs", "adam", "sgd", ...) or a method object,
            surefit.Adam(lr=3e-4, epochs=300, batch_size=64), surefit.VarPro(iterations=50).
        model: widths such as (64, 64), an `MLPSpec`, or any `nn.Module` (trained in place by the first-order methods;
            the solvers leave their answer in a copy). None: what suits the method.
        data: a `Sampling`: how many points, which design, noise, split, weights.
        seed: of data, weights and order; one seed gives one result.
        dtype: of the network that comes out, "float32" or "float64". None: float32 for first-order methods and
            float64 for solvers, which always compute in it.
        callbacks: functions of one event (`Started`, `Epoch`, `Finished`), or one function; returning True stops. One
            that never stops nor looks at weights may say so (an attribute `passive = True`): then epochs need not wait
            for it.
        jit: first-order training as machine code (True), eager (False), or compiled where that pays (None). "auto"
            passes it on to Adam, if it comes to that. The other solvers compute with NumPy and refuse True.
        restarts: networks with seeds of their own that are trained at once over the cores; the one with the best
            validation loss is kept; of solvers that with the smallest error.

    Returns:
        A `Fit`.

    Raises:
        FormulaError, DomainError, DataError, ArgumentError, ShapeError: something is wrong with what came; the message
            names it and the cure. NotFiniteError: training broke down before a first epoch was done.

    >>> import surefit
    >>> fit = surefit.fit("sin(x)", "x=-3:3", method=surefit.Adam(epochs=3), model=(8,))
    >>> fit.names, fit.predict([0.0, 1.0]).shape
    (('x',), (2,))
    """
    arguments: dict[str, Any] = dict(
        tol=tol, time=time, method=method, model=model, data=data, seed=seed, dtype=dtype, callbacks=callbacks, jit=jit
    )
    fits = fits_of(target, domain, count=whole_number("restarts", restarts, 1), **arguments)
    fitted = fits[0] if restarts == 1 else best_of(fits)
    fitted.call = call_of(
        domain=domain, tol=tol, time=time, method=method, model=model, data=data, seed=seed, dtype=dtype
    )
    return fitted


def fits_of(
    target: Any, domain: Any = None, *, count: int, seed: int = 0, method: str | Method = "auto", model: Any = None,
    data: Sampling | None = None, callbacks: Callbacks = (), jit: bool | None = None, **rest: Any,
) -> list[Fit]:  # fmt: skip
    """`count` fits of one problem with seeds of their own, at once over the cores; callbacks hear of the first."""
    unknown = sorted(set(rest) - {"tol", "time", "dtype"})
    if unknown:
        raise ArgumentError(f"ensemble: it has no argument {unknown[0]!r}; besides members it takes those of fit")
    seed, callbacks = whole_number("seed", seed, 0), callbacks_from(callbacks)
    settings = method_from(method)

    def posed() -> Problem:
        return pose(target, domain, data, seed, solver=isinstance(settings, Solver))

    shared: dict[str, Any] = dict(method=settings, model=model, jit=jit, **rest)
    if count == 1:
        return [fit_problem(posed, seed=seed, callbacks=callbacks, **shared)]
    if isinstance(model, nn.Module):
        raise ArgumentError("model: a Module can be trained only once; give widths or an MLPSpec for several networks")

    def one(problem: Problem, *, seed: int, first: bool, halted: Callable[[], bool]) -> Fit:
        return fit_problem(problem, seed=seed, callbacks=callbacks if first else (), halted=halted, **shared)

    return fit_each(posed(), seeds_of(seed, count), one)


def fit_problem(
    posed: Problem | Callable[[], Problem],
    *,
    tol: float | None = None,
    time: float | None = None,
    method: str | Method = "auto",
    model: Any = None,
    seed: int = 0,
    dtype: Any = None,
    callbacks: Callbacks = (),
    jit: bool | None = None,
    halted: Callable[[], bool] | None = None,
) -> Fit:
    """`fit` of a Problem, or of what poses one (then the checks of the other arguments come first)."""
    began = clock.perf_counter()
    tol, time = positive_number("tol", tol), positive_number("time", time)
    callbacks = callbacks_from(callbacks)
    settings = method_from(method)
    if jit and isinstance(settings, Solver) and not isinstance(settings, Auto):
        raise ArgumentError(
            f"jit=True: method={settings.name!r} computes with NumPy, where nothing is compiled; leave jit out, or "
            "use a first-order method such as 'adam'"
        )
    kind = ops.default_float if dtype is None else ops.dtype_of(dtype)
    if kind not in (ops.float32, ops.float64):
        raise ArgumentError(f"dtype={dtype!r} must be 'float32' or 'float64'")
    problem = posed if isinstance(posed, Problem) else posed()
    if isinstance(settings, Auto) and problem.plan is not None and problem.plan.adaptive:
        settings = Adam()  # the first-order methods alone add points as they go
    if isinstance(settings, Solver):
        return solve(
            problem,
            settings,
            tol=tol,
            time=time,
            model=model,
            seed=int(seed),
            dtype=dtype and kind,
            callbacks=callbacks,
            jit=jit,
            halted=halted,
        )
    network = network_of(model, problem, np.random.default_rng([int(seed), 2]), kind, settings.scale)
    whole = scaled(network, problem, settings.scale, kind)
    whole.eval()
    if settings.solve_output and (output_layer(network) is None or problem.slopes is not None):
        raise ArgumentError(
            "solve_output=True needs a network that ends in a linear layer with a bias, and no gradients among the data"
        )
    settings = with_found_rate(whole, problem, settings, int(seed))

    x, y = problem.verification(int(seed))  # once, since the function may be expensive

    def predict(points: np.ndarray) -> np.ndarray:
        with no_grad():
            return np.concatenate([whole(Tensor(points[i : i + BLOCK])).numpy() for i in range(0, len(points), BLOCK)])

    def good_enough() -> bool:
        network.eval()
        try:
            probe = slice(None, None, max(1, len(x) // 512))  # a quick look first
            limit = float(tol)  # type: ignore[arg-type]
            if not np.abs(predict(x[probe]) - y[probe]).max() <= limit:
                return False
            return measure(predict, problem, int(seed), (x, y)).max <= limit
        finally:
            network.train()

    tell_model(callbacks, whole, problem, int(seed))
    outcome: Outcome
    arguments: dict[str, Any] = dict(
        seed=int(seed), time=time, good_enough=None if tol is None else good_enough, callbacks=callbacks,
        jit=jit, halted=halted,
    )  # fmt: skip
    if problem.plan is not None and problem.plan.adaptive:
        outcome, problem = train_adaptively(whole, problem, settings, predict, **arguments)
    else:
        outcome = train(whole, problem, settings, **arguments)
    whole.eval()
    if settings.solve_output:
        solve_last(whole, problem)
    error = measure(predict, problem, int(seed), (x, y))
    if kind == ops.float32 and error.max <= ROUNDING * np.abs(y).max(initial=0.0):
        error = measure(values_of(whole), problem, int(seed), (x, y))  # as it is used later
    return Fit(
        problem=problem,
        model=whole,
        method=_resolved(settings, problem),
        error=error,
        history=outcome.history,
        stop_reason=outcome.stop_reason,
        seed=int(seed),
        steps=outcome.steps,
        seconds=clock.perf_counter() - began,
        tol=tol,
        interrupted=outcome.interrupted,
        best_epoch=outcome.best_epoch,
        warnings=[*problem.notes, *outcome.warnings],
        compile_seconds=outcome.compile_seconds,
        film=next((c.film for c in callbacks if isinstance(c, Snapshots)), None),
    )


def _resolved(method: FirstOrder, problem: Problem) -> dict[str, Any]:
    """The settings with the choices that were left to us filled in."""
    batch_size, _, epochs, patience = plan(method, len(problem.train[0]))
    settings = method.settings()
    settings.update(batch_size=batch_size, epochs=epochs, patience=patience)
    settings["schedule"] = (
        ("constant" if method.lr is not None else "cosine") if method.schedule == "auto" else method.schedule
    )
    settings["lr"] = method.rate
    return {k: list(v) if isinstance(v, tuple) else v for k, v in settings.items()}


__all__ = ["fit", "fit_problem", "fits_of"]
