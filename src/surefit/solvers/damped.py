"""The damped linear least-squares problem, the inside of every Levenberg-Marquardt step, and the ways to keep it short.

    minimise over p   1/2 |J p + r|^2 + mu/2 |D p|^2          J (m, n), r (m,), D diagonal

It is solved as the stacked system [J; sqrt(mu) D] p = [-r; 0] by orthogonal factorisation: J'J squares the condition
number, and then the last digits of a fit are out of reach. J is reduced to its triangle R once; every mu after that
costs n^3 whatever m is. Up to SMALL variables R is decomposed into singular values, which makes each mu a product;
above, [R; sqrt(mu) D] is reduced by QR, or J'J + mu D^2 by Cholesky where mu alone proves its condition to be harmless.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from surefit.blas import scipy_linalg
from surefit.cores import each
from surefit.errors import ArgumentError

from .differences import EPS

SMALL = 100
HARMLESS = 1e8  # J'J + mu D^2 up to this condition loses no more than half of the digits
BLOCK = 4096  # rows of a Jacobian that one core multiplies or reduces
ROUNDS = 10  # of guessing which bounds hold
LINEAR_SOLVERS = ("auto", "svd", "qr")


def column_norms(A: np.ndarray) -> np.ndarray:
    """The lengths (n,) of the columns of A (m, n), without another array of its size."""
    return np.sqrt(np.einsum("ij,ij->j", A, A))


def _triangle_of(A: np.ndarray) -> np.ndarray:
    """R (k, n) of A = Q R, A (m, n), k = min(m, n); of many rows in blocks, whose triangles are reduced together."""
    blocks = _blocks(A)
    if len(blocks) > 1:
        A = np.concatenate(each(lambda block: np.linalg.qr(block, mode="r"), blocks))
    return np.asarray(np.linalg.qr(A, mode="r"))


def products(A: np.ndarray) -> np.ndarray:
    """A'A (n, n), of many rows in blocks, on all cores that are free."""
    return np.asarray(sum(each(lambda block: block.T @ block, _blocks(A))))


def _blocks(A: np.ndarray) -> list[np.ndarray]:
    """A (m, n) cut into rows that are worth a core each, and have four times as many numbers as their products."""
    rows = max(BLOCK, 4 * A.shape[1])
    return [A[i : i + rows] for i in range(0, len(A), rows)] if len(A) > 2 * rows else [A]


class Linearised:
    """The problem above at one point: jacobian (m, n), residuals (m,), scale (n,) the diagonal of D, all > 0."""

    def __init__(self, jacobian: np.ndarray, residuals: np.ndarray, scale: np.ndarray, solver: str = "auto") -> None:
        self.jacobian, self.residuals, self.scale = jacobian, residuals, scale
        self.gradient = residuals @ jacobian
        self.small = solver == "svd" or (solver == "auto" and len(scale) <= SMALL)
        self.orthogonal = solver != "auto"

    @cached_property
    def triangle(self) -> tuple[np.ndarray, np.ndarray]:
        """R D^-1 (k, n) and the rotated residuals (k,), k = min(m, n), of J = Q R."""
        n = len(self.scale)
        both = _triangle_of(np.column_stack([self.jacobian, self.residuals]))
        return both[:n, :n] / self.scale, both[:n, n]

    @cached_property
    def singular(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Singular values (k,) of J D^-1, the residuals along them (k,), and the directions (k, n)."""
        R, c = self.triangle
        U, s, Vt = np.linalg.svd(R, full_matrices=False)
        return s, c @ U, Vt

    @cached_property
    def normal(self) -> np.ndarray:
        """D^-1 J'J D^-1 (n, n)."""
        return products(self.jacobian) / np.outer(self.scale, self.scale)

    @cached_property
    def columns(self) -> np.ndarray:
        """Norms (n,) of the columns of J."""
        return column_norms(self.jacobian)

    @cached_property
    def size(self) -> float:
        """Frobenius norm of J D^-1: no singular value is larger."""
        return float(np.linalg.norm(self.columns / self.scale))

    @property
    def cutoff(self) -> float:
        """Singular values up to this are rounding."""
        return max(self.jacobian.shape) * EPS * (float(self.singular[0][0]) if self.small else self.size)

    def rank(self) -> int:
        """How many independent columns J D^-1 has, to within rounding."""
        s = self.singular[0] if self.small else np.linalg.svd(self.triangle[0], compute_uv=False)
        return int(np.sum(s > max(self.jacobian.shape) * EPS * s[0])) if s[0] > 0 else 0

    def harmless(self, mu: float) -> bool:
        """Whether the normal equations damped by mu are known to be well conditioned."""
        return not self.orthogonal and self.size**2 + mu <= HARMLESS * mu

    def _factor(self, mu: float) -> np.ndarray:
        """Upper triangle U (n, n) with U'U = D^-1 J'J D^-1 + mu."""
        n = len(self.scale)
        if self.harmless(mu):
            return np.linalg.cholesky(self.normal + mu * np.eye(n)).T
        stacked = np.vstack([self.triangle[0], math.sqrt(mu) * np.eye(n)])
        return _triangle_of(stacked)

    def damped(self, mu: float) -> tuple[np.ndarray, float, float]:
        """mu >= 0 -> the step p (n,), its length |D p|, and the derivative of the length by mu.

        Where mu = 0 does not determine the step, it is the shortest of them.
        """
        if self.small:
            s, c, Vt = self.singular
            kept = s > (self.cutoff if mu == 0.0 else 0.0)
            s, c, Vt = s[kept], c[kept], Vt[kept]
            along = -s * c / (s * s + mu)
            length = float(np.linalg.norm(along))
            slope = -float(np.sum(along**2 / (s * s + mu))) / length if length > 0 else 0.0
            return (along @ Vt) / self.scale, length, slope
        solve_triangular = scipy_linalg().solve_triangular
        mu = max(mu, self.cutoff**2, np.finfo(np.float64).tiny)
        if self.harmless(mu):
            U = self._factor(mu)
            q = -solve_triangular(U, solve_triangular(U, self.gradient / self.scale, trans="T"))
        else:
            n, (R, c) = len(self.scale), self.triangle
            stacked = np.zeros((len(c) + n, n + 1))
            stacked[: len(c), :n], stacked[: len(c), n] = R, c
            stacked[np.arange(len(c), len(c) + n), np.arange(n)] = math.sqrt(mu)
            both = _triangle_of(stacked)
            U = both[:n, :n]
            q = -solve_triangular(U, both[:n, n])
        length = float(np.linalg.norm(q))
        w = solve_triangular(U, q, trans="T")
        return q / self.scale, length, -float(w @ w) / length if length > 0 else 0.0

    def again(self, mu: float, gradient: np.ndarray) -> np.ndarray:
        """The step p (n,) for another gradient (n,), for the same J and mu."""
        g = gradient / self.scale
        if self.small:
            s, _, Vt = self.singular
            kept = s > (self.cutoff if mu == 0.0 else 0.0)
            return -((Vt[kept] @ g / (s[kept] ** 2 + mu)) @ Vt[kept]) / self.scale
        U = self._factor(max(mu, self.cutoff**2, np.finfo(np.float64).tiny))
        solve_triangular = scipy_linalg().solve_triangular
        return -solve_triangular(U, solve_triangular(U, g, trans="T")) / self.scale

    def predicted(self, p: np.ndarray) -> float:
        """How much 1/2 |J p + r|^2 is below 1/2 |r|^2."""
        Jp = self.jacobian @ p
        return -float(self.gradient @ p) - 0.5 * float(Jp @ Jp)

    def within(self, free: np.ndarray, p: np.ndarray) -> Linearised:
        """The problem for the free variables (mask), the others moved by p already; of min(m, n) rows."""
        solver = "auto" if not self.orthogonal else ("svd" if self.small else "qr")
        if self.jacobian.shape[0] <= 2 * len(self.scale):
            J, r = self.jacobian, self.residuals
        else:
            J, r = self.triangle[0] * self.scale, self.triangle[1]
        return Linearised(J[:, free], r + J[:, ~free] @ p[~free], self.scale[free], solver)

    def boxed(self, mu: float, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """The damped step p (n,) with low <= p <= high (low <= 0 <= high).

        Primal-dual active sets (Hintermueller, Ito and Kunisch 2003): variables that would leave are put on their
        bound, those whose bound would rather let them go are freed, until nothing changes, in a few rounds as a rule.
        Where that goes round in circles it goes on as `_inside`.
        """
        below = (low == 0.0) & (self.gradient > 0)
        above = (high == 0.0) & (self.gradient < 0)
        settled = False
        p = np.zeros_like(low)
        for _ in range(ROUNDS):
            free = ~(below | above)
            p = np.where(below, low, np.where(above, high, 0.0))
            if free.any():
                p[free] = self.within(free, p).damped(mu)[0]
            slope = self._slope(mu, p)
            to_low = (free & (p < low)) | (below & (slope >= 0))
            to_high = (free & (p > high)) | (above & (slope <= 0))
            settled = bool((to_low == below).all() and (to_high == above).all())
            if settled:
                break
            below, above = to_low, to_high
        p = np.clip(p, low, high)
        if not settled:
            p = self._inside(mu, p, low, high)
        return p if self.predicted(p) > 0 else self._downhill(mu, low, high)

    def _slope(self, mu: float, p: np.ndarray) -> np.ndarray:
        """The gradient (n,) of the damped problem at p."""
        return (self.jacobian @ p + self.residuals) @ self.jacobian + mu * self.scale**2 * p

    def _inside(self, mu: float, p: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """The same from p inside the box, never leaving it: bounded-variable least squares (Stark and Parker 1995).

        Each round goes towards the minimum over the free variables as far as the box allows, and fixes what it meets;
        where nothing is met, the variable that gains most by leaving its bound is freed.
        """
        free = (p > low) & (p < high)
        for _ in range(3 * len(p) + ROUNDS):
            met = np.zeros_like(free)
            if free.any():
                goal = p.copy()
                goal[free] = self.within(free, p).damped(mu)[0]
                way = goal - p
                room = np.where(way > 0, high - p, low - p)
                with np.errstate(divide="ignore", invalid="ignore"):
                    parts = np.where(free & (way != 0), room / way, np.inf)
                part = min(1.0, float(parts.min()))
                met = parts <= part if part < 1.0 else met
                p = np.clip(p + part * way, low, high)
                p = np.where(met, np.where(way > 0, high, low), p)
            if met.any():
                free = free & ~met
                continue
            slope = self._slope(mu, p)
            gain = np.where(~free & (low < high), np.where(p <= low, -slope, slope), 0.0) / self.scale
            best = int(np.argmax(gain))
            if gain[best] <= 1e-12 * float(np.abs(self.gradient / self.scale).max()):
                break
            free = free.copy()
            free[best] = True
        return p

    def _downhill(self, mu: float, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Along the scaled gradient, bent at the bounds, as far as the damped model falls enough."""
        p = np.zeros_like(low)
        direction = -self.gradient / self.scale**2
        t = 1.0 / max(self.size**2 + mu, np.finfo(np.float64).tiny)
        for _ in range(60):
            p = np.clip(t * direction, low, high)
            if self.predicted(p) >= -1e-4 * float(self.gradient @ p):
                return p
            t *= 0.25
        return p


@dataclass(frozen=True, kw_only=True)
class TrustRegion:
    """mu as the multiplier of a trust region |D p| <= radius (J. J. More 1978, The Levenberg-Marquardt algorithm).

    factor: the first radius in units of |D x0| (of 1 where that is zero). The radius shrinks when the cost falls by
    less than a quarter of what the model predicted, and grows when it falls by three quarters.
    """

    factor: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.factor < math.inf:
            raise ArgumentError(f"TrustRegion: factor={self.factor!r} must be a number > 0")

    def first(self, x: np.ndarray, scale: np.ndarray) -> float:
        """The state: the radius."""
        length = float(np.linalg.norm(scale * x))
        return self.factor * (length if length > 0 else 1.0)

    def propose(self, radius: float, model: Linearised) -> tuple[float, np.ndarray]:
        """mu and the step whose length is the radius within a tenth, or mu = 0 if that step is shorter."""
        low, mu = 0.0, 0.0
        size = float(np.linalg.norm(model.gradient / model.scale))
        high = size / radius
        if not model.small and model.size**2 / HARMLESS < high:
            # large: look first whether the normal equations will do, before J is reduced to its triangle
            mu = 2.0 * model.size**2 / HARMLESS
            p, length, slope = model.damped(mu)
            if length > 1.1 * radius:
                low = mu
        if low == 0.0:
            mu = 0.0
            p, length, slope = model.damped(0.0)
            if length <= 1.1 * radius:
                return 0.0, p
        for _ in range(30):
            over = length - radius
            if abs(over) <= 0.1 * radius:
                break
            if over > 0:
                low = max(low, mu)
            else:
                high = min(high, mu)
            # Newton on 1/length, which is nearly linear in mu
            following = mu - (length / radius) * over / slope if slope < 0 else math.nan
            if not low < following < high:
                following = max(1e-3 * high, math.sqrt(low * high))
            mu = following
            p, length, slope = model.damped(mu)
        return mu, p

    def judge(
        self, radius: float, mu: float, ratio: float, length: float, fall: float, slope: float
    ) -> tuple[bool, float]:
        """(accepted, next radius) from the ratio of actual to predicted fall and the length of the step.

        slope: derivative of the cost along the step at its start; with the fall it gives the length to go back to.
        """
        if ratio <= 0.25:
            back = 0.5
            if not math.isfinite(fall):
                back = 0.1
            elif fall < 0:
                back = min(0.5, max(0.1, 0.5 * slope / (slope + fall)))
            radius = back * min(radius, 10.0 * length)
        elif ratio >= 0.75 or mu == 0.0:
            radius = max(radius, 2.0 * length) if mu > 0.0 else 2.0 * length
        return ratio > 1e-4, radius

    def exhausted(self, radius: float) -> str | None:
        """Never: the length of the step tells."""
        return None


@dataclass(frozen=True, kw_only=True)
class Marquardt:
    """mu by multiplication, as MATLAB's trainlm: by mu_dec after a step that lowers the cost, else by mu_inc.

    It stops with "damping" when mu exceeds mu_max and with "gradient" when |J'r| falls below min_grad.
    """

    mu: float = 1e-3
    mu_inc: float = 10.0
    mu_dec: float = 0.1
    mu_max: float = 1e10
    min_grad: float = 1e-7

    def __post_init__(self) -> None:
        for name, fine, needed in (
            ("mu", 0 < self.mu < math.inf, "> 0"),
            ("mu_inc", 1 < self.mu_inc < math.inf, "> 1"),
            ("mu_dec", 0 < self.mu_dec < 1, "between 0 and 1"),
            ("mu_max", self.mu_max > self.mu, "> mu"),
            ("min_grad", self.min_grad >= 0, ">= 0"),
        ):
            if not fine:
                raise ArgumentError(f"Marquardt: {name}={getattr(self, name)!r} must be {needed}")

    def first(self, x: np.ndarray, scale: np.ndarray) -> float:
        """The state: mu."""
        return self.mu

    def propose(self, mu: float, model: Linearised) -> tuple[float, np.ndarray]:
        """mu and its step."""
        return mu, model.damped(mu)[0]

    def judge(
        self, state: float, mu: float, ratio: float, length: float, fall: float, slope: float
    ) -> tuple[bool, float]:
        """(accepted, next mu)."""
        return (True, max(state * self.mu_dec, 1e-20)) if fall > 0 else (False, state * self.mu_inc)

    def exhausted(self, mu: float) -> str | None:
        """Whether mu is beyond its largest value."""
        return "damping" if mu > self.mu_max else None


@dataclass(frozen=True, kw_only=True)
class LineSearch:
    """No damping: the Gauss-Newton step, cut back until the cost falls by the part `armijo` of what the slope promises.

    Nocedal and Wright (2006), chapter 3.1 and section 10.3; the next length is the minimum of the parabola through what
    is known, between a tenth and a half of the last.
    """

    armijo: float = 1e-4

    def __post_init__(self) -> None:
        if not 0 < self.armijo < 0.5:
            raise ArgumentError(f"LineSearch: armijo={self.armijo!r} must be between 0 and 0.5")

    def first(self, x: np.ndarray, scale: np.ndarray) -> float:
        """The state: the part of the step to take."""
        return 1.0

    def propose(self, part: float, model: Linearised) -> tuple[float, np.ndarray]:
        """mu = 0 and the part of the step."""
        return 0.0, part * model.damped(0.0)[0]

    def judge(
        self, part: float, mu: float, ratio: float, length: float, fall: float, slope: float
    ) -> tuple[bool, float]:
        """(accepted, part of the next step)."""
        if fall >= -self.armijo * slope and fall > 0:
            return True, 1.0
        back = slope / (2.0 * (slope + fall)) if math.isfinite(fall) and slope + fall < 0 else 0.1
        return False, part * min(0.5, max(0.1, back))

    def exhausted(self, part: float) -> str | None:
        """Never: the length of the step tells."""
        return None
