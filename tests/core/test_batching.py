"""batch (vmap): structure, nesting, closures, per-sample gradients, recording. Rules of primitives: test_ops.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from surefit.core import functions as F
from surefit.core import ops
from surefit.core.batching import active, batch
from surefit.core.creation import randn, tensor
from surefit.core.functional import grad, hessian, hvp, jacobian, value_and_grad, vjp
from surefit.core.leaves import Parameter, flatten_parameters
from surefit.core.program import record
from surefit.core.random import Generator
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, AxisError, RecordError, ShapeError

from .test_functional import VECTOR, Ours
from .test_ops import assert_close, same

RNG = np.random.default_rng(3)
ROWS = RNG.normal(size=(4, 3))
OURS = Ours()


def loop(f: Any, *rows: Any) -> np.ndarray:
    return np.stack([np.asarray(Tensor(f(*r)).detach()) for r in zip(*map(Tensor, rows), strict=True)])


# --- structure ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_axis", [0, 1, 2, -1, -3])
@pytest.mark.parametrize("out_axis", [0, 1, -1])
def test_axes_in_and_out(in_axis: int, out_axis: int) -> None:
    x = RNG.normal(size=(2, 3, 4))
    f = lambda m: F.sin(m) * m.sum(0)
    have = batch(f, in_axes=in_axis, out_axes=out_axis)(x).numpy()
    rows = [np.sin(m) * m.sum(0) for m in np.moveaxis(x, in_axis, 0)]
    np.testing.assert_allclose(have, np.stack(rows, out_axis), rtol=1e-14)


def test_shared_arguments_and_their_axes() -> None:
    w = RNG.normal(size=(3, 2))
    have = batch(lambda x, w: x @ w, in_axes=(0, None))(ROWS, w).numpy()
    np.testing.assert_allclose(have, ROWS @ w, rtol=1e-13)
    have = batch(lambda x, y: x * y, in_axes=(0, 1))(ROWS, ROWS.T).numpy()
    np.testing.assert_allclose(have, ROWS**2, rtol=1e-15)
    have = batch(lambda x, c: x * c, in_axes=[0, None])(ROWS, 2.0).numpy()
    assert have.dtype == np.float64 and np.array_equal(have, ROWS * 2)


def test_trees_in_and_out() -> None:
    args = {"x": ROWS, "more": (ROWS[:, 0], [ROWS * 2, None])}

    def f(t: Any) -> Any:
        return {"sum": t["x"].sum() + t["more"][0], "pair": (t["more"][1][0], None), "shared": np.float64(7.0)}

    out = batch(f)(args)
    np.testing.assert_allclose(out["sum"].numpy(), ROWS.sum(1) + ROWS[:, 0])
    assert np.array_equal(out["pair"][0].numpy(), ROWS * 2) and out["pair"][1] is None
    assert out["shared"].tolist() == [7.0] * 4


def test_inside_a_sample_looks_like_one_sample() -> None:
    seen = []

    def f(x: Any) -> Any:
        seen.append((x.shape, x.ndim, x.dtype, len(x), x.numel(), active()))
        assert "batched float64[3] x 4" in repr(x)
        return x[0] * x[-1] + sum(r for r in x)

    np.testing.assert_allclose(batch(f)(ROWS).numpy(), ROWS[:, 0] * ROWS[:, 2] + ROWS.sum(1), rtol=1e-14)
    assert seen == [((3,), 1, np.dtype(np.float64), 3, 3, True)] and not active()


@pytest.mark.parametrize("n", [0, 1, 5])
def test_any_number_of_samples(n: int) -> None:
    x = RNG.normal(size=(n, 3))
    np.testing.assert_allclose(batch(lambda r: (r * r).sum())(x).numpy(), (x * x).sum(1))
    assert batch(grad(lambda r: (r**2).sum()))(x).shape == (n, 3)
    assert batch(lambda r: F.stack([r, r]))(x).shape == (n, 2, 3)


def test_results_that_do_not_depend_on_the_sample_are_repeated() -> None:
    w = tensor([1.0, 2.0], requires_grad=True)
    y = batch(lambda x: w * 2)(np.zeros(3))
    assert y.tolist() == [[2, 4]] * 3
    y.sum().backward()
    assert w.grad.tolist() == [6, 6]
    assert batch(lambda x: 5)(np.zeros(2)).tolist() == [5, 5]


# --- nesting ------------------------------------------------------------------------------------------------


def test_nested_batches() -> None:
    a, b = RNG.normal(size=(2, 3)), RNG.normal(size=(4, 3))
    table = batch(lambda x: batch(lambda y: (x * y).sum())(b))(a)
    np.testing.assert_allclose(table.numpy(), a @ b.T, rtol=1e-13)
    table = batch(batch(lambda x, y: x * y, in_axes=(None, 0)), in_axes=(0, None))(a[:, 0], b[:, 0])
    np.testing.assert_allclose(table.numpy(), np.outer(a[:, 0], b[:, 0]), rtol=1e-15)
    cube = batch(lambda x: batch(lambda y: batch(lambda z: x + 10 * y + 100 * z)(np.arange(4)))(np.arange(3)))(
        np.arange(2)
    )
    x, y, z = np.meshgrid(np.arange(2), np.arange(3), np.arange(4), indexing="ij")
    assert np.array_equal(cube.numpy(), x + 10 * y + 100 * z)


def test_nested_batches_of_index_arrays() -> None:
    x, at = RNG.normal(size=(2, 5)), RNG.integers(0, 5, (3, 2))
    have = batch(lambda r: batch(lambda i: r[i])(at))(x).numpy()
    assert np.array_equal(have, x[:, at])
    have = batch(lambda i: batch(lambda r: r[i])(x))(at).numpy()
    assert np.array_equal(have, x[:, at].transpose(1, 0, 2))
    have = batch(lambda i, r: F.gather(r, 0, i))(RNG.integers(0, 5, (2, 40)), x)
    assert have.shape == (2, 40)


# --- gradients ----------------------------------------------------------------------------------------------


def model(p: Any, x: Any) -> Any:
    return (F.tanh(x @ p["w"] + p["b"]) @ p["v"]).sum()


PARAMS = {"w": RNG.normal(size=(3, 5)), "b": RNG.normal(size=5), "v": RNG.normal(size=5)}


def test_per_sample_gradients_are_the_loop() -> None:
    each = batch(value_and_grad(model), in_axes=(None, 0))
    values, grads = each(PARAMS, ROWS)
    for k, row in enumerate(ROWS):
        value, g = value_and_grad(model)(PARAMS, row)
        assert values.numpy()[k] == pytest.approx(value.item(), rel=1e-14)
        for name in PARAMS:
            np.testing.assert_allclose(grads[name].numpy()[k], g[name].numpy(), rtol=1e-12, atol=1e-15)


def test_many_networks_at_once() -> None:
    many = {name: np.stack([v, 2 * v, -v]) for name, v in PARAMS.items()}
    have = batch(lambda p, x: batch(model, in_axes=(None, 0))(p, x), in_axes=(0, None))(many, ROWS).numpy()
    want = [[model({n: v[k] for n, v in many.items()}, Tensor(r)).item() for r in ROWS] for k in range(3)]
    np.testing.assert_allclose(have, want, rtol=1e-13)


@pytest.mark.parametrize("name", VECTOR)
def test_batches_of_derivatives_are_the_loop(name: str) -> None:
    f = lambda x: VECTOR[name](OURS, x)
    scalar = lambda x: F.sin(f(x)).sum()
    v = Tensor(RNG.normal(size=3))
    for derivative in (
        jacobian(f),
        jacobian(jacobian(f)),
        hessian(scalar),
        lambda x: hvp(scalar, x, v),
        lambda x: vjp(f, x)[0],
        grad(lambda x: (jacobian(f)(x) ** 2).sum()),
        lambda x: batch(grad(scalar))(F.stack([x, 2 * x])),
    ):
        assert_close(batch(derivative)(ROWS).numpy(), loop(derivative, ROWS), 1e-12)


@pytest.mark.parametrize("name", VECTOR)
def test_derivatives_of_batches_are_block_diagonal(name: str) -> None:
    f = lambda x: VECTOR[name](OURS, x)
    j = jacobian(batch(f))(ROWS).numpy()  # (4, m..., 4, 3)
    blocks = loop(jacobian(f), ROWS)
    want = np.zeros_like(j)
    for k in range(4):
        want[k][..., k, :] = blocks[k]
    assert_close(j, want, 1e-13)
    if name in ("mixed", "elementwise", "joined"):
        second = jacobian(jacobian(batch(f)))(ROWS).numpy()  # (4, m..., 4, 3, 4, 3)
        want = np.zeros_like(second)
        for k in range(4):
            want[k][..., k, :, k, :] = jacobian(jacobian(f))(ROWS[k]).numpy()
        assert_close(second, want, 1e-13)


def test_gradient_through_a_batch() -> None:
    x = Tensor(ROWS, requires_grad=True)
    w = Tensor(PARAMS["w"], requires_grad=True)
    (batch(lambda r: F.tanh(r @ w).sum())(x) ** 2).sum().backward()
    u, v = Tensor(ROWS, requires_grad=True), Tensor(PARAMS["w"], requires_grad=True)
    (F.tanh(u @ v).sum(1) ** 2).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), u.grad.numpy(), rtol=1e-12)
    np.testing.assert_allclose(w.grad.numpy(), v.grad.numpy(), rtol=1e-12)


def test_what_is_used_inside_and_outside_a_batch_counts_both() -> None:
    x = np.array([1.0, 2.0, 3.0])
    for made in (lambda w: w, lambda w: w * 2 / 2, lambda w: F.stack([w, w])[0]):
        w = tensor(2.0, requires_grad=True, dtype="float64")
        v = made(w)
        (batch(lambda r, v=v: r * v)(x).sum() + 5 * v).backward()
        assert w.grad.item() == pytest.approx(6 + 5)
        w.grad = None
        v = made(w)
        table = batch(lambda r, v=v: batch(lambda s: r * s * v)(x))(x)
        (5 * v + table.sum() * v).backward()  # 36 v^2 + 5 v
        assert w.grad.item() == pytest.approx(2 * 36 * 2 + 5)


def test_a_shared_value_made_inside_counts_every_sample() -> None:
    w = tensor(3.0, requires_grad=True)

    def f(x: Any) -> Any:
        shared = w * w  # the same for all samples
        return shared + x, shared

    a, b = batch(f)(np.zeros(4))
    (a.sum() + b[0]).backward()
    assert w.grad.item() == pytest.approx(5 * 6)


def test_backward_inside_a_batch_adds_up_over_samples() -> None:
    w = tensor(1.0, requires_grad=True)
    batch(lambda x: ((x + w).backward(), x)[1])(np.zeros(3))
    assert w.grad.item() == 3
    w.grad = None
    batch(lambda x: ((x * w * w).backward(), x)[1])(np.array([1.0, 2.0]))
    assert w.grad.item() == 6


def test_second_derivatives_across_the_border() -> None:
    x = np.array([1.0, 2.0, 3.0])
    f = lambda w: (batch(lambda r: F.sin(r * w) * w)(x)).sum()
    want = lambda w: (2 * x * np.cos(x * w) - x**2 * w * np.sin(x * w)).sum()
    assert grad(grad(f))(np.array(0.7)).item() == pytest.approx(want(0.7), rel=1e-12)
    w = Tensor(np.array(0.7), requires_grad=True)
    batch(grad(lambda r: r**2 * w**3))(x).sum().backward()  # sum of 2 r w^3
    assert w.grad.item() == pytest.approx(2 * 6 * 3 * 0.49, rel=1e-12)
    penalty = lambda w: (batch(lambda r: jacobian(lambda s: F.stack([s * w, s * s * w]))(r))(x) ** 2).sum()
    have = hessian(penalty)(np.array(0.7)).item()  # sum of 2 (1 + 4 r^2)
    assert have == pytest.approx(2 * (1 + 4 * x**2).sum(), rel=1e-12)


def test_residual_jacobian_by_samples_is_the_whole_jacobian() -> None:
    p = np.concatenate([PARAMS["w"].ravel(), PARAMS["b"], PARAMS["v"]])

    def residual(p: Any, x: Any) -> Any:
        return F.tanh(x @ p[:15].reshape(3, 5) + p[15:20]) @ p[20:] - x[0]

    rows = batch(grad(residual), in_axes=(None, 0))(p, ROWS)
    whole = jacobian(lambda p: batch(residual, in_axes=(None, 0))(p, ROWS))(p)
    np.testing.assert_allclose(rows.numpy(), whole.numpy(), rtol=1e-12, atol=1e-15)


# --- recording ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 40])
@pytest.mark.parametrize(
    "make",
    [
        lambda f: batch(f),
        lambda f: batch(grad(lambda x: F.sin(f(x)).sum())),
        lambda f: batch(jacobian(f)),
        lambda f: batch(hessian(lambda x: f(x).sum())),
        lambda f: grad(lambda x: (batch(f)(x) ** 2).sum()),
        lambda f: lambda x: jacobian(batch(f))(x[:5]),
    ],
    ids=["value", "gradient", "jacobian", "hessian", "outside", "jacobian of batch"],
)
def test_batched_functions_record(make: Any, n: int) -> None:
    x = RNG.normal(size=(n, 3))
    f = make(lambda x: VECTOR["mixed"](OURS, x))
    program = record(f, x)
    program.check()
    assert not any("batch" in name for name in program.primitives())
    assert same(program(x).numpy(), f(x).numpy())


def test_leaves_inside_a_recorded_batch_are_state() -> None:
    w, x = Parameter(RNG.normal(size=(3, 2))), RNG.normal(size=(5, 3))
    flatten_parameters([w])
    f = lambda x: batch(lambda r: F.sin(r @ w).sum())(x)
    program = record(f, x)
    assert len(program.state_in) == 1
    before = program(x).numpy()
    w.assign(w.detach().numpy() * 2)
    assert not np.array_equal(program(x).numpy(), before)
    assert same(program(x).numpy(), f(x).detach().numpy())


# --- what is refused ----------------------------------------------------------------------------------------


def test_refused() -> None:
    with pytest.raises(ShapeError, match=r"different numbers of samples: \[3, 4\]"):
        batch(lambda a, b: a)(np.ones(3), np.ones(4))
    with pytest.raises(ArgumentError, match="nothing to batch over"):
        batch(lambda a: a, in_axes=None)(np.ones(3))
    with pytest.raises(ArgumentError, match="2 entries for 1 arguments"):
        batch(lambda a: a, in_axes=(0, 0))(np.ones(3))
    with pytest.raises(AxisError, match="in_axes=1 is out of range for 1 axes"):
        batch(lambda a: a, in_axes=1)(np.ones(3))
    with pytest.raises(AxisError, match="in_axes=0"):
        batch(lambda a: a)(2.0)
    with pytest.raises(AxisError, match="out of range"):
        batch(lambda a: a, out_axes=1)(np.ones(3))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x if x.sum() > 0 else -x,
        lambda x: x.item(),
        lambda x: x.numpy(),
        lambda x: np.asarray(x),
        lambda x: float(x[0]),
        lambda x: x[x > 0],
        lambda x: x.tolist(),
        lambda x: [1, 2, 3][x[0].long()],
    ],
)
def test_values_are_not_known_inside(f: Any) -> None:
    with pytest.raises(RecordError, match="where"):
        batch(f)(ROWS)
    assert not active()


def test_errors_speak_of_one_sample() -> None:
    with pytest.raises(ShapeError, match=r"matmul: \(1, 3\) @ \(4, 2\)|matmul: \(3,\) @ \(4, 2\)"):
        batch(lambda x: x @ np.ones((4, 2)))(ROWS)
    with pytest.raises(ShapeError, match=r"\(3,\) has 3 elements"):
        batch(lambda x: ops.reshape(x, shape=(2,)))(ROWS)
    with pytest.raises(ShapeError, match=r"shapes .*\(3,\).*\(2,\)|shapes .*\(2,\).*\(3,\)"):
        batch(lambda x: x + np.ones(2))(ROWS)
    with pytest.raises(AxisError, match="out of range for axis 0 of size 3"):
        batch(lambda x: x[3])(ROWS)
    with pytest.raises(AxisError, match="dim=1"):
        batch(lambda x: x.sum(1))(ROWS)


def test_random_draws_are_refused_inside() -> None:
    generator = Generator(0)
    with pytest.raises(ArgumentError, match="random numbers inside batch"):
        batch(lambda x: x * generator.uniform((3,)))(ROWS)
    assert randn(2, generator=0).shape == (2,)


def test_a_sample_does_not_outlive_its_batch_unnoticed() -> None:
    kept: list[Any] = []
    batch(lambda x: (kept.append(x), x)[1])(ROWS)
    with pytest.raises(RecordError):
        kept[0].numpy()


def test_a_leaf_from_outside_does_not_take_the_value_of_a_sample():
    leaf = Tensor(0.0)

    def keep(x):
        leaf.assign(x)
        return x

    with pytest.raises(RecordError, match="own value"):
        batch(keep)(Tensor([1.0, 2.0]))
    assert leaf.item() == 0.0
