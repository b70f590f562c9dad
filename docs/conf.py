"""Sphinx configuration. The reference is generated from the installed package; nothing is listed by hand."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from types import ModuleType
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

import surefit
from surefit._version import __version__
from surefit.core import ops

project = "surefit"
author = "the surefit authors"
copyright = "the surefit authors; Apache-2.0"
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
smartquotes = False  # quotes in the text are mostly those of code
default_role = "code"  # in docstrings, single backticks are code, as they are in Markdown
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

html_theme = "pydata_sphinx_theme"
html_title = "surefit"
html_static_path = ["_static"]
html_css_files = ["surefit.css"]
html_show_sourcelink = False
# no section navigation where there is nothing to navigate
html_sidebars = {
    page: []
    for page in (
        "install",
        "tutorial",
        "homework",
        "methods",
        "solvers",
        "experiments",
        "design",
        "contributing",
        "changelog",
        "zh/tutorial",
        "zh/experiments",
    )
}
html_theme_options = {
    "navbar_align": "left",
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
}

autosummary_generate = True
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_use_rtype = False

# --- docstrings -----------------------------------------------------------------------------------------
# Backticks, emphasis and lists are markup; any other *, | or final _ is arithmetic or part of a name.

_MARKUP_OR_SIGN = re.compile(
    r"``.+?``|`[^`]*`|(?<![\w*])(?P<stars>\*{1,2})(?=[^\s*])[^*]*[^\s*](?P=stars)(?![\w*])"
    r"|(?P<sign>\*|\||(?<=\w)_(?!\w))"
)


def escape_signs(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Escape the signs of ordinary text; leave examples and literal blocks alone."""
    in_example, literal_from = (
        False,
        None,
    )  # literal_from: the indentation of the line that opened a literal block
    for i, line in enumerate(lines):
        text = line.lstrip()
        indent = len(line) - len(text)
        in_example = text.startswith(">>>") or (in_example and bool(text))
        if literal_from is not None and text and indent <= literal_from:
            literal_from = None
        if in_example or literal_from is not None:
            continue
        if text.endswith("::"):
            literal_from = indent
        start = indent + 2 if text.startswith("* ") else indent
        escaped = _MARKUP_OR_SIGN.sub(lambda m: "\\" * bool(m["sign"]) + m[0], line[start:])
        lines[i] = line[:start] + escaped


def mark_code(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """In the docstring of a module, an indented paragraph is code, as in Markdown."""
    for i in range(len(lines) - 1, 1, -1):
        opens = lines[i].startswith("    ") and not lines[i - 1].strip() and not lines[i - 2].startswith("  ")
        if what == "module" and opens and not lines[i - 2].endswith("::"):
            lines[i:i] = ["::", ""]


# --- mathematics ----------------------------------------------------------------------------------------
# As MathML, which browsers typeset by themselves: a page can be read without a network.

html_math_renderer = "mathml"


def inline_math(translator: Any, node: Any) -> None:
    translator.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def display_math(translator: Any, node: Any) -> None:
    translator.body.append(f'<div class="math">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode


def foreign(app: Any, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Leave out what a class has from another package, such as scikit-learn's setters of metadata."""
    return True if str(getattr(obj, "__module__", "")).startswith("sklearn") else None


def setup(app: Any) -> None:
    app.connect("autodoc-skip-member", foreign)
    app.add_html_math_renderer("mathml", (inline_math, None), (display_math, None))
    app.connect("autodoc-process-docstring", mark_code, priority=300)
    app.connect("autodoc-process-docstring", escape_signs, priority=400)  # before napoleon


# --- the reference --------------------------------------------------------------------------------------
# Every public name stands once, under the shortest path that reaches it.

ENTRY_POINTS = {"surefit.cli", "surefit.torch"}  # used from the command line; names of PyTorch, on a page of their own


def modules_below(module: ModuleType) -> list[str]:
    """The public modules of a package: those in its __all__; all where it has none, and in surefit."""
    found = [f"{module.__name__}.{info.name}" for info in pkgutil.iter_modules(getattr(module, "__path__", []))]
    public = [name for name in found if not name.rpartition(".")[2].startswith("_") and name not in ENTRY_POINTS]
    chosen = getattr(module, "__all__", [])
    if module is surefit or not chosen:
        return public
    return [name for name in public if name.rpartition(".")[2] in chosen]


def names_of(module: ModuleType) -> list[str]:
    """What a module offers: its __all__, otherwise the public classes and functions that it defines."""
    if module is surefit:  # its __dir__ adds the functions of tensors
        return [name for name in dir(surefit) if not name.startswith("_")]
    if hasattr(module, "__all__"):
        return list(module.__all__)
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__ and callable(value)
    ]


def kind_of(value: Any) -> str:
    if isinstance(value, ops.Op):
        return "primitives"
    if inspect.isclass(value):
        return "errors" if issubclass(value, BaseException) else "classes"
    return "functions" if inspect.isroutine(value) else "data"


def own_name(value: Any) -> str | None:
    return value.name if isinstance(value, ops.Op) else getattr(value, "__name__", None)


def pages() -> dict[str, dict[str, Any]]:
    """Module -> what its page shows. Breadth first, so that an object is met on its shortest path first."""
    found: dict[str, dict[str, Any]] = {}
    shown: dict[int, str] = {}  # id of an object -> the name it is documented under
    queue = ["surefit"]
    for path in queue:
        module = importlib.import_module(path)
        page: dict[str, Any] = {
            kind: [] for kind in ("classes", "functions", "errors", "data", "primitives", "aliases")
        }
        # sorted is stable: of several names of one object its own comes first
        for name in sorted(names_of(module), key=lambda name: name != own_name(getattr(module, name))):
            value = getattr(module, name)
            kind = kind_of(value)
            if inspect.ismodule(value):
                continue
            if kind == "data":  # small constants may be one object under many names
                text = repr(value)
                page[kind].append((name, text if len(text) <= 60 else type(value).__name__))
            elif id(value) not in shown:
                shown[id(value)] = f"{path}.{name}"
                page[kind].append(name)
            elif shown[id(value)].rpartition(".")[0] == path:
                page["aliases"].append((name, shown[id(value)].rpartition(".")[2]))
        page["below"] = modules_below(module)
        queue.extend(page["below"])
        found[path] = page
    return found


autosummary_context = {
    "pages": pages(),
    "table": [(op.name, op.tier, op.category) for op in ops.TABLE.values()],
}
