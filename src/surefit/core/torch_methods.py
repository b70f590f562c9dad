"""What PyTorch's tensors can do besides the functions: devices and kinds, shapes of others, new ones like this one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, Self

import numpy as np

from surefit.core import functions as F
from surefit.core import ops
from surefit.core.device import CPU, Device, is_device
from surefit.core.ops import dtype_of
from surefit.errors import ArgumentError, DtypeError, ShapeError

if TYPE_CHECKING:
    from surefit.core.tensor import Tensor

_NAMES = {"bool": "Bool", "int32": "Int", "int64": "Long", "float32": "Float", "float64": "Double"}


class TorchMethods:
    """Methods of `Tensor` that need nothing of its inside."""

    __slots__ = ()
    if TYPE_CHECKING:

        @property
        def shape(self) -> tuple[int, ...]: ...
        @property
        def dtype(self) -> np.dtype: ...

    _changed: Callable[..., Any]
    made: Callable[[Any], Any]  # an array as a tensor

    # --- devices and dtypes ---

    @property
    def device(self) -> Device:
        """Always the CPU."""
        return CPU

    @property
    def is_cuda(self) -> bool:
        """Never."""
        return False

    def to(self, *args: Any, **kwargs: Any) -> Tensor:
        """In another dtype: to(dtype), to("cpu"), to("cpu", dtype), to(other). ArgumentError for another device."""
        dtype, places = kwargs.pop("dtype", None), [kwargs.pop("device", None)]
        kwargs.pop("non_blocking", None), kwargs.pop("copy", None)
        if kwargs or len(args) > 4:
            raise ArgumentError(f"to: unknown argument {', '.join(kwargs) or args[-1]!r}; it takes dtype and device")
        for a in args:
            if isinstance(a, bool):  # non_blocking, copy
                continue
            if is_device(a):
                places.append(a)
            elif isinstance(a, TorchMethods):
                dtype = a.dtype
            elif a is not None:
                dtype = a
        for place in places:
            if place is not None:
                Device(place)
        own: Any = self
        if dtype is None:
            return own
        d = dtype_of(dtype)
        return own if d == self.dtype else ops.cast(self, dtype=d)

    def type(self, dtype: Any = None) -> Any:
        """In another dtype; without one, the name of the tensor's type as PyTorch writes it."""
        if dtype is None:
            return f"torch.{_NAMES[str(self.dtype)]}Tensor"
        if isinstance(dtype, str):
            short = {f"torch.{v}Tensor": k for k, v in _NAMES.items()}
            dtype = short.get(dtype, dtype.removeprefix("torch."))
        return self.to(dtype)

    def type_as(self, other: Any) -> Tensor:
        """In the dtype of another tensor."""
        return self.to(other.dtype)

    def cpu(self) -> Self:
        """The tensor itself."""
        return self

    def cuda(self, device: Any = None, non_blocking: bool = False) -> Self:
        """ArgumentError: there is no other device than the CPU."""
        Device("cuda" if device is None else device)
        return self

    def is_floating_point(self) -> bool:
        """Whether it is float32 or float64."""
        return self.dtype in ops.FLOATS

    def _no_such(self, name: str, use: str) -> NoReturn:
        raise DtypeError(f"{name}: surefit computes in {', '.join(map(str, ops.DTYPES))} alone; use {use}")

    def half(self) -> NoReturn:
        """DtypeError: there is no float16."""
        self._no_such("half", ".float()")

    def bfloat16(self) -> NoReturn:
        """DtypeError: there is no bfloat16."""
        self._no_such("bfloat16", ".float()")

    def byte(self) -> NoReturn:
        """DtypeError: there is no uint8."""
        self._no_such("byte", ".bool() for masks, .int() for numbers")

    def short(self) -> NoReturn:
        """DtypeError: there is no int16."""
        self._no_such("short", ".int()")

    # --- memory, of which only the order is seen ---

    def contiguous(self) -> Self:
        """The tensor itself: views and reshapes work on every order in memory."""
        return self

    def is_contiguous(self) -> bool:
        """True: nothing here depends on the order in memory."""
        return True

    def pin_memory(self) -> Self:
        """The tensor itself: there is no device to copy to."""
        return self

    def share_memory_(self) -> Self:
        """The tensor itself: threads share it already."""
        return self

    def stride(self, dim: int | None = None) -> Any:
        """How many elements apart neighbours along each axis are (along one axis for dim), rows being in order."""
        steps = tuple(math.prod(self.shape[i + 1 :]) for i in range(len(self.shape)))
        return steps if dim is None else steps[ops.normalize_axis("stride", dim, len(steps))]

    def element_size(self) -> int:
        """Bytes of one element."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return math.prod(self.shape) * self.dtype.itemsize

    def nelement(self) -> int:
        """How many elements."""
        return math.prod(self.shape)

    def ndimension(self) -> int:
        """How many axes."""
        return len(self.shape)

    # --- shapes ---

    def t(self) -> Tensor:
        """A matrix with its axes exchanged; vectors and scalars as they are. ShapeError for more axes."""
        if len(self.shape) > 2:
            raise ShapeError(f"t: needs at most two axes, got {self.shape}; use .mT or .transpose(i, j)")
        own: Any = self
        return F.transpose(own, 0, 1) if len(self.shape) == 2 else own

    @property
    def H(self) -> Tensor:
        """A matrix with its axes exchanged (numbers are real)."""
        return self.t()

    def view_as(self, other: Any) -> Tensor:
        """In the shape of another tensor."""
        return F.reshape(self, other.shape)

    reshape_as = view_as

    def expand_as(self, other: Any) -> Tensor:
        """Repeated to the shape of another tensor."""
        return F.broadcast_to(self, other.shape)

    # --- new ones like this one ---

    def _new(self, size: tuple[Any, ...], value: Any, dtype: Any, requires_grad: bool, device: Any) -> Tensor:
        if device is not None:
            Device(device)
        if len(size) == 1 and isinstance(size[0], (tuple, list)):
            size = tuple(size[0])
        d = self.dtype if dtype is None else dtype_of(dtype)
        t = self.made(np.broadcast_to(np.asarray(value, d), size))
        return t.requires_grad_() if requires_grad else t

    def new_zeros(self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
        """Zeros of this dtype."""
        return self._new(size, 0, dtype, requires_grad, device)

    def new_ones(self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
        """Ones of this dtype."""
        return self._new(size, 1, dtype, requires_grad, device)

    def new_full(
        self, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """One number everywhere, in this dtype."""
        return self._new((size,), fill_value, dtype, requires_grad, device)

    new_empty = new_zeros

    def new_tensor(self, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
        """Numbers in this dtype."""
        return self._new((np.shape(data),), data, dtype, requires_grad, device)

    # --- random, in place ---

    def bernoulli_(self, p: float = 0.5, *, generator: Any = None) -> Tensor:
        """Assign 1 with probability p, else 0."""
        return self._drawn("bernoulli_", lambda g: g.random(self.shape) < p, generator)

    def exponential_(self, lambd: float = 1.0, *, generator: Any = None) -> Tensor:
        """Assign random numbers of the exponential law of rate lambd."""
        return self._drawn("exponential_", lambda g: g.exponential(1.0 / lambd, self.shape), generator)

    _drawn: Callable[..., Any]


__all__ = ["TorchMethods"]
