"""Whole training steps: eager against compiled, parameters, buffers and losses, step after step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from surefit import nn, optim
from surefit.compiler import TrainingLoop, jit
from surefit.core import functions as F
from surefit.core import ops
from surefit.core.creation import ones_like, tensor, zeros_like
from surefit.core.functional import grad
from surefit.core.modes import no_grad
from surefit.core.random import Generator
from surefit.core.tensor import Tensor
from surefit.nn import functional as NF

Training = tuple[Callable[..., Any], list[Any], list[np.ndarray]]  # step, leaves to compare, arguments of the step


@pytest.fixture(autouse=True)
def no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUREFIT_CACHE", "off")


def numbers(dtype: Any, *shapes: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(7)
    return [rng.normal(size=s).astype(dtype) for s in shapes]


def trained(
    model: nn.Module, make: Callable[[Any], optim.Optimizer], loss_of: Callable[..., Any], data: list[np.ndarray],
    clip: float | None = None,
) -> Training:  # fmt: skip
    """An ordinary training step of a model."""
    optimizer = make(model.parameters())
    optimizer.prepare()

    def step(*batch: Any) -> Any:
        optimizer.zero_grad()
        loss = loss_of(model, *batch)
        loss.backward()
        if clip is not None:
            optim.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        return loss

    return step, leaves(model), data


def leaves(*modules: nn.Module) -> list[Any]:
    return [t for m in modules for t in (*m.parameters(), *m.buffers())]


def regression(model: Any, x: Any, y: Any) -> Any:
    return NF.mse_loss(model(x), y)


# --- the programs -------------------------------------------------------------------------------------------


def residual(d: Any) -> Training:
    model = nn.Sequential(
        nn.Linear(3, 16, generator=0, dtype=d),
        nn.Residual(nn.Sequential(nn.Tanh(), nn.Linear(16, 16, generator=1, dtype=d), nn.GELU())),
        nn.Residual(nn.Sequential(nn.Linear(16, 16, generator=2, dtype=d), nn.SiLU())),
        nn.Linear(16, 2, generator=3, dtype=d),
    )
    return trained(model, lambda p: optim.Adam(p, lr=3e-3), regression, numbers(d, (20, 3), (20, 2)))


def normalised(d: Any) -> Training:
    model = nn.Sequential(
        nn.Linear(3, 12, generator=0, dtype=d), nn.BatchNorm1d(12, dtype=d), nn.ReLU(),
        nn.Linear(12, 12, generator=1, dtype=d), nn.LayerNorm(12, dtype=d), nn.Tanh(),
        nn.Linear(12, 8, generator=2, dtype=d), nn.RMSNorm(8, dtype=d), nn.Linear(8, 1, generator=3, dtype=d),
    )  # fmt: skip
    return trained(model, lambda p: optim.AdamW(p, lr=3e-3), regression, numbers(d, (17, 3), (17, 1)))


def dropped(d: Any) -> Training:
    model = nn.Sequential(
        nn.Linear(4, 32, generator=0, dtype=d), nn.Sigmoid(), nn.Dropout(0.3, generator=5),
        nn.Linear(32, 16, generator=1, dtype=d), nn.ELU(), nn.Dropout(0.5, generator=6),
        nn.Linear(16, 1, generator=2, dtype=d),
    )  # fmt: skip
    return trained(model, lambda p: optim.SGD(p, lr=0.02, momentum=0.9), regression, numbers(d, (16, 4), (16, 1)))


def convolution(d: Any) -> Training:
    model = nn.Sequential(
        nn.Conv2d(2, 5, 3, padding=1, generator=0, dtype=d), nn.ReLU(), nn.AvgPool2d(2),
        nn.Conv2d(5, 4, 3, stride=2, generator=1, dtype=d), nn.BatchNorm2d(4, dtype=d), nn.Tanh(),
        nn.Flatten(), nn.Linear(16, 3, generator=2, dtype=d),
    )  # fmt: skip
    (x,) = numbers(d, (6, 2, 10, 10))
    labels = np.array([0, 2, 1, 1, 0, 2])
    return trained(
        model, lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-3),
        lambda m, x, y: NF.cross_entropy(m(x), y), [x, labels],
    )  # fmt: skip


def pooled(d: Any) -> Training:
    model = nn.Sequential(
        nn.Conv1d(1, 6, 5, dilation=2, generator=0, dtype=d), nn.MaxPool1d(2), nn.Softplus(),
        nn.GroupNorm(2, 6, dtype=d), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(6, 1, generator=1, dtype=d),
    )  # fmt: skip
    return trained(model, lambda p: optim.NAdam(p, lr=3e-3), regression, numbers(d, (5, 1, 32), (5, 1)))


def adversarial(d: Any) -> Training:
    """A generator and a discriminator, one step of each in one function, noise drawn inside."""
    maker = nn.Sequential(nn.Linear(3, 12, generator=0, dtype=d), nn.Tanh(), nn.Linear(12, 2, generator=1, dtype=d))
    judge = nn.Sequential(
        nn.Linear(2, 12, generator=2, dtype=d), nn.LeakyReLU(0.2), nn.Linear(12, 1, generator=3, dtype=d)
    )
    first, second = optim.Adam(judge.parameters(), lr=2e-3), optim.RMSprop(maker.parameters(), lr=1e-3)
    first.prepare(), second.prepare()
    noise = Generator(4)
    says = NF.binary_cross_entropy_with_logits

    def step(real: Any) -> Any:
        z = noise.normal((real.shape[0], 3), dtype=d)
        first.zero_grad()
        true, false = judge(real), judge(maker(z).detach())
        loss = says(true, ones_like(true)) + says(false, zeros_like(false))
        loss.backward()
        first.step()
        second.zero_grad()
        judge.zero_grad()
        score = judge(maker(z))
        deceived = says(score, ones_like(score))
        deceived.backward()
        second.step()
        judge.zero_grad()
        return loss + deceived

    return step, leaves(maker, judge), numbers(d, (14, 2))


def own_loss(d: Any) -> Training:
    model = nn.MLP(2, (16, 16), 1, activation="tanh", generator=0, dtype=d)

    def loss_of(model: Any, x: Any, y: Any) -> Any:
        off = model(x) - y
        asymmetric = ops.where(off > 0, off * off, F.log(F.cosh(off)) * 3.0)
        return asymmetric.mean() + 1e-3 * sum((p * p).sum() for p in model.parameters())

    return trained(
        model, lambda p: optim.RMSprop(p, lr=3e-4, momentum=0.5), loss_of,
        numbers(d, (23, 2), (23, 1)), clip=0.5,
    )  # fmt: skip


def equation(d: Any) -> Training:
    """u' = -u with u(0) = 1: a derivative with respect to the input inside the loss."""
    model = nn.MLP(1, (12, 12), 1, activation="tanh", generator=0, dtype=d)

    def loss_of(model: Any, x: Any) -> Any:
        slope = grad(lambda t: model(t).sum())(x)
        return ((slope + model(x)) ** 2).mean() + (model(x[:1] * 0) - 1).square().sum()

    x = np.linspace(0, 2, 19).reshape(-1, 1).astype(d)
    return trained(model, lambda p: optim.Adam(p, lr=5e-3), loss_of, [x])


def attention(d: Any) -> Training:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(9, 8, generator=0, dtype=d)
            self.q, self.k, self.v = (nn.Linear(8, 8, generator=i, dtype=d) for i in (1, 2, 3))
            self.out = nn.Linear(8, 9, generator=4, dtype=d)

        def forward(self, words: Any) -> Any:
            x = self.table(words)
            score = self.q(x) @ F.transpose(self.k(x), 1, 2) * 8**-0.5
            return self.out(x + F.softmax(score, -1) @ self.v(x))

    words = np.random.default_rng(3).integers(0, 9, (4, 7))
    return trained(
        Model(), lambda p: optim.Adam(p, lr=3e-3, amsgrad=True),
        lambda m, w: NF.cross_entropy(m(w[:, :-1]).reshape(-1, 9), w[:, 1:].reshape(-1)), [words],
    )  # fmt: skip


PROGRAMS = [
    residual, normalised, dropped, convolution, pooled, adversarial, own_loss, equation, attention
]  # fmt: skip


def run(make: Callable[[Any], Training], dtype: Any, steps: int, wrap: Callable[..., Any]) -> list[np.ndarray]:
    """Losses, and what the leaves are in the end."""
    step, kept, data = make(dtype)
    step = wrap(step)
    losses = [step(*map(tensor, data)).item() for _ in range(steps)]
    return [np.array(losses), *(t.detach().numpy() for t in kept)]


@pytest.mark.parametrize("make", PROGRAMS, ids=lambda f: f.__name__)
def test_100_steps_in_float64(make: Callable[[Any], Training]) -> None:
    eager = run(make, np.float64, 100, lambda f: f)
    assert eager[0][-1] < 0.97 * eager[0][0] or make is adversarial  # it trains
    for have, want in zip(run(make, np.float64, 100, jit), eager, strict=True):
        np.testing.assert_allclose(have, want, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("make", PROGRAMS, ids=lambda f: f.__name__)
def test_40_steps_in_the_native_loop(make: Callable[[Any], Training]) -> None:
    losses, *eager = run(make, np.float64, 40, lambda f: f)
    step, kept, data = make(np.float64)
    np.testing.assert_allclose(TrainingLoop(step, data=data).run(steps=40), losses, rtol=1e-9, atol=1e-9)
    for have, want in zip(kept, eager, strict=True):
        np.testing.assert_allclose(have.detach().numpy(), want, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("make", PROGRAMS, ids=lambda f: f.__name__)
def test_strict_steps_in_float32(make: Callable[[Any], Training]) -> None:
    eager = run(make, np.float32, 5, lambda f: f)
    strict = run(make, np.float32, 5, lambda f: jit(f, mode="strict"))
    assert [a.dtype for a in strict] == [a.dtype for a in eager]
    # parameters without effect have gradients of nothing but rounding, which Adam scales up: the losses are the same
    np.testing.assert_allclose(strict[0], eager[0], rtol=1e-4)


OPTIMISERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.01, momentum=0.9, dampening=0.1, weight_decay=1e-3),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.01, lr_decay=0.1),
    "Adam": lambda p: optim.Adam(p, lr=0.01, weight_decay=1e-2),
    "AdamW": lambda p: optim.AdamW(p, lr=0.01, amsgrad=True),
    "Adamax": lambda p: optim.Adamax(p, lr=0.01),
    "NAdam": lambda p: optim.NAdam(p, lr=0.01, weight_decay=0.01, decoupled_weight_decay=True),
    "RAdam": lambda p: optim.RAdam(p, lr=0.01),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.01),
}


@pytest.mark.parametrize("name", OPTIMISERS)
def test_every_optimiser_with_a_schedule(name: str) -> None:
    def scheduled(wrap: Callable[..., Any]) -> list[np.ndarray]:
        model = nn.MLP(2, (8,), 1, activation="tanh", generator=0, dtype=np.float64)
        optimizer = OPTIMISERS[name](model.parameters())
        optimizer.prepare()
        schedule = optim.StepLR(optimizer, 10, 0.7)

        def step(x: Any, y: Any) -> Any:
            optimizer.zero_grad()
            loss = regression(model, x, y)
            loss.backward()
            optimizer.step()
            return loss

        step, losses = wrap(step), []
        for _ in range(60):
            losses.append(step(*map(tensor, numbers(np.float64, (11, 2), (11, 1)))).item())
            schedule.step()
        return [np.array(losses), *(p.detach().numpy() for p in model.parameters())]

    compiled = jit
    for have, want in zip(scheduled(compiled), scheduled(lambda f: f), strict=True):
        np.testing.assert_allclose(have, want, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("batch", [None, 8, 5])
def test_the_loop_takes_the_steps_that_rows_say(batch: int | None) -> None:
    x, y = numbers(np.float64, (40, 3), (40, 2))
    rng = np.random.default_rng(0)
    rows = None if batch is None else np.array([rng.permutation(40)[:batch] for _ in range(50)])
    step, kept, _ = residual(np.float64)
    eager = [step(tensor(x[r]), tensor(y[r])).item() for r in ([slice(None)] * 50 if rows is None else rows)]
    after = [t.detach().numpy().copy() for t in kept]
    step, kept, _ = residual(np.float64)
    loop = TrainingLoop(step, data=(x, y), batch_size=batch)
    losses = loop.run(steps=50) if rows is None else np.concatenate([loop.run(rows[:20]), loop.run(rows[20:])])
    np.testing.assert_allclose(losses, eager, rtol=1e-9)
    for have, want in zip(kept, after, strict=True):
        np.testing.assert_allclose(have.detach().numpy(), want, rtol=1e-9, atol=1e-9)


# --- strict mode does not depend on how a batch is split ----------------------------------------------------


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "gelu"])
def test_strict_prediction_has_the_same_bits_however_the_batch_is_split(activation: str) -> None:
    model = nn.MLP(5, (33, 17), 3, activation=activation, generator=0)
    model.eval()
    (x,) = numbers(np.float32, (64, 5))

    def bits(target: str | None, size: int) -> bytes:
        with no_grad():
            predict = jit(lambda x: model(x), mode="strict", target=target)
            return b"".join(predict(Tensor(x[i : i + size])).numpy().tobytes() for i in range(0, 64, size))

    assert len({bits(target, size) for target in (None, "generic") for size in (64, 16, 13, 1)}) == 1


# --- two threads change nothing -----------------------------------------------------------------------------


@pytest.mark.parametrize("widths, batch", [((784, 100, 10), 128), ((2, 200, 100, 100, 30, 1), 64), ((1, 640, 1), 420)])
def test_one_thread_and_two_give_the_same_bits(widths: tuple[int, ...], batch: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, widths[0])).astype(np.float32)
    y = rng.normal(size=(batch, widths[-1])).astype(np.float32)

    def trained_with(threads: int) -> list[bytes]:
        model = nn.MLP(widths[0], widths[1:-1], widths[-1], activation="relu", generator=0)
        step, kept, _ = trained(model, lambda p: optim.Adam(p, lr=1e-3), regression, [])
        losses = TrainingLoop(step, data=(x, y), threads=threads).run(steps=30)
        return [losses.tobytes(), *(t.detach().numpy().tobytes() for t in kept)]

    assert trained_with(1) == trained_with(2)


def adam_step() -> tuple[nn.Module, optim.Optimizer, Callable[..., Any], list[np.ndarray]]:
    f8 = np.dtype("f8")
    layers = [nn.Linear(3, 8, generator=0, dtype=f8), nn.Tanh(), nn.BatchNorm1d(8, dtype=f8)]
    net = nn.Sequential(*layers, nn.Linear(8, 1, generator=1, dtype=f8))
    optimizer = optim.Adam(net.parameters(), lr=1e-2)
    optimizer.prepare()

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = NF.mse_loss(net(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return net, optimizer, step, numbers("f8", (16, 3), (16, 1))


def test_state_that_stays_in_the_arena_is_seen_and_changed_as_any_other() -> None:
    (eager, its, plain, data), (net, optimizer, step, _) = adam_step(), adam_step()
    compiled = jit(step)
    kept = []

    def both(change: Callable[[nn.Module, optim.Optimizer], Any]) -> None:
        for n, o in ((eager, its), (net, optimizer)):
            change(n, o)
        for _ in range(3):
            a, b = plain(*map(tensor, data)), compiled(*data)
            np.testing.assert_allclose(b.numpy(), a.detach().numpy(), rtol=1e-8)
        for (name, p), (_, q) in zip(eager.state_dict().items(), net.state_dict().items(), strict=True):
            np.testing.assert_allclose(q.numpy(), p.numpy(), rtol=1e-7, atol=1e-9, err_msg=name)
        first = next(iter(net.parameters())).detach().numpy()
        kept.append((first, first.copy()))

    both(lambda n, o: None)
    both(lambda n, o: n.load_state_dict({k: 0.5 * v.numpy() for k, v in n.state_dict().items()}))
    both(lambda n, o: next(iter(n.parameters())).assign(np.full((8, 3), 0.25)))
    both(lambda n, o: next(iter(n.parameters())).data.fill_(0.1))
    both(lambda n, o: o.param_groups[0].__setitem__("lr", 1e-3))
    saved = [optimizer.state_dict(), its.state_dict()]
    both(lambda n, o: None)
    both(lambda n, o: o.load_state_dict(saved[o is its]))
    for array, before in kept:  # what was read of a parameter is never written into
        assert np.array_equal(array, before)
    assert len({a.tobytes() for a, _ in kept}) == len(kept)


def test_two_shapes_of_one_step_hand_the_state_to_each_other() -> None:
    (eager, _, plain, data), (net, _, step, _) = adam_step(), adam_step()
    compiled = jit(step)
    for rows in (16, 5, 16, 16, 5, 5, 16):
        a, b = plain(*(tensor(d[:rows]) for d in data)), compiled(*(d[:rows] for d in data))
        np.testing.assert_allclose(b.numpy(), a.detach().numpy(), rtol=1e-8)
    assert compiled.traces == 2
    for p, q in zip(eager.parameters(), net.parameters(), strict=True):
        np.testing.assert_allclose(q.detach().numpy(), p.detach().numpy(), rtol=1e-7, atol=1e-9)


def test_an_error_inside_leaves_no_half_a_step_in_the_arena() -> None:
    total = tensor(np.zeros(3))

    @jit
    def add(x: Any, i: Any) -> Any:
        total.assign(total + x)
        return x[i]

    x = np.array([1.0, 2.0, 3.0])
    add(x, np.array(1))
    with pytest.raises(IndexError):
        add(x, np.array(7))
    assert add(x, np.array(2)).item() == 3.0
    assert total.tolist() == [2.0, 4.0, 6.0]


def test_a_given_state_is_read_each_time_since_its_arrays_may_change() -> None:
    w = tensor(np.ones(2))
    compiled = jit(lambda x: x * w)
    compiled(np.ones(2))
    run = compiled._made().run
    own = np.array([2.0, 3.0])
    assert run([np.ones(2)], [own])[0][0].tolist() == [2.0, 3.0]
    own[:] = 5.0
    assert run([np.ones(2)], [own])[0][0].tolist() == [5.0, 5.0]
    assert run([np.ones(2)])[0][0].tolist() == [1.0, 1.0]
