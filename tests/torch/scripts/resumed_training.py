import os, tempfile
import torch
import torch.nn as nn

torch.manual_seed(0)
path = os.path.join(tempfile.mkdtemp(), "checkpoint.pth")


def make():
    m = nn.Linear(4, 1)
    o = torch.optim.Adam(m.parameters(), lr=0.01)
    s = torch.optim.lr_scheduler.StepLR(o, step_size=5, gamma=0.5)
    return m, o, s


m, o, s = make()
x, y = torch.randn(10, 4), torch.randn(10, 1)


def step(m, o, s):
    l = ((m(x) - y) ** 2).mean()
    o.zero_grad()
    l.backward()
    o.step()
    s.step()
    return l.item()


for e in range(7):
    step(m, o, s)
torch.save(
    {
        "epoch": 7,
        "model_state_dict": m.state_dict(),
        "optimizer_state_dict": o.state_dict(),
        "scheduler": s.state_dict(),
        "rng": torch.get_rng_state(),
    },
    path,
)
a = [step(m, o, s) for _ in range(5)]
m2, o2, s2 = make()
c = torch.load(path, map_location=torch.device("cpu"), weights_only=True)
m2.load_state_dict(c["model_state_dict"])
o2.load_state_dict(c["optimizer_state_dict"])
s2.load_state_dict(c["scheduler"])
torch.set_rng_state(c["rng"])
b = [step(m2, o2, s2) for _ in range(5)]
assert all(abs(p - q) < 1e-6 for p, q in zip(a, b)), (a, b)
print(o2.param_groups[0]["lr"], s2.get_last_lr())
