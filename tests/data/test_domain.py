"""Domains: every form they are written in, what they refuse, and arithmetic that stays inside the box."""

from __future__ import annotations

import ast
import copy
import json
import math
import pickle
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surefit.data import Domain, check_finite
from surefit.errors import DomainError, SurefitError

PI = math.pi


@pytest.mark.parametrize(
    "box, names, bounds",
    [
        ({"x": (-2, 2)}, ("x",), ((-2, 2),)),
        ({"b": (0, 1), "a": [2, 3.5]}, ("b", "a"), ((0, 1), (2, 3.5))),  # in the order given
        ({"x": ("-pi", "2*pi")}, ("x",), ((-PI, 2 * PI),)),
        ({"x": "-1:1e3"}, ("x",), ((-1, 1000),)),
        ("x1=-5:5", ("x1",), ((-5, 5),)),
        (" x1 = -5 : 5 , x2=-2*pi:(1+1)*pi ", ("x1", "x2"), ((-5, 5), (-2 * PI, 2 * PI))),
        (["x1=-5:5", "x2=0:1/4"], ("x1", "x2"), ((-5, 5), (0, 0.25))),
        ("x1=-5:5,x2=0:e", ("x1", "x2"), ((-5, 5), (0, math.e))),
        ("x＝－5：5，y＝0：１", ("x", "y"), ((-5, 5), (0, 1))),  # a Chinese keyboard in full-width mode
        ("x=−π:π", ("x",), ((-PI, PI),)),
        ("-2:2", ("x",), ((-2, 2),)),
        ((-2, 2), ("x",), ((-2, 2),)),
        (("-pi", "pi"), ("x",), ((-PI, PI),)),
        ([(0, 1)], ("x",), ((0, 1),)),
        ([(0, 1), (2, 3)], ("x1", "x2"), ((0, 1), (2, 3))),
        (["0:1", "2:3"], ("x1", "x2"), ((0, 1), (2, 3))),
        (np.array([[0.0, 1.0], [2.0, 3.0]]), ("x1", "x2"), ((0, 1), (2, 3))),
        (np.array([0, 1]), ("x",), ((0, 1),)),
        ((np.float32(0.5), np.int64(3)), ("x",), ((0.5, 3),)),
        (((i, i + 1) for i in range(3)), ("x1", "x2", "x3"), ((0, 1), (1, 2), (2, 3))),
    ],
)
def test_forms(box, names, bounds):
    domain = Domain(box)
    assert domain.names == names
    assert domain.bounds == bounds
    assert domain.dim == len(names)
    np.testing.assert_array_equal(domain.low, [b[0] for b in bounds])
    np.testing.assert_array_equal(domain.high, [b[1] for b in bounds])
    assert domain.low.dtype == domain.high.dtype == np.float64
    assert domain.volume == pytest.approx(np.prod([b - a for a, b in bounds]))
    assert Domain(domain) == domain


def test_names_for_pairs():
    assert Domain((0, 1), names="t").names == ("t",)
    assert Domain([(0, 1), (2, 3)], names=["u", "v"]).names == ("u", "v")
    assert Domain(Domain({"a": (0, 1)}), names=["b"]) == Domain({"b": (0, 1)})


@pytest.mark.parametrize(
    "box, named",
    [
        ({"x": (0, 1)}, True),
        (Domain((0, 1)), True),
        ("x＝0：1", True),
        (["x=0:1", "y=0:1"], True),
        ("0:1", False),
        (("-pi", "pi"), False),
        ((0, 1), False),
        (np.eye(2), False),
    ],
)
def test_is_named(box, named):
    assert Domain.is_named(box) is named


@pytest.mark.parametrize(
    "box, message",
    [
        ("x=nan:1", "low end of 'x'.*nan"),
        ({"x": (0, math.nan)}, "high end of 'x' is nan; both ends must be finite"),
        ({"x": (-math.inf, 0)}, "low end of 'x' is -inf"),
        ({"x": (0, 10**400)}, "high end of 'x' must be a finite number"),
        ({"x": (5, -5)}, "'x' is reversed: 5 to -5; write low first"),
        ("x=1:1", "'x' has no width: both ends are 1"),
        ({"x": (-1.7e308, 1.7e308)}, "wider than a float64"),
        ("x=0:1, x=2:3", "'x' is given 2 times"),
        ("x=5", r"cannot read '5' as the interval of 'x'; expected LOW:HIGH"),
        ("x=0:1:2", "cannot read '0:1:2'"),
        ("=0:1", "cannot read '=0:1'; expected NAME=LOW:HIGH"),
        (["x=0:1", "0:2"], "cannot read '0:2'; expected NAME=LOW:HIGH"),
        ("x=0:1,", "cannot read ''; expected NAME=LOW:HIGH"),
        ("x=0:y", "high end of 'x', 'y'"),
        ("x=0:__import__('os')", "high end of 'x'"),
        ("x=0:1e308*10", "high end of 'x'"),
        ("x=0:1/0", "divides by zero"),
        ({"x": (0, 1, 2)}, r"must be a pair \(low, high\), got \(0, 1, 2\)"),
        ({"x": 5}, r"must be a pair \(low, high\), got 5"),
        ({"x": (None, 1)}, "low end of 'x' must be a finite number or a text, got None"),
        ({"x": (False, True)}, "low end of 'x' must be a finite number or a text, got False"),
        ({"x": (1j, 2)}, "low end"),
        ({"": (0, 1)}, "name must be a text without blanks"),
        ({" x": (0, 1)}, "name must be a text without blanks"),
        ({3: (0, 1)}, "name must be a text"),
        ({}, "no variables"),
        ([], "no variables"),
        (5, "expected a dict"),
        ([(0, 1), 3], "'x2' must be a pair"),
    ],
)
def test_refused(box, message):
    with pytest.raises(DomainError, match=message) as caught:
        Domain(box)
    assert isinstance(caught.value, ValueError) and isinstance(caught.value, SurefitError)


@pytest.mark.parametrize(
    "box, names, message",
    [
        ({"x": (0, 1)}, ["y"], "names its variables already"),
        ("x=0:1", ["y"], "names its variables already"),
        ([(0, 1), (2, 3)], ["x"], "2 intervals for 1 variables"),
        ([(0, 1), (2, 3)], ["x", "x"], "given 2 times"),
    ],
)
def test_refused_names(box, names, message):
    with pytest.raises(DomainError, match=message):
        Domain(box, names=names)


def test_immutable():
    domain = Domain((0, 1))
    with pytest.raises(AttributeError):
        domain.low = 5
    with pytest.raises(ValueError, match="read-only"):
        domain.low[0] = 5
    with pytest.raises(AttributeError):
        domain.note = "no"


def test_text_forms():
    domain = Domain({"x1": (-5, 5), "x2": (0, 2 * PI)})
    assert str(domain) == "x1=-5:5, x2=0:6.283185307179586"
    assert repr(domain) == "Domain({'x1': (-5.0, 5.0), 'x2': (0.0, 6.283185307179586)})"
    assert str(Domain((-0.0, 1))) == "x=0:1"


ends = st.floats(-1e300, 1e300)
intervals = st.tuples(ends, ends).filter(lambda p: p[0] != p[1]).map(lambda p: (min(p), max(p)))
identifiers = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True)
domains = st.dictionaries(identifiers, intervals, min_size=1, max_size=5).map(Domain)


@settings(deadline=None)
@given(domains)
def test_round_trips(domain):
    assert Domain(str(domain)) == domain
    assert Domain(ast.literal_eval(repr(domain)[len("Domain(") : -1])) == domain
    assert Domain.from_dict(json.loads(json.dumps(domain.to_dict()))) == domain
    assert pickle.loads(pickle.dumps(domain)) == domain == copy.deepcopy(domain)  # noqa: S301
    assert hash(Domain(domain.bounds, domain.names)) == hash(domain)


@settings(deadline=None)
@given(domains, st.lists(st.floats(0, 1), min_size=1, max_size=20), st.data())
def test_scaling_stays_inside_and_inverts(domain, fractions, data):
    t = np.array([[2 * data.draw(st.sampled_from(fractions)) - 1 for _ in domain.names] for _ in range(3)])
    points = domain.unscale(t)
    assert domain.contains(points).all()
    back = domain.scale(points)
    assert np.abs(back).max() <= 1.0
    # one rounding of a point moves its scaled image by up to its spacing over the width
    slack = 4 * np.spacing(np.maximum(np.abs(domain.low), np.abs(domain.high))) / domain.width
    assert (np.abs(back - t) <= slack + 1e-15).all()


@settings(deadline=None)
@given(domains)
def test_ends_scale_exactly(domain):
    np.testing.assert_array_equal(domain.scale(domain.low), -np.ones(domain.dim) if domain.dim > 1 else [-1.0])
    np.testing.assert_array_equal(domain.scale(domain.high), np.ones(domain.dim) if domain.dim > 1 else [1.0])
    np.testing.assert_array_equal(domain.unscale(np.full((1, domain.dim), -1.0)), [domain.low])
    np.testing.assert_array_equal(domain.unscale(np.full((1, domain.dim), 1.0)), [domain.high])


def test_contains():
    box = Domain("x=0:1, y=-1:1")
    inside = box.contains([[0, -1], [1, 1], [0.5, 0], [1.1, 0], [0.5, -1.5], [np.nan, 0], [0, np.inf]])
    assert inside.tolist() == [True, True, True, False, False, False, False]
    assert box.contains([0.5, 0.5]).tolist() is True
    line = Domain((0, 1))
    assert line.contains([0.5, 2.0]).tolist() == [True, False]
    assert line.contains([[0.5], [2.0]]).tolist() == [True, False]
    assert line.scale([0.0, 0.5, 1.0]).tolist() == [-1.0, 0.0, 1.0]
    assert line.scale([[0.5]]).shape == (1, 1)


@pytest.mark.parametrize("points", [np.zeros((3, 3)), np.zeros(3), np.zeros((2, 2, 2)), 1.0])
def test_points_of_the_wrong_shape(points):
    with pytest.raises(DomainError, match=r"expected shape \(n, 2\)"):
        Domain("x=0:1, y=0:1").contains(points)


def test_corners():
    assert Domain((-2, 3)).corners().tolist() == [[-2], [3]]
    assert Domain("x=0:1, y=2:3").corners().tolist() == [[0, 2], [0, 3], [1, 2], [1, 3]]
    with pytest.raises(DomainError, match=r"2\*\*21"):
        Domain([(0, 1)] * 21).corners()


def test_select():
    box = Domain("x1=0:1, x10=2:3, x2=4:5")
    assert box.select(["x2", "x1"]) == Domain("x2=4:5, x1=0:1")
    assert box.select("x10") == Domain("x10=2:3")
    with pytest.raises(DomainError, match="no variable 'z'; it has x1, x10, x2"):
        box.select(["z"])


@pytest.mark.parametrize(
    "part, expected",
    [
        ({"y": (0, 1)}, "x=-5:5, y=0:1"),
        ("x=-2:2, y=-2:2", "x=-2:2, y=-2:2"),
        ([(-2, 2), (0, 1)], "x=-2:2, y=0:1"),
        (Domain("y=1:2"), "x=-5:5, y=1:2"),
        (["y=-5:5"], "x=-5:5, y=-5:5"),
    ],
)
def test_inside(part, expected):
    assert Domain("x=-5:5, y=-5:5").inside(part) == Domain(expected)


@pytest.mark.parametrize(
    "part, message",
    [
        ("z=0:1", "no variable 'z'"),
        ("x=0:6", "x=0:6 reaches outside the domain, where x=-5:5"),
        ((0, 1), "1 intervals for 2 variables"),
    ],
)
def test_not_inside(part, message):
    with pytest.raises(DomainError, match=message):
        Domain("x=-5:5, y=-5:5").inside(part)


def test_around():
    assert Domain.around([[0, 5], [2, 3], [1, 4]], ["a", "b"]) == Domain("a=0:2, b=3:5")
    assert Domain.around([3.0, -1.0, 2.0]) == Domain((-1, 3))
    assert Domain.around([[7.0, 0.0], [7.0, 1.0]]).bounds == ((3.5, 10.5), (0.0, 1.0))  # a constant column
    assert Domain.around([[0.0, 0.0], [0.0, 1.0]]).bounds == ((-0.5, 0.5), (0.0, 1.0))
    for bad in ([], [[np.nan]], np.zeros((2, 2, 2))):
        with pytest.raises(DomainError, match="points"):
            Domain.around(bad)


@pytest.mark.parametrize(
    "record", [{}, {"names": ["x"], "low": [0]}, {"names": ["x"], "low": [0], "high": [1, 2]}, [1, 2]]
)
def test_damaged_record(record):
    with pytest.raises(DomainError, match="domain record"):
        Domain.from_dict(record)


# ---- targets that are not finite


def test_finite_targets_pass_through():
    x, y = np.arange(6.0).reshape(3, 2), np.ones(3)
    points, values, dropped = check_finite(x, y, ["a", "b"])
    assert points is x and values is y and dropped == 0


def test_not_finite_names_points_count_and_cure():
    x = np.array([[-1.0], [0.0], [1.0], [2.0], [3.0]])
    y = np.array([np.nan, -np.inf, 0.0, np.nan, np.inf])
    with pytest.raises(DomainError) as caught:
        check_finite(x, y, ["x"])
    message = str(caught.value)
    assert "4 of 5 sampled points" in message
    assert "x=-1 gives nan; x=0 gives -inf; x=2 gives nan; and 1 more" in message
    assert message.endswith("drop_nonfinite=True")


def test_drop_not_finite():
    x = np.arange(8.0).reshape(4, 2)
    y = np.array([[1.0, np.nan], [1.0, 2.0], [np.inf, np.inf], [3.0, 4.0]])
    points, values, dropped = check_finite(x, y, ["a", "b"], drop=True)
    assert points.tolist() == [[2, 3], [6, 7]] and values.tolist() == [[1, 2], [3, 4]] and dropped == 2
    with pytest.raises(DomainError, match=r"2 of 4.*a=0, b=1 gives 1, nan; a=4, b=5 gives inf, inf\."):
        check_finite(x, y, ["a", "b"])


@pytest.mark.parametrize("drop", [False, True])
def test_finite_nowhere(drop):
    with pytest.raises(DomainError, match="not finite at any of the 2"):
        check_finite([[0.0], [1.0]], [np.nan, np.nan], ["x"], drop=drop)


def test_values_of_another_length():
    with pytest.raises(DomainError, match="one value or one row per point"):
        check_finite([[0.0], [1.0]], [1.0], ["x"])


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("x=[0,1]", "x=0:1"), ("x=(0, 2*pi)", "x=0:2*pi"), ("t in [0, 1]", "t=0:1"), ("0 < x <= 1", "x=0:1"),
        ("x:0:1", "x=0:1"), ("x=0,1", "x=0:1"), ("x=0-1", "x=0:1"), ("x=0:1 y=2:3", "x=0:1, y=2:3"), ("(0,1)", "0:1"),
        ("x=[-1,1], y=[0,2]", "x=-1:1, y=0:2"), ("x=0:1; y=2:3", "x=0:1, y=2:3"), ("0:1, 2:3", "x1=0:1, x2=2:3"),
        ("-1<=x<=1, 0<=y<2", "x=-1:1, y=0:2"), ("x in [0,1]; y=0:1", "x=0:1, y=0:1"), ("x=0:1,y=[0,1]", "x=0:1, y=0:1"),
    ],
)  # fmt: skip
def test_intervals_written_as_elsewhere_are_told_how_they_are_written_here(text, meant):
    with pytest.raises(DomainError, match=re.escape(f"did you mean {meant}?")):
        Domain(text)
    Domain(meant)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x=1:", "the high end of 'x' is missing"), ("x=:1", "the low end of 'x' is missing"),
        ("x=-inf:1", "the low end of 'x' is -inf; both ends must be finite"),
    ],
)  # fmt: skip
def test_ends_that_are_missing_or_infinite_are_no_formulas(text, message):
    with pytest.raises(DomainError) as caught:
        Domain(text)
    assert message in str(caught.value) and "formula" not in str(caught.value)


def test_frames_and_series_name_their_variables():
    pd = pytest.importorskip("pandas", reason="pandas makes them")
    want = Domain({"b": (-1, 2), "a": (0, 1)})
    assert Domain(pd.Series({"b": (-1, 2), "a": (0, 1)})) == want
    assert Domain(pd.DataFrame({"b": [-1, 2], "a": [0, 1]}, index=["min", "max"])) == want
    data = pd.DataFrame({"b": [0.5, 2.0, -1.0], "a": [0.0, 1.0, 0.5]})
    assert Domain(data.agg(["min", "max"])) == want
    assert Domain(pd.Series([0, 1])) == Domain((0, 1))
    with pytest.raises(DomainError, match="must be a pair"):
        Domain(data)
    with pytest.raises(DomainError, match="names its variables already"):
        Domain(pd.Series({"b": (-1, 2), "a": (0, 1)}), names=["u", "v"])
