"""Write the badges of the README into docs/badges: what they say is read from the package, and no service is asked.

python scripts/badges.py
"""

from __future__ import annotations

import tomllib
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BADGES = ROOT / "docs" / "badges"
BLUE, GREEN = "#2b6cb0", "#2f855a"
WIDTH = 6.6  # of a letter of 11 px, on average
SHAPE = """<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{left}: {right}">
<title>{left}: {right}</title>
<rect width="{width}" height="20" rx="3" fill="#555"/>
<path d="M{a} 0h{inner}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-{inner}z" fill="{colour}"/>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">
<text x="{x1}" y="14" textLength="{t1}">{left}</text>
<text x="{x2}" y="14" textLength="{t2}">{right}</text>
</g>
</svg>
"""


def badge(left: str, right: str, colour: str = BLUE) -> str:
    """A badge as SVG: two words beside each other."""
    t1, t2 = round(WIDTH * len(left)), round(WIDTH * len(right))
    a, b = t1 + 12, t2 + 12
    return SHAPE.format(
        width=a + b, a=a, inner=b - 3, colour=colour, x1=a / 2, x2=a + b / 2, t1=t1, t2=t2,
        left=escape(left), right=escape(right),
    )  # fmt: skip


def badges() -> dict[str, str]:
    """Every badge by the name of its file."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    scope: dict[str, str] = {}
    for line in (ROOT / "src/surefit/_version.py").read_text(encoding="utf-8").splitlines():
        if line.startswith("__version__"):
            scope["version"] = line.partition("=")[2].strip().strip('"')
    typed = (ROOT / "src/surefit/py.typed").exists() and "Typing :: Typed" in project["classifiers"]
    types = ("inline, mypy and pyright", GREEN) if typed else ("none", "#777")
    return {
        "version.svg": badge("version", scope["version"]),
        "python.svg": badge("python", project["requires-python"].replace(">=", "≥ ")),
        "license.svg": badge("license", project["license"], GREEN),
        "typed.svg": badge("types", *types),
    }


def main() -> None:
    """Write them."""
    for name, text in badges().items():
        (BADGES / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
