"""What is wrong with a formula: where, why, and the corrected text when there is one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from surefit.errors import FormulaError

from .characters import display_width

Edit = tuple[int, int, str]  # replace text[start:end] by this

_SHOWN = 72  # longest excerpt of a formula in a message
_REPAIRABLE = 400  # longer texts get no proposal: each repair reads the whole text again
_REPAIRS = 12


class Fault(Exception):
    """One thing wrong in text[start:end], and the edits that would mend it. Becomes a FormulaError."""

    def __init__(self, message: str, start: int, end: int | None = None, edits: Sequence[Edit] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = max(start + 1, end if end is not None else start + 1)
        self.edits = tuple(edits)


def explain(fault: Fault, text: str, read: Callable[[str], object]) -> FormulaError:
    """The error to show: message, text with carets under the fault, and a proposal that reads well."""
    proposal = _repaired(fault, text, read)
    tail = f"\ndid you mean: {proposal}" if proposal else ""
    return FormulaError(f"{fault.message}\n{_pointed(text, fault.start, fault.end)}{tail}")


def _repaired(fault: Fault, text: str, read: Callable[[str], object]) -> str | None:
    """`text` with the edits of this fault and of those found after it; None unless the result reads well."""
    if len(text) > _REPAIRABLE:
        return None
    for _ in range(_REPAIRS):
        if not fault.edits:
            return None
        for start, end, replacement in sorted(fault.edits, reverse=True):
            text = text[:start] + replacement + text[end:]
        try:
            read(text)
        except Fault as next_fault:
            fault = next_fault
        else:
            return " ".join(text.split())
    return None


def _pointed(text: str, start: int, end: int) -> str:
    """The stretch of `text` around [start, end), and a line of carets under it as a terminal aligns them."""
    first = max(0, min(start - _SHOWN // 2, len(text) - _SHOWN))
    last = min(len(text), first + _SHOWN)
    lead, trail = ("..." if first > 0 else ""), ("..." if last < len(text) else "")
    clean = "".join(c if c.isprintable() else " " for c in text[first:last])
    before = display_width(lead + clean[: start - first])
    carets = max(1, display_width(clean[start - first : end - first]))
    return f"    {lead}{clean}{trail}\n    {' ' * before}{'^' * carets}"
