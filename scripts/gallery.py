"""Run the examples of examples/gallery and write docs/gallery.md, with what they print and draw.

    python scripts/gallery.py [NAME ...]

Of an example the title is the first line of its docstring, the text is the rest, and the picture is the PNG of its own
name that it saves. With names only those are run; the page is put together from what the others left before.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples" / "gallery"
PAGE = ROOT / "docs" / "gallery.md"
PICTURES = ROOT / "docs" / "gallery"
ORDER = (
    "sine", "product", "noisy", "wide", "piecewise", "expensive", "additive", "ensemble", "gradients", "certified",
    "export_c", "distilled",
)  # fmt: skip
HEAD = """# Gallery

Twelve short scripts, what they print, and what they draw. Each is a file of `examples/gallery` that runs on its own in
a few seconds. `python scripts/gallery.py` has made this page from them.
"""


class Example(NamedTuple):
    """The parts of a file: title and text from its docstring, and the code."""

    title: str
    text: str
    code: str


def read(name: str) -> Example:
    """An example, taken apart."""
    source = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
    docstring = ast.parse(source).body[0]
    title, _, text = ast.get_docstring(ast.parse(source)).partition("\n")
    code = "\n".join(source.splitlines()[docstring.end_lineno :]).strip("\n")
    return Example(title.rstrip("."), text.strip("\n"), code)


def run(name: str) -> str:
    """What it prints; its picture goes to docs/gallery."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, str(EXAMPLES / f"{name}.py")],
            cwd=folder, capture_output=True, text=True, env=os.environ | {"MPLBACKEND": "Agg"}, check=False,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"{name}: {done.stderr}")
        PICTURES.mkdir(exist_ok=True)
        (PICTURES / f"{name}.png").write_bytes((Path(folder) / f"{name}.png").read_bytes())
    return done.stdout


def section(name: str, output: str) -> str:
    """The part of the page about one example."""
    example = read(name)
    return (
        f"## {example.title}\n\n{example.text}\n\n![{example.title}](gallery/{name}.png)\n\n"
        f"```python\n{example.code}\n```\n\n"
        f"<!-- begin:{name} -->\n```text\n{output.rstrip()}\n```\n<!-- end:{name} -->\n\n"
        f"The file: `examples/gallery/{name}.py`\n"
    )


def outputs() -> dict[str, str]:
    """What each example printed when the page was written."""
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    found = re.findall(r"<!-- begin:(\w+) -->\n```text\n(.*?)\n```\n<!-- end:\1 -->", text, re.DOTALL)
    return dict(found)


def page(printed: dict[str, str]) -> str:
    """The page, from what was printed."""
    return HEAD + "".join("\n" + section(name, printed[name]) for name in ORDER)


def main() -> None:
    """Run and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default: {' '.join(ORDER)}")
    names = parser.parse_args().names or ORDER
    printed = outputs()
    for name in names:
        printed[name] = run(name)
        print(name)
    PAGE.write_text(page(printed), encoding="utf-8")


if __name__ == "__main__":
    main()
