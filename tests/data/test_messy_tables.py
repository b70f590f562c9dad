"""Tables as instruments, spreadsheets and programs of others write them: read right, or refused with the cure."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import zipfile

import numpy as np
import pytest

import surefit
from surefit.data import read_table
from surefit.errors import ArgumentError, DataError
from surefit.problems.rows import marked, notes

ROWS = [(i * 0.5, i % 3 + 0.25, round(i * 1.1 - 3, 3)) for i in range(14)]
TEXT = "a,b,y\n" + "".join(",".join(map(str, row)) + "\n" for row in ROWS)
EXACT = np.array(ROWS)


def zipped(*names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, TEXT)
    return file.getvalue()


RECORDS = [dict(zip("aby", row, strict=True)) for row in ROWS]
SAME = {
    "bom16.csv": TEXT.encode("utf-16"),
    "little.csv": TEXT.encode("utf-16-le"),
    "big.csv": TEXT.encode("utf-16-be"),
    "utf32.csv": TEXT.encode("utf-32"),
    "packed.csv.gz": gzip.compress(TEXT.encode()),
    "packed.csv.bz2": bz2.compress(TEXT.encode()),
    "packed.csv.xz": lzma.compress(TEXT.encode()),
    "packed.zip": zipped("data.csv"),
    "packed.csv.zip": zipped("data.csv", "__MACOSX/data.csv"),
    "slashes.csv": b"// written by a logger\n" + TEXT.encode(),
    "rows.json": json.dumps(RECORDS).encode(),
    "lines.jsonl": "\n".join(map(json.dumps, RECORDS)).encode(),
    "columns.json": json.dumps({name: [row[name] for row in RECORDS] for name in "aby"}).encode(),
    "index.json": json.dumps({n: {str(i): row[n] for i, row in enumerate(RECORDS)} for n in "aby"}).encode(),
    "split.json": json.dumps({"columns": list("aby"), "data": ROWS}).encode(),
    "nested.json": json.dumps({"about": 1, "rows": RECORDS}).encode(),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_numbers_in_other_files(name, tmp_path):
    (tmp_path / name).write_bytes(SAME[name])
    table = read_table(tmp_path / name)
    assert table.names == ("a", "b", "y")
    assert np.array_equal(table.values, EXACT)


def test_feather(tmp_path):
    pandas = pytest.importorskip("pandas", reason="pandas writes the file")
    pytest.importorskip("pyarrow", reason="Feather is read by pyarrow")
    pandas.DataFrame(ROWS, columns=list("aby")).to_feather(tmp_path / "t.feather")
    assert np.array_equal(read_table(tmp_path / "t.feather").values, EXACT)


TITLES = [
    "Measurement 12\n", "Instrument: X\n\n", '"Ann, Bob; \t |"\nexported 2024-01-01\n\n', "Measurement 12,,\n\n",
]  # fmt: skip
TWO_CELLS = "Readings of Ann, Bob\n"  # with commas between cells, which is an error


@pytest.mark.parametrize(
    "title, mark",
    [*((title, mark) for title in TITLES for mark in ",;\t|"), *((TWO_CELLS, mark) for mark in ";\t|")],
)
def test_titles_above_a_text(title, mark, tmp_path):
    text = title.replace(",,", 2 * mark) + TEXT.replace(",", mark)
    (tmp_path / "t.csv").write_text(text)
    found, plain = read_table(tmp_path / "t.csv"), text.count("\n") - TEXT.count("\n")
    (tmp_path / "plain.csv").write_text(TEXT)
    wanted = read_table(tmp_path / "plain.csv")
    assert found.names == wanted.names
    np.testing.assert_array_equal(found.values, wanted.values)
    (tmp_path / "t.csv").write_text(text.replace("1.5", "1.5x", 1))
    with pytest.raises(DataError, match=f"line {plain + 5}"):  # lines are those of the file
        read_table(tmp_path / "t.csv")


def test_a_title_above_a_table_in_parts(tmp_path):
    pytest.importorskip("pyarrow", reason="tables in parts are read by pyarrow")
    rows = "".join(f"{i / 40},{i % 7},{i % 5}\n" for i in range(300))
    (tmp_path / "t.csv").write_text(f"Measurement 12\n\na,b,y\n{rows}")
    fit = surefit.fit(tmp_path / "t.csv", data=surefit.Sampling(stream=True), model=(8,))
    assert fit.names == ("a", "b") and sum(fit.problem.rows.values()) == 300


@pytest.mark.parametrize("text", ["y\n1\n2\n3\n", "a,y\n1,2\n3,4\n", "a b,y\n1,2\n3,4\n", "name,y\n0,1\n,2\n"])
def test_names_are_no_titles(text, tmp_path):
    (tmp_path / "t.csv").write_text(text)
    found = read_table(tmp_path / "t.csv", drop_missing=True)
    assert found.names == tuple(text.split("\n")[0].split(","))


def test_a_title_above_a_sheet(tmp_path):
    openpyxl = pytest.importorskip("openpyxl", reason="Excel files are written by it")
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["Measurement 12"], list("aby"), *ROWS):
        sheet.append(row)
    sheet.merge_cells("A1:C1")
    book.save(tmp_path / "t.xlsx")
    assert read_table(tmp_path / "t.xlsx").names == ("a", "b", "y")


@pytest.mark.parametrize(
    "cells, numbers",
    [
        (["1 Jan 2024", "3 February 2024", "1 Mar. 2024"], [0, 33, 60]),
        (["Jan 1, 2024", "Feb 3rd, 2024", "March 1, 2024"], [0, 33, 60]),
        (["01-Jan-2024", "03-Feb-2024", "01-Mar-2024"], [0, 33, 60]),
        (["2024-01", "2024-02", "2024-03"], [0, 31, 60]),
        (["2024年1月", "2024年2月", "2024年3月"], [0, 31, 60]),
        (["Jan 2024", "Feb 2024", "Mar 2024"], [0, 31, 60]),
        (["1:30 AM", "12:00 am", "12:15 PM"], [5400, 0, 44100]),
        (["1/13/2024 1:00 PM", "1/13/2024 1:30 PM", "1/14/2024 1:00 AM"], [0, 1800, 43200]),
    ],
)
def test_dates_and_times(cells, numbers, tmp_path):
    text = "t;y\n" + "".join(f"{cell};{i}\n" for i, cell in enumerate(cells * 4))
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    assert read_table(tmp_path / "t.csv").values[:3, 0].tolist() == numbers


@pytest.mark.parametrize("mark", ["#N/A", "#DIV/0!", ".", "--", "n.a.", "—", "缺失", "无", "1.#IND", "-nan"])
def test_marks_of_missing_values(mark, tmp_path):
    (tmp_path / "t.csv").write_text(TEXT.replace("\n1.5,", f"\n{mark},"), encoding="utf-8")
    with pytest.raises(DataError, match="line 5, column 'a' is missing"):
        read_table(tmp_path / "t.csv")
    assert len(read_table(tmp_path / "t.csv", drop_missing=True)) == 13


@pytest.mark.parametrize(
    "name, text, says",
    [
        ("two.zip", zipped("a.csv", "b.csv"), "holds 2 files"),
        ("sheet.csv", b"PK\x03\x04" + bytes(99), "an Excel or zip file"),
        ("photo.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(99)), "a picture"),
        ("broken.csv.xz", b"\xfd7zXZ\x00 and no more", "cannot be read"),
        ("broken.zip", b"PK", "cannot be read"),
        ("footer.csv", (TEXT + "Total,,12\n").encode(), "line 16.*sums up"),
        ("note.csv", (TEXT + "Exported on Monday\n").encode(), "line 16 has 1 cells.*begin lines that are no data"),
        ("units.csv", TEXT.replace("y\n", "y\nmm,K,V\n").encode(), "line 2.*holds units"),
        (
            "above.csv",
            b"Ann, Instrument X\n" + TEXT.encode(),
            "line 1 has 2 cells .*and line 2 below it has 3.*a title",
        ),
        ("ragged.csv", TEXT.replace("\n1.5,0.25", "\n1.5").encode(), "line 5 has 2 cells, expected 3.*complete"),
        ("infinite.csv", TEXT.replace("\n1.5", "\n∞").encode(), "line 5.*must be finite"),
        ("t.mat", b"", "scipy.io.loadmat"),
        ("t.nc", b"", "xarray.open_dataset"),
        ("t.md", b"", "save it as .xlsx or CSV"),
        ("bad.json", b'{"a": [1,', "not readable as JSON"),
        ("scalar.json", b"3", "holds no table"),
    ],
)
def test_what_is_refused_says_where_and_what_to_do(name, text, says, tmp_path):
    (tmp_path / name).write_bytes(text)
    with pytest.raises(DataError, match=says):
        read_table(tmp_path / name)


def test_a_name_over_two_lines(tmp_path):
    (tmp_path / "t.csv").write_text(TEXT.replace("a,", '"a\n(mm)",', 1), encoding="utf-8")
    assert read_table(tmp_path / "t.csv").names[0] == "a (mm)"


@pytest.mark.parametrize("mark", [-9999.0, 999.0, 1e20])
def test_a_number_that_marks_missing_values_is_noted(mark):
    x = np.linspace(0, 5, 40)[:, None]
    x[7], x[9] = mark, mark
    said = notes(x, np.where(x == mark, 0.0, np.sin(x)), ["x"], ["y"])
    assert [note.code for note in said] == ["missing-mark"]
    assert f"x is {mark:g} in 2 rows" in said[0]
    assert marked(np.arange(-9999.0, 9999.0, 100.0)) is None


@pytest.mark.slow
def test_moments_of_numpy_are_times_in_lists_too_and_no_numbers_where_these_are_meant():
    days = np.datetime64("2024-01-01") + np.arange(40)
    fit = surefit.fit((days, np.sin(np.arange(40) / 6)))
    known = fit.predict(days[:2])
    for given in (
        list(days[:2]),
        [[days[0]], [days[1]]],
        list(days[:2].astype("M8[ns]")),
        [d.item() for d in days[:2]],
    ):
        assert np.array_equal(fit.predict(given), known)
    since = surefit.fit((days - days[0], np.sin(np.arange(40) / 6)))
    assert np.array_equal(since.predict([days[1] - days[0]]), since.predict((days - days[0])[1:2]))
    with pytest.raises(ArgumentError, match="X: these are times; give numbers"):
        surefit.solvers.GaussianProcess().fit(days[:, None], np.arange(40.0))


BLANK = {
    "trailing": ("a,b,y,,\n", "{},{},{},,\n"),
    "ragged": ("a,b,y\n", "{},{},{},,,\n"),
    "between": ("a,,b,y\n", "{},,{},{}\n"),
    "before": (",,a,b,y\n", ",,{},{},{}\n"),
    "semicolons": (";a;b;y;\n", ";{};{};{};\n"),
    "blanks": ("a,b,y, ,\n", "{},{},{},  ,\n"),
}


@pytest.mark.parametrize("name", BLANK)
def test_columns_without_a_name_and_a_value_are_none(name, tmp_path):
    header, row = BLANK[name]
    path = tmp_path / "t.csv"
    path.write_text(header + "".join(row.format(*values) for values in ROWS))
    table = read_table(path)
    assert (*table.inputs, *table.targets) == ("a", "b", "y")
    assert np.array_equal(np.column_stack([table.x, table.y]), EXACT)


def test_a_column_without_a_name_that_holds_a_value_is_asked_for_its_name(tmp_path):
    path = tmp_path / "t.csv"
    lines = [f"{a},{b},{y},{'5' if i == 9 else ''}" for i, (a, b, y) in enumerate(ROWS)]
    path.write_text("a,b,y,\n" + "\n".join(lines))
    with pytest.raises(DataError, match="column 4 has no name"):
        read_table(path)


@pytest.mark.parametrize("line", [",,", " , ,", "   ", '"","",""', "\t,,"])
@pytest.mark.parametrize("place", [0, 1, 5, 15])
def test_rows_without_a_value_are_none(line, place, tmp_path):
    lines = TEXT.splitlines()
    lines[place:place] = [line, line]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(lines))
    assert np.array_equal(read_table(path).x, EXACT[:, :2])


def test_a_sheet_with_blank_cells_around_its_table(tmp_path):
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl writes the sheet")
    book = openpyxl.Workbook()
    book.active.append(["a", None, "b", "y"])
    for a, b, y in ROWS:
        book.active.append([a, None, b, y])
    book.active.cell(30, 9).value = " "
    book.save(tmp_path / "t.xlsx")
    table = read_table(tmp_path / "t.xlsx")
    assert np.array_equal(np.column_stack([table.x, table.y]), EXACT)


@pytest.mark.parametrize("name", [None, float("nan"), "", " "])
def test_a_column_of_a_frame_needs_a_name(name):
    pandas = pytest.importorskip("pandas", reason="pandas makes the frame")
    frame = pandas.DataFrame(EXACT, columns=["a", "b", name])
    with pytest.raises(DataError, match="column 3 has no name"):
        read_table(frame)
    with pytest.raises(DataError, match="has no name"):
        read_table((frame[["a", name]], EXACT[:, 2]))
