"""A report as Markdown, with its pictures as PNG and the film as GIF in a directory beside it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from surefit.errors import SurefitError
from surefit.files import make_directory, write_atomically
from surefit.reports.document import Block, Code, Document, Formula, Movie, Picture, Table, Text
from surefit.reports.words import Speech
from surefit.view.drawing import Drawing
from surefit.view.language import language
from surefit.view.pictures import png_of
from surefit.view.style import has_chinese_font


def write_markdown(document: Document, path: Path) -> Path:
    """Write NAME.md and the directory NAME_files."""
    say = Speech(document.lang)
    folder = path.with_name(f"{path.stem}_files")
    make_directory(folder)
    latin = document.lang == "zh" and not has_chinese_font()
    parts = [f"# {document.title}: {_plain(document.subtitle)}"]
    if latin:
        parts.append(f"*{say('latin-labels')}*")
    for i, section in enumerate(document.sections, 1):
        parts.append(f"## {i}. {section.title}")
        parts += [_block(block, folder, "en" if latin else document.lang, say) for block in section.blocks]
    parts.append(f"---\n\n{document.footer}")
    return write_atomically(path, "\n\n".join(parts) + "\n")


def _plain(text: str) -> str:
    """Text in which no character means formatting."""
    return re.sub(r"([\\`*_{}\[\]<>#|~$])", r"\\\1", text)


def _block(block: Block, folder: Path, lang: str, say: Speech) -> str:
    if isinstance(block, Text):
        mark = {"strong": "**", "quiet": "*"}.get(block.style, "")
        return f"{mark}{_plain(block.text)}{mark}"
    if isinstance(block, Formula):
        return f"$$\n{block.latex}\n$$"
    if isinstance(block, Code):
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", block.text)), default=0))
        return f"{fence}{block.language}\n{block.text}\n{fence}"
    if isinstance(block, Table):
        return _table(block)
    try:
        png = None if isinstance(block, Movie) else _drawn(block, lang)
        file = _film(block, folder, lang) if isinstance(block, Movie) else f"{block.name}.png"
    except SurefitError as e:
        if isinstance(e.__cause__, OSError):  # the disk, which would leave the pictures of another report there
            raise
        return f"*{_plain(say('no-picture', why=e))}*"
    if png is not None:
        write_atomically(folder / file, png)
    caption = say("film-caption") if isinstance(block, Movie) else block.caption
    return f"![{_plain(caption)}]({folder.name.replace(' ', '%20')}/{file})\n\n*{_plain(caption)}*"


def _table(table: Table) -> str:
    width = len(table.header or table.rows[0])
    header = table.header or ("",) * width
    rules = ["---:" if i in table.numbers else "---" for i in range(width)]
    lines = [f"| {' | '.join(map(_plain, header))} |", f"| {' | '.join(rules)} |"]
    lines += [f"| {' | '.join(map(_plain, row))} |" for row in table.rows]
    caption = f"{_plain(table.caption)}\n\n" if table.caption else ""
    return caption + "\n".join(lines)


def _drawn(block: Picture, lang: str) -> bytes:
    with language(lang):
        drawn: Any = block.draw()
        figure = drawn.figure() if isinstance(drawn, Drawing) else drawn
        return png_of(figure)


def _film(block: Movie, folder: Path, lang: str) -> str:
    with language(lang):
        return block.film.save(folder / f"{block.name}.gif").name
