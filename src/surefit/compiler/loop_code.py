"""The code of the native loop: steps over gathered rows, and the runtime of epochs around them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from surefit.compiler import cache, engine
from surefit.compiler.ahead import ROW, Ahead, row_bytes
from surefit.compiler.codegen import BODY, GATHER, LOOP, STEP, Writing, flush_denormals
from surefit.compiler.threads import AT, BEGAN, CONTEXT, WAITED, half_of, write_clock, write_patience
from surefit.ir.builder import BYTES, Function, Module, Value, constant

ROWS, STEPS, LOSSES, RATES, STOP, DONE, ALONE, DATA = range(8)  # places in a loop's context, 8 bytes each


def write_loop(w: Writing, streams: Sequence[int], rate: int | None) -> None:
    """`loop(arena, context)` beside a step.

    streams: which inputs get gathered rows, in the order of the context's data pointers; rate: the input that is the
    learning rate.
    """
    f = Function(w.module, LOOP, [("arena", "ptr"), ("context", "ptr")], noalias=False)
    arena, context = f.args["arena"], f.args["context"]

    def slot(i: int, kind: str) -> Value:
        return f.load(f.gep(context, i, "i64"), kind)

    rows, steps, losses, rates = slot(ROWS, "ptr"), slot(STEPS, "i64"), slot(LOSSES, "ptr"), slot(RATES, "ptr")
    stop, done = slot(STOP, "ptr"), slot(DONE, "ptr")
    batch = w.plan.inputs[streams[0]].shape[0] if streams else 0
    gather = _write_gather(w, streams, batch) if w.gathers else ""
    given = f.emit("i1", 1, f"icmp ne {rows}, null")
    paced = f.emit("i1", 1, f"icmp ne {rates}, null")
    out = w.plan.results[0]
    out_kind = out.buffer.kind
    finish = f.label("finish")
    f.store(f.i64(0), done)
    with f.when(f.compare("le", steps, 0)):
        f.ret()
        f.start(f.label("dead"))
    if (ahead := w.ahead) is not None:  # memory that is at hand, unless rows are given
        own = f.gep(arena, w.plan.places[w.plan.inputs[ahead.stream].id].buffer.start, "i8")
        with f.loop(0, ahead.entries) as l:
            f.store(own, f.gep(f.gep(arena, ahead.start, "i8"), l.i, "i64"))
    if w.threads == 2:
        f.store(f.i64(0), f.gep(arena, WAITED, "i8"))
        f.store(f.emit("i64", 1, f"call i64 {write_clock(f.module)}()"), f.gep(arena, BEGAN, "i8"))
    restore = flush_denormals(f, w)
    with f.loop(0, steps) as l:
        on = f.emit("i32", 1, f"load volatile i32, {stop}, align 4")
        halted, go = f.label("halted"), f.label("go")
        f.branch_if(f.compare("ne", on, 0), halted, go)
        f.start(halted)
        f.branch(finish)
        f.start(go)
        if w.gathers:
            f.store(context, f.gep(arena, CONTEXT, "i8"))
            f.store(l.i, f.gep(arena, AT, "i8"))
        with f.when(given):
            if not w.gathers:
                _batch(f, w, streams, arena, context, rows, f.mul(l.i, batch))
            if ahead is not None:
                follows = f.mul(f.select(f.compare("lt", f.add(l.i, 1), steps), f.add(l.i, 1), l.i), batch)
                _look_ahead(f, ahead, slot(DATA + streams.index(ahead.stream), "ptr"), rows, follows, arena, batch)
        if rate is not None:
            leaf = w.plan.inputs[rate]
            with f.when(paced):
                x = f.load(f.gep(rates, l.i, "f64"), "f64")
                at = f.gep(arena, w.plan.places[leaf.id].buffer.start, "i8")
                f.store(f.convert(x, leaf.kind), at)
        if w.threads == 1:
            f.call("@" + STEP, arena)
        else:
            alone = slot(ALONE, "i64")
            with f.when(f.compare("eq", alone, 0)):
                f.line(f"call void {w.meet}({arena}, i64 0)")
            if w.gathers:
                mine = f.select(f.compare("eq", alone, 0), f.i64(half_of(batch)), f.i64(batch))
                f.call(gather, arena, context, l.i, f.i64(0), mine)
            f.line(f"call void @{BODY}({arena}, i64 0, {alone})")
            write_patience(f, arena, f.gep(context, ALONE, "i64"), w.meet)
        loss = f.load(f.gep(arena, out.buffer.start + out.start * BYTES[out_kind], "i8"), out_kind)
        loss = f.convert(loss, "f64")
        f.store(loss, f.gep(losses, l.i, "f64"))
        f.store(f.add(l.i, 1), done)
        error = f.load(arena, "i32")
        wrong = f.compare("ne", error, 0)
        size = f.emit("f64", 1, f"call double {f.module.declare('llvm.fabs.f64', 'double', ['double'])}({loss})")
        wild = f.not_(f.compare("lt", size, float("inf")))
        bad, fine = f.label("bad"), f.label("fine")
        f.branch_if(f.or_(wrong, wild), bad, fine)
        f.start(bad)
        f.branch(finish)
        f.start(fine)
    f.branch(finish)
    f.start(finish)
    restore()
    f.ret()
    f.end()


def _write_gather(w: Writing, streams: Sequence[int], batch: int) -> str:
    """`gather(arena, context, step, start, stop)`: rows start to stop of a step's batch; its name with @."""
    names = [("arena", "ptr"), ("context", "ptr"), *((n, "i64") for n in ("step", "start", "stop"))]
    f = Function(w.module, GATHER, names, private=True, noalias=False)
    x = f.args
    rows = f.load(f.gep(x["context"], ROWS, "i64"), "ptr")
    with f.when(f.emit("i1", 1, f"icmp ne {rows}, null")):
        _batch(f, w, streams, x["arena"], x["context"], rows, f.mul(x["step"], batch), (x["start"], x["stop"]))
    f.ret()
    return f.end()


def _batch(
    f: Function, w: Writing, streams: Sequence[int], arena: Value, context: Value, rows: Value, first: Value,
    part: tuple[Value, Value] | None = None,
) -> None:  # fmt: skip
    """The rows of one batch, or only those from part[0] to part[1]."""
    for k, i in enumerate(streams):
        node = w.plan.inputs[i]
        place = w.plan.places[node.id]
        source, target = f.load(f.gep(context, DATA + k, "i64"), "ptr"), f.gep(arena, place.buffer.start, "i8")
        _gather(f, source, rows, first, target, node.shape, place.buffer.kind, w.target, part)


def _gather(
    f: Function, source: Value, rows: Value, first: Value, target: Value, shape: tuple[int, ...], kind: str,
    t: engine.Target, part: tuple[Value, Value] | None = None,
) -> None:  # fmt: skip
    """Rows of a contiguous array, chosen by index, side by side.

    While a long row is copied, the next one is asked for: no CPU foresees where it lies, and waiting for each in turn
    took nearly twice as long.
    """
    memory = "i8" if kind == "i1" else kind
    size = 1
    for n in shape[1:]:
        size *= n
    if size == 0 or shape[0] == 0:
        return
    lanes = t.vector_bytes // BYTES[memory]
    far = row_bytes(shape, kind) >= ROW

    def source_of(r: Value) -> Value:
        i = f.load(f.gep(rows, f.add(first, r), "i64"), "i64")
        return f.gep(source, f.mul(i, size), memory)

    def row(r: Value) -> None:
        p, q = source_of(r), f.gep(target, f.mul(r, size), memory)
        last = f.compare("ge", r, shape[0] - 1)
        ahead = source_of(f.select(last, r, f.add(r, 1))) if far else None
        full = size // lanes
        if full:
            with f.loop(0, full * lanes, lanes) as l:
                if ahead is not None:
                    f.prefetch(f.gep(ahead, l.i, memory))
                f.store(f.load(f.gep(p, l.i, memory), memory, lanes), f.gep(q, l.i, memory))
        at, rest = full * lanes, size - full * lanes
        while rest:
            width = 1 << (rest.bit_length() - 1)
            f.store(f.load(f.gep(p, at, memory), memory, width), f.gep(q, at, memory))
            at, rest = at + width, rest - width

    if shape[0] == 1 and part is None:
        row(f.i64(0))
    else:
        with f.loop(*(part or (0, shape[0]))) as l:
            row(l.i)


def _look_ahead(f: Function, ahead: Ahead, source: Value, rows: Value, first: Value, arena: Value, batch: int) -> None:
    """Where the pieces of the next batch's rows begin; what is left of the list is their last."""
    places, whole = f.gep(arena, ahead.start, "i8"), min(batch, ahead.entries // ahead.pieces)

    def row(r: Value) -> Value:
        return f.gep(source, f.mul(f.load(f.gep(rows, f.add(first, r), "i64"), "i64"), ahead.row), "i8")

    with f.loop(0, whole) as l:
        at, begin = f.gep(places, f.mul(l.i, ahead.pieces), "i64"), row(l.i)
        for j in range(ahead.pieces):
            f.store(f.gep(begin, j * ahead.piece, "i8"), f.gep(at, j, "i64"))
    if whole * ahead.pieces < ahead.entries:
        last = row(f.i64(whole - 1))
        with f.loop(whole * ahead.pieces, ahead.entries) as l:
            f.store(last, f.gep(places, l.i, "i64"))


# --- the runtime around the loops: one module for all programs ------------------------------------------------------

# places in the runtime's context, 8 bytes each
(
    EPOCHS, E_STOP, E_DONE, N_ROWS, FULL_LOOP, FULL_ARENA, FULL_CONTEXT, FULL_STEPS, FULL_ROWS, PART_LOOP, PART_ARENA,
    PART_CONTEXT, PART_ROWS, TO_PART, FROM_PART, VALIDATE, V_ARENA, TO_VALIDATION, V_LOSS, V_WIDE, TRAIN_LOSSES,
    VALIDATION_LOSSES, BEST_LOSS, BEST_EPOCH, TO_BEST, PATIENCE, FIRST_EPOCH, ROW_INDEX, RATE_ARRAY,
) = range(29)  # fmt: skip
SLOTS = 29
RUNTIME = "surefit_epochs"


def _runtime() -> Module:
    """`epochs(context)`: see `loop`. Lists of copies are (count, then from, to, bytes of each)."""
    m = Module()
    copy = Function(m, "surefit_copies", [("list", "ptr")], private=True, noalias=False)
    memcpy = m.declare("llvm.memcpy.p0.p0.i64", "void", ["ptr", "ptr", "i64", "i1 immarg"])
    count = copy.load(copy.args["list"], "i64")
    with copy.loop(0, count) as l:
        at = copy.add(copy.mul(l.i, 3), 1)
        a, b = (copy.load(copy.gep(copy.args["list"], copy.add(at, j), "i64"), "ptr") for j in (0, 1))
        size = copy.load(copy.gep(copy.args["list"], copy.add(at, 2), "i64"), "i64")
        copy.line(f"call void {memcpy}({b}, {a}, {size}, i1 false)")
    copy.ret()
    copies = copy.end()

    f = Function(m, RUNTIME, [("c", "ptr")], noalias=False)

    def slot(i: int, kind: str = "ptr") -> Value:
        return f.load(f.gep(f.args["c"], i, "i64"), kind)

    def put(context: Value, i: int, x: Value) -> None:
        f.store(x, f.gep(context, i, "i64"))

    def some(p: Value) -> Value:
        return f.emit("i1", 1, f"icmp ne {p}, null")

    finish = f.label("finish")

    def leave_if(c: Value) -> None:
        out, on = f.label("out"), f.label("on")
        f.branch_if(c, out, on)
        f.start(out)
        f.branch(finish)
        f.start(on)

    epochs, rows, stop = slot(EPOCHS, "i64"), slot(N_ROWS, "i64"), slot(E_STOP)
    full_context, part_context = slot(FULL_CONTEXT), slot(PART_CONTEXT)
    steps, row_index, rates = slot(FULL_STEPS, "i64"), slot(ROW_INDEX), slot(RATE_ARRAY)
    has_part = some(slot(PART_LOOP))
    per_epoch = f.add(steps, f.convert(has_part, "i64"))
    f.store(f.i64(0), slot(E_DONE))
    with f.loop(0, epochs) as l:
        first_row = f.mul(l.i, rows)
        with f.when(some(row_index)):
            put(full_context, ROWS, f.gep(row_index, first_row, "i64"))
        with f.when(some(rates)):
            put(full_context, RATES, f.gep(rates, f.mul(l.i, per_epoch), "f64"))
        f.line(f"call void {slot(FULL_LOOP).name}({slot(FULL_ARENA)}, {full_context})")
        done = f.load(f.load(f.gep(full_context, DONE, "i64"), "ptr"), "i64")
        losses = f.load(f.gep(full_context, LOSSES, "i64"), "ptr")
        total = f.alloca("f64")
        f.store(constant(0.0, "f64"), total)
        with f.loop(0, done) as s:
            f.store(f.add(f.load(total, "f64"), f.load(f.gep(losses, s.i, "f64"), "f64")), total)
        size = f.convert(slot(FULL_ROWS, "i64"), "f64")
        f.store(f.mul(f.load(total, "f64"), size), total)
        seen = f.alloca("f64")
        f.store(f.mul(f.convert(done, "f64"), size), seen)
        short = f.compare("lt", done, steps)
        with f.when(f.and_(has_part, f.not_(short))):
            f.line(f"call void {copies}({slot(TO_PART)})")
            with f.when(some(row_index)):
                put(part_context, ROWS, f.gep(row_index, f.add(first_row, f.mul(steps, slot(FULL_ROWS, "i64"))), "i64"))
            with f.when(some(rates)):
                put(part_context, RATES, f.gep(rates, f.add(f.mul(l.i, per_epoch), steps), "f64"))
            f.line(f"call void {slot(PART_LOOP).name}({slot(PART_ARENA)}, {part_context})")
            ran = f.load(f.load(f.gep(part_context, DONE, "i64"), "ptr"), "i64")
            with f.when(f.compare("gt", ran, 0)):
                loss = f.load(f.load(f.gep(part_context, LOSSES, "i64"), "ptr"), "f64")
                part = f.convert(slot(PART_ROWS, "i64"), "f64")
                f.store(f.add(f.load(total, "f64"), f.mul(loss, part)), total)
                f.store(f.add(f.load(seen, "f64"), part), seen)
            f.line(f"call void {copies}({slot(FROM_PART)})")
        mean = f.div(f.load(total, "f64"), f.load(seen, "f64"))
        f.store(mean, f.gep(slot(TRAIN_LOSSES), l.i, "f64"))
        halted = f.compare("ne", f.emit("i32", 1, f"load volatile i32, {stop}, align 4"), 0)
        finite = f.compare("lt", f.abs(mean), float("inf"))
        leave_if(f.or_(halted, f.not_(finite)))
        deciding = f.alloca("f64")
        f.store(mean, deciding)
        with f.when(some(slot(VALIDATE))):
            f.line(f"call void {copies}({slot(TO_VALIDATION)})")
            f.line(f"call void {slot(VALIDATE).name}({slot(V_ARENA)})")
            p = slot(V_LOSS)
            wide = f.load(p, "f64")
            narrow = f.convert(f.load(p, "f32"), "f64")
            validation = f.select(f.compare("ne", slot(V_WIDE, "i64"), 0), wide, narrow)
            f.store(validation, f.gep(slot(VALIDATION_LOSSES), l.i, "f64"))
            f.store(validation, deciding)
        value = f.load(deciding, "f64")
        leave_if(f.not_(f.compare("lt", f.abs(value), float("inf"))))
        epoch = f.add(l.i, slot(FIRST_EPOCH, "i64"))
        with f.when(f.compare("lt", value, f.load(slot(BEST_LOSS), "f64"))):
            f.store(value, slot(BEST_LOSS))
            f.store(epoch, slot(BEST_EPOCH))
            f.line(f"call void {copies}({slot(TO_BEST)})")
        f.store(f.add(l.i, 1), slot(E_DONE))
        patience = slot(PATIENCE, "i64")
        since = f.sub(epoch, f.load(slot(BEST_EPOCH), "i64"))
        leave_if(f.and_(f.compare("ge", patience, 0), f.compare("ge", since, patience)))
    f.branch(finish)
    f.start(finish)
    f.ret()
    f.end()
    return m


_runtimes: dict[engine.Target, engine.Library] = {}
_making = threading.Lock()  # of two threads that come first the second would free the code that the first runs


def runtime(t: engine.Target) -> Any:
    """The runtime as a C function of one pointer, which keeps its code in memory as long as it lives."""
    with _making:
        if t not in _runtimes:
            _runtimes[t] = cache.load(str(_runtime()), t, [RUNTIME])[0]
        library = _runtimes[t]
    return library.function(RUNTIME)
