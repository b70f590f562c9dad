import torch
from torch import nn
from torch.func import (
    functional_call,
    grad,
    grad_and_value,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    stack_module_state,
    vjp,
    vmap,
)


class Net(nn.Module):
    def __init__(self, k):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(2, 3), nn.Tanh())
        self.out = nn.Linear(3, 1)
        self.register_buffer("scale", torch.tensor(float(k)))
        with torch.no_grad():
            for i, p in enumerate(self.parameters()):
                p.copy_(torch.linspace(-0.5, 0.5 + 0.1 * k, p.numel()).reshape(p.shape) + 0.05 * i)

    def forward(self, x):
        return self.scale * self.out(self.inner(x))


nets = [Net(k) for k in (1, 2, 3)]
x = torch.linspace(-1, 1, 8).reshape(4, 2)
y = x.sum(1, keepdim=True)
weights = {k: v.detach() for k, v in nets[0].named_parameters()}


def loss(p, x, y):
    return ((functional_call(nets[0], p, (x,)) - y) ** 2).mean()


inner = weights
for _ in range(3):  # MAML's inner loop
    g = grad(loss)(inner, x, y)
    inner = {k: v - 0.1 * g[k] for k, v in inner.items()}
outer = grad(lambda p: loss({k: v - 0.1 * grad(loss)(p, x, y)[k] for k, v in p.items()}, x, y))(weights)
each = vmap(grad(loss), in_dims=(None, 0, 0))(weights, x, y)
params, buffers = stack_module_state(nets)
many = vmap(lambda p, b, x: functional_call(nets[0], (p, b), (x,)), in_dims=(0, 0, None))(params, buffers, x)
alone = torch.stack([net(x) for net in nets])
g1, v1 = grad_and_value(loss)(weights, x, y)


def f(t):
    return torch.stack([t[0] * t[1], torch.sin(t[1]), t.pow(3).sum()])


t = torch.tensor([0.5, -1.5])
value, pull = vjp(f, t)
out, along = jvp(f, (t,), (torch.tensor([1.0, 2.0]),))
result = [
    float(loss(inner, x, y)), outer["out.bias"].tolist(), outer["inner.0.weight"].tolist(), each["out.weight"].tolist(),
    many.tolist(), float((many - alone).abs().max()), float(v1), g1["out.bias"].tolist(), jacrev(f)(t).tolist(),
    jacfwd(f)(t).tolist(), hessian(lambda t: f(t).prod())(t).tolist(), value.tolist(), pull(torch.ones(3))[0].tolist(),
    out.tolist(), along.tolist(), nets[0](x).tolist(), [type(p).__name__ for p in nets[0].parameters()],
]  # fmt: skip
