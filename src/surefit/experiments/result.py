"""What an experiment gives back: the published numbers beside ours, tables, claims, pictures; all of it plain data."""

from __future__ import annotations

import inspect
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Any

from surefit.errors import ArgumentError
from surefit.files import make_directory, write_atomically
from surefit.sentences import Sentence, both, joined, zh

FIGURE_ONLY = both("figure only", "仅有图")  # the source shows a picture and no number
NOT_GIVEN = both("not given", "未给出")

Cell = float | str | None


@dataclass(frozen=True)
class Options:
    """How to run an experiment.

    quick: fewer epochs, seeds and rows, so that all experiments together take less than a minute. mnist: directory of
    the four MNIST files; None: the one in the user's cache directory. download: whether missing ones may be fetched.
    log: called with a sentence at each new part. lang: of the pictures, "en" or "zh" (English where no
    font with Chinese characters is installed); all other texts are Sentences and can be said in both.
    """

    quick: bool = False
    mnist: Path | None = None
    download: bool = False
    log: Callable[[str], Any] = lambda sentence: None
    lang: str = "en"


@dataclass(frozen=True)
class Row:
    """One quantity: the source's number, ours with the source's recipe, ours with surefit's own choices.

    source: a number, "figure only" or "not given". faithful, better: numbers, None where there is nothing to compare.
    seconds, better_seconds: of the runs that gave them. seeds, better_seeds: which ones (better_seeds empty: the same);
    with several the number is their median.
    note: why ours differs, in one sentence, "" where it does not.
    """

    quantity: str
    source: Cell
    faithful: Cell = None
    better: Cell = None
    seconds: float | None = None
    better_seconds: float | None = None
    seeds: tuple[int, ...] = (0,)
    note: str = ""
    better_seeds: tuple[int, ...] = ()


@dataclass(frozen=True)
class Grid:
    """A table of an ablation: a title, column names, rows of cells, and a sentence below."""

    title: str
    header: tuple[str, ...]
    rows: list[tuple[Cell, ...]]
    note: str = ""


class Verdict(StrEnum):
    """What the numbers of a run make of a sentence."""

    HOLDS = "holds"
    REFUTED = "refuted"
    PARTLY = "partly"
    NOT_TESTED = "not tested"

    def said(self, lang: str) -> str:
        """The verdict in "en" or "zh"."""
        return self.value if lang == "en" else VERDICTS_IN_CHINESE[self]


VERDICTS_IN_CHINESE = {
    Verdict.HOLDS: "成立",
    Verdict.REFUTED: "被否定",
    Verdict.PARTLY: "部分成立",
    Verdict.NOT_TESTED: "未检验",
}


def verdict_of(*parts: bool, tested: bool = True) -> Verdict:
    """The verdict on a sentence with these parts: all of them true, some, or none. Without a test there is none.

    >>> [str(v) for v in (verdict_of(True), verdict_of(False), verdict_of(True, False), verdict_of(True, tested=False))]
    ['holds', 'refuted', 'partly', 'not tested']
    """
    if not parts or not tested:
        return Verdict.NOT_TESTED
    return Verdict.HOLDS if all(parts) else Verdict.PARTLY if any(parts) else Verdict.REFUTED


@dataclass(frozen=True)
class Claim:
    """A sentence of the source and a sentence of ours, each with a verdict, and the numbers that both rest on.

    said, verdict: what the source says, and whether this run bears it out; "" and None where only we say something.
    found: the numbers, without a judgement. ours, our_verdict: what we say, judged by the same numbers; "" and None
    where we have nothing to add.
    """

    said: str
    verdict: Verdict | None
    found: str
    ours: str = ""
    our_verdict: Verdict | None = None

    def __post_init__(self) -> None:
        for sentence, verdict in ((self.said, self.verdict), (self.ours, self.our_verdict)):
            if bool(sentence) != isinstance(verdict, Verdict):
                raise ArgumentError(
                    f"a claim's sentence {sentence!r} has the verdict {verdict!r}; each needs the other"
                )


def own(ours: str, verdict: Verdict, found: str) -> Claim:
    """A sentence of ours about which the source says nothing."""
    return Claim("", None, found, ours, verdict)


@dataclass(frozen=True)
class Setting:
    """A constant at the top of an experiment's file, and the reason beside it."""

    name: str
    value: str
    reason: str


@dataclass(frozen=True)
class Picture:
    """A Matplotlib Figure, a name for its file, a caption."""

    name: str
    caption: str
    figure: Any


@dataclass
class Result:
    """One experiment, done.

    name: as on the command line. source: the document, "document 000". about: what it is, in one paragraph.
    """

    name: str
    title: str
    source: str
    about: str
    quick: bool = False
    settings: list[Setting] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    grids: list[Grid] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def wrong(self) -> list[Claim]:
        """The claims in which a sentence of ours is not borne out. A source may be refuted; we may not."""
        return [c for c in self.claims if c.our_verdict in (Verdict.REFUTED, Verdict.PARTLY)]

    def counts(self, ours: bool = False) -> dict[Verdict, int]:
        """How many sentences of the source, or of ours, have each verdict."""
        return counted((c.our_verdict if ours else c.verdict) for c in self.claims)

    def row(self, quantity: str) -> Row:
        """The row of a quantity."""
        return next(row for row in self.rows if row.quantity == quantity)

    def to_dict(self) -> dict[str, Any]:
        """As plain data for JSON; of a picture its name and caption."""
        return {
            "name": self.name,
            "title": self.title,
            "source": self.source,
            "about": self.about,
            "quick": self.quick,
            "seconds": self.seconds,
            "verdicts": {"source": self.counts(), "ours": self.counts(ours=True)},
            "settings": [vars(s) for s in self.settings],
            "rows": [{k: list(v) if isinstance(v, tuple) else v for k, v in vars(r).items()} for r in self.rows],
            "tables": [{**vars(g), "header": list(g.header), "rows": [list(r) for r in g.rows]} for g in self.grids],
            "claims": [vars(c) for c in self.claims],
            "pictures": [{"name": p.name, "caption": p.caption} for p in self.pictures],
        }

    def markdown(self, images: str | None = None, heading: str = "##", lang: str = "en") -> str:
        """As Markdown. images: the directory of the PNG files as the page sees it, None to leave pictures out.

        lang: "en" or "zh"; the pictures keep the language they were drawn in, `Options.lang`.
        """

        def of(text: str) -> str:
            return said(text, lang)

        comma, stop = (", ", ". ") if lang == "en" else ("，", "。")
        command = f"`surefit reproduce {self.name}`"
        parts = [f"{heading} {of(self.title)}", f"{command}{comma}{of(self.source)}{stop}{of(self.about)}"]
        parts += [markdown_table(map(of, ROW_HEADER), [row_cells(row, lang) for row in self.rows])]
        parts += _notes(self.rows, lang)
        for grid in self.grids:
            cells = [[shown(cell, lang) for cell in row] for row in grid.rows]
            parts += [f"{heading}# {of(grid.title)}", markdown_table(map(of, grid.header), cells)]
            parts += [of(grid.note)] if grid.note else []
        if self.claims:
            table = markdown_table(map(of, CLAIM_HEADER), [claim_cells(c, lang) for c in self.claims])
            parts += [f"{heading}# {of(CLAIMS)}", table]
        if images is not None:
            captions = {p.name: of(p.caption) for p in self.pictures}
            parts += [f"![{caption}]({images}/{name}.png)\n\n*{caption}*" for name, caption in captions.items()]
        if self.settings:
            rows = [(f"`{s.name}`", f"`{s.value}`", of(s.reason)) for s in self.settings]
            parts += [f"{heading}# {of(SETTINGS)}", markdown_table(map(of, SETTING_HEADER), rows)]
        return "\n\n".join(parts) + "\n"

    def save(self, directory: Path, lang: str = "en") -> list[Path]:
        """Write NAME.md, NAME.json and the pictures as PNG into a directory, which is made if need be.

        lang: of the page; what programs read, the JSON, is in English.
        """
        from surefit.view.pictures import png_of

        make_directory(directory)
        paths = [write_atomically(directory / f"{p.name}.png", png_of(p.figure)) for p in self.pictures]
        page, data = directory / f"{self.name}.md", directory / f"{self.name}.json"
        write_atomically(page, self.markdown(".", "#", lang))
        write_atomically(data, json.dumps(_json(self.to_dict()), indent=2, allow_nan=False) + "\n")
        return [page, data, *paths]


ROW_HEADER = (
    both("quantity", "量"),
    both("source", "文献"),
    both("ours, faithful", "我们（照原法）"),
    both("ours, better", "我们（更好的方法）"),
    both("seconds", "秒"),
    both("seeds", "种子"),
)
CLAIM_HEADER = (
    both("the source says", "文献的说法"),
    both("verdict", "判断"),
    both("measured", "测得"),
    both("we say", "我们的说法"),
    both("verdict", "判断"),
)
SETTING_HEADER = (both("setting", "设置"), both("value", "值"), both("reason", "理由"))
CLAIMS, SETTINGS, EXPERIMENT = both("Claims", "论断"), both("Settings", "设置"), both("experiment", "实验")


def said(text: str, lang: str) -> str:
    """A text in a language: a Sentence or a Verdict as it says itself, any other as it is."""
    return text.said(lang) if isinstance(text, Sentence | Verdict) else text


def row_cells(row: Row, lang: str = "en") -> tuple[str, ...]:
    """A row as texts, one for each column of ROW_HEADER."""
    times = [s for s in (row.seconds, row.better_seconds) if s is not None]
    seconds = " / ".join(f"{s:.1f}" if s < 100 else f"{s:.0f}" for s in times)
    return (
        said(row.quantity, lang),
        *(shown(cell, lang) for cell in (row.source, row.faithful, row.better)),
        seconds,
        " / ".join(_seeds(s) for s in dict.fromkeys((row.seeds, row.better_seeds)) if s),
    )


def _seeds(seeds: Sequence[int]) -> str:
    return ", ".join(map(str, seeds)) if len(seeds) < 3 else f"{seeds[0]}-{seeds[-1]}"


def claim_cells(claim: Claim, lang: str = "en") -> tuple[str, ...]:
    """A claim as texts, one for each column of CLAIM_HEADER."""
    cells = (claim.said, claim.verdict or "", claim.found, claim.ours, claim.our_verdict or "")
    return tuple(said(cell, lang) for cell in cells)


def counted(verdicts: Iterable[Verdict | None]) -> dict[Verdict, int]:
    """How many there are of each verdict, in the order of Verdict; None counts as none.

    >>> counted([Verdict.HOLDS, None, Verdict.HOLDS])[Verdict.HOLDS]
    2
    """
    found = Counter(v for v in verdicts if v is not None)
    return {verdict: found[verdict] for verdict in Verdict}


def tally(results: Sequence[Result], lang: str = "en") -> list[str]:
    """The two lines that end a reproduction: how the sentences of the sources and those of surefit came out."""
    lines = []
    for whose, ours in ((both("Claims of the sources", "文献的论断"), False), (OURS, True)):
        counts = counted((c.our_verdict if ours else c.verdict) for result in results for c in result.claims)
        each = joined(both(f"{v.value} {count}", f"{v.said('zh')} {count}") for v, count in counts.items())
        total = sum(counts.values())
        line = both(f"{whose}: {each} ({total} in all).", f"{zh(whose)}：{zh(each)}（共 {total} 个）。")
        lines.append(line.said(lang))
    return lines


OURS = both("Claims of surefit", "surefit 的论断")


def shown(cell: Cell, lang: str = "en") -> str:
    """A cell as text: four digits of a number.

    >>> shown(0.02777), shown(1920), shown(1.23456e-7), shown(None), shown("figure only")
    ('0.02777', '1920', '1.235e-07', '-', 'figure only')
    """
    if cell is None:
        return "-"
    if isinstance(cell, str):
        return said(cell, lang)
    if isinstance(cell, int) or (float(cell).is_integer() and 1 <= abs(cell) < 1e6):
        return f"{cell:.0f}"
    return f"{cell:.4g}"


def markdown(results: Sequence[Result], images: str | None = None, lang: str = "en") -> str:
    """The comparison of all experiments in one table, then each of them; lang: "en" or "zh"."""
    header = [said(name, lang) for name in (EXPERIMENT, *ROW_HEADER)]
    rows = [(result.name, *row_cells(row, lang)) for result in results for row in result.rows]
    return "\n".join([
        f"# {both('The source experiments, reproduced', '复现文献的实验').said(lang)}\n",
        markdown_table(header, rows),
        "",
        *tally(results, lang),
        "",
        *(result.markdown(images, lang=lang) for result in results),
    ])  # fmt: skip


def save(results: Sequence[Result], directory: Path, lang: str = "en") -> list[Path]:
    """Write each result, and the table of all of them as experiments.md, into a directory; the files.

    lang: of the pages, "en" or "zh".
    """
    paths = [path for result in results for path in result.save(directory, lang)]
    page = directory / "experiments.md"
    write_atomically(page, markdown(results, ".", lang))
    return [page, *paths]


COMMON_REASONS = {"given": "文献给出", "not given": "文献未给出"}


def settings_of(module: ModuleType) -> list[Setting]:
    """The constants at the top of a module with the reasons beside them: lines `NAME = value  # reason`.

    The module's REASONS_IN_CHINESE has the reasons in Chinese, by the names to the left of the equals sign. One whose
    settings stand in a module of their own says so: SETTINGS = that module.
    """
    module = getattr(module, "SETTINGS", module)
    chinese = getattr(module, "REASONS_IN_CHINESE", {})
    found = re.findall(r"^([A-Z][A-Z0-9_, ]*)(?:: [^=]+)? = (.+?)  # (.+)$", inspect.getsource(module), re.MULTILINE)
    return [
        Setting(name, value, both(reason, chinese.get(name, COMMON_REASONS.get(reason, reason))))
        for name, value, reason in found
    ]


def _notes(rows: Sequence[Row], lang: str) -> list[str]:
    lines = [f"- {noted(row, lang)}" for row in rows if row.note]
    return ["\n".join(lines)] if lines else []


def noted(row: Row, lang: str) -> str:
    """The note of a row behind its quantity, as a sentence."""
    return both(f"{row.quantity}: {row.note}.", f"{zh(row.quantity)}：{zh(row.note)}。").said(lang)


def markdown_table(header: Iterable[str], rows: Any) -> str:
    """A table in Markdown; rows of texts. What would end a cell or begin italics is escaped, but for stars in code."""
    header = list(header)
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(_escaped, line)) + " |" for line in lines)


def _escaped(cell: str) -> str:
    text = str(cell).replace("|", "\\|")
    return text if text.startswith("`") else text.replace("*", "\\*")


def _json(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _json(v) for key, v in value.items()}
    return [_json(v) for v in value] if isinstance(value, list | tuple) else value


__all__ = [
    "FIGURE_ONLY",
    "NOT_GIVEN",
    "Claim",
    "Grid",
    "Options",
    "Picture",
    "Result",
    "Row",
    "Setting",
    "Verdict",
    "claim_cells",
    "counted",
    "markdown",
    "own",
    "row_cells",
    "save",
    "settings_of",
    "shown",
    "tally",
    "verdict_of",
]
