"""The functions that are methods of a Tensor as well, by name: plain, in place, and called by NumPy."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from surefit.core import functions as F
from surefit.core import ops
from surefit.core.ops import Op

METHODS = """
abs absolute add sub subtract mul multiply div divide true_divide floor_divide remainder fmod pow maximum minimum atan2
eq ne lt le gt ge logical_and logical_or logical_xor logical_not neg negative sign square sqrt rsqrt reciprocal exp
exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh sigmoid relu erf erfc
erfinv floor ceil round trunc lgamma digamma hypot logaddexp xlogy clamp clip clamp_min clamp_max lerp sinc logit isnan
isinf isfinite sum mean prod amax amin any all argmax argmin max min var std logsumexp softmax log_softmax cumsum
cumprod reshape view ravel flatten permute transpose swapaxes movedim squeeze unsqueeze broadcast_to expand repeat tile
flip roll narrow split chunk unbind tril triu diagonal diag trace gather take_along_dim index_select scatter_add
masked_fill sort argsort matmul mm mv bmm dot outer norm det inv cholesky topk kthvalue median quantile diff nonzero
argwhere unique masked_select bincount histc isin count_nonzero isclose allclose equal nan_to_num scatter index_fill
index_copy index_add repeat_interleave select unflatten cross kron matrix_power addmm addmv baddbmm inverse pinverse
svd frac deg2rad rad2deg nansum nanmean dist swapdims moveaxis fliplr flipud addcmul addcdiv float_power
unfold index_put
""".split()

IN_PLACE = """
abs absolute add sub subtract mul multiply div divide true_divide floor_divide remainder fmod pow atan2 neg negative
sign square sqrt rsqrt reciprocal exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh asinh
acosh atanh sigmoid relu erf erfc erfinv floor ceil round trunc lgamma digamma hypot xlogy clamp clip clamp_min
clamp_max lerp sinc logit cumsum cumprod tril triu addcmul addcdiv masked_fill scatter_add scatter index_fill index_copy
index_put index_add nan_to_num eq ne lt le gt ge logical_and logical_or logical_xor logical_not frac
""".split()

_NUMPYS = ("out", "dtype")  # what np.mean(t) and its kin add, as None
_SPELLINGS = {
    "axis": "dim",
    "keepdims": "keepdim",
    "other": "b",
    "ddof": "correction",
}  # NumPy's names, which PyTorch takes too


def respelled(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Keywords with dim for axis, and so on."""
    return {_SPELLINGS.get(k, k): v for k, v in kwargs.items() if not (v is None and k in _NUMPYS)}


def method_of(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function as a method that takes NumPy's keywords; a primitive has none of them."""
    if isinstance(f, Op):
        return lambda self, *args: f(self, *args)
    takes = inspect.signature(f).parameters
    if not {"dim", "keepdim"} & set(takes):
        return f

    @wraps(f)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return f(self, *args, **respelled(kwargs)) if kwargs else f(self, *args)

    return method


def in_place_method_of(name: str) -> Callable[..., Any]:
    f = getattr(F, name)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return self._changed(f"{name}_", f, *args, **kwargs)

    method.__doc__ = f"Assign what `{name}` gives."
    return method


# NumPy's functions called on a Tensor: np.sin(t) is surefit's sin
UFUNCS: dict[str, Callable[..., Any]] = {
    "add": ops.add, "subtract": ops.sub, "multiply": ops.mul, "divide": ops.div, "true_divide": ops.div,
    "floor_divide": ops.floor_divide, "power": F.pow, "float_power": F.pow, "remainder": ops.remainder,
    "mod": ops.remainder, "fmod": ops.fmod, "matmul": F.matmul, "negative": ops.neg, "positive": lambda x: x,
    "absolute": ops.abs_, "fabs": ops.abs_,
    "sign": ops.sign, "exp": ops.exp, "exp2": ops.exp2, "expm1": ops.expm1, "log": ops.log, "log2": ops.log2,
    "log10": ops.log10, "log1p": ops.log1p, "sqrt": ops.sqrt, "square": ops.square, "cbrt": ops.cbrt,
    "reciprocal": F.reciprocal, "sin": ops.sin, "cos": ops.cos, "tan": ops.tan, "arcsin": ops.asin, "arccos": ops.acos,
    "arctan": ops.atan, "arctan2": ops.atan2, "hypot": ops.hypot, "sinh": ops.sinh, "cosh": ops.cosh, "tanh": ops.tanh,
    "arcsinh": ops.asinh, "arccosh": ops.acosh, "arctanh": ops.atanh, "maximum": ops.maximum, "minimum": ops.minimum,
    "floor": ops.floor, "ceil": ops.ceil, "trunc": ops.trunc, "rint": ops.round_, "equal": ops.eq, "not_equal": ops.ne,
    "less": ops.lt, "less_equal": ops.le, "greater": ops.gt, "greater_equal": ops.ge, "logical_and": ops.logical_and,
    "logical_or": ops.logical_or, "logical_xor": ops.logical_xor, "logical_not": ops.logical_not, "isnan": F.isnan,
    "isinf": F.isinf, "isfinite": F.isfinite, "logaddexp": ops.logaddexp, "heaviside": F.heaviside,
    "deg2rad": lambda x: ops.mul(x, np.pi / 180), "rad2deg": lambda x: ops.mul(x, 180 / np.pi),
    "radians": lambda x: ops.mul(x, np.pi / 180), "degrees": lambda x: ops.mul(x, 180 / np.pi),
    "bitwise_and": operator.and_, "bitwise_or": operator.or_, "bitwise_xor": operator.xor, "invert": operator.invert,
    "erf": ops.erf, "erfc": ops.erfc, "gammaln": ops.lgamma, "psi": ops.digamma, "expit": ops.sigmoid,
    "i0": ops.bessel_i0,
}  # fmt: skip

__all__ = ["IN_PLACE", "METHODS", "UFUNCS", "in_place_method_of", "method_of", "respelled"]
