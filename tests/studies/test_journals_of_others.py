"""A journal holds the trials of one search: of these values, this seed, this code, and none of the same name."""

from __future__ import annotations

import io

import numpy as np
import pytest

import surefit
from surefit.errors import ArgumentError

pytest.importorskip("optuna", reason="the search is Optuna's")
X = np.linspace(0, 3, 60)
SEARCH = {"search": {"units": [3, 6]}, "trials": 2, "method": "features"}


def wave(k):
    return lambda x: np.sin(k * x)


def written(path, y):
    path.write_text("x,y\n" + "".join(f"{a},{b}\n" for a, b in zip(X, y, strict=True)))
    return path


def frame(y):
    return pytest.importorskip("pandas").DataFrame({"x": X, "y": y})


PAIRS = {
    "dict": (lambda _, y: {"x": X, "y": y}, np.sin(X), 1e3 * np.cos(X)),
    "pair": (lambda _, y: (X, y), np.sin(X), 1e3 * np.cos(X)),
    "frame": (lambda _, y: frame(y), np.sin(X), np.where(np.arange(60) == 30, 9.0, np.sin(X))),
    "file": (lambda path, y: written(path / "d.csv", y), np.sin(X), 1e3 * np.cos(X)),
    "code": (lambda _, f: f, lambda x: np.sin(x), lambda x: 1e3 * np.cos(x)),
    "constants": (lambda _, k: wave(k), 1.0, 5.0),
}


@pytest.mark.parametrize("kind", PAIRS)
def test_other_values_under_the_same_name_are_another_search(tmp_path, kind):
    """The losses of the first were those of the second, without a word."""
    make, one, other = PAIRS[kind]
    domain = "x=0:3" if kind in ("code", "constants") else None
    journal = tmp_path / "j.log"
    first = surefit.tune(make(tmp_path, one), domain, journal=journal, **SEARCH)
    again = surefit.tune(make(tmp_path, one), domain, journal=journal, **SEARCH)
    assert [t.loss for t in again.trials] == [t.loss for t in first.trials]
    with pytest.raises(ArgumentError, match="another search, of other values under the same name"):
        surefit.tune(make(tmp_path, other), domain, journal=journal, **SEARCH)


def test_another_seed_is_another_search(tmp_path):
    journal = tmp_path / "j.log"
    surefit.tune("sin(x)", "x=0:3", journal=journal, **SEARCH)
    with pytest.raises(ArgumentError, match="whose seed is 0 and not 5"):
        surefit.tune("sin(x)", "x=0:3", seed=5, journal=journal, **SEARCH)


@pytest.mark.parametrize("method", ["features", "varpro", "additive", "polynomial", "lm"])
def test_what_is_varied_by_default_suits_the_method(method):
    """All trials of `features` failed: two layers were asked of it."""
    found = surefit.tune("sin(x)", "x=-1:1", trials=2, method=method, **({"iterations": 3} if method == "lm" else {}))
    assert [one.status for one in found.trials] == ["done", "done"]


def test_processes_without_a_trial_are_told_from_a_lack_of_time(monkeypatch):
    class Nothing:
        trials = ()

    monkeypatch.setattr("surefit.studies.tuning._in_processes", lambda *_: (Nothing, False))
    with pytest.raises(ArgumentError, match="__main__"):
        surefit.tune("sin(x)", "x=0:3", processes=2, **SEARCH)


def test_widths_that_are_no_widths_are_named():
    for hidden in ("10,10", 3.5, (3, "a")):
        with pytest.raises(ArgumentError, match="hidden="):
            surefit.compare("sin(x)", "x=0:3", hidden=[hidden, 4], method="features")


def test_a_file_that_is_read_once_is_compared():
    text = "x,y\n" + "".join(f"{a},{np.sin(a)}\n" for a in X)
    found = surefit.compare(io.StringIO(text), method=["features", "polynomial"])
    assert all(isinstance(each[0], surefit.Fit) for each in found.results)


def test_fits_of_several_targets_have_no_best():
    fits = [surefit.fit(text, "x=0:1", method="features") for text in ("sin(x)", "cos(x)")]
    found = surefit.compare(fits)
    assert "*" not in str(found) and "several targets" in str(found) and list(found) == list(found.names)
    found.plot()
    with pytest.raises(ArgumentError, match="several targets"):
        _ = found.best
    assert surefit.compare([fits[0], fits[0]]).best is fits[0]
