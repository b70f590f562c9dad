"""A network of the cosine and sine of angles as one of the angles: periodic, in value and in every derivative."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from surefit import nn
from surefit.core import ops
from surefit.models.scaled import Scaled


class Circular(nn.Module):
    """u (n, d), angles in radians where an input is periodic -> (n, k) of a network of d + p scaled coordinates.

    periodic: (d,) of bool. shift, scale: (d + p,) of the coordinates: the inputs without a period, then cosine and sine
    of each angle.
    """

    def __init__(
        self, network: nn.Module, periodic: Sequence[bool], shift: np.ndarray, scale: np.ndarray, dtype: Any
    ) -> None:
        super().__init__()
        self.network = network
        turns = np.flatnonzero(periodic)
        plain = np.flatnonzero(~np.asarray(periodic, bool))
        d, p, rest = len(periodic), len(turns), len(plain)
        angles, kept, cosines, sines = np.zeros((d, p)), *(np.zeros((n, rest + 2 * p)) for n in (d, p, p))
        angles[turns, np.arange(p)] = 1.0
        kept[plain, np.arange(rest)] = 1.0  # they are scaled already
        cosines[np.arange(p), rest + 2 * np.arange(p)] = 1.0 / scale[rest::2]
        sines[np.arange(p), rest + 1 + 2 * np.arange(p)] = 1.0 / scale[rest + 1 :: 2]
        moved = np.concatenate([np.zeros(rest), shift[rest:] / scale[rest:]])
        for name, value in (
            ("angles", angles),
            ("kept", kept),
            ("cosines", cosines),
            ("sines", sines),
            ("moved", moved),
        ):
            self.register_buffer(name, np.asarray(value, dtype))

    def forward(self, u: Any) -> Any:
        angle = ops.matmul(u, self.angles)
        waves = ops.matmul(ops.cos(angle), self.cosines) + ops.matmul(ops.sin(angle), self.sines)
        return self.network(ops.matmul(u, self.kept) + waves - self.moved)


def around(model: Scaled, periods: Sequence[float]) -> Scaled:
    """A model of `problems.periodic.lifted` coordinates as one of the inputs themselves; periods: (d,), 0 for none."""
    s, size = model.scaling, np.asarray(periods, np.float64)
    plain = size == 0
    rest = int(plain.sum())
    shift, scale = np.zeros(len(size)), np.where(plain, 1.0, size / (2.0 * np.pi))
    shift[plain], scale[plain] = s.x_shift[:rest], s.x_scale[:rest]
    log = None
    if s.log is not None:
        log = np.zeros(len(size), bool)
        log[plain] = s.log[:rest]
    network = Circular(model.network, (~plain).tolist(), s.x_shift, s.x_scale, model.dtype)
    network.eval()
    found = Scaled(network, shift, scale, s.y_shift, s.y_scale, model.dtype, log, s.y_log)
    found.eval()
    return found


__all__ = ["Circular", "around"]
