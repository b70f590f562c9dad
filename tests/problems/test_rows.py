"""Rows of a table: what says nothing, what repeats, what contradicts, and names that arrays take from a domain."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import surefit
from surefit.errors import ArgumentError, DomainError
from surefit.problems.posing import pose
from surefit.problems.rows import copies, disagreement, notes

RNG = np.random.default_rng(1)
X = RNG.uniform(0, 1, (60, 3))
Y = X[:, 0] + np.sin(X[:, 1])
ALL = surefit.Sampling(split=(1, 0, 0))

TABLES = {
    "nothing": ({"a": X[:, 0], "b": X[:, 1], "y": Y}, []),
    "input": ({"a": X[:, 0], "b": np.full(60, 1e9), "y": Y}, ["constant-inputs"]),
    "target": ({"a": X[:, 0], "y": np.zeros(60)}, ["constant-target"]),
    "copy": ({"a": X[:, 0], "b": X[:, 1], "c": X[:, 0], "y": Y}, ["copied-inputs"]),
    "units": ({"a": X[:, 0], "b": 1.8 * X[:, 0] + 32, "y": Y}, ["copied-inputs"]),
    "sign": ({"a": X[:, 0], "b": -X[:, 0], "y": Y}, ["copied-inputs"]),
    "repeats": ({"a": np.repeat(X[:20, 0], 3), "y": np.tile([0.0, 1.0, 5.0], 20)}, ["rows-contradict"]),
    "little noise": ({"a": np.repeat(X[:20, 0], 3), "y": np.repeat(Y[:20], 3) + 1e-3 * X[:, 2]}, []),
    "few": ({"a": [1.0, 1.0, 2.0, 3.0, 4.0], "y": [0.0, 1.0, 2.0, 3.0, 4.0]}, []),
}


@pytest.mark.parametrize("name", TABLES)
def test_the_card_says_what_the_rows_are_like(name):
    columns, expected = TABLES[name]
    notes = pose(columns, None, ALL, 0).notes
    assert [note.code for note in notes] == expected
    assert all(note.said("zh") != str(note) for note in notes)


def test_rows_at_the_same_place_differ_by_their_pooled_deviation():
    place = np.repeat(np.arange(20.0), 3)[:, None]
    y = RNG.normal(size=(60, 2)) * [1.0, 5.0]
    groups = y.reshape(20, 3, 2)
    np.testing.assert_allclose(disagreement(place, y), np.sqrt(groups.var(axis=1, ddof=1).mean(axis=0)))
    order = RNG.permutation(60)
    np.testing.assert_allclose(disagreement(place[order], y[order]), disagreement(place, y))
    assert not disagreement(X, Y[:, None]).any()


def test_copies_are_those_with_a_correlation_of_one():
    x = np.column_stack([X, 3 * X[:, 1] - 7, X[:, 2] ** 2, -1e-9 * X[:, 0], np.ones(60)])
    r = np.corrcoef(x[:, :6].T)
    assert sorted(copies(x)) == [(j, i) for j in range(6) for i in range(j) if abs(r[j, i]) > 1 - 1e-12]


def test_the_doctor_says_it_once():
    fit = surefit.fit({"a": X[:, 0], "b": X[:, 0], "c": np.ones(60), "y": Y}, method="features", model=(5,))
    messages = [finding.message for finding in fit.doctor().findings]
    assert len(fit.warnings) == 2 and not set(fit.warnings) & set(messages)


# --- names ---

BOX = "a=0:1, b=0:1, c=0:1"


@pytest.mark.parametrize("box", [{"a": (0, 1), "b": (0, 1), "c": (0, 1)}, surefit.Domain(BOX), BOX])
@pytest.mark.parametrize("target", [(X, Y), [X, Y], (X.tolist(), Y.tolist())])
def test_arrays_take_the_names_of_the_domain(box, target):
    problem = pose(target, box, ALL, 0)
    assert problem.names == problem.domain.names == ("a", "b", "c")
    np.testing.assert_array_equal(np.sort(problem.train[0], axis=0), np.sort(X, axis=0))


def test_a_domain_in_another_order_is_put_into_that_of_the_table():
    problem = pose({"p": X[:, 0], "q": 9 * X[:, 1], "y": Y}, {"q": (0, 9), "p": (0, 1)}, None, 0)
    assert problem.names == problem.domain.names == ("p", "q")
    assert problem.domain.bounds == ((0, 1), (0, 9))


def test_frames_keep_their_names():
    frame = pd.DataFrame(X, columns=["p", "q", "r"])
    problem = pose((frame, pd.Series(Y, name="load")), None, None, 0)
    assert (problem.names, problem.outputs) == (("p", "q", "r"), ("load",))
    with pytest.raises(DomainError, match="names a, b, c, but the table's inputs are p, q, r; name the same"):
        pose((frame, Y), BOX, None, 0)


def test_a_model_that_predicts_is_given_as_its_method():
    class Forest:
        def predict(self, X):
            return np.asarray(X)[:, 0]

    with pytest.raises(ArgumentError, match=r"Forest.*model\.predict"):
        pose(Forest(), (0, 1), None, 0)
    np.testing.assert_allclose(pose(Forest().predict, (0, 1), None, 0).train[1][:3, 0], [0, 1 / 999, 2 / 999])


@pytest.mark.parametrize("split", [None, (0.6, 0.2, 0.2)])
@pytest.mark.parametrize("given", ["array", "function"])
def test_rows_without_weight_judge_nothing(split, given):
    """The same error as of a table that does not have them: the half with wrong values counts nowhere."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (200, 2))
    wrong = rng.random(200) < 0.5
    y = x[:, 0] + 2 * x[:, 1] + 50.0 * wrong
    weights = (~wrong).astype(float) if given == "array" else lambda points, values: (values[:, 0] < 20).astype(float)
    fit = surefit.fit((x, y), data=surefit.Sampling(split=split, weights=weights), method="polynomial")
    assert fit.error.max < 1e-6 and not fit.warnings
    assert sum(fit.problem.sizes().values()) == (~wrong).sum()
    assert not [f for f in fit.doctor().findings if f.severity in ("warning", "error")]


def test_texts_that_differ_as_slips_of_the_pen_do_are_told():
    rng = np.random.default_rng(0)
    odd = rng.choice(["Red", "red", "light  blue", "light blue", "Green", "green."], 60)
    rows = {"x": rng.normal(size=60), "colour": odd, "tidy": rng.choice(["a", "ab", "b"], 60), "y": rng.normal(size=60)}
    fit = surefit.fit(rows, method="polynomial")
    (said,) = [note for note in fit.problem.notes if note.code == "texts-alike"]
    assert "colour" in said and "Red and red" in said and "light  blue and light blue" in said and "tidy" not in said
    assert said in fit.card() and "大小写" in fit.card("zh")
    assert any(finding.message == said for finding in fit.doctor().find("data-note"))


def test_rows_that_are_copies_are_told():
    x = np.random.default_rng(0).normal(size=(60, 2))
    y = x[:, :1] ** 2
    names = (("a", "b"), ("y",))

    def copied(x, y):
        return [s.values["count"] for s in notes(x, y, *names) if s.code == "rows-copied"]

    assert copied(np.tile(x, (3, 1)), np.tile(y, (3, 1))) == [120]
    assert not copied(x, y)
    assert not copied(np.vstack([x, x[:2]]), np.vstack([y, y[:2]]))  # a few of many
    noise = 0.1 * np.random.default_rng(1).normal(size=(180, 1))  # measured again, which rows left out one by one tell
    assert not copied(np.tile(x, (3, 1)), np.tile(y, (3, 1)) + noise)


def copied_table(seed=0):
    """25 places, eight times each, and new ones."""
    rng = np.random.default_rng(seed)
    x, new = rng.random((25, 3)), rng.random((500, 3))
    truth = lambda x: np.sin(4 * x[:, 0]) + x[:, 1] * x[:, 2]
    order = rng.permutation(200)
    return np.tile(x, (8, 1))[order], np.tile(truth(x), 8)[order], new, truth(new)


@pytest.mark.parametrize("split", [None, (0.6, 0.2, 0.2)])
def test_rows_that_are_copies_do_not_tell_that_a_fit_is_exact(split):
    """A row that is held out is known from its copy: the error had been told as 1e-14, and was .16."""
    x, y, new, right = copied_table()
    fit = surefit.fit((x, y), {"a": (0, 1), "b": (0, 1), "c": (0, 1)}, data=surefit.Sampling(split=split))
    true = np.sqrt(np.mean((fit.predict(new) - right) ** 2))
    low, high = fit.error.rmse_range
    assert true < 0.3 * right.std() and 0.5 * low < true < 2 * high
    assert sum(fit.problem.sizes().values()) == 25 and "175 of 200 rows are copies of others" in fit.card()
    numbers = np.concatenate(list(fit.problem.row_numbers.values()))
    kept = np.concatenate([part[0] for part in (fit.problem.train, fit.problem.validation, fit.problem.test) if part])
    np.testing.assert_array_equal(kept, x[numbers])


def test_copies_that_mean_something_stay():
    x, y, _, _ = copied_table()
    rng = np.random.default_rng(1)
    cases = [
        ((x, y), surefit.Sampling(weights=np.ones(200))),
        ((x, y), surefit.Sampling(noise=np.full(200, 0.1))),
        ((x, y + 0.1 * rng.standard_normal(200)), ALL),  # measured again
        ((x, (y > y.mean()) * 1.0), ALL),  # classes, whose frequencies count
        ({"g": np.repeat(np.arange(20), 10), "x": x[:, 0], "y": y}, surefit.Sampling(groups="g")),
        ((np.vstack([X, X[:5]]), np.append(Y, Y[:5])), ALL),  # few
        ({"k": list("abcdefghij") * 20, "b": [0, 1] * 100, "y": list(range(10)) * 20}, ALL),  # new rows are of these
        ((np.round(4 * x), np.round(4 * x).sum(axis=1)), ALL),  # levels
    ]
    for table, plan in cases:
        problem = pose(table, None, plan, 0)
        assert sum(problem.sizes().values()) == problem.source["rows"]
        assert "rows-merged" not in [note.code for note in problem.notes]


def test_an_experiment_told_twice_knows_that_all_its_values_are_rows():
    experiment = surefit.Experiment({"a": (0, 1)})
    for point in np.repeat(np.linspace(0, 1, 12), 2):
        experiment.tell([point], np.sin(3 * point))
    fit = experiment.fit()
    assert sum(fit.problem.sizes().values()) == 12 and fit.error.rmse < 0.01
    low, high = fit.interval([[0.5]], 0.8)
    assert low[0] <= np.sin(1.5) <= high[0]


@pytest.mark.parametrize("method, model, told", [
    ("lm", (12, 12), True), ("lbfgs", (12, 12), True), ("lm", (4,), False), (surefit.LM(ridge=1e-3), (12, 12), False),
    ("features", (12,), False),
])  # fmt: skip
def test_more_weights_than_rows_are_told_where_nothing_keeps_them_small(method, model, told):
    """A network that goes through its 48 rows had a card like any other."""
    rng = np.random.default_rng(0)
    x = rng.random((60, 3))
    table = (x, x[:, 0] + rng.standard_normal(60))
    fit = surefit.fit(table, method=method, model=model)
    codes = [note.code for note in fit.problem.notes]
    assert ("more-weights" in codes) == told
    if told:
        p = fit.network.num_parameters()
        assert f"{p} weights for 48 rows" in fit.card() and fit.doctor().find("data-note")
        assert not [f for f in fit.doctor().findings if f.code == "training-broke-down"]
        exact = surefit.fit(table, method=method, model=model, data=surefit.Sampling(noise=0))
        assert "more-weights" not in [note.code for note in exact.problem.notes]
