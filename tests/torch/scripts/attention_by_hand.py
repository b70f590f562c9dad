import math
import torch

torch.manual_seed(0)


def attention(q, k, v, mask=None):
    s = torch.matmul(q, k.transpose(-2, -1)) / math.sqrt(q.size(-1))
    if mask is not None:
        s = s.masked_fill(mask == 0, float("-inf"))
    w = torch.softmax(s, dim=-1)
    return w @ v, w


q = torch.arange(24.0).reshape(2, 3, 4) / 24
mask = torch.tril(torch.ones(3, 3))
q.requires_grad_()
o, w = attention(q, q * 2, q + 1, mask)
o.pow(2).sum().backward()
e = torch.einsum("bqd,bkd->bqk", q, q)
b = torch.bmm(q, q.permute(0, 2, 1))
result = [
    o.tolist(),
    w.tolist(),
    q.grad.tolist(),
    (e - b).abs().max().item(),
    torch.triu(torch.ones(3, 3), diagonal=1).bool().tolist(),
    torch.baddbmm(b, q, q.mT).tolist(),
]
