"""A range test of learning rates, warmup with LambdaLR, cosine restarts, SequentialLR, averaged weights."""

import copy
import math

import torch
from torch import nn, optim
from torch.optim.lr_scheduler import (
    CosineAnnealingWarmRestarts,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiStepLR,
    OneCycleLR,
    SequentialLR,
)
from torch.optim.swa_utils import AveragedModel


def make():
    net = nn.Sequential(nn.Linear(1, 6), nn.Tanh(), nn.Linear(6, 1))
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.linspace(-1, 1, p.numel()).view_as(p))
    return net


x = torch.linspace(-1, 1, 16).unsqueeze(1)
y = x**2
net = make()
initial = copy.deepcopy(net.state_dict())
optimizer = optim.SGD(net.parameters(), lr=1e-4)
scheduler = ExponentialLR(optimizer, gamma=10 ** (1 / 5))
lrs, losses = [], []
for it in range(20):
    loss = nn.MSELoss()(net(x), y)
    losses.append(loss.item())
    lrs.append(optimizer.param_groups[0]["lr"])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
net.load_state_dict(initial)
seen = []
for build in (
    lambda o: LambdaLR(o, lr_lambda=lambda s: min(1.0, (s + 1) / 4) * 0.5 * (1 + math.cos(math.pi * s / 10))),
    lambda o: CosineAnnealingWarmRestarts(o, T_0=3, T_mult=2, eta_min=1e-3),
    lambda o: SequentialLR(o, [LinearLR(o, 0.1, total_iters=3), MultiStepLR(o, [2, 4], gamma=0.5)], milestones=[3]),
    lambda o: OneCycleLR(o, max_lr=0.3, total_steps=10),
):
    optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    schedule = build(optimizer)
    for _ in range(8):
        optimizer.step()
        schedule.step()
        seen.append(schedule.get_last_lr()[0])
averaged = AveragedModel(net)
for k in range(3):
    with torch.no_grad():
        net[0].bias.add_(k)
    averaged.update_parameters(net)
result = [lrs[-1], losses, seen, averaged.module[0].bias.tolist() if hasattr(averaged, "module") else []]
