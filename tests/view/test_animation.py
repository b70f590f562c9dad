"""Films: what stands in a frame, files that open, pages that fetch nothing, words in two languages."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import warnings
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from surefit import view
from surefit.errors import ArgumentError, DataError
from surefit.view import animation, style
from surefit.view.animation import HOLD, Film, Frame, Scene, snapshots
from surefit.view.data_plots import data_panels
from surefit.view.language import language, say
from surefit.view.pictures import png_of, svg_of
from surefit.view.structure import structure_diagram


def film_of(d, k=1, known_target=True, count=3):
    """A film whose frame i is the target times i / (count - 1)."""
    rng = np.random.default_rng(0)
    names = tuple([f"in{i}" for i in range(d)] + [f"out{j}" for j in range(k)])
    axes = tuple(np.linspace(-1, 1, 7 + i) for i in range(d)) if d <= 2 else ()
    f = lambda x: np.stack([np.sin(x.sum(axis=1) + j) for j in range(k)], axis=1)
    x = rng.uniform(-1, 1, (40, d))
    film = Film(names, axes, None, (x, f(x)), (x[:20], f(x[:20])), "", count)
    grid = f(film.grid()) if axes else np.zeros((0, k))
    film.target = grid if axes and known_target else None
    for i in range(count):
        share = i / (count - 1)
        film.losses.append((i + 1, 10.0**-i, 2 * 10.0**-i))
        film.frames.append(Frame(i + 1, grid * share, f(x) * share, i == count - 1))
    return film


KINDS = [(1, 1, True), (1, 2, False), (2, 1, True), (2, 2, False), (3, 1, False), (5, 2, False)]


@pytest.mark.slow
@pytest.mark.parametrize("d, k, known", KINDS)
def test_scenes_are_readable(assert_readable, d, k, known):
    film = film_of(d, k, known)
    scene = Scene(film)
    for frame in film.frames:
        assert_readable(scene.show(frame))


@pytest.mark.parametrize("d, k, known", [KINDS[0], KINDS[2], KINDS[4]])
def test_snapshots_are_readable(assert_readable, d, k, known):
    assert_readable(snapshots(film_of(d, k, known, count=5)))


def test_a_frame_shows_its_values_and_losses():
    film = film_of(1)
    figure = Scene(film).show(film.frames[1])
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    np.testing.assert_array_equal(lines["fit"].get_ydata(), film.frames[1].values[:, 0])
    np.testing.assert_array_equal(lines["target"].get_ydata(), film.target[:, 0])
    train, held, dot = figure.axes[1].get_lines()[:3]
    assert train.get_ydata().tolist() == [1.0, 0.1]
    assert held.get_xdata().tolist() == [1, 2]
    assert dot.get_ydata().tolist() == [0.2]
    worst = np.abs(film.target / 2).max()
    assert f"epoch 2: max |error| {worst:.3g}" in figure.get_suptitle()


def test_the_error_of_a_frame_counts_grid_and_known_points():
    film = film_of(2)
    half = film.frames[1]
    parts = [np.abs(film.target / 2).max(), np.abs(film.known[1] / 2).max()]
    assert film.error(half) == pytest.approx(max(parts))
    film.target = None
    assert film.error(half) == pytest.approx(parts[1])
    broken = half._replace(known_values=np.full_like(half.known_values, np.nan))
    assert film.error(broken) is None


def test_a_map_shows_rows_in_the_right_order():
    film = film_of(2)
    figure = Scene(film).show(film.frames[-1])
    shown = figure.axes[0].collections[0].get_array()
    assert shown.shape == (8, 7)
    np.testing.assert_allclose(shown, np.sin(film.axes[0] + film.axes[1][:, None]))


# --- files --------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_gif_has_all_frames_and_holds_the_last(tmp_path):
    film = film_of(1)
    with Image.open(film.save(tmp_path / "f.gif", fps=10)) as image:
        durations = []
        for i in range(image.n_frames):
            image.seek(i)
            durations.append(image.info["duration"])
        assert image.info["loop"] == 0
    assert sum(durations) == 100 * (3 + HOLD)
    assert len(durations) >= 3


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="the program ffmpeg is not installed")
def test_an_mp4_is_one(tmp_path):
    assert film_of(1).save(tmp_path / "f.mp4").read_bytes()[4:8] == b"ftyp"


def test_without_ffmpeg_the_message_says_so(tmp_path, monkeypatch):
    from matplotlib.animation import FFMpegWriter

    monkeypatch.setattr(FFMpegWriter, "isAvailable", classmethod(lambda cls: False))
    with pytest.raises(ArgumentError, match=r"program ffmpeg, which is not installed here; .*\.gif"):
        film_of(1).save(tmp_path / "f.mp4")


def test_a_page_holds_every_frame_and_fetches_nothing(tmp_path):
    film = film_of(1)
    film.title = "a < b"
    text = film.save(tmp_path / "f.html").read_text("utf-8")
    assert "https:" not in text and "http:" not in text
    assert "a &lt; b" in text
    data = json.loads(re.search(r'<script type="application/json">(.*?)</script>', text)[1])
    assert len(data["frames"]) == 3
    sizes = {Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).size for uri in data["frames"]}
    assert len(sizes) == 1
    assert data["delay"] == pytest.approx(1000 / 6)
    assert f'src="{data["frames"][-1]}"' in text  # what shows without scripts is the result


@pytest.mark.parametrize(
    "name, fps, said", [("f.avi", 6, r"\.gif, \.mp4, \.html"), ("f.gif", 0, "fps=0"), ("f.gif", 2.5, "2.5")]
)
def test_wrong_files(tmp_path, name, fps, said):
    with pytest.raises(ArgumentError, match=said):
        film_of(1).save(tmp_path / name, fps=fps)
    film = film_of(1)
    film.frames.clear()
    with pytest.raises(DataError, match="no frame"):
        film.save(tmp_path / "f.gif")
    with pytest.raises(DataError, match="no frame"):
        snapshots(film)


def test_chosen_frames_keep_the_ends():
    film = film_of(1, count=30)
    assert [f.epoch for f in film.chosen(3)] == [1, 16, 30] or [f.epoch for f in film.chosen(3)] == [1, 15, 30]
    assert len(film.chosen(99)) == 30
    with pytest.raises(ArgumentError, match="count: 1"):
        film.chosen(1)


def test_a_window_shows_each_state(monkeypatch):
    """Matplotlib's Agg canvas stands for a screen."""
    from matplotlib import pyplot

    monkeypatch.setattr("matplotlib.get_backend", lambda: "TkAgg")
    shown = []
    monkeypatch.setattr(pyplot, "show", lambda block: shown.append(block))
    window, film = animation.Window(), film_of(1)
    scene = Scene(film)
    pictures = []
    for frame in film.frames:
        window.show(scene.show(frame))
        pictures.append(np.asarray(window.artist.get_array()).copy())
    window.wait()
    pyplot.close("all")
    assert shown == [False, True]
    assert pictures[0].shape == pictures[1].shape
    assert not np.array_equal(pictures[0], pictures[1])


# --- words and pictures -------------------------------------------------------------------------------------


def test_a_language_ends_with_its_block():
    with language("zh"):
        assert say("fit") == "拟合"
        with language("en"):
            assert say("fit") == "fit"
        assert say("no such word") == "no such word"
    assert say("fit") == "fit"
    with pytest.raises(ArgumentError, match="'en' or 'zh'"), language("de"):
        pass


def charts():
    x = np.linspace(-1, 1, 30)
    points = np.random.default_rng(0).uniform(-1, 1, (60, 3))
    y = points[:, 0] * points[:, 1]
    history = {"train": [1.0, 0.1, 0.2], "validation": [2.0, 0.3, 0.25], "lr": [1.0, 0.5, 0.1]}
    yield view.fit_1d(x, np.sin(x), np.sin(x) + 0.01 * x, data=(x, x), test=(x, x))
    yield view.fit_2d(x, x, x * x[:, None], x * x[:, None] + 0.01)
    yield view.fit_scatter(y, y + 0.01, test=(y, y - 0.01))
    yield view.slices(view.slice_points([0, 0, 0], [1, 1, 1], n=9), np.zeros((3, 9)), np.ones((3, 9)))
    yield view.loss_curves(history)
    yield view.error_map(points, y)
    yield view.error_map(x, x - 0.3)
    yield data_panels(points, y, test=(points[:9], y[:9]))
    yield snapshots(film_of(1))


@pytest.mark.slow
def test_chinese_charts_are_chinese_and_readable(assert_readable):
    with language("zh"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # where no font for it is installed
        for figure in charts():
            words = " ".join(text.get_text() for text in figure.findobj(Text))
            assert any("\u4e00" <= c <= "\u9fff" for c in words)
            assert re.findall(r"[A-Za-z]{4,}", re.sub(r"RMSE|in0|out0|mathdefault|times", "", words)) == []
            if style.has_chinese_font():
                assert_readable(figure)


@pytest.mark.slow
def test_the_same_figure_gives_the_same_svg():
    figure = view.loss_curves({"train": [1.0, 0.5]})
    first = svg_of(figure)
    assert first == svg_of(figure)
    assert "<metadata" not in first
    assert "training" in [t.text for t in ElementTree.fromstring(first).iter("{http://www.w3.org/2000/svg}text")]
    assert png_of(figure, dpi=20)[:4] == b"\x89PNG"


@pytest.mark.slow
def test_data_panels(assert_readable):
    x = np.random.default_rng(0).uniform(-1, 1, (50, 7))
    figure = data_panels(x, x[:, :2], names=[*"abcdefg", "u", "v"], title="data")
    assert_readable(figure)
    assert len(figure.axes) == 12  # six inputs, two outputs
    assert len(data_panels(x[:, 0], x[:, 1]).axes) == 1
    with pytest.raises(ArgumentError, match="most: 0"):
        data_panels(x, x[:, 0], most=0)


@pytest.mark.parametrize("count", [1, 3, 9, 14])
def test_the_structure_diagram(assert_readable, count):
    layers = [f"Linear {i} → {i + 1}, ReLU" for i in range(count)]
    with language("en"):
        drawing = structure_diagram(layers, data="4000 rows, batches of 64", loss="mse", optimizer="Adam, lr 3e-4")
    texts = [t.text for t in ElementTree.fromstring(drawing.svg()).iter("{http://www.w3.org/2000/svg}text")]
    assert {"data", "network", "loss", "optimiser", "prediction", "gradients", "new weights"} <= set(texts)
    assert layers[0] in texts and layers[-1] in texts
    assert (f"⋮ ({count - 8})" in texts) == (count > 9)
    assert_readable(drawing.figure())


def test_a_structure_needs_a_layer():
    with pytest.raises(ArgumentError, match="layers: none"):
        structure_diagram([], data="", loss="", optimizer="")
