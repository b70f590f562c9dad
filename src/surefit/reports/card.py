"""The card of a fit: what it is and how good, in ten lines, as HTML, or as plain data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit.bounds.directions import directions
from surefit.data import Domain, box_words, raw_names
from surefit.data.columns import NUMBER
from surefit.models.words import network_words
from surefit.reports.words import Speech
from surefit.search.classes import Classified
from surefit.search.judging import Measured, OutputError
from surefit.search.record import Solved
from surefit.sentences import Sentence, check_language, columns, say

if TYPE_CHECKING:
    from surefit.bounds.certificate import Certificate
    from surefit.search.record import Record


UNLEARNED = 0.5  # relative L2 error above which a fit is worth nothing; 1 is that of a network that gives 0
UNEXPLAINED = 0.1  # R² of an output below which little more than its mean was learned, whatever its size
ENOUGH = 10  # rows that tell an R²
LOCAL = 0.5  # of the target's root mean square: a largest error above it is a place that was missed
LISTED = 6  # inputs, and outputs, that are listed one by one


def unlearned(fit: Record) -> list[Sentence]:
    """Warnings that nothing was learned, on the whole, of an output or at a place, if nobody asked for as little."""
    error, function = fit.error, fit.error.kind == "fresh"
    if fit.classified is not None:
        return [say("unlearned-classes")] if fit.classified.accuracy <= fit.classified.base else []
    if fit.reached and function and fit.jumps and fit.problem.source["kind"] == "callable":
        return [say("jump-unseen")]  # of a formula such places are measured
    if error.kind == "training" and fit.problem.stream is None and len(fit.problem.train[0]) == 1:
        return [say("unlearned-row")]
    if fit.reached or error.coverage is not None:
        return []
    flat = [part for part in error.outputs if part.r2 < UNEXPLAINED] if error.n >= ENOUGH else []
    far = [part for part in error.outputs if part.few_far]
    poor = UNLEARNED < error.relative_l2 < math.inf
    if far and (poor or flat) and all(part in far for part in flat):
        return [
            say("few-far", name=part.name, median=f"{part.median:.3g}", varies=f"{part.varies:.3g}") for part in far
        ]
    if poor:
        return [say("unlearned-function" if function else "unlearned-data")]
    flat = [part for part in flat if part not in far]
    if flat:
        each = ", ".join(f"{part.name} {r2_words(part.r2)}" for part in flat[:LISTED])
        return [say("unlearned-outputs", each=each)]
    size = error.rmse / error.relative_l2 if error.relative_l2 > 0 else math.inf
    if function and fit.only_at_jumps:
        return [say("jump-place", size=f"{error.max:.3g}", where=error.where, rmse=f"{error.rmse:.3g}")]
    scattered = any(note.code == "differing-values" for note in fit.problem.notes)  # which then is what the error is
    if function and error.max > LOCAL * size and not scattered:
        return [say("unlearned-place", size=f"{error.max:.3g}", where=error.where)]
    return []


def warnings_of(fit: Record) -> list[str]:
    """All warnings of the card: those of data and training, and that of an error which is no good."""
    return [*fit.warnings, *unlearned(fit)]


def card_rows(fit: Record, lang: str = "en") -> list[tuple[str, str]]:
    """The card as (label, text), in "en" or "zh"."""
    speech = Speech(check_language(lang))
    made = fit.made
    best = ""
    if fit.best_epoch is not None:
        best = speech(
            "card-best", unit=speech("card-iteration" if made.solved else "card-epoch"), number=fit.best_epoch
        )
    if best and not fit.method.get("best_weights", True):
        best += speech("card-last-weights")
    rows = [
        ("target", _target_words(fit, speech)),
        ("domain", _domain_words(fit, speech)),
        *([("columns", coding_words(fit, speech))] if fit.problem.coding else []),
        ("data", _data_words(fit, speech)),
        ("network", _network_words(fit, speech)),
        ("method", _method_words(fit, speech)),
        ("training", speech("card-in", work=_work_words(fit, speech), time=_time_words(fit, speech), best=best)),
        *([("restarts", _restart_words(fit, speech))] if fit.restarts else []),
        ("stopped", speech.sentence(fit.stop_reason)),
    ]
    known = [(speech(f"card-{label}"), text) for label, text in rows]
    known += error_rows(fit, lang) if fit.classified is None else class_rows(fit.classified, speech)
    if fit.taught is not None:
        known.append((speech("card-teacher"), speech.sentence(fit.taught.sentence())))
    known += periodic_rows(fit, speech)
    known += monotone_rows(fit, speech)
    known += proved_rows(fit, speech)
    known.append((speech("card-status"), speech("card-seed", status=_status(fit, speech), seed=fit.seed)))
    return known + [(speech("card-warning"), speech.sentence(w)) for w in warnings_of(fit)]


def class_rows(found: Classified, speech: Speech) -> list[tuple[str, str]]:
    """Of classes, as (label, text): which there are, how many were right, and how well the probabilities are known."""
    right = [
        speech("card-right-of", name=name, right=row[i], all=sum(row))
        for i, (name, row) in enumerate(zip(found.classes, found.confusion, strict=True))
    ]
    loss = speech("card-calibration", loss=f"{found.log_loss:.3g}", calibration=f"{found.calibration:.2g}")
    return [
        (speech("card-classes"), f"{len(found.classes)}: {_short([str(name) for name in found.classes], speech)}"),
        (speech("card-accuracy"), speech.sentence(found.sentence())),
        (speech("card-right"), _short(right, speech)),
        (speech("card-log-loss"), loss),
    ]


def error_rows(fit: Record, lang: str = "en") -> list[tuple[str, str]]:
    """The error as (label, text): the largest and what it was measured on; the others, of each output in its units."""
    speech, error = Speech(lang), fit.error
    if error.coverage is not None:
        return coverage_rows(error, speech)
    found = error.sentence()
    if found.code == "error-test-few" and fit.problem.source.get("apart") == "order":
        found = say("error-test", size=found.values["size"], where=error.where, n=error.n)  # later rows may be farther
    largest, label = found.said(lang), speech("card-max")
    if len(error.outputs) < 2:
        words = dict(rmse=rmse_words(error, speech), outputs=_short(fit.outputs, speech), l2=f"{error.relative_l2:.3g}")
        rest = speech("card-error", **words, r2=_r2(error.r2, speech))
        return [(label, largest), (speech("card-rmse"), rest), *_relative(fit, speech)]
    worst = max(error.outputs, key=lambda part: part.max)
    rows = [(label, f"{worst.name}{': ' if lang == 'en' else '：'}{largest}")]
    shown = error.outputs if len(error.outputs) <= LISTED + 1 else sorted(error.outputs, key=_badness)[:LISTED]
    for part in shown:
        sizes = dict(size=f"{part.max:.3g}", rmse=rmse_words(part, speech), r2=_r2(part.r2, speech))
        rows.append((f"  {part.name}", speech("card-output", **sizes)))
    if len(shown) < len(error.outputs):
        rows.append(("", speech("card-more-outputs", count=len(error.outputs) - len(shown))))
    return rows + _relative(fit, speech)


def rmse_words(error: Measured | OutputError, speech: Speech) -> str:
    """A root mean square error, with its range where it is an estimate that has one: 0.12 (0.08 to 0.25 ...)."""
    size, known = f"{error.rmse:.3g}", error.rmse_range
    low, high = ("", "") if known is None else (f"{known.low:.2g}", f"{known.high:.2g}")
    if known is None or low == high:  # what is measured, the distance from a teacher, is all of it
        return size
    return speech("card-range", rmse=size, low=low, high=high, level=known.level)


def coverage_rows(error: Measured, speech: Speech) -> list[tuple[str, str]]:
    """Of quantiles, as (label, text): their loss, and how many values lie below each."""
    found = error.coverage
    assert found is not None
    on = speech.known(error.on)
    loss = speech("card-pinball-of", loss=f"{found.loss:.3g}", gain=found.gain, n=error.n, on=on)
    return [
        (speech("card-pinball"), loss),
        (speech("card-coverage"), speech.sentence(found.sentence())),
    ]


def _relative(fit: Record, speech: Speech) -> list[tuple[str, str]]:
    """Of a logarithmic target its relative error, which is that of all sizes alike."""
    size = fit.error.log_rmse
    if math.isnan(size):
        return []
    return [(speech("card-relative"), speech("card-factor", size=f"{size:.3g}"))]


def _r2(value: float, speech: Speech) -> str:
    return "" if math.isnan(value) else speech("card-r2", r2=r2_words(value))


def periodic_rows(fit: Record, speech: Speech) -> list[tuple[str, str]]:
    """After which periods of inputs the fit is the same again, as (label, text)."""
    pairs = zip(fit.names, fit.problem.periods, strict=False)
    each = [speech("card-period", name=name, period=f"{period:.10g}") for name, period in pairs if period]
    if not each:
        return []
    how = (", " if speech.lang == "en" else "，").join(each)
    return [(speech("card-periodic"), speech("card-turns", how=how))]


def monotone_rows(fit: Record, speech: Speech) -> list[tuple[str, str]]:
    """With which inputs the fit rises and falls, as (label, text), and that its weights prove it."""
    signs = fit.problem.signs
    if not signs:
        return []
    each = [
        speech(code, names=_short([name for name, own in zip(fit.names, signs, strict=True) if own == sign], speech))
        for code, sign in (("card-rises", 1), ("card-falls", -1))
        if sign in signs
    ]
    how = ("; " if speech.lang == "en" else "；").join(each)
    found = directions(fit.model, len(signs))
    proved = all(((column == 0) | (column == sign)).all() for column, sign in zip(found.T, signs, strict=True) if sign)
    return [(speech("card-monotone"), speech("card-signs", how=how) if proved else speech("card-no-signs"))]


def proved_rows(fit: Record, speech: Speech) -> list[tuple[str, str]]:
    """What is proved, as (label, text); nothing where nothing is."""
    from surefit.search.proofs import proof_of_target

    certificate = fit.proved
    if certificate is None:
        return []
    proved = certificate.error
    words = proved.sentence().said(speech.lang) if hasattr(proved, "sentence") else str(proved)
    colon = "; " if speech.lang == "en" else "；"
    parts = [words, speech.sentence(mode_words(certificate.mode))]
    own = proof_of_target(fit)
    if own is None:
        parts.append(speech.sentence(elsewhere_words(certificate)))
    rows = [(speech("card-certificate"), colon.join(parts))]
    made = None if own is None else fit.construction
    if made is not None and made.pieces:
        least = sum(p.at_least for p in made.pieces)
        text = speech("card-hinges-pieces", hinges=made.hinges, least=least, pieces=len(made.pieces))
        rows.append((speech("card-hinges"), text))
    elif made is not None and certificate.proves(made.tol):
        code = "card-hinges-minimal" if made.minimal else "card-hinges-more"
        rows.append((speech("card-hinges"), speech(code, hinges=made.hinges, least=made.at_least, tol=f"{made.tol:g}")))
    return rows


def mode_words(mode: str) -> Sentence:
    """What a certificate speaks of: the program that runs, or the model in exact arithmetic."""
    return say("mode-deployed" if mode == "deployed" else "mode-real")


def elsewhere_words(certificate: Certificate) -> Sentence:
    """Of which formula and box a certificate is that is not of what was fitted, or only of a part of the domain."""
    box = ", ".join(f"{k}={a:.6g}:{b:.6g}" for k, (a, b) in certificate.domain.items())
    return say("proof-elsewhere", target="; ".join(certificate.formulas), box=box)


def _evaluated_words(speech: Speech, budget: int | None, evaluations: int, failed: int, resumed: int) -> str:
    """How often an expensive function was evaluated."""
    words = (
        speech("card-evaluations", count=evaluations)
        if budget is None
        else speech("card-evaluations-of", count=evaluations, budget=budget)
    )
    words += speech("card-failed", count=failed) if failed else ""
    return words + (speech("card-resumed", count=resumed) if resumed else "")


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


def card_text(fit: Record, lang: str = "en") -> str:
    """The lines that `print(fit)` shows."""
    rows = card_rows(fit, lang)
    width = max(columns(label) for label, _ in rows)
    return "\n".join(f"{label}{' ' * (width - columns(label))}  {text}" for label, text in rows)


def card_html(fit: Record) -> str:
    """The card as a table of HTML, for notebooks."""
    import html

    left = "style='text-align:left'"
    label = 'style="text-align:left;white-space:nowrap"'
    cells = "".join(
        f"<tr><th {label}>{html.escape(k)}</th><td {left}>{html.escape(v)}</td></tr>" for k, v in card_rows(fit)
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
            "gradients": fit.problem.gradients is not None,
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


def _short(names: Sequence[str], speech: Speech) -> str:
    """The names, the first of many."""
    if len(names) <= LISTED + 2:
        return ", ".join(names)
    return speech("card-more", shown=", ".join(names[:LISTED]), count=len(names) - LISTED)


def _target_words(fit: Record, speech: Speech) -> str:
    """What was fitted: a formula, or outputs and inputs of a table or a callable."""
    if fit.problem.source["kind"] == "formula":
        return fit.target
    inputs = _short(raw_names(fit.names, fit.problem.coding), speech)
    words = speech("card-from", target=speech.sentence(fit.target), outputs=_short(fit.outputs, speech), inputs=inputs)
    return words + (speech("card-logarithmic") if fit.problem.log_target else "")


def coding_words(fit: Record, speech: Speech) -> str:
    """What the numbers are that texts, times, yes and no became."""
    colon = ": " if speech.lang == "en" else "："
    coded = [code for code in fit.problem.coding if code.kind != NUMBER or code.flagged]
    shown = coded or fit.problem.coding[:LISTED]
    return "; ".join(f"{code.name}{colon}{speech.sentence(code.words())}" for code in shown)


def _domain_words(fit: Record, speech: Speech) -> str:
    """The box of the first inputs, if there are many; those of texts have none."""
    texts = {column for code in fit.problem.coding if code.categories for column in code.columns}
    names = [name for name in fit.names if name not in texts]
    if not names:
        return ", ".join(code.name for code in fit.problem.coding)
    shown = names if len(names) <= LISTED + 2 else names[:LISTED]
    words = box_words(fit.domain.select(shown), _constant_columns(fit)).replace(" (constant)", speech("card-constant"))
    return words if shown == names else speech("card-more", shown=words, count=len(names) - LISTED)


def _data_words(fit: Record, speech: Speech) -> str:
    """How many rows of each kind, and which were added or left out."""
    problem = fit.problem
    sizes = [(speech(part) if speech.lang == "zh" else part, count) for part, count in problem.sizes().items() if count]
    words = ", ".join(speech("card-sizes", part=part, count=count) for part, count in sizes)
    if problem.added:
        words += speech("card-added", count=sum(problem.added))
    if (evaluated := problem.source.get("evaluated")) is not None:
        between = "; " if speech.lang == "en" else "；"
        words += between + _evaluated_words(speech, problem.source.get("budget"), **evaluated)
    if problem.gradients is not None:
        words += speech("card-gradients")
    if problem.noise_known:
        words += speech("card-noise")
    if (apart := problem.source.get("apart")) is not None:
        words += speech(f"card-{apart}")
    if (parts := problem.source.get("parts")) is not None:
        words += speech("card-parts", memory=f"{parts['memory'] / 2**30:.2g}", sample=parts["sample"])
        if parts.get("window", problem.sizes()["train"]) < problem.sizes()["train"]:
            words += speech("card-window", window=parts["window"])
    if problem.dropped:
        words += speech("card-dropped-one" if problem.dropped == 1 else "card-dropped", count=problem.dropped)
    return words


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


def _network_words(fit: Record, speech: Speech) -> str:
    words = speech.sentence(network_words(fit.network))
    return speech("card-weights", network=words, count=fit.network.num_parameters(), dtype=fit.dtype)


def _method_words(fit: Record, speech: Speech) -> str:
    m, made = fit.method, fit.made
    if isinstance(made, Solved):
        stage = speech.sentence(made.stage) + (speech("card-rounded") if m.get("rounded") else "")
        if m["method"] == "auto":
            tried = "; ".join(map(speech.sentence, made.choice or ()))
            return speech("card-auto", stage=stage) + (speech("card-tried", choice=tried) if tried else "")
        return stage
    parts = [f"{m['method']} lr={m['lr']:g}", speech("card-batch", batch=m["batch_size"]), m["schedule"]]
    if m.get("loss", "mse") != "mse":
        parts.append(speech("card-loss", loss=m["loss"]))
    if m.get("solve_output"):
        parts.append(speech("card-solved-output"))
    return ", ".join(parts)


def _work_words(fit: Record, speech: Speech) -> str:
    return speech("card-solver-work" if fit.made.solved else "card-work", epochs=len(fit.history), steps=fit.steps)


def settled(fit: Record) -> bool | None:
    """Whether a proof of the target says that the tolerance is reached, or missed; None where no proof tells."""
    from surefit.search.proofs import proof_of_target

    if fit.tol is None:
        return None
    certificate = proof_of_target(fit)
    return certificate.proves(fit.tol) if certificate is not None and certificate.mode == "deployed" else None


def _status(fit: Record, speech: Speech) -> str:
    if fit.tol is None:
        return speech(f"card-{fit.error.status}")
    verdict = settled(fit)
    if verdict is not None:
        return speech("card-proved-reached" if verdict else "card-proved-missed", tol=f"{fit.tol:g}")
    how = speech(f"status-{fit.error.status}")
    return speech("card-reached" if fit.reached else "card-missed", tol=f"{fit.tol:g}", how=how)


def _time_words(fit: Record, speech: Speech) -> str:
    """Seconds, and those of compiling apart."""
    if fit.compile_seconds is None:
        return speech("card-seconds", seconds=f"{fit.seconds:.1f}")
    rest = max(0.0, fit.seconds - fit.compile_seconds)
    return speech("card-compiling", seconds=f"{rest:.1f}", compiling=f"{fit.compile_seconds:.2f}")


def _restart_words(fit: Record, speech: Speech) -> str:
    """How the networks did of which this one is the best."""
    shown = ", ".join(f"{loss:.2g}" for loss in sorted(fit.restarts)[:6])
    more = f" ... {max(fit.restarts):.2g}" if len(fit.restarts) > 6 else ""
    what = speech("card-errors" if fit.problem.exact else "card-deviations")
    return speech("card-networks", count=len(fit.restarts), what=what, shown=shown + more)


__all__ = [
    "card_html",
    "card_rows",
    "card_text",
    "coding_words",
    "coverage_rows",
    "error_rows",
    "mode_words",
    "r2_words",
    "rmse_words",
    "settled",
    "to_dict",
    "unlearned",
    "warnings_of",
]
