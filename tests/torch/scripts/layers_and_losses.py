"""Losses, activations and layers that tutorials name, one call each."""

import torch
import torch.nn.functional as F
from torch import nn

x = torch.linspace(-2, 2, 12).view(3, 4)
t = torch.linspace(0, 1, 12).view(3, 4)
k = torch.tensor([0, 2, 1])
r = []
for name in [
    "ReLU",
    "LeakyReLU",
    "PReLU",
    "ELU",
    "SELU",
    "CELU",
    "GELU",
    "SiLU",
    "Mish",
    "Softplus",
    "Softsign",
    "Hardtanh",
    "Hardswish",
    "Hardsigmoid",
    "LogSigmoid",
    "Tanhshrink",
    "Softshrink",
    "Hardshrink",
    "ReLU6",
    "Sigmoid",
    "Tanh",
    "Threshold",
]:
    layer = nn.Threshold(0.1, 0.0) if name == "Threshold" else getattr(nn, name)()
    r.append(layer(x).sum().item())
for loss in [
    nn.MSELoss(),
    nn.L1Loss(),
    nn.SmoothL1Loss(),
    nn.HuberLoss(),
    nn.BCEWithLogitsLoss(),
    nn.KLDivLoss(reduction="batchmean"),
    nn.PoissonNLLLoss(),
]:
    r.append(loss(x, t).item())
r += [
    F.cross_entropy(x, k).item(),
    F.nll_loss(F.log_softmax(x, 1), k).item(),
    nn.GaussianNLLLoss()(x, t, torch.ones_like(x)).item(),
]
r += [
    nn.CosineEmbeddingLoss()(x, t, torch.ones(3)).item(),
    nn.HingeEmbeddingLoss()(x, torch.ones_like(x)).item(),
    nn.MarginRankingLoss()(x[0], t[0], torch.ones(4)).item(),
    nn.SoftMarginLoss()(x, torch.ones_like(x)).item(),
]
r += [
    F.normalize(x, dim=1).sum().item(),
    F.cosine_similarity(x, t).sum().item(),
    F.pairwise_distance(x, t).sum().item(),
    F.glu(x).sum().item(),
    F.softmin(x, dim=1).sum().item(),
]
r += [
    nn.Bilinear(4, 4, 2)(x, t).shape[1],
    nn.Identity()(x).sum().item(),
    nn.Unflatten(1, (2, 2))(x).shape[2],
    nn.AvgPool1d(2)(x.unsqueeze(1)).sum().item(),
]
r += [
    nn.InstanceNorm1d(3)(x.view(1, 3, 4)).sum().item() < 1e-4,
    F.interpolate(x.view(1, 1, 3, 4), scale_factor=2, mode="nearest").shape[-1],
]
r += [
    F.dropout(x, 0.5, training=False).sum().item(),
    F.layer_norm(x, (4,)).sum().item() < 1e-4,
    F.linear(x, t).sum().item(),
    F.scaled_dot_product_attention(x.view(1, 3, 4), t.view(1, 3, 4), x.view(1, 3, 4)).sum().item(),
]
result = r
