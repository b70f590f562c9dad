"""Devices: everything is on the CPU. Programs that name it run; another device is refused by its name."""

from __future__ import annotations

from typing import Any

from surefit.errors import ArgumentError, DtypeError


class Device:
    """Where a tensor is: always the CPU.

    >>> Device("cpu"), Device("cpu") == "cpu"
    (device(type='cpu'), True)
    """

    type = "cpu"
    index: int | None

    def __init__(self, device: Any = "cpu", index: int | None = None) -> None:
        name = device.type if isinstance(device, Device) else device
        if isinstance(name, int) and not isinstance(name, bool):
            name = f"cuda:{name}"  # PyTorch counts accelerators
        if not isinstance(name, str):
            raise DtypeError(f"device={device!r} must be a text such as 'cpu'")
        kind, _, number = name.partition(":")
        if kind != "cpu" or number not in ("", "0") or index not in (None, 0):
            raise ArgumentError(
                f"device={name!r}: surefit computes on the CPU alone; use 'cpu', or leave devices out "
                "(cuda.is_available() is False, so 'cuda' if torch.cuda.is_available() else 'cpu' works)"
            )
        own = device.index if isinstance(device, Device) else 0 if number else None
        self.index = own if index is None else index

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (Device, str)) and str(other).partition(":")[0] == "cpu"

    def __hash__(self) -> int:
        return hash("cpu")

    def __str__(self) -> str:
        return "cpu" if self.index is None else f"cpu:{self.index}"

    def __repr__(self) -> str:
        return "device(type='cpu')" if self.index is None else f"device(type='cpu', index={self.index})"


CPU = Device()


def is_device(value: Any) -> bool:
    """Whether an argument of `to` means a device: a Device, or a text that begins with the name of one."""
    if isinstance(value, Device):
        return True
    kinds = ("cpu", "cuda", "mps", "xpu", "meta", "hpu", "tpu", "xla", "gpu", "vulkan", "ipu")
    return isinstance(value, str) and value.partition(":")[0] in kinds


__all__ = ["CPU", "Device", "is_device"]
