"""Bounds that are proved: ranges, affine forms, relaxed networks, and certificates made of them."""

from surefit.bounds.certificate import Certificate, Proved, Undefined
from surefit.bounds.certify import certify
from surefit.bounds.interval import Range
from surefit.bounds.network import Unsupported

__all__ = ["Certificate", "Proved", "Range", "Undefined", "Unsupported", "certify"]
