"""From a Program to the text of a module: its plan, its step as a function, and what a caller needs to know of both."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from surefit.compiler import engine
from surefit.compiler.ahead import ahead_of
from surefit.compiler.columns import by_columns
from surefit.compiler.context import memory
from surefit.compiler.lower import Lowering
from surefit.compiler.plan import Place, Plan, kernel_row
from surefit.compiler.threads import gathers, pays, write_helper, write_meeting
from surefit.core.program import Program
from surefit.errors import ArgumentError
from surefit.ir.builder import BYTES, FAST, Function, Module
from surefit.ir.graph import graph_of

MODES = ("fast", "strict")
STEP, BODY, LOOP = "surefit_step", "surefit_body", "surefit_loop"
HELPER, RELEASE = "surefit_helper", "surefit_release"
BLOCKS, GATHER = "surefit_blocks", "surefit_gather"


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
    the plan says that it could pay. streams: which inputs a loop around the step fills with rows of data;
    blocks: the first input is a block of points.
    """

    def __init__(
        self, program: Program, how: str, t: engine.Target, threads: int = 1, streams: Sequence[int] = (),
        blocks: bool = False,
    ) -> None:  # fmt: skip
        check_mode(how)
        self.program, self.mode, self.target = program, how, t
        began = time.perf_counter()
        graph, inputs, outputs, state = graph_of(program, how)
        if blocks and how == "strict" and not state:
            outputs = by_columns(graph, inputs[0], outputs) or outputs
        where = {id(leaf): i for i, (leaf, _) in enumerate(program.state_in, len(program.inputs))}
        targets = [where.get(id(leaf), -1) for leaf, _ in program.state_out]
        self.plan = Plan(graph, inputs, outputs, state, targets, t.lanes("f32"))
        self.seconds = {"passes": time.perf_counter() - began}
        began = time.perf_counter()
        self.module = Module()
        flags = FAST if how == "fast" else ""
        could, self.why_threads = pays(self.plan)
        self.ahead = ahead_of(self.plan, streams, t) if how == "fast" else None
        self.threads = 2 if could and threads > 1 else 1
        self.gathers = self.threads == 2 and gathers(self.plan, [self.plan.inputs[i] for i in streams])
        if could and threads == 1:
            self.why_threads = "one core, or several networks at once"
        if self.threads == 1:
            f = Function(self.module, STEP, [("arena", "ptr")], flags=flags)
            lowering = Lowering(self.plan, f, f.args["arena"], t, how == "fast", ahead=self.ahead)
        else:
            self.meet = write_meeting(self.module)
            f = Function(self.module, BODY, [("arena", "ptr"), ("which", "i64"), ("single", "i64")], flags=flags)
            arena, which = f.args["arena"], f.args["which"]
            alone = f.compare("ne", f.args["single"], 0)

            def meet() -> None:
                with f.when(f.not_(alone)):
                    f.line(f"call void {self.meet}({arena}, {which})")

            shared = f.compare("ne", which, 0), alone
            lowering = Lowering(self.plan, f, arena, t, how == "fast", shared, meet, self.ahead)
        lowering.run()
        f.ret()
        f.end()
        if self.threads == 2:
            gather, batch = ("@" + GATHER, self.plan.inputs[streams[0]].shape[0]) if self.gathers else ("", 0)
            write_helper(self.module, "@" + BODY, self.meet, lambda f: flush_denormals(f, self), gather, batch)
        self.messages = [(what, n.equation) for what, n in lowering.messages]
        self.seconds["IR"] = time.perf_counter() - began

    def write_blocks(self) -> None:
        """`blocks(arena, x, y, count)` beside a step of one input and one result, which it runs so many times.

        x and y are the first of as many inputs and results, one after the other. It ends early where a step has failed;
        its input lies in the arena then.
        """
        f = Function(self.module, BLOCKS, [("arena", "ptr"), ("x", "ptr"), ("y", "ptr"), ("count", "i64")])
        arena = f.args["arena"]
        copy = f.module.declare("llvm.memcpy.p0.p0.i64", "void", ["ptr", "ptr", "i64", "i1 immarg"])
        node, place = self.plan.inputs[0], self.plan.results[0]
        given, made = (n.size * memory(n.kind) for n in (node, self.plan.outputs[0]))
        x, y = (f.gep(arena, p.buffer.start, "i8") for p in (self.plan.places[node.id], place))
        out, on = f.label("out"), f.label("on")
        with f.loop(0, f.args["count"]) as l:
            source = f.gep(f.args["x"], f.mul(l.i, given), "i8")
            f.line(f"call void {copy}({x}, {source}, i64 {given}, i1 false)")
            f.call("@" + STEP, arena)
            f.branch_if(f.compare("ne", f.load(arena, "i32"), 0), out, on)
            f.start(on)
            target = f.gep(f.args["y"], f.mul(l.i, made), "i8")
            f.line(f"call void {copy}({target}, {y}, i64 {made}, i1 false)")
        f.branch(out)
        f.start(out)
        f.ret()
        f.end()

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


# Of the register MXCSR: results that are denormal become zero, and so do arguments.
FLUSH = 0x8000 | 0x0040


def flush_denormals(f: Function, w: Writing) -> Callable[[], None]:
    """From here on numbers below 1e-38 (float32) are zero, on x86 and in fast mode; what is returned writes the end.

    Moments of Adam whose gradient has died fall that low within a thousand steps, and an Intel core takes a hundred
    cycles for each operation on such a number: a step became twice as slow. Strict mode keeps them, as NumPy does.
    """
    if w.mode != "fast" or not w.target.x86:
        return lambda: None
    place = f.alloca("i32")
    save, load = (f.module.declare(f"llvm.x86.sse.{name}mxcsr", "void", ["ptr"]) for name in ("st", "ld"))
    f.line(f"call void {save}({place})")
    before = f.load(place, "i32")
    f.store(f.emit("i32", 1, f"or {before}, {FLUSH}"), place)
    f.line(f"call void {load}({place})")

    def restore() -> None:
        f.store(before, place)
        f.line(f"call void {load}({place})")

    return restore


__all__ = [
    "BLOCKS", "BODY", "GATHER", "HELPER", "LOOP", "RELEASE", "STEP", "Layout", "Writing", "check_mode",
    "flush_denormals",
]  # fmt: skip
