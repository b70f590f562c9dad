import torch

pts = torch.tensor([[0.0, 0.0], [0.0, 1.0], [5.0, 5.0], [6.0, 5.0], [0.5, 0.5]])
c = pts[[0, 2]].clone()
for _ in range(10):
    d = torch.cdist(pts, c)
    a = d.argmin(dim=1)
    c = torch.stack([pts[a == k].mean(0) for k in range(2)])
result = [
    c.tolist(),
    a.tolist(),
    torch.bincount(a, minlength=3).tolist(),
    torch.zeros(2, 2).index_add_(0, a, pts).tolist(),
    ((pts[:, None] - c[None]) ** 2).sum(-1).tolist(),
]
