"""`torch.cuda`: there is none."""

from typing import Any

from surefit.torch.adapt import refusal


def is_available() -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


def manual_seed(seed: int) -> None:
    """Accepted: there is no device to seed."""


manual_seed_all = manual_seed


def empty_cache() -> None:
    """Accepted: there is nothing to empty."""


def synchronize(device: Any = None) -> None:
    """Accepted: nothing runs on its own."""


_NO = "there is no other device than the CPU: leave it out"
_ELSEWHERE = {
    **dict.fromkeys("get_device_name current_device set_device memory_allocated Event Stream".split(), _NO),
    "amp": "surefit computes in float32 and float64 alone; leave autocast and GradScaler out",
}


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise refusal("surefit.torch.cuda", name, _ELSEWHERE, list(__all__))


__all__ = ["device_count", "empty_cache", "is_available", "manual_seed", "manual_seed_all", "synchronize"]
