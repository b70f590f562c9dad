"""The Jacobian of a chain of linear layers and activations by its weights and biases, in closed form.

Parameters stand as they do in the chain: layer by layer, a weight row by row and then the bias. With c (h, k) it is
that of all layers but the last, whose weights are c: what comes back then begins there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from surefit import nn
from surefit.cores import each
from surefit.models.chain import Chain, affine

CACHED = 1024  # rows at a time whose units stay in a core's cache
WORTH = 2**17  # numbers of so many rows from which they are shared by the cores: a tenth of a millisecond


def in_columns(chain: Chain, x: np.ndarray, c: np.ndarray | None, p: int) -> np.ndarray:
    """Of one output, at rows x (m, d), without gradients: column by column, in long loops over the rows, (m, p)."""
    m = len(x)
    full = np.empty((p, m))

    def columns(i: int) -> None:
        a = x[i : i + CACHED].T
        n = a.shape[1]
        inputs: list[np.ndarray] = []
        slopes: list[np.ndarray | None] = []
        for layer, activation in chain:
            inputs.append(a)
            a = layer.weight.detach().numpy() @ a
            if layer.bias is not None:
                a += layer.bias.detach().numpy()[:, None]
            slope = None
            if activation is not None:
                a, slope = activation.value_and_slope(a)
            slopes.append(slope)
        back, end = np.ones((1, n)), p
        for place in range(len(chain) - 1, -1, -1):
            layer, slope = chain[place][0], slopes[place]
            if slope is not None:
                back = back * slope
            last = place == len(chain) - 1
            if c is None or not last:
                if layer.bias is not None:
                    full[end - len(back) : end, i : i + n] = back
                    end -= len(back)
                size = layer.weight.numel()
                block = full[end - size : end].reshape(*layer.weight.shape, m)[:, :, i : i + n]
                np.multiply(back[:, None, :], inputs[place][None, :, :], out=block)
                end -= size
            if place > 0:
                back = (c if c is not None and last else layer.weight.detach().numpy().T) @ back

    each(columns, range(0, m, CACHED), worth=CACHED * p >= WORTH)
    return full.T


def in_rows(chain: Chain, x: np.ndarray, c: np.ndarray | None, tangents: bool) -> tuple[np.ndarray, Any]:
    """Of the outputs, at rows x (m, d), (m, k, p), and with tangents of their derivatives by x, (m, d, k, p).

    A layer's block is the outer product of what comes back and what went in. In went values and their tangents, the
    derivatives by each input. A derivative comes back to the tangents as an output does to the values (`back`), and
    to the values where they bend a tangent, by an activation's second derivative (`turn`).
    """
    steps: list[_Step] = []
    (m, d), moved = x.shape, None
    if tangents:
        moved = np.broadcast_to(np.eye(d), (m, d, d))
    for layer, activation in chain:
        a, t = x, moved
        slope = bend = None
        x = affine(layer, x)
        if moved is not None:
            moved = moved @ layer.weight.detach().numpy().T
        if activation is not None and moved is None:
            x, slope = activation.value_and_slope(x)
        elif activation is not None:
            x, slope, second = activation.curved(x)
            bend = second[:, None, :] * moved
            moved = moved * slope[:, None, :]
        steps.append(_Step(layer, a, t, slope, bend))
    k = x.shape[1]
    back = np.broadcast_to(np.eye(k), (m, k, k))  # derivative of the outputs by what a layer gives
    turn = np.zeros((m, d, k, k)) if tangents else None  # and of their derivatives by x
    blocks: list[np.ndarray] = []
    turns: list[np.ndarray] = []
    for n in range(len(steps) - 1, -1, -1):
        layer, a, t, slope, bend = steps[n]
        if slope is not None:
            if turn is not None:
                turn = turn * slope[:, None, None, :] + back[:, None] * bend[:, :, None, :]
            back = back * slope[:, None, :]
        own = c is None or n < len(steps) - 1
        if own:
            if layer.bias is not None:
                blocks.append(back)
            blocks.append((back[:, :, :, None] * a[:, None, None, :]).reshape(m, k, -1))
        if own and turn is not None:
            if layer.bias is not None:
                turns.append(turn)
            both = turn[..., None] * a[:, None, None, None, :] + back[:, None, :, :, None] * t[:, :, None, None, :]
            turns.append(both.reshape(m, d, k, -1))
        if n > 0:
            weight = layer.weight.detach().numpy() if c is None or n < len(steps) - 1 else c.T
            back = back @ weight
            turn = None if turn is None else turn @ weight
    values = np.concatenate(blocks[::-1], axis=2)
    return values, None if turn is None else np.concatenate(turns[::-1], axis=3)


class _Step(NamedTuple):
    """A layer on the way up: what went in, its tangents, and how the activation behind it turns what comes back.

    a (m, n); t (m, d, n); slope (m, n) of the activation; bend (m, d, n), its second derivative times its tangents.
    """

    layer: nn.Linear
    a: np.ndarray
    t: Any
    slope: np.ndarray | None
    bend: Any


__all__ = ["in_columns", "in_rows"]
