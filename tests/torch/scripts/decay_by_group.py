"""Weight decay for weights alone, a smaller rate for one layer, accumulated gradients, clipping, a plateau."""

import torch
from torch import nn

net = nn.Sequential()
net.add_module("first", nn.Linear(2, 8))
net.add_module("act", nn.GELU())
net.add_module("last", nn.Linear(8, 1))
with torch.no_grad():
    for k, p in enumerate(net.parameters()):
        p.copy_(torch.linspace(-0.5, 0.5, p.numel()).view(p.shape) * (k + 1))
decay, no_decay = [], []
for name, p in net.named_parameters():
    (no_decay if name.endswith(".bias") or p.ndim == 1 else decay).append(p)
optimizer = torch.optim.AdamW(
    [{"params": decay, "weight_decay": 1e-2}, {"params": no_decay, "weight_decay": 0.0, "lr": 5e-3}], lr=1e-2
)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="min", factor=0.5, patience=1, threshold=1e-2)
x = torch.stack([torch.linspace(0, 1, 32), torch.linspace(1, -1, 32)], dim=1)
y = (x[:, :1] * x[:, 1:]).clone()
accumulation_steps, norms = 4, []
optimizer.zero_grad(set_to_none=True)
for epoch in range(12):
    total = 0.0
    for i, (xb, yb) in enumerate(zip(x.split(4), y.split(4))):
        loss = nn.functional.huber_loss(net(xb), yb, delta=0.5) / accumulation_steps
        loss.backward()
        total += loss.item()
        if (i + 1) % accumulation_steps == 0:
            norms.append(float(torch.nn.utils.clip_grad_norm_(net.parameters(), max_norm=1.0)))
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
    scheduler.step(total)
result = [
    total,
    norms[0],
    norms[-1],
    [g["lr"] for g in optimizer.param_groups],
    len(optimizer.state_dict()["param_groups"]),
    scheduler.num_bad_epochs,
]
