"""`--monotone` and `--periodic`: what is known of inputs, at the command line, and wrong words in both languages."""

from __future__ import annotations

import numpy as np
import pytest

import surefit as library

QUICK = "--method lm --hidden 5 --iterations 20"


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (60, 2))
    y = x[:, 0] - x[:, 1] + rng.normal(size=60)
    lines = ["x,z,y", *(",".join(map(str, row)) for row in np.column_stack([x, y]).round(6).tolist())]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    return "t.csv"


@pytest.mark.slow
def test_directions_reach_the_fit_and_the_settings_file(surefit, table, tmp_path):
    ran = surefit(f"fit {table} --monotone x=+1,z=-1 {QUICK} --out m --save-config run.toml")
    assert ran.code == 0, ran.err
    assert "rises with x; falls with z at every point: proved" in ran.out
    fit = library.load(tmp_path / "m")
    x = np.random.default_rng(1).uniform(-0.9, 0.9, (100, 2))
    assert (fit._predict(x + np.array([0.05, 0])) >= fit._predict(x)).all()
    assert (fit._predict(x + np.array([0, 0.05])) <= fit._predict(x)).all()
    again = surefit("fit --config run.toml")
    assert "rises with x; falls with z at every point: proved" in again.out


@pytest.mark.slow
def test_periods_reach_the_fit_of_a_formula(surefit, tmp_path):
    ran = surefit("fit 'sin(t)' --on t=0:2*pi --periodic t=2*pi --method polynomial --out m")
    assert ran.code == 0, ran.err
    assert "t after 6.283185307" in ran.out
    fit = library.load(tmp_path / "m")
    assert fit(7.0) == pytest.approx(np.sin(7.0), abs=1e-9)
    told = surefit("predict m --at t=7")
    assert told.code == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "english", "chinese"),
    [
        ("--monotone q=+1", "there is no input 'q'; the inputs are x, z", "没有输入 'q'；输入有 x, z"),
        ("--monotone x=2", "must be 1, where the target rises with it", "应为 1"),
        ("--monotone x", "cannot read 'x'", "无法读入 'x'；请写 --monotone x=+1,z=-1"),
        ("--monotone x=+1 --method varpro", "solves for weights of either sign", "符号不限"),
        ("--periodic x=-3", "must be its period, a number above 0", "应为正数"),
        ("--periodic q=3", "there is no input 'q'", "没有输入 'q'"),
        ("--periodic x=3 --monotone x=+1", "is to rise or fall as well", "不单调"),
    ],
)
def test_what_is_wrong_is_said_in_both_languages(surefit, table, words, english, chinese):
    ran = surefit(f"fit {table} {words}")
    assert ran.code != 0
    assert english in ran.err
    assert "Traceback" not in ran.err
    ran = surefit(f"fit {table} {words} --lang zh")
    assert chinese in ran.err


def test_help_names_both_in_both_languages(surefit):
    for lang, words in (("en", "rises or falls"), ("zh", "上升或下降")):
        text = " ".join(surefit(f"fit --help --lang {lang}").out.split())
        assert "--monotone" in text
        assert "--periodic" in text
        assert words.split()[0] in text


@pytest.mark.slow
def test_a_place_may_name_a_time_or_count_from_the_first(surefit, tmp_path):
    days = np.datetime64("2024-03-01") + np.arange(40)
    rows = [f"{day},{'yes' if i % 3 else 'no'},{i / 7}" for i, day in enumerate(days)]
    (tmp_path / "t.csv").write_text("\n".join(["day,open,y", *rows]))
    assert surefit("fit t.csv --method features --hidden 4 --out m --quiet").code == 0
    named = surefit("predict m --at day=2024-03-06,open=yes")
    assert named.code == 0 and named.out == surefit("predict m --at day=5,open=1").out
    wrong = surefit("predict m --at day=soon,open=1")
    assert wrong.code == 2 and "'soon', expected days since 2024-03-01, as a number or a date" in wrong.err
