"""Reading the graph behind a tensor."""

from __future__ import annotations

import numpy as np

from surefit.core import functions as F
from surefit.core.creation import tensor
from surefit.core.graph import ancestors, arguments, birth, constants, op_of, parents
from surefit.core.modes import no_grad


def test_what_made_a_tensor_and_from_what() -> None:
    w = tensor(np.ones((3, 2)), requires_grad=True)
    x = np.arange(6.0).reshape(2, 3)
    product = tensor(x) @ w
    y = F.relu(product + 1.0)
    assert [op_of(t) for t in (w, product, y)] == ["", "matmul", "relu"]
    assert arguments(product) == [(1, w)] and parents(product)[0] is w and parents(w) == []
    assert constants(product)[0].tolist() == x.tolist() and constants(w) == []
    assert constants(parents(y)[0]) == [1.0]
    assert birth(w) < birth(product) < birth(y)


def test_ancestors_come_once_oldest_first_and_end_where_asked() -> None:
    x = tensor(2.0, requires_grad=True)
    h = x * 3.0
    y = h * h + h
    chain = ancestors(y)
    assert [op_of(t) for t in chain] == ["", "mul", "mul", "add"] and chain[0] is x and chain[-1] is y
    assert [op_of(t) for t in ancestors(y, stop=[h])] == ["mul", "add"] and ancestors(y, stop=[y]) == []
    for _ in range(5000):
        y = y + 1.0
    assert len(ancestors(y)) == 5004
    with no_grad():
        assert ancestors(x * 2)[:-1] == []
