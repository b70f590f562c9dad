"""`surefit report`, `animate`, `fit --live` and `--test-table`; and the script that uses them all."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from surefit.cli import main
from surefit.data import read_table

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A directory that `surefit fit --out` wrote."""
    folder = tmp_path_factory.mktemp("run") / "demo"
    words = ["fit", "x**2/2", "--on", "x=-1:1", "--hidden", "4", "--epochs", "2", "--num", "40", "-q"]
    assert main([*words, "--out", str(folder)]) == 0
    return folder


@pytest.mark.slow
def test_a_report_beside_the_model(surefit, run):
    ran = surefit(f"report {run}")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.strip() == str(run / "report.html")
    text = (run / "report.html").read_text("utf-8")
    assert (run / "run.toml").read_text("utf-8").strip().replace('"', "&quot;") in text
    assert 'class="player"' in text
    assert "<mfrac>" in text


@pytest.mark.slow
def test_a_chinese_report_in_markdown(surefit, run, tmp_path):
    ran = surefit(f"report {run}/model.safetensors --lang zh --out r/zh.md --json")
    assert ran.json() == {"path": "r/zh.md", "lang": "zh"}
    text = (tmp_path / "r" / "zh.md").read_text("utf-8")
    assert "如何复现" in text
    assert "没有记录训练过程" in text  # the model file alone has no film
    assert "surefit fit --config" not in text


@pytest.mark.slow
@pytest.mark.parametrize("name", ["film.gif", "film.html"])
def test_a_film(surefit, run, tmp_path, name):
    ran = surefit(f"animate {run} {name} --fps 3 --lang en")
    assert (ran.code, ran.out.strip(), ran.err) == (0, name, "")
    assert (tmp_path / name).stat().st_size > 10_000


@pytest.mark.parametrize(
    "line, said",
    [
        ("report {run} --lang de", "--lang de: expected en or zh"),
        ("report {run} --out r.pdf", "r.pdf"),
        ("report nothing", "there is no model file 'nothing'"),
        ("animate {run} film.avi", ".gif, .mp4, .html"),
        ("animate {run} film.gif --fps 0", "--fps 0 must be a whole number"),
        ("animate {run}/model.safetensors film.gif", "nothing was recorded"),
        ("fit x --on x=0:1 --live foo", "fit.png, or window or terminal"),
        ("fit x --on x=0:1 --live foo.txt", "must be 'window' or the name of a .png"),
        ("fit x --on x=0:1 --live terminal -q", "--quiet forbids it"),
        ("fit x --on x=0:1 --live terminal --json", "--json forbids it"),
        ("fit x --on x=0:1 --live window", "needs a screen"),
        ("fit x --on x=0:1 --test-table {run}/history.csv", "--test-table is for tables"),
    ],
)
def test_wrong_words(surefit, run, line, said):
    ran = surefit(line.replace("{run}", str(run)))
    assert ran.code == 2
    assert said in ran.err


@pytest.mark.slow
def test_a_live_picture(surefit, tmp_path):
    ran = surefit("fit 'sin(x)' --on x=0:3 {small} --live live/now.png")
    assert ran.code == 0
    with Image.open(tmp_path / "live" / "now.png") as image:
        assert image.size[0] > 600


def test_a_live_plot_where_there_is_no_terminal(surefit):
    ran = surefit("fit x --on x=0:1 --hidden 4 --epochs 2 --num 40 --live terminal")
    lines = ran.err.splitlines()
    assert lines[0].startswith("epoch 1/2")
    assert [line.split()[0] for line in lines[-3:]] == ["target", "fit", "loss"]
    assert lines[-3].split()[1].startswith("▁") and lines[-3].endswith("█")


def test_a_live_plot_in_a_terminal():
    from rich.console import Console

    import surefit
    from surefit.reports.display import LiveLine

    console = Console(force_terminal=True, width=60, file=open(os.devnull, "w", encoding="utf-8"), record=True)  # noqa: SIM115
    plot = surefit.TextPlot(every=0.0)
    with console.file, LiveLine(None, console, plot) as shown:
        surefit.fit("x", "x=0:1", method=surefit.Adam(epochs=2), model=(4,), callbacks=[plot, shown])
        lines = console.export_text(clear=False)
        shown.bar.refresh()
        lines = console.export_text()
    assert re.search(r"target  ▁.*█\n\s*fit ", lines)


@pytest.mark.slow
def test_a_table_of_its_own_to_test_on(surefit, tmp_path):
    rng = np.random.default_rng(0)
    for name, rows in (("train", 60), ("test", 15)):
        a, b = rng.uniform(size=(2, rows))
        columns = [a, b, a - b] if name == "train" else [a - b, a, b]  # in another order
        header = "a,b,y" if name == "train" else "y,a,b"
        np.savetxt(tmp_path / f"{name}.csv", np.stack(columns, axis=1), delimiter=",", header=header, comments="")
    ran = surefit("fit train.csv --test-table test.csv {quick} --out out --json")
    data = ran.json()["data"]
    assert [data[k] for k in ("train", "validation", "test", "dropped")] == [54, 6, 15, 0]
    import surefit as library

    fit = library.load(tmp_path / "out" / "model.safetensors")
    table = read_table(tmp_path / "test.csv", targets="y")
    errors = np.abs(fit.predict(np.stack([table["a"], table["b"]], axis=1)) - table["y"])
    assert ran.json()["error"]["max"] == pytest.approx(errors.max())
    assert ran.json()["error"]["points"] == 15
    again = surefit("fit --config out/run.toml --json -q")
    assert again.json()["error"] == ran.json()["error"]
    (tmp_path / "test.csv").write_text("a,y\n1,2\n")
    ran = surefit("fit train.csv --test-table test.csv {quick}")
    assert (ran.code, "no column 'b'" in ran.err) == (2, True)


def test_a_test_table_from_python():
    import surefit

    x = np.linspace(0, 1, 40)
    plan = surefit.Sampling(test={"x": [0.5, 0.9], "y": [1.0, 7.0]})
    fit = surefit.fit({"x": x, "y": 2 * x}, method=surefit.Adam(epochs=2), model=(3,), data=plan)
    assert fit.problem.sizes() == {"train": 36, "validation": 4, "test": 2}
    assert fit.error.max == pytest.approx(np.abs(fit.predict(fit.problem.test[0]) - [1.0, 7.0]).max())
    with pytest.raises(surefit.errors.ArgumentError, match="goes with a table"):
        surefit.fit("x", "x=0:1", data=plan)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("sh") is None, reason="there is no shell")
def test_the_script_from_tables_to_report(tmp_path):
    environment = {
        **os.environ,
        "SUREFIT": f"{sys.executable} -m surefit",
        "PYTHONPATH": os.pathsep.join(sys.path),
        "MPLBACKEND": "agg",
    }
    words = ["sh", str(EXAMPLES / "run.sh"), "out", "--epochs", "1", "--hidden", "4", "-q"]
    ran = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    out = tmp_path / "out"
    assert len(read_table(out / "samples" / "train.csv")) == 4500
    assert len(read_table(out / "held-out" / "test.csv")) == 5000
    for name in ("live.png", "model/model.safetensors", "report.html", "training.gif"):
        assert (out / name).stat().st_size > 1000
    assert "5000 test rows" in (out / "model" / "card.txt").read_text()


@pytest.mark.slow
def test_the_page_of_the_documentation_is_true(surefit, tmp_path, monkeypatch):
    """Its code and commands run, with short trainings and reports without pictures."""
    import surefit as library

    text = (EXAMPLES.parent / "docs" / "report.md").read_text("utf-8")
    original, few = library.fit, library.Adam(epochs=2)
    quick = {"method": few, "model": (4,)}
    monkeypatch.setattr(library, "fit", lambda *words, **more: original(*words, **{**more, **quick}))
    for kind in ("html._picture", "html._movie", "markdown._film"):
        monkeypatch.setattr(f"surefit.reports.{kind}", lambda *_: "")
    monkeypatch.setattr("surefit.reports.markdown._drawn", lambda *_: b"")
    names = {"surefit": library}
    for language, code in re.findall(r"```(python|console)\n(.*?)```", text, re.DOTALL):
        if language == "python":
            exec(code, names)  # noqa: S102 (the project's own page)
            continue
        for line in re.findall(r"^\$ surefit (.*)$", code, re.MULTILINE):
            ran = surefit(line + (" --hidden 4 --epochs 2 --num 40" if line.startswith("fit") else ""))
            assert ran.code == 0, ran.err
    written = {path.name for path in tmp_path.iterdir()}
    expected = "report.html report.md report_files training.gif training.html fit.png demo structure.svg graph.png"
    assert set(expected.split()) <= written
