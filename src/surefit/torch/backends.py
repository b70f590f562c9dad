"""`torch.backends`: settings of accelerators, which may be set and change nothing."""

from types import SimpleNamespace

cudnn = SimpleNamespace(deterministic=True, benchmark=False, enabled=False, is_available=lambda: False)
mps = SimpleNamespace(is_available=lambda: False, is_built=lambda: False)

__all__ = ["cudnn", "mps"]
