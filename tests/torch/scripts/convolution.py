import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

import torch

torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, padding=1)
        self.bn = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4 * 4 * 4, 10)
        self.drop = nn.Dropout(0.25)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn(self.conv1(x))), 2)
        x = x.view(x.size(0), -1)
        x = self.drop(x)
        return F.log_softmax(self.fc(x), dim=1)


net = Net()
optimizer = optim.Adadelta(net.parameters(), lr=1.0)
x, y = torch.randn(20, 1, 8, 8), torch.randint(0, 10, (20,))
net.train()
for _ in range(30):
    optimizer.zero_grad()
    loss = F.nll_loss(net(x), y)
    loss.backward()
    optimizer.step()
net.eval()
with torch.no_grad():
    pred = net(x).argmax(dim=1, keepdim=True)
    correct = pred.eq(y.view_as(pred)).sum().item()
assert correct >= 15, correct
