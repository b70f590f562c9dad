"""`surefit construct`, `certify` and `check`: construct a network, prove its error, and check such a proof."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from surefit.errors import ArgumentError, DomainError
from surefit.sentences import columns

from .language import complaint, spoken, words
from .models import Model, Saved
from .readers import narrow
from .report import Json, Quiet, check_place, print_json
from .settings import own_options, speaking_of_options

if TYPE_CHECKING:
    from surefit.fitting import Fit

Part = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=LOW:HIGH", show_default=False,
        help="Another box: --on x=0:1, or a slice, --on x=2:2; inputs that are not named keep their ends.",
    ),
]  # fmt: skip
UNPROVED = 3  # exit code: nothing is wrong, but what was asked for is not proved


def certify(
    model: Saved,
    formula: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FORMULA]...", show_default=False, help="What it should be. Default: what was fitted."),
    ] = None,
    on: Part = None,
    rtol: Annotated[float, typer.Option(metavar="GAP", help="How far the two bounds may lie apart.")] = 0.05,
    time: Annotated[float, typer.Option(metavar="SECONDS", help="Stop with what is proved by then.")] = 60.0,
    tol: Annotated[
        float | None,
        typer.Option(metavar="TOL", show_default=False, help="Stop as soon as this tolerance is proved."),
    ] = None,
    mode: Annotated[
        str, typer.Option(metavar="deployed|real", help="The program as it runs, or in exact arithmetic.")
    ] = "deployed",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", show_default=False, help="Write the certificate there, as JSON.")
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Prove how large the error of a model is, at every point of its domain.

    Ctrl-C ends with what is proved by then. The exit code is 3 where a tolerance is not proved.

    surefit certify demo/model.safetensors --tol 1e-4 --out demo/certificate.json
    """
    from surefit import fitting

    fitted = fitting.load(model)
    domain = narrow(", ".join(on)) if on else None
    check_place("--out", out)
    with speaking_of_options(own_options("domain", "rtol", "time", "tol", "mode")):
        proof = fitted.certify(
            formula or None, rtol=rtol, time=time, tol=tol, mode=mode, domain=domain,
            progress=sys.stderr.isatty() and not quiet,
        )  # fmt: skip
    if out is not None:
        proof.save(out)
    if as_json:
        print_json(proof.to_dict(leaves=False) | {"proved": None if tol is None else proof.proves(tol), "file": out})
    else:
        print(proof.said(spoken()))
        if out is not None:
            print(f"{words('file')}{' ' * (9 - columns(words('file')))}  {out}")
    proved = proof.upper < float("inf") if tol is None else proof.proves(tol) is True
    if not proved:
        raise typer.Exit(UNPROVED)


def construct(
    formula: Annotated[str, typer.Argument(metavar="FORMULA", show_default=False, help="A formula, such as 'sin(x)'.")],
    on: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=LOW:HIGH", show_default=False, help="The box: --on x=-3:3, one for each input."),
    ] = None,
    tol: Annotated[
        float | None, typer.Option(metavar="TOL", show_default=False, help="The largest error allowed.")
    ] = None,
    units: Annotated[
        int | None,
        typer.Option(metavar="N", show_default=False, help="Instead of --tol: the number of hidden units."),
    ] = None,
    time: Annotated[float, typer.Option(metavar="SECONDS", help="Give up after so many seconds.")] = 60.0,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", show_default=False, help="Write model, certificate, table and pictures there."),
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Construct the ReLU network with the fewest hinges within a tolerance, and prove both.

    A formula of several inputs is put together from functions of one number, each with the fewest hinges for its share.

    surefit construct "sin(x)" --on x=-3:3 --tol 1e-3 --out sine
    """
    from surefit import fitting
    from surefit.data.sources import is_table_path

    if is_table_path(formula):
        raise ArgumentError(f"FORMULA {formula!r}: names a table, and a formula is needed, such as 'sin(x)'")
    if not on:
        raise DomainError("--on: say where, for example --on x=-3:3")
    check_place("--out", out and out / "certificate.json")
    with speaking_of_options(own_options("domain", "tol", "units", "time")):
        fitted = fitting.construct(formula, narrow(", ".join(on)), tol=tol, units=units, time=time)
    files = [] if out is None else _constructed_files(fitted, out)
    if as_json:
        print_json({**fitted.to_dict(), "files": files})
    elif not quiet:
        print(fitted.card(spoken()))
        if files:
            print("\n".join(["", words("written"), *(f"  {path}" for path in files)]))


def _constructed_files(fitted: Fit, out: Path) -> list[Path]:
    """Model, card, pictures, certificate, table of the corners, picture of the tube."""
    files = fitted.save_outputs(out)
    assert fitted.certificate is not None
    files.append(fitted.certificate.save(out / "certificate.json"))
    made = fitted.construction
    assert made is not None
    if not made.pieces:
        files += [Path(file) for file in fitted.export(out / "corners.csv", to="table").paths]
    if made.hinges or len(fitted.names) == 1:
        fitted.plot("tube", lang=spoken()).savefig(out / "tube.png")
        files.append(out / "tube.png")
    return files


def verify(
    model: Model,
    relation: Annotated[
        str, typer.Argument(metavar="RELATION", show_default=False, help="Such as 'y - x1*x2 <= 0.1' or '0 <= y <= 1'.")
    ],
    on: Part = None,
    time: Annotated[float, typer.Option(metavar="SECONDS", help="Give up after so many seconds.")] = 60.0,
    as_json: Json = False,
) -> None:
    """Prove or refute a relation between the inputs and outputs of a model, at every point of its domain.

    It is of exact arithmetic on the stored numbers. The exit code is 3 where it is refuted or not known.

    surefit verify demo/model.safetensors "y <= 1.5"

    surefit verify prices "price <= 40" --on size=1:2 --on colour=red
    """
    from surefit import bounds, fitting
    from surefit.bounds.proving import with_ends

    fitted = fitting.load(model)
    with speaking_of_options(own_options("domain", "time")):
        held, domain = _held(on or [], fitted.domain.names), fitted.domain
        for part in (held, narrow(", ".join(v for v in on or [] if not _text_of(v, domain.names)))):
            domain = with_ends(domain, part) if part else domain
        verdict = bounds.verify(fitted.model, relation, domain, outputs=fitted.outputs, time=time)
    if as_json:
        print_json({"relation": verdict.relation, "status": verdict.status, "at": verdict.at})
    else:
        print(verdict.sentence().said(spoken()))
    if verdict.holds is not True:
        raise typer.Exit(UNPROVED)


def _text_of(part: str, inputs: Sequence[str]) -> str:
    """`colour=red`, where a column of texts has such an input; else nothing."""
    name, _, value = (word.strip() for word in part.partition("="))
    known = [n.removeprefix(f"{name}=") for n in inputs if n.startswith(f"{name}=")]
    if known and value not in known:
        raise ArgumentError(
            words("--on: {name} is one of {known}, not {value!r}", name=name, known=", ".join(known), value=value)
        )
    return f"{name}={value}" if known else ""


def _held(on: Sequence[str], inputs: Sequence[str]) -> dict[str, tuple[float, float]]:
    """The ends of the inputs of 0 and 1 of columns that are held at a text."""
    held: dict[str, tuple[float, float]] = {}
    for text in filter(None, (_text_of(part, inputs) for part in on)):
        start = text.partition("=")[0] + "="
        held |= {name: (float(name == text),) * 2 for name in inputs if name.startswith(start)}
    return held


def check(
    certificate: Annotated[
        Path, typer.Argument(metavar="CERTIFICATE", show_default=False, help="A file that surefit certify wrote.")
    ],
    model: Model,
    tol: Annotated[
        float | None,
        typer.Option(metavar="TOL", show_default=False, help="An error that is small enough, if its bound is smaller."),
    ] = None,
    time: Annotated[float, typer.Option(metavar="SECONDS", help="Stop then; the bound is left unchecked.")] = 60.0,
    as_json: Json = False,
) -> None:
    """Check a certificate against a model: its numbers, that the boxes cover the domain, and the bound of each.

    The checker is a program of its own that shares no code with the search. The exit code is 3 where it does not hold.

    surefit check demo/certificate.json demo/model.safetensors
    """
    from surefit import fitting
    from surefit.bounds.checker import check_certificate

    fitted = fitting.load(model)
    with speaking_of_options(own_options("tol", "time")):
        verdict = check_certificate(certificate, fitted.model, tol=tol, time=time)
    if as_json:
        print_json({"holds": verdict.holds, "why": verdict.why, "boxes": verdict.boxes})
    else:
        print(complaint(str(verdict)))
    if not verdict.holds:
        raise typer.Exit(UNPROVED)


COMMANDS = (construct, certify, verify, check)
