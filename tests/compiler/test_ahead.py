"""The next batch's rows, asked for while a product runs: only sooner, never otherwise."""

from __future__ import annotations

import os

import numpy as np
import pytest

from surefit.compiler import TrainingLoop, engine, loop_code
from surefit.compiler import threads as threads_
from surefit.compiler.ahead import ROW, row_bytes
from surefit.compiler.codegen import Writing
from surefit.ir.builder import Function

from .training import problem

RNG = np.random.default_rng(3)


def weights(net):
    return np.concatenate([p.detach().numpy().reshape(-1) for p in net.parameters()])


def loop_of(d, batch, dtype="float32", count=90, hidden=70, **options):
    x, y = np.random.default_rng(d).normal(size=(count, d)), np.random.default_rng(1).normal(size=(count, 2))
    net, _, step = problem(sizes=(d, hidden, 2), optimizer="SGD", dtype=dtype)
    return (
        net,
        step,
        x.astype(dtype),
        y.astype(dtype),
        TrainingLoop(step, (x.astype(dtype), y.astype(dtype)), batch, **options),
    )


@pytest.mark.parametrize(("d", "batch", "dtype"), [(128, 32, "float32"), (301, 7, "float32"), (65, 48, "float64")])
def test_wide_rows_are_asked_for_and_steps_are_the_eager_ones(d, batch, dtype):
    net, _, _, _, loop = loop_of(d, batch, dtype)
    assert all(word in loop.full.llvm_ir for word in ("llvm.prefetch", ".ahead"))
    other, step, x, y, _ = loop_of(d, batch, dtype)
    rows = RNG.integers(0, 90, (12, batch))
    want = [float(step(x[r], y[r]).item()) for r in rows]
    np.testing.assert_allclose(loop.run(rows), want, rtol=1e-4 if dtype == "float32" else 1e-11)
    np.testing.assert_allclose(weights(net), weights(other), rtol=1e-3, atol=1e-5)


def test_every_piece_of_the_next_rows_is_asked_for_during_the_largest_products():
    d, batch = 784, 64
    _, _, _, _, loop = loop_of(d, batch, count=300, hidden=100)
    ahead = Writing(loop.full.program, "fast", engine.target(), streams=range(2)).ahead
    assert ahead.entries >= batch * ahead.pieces
    assert ahead.pieces * ahead.piece >= ahead.row == 4 * d > (ahead.pieces - 1) * ahead.piece
    rows = RNG.integers(0, 300, (3, batch))
    loop.run(rows)  # the last step asks for its own rows again
    asked = loop.full.arena.bytes[ahead.start :][: 8 * ahead.entries].view(np.int64) - loop.data[0].ctypes.data
    want = rows[-1][:, None] * ahead.row + np.arange(ahead.pieces) * ahead.piece
    np.testing.assert_array_equal(asked[: want.size], want.reshape(-1))
    assert set(asked[want.size :]) <= {rows[-1][-1] * ahead.row}
    if engine.target().vector_bytes == 64:
        assert len(ahead.first) == 2  # forward and to the weights


def test_narrow_rows_and_strict_steps_are_left_alone():
    for d, mode in ((2, "fast"), (300, "strict")):
        _, _, _, _, loop = loop_of(d, 16, mode=mode)
        ir = loop.full.llvm_ir
        assert ".ahead" not in ir


def test_bytes_of_a_row():
    assert row_bytes((128, 3, 5), "f32") == 60
    assert row_bytes((128,), "i64") == 8
    assert row_bytes((7, 9), "i1") == 9
    assert row_bytes((), "f32") == row_bytes((0, 5), "f32") == 0
    assert ROW % 64 == 0


@pytest.mark.skipif(os.name != "posix", reason="two threads share a step on POSIX systems only")
@pytest.mark.parametrize("d", [200, 401])  # of the wider one the weights are transposed by both, too
def test_two_threads_give_the_bits_of_one(monkeypatch, d):
    monkeypatch.setattr("surefit.compiler.loop.cores", lambda: 2)
    rows = RNG.integers(0, 300, (10, 127))
    found = []
    for threads in (1, 2):
        net, _, _, _, loop = loop_of(d, 127, count=300, hidden=96, threads=threads)
        assert loop.full.threads == threads
        assert ("surefit_gather" in loop.full.llvm_ir) == (threads == 2)  # each thread gathers its half of a batch
        loop.run(rows)
        found.append(weights(net))
    np.testing.assert_array_equal(*found)


@pytest.mark.skipif(os.name != "posix", reason="two threads share a step on POSIX systems only")
@pytest.mark.parametrize("stands", [True, False])
def test_a_second_thread_that_is_waited_for_is_sent_away_and_changes_no_bit(monkeypatch, stands):
    """On a clock that stands still half of the time is always waiting; with endless patience it never is."""

    def clock(m):
        f = Function(m, "surefit_now", [], private=True, ret="i64")
        f.ret(f.i64(0))
        return f.end()

    monkeypatch.setenv("SUREFIT_CACHE", "off")  # which knows nothing of what is replaced here
    monkeypatch.setattr("surefit.compiler.loop.cores", lambda: 2)
    monkeypatch.setattr(threads_, "PATIENCE", -1 if stands else 2**62)
    if stands:
        monkeypatch.setattr(threads_, "write_clock", clock)
        monkeypatch.setattr(loop_code, "write_clock", clock)
    rows = RNG.integers(0, 300, (10, 127))
    net, _, _, _, loop = loop_of(200, 127, count=300, hidden=96, threads=2)
    context = []
    of = type(loop.full).context
    monkeypatch.setattr(type(loop.full), "context", lambda *args: context.append(of(*args)) or context[-1])
    loop.run(rows)
    assert bool(context[0][loop_code.ALONE]) == stands
    loop.run(rows)  # the next run begins with both again
    assert bool(context[1][loop_code.ALONE]) == stands
    alone_again, _, _, _, loop = loop_of(200, 127, count=300, hidden=96, threads=1)
    loop.run(np.concatenate([rows, rows]))
    np.testing.assert_array_equal(weights(net), weights(alone_again))
