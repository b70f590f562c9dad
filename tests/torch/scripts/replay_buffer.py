import random
from collections import deque, namedtuple
import torch
import torch.nn as nn
import torch.nn.functional as F

random.seed(0)
torch.manual_seed(0)
T = namedtuple("T", "s a ns r")
mem = deque(maxlen=100)
net = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 2))
tgt = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 2))
tgt.load_state_dict(net.state_dict())
tgt.eval()
opt = torch.optim.AdamW(net.parameters(), lr=1e-3, amsgrad=True)
for i in range(50):
    s = torch.tensor([random.random() for _ in range(3)]).unsqueeze(0)
    with torch.no_grad():
        a = net(s).max(1).indices.view(1, 1)
    mem.append(T(s, a, s + 1 if i % 5 else None, torch.tensor([1.0])))
b = T(*zip(*random.sample(mem, 16)))
mask = torch.tensor([s is not None for s in b.ns], dtype=torch.bool)
ns = torch.cat([s for s in b.ns if s is not None])
sb, ab, rb = torch.cat(b.s), torch.cat(b.a), torch.cat(b.r)
q = net(sb).gather(1, ab)
nv = torch.zeros(16)
with torch.no_grad():
    nv[mask] = tgt(ns).max(1).values
l = nn.SmoothL1Loss()(q, (nv * 0.9 + rb).unsqueeze(1))
opt.zero_grad()
l.backward()
torch.nn.utils.clip_grad_value_(net.parameters(), 100)
opt.step()
sd, td = net.state_dict(), tgt.state_dict()
for k in sd:
    td[k] = sd[k] * 0.005 + td[k] * (1 - 0.005)
tgt.load_state_dict(td)
for tp, p in zip(tgt.parameters(), net.parameters()):
    tp.data.copy_(0.9 * tp.data + 0.1 * p.data)
    tp.data.mul_(0.99).add_(p.data, alpha=0.01)
    tp.data.lerp_(p.data, 0.1)
