"""What typer is taught: formulas that begin with a minus sign, nearest words, options from settings."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from surefit.errors import ArgumentError
from surefit.keywords import meant

from . import signals
from .language import help_in_language, usage_in_language, words
from .readers import nearest
from .report import Lang, say
from .settings import Setting


class _InLanguage:
    """Help in the language in force."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        with help_in_language(self, ctx):
            super().format_help(ctx, formatter)  # type: ignore[misc]

    def get_usage(self, ctx: Any) -> str:
        return usage_in_language(super().get_usage(ctx))  # type: ignore[misc]


class Group(_InLanguage, TyperGroup):
    """The commands; an unknown one is answered with the nearest."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        with _explaining(ctx, args):
            return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        known = self.list_commands(ctx)
        if args and args[0] not in known:
            hint = nearest(args[0], known) or words("; the commands are {known}", known=", ".join(known))
            if args[0] == "help":
                hint = words("; write surefit --help, or surefit fit --help")
            raise ArgumentError(words("there is no command {word!r}{hint}", word=args[0], hint=hint))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:  # outside of training, which keeps what it has; typer would not know the signal
            say("error", "interrupted")
            raise typer.Exit(signals.exit_code()) from None


class Command(_InLanguage, TyperCommand):
    """A command whose formula may begin with a minus sign."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        options = _options_of(self)
        for word, value in [*pairwise(args), *(arg.split("=", 1) for arg in args if "=" in arg)]:
            if not value and options.get(word):  # an empty path would mean the folder one is in
                raise ArgumentError(words("{option}: its value is missing", option=word))
        with _explaining(ctx, args):
            return super().parse_args(
                ctx, self._formulas_behind(args, options | dict.fromkeys(ctx.help_option_names, False))
            )

    def _formulas_behind(self, args: list[str], options: dict[str, bool]) -> list[str]:
        """The words with those that look like an option but are formulas moved behind `--`."""
        kept: list[str] = []
        formulas: list[str] = []
        rest = iter(args)
        for word in rest:
            if word == "--":
                formulas += rest
            elif _may_be_formula(word, options):
                formulas.append(word)
            else:
                kept.append(word)
                if options.get(word) and (value := next(rest, None)) is not None:
                    kept.append(value)  # the value of an option, such as a negative number, is no formula
        return [*kept, "--", *formulas] if formulas else args


def _may_be_formula(word: str, options: dict[str, bool]) -> bool:
    """-x^2 and -2/(2+sin(x)) may; --lr, -h, and -lr with a dash too few may not."""
    if len(word) < 2 or not word.startswith("-") or word.startswith("--") or word in options:
        return False
    return "-" + word.partition("=")[0] not in options


def _options_of(command: Any) -> dict[str, bool]:
    """Every option of a command, and whether it takes a value."""
    return {
        word: not getattr(parameter, "is_flag", False)
        for parameter in command.params
        if parameter.param_type_name == "option"
        for word in (*parameter.opts, *parameter.secondary_opts)
    }


@contextmanager
def _explaining(context: Any, args: list[str]) -> Iterator[None]:
    """What typer says about words that it cannot place, in our words and with the place of help."""
    given = list(args)
    try:
        yield
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        said = _explained(error, given, _options_of(context.command))
        raise ArgumentError(words("{words}\nsee: {command} --help", words=said, command=context.command_path)) from None


def _explained(error: Any, args: list[str], options: Iterable[str]) -> str:
    message = error.format_message()
    option = str(getattr(error, "option_name", ""))
    if message.startswith("No such option"):
        word = option if option.startswith("--") else next(arg for arg in args if arg.startswith(option))
        word = word.partition("=")[0]
        options = list(options)
        other = meant(word.strip("-"), [o.lstrip("-").replace("-", "_") for o in options])
        near = "--" + (word.lstrip("-") if other is None else other.replace("_", "-"))
        return words("there is no option {word}{hint}", word=word, hint=nearest(near, options))
    if "requires an argument" in message:
        return words("{option}: its value is missing", option=option)
    if many := re.match(r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)", message):
        if short := next(
            (w for w in many[1].split() if re.fullmatch("-[A-Za-z]", w)), None
        ):  # as other programs have it
            alike = sorted((o for o in options if o.startswith("-" + short)), key=lambda o: (o != "--out", len(o)))
            return words("there is no option {word}{hint}", word=short, hint=nearest(alike[0], alike) if alike else "")
        cure = "a table goes after --csv" if "--csv" in options else "a formula with blanks needs quotes"
        if cure.startswith("a formula") and "--on" not in options:
            return words("these words are too many: {rest}", rest=many[1])
        return words("these words are too many: {rest} ({cure})", rest=many[1], cure=words(cure))
    if found := re.fullmatch(r"Invalid value for '?(?:.*/ )?(--[\w-]+|[A-Z]+)'?: (.*)", message, re.DOTALL):
        return _misread(found[1], found[2], args)
    if message.startswith("Missing"):
        name = error.param.opts[0]
        return words("{name} is missing", name=name if name.startswith("-") else error.param.metavar)
    return message


def _misread(option: str, why: str, args: Sequence[str]) -> str:
    """What typer says of a value that is not a number, or out of range, with the value and what was needed."""
    places = (i for i, word in enumerate(args) if word.partition("=")[0] == option)
    place = next(places, len(args))
    value = (
        "".join(args[place].partition("=")[2:]) or " ".join(args[place + 1 : place + 2]) if place < len(args) else ""
    )
    ends = re.findall(r"(greater|less) than or equal to (-?[\d.]+)", why)
    low, high = (next((end for which, end in ends if which == name), "") for name in ("greater", "less"))
    low, high = next(iter(re.findall(r"in the range (-?[\d.]+)<=x<=(-?[\d.]+)", why)), (low, high))
    if low and high:
        needed = f"expected a number from {low} to {high}"
    elif low or high:
        needed = f"expected a number of {low} or more" if low else f"expected a number of {high} or less"
    elif "integer" in why:
        needed = "expected a whole number"
    elif "number" in why or "float" in why:
        needed = "expected a number"
    else:
        needed = why
    return f"{option} {value}: {needed}"


def with_settings(rows: Iterable[Setting]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command one option for each row; what was given arrives in its last parameter, **given."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command, eval_str=True)
        *own, _ = signature.parameters.values()
        return _with_parameters(command, [*own, *map(_parameter, rows)])

    return decorate


def with_language(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the option --lang, which `language.language_of` has read before anything is said.

    One that has it already does more with it.
    """
    if "lang" in inspect.signature(command).parameters:
        return command

    @functools.wraps(command)
    def run(*args: Any, lang: str | None = None, **given: Any) -> None:
        command(*args, **given)

    own = inspect.signature(command, eval_str=True).parameters.values()
    option = inspect.Parameter("lang", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Lang)
    return _with_parameters(run, [*own, option])


def _with_parameters(command: Callable[..., None], parameters: list[inspect.Parameter]) -> Callable[..., None]:
    """The command with these parameters, for typer to read."""
    signature = inspect.signature(command, eval_str=True)
    command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    return command


def _parameter(row: Setting) -> inspect.Parameter:
    if row.is_flag:
        words = f"{row.option}/{row.option.replace('--', '--no-', 1)}"
        info = typer.Option(words, help=row.help, show_default=False, rich_help_panel=row.panel or None)
        kind: Any = bool | None
    else:
        info = typer.Option(
            row.option, *row.also, help=row.help, metavar=row.metavar, show_default=False,
            rich_help_panel=row.panel or None,
        )  # fmt: skip
        kind = list[str] | None if row.repeated else str | None
    return inspect.Parameter(row.key, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, info])
