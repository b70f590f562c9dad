"""The formula of a Python function that is arithmetic on arrays: it is called once with names in place of numbers.

As NumPy lets objects take part in its functions (NEP 13), each of them writes itself down. What asks for a number, a
truth value or anything else of an array is no formula.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from surefit.errors import DtypeError

from .expression import Expression, Node

_OPS = {
    "add": "add", "subtract": "sub", "multiply": "mul", "divide": "div", "true_divide": "div", "power": "pow",
    "float_power": "pow", "negative": "neg", "absolute": "abs", "fabs": "abs", "square": "square", "maximum": "max",
    "minimum": "min", "fmax": "max", "fmin": "min", "hypot": "hypot", "logaddexp": "logaddexp", "arctan2": "atan2",
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh",
    **{name: name for name in "sin cos tan sinh cosh tanh exp exp2 expm1 log log2 log10 log1p sqrt cbrt sign".split()},
}  # fmt: skip
MOST_STEPS = 400


class _Name(NDArrayOperatorsMixin):
    """A value without a number: a step of the formula that is being written down."""

    def __init__(self, steps: list[Node], place: int) -> None:
        self._steps, self._place = steps, place

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if ufunc.__name__ == "positive":
            return self
        op, steps = _OPS.get(ufunc.__name__), self._steps
        if ufunc.__name__ == "reciprocal":
            op, inputs = "div", (1.0, *inputs)
        if op is None or method != "__call__" or options or len(steps) > MOST_STEPS:
            return NotImplemented
        places = []
        for given in inputs:
            if isinstance(given, _Name):
                places.append(given._place)
            elif np.ndim(given) == 0 and isinstance(np.asarray(given)[()], (int, float, np.integer, np.floating)):
                steps.append(Node("number", value=float(given)))
                places.append(len(steps) - 1)
            else:
                return NotImplemented
        steps.append(Node(op, tuple(places)))
        return _Name(steps, len(steps) - 1)

    def _no_number(self, *_: Any, **__: Any) -> Any:
        raise DtypeError("a name has no value")

    __bool__ = __float__ = __int__ = __len__ = __iter__ = __array__ = _no_number


class _Points:
    """Points (n, d) without numbers, of which columns may be taken."""

    def __init__(self, columns: Sequence[_Name]) -> None:
        self._columns = tuple(columns)

    def __getitem__(self, key: Any) -> Any:
        rows, column = key
        if rows is not Ellipsis and rows != slice(None):
            raise DtypeError("points are taken by columns")
        return self._columns[column]

    @property
    def T(self) -> tuple[_Name, ...]:
        """The columns."""
        return self._columns

    def __iter__(self) -> Iterator[Any]:
        raise DtypeError("points are taken by columns")


def traced(f: Callable[..., Any], names: Sequence[str], points: bool = False) -> tuple[Expression, ...] | None:
    """The formulas of a function, one for each output; None where it is more than arithmetic.

    points: whether it takes one array of points (n, d), and not an array for each of `names`.

    >>> (formula,) = traced(lambda x, y: np.sin(x) * y + 2 * x**2, ("x", "y"))
    >>> formula.on_points([[0.0, 1.0], [1.0, 2.0]]).round(6).tolist()
    [0.0, 3.682942]
    """
    steps = [Node("variable", value=name) for name in names]
    columns = [_Name(steps, i) for i in range(len(names))]
    try:
        with np.errstate(all="ignore"):
            found = f(_Points(columns)) if points else f(*columns)
    except Exception:  # a function of the user's may raise anything
        return None
    outputs = list(found) if isinstance(found, (tuple, list)) else [found]
    if not outputs or not all(isinstance(o, _Name) and o._steps is steps for o in outputs):
        return None
    return tuple(_upto(steps, o._place, names) for o in outputs)


def _upto(steps: Sequence[Node], last: int, names: Sequence[str]) -> Expression:
    """The formula that ends in a step, without those it does not need."""
    needed = {last}
    for i in range(last, -1, -1):
        if i in needed:
            needed.update(steps[i].args)
    order = sorted(needed)
    place = {old: new for new, old in enumerate(order)}
    nodes = [Node(steps[i].op, tuple(place[a] for a in steps[i].args), steps[i].value) for i in order]
    return Expression(nodes, names, guarded=False)


__all__ = ["traced"]
