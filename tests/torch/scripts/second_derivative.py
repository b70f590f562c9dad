from torch.autograd import grad

import torch

x = torch.linspace(0.1, 1, 5, requires_grad=True)
y = torch.sin(x)
(dy,) = grad(y.sum(), x, create_graph=True)
(d2y,) = grad(outputs=dy, inputs=x, grad_outputs=torch.ones_like(dy))
unused = torch.ones(1, requires_grad=True)
assert torch.autograd.grad((x * x).sum(), [x, unused], allow_unused=True)[1] is None
result = dy.tolist() + d2y.tolist()
assert torch.allclose(d2y, -torch.sin(x), atol=1e-6)
