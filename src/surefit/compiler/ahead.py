"""The rows of the next batch, asked for while a product of this one runs.

Rows are drawn at random, so that no CPU foresees where they lie, and what is in no cache is waited for: in a step of a
network on images that was a tenth. The loop writes down where the next rows begin; every tile of the step's product
with the most tiles takes one of these addresses, and asks for that row bit by bit while it computes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from surefit.compiler.engine import Target
from surefit.compiler.gemm import visits
from surefit.compiler.plan import ALIGN, Plan
from surefit.ir.builder import BYTES
from surefit.ir.graph import Node

ROW = 512  # bytes of a row from which it is asked for


@dataclass(frozen=True)
class Ahead:
    """What is asked for: `row` bytes of each row of the input `stream`, while `product` runs.

    start: where in the arena the addresses of the rows lie, `entries` of 8 bytes.
    """

    stream: int
    product: Node
    row: int
    start: int
    entries: int


def row_bytes(shape: Sequence[int], kind: str) -> int:
    """Bytes of one row of an input; 0 where it has none."""
    size = BYTES["i8" if kind == "i1" else kind] if shape and shape[0] else 0
    for n in shape[1:]:
        size *= n
    return size


def ahead_of(plan: Plan, streams: Sequence[int], t: Target) -> Ahead | None:
    """The widest of these inputs, and the product with the most tiles; None where nothing is worth it.

    Takes room at the end of the plan's arena.
    """
    widths = {i: row_bytes(plan.inputs[i].shape, plan.inputs[i].kind) for i in streams}
    stream = max(streams, key=lambda i: widths[i], default=-1)
    if widths.get(stream, 0) < ROW:
        return None
    best, entries = None, 0
    for kernel in plan.kernels:
        n = kernel.node
        if kernel.kind == "matmul" and n is not None and len(n.shape) == 2 and kernel.room is None:
            padded = kernel.place is not None and kernel.place.roomy
            count = visits(t, n.kind, n.shape[0], n.shape[1], n.args[0].shape[1], padded)
            if count > entries:
                best, entries = n, count
    if best is None:
        return None
    entries *= 2  # which tiles are taken depends on those that the module has already
    start, plan.arena = plan.arena, plan.arena + -(-entries * 8 // ALIGN) * ALIGN
    return Ahead(stream, best, widths[stream], start, entries)


__all__ = ["ROW", "Ahead", "ahead_of", "row_bytes"]
