"""surefit as estimators of scikit-learn: `FitRegressor` and `FitClassifier`, for pipelines, grids and scores.

>>> import numpy as np
>>> from sklearn.model_selection import cross_val_score
>>> from surefit.sklearn import FitRegressor
>>> x = np.random.default_rng(0).uniform(-1, 1, (80, 2))
>>> scores = cross_val_score(FitRegressor(random_state=0), x, np.sin(3 * x[:, 0]) * x[:, 1], cv=3)
>>> bool(scores.min() > 0.9)
True
"""

from surefit.errors import MissingExtraError

try:
    import sklearn as _  # noqa: F401
except ImportError:
    raise MissingExtraError(
        "surefit.sklearn needs scikit-learn, which is not installed; pip install 'surefit[sklearn]'"
    ) from None

from surefit.keywords import naming
from surefit.sklearn.classifier import FitClassifier
from surefit.sklearn.regressor import FitRegressor
from surefit.sklearn.settings import cure_of_parameter

for _kind in (FitClassifier, FitRegressor):
    naming(_kind, cure_of_parameter)
del _kind

__all__ = ["FitClassifier", "FitRegressor"]
