"""An experiment that somebody runs by hand: points are asked for, and what was measured is told."""

from __future__ import annotations

import os
from typing import Any

from surefit.data import Sampling
from surefit.fitting.api import fit_problem
from surefit.fitting.fitted import Fit
from surefit.problems.runs import Runs
from surefit.search.arguments import of_told_values
from surefit.search.choosing import few_rows
from surefit.search.gathering import posed_runs


class Experiment(Runs):
    """Measurements one by one, for a simulator or an experiment that is run by hand.

    Args:
        domain: of the inputs, in any form that `Domain` takes.
        log: a file ending in .csv or .jsonl that each measurement is appended to; with it a new Experiment goes on
            where the last one ended. None: nothing is written.
        seed: of the points that are proposed.
        name: what is measured, for the card.

    Raises:
        DomainError, ArgumentError: a malformed domain or argument. DataError: a log of another domain.

    >>> import surefit
    >>> experiment = surefit.Experiment({"x1": (0, 1), "x2": (0, 1)})
    >>> points = experiment.ask(20)
    >>> experiment.tell(points, points[:, 0] * points[:, 1])  # what the simulator gave
    >>> fit = experiment.fit(method="polynomial")
    >>> round(fit(0.5, 0.5), 6)
    0.25
    """

    def __init__(
        self, domain: Any, *, log: str | os.PathLike[str] | None = None, seed: int = 0, name: str = "experiment"
    ) -> None:
        super().__init__(domain, log=log, seed=seed)
        self.name = name

    def fit(self, *, data: Sampling | None = None, seed: int = 0, **arguments: Any) -> Fit:
        """The fit of what was told so far; the others are those of `fit` for a table. DataError: nothing was told."""
        source = {"kind": "callable", "name": self.name}
        data, arguments = of_told_values(data, arguments)
        few = few_rows(arguments.get("method", "auto"), arguments.get("model"))
        return fit_problem(lambda: posed_runs(self, data, seed, source, few=few), seed=seed, **arguments)


__all__ = ["Experiment"]
