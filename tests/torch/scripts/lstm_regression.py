import torch
import torch.nn as nn

torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(input_size=1, hidden_size=8, num_layers=2, batch_first=True)
        self.fc = nn.Linear(8, 1)

    def forward(self, x):
        h0 = torch.zeros(2, x.size(0), 8).to(x.device)
        c0 = torch.zeros(2, x.size(0), 8)
        out, (hn, cn) = self.lstm(x, (h0, c0))
        return self.fc(out[:, -1, :])


m = Net()
x = torch.sin(torch.arange(40.0)).reshape(4, 10, 1)
opt = torch.optim.Adam(m.parameters(), lr=1e-2)
for _ in range(3):
    l = m(x).pow(2).mean()
    opt.zero_grad()
    l.backward()
    opt.step()
print(m)
result = [[list(p.shape) for p in m.parameters()], [n for n, _ in m.named_parameters()]]
