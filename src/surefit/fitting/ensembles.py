"""Several fits of one problem together: their mean as a fit of its own, and how far they differ."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit.fitting.fitted import Fit
from surefit.search.means import mean_record

if TYPE_CHECKING:
    from surefit.reports.exported import Exported


@dataclass(eq=False)
class Ensemble:
    """Fits of one problem with seeds of their own: `predict` is their mean, `spread` how far they differ; no bound."""

    fits: Sequence[Fit]

    def __len__(self) -> int:
        return len(self.fits)

    def __repr__(self) -> str:
        return f"<Ensemble of {len(self)} fits of {self.fits[0].target}>"

    def __str__(self) -> str:
        each = [(f"seed {f.seed}", f.error) for f in self.fits] + [("their mean", self.mean.error)]
        rows = [f"  {name}: max |error| {error.max:.3g}, rmse {error.rmse:.3g}\n" for name, error in each]
        return f"ensemble of {len(self)} fits of {self.fits[0].target}\n{''.join(rows)}".rstrip()

    @cached_property
    def mean(self) -> Fit:
        """The mean as one fit, with an error of its own; all that can be asked of a fit can be asked of it."""
        return mean_record(self.fits)

    def predict(self, points: Any, return_std: bool = False) -> Any:
        """The mean over the fits at points (n, d) -> (n,) or (n, k); with return_std also their standard deviation."""
        values = np.stack([one.predict(points) for one in self.fits])
        return (values.mean(axis=0), values.std(axis=0, ddof=1)) if return_std else values.mean(axis=0)

    __call__ = predict

    def spread(self, points: Any) -> np.ndarray:
        """The standard deviation over the fits at points (n, d) -> (n,) or (n, k)."""
        return np.asarray(self.predict(points, return_std=True)[1])

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the mean into one file, as `Fit.save` does; `surefit.load` reads it as a Fit, without the spread."""
        return self.mean.save(path)

    def report(self, path: str | os.PathLike[str], lang: str = "en") -> Path:
        """Write a report of the mean, as `Fit.report` does."""
        return self.mean.report(path, lang)

    def export(
        self, path: str | os.PathLike[str], to: str | None = None, *, dtype: Any = None, derivative: bool = False,
        verify: int = 0, units: Mapping[str, str] | None = None,
    ) -> Exported:  # fmt: skip
        """Write the mean in another language. Arguments, result and errors are those of `Fit.export`.

        >>> import tempfile, surefit
        >>> group = surefit.ensemble("x**2", "x=-1:1", members=3, model=(8,), method=surefit.Adam(epochs=2))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     group.export(f"{folder}/mean.py", verify=10).compared.ulp < 10
        True
        """
        from surefit.reports.exported import export

        mean = self.mean if dtype is None else mean_record([one.to(dtype) for one in self.fits])
        return export(mean, Path(path), to, dtype, derivative, verify, units)


__all__ = ["Ensemble"]
