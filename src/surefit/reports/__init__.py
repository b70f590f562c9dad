"""The report of a fit: one self-contained page, or Markdown with pictures, in English or Chinese.

`content` says what stands in it, as blocks; `html` and `markdown` write blocks; `words` holds every word.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from surefit.errors import ArgumentError
from surefit.files import make_directory, write_atomically

if TYPE_CHECKING:
    from surefit.search.record import Record

ENDINGS = (".html", ".htm", ".md")


def write_report(fit: Record, path: Path, lang: str = "en") -> Path:
    """See `Fit.report`."""
    from surefit.reports.content import document
    from surefit.reports.html import page
    from surefit.reports.markdown import write_markdown
    from surefit.view.language import check_language

    check_language(lang)
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise ArgumentError(f"path: {path.name!r} ends in {ending!r}; .html or .md is needed")
    written = document(fit, lang)
    make_directory(path.parent)
    return write_markdown(written, path) if ending == ".md" else write_atomically(path, page(written))
