"""The passes and the plan: what is simplified, what is stored, and in how many loops."""

from __future__ import annotations

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.compiler import compile_program, engine
from surefit.compiler.indexing import follow, identity, offset, var
from surefit.compiler.plan import Plan
from surefit.core import functions as F
from surefit.core import ops
from surefit.core.creation import tensor
from surefit.core.functional import grad
from surefit.core.program import record
from surefit.ir.graph import graph_of, reachable

from .training import problem

A = np.arange(30.0).reshape(6, 5)


def nodes(f, *args, mode="fast"):
    """Primitives left after the passes, without inputs and constants."""
    _graph, _, outputs, state = graph_of(record(f, *args), mode)
    return [n.op for n in reachable([*outputs, *state]) if n.op not in ("input", "constant")]


@pytest.mark.parametrize(
    "f, left",
    [
        (lambda x: (x + 1) * (x + 1), ["add", "mul"]),  # common subexpressions
        (lambda x: [x * 3, ops.sin(x)][0], ["mul"]),  # what nobody needs
        (lambda x: x * (ops.exp(np.float64(0)) + 1), ["mul"]),  # constants alone
        (lambda x: x * 1.0, []),
        (lambda x: x / 1, []),
        (lambda x: x**2, ["square"]),
        (lambda x: ops.transpose(ops.transpose(x, axes=(1, 0)), axes=(1, 0)), []),
        (lambda x: ops.reshape(ops.reshape(x, shape=(5, 6)), shape=(30,)), ["reshape"]),
        (lambda x: ops.slice_(x, start=(0, 0), stop=(6, 5), step=(1, 1)), []),
        (lambda x: ops.cast(x, dtype=np.dtype("float64")), []),
        (lambda x: ops.sum_(ops.reshape(x, shape=(6, 1, 5)), axes=(1,)), []),
        (
            lambda x: ops.transpose(
                ops.matmul(x, ops.sin(ops.slice_(x, start=(0, 0), stop=(5, 5), step=(1, 1)))), axes=(1, 0)
            ),
            ["slice", "sin", "matmul"],
        ),
    ],
)
def test_passes(f, left):
    found = nodes(f, A)
    assert [op for op in found if op != "transpose" or "matmul" not in left] == left


def test_fast_divides_once_where_strict_divides_each():
    assert nodes(lambda x: x / F.sum(x), A).count("div") == 1
    _graph, _, (out,), _ = graph_of(record(lambda x: x / F.sum(x), A), "fast")
    assert out.op == "mul" and out.args[1].op == "div" and out.args[1].size == 1
    _, _, (out,), _ = graph_of(record(lambda x: x / F.sum(x), A), "strict")
    assert out.op == "div"


@pytest.mark.parametrize("m, k, n, products", [(6, 2, 7, 0), (1, 50, 9, 0), (9, 50, 1, 0), (9, 50, 9, 1)])
def test_thin_products_become_sums(m, k, n, products):
    assert nodes(ops.matmul, np.ones((m, k)), np.ones((k, n))).count("matmul") == products
    if k > 2:
        assert nodes(ops.matmul, np.ones((m, k)), np.ones((k, n)), mode="strict").count("matmul") == 1


def training_plan(sizes, rows, optimizer="SGD"):
    _, _, step = problem(sizes, optimizer, "float32", activation=nn.ReLU)
    p = record(step, np.zeros((rows, sizes[0]), "f4"), np.zeros((rows, sizes[-1]), "f4"))
    graph, inputs, outputs, state = graph_of(p, "fast")
    leaves = [id(t) for t, _ in p.state_in]
    return Plan(graph, inputs, outputs, state, [len(p.inputs) + leaves.index(id(t)) for t, _ in p.state_out], 16)


def test_a_two_layer_step_is_five_loops_and_stores_no_hidden_layer():
    plan = training_plan((1, 512, 1), 32)
    assert [(k.space, k.reduced) for k in plan.kernels] == [
        ((32, 512), (1,)), ((32,), (0,)), ((), ()), ((32, 512), (0,)), ((1537,), ()),
    ]  # fmt: skip
    assert plan.arena < 32 * 512 * 4  # less than one hidden layer
    assert not plan.copies  # new parameters are written over the old


def test_gradients_are_written_where_the_optimiser_reads_them():
    plan = training_plan((2, 40, 30, 1), 64, "Adam")
    (joined,) = [n for n in plan.order if n.op == "concatenate"]
    buffer = plan.places[joined.id].buffer
    authors = {plan.places[n.id].buffer for n in plan.order if n.id in plan.places and n.op in ("matmul", "sum")}
    assert buffer in authors
    assert not any(r.node.op == "reshape" for k in plan.kernels for r in k.roots)  # no piece is copied


def test_buffers_that_live_at_one_time_do_not_overlap():
    plan = training_plan((3, 40, 30, 20, 1), 64, "Adam")
    buffers = {id(p.buffer): p.buffer for p in plan.places.values() if not p.buffer.constant}.values()
    placed = [b for b in buffers if b.start >= 0]
    for i, a in enumerate(placed):
        for b in placed[:i]:
            together = a.fixed or b.fixed or (a.first <= b.last and b.first <= a.last)
            if together:
                assert a.start + a.bytes <= b.start or b.start + b.bytes <= a.start


def test_views_are_followed_to_memory():
    x = np.arange(60.0).reshape(3, 4, 5)

    def view(v):
        v = ops.slice_(v, start=(1, 0, 1), stop=(3, 4, 5), step=(1, 2, 1))  # (2, 2, 4)
        v = ops.flip(ops.transpose(v, axes=(2, 0, 1)), axes=(0,))  # (4, 2, 2)
        return ops.reshape(v, shape=(2, 2, 2, 2)) + 0 * ops.sum_(v, axes=(0, 1, 2))

    _graph, inputs, (out,), _ = graph_of(record(view, x), "fast")
    node = next(n for n in reachable([out]) if n.op == "reshape" and len(n.shape) == 4)
    base, index, flat = follow(node, tuple(var(i) for i in range(4)), {inputs[0].id})
    assert base is inputs[0] and not flat
    start, terms = offset(index, (20, 5, 1))
    want = np.flip(x[1:3, ::2, 1:].transpose(2, 0, 1), 0).reshape(2, 2, 2, 2)
    for place in np.ndindex(2, 2, 2, 2):
        assert x.reshape(-1)[start + sum(k * place[a] for a, k in terms)] == want[place]


def test_index_of_a_squeezed_value():
    index, space = identity((1, 4, 1, 5))
    assert space == (4, 5) and index == ((0, ()), (0, ((0, 1),)), (0, ()), (0, ((1, 1),)))


def test_explain_says_what_was_made():
    net = nn.Sequential(nn.Linear(3, 20), nn.Tanh(), nn.Linear(20, 30))
    compiled = compile_program(record(net, np.zeros((16, 3), "f4")))
    e = compiled.explain()
    assert e.equations == len(compiled.program.equations) and e.kernels and e.arena_bytes == compiled.layout.arena
    product = next(row for row in e.kernels if row[0] == "matmul")
    assert product[3] == 2 * 16 * 20 * 30
    assert e.flops >= product[3] and set(e.seconds) == {"record", "passes", "IR", "LLVM"}
    text = str(e)
    assert "(16, 20) @ (20, 30)" in text and "kernels" in text and "test_graph.py" in text
    assert "define" in compiled.llvm_ir and compiled.assembly.count("\n") > 100


# --- size -------------------------------------------------------------------------------------------------------------


def chain(x, length):
    for k in range(length):
        x = x * 1.0001 + 0.001 if k % 100 else F.sin(x)
    return x


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(3,), (4, 7)])
def test_a_chain_of_three_thousand_operations_compiles(shape):
    x = np.linspace(0, 1, int(np.prod(shape))).reshape(shape)
    (y,), _ = compile_program(record(lambda v: chain(v, 3000), x)).run([x])
    np.testing.assert_allclose(y, chain(x, 3000), rtol=1e-9)


@pytest.mark.slow
def test_a_long_program_is_translated_in_linear_time(own_time):
    def sines(x, length):
        for _ in range(length):
            x = F.sin(x) + 0.1
        return x

    x, seconds = np.linspace(0, 1, 5), []
    for length in (500, 1200):
        compiled = compile_program(record(lambda v, length=length: sines(v, length), x))
        np.testing.assert_allclose(compiled.run([x])[0][0], sines(x, length), rtol=1e-9)
        with own_time() as taken:
            engine.object_code(compiled.llvm_ir, engine.target())
        seconds += taken
    assert seconds[1] < 2.4 * seconds[0]  # about as many seconds; with all of LLVM's care, 4.4 times as many


def test_the_gradient_of_a_long_chain_compiles():
    x = np.linspace(0, 1, 5)
    (g,), _ = compile_program(record(grad(lambda v: chain(v, 1000).sum()), x)).run([x])
    np.testing.assert_allclose(g, grad(lambda v: chain(v, 1000).sum())(tensor(x)).numpy(), rtol=1e-9)


def test_sixty_doublings_cost_no_more_than_sixty_operations():
    def doubled(x):
        for _ in range(60):
            x = (x + x) * 0.5
        return x

    (y, g), _ = compile_program(record(lambda v: (doubled(v), grad(lambda u: doubled(u).sum())(v)), A)).run([A])
    np.testing.assert_array_equal(y, A)
    np.testing.assert_array_equal(g, np.ones_like(A))


# --- a plan is checked ------------------------------------------------------------------------------------------------


def a_plan():
    _, _, step = problem()
    x, y = np.zeros((20, 2)), np.zeros((20, 1))
    graph, inputs, outputs, state = graph_of(record(step, tensor(x), tensor(y)), "fast")
    return Plan(graph, inputs, outputs, state, [-1] * len(state), 16)


def test_a_plan_that_reads_too_early_is_refused():
    plan = a_plan()
    k = next(k for k, kernel in enumerate(plan.kernels) if any(plan.ready[r] >= 0 for r in kernel.reads))
    plan.kernels.insert(0, plan.kernels.pop(k))
    with pytest.raises(AssertionError, match="reads n"):
        plan._check_order()


def test_a_plan_whose_values_share_bytes_is_refused():
    plan = a_plan()
    a, b = plan.buffers[:2]
    a.first, a.last, b.first, b.last, b.start = 0, 5, 3, 9, a.start
    with pytest.raises(AssertionError, match="share bytes"):
        plan._check_memory()


def test_a_plan_that_never_settles_is_an_error_and_no_endless_loop(monkeypatch):
    rounds = []

    def more(self):
        rounds.append(1)
        return {-len(rounds)}

    monkeypatch.setattr(Plan, "_needed_twice", more)
    with pytest.raises(AssertionError, match="settle"):
        compile_program(record(lambda x: x + 1.0, A))
    assert len(rounds) < 50


def test_weights_of_one_shape_are_all_transposed_by_blocks():
    rng = np.random.default_rng(0)
    a, u, v = (rng.normal(size=s) for s in [(30, 33), (40, 33), (40, 33)])
    both = surefit.jit(lambda a, u, v: (a @ u.T, a @ v.T), mode="strict")
    for got, w in zip(both(a, u, v), (u, v), strict=True):
        np.testing.assert_allclose(got.numpy(), a @ w.T, rtol=1e-12, atol=1e-12)
    assert both.llvm_ir.count("call void @transpose") == 2
