"""The card of a fit: what it is and how good, in ten lines, as HTML, or as plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit import nn
from surefit.data import Domain

if TYPE_CHECKING:
    from surefit.fitting.fitted import Fit


UNLEARNED = 0.5  # relative L2 error above which a fit is worth nothing; 1 is that of a network that gives 0
UNLEARNED_FUNCTION = (
    "hardly anything was learned: the error is over half of the size of the target. Poles, jumps and very many "
    "oscillations are out of reach: try a smaller domain, more samples, more units, or another method"
)
UNLEARNED_DATA = (
    "hardly anything was learned: the error is over half of the size of the target. See whether the right column is "
    "the target and whether the inputs tell of it; then try more rows, more units, or another method, unless the rest "
    "is noise"
)


def unlearned(fit: Fit) -> str | None:
    """The warning that nothing was learned, if that is so and nobody asked for as little."""
    if not UNLEARNED < fit.error.relative_l2 < math.inf or fit.reached:
        return None
    return UNLEARNED_FUNCTION if fit.error.on == "fresh points" else UNLEARNED_DATA


def warnings_of(fit: Fit) -> list[str]:
    """All warnings of the card: those of data and training, and that of an error which is no good."""
    learned = unlearned(fit)
    return [*fit.warnings, *([] if learned is None else [learned])]


def card_rows(fit: Fit) -> list[tuple[str, str]]:
    """The card as (label, text)."""
    unit = "iteration" if "stage" in fit.method else "epoch"
    best = f", best {unit} {fit.best_epoch}" if fit.best_epoch is not None else ""
    if best and not fit.method.get("best_weights", True):
        best += ", weights of the last"
    dropped = f"; {fit.problem.dropped} points not finite, left out" if fit.problem.dropped else ""
    sizes = ", ".join(f"{count} {part}" for part, count in fit.problem.sizes().items() if count)
    if fit.problem.added:
        sizes += f" ({sum(fit.problem.added)} added where the error was largest)"
    rows = [
        ("target", fit.target),
        ("domain", box_words(fit.domain, _constant_columns(fit))),
        ("data", f"{sizes}{', with gradients' * (fit.problem.slopes is not None)}{dropped}"),
        ("network", _network_words(fit)),
        ("method", _method_words(fit)),
        ("training", f"{_work_words(fit)} in {_time_words(fit)}{best}"),
        *([("restarts", _restart_words(fit))] if fit.restarts else []),
        ("stopped", fit.stop_reason),
        ("max |error|", str(fit.error)),
        ("rmse", f"{fit.error.rmse:.3g}   relative L2 {fit.error.relative_l2:.3g}"),
        ("status", _status(fit) + f", seed {fit.seed}"),
    ]
    return rows + [("warning", w) for w in warnings_of(fit)]


def card_html(fit: Fit) -> str:
    """The card as a table of HTML, for notebooks."""
    import html

    left = "style='text-align:left'"
    cells = "".join(
        f"<tr><th {left}>{html.escape(k)}</th><td {left}>{html.escape(v)}</td></tr>" for k, v in card_rows(fit)
    )
    return f"<table>{cells}</table>"


def to_dict(fit: Fit) -> dict[str, Any]:
    """The card as plain data, for JSON."""
    return {
        "target": fit.problem.source,
        "inputs": list(fit.names),
        "outputs": list(fit.outputs),
        "domain": fit.domain.to_dict(),
        "data": {
            **fit.problem.sizes(),
            "dropped": fit.problem.dropped,
            "added": list(fit.problem.added),
            "gradients": fit.problem.slopes is not None,
        },
        "network": {"layers": fit.layers(), "parameters": fit.network.num_parameters(), "dtype": str(fit.dtype)},
        "method": fit.method,
        "epochs": len(fit.history),
        "best_epoch": fit.best_epoch,
        "steps": fit.steps,
        "seconds": fit.seconds,
        "compile_seconds": fit.compile_seconds,
        "restarts": list(fit.restarts),
        "stop_reason": fit.stop_reason,
        "interrupted": fit.interrupted,
        "error": fit.error.to_dict(),
        "tol": fit.tol,
        "reached": fit.reached,
        "seed": fit.seed,
        "warnings": warnings_of(fit),
        "call": dict(fit.call),
        "environment": dict(fit.environment),
        "surefit": fit.version,
    }


def box_words(box: Domain, constant: Mapping[str, float] = MappingProxyType({})) -> str:
    """A domain in few digits: that of a table ends where its rows do. constant: columns that have one value only."""
    words = []
    for name, (low, high) in zip(box.names, box.bounds, strict=True):
        if name in constant:
            words.append(f"{name}={constant[name]:.6g} (constant)")
            continue
        digits = next((n for n in range(6, 17) if f"{low:.{n}g}" != f"{high:.{n}g}"), 17)
        words.append(f"{name}={low:.{digits}g}:{high:.{digits}g}")
    return ", ".join(words)


def _constant_columns(fit: Fit) -> dict[str, float]:
    """The inputs of a table that have one value only, around which its box was made up."""
    problem = fit.problem
    parts = [part[0] for part in (problem.train, problem.validation, problem.test) if part is not None]
    if problem.source["kind"] != "table":
        return {}
    own = Domain.around(np.concatenate(parts), names=fit.names).bounds
    return {
        name: float(column[0])
        for name, column, box, whole in zip(fit.names, np.concatenate(parts).T, own, fit.domain.bounds, strict=True)
        if np.ptp(column) == 0 and tuple(box) == tuple(whole)
    }


def _network_words(fit: Fit) -> str:
    sizes = fit.layers()
    weights = f"{fit.network.num_parameters()} parameters, {fit.dtype}"
    if sizes is None:
        return f"{type(fit.network).__name__}, {weights}"
    quiet = (nn.Linear, nn.Sequential, nn.Dropout)
    kinds = dict.fromkeys(
        type(m).__name__ for m in fit.network.modules() if not isinstance(m, quiet) and not m._modules
    )
    return f"{'-'.join(map(str, sizes))} {'/'.join(kinds).lower()}, {weights}"


def _method_words(fit: Fit) -> str:
    m = fit.method
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


def _work_words(fit: Fit) -> str:
    if "stage" in fit.method:
        return f"{len(fit.history)} iterations, {fit.steps} evaluations of all rows"
    return f"{len(fit.history)} epochs, {fit.steps} steps"


def _status(fit: Fit) -> str:
    if fit.tol is None:
        return "measured, no tolerance asked"
    return f"tolerance {fit.tol:g} {'reached' if fit.reached else 'NOT reached'} (measured)"


def _time_words(fit: Fit) -> str:
    """Seconds, and those of compiling apart."""
    if fit.compile_seconds is None:
        return f"{fit.seconds:.1f} s"
    return f"{max(0.0, fit.seconds - fit.compile_seconds):.1f} s and {fit.compile_seconds:.2f} s of compiling"


def _restart_words(fit: Fit) -> str:
    """How the networks did of which this one is the best."""
    shown = ", ".join(f"{loss:.2g}" for loss in sorted(fit.restarts)[:6])
    more = f" ... {max(fit.restarts):.2g}" if len(fit.restarts) > 6 else ""
    what = "errors" if "stage" in fit.method else "losses"
    return f"the best of {len(fit.restarts)} networks, {what} {shown}{more}"


__all__ = ["UNLEARNED_DATA", "UNLEARNED_FUNCTION", "box_words", "card_html", "card_rows", "to_dict", "unlearned"]
