"""The formula of a Python function: it is called with names in place of numbers, and what it does with them is noted.

As NumPy lets objects take part in its functions (NEP 13 and 18), each of them writes itself down. Functions of `math`
want numbers; a copy of the function is given others of the same names. A condition that is asked whether it holds
(`if x > 0`, `max(x, y)`) holds in one call and not in the next, until every way through the function was gone. What
asks for anything else of a number is no formula.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from types import CellType, CodeType, FunctionType, MethodType, ModuleType, SimpleNamespace
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
    "remainder": "mod", "rint": "round", "gammaln": "lgamma", "psi": "digamma", "expit": "sigmoid",
    "heaviside": "heaviside",
    **{name: name for name in "sin cos tan sinh cosh tanh exp exp2 expm1 log log2 log10 log1p sqrt cbrt sign".split()},
    **{name: name for name in "floor ceil trunc erf erfc erfinv gamma".split()},
}  # fmt: skip
_SIGNS = {
    "less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=", "equal": "==", "not_equal": "!=",
}  # fmt: skip
_JOINS = {
    "logical_and": "and", "bitwise_and": "and", "logical_or": "or", "bitwise_or": "or", "logical_not": "not",
    "invert": "not",
}  # fmt: skip
_MATH = {
    "fabs": "absolute", "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh",
    "atanh": "arctanh", "atan2": "arctan2", "pow": "power", "lgamma": "gammaln",
}  # fmt: skip
MOST_STEPS = 400
MOST_WAYS = 32  # through a function, each of which is a call
MOST_ASKED = 40  # conditions on one of them


class _Names:
    """The steps that are written down, each once, and which way is taken at the conditions that are asked."""

    def __init__(self, names: Sequence[str]) -> None:
        self.steps: list[Node] = []
        self._known: dict[Any, int] = {}
        self.columns = [_Name(self, self.step("variable", (), name)) for name in names]
        self.ways: tuple[bool, ...] = ()
        self.asked: list[int] = []
        self._held: dict[int, bool] = {}

    def step(self, op: str, args: tuple[int, ...] = (), value: Any = None) -> int:
        """The place of a step."""
        key = op, args, repr(value)
        if key not in self._known:
            if len(self.steps) > MOST_STEPS:
                raise DtypeError("too long for a formula")
            self.steps.append(Node(op, args, value))
            self._known[key] = len(self.steps) - 1
        return self._known[key]

    def chosen(self, condition: int, then: int, other: int) -> int:
        """The place of one step where a condition holds and of another where not: of the larger where it says so."""
        if then == other:
            return then
        node = self.steps[condition]
        if node.op == "compare" and set(node.args) == {then, other} and node.value[0] in ("<", "<=", ">", ">="):
            larger_first = node.value[0] in (">", ">=")
            return self.step("max" if (node.args[0] == then) == larger_first else "min", node.args)
        a, b = self.steps[then], self.steps[other]
        if a.op == b.op and a.op in ("max", "min"):  # max(x, z) if x > y else max(y, z) is max(max(x, y), z)
            parts = [p if p == q else self.chosen(condition, p, q) for p, q in zip(a.args, b.args, strict=True)]
            return self.step(a.op, tuple(parts))
        return self.step("if", (condition, then, other))

    def begin(self, ways: tuple[bool, ...]) -> None:
        """The next call answers so to the first conditions that are asked, and that they hold to those after."""
        self.ways, self.asked, self._held = ways, [], {}

    def holds(self, place: int) -> bool:
        """Whether a condition holds in this call."""
        if place not in self._held:
            if len(self.asked) >= MOST_ASKED:
                raise DtypeError("too many conditions for a formula")
            self._held[place] = self.ways[len(self.asked)] if len(self.asked) < len(self.ways) else True
            self.asked.append(place)
        return self._held[place]

    def place_of(self, given: Any) -> int | None:
        """The place of a name or a number; None of anything else."""
        if isinstance(given, _Name):
            return given._place
        if np.ndim(given) == 0 and isinstance(np.asarray(given)[()], (int, float, np.integer, np.floating, np.bool_)):
            return self.step("number", (), float(given))
        return None


class _Name(NDArrayOperatorsMixin):
    """A value without a number: a step of the formula that is being written down."""

    def __init__(self, names: _Names, place: int) -> None:
        self._names, self._place = names, place

    @property
    def _decides(self) -> bool:
        """Whether it holds or not, rather than being a number."""
        return self._names.steps[self._place].op in ("compare", "and", "or", "not")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if options.get("out") and options["out"][0] is inputs[0] and len(options) == 1:  # x += 1 is x = x + 1
            options = {}
        if method != "__call__" or options:
            return NotImplemented
        if any(isinstance(given, np.ndarray) and given.ndim for given in inputs):
            objects = [np.array(given, object) if isinstance(given, _Name) else given for given in inputs]
            return ufunc(*objects)  # each of the numbers of an array
        return _written(ufunc.__name__, inputs)

    def __array_function__(self, function: Any, _: Any, args: Any, named: Any) -> Any:
        own = _FUNCTIONS.get(getattr(function, "__name__", ""))
        return NotImplemented if own is None else own(*args, **named)

    def __bool__(self) -> bool:
        place = self._place if self._decides else self._names.step("compare", (self._place, _zero(self)), ("!=",))
        return self._names.holds(place)

    def __round__(self, digits: int | None = None) -> Any:
        return self.rint() if digits is None else self._no_number()  # type: ignore[attr-defined]

    def _no_number(self, *_: Any, **__: Any) -> Any:
        raise DtypeError("a name has no value")

    def __floor__(self) -> Any:
        return _written("floor", (self,))

    def __ceil__(self) -> Any:
        return _written("ceil", (self,))

    def __trunc__(self) -> Any:
        return _written("trunc", (self,))

    __float__ = __int__ = __len__ = __iter__ = __array__ = __index__ = __complex__ = _no_number
    __str__ = __repr__ = __format__ = __reduce_ex__ = __hash__ = _no_number  # nor may it get into a text or a file


_WRITTEN: dict[str, Callable[..., Any]] = {  # functions of NumPy and SciPy, by others
    "ndtr": lambda x: 0.5 * _written("erfc", (x * -math.sqrt(0.5),)),
    "logit": lambda x: np.log(x / (1.0 - x)),
    "log_expit": lambda x: -np.logaddexp(0.0, -x),
    "exp10": lambda x: 10.0**x,
    "exprel": lambda x: np.expm1(x) / x,
    "cosm1": lambda x: -2.0 * np.sin(0.5 * x) ** 2,
    "xlogy": lambda x, y: x * np.log(y),
    "xlog1py": lambda x, y: x * np.log1p(y),
    "entr": lambda x: -x * np.log(x),
    "fmod": lambda x, y: x - y * _written("trunc", (x / y,)),
}


def _zero(name: _Name) -> int:
    return name._names.step("number", (), 0.0)


def _written(ufunc: str, inputs: Sequence[Any]) -> Any:
    """The step of a function of NumPy, SciPy or `math`; NotImplemented where formulas have none like it."""
    names = next(given._names for given in inputs if isinstance(given, _Name))
    if ufunc in ("positive", "conjugate"):
        return inputs[0]
    if ufunc == "reciprocal":
        return 1.0 / inputs[0]
    if ufunc == "floor_divide":
        return _written("floor", (inputs[0] / inputs[1],))
    if ufunc in _WRITTEN:
        return _WRITTEN[ufunc](*inputs)
    if ufunc in ("deg2rad", "radians", "rad2deg", "degrees"):
        return inputs[0] * (math.pi / 180.0 if ufunc in ("deg2rad", "radians") else 180.0 / math.pi)
    places = [names.place_of(given) for given in inputs]
    if None in places:
        return NotImplemented
    known = tuple(place for place in places if place is not None)
    if ufunc in _SIGNS:
        return _Name(names, names.step("compare", known, (_SIGNS[ufunc],)))
    if ufunc in _JOINS and all(isinstance(given, _Name) and given._decides for given in inputs):
        return _Name(names, names.step(_JOINS[ufunc], known))
    return _Name(names, names.step(_OPS[ufunc], known)) if ufunc in _OPS else NotImplemented


def _method(ufunc: str) -> Callable[..., Any]:
    def call(self: _Name, *others: Any) -> Any:
        found = _written(ufunc, (self, *others))
        if found is NotImplemented:
            raise DtypeError("a name has no value")
        return found

    return call


for _ufunc in (*_OPS, "conjugate", "deg2rad", "rad2deg", "radians", "degrees"):  # of arrays of names NumPy calls these
    setattr(_Name, _ufunc, _method(_ufunc))


def _where(condition: Any, then: Any, other: Any) -> Any:
    if not (isinstance(condition, _Name) and condition._decides):
        return then if bool(condition) else other
    names = condition._names
    places = names.place_of(then), names.place_of(other)
    if None in places:
        return NotImplemented
    return _Name(names, names.chosen(condition._place, *(p for p in places if p is not None)))


def _clip(x: Any, low: Any = None, high: Any = None, **named: Any) -> Any:
    low, high = named.get("min", named.get("a_min", low)), named.get("max", named.get("a_max", high))
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


def _select(conditions: Sequence[Any], choices: Sequence[Any], default: Any = 0) -> Any:
    for condition, choice in reversed(list(zip(conditions, choices, strict=True))):
        default = _where(condition, choice, default)
    return default


def _sinc(x: _Name) -> Any:
    return _Name(x._names, x._names.step("sinc", (x._place,)))


def _polyval(coefficients: Sequence[float], x: _Name) -> Any:
    return functools.reduce(lambda value, c: value * x + c, coefficients)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "where": _where, "clip": _clip, "select": _select, "sinc": _sinc, "polyval": _polyval,
}  # fmt: skip


# --- copies of functions that use `math` ----------------------------------------------------------


_OF_SEVERAL: dict[str, Callable[..., Any]] = {
    "fsum": sum,
    "prod": lambda values: functools.reduce(lambda a, b: a * b, values),
    "dist": lambda p, q: np.sqrt(sum((a - b) * (a - b) for a, b in zip(p, q, strict=True))),
    "sumprod": lambda p, q: sum(a * b for a, b in zip(p, q, strict=True)),
}


def _of_math(name: str) -> Callable[..., Any]:
    """A function of `math` that writes down what it does with names."""
    real = getattr(math, name)

    @functools.wraps(real)
    def call(*given: Any) -> Any:
        if name in _OF_SEVERAL and any(isinstance(v, _Name) for g in given if np.iterable(g) for v in g):
            return _OF_SEVERAL[name](*given)
        if not any(isinstance(g, _Name) for g in given):
            return real(*given)
        if name == "log" and len(given) == 2:
            return np.log(given[0]) / np.log(given[1])
        if name == "hypot" and len(given) != 2:
            return np.sqrt(sum(g * g for g in given))
        if name in ("isnan", "isinf", "isfinite"):
            return name == "isfinite"
        if name in ("fsum", "prod", "dist", "copysign", "frexp", "ldexp", "modf"):
            raise DtypeError("a name has no value")
        found = _written(_MATH.get(name, name), given)
        if found is NotImplemented:
            raise DtypeError("a name has no value")
        return found

    return call


_MATHEMATICS = SimpleNamespace(**{
    name: _of_math(name) if callable(value) else value for name, value in vars(math).items() if name[0] != "_"
})  # fmt: skip
_REAL = {value: name for name, value in vars(math).items() if callable(value) and name[0] != "_"}


def _names_in(code: CodeType) -> set[str]:
    """The global names that a function and those inside it use."""
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= _names_in(constant)
    return found


def _copied(value: Any, seen: dict[int, Any]) -> Any:
    """What stands in place of a value that a function uses: `math`, its functions, and functions that use them."""
    if value is math:
        return _MATHEMATICS
    if isinstance(value, ModuleType):
        return value
    if isinstance(value, FunctionType):
        return _copy(value, seen)
    if isinstance(value, MethodType) and isinstance(value.__func__, FunctionType):
        return MethodType(_copy(value.__func__, seen), value.__self__)
    if type(value) is functools.partial:
        return functools.partial(_copied(value.func, seen), *value.args, **value.keywords)
    if type(value) is np.vectorize and value.signature is None:
        return _copied(value.pyfunc, seen)
    try:
        return getattr(_MATHEMATICS, _REAL[value])
    except (KeyError, TypeError):
        return value


def _copy(f: FunctionType, seen: dict[int, Any]) -> FunctionType:
    """The function with others in place of those of `math`, in its globals, defaults and closure."""
    if id(f) in seen:
        return seen[id(f)]
    if (f.__module__ or "").split(".")[0] in ("numpy", "scipy"):
        return f  # they know what to do
    used = {name: f.__globals__[name] for name in _names_in(f.__code__) if name in f.__globals__}
    cells = tuple(CellType() for _ in f.__closure__ or ())
    seen[id(f)] = copy = FunctionType(f.__code__, dict(f.__globals__), f.__name__, f.__defaults__, cells)
    copy.__kwdefaults__ = f.__kwdefaults__
    copy.__globals__.update({name: _copied(value, seen) for name, value in used.items()})
    for cell, given in zip(cells, f.__closure__ or (), strict=True):
        try:
            cell.cell_contents = _copied(given.cell_contents, seen)
        except ValueError:  # of a variable that has no value yet
            continue
    return copy


# --- the function ---------------------------------------------------------------------------------


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


def _arrays(columns: Sequence[_Name]) -> list[np.ndarray]:
    """Each name as an array (1,) of it."""
    found = [np.empty(1, object) for _ in columns]
    for array, name in zip(found, columns, strict=True):
        array[0] = name
    return found


def _matrix(columns: Sequence[_Name]) -> np.ndarray:
    return np.stack(_arrays(columns), axis=1)


_HANDED: dict[str, tuple[Callable[[Sequence[_Name]], tuple[Any, ...]], ...]] = {  # what is tried, by `WAYS`
    "columns": (tuple, lambda names: tuple(_arrays(names))),
    "turned columns": (tuple, lambda names: tuple(_arrays(names))),
    "points": (lambda names: (_Points(names),), lambda names: (_matrix(names),)),
    "values": (tuple,),
    "point": (lambda names: (_matrix(names)[0],),),
    "matrix": (lambda names: (_matrix(names),),),
}


def traced(f: Callable[..., Any], names: Sequence[str], way: str = "columns") -> tuple[Expression, ...] | None:
    """The formulas of a function, one for each output; None where it is more than arithmetic and conditions.

    way: how it wants to be called: "columns" (an array for each of `names`), "points" (one array (n, d)), "values"
    (a number for each), "point" (an array (d,)), "matrix" (an array (1, d)).

    >>> (formula,) = traced(lambda x, y: np.sin(x) * y + 2 * x**2, ("x", "y"))
    >>> formula.on_points([[0.0, 1.0], [1.0, 2.0]]).round(6).tolist()
    [0.0, 3.682942]
    >>> (formula,) = traced(lambda x: math.exp(x) if x < 0 else 1 + x, ("x",), "values")
    >>> formula.on_points([[-1.0], [1.0]]).round(6).tolist()
    [0.367879, 2.0]
    """
    g, own = _copied(f, {}), inspect.getattr_static(type(f), "__call__", None)
    if g is f and isinstance(own, FunctionType):
        g = MethodType(_copy(own, {}), f)
    for handed in _HANDED.get(way, ()):
        written = _Names(names)
        call = functools.partial(_called, g, handed, written)
        try:
            with np.errstate(all="ignore"):
                places = _through(call, written, (), [MOST_WAYS], way in ("columns", "points"))
        except (Exception, SystemExit):  # a function of the user's may raise anything
            continue
        if places:
            return tuple(_upto(written.steps, place, names) for place in places)
    return None


def _called(f: Callable[..., Any], handed: Callable[[Sequence[_Name]], tuple[Any, ...]], written: _Names) -> Any:
    return f(*handed(written.columns))


def _through(call: Callable[[], Any], names: _Names, ways: tuple[bool, ...], left: list[int], alone: bool) -> list[int]:
    """The places of the outputs, joined from all ways that begin so.

    left: calls that may still be made. alone: whether an array (k,) that is returned is one output at k points.
    """
    if not left[0]:
        raise DtypeError("too many ways for a formula")
    left[0] -= 1
    names.begin(ways)
    found = _places(call(), names, alone)
    asked = names.asked
    if len(asked) < len(ways):
        raise DtypeError("not the same in every call")
    for i in range(len(asked) - 1, len(ways) - 1, -1):
        other = _through(call, names, (*ways, *(True for _ in range(i - len(ways))), False), left, alone)
        if len(other) != len(found):
            raise DtypeError("not as many values in every call")
        found = [names.chosen(asked[i], a, b) for a, b in zip(found, other, strict=True)]
    return found


def _places(found: Any, names: _Names, alone: bool) -> list[int]:
    """The places of what a function returned, one for each output."""
    if isinstance(found, np.ndarray):
        if found.ndim > 2 or (found.ndim == 2 and 1 not in found.shape) or (found.ndim == 1 < found.size and alone):
            raise DtypeError("more than one point")
        found = found.ravel().tolist()
    several = list(found) if isinstance(found, (tuple, list)) else [found]
    if not any(isinstance(_only(value), _Name) for value in several) and not names.asked:
        raise DtypeError("nothing of it is a formula")
    places = [names.place_of(_only(value)) for value in several]
    if not places or None in places:
        raise DtypeError("no formula")
    return [place for place in places if place is not None]


def _only(value: Any) -> Any:
    """The one element of an array."""
    return value.ravel()[0] if isinstance(value, np.ndarray) and value.size == 1 else value


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
