"""Designs stay inside the box and are what they are called; Sampling does what each of its fields says."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import surefit
from surefit.core.entropy import unnamed
from surefit.core.random import Generator
from surefit.data import DESIGNS, Domain, Noise, Sampling, corner_points, default_count, sample
from surefit.data.designs import split_lengths
from surefit.errors import ArgumentError, DomainError

LINE, SQUARE = Domain((-2, 3)), Domain("x1=-5:5, x2=0:1")
RANDOM = ("uniform", "latin_hypercube", "sobol", "halton")

ends = st.floats(-1e9, 1e9)
boxes = st.lists(st.tuples(ends, ends).filter(lambda p: p[0] != p[1]).map(sorted), min_size=1, max_size=4).map(Domain)


# ---- designs


@settings(deadline=None, max_examples=60)
@given(boxes, st.integers(16, 200), st.sampled_from(DESIGNS), st.booleans(), st.integers(0, 2**32))
def test_inside_counted_and_reproducible(box, count, design, corners, seed):
    points = sample(box, count, design, with_corners=corners, generator=seed)
    assert points.dtype == np.float64 and points.shape[1] == box.dim
    assert box.contains(points).all()
    np.testing.assert_array_equal(points, sample(box, count, design, with_corners=corners, generator=seed))
    product = design in ("grid", "chebyshev") or (design == "auto" and box.dim == 1)
    extra = 2**box.dim if corners and not product else 0
    assert len(points) == count + extra if not product else count <= len(points) <= count * 1.5**box.dim
    if corners:
        have = {tuple(p) for p in points}
        assert have >= {tuple(c) for c in box.corners()}


@pytest.mark.parametrize("design", RANDOM)
def test_seeds(design):
    first, second = sample(SQUARE, 20, design, generator=1), sample(SQUARE, 20, design, generator=2)
    assert not np.array_equal(first, second)
    rng = np.random.default_rng(1)
    np.testing.assert_array_equal(first, sample(SQUARE, 20, design, generator=rng))
    assert not np.array_equal(first, sample(SQUARE, 20, design, generator=rng))  # the generator moved on
    assert not np.array_equal(sample(SQUARE, 20, design), sample(SQUARE, 20, design))  # fresh entropy


@pytest.mark.parametrize("design", RANDOM)
def test_a_generator_of_surefit_decides_as_a_seed_does(design):
    first, second = (sample(SQUARE, 20, design, generator=Generator(3)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    generator = Generator(3)
    first, second = (sample(SQUARE, 20, design, generator=generator) for _ in range(2))
    assert not np.array_equal(first, second)  # it moved on
    before, unnamed[0] = unnamed[0], generator  # as after surefit.torch.manual_seed
    try:
        assert not np.array_equal(sample(SQUARE, 20, design), sample(SQUARE, 20, design))
    finally:
        unnamed[0] = before


@pytest.mark.parametrize("design", RANDOM)
def test_spread_evenly(design):
    """Each quarter of the square gets its share, within five standard deviations of a random draw."""
    points = sample(SQUARE, 4000, design, generator=0)
    right, top = points[:, 0] > 0, points[:, 1] > 0.5
    for quarter in (right & top, right & ~top, ~right & top, ~right & ~top):
        assert abs(quarter.sum() - 1000) < 5 * math.sqrt(4000 * 0.25 * 0.75)


def test_sixteen_percent_of_e5():
    """Uniform samples of [-5, 5]^2 put 16 % into [-2, 2]^2: that region is not under-sampled."""
    points = sample(Domain("x1=-5:5, x2=-5:5"), 40_000, "uniform", generator=0)
    share = (np.abs(points) <= 2).all(axis=1).mean()
    assert share == pytest.approx(0.16, abs=5 * math.sqrt(0.16 * 0.84 / 40_000))


def test_grid_is_linspace():
    np.testing.assert_array_equal(sample(LINE, 11, "grid")[:, 0], np.linspace(-2, 3, 11))
    points = sample(SQUARE, (3, 2), "grid")
    assert points.tolist() == [[-5, 0], [-5, 1], [0, 0], [0, 1], [5, 0], [5, 1]]


def test_chebyshev_points_are_the_extrema_of_a_chebyshev_polynomial():
    from numpy.polynomial import chebyshev

    n = 12
    points = sample(Domain((-1, 1)), n, "chebyshev")[:, 0]
    derivative = chebyshev.chebder([0] * (n - 1) + [1])  # of T_(n-1): zero at the inner points
    np.testing.assert_allclose(points[1:-1], np.sort(chebyshev.chebroots(derivative).real), atol=1e-12)
    assert points[0] == -1.0 and points[-1] == 1.0
    np.testing.assert_array_equal(points, -points[::-1])


@pytest.mark.parametrize("count, dim, expected", [(5000, 2, 71 * 71), (1000, 6, 4**3 * 3**3), (100, 2, 100)])
def test_least_product(count, dim, expected):
    if dim == 6:
        expected = min(p for p in (4**k * 3 ** (6 - k) for k in range(7)) if p >= count)
    assert len(sample(Domain([(0, 1)] * dim), count, "grid")) == expected


def test_latin_hypercube_has_one_point_in_each_row_and_column():
    points = sample(Domain("x=0:1, y=0:1"), 50, "latin_hypercube", generator=0)
    for column in points.T:
        assert sorted(np.floor(column * 50).astype(int)) == list(range(50))


@pytest.mark.parametrize("design", ["sobol", "halton"])
def test_low_discrepancy(design):
    """Closer to uniform than random points, by SciPy's measure."""
    from scipy.stats import qmc

    box = Domain("x=0:1, y=0:1")
    low = qmc.discrepancy(sample(box, 500, design, generator=0))
    assert low < 0.2 * qmc.discrepancy(sample(box, 500, "uniform", generator=0))


def test_auto():
    np.testing.assert_array_equal(sample(LINE, 7), sample(LINE, 7, "grid"))
    np.testing.assert_array_equal(sample(SQUARE, 7, generator=3), sample(SQUARE, 7, "uniform", generator=3))
    assert len(sample(LINE)) == default_count(1) == 1000
    assert [default_count(d) for d in (2, 3, 4, 5, 50)] == [4000, 9000, 16000, 20000, 20000]


def test_corners_of_many_variables():
    for dim in (1, 2, 8):
        box = Domain([(0, 1)] * dim)
        assert {tuple(c) for c in corner_points(box)} == {tuple(c) for c in box.corners()}
    box = Domain([(-i - 1, i + 1) for i in range(12)])
    corners = corner_points(box)
    assert len(corners) == len({tuple(c) for c in corners}) == 26
    high = corners == box.high
    assert (high | (corners == box.low)).all()
    assert sorted(high.sum(axis=1)) == [0] + [1] * 12 + [11] * 12 + [12]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"design": "random"}, "design: 'random' is unknown; choose one of auto, uniform, grid"),
        ({"count": 0}, "count: expected a whole number >= 1, got 0"),
        ({"count": 10.0}, "count: expected a whole number >= 1, got 10.0"),
        ({"count": True}, "count: expected a whole number"),
        ({"count": (3, 3), "design": "uniform"}, "uniform takes one number"),
        ({"count": (3, 3, 3), "design": "grid"}, "3 numbers for 2 variables"),
        ({"count": 2, "design": "grid"}, "at least 2 points on each axis, 4 in all, got 2"),
        ({"count": (5, 1), "design": "chebyshev"}, "at least 2 points on each axis"),
        ({"generator": "zero"}, "generator"),
        ({"generator": -1}, "generator"),
    ],
)
def test_refused_samples(arguments, message):
    with pytest.raises((ArgumentError, TypeError), match=message):
        sample(SQUARE, **({"count": 10} | arguments))


@pytest.mark.slow
def test_scipy_is_loaded_only_when_asked():
    code = (
        "import sys; import surefit.data as d; box = d.Domain('x=0:1, y=0:1')\n"
        "for k in ('auto', 'uniform', 'grid', 'chebyshev'):\n"
        "    d.sample(box, 9, k, with_corners=True, generator=0)\n"
        "d.Sampling(noise=0.1).points(box, 0); d.generate('x*y', box, 10, generator=0)\n"
        "named = {'scipy', 'pandas', 'pyarrow', 'matplotlib', 'llvmlite', 'typer', 'rich'}\n"
        "heavy = named & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "d.sample(box, 9, 'sobol', generator=0); assert 'scipy.stats' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# ---- splits and noise


@settings(deadline=None)
@given(st.integers(0, 1000), st.lists(st.integers(1, 20), min_size=1, max_size=6))
def test_split_lengths(n, weights):
    fractions = [w / sum(weights) for w in weights]
    lengths = split_lengths(n, fractions)
    assert sum(lengths) == n and min(lengths) >= 0
    assert all(abs(length - n * f) <= 1 + 1e-9 for length, f in zip(lengths, fractions, strict=True))


@pytest.mark.parametrize(
    "given_noise, noise",
    [
        (None, Noise("normal", 0.0)),
        (0.01, Noise("normal", 0.01)),
        ("0.01", Noise("normal", 0.01)),
        ("normal:0.5", Noise("normal", 0.5)),
        ("uniform:0.01", Noise("uniform", 0.01)),
        ("uniform:0:0.01", Noise("uniform", (0.0, 0.01))),
        ("uniform:-1:2e-1", Noise("uniform", (-1.0, 0.2))),
        (Noise("uniform", [0, 1]), Noise("uniform", (0.0, 1.0))),
    ],
)
def test_reading_noise(given_noise, noise):
    assert Noise.read(given_noise) == noise


@pytest.mark.parametrize(
    "noise, message",
    [
        ("loud", "cannot read 'loud'; expected 0.01, normal:0.01"),
        ("poisson:1", "'poisson' is unknown; choose normal or uniform"),
        (-0.1, "expected a finite number >= 0, got -0.1"),
        (math.nan, "expected a finite number"),
        ("normal:-1", "expected a finite number >= 0"),
        ("normal:0:1", "expected a finite number"),
        ("uniform:1:0", "low < high"),
        ("uniform:0:1:2", "low < high"),
        (True, "expected a finite number"),
    ],
)
def test_unreadable_noise(noise, message):
    with pytest.raises(ArgumentError, match=message):
        Noise.read(noise)


def test_noise_has_the_announced_distribution():
    n = 100_000
    normal = Noise("normal", 0.3).draw((n,), 0)
    assert normal.mean() == pytest.approx(0, abs=5 * 0.3 / math.sqrt(n))
    assert normal.std() == pytest.approx(0.3, rel=0.02)
    assert (np.abs(normal) < 0.3).mean() == pytest.approx(0.6827, abs=0.01)
    uniform = Noise("uniform", 0.3).draw((n,), 0)
    assert -0.3 <= uniform.min() < -0.299 and 0.299 < uniform.max() <= 0.3
    assert uniform.std() == pytest.approx(0.3 / math.sqrt(3), rel=0.02)
    shifted = Noise("uniform", (0, 0.01)).draw((n, 2), 0)
    assert shifted.shape == (n, 2) and shifted.min() >= 0 and shifted.mean() == pytest.approx(0.005, rel=0.01)


# ---- Sampling


def test_extra_points():
    """The document's 500 extra samples in [-2, 2]^2 beside 4 000."""
    box = Domain("x1=-5:5, x2=-5:5")
    for ratio in (0.125, None):
        plan = Sampling("uniform", 4000, with_corners=False, faces=0, extra_box="x1=-2:2, x2=-2:2", extra_ratio=ratio)
        points = plan.points(box, generator=0)
        assert points.shape == (4500, 2)
        assert (np.abs(points[4000:]) <= 2).all() and (np.abs(points[:4000]) > 2).any()
    assert plan.extra_points(box, 1, 0).shape == (1, 2)  # never none when asked for
    assert Sampling().extra_points(box, 1000).shape == (0, 2)
    part = Sampling("uniform", 800, extra_box={"x2": (4, 5)}, extra_ratio=0.5).extra_points(box, 800, 0)
    assert part.shape == (400, 2) and part[:, 1].min() >= 4 and part[:, 0].min() < -4


def test_corners_switch():
    assert len(Sampling("uniform", 100, faces=0).points(SQUARE, 0)) == 104
    assert len(Sampling("uniform", 100, faces=0, with_corners=False).points(SQUARE, 0)) == 100
    assert len(Sampling().points(LINE, 0)) == 1000


def test_held_out_points_are_fresh_and_in_proportion():
    plan = Sampling("grid", (10, 10), split=(0.5, 0.3, 0.2))
    validation, test = plan.held_out(SQUARE, 0)
    assert validation.shape == (60, 2) and test.shape == (40, 2)
    assert SQUARE.contains(validation).all() and SQUARE.contains(test).all()
    everything = np.concatenate([plan.points(SQUARE), validation, test])
    assert len(np.unique(everything, axis=0)) == 200
    none = Sampling(split=(1, 0, 0)).held_out(SQUARE, 0)
    assert [len(part) for part in none] == [0, 0]


@settings(deadline=None)
@given(st.integers(20, 500), st.integers(0, 1000))
def test_rows_partition(n, seed):
    plan = Sampling(split=(0.7, 0.2, 0.1))
    parts = plan.rows(n, seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(n))
    assert [len(p) for p in parts] == split_lengths(n, (0.7, 0.2, 0.1))
    for part, again in zip(parts, plan.rows(n, seed), strict=True):
        np.testing.assert_array_equal(part, again)


def test_too_few_rows():
    with pytest.raises(ArgumentError, match="3 rows are too few"):
        Sampling(split=(0.7, 0.15, 0.15)).rows(3)
    assert [len(p) for p in Sampling().rows(9)] == [9, 0, 0]  # of so few none is held out
    assert [len(p) for p in Sampling().rows(10)] == [8, 1, 1]
    assert [len(p) for p in Sampling(split=(1.0, 0, 0)).rows(3)] == [3, 0, 0]


def test_noisy():
    y = np.zeros((1000, 2))
    assert not Sampling().noisy(y, 0).any()
    noisy = Sampling(noise="uniform:0:0.5").noisy(y, 0)
    assert noisy.shape == y.shape and noisy.min() >= 0 and 0.4 < noisy.max() <= 0.5 and not y.any()
    np.testing.assert_array_equal(noisy, Sampling(noise=Noise("uniform", (0, 0.5))).noisy(y, 0))


def test_weights():
    x, y = np.arange(4.0)[:, None], np.arange(4.0)
    assert Sampling().row_weights(x, y) is None
    assert Sampling(weights=[1, 2, 3, 4]).row_weights(x, y).tolist() == [1, 2, 3, 4]
    assert Sampling(weights=lambda p, v: p[:, 0] + v).row_weights(x, y).tolist() == [0, 2, 4, 6]
    assert Sampling(weights=np.ones(3)) == Sampling(weights=[1, 1, 1])
    for weights, message in (
        ([1, 2], r"expected one per row, shape \(4,\), got \(2,\)"),
        ([1, 2, 3, -1], ">= 0"),
        ([1, 2, 3, math.nan], "finite"),
        ([0, 0, 0, 0], "not all 0"),
        (lambda p, v: p, "expected one per row"),
    ):
        with pytest.raises(ArgumentError, match=message):
            Sampling(weights=weights).row_weights(x, y)


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"design": "random"}, "design: 'random' is unknown"),
        ({"count": -1}, "count: expected a whole number >= 1"),
        ({"count": (5, 1)}, "count: expected a whole number >= 2"),
        ({"extra_ratio": 0.1}, "extra_box does not say where"),
        (
            {"extra_box": "x=0:1", "extra_ratio": 0.0},
            "extra_ratio: expected a share of the training points above 0",
        ),
        ({"extra_box": "x=0:1", "extra_ratio": math.inf}, "extra_ratio: expected a finite number"),
        ({"noise": -1.0}, "noise"),
        ({"split": 3}, "shares of training, validation and test data that sum to 1"),
        ({"split": "0.8"}, "shares of training, validation and test data that sum to 1"),
        ({"weights": {}}, "weights: expected an array of numbers, or a function, got dict"),
        ({"derivatives": "x"}, "derivatives: expected an array of numbers, or a function, got 'x'"),
        ({"split": (0.8, 0.1)}, "shares of training, validation and test data that sum to 1"),
        ({"split": (0.8, 0.1, 0.2)}, "sum to 1"),
        ({"split": (0.0, 0.5, 0.5)}, "sum to 1"),
        ({"split": (1.2, -0.2, 0.0)}, "split: expected a finite number >= 0"),
    ],
)
def test_refused_fields(fields, message):
    with pytest.raises(ArgumentError, match=message):
        Sampling(**fields)


def test_extra_box_outside():
    with pytest.raises(DomainError, match="reaches outside"):
        Sampling(extra_box="x1=-6:0").points(SQUARE, 0)


def test_frozen():
    with pytest.raises(AttributeError):
        Sampling().count = 3


@pytest.mark.parametrize(("name", "value"), [("drop_nonfinite", "no"), ("with_corners", 0), ("drop_nonfinite", None)])
def test_switches_are_true_or_false(name, value):
    with pytest.raises(ArgumentError, match=f"{name}={value!r} must be True or False"):
        Sampling(**{name: value})


def test_a_text_is_no_count():
    with pytest.raises(ArgumentError, match="count: expected a whole number >= 1, got '100'"):
        Sampling(count="100")


@pytest.mark.parametrize(
    "field", [{"count": 20}, {"design": "sobol"}, {"extra_box": "x=0:0.5"}, {"verify": 300}, {"faces": 0.2}]
)
def test_a_table_takes_no_setting_of_points_that_could_be_asked_for(field, tmp_path):
    """They had been ignored without a word."""
    x = np.linspace(0, 1, 60)
    name = next(iter(field))
    with pytest.raises(ArgumentError, match=rf"^{name}: needs a function that can be asked for more values"):
        surefit.fit((x, x**2), data=Sampling(**field), method="polynomial")
    if name != "design":
        with pytest.raises(ArgumentError, match=f"^{name}"):
            surefit.fit((x, x**2), data=Sampling(stream=True, **field), method="features")


def test_a_weight_of_gradients_needs_gradients():
    with pytest.raises(ArgumentError, match="derivative_weight: says what gradients count, and there are none"):
        Sampling(derivative_weight=3.0)
    assert Sampling(derivative_weight=3.0, derivatives=True).derivative_weight == 3.0
