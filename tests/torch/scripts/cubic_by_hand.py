import torch

dtype = torch.float
device = torch.device("cpu")
x = torch.linspace(-torch.pi, torch.pi, 200, device=device, dtype=dtype)
y = torch.sin(x)
a = torch.full((), 0.1, requires_grad=True)
b = torch.full((), -0.2, requires_grad=True)
c = torch.full((), 0.3, requires_grad=True)
d = torch.full((), 0.0, requires_grad=True)
for t in range(200):
    yp = a + b * x + c * x**2 + d * x**3
    loss = (yp - y).pow(2).sum()
    loss.backward()
    with torch.no_grad():
        for p in (a, b, c, d):
            p -= 1e-6 * p.grad
            p.grad = None
result = [a.item(), b.item(), c.item(), d.item(), float(loss)]
