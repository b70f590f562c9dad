"""Fits seen in a notebook: what is sent to the widget, what the widget draws, and what is shown without one."""

from __future__ import annotations

import json
import os
import shutil

import numpy as np
import pytest

import surefit
from surefit.core.program import record
from surefit.errors import ArgumentError
from surefit.reports import display, notebook

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


class Widget:
    """Keeps what it is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict]] = []

    def __setattr__(self, name, value):
        if name in ("scene", "picture"):
            json.dumps(value, allow_nan=False)  # what a front end can read
            self.sent.append((name, value))
        super().__setattr__(name, value)


@pytest.fixture
def widget(monkeypatch):
    made = Widget()
    monkeypatch.setattr(display, "in_notebook", lambda: True)
    monkeypatch.setattr(notebook, "live_view", lambda: notebook.Watcher(made))
    return made


@pytest.mark.parametrize("method", ["features", "lm", surefit.Adam(epochs=40)])
def test_pictures_are_those_of_the_fit(widget, method, capsys):
    fit = surefit.fit("sin(x)", "x=-3:3", method=method, model=(8,), live=True, progress=True)
    assert [name for name, _ in widget.sent][:2] == ["scene", "picture"]
    scene = next(value for name, value in widget.sent if name == "scene")
    last = widget.sent[-1][1]
    x = np.array(scene["axes"][0])
    np.testing.assert_array_equal(scene["target"], np.sin(x))  # all digits: what is drawn is their small difference
    resolution = 1e-6 if fit.model.dtype == np.float32 else 1e-10
    np.testing.assert_allclose(last["fit"], fit.predict(x), atol=resolution, rtol=resolution)
    rows = [row[0] for row in last["losses"]]
    assert rows == sorted(set(rows)) and rows[0] == 1 and rows[-1] == len(fit.history)
    assert f"max |error| {fit.error.max:.3g}" in last["words"].split("; ")[-1]
    assert capsys.readouterr().err == ""  # the picture is instead of the line


@pytest.mark.parametrize("method", ["features", surefit.Adam(epochs=3)])
def test_of_many_inputs_network_and_losses_are_shown(widget, method):
    fit = surefit.fit("a + b + sin(c)", "a=0:1, b=0:1, c=0:1", method=method, model=(4,), live=True)
    scene, last = dict(widget.sent)["scene"], widget.sent[-1][1]
    assert scene["axes"] == [] and scene["target"] is None and last["fit"] is None
    assert [layer["n_in"] for layer in last["layers"]] == [3, 4] and len(last["losses"]) == len(fit.history)
    assert last["units"][0]["of"] == 4 and last["units"][0]["values"] == []


def test_the_last_picture_is_what_was_kept(widget):
    """Not of the attempt that happened to be the last."""
    fit = surefit.fit("sin(x1)*x2", "x1=-2:2, x2=-2:2", live=True, tol=1e-4)
    first, second = np.meshgrid(*(np.array(axis) for axis in dict(widget.sent)["scene"]["axes"]))
    shown = widget.sent[-1][1]
    values = fit.predict(np.column_stack([first.ravel(), second.ravel()]))
    np.testing.assert_allclose(shown["fit"], values, atol=1e-10)
    assert shown["layers"][0]["n_out"] == fit.network[0].weight.shape[0]


def test_elsewhere_there_is_a_line(capsys):
    surefit.fit("x", "x=0:1", method=surefit.Adam(epochs=3), model=(4,), live=True)
    assert "epoch 1/3" in capsys.readouterr().err
    surefit.fit("x", "x=0:1", method=surefit.Adam(epochs=3), model=(4,), live=True, progress=False)
    assert capsys.readouterr().err == ""
    with pytest.raises(ArgumentError, match="Live"):
        surefit.fit("x", "x=0:1", live="fit.png")


def test_without_anywidget_there_is_a_line(monkeypatch, capsys):
    monkeypatch.setattr(display, "in_notebook", lambda: True)
    monkeypatch.setattr(notebook, "widget_class", lambda: None)
    surefit.fit("x", "x=0:1", method=surefit.Adam(epochs=3), model=(4,), live=True)
    assert "epoch" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(not notebook.VIEW.exists(), reason="the page was not built: make play builds it")
def test_the_widget_is_one_of_anywidget():
    pytest.importorskip("anywidget", reason="the view of notebooks is a widget of anywidget")
    made = notebook.widget_class()()
    watcher = notebook.Watcher(made)
    surefit.fit("x^2", "x=-1:1", method=surefit.Adam(epochs=3), model=(4,), callbacks=[watcher])
    assert len(made.picture["fit"]) == len(made.scene["axes"][0])
    assert "render" in made._esm


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None or not notebook.VIEW.exists(), reason="needs chromium and the built page")
@pytest.mark.parametrize(
    "formula, domain, drawn",
    [("sin(x)", "x=-3:3", 3), ("x*y", "x=0:1, y=0:1", 3), ("x*y*z", "x=0:1, y=0:1, z=0:1", 2)],
)
def test_the_widget_draws(formula, domain, drawn):
    playwright = pytest.importorskip("playwright.sync_api", reason="the widget is tried with playwright")
    widget = Widget()
    method = surefit.Adam(epochs=5)
    surefit.fit(formula, domain, method=method, model=(6,), callbacks=[notebook.Watcher(widget)])
    state = dict(widget.sent)
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=arguments)
        page = browser.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        code = notebook.VIEW.read_text(encoding="utf-8")
        page.evaluate(
            """async ([code, state]) => {
                const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
                const view = (await import(url)).default;
                view.render({ model: { get: (n) => state[n], on: () => 0 }, el: document.body });
            }""",
            [code, state],
        )
        page.wait_for_timeout(200)
        painted = page.evaluate(
            """[...document.querySelectorAll("canvas")].filter((c) => c.clientWidth > 0).map((c) => {
                const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
                return new Set(d).size;
            })"""
        )
        assert complaints == [] and len(painted) == drawn and min(painted) > 10
        browser.close()


# --- what a cell shows of an object -----------------------------------------------------------------------


def test_networks_programs_and_histories_are_shown_as_html():
    fit = surefit.fit("sin(x)", "x=-3:3", method=surefit.Adam(epochs=12), model=(8, 4))
    assert "<svg" in fit.history._repr_html_() and "after 12" in fit.history._repr_html_()
    assert fit.history == list(fit.history) and json.dumps(fit.history)
    shown = fit.network._repr_html_()
    assert shown.count("<tr>") == 1 + 5 and "57 parameters" in shown  # 8 + 8, 32 + 4, 4 + 1
    assert "Linear(in_features=1" in surefit.nn.Linear(1, 2)._repr_html_()
    program = record(lambda a: a * a < 1.0, surefit.tensor([0.5]))
    assert program._repr_html_().startswith("<pre>") and "return" in program._repr_html_()
    assert "<table" in fit._repr_html_()
    assert type(fit.history)([])._repr_html_() == "<p>0 rows, no loss</p>"
