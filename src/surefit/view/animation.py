"""A training as moving pictures: the fit at some epochs, as a film (GIF, MP4, HTML), side by side, or while it runs.

A `Film` holds numbers only: points, what should come out there, and the model's values after some epochs. `Scene` is a
figure that is built once and shows one frame after another, so that redrawing costs one draw and no layout.
"""

from __future__ import annotations

import base64
import html
import io
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from surefit.errors import ArgumentError, DataError
from surefit.files import replacing, write_atomically

from .arrays import Array, colour_limits, finite, span
from .canvas import new_figure
from .language import language, say
from .panels import DATA_MARKS, TEST_MARKS, add_colour_bar, draw_cells, draw_line, draw_marks, mark_size, set_x_limits
from .style import (
    BLUE,
    FIT_LINE,
    GREY,
    MAGNITUDE,
    ORANGE,
    PAGE_WIDTH,
    SEQUENTIAL,
    TARGET_LINE,
    house_style,
    in_house_style,
    lay_out,
    number,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL.Image import Image

ENDINGS = (".gif", ".mp4", ".html")
FRAMES_A_SECOND = 6
HOLD = 8  # times that the last frame is shown before a film begins again
DECADES = 4.0  # of |error| below the target's range that the map of errors tells apart
MOST_OUTPUTS = 3  # rows of a picture
COLOURS = 256  # of a frame in HTML, which takes a third of the bytes of all colours


class Frame(NamedTuple):
    """The model after `epoch` epochs: its values on the film's grid (n, k) and at its known points (p, k).

    kept: these are the weights that training gave back, which need not be those of that epoch.
    """

    epoch: int
    values: Array
    known_values: Array
    kept: bool = False


@dataclass
class Film:
    """Frames of a training, and all that is needed to draw them.

    names: the d inputs, then the k outputs. axes: one array of grid points for each input, for d of 1 and 2, else
    empty. target: the function on the grid, (n, k), rows in the order of `grid()`, or None. known: points with their
    true values, (x (p, d), y (p, k)): the test set. data: training points (x, y), drawn but not measured. losses:
    (epoch, training loss, validation loss or None) of every epoch so far. epochs: how many there will be at most.
    """

    names: tuple[str, ...]
    axes: tuple[Array, ...]
    target: Array | None
    known: tuple[Array, Array]
    data: tuple[Array, Array] | None = None
    title: str = ""
    epochs: int = 0
    frames: list[Frame] = field(default_factory=list)
    losses: list[tuple[int, float, float | None]] = field(default_factory=list)

    @property
    def inputs(self) -> int:
        """How many inputs there are."""
        return self.known[0].shape[1]

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs."""
        return self.names[self.inputs :]

    def grid(self) -> Array:
        """The grid as points (n, d): n is 0 for more than two inputs. Rows follow the second input."""
        if not self.axes:
            return np.zeros((0, self.inputs))
        return np.stack(np.meshgrid(*self.axes), axis=-1).reshape(-1, self.inputs)

    def error(self, frame: Frame) -> float | None:
        """The largest |error| of a frame, on the grid where the target is known there, and at the known points."""
        parts = [np.abs(frame.known_values - self.known[1]).ravel()]
        if self.target is not None:
            parts.append(np.abs(frame.values - self.target).ravel())
        sizes = finite(np.concatenate(parts))
        return None if not sizes.size or np.isnan(sizes).all() else float(np.nanmax(sizes))

    def chosen(self, count: int) -> list[Frame]:
        """At most `count` frames, the first and the last among them."""
        if count < 2:
            raise ArgumentError(f"count: {count}; a first and a last frame are needed")
        places = np.linspace(0, len(self.frames) - 1, min(count, len(self.frames))).round().astype(int)
        return [self.frames[i] for i in places]

    def save(self, path: str | os.PathLike[str], *, fps: int = FRAMES_A_SECOND) -> Path:
        """Write the film; the name's ending (.gif, .mp4 or .html) says how.

        Raises:
            ArgumentError: another ending, fps not a whole number above 0, or .mp4 where the program ffmpeg is missing.
            DataError: no frame was recorded.
        """
        return save_film(self, Path(path), fps)


def caption(film: Film, frame: Frame) -> str:
    """What stands above a frame: the epoch and the largest error."""
    words = say("before training") if frame.epoch == 0 else say("epoch {epoch}", epoch=frame.epoch)
    words = say("weights kept") if frame.kept else words
    size = film.error(frame)
    if size is None:
        return words
    return say("{words}: {error}", words=words, error=say("max |error| {size}", size=number(size)))


# --- panels that change -------------------------------------------------------------------------------------


def even_in_decades(x: Array) -> bool:
    """Whether a grid (n,) is spread evenly over the logarithm: that of an input of which the logarithm counts."""
    if len(x) < 3 or not x[0] > 0:
        return False
    even, uneven = np.diff(np.log(x)), np.diff(x)
    return bool(np.ptp(even) < 1e-6 * even.mean() and np.ptp(uneven) > 1e-3 * uneven.mean())


class _Curves:
    """One input: target, data and fit."""

    def __init__(self, axes: Axes, film: Film, j: int, quiet: bool = False) -> None:
        self.j, x = j, film.axes[0]
        if film.data is not None and not (quiet and film.target is not None):
            draw_marks(axes, film.data[0][:, 0], film.data[1][:, j], say("training data"), DATA_MARKS)
        if len(film.known[0]) and not quiet:
            draw_marks(axes, film.known[0][:, 0], film.known[1][:, j], say("test data"), TEST_MARKS)
        values = [part[1][:, j] for part in (film.data, film.known) if part is not None]
        if film.target is not None:
            draw_line(axes, x, film.target[:, j], {**TARGET_LINE, "label": say("target")})
            values.append(film.target[:, j])
        (self.line,) = axes.plot(x, np.zeros_like(x), label=say("fit"), **FIT_LINE)
        low, high = colour_limits(np.concatenate(values))
        axes.set_ylim(low - 0.12 * (high - low), high + 0.12 * (high - low))
        if even_in_decades(x):
            room = (x[-1] / x[0]) ** 0.02
            axes.set_xscale("log")
            axes.set_xlim(x[0] / room, x[-1] * room)
        else:
            set_x_limits(axes, x[0], x[-1], margin=0.02)
        axes.set_xlabel(wrapped(film.names[0], 40))
        axes.set_ylabel(wrapped(film.outputs[j], 26))
        if not quiet:
            axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, borderaxespad=0.2)

    def show(self, frame: Frame) -> None:
        self.line.set_ydata(finite(frame.values[:, self.j]))


class _Map:
    """Two inputs: the fit as colours."""

    def __init__(self, axes: Axes, film: Film, j: int) -> None:
        self.j, self.shape = j, (len(film.axes[1]), len(film.axes[0]))
        truth = film.known[1][:, j] if film.target is None else film.target[:, j]
        low, high = colour_limits(truth if len(truth) or film.data is None else film.data[1][:, j])
        zero = np.zeros(self.shape)
        self.mesh = draw_cells(axes, film.axes[0], film.axes[1], zero, cmap=SEQUENTIAL, vmin=low, vmax=high)
        _square(axes, film)

    def show(self, frame: Frame) -> None:
        self.mesh.set_array(np.ma.masked_invalid(frame.values[:, self.j].reshape(self.shape)))


class _ErrorMap:
    """Two inputs: |error| as colours on a fixed logarithmic scale, on the grid or at the known points."""

    def __init__(self, axes: Axes, film: Film, j: int) -> None:
        from matplotlib.colors import LogNorm

        self.film, self.j = film, j
        truth = film.known[1][:, j] if film.target is None else film.target[:, j]
        low, high = colour_limits(truth)
        self.least = (high - low) * 10.0**-DECADES
        norm = LogNorm(self.least, high - low)
        self.shape = (len(film.axes[1]), len(film.axes[0]))
        if film.target is not None:
            self.marks = draw_cells(axes, film.axes[0], film.axes[1], np.ones(self.shape), cmap=MAGNITUDE, norm=norm)
        else:
            x = film.known[0]
            size = 1.6 * mark_size(len(x)) ** 2
            self.marks = axes.scatter(
                x[:, 0], x[:, 1], c=np.ones(len(x)), s=size, linewidths=0.0, cmap=MAGNITUDE, norm=norm
            )
        _square(axes, film)

    def show(self, frame: Frame) -> None:
        film = self.film
        if film.target is not None:
            sizes = np.abs(frame.values - film.target)[:, self.j].reshape(self.shape)
        else:
            sizes = np.abs(frame.known_values - film.known[1])[:, self.j]
        self.marks.set_array(np.ma.masked_invalid(np.maximum(sizes, self.least)))


class _Predicted:
    """Three and more inputs: predicted against true values at the known points."""

    def __init__(self, axes: Axes, film: Film, j: int) -> None:
        self.j, true = j, film.known[1][:, j]
        low, high = colour_limits(true)
        room = 0.08 * (high - low)
        marks = {"color": BLUE, "marker": "o", "zorder": 3}
        axes.axline((low, low), slope=1.0, color=GREY, linestyle=(0, (4, 2.5)), linewidth=1.2, label=say("exact"))
        draw_marks(axes, true, np.zeros_like(true), f"{say('test data')} ({len(true)})", marks)
        self.line = axes.get_lines()[-1]
        axes.set_xlim(low - room, high + room)
        axes.set_ylim(low - room, high + room)
        axes.set_box_aspect(1)
        axes.set_xlabel(wrapped(say("true {name}", name=film.outputs[j]), 40))
        axes.set_ylabel(wrapped(say("predicted {name}", name=film.outputs[j]), 40))

    def show(self, frame: Frame) -> None:
        self.line.set_ydata(finite(frame.known_values[:, self.j]))


class _Losses:
    """The losses up to the epoch of a frame, which a dot marks."""

    def __init__(self, axes: Axes, film: Film) -> None:
        from matplotlib.ticker import NullFormatter

        self.axes, self.film = axes, film
        (self.train,) = axes.plot([], [], color=BLUE, linewidth=1.2, label=say("training"))
        (self.validation,) = axes.plot([], [], color=ORANGE, linewidth=1.2, label=say("validation"))
        (self.dot,) = axes.plot([], [], "o", color="black", markersize=4, zorder=5)
        last = max([film.epochs, *(row[0] for row in film.losses), 2])
        if last >= 20:  # frames are dense at the beginning
            axes.set_xscale("log")
        axes.set_xlim(1 if last >= 20 else 0, last)
        axes.set_yscale("log")
        for axis in (axes.xaxis, axes.yaxis):  # a label at every tick is crowded, and half of the time of a redraw
            axis.set_minor_formatter(NullFormatter())
        self._fit_height()
        axes.set_xlabel(say("epoch"))
        axes.set_ylabel(say("loss"))
        axes.legend(loc="lower left" if last >= 20 else "upper right")

    def _fit_height(self) -> None:
        values = np.array([v for row in self.film.losses for v in row[1:] if v is not None and v > 0])
        values = values[np.isfinite(values)]
        low, high = (values.min(), values.max()) if values.size else (1e-4, 1.0)
        self.axes.set_ylim(low / 2, high * 2)

    def show(self, frame: Frame) -> None:
        rows = [row for row in self.film.losses if row[0] <= frame.epoch]
        epochs = np.array([row[0] for row in rows], np.float64)
        train = finite(np.array([row[1] for row in rows], np.float64))
        validation = finite(np.array([np.nan if row[2] is None else row[2] for row in rows], np.float64))
        self.train.set_data(epochs, train)
        self.validation.set_data(epochs, validation)
        deciding = train if np.isnan(validation).all() else validation
        self.dot.set_data(epochs[-1:], deciding[-1:])
        self._fit_height()


def _square(axes: Axes, film: Film) -> None:
    axes.set_xlim(*span(film.axes[0]))
    axes.set_ylim(*span(film.axes[1]))
    axes.set_box_aspect(1)
    axes.locator_params(axis="x", nbins=5, steps=[1, 2, 5, 10])
    axes.set_xlabel(wrapped(film.names[0], 28))
    axes.set_ylabel(wrapped(film.names[1], 26))


class Scene:
    """A figure of a film that shows one frame at a time.

    >>> x = np.linspace(0.0, 1.0, 5)
    >>> film = Film(("x", "y"), (x,), x[:, None] ** 2, (x[:, None], x[:, None] ** 2))
    >>> Scene(film).show(Frame(1, x[:, None], x[:, None])).get_suptitle()
    'epoch 1: max |error| 0.25'
    """

    def __init__(self, film: Film) -> None:
        self.film, self.is_laid_out = film, False
        with house_style():
            self.figure, self.panels = _scene(film)

    def show(self, frame: Frame) -> Figure:
        """The figure with this frame in it."""
        with house_style():
            for panel in self.panels:
                panel.show(frame)
            words = caption(self.film, frame)
            self.figure.suptitle(wrapped(f"{self.film.title}   {words}" if self.film.title else words, 88))
            if not self.is_laid_out:  # once, so that nothing jumps about later
                lay_out(self.figure)
                self.figure.set_layout_engine("none")
                self.is_laid_out = True
        return self.figure


def _scene(film: Film) -> tuple[Figure, list[Any]]:
    """The figure without a frame, and its panels that change."""
    rows = min(len(film.outputs), MOST_OUTPUTS)
    d = film.inputs
    figure = new_figure(PAGE_WIDTH, 0.3 + {1: 2.9, 2: 2.9}.get(d, 3.1) * rows)
    panels: list[Any] = []
    kinds = {1: (_Curves,), 2: (_Map, _ErrorMap)}.get(d, (_Predicted,))
    parts = [figure] if rows == 1 else list(np.ravel(figure.subfigures(rows, 1, squeeze=False)))
    for j, part in enumerate(parts):
        axes = part.subplots(1, len(kinds) + 1, width_ratios=[*([1.5] if d == 1 else [1.0] * len(kinds)), 1.0])
        made: list[Any] = [kind(axes[i], film, j) for i, kind in enumerate(kinds)]
        if d == 2:
            axes[0].set_title(wrapped(say("fit") if rows == 1 else f"{say('fit')}: {film.outputs[j]}", 30))
            axes[1].set_title(say("|error|"))
            axes[1].set_ylabel("")
            add_colour_bar(part, made[0].mesh, [axes[0]], extend="both", label=film.outputs[j])
            part.colorbar(
                made[1].marks, ax=[axes[1]], location="bottom", extend="both", aspect=18, shrink=0.9, pad=0.04
            )
        panels += [*made, _Losses(axes[-1], film)]
        if d != 1:
            axes[-1].set_box_aspect(1)
    return figure, panels


# --- side by side -------------------------------------------------------------------------------------------


@in_house_style
def snapshots(film: Film, *, count: int = 6) -> Figure:
    """Some frames of a film side by side, the first and the last among them: for paper.

    One input: target and fit. Two inputs: the fit as colours. More: predicted against true values. Of several outputs
    the first is drawn.

    Raises:
        DataError: no frame was recorded.
    """
    frames = _checked(film).chosen(count)
    across = min(3, len(frames))
    down = -(-len(frames) // across)
    flat = film.inputs == 1
    figure = new_figure(PAGE_WIDTH, 0.35 + (1.85 if flat else 2.35) * down + (0.4 if film.inputs == 2 else 0.0))
    axes = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True)
    shown: list[Any] = []
    for at, frame in zip(axes.ravel(), frames, strict=False):
        panel: Any
        if flat:
            panel = _Curves(at, film, 0, quiet=True)
        else:
            panel = (_Map if film.inputs == 2 else _Predicted)(at, film, 0)
        panel.show(frame)
        at.set_title(caption(film, frame), fontsize=7.5)
        shown.append(panel)
    for at in axes.ravel()[len(frames) :]:
        at.remove()
    for at in axes.ravel()[: len(frames)]:
        at.label_outer()
    if film.inputs == 2:
        add_colour_bar(figure, shown[0].mesh, list(axes.ravel()[: len(frames)]), extend="both", label=film.outputs[0])
    title = film.title if len(film.outputs) == 1 else f"{film.title} ({film.outputs[0]})"
    if title.strip():
        figure.suptitle(wrapped(title, 88))
    return figure


def _checked(film: Film) -> Film:
    if not film.frames:
        raise DataError("film: no frame was recorded; train with callbacks=[surefit.Snapshots()]")
    return film


# --- files --------------------------------------------------------------------------------------------------


def save_film(film: Film, path: Path, fps: int = FRAMES_A_SECOND) -> Path:
    """See `Film.save`."""
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise ArgumentError(f"path: {path.name!r} ends in {ending!r}; {', '.join(ENDINGS)} is needed")
    if isinstance(fps, bool) or not isinstance(fps, int) or fps < 1:
        raise ArgumentError(f"fps={fps!r} must be a whole number >= 1")
    _checked(film)
    if ending == ".html":
        page = _PAGE.format(title=html.escape(film.title or say("training")), player=player(film, fps=fps))
        return write_atomically(path, page)
    frames = [*film.frames, *[film.frames[-1]] * HOLD]
    if ending == ".gif":
        first, *others = images(film, frames, dpi=110)
        buffer = io.BytesIO()
        first.save(buffer, "gif", save_all=True, append_images=others, duration=round(1000 / fps), loop=0)
        return write_atomically(path, buffer.getvalue())
    from matplotlib.animation import FFMpegWriter

    if not FFMpegWriter.isAvailable():
        raise ArgumentError(
            f"path: {path.name!r} needs the program ffmpeg, which is not installed here; "
            "install it, or write a .gif or .html"
        )
    writer, scene = FFMpegWriter(fps=fps), Scene(film)
    with replacing(path) as part, house_style(), writer.saving(scene.show(frames[0]), str(part), dpi=110):
        for frame in frames:
            scene.show(frame)
            writer.grab_frame()
    return path


def save_picture(figure: Figure, path: Path, dpi: float = 130) -> Path:
    """Write a figure as PNG so that whoever reads the file meanwhile sees the old picture or the new one, whole."""
    buffer = io.BytesIO()
    with house_style():
        figure.savefig(buffer, dpi=dpi, format=path.suffix.lower().lstrip(".") or "png")
    return write_atomically(path, buffer.getvalue())


def png_frames(film: Film, frames: Iterable[Frame], dpi: float = 120) -> list[bytes]:
    """The frames as PNG files with few colours."""
    files = []
    for image in images(film, frames, dpi):
        buffer = io.BytesIO()
        image.quantize(COLOURS).save(buffer, "png", optimize=True)
        files.append(buffer.getvalue())
    return files


def images(film: Film, frames: Iterable[Frame], dpi: float = 120) -> Iterator[Image]:
    """The frames as pictures of Pillow. Drawn straight into memory: `savefig` draws everything twice."""
    from PIL.Image import fromarray

    scene = Scene(film)
    scene.figure.set_dpi(dpi)
    canvas: Any = scene.figure.canvas
    for frame in frames:
        scene.show(frame)
        canvas.draw()
        yield fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def player(film: Film, *, fps: int = FRAMES_A_SECOND, labels: str | None = None) -> str:
    """The film as a piece of an HTML page: a picture, a slider and a button; nothing is fetched from anywhere.

    labels: the language inside the frames, if it is another than that of the page.
    """
    with nullcontext() if labels is None else language(labels):
        files = png_frames(film, _checked(film).frames)
    uris = [f"data:image/png;base64,{base64.b64encode(file).decode()}" for file in files]
    words = {"play": say("play"), "pause": say("pause")}
    return _PLAYER.format(
        last=len(uris) - 1,
        first=uris[-1],
        alt=html.escape(caption(film, film.frames[-1])),
        play=html.escape(words["play"]),
        label=html.escape(say("epoch")),
        data=json.dumps({"frames": uris, "delay": 1000.0 / fps, **words}, ensure_ascii=False).replace("<", "\\u003c"),
    )


_PLAYER = """<div class="player">
<img src="{first}" alt="{alt}">
<div class="controls"><button type="button">{play}</button>
<input type="range" min="0" max="{last}" value="{last}" aria-label="{label}"></div>
<script type="application/json">{data}</script>
<script>
(function (box) {{
  const film = JSON.parse(box.querySelector("script").textContent);
  const [image, button, slider] = ["img", "button", "input"].map((name) => box.querySelector(name));
  let timer = null;
  function show(i) {{ slider.value = i; image.src = film.frames[i]; }}
  function stop() {{ clearInterval(timer); timer = null; button.textContent = film.play; }}
  function next() {{ const i = Number(slider.value) + 1; if (i < film.frames.length) show(i); else stop(); }}
  slider.addEventListener("input", function () {{ stop(); show(Number(slider.value)); }});
  button.addEventListener("click", function () {{
    if (timer !== null) {{ stop(); return; }}
    if (Number(slider.value) === film.frames.length - 1) show(0);
    button.textContent = film.pause;
    timer = setInterval(next, film.delay);
  }});
}})(document.currentScript.parentElement);
</script>
</div>"""

_PAGE = """<!DOCTYPE html>
<html>
<head><meta charset="utf-8"><title>{title}</title>
<style>
body {{ margin: 2em auto; max-width: 60em; font-family: system-ui, sans-serif; }}
.player img {{ width: 100%; }}
.player .controls {{ display: flex; gap: 1em; }}
.player input {{ flex: 1; }}
</style></head>
<body>
{player}
</body>
</html>
"""


class Window:
    """A window that shows a figure, redrawn whenever there is a new state of it.

    Raises:
        ArgumentError: there is no screen, or no toolkit that Matplotlib could open a window with.
    """

    def __init__(self) -> None:
        from matplotlib import get_backend
        from matplotlib.backends import BackendFilter, backend_registry

        backend = get_backend()  # the first call looks for a screen and a toolkit
        if backend.lower() not in (name.lower() for name in backend_registry.list_builtin(BackendFilter.INTERACTIVE)):
            raise ArgumentError(
                f"window: Matplotlib can open no window here (its backend is {backend}); "
                "it needs a screen and a toolkit such as tkinter or PyQt6; a picture file needs neither"
            )
        self.artist: Any = None

    def show(self, figure: Figure) -> None:
        """Show this state of the figure."""
        from matplotlib import pyplot

        canvas: Any = figure.canvas
        canvas.draw()
        pixels = np.asarray(canvas.buffer_rgba())
        if self.artist is None:
            inches = (pixels.shape[1] / figure.dpi, pixels.shape[0] / figure.dpi)
            shown = pyplot.figure("surefit", figsize=inches, dpi=figure.dpi)
            self.artist = shown.figimage(pixels)
            pyplot.show(block=False)
        self.artist.set_data(pixels)
        own: Any = self.artist.figure.canvas
        own.draw_idle()
        own.flush_events()

    def wait(self) -> None:
        """Until the window is closed."""
        from matplotlib import pyplot

        if self.artist is not None:
            pyplot.show(block=True)
