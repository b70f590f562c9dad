"""`surefit data`: tables of samples of a formula."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from surefit.files import make_directory

from .grammar import with_settings
from .language import words
from .readers import choice, number
from .report import Json, print_json, print_lines
from .settings import RUN, SETTINGS, Setting, check_extra_box, missing_domain, read_given, speaking_of_options

FORMATS = ("csv", "parquet", "npz")

_rows = [
    SETTINGS["on"],
    replace(SETTINGS["num"], help="Number of points, before extra points. Default: 5000."),
    Setting("ratio", "NUMBER", number(above=0, most=1), "Share of the training table in all rows. Default: 0.8."),
    replace(SETTINGS["design"], help=SETTINGS["design"].help.replace("auto (default)", "auto. Default: uniform")),
    SETTINGS["extra_box"],
    replace(SETTINGS["extra_ratio"], help="Number of extra points, as a share of the training points. Default: 0.125."),
    SETTINGS["noise"],
    replace(SETTINGS["seed"], help="Seed of the points and the noise. Default: 0."),
    Setting("format", "NAME", choice(*FORMATS), "csv (default), parquet or npz."),
]
ROWS = {row.key: replace(row, panel=RUN) for row in _rows}


@with_settings(ROWS.values())
def data(
    formula: Annotated[str, typer.Argument(metavar="FORMULA", show_default=False, help="Such as 'sin(x1) - cos(x2)'.")],
    out: Annotated[Path, typer.Option(metavar="DIR", show_default=False, help="Where the tables go.")],
    test: Annotated[
        bool,
        typer.Option("--test", help="Put all points into a test table; they differ from those for training."),
    ] = False,
    drop_nonfinite: Annotated[
        bool, typer.Option("--drop-nonfinite", help="Leave out points where the formula is NaN or infinite.")
    ] = False,
    as_json: Json = False,
    **given: Any,
) -> None:
    """Sample a formula into a training and a test table.

    surefit data "sin(x1) - cos(x2)" --on x1=-5:5 --on x2=-5:5 --num 5000 --ratio 0.8 --out samples
    """
    from surefit.data import generate, write_tables

    settings = read_given(given, ROWS)
    form = settings.pop("format", "csv")
    domain = settings.pop("on", None) or missing_domain(formula)
    seed = settings.pop("seed", 0)
    with speaking_of_options():
        if "extra_box" in settings:
            check_extra_box(domain, settings["extra_box"])
        tables = generate(formula.strip(), domain, test=test, drop_nonfinite=drop_nonfinite, generator=seed, **settings)
    paths = write_tables(tables, make_directory(out, argument="--out"), form)
    if as_json:
        print_json({
            name: {
                "path": paths[name], "rows": len(table), "inputs": table.inputs, "outputs": table.targets
            } for name, table in tables.items()
        })  # fmt: skip
    else:
        called = {name: f"{', '.join(table.inputs)} -> {', '.join(table.targets)}" for name, table in tables.items()}
        print_lines({
            str(paths[name]): words("{count} rows: {names}", count=len(table), names=called[name])
            for name, table in tables.items()
        })  # fmt: skip


COMMANDS = (data,)
