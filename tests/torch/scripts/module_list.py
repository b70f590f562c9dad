import torch.nn as nn
import torch.optim as optim

import torch


class Deep(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(a, b) for a, b in zip(sizes[:-1], sizes[1:])])
        self.acts = nn.ModuleDict({"tanh": nn.Tanh(), "relu": nn.ReLU()})

    def forward(self, x, act="tanh"):
        for layer in self.layers[:-1]:
            x = self.acts[act](layer(x))
        return self.layers[-1](x)


torch.manual_seed(0)
net = Deep([1, 8, 8, 1]).double()
x = torch.linspace(-1, 1, 30, dtype=torch.double).unsqueeze(-1)
optimizer = optim.Adam(net.parameters(), lr=0.02)
for i in range(100):
    loss = (net(x) - torch.sin(3 * x)).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
assert loss.item() < 0.05 and loss.dtype == torch.float64
