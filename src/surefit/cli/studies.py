"""`surefit compare` and `surefit tune`: several fits of one target, their table, and the best of them as files."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from surefit.errors import ArgumentError, SurefitError
from surefit.sentences import columns

from . import signals
from .grammar import with_settings
from .language import complaint, spoken, words
from .readers import text as as_text
from .report import Json, Quiet, check_place, print_json, say
from .settings import (
    BUDGET,
    CALLED,
    KEYS,
    NETWORK,
    SAMPLES,
    SETTINGS,
    TRAINING,
    Setting,
    own_options,
    read_given,
    speaking_of_options,
)
from .training import NOT_REACHED, PLACES, arguments_of, named, target_of

if TYPE_CHECKING:
    from surefit.fitting import Fit
    from surefit.studies import Comparison, Tuning

LEFT_OUT = ("stream", "window", *PLACES)  # settings of one long fit
ONE = {key: row for key, row in SETTINGS.items() if row.panel != BUDGET and key not in LEFT_OUT}
TRIED = {  # settings that `compare` takes several times, to try each
    key: replace(row, repeated=True)
    for key, row in ONE.items()
    if (row.panel in (NETWORK, TRAINING, SAMPLES) or key in ("dtype", "target_scale", "quantile", "missing"))
    and not row.is_flag
    and not row.repeated
}
ONCE = {  # those that it takes once; one that is given twice is refused, not overridden
    key: row if row.is_flag or row.repeated else replace(row, repeated=True) for key, row in ONE.items()
}
NOT_FIXED = ("bias", "init", "seed")  # what `tune` has no name for, or an option of its own
HEADINGS = ("trial", "loss", "max |error|", "rmse", "accuracy", "log loss", "parameters", "seconds", "settings")
ON = ("fresh points", "test rows", "validation rows", "training rows", "rows left out one by one")

Target = Annotated[
    str | None,
    typer.Argument(
        metavar="TARGET", show_default=False,
        help="A formula such as 'sin(x1) - cos(x2)', or a CSV, Parquet or npz file.",
    ),
]  # fmt: skip
Out = Annotated[
    Path | None,
    typer.Option(metavar="DIR", show_default=False, help="Write the table, its picture and the best model there."),
]


# --- compare ----------------------------------------------------------------------------------------------------------


@with_settings({**ONCE, **TRIED}.values())
def compare(
    target: Target = None,
    seeds: Annotated[
        int, typer.Option(metavar="INT", min=1, help="How many seeds each is tried with; the table shows the median.")
    ] = 1,
    out: Out = None,
    quiet: Quiet = False,
    as_json: Json = False,
    **given: Any,
) -> None:
    """Fit a formula or a table in several ways, and show them side by side.

    An option that is given several times is tried with each of its values, all combinations of several such options.

    surefit compare "sin(3*x) * exp(-x)" --on x=0:3 --method features --method varpro --hidden 6 --hidden 12

    Exit codes: 0 done, 2 wrong input, 3 --tol not reached by the best, 130 stopped by Ctrl-C.
    """
    from surefit import studies
    from surefit.reports.display import display

    ways = _ways(target, given)
    shared = next(iter(ways.values()))
    check_place("--out", out and out / "compared.csv")
    with speaking_of_options(), display(None, quiet or as_json, None, words) as shown:
        what, domain, labels = target_of(shared)
        variants = {name: _for_study(settings, what, labels) for name, settings in ways.items()}
        found = studies.compare(
            what, domain, variants, seeds=seeds, seed=shared.get("seed", 0), callbacks=[shown], progress=False
        )
    results = tuple(
        tuple(one if isinstance(one, SurefitError) else named(one, shared) for one in each) for each in found.results
    )
    found = replace(found, results=results)
    best = found.best_name
    fit = None if best is None else found.best
    files = list(_written(found, fit, out, "compared"))
    if as_json:
        print_json({"ways": found.rows, "best": best, "interrupted": found.interrupted, "files": files})
    else:
        _show_comparison(found)
        _show_files(files)
    _end(found.interrupted, fit)


def _ways(target: str | None, given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The settings of each way, by a name that tells what is its own, the method first."""
    axes = {key: values for key, values in given.items() if key in TRIED and values and len(values) > 1}
    axes = dict(sorted(axes.items(), key=lambda axis: axis[0] != "method"))
    once = {key: values for key, values in given.items() if key not in axes}
    for key, values in once.items():
        if values and ONCE[key].repeated and not ONE[key].repeated:
            if len(values) > 1:
                hint = words("{option}: is not tried with several values here; give one", option=ONE[key].option)
                raise ArgumentError(hint)
            once[key] = values[0]
    if not axes:
        raise ArgumentError(
            words("one way alone cannot be compared; give an option twice, such as {example}",
                  example="--method varpro --method lm")
        )  # fmt: skip
    ways: dict[str, dict[str, Any]] = {}
    for values in itertools.product(*axes.values()):
        each = dict(zip(axes, values, strict=True))
        name = ", ".join(_called(key, value) for key, value in each.items())
        if name in ways:
            raise ArgumentError(words("{name!r} stands twice; give each value once", name=name))
        ways[name] = read_given({"target": target, **once, **each}, KEYS)
    return ways


def _called(key: str, value: str) -> str:
    """What a value is called in the name of a way: methods and widths by themselves, as in Python."""
    if key == "hidden":
        return "-".join(part.strip() for part in value.replace("\N{FULLWIDTH COMMA}", ",").split(","))
    return value if key in ("method", "activation") else f"{key}={value}"


def _for_study(settings: Mapping[str, Any], what: Any, labels: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `surefit.fit` but for the seed, which the study gives."""
    return {key: value for key, value in arguments_of(settings, what, labels).items() if key != "seed"}


def _show_comparison(found: Comparison) -> None:
    head, cells = found.cells()
    title, _, on = head[0].rpartition(", ")
    if title and on in ON:
        head = [f"{title}{'，' if spoken() == 'zh' else ', '}{words(on)}", *head[1:]]
    head = [head[0], *map(_heading, head[1:])]
    cells = [[words(cell) if cell in ("failed", "not done") else cell for cell in row] for row in cells]
    _print_table([head, *cells], left=(0,))
    for note in found.notes():
        print(complaint(note))


# --- tune -------------------------------------------------------------------------------------------------------------


@with_settings(row for key, row in ONE.items() if key not in NOT_FIXED)
def tune(
    target: Target = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=RANGE",
            show_default=False,
            help="What is varied: units=4:64, lr=1e-4:1e-1:log, activation=tanh,sin, hidden=8,16-16. Default: sizes, "
            "activations and the learning rate.",
        ),
    ] = None,
    trials: Annotated[int, typer.Option(metavar="INT", min=1, help="How many fits; those in --journal count.")] = 30,
    seed: Annotated[int, typer.Option(metavar="INT", min=0, help="Seed of the fits and of the search.")] = 0,
    journal: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", show_default=False, help="Keep every trial there; the same command goes on from it."
        ),
    ] = None,
    processes: Annotated[
        int, typer.Option(metavar="INT", min=1, help="How many trials at once, each in a process of its own.")
    ] = 1,
    out: Out = None,
    quiet: Quiet = False,
    as_json: Json = False,
    **given: Any,
) -> None:
    """Search sizes, activations, methods and their settings for the best fit of a formula or a table.

    surefit tune "sin(3*x) * exp(-x)" --on x=0:3 --method features --vary units=2:20:log --vary activation=tanh,sin

    --time is the time of all trials. With --tol the search ends with the first fit within it. Optuna is needed.

    Exit codes: 0 done, 2 wrong input, 3 --tol not reached by the best, 130 stopped by Ctrl-C.
    """
    from surefit import studies
    from surefit.studies.settings import words_of

    settings = read_given({"target": target, **given}, KEYS)
    search = _search(vary)
    check_place("--out", out and out / "tuned.csv")
    done = itertools.count(1)

    def told(trial: Any) -> None:
        loss = f"{trial.loss:.3g}" if trial.status == "done" else complaint(trial.status)
        line = words("trial {number}/{trials}  {loss}", number=next(done), trials=trials, loss=loss)
        typer.secho(f"{line}  {words_of(trial.settings)}", dim=True, err=True)

    own = own_options("journal", "processes", "trials")
    with speaking_of_options(
        ONE | own | {CALLED.get(name, name): Varied(name, "", as_text, "") for name in search or ()}
    ):
        what, domain, labels = target_of(settings)
        found = studies.tune(
            what, domain, search, trials=trials, time=settings.get("time"), journal=journal, processes=processes,
            seed=seed, callback=None if quiet or as_json else told, progress=False,
            **_flat(settings, what, labels),
        )  # fmt: skip
    found = replace(found, best=named(found.best, settings))
    files = list(_written(found, found.best, out, "tuned"))
    if as_json:
        rows = [{name: column[i] for name, column in found.table().items()} for i in range(len(found.trials))]
        print_json({"trials": rows, "settings": found.settings, "best": found.best.to_dict(), "files": files})
    else:
        _show_tuning(found)
        _show_files(files)
    _end(found.interrupted, found.best)


class Varied(Setting):
    """A setting that --vary varies, as errors call it."""

    @property
    def option(self) -> str:
        return f"--vary {self.key}"


def _search(vary: Sequence[str] | None) -> dict[str, Any] | None:
    """What is varied, by name; None: what suits the method."""
    found: dict[str, Any] = {}
    for name, range_ in map(_varied, vary or ()):
        if name in found:
            raise ArgumentError(words("--vary {name}: stands twice; give one range", name=name))
        found[name] = range_
    return found or None


def _varied(text: str) -> tuple[str, Any]:
    """A name and what `surefit.tune` calls its range: (low, high), (low, high, "log") or a list of choices."""
    plain = text.translate({0xFF0C: ",", 0xFF1A: ":", 0xFF1D: "="})
    name, equals, rest = plain.partition("=")
    name, parts = name.strip().replace("-", "_"), [part.strip() for part in rest.split(":")]
    if name and len(parts) == 1 and rest.count(","):
        return name, [_choice(name, part.strip()) for part in rest.split(",")]
    ends = [_plain(part) for part in parts[:2]]
    two = len(parts) in (2, 3) and all(isinstance(end, int | float) for end in ends) and ends[0] < ends[1]
    if not (name and equals and two) or not (parts[2:] == [] or (parts[2:] == ["log"] and ends[0] > 0)):
        raise ArgumentError(
            words("--vary {text}: expected {forms}", text=text,
                  forms="NAME=LOW:HIGH, NAME=LOW:HIGH:log (0 < LOW), NAME=CHOICE,CHOICE")
        )  # fmt: skip
    return name, (*ends, *parts[2:])


def _choice(name: str, text: str) -> Any:
    if name == "hidden" and "-" in text:
        return tuple(_plain(part) for part in text.split("-"))
    return _plain(text)


def _plain(text: str) -> Any:
    """A whole number, a number, yes or no, or the text itself."""
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _flat(settings: Mapping[str, Any], what: Any, labels: Mapping[str, Any]) -> dict[str, Any]:
    """What all trials have: the network by the names that are varied, a method only where one is asked for."""
    found = _for_study(settings, what, labels)
    own = {key: value for key, value in found.items() if key not in ("model", "method", "time") and value is not None}
    own |= {key: settings[key] for key in ("hidden", "activation", "dropout") if key in settings}
    if any(key in settings and SETTINGS[key].panel == TRAINING for key in SETTINGS):
        own["method"] = found["method"]
    return own


def _show_tuning(found: Tuning) -> None:
    failed = sum(one.status != "done" for one in found.trials)
    note = words("{target}: {count} trials", target=found.best.target, count=len(found.trials))
    note += words(", {count} failed", count=failed) if failed else ""
    print(note + (words(", interrupted") if found.interrupted else ""))
    head, cells = found.cells()
    _print_table([list(map(_heading, head)), *cells], left=(len(head) - 1,))


# --- both -------------------------------------------------------------------------------------------------------------


def _heading(name: str) -> str:
    return words(name) if name in HEADINGS else name


def _print_table(rows: Sequence[Sequence[str]], left: tuple[int, ...]) -> None:
    """Rows whose columns are aligned to the right, but for these."""
    widths = [max(columns(row[j]) for row in rows) for j in range(len(rows[0]))]
    for row in rows:
        cells = []
        for j, (cell, width) in enumerate(zip(row, widths, strict=True)):
            room = " " * (width - columns(cell))
            cells.append(cell + room if j in left else room + cell)
        print("  ".join(cells).rstrip())


def _written(found: Any, best: Fit | None, out: Path | None, name: str) -> Iterator[Path]:
    """Write the table, the model of the best with its card, and the picture."""
    if out is None:
        return
    from surefit.files import make_directory
    from surefit.storage.outputs import numbers_saved
    from surefit.view.style import speaking as pictures_speaking

    with signals.held():
        folder = make_directory(out)
        yield found.to_csv(folder / f"{name}.csv")
        if best is not None:
            yield from numbers_saved(best, folder)
    with pictures_speaking(spoken()):
        found.plot().savefig(folder / f"{name}.png")
    yield folder / f"{name}.png"


def _show_files(files: Sequence[Path]) -> None:
    if files:
        print("\n".join(["", words("written"), *(f"  {path}" for path in files)]))


def _end(interrupted: bool, best: Fit | None) -> None:
    if interrupted:
        say("error", "interrupted")
        raise typer.Exit(signals.exit_code())
    if best is not None and best.reached is False:
        raise typer.Exit(NOT_REACHED)


COMMANDS = (compare, tune)
