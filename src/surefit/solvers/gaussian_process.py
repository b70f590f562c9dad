"""Gaussian process regression, exact, for up to some thousand rows.

y(x) = h(x)' beta + f(x) + noise, where f is a Gaussian process whose kernel is Matern's of order 5/2 or the squared
exponential (RBF), with a length scale for each input, and the mean h is zero, constant, linear or quadratic. Its
coefficients have a prior that says nothing (Rasmussen and Williams 2006, Gaussian Processes for Machine Learning,
section 2.7: equations 2.41, 2.42 and 2.45); the hyperparameters are those of the largest marginal likelihood. With
Q = K^-1 - K^-1 H (H' K^-1 H)^-1 H' K^-1 the values left out one by one are y_i - (Q y)_i / Q_ii, with variance 1 / Q_ii
(equations 5.10 to 5.12 there; with a mean Dubrule 1983, Cross validation of kriging in a unique neighborhood).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from surefit.blas import one_thread, scipy_linalg
from surefit.checking import number_array, whole_number
from surefit.errors import ArgumentError, NotFiniteError, ShapeError

KERNELS = ("matern52", "rbf")
MEANS = ("zero", "constant", "linear", "quadratic")
ITERATIONS = 100  # of L-BFGS-B, from each start
JITTER, MOST_JITTER = 1e-15, 1e-4  # of the amplitude, on the diagonal: rounding makes the covariance of rows that are
# near each other indefinite
LENGTHS = (1e-2, 1e3)  # bounds of the search, in deviations of each input
OF_EFFECTS = (1e-6, 1e6)  # variances of the coefficients of effects, in those of the process
AMPLITUDES = (1e-6, 1e6)  # variances, in those of the target
SHARES = (1e-15, 1e3)  # variances of the noise, in those of the process
EXACT = 1e-15  # the variance of values without noise, beside that of the target: what rounding leaves
MOST_LENGTHS = 50  # inputs that have a length scale each; of more inputs all have the same
STARTS = (0.2, 0.5, 1.0, 2.0, 5.0)  # lengths that are tried first, in roots of the number of inputs
MOST_SCREENED = 150  # rows of which these are tried
ALONE = 1e-9  # share of its precision that is left of a row which alone tells a coefficient of the mean: rounding
BLOCK = 4_000_000  # numbers in a block of the kernel between rows and points
LOG_2PI = math.log(2 * math.pi)


class GaussianProcess:
    """Gaussian process regression under scikit-learn's names.

    Args:
        kernel: "matern52" or "rbf".
        mean: "zero", "constant", "linear" or "quadratic" in the inputs; its coefficients are found with the rest.
        noise: standard deviation of the noise, in the units of the values; 0: they are exact; None: it is estimated.
        starts: of the search for hyperparameters: the first is always the same, the others are drawn.
        subset: rows at most from which the hyperparameters are found, drawn where there are more; all rows are fitted.
        seed: of the starts and the subset.
        stop: asked after each iteration whether to end the search.
        effects: inputs that add a multiple of themselves, no more, such as the indicators of sites. Their coefficients
            are drawn from one normal distribution around 0 (a random effect): of sites with few rows they are small.

    Attributes:
        theta: after `fit`, logarithms of [amplitude^2, length scales ..., noise^2] in scaled units, in which inputs
            and values have deviation 1; before the noise that of effects, where there are some.
        length_scale_: (d,), in the units of the inputs; infinite for one that does not vary.
        noise_: standard deviation (k,) of the noise in the units of the values.

    Several outputs share hyperparameters, each in units of its own.

    >>> import numpy as np
    >>> x = np.linspace(0, 1, 12)[:, None]
    >>> process = GaussianProcess(noise=0).fit(x, np.sin(6 * x[:, 0]))
    >>> bool(abs(process.predict([[0.51]])[0] - np.sin(6 * 0.51)) < 1e-3)
    True
    """

    def __init__(
        self, kernel: str = "matern52", mean: str = "constant", *, noise: float | None = None, starts: int = 3,
        subset: int = 500, seed: int = 0, stop: Callable[[], bool] | None = None, effects: Sequence[int] = (),
    ) -> None:  # fmt: skip
        for name, value, known in (("kernel", kernel, KERNELS), ("mean", mean, MEANS)):
            if value not in known:
                raise ArgumentError(f"{name}={value!r} is unknown; choose one of {', '.join(known)}")
        number = isinstance(noise, (int, float, np.integer, np.floating)) and not isinstance(noise, bool)
        if noise is not None and not (number and 0 <= noise < math.inf):
            raise ArgumentError(f"noise={noise!r} must be a number >= 0, or None: it is then estimated")
        self.kernel, self.mean, self.noise, self.stop = kernel, mean, noise, stop
        self.starts, self.subset = whole_number("starts", starts, 1), whole_number("subset", subset, 2)
        self.seed = whole_number("seed", seed, 0)
        self.effects = tuple(whole_number("effects", i, 0) for i in effects)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"stop": None}  # it belongs to the search, which is over

    # --- fitting ---

    @one_thread()
    def fit(self, X: Any, y: Any, weights: Any = None, theta: Any = None) -> GaussianProcess:
        """Find the hyperparameters for rows X (n, d) and values y (n,) or (n, k).

        Args:
            X, y: rows and their values.
            weights: (n,) > 0, to which the variances of the noise of the rows are reciprocal.
            theta: where the first search starts, such as the `theta` of a process of nearly the same rows; None: at
                the most likely of a few lengths.

        Raises:
            ShapeError: they do not fit together. NotFiniteError: a number is not finite. ArgumentError: no rows, or
            weights that are not positive.
        """
        start = self._placed(X, y, weights)
        n = len(self._rows.u)
        if n > 1 and self._rows.v.any():
            start = self._searched(start, None if theta is None else self._like(start, theta))
        elif self.noise is None:
            start[-1] = math.log(EXACT)  # nothing tells of any
        return self._settled(start)

    @one_thread()
    def refit(self, X: Any, y: Any, theta: Any, weights: Any = None) -> GaussianProcess:
        """Condition on rows with hyperparameters that are known: those of `theta`."""
        start = self._placed(X, y, weights)
        return self._settled(self._like(start, theta))

    def _like(self, start: np.ndarray, theta: Any) -> np.ndarray:
        """Hyperparameters that were given, checked."""
        found = np.array(theta, np.float64)
        if found.shape != start.shape:
            raise ShapeError(f"theta: expected shape {start.shape}, got {found.shape}")
        return found

    def _placed(self, X: Any, y: Any, weights: Any) -> np.ndarray:
        """Take the rows, in scaled units: the hyperparameters that a search starts from."""
        x, values, share = _checked(X, y, weights)
        self._flat = np.ndim(y) == 1
        low, high = x.min(axis=0), x.max(axis=0)
        with np.errstate(over="ignore"):
            width = high / 2 - low / 2
        varies = width > 2 * np.finfo(np.float64).eps * np.maximum(np.abs(low), np.abs(high))  # else it is rounding
        self._inputs = len(varies)
        if max(self.effects, default=-1) >= self._inputs:
            raise ArgumentError(f"effects: there is no input {max(self.effects)}; the first of {self._inputs} is 0")
        varies[list(self.effects)] = False
        self._columns = np.flatnonzero(varies)
        self._x_shift = (low / 2 + high / 2)[varies]
        u = (x[:, varies] - self._x_shift) / width[varies]
        deviation = u.std(axis=0)
        self._x_scale, u = width[varies] * deviation, u / deviation
        size = np.abs(values).max(axis=0)
        size = np.where(size > 0, size, 1.0)
        unit = values / size
        centre = unit.mean(axis=0) if self.mean != "zero" else np.zeros(values.shape[1])
        v = unit - centre
        spread = np.sqrt(np.mean(v**2, axis=0))
        flat = spread <= 1e-14
        v = np.where(flat, 0.0, v / np.where(flat, 1.0, spread))
        self._y_shift, self._y_scale = centre * size, np.where(flat, 1.0, spread) * size
        self._basis = _Basis(self.mean, u)
        if self._basis.size >= len(u):
            raise ArgumentError(
                f"mean={self.mean!r} has {self._basis.size} coefficients, and there are {len(u)} rows; take a simpler "
                "one, such as mean='constant'"
            )
        z = x[:, list(self.effects)] if self.effects else None
        self._rows = _Rows(self.kernel, u, v, self._basis(u), share, z)
        start = np.zeros(self._rows.lengths + 2 + bool(self.effects))
        start[self._rows.own] = math.log(max(1.0, math.sqrt(u.shape[1])))
        start[-1] = math.log(1e-4)
        if self.noise is not None:
            start[-1] = 2 * math.log(max(self.noise / float(self._y_scale.min()), math.sqrt(EXACT)))
        return start

    def _searched(self, start: np.ndarray, given: np.ndarray | None) -> np.ndarray:
        """The hyperparameters of the largest marginal likelihood that is found from several starts.

        Lengths, and the share that noise has of the amplitude, are searched for. The best amplitude follows from them
        in closed form: with it a long narrow ridge of the likelihood is gone, on which searches end too early (Santner,
        Williams and Notz 2018, The Design and Analysis of Computer Experiments, section 4.3). Where the noise is known
        the amplitude is searched for as well.
        """
        from scipy.optimize import minimize

        rows, rng = self._rows, np.random.default_rng([self.seed, 0x6A])
        if len(rows.u) > self.subset:
            rows = rows.part(np.sort(rng.choice(len(rows.u), self.subset, replace=False)))
        known = bool(self.noise)  # exact values have as much as rounding takes
        free = slice(0, -1) if known else slice(1, -1) if self.noise == 0 else slice(1, None)
        some = [OF_EFFECTS] * bool(self.effects)
        bounds = np.log([AMPLITUDES, *[LENGTHS] * rows.lengths, *some, SHARES])[free]
        least = math.inf
        best = start = self._first(rows, start) if given is None else self._near(start, given)

        def loss(t: np.ndarray) -> tuple[float, np.ndarray]:
            theta = start.copy()
            theta[free] = t
            value, gradient = rows.likelihood(theta) if known else rows.profile(theta)
            return -value, -gradient[free]

        def after(_: Any) -> None:
            if self.stop is not None and self.stop():
                raise StopIteration

        for number in range(self.starts if start[free].size else 0):
            first = start[free].copy()
            if number:
                lengths = slice(1, rows.lengths + 1) if known else slice(0, rows.lengths)
                first[lengths] += rng.uniform(-1.5, 1.5, rows.lengths)
                if self.noise is None:
                    first[-1] = rng.uniform(math.log(1e-8), math.log(0.1))
            found = minimize(
                loss, first, jac=True, method="L-BFGS-B", callback=after, bounds=bounds,
                options={"maxiter": ITERATIONS},
            )  # fmt: skip
            if found.fun < least:
                best, least = start.copy(), float(found.fun)
                best[free] = found.x
            if self.stop is not None and self.stop():
                break
        if known:
            return best
        best[0] = rows.amplitude(best)
        if self.effects:
            best[-2] += best[0]
        best[-1] = math.log(max(EXACT, math.exp(best[0] + best[-1]))) if self.noise is None else math.log(EXACT)
        return best

    def _near(self, start: np.ndarray, given: np.ndarray) -> np.ndarray:
        """Hyperparameters that are known as the search counts them."""
        first = given.copy()
        first[-1] = start[-1] if self.noise is not None else given[-1] - given[0]
        own = self._rows.own
        first[own] = np.clip(first[own], *np.log(LENGTHS))
        if self.effects and not self.noise:
            first[-2] = np.clip(first[-2] - given[0], *np.log(OF_EFFECTS))
        return first

    def _first(self, rows: _Rows, start: np.ndarray) -> np.ndarray:
        """The most likely of a few hyperparameters of which all lengths are the same."""
        tried = []
        n = len(rows.u)
        some = rows if n <= MOST_SCREENED else rows.part(np.linspace(0, n - 1, MOST_SCREENED).astype(int))
        for length in STARTS:
            for noise in np.log([1e-6, 1e-2]) if self.noise is None else (start[-1],):
                theta = start.copy()
                theta[rows.own] += math.log(length)
                theta[-1] = noise
                value, _ = some.likelihood(theta) if self.noise else some.profile(theta)
                tried.append((value, theta))
        return max(tried, key=lambda pair: pair[0])[1]

    def _settled(self, theta: np.ndarray) -> GaussianProcess:
        self.theta = theta
        self._posterior = self._rows.solved(theta)
        self.length_scale_ = np.full(self._inputs, np.inf)
        self.length_scale_[self._columns] = np.exp(theta[self._rows.own]) * self._x_scale
        self.noise_ = math.exp(theta[-1] / 2) * self._y_scale
        return self

    # --- what it knows ---

    @property
    def varying(self) -> np.ndarray:
        """The inputs that vary among its rows, of which each has a length in `theta`, (m,)."""
        return self._columns

    @one_thread()
    def log_marginal_likelihood(self, theta: Any = None, eval_gradient: bool = False) -> Any:
        """Of all rows, in scaled units, the mean's coefficients integrated out; its gradient too if asked for.

        theta: see the attribute; None: those that were found.
        """
        self._check_fitted()
        value, gradient = self._rows.likelihood(self.theta if theta is None else np.array(theta, np.float64))
        return (value, gradient) if eval_gradient else value

    def log_density(self) -> float:
        """The same in the units of the values: the logarithm of how probable they are to the process."""
        return float(self.log_marginal_likelihood()) - len(self._rows.u) * float(np.log(self._y_scale).sum())

    @one_thread()
    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Values at points X (m, d) -> (m,) or (m, k); with return_std also the deviation of a new value there.

        The noise is part of that deviation.
        """
        self._check_fitted()
        x = number_array("X", X)
        if x.ndim != 2 or x.shape[1] != self._inputs:
            raise ShapeError(f"X: expected points of {self._inputs} inputs, shape (m, {self._inputs}), got {x.shape}")
        u = (x[:, self._columns] - self._x_shift) / self._x_scale
        z = x[:, list(self.effects)] if self.effects else None
        step = max(1, BLOCK // len(self._rows.u))
        blocks = [
            self._at(u[i : i + step], None if z is None else z[i : i + step], return_std)
            for i in range(0, len(u), step)
        ]
        mean = np.concatenate([m for m, _ in blocks]) if blocks else np.zeros((0, len(self._y_shift)))
        mean = self._flattened(mean * self._y_scale + self._y_shift)
        if not return_std:
            return mean
        variance = np.concatenate([s for _, s in blocks]) if blocks else np.zeros(0)
        return mean, self._flattened(np.sqrt(variance)[:, None] * self._y_scale)

    def _at(self, u: np.ndarray, z: np.ndarray | None, deviation: bool) -> tuple[np.ndarray, np.ndarray]:
        """Means (m, k) and variances (m,) at points, in scaled units."""
        p, h = self._posterior, self._basis(u)
        k = self._rows.between(u, self.theta, z)
        mean = k @ p.alpha + h @ p.beta
        if not deviation:
            return mean, np.zeros(0)
        from scipy.linalg import solve_triangular

        half = solve_triangular(p.factor, k.T, lower=True, check_finite=False)
        variance = math.exp(self.theta[0]) - np.einsum("ij,ij->j", half, half)
        if z is not None:
            variance = variance + math.exp(self.theta[-2]) * np.einsum("ij,ij->i", z, z)
        if h.shape[1]:
            rest = solve_triangular(p.small, (h - half.T @ p.half).T, lower=True, check_finite=False)
            variance = variance + np.einsum("ij,ij->j", rest, rest)
        return mean, np.maximum(variance, 0.0) + math.exp(self.theta[-1])

    @property
    def effects_(self) -> np.ndarray:
        """By how much values grow with each of the inputs `effects`, (m,) or (m, k), in the units of the values."""
        self._check_fitted()
        z = self._rows.z
        if z is None:
            return self._flattened(np.zeros((0, len(self._y_scale))))
        return self._flattened(math.exp(self.theta[-2]) * (z.T @ self._posterior.alpha) * self._y_scale)

    @one_thread()
    def leave_one_out(self) -> tuple[np.ndarray, np.ndarray]:
        """For each row the value and deviation that the other rows give it, both (n,) or (n, k), in closed form.

        The hyperparameters stay, the coefficients of the mean are those of the other rows. A row that is the only one
        to tell a coefficient, such as the only one of a category, is given the mean and the deviation of all.
        """
        self._check_fitted()
        p, v = self._posterior, self._rows.v
        left = np.diag(p.projected)
        alone = left <= ALONE * p.known  # but for rounding nothing is left of it
        left = np.where(alone, 1.0, left)
        mean = np.where(alone[:, None], 0.0, v - p.alpha / left[:, None]) * self._y_scale + self._y_shift
        return self._flattened(mean), self._flattened(np.sqrt(1.0 / left)[:, None] * self._y_scale)

    def _flattened(self, values: np.ndarray) -> np.ndarray:
        return values[:, 0] if self._flat else values

    def _check_fitted(self) -> None:
        if not hasattr(self, "_posterior"):
            raise ArgumentError("the process has seen no rows; call fit(X, y) first")


class _Basis:
    """The functions of the mean, (m, d) -> (m, j), those that the rows can tell apart, orthogonal over them."""

    def __init__(self, mean: str, u: np.ndarray) -> None:
        self.mean = mean
        h = self.functions(u)
        if not h.shape[1]:
            self.turn = np.zeros((0, 0))
            return
        _, s, vt = np.linalg.svd(h, full_matrices=False)
        known = s > 1e-9 * s[0]
        self.turn = vt[known].T / s[known] * math.sqrt(len(u))

    @property
    def size(self) -> int:
        return self.turn.shape[1]

    def functions(self, u: np.ndarray) -> np.ndarray:
        parts = [np.ones((len(u), 1))] if self.mean != "zero" else [np.ones((len(u), 0))]
        if self.mean in ("linear", "quadratic"):
            parts.append(u)
        if self.mean == "quadratic":
            parts.append(u**2 - 1.0)
            parts.extend((u[:, i] * u[:, j])[:, None] for i, j in combinations(range(u.shape[1]), 2))
        return np.concatenate(parts, axis=1)

    def __call__(self, u: np.ndarray) -> np.ndarray:
        h = self.functions(u)
        return h @ self.turn if self.size else h[:, :0]


class _Posterior:
    """What follows from rows and hyperparameters: K = L L', L^-1 H, the mean's coefficients, Q and Q v."""

    def __init__(self, covariance: np.ndarray, amplitude: float, h: np.ndarray, v: np.ndarray) -> None:
        lapack = scipy_linalg().lapack
        dpotri, dpotrs, dtrtrs = lapack.dpotri, lapack.dpotrs, lapack.dtrtrs

        self.factor = _cholesky(covariance, amplitude)
        inverse, _ = dpotri(self.factor, lower=1)
        self.projected = inverse + inverse.T  # above its diagonal there are zeros
        self.projected[np.diag_indices(len(v))] *= 0.5
        self.known = np.diag(self.projected).copy()  # 1 over the variance of each row by the others, the mean known
        self.log_det = 2.0 * float(np.log(np.diag(self.factor)).sum())
        self.small = np.zeros((0, 0))
        self.beta = np.zeros((0, v.shape[1]))
        self.half = h[:, :0]
        if h.shape[1]:
            self.half, _ = dtrtrs(self.factor, h, lower=1)
            self.small = _cholesky(self.half.T @ self.half, 1.0)
            self.log_det += 2.0 * float(np.log(np.diag(self.small)).sum())
            part, _ = dtrtrs(self.small, (self.projected @ h).T, lower=1)
            self.beta, _ = dtrtrs(self.small, part @ v, lower=1, trans=1)
            self.projected -= part.T @ part
        self.alpha, _ = dpotrs(self.factor, v - h @ self.beta, lower=1)


class _Rows:
    """Rows in scaled units: inputs u (n, d), values v (n, k), functions of the mean h (n, m), shares of the noise.

    z: (n, e) inputs that have an effect; None: there are none.
    """

    def __init__(
        self, kernel: str, u: np.ndarray, v: np.ndarray, h: np.ndarray, share: np.ndarray, z: np.ndarray | None = None
    ) -> None:
        self.kernel, self.u, self.v, self.h, self.share, self.z = kernel, u, v, h, share, z
        d = u.shape[1]
        self.lengths = d if d <= MOST_LENGTHS else 1
        self.own = slice(1, 1 + self.lengths)  # of the hyperparameters the lengths
        self.outer = None if z is None else z @ z.T
        self._squares: np.ndarray | None = None
        self._below = np.zeros(0, int)  # places of the lower triangle

    def part(self, rows: np.ndarray) -> _Rows:
        z = None if self.z is None else self.z[rows]
        return _Rows(self.kernel, self.u[rows], self.v[rows], self.h[rows], self.share[rows], z)

    def between(self, u: np.ndarray, theta: np.ndarray, z: np.ndarray | None = None) -> np.ndarray:
        """The kernel between points, u (m, d) and z (m, e), and the rows, (m, n)."""
        from scipy.spatial.distance import cdist

        if not self.u.shape[1]:
            found = np.full((len(u), len(self.u)), math.exp(theta[0]))
        else:
            scale = np.exp(-theta[self.own])
            found = math.exp(theta[0]) * self._correlation(cdist(u * scale, self.u * scale, "sqeuclidean"))[0]
        return found if z is None or self.z is None else found + math.exp(theta[-2]) * (z @ self.z.T)

    def _correlation(self, square: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of squared distances; and -2 times its derivative by them."""
        if self.kernel == "rbf":
            r = np.exp(-0.5 * square)
            return r, r
        root = np.sqrt(5.0 * square)
        e = np.exp(-root)
        return (1.0 + root + root * root / 3.0) * e, 5.0 / 3.0 * (1.0 + root) * e

    def solved(self, theta: np.ndarray) -> _Posterior:
        """The posterior of all rows."""
        k = self.between(self.u, theta, self.z)
        amplitude = math.exp(theta[0])
        k[np.diag_indices_from(k)] = amplitude * (1.0 + JITTER) + max(EXACT, math.exp(theta[-1])) * self.share
        if self.outer is not None:
            k[np.diag_indices_from(k)] += math.exp(theta[-2]) * np.diag(self.outer)
        return _Posterior(k, amplitude, self.h, self.v)

    def likelihood(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """The logarithm of the marginal likelihood, and its gradient: equation 5.9 with Q in the place of K^-1."""
        amplitude = math.exp(theta[0])
        of_effects = 0.0 if self.z is None else math.exp(theta[-2]) / amplitude
        parts = self._in_amplitudes(theta, max(EXACT, math.exp(theta[-1])) / amplitude, of_effects)
        return self._value(theta, amplitude, of_effects, *parts)

    def profile(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """The same with the amplitude that is the best one; noise, and effects, in theta are in amplitudes."""
        of_effects = 0.0 if self.z is None else math.exp(theta[-2])
        parts = self._in_amplitudes(theta, math.exp(theta[-1]), of_effects)
        return self._value(theta, self._best_amplitude(parts[0]), of_effects, *parts)

    def amplitude(self, theta: np.ndarray) -> float:
        """The logarithm of that amplitude."""
        of_effects = 0.0 if self.z is None else math.exp(theta[-2])
        return math.log(self._best_amplitude(self._in_amplitudes(theta, math.exp(theta[-1]), of_effects)[0]))

    def _best_amplitude(self, p: _Posterior) -> float:
        n, k = self.v.shape
        return min(max(float(np.sum(p.alpha * self.v)) / (k * (n - self.h.shape[1])), 1e-3 * AMPLITUDES[0]), 1e300)

    def _in_amplitudes(
        self, theta: np.ndarray, noise: float, of_effects: float
    ) -> tuple[_Posterior, np.ndarray, np.ndarray, float]:
        """The posterior where the amplitude is 1; the kernel, -2 times its derivative by squared distances; noise."""
        n, d = self.u.shape
        if self._squares is None:
            above = np.triu_indices(n, 1)
            self._below = above[1] * n + above[0]
            if self.lengths == d:
                self._squares = np.array([(c[above[0]] - c[above[1]]) ** 2 for c in self.u.T]).reshape(d, len(above[0]))
            else:
                from scipy.spatial.distance import pdist

                self._squares = pdist(self.u, "sqeuclidean")[None, :]
        r, slope = self._correlation(np.exp(-2.0 * theta[self.own]) @ self._squares)
        covariance = np.zeros(n * n)
        covariance[self._below] = r  # the lower triangle, which is all that is read
        covariance[:: n + 1] = 1.0 + JITTER + noise * self.share
        if self.outer is not None:
            covariance[self._below] += of_effects * self.outer.ravel()[self._below]
            covariance[:: n + 1] += of_effects * np.diag(self.outer)
        return _Posterior(covariance.reshape(n, n), 1.0, self.h, self.v), r, slope, noise

    def _value(
        self,
        theta: np.ndarray,
        amplitude: float,
        of_effects: float,
        p: _Posterior,
        r: np.ndarray,
        slope: np.ndarray,
        noise: float,
    ) -> tuple[float, np.ndarray]:
        n, k = self.v.shape
        w = p.alpha @ p.alpha.T / amplitude - k * p.projected
        off, diagonal = w.ravel("K")[self._below], np.diag(w)
        gradient = np.empty(len(theta))
        gradient[0] = off @ r + 0.5 * diagonal.sum()
        gradient[self.own] = np.exp(-2.0 * theta[self.own]) * (self._squares @ (off * slope))
        if self.outer is not None:
            twice = off @ self.outer.ravel()[self._below] + 0.5 * diagonal @ np.diag(self.outer)
            gradient[-2] = of_effects * twice
        gradient[-1] = 0.5 * noise * (diagonal @ self.share)
        rest = p.log_det + (n - self.h.shape[1]) * (math.log(amplitude) + LOG_2PI)
        return -0.5 * float(np.sum(p.alpha * self.v)) / amplitude - 0.5 * k * rest, gradient


def _cholesky(a: np.ndarray, size: float) -> np.ndarray:
    """The lower factor of a matrix of which the lower triangle is read, with as much on its diagonal as that takes."""
    dpotrf = scipy_linalg().lapack.dpotrf

    jitter = 0.0
    while True:
        b = a if jitter == 0.0 else a + jitter * size * np.eye(len(a))
        factor, info = dpotrf(b, lower=1, clean=1)
        if info == 0:
            return factor
        if jitter >= MOST_JITTER:
            raise NotFiniteError("the covariance of the rows is not positive, whatever is added to its diagonal")
        jitter = max(10.0 * jitter, JITTER)


def _checked(X: Any, y: Any, weights: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows (n, d), values (n, k) and what each row has of the noise's variance, (n,), 1 in the mean."""
    x, values = number_array("X", X), number_array("y", y)
    if x.ndim != 2 or values.ndim not in (1, 2) or len(x) != len(values):
        raise ShapeError(f"X, y: expected shapes (n, d) and (n,) or (n, k), got {x.shape} and {values.shape}")
    if not len(x):
        raise ArgumentError("X: there are no rows")
    for name, a in (("X", x), ("y", values)):
        if not np.isfinite(a).all():
            raise NotFiniteError(f"{name}: row {int(np.argwhere(~np.isfinite(a))[0][0])} is not finite")
    share = np.ones(len(x))
    if weights is not None:
        w = number_array("weights", weights)
        if w.shape != (len(x),):
            raise ShapeError(f"weights: expected one for each row, shape ({len(x)},), got {w.shape}")
        if not (np.isfinite(w).all() and (w > 0).all()):
            raise ArgumentError("weights: must be finite and > 0")
        share = w.mean() / w
    return x, values.reshape(len(x), -1), share


__all__ = ["GaussianProcess"]
