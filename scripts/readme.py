"""Runs the code in the READMEs and in the pages of docs that DOCUMENTS names, and renews what they show.

`make readme` calls it. The Python blocks of a document run in order, in one namespace and in an empty folder. What a
block prints stands behind it, between two markers:

    <!-- begin:card -->
    ```text
    target       sin(x1) - cos(x2)
    ```
    <!-- end:card -->

In a console block between markers, each command that begins with `$ surefit` is run and its output put below it;
those of an unmarked console block are run too, and their output is not shown. The picture ![...](images/fit.png) is the
file fit.png that the code has saved. `machine` is the one block without code: what all this was run on.

The two READMEs have the same code, except for comments, so it runs once.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import io
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
DOCUMENTS = ("README.md", "README.zh-CN.md", "docs/tutorial.md", "docs/solvers.md", "docs/data.md", "docs/methods.md",
             "docs/tables.md", "docs/compiler.md", "docs/standin.md", "docs/export.md", "docs/estimators.md",
             "docs/files.md", "docs/homework.md", "docs/callables.md", "docs/construct.md", "docs/reproducibility.md",
             "docs/many.md", "docs/studies.md", "docs/zh/tutorial.md")  # fmt: skip
TRANSLATIONS = {"README.zh-CN.md": "README.md"}  # a document and the one whose output it shows

FENCE = re.compile(r"^```(?P<language>[\w{}-]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
MARKED = re.compile(
    r"^<!-- begin:(?P<name>[\w-]+) -->\n(?P<body>.*?)^<!-- end:(?P=name) -->$", re.MULTILINE | re.DOTALL
)
PICTURE = re.compile(r"!\[[^\]]*\]\((?P<path>(?![^)\s]*screens/)[^)\s]+\.png)\)")  # screens: of `screenshots.py`
PROMPT = "$ "
MACHINE = "machine"  # the block that no code prints


@dataclass(frozen=True)
class Block:
    """A fenced block. shows: the name of the output between markers that belongs to it, if any."""

    language: str
    body: str
    line: int  # of its first line of code
    shows: str | None


def blocks_of(text: str) -> list[Block]:
    """The Python and console blocks of a document, each with the marked output that is its own.

    A Python block's output is the marked one that follows before the next block; a marked console block is its own.
    """
    marked = [m for m in MARKED.finditer(text) if m["name"] != MACHINE]
    found = [m for m in FENCE.finditer(text) if m["language"] in ("python", "console")]
    ends = [*(m.start() for m in found[1:]), len(text)]
    blocks = []
    for m, end in zip(found, ends, strict=True):
        if m["language"] == "python":
            own = [o["name"] for o in marked if m.end() < o.start() and o.end() < end]
        else:
            own = [o["name"] for o in marked if o.start() < m.start() < o.end()]
        line = text.count("\n", 0, m.start()) + 2
        blocks.append(Block(m["language"], m["body"], line, own[0] if own else None))
    return blocks


def commands_of(block: Block) -> list[str]:
    """The commands of a console block that are surefit's, each without its prompt."""
    lines = re.sub(r"\\\n\s*(?:> )?", "", block.body).splitlines()  # a command may go on after a backslash
    return [line.removeprefix(PROMPT) for line in lines if line.startswith(PROMPT + "surefit ")]


def pictures_of(text: str) -> list[str]:
    """Paths of the pictures that a document shows, as it writes them."""
    return [m["path"] for m in PICTURE.finditer(text)]


# --- running ----------------------------------------------------------------------------------------------


def run_document(
    path: Path, folder: Path, surefit: Callable[[list[str]], str], blocks: list[Block] | None = None
) -> Iterator[tuple[Block, str]]:
    """Run the blocks of a document in a folder; each with what it printed, console blocks with the commands between.

    surefit runs one command line, the words after `surefit`, and returns what it printed.
    """
    namespace = {"__name__": path.stem}
    with _inside(folder):
        for block in blocks_of(path.read_text(encoding="utf-8")) if blocks is None else blocks:
            if block.language == "python":
                yield block, _printed(block, path, namespace)
            else:
                yield block, _session(block, surefit)


def _printed(block: Block, path: Path, namespace: dict[str, object]) -> str:
    """What a block prints. Its lines keep the numbers that they have in the document, for tracebacks."""
    code = compile("\n" * (block.line - 1) + block.body, str(path), "exec")
    with contextlib.redirect_stdout(io.StringIO()) as output:
        exec(code, namespace)  # noqa: S102 (the project's own documents)
    return output.getvalue()


def _session(block: Block, surefit: Callable[[list[str]], str]) -> str:
    """The lines of a console block that begin with the prompt (or continue such a line), each with its new output."""
    shown: list[str] = []
    command = ""
    for line in block.body.splitlines():
        if not command and not line.startswith(PROMPT):
            continue  # old output
        shown.append(line)
        command += line.removeprefix(PROMPT) if not command else line.lstrip()
        if command.endswith("\\"):
            command = command[:-1]
            continue
        if command.startswith("surefit "):
            shown += surefit(shlex.split(command)[1:]).splitlines()
        command = ""
    return "\n".join(shown) + "\n"


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def run_surefit(words: list[str]) -> str:
    """Run one command line as a user would; what it printed on standard output. CalledProcessError when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "surefit", *words], check=True, stdout=subprocess.PIPE, encoding="utf-8"
    )
    return done.stdout


# --- writing ----------------------------------------------------------------------------------------------


def machine() -> str:
    """What the numbers were made on."""
    from importlib.metadata import version

    from surefit import __version__

    python = f"Python {platform.python_version()}, NumPy {version('numpy')}"
    cores = os.cpu_count() or 1
    return f"surefit {__version__}, {python}, {platform.system()} {platform.machine()}, {cores} CPU cores"


def with_outputs(text: str, outputs: dict[str, str]) -> str:
    """The document with the output between each pair of markers replaced. KeyError for one that no code printed."""

    def replaced(m: re.Match[str]) -> str:
        name = m["name"]
        if name == MACHINE:
            body = f"*{machine()}*\n"
        else:
            fence = FENCE.search(m["body"])
            language = "text" if fence is None else fence["language"]
            body = f"```{language}\n{outputs[name].rstrip()}\n```\n"
        return f"<!-- begin:{name} -->\n{body}<!-- end:{name} -->"

    return MARKED.sub(replaced, text)


def same_code(one: Block, other: Block) -> bool:
    """Whether two blocks do the same: Python apart from comments, and the same commands."""
    if one.language != other.language or one.shows != other.shows:
        return False
    if one.language == "python":
        return ast.dump(ast.parse(one.body)) == ast.dump(ast.parse(other.body))
    return commands_of(one) == commands_of(other)


def update(name: str) -> None:
    """Run one document and write its outputs and pictures into it and its translations."""
    path = ROOT / name
    text = path.read_text(encoding="utf-8")
    outputs: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for block, output in run_document(path, Path(folder), run_surefit):
            print(f"{name}:{block.line} ran {block.language} {block.shows or ''}", flush=True)
            if block.shows is not None:
                outputs[block.shows] = output
        for picture in pictures_of(text):
            made = Path(folder) / Path(picture).name
            IMAGES.mkdir(exist_ok=True)
            shutil.copyfile(made, IMAGES / made.name)
    for target in (name, *(t for t, source in TRANSLATIONS.items() if source == name)):
        written = (ROOT / target).read_text(encoding="utf-8")
        (ROOT / target).write_text(with_outputs(written, outputs), encoding="utf-8", newline="\n")


def main() -> None:
    """Update the documents named on the command line, or all."""
    names = [name for name in DOCUMENTS if name not in TRANSLATIONS]
    parser = argparse.ArgumentParser(description="Run the code in the documents and renew what they show.")
    parser.add_argument("documents", nargs="*", metavar="DOCUMENT", help=f"default: {' '.join(names)}")
    os.environ["MPLBACKEND"] = "Agg"
    for name in parser.parse_args().documents or names:
        update(name)


if __name__ == "__main__":
    main()
