import torch
from torch import nn, optim

result = []
for make in (
    lambda o: optim.lr_scheduler.OneCycleLR(o, max_lr=[0.1, 0.3], total_steps=9, three_phase=True),
    lambda o: optim.lr_scheduler.OneCycleLR(
        o, max_lr=[0.1, 0.3], epochs=3, steps_per_epoch=4, anneal_strategy="linear"
    ),
    lambda o: optim.lr_scheduler.CyclicLR(o, [0.01, 0.02], [0.1, 0.3], step_size_up=3, mode="triangular2"),
):
    net = nn.Linear(2, 2)
    opt = optim.SGD([{"params": [net.weight]}, {"params": [net.bias], "lr": 0.5}], lr=0.2, momentum=0.9)
    sched = make(opt)
    for _ in range(8):
        opt.zero_grad()
        net(torch.ones(1, 2)).sum().backward()
        opt.step()
        sched.step()
        result.append([g["lr"] for g in opt.param_groups] + [opt.param_groups[1]["momentum"]] + sched.get_last_lr())
