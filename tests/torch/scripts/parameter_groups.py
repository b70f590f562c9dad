import torch
import torch.nn as nn

torch.manual_seed(0)


class N(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(4, 8)
        self.head = nn.Linear(8, 1)
        self.register_buffer("mean", torch.zeros(4))
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return self.head(torch.relu(self.body(x - self.mean))) * self.scale


n = N()
for p in n.body.parameters():
    p.requires_grad = False
n.body.requires_grad_(True)
decay = [p for k, p in n.named_parameters() if not k.endswith("bias")]
no = [p for k, p in n.named_parameters() if k.endswith("bias")]
opt = torch.optim.AdamW([{"params": decay, "weight_decay": 1e-2}, {"params": no, "weight_decay": 0}], lr=1e-3)
opt.add_param_group({"params": [torch.zeros(2, requires_grad=True)], "lr": 1.0})
sch = torch.optim.lr_scheduler.LambdaLR(opt, lr_lambda=lambda e: 0.95**e)
for g in opt.param_groups:
    g["lr"] *= 0.5
n(torch.randn(3, 4)).mean().backward()
opt.step()
sch.step()
print([g["lr"] for g in opt.param_groups], n.state_dict().keys(), opt)
result = [
    [len(g["params"]) for g in opt.param_groups],
    sorted(n.state_dict().keys()),
    [b[0] for b in n.named_buffers()],
]
