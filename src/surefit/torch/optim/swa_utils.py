"""`torch.optim.swa_utils`: the average of the weights that a network has had."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from surefit.core.modes import no_grad
from surefit.nn import Module
from surefit.torch.adapt import refusal

Average = Callable[[Sequence[Any], Sequence[Any], Any], None]


def get_ema_multi_avg_fn(decay: float = 0.999) -> Average:
    """The exponential average, for `AveragedModel(net, multi_avg_fn=...)`."""

    def averaged(old: Sequence[Any], new: Sequence[Any], count: Any) -> None:
        for a, b in zip(old, new, strict=True):
            a.copy_(a + (1.0 - decay) * (b - a))

    return averaged


def _mean(old: Sequence[Any], new: Sequence[Any], count: Any) -> None:
    for a, b in zip(old, new, strict=True):
        a.copy_(a + (b - a) / (int(count) + 1))


class AveragedModel(Module):
    """A copy of a network whose weights are the average of those at each `update_parameters`.

    avg_fn(average, now, how many before) of one parameter, or multi_avg_fn of all; neither: the mean. Buffers are those
    of the network.

    >>> from surefit import nn
    >>> net = nn.Linear(1, 1)
    >>> average = AveragedModel(net)
    >>> for value in (1.0, 2.0, 6.0):
    ...     _ = nn.init.constant_(net.weight, value)
    ...     average.update_parameters(net)
    >>> average.module.weight.item(), average.n_averaged.item()
    (3.0, 3)
    """

    def __init__(
        self, model: Module, device: Any = None, avg_fn: Callable[[Any, Any, Any], Any] | None = None,
        multi_avg_fn: Average | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.module = copy.deepcopy(model).to(device) if device is not None else copy.deepcopy(model)
        self.register_buffer("n_averaged", 0)
        self._average = multi_avg_fn or (_mean if avg_fn is None else _of_each(avg_fn))

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged network gives."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the weights that the network has now into the average."""
        with no_grad():
            own, now = list(self.module.parameters()), [p.detach() for p in model.parameters()]
            if self.n_averaged.item() == 0:
                for a, b in zip(own, now, strict=True):
                    a.copy_(b)
            else:
                self._average(own, now, self.n_averaged)
            for mine, theirs in zip(self.module.buffers(), model.buffers(), strict=True):
                mine.copy_(theirs)
            self.n_averaged.copy_(self.n_averaged + 1)


def _of_each(avg_fn: Callable[[Any, Any, Any], Any]) -> Average:
    def averaged(old: Sequence[Any], new: Sequence[Any], count: Any) -> None:
        for a, b in zip(old, new, strict=True):
            a.copy_(avg_fn(a, b, count))

    return averaged


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Give the layers of batch normalisation the statistics of these batches, under the averaged weights."""
    layers = [m for m in model.modules() if hasattr(m, "running_mean") and hasattr(m, "momentum")]
    if not layers:
        return
    kept, mode = [m.momentum for m in layers], model.training
    for m in layers:
        m.reset_running_stats()
        m.momentum = None
    model.train()
    with no_grad():
        for batch in loader:
            model(batch[0] if isinstance(batch, list | tuple) else batch)
    for m, momentum in zip(layers, kept, strict=True):
        m.momentum = momentum
    model.train(mode)


_ELSEWHERE = {"SWALR": "use lr_scheduler.LinearLR to the rate that you want, or LambdaLR"}


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise refusal("surefit.torch.optim.swa_utils", name, _ELSEWHERE, list(__all__))


__all__ = ["AveragedModel", "get_ema_multi_avg_fn", "update_bn"]
