"""Shared by all tests: where the outside data lives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[1]


def data_root() -> Path:
    """The folder of outside data and test vectors: $SUREFIT_DATA, else ../shared/data beside the repository."""
    return Path(os.environ.get("SUREFIT_DATA", _ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data():
    """shared_data("opinfo/optim_f64.json") -> Path, or skip saying what is missing."""

    def find(name: str) -> Path:
        path = data_root() / name
        if not path.exists():
            pytest.skip(f"outside data {name!r} not found in {data_root()} (set SUREFIT_DATA)")
        return path

    return find
