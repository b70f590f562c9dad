"""The experiments in Chinese: every text of every result, with sizes at which a run costs next to nothing."""

from __future__ import annotations

import re

import numpy as np
import pytest

from surefit import experiments
from surefit.experiments import digits, result, sine_by_sample, sine_reciprocal, three_functions, two_inputs, two_ways
from surefit.experiments.digits_networks import Digits
from surefit.experiments.result import Options
from surefit.sentences import Sentence
from surefit.view import style

# What stays as it is in Chinese: names of functions, methods, files, units and people, and the doctor's codes.
NAMES = re.compile(
    r"`[^`]*`|\"[^\"]*\"|--\w+|[\w.]+\([^()]*\)|\b\w+(-\w+)+\b|\b\w*[_./]\w+|\b(sin|cos|sqrt|log|log10|sign|pi|tanh|NaN|ReLU|sigmoid|softmax|logit|"
    r"Adam|He|RMS|MSE|MNIST|MB|surefit|PyTorch|DataLoader|Module|NumPy|Baldi|Hornik|Tanh|Matmul|backward|forward|Linear|"
    r"linspace|digits)\b"
)
ENGLISH = re.compile(r"[A-Za-z]{3,}")
CHINESE = re.compile("[\u4e00-\u9fff]")


class Fitted:
    """What a fit of surefit answers here: zeros, at once."""

    seconds = 0.1

    def predict(self, points):
        return np.zeros(len(points))


def small(monkeypatch):
    """Sizes at which each experiment runs in a moment; its numbers mean nothing."""
    for module in (sine_reciprocal, three_functions, sine_by_sample, two_inputs, two_ways):
        monkeypatch.setattr(module.fitting, "fit", lambda *args, **settings: Fitted())
    for module, name, count in (
        (sine_reciprocal, "WIDTH", 4),
        (sine_reciprocal, "POINTS", 60),
        (sine_reciprocal, "TEST", 20),
        (sine_by_sample, "SADDLES", 1),
        (two_ways, "HIDDEN", 4),
        (two_ways, "POINTS", 100),
        (two_inputs, "POINTS", 320),
        (two_inputs, "SIDE", 41),
    ):
        monkeypatch.setattr(module, name, count)
    monkeypatch.setattr(sine_reciprocal, "WIDTHS", (2, 2, 2, 2))
    monkeypatch.setattr(sine_reciprocal, "train_adam", lambda *args: (0.1, 0.1, 1920))
    monkeypatch.setattr(
        two_ways, "in_framework", lambda parts, f, epochs: two_ways.by_hand(*two_ways.draw(f)[:2], 1e-3, 2)
    )
    whole = three_functions.train
    monkeypatch.setattr(three_functions, "train", lambda text, epochs, *scaled: whole(text, 2, *scaled))
    monkeypatch.setattr(two_inputs, "HIDDEN", (4, 4))
    monkeypatch.setattr(two_inputs, "WIDER", (4, 4))
    rng = np.random.default_rng(0)
    x, labels = rng.random((64, 784), dtype=np.float32), rng.integers(0, 10, 64)
    monkeypatch.setattr(digits, "load", lambda options: Digits(x, labels, x, labels))
    monkeypatch.setattr(digits, "SHALLOW", (784, 6, 10))
    monkeypatch.setattr(digits, "DEEP", (784, 6, 6, 6, 10))


def drawn_texts(figure):
    """All that is written in a figure."""
    return [t.get_text() for t in figure.findobj(lambda part: hasattr(part, "get_text")) if t.get_text().strip()]


def english_left(text):
    return ENGLISH.findall(NAMES.sub(" ", re.sub(r"\$[^$]*\$", " ", text)))


def texts_of(found):
    """Every text of a result."""
    yield from (found.title, found.source, found.about, *(s.reason for s in found.settings))
    for row in found.rows:
        yield from (row.quantity, row.note, row.source)
    for grid in found.grids:
        yield from (grid.title, grid.note, *grid.header, *(cell for row in grid.rows for cell in row))
    for claim in found.claims:
        yield from (claim.said, claim.found, claim.ours)
    yield from (picture.caption for picture in found.pictures)


@pytest.mark.slow
@pytest.mark.parametrize("name", experiments.NAMES)
def test_no_text_of_an_experiment_is_left_in_english(name, monkeypatch):
    small(monkeypatch)
    monkeypatch.setattr(style, "has_chinese_font", lambda: True)  # nothing is drawn to pixels here
    logged = []
    found = experiments.run(name, Options(quick=True, log=logged.append, lang="zh"))
    assert found.claims and found.rows and found.pictures
    texts = [t for t in (*texts_of(found), *logged) if isinstance(t, str) and t]
    for text in texts:
        assert not english_left(result.said(text, "zh")), text
        assert not CHINESE.search(str(text)), text  # the English is English
        if english_left(text):
            assert isinstance(text, Sentence) and CHINESE.search(text.said("zh")), text
    page = found.markdown(".", lang="zh")
    assert not english_left(re.sub(r"\S+\.png", "", page)), english_left(page)
    assert "判断" in page and "表" not in found.markdown()
    for picture in found.pictures:
        if picture.name.endswith("-graph"):  # whose nodes bear the names of operations
            continue
        left = [word for text in drawn_texts(picture.figure) for word in english_left(text)]
        assert not left, (picture.name, left)
