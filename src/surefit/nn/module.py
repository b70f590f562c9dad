"""Module: fields, then arithmetic. Parameters, buffers, random streams and submodules are found by field."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, Protocol, Self, TypeVar, cast

import numpy as np

from surefit.core import ops
from surefit.core.backward import Handle
from surefit.core.creation import zeros
from surefit.core.device import Device, is_device
from surefit.core.leaves import FlatVector, Parameter, State, flatten_parameters
from surefit.core.modes import mode as modes
from surefit.core.random import Generator
from surefit.core.tensor import Snapshot, Tensor, forget_gradients
from surefit.errors import ArgumentError, DtypeError, GradientError, ShapeError

changes = [0]  # how often a field of any module was set or deleted: who keeps something made of one looks again


P = ParamSpec("P")
R = TypeVar("R", covariant=True)


class Forward(Protocol[P, R]):
    """What has a `forward`: a call of it takes the same arguments and gives the same result."""

    @property
    def forward(self) -> Callable[P, R]:
        """What it computes."""


class Loaded(NamedTuple):
    """What `load_state_dict` did not find, and what it did not need."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class _Backward:
    """One call of a module with backward hooks: copies of its arguments and results tell when gradients pass."""

    def __init__(self, module: Module, hooks: list[Any]) -> None:
        self.module, self.hooks = module, hooks
        self.into: list[Any] = []
        self.out: list[Any] = []
        self.places: list[int] = []

    def entered(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, those with gradients as copies that are watched."""
        self.into = [None] * len(args)
        copies = list(args)
        for i, a in enumerate(args):
            if isinstance(a, Tensor) and a.requires_grad:
                copies[i] = a.clone()
                copies[i].register_hook(lambda g, i=i: self._arrived(i, g))
                self.places.append(i)
        self.waiting = len(self.places)
        return tuple(copies)

    def left(self, y: Any) -> Any:
        """The results, those with gradients as copies that are watched."""
        results = list(y) if isinstance(y, (tuple, list)) else [y]
        self.out = [None] * len(results)
        for i, r in enumerate(results):
            if isinstance(r, Tensor) and r.requires_grad:
                results[i] = r.clone()
                results[i].register_hook(lambda g, i=i: self._started(i, g))
        return type(y)(results) if isinstance(y, (tuple, list)) else results[0]

    def _started(self, i: int, g: Any) -> None:
        self.out[i] = g
        if not self.places:
            self._call()

    def _arrived(self, i: int, g: Any) -> Any:
        self.into[i] = g
        self.waiting -= 1
        if self.waiting:
            return None
        self.waiting = len(self.places)
        return self._call(i)

    def _call(self, i: int | None = None) -> Any:
        for hook in self.hooks:
            new = hook(self.module, tuple(self.into) or (None,), tuple(self.out))
            if new is not None:
                new = new if isinstance(new, tuple) else (new,)
                self.into[:] = new
                if i is not None and len(self.places) > 1:
                    raise GradientError(
                        f"{type(self.module).__name__}: a backward hook can change the gradient of one argument, not "
                        f"of {len(self.places)}; register a hook on each tensor"
                    )
        return None if i is None else self.into[i]


def _loaded(name: str, value: Any) -> np.ndarray:
    """A value of a state as an array: of ours, of PyTorch, or what NumPy makes an array of."""
    if isinstance(value, Tensor):
        return value.detach().numpy()
    if hasattr(value, "detach") and hasattr(value, "cpu"):  # a tensor of PyTorch
        try:
            value = value.detach().cpu()
            value = value.float() if "bfloat16" in str(value.dtype) else value  # which NumPy does not have
            array = np.asarray(value)
        except (RuntimeError, NotImplementedError, TypeError) as e:  # sparse, on no device, quantised
            raise DtypeError(f"load_state_dict: {name} cannot be read ({str(e).splitlines()[0][:100]})") from None
    else:
        array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise DtypeError(f"load_state_dict: {name} holds no real numbers ({array.dtype}); give an array of floats")
    return array


def _where_it_may_be(state: Mapping[str, Any], missing: list[str], extra: list[str]) -> str:
    """What to do where names do not fit: they may begin with something, or be a level deeper."""
    for name in extra:
        if isinstance(state[name], Mapping) and missing and missing[0] in state[name]:
            return f"they are in state[{name!r}]; load that"
        if missing and str(name).endswith(f".{missing[0]}"):
            start = str(name).removesuffix(missing[0])
            return f"the names begin with {start!r}; give {{k.removeprefix({start!r}): v for k, v in state.items()}}"
    return "pass strict=False to load what fits by name"


class Module:
    """Base of all layers and networks: assign Parameters and Modules to fields, write `forward`.

    A `Generator` in a field is part of the state too (its key and counter), so that a checkpoint resumes its
    stream. `training` (set by `train()` and `eval()`) is a Python value: a recorded program has it frozen in, and a
    jitted function compiles once for each.

    >>> class Scale(Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.factor = Parameter([2.0])
    ...     def forward(self, x):
    ...         return x * self.factor
    >>> net = Scale()
    >>> net(3.0).tolist(), list(net.state_dict())
    ([6.0], ['factor'])
    """

    _parameters: dict[str, Parameter]
    _buffers: dict[str, Tensor]
    _unsaved: frozenset[str] = frozenset()  # names of buffers that are not in the state_dict
    _modules: dict[str, Module]
    _generators: dict[str, Generator]

    def __init__(self) -> None:
        fields = self.__dict__
        fields["training"] = True
        fields["_parameters"], fields["_buffers"], fields["_modules"], fields["_generators"] = {}, {}, {}, {}

    @property
    def training(self) -> bool:
        """Whether dropout drops and batch normalisation uses the batch."""
        on = self.__dict__["training"]
        if modes.recorder is not None:
            modes.recorder.assume(self, "training", on)
        return on

    @training.setter
    def training(self, on: bool) -> None:
        if modes.recorder is not None:
            modes.recorder.assume(self, "training", self.__dict__["training"])
        self.__dict__["training"] = on

    if TYPE_CHECKING:  # buffers and parameters registered by name

        def __getattr__(self, name: str) -> Any: ...

    # --- fields ---

    def __setattr__(self, name: str, value: Any) -> None:
        changes[0] += 1
        if "_parameters" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__}: call super().__init__() before assigning {name!r}")
        if isinstance(value, Tensor) and not isinstance(value, (Parameter, State)):
            if name in self._buffers:  # PyTorch's `self.running_mean = ...`: the leaf stays, its value changes
                self._buffers[name].assign(value)
                return
            if name in self._parameters:
                raise DtypeError(
                    f"{type(self).__name__}: field {name!r} is a Parameter and would become a plain tensor; "
                    f"change its value with .{name}.assign(...), or assign a Parameter"
                )
        home = self._kind(value)
        for kind in self._kinds():
            if kind is not home:
                kind.pop(name, None)
        if home is not None:
            home[name] = value  # a replaced field keeps its place in the order
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        changes[0] += 1
        for kind in self._kinds():
            kind.pop(name, None)
        object.__delattr__(self, name)

    def _kinds(self) -> tuple[dict[str, Any], ...]:
        return self._parameters, self._buffers, self._modules, self._generators

    def _kind(self, value: Any) -> dict[str, Any] | None:
        """The dictionary that a field of this value is listed in."""
        if isinstance(value, Parameter):
            return self._parameters
        if isinstance(value, Module):
            return self._modules
        return self._generators if isinstance(value, Generator) else None

    def register_buffer(self, name: str, value: Any, persistent: bool = True) -> None:
        """A leaf of the state that is not trained (running statistics); None for an absent one.

        persistent: whether it is in the state_dict; what can be computed again, as a table, need not be.
        """
        self.__dict__["_unsaved"] = (self._unsaved - {name}) | (frozenset() if persistent else {name})
        setattr(self, name, None if value is None else State(value, name))
        if value is not None:
            self._buffers[name] = getattr(self, name)

    def register_parameter(self, name: str, value: Parameter | None) -> None:
        """The same as assigning the field; None for an absent one (a layer without bias)."""
        setattr(self, name, value)

    def add_module(self, name: str, module: Module) -> None:
        """The same as assigning the field; for names that are not identifiers ("0", "1", ...)."""
        if not isinstance(module, Module):
            raise DtypeError(f"{type(self).__name__}: {name!r} must be a Module, got {type(module).__name__}")
        if not isinstance(name, str) or not name or "." in name or hasattr(type(self), name):
            raise ArgumentError(
                f"{type(self).__name__}: a module cannot be named {name!r} (empty, dotted or already taken)"
            )
        setattr(self, name, module)

    # --- what is inside ---

    def children(self) -> Iterator[Module]:
        """The direct submodules."""
        yield from self._modules.values()

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """(name, module) of the direct submodules."""
        yield from self._modules.items()

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """(dotted name, module) of this module and all below, each once."""
        seen: set[int] = set()

        def walk(module: Module, path: str) -> Iterator[tuple[str, Module]]:
            if id(module) in seen:
                return
            seen.add(id(module))
            yield path, module
            for name, child in module._modules.items():
                yield from walk(child, f"{path}.{name}" if path else name)

        yield from walk(self, prefix)

    def modules(self) -> Iterator[Module]:
        """This module and all below, each once."""
        yield from (m for _, m in self.named_modules())

    def _named(self, kind: str) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for path, module in self.named_modules():
            for name, value in getattr(module, kind).items():
                if id(value) not in seen:
                    seen.add(id(value))
                    yield f"{path}.{name}" if path else name, value

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """(dotted name, parameter), each once however often it is shared."""
        yield from self._named("_parameters")

    def parameters(self) -> Iterator[Parameter]:
        """The parameters, each once."""
        yield from (p for _, p in self.named_parameters())

    def named_buffers(self) -> Iterator[tuple[str, Tensor]]:
        """(dotted name, buffer)."""
        yield from self._named("_buffers")

    def buffers(self) -> Iterator[Tensor]:
        """The buffers."""
        yield from (b for _, b in self.named_buffers())

    def parameter_vector(self) -> FlatVector:
        """All parameters side by side in one leaf, of which they become named views.

        Assigning the vector assigns them all; `vector.parts` says which slice is whose. The optimiser of all
        of this module's parameters uses the same vector.
        """
        return flatten_parameters(self.parameters())

    def num_parameters(self) -> int:
        """How many numbers the parameters hold."""
        return sum(p.numel() for p in self.parameters())

    def get_submodule(self, target: str) -> Module:
        """The module with this dotted name. ArgumentError if there is none."""
        for name, module in self.named_modules():
            if name == target:
                return module
        raise ArgumentError(
            f"{type(self).__name__} has no module {target!r}; it has {[n for n, _ in self.named_modules()][1:]}"
        )

    def get_parameter(self, target: str) -> Parameter:
        """The parameter with this dotted name. ArgumentError if there is none."""
        for name, p in self.named_parameters():
            if name == target:
                return p
        raise ArgumentError(
            f"{type(self).__name__} has no parameter {target!r}; it has {[n for n, _ in self.named_parameters()]}"
        )

    # --- state ---

    def _state(self, prefix: str = "") -> Iterator[tuple[str, Tensor, bool]]:
        """(dotted name, leaf, whether loading needs it); shared leaves come under all their names."""
        for name, leaf in (*self._parameters.items(), *self._buffers.items()):
            if name not in self._unsaved:
                yield prefix + name, leaf, True
        for name, g in self._generators.items():
            yield f"{prefix}{name}.key", g.key, False
            yield f"{prefix}{name}.counter", g.counter, False
        for name, child in self._modules.items():
            yield from child._state(f"{prefix}{name}.")

    def state_dict(self) -> dict[str, Tensor]:
        """Dotted name -> snapshot of each parameter, buffer and random stream (key and counter).

        Later training does not change a snapshot; what is changed in it in place (`copy_`, `zero_`) is changed in the
        module, and refused once the module has moved on.
        """
        return {name: Snapshot(leaf) for name, leaf, _ in self._state()}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> Loaded:
        """Assign parameters, buffers and random streams from a state_dict (Tensors or arrays, cast).

        ArgumentError for missing or unexpected names when strict (streams may be missing, as in a state_dict
        written by PyTorch: then they stay where they are); ShapeError for another shape, DtypeError for what are no
        real numbers. Nothing is assigned unless everything fits. Returns the names that were missing and those that
        were not expected.
        """
        if not isinstance(state, Mapping):
            cure = "; give its state_dict()" if hasattr(state, "state_dict") else ""
            raise ArgumentError(
                f"load_state_dict: needs names with their arrays, as of state_dict(), got {type(state).__name__}{cure}"
            )
        have = {name: (leaf, needed) for name, leaf, needed in self._state()}
        missing = [n for n, (_, needed) in have.items() if needed and n not in state]
        extra = [n for n in state if n not in have]
        if strict and (missing or extra):
            parts = [
                f"{what}: {', '.join(map(str, names[:8]))}{f' and {len(names) - 8} more' if len(names) > 8 else ''}"
                for what, names in (("missing", missing), ("unexpected", extra)) if names
            ]  # fmt: skip
            raise ArgumentError(f"load_state_dict: {'; '.join(parts)}; {_where_it_may_be(state, missing, extra)}")
        values = {}
        for n, (leaf, _) in have.items():
            if n in state:
                array = _loaded(n, state[n])
                if array.shape != leaf.shape:
                    raise ShapeError(f"load_state_dict: {n} has shape {leaf.shape}, the state's is {array.shape}")
                values[n] = array.astype(leaf.dtype)
        for n, array in values.items():
            have[n][0].assign(array)
        return Loaded(missing, extra)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """to(dtype): float parameters and buffers in another float dtype; optimisers must be made after it.

        to("cpu"), to(device=...) and to("cpu", dtype) as of tensors. ArgumentError for another device.
        """
        like = zeros(0).to(*args, **kwargs)  # reads the arguments as a tensor does
        if not any(
            a is not None and not is_device(a) and not isinstance(a, bool) for a in (*args, kwargs.get("dtype"))
        ):
            return self
        d = like.dtype
        if d not in (ops.float32, ops.float64):
            raise DtypeError(f"Module.to: parameters must be float32 or float64, got {d}")
        for p in self.parameters():
            if p.dtype != d:
                p.owner = None
                p._value = p._value.astype(d, order="C")
                p.grad = None
        for b in self.buffers():
            if b.dtype in (ops.float32, ops.float64):
                b._value = b._value.astype(d)
        return self

    def float(self) -> Self:
        """In float32."""
        return self.to(ops.float32)

    def cpu(self) -> Self:
        """The module itself: everything is on the CPU."""
        return self

    def cuda(self, device: Any = None) -> Self:
        """ArgumentError: there is no other device than the CPU."""
        Device("cuda" if device is None else device)
        return self

    def double(self) -> Self:
        """In float64."""
        return self.to(ops.float64)

    def train(self, mode: bool = True) -> Self:
        """Training mode, here and below (dropout drops, batch normalisation uses the batch)."""
        for m in self.modules():
            m.training = mode
        return self

    def eval(self) -> Self:
        """Inference mode, here and below."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Train all parameters here and below, or none."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients: `.grad` becomes None, or zeros for set_to_none=False."""
        forget_gradients(self.parameters(), set_to_none)

    def apply(self, f: Callable[[Module], Any]) -> Self:
        """f(module) for every submodule, then for this one."""
        for child in self.children():
            child.apply(f)
        f(self)
        return self

    # --- running and showing ---

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every subclass writes its own."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(); define it to say what the module computes")

    def __call__(self: Forward[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        hooks = self.__dict__.get("_hooks")
        if hooks is None:
            return ops.quietly(self.forward, args, kwargs)
        given: Any = args
        for hook in list(hooks["before"].values()):
            new = hook(self, given)
            if new is not None:
                given = new if isinstance(new, tuple) else (new,)
        watch = (
            _Backward(cast("Module", self), list(hooks["backward"].values()))
            if hooks["backward"] and modes.grad
            else None
        )
        given = given if watch is None else watch.entered(given)
        y = ops.quietly(self.forward, given, kwargs)
        for hook in list(hooks["after"].values()):
            new = hook(self, given, y)
            y = y if new is None else new
        return y if watch is None else watch.left(y)

    def register_forward_hook(self, hook: Callable[[Module, Any, Any], Any]) -> Handle:
        """Call hook(module, arguments, result) after every call; what it returns, unless None, becomes the result."""
        return Handle(self._hooks_of("after"), hook)

    def register_forward_pre_hook(self, hook: Callable[[Module, Any], Any]) -> Handle:
        """Call hook(module, arguments) before every call; what it returns, unless None, become the arguments."""
        return Handle(self._hooks_of("before"), hook)

    def register_full_backward_hook(self, hook: Callable[[Module, Any, Any], Any]) -> Handle:
        """Call hook(module, gradients of the arguments, gradients of the results) in every backward pass.

        Both are tuples, None standing for what has no gradient. What the hook returns, unless None, takes the place of
        the gradients of the arguments.
        """
        return Handle(self._hooks_of("backward"), hook)

    def _hooks_of(self, when: str) -> dict[int, Any]:
        return self.__dict__.setdefault("_hooks", {"before": {}, "after": {}, "backward": {}})[when]

    def extra_repr(self) -> str:
        """What to show between the brackets."""
        return ""

    def _repr_html_(self) -> str:
        import html

        left = "style='text-align:left'"
        head = "".join(f"<th {left}>{text}</th>" for text in ("", "module", "parameters"))
        rows = []
        for name, module in self.named_modules():
            if not module._modules:
                own = module.num_parameters()
                cells = (name, f"{type(module).__name__}({module.extra_repr()})", f"{own:,}" if own else "")
                rows.append("<tr>" + "".join(f"<td {left}>{html.escape(c)}</td>" for c in cells) + "</tr>")
        total = f"<p>{html.escape(type(self).__name__)}: {self.num_parameters():,} parameters</p>"
        return f"{total}<table><tr>{head}</tr>{''.join(rows)}</table>"

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = [f"({n}): " + repr(m).replace("\n", "\n  ") for n, m in self._modules.items()]
        if not lines:
            return f"{type(self).__name__}({extra})"
        body = "\n  ".join([extra, *lines] if extra else lines)
        return f"{type(self).__name__}(\n  {body}\n)"
