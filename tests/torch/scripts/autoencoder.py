import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

import torch

torch.manual_seed(0)
data = torch.rand(64, 16)


class AutoEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 3))
        self.decoder = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 16), nn.Sigmoid())

    def forward(self, x):
        encoded = self.encoder(x)
        return encoded, self.decoder(encoded)


net = AutoEncoder()
optimizer = optim.Adam(net.parameters(), lr=0.01)
first = None
for epoch in range(60):
    encoded, decoded = net(data)
    loss = F.mse_loss(decoded, data)
    first = first or loss.item()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
assert encoded.shape == (64, 3) and loss.item() < first
