"""What commands print: one JSON object, or lines of names and values; errors and warnings on stderr."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from surefit.errors import DataError
from surefit.files import check_writable
from surefit.sentences import columns

from .language import spoken, words

# the options by which a command is told what to print
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Lang = Annotated[
    str | None,
    typer.Option(
        "--lang", metavar="en|zh", show_default=False,
        help="Language of help, messages and cards. Default: that of the locale.",
    ),
]  # fmt: skip
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]


def plain(value: Any) -> Any:
    """The value as JSON has it: NaN and infinity become null, arrays lists, paths and other objects texts."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value.as_posix() if isinstance(value, Path) else str(value)


def print_json(record: Mapping[str, Any]) -> None:
    """Print one JSON object."""
    print(json.dumps(plain(record), indent=2, allow_nan=False, ensure_ascii=False))


def print_lines(record: Mapping[str, Any] | Sequence[tuple[str, Any]]) -> None:
    """Print `name  value`, one a line, values aligned."""
    rows = list(record.items()) if isinstance(record, Mapping) else record
    width = max(columns(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name}{' ' * (width - columns(name))}  {value}")


def say(kind: str, message: str) -> None:
    """`error: ...` or `warning: ...` on stderr."""
    colon = ":" if spoken() == "en" else "："
    typer.secho(f"{words(kind)}{colon}", fg="red" if kind == "error" else "yellow", bold=True, nl=False, err=True)
    typer.echo(f" {words(message)}", err=True)


def check_place(option: str, path: Path | None) -> None:
    """Refuse a file that cannot be written before what it is to hold is computed: later is too late.

    No folder is made, as what is to be computed may be refused.
    """
    if path is not None:
        there = next((place for place in path.parents if place.exists()), path.parent)
        try:
            check_writable(there / path.name)
        except DataError as error:
            raise DataError(f"{option}: {error}") from None
