"""What one does with a fit that stands in for a function, as methods of a fit and of its slices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from surefit.checking import number_array, whole_number
from surefit.data import Domain, points_from, raw_names, sample
from surefit.data.columns import ABSENT, BOOLEAN, TEXT, Coded, unmasked
from surefit.errors import ArgumentError, DomainError
from surefit.readings.choices import Choice, choices_of, snapped
from surefit.readings.extrema import STARTS, Extremum, extremum, inverse, places
from surefit.readings.integrals import Integral, integral
from surefit.readings.sensitivity import Sensitivity, sensitivity
from surefit.readings.surface import Held, Surface, gradients_of, read, told_outside, which_input, which_output

AVERAGED = 2048  # points over which a partial dependence is a mean


class PartialDependence(NamedTuple):
    """The mean of a fit over all inputs but one: y (m,), or (m, k) for several outputs, at values x (m,) of that.

    Of a column of texts x are its texts.
    """

    x: np.ndarray
    y: np.ndarray


class Readings:
    """What can be asked of a fit, or of a slice of one, beside its values.

    Of classes it is asked of their probabilities. Columns of texts, and of yes and no, take the values that the table
    had and nothing between them; where a value was missing is held at "it is there".
    """

    if TYPE_CHECKING:

        @property
        def names(self) -> tuple[str, ...]: ...
        @property
        def outputs(self) -> tuple[str, ...]: ...
        @property
        def domain(self) -> Domain: ...
        @property
        def coding(self) -> tuple[Coded, ...]: ...
        def _predict(self, x: np.ndarray) -> np.ndarray: ...
        def derivative(self, points: Any) -> np.ndarray: ...

    def integral(self, bounds: Any = None) -> Integral:
        """The integral over the domain, or over the part of it that `bounds` names.

        Up to five inputs by Gauss-Legendre rules that are refined until two agree, else by scrambled Sobol points.

        Returns:
            `value`, a number or (k,) for several outputs, and `error`, what is left of the quadrature; the error of the
            fit itself comes to it.

        Raises:
            DomainError: bounds that reach outside the domain. ArgumentError: a column of texts, over which there is no
                integral; hold it with `slice`.

        >>> import surefit
        >>> fit = surefit.fit("x1*x2", "x1=0:1, x2=0:2", method="polynomial")
        >>> round(fit.integral().value, 9), round(fit.integral({"x1": (0, 0.5)}).value, 9)
        (1.0, 0.25)
        """
        return integral(read(self), bounds)

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
        return extremum(read(self), 1.0, bounds, output, starts, seed)

    def maximum(self, bounds: Any = None, *, output: Any = None, starts: int = STARTS, seed: int = 0) -> Extremum:
        """The largest value that searches found, and where; see `minimum`."""
        return extremum(read(self), -1.0, bounds, output, starts, seed)

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
        return places(read(self), value, bounds, output, starts, seed)

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
        return inverse(read(self), y, bounds, output, all_solutions)

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
        return sensitivity(read(self), bounds, output, seed)

    def slice(self, **fixed: Any) -> Slice:
        """The fit with some inputs held at a value: a function of the others, with the same methods.

        Columns of texts and dates are held at what the table has in them, slice(colour="red").

        Raises:
            ArgumentError: an unknown input, all of them, a value that is not a number. DomainError: outside the domain.

        >>> import surefit
        >>> fit = surefit.fit("x1*x2", "x1=0:1, x2=0:2", method="polynomial")
        >>> half = fit.slice(x2=1.5)
        >>> half.names, round(half(0.5), 9), round(half.integral().value, 9)
        (('x1',), 0.75, 0.75)
        """
        return Slice.of(read(self), fixed)

    def partial_dependence(
        self, name: str, points: int | Sequence[float] = 101, *, over: Any = None
    ) -> PartialDependence:
        """The mean of the fit over all inputs but one, against that one (Friedman 2001).

        Args:
            name: the input.
            points: how many values of it, evenly over the domain, or the values themselves; of a column of texts all
                of them unless some are given.
            over: points (n, d) over whose other inputs the mean is taken, such as the rows that were measured. None:
                evenly over the domain.

        Raises:
            ArgumentError: an unknown input.

        >>> import surefit
        >>> fit = surefit.fit("x1*x2", "x1=0:1, x2=0:2", method="polynomial")
        >>> fit.partial_dependence("x1", [0.0, 0.5]).y.round(3).tolist()
        [0.0, 0.5]
        """
        surface = read(self)
        box = surface.domain
        choices = choices_of(surface, box)
        own = next((choice for choice in choices if choice.name == name), None)
        if own is None and (of := next((c.name for c in surface.coding if name in c.columns and name != c.name), "")):
            raise ArgumentError(f"partial_dependence: {name!r} is a part of the column {of!r}; name that one")
        column = own.columns if own is not None else [which_input(surface, name)]
        if own is not None:
            at, rows = _chosen(own, points)
        elif isinstance(points, (int, np.integer)):
            at = box.axis(column[0], whole_number("points", points, 2))
            rows = at[:, None]
        else:
            at = number_array("points", points).ravel()
            rows = at[:, None]
        if over is None:
            rest = snapped(sample(box, AVERAGED, "sobol", generator=np.random.default_rng(0x9D)), box, choices)
        else:
            rest = points_from(over, surface.names, "partial_dependence", surface.coding).copy()
        there = next((c for c in choices if c.hidden and c.name == f"{name} {ABSENT}"), None)
        if there is not None:  # where the input has a value, it is not missing
            rest[:, there.columns] = there.rows[0]
        asked = np.repeat(rest[:1], len(rows), axis=0)
        asked[:, column] = rows
        told_outside(surface, asked)
        means = []
        for row in rows:
            rest[:, column] = row
            means.append(surface._predict(rest).mean(axis=0))
        y = np.array(means).reshape(len(at), len(surface.outputs))
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
        surface = read(self)
        column, point = which_output(surface, output), number_array("x", x).reshape(-1)
        if len(point) != len(self.names):
            raise ArgumentError(f"x has {len(point)} numbers; needed one point of {', '.join(self.names)}")
        return float(surface._predict(point[None])[0, column]), gradients_of(surface, point[None])[0, column]


class Slice(Held, Readings):
    """A fit with some inputs held at a value; made by `fit.slice(x2=0.3)`.

    Attributes:
        names, outputs, domain: of the inputs that are left, and the outputs; of classes their probabilities. fixed: the
            values of the others, by name.
    """

    @classmethod
    def of(cls, whole: Surface, fixed: dict[str, Any]) -> Slice:
        """The slice of a fit, or of a slice."""
        if not fixed:
            raise ArgumentError(f"slice: say which inputs are held and where, such as slice({whole.names[0]}=...)")
        values: dict[str, float] = {}
        for name, value in fixed.items():
            values |= _held(whole, name, value)
        for name, value in values.items():
            low, high = whole.domain.bounds[whole.names.index(name)]
            if not low <= value <= high:
                raise DomainError(f"slice: {name}={value} lies outside the domain, where {name}={low:g}:{high:g}")
        if len(values) == len(whole.names):
            raise ArgumentError("slice: every input is held, so that nothing varies; call the fit for its value there")
        return cls(whole, values)

    def predict(self, points: Any) -> np.ndarray:
        """Values at points (n, d), or (n,) for one input -> (n,), or (n, k) for several outputs."""
        x = points_from(points, self.names, coding=self.coding)
        told_outside(self, x)
        y = self._predict(x)
        return y[:, 0] if y.shape[1] == 1 else y

    def derivative(self, points: Any) -> np.ndarray:
        """Gradients by the inputs that are left, (n, d), or (n, k, d) for several outputs."""
        return super().derivative(points_from(points, self.names, "derivative", self.coding))

    def __call__(self, *values: Any, **named: Any) -> Any:
        """Values elementwise, one argument for each input by place or name; a column of texts is one input."""
        names = self.names
        if self.coding:  # a column of texts is one argument, unless its numbers are named one by one
            raw = tuple(raw_names(names, self.coding))
            names = raw if len(values) + len(named) == len(raw) and set(named) <= set(raw) else names
        if len(values) + len(named) != len(names) or set(named) - set(names[len(values) :]):
            raise ArgumentError(f"the slice takes {', '.join(names)}; got {len(values) + len(named)} values")
        columns = [*values, *(named[n] for n in names[len(values) :])]
        coded = {code.name for code in self.coding}
        arrays = np.broadcast_arrays(
            *(unmasked(v) if n in coded else number_array(n, v) for n, v in zip(names, columns, strict=True))
        )
        if self.coding:
            given = {name: a.reshape(-1) for name, a in zip(names, arrays, strict=True)}
            x = points_from(given, self.names, "slice", self.coding)
        else:
            x = np.stack([a.reshape(-1) for a in arrays], axis=1)
        told_outside(self, x)
        y = self._predict(x)
        shape = arrays[0].shape
        y = y.reshape(shape if len(self.outputs) == 1 else (*shape, len(self.outputs)))
        return float(y) if y.ndim == 0 else y

    def __repr__(self) -> str:
        held = ", ".join(f"{name}={value:g}" for name, value in self.fixed.items())
        return f"<Slice at {held}: {', '.join(self.outputs)} from {', '.join(self.names)}>"


def _chosen(choice: Choice, points: Any) -> tuple[np.ndarray, np.ndarray]:
    """The values of a choice that were asked for, all for a number of points, and their numbers (m, columns)."""
    if isinstance(points, (int, np.integer)) and not isinstance(points, bool):
        return np.array(choice.labels), choice.rows
    wanted = list(np.atleast_1d(np.asarray(points, dtype=object)))
    if odd := [w for w in wanted if w not in choice.labels]:
        raise ArgumentError(
            f"partial_dependence: {odd[0]!r} is no value of {choice.name!r}, which is one of "
            f"{', '.join(map(str, choice.labels))}"
        )
    return np.array(wanted), choice.rows[[choice.labels.index(w) for w in wanted]]


def _held(whole: Surface, name: str, value: Any) -> dict[str, float]:
    """The inputs that hold a column of the table at a value: a text is several numbers."""
    code = next((code for code in whole.coding if name in (code.name, *code.columns)), None)
    if code is None:
        column = which_input(whole, name)
        try:
            return {whole.names[column]: float(value)}
        except (TypeError, ValueError):
            raise ArgumentError(f"slice: {name}={value!r} must be a number") from None
    if name != code.name:  # one of the numbers of a column of several
        text = name.removeprefix(f"{code.name}=")
        if code.kind != TEXT or (value != 1 and not (len(code.categories) == 2 and value == 0)):
            raise ArgumentError(f"slice: {name!r} belongs to the column {code.name!r}; hold that one at its value")
        value = text if value == 1 else code.categories[0]
    numbers = points_from({code.name: value}, code.columns, "slice", (code,))[0]
    if code.kind == BOOLEAN and numbers[0] not in (0.0, 1.0):
        raise ArgumentError(f"slice: {name}={value!r} must be yes or no, 1 or 0")
    if not np.isfinite(numbers).all():
        raise ArgumentError(f"slice: {name} is missing, and nothing stands for it; give a value")
    return dict(zip(code.columns, numbers.tolist(), strict=True))


__all__ = ["PartialDependence", "Readings", "Slice"]
