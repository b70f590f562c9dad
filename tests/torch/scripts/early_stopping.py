import copy
import torch
from torch import nn, optim
from torch.utils.data import TensorDataset, DataLoader, random_split

torch.manual_seed(42)
X = torch.rand(100, 1) * 6 - 3
Y = torch.sin(X) + 0.1 * torch.randn(100, 1)
ds = TensorDataset(X, Y)
train, val = random_split(ds, [80, 20], generator=torch.Generator().manual_seed(42))
tr2, va2 = random_split(ds, [0.8, 0.2])
tl = DataLoader(train, batch_size=16, shuffle=True, drop_last=True, generator=torch.Generator().manual_seed(1))
vl = DataLoader(val, batch_size=len(val))
model = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1))
best, best_state, wait = float("inf"), None, 0
opt = optim.Adam(model.parameters(), lr=1e-2, weight_decay=1e-5)
for epoch in range(30):
    model.train()
    for xb, yb in tl:
        opt.zero_grad()
        loss = nn.functional.mse_loss(model(xb), yb)
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        v = sum(nn.MSELoss()(model(a), b).item() * len(a) for a, b in vl) / len(vl.dataset)
    if v < best - 1e-6:
        best, wait = v, 0
        best_state = copy.deepcopy(model.state_dict())
    else:
        wait += 1
        if wait > 5:
            break
    if epoch % 10 == 0:
        print(f"epoch {epoch:3d} | train {loss.item():.4f} | val {v:.4f}")
print(model.load_state_dict(best_state))
