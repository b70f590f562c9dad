import torch.nn as nn
import torch.optim as optim

import torch

torch.manual_seed(3)
X = torch.Tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
Y = torch.FloatTensor([[0], [1], [1], [0]])


class XOR(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 8)
        self.fc2 = nn.Linear(8, 1)

    def forward(self, x):
        return torch.sigmoid(self.fc2(torch.tanh(self.fc1(x))))


model = XOR()
optimizer = optim.Adam(model.parameters(), lr=0.05, foreach=False)
criterion = nn.BCELoss()
for _ in range(400):
    optimizer.zero_grad()
    loss = criterion(model(X), Y)
    loss.backward()
    optimizer.step()
predicted = (model(X) > 0.5).float()
assert predicted.eq(Y).all()
