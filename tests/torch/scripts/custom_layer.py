import torch.nn as nn
from torch.nn.parameter import Parameter

import torch


class MyLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = Parameter(torch.Tensor(n_out, n_in))
        self.scales = nn.ParameterList([nn.Parameter(torch.ones(n_out)) for _ in range(2)])
        self.named = nn.ParameterDict({"shift": nn.Parameter(torch.zeros(n_out))})
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x):
        y = x.mm(self.weight.t())
        for s in self.scales:
            y = y * s
        return y + self.named["shift"]


layer = MyLinear(3, 2)
with torch.no_grad():
    layer.weight.copy_(torch.arange(6).view(2, 3))
out = layer(torch.ones(1, 3))
out.sum().backward()
result = out.tolist()[0] + [sum(p.numel() for p in layer.parameters()), *layer.scales[0].grad.tolist()]
assert result[2] == 12
