"""Random bits in compiled code are those of NumPy's Philox."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from surefit.compiler import engine
from surefit.ir.builder import Function, Module
from surefit.ir.philox import random_bits

LEVELS = ("generic", None)  # the least, and what this machine has


def compiled(count: int, level: str | None) -> tuple[engine.Library, ctypes._CFuncPtr]:
    target, module = engine.target(level), Module()
    f = Function(module, "draw", [("out", "ptr"), ("key", "i64"), ("counter", "i64")])
    random_bits(f, f.args["out"], count, f.args["key"], f.args["counter"])
    f.ret()
    f.end()
    library = engine.Library(engine.object_code(str(module), target), target, ["draw"])
    kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
    return library, kind(library.addresses["draw"])


def numpys(key: int, counter: int, count: int) -> np.ndarray:
    """By NumPy's own generator, which counts before it draws."""
    mask = (1 << 64) - 1
    words = np.random.Philox(key=key & mask, counter=(counter & mask) << 64).random_raw(count // 2 + 1)
    return words.astype("<u8").view("<i4")[:count]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("count", [0, 1, 2, 7, 8, 9, 16, 31, 1000])
def test_same_bits_and_nothing_beyond_them(count, level):
    library, draw = compiled(count, level)
    for key, counter in [(0, 0), (1, 0), (0, 1), (-1, -1), (123456789, 987654321), (-(2**63), 2**63 - 1)]:
        out = np.full(count + 8, 77, np.int32)
        draw(out.ctypes.data, key, counter)
        np.testing.assert_array_equal(out[:count], numpys(key, counter, count))
        assert (out[count:] == 77).all()
    library.close()


def test_the_primitive_gives_these_bits():
    from surefit.core import ops

    np.testing.assert_array_equal(ops.random_bits(np.int64(-5), np.int64(7), shape=(3, 5)).ravel(), numpys(-5, 7, 15))
