import io

import torch.nn as nn
import torch.optim as optim

import torch


def build():
    return nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.1), nn.Linear(4, 1))


torch.manual_seed(0)
net, twin = build(), build()
optimizer = optim.Adam(net.parameters(), lr=0.01)
net(torch.randn(8, 2)).sum().backward()
optimizer.step()
buffer = io.BytesIO()
torch.save({"epoch": 5, "model": net.state_dict(), "losses": [0.5, 0.25]}, buffer)
buffer.seek(0)
checkpoint = torch.load(buffer, map_location="cpu", weights_only=True)
twin.load_state_dict(checkpoint["model"])
x = torch.ones(3, 2)
assert torch.equal(net.eval()(x), twin.eval()(x)) and checkpoint["epoch"] == 5
result = sorted(net.state_dict())
