import torch
import torch.nn as nn

w0 = torch.arange(6.0).reshape(2, 3) / 10
lin = nn.Linear(3, 2)
with torch.no_grad():
    lin.weight.copy_(w0)
    lin.bias.fill_(0.1)
    lin.bias.data.zero_()
lin.weight.data = w0.clone()
opt = torch.optim.SGD(lin.parameters(), lr=0.1)
x = torch.arange(24.0).reshape(8, 3) / 24
opt.zero_grad()
for i, xb in enumerate(x.split(2)):
    loss = lin(xb).pow(2).mean() / 2
    loss.backward()
    if (i + 1) % 2 == 0:
        torch.nn.utils.clip_grad_value_(lin.parameters(), 0.2)
        nrm = torch.nn.utils.clip_grad_norm_(lin.parameters(), max_norm=0.1)
        opt.step()
        opt.zero_grad()
result = [lin.weight.tolist(), lin.bias.tolist(), float(nrm), [c.tolist() for c in x.chunk(3)]]
