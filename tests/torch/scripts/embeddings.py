import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
e = nn.Embedding(10, 4, padding_idx=0)
out = e(torch.LongTensor([[1, 2], [0, 3]]))
e2 = nn.Embedding.from_pretrained(torch.eye(4), freeze=True)
a = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
b = torch.tensor([[2.0, 1.0], [0.0, 1.0]])
result = [
    F.cosine_similarity(a, b).tolist(),
    nn.CosineSimilarity(dim=1, eps=1e-6)(a, b).tolist(),
    nn.PairwiseDistance(p=2)(a, b).tolist(),
    e2(torch.tensor([2])).tolist(),
    F.normalize(a, p=2, dim=1).tolist(),
    nn.TripletMarginLoss(margin=1.0, p=2)(a, b, a + 1).item(),
    F.embedding(torch.tensor([1]), a).tolist(),
]
