"""`surefit reproduce`: the source experiments, their table in the terminal, pages and pictures in a directory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from surefit.errors import ArgumentError, DataError

from .language import complaint, spoken, words
from .readers import nearest
from .report import Json, Quiet, check_place, print_json, say
from .training import NOT_REACHED

if TYPE_CHECKING:
    from surefit.experiments import Result


WIDTH = 150  # columns of the tables where there is no terminal


def reproduce(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME...",
            show_default=False,
            help="sine-reciprocal, two-ways, digits, three-functions, sine-by-sample, two-inputs.",
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help="Fewer epochs, rows and seeds: all in a minute. What that cannot test is said to be not tested.",
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", show_default=False, help="Write tables (Markdown, JSON) and pictures there."),
    ] = None,
    mnist: Annotated[
        Path | None,
        typer.Option(metavar="DIR", show_default=False, help="Where the MNIST files are. Default: the user's cache."),
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch the MNIST files that are missing (11 MB, checksums checked).")
    ] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Run the experiments that surefit was started from: the published numbers beside ours.

    surefit reproduce --all --quick --out reproduced

    Each claim of a source is judged (holds, refuted, partly, not tested), and so is what surefit says about it.

    Exit codes: 0 done, 2 wrong input, 3 a claim of surefit itself is refuted, or digits had no data.
    """
    chosen = _chosen(names or [], everything)
    check_place("--out", out and out / "summary.md")
    from surefit import experiments

    def log(sentence: str) -> None:
        if not quiet and not as_json:
            typer.secho(f"  {complaint(sentence)}", dim=True, err=True)

    options = experiments.Options(quick=quick, mnist=mnist, download=download, log=log, lang=spoken())
    results: list[Result] = []
    missing = False
    for name in chosen:
        log(f"{name}:")
        try:
            results.append(experiments.run(name, options))
        except DataError as error:
            if len(chosen) == 1:
                raise
            missing = True
            say("warning", f"{error}\n" + words("{name} is left out", name=name))
    files = [] if out is None else experiments.save(results, out, spoken())
    if as_json:
        record: dict[str, Any] = {"experiments": [result.to_dict() for result in results], "files": files}
        print_json(record)
    else:
        _show(results)
        if files:
            print("\n".join(["", words("written"), *(f"  {path}" for path in files)]))
    if missing or any(result.wrong for result in results):
        raise typer.Exit(NOT_REACHED)


def _chosen(names: Sequence[str], everything: bool) -> tuple[str, ...]:
    """The experiments to run, in their order."""
    from surefit.experiments import NAMES

    for name in names:
        if name not in NAMES:
            known, hint = ", ".join(NAMES), nearest(name, NAMES)
            message = "there is no experiment {name!r}{hint}; they are {known}"
            raise ArgumentError(words(message, name=name, hint=hint, known=known))
    if everything and names:
        raise ArgumentError(f"--all runs every experiment; leave out {' '.join(names)}, or --all")
    if not everything and not names:
        raise ArgumentError(words("which experiment? Give --all, or some of {known}", known=", ".join(NAMES)))
    return NAMES if everything else tuple(name for name in NAMES if name in names)


def _show(results: Sequence[Result]) -> None:
    """The comparison, the other tables, the claims."""
    from rich.console import Console
    from rich.table import Table

    from surefit.experiments import result as r

    lang = spoken()
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)

    def table(title: str, header: Sequence[str], rows: Any, right: bool) -> None:
        shown = Table(
            title=r.said(title, lang),
            title_justify="left",
            title_style="bold",
            box=None,
            pad_edge=False,
            header_style="dim",
        )
        for i, name in enumerate(header):
            shown.add_column(
                r.said(name, lang), justify="right" if right and i else "left", no_wrap=right and not i, overflow="fold"
            )
        for row in rows:
            shown.add_row(*row)
        console.print(shown)
        console.print()

    for result in results:
        title = "{name}  ({source}, {seconds} s, quick)" if result.quick else "{name}  ({source}, {seconds} s)"
        source = r.said(result.source, lang)
        title = words(title, name=result.name, source=source, seconds=f"{result.seconds:.0f}")
        console.rule(title, align="left", style="dim")
        console.print(r.said(result.about, lang) + "\n", highlight=False)
        for grid in result.grids:
            cells = [tuple(r.shown(cell, lang) for cell in row) for row in grid.rows]
            table(grid.title, grid.header, cells, right=True)
            if grid.note:
                console.print(r.said(grid.note, lang) + "\n", style="dim", highlight=False)
        table(words("claims"), r.CLAIM_HEADER, (r.claim_cells(claim, lang) for claim in result.claims), right=False)
    console.rule(words("the source's numbers and ours"), align="left", style="dim")
    rows = [(result.name, *r.row_cells(row, lang)) for result in results for row in result.rows]
    table("", (r.EXPERIMENT, *r.ROW_HEADER), rows, right=True)
    comma = ", " if lang == "en" else "，"
    for result in results:
        for row in result.rows:
            if row.note:
                console.print(f"{result.name}{comma}{r.noted(row, lang)}", style="dim", highlight=False)
    console.print()
    for line in r.tally(results, lang):
        console.print(line, highlight=False)
    for result in results:
        for claim in result.wrong:
            _, _, found, ours, verdict = r.claim_cells(claim, lang)
            line = words(
                "{name}, {verdict}: surefit says: {ours}. Measured: {found}",
                name=result.name, verdict=verdict, ours=ours, found=found,
            )  # fmt: skip
            console.print(line, style="bold", highlight=False)


COMMANDS = (reproduce,)
