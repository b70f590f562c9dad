"""What a report says: one function for each section, from a Fit and the words of a language.

Nothing is invented: what a fit does not know is said in its section.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit._version import __version__
from surefit.bounds.certificate import Proved, ceil_words, floor_words
from surefit.data.columns import Coded
from surefit.doctor.examine import diagnose
from surefit.errors import FormulaError, SurefitError
from surefit.formulas import parse_many, to_latex
from surefit.formulas.mathml import math, name_to_mathml, number_to_mathml, to_mathml
from surefit.formulas.printing import digits, latex_name
from surefit.reports.card import (
    coding_words,
    coverage_rows,
    elsewhere_words,
    mode_words,
    r2_words,
    rmse_words,
    settled,
    warnings_of,
)
from surefit.reports.document import Block, Code, Document, Formula, Movie, Picture, Section, Table, Text
from surefit.reports.model import model_section
from surefit.reports.plots import data_figure, draw, loss_of
from surefit.reports.provenance import python_code
from surefit.reports.words import Speech
from surefit.search.judging import place_words
from surefit.search.record import Solved

if TYPE_CHECKING:
    from surefit.search.record import Record

LONGEST = 1500  # characters of a formula that is typeset; a longer one is shown as text
SHOWN = 36  # frames of the film
MOST_CLASSES = 20  # of a confusion matrix on a page


def document(fit: Record, lang: str) -> Document:
    """The report of a fit."""
    say = Speech(lang)
    parts = {
        "function": function_section,
        "data": data_section,
        "model": model_section,
        "training": training_section,
        "result": result_section,
        "certificate": certificate_section,
        "diagnosis": diagnosis_section,
        "reproduce": reproduce_section,
    }
    sections = [Section(key, say(key), write(fit, say)) for key, write in parts.items()]
    return Document(say("report"), say.sentence(fit.target), lang, sections, say("made", version=__version__))


def number(value: float) -> str:
    """A measured number in three digits."""
    return f"{value:.3g}"


def place(at: Mapping[str, float], coding: Sequence[Coded] = ()) -> str:
    """A point: x1 = 0.5, x2 = -3, colour = red."""
    return place_words(at, coding, " = ")


def _how(fit: Record) -> str:
    """The end of a key of words that are others for an error that is estimated."""
    return "-estimated" if fit.error.status == "estimated" else ""


def _named(say: Speech, name: str, sentence: Any, *style: str) -> Text:
    return Text(say("named", name=say(name), text=say.sentence(sentence)), *style)


def _where(fit: Record) -> str:
    """The point of the largest error, and of several outputs the one that it is of."""
    e = fit.error
    worst = max(e.outputs, key=lambda part: part.max).name if len(e.outputs) > 1 else ""
    return place(e.at, e.coding) + (f" ({worst})" if worst else "")


def verdict(fit: Record, say: Speech) -> list[Block]:
    """What matters, in sentences: the error, and whether it is good enough."""
    e = fit.error
    if fit.classified is not None:
        return [_named(say, "accuracy", fit.classified.sentence(), "strong")]
    if e.coverage is not None:
        colon, stop = (": ", ". ") if say.lang == "en" else ("：", "。")
        sentences = (f"{label[0].upper()}{label[1:]}{colon}{text}{stop}" for label, text in coverage_rows(e, say))
        return [Text("".join(sentences).strip(), "strong")]
    words = [
        say(
            f"verdict{_how(fit)}",
            rmse=number(e.rmse),
            size=number(e.max),
            where=_where(fit),
            n=e.n,
            on=say.known(e.on),
        )
    ]
    if e.rmse_range is not None:
        low, high = map(number, e.rmse_range)
        words.append(say("verdict-range", low=low, high=high, level=e.rmse_range.level))
    if fit.reached is not None:
        proved = settled(fit)
        reached, how = fit.reached if proved is None else proved, "-proved" if proved else _how(fit)
        words.append(say(f"verdict-reached{how}" if reached else "verdict-missed", tol=f"{fit.tol:g}"))
    if fit.interrupted:
        words.append(say("verdict-interrupted"))
    return [Text(" ".join(words) if say.lang == "en" else "".join(words), "strong")]


# --- function and data --------------------------------------------------------------------------------------


def function_section(fit: Record, say: Speech) -> list[Block]:
    """The verdict, what was fitted, and where."""
    source = fit.problem.source
    blocks: list[Block] = verdict(fit, say)
    if source["kind"] == "formula":
        blocks += [Text(say("function-formula")), *_formula_blocks(fit, say)]
    elif source["kind"] == "table":
        blocks.append(Text(say("function-table", name=source["name"], rows=source["rows"])))
    else:
        blocks.append(Text(say("function-callable", name=source["name"])))
    blocks += [Text(say("where")), _domain_formula(fit)]
    rows = [(say("inputs"), ", ".join(fit.names)), (say("outputs"), ", ".join(fit.outputs))]
    if fit.problem.coding:
        rows.append((say("card-columns"), coding_words(fit, say)))
    if source["kind"] == "formula":
        rows.append((say("in-text"), "; ".join(source["text"])))
    return [*blocks, Table(rows)]


def _formula_blocks(fit: Record, say: Speech) -> list[Block]:
    texts = fit.problem.source["text"]
    if sum(map(len, texts)) > LONGEST:
        return [Text(say("formula-too-long")), Code("\n".join(texts))]
    try:
        formulas = parse_many(texts, fit.names)
        rows = [to_mathml(f, left=y, otherwise=say("otherwise")) for f, y in zip(formulas, fit.outputs, strict=True)]
        latex = [f"{latex_name(y)} = {to_latex(f)}" for f, y in zip(formulas, fit.outputs, strict=True)]
    except FormulaError:
        return [Code("\n".join(texts))]
    return [Formula(mathml, tex) for mathml, tex in zip(rows, latex, strict=True)]


def _domain_formula(fit: Record) -> Formula:
    rows, latex = [], []
    for name, (low, high) in zip(fit.names, fit.domain.bounds, strict=True):
        low, high = (float(f"{v:.6g}") for v in (low, high))
        fence = '<mo fence="true">{}</mo>'
        ends = f"{number_to_mathml(low)}<mo>,</mo>{number_to_mathml(high)}"
        rows.append(f"{name_to_mathml(name)}<mo>∈</mo>{fence.format('[')}{ends}{fence.format(']')}")
        latex.append(rf"{latex_name(name)} \in [{digits(low)}, {digits(high)}]")
    return Formula(math(*rows), r", \quad ".join(latex))


def data_section(fit: Record, say: Speech) -> list[Block]:
    """How many rows, where they come from, what they look like."""
    problem, e = fit.problem, fit.error
    sizes = problem.sizes()
    solved = fit.made.solved and problem.function is not None and "validation" in sizes
    use = {part: say(f"{part}-use") for part in sizes} | (
        {"validation": say("validation-use-solver")} if solved else {}
    )
    rows = [(say(part), str(count), use[part]) for part, count in sizes.items() if count]
    if problem.function is not None or e.on == "fresh points":
        rows.append((say("fresh"), str(e.n), say("fresh-use")))
    blocks: list[Block] = [Table(rows, (say("part"), say("rows"), say("use")), (1,))]
    if problem.source["kind"] != "table":
        if not fit.call:
            blocks.append(Text(say("sampling-unknown")))
        elif fit.call.get("data", "surefit.Sampling()") == "surefit.Sampling()":
            blocks.append(Text(say("sampling-default")))
        elif fit.call["data"] is None:
            blocks.append(Text(say("sampling-unknown")))
        else:
            blocks += [Text(say("sampling-given")), Code(str(fit.call["data"]), "python")]
    if problem.dropped:
        blocks.append(Text(say("dropped", count=problem.dropped)))
    kept = len(problem.train[0])
    if kept < sizes["train"]:
        blocks.append(Text(say("sample-only", kept=kept, rows=sizes["train"]), "quiet"))
    blocks.append(_columns_table(fit, say))
    caption = say("data-caption" if sizes.get("test") else "data-caption-train")
    return [*blocks, Picture("data", lambda: data_figure(fit), caption)]


def _columns_table(fit: Record, say: Speech) -> Table:
    values = np.concatenate(fit.problem.train, axis=1)  # (n, d + k)
    names = (*fit.names, *((fit.problem.target,) if fit.problem.quantiles else fit.outputs))  # one target of all levels
    rows = [
        (name, *(number(float(f(column))) for f in (np.min, np.max, np.mean, np.std)))
        for name, column in zip(names, values.T[: len(names)], strict=True)
    ]
    header = tuple(say(key) for key in ("column", "least", "most", "mean", "deviation"))
    return Table(rows, header, (1, 2, 3, 4), say("training-values"))


# --- training -----------------------------------------------------------------------------------------------


def training_section(fit: Record, say: Speech) -> list[Block]:
    """Settings, curves, the fit at some epochs."""
    method = fit.method
    if isinstance(fit.made, Solved):  # its sentences with their codes
        method |= {"stage": fit.made.stage} | ({} if fit.made.choice is None else {"choice": fit.made.choice})
    if isinstance(own := method.get("inputs"), list) and all(isinstance(i, int) and i < len(fit.names) for i in own):
        method |= {"inputs": ", ".join(fit.names[i] for i in sorted(own))}
    if "loss" in method:
        method |= {"loss": loss_of(fit)}
    rows = [(say.known("scaled" if k == "scale" else k), _setting(v, say)) for k, v in method.items()]
    blocks: list[Block] = [Table(rows)]
    of = "-solver" if fit.made.solved else ""
    done = [say("done" + of, epochs=len(fit.history), steps=fit.steps, seconds=f"{fit.seconds:.2g}")]
    if fit.best_epoch is not None:
        done.append(say("best" + of, epoch=fit.best_epoch))
    done.append(say("stopped", reason=say.sentence(fit.stop_reason).rstrip(".。")))
    blocks.append(Text(" ".join(done) if say.lang == "en" else "".join(done)))
    blocks += [_named(say, "warning", warning) for warning in warnings_of(fit)]
    if fit.history:
        blocks.append(Picture("loss", lambda: draw(fit, "loss"), say("loss-caption" + of)))
    else:
        blocks.append(Text(say("no-history")))
    if fit.film is None or len(fit.film.frames) < 2:
        return [*blocks, Text(say("no-film"), "quiet")]
    from surefit.view.animation import snapshots

    film = replace(fit.film, frames=fit.film.chosen(SHOWN))
    return [
        *blocks,
        Picture("snapshots", lambda: snapshots(film), say("snapshots-caption")),
        Movie("training", film, say("player-caption")),
    ]


def _setting(value: Any, say: Speech) -> str:
    if value is None:
        return say("none")
    if isinstance(value, bool):
        return say("yes" if value else "no")
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (list, tuple)):
        return ("; " if any(isinstance(v, str) for v in value) else ", ").join(_setting(v, say) for v in value)
    return say.sentence(value) if isinstance(value, str) else str(value)


# --- result -------------------------------------------------------------------------------------------------


def result_section(fit: Record, say: Speech) -> list[Block]:
    """The metrics, fit and error, where it is large."""
    e = fit.error
    if e.coverage is not None:
        pictures = Picture("fit", lambda: draw(fit, "fit"), say("fit-data-caption"))
        return [Table(coverage_rows(e, say)), pictures]
    verdict = settled(fit)
    if fit.tol is None:
        tolerance = say("not-asked")
    elif verdict is not None:
        tolerance = say("reached-proved" if verdict else "missed-proved", tol=f"{fit.tol:g}")
    else:
        tolerance = say(("reached" if fit.reached else "missed") + _how(fit), tol=f"{fit.tol:g}")
    measured_on = say("points-chose" if e.chose else "points-on", n=e.n, on=say.known(e.on))
    if e.left_out:
        measured_on += say("points-left-out", count=e.left_out)
    rows = [
        (say("max-error"), number(e.max)),
        (say("at"), place(e.at, e.coding)),
        (say("rmse"), rmse_words(e, say)),
        (say("relative-l2"), number(e.relative_l2)),
        *([] if isnan(e.r2) else [(say("r2"), r2_words(e.r2))]),
        (say("estimated-from" if _how(fit) else "measured-on"), measured_on),
        *([] if fit.taught is None else [(say("teacher"), say.sentence(fit.taught.sentence()))]),
        (say("tolerance"), tolerance),
    ]
    known = fit.problem.function is not None
    blocks: list[Block] = [
        *_classes(fit, say),
        Table(rows),
        *_output_errors(fit, say),
    ]
    if fit.classified is not None:
        return [*blocks, Picture("fit", lambda: draw(fit, "fit"), say("fit-classes-caption"))]
    blocks += [
        Picture("fit", lambda: draw(fit, "fit"), say("fit-caption" if known else "fit-data-caption")),
        Picture("error", lambda: draw(fit, "error"), say("error-caption")),
    ]
    if len(fit.names) == 2:
        blocks.append(Picture("surface", lambda: draw(fit, "surface"), say("surface-caption")))
    return blocks


def _classes(fit: Record, say: Speech) -> list[Block]:
    """Accuracy, log loss, calibration and the confusion matrix of a fit of classes."""
    found = fit.classified
    if found is None:
        return []
    rows = [
        (say("accuracy"), say.sentence(found.sentence())),
        (say("log-loss"), number(found.log_loss)),
        (say("calibration"), number(found.calibration)),
    ]
    names = [str(name) for name in found.classes]
    counts = [(name, *map(str, row)) for name, row in zip(names, found.confusion, strict=True)]
    shown = len(names) <= MOST_CLASSES
    header = (say("true-class"), *names)
    matrix = [Table(counts, header, tuple(range(1, len(names) + 1)), say("confusion-caption"))] if shown else []
    return [Table(rows), *matrix, Text(say("as-indicators"), "quiet")]


def _output_errors(fit: Record, say: Speech) -> list[Block]:
    """The error of each of several outputs."""
    parts = fit.error.outputs
    if len(parts) < 2:
        return []
    rows = [
        (
            part.name,
            number(part.max),
            place(part.at, fit.error.coding),
            rmse_words(part, say),
            "" if isnan(part.r2) else r2_words(part.r2),
        )
        for part in parts
    ]
    header = tuple(say(key) for key in ("output", "max-error", "at", "rmse", "r2"))
    return [Table(rows, header, (1, 3, 4), say("output-errors"))]


def certificate_section(fit: Record, say: Speech) -> list[Block]:
    """What is proved: the bounds and what they rest on, or nothing, and what a measured error means."""
    from surefit.search.proofs import proof_of_target

    proof = fit.proved
    if proof is None or not isinstance(proof.error, Proved):
        if fit.error.coverage is not None:
            return [Text(say("no-certificate-quantiles"))]
        return [Text(say(f"no-certificate{_how(fit)}", size=number(fit.error.max)))]
    upper, lower = ceil_words(proof.upper), floor_words(proof.lower)
    mode = mode_words(proof.mode).said(say.lang)
    words = say("certificate-proved", upper=upper, lower=lower, at=place(proof.error.at), mode=mode)
    if not isfinite(proof.upper):
        words = say("certificate-lower", lower=lower, at=place(proof.error.at), mode=mode)
    blocks: list[Block] = [Text(words)]
    if proof_of_target(fit) is None:
        blocks.append(Text(say("certificate-elsewhere", what=say.sentence(elsewhere_words(proof)))))
    if len(proof.error.outputs) > 1 and isfinite(proof.upper):
        rows = [(name, ceil_words(bound)) for name, bound in proof.error.outputs.items()]
        blocks.append(Table(rows, (say("certificate-output"), say("certificate-bound")), numbers=(1,)))
    if proof.note:
        blocks.append(Text(say.sentence(proof.note), "quiet"))
    joined = ("; " if say.lang == "en" else "；").join(map(say.sentence, proof.assuming))
    return [*blocks, Text(say("certificate-rests", assuming=joined, model=proof.model[:16]))]


def diagnosis_section(fit: Record, say: Speech) -> list[Block]:
    """What the doctor finds."""
    try:
        diagnosis = diagnose(fit)
    except SurefitError as e:
        return [Text(say("no-diagnosis", why=e))]
    shown = diagnosis.shown()
    if not shown:
        return [Text(say("healthy", count=len(diagnosis)))]
    rows = []
    for f in shown:
        meaning, cure = say.finding(f.message, f.cure)
        rows.append((say(f.severity), say.place(f.where), "" if f.number is None else number(f.number), meaning, cure))
    header = (say("severity"), say("at"), say("number"), say("seen"), say("cure"))
    return [Text(say("findings", found=len(shown), count=len(diagnosis))), Table(rows, header, (2,))]


# --- how to reproduce ---------------------------------------------------------------------------------------


def reproduce_section(fit: Record, say: Speech) -> list[Block]:
    """The command, the settings, the Python call, versions and seed."""
    blocks: list[Block] = []
    config = own_config(fit)
    if config is not None:
        blocks += [Text(say("with-config")), Code("surefit fit --config run.toml", "console"), Text(say("makes-it"))]
        blocks.append(Code(config.strip(), "toml"))
    if fit.call:
        code, missing = python_code(fit)
        blocks += [Text(say("with-python")), Code(code, "python")]
        if missing:
            blocks.append(Text(say("missing", names=", ".join(missing))))
        if fit.call.get("time") is not None:
            blocks.append(Text(say("time-limit")))
    elif config is None:
        blocks.append(Text(say("no-call")))
    rows = [(say("seed"), str(fit.seed))]
    versions = {"surefit": fit.version, **fit.environment}
    rows += [(say(key), versions.get(key, say("unknown"))) for key in ("surefit", "python", "numpy", "machine")]
    return [*blocks, Table(rows), Text(say("seed-note"), "quiet")]


def own_config(fit: Record) -> str | None:
    """The settings beside the model, unless they are left from another run into the same directory."""
    if fit.config is None:
        return None
    try:
        settings = tomllib.loads(fit.config)
    except tomllib.TOMLDecodeError:
        return None
    target = settings.get("target", "")
    source = fit.problem.source
    if source["kind"] == "formula":
        targets = target if isinstance(target, list) else [target]
        same = [t.strip() for text in targets for t in text.split(";")] == [t.strip() for t in source["text"]]
    else:
        same = isinstance(target, str) and target.endswith(source["name"])
    return fit.config if same and settings.get("seed") == fit.seed else None


__all__ = ["document"]
