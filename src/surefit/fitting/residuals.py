"""A network as the solvers see it: residuals and their Jacobian as functions of one vector, in float64.

The parameters of a network lie side by side in one vector theta. Residuals are the network's outputs minus the targets,
in the network's units. Two ways lead to their Jacobian, block by block of rows, so that what is held beside the result
stays small:

- a *chain* of linear layers and elementwise activations in closed form, one matrix product a layer;
- any other Module by the batch reading: the backward pass of its recorded evaluation of one row, batched over rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from surefit import nn
from surefit.core import ops
from surefit.core.batching import batch
from surefit.core.functional import jacobian
from surefit.core.program import Program, record
from surefit.core.tensor import Tensor, no_grad
from surefit.errors import ArgumentError

BLOCK = 2**22  # numbers that a block of rows may hold beside the result: 32 MiB
LARGEST = 2**27  # numbers in a Jacobian: 1 GiB, and a solver keeps about three of that size


class Elementwise:
    """An activation on arrays: value(z), and both(z), value and slope."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.kind = type(module).__name__

    def value(self, z: np.ndarray) -> np.ndarray:
        """The activation of z."""
        if self.kind == "Tanh":
            return np.tanh(z)
        with no_grad():
            return self.module(Tensor(z)).numpy()

    def both(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The activation of z and its derivative."""
        if self.kind == "Tanh":
            y = np.tanh(z)
            return y, 1.0 - y * y
        t = Tensor(z, requires_grad=True)
        y = self.module(t)
        y.sum().backward()
        assert t.grad is not None
        return y.detach().numpy(), t.grad.numpy()


ELEMENTWISE = (
    nn.CELU, nn.ELU, nn.GELU, nn.Hardswish, nn.Hardtanh, nn.LeakyReLU, nn.Mish, nn.ReLU, nn.ReLU6, nn.SELU, nn.Sigmoid,
    nn.SiLU, nn.Sin, nn.Softplus, nn.Softsign, nn.Tanh,
)  # fmt: skip


def chain_of(network: nn.Module) -> list[tuple[nn.Linear, Elementwise | None]] | None:
    """The linear layers of a network with the activation behind each, if it is nothing but those; else None."""
    if not isinstance(network, nn.Sequential):
        return None
    chain: list[tuple[nn.Linear, Elementwise | None]] = []
    for module in _flat(network):
        if type(module) is nn.Linear:
            chain.append((module, None))
        elif type(module) in ELEMENTWISE and chain and chain[-1][1] is None:
            chain[-1] = (chain[-1][0], Elementwise(module))
        elif not isinstance(module, (nn.Dropout, nn.Identity)):  # which do nothing when a network is not training
            return None
    layers = [layer for layer, _ in chain]
    own = [id(p) for layer in layers for p in layer.parameters()]
    each_once = len(set(own)) == len(own) == len(list(network.parameters()))
    return chain if chain and chain[-1][1] is None and each_once else None


def _flat(network: nn.Module) -> Iterator[nn.Module]:
    for module in network.children():
        if type(module) in (nn.Sequential, nn.MLP):
            yield from _flat(module)
        else:
            yield module


class Residuals:
    """The residuals of a network at fixed rows, as functions of theta (p,).

    network: computes in float64 from now on, in inference mode. x (m, d), y (m, k): in its units. split: whether it
    ends in a linear layer with a bias, so that `features` and `body_jacobian` exist. weights (m,) or None.
    """

    def __init__(self, network: nn.Module, x: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> None:
        network.to(ops.float64)
        network.eval()
        self.network, self.x, self.y = network, np.asarray(x, np.float64), np.asarray(y, np.float64)
        self.root = None if weights is None else np.sqrt(weights / weights.mean())[:, None]
        self.chain = chain_of(network)
        self.vector = network.parameter_vector()
        if self.vector.numel() == 0:
            raise ArgumentError("model: it has no parameters, so there is nothing to solve for")
        last = self._last()
        self.last = last
        self.split = last is not None
        inner = 0 if last is None else sum(p.numel() for p in last.parameters())
        self.body_size = self.vector.numel() - inner
        self._programs: dict[str, Program] = {}

    def _last(self) -> nn.Linear | None:
        """The linear layer with a bias at the end, whose parameters are the last of theta; None where there is none."""
        if not isinstance(self.network, nn.Sequential) or len(self.network) < 2:
            return None
        last = self.network[-1]
        if type(last) is not nn.Linear or last.bias is None:
            return None
        ends = [id(p) for p in self.network.parameters()][-2:]
        return last if ends == [id(last.weight), id(last.bias)] else None

    # --- theta ---

    @property
    def theta(self) -> np.ndarray:
        """All parameters, (p,)."""
        return self.vector.detach().numpy().astype(np.float64)

    def assign(self, theta: np.ndarray) -> None:
        """Give the network these parameters."""
        self.vector.assign(np.array(theta, np.float64))

    def assign_output(self, weights: np.ndarray, constant: np.ndarray) -> None:
        """Give the last layer these weights (h, k) and constant (k,)."""
        assert self.last is not None
        assert self.last.bias is not None
        self.last.weight.assign(np.ascontiguousarray(weights.T))
        self.last.bias.assign(np.array(constant))

    # --- values ---

    def outputs(self, x: np.ndarray | None = None) -> np.ndarray:
        """The network at rows (m, d) in its units -> (m, k); at its own rows when none are given."""
        x = self.x if x is None else x
        if self.chain is not None:
            for layer, activation in self.chain:
                x = _affine(layer, x)
                x = x if activation is None else activation.value(x)
            return x
        return self._blockwise(self.network, x)

    def _blockwise(self, module: nn.Module, x: np.ndarray) -> np.ndarray:
        rows = max(1, BLOCK // max(1, self.vector.numel()))
        with no_grad():
            return np.concatenate([module(Tensor(x[i : i + rows])).numpy() for i in range(0, len(x), rows)])

    def residuals(self, theta: np.ndarray) -> np.ndarray:
        """Weighted residuals, (m k,)."""
        self.assign(theta)
        r = self.outputs() - self.y
        return (r if self.root is None else r * self.root).reshape(-1)

    def features(self, theta: np.ndarray, x: np.ndarray | None = None) -> np.ndarray:
        """What the last layer sees, and a column of ones: body parameters (q,) -> (m, h + 1)."""
        self.assign_body(theta)
        x = self.x if x is None else x
        if self.chain is not None:
            for layer, activation in self.chain[:-1]:
                x = _affine(layer, x)
                x = x if activation is None else activation.value(x)
        else:
            x = self._blockwise(self._body(), x)
        return np.concatenate([x, np.ones((len(x), 1))], axis=1)

    def assign_body(self, theta: np.ndarray) -> None:
        """Give all layers but the last these parameters, (q,)."""
        self.assign(np.concatenate([theta, self.theta[self.body_size :]]))

    def _body(self) -> nn.Module:
        assert isinstance(self.network, nn.Sequential)
        return self.network[:-1]

    # --- Jacobians ---

    def jacobian(self, theta: np.ndarray) -> np.ndarray:
        """Of the weighted residuals, (m k, p)."""
        self.assign(theta)
        j = self._jacobian(None)
        if self.root is not None:
            j *= self.root[:, :, None]
        return j.reshape(-1, j.shape[2])

    def body_jacobian(self, theta: np.ndarray, c: np.ndarray) -> np.ndarray:
        """Of features(theta) @ c with c (h + 1, k) held fixed, (m, k, q); unweighted."""
        self.assign_body(theta)
        return self._jacobian(c[:-1])

    def _jacobian(self, c: np.ndarray | None) -> np.ndarray:
        """Of the outputs by all parameters, or by those of the body with the last layer's weights c."""
        m, k = self.y.shape
        p = self.vector.numel() if c is None else self.body_size
        if m * k * p > LARGEST:
            raise ArgumentError(
                f"model: the Jacobian of {m * k} residuals by {p} parameters takes {8 * m * k * p / 2**30:.1f} GiB; "
                "use method='lbfgs' or 'adam', a smaller network, or fewer rows"
            )
        full = np.empty((m, k, p))
        rows = max(1, BLOCK // max(1, k * p))
        for i in range(0, m, rows):
            block = self.x[i : i + rows]
            full[i : i + rows] = self._chain_rows(block, c) if self.chain is not None else self._batch_rows(block, c)
        return full

    def _chain_rows(self, x: np.ndarray, c: np.ndarray | None) -> np.ndarray:
        """Closed form: every layer's block is the outer product of what comes back and what went in."""
        assert self.chain is not None
        inputs: list[np.ndarray] = []
        slopes: list[np.ndarray | None] = []
        for layer, activation in self.chain:
            inputs.append(x)
            x = _affine(layer, x)
            slope = None
            if activation is not None:
                x, slope = activation.both(x)
            slopes.append(slope)
        m, k = x.shape
        blocks: list[np.ndarray] = []
        back = np.broadcast_to(np.eye(k), (m, k, k))  # derivative of the outputs by what a layer gives
        for n in range(len(self.chain) - 1, -1, -1):
            layer, slope, a = self.chain[n][0], slopes[n], inputs[n]
            if slope is not None:
                back = back * slope[:, None, :]
            if n < len(self.chain) - 1 or c is None:
                if layer.bias is not None:
                    blocks.append(back)
                blocks.append((back[:, :, :, None] * a[:, None, None, :]).reshape(m, k, -1))
            if n > 0:
                weight = layer.weight.detach().numpy() if n < len(self.chain) - 1 or c is None else c.T
                back = back @ weight
        return np.concatenate(blocks[::-1], axis=2)

    def _batch_rows(self, x: np.ndarray, c: np.ndarray | None) -> np.ndarray:
        """By the batch reading of the recorded evaluation of one row."""
        name = "network" if c is None else "body"
        if name not in self._programs:
            module = self.network if c is None else self._body()
            with no_grad():
                self._programs[name] = record(lambda row: module(row.reshape(1, -1)).reshape(-1), Tensor(x[0]))
        program = self._programs[name]
        leaves = [leaf for leaf, _ in program.state_in]
        place = next((i for i, leaf in enumerate(leaves) if leaf is self.vector), None)
        if place is None:  # a body without parameters
            return np.zeros((len(x), self.y.shape[1], 0))
        state: list[Any] = [leaf.detach() for leaf in leaves]
        fixed = None if c is None else Tensor(c)

        def one(row: Any) -> Any:
            def outputs(theta: Any) -> Any:
                y = program.replay([row], [*state[:place], theta, *state[place + 1 :]])[0][0]
                return y if fixed is None else y.reshape(1, -1) @ fixed

            return jacobian(outputs)(state[place])

        j = batch(one)(Tensor(x)).detach().numpy().reshape(len(x), self.y.shape[1], -1)
        return j[:, :, : self.body_size] if c is not None else j

    # --- the gradient of the mean square ---

    def value_and_gradient(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Half the sum of squared weighted residuals and its gradient (p,), without a Jacobian."""
        self.assign(theta)
        total, gradient = 0.0, np.zeros(self.vector.numel())
        rows = max(1, BLOCK // max(1, max(p.numel() for p in self.network.parameters())))
        for i in range(0, len(self.x), rows):
            part = slice(i, i + rows)
            self.network.zero_grad()
            r = self.network(Tensor(self.x[part])) - Tensor(self.y[part])
            r = r if self.root is None else r * Tensor(self.root[part])
            loss = (r * r).sum() * 0.5
            loss.backward()
            total += float(loss.item())
            gradient += np.concatenate(
                [np.zeros(p.numel()) if p.grad is None else p.grad.numpy().reshape(-1) for p in self.vector.params]
            )
        self.network.zero_grad()
        return total, gradient


def _affine(layer: nn.Linear, x: np.ndarray) -> np.ndarray:
    y = x @ layer.weight.detach().numpy().T
    return y if layer.bias is None else y + layer.bias.detach().numpy()


__all__ = ["Elementwise", "Residuals", "chain_of"]
