"""From a Program to machine code in memory: planned, written and compiled, or read from the disk.

What a caller needs of the plan is a `Layout`, plain data that is kept on disk beside the code. The name of the file is
made from the Program itself, so that what was compiled once costs neither passes nor LLVM the next time.
"""

from __future__ import annotations

import hashlib
import json
import struct
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from surefit.compiler import cache, engine
from surefit.compiler.explain import Explanation, kernel_row
from surefit.compiler.graph import graph_of
from surefit.compiler.lower import Lowering
from surefit.compiler.plan import Place, Plan
from surefit.compiler.text import BYTES, FAST, Function, Module
from surefit.compiler.threads import pays, write_helper, write_meeting
from surefit.core.program import Constant, Program, Var
from surefit.errors import ArgumentError

MODES = ("fast", "strict")
STEP, BODY, LOOP = "surefit_step", "surefit_body", "surefit_loop"
HELPER, RELEASE = "surefit_helper", "surefit_release"


def check_mode(how: str) -> None:
    """ArgumentError for a mode that does not exist."""
    if how not in MODES:
        raise ArgumentError(f"mode={how!r} is unknown; choose 'fast' (training) or 'strict' (the same bits everywhere)")


@dataclass(frozen=True)
class Layout:
    """What must be known of compiled code to run it: where everything lies in an arena of `arena` bytes.

    inputs, results, new: the first byte of each argument (then state in), output, and new state. messages: what each
    error code (from 1) stands for, and the equation. kernels: rows for `explain`.
    """

    arena: int
    inputs: list[int]
    results: list[int]
    new: list[int]
    messages: list[tuple[str, int]]
    nodes: int
    kernels: list[tuple[str, str, str, int, int]]
    flops: int
    threads: int
    why_threads: str


class Writing:
    """A Program on its way to machine code: its plan, and the module with its step function.

    threads: 2 for a step that two threads may share (`body(arena, second, alone)` in place of `step(arena)`), where
    the plan says that it could pay.
    """

    def __init__(self, program: Program, how: str, t: engine.Target, threads: int = 1) -> None:
        check_mode(how)
        self.program, self.mode, self.target = program, how, t
        began = time.perf_counter()
        graph, inputs, outputs, state = graph_of(program, how)
        where = {id(leaf): i for i, (leaf, _) in enumerate(program.state_in, len(program.inputs))}
        targets = [where.get(id(leaf), -1) for leaf, _ in program.state_out]
        self.plan = Plan(graph, inputs, outputs, state, targets, t.lanes("f32"))
        self.seconds = {"passes": time.perf_counter() - began}
        began = time.perf_counter()
        self.module = Module()
        flags = FAST if how == "fast" else ""
        could, self.why_threads = pays(self.plan)
        self.threads = 2 if could and threads > 1 else 1
        if could and threads == 1:
            self.why_threads = "one core, or several networks at once"
        if self.threads == 1:
            f = Function(self.module, STEP, [("arena", "ptr")], flags=flags)
            lowering = Lowering(self.plan, f, f.args["arena"], t, how == "fast")
        else:
            self.meet = write_meeting(self.module)
            f = Function(self.module, BODY, [("arena", "ptr"), ("which", "i64"), ("single", "i64")], flags=flags)
            arena, which = f.args["arena"], f.args["which"]
            alone = f.compare("ne", f.args["single"], 0)

            def meet() -> None:
                with f.when(f.not_(alone)):
                    f.line(f"call void {self.meet}({arena}, {which})")

            lowering = Lowering(self.plan, f, arena, t, how == "fast", (f.compare("ne", which, 0), alone), meet)
        lowering.run()
        f.ret()
        f.end()
        if self.threads == 2:
            write_helper(self.module, "@" + BODY, self.meet)
        self.messages = [(what, n.equation) for what, n in lowering.messages]
        self.seconds["IR"] = time.perf_counter() - began

    def layout(self) -> Layout:
        """What is known of it, as plain data."""
        plan = self.plan

        def first(p: Place) -> int:
            return p.buffer.start + p.start * BYTES["i8" if p.buffer.kind == "i1" else p.buffer.kind]

        new = []
        for i in range(len(plan.new_state)):
            at, place = plan.targets[i], plan.new_places[i]
            new.append(first(plan.places[plan.inputs[at].id] if at >= 0 else place))  # type: ignore[arg-type]
        rows = [kernel_row(plan, k) for k in plan.kernels]
        return Layout(
            arena=plan.arena,
            inputs=[first(plan.places[n.id]) for n in plan.inputs],
            results=[first(p) for p in plan.results],
            new=new,
            messages=self.messages,
            nodes=len([n for n in plan.order if n.op not in ("input", "constant")]),
            kernels=rows,
            flops=sum(r[3] for r in rows),
            threads=self.threads,
            why_threads=self.why_threads,
        )


class Arena:
    """Zeroed memory for one run at a time, aligned to 64 bytes; places in it are arrays."""

    def __init__(self, size: int) -> None:
        self._raw = np.zeros(size + 128, np.uint8)
        start = -self._raw.ctypes.data % 64
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
    learning rate. threads: 2 where two threads may share a step.
    """

    def __init__(
        self, program: Program, how: str, t: engine.Target, record_seconds: float = 0.0, *, threads: int = 1,
        streams: Sequence[int] | None = None, rate: int | None = None,
    ) -> None:  # fmt: skip
        check_mode(how)
        self.program, self.mode, self.target = program, how, t
        self._asked = (threads, None if streams is None else tuple(streams), rate)
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
        from surefit.compiler.loop import write_loop

        threads, streams, rate = self._asked
        writing = Writing(self.program, self.mode, self.target, threads)
        if streams is not None:
            write_loop(writing, streams, rate)
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
        return Explanation.of(self)

    def failure(self) -> tuple[str, str]:
        """What the arena's error code stands for, and the line; forgets the code."""
        what, at = self.layout.messages[self.arena.error - 1]
        self.arena.forget_error()
        eq = self.program.equations[at]
        return what, f"{eq.op.name} at {eq.line}"


def _layout(plain: bytes) -> Layout:
    fields = json.loads(plain)
    for key in ("messages", "kernels"):
        fields[key] = [tuple(row) for row in fields[key]]
    return Layout(**fields)
