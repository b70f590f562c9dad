"""Embeddings and mean pooling, normalisations in training and in use, buffers, containers, positional tables."""

import math

import torch
from torch import nn


class TextClassifier(nn.Module):
    def __init__(self, vocab, dim, classes):
        super().__init__()
        self.embedding = nn.Embedding(vocab, dim, padding_idx=0)
        self.norms = nn.ModuleDict({"layer": nn.LayerNorm(dim), "batch": nn.BatchNorm1d(dim)})
        self.heads = nn.ModuleList([nn.Linear(dim, classes, bias=k == 0) for k in range(2)])
        self.scale = nn.ParameterDict({"s": nn.Parameter(torch.ones(1))})
        position = torch.arange(10).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, dim, 2) * (-math.log(10000.0) / dim))
        pe = torch.zeros(10, dim)
        pe[:, 0::2] = torch.sin(position * div_term)
        pe[:, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe, persistent=False)
        self.dropout = nn.Dropout(p=0.0)

    def forward(self, tokens):
        mask = (tokens != 0).unsqueeze(-1)
        h = self.embedding(tokens) * math.sqrt(self.embedding.embedding_dim) + self.pe[: tokens.size(1)]
        h = self.norms["layer"](self.dropout(h)) * mask
        h = h.sum(1) / mask.sum(1).clamp(min=1)
        h = self.norms["batch"](h) * self.scale["s"]
        return sum(head(h) for head in self.heads)


model = TextClassifier(12, 6, 3)
for k, p in enumerate(model.parameters()):
    with torch.no_grad():
        p.copy_(torch.sin(torch.arange(p.numel(), dtype=torch.float32) + k).view_as(p))
tokens = torch.tensor([[1, 2, 3, 0], [4, 5, 0, 0], [6, 7, 8, 9], [10, 11, 1, 0]])
labels = torch.tensor([0, 1, 2, 0])
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
loss_fn = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 1.0]), label_smoothing=0.1)
for step in range(5):
    model.train()
    loss = loss_fn(model(tokens), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
model.eval()
with torch.inference_mode():
    probs = model(tokens).softmax(dim=-1)
groups = nn.GroupNorm(2, 4)(torch.arange(16, dtype=torch.float32).view(2, 4, 2))
result = [
    loss.item(),
    probs.tolist(),
    model.norms["batch"].running_mean.tolist(),
    model.norms["batch"].num_batches_tracked.item(),
    sorted(k for k in model.state_dict() if "batch" in k),
    groups.sum().item(),
    [n for n, _ in model.named_buffers()],
    [type(m).__name__ for m in model.children()],
]
