"""A fit: the record of a network, and all that can be asked of it. `print(fit)` shows its card."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surefit.attempts.progress import Progress
from surefit.core import ops
from surefit.errors import ArgumentError, DataError
from surefit.files import path_of
from surefit.models.inference import values_of
from surefit.readings.standin import Readings
from surefit.reports.card import card_html, card_rows, card_text, to_dict
from surefit.reports.display import gap
from surefit.search.judging import Estimated, Judge
from surefit.search.predictions import OutsideWarning
from surefit.search.record import Record, Solved
from surefit.search.runner import State, run
from surefit.search.strategies.deployment import deployment
from surefit.sentences import say

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from surefit.bounds.certificate import Certificate
    from surefit.doctor.examine import Diagnosis
    from surefit.reports.exported import Exported
    from surefit.search.intervals import Interval


@dataclass(eq=False)
class Fit(Readings, Record):
    __doc__ = Record.__doc__

    @classmethod
    def of(cls, record: Record) -> Fit:
        """The fit of a record."""
        return cls(**{f.name: getattr(record, f.name) for f in fields(record) if f.init})

    def update(self, points: Any, values: Any = None, *, time: float | None = None, seed: int = 0) -> Fit:
        """A fit of the old rows and new ones whose network goes on from the weights of this one, which stays as it is.

        points (n, d) and values (n,) or (n, k), as for `predict`; or one table that holds the inputs and the target by
        name. time: seconds at most. Of ten new rows or more some are held out, as of the old ones. A loaded fit goes on
        with the sample of rows in its file. Of up to 500 rows the automatic choice is made again, of all of them.

        ArgumentError: a known function, gradients among the data, or a network that is not a chain of linear layers.
        ShapeError, DomainError: values that do not fit the points, or are not finite. DataError: a table that lacks a
        column, or holds what the old one did not.

        >>> import numpy as np, surefit
        >>> x = np.linspace(0, 1, 40)
        >>> fit = surefit.fit((x, np.sin(x)), method="varpro", model=(6,))
        >>> more = fit.update(x + 1, np.sin(x + 1))
        >>> str(more.domain), bool(abs(more(1.5) - np.sin(1.5)) < 1e-3)
        ('x=0:2', True)
        """
        from surefit.readings.updating import updated

        return type(self).of(updated(self, points, values, time, seed))

    def interval(self, points: Any, level: float = 0.9, *, kind: str = "conformal", members: int = 8) -> Interval:
        """Bounds that a new value at each point keeps with probability `level`; unpacks as `low, high`.

        Statistical, not proved: split-conformal intervals from the held-out rows, which cover new rows of the same kind
        on the average over all points, whatever the network and the noise.

        Args:
            points: (n, d), or (n,) for one input.
            level: the probability.
            kind: "conformal": the same width everywhere. "ensemble": wider where networks that are fitted to resampled
                rows disagree; `members` of them are trained when this is first asked for.
            members: networks of the ensemble.

        Raises:
            DataError: too few held-out rows for the level. ArgumentError: an unknown kind, a level that is no
                probability, or a fit of which no ensemble can be made.
        """
        from surefit.search.intervals import interval

        return interval(self, self._points(points), level, kind, members)

    # --- words ---

    def card_rows(self, lang: str = "en") -> list[tuple[str, str]]:
        """The card as (label, text), in "en" or "zh"."""
        return card_rows(self, lang)

    def card(self, lang: str = "en") -> str:
        """The ten lines that `print(fit)` shows, in "en" or "zh"."""
        return card_text(self, lang)

    def __str__(self) -> str:
        return self.card()

    def __repr__(self) -> str:
        if self.classified is not None:
            return f"<Fit of {self.target}: accuracy {self.classified.accuracy:.3g}>"
        if self.error.coverage is not None:
            return f"<Fit of {self.target}: pinball loss {self.error.coverage.loss:.3g}>"
        return f"<Fit of {self.target}: max |error| {self.error.max:.3g}>"

    def _repr_html_(self) -> str:
        return card_html(self)

    def to_dict(self) -> dict[str, Any]:
        """The card as plain data, for JSON: None stands for what is not finite, such as R² of a constant."""
        from surefit.storage.model_file import finite_json

        plain: dict[str, Any] = finite_json(to_dict(self))
        return plain

    def to(self, dtype: Any) -> Fit:
        """The same fit with its network in another dtype, measured again.

        For float32 the layers before the last are rounded and the last one is solved for on what they then give, which
        makes up for most of their rounding (if the network ends in a linear layer; a loaded fit solves on the sample of
        the data that is in its file). Where that loses accuracy and the function is known, the units of a single hidden
        layer are placed again for float32, as many as there are; the better network is kept.
        """
        kind = ops.dtype_of(dtype)
        if kind not in (ops.float32, ops.float64):
            raise ArgumentError(f"dtype={dtype!r} must be 'float32' or 'float64'")
        if kind == self.dtype:
            return self
        judge = Judge(self.problem, self.seed)
        state = State(self.problem, self.seed, kind, judge, Progress())
        run(state, deployment(state, self.network, self.model, self.error.max))
        rounded = state.candidates[0]
        best = min(state.candidates, key=lambda c: c.error.max) if self.problem.exact else rounded
        made = self.made
        if isinstance(made, Solved):
            made = replace(made, rounded=kind == ops.float32)
        if best is not rounded and isinstance(made, Solved):
            details = {
                k: v for k, v in best.details.items() if k in ("solver", "units", "gain", "output_norm", "jumps")
            }
            made = replace(made, stage=say("stage-placed", stage=best.stage), details=details, rounded=True)
        error = best.error
        if isinstance(self.error, Estimated):  # which rows that were fitted do not tell again
            x = self.problem.train[0]
            error = self.error.farther(values_of(best.model)(x) - self._predict(x))
        return replace(self, model=best.model, made=made, error=error, score=best.score, certificate=None)

    def doctor(self) -> Diagnosis:
        """What is wrong with this fit, with the numbers seen and the cures."""
        from surefit.doctor.examine import diagnose

        return diagnose(self)

    def certify(
        self, target: Any = None, *, rtol: float = 0.05, time: float | None = 60.0, tol: float | None = None,
        mode: str = "deployed", domain: Any = None, progress: Any = None,
    ) -> Certificate:  # fmt: skip
        """Prove how large the error is: an upper bound that holds at every point of the domain, and a point near it.

        The certificate stays with the fit, and the card shows it, as long as the model is the same.

        Args:
            target: a formula for each output. None: what was fitted, which must have been a formula.
            rtol: how far the two bounds may lie apart. tol: end as soon as this tolerance is proved.
            time: seconds until what is proved by then is returned; Ctrl-C does the same.
            mode: "deployed", the program that `predict` runs, rounding included; "real", in exact arithmetic.
            progress: True shows both bounds as they close in; a function is called with (lower, upper).
            domain: another box, or a slice, "x1=2:2"; inputs that it does not name keep their ends. It is not kept.

        Raises:
            ArgumentError: the target is known at points only. Unsupported: no bound goes through an operation of it.
        """
        from surefit.search.proofs import certified

        with gap(progress) as told:
            proof = certified(self.model, self.problem, target, domain, told, mode=mode, rtol=rtol, time=time, tol=tol)
        self.certificate = proof if domain is None else self.certificate
        return proof

    # --- pictures ---

    def plot(self, kind: str = "fit", *, lang: str = "en") -> Figure:
        """A figure.

        kind: "fit" (data, target, fit and residual), "loss" (the training), "error" (where it is large), "samples"
        (where the training points lie, and which of them adaptive sampling added), "surface" (of two inputs),
        "units" (what each unit of the last hidden layer adds to the first output; one input) or "tube" (of a network
        that was constructed: its hinges in the tolerance, and the windows that prove how many are needed).
        lang: of its words, "en" or "zh"; without a font for Chinese they are English, with a warning. ArgumentError for
        another kind or language, or a kind that this fit does not have.
        """
        from surefit.reports.plots import draw
        from surefit.view.style import speaking

        with speaking(lang):
            return draw(self, kind)

    def error_map(self) -> Figure:
        """Where the error is large, over the inputs."""
        from surefit.reports.plots import error_map

        return error_map(self)

    def graph(self, of: str = "computation") -> Any:
        """A drawing (.svg(), .save(path)).

        of: "computation", the graph of one evaluation; "network", its layers as units; or "structure", how it was
        trained: data, layers, loss, optimiser.
        """
        from surefit.reports.plots import graph

        return graph(self, of)

    # --- files ---

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the model, its card and a sample of its data into one safetensors file; `load` reads it back."""
        from surefit.storage.model_file import save

        return save(self, path_of("save", path))

    def export(
        self, path: str | os.PathLike[str], to: str | None = None, *, dtype: Any = None, derivative: bool = False,
        verify: int = 0, units: Mapping[str, str] | None = None,
    ) -> Exported:  # fmt: skip
        """Write the fit in another language: raw units go in and come out, scaling is inside.

        Of classes the probabilities come out, in the order of `classified.classes`. Columns that held texts or dates
        go in as the numbers that the card and the comment in the file name.

        Args:
            path: of the file; what stands before its ending names the functions.
            to: "c", "onnx", "numpy", "js", "fortran", "table", "formula", "fmu", "fmu3", "casadi"; None: what the
                ending of the path says.
            dtype: of everything in it, "float32" or "float64": the fit is made ready for it, see `to`. None: as the
                fit computes, with float64 at its borders.
            derivative: whether the Jacobian and Hessian products come with it, where the format has them.
            verify: run what was written at so many points of the domain, and compare it with the fit.
            units: of inputs and outputs by name, such as {"x": "mm"}; where none is given, what stands in brackets
                behind a name, as in "T [K]", is its unit.

        Returns:
            The files, and how far they are from the fit if `verify` was given.

        Raises:
            ArgumentError: an unknown format or dtype, or derivatives that the format does not have.
            ExportError: a primitive of the network has no reading in the language, or nothing here can run it.
            MissingExtraError: the package `onnx` is needed.
        """
        from surefit.reports.exported import export

        fit = self if dtype is None else self.to(dtype)  # ready for that dtype, and measured in it
        return export(fit, path_of("export", path), to, dtype, derivative, verify, units)

    def save_outputs(self, directory: str | os.PathLike[str]) -> list[Path]:
        """Write the model, its history, card.txt, fit.json and the pictures into a directory (made if needed)."""
        from surefit.storage.outputs import save_outputs

        return save_outputs(self, path_of("save_outputs", directory))

    def animate(self, path: str | os.PathLike[str], *, fps: int = 6, lang: str = "en") -> Path:
        """Write the training as a film: .gif, .html (with a slider), or .mp4 where the program ffmpeg is installed.

        It needs `surefit.fit(..., callbacks=[surefit.Snapshots()])`, or a directory that `surefit fit --out` wrote.
        lang: of its labels, "en" or "zh". DataError when nothing was recorded; ArgumentError: another ending, language.
        """
        from surefit.reports.plots import title
        from surefit.view.style import speaking

        if self.film is None:
            raise DataError(
                "animate: nothing was recorded while this fit was trained; fit with callbacks=[surefit.Snapshots()]"
            )
        with speaking(lang):
            return replace(self.film, title=title(self)).save(path, fps=fps)

    def report(self, path: str | os.PathLike[str], lang: str = "en") -> Path:
        """Write a report: one self-contained page (.html), or Markdown with pictures beside it (.md).

        lang: "en" or "zh". It tells the function, data, model, training, result, diagnosis and how to repeat it, and
        what the fit does not know (it was loaded, ...). ArgumentError for another ending or language.
        """
        from surefit.reports import write_report

        return write_report(self, path_of("report", path), lang)


__all__ = ["Fit", "OutsideWarning"]
