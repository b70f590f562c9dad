"""Solvers that stop between any two iterations and go on elsewhere: each bit is that of a run without a stop."""

from __future__ import annotations

import numpy as np
import pytest

from surefit.errors import ArgumentError
from surefit.solvers import Marquardt, lbfgs, levenberg_marquardt, varpro

T = np.linspace(0.0, 2.0, 25)
Y = np.sin(3 * T) * np.exp(-T) + 0.01 * np.cos(40 * T)
HELD = np.linspace(0.05, 1.95, 12)


def basis(theta, t=T):
    rates, offsets = theta.reshape(2, -1)
    return np.column_stack([np.tanh(np.outer(t, rates) + offsets), np.ones(len(t))])


def body_jacobian(theta, c):
    rates, offsets = theta.reshape(2, -1)
    slope = 1.0 - np.tanh(np.outer(T, rates) + offsets) ** 2
    return np.concatenate([slope * T[:, None] * c[:-1, 0], slope * c[:-1, 0]], axis=1)[:, None, :]


def residuals(x):
    return basis(x[:8])[:, :-1] @ x[8:] - Y


def jacobian(x):
    return np.concatenate([body_jacobian(x[:8], np.append(x[8:], 0.0)[:, None])[:, 0], basis(x[:8])[:, :-1]], axis=1)


def cost_and_gradient(x):
    r = residuals(x)
    return 0.5 * float(r @ r), r @ jacobian(x)


START = np.random.default_rng(2).normal(size=12)


def held_out(theta, c=None):
    values = basis(theta[:8], HELD) @ (c[:, 0] if c is not None else np.append(theta[8:], 0.0))
    return float(np.sum((values - np.sin(3 * HELD) * np.exp(-HELD)) ** 2))


SOLVERS = {
    "trust region": lambda **k: levenberg_marquardt(residuals, START, jacobian, max_iterations=15, **k),
    "marquardt": lambda **k: levenberg_marquardt(
        residuals, START, jacobian, max_iterations=15, damping=Marquardt(), validate=held_out, max_fail=3, **k
    ),
    "varpro": lambda **k: varpro(basis, body_jacobian, START[:8], Y[:, None], max_iterations=12, keep="score", **k),
    "varpro, validated": lambda **k: varpro(
        basis, body_jacobian, START[:8], Y[:, None], max_iterations=12, ridge=1e-6, validate=held_out, **k
    ),
    "lbfgs": lambda **k: lbfgs(cost_and_gradient, START, max_iterations=25, memory=4, **k),
}


class Memory:
    """Keeps the state after iteration `at`, and ends there; gives it back where there is one."""

    def __init__(self, at=None, state=None):
        self.at, self.state = at, state

    def due(self, number):
        return number == self.at

    def keep(self, state):
        self.state = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in state.items()}
        raise InterruptedError

    def take(self):
        return self.state


@pytest.mark.parametrize("name", SOLVERS)
def test_a_run_goes_on_after_any_iteration(name):
    solve = SOLVERS[name]
    whole, seen = solve(), []
    solve(callback=lambda x, now: seen.append((x.tobytes(), now.number, now.cost)))
    heard = []

    def hear(x, now):
        heard.append((x.tobytes(), now.number, now.cost))

    assert whole.iterations >= 8
    for at in range(1, whole.iterations):
        memory = Memory(at)
        heard.clear()
        with pytest.raises(InterruptedError):
            solve(keeper=memory)
        again = solve(keeper=Memory(state=memory.state), callback=hear)
        assert again.x.tobytes() == whole.x.tobytes()
        assert (again.cost, again.status, again.iterations) == (whole.cost, whole.status, whole.iterations)
        assert (again.evaluations, again.jacobians) == (whole.evaluations, whole.jacobians)
        assert [i.cost for i in again.history] == [i.cost for i in whole.history]
        assert heard == seen[-len(heard) :]
        assert 0 < len(heard) < len(seen)


def test_differences_remember_more():
    with pytest.raises(ArgumentError, match="give jac as a function"):
        levenberg_marquardt(residuals, START, keeper=Memory())
