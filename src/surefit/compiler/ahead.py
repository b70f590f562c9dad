"""The rows of the next batch, asked for while a product of this one runs.

Rows are drawn at random, so that no CPU foresees where they lie, and what is in no cache is waited for: in a step of a
network on images that was a tenth. The loop writes down where the pieces of the next rows begin; every tile of the
step's largest products takes one of these addresses, and asks for that piece bit by bit while it computes. So the
requests are few at a time: a core waits for sixteen lines of memory at most, those of its products among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from surefit.compiler.engine import Target
from surefit.compiler.gemm import visits
from surefit.compiler.plan import ALIGN, Kernel, Plan
from surefit.compiler.turned import turned_visits
from surefit.ir.builder import BYTES
from surefit.ir.graph import Node

ROW = 512  # bytes of a row from which it is asked for


@dataclass(frozen=True)
class Ahead:
    """What is asked for: of each row of the input `stream` (`row` bytes) so many `pieces`, one while a tile computes.

    first: the first entry of each product (by the number of its node) during which they are. start: where in the arena
    the addresses of the pieces lie, `entries` of 8 bytes, row by row.
    """

    stream: int
    first: dict[int, int]
    row: int
    pieces: int
    start: int
    entries: int

    @property
    def piece(self) -> int:
        """Bytes of a piece."""
        return -(-self.row // self.pieces)


def row_bytes(shape: Sequence[int], kind: str) -> int:
    """Bytes of one row of an input; 0 where it has none."""
    size = BYTES["i8" if kind == "i1" else kind] if shape and shape[0] else 0
    for n in shape[1:]:
        size *= n
    return size


def ahead_of(plan: Plan, streams: Sequence[int], t: Target) -> Ahead | None:
    """The widest of these inputs, and the products with the most tiles; None where nothing is worth it.

    Takes room at the end of the plan's arena.
    """
    widths = {i: row_bytes(plan.inputs[i].shape, plan.inputs[i].kind) for i in streams}
    stream = max(streams, key=lambda i: widths[i], default=-1)
    if widths.get(stream, 0) < ROW:
        return None
    found = [(n, count) for n, count in (_visited(k, t) for k in plan.kernels) if n is not None and count]
    most = max((count for _, count in found), default=0)
    first, entries = {}, 0
    for n, count in found:
        if 2 * count > most:
            first[n.id], entries = entries, entries + count
    if not first:
        return None
    start, plan.arena = plan.arena, plan.arena + -(-entries * 8 // ALIGN) * ALIGN
    pieces = max(1, entries // plan.inputs[stream].shape[0])
    return Ahead(stream, first, widths[stream], pieces, start, entries)


def _visited(kernel: Kernel, t: Target) -> tuple[Node | None, int]:
    """A product, and during how many of its tiles something can be asked for."""
    n = kernel.node
    if kernel.kind != "matmul" or n is None or kernel.place is None or len(n.shape) != 2:
        return None, 0
    (rows, columns), k = n.shape, n.args[0].shape[1]
    if kernel.room is not None:
        return n, turned_visits(t, n.kind, rows, columns, k)
    return n, visits(t, n.kind, rows, columns, k, kernel.place.roomy)


__all__ = ["ROW", "Ahead", "ahead_of", "row_bytes"]
