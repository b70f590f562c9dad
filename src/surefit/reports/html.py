"""A report as one HTML page that fetches nothing: pictures are SVG inside it, formulas MathML, the film PNG."""

from __future__ import annotations

import base64
import re
import warnings
from html import escape
from typing import Any

from surefit.errors import SurefitError
from surefit.reports.document import Block, Code, Document, Formula, Movie, Picture, Section, Table, Text
from surefit.reports.words import Speech
from surefit.view.animation import player
from surefit.view.drawing import Drawing
from surefit.view.language import language
from surefit.view.pictures import svg_of
from surefit.view.style import has_chinese_font

PAGE = 500.0  # points: a picture as wide as this was drawn for the width of a page


def page(document: Document) -> str:
    """The whole page."""
    say = Speech(document.lang)
    contents = "".join(f'<li><a href="#{s.key}">{escape(s.title)}</a></li>' for s in document.sections)
    sections = "\n".join(_section(s, i, say) for i, s in enumerate(document.sections, 1))
    return f"""<!DOCTYPE html>
<html lang="{"zh-CN" if document.lang == "zh" else "en"}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(f"{document.title}: {document.subtitle}")}</title>
<style>
{STYLE}</style>
</head>
<body>
<header><p class="kind">{escape(document.title)}</p><h1>{escape(document.subtitle)}</h1></header>
<nav aria-label="{escape(say("contents"))}"><ol>{contents}</ol></nav>
<main>
{sections}
</main>
<footer>{escape(document.footer)}</footer>
</body>
</html>
"""


def _section(section: Section, count: int, say: Speech) -> str:
    blocks = "\n".join(_block(block, say) for block in section.blocks)
    return f'<section id="{section.key}">\n<h2>{count}. {escape(section.title)}</h2>\n{blocks}\n</section>'


def _block(block: Block, say: Speech) -> str:
    if isinstance(block, Text):
        leads = block.text.endswith((":", "：")) and not block.style  # stays with what it announces
        return f"<p{_class('lead' if leads else block.style)}>{escape(block.text)}</p>"
    if isinstance(block, Formula):
        return f'<div class="formula">{block.mathml}</div>'
    if isinstance(block, Code):
        return f"<pre><code>{escape(block.text)}</code></pre>"
    if isinstance(block, Table):
        return _table(block)
    try:
        return _movie(block, say) if isinstance(block, Movie) else _picture(block, say)
    except SurefitError as e:
        return f'<p class="quiet">{escape(say("no-picture", why=e))}</p>'


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""


def _table(table: Table) -> str:
    numbers = [_class("number") if i in table.numbers else "" for i in range(len(table.rows[0]) if table.rows else 0)]
    caption = f"<caption>{escape(table.caption)}</caption>" if table.caption else ""
    head = ""
    if table.header:
        cells = "".join(f'<th scope="col"{n}>{escape(t)}</th>' for t, n in zip(table.header, numbers, strict=True))
        head = f"<thead><tr>{cells}</tr></thead>"
    body = ""
    for first, *others in table.rows:
        cells = "".join(f"<td{n}>{escape(t)}</td>" for t, n in zip(others, numbers[1:], strict=True))
        body += f'<tr><th scope="row">{escape(first)}</th>{cells}</tr>'
    kind = "" if table.header else _class("plain")
    return f'<div class="wide"><table{kind}>{caption}{head}<tbody>{body}</tbody></table></div>'


def _figure(picture: str, caption: str, kind: str = "") -> str:
    return f"<figure{_class(kind)}>\n{picture}\n<figcaption>{escape(caption)}</figcaption>\n</figure>"


def _picture(block: Picture, say: Speech) -> str:
    """An image of its own, so that its names do not meet those of other pictures."""
    svg = draw_svg(block, say.lang)
    data = base64.b64encode(svg.encode()).decode()
    width = float(found[1]) if (found := re.search(r'<svg[^>]* width="([\d.]+)pt"', svg)) else 0.0
    wide = _class("page") if width >= PAGE else ""
    image = f'<img{wide} src="data:image/svg+xml;base64,{data}" alt="{escape(block.caption)}">'
    return _figure(image, block.caption)


def draw_svg(block: Picture, lang: str) -> str:
    """The picture in this language. Its text is drawn by the reader's fonts, so none has to be here."""
    with language(lang), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        drawn: Any = block.draw()
        return drawn.svg() if isinstance(drawn, Drawing) else svg_of(drawn)


def _movie(block: Movie, say: Speech) -> str:
    """Its frames are pixels: without a font for Chinese here they speak English, and that is said."""
    latin = say.lang == "zh" and not has_chinese_font()
    with language(say.lang):
        film = player(block.film, labels="en" if latin else None)
    note = f"{block.caption}{say('latin-film')}" if latin else block.caption
    return _figure(film, note, "film")


STYLE = """\
:root { --ink: #1c1c1c; --soft: #5a5a5a; --line: #d9d9d9; --accent: #0072b2; --pale: #f5f8fa; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.2rem 4rem; max-width: 52rem; color: var(--ink); background: white;
  font: 16px/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "PingFang SC", "Microsoft YaHei",
  "Noto Sans CJK SC", sans-serif; }
h1 { margin: 0 0 1rem; font-size: 1.6rem; line-height: 1.3; overflow-wrap: anywhere; font-weight: 600; }
h2 { margin: 2.6rem 0 .8rem; padding-bottom: .25rem; font-size: 1.25rem; border-bottom: 2px solid var(--accent); }
.kind { margin: 0; color: var(--accent); font-weight: 600; letter-spacing: .02em; }
p { margin: .7rem 0; overflow-wrap: anywhere; }
.strong { padding: .8rem 1rem; background: var(--pale); border-left: 4px solid var(--accent); }
.quiet, figcaption, footer { color: var(--soft); font-size: .9rem; }
nav ol { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; margin: 0; padding: 0; list-style: none;
  counter-reset: part; font-size: .95rem; }
nav li::before { counter-increment: part; content: counter(part) ". "; color: var(--soft); }
a { color: var(--accent); }
.formula { margin: .6rem 0; padding: .3rem 0; overflow-x: auto; text-align: center; font-size: 1.1rem; }
math { font-family: "STIX Two Math", "Cambria Math", "Latin Modern Math", "DejaVu Math TeX Gyre", math; }
.wide { overflow-x: auto; }
table { margin: .8rem 0; border-collapse: collapse; font-size: .93rem; line-height: 1.45; }
caption { padding: .3rem 0; text-align: left; color: var(--soft); }
th, td { padding: .3rem 1rem .3rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line);
  overflow-wrap: anywhere; }
thead th { border-bottom: 2px solid var(--line); white-space: nowrap; }
tbody th { font-weight: 400; }
.plain tbody th { color: var(--soft); white-space: nowrap; padding-right: 2rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
pre { margin: .7rem 0; padding: .8rem 1rem; overflow-x: auto; background: var(--pale); border: 1px solid var(--line);
  border-radius: 4px; font: .86rem/1.5 ui-monospace, "DejaVu Sans Mono", Consolas, monospace; }
figure { margin: 1.4rem 0; }
figure img { display: block; max-width: 100%; height: auto; margin: 0 auto; }
figure img.page { width: 100%; }
figcaption { margin-top: .4rem; text-align: center; }
.player .controls { display: flex; gap: 1rem; margin-top: .4rem; align-items: center; }
.player button { padding: .25rem 1rem; font: inherit; color: white; background: var(--accent); border: 0;
  border-radius: 4px; cursor: pointer; }
.player input { flex: 1; accent-color: var(--accent); }
footer { margin-top: 3rem; padding-top: .6rem; border-top: 1px solid var(--line); }
@page { size: A4; margin: 18mm 16mm; }
@media print {
  body { padding: 0; max-width: none; font-size: 10.5pt; }
  nav, .film { display: none; }
  h2, .lead { break-after: avoid; }
  h2 { margin-top: 1.6rem; }
  figure, table, tr, .formula, .strong { break-inside: avoid; }
  pre { white-space: pre-wrap; }
  figure { margin: .8rem 0; }
  figure img.page { width: 86%; }
  figure img { max-height: 21cm; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
