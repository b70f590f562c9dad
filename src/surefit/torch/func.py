"""`torch.func`: derivatives and batches of functions, and networks as functions of their weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from surefit.core import functional as own
from surefit.core import functions as F
from surefit.core.batching import batch
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, ShapeError
from surefit.nn.module import Module, changes
from surefit.torch.adapt import refusal

_ELSEWHERE = {
    "linearize": "use torch.func.jvp at each tangent",
    "functionalize": "use surefit.record(f, *args), whose Program changes nothing in place",
}


def grad(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """func returning one number -> its gradient; the argument may be a dict, list or tuple of tensors."""
    return own.grad(func, argnums, has_aux)


def grad_and_value(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """func -> a function that returns (gradient, value); with has_aux (gradient, (value, anything))."""
    value_and_gradient = own.value_and_grad(func, argnums, has_aux)

    def differentiated(*args: Any, **kwargs: Any) -> Any:
        value, gradient = value_and_gradient(*args, **kwargs)
        return gradient, value

    return differentiated


def vmap(
    func: Callable[..., Any], in_dims: Any = 0, out_dims: int = 0, randomness: str = "error"
) -> Callable[..., Any]:
    """func for one sample -> the same for many. in_dims: None for an argument that all share.

    randomness: "same" draws once for all samples, which is what happens here; "different" is refused.
    """
    if randomness not in ("error", "same"):
        raise ArgumentError(
            f"vmap: randomness={randomness!r} must be 'error' or 'same': draw the numbers of all samples before, and "
            "give them as an argument"
        )
    return batch(func, in_dims, out_dims)


def jacrev(func: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """func: (n...) -> (m...) becomes (m..., n...), all its derivatives with respect to one argument."""
    return own.jacobian(func, argnums)


def jacfwd(func: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """`jacrev`: the same numbers, found the same way."""
    return own.jacobian(func, argnums)


def hessian(func: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """func returning one number -> all its second derivatives (n..., n...)."""
    return own.hessian(func, argnums)


def vjp(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """(func(*primals), a function of a cotangent of that, which returns those of the primals)."""
    return own.vjp(func, *primals)


def jvp(func: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """(func(*primals), its derivative in the direction of the tangents); func returns one tensor."""
    from surefit.torch.autograd import functional

    if len(primals) != len(tangents):
        raise ShapeError(f"jvp: {len(tangents)} tangents for {len(primals)} primals; one for each is needed")
    return functional.jvp(func, tuple(primals), tuple(tangents), create_graph=True)


def functional_call(
    module: Module, parameter_and_buffer_dicts: Any, args: Any = None, kwargs: Mapping[str, Any] | None = None
) -> Any:
    """module(*args, **kwargs) with other weights, by their dotted names, which gradients then flow to.

    parameter_and_buffer_dicts: a dict, or several; weights that they do not name are the module's own, and the module
    is as before afterwards. args: a tuple, or one argument.
    """
    several = isinstance(parameter_and_buffer_dicts, (tuple, list))
    given = {
        k: v
        for one in (parameter_and_buffer_dicts if several else (parameter_and_buffer_dicts,))
        for k, v in one.items()
    }
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    with _exchanged(module, given):
        return module(*arguments, **(kwargs or {}))


def stack_module_state(models: Sequence[Module]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Weights and buffers of modules of one kind, each stacked along a new first axis, for `vmap`."""
    if not models:
        raise ArgumentError("stack_module_state: no modules; give at least one")
    states = [(dict(m.named_parameters()), dict(m.named_buffers())) for m in models]
    if len({type(m) for m in models}) > 1 or any(s[0].keys() != states[0][0].keys() for s in states):
        raise ArgumentError("stack_module_state: the modules must be of one class, with weights of the same names")
    stacked = [{name: F.stack([s[kind][name] for s in states]).detach() for name in states[0][kind]} for kind in (0, 1)]
    for weight in stacked[0].values():
        weight.requires_grad_(True)
    return stacked[0], stacked[1]


@contextmanager
def _exchanged(module: Module, given: Mapping[str, Any]) -> Any:
    """Within the block fields that hold weights or buffers hold these values instead."""
    owners = dict(module.named_modules())
    places = []
    for name, value in given.items():
        path, _, field = name.rpartition(".")
        owner = owners.get(path)
        if owner is None or not (field in owner._parameters or field in owner._buffers):
            known = ", ".join([*dict(module.named_parameters()), *dict(module.named_buffers())])
            raise ArgumentError(f"functional_call: the module has no weight {name!r}; it has {known}")
        old = getattr(owner, field)
        if tuple(value.shape) != tuple(old.shape):
            raise ShapeError(f"functional_call: {name!r} has shape {tuple(value.shape)}; {tuple(old.shape)} is needed")
        places.append((owner, field, old, value))
    try:
        changes[0] += 1
        for owner, field, _, value in places:
            object.__setattr__(owner, field, value)
        yield
    finally:
        changes[0] += 1
        for owner, field, old, _ in places:
            object.__setattr__(owner, field, old)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise refusal("surefit.torch.func", name, _ELSEWHERE, __all__)


__all__ = [
    "functional_call", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "stack_module_state", "vjp",
    "vmap",
]  # fmt: skip
