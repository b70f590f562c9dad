"""What a newcomer reads is true: code in READMEs, tutorial and examples runs, and what they show is current.

Training is cut short here; `make readme` runs everything in full and renews what the documents show.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
import runpy
import sys
from functools import wraps
from pathlib import Path

import pytest

import surefit
from surefit import cli

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
SECONDS = 0.2  # of training, in each fit

# marked outputs that depend on how long and on which machine something was trained
TRAINED = {"attempts", "card", "cured", "derivative", "doctor", "exact", "loop", "noise", "session", "weights"}
TRAINED |= {"proof", "standin"}
TRAINED |= {"budget", "classes", "distil", "estimators", "few", "hand", "readings", "scipy", "update"}
TRAINED |= {"many", "curves", "parts", "windows", "compared", "tuned"}
TRAINED |= {"costly", "noisy", "undefined", "ways"}
TRAINED |= {"adaptive", "choice", "gradients", "interval", "rate", "ridge", "single", "smallest", "coded", "log"}


def load_script():
    spec = importlib.util.spec_from_file_location("surefit_readme_script", ROOT / "scripts" / "readme.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


readme = load_script()
ORIGINALS = [name for name in readme.DOCUMENTS if name not in readme.TRANSLATIONS]


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture
def short_training(monkeypatch):
    original = surefit.fit

    @wraps(original)
    def fit(*args, **options):
        if "seed" in options:  # what one seed promises holds where no time is given
            return original(*args, **options)
        return original(*args, **{**options, "time": SECONDS})

    monkeypatch.setattr(surefit, "fit", fit)


def run_surefit(words):
    with contextlib.redirect_stdout(io.StringIO()) as output, contextlib.redirect_stderr(io.StringIO()) as errors:
        code = cli.main(words)
    assert code == 0, f"surefit {' '.join(words)}: exit code {code}\n{errors.getvalue()}"
    return output.getvalue()


def first_words(output):
    """The first word of each line; what training prints is the same on every machine only in its first digits.

    What a training warns of that ran out of its short time is not looked at: on a slow machine it has learned little.
    """
    short = f"time={SECONDS:g} s used up" in output
    words = [line.split()[0] for line in output.splitlines() if line.strip()]
    words = [word for word in words if not (short and word == "warning")]
    return [re.sub(r"^-?\d+\.\d+(e[-+]\d+)?$", "<number>", word) for word in words]


def shown(name):
    """Marked name -> what stands between the markers, without the fence."""
    found = {}
    for m in readme.MARKED.finditer(text_of(name)):
        fence = readme.FENCE.search(m["body"])
        found[m["name"]] = m["body"] if fence is None else fence["body"]
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("short_training")
@pytest.mark.parametrize("name", ORIGINALS)
def test_the_code_runs_and_prints_what_is_shown(name, tmp_path):
    current = shown(name)
    for block, output in readme.run_document(ROOT / name, tmp_path, run_surefit):
        if block.shows is None:
            assert not output or block.language == "console", f"{name}:{block.line} prints what nobody sees"
        elif block.shows not in TRAINED:
            assert output.rstrip() == current[block.shows].rstrip(), f"{name}: {block.shows} is old; make readme"
        elif block.shows in ("card", "exact", "session"):
            assert first_words(output) == first_words(current[block.shows]), f"{block.shows} is old; make readme"
        else:
            assert output.strip()
    missing = [p for p in readme.pictures_of(text_of(name)) if not (tmp_path / Path(p).name).exists()]
    assert not missing, "pictures that no code draws"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["docs/certify.md", "docs/porting.md", "docs/report.md"])
def test_the_code_of_a_page_that_shows_no_output_runs(name, tmp_path, monkeypatch):
    """From top to bottom, as somebody pastes it: each name is made before it is used."""
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", text_of(name), re.MULTILINE | re.DOTALL)
    (tmp_path / "page.py").write_text("\n".join(blocks), encoding="utf-8")
    with contextlib.redirect_stdout(io.StringIO()):
        runpy.run_path("page.py")


@pytest.mark.parametrize("name", readme.DOCUMENTS)
def test_what_is_shown_comes_from_code(name):
    told = {block.shows for block in readme.blocks_of(text_of(name))} - {None}
    assert set(shown(name)) == told | {readme.MACHINE}
    assert all(output.strip() for output in shown(name).values()), "nothing between two markers; make readme"


@pytest.mark.parametrize("name", readme.TRANSLATIONS)
def test_a_translation_has_the_same_code_and_outputs(name):
    original = readme.TRANSLATIONS[name]
    ours, theirs = readme.blocks_of(text_of(name)), readme.blocks_of(text_of(original))
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert readme.same_code(one, other), f"{name}:{one.line} differs from {original}:{other.line}"
    assert shown(name) == shown(original)
    headings = [len(re.findall(r"^## ", text_of(document), re.MULTILINE)) for document in (name, original)]
    assert headings[0] == headings[1]


@pytest.mark.parametrize("name", readme.DOCUMENTS)
def test_links_and_pictures_are_there(name):
    folder = (ROOT / name).parent
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text_of(name))
    assert not [link for link in links if not (folder / link).exists()]
    used = {Path(p).name for document in readme.DOCUMENTS for p in readme.pictures_of(text_of(document))}
    assert used == {p.name for p in readme.IMAGES.iterdir()}, "pictures that no document shows, or the other way round"


def test_make_has_the_targets_that_are_named():
    words = [re.findall(r"(?:^\$ |`)make (\w+)", text_of(name), re.MULTILINE) for name in readme.DOCUMENTS]
    named = {target for found in words for target in found}
    assert {"demo", "test", "readme"} <= named
    assert named <= set(re.findall(r"^(\w+):", text_of("Makefile"), re.MULTILINE))


@pytest.mark.slow
@pytest.mark.usefixtures("short_training")
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(path), run_name="__main__")
    assert capsys.readouterr().out.strip()


def test_there_are_examples():
    assert len(EXAMPLES) >= 4


# --- the script itself ------------------------------------------------------------------------------------

DOCUMENT = """\
```python
x = 2
```

<!-- begin:machine -->
<!-- end:machine -->

```python
print(x + 1)
```

<!-- begin:sum -->
```text
old
```
<!-- end:sum -->

```console
$ make demo
```

<!-- begin:session -->
```console
$ surefit one "two three" \\
      four
old output
$ ls
```
<!-- end:session -->
"""


def test_blocks_know_the_output_that_is_theirs():
    blocks = readme.blocks_of(DOCUMENT)
    assert [(b.language, b.shows) for b in blocks] == [
        ("python", None), ("python", "sum"), ("console", None), ("console", "session"),
    ]  # fmt: skip
    assert DOCUMENT.splitlines()[blocks[1].line - 1] == "print(x + 1)"


def test_outputs_are_put_between_the_markers(tmp_path):
    path = tmp_path / "document.md"
    path.write_text(DOCUMENT, encoding="utf-8")
    seen = []
    runs = readme.run_document(path, tmp_path, lambda words: seen.append(words) or "new output\n")
    outputs = {block.shows: output for block, output in runs if block.shows}
    assert seen == [["one", "two three", "four"]]
    text = readme.with_outputs(DOCUMENT, outputs)
    assert "```text\n3\n```" in text
    assert '$ surefit one "two three" \\\n      four\nnew output\n$ ls\n```' in text
    assert surefit.__version__ in text
    assert "old" not in text


def test_code_that_fails_says_where(tmp_path):
    path = tmp_path / "document.md"
    path.write_text("text\n\n```python\n\nraise KeyError('here')\n```\n", encoding="utf-8")
    with pytest.raises(KeyError) as failure:
        list(readme.run_document(path, tmp_path, run_surefit))
    assert failure.traceback[-1].lineno + 1 == 5
    assert str(failure.traceback[-1].path) == str(path)
