"""Arrays that nobody gave: made inside a recorded function, or by the rules of gradients. They are computed again.

A large array of the user's that is neither an argument nor a leaf stays an error.
"""

from __future__ import annotations

import numpy as np
import pytest

import surefit as sf
from surefit import jit, nn
from surefit.core import functions as F
from surefit.core.functional import grad, hessian, jacobian, vjp
from surefit.core.program import record
from surefit.errors import CapturedError

RNG = np.random.default_rng(0)
U, Z = RNG.normal(size=40), RNG.normal(size=(20, 2))
SPREAD = np.linspace(0, 1, 39)


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("SUREFIT_CACHE", str(tmp_path))


def one_of(size, *places, value=1.0):
    """Zeros, but for some places."""
    a = np.zeros(size)
    for p in places:
        a[p] = value
    return a


def heteroscedastic(o):
    mean, log_variance = o[:, 0], o[:, 1]
    return (0.5 * log_variance + 0.5 * (1.0 - mean) ** 2 * F.exp(-log_variance)).sum()


def its_gradient(o):
    mean, s = o[:, 0], o[:, 1]
    return np.stack([(mean - 1) * np.exp(-s), 0.5 - 0.5 * (1 - mean) ** 2 * np.exp(-s)], 1)


GRADIENTS = {  # f, x, its gradient by hand
    "a column": (lambda z: z[:, 1].sum(), Z, one_of((20, 2), np.s_[:, 1])),
    "a column, after arithmetic": (lambda z: (-(2.0 * z)[:, 1]).sum(), Z, one_of((20, 2), np.s_[:, 1], value=-2.0)),
    "a tail": (lambda u: u[3:].sum(), U, one_of(40, np.s_[3:])),
    "differences": (lambda u: (u[1:] - u[:-1]).sum(), U, one_of(40, 39) - one_of(40, 0)),
    "every third, backwards": (lambda u: u.flip(0)[::3].sum(), U, one_of(40, np.s_[::-3])),
    "a block": (lambda z: z[2:18, :1].mean(), Z, one_of((20, 2), np.s_[2:18, :1], value=1 / 16)),
    "parts side by side": (lambda u: F.concatenate([u[:5], 3.0 * u[20:]])[3:].sum(), U,
                           one_of(40, np.s_[3:5]) + one_of(40, np.s_[20:], value=3.0)),
    "rolled": (lambda u: u.roll(3)[5:].sum(), U, one_of(40, np.s_[2:37])),
    "places": (lambda u: u[np.array([0, 3, 3])].sum(), U, one_of(40, 0) + one_of(40, 3, value=2.0)),
    "cumulated": (lambda u: u.cumsum(0)[38:].sum(), U, np.r_[np.full(39, 2.0), 1.0]),
    "windows that overlap": (lambda u: nn.functional.avg_pool1d(u.reshape(1, 1, 40), 4, 2).sum(), U,
                             np.r_[np.full(2, 0.25), np.full(36, 0.5), np.full(2, 0.25)]),
    "two outputs, mean and variance": (heteroscedastic, Z, its_gradient(Z)),
}  # fmt: skip


@pytest.mark.parametrize("mode", ["fast", "strict"])
@pytest.mark.parametrize("f, x, want", GRADIENTS.values(), ids=GRADIENTS)
def test_gradients_of_what_is_cut_out(f, x, want, mode):
    np.testing.assert_allclose(jit(grad(f), mode=mode)(x).numpy(), want, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(grad(f)(sf.tensor(x)).numpy(), want, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    "part, want",
    {
        "a part": (lambda r: r[1:] * 2, one_of((20, 2), np.s_[:, 1], value=2.0)),
        "a part alone": (lambda r: r[1:], one_of((20, 2), np.s_[:, 1])),
        "a number": (lambda r: r[0] * r[1], Z[:, ::-1]),
        "cumulated": (lambda r: r.cumsum(0), np.tile([2.0, 1.0], (20, 1))),
    }.values(),
)
def test_gradients_of_what_is_cut_out_of_each_sample(part, want):
    f = grad(lambda z: sf.batch(part)(z).sum())
    np.testing.assert_allclose(jit(f)(Z).numpy(), want, rtol=1e-12)
    np.testing.assert_allclose(f(Z).numpy(), want, rtol=1e-12)


def changed(how):
    y = sf.zeros(40, dtype="float64")
    how(y)
    return y


@pytest.mark.parametrize(
    "how, want",
    {
        "a slice": (lambda y: y.__setitem__(slice(3, 10), 1.0), one_of(40, np.s_[3:10])),
        "places": (lambda y: y.__setitem__([3, 5, 30], 2.0), one_of(40, 3, 5, 30, value=2.0)),
        "by other values": (lambda y: y.__setitem__(slice(20), sf.arange(20.0)), np.r_[np.arange(20.0), np.zeros(20)]),
        "a view": (lambda y: y.view(5, 8)[:, 1].fill_(3.0), one_of(40, np.s_[1::8], value=3.0)),
        "a diagonal": (lambda y: y[:36].view(6, 6).diagonal().add_(1.0), one_of(40, np.s_[0:36:7])),
        "by an argument": (None, np.r_[np.zeros(37), U[37:] ** 2]),
    }.values(),
)
def test_arrays_that_are_changed_inside(how, want):
    def f(u):
        y = changed(how) if how else changed(lambda y: y.__setitem__(slice(37, None), u[37:] ** 2))
        return y + 0.0 * u

    np.testing.assert_allclose(f(sf.tensor(U)).numpy(), want)
    np.testing.assert_allclose(jit(f)(U).numpy(), want)


def test_a_step_of_training_through_what_is_cut_out():
    nets = []
    for compile_it in (False, True):
        net = nn.Sequential(nn.Linear(3, 8, generator=0), nn.Tanh(), nn.Linear(8, 2, generator=1))
        optimizer = sf.optim.Adam(net.parameters(), lr=0.01)
        optimizer.prepare()

        def step(x, net=net, optimizer=optimizer):
            optimizer.zero_grad()
            loss = heteroscedastic(net(x))
            loss.backward()
            optimizer.step()
            return loss

        run, x = jit(step) if compile_it else step, sf.tensor(RNG.normal(size=(30, 3)) * 0 + np.eye(30, 3), "float32")
        for _ in range(5):
            run(x)
        nets.append(np.concatenate([p.detach().numpy().ravel() for p in net.parameters()]))
    np.testing.assert_allclose(nets[1], nets[0], rtol=1e-4, atol=1e-6)


def test_jacobians_hessians_and_cotangents():
    product = lambda v: v[1:] * v[:-1]
    want = np.eye(39, 40, 1) * U[:-1, None] + np.eye(39, 40) * U[1:, None]
    np.testing.assert_allclose(jit(jacobian(product))(U).numpy(), want, rtol=1e-14)
    np.testing.assert_allclose(jit(hessian(lambda v: product(v).sum()))(U).numpy(), np.eye(40, k=1) + np.eye(40, k=-1))
    pull = lambda x: vjp(lambda v: -(2.0 * v)[1:], x)[1](sf.linspace(0, 1, 39, dtype=np.float64))[0]
    np.testing.assert_allclose(jit(pull)(U).numpy(), np.r_[0.0, -2 * SPREAD], rtol=1e-14)


MADE = {  # what a function makes, and NumPy's
    "zeros and ones": (lambda: F.concatenate([sf.zeros(20), sf.ones(20)]), np.repeat([0.0, 1.0], 20)),
    "one number": (lambda: sf.full((40,), 2.5) * 2.0, np.full(40, 5.0)),
    "linspace": (lambda: sf.linspace(-1, 3, 40, dtype=np.float64), np.linspace(-1, 3, 40)),
    "linspace backwards": (lambda: sf.linspace(0.1, -0.3, 40, dtype=np.float64), np.linspace(0.1, -0.3, 40)),
    "linspace of integers": (lambda: sf.linspace(0, 78, 40, dtype=np.int64), np.arange(0, 79, 2)),
    "arange": (lambda: sf.arange(40), np.arange(40)),
    "arange by steps": (lambda: sf.arange(5, 85, 2), np.arange(5, 85, 2)),
    "arange backwards": (lambda: sf.arange(80, 0, -2), np.arange(80, 0, -2)),
    "arange of fractions": (lambda: sf.arange(0, 4, 0.1, dtype=np.float64), np.arange(0, 4, 0.1)),
    "eye": (lambda: sf.eye(40)[7] + sf.eye(8, 5).reshape(40), np.eye(40)[7] + np.eye(8, 5).ravel()),
    "one hot": (lambda: nn.functional.one_hot(sf.arange(20) % 3, 3)[:, 1].tile(2),
                np.tile(np.arange(20) % 3 == 1, 2)),
    "one hot of few": (lambda: nn.functional.one_hot(sf.tensor([1, 2, 0, 1, 2]), 8).reshape(-1),
                       np.eye(8)[[1, 2, 0, 1, 2]].ravel()),
    "stacked": (lambda: F.stack([sf.zeros(20), sf.ones(20)], 1).reshape(40), np.tile([0.0, 1.0], 20)),
    "cumulated": (lambda: sf.ones(40).cumsum(0), np.arange(1.0, 41)),
    "an outer product": (lambda: (sf.tensor([1.0, 2, 3, 4])[:, None] * sf.arange(1, 11)).reshape(40),
                         np.outer([1, 2, 3, 4], np.arange(1, 11)).ravel()),
    "repeated": (lambda: sf.tensor([1.0, 2, 3, 4]).tile(10), np.tile([1.0, 2, 3, 4], 10)),
    "padded": (lambda: nn.functional.pad(sf.ones(20), (10, 10)), np.repeat([0.0, 1.0, 0.0], [10, 20, 10])),
    "a triangle": (lambda: sf.ones(8, 8).tril()[3:].reshape(40), np.tril(np.ones((8, 8)))[3:].ravel()),
    "chosen": (lambda: F.where(sf.ones(40).cumsum(0) > 5, 1.0, 2.0), np.where(np.arange(1, 41) > 5, 1.0, 2.0)),
    "a long way": (lambda: long_way(sf.ones(40).cumsum(0)), np.arange(1.0, 41)),
}  # fmt: skip


def long_way(x):
    for _ in range(1000):
        x = x * 2.0
        x = x * 0.5
    return x


@pytest.mark.parametrize("made, want", MADE.values(), ids=MADE)
def test_what_a_function_makes_for_itself_compiles(made, want):
    np.testing.assert_allclose(jit(lambda x: x + made())(U).numpy(), U + want, rtol=1e-14)
    np.testing.assert_allclose(made().numpy(), want, rtol=1e-14)


def test_what_is_made_inside_may_be_an_index_and_decide_a_branch():
    def f(x):
        places = sf.arange(0, 40, 2)
        if places.amax() > 30:  # its value is known
            return x[places]
        return x

    every = lambda x: x[sf.tensor([3, 1]).tile(10)]
    np.testing.assert_array_equal(jit(every)(U).numpy(), np.tile(U[[3, 1]], 10))
    np.testing.assert_array_equal(f(sf.tensor(U)).numpy(), U[::2])


def test_an_index_counted_inside():
    np.testing.assert_array_equal(jit(lambda x: x[sf.arange(1, 40, 2)])(U).numpy(), U[1::2])


def test_the_program_holds_no_large_array():
    program = record(lambda x: x * F.concatenate([sf.zeros(5000), sf.ones(5000)]), np.ones(10_000))
    assert len(str(program)) < 1000
    np.testing.assert_array_equal(program(np.ones(10_000)).numpy(), np.repeat([0.0, 1.0], 5000))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x + U,
        lambda x: x + sf.tensor(U.tolist()),
        lambda x: x + np.linspace(0, 1, 40),
        lambda x: x + F.exp(sf.tensor(U.copy().tolist())) * 2.0,
        lambda x: vjp(lambda v: v * 2.0, x)[1](U)[0],
    ],
)
def test_an_array_of_the_users_is_still_an_error(f):
    with pytest.raises(CapturedError, match=r"\(40,\) of float.*pass it as an argument"):
        jit(f)(np.zeros(40))


def test_recordings_in_several_threads_leave_nothing_behind():
    from concurrent.futures import ThreadPoolExecutor

    from surefit.core.ops import KINDS

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda k: jit(lambda x: x + sf.ones(40).cumsum(0) * float(k))(U).numpy(), range(8)))
    for k, y in enumerate(done):
        np.testing.assert_allclose(y, U + k * np.arange(1.0, 41))
    assert np.ndarray not in KINDS
