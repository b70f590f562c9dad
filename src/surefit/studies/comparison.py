"""`compare`: the same target fitted in several ways, side by side in one table and one picture."""

from __future__ import annotations

import csv
import html
import io
import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit.attempts.events import callbacks_from
from surefit.checking import whole_number
from surefit.data.sources import raw_of
from surefit.errors import ArgumentError, SurefitError
from surefit.files import write_atomically
from surefit.fitting.api import fit
from surefit.fitting.fitted import Fit
from surefit.reports.display import shown
from surefit.studies.settings import arguments_of, words_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LISTS = ("target", "columns", "callbacks")  # arguments of `fit` that may be lists themselves
COLUMNS = ("variant", "seed", "parameters", "max_error", "rmse", "r2", "seconds", "reached", "stopped")
OF_CLASSES = (*COLUMNS, "accuracy", "log_loss")
ROWS = {"folds": "all", "groups": "all", "test": "test", "left-out": "left out", "validation": "validation"}
ROWS["training"] = "training"
SHOWN = {"max_error": "max |error|", "rmse": "rmse"}
SHOWN_OF_CLASSES = {"accuracy": "accuracy", "log_loss": "log loss"}


def compare(
    what: Any = None,
    /,
    domain: Any = None,
    variants: Any = None,
    *,
    seeds: int = 1,
    seed: int = 0,
    callback: Callable[[int, int], Any] | None = None,
    progress: bool | None = None,
    **arguments: Any,
) -> Comparison:
    """Fit one target in several ways, each as `fit` does by itself, and put what comes of them side by side.

    Every argument that is a list is tried with each of its entries, all combinations of several lists. Besides the
    arguments of `fit` there are `hidden` (widths, or one), `units` and `layers`, `activation`, `dropout`, and the
    settings of methods, such as `lr`. Data, split and the points at which errors are measured are the same for all.

    Args:
        what: a target as for `fit`. Or fits, as a list or a dict of names: then nothing is fitted.
        domain: as for `fit`.
        variants: further ways, each a dict of such arguments (`{"method": "lm", "hidden": (20, 20)}`) or a method; as
            a dict with names for them.
        seeds: how many seeds each is tried with; the table shows the median.
        seed: the first of them.
        callback: called with how many fits are done and how many there are; returning True stops.
        progress: a line that tells which fit of how many it is, and how far; see `fit`.
        arguments: for all, those that are lists apart.

    Returns:
        A `Comparison`. A way that fails is a row with its error; if all fail for one reason, that is raised. Ctrl-C
        ends the fit that is being made, keeps what it has found, and leaves the others out.

    Raises:
        ArgumentError: an argument that nothing has, or nothing to compare. Otherwise as `fit`.

    >>> import surefit
    >>> found = surefit.compare("sin(x)", "x=-3:3", method="features", hidden=[4, 16])
    >>> found.names, found.best.network[0].out_features
    (('4', '16'), 16)
    """
    if _is_fits(what):
        if variants is not None or arguments or domain is not None:
            raise ArgumentError("compare: fits are compared as they are; leave the other arguments out")
        named = what if isinstance(what, Mapping) else {f"{i}: {f.target}": f for i, f in enumerate(what, 1)}
        return Comparison(tuple(str(name) for name in named), tuple((found,) for found in named.values()))
    seeds, seed = whole_number("seeds", seeds, 1), whole_number("seed", seed, 0)
    if callback is not None and not callable(callback):
        raise ArgumentError(f"callback={callback!r} must be a function of two numbers, done and all")
    what = held(what)
    ways = _ways(variants, arguments)
    asked = [(name, arguments_of(settings)) for name, settings in ways.items()]
    if len(asked) < 2:
        raise ArgumentError(
            'compare: one way alone cannot be compared; give a list, such as method=["varpro", "lm"] or hidden=[8, 16]'
        )
    results: list[list[Fit | SurefitError]] = [[] for _ in asked]
    most = seeds * len(asked)
    interrupted = False
    with shown(progress, None) as displays:
        for done, (number, one) in enumerate(itertools.product(range(seeds), range(len(asked))), 1):
            name, settings = asked[one]
            begin(displays, settings, f"{done}/{most}  {name}:  ")
            try:
                found: Fit | SurefitError = fit(what, domain, seed=seed + number, **heard(settings, displays))
            except SurefitError as error:
                found = error
            except KeyboardInterrupt:  # before it had found anything: what others found is kept
                if not any(results):
                    raise
                interrupted = True
                break
            results[one].append(found)
            stop = callback is not None and callback(done, most) is True
            interrupted = isinstance(found, Fit) and found.interrupted
            if stop or interrupted:
                break
    every = [one for each in results for one in each]
    failures = [one for one in every if isinstance(one, SurefitError)]
    if len(failures) == len(every):
        raise failures[0]
    return Comparison(tuple(ways), tuple(map(tuple, results)), interrupted)


def begin(displays: Sequence[Any], settings: Mapping[str, Any], which: str) -> None:
    """Tell displays, and callbacks that want to hear it, which fit is the next one, and its time in seconds."""
    for display in (*displays, *callbacks_from(settings.get("callbacks", ()))):
        if hasattr(display, "begins"):
            display.begins(which, settings.get("time"))


def heard(settings: Mapping[str, Any], displays: Sequence[Any]) -> dict[str, Any]:
    """The arguments of a fit that is shown by the display of all, and by no line of its own."""
    if "live" in settings:
        return dict(settings)
    return {**settings, "callbacks": [*callbacks_from(settings.get("callbacks", ())), *displays], "progress": False}


def held(what: Any) -> Any:
    """A target that can be fitted again and again: a table that is read once, such as an open file, is read now."""
    once = (hasattr(what, "read") or hasattr(what, "read_all")) and not callable(what)
    return raw_of(what) if once else what


def _is_fits(what: Any) -> bool:
    several = what.values() if isinstance(what, Mapping) else what if isinstance(what, list | tuple) else ()
    return bool(several) and all(isinstance(one, Fit) for one in several)


def _ways(variants: Any, arguments: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The settings of each way, by a name that tells what is its own."""
    axes = {name: value for name, value in arguments.items() if isinstance(value, list) and name not in LISTS}
    shared = {name: value for name, value in arguments.items() if name not in axes}
    for name, tried in axes.items():
        if not tried:
            raise ArgumentError(f"{name}=[] is an empty list; give what is to be tried")
    ways: dict[str, dict[str, Any]] = {}
    labels = {name: _labels(name, tried) for name, tried in axes.items()}

    def add(name: str, settings: dict[str, Any]) -> None:
        if name in ways:
            raise ArgumentError(f"compare: {name!r} stands twice; give variants as a dict with names")
        ways[name] = shared | settings

    for own in _named(variants):
        for places in itertools.product(*(range(len(tried)) for tried in axes.values())):
            values = [tried[place] for tried, place in zip(axes.values(), places, strict=True)]
            each = dict(zip(axes, values, strict=True))
            told = [labels[axis][place] for axis, place in zip(axes, places, strict=True)]
            name = ", ".join(part for part in (own[0], *told) if part)
            add(name, each | own[1])
    return ways


def _labels(name: str, tried: Sequence[Any]) -> list[str]:
    """What each entry of a list is called. Of several that are too long to be told, their numbers tell them apart."""
    labels = [words_of({name: value}) for value in tried]
    long = [label == f"{name}={type(value).__name__}" for label, value in zip(labels, tried, strict=True)]
    return [
        f"{label} {i}" if is_long and labels.count(label) > 1 else label
        for i, (label, is_long) in enumerate(zip(labels, long, strict=True), 1)
    ]


def _named(variants: Any) -> list[tuple[str, dict[str, Any]]]:
    """Variants as (name, settings)."""
    if variants is None:
        return [("", {})]
    named = isinstance(variants, Mapping)
    if (not named and (isinstance(variants, str) or not isinstance(variants, Sequence))) or not variants:
        raise ArgumentError(
            f'variants={variants!r} must be a list of settings, such as [{{"method": "lm"}}, {{"hidden": 32}}], or a '
            "dict of them with names"
        )
    found = []
    for name, one in variants.items() if named else ((None, each) for each in variants):
        settings = dict(one) if isinstance(one, Mapping) else {"method": one}
        found.append((words_of(settings) if name is None else str(name), settings))
    return found


@dataclass(frozen=True, eq=False)
class Comparison:
    """Several ways to fit one target.

    names: of the ways. results: for each, what came of each seed: a `Fit`, or the error that ended it. rows: one dict
    for each of these (COLUMNS, of classes OF_CLASSES). best: the fit with the least error: of a function the largest;
    of measured data that by which its network was chosen, in which the test rows had no part. interrupted: whether
    Ctrl-C ended it before all was done.
    """

    names: tuple[str, ...]
    results: tuple[tuple[Fit | SurefitError, ...], ...]
    interrupted: bool = False
    rows: list[dict[str, Any]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        rows = [_row(name, one) for name, each in zip(self.names, self.results, strict=True) for one in each]
        object.__setattr__(self, "rows", rows)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        """The names, as of a dict."""
        return iter(self.names)

    def __getitem__(self, name: str) -> Fit:
        """The best fit of a way. ArgumentError: no such way, or it failed."""
        if name not in self.names:
            raise ArgumentError(f"{name!r} is none of the ways that were compared: {', '.join(self.names)}")
        found = self._fits(self.names.index(name))
        if not found:
            raise ArgumentError(f"{name!r} failed: {self.results[self.names.index(name)][0]}")
        return min(found, key=loss_of)

    @property
    def best(self) -> Fit:
        """The best fit of all. ArgumentError: they are of several targets, or were chosen by several kinds of error."""
        if len(self._targets) > 1:
            raise ArgumentError(f"best: the fits are of several targets ({'; '.join(self._targets)}), and none is best")
        if len(self._measures) > 1:
            kinds = "; ".join(self._measures)
            raise ArgumentError(
                f"best: the fits were chosen by several kinds of error ({kinds}), which say nothing of each other"
            )
        return min(self._every, key=loss_of)

    @property
    def _every(self) -> list[Fit]:
        return [one for each in self.results for one in each if isinstance(one, Fit)]

    @property
    def _targets(self) -> list[str]:
        """What the fits are of, each once."""
        return list(dict.fromkeys(f"{one.target}: {', '.join(one.problem.outputs)}" for one in self._every))

    @property
    def _measures(self) -> list[str]:
        """By what kinds of error the fits were chosen, each once."""
        return list(dict.fromkeys(map(measure_of, self._every)))

    @property
    def _shown(self) -> dict[str, str]:
        """What is shown of each way beside parameters and seconds, with its headings."""
        return SHOWN_OF_CLASSES if all(one.classified is not None for one in self._every) else SHOWN

    @property
    def _columns(self) -> tuple[str, ...]:
        return OF_CLASSES if self._shown is SHOWN_OF_CLASSES else COLUMNS

    def _fits(self, place: int) -> list[Fit]:
        return [one for one in self.results[place] if isinstance(one, Fit)]

    def _medians(self) -> list[dict[str, Any]]:
        """One dict for each way, of medians over its seeds."""
        found = []
        for place, name in enumerate(self.names):
            own = [row for row in self.rows if row["variant"] == name and row["parameters"] is not None]
            numbers = ("parameters", *self._shown, "seconds")
            median = {key: float(np.median([row[key] for row in own])) if own else None for key in numbers}
            failed = next((row["stopped"] for row in self.rows if row["variant"] == name and not own), "")
            if not self.results[place]:
                failed = "not done"
            found.append({"variant": name, "fits": len(own), "failed": failed, **median})
        return found

    def table(self) -> dict[str, list[Any]]:
        """One row for each fit as columns: `pandas.DataFrame(found.table())`."""
        return {key: [row[key] for row in self.rows] for key in self._columns}

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write one row for each fit. The file appears whole or not at all."""
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self._columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(self.rows)
        return write_atomically(Path(path), text.getvalue())

    def plot(self, title: str | None = None) -> Figure:
        """Errors and seconds of all ways, each fit a dot."""
        from surefit import view
        from surefit.view.language import say

        panels = []
        for key, label in (*self._shown.items(), ("seconds", "seconds")):
            values = [
                [row[key] for row in self.rows if row["variant"] == name and row[key] is not None]
                for name in self.names
            ]
            panels.append((say(label), values))
        best = self.best_name
        place = None if best is None else self.names.index(best)
        return view.dots(self.names, panels, best=place, title=title or say(self._title))

    @property
    def _title(self) -> str:
        return "several targets" if len(self._targets) > 1 else self._every[0].target

    @property
    def best_name(self) -> str | None:
        """The way with the best fit; None where errors are of several targets, or of several kinds."""
        if len(self._targets) > 1 or len(self._measures) > 1:
            return None
        best = self.best
        return next(name for name, each in zip(self.names, self.results, strict=True) if any(f is best for f in each))

    def cells(self) -> tuple[list[str], list[list[str]]]:
        """Headings and cells of what is shown."""
        first = self._every[0]
        head = ["", "parameters", *self._shown.values(), "seconds"]
        cells = []
        for row in self._medians():
            name = row["variant"] + (" *" if row["variant"] == self.best_name and len(self) > 1 else "")
            if row["parameters"] is None:
                cells.append([name, "", "failed" if row["failed"] != "not done" else "not done", "", ""])
                continue
            numbers = [f"{row['parameters']:.0f}", *(f"{row[key]:.3g}" for key in (*self._shown, "seconds"))]
            cells.append([name, *numbers])
        on = first.error.on
        if self._shown is SHOWN_OF_CLASSES and first.classified is not None:
            on = f"{ROWS[first.classified.kind]} rows"
        head[0] = f"{self._title}, {on}" if len({one.error.kind for one in self._every}) == 1 else self._title
        return head, cells

    def __repr__(self) -> str:
        head, cells = self.cells()
        widths = [max(len(line[j]) for line in [*cells, head]) for j in range(len(head))]
        lines = []
        for first, *numbers in (head, *cells):
            row = [first.ljust(widths[0]), *(n.rjust(w) for n, w in zip(numbers, widths[1:], strict=True))]
            lines.append("  ".join(row).rstrip())
        return "\n".join([*lines, *self.notes()])

    def notes(self) -> list[str]:
        """What stands below the table."""
        most = max(len(each) for each in self.results)
        failed = [
            f"{row['variant']}: {row['failed']}" for row in self._medians() if row["failed"] not in ("", "not done")
        ]
        ended = ["interrupted: not all fits were made"] if self.interrupted else []
        chosen = "* the least error"
        if len(self._targets) > 1:
            return [
                "the errors are of several targets, and say nothing of each other: none is marked as the best",
                *failed, *ended,
            ]  # fmt: skip
        if len(self._measures) > 1:
            kinds = "; ".join(self._measures)
            return [
                f"chosen by several kinds of error, which say nothing of each other: none is the best ({kinds})",
                *failed, *ended,
            ]  # fmt: skip
        if self.best.problem.function is None:  # the rows whose errors are shown had no part in it
            chosen = "* the best where it was chosen, by validation rows or rows left out, as within a fit"
        return [chosen + (f"; medians of {most} seeds" if most > 1 else ""), *failed, *ended]

    def _repr_html_(self) -> str:
        head, cells = self.cells()
        left = " style='text-align:left'"
        rows = []
        for tag, line in [("th", head), *(("td", cells_) for cells_ in cells)]:
            parts = (f"<{tag}{'' if i else left}>{html.escape(cell)}</{tag}>" for i, cell in enumerate(line))
            rows.append(f"<tr>{''.join(parts)}</tr>")
        notes = "<br>".join(map(html.escape, self.notes()))
        return f"<table><thead>{rows[0]}</thead><tbody>{''.join(rows[1:])}</tbody></table><p>{notes}</p>"


def loss_of(found: Fit) -> float:
    """What a fit is chosen by: of a known function its largest error, else what its own network was chosen by."""
    if found.problem.function is not None or not np.isfinite(found.score):
        return found.error.max
    return found.score


def measure_of(found: Fit) -> str:
    """The kind of error that `loss_of` is, in words: numbers of two kinds say nothing of each other."""
    problem = found.problem
    if problem.function is not None or not np.isfinite(found.score):
        return f"the largest error on {found.domain}" if problem.function is not None else "the largest error"
    if problem.quantiles:
        return f"pinball loss at {', '.join(f'{level:g}' for level in problem.quantiles)}"
    if found.classified is not None:
        return "log loss"
    told = "squared errors of the logarithm" if problem.log_target else "squared errors"
    robust = any(note.code.startswith("robust-") for note in problem.notes)
    return told + (", those of outliers counting less" if robust else "")


def _row(name: str, found: Fit | SurefitError) -> dict[str, Any]:
    if isinstance(found, SurefitError):
        return dict.fromkeys(OF_CLASSES) | {"variant": name, "stopped": f"{type(found).__name__}: {found}"}
    return {
        "variant": name, "seed": found.seed, "parameters": found.network.num_parameters(),
        "max_error": found.error.max, "rmse": found.error.rmse, "r2": found.error.r2, "seconds": found.seconds,
        "reached": found.reached, "stopped": str(found.stop_reason),
        "accuracy": None if found.classified is None else found.classified.accuracy,
        "log_loss": None if found.classified is None else found.classified.log_loss,
    }  # fmt: skip


__all__ = ["Comparison", "compare", "loss_of", "measure_of"]
