"""`torch.cuda`: there is none."""

from typing import Any


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


__all__ = ["device_count", "empty_cache", "is_available", "manual_seed", "manual_seed_all", "synchronize"]
