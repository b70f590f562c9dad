"""Rules with a step size of their own for each parameter, or an average of the path: Adadelta, Rprop, ASGD."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from surefit.core import ops
from surefit.core.ops import cast, float64, int64, maximum, minimum, pow_, sqrt, where
from surefit.errors import ArgumentError
from surefit.optim.optimizer import Optimizer, Values, check_kind


class Adadelta(Optimizer):
    """Adadelta (Zeiler 2012)."""

    def __init__(
        self, params: Iterable[Any], lr: float = 1.0, rho: float = 0.9, eps: float = 1e-6, weight_decay: float = 0.0,
        *, maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, dict(lr=lr, rho=rho, eps=eps, weight_decay=weight_decay, maximize=maximize))

    def check(self, o: Values) -> None:
        super().check(o)
        if "rho" in o and not 0.0 <= o["rho"] <= 1.0:
            raise ArgumentError(f"Adadelta: rho={o['rho']} must be from 0 to 1")

    def init(self, p: Any, h: Any) -> Values:
        return {"square_avg": np.zeros_like(p), "acc_delta": np.zeros_like(p)}

    def update(self, p: Any, g: Any, s: Any, h: Any) -> tuple[Any, Values]:
        g = g + p * h.weight_decay if h.weight_decay else g
        square = s.square_avg * h.rho + (g * g) * (1.0 - h.rho)
        move = sqrt(s.acc_delta + h.eps) / sqrt(square + h.eps) * g
        moved = s.acc_delta * h.rho + (move * move) * (1.0 - h.rho)
        return p - move * cast(h.lr, dtype=p.dtype), {"square_avg": square, "acc_delta": moved}


class Rprop(Optimizer):
    """Rprop (Riedmiller and Braun 1993): only the signs of the gradient count. Not for batches."""

    first = ("lr",)

    def __init__(
        self, params: Iterable[Any], lr: float = 1e-2, etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50.0), *, maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, dict(lr=lr, etas=etas, step_sizes=step_sizes, maximize=maximize))

    def check(self, o: Values) -> None:
        super().check(o)
        if "etas" in o and not 0.0 < o["etas"][0] < 1.0 < o["etas"][1]:
            raise ArgumentError(f"Rprop: etas={o['etas']} must be one number between 0 and 1, and one above 1")

    def init(self, p: Any, h: Any) -> Values:
        return {"prev": np.zeros_like(p), "step_size": np.full_like(p, float(h.lr))}

    def update(self, p: Any, g: Any, s: Any, h: Any) -> tuple[Any, Values]:
        same = g * s.prev
        factor = where(ops.gt(same, 0.0), h.etas[1], where(ops.lt(same, 0.0), h.etas[0], 1.0))
        size = minimum(maximum(s.step_size * cast(factor, dtype=p.dtype), h.step_sizes[0]), h.step_sizes[1])
        g = where(ops.lt(same, 0.0), 0.0, g)
        return p - ops.sign(g) * size, {"prev": g, "step_size": size}


class ASGD(Optimizer):
    """Averaged stochastic gradient descent (Polyak and Juditsky 1992). The average is in the state, as "ax"."""

    def __init__(
        self, params: Iterable[Any], lr: float = 1e-2, lambd: float = 1e-4, alpha: float = 0.75, t0: float = 1e6,
        weight_decay: float = 0.0, *, maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, dict(
            lr=lr, lambd=lambd, power=alpha, t0=t0, weight_decay=weight_decay, maximize=maximize,
        ))  # fmt: skip

    def check(self, o: Values) -> None:
        super().check(o)
        if "power" in o:  # alpha, which is a share elsewhere
            check_kind("ASGD: alpha", o["power"], 0.75)

    def init(self, p: Any, h: Any) -> Values:
        one = np.ones((), np.float64)
        return {"step": np.zeros((), np.int64), "eta": one * float(h.lr), "mu": one, "ax": np.zeros_like(p)}

    def update(self, p: Any, g: Any, s: Any, h: Any) -> tuple[Any, Values]:
        step = s.step + np.ones((), int64)
        t = cast(step, dtype=float64)
        g = g + p * h.weight_decay if h.weight_decay else g
        p = p * cast(1.0 - s.eta * h.lambd, dtype=p.dtype) - g * cast(s.eta, dtype=p.dtype)
        average = s.ax + (p - s.ax) * cast(s.mu, dtype=p.dtype)
        eta = h.lr / pow_(1.0 + t * (h.lr * h.lambd), h.power)
        mu = 1.0 / maximum(t - h.t0, 1.0)
        return p, {"step": step, "eta": eta, "mu": mu, "ax": average}


__all__ = ["ASGD", "Adadelta", "Rprop"]
