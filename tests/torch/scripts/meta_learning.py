import torch
import torch.nn.functional as F

w = torch.tensor([[1.0], [0.5]], requires_grad=True)
b = torch.zeros(1, requires_grad=True)
x = torch.tensor([[1.0, 2.0], [3.0, -1.0]])
y = torch.tensor([[1.0], [2.0]])


def net(x, ps):
    return torch.tanh(x @ ps[0] + ps[1])


opt = torch.optim.SGD([w, b], lr=0.1)
for _ in range(3):
    inner = F.mse_loss(net(x, [w, b]), y)
    g = torch.autograd.grad(inner, [w, b], create_graph=True)
    fast = [p - 0.1 * q for p, q in zip([w, b], g)]
    outer = F.mse_loss(net(x + 1, fast), y)
    opt.zero_grad()
    outer.backward()
    opt.step()
result = [w.tolist(), b.tolist(), outer.item()]
