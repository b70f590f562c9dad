import torch
import torch.nn as nn

torch.manual_seed(0)
feats = {}


def get(name):
    def hook(module, inp, out):
        feats[name] = out.detach()

    return hook


m = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
h = m[0].register_forward_hook(get("fc1"))
gr = []
m[2].register_full_backward_hook(lambda mod, gi, go: gr.append((gi[0].shape, go[0].shape)))
m[2].weight.register_hook(lambda g: g * 2)
m(torch.ones(1, 3)).sum().backward()
h.remove()
print(feats["fc1"].shape, gr)
total = sum(p.numel() for p in m.parameters() if p.requires_grad)
result = [
    total,
    [n for n, _ in m.named_parameters()],
    [type(x).__name__ for x in m.children()],
    str(m),
    list(feats["fc1"].shape),
    [[list(a), list(b)] for a, b in gr],
]
