"""`torch.optim`: surefit's optimisers, which also take the keywords about how PyTorch computes them."""

from typing import Any

from surefit import optim as own
from surefit.optim import Optimizer
from surefit.torch.adapt import adapted_class, refusal
from surefit.torch.optim import lr_scheduler, swa_utils

_HOW = ("foreach", "fused", "capturable", "differentiable")
_NAMES = "SGD Adam AdamW RMSprop Adagrad Adamax NAdam RAdam Adadelta Rprop ASGD LBFGS".split()
for _name in _NAMES:
    globals()[_name] = adapted_class(getattr(own, _name), __name__, _HOW)

_ELSEWHERE = {
    "SparseAdam": "use Adam",
}


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise refusal("surefit.torch.optim", name, _ELSEWHERE, _NAMES)


__all__ = ["Optimizer", "lr_scheduler", "swa_utils", *_NAMES]
