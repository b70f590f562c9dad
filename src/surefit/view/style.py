"""One look for every picture: colours, type, grid; applied inside a context, never to the whole process.

A picture is the same on every machine: it starts from Matplotlib's own defaults, not from the user's
settings, and the settings in force before it was drawn are in force again after it. No figure is registered
with pyplot, so nothing is shown, kept alive or written unless the caller asks; in a notebook a returned
figure displays itself.

Palette: M. Okabe and K. Ito, Color Universal Design (2008). viridis and cividis: for values and sizes; red to
blue, white at 0: for signed errors.
"""

from __future__ import annotations

import functools
import logging
import re
import textwrap
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ParamSpec

from surefit.checking import warn
from surefit.sentences import both, check_language, columns

from .language import language

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLACK = "#000000"
ORANGE = "#E69F00"
SKY = "#56B4E9"
GREEN = "#009E73"
YELLOW = "#F0E442"
BLUE = "#0072B2"
VERMILLION = "#D55E00"
PURPLE = "#CC79A7"
GREY = "#595959"
PALE = "#D9D9D9"

OKABE_ITO = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION, BLACK, YELLOW)
"""The order in which several curves take their colours: the palest last."""

SEQUENTIAL = "viridis"
MAGNITUDE = "cividis"
DIVERGING = "RdBu_r"

FIT_LINE: dict[str, Any] = {"color": BLUE, "linestyle": "-", "linewidth": 1.6, "zorder": 4}
# A pale band beneath every other line: where a fit agrees with it, the fit is seen on the band and hides nothing of it.
TARGET_LINE: dict[str, Any] = {
    "color": "#BDBDBD",
    "linestyle": "-",
    "linewidth": 4.2,
    "zorder": 1.8,
}
ERROR_LINE: dict[str, Any] = {"color": VERMILLION, "linestyle": "-", "linewidth": 1.2, "zorder": 3}
ZERO_LINE: dict[str, Any] = {"color": GREY, "linestyle": "-", "linewidth": 0.8, "zorder": 1}
WORST_POINT: dict[str, Any] = {
    "marker": "o",
    "markersize": 7,
    "markerfacecolor": "none",
    "markeredgecolor": BLACK,
    "markeredgewidth": 1.3,
    "linestyle": "none",
    "zorder": 6,
    "clip_on": False,
}

PAGE_WIDTH = 7.0
"""Inches: the text width of an ordinary page."""

CJK_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "SimHei",
    "Heiti SC",
    "Noto Sans CJK TC",
    "Noto Sans CJK HK",
    "Noto Sans CJK JP",
    "Droid Sans Fallback",
    "Arial Unicode MS",
)

_SETTINGS: dict[str, Any] = {
    "figure.dpi": 150,
    "figure.facecolor": "white",
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titleweight": "normal",
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "legend.handlelength": 2.2,
    "legend.columnspacing": 1.4,
    "figure.titlesize": 10,
    "figure.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.7,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": BLACK,
    "ytick.labelcolor": BLACK,
    "axes.formatter.limits": (-3, 4),
    "axes.formatter.use_mathtext": True,
    "lines.solid_capstyle": "round",
    "figure.constrained_layout.h_pad": 0.06,
    "figure.constrained_layout.w_pad": 0.06,
}


FONT = "DejaVu Sans"  # comes with Matplotlib


@functools.cache
def font_chain() -> tuple[str, ...]:
    """Matplotlib's own font, then the first installed font that has Chinese characters, if there is one."""
    from matplotlib import font_manager

    found = _known_chinese_fonts(font_manager.fontManager)
    if not found:  # Matplotlib keeps a list of fonts from when it first ran here: later ones are not in it
        listed = {font.fname for font in font_manager.fontManager.ttflist}
        for path in font_manager.findSystemFonts():
            if path not in listed and _CJK_FILES.search(path):
                with suppress(OSError, RuntimeError):  # a font that cannot be read is none
                    font_manager.fontManager.addfont(path)
        found = _known_chinese_fonts(font_manager.fontManager)
    return (FONT, *found[:1])


def _known_chinese_fonts(manager: Any) -> list[str]:
    installed = {font.name for font in manager.ttflist}
    return [name for name in CJK_FONTS if name in installed]


# how the files of CJK_FONTS are called
_CJK_FILES = re.compile(
    r"(?i)(noto\w*(cjk|sanssc)|source\w*hansans|sourcehan|msyh|yahei|pingfang|hiragino|wqy|wenquanyi|simhei|heiti)"
)


def has_chinese_font() -> bool:
    """Whether a picture can show Chinese characters here, instead of empty boxes."""
    return len(font_chain()) > 1


@contextmanager
def speaking(lang: str) -> Iterator[None]:
    """Pictures that are drawn inside speak this language; without a font for Chinese English, with a warning."""
    if check_language(lang) == "zh" and not has_chinese_font():
        warn(
            both(
                "no font with Chinese characters is installed here, so the words in pictures are in English",
                "这里没有安装中文字体，因此图中的文字是英文",
            )
        )
        lang = "en"
    with language(lang):
        yield


_text_as_text: ContextVar[bool] = ContextVar("text of an SVG stays text", default=False)


@contextmanager
def text_as_text() -> Iterator[None]:
    """Within the block an SVG keeps its text as text, instead of outlines of letters."""
    token = _text_as_text.set(True)
    try:
        yield
    finally:
        _text_as_text.reset(token)


@contextmanager
def house_style() -> Iterator[None]:
    """Within the block Matplotlib draws in the house style; afterwards its settings are as they were.

    Example:
        >>> import matplotlib
        >>> with house_style():
        ...     matplotlib.rcParams["axes.spines.top"]
        False
    """
    from matplotlib import style

    fonts = logging.getLogger("matplotlib.font_manager")
    fonts.addFilter(_is_not_about_weight)
    try:
        # A family name, not "sans-serif": a text resolves generic names only when drawn.
        outlines = {"svg.fonttype": "none", "svg.hashsalt": "surefit"} if _text_as_text.get() else {}
        with style.context(["default", {**_SETTINGS, **outlines, "font.family": [FONT]}]), warnings.catch_warnings():
            # a column may have a name that no font here can draw: it becomes boxes, which says it
            warnings.filterwarnings("ignore", message="Glyph .* missing from")
            yield
    finally:
        fonts.removeFilter(_is_not_about_weight)


def _is_not_about_weight(record: logging.LogRecord) -> bool:
    """Chinese fonts often have one weight; that a bold title is drawn in the regular one is no news."""
    return "font weight" not in record.getMessage()


Arguments = ParamSpec("Arguments")


def in_house_style(draw: Callable[Arguments, Figure]) -> Callable[Arguments, Figure]:
    """Decorate a drawing function: it runs in the house style and its figure comes back laid out."""

    @functools.wraps(draw)
    def styled(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Figure:
        with house_style():
            figure = draw(*args, **kwargs)
            lay_out(figure)
        return figure

    return styled


def lay_out(figure: Figure) -> None:
    """Place ticks and labels now, in the house style, rather than when the figure is first shown or saved."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        if columns(text.get_text()) > len(text.get_text()):  # only where it is needed: a second font costs time
            text.set_fontfamily(list(font_chain()))
    figure.draw_without_rendering()
    if _powers_into_labels(figure):
        figure.draw_without_rendering()


def _powers_into_labels(figure: Figure) -> bool:
    """Write 'x (1e6)' instead of a power of ten at the far end of an axis, where it runs into its neighbours.

    Ordinary y axes keep theirs: it stands alone at their top left corner.
    """
    found = False
    for axes in figure.axes:
        for name in ("x", "y", "z") if axes.name == "3d" else ("x",):
            axis = getattr(axes, f"{name}axis")
            power = axis.get_offset_text()
            if axis.get_visible() and power.get_visible() and power.get_text():
                power.set_visible(False)
                label, factor = axis.get_label_text(), _power(power.get_text())
                axis.set_label_text(f"{label} ({factor})" if label.strip() else factor)
                found = True
    return found


_RAISED = str.maketrans("0123456789-\N{MINUS SIGN}", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")


def _power(text: str) -> str:
    r"""A power of ten that Matplotlib typesets, as plain characters: its typesetting knows no Chinese beside it.

    >>> _power(r"$\times\mathdefault{10^{-9}}\mathdefault{}$")
    '×10⁻⁹'
    """
    found = re.fullmatch(r"\$\\times\\mathdefault\{10\^\{(.*?)\}\}\\mathdefault\{\}\$", text)
    return f"×10{found[1].translate(_RAISED)}" if found else text


# --- text ---------------------------------------------------------------------------------------------------


MINUS = "\N{MINUS SIGN}"


def number(value: float) -> str:
    """A measured number in three digits, for labels: 0.000123 -> '1.23e-04', 12.5 -> '12.5'."""
    if value == 0.0:
        return "0"
    text = f"{value:.2e}" if not 1e-3 <= abs(value) < 1e5 else f"{value:.3g}" if abs(value) < 1e3 else f"{value:.0f}"
    return text.replace("-", MINUS)


def plain(text: object) -> str:
    """Text as it stands: a dollar sign is a dollar sign, not the start of a formula."""
    return str(text).replace("$", r"\$")


def wrapped(text: object, width: int, lines: int = 3) -> str:
    """The text broken into at most `lines` lines of at most `width` columns, an ellipsis where it is cut."""
    whole = str(text)
    if columns(whole) <= width:
        return plain(whole)
    per_line = width if columns(whole) == len(whole) else max(width // 2, 1)
    broken = textwrap.wrap(whole, per_line, max_lines=lines, placeholder=" …", break_on_hyphens=False)
    return plain("\n".join(broken))
