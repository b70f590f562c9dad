"""A loop that is stopped, kept as state_dicts and gone on with elsewhere: the weights of one without a stop."""

from __future__ import annotations

import numpy as np
import pytest

import surefit
from surefit import nn, optim

SCHEDULES = {
    "sequential": lambda o: optim.SequentialLR(
        o, [optim.ConstantLR(o, 0.1, 3), optim.ExponentialLR(o, 0.8)], milestones=[4]
    ),
    "chained": lambda o: optim.ChainedScheduler([optim.ConstantLR(o, 0.1, 5), optim.ExponentialLR(o, 0.9)]),
    "plateau": lambda o: optim.ReduceLROnPlateau(o, patience=1, factor=0.5, cooldown=1),
    "cosine": lambda o: optim.CosineAnnealingLR(o, 10),
}


class Loop:
    def __init__(self, name):
        self.net = nn.Sequential(
            nn.Linear(1, 5, generator=0), nn.Dropout(0.3, generator=1), nn.Linear(5, 1, generator=2)
        )
        self.optimizer = optim.Adam(self.net.parameters(), lr=0.1)
        self.schedule = SCHEDULES[name](self.optimizer)
        self.rates = []

    def epochs(self, count):
        x = surefit.linspace(-1.0, 1.0, 8).reshape(-1, 1)
        for _ in range(count):
            self.optimizer.zero_grad()
            loss = ((self.net(x) - x**2) ** 2).mean()
            loss.backward()
            self.optimizer.step()
            self.rates.append(self.optimizer.param_groups[0]["lr"])
            self.schedule.step(*((loss.item(),) if isinstance(self.schedule, optim.ReduceLROnPlateau) else ()))

    def parts(self):
        return self.net, self.optimizer, self.schedule


@pytest.mark.parametrize("name", SCHEDULES)
def test_each_schedule_goes_on(name):
    whole = Loop(name)
    whole.epochs(14)
    assert len(set(whole.rates)) > 2
    for stop in (3, 5, 9):
        first, second = Loop(name), Loop(name)
        first.epochs(stop)
        for old, new in zip(first.parts(), second.parts(), strict=True):
            new.load_state_dict(old.state_dict())
        second.epochs(14 - stop)
        assert first.rates + second.rates == whole.rates
        for a, b in zip(whole.net.parameters(), second.net.parameters(), strict=True):
            assert np.array_equal(a.detach().numpy(), b.detach().numpy())
