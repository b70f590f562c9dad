import torch

w = torch.zeros(1, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
x = torch.arange(10).float() / 10
y = 3 * x + 1
for _ in range(300):
    loss = ((w * x + b - y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.3 * w.grad
        b -= 0.3 * b.grad
        w.grad.zero_()
        b.grad.data.zero_()
result = [w.item(), b.item()]
assert abs(w.item() - 3) < 0.01
