"""A recurrent network on characters, written cell by cell: names of two languages."""

import string
import unicodedata

import torch
import torch.nn as nn
import torch.nn.functional as F

all_letters = string.ascii_letters + " .,;'"
n_letters = len(all_letters)


def unicode_to_ascii(s):
    return "".join(c for c in unicodedata.normalize("NFD", s) if unicodedata.category(c) != "Mn" and c in all_letters)


def letter_to_index(letter):
    return all_letters.find(letter)


def line_to_tensor(line):
    tensor = torch.zeros(len(line), 1, n_letters)
    for li, letter in enumerate(line):
        tensor[li][0][letter_to_index(letter)] = 1
    return tensor


class RNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super(RNN, self).__init__()
        self.hidden_size = hidden_size
        self.i2h = nn.Linear(input_size + hidden_size, hidden_size)
        self.h2o = nn.Linear(hidden_size, output_size)
        self.softmax = nn.LogSoftmax(dim=1)

    def forward(self, input, hidden):
        combined = torch.cat((input, hidden), 1)
        hidden = torch.tanh(self.i2h(combined))
        return self.softmax(self.h2o(hidden)), hidden

    def init_hidden(self):
        return torch.zeros(1, self.hidden_size)


torch.manual_seed(1)
rnn = RNN(n_letters, 16, 2)
for i, p in enumerate(rnn.parameters()):
    nn.init.constant_(p, 0.01)
    p.data += 0.1 * torch.sin(torch.arange(p.numel(), dtype=torch.float32)).view_as(p)
criterion = nn.NLLLoss()
names = [(unicode_to_ascii(w), k) for w, k in [("Ślusàrski", 0), ("Kowalski", 0), ("O'Néàl", 1), ("Murphy", 1)]]
losses = []
for epoch in range(15):
    for line, k in names:
        category_tensor = torch.tensor([k], dtype=torch.long)
        hidden = rnn.init_hidden()
        rnn.zero_grad()
        line_tensor = line_to_tensor(line)
        for i in range(line_tensor.size()[0]):
            output, hidden = rnn(line_tensor[i], hidden)
        loss = criterion(output, category_tensor)
        loss.backward()
        for p in rnn.parameters():
            p.data.add_(p.grad.data, alpha=-0.1)
        losses.append(loss.item())


def category_from_output(output):
    top_n, top_i = output.topk(1)
    return top_i[0].item()


one_hot = F.one_hot(torch.tensor([letter_to_index(c) for c in "abc"]), num_classes=n_letters)
result = [losses[0], losses[-1], [category_from_output(output)], one_hot.sum().item(), one_hot.argmax(-1).tolist()]
