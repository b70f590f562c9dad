"""`torch.optim.lr_scheduler`: surefit's schedules; a schedule of one's own writes `get_lr`."""

from typing import Any

from surefit.optim import lr_scheduler as own
from surefit.torch.adapt import adapted_class

_NAMES = (
    "LambdaLR MultiplicativeLR StepLR MultiStepLR ConstantLR LinearLR ExponentialLR PolynomialLR CosineAnnealingLR "
    "CosineAnnealingWarmRestarts CyclicLR OneCycleLR SequentialLR ChainedScheduler ReduceLROnPlateau"
).split()
for _name in _NAMES:
    globals()[_name] = adapted_class(getattr(own, _name), __name__, ("verbose",))


class LRScheduler(own.LRScheduler):
    """Base of schedules of one's own: `get_lr()` gives the learning rate of each group at `last_epoch`."""

    def get_lr(self) -> Any:
        """The learning rates now."""
        return self.get_last_lr()

    def _assign(self) -> None:
        for group, lr in zip(self.optimizer.param_groups, self.get_lr(), strict=True):
            group["lr"] = lr


_LRScheduler = LRScheduler

__all__ = ["LRScheduler", "_LRScheduler", *_NAMES]
