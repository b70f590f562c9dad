"""The card of a fit: what it is and how good, in ten lines, as HTML, or as plain data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit import nn
from surefit.data import Domain, box_words, raw_names
from surefit.search.classes import Classified
from surefit.search.judging import OutputError
from surefit.sentences import Sentence, say

if TYPE_CHECKING:
    from surefit.search.record import Record


UNLEARNED = 0.5  # relative L2 error above which a fit is worth nothing; 1 is that of a network that gives 0
UNEXPLAINED = 0.1  # R² of an output below which little more than its mean was learned, whatever its size
ENOUGH = 10  # rows that tell an R²
LOCAL = 0.5  # of the target's root mean square: a largest error above it is a place that was missed
LISTED = 6  # inputs, and outputs, that are told one by one


def unlearned(fit: Record) -> list[Sentence]:
    """Warnings that nothing was learned, on the whole, of an output or at a place, if nobody asked for as little."""
    error, function = fit.error, fit.error.kind == "fresh"
    if fit.classified is not None:
        return [say("unlearned-classes")] if fit.classified.accuracy <= fit.classified.base else []
    if fit.reached:
        return []
    if UNLEARNED < error.relative_l2 < math.inf:
        return [say("unlearned-function" if function else "unlearned-data")]
    flat = [part for part in error.outputs if part.r2 < UNEXPLAINED] if error.n >= ENOUGH else []
    if flat:
        each = ", ".join(f"{part.name} {r2_words(part.r2)}" for part in flat[:LISTED])
        return [say("unlearned-outputs", each=each)]
    size = error.rmse / error.relative_l2 if error.relative_l2 > 0 else math.inf
    if function and error.max > LOCAL * size:
        return [say("unlearned-place", size=f"{error.max:.3g}", where=error.where)]
    return []


def warnings_of(fit: Record) -> list[str]:
    """All warnings of the card: those of data and training, and that of an error which is no good."""
    return [*fit.warnings, *unlearned(fit)]


def card_rows(fit: Record) -> list[tuple[str, str]]:
    """The card as (label, text)."""
    unit = "iteration" if fit.made.solved else "epoch"
    best = f", best {unit} {fit.best_epoch}" if fit.best_epoch is not None else ""
    if best and not fit.method.get("best_weights", True):
        best += ", weights of the last"
    points = "point" if fit.problem.dropped == 1 else "points"
    dropped = f"; {fit.problem.dropped} {points} not finite, left out" if fit.problem.dropped else ""
    sizes = ", ".join(f"{count} {part}" for part, count in fit.problem.sizes().items() if count)
    if fit.problem.added:
        sizes += f" ({sum(fit.problem.added)} added where the error was largest)"
    if (evaluated := fit.problem.source.get("evaluated")) is not None:
        sizes += f"; {_evaluated_words(fit.problem.source.get('budget'), **evaluated)}"
    rows = [
        ("target", _target_words(fit)),
        ("domain", _domain_words(fit)),
        *([("columns", _coding_words(fit))] if fit.problem.coding else []),
        ("data", f"{sizes}{', with gradients' * (fit.problem.slopes is not None)}{dropped}"),
        ("network", _network_words(fit)),
        ("method", _method_words(fit)),
        ("training", f"{_work_words(fit)} in {_time_words(fit)}{best}"),
        *([("restarts", _restart_words(fit))] if fit.restarts else []),
        ("stopped", fit.stop_reason),
        *(error_rows(fit) if fit.classified is None else class_rows(fit.classified)),
        *([("teacher", str(fit.taught.sentence()))] if fit.taught is not None else []),
        *proved_rows(fit),
        ("status", _status(fit) + f", seed {fit.seed}"),
    ]
    return rows + [("warning", w) for w in warnings_of(fit)]


def class_rows(found: Classified) -> list[tuple[str, str]]:
    """Of classes, as (label, text): which there are, how many were right, and how well the probabilities are known."""
    right = [
        f"{name} {row[i]} of {sum(row)}"
        for i, (name, row) in enumerate(zip(found.classes, found.confusion, strict=True))
    ]
    return [
        ("classes", f"{len(found.classes)}: {_short([str(name) for name in found.classes])}"),
        ("accuracy", found.sentence()),
        ("right", _short(right)),
        ("log loss", f"{found.log_loss:.3g}, calibration error {found.calibration:.2g}"),
    ]


def error_rows(fit: Record) -> list[tuple[str, str]]:
    """The error as (label, text): the largest and what it was measured on; the others, of each output in its units."""
    error = fit.error
    if len(error.outputs) < 2:
        r2 = "" if math.isnan(error.r2) else f", R² {r2_words(error.r2)}"
        rest = f"{error.rmse:.3g} in the units of {_short(fit.outputs)}{r2}, relative L2 {error.relative_l2:.3g}"
        return [("max |error|", str(error)), ("rmse", rest)]
    worst = max(error.outputs, key=lambda part: part.max)
    rows = [("max |error|", f"{worst.name}: {error}")]
    shown = error.outputs if len(error.outputs) <= LISTED + 1 else sorted(error.outputs, key=_badness)[:LISTED]
    for part in shown:
        r2 = "" if math.isnan(part.r2) else f", R² {r2_words(part.r2)}"
        rows.append((f"  {part.name}", f"max |error| {part.max:.3g}, rmse {part.rmse:.3g}, in its units{r2}"))
    if len(shown) < len(error.outputs):
        rows.append(("", f"and {len(error.outputs) - len(shown)} more outputs, of larger R²"))
    return rows


def proved_rows(fit: Record) -> list[tuple[str, str]]:
    """What is proved, as (label, text); nothing where nothing is."""
    certificate = fit.proved
    if certificate is None:
        return []
    return [("certificate", f"{certificate.error}; {mode_words(certificate.mode)}")]


def mode_words(mode: str) -> Sentence:
    """What a certificate speaks of: the program that runs, or the model in exact arithmetic."""
    return say("mode-deployed" if mode == "deployed" else "mode-real")


def _evaluated_words(budget: int | None, evaluations: int, failed: int, resumed: int) -> str:
    """How often an expensive function was evaluated."""
    of = "" if budget is None else f" of {budget}"
    words = f"{evaluations}{of} evaluations"
    return words + (f", {failed} failed" if failed else "") + (f", {resumed} from the log" if resumed else "")


def _badness(part: OutputError) -> float:
    return math.inf if math.isnan(part.r2) else part.r2


def r2_words(value: float) -> str:
    """R² with as many nines as it has: 0.99997 is not 1.

    >>> r2_words(0.5), r2_words(0.99997), r2_words(1 - 1e-12)
    ('0.5', '0.99997', '1 - 1e-12')
    """
    rest = 1.0 - value
    if rest >= 0.01 or rest <= 0.0:
        return f"{value:.3g}"
    digits = math.ceil(-math.log10(rest)) + 1
    return f"{value:.{digits}f}".rstrip("0") if digits <= 9 else f"1 - {rest:.1g}"


def card_text(fit: Record) -> str:
    """The lines that `print(fit)` shows."""
    rows = card_rows(fit)
    width = max(len(label) for label, _ in rows)
    return "\n".join(f"{label:<{width}}  {text}" for label, text in rows)


def card_html(fit: Record) -> str:
    """The card as a table of HTML, for notebooks."""
    import html

    left = "style='text-align:left'"
    cells = "".join(
        f"<tr><th {left}>{html.escape(k)}</th><td {left}>{html.escape(v)}</td></tr>" for k, v in card_rows(fit)
    )
    return f"<table>{cells}</table>"


def to_dict(fit: Record) -> dict[str, Any]:
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
        "teacher": None if fit.taught is None else fit.taught.to_dict(),
        **({} if fit.classified is None else {"classified": fit.classified.to_dict()}),
        "certificate": None if fit.proved is None else fit.proved.to_dict(leaves=False),
        "tol": fit.tol,
        "reached": fit.reached,
        "seed": fit.seed,
        "warnings": warnings_of(fit),
        "call": dict(fit.call),
        "environment": dict(fit.environment),
        "surefit": fit.version,
    }


def _short(names: Sequence[str]) -> str:
    """The names, the first of many."""
    if len(names) <= LISTED + 2:
        return ", ".join(names)
    return f"{', '.join(names[:LISTED])} and {len(names) - LISTED} more"


def _target_words(fit: Record) -> str:
    """What was fitted: a formula, or outputs and inputs of a table or a callable."""
    if fit.problem.source["kind"] == "formula":
        return fit.target
    return f"{fit.target}: {_short(fit.outputs)} from {_short(raw_names(fit.names, fit.problem.coding))}"


def _coding_words(fit: Record) -> str:
    """What the numbers are that texts, times, yes and no became."""
    return "; ".join(f"{code.name}: {code.words()}" for code in fit.problem.coding)


def _domain_words(fit: Record) -> str:
    """The box of the first inputs, if there are many; those of texts have none."""
    texts = {column for code in fit.problem.coding if code.categories for column in code.columns}
    names = [name for name in fit.names if name not in texts]
    if not names:
        return ", ".join(code.name for code in fit.problem.coding)
    if len(names) <= LISTED + 2:
        return box_words(fit.domain.select(names), _constant_columns(fit))
    first = box_words(fit.domain.select(names[:LISTED]), _constant_columns(fit))
    return f"{first} and {len(names) - LISTED} more"


def _constant_columns(fit: Record) -> dict[str, float]:
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


def _network_words(fit: Record) -> str:
    sizes = fit.layers()
    weights = f"{fit.network.num_parameters()} parameters, {fit.dtype}"
    if sizes is None:
        return f"{type(fit.network).__name__}, {weights}"
    quiet = (nn.Linear, nn.Sequential, nn.Dropout)
    kinds = dict.fromkeys(
        type(m).__name__ for m in fit.network.modules() if not isinstance(m, quiet) and not m._modules
    )
    return f"{'-'.join(map(str, sizes))} {'/'.join(kinds).lower()}, {weights}"


def _method_words(fit: Record) -> str:
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


def _work_words(fit: Record) -> str:
    if fit.made.solved:
        return f"{len(fit.history)} iterations, {fit.steps} evaluations of all rows"
    return f"{len(fit.history)} epochs, {fit.steps} steps"


def _status(fit: Record) -> str:
    if fit.tol is None:
        return f"{fit.error.status}, no tolerance asked"
    certificate = fit.proved
    if certificate is not None and certificate.mode == "deployed":
        verdict = certificate.proves(fit.tol)
        if verdict is not None:
            return f"tolerance {fit.tol:g} {'reached' if verdict else 'NOT reached'} (proved)"
    return f"tolerance {fit.tol:g} {'reached' if fit.reached else 'NOT reached'} ({fit.error.status})"


def _time_words(fit: Record) -> str:
    """Seconds, and those of compiling apart."""
    if fit.compile_seconds is None:
        return f"{fit.seconds:.1f} s"
    return f"{max(0.0, fit.seconds - fit.compile_seconds):.1f} s and {fit.compile_seconds:.2f} s of compiling"


def _restart_words(fit: Record) -> str:
    """How the networks did of which this one is the best."""
    shown = ", ".join(f"{loss:.2g}" for loss in sorted(fit.restarts)[:6])
    more = f" ... {max(fit.restarts):.2g}" if len(fit.restarts) > 6 else ""
    what = "errors" if fit.problem.exact else "errors in deviations of the target"
    return f"the best of {len(fit.restarts)} networks, {what} {shown}{more}"


__all__ = [
    "card_html",
    "card_rows",
    "card_text",
    "error_rows",
    "mode_words",
    "r2_words",
    "to_dict",
    "unlearned",
    "warnings_of",
]
