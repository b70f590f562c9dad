import torch.optim as optim

import torch

result = []
for make in (
    lambda p: optim.SGD(p, lr=0.01, momentum=0.8, nesterov=True),
    lambda p: optim.Adam(p, lr=0.05, betas=(0.9, 0.99), weight_decay=0.01),
    lambda p: optim.AdamW(p, lr=0.05, foreach=False),
    lambda p: optim.RMSprop(p, lr=0.05, alpha=0.9),
    lambda p: optim.Adadelta(p, lr=1.0),
    lambda p: optim.Adagrad(p, lr=0.1),
    lambda p: optim.Rprop(p, lr=0.01),
    lambda p: optim.ASGD(p, lr=0.01),
    lambda p: optim.Adamax(p),
):
    w = torch.tensor([1.0, -2.0], requires_grad=True)
    optimizer = make([w])
    for _ in range(20):
        optimizer.zero_grad()
        (w**2).sum().backward()
        optimizer.step()
    result.append(w.tolist())
assert len(result) == 9
