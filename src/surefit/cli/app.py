"""The application: its commands, and the one place where failures become messages and exit codes."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from surefit._version import __version__
from surefit.errors import SurefitError

from . import experiments, models, tables, training
from .grammar import Command, Group
from .report import say

EXAMPLES = """
Fit a formula:  surefit fit "sin(x1) - cos(x2)" --on x1=-5:5 --on x2=-5:5 --out demo

Fit a table:    surefit fit data.csv --targets price --out prices

Use a model:    surefit predict demo/model.safetensors --at x1=1,x2=2

Look at it:     surefit info demo/model.safetensors

Examine it:     surefit doctor demo/model.safetensors

Report on it:   surefit report demo

Make a table:   surefit data "sin(x)/x" --on x=1:9 --num 5000 --out samples

See it work:    surefit reproduce --all --quick --out reproduced
"""

app = typer.Typer(
    cls=Group,
    name="surefit",
    help="Fit a function with a neural network and be sure of it.",
    epilog=EXAMPLES,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"surefit {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def surefit(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


for module in (training, models, tables, experiments):
    for command in module.COMMANDS:
        app.command(cls=Command)(command)


def run(args: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. Nothing is raised but KeyboardInterrupt."""
    _never_fail_to_print()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("default", UserWarning)
        warnings.showwarning = _show_warning
        try:
            code = app(args=None if args is None else list(args), prog_name="surefit", standalone_mode=False)
            sys.stdout.flush()
        except BrokenPipeError:  # the reader of a pipe has gone, as `head` does
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except Exception as error:
            return _report(error)
    return code if isinstance(code, int) else 0


def _report(error: Exception) -> int:
    """Say on stderr what went wrong; the exit code."""
    if os.environ.get("SUREFIT_TRACEBACK"):
        traceback.print_exception(error)
    if isinstance(error, typer.Exit):
        return error.exit_code
    if isinstance(error, typer.Abort):
        raise KeyboardInterrupt from None
    message = _message(error)
    if message is None:
        where = "this is a fault of surefit; SUREFIT_TRACEBACK=1 shows where"
        say("error", f"{type(error).__name__}: {error}\n{where}")
        return 1
    say("error", message)
    return 2


def _message(error: Exception) -> str | None:
    """What is wrong with the input, or with the machine; None when it is neither."""
    if isinstance(error, SurefitError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)
    if isinstance(error, MemoryError):
        return f"not enough memory ({error})" if str(error) else "not enough memory"
    return None


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    say("warning", str(message))


def _never_fail_to_print() -> None:
    """A terminal that lacks a character shows `?` for it."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):  # a stream that is no real file
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # the first chart would announce a cache of fonts
