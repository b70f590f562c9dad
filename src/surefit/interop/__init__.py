"""Networks from and to other frameworks: from ONNX files, from PyTorch modules, and to PyTorch modules."""

from surefit.interop.onnx_import import OnnxModule, from_onnx
from surefit.interop.pytorch import from_torch, to_torch

__all__ = ["OnnxModule", "from_onnx", "from_torch", "to_torch"]
