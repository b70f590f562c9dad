import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

import torch

torch.manual_seed(0)


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.mu, self.logvar, self.out = nn.Linear(8, 16), nn.Linear(16, 2), nn.Linear(16, 2), nn.Linear(2, 8)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        return mu + torch.randn_like(std) * std

    def forward(self, x):
        h = F.relu(self.fc1(x.view(-1, 8)), inplace=True)
        mu, logvar = self.mu(h), self.logvar(h)
        return torch.sigmoid(self.out(self.reparameterize(mu, logvar))), mu, logvar


model = VAE()
optimizer = optim.Adam(model.parameters(), lr=1e-2)
x = torch.bernoulli(torch.full((32, 8), 0.3))
losses = []
for _ in range(50):
    recon, mu, logvar = model(x)
    loss = F.binary_cross_entropy(recon, x, reduction="sum")
    loss = loss - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
assert losses[-1] < losses[0]
