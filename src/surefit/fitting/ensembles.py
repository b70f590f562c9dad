"""Several fits of one problem together: their mean, how far they differ, and the mean in other languages."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit.fitting.fitted import Fit
from surefit.models.mean import Mean

if TYPE_CHECKING:
    from surefit.reports.exported import Exported


@dataclass(eq=False)
class Ensemble:
    """Fits of the same problem that differ in their seeds: `predict` is their mean, `spread` how far they differ.

    The spread tells where the networks are not certain of each other. It is no error bound: they can agree and be
    wrong.
    """

    fits: Sequence[Fit]

    def __len__(self) -> int:
        return len(self.fits)

    def __repr__(self) -> str:
        return f"<Ensemble of {len(self)} fits of {self.fits[0].target}>"

    def __str__(self) -> str:
        head = f"ensemble of {len(self)} fits of {self.fits[0].target}"
        rows = [f"  seed {f.seed}: max |error| {f.error.max:.3g}, rmse {f.error.rmse:.3g}" for f in self.fits]
        return "\n".join([head, *rows])

    def _all(self, points: Any) -> np.ndarray:
        return np.stack([one.predict(points) for one in self.fits])

    def predict(self, points: Any, return_std: bool = False) -> Any:
        """The mean over the fits at points (n, d) -> (n,) or (n, k); with return_std also their standard deviation."""
        values = self._all(points)
        mean = values.mean(axis=0)
        return (mean, values.std(axis=0, ddof=1)) if return_std else mean

    __call__ = predict

    def spread(self, points: Any) -> np.ndarray:
        """The standard deviation over the fits at points (n, d) -> (n,) or (n, k)."""
        return self._all(points).std(axis=0, ddof=1)

    def export(
        self, path: str | os.PathLike[str], to: str | None = None, *, dtype: Any = None, derivative: bool = False,
        verify: int = 0, units: Mapping[str, str] | None = None,
    ) -> Exported:  # fmt: skip
        """Write the mean of the fits in another language. Arguments, result and errors are those of `Fit.export`.

        >>> import tempfile, surefit
        >>> group = surefit.ensemble("x**2", "x=-1:1", members=3, model=(8,), method=surefit.Adam(epochs=2))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     group.export(f"{folder}/mean.py", verify=10).compared.ulp < 10
        True
        """
        from surefit.reports.exported import export

        fits = self.fits if dtype is None else [one.to(dtype) for one in self.fits]
        about = [("mean of", f"{len(fits)} fits, of which this is the first")]
        mean = Mean([one.model for one in fits])
        return export(fits[0], Path(path), to, dtype, derivative, verify, units, model=mean, about=about)


__all__ = ["Ensemble"]
