"""Bounds that are proved: ranges, affine forms, relaxed networks, and certificates made of them."""

from surefit.bounds.certificate import Certificate, Proved, Undefined
from surefit.bounds.interval import Range
from surefit.bounds.network import Unsupported
from surefit.bounds.properties import Verdict, certify_pair, verify
from surefit.bounds.proving import certify

__all__ = ["Certificate", "Proved", "Range", "Undefined", "Unsupported", "Verdict", "certify", "certify_pair", "verify"]
