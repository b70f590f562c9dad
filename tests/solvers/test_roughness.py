"""Where a function of one input is rough: pieces, jumps, and local lengths."""

from __future__ import annotations

import numpy as np
import pytest

from surefit.solvers.roughness import STEEPEST, Mesh, centre_of, jumps_of, pieces_of, without_jumps


def column(f):
    return lambda u: f(u)[:, None]


SHARP = [
    (lambda u: np.abs(u - 0.3), 0.3),
    (lambda u: np.sqrt(u + 1.0), -1.0),
    (lambda u: np.cbrt(u - 0.11), 0.11),
    (lambda u: np.exp(-1e6 * (u - 0.7) ** 2), 0.7),
    (lambda u: np.tanh(1e5 * (u + 0.25)), -0.25),
]


@pytest.mark.parametrize(("f", "place"), SHARP)
def test_pieces_are_short_where_a_function_is_rough_and_tile_the_interval(f, place):
    found = pieces_of(column(f), 1e-9, 50_000)
    assert found.settled
    low, high = found.ends.T
    assert low[0] == -1.0 and high[-1] == 1.0 and (low[1:] == high[:-1]).all()
    shortest = found.ends[np.argmin(high - low)]
    assert np.abs(shortest - place).max() < 1e-2 and np.diff(shortest)[0] < 1e-2


def test_polynomials_through_the_pieces_are_as_near_as_was_asked_for():
    f = lambda u: np.sin(1.0 / (u + 1.05))
    found = pieces_of(column(f), 1e-10, 50_000)
    u = np.linspace(-1, 1, 5001)
    for low, high in found.ends:
        piece = np.polynomial.Chebyshev.interpolate(f, 16, (low, high))
        inside = u[(u >= low) & (u <= high)]
        assert np.abs(piece(inside) - f(inside)).max(initial=0.0) < 1e-9


def test_something_narrow_is_found_where_it_is_looked_for():
    f = column(lambda u: np.sin(u) + np.exp(-1e12 * (u - 0.4321) ** 2))
    assert len(pieces_of(f, 1e-9, 50_000).ends) == 1
    found = pieces_of(f, 1e-9, 50_000, looked_at=[-0.2, 0.4321])
    assert len(found.ends) > 10 and np.abs(found.at(np.array([0.4321])) - f(np.array([0.4321]))).max() < 1e-8


def test_what_is_rough_everywhere_does_not_settle():
    f = lambda u: sum(2.0**-k * np.cos(3.0**k * u) for k in range(30))
    found = pieces_of(column(f), 1e-9, 20_000)
    assert not found.settled and found.asked <= 20_000


def test_jumps_are_found_to_neighbouring_floats_and_taken_away():
    f = lambda u: np.where(u > 0.3, 2.0, 0.0) + np.where(u >= -0.7, 1.0, 0.0) + np.sin(u)
    found = pieces_of(column(f), 1e-9, 50_000)
    first, second = jumps_of(column(f), found)
    assert (first.after, second.before) == (-0.7, 0.3)
    assert first.height == pytest.approx([1.0]) and second.height == pytest.approx([2.0])
    rest = pieces_of(without_jumps(column(f), [first, second]), 1e-9, 50_000)
    assert len(rest.ends) < 4


def test_a_value_at_the_jump_itself_is_no_jump_of_its_own():
    f = column(lambda u: np.sign(u - 0.3))
    jumps = jumps_of(f, pieces_of(f, 1e-9, 50_000))
    assert [j.height.tolist() for j in jumps] == [[2.0]]
    assert len(pieces_of(without_jumps(f, jumps), 1e-9, 50_000).ends) == 1


COARSE = 2.0**-27


def test_the_height_of_a_jump_is_not_that_of_what_is_beside_it():
    f = column(lambda u: 3.0 * u - np.where(u >= 0.3, 1.0, 0.0))
    (jump,) = jumps_of(f, pieces_of(f, 1e-9, 50_000, COARSE), COARSE)
    assert jump.height == pytest.approx([-1.0], abs=1e-12) and jump.after == 0.3
    assert len(pieces_of(without_jumps(f, [jump]), 1e-9, 50_000).ends) == 1


@pytest.mark.parametrize("f", [lambda u: (u + 1.0) ** 0.2, lambda u: np.cbrt(u - 0.1), lambda u: np.tanh(1e5 * u)])
def test_what_is_steep_is_no_jump_however_short_pieces_may_be(f):
    pieces = pieces_of(column(f), 1e-9, 50_000, 2.0**-20)  # so coarse that the values change a lot on the shortest
    assert jumps_of(column(f), pieces, 2.0**-52) == []


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("f", "at", "shift", "scale"),
    [
        (np.floor, 1.0, 0.25, 3.25), (np.floor, 3.0, 0.25, 3.25), (np.ceil, 2.0, 0.1, 4.0),
        (lambda x: np.where(x > 0.3, 1.0, 0.0), 0.3, 0.0, 2.0), (lambda x: np.sign(x - 0.5), 0.5, 0.0, 1.0),
        (lambda x: np.where(x >= 0.0, 5.0, -1.0), 0.0, 0.0, 1.0), (np.sign, 0.0, 0.0, 1.0),
    ],
)  # fmt: skip
def test_a_unit_has_the_value_of_the_number_that_people_type(f, at, shift, scale, dtype):
    units = lambda x: (x - shift) / scale
    values = lambda u: f(u * scale + shift)[:, None]
    low, high = units(at - 0.4), units(at + 0.4)
    inside = lambda u: values(np.where((u >= low) & (u <= high), u, np.where(u < low, low, high)))
    (jump,) = jumps_of(inside, pieces_of(inside, 1e-9, 50_000))
    x = lambda u: u * scale + shift
    centre = centre_of(jump, x(jump.before), x(jump.after), lambda x: f(x)[:, None], units, dtype)
    u = units(np.array([at - 1e-3, at, at + 1e-3])).astype(dtype)
    unit = np.tanh(dtype(STEEPEST) * u + dtype(-STEEPEST * centre))
    found = jump.left + 0.5 * jump.height * (1.0 + unit[:, None])
    assert found[:, 0] == pytest.approx(f(np.array([at - 1e-3, at, at + 1e-3])), abs=1e-12)


@pytest.mark.parametrize(("f", "place"), SHARP)
def test_local_lengths_grow_slowly_and_count_what_they_say(f, place):
    mesh = Mesh(pieces_of(column(f), 1e-9, 50_000), 8.0, 0.25)
    slopes = np.diff(mesh.lengths) / np.diff(mesh.nodes)
    assert np.abs(slopes).max() < 0.25 * 1.01
    at, lengths = mesh.at(np.linspace(0.0, mesh.count, 20_001))
    assert (np.diff(at) > 0).all() and at[0] == -1.0 and at[-1] == pytest.approx(1.0)
    # between two places the integral of 1/h is the difference of their counts, by the trapezium rule
    integral = np.sum(0.5 * (1 / lengths[1:] + 1 / lengths[:-1]) * np.diff(at))
    assert integral == pytest.approx(mesh.count, rel=1e-3)
    assert np.abs(at[np.argmin(lengths)] - place) < 1e-2


def test_places_that_are_rounded_to_one_float_are_no_places_of_a_polynomial():
    """A pole leads to pieces so short that the first two of their 17 places are one: that matrix is singular."""
    spacing, middle = 0.0196, -0.9904  # of -1 and -cos(pi/16), which are rounded to it
    taken_at = lambda u: np.round((u - middle) / spacing) * spacing + middle
    assert taken_at(np.array([-1.0]))[0] == taken_at(-np.cos(np.pi / 16) * np.ones(1))[0]
    found = pieces_of(column(lambda u: np.exp(taken_at(u))), 1e-9, 2000, shortest=0.5, taken_at=taken_at)
    assert np.isfinite(found.coefficients).all()
