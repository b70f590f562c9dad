from torch.utils.data import DataLoader, Dataset, TensorDataset, random_split

import torch


class Squares(Dataset):
    def __init__(self, n):
        self.x = torch.linspace(-1, 1, n).view(-1, 1)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.x[i] ** 2


torch.manual_seed(0)
train, test = random_split(Squares(100), [80, 20], generator=torch.Generator().manual_seed(42))
loader = DataLoader(train, batch_size=16, shuffle=True, num_workers=0, pin_memory=False, drop_last=True)
sizes = [xb.shape for xb, yb in loader]
assert len(sizes) == 5 and tuple(sizes[0]) == (16, 1)
plain = DataLoader(TensorDataset(torch.arange(6).float(), torch.arange(6)), batch_size=4)
result = [xb.sum().item() for xb, yb in plain]
assert result == [6.0, 9.0]
