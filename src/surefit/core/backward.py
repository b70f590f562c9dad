"""Gradients: `backward`, hooks, and the one function that walks a graph backwards."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from surefit.core import ops
from surefit.core.modes import mode, next_birth
from surefit.core.node import FREED, KeptNode, Remembering, value_of
from surefit.core.values import as_value
from surefit.errors import DtypeError, GradientError, ShapeError

if TYPE_CHECKING:
    from surefit.core.tensor import Tensor

ndarray = np.ndarray


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

    def __init__(self, of: Remembering) -> None:
        node = of._node
        self._name = "Freed" if node is None or node is FREED else f"{node.op.name.strip('_').title()}Backward"
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


_HOOKS: dict[int, dict[int, Callable[..., Any]]] = {}  # of the tensor with this birth: what to call with its gradient


def _hooked(t: Tensor, g: Any) -> Any:
    """The gradient of a tensor after its hooks."""
    for hook in list(_HOOKS.get(t._birth, {}).values()):
        new = hook(g if isinstance(g, Remembering) else t.made(g))
        if new is not None:
            if not isinstance(new, Remembering):
                raise DtypeError(f"a hook must return a Tensor or None, and this one gave {type(new).__name__}")
            if new.shape != g.shape or new.dtype != g.dtype:
                raise ShapeError(
                    f"a hook was given a gradient of shape {g.shape}, {g.dtype}, and gave one of shape {new.shape}, "
                    f"{new.dtype}; it must return one like it"
                )
            g = new if isinstance(g, Remembering) else value_of(new)
    return g


class Differentiable(Remembering):
    """What a tensor does about gradients."""

    __slots__ = ()

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Ask for (or stop asking for) gradients of this leaf. DtypeError unless it is float."""
        if requires_grad and self.dtype not in (ops.float32, ops.float64):
            raise DtypeError(f"only float tensors can require gradients, this one is {self.dtype}; use .float()")
        if self._node is not None and not requires_grad:
            raise GradientError("only a leaf's requires_grad can be changed; use .detach()")
        self.requires_grad = requires_grad
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
        if self._node is not None and self._node is not FREED:
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
        own: Any = self
        g = seed_gradient(own, gradient)
        keep = create_graph if retain_graph is None else retain_graph
        for t, grad in backpropagate([(own, g)], create_graph, keep, inputs):
            new: Any = grad if isinstance(grad, Remembering) else own.made(grad)
            old: Any = t._grad
            if old.__class__ is new.__class__ and not (old.requires_grad or create_graph) and mode.recorder is None:
                old._value = own.made(old._value + value_of(new))._value  # whoever holds the gradient sees it add up
                continue
            if mode.recorder is not None:
                mode.recorder.add_grad(t)
                mode.recorder.remember_grad(t)
            t._grad = new if old is None else (old + new if create_graph else own.made(value_of(old) + value_of(new)))

    @property
    def grad(self) -> Tensor | None:
        """The gradient that `backward` has added up so far, or None. May be assigned (None, or a Tensor of this shape).

        While a function is recorded, assignments are undone when the recording ends.
        """
        return self._grad

    @grad.setter
    def grad(self, grad: Tensor | None) -> None:
        if grad is not None:
            if not isinstance(grad, Remembering):
                raise DtypeError(f"grad must be a Tensor or None, got {type(grad).__name__}")
            if grad.shape != self.shape:
                raise ShapeError(f"grad of shape {grad.shape} for a tensor of shape {self.shape}")
            if grad.dtype != self.dtype:
                raise DtypeError(f"grad of dtype {grad.dtype} for a tensor of dtype {self.dtype}; cast it first")
        if mode.recorder is not None:
            mode.recorder.remember_grad(self)
        self._grad = grad


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
    g: Any = gradient
    g = g.to(t.dtype) if isinstance(gradient, Remembering) else t.made(as_value(gradient, t.dtype))
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
    inner = g._value if isinstance(g, Remembering) else g
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
        g = g if create_graph or not isinstance(g, Remembering) else value_of(g)
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
            if node is FREED:
                raise GradientError(
                    "backward: this graph was freed by an earlier backward; pass retain_graph=True to the earlier "
                    "call, or run the forward pass again"
                )
            if not retain_graph:
                t._node = FREED  # at once: what only the graph held is free for the gradients to come
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


__all__ = ["Differentiable", "GradFn", "Handle", "backpropagate", "seed_gradient", "sum_to"]
