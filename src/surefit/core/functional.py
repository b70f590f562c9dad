"""Differentiation of functions: grad, value_and_grad, jacobian, hessian, vjp, hvp. They nest, batch and record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, overload

import numpy as np

from surefit.core import ops
from surefit.core.backward import backpropagate, seed_gradient
from surefit.core.batching import Batched, Frame, batch_leave
from surefit.core.creation import as_tensor
from surefit.core.graph import birth, parents
from surefit.core.modes import enable_grad, followed, mode, next_birth
from surefit.core.node import value_of
from surefit.core.tensor import Tensor, wrap
from surefit.core.tree import flatten, is_data, tree_map
from surefit.errors import ArgumentError, GradientError, ShapeError

P = ParamSpec("P")
R = TypeVar("R")
Tree = TypeVar("Tree", bound="Mapping[Any, Any] | tuple[Any, ...] | list[Any]")  # of tensors
Point = Tensor | np.ndarray | np.number | float | list[float] | tuple[float, ...] | list[list[float]]  # one tensor


class Gradient(Protocol[P]):
    """A gradient with respect to the first argument, which it has the structure of."""

    @overload
    def __call__(self, at: Point, /, *args: P.args, **kwargs: P.kwargs) -> Tensor: ...
    @overload
    def __call__(self, at: Tree, /, *args: P.args, **kwargs: P.kwargs) -> Tree: ...


class ValueAndGradient(Protocol[P]):
    """A value, and its gradient with respect to the first argument."""

    @overload
    def __call__(self, at: Point, /, *args: P.args, **kwargs: P.kwargs) -> tuple[Tensor, Tensor]: ...
    @overload
    def __call__(self, at: Tree, /, *args: P.args, **kwargs: P.kwargs) -> tuple[Tensor, Tree]: ...


def _check_function(name: str, f: Any) -> None:
    if not callable(f):
        raise ArgumentError(f"{name}: needs a function of tensors, got {type(f).__name__}; write {name}(f)(x)")


def _inputs(args: tuple[Any, ...], argnums: int | tuple[int, ...]) -> tuple[list[Any], list[Tensor], Any]:
    """The arguments with fresh differentiable twins at argnums; the twins; how to shape gradients like arguments."""
    nums = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    for i in nums:
        if not isinstance(i, int):
            raise ArgumentError(f"argnums={argnums!r}: needs the number of an argument, or a tuple of numbers")
        if not -len(args) <= i < len(args):
            raise ArgumentError(f"argnums={argnums}: the function was called with {len(args)} arguments")
    full = list(args)
    twins: list[Tensor] = []

    def twin(leaf: Any) -> Tensor:
        t = as_tensor(leaf)
        if t.dtype not in ops.FLOATS:
            t = t.to(ops.default.float)
        with enable_grad():
            new = t.clone() if t.requires_grad else wrap(value_of(t)).requires_grad_()
        twins.append(new)
        return new

    parts = []
    for i in nums:
        full[i] = tree_map(twin, args[i], is_data)
        leaves, rebuild = flatten(args[i], is_data)
        parts.append((len(leaves), rebuild))

    def shaped(gradients: list[Any]) -> Any:
        it = iter(gradients)
        trees = tuple(rebuild([next(it) for _ in range(n)]) for n, rebuild in parts)
        return trees[0] if isinstance(argnums, int) else trees

    return full, twins, shaped


def _older_graph(roots: list[Tensor], start: int) -> bool:
    """Whether the results depend on tensors that require gradients and are older than this call."""
    seen: set[int] = set()
    stack = list(roots)
    while stack:
        t = stack.pop()
        if birth(t) in seen:
            continue
        seen.add(birth(t))
        if birth(t) < start:
            return True
        stack += parents(t)
    return False


def _pull(
    outs: list[tuple[Tensor, Any]], twins: list[Tensor], again: bool, keep: bool = False, along: Frame | None = None
) -> list[Tensor]:
    """The gradients at the twins, differentiable `again` if asked; the graph is kept then, or if `keep`."""
    roots = [(t, g) for t, g in outs if t.requires_grad]
    found = {id(t): g for t, g in backpropagate(roots, again, again or keep, twins, along)}
    grads = []
    for t in twins:
        g = found.get(id(t))
        if g is None:
            g = ops.broadcast_to(np.zeros((), t.dtype), shape=t.shape)
        grads.append(g if isinstance(g, Tensor) else wrap(g))
    return grads


def _result(name: str, y: Any) -> Tensor:
    """What a function returned, as one tensor; nothing else can be differentiated."""
    if isinstance(y, (tuple, list, dict)) or y is None:
        kind = type(y).__name__
        raise GradientError(
            f"{name}: the function must return one tensor, got a {kind}; use stack, or has_aux for extras"
        )
    return as_tensor(y)


def _plain(tree: Any) -> Any:
    """The same tree, its tensors without their history."""
    return tree_map(lambda x: x.detach() if isinstance(x, Tensor) else x, tree)


@overload
def value_and_grad(f: Callable[Concatenate[Any, P], Any]) -> ValueAndGradient[P]: ...
@overload
def value_and_grad(
    f: Callable[P, Any], argnums: int | tuple[int, ...], has_aux: bool = False
) -> Callable[P, tuple[Any, Any]]: ...
@overload
def value_and_grad(
    f: Callable[P, Any], argnums: int | tuple[int, ...] = 0, *, has_aux: bool
) -> Callable[P, tuple[Any, Any]]: ...
def value_and_grad(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """f returning one number -> a function returning (f(...), gradient with respect to argument(s) argnums).

    The gradient has the structure of the argument (a tensor, or a tuple, list or dict of them). With has_aux, f returns
    (number, anything) and so does the result. GradientError when f does not return one number. A list of numbers is
    one tensor.
    """
    _check_function("value_and_grad", f)

    def differentiated(*args: Any, **kwargs: Any) -> Any:
        start = next_birth()
        full, twins, shaped = _inputs(args, argnums)
        if not twins:
            raise ArgumentError(f"grad: argument {argnums} holds nothing to differentiate with respect to")
        with followed():
            y = f(*full, **kwargs)
        if has_aux and not (isinstance(y, tuple) and len(y) == 2):
            raise GradientError(f"grad: with has_aux the function must return (number, extras), got {type(y).__name__}")
        y, aux = y if has_aux else (y, None)
        y = _result("grad", y)
        if y.numel() != 1:
            raise GradientError(f"grad: the function must return one number, got shape {y.shape}; use jacobian")
        again = mode.grad and y.requires_grad and _older_graph([y], start)
        one = ops.broadcast_to(np.ones((), y.dtype), shape=y.shape)
        grads = shaped(_pull([(y, one)], twins, again))
        value = y if again else y.detach()
        return ((value, aux if again else _plain(aux)) if has_aux else value), grads

    return differentiated


@overload
def grad(f: Callable[Concatenate[Any, P], Any]) -> Gradient[P]: ...
@overload
def grad(f: Callable[P, Any], argnums: int | tuple[int, ...], has_aux: bool = False) -> Callable[P, Any]: ...
@overload
def grad(f: Callable[P, Any], argnums: int | tuple[int, ...] = 0, *, has_aux: bool) -> Callable[P, Any]: ...
def grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """f returning one number -> its gradient with respect to argument(s) argnums.

    >>> from surefit.core.functions import sin
    >>> bool(grad(grad(sin))(0.5).item() == -np.sin(np.float32(0.5)))
    True
    """
    _check_function("grad", f)
    value_and_gradient = value_and_grad(f, argnums, has_aux)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, g = value_and_gradient(*args, **kwargs)
        return (g, value[1]) if has_aux else g

    return gradient


def gradients(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Any, ...]:
    """Gradients of sum(outputs * grad_outputs) with respect to tensors that the outputs were computed from.

    Nothing is added to `.grad`. grad_outputs: a tensor for each output, or None for an output of one element.
    create_graph=True makes the gradients differentiable in turn, and keeps the graph. An input that no output depends
    on is a GradientError, or None in the result with allow_unused.

    >>> x = as_tensor([1.0, 2.0]).requires_grad_()
    >>> (dx,) = gradients((x**3).sum(), x, create_graph=True)
    >>> dx, gradients(dx.sum(), x)[0]
    (tensor([ 3., 12.], grad_fn=...), tensor([ 6., 12.]))
    """
    outs = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    ins = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    weights = [grad_outputs] if grad_outputs is None or isinstance(grad_outputs, Tensor) else list(grad_outputs)
    weights = [None] * len(outs) if weights == [None] else weights
    if len(weights) != len(outs):
        raise GradientError(f"gradients: {len(weights)} grad_outputs for {len(outs)} outputs; give one for each")
    for i, t in enumerate(ins):
        if not (isinstance(t, Tensor) and t.requires_grad):
            raise GradientError(f"gradients: input {i} does not require grad; set x.requires_grad_() before it is used")
    roots = [(o, seed_gradient(o, w)) for o, w in zip(outs, weights, strict=True)]
    found: dict[int, Any] = {}
    for t, g in backpropagate(roots, create_graph, create_graph if retain_graph is None else retain_graph, ins):
        found[birth(t)] = g if isinstance(g, Tensor) else wrap(g)
    grads = [found.get(birth(t)) for t in ins]
    if None in [None if g is None else 0 for g in grads] and not allow_unused:
        missing = [i for i, g in enumerate(grads) if g is None]
        raise GradientError(
            f"gradients: the outputs do not depend on inputs {missing}; leave them out, or pass allow_unused=True, "
            "which gives None for them"
        )
    return tuple(grads)


def vjp(f: Callable[P, R], *args: Any) -> tuple[R, Callable[[Any], tuple[Any, ...]]]:
    """(f(*args), pull): pull(cotangent of the result) -> cotangents of the arguments. It may be called again."""
    _check_function("vjp", f)
    call: Any = f
    start = next_birth()
    full, twins, shaped = _inputs(args, tuple(range(len(args))))
    with followed():
        y: Any = call(*full)
    single = not isinstance(y, (tuple, list, dict))
    outs, rebuild = flatten(y)
    outs = [as_tensor(o) for o in outs]

    def pull(cotangent: Any) -> Any:
        gs = [cotangent] if single else flatten(cotangent)[0]
        if len(gs) != len(outs):
            raise GradientError(f"vjp: {len(gs)} cotangents for {len(outs)} results")
        roots = [(o, as_tensor(g, o.dtype)) for o, g in zip(outs, gs, strict=True)]
        for o, g in roots:
            if o.shape != g.shape:
                raise ShapeError(f"vjp: cotangent of shape {g.shape} for a result of shape {o.shape}")
        again = mode.grad and (older or any(g.requires_grad for _, g in roots))
        return shaped(_pull(roots, twins, again, keep=True))

    older = _older_graph([o for o in outs if o.requires_grad], start)
    value = rebuild(outs)
    return (value if mode.grad and older else _plain(value)), pull


@overload
def jacobian(f: Callable[P, Any], argnums: int = 0) -> Callable[..., Tensor]: ...
@overload
def jacobian(f: Callable[P, Any], argnums: tuple[int, ...]) -> Callable[..., tuple[Tensor, ...]]: ...
def jacobian(f: Callable[P, Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """f: (n...) -> (m...) becomes (m..., n...): all derivatives, one batched backward pass.

    argnums: by which argument, or by which, then a tuple of Jacobians.

    >>> jacobian(lambda x: x * x)([1.0, 2.0])
    tensor([[2., 0.],
            [0., 4.]])
    """
    _check_function("jacobian", f)
    nums = argnums if isinstance(argnums, tuple) else (argnums,)
    if not all(isinstance(i, int) for i in nums):
        raise ArgumentError(f"jacobian: argnums={argnums!r} must be the number of an argument, or a tuple of numbers")

    def differentiated(*args: Any, **kwargs: Any) -> Any:
        by = {i % len(args) for i in nums if -len(args) <= i < len(args)}  # a list is data here, not a tree
        args = tuple(as_tensor(a) if i in by else a for i, a in enumerate(args))
        start = next_birth()
        full, twins, _ = _inputs(args, argnums)
        with followed():
            y = _result("jacobian", f(*full, **kwargs))
        m = y.numel()
        rows = Frame(m, level=start)  # a cotangent for each element of y; batches inside f are further outside
        basis = Batched(ops.reshape(ops.cast(ops.mask(m, m, ops.eq), dtype=y.dtype), shape=(m, *y.shape)), rows)
        pulled = _pull([(y, wrap(basis))], twins, mode.grad and _older_graph([y], start), along=rows)
        found = tuple(
            ops.reshape(batch_leave(g, frame=rows), shape=(*y.shape, *x.shape))  # (m, n...)
            for g, x in zip(pulled, twins, strict=True)
        )
        return found if isinstance(argnums, tuple) else found[0]

    return differentiated


def hessian(f: Callable[P, Any], argnums: int = 0) -> Callable[..., Tensor]:
    """f returning one number -> all second derivatives (n..., n...)."""
    _check_function("hessian", f)
    return jacobian(grad(f, argnums), argnums)


def hvp(f: Callable[P, Any], x: Any, v: Any) -> Tensor:
    """Hessian of f at x times v, without the Hessian: the gradient of (gradient . v)."""
    _check_function("hvp", f)
    x, v = as_tensor(x), as_tensor(v)
    if v.shape != x.shape:
        raise ShapeError(f"hvp: v of shape {v.shape} for x of shape {x.shape}; they must be equal")
    return grad(lambda t: (grad(f)(t) * v).sum())(x)


__all__ = ["grad", "gradients", "hessian", "hvp", "jacobian", "value_and_grad", "vjp"]
