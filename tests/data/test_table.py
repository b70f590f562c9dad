"""Tables: the reading of CSV against csv-spectrum and NumPy, round trips, and errors that say where."""

from __future__ import annotations

import gzip
import json
import math
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surefit.data import Table, read_csv, read_rows, read_table, write_table
from surefit.errors import DataError, MissingExtraError


@pytest.fixture
def put(tmp_path):
    """put("x,y\\n1,2") -> path of a file with that content."""

    def write(content, name="t.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


# ---- the reading of rows

SPECTRUM = (
    "comma_in_quotes empty empty_crlf escaped_quotes json location_coordinates newlines newlines_crlf "
    "quotes_and_newlines simple simple_crlf utf8"
).split()


@pytest.mark.parametrize("name", SPECTRUM)
def test_csv_spectrum(shared_data, name):
    path = shared_data(f"csv_spectrum/csvs/{name}.csv")
    expected = json.loads(shared_data(f"csv_spectrum/json/{name}.json").read_text(encoding="utf-8"))
    if name == "location_coordinates":  # its JSON is one object, with another telephone number than its CSV
        expected["Contact Phone Number"] = "2095257564"
        expected = [expected]
    header, *rows = read_rows(path)
    assert [dict(zip(header.cells, row.cells, strict=True)) for row in rows] == expected


def test_lines_are_where_rows_start(put):
    rows = read_rows(put('a,b\n\n"1\n\n2",3\r\n4,5\r6,"7\n8"\n9,10'))
    assert [(row.line, row.cells) for row in rows] == [
        (1, ["a", "b"]),
        (3, ["1\n\n2", "3"]),
        (6, ["4", "5"]),
        (7, ["6", "7\n8"]),
        (9, ["9", "10"]),
    ]


cells = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=8)


@settings(deadline=None)
@given(st.lists(st.lists(cells, min_size=2, max_size=4), min_size=1, max_size=6), st.sampled_from(",;\t|"))
def test_rows_round_trip_through_quotes(tmp_path_factory, rows, delimiter):
    path = tmp_path_factory.mktemp("rows") / "t.csv"
    quoted = [delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    path.write_bytes(("\ufeff" + "\r\n".join(quoted)).encode())
    assert [row.cells for row in read_rows(path, delimiter)] == rows


def test_quotes_astray(put):
    with pytest.raises(DataError, match="row that starts on line 2 cannot be read"):
        read_rows(put('a,b\n"1" ,2\n'))


def test_open_quote(put):
    with pytest.raises(DataError, match=r"starts on line 3 cannot be read .unexpected end of data.; check its quotes"):
        read_rows(put('a,b\n1,2\n3,"4\n5,6\n'))


# ---- numbers


@pytest.mark.parametrize("name, inputs", [("yacht", 6), ("energy", 8), ("concrete", 8), ("airfoil", 5)])
def test_uci(shared_data, name, inputs):
    path = shared_data(f"uci/{name}/data.csv.gz")
    table = read_table(path)
    np.testing.assert_array_equal(table.values, np.loadtxt(path, delimiter=","))
    assert table.inputs == tuple(f"c{i + 1}" for i in range(inputs)) and table.targets == (f"c{inputs + 1}",)
    masks = read_table(shared_data(f"uci/{name}/test_mask.csv.gz"))
    assert len(masks) == len(table) and masks.values.sum(axis=1).tolist() == [1.0] * len(table)


@pytest.mark.parametrize(
    "content, options, names, values",
    [
        ("x,y\n1,2\n3,4\n", {}, "x y", [[1, 2], [3, 4]]),
        ("x,y\r\n1,2\r\n\r\n3,4", {}, "x y", [[1, 2], [3, 4]]),
        ("x,y\r1,2\r", {}, "x y", [[1, 2]]),
        ("\ufeffx,y\n1,2", {}, "x y", [[1, 2]]),
        ('" x", y \n" 1e3 ",-.5', {}, "x y", [[1000, -0.5]]),
        ("1,2\n3,4", {}, "c1 c2", [[1, 2], [3, 4]]),
        ("1,2\n3,4", {"names": ["a", "b"]}, "a b", [[1, 2], [3, 4]]),
        ("x,y\n1,2", {"names": ["a", "b"]}, "a b", [[1, 2]]),
        ("2019,2020\n1,2", {"header": True}, "2019 2020", [[1, 2]]),
        ("x;y\n1.5;2", {}, "x y", [[1.5, 2]]),
        ("x;y\n1,5;2,25", {"decimal": ","}, "x y", [[1.5, 2.25]]),
        ("1,5;2,25\n3;4", {"decimal": ","}, "c1 c2", [[1.5, 2.25], [3, 4]]),
        ("x\ty\n1\t2", {}, "x y", [[1, 2]]),
        ("x\ty\n1,5\t2", {"decimal": ","}, "x y", [[1.5, 2]]),
        ("x|y\n1|2", {}, "x y", [[1, 2]]),
        (" x  y\n 1  2\n", {}, "x y", [[1, 2]]),
        ("1 2 3\n4  5 6", {}, "c1 c2 c3", [[1, 2, 3], [4, 5, 6]]),
        ("x/y\n1/2", {"delimiter": "/"}, "x y", [[1, 2]]),
        ("a b,c d\n1,2", {}, "a b|c d", [[1, 2]]),
        ("a;b,c\n1,2\n3,4", {}, "a;b|c", [[1, 2], [3, 4]]),
        ("x\n1\n2", {}, "x", [[1], [2]]),
        ("x,y\n1,\n2,3\nNA,4\n?,5\n6, nan ", {"drop_missing": True}, "x y", [[2, 3]]),
        ("who,x,y\nBob,1,2", {"columns": ["y", "x"]}, "y x", [[2, 1]]),
        (",x,y\n0,1,2", {"columns": ["x", "y"]}, "x y", [[1, 2]]),
        ("x,x,y\n1,2,3", {"columns": ["y"]}, "y", [[3]]),
        ("温度,y\n1,2".encode("gbk"), {"encoding": "gbk"}, "温度 y", [[1, 2]]),
        ("温度,y\n1,2".encode("utf-16"), {}, "温度 y", [[1, 2]]),
        ("x,y\n１,２", {}, "x y", [[1, 2]]),  # full-width digits
    ],
)
def test_read_csv(put, content, options, names, values):
    table = read_csv(put(content), **options)
    assert table.names == tuple(names.split("|" if "|" in names else " "))
    assert table.values.tolist() == values


@pytest.mark.parametrize(
    "content, options, message",
    [
        ("", {}, "t.csv: the file is empty"),
        ("\n \n"[:1], {}, "t.csv: the file is empty"),
        ("\ufeff", {}, "t.csv: the file is empty"),
        ("x,y\n", {}, "only a header, no rows"),
        ("x,y\n1,2\n3\n", {}, r"line 3 has 1 cells, expected 2 \(x, y\)"),
        ('x,y\n"1\n",2\n3,4,5\n', {}, "line 4 has 3 cells, expected 2"),
        ("x;y\n1;2;3\n4;5", {}, r"line 2 has 3 cells, expected 2 \(x, y\)"),
        ("x,y\n1,2\n3,abc\n", {}, "line 3, column 'y' is 'abc', not a number"),
        ("x,y\n1,2\n,3\n", {}, r"line 3, column 'x' is missing .*read_table\(..., drop_missing=True\)"),
        ("x,y\n1,n/a\n", {}, "line 2, column 'y' is missing"),
        ("1,2\n3,\n", {}, "line 2, column 'c2' is missing"),
        ("1,nan\n3,4\n", {}, "line 1, column 'c2' is missing"),  # not taken for a header
        ("x,y\n1,abc\n", {"drop_missing": True}, "line 2, column 'y' is 'abc', not a number"),
        ("x,y\n1,\n", {"drop_missing": True}, "no row without a missing value"),
        ("x,y\n1,inf\n", {}, "line 2, column 'y' is 'inf', not a number; every value must be finite"),
        ("x,y\n1,1e999\n", {}, "line 2, column 'y' is '1e999', and numbers in float64 end"),
        ("x,y\n1,1_000\n", {}, "line 2, column 'y' is '1_000', not a number"),
        ("x,y\n1,0x10\n", {}, "line 2, column 'y' is '0x10'"),
        ("x,y\n1,5%\n", {}, "line 2, column 'y' is '5%'"),
        ("x;y\n1;2,5\n", {}, "line 2, column 'y' is '2,5', not a number; if the comma is a decimal mark"),
        ("1,5;2,5\n3,5;4,5\n", {}, "line 1, column 'c1' is '1,5'.*decimal=','"),
        ("x;y\n1;2.5\n", {"decimal": ","}, "line 2, column 'y' is '2.5', not a number"),
        ('x,y\n1,"1,234,567"\n', {}, "remove the thousands separators"),
        ("x;y\n1;1.234.567,5\n", {"decimal": ","}, "remove the thousands separators"),
        ("x,x,y\n1,2,3", {}, "line 1: the name 'x' stands over columns 1, 2; names must differ"),
        (",x,y\n0,1,2", {}, "line 1: column 1 has no name in the header.*index=False"),
        ("\nx,y,\n1,2,3\n", {}, "line 2: column 3 has no name"),
        ("1.0,abc,2\n1,2,3", {}, "line 1 is partly numbers .'1.0'. and partly not .'abc'.; use .*header=True"),
        ("x,y\n1,2", {"columns": ["z"]}, "no column 'z'; it has x, y"),
        ("x,y\n1,2", {"targets": "z"}, "no column 'z'; it has x, y"),
        ("x,y\n1,2", {"names": ["a"]}, "1 names for the 2 columns"),
        ("x,y\n1,2", {"names": ["a", "a"]}, "'a' stands over 2 columns"),
        ("x,y\n1,2", {"decimal": ";"}, "decimal: expected"),
        ("x,y\n1,2", {"delimiter": "::"}, "delimiter: expected one character"),
        ("x,y\n1,2", {"delimiter": ",", "decimal": ","}, "delimiter: expected one character"),
        ("x,y\n1,2", {"encoding": "klingon"}, "encoding: 'klingon' is unknown"),
        ("x,y\n1,2\n温,3".encode("gbk"), {}, "line 3 is not utf-8 text .byte 0x.*encoding='gbk'"),
    ],
)
def test_refused_csv(put, content, options, message):
    with pytest.raises(DataError, match=message):
        read_csv(put(content), **options)


def test_damaged_gzip(put):
    whole = gzip.compress(b"x,y\n1,2\n" * 100)
    for content in (whole[:-10], b"no gzip"):
        with pytest.raises(DataError, match="cannot be read"):
            read_csv(put(content, "t.csv.gz"))


def test_missing_file_and_unknown_kind(tmp_path, put):
    with pytest.raises(DataError, match="there is no file"):
        read_table(tmp_path / "no.csv")
    with pytest.raises(DataError, match="there is no file"):
        read_csv(tmp_path / "no.csv")
    with pytest.raises(DataError, match=r"save it as \.xlsx or CSV"):
        read_table("book.xls")
    for name in ("table", "table.mat", "table.npz.gz"):
        (tmp_path / name).write_text("x,y\n1,2\n")
        with pytest.raises(DataError, match="cannot read"):
            read_table(tmp_path / name)
    (tmp_path / "runs.csv").write_text("x,y\n1,2\n")
    with pytest.raises(DataError, match=r"there is no file '.*runs.cvs'; did you mean '.*runs.csv'\?"):
        read_table(tmp_path / "runs.cvs")
    with pytest.raises(DataError, match="decimal: only a CSV file has such a thing"):
        read_table({"x": [1]}, decimal=",")


# ---- Table


def test_inputs_and_targets():
    table = Table(["a", " b ", "c"], [[1, 2, 3], [4, 5, 6]])
    assert table.names == ("a", "b", "c") and table.inputs == ("a", "b") and table.targets == ("c",)
    assert table.x.tolist() == [[1, 2], [4, 5]] and table.y.tolist() == [[3], [6]]
    assert len(table) == 2 and table["b"].tolist() == [2, 5] and table.values.dtype == np.float64
    other = Table(["a", "b", "c"], table.values, ["c", "a"])
    assert other.inputs == ("b",) and other.y.tolist() == [[3, 1], [6, 4]]
    assert repr(other) == "Table(2 rows: b -> c, a)"
    assert other != table and table == Table("abc", [[1, 2, 3], [4, 5, 6]], "c")


def test_select_and_rows():
    table = Table("abcd", np.arange(8).reshape(2, 4))
    assert table.select(targets="a").inputs == ("b", "c", "d")
    part = table.select(["c", "a"], "b")
    assert part.names == ("c", "a", "b") and part.values.tolist() == [[2, 0, 1], [6, 4, 5]]
    assert table.select("a").names == ("a", "d")
    assert table.rows([1]).values.tolist() == [[4, 5, 6, 7]] and table.rows(slice(0, 1)).targets == ("d",)
    with pytest.raises(DataError, match="'a' is asked for as an input and as a target"):
        table.select("a", "a")


def test_values_cannot_be_written():
    source = np.ones((2, 2))
    table = Table("xy", source)
    source[:] = 5
    assert table.values.tolist() == [[1, 1], [1, 1]]
    with pytest.raises(ValueError, match="read-only"):
        table.values[0] = 0


@pytest.mark.parametrize(
    "names, values, targets, message",
    [
        (["x", "x"], [[1, 2]], None, "'x' stands over 2 columns"),
        (["x", " "], [[1, 2]], None, "column 2 has no name"),
        ([], np.zeros((1, 0)), None, "no columns"),
        (["x"], [[1, 2]], None, r"shape \(n, 1\), got \(1, 2\)"),
        (["x", "y"], [1, 2], None, r"shape \(n, 2\), got \(2,\)"),
        (["x", "y"], [[1, math.nan]], None, "row 0, column 'y' is nan"),
        (["x", "y"], [[1, 2], [math.inf, 2]], None, "row 1, column 'x' is inf"),
        (["x", "y"], [[1, 2]], "z", "no column 'z'; it has x, y"),
    ],
)
def test_refused_tables(names, values, targets, message):
    with pytest.raises(DataError, match=message):
        Table(names, values, targets)


def test_a_table_of_targets_has_no_inputs():
    with pytest.raises(DataError, match="no input columns"):
        _ = Table("y", [[1]]).x


# ---- objects


def test_arrays():
    assert read_table((np.arange(3), np.arange(3) * 2)) == Table("xy", [[0, 0], [1, 2], [2, 4]])
    table = read_table([np.zeros((2, 2)), np.ones((2, 2))])
    assert table.inputs == ("x1", "x2") and table.targets == ("y1", "y2")
    table = read_table((np.zeros((2, 2)), np.ones(2)), names=["a", "b", "c"])
    assert table.inputs == ("a", "b") and table.targets == ("c",)
    assert read_table([[1, 2, 3], [4, 5, 6]]).names == ("c1", "c2", "c3")
    assert read_table({"u": [1, 2], "v": (3.5, True)}).values.tolist() == [[1, 3.5], [2, 1]]
    structured = np.array([(1, 2.5)], dtype=[("a", int), ("b", float)])
    assert read_table(structured) == Table("ab", [[1, 2.5]])
    assert read_table({"v": [Fraction(1, 4), Decimal("0.5")]}).values.tolist() == [[0.25], [0.5]]
    table = read_table((np.zeros((2, 2)), np.ones(2)))
    assert read_table(table, columns=["x2", "y"]).names == ("x2", "y")
    assert read_table(table, targets="x1").inputs == ("x2", "y")


@pytest.mark.parametrize(
    "source, message",
    [
        ((np.zeros((2, 2)), np.zeros(3)), r"as many rows, got \(2, 2\), \(3, 1\)"),
        ((np.zeros((2, 2, 2)), np.zeros(2)), r"got \(2, 2, 2\)"),
        (np.zeros(3), r"cannot read a ndarray of shape \(3,\)"),
        (5, "cannot read a int"),
        ({"x": [1, 2], "y": [1]}, r"columns of different lengths \(x: 2, y: 1\)"),
        ({"x": [1, None]}, "row 1, column 'x' is missing"),
        ({"x": [1, math.nan]}, "row 1, column 'x' is missing"),
        ({"x": [1, -math.inf]}, "row 1, column 'x' is -inf"),
        ({"x": [1, "2"]}, "row 0, column 'x' is '1', not a number"),
        ({"x": [1.5, {}]}, "row 1, column 'x' is {}, not a number"),
        ({"x": np.array([1j])}, "column 'x' holds complex numbers"),
        ({"x": np.array(["2020-01-01"], "M8[D]")}, "column 'x' holds times"),
        ({"x": [[1, 2]]}, r"column 'x' has shape \(1, 2\)"),
        ({"x": [], "y": []}, "no rows"),
        ({}, "no columns"),
    ],
)
def test_refused_objects(source, message):
    with pytest.raises(DataError, match=message):
        read_table(source)


def test_drop_missing_from_objects():
    table = read_table({"x": [1, None, 3], "y": [math.nan, 2, 4]}, drop_missing=True)
    assert table.values.tolist() == [[3, 4]]
    with pytest.raises(DataError, match="no row without a missing value"):
        read_table({"x": [None]}, drop_missing=True)


def test_dataframes():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"b": [1, 2], "a": [0.5, 1.5], "flag": [True, False]}, index=[10, 20])
    assert read_table(frame) == Table(["b", "a", "flag"], [[1, 0.5, 1], [2, 1.5, 0]])
    assert read_table(frame, targets="a", columns=["a", "b"]).inputs == ("b",)
    assert read_table(pd.DataFrame(np.eye(2))).names == ("0", "1")
    nullable = pd.DataFrame({"x": pd.array([1, None], dtype="Int64")})
    with pytest.raises(DataError, match="DataFrame: row 1, column 'x' is missing"):
        read_table(nullable)
    assert read_table(nullable, drop_missing=True).values.tolist() == [[1]]
    for column in (["u", "v"], pd.Categorical(["u", "v"])):
        with pytest.raises(DataError, match="row 0, column 'x' is 'u', not a number"):
            read_table(pd.DataFrame({"x": column}))
    with pytest.raises(DataError, match="column 'x' holds times"):
        read_table(pd.DataFrame({"x": pd.to_datetime(["2020-01-01"])}))
    with pytest.raises(DataError, match="'x' stands over 2 columns"):
        read_table(pd.DataFrame([[1, 2]], columns=["x", "x"]))


# ---- files of numbers


def test_npz_and_npy(tmp_path):
    path = tmp_path / "t.npz"
    np.savez(path, x=[1.0, 2.0], y=[3, 4])
    assert read_table(path) == Table("xy", [[1, 3], [2, 4]])
    np.savez(path, X=np.arange(4).reshape(2, 2), y=[5, 6])
    assert read_table(path) == Table(["X1", "X2", "y"], [[0, 1, 5], [2, 3, 6]])
    np.savez(path, train=[1, 2], test=[1])
    with pytest.raises(DataError, match=r"t.npz: columns of different lengths \(train: 2, test: 1\)"):
        read_table(path)
    np.savez(path)
    with pytest.raises(DataError, match="holds no arrays"):
        read_table(path)
    path = tmp_path / "t.npy"
    np.save(path, np.eye(2))
    assert read_table(path) == Table(["c1", "c2"], np.eye(2))
    np.save(path, np.zeros(3))
    with pytest.raises(DataError, match=r"t.npy: holds an array of shape \(3,\)"):
        read_table(path)
    path.write_bytes(b"not a NumPy file")
    with pytest.raises(DataError, match="not a readable NumPy file"):
        read_table(path)


def test_pickled_objects_are_refused(tmp_path):
    bomb = np.array([print], dtype=object)
    np.save(tmp_path / "t.npy", bomb, allow_pickle=True)
    np.savez(tmp_path / "t.npz", x=bomb)
    for name in ("t.npy", "t.npz"):
        with pytest.raises(DataError, match="allow_pickle"):
            read_table(tmp_path / name)


def test_parquet_of_others(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"i": pa.array([1, 2], pa.int32()), "d": [Decimal("0.5"), Decimal("1.5")]}), path)
    assert read_table(path) == Table("id", [[1, 0.5], [2, 1.5]])
    pq.write_table(pa.table({"x": [1.0, None], "who": ["a", "b"]}), path)
    with pytest.raises(DataError, match=r"t.parquet: row 1, column 'x' is missing"):
        read_table(path)
    with pytest.raises(DataError, match=r"t.parquet: row 0, column 'who' is 'a', not a number"):
        read_table(path, drop_missing=True)
    assert read_table(path, columns="x", drop_missing=True).values.tolist() == [[1.0]]
    path.write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match="not a readable Parquet file"):
        read_table(path)


def test_numbers_of_arrow_without_pandas(tmp_path):
    """Every type of numbers, in several chunks of which some begin in the middle, and with names like paths."""
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    types = [pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.int32(), pa.uint32(), pa.int64(), pa.uint64()]
    types += [pa.float16(), pa.float32(), pa.float64()]
    numbers = np.arange(100) % 50
    own = {f"a.{t}": pa.array(numbers.astype(t.to_pandas_dtype()), t) for t in types} | {"a": pa.array(numbers / 8)}
    own["gap"] = pa.array([None if i == 60 else float(i) for i in range(100)])  # a float that misses one
    table = pa.concat_tables([pa.table(own).slice(3, 47), pa.table(own).slice(50, 50)])
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=30)
    names = [name for name in table.column_names if name != "gap"]
    right = np.stack([numbers[3:] / 8 if name == "a" else numbers[3:] for name in names], axis=1)
    for source in (tmp_path / "t.parquet", table, table.combine_chunks().to_batches()[0]):
        assert read_table(source, columns=names).values.tolist() == right.tolist()
        with pytest.raises(DataError, match=r"row 57, column 'gap' is missing"):
            read_table(source)
        assert read_table(source, columns="gap", drop_missing=True).values[:, 0].tolist() == [
            float(i) for i in range(3, 100) if i != 60
        ]
    table = pa.table([pa.array([1.0, 2.0]), pa.array([3.0, 4.0])], names=["x", "x"])
    pq.write_table(table, tmp_path / "twice.parquet")
    with pytest.raises(DataError, match="x"):
        read_table(tmp_path / "twice.parquet")
    asked = f"import sys, surefit.data as d; d.read_table({str(tmp_path / 't.parquet')!r}, columns=['a'])"
    ran = subprocess.run([sys.executable, "-c", f"{asked}; sys.exit('pandas' in sys.modules)"], check=False)
    assert ran.returncode == 0


def test_parquet_without_pyarrow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "t.parquet").write_bytes(b"")
    with pytest.raises(MissingExtraError, match=r'pip install "surefit\[table\]"'):
        read_table(tmp_path / "t.parquet")
    with pytest.raises(MissingExtraError):
        write_table(Table("x", [[1]]), tmp_path / "u.parquet")
    assert [p.name for p in tmp_path.iterdir()] == ["t.parquet"]  # nothing half-written


# ---- writing

finite = st.floats(allow_nan=False, allow_infinity=False)
column_names = st.lists(
    st.from_regex(r"[a-zA-Z][a-zA-Z0-9_ ,\"é温]{0,6}[a-z]", fullmatch=True),
    min_size=2,
    max_size=4,
    unique=True,
)


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(column_names, st.data())
def test_written_tables_read_back_the_same(tmp_path_factory, names, data):
    rows = data.draw(st.lists(st.lists(finite, min_size=len(names), max_size=len(names)), min_size=1, max_size=5))
    table = Table(names, rows)
    folder = tmp_path_factory.mktemp("tables")
    for kind in ("csv", "npz"):
        back = read_table(write_table(table, folder / f"t.{kind}"))
        assert back.names == table.names
        assert back.values.tobytes() == table.values.tobytes()  # to the last bit, -0.0 too


def test_written_parquet_reads_back_the_same(tmp_path):
    pytest.importorskip("pyarrow")
    table = Table(["file", "x y"], np.random.default_rng(0).normal(size=(1000, 2)) * 1e-300)
    assert read_table(write_table(table, tmp_path / "t.parquet")) == table


def test_others_can_read_what_is_written(tmp_path):
    table = Table(["file", "y"], [[0.1, 2], [1e-300, -4.5]])
    with np.load(write_table(table, tmp_path / "t.npz")) as archive:
        assert archive.files == ["file", "y"] and archive["file"].tolist() == [0.1, 1e-300]
    text = write_table(table, tmp_path / "t.csv").read_bytes()
    assert text == b"file,y\n0.1,2.0\n1e-300,-4.5\n"
    first = (tmp_path / "t.npz").read_bytes()
    assert write_table(table, tmp_path / "t.npz").read_bytes() == first  # equal tables, equal files


def test_refused_writes(tmp_path):
    table = Table("xy", [[1, 2]])
    with pytest.raises(DataError, match=r"expected one of \.csv, \.parquet, \.npz"):
        write_table(table, tmp_path / "t.xlsx")
    with pytest.raises(DataError, match="cannot write"):
        write_table(table, tmp_path / "no" / "t.csv")
    for name in ("1", "2e5", "1,5"):
        with pytest.raises(DataError, match="header of numbers would be read back as data"):
            write_table(Table(["x", name], [[1, 2]]), tmp_path / "t.csv")
    assert list(tmp_path.iterdir()) == []
