import copy
import random
from collections import deque

import torch.nn as nn
import torch.optim as optim

import torch

torch.manual_seed(0)
random.seed(0)
policy = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
target = copy.deepcopy(policy)
target.load_state_dict(policy.state_dict())
target.eval()
optimizer = optim.RMSprop(policy.parameters(), lr=1e-3)
memory = deque(maxlen=100)
for i in range(100):
    after = None if i % 7 == 0 else torch.randn(1, 4)
    memory.append((torch.randn(1, 4), torch.tensor([[i % 2]]), torch.tensor([1.0]), after))
for step in range(20):
    states, actions, rewards, nexts = zip(*random.sample(memory, 32))
    mask = torch.tensor(tuple(s is not None for s in nexts), dtype=torch.bool)
    values = policy(torch.cat(states)).gather(1, torch.cat(actions))
    following = torch.zeros(32)
    with torch.no_grad():
        following[mask] = target(torch.cat([s for s in nexts if s is not None])).max(1).values
    expected = following * 0.9 + torch.cat(rewards)
    loss = nn.SmoothL1Loss()(values, expected.unsqueeze(1))
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_value_(policy.parameters(), 100)
    optimizer.step()
    for p, q in zip(target.parameters(), policy.parameters()):
        p.data.copy_(0.9 * p.data + 0.1 * q.data)
moved = sum((p - q).abs().sum().item() for p, q in zip(target.parameters(), policy.parameters()))
assert moved > 0 and loss.item() < 5
