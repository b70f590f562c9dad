"""A program written for PyTorch runs when its imports are changed; where it does not, the message says what to do."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import surefit

HOMEWORK = """
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(0)
x = torch.unsqueeze(torch.linspace(-1, 1, 200), dim=1)
y = x.pow(2) + 0.01 * torch.rand(x.size())


class Net(nn.Module):
    def __init__(self, n_feature, n_hidden, n_output):
        super(Net, self).__init__()
        self.hidden = nn.Linear(n_feature, n_hidden)
        self.predict = nn.Linear(n_hidden, n_output)

    def forward(self, x):
        x = F.relu(self.hidden(x))
        x = self.predict(x)
        return x


net = Net(n_feature=1, n_hidden=32, n_output=1)
optimizer = optim.SGD(net.parameters(), lr=0.2, momentum=0.5)
scheduler = StepLR(optimizer, step_size=20, gamma=0.5)
loss_func = nn.MSELoss()
train_set, test_set = random_split(TensorDataset(x, y), [160, 40])
loader = DataLoader(train_set, batch_size=20, shuffle=True)

for epoch in range(40):
    net.train()
    for batch_x, batch_y in loader:
        prediction = net(batch_x)
        loss = loss_func(prediction, batch_y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()

net.eval()
with torch.no_grad():
    total = 0.0
    for batch_x, batch_y in DataLoader(test_set, batch_size=40):
        total += loss_func(net(batch_x), batch_y).item() * batch_x.size(0)
    test_loss = total / len(test_set)
    values = net(x).data.numpy()
parameters = sum(p.numel() for p in net.parameters() if p.requires_grad)
"""


def test_homework_runs_when_its_imports_are_changed():
    ported = HOMEWORK.replace("torch.manual_seed(0)\n", "")  # the one line without a counterpart
    ported = ported.replace("from torch.utils.data", "from surefit.data").replace("from torch.", "from surefit.")
    ported = ported.replace("import torch\n", "import surefit as torch\n").replace("import torch.", "import surefit.")
    namespace = {}
    exec(ported, namespace)  # noqa: S102 (the text above)
    assert namespace["parameters"] == 97
    assert namespace["test_loss"] < 0.01
    assert isinstance(namespace["values"], np.ndarray)
    assert namespace["values"].shape == (200, 1)


@pytest.mark.parametrize(
    "name, words",
    [
        ("manual_seed", "generator=0"),
        ("cuda", "CPU"),
        ("device", "CPU"),
        ("save", r"fit\.save"),
        ("autograd", r"surefit\.grad"),
        ("utils", r"surefit\.data"),
        ("linalg", r"surefit\.solve"),
        ("vmap", r"surefit\.batch"),
        ("func", r"surefit\.batch"),
        ("float", r"surefit\.float32"),
        ("double", r"surefit\.float64"),
        ("int", r"surefit\.int32"),
        ("long", r"surefit\.int64"),
        ("bool", r"surefit\.bool_"),
        ("compile", r"surefit\.jit"),
    ],
)
def test_what_is_elsewhere_is_said(name, words):
    with pytest.raises(AttributeError, match=f"has no attribute '{name}'; .*{words}"):
        getattr(surefit, name)


def test_the_places_that_the_messages_name_are_there():
    for name in "grad jacobian hessian vjp hvp batch solve inv det svd cholesky".split():
        assert callable(getattr(surefit, name))
    for name in ("DataLoader", "TensorDataset", "random_split"):
        assert hasattr(importlib.import_module("surefit.data"), name)


def test_weights_are_kept_as_the_message_says(tmp_path):
    net, twin = (surefit.nn.Linear(3, 2, generator=seed) for seed in (0, 1))
    np.savez(tmp_path / "weights.npz", **net.state_dict())
    with np.load(tmp_path / "weights.npz") as weights:
        twin.load_state_dict(dict(weights))
    np.testing.assert_array_equal(twin.weight.detach().numpy(), net.weight.detach().numpy())
