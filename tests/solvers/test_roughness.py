"""Where a function of one input is rough: pieces, jumps, and local lengths."""

from __future__ import annotations

import numpy as np
import pytest

from surefit.solvers.roughness import Mesh, jumps_of, pieces_of, without_jumps


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
