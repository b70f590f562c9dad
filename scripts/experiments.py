"""Writes docs/experiments.md from what `surefit reproduce --all --out DIR` has left in DIR.

    python scripts/experiments.py DIR

The tables and sentences are those of the runs; nothing is computed here.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from surefit.experiments import NAMES
from surefit.experiments.result import (
    CLAIM_HEADER,
    ROW_HEADER,
    Claim,
    Row,
    claim_cells,
    markdown_table,
    row_cells,
    shown,
)

PAGE = Path(__file__).resolve().parents[1] / "docs" / "experiments.md"
HEAD = """# The source experiments

Five documents, each with a small neural network written by hand, are what surefit was started from. Each experiment in
them is one file under `src/surefit/experiments`, to be read from top to bottom: settings with a reason beside each, the
loop, the claims. One command runs it, prints the published numbers beside ours, and judges every claim of the source,
and what we say about it, by the numbers of that run:

```console
$ surefit reproduce sine-by-sample
$ surefit reproduce --all --quick                      # all in a minute; what that cannot test says so
$ surefit reproduce --all --mnist DIR --out reproduced # tables, data and pictures
```

*Source* is the published number, *faithful* the document's recipe run here, *better* what `surefit.fit` (or, for
images, its layers and optimisers) reaches on the same problem. Seconds are of both.
"""


def page(results: list[dict[str, Any]]) -> str:
    """The document of these results, as the JSON files hold them."""
    parts = [HEAD]
    for result in results:
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
        parts += ["### Claims", markdown_table(CLAIM_HEADER, [claim_cells(Claim(**c)) for c in result["claims"]])]
    return "\n\n".join(part for part in parts if part) + "\n"


def main() -> None:
    """Read the results of all experiments and write the page."""
    folder = Path(sys.argv[1])
    results = [json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in NAMES]
    if any(result["quick"] for result in results):
        raise SystemExit("these are quick runs; the page shows full ones")
    PAGE.write_text(page(results), encoding="utf-8")


if __name__ == "__main__":
    main()
