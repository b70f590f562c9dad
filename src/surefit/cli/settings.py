"""The settings of `surefit fit`: one row each, which is an option of the command line and a key in TOML.

A setting that nobody gives is absent; its default is the library's.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from surefit.errors import ArgumentError, CheckpointError, DataError, DomainError, NotFiniteError
from surefit.files import reason, regular_file, write_atomically
from surefit.spelling import spelling

from .language import words
from .readers import (
    Needed,
    Reader,
    character,
    choice,
    either,
    flag,
    intervals,
    names,
    nearest,
    noise,
    number,
    one_of,
    one_or_several,
    points,
    several,
    shares,
    text,
    texts,
    whole,
)

# The words that the library knows, asked for when one is read.


def _activations() -> Iterable[str]:
    from surefit.nn.mlp import ACTIVATIONS

    return ("auto", *ACTIVATIONS)


def _methods() -> Iterable[str]:
    from surefit.attempts.methods import METHODS

    return tuple(METHODS)


def _schedules() -> Iterable[str]:
    from surefit.attempts.methods import SCHEDULES

    return SCHEDULES


def _inits() -> Iterable[str]:
    from surefit.models.spec import INITS

    return ("auto", *INITS)


def _losses() -> Iterable[str]:
    from surefit.attempts.methods import LOSSES

    return LOSSES


def _designs() -> Iterable[str]:
    from surefit.data import DESIGNS

    return DESIGNS


@dataclass(frozen=True)
class Setting:
    """One row: its key in a file, what its value looks like and how it is read, and its help.

    The option of the key `batch_size` is --batch-size. panel: the part of the help where it stands.
    """

    key: str
    metavar: str
    read: Reader
    help: str
    repeated: bool = False
    also: tuple[str, ...] = ()
    panel: str = ""

    @property
    def option(self) -> str:
        """Its name on the command line."""
        return "--" + self.key.replace("_", "-")

    @property
    def is_flag(self) -> bool:
        """Whether it is switched, --scale or --no-scale, instead of taking a value."""
        return self.read is flag


WIDTHS = several(whole(), "widths of the hidden layers, whole numbers of 1 or more such as 64,64")

# the parts of the help; the first has no name
RUN, NETWORK, TRAINING = "", "Network", "Training"
SAMPLES, TABLE = "Samples of a function", "Columns of a table"
BUDGET = "Expensive functions"

_PANELS = {
    RUN: [
        Setting("on", "NAME=LOW:HIGH", intervals,
                "Interval of a variable, once for each: --on x1=-5:5 --on x2=0:2*pi. "
                "One over decades: --on p=1e-3:1e6:log.", True),
        Setting("tol", "NUMBER", number(above=0),
                "Largest error that is good enough. Exit code 3: not reached."),
        Setting("time", "SECONDS", number(above=0), "Stop training after so many seconds."),
        Setting("prove", "", flag,
                "Of a formula: --tol counts as reached only when it is proved at every point. Default: off."),
        Setting("seed", "INT", whole(0), "Seed of everything random. Default: 0."),
        Setting("dtype", "NAME", choice("float32", "float64"),
                "Number format of the network. Default: float64 by a solver, else float32."),
        Setting("restarts", "INT", whole(1, 10_000),
                "Number of networks to train at once over the cores; the best is kept. Default: 1."),
        Setting("checkpoint", "DIR", text,
                "Keep the fit in this directory while it is made, so that it can go on after it was killed."),
        Setting("resume", "DIR", text,
                "Go on with the fit that is kept in this directory; the other options must be the same."),
        Setting("jit", "", flag, "Compile first-order training to machine code. Default: where it is faster."),
    ],
    NETWORK: [
        Setting("hidden", "WIDTHS", WIDTHS, "Widths of the hidden layers: 200,100,50. Default: chosen by the method."),
        Setting("activation", "NAME", one_or_several(one_of(_activations)),
                "tanh, relu, sin, gelu, ... or one for each hidden layer: tanh,relu. Default: by depth."),
        Setting("bias", "", flag, "Let the layers add a bias. Default: on."),
        Setting("init", "NAME", one_of(_inits), "Initial weights: auto (default), glorot, he, normal, small or zeros."),
        Setting("dropout", "NUMBER", number(least=0, most=1), "Probability of dropout. Default: 0."),
        Setting("monotone", "SIGNS", text,
                "Inputs with which the target rises or falls everywhere, as the network then does: x=+1,z=-1."),
        Setting("periodic", "PERIODS", text,
                "Inputs after whose periods the target is the same again: angle=360, or t=2*pi."),
    ],
    TRAINING: [
        Setting("method", "NAME", one_of(_methods),
                "auto (default), polynomial, additive, features, varpro, lm, lbfgs, adam, adamw, sgd, rmsprop, "
                "adagrad, adamax, nadam or radam."),
        Setting("degree", "INT", whole(1, 2), "Degree of polynomial. Default: 2."),
        Setting("sparse", "", flag, "Leave out the inputs that do not help (polynomial of degree 1). Default: off."),
        Setting("units", "INT", whole(), "Units for each input (additive). Default: 12."),
        Setting("iterations", "INT", whole(), "Largest number of iterations of varpro, lm and lbfgs."),
        Setting("evaluations", "INT", whole(),
                "Largest number of evaluations of all points by the solvers of auto. Default: 2000."),
        Setting("draws", "INT", whole(), "How often features and varpro draw new units at random. Default: 2."),
        Setting("ridge", "NUMBER|none", either(("none", "auto"), number(least=0)),
                "Ridge on the weights (polynomial, additive, features, varpro, lm). Default: none for a function, by "
                "validation for a table."),
        Setting("memory", "INT", whole(), "Number of steps that lbfgs remembers. Default: 20."),
        Setting("epochs", "INT", whole(), "Passes over the training data."),
        Setting("batch_size", "INT", whole(), "Points in a batch."),
        Setting("lr", "NUMBER|auto", either(("auto",), number(above=0)),
                "Learning rate; auto: found by a range test. Default: the method's own, with a cosine schedule."),
        Setting("schedule", "NAME", one_of(_schedules),
                "Schedule of the learning rate: constant, cosine, onecycle, plateau, step, exponential, linear or "
                "polynomial."),
        Setting("loss", "NAME", one_of(_losses),
                "Of a table huber and quantile (with --quantile) go with auto too; the others are for first-order "
                "methods: mse (default), huber, l1, smooth_l1, log_cosh or quantile."),
        Setting("patience", "INT|none", either(("none", "auto"), whole()),
                "Stop after so many epochs without a better validation loss. Default: none with --epochs."),
        Setting("weight_decay", "NUMBER", number(least=0), "Strength of the pull of the weights towards 0."),
        Setting("momentum", "NUMBER", number(least=0), "Momentum of sgd and rmsprop."),
        Setting("clip_norm", "NUMBER", number(above=0), "Largest norm of the gradient; a longer one is shortened."),
        Setting("scale", "", flag, "Scale inputs and outputs inside the model. Default: on."),
        Setting("solve_output", "", flag, "Solve for the output layer by least squares at the end. Default: off."),
        Setting("best_weights", "", flag, "Keep the weights of the best epoch, not the last. Default: on."),
    ],
    SAMPLES: [
        Setting("num", "INT", points, "Training points. A grid also takes one number for each axis: 50,40."),
        Setting("design", "NAME", one_of(_designs),
                "How the points are placed: uniform, grid, chebyshev, latin_hypercube, sobol, halton, auto (default)."),
        Setting("corners", "", flag, "Add the corners of the domain. Default: on."),
        Setting("faces", "NUMBER", number(least=0),
                "Points on the faces of the domain, as a share of --num. Default: 0.2."),
        Setting("extra_box", "NAME=LOW:HIGH,...", intervals,
                "A part of the domain to take extra points from.", True),
        Setting("extra_ratio", "NUMBER", number(above=0),
                "Number of extra points, as a share of --num. Default: 0.125."),
        Setting("adaptive", "INT", whole(0), "Rounds of adding points where the error is largest. Default: 0."),
        Setting("adaptive_ratio", "NUMBER", number(above=0),
                "Points added in each round, as a share of --num. Default: 0.125."),
        Setting("derivatives", "", flag, "Fit the gradients of the formula too. Default: off."),
        Setting("derivative_weight", "NUMBER", number(above=0),
                "Weight of the squared error of the gradients. Default: 1."),
        Setting("verify", "INT", whole(),
                "Points at which the error is measured. Default: 15000; 5000 for one variable."),
        Setting("noise", "NOISE", noise, "Noise added to the values: 0.01 (normal), uniform:0.01, uniform:LOW:HIGH."),
        Setting("split", "SHARES", shares, "Shares of training, validation and test data. Default: 0.8,0.1,0.1."),
        Setting("drop_nonfinite", "", flag, "Leave out points where the target is NaN or infinite."),
    ],
    BUDGET: [
        Setting("command", "TEXT", text,
                "A program to fit, instead of TARGET: './sim {x1} {x2}'. The last number that it prints is the value."),
        Setting("budget", "INT", whole(5), "Evaluations of the function at most, measuring the error included."),
        Setting("jobs", "INT", whole(1, 10_000), "Evaluations at once. Default: 1."),
        Setting("log", "FILE", text,
                "Append each evaluation to this file (.csv, .jsonl) as it ends; a killed run goes on from it."),
        Setting("timeout", "SECONDS", number(above=0), "End a program that takes longer; that evaluation has failed."),
        Setting("outputs", "INT", whole(), "How many of the last numbers printed are the value. Default: 1."),
    ],
    TABLE: [
        Setting("task", "NAME", choice("regress", "classify"),
                "classify: the target column holds classes, numbers or texts. Default: regress."),
        Setting("targets", "NAMES", names, "Columns to predict, by name or place from 0. Default: the last.",
                also=("--target", "--target-column")),
        Setting("columns", "NAMES", names, "Inputs to use. Default: all other columns."),
        Setting("weights", "NAME", text, "Column that holds the weight of each row."),
        Setting("target_scale", "NAME", choice("linear", "log"),
                "log: fit the logarithm of the target, whose values are above 0. Default: linear."),
        Setting("quantile", "LEVELS", several(number(above=0, most=1), "levels between 0 and 1, such as 0.05,0.5,0.95"),
                "Fit a quantile of the target instead of its mean, such as 0.9, or several: 0.05,0.5,0.95."),
        Setting("groups", "NAME", text,
                "Column of groups, such as patients, whose rows are held out together; it is no input."),
        Setting("order", "NAME", text, "Column of times: the last rows are held out."),
        Setting("row_noise", "NAME", text, "Column that holds the standard deviation of the noise of each row."),
        Setting("test_table", "FILE", text, "A separate table to test on; no row of TARGET is then used for testing."),
        Setting("folds", "INT", whole(2, 1000),
                "Estimate the error by so many fits without a part of the rows. Default: test rows measure it."),
        Setting("missing", "NAME", choice("error", "median"),
                "median: fill missing inputs in by the median of their column. Default: error."),
        Setting("drop_missing", "", flag, "Leave out rows with a missing value."),
        Setting("stream", "", flag,
                "Read the table in parts. Default: folders, and files of more than 33 million numbers."),
        Setting("window", "ROWS", whole(),
                "Training rows in memory at a time, where a table in parts is trained on. Default: 256 MiB of them."),
        Setting("header", "", flag, "Whether the first row of a CSV file holds names. Default: detected."),
        Setting("delimiter", "CHARACTER", character, "Delimiter of a CSV file. Default: detected."),
        Setting("decimal", "CHARACTER", choice(".", ","), "Decimal mark of a CSV file, . or a comma."),
        Setting("sheet", "NAME", text, "Sheet of an Excel file, its name or its number from 0."),
        Setting("encoding", "NAME", text, "Encoding of a CSV file, such as gbk. Default: utf-8."),
    ],
}  # fmt: skip

SETTINGS = {row.key: replace(row, panel=panel) for panel, rows in _PANELS.items() for row in rows}
KEYS = {"target": Setting("target", "TARGET", texts, "A formula, or the path of a table."), **SETTINGS}
CSV_OPTIONS = ("header", "delimiter", "decimal", "encoding", "sheet")


def read_given(given: Mapping[str, Any], rows: Mapping[str, Setting]) -> dict[str, Any]:
    """The settings that were given on the command line, read; those that were not are left out.

    Raises:
        ArgumentError: names the option, what came and what it needs.
    """
    names = {key: row.metavar if key == "target" else row.option for key, row in rows.items()}  # TARGET is no option
    return {key: _read(rows[key], value, names[key]) for key, value in given.items() if _is_given(value)}


def _is_given(value: Any) -> bool:
    return value is not None and value != [] and value != ()


def _read(row: Setting, value: Any, called: str) -> Any:
    try:
        return row.read(value)
    except Needed as needed:
        came = value if isinstance(value, str) and value.strip() else json.dumps(value, default=str)
        raise ArgumentError(
            words("{option} {came}: expected {needed}", option=called, came=came, needed=needed)
        ) from None


def read_config(path: Path) -> dict[str, Any]:
    """The settings in a TOML file.

    Raises:
        ArgumentError: not TOML, an unknown key (with the nearest known one), or a value that cannot be.
    """
    try:
        regular_file(path, error=ArgumentError)
        found = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except ArgumentError as error:
        raise ArgumentError(f"--config: {error}") from None
    except OSError as error:
        raise ArgumentError(f"--config: cannot read {str(path)!r} ({reason(error)})") from None
    except (ValueError, RecursionError) as error:  # also a number of too many digits, brackets too deep
        raise ArgumentError(f"--config: {str(path)!r} is not a TOML file: {error}") from None
    settings = {}
    for name, value in found.items():
        key = name.replace("-", "_")
        if key not in KEYS:
            hint = nearest(key, KEYS)
            raise ArgumentError(words("{path}: there is no setting {name!r}{hint}", path=path, name=name, hint=hint))
        settings[key] = _read(KEYS[key], value, f"{path}: {name} =")
    return settings


def missing_domain(formulas: str) -> NoReturn:
    """Says that --on is missing, with what to write; a formula that cannot be read is said first."""
    from surefit.formulas import parse_many

    variables = parse_many(formulas)[0].variables or ("x",)
    example = " ".join(f"--on {name}=-1:1" for name in variables)
    message = "--on is missing: give an interval for each variable, such as {example}"
    raise DomainError(words(message, example=example))


def write_config(path: Path, settings: Mapping[str, Any], heading: Iterable[str] = ()) -> None:
    """Write settings that `read_config` reads back the same, with comment lines on top."""
    lines = [f"# {line}" for line in heading]
    panel = ""
    for key, row in KEYS.items():
        if key in settings:
            if row.panel != panel:
                lines += ["", f"# {row.panel}"]
                panel = row.panel
            lines.append(f"{key} = {toml_value(settings[key])}")
    write_atomically(path, "\n".join(lines) + "\n")


def toml_value(value: Any) -> str:
    """A text, number, boolean or list of these as TOML.

    >>> toml_value(["x1=-5:5", 3e-4, True])
    '["x1=-5:5", 0.0003, true]'
    """
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, bool | str):  # as in JSON, except that TOML wants the control character 127 escaped too
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


# arguments of the library whose options are called otherwise
CALLED = {
    "domain": "on",
    "target": "targets",
    "inputs": "columns",
    "count": "num",
    "with_corners": "corners",
    "model": "hidden",
    "test": "test_table",
    "level": "interval",  # of `Fit.interval`
    "path": "out",
}
PLACES = {"formula": "surefit certify MODEL {}"}  # what has a place instead of an option
CALLS = ("certify", "construct", "interval", "verify")  # what errors about arguments may begin with


def own_options(*names: str) -> dict[str, Setting]:
    """Rows of options that are not settings of a fit, by the names of the arguments, for `speaking_of_options`."""
    keys = (CALLED.get(name, name) for name in names)
    return {key: Setting(key, "", text, "") for key in keys}


def as_option(name: str, value: str = "", rows: Mapping[str, Setting] = SETTINGS) -> str | None:
    """An argument of the library as an option, or None where a command has no such option. A way of `spelling`.

    >>> as_option("drop_missing", "True"), as_option("method", "'features'"), as_option("model", "(units,)")
    ('--drop-missing', '--method features', '--hidden UNITS')
    """
    row = rows.get(CALLED.get(name, name))
    if row is None:
        return PLACES[name].format(value) if name in PLACES and value else None
    if row.is_flag:
        return row.option.replace("--", "--no-", 1) if value == "False" else row.option
    if value == "(units,)":
        return f"{row.option} UNITS"
    shown = "".join(c for c in value if c not in "()'\" ")
    return f"{row.option} {shown if any(map(str.isalnum, shown)) else value}".rstrip()


def of_options(message: str, rows: Mapping[str, Setting] = SETTINGS) -> str:
    """A message that begins with the argument it is about, as those of the library do, with the option instead.

    >>> of_options("noise: cannot read 'loud'"), of_options("tol=-1 must be a number > 0")
    ("--noise: cannot read 'loud'", '--tol -1 must be a number > 0')
    >>> of_options("certify: tol=0 must be a number above 0", own_options("tol"))
    '--tol 0 must be a number above 0'
    """
    call, _, rest = message.partition(": ")
    text = rest if call in CALLS else message
    end = min((i for i in (text.find(":"), text.find("=")) if i >= 0), default=0)
    option = as_option(text[:end], rows=rows)
    if option is None:
        return message
    return f"{option} {text[end + 1 :]}" if text[end] == "=" else option + text[end:]


@contextmanager
def speaking_of_options(rows: Mapping[str, Setting] = SETTINGS) -> Iterator[None]:
    """Errors of the library that leave here name options, of these rows, instead of arguments."""
    try:
        with spelling(lambda name, value: as_option(name, value, rows)):
            yield
    except (ArgumentError, CheckpointError, DataError, DomainError, NotFiniteError) as error:
        error.args = (of_options(str(error), rows),)
        raise


def check_extra_box(domain: Any, box: Any) -> None:
    """Raises DomainError when --extra-box does not lie in the domain."""
    from surefit.data import Domain

    Domain(domain).inside(box, "--extra-box")
