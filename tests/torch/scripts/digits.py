import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, 1)
        self.conv2 = nn.Conv2d(4, 8, 3, 1)
        self.dropout1 = nn.Dropout2d(0.25)
        self.dropout2 = nn.Dropout(0.5)
        self.fc1 = nn.Linear(8 * 5 * 5, 16)
        self.fc2 = nn.Linear(16, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(F.max_pool2d(self.conv2(x), 2))
        x = self.dropout1(x)
        x = torch.flatten(x, 1)
        x = F.dropout(F.relu(self.fc1(x)), training=self.training)
        return F.log_softmax(self.fc2(self.dropout2(x)), dim=1)


torch.manual_seed(0)
m = Net()
opt = torch.optim.Adadelta(m.parameters(), lr=1.0)
x = torch.randn(16, 1, 14, 14)
y = torch.randint(0, 10, (16,))
m.train()
for b in range(2):
    opt.zero_grad()
    out = m(x)
    l = F.nll_loss(out, y)
    l.backward()
    opt.step()
m.eval()
correct = 0
with torch.no_grad():
    pred = m(x).argmax(dim=1, keepdim=True)
    correct += pred.eq(y.view_as(pred)).sum().item()
    _, p2 = torch.max(m(x).data, 1)
    correct2 = (p2 == y).sum().item()
assert correct == correct2
print("{:.0f}% {:.6f}".format(100.0 * correct / len(y), l.item()))
cm = torch.zeros(10, 10, dtype=torch.int64)
for a, b in zip(y.view(-1), p2.view(-1)):
    cm[a.long(), b.long()] += 1
print(cm.diag().sum() / cm.sum())
