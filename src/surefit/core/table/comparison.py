"""Primitives that compare and choose: results are bool, and no gradient passes but through what is chosen."""

from __future__ import annotations

from typing import Any

import numpy as np

from surefit.core.primitive import (
    FLOATS,
    Aval,
    Op,
    binary,
    bool_,
    broadcast_shapes,
    default,
    float64,
    ndarray,
    promote,
    promoted,
    unary,
)

# --- comparison and logic: results are bool, no gradient passes -----------------------------------------

eq = binary("eq", np.equal, None, None, result="bool")
ne = binary("ne", np.not_equal, None, None, result="bool")
lt = binary("lt", np.less, None, None, result="bool")
le = binary("le", np.less_equal, None, None, result="bool")
gt = binary("gt", np.greater, None, None, result="bool")
ge = binary("ge", np.greater_equal, None, None, result="bool")
logical_and = binary("logical_and", np.logical_and, None, None, kind="logical", result="bool")
logical_or = binary("logical_or", np.logical_or, None, None, kind="logical", result="bool")
logical_xor = binary("logical_xor", np.logical_xor, None, None, kind="logical", result="bool")
logical_not = unary("logical_not", np.logical_not, None, kind="logical", result="bool")


def _where_value(c: Any, a: Any, b: Any) -> Any:
    if a.__class__ is float and b.__class__ is ndarray and b.dtype in FLOATS:
        a = b.dtype.type(a)
    elif b.__class__ is float and a.__class__ is ndarray and a.dtype in FLOATS:
        b = a.dtype.type(b)
    elif not (a.__class__ is ndarray and b.__class__ is ndarray and a.dtype is b.dtype):
        (a, b), weak = promoted("where", (a, b), "same")
        if weak:  # numbers chosen by an array: they become what surefit.tensor would make of them
            a, b = (v.astype(default.float) if v.dtype == float64 else v for v in (a, b))
    if np.asarray(c).dtype != bool_:
        c = np.not_equal(c, 0)
    return np.where(c, a, b)


def _where_rule(c: Aval, a: Aval, b: Aval) -> Aval:
    dtype, weak = promote((a, b))
    if weak and dtype == float64:
        dtype = default.float
    return Aval(broadcast_shapes("where", c.shape, a.shape, b.shape), dtype)


where = Op(
    "where", _where_value,
    (None, lambda g, y, c, a, b: where(c, g, 0.0), lambda g, y, c, a, b: where(c, 0.0, g)), _where_rule,
    category="where",
)  # fmt: skip
