"""The mean of an ensemble as a fit: its error is that of the mean, and it is saved, reported and exported like one."""

import numpy as np
import pytest

import surefit
from surefit.errors import DataError

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (60, 2))
Y = np.sin(3 * X[:, 0]) + X[:, 1] + 0.1 * RNG.normal(size=60)
CASES = {
    "formula": dict(what="sin(3*x)", domain="x=-1:1", method=surefit.Adam(epochs=5), model=(8,)),
    "test rows": dict(what=(X, Y), method="features", model=(8,)),
    "a logarithm": dict(what=(X, np.exp(Y)), method="features", model=(8,), target_scale="log"),
    "several targets": dict(what=(X, np.stack([Y, 2 * Y], axis=1)), method="features", model=(8,)),
    "few rows": dict(what=(X[:9], Y[:9])),
    "folds": dict(what=(X, Y), method="features", model=(8,), folds=3),
}


def group_of(what, **options):
    return surefit.ensemble(what, members=3, **options)


@pytest.fixture(scope="module", params=CASES, ids=list(CASES))
def group(request):
    return group_of(**CASES[request.param])


@pytest.mark.slow
def test_the_mean_is_a_fit_that_predicts_the_mean(group, tmp_path):
    x = RNG.uniform(-0.5, 0.5, (20, len(group.mean.names)))
    np.testing.assert_allclose(group.mean.predict(x), group.predict(x), rtol=1e-12, atol=1e-12)
    loaded = surefit.load(group.save(tmp_path / "mean.surefit"))
    np.testing.assert_array_equal(loaded.predict(x), group.mean.predict(x))
    assert loaded.error == group.mean.error and "mean of 3 fits" in str(loaded)
    page = group.report(tmp_path / "mean.html").read_text(encoding="utf-8")
    assert "mean of 3 fits" in page


def test_the_error_is_that_of_the_mean():
    fits = group_of(**CASES["test rows"])
    x, y = fits.mean.problem.test
    off = np.ravel(fits.predict(x)) - np.ravel(y)
    assert fits.mean.error.rmse == pytest.approx(np.sqrt(np.mean(off**2)), rel=1e-12)
    assert fits.mean.error.max == pytest.approx(np.abs(off).max(), rel=1e-12)
    assert f"their mean: max |error| {fits.mean.error.max:.3g}" in str(fits)


def test_rows_left_out_tell_the_error_of_the_mean():
    fits = group_of(**CASES["folds"])
    off = np.mean([one.across for one in fits.fits], axis=0) - np.concatenate(
        [fits.mean.problem.train[1], fits.mean.problem.validation[1]]
    )
    assert fits.mean.error.rmse == pytest.approx(np.sqrt(np.mean(off**2)), rel=1e-12)
    assert fits.mean.error.folds == 3 and fits.mean.error.kind == "folds"


def test_a_mean_says_that_the_history_is_that_of_each():
    with pytest.raises(DataError, match=r"group.fits\[0\]"):
        group_of(**CASES["formula"]).mean.plot("loss")


@pytest.mark.slow
def test_exports_in_either_dtype_are_the_mean(tmp_path):
    fits = group_of(**CASES["test rows"])
    for dtype in (None, "float32"):
        done = fits.export(tmp_path / "mean.py", dtype=dtype, verify=20)
        assert done.compared.difference < (1e-12 if dtype is None else 1e-3)
