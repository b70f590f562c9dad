"""What the doctor says: findings, each with the number seen and the cure, and the diagnosis that holds them."""

from __future__ import annotations

import html
import math
import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from surefit.doctor.words import WORDS, cure_of, place_in, tell
from surefit.sentences import Sentence, check_language, columns
from surefit.spelling import respelled

SEVERITIES = ("error", "warning", "note", "ok")  # the worst first
WIDTH = 100  # columns of the printed table


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    code: a short name, stable between versions ("dead-units"). severity: "error" (this cannot work), "warning" (this
    costs accuracy or time), "note" (worth knowing) or "ok". where: the layer, column or phase. number: what was
    measured, None where it is not a finite number. message: what it means. cure: what to do, "" for "ok". Those of the
    doctor's own are sentences of `words.WORDS`, see `found`.
    """

    code: str
    severity: str
    where: str
    number: float | None
    message: str
    cure: str = ""

    def __post_init__(self) -> None:
        if self.number is not None:
            number = float(self.number)
            object.__setattr__(self, "number", number if math.isfinite(number) else None)
        if self.severity == "ok":
            object.__setattr__(self, "cure", "")  # so that checks need not think of it

    def said(self, lang: str) -> tuple[str, str, str]:
        """Place, message and cure in "en" or "zh"."""
        check_language(lang)
        message, cure = (s.said(lang) if isinstance(s, Sentence) else s for s in (self.message, self.cure))
        return place_in(self.where, lang), respelled(message), respelled(cure)


def found(
    code: str, severity: str, where: str, number: float | None, case: str = "", says: str = "", /, **values: Any
) -> Finding:
    """A finding in the words that `WORDS` has for its code.

    case: which of several messages or cures of the code ("rose"); what there is none of is that of the code. says: the
    code whose words are used, where several findings share them. values: what is filled in.
    """
    words = says or code
    whole = f"{words}.{case}" if case else words
    cure = cure_of(whole, **values) or cure_of(words, **values)
    message = tell(whole if whole in WORDS else words, **values)
    return Finding(code, severity, where, number, message, "" if severity == "ok" else cure)


def severity(value: float, note: float, warning: float, error: float = math.inf) -> str:
    """The severity of a number that is worse the larger it is."""
    return "error" if value >= error else "warning" if value >= warning else "note" if value >= note else "ok"


def percent(share: float) -> str:
    """A share in words: 0 %, 12 %, 99.97 %, 0.0021 %."""
    text = f"{100 * share:.2g}" if share < 0.1 else f"{100 * share:.0f}"
    return f"{100 * share:.4g} %" if text == "100" and share != 1 else f"{text} %"


@dataclass(frozen=True)
class Diagnosis:
    """All findings, the worst first. `print(diagnosis)` shows what is wrong, or one sentence when nothing is.

    Iterating goes over the findings; `find("dead-units")` gives those with a code.
    """

    findings: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        ranked = sorted(self.findings, key=lambda f: SEVERITIES.index(f.severity))  # stable: checks keep their order
        object.__setattr__(self, "findings", ranked)

    @property
    def ok(self) -> bool:
        """Whether there is neither an error nor a warning."""
        return not self.problems

    @property
    def problems(self) -> list[Finding]:
        """Errors and warnings."""
        return [f for f in self.findings if f.severity in ("error", "warning")]

    def __len__(self) -> int:
        return len(self.findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def find(self, code: str) -> list[Finding]:
        """The findings with this code."""
        return [f for f in self.findings if f.code == code]

    def headline(self, lang: str = "en") -> str:
        """One sentence: how many of what, or that nothing is wrong."""
        check_language(lang)
        counts = {s: sum(f.severity == s for f in self.findings) for s in SEVERITIES}
        looked = tell("looked.one" if len(self.findings) == 1 else "looked", n=len(self.findings))
        seen = [tell(f"{s}s" if n > 1 else s, n=n).said(lang) for s, n in counts.items() if n and s != "ok"]
        if not seen:
            return tell("healthy", looked=looked).said(lang)
        return tell(
            "well" if self.ok else "ill", counts=(", " if lang == "en" else "、").join(seen), looked=looked
        ).said(lang)

    def shown(self) -> list[Finding]:
        """What the table shows: all but "ok"."""
        return [f for f in self.findings if f.severity != "ok"]

    def __str__(self) -> str:
        return self.text()

    def text(self, lang: str = "en") -> str:
        """The table that `print` shows, in "en" or "zh"."""
        rows = self.shown()
        if not rows:
            return self.headline(lang)
        said = [f.said(lang) for f in rows]
        width = min(max(columns(where) for where, *_ in said), 28)
        indent = " " * (len("warning") + width + 4)
        text = textwrap.TextWrapper(max(40, WIDTH - len(indent)), break_on_hyphens=False)  # codes stay whole
        lines = [self.headline(lang)]
        for i, (f, (where, message, cure)) in enumerate(zip(rows, said, strict=True)):
            severity = f.severity if lang == "en" else tell(f"severity.{f.severity}").said(lang)
            body = text.wrap(f"{message} [{f.code}]")
            once = cure and (i + 1 == len(rows) or said[i + 1][2] != cure)  # one cure after all that it is for
            help_ = text.wrap(tell("cure", cure=cure).said(lang)) if once else []
            head = f"{severity}{' ' * (7 - columns(severity))}  {where}{' ' * (width - columns(where))}  "
            lines += ["", head + body[0], *(indent + line for line in [*body[1:], *help_])]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = self.shown()
        text = f"<p>{html.escape(self.headline())}</p>"
        if not rows:
            return text
        head = "".join(f"<th style='text-align:left'>{t}</th>" for t in ("", "where", "number", "seen", "cure"))
        body = "".join(
            "<tr>"
            + "".join(
                f"<td style='text-align:left'>{html.escape(cell)}</td>"
                for cell in (f.severity, f.where, "" if f.number is None else f"{f.number:.3g}", f.message, f.cure)
            )
            + "</tr>"
            for f in rows
        )
        return f"{text}<table><tr>{head}</tr>{body}</table>"

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return {"ok": self.ok, "findings": [asdict(f) for f in self.findings]}


__all__ = ["SEVERITIES", "Diagnosis", "Finding", "found", "percent", "severity"]
