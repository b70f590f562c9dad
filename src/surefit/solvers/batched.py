"""Many small networks of one shape, each on rows of its own, fitted side by side as one program of array operations.

The networks are phi(x) = c0 + sum of c_h tanh(w_h . x + b_h). Each minimises the sum of its squared residuals plus a
ridge: lambda_1 on its output weights and lambda_2 on how far its hidden weights are from units that are spread evenly,
half as steep as those it begins with. Those are gentle, and steeper where a curve asks for it. One step of
Levenberg-Marquardt is a batched product and a batched inverse of (p, p) matrices. After each step that helped, both
ridges are found again from the rows themselves, by the fixed point of the evidence (MacKay, "Bayesian interpolation",
Neural Computation 4, 1992; Foresee and Hagan 1997 do this with Levenberg-Marquardt, as MATLAB's trainbr does): 25
weights on 50 noisy rows would otherwise fit the noise.

The error of each is estimated by leaving out each of its rows, exactly for the network linearised where it ended: the
residual over 1 - the leverage of its row.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from surefit.blas import one_thread

from .left_out import left_out, leverages

ITERATIONS = 45
GAINS = (1.5, 3.0, 6.0)  # lengths of the hidden weights at the start, for inputs in [-1, 1], the gentlest first
STEEPER = 0.3  # times the error that the gentler units leave, which steeper ones must stay below to be preferred
LOST = 0.5  # an error, in deviations of the values, beyond which units cannot follow a curve
PULLED = 0.5  # length of the hidden weights that a ridge pulls to, as a share of that at the start
REACH = 1.4  # how far beyond the box units bend at the start
FIRST_RIDGE = 1e-2
ALONE = 0.02  # of 1 - leverage: a row with less by itself does not decide between gains
SMALLEST, LARGEST = 1e-9, 1e4  # of a ridge
SETTLED = 3  # steps before the ridges move
FREE = 1e-8  # ridge of the constant, which is to be as good as none
STILL = 2e-3  # relative change of the cost in one step below which a network is done: a tenth of a row of fifty
RESTING = 0.3  # of the logarithm of a ridge, below which it is at rest
SHRINK = 0.1  # share of networks that are done, from which on the others go on without them


class Batch(NamedTuple):
    """Networks that were fitted, one in each row of each array.

    theta (g, p): w (h * d), b (h), c (h), c0. error (g,): root mean squared residual of rows left out, estimated. noise
    (g,): deviation of the rows from the network, estimated. effective (g,): how many of the p weights the rows decide.
    """

    theta: np.ndarray
    error: np.ndarray
    noise: np.ndarray
    effective: np.ndarray


def first_units(units: int, dim: int, seed: int, gain: float = GAINS[0]) -> tuple[np.ndarray, np.ndarray]:
    """Hidden weights (units, dim) of this length and biases (units,) to begin with; of one input evenly spread."""
    along = REACH * (2.0 * np.arange(units) + 1.0 - units) / units
    if dim == 1:
        return np.full((units, 1), gain), -gain * along
    rng = np.random.default_rng(seed)
    weights = rng.standard_normal((units, dim))
    weights *= gain / np.linalg.norm(weights, axis=1, keepdims=True)
    return weights, -gain * rng.permutation(along)


def outputs(theta: np.ndarray, x: np.ndarray, units: int) -> np.ndarray:
    """Values (g, n) of networks theta (g, p) at x (g, n, d)."""
    return _forward(theta, x, units)[1]


def _forward(theta: np.ndarray, x: np.ndarray, units: int) -> tuple[np.ndarray, np.ndarray]:
    g, _, d = x.shape
    w, b, c = np.split(theta[:, :-1], [units * d, units * (d + 1)], axis=1)
    if d == 1:
        z = x * w[:, None, :]
    else:
        z = x @ w.reshape(g, units, d).transpose(0, 2, 1)
    z += b[:, None, :]
    np.tanh(z, out=z)
    return z, (z @ c[:, :, None])[:, :, 0] + theta[:, -1:]


class _Group:
    """The rows of the networks that are still being fitted; root (g, n): of the weight of each row, 0 where none is."""

    def __init__(self, x: np.ndarray, y: np.ndarray, root: np.ndarray | None, units: int) -> None:
        self.x, self.y, self.root, self.units = x, y, root, units

    def part(self, which: np.ndarray) -> _Group:
        root = None if self.root is None else self.root[which]
        return _Group(self.x[which], self.y[which], root, self.units)

    def residuals(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Residuals (g, n), weighted, and their Jacobian (g, n, p)."""
        h, (g, n, d) = self.units, self.x.shape
        z, value = _forward(theta, self.x, h)
        residual = value - self.y
        jacobian = np.empty((g, n, theta.shape[1]))
        slope = jacobian[:, :, h * d : h * (d + 1)]
        np.multiply(z, z, out=slope)
        np.subtract(1.0, slope, out=slope)
        slope *= theta[:, None, h * (d + 1) : -1]
        for j in range(d):
            np.multiply(slope, self.x[:, :, j : j + 1], out=jacobian[:, :, j : h * d : d])
        jacobian[:, :, h * (d + 1) : -1] = z
        jacobian[:, :, -1] = 1.0
        if self.root is not None:
            residual *= self.root
            jacobian *= self.root[:, :, None]
        return residual, jacobian


@one_thread()
def fit_batch(
    x: np.ndarray, y: np.ndarray, units: int, *, weights: np.ndarray | None = None, iterations: int = ITERATIONS,
    seed: int = 0,
) -> Batch:  # fmt: skip
    """Networks with `units` units for y (g, n) at x (g, n, d), one for each g.

    x is expected in [-1, 1], y with mean 0 and deviation 1, all finite. weights (g, n) >= 0: 0 where
    there is no row.

    >>> x = np.linspace(-1, 1, 30)[None, :, None]
    >>> found = fit_batch(x, np.sin(3 * x[:, :, 0]), 4)
    >>> found.theta.shape, bool(found.error[0] < 1e-2)
    ((1, 13), True)
    """
    g, _, d = x.shape
    root = None if weights is None or (weights == 1.0).all() else np.sqrt(weights)
    count = np.full(g, x.shape[1]) if weights is None else (weights > 0).sum(axis=1)
    rows = _Group(x, y, root, units)
    theta = _first(rows, seed)
    p = theta.shape[1]
    diagonal = np.arange(p)
    of_hidden = diagonal < units * (d + 1)
    centre = np.where(of_hidden, theta, 0.0)  # where the ridges pull to
    centre[:, : units * d] *= PULLED
    ridge = np.full((g, 2), FIRST_RIDGE)
    damping = np.full(g, 1e-2)

    done, done_ridge = np.empty_like(theta), np.empty_like(ridge)
    live, finished = np.arange(g), np.zeros(g, bool)
    at, ridges, freedom = theta, ridge, count  # of those that are live
    residual, jacobian = rows.residuals(at)
    for step in range(iterations):
        full = _spread(ridges, of_hidden)
        away = at - centre
        normal = jacobian.transpose(0, 2, 1) @ jacobian
        gradient = (residual[:, None, :] @ jacobian)[:, 0, :] + full * away
        normal[:, diagonal, diagonal] += full
        normal[:, diagonal, diagonal] *= 1.0 + damping[:, None]
        inverse = np.linalg.inv(normal)
        new = at - (inverse @ gradient[:, :, None])[:, :, 0]
        cost = np.sum(residual**2, axis=1) + np.sum(full * away**2, axis=1)
        new_residual, new_jacobian = rows.residuals(new)
        new_cost = np.sum(new_residual**2, axis=1) + np.sum(full * (new - centre) ** 2, axis=1)
        helped = new_cost < cost
        still = (helped & (cost - new_cost <= STILL * cost)) | (damping > 1e7)
        damping = np.maximum(np.where(helped, 0.2 * damping, 5.0 * damping), 1e-9)
        if helped.all():
            at, residual, jacobian = new, new_residual, new_jacobian
        else:
            at = np.where(helped[:, None], new, at)
            residual = np.where(helped[:, None], new_residual, residual)
            jacobian[helped] = new_jacobian[helped]
        if step < SETTLED:
            continue
        share = full * np.diagonal(inverse, axis1=1, axis2=2)
        fresh = np.where(helped[:, None], _evidence(at - centre, residual, freedom, share, of_hidden, ridges), ridges)
        at_rest = (np.abs(np.log(fresh / ridges)) <= RESTING) | (fresh <= SMALLEST) | (fresh >= LARGEST)
        still &= at_rest.all(axis=1) | (damping > 1e7)
        ridges = fresh
        new_ones = still & ~finished  # kept as they are now, so that the others of a batch change nothing
        done[live[new_ones]], done_ridge[live[new_ones]] = at[new_ones], ridges[new_ones]
        finished |= still
        if finished.mean() > SHRINK:
            go = ~finished
            live, at, ridges, freedom, damping = live[go], at[go], ridges[go], freedom[go], damping[go]
            centre = centre[go]
            residual, jacobian, rows, finished = residual[go], jacobian[go], rows.part(go), finished[go]
            if not len(live):
                break
    go = ~finished
    done[live[go]], done_ridge[live[go]] = at[go], ridges[go]
    return _scored(_Group(x, y, root, units), done, _spread(done_ridge, of_hidden), count)


def _first(rows: _Group, seed: int) -> np.ndarray:
    """Networks (g, p) to begin with: units of one gain for each group, their output layers solved for.

    The smallest gain generalises best, unless it cannot follow a curve: then its rows, each left out in turn, are
    missed by much more than with larger gains.
    """
    g, _, d = rows.x.shape
    units = rows.units
    best, least = np.empty(0), np.full(g, np.inf)
    total = rows.x.shape[1] if rows.root is None else np.sum(rows.root**2, axis=1)
    for gain in GAINS:
        hidden, biases = first_units(units, d, seed, gain)
        theta = np.tile(np.concatenate([hidden.reshape(-1), biases, np.zeros(units + 1)]), (g, 1))
        residual, jacobian = rows.residuals(theta)
        phi = jacobian[:, :, units * (d + 1) :]
        turned = phi.transpose(0, 2, 1)
        normal = turned @ phi
        normal[:, range(units + 1), range(units + 1)] += FIRST_RIDGE
        output = np.linalg.solve(normal, -(turned @ residual[:, :, None]))[:, :, 0]
        theta[:, units * (d + 1) :] = output
        missed = left_out(residual + (phi @ output[:, :, None])[:, :, 0], leverages(phi, FIRST_RIDGE), ALONE)
        score = np.sum(missed**2, axis=1)
        better = score < np.where(least > LOST**2 * total, least, STEEPER**2 * least)
        best = np.where(better[:, None], theta, best) if len(best) else theta
        least = np.where(better, score, least)
    return best


def _spread(ridge: np.ndarray, of_hidden: np.ndarray) -> np.ndarray:
    """Ridges (g, 2), of output and hidden weights, as one for each weight, (g, p)."""
    full = np.where(of_hidden, ridge[:, 1:], ridge[:, :1])
    full[:, -1] = FREE
    return full


def _evidence(
    away: np.ndarray, residual: np.ndarray, count: np.ndarray, share: np.ndarray, of_hidden: np.ndarray,
    before: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """MacKay's fixed point: noise variance times the number of weights that the rows decide over their squares."""
    last = np.arange(len(of_hidden)) == len(of_hidden) - 1
    parts = (~of_hidden & ~last, of_hidden)
    decided = np.stack([part.sum() - share[:, part].sum(axis=1) for part in parts], axis=1)
    decided = np.maximum(decided, 0.3)
    variance = np.sum(residual**2, axis=1) / np.maximum(count - 1 - decided.sum(axis=1), 0.1 * count)
    squares = np.stack([np.sum(away[:, part] ** 2, axis=1) for part in parts], axis=1)
    found = decided * variance[:, None] / np.maximum(squares, 1e-12)
    return np.clip(np.clip(found, before / 10, before * 10), SMALLEST, LARGEST)


def _scored(rows: _Group, theta: np.ndarray, ridge: np.ndarray, count: np.ndarray) -> Batch:
    """The networks with the errors that leaving out rows would show."""
    residual, jacobian = rows.residuals(theta)
    leverage = leverages(jacobian, ridge)
    left = left_out(residual, leverage)
    total = count if rows.root is None else np.sum(rows.root**2, axis=1)
    effective = leverage.sum(axis=1)
    error = np.sqrt(np.sum(left**2, axis=1) / total)
    spare = np.maximum(1.0 - effective / count, 0.1)
    noise = np.sqrt(np.sum(residual**2, axis=1) / total / spare)
    return Batch(theta, error, noise, effective)


__all__ = ["ITERATIONS", "Batch", "first_units", "fit_batch", "outputs"]
