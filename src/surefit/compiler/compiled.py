"""From a Program to machine code in memory: written and compiled, or read from the disk.

The `Layout` is kept on disk beside the code. The name of the file is made from the Program itself, so that what was
compiled once costs neither passes nor LLVM the next time.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import struct
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from surefit.compiler import cache, engine
from surefit.compiler.codegen import BLOCKS, BODY, HELPER, LOOP, RELEASE, STEP, Layout, Writing, check_mode
from surefit.compiler.explain import Explanation
from surefit.compiler.loop_code import write_loop
from surefit.core.program import Constant, Program, Var

LARGE = 512 * 1024  # bytes from which memory is asked for in large pages
PAGE = 2 * 1024 * 1024  # of the large ones, on x86 and most of the others


def _zeros(size: int) -> tuple[np.ndarray, int]:
    """Memory with room for so many bytes from an address that is a multiple of the number that comes with it.

    Large pages, where Linux has them: rows of a matrix lie on a page each otherwise, more than a core remembers the
    places of, and wherever they happen to lie they push each other out of the caches. Steps of networks on images
    took 2 or 3 % less.
    """
    if size >= LARGE and hasattr(mmap, "MADV_HUGEPAGE"):
        try:
            whole = -(-size // PAGE) * PAGE  # a page must be all there to be a large one
            raw = mmap.mmap(-1, whole + PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            raw.madvise(mmap.MADV_HUGEPAGE)
        except OSError:  # a kernel without them, or no room
            pass
        else:
            return np.frombuffer(raw, np.uint8), PAGE
    return np.zeros(size + 128, np.uint8), 64


class Arena:
    """Zeroed memory for one run at a time, aligned to 64 bytes; places in it are arrays."""

    def __init__(self, size: int) -> None:
        self._raw, multiple = _zeros(size)
        start = -self._raw.ctypes.data % multiple
        self.bytes = self._raw[start : start + size]
        self.address = self.bytes.ctypes.data

    def array(self, start: int, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """An array in its memory, from byte `start`."""
        return np.ndarray(shape, dtype, self.bytes.data, start)

    @property
    def error(self) -> int:
        return int(self.bytes[:4].view(np.int32)[0])

    def forget_error(self) -> None:
        self.bytes[:4] = 0


class Built:
    """A Program as machine code in memory, with an arena to run in.

    streams: which inputs a native loop fills with rows of data (None: no loop is written); rate: the input that is the
    learning rate. threads: 2 where two threads may share a step. blocks: whether `blocks` is written, too.
    """

    def __init__(
        self, program: Program, how: str, t: engine.Target, record_seconds: float = 0.0, *, threads: int = 1,
        streams: Sequence[int] | None = None, rate: int | None = None, blocks: bool = False,
    ) -> None:  # fmt: skip
        check_mode(how)
        self.program, self.mode, self.target = program, how, t
        self._asked = (threads, None if streams is None else tuple(streams), rate, blocks)
        name = self._name()
        began = time.perf_counter()
        found = cache.read(name)
        self.cached = found is not None
        if found is not None:
            size = struct.unpack("<Q", found[:8])[0]
            self.layout = _layout(found[8 : 8 + size])
            code = found[8 + size :]
            parts = {"passes": 0.0, "IR": 0.0}
        else:
            writing = self._write()
            self.layout = writing.layout()
            parts = writing.seconds
            text = str(writing.module)
            began = time.perf_counter()
            code = engine.object_code(text, t)
            plain = json.dumps(asdict(self.layout)).encode()
            cache.write(name, struct.pack("<Q", len(plain)) + plain + code)
        names = [BODY, HELPER, RELEASE] if self.layout.threads == 2 else [STEP]
        if streams is not None:
            names.append(LOOP)
        if blocks:
            names.append(BLOCKS)
        self.library = engine.Library(code, t, names)
        self.seconds = {"record": record_seconds, **parts, "LLVM": time.perf_counter() - began}
        self.arena = Arena(self.layout.arena)
        avals = [v.aval for v in program.inputs] + [v.aval for _, v in program.state_in]
        self.inputs = self._arrays(self.layout.inputs, avals)
        self.state = self.inputs[len(program.inputs) :]
        self.results = self._arrays(self.layout.results, [a.aval for a in program.outputs])
        self.new = self._arrays(self.layout.new, [a.aval for _, a in program.state_out])

    def _arrays(self, starts: Sequence[int], avals: Sequence[Any]) -> list[np.ndarray]:
        return [self.arena.array(s, a.shape, a.dtype) for s, a in zip(starts, avals, strict=True)]

    def _write(self) -> Writing:
        threads, streams, rate, blocks = self._asked
        writing = Writing(self.program, self.mode, self.target, threads, streams or (), blocks)
        if streams is not None:
            write_loop(writing, streams, rate)
        if blocks:
            writing.write_blocks()
        return writing

    def _name(self) -> str:
        """The name of the file on disk: a digest of all that decides the code."""
        h = hashlib.sha256()
        p = self.program
        facts = (cache.makers(), self.target.cpu, self.target.features, self.mode, self._asked)
        h.update(repr(facts).encode())
        h.update(str(p).encode())
        atoms = [a for eq in p.equations for a in eq.args] + list(p.outputs) + [a for _, a in p.state_out]
        for a in atoms:
            if isinstance(a, Constant):
                h.update(repr(a.aval).encode())
                h.update(np.ascontiguousarray(a.value).tobytes())
        places = {id(leaf): i for i, (leaf, _) in enumerate(p.state_in)}
        h.update(repr([places.get(id(leaf), -1) for leaf, _ in p.state_out]).encode())
        h.update(repr([a.name if isinstance(a, Var) else "" for _, a in p.state_out]).encode())
        return h.hexdigest()

    @property
    def llvm_ir(self) -> str:
        """LLVM IR, as it was written (before LLVM's own passes)."""
        return str(self._write().module)

    @property
    def assembly(self) -> str:
        """The machine code as assembly text."""
        return engine.assembly(self.llvm_ir, self.target)

    def explain(self) -> Explanation:
        """What was compiled, into what, how long each part took: printable, and plain data in its fields."""
        return Explanation.of(self.program, self.layout, self.mode, self.target, self.seconds, self.cached)

    def failure(self, code: int) -> tuple[str, str]:
        """What an error code stands for, and the line."""
        what, at = self.layout.messages[code - 1]
        eq = self.program.equations[at]
        return what, f"{eq.op.name} at {eq.line}"


def _layout(plain: bytes) -> Layout:
    fields = json.loads(plain)
    for key in ("messages", "kernels"):
        fields[key] = [tuple(row) for row in fields[key]]
    return Layout(**fields)
