"""Networks that nobody asked for many digits of stay of a size that one can use."""

from __future__ import annotations

import numpy as np
import pytest

from surefit.attempts.progress import Progress
from surefit.core import ops
from surefit.data import Domain
from surefit.problems.posing import pose
from surefit.search.judging import Judge
from surefit.search.limits import UNASKED_PARAMETERS
from surefit.search.runner import State, run
from surefit.search.strategies.contracting import contracting


def of_four_numbers(b, c, d, g, e, h):
    """Thousands of units follow it, for one of its steps takes four numbers at once."""
    s = np.asarray(h, np.float64) * (g + 9)
    return (12 * c / (b + c) + 0.74) * s / (s + d) + 11.35 * d / (s + d) + 0.74 * d * s / ((s + d) * e)


@pytest.mark.slow
def test_steps_of_many_numbers_stop_growing_without_a_tolerance():
    box = Domain([(50, 150), (25, 70), (0.5, 3), (0.25, 1.2), (1.2, 2.5), (50, 300)])
    problem = pose(of_four_numbers, box, None, 0, solver=True)
    state = State(problem, 0, ops.float64, Judge(problem, 0), Progress(), aim=1e-7)
    run(state, contracting(state))
    sizes = [c.model.network.num_parameters() for c in state.candidates]
    assert sizes and max(sizes) <= UNASKED_PARAMETERS
