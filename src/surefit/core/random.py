"""Random numbers whose position is state: they record, replay and (later) compile to the same bits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from surefit.core import batching, ops
from surefit.core.creation import numpy_generator
from surefit.core.entropy import unnamed
from surefit.core.leaves import State
from surefit.core.modes import no_grad
from surefit.core.ops import float32, float64, int32, int64
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, DtypeError

_HALF = 1 << 31


class Generator:
    """A stream of random numbers: a key (from the seed) and a counter, both leaves.

    Each draw uses Philox4x64-10 (Salmon, Moraes, Dror, Shaw 2011) at (key, counter) and adds one to the counter, so a
    recorded step that draws has the counter as state in and state out. `seed`: an int >= 0, a NumPy Generator to draw a
    key from, or None for fresh entropy.

    >>> g = Generator(0)
    >>> a = g.uniform((3,))
    >>> bool((a == Generator(0).uniform((3,))).all()), bool((a == g.uniform((3,))).all())
    (True, False)
    """

    def __init__(self, seed: int | np.random.Generator | None = None) -> None:
        key = (
            int(numpy_generator(seed).integers(0, 2**63 - 1)) if not isinstance(seed, (int, np.integer)) else int(seed)
        )
        if not 0 <= key < 2**63:
            raise ArgumentError(f"seed={seed} must be an integer from 0 to 2**63 - 1")
        self.key = State(np.array(key, int64), "key")
        self.counter = State(np.array(0, int64), "counter")

    def manual_seed(self, seed: int) -> Generator:
        """Go to the start of the stream of this seed."""
        fresh = Generator(int(seed))
        self.key.assign(fresh.key)
        self.counter.assign(fresh.counter)
        return self

    def initial_seed(self) -> int:
        """The seed (the key, where it was given as none)."""
        return int(self.key.item())

    def numpy(self) -> np.random.Generator:
        """A NumPy Generator that starts where this stream stands; the counter moves on by one."""
        at = self.counter.item()
        self.counter.assign(np.array(at + 1, int64))
        return np.random.Generator(np.random.Philox(key=self.initial_seed(), counter=(at << 64) + (1 << 128)))

    def bits(self, shape: tuple[int, ...]) -> Tensor:
        """Uniform over all int32."""
        if batching.active():
            raise ArgumentError(
                "random numbers inside batch(): samples could share one draw or have one each; draw outside, with the "
                "samples' axis, and pass the numbers as an argument (a Dropout layer: call .eval() first)"
            )
        with no_grad():
            drawn = ops.random_bits(self.key, self.counter, shape=tuple(shape))
            self.counter.assign(self.counter + 1)
        return drawn

    def bernoulli(self, p: float, shape: tuple[int, ...]) -> Tensor:
        """True with probability p (to 2**-32), bool."""
        if not 0.0 <= p <= 1.0:
            raise ArgumentError(f"p={p} must be a probability from 0 to 1")
        if p == 1.0:
            return Tensor(np.broadcast_to(True, shape))
        return self.bits(shape) < ops.cast(np.array(round(p * 2**32) - _HALF, int64), dtype=int32)

    def uniform(self, shape: tuple[int, ...] = (), low: float = 0.0, high: float = 1.0, dtype: Any = float32) -> Tensor:
        """Uniform on [low, high): multiples of 2**-24 (float32) or 2**-32 (float64) of the width."""
        d = ops.dtype_of(dtype)
        if d not in (float32, float64):
            raise DtypeError(f"uniform: dtype must be float32 or float64, got {d}")
        b = self.bits(shape)
        if d == float32:  # 24 bits, so that every value is exact and below 1
            u = ops.cast(ops.floor_divide(b, 256), dtype=d) * 2.0**-24 + 0.5
        else:
            u = ops.cast(b, dtype=d) * 2.0**-32 + 0.5
        return u if (low, high) == (0.0, 1.0) else u * (high - low) + low

    def normal(self, shape: tuple[int, ...] = (), mean: float = 0.0, std: float = 1.0, dtype: Any = float32) -> Tensor:
        """Normal, by Box and Muller (1958) from two uniform draws."""
        radius = ops.sqrt(ops.log(1.0 - self.uniform(shape, dtype=dtype)) * -2.0)
        z = radius * ops.cos(self.uniform(shape, dtype=dtype) * (2.0 * math.pi))
        return z if (mean, std) == (0.0, 1.0) else z * std + mean


def as_generator(generator: Any = None) -> Generator:
    """A Generator as it is; a seed, a NumPy Generator or None made into one."""
    return generator if isinstance(generator, Generator) else Generator(generator)


def manual_seed(seed: int) -> Generator:
    """From now on what is drawn with generator=None comes from one stream, of this seed, for all threads.

    `surefit.torch` needs it for programs that are written so. What has a generator of its own draws as before.
    """
    unnamed[0] = Generator(int(seed))
    return unnamed[0]


def seed_from_entropy() -> int:
    """Seed the stream of `manual_seed` at random; returns the seed."""
    return manual_seed(int(np.random.default_rng().integers(0, 2**63 - 1))).initial_seed()


def shared_stream() -> Generator | None:
    """The stream that `manual_seed` has made, or None."""
    return unnamed[0]
