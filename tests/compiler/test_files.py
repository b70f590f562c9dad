"""The files of the compiler: an order, and no circles, imports for annotations and inside functions included."""

from __future__ import annotations

import ast
import graphlib
from pathlib import Path

import pytest

import surefit.compiler

FOLDER = Path(surefit.compiler.__file__).parent
PACKAGE = "surefit.compiler"


def arrows(source: str, names: set[str]) -> set[str]:
    """Which of these files a source imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == PACKAGE:
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE + "."):
            found.add(node.module.removeprefix(PACKAGE + ".").split(".")[0])
        elif isinstance(node, ast.Import):
            found |= {a.name.removeprefix(PACKAGE + ".") for a in node.names}
    return found & names


def circle(sources: dict[str, str]) -> list[str]:
    """Files that import each other in a ring; empty where there are none."""
    try:
        graphlib.TopologicalSorter({name: arrows(text, set(sources)) for name, text in sources.items()}).prepare()
    except graphlib.CycleError as e:
        return e.args[1]
    return []


def sources() -> dict[str, str]:
    return {p.stem: p.read_text(encoding="utf-8") for p in FOLDER.glob("*.py") if p.stem != "__init__"}


def test_no_file_imports_itself_by_way_of_others():
    assert not circle(sources())


@pytest.mark.parametrize(
    "text",
    [
        "from surefit.compiler.plan import Plan",
        "from surefit.compiler import plan",
        "import surefit.compiler.plan",
        "def f():\n    from surefit.compiler.plan import Plan",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from surefit.compiler.plan import Plan",
    ],
)
def test_a_circle_is_seen(text):
    ring = circle({"plan": "from surefit.compiler.indexing import follow", "indexing": text, "other": ""})
    assert set(ring) == {"plan", "indexing"}


def test_the_page_of_the_package_names_each_file():
    page = surefit.compiler.__doc__
    at = {name: page.find(name) for name in sources()}
    assert all(place > 0 for place in at.values()), [n for n, place in at.items() if place <= 0]
