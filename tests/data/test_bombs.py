"""Small files that say they hold more than the memory takes: one sentence, before that memory is asked for."""

from __future__ import annotations

import gzip
import io
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

import surefit.data
from surefit.data.digits import read_idx
from surefit.errors import DataError

LIMIT = 4 * 2**20  # bytes that this process shall have


@pytest.fixture(autouse=True)
def _little_memory(monkeypatch):
    monkeypatch.setattr("surefit.checking.memory_limit", lambda: LIMIT)
    monkeypatch.setattr("surefit.data.csv_text.memory_limit", lambda: LIMIT)


def header(shape: tuple[int, ...]) -> bytes:
    text = io.BytesIO()
    np.lib.format.write_array_header_1_0(text, {"descr": "<f8", "fortran_order": False, "shape": shape})
    return text.getvalue()


def npz(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", header((2**20,)) + bytes(8 * 2**20))


def lying_npz(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", header((10**15,)) + bytes(100))


def lying_npy(path: Path) -> None:
    path.write_bytes(header((10**15, 2)) + bytes(100))


def packed_csv(path: Path) -> None:
    path.write_bytes(gzip.compress(b"x,y\n" + b"1,2\n" * 2**21))


def excel(path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="reads the file")
    book = openpyxl.Workbook()
    book.active.append(["x", "y"])
    book.save(path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet2.xml", b"<row/>" * 2**20)


def parquet(path: Path) -> None:
    arrow = pytest.importorskip("pyarrow", reason="writes the file")
    import pyarrow.parquet

    pyarrow.parquet.write_table(arrow.table({"x": np.ones(10**5), "y": np.ones(10**5)}), path)


def idx(path: Path) -> None:
    path.write_bytes(gzip.compress(b"\0\0\x0e\1" + struct.pack(">I", 2**20) + bytes(8 * 2**20)))


BOMBS = {
    "m.npz": npz, "lie.npz": lying_npz, "m.npy": lying_npy, "m.csv.gz": packed_csv, "m.xlsx": excel,
    "m.parquet": parquet, "m.idx.gz": idx,
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_one_sentence_and_no_memory(name, tmp_path):
    path = tmp_path / name
    BOMBS[name](path)
    assert path.stat().st_size < 2**18
    read = read_idx if ".idx" in name else surefit.data.read_table
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"memory here|GiB of memory|is damaged") as caught:
            read(path)
        assert tracemalloc.get_traced_memory()[1] < 4 * LIMIT  # pyarrow is imported, too
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)


def test_what_is_packed_and_fits_is_read(tmp_path):
    path = tmp_path / "m.csv.gz"
    path.write_bytes(gzip.compress(b"x,y\n1,2\n3,4\n5,7\n"))
    assert surefit.data.read_table(path).values.tolist() == [[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]]


def test_an_archive_with_other_files_is_refused_and_nothing_is_written(tmp_path):
    path = tmp_path / "inside" / "m.npz"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../evil.npy", b"x")
        archive.writestr("x.npy", header((2,)) + bytes(16))
    with pytest.raises(DataError, match=r"m\.npz: holds '\.\./evil', which is no array"):
        surefit.data.read_table(path)
    assert [p.name for p in tmp_path.iterdir()] == ["inside"]
