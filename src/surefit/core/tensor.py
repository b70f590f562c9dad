"""Tensor: a value that remembers how it was made.

A Tensor wraps an array, a name being recorded, or a batched value; its operations are the primitives of `ops`, its
gradients are in `backward`. Values are immutable. The one mutation, in `assignment`, is assigning the value of a *leaf*
(a parameter, a buffer, an optimiser's moment): that is what a training step changes, and what `program.record` turns
into state in and state out. Every in-place form (`add_`, `+=`, `x[0] = 1`) is such an assignment. Where no gradient is
recorded, a part of a leaf (`w.data`, `x[0]`, `x.view(-1)`) is a `View`, which reads the leaf and assigns it.
"""

from __future__ import annotations

import math
import operator
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit.core import functions as F
from surefit.core import ops, strides
from surefit.core.assignment import Assignable
from surefit.core.backward import Differentiable
from surefit.core.methods import IN_PLACE, METHODS, UFUNCS, in_place_method_of, method_of
from surefit.core.modes import mode, next_birth
from surefit.core.node import FREED, Node, Parent, value_of
from surefit.core.ops import FLOATS, KINDS, Arithmetic, Aval, Op, bool_, float32, float64, int32, int64
from surefit.core.primitive import MISFIT, Part, calm
from surefit.core.torch_methods import TorchMethods
from surefit.core.values import as_value, float_lists
from surefit.errors import ArgumentError, DtypeError, GradientError, RecordError, ShapeError

ndarray = np.ndarray
if TYPE_CHECKING:  # the functions that become methods at the end of this file, and the operators
    from surefit.core.signatures import Methods
else:
    Methods = Arithmetic

printing: dict[str, Any] = {"precision": 4, "threshold": 200}  # of tensors; surefit.torch.set_printoptions changes it
_LEVEL = 1 << 30  # in KINDS: Tensors are outside every other kind of value


class Tensor(Differentiable, Assignable, Methods, TorchMethods):
    """An n-dimensional array that can be differentiated.

    `Tensor(data)` is `tensor(data)`, except that integers in lists become float32, as in PyTorch. Attributes: `shape`,
    `dtype`, `ndim`, `requires_grad`, `grad` (a Tensor after `backward`), `is_leaf`, `T`, `mT`, `data` (the same value,
    detached). Methods are the functions of `surefit.core.functions` under PyTorch's names, and the in-place forms of
    many of them (`add_`, `clamp_`, ...), which assign.

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    __slots__ = ()

    def __init__(self, data: Any = (), dtype: Any = None, requires_grad: bool = False) -> None:
        if isinstance(data, int) and (dtype is None or isinstance(dtype, int)) and not isinstance(data, bool):
            sizes = data if dtype is None else f"{data}, {dtype}"
            raise ArgumentError(
                f"Tensor({sizes}) would be a tensor of that size in PyTorch: write zeros({sizes}), or tensor({data}) "
                f"for one number"
            )
        self._value = float_lists(data) if dtype is None else as_value(data, dtype)
        self._node: Node | None = None
        self._birth = next_birth()
        self._grad: Tensor | None = None
        self.requires_grad = False
        if requires_grad:
            self.requires_grad_()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        KINDS[cls] = (_LEVEL, apply_op)

    # --- what it is ---

    @property
    def shape(self) -> tuple[int, ...]:
        return self._value.shape

    @property
    def dtype(self) -> np.dtype:
        return self._value.dtype

    @property
    def ndim(self) -> int:
        return self._value.ndim

    @property
    def aval(self) -> Aval:
        v = self._value
        return Aval(v.shape, v.dtype) if v.__class__ is ndarray else ops.aval_of(v)

    @property
    def known(self) -> ndarray | None:
        """The array inside, where it is known and will not change (internal: see `ops.known`)."""
        v = value_of(self)
        return v if isinstance(v, ndarray) else None

    @staticmethod
    def made(value: Any) -> Tensor:
        """A tensor around an array that nobody else writes into."""
        return wrap(value)

    @property
    def is_leaf(self) -> bool:
        """True unless it is the remembered result of an operation."""
        return self._node is None

    @property
    def T(self) -> Tensor:
        """All axes in reverse order."""
        n = self.ndim
        return ops.transpose(self, axes=tuple(range(n - 1, -1, -1))) if n > 1 else self

    @property
    def mT(self) -> Tensor:
        """The last two axes exchanged."""
        if self.ndim < 2:
            raise ShapeError(f"mT: needs at least two axes, got {self.shape}")
        return ops.swap_last(self)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one axis."""
        return self.shape if dim is None else self.shape[ops.normalize_axis("size", dim, self.ndim)]

    def dim(self) -> int:
        """How many axes."""
        return self.ndim

    def numel(self) -> int:
        """How many elements."""
        return math.prod(self._value.shape)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a 0-d tensor")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if not self.shape:
            raise TypeError("iteration over a 0-d tensor")
        return iter(F.unbind(self))

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        v = self._value
        extra = ""
        if not isinstance(v, ndarray):
            body = repr(v)
        else:
            body = np.array2string(v, separator=", ", prefix="tensor(", floatmode="maxprec", **printing)
            if v.dtype == float64 or v.dtype == int32 or (v.size == 0 and v.dtype != float32):
                extra += f", dtype={v.dtype}"
        if self._node is not None:
            extra += f", grad_fn={'freed' if self._node is FREED else self._node.op.name}"
        elif self.requires_grad:
            extra += ", requires_grad=True"
        return f"tensor({body}{extra})"

    # --- out to NumPy and Python ---

    def numpy(self) -> ndarray:
        """The value as a read-only NumPy array (no copy). GradientError when it requires grad: detach() first."""
        if self.requires_grad and mode.grad:
            raise GradientError("numpy() would lose the gradient of this tensor: call .detach().numpy()")
        out = self._concrete("numpy()").view()
        out.flags.writeable = False
        return out

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> ndarray:
        if self.requires_grad and mode.grad:
            raise GradientError("NumPy would lose the gradient of this tensor: use x.detach(), or surefit's functions")
        return np.array(self._concrete("a NumPy array"), dtype=dtype, copy=True if copy is None else copy)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        f = UFUNCS.get(ufunc.__name__) if method == "__call__" and not kwargs else None
        if f is None:
            return NotImplemented
        return f(*(Tensor(x) if isinstance(x, ndarray) else x for x in inputs))

    def _concrete(self, what: str) -> ndarray:
        v = self._value if mode.recorder is None else mode.recorder.read(self)
        if not isinstance(v, ndarray):
            raise RecordError(
                f"{what} needs the number behind {v!r}, which is not known while a function is recorded or batched; "
                f"use where(...) instead of a Python branch on values, and return what you want to see"
            )
        return v

    def item(self) -> Any:
        """The one element as a Python number."""
        v = self._concrete("item()")
        if v.size != 1:
            raise ShapeError(f"item() needs exactly one element, this tensor has {v.size} (shape {v.shape})")
        return v.item()

    def tolist(self) -> Any:
        """Nested lists of Python numbers."""
        return self._concrete("tolist()").tolist()

    def __float__(self) -> float:
        if mode.followed and mode.grad and self.requires_grad:  # math.sin(x) would be a constant of the function
            raise GradientError(
                "float() would lose the gradient of this tensor, and so do the functions of math: use surefit's "
                "(surefit.sin), or .item() where only the number is wanted"
            )
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self.dtype not in (int32, int64):
            raise DtypeError(f"only an integer tensor can be an index, this one is {self.dtype}")
        return int(self.item())

    def __bool__(self) -> bool:
        v = self._concrete("a Python branch (if, while, and, or)")
        if v.size != 1:
            raise ArgumentError(f"truth of a tensor with {v.size} elements is ambiguous; use .any() or .all()")
        return bool(v)

    def __contains__(self, x: Any) -> bool:
        return bool(F.any(ops.eq(self, x)))

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.ndim == 0 and spec else object.__format__(self, spec)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if self._node is not None:
            raise GradientError("only leaves can be copied with deepcopy; use .clone() or .detach()")
        twin = type(self).__new__(type(self))
        Tensor.__init__(twin, self._value, requires_grad=self.requires_grad)
        twin.grad = None if self.grad is None else wrap(value_of(self.grad))
        memo[id(self)] = twin
        return twin

    def __reduce__(self) -> Any:
        if self._node is not None:
            raise GradientError("only leaves can be copied or pickled (plots copy what they get); call .detach() first")
        return type(self), (self._concrete("pickling"), None, self.requires_grad)

    # --- gradients ---

    def detach(self) -> Tensor:
        """The same value without its history. Of a leaf it is a view: what is changed in place changes the leaf."""
        return View(self) if self._node is None else _detached(self)

    @property
    def data(self) -> Tensor:
        """`detach()`. Assigning to it assigns the leaf."""
        return self.detach()

    @data.setter
    def data(self, value: Any) -> None:
        if self._node is not None:  # of a part of a leaf, x.data += 1 has changed the leaf already
            own = self.detach()
            if isinstance(own, View) and isinstance(value, View) and own.base is value.base and own.path == value.path:
                return
        other = value.base if isinstance(value, View) and not value.path else self
        if other is not self and other.requires_grad:
            raise GradientError(
                "p.data = q.data would make two leaves share one value, which surefit does not do; copy it with "
                "p.data.copy_(q.data), or use one Parameter in both places"
            )
        self.assign(value)

    def clone(self) -> Tensor:
        """An equal tensor with this one in its history, which shares nothing with it."""
        return ops.cast(self, dtype=self.dtype) if self.requires_grad and mode.grad else wrap(value_of(self))

    def detach_(self) -> Tensor:
        """Drop the history of this tensor, whose graph must have been used up by `backward`."""
        if self._node is not None and self._node is not FREED:
            raise GradientError("detach_: other tensors may still need this graph; use x = x.detach()")
        self._node, self.requires_grad = None, False
        return self

    # --- operators that are more than a primitive ---

    def __pow__(self, o: Any) -> Tensor:
        return F.pow(self, o)

    def __rpow__(self, o: Any) -> Tensor:
        return F.pow(o, self)

    def __matmul__(self, o: Any) -> Tensor:
        return F.matmul(self, o if isinstance(o, Tensor) else wrap(as_value(o)))

    def __rmatmul__(self, o: Any) -> Tensor:
        return F.matmul(o if isinstance(o, Tensor) else wrap(as_value(o)), self)

    def __getitem__(self, index: Any) -> Tensor:
        return F.getitem(self, index)

    def __eq__(self, o: Any) -> Tensor:  # type: ignore[override]
        return NotImplemented if o is None or isinstance(o, str) else ops.eq(self, o)

    def __ne__(self, o: Any) -> Tensor:  # type: ignore[override]
        return NotImplemented if o is None or isinstance(o, str) else ops.ne(self, o)

    # --- dtypes ---

    def float(self) -> Tensor:
        """As float32."""
        return self.to(float32)

    def double(self) -> Tensor:
        """As float64."""
        return self.to(float64)

    def int(self) -> Tensor:
        """As int32."""
        return self.to(int32)

    def long(self) -> Tensor:
        """As int64."""
        return self.to(int64)

    def bool(self) -> Tensor:
        """As bool: True where nonzero."""
        return self.to(bool_)


def forget_gradients(leaves: Iterable[Tensor], set_to_none: bool = True) -> None:
    """`.grad` of each becomes None, or zeros where there is a gradient and set_to_none=False."""
    for p in leaves:
        p.grad = None if set_to_none or p.grad is None else wrap(np.zeros(p.shape, p.dtype))


_new = Tensor.__new__
_new_node = Node.__new__


def wrap(value: Any) -> Tensor:
    """A Tensor around a value, without copying (internal: nobody else may write into the array)."""
    if value.__class__ is np.ndarray or not isinstance(value, (np.generic, float, int)):
        pass
    else:
        value = np.asarray(value)
    t = _new(Tensor)
    t._value, t._node, t._birth, t._grad, t.requires_grad = value, None, next_birth(), None, False
    return t


def apply_op(op: Op, args: tuple[Any, ...], params: dict[str, Any]) -> Tensor:
    """A primitive on Tensors: the value inside, and what is needed to go back."""
    recorder, remember = mode.recorder, mode.grad
    values: list[Any] = []
    parents: list[Parent] = []
    plain = True  # only arrays and numbers inside: the value needs no further dispatch
    for i, a in enumerate(args):
        if isinstance(a, Tensor):
            v = a._value if recorder is None else recorder.read(a)
            plain = plain and v.__class__ is ndarray
            values.append(v)
            if a.requires_grad and remember:
                rule = op.vjp(i)
                if rule is not None:
                    parents.append((i, a, rule))
        elif isinstance(a, np.generic):
            values.append(a.item())  # NumPy's scalars are as weak as Python's
        else:
            plain = plain and a.__class__ is float
            values.append(a)
    if plain and calm.on and recorder is None:  # what op(...) would do, without its dispatch
        try:
            y = op.value(*values, **params)
        except MISFIT:
            y = op.misfit(values, params)
    else:
        y = op(*values, **params)
    if parents and y.dtype in FLOATS:
        t = wrap(y)
        node = t._node = _new_node(Node)
        node.op, node.parents, node.values, node.params = op, parents, values, params
        t.requires_grad = True
        return t
    return wrap(y) if op.put is None else _view(args[0], op, params, y)


def _operator(op: Op, swapped: bool = False) -> Callable[[Tensor, Any], Tensor]:
    """An operator that goes straight to `apply_op`: most of the time of small networks is dispatch."""
    if swapped:
        return lambda self, o: apply_op(op, (o, self), {})
    return lambda self, o: apply_op(op, (self, o), {})


for _symbol, _op in (("add", ops.add), ("sub", ops.sub), ("mul", ops.mul), ("truediv", ops.div)):
    setattr(Tensor, f"__{_symbol}__", _operator(_op))
    setattr(Tensor, f"__r{_symbol}__", _operator(_op, swapped=True))


def _in_place_operator(f: Callable[..., Any]) -> Callable[[Tensor, Any], Tensor]:
    return lambda self, o: self._in_place(f, o)


for _symbol, _f in (
    ("add", ops.add), ("sub", ops.sub), ("mul", ops.mul), ("truediv", ops.div), ("floordiv", ops.floor_divide),
    ("mod", ops.remainder), ("pow", F.pow), ("and", operator.and_), ("or", operator.or_), ("xor", operator.xor),
):  # fmt: skip
    setattr(Tensor, f"__i{_symbol}__", _in_place_operator(_f))

KINDS[Tensor] = (_LEVEL, apply_op)


class View(Tensor):
    """A part of another tensor, or all of it: reads that tensor's present value, and assigns it when it is assigned.

    base: a leaf that is no view. path: the primitives, each with its parameters, that lead from base to here.
    """

    __slots__ = ("_seen", "base", "path", "strides")
    _is_view = True

    def __init__(
        self, of: Tensor, step: tuple[Op | Part, dict[str, Any]] | None = None, apart: strides.Strides | None = None
    ) -> None:
        self.base: Tensor = of.base if isinstance(of, View) else of
        before: tuple[tuple[Op | Part, dict[str, Any]], ...] = of.path if isinstance(of, View) else ()
        self.path: tuple[tuple[Op | Part, dict[str, Any]], ...] = before if step is None else (*before, step)
        self.strides: strides.Strides | None = of.strides if step is None and isinstance(of, View) else apart
        self._seen: tuple[Any, Any] = (None, None)  # the base's value, and what the path made of it
        self._node, self._birth, self._grad, self.requires_grad = None, next_birth(), None, False

    @property
    def _value(self) -> Any:
        whole = value_of(self.base)
        seen, part = self._seen
        if seen is not whole:
            part = self._steps(whole)[-1]
            self._seen = (whole, part)
        return part

    def _steps(self, whole: Any) -> list[Any]:
        """The value of the base and of each step from there."""
        values = [whole]
        for op, params in self.path:
            values.append(op(values[-1], **params))
        return values

    def _store(self, value: Any) -> None:
        for before, (op, params) in zip(self._steps(value_of(self.base))[-2::-1], self.path[::-1], strict=True):
            assert op.put is not None
            value = op.put(before, value, **params)
        self.base._store(value)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        twin = memo[id(self)] = Tensor(self._concrete("deepcopy"), requires_grad=self.requires_grad)
        twin.grad = None if self.grad is None else wrap(value_of(self.grad))
        return twin

    def __reduce__(self) -> Any:
        return Tensor, (self._concrete("pickling"), None, self.requires_grad)


def _part(x: Any, part: Part, params: dict[str, Any]) -> Any:
    """A part of any value: of a tensor without history a view."""
    y = part(x, **params)
    if not isinstance(x, Tensor) or y._node is not None:
        return y
    return _view(x, part, params, value_of(y))


ops.part_of[0] = _part


def _view(of: Tensor, op: Op | Part, params: dict[str, Any], value: Any) -> Tensor:
    """The result of a primitive that takes a part of a tensor: a View, or a tensor of its own where PyTorch copies."""
    have = of.strides if isinstance(of, View) else None
    if have is None and op is ops.reshape:
        now = None
    else:
        now = strides.after(op.name, params, of.shape, have)
        if now is None:
            return wrap(value)
    t = View(of, (op, params), now)
    t._seen = (value_of(t.base), value)
    return t


class Snapshot(Tensor):
    """The value that another tensor has now. What is changed in place here is changed there too, or is refused.

    whole: the result of an operation of which `of` is a part, if it is one.
    """

    __slots__ = ("_sources",)

    def __init__(self, of: Tensor, whole: Tensor | None = None) -> None:
        self._value = value_of(of)
        self._sources = [weakref.ref(t) for t in (of, whole) if t is not None]
        self._node, self._birth, self._grad, self.requires_grad = None, next_birth(), None, False

    def _store(self, value: Any) -> None:
        for of in [t for ref in self._sources if (t := ref()) is not None]:  # somebody can notice
            if of._node is not None:
                raise GradientError(
                    "this tensor was detached from the result of an operation, which would have to change too; change "
                    "x.detach().clone() instead"
                )
            if not _same(value_of(of), self._value):
                raise GradientError(
                    "the leaf of which this is a snapshot has changed since; take state_dict() again, or clone()"
                )
            of._store(value)
        super()._store(value)

    __deepcopy__, __reduce__ = View.__deepcopy__, View.__reduce__


def _detached(t: Tensor) -> Tensor:
    """The value of a result without its history: a view where it is a part of a leaf (`w[0].data`)."""
    source, steps = t, []
    while source._node is not None and source._node is not FREED and source._node.op.put is not None:
        steps.append((source._node.op, source._node.params))
        source = source._node.parents[0][1]
    if source._node is not None:
        return Snapshot(t, source)
    view: Tensor = View(source)
    for op, params in steps[::-1]:
        view = apply_op(op, (view,), params)
    return view


def _same(a: Any, b: Any) -> bool:
    """Whether two values are one, or arrays with the same bits."""
    return a is b or (isinstance(a, ndarray) and isinstance(b, ndarray) and a.tobytes() == b.tobytes())


def _apply_to_nothing(op: Op, params: dict[str, Any]) -> Any:
    return op.value(**params) if mode.recorder is None else mode.recorder.apply(op, (), params)


ops.from_nothing[0] = _apply_to_nothing


for _name in METHODS:
    if not hasattr(Tensor, _name):
        setattr(Tensor, _name, method_of(getattr(F, _name)))
for _name in IN_PLACE:
    setattr(Tensor, f"{_name}_", in_place_method_of(_name))
