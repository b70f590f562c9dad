"""Writes docs/experiments.md from what `surefit reproduce --all --out DIR` has left in DIR.

    python scripts/experiments.py DIR

The tables, sentences and pictures are those of the runs; nothing is computed here. An experiment that is not in DIR
keeps its part of the page.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from surefit.experiments import NAMES
from surefit.experiments.result import (
    CLAIM_HEADER,
    ROW_HEADER,
    Claim,
    Row,
    Verdict,
    claim_cells,
    markdown_table,
    row_cells,
    shown,
)

SHOWN = {  # the pictures on the page: the others are in DIR
    "sine-reciprocal": ("sine-reciprocal-snapshots", "sine-reciprocal-loss"),
    "two-ways": ("two-ways", "two-ways-proof"),
    "digits": ("digits-readings", "digits-fixes"),
    "three-functions": ("three-functions",),
    "sine-by-sample": ("sine-by-sample", "sine-by-sample-batches"),
    "two-inputs": ("two-inputs-extra", "two-inputs", "two-inputs-cures"),
}
PAGE = Path(__file__).resolve().parents[1] / "docs" / "experiments.md"
HEAD = """# The source experiments

Five documents, each with a small neural network written by hand, are what surefit was started from. Each of the six
experiments in them is one file under `src/surefit/experiments`, to be read from top to bottom: settings with a reason
beside each, the
loop, the claims. One command runs it, prints the published numbers beside ours, and judges every claim of the source,
and what we say about it, by the numbers of that run:

```console
$ surefit reproduce sine-by-sample
$ surefit reproduce --all --quick                      # all in a minute; what that cannot test says so
$ surefit reproduce --all --mnist DIR --out reproduced # tables, data and pictures
$ surefit reproduce three-functions --lang zh          # in Chinese, pictures and pages with --out, too
```

*Source* is the published number, *faithful* the document's recipe run here, *better* what `surefit.fit` (or, for
images, its layers and optimisers) reaches on the same problem. Seconds are of both.
"""


def old_sections() -> dict[str, str]:
    """The parts of the page as it is, by experiment."""
    sections = PAGE.read_text(encoding="utf-8").split("\n## ")[1:]
    return {text.split("`surefit reproduce ")[1].split("`")[0]: "## " + text.strip() for text in sections}


def page(results: dict[str, dict[str, Any]]) -> str:
    """The document of these results, as the JSON files hold them, by experiment."""
    parts, old = [HEAD], old_sections()
    for name in NAMES:
        if name not in results:
            parts.append(old[name])
            continue
        result = results[name]
        rows = [Row(**{k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}) for row in result["rows"]]
        parts += [
            f"## {result['title']}",
            f"`surefit reproduce {result['name']}`, {result['source']}. {result['about']}",
        ]
        parts.append(markdown_table(ROW_HEADER, map(row_cells, rows)))
        notes = [f"- {row.quantity}: {row.note}." for row in rows if row.note]
        parts += ["\n".join(notes)] if notes else []
        for table in result["tables"]:
            cells = [[shown(cell) for cell in row] for row in table["rows"]]
            parts += [f"### {table['title']}", markdown_table(table["header"], cells), table["note"]]
        for picture in result["pictures"]:
            if picture["name"] in SHOWN[name]:
                parts.append(f"![{picture['caption']}](figures/{picture['name']}.png)\n\n*{picture['caption']}*")
        parts += ["### Claims", markdown_table(CLAIM_HEADER, [claim_cells(claim_of(c)) for c in result["claims"]])]
    return "\n\n".join(part for part in parts if part) + "\n"


def claim_of(data: dict[str, Any]) -> Claim:
    """A claim from its plain data."""
    verdicts = {key: data[key] and Verdict(data[key]) for key in ("verdict", "our_verdict")}
    return Claim(**{**data, **verdicts})


def main() -> None:
    """Read the results of all experiments and write the page."""
    folder = Path(sys.argv[1])
    files = {name: folder / f"{name}.json" for name in NAMES}
    results = {name: json.loads(file.read_text(encoding="utf-8")) for name, file in files.items() if file.exists()}
    if any(result["quick"] for result in results.values()):
        raise SystemExit("these are quick runs; the page shows full ones")
    for name in results:
        for picture in SHOWN[name]:
            shutil.copy(folder / f"{picture}.png", PAGE.parent / "figures")
    PAGE.write_text(page(results), encoding="utf-8")


if __name__ == "__main__":
    main()
