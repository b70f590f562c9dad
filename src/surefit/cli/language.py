"""Which language a command speaks: `--lang zh`, or the one of the locale; and its words in Chinese.

The English words are the keys, as they stand in the code; what is not in the table stays English: names, formulas, and
the messages of the library below the command line.
"""

from __future__ import annotations

import locale
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from surefit.errors import ArgumentError
from surefit.sentences import LANGUAGES, Sentence

from .chinese import CHINESE

_language: ContextVar[str] = ContextVar("language of the command line", default="en")


def language_of(args: Sequence[str], environment: Mapping[str, str] = os.environ) -> str:
    """The language that `--lang` names, else the one of the locale if that is Chinese, else English.

    >>> language_of(["fit", "x", "--lang", "zh"]), language_of([], {"LANG": "zh_CN.UTF-8"}), language_of([], {})
    ('zh', 'zh', 'en')

    Raises:
        ArgumentError: another language was named.
    """
    for i, word in enumerate(args):
        if word == "--":
            break
        name, equals, value = word.partition("=")
        if name == "--lang" and (equals or i + 1 < len(args)):
            given = value if equals else args[i + 1]
            if given not in LANGUAGES:
                raise ArgumentError(f"--lang {given}: expected en or zh")
            return given
    return of_locale(environment)


def of_locale(environment: Mapping[str, str] = os.environ) -> str:
    """The language of the locale, if that is Chinese, else English."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):  # the first that is set decides, as POSIX has it
        if environment.get(name):
            return "zh" if environment[name].startswith("zh") else "en"
    if os.name == "nt" and environment is os.environ:
        return "zh" if str(locale.getlocale()[0]).startswith(("zh", "Chinese")) else "en"
    return "en"


@contextmanager
def speaking(lang: str) -> Iterator[None]:
    """Commands that run inside speak this language."""
    token = _language.set(lang)
    try:
        yield
    finally:
        _language.reset(token)


def spoken() -> str:
    """The language in force."""
    return _language.get()


def words(english: str, **values: Any) -> str:
    """These words in the language in force, {names} filled in; a Sentence of the library in its own Chinese."""
    if isinstance(english, Sentence):
        return english.said(_language.get())
    template = CHINESE.get(english, english) if _language.get() == "zh" else english
    return template.format(**values) if values else template


def complaint(message: str) -> str:
    """An error message of the library in the language in force."""
    if _language.get() == "en" or isinstance(message, Sentence):
        return words(message)
    from .chinese_errors import in_chinese

    return in_chinese(message)


@contextmanager
def help_in_language(command: Any, context: Any) -> Iterator[None]:
    """Within the block the help of a command is in the language in force: its texts, its options', the headings."""
    if _language.get() == "en":
        yield
        return
    from typer import rich_utils

    before = {name: value for name, value in vars(rich_utils).items() if name.endswith("_PANEL_TITLE")}
    changed: dict[str, Any] = {name: words(title) for name, title in before.items()}
    for name, text in {"DEFAULT_STRING": "[默认：{}]", "REQUIRED_LONG_STRING": "[必需]"}.items():
        if hasattr(rich_utils, name):
            before[name], changed[name] = getattr(rich_utils, name), text
    if columns := getattr(rich_utils, "Columns", None):
        before["Columns"], changed["Columns"] = columns, _folding(columns)
    for name, value in changed.items():
        setattr(rich_utils, name, value)
    for each in (command, *getattr(command, "commands", {}).values()):
        each.help = _paragraphs(each.help)
    command.epilog = _paragraphs(command.epilog)
    for parameter in command.get_params(context):
        if getattr(parameter, "help", None):
            parameter.help = words(parameter.help)
        if getattr(parameter, "rich_help_panel", None):
            parameter.rich_help_panel = words(parameter.rich_help_panel)
        for shows in ("display_type_rich", "make_metavar"):  # which of them says the type depends on typer's version
            if hasattr(parameter, shows):
                setattr(parameter, shows, _saying(getattr(parameter, shows)))
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(rich_utils, name, value)


def usage_in_language(usage: str) -> str:
    """The line that begins a help, "Usage: surefit fit [OPTIONS] ...", in the language in force; names stay."""
    if _language.get() == "en":
        return usage
    for english in ("Usage: ", "[OPTIONS]", "COMMAND [ARGS]..."):
        usage = usage.replace(english, words(english))
    return usage


def _saying(made: Callable[..., str | None]) -> Callable[..., str | None]:
    """What a parameter shows as its type, in the language in force: <bool>, <path>; a placeholder as it is."""
    return lambda *args, **given: None if (shown := made(*args, **given)) is None else words(shown)


def _folding(columns: Any) -> Any:
    """Rich's columns with lines that break within words: Chinese has no blanks to break at, and would be cut."""

    def made(items: Any) -> Any:
        for item in items:
            if hasattr(item, "overflow"):
                item.overflow = "fold"
        return columns(items)

    return made


def _paragraphs(text: str | None) -> str | None:
    """Each paragraph in the language in force; examples stay, and of "Fit a formula:  surefit ..." the head is said."""
    if text is None:
        return None
    parts = []
    for part in text.split("\n\n"):
        one = " ".join(part.split())
        head, colon, rest = part.partition(":  ")
        parts.append(
            words(head.strip()) + "：  " + rest if colon and head.strip() in CHINESE else CHINESE.get(one, part)
        )
    return "\n\n".join(parts)


__all__ = ["complaint", "help_in_language", "language_of", "speaking", "spoken", "usage_in_language", "words"]
