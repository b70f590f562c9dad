"""A fit: a trained network that answers for its values, and tells how good it is."""

from __future__ import annotations

import os
import warnings as python_warnings
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit import nn
from surefit._version import __version__
from surefit.core import ops
from surefit.core.batching import batch
from surefit.core.functional import jacobian
from surefit.core.tensor import Tensor, no_grad
from surefit.data import Domain
from surefit.errors import ArgumentError, DataError, ShapeError
from surefit.models.inference import values_of
from surefit.models.observed import observed
from surefit.models.scaled import Scaled
from surefit.problems.problem import Problem
from surefit.reports.card import box_words, card_html, card_rows, to_dict
from surefit.reports.provenance import environment
from surefit.search.judging import Measured, measure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from surefit.doctor.examine import Diagnosis
    from surefit.search.intervals import Interval
    from surefit.view.animation import Film

BLOCK = 8192  # rows predicted at a time


class OutsideWarning(UserWarning):
    """A fit is asked for values outside the domain it was made on."""


@dataclass
class Fit:
    """A fitted network: call it, look at it, save it. `print(fit)` shows its card.

    Attributes:
        names, outputs, domain: of the inputs and outputs, and where it was fitted.
        model: the network with its scaling, points (n, d) -> (n, k), a Module. network: the part inside.
        method: its settings as plain data. history: one dict an epoch (epoch, train_loss, validation_loss, lr,
        seconds), losses in scaled units.
        error: `Measured` on fresh points. tol, reached: the tolerance asked for and whether error.max is within it.
        stop_reason: a sentence. interrupted: by Ctrl-C. warnings: sentences. steps, seconds, seed, dtype.
        problem: the data and the function it was made from, as far as they are known.
        compile_seconds: part of `seconds` that went into compiling; None: trained without the compiler. restarts: what
        decided among the networks that were trained, where there were several: validation losses, or, of solvers, the
        largest error (of a known function) or the validation error.
        call: the arguments that `fit` was called with as Python text, None where an argument has no text.
        environment: versions and machine of the training. film: its frames, if a `Snapshots` callback took some.
        config: the run.toml beside a model that was loaded from its directory.
    """

    problem: Problem
    model: Scaled
    method: dict[str, Any]
    error: Measured
    history: list[dict[str, Any]]
    stop_reason: str
    seed: int
    steps: int
    seconds: float
    tol: float | None = None
    interrupted: bool = False
    best_epoch: int | None = None
    warnings: list[str] = field(default_factory=list)
    version: str = __version__
    call: dict[str, str | None] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=environment)
    film: Film | None = None
    config: str | None = None
    compile_seconds: float | None = None
    restarts: list[float] = field(default_factory=list)
    _warned: bool = field(default=False, repr=False)
    _ensembles: dict[int, Any] = field(default_factory=dict, repr=False, compare=False)  # by number of members

    # --- what it is ---

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return self.problem.names

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs."""
        return self.problem.outputs

    @property
    def domain(self) -> Domain:
        """The box it was fitted on."""
        return self.problem.domain

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
    def target(self) -> str:
        """What was fitted, in words."""
        source = self.problem.source
        if source["kind"] == "formula":
            return "; ".join(source["text"])
        if source["kind"] == "table":
            return f"{source['name']} ({source['rows']} rows)"
        return f"{source['name']}()"

    # --- values ---

    def predict(self, points: Any) -> np.ndarray:
        """Values at points (n, d), or (n,) for one input -> (n,), or (n, k) for several outputs; float64.

        ShapeError for another number of columns. Warns once when points lie outside the domain.
        """
        y = self._predict(self._points(points))
        return y[:, 0] if y.shape[1] == 1 else y

    def _points(self, points: Any) -> np.ndarray:
        x = np.asarray(points, np.float64)
        d = len(self.names)
        x = x[:, None] if x.ndim == 1 and d == 1 else x
        if x.ndim != 2 or x.shape[1] != d:
            raise ShapeError(
                f"predict: points of shape {x.shape}; needed (n, {d}): one column for each of {', '.join(self.names)}"
            )
        if not self._warned and len(x) and not self.domain.contains(x).all():
            self._warned = True
            python_warnings.warn(
                f"points outside the domain {box_words(self.domain)}, "
                "where this fit was made: the values there mean nothing certain",
                OutsideWarning,
                stacklevel=3,
            )
        return x

    def _predict(self, x: np.ndarray) -> np.ndarray:
        return values_of(self.model)(x)

    @property
    def inference(self) -> str:
        """How values are computed: "compiled, strict" (independent of the batch), or "NumPy: " and why."""
        self._predict(self.problem.domain.low[None, :])
        return values_of(self.model).how

    def __call__(self, *values: Any, **named: Any) -> Any:
        """Values elementwise, one argument for each input by place or name: fit(0.5), fit(x1=0.5, x2=[1, 2]).

        The arguments broadcast against each other; the result has their shape, with a last axis for several outputs,
        and is a float for plain numbers.
        """
        if len(values) == 1 and not named and isinstance(values[0], dict):
            named, values = dict(values[0]), values[1:]
        if len(values) + len(named) != len(self.names) or set(named) - set(self.names[len(values) :]):
            by_name = f" and {', '.join(named)} by name" if named else ""
            raise ArgumentError(f"the fit takes {', '.join(self.names)}; got {len(values)} values by place{by_name}")
        columns = [*values, *(named[n] for n in self.names[len(values) :])]
        arrays = np.broadcast_arrays(*(np.asarray(v, np.float64) for v in columns))
        shape = arrays[0].shape
        y = self._predict(self._points(np.stack([a.reshape(-1) for a in arrays], axis=1)))
        k = len(self.outputs)
        y = y.reshape(shape if k == 1 else (*shape, k))
        return float(y) if y.ndim == 0 else y

    def derivative(self, points: Any) -> np.ndarray:
        """Gradients at points (n, d) -> (n, d), or (n, k, d) for several outputs; of the model itself, exact."""
        x = self._points(points)
        slope = batch(jacobian(lambda row: self.model(row.reshape(1, -1)).reshape(-1)))
        blocks = [slope(Tensor(x[i : i + BLOCK])).detach().numpy() for i in range(0, len(x), BLOCK)]
        j = np.concatenate(blocks) if blocks else np.zeros((0, len(self.outputs), len(self.names)))  # (n, k, d)
        return j.reshape(len(j), -1) if len(self.outputs) == 1 else j

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

    def layers(self) -> list[int] | None:
        """Sizes of the layers of a multilayer perceptron, inputs first; None for another network."""
        linear = [m for m in self.network.modules() if isinstance(m, nn.Linear)]
        chain = all(a.out_features == b.in_features for a, b in pairwise(linear))
        others = any(isinstance(m, (nn.Conv1d, nn.Conv2d, nn.Residual, nn.Embedding)) for m in self.network.modules())
        if not linear or not chain or others:
            return None
        return [linear[0].in_features, *(m.out_features for m in linear)]

    def card_rows(self) -> list[tuple[str, str]]:
        """The card as (label, text)."""
        return card_rows(self)

    def card(self) -> str:
        """The ten lines that `print(fit)` shows."""
        rows = self.card_rows()
        width = max(len(label) for label, _ in rows)
        return "\n".join(f"{label:<{width}}  {text}" for label, text in rows)

    def __str__(self) -> str:
        return self.card()

    def __repr__(self) -> str:
        return f"<Fit of {self.target}: max |error| {self.error.max:.3g}>"

    def _repr_html_(self) -> str:
        return card_html(self)

    def to_dict(self) -> dict[str, Any]:
        """The card as plain data, for JSON."""
        return to_dict(self)

    def layer_rows(self) -> list[tuple[str, ...]]:
        """Rows of `summary`: a heading, one row for each layer, the total."""
        d = len(self.names)
        with observed(self.network) as seen, no_grad():
            self.network(Tensor(np.zeros((1, d)), self.dtype))
        rows = [("layer", "kind", "output", "parameters")]
        for s in seen:
            own = sum(p.numel() for p in s.module.parameters())
            rows.append((s.name or "network", type(s.module).__name__, str(tuple(s.output.shape[1:])), f"{own}"))
        return [*rows, ("total", "", "", f"{self.network.num_parameters()}")]

    def summary(self) -> str:
        """A table of the layers: name, kind, output size, parameters."""
        rows = self.layer_rows()
        widths = [max(len(r[i]) for r in rows) for i in range(4)]
        lines = [
            "  ".join(c.ljust(w) if i < 3 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths, strict=True)))
            for r in rows
        ]
        return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])

    def to(self, dtype: Any) -> Fit:
        """The same fit with its network in another dtype, measured anew.

        For float32 the layers before the last are rounded and the last one is solved for anew on what they then give,
        which makes up for most of their rounding (if the network ends in a linear layer; a loaded fit solves on the
        sample of the data that is in its file). Where that loses accuracy and the function is known, the units of a
        single hidden layer are placed anew for float32, as many as there are; the better network is kept.
        """
        from surefit.fitting.solving import DESCRIBED, FLOAT32, deploy, placed_anew, predictor

        kind = ops.dtype_of(dtype)
        if kind not in (ops.float32, ops.float64):
            raise ArgumentError(f"dtype={dtype!r} must be 'float32' or 'float64'")
        if kind == self.dtype:
            return self
        model = deploy(self.network, self.problem, kind, like=self.model)
        points = self.problem.verification(self.seed)
        error = measure(predictor(model), self.problem, self.seed, points)
        method = self.method | ({"rounded": kind == ops.float32} if "stage" in self.method else {})
        size = float(np.abs(points[1]).max(initial=0.0))
        if kind == ops.float32 and error.max > max(FLOAT32 * size, 2.0 * self.error.max):
            found = placed_anew(self.network, self.problem, self.seed, kind)
            if found is not None and found.error.max < error.max:
                model, error = found.model, found.error
                method = {k: v for k, v in method.items() if k not in DESCRIBED}
                method |= {k: v for k, v in found.details.items() if k in DESCRIBED}
                method["stage"] = f"{found.stage}, placed for float32"
        return replace(self, model=model, error=error, method=method)

    def doctor(self) -> Diagnosis:
        """What is wrong with this fit, with the numbers seen and the cures."""
        from surefit.doctor.examine import diagnose

        return diagnose(self)

    # --- pictures ---

    def plot(self, kind: str = "fit") -> Figure:
        """A figure.

        kind: "fit" (data, target, fit and residual), "loss" (the training), "error" (where it is large) or "samples"
        (where the training points lie, and which of them adaptive sampling added).
        """
        from surefit.reports.plots import draw

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
        from surefit.fitting.model_file import save

        return save(self, Path(path))

    def save_outputs(self, directory: str | os.PathLike[str]) -> list[Path]:
        """Write the model, its history, card.txt, fit.json and the pictures into a directory (made if needed)."""
        from surefit.fitting.model_file import save_outputs

        return save_outputs(self, Path(directory))

    def animate(self, path: str | os.PathLike[str], *, fps: int = 6, lang: str = "en") -> Path:
        """Write the training as a film: .gif, .html (with a slider), or .mp4 where the program ffmpeg is installed.

        It needs `surefit.fit(..., callbacks=[surefit.Snapshots()])`, or a directory that `surefit fit --out` wrote.
        lang: of its labels, "en" or "zh"; without a font for Chinese they are English, with a warning. DataError when
        nothing was recorded; ArgumentError for another ending or language.
        """
        from surefit.reports.plots import title
        from surefit.view.language import check_language, language
        from surefit.view.style import has_chinese_font

        if self.film is None:
            raise DataError(
                "animate: nothing was recorded while this fit was trained; fit with callbacks=[surefit.Snapshots()]"
            )
        if check_language(lang) == "zh" and not has_chinese_font():
            python_warnings.warn(
                "no font with Chinese characters is installed here, so the labels of the film are in English",
                stacklevel=2,
            )
            lang = "en"
        with language(lang):
            return replace(self.film, title=title(self)).save(path, fps=fps)

    def report(self, path: str | os.PathLike[str], lang: str = "en") -> Path:
        """Write a report: one self-contained page (.html), or Markdown with pictures beside it (.md).

        lang: "en" or "zh". It tells the function, data, model, training, result, diagnosis and how to repeat it;
        what the fit does not know (it was loaded, nothing was recorded) is said there. ArgumentError for another
        ending or language.
        """
        from surefit.reports import write_report

        return write_report(self, Path(path), lang)


__all__ = ["Fit", "OutsideWarning"]
