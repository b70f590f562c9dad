"""`torch.autograd`."""

from surefit.core.custom import Function
from surefit.core.functional import gradients as grad
from surefit.core.tensor import enable_grad, no_grad
from surefit.torch.autograd import functional
from surefit.torch.tensors import Variable, set_grad_enabled

__all__ = ["Function", "Variable", "enable_grad", "functional", "grad", "no_grad", "set_grad_enabled"]
