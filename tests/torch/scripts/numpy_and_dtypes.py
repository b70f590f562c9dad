import numpy as np
import torch

a = np.arange(6, dtype=np.float32).reshape(2, 3)
t = torch.from_numpy(a)
u = torch.tensor(a, dtype=torch.float64)
w = torch.as_tensor(a).long()
n = (t * 2).detach().cpu().numpy()
r = np.sin(t.numpy())
x = torch.ones(3, requires_grad=True)
z = x.detach().numpy() + np.asarray(t[0])
result = [
    n.tolist(),
    r.tolist(),
    z.tolist(),
    t.dtype == torch.float32,
    t.shape == torch.Size([2, 3]),
    len(t),
    t.ndim,
    t.dim(),
    t.size(),
    t.size(0),
    t.numel(),
    t.type(torch.int64).tolist(),
    t.to(torch.float64).dtype == torch.double,
    t.int().tolist(),
    (t > 2).float().tolist(),
    t.bool().tolist(),
    list(t.shape),
    np.mean(t.numpy()).item(),
    t.element_size(),
    t.stride(),
    t.is_contiguous(),
    t.type_as(u).dtype == u.dtype,
    torch.tensor(3).dtype == torch.int64,
    (torch.tensor(3) / 2).item(),
    (torch.tensor(7) // 2).item(),
    (torch.tensor(3) * 1.5).dtype == torch.float32,
]
