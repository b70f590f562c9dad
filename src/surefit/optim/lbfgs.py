"""L-BFGS for networks: the loss of all data again and again, through a closure.

The two-loop recursion of J. Nocedal (1980) and the line search of M. Schmidt's minFunc (2005; Nocedal and Wright 2006,
algorithms 3.5 and 3.6), with the constants that PyTorch uses, so that the same closure takes the same steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from surefit.core.modes import enable_grad, mode
from surefit.errors import ArgumentError, CapturedError
from surefit.optim.optimizer import Optimizer, Values, joint_vector

DECREASE, CURVATURE = 1e-4, 0.9  # of the strong Wolfe conditions
CURVED = 1e-10  # y's of a pair that is kept


class _Point(NamedTuple):
    """A point of the line: how far, the loss, its gradient, its slope along the line."""

    at: float
    loss: float
    grad: np.ndarray
    slope: float


class LBFGS(Optimizer):
    """Limited-memory BFGS (Nocedal 1980), as `torch.optim.LBFGS`: each `step(closure)` makes up to max_iter iterations.

    closure: forgets the gradients, computes the loss, calls `backward`, and returns the loss. line_search_fn:
    "strong_wolfe", or None for steps of length lr. Only without chance in the loss (no batches, no dropout).

    >>> from surefit.core.leaves import Parameter
    >>> x = Parameter([-1.0, 2.0])
    >>> optimizer = LBFGS([x], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
    ...     loss.backward()
    ...     return loss
    >>> for _ in range(5):
    ...     loss = optimizer.step(closure)
    >>> bool(loss < 1e-6)
    True
    """

    def __init__(
        self, params: Iterable[Any], lr: float = 1.0, max_iter: int = 20, max_eval: int | None = None,
        tolerance_grad: float = 1e-7, tolerance_change: float = 1e-9, history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:  # fmt: skip
        if max_eval is None and isinstance(max_iter, int):
            max_eval = max_iter * 5 // 4
        super().__init__(params, dict(
            lr=lr, max_iter=max_iter, max_eval=max_eval, tolerance_grad=tolerance_grad,
            tolerance_change=tolerance_change, history_size=history_size, line_search_fn=line_search_fn,
        ))  # fmt: skip
        if len(self.param_groups) != 1:
            raise ArgumentError("LBFGS: all parameters share one curvature, so they make one group of one dtype")
        self._memory: dict[str, Any] = {"steps": [], "changes": [], "iterations": 0}

    def check(self, o: Values) -> None:
        super().check(o)
        if o.get("line_search_fn") not in (None, "strong_wolfe"):
            raise ArgumentError(f"LBFGS: line_search_fn={o['line_search_fn']!r} must be None or 'strong_wolfe'")
        for name, least in (("max_iter", 1), ("max_eval", 0), ("history_size", 1)):
            if name in o and (not isinstance(o[name], (int, np.integer)) or o[name] < least):
                raise ArgumentError(f"LBFGS: {name}={o[name]!r} must be a whole number >= {least}")

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Up to max_iter iterations; returns the loss before them. ArgumentError without a closure."""
        if closure is None:
            raise ArgumentError("LBFGS: step needs a closure: optimizer.step(closure), closure returning the loss")
        if mode.recorder is not None:
            raise CapturedError(
                "LBFGS decides by the values of the loss, so its step cannot be recorded; leave jit out"
            )
        h, vector, memory = (
            dict(self.param_groups[0].items()),
            joint_vector(self.param_groups[0]["params"]),
            self._memory,
        )

        def loss_of() -> Any:
            with enable_grad():
                return closure()

        def gradient() -> np.ndarray:
            gs = [np.zeros(shape) if p.grad is None else p.grad.numpy() for p, _, _, shape in vector.parts]
            return np.concatenate([np.reshape(g, -1) for g in gs]).astype(vector.value.dtype)

        first = loss_of()
        loss, g, evaluations = float(first), gradient(), 1
        if _largest(g) <= h["tolerance_grad"]:
            return first
        for iteration in range(1, h["max_iter"] + 1):
            memory["iterations"] += 1
            d = self._direction(g, h["history_size"])
            memory["gradient"], before = g, loss
            t = h["lr"] * (min(1.0, 1.0 / float(np.abs(g).sum())) if memory["iterations"] == 1 else 1.0)
            memory["direction"], memory["length"] = d, t
            slope = float(g @ d)
            if slope > -h["tolerance_change"]:
                break
            x, last = np.array(vector.value), iteration == h["max_iter"]
            used = 0
            if h["line_search_fn"] is None:
                vector._store(x + d * x.dtype.type(t))
                if not last:
                    loss, g, used = float(loss_of()), gradient(), 1
            else:

                def look(at: float, x: np.ndarray = x, d: np.ndarray = d) -> _Point:
                    vector._store(x + d * x.dtype.type(at))
                    value = float(loss_of())
                    there = gradient()
                    return _Point(at, value, there, float(there @ d))

                found, used = _search(
                    look, _Point(0.0, loss, g, slope), t, h["max_eval"] - evaluations, _largest(d),
                    h["tolerance_change"],
                )  # fmt: skip
                t, loss, g = found.at, found.loss, found.grad
                memory["length"] = t
                vector._store(x + d * x.dtype.type(t))
            evaluations += used
            if last or evaluations >= h["max_eval"] or _largest(g) <= h["tolerance_grad"]:
                break
            if _largest(d * t) <= h["tolerance_change"] or abs(loss - before) < h["tolerance_change"]:
                break
        return first

    def _direction(self, g: np.ndarray, most: int) -> np.ndarray:
        """The quasi-Newton direction at a gradient, after a look at what the last step has shown of the curvature."""
        memory = self._memory
        if memory["iterations"] == 1:
            return -g
        steps, changes = memory["steps"], memory["changes"]
        y, s = g - memory["gradient"], memory["direction"] * g.dtype.type(memory["length"])
        if float(y @ s) > CURVED:
            del steps[: len(steps) + 1 - most], changes[: len(changes) + 1 - most]
            steps.append(s)
            changes.append(y)
            memory["scale"] = (y @ s) / (y @ y)
        q, parts = -g, []
        for s, y in zip(steps[::-1], changes[::-1], strict=True):
            parts.append((s @ q) / (y @ s))
            q = q - y * parts[-1]
        d = q * g.dtype.type(memory.get("scale", 1.0))
        for s, y, part in zip(steps, changes, parts[::-1], strict=True):
            d = d + s * (part - (y @ d) / (y @ s))
        return d

    def state_dict(self) -> dict[str, Any]:
        """Hyper-parameters and what is known of the curvature; `load_state_dict` takes it back."""
        return {**super().state_dict(), "memory": {k: _copied(v) for k, v in self._memory.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back a state_dict of an LBFGS over the same parameters."""
        super().load_state_dict(state)
        self._memory = {k: _copied(v) for k, v in state["memory"].items()}

    def update(self, p: Any, g: Any, s: Any, h: Any) -> tuple[Any, Values]:
        raise ArgumentError("LBFGS has no update of one gradient; call step(closure)")


def _copied(v: Any) -> Any:
    return [np.array(a) for a in v] if isinstance(v, list) else np.array(v) if isinstance(v, np.ndarray) else v


def _largest(v: np.ndarray) -> float:
    return float(np.abs(v).max(initial=0.0))


def _lowest(a: _Point, b: _Point, low: float, high: float) -> float:
    """Where the cubic through two points is lowest within [low, high]; the middle where it has no minimum."""
    if a.at > b.at:
        a, b = b, a
    inner = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.at - b.at)
    square = inner * inner - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2
    root = math.sqrt(square)
    under = b.slope - a.slope + 2 * root
    at = b.at - (b.at - a.at) * ((b.slope + root - inner) / under) if under else math.nan
    return min(max(at, low), high)


def _search(
    look: Callable[[float], _Point], start: _Point, t: float, most: int, size: float, tolerance: float
) -> tuple[_Point, int]:
    """A point along the line that meets the strong Wolfe conditions, or the best one; and how many were looked at."""

    def too_high(p: _Point) -> bool:
        return p.loss > start.loss + DECREASE * p.at * start.slope

    def flat(p: _Point) -> bool:
        return abs(p.slope) <= -CURVATURE * start.slope

    last, new, count, tries = start, look(t), 1, 0
    bracket = [start, new]
    while tries < most:
        if too_high(new) or (tries > 1 and new.loss >= last.loss):
            bracket = [last, new]
            break
        if flat(new):
            return new, count
        if new.slope >= 0:
            bracket = [last, new]
            break
        t = _lowest(last, new, new.at + 0.01 * (new.at - last.at), new.at * 10)
        last, new = new, look(t)
        count, tries = count + 1, tries + 1
        bracket = [start, new]
    stuck = False
    low, high = (0, 1) if bracket[0].loss <= bracket[1].loss else (1, 0)
    while tries < most and abs(bracket[1].at - bracket[0].at) * size >= tolerance:
        left, right = sorted(p.at for p in bracket)
        t, edge = _lowest(bracket[0], bracket[1], left, right), 0.1 * (right - left)
        if min(right - t, t - left) < edge:  # a step to an end of the bracket: the second one is taken inwards
            if stuck or t >= right or t <= left:
                t = right - edge if abs(t - right) < abs(t - left) else left + edge
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        new = look(t)
        count, tries = count + 1, tries + 1
        if too_high(new) or new.loss >= bracket[low].loss:
            bracket[high] = new
            low, high = (0, 1) if bracket[0].loss <= bracket[1].loss else (1, 0)
            continue
        done = flat(new)
        if not done and new.slope * (bracket[high].at - bracket[low].at) >= 0:
            bracket[high] = bracket[low]
        bracket[low] = new
        if done:
            break
    return bracket[low], count


__all__ = ["LBFGS"]
