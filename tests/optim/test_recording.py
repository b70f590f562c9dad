"""The contract everything rests on: an ordinary training step records, with its state explicit, and replays
bit-equal.
"""

from __future__ import annotations

import numpy as np
import pytest

from surefit import optim
from surefit.core import functions as F
from surefit.core import ops
from surefit.core.creation import tensor
from surefit.core.leaves import Parameter, State
from surefit.core.program import record
from surefit.core.random import Generator
from surefit.core.tensor import Tensor


class Net:
    """Linear, batch normalisation, ReLU, dropout, Linear: written out, so that only the core and optim are under
    test.
    """

    def __init__(self, dtype):
        rng = np.random.default_rng(0)
        self.w1 = Parameter(rng.normal(size=(8, 3)).astype(dtype))
        self.b1 = Parameter(np.zeros(8, dtype))
        self.w2 = Parameter(rng.normal(size=(1, 8)).astype(dtype))
        self.b2 = Parameter(np.zeros(1, dtype))
        self.mean = State(np.zeros(8, dtype), "running_mean")
        self.drop = Generator(5)

    def parameters(self):
        return [self.w1, self.b1, self.w2, self.b2]

    def __call__(self, x):
        h = x @ self.w1.T + self.b1
        m = h.mean(0)
        self.mean.assign(self.mean * 0.9 + m.detach() * 0.1)
        h = ops.relu((h - m) / F.sqrt(F.var(h, 0, correction=0) + 1e-5))
        mask = self.drop.bernoulli(0.8, h.shape)
        return (h * mask * (1 / 0.8)) @ self.w2.T + self.b2

    def state(self, optimizer):
        leaves = [*self.parameters(), self.mean, self.drop.counter]
        return leaves + [s for g in optimizer.param_groups for c in g.chunks for s in c.state.values()]


OPTIMISERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.01, momentum=0.9, dampening=0.1, weight_decay=1e-3),
    "Adam": lambda p: optim.Adam(p, lr=0.01, amsgrad=True),
    "AdamW": lambda p: optim.AdamW(p, lr=0.01),
    "RMSprop": lambda p: optim.RMSprop(p, centered=True, momentum=0.5),
    "Adagrad": lambda p: optim.Adagrad(p, lr_decay=0.1),
    "Adamax": lambda p: optim.Adamax(p),
    "NAdam": lambda p: optim.NAdam(p, weight_decay=0.01, decoupled_weight_decay=True),
    "RAdam": lambda p: optim.RAdam(p),
}


def _training(name, dtype):
    net = Net(dtype)
    optimizer = OPTIMISERS[name](net.parameters())
    schedule = optim.StepLR(optimizer, 3, 0.5)

    def step(x, y):
        optimizer.zero_grad()
        loss = ((net(x) - y) ** 2).mean()
        loss.backward()
        optim.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        return loss

    return net, optimizer, schedule, step


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_recorded_step_replays_bit_equal_to_eager(name, dtype):
    rng = np.random.default_rng(1)
    data = [(rng.normal(size=(16, 3)).astype(dtype), rng.normal(size=(16, 1)).astype(dtype)) for _ in range(10)]
    net, optimizer, schedule, step = _training(name, dtype)
    eager = []
    for x, y in data:
        loss = step(tensor(x), tensor(y))
        schedule.step()
        eager.append(
            (
                loss.numpy() if not loss.requires_grad else loss.detach().numpy(),
                [s.detach().numpy().copy() for s in net.state(optimizer)],
            )
        )

    net, optimizer, schedule, step = _training(name, dtype)
    optimizer.prepare()
    program = record(step, tensor(data[0][0]), tensor(data[0][1]))
    program.check()
    for p in net.parameters():
        assert p.grad is None
    for (x, y), (loss, state) in zip(data, eager, strict=True):
        got = program(x, y)
        schedule.step()
        assert got.numpy().tobytes() == loss.tobytes()
        for a, b in zip(net.state(optimizer), state, strict=True):
            assert a.detach().numpy().tobytes() == b.tobytes()


def test_the_state_of_a_recorded_step_is_explicit():
    _, optimizer, _, step = _training("Adam", np.float32)
    optimizer.prepare()
    program = record(step, Tensor(np.zeros((16, 3), np.float32)), Tensor(np.zeros((16, 1), np.float32)))
    read = {v.name for _, v in program.state_in}
    assert read == {
        "parameters", "running_mean", "key", "counter", "lr", "beta1", "step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"
    }  # fmt: skip
    written = {v.name for t, v in program.state_in if any(t is u for u, _ in program.state_out)}
    assert written == read - {"key", "lr", "beta1"}


def test_a_parameter_without_a_gradient_is_left_alone_with_its_state():
    a, b = Parameter(np.ones(3)), Parameter(np.ones(2))
    optimizer = optim.Adam([a, b], lr=0.1)
    for _ in range(3):
        a.grad, b.grad = Tensor(np.ones(3)), Tensor(np.ones(2))
        optimizer.step()
    before = b.detach().numpy().copy()
    b.grad = None
    a.grad = Tensor(np.full(3, 2.0))
    optimizer.step()
    np.testing.assert_array_equal(b.detach().numpy(), before)
    steps = sorted(int(c.state["step"].item()) for c in optimizer.param_groups[0].chunks)
    assert steps == [3, 4]
