"""What one does with a fit that stands in for a function, as methods of a fit and of its slices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from surefit.checking import number_array, whole_number
from surefit.data import Domain, points_from, sample
from surefit.errors import ArgumentError, DomainError
from surefit.readings.extrema import STARTS, Extremum, extremum, inverse, places
from surefit.readings.integrals import Integral, integral
from surefit.readings.sensitivity import Sensitivity, sensitivity
from surefit.readings.surface import Surface, gradients_of, which_input, which_output

AVERAGED = 2048  # points over which a partial dependence is a mean


class PartialDependence(NamedTuple):
    """The mean of a fit over all inputs but one: y (m,), or (m, k) for several outputs, at values x (m,) of that."""

    x: np.ndarray
    y: np.ndarray


class Readings:
    """What can be asked of a fit, or of a slice of one, beside its values."""

    if TYPE_CHECKING:

        @property
        def names(self) -> tuple[str, ...]: ...
        @property
        def outputs(self) -> tuple[str, ...]: ...
        @property
        def domain(self) -> Domain: ...
        def _predict(self, x: np.ndarray) -> np.ndarray: ...
        def derivative(self, points: Any) -> np.ndarray: ...

    def integral(self, bounds: Any = None) -> Integral:
        """The integral over the domain, or over the part of it that `bounds` names.

        Up to five inputs by Gauss-Legendre rules that are refined until two agree, else by scrambled Sobol points.

        Returns:
            `value`, a number or (k,) for several outputs, and `error`, what is left of the quadrature; the error of the
            fit itself comes to it.

        Raises:
            DomainError: bounds that reach outside the domain.

        >>> import surefit
        >>> fit = surefit.fit("x1*x2", "x1=0:1, x2=0:2", method="polynomial")
        >>> round(fit.integral().value, 9), round(fit.integral({"x1": (0, 0.5)}).value, 9)
        (1.0, 0.25)
        """
        return integral(self, bounds)

    def minimum(self, bounds: Any = None, *, output: Any = None, starts: int = STARTS, seed: int = 0) -> Extremum:
        """The smallest value that searches found, and where.

        They begin at the best of 4096 points and go downhill along exact gradients (L-BFGS-B); what they find is no
        proof that there is nothing smaller.

        Args:
            bounds: the part of the domain to search; all of it by default.
            output: which one, by name or number, where there are several.
            starts: searches, from places that lie apart.
            seed: of the points.

        Raises:
            ArgumentError: an unknown output. DomainError: bounds that reach outside the domain.

        >>> import surefit
        >>> fit = surefit.fit("(x1 - 0.5)^2 + x2", "x1=0:1, x2=0:2", method="polynomial")
        >>> found = fit.minimum()
        >>> found.x.round(6).tolist(), abs(found.value) < 1e-9
        ([0.5, 0.0], True)
        """
        return extremum(self, 1.0, bounds, output, starts, seed)

    def maximum(self, bounds: Any = None, *, output: Any = None, starts: int = STARTS, seed: int = 0) -> Extremum:
        """The largest value that searches found, and where; see `minimum`."""
        return extremum(self, -1.0, bounds, output, starts, seed)

    def roots(
        self, value: Any = 0.0, bounds: Any = None, *, output: Any = None, starts: int = STARTS, seed: int = 0
    ) -> np.ndarray:
        """Places (m, d) where the fit has a value, sorted; (0, d) where none was found.

        Of one input all that 4097 points show, where the fit touches the value included. Of several inputs what
        searches from `starts` places end at (least squares with exact gradients): as many outputs as inputs have the
        value at single places; fewer have it on a curve or surface, of which these are points.

        Args:
            value: of the fit, or (k,) for all outputs.
            bounds: the part of the domain to search. output: one output alone. starts, seed: as of `minimum`.

        Raises:
            ArgumentError: an unknown output, a value that is not finite. DomainError: bounds outside the domain.

        >>> import surefit
        >>> fit = surefit.fit("x^2 - 1/4", "x=-1:1", method="polynomial")
        >>> fit.roots().round(9).ravel().tolist()
        [-0.5, 0.5]
        """
        return places(self, value, bounds, output, starts, seed)

    def inverse(self, y: Any, bounds: Any = None, *, output: Any = None, all_solutions: bool = False) -> Any:
        """The input that gives a value, of a fit of one input.

        Args:
            y: a value or an array of them.
            bounds: the part of the domain to search; a fit that turns is inverted between two turns.
            output: which one, where there are several.
            all_solutions: every input that gives the value y, sorted, (m,), of a fit that need not be monotone.

        Returns:
            Inputs in the shape of y, NaN for a value that the fit does not take; (m,) for all solutions.

        Raises:
            ArgumentError: more than one input, or a fit that is not monotone.

        >>> import surefit
        >>> fit = surefit.fit("x^2", "x=-1:2", method="polynomial")
        >>> round(fit.inverse(2.25, (0, 2)), 9), fit.inverse(0.25, all_solutions=True).round(9).tolist()
        (1.5, [-0.5, 0.5])
        """
        return inverse(self, y, bounds, output, all_solutions)

    def sensitivity(self, bounds: Any = None, *, output: Any = None, seed: int = 0) -> Sensitivity:
        """Sobol indices: how much of the variance of the fit is due to which input, alone and with others.

        The inputs are independent and uniform over the domain, or over `bounds`. Up to three inputs by quadrature, else
        by Sobol points (Saltelli et al. 2010; good to about 0.01).

        Raises:
            ArgumentError: an unknown output. DomainError: bounds that reach outside the domain.

        >>> import surefit
        >>> fit = surefit.fit("x1 + 2*x2", "x1=0:1, x2=0:1", method="polynomial")
        >>> print(fit.sensitivity())
        input   first   total
        x2      0.800   0.800
        x1      0.200   0.200
        """
        return sensitivity(self, bounds, output, seed)

    def slice(self, **fixed: float) -> Slice:
        """The fit with some inputs held at a value: a function of the others, with the same methods.

        Raises:
            ArgumentError: an unknown input, all of them, a value that is not a number. DomainError: outside the domain.

        >>> import surefit
        >>> fit = surefit.fit("x1*x2", "x1=0:1, x2=0:2", method="polynomial")
        >>> half = fit.slice(x2=1.5)
        >>> half.names, round(half(0.5), 9), round(half.integral().value, 9)
        (('x1',), 0.75, 0.75)
        """
        return Slice.of(self, fixed)

    def partial_dependence(
        self, name: str, points: int | Sequence[float] = 101, *, over: Any = None
    ) -> PartialDependence:
        """The mean of the fit over all inputs but one, against that one (Friedman 2001).

        Args:
            name: the input.
            points: how many values of it, evenly over the domain, or the values themselves.
            over: points (n, d) over whose other inputs the mean is taken, such as the rows that were measured. None:
                evenly over the domain.

        Raises:
            ArgumentError: an unknown input.

        >>> import surefit
        >>> fit = surefit.fit("x1*x2", "x1=0:1, x2=0:2", method="polynomial")
        >>> fit.partial_dependence("x1", [0.0, 0.5]).y.round(3).tolist()
        [0.0, 0.5]
        """
        column, box = which_input(self, name), self.domain
        if isinstance(points, (int, np.integer)):
            at = box.axis(column, whole_number("points", points, 2))
        else:
            at = number_array("points", points).ravel()
        if over is None:
            rest = sample(box, AVERAGED, "sobol", generator=np.random.default_rng(0x9D))
        else:
            rest = points_from(over, self.names, "partial_dependence").copy()
        means = []
        for value in at:
            rest[:, column] = value
            means.append(self._predict(rest).mean(axis=0))
        y = np.array(means).reshape(len(at), len(self.outputs))
        return PartialDependence(at, y[:, 0] if y.shape[1] == 1 else y)

    def value_and_grad(self, x: Any, *, output: Any = None) -> tuple[float, np.ndarray]:
        """The value at one point (d,) and its gradient (d,), exact, as `scipy.optimize.minimize(..., jac=True)` has it.

        Raises:
            ArgumentError: not one point, or an unknown output.

        >>> import surefit
        >>> fit = surefit.fit("x1^2 + 3*x2", "x1=-1:1, x2=0:2", method="polynomial")
        >>> value, gradient = fit.value_and_grad([0.5, 1.0])
        >>> round(value, 9), gradient.round(9).tolist()
        (3.25, [1.0, 3.0])
        """
        column, point = which_output(self, output), number_array("x", x).reshape(-1)
        if len(point) != len(self.names):
            raise ArgumentError(f"x has {len(point)} numbers; needed one point of {', '.join(self.names)}")
        return float(self._predict(point[None])[0, column]), gradients_of(self, point[None])[0, column]


class Slice(Readings):
    """A fit with some inputs held at a value; made by `fit.slice(x2=0.3)`.

    Attributes:
        names, outputs, domain: of the inputs that are left, and the outputs. fixed: the values of the others, by name.
    """

    def __init__(self, whole: Surface, fixed: dict[str, float]) -> None:
        self.whole, self.fixed = whole, fixed
        self.names = tuple(name for name in whole.names if name not in fixed)  # type: ignore[misc]
        self.outputs, self.domain = whole.outputs, whole.domain.select(self.names)  # type: ignore[misc]
        self.dtype = getattr(whole, "dtype", np.dtype(np.float64))
        self._columns = [whole.names.index(name) for name in self.names]
        self._row = np.array([fixed.get(name, 0.0) for name in whole.names])

    @classmethod
    def of(cls, whole: Surface, fixed: dict[str, Any]) -> Slice:
        """The slice of a fit, or of a slice."""
        values: dict[str, float] = {}
        for name, value in fixed.items():
            column = which_input(whole, name)
            try:
                values[name] = float(value)
            except (TypeError, ValueError):
                raise ArgumentError(f"slice: {name}={value!r} must be a number") from None
            low, high = whole.domain.bounds[column]
            if not low <= values[name] <= high:
                raise DomainError(f"slice: {name}={value} lies outside the domain, where {name}={low:g}:{high:g}")
        if len(values) == len(whole.names):
            raise ArgumentError("slice: every input is held, so that nothing varies; call the fit for its value there")
        return cls(whole, values)

    def _filled(self, x: np.ndarray) -> np.ndarray:
        """Points of the whole fit."""
        points = np.tile(self._row, (len(x), 1))
        points[:, self._columns] = x
        return points

    def _predict(self, x: np.ndarray) -> np.ndarray:
        return self.whole._predict(self._filled(x))

    def predict(self, points: Any) -> np.ndarray:
        """Values at points (n, d), or (n,) for one input -> (n,), or (n, k) for several outputs."""
        y = self._predict(points_from(points, self.names))
        return y[:, 0] if y.shape[1] == 1 else y

    def derivative(self, points: Any) -> np.ndarray:
        """Gradients by the inputs that are left, (n, d), or (n, k, d) for several outputs."""
        return self.whole.derivative(self._filled(points_from(points, self.names)))[..., self._columns]

    def __call__(self, *values: Any, **named: Any) -> Any:
        """Values elementwise, one argument for each input by place or name."""
        if len(values) + len(named) != len(self.names) or set(named) - set(self.names[len(values) :]):
            raise ArgumentError(f"the slice takes {', '.join(self.names)}; got {len(values) + len(named)} values")
        columns = [*values, *(named[n] for n in self.names[len(values) :])]
        arrays = np.broadcast_arrays(*(number_array(n, v) for n, v in zip(self.names, columns, strict=True)))
        y = self._predict(np.stack([a.reshape(-1) for a in arrays], axis=1))
        shape = arrays[0].shape
        y = y.reshape(shape if len(self.outputs) == 1 else (*shape, len(self.outputs)))
        return float(y) if y.ndim == 0 else y

    def __repr__(self) -> str:
        held = ", ".join(f"{name}={value:g}" for name, value in self.fixed.items())
        return f"<Slice at {held}: {', '.join(self.outputs)} from {', '.join(self.names)}>"


__all__ = ["PartialDependence", "Readings", "Slice"]
