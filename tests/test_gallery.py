"""The gallery: its scripts run and draw readable pictures, say what is so, and the page shows these very files."""

from __future__ import annotations

import re
import runpy
import shutil
from pathlib import Path

import matplotlib.figure
import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
gallery = runpy.run_path(str(ROOT / "scripts" / "gallery.py"))
LONG = {"wide"}
NAMES = [pytest.param(n, marks=[pytest.mark.slow] if n in LONG else []) for n in gallery["ORDER"]]


def printed(name, tmp_path, monkeypatch, capsys):
    """What an example prints, and the figure that it has saved."""
    if name == "export_c" and not any(map(shutil.which, ("cc", "gcc", "clang"))):
        pytest.skip("no C compiler on this machine")
    figures = []
    original = matplotlib.figure.Figure.savefig

    def savefig(self, *args, **options):
        figures.append(self)
        return original(self, *args, **options)

    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", savefig)
    monkeypatch.chdir(tmp_path)
    try:
        runpy.run_path(str(gallery["EXAMPLES"] / f"{name}.py"), run_name="__main__")
    finally:
        import matplotlib.pyplot as plt

        plt.close("all")
    assert len(figures) == 1
    return capsys.readouterr().out, figures[0]


# what an example must be able to say on every machine: a pattern, and a condition on its numbers
CLAIMS = {
    "sine": (r"max \|error\|  (\S+)", lambda e: e < 1e-8),
    "product": (r"max \|error\| (\S+)", lambda e: e < 1e-4),
    "noisy": (r"(\d+)% of", lambda share: 80 <= share <= 97),
    "wide": (r"slopes: x4 \S+, x18 \S+, x31 (\S+)\nthe largest of the other 37: (\S+)", lambda a, b: b < a / 4),
    "piecewise": (r"(\d+), and no piecewise", lambda hinges: hinges == 4),
    "expensive": (r"(\d+) calls", lambda calls: calls == 60),
    "additive": (r"rmse (\S+)", lambda e: 0.08 < e < 0.16),
    "ensemble": (r"spread (\S+) where there are rows, (\S+) in", lambda near, gap: gap > 3 * near),
    "gradients": (r"values: .*?(\S+)\n.*slopes: .*?(\S+)\n", lambda without, with_: with_ < without / 20),
    "certified": (r"<= (\S+), and >= (\S+)", lambda upper, lower: lower <= upper < 1e-5),
    "export_c": (r"the same bits as predict: (True)", lambda same: True),
    "distilled": (r"(\d+) parameters, distance from the process: (\S+)", lambda n, e: n <= 500 and e < 0.05),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_an_example_says_what_is_so_and_draws_it(name, tmp_path, monkeypatch, capsys):
    output, figure = printed(name, tmp_path, monkeypatch, capsys)
    pattern, holds = CLAIMS[name]
    found = re.search(pattern, output)
    assert found, output
    assert holds(*(float(g.rstrip(",")) if g != "True" else 1.0 for g in found.groups())), output
    panels = [axes for axes in figure.axes if axes.get_visible()]
    titles = [figure.get_suptitle(), *(axes.get_title(loc) for axes in panels for loc in ("left", "center", "right"))]
    assert any(titles) and any(axes.get_xlabel() or axes.get_title() for axes in panels)
    picture = np.asarray(Image.open(tmp_path / f"{name}.png").convert("L"), float)
    assert picture.shape[1] >= 500 and picture.std() > 10  # something is drawn


def test_the_page_shows_the_files():
    page = gallery["PAGE"].read_text(encoding="utf-8")
    assert page == gallery["page"](gallery["outputs"]()), "run: python scripts/gallery.py"


def test_every_example_and_picture_belongs_to_the_page():
    names = set(gallery["ORDER"])
    assert {p.stem for p in gallery["EXAMPLES"].glob("*.py")} == names == set(CLAIMS) and len(names) == 12
    assert {p.stem for p in gallery["PICTURES"].iterdir()} == names


@pytest.mark.parametrize("name", gallery["ORDER"])
def test_what_the_page_printed_is_what_is_claimed(name):
    pattern, holds = CLAIMS[name]
    found = re.search(pattern, gallery["outputs"]()[name] + "\n")
    assert found and holds(*(float(g.rstrip(",")) if g != "True" else 1.0 for g in found.groups()))
