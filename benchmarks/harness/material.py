"""Where the data of the benchmarks lies: files that are not part of the project."""

from __future__ import annotations

import os
from pathlib import Path

NEARBY = Path(__file__).resolve().parents[3] / "shared" / "data"  # beside the checkout


def data_folder(given: Path | None, needed: str) -> Path:
    """The folder of data that holds `needed`: the one given, $SUREFIT_DATA, or ../shared/data beside the checkout."""
    folder = given or Path(os.environ.get("SUREFIT_DATA", NEARBY))
    if not (folder / needed).exists():
        raise SystemExit(
            f"{needed} is not in {folder}: name the folder that holds it with --data, or in the variable SUREFIT_DATA"
        )
    return folder / needed
