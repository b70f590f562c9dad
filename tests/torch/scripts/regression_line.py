import torch.nn as nn
import torch.optim as optim

import torch

torch.manual_seed(1)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
x = torch.linspace(0, 1, 50).unsqueeze(1).to(device)
y = 3 * x + 1
model = nn.Linear(1, 1).to(device)
nn.init.zeros_(model.weight)
nn.init.constant_(model.bias, 0.5)
optimizer = optim.SGD(model.parameters(), lr=0.5)
for epoch in range(200):
    loss = nn.MSELoss()(model(x), y)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
result = [model.weight.item(), model.bias.item()]
assert loss.item() < 1e-3
