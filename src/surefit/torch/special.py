"""`torch.special`."""

from __future__ import annotations

import math
from typing import Any

from surefit.core import functions as F
from surefit.torch.adapt import adapted, refusal
from surefit.torch.nn.functional import log_softmax, softmax

_SAME = "digamma erf erfc erfinv exp2 expit expm1 i0 i1 log1p logit logsumexp sinc xlogy".split()
_OWN = {"bessel_j0": F.j0, "bessel_j1": F.j1, "gammaln": F.lgamma, "psi": F.digamma}
_functions = {name: adapted(f, name) for name, f in ({n: getattr(F, n) for n in _SAME} | _OWN).items()}
globals().update(_functions)


def ndtr(input: Any) -> Any:
    """The area under the normal density up to a number."""
    return 0.5 * F.erfc(-math.sqrt(0.5) * input)


def ndtri(input: Any) -> Any:
    """The number up to which the area under the normal density is so large."""
    return math.sqrt(2.0) * F.erfinv(2.0 * input - 1.0)


def entr(input: Any) -> Any:
    """-x log x; 0 at 0, -inf below."""
    return F.where(input < 0.0, -math.inf, -F.xlogy(input, input))


def xlog1py(input: Any, other: Any) -> Any:
    """x log(1 + y), and 0 where x is 0."""
    return F.where(input == 0.0, input * 0.0, input * F.log1p(other))


_ELSEWHERE = {
    name: f"use scipy.special.{name} on x.detach().numpy(), which has no gradient"
    for name in ("gammainc", "gammaincc", "polygamma", "zeta", "i0e", "i1e", "erfcx", "log_ndtr", "multigammaln")
}


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise refusal("surefit.torch.special", name, _ELSEWHERE, list(__all__))


__all__ = ["entr", "log_softmax", "ndtr", "ndtri", "softmax", "xlog1py", *_functions]
