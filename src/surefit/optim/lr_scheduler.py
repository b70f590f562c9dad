"""Learning-rate schedules: each is a formula lr(epoch), evaluated when `step()` is called and assigned to the leaf.

As in PyTorch: make the schedule after the optimiser, call `step()` once an epoch (OneCycleLR, CyclicLR: once a batch).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from surefit.errors import ArgumentError
from surefit.optim.optimizer import Optimizer


class LRScheduler:
    """Base of the schedules that are formulas. A subclass gives `lr_at(epoch, base)` for epoch = 0, 1, 2, ..."""

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise ArgumentError(
                f"{type(self).__name__}: the first argument must be an optimizer, got {type(optimizer).__name__}"
            )
        self.optimizer = optimizer
        self.base_lrs = [g["lr"] for g in optimizer.param_groups]
        self.last_epoch = last_epoch + 1
        if last_epoch >= 0:  # the schedule goes on from there
            self.base_lrs = [g.get("initial_lr", g["lr"]) for g in optimizer.param_groups]
        self._assign()

    def lr_at(self, epoch: int, base: float) -> float:
        """The learning rate of this epoch for a group that began with `base`."""
        raise NotImplementedError(f"{type(self).__name__} has no lr_at(epoch, base)")

    def _assign(self) -> None:
        for group, base in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
            group["lr"] = self.lr_at(self.last_epoch, base)

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch (or to a given one) and set its learning rates."""
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self._assign()

    def get_last_lr(self) -> list[float]:
        """The present learning rate of each group."""
        return [g["lr"] for g in self.optimizer.param_groups]

    get_lr = get_last_lr

    def state_dict(self) -> dict[str, Any]:
        """Where the schedule stands."""
        return {"last_epoch": self.last_epoch, "base_lrs": list(self.base_lrs)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to where a state_dict was taken."""
        self.last_epoch, self.base_lrs = state["last_epoch"], list(state["base_lrs"])
        self._assign()


def _positive(name: str, **values: float) -> None:
    for key, v in values.items():
        if not v > 0:
            raise ArgumentError(f"{name}: {key}={v} must be > 0")


def _of_each(what: str, name: str, value: float | Sequence[float], optimizer: Optimizer) -> list[float]:
    """A positive number for each group of parameters, or one for all."""
    groups = len(optimizer.param_groups) if isinstance(optimizer, Optimizer) else 1
    values: list[float] = [value] * groups if isinstance(value, (int, float)) else list(value)
    if len(values) != groups:
        raise ArgumentError(f"{what}: {name} has {len(values)} numbers for {groups} groups; give one, or one for each")
    for v in values:
        _positive(what, **{name: v})
    return values


class LambdaLR(LRScheduler):
    """base * lr_lambda(epoch). lr_lambda: a function, or a list of one for each group."""

    def __init__(self, optimizer: Optimizer, lr_lambda: Any, last_epoch: int = -1) -> None:
        many = isinstance(lr_lambda, (list, tuple))
        self.lr_lambdas = list(lr_lambda) if many else [lr_lambda] * len(optimizer.param_groups)
        if len(self.lr_lambdas) != len(optimizer.param_groups):
            raise ArgumentError(
                f"{type(self).__name__}: {len(self.lr_lambdas)} functions for {len(optimizer.param_groups)} groups"
            )
        super().__init__(optimizer, last_epoch)

    def _assign(self) -> None:
        for group, base, f in zip(self.optimizer.param_groups, self.base_lrs, self.lr_lambdas, strict=True):
            group["lr"] = self.factor(f, self.last_epoch) * base

    def factor(self, f: Any, epoch: int) -> float:
        """What the base is multiplied by in this epoch."""
        return f(epoch)


class MultiplicativeLR(LambdaLR):
    """Multiplied by lr_lambda(epoch) every epoch."""

    def factor(self, f: Any, epoch: int) -> float:
        return math.prod(f(e) for e in range(1, epoch + 1))


class StepLR(LRScheduler):
    """Multiplied by gamma every step_size epochs."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        _positive("StepLR", step_size=step_size)
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def lr_at(self, epoch: int, base: float) -> float:
        return base * self.gamma ** (epoch // self.step_size)


class MultiStepLR(LRScheduler):
    """Multiplied by gamma at each milestone."""

    def __init__(
        self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones, self.gamma = sorted(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def lr_at(self, epoch: int, base: float) -> float:
        return base * self.gamma ** bisect_right(self.milestones, epoch)


class ConstantLR(LRScheduler):
    """base * factor for the first total_iters epochs, then base."""

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def lr_at(self, epoch: int, base: float) -> float:
        return base * (self.factor if epoch < self.total_iters else 1.0)


class ExponentialLR(LRScheduler):
    """Multiplied by gamma every epoch."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def lr_at(self, epoch: int, base: float) -> float:
        return base * self.gamma**epoch


class CosineAnnealingLR(LRScheduler):
    """Half a cosine from base down to eta_min in T_max epochs (Loshchilov and Hutter 2017, without restarts)."""

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        _positive("CosineAnnealingLR", T_max=T_max)
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def lr_at(self, epoch: int, base: float) -> float:
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * epoch / self.T_max)) / 2


class CosineAnnealingWarmRestarts(LRScheduler):
    """Cosines that start again after T_0, T_0 * T_mult, ... epochs (Loshchilov and Hutter 2017, eq. 5)."""

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        _positive("CosineAnnealingWarmRestarts", T_0=T_0, T_mult=T_mult)
        self.T_0, self.T_mult, self.eta_min = T_0, T_mult, eta_min
        super().__init__(optimizer, last_epoch)

    def lr_at(self, epoch: int, base: float) -> float:
        at, length = epoch, self.T_0
        if self.T_mult == 1:
            at %= length
        while at >= length:
            at, length = at - length, length * self.T_mult
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * at / length)) / 2


class LinearLR(LRScheduler):
    """From base * start_factor to base * end_factor in total_iters epochs: a warm-up by default."""

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        _positive("LinearLR", start_factor=start_factor, total_iters=total_iters)
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def lr_at(self, epoch: int, base: float) -> float:
        part = min(epoch, self.total_iters) / self.total_iters
        return base * (self.start_factor + (self.end_factor - self.start_factor) * part)


class PolynomialLR(LRScheduler):
    """base * (1 - epoch / total_iters) ** power, and 0 after total_iters."""

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        _positive("PolynomialLR", total_iters=total_iters)
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def lr_at(self, epoch: int, base: float) -> float:
        return base * (1.0 - min(epoch, self.total_iters) / self.total_iters) ** self.power


class OneCycleLR(LRScheduler):
    """Up to max_lr and down again, with the momentum the other way round (Smith and Topin 2018). Step it once a batch.

    Begins at max_lr / div_factor, peaks after pct_start of total_steps, ends at that / final_div_factor. max_lr: for
    all groups, or a list with one for each. ArgumentError when it is stepped beyond total_steps.
    """

    def __init__(
        self, optimizer: Optimizer, max_lr: float | Sequence[float], total_steps: int | None = None,
        epochs: int | None = None, steps_per_epoch: int | None = None, pct_start: float = 0.3,
        anneal_strategy: str = "cos", cycle_momentum: bool = True, base_momentum: float = 0.85,
        max_momentum: float = 0.95, div_factor: float = 25.0,
        final_div_factor: float = 1e4, three_phase: bool = False,
    ) -> None:  # fmt: skip
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ArgumentError("OneCycleLR: give total_steps, or both epochs and steps_per_epoch")
            total_steps = epochs * steps_per_epoch
        _positive("OneCycleLR", total_steps=total_steps)
        if anneal_strategy not in ("cos", "linear"):
            raise ArgumentError(f"OneCycleLR: anneal_strategy={anneal_strategy!r} must be 'cos' or 'linear'")
        if not 0 <= pct_start <= 1:
            raise ArgumentError(f"OneCycleLR: pct_start={pct_start} must be from 0 to 1")
        self.total_steps, self.anneal_strategy = total_steps, anneal_strategy
        up, last = float(pct_start * total_steps) - 1, float(total_steps - 1)
        # each phase of a group: its last step, learning rate and momentum at its ends
        self.cycles: list[list[tuple[float, float, float, float, float]]] = []
        for peak in _of_each("OneCycleLR", "max_lr", max_lr, optimizer):
            low, end = peak / div_factor, peak / div_factor / final_div_factor
            rise = (up, low, peak, max_momentum, base_momentum)
            if three_phase:
                fall = (float(2 * pct_start * total_steps) - 2, peak, low, base_momentum, max_momentum)
                self.cycles.append([rise, fall, (last, low, end, max_momentum, max_momentum)])
            else:
                self.cycles.append([rise, (last, peak, end, base_momentum, max_momentum)])
        self.cycle_momentum = cycle_momentum
        super().__init__(optimizer)

    def _between(self, start: float, end: float, part: float) -> float:
        if self.anneal_strategy == "linear":
            return (end - start) * part + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * part) + 1)

    def _at(self, step: int, group: int = 0) -> tuple[float, float]:
        if step > self.total_steps:
            raise ArgumentError(f"OneCycleLR: step {step} of a cycle of {self.total_steps} steps; make it longer")
        begin, phases = 0.0, self.cycles[group]
        for i, (end, lr0, lr1, m0, m1) in enumerate(phases):
            if step <= end or i == len(phases) - 1:
                part = (step - begin) / (end - begin) if end != begin else 1.0
                return self._between(lr0, lr1, part), self._between(m0, m1, part)
            begin = end
        raise AssertionError("unreachable: the last phase always returns")

    def lr_at(self, epoch: int, base: float) -> float:
        return self._at(epoch)[0]

    def _assign(self) -> None:
        for i, group in enumerate(self.optimizer.param_groups):
            group["lr"] = self._at(self.last_epoch, i)[0]
        if self.cycle_momentum:
            _set_momentum(self.optimizer, self._at(self.last_epoch)[1])


class CyclicLR(LRScheduler):
    """Triangles between base_lr and max_lr (Smith 2017). Step it once a batch.

    base_lr, max_lr: for all groups, or lists with one for each. mode: "triangular", "triangular2" (half the height each
    cycle) or "exp_range" (height gamma**step).
    """

    def __init__(
        self, optimizer: Optimizer, base_lr: float | Sequence[float], max_lr: float | Sequence[float],
        step_size_up: int = 2000, step_size_down: int | None = None, mode: str = "triangular", gamma: float = 1.0, *,
        cycle_momentum: bool = True, base_momentum: float = 0.8, max_momentum: float = 0.9,
    ) -> None:  # fmt: skip
        if mode not in ("triangular", "triangular2", "exp_range"):
            raise ArgumentError(f"CyclicLR: mode={mode!r} must be 'triangular', 'triangular2' or 'exp_range'")
        _positive("CyclicLR", step_size_up=step_size_up)
        self.lows = _of_each("CyclicLR", "base_lr", base_lr, optimizer)
        self.peaks = _of_each("CyclicLR", "max_lr", max_lr, optimizer)
        self.mode, self.gamma = mode, gamma
        self.up, self.down = float(step_size_up), float(step_size_down or step_size_up)
        self.cycle_momentum, self.base_momentum, self.max_momentum = cycle_momentum, base_momentum, max_momentum
        super().__init__(optimizer)

    def _height(self, step: int) -> float:
        total = self.up + self.down
        cycle = math.floor(1 + step / total)
        x = 1.0 + step / total - cycle
        ratio = self.up / total
        scale = x / ratio if x <= ratio else (x - 1) / (ratio - 1)
        grow = {"triangular": 1.0, "triangular2": 0.5 ** (cycle - 1), "exp_range": self.gamma**step}[self.mode]
        return scale * grow

    def lr_at(self, epoch: int, base: float) -> float:
        return self.lows[0] + (self.peaks[0] - self.lows[0]) * self._height(epoch)

    def _assign(self) -> None:
        height = self._height(self.last_epoch)
        for group, low, peak in zip(self.optimizer.param_groups, self.lows, self.peaks, strict=True):
            group["lr"] = low + (peak - low) * height
        if self.cycle_momentum:
            span = self.max_momentum - self.base_momentum
            _set_momentum(self.optimizer, self.max_momentum - span * self._height(self.last_epoch))


def _set_momentum(optimizer: Optimizer, value: float) -> None:
    """Momentum, or Adam's first beta, of every group that has one."""
    for group in optimizer.param_groups:
        for key in ("momentum", "beta1"):
            if key in group and (key != "momentum" or group.get("has_momentum", True)):
                group[key] = value


class SequentialLR:
    """One schedule after another: schedule i + 1 begins at epoch milestones[i]."""

    def __init__(self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int]) -> None:
        if len(schedulers) != len(milestones) + 1:
            raise ArgumentError(
                f"SequentialLR: {len(schedulers)} schedulers need {len(schedulers) - 1} milestones, "
                f"got {len(milestones)}"
            )
        self.optimizer, self.schedulers, self.milestones = optimizer, list(schedulers), list(milestones)
        base = schedulers[0].base_lrs
        self.last_epoch = 0
        for s in self.schedulers:
            s.base_lrs = list(base)
        self._assign()

    def _assign(self) -> None:
        i = bisect_right(self.milestones, self.last_epoch)
        s = self.schedulers[i]
        s.last_epoch = self.last_epoch - (self.milestones[i - 1] if i else 0)
        s._assign()

    def step(self) -> None:
        """Go to the next epoch and set its learning rates."""
        self.last_epoch += 1
        self._assign()

    def get_last_lr(self) -> list[float]:
        """The present learning rate of each group."""
        return [g["lr"] for g in self.optimizer.param_groups]


class ChainedScheduler:
    """Several schedules at once: each multiplies the learning rate by its own factor."""

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        if not schedulers:
            raise ArgumentError("ChainedScheduler: needs at least one scheduler")
        self.schedulers = list(schedulers)
        self.optimizer = self.schedulers[0].optimizer if optimizer is None else optimizer
        self.base_lrs = list(self.schedulers[0].base_lrs)
        for s in self.schedulers:
            s.base_lrs = list(self.base_lrs)
        self._assign()

    def _assign(self) -> None:
        for i, (group, base) in enumerate(zip(self.optimizer.param_groups, self.base_lrs, strict=True)):
            factors = []
            for s in self.schedulers:
                s._assign()
                factors.append(s.optimizer.param_groups[i]["lr"] / base if base else 0.0)
            group["lr"] = base * math.prod(factors)

    def step(self) -> None:
        """Go to the next epoch and set its learning rates."""
        for s in self.schedulers:
            s.last_epoch += 1
        self._assign()

    def get_last_lr(self) -> list[float]:
        """The present learning rate of each group."""
        return [g["lr"] for g in self.optimizer.param_groups]


class ReduceLROnPlateau:
    """Multiplied by `factor` when the metric has not improved for more than `patience` epochs. `step(metric)`."""

    def __init__(
        self, optimizer: Optimizer, mode: str = "min", factor: float = 0.1, patience: int = 10, threshold: float = 1e-4,
        threshold_mode: str = "rel", cooldown: int = 0, min_lr: float = 0.0, eps: float = 1e-8,
    ) -> None:  # fmt: skip
        if mode not in ("min", "max") or threshold_mode not in ("rel", "abs"):
            raise ArgumentError("ReduceLROnPlateau: mode must be 'min' or 'max', threshold_mode 'rel' or 'abs'")
        if not 0 < factor < 1:
            raise ArgumentError(f"ReduceLROnPlateau: factor={factor} must be between 0 and 1")
        self.optimizer, self.mode, self.factor, self.patience = optimizer, mode, factor, patience
        self.threshold, self.threshold_mode, self.cooldown = threshold, threshold_mode, cooldown
        self.min_lr, self.eps = min_lr, eps
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = self.cooldown_counter = self.last_epoch = 0

    def _better(self, metric: float) -> bool:
        sign = 1.0 if self.mode == "min" else -1.0
        if self.threshold_mode == "abs" or math.isinf(self.best):
            return sign * metric < sign * self.best - self.threshold
        edge = self.best * (1.0 - sign * self.threshold)
        return metric < edge if self.mode == "min" else metric > edge

    def step(self, metrics: Any) -> None:
        """Look at the metric of the epoch that has just ended."""
        metric = float(metrics)
        self.last_epoch += 1
        if self._better(metric):
            self.best, self.num_bad_epochs = metric, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            for group in self.optimizer.param_groups:
                new = max(group["lr"] * self.factor, self.min_lr)
                if group["lr"] - new > self.eps:
                    group["lr"] = new
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0

    def get_last_lr(self) -> list[float]:
        """The present learning rate of each group."""
        return [g["lr"] for g in self.optimizer.param_groups]
