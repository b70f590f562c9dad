"""fit(target, domain) -> Fit: a trained network with an honest account of how good it is."""

from __future__ import annotations

import csv
import json
import math
import os
import time as clock
import warnings as python_warnings
from collections.abc import Callable, Sequence
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
from surefit.core.program import record
from surefit.core.tensor import Tensor, no_grad
from surefit.data import Domain, Sampling
from surefit.errors import ArgumentError, DataError, ShapeError
from surefit.fitting.adaptive import train_adaptively
from surefit.fitting.inference import values_of
from surefit.fitting.methods import Adam, Auto, FirstOrder, Method, Solver, method_from
from surefit.fitting.network import Scaled, network_of, scaled
from surefit.fitting.problem import Points, Problem, pose
from surefit.fitting.rates import with_found_rate
from surefit.fitting.recipe import call_of, environment
from surefit.fitting.snapshots import Snapshots, save_frames, tell_model
from surefit.fitting.together import best_of, fit_each, seeds_of, whole_number
from surefit.fitting.training import Outcome, train

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from surefit.fitting.doctor import Diagnosis
    from surefit.fitting.intervals import Interval
    from surefit.view.animation import Film

BLOCK = 8192  # rows predicted at a time
ROUNDING = 1e-4  # relative errors below which the order of float32 sums could be seen
MODEL = "model.safetensors"
CONFIG = "run.toml"  # written by the command line
FRAMES = "frames.npz"  # the film of a training, in the directory of its fit


@dataclass(frozen=True)
class Measured:
    """An error that was sampled: `max` is the largest |fit - target| seen, a lower bound of the true maximum.

    max, at: the largest error and where; rmse; relative_l2: the root of sum (fit - target)^2 / sum target^2; n: how
    many points; on: what they were.
    """

    max: float
    at: dict[str, float]
    rmse: float
    relative_l2: float
    n: int
    on: str

    def __str__(self) -> str:
        where = ", ".join(f"{k}={v:.4g}" for k, v in self.at.items())
        return f"{self.max:.3g} at {where} (measured on {self.n} {self.on})"


class OutsideWarning(UserWarning):
    """A fit is asked for values outside the domain it was made on."""


def measure(predict: Callable[[np.ndarray], np.ndarray], problem: Problem, seed: int, points: Points) -> Measured:
    """The error of a prediction on `points`, the test rows of a table or fresh points of a known function.

    There the largest error is also looked for on the faces of the domain and by climbing from the worst points.
    """
    x, y = points
    error = np.abs(predict(x) - y)
    size, rmse = (float(np.sqrt(np.mean(np.square(v)))) for v in (y, error))
    relative = rmse / size if size > 0 else (0.0 if rmse == 0 else math.inf)
    worst = np.where(np.isnan(error), np.inf, error).max(axis=1)
    n = len(x)
    if problem.function is None:
        on = "test rows" if problem.test is not None else "training rows"
    else:
        x, worst, n = _climb(predict, problem, x, worst, seed)
        on = "fresh points"
    i = int(np.argmax(worst))
    at = {name: float(v) for name, v in zip(problem.names, x[i], strict=True)}
    return Measured(float(worst[i]), at, rmse, relative, n, on)


def _climb(
    predict: Callable[[np.ndarray], np.ndarray], problem: Problem, x: np.ndarray, worst: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Larger errors near the worst points and on the faces: points, their largest errors, and evaluations in all.

    A random search that halves its radius: it needs no derivative, so it works for any callable and at kinks.
    """
    function, box = problem.function, problem.domain
    assert function is not None

    def errors(points: np.ndarray) -> np.ndarray:
        e = np.abs(predict(points) - function(points)).max(axis=1)
        return np.where(np.isnan(e), -np.inf, e)  # outside the function's domain there is no error

    starts, steps, each = problem.effort().search
    faces = problem.edges(seed)
    points, values = x, worst
    if len(faces):
        points, values = np.concatenate([x, faces]), np.concatenate([worst, errors(faces)])
    n = len(points)
    best = np.argsort(values)[-starts:]
    tops, heights = points[best], values[best]
    rng = np.random.default_rng([seed, 0xC11B])
    radius = box.width / 20
    for _ in range(steps):
        step = rng.uniform(-1.0, 1.0, (each, *tops.shape)) * radius
        tries = np.clip(tops + step, box.low, box.high)
        found = errors(tries.reshape(-1, box.dim)).reshape(each, -1)
        pick = found.argmax(axis=0)
        better = found.max(axis=0) > heights
        heights = np.where(better, found.max(axis=0), heights)
        tops = np.where(better[:, None], tries[pick, np.arange(len(tops))], tops)
        radius, n = radius / 2**0.5, n + tries.shape[0] * tries.shape[1]
    return np.concatenate([points, tops]), np.concatenate([values, heights]), n


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
        compile_seconds: part of `seconds` that went into compiling; None: trained without the compiler. restarts: the
        deciding losses of all networks that were trained, where there were several.
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
                f"points outside the domain {_box_words(self.domain)}, "
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
        from surefit.fitting.intervals import interval

        return interval(self, self._points(points), level, kind, members)

    # --- words ---

    def layers(self) -> list[int] | None:
        """Sizes of the layers of a multilayer perceptron, inputs first; None for another network."""
        from surefit import nn

        linear = [m for m in self.network.modules() if isinstance(m, nn.Linear)]
        chain = all(a.out_features == b.in_features for a, b in pairwise(linear))
        others = any(isinstance(m, (nn.Conv1d, nn.Conv2d, nn.Residual, nn.Embedding)) for m in self.network.modules())
        if not linear or not chain or others:
            return None
        return [linear[0].in_features, *(m.out_features for m in linear)]

    def _network_words(self) -> str:
        from surefit import nn

        sizes = self.layers()
        weights = f"{self.network.num_parameters()} parameters, {self.dtype}"
        if sizes is None:
            return f"{type(self.network).__name__}, {weights}"
        quiet = (nn.Linear, nn.Sequential, nn.Dropout)
        kinds = dict.fromkeys(
            type(m).__name__ for m in self.network.modules() if not isinstance(m, quiet) and not m._modules
        )
        return f"{'-'.join(map(str, sizes))} {'/'.join(kinds).lower()}, {weights}"

    def _method_words(self) -> str:
        m = self.method
        if "stage" in m:
            stage = m["stage"] + (", rounded to float32 and solved again" if m.get("rounded") else "")
            if m["method"] == "auto":
                tried = f" (tried: {'; '.join(m['choice'])})" if m["choice"] else ""
                return f"auto: {stage}{tried}"
            return stage
        parts = [f"{m['method']} lr={m['lr']:g}", f"batch {m['batch_size']}", m["schedule"]]
        if m.get("loss", "mse") != "mse":
            parts.append(f"loss {m['loss']}")
        if m.get("solve_output"):
            parts.append("output layer solved at the end")
        return ", ".join(parts)

    def _work_words(self) -> str:
        if "stage" in self.method:
            return f"{len(self.history)} iterations, {self.steps} evaluations of all rows"
        return f"{len(self.history)} epochs, {self.steps} steps"

    def _status(self) -> str:
        if self.tol is None:
            return "measured, no tolerance asked"
        return f"tolerance {self.tol:g} {'reached' if self.reached else 'NOT reached'} (measured)"

    def card_rows(self) -> list[tuple[str, str]]:
        """The card as (label, text)."""
        best = f", best epoch {self.best_epoch}" if self.best_epoch is not None else ""
        if best and not self.method.get("best_weights", True):
            best += ", weights of the last"
        dropped = f"; {self.problem.dropped} points not finite, left out" if self.problem.dropped else ""
        sizes = ", ".join(f"{count} {part}" for part, count in self.problem.sizes().items() if count)
        if self.problem.added:
            sizes += f" ({sum(self.problem.added)} added where the error was largest)"
        rows = [
            ("target", self.target),
            ("domain", _box_words(self.domain)),
            ("data", f"{sizes}{', with gradients' * (self.problem.slopes is not None)}{dropped}"),
            ("network", self._network_words()),
            ("method", self._method_words()),
            ("training", f"{self._work_words()} in {self._time_words()}{best}"),
            *([("restarts", self._restart_words())] if self.restarts else []),
            ("stopped", self.stop_reason),
            ("max |error|", str(self.error)),
            ("rmse", f"{self.error.rmse:.3g}   relative L2 {self.error.relative_l2:.3g}"),
            ("status", self._status() + f", seed {self.seed}"),
        ]
        return rows + [("warning", w) for w in self.warnings]

    def _time_words(self) -> str:
        """Seconds, and those of compiling apart."""
        if self.compile_seconds is None:
            return f"{self.seconds:.1f} s"
        return f"{max(0.0, self.seconds - self.compile_seconds):.1f} s and {self.compile_seconds:.2f} s of compiling"

    def _restart_words(self) -> str:
        """How the networks did of which this one is the best."""
        shown = ", ".join(f"{loss:.2g}" for loss in sorted(self.restarts)[:6])
        more = f" ... {max(self.restarts):.2g}" if len(self.restarts) > 6 else ""
        return f"the best of {len(self.restarts)} networks, losses {shown}{more}"

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
        import html

        left = "style='text-align:left'"
        cells = "".join(
            f"<tr><th {left}>{html.escape(k)}</th><td {left}>{html.escape(v)}</td></tr>" for k, v in self.card_rows()
        )
        return f"<table>{cells}</table>"

    def to_dict(self) -> dict[str, Any]:
        """The card as plain data, for JSON."""
        return {
            "target": self.problem.source,
            "inputs": list(self.names),
            "outputs": list(self.outputs),
            "domain": self.domain.to_dict(),
            "data": {
                **self.problem.sizes(),
                "dropped": self.problem.dropped,
                "added": list(self.problem.added),
                "gradients": self.problem.slopes is not None,
            },
            "network": {"layers": self.layers(), "parameters": self.network.num_parameters(), "dtype": str(self.dtype)},
            "method": self.method,
            "epochs": len(self.history),
            "best_epoch": self.best_epoch,
            "steps": self.steps,
            "seconds": self.seconds,
            "compile_seconds": self.compile_seconds,
            "restarts": list(self.restarts),
            "stop_reason": self.stop_reason,
            "interrupted": self.interrupted,
            "error": {
                "status": "measured",
                "max": self.error.max,
                "at": self.error.at,
                "rmse": self.error.rmse,
                "relative_l2": self.error.relative_l2,
                "points": self.error.n,
                "on": self.error.on,
            },
            "tol": self.tol,
            "reached": self.reached,
            "seed": self.seed,
            "warnings": list(self.warnings),
            "call": dict(self.call),
            "environment": dict(self.environment),
            "surefit": self.version,
        }

    def layer_rows(self) -> list[tuple[str, ...]]:
        """Rows of `summary`: a heading, one row for each layer, the total."""
        from surefit.fitting.network import observed

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
        from surefit.fitting.solving import FLOAT32, deploy, placed_anew, predictor

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
                method |= {k: found.details.get(k) for k in ("solver", "units", "steepness", "magnitude")}
                method["stage"] = f"{found.stage}, placed for float32"
        return replace(self, model=model, error=error, method=method)

    def doctor(self) -> Diagnosis:
        """What is wrong with this fit, with the numbers seen and the cures."""
        from surefit.fitting.doctor import diagnose

        return diagnose(self)

    # --- pictures ---

    def plot(self, kind: str = "fit") -> Figure:
        """A figure.

        kind: "fit" (data, target, fit and residual), "loss" (the training), "error" (where it is large) or "samples"
        (where the training points lie, and which of them adaptive sampling added).
        """
        kinds = {"fit": self._plot_fit, "loss": self._plot_loss, "error": self.error_map, "samples": self._plot_samples}
        draw = kinds.get(kind)
        if draw is None:
            raise ArgumentError(f"plot: kind={kind!r} must be one of {', '.join(map(repr, kinds))}")
        return draw()

    def _all_names(self) -> tuple[str, ...]:
        return (*self.names, *self.outputs)

    def _with_prediction(self, points: Any) -> Any:
        return None if points is None else (points[0], points[1], self._predict(points[0]))

    def _plot_fit(self) -> Figure:
        from surefit import view

        d, f = len(self.names), self.problem.function
        train, test = self._with_prediction(self.problem.train), self._with_prediction(self.problem.test)
        options: dict[str, Any] = {"names": self._all_names(), "title": _short(self.target)}
        if d == 1:
            x = np.linspace(self.domain.low[0], self.domain.high[0], 1001)
            truth = None if f is None else f(x[:, None])
            return view.fit_1d(x, truth, self._predict(x[:, None]), data=train, test=test, **options)
        if d == 2:
            axes = [np.linspace(lo, hi, 121) for lo, hi in zip(self.domain.low, self.domain.high, strict=True)]
            grid = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)  # rows follow the second input
            shape = (121, 121, len(self.outputs))
            truth = None if f is None else f(grid).reshape(shape)
            values = self._predict(grid).reshape(shape)
            return view.fit_2d(axes[0], axes[1], truth, values, data=train, test=None if f else test, **options)
        if f is not None:
            lines = view.slice_points(self.domain.low, self.domain.high)
            flat = lines.reshape(-1, d)
            shape = (*lines.shape[:2], len(self.outputs))
            return view.slices(lines, f(flat).reshape(shape), self._predict(flat).reshape(shape), **options)
        pair = None if test is None else (test[1], test[2])
        return view.fit_scatter(train[1], train[2], test=pair, names=self.outputs, title=options["title"])

    def _plot_samples(self) -> Figure:
        from surefit import view

        x, f = self.problem.train[0], self.problem.function
        added = self.problem.added
        first = self.problem.sizes()["train"] - sum(added)
        rounds = np.repeat(np.arange(len(added) + 1), [first, *added])[: len(x)]  # a loaded fit has the first rows
        curve = None
        if f is not None and len(self.names) == 1:
            line = np.linspace(self.domain.low[0], self.domain.high[0], 1001)
            curve = (line, f(line[:, None]))
        return view.sample_map(x, rounds, curve=curve, names=self._all_names(), title=_short(self.target))

    def _plot_loss(self) -> Figure:
        from surefit import view
        from surefit.view.language import say

        if not self.history:
            raise DataError("plot: this fit has no history (it ended before its first epoch)")
        stages = list(dict.fromkeys(r["stage"] for r in self.history if "stage" in r))
        curves: Any = _columns(self.history, rate=not stages)
        best = self.best_epoch
        if len(stages) > 1:  # a curve for each method that was tried, which marks its own best
            curves, best = {s: _columns([r for r in self.history if r["stage"] == s], rate=False) for s in stages}, None
        loss = str(self.method["loss"])
        words = say("mean squared error") if loss == "mse" else say("{loss} loss", loss=loss)
        words = say("{words} (scaled)", words=words) if self.method.get("scale", True) else words
        return view.loss_curves(curves, best=best, ylabel=words, title=_short(self.target))

    def error_map(self) -> Figure:
        """Where the error is large, over the inputs."""
        from surefit import view

        x, y = self._error_points()
        return view.error_map(x, self._predict(x) - y, names=self._all_names(), title=_short(self.target))

    def _error_points(self) -> tuple[np.ndarray, np.ndarray]:
        f = self.problem.function
        if f is None or len(self.names) > 2:
            return self.problem.verification(self.seed)
        count = 2001 if len(self.names) == 1 else 121
        axes = [np.linspace(lo, hi, count) for lo, hi in zip(self.domain.low, self.domain.high, strict=True)]
        x = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, len(axes))
        y = f(x)
        good = np.isfinite(y).all(axis=1)
        return x[good], y[good]

    def graph(self, of: str = "computation") -> Any:
        """A drawing (.svg(), .save(path)).

        of: "computation", the graph of one evaluation; "network", its layers as units; or "structure", how it was
        trained: data, layers, loss, optimiser.
        """
        from surefit.view.graph import draw_program, network_diagram

        if of == "computation":
            with no_grad():
                program = record(self.network, Tensor(np.zeros((1, len(self.names))), self.dtype))
            return draw_program(program, title=f"computation graph of {_short(self.target)}")
        if of == "structure":
            from surefit.fitting.report.model import structure

            return structure(self)
        if of != "network":
            raise ArgumentError(f"graph: of={of!r} must be 'computation', 'network' or 'structure'")
        sizes = self.layers()
        if sizes is None:
            raise ArgumentError(
                "graph: of='network' draws multilayer perceptrons; use of='computation' for other networks"
            )
        return network_diagram(sizes, inputs=self.names, outputs=self.outputs)

    # --- files ---

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the model, its card and a sample of its data into one safetensors file; `load` reads it back."""
        from surefit.fitting.model_file import save

        return save(self, Path(path))

    def save_outputs(self, directory: str | os.PathLike[str]) -> list[Path]:
        """Write the model, its history, card.txt, fit.json and the pictures into a directory (made if needed)."""
        folder = Path(directory)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as e:
            raise DataError(f"cannot make the directory {str(folder)!r} ({e.strerror or e})") from e
        paths = [self.save(folder / MODEL)]
        (folder / "card.txt").write_text(self.card() + "\n", encoding="utf-8")
        (folder / "fit.json").write_text(json.dumps(finite_json(self.to_dict()), indent=2) + "\n", encoding="utf-8")
        paths += [folder / "card.txt", folder / "fit.json"]
        if self.history:
            with (folder / "history.csv").open("w", newline="", encoding="utf-8") as f:
                writer = csv.DictWriter(f, fieldnames=list(self.history[0]))
                writer.writeheader()
                writer.writerows(self.history)
            paths.append(folder / "history.csv")
        more = [("loss", bool(self.history)), ("samples", bool(self.problem.added))]
        for kind in ("fit", "error", *(kind for kind, wanted in more if wanted)):
            self.plot(kind).savefig(folder / f"{kind}.png", dpi=150)
            paths.append(folder / f"{kind}.png")
        if self.film is not None:
            paths.append(save_frames(self.film, folder / FRAMES))
        return paths

    def animate(self, path: str | os.PathLike[str], *, fps: int = 6, lang: str = "en") -> Path:
        """Write the training as a film: .gif, .html (with a slider), or .mp4 where the program ffmpeg is installed.

        It needs `surefit.fit(..., callbacks=[surefit.Snapshots()])`, or a directory that `surefit fit --out` wrote.
        lang: of its labels, "en" or "zh"; without a font for Chinese they are English, with a warning. DataError when
        nothing was recorded; ArgumentError for another ending or language.
        """
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
            return replace(self.film, title=_short(self.target)).save(path, fps=fps)

    def report(self, path: str | os.PathLike[str], lang: str = "en") -> Path:
        """Write a report: one self-contained page (.html), or Markdown with pictures beside it (.md).

        lang: "en" or "zh". It tells the function, data, model, training, result, diagnosis and how to repeat it;
        what the fit does not know (it was loaded, nothing was recorded) is said there. ArgumentError for another
        ending or language.
        """
        from surefit.fitting.report import write_report

        return write_report(self, Path(path), lang)


def _columns(history: list[dict[str, Any]], rate: bool) -> dict[str, list[Any]]:
    """The columns of a history that are drawn."""
    number = "iteration" if history and "stage" in history[0] else "epoch"
    names = {number: "epoch", "train": "train_loss", "validation": "validation_loss", "lr": "lr"}
    columns = {shown: [r[name] for r in history] for shown, name in names.items()}
    if all(v is None for v in columns["validation"]):
        del columns["validation"]
    if not rate:
        del columns["lr"]
    return columns


def _box_words(box: Domain) -> str:
    """A domain in few digits: that of a table ends where its rows do."""
    return ", ".join(f"{name}={low:.6g}:{high:.6g}" for name, (low, high) in zip(box.names, box.bounds, strict=True))


def _short(text: str) -> str:
    return text if len(text) <= 90 else text[:87] + "..."


def finite_json(value: Any) -> Any:
    """Plain data with NaN and infinities as None, which JSON has."""
    if isinstance(value, dict):
        return {k: finite_json(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite_json(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def fit(
    target: Any,
    domain: Any = None,
    *,
    tol: float | None = None,
    time: float | None = None,
    method: str | Method = "auto",
    model: Any = None,
    data: Sampling | None = None,
    seed: int = 0,
    dtype: Any = None,
    callbacks: Sequence[Callable[[Any], Any]] = (),
    jit: bool | None = None,
    restarts: int = 1,
) -> Fit:
    """Fit a function with a neural network.

    Args:
        target: a formula ("sin(x1) - cos(x2)"; several outputs: "sin(x); cos(x)" or a list), a callable, a table
        (path to
            CSV or Parquet, DataFrame, dict of columns, `Table`; the last column is the target) or arrays (X, y).
        domain: where, for a function: {"x": (-5, 5)}, "x=-5:5", or (low, high). For a table: its own range.
        tol: the largest |error| that is good enough, in the units of the target; training ends when it is reached.
        time: seconds of training at most.
        method: "auto", a name ("features", "varpro", "lm", "lbfgs", "adam", "sgd", ...) or a method object,
            surefit.Adam(lr=3e-4, epochs=300, batch_size=64), surefit.VarPro(iterations=50).
        model: widths such as (64, 64), an `MLPSpec`, or any `nn.Module` (trained in place by the first-order methods;
            the solvers leave their answer in a copy). None: what suits the method.
        data: a `Sampling`: how many points, which design, noise, split, weights.
        seed: of data, weights and order; one seed gives one result.
        dtype: of the network that comes out, "float32" or "float64". None: float32 for first-order methods and
            float64 for solvers, which always compute in it.
        callbacks: functions of one event (`Started`, `Epoch`, `Finished`); returning True stops. One that never stops
            nor looks at weights may say so (an attribute `passive = True`): then epochs need not wait for it.
        jit: first-order training as machine code (True), eager (False), or compiled where that pays (None).
        restarts: networks with seeds of their own that are trained at once over the cores; the one with the best
            validation loss is kept.

    Returns:
        A `Fit`.

    Raises:
        FormulaError, DomainError, DataError, ArgumentError, ShapeError: something is wrong with what came; the message
            names it and the cure. NotFiniteError: training broke down before a first epoch was done.

    >>> import surefit
    >>> fit = surefit.fit("sin(x)", "x=-3:3", method=surefit.Adam(epochs=3), model=(8,))
    >>> fit.names, fit.predict([0.0, 1.0]).shape
    (('x',), (2,))
    """
    arguments: dict[str, Any] = dict(
        tol=tol, time=time, method=method, model=model, data=data, seed=seed, dtype=dtype, callbacks=callbacks, jit=jit
    )
    fits = fits_of(target, domain, count=whole_number("restarts", restarts, 1), **arguments)
    fitted = fits[0] if restarts == 1 else best_of(fits)
    fitted.call = call_of(
        domain=domain, tol=tol, time=time, method=method, model=model, data=data, seed=seed, dtype=dtype
    )
    return fitted


def fits_of(
    target: Any, domain: Any = None, *, count: int, seed: int = 0, method: str | Method = "auto", model: Any = None,
    data: Sampling | None = None, callbacks: Sequence[Callable[[Any], Any]] = (), jit: bool | None = None, **rest: Any,
) -> list[Fit]:  # fmt: skip
    """`count` fits of one problem with seeds of their own, at once over the cores; callbacks hear of the first."""
    unknown = sorted(set(rest) - {"tol", "time", "dtype"})
    if unknown:
        raise ArgumentError(f"ensemble: it has no argument {unknown[0]!r}; besides members it takes those of fit")
    seed = whole_number("seed", seed, 0)
    settings = method_from(method)

    def posed() -> Problem:
        return pose(target, domain, data, seed, solver=isinstance(settings, Solver))

    shared: dict[str, Any] = dict(method=settings, model=model, jit=jit, **rest)
    if count == 1:
        return [fit_problem(posed, seed=seed, callbacks=callbacks, **shared)]
    if isinstance(model, nn.Module):
        raise ArgumentError("model: a Module can be trained only once; give widths or an MLPSpec for several networks")

    def one(problem: Problem, *, seed: int, first: bool, halted: Callable[[], bool]) -> Fit:
        return fit_problem(problem, seed=seed, callbacks=callbacks if first else (), halted=halted, **shared)

    return fit_each(posed(), seeds_of(seed, count), one)


def fit_problem(
    posed: Problem | Callable[[], Problem],
    *,
    tol: float | None = None,
    time: float | None = None,
    method: str | Method = "auto",
    model: Any = None,
    seed: int = 0,
    dtype: Any = None,
    callbacks: Sequence[Callable[[Any], Any]] = (),
    jit: bool | None = None,
    halted: Callable[[], bool] | None = None,
) -> Fit:
    """`fit` of a Problem, or of what poses one (then the checks of the other arguments come first)."""
    began = clock.perf_counter()
    for name, value in (("tol", tol), ("time", time)):
        if value is not None and not (isinstance(value, (int, float)) and 0 < value < math.inf):
            raise ArgumentError(f"{name}={value!r} must be a number > 0")
    settings = method_from(method)
    kind = ops.default_float if dtype is None else ops.dtype_of(dtype)
    if kind not in (ops.float32, ops.float64):
        raise ArgumentError(f"dtype={dtype!r} must be 'float32' or 'float64'")
    problem = posed if isinstance(posed, Problem) else posed()
    if isinstance(settings, Auto) and problem.plan is not None and problem.plan.adaptive:
        settings = Adam()  # the first-order methods alone add points as they go
    if isinstance(settings, Solver):
        from surefit.fitting.automatic import solve

        return solve(
            problem,
            settings,
            tol=tol,
            time=time,
            model=model,
            seed=int(seed),
            dtype=dtype and kind,
            callbacks=callbacks,
        )
    network = network_of(model, problem, np.random.default_rng([int(seed), 2]), kind, settings.scale)
    whole = scaled(network, problem, settings.scale, kind)
    whole.eval()
    if settings.solve_output:
        from surefit.fitting.solving import output_layer, solve_last

        if output_layer(network) is None or problem.slopes is not None:
            raise ArgumentError(
                "solve_output=True needs a network that ends in a linear layer with a bias, and no gradients among the "
                "data"
            )
    settings = with_found_rate(whole, problem, settings, int(seed))

    x, y = problem.verification(int(seed))  # once, since the function may be expensive

    def predict(points: np.ndarray) -> np.ndarray:
        with no_grad():
            return np.concatenate([whole(Tensor(points[i : i + BLOCK])).numpy() for i in range(0, len(points), BLOCK)])

    def good_enough() -> bool:
        network.eval()
        try:
            probe = slice(None, None, max(1, len(x) // 512))  # a quick look first
            limit = float(tol)  # type: ignore[arg-type]
            if not np.abs(predict(x[probe]) - y[probe]).max() <= limit:
                return False
            return measure(predict, problem, int(seed), (x, y)).max <= limit
        finally:
            network.train()

    tell_model(callbacks, whole, problem, int(seed))
    outcome: Outcome
    arguments: dict[str, Any] = dict(
        seed=int(seed), time=time, good_enough=None if tol is None else good_enough, callbacks=callbacks,
        jit=jit,
    )  # fmt: skip
    if problem.plan is not None and problem.plan.adaptive:
        outcome, problem = train_adaptively(whole, problem, settings, predict, **arguments)
    else:
        outcome = train(whole, problem, settings, halted=halted, **arguments)
    whole.eval()
    if settings.solve_output:
        solve_last(whole, problem)
    error = measure(predict, problem, int(seed), (x, y))
    if kind == ops.float32 and error.max <= ROUNDING * np.abs(y).max(initial=0.0):
        error = measure(values_of(whole), problem, int(seed), (x, y))  # as it is used later
    return Fit(
        problem=problem,
        model=whole,
        method=_resolved(settings, problem),
        error=error,
        history=outcome.history,
        stop_reason=outcome.stop_reason,
        seed=int(seed),
        steps=outcome.steps,
        seconds=clock.perf_counter() - began,
        tol=tol,
        interrupted=outcome.interrupted,
        best_epoch=outcome.best_epoch,
        warnings=[*problem.notes, *outcome.warnings],
        compile_seconds=outcome.compile_seconds,
        film=next((c.film for c in callbacks if isinstance(c, Snapshots)), None),
    )


def _resolved(method: FirstOrder, problem: Problem) -> dict[str, Any]:
    """The settings with the choices that were left to us filled in."""
    from surefit.fitting.training import plan

    batch_size, _, epochs, patience = plan(method, len(problem.train[0]))
    settings = method.settings()
    settings.update(batch_size=batch_size, epochs=epochs, patience=patience)
    settings["schedule"] = (
        ("constant" if method.lr is not None else "cosine") if method.schedule == "auto" else method.schedule
    )
    settings["lr"] = method.rate
    return {k: list(v) if isinstance(v, tuple) else v for k, v in settings.items()}
