"""The shape of the package: which room may import which, what is loaded when, and which errors are raised.

Sources are parsed, not imported, so that an import inside a function counts like one at the top.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import surefit
from surefit import errors

PACKAGE = Path(surefit.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))

# room -> the rooms that it may import, beside itself and the base. What is not listed here may not exist.
BASE = {
    "errors",
    "_version",
    "cachedir",
    "files",
    "sentences",
    "spelling",
    "blas",
    "checking",
    "keywords",
    "cores",
    "worker",
}
ROOMS: dict[str, set[str]] = {}
ROOMS["core"] = set()
ROOMS["solvers"] = set()
ROOMS["formulas"] = ROOMS["nn"] = ROOMS["optim"] = ROOMS["view"] = {"core"}
ROOMS["ir"] = {"core"}
ROOMS["compiler"] = {"core", "ir"}
ROOMS["exporters"] = {"core", "ir"}
ROOMS["data"] = {"core", "formulas"}
ROOMS["bounds"] = {"core", "formulas", "data", "ir", "compiler"}
ROOMS["problems"] = {"core", "formulas", "data"}
ROOMS["models"] = {"core", "nn", "compiler", "problems"}
ROOMS["attempts"] = {"core", "nn", "optim", "view", "compiler", "solvers", "data", "problems", "models"}
ROOMS["search"] = {*ROOMS["attempts"], "formulas", "attempts", "bounds", "ir"}
ROOMS["doctor"] = {*ROOMS["search"], "formulas", "search"}
ROOMS["readings"] = {*ROOMS["search"], "search"}
ROOMS["reports"] = {*ROOMS["doctor"], "doctor", "exporters"}
ROOMS["storage"] = {*ROOMS["reports"], "reports"}
ROOMS["fitting"] = set(ROOMS)
ROOMS["experiments"] = ROOMS["many"] = ROOMS["studies"] = set(ROOMS)
ROOMS["interop"] = {"core", "nn"}
ROOMS["torch"] = {"core", "nn", "optim", "data", "storage"}
ROOMS["play"] = ROOMS["sklearn"] = ROOMS["integrations"] = set(ROOMS)
ROOMS["cli"] = set(ROOMS)
ROOMS["surefit"] = set(ROOMS) - {"cli"}  # the package's own __init__

HEAVY = {"scipy", "matplotlib", "PIL", "llvmlite", "typer", "rich", "pandas", "pyarrow", "safetensors", "threadpoolctl"}
ENTRY_POINTS = {
    "cli",
    "play",
    "sklearn",
    "integrations",
    "__main__",
}  # may import at the top what they are made of


def module_name(path: Path) -> str:
    parts = ("surefit", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    """surefit.nn.linear -> nn; the package itself -> surefit; python -m surefit is the command line."""
    parts = module.split(".")
    if len(parts) == 1:
        return "surefit"
    return "cli" if parts[1] == "__main__" else parts[1]


def is_module(name: str) -> bool:
    path = PACKAGE.joinpath(*name.split(".")[1:])
    return path.with_suffix(".py").exists() or path.is_dir()


class WithoutTypeChecking(ast.NodeTransformer):
    """Drops `if TYPE_CHECKING:` blocks: an annotation loads nothing."""

    def visit_If(self, node: ast.If) -> ast.AST | None:
        return None if ast.unparse(node.test).endswith("TYPE_CHECKING") else self.generic_visit(node)


def imports_of(source: str | ast.AST, module: str, is_package: bool = False) -> Iterator[tuple[int, str]]:
    """(line, full name) of all that a source imports: at the top, in functions, by statement, by call."""
    for node in ast.walk(ast.parse(source) if isinstance(source, str) else source):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                up = module.split(".")[: len(module.split(".")) - node.level + is_package]
                base = ".".join([*up, base] if base else up)
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield node.lineno, full if base.startswith("surefit") and is_module(full) else base
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield node.lineno, first.value


def all_imports(annotations: bool = True) -> Iterator[tuple[Path, int, str]]:
    for path in SOURCES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if not annotations:
            tree = WithoutTypeChecking().visit(tree)
        for line, name in imports_of(tree, module_name(path), path.name == "__init__.py"):
            yield path.relative_to(PACKAGE), line, name


def wrong_way(module: str, imported: str) -> bool:
    if imported.split(".")[0] != "surefit":
        return False
    here, there = room_of(module), room_of(imported)
    if here in BASE:
        return there not in BASE
    return there != here and there not in BASE and there not in ROOMS[here]


PACKAGES = [module_name(path) for path in SOURCES if path.name == "__init__.py"]


# --- directions -----------------------------------------------------------------------------------------


def test_every_room_is_in_the_plan():
    rooms = {room_of(module_name(path)) for path in SOURCES}
    assert rooms <= ROOMS.keys() | BASE


@pytest.mark.slow
def test_imports_point_one_way():
    wrong = [
        f"{path}:{line} imports {name}"
        for path, line, name in all_imports()
        if wrong_way(module_name(PACKAGE / path), name)
    ]
    assert not wrong, "\n".join(["imports that point the wrong way:", *wrong])


@pytest.mark.slow
def test_the_table_of_the_design_has_each_room_below_those_that_it_imports():
    page = (PACKAGE.parents[1] / "docs" / "design.md").read_text(encoding="utf-8")
    table = [room for row in re.findall(r"^\| (`.*?`) \|", page, re.MULTILINE) for room in re.findall(r"`(\w+)`", row)]
    assert sorted(table) == sorted(ROOMS.keys() - {"surefit"})
    upward = [
        f"{here} imports {there}"
        for path, _, name in all_imports()
        if (here := room_of(module_name(PACKAGE / path))) in table
        and name.startswith("surefit.")
        and (there := room_of(name)) in table
        and table.index(there) > table.index(here)
    ]
    assert not upward


@pytest.mark.parametrize(
    "module, source",
    [
        ("surefit.core.ops", "import surefit.nn"),
        ("surefit.core.ops", "from surefit import nn"),
        ("surefit.core.ops", "from .. import nn"),
        ("surefit.core.ops", "def f():\n    from ..nn import Linear"),
        ("surefit.core.ops", "def f():\n    import importlib\n    importlib.import_module('surefit.nn')"),
        ("surefit.core.ops", "import surefit"),
        ("surefit.view.plots", "from surefit.fitting import Fit"),
        ("surefit.optim.adam", "from surefit.nn import Module"),
        ("surefit.attempts.descent", "from surefit.cli import main"),
        ("surefit.errors", "from surefit.core import ops"),
    ],
)
def test_a_wrong_import_is_seen(module, source):
    assert any(wrong_way(module, name) for _, name in imports_of(source, module))


@pytest.mark.parametrize(
    "module, source",
    [
        ("surefit.core.ops", "from surefit.errors import ShapeError"),
        ("surefit.core.ops", "from .tensor import Tensor"),
        ("surefit.data.domain", "from surefit.formulas import parse"),
        ("surefit.attempts.descent", "from surefit import nn, optim"),
    ],
)
def test_a_right_import_is_not(module, source):
    assert not any(wrong_way(module, name) for _, name in imports_of(source, module))


def circle(arrows: dict[str, set[str]]) -> list[str]:
    """Names that import each other in a ring, or nothing; iterative, depth first."""
    done: set[str] = set()
    for start in sorted(arrows):
        path: list[str] = [start]
        rest = [iter(sorted(arrows[start]))] if start not in done else []
        while rest:
            name = next(rest[-1], None)
            if name is None:
                done.add(path.pop())
                rest.pop()
            elif name in path:
                return [*path[path.index(name) :], name]
            elif name in arrows and name not in done:
                path.append(name)
                rest.append(iter(sorted(arrows[name])))
    return []


@pytest.mark.slow
def test_no_file_imports_itself_by_way_of_others():
    arrows: dict[str, set[str]] = defaultdict(set)
    for path, _, name in all_imports(annotations=False):
        arrows[module_name(PACKAGE / path)].add(name)
    assert not circle(arrows), " -> ".join(circle(arrows))


def test_a_circle_is_seen():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_no_room_is_larger_than_its_share():
    lines: dict[str, int] = defaultdict(int)
    for path in SOURCES:
        lines[room_of(module_name(path))] += len(path.read_text(encoding="utf-8").splitlines())
    share = {room: n / sum(lines.values()) for room, n in lines.items()}
    assert max(share.values()) <= 0.13, share
    assert lines["fitting"] < 1000


def test_the_one_idea_can_be_read_in_an_hour():
    """A target becomes a Problem, a strategy proposes attempts, the runner keeps the best, which is the record."""
    files = ("problems/problem.py", "search/runner.py", "search/strategies/named.py", "search/record.py")
    lines = {file: len((PACKAGE / file).read_text(encoding="utf-8").splitlines()) for file in files}
    assert sum(lines.values()) <= 600, lines


def constants_set_twice(text: str) -> list[str]:
    """Names in capitals that a file gives a value twice at its top level: whoever reads the first gets the second."""
    names = [
        name.id
        for node in ast.parse(text).body
        if isinstance(node, (ast.Assign, ast.AnnAssign))
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        for name in ast.walk(target)
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store) and name.id.isupper()
    ]
    return sorted({name for name in names if names.count(name) > 1})


@pytest.mark.slow
def test_no_constant_has_two_values():
    assert constants_set_twice("A, B = 1, 2\nB: int = 3\nc = c = 1\nif c:\n    A = 2\n") == ["B"]
    assert not {p.name: twice for p in SOURCES if (twice := constants_set_twice(p.read_text(encoding="utf-8")))}


@pytest.mark.slow
def test_a_package_of_an_extra_is_imported_in_one_file():
    files = defaultdict(set)
    for path, _, name in all_imports(annotations=False):
        if (top := name.split(".")[0]) in {"pandas", "pyarrow"}:
            files[top].add(path.as_posix())
    assert all(len(where) == 1 for where in files.values()), dict(files)


@pytest.mark.slow
def test_a_large_dependency_belongs_to_one_room():
    rooms = defaultdict(set)
    for path, _, name in all_imports(annotations=False):
        if (top := name.split(".")[0]) in {"matplotlib", "PIL", "llvmlite", "typer", "safetensors"}:
            rooms[top].add(room_of(module_name(PACKAGE / path)))
    assert all(len(where) == 1 for where in rooms.values()), dict(rooms)
    assert rooms["llvmlite"] <= {"compiler"}
    assert rooms["matplotlib"] | rooms["PIL"] <= {"view"}
    assert rooms["typer"] <= {"cli"}


# --- names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PACKAGES)
def test_no_module_carries_the_name_of_a_public_function(name):
    package = importlib.import_module(name)
    clashes = [
        public
        for public in {*dir(package), *getattr(package, "__all__", ())}
        if is_module(f"{name}.{public}") and not inspect.ismodule(getattr(package, public))
    ]
    assert not clashes, f"{name}: each of these is a module and something else under one name: {clashes}"


@pytest.mark.parametrize("name", PACKAGES)
def test_what_a_package_announces_is_there(name):
    package = importlib.import_module(name)
    missing = [public for public in getattr(package, "__all__", ()) if not hasattr(package, public)]
    assert not missing


# words of earlier versions, and English of earlier centuries; what stands in the place of each
OLD_WORDS = {
    r"steepness(es)?": "gain",
    r"\brestate[ds]?\b": "rescale",
    r"\b(is|are|that is|that are) no numbers?\b": "is not a number",
    r"\bat home in\b": "owned by",
    r"\b(anew|likewise|foretold|foretells?|for ever|dear)\b": "again, also, predicted, always, costly",
    r"\bmended\b": "corrected",
}


@pytest.mark.parametrize("word", OLD_WORDS)
def test_words_are_those_of_the_field_and_of_today(word):
    root = PACKAGE.parent.parent
    texts = [*SOURCES, *root.glob("docs/*.md"), *root.glob("*.md")]
    found = [
        f"{path.relative_to(root)}:{number}: {line.strip()[:90]} (say: {OLD_WORDS[word]})"
        for path in texts
        if "zh-CN" not in path.name
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(word, line, re.IGNORECASE) and path.name not in ("schema.py", "model_file.py")  # of old files
    ]
    assert not found, "\n".join(found)


# --- what is loaded when --------------------------------------------------------------------------------


def loaded_by(statements: str) -> set[str]:
    """The top-level packages in memory after running the statements in a fresh interpreter."""
    code = f"{statements}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_import_surefit_is_light():
    assert not loaded_by("import surefit") & HEAVY


def test_importing_every_room_is_light():
    names = [module_name(path) for path in SOURCES]
    names = [name for name in names if not ENTRY_POINTS & set(name.split("."))]
    assert not loaded_by("\n".join(f"import {name}" for name in names)) & HEAVY


# --- errors ---------------------------------------------------------------------------------------------

OWN = [value for value in vars(errors).values() if inspect.isclass(value)]

BUILTIN = {
    name for name, value in vars(builtins).items() if inspect.isclass(value) and issubclass(value, BaseException)
}
PROTOCOL = {"AttributeError", "StopIteration", "NotImplementedError", "SystemExit", "KeyboardInterrupt"}
UNREACHABLE = {"AssertionError"}
CONSTRUCTORS = {"__init__", "__new__", "__post_init__", "__call__"}


@pytest.mark.parametrize("error", OWN, ids=lambda error: error.__name__)
def test_every_error_is_a_surefit_error_and_a_builtin_one(error):
    assert issubclass(error, errors.SurefitError)
    if error is not errors.SurefitError:
        assert any(issubclass(error, getattr(builtins, name)) for name in BUILTIN - {"BaseException", "Exception"})


def raised_builtins(node: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, name) of every built-in error that is raised with a message, so meant for the user.

    Without a message it is a signal to a caller nearby; in __len__, __getitem__ and their like it is what
    Python's protocols ask for.
    """
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef) and child.name.startswith("__") and child.name not in CONSTRUCTORS:
            continue
        if isinstance(child, ast.Raise) and isinstance(child.exc, ast.Call):
            name = ast.unparse(child.exc.func)
            if name in BUILTIN - PROTOCOL - UNREACHABLE:
                yield child.lineno, name
        yield from raised_builtins(child)


@pytest.mark.slow
def test_only_surefit_errors_are_raised():
    found = [
        f"{path.relative_to(PACKAGE)}:{line} raises {name}"
        for path in SOURCES
        for line, name in raised_builtins(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not found, "\n".join(["use a class of surefit.errors instead:", *found])


@pytest.mark.parametrize(
    "source, found",
    [
        ("def f():\n    raise ValueError('no')", [(2, "ValueError")]),
        ("def f():\n    raise ShapeError('no')", []),
        ("def f():\n    raise ValueError", []),
        ("def __len__(self):\n    raise TypeError('no')", []),
        ("def __init__(self):\n    raise TypeError('no')", [(2, "TypeError")]),
    ],
)
def test_a_raised_builtin_is_seen(source, found):
    assert list(raised_builtins(ast.parse(source))) == found


# --- tests ----------------------------------------------------------------------------------------------


def test_the_tests_that_their_page_names_are_there():
    """tests/README.md lists kinds of faults and the tests that hold them."""
    folder = Path(__file__).parent
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", (folder / "README.md").read_text(encoding="utf-8"))
    assert len(named) > 60
    lost = [f"{file}::{name}" for file, name in named if f"\ndef {name}(" not in (folder / file).read_text("utf-8")]
    assert not lost, lost
