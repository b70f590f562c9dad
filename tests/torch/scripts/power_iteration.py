import torch

A = torch.tensor([[4.0, 1.0], [2.0, 3.0]])
v = torch.ones(2) / torch.sqrt(torch.tensor(2.0))
for _ in range(50):
    v = A @ v
    v /= v.norm()
lam = v @ A @ v / (v @ v)
result = [
    lam.item(),
    v.tolist(),
    torch.dot(v, v).item(),
    torch.mv(A, v).tolist(),
    torch.outer(v, v).tolist(),
    torch.trace(A).item(),
    torch.linalg.norm(A).item(),
    torch.diag(A).tolist(),
    torch.eye(2).tolist(),
]
