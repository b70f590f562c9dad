"""A Fit goes where Python objects go: pickle, copies, other processes however they are started, joblib."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.data import Sampling

X = np.linspace(-1, 1, 7)


def revived(fit):
    return pickle.loads(pickle.dumps(fit))  # noqa: S301


def cube(x):
    return x**3


def made(kind):
    quick, few = surefit.Adam(epochs=2), Sampling(count=30)
    if kind == "formula":
        return surefit.fit("sin(x)", "x=-1:1", method=quick, model=(4,), data=few)
    if kind == "table":
        return surefit.fit((np.linspace(-1, 1, 50), np.linspace(0, 2, 50)), method=quick, model=(4,))
    if kind == "module":
        net = nn.Sequential(nn.Linear(1, 3, generator=1), nn.Sin(), nn.Linear(3, 1, generator=3))
        return surefit.fit(cube, (-1, 1), method=quick, model=net, data=few)
    return surefit.fit({"lambda": lambda x: x**3, "function": cube}[kind], (-1, 1), method=quick, model=(4,), data=few)


KINDS = ("formula", "table", "module", "lambda", "function")


@pytest.fixture(scope="module")
def fits():
    return {kind: made(kind) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", ["pickle", "deepcopy", "copy"])
def test_a_copy_is_the_same_fit(fits, kind, way):
    fit = fits[kind]
    again = {"pickle": revived, "deepcopy": copy.deepcopy, "copy": copy.copy}[way](fit)
    np.testing.assert_array_equal(again.predict(X), fit.predict(X))
    assert again.card() == fit.card() and type(again) is type(fit)
    assert again.problem.exact == fit.problem.exact
    known = again.problem.function is not None
    assert known == (kind != "table" and (kind, way) != ("lambda", "pickle"))
    if way == "deepcopy":
        weight = next(iter(again.network.parameters()))
        weight.assign(np.zeros(weight.shape, np.float32))
        assert not np.array_equal(again.predict(X), fit.predict(X))


@pytest.mark.slow
@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_other_processes_predict_the_same(fits, way):
    if way not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system does not {way}")
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(way)) as pool:
        found = [pool.submit(fits[kind].predict, X) for kind in ("formula", "table", "lambda")]
        for kind, values in zip(("formula", "table", "lambda"), found, strict=True):
            np.testing.assert_array_equal(values.result(120), fits[kind].predict(X))


@pytest.mark.slow
def test_joblib_takes_a_fit(fits, tmp_path):
    joblib = pytest.importorskip("joblib", reason="joblib comes with scikit-learn")
    found = joblib.Parallel(n_jobs=2)(joblib.delayed(fits[kind].predict)(X) for kind in ("formula", "lambda"))
    for values, kind in zip(found, ("formula", "lambda"), strict=True):
        np.testing.assert_array_equal(values, fits[kind].predict(X))
    joblib.dump(fits["table"], tmp_path / "fit.joblib")
    np.testing.assert_array_equal(joblib.load(tmp_path / "fit.joblib").predict(X), fits["table"].predict(X))
