"""The native training loop: the same epochs as the eager one, interruptible, with nothing that grows."""

from __future__ import annotations

import gc
import os
import resource
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import surefit
from surefit import nn, optim
from surefit.compiler import TrainingLoop, engine, loop_code
from surefit.compiler.compiled import LARGE, Arena
from surefit.compiler.loop import Pace
from surefit.cores import cores
from surefit.errors import ArgumentError, AxisError, RecordError, ShapeError
from surefit.ir.builder import Function, Module

from .training import problem, step_of

RNG = np.random.default_rng(5)
MANY = 200_000  # epochs, more than a test has time for
X = RNG.uniform(-1, 1, (50, 2))
Y = np.sin(3 * X[:, :1]) - X[:, 1:]


def weights(net):
    return np.concatenate([p.detach().numpy().reshape(-1) for p in net.parameters()])


def eager(step, rows, x=X, y=Y):
    return [float(step(surefit.tensor(x[r]), surefit.tensor(y[r])).item()) for r in rows]


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adamax", "NAdam", "RAdam"])
def test_100_steps_equal_the_eager_ones(optimizer):
    rows = RNG.integers(0, 50, (100, 8))
    a, _, step = problem(optimizer=optimizer)
    want = eager(step, rows)
    b, _, step = problem(optimizer=optimizer)
    got = TrainingLoop(step, (X, Y), 8).run(rows)
    np.testing.assert_allclose(got, want, rtol=1e-9)
    np.testing.assert_allclose(weights(b), weights(a), rtol=1e-9, atol=1e-12)


def test_epochs_with_a_last_partial_batch_equal_the_eager_ones():
    order = np.stack([RNG.permutation(50) for _ in range(6)])
    a, _, step = problem()
    want = []
    for row in order:
        losses = eager(step, [row[i : i + 16] for i in range(0, 50, 16)])
        want.append(np.average(losses, weights=[16, 16, 16, 2]))
    b, _, step = problem()
    loop = TrainingLoop(step, (X, Y), 16)
    got = loop.epochs(6, order)
    np.testing.assert_allclose(got.train, want, rtol=1e-9)
    np.testing.assert_allclose(weights(b), weights(a), rtol=1e-9)
    assert got.steps == 24 and got.ended == ""


def test_chunks_change_nothing():
    order = np.stack([RNG.permutation(50) for _ in range(6)])
    a, _, step = problem()
    loop = TrainingLoop(step, (X, Y), 16)
    loop.epochs(6, order)
    b, _, step = problem()
    loop = TrainingLoop(step, (X, Y), 16)
    for k in (1, 2, 3):
        loop.epochs(k, order[:k] if k == 1 else order[1:3] if k == 2 else order[3:])
    assert np.array_equal(weights(a), weights(b))


def test_validation_best_weights_and_patience():
    net, _, step = problem(lr=0.3)

    def validate(x, y):
        with surefit.no_grad():
            return nn.functional.mse_loss(net(x), y)

    loop = TrainingLoop(
        step, (X, Y), None, validate=validate, validation=(X[:10], Y[:10]), keep=[next(net.parameters()).owner]
    )
    seen, losses = [], []
    best = None
    for _ in range(60):  # one epoch a chunk, so that Python sees every weight
        result = loop.epochs(1, None, first=len(seen) + 1)
        losses.append(float(validate(surefit.tensor(X[:10]), surefit.tensor(Y[:10])).item()))
        seen.append(result.validation[0])
        if losses[-1] == min(losses):
            best = weights(net)
    np.testing.assert_allclose(seen, losses, rtol=1e-9)
    assert loop.best_epoch[0] == np.argmin(losses) + 1
    np.testing.assert_array_equal(loop.best[0], best)

    net, _opt, step = problem(lr=3.0)  # which soon gets worse
    loop = TrainingLoop(step, (X, Y), None)
    result = loop.epochs(500, None, patience=5)
    assert result.ended == "patience"
    assert len(result.train) == result.best_epoch + 5
    assert np.argmin(result.train) == result.best_epoch - 1


def test_rates_are_read_for_each_step():
    rows = RNG.integers(0, 50, (30, 8))
    rates = np.geomspace(1e-1, 1e-4, 30)
    a, opt, step = problem(optimizer="SGD")
    want = []
    for r, rate in zip(rows, rates, strict=True):
        opt.param_groups[0]["lr"] = rate
        want += eager(step, [r])
    b, opt, step = problem(optimizer="SGD")
    got = TrainingLoop(step, (X, Y), 8, rate=opt.param_groups[0].leaves["lr"]).run(rows, rates=rates)
    np.testing.assert_allclose(got, want, rtol=1e-9)
    np.testing.assert_allclose(weights(b), weights(a), rtol=1e-9)


def test_a_loss_that_is_not_finite_ends_the_run():
    _, _, step = problem(optimizer="SGD", lr=1e200)
    losses = TrainingLoop(step, (X, Y), 8).run(RNG.integers(0, 50, (100, 8)))
    assert len(losses) < 10 and not np.isfinite(losses[-1]) and np.isfinite(losses[:-1]).all()


def test_time_and_a_question_stop_between_steps():
    net, _, step = problem(sizes=(2, 64, 64, 1))
    loop = TrainingLoop(step, (X, Y), 10)
    result = loop.epochs(MANY, np.tile(np.arange(50), (MANY, 1)), seconds=0.2)
    assert result.ended == "stopped" and 0 < len(result.train) < MANY
    assert np.isfinite(weights(net)).all()
    result = loop.epochs(MANY, np.tile(np.arange(50), (MANY, 1)), halted=lambda: True)
    assert result.ended == "stopped"


def test_an_interrupt_arrives_and_leaves_whole_weights():
    net, _, step = problem(sizes=(2, 64, 64, 1))
    loop = TrainingLoop(step, (X, Y), 10)
    before = weights(net)
    order = np.tile(np.arange(50), (MANY, 1))
    timer = threading.Timer(0.3, lambda: os.kill(os.getpid(), 2))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        loop.epochs(MANY, order)
    timer.join()
    assert np.isfinite(weights(net)).all() and not np.array_equal(weights(net), before)


@pytest.mark.parametrize(("mode", "flushed"), [("fast", True), ("strict", False)])
def test_moments_that_fade_away_become_zero_in_fast_mode_alone(mode, flushed):
    """A number that is halved until it is denormal, each of whose operations costs an Intel core dear."""
    fading = surefit.tensor(np.full(64, 1e-37, "f4"), requires_grad=True)

    def step(x):
        with surefit.no_grad():
            fading.assign(fading * 0.5)
        return (x * x).mean()

    loop = TrainingLoop(step, (np.ones((4, 1), "f4"),), None, mode=mode)
    loop.run(steps=9)
    left = fading.detach().numpy()
    if flushed and engine.target().x86:
        assert (left == 0.0).all()
    else:
        np.testing.assert_array_equal(left, np.float32(1e-37) * np.float32(2.0**-9))
        assert (left > 0.0).all()
    small = np.full(3, 1e-37, "f4")  # the thread that ran it computes as before
    np.testing.assert_array_equal(small * np.float32(2.0**-9), np.float32(1e-37) * np.float32(2.0**-9))
    assert (small * np.float32(2.0**-9) > 0.0).all()


@pytest.mark.skipif(os.name != "posix", reason="two threads share a step on POSIX systems only")
@pytest.mark.parametrize("batch", [64, 61])
def test_a_product_that_is_computed_transposed_changes_no_bit(monkeypatch, batch):
    monkeypatch.setattr("surefit.compiler.loop.cores", lambda: 2)
    x, y = RNG.normal(size=(300, 300)).astype("f4"), RNG.normal(size=(300, 2)).astype("f4")
    rows, seen = RNG.integers(0, 300, (40, batch)), []
    for turned, threads in [(False, 1), (True, 1), (True, 2)]:
        monkeypatch.setattr("surefit.compiler.plan.better_turned", lambda *sizes, turned=turned: turned)
        net, _, step = problem(sizes=(300, 100, 90, 2), dtype="float32")
        loop = TrainingLoop(step, (x, y), batch, threads=threads)
        loop.run(rows)
        assert loop.full.threads == threads
        assert ("surefit_gather" in loop.full.llvm_ir) == (threads == 2)  # each thread begins with its own rows
        assert ("llvm.memset" in loop.full.llvm_ir) == turned
        seen.append(weights(net))
    np.testing.assert_array_equal(seen[1], seen[0])
    np.testing.assert_array_equal(seen[2], seen[0])


@pytest.mark.skipif(os.name != "posix", reason="two threads share a step on POSIX systems only")
def test_two_threads_give_the_bits_of_one(monkeypatch):
    monkeypatch.setattr("surefit.compiler.loop.cores", lambda: 2)
    x, y = RNG.normal(size=(300, 40)).astype("f4"), RNG.normal(size=(300, 1)).astype("f4")
    rows = RNG.integers(0, 300, (40, 128))
    results = []
    for threads in (1, 2):
        net, _, step = problem(sizes=(40, 128, 96, 1), dtype="float32")
        loop = TrainingLoop(step, (x, y), 128, threads=threads)
        assert loop.full.threads == threads
        loop.run(rows)
        results.append(weights(net))
    assert np.array_equal(*results)


def test_the_faster_way_is_kept_and_the_other_tried_again():
    pace = Pace(free=True)

    def run(one, both):
        two = pace.two()
        pace.took(two, 100, both if two else one)
        pace.took(True, 1, 1e-4)  # too short to tell anything
        return two

    assert [run(9.0, 9.0)] + [run(2.0, 1.0) for _ in range(5)] == [False, False, True, True, True, True]
    later = [run(2.0, 8.0) for _ in range(40)]  # the second core is busy now
    assert later[2:9] == [False] * 7 and 0 < sum(later[10:]) <= 3
    steady = [run(2.0, 8.0) for _ in range(1000)]
    assert 3 <= sum(steady) <= 8 and sum(steady[-300:]) >= 1  # ever more seldom, but not never
    free_again = [run(2.0, 1.0) for _ in range(2 * Pace.SELDOM)]
    assert free_again[-1] and not free_again[0]
    assert sum(run(2.0, 8.0) for _ in range(3)) <= 2  # and it is noticed at once where the way that is taken slows down
    assert Pace(free=False).two()


def test_cores_are_a_number(monkeypatch):
    assert cores() >= 1
    monkeypatch.setenv("SUREFIT_THREADS", "1")
    assert cores() == 1


def test_labels_out_of_range_stop_with_the_eager_error():
    net = nn.Linear(2, 3, dtype="float64")
    opt = optim.SGD(net.parameters(), lr=0.1)
    opt.prepare()
    labels = RNG.integers(0, 3, 50)
    labels[17] = 3
    loop = TrainingLoop(step_of(net, opt, nn.functional.cross_entropy), (X, labels), 5)
    with pytest.raises(AxisError, match="out of range"):
        loop.run(np.arange(50).reshape(10, 5))


@pytest.mark.parametrize(
    "build, run, error, words",
    [
        (dict(data=(X, Y[:3])), {}, ShapeError, "rows"),
        (dict(data=(X[:0], Y[:0])), {}, ArgumentError, "nothing to train on"),
        (dict(data=(X, Y), threads=3), {}, ArgumentError, "threads=3"),
        (dict(data=(X, Y), batch_size=8), dict(steps=3), ArgumentError, "rows are needed"),
        (dict(data=(X, Y), batch_size=8), dict(rows=np.zeros((3, 7), int)), ShapeError, r"\(steps, 8\)"),
        (dict(data=(X, Y), batch_size=8), dict(rows=np.full((3, 8), 50)), ArgumentError, "there are 50"),
        (dict(data=(X, Y), batch_size=8), dict(rows=np.zeros((3, 8), int), rates=[1] * 3), ArgumentError, "rate=leaf"),
    ],
)  # fmt: skip
def test_wrong_arguments(build, run, error, words):
    _, _, step = problem()
    with pytest.raises(error, match=words):
        TrainingLoop(step, **build).run(**run)


def test_a_step_that_returns_no_number_is_refused():
    with pytest.raises(ArgumentError, match="the loss"):
        TrainingLoop(lambda x: x * 2, (X,), 8)


def test_state_that_is_never_read_is_refused():
    from surefit.core.leaves import State

    leaf = State(np.zeros(2), "last")

    def step(x):
        leaf.assign(x.sum(0))
        return x.sum()

    with pytest.raises(RecordError, match="does not read"):
        TrainingLoop(step, (X,), 8)


@pytest.mark.slow
def test_nothing_grows_with_steps():
    _, _, step = problem(sizes=(2, 4, 1), dtype="float32")
    loop = TrainingLoop(step, (X.astype("f4"), Y.astype("f4")), None)
    loop.run(steps=1000)
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(20):
        loop.run(steps=50_000)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before  # KiB
    assert grown < 2048


@pytest.mark.slow
def test_little_is_kept_of_a_dropped_function():
    def once(i):
        f = surefit.jit(lambda x: (x * i).sum())
        f(np.ones(3))

    def resident():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    if not os.path.exists("/proc/self/statm"):
        pytest.skip("resident memory is read from /proc, which this system lacks")
    for i in range(20):
        once(float(i))
    gc.collect()
    before = resident()
    for i in range(100):
        once(float(100 + i))
    gc.collect()
    assert (resident() - before) / 100 <= 20 * 1024


@pytest.mark.slow
def test_a_function_keeps_its_code_in_memory_and_no_longer():
    m = Module()
    f = Function(m, "put", [("p", "ptr")])
    f.store(f.i64(7), f.args["p"])
    f.ret()
    f.end()
    t = engine.target()
    library = engine.Library(engine.object_code(str(m), t), t, ["put"])
    known, put = weakref.ref(library), library.function("put")
    del library
    gc.collect()
    there = np.zeros(1, np.int64)
    put(there.ctypes.data)
    assert there[0] == 7 and known() is not None
    del put
    gc.collect()
    assert known() is None


def test_threads_that_come_first_at_the_same_time_get_one_runtime(monkeypatch):
    made = []

    def slowly(*args, load=loop_code.cache.load):
        made.append(args)
        time.sleep(0.05)
        return load(*args)

    monkeypatch.setattr(loop_code, "_runtimes", {})
    monkeypatch.setattr(loop_code.cache, "load", slowly)
    with ThreadPoolExecutor(4) as pool:
        functions = list(pool.map(loop_code.runtime, [engine.target()] * 4))
    assert len(made) == 1 and len({id(f.library) for f in functions}) == 1


def test_threads_that_share_a_loop_take_turns():
    rows = np.tile(np.arange(50), (200, 1))
    a, _, step = problem()
    alone = TrainingLoop(step, (X, Y), 50)
    for _ in range(8):
        alone.run(rows)
    b, _, step = problem()
    shared = TrainingLoop(step, (X, Y), 50)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(shared.run, [rows] * 8))
    assert np.array_equal(weights(a), weights(b))


def test_sweeps_over_windows_of_rows_are_the_steps_of_an_epoch():
    order = RNG.permutation(50)
    a, _, step = problem()
    whole = TrainingLoop(step, (X, Y), 16, rate=None)
    want = whole.epochs(1, order[None])
    b, _, step = problem()
    loop = TrainingLoop(step, (X[:18], Y[:18]), 16)  # a batch, and the two rows that are left over
    first, rest = order[:32], order[32:]
    losses = [
        *loop.sweep((X[first], Y[first]), np.arange(32), np.zeros(2)),
        *loop.sweep((X[rest], Y[rest]), np.arange(18), np.zeros(2)),
    ]
    assert weights(b).tobytes() == weights(a).tobytes()
    assert np.average(losses, weights=[16, 16, 16, 2]) == pytest.approx(want.train[0], rel=1e-12)


def test_a_sweep_says_what_it_cannot_do():
    _, _, step = problem()
    loop = TrainingLoop(step, (X[:18], Y[:18]), 16)
    with pytest.raises(ShapeError, match="3 rows are left over for the last batch; it was made for 2"):
        loop.sweep((X, Y), np.arange(19), np.zeros(2))
    with pytest.raises(ArgumentError, match="rows go from 0 to 50, of 50"):
        loop.sweep((X, Y), np.arange(51)[-16:] * [0, *[1] * 15], np.zeros(1))
    with pytest.raises(ArgumentError, match="no validation rows"):
        loop.validate()


def test_the_validation_loss_is_that_of_the_present_weights():
    net, _, step = problem()
    loss = lambda x, y: ((net(x) - y) ** 2).mean()
    loop = TrainingLoop(step, (X, Y), 16, validate=loss, validation=(X[:20], Y[:20]))
    for _ in range(2):
        assert loop.validate() == pytest.approx(float(loss(surefit.tensor(X[:20]), surefit.tensor(Y[:20])).item()))
        loop.sweep((X, Y), np.arange(32), np.zeros(2))


@pytest.mark.parametrize("size", [1000, LARGE - 1, LARGE, 3 * LARGE + 7])
@pytest.mark.parametrize("refused", [False, True])
def test_memory_of_any_size_is_zero_aligned_and_all_there(monkeypatch, size, refused):
    def none(*args: object, **kwargs: object) -> None:
        raise OSError("no large pages")

    if refused:
        monkeypatch.setattr("surefit.compiler.compiled.mmap.mmap", none)
    arena = Arena(size)
    assert arena.address % 64 == 0 and arena.bytes.shape == (size,) and not arena.bytes.any()
    arena.bytes[:] = 7
    last = arena.array(size - 8, (8,), np.uint8)
    del arena  # an array of its memory keeps it
    assert (last == 7).all()
