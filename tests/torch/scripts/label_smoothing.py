import torch
import torch.nn.functional as F

z = torch.tensor([[1.0, 2.0, 3.0], [0.0, -1.0, 2.0]], requires_grad=True)
l = F.cross_entropy(z, torch.tensor([0, 2]), label_smoothing=0.1)
l.backward()
result = [
    l.item(),
    z.grad.tolist(),
    F.nll_loss(F.log_softmax(z, 1), torch.tensor([1, 1]), ignore_index=1, reduction="sum").item(),
]
