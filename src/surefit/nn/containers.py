"""Modules made of modules: one after the other, in a list, in a dictionary, around a skip connection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, overload

from surefit.core.leaves import Parameter
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, AxisError, DtypeError, ShapeError
from surefit.nn.module import Module


class _Row(Module):
    """Modules in order, by place. Names are places ("0", "1", ...) unless they were given."""

    def _refill(self, named: list[tuple[str, Module]]) -> None:
        for name in list(self._modules):
            delattr(self, name)
        for name, module in named:
            self.add_module(name, module)

    def _numbered(self, modules: Iterable[Module]) -> None:
        self._refill([(str(i), m) for i, m in enumerate(modules)])

    def _place(self, index: Any) -> int:
        try:
            i = index.__index__()
        except AttributeError:
            raise DtypeError(f"{type(self).__name__}: index {index!r} must be an integer or a slice") from None
        if not -len(self) <= i < len(self):
            raise AxisError(f"{type(self).__name__}: index {i} is out of range for {len(self)} modules")
        return i % len(self)

    def _name(self, index: Any) -> str:
        return list(self._modules)[self._place(index)]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def __contains__(self, module: object) -> bool:
        return any(m is module for m in self)

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> _Row: ...
    def __getitem__(self, index: int | slice) -> Module:
        if isinstance(index, slice):
            return self._part(list(self._modules.items())[index])
        return self._modules[self._name(index)]

    def _part(self, named: list[tuple[str, Module]]) -> _Row:
        raise NotImplementedError

    def __setitem__(self, index: int, module: Module) -> None:
        self.add_module(self._name(index), module)

    def __delitem__(self, index: int | slice) -> None:
        names = list(self._modules)
        gone = names[index] if isinstance(index, slice) else [self._name(index)]
        kept = [m for n, m in self._modules.items() if n not in gone]
        if names == [str(i) for i in range(len(names))]:
            self._numbered(kept)
        else:
            self._refill([(n, m) for n, m in self._modules.items() if n not in gone])

    def append(self, module: Module) -> Any:
        """Put a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Any:
        """Put several modules at the end."""
        for m in list(modules):
            self.append(m)
        return self

    def insert(self, index: int, module: Module) -> Any:
        """Put a module before place `index`; the names become places."""
        modules = list(self)
        modules.insert(index, module)
        self._numbered(modules)
        return self

    def pop(self, index: int = -1) -> Module:
        """Take a module out."""
        module = self[index]
        del self[index]
        return module


class Sequential(_Row):
    """Modules one after the other: `Sequential(a, b)(x)` is b(a(x)). A dictionary names them.

    Indexing gives a module, slicing a Sequential of the same modules.

    >>> from surefit import nn
    >>> net = Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    >>> net[1], len(net[:2]), list(net.state_dict())
    (Tanh(), 2, ['0.weight', '0.bias', '2.weight', '2.bias'])
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], Mapping):
            self._refill(list(args[0].items()))
        else:
            self._numbered(args)

    def _part(self, named: list[tuple[str, Module]]) -> Sequential:
        return Sequential(dict(named))

    def forward(self, input: Any) -> Tensor:
        for module in self._modules.values():
            input = module(input)
        return input


class ModuleList(_Row):
    """A list whose modules are found by the module that holds it. It computes nothing itself."""

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        super().__init__()
        self._numbered(modules)

    def _part(self, named: list[tuple[str, Module]]) -> ModuleList:
        return ModuleList(m for _, m in named)

    def __repr__(self) -> str:
        """Neighbours that look the same are shown once, with their number, as PyTorch does."""
        runs: list[tuple[int, int, str]] = []
        for i, module in enumerate(self):
            text = repr(module)
            if runs and runs[-1][2] == text:
                runs[-1] = (runs[-1][0], i, text)
            else:
                runs.append((i, i, text))
        if not runs:
            return f"{type(self).__name__}()"
        lines = []
        for first, last, text in runs:
            text = text.replace("\n", "\n  ")
            lines.append(f"({first}): {text}" if first == last else f"({first}-{last}): {last - first + 1} x {text}")
        return f"{type(self).__name__}(\n  " + "\n  ".join(lines) + "\n)"


class ModuleDict(Module):
    """A dictionary whose modules are found by the module that holds it. It computes nothing itself."""

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        super().__init__()
        self.update(modules or {})

    def __getitem__(self, key: str) -> Module:
        if key not in self._modules:
            raise KeyError(f"{key!r} is not among {list(self._modules)}")
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        self.pop(key)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._modules.keys()

    def values(self) -> Iterable[Module]:
        """The modules."""
        return self._modules.values()

    def items(self) -> Iterable[tuple[str, Module]]:
        """(name, module)."""
        return self._modules.items()

    def update(self, modules: Mapping[str, Module]) -> None:
        """Add or replace modules."""
        for key, module in dict(modules).items():
            self.add_module(key, module)

    def pop(self, key: str) -> Module:
        """Take a module out."""
        module = self[key]
        delattr(self, key)
        return module

    def clear(self) -> None:
        """Take all modules out."""
        for key in list(self._modules):
            delattr(self, key)


class ParameterList(Module):
    """A list of Parameters that are found by the module that holds it. Tensors in it become Parameters."""

    def __init__(self, values: Iterable[Any] = ()) -> None:
        super().__init__()
        self.extend(values)

    def append(self, value: Any) -> ParameterList:
        """Put a Parameter at the end."""
        setattr(self, str(len(self)), value if isinstance(value, Parameter) else Parameter(value))
        return self

    def extend(self, values: Iterable[Any]) -> ParameterList:
        """Put several Parameters at the end."""
        for v in list(values):
            self.append(v)
        return self

    def __len__(self) -> int:
        return len(self._parameters)

    def __iter__(self) -> Iterator[Parameter]:
        return iter(list(self._parameters.values()))

    def __getitem__(self, index: int) -> Parameter:
        return list(self._parameters.values())[index]

    def __setitem__(self, index: int, value: Any) -> None:
        name = list(self._parameters)[index]
        setattr(self, name, value if isinstance(value, Parameter) else Parameter(value))


class ParameterDict(Module):
    """A dictionary of Parameters that are found by the module that holds it. Tensors in it become Parameters."""

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.update(values or {})

    def update(self, values: Mapping[str, Any]) -> None:
        """Add or replace Parameters."""
        for key, value in dict(values).items():
            self[key] = value

    def __setitem__(self, key: str, value: Any) -> None:
        setattr(self, key, value if isinstance(value, Parameter) else Parameter(value))

    def __getitem__(self, key: str) -> Parameter:
        return self._parameters[key]

    def __len__(self) -> int:
        return len(self._parameters)

    def __iter__(self) -> Iterator[str]:
        return iter(self._parameters)

    def __contains__(self, key: object) -> bool:
        return key in self._parameters

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._parameters.keys()

    def values(self) -> Iterable[Parameter]:
        """The Parameters."""
        return self._parameters.values()

    def items(self) -> Iterable[tuple[str, Parameter]]:
        """(name, Parameter)."""
        return self._parameters.items()


class Residual(Module):
    """x + module(x): a skip connection. ShapeError unless the module keeps the shape.

    >>> from surefit import nn
    >>> block = Residual(nn.Sequential(nn.Linear(4, 4), nn.ReLU()))
    >>> list(block.state_dict())
    ['module.0.weight', 'module.0.bias']
    """

    def __init__(self, module: Module) -> None:
        super().__init__()
        if not isinstance(module, Module):
            raise ArgumentError(f"Residual: needs a Module, got {type(module).__name__}; for several, a Sequential")
        self.module = module

    def forward(self, input: Any) -> Tensor:
        y = self.module(input)
        if y.shape != input.shape:
            raise ShapeError(
                f"Residual: the module turns {input.shape} into {y.shape}, which cannot be added to its "
                f"input; it must keep the shape"
            )
        return input + y


__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Residual", "Sequential"]
