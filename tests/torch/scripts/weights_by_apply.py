import torch.nn as nn

import torch


def init_weights(m):
    if isinstance(m, nn.Linear):
        nn.init.ones_(m.weight)
        m.bias.data.fill_(0.01)
    elif type(m) == nn.BatchNorm1d:
        m.weight.data.normal_(1.0, 0.02)


net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
net.apply(init_weights)
for name, p in net.named_parameters():
    if "0." in name:
        p.requires_grad = False
result = net(torch.ones(1, 2)).tolist()
assert sum(p.numel() for p in net.parameters() if p.requires_grad) == 3
