"""Types of surefit.torch.optim.lr_scheduler, for tools. Written by scripts/signatures.py: change that."""

from typing import Any

from surefit.optim import lr_scheduler as _own

class LRScheduler(_own.LRScheduler):
    def get_lr(self) -> Any: ...

_LRScheduler = LRScheduler

class LambdaLR(_own.LambdaLR):
    def __init__(self, optimizer: Any, lr_lambda: Any, last_epoch: Any = ..., **kwargs: Any) -> None: ...

class MultiplicativeLR(_own.MultiplicativeLR):
    def __init__(self, optimizer: Any, lr_lambda: Any, last_epoch: Any = ..., **kwargs: Any) -> None: ...

class StepLR(_own.StepLR):
    def __init__(
        self, optimizer: Any, step_size: Any, gamma: Any = ..., last_epoch: Any = ..., **kwargs: Any
    ) -> None: ...

class MultiStepLR(_own.MultiStepLR):
    def __init__(
        self, optimizer: Any, milestones: Any, gamma: Any = ..., last_epoch: Any = ..., **kwargs: Any
    ) -> None: ...

class ConstantLR(_own.ConstantLR):
    def __init__(
        self, optimizer: Any, factor: Any = ..., total_iters: Any = ..., last_epoch: Any = ..., **kwargs: Any
    ) -> None: ...

class LinearLR(_own.LinearLR):
    def __init__(
        self,
        optimizer: Any,
        start_factor: Any = ...,
        end_factor: Any = ...,
        total_iters: Any = ...,
        last_epoch: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class ExponentialLR(_own.ExponentialLR):
    def __init__(self, optimizer: Any, gamma: Any, last_epoch: Any = ..., **kwargs: Any) -> None: ...

class PolynomialLR(_own.PolynomialLR):
    def __init__(
        self, optimizer: Any, total_iters: Any = ..., power: Any = ..., last_epoch: Any = ..., **kwargs: Any
    ) -> None: ...

class CosineAnnealingLR(_own.CosineAnnealingLR):
    def __init__(
        self, optimizer: Any, T_max: Any, eta_min: Any = ..., last_epoch: Any = ..., **kwargs: Any
    ) -> None: ...

class CosineAnnealingWarmRestarts(_own.CosineAnnealingWarmRestarts):
    def __init__(
        self, optimizer: Any, T_0: Any, T_mult: Any = ..., eta_min: Any = ..., last_epoch: Any = ..., **kwargs: Any
    ) -> None: ...

class CyclicLR(_own.CyclicLR):
    def __init__(
        self,
        optimizer: Any,
        base_lr: Any,
        max_lr: Any,
        step_size_up: Any = ...,
        step_size_down: Any = ...,
        mode: Any = ...,
        gamma: Any = ...,
        *,
        cycle_momentum: Any = ...,
        base_momentum: Any = ...,
        max_momentum: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class OneCycleLR(_own.OneCycleLR):
    def __init__(
        self,
        optimizer: Any,
        max_lr: Any,
        total_steps: Any = ...,
        epochs: Any = ...,
        steps_per_epoch: Any = ...,
        pct_start: Any = ...,
        anneal_strategy: Any = ...,
        cycle_momentum: Any = ...,
        base_momentum: Any = ...,
        max_momentum: Any = ...,
        div_factor: Any = ...,
        final_div_factor: Any = ...,
        three_phase: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class SequentialLR(_own.SequentialLR):
    def __init__(self, optimizer: Any, schedulers: Any, milestones: Any, **kwargs: Any) -> None: ...

class ChainedScheduler(_own.ChainedScheduler):
    def __init__(self, schedulers: Any, optimizer: Any = ..., **kwargs: Any) -> None: ...

class ReduceLROnPlateau(_own.ReduceLROnPlateau):
    def __init__(
        self,
        optimizer: Any,
        mode: Any = ...,
        factor: Any = ...,
        patience: Any = ...,
        threshold: Any = ...,
        threshold_mode: Any = ...,
        cooldown: Any = ...,
        min_lr: Any = ...,
        eps: Any = ...,
        **kwargs: Any,
    ) -> None: ...
