"""Two threads on one step: where they meet, and whether it pays.

Both run the same function; a large result is written half by each, small ones by the first alone, and between them they
wait for each other. Waiting is spinning, then giving the core away, since the other thread may not be running at all:
on a busy machine two threads can be slower than one, so the loop measures which is faster (see `loop`), and where the
first has spent half of its time waiting it sends the second away and goes on alone. No sum is ever cut in two: results
are the same bits for one thread and two.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

from surefit.compiler.fusion import divisible
from surefit.compiler.plan import Kernel, Plan
from surefit.ir.builder import Function, Module, Value
from surefit.ir.graph import Node

# bytes in the arena: end flag, the loop's context and the number of its step, for how long the first has given its core
# away and when its loop began (nanoseconds), arrivals of both, what each waits for
QUIT, CONTEXT, AT, WAITED, BEGAN, ARRIVED, SEEN = 8, 16, 24, 32, 40, 64, 128
PATIENCE = 4_000_000  # nanoseconds of waiting before it is thought about
SPINS = 10_000  # without a pause instruction: on virtual machines many of them in a row end up in the hypervisor
MEETING = 0.4e-6  # seconds
SPEED = 5e10  # operations a second of one core


def pays(plan: Plan) -> tuple[bool, str]:
    """Whether two threads could gain, and why: from sizes alone."""
    if os.name != "posix":
        return False, "one thread: a step is shared by two on POSIX systems only"
    shared, meetings, before = 0.0, 1, False
    for k in plan.kernels:
        now = divisible(k)
        meetings += 1 if now or before else 0
        before = now
        if now:
            work = 1.0
            for n in k.space:
                work *= n
            work *= 2 * len(k.roots)
            if k.kind == "matmul":
                node: Node = k.node  # type: ignore[assignment]
                work = 2.0 * node.size * node.args[0].shape[-1]
            shared += work
    gain, cost = shared / SPEED / 2, meetings * MEETING
    why = (
        f"halving {shared:.3g} operations would gain {gain * 1e6:.1f} us, {meetings} meetings cost {cost * 1e6:.1f} us"
    )
    return gain > 2 * cost, why


def half_of(n: int) -> int:
    """Rows of n that are the first thread's."""
    return (n + 1) // 2


def gathers(plan: Plan, inputs: Sequence[Node]) -> bool:
    """Whether each thread may fill its half of these inputs with rows: before it reads another's the two meet."""
    wanted, met = {n.id for n in inputs}, False
    for i, k in enumerate(plan.kernels):
        met = met or (i > 0 and divisible(k))
        if wanted & k.reads.keys() and (met or not _of_own_rows(k, wanted)):
            return met
        met = met or divisible(k)
    return met


def _of_own_rows(k: Kernel, wanted: set[int]) -> bool:
    """Whether a kernel is a product that each thread makes of its own rows of the one of these that it reads."""
    n = k.node
    if k.kind != "matmul" or n is None or not divisible(k):
        return False
    left, right = n.args
    return left.id in wanted and len(n.shape) == 2 and not wanted & (k.reads.keys() - {left.id}) and right is not left


def write_clock(m: Module) -> str:
    """`now()`: nanoseconds of a clock that only goes on; its name with @."""
    if ("clock",) not in m.shared:
        f = Function(m, "surefit_now", [], private=True, inline="noinline", ret="i64")
        get = m.declare("clock_gettime", "i32", ["i32", "ptr"])
        place = f.alloca("i64", 2)
        f.emit("i32", 1, f"call i32 {get}(i32 {time.CLOCK_MONOTONIC}, {place})")
        seconds, rest = f.load(place, "i64"), f.load(f.gep(place, 1, "i64"), "i64")
        f.ret(f.add(f.mul(seconds, 1_000_000_000), rest))
        m.shared[("clock",)] = f.end()
    return m.shared[("clock",)]


def write_meeting(m: Module) -> str:
    """`meet(arena, which)`: wait for the other thread; its name with @."""
    f = Function(
        m, "surefit_meet", [("arena", "ptr"), ("which", "i64")], private=True, inline="noinline", noalias=False
    )
    arena, which = f.args["arena"], f.args["which"]
    mine = f.gep(arena, f.add(f.mul(which, 64), SEEN), "i8")
    goal = f.add(f.load(mine, "i64"), 2)
    f.store(goal, mine)
    place = f.gep(arena, ARRIVED, "i8")
    f.emit("i64", 1, f"atomicrmw add {place}, i64 1 seq_cst")
    spin, wait, idle, done = f.label("spin"), f.label("wait"), f.label("yield"), f.label("done")
    before = f.block
    f.branch(spin)
    f.start(spin)
    turns, more, top = Value(f.fresh("n"), "i64"), Value(f.fresh("m"), "i64"), len(f.lines)
    arrived = f.emit("i64", 1, f"load atomic i64, {place} acquire, align 8")
    f.line(f"{more.name} = add i64 {turns.name}, 1")
    f.branch_if(f.compare("ge", arrived, goal), done, wait)
    f.start(wait)
    f.branch_if(f.compare("gt", turns, SPINS), idle, spin)
    f.start(idle)
    give, now = m.declare("sched_yield", "i32", []), write_clock(m)
    left = f.emit("i64", 1, f"call i64 {now}()")
    f.emit("i32", 1, f"call i32 {give}()")
    with f.when(f.compare("eq", which, 0)):
        waited = f.gep(arena, WAITED, "i8")
        f.store(f.add(f.load(waited, "i64"), f.sub(f.emit("i64", 1, f"call i64 {now}()"), left)), waited)
    f.lines.insert(top, f"  {turns.name} = phi i64 [0, %{before}], [{more.name}, %{wait}], [{more.name}, %{f.block}]")
    f.branch(spin)
    f.start(done)
    f.ret()
    return f.end()


def write_patience(f: Function, arena: Value, alone: Value, meet: str) -> None:
    """Behind a step: where half of the time since the loop began was waited, the second thread is sent away for good.

    alone: where it is written that the first thread is. The second one waits for the next step and finds the end flag,
    as after `release`, which is for loops that kept it.
    """
    waited = f.load(f.gep(arena, WAITED, "i8"), "i64")
    with f.when(f.and_(f.compare("eq", f.load(alone, "i64"), 0), f.compare("gt", waited, PATIENCE))):
        now = f.emit("i64", 1, f"call i64 {write_clock(f.module)}()")
        passed = f.sub(now, f.load(f.gep(arena, BEGAN, "i8"), "i64"))
        with f.when(f.compare("ge", f.mul(waited, 2), passed)):
            f.line(f"store volatile i32 1, {f.gep(arena, QUIT, 'i8')}, align 4")
            f.line(f"call void {meet}({arena}, i64 0)")
            f.store(f.i64(1), alone)


def write_helper(
    m: Module, body: str, meet: str, begin: Callable[[Function], Callable[[], None]], gather: str, batch: int
) -> None:
    """`helper(arena)`: the second thread, until the end flag; `release(arena)`: the first lets it go.

    begin: writes what the first thread, too, does before its steps, and returns what undoes it. gather: a function
    that fills inputs with rows of a batch, of which the second half is the second thread's; "": the first fills all.
    """
    f = Function(m, "surefit_helper", [("arena", "ptr")], noalias=False)
    arena = f.args["arena"]
    again, on, out = f.label("again"), f.label("on"), f.label("out")
    end = begin(f)
    f.branch(again)
    f.start(again)
    f.line(f"call void {meet}({arena}, i64 1)")
    flag = f.emit("i32", 1, f"load volatile i32, {f.gep(arena, QUIT, 'i8')}, align 4")
    f.branch_if(f.compare("ne", flag, 0), out, on)
    f.start(on)
    if gather:
        context, step = f.load(f.gep(arena, CONTEXT, "i8"), "ptr"), f.load(f.gep(arena, AT, "i8"), "i64")
        f.call(gather, arena, context, step, f.i64(half_of(batch)), f.i64(batch))
    f.line(f"call void {body}({arena}, i64 1, i64 0)")
    f.branch(again)
    f.start(out)
    end()
    f.ret()
    f.end()
    g = Function(m, "surefit_release", [("arena", "ptr")], noalias=False)
    arena = g.args["arena"]
    g.line(f"store volatile i32 1, {g.gep(arena, QUIT, 'i8')}, align 4")
    g.line(f"call void {meet}({arena}, i64 0)")
    g.ret()
    g.end()
