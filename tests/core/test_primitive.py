"""NumPy's floating-point warnings are off inside every operation, once, and as the user has them outside."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from surefit.core import ops
from surefit.core.creation import tensor
from surefit.core.primitive import quietly, silent

HUGE = np.full(3, 3e38, np.float32)


@silent
def doubled(x):
    return ops.add(x, x) + np.multiply(x, np.float32(2))  # NumPy's own functions are quiet too


@pytest.mark.parametrize("f", [lambda: ops.add(HUGE, HUGE), lambda: tensor(HUGE) + tensor(HUGE), lambda: doubled(HUGE)])
def test_overflow_is_a_value_whatever_the_user_asks_numpy_for(f):
    with np.errstate(all="raise"):
        assert np.isinf(f()).all()
        with pytest.raises(FloatingPointError):
            HUGE + HUGE


def test_silence_ends_with_the_outermost_call_also_after_an_error():
    def fails():
        doubled(HUGE)
        HUGE + HUGE  # still quiet: the inner call must not have ended the silence
        raise KeyError("stop")

    with np.errstate(all="raise"):
        for _ in range(2):
            with pytest.raises(KeyError):
                quietly(fails, (), {})
            with pytest.raises(FloatingPointError):
                HUGE + HUGE
            assert np.isinf(doubled(HUGE)).all()


def test_a_thread_started_in_silence_has_its_own():
    seen = []

    def run():
        with np.errstate(all="raise"):
            seen.append(np.isinf(ops.add(HUGE, HUGE)).all())
            try:
                HUGE + HUGE
            except FloatingPointError:
                seen.append("loud")

    def start():
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()

    quietly(start, (), {})
    assert seen == [True, "loud"]
