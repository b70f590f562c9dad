"""Functions of one smooth number, seen from values."""

from __future__ import annotations

import numpy as np
import pytest

from surefit.problems.links import Mixed, Parts, linked, reduced

SUMS = [  # inputs, function of points of [-1, 1]^d, degree of the sum
    (2, lambda p: np.hypot(p[:, 0] - 0.2, p[:, 1] + 0.3), 2),
    (2, lambda p: np.abs(p[:, 0] ** 3 + p[:, 0] - np.exp(p[:, 1])), None),
    (2, lambda p: np.tanh(200.0 * (p[:, 0] + 0.7 * p[:, 1] - 0.2)), 1),
    (2, lambda p: np.exp(-2000.0 * ((p[:, 0] - 0.3) ** 2 + (p[:, 1] - 0.6) ** 2)), 2),
    (4, lambda p: (3 + p[:, 0]) * (2 + p[:, 1]) / ((2.5 + p[:, 2]) * (2 + p[:, 3]) ** 2), None),
    (8, lambda p: np.abs(p @ np.arange(1, 9) - 0.4), 1),
]
POLYNOMIALS = [
    (2, lambda p: np.exp(-300.0 * (p[:, 0] - 2.0 * p[:, 1]) ** 2 - (p[:, 0] + p[:, 1]) ** 2), 2),
    (3, lambda p: np.abs(p[:, 0] * p[:, 1] - p[:, 2]), 2),
    (2, lambda p: np.sqrt(np.abs(p[:, 0] ** 3 - 2 * p[:, 0] * p[:, 1] + 0.3 * p[:, 1] ** 2 - 0.1)), 3),
]
NONE = [
    (2, lambda p: np.maximum(p[:, 0] ** 2 - p[:, 1], np.sin(3.0 * p[:, 1]))),
    (3, lambda p: np.abs(p[:, 0]) + np.abs(p[:, 1]) * p[:, 2]),
    (2, lambda p: np.sign(p[:, 0])),
    (2, lambda p: np.where(p[:, 0] > 0.9, np.nan, p[:, 1])),
    (3, lambda p: 0.0 * p[:, 0]),
]


def at_the_same_number(link, f, d):
    points = np.random.default_rng(5).uniform(-1.0, 1.0, (4000, d))
    t = link.inner(points)
    assert np.abs(t).max() <= 1.0 + 1e-9
    return np.abs(link.at(t) - f(points)).max()


@pytest.mark.parametrize(("d", "f", "degree"), SUMS)
def test_a_sum_is_found_however_rough_the_function_of_it_is(d, f, degree):
    link = linked(f, d, np.random.default_rng(0))
    assert link is not None and isinstance(link.inner, Parts) and degree in (None, link.inner.degree)
    size = np.ptp(f(np.random.default_rng(1).uniform(-1.0, 1.0, (1000, d))))
    assert at_the_same_number(link, f, d) <= 1e-6 * size


@pytest.mark.parametrize(("d", "f", "degree"), POLYNOMIALS)
def test_a_polynomial_of_all_inputs_is_found_of_the_lowest_degree(d, f, degree):
    link = linked(f, d, np.random.default_rng(0))
    assert link is not None and isinstance(link.inner, Mixed) and link.inner.degree == degree
    assert at_the_same_number(link, f, d) <= 1e-5


@pytest.mark.parametrize(("d", "f"), NONE)
def test_what_is_a_function_of_no_one_number_is_not_taken_for_one(d, f):
    assert linked(f, d, np.random.default_rng(0)) is None


def test_an_input_that_does_not_matter_is_in_no_sum():
    link = linked(lambda p: np.abs(p[:, 0] + p[:, 2] ** 2 - 0.3), 3, np.random.default_rng(0))
    assert link is not None and isinstance(link.inner, Parts)
    assert np.abs(link.inner.parts[1][1:]).max(initial=0.0) < 1e-9


def inputs_of(number):
    return min(number.inputs) if number.link is None else tuple(sorted((inputs_of(m) for m in number.members), key=str))


NESTED = [  # inputs, function, numbers with those of which they are made, whether it is one of a single number
    (6, lambda a, b, c, d, e, f: a * np.exp(-b * c * d / (e * f)), {0, (1, 2, 3, 4, 5)}, True),
    (5, lambda a, b, c, d, e: a / np.sqrt((b - c) ** 2 + (d - e) ** 2 + 0.1), {0, ((1, 2), (3, 4))}, True),
    (4, lambda a, b, c, d: np.sqrt(a * a + b * b + 1.9 * a * b * np.cos(c - d)), {0, 1, (2, 3)}, False),
    (4, lambda a, b, c, d: a * np.sin(b * c) + d * np.exp(b * c), {0, 3, (1, 2)}, False),
]


@pytest.mark.parametrize(("d", "f", "numbers", "one"), NESTED)
def test_numbers_are_made_of_numbers(d, f, numbers, one):
    g = lambda p: f(*(2.5 + p).T)
    found = reduced(g, d, np.random.default_rng(0))
    assert found is not None and {inputs_of(n) for n in found.numbers} == numbers and (found.link is not None) == one
    points = np.random.default_rng(4).uniform(-1.0, 1.0, (2000, d))
    t = np.stack([n.of(points) for n in found.numbers], axis=1)
    size = np.ptp(g(points))
    assert np.abs(found.function(t) - g(points)).max() <= 1e-7 * size
    if found.link is not None:
        assert np.abs(found.link.at(found.link.inner(t)) - g(points)).max() <= 1e-6 * size


def test_what_takes_all_its_inputs_at_once_has_no_fewer_numbers():
    f = lambda p: np.sin(3 * p[:, 0] * p[:, 1] + p[:, 2]) + p[:, 0] ** 2 * p[:, 2]
    assert reduced(f, 3, np.random.default_rng(0)) is None
