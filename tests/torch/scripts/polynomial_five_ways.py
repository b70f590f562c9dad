"""A cubic fitted to sin in five ways: tensors, autograd, nn, optim, a module of one's own."""

import math

import torch
from torch import nn

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
dtype = torch.float64
x = torch.linspace(-math.pi, math.pi, 2000, device=device, dtype=dtype)
y = torch.sin(x)
result = []

# 1: gradients by hand
a, b, c, d = (torch.full((), v, device=device, dtype=dtype) for v in (0.1, 0.2, -0.1, 0.05))
for t in range(200):
    y_pred = a + b * x + c * x**2 + d * x**3
    loss = (y_pred - y).pow(2).sum().item()
    grad_y_pred = 2.0 * (y_pred - y)
    grads = grad_y_pred.sum(), (grad_y_pred * x).sum(), (grad_y_pred * x**2).sum(), (grad_y_pred * x**3).sum()
    a, b, c, d = (p - 1e-6 * g for p, g in zip((a, b, c, d), grads))
result += [loss, a.item(), d.item()]

# 2: autograd
a, b, c, d = (torch.tensor(v, device=device, dtype=dtype, requires_grad=True) for v in (0.1, 0.2, -0.1, 0.05))
for t in range(200):
    loss = (a + b * x + c * x**2 + d * x**3 - y).pow(2).sum()
    loss.backward()
    with torch.no_grad():
        for p in (a, b, c, d):
            p -= 1e-6 * p.grad
            p.grad = None
result += [loss.item(), b.item()]

# 3: nn, 4: optim
p = torch.tensor([1, 2, 3], device=device)
xx = x.unsqueeze(-1).pow(p)
for make in (None, torch.optim.RMSprop):
    model = nn.Sequential(nn.Linear(3, 1, dtype=dtype), nn.Flatten(0, 1)).to(device)
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[0.1, -0.1, 0.05]]))
        model[0].bias.zero_()
    loss_fn = nn.MSELoss(reduction="sum")
    optimizer = make(model.parameters(), lr=1e-3) if make else None
    for t in range(200):
        loss = loss_fn(model(xx), y)
        if t % 100 == 99:
            print(t, loss.item())
        if optimizer is None:
            model.zero_grad()
            loss.backward()
            with torch.no_grad():
                for param in model.parameters():
                    param -= 1e-6 * param.grad
        else:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    linear_layer = model[0]
    result += [loss.item(), linear_layer.bias.item(), linear_layer.weight[:, 2].item()]


# 5: a module
class Polynomial3(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.zeros((), dtype=dtype))
        self.b = nn.Parameter(torch.ones((), dtype=dtype))

    def forward(self, x):
        return self.a + self.b * x

    def string(self):
        return f"y = {abs(self.a.item()):.3f} + {self.b.item():.3f} x"


model = Polynomial3()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
criterion = torch.nn.MSELoss(reduction="sum")
for t in range(100):
    loss = criterion(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
result += [loss.item(), model.string()]
