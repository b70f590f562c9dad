import torch

x = torch.tensor([[3.0, 1.0, 2.0], [6.0, 5.0, 4.0]])
values, indices = torch.topk(x, 2, dim=1)
s = torch.sort(x, dim=1, descending=True)
result = [
    values.tolist(), indices.tolist(), s.values.tolist(), s.indices.tolist(), x.median().item(),
    torch.median(x, dim=1).values.tolist(), torch.quantile(x, 0.25).item(), torch.diff(x).tolist(),
    torch.nonzero(x > 2).tolist(), torch.unique(torch.tensor([3, 1, 3])).tolist(), x[x > 2].tolist(),
    torch.masked_select(x, x < 4).tolist(), torch.vstack((x, x)).shape[0], torch.hstack((x, x)).shape[1],
    torch.zeros(2, 3).scatter_(1, torch.tensor([[0], [2]]), 1.0).tolist(), x.t().contiguous().view(-1).tolist(),
    [g.tolist() for g in torch.meshgrid(torch.arange(2), torch.arange(3), indexing="ij")],
    x.max(dim=0).indices.tolist(), torch.cumsum(x, dim=1).tolist(), x.std(dim=0, unbiased=False).tolist(),
    torch.where(x > 2, x, torch.zeros_like(x)).tolist(), torch.clamp(x, min=2, max=5).tolist(),
    torch.argsort(x, dim=1).tolist(), x.mean(axis=0, keepdims=True).tolist(),
    torch.kthvalue(x, 2, dim=1).values.tolist(), torch.bincount(torch.tensor([0, 1, 1])).tolist(), torch.pi,
    torch.inf, torch.repeat_interleave(torch.tensor([1, 2]), 2).tolist(), torch.allclose(x, x + 1e-9), x.type(),
]  # fmt: skip
assert len(result) == 31
