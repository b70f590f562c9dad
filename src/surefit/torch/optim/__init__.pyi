"""Types of surefit.torch.optim, for tools. Written by scripts/signatures.py: change that."""

from typing import Any

from surefit import optim as _own
from surefit.optim import Optimizer as Optimizer
from surefit.torch.optim import lr_scheduler as lr_scheduler, swa_utils as swa_utils

class SGD(_own.SGD):
    def __init__(
        self,
        params: Any,
        lr: Any = ...,
        momentum: Any = ...,
        dampening: Any = ...,
        weight_decay: Any = ...,
        nesterov: Any = ...,
        *,
        maximize: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class Adam(_own.Adam):
    def __init__(
        self,
        params: Any,
        lr: Any = ...,
        betas: Any = ...,
        eps: Any = ...,
        weight_decay: Any = ...,
        amsgrad: Any = ...,
        *,
        maximize: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class AdamW(_own.AdamW):
    def __init__(
        self,
        params: Any,
        lr: Any = ...,
        betas: Any = ...,
        eps: Any = ...,
        weight_decay: Any = ...,
        amsgrad: Any = ...,
        *,
        maximize: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class RMSprop(_own.RMSprop):
    def __init__(
        self,
        params: Any,
        lr: Any = ...,
        alpha: Any = ...,
        eps: Any = ...,
        weight_decay: Any = ...,
        momentum: Any = ...,
        centered: Any = ...,
        *,
        maximize: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class Adagrad(_own.Adagrad):
    def __init__(
        self,
        params: Any,
        lr: Any = ...,
        lr_decay: Any = ...,
        weight_decay: Any = ...,
        initial_accumulator_value: Any = ...,
        eps: Any = ...,
        *,
        maximize: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class Adamax(_own.Adamax):
    def __init__(
        self,
        params: Any,
        lr: Any = ...,
        betas: Any = ...,
        eps: Any = ...,
        weight_decay: Any = ...,
        *,
        maximize: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class NAdam(_own.NAdam):
    def __init__(
        self,
        params: Any,
        lr: Any = ...,
        betas: Any = ...,
        eps: Any = ...,
        weight_decay: Any = ...,
        momentum_decay: Any = ...,
        decoupled_weight_decay: Any = ...,
        *,
        maximize: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class RAdam(_own.RAdam):
    def __init__(
        self,
        params: Any,
        lr: Any = ...,
        betas: Any = ...,
        eps: Any = ...,
        weight_decay: Any = ...,
        decoupled_weight_decay: Any = ...,
        *,
        maximize: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class Adadelta(_own.Adadelta):
    def __init__(
        self,
        params: Any,
        lr: Any = ...,
        rho: Any = ...,
        eps: Any = ...,
        weight_decay: Any = ...,
        *,
        maximize: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class Rprop(_own.Rprop):
    def __init__(
        self, params: Any, lr: Any = ..., etas: Any = ..., step_sizes: Any = ..., *, maximize: Any = ..., **kwargs: Any
    ) -> None: ...

class ASGD(_own.ASGD):
    def __init__(
        self,
        params: Any,
        lr: Any = ...,
        lambd: Any = ...,
        alpha: Any = ...,
        t0: Any = ...,
        weight_decay: Any = ...,
        *,
        maximize: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class LBFGS(_own.LBFGS):
    def __init__(
        self,
        params: Any,
        lr: Any = ...,
        max_iter: Any = ...,
        max_eval: Any = ...,
        tolerance_grad: Any = ...,
        tolerance_change: Any = ...,
        history_size: Any = ...,
        line_search_fn: Any = ...,
        **kwargs: Any,
    ) -> None: ...
