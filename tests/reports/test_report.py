"""The report: complete, true, self-contained, in two languages; and the recipe that repeats a fit."""

from __future__ import annotations

import ast
import base64
import json
import re
import string
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import surefit
from surefit import nn, view
from surefit.errors import ArgumentError, DataError
from surefit.reports import provenance as recipe
from surefit.reports.content import document
from surefit.reports.document import Code, Formula, Movie, Picture, Table, Text
from surefit.reports.film import save_frames
from surefit.reports.model import mlp_formula
from surefit.reports.words import WORDS, Speech
from surefit.view import style

QUICK = surefit.Adam(epochs=3, batch_size=32)
SMALL = surefit.Sampling(count=150)
SOURCES = Path(surefit.__file__).parent
# in every language
LATIN = ("surefit", "python", "numpy", "r2", "betas", "amsgrad", "alpha", "card-r2", "card-sizes", "named")


def quick(target="sin(x) - x/3", domain="x=-3:3", **more):
    options = {"method": QUICK, "model": (6, 5), "data": SMALL, **more}
    return surefit.fit(target, domain, **options)


@pytest.fixture(scope="module")
def fit():
    return quick(callbacks=[surefit.Snapshots(count=2)], tol=1e-6)


@pytest.fixture(scope="module")
def pages(fit, tmp_path_factory):
    """The page in both languages, as on a machine without a font for Chinese."""
    folder = tmp_path_factory.mktemp("pages")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(style, "font_chain", lambda: (style.FONT,))
        return {lang: fit.report(folder / f"{lang}.html", lang).read_text("utf-8") for lang in ("en", "zh")}


class Strict(HTMLParser):
    """Fails where a tag is not closed, or closed in the wrong order; collects what the page asks for."""

    VOID = frozenset(("meta", "img", "input"))

    def __init__(self, text):
        super().__init__()
        self.open, self.wanted, self.words, self.ids = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        self.wanted += [value for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]
        self.ids += [value for name, value in attrs if name == "id"]
        self.words += [value for name, value in attrs if name in ("alt", "aria-label")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script", "code"):
            self.words.append(data)


def svgs(page):
    return [base64.b64decode(data).decode() for data in re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', page)]


def texts_of(svg):
    return [
        t.text or "".join(t.itertext()) for t in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    ]


# --- the page -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_is_well_formed_and_fetches_nothing(pages, lang):
    page = Strict(pages[lang])
    assert page.wanted
    assert all(value.startswith(("data:", "#")) for value in page.wanted)
    links = {value for value in page.wanted if value.startswith("#")}
    assert links == {f"#{key}" for key in page.ids if key in WORDS}  # each section is linked, each link has a section
    pictures = svgs(pages[lang])
    assert len(pictures) >= 6
    for text in [pages[lang], *pictures]:
        beyond = re.sub(r'xmlns(:\w+)?="[^"]+"', "", text)  # the names of namespaces are no addresses
        assert not re.search(r"https?://|url\(\s*['\"]?(?!#)[a-z]|@import|<link|<iframe", beyond)
    for svg in pictures:
        ElementTree.fromstring(svg)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_has_the_numbers_of_the_card(fit, pages, lang):
    words = " ".join(Strict(pages[lang]).words)
    e = fit.error
    numbers = [f"{v:.3g}" for v in (e.max, e.rmse, e.relative_l2)] + [f"{v:.4g}" for v in e.at.values()]
    numbers += [str(e.n), str(fit.network.num_parameters()), str(fit.steps), str(fit.best_epoch), "1e-06", "1-6-5-1"]
    numbers += [str(n) for n in fit.problem.sizes().values()] + list(fit.environment.values())
    assert [n for n in numbers if n not in words] == []
    assert "<mfrac>" in pages[lang]


def test_the_chinese_page_is_chinese(fit, pages):
    page = Strict(pages["zh"])
    words = " ".join(page.words)
    missing = [key for key in ("function", "data", "model", "training", "result", "certificate", "diagnosis",
                               "reproduce") if WORDS[key].zh not in words]  # fmt: skip
    assert not missing
    english = re.sub(
        r"surefit|Adam|adam|cosine|mse|Linear|Tanh|betas|AMSGrad|Python|NumPy|float32|tanh|sin|RMSE", "", words
    )
    found = [w for w in re.findall(r"[A-Za-z]{3,}", english) if w not in (*fit.environment["machine"].split(), "dtype")]
    assert found == []
    labels = [text for svg in svgs(pages["zh"]) for text in texts_of(svg)]
    assert [text for text in labels if re.search(r"[a-z]{4,}", re.sub("Linear|Tanh|Adam|sin", "", text))] == []
    assert {"拟合", "目标函数", "训练", "验证", "优化器"} <= set(labels)
    assert WORDS["latin-film"].zh in words  # the film is made of pixels, and no font for Chinese is there


def test_without_a_font_no_letter_of_a_picture_becomes_a_box(pages):
    for svg in svgs(pages["zh"]):
        if "拟合" in svg:
            assert (
                re.search("font-family: [^;]*'Noto Sans CJK SC'[^;]*'PingFang SC'[^;]*sans-serif", svg)
                or "<desc" in svg
            )


# --- the words --------------------------------------------------------------------------------------------------------


def placeholders(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def said(folder, function="say"):
    """Every literal first argument of say(...) in the sources of a folder."""
    for path in sorted(folder.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == function and node.args:
                for part in ast.walk(node.args[0]):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        yield path.name, part.value


def is_chinese(text):
    return any("\u4e00" <= c <= "\u9fff" for c in text)


@pytest.mark.parametrize("key", sorted(WORDS))
def test_every_word_is_there_in_both_languages(key):
    en, zh = WORDS[key]
    assert en.strip() and zh.strip()
    assert placeholders(en) == placeholders(zh)
    assert not is_chinese(en)
    assert is_chinese(zh) or key in LATIN


def test_every_word_that_is_said_is_in_the_table():
    others = ("plots.py", "card.py")  # whose words are those of pictures, and sentences
    used = {key for name, key in said(SOURCES / "reports") if name not in others}
    assert used - WORDS.keys() == {"-use"}  # of "train-use" and its like
    assert {f"{part}-use" for part in ("train", "validation", "test", "fresh")} <= WORDS.keys()
    settings = {name for kind in (surefit.SGD, surefit.Adam, surefit.RMSprop) for name in kind().settings()}
    assert settings - WORDS.keys() == set()


def test_every_word_in_pictures_has_a_translation():
    from surefit.view.language import CHINESE

    of_plots = [(name, word) for name, word in said(SOURCES / "reports") if name == "plots.py"]
    words = dict.fromkeys(word for _, word in [*said(SOURCES / "view"), *of_plots] if word)
    assert len(words) > 40
    assert [w for w in words if w not in CHINESE and w not in ("mse",)] == []
    assert all(placeholders(k) == placeholders(v) for k, v in CHINESE.items())


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"tol": 10.0},
        {"time": 1e-9},
        {"callbacks": [lambda event: True]},
        {"method": surefit.Adam(epochs=40, patience=1, lr=0.5)},
    ],
)
def test_why_training_ended_is_said_in_chinese(more):
    reason = quick(**more).stop_reason
    assert Speech("en").sentence(reason) == reason
    translated = Speech("zh").sentence(reason)
    assert is_chinese(translated), reason
    assert re.findall(r"\d+", translated) == re.findall(r"\d+", re.sub(r"time=1e-09 s", "1 09", reason))


def test_a_text_that_is_no_sentence_of_ours_is_shown_as_it_is():
    assert Speech("zh").sentence("something new") == "something new"


def test_what_was_tried_is_said_in_chinese():
    told = surefit.fit("sin(5*x)", "x=-3:3", time=60, model=(12,))
    assert told.made.choice
    rows = {row[0]: row[1] for b in sections(told, "zh")["training"] if isinstance(b, Table) for row in b.rows}
    for key in ("stage", "choice"):
        assert is_chinese(rows[WORDS[key].zh])
    english = re.sub(r"Adam|Levenberg-Marquardt|lm|varpro|lbfgs|adam|float\d\d", "", rows[WORDS["choice"].zh])
    assert re.findall("[a-z]{4,}", english) == []


# --- every kind of fit ------------------------------------------------------------------------------------------------


def words_of(blocks):
    cells = [cell for b in blocks if isinstance(b, Table) for row in b.rows for cell in row]
    return " ".join([b.text for b in blocks if isinstance(b, (Text, Code))] + cells)


def sections(fit, lang="en"):
    return {s.key: s.blocks for s in document(fit, lang).sections}


def test_a_callable_is_named_and_not_invented():
    def f(x):
        return np.cos(x)

    parts = sections(quick(f, (-1, 1)))
    assert "function named f" in words_of(parts["function"])
    assert not [b for b in parts["function"] if isinstance(b, Formula) and "cos" in b.latex]
    assert "to be supplied: f" in words_of(parts["reproduce"])
    assert "    f," in words_of(parts["reproduce"])


def test_a_table_and_its_unknown_function():
    x = np.linspace(0, 1, 80)
    fit = surefit.fit({"a": x, "b": x**2, "y": x + 1}, method=QUICK, model=(4,))
    parts = sections(fit)
    assert "not known" in words_of(parts["function"])
    assert "test rows" in words_of(parts["result"])
    drawn = [b.draw() for b in parts["data"] + parts["result"] if isinstance(b, Picture)]
    assert len(drawn) == 4


def test_a_network_without_a_formula(tmp_path):
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(2, 2, generator=0)

        def forward(self, x):
            return self.inner(self.inner(x)).sum(dim=1, keepdim=True)

    fit = quick("a*b", "a=0:1, b=0:1", model=Twice())
    parts = sections(fit)
    assert words_of(parts["model"]).startswith("Twice: 6 parameters in float32.")
    assert not any(isinstance(b, Formula) for b in parts["model"])
    loaded = sections(surefit.load(fit.save(tmp_path / "m.safetensors")), "en")
    assert "recorded computation" in words_of(loaded["model"])
    assert {b.name for b in loaded["model"] if isinstance(b, Picture)} == {"graph", "structure"}
    for block in loaded["model"]:
        if isinstance(block, Picture):
            assert block.draw().svg().startswith("<svg")


@pytest.mark.slow
def test_three_inputs_two_outputs_are_drawn_in_full(tmp_path):
    fit = quick("sin(a)*b + c; a - c", "a=0:3, b=0:1, c=0:1", callbacks=[surefit.Snapshots([2])])
    page = fit.report(tmp_path / "deep" / "r.html").read_text("utf-8")
    assert "could not be drawn" not in page
    assert len(svgs(page)) == 7
    assert page.count('<div class="formula">') == 4  # two functions, the domain, the network


def test_what_is_missing_is_said(tmp_path):
    fit = quick()
    parts = sections(fit)
    assert "was not recorded" in words_of(parts["training"])
    assert not any(isinstance(b, Movie) for b in parts["training"])
    old = replace(fit, call={}, environment={}, history=[])
    parts = sections(old)
    assert "no losses" in words_of(parts["training"]) or "not known" in words_of(parts["training"])
    assert "does not record how the fit was called" in words_of(parts["reproduce"])
    assert words_of(parts["reproduce"]).count("not recorded") == 3  # python, numpy, machine
    assert "is not recorded in this file" in words_of(parts["data"])
    assert "lower bound" in words_of(parts["certificate"])


@pytest.mark.parametrize("tol, told", [(None, "none was asked for"), (1e-9, "NOT reached"), (10.0, "10, reached")])
def test_the_tolerance_is_told(tol, told):
    parts = sections(quick(tol=tol))
    assert told in words_of(parts["result"])


def test_the_doctors_findings_stand_in_the_report():
    fit = quick(method=surefit.Adam(epochs=3, scale=False), domain="x=900:1000")
    found = fit.doctor()
    assert found.shown()
    rows = next(b for b in sections(fit)["diagnosis"] if isinstance(b, Table)).rows
    assert [row[3] for row in rows] == [f.message for f in found.shown()]
    chinese = next(b for b in sections(fit, "zh")["diagnosis"] if isinstance(b, Table)).rows
    assert [row[2] for row in chinese] == [row[2] for row in rows]
    assert all(is_chinese(row[3]) for row in chinese)


def test_shapes_in_the_formula_are_those_of_the_weights(fit):
    formula = mlp_formula(fit.layers(), "tanh", True)
    shapes = [tuple(p.shape) for n, p in fit.network.named_parameters() if n.endswith("weight")]
    shown = re.findall(r"\\mathbb\{R\}\^\{(\d+) \\times (\d+)\}", formula.latex)
    assert [(int(a), int(b)) for a, b in shown] == shapes
    tree = ElementTree.fromstring(formula.mathml)
    powers = ["".join(e[1].itertext()) for e in tree.iter("msup")]
    assert powers == [f"{a}×{b}" for a, b in shapes]


# --- directories and Markdown -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_directory_gives_a_full_report(fit, tmp_path):
    fit.save_outputs(tmp_path / "run")
    config = 'target = "sin(x) - x/3"\nseed = 0\n'
    (tmp_path / "run" / "run.toml").write_text(config)
    loaded = surefit.load(tmp_path / "run")
    parts = sections(loaded)
    assert any(isinstance(b, Movie) for b in parts["training"])
    assert config.strip() in words_of(parts["reproduce"])
    assert loaded.call == fit.call
    alone = sections(surefit.load(tmp_path / "run" / "model.safetensors"))
    assert "was not recorded" in words_of(alone["training"])
    assert "run.toml" not in words_of(alone["reproduce"])


@pytest.mark.parametrize("config", ['target = "cos(x)"\nseed = 0', 'target = "sin(x) - x/3"\nseed = 7', "no toml ["])
def test_settings_of_another_run_are_not_shown(fit, tmp_path, config):
    fit.save(tmp_path / "model.safetensors")
    (tmp_path / "run.toml").write_text(config)
    assert "run.toml" not in words_of(sections(surefit.load(tmp_path))["reproduce"])


def test_frames_of_another_run_are_not_shown(fit, tmp_path):
    save_frames(fit.film, tmp_path / "frames.npz")
    quick(seed=5).save(tmp_path / "model.safetensors")
    assert surefit.load(tmp_path).film is None


@pytest.mark.slow
def test_markdown_with_its_pictures(fit, tmp_path, monkeypatch):
    monkeypatch.setattr(style, "font_chain", lambda: (style.FONT,))
    path = fit.report(tmp_path / "my report.md", "zh")
    text = path.read_text("utf-8")
    links = [link.replace("%20", " ") for link in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)]
    assert len(links) == 8
    for link in links:
        assert (tmp_path / link).read_bytes()[:4] in (b"\x89PNG", b"GIF8")
    assert WORDS["latin-labels"].zh in text
    assert f"{fit.error.max:.3g}" in text
    assert r"\frac{x}{3}" in text
    assert not list(tmp_path.rglob("*.part"))
    for line in text.splitlines():
        if line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) >= 3  # a cell with |error| does not open another


def test_wrong_endings_languages_and_places(fit, tmp_path):
    with pytest.raises(ArgumentError, match=r"\.html or \.md"):
        fit.report(tmp_path / "r.pdf")
    with pytest.raises(ArgumentError, match="'en' or 'zh'"):
        fit.report(tmp_path / "r.html", "fr")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot make the directory"):
        fit.report(tmp_path / "file" / "r.html")


# --- the recipe -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target, domain, more",
    [
        ("sin(x)", "x=-3:3", {}),
        (["a*b", "a - b"], {"a": (0, 1), "b": (-1, 1)}, {"data": surefit.Sampling("sobol", 64, noise="uniform:0:0.1")}),
        ("x**2", (0, 2), {"model": surefit.MLPSpec((3,), activation="relu"), "dtype": "float64", "seed": 4}),
        ("x**2", surefit.Domain("x=0:2"), {"method": surefit.SGD(epochs=2, momentum=0.5), "dtype": surefit.float64}),
    ],
)
def test_the_python_of_a_report_makes_the_same_fit(target, domain, more):
    fit = quick(target, domain, **more)
    code, missing = recipe.python_code(fit)
    assert missing == []
    names = {}
    exec(code, names)  # noqa: S102 (the claim is that it runs)
    again = names["fit"]
    assert again.error == fit.error
    assert again.network.num_parameters() == fit.network.num_parameters()


def test_arguments_without_a_text():
    weights = tuple(np.linspace(1, 2, 300))
    call = recipe.call_of(model=nn.MLP(1, (2,), 1, generator=0), data=surefit.Sampling(weights=weights), tol=None)
    assert call == {"model": None, "data": None}
    assert recipe.text_of(surefit.Adam(loss=lambda p, t: ((p - t) ** 2).mean())) is None
    assert recipe.text_of(np.float64(0.5)) == "0.5"
    assert recipe.text_of((1,)) == "(1,)"
    assert recipe.text_of([object()]) is None


def test_a_saved_model_keeps_its_recipe(fit, tmp_path):
    path = fit.save(tmp_path / "m.safetensors")
    loaded = surefit.load(path)
    assert loaded.environment == fit.environment
    assert json.loads(json.dumps(loaded.to_dict()["call"])) == fit.call


def test_the_structure_of_a_fit_is_drawn(fit):
    drawing = fit.graph("structure")
    assert "Linear 1 → 6, Tanh; Linear 6 → 5, Tanh; Linear 5 → 1" in drawing.description
    assert "150" in drawing.description or "152" in drawing.description
    assert "Adam, learning rate 0.005" in drawing.description
    assert isinstance(drawing, view.Drawing)


@pytest.mark.slow
def test_awkward_names_and_values_stay_text(tmp_path):
    x = np.linspace(0, 1, 60)
    table = {'a<b>&"c"': x, "温度 $1$": x**2, "y|`z`": x + 1}
    fit = surefit.fit(table, method=QUICK, model=(4,), callbacks=[surefit.Snapshots([1])])
    page = fit.report(tmp_path / "r.html").read_text("utf-8")
    assert 'a<b>&"c"' in " ".join(Strict(page).words)
    assert "<b>" not in page
    for svg in svgs(page):
        ElementTree.fromstring(svg)
    text = fit.report(tmp_path / "r.md").read_text("utf-8")
    assert r"y\|\`z\`" in text
    assert r"\mathrm{a{\lt}b{\gt}\&" in text and "a<b>" not in text


@pytest.mark.slow
def test_a_target_with_holes_and_a_long_formula():
    fit = quick(
        "sqrt(x)", "x=-1:1", data=surefit.Sampling(count=80, drop_nonfinite=True), callbacks=[surefit.Snapshots()]
    )
    parts = sections(fit)
    assert f"{fit.problem.dropped} points" in words_of(parts["data"])
    for block in parts["training"]:
        if isinstance(block, Picture):
            assert block.draw().axes
    long = " + ".join(["sin(x)*x"] * 200)
    parts = sections(quick(long, "x=0:1", model=(2,)))
    assert "too long" in words_of(parts["function"])
    assert any(isinstance(b, Code) and b.text == long for b in parts["function"])


# --- fits of the solvers ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def solved():
    return surefit.fit("abs(x)", "x=-1:1", method=surefit.VarPro(iterations=5), model=(5,))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_solve_is_told_in_iterations_and_evaluations(solved, lang):
    training = sections(solved, lang)["training"]
    words = " ".join(b.text for b in training if isinstance(b, Text))
    iterations, evaluations = len(solved.history), solved.steps
    told = {
        "en": f"{iterations} iterations, {evaluations} evaluations of all rows",
        "zh": f"共 {iterations} 次迭代、{evaluations} 次全体求值",
    }
    assert told[lang] in words
    assert {"en": "epoch", "zh": "轮"}[lang] not in words
    data = next(b for b in sections(solved, lang)["data"] if isinstance(b, Table)).rows
    assert (getattr(WORDS["validation"], lang), "200", getattr(WORDS["validation-use-solver"], lang)) in data


def test_a_fit_that_learned_nothing_is_said_in_both_languages():
    plan = surefit.Sampling(count=100, split=(1, 0, 0))
    x = np.linspace(-1, 1, 60)
    noise = np.random.default_rng(0).normal(size=60)
    for fit in (surefit.fit("1/x", "x=-1:1", method="features", model=(5,), data=plan),
                surefit.fit((x, noise), method="features", model=(5,))):  # fmt: skip
        (warning,) = fit.to_dict()["warnings"]
        told = {lang: [b.text for b in sections(fit, lang)["training"] if isinstance(b, Text)] for lang in ("en", "zh")}
        assert f"{WORDS['warning'].en}: {warning}" in told["en"]
        assert any(
            is_chinese(t.removeprefix(WORDS["warning"].zh)) for t in told["zh"] if t.startswith(WORDS["warning"].zh)
        )


def test_settings_and_reasons_of_solvers_are_said_in_chinese():
    settings = {key for kind in (surefit.Auto, surefit.Features, surefit.VarPro, surefit.LM, surefit.LBFGS)
                for key in kind().settings()}  # fmt: skip
    assert settings | {"stage", "solver", "units", "gain", "output_norm", "choice", "rounded"} <= WORDS.keys()
    for more in (
        dict(method="features", model=(5,)),
        dict(method="varpro", model=(5,)),
        dict(tol=1e-3, time=30),
        dict(method=surefit.LM(iterations=3), model=(4,)),
        dict(method=surefit.Auto(evaluations=1)),
    ):
        reason = surefit.fit("sin(x)", "x=-3:3", **more).stop_reason
        assert is_chinese(Speech("zh").sentence(reason)), reason


@pytest.mark.slow
def test_a_report_says_what_the_numbers_of_columns_are(tmp_path):
    rng = np.random.default_rng(0)
    days = np.datetime64("2024-03-01") + np.arange(60)
    rows = {"day": days, "colour": rng.choice(["blue", "red"], 60)} | {f"x{i}": rng.normal(size=60) for i in range(7)}
    rows["y"] = 3 * rows["x5"] + (rows["colour"] == "red")
    fit = surefit.fit(rows, method=surefit.Polynomial(degree=1, sparse=True))
    page = fit.report(tmp_path / "r.md").read_text(encoding="utf-8")
    assert "| columns | day: days since 2024-03-01; colour: one of blue, red |" in page
    assert re.search(r"\| Inputs \| colour=red, x5 \|", page)  # those that the method kept, by name
    chinese = fit.report(tmp_path / "z.md", "zh").read_text(encoding="utf-8")
    assert "自 2024-03-01 起的天数" in chinese


@pytest.mark.slow
def test_a_name_before_a_sentence_has_the_mark_of_its_language_and_data_that_are_not_there_are_not_named(tmp_path):
    x = np.linspace(-1, 1, 60)[:, None]
    plan = surefit.Sampling(split=(1, 0, 0))
    found = surefit.fit((x, np.where(x[:, 0] > 0, "a", "b")), task="classify", method="polynomial", data=plan)
    chinese = found.report(tmp_path / "zh.md", lang="zh").read_text(encoding="utf-8")
    english = found.report(tmp_path / "en.md").read_text(encoding="utf-8")
    assert "准确率：" in chinese and "准确率: " not in chinese and "测试数据" not in chinese
    assert "Accuracy: " in english and "test data" not in english
    with_test = surefit.fit((x, x[:, 0] ** 2), method="polynomial", data=surefit.Sampling(split=(0.8, 0.1, 0.1)))
    assert "trained on, and the test data" in with_test.report(tmp_path / "test.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("both", [False, True])
def test_the_formula_of_a_report_says_where_logarithms_are(both, tmp_path):
    """Evaluated as it is written, with the shifts and scales of the table, it gives what predict gives."""
    box = {"p": (1e-2, 1e2, "log")} | ({"q": (0.0, 1.0)} if both else {})
    fit = surefit.fit("log(p) + q" if both else "log(p)", box, method="features", model=(6,))
    page = fit.report(tmp_path / "r.md").read_text(encoding="utf-8")
    assert "natural logarithm of p" in page
    assert (r"u_{1} &= \ln x_{1}" in page and r"u_{2} &= x_{2}" in page) if both else r"\frac{\ln x - m_x}{s_x}" in page
    x = np.array([[0.5, 0.25], [20.0, 0.75]])[:, : len(fit.names)]
    u = np.column_stack([np.log(x[:, :1]), x[:, 1:]])
    m = fit.model
    h = (u - m.x_shift.numpy()) / m.x_scale.numpy()
    first, last = (layer for layer in fit.network.modules() if isinstance(layer, surefit.nn.Linear))
    h = np.tanh(h @ first.weight.detach().numpy().T + first.bias.detach().numpy())
    y = m.y_scale.numpy() * (h @ last.weight.detach().numpy().T + last.bias.detach().numpy()) + m.y_shift.numpy()
    assert np.allclose(y[:, 0], fit.predict(x), rtol=1e-9)


@pytest.mark.slow
def test_the_formula_of_a_logarithmic_target_ends_in_its_exponential(tmp_path):
    x = np.linspace(0.0, 1.0, 60)
    fit = surefit.fit({"x": x, "price": np.exp(3 * x)}, target_scale="log", method="features", model=(6,))
    page = fit.report(tmp_path / "r.md").read_text(encoding="utf-8")
    assert r"\hat{y} &= \exp(s_y" in page and "natural logarithm of price" in page


@pytest.mark.slow
@pytest.mark.parametrize(
    "lang, proved, measured, first, other",
    [
        ("en", "reached (proved)", "(measured)", "reached at every point, which is proved", "measuring can tell"),
        ("zh", "已证明", "（测量）", "在每一点上都已达到，并已证明", "就测量所及而言"),
    ],
)
def test_a_tolerance_that_is_proved_is_not_called_measured(lang, proved, measured, first, other, tmp_path):
    fit = surefit.fit("sin(x)", "x=-1:1", tol=1e-6, prove=True)
    page = fit.report(tmp_path / "r.md", lang=lang).read_text(encoding="utf-8")
    assert proved in page and measured not in page
    assert first in page and other not in page
    assert "Losses by epoch" not in page  # a solver has iterations


@pytest.mark.slow
def test_the_first_sentence_names_the_output_that_is_farthest_off(tmp_path):
    fit = surefit.fit("1e-3*sin(x); 1000*x^3", "x=0:3", method="features", model=(10,))
    page = fit.report(tmp_path / "r.md").read_text(encoding="utf-8")
    (verdict,) = [line for line in page.splitlines() if line.startswith("**The largest error")]
    assert f" at x = {fit.error.at['x']:.4g} (y2). It was measured" in verdict
    assert fit.error.max == fit.error.outputs[1].max > fit.error.outputs[0].max
