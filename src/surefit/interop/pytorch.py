"""Networks from and to PyTorch: layers have the same names and arguments there, so that they are matched by them."""

from __future__ import annotations

import inspect
from collections import OrderedDict
from typing import Any

import numpy as np

from surefit import nn
from surefit.errors import ArgumentError, MissingExtraError

_ROWS = ("Sequential", "ModuleList", "ModuleDict")
_NOT_ARGUMENTS = {"self", "generator", "dtype", "device", "inplace", "args", "kwargs", "weight", "_weight", "init"}


def from_torch(module: Any) -> nn.Module:
    """A PyTorch network as a Module, with its weights, buffers and mode.

    Args:
        module: an nn.Sequential, nested as it may be, or one layer. A network with a forward of its own cannot be read
            off its layers: write it with `torch.onnx.export`, and read that with `from_onnx`.

    Returns:
        The network, in float64 where the PyTorch one is (of float16 and bfloat16 in float32). Weights that are frozen
        stay so, and a layer that stands in several places is one.

    Raises:
        ArgumentError: a layer that is not in surefit.nn, an argument that it does not have, or a hook, which may change
            what a layer gives; each is named. DtypeError: weights without numbers ("meta").
    """
    torch = _package()
    if not isinstance(module, torch.nn.Module):
        raise ArgumentError(f"from_torch: needs a torch.nn.Module, got {type(module).__name__}")
    made = _surefit(torch, module, "", {})
    state = module.state_dict()
    if any(value.dtype == torch.float64 for value in state.values()):
        made = made.to("float64")
    made.load_state_dict(state)
    free = {name: p.requires_grad for name, p in module.named_parameters()}
    for name, parameter in made.named_parameters():
        parameter.requires_grad_(free.get(name, True))
    return made.train(module.training)


def to_torch(module: nn.Module) -> Any:
    """The same network in PyTorch, with its weights, buffers and mode: the other way round of `from_torch`.

    Args:
        module: an nn.MLP or nn.Sequential, nested as it may be, or one layer.

    Returns:
        A torch.nn.Module.

    Raises:
        ArgumentError: a layer that PyTorch does not have is named.
    """
    torch = _package()
    if not isinstance(module, nn.Module):
        cure = "; fit.network is one (in scaled units)" if hasattr(module, "network") else ""
        raise ArgumentError(f"to_torch: needs a Module, got {type(module).__name__}{cure}")
    made = _torch(torch, module, "", {})
    names = made.state_dict()
    arrays = {name: np.array(value.detach().numpy()) for name, value in module.state_dict().items() if name in names}
    free = {name: p.requires_grad for name, p in module.named_parameters()}
    if any(value.dtype == np.float64 for value in arrays.values()):
        made = made.double()
    with torch.no_grad():
        made.load_state_dict({name: torch.from_numpy(value) for name, value in arrays.items()})
    for name, parameter in made.named_parameters():
        parameter.requires_grad_(free.get(name, True))
    return made.train(module.training)


def _package() -> Any:
    try:
        import torch
    except ImportError:
        raise MissingExtraError("this needs PyTorch: pip install torch") from None
    return torch


Known = dict[int, Any]  # what was built of the layers so far, by their id: one that is shared is built once


def _surefit(torch: Any, module: Any, path: str, known: Known) -> nn.Module:
    if id(module) in known:
        return known[id(module)]
    base = _kind_of(module)
    name = base.__name__
    if name in _ROWS and base.__module__.startswith("torch."):
        _check_hooks(module, path)
        children = ((k, m) for k, m in module._modules.items() if m is not None)  # named_children() has each only once
        parts = OrderedDict((k, _surefit(torch, m, f"{path}.{k}".lstrip("."), known)) for k, m in children)
        known[id(module)] = _row(name, parts, nn)
        return known[id(module)]
    kind = getattr(nn, name, None)
    if not base.__module__.startswith("torch.") or kind is None or module._modules:
        raise ArgumentError(
            f"from_torch: the module {_at(path)}{type(module).__name__} is no layer of surefit.nn; layers in "
            "nn.Sequential are read, any other network by way of torch.onnx.export and surefit.from_onnx"
        )
    _check_hooks(module, path)
    if getattr(module, "padding_mode", "zeros") != "zeros":
        raise ArgumentError(f"from_torch: {_at(path)}{name} has padding_mode={module.padding_mode!r}; zeros is known")
    known[id(module)] = _built(kind, module, path, "from_torch")
    return known[id(module)]


def _kind_of(module: Any) -> type:
    """The class of PyTorch that a module is of: itself, or the one from which it has its `forward` unchanged."""
    kinds = type(module).__mro__
    own = next(kind for kind in kinds if "forward" in vars(kind))
    return next(
        (kind for kind in kinds if kind.__module__.startswith("torch.") and issubclass(kind, own)), type(module)
    )


def _check_hooks(module: Any, path: str) -> None:
    """ArgumentError for what PyTorch would do beside the layer, and for weights that are made of others."""
    hooks = (*module._forward_hooks.values(), *module._forward_pre_hooks.values())
    if not hooks:
        return
    cure = (
        "torch.nn.utils.prune.remove(layer, 'weight') makes it an ordinary one"
        if any("prune" in type(hook).__module__ for hook in hooks)
        else "remove it, or bring the network by way of torch.onnx.export and surefit.from_onnx"
    )
    raise ArgumentError(f"from_torch: the module {_at(path)}{type(module).__name__} has a forward hook; {cure}")


def _torch(torch: Any, module: nn.Module, path: str, known: Known) -> Any:
    if id(module) in known:
        return known[id(module)]
    name = type(module).__name__
    if name in _ROWS or type(module) is nn.MLP:
        parts = OrderedDict((k, _torch(torch, m, f"{path}.{k}".lstrip("."), known)) for k, m in module._modules.items())
        known[id(module)] = _row("Sequential" if name == "MLP" else name, parts, torch.nn)
        return known[id(module)]
    kind = getattr(torch.nn, name, None)
    if not type(module).__module__.startswith("surefit.nn") or kind is None or module._modules:
        raise ArgumentError(
            f"to_torch: the module {_at(path)}{name} is no layer of torch.nn; export it to ONNX instead"
        )
    known[id(module)] = _built(kind, module, path, "to_torch")
    return known[id(module)]


def _at(path: str) -> str:
    return f"{path!r} of type " if path else ""


def _row(name: str, parts: OrderedDict[str, Any], library: Any) -> Any:
    if name == "ModuleList":
        return library.ModuleList(list(parts.values()))
    return getattr(library, name)(parts)


def _built(kind: Any, module: Any, path: str, caller: str) -> Any:
    """A layer of another library with the arguments that this one was built with."""
    given: dict[str, Any] = {}
    takes = inspect.signature(kind.__init__).parameters
    if any(p.kind is p.VAR_POSITIONAL for p in takes.values()):  # PyTorch's recurrent layers name no arguments; ours do
        takes = inspect.signature(type(module).__init__).parameters
    for name, p in takes.items():
        if name in _NOT_ARGUMENTS or not hasattr(module, name):
            continue
        value = getattr(module, name)
        if name == "bias":
            value = value is not None and value is not False
        if name == "num_parameters" and callable(value):  # of our PReLU it is a method
            value = module.weight.numel()
        if name == "unflattened_size":
            value = tuple(value)
        if name == "threshold" and value is None:  # our Softplus needs none; PyTorch's is the same in float64 then
            value = 40.0
        if p.default is inspect.Parameter.empty or not _same(value, p.default):
            given[name] = value
    try:
        return kind(**given)
    except (TypeError, ValueError) as e:
        raise ArgumentError(f"{caller}: {_at(path)}{type(module).__name__} cannot be built from {given}: {e}") from None


def _same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and bool(a == b)


__all__ = ["from_torch", "to_torch"]
