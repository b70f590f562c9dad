"""`torch.func`: its names are refused, each with surefit's own function of the same kind."""

from typing import Any

from surefit.torch.adapt import refusal

_ELSEWHERE = {
    "grad": "use surefit.grad(f), which takes argnums and has_aux too",
    "grad_and_value": "use surefit.value_and_grad(f), which returns the value first",
    "vmap": "use surefit.batch(f, in_axes=..., out_axes=...)",
    "jacrev": "use surefit.jacobian(f)",
    "jacfwd": "use surefit.jacobian(f)",
    "hessian": "use surefit.hessian(f)",
    "vjp": "use surefit.vjp(f, *args)",
    "jvp": "use torch.autograd.functional.jvp",
    "functional_call": "write the network as a function of its weights with torch.nn.functional.linear",
}


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise refusal("surefit.torch.func", name, _ELSEWHERE, [])


__all__: list[str] = []
