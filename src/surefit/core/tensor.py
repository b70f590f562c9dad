"""Tensor: a value that remembers how it was made, and `backward`, which differentiates it.

A Tensor wraps an array, a name being recorded, or a batched value; its operations are the primitives of `ops`.
Values are immutable. The one mutation is assigning the value of a *leaf* (a parameter, a buffer, an optimiser's
moment): that is what a training step changes, and what `program.record` turns into state in and state out. Every
in-place form (`add_`, `+=`, `x[0] = 1`) is such an assignment. Where no gradient is recorded, a part of a leaf
(`w.data`, `x[0]`, `x.view(-1)`) is a `View`, which reads the leaf and assigns it.
"""

from __future__ import annotations

import math
import operator
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit.core import functions as F
from surefit.core import ops, strides
from surefit.core.entropy import numpy_stream
from surefit.core.methods import IN_PLACE, METHODS, UFUNCS, in_place_method_of, method_of
from surefit.core.modes import enable_grad, is_grad_enabled, mode, next_birth, no_grad
from surefit.core.ops import (
    FLOATS,
    KINDS,
    Arithmetic,
    Aval,
    Op,
    bool_,
    default,
    dtype_of,
    float32,
    float64,
    int32,
    int64,
)
from surefit.core.primitive import MISFIT, Part, calm
from surefit.core.shapes import put_at
from surefit.core.torch_methods import TorchMethods
from surefit.errors import ArgumentError, CapturedError, DtypeError, GradientError, RecordError, ShapeError

ndarray = np.ndarray
if TYPE_CHECKING:  # the functions that become methods at the end of this file, and the operators
    from surefit.core.signatures import Methods
else:
    Methods = Arithmetic


Parent = tuple[int, "Tensor", Callable[..., Any]]


class Node:
    """How a Tensor was made: primitive, arguments that need gradients (place, Tensor, rule), all values, parameters."""

    __slots__ = ("op", "params", "parents", "values")

    def __init__(self, op: Op, parents: list[Parent], values: list[Any], params: dict[str, Any]) -> None:
        self.op, self.parents, self.values, self.params = op, parents, values, params


class KeptNode(Node):
    """The node of a tensor that keeps its `.grad` though it is not a leaf."""

    __slots__ = ()


class Handle:
    """Takes a hook out again: `handle.remove()`."""

    def __init__(self, hooks: dict[int, Callable[..., Any]], hook: Callable[..., Any]) -> None:
        self._hooks, self._key = hooks, next_birth()
        hooks[self._key] = hook

    def remove(self) -> None:
        """The hook is called no more."""
        self._hooks.pop(self._key, None)

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


class GradFn:
    """The operation that made a tensor, to look at: `name()`, `next_functions`."""

    def __init__(self, of: Tensor) -> None:
        node = of._node
        self._name = "Freed" if node is None or node is _FREED else f"{node.op.name.strip('_').title()}Backward"
        self._parents = [] if node is None else [p for _, p, _ in node.parents]

    def name(self) -> str:
        """The name of the operation, as "MulBackward"."""
        return self._name

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """What made the arguments, in pairs with 0."""
        return tuple((p if p._node is None else GradFn(p), 0) for p in self._parents)

    def __repr__(self) -> str:
        return f"<{self._name}>"


printing: dict[str, Any] = {"precision": 4, "threshold": 200}  # of tensors; surefit.torch.set_printoptions changes it
_HOOKS: dict[int, dict[int, Callable[..., Any]]] = {}  # of the tensor with this birth: what to call with its gradient


def _hooked(t: Tensor, g: Any) -> Any:
    """The gradient of a tensor after its hooks."""
    for hook in list(_HOOKS.get(t._birth, {}).values()):
        new = hook(g if isinstance(g, Tensor) else wrap(g))
        if new is not None:
            g = new if isinstance(g, Tensor) else value_of(new)
    return g


_LEVEL = 1 << 30  # in KINDS: Tensors are outside every other kind of value
_FREED = Node(ops.add, [], [], {})  # stands where a graph was freed by backward


class Tensor(Methods, TorchMethods):
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

    __slots__ = ("__weakref__", "_birth", "_grad", "_node", "_value", "requires_grad")

    def __init__(self, data: Any = (), dtype: Any = None, requires_grad: bool = False) -> None:
        if isinstance(data, int) and (dtype is None or isinstance(dtype, int)) and not isinstance(data, bool):
            sizes = data if dtype is None else f"{data}, {dtype}"
            raise ArgumentError(
                f"Tensor({sizes}) would be a tensor of that size in PyTorch: write zeros({sizes}), or tensor({data}) "
                f"for one number"
            )
        self._value = _float_lists(data) if dtype is None else as_value(data, dtype)
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
            extra += f", grad_fn={'freed' if self._node is _FREED else self._node.op.name}"
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

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for (or stop asking for) gradients of this leaf. DtypeError unless it is float."""
        if requires_grad and self.dtype not in (float32, float64):
            raise DtypeError(f"only float tensors can require gradients, this one is {self.dtype}; use .float()")
        if self._node is not None and not requires_grad:
            raise GradientError("only a leaf's requires_grad can be changed; use .detach()")
        self.requires_grad = requires_grad
        return self

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
        if self._node is not None and self._node is not _FREED:
            raise GradientError("detach_: other tensors may still need this graph; use x = x.detach()")
        self._node, self.requires_grad = None, False
        return self

    @property
    def grad_fn(self) -> GradFn | None:
        """What made this tensor, or None for a leaf."""
        return None if self._node is None else GradFn(self)

    def register_hook(self, hook: Callable[[Tensor], Any]) -> Handle:
        """Call hook(gradient) when `backward` knows it; a tensor that the hook returns takes its place."""
        if not self.requires_grad:
            raise GradientError("register_hook: this tensor does not require grad, so no gradient will come")
        if self._birth not in _HOOKS:
            weakref.finalize(self, _HOOKS.pop, self._birth, None)
        return Handle(_HOOKS.setdefault(self._birth, {}), hook)

    def retain_grad(self) -> None:
        """Keep `.grad` for this tensor too, though it is not a leaf."""
        if self._node is not None and self._node is not _FREED:
            self._node.__class__ = KeptNode

    def backward(
        self,
        gradient: Any = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Sequence[Tensor] | None = None,
    ) -> None:
        """Add d(self)/d(leaf), weighted by `gradient`, to `.grad` of every leaf that requires it (or of `inputs`).

        `gradient` has self's shape and may be left out for one element. The graph is freed unless
        retain_graph=True; create_graph=True makes the gradients differentiable in turn.
        GradientError: nothing requires a gradient, or the graph was freed by an earlier call.
        """
        g = seed_gradient(self, gradient)
        keep = create_graph if retain_graph is None else retain_graph
        for t, grad in backpropagate([(self, g)], create_graph, keep, inputs):
            new = grad if isinstance(grad, Tensor) else wrap(grad)
            old = t._grad
            if old.__class__ is Tensor and not (old.requires_grad or create_graph) and mode.recorder is None:
                old._value = wrap(old._value + value_of(new))._value  # whoever holds the gradient sees it add up
                continue
            if mode.recorder is not None:
                mode.recorder.add_grad(t)
                mode.recorder.remember_grad(t)
            t._grad = new if old is None else (old + new if create_graph else wrap(value_of(old) + value_of(new)))

    @property
    def grad(self) -> Tensor | None:
        """The gradient that `backward` has added up so far, or None. May be assigned (None, or a Tensor of this shape).

        While a function is recorded, assignments are undone when the recording ends.
        """
        return self._grad

    @grad.setter
    def grad(self, grad: Tensor | None) -> None:
        if grad is not None:
            if not isinstance(grad, Tensor):
                raise DtypeError(f"grad must be a Tensor or None, got {type(grad).__name__}")
            if grad.shape != self.shape:
                raise ShapeError(f"grad of shape {grad.shape} for a tensor of shape {self.shape}")
            if grad.dtype != self.dtype:
                raise DtypeError(f"grad of dtype {grad.dtype} for a tensor of dtype {self.dtype}; cast it first")
        if mode.recorder is not None:
            mode.recorder.remember_grad(self)
        self._grad = grad

    # --- the one mutation ---

    def assign(self, value: Any) -> Tensor:
        """Give this leaf a new value of the same shape and dtype; numbers and lists of numbers take the leaf's dtype.

        GradientError for the result of an operation, ShapeError / DtypeError for another shape or dtype.
        """
        if self._node is not None:
            raise GradientError("only a leaf can be assigned; this tensor is the result of an operation")
        if isinstance(value, Tensor):
            new = value_of(value)
        elif hasattr(value, "aval"):
            new = value
        else:
            new = np.array(value) if isinstance(value, ndarray) else self._weakly(value)
        if getattr(new, "frame", None) is not getattr(self._value, "frame", None):
            raise RecordError(
                f"assign: inside batch() each sample has its own value, so a leaf of shape {self.shape} from outside "
                f"cannot take it; return the value instead (a layer with running statistics: call .eval() first)"
            )
        if new.shape != self.shape:
            raise ShapeError(f"assign: value of shape {new.shape} for a leaf of shape {self.shape}")
        if new.dtype != self.dtype:
            raise DtypeError(f"assign: value of dtype {new.dtype} for a leaf of dtype {self.dtype}; cast it first")
        self._store(new)
        return self

    def _weakly(self, value: Any) -> ndarray:
        """Numbers, or nested lists of them, in this tensor's dtype where promotion allows it, else in their own."""
        own = as_value(value)
        strong = not isinstance(value, np.generic) and _numbers(value)[1]
        meets, _ = ops.promote((Aval((), own.dtype, weak=True), self.aval))
        return own if strong or meets != self.dtype else ops.as_array(value, self.dtype)

    def _store(self, value: Any) -> None:
        """Take over a value that already has the right shape and dtype."""
        if mode.recorder is not None:
            mode.recorder.assign(self, value)
        else:
            self._value = value

    # --- in place: assignments too ---

    def _changed(self, name: str, f: Callable[..., Any], *args: Any, **kwargs: Any) -> Tensor:
        """Assign f(self, ...), as the in-place form `name` of f does."""
        self._check_leaf(name)
        with no_grad() if self.requires_grad else nullcontext():
            new = f(self, *args, **kwargs)
        self._check_history(name, new)
        return self.assign(self._fitting(name, new))

    def _check_leaf(self, name: str) -> None:
        if self._node is not None:
            raise GradientError(
                f"{name}: this tensor is the result of an operation, and only a leaf can be changed in place; make a "
                f"new tensor (x = x + 1, where(mask, a, b), cat, stack), or change x.detach().clone()"
            )

    def _check_history(self, name: str, new: Any) -> None:
        """GradientError where a leaf would take the value of `new` and lose its gradient. A detached one means to."""
        detached = self.requires_grad or (isinstance(self, View) and not self.path)
        if isinstance(new, Tensor) and new.requires_grad and mode.grad and not detached:
            raise GradientError(
                f"{name}: what is put in requires grad, and a leaf keeps no history; make a new tensor (x = x + y, "
                f"where(mask, a, b), cat, stack), or detach() what is put in"
            )

    def _fitting(self, name: str, new: Any) -> Any:
        """A result in this tensor's dtype: within integers and within floats it is cast, as in PyTorch."""
        have, want = ops.aval_of(new).dtype, self.dtype
        if have == want:
            return new
        kinds = "biuf"
        if kinds.index(have.kind) > kinds.index(want.kind):
            raise DtypeError(f"{name}: the result is {have}, which does not fit into a tensor of {want}; cast it first")
        return ops.cast(new, dtype=want)

    def _cast_value(self, value: Any) -> Any:
        """A value in this tensor's dtype, without its history."""
        return ops.cast(value_of(value) if isinstance(value, Tensor) else as_value(value), dtype=self.dtype)

    def copy_(self, other: Any) -> Tensor:
        """Assign other, broadcast to this shape and cast to this dtype."""
        self._check_leaf("copy_")
        self._check_history("copy_", other)
        return self.assign(wrap(ops.broadcast_to(self._cast_value(other), shape=self.shape)))

    def fill_(self, value: Any) -> Tensor:
        """Assign one number everywhere."""
        if ops.shape_of(value) != ():
            raise ShapeError(f"fill_: value must be one number, got shape {ops.shape_of(value)}")
        return self.copy_(value)

    def zero_(self) -> Tensor:
        """Assign zeros."""
        return self.fill_(0)

    def normal_(self, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Tensor:
        """Assign normal random numbers; `generator`: a seed, a NumPy Generator, or None for fresh entropy."""
        if not std >= 0.0:
            raise ArgumentError(f"normal_: std={std} must be >= 0")
        return self._drawn("normal_", lambda draw: draw.normal(mean, std, self.shape), generator)

    def uniform_(self, a: float = 0.0, b: float = 1.0, *, generator: Any = None) -> Tensor:
        """Assign random numbers that are uniform from a to b."""
        if not a <= b:
            raise ArgumentError(f"uniform_: a={a} must not be above b={b}")
        return self._drawn("uniform_", lambda draw: draw.uniform(a, b, self.shape), generator)

    def _drawn(self, name: str, draw: Callable[[np.random.Generator], Any], generator: Any) -> Tensor:
        if mode.recorder is not None:
            raise CapturedError(f"{name} inside a recorded function would freeze one draw; call it before")
        if self.dtype not in FLOATS:
            raise DtypeError(f"{name}: needs float32 or float64, got {self.dtype}")
        stream = numpy_stream(generator)
        return self._changed(name, lambda x: np.asarray(draw(stream), self.dtype))

    def _in_place(self, op: Callable[..., Any], other: Any) -> Tensor:
        """`t += u`: assigns a leaf where no gradient is involved, else makes a new tensor."""
        if self.requires_grad and self._node is None and mode.grad:
            raise GradientError("a leaf that requires grad cannot be changed in place; do it under no_grad()")
        result = op(self, other)
        if self._node is not None or (result.requires_grad and not isinstance(self, View)):
            if _is_part_of_another(self):
                raise GradientError(
                    "+= and its kin on a part of a tensor with a history (a slice, a reshape, ...) would not change "
                    "that tensor; write x = x + y, and build the whole with where, cat or stack"
                )
            return result
        self._check_history("+=", result)
        return self.assign(self._fitting("+=", result))

    def __setitem__(self, index: Any, value: Any) -> None:
        """x[index] = value, broadcast and cast: an assignment of the whole leaf."""
        if self.requires_grad and self._node is None and mode.grad:
            raise GradientError("a leaf that requires grad cannot be changed in place; do it under no_grad()")
        self._check_leaf("x[index] = value")
        self._check_history("x[index] = value", value)
        items = index if index.__class__ is tuple else (index,)
        items = tuple(value_of(i) if isinstance(i, Tensor) else i for i in items)
        self.assign(wrap(put_at(value_of(self), items, self._cast_value(value))))

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


def value_of(t: Tensor) -> Any:
    return t._value if mode.recorder is None else mode.recorder.read(t)


def _float_lists(data: Any) -> Any:
    """The value of Tensor(data): as of `tensor`, but lists of integers are float32, as PyTorch's class has it."""
    value = as_value(data)
    whole = isinstance(data, (list, tuple, range)) and value.dtype not in FLOATS
    return value.astype(default.float) if whole else value


def as_value(data: Any, dtype: Any = None) -> Any:
    """Anything a Tensor can be made of, as an array of one of our dtypes (copied), or as the value it already is."""
    if isinstance(data, Tensor):
        data = value_of(data)
    if hasattr(data, "aval"):
        return data if dtype is None else ops.cast(data, dtype=dtype_of(dtype))
    own = hasattr(data, "__array__")  # arrays and NumPy's scalars have a dtype of their own
    if isinstance(data, (list, tuple)):
        data, own = _numbers(data)
    elif isinstance(data, ndarray):
        data = ops.plain_array(data)
    try:
        v = np.array(data)
    except ValueError as e:
        raise ShapeError(f"tensor: data is ragged: {e}") from None
    if v.dtype.kind not in "fiub":
        raise DtypeError(f"tensor: data of dtype {v.dtype} is not numeric; surefit computes with real numbers")
    if v.dtype == np.uint64 and v.size and v.max() > np.iinfo(np.int64).max:
        raise DtypeError(f"tensor: {v.max()} does not fit into int64; cast the data to float first")
    if dtype is not None:
        return v.astype(dtype_of(dtype))
    if v.dtype == float64 and not own:
        return v.astype(default.float)  # Python floats become the default dtype, as in PyTorch
    if not v.dtype.isnative:
        v = v.astype(v.dtype.newbyteorder("="))
    if v.dtype.kind in "iu" and v.dtype not in (int32, int64):
        return v.astype(int32 if v.dtype.itemsize < 4 else int64)
    if v.dtype == np.float16:
        return v.astype(float32)
    dtype_of(v.dtype)
    return v


def _numbers(data: Any) -> tuple[Any, bool]:
    """Nested lists with the Tensors inside as arrays, and whether one with a dtype of its own is among them."""
    if isinstance(data, (list, tuple)):
        if set(map(type, data)) <= {float, int, bool}:
            return data, False
        pairs = [_numbers(x) for x in data]
        return [v for v, _ in pairs], any(own for _, own in pairs)
    if isinstance(data, Tensor):
        return data.numpy(), True
    return data, hasattr(data, "__array__")


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
    while source._node is not None and source._node is not _FREED and source._node.op.put is not None:
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


def _holders(node: Node) -> int:
    """How many hold the first tensor that a result was made of, this node among them."""
    return sys.getrefcount(node.parents[0][1])


_NOBODY_ELSE = _holders(Node(ops.add, [(0, wrap(np.zeros(())), ops.zeros_like)], [], {}))


def _is_part_of_another(t: Tensor) -> bool:
    """Whether t is a part of a tensor that somebody can still look at: then a change in place would be missed there."""
    while t._node is not None and t._node is not _FREED and t._node.op.put is not None:
        if _holders(t._node) > _NOBODY_ELSE:
            return True
        t = t._node.parents[0][1]
    return False


def _apply_to_nothing(op: Op, params: dict[str, Any]) -> Any:
    return op.value(**params) if mode.recorder is None else mode.recorder.apply(op, (), params)


ops.from_nothing[0] = _apply_to_nothing


def seed_gradient(t: Tensor, gradient: Any) -> Any:
    if not t.requires_grad:
        raise GradientError(
            "backward: this tensor does not depend on anything that requires a gradient "
            "(was it made under no_grad, detached, or from integers?)"
        )
    if gradient is None:
        if t.numel() != 1:
            raise GradientError(
                f"backward: shape {t.shape} is not one number; give gradient= of that shape or reduce it"
            )
        one = np.array(1, t.dtype)
        if t.shape:
            one = ops.broadcast_to(one, shape=t.shape)
        batched = hasattr(t._value, "frame")
        return ops.where(np.True_, one, t._value) if batched else one  # as many ones as t has samples
    g = gradient.to(t.dtype) if isinstance(gradient, Tensor) else Tensor(gradient, dtype=t.dtype)
    if g.shape != t.shape:
        raise ShapeError(f"backward: gradient of shape {g.shape} for a tensor of shape {t.shape}")
    return g


def sum_to(g: Any, shape: tuple[int, ...]) -> Any:
    """Undo broadcasting: add up the axes that were repeated."""
    lead = g.ndim - len(shape)
    axes = (*range(lead), *[i for i, n in enumerate(shape, lead) if n == 1 and g.shape[i] != 1])
    if axes:
        g = np.add.reduce(g, axis=axes) if g.__class__ is ndarray else ops.sum_(g, axes=axes)
    return g if g.shape == shape else ops.reshape(g, shape=shape)


def _check_unchanged(t: Tensor, value: Any) -> None:
    if value_of(t) is not value and isinstance(t._value, ndarray) and isinstance(value, ndarray):
        raise GradientError(
            "a leaf was assigned between the forward pass and this differentiable backward pass, so its second "
            "derivatives would mix two values; run the forward pass again after the update"
        )


def _outside_batches(g: Any, birth: int, along: Any) -> Any:
    """The gradient of a tensor born outside a batch: the sum over the samples that used it. Never over `along`."""
    inner = g._value if isinstance(g, Tensor) else g
    while (frame := getattr(inner, "frame", None)) is not None:
        inner = inner.value
        if frame is not along and birth <= frame.born:
            g = frame.sum_samples(g)
    return g


@ops.silent
def backpropagate(
    roots: list[tuple[Tensor, Any]],
    create_graph: bool = False,
    retain_graph: bool = False,
    wanted: Sequence[Tensor] | None = None,
    along: Any = None,
) -> list[tuple[Tensor, Any]]:
    """Gradients of sum(root * weight): a list of (tensor, gradient) for the leaves, or for the tensors `wanted`.

    Iterative: tensors are visited in reverse order of birth, which is a topological order, so each gets its whole
    gradient before it passes any on: time is linear however often a tensor is shared. With create_graph the rules
    run on Tensors, so that the gradients can be differentiated; otherwise on the values inside. `along` is the batch of
    cotangents of a Jacobian, which is kept; over every other batch the gradient of what was born outside it is summed.
    """
    ids = None if wanted is None else {t._birth for t in wanted}
    oldest = min(ids, default=0) if ids is not None else 0  # nothing older depends on what is wanted
    waiting: dict[int, list[Any]] = {}  # by birth: a tensor and its gradient so far
    heap: list[int] = []  # births of those that will pass it on, negative, so that the youngest comes first
    for t, g in roots:
        g = g if create_graph or not isinstance(g, Tensor) else value_of(g)
        if t._birth in waiting:
            entry = waiting[t._birth]
            entry[1] = entry[1] + g
        else:
            waiting[t._birth] = [t, g]
            if t._node is not None:
                heappush(heap, -t._birth)
    found = []
    before = mode.grad
    mode.grad = create_graph
    try:
        while heap:
            birth = -heappop(heap)
            t, g = waiting.pop(birth)
            node = t._node
            if _HOOKS:
                g = _hooked(t, g)
            if node.__class__ is KeptNode if ids is None else birth in ids:
                found.append((t, g))
                if birth == oldest:
                    continue
            if node is _FREED:
                raise GradientError(
                    "backward: this graph was freed by an earlier backward; pass retain_graph=True to the earlier "
                    "call, or run the forward pass again"
                )
            if not retain_graph:
                t._node = _FREED  # at once: what only the graph held is free for the gradients to come
            values, y = node.values, t._value
            args = values
            if create_graph:
                args, y = list(values), t
                for i, p, _ in node.parents:
                    _check_unchanged(p, values[i])
                    args[i] = p
            for i, p, rule in node.parents:
                key = p._birth
                if key < oldest:
                    continue
                gp = rule(g, y, *args, **node.params)
                if mode.recorder is not None and mode.recorder.is_too_large(gp):
                    gp = rule(mode.recorder.named(g), y, *args, **node.params)
                v = values[i]
                if gp.shape != v.shape:
                    gp = sum_to(gp, v.shape)
                if gp.dtype != v.dtype:
                    gp = ops.cast(gp, dtype=v.dtype)
                if gp.__class__ is not ndarray:
                    gp = _outside_batches(gp, key, along)
                if key in waiting:
                    entry = waiting[key]
                    entry[1] = entry[1] + gp
                else:
                    waiting[key] = [p, gp]
                    if p._node is not None:
                        heappush(heap, -key)
    finally:
        mode.grad = before
    leaves = [(t, g) for t, g in waiting.values() if ids is None or t._birth in ids]
    return found + ([(t, _hooked(t, g)) for t, g in leaves] if _HOOKS else leaves)


for _name in METHODS:
    if not hasattr(Tensor, _name):
        setattr(Tensor, _name, method_of(getattr(F, _name)))
for _name in IN_PLACE:
    setattr(Tensor, f"{_name}_", in_place_method_of(_name))
