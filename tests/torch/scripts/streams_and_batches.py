import torch
from torch.utils.data import IterableDataset, DataLoader, BatchSampler, SequentialSampler, Dataset, Subset


class It(IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        for i in range(self.n):
            yield torch.tensor([float(i)]), i


class D(Dataset):
    def __len__(self):
        return 7

    def __getitem__(self, i):
        return {"x": torch.tensor([float(i)]), "y": i, "name": f"n{i}"}


dl = DataLoader(D(), batch_sampler=BatchSampler(SequentialSampler(range(7)), 3, drop_last=False))
result = [
    [[x.tolist(), y.tolist()] for x, y in DataLoader(It(5), batch_size=2)],
    [[b["x"].tolist(), b["y"].tolist(), b["name"]] for b in dl],
    len(dl),
    [
        b["y"].tolist()
        for b in DataLoader(D(), batch_size=4, collate_fn=lambda items: {"y": torch.tensor([i["y"] for i in items])})
    ],
    next(iter(DataLoader(D(), batch_size=2)))["y"].tolist(),
]
