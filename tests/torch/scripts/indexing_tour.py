"""einsum, gather and scatter, where and masks, cumulative sums, sorting, padding, rolling, bins."""

import torch

a = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4) / 7
b = torch.linspace(-1, 1, 40).reshape(2, 4, 5)
r = [
    torch.einsum("bij,bjk->bik", a, b).sum().item(),
    torch.einsum("bij->b", a).tolist(),
    torch.einsum("...ij->...ji", a).shape[1],
]
idx = torch.tensor([[0, 2], [1, 0]])
m = a[0, :2]
r += [
    m.gather(1, idx).tolist(),
    torch.zeros(2, 4).scatter_(1, idx, 1.5).tolist(),
    torch.zeros(2, 4).scatter_add_(1, torch.tensor([[0, 0], [3, 3]]), torch.ones(2, 2)).tolist(),
]
r += [
    torch.zeros(3).index_add_(0, torch.tensor([0, 2, 2]), torch.tensor([1.0, 2.0, 3.0])).tolist(),
    torch.index_select(m, 1, torch.tensor([3, 0])).tolist(),
]
mask = m > 0.5
r += [
    m.masked_fill(mask, -1e9).min().item(),
    torch.where(mask, m, torch.zeros_like(m)).sum().item(),
    torch.masked_select(m, mask).numel(),
    m[mask].mean().item(),
]
s = torch.tensor([3.0, 1.0, 2.0])
r += [
    s.cumsum(0).tolist(),
    s.cumprod(0).tolist(),
    torch.cummax(s, 0).values.tolist(),
    torch.logcumsumexp(s, 0).tolist(),
]
v, i = torch.sort(s, descending=True)
r += [
    v.tolist(),
    i.tolist(),
    torch.argsort(s).tolist(),
    torch.searchsorted(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.5])).tolist(),
]
r += [
    torch.bucketize(s, torch.tensor([1.5, 2.5])).tolist(),
    torch.bincount(torch.tensor([0, 1, 1])).tolist(),
    torch.histc(s, bins=3, min=1, max=3).tolist(),
]
r += [
    torch.roll(s, 1).tolist(),
    torch.flip(s, [0]).tolist(),
    torch.tril(torch.ones(3, 3)).sum().item(),
    torch.triu(torch.ones(3, 3), diagonal=1).sum().item(),
]
r += [
    torch.outer(s, s).trace().item(),
    torch.cdist(m, m).sum().item(),
    torch.linalg.norm(m).item(),
    torch.kron(s, s).shape[0],
]
r += [
    torch.nn.functional.pad(s.view(1, 1, 3), (1, 1), mode="reflect").flatten().tolist(),
    s.repeat(2).tolist(),
    s.repeat_interleave(2).tolist(),
    s.expand(2, 3).shape[0],
    torch.tile(s, (2,)).shape[0],
]
r += [
    a.permute(2, 0, 1).contiguous().view(4, -1).shape[1],
    a.transpose(1, 2).reshape(-1)[5].item(),
    a.unfold(2, 2, 1).shape[-1],
    torch.chunk(a, 2, dim=2)[1].sum().item(),
]
r += [
    torch.clamp(s, min=1.5).tolist(),
    s.clamp_max(2).tolist(),
    torch.lerp(s, s + 1, 0.5).tolist(),
    torch.addcmul(s, s, s, value=0.5).tolist(),
    torch.fmod(s, 2).tolist(),
    torch.remainder(-s, 2).tolist(),
]
r += [
    torch.nan_to_num(torch.tensor([float("nan"), float("inf")]), nan=1.0, posinf=2.0).tolist(),
    torch.isclose(s, s + 1e-9).all().item(),
    torch.count_nonzero(s > 1).item(),
    torch.any(s > 2).item(),
    s.argmax().item(),
]
r += [
    torch.cartesian_prod(s, s).shape[0],
    torch.combinations(s).shape[0],
    [t.shape[0] for t in torch.meshgrid(s, s, indexing="ij")],
    torch.block_diag(m, m).shape[1],
    torch.vander(s).sum().item(),
]
r += [
    torch.logsumexp(m, dim=1).tolist(),
    torch.std(m, dim=1, unbiased=False).tolist(),
    torch.var_mean(m, dim=1)[0].tolist(),
    torch.aminmax(s)[0].item(),
    torch.trapezoid(s, dx=0.5).item(),
    torch.cov(m).sum().item(),
    torch.corrcoef(m)[0, 1].item(),
]
r += [
    torch.logical_xor(mask, ~mask).all().item(),
    torch.unique(torch.tensor([3, 1, 3]), return_counts=True)[1].tolist(),
    torch.tensor_split(s, 2)[0].tolist(),
    s.diff().tolist(),
    torch.deg2rad(s).tolist(),
    torch.hypot(s, s).tolist(),
]
result = r
