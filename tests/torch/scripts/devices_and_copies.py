"""Devices, types and copies as scripts mix them; generators; printing; numpy and back."""

import numpy as np
import torch
from torch import Tensor, nn


def to_device(data, device):
    if isinstance(data, (list, tuple)):
        return [to_device(x, device) for x in data]
    return data.to(device, non_blocking=True)


class DeviceDataLoader:
    def __init__(self, dl, device):
        self.dl, self.device = dl, device

    def __iter__(self):
        for b in self.dl:
            yield to_device(b, self.device)

    def __len__(self):
        return len(self.dl)


device = "cuda" if torch.cuda.is_available() else "cpu"
x: Tensor = torch.from_numpy(np.arange(6, dtype=np.float32)).to(device)
y = x.double().cpu().numpy() * 2
z = torch.as_tensor(y, dtype=torch.float32, device=torch.device(device)).type(torch.float64)
w = torch.tensor(3).type_as(z) + z.new_tensor([1.0]) + z.new_full((1,), 2.0)
flags = [
    x.is_cuda,
    x.device.type,
    x.dtype == torch.float32,
    z.is_floating_point(),
    torch.is_tensor(x),
    isinstance(x, torch.Tensor),
    x.dim(),
    x.nelement(),
    x.element_size(),
]
net = nn.Linear(2, 2).to(device, torch.float64).eval().requires_grad_(False)
g = torch.Generator(device="cpu")
g.manual_seed(3)
draws = (
    torch.randint(0, 10, (4,), generator=g),
    torch.randperm(5, generator=g),
    torch.bernoulli(torch.full((3,), 0.5), generator=g),
    torch.multinomial(torch.tensor([0.2, 0.8]), 3, replacement=True, generator=g),
)
sizes = [tuple(d.shape) for d in draws]
loader = DeviceDataLoader(torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, z), batch_size=4), device)
batches = [[list(t.shape) for t in b] for b in loader]
params = torch.nn.utils.parameters_to_vector(net.parameters())
torch.nn.utils.vector_to_parameters(torch.zeros_like(params), net.parameters())
counted = sum(p.numel() for p in net.parameters() if p.requires_grad)
e = torch.empty(3).uniform_(0, 1)
n = torch.empty(3).normal_(mean=0.0, std=1.0)
result = [
    w.tolist(),
    flags,
    sizes,
    batches,
    counted,
    net(torch.ones(1, 2, dtype=torch.float64)).tolist(),
    len(loader),
    bool(((e >= 0) & (e < 1)).all()),
    n.shape[0],
    torch.finfo(torch.float32).eps,
    torch.iinfo(torch.int64).max,
    torch.promote_types(torch.float32, torch.int64) == torch.float32,
    torch.get_default_dtype() == torch.float32,
]
