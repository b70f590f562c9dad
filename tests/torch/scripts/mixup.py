import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
x = torch.randn(64, 10)
y = torch.randint(0, 3, (64,))
y1 = F.one_hot(y, num_classes=3).float()
lam = np.random.default_rng(0).beta(0.4, 0.4)
idx = torch.randperm(x.size(0))
xm = lam * x + (1 - lam) * x[idx, :]
ym = lam * y1 + (1 - lam) * y1[idx]
net = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 3))
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, nesterov=True)
for i in range(20):
    out = net(xm)
    loss = -(ym * F.log_softmax(out, dim=-1)).sum(1).mean()
    opt.zero_grad(set_to_none=True)
    loss.backward()
    opt.step()
ce = nn.CrossEntropyLoss(label_smoothing=0.1, weight=torch.tensor([1.0, 2.0, 1.0]))
print(f"{ce(net(x), y).item():.4f}", ce(net(x), y1).item())
