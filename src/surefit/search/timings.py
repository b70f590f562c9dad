"""Where the seconds of a fit went."""

from __future__ import annotations

import time as clock
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


class Timings(Mapping[str, float]):
    """Seconds by phase, each counted once.

    data: reading a table, or evaluating a function. choosing: what to try next. compiling: machine code of training
    loops. judging: measuring the errors of what was found. Solvers have their names, such as "features" and "lm".
    other: callbacks and what is imported meanwhile.

    >>> spent = Timings({"data": 0.5, "lm": 1.5})
    >>> spent["lm"], spent.total
    (1.5, 2.0)
    >>> print(spent)
    lm      1.50 s   75 %
    data    0.50 s   25 %
    total   2.00 s
    """

    def __init__(self, seconds: Mapping[str, float] | None = None) -> None:
        self._seconds = dict(seconds or {})
        self._within: list[str] = []  # the phases that the present one interrupts
        self._since = 0.0

    def __getitem__(self, phase: str) -> float:
        return self._seconds[phase]

    def __iter__(self) -> Iterator[str]:
        return iter(self._seconds)

    def __len__(self) -> int:
        return len(self._seconds)

    def __repr__(self) -> str:
        return f"Timings({ {name: round(seconds, 4) for name, seconds in self.items()} })"

    def __str__(self) -> str:
        longest = max((len(name) for name in (*self, "total")), default=0)
        rows = sorted(self.items(), key=lambda row: -row[1])
        lines = [f"{name:<{longest}} {s:6.2f} s {100 * s / (self.total or 1.0):4.0f} %" for name, s in rows]
        return "\n".join([*lines, f"{'total':<{longest}} {self.total:6.2f} s"])

    @property
    def total(self) -> float:
        """The sum of all."""
        return sum(self._seconds.values())

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """What runs inside belongs to this phase, and no longer to the one it runs in."""
        self._charge()
        self._within.append(name)
        try:
            yield
        finally:
            self._charge()
            self._within.pop()

    def _charge(self) -> None:
        now = clock.perf_counter()
        if self._within:
            phase = self._within[-1]
            self._seconds[phase] = self._seconds.get(phase, 0.0) + now - self._since
        self._since = now

    def moved(self, seconds: float, source: str, to: str) -> None:
        """So many seconds, or all there are, from one phase to another."""
        taken = min(seconds, self._seconds.get(source, 0.0))
        if taken > 0.0:
            self._seconds[source] -= taken
            self._seconds[to] = self._seconds.get(to, 0.0) + taken


__all__ = ["Timings"]
