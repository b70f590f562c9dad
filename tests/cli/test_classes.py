"""`surefit fit --task classify`: a table with classes, from the file to probabilities."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def kinds(tmp_path):
    """A semicolon table whose last column is a text, in the directory where commands run."""
    x = np.linspace(-1, 1, 60)
    rows = "".join(f"{a};{a * a};{'warm' if a > 0 else 'cold'}\n" for a in x)
    (tmp_path / "kinds.csv").write_text("a;b;kind\n" + rows)


@pytest.mark.slow
def test_from_a_table_to_probabilities(surefit, kinds, tmp_path):
    ran = surefit("fit kinds.csv --task classify --method polynomial --out model -q")
    assert ran.code == 0 and "2: cold, warm" in ran.out and "kinds.csv (60 rows)" in ran.out
    told = surefit("predict model --at a=0.9,b=0.81 --json").json()["points"][0]
    assert told["P(warm)"] > 0.9 and abs(told["P(cold)"] + told["P(warm)"] - 1) < 1e-12
    assert 'task = "classify"' in (tmp_path / "model" / "run.toml").read_text()
    again = surefit("fit --config model/run.toml -q")
    assert again.code == 0 and again.out.splitlines()[-1] == ran.out.split("\n\n")[0].splitlines()[-1]


@pytest.mark.parametrize(
    "command, words",
    [
        ("fit kinds.csv --task sort", "expected one of regress, classify"),
        ("fit kinds.csv --task classify --tol 0.1", "--tol"),
        ("fit kinds.csv --task classify --targets a", "these are measured numbers"),
        ("fit kinds.csv --task classify --targets size", "has no column 'size'"),
        ("fit kinds.csv --task classify --target-scale log", "--target-scale does not go with --task classify"),
        ("fit 'sin(x)' --on x=0:1 --task classify", "--task is for tables"),
    ],
)
def test_what_does_not_fit_is_named(surefit, kinds, command, words):
    ran = surefit(command)
    assert ran.code == 2 and words in ran.err and "Traceback" not in ran.err


def test_columns_gaps_and_folds(surefit, tmp_path):
    rows = "".join(f"{'warm' if a > 0 else 'cold'};{'' if i % 7 == 3 else a};{i}\n"
                   for i, a in enumerate(np.linspace(-1, 1, 60)))  # fmt: skip
    (tmp_path / "gaps.csv").write_text("kind;a;note\n" + rows)
    given = "--task classify --targets kind --columns a --missing median --folds 3 --method polynomial -q"
    ran = surefit(f"fit gaps.csv {given}")
    assert ran.code == 0, ran.err
    assert "of 60 rows, each by a fit that did not see it" in ran.out and "(median) where missing" in ran.out
    assert surefit("fit gaps.csv --task classify --targets kind --method polynomial -q").code == 2
