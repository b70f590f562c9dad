"""The heat equation by a network: collocation points, derivatives by autograd, Adam, then L-BFGS."""

import torch
import torch.nn as nn

torch.set_default_dtype(torch.float64)


class PINN(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.linears = nn.ModuleList([nn.Linear(a, b) for a, b in zip(layers[:-1], layers[1:])])
        for i, l in enumerate(self.linears):
            nn.init.xavier_normal_(l.weight, gain=1.0)
            nn.init.zeros_(l.bias)
            l.weight.data = torch.sin(torch.arange(l.weight.numel(), dtype=torch.float64) * (i + 1)).view(
                l.weight.shape
            )

    def forward(self, x, t):
        a = torch.cat([x, t], dim=1)
        for l in self.linears[:-1]:
            a = torch.tanh(l(a))
        return self.linears[-1](a)


net = PINN([2, 8, 1])
x = torch.linspace(0, 1, 8).repeat(4).view(-1, 1).requires_grad_()
t = torch.linspace(0, 1, 4).repeat_interleave(8).reshape(-1, 1).requires_grad_(True)
x0 = torch.linspace(0, 1, 8).view(-1, 1)


def closure_loss():
    u = net(x, t)
    u_t = torch.autograd.grad(u, t, grad_outputs=torch.ones_like(u), retain_graph=True, create_graph=True)[0]
    u_x = torch.autograd.grad(u, x, torch.ones_like(u), create_graph=True)[0]
    u_xx = torch.autograd.grad(u_x.sum(), x, create_graph=True)[0]
    res = u_t - 0.1 * u_xx
    ic = net(x0, torch.zeros_like(x0)) - torch.sin(torch.pi * x0)
    bc = net(torch.tensor([[0.0], [1.0]]), torch.tensor([[0.5], [0.5]]))
    return torch.mean(res**2) + torch.mean(torch.square(ic)) + bc.pow(2).mean()


adam = torch.optim.Adam(net.parameters(), lr=1e-2)
for it in range(20):
    adam.zero_grad()
    loss = closure_loss()
    loss.backward()
    adam.step()
after_adam = loss.item()
lbfgs = torch.optim.LBFGS(
    net.parameters(),
    lr=1.0,
    max_iter=10,
    max_eval=15,
    history_size=5,
    tolerance_grad=1e-9,
    line_search_fn="strong_wolfe",
)


def closure():
    lbfgs.zero_grad()
    loss = closure_loss()
    loss.backward()
    return loss


lbfgs.step(closure)
result = [after_adam, closure_loss().item() < after_adam]
torch.set_default_dtype(torch.float32)
