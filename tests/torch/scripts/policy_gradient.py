import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Categorical

torch.manual_seed(0)
pi = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2), nn.Softmax(dim=-1))
opt = torch.optim.Adam(pi.parameters(), lr=1e-2)
for ep in range(5):
    logp, rew = [], []
    for t in range(10):
        s = torch.randn(4)
        m = Categorical(pi(s))
        a = m.sample()
        logp.append(m.log_prob(a))
        rew.append(1.0 if a.item() == 1 else 0.0)
    R, G = 0, []
    for r in rew[::-1]:
        R = r + 0.9 * R
        G.insert(0, R)
    G = torch.tensor(G)
    G = (G - G.mean()) / (G.std() + 1e-9)
    loss = torch.stack([-l * g for l, g in zip(logp, G)]).sum() - 0.01 * m.entropy()
    opt.zero_grad()
    loss.backward()
    opt.step()
