"""The application: its commands, and the one place where failures become messages and exit codes."""

from __future__ import annotations

import logging
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from surefit._version import __version__
from surefit.errors import ArgumentError, SurefitError
from surefit.sentences import Sentence

from . import experiments, models, playing, proofs, signals, streams, studies, tables, training
from .grammar import Command, Group, with_language
from .language import complaint, language_of, of_locale, speaking
from .report import Lang, say

FAULT, WRONG = 1, 2  # exit codes: surefit is wrong, or what came or the machine is

EXAMPLES = """
Fit a formula:  surefit fit "sin(x1) - cos(x2)" --on x1=-5:5 --on x2=-5:5 --out demo

Fit a table:    surefit fit data.csv --targets price --out prices

Fit a program:  surefit fit --command "./sim {x1} {x2}" --on x1=0:1 --on x2=0:1 --budget 200 --jobs 4

Compare ways:   surefit compare data.csv --method features --method varpro --out ways

Use a model:    surefit predict demo/model.safetensors --at x1=1,x2=2

Look at it:     surefit info demo/model.safetensors

Examine it:     surefit doctor demo/model.safetensors

Report on it:   surefit report demo

Be sure of it:  surefit certify demo --tol 1e-6

Make a table:   surefit data "sin(x)/x" --on x=1:9 --num 5000 --out samples

Watch it learn:  surefit play

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
    lang: Lang = None,
) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


for module in (training, studies, models, proofs, tables, experiments, playing):
    for command in module.COMMANDS:
        app.command(cls=Command)(with_language(command))


def run(args: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. Nothing is raised."""
    with streams.never_failing() as out, warnings.catch_warnings(), signals.as_interrupts():
        warnings.simplefilter("ignore")
        warnings.simplefilter("default", UserWarning)
        warnings.showwarning = _show_warning
        logging.getLogger("matplotlib").setLevel(logging.ERROR)  # the first chart would announce a cache of fonts
        given = sys.argv[1:] if args is None else list(args)
        try:
            code = _in_language(given)
            out.flush()
        except KeyboardInterrupt:  # outside of a command
            say("error", "interrupted")
            return signals.exit_code()
        if out.complaint is not None:
            say("error", f"cannot write to standard output ({out.complaint})")
            return code or WRONG
        return code


def _in_language(args: list[str]) -> int:
    """Run one command in the language that it names, or that of the locale; its exit code."""
    try:
        lang = language_of(args)
    except ArgumentError as error:
        with speaking(of_locale()):
            say("error", complaint(str(error)))
        return WRONG
    with speaking(lang):
        return _exit_code(args)


def _exit_code(args: list[str]) -> int:
    """Run one command; its exit code. An error is said on stderr."""
    try:
        for word in args:
            if any("\ud800" <= c <= "\udfff" for c in word):  # what Python makes of bytes that are no text
                raise ArgumentError(
                    f"the word {word!r} is not text in {sys.getfilesystemencoding()}; rename the file, if it is one"
                )
        code = app(args=args, prog_name="surefit", standalone_mode=False)
    except typer.Exit as end:
        return end.exit_code
    except typer.Abort:
        raise KeyboardInterrupt from None
    except Exception as error:
        if os.environ.get("SUREFIT_TRACEBACK"):
            traceback.print_exception(error)
        message = _message(error)
        if message is not None:
            say("error", complaint(message))
            return WRONG
        say("error", f"{type(error).__name__}: {error}\nthis is a fault of surefit; SUREFIT_TRACEBACK=1 shows where")
        return FAULT
    return code if isinstance(code, int) else 0


def _message(error: Exception) -> str | None:
    """What is wrong with the input, or with the machine; None when it is neither."""
    if isinstance(error, SurefitError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)
    if isinstance(error, MemoryError):
        return f"not enough memory ({error})" if str(error) else "not enough memory"
    if isinstance(error, RecursionError):
        return "what came is nested too deeply"
    return None


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    text = message.args[0] if isinstance(message, Warning) and message.args else message
    say("warning", text if isinstance(text, Sentence) else str(message))
