"""The output layer of a network, which can be solved for; and a network as it is deployed, its output layer solved."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from surefit import nn
from surefit.attempts.residuals import Residuals
from surefit.core import ops
from surefit.core.modes import no_grad
from surefit.core.tensor import Tensor
from surefit.data.designs import sample
from surefit.models.chain import output_layer
from surefit.models.scaled import Scaled, scaled
from surefit.problems.points import gradient_weight, some_rows
from surefit.problems.problem import ROWS, Problem
from surefit.solvers.features import RIDGES, Output, solve_output
from surefit.solvers.gradients import solve_gradient_output

ROUNDOFF = {"float32": 2.0**-24, "float64": 2.0**-53}


def deploy(
    network: nn.Module, problem: Problem, dtype: Any, like: Scaled | None = None, again: bool = True
) -> Scaled:  # fmt: skip
    """A copy of a network in a dtype, with its scaling: that of the problem, or of another model.

    In float32 the layers before the last are rounded first, and the last one is solved for on what they then give (for
    gradients too, where these are fitted), so that it makes up for their rounding, and its weights are kept as small as
    float32 needs them. Where values have noise, which would be fitted, it is solved for what the network said before.
    again: whether it is solved for; not where its weights are known better than from the training points.
    """
    copied = copy.deepcopy(network)
    copied.eval()
    model = scaled(copied, problem, True, dtype)
    if like is not None:
        model.load_state_dict({n: b for n, b in like.state_dict().items() if "." not in n}, strict=False)
    last = output_layer(copied)
    if dtype != ops.float64 and last is not None and not problem.exact and not problem.signs:
        said = _said(model, problem)
        copied.to(dtype)
        _say_again(model, last, *said)
        return model
    copied.to(dtype)
    if model.dtype == ops.float64 or last is None or problem.signs or not again:
        return model
    x, y = model.rows(problem.train)
    if problem.gradients is None:
        solved = solve_output(last_inputs(model, x), y, weights=problem.weights, roundoff=ROUNDOFF["float32"])
        replace_output(model, last, solved, lambda: float(np.abs(network_outputs(model, x) - y).max()))
        return model
    gradients = model.gradients(problem.gradients, problem.train)
    rows = Residuals(copy.deepcopy(copied), x, y, problem.weights, gradients, gradient_weight(problem))  # made float64
    phi, tangents = rows.with_tangents(body=True)
    solved = solve_gradient_output(
        phi, tangents, y, gradients, weight=gradient_weight(problem), row_weights=problem.weights,
        roundoff=ROUNDOFF["float32"],
    )  # fmt: skip

    def largest() -> float:
        return float(np.abs(rows.residuals(copied.parameter_vector().numpy().astype(np.float64))).max())

    replace_output(model, last, solved, largest)
    return model


SAID_AGAIN = 1e-5  # of the target's deviation: what rounding may change before the output layer makes up for it


def _said(model: Scaled, problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Points in the units of the network, rows and others of the domain, and what it says there.

    Between few rows the output layer is not fixed by what it is to say at the rows.
    """
    last = output_layer(model.network)
    assert last is not None
    x = some_rows(problem, MANY_ROWS, 0).train[0]
    count = ROWS * last.in_features + 2
    drawn = sample(problem.domain, count, "uniform", generator=np.random.default_rng(0xDE70))
    rows = model.scaling.inputs(np.concatenate([x, drawn]))
    return rows, network_outputs(model, rows)


def _say_again(model: Scaled, last: nn.Linear, x: np.ndarray, y: np.ndarray) -> None:
    def changed() -> float:
        return float(np.abs(network_outputs(model, x) - y).max())

    if changed() > SAID_AGAIN * max(1.0, float(np.abs(y).max())):
        solved = solve_output(last_inputs(model, x), y, roundoff=ROUNDOFF["float32"])
        replace_output(model, last, solved, changed)


def rescale(network: nn.Module, before: Problem, now: Problem) -> None:
    """Give the output layer the weights with which the network says the same in the output units of other points."""
    last = output_layer(network)
    if last is None:
        return
    assert last.bias is not None
    old, new = scaled(network, before, True, ops.float64), scaled(network, now, True, ops.float64)
    shift, scale = (old.y_shift - new.y_shift).numpy(), old.y_scale.numpy()
    weight, bias = last.weight.detach().numpy(), last.bias.detach().numpy()
    last.weight.assign(weight * (scale / new.y_scale.numpy())[:, None])
    last.bias.assign((bias * scale + shift) / new.y_scale.numpy())


def network_outputs(model: Scaled, x: np.ndarray) -> np.ndarray:
    """The network inside on rows in its units, computed in its dtype -> float64."""
    return _in_blocks(model.network, x, model.dtype)


def last_inputs(model: Scaled, x: np.ndarray) -> np.ndarray:
    """What the output layer sees, computed in the model's dtype -> float64."""
    return _in_blocks(model.network[:-1], x, model.dtype)  # type: ignore[index]


def _in_blocks(layers: nn.Module, x: np.ndarray, dtype: Any) -> np.ndarray:
    """Layers at rows (n, d), so many at a time that what is between them takes little memory -> float64."""
    with no_grad():
        blocks = [layers(Tensor(x[i : i + AT_ONCE], dtype)).numpy() for i in range(0, max(1, len(x)), AT_ONCE)]
    return (blocks[0] if len(blocks) == 1 else np.concatenate(blocks)).astype(np.float64)


def replace_output(model: Scaled, last: nn.Linear, solved: Output, loss: Callable[[], float]) -> None:
    """Give the output layer these weights, unless the loss is lower with those that it has."""
    assert last.bias is not None
    before, was = loss(), (last.weight.detach().numpy(), last.bias.detach().numpy())
    last.weight.assign(np.ascontiguousarray(solved.weights.T).astype(model.dtype))
    last.bias.assign(solved.constant.astype(model.dtype))
    if not loss() < before:
        last.weight.assign(was[0])
        last.bias.assign(was[1])


AT_ONCE = 8192  # rows that go through a network together
MANY_ROWS, ROWS_EACH = 20_000, 100  # of measured data: in all, and for each unit, beyond which a solve takes a part


def enough_rows(units: int) -> int:
    """Rows of measured data that fix so many output weights: noise then adds a hundredth to what it does anyway."""
    return max(MANY_ROWS, ROWS_EACH * units)


def solve_last(model: Scaled, problem: Problem, seed: int) -> bool:
    """Solve for the output layer of a model on the training rows, in its own dtype, and keep it if it is better.

    For measured data the ridge is that of the smallest leave-one-out error, and the validation rows decide. Whether
    there is something to solve for: not where gradients are fitted too, which it would forget.
    """
    last, exact = output_layer(model.network), problem.exact
    if last is None or problem.gradients is not None:
        return False
    problem = some_rows(problem, enough_rows(last.in_features), seed)
    x, y = model.rows(problem.train)
    u, v = model.rows(problem.train if exact or problem.validation is None else problem.validation)
    solved = solve_output(
        last_inputs(model, x), y, weights=problem.weights, roundoff=ROUNDOFF[str(model.dtype)],
        ridges=None if exact else RIDGES,
    )  # fmt: skip

    def loss() -> float:
        r = network_outputs(model, u) - v
        return float(np.abs(r).max()) if exact else float(np.mean(r**2))

    replace_output(model, last, solved, loss)
    return True


__all__ = ["ROUNDOFF", "deploy", "enough_rows", "network_outputs", "rescale", "solve_last"]
