"""How good quantiles are: their pinball loss, what it is of that of constants, and how many values lie below each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from surefit.problems.quantiles import pinball
from surefit.sentences import Sentence, say


@dataclass(frozen=True)
class Coverage:
    """Quantiles at rows that they were not fitted to.

    levels: of the quantiles. loss: the mean pinball loss, of all levels together, in the units of the target. gain: the
    share by which it is below that of the constants that suit these rows best (Koenker and Machado 1999, Goodness of
    fit and related inference processes for quantile regression). covered: the shares of values below each quantile,
    which should be the levels.
    """

    levels: tuple[float, ...]
    loss: float
    gain: float
    covered: tuple[float, ...]

    @classmethod
    def of(cls, found: np.ndarray, y: np.ndarray, levels: tuple[float, ...]) -> Coverage:
        """Of quantiles (n, k) at values y (n, k).

        >>> y = np.arange(1.0, 11.0)[:, None]
        >>> Coverage.of(np.full((10, 1), 9.5), y, (0.9,)).covered
        (0.9,)
        """
        loss = float(pinball(found, y, levels).mean())
        flat = np.array([[np.quantile(y[:, i], level) for i, level in enumerate(levels)]])
        whole = float(pinball(flat, y, levels).mean())
        below = np.mean(y <= found, axis=0)
        return cls(levels, loss, 1.0 - loss / whole if whole > 0 else 0.0, tuple(below.tolist()))

    def sentence(self) -> Sentence:
        """The shares in words."""
        each = ", ".join(f"{level:g}: {share:.3g}" for level, share in zip(self.levels, self.covered, strict=True))
        return say("covered", each=each)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data; `from_dict` reads it."""
        return asdict(self) | {"levels": list(self.levels), "covered": list(self.covered)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any] | None) -> Coverage | None:
        """What `to_dict` gave; None of None."""
        if data is None:
            return None
        return cls(
            tuple(map(float, data["levels"])), float(data["loss"]), float(data["gain"]),
            tuple(map(float, data["covered"])),
        )  # fmt: skip


__all__ = ["Coverage"]
