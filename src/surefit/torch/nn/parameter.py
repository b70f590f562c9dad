"""`torch.nn.parameter`."""

from surefit.core.leaves import Parameter

__all__ = ["Parameter"]
