"""Where to evaluate an expensive function next: points that fill the box, then points where models disagree.

The beginning is a scrambled Sobol sequence, which can be continued. After it, each batch is chosen greedily among many
candidates: far from all points that are known or on their way, and more so where a committee of cheap models disagrees
(query by committee: RayChaudhuri and Hamey 1995; with distances: Wu, Lin and Huang 2019, Information Sciences 474).
A model with `predict(X, return_std=True)`, such as a Gaussian process, may stand in for the committee.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from surefit.data import Domain, face_points

FIRST = 10  # points for each input that fill the box before models are asked (Loeppky, Sacks and Welch 2009)
CANDIDATES = 20  # for each point that is chosen
FEWEST_CANDIDATES, MOST_CANDIDATES = 500, 20_000
ON_FACES = 0.1  # of the candidates, in up to three inputs: in more, distances alone would send every point there
MOST_ROWS = 1500  # that a model of the committee is fitted to
MEMBERS = (0.5, 1.0, 2.0, 4.0)  # gains of the random features of the committee
KEPT = 4.0  # times the least leave-one-out error: that of members which are heard
NEIGHBOURS = 2  # rows whose errors count for a point
FAILED = 0.1  # weight of a candidate whose nearest point gave no value


def filling(box: Domain, count: int, seed: int) -> np.ndarray:
    """The first `count` points (count, d) of a sequence that fills the box, in one dimension with both ends first.

    The first points of a longer one are the same.
    """
    from scipy.stats import qmc

    engine = qmc.Sobol(box.dim, rng=np.random.default_rng([seed, 0x50B]))
    unit = engine.random_base2(max(1, math.ceil(math.log2(max(2, count)))))
    points = box.unscale(2.0 * unit - 1.0)
    if box.dim == 1:
        points = np.concatenate([[box.low], [box.high], points])
    return points[:count]


def next_points(
    box: Domain, x: np.ndarray, y: np.ndarray, count: int, rng: np.random.Generator, *,
    taken: np.ndarray | None = None, model: Any = None,
) -> np.ndarray:  # fmt: skip
    """`count` further points (count, d) for a function of which values are known.

    x, y: points (n, d) and values (n, k); rows of NaN are calls that failed. taken: points (m, d) on their way. model:
    fitted to the same rows, with `predict(X, return_std=True)` -> mean and deviation, (m,) or (m, k) each.
    """
    new = candidates(box, min(MOST_CANDIDATES, max(FEWEST_CANDIDATES, CANDIDATES * count)), rng)
    good = np.isfinite(y).all(axis=1)
    known = np.concatenate([x, np.empty((0, box.dim)) if taken is None else taken])
    scaled, fixed = box.scale(new), box.scale(known)
    if model is not None:
        weight = np.asarray(model.predict(new, return_std=True)[1], dtype=np.float64).reshape(len(new), -1)
        weight = np.sqrt(np.square(weight / np.maximum(y[good].std(axis=0), 1e-300)).sum(axis=1))
    else:
        weight = disagreement(box.scale(x[good]), y[good], scaled, rng)
    weight = 1.0 + weight / max(float(weight.mean()), 1e-300)
    near, which = nearest(scaled, fixed)
    if not good.all():
        weight[np.isin(which, np.flatnonzero(~good))] *= FAILED
    chosen: list[int] = []
    for _ in range(count):
        best = int(np.argmax(near * weight))
        chosen.append(best)
        near = np.minimum(near, np.sqrt(np.square(scaled - scaled[best]).sum(axis=1)))
    return new[chosen]


def candidates(box: Domain, count: int, rng: np.random.Generator) -> np.ndarray:
    """Points (count, d) among which to choose: uniform, in few dimensions some on the faces and at the corners."""
    if box.dim > 3:
        return box.unscale(rng.uniform(-1.0, 1.0, (count, box.dim)))
    faces = face_points(box, round(ON_FACES * count), rng) if box.dim > 1 else np.empty((0, 1))
    inside = box.unscale(rng.uniform(-1.0, 1.0, (count - len(faces), box.dim)))
    return np.concatenate([inside, faces, box.corners()])


def nearest(points: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distance (n,) of each point to the nearest known one, and which that is; infinite where none is known."""
    if not len(known):
        return np.full(len(points), np.inf), np.zeros(len(points), dtype=int)
    from scipy.spatial import KDTree

    distance, which = KDTree(known).query(points)
    return distance, which


def disagreement(x: np.ndarray, y: np.ndarray, at: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """How far cheap models of rows x (n, d) in [-1, 1], y (n, k) may be wrong at points (m, d), (m,).

    The root of the sum of two squares: how far the models differ there, and how wrong they were at the nearest rows,
    each when it was left out (as Xu, Liu, Wang and Jiang 2014, Journal of Mechanical Design 136, choose by cells). The
    models are polynomials and ridge regression on random tanh features of several gains, each with the ridge that
    leaves the smallest leave-one-out error; those that are far worse than the best are not heard, and the others count
    by the inverse of its square.
    """
    n, d = x.shape
    if n < 4:
        return np.ones(len(at))
    if n > MOST_ROWS:
        some = rng.choice(n, MOST_ROWS, replace=False)
        x, y, n = x[some], y[some], MOST_ROWS
    y = (y - y.mean(axis=0)) / np.maximum(y.std(axis=0), 1e-300)
    bases = [_monomials(d, degree) for degree in (1, 2, 3, 4) if math.comb(d + degree, degree) <= n // 2]
    units = max(2, min(300, n))
    bases += [_tanh(rng, d, units, gain) for gain in MEMBERS]
    fitted = [_ridge(basis(x), y, basis(at)) for basis in bases]
    errors = np.array([error for error, _, _ in fitted])
    heard = errors <= KEPT * errors.min() + 1e-12
    if heard.sum() < 2:
        heard[np.argsort(errors)[:2]] = True
    share = 1.0 / np.square(errors[heard] + 1e-9)
    share /= share.sum()
    values, left_out = (np.stack([f[i] for f, h in zip(fitted, heard, strict=True) if h]) for i in (1, 2))
    differ = np.einsum("s,smk->m", share, np.square(values - np.einsum("s,smk->mk", share, values)))
    wrong = np.einsum("s,snk->n", share, np.square(left_out))
    from scipy.spatial import KDTree

    return np.sqrt(differ + wrong[KDTree(x).query(at, k=min(NEIGHBOURS, n))[1].reshape(len(at), -1)].mean(axis=1))


def _monomials(d: int, degree: int) -> Any:
    """A basis (n, d) -> (n, terms): all monomials up to a degree."""
    from itertools import combinations_with_replacement

    terms = [t for g in range(degree + 1) for t in combinations_with_replacement(range(d), g)]
    return lambda x: np.stack([x[:, list(t)].prod(axis=1) for t in terms], axis=1)


def _tanh(rng: np.random.Generator, d: int, units: int, gain: float) -> Any:
    """A basis (n, d) -> (n, units + 1): tanh units whose breakpoints lie in the box, and 1."""
    w = rng.standard_normal((d, units))
    w *= gain / np.linalg.norm(w, axis=0)
    b = -(rng.uniform(-1.0, 1.0, (units, d)) * w.T).sum(axis=1)
    return lambda x: np.concatenate([np.tanh(x @ w + b), np.ones((len(x), 1))], axis=1)


def _ridge(a: np.ndarray, y: np.ndarray, at: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """The least leave-one-out error over ridges; with that ridge predictions (m, k), and residuals of rows left out."""
    u, s, vt = np.linalg.svd(a, full_matrices=False)
    uy, best = u.T @ y, (math.inf, np.zeros((len(at), y.shape[1])), np.zeros_like(y))
    for ridge in s[0] ** 2 * 10.0 ** np.arange(-14.0, 1.0, 2.0):
        shrink = s**2 / (s**2 + ridge)
        left = np.maximum(1.0 - np.square(u) @ shrink, 1e-6)
        residuals = (y - u @ (shrink[:, None] * uy)) / left[:, None]
        error = float(np.sqrt(np.mean(np.square(residuals))))
        if error < best[0]:
            best = error, at @ (vt.T @ ((s / (s**2 + ridge))[:, None] * uy)), residuals
    return best


__all__ = ["FIRST", "disagreement", "filling", "next_points"]
