"""A report as a list of blocks, which the writers turn into HTML or Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surefit.view.animation import Film


@dataclass(frozen=True)
class Text:
    """A paragraph; `strong` for the verdict, `quiet` for a remark."""

    text: str
    style: str = ""


@dataclass(frozen=True)
class Formula:
    """A formula, in the two languages of mathematics."""

    mathml: str
    latex: str


@dataclass(frozen=True)
class Table:
    """Rows of cells; the columns named in `numbers` are numbers. Without a header the first column names the row."""

    rows: Sequence[tuple[str, ...]]
    header: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    caption: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture, drawn when it is written: a Matplotlib figure or a `Drawing`."""

    name: str
    draw: Callable[[], Any]
    caption: str


@dataclass(frozen=True)
class Movie:
    """The film of a training."""

    name: str
    film: Film
    caption: str


@dataclass(frozen=True)
class Code:
    """Lines to be copied."""

    text: str
    language: str = ""


Block = Text | Formula | Table | Picture | Movie | Code


@dataclass
class Section:
    """A heading, and what stands under it."""

    key: str
    title: str
    blocks: list[Block] = field(default_factory=list)


@dataclass
class Document:
    """A whole report."""

    title: str
    subtitle: str
    lang: str
    sections: list[Section]
    footer: str
