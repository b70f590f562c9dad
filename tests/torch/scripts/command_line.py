import argparse
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor
from typing import Tuple


class RMSE(nn.Module):
    def __init__(self, eps: float = 1e-6) -> None:
        super().__init__()
        self.mse = nn.MSELoss()
        self.eps = eps

    def forward(self, p: Tensor, t: Tensor) -> Tensor:
        return torch.sqrt(self.mse(p, t) + self.eps)


class Net(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(a, b) for a, b in zip(sizes[:-1], sizes[1:])])
        self.apply(self._init)

    def _init(self, m):
        if isinstance(m, nn.Linear):
            nn.init.xavier_uniform_(m.weight, gain=nn.init.calculate_gain("relu"))
            nn.init.zeros_(m.bias)

    def forward(self, x):
        for l in self.layers[:-1]:
            x = F.leaky_relu(l(x), 0.1)
        return self.layers[-1](x)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=1e-2)
    parser.add_argument("--no-cuda", action="store_true")
    args = parser.parse_args([])
    device = torch.device(
        "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    )
    torch.manual_seed(1)
    torch.cuda.manual_seed_all(1)
    torch.backends.cudnn.deterministic = True
    torch.use_deterministic_algorithms(True)
    model = Net([2, 8, 1]).to(device)
    print(model, sum(p.numel() for p in model.parameters()))
    opt = torch.optim.RMSprop(model.parameters(), lr=args.lr)
    sched = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, mode="min", factor=0.5, patience=2)
    x = torch.rand(32, 2, device=device, requires_grad=False)
    y = (x[:, :1] * x[:, 1:]).to(device)
    crit = RMSE()
    for e in range(5):
        running = 0.0
        for xb, yb in zip(torch.split(x, 8), torch.split(y, 8)):
            opt.zero_grad()
            l = crit(model(xb), yb)
            l.backward()
            opt.step()
            running += l.item() * xb.size(0)
        sched.step(running)
    print(f"Epoch {e + 1}/{5} loss: {running / len(x):.4f}")
    torch.use_deterministic_algorithms(False)


if __name__ == "__main__":
    main()
main()
