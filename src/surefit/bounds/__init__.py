"""Bounds that are proved: ranges, affine forms, relaxed networks, and certificates made of them."""

from surefit.bounds.certificate import Certificate, Proved, Undefined
from surefit.bounds.interval import Range
from surefit.bounds.network import Unsupported
from surefit.bounds.properties import Verdict, certify_pair, verify
from surefit.bounds.proving import certify
from surefit.bounds.slopes import Slopes, certify_slopes
from surefit.keywords import naming_all

__all__ = [
    "Certificate", "Proved", "Range", "Slopes", "Undefined", "Unsupported", "Verdict", "certify", "certify_pair",
    "certify_slopes", "verify",
]  # fmt: skip

naming_all(globals(), (), methods=(Certificate, Slopes))
