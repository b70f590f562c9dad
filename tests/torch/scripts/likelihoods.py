import torch
import torch.nn as nn
import torch.nn.functional as F

mu = torch.tensor([1.0, 2.0], requires_grad=True)
var = torch.tensor([0.5, 2.0], requires_grad=True)
l = nn.GaussianNLLLoss()(mu, torch.tensor([0.0, 3.0]), var)
l.backward()
p = torch.log_softmax(torch.tensor([[1.0, 2.0, 3.0]]), 1)
q = torch.softmax(torch.tensor([[1.0, 1.0, 0.0]]), 1)
result = [
    l.item(),
    mu.grad.tolist(),
    var.grad.tolist(),
    F.kl_div(p, q, reduction="batchmean").item(),
    nn.KLDivLoss(reduction="sum")(p, q).item(),
    nn.GaussianNLLLoss(full=True)(mu, torch.tensor([0.0, 3.0]), var).item(),
    F.gaussian_nll_loss(mu, torch.zeros(2), var).item(),
]
