"""What the card says is the largest error, beside a search of many more points: ridges, borders of holes, offsets."""

from __future__ import annotations

import numpy as np
import pytest

import surefit
from surefit import Sampling


def rectangle(x, y):
    """Signed distance of the border of a rectangle."""
    a, b = np.abs(x) - 0.5, np.abs(y) - 0.3
    return np.hypot(np.maximum(a, 0), np.maximum(b, 0)) + np.minimum(np.maximum(a, b), 0)


def dome(x, y):
    with np.errstate(invalid="ignore"):
        return np.sqrt(1 - x * x - y * y) * np.cos(x)


def ring(x, y):
    with np.errstate(invalid="ignore"):
        return np.sqrt(x * x + 2 * y * y - 0.3)


def largest(fit, f, rng):
    """The largest error at many points, and at more and more of them near the worst ones."""
    x = rng.uniform(-1, 1, (200_000, 2))
    for _ in range(6):
        y = f(*x.T)
        x = x[np.isfinite(y)]
        error = np.abs(fit.predict(x) - y[np.isfinite(y)])
        top = x[np.argsort(-error)[:200]]
        near = np.repeat(top, 100, axis=0)
        near = np.clip(near + 10.0 ** -rng.uniform(1, 9, (len(near), 1)) * rng.normal(size=near.shape), -1, 1)
        x = np.concatenate([top, near])
    return error.max()


@pytest.mark.parametrize("f", [rectangle, dome, ring])
@pytest.mark.parametrize("method", ["features", "lm"])
def test_no_more_than_a_twentieth_is_missing_on_the_card(f, method):
    method, model = (surefit.Features(), (100,)) if method == "features" else (surefit.LM(iterations=30), (16, 16))
    opaque = lambda x, y: f(np.asarray(x, np.float64), np.asarray(y, np.float64))
    fit = surefit.fit(opaque, "x=-1:1, y=-1:1", method=method, model=model, data=Sampling(drop_nonfinite=True))
    assert fit.error.max >= 0.95 * largest(fit, f, np.random.default_rng(7))


@pytest.mark.parametrize(
    ("formula", "box"),
    [
        ("1e6 + 1e-3*sin(3*x)*cos(2*y)", "x=-1:1, y=-1:1"),
        ("300 + exp(-x^2)*y", "x=-2:2, y=0:0.1"),
        ("-5e4 + sin(20*x)", "x=-1:1"),
        ("1e5 + abs(x - 0.3) + y", "x=-1:1, y=-1:1"),
        ("1000 + sin(a*b) + c", "a=0:2, b=0:2, c=0:1"),
    ],
)
@pytest.mark.parametrize("kind", ["formula", "callable"])
def test_an_offset_does_not_count_as_accuracy(formula, box, kind):
    domain = surefit.Domain(box)
    parsed = surefit.parse(formula, domain.names)
    target = formula if kind == "formula" else lambda *x: parsed(*(np.asarray(v, np.float64) for v in x))
    fit = surefit.fit(target, box)
    x = domain.unscale(np.random.default_rng(1).uniform(-1, 1, (50_000, domain.dim)))
    y = parsed.on_points(x)
    assert np.abs(fit.predict(x) - y).max() <= 2e-6 * np.ptp(y)
