import torch.nn as nn

import torch

seen = []
net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
handle = net[1].register_forward_hook(lambda module, args, output: seen.append(tuple(output.shape)))
net(torch.ones(4, 2))
handle.remove()
net(torch.ones(4, 2))
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = x * 3
y.register_hook(lambda g: g * 10)
y.sum().backward()
result = x.grad.tolist()
assert seen == [(4, 3)] and result == [30.0, 30.0]
