"""The record of a fit: the best candidate, how it came about, and how good it is. All readings take a record."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit._version import __version__
from surefit.models.inference import Inference
from surefit.models.scaled import Scaled
from surefit.problems.problem import Problem
from surefit.search.classes import Classified
from surefit.search.copies import Copied
from surefit.search.history import History
from surefit.search.judging import Measured
from surefit.search.predictions import Predictions
from surefit.search.teacher import Taught
from surefit.search.timings import Timings
from surefit.sentences import Both, Sentence, declare, say

if TYPE_CHECKING:
    from surefit.bounds.certificate import Certificate
    from surefit.bounds.minlink import Construction
    from surefit.view.animation import Film

declare({"target-table": Both("{name} ({rows} rows)", "{name}（{rows} 行）")})


@dataclass(frozen=True)
class Trained:
    """Made by one first-order method, epoch by epoch. settings: of the method, with its choices filled in."""

    settings: dict[str, Any]
    unit = "epoch"
    solved = False


@dataclass(frozen=True)
class Solved:
    """Made by a solver or the automatic choice. stage: the attempt that was kept; choice: what was tried, in order.

    details: what is known of the network: solver, units, gain, output_norm. rounded: to float32 afterwards.
    """

    settings: dict[str, Any]
    stage: Sentence
    choice: tuple[Sentence, ...] | None = None  # None: the method was named
    details: dict[str, Any] = field(default_factory=dict)
    rounded: bool = False
    unit = "iteration"
    solved = True


Made = Trained | Solved


@dataclass(eq=False)
class Record(Copied, Predictions):
    """A fitted network and how it came about.

    Attributes:
        names, outputs, domain: of the inputs and outputs, and where it was fitted.
        model: the network with its scaling, points (n, d) -> (n, k), a Module. network: the part inside.
        made: `Trained` by a first-order method or `Solved`. method: its settings as plain data.
        history: one dict an epoch (epoch, train_loss, validation_loss, lr, seconds), losses in scaled units.
        error: `Measured` on fresh points. tol, reached: the tolerance asked for and whether error.max is within it.
        stop_reason: a sentence. interrupted: by Ctrl-C. warnings: sentences. steps, seconds, seed, dtype.
        score: what it was chosen by among candidates and restarts, the less the better.
        problem: the data and the function it was made from, as far as they are known.
        compile_seconds: part of `seconds` that went into compiling; None: trained without the compiler.
        restarts: the scores of all networks of which this one was the best, where there were several.
        call: the arguments that `fit` was called with as Python text, None where an argument has no text.
        environment: versions and machine of the training. film: its frames, if a `Snapshots` callback took some.
        taught: the teacher that the network learned from, if it did, its estimated error and how near the network is.
        classified: of a fit of classes: how values become probabilities, and how good that is.
        left_out: (n, k), in the units of the network: errors at the training rows of measured data, each left out in
            turn, if known.
        across: (n, k), values at all rows, those for training first, each by a fit that did not see it, where there
            were folds; not in the file.
        extra: plain data that other readings keep with the fit, by name, such as the reference of a certificate.
        config: the run.toml beside a model that was loaded from its directory.
        certificate: what `Fit.certify` proved last; `proved` is it while the model is the one it speaks of.
    """

    problem: Problem
    model: Scaled
    made: Made
    error: Measured
    history: list[dict[str, Any]]
    stop_reason: Sentence
    seed: int
    steps: int
    seconds: float
    tol: float | None = None
    interrupted: bool = False
    best_epoch: int | None = None
    warnings: list[str] = field(default_factory=list)
    score: float = float("nan")
    version: str = __version__
    call: dict[str, str | None] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    film: Film | None = None
    config: str | None = None
    compile_seconds: float | None = None
    restarts: list[float] = field(default_factory=list)
    taught: Taught | None = None
    classified: Classified | None = None
    left_out: np.ndarray | None = field(default=None, repr=False, compare=False)
    across: np.ndarray | None = field(default=None, repr=False, compare=False)
    certificate: Certificate | None = field(default=None, compare=False)
    extra: dict[str, Any] = field(default_factory=dict)
    _warned: bool = field(default=False, repr=False)
    _ensembles: dict[int, Any] = field(default_factory=dict, repr=False, compare=False)  # by number of members
    _inference: Inference | None = field(default=None, init=False, repr=False, compare=False)  # of the model, at hand

    def __post_init__(self) -> None:
        self.history = History(self.history)
        if self.error.coding != self.problem.coding:
            self.error = replace(self.error, coding=self.problem.coding)

    # --- what it is ---

    @property
    def network(self) -> Any:
        """The network inside the scaling, a Module."""
        return self.model.network

    @property
    def dtype(self) -> np.dtype:
        """What the network computes in."""
        return self.model.dtype

    @property
    def reached(self) -> bool | None:
        """Whether the measured error is within tol; None when no tolerance was asked for."""
        return None if self.tol is None else bool(self.error.max <= self.tol)

    @property
    def proved(self) -> Certificate | None:
        """The certificate of this very model; None where nothing was proved, or the model has changed since."""
        if self.certificate is None:
            return None
        from surefit.bounds.certificate import fingerprint
        from surefit.bounds.proving import program_of

        same = fingerprint(program_of(self.model, len(self.names))) == self.certificate.model
        return self.certificate if same else None

    @property
    def timings(self) -> Timings:
        """Where the seconds went, by phase; empty where a file does not tell."""
        return Timings(self.extra.get("timings"))

    @property
    def construction(self) -> Construction | None:
        """How the network was constructed, and the proof that none has fewer hinges; None where it was trained."""
        from surefit.bounds.minlink import Construction

        data = self.extra.get("construction")
        return None if data is None else Construction.from_dict(data)

    @property
    def target(self) -> str:
        """What was fitted, in words."""
        source = self.problem.source
        if source["kind"] == "formula":
            return "; ".join(source["text"])
        if source["kind"] == "table":
            return say("target-table", name=source["name"], rows=source["rows"])
        return f"{source['name']}()"

    @property
    def method(self) -> dict[str, Any]:
        """The settings of the method as plain data, and what came of it."""
        made = self.made
        if isinstance(made, Trained):
            return dict(made.settings)
        named = {"loss": "mse"} | made.settings | {"scale": True, "best_weights": True, "stage": str(made.stage)}
        named |= made.details
        if made.choice is not None:
            named["choice"] = [str(sentence) for sentence in made.choice]
        return named | {"rounded": made.rounded}


__all__ = ["Made", "Record", "Solved", "Trained"]
