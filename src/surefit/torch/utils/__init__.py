"""`torch.utils`."""

from typing import Any

from surefit.torch.adapt import refusal
from surefit.torch.utils import data

_ELSEWHERE = {
    "tensorboard": "keep numbers in a list, and plot them",
    "checkpoint": "leave it out: checkpoint(f, x) is f(x)",
    "benchmark": "use timeit",
}


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise refusal("surefit.torch.utils", name, _ELSEWHERE, list(__all__))


__all__ = ["data"]
