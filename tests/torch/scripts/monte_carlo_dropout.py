import torch
import torch.nn as nn

torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self, p=0.2):
        super(Net, self).__init__()
        self.seq = nn.Sequential(nn.Linear(1, 64), nn.ReLU(), nn.Dropout(p=p), nn.Linear(64, 1))

    def forward(self, x):
        return self.seq(x)


net = Net()
net.eval()
for m in net.modules():
    if isinstance(m, nn.Dropout):
        m.train()
    if m.__class__.__name__.startswith("Dropout"):
        m.train()
x = torch.linspace(-1, 1, 11).unsqueeze(1)
with torch.no_grad():
    s = torch.stack([net(x) for _ in range(50)])
print(s.mean(0).squeeze(), s.std(0).squeeze().shape, net)
