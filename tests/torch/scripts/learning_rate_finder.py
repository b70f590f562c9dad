import torch
import torch.nn as nn

torch.manual_seed(0)
net = nn.Linear(2, 1)
opt = torch.optim.SGD(net.parameters(), lr=1e-6)
lrs, ls = [], []
mult = (1 / 1e-6) ** (1 / 30)
x = torch.randn(64, 2)
y = x.sum(1, keepdim=True)
avg = 0.0
for i in range(30):
    loss = nn.functional.mse_loss(net(x), y)
    avg = 0.98 * avg + 0.02 * loss.item()
    if torch.isnan(loss) or not torch.isfinite(loss):
        break
    opt.zero_grad()
    loss.backward()
    opt.step()
    lrs.append(opt.param_groups[0]["lr"])
    ls.append(avg)
    opt.param_groups[0]["lr"] *= mult
best = lrs[int(torch.tensor(ls).diff().argmin())]
result = [lrs]
