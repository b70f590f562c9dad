"""The house style: the same picture everywhere, nothing changed for anybody else."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys

import matplotlib
import numpy as np
import pytest

from surefit.errors import DataError, ShapeError
from surefit.view import fit_1d, loss_curves, style
from surefit.view.canvas import new_figure
from surefit.view.style import columns, number, plain, wrapped


def run_python(code: str) -> str:
    command = [sys.executable, "-W", "error", "-c", code]
    where = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=where)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_view_loads_no_matplotlib():
    assert (
        run_python("import sys, surefit.view; print('matplotlib' in sys.modules, 'scipy' in sys.modules)")
        == "False False"
    )


@pytest.mark.slow
def test_a_picture_needs_no_pyplot_and_prints_nothing():
    code = """
import sys, surefit.view as view
figure = view.fit_1d([0, 1, 2], [0, 1, 4], [0, 1, 3])
assert "matplotlib.pyplot" not in sys.modules
"""
    assert run_python(code) == ""


def test_settings_of_the_process_are_untouched():
    before = dict(matplotlib.rcParams)
    fit_1d([0.0, 1.0], [0.0, 1.0], [0.0, 1.1])
    assert dict(matplotlib.rcParams) == before


def test_the_picture_does_not_depend_on_the_users_settings():
    x = np.linspace(0.0, 1.0, 30)
    expected = fit_1d(x, x**2, x**2 + 1e-3)._repr_png_()
    theirs = {
        "axes.facecolor": "black",
        "font.size": 20,
        "lines.linewidth": 9,
        "font.family": "serif",
        "text.color": "red",
    }
    with matplotlib.rc_context(theirs):
        figure = fit_1d(x, x**2, x**2 + 1e-3)
        assert figure._repr_png_() == expected


def test_a_failing_picture_leaves_the_settings_alone():
    before = dict(matplotlib.rcParams)
    with pytest.raises(ShapeError, match="target"):
        fit_1d([0.0, 1.0], [0.0], [0.0, 1.0])
    assert dict(matplotlib.rcParams) == before


def test_figures_display_themselves_and_can_be_pickled():
    figure = loss_curves({"train": [1.0, 0.5]})
    assert figure._repr_png_().startswith(b"\x89PNG")
    copy = pickle.loads(pickle.dumps(figure))  # noqa: S301 (our own bytes)
    assert copy._repr_png_().startswith(b"\x89PNG")
    assert copy.axes[0].get_xlabel() == "epoch"


def test_chinese_text_is_drawn_without_a_warning_or_a_log_line(caplog):
    if len(style.font_chain()) == 1:
        pytest.skip("no font with Chinese characters is installed")
    figure = fit_1d([0.0, 1.0], [0.0, 1.0], [0.0, 1.1], names=("温度", "压力"), title="拟合 sin(x)")
    figure._repr_png_()  # a missing glyph would warn, and warnings are errors here
    assert figure._suptitle.get_fontfamily() == list(style.font_chain())
    assert caplog.text == ""


def test_only_texts_that_need_it_take_the_second_font():
    figure = fit_1d([0.0, 1.0], [0.0, 1.0], [0.0, 1.1], title="sin(x)")
    assert figure._suptitle.get_fontfamily() == [style.FONT]


@pytest.mark.parametrize(
    "value, text",
    [
        (0.0, "0"),
        (12.5, "12.5"),
        (0.5, "0.5"),
        (1234.0, "1234"),
        (99999.0, "99999"),
        (123456.0, "1.23e+05"),
        (0.000123, "1.23e\N{MINUS SIGN}04"),
        (-2.0, "\N{MINUS SIGN}2"),
        (1e-300, "1.00e\N{MINUS SIGN}300"),
    ],
)
def test_number(value, text):
    assert number(value) == text


def test_dollar_signs_stay_dollar_signs():
    figure = fit_1d([0.0, 1.0], [0.0, 1.0], [0.0, 1.1], names=("price $", "cost $/kg and $/m"), title="$ and $x^")
    figure._repr_png_()  # as a formula the title would be a syntax error
    assert plain("a $b$") == r"a \$b\$"


def test_wrapping_keeps_lines_short_and_says_where_it_cut():
    text = "a rather long name of a column with its unit in brackets (kg per cubic metre and second)"
    lines = wrapped(text, 20).split("\n")
    assert len(lines) == 3 and all(columns(line) <= 20 for line in lines)
    assert lines[-1].endswith("…")
    assert wrapped(text, 200) == text
    assert all(columns(line) <= 10 for line in wrapped("温度压力密度速度时间长度宽度高度", 10).split("\n"))


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colour", [style.BLUE, style.VERMILLION, style.GREY])
def test_lines_stand_out_from_the_page(colour):
    assert 1.05 / (luminance(colour) + 0.05) >= 3.0  # WCAG 2.1, 1.4.11: graphics need a contrast of 3 to 1


def test_the_first_colours_differ_in_luminance():
    """Fit and error, training and validation must not look alike in a black and white print."""
    assert abs(luminance(style.BLUE) - luminance(style.ORANGE)) > 0.2


@pytest.mark.parametrize(
    "name, starts", [("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.pdf", b"%PDF"), ("a", b"\x89PNG")]
)
def test_a_figure_is_saved_whole_or_not_at_all(tmp_path, monkeypatch, name, starts):
    figure = new_figure(1, 1)
    figure.savefig(tmp_path / name)
    (path,) = tmp_path.iterdir()
    assert path.name == (name if "." in name else "a.png")
    content = path.read_bytes()
    assert content.startswith(starts)

    def full(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(DataError, match="No space left"):
        figure.savefig(str(tmp_path / name), facecolor="red")
    monkeypatch.undo()
    assert path.read_bytes() == content and len(list(tmp_path.iterdir())) == 1
    with pytest.raises(ValueError, match="xyz"):
        figure.savefig(tmp_path / "a.xyz")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    assert buffer.getvalue().startswith(b"\x89PNG")
