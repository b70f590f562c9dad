"""The front door: fit, ensemble, smallest, find_lr. Each poses a problem, picks a strategy, and lets it run."""

from __future__ import annotations

import inspect
import os
import time as clock
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from surefit.attempts.events import callbacks_from
from surefit.attempts.lr_finder import RateTest
from surefit.attempts.methods import FirstOrder, Method, Solver, VarPro, method_from
from surefit.checking import positive_number, whole_number
from surefit.data import Sampling, with_settings
from surefit.data.labels import classes_of
from surefit.errors import ArgumentError, UnknownArgumentError
from surefit.fitting.ensembles import Ensemble
from surefit.fitting.fitted import Fit
from surefit.keywords import naming
from surefit.problems.posing import pose
from surefit.problems.problem import Problem
from surefit.reports.display import shown, tell_end
from surefit.reports.film import Snapshots
from surefit.reports.provenance import call_of, environment
from surefit.search import choosing
from surefit.search.arguments import OF_DATA, cure_of, saying_cures
from surefit.search.classes import classify
from surefit.search.constructing import constructed
from surefit.search.distilling import teaching
from surefit.search.folds import cross_validated, folds_of_places
from surefit.search.gathering import Budget, gathered
from surefit.search.limits import MOST_PARAMETERS
from surefit.search.record import Record
from surefit.search.restarts import best_of, check_networks, fit_each, seeds_of
from surefit.search.smallest import Sizes, Smallest
from surefit.spelling import spelled
from surefit.storage import outputs
from surefit.storage.checkpoint import Checkpoint, check_data, journal_for, texts_of

COLUMNS = {"target": "targets", "columns": "inputs", "decimal": "decimal", "sheet": "sheet"}  # as `read_table` has them
Wanted = str | int | Sequence[str | int]
Path = str | os.PathLike[str]
Callbacks = Callable[[Any], Any] | Sequence[Callable[[Any], Any]] | None


@saying_cures
def fit(
    what: Any = None,
    /,
    domain: Any = None,
    *,
    target: Wanted | None = None,
    columns: Wanted | None = None,
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
    decimal: str | None = None,
    sheet: str | int | None = None,
    task: str = "regress",
    target_scale: str | None = None,
    missing: str | None = None,
    folds: int | None = None,
    loss: str | None = None,
    quantile: float | Sequence[float] | None = None,
    monotone: Mapping[str, int] | Sequence[int] | str | None = None,
    periodic: Mapping[str, Any] | Sequence[Any] | str | None = None,
    budget: int | None = None,
    executor: Any = None,
    log: str | os.PathLike[str] | None = None,
    timeout: float | None = None,
    progress: bool | None = None,
    checkpoint: Path | Checkpoint | None = None,
    resume: Path | None = None,
    prove: bool = False,
    live: bool = False,
) -> Fit:
    """Fit a function with a neural network.

    Args:
        what: a formula ("sin(x1) - cos(x2)"; several outputs: "sin(x); cos(x)" or a list), a callable, a table (path to
            CSV, Excel or Parquet, a folder of Parquet files, DataFrame, dict of columns, whatever
            `surefit.data.read_table` takes) or arrays (X, y). Large files are read in parts: see `Sampling.stream`.
        target: of a table, the column to predict, its name or its place from 0; several as a list. None: the last.
            (Of a call without `what` it is that: `fit(target="sin(x)", domain="x=0:1")`.)
        columns: of a table, the inputs to use. None: all other columns.
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
        callbacks: functions of one event (`Started`, `Epoch`, `Finished`), `On` with a function for each kind, objects
            with methods such as on_epoch, loggers (`CSVLogger`), or one of these; returning True stops. One that never
            stops nor looks at weights may say so (an attribute `passive = True`): then epochs need not wait for it.
        jit: first-order training as machine code (True), eager (False), or compiled where that pays (None). "auto"
            passes it on to Adam, if it comes to that. The other solvers compute with NumPy and refuse True.
        restarts: networks with seeds of their own that are trained at once over the cores; the one with the best
            validation loss is kept; of solvers that with the smallest error.
        decimal: the decimal mark of a CSV file, "." or ",".
        sheet: of an Excel file, its name or its number from 0.
        task: "regress", or "classify": the target column of the table holds classes (texts, whole numbers, True and
            False). `predict` then gives classes, `predict_proba` their probabilities, and the card tells accuracy, log
            loss and calibration (`Fit.classified`).
        target_scale: of a table, "log" to fit the logarithm of the target: for values above 0 that spread over powers
            of ten, whose relative error counts. Predictions, errors and intervals are in the target's own units.
        missing: of a table, "median" to fill missing inputs in by the median of their column, with a further input that
            says where; `predict` then takes rows that miss the same. None: a missing value is an error.
        folds: of a table, fit all of it, and estimate the error by so many fits without a part of the rows, each part
            in turn (cross-validation), with `Sampling(groups=)` of whole groups; a limit of time is for all of them.
        loss: of a table, "huber" lets rows that are far off count less, "mse" lets all count alike. None: less where
            a few lie so far off all others that they must be mistakes, which the card says.
        quantile: of a table, the level of the quantile to fit instead of the mean, such as 0.9; or several, (0.05, 0.5,
            0.95), outputs of one network, which never cross. The card tells their pinball loss and coverage.
        monotone: inputs with which the target rises (1) or falls (-1): {"x": 1, "y": -1}, or a number for each, 0 for
            none. The network then does so at every point, which the signs of its weights prove.
        periodic: inputs after whose periods the target is the same again: {"angle": 360}. So are values and slopes of
            the network, which is given sine and cosine.
        budget: how often an expensive function is evaluated at most, measuring the error included. Points that fill the
            domain come first, then those where cheap models disagree; what is fitted is the table of these values.
        executor: with a budget, where it is evaluated: one of `concurrent.futures`, of Dask, mpi4py or loky. None:
            here, one by one.
        log: with a budget, a file ending in .csv or .jsonl that each evaluation is appended to as it ends; a fit that
            was killed goes on from it, and what it holds counts.
        timeout: with an executor, seconds for each evaluation; one that takes longer has failed.
        progress: a line that tells how far it is, on standard error (True), or none (False). None: at an interactive
            prompt and in notebooks, of fits that take over a second; never in a script.
        checkpoint: a directory in which the fit is kept while it is made, every ten seconds (`Checkpoint` says how
            often), so that it can go on after it was killed.
        resume: the directory of a checkpoint to go on from, with the arguments of the fit that was killed. What comes
            of it is what would have come of that one, to the last bit, unless `time` decided something. Given with
            checkpoint, and the same directory, a fit begins where there is nothing to go on from.
        prove: of a formula, let a tolerance count as reached only when it is proved at every point of the domain,
            rounding included. Points where a proof fails join the training points, until it does not or the time is
            over. The `certificate` of the fit says what is proved, also where no tolerance is given.
        live: watch it learn: in a notebook the pictures of `surefit play`, by anywidget (`pip install
            "surefit[notebook]"`); elsewhere, and without anywidget, the line of progress.

    Raises:
        FormulaError, DomainError, DataError, ArgumentError, ShapeError: something is wrong with what came; the message
            names it and the cure. NotFiniteError: training broke down before a first epoch was done. CheckpointError:
            a checkpoint of another fit, damaged, or in use.

    >>> import surefit
    >>> fit = surefit.fit("sin(x)", "x=-3:3", method=surefit.Adam(epochs=3), model=(8,))
    >>> fit.names, fit.predict([0.0, 1.0]).shape
    (('x',), (2,))
    """
    found = classes_of(
        what, task, data, tol, target_scale, quantile, monotone, target=target, decimal=decimal, sheet=sheet
    )  # fmt: skip
    posed, plan, wanted = (what, data, target) if found is None else (found.raw, found.data, None)
    read = {} if found is not None else {"decimal": decimal, "sheet": sheet}
    arguments: dict[str, Any] = dict(
        tol=tol, time=time, method=method, model=model, data=plan, seed=seed, dtype=dtype, jit=jit,
        budget=budget, executor=executor, log=log, timeout=timeout, target=wanted, columns=columns, **read,
        target_scale=target_scale, missing=missing, folds=folds, loss=loss, quantile=quantile,
        monotone=monotone, periodic=periodic, checkpoint=checkpoint, resume=resume,
        **({"prove": prove} if prove is not False else {}),
    )  # fmt: skip
    with shown(progress, time, live) as display:
        heard = (*callbacks_from(callbacks), *display)
        fits = fits_of(whole_number("restarts", restarts, 1), posed, domain, callbacks=heard, **arguments)
        fitted = fits[0] if restarts == 1 else best_of(fits)
        tell_end(display, fitted)
    if found is not None:
        fitted.problem = replace(fitted.problem, source=fitted.problem.source | {"name": found.name})
        fitted.classified = classify(fitted, found.classes)
        arguments |= {"task": task, "target": target, "decimal": decimal, "sheet": sheet, "data": data}
    silent = ("callbacks", "jit", "executor", "log", "timeout", "checkpoint", "resume")
    fitted.call = call_of(domain=domain, **{k: v for k, v in arguments.items() if k not in silent})
    return fitted


def fits_of(
    count: int, what: Any, domain: Any = None, /, *, seed: int = 0, method: str | Method = "auto", model: Any = None,
    data: Sampling | None = None, callbacks: Callbacks = (), jit: bool | None = None, budget: Any = None,
    executor: Any = None, log: Any = None, timeout: Any = None, checkpoint: Any = None, resume: Any = None,
    **rest: Any,
) -> list[Fit]:  # fmt: skip
    """`count` fits of one problem with seeds of their own, at once over the cores; callbacks hear of the first."""
    began = clock.perf_counter()
    if what is None and (what := rest.pop("target", None)) is None:
        raise ArgumentError("fit: nothing to fit; give a formula, a function, or a table")
    table = {name: rest.pop(own, None) for own, name in COLUMNS.items()}
    data = with_settings(data, **{name: rest.pop(name, None) for name in OF_DATA})
    unknown = sorted(set(rest) - {"tol", "time", "dtype", "prove"})
    if unknown:
        takes = ["members", *inspect.signature(fit).parameters]
        cure = "only fit takes it" if unknown[0] in takes else cure_of(unknown[0], takes)
        raise UnknownArgumentError(f"ensemble has no argument {unknown[0]!r}; {cure}")
    seed, heard, settings = whole_number("seed", seed, 0), callbacks_from(callbacks), method_from(method)
    spending = Budget.read(budget, executor, log, timeout)
    few = choosing.few_rows(settings, model)
    parts = data.folds if isinstance(data, Sampling) else None
    check_networks(count, model, parts)
    asked = dict(
        target=what, domain=domain, method=settings, model=model, data=data, seed=seed, jit=jit, networks=count,
        budget=budget, tol=rest.get("tol"), dtype=rest.get("dtype"), prove=rest.get("prove"), **table,
    )  # fmt: skip
    with journal_for(checkpoint, resume, lambda: texts_of(asked)) as journal:

        def posed() -> Problem:
            if spending is not None:
                problem = gathered(
                    what, domain, data, seed, spending, time=rest.get("time"), began=began, callbacks=heard, few=few,
                    journal=journal,
                )  # fmt: skip
            else:
                solver = isinstance(settings, Solver)
                parted = choosing.takes_parts(settings)
                problem = pose(what, domain, data, seed, solver, rest.get("time"), table, few, parted, journal)
            if journal is not None:
                check_data(journal, problem)
            return problem

        shared: dict[str, Any] = dict(
            method=settings, model=model, jit=jit, began=began, folds=parts, journal=journal, again=count == 1, **rest
        )  # fmt: skip
        if count == 1:
            return [fit_problem(posed, seed=seed, callbacks=heard, **shared)]

        def one(problem: Problem, *, seed: int, first: bool, halted: Callable[[], bool]) -> Fit:
            return fit_problem(problem, seed=seed, callbacks=heard if first else (), halted=halted, **shared)

        return fit_each(posed(), seeds_of(seed, count), one)


def fit_problem(
    posed: Problem | Callable[[], Problem], *, callbacks: Callbacks = (), folds: int | None = None, **arguments: Any
) -> Fit:
    """`fit` of a Problem, or of what poses one; the arguments are those of `search.choosing.fit_problem`.

    folds: by how many further fits the error is estimated.
    """
    heard = callbacks_from(callbacks)
    if folds is not None and (time := positive_number("time", arguments.get("time"))) is not None:
        arguments["time"] = time / (folds + 1)
    record = choosing.fit_problem(posed, callbacks=heard, **arguments)
    folds = folds_of_places(record, arguments.get("time")) if folds is None else folds
    if folds is not None and not record.interrupted:
        others = {name: value for name, value in arguments.items() if name not in ("began", "halted")}
        record = cross_validated(record, partial(choosing.fit_problem, **others), folds, arguments.get("halted"))
    return _fit_of(record, heard)


def _fit_of(record: Record, heard: Sequence[Any] = ()) -> Fit:
    """The fit of a record that was made here and now, with the film of what listened."""
    fitted = Fit.of(record)
    fitted.environment = environment()
    fitted.film = next((c.film for c in heard if isinstance(c, Snapshots)), None)
    return fitted


@naming
def load(path: str | os.PathLike[str]) -> Fit:
    """Read a fit that `Fit.save` wrote, or the one in a directory that `Fit.save_outputs` wrote, film included.

    A formula is read again, so that errors can be measured and drawn; a callable is not in the file. ModelFileError:
    no such file, damaged, not a surefit model, or of a newer format.
    """
    return Fit.of(outputs.read(path))


def ensemble(what: Any = None, /, domain: Any = None, *, members: int = 5, **arguments: Any) -> Ensemble:
    """`members` fits of one function or table that differ in their seeds, trained at once over the cores; all are kept.

    The other arguments are those of `fit`. ArgumentError: fewer than two members, or a Module, which is trained once.

    >>> import surefit
    >>> group = surefit.ensemble("x**2", "x=-1:1", members=3, model=(8,), method=surefit.Adam(epochs=2))
    >>> mean, spread = group.predict([0.0, 0.5], return_std=True)
    >>> mean.shape, spread.shape
    ((2,), (2,))
    """
    return Ensemble(fits_of(whole_number("members", members, 2), what, domain, **arguments))


@naming
def smallest(
    target: Any,
    domain: Any = None,
    tol: float | None = None,
    *,
    largest: int = 256,
    model: Callable[[int], Any] | None = None,
    method: str | Method = "varpro",
    data: Sampling | None = None,
    tries: int = 3,
    time: float | None = None,
    seed: int = 0,
    dtype: Any = None,
    callbacks: Any = (),
    checkpoint: Path | Checkpoint | None = None,
    resume: Path | None = None,
) -> Smallest:
    """The smallest network that reaches a tolerance.

    Sizes are doubled until one does. Then its units are taken away one by one, each time the one that is missed least,
    and the others polished by variable projection: a network that has learned with more units ends far below those that
    begin with few. With a `model` or `method` of your own, or measured data, sizes are halved instead.

    Args:
        target, domain, data, dtype, callbacks, checkpoint, resume: as for `fit`.
        tol: the largest |error| that is good enough: of a function at fresh points; of a table at the validation rows
            (the training rows without any), so that the error at the test rows, on the card, had no part in the choice.
        largest: units at most.
        model: units -> a model as `fit` takes it; None: one hidden layer of so many. `lambda n: (n, n)` makes two.
        method: of each fit, as for `fit`.
        tries: seeds tried for a size before it counts as too small; twice as many for the one below the answer.
        time: seconds in all; the search then ends with the best so far.
        seed: the first of the seeds.

    Raises:
        ArgumentError: a tolerance or count outside its range. Otherwise as `fit`.

    >>> import surefit
    >>> found = surefit.smallest("x", "x=-1:1", 1e-3)
    >>> found.units, found.reached
    (1, True)
    """
    enough, time = positive_number("tol", tol), positive_number("time", time)
    if enough is None:
        raise ArgumentError("tol=None must be a number > 0: the largest error that is good enough")
    largest, tries, seed = (
        whole_number(name, value, least)
        for name, value, least in (("largest", largest, 1), ("tries", tries, 1), ("seed", seed, 0))
    )
    if model is not None and not callable(model):
        raise ArgumentError(f"model={model!r} must be a function of the units, such as lambda n: (n, n)")
    chosen, heard = method_from(method), callbacks_from(callbacks)
    asked = dict(
        target=target, domain=domain, tol=enough, largest=largest, model=model, method=chosen, data=data, tries=tries,
        seed=seed, dtype=dtype,
    )  # fmt: skip
    with journal_for(checkpoint, resume, lambda: texts_of(asked)) as journal:
        sizes = Sizes(
            lambda s: pose(target, domain, data, s, solver=isinstance(chosen, Solver), memory=journal),
            partial(fit_problem, method=chosen, dtype=dtype, callbacks=heard, journal=journal, again=False),
            model or (lambda n: (n,)), enough, time, seed,
            chosen if model is None and isinstance(chosen, VarPro) else None, Fit.of, heard, journal,
        )  # fmt: skip
        return sizes.run(largest, tries)


@naming
def distil(
    model: Any,
    domain: Any = None,
    *,
    tol: float | None = None,
    max_parameters: int = MOST_PARAMETERS,
    time: float | None = None,
    seed: int = 0,
    dtype: Any = None,
    callbacks: Callbacks = (),
) -> Fit:
    """A small network that gives the values of a model: a Gaussian process, a forest, a large network, another fit.

    The error of what comes out is its distance from that model, measured on fresh points.

    Args:
        model: anything with a `predict` of points (n, d), or a callable as `fit` takes it.
        domain: where: a box as for `fit`, or rows X (n, d) as an array or a DataFrame; the network then learns over
            their box and near them. None: the domain of a `Fit`.
        tol: the largest distance that is good enough. None: a root mean square distance of a tenth of the error of a
            `Fit`, and of a thousandth of the deviation of the values of another model, whose error nobody knows.
        max_parameters: of the network; the smallest of a few sizes that is near enough is taken.
        time, seed, dtype, callbacks: as for `fit`; dtype None is float64.

    Raises:
        ArgumentError: a model that cannot be asked. DomainError: no domain, or a model that is not finite in it.
        ShapeError: the model takes another number of inputs.

    >>> import numpy as np, surefit
    >>> class Model:
    ...     def predict(self, x):
    ...         return np.sin(x[:, 0]) + x[:, 1]
    >>> small = surefit.distil(Model(), {"a": (0, 1), "b": (0, 1)}, max_parameters=50)
    >>> small.network.num_parameters() <= 50, small.error.rmse < 1e-2
    (True, True)
    """
    most, seed = whole_number("max_parameters", max_parameters, 2), whole_number("seed", seed, 0)
    heard = callbacks_from(callbacks)
    record = choosing.distil_problem(
        lambda: teaching(model, domain, seed, most), tol=tol, time=time, most=most, seed=seed, dtype=dtype,
        callbacks=heard,
    )  # fmt: skip
    return _fit_of(record, heard)


@naming
def construct(
    formula: Any, domain: Any = None, *, tol: float | None = None, units: int | None = None, time: float | None = 60.0
) -> Fit:
    """A ReLU network with few hinges within a tolerance of a formula, constructed and proved.

    Nothing is trained. The network is the piecewise-linear function with the fewest corners in the tube of width `tol`
    around the formula (Imai and Iri 1988), written as one hidden layer of ReLU units. The fit that comes of it is like
    any other; its `certificate` proves the tolerance at every point of the domain, rounding included, and its
    `construction` holds the corners, and proves how many every piecewise-linear function within the tolerance has at
    least. `fit.plot("tube")` shows both.

    A formula of several inputs is taken apart into functions of one number: sums, ridges g(a x + b y), products by
    quarter squares, compositions. Each gets the fewest hinges for its share of the tolerance, and the network has one
    hidden layer for each level of nesting. `construction.pieces` holds them; of the whole nothing is said about how few
    hinges would do.

    Args:
        formula: a formula. domain: its box, in any form that `fit` takes.
        tol: the largest error allowed. units: or the number of hidden units, hinges and one: then the error is as small
            as they can make it.
        time: seconds at most.

    Raises:
        ArgumentError: not one of tol and units, or a tol that needs more than 20 000 pieces. FormulaError: not one
        formula, or one that is not made of functions of one number, such as a conditional of several inputs.
        DomainError: a jump or a pole, or a tolerance that could not be proved in time.

    >>> import surefit
    >>> fit = surefit.construct("sin(x)", "x=-3:3", tol=1e-3)
    >>> fit.construction.hinges, fit.construction.at_least, fit.certificate.proves(1e-3)
    (36, 36, True)
    >>> surefit.construct("x*y", "x=-1:1, y=-1:1", tol=0.01).layers()
    [2, 21, 1]
    """
    began = clock.perf_counter()
    tol, time = positive_number("tol", tol), positive_number("time", time)
    if (tol is None) == (units is None):
        raise ArgumentError(
            f"construct: give either {spelled('tol')}, the largest error allowed, or {spelled('units')}, of the hidden "
            "layer"
        )
    if units is not None:
        units = whole_number("units", units, 1)
    problem = pose(formula, domain, None, 0, solver=True)
    fitted = _fit_of(constructed(problem, tol, units, time, began))
    fitted.call = call_of(domain=domain, target=formula, tol=tol, method="construct", units=units)
    return fitted


@naming
def find_lr(
    target: Any,
    domain: Any = None,
    *,
    method: str | FirstOrder = "adam",
    model: Any = None,
    data: Sampling | None = None,
    seed: int = 0,
    dtype: Any = None,
) -> RateTest:
    """The learning rate that suits a target, a network and a first-order method; arguments as those of `fit`.

    `lr="auto"`, as in `surefit.Adam(lr="auto")`, does the same at the beginning of a fit.

    Raises:
        ArgumentError: a method without a learning rate. Otherwise as `fit`.

    >>> import surefit
    >>> test = surefit.find_lr("sin(x)", "x=-3:3", model=(16,), data=surefit.Sampling(count=200))
    >>> 1e-3 < test.lr < 1
    True
    """
    chosen = method_from(method)
    posed = partial(pose, target, domain, data, seed, parts=choosing.takes_parts(chosen))
    return choosing.rate_test(posed, chosen, model, seed, dtype)


__all__ = ["construct", "distil", "ensemble", "find_lr", "fit", "fit_problem", "fits_of", "load", "smallest"]
