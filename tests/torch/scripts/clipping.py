import torch

w = torch.tensor([3.0, 4.0], requires_grad=True)
(w * torch.tensor([30.0, 40.0])).sum().backward()
total = torch.nn.utils.clip_grad_norm_([w], max_norm=1.0)
result = [total.item(), *w.grad.tolist()]
assert abs(w.grad.norm().item() - 1) < 1e-4
