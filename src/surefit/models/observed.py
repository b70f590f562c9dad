"""A way to look at every layer of a network while it runs, and what its layers are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from surefit import nn
from surefit.core.modes import no_grad
from surefit.core.tensor import Tensor
from surefit.models.mean import Mean
from surefit.models.members import Blend, Members


class Seen(NamedTuple):
    """What one leaf module got and gave."""

    name: str
    module: nn.Module
    inputs: tuple[Any, ...]
    output: Any


@contextmanager
def observed(network: nn.Module) -> Iterator[list[Seen]]:
    """While inside, every call of a module without submodules is appended to the list; nothing is left behind."""
    seen: list[Seen] = []
    leaves = [(name, m) for name, m in network.named_modules() if not m._modules]

    def watch(name: str, module: nn.Module) -> None:
        forward = module.forward

        def watched(*args: Any, **kwargs: Any) -> Any:
            y = forward(*args, **kwargs)
            seen.append(Seen(name, module, args, y))
            return y

        object.__setattr__(module, "forward", watched)

    for name, module in leaves:
        watch(name, module)
    try:
        yield seen
    finally:
        for _, module in leaves:
            module.__dict__.pop("forward", None)


def layer_sizes(network: nn.Module) -> list[int] | None:
    """Sizes of the layers of a multilayer perceptron, inputs first; None for another network."""
    linear = [m for m in network.modules() if isinstance(m, nn.Linear)]
    chain = all(a.out_features == b.in_features for a, b in pairwise(linear))
    unlike = (nn.Conv1d, nn.Conv2d, nn.Residual, nn.Embedding, Members, Blend, Mean)
    others = any(isinstance(m, unlike) for m in network.modules())
    if not linear or not chain or others:
        return None
    return [linear[0].in_features, *(m.out_features for m in linear)]


def layer_rows(network: nn.Module, inputs: int, dtype: np.dtype) -> list[tuple[str, ...]]:
    """A heading, then name, kind, output size and parameters of each layer, then the total."""
    with observed(network) as seen, no_grad():
        network(Tensor(np.zeros((1, inputs)), dtype))
    rows = [("layer", "kind", "output", "parameters")]
    for s in seen:
        own = sum(p.numel() for p in s.module.parameters())
        rows.append((s.name or "network", type(s.module).__name__, str(tuple(s.output.shape[1:])), f"{own}"))
    return [*rows, ("total", "", "", f"{network.num_parameters()}")]


def as_text(rows: Sequence[tuple[str, ...]]) -> str:
    """Rows as a table of text, the heading underlined, the last column to the right."""
    widths = [max(len(r[i]) for r in rows) for i in range(4)]
    lines = [
        "  ".join(c.ljust(w) if i < 3 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths, strict=True)))
        for r in rows
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


__all__ = ["Seen", "as_text", "layer_rows", "layer_sizes", "observed"]
