"""What stands around the code says what the package says: citation, badges, workflow, hooks, contributing."""

from __future__ import annotations

import re
import runpy
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import surefit

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
READMES = ["README.md", "README.zh-CN.md"]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def field(name: str) -> str:
    """A line of the citation."""
    return re.search(rf"^{name}: (.*)$", text("CITATION.cff"), re.MULTILINE)[1]


def test_the_citation_names_this_version_and_its_licence():
    assert field("version") == surefit.__version__
    assert field("license") == PROJECT["license"]
    assert field("title") == PROJECT["name"]


def test_badges_are_what_the_package_is():
    made = runpy.run_path(str(ROOT / "scripts/badges.py"))["badges"]()
    assert {p.name: p.read_text(encoding="utf-8") for p in (ROOT / "docs/badges").iterdir()} == made
    shown = {name: "".join(ET.fromstring(svg).find("{*}title").itertext()) for name, svg in made.items()}
    assert shown["version.svg"] == f"version: {surefit.__version__}"
    assert "3.11" in shown["python.svg"] and PROJECT["requires-python"] == ">=3.11"


@pytest.mark.parametrize("name", READMES)
def test_both_readmes_show_every_badge_and_no_service(name):
    head = text(name)[:3000]
    assert set(re.findall(r"docs/badges/(\w+\.svg)", head)) == {p.name for p in (ROOT / "docs/badges").iterdir()}
    assert "shields.io" not in head


def test_the_workflow_runs_every_version_on_every_system():
    workflow = text(".github/workflows/checks.yml")
    versions = re.search(r"python: \[(.*)\]", workflow)[1].replace('"', "").split(", ")
    classified = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if re.search(r"Python :: 3\.\d+$", c)]
    assert set(classified) <= set(versions) and f">={versions[0]}" == PROJECT["requires-python"]
    assert re.search(r"os: \[(.*)\]", workflow)[1] == "ubuntu-latest, macos-latest, windows-latest"
    targets = set(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))
    assert set(re.findall(r"run: make (\w+)", workflow)) | {"types"} <= targets


def test_issue_forms_ask_for_something():
    forms = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))
    for form in forms:
        body = form.read_text(encoding="utf-8")
        if form.name != "config.yml":
            ids = re.findall(r"^    id: (\w+)$", body, re.MULTILINE)
            assert ids and len(ids) == len(set(ids)) == body.count("- type: textarea")
    assert len(forms) == 3


def test_contributing_has_one_source():
    # Options of the include are free: `:relative-docs:` turns links of the root into links between pages.
    assert re.fullmatch(r"```\{include\} \.\./CONTRIBUTING\.md\n(:[\w-]+: .+\n)*```\n", text("docs/contributing.md"))
    assert "](docs/contributing.md)" not in "".join(map(text, READMES))
