"""What is seen of a training: frames, live pictures, lines of text; watching changes nothing."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

import surefit
from surefit.attempts.events import Epoch, Finished, notify_model
from surefit.errors import ArgumentError, DataError, ModelFileError
from surefit.reports.film import load_frames, save_frames, spread
from surefit.reports.live import Redrawing, plot_rows, spark

SMALL = surefit.Sampling(count=100)


def train(epochs, target="sin(x)", domain="x=-3:3", callbacks=(), **more):
    method = surefit.Adam(epochs=epochs, schedule="constant", batch_size=32, best_weights=False)
    options = {"model": (5,), "data": SMALL, "method": method, **more}
    return surefit.fit(target, domain, callbacks=callbacks, **options)


def test_a_frame_is_the_fit_of_a_training_that_ends_there():
    film = train(4, callbacks=[surefit.Snapshots([2, 3])]).film
    assert [(f.epoch, f.kept) for f in film.frames] == [(0, False), (2, False), (3, False), (4, True)]
    x = np.linspace(-3, 3, 301)
    np.testing.assert_array_equal(film.grid()[:, 0], x)
    np.testing.assert_allclose(film.target[:, 0], np.sin(x))
    for frame in film.frames[1:]:
        alone = train(frame.epoch)
        np.testing.assert_allclose(frame.values[:, 0], alone.predict(x), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(frame.known_values[:, 0], alone.predict(film.known[0]), rtol=1e-4, atol=1e-6)
    assert film.losses == [(r["epoch"], r["train_loss"], r["validation_loss"]) for r in train(4).history]


def test_the_last_frame_has_the_weights_that_are_kept():
    method = surefit.Adam(epochs=30, lr=0.3, batch_size=16)  # the last epoch is not the best
    shots = surefit.Snapshots([30])
    fit = surefit.fit("sin(x)", "x=-3:3", method=method, model=(5,), data=SMALL, callbacks=[shots])
    assert fit.best_epoch < 30
    last, kept = fit.film.frames[-2:]
    assert (last.epoch, last.kept, kept.kept) == (30, False, True)
    np.testing.assert_allclose(kept.values[:, 0], fit.predict(fit.film.axes[0]), rtol=1e-4, atol=1e-6)
    assert not np.array_equal(last.values, kept.values)


@pytest.mark.parametrize("watcher", [surefit.Snapshots(), surefit.TextPlot(every=0.0)])
def test_watching_changes_nothing(watcher):
    options = {"model": surefit.MLPSpec((8,), dropout=0.3)}  # dropout has a stream of its own, off while looking
    a, b = train(3, **options), train(3, callbacks=[watcher], **options)
    x = np.linspace(-3, 3, 50)
    assert a.predict(x).tobytes() == b.predict(x).tobytes()
    losses = [[(r["train_loss"], r["validation_loss"]) for r in fit.history] for fit in (a, b)]
    assert losses[0] == losses[1]


def test_a_recorder_forgets_an_earlier_training():
    shots = surefit.Snapshots([1])
    train(2, callbacks=[shots])
    again = train(2, "cos(x)", callbacks=[shots])
    assert len(again.film.frames) == 3
    np.testing.assert_allclose(again.film.target[:, 0], np.cos(again.film.axes[0]))


@pytest.mark.parametrize(
    "epochs, count, expected", [(1, 36, {1}), (3, 36, {1, 2, 3}), (1000, 4, {1, 10, 100, 1000}), (50, 2, {1, 50})]
)
def test_frames_are_dense_at_the_beginning(epochs, count, expected):
    assert spread(epochs, count) == expected


def test_wrong_arguments():
    with pytest.raises(ArgumentError, match="count=1"):
        surefit.Snapshots(count=1)
    with pytest.raises(ArgumentError, match="whole numbers"):
        surefit.Snapshots([1.5])
    with pytest.raises(ArgumentError, match="every=-1"):
        surefit.Live("a.png", every=-1)
    with pytest.raises(ArgumentError, match=r"'fit\.txt' must be 'window' or"):
        surefit.Live("fit.txt")
    with pytest.raises(DataError, match=r"callbacks=\[surefit\.Snapshots\(\)\]"):
        train(1).animate("a.gif")


def test_one_who_redraws_must_say_how_a_frame_is_shown():
    with pytest.raises(TypeError, match="show"):
        type("Blank", (Redrawing,), {})(every=0.0)


@pytest.mark.parametrize(
    "target, domain",
    [("sin(x)", "x=-3:3"), ("a*b; a", "a=0:1, b=0:1"), ("a*b*c", "a=0:1, b=0:1, c=0:1"), ("table", None)],
)
def test_frames_survive_a_file(tmp_path, target, domain):
    if target == "table":
        x = np.linspace(0, 1, 60)
        target = {"a": x, "b": x**2, "y": x - 1}
    data = SMALL if domain else None  # a table has its rows
    fit = train(2, target, domain, callbacks=[surefit.Snapshots([1])], data=data)
    film = load_frames(save_frames(fit.film, tmp_path / "f.npz"), fit.problem, fit.history)
    assert film.losses == fit.film.losses
    assert film.names == fit.film.names
    np.testing.assert_array_equal(film.known[1], fit.film.known[1])
    assert (film.target is None) == (fit.film.target is None)
    for a, b in zip(film.frames, fit.film.frames, strict=True):
        assert (a.epoch, a.kept) == (b.epoch, b.kept)
        np.testing.assert_allclose(a.values, b.values, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(a.known_values, b.known_values, rtol=1e-6, atol=1e-7)


def test_damaged_and_foreign_frames(tmp_path):
    fit = train(1, callbacks=[surefit.Snapshots()])
    path = save_frames(fit.film, tmp_path / "frames.npz")
    other = train(1, "a*b", "a=0:1, b=0:1")
    with pytest.raises(ModelFileError, match="another model"):
        load_frames(path, other.problem, [])
    arrays = dict(np.load(path))
    for name, array in arrays.items():
        for wrong in (array[None], array.astype(str), array[..., :0], np.zeros(3, "M8[s]")):
            np.savez(path, **arrays | {name: wrong})
            with pytest.raises(ModelFileError, match=r"damaged|another model"):
                load_frames(path, fit.problem, [])
    np.savez(path, **arrays)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ModelFileError, match="damaged"):
        load_frames(path, fit.problem, [])


def test_frames_that_would_fill_the_memory(tmp_path, monkeypatch):
    fit = train(1, callbacks=[surefit.Snapshots()])
    path = tmp_path / "frames.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("values.npy", bytes(2**22))
    monkeypatch.setattr("surefit.reports.film.LARGEST", 2**21)
    with pytest.raises(ModelFileError, match="would take more"):
        load_frames(path, fit.problem, [])
    monkeypatch.undo()
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": (2**50,)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("values.npy", head.getvalue())
    with pytest.raises(ModelFileError, match="not as long as it says"):
        load_frames(path, fit.problem, [])


# --- live -----------------------------------------------------------------------------------------------------------


def test_a_picture_file_is_redrawn_and_never_half(tmp_path):
    path = tmp_path / "deep" / "fit.png"
    seen = []

    def look(event):
        if path.exists():
            with Image.open(path) as image:
                image.load()
                seen.append((image.size, image.tobytes()))

    train(3, callbacks=[surefit.Live(path, every=0.0), look])
    assert len({size for size, _ in seen}) == 1
    assert len({pixels for _, pixels in seen}) >= 3  # before training, and after epochs that drawing left time for
    assert [p.name for p in path.parent.iterdir()] == ["fit.png"]


def test_drawing_takes_a_share_of_the_time_only():
    plot = surefit.TextPlot(every=1e6)
    shown = []
    plot.show = shown.append
    train(20, callbacks=[plot])
    assert len(shown) <= 3  # before, once, and the end


def test_a_window_without_a_screen_is_refused():
    with pytest.raises(ArgumentError, match="needs a screen"):
        surefit.Live("window")


def test_lines_of_text_show_target_and_fit():
    plot = surefit.TextPlot(every=0.0)
    assert plot.lines() == []
    fit = train(3, "x", "x=-1:1", callbacks=[plot])
    target, shown, losses = plot.lines(40)
    assert target.startswith("target  ▁▁") and target.endswith("██")
    assert len(target) == 40
    x = np.linspace(-1, 1, 301)[np.linspace(0, 300, 32).round().astype(int)]
    assert shown == "fit     " + spark(fit.predict(x), (-1.0, 1.0), 32)
    assert losses == "loss    " + spark(np.log10([r["validation_loss"] for r in fit.history]), None, 32)


def test_lines_cut_through_the_centre():
    film = train(1, "a + 10*b", {"a": (0, 1), "b": (0, 1)}, callbacks=[surefit.Snapshots()]).film
    rows = {name: values for name, values, _ in plot_rows(film, film.frames[-1])}
    axis = np.linspace(0, 1, 61)
    np.testing.assert_allclose(rows["target along a"], axis + 5)
    np.testing.assert_allclose(rows["target along b"], 0.5 + 10 * axis)


def test_lines_of_a_table_are_its_sorted_test_rows():
    x = np.random.default_rng(0).uniform(size=60)
    film = train(1, {"x": x, "y": 3 * x}, None, callbacks=[surefit.Snapshots()], data=None).film
    rows = {name: values for name, values, _ in plot_rows(film, film.frames[-1])}
    assert np.all(np.diff(rows["true"]) >= 0)
    assert len(rows["fit"]) == len(film.known[0]) > 0


@pytest.mark.parametrize(
    "values, limits, expected",
    [
        ([0, 1, 2, 3, 4, 5, 6, 7], None, "▁▂▃▄▅▆▇█"),
        ([-9, 99], (0, 1), "▁█"),
        ([1, 1], None, "▁▁"),
        ([np.nan, np.inf], None, "  "),
        ([], None, ""),
    ],
)
def test_spark(values, limits, expected):
    assert spark(np.array(values, float), limits, 20) == expected


def test_a_training_that_does_not_tell_its_model_is_said_to_be_unseen():
    for watcher in (surefit.Snapshots(), surefit.Live("never.png"), surefit.TextPlot()):
        watcher(Epoch(1, 1, 1, 0.1, None, 0.1, 0.1, True))
        with pytest.warns(UserWarning, match=r"nothing was seen of this training.*notify_model"):
            watcher(Finished("done", 0.1))


def test_a_solver_that_tells_only_its_end(tmp_path):
    fit = train(1)
    shots, live, plot = surefit.Snapshots(), surefit.Live(tmp_path / "a.png"), surefit.TextPlot()
    notify_model([print, shots, live, plot], fit.model, fit.problem, 0)
    for watcher in (shots, live, plot):
        watcher(Finished("solved", 0.1))
    assert [f.kept for f in shots.film.frames] == [True]
    assert (tmp_path / "a.png").stat().st_size > 1000
    assert [line.split()[0] for line in plot.lines()] == ["target", "fit", "loss"]


def test_fitting_does_not_load_the_pictures():
    """A fit that is not looked at should not wait for the code that draws."""
    code = "import sys, surefit.fitting; print('surefit.view' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
