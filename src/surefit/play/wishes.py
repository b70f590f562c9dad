"""What a page may wish for: settings that came as JSON become the arguments of `fit`, within limits, or an error."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from surefit.attempts import methods
from surefit.attempts.methods import Method
from surefit.data import DESIGNS, Sampling
from surefit.data.table import Table, read_table
from surefit.errors import ArgumentError, SurefitError
from surefit.formulas import parse
from surefit.formulas.formula import Formula
from surefit.models.spec import INITS, MLPSpec
from surefit.spelling import spelling

FORMULA, CSV, NAME, COLUMN = 1_000, 500_000, 255, 200  # characters
INPUTS = 2  # what a page can draw
POINTS, ROWS = 5_000, 5_000  # sampled from a function; of a table
LAYERS, UNITS, PARAMETERS = 8, 256, 100_000
DENSE = 2_000  # parameters of a method that keeps a Jacobian
EPOCHS = 20_000
WORK = 3e12  # epochs x points x parameters of one training: minutes on one core

ACTIVATIONS = ("tanh", "relu", "sigmoid", "silu", "gelu", "softplus", "sin")
INITIAL = ("auto", *INITS)
FIRST_ORDER = {
    "adam": methods.Adam, "sgd": methods.SGD, "adamw": methods.AdamW, "rmsprop": methods.RMSprop,
    "nadam": methods.NAdam,
}  # fmt: skip
CONSTRUCT = "construct"
SOLVERS = ("auto", "features", "varpro", "lm", "lbfgs")
METHODS = (*FIRST_ORDER, *SOLVERS, CONSTRUCT)
SLOWEST = 2.0  # seconds between two epochs


@dataclass(frozen=True)
class Wish:
    """A training as the page asks for it: the arguments of `fit`, and what to call the axes.

    target: a formula as text, or a Table. function: the formula, None for a table. domain: None for a table.
    file: what a table was read from, empty for one that was drawn; output: its column of values; decimal: its mark.
    """

    target: Any
    function: Formula | None
    names: tuple[str, ...]
    domain: dict[str, tuple[float, float]] | None
    method: str | Method
    model: MLPSpec | None
    data: Sampling
    seed: int
    output: str = "y"
    file: str = ""
    decimal: str = "."

    @property
    def units(self) -> int:
        """Of the first hidden layer."""
        return self.model.widths[0] if self.model is not None else 0

    def arguments(self) -> dict[str, Any]:
        """The keyword arguments of `fit` after target and domain."""
        return dict(method=self.method, model=self.model, data=self.data, seed=self.seed)

    @property
    def parameters(self) -> int | None:
        """Of the network; None where the method chooses it."""
        if self.model is None:
            return None
        sizes = [len(self.names), *self.model.widths, 1]
        return sum((a + self.model.bias) * b for a, b in pairwise(sizes))


class FieldError(ArgumentError):
    """A field of what was sent is wrong. field: its name, for programs; the message says it in words."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@contextmanager
def about(field: str) -> Iterator[None]:
    """Errors of surefit that arise here are about this field, and stay what they are."""
    try:
        yield
    except SurefitError as error:
        vars(error).setdefault("field", field)
        raise


class Reader:
    """Takes fields out of a JSON object; each error names the field."""

    def __init__(self, sent: Any) -> None:
        if not isinstance(sent, Mapping):
            raise ArgumentError("the body must be one JSON object")
        self.sent = sent

    def number(self, key: str, low: float, high: float, default: float | None = None) -> float:
        value = self.sent.get(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:  # NaN is refused
            raise FieldError(key, f"{key} must be a number from {low:g} to {high:g}, not {str(value)[:40]!r}")
        return float(value)

    def whole(self, key: str, low: int, high: int, default: int | None = None) -> int:
        value = self.number(key, low, high, default)
        if value != int(value):
            raise FieldError(key, f"{key} must be a whole number, not {value:g}")
        return int(value)

    def truth(self, key: str, default: bool) -> bool:
        value = self.sent.get(key, default)
        if not isinstance(value, bool):
            raise FieldError(key, f"{key} must be true or false, not {str(value)[:40]!r}")
        return value

    def choice(self, key: str, options: tuple[str, ...], default: str) -> str:
        value = self.sent.get(key, default)
        if not isinstance(value, str) or value not in options:
            raise FieldError(key, f"{key} must be one of {', '.join(options)}, not {str(value)[:40]!r}")
        return value

    def text(self, key: str, most: int) -> str:
        value = self.sent.get(key)
        if not isinstance(value, str) or not value.strip():
            raise FieldError(key, f"{key} must be a text")
        if len(value) > most:
            raise FieldError(key, f"{key} has {len(value)} characters; at most {most} are read")
        return value


def formula_of(text: str) -> Formula:
    """A formula of one or two variables. FormulaError with a caret; ArgumentError for another number of them."""
    with about("formula"):
        formula = parse(text)
    if not 1 <= len(formula.variables) <= INPUTS:
        found = ", ".join(formula.variables) or "none"
        raise FieldError(
            "formula", f"formula: one or two variables can be drawn here, and this has {found}; write sin(x)"
        )
    return formula


def wish_of(sent: Any) -> Wish:
    """The wish that some JSON expresses. SurefitError says what is wrong with it; nothing is computed yet."""
    read = Reader(sent)
    name = read.choice("method", METHODS, "adam")
    seed, count = read.whole("seed", 0, 2**31 - 1, 0), read.whole("points", 4, POINTS, 200)
    noise = read.number("noise", 0.0, 1e6, 0.0)
    function: Formula | None = None
    domain: dict[str, tuple[float, float]] | None = None
    target: Any
    source: dict[str, str] = {}
    if "table" in read.sent:
        target = rows_of(read.sent["table"])
        names = target.inputs
        source = source_of(read.sent["table"])
        data, count = Sampling(noise=0) if read.truth("exact", False) else Sampling(), len(target.values)
    else:
        target = read.text("formula", FORMULA)
        function = formula_of(target)
        names = function.variables
        domain = domain_of(read.sent.get("domain"), names)
        data = Sampling(design=read.choice("design", DESIGNS, "auto"), count=count, noise=noise or None)
    model = model_of(read) if name != "auto" else None
    method = method_of(read, name)
    wish = Wish(target, function, names, domain, method, model, data, seed, **source)
    check_size(wish, name, count)
    return wish


def domain_of(sent: Any, names: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    """An interval for each variable, from {"x": [low, high]}; -3 to 3 where none was sent."""
    sent = {} if sent is None else sent
    if not isinstance(sent, Mapping):
        raise FieldError("domain", 'domain must be an object such as {"x": [-3, 3]}')
    found = {}
    for name in names:
        pair = sent.get(name, (-3.0, 3.0))
        fine = isinstance(pair, (list, tuple)) and len(pair) == 2
        if not fine or not all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in pair):
            raise FieldError("domain", f"domain of {name} must be two numbers")
        low, high = pair  # a whole number of JSON may have more digits than a float can hold
        if not (-1e9 <= low < high <= 1e9):
            raise FieldError("domain", f"domain of {name} must go from a smaller to a larger finite number")
        found[name] = (float(low), float(high))
    return found


def rows_of(sent: Any) -> Table:
    """The table of {"names": [...], "rows": [[x, ..., y], ...]}. DataError for names that are empty or repeated."""
    read = Reader(sent)
    rows, names = read.sent.get("rows"), read.sent.get("names")
    if not isinstance(rows, list) or not 8 <= len(rows) <= ROWS:
        raise FieldError("table", f"table: from 8 to {ROWS} rows are needed")
    if not isinstance(names, list) or len(names) - 1 not in (1, INPUTS):
        raise FieldError("table", "table: one or two columns of inputs and one of values can be drawn here")
    for row in rows:
        if not isinstance(row, list) or len(row) != len(names):
            raise FieldError("table", f"table: each row must have {len(names)} numbers")
        if not all(isinstance(v, (int, float)) and not isinstance(v, bool) and abs(v) <= 1e300 for v in row):
            raise FieldError("table", "table: each value must be a finite number")
    with about("table"):
        return Table([str(n)[:COLUMN] for n in names], np.array(rows, float))


def source_of(sent: Mapping[str, Any]) -> dict[str, str]:
    """The output, file and decimal mark of a table: for the call that repeats the fit."""
    file = Reader(sent).text("file", NAME) if "file" in sent else ""
    if any(ord(letter) < 32 for letter in file):
        raise FieldError("file", "file must be the name of a file")
    mark = Reader(sent).choice("decimal", (".", ","), ".")
    return dict(output=str(sent["names"][-1])[:COLUMN], file=file, decimal=mark)


class _Sheet(io.StringIO):
    """The text of a table, and what errors call it."""

    name = "table"


_reading = threading.Lock()  # how arguments are spelled is one thing for all threads


def _in_the_file(name: str, value: str) -> str | None:
    """How a page spells an argument: what can be done in the file; it has none of Python's."""
    cures = {
        ("header", "True"): "names such as 'y2019'",
        ("header", "False"): "a first line of names",
        ("decimal", "','"): "'.'",
    }
    return cures.get((name, value))


def csv_of(sent: Any) -> dict[str, Any]:
    """The columns and rows of a CSV text, as `rows_of` takes them."""
    read = Reader(sent)
    mark = read.choice("decimal", (".", ","), ".")
    with _reading, about("csv"), spelling(_in_the_file):
        sheet = _Sheet(read.text("csv", CSV))
        table = read_table(sheet, drop_missing=True, decimal=None if mark == "." else mark)
    names = [*table.inputs, *table.targets]
    values = np.column_stack([table[name] for name in names])
    every = max(1, -(-len(values) // ROWS))  # rows may be sorted
    return {"names": names, "rows": values[::every].tolist(), "total": len(values)}


def model_of(read: Reader) -> MLPSpec:
    """The network of {"hidden": [16, 16], "activation": "tanh"}."""
    hidden = read.sent.get("hidden", [16])
    if not isinstance(hidden, list) or not 1 <= len(hidden) <= LAYERS:
        raise FieldError("hidden", f"hidden must be a list of 1 to {LAYERS} widths")
    if not all(isinstance(n, int) and not isinstance(n, bool) and 1 <= n <= UNITS for n in hidden):
        raise FieldError("hidden", f"hidden: each width must be a whole number from 1 to {UNITS}")
    several = read.sent.get("activation")
    activation: str | tuple[str, ...]
    if isinstance(several, list):
        if len(several) != len(hidden):
            raise FieldError(
                "activation", f"activation: {len(several)} names for {len(hidden)} layers; give one for each"
            )
        activation = tuple(Reader({"activation": a}).choice("activation", ACTIVATIONS, "tanh") for a in several)
    else:
        activation = read.choice("activation", ACTIVATIONS, "tanh")
    if isinstance(activation, tuple) and len(set(activation)) == 1:
        activation = activation[0]
    return MLPSpec(tuple(hidden), activation, bias=read.truth("bias", True), init=read.choice("init", INITIAL, "auto"))


def method_of(read: Reader, name: str) -> str | Method:
    """The method, with its learning rate, batch size and epochs where it has them."""
    epochs = read.whole("epochs", 1, EPOCHS, 1000)
    if name in FIRST_ORDER:
        lr, batch = read.number("lr", 1e-7, 100.0, 0.01), read.whole("batch", 1, POINTS, 32)
        return FIRST_ORDER[name](lr=lr, epochs=epochs, batch_size=batch)
    if name == "lm":
        return methods.LM(iterations=min(epochs, 2000))
    return methods.LBFGS(iterations=min(epochs, 5000)) if name == "lbfgs" else name


def check_size(wish: Wish, method: str, points: int) -> None:
    """ArgumentError for a network, or a training, that this page does not make."""
    size = wish.parameters
    if wish.model is None or size is None:
        return
    if method == CONSTRUCT and (wish.function is None or len(wish.names) != 1):
        raise FieldError("method", "method: construct makes networks of a formula of one variable")
    if method in (CONSTRUCT, "features") and len(wish.model.widths) != 1:
        raise FieldError("hidden", f"hidden: {method} makes networks of one hidden layer; take the others away")
    if method in ("features", "varpro") and not wish.model.bias:
        raise FieldError(
            "bias", f"bias: {method} solves for a last layer that has one; switch it on, or choose lm or adam"
        )
    most = DENSE if method in SOLVERS else PARAMETERS
    if size > most:
        raise FieldError(
            "hidden", f"hidden: the network has {size} parameters; with {method} at most {most} are trained here"
        )
    epochs = getattr(wish.method, "epochs", None)
    if epochs is not None and float(size) * points * epochs > WORK:
        raise FieldError("epochs", "epochs: this training would take many minutes; give fewer epochs, points or units")


__all__ = ["ACTIVATIONS", "METHODS", "FieldError", "Reader", "Wish", "csv_of", "formula_of", "rows_of", "wish_of"]
