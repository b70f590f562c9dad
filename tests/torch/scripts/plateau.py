import torch

w = torch.nn.Parameter(torch.ones(1))
optimizer = torch.optim.Adam([w], lr=0.1)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, "min", factor=0.5, patience=1)
result = []
for loss in [1.0, 0.9, 0.9, 0.9, 0.9, 0.8]:
    scheduler.step(loss)
    result.append(optimizer.param_groups[0]["lr"])
assert result[-1] < 0.1
