"""`surefit predict`, `info`, `doctor`, `report` and `animate`: what is done with a model file."""

from __future__ import annotations

import csv
import io
import math
import sys
import unicodedata
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from surefit.errors import ArgumentError, DataError, FormulaError
from surefit.files import replacing
from surefit.spelling import spelling

from .grammar import with_settings
from .language import spoken, words
from .report import Json, print_json, print_lines, say
from .settings import CSV_OPTIONS, SETTINGS, as_option, own_options, read_given, speaking_of_options
from .streams import STDIN, standard_input

if TYPE_CHECKING:
    import numpy as np

    from surefit.fitting import Fit

Model = Annotated[Path, typer.Argument(metavar="MODEL", show_default=False, help="A file that surefit fit wrote.")]
Columns = dict[str, "np.ndarray"]  # name -> (n,)

# those of surefit.exporters, which takes time to import
FORMATS = ("c", "onnx", "numpy", "js", "fortran", "table", "formula", "fmu", "fmu3", "casadi")
TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".dat")


# --- predict --------------------------------------------------------------------------------------


@with_settings(SETTINGS[key] for key in CSV_OPTIONS)
def predict(
    model: Model,
    at: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE,...", show_default=False, help="A point: x1=1,x2=pi/2. May be repeated."),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option("--csv", metavar="IN", show_default=False, help="A table with a column for each input."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT",
            show_default=False,
            help="Where the table goes, with columns added. Default: stdout.",
        ),
    ] = None,
    derivative: Annotated[bool, typer.Option("--derivative", help="Add the derivative by each input.")] = False,
    interval: Annotated[
        float | None,
        typer.Option(metavar="LEVEL", show_default=False, help="Add bounds that a new value keeps so often: 0.9."),
    ] = None,
    as_json: Json = False,
    **given: Any,
) -> None:
    """Values of a model at points, or for every row of a table.

    surefit predict model.safetensors --at x1=1,x2=2

    surefit predict model.safetensors --csv points.csv --out values.csv
    """
    from surefit import fitting

    if bool(at) == bool(table):
        raise ArgumentError(words("give points, --at x=1, or a table, --csv IN") + "; not both" * bool(at))
    if out is not None and table is None:
        raise ArgumentError("--out: is for the rows of --csv IN; the values at --at are printed")
    fitted = fitting.load(model)
    if at:
        with speaking_of_options(own_options("level")):
            _predict_points(fitted, at, derivative, interval, as_json)
    elif table is not None:
        rows = {key: SETTINGS[key] for key in CSV_OPTIONS}  # none that leaves rows out: each gets its values
        with speaking_of_options(rows | own_options("level")):
            _predict_rows(fitted, table, out, derivative, interval, as_json, read_given(given, SETTINGS))


def _predict_points(fitted: Fit, at: list[str], derivative: bool, interval: float | None, as_json: bool) -> None:
    import numpy as np

    from surefit.data import points_from

    points = [_point(text, fitted) for text in at]
    places = [
        points_from(point, fitted.names, f"--at {text}", fitted.problem.coding)
        for text, point in zip(at, points, strict=True)
    ]
    x = np.concatenate(places)
    columns, outside = _values(fitted, x, derivative, interval)
    rows = [{name: float(column[i]) for name, column in columns.items()} for i in range(len(points))]
    if as_json:
        print_json({"points": [p | row for p, row in zip(points, rows, strict=True)], "outside": outside})
        return
    digits = 9 if fitted.dtype == np.float32 else 17
    for row in rows:
        words = [(name, f"{value:.{digits}g}") for name, value in row.items()]
        print(words[0][1] if len(words) == 1 else "  ".join(f"{name}={word}" for name, word in words))


def _point(text: str, fitted: Fit) -> dict[str, Any]:
    """x1=1,x2=pi/2 as numbers; with one input the bare number does. Of a column of texts or times a text.

    Where missing values are filled in, an input may be left out, empty or nan.
    """
    from surefit.data import raw_names
    from surefit.formulas import constant

    coding = {code.name: code.kind for code in fitted.problem.coding if code.kind != "number"}
    filled = {code.name for code in fitted.problem.coding if code.fills}
    names = tuple(raw_names(fitted.names, fitted.problem.coding))
    point: dict[str, Any] = {}
    for part in unicodedata.normalize("NFKC", text).split(","):
        name, equals, value = part.rpartition("=")
        name = name.strip() if equals or len(names) > 1 else names[0]
        if name in filled and name not in point and value.strip().lower() in ("", "nan"):
            point[name] = math.nan  # as if it were left out
            continue
        if not value.strip() or not (equals or len(names) == 1):
            message = "--at {text}: cannot read {part!r}; expected {example}"
            raise ArgumentError(words(message, text=text, part=part.strip(), example=_example(names)))
        if name not in names:
            message = "--at {text}: the model has no input {name!r}; expected {example}"
            raise ArgumentError(words(message, text=text, name=name, example=_example(names)))
        if name in point:
            raise ArgumentError(f"--at {text}: {name} comes twice; repeat --at for another point")
        if name in coding:
            point[name] = value.strip()
            if coding[name] != "text":  # a time may be given as days or seconds since the first one, too
                with suppress(ValueError):
                    point[name] = float(value)
            continue
        try:
            point[name] = constant(value)
        except FormulaError as error:
            raise ArgumentError(f"--at {text}: the value of {name} is not a number: {error}") from None
    point |= {name: math.nan for name in names if name in filled and name not in point}
    missing = [name for name in names if name not in point]
    if missing:
        message = "--at {text}: no value for {missing}; expected {example}"
        raise ArgumentError(words(message, text=text, missing=", ".join(missing), example=_example(names)))
    return point


def _example(names: tuple[str, ...]) -> str:
    return "--at " + ",".join(f"{name}=NUMBER" for name in names)


def _values(fitted: Fit, x: np.ndarray, derivative: bool, interval: float | None) -> tuple[Columns, int]:
    """Outputs and, if asked for, derivatives and intervals at points x (n, d); how many lie outside, with a warning."""
    outside = int((~fitted.domain.contains(x)).sum())
    if outside:
        part = "{count} of {all} points lie" if outside > 1 else "{count} of {all} points lies"
        which = words("the point lies") if len(x) == 1 else words(part, count=outside, all=len(x))
        message = "{which} outside the domain {domain}, where the error is unknown"
        say("warning", words(message, which=which, domain=fitted.domain))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the fit would say the same
        y = fitted._predict(x)
        outputs = fitted.outputs
        if fitted.classified is not None:
            outputs = tuple(f"P({name})" for name in fitted.classified.classes)
        columns = dict(zip(outputs, (y if fitted.classified is None else fitted.predict_proba(x)).T, strict=True))
        if derivative:
            derivatives = fitted.derivative(x).reshape(len(x), len(outputs), len(fitted.names))
            for k, output in enumerate(outputs):
                columns |= {f"d{output}/d{name}": derivatives[:, k, i] for i, name in enumerate(fitted.names)}
        if interval is not None:
            bounds = {
                end: v.reshape(y.shape) for end, v in zip(("low", "high"), fitted.interval(x, interval), strict=True)
            }
            for k, output in enumerate(fitted.outputs):
                columns |= {f"{output}_{end}": v[:, k] for end, v in bounds.items()}
    return columns, outside


# --- predict: tables ------------------------------------------------------------------------------


def _predict_rows(
    fitted: Fit, source: Path, out: Path | None, derivative: bool, interval: float | None, as_json: bool,
    options: Mapping[str, Any],
) -> None:  # fmt: skip
    from surefit.data import points_of, raw_of

    if out is not None and out.exists() and source.exists() and out.samefile(source):
        raise DataError(f"--out {out}: is the table that is read; give it another name")
    given: Any = io.BytesIO(standard_input().read()) if str(source) == STDIN else source
    x = points_of(raw_of(given, **options), fitted.names, "--csv", fitted.problem.coding, strict=True)
    columns, outside = _values(fitted, x, derivative, interval)
    if as_json and out is None:
        print_json({"rows": len(x), "columns": columns, "outside": outside})
        return
    names = _write_rows(given, out, fitted.names, x, columns, options)
    if as_json:
        print_json({"path": out, "rows": len(x), "columns": names, "outside": outside})
    elif out is not None:
        print_lines({str(out): words("{count} rows: {names}", count=len(x), names=", ".join(names))})


def _write_rows(
    source: Any,
    out: Path | None,
    inputs: tuple[str, ...],
    x: np.ndarray,
    columns: Columns,
    options: Mapping[str, Any],
) -> list[str]:
    """Write the table with its new columns; the names of all columns."""
    import numpy as np

    from surefit.data import Table, write_table

    as_text = out is None or out.suffix.lower() in TEXT_SUFFIXES
    if as_text and (not isinstance(source, Path) or source.suffix.lower() in (*TEXT_SUFFIXES, ".gz")):
        delimiter, header, rows = _cells(source, options)  # every column as it stands in the file, text too
        delimiter = "\t" if out is not None and out.suffix.lower() == ".tsv" else delimiter
        added = _free_names(columns, header)
        values = np.stack(list(columns.values()), axis=1).tolist()
        lines = [[*header, *added], *([*row, *map(repr, new)] for row, new in zip(rows, values, strict=True))]
        _write_text(out, lambda file: csv.writer(file, delimiter=delimiter, lineterminator="\n").writerows(lines))
        return lines[0]
    known = _numbers(source, inputs, x, options)
    added = _free_names(columns, list(known))
    names = [*known, *added]
    table = Table(names, np.stack([*known.values(), *columns.values()], axis=1), added)
    if out is None:
        lines = [names, *table.values.tolist()]
        _write_text(None, lambda file: csv.writer(file, lineterminator="\n").writerows(lines))
    else:
        write_table(table, out)
    return names


def _cells(source: Any, options: Mapping[str, Any]) -> tuple[str, list[str], list[list[str]]]:
    """Delimiter, names and rows of a text file as they stand there."""
    from surefit.data.csv_text import WIDE, csv_rows, text_of

    if not isinstance(source, Path):
        source.seek(0)
    text = text_of(source, options.get("encoding", "utf-8"))
    delimiter, names, _, rows = csv_rows(
        text, options.get("delimiter"), options.get("decimal", "."), options.get("header")
    )
    return WIDE.get(delimiter, delimiter), names, [row.cells for row in rows]


def _numbers(source: Any, inputs: tuple[str, ...], x: np.ndarray, options: Mapping[str, Any]) -> Columns:
    """All columns of the source if all are numbers, else the inputs."""
    from surefit.data import read_table

    if not isinstance(source, Path):
        source.seek(0)
    try:
        whole = read_table(source, **options)
    except DataError:
        return dict(zip(inputs, x.T, strict=True))
    return dict(zip(inputs, x.T, strict=True)) if whole.coding else {name: whole[name] for name in whole.names}


def _free_names(columns: Columns, taken: list[str]) -> list[str]:
    """Names for new columns; y becomes y_fit when the table has a y."""
    names: list[str] = []
    for name in columns:
        while name in taken or name in names:
            name += "_fit"
        names.append(name)
    return names


def _write_text(out: Path | None, write: Callable[[TextIO], Any]) -> None:
    if out is None:
        write(sys.stdout)
        return
    with replacing(out) as part, part.open("w", encoding="utf-8", newline="") as file:
        write(file)


# --- info and doctor ------------------------------------------------------------------------------


def info(model: Model, as_json: Json = False) -> None:
    """What a model is: target, domain, network, method, error, seed, version, size.

    surefit info model.safetensors
    """
    from surefit import fitting

    fitted = fitting.load(model)
    file = model / "model.safetensors" if model.is_dir() else model
    size = file.stat().st_size
    if as_json:
        print_json({**fitted.to_dict(), "file": file, "bytes": size})
    else:
        print_lines([*fitted.card_rows(spoken()), (words("file"), f"{file} ({_size(size)}, surefit {fitted.version})")])


def _size(count: int) -> str:
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1e6:.1f} MB"


def doctor(model: Model, as_json: Json = False) -> None:
    """What is wrong with a model, with the numbers seen and the cures.

    surefit doctor model.safetensors
    """
    from surefit import fitting

    diagnosis = fitting.load(model).doctor()
    if as_json:
        print_json({"findings": [asdict(finding) for finding in diagnosis.findings]})
    else:
        with spelling(as_option):
            print(diagnosis.text(spoken()))


# --- report and animate ---------------------------------------------------------------------------

Saved = Annotated[
    Path,
    typer.Argument(metavar="MODEL", show_default=False, help="A directory or a file that surefit fit wrote."),
]


def report(
    model: Saved,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="NAME.html, or NAME.md with pictures beside it. Default: report.html beside the model.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """A report of a fit: function, data, model, training, result, diagnosis, how to reproduce.

    A directory that surefit fit --out wrote gives a full one; from a model file alone the film of the training and the
    settings are missing, and the report says so.

    surefit report demo --lang zh
    """
    from surefit import fitting

    if out is None:
        out = (model if model.is_dir() else model.parent) / "report.html"
    with speaking_of_options(own_options("path")):
        path = fitting.load(model).report(out, spoken())
    if as_json:
        print_json({"path": path, "lang": spoken()})
    else:
        print(path)


def animate(
    model: Saved,
    out: Annotated[
        Path,
        typer.Argument(metavar="FILE", show_default=False, help="NAME.gif, NAME.html, or NAME.mp4 (needs ffmpeg)."),
    ],
    fps: Annotated[int, typer.Option(metavar="INT", help="Frames a second. Default: 6.", show_default=False)] = 6,
    as_json: Json = False,
) -> None:
    """The training of a fit as a film, from a directory that surefit fit --out wrote.

    surefit animate demo training.gif
    """
    from surefit import fitting

    with speaking_of_options(own_options("fps")):
        path = fitting.load(model).animate(out, fps=fps, lang=spoken())
    if as_json:
        print_json({"path": path, "lang": spoken()})
    else:
        print(path)


# --- export ---------------------------------------------------------------------------------------


def export(
    model: Saved,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(FORMATS), show_default=False, help="The format. Default: by the ending of --out."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", show_default=False, help="Where it goes. Default: beside the model."),
    ] = None,
    dtype: Annotated[
        str | None,
        typer.Option(
            metavar="float32|float64", show_default=False, help="Number format of what it holds. Default: as the fit."
        ),
    ] = None,
    derivative: Annotated[bool, typer.Option("--derivative", help="With Jacobian and Hessian products.")] = False,
    units: Annotated[
        str | None,
        typer.Option(metavar="NAME=UNIT,...", show_default=False, help="Units of inputs and outputs: x=mm,y=K."),
    ] = None,
    verify: Annotated[
        int, typer.Option(metavar="N", show_default=False, help="Run it at N points and compare it with the model.")
    ] = 0,
    as_json: Json = False,
) -> None:
    """A model in another language: C, ONNX, NumPy, JavaScript, Fortran, ...

    surefit export demo --to c --verify 1000

    surefit export demo/model.safetensors --out demo.onnx
    """
    if to is None and out is None:
        raise ArgumentError(f"give a format, --to c, or a file, --out model.c; formats are {', '.join(FORMATS)}")
    if to is not None and to not in FORMATS:
        raise ArgumentError(f"--to {to}: expected one of {', '.join(FORMATS)}")
    if dtype not in (None, "float32", "float64"):
        raise ArgumentError(f"--dtype {dtype}: expected float32 or float64")
    if verify < 0:
        raise ArgumentError(f"--verify {verify}: a number of points, 0 or more, is needed")
    given = _units(units)
    from surefit import exporters, fitting

    if to is None:
        assert out is not None
        to = next((name for name, f in exporters.FORMATS.items() if out.suffix.lower() in f.endings), None)
        if to is None:
            raise ArgumentError(f"--out {out}: its ending names no format; say which with --to {'|'.join(FORMATS)}")
    if derivative and not exporters.FORMATS[to].derivative:
        can = ", ".join(name for name, f in exporters.FORMATS.items() if f.derivative)
        raise ArgumentError(f"--derivative: --to {to} is written without derivatives; they are in {can}")
    if out is None:
        whole = model.is_dir()
        out = (model if whole else model.parent) / (model.resolve().name if whole else model.stem)
    with speaking_of_options(own_options("to", "dtype", "derivative", "verify", "units")):
        written = fitting.load(model).export(out, to, dtype=dtype, derivative=derivative, verify=verify, units=given)
    if as_json:
        c = written.compared
        print_json(
            {"paths": list(written.paths), "format": written.to}
            | ({} if c is None else {"points": c.points, "difference": c.difference, "ulp": c.ulp, "exact": c.exact})
        )
        return
    for path in written.paths:
        print(path)
    if written.compared is not None:
        print(written.compared.sentence().said(spoken()))


def _units(text: str | None) -> dict[str, str]:
    """Units by name, from x=mm,y=K."""
    found = {}
    for part in (text or "").replace("\N{FULLWIDTH COMMA}", ",").split(",") if text is not None else []:
        name, equals, unit = part.partition("=")
        if not (equals and name.strip() and unit.strip()):
            raise ArgumentError(f"--units {text}: expected a name and its unit, such as x=mm,y=K")
        found[name.strip()] = unit.strip()
    return found


COMMANDS = (predict, info, doctor, report, animate, export)
