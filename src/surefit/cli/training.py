"""`surefit fit`: settings to a call of `surefit.fit`, and its Fit to a card, files and an exit code."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from surefit.errors import ArgumentError, DataError, DomainError, SurefitError
from surefit.files import check_writable

from . import signals
from .grammar import with_settings
from .language import spoken, words
from .report import Json, Quiet, print_json, say
from .settings import (
    BUDGET,
    CSV_OPTIONS,
    KEYS,
    SAMPLES,
    SETTINGS,
    TABLE,
    TRAINING,
    check_extra_box,
    missing_domain,
    read_config,
    read_given,
    speaking_of_options,
    write_config,
)
from .streams import STDIN, standard_input

if TYPE_CHECKING:
    from surefit.fitting import Fit

NOT_REACHED = 3  # exit code, also of --prove where nothing is proved
WINDOW, TERMINAL = "window", "terminal"  # places of --live that are no file


@with_settings(SETTINGS.values())
def fit(
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="TARGET",
            show_default=False,
            help="A formula such as 'sin(x1) - cos(x2)', or a CSV, Parquet or npz file.",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", show_default=False, help="Take settings from a TOML file; options win."),
    ] = None,
    save_config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", show_default=False, help="Write all settings of this run as TOML."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", show_default=False, help="Write model, history, settings and pictures there."),
    ] = None,
    live: Annotated[
        str | None,
        typer.Option(
            metavar="WHERE",
            show_default=False,
            help="Redraw the fit while it is trained: a picture file such as fit.png, window, or terminal.",
        ),
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
    **given: Any,
) -> None:
    """Fit a formula or a table with a neural network.

    surefit fit "sin(x1) - cos(x2)" --on x1=-5:5 --on x2=-5:5 --out demo

    surefit fit --command "./sim {x1} {x2}" --on x1=-5:5 --on x2=-5:5 --budget 200 --jobs 4 --log runs.csv

    Exit codes: 0 done, 2 wrong input, 3 --tol not reached, 130 stopped by Ctrl-C (143 by SIGTERM, 129 by SIGHUP); the
    best model so far is then in --out.
    """
    settings = {} if config is None else read_config(config)
    settings |= read_given({"target": target, **given}, KEYS)
    from surefit.reports.display import display
    from surefit.storage.outputs import pictures_saved
    from surefit.view.style import speaking as pictures_speaking

    if live == TERMINAL and (quiet or as_json):
        raise ArgumentError(f"--live terminal: shows something, and {'--quiet' if quiet else '--json'} forbids it")
    watching = _watching(live, out)
    plot = watching[0] if live == TERMINAL else None
    with display(settings.get("time"), quiet or as_json, plot, words) as shown:
        fitted = _fit(settings, [_check_places(out, save_config), *watching, shown])
    files: list[Path] = []  # extended one by one: what was written before a failure is in it
    failure: SurefitError | None = None
    stopped = fitted.interrupted or any(getattr(w, "code", "") == "sampling-interrupted" for w in fitted.warnings)
    try:
        with signals.held():  # a second Ctrl-C waits until the model is on the disk
            files.extend(_numbers_written(fitted, settings, out, save_config))
        if out is not None and not stopped:  # they take a second or more, for which nobody waits who stops a run
            with pictures_speaking(spoken()):
                files.extend(pictures_saved(fitted, out))
    except KeyboardInterrupt:
        stopped = True
    except SurefitError as error:  # said after the card, which may have taken hours
        failure = error
    if as_json:
        print_json({**fitted.to_dict(), "files": files})
    else:
        print(fitted.card(spoken()))
        if files:
            print("\n".join(["", words("written"), *(f"  {path}" for path in files)]))
    if failure is not None:
        raise failure
    if stopped:
        say("interrupted", _where(out))
        if folder := settings.get("resume", settings.get("checkpoint")):
            say("interrupted", words("--resume {folder} goes on with it", folder=folder))
        raise typer.Exit(signals.exit_code())
    if live == WINDOW:
        watching[0].window.wait()
    if fitted.reached is False or (settings.get("prove") and not _proved(fitted)):
        raise typer.Exit(NOT_REACHED)


def _proved(fitted: Fit) -> bool:
    """Whether its tolerance is proved; without one, whether any bound is."""
    from surefit.search.proofs import proof_of_target

    proof = proof_of_target(fitted)
    if proof is None:
        return False
    return proof.upper < float("inf") if fitted.tol is None else proof.proves(fitted.tol) is True


def _where(out: Path | None) -> str:
    """Where the model of an interrupted run is."""
    if out is None:
        return words("the model was not saved (--out DIR saves it)")
    return words("the model is in {out}; not all pictures were drawn (surefit report {out} draws them)", out=out)


def _watching(live: str | None, out: Path | None) -> list[Any]:
    """The callbacks that look at the fit while it is trained; that of --live is the first. --out keeps a film."""
    from surefit.fitting import Live, Snapshots, TextPlot

    callbacks: list[Any] = []
    if live == TERMINAL:
        callbacks.append(TextPlot())
    elif live is not None:
        if live != WINDOW and not Path(live).suffix:
            raise ArgumentError(
                f"--live {live}: give the name of a picture file such as fit.png, or window or terminal"
            )
        callbacks.append(Live(live))
    return [*callbacks, *([Snapshots()] if out is not None else [])]


PLACES = ("checkpoint", "resume")  # settings of a run, not of a fit: whoever repeats it begins
PASSED = (
    "tol",
    "time",
    "seed",
    "dtype",
    "restarts",
    "jit",
    "task",
    "target_scale",
    "folds",
    "prove",
)  # settings that are arguments of surefit.fit


def _fit(settings: Mapping[str, Any], callbacks: list[Callable[[Any], None]]) -> Fit:
    """The Fit of these settings."""
    from surefit import fitting

    with speaking_of_options(), _budget(settings) as (program, spending):
        target, domain, labels = target_of(settings) if program is None else (program, settings["on"], {})
        places = {key: settings[key] for key in PLACES if key in settings}
        fitted = fitting.fit(
            target, domain, callbacks=callbacks, **arguments_of(settings, target, labels), **places, **spending
        )
    return fitted if target is program else named(fitted, settings)


def arguments_of(settings: Mapping[str, Any], target: Any, labels: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `surefit.fit` that settings are, but for the target and its domain."""
    return {
        "method": _method(settings),
        "model": _model(settings),
        "data": _data(settings, target, labels),
        **{key: settings[key] for key in PASSED if key in settings},
        **(_of_classes(settings) if settings.get("task") == "classify" else {}),
    }


def named(fitted: Fit, settings: Mapping[str, Any]) -> Fit:
    """A fit of a table, which is called as its file is."""
    if "target" not in settings or not _is_of_table(settings):
        return fitted
    name = "standard input" if settings["target"] == [STDIN] else Path(settings["target"][0]).name
    source = {**fitted.problem.source, "name": name}
    return replace(fitted, problem=replace(fitted.problem, source=source))


def _of_classes(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a fit of classes, whose table is read by it."""
    called = {"targets": "target", "columns": "columns", "missing": "missing"}
    found = {own: settings[key] for key, own in called.items() if key in settings}
    if "columns" in found and "weights" in settings:
        found["columns"] = [*found["columns"], settings["weights"]]
    return found


@contextmanager
def _budget(settings: Mapping[str, Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """The program of --command, if one is given, and what fit is told of evaluations; what runs ends with the block."""
    if "budget" not in settings:
        for key in settings:
            if key in SETTINGS and SETTINGS[key].panel == BUDGET:
                raise ArgumentError(f"{SETTINGS[key].option}: say how often the function may be evaluated: --budget N")
        yield None, {}
        return
    _refuse(settings, SAMPLES, ("split",), "does not go with --budget, where the points are chosen one after the other")
    program = None
    if "command" in settings:
        program = _program(settings)
    else:
        for key in ("timeout", "outputs"):
            if key in settings:
                raise ArgumentError(f"{SETTINGS[key].option}: goes with --command")
    spending: dict[str, Any] = {key: settings[key] for key in ("budget", "log") if key in settings}
    if settings.get("jobs", 1) == 1:
        yield program, spending
        return
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(settings["jobs"])
    try:
        yield program, spending | {"executor": pool}
    finally:
        if program is not None:
            program.stop()
        pool.shutdown(cancel_futures=True)


def _program(settings: Mapping[str, Any]) -> Any:
    """The program of --command as a function."""
    from surefit.data import Domain
    from surefit.problems.calling import Command

    if "target" in settings:
        raise ArgumentError(f"--command: is fitted instead of {settings['target'][0]!r}; give one of the two")
    _refuse(settings, TABLE, (), "is for tables; the target is a program")
    if "on" not in settings:
        raise DomainError("--on is missing: give an interval for each input of --command, such as --on x1=-1:1")
    program = Command(
        settings["command"], Domain(settings["on"]).names, timeout=settings.get("timeout"),
        outputs=settings.get("outputs", 1),
    )  # fmt: skip
    program.check()
    return program


def target_of(settings: Mapping[str, Any]) -> tuple[Any, list[str] | None, dict[str, Any]]:
    """What to fit, a text or a Table, and where; and a label of each row, by which rows are held out."""
    texts = settings.get("target")
    if texts is None:
        example = 'surefit fit "sin(x)" --on x=-3:3'
        raise ArgumentError(
            words("what should be fitted? Give a formula or a table, such as: {example}", example=example)
        )
    if _is_of_table(settings):
        _refuse(settings, SAMPLES, ("noise", "split"), f"is for formulas; {texts[0]} brings its own points")
        if settings.get("task") == "classify":
            for key in ("target_scale", "row_noise"):
                if key in settings:
                    raise ArgumentError(f"{SETTINGS[key].option} does not go with --task classify")
            held_by = {key: settings[key] for key in ("groups", "order") if key in settings}
            return _columns(texts[0], settings), settings.get("on"), held_by
        held_by = {key: settings[key] for key in ("groups", "order") if key in settings}
        table = _parts(texts[0], settings)
        if table is None:
            table, held_by = _labelled(texts[0], settings, held_by)
        return table, settings.get("on"), held_by
    _refuse(settings, TABLE, (), "is for tables; the target is a formula")
    formulas = "; ".join(texts)
    domain = settings.get("on") or missing_domain(formulas)
    if "extra_box" in settings:
        check_extra_box(domain, settings["extra_box"])
    return formulas, domain, {}


def _is_of_table(settings: Mapping[str, Any]) -> bool:
    texts = settings["target"]
    return _is_table(texts) or (len(texts) == 1 and "on" not in settings and os.path.isdir(texts[0]))


def _is_table(texts: list[str]) -> bool:
    from surefit.data import is_table_path

    return texts == [STDIN] or (len(texts) == 1 and is_table_path(texts[0]))


def _refuse(settings: Mapping[str, Any], panel: str, allowed: tuple[str, ...], why: str) -> None:
    """A setting that would have no effect is an error."""
    for key in settings:
        if key in SETTINGS and SETTINGS[key].panel == panel and key not in allowed:
            raise ArgumentError(f"{SETTINGS[key].option} {why}")


def _parts(path: str, settings: Mapping[str, Any]) -> Any:
    """A large file, or a folder, as parts for a method that takes them; else None."""
    from surefit.data import Sampling
    from surefit.problems.large import ALONE, in_parts
    from surefit.search.choosing import takes_parts

    if path == STDIN:
        return None
    options = _reading(settings)
    asked = {key: settings[key] for key in (*ALONE, "stream", "window") if key in settings and key != "noise"}
    asked |= {own: settings[key] for own, key in (("noise", "row_noise"), ("test", "test_table")) if key in settings}
    found = in_parts(Path(path), Sampling(**asked), options, takes_parts(_method(settings)))
    if found is not None:
        found.reading = options
    return found


def _reading(settings: Mapping[str, Any]) -> dict[str, Any]:
    """How a table is read."""
    options = {key: settings[key] for key in ("targets", "drop_missing", "missing", *CSV_OPTIONS) if key in settings}
    if "columns" in settings:
        options["inputs"] = [
            *settings["columns"],
            *(settings[key] for key in ("weights", "row_noise") if key in settings),
        ]
    return options


def _table(path: str, settings: Mapping[str, Any], coding: Any = None) -> Any:
    from surefit.data import read_table

    return read_table(standard_input() if path == STDIN else Path(path), coding=coding, **_reading(settings))


def _labelled(path: str, settings: Mapping[str, Any], held_by: Mapping[str, str]) -> tuple[Any, dict[str, Any]]:
    """A table, and the labels of all its rows in the place of the columns that hold them, which may be texts."""
    from surefit.data import Sampling, read_table
    from surefit.problems.splitting import split_by_columns

    if not held_by:
        return _table(path, settings), {}
    source = io.BytesIO(standard_input().read()) if path == STDIN else Path(path)
    held = Sampling(groups=held_by.get("groups"), order=held_by.get("order"))
    source, plan, options = split_by_columns(source, held, _reading(settings))
    return read_table(source, **options), {key: getattr(plan, key) for key in held_by}


def _columns(path: str, settings: Mapping[str, Any]) -> Any:
    """The columns of a table as they came, of which one holds classes."""
    from surefit.data.sources import raw_of

    options = {key: settings[key] for key in CSV_OPTIONS if key in settings}
    return raw_of(standard_input() if path == STDIN else Path(path), **options)


def _method(settings: Mapping[str, Any]) -> Any:
    """A method object. Settings of first-order methods, such as the learning rate, select Adam unless one is named."""
    from surefit.attempts.methods import METHODS, Auto, FirstOrder, method_from

    fields_of = {name: {field.name for field in fields(kind)} for name, kind in METHODS.items()}
    own_ones = [key for key in settings if key in SETTINGS and SETTINGS[key].panel == TRAINING]
    chosen = {key: settings[key] for key in own_ones if any(key in own for own in fields_of.values())}
    if "loss" in chosen and _loss_of_rows(settings):
        del chosen["loss"]
    for key in ("patience", "ridge"):
        if chosen.get(key) == "none":
            chosen[key] = None
    name = settings.get("method", "auto")
    first_order = {key for kind in METHODS.values() if issubclass(kind, FirstOrder) for key in fields_of[kind.name]}
    if name == Auto.name and any(key in first_order for key in chosen):
        name = "adam"
    for key in chosen:
        if key not in fields_of[name]:
            *others, last = (other for other, own in fields_of.items() if key in own)
            having = f"{', '.join(others)}{words(' or ')}{last}" if others else last
            message = "{option}: {method} has no such setting; choose --method {having}"
            raise ArgumentError(words(message, option=SETTINGS[key].option, method=name, having=having))
    return method_from(name, **chosen)


def _loss_of_rows(settings: Mapping[str, Any]) -> bool:
    """Whether the loss is one that every method, or the automatic choice, can fit the rows of a table with."""
    return settings["loss"] in ("huber", "quantile", "mse") and _is_table(settings.get("target") or [])


def _fields(method: str) -> set[str]:
    """Names of a method's settings."""
    from surefit.attempts.methods import METHODS

    return {field.name for field in fields(METHODS[method])}


def _model(settings: Mapping[str, Any]) -> Any:
    from surefit.fitting import MLPSpec

    chosen = {key: settings[key] for key in ("hidden", "activation", "dropout", "bias", "init") if key in settings}
    return MLPSpec(**chosen) if chosen else None


def _data(settings: Mapping[str, Any], target: Any, labels: Mapping[str, Any]) -> Any:
    """What is known of the data. labels: of each row, by which rows are held out."""
    from surefit.data import Sampling
    from surefit.data.batches import Batches

    called = {"num": "count", "corners": "with_corners"}  # short words for the command line
    keys = [key for key, row in SETTINGS.items() if row.panel == SAMPLES and key in settings]
    plan = {called.get(key, key): settings[key] for key in keys} | dict(labels)
    if "quantile" in settings:
        plan["quantile"] = settings["quantile"]
    plan |= {key: settings[key] for key in ("monotone", "periodic") if key in settings}
    if "loss" in settings and _loss_of_rows(settings):
        plan["loss"] = settings["loss"]
    if "test_table" in settings:
        classes = settings.get("task") == "classify"
        coding = getattr(target, "coding", None) or None
        test = settings["test_table"]
        plan["test"] = _columns(test, settings) if classes else _table(test, settings, coding)
    if settings.get("task") == "classify" and settings.get("drop_missing"):
        plan["drop_nonfinite"] = True
    if "weights" in settings:
        plan["weights"] = settings["weights"]
    if "row_noise" in settings:
        plan["noise"] = settings["row_noise"]
    plan |= {key: settings[key] for key in ("stream", "window") if key in settings}
    if isinstance(target, Batches) and "missing" in settings:
        plan["missing"] = settings["missing"]
    return Sampling(**plan) if plan else None  # None: the method chooses its points


# --- files ----------------------------------------------------------------------------------------


def _check_places(out: Path | None, save_config: Path | None) -> Callable[[Any], None]:
    """A callback that refuses what cannot be written when training begins: hours later is too late."""
    from surefit.fitting import Started
    from surefit.storage.outputs import CONFIG, MODEL

    places = [("--save-config", save_config), *(("--out", out and out / name) for name in (MODEL, CONFIG))]

    def check(event: Any) -> None:
        if isinstance(event, Started):
            for option, path in places:
                if path is not None:
                    try:
                        check_writable(path)
                    except DataError as error:
                        raise DataError(f"{option}: {error}") from None

    return check


def _numbers_written(
    fitted: Fit, settings: Mapping[str, Any], out: Path | None, save_config: Path | None
) -> Iterator[Path]:
    """Write what was asked for, but for the pictures; each path when it is written."""
    from surefit.storage.outputs import CONFIG, numbers_saved

    if out is not None:
        yield from numbers_saved(fitted, out)
    for path in (save_config, out and out / CONFIG):
        if path is not None:
            heading = [f"surefit {fitted.version}: surefit fit --config {path.name}"]
            if settings.get("time") is not None:
                heading.append("where its time limit ends a run depends on the machine")
            write_config(path, _resolved(fitted, settings), heading)
            yield path


def _resolved(fitted: Fit, settings: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of a run, with those that were left to surefit filled in."""
    from surefit.data import Sampling, default_count

    method = {key: value for key, value in fitted.method.items() if key in SETTINGS and value is not None}
    solver = "stage" in fitted.method
    if solver:  # what was found out on the way is found out again
        method = {key: value for key, value in method.items() if key == "method" or key in _fields(method["method"])}
        method.pop("ridge", None)
    else:
        method["patience"] = fitted.method["patience"] or "none"
    network: dict[str, Any] = getattr(fitted.network, "settings", dict)() or {}
    chosen = [key for key in ("hidden", "activation", "dropout") if not solver or key in settings]
    if not solver or method["method"] != "auto":  # which chooses it
        method["dtype"] = str(fitted.dtype)
    resolved = {"seed": fitted.seed, **{key: network[key] for key in chosen if key in network}, **method}
    plan = fitted.problem.plan or Sampling()
    if fitted.problem.function is not None and not (solver and _data(settings, None, {}) is None):
        count = default_count(fitted.domain.dim) if plan.count is None else plan.count
        resolved |= {"num": count, "design": plan.design, "corners": plan.with_corners}
        if "test_table" not in settings:
            resolved["split"] = plan.shares
    elif fitted.problem.function is None and "test_table" not in settings:
        resolved["split"] = plan.shares
    if len(settings.get("target", ())) == 1:
        resolved["target"] = settings["target"][0]
    return {key: value for key, value in {**settings, **resolved}.items() if key not in PLACES}


COMMANDS = (fit,)
