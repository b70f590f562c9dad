"""What a primitive is, apart from the list of them, which is `ops`.

Here are the dtypes and how they meet, how an operation finds the reading that its arguments ask for, and the checks
that all declarations share.

Dtypes: bool < int32 < int64 < float32 < float64, the larger one wins. Python numbers are weak: they take the dtype of
the arrays they meet, except that a float among integers gives float32.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any, NamedTuple, TypeVar

import numpy as np

from surefit.errors import ArgumentError, AxisError, DtypeError, ShapeError

ndarray = np.ndarray
Function = TypeVar("Function", bound=Callable[..., Any])

bool_ = np.dtype(np.bool_)
int32 = np.dtype(np.int32)
int64 = np.dtype(np.int64)
float32 = np.dtype(np.float32)
float64 = np.dtype(np.float64)

DTYPES = (bool_, int32, int64, float32, float64)  # in order of promotion: the larger index wins
RANK = {d: i for i, d in enumerate(DTYPES)}
FLOATS = frozenset((float32, float64))


class _Default:
    """The dtype of what has none of its own: Python's floats, zeros(3), the weights of a layer, exp of integers."""

    float: np.dtype = float32


default = _Default()


MISFIT = (ValueError, TypeError, IndexError, AttributeError)  # what NumPy raises for arguments that do not fit


class _Calm(threading.local):
    on = False  # whether this thread computes without NumPy's floating-point warnings already


calm = _Calm()


@np.errstate(all="ignore")
def _calmly(f: Callable[..., Any], args: Iterable[Any], params: dict[str, Any]) -> Any:
    try:
        calm.on = True
        return f(*args, **params)
    finally:
        calm.on = False


def quietly(f: Callable[..., Any], args: Iterable[Any], params: dict[str, Any]) -> Any:
    """f(*args, **params) without NumPy's floating-point warnings: infinities and NaNs are values here.

    Switching them off costs as much as a small operation does, so only the outermost call does it.
    """
    return f(*args, **params) if calm.on else _calmly(f, args, params)


def silent(f: Function) -> Function:
    """f, always called `quietly`."""

    @wraps(f)
    def inside(*args: Any, **params: Any) -> Any:
        return f(*args, **params) if calm.on else _calmly(f, args, params)

    return inside  # type: ignore[return-value]


class Aval(NamedTuple):
    """What is known of a value before it exists: its shape and dtype. `weak` marks Python numbers."""

    shape: tuple[int, ...]
    dtype: np.dtype
    weak: bool = False

    def __str__(self) -> str:
        return f"{self.dtype}[{','.join(map(str, self.shape))}]"


def dtype_of(text: Any) -> np.dtype:
    """The np.dtype for a dtype-like, or DtypeError when surefit has no such dtype."""
    kinds = {bool: bool_, int: int64, float: default.float}
    try:
        d = kinds[text] if isinstance(text, type) and text in kinds else np.dtype(text)
    except TypeError:
        raise DtypeError(f"dtype={text!r} is not a dtype; use one of {', '.join(map(str, DTYPES))}") from None
    if d not in RANK:
        raise DtypeError(f"dtype {d} is not one of surefit's: {', '.join(map(str, DTYPES))}; cast the data first")
    return d


def aval_of(a: Any) -> Aval:
    """Shape and dtype of any value: Tensor, Var, Batched, ndarray or Python number."""
    cls = a.__class__
    if cls is ndarray:
        return Aval(a.shape, a.dtype)
    if cls is float:
        return Aval((), float64, True)
    if cls is bool:
        return Aval((), bool_, True)
    if cls is int:
        return Aval((), int64, True)
    aval = getattr(a, "aval", None)
    if aval is not None:
        return aval
    if isinstance(a, (np.generic, ndarray)):
        return Aval(a.shape, a.dtype)
    raise DtypeError(
        f"{type(a).__name__} object is not a number, an array or a Tensor; convert it with surefit.tensor(...)"
    )


def shape_of(a: Any) -> tuple[int, ...]:
    """The shape of any value, () for a number: `aval_of(a).shape` in less time."""
    try:
        return a.shape
    except AttributeError:
        return aval_of(a).shape


def known(x: Any) -> ndarray | None:
    """The array behind a value where it is known and fixed: no name, no batch, and no leaf while one is recorded."""
    x = getattr(x, "known", x)
    return x if isinstance(x, ndarray) else None


def at_once(*values: Any) -> bool:
    """Whether all are arrays and no function is being recorded, so that NumPy may write into a copy of one.

    While one is recorded, primitives have to say how a value came about.
    """
    return ndarray not in KINDS and all(v.__class__ is ndarray for v in values)


def promote(avals: Iterable[Aval]) -> tuple[np.dtype, bool]:
    """The dtype that these values meet in, and whether it is still weak (only Python numbers took part)."""
    strong, weak = -1, -1
    for _, dtype, is_weak in avals:
        rank = RANK.get(dtype)
        if rank is None:
            dtype_of(dtype)
        if is_weak:
            weak = max(weak, rank)  # type: ignore[type-var, assignment]
        else:
            strong = max(strong, rank)  # type: ignore[type-var, assignment]
    if strong < 0:
        return DTYPES[weak], True
    if weak > 2 and strong <= 2:  # a Python float among integers or booleans
        return default.float, False
    if weak > 0 and strong == 0:  # a Python int among booleans
        return int64, False
    return DTYPES[strong], False


class Literal(np.ndarray):
    """An array that may be written into a Program whatever its size: its author gave it as a constant, as a mask."""


# --- dispatch ------------------------------------------------------------------------------------

# type -> (level, apply(op, args, params)). The highest level among the arguments decides; arrays have none.
KINDS: dict[type, tuple[float, Callable[..., Any]]] = {}
# A primitive without arguments (iota) cannot see from them that it is being recorded: `tensor` answers here.
from_nothing: list[Callable[[Op, dict[str, Any]], Any]] = [lambda op, params: op.value(**params)]


class Part(NamedTuple):
    """A function that takes a part of a value, made of primitives that do not: of a tensor its result is a view.

    put(x, new, **params): x with `new` in the place of that part.
    """

    name: str
    value: Callable[..., Any]
    put: Callable[..., Any]

    def __call__(self, x: Any, **params: Any) -> Any:
        return self.value(x, **params)


# What a Part of any value is: `tensor` makes views of tensors.
part_of: list[Callable[[Any, Part, dict[str, Any]], Any]] = [lambda x, part, params: part(x, **params)]


class Op:
    """A primitive: `op(*args, **params)` evaluates, differentiates, batches or records, as its arguments ask."""

    __slots__ = ("category", "elementwise", "name", "put", "rule", "tier", "value", "vjp", "vjps")

    def __init__(
        self,
        name: str,
        value: Callable[..., Any],
        vjps: tuple[Callable[..., Any] | None, ...] | Callable[[int], Callable[..., Any]],
        rule: Callable[..., Aval],
        tier: str = "core",
        category: str = "structural",
        put: Callable[..., Any] | None = None,
        elementwise: bool = False,
    ) -> None:
        if name in TABLE:
            raise ArgumentError(f"primitive {name!r} is declared twice")
        self.name, self.value, self.vjps, self.rule = name, value, vjps, rule
        # vjp(i): the gradient rule of argument i, or None where no gradient passes
        self.vjp: Callable[[int], Callable[..., Any] | None] = vjps if callable(vjps) else vjps.__getitem__
        self.tier, self.category = tier, category
        # of an operation whose result is a part of its argument: put(x, new, **params) is x with `new` in that part
        self.put = put
        self.elementwise = elementwise  # its value promotes its arguments, and so looks at all their dtypes
        TABLE[name] = self

    def __call__(self, *args: Any, **params: Any) -> Any:
        level: float = 0
        apply = None
        for a in args:
            kind = KINDS.get(a.__class__)
            if kind is not None and kind[0] > level:
                level, apply = kind
        if apply is not None:
            return apply(self, args, params)
        if not args:
            return from_nothing[0](self, params)
        if not self.elementwise:
            for a in args:
                if a.__class__ is not ndarray or a.dtype not in RANK:
                    args = tuple(map(_accepted, args))
                    break
        try:
            return self.value(*args, **params) if calm.on else _calmly(self.value, args, params)
        except MISFIT:
            return self.misfit(args, params)

    def computed(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        """The value from arrays and numbers alone."""
        try:
            return quietly(self.value, args, params)
        except MISFIT:
            return self.misfit(args, params)

    def misfit(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        """What to do about arrays and numbers that `value` has refused with an error of the kinds in MISFIT."""
        self.rule(*map(aval_of, args), **params)  # says what is wrong in our words, if it can
        if self.category != "structural" or not any(isinstance(a, (int, float)) for a in args):
            raise  # the error that is being handled
        return quietly(self.value, map(np.asarray, args), params)  # numbers have no shape: here they are arrays

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return primitive, (self.name,)


TABLE: dict[str, Op] = {}


def primitive(name: str) -> Op:
    """The primitive of that name."""
    return TABLE[name]


def _logical(symbol: str, name: str, swapped: bool = False) -> Callable[..., Any]:
    """An operator of booleans. Of integers it would be bitwise, which surefit does not have."""

    def operate(*values: Any) -> Any:
        for v in values:
            if aval_of(v).dtype != bool_:
                raise DtypeError(f"{symbol} is defined on booleans, not on {aval_of(v).dtype}; use {name}(...)")
        return TABLE[name](*(reversed(values) if swapped else values))

    return operate


class Arithmetic:
    """Operators shared by every kind of value that is not an array."""

    __slots__ = ()
    __array_ufunc__: Any = None  # an ndarray on the left of an operator defers to us

    def __add__(self, o: Any) -> Any:
        return TABLE["add"](self, o)

    def __radd__(self, o: Any) -> Any:
        return TABLE["add"](o, self)

    def __sub__(self, o: Any) -> Any:
        return TABLE["sub"](self, o)

    def __rsub__(self, o: Any) -> Any:
        return TABLE["sub"](o, self)

    def __mul__(self, o: Any) -> Any:
        return TABLE["mul"](self, o)

    def __rmul__(self, o: Any) -> Any:
        return TABLE["mul"](o, self)

    def __truediv__(self, o: Any) -> Any:
        return TABLE["div"](self, o)

    def __rtruediv__(self, o: Any) -> Any:
        return TABLE["div"](o, self)

    def __floordiv__(self, o: Any) -> Any:
        return TABLE["floor_divide"](self, o)

    def __rfloordiv__(self, o: Any) -> Any:
        return TABLE["floor_divide"](o, self)

    def __mod__(self, o: Any) -> Any:
        return TABLE["remainder"](self, o)

    def __rmod__(self, o: Any) -> Any:
        return TABLE["remainder"](o, self)

    def __neg__(self) -> Any:
        return TABLE["neg"](self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return TABLE["abs"](self)

    def __matmul__(self, o: Any) -> Any:
        return TABLE["matmul"](self, o)

    def __rmatmul__(self, o: Any) -> Any:
        return TABLE["matmul"](o, self)

    def __lt__(self, o: Any) -> Any:
        return TABLE["lt"](self, o)

    def __le__(self, o: Any) -> Any:
        return TABLE["le"](self, o)

    def __gt__(self, o: Any) -> Any:
        return TABLE["gt"](self, o)

    def __ge__(self, o: Any) -> Any:
        return TABLE["ge"](self, o)

    __and__, __rand__ = _logical("&", "logical_and"), _logical("&", "logical_and", swapped=True)
    __or__, __ror__ = _logical("|", "logical_or"), _logical("|", "logical_or", swapped=True)
    __xor__, __rxor__ = _logical("^", "logical_xor"), _logical("^", "logical_xor", swapped=True)
    __invert__ = _logical("~", "logical_not")


# --- shape rules ---------------------------------------------------------------------------------


def broadcast_shapes(name: str, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The common shape, or a ShapeError that shows all of them and the axis that fails."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        shown = ", ".join(map(str, shapes))
        raise ShapeError(
            f"{name}: shapes {shown} do not broadcast: from the right, each pair of sizes must be equal or one "
            f"of them 1; reshape one argument (for example x.reshape(-1, 1))"
        ) from None


def normalize_axis(name: str, axis: Any, ndim: int, argument: str = "dim") -> int:
    """An axis as 0 <= axis < ndim; AxisError otherwise."""
    try:
        i = axis.__index__()
    except (AttributeError, TypeError):
        raise DtypeError(f"{name}: {argument}={axis!r} must be an integer") from None
    if not -ndim <= i < ndim:
        span = f"-{ndim} to {ndim - 1}" if ndim else "none, the value has no axes"
        raise AxisError(f"{name}: {argument}={i} is out of range for {ndim} axes (allowed: {span})")
    return i % ndim


def normalize_axes(name: str, axis: Any, ndim: int, argument: str = "dim") -> tuple[int, ...]:
    """None, an int or several -> sorted tuple of distinct axes; AxisError for a repeated or missing axis."""
    if axis is None:
        return tuple(range(ndim))
    many = axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = tuple(normalize_axis(name, a, ndim, argument) for a in many)
    if len(set(axes)) != len(axes):
        raise AxisError(f"{name}: {argument}={axis} names an axis twice")
    return tuple(sorted(axes))


def promoted(name: str, args: tuple[Any, ...], kind: str) -> tuple[list[Any], bool]:
    """Array arguments of one dtype; whether all were Python numbers."""
    dtype, weak = operand_dtype(name, [aval_of(a) for a in args], kind)
    return [as_array(a, dtype) for a in args], weak


def plain_array(a: ndarray) -> ndarray:
    """An array without what its class adds. ArgumentError for a masked array that hides elements."""
    hidden = np.count_nonzero(getattr(a, "mask", False))
    if hidden:
        raise ArgumentError(
            f"a masked array of shape {a.shape} hides {hidden} elements, which a tensor cannot; fill them "
            f"(a.filled(...)) or leave them out (a.compressed())"
        )
    return a if isinstance(a, Literal) else np.asarray(a)


def _accepted(a: Any) -> Any:
    """A value that is no plain array of our dtypes, in a form that is, or an error that says why it cannot be."""
    dtype_of(aval_of(a).dtype)
    return plain_array(a) if isinstance(a, ndarray) else a


def as_array(a: Any, dtype: np.dtype) -> ndarray:
    """A number or an array in the dtype it is promoted to; ArgumentError for an integer that does not fit."""
    if a.__class__ is not ndarray and isinstance(a, ndarray):
        a = plain_array(a)
    try:
        return np.asarray(a, dtype)
    except OverflowError:
        raise ArgumentError(f"{a} does not fit into {dtype}") from None


def operand_dtype(name: str, avals: list[Aval], kind: str) -> tuple[np.dtype, bool]:
    """The dtype in which an elementwise operation of this kind works; whether only Python numbers take part."""
    dtype, weak = promote(avals)
    if kind == "logical":
        return bool_, weak
    if kind == "float" and dtype not in FLOATS:
        dtype = float64 if weak else default.float
    if kind == "number" and dtype == bool_:
        raise DtypeError(f"{name} is not defined on bool; cast first (x.float(), x.long()) or use ~, &, |, ^")
    return dtype, weak


def _elementwise_rule(name: str, kind: str, result: str) -> Callable[..., Aval]:
    def rule(*avals: Aval) -> Aval:
        dtype, weak = operand_dtype(name, list(avals), kind)
        shape = broadcast_shapes(name, *(a.shape for a in avals))
        return Aval(shape, bool_ if result == "bool" else dtype, weak)

    return rule


# --- declaring elementwise primitives ---------------------------------------------------------------

# category: how the operands are promoted before the operation
#   "same"    whatever dtype they meet in           "number"  the same, but booleans are refused
#   "float"   integers become floats                "logical" everything becomes bool (nonzero is True)


def _finish(y: Any, weak: bool) -> Any:
    return y.item() if weak else y  # numbers in, number out: it stays weak


def unary(
    name: str,
    fn: Callable[..., Any],
    vjp: Callable[..., Any] | None,
    kind: str = "same",
    result: str = "same",
    tier: str = "core",
) -> Op:
    ok = FLOATS if kind == "float" else frozenset(DTYPES[1:]) if kind == "number" else frozenset(DTYPES)
    if kind == "logical":
        ok = frozenset((bool_,))

    def value(x: Any) -> Any:
        if x.__class__ is ndarray and x.dtype in ok:
            return fn(x)
        (x,), weak = promoted(name, (x,), kind)
        return _finish(fn(x), weak)

    return Op(name, value, (vjp,), _elementwise_rule(name, kind, result), tier, kind, elementwise=True)


def binary(
    name: str,
    fn: Callable[..., Any],
    vjp_a: Callable[..., Any] | None,
    vjp_b: Callable[..., Any] | None,
    kind: str = "same",
    result: str = "same",
    tier: str = "core",
) -> Op:
    def value(a: Any, b: Any) -> Any:
        if a.__class__ is ndarray and a.dtype in FLOATS and kind != "logical":
            if b.__class__ is float or (b.__class__ is ndarray and b.dtype is a.dtype):
                return fn(a, b)
        elif a.__class__ is float and b.__class__ is ndarray and b.dtype in FLOATS and kind != "logical":
            return fn(a, b)
        (a, b), weak = promoted(name, (a, b), kind)
        return _finish(fn(a, b), weak)

    return Op(name, value, (vjp_a, vjp_b), _elementwise_rule(name, kind, result), tier, kind, elementwise=True)
