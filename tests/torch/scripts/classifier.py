import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

import torch

torch.manual_seed(0)
n_data = torch.ones(100, 2)
x0 = torch.normal(2 * n_data, 1)
x1 = torch.normal(-2 * n_data, 1)
x = torch.cat((x0, x1), 0).type(torch.FloatTensor)
y = torch.cat((torch.zeros(100), torch.ones(100)), dim=0).type(torch.LongTensor)
net = nn.Sequential(nn.Linear(2, 10), nn.ReLU(inplace=True), nn.Linear(10, 2))
optimizer = optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
for _ in range(100):
    out = net(x)
    loss = nn.CrossEntropyLoss()(out, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
prediction = torch.max(F.softmax(out, dim=1), 1)[1]
accuracy = (prediction == y).sum().item() / float(y.size(0))
assert accuracy > 0.95
assert out.argmax(axis=1).numpy().shape == (200,)
