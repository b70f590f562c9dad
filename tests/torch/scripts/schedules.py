from torch.optim import SGD, lr_scheduler

import torch

result = []
for make in (
    lambda o: lr_scheduler.StepLR(o, step_size=3, gamma=0.5),
    lambda o: lr_scheduler.ExponentialLR(o, 0.9),
    lambda o: lr_scheduler.LambdaLR(o, lr_lambda=lambda e: 0.95**e),
    lambda o: lr_scheduler.MultiplicativeLR(o, lr_lambda=lambda e: 0.95),
    lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=5),
    lambda o: lr_scheduler.MultiStepLR(o, milestones=[2, 5], gamma=0.1),
    lambda o: lr_scheduler.ChainedScheduler([lr_scheduler.ConstantLR(o, 0.1, 2), lr_scheduler.ExponentialLR(o, 0.9)]),
):
    w = torch.nn.Parameter(torch.ones(1))
    optimizer = SGD([w], lr=0.1)
    scheduler = make(optimizer)
    for _ in range(8):
        optimizer.step()
        scheduler.step()
        result.append(optimizer.param_groups[0]["lr"])
assert len(result) == 56
