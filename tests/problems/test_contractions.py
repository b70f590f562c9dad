"""Which inputs a function has only together, found from its values alone."""

from __future__ import annotations

import numpy as np
import pytest

from surefit.problems.contractions import contracted, gradients, sets_of


def rng():
    return np.random.default_rng(0)


def sets(f, d):
    found, matters = sets_of(f, d, rng())
    return {tuple(sorted(s)) for s in found}, matters


def test_a_pair_that_works_through_its_difference_is_found_and_no_other_set():
    found, matters = sets(
        lambda u: np.exp((u[:, 0] - u[:, 2]) ** 2 * u[:, 1]) * (2 + u[:, 1]) + u[:, 1] * u[:, 3] ** 3, 4
    )
    assert found == {(0, 2)} and matters == {0, 1, 2, 3}


def test_of_a_product_every_set_is_found():
    found, _ = sets(lambda u: np.prod(2 + u, axis=1), 4)
    assert len(found) == 2**4 - 4 - 2


def test_overlapping_sets_are_those_of_a_sum_within_a_function():
    found, _ = sets(lambda u: np.sin(u[:, 0] + u[:, 1] ** 2 + np.exp(u[:, 2])) * u[:, 3] + u[:, 3], 4)
    assert found == {(0, 1), (0, 2), (1, 2), (0, 1, 2)}


def test_inputs_that_do_not_matter_are_in_no_set():
    found, matters = sets(lambda u: (u[:, 0] + 2) * (u[:, 2] + 3) / (u[:, 3] + 4), 5)
    assert matters == {0, 2, 3} and found == {(0, 2), (0, 3), (2, 3)}


@pytest.mark.parametrize(
    "f",
    [
        lambda u: u[:, 0] * u[:, 1] + u[:, 1] * u[:, 2] + u[:, 2] * u[:, 0] ** 2,
        lambda u: np.float32(np.prod(2 + u, axis=1)).astype(np.float64),  # too coarse for differences
        lambda u: np.where(u[:, 0] > 0, np.nan, u.sum(axis=1)),
        lambda u: np.zeros(len(u)),
    ],
)
def test_where_nothing_is_together_or_sure_nothing_is_said(f):
    assert contracted(f, 3, rng()) is None


def test_steps_take_as_few_numbers_as_they_can_and_are_not_deeper_than_they_must():
    whole = contracted(lambda u: np.prod(2 + u, axis=1), 8, rng())
    assert whole.arity == 2 and whole.depth == 3 and whole.inputs == frozenset(range(8))
    distance = contracted(
        lambda u: (3 + u[:, 6]) / (1 + sum((u[:, i] - u[:, i + 1]) ** 2 for i in (0, 2, 4))), 7, rng()
    )
    assert distance.arity == 2
    pairs = {tuple(sorted(c.inputs)) for c in distance.all()}
    assert {(0, 1), (2, 3), (4, 5)} <= pairs


def test_the_others_are_not_held_where_the_inputs_do_not_show():
    def f(u):
        return np.maximum(u[:, 2], 0.0) * (2 + u[:, 0] * u[:, 1]) + (0.5 + u[:, 2]) ** 3

    whole = contracted(f, 3, rng())
    if whole is not None:  # half of the places show nothing of the first two
        pair = next(c for c in whole.all() if c.inputs == {0, 1})
        assert (pair.held[:, 2] > 0).all()


def test_derivatives_are_those_of_the_function():
    u = np.random.default_rng(1).uniform(-0.9, 0.9, (20, 3))
    found = gradients(lambda p: np.sin(p[:, 0]) * p[:, 1] + p[:, 2] ** 3, u, [2, 0])
    np.testing.assert_allclose(found, np.stack([3 * u[:, 2] ** 2, np.cos(u[:, 0]) * u[:, 1]], axis=1), atol=1e-9)


def test_few_values_are_asked_for():
    asked = 0

    def f(u):
        nonlocal asked
        asked += len(u)
        return np.prod(2 + u, axis=1)

    contracted(f, 9, rng())
    assert asked < 40_000
