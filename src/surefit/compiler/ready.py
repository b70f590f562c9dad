"""A compiled Program that is asked often: nothing is prepared in a call that could be prepared before.

Every run has an arena to itself, taken from those that are free, so that calls from several threads run side by side
and a call within a call (from a signal handler, say) finds an arena of its own. The state of the Program (the weights)
stays in the arena; a call looks whether a leaf has another value than the one that lies there. A leaf's array is never
written into, it is replaced, so the same array is the same value.
"""

from __future__ import annotations

import itertools
import struct
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from surefit.compiler.codegen import BLOCKS
from surefit.compiler.compiled import Arena
from surefit.compiler.function import Compiled
from surefit.core.leaves import FlatVector
from surefit.core.program import Program
from surefit.core.tensor import Tensor
from surefit.cores import taken, together

FIRST = 4  # blocks that are run before it is known how long the others take
AT_ONCE = 2e-3  # seconds of work in one call of native code, between which an interrupt is heard
WORTH = 1e-3  # seconds of work that is left, from which a second thread may pay
SURELY = 0.05  # seconds from which it is not asked whether it does: starting it costs next to nothing then
AGAIN = 32  # calls after which the other way is tried once more


class Desk:
    """An arena with the present state in it, for one run at a time."""

    def __init__(self, compiled: Compiled, watched: Sequence[Tensor]) -> None:
        layout, program = compiled.layout, compiled.program
        self.compiled, self.watched = compiled, watched
        self.arena = Arena(layout.arena)
        self.step, self.address = compiled.step, self.arena.address
        self.blocks = compiled.library.function(BLOCKS, 4)
        avals = [v.aval for v in program.inputs] + [v.aval for _, v in program.state_in]
        arrays = [self.arena.array(s, a.shape, a.dtype) for s, a in zip(layout.inputs, avals, strict=True)]
        self.x, self.state = arrays[0], arrays[1:]
        self.y = self.arena.array(layout.results[0], program.outputs[0].aval.shape, program.outputs[0].aval.dtype)
        self.error: Any = self.arena.bytes[:4].data.cast("i")
        self.put = struct.Struct(f"{self.x.size}d").pack_into
        self.first: Any = self.x.reshape(-1).data.cast("B") if self.x.size else None
        self.values: Any = self.y.reshape(-1).data
        self.seen: list[tuple[Tensor, Any]] = []

    def load(self) -> bool:
        """The leaves' present values into the arena; False where the Program no longer speaks of them."""
        self.seen = []
        seen = [(t, t._value) for t in self.watched]
        for (leaf, _), there in zip(self.compiled.program.state_in, self.state, strict=True):
            value = leaf._value
            if isinstance(leaf, FlatVector) and not leaf.at_home():
                return False
            if value.shape != there.shape or value.dtype != there.dtype:
                return False
            there[...] = value
        self.seen = seen
        return True

    def failed(self) -> None:
        """Raise what the eager call raises for these inputs."""
        code, self.error[0] = self.error[0], 0
        self.compiled.fail(code, [self.x.copy()], [a.copy() for a in self.state])


class Ready:
    """A Program of one float64 input (rows, d) and one float64 result (rows, ...), compiled, for many calls.

    Raises what `compile_program` raises. Safe to call from several threads.
    """

    def __init__(self, program: Program, mode: str = "strict") -> None:
        self.compiled = Compiled(program, mode, blocks=True)
        self._free: list[Desk] = []
        self._pace: dict[tuple[int, bool], float] = {}  # seconds a block of calls of some size, with helpers or alone
        self._turn = itertools.count(1)
        leaves = [leaf for leaf, _ in program.state_in]
        parts = [leaf.params if isinstance(leaf, FlatVector) else [leaf] for leaf in leaves]
        self._watched: list[Tensor] = [t for part in parts for t in part]  # a vector assigned gives its parts new views
        desk = Desk(self.compiled, self._watched)
        self.rows, self.shape = desk.x.shape[0], desk.y.shape[1:]
        self._free.append(desk)

    def _take(self) -> Desk | None:
        """A desk of one's own with the present state on it; None where the Program no longer speaks of the leaves."""
        try:
            desk = self._free.pop()
        except IndexError:
            desk = Desk(self.compiled, self._watched)
        for leaf, value in desk.seen:
            if leaf._value is not value:
                return desk if desk.load() else None
        return desk if desk.seen or desk.load() else None

    def point(self, values: Sequence[float]) -> list[float] | None:
        """The result at one row of d numbers, flat; None where the Program is out of date. Of a Program of one row."""
        desk = self._take()
        if desk is None:
            return None
        desk.put(desk.first, 0, *values)
        desk.step(desk.address)
        if desk.error[0]:
            desk.failed()
        found: list[float] = desk.values.tolist()
        self._free.append(desk)
        return found

    def __call__(self, x: np.ndarray) -> np.ndarray | None:
        """Results (n, ...) at rows (n, d), by blocks, on several cores where that pays; None: out of date.

        A row's result does not depend on the block that it is in, so the number of threads changes no bit.
        """
        x = np.ascontiguousarray(x, np.float64)
        n, rows = len(x), self.rows
        out = np.empty((n, *self.shape))
        whole = n // rows
        desk = self._take()
        if desk is None:
            return None
        began = time.perf_counter()
        first = min(whole, FIRST)
        _blocks(desk, x, out, 0, first)
        if whole > first:
            each = max(1e-9, time.perf_counter() - began) / first
            left, length = each * (whole - first), whole.bit_length()
            with taken(whole - first - 1 if left > WORTH else 0) as helpers:
                asked = bool(helpers) and left < SURELY
                helpers *= not asked or self._pays(length)
                size = max(1, min(int(AT_ONCE / each), (whole - first) // (4 * (helpers + 1))))
                turns = iter(range(first, whole, size))  # whose next() is one operation: every block is somebody's

                def work(at: Desk) -> None:
                    try:
                        for i in turns:
                            _blocks(at, x, out, i, min(size, whole - i))
                    except BaseException:  # an interrupt: nobody needs the others either
                        for _ in turns:
                            pass
                        raise

                if not self._together(work, desk, helpers):
                    return None
            if asked:
                took, before = (time.perf_counter() - began) / whole, self._pace.get((length, helpers > 0))
                self._pace[length, helpers > 0] = took if before is None else 0.75 * before + 0.25 * took
        if n > whole * rows:
            _last(desk, x, out, whole * rows)
        self._free.append(desk)
        return out

    def _pays(self, length: int) -> bool:
        """Whether helpers were faster in calls of this size; now and then the other way is tried again.

        Two threads of one core, or a machine that others use too, can be slower than one thread.
        """
        alone, shared = self._pace.get((length, False)), self._pace.get((length, True))
        if alone is None or shared is None:
            return shared is None
        return (shared < alone) ^ (next(self._turn) % AGAIN == 0)

    def _together(self, work: Callable[[Desk], None], desk: Desk, helpers: int) -> bool:
        """The work, by this thread and so many others. Errors of any are raised here; False: out of date."""
        desks = [self._take() for _ in range(helpers)]
        if None in desks:
            return False

        def helping(at: Desk) -> None:
            work(at)
            self._free.append(at)

        together(lambda: work(desk), [partial(helping, at) for at in desks if at is not None])
        return True


def _blocks(desk: Desk, x: np.ndarray, out: np.ndarray, first: int, count: int) -> None:
    """So many blocks of rows, from block `first`."""
    start = first * len(desk.x)
    if count and out.size:
        desk.blocks(desk.address, x[start:].ctypes.data, out[start:].ctypes.data, count)
        if desk.error[0]:
            desk.failed()


def _last(desk: Desk, x: np.ndarray, out: np.ndarray, start: int) -> None:
    """The rows from `start`, fewer than a block, which is filled up with the last of them."""
    rows = x[start:]
    desk.x[: len(rows)] = rows
    desk.x[len(rows) :] = rows[-1]
    desk.step(desk.address)
    if desk.error[0]:
        desk.failed()
    out[start:] = desk.y[: len(rows)]


__all__ = ["Ready"]
