"""What typer is taught: formulas that begin with a minus sign, nearest words, options from settings."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from surefit.errors import ArgumentError

from .readers import nearest
from .settings import Setting


class Group(TyperGroup):
    """The commands; an unknown one is answered with the nearest."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-"):
            hint = nearest(args[0], known) or f"; the commands are {', '.join(known)}"
            raise ArgumentError(f"there is no command {args[0]!r}{hint}")
        return super().resolve_command(ctx, args)


class Command(TyperCommand):
    """A command whose formula may begin with a minus sign, and whose errors say where help is."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, self._formulas_behind(args))
        except Exception as error:
            message = _explained(error, self._options())
            if message is None:
                raise
            raise ArgumentError(f"{message}\nsee: {ctx.command_path} --help") from None

    def _options(self) -> dict[str, bool]:
        """Every option, and whether it takes a value."""
        return {
            word: not getattr(p, "is_flag", False)
            for p in self.params
            if p.param_type_name == "option"
            for word in (*p.opts, *p.secondary_opts)
        }

    def _formulas_behind(self, args: list[str]) -> list[str]:
        """The words with those that look like an option but are formulas moved behind `--`."""
        options = self._options()
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
                if options.get(word):  # its value is no formula, even when it is a negative number
                    kept.extend(value for value, _ in zip(rest, "1", strict=False))
        return [*kept, "--", *formulas] if formulas else args


def _may_be_formula(word: str, options: dict[str, bool]) -> bool:
    """-x^2 and -2/(2+sin(x)) may; --lr, -h, and -lr with a dash too few may not."""
    if len(word) < 2 or not word.startswith("-") or word.startswith("--") or word in options:
        return False
    return "-" + word.partition("=")[0] not in options


def _explained(error: Exception, options: Iterable[str]) -> str | None:
    """What typer says about the words of the command line, in our words; None for other errors."""
    if not hasattr(error, "format_message"):
        return None
    message = error.format_message()
    option = getattr(error, "option_name", None)
    if message.startswith("No such option"):
        word = str(option).partition("=")[0]
        return f"there is no option {word}{nearest(word, options)}"
    if option and "requires an argument" in message:
        return f"{option}: its value is missing"
    if message.startswith("Got unexpected extra argument"):
        words = message.partition("(")[2].rpartition(")")[0]
        return f"these words are too many: {words} (a formula with blanks needs quotes)"
    if message.startswith("Missing argument"):
        return f"{message.removeprefix('Missing argument ').strip(chr(39) + '.')} is missing"
    return message


def with_settings(rows: Iterable[Setting]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command one option for each row; what was given arrives in its last parameter, **given."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command, eval_str=True)
        *own, _ = signature.parameters.values()
        parameters = [*own, *map(_parameter, rows)]
        command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        command.__annotations__ = {p.name: p.annotation for p in parameters}
        return command

    return decorate


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
    return inspect.Parameter(
        row.key, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, info]
    )
