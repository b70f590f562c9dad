"""`surefit fit`: settings to a call of `surefit.fit`, and its Fit to a card, files and an exit code."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from surefit.errors import ArgumentError, DataError

from . import progress
from .grammar import INTERRUPTED, with_settings
from .report import Json, Quiet, print_json
from .settings import (
    CSV_OPTIONS,
    KEYS,
    SAMPLES,
    SETTINGS,
    TABLE,
    check_extra_box,
    missing_domain,
    read_config,
    read_given,
    speaking_of_options,
    write_config,
)

if TYPE_CHECKING:
    from surefit.fitting import Fit

NOT_REACHED = 3  # exit code
WINDOW, TERMINAL = "window", "terminal"  # places of --live that are no file
TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".dat", ".parquet", ".pq", ".npz", ".npy", ".gz")
FOREIGN = (".xlsx", ".xls", ".ods", ".json", ".feather", ".h5", ".pkl")  # not formulas: refused with a hint


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

    Exit codes: 0 done, 2 wrong input, 3 --tol not reached, 130 interrupted (the best model is in --out).
    """
    settings = {} if config is None else read_config(config)
    settings |= read_given({"target": target, **given}, KEYS)
    if live == TERMINAL and (quiet or as_json):
        raise ArgumentError(f"--live terminal: shows something, and {'--quiet' if quiet else '--json'} forbids it")
    watching = _watching(live, out)
    plot = watching[0] if live == TERMINAL else None
    with progress.display(settings.get("time"), quiet or as_json, plot) as shown:
        fitted = _fit(settings, [_check_places(out, save_config), *watching, shown])
    files = _written(fitted, settings, out, save_config)
    if as_json:
        print_json({**fitted.to_dict(), "files": files})
    else:
        print(fitted.card())
        if files:
            print("\n".join(["", "written", *(f"  {path}" for path in files)]))
    if live == WINDOW:
        watching[0].window.wait()
    if fitted.interrupted:
        if out is None:
            print("interrupted; the model was not saved (--out DIR saves it)", file=sys.stderr)
        raise typer.Exit(INTERRUPTED)
    if fitted.reached is False:
        raise typer.Exit(NOT_REACHED)


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


def _fit(settings: Mapping[str, Any], callbacks: list[Callable[[Any], None]]) -> Fit:
    """The Fit of these settings."""
    from surefit import fitting

    with speaking_of_options():
        target, domain = _target(settings)
        if "extra_box" in settings:
            check_extra_box(domain, settings["extra_box"])
        fitted = fitting.fit(
            target,
            domain,
            method=_method(settings),
            model=_model(settings),
            data=_data(settings),
            callbacks=callbacks,
            **{key: settings[key] for key in ("tol", "time", "seed", "dtype", "restarts", "jit") if key in settings},
        )
    if isinstance(target, str):
        return fitted
    source = {**fitted.problem.source, "name": Path(settings["target"][0]).name}
    return replace(fitted, problem=replace(fitted.problem, source=source))


def _target(settings: Mapping[str, Any]) -> tuple[Any, list[str] | None]:
    """What to fit, a text or a Table, and where."""
    texts = settings.get("target")
    if texts is None:
        raise ArgumentError(
            'what should be fitted? Give a formula or a table, such as: surefit fit "sin(x)" --on x=-3:3'
        )
    if _is_table(texts):
        _refuse(settings, SAMPLES, ("noise", "split"), f"is for formulas; {texts[0]} brings its own points")
        return _table(Path(texts[0]), settings), settings.get("on")
    _refuse(settings, TABLE, (), "is for tables; the target is a formula")
    formulas = "; ".join(texts)
    return formulas, settings.get("on") or missing_domain(formulas)


def _is_table(texts: list[str]) -> bool:
    if len(texts) != 1:
        return False
    path = Path(texts[0])
    return path.suffix.lower() in (*TABLE_SUFFIXES, *FOREIGN) or (path.suffix != "" and path.is_file())


def _refuse(settings: Mapping[str, Any], panel: str, allowed: tuple[str, ...], why: str) -> None:
    """A setting that would have no effect is an error."""
    for key in settings:
        if key in SETTINGS and SETTINGS[key].panel == panel and key not in allowed:
            raise ArgumentError(f"{SETTINGS[key].option} {why}")


def _table(path: Path, settings: Mapping[str, Any]) -> Any:
    from surefit.data import read_table

    options = {key: settings[key] for key in ("targets", "columns", "drop_missing", *CSV_OPTIONS) if key in settings}
    return read_table(path, **options)


def _method(settings: Mapping[str, Any]) -> Any:
    """A method object. Settings of first-order methods, such as the learning rate, select Adam unless one is named."""
    from surefit.attempts.methods import METHODS, Auto, FirstOrder, method_from

    fields_of = {name: {field.name for field in fields(kind)} for name, kind in METHODS.items()}
    chosen = {key: settings[key] for key in settings if any(key in own for own in fields_of.values())}
    for key in ("patience", "penalty"):
        if chosen.get(key) == "none":
            chosen[key] = None
    name = settings.get("method", "auto")
    first_order = {key for kind in METHODS.values() if issubclass(kind, FirstOrder) for key in fields_of[kind.name]}
    if name == Auto.name and any(key in first_order for key in chosen):
        name = "adam"
    for key in chosen:
        if key not in fields_of[name]:
            *others, last = (other for other, own in fields_of.items() if key in own)
            having = f"{', '.join(others)} or {last}" if others else last
            raise ArgumentError(f"{SETTINGS[key].option}: {name} has no such setting; choose --method {having}")
    return method_from(name, **chosen)


def _fields(method: str) -> set[str]:
    """Names of a method's settings."""
    from surefit.attempts.methods import METHODS

    return {field.name for field in fields(METHODS[method])}


def _model(settings: Mapping[str, Any]) -> Any:
    from surefit.fitting import MLPSpec

    chosen = {key: settings[key] for key in ("hidden", "activation", "dropout") if key in settings}
    return MLPSpec(**chosen) if chosen else None


def _data(settings: Mapping[str, Any]) -> Any:
    from surefit.data import Sampling

    called = {"num": "count", "corners": "with_corners"}  # short words for the command line
    keys = [key for key, row in SETTINGS.items() if row.panel == SAMPLES and key in settings]
    plan = {called.get(key, key): settings[key] for key in keys}
    if "test_table" in settings:
        plan["test"] = _table(Path(settings["test_table"]), settings)
    return Sampling(**plan) if plan else None  # None: the method chooses its points


# --- files ----------------------------------------------------------------------------------------


def _check_places(out: Path | None, save_config: Path | None) -> Callable[[Any], None]:
    """A callback that refuses what cannot be written when training begins: hours later is too late."""

    def check(event: Any) -> None:
        from surefit.fitting import Started

        if isinstance(event, Started):
            if out is not None:
                _check_writable(out, "--out")
            if save_config is not None:
                if save_config.is_dir():
                    raise DataError(f"--save-config: {str(save_config)!r} is a directory; give the name of a file")
                _check_writable(save_config.parent, "--save-config")

    return check


def _check_writable(folder: Path, option: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise DataError(f"{option}: cannot write into {str(folder)!r} ({error.strerror or error})") from None


def _written(fitted: Fit, settings: Mapping[str, Any], out: Path | None, save_config: Path | None) -> list[Path]:
    """Write what was asked for; the paths."""
    files = [] if out is None else fitted.save_outputs(out)
    configs = [path for path in (save_config, out and out / "run.toml") if path is not None]
    for path in configs:
        heading = [f"surefit {fitted.version}: surefit fit --config {path.name}"]
        if settings.get("time") is not None:
            heading.append("where its time limit ends a run depends on the machine")
        write_config(path, _resolved(fitted, settings), heading)
    return [*files, *configs]


def _resolved(fitted: Fit, settings: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of a run, with those that were left to surefit filled in."""
    from surefit.data import Sampling, default_count

    method = {key: value for key, value in fitted.method.items() if key in SETTINGS and value is not None}
    solver = "stage" in fitted.method
    if solver:  # what was found out on the way is found out again
        method = {key: value for key, value in method.items() if key == "method" or key in _fields(method["method"])}
        method.pop("penalty", None)
    else:
        method["patience"] = fitted.method["patience"] or "none"
    network = fitted.network.settings()
    chosen = [key for key in ("hidden", "activation", "dropout") if not solver or key in settings]
    if not solver or method["method"] != "auto":  # which chooses it
        method["dtype"] = str(fitted.dtype)
    resolved = {"seed": fitted.seed, **{key: network[key] for key in chosen}, **method}
    plan = fitted.problem.plan or Sampling()
    if fitted.problem.function is not None and not (solver and _data(settings) is None):
        count = default_count(fitted.domain.dim) if plan.count is None else plan.count
        resolved |= {"num": count, "design": plan.design, "corners": plan.with_corners}
        if "test_table" not in settings:
            resolved["split"] = plan.split
    elif fitted.problem.function is None and "test_table" not in settings:
        resolved["split"] = plan.split
    if len(settings["target"]) == 1:
        resolved["target"] = settings["target"][0]
    return {**settings, **resolved}


COMMANDS = (fit,)
