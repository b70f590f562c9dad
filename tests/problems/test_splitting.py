"""Rows that belong together: whole groups in one part, the last rows tested."""

import io

import numpy as np
import pytest

import surefit
from surefit import Sampling, fit
from surefit.errors import ArgumentError, DataError, SurefitError
from surefit.problems.posing import pose

RNG = np.random.default_rng(5)
WHO = RNG.permutation(np.repeat(np.arange(12), RNG.integers(2, 9, 12)))
N = len(WHO)
X = RNG.uniform(size=(N, 2))
Y = X.sum(axis=1)


def parts(problem):
    return [problem.row_numbers[part] for part in ("train", "validation", "test")]


@pytest.mark.parametrize(
    "labels", [WHO, [f"p{w}" for w in WHO], WHO.astype("M8[D]"), WHO * 0.5], ids=["whole", "texts", "days", "floats"]
)
@pytest.mark.parametrize("seed", range(4))
def test_rows_of_a_group_lie_in_one_part(labels, seed):
    found = parts(pose((X, Y), None, Sampling(groups=labels), seed, few=500))
    assert sorted(np.concatenate(found).tolist()) == list(range(N))
    sets = [set(WHO[part].tolist()) for part in found]
    assert all(sets)
    assert sum(map(len, sets)) == 12
    assert abs(len(found[0]) - 0.8 * N) <= np.bincount(WHO).max()


def test_a_column_of_texts_names_the_groups_and_is_no_input():
    table = {"who": [f"patient {w}" for w in WHO], "a": X[:, 0], "b": X[:, 1], "y": Y}
    problem = pose(table, None, Sampling(groups="who"), 0)
    assert problem.names == ("a", "b")
    same = pose((X, Y), None, Sampling(groups=[f"patient {w}" for w in WHO]), 0)
    for one, other in zip(parts(problem), parts(same), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_groups_of_an_open_file_follow_the_rows_that_stay():
    cells = ["" if i % 7 == 0 else str(x) for i, x in enumerate(X[:, 0])]  # every seventh row misses a value
    lines = ["who,a,y", *(f"p{w},{a},{y}" for w, a, y in zip(WHO, cells, Y, strict=True))]
    problem = pose(io.StringIO("\n".join(lines)), None, Sampling(groups="who", drop_nonfinite=True), 0)
    kept = WHO[np.arange(N) % 7 != 0]
    sets = [set(kept[part].tolist()) for part in parts(problem)]
    assert sum(map(len, sets)) == len(set(kept.tolist()))


def test_the_last_rows_are_tested_and_those_of_one_time_stay_together():
    time = np.repeat(np.arange(20), 3)[RNG.permutation(60)]
    x = RNG.uniform(size=60)
    train, validation, test = parts(pose({"t": time, "x": x, "y": x}, None, Sampling(order="t"), 0))
    assert time[train].max() < time[validation].min()
    assert time[validation].max() < time[test].min()
    assert [len(train), len(validation), len(test)] == [48, 6, 6]


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"groups": "nobody"}, "groups: the table has no column 'nobody'; it has who, a, y"),
        ({"groups": "y"}, "groups: 'y' is the target"),
        ({"groups": [1, 2]}, f"groups: expected one for each row, {N}, got 2"),
        ({"groups": [0, 1] * (N // 2) + [0] * (N % 2)}, "groups: 3 parts need as many different groups"),
        ({"groups": [1.0, np.nan]}, "groups: row 1 has none"),
        ({"groups": [[1], [2]]}, "groups: expected one for each row"),
        ({"groups": 3}, "groups: expected one for each row"),
        ({"order": "who"}, "order: column 'who' holds texts"),
        ({"order": ["b", "a"]}, "order: texts have no order"),
        ({"groups": "who", "order": "a"}, "order: groups were given as well"),
        ({"groups": "who", "split": (0.8, 0, 0.2)}, "groups: the choice of the network needs validation rows"),
    ],
)
def test_what_cannot_be_split(plan, message):
    table = {"who": [f"p{w}" for w in WHO], "a": X[:, 0], "y": Y}
    with pytest.raises(SurefitError) as error:
        pose(table, None, Sampling(**plan), 0)
    assert isinstance(error.value, ArgumentError | DataError)
    assert str(error.value).startswith(message)


def test_no_row_left_out_among_its_relatives_chooses():
    """Each group has a value of its own, which its rows tell of each other: alone they would be predicted exactly."""
    group = np.repeat(np.arange(20), 12)
    x = group + RNG.uniform(0, 1e-3, len(group))
    y = RNG.normal(size=20)[group]
    apart = fit((x, y), data=Sampling(groups=group), method="features", seed=0)
    mixed = fit((x, y), data=Sampling(split=(0.8, 0.1, 0.1)), method="features", seed=0)
    assert apart.left_out is None
    assert mixed.left_out is not None
    assert apart.error.rmse > 0.3 > mixed.error.rmse


def test_a_function_has_no_rows_to_group():
    with pytest.raises(ArgumentError, match="groups: is for the rows of a table"):
        pose("sin(x)", {"x": (0, 1)}, Sampling(groups=[1, 2, 3]), 0)


def test_the_card_says_that_rows_are_held_out_in_order_and_promises_nothing_of_later_ones(tmp_path):
    t = np.arange(300.0)
    rng = np.random.default_rng(0)
    rows = (np.column_stack([t, rng.normal(size=300)]), 0.05 * t + 0.3 * rng.standard_normal(300))
    quick = dict(method="features", model=(5,))
    plain = surefit.fit(rows, **quick)
    assert "one is expected to exceed it" in plain.card() and "held out" not in plain.card()
    ordered = surefit.fit(rows, data=surefit.Sampling(order=t), **quick)
    assert ordered.problem.test[0][:, 0].min() == 270
    assert "30 test; the last in their order are held out" in ordered.card()
    assert "largest of 30 test rows)" in ordered.card() and "expected to exceed" not in ordered.card()
    assert "按顺序留出最后的行" in ordered.card(lang="zh")
    grouped = surefit.fit(rows, data=surefit.Sampling(groups=(t // 10).astype(int)), **quick)
    assert "whole groups are held out" in grouped.card()
    again = surefit.load(ordered.save(tmp_path / "ordered.surefit"))
    assert again.card() == ordered.card()
