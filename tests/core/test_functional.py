"""grad, value_and_grad, jacobian, hessian, hvp, vjp: against differences and PyTorch, nested and with closures."""

from __future__ import annotations

import itertools
import math
import threading
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from surefit.core import functions as F
from surefit.core.batching import batch
from surefit.core.creation import tensor
from surefit.core.functional import grad, hessian, hvp, jacobian, value_and_grad, vjp
from surefit.core.leaves import Parameter
from surefit.core.modes import no_grad
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, DtypeError, GradientError, ShapeError

from .test_ops import assert_close, difference

RNG = np.random.default_rng(20)
X = np.array([0.7, -1.2, 0.4])
A = RNG.normal(size=(3, 3))

# one number from a vector, written once for both libraries (m is surefit's functions, or torch)
SCALAR: dict[str, Callable[[Any, Any], Any]] = {
    "polynomial": lambda m, x: (x**3).sum() * x[0] + x[1] ** 2,
    "quadratic form": lambda m, x: x @ (m.asarray(A) @ x),
    "sine of products": lambda m, x: m.sin(x[0] * x[1]) + m.exp(x[2]) * x[0],
    "repeated index": lambda m, x: (x[[0, 0, 2]] * x[[1, 0, 0]]).sum(),
    "logsumexp": lambda m, x: m.logsumexp(x * 3.0, 0),
    "softmax entropy": lambda m, x: -(m.softmax(x, 0) * m.log_softmax(x, 0)).sum(),
    "product with zero slope": lambda m, x: m.prod(x) + 0.0 * x[0],
    "branch of where": lambda m, x: m.where(x > 0, x**2, m.exp(x)).sum(),
    "division": lambda m, x: (x / (1.0 + x**2)).sum() / x[0],
    "cumulated": lambda m, x: (m.cumsum(x, 0) ** 2).sum(),
    "outer": lambda m, x: m.tanh(x[:, None] * x[None, :]).sum(),
    "constant": lambda m, x: m.asarray(A).sum() + 0.0 * x.sum(),
    "linear": lambda m, x: x[::2].sum(),
}
VECTOR: dict[str, Callable[[Any, Any], Any]] = {
    "identity": lambda m, x: x,
    "elementwise": lambda m, x: m.sin(x) * x,
    "matrix": lambda m, x: m.asarray(A) @ x,
    "mixed": lambda m, x: m.stack([x[0] * x[1], m.exp(x[2]), x[0] ** 3 * x[2], x.sum()]),
    "matrix result": lambda m, x: x[:, None] * m.cos(x)[None, :],
    "joined": lambda m, x: m.cat([x * x, x[1:] * x[:-1]]),
    "sorted": lambda m, x: m.sort(x)[0] * m.asarray(np.array([1.0, 2.0, 3.0])),
    "scalar": lambda m, x: (x**2).sum(),
}


class Ours:
    """surefit's functions, and arrays as they are."""

    asarray = staticmethod(lambda a: Tensor(a))

    def __getattr__(self, name: str) -> Any:
        return getattr(F, name)


OURS = Ours()


@pytest.fixture(scope="module")
def torch() -> Any:
    return pytest.importorskip("torch", reason="PyTorch is the oracle of this test")


def numbers(f: Any) -> Callable[..., float]:
    return lambda x: float(f(OURS, Tensor(x)).numpy())


# --- first and second derivatives ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCALAR)
def test_grad_and_hessian_are_the_differences(name: str) -> None:
    f = lambda x: SCALAR[name](OURS, x)
    assert_close(grad(f)(X).numpy(), difference(numbers(SCALAR[name]), [X], 0), rtol=1e-9)
    slope = grad(f)
    for i, row in enumerate(hessian(f)(X).numpy()):
        assert_close(row, difference(lambda x, i=i: slope(x).numpy()[i], [X], 0), rtol=1e-8)


@pytest.mark.parametrize("name", SCALAR)
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_all_derivatives_are_pytorchs(name: str, torch: Any) -> None:
    f, g = (lambda x: SCALAR[name](OURS, x)), (lambda x: SCALAR[name](torch, x))
    x, t = X, torch.tensor(X)
    v = np.array([0.3, -2.0, 1.0])
    value, slope = value_and_grad(f)(x)
    assert_close(value.numpy(), g(t).numpy(), 1e-13)
    assert_close(slope.numpy(), torch.func.grad(g)(t).numpy(), 1e-13)
    assert_close(hessian(f)(x).numpy(), torch.func.hessian(g)(t).numpy(), 1e-12)
    assert_close(hvp(f, x, v).numpy(), (torch.func.hessian(g)(t) @ torch.tensor(v)).numpy(), 1e-12)
    assert_close(jacobian(hessian(f))(x).numpy(), torch.func.jacrev(torch.func.hessian(g))(t).numpy(), 1e-11)
    along = lambda m, d: lambda x: (d(x) * m.asarray(v)).sum()
    third = grad(along(OURS, grad(along(OURS, grad(f)))))(x)
    theirs = torch.func.grad(along(torch, torch.func.grad(along(torch, torch.func.grad(g)))))(t)
    assert_close(third.numpy(), theirs.numpy(), 1e-11)


@pytest.mark.parametrize("name", VECTOR)
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_jacobians_are_pytorchs(name: str, torch: Any) -> None:
    f, g = (lambda x: VECTOR[name](OURS, x)), (lambda x: VECTOR[name](torch, x))
    t, rev = torch.tensor(X), torch.func.jacrev
    for ours, theirs in (
        (jacobian(f), rev(g)),
        (jacobian(jacobian(f)), rev(rev(g))),
        (jacobian(jacobian(jacobian(f))), rev(rev(rev(g)))),
        (grad(lambda x: (jacobian(f)(x) ** 2).sum()), torch.func.grad(lambda x: (rev(g)(x) ** 2).sum())),
        (hessian(lambda x: F.sin(jacobian(f)(x)).sum()), rev(rev(lambda x: torch.sin(rev(g)(x)).sum()))),
        (jacobian(lambda x: jacobian(f)(x * x) @ x), rev(lambda x: rev(g)(x * x) @ x)),
    ):
        have, want = ours(X), theirs(t)
        assert not have.requires_grad
        assert_close(have.numpy(), want.detach().numpy(), 1e-11)


@pytest.mark.parametrize("name", VECTOR)
def test_vjp_is_the_transposed_jacobian(name: str) -> None:
    f = lambda x: VECTOR[name](OURS, x)
    y, pull = vjp(f, X)
    w = RNG.normal(size=y.shape)
    want = np.tensordot(w, jacobian(f)(X).numpy(), w.ndim)
    for _ in range(2):  # the graph is kept
        (g,) = pull(w)
        assert_close(g.numpy(), want, 1e-13)
    assert_close(y.numpy(), f(Tensor(X)).numpy(), 1e-15)
    assert not y.requires_grad


def test_jacobian_keeps_the_axes_of_both_sides() -> None:
    w = RNG.normal(size=(2, 3))
    j = jacobian(lambda x: Tensor(w)[:, :, None] * x)(RNG.normal(size=(3, 4)))  # (2, 3, 4) from (3, 4)
    want = np.einsum("ab,bd,ce->abcde", w, np.eye(3), np.eye(4))
    assert j.shape == (2, 3, 4, 3, 4)
    assert np.array_equal(j.numpy(), want)


def test_jacobians_by_several_arguments_are_pytorchs(torch: Any) -> None:
    v, w = RNG.normal(size=3), RNG.normal(size=(2, 3))
    f = lambda F: lambda w, b, v: F.sin(w @ v) * b
    ours = jacobian(f(F), argnums=(2, -3))(w, 0.5, v)
    theirs = torch.func.jacrev(f(torch), argnums=(2, -3))(torch.tensor(w), torch.tensor(0.5), torch.tensor(v))
    assert [j.shape for j in ours] == [(2, 3), (2, 2, 3)]
    for have, want in zip(ours, theirs, strict=True):
        assert_close(have.numpy(), want.numpy(), 1e-14)
    (alone,) = jacobian(f(F), argnums=(2,))(w, 0.5, v)
    assert np.array_equal(alone.numpy(), jacobian(f(F), argnums=2)(w, 0.5, v).numpy())
    for wrong in ("w", (0, "w"), 1.0):
        with pytest.raises(ArgumentError, match="must be the number of an argument, or a tuple of numbers"):
            jacobian(f(F), argnums=wrong)


@pytest.mark.parametrize("n, m", [(0, 2), (2, 0), (0, 0)])
def test_jacobian_of_nothing(n: int, m: int) -> None:
    w = np.ones((m, n))
    assert jacobian(lambda x: Tensor(w) @ x)(np.ones(n)).shape == (m, n)


# --- arguments ----------------------------------------------------------------------------------------------


def test_argnums() -> None:
    f = lambda a, b, c: (a * b * b * c).sum()
    a, b, c = tensor(2.0), tensor(3.0), tensor(5.0)
    assert grad(f, 1)(a, b, c).item() == 60
    assert grad(f, -1)(a, b, c).item() == 18
    assert [g.item() for g in grad(f, (2, 0))(a, b, c)] == [18, 45]
    assert jacobian(f, -2)(a, b, c).item() == 60
    assert jacobian(lambda a, b: a * b, -1)(tensor([1.0, 2.0]), [3.0, 4.0]).tolist() == [[1, 0], [0, 2]]
    assert hessian(f, 1)(a, b, c).item() == 20
    for bad in (3, -4, (0, 3)):
        with pytest.raises(ArgumentError, match="called with 3 arguments"):
            grad(f, bad)(a, b, c)
    with pytest.raises(ArgumentError, match="called with 1 arguments"):
        jacobian(lambda x: x, 1)(a)


def test_keyword_arguments_are_passed_on() -> None:
    f = lambda x, *, power: (x**power).sum()
    assert grad(f)(tensor([2.0]), power=3).tolist() == [12]
    assert value_and_grad(f)(tensor([2.0]), power=2)[0].item() == 4
    assert jacobian(f)(tensor([2.0]), power=2).tolist() == [4]


def test_trees_of_arguments() -> None:
    def loss(p: Any, x: Any) -> Any:
        return ((x @ p["w"] + p["b"][0]) ** 2).sum() * p["scale"]

    params = {"w": tensor([[1.0], [2.0]]), "b": (tensor([0.5]), None), "scale": 3.0}
    x = tensor([[1.0, 1.0], [0.0, 2.0]])
    value, g = value_and_grad(loss)(params, x)
    residual = np.array([[3.5], [4.5]])
    assert value.item() == pytest.approx(3 * (residual**2).sum())
    assert set(g) == {"w", "b", "scale"} and g["b"][1] is None
    np.testing.assert_allclose(g["w"].numpy(), 6 * x.numpy().T @ residual, rtol=1e-6)
    np.testing.assert_allclose(g["b"][0].numpy(), [6 * residual.sum()], rtol=1e-6)
    assert g["scale"].item() == pytest.approx((residual**2).sum())


def test_lists_of_numbers_are_tensors() -> None:
    f = lambda x: (x * x * x).sum()  # gradient 3 x^2, second derivative 6 x
    for x in ([1.0, 2.0], (1.0, 2.0), [1, 2], [np.float64(1), 2]):
        assert grad(f)(x).tolist() == [3, 12]
        value, g = value_and_grad(f)(x)
        assert (value.item(), g.tolist()) == (9, [3, 12])
        assert hessian(f)(x).tolist() == [[6, 0], [0, 12]]
        assert hvp(f, x, [1, 1]).tolist() == [6, 12]
        assert jacobian(lambda x: x * x)(x).tolist() == [[2, 0], [0, 4]]
        y, pull = vjp(lambda x: x * x, x)
        assert y.tolist() == [1, 4] and pull([1.0, 10.0])[0].tolist() == [2, 40]
    assert grad(f)([[1.0, 2.0], [3.0, 4.0]]).tolist() == [[3, 12], [27, 48]]
    assert batch(f)([[1.0, 2.0], [3.0, 4.0]]).tolist() == [9, 91]
    a, b = grad(lambda a, b: (a * b).sum(), (0, 1))([1.0, 2.0], [3.0, 4.0])
    assert a.tolist() == [3, 4] and b.tolist() == [1, 2]
    g = grad(lambda p: (p["w"] * p["b"]).sum())({"w": [1.0, 2.0], "b": 3.0})  # inside a tree too
    assert g["w"].tolist() == [3, 3] and g["b"].item() == 3
    g = grad(lambda p: (p[0] * p[1]).sum())([tensor([1.0, 2.0]), tensor([3.0, 4.0])])  # of tensors it is a tree
    assert isinstance(g, list) and g[0].tolist() == [3, 4]
    pair = namedtuple("pair", "a b")(2.0, 3.0)
    assert grad(lambda p: p.a * p.b)(pair)._asdict() == {"a": 3, "b": 2}


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda f: grad(f)([[1.0, 2.0], [3.0]]), ShapeError, "ragged"),
        (lambda f: grad(f)(["a"]), DtypeError, "not numeric"),
        (lambda f: grad(f)([1j]), DtypeError, "complex128"),
        (lambda f: grad(f)(np.array([None])), DtypeError, "object"),
        (lambda f: grad(f)(None), ArgumentError, "argument 0 holds nothing to differentiate"),
        (lambda f: grad(f, "a")([1.0]), ArgumentError, "argnums='a'"),
        (lambda f: jacobian(f, ("x",)), ArgumentError, r"argnums=\(.x.,\)"),
        (lambda f: grad(3), ArgumentError, "needs a function of tensors, got int"),
        (lambda f: hvp(3, [1.0], [1.0]), ArgumentError, "needs a function"),
        (lambda f: hvp(f, [1.0, 2.0], [1.0]), ShapeError, r"v of shape \(1,\) for x of shape \(2,\)"),
        (lambda f: vjp(f, [1.0, 2.0])[1]([1.0, 2.0]), ShapeError, "cotangent of shape"),
        (lambda f: batch(f)(None), ArgumentError, "nothing to batch over"),
    ],
)
def test_wrong_arguments_of_derivatives_are_named(call: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        call(lambda x: (x * x).sum())


def test_an_argument_that_is_not_used_has_zero_gradient() -> None:
    f = lambda a, b: (a**2).sum()
    for x in (tensor([1.0, 2.0]), Tensor([1.0, 2.0], dtype="float64", requires_grad=True)):
        g = grad(f, 1)(tensor([1.0]), x)
        assert g.tolist() == [0.0, 0.0] and g.dtype == x.dtype
    assert jacobian(lambda a, b: a * 2, 1)(tensor([1.0, 2.0]), tensor([3.0])).tolist() == [[0.0], [0.0]]
    assert hessian(lambda x: x.sum())(tensor([1.0, 2.0])).tolist() == [[0, 0], [0, 0]]
    assert grad(lambda x: tensor(1.0))(tensor([1.0])).tolist() == [0.0]
    assert grad(lambda x: 1.0)(tensor([1.0])).tolist() == [0.0]


def test_whole_numbers_are_differentiated_as_floats() -> None:
    assert grad(lambda x: x * x)(3).item() == 6 and grad(lambda x: x * x)(np.array(3)).dtype == np.float32
    assert jacobian(lambda x: x * x)([1, 2]).tolist() == [[2, 0], [0, 4]]


def test_has_aux_carries_anything_along() -> None:
    def f(x: Any) -> Any:
        y = x * x
        return y.sum(), {"square": y, "note": "text", "n": 3}

    (value, aux), g = value_and_grad(f, has_aux=True)(tensor([1.0, 2.0]))
    assert (value.item(), g.tolist(), aux["note"], aux["n"]) == (5.0, [2, 4], "text", 3)
    assert aux["square"].numpy().tolist() == [1, 4]  # no history left
    g, aux = grad(f, has_aux=True)(tensor([1.0, 2.0]))
    assert g.tolist() == [2, 4] and aux["square"].tolist() == [1, 4]
    with pytest.raises(GradientError, match=r"must return \(number, extras\)"):
        grad(lambda x: x.sum(), has_aux=True)(tensor([1.0]))


# --- what is refused ----------------------------------------------------------------------------------------


def test_results_that_cannot_be_differentiated_are_refused() -> None:
    x = tensor([1.0, 2.0])
    with pytest.raises(GradientError, match=r"one number, got shape \(2,\); use jacobian"):
        grad(lambda x: x * x)(x)
    for f in (lambda x: [x.sum()], lambda x: (x.sum(), x), lambda x: {"loss": x.sum()}, lambda x: None):
        for derivative in (grad, jacobian, value_and_grad):
            with pytest.raises(GradientError, match="must return one tensor"):
                derivative(f)(x)
    with pytest.raises(DtypeError, match="not numeric"):
        grad(lambda x: x)("text")
    with pytest.raises(GradientError, match="lose the gradient"):  # a list of tensors is no tensor with a history
        grad(lambda x: Tensor([x.sum(), x.sum()]).sum())(x)


def test_cotangents_must_fit() -> None:
    _, pull = vjp(lambda x: (x, x * 2), tensor([1.0, 2.0]))
    assert pull((np.ones(2), np.ones(2)))[0].tolist() == [3, 3]
    with pytest.raises(GradientError, match="1 cotangents for 2 results"):
        pull(np.ones(2))
    with pytest.raises(ShapeError, match=r"cotangent of shape \(3,\)"):
        pull((np.ones(2), np.ones(3)))


# --- closures, modes, and graphs that were there before -----------------------------------------------------


def test_gradients_of_gradients_reach_what_the_function_closes_over() -> None:
    w = tensor(2.0, requires_grad=True)
    slope = grad(lambda x: w * x**3)(tensor(1.5))  # 3 w x^2
    slope.backward()
    assert w.grad.item() == pytest.approx(3 * 1.5**2)
    w.grad = None
    value, slope = value_and_grad(lambda x: w * w * x)(3.0)
    (value + slope).backward()
    assert w.grad.item() == pytest.approx(2 * 2 * 3 + 2 * 2)
    w.grad = None
    jacobian(lambda x: F.stack([w * x, w**2 * x]))(tensor(1.0)).sum().backward()
    assert w.grad.item() == pytest.approx(1 + 4)
    w.grad = None
    hessian(lambda x: w * (x**2).sum())(tensor([1.0, 2.0])).sum().backward()
    assert w.grad.item() == pytest.approx(4)
    w.grad = None
    y, pull = vjp(lambda x: w * x, tensor(5.0))
    (y + 10 * pull(1.0)[0]).backward()
    assert w.grad.item() == pytest.approx(5 + 10)


def test_the_argument_itself_may_require_a_gradient() -> None:
    x = tensor([1.0, 2.0], requires_grad=True)
    grad(lambda t: (t**3).sum())(x).sum().backward()
    assert x.grad.tolist() == [6, 12]
    assert grad(lambda t: vjp(lambda q: q * q, t)[0])(3.0).item() == 6  # the value of vjp keeps its history
    assert grad(lambda t: vjp(lambda q: q * q, t)[1](t)[0])(3.0).item() == 12  # 2 t^2
    assert grad(lambda c: vjp(lambda q: q * q, tensor(3.0))[1](c)[0])(1.0).item() == 6  # in the cotangent


def test_no_history_is_kept_where_none_was_asked_for() -> None:
    w = Parameter(2.0)
    with no_grad():
        value, g = value_and_grad(lambda x: w * x * x)(tensor(3.0))
        assert (value.item(), g.item()) == (18, 12) and not value.requires_grad and not g.requires_grad
        assert not jacobian(lambda x: w * x)(tensor(3.0)).requires_grad
    value, g = value_and_grad(lambda x: x * x)(tensor(3.0))
    assert not value.requires_grad and not g.requires_grad
    assert w.grad is None


def test_an_older_graph_is_neither_freed_nor_visited() -> None:
    w = tensor(1.0, requires_grad=True)
    v = w * 2
    with no_grad():
        assert grad(lambda x: x * v)(4.0).item() == 2
    v.backward()
    assert w.grad.item() == 2
    u = w * 3
    u.backward()  # freed: what is older than the argument does not matter
    with no_grad():
        assert grad(lambda x: x * u)(1.0).item() == 3


def test_backward_inside_a_differentiated_function_is_its_own_affair() -> None:
    w = tensor(2.0, requires_grad=True)

    def f(x: Any) -> Any:
        (w * w).backward()
        return x * w.grad.item()

    assert grad(f)(1.0).item() == 4
    assert w.grad.item() == 4


@pytest.mark.parametrize("depth", range(1, 6))
def test_deep_nesting(depth: int) -> None:
    d: Any = F.sin
    for _ in range(depth):
        d = grad(d)
    want = [np.sin, np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x)][depth % 4](0.5)
    assert d(np.array(0.5)).item() == pytest.approx(want, rel=1e-13)


def test_mixed_partial_derivatives_commute() -> None:
    f = lambda x, y: F.sin(x * x * y) * F.exp(y)
    for order in itertools.permutations([0, 1, 1]):
        d: Any = f
        for i in order:
            d = grad(d, i)
        have = d(np.array(0.4), np.array(0.9)).item()
        assert have == pytest.approx(grad(grad(grad(f, 0), 1), 1)(np.array(0.4), np.array(0.9)).item(), rel=1e-12)


def test_perturbations_are_not_confused() -> None:
    # d/dx (x * d/dy (x + y)) = 1: the classic that confuses tangents which are not kept apart
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0).item() == 1
    assert jacobian(lambda x: x * jacobian(lambda y: x + y)(tensor([1.0])).sum())(tensor([1.0])).tolist() == [[1.0]]
    f = lambda x: x * jacobian(lambda y: x * y * y)(x * 2)  # x * 4 x^2
    assert grad(lambda x: f(x))(tensor(1.5)).item() == pytest.approx(12 * 1.5**2)


def test_threads_do_not_meet() -> None:
    results: dict[int, float] = {}

    def work(k: int) -> None:
        with no_grad():
            total = 0.0
            for _ in range(30):
                total += batch(grad(lambda x: x**2))(tensor([float(k)])).item()
            results[k] = total

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    y = tensor(1.0, requires_grad=True) * 2  # gradients are still on here
    for t in threads:
        t.join()
    assert y.requires_grad
    assert results == {k: 60.0 * k for k in range(4)}


TAKEN_OUT = [
    lambda x: math.sin(x), lambda x: x * math.sin(x), lambda x: x * float(x), lambda x: x * math.hypot(x, 1.0),
]  # fmt: skip


@pytest.mark.parametrize("f", TAKEN_OUT)
@pytest.mark.parametrize(
    "derivative",
    [grad, value_and_grad, jacobian, hessian, lambda f: lambda x: vjp(f, x), lambda f: lambda x: hvp(f, x, x)],
)
def test_a_number_that_leaves_the_function_unseen_is_refused(derivative: Any, f: Any) -> None:
    """math.sin(x) is a float: what comes of it would be taken for a constant, and the gradient be wrong."""
    with pytest.raises(GradientError, match=r"float\(\) would lose the gradient.*surefit.sin"):
        derivative(f)(tensor(0.7))


def test_numbers_may_be_looked_at_inside_of_a_function() -> None:
    def f(x: Any) -> Any:
        seen.append(x.item())
        with no_grad():
            scale = float(x)
        return x * scale if x > 0 else math.cos(x.detach()) * x

    seen: list[float] = []
    assert grad(f)(tensor(2.0)).item() == 2.0 and seen == [2.0]
    assert grad(f)(tensor(-2.0)).item() == pytest.approx(math.cos(2.0))
    loss = (tensor([3.0], requires_grad=True) ** 2).sum()
    assert float(loss) == 9.0  # outside of such a function, as in every loop of training
    assert grad(lambda x: x * 2)(tensor(1.0)).item() == 2.0 and float(loss) == 9.0
