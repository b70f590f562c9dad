"""A network is examined without being changed: everything that a pass could touch is put back."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from surefit import nn
from surefit.core.graph import op_of
from surefit.core.random import Generator
from surefit.core.tensor import Tensor
from surefit.doctor.graph import leaf_state, restore


@contextmanager
def unchanged(network: nn.Module) -> Iterator[None]:
    """Whatever happens inside, the network is afterwards what it was: leaves, gradients, flags, streams, fields."""
    modules = list(network.modules())
    fields = [(m, dict(m.__dict__), {k: _kept(v) for k, v in m.__dict__.items()}) for m in modules]
    leaves = [(t, leaf_state(t)) for t in _leaves(network)]
    try:
        yield
    finally:
        for module, before, copies in fields:
            module.__dict__.clear()
            module.__dict__.update(before)
            for name, kept in copies.items():
                if kept is not None:
                    _put_back(before[name], kept)
        for leaf, state in leaves:
            restore(leaf, state)


def _leaves(network: nn.Module) -> list[Tensor]:
    """Every leaf tensor in a field of the network, and those of its random streams."""
    found: dict[int, Tensor] = {}
    for module in network.modules():
        for value in module.__dict__.values():
            for t in (value.key, value.counter) if isinstance(value, Generator) else (value,):
                if isinstance(t, Tensor) and not op_of(t):
                    found[id(t)] = t
    return list(found.values())


def _kept(value: Any) -> Any:
    """A copy of what can change in place, or None."""
    if isinstance(value, (list, dict, set, np.ndarray)):
        return value.copy()
    return copy.deepcopy(value.bit_generator.state) if isinstance(value, np.random.Generator) else None


def _put_back(value: Any, kept: Any) -> None:
    if isinstance(value, np.random.Generator):
        value.bit_generator.state = kept
    elif isinstance(value, np.ndarray):
        if value.flags.writeable:
            value[...] = kept
    elif isinstance(value, list):
        value[:] = kept
    else:
        value.clear()
        value.update(kept)


def for_examination(network: nn.Module) -> None:
    """As for prediction: no dropout, running statistics, or those of the sample where there are none yet."""
    network.eval()
    for m in network.modules():
        seen = m._buffers.get("num_batches_tracked")
        if seen is not None and int(seen.detach().numpy()) == 0:
            m.__dict__["training"] = True
    for p in network.parameters():
        if p.dtype.kind == "f":
            p.requires_grad = True


__all__ = ["for_examination", "unchanged"]
