"""A Gaussian process of the logarithm of positive values: for what is a product, a power law, or spans decades.

log y(x) is a Gaussian process (the warped Gaussian processes of Snelson, Rasmussen and Ghahramani 2004, with the
logarithm as the warp): what is added there multiplies, and noise is a share of the value. In the units of y its
predictions are lognormal.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from surefit.errors import ArgumentError
from surefit.solvers.gaussian_process import GaussianProcess

MOST_SQUARE = 2.0  # of a variance of the logarithm: a deviation of two and a half times the value is told as that


class LogarithmicProcess:
    """A `GaussianProcess` of log y, asked and answered in the units of y.

    Args:
        process: of the logarithms, with kernel, mean, noise None or 0: a share of the value, and without effects.

    Attributes:
        theta, length_scale_, varying, kernel, mean: those of `process`.
        noise_: standard deviation (k,) of the noise at values of the root mean square, in the units of the values.

    >>> import numpy as np
    >>> x = np.linspace(0, 1, 12)[:, None]
    >>> process = LogarithmicProcess(GaussianProcess("rbf", noise=0)).fit(x, np.exp(9 * x))
    >>> bool(abs(process.predict([[0.51]])[0, 0] / np.exp(9 * 0.51) - 1) < 1e-3)
    True
    """

    def __init__(self, process: GaussianProcess) -> None:
        if process.noise:
            raise ArgumentError(f"process: noise={process.noise!r} is of values, not of logarithms; take None or 0")
        if process.effects:
            raise ArgumentError("process: effects would multiply values here, and not add to them; leave them out")
        self.process = process

    def fit(self, X: Any, y: Any, weights: Any = None, theta: Any = None) -> LogarithmicProcess:
        """Find the hyperparameters for rows X (n, d) and values y (n, k) > 0; see `GaussianProcess.fit`.

        Raises:
            ArgumentError: a value is not positive; and what `GaussianProcess.fit` raises.
        """
        self.process.fit(X, self._logarithms(y), weights, theta)
        return self

    def refit(self, X: Any, y: Any, theta: Any, weights: Any = None) -> LogarithmicProcess:
        """Condition on rows with hyperparameters that are known: those of `theta`."""
        self.process.refit(X, self._logarithms(y), theta, weights)
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Values at points X (m, d) -> (m, k); with return_std also the deviation of a new value there.

        Of a value that has noise the mean, as the rows tell it: the median times exp(s^2 / 2), s^2 the variance of the
        noise alone. What the process does not know of the median says nothing of where it is.
        """
        if not return_std:
            return self._value(self.process.predict(X))
        mean, deviation = self.process.predict(X, return_std=True)
        return self._value(mean), self._deviation(mean, deviation)

    def leave_one_out(self) -> tuple[np.ndarray, np.ndarray]:
        """For each row the value and deviation that the other rows give it, both (n, k), in closed form."""
        mean, deviation = self.process.leave_one_out()
        return self._value(mean), self._deviation(mean, deviation)

    def log_density(self) -> float:
        """The logarithm of the marginal likelihood of the values, not of their logarithms."""
        return self.process.log_density() - self._sum

    @property
    def theta(self) -> np.ndarray:
        return self.process.theta

    @property
    def length_scale_(self) -> np.ndarray:
        return self.process.length_scale_

    @property
    def varying(self) -> np.ndarray:
        return self.process.varying

    @property
    def kernel(self) -> str:
        return self.process.kernel

    @property
    def mean(self) -> str:
        return self.process.mean

    @property
    def effects(self) -> tuple[int, ...]:
        return self.process.effects

    @property
    def noise_(self) -> np.ndarray:
        return np.asarray(self._size * np.sqrt(np.expm1(np.minimum(self.process.noise_**2, MOST_SQUARE))))

    def _logarithms(self, y: Any) -> np.ndarray:
        values = np.asarray(y, np.float64)
        if not (values > 0).all():
            raise ArgumentError(f"y: {float(values.min()):.6g} has no logarithm; values must be positive")
        logarithms = np.log(values)
        largest = values.max(axis=0)
        self._size = largest * np.sqrt(np.mean((values / largest) ** 2, axis=0))
        self._sum = float(logarithms.sum())
        return np.asarray(logarithms)

    def _value(self, mean: np.ndarray) -> np.ndarray:
        return np.asarray(np.exp(np.minimum(mean + 0.5 * self.process.noise_**2, 700.0)))

    def _deviation(self, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
        return np.asarray(self._value(mean) * np.sqrt(np.expm1(np.minimum(deviation**2, MOST_SQUARE))))


__all__ = ["LogarithmicProcess"]
