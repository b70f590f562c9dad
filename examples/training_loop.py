"""A network, an optimiser and a loop of your own, in PyTorch's words: tell points on three spirals apart."""

import numpy as np

import surefit
from surefit import nn, optim
from surefit.data import DataLoader, TensorDataset, random_split
from surefit.nn import functional as F

EPOCHS, BATCH, LR = 60, 64, 1e-2

rng = np.random.default_rng(0)
arm = rng.integers(0, 3, 1500)  # three spirals
radius = rng.uniform(0.1, 1.0, 1500)
angle = 4 * radius + arm * 2 * np.pi / 3 + rng.normal(0, 0.4, 1500)
points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).astype(np.float32)

train_set, test_set = random_split(TensorDataset(points, arm), [0.8, 0.2], generator=0)
loader = DataLoader(train_set, batch_size=BATCH, shuffle=True, generator=1)

net = nn.Sequential(
    nn.Linear(2, 64, generator=2),
    nn.ReLU(),
    nn.Linear(64, 64, generator=3),
    nn.ReLU(),
    nn.Linear(64, 3, generator=4),
)
optimizer = optim.AdamW(net.parameters(), lr=LR)
schedule = optim.CosineAnnealingLR(optimizer, EPOCHS)


def accuracy(dataset):
    x, y = next(iter(DataLoader(dataset, batch_size=len(dataset))))
    with surefit.no_grad():
        return (net(x).argmax(dim=1) == y).float().mean().item()


for epoch in range(1, EPOCHS + 1):
    net.train()
    total = 0.0
    for x, y in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(x)
    schedule.step()
    if epoch % 10 == 0:
        net.eval()
        print(f"epoch {epoch:3}  loss {total / len(train_set):.4f}  test accuracy {accuracy(test_set):.3f}")
