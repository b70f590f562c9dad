"""A fit in Chinese: its card, its pictures, and fonts that Matplotlib's list does not know yet."""

from __future__ import annotations

import re

import pytest

import surefit
from surefit.errors import ArgumentError
from surefit.reports.words import WORDS
from surefit.view import style

LETTER = re.compile("[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def fitted():
    return surefit.fit("sin(x)", "x=-3:3", method=surefit.Adam(epochs=2), model=(8,), tol=1e-3)


def texts(figure):
    from matplotlib.text import Text

    return " ".join(text.get_text() for text in figure.findobj(Text))


def test_every_row_of_the_card_has_a_chinese_label_and_the_same_numbers(fitted):
    english, chinese = fitted.card_rows(), fitted.card_rows("zh")
    assert len(english) == len(chinese)
    for (label, text), (name, words) in zip(english, chinese, strict=True):
        assert LETTER.search(name) and not LETTER.search(label + text)
        if label != "warning":
            assert re.findall(r"\d+(?:\.\d+)?(?:e-?\d+)?", text.replace("L2", "")) == re.findall(
                r"\d+(?:\.\d+)?(?:e-?\d+)?", words.replace("L2", "").replace("R2", "")
            ) or label in ("max |error|", "data", "stopped")
    assert str(fitted) == fitted.card("en") != fitted.card("zh")


def test_a_card_of_a_solver_and_of_several_outputs_is_chinese_throughout():
    solved = surefit.fit("sin(x); cos(x)", "x=-3:3")
    for label, text in solved.card_rows("zh"):
        assert LETTER.search(label) or label.strip() in solved.outputs
        assert not re.search(r"(?<![a-z])(train|units|tried|iterations|measured|seed|in its units)\b", text), text


def test_another_language_is_refused(fitted):
    for ask in (fitted.card, fitted.card_rows, lambda lang: fitted.plot(lang=lang)):
        with pytest.raises(ArgumentError, match="lang='fr' must be 'en' or 'zh'"):
            ask("fr")


@pytest.mark.parametrize("kind", ["fit", "loss", "error", "samples"])
def test_pictures_speak_chinese_where_a_font_is(fitted, kind, monkeypatch):
    monkeypatch.setattr(style, "font_chain", lambda: (style.FONT, style.FONT))  # as if one were installed
    assert LETTER.search(texts(fitted.plot(kind, lang="zh")))
    assert not LETTER.search(texts(fitted.plot(kind)))


def test_without_a_font_words_are_english_and_that_is_said(fitted, monkeypatch):
    monkeypatch.setattr(style, "font_chain", lambda: (style.FONT,))
    with pytest.warns(UserWarning, match="no font with Chinese characters is installed here") as caught:
        figure = fitted.plot("loss", lang="zh")
    assert not LETTER.search(texts(figure)) and caught[0].filename == __file__
    assert LETTER.search(caught[0].message.args[0].said("zh"))  # as the command line says it


@pytest.mark.slow
def test_a_column_that_no_font_here_can_draw_warns_of_nothing(tmp_path):
    x = [i / 10 for i in range(40)]
    fit = surefit.fit({"温度": x, "压力": [v * v for v in x]}, method="polynomial")
    fit.plot().savefig(tmp_path / "a.png")
    fit.plot()._repr_png_()


def test_a_font_installed_after_matplotlibs_list_was_written_is_found(monkeypatch, tmp_path):
    """Its file lies in a folder of fonts, and the list does not have it."""
    from matplotlib import font_manager

    class Manager:
        def __init__(self):
            self.ttflist = []

        def addfont(self, path):
            if path.endswith("wqy-broken.ttc"):
                raise RuntimeError("cannot open")
            self.ttflist.append(font_manager.FontEntry(fname=path, name="WenQuanYi Micro Hei"))

    found = [str(tmp_path / name) for name in ("other.ttf", "wqy-broken.ttc", "wqy-microhei.ttc")]
    manager = Manager()
    monkeypatch.setattr(font_manager, "fontManager", manager)
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: found)
    assert style.font_chain.__wrapped__() == (style.FONT, "WenQuanYi Micro Hei")
    assert [font.fname for font in manager.ttflist] == [found[2]]


def test_words_that_students_stumbled_over_are_todays():
    assert WORDS["certificate"].zh == "误差保证" and WORDS["patience"].zh == "早停轮数"
    assert WORDS["batch_size"].zh == "批大小" and WORDS["gain"].zh == "权重尺度"
    for both in WORDS.values():
        assert not re.search("证书|看医生|耐心|每步行数|死掉|陡度", both.zh), both.zh
