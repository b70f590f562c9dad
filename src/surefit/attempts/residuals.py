"""A network as the solvers see it: residuals and their Jacobian as functions of one vector, in float64.

The parameters of a network lie side by side in one vector theta. Residuals are the network's outputs minus the targets,
in the network's units; where gradients of the targets are known, the network's gradients by its inputs minus these are
further residuals. Two ways lead to their Jacobian, block by block of rows, so that what is held beside the result stays
small:

- a *chain* of linear layers and elementwise activations in closed form, one matrix product a layer;
- any other Module by the batch reading: the backward pass of its recorded evaluation of one row, batched over rows.

Where so many Jacobians are asked for that it pays, the second is compiled, for chains as well. Not for those of one
output without gradients: column by column, as `in_columns` has it, NumPy takes up to twice as long, but what is
computed of such a Jacobian (its products with itself above all) takes a tenth less, which is more.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from surefit import nn
from surefit.attempts.chain_jacobian import in_columns, in_rows
from surefit.attempts.compiled_jacobian import compiled_jacobian
from surefit.core import ops
from surefit.core.batching import batch
from surefit.core.functional import gradients, jacobian
from surefit.core.functions import cat
from surefit.core.modes import no_grad
from surefit.core.program import Program, record
from surefit.core.tensor import Tensor
from surefit.cores import each
from surefit.errors import ArgumentError, SurefitError
from surefit.models.chain import affine, chain_of, chain_tangents
from surefit.problems.gradients import check_alike, with_gradients
from surefit.spelling import spelled

if TYPE_CHECKING:
    from surefit.compiler.ready import Ready

BLOCK = 2**22  # numbers that a block of rows may hold beside the result: 32 MiB
COMPILED = 2**22  # numbers in all Jacobians, or as many sums of squares, from which machine code for them pays
SUMMED = 512  # rows at a time whose squares compiled code sums
LARGEST = 2**27  # numbers in a Jacobian: 1 GiB, and a solver keeps about three of that size


class Residuals:
    """The residuals of a network at fixed rows, as functions of theta (p,).

    network: computes in float64 from now on, in inference mode. x (m, d), y (m, k): in its units. split: whether it
    ends in a linear layer with a bias, so that `equations` and `body_jacobian` exist. weights (m,) or None. gradients
    (m, k, d), or None: gradients of the targets in its units, NaN where unknown.

    The mean square of an output's residuals and `gradient_weight` times that of its known gradients make up its loss,
    as in `gradient_features`; the sum of all squares is m times the sum of these. Residuals of the values come first,
    by row and output, then those of the known gradients, by row, input and output.

    jacobians: how many are likely to be asked for, by which it is decided whether they are worth compiling.
    """

    def __init__(
        self, network: nn.Module, x: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None,
        gradients: np.ndarray | None = None, gradient_weight: float = 1.0, jacobians: int = 1,
    ) -> None:  # fmt: skip
        network.to(ops.float64)
        network.eval()
        self.network, self.x, self.y = network, np.asarray(x, np.float64), np.asarray(y, np.float64)
        self.root = None if weights is None else np.sqrt(weights / weights.mean())[:, None]
        self.gradients: _Gradients | None = None
        if gradients is not None:
            values = np.asarray(gradients, np.float64).swapaxes(1, 2)
            known = np.isfinite(values)
            factor = np.sqrt(gradient_weight * len(x) / np.maximum(1, known.sum(axis=(0, 1))))  # (k,)
            scale = np.broadcast_to(factor if self.root is None else factor * self.root[:, :, None], known.shape)
            self.gradients = _Gradients(values, known, scale)
        self.scale = self._scale()
        self.chain = chain_of(network)
        self.vector = network.parameter_vector()
        if self.vector.numel() == 0:
            raise ArgumentError("model: it has no parameters, so there is nothing to solve for")
        last = self._last()
        self.last = last
        self.split = last is not None
        inner = 0 if last is None else sum(p.numel() for p in last.parameters())
        self.body_size = self.vector.numel() - inner
        self.jacobians = jacobians
        self._programs: dict[str, Program] = {}
        self._machine: dict[bool, Ready | None] = {}
        self._step: _Summed | None = None

    def _scale(self) -> np.ndarray | None:
        """What each residual is multiplied by, (rows,); None where that is 1 for all."""
        if self.gradients is None:
            return None if self.root is None else np.repeat(self.root[:, 0], self.y.shape[1])
        of_values = np.broadcast_to(1.0 if self.root is None else self.root, self.y.shape).reshape(-1)
        return np.concatenate([of_values, self.gradients.scale[self.gradients.known]])

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
                x = affine(layer, x)
                x = x if activation is None else activation.value(x)
            return x
        return self._blockwise(self.network, x)

    def _blockwise(self, module: nn.Module, x: np.ndarray) -> np.ndarray:
        rows = max(1, BLOCK // max(1, self.vector.numel()))
        with no_grad():
            return np.concatenate([module(Tensor(x[i : i + rows])).numpy() for i in range(0, len(x), rows)])

    def residuals(self, theta: np.ndarray) -> np.ndarray:
        """Weighted residuals, (m k + known gradients,)."""
        self.assign(theta)
        if self.gradients is None:
            r = (self.outputs() - self.y).reshape(-1)
        else:
            values, tangents = self.with_tangents(body=False)
            known = self.gradients.known
            r = np.concatenate([(values - self.y).reshape(-1), tangents[known] - self.gradients.values[known]])
        return r if self.scale is None else r * self.scale

    def with_tangents(self, body: bool) -> tuple[np.ndarray, np.ndarray]:
        """At the rows, the outputs, or what the last layer sees, (m, n), and their derivatives by inputs, (m, d, n)."""
        d = self.x.shape[1]
        rows = max(1, BLOCK // max(1, self.vector.numel() * d))
        blocks = [self.x[i : i + rows] for i in range(0, len(self.x), rows)]
        if self.chain is not None:
            parts = [chain_tangents(self.chain[:-1] if body else self.chain, x) for x in blocks]
        else:
            program = self._recorded(body)
            state = [leaf.detach() for leaf, _ in program.state_in]

            def one(row: Any) -> Any:
                def outputs(point: Any) -> Any:
                    return program.replay([point], state)[0][0]

                return outputs(row), jacobian(outputs)(row)

            found = [batch(one)(Tensor(x)) for x in blocks]
            parts = [(y.detach().numpy(), g.detach().numpy().swapaxes(1, 2)) for y, g in found]
        return np.concatenate([y for y, _ in parts]), np.concatenate([t for _, t in parts])

    # --- the last layer as unknowns of linear equations ---

    @property
    def targets(self) -> np.ndarray:
        """The right side of `equations`, (rows, k), weighted."""
        y = self.y if self.root is None else self.y * self.root
        if self.gradients is None:
            return y
        known = self._known_for_all()
        return np.concatenate([y, (self.gradients.values * self.gradients.scale)[known]])

    def equations(self, theta: np.ndarray) -> np.ndarray:
        """The body's parameters (q,) -> a (rows, h + 1), weighted: the last layer c solves a c = `targets`.

        A row for each value, the features and a 1, then one for each known gradient, their derivatives and a 0.

        ArgumentError: the outputs of a row differ in what is known of their gradients.
        """
        if self.gradients is None:
            a = self.features(theta)
            return a if self.root is None else a * self.root
        self.assign_body(theta)
        known = self._known_for_all()
        values, tangents = self.with_tangents(body=True)
        one = np.ones((len(values), 1))
        if self.root is not None:
            values, one = values * self.root, self.root
        moving = tangents[known] * self.gradients.scale[known][:, :1]  # as much is known of all outputs: one scale
        return np.block([[values, one], [moving, np.zeros((len(moving), 1))]])

    def _known_for_all(self) -> np.ndarray:
        """Which gradients are known, (m, d)."""
        assert self.gradients is not None
        check_alike(self.gradients.values.swapaxes(1, 2))
        return self.gradients.known[:, :, 0]

    def features(self, theta: np.ndarray, x: np.ndarray | None = None) -> np.ndarray:
        """What the last layer sees, and a column of ones: body parameters (q,) -> (m, h + 1)."""
        self.assign_body(theta)
        x = self.x if x is None else x
        if self.chain is not None:
            for layer, activation in self.chain[:-1]:
                x = affine(layer, x)
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
        """Of `residuals`, (rows, p)."""
        self.assign(theta)
        return self._jacobian(None)

    def body_jacobian(self, theta: np.ndarray, c: np.ndarray) -> np.ndarray:
        """Of equations(theta) @ c with c (h + 1, k) held fixed, (rows, k, q)."""
        self.assign_body(theta)
        self.assign_output(c[:-1], c[-1])
        full, k = self._jacobian(c[:-1]), self.y.shape[1]
        return full.reshape(len(full) // k, k, self.body_size)

    def _jacobian(self, c: np.ndarray | None) -> np.ndarray:
        """By all parameters, or by those of the body with the last layer's weights c."""
        (m, k), gradients = self.y.shape, self.gradients
        p = self.vector.numel() if c is None else self.body_size
        total = m * k if gradients is None else m * k + int(gradients.known.sum())
        if total * p > LARGEST:
            raise ArgumentError(
                f"model: the Jacobian of {total} residuals by {p} parameters takes {8 * total * p / 2**30:.1f} GiB; "
                f"use {spelled('method', repr('lbfgs'))} or 'adam', a smaller network, or fewer rows"
            )
        ready = self._compiled(c is not None, total * p)
        if gradients is None and ready is not None and (found := ready(self.x)) is not None:
            full = found.reshape(total, p)
            if self.scale is not None:
                full *= self.scale[:, None]
            return full
        if self.chain is not None and gradients is None and k == 1:
            full = in_columns(self.chain, self.x, c, p)
            if self.scale is not None:
                full *= self.scale[:, None]
            return full
        full = np.empty((total, p))
        most = k if gradients is None else k * (1 + self.x.shape[1])  # residuals of a row of x
        rows = max(1, BLOCK // max(1, most * p))

        def block(i: int) -> None:
            x = self.x[i : i + rows]
            if ready is not None and (found := ready(x)) is not None:
                values, turns = self._apart(found)
            else:
                values, turns = self._written_rows(x, c) if self.chain is not None else self._batch_rows(x, c)
            full[i * k : (i + len(x)) * k] = values.reshape(len(x) * k, p)
            if gradients is not None:
                known = gradients.known[i : i + rows]
                begin = m * k + int(gradients.known[:i].sum())
                full[begin : begin + int(known.sum())] = turns[known]

        each(block, range(0, m, rows), worth=self.chain is not None and ready is None)
        if self.scale is not None:
            full *= self.scale[:, None]
        return full

    def _compiled(self, body: bool, numbers: int) -> Ready | None:
        """Derivatives by the parameters, or by those of the body, as machine code; None where that does not pay."""
        simple = self.chain is not None and self.gradients is None and self.y.shape[1] == 1
        if simple or self.jacobians * numbers < COMPILED:
            return None
        if body not in self._machine:
            program, self._machine[body] = self._recorded(False), None
            if any(leaf is self.vector for leaf, _ in program.state_in):
                size = self.body_size if body else self.vector.numel()
                with suppress(SurefitError):
                    self._machine[body] = compiled_jacobian(program, self.vector, size, self.gradients is not None)
        return self._machine[body]

    def _apart(self, j: np.ndarray) -> tuple[np.ndarray, Any]:
        """Derivatives (n, k, p) of the outputs, and (n, d, k, p) of their gradients, if these are fitted."""
        (n, _, p), k = j.shape, self.y.shape[1]
        return j[:, :k], None if self.gradients is None else j[:, k:].reshape(n, -1, k, p)

    def _written_rows(self, x: np.ndarray, c: np.ndarray | None) -> tuple[np.ndarray, Any]:
        """Closed form: of the outputs (n, k, p), and of their derivatives by x (n, d, k, p) if these are fitted."""
        assert self.chain is not None
        return in_rows(self.chain, x, c, tangents=self.gradients is not None)

    def _recorded(self, body: bool) -> Program:
        """The evaluation of one row by the network, or by all of it but the last layer."""
        name = "body" if body else "network"
        if name not in self._programs:
            module = self._body() if body else self.network
            with no_grad():
                self._programs[name] = record(lambda row: module(row.reshape(1, -1)).reshape(-1), Tensor(self.x[0]))
        return self._programs[name]

    def _batch_rows(self, x: np.ndarray, c: np.ndarray | None) -> tuple[np.ndarray, Any]:
        """The same by the batch reading of the recorded evaluation of one row."""
        program = self._recorded(body=c is not None)
        (n, d), k = x.shape, self.y.shape[1]
        leaves = [leaf for leaf, _ in program.state_in]
        place = next((i for i, leaf in enumerate(leaves) if leaf is self.vector), None)
        if place is None:  # a body without parameters
            return np.zeros((n, k, 0)), np.zeros((n, d, k, 0))
        state: list[Any] = [leaf.detach() for leaf in leaves]
        fixed = None if c is None else Tensor(c)

        def one(row: Any) -> Any:
            def everything(theta: Any) -> Any:
                def outputs(point: Any) -> Any:
                    y = program.replay([point], [*state[:place], theta, *state[place + 1 :]])[0][0]
                    return y if fixed is None else (y.reshape(1, -1) @ fixed).reshape(-1)

                if self.gradients is None:
                    return outputs(row)
                return cat([outputs(row), jacobian(outputs)(row).T.reshape(-1)])

            return jacobian(everything)(state[place])

        j = batch(one)(Tensor(x)).detach().numpy().reshape(n, -1, self.vector.numel())
        return self._apart(j[:, :, : self.body_size] if c is not None else j)

    # --- the gradient of the mean square ---

    def value_and_gradient(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Half the sum of squared weighted residuals and its gradient (p,), without a Jacobian."""
        self.assign(theta)
        if self._step is None:
            pays = self.jacobians * len(self.x) * self.vector.numel() >= COMPILED
            self._step = (pays and self._compiled_step()) or self._step_by_backward()
        step, blocks = self._step
        total, gradient = 0.0, np.zeros(self.vector.numel())
        for block in blocks:
            value, slope = step(*block)
            total += float(value)
            gradient += slope
        return total, gradient

    def _compiled_step(self) -> _Summed | None:
        """A block of rows -> what they add to both, in machine code; and the blocks. None where it does not compile."""
        from surefit.compiler import jit

        params = self.vector.params

        def summed(*rows: Any) -> Any:
            loss = self._loss(*rows)
            found = gradients(loss, params, allow_unused=True)
            return loss, cat([(p * 0.0 if g is None else g).reshape(-1) for p, g in zip(params, found, strict=True)])

        step, size = jit(summed), min(SUMMED, len(self.x))
        blocks = [[Tensor(a) for a in self._filled(i, size)] for i in range(0, len(self.x), size)]
        try:
            step(*blocks[0])
        except SurefitError:
            return None

        def run(*rows: Any) -> tuple[float, np.ndarray]:
            value, slope = step(*rows)
            return value.item(), slope.numpy()

        return run, blocks

    def _step_by_backward(self) -> _Summed:
        """The same by a backward pass."""
        of_a_row = 1 if self.gradients is None else 1 + self.x.shape[1]
        size = max(1, BLOCK // max(1, of_a_row * max(p.numel() for p in self.network.parameters())))

        def run(start: int) -> tuple[float, np.ndarray]:
            self.network.zero_grad()
            loss = self._loss(*map(Tensor, self._rows(slice(start, start + size))))
            loss.backward()
            parts = [np.zeros(p.numel()) if p.grad is None else p.grad.numpy().reshape(-1) for p in self.vector.params]
            self.network.zero_grad()
            return loss.item(), np.concatenate(parts)

        return run, [[i] for i in range(0, len(self.x), size)]

    def _rows(self, part: slice) -> list[np.ndarray]:
        """What `_loss` is asked with, of some rows."""
        x, y = self.x[part], self.y[part]
        rows = [x, y, np.ones((len(x), 1)) if self.root is None else self.root[part]]
        if self.gradients is not None:
            values, known, scale = (a[part].swapaxes(1, 2) for a in self.gradients)
            rows += [np.where(known, values, 0.0) * scale, known * scale]
        return rows

    def _filled(self, start: int, size: int) -> list[np.ndarray]:
        """The same of so many rows from `start`; where there are fewer, with others that weigh nothing."""
        x, *rest = self._rows(slice(start, start + size))
        missing = size - len(x)
        if not missing:
            return [x, *rest]
        return [
            np.concatenate([x, np.repeat(x[-1:], missing, axis=0)]),
            *(np.concatenate([a, np.zeros((missing, *a.shape[1:]))]) for a in rest),
        ]

    def _loss(self, x: Any, y: Any, root: Any, targets: Any = None, weights: Any = None) -> Any:
        """Half the sum of squared weighted residuals of some rows.

        x (n, d), y (n, k), root (n, 1) of their weights; targets (n, k, d) times the weights of their gradients, these.
        """
        if targets is None:
            r = (self.network(x) - y) * root
            return (r * r).sum() * 0.5
        prediction, slopes = with_gradients(self.network, x)  # (n, k), (n, k, d)
        r, miss = (prediction - y) * root, slopes * weights - targets
        return (r * r).sum() * 0.5 + (miss * miss).sum() * 0.5


_Summed = tuple[Callable[..., tuple[float, np.ndarray]], list[list[Any]]]


class _Gradients(NamedTuple):
    """Gradients of the targets by each input, all (m, d, k): values, which of them are known, what they weigh."""

    values: np.ndarray
    known: np.ndarray
    scale: np.ndarray


__all__ = ["Residuals"]
