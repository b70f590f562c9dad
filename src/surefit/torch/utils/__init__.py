"""`torch.utils`."""

from surefit.torch.utils import data

__all__ = ["data"]
