"""An encoder and a decoder with attention over sequences, packed by hand, teacher forcing, greedy decoding."""

import torch
import torch.nn as nn
import torch.nn.functional as F

SOS, EOS = 0, 1


class Encoder(nn.Module):
    def __init__(self, size, hidden):
        super().__init__()
        self.embedding = nn.Embedding(size, hidden)
        self.gru = nn.GRU(hidden, hidden, batch_first=True)

    def forward(self, input):
        return self.gru(self.embedding(input))


class Attention(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.Wa, self.Ua, self.Va = nn.Linear(hidden, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, 1)

    def forward(self, query, keys):
        scores = self.Va(torch.tanh(self.Wa(query) + self.Ua(keys)))
        weights = F.softmax(scores.squeeze(2).unsqueeze(1), dim=-1)
        return torch.bmm(weights, keys), weights


class Decoder(nn.Module):
    def __init__(self, hidden, size, steps):
        super().__init__()
        self.embedding, self.attention = nn.Embedding(size, hidden), Attention(hidden)
        self.gru, self.out, self.steps = nn.GRU(2 * hidden, hidden, batch_first=True), nn.Linear(hidden, size), steps

    def forward(self, encoded, hidden, target=None):
        word = torch.empty(encoded.size(0), 1, dtype=torch.long).fill_(SOS)
        outputs = []
        for i in range(self.steps):
            context, weights = self.attention(hidden.permute(1, 0, 2), encoded)
            output, hidden = self.gru(torch.cat((self.embedding(word), context), dim=2), hidden)
            outputs.append(self.out(output))
            if target is not None:
                word = target[:, i].unsqueeze(1)
            else:
                _, topi = outputs[-1].topk(1)
                word = topi.squeeze(-1).detach()
        return F.log_softmax(torch.cat(outputs, dim=1), dim=-1), hidden


encoder, decoder = Encoder(6, 5), Decoder(5, 6, 3)
for net in (encoder, decoder):
    for k, p in enumerate(net.parameters()):
        p.data.copy_(0.3 * torch.cos(torch.arange(p.numel()).float() + k).view(p.size()))
source, target = torch.tensor([[2, 3, 4], [4, 3, 2]]), torch.tensor([[4, 3, 1], [2, 3, 1]])
optimizers = [torch.optim.Adam(net.parameters(), lr=0.01) for net in (encoder, decoder)]
criterion = nn.NLLLoss(ignore_index=-100)
for step in range(12):
    for o in optimizers:
        o.zero_grad()
    encoded, hidden = encoder(source)
    outputs, _ = decoder(encoded, hidden, target)
    loss = criterion(outputs.view(-1, outputs.size(-1)), target.view(-1))
    loss.backward()
    for o in optimizers:
        o.step()
with torch.no_grad():
    decoded = decoder(*encoder(source))[0].topk(1)[1].squeeze(-1)
result = [loss.item(), list(decoded.shape)]
