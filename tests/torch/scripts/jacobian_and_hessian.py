import torch
from torch.autograd.functional import jacobian, hessian, vjp, jvp, hvp

f = lambda x: torch.stack([x[0] ** 2 * x[1], torch.sin(x[1])])
g = lambda x: (x**3).sum() * x[0]
x = torch.tensor([1.0, 2.0])
h2 = lambda a, b: (a * b**2).sum()
result = [
    jacobian(f, x).tolist(),
    hessian(g, x).tolist(),
    vjp(f, x, torch.ones(2))[1].tolist(),
    jvp(f, (x,), (torch.ones(2),))[1].tolist(),
    hvp(g, x, torch.ones(2))[1].tolist(),
    [[t.tolist() for t in r] for r in hessian(h2, (x, x + 1))],
    [t.tolist() for t in jacobian(h2, (x, x + 1))],
]
