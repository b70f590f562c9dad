import torch
import torch.nn as nn

torch.manual_seed(0)
G = nn.Sequential(nn.Linear(2, 16), nn.LeakyReLU(0.2, inplace=True), nn.Linear(16, 1), nn.Tanh())
D = nn.Sequential(nn.Linear(1, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1), nn.Sigmoid())
bce = nn.BCELoss()
og = torch.optim.Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999))
od = torch.optim.Adam(D.parameters(), lr=2e-4, betas=(0.5, 0.999))
for _ in range(5):
    real = torch.randn(16, 1) * 0.3
    valid = torch.ones(16, 1)
    fake = torch.zeros(16, 1)
    z = torch.FloatTensor(16, 2).normal_(0, 1)
    g = G(z)
    od.zero_grad()
    ld = (bce(D(real), valid) + bce(D(g.detach()), fake)) / 2
    ld.backward()
    od.step()
    og.zero_grad()
    lg = bce(D(g), valid)
    lg.backward()
    og.step()
eps = torch.rand(16, 1)
inter = (eps * real + (1 - eps) * g.detach()).requires_grad_(True)
gr = torch.autograd.grad(D(inter), inter, grad_outputs=torch.ones(16, 1), create_graph=True, only_inputs=True)[0]
((gr.norm(2, dim=1) - 1) ** 2).mean().backward()
for p in D.parameters():
    p.data.clamp_(-0.01, 0.01)
