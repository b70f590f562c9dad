"""Odd tables, one kind each: read as what they say, or refused in one sentence with the line and a cure."""

from __future__ import annotations

import datetime
import gzip
import io
import re

import numpy as np
import pytest

import surefit
from surefit.data import Table, points_from, raw_names, read_table
from surefit.errors import ArgumentError, DataError, DomainError, ShapeError


@pytest.fixture
def put(tmp_path):
    def write(content, name="t.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


# --- text files: names and values ---

READ = [
    # remarks, and names in them
    ("# x y z\n1 2 3\n4 5 6\n", "x y z", [[1, 2, 3], [4, 5, 6]]),
    ("#id,x,y\n1,2,3\n4,5,6\n", "id x y", [[1, 2, 3], [4, 5, 6]]),
    ("# made by a scope\n1,2,3\n", "c1 c2 c3", [[1, 2, 3]]),
    ("% two\n# lines\nx,y\n1,2\n# a third\n3,4\n", "x y", [[1, 2], [3, 4]]),
    # delimiters
    ("sep=;\nx;y\n1;2\n", "x y", [[1, 2]]),
    ("x,y,\n1,2,\n3,4,\n", "x y", [[1, 2], [3, 4]]),
    ("x;y\n1;2;\n3;4\n", "x y", [[1, 2], [3, 4]]),
    ('"x", "y"\n1, 2\n', "x y", [[1, 2]]),
    ("长度，面积\n１，２．５\n", "长度 面积", [[1, 2.5]]),
    ("长度，面积\n1,2.5\n－3,4\n", "长度 面积", [[1, 2.5], [-3, 4]]),
    ("长度；面积\n1；2\n", "长度 面积", [[1, 2]]),
    ('"a, b","c ""d"""\n1,2\n', 'a, b|c "d"', [[1, 2]]),
    # numbers
    ("x,y\n\N{MINUS SIGN}1,\N{EN DASH}2\n", "x y", [[-1, -2]]),
    ("x,y\n1.0D+03,2.5d-1\n", "x y", [[1000, 0.25]]),
    # yes and no
    ("ok,y\nTrue,2\nFALSE,3\ntrue,4\n", "ok y", [[1, 2], [0, 3], [1, 4]]),
    ("ok,y\nyes,2\nNo,3\n", "ok y", [[1, 2], [0, 3]]),
    ("合格,y\n是,2\n否,3\n", "合格 y", [[1, 2], [0, 3]]),
    ("x,ok\n1,yes\n2,no\n", "x ok", [[1, 1], [2, 0]]),  # as a target too
    # dates and times
    ("d,y\n2024-01-01,2\n2024-03-01,3\n", "d y", [[0, 2], [60, 3]]),  # of a leap year
    ("d,y\n2024/1/1,2\n2024/1/3,3\n", "d y", [[0, 2], [2, 3]]),
    ("d,y\n2024年1月1日,2\n2024年2月1日,3\n", "d y", [[0, 2], [31, 3]]),
    ("d;y\n01.02.2024;2\n03.02.2024;3\n", "d y", [[0, 2], [2, 3]]),  # of February
    ("d,y\n12/31/2023,2\n01/01/2024,3\n", "d y", [[0, 2], [1, 3]]),
    ("d,y\n31/12/2023,2\n01/01/2024,3\n", "d y", [[0, 2], [1, 3]]),
    ("d,y\n2024-01-01 12:00,2\n2024-01-01T12:00:00.5,3\n", "d y", [[0, 2], [0.5, 3]]),
    ("d,y\n2024-01-01 12:00+02:00,2\n2024-01-01T11:00Z,3\n", "d y", [[0, 2], [3600, 3]]),
    ("t,y\n12:00,2\n13:30:30,3\n", "t y", [[43200, 2], [48630, 3]]),
    # texts that name a category
    ("c,y\nred,1\nblue,2\nred,3\ngreen,4\n", "c=blue c=green c=red y",
     [[0, 0, 1, 1], [1, 0, 0, 2], [0, 0, 1, 3], [0, 1, 0, 4]]),
    ("sex,y\nm,1\nf,2\nm,3\n", "sex=m y", [[1, 1], [0, 2], [1, 3]]),
    ("c,y\nnone,1\nmild,2\nnone,3\n", "c=none y", [[1, 1], [0, 2], [1, 3]]),
    ("size colour price\n1 red 2\n2 blue 3\n3 red 4\n", "size colour=red price", [[1, 1, 2], [2, 0, 3], [3, 1, 4]]),
    ("c,y\n1st,1\n2nd,2\n1st,3\n", "c=2nd y", [[0, 1], [1, 2], [0, 3]]),
]  # fmt: skip


@pytest.mark.parametrize("text, names, values", READ)
def test_an_odd_table_is_read_right(put, text, names, values):
    table = read_table(put(text))
    assert table.names == tuple(names.split("|" if "|" in names else " "))
    np.testing.assert_allclose(table.values, values)


@pytest.mark.parametrize("ending, packed", [(".tsv", False), (".csv.gz", True), (".txt", False)])
def test_endings(put, ending, packed):
    text = "x\ty\n1\t2\n" if ending == ".tsv" else "x,y\n1,2\n"
    path = put(gzip.compress(text.encode()) if packed else text, "t" + ending)
    assert read_table(path) == Table("xy", [[1, 2]])


REFUSED = [
    ("ok,y\nyes,2\n5,3\n", "line 2, column 'ok' is 'yes', not a number"),
    ("c,y\nm,2\n5,3\nm,4\n", "line 2, column 'c' is 'm', not a number; remove this row if it holds units"),
    ("x,y\n1,2\n3,4\ntotal,6\n", "line 4, column 'x' is 'total', not a number"),
    ("x,y\n1,2\n\nx,y\n3,4\n", "line 4, column 'x' is 'x'"),
    ("x,y\nm,s\n1,2\n", "line 2, column 'x' is 'm'"),
    ("c,y\n5 kg,2\n6 kg,3\n5 kg,4\n", "line 2, column 'c' is '5 kg'.*leave out 'kg'"),
    ("c,y\n5%,2\n6%,3\n5%,4\n", "line 2, column 'c' is '5%'.*leave out '%'"),
    ("c,y\n$5,2\n$6,3\n$5,4\n", "line 2, column 'c' is '.5'"),
    ("x;y\n1,5;2\n2,5;3\n1,5;4\n", "line 2, column 'x' is '1,5'.*decimal=','"),
    ("x,y\n0x1F,2\n0x20,3\n0x1F,4\n", "line 2, column 'x' is '0x1F', not a number"),
    ("x,y\n1.2.3,2\n1.2.4,3\n1.2.3,4\n", "line 2, column 'x' is '1.2.3', not a number"),
    ("x,y\n1+2j,2\n1+3j,3\n1+2j,4\n", r"line 2, column 'x' is '1\+2j', not a number"),
    ("x,y\n-inf,2\n-inf,3\n", "line 2, column 'x' is '-inf'.*finite"),
    ("x,y\n1,2 # note\n3,4\n", "line 2, column 'y' is '2 # note'.*a line of its own"),
    ("c,y\n" + "".join(f"id{i},{i}\n" for i in range(30)), "column 'c' holds 30 different texts in 30 rows.*columns="),
    ("d,y\n01/02/2023,2\n01/03/2024,3\n", "line 2, column 'd' is '01/02/2023': nothing tells.*2024-12-31"),
    ("d,y\n2024-02-30,2\n2024-02-01,3\n", "line 2, column 'd' is '2024-02-30', no date"),
    ("d,y\n2024-02-20,2\nsoon,3\n", "line 3, column 'd' is 'soon', but the column holds dates"),
    ("d,y\n2024-02-20 12:00Z,2\n2024-02-20 12:00,3\n", "line 3.* some have a time zone, some not"),
    ("t,y\n12:00,2\nnoon,3\n", "line 3, column 't' is 'noon', but the column holds times of day"),
    ("x,c\n1,red\n2,blue\n", "line 2, column 'c' is 'red', not a number; a target must be a number.*target="),
    ("x,d\n1,2024-01-01\n2,2024-01-02\n", "column 'd' holds times, and a target must be a number.*target="),
    ("c,y\nred,2\n,4\nred,4\n", r"line 3, column 'c' is missing .*drop_missing=True"),
    ("2019,2020\n1,2\n3,4\n", "line 1 holds the years 2019 to 2020.*header=True.*header=False"),
    (",x,y\n0,1,2\n", "line 1: column 1 has no name.*index=False.*columns="),
    ("c,c=b,y\na,1,2\nb,2,3\nc,4,5\na,3,3\n", "the name 'c=b' stands over 2 columns"),
    ("größe,y\n1,2\n".encode("latin-1"), "line 1 is not utf-8 text.*encoding='latin-1'"),
    (bytes(range(256)), "is not utf-8 text"),
    (b"x,y\n1,2\x00\n3,4\n", "line 2, column 'y'"),
]


@pytest.mark.parametrize("text, words", REFUSED, ids=range(len(REFUSED)))
def test_an_odd_table_is_refused_in_one_sentence(put, text, words):
    with pytest.raises(DataError, match=words) as caught:
        read_table(put(text))
    assert str(caught.value).startswith("t.csv: ") and "\n" not in str(caught.value)


SPECTRUM = {
    "simple": [[1, 2, 3]], "simple_crlf": [[1, 2, 3]], "comma_in_quotes": [[1, 1, 1, 1, 8123]],
    "empty": "line 2, column 'b' is missing", "empty_crlf": "line 2, column 'b' is missing",
    "escaped_quotes": "line 2, column 'b' is 'ha \"ha\" ha', not a number",
    "json": "line 2, column 'val' is .*, not a number; a target must be a number",
    "location_coordinates": "line 2, column 'Counties' is 'Stanislaus', not a number; a target must be",
    "newlines": "line 3, column 'a' is 'Once upon .*, not a number",
    "newlines_crlf": "line 3, column 'a' is 'Once upon .*, not a number",
    "quotes_and_newlines": "line 2, column 'b' is 'ha .*, not a number",
    "utf8": "line 3, column 'c' is 'ʤ', not a number",
}  # fmt: skip


@pytest.mark.parametrize("name", SPECTRUM)
def test_csv_spectrum_as_tables_of_numbers(shared_data, name):
    path, expected = shared_data(f"csv_spectrum/csvs/{name}.csv"), SPECTRUM[name]
    if isinstance(expected, list):
        assert read_table(path).values.tolist() == expected
    else:
        with pytest.raises(DataError, match=rf"{name}.csv: {expected}"):
            read_table(path)


# --- which columns ---


def test_targets_and_inputs_by_name_and_place(put):
    path = put("a,b,y,z\n1,2,3,4\n5,6,7,8\n9,8,7,6\n")
    assert (read_table(path, targets="y").inputs, read_table(path, targets=0).inputs) == (
        ("a", "b", "z"),
        ("b", "y", "z"),
    )
    assert read_table(path, targets=[-1, "a"]).targets == ("z", "a")
    assert repr(read_table(path, inputs=["b"])) == "Table(3 rows: b -> z)"
    assert repr(read_table(path, inputs=[1, "z"], targets="y")) == "Table(3 rows: b, z -> y)"
    assert repr(read_table(path, columns=["a", "y"])) == "Table(3 rows: a -> y)"
    assert repr(read_table(path, columns=["a"], targets="y")) == "Table(3 rows: a -> y)"
    for wrong, words in (("q", "no column 'q'; it has a, b, y, z"), (9, "has 4 columns, so none with the number 9")):
        with pytest.raises(DataError, match=words):
            read_table(path, targets=wrong)
    with pytest.raises(DataError, match="z is the target, and no input is left"):
        read_table(path, inputs="z")


def test_rows_that_are_left_out_are_counted(put):
    table = read_table(put("c,x,y\nred,1,2\n,2,3\nred,,4\nblue,4,5\n"), drop_missing=True)
    assert table.row_numbers.tolist() == [0, 3] and table.values.tolist() == [[1, 1, 2], [0, 4, 5]]
    assert read_table({"x": [1], "y": [2]}).row_numbers is None


# --- objects of other libraries ---

DAYS = [datetime.datetime(2024, 1, i + 1) for i in range(6)]
COLUMNS = {
    "a": np.arange(6.0), "c": list("xyxzyx"), "ok": [True, False] * 3, "t": DAYS, "y": 2 * np.arange(6.0)
}  # fmt: skip
WANTED = np.column_stack([
    np.arange(6), [1, 0, 1, 0, 0, 1], [0, 1, 0, 0, 1, 0], [0, 0, 0, 1, 0, 0], [1, 0] * 3, np.arange(6), 2 * np.arange(6)
])  # fmt: skip


def holders(tmp_path):
    pd, pa, pl = (pytest.importorskip(name, reason="frames of others") for name in ("pandas", "pyarrow", "polars"))
    yield "dict", COLUMNS
    yield "records", [dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)]
    yield "pandas", pd.DataFrame(COLUMNS)
    yield "category", pd.DataFrame(COLUMNS).astype({"c": "category"})
    yield "nullable", pd.DataFrame(COLUMNS).convert_dtypes()
    yield "polars", pl.DataFrame(COLUMNS)
    yield "lazy", pl.DataFrame(COLUMNS).lazy()
    yield "arrow", pa.table(COLUMNS)
    yield "batch", pa.record_batch(COLUMNS)
    path = tmp_path / "t.parquet"
    pd.DataFrame(COLUMNS).to_parquet(path)
    yield "parquet", path
    text = pd.DataFrame(COLUMNS).to_csv(index=False)
    yield "text", io.StringIO(text)
    yield "bytes", io.BytesIO(text.encode())


def test_the_same_table_from_everything_that_holds_it(tmp_path):
    for kind, source in holders(tmp_path):
        table = read_table(source)
        assert table.names == ("a", "c=x", "c=y", "c=z", "ok", "t", "y"), kind
        np.testing.assert_array_equal(table.values, WANTED, err_msg=kind)
        assert [c.words() for c in table.coding if c.kind == "time"] == ["days since 2024-01-01"], kind


def test_excel(tmp_path):
    openpyxl = pytest.importorskip("openpyxl", reason="writes the files")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "first"
    for row in ([None, "x", "when", "ok", "y"], [None, 0.1, DAYS[0], True, 5], [None, 0.2, DAYS[2], False, 6]):
        sheet.append(row)
    book.save(tmp_path / "one.xlsx")
    assert read_table(tmp_path / "one.xlsx") == Table(["x", "when", "ok", "y"], [[0.1, 0, 1, 5], [0.2, 2, 0, 6]])
    more = book.create_sheet("second")
    more.append([1, 2])
    more.append([3, None])
    book.save(tmp_path / "two.xlsx")
    with pytest.raises(DataError, match="several sheets, first, second; name one, such as sheet='first'"):
        read_table(tmp_path / "two.xlsx")
    assert len(read_table(tmp_path / "two.xlsx", sheet="first")) == 2
    with pytest.raises(DataError, match=r"two\.xlsx \[second\]: line 2, column 'c2' is missing"):
        read_table(tmp_path / "two.xlsx", sheet=1)
    with pytest.raises(DataError, match=r"sheet: two\.xlsx has no sheet 'third'; it has first, second"):
        read_table(tmp_path / "two.xlsx", sheet="third")
    with pytest.raises(DataError, match="sheet: only an Excel file has such a thing"):
        read_table({"x": [1]}, sheet=1)
    (tmp_path / "bad.xlsx").write_text("no")
    with pytest.raises(DataError, match="not a readable Excel file"):
        read_table(tmp_path / "bad.xlsx")


def test_series_and_xarray():
    pd, xr, pl = (pytest.importorskip(name, reason="of others") for name in ("pandas", "xarray", "polars"))
    series = pd.Series([1.0, 2.0], index=pd.Index([0.5, 1.5], name="x"), name="v")
    assert read_table(series) == Table(["x", "v"], [[0.5, 1], [1.5, 2]])
    with pytest.raises(DataError, match="a Series is one column"):
        read_table(pl.Series([1.0]))
    grid = xr.DataArray(np.arange(6.0).reshape(2, 3), dims=("p", "q"), coords={"p": [0, 1], "q": [5, 6, 7]}, name="z")
    assert repr(read_table(grid)) == "Table(6 rows: p, q -> z)"
    assert read_table(grid).values[4].tolist() == [1, 6, 4]
    both = xr.Dataset({"z": grid.T, "w": grid.sum("q")})
    table = read_table(both)
    assert table.inputs == ("q", "p", "z") and table.targets == ("w",)  # dimensions in the order they come
    frame = both.to_dataframe().reset_index()[list(table.names)].sort_values(["q", "p"])
    np.testing.assert_array_equal(table.values, frame.to_numpy())
    assert repr(read_table(xr.Dataset({"u": ("row", [1.0]), "v": ("row", [3.0])}))) == "Table(1 rows: u -> v)"
    with pytest.raises(DataError, match="no coordinates"):
        read_table(xr.DataArray(np.arange(3.0)))


# --- fits of such tables ---


@pytest.fixture(scope="module")
def frame():
    pd = pytest.importorskip("pandas", reason="a frame with texts")
    rng = np.random.default_rng(0)
    n = 60
    data = pd.DataFrame({
        "size": rng.uniform(0, 1, n), "colour": rng.choice(["red", "green", "blue"], n),
        "sold": rng.choice(["yes", "no"], n), "day": pd.date_range("2024-01-01", periods=n), "price": 0.0,
        "weight": rng.uniform(0.5, 1, n),
    })  # fmt: skip
    data["price"] = 2 * data["size"] + 3.0 * (data.colour == "red") + (data.sold == "yes") + np.arange(n) / n
    return data


@pytest.fixture(scope="module")
def fitted(frame):
    return surefit.fit(frame, target="price", columns=["size", "colour", "sold", "day"], method="polynomial")


def test_a_fit_takes_the_texts_it_was_made_with(frame, fitted, tmp_path):
    np.testing.assert_allclose(fitted.predict(frame), frame.price, atol=1e-6)
    row = {"size": 0.5, "colour": "red", "sold": "yes", "day": "2024-01-31"}
    assert fitted.predict(row)[0] == pytest.approx(1 + 3 + 1 + 0.5, abs=1e-6)
    np.testing.assert_array_equal(fitted.predict([list(row.values())]), fitted.predict(row))
    assert fitted(0.5, "red", "yes", day="2024-01-31") == fitted(row) == fitted.predict(row)[0]
    assert fitted(0.5, ["red", "blue"], "yes", "2024-01-31").shape == (2,)
    np.testing.assert_array_equal(fitted.predict(frame.iloc[3]), fitted.predict(frame)[3:4])
    again = surefit.load(fitted.save(tmp_path / "m.safetensors"))
    np.testing.assert_array_equal(again.predict(frame), fitted.predict(frame))
    card = fitted.card()
    assert "day: days since 2024-01-01" in card and "colour: one of blue, green, red" in card
    assert not fitted.doctor().find("dependent-inputs")  # though the columns of a text sum to 1


@pytest.mark.parametrize(
    "change, words",
    [
        ({"colour": "pink"}, "column 'colour' is 'pink', which is none of the known blue, green, red"),
        ({"colour": 3.0}, "column 'colour' holds numbers; when this was fitted it held the texts blue, green, red"),
        ({"sold": "maybe"}, "column 'sold' is 'maybe', expected 1 for yes, 0 for no"),
        ({"day": "soon"}, "column 'day' is 'soon', expected days since 2024-01-01"),
        ({"size": "a"}, "column 'size' is 'a', a text and not a number"),
    ],
)
def test_what_a_fit_does_not_know_is_refused(fitted, change, words):
    row = {"size": 0.5, "colour": "red", "sold": "yes", "day": "2024-01-31"} | change
    with pytest.raises(DataError, match=words):
        fitted.predict(row)
    row.pop("colour")
    with pytest.raises(DataError, match="no column 'colour'; the inputs are size, colour, sold, day"):
        fitted.predict(row)


def test_names_of_what_was_coded(fitted):
    coding = fitted.problem.coding
    assert raw_names(fitted.names, coding) == ["size", "colour", "sold", "day"]
    numbers = points_from({"size": 0.1, "colour": "blue", "sold": "no", "day": "2024-01-02"}, fitted.names, "f", coding)
    np.testing.assert_allclose(numbers, [[0.1, 1, 0, 0, 0, 1]])
    np.testing.assert_array_equal(points_from(numbers, fitted.names, "f", coding), numbers)
    with pytest.raises(ShapeError):
        points_from([[1.0, 2.0]], fitted.names, "f", coding)


def test_fit_takes_columns_and_refuses_what_is_not_for_it(frame, tmp_path):
    path = tmp_path / "t.csv"
    frame.to_csv(path, index=False)
    fit = surefit.fit(path, target="price", columns=["size", "colour"], method="polynomial")
    assert fit.outputs == ("price",) and fit.names[0] == "size" and fit.call["target"] == "'price'"
    (tmp_path / "comma.csv").write_text("x;y\n" + "".join(f"{i},5;{2 * i},25\n" for i in range(20)))
    fit = surefit.fit(tmp_path / "comma.csv", decimal=",", method="polynomial")
    assert fit.predict([1.0])[0] == pytest.approx(1.25)
    for name in ("target", "columns", "decimal", "sheet"):
        with pytest.raises(ArgumentError, match=f"{name}: is for the columns of a table, and a function has none"):
            surefit.fit("sin(x)", "x=0:1", **{name: "x"})
    with pytest.raises(DomainError, match="'price' is no interval; if it is the column to predict, say target='price'"):
        surefit.fit(frame, "price")


def test_weights_may_be_a_column_and_follow_the_rows_that_stay(frame):
    holes = frame.copy()
    holes.loc[[3, 7], "size"] = np.nan
    plan = surefit.Sampling(weights="weight", drop_nonfinite=True)
    fit = surefit.fit(holes, target="price", data=plan, method="polynomial")
    assert "weight" not in fit.names
    kept = holes.dropna()
    rows = fit.problem.row_numbers["train"]
    np.testing.assert_array_equal(fit.problem.weights, kept.weight.to_numpy()[rows])
    array = surefit.Sampling(weights=holes.weight.to_numpy(), drop_nonfinite=True)  # one for each row, before any goes
    other = surefit.fit(holes, target="price", columns=list(frame.columns[:4]), data=array, method="polynomial")
    np.testing.assert_array_equal(other.problem.weights, fit.problem.weights)
    with pytest.raises(DataError, match="weights: the table has no column 'w'"):
        surefit.fit(frame, target="price", data=surefit.Sampling(weights="w"))
    with pytest.raises(DataError, match="weights: 'weight' is the last column, which is the target"):
        surefit.fit(frame, data=surefit.Sampling(weights="weight"))
    with pytest.raises(ArgumentError, match="names a column of a table, and a function has none"):
        surefit.fit("x", "x=0:1", data=surefit.Sampling(weights="w"))


@pytest.mark.parametrize("wanted", [1.0, object(), b"y", [1.0], [None]])
def test_what_names_no_column_is_told(wanted):
    rows = {"a": np.arange(9.0), "y": np.arange(9.0)}
    with pytest.raises(DataError, match="target: dict has no column"):
        surefit.fit(rows, target=wanted, method="polynomial")
    with pytest.raises(DataError, match="columns: dict has no column"):
        surefit.fit(rows, columns=wanted, method="polynomial")


def test_a_table_of_test_rows_is_coded_as_the_other(frame):
    fit = surefit.fit(
        frame[:40], target="price", columns=["size", "colour", "day"], method="polynomial",
        data=surefit.Sampling(test=frame[40:]),
    )  # fmt: skip
    assert fit.problem.test[0][0, -1] == 40.0  # days since the first of the training rows
    odd = frame[40:].assign(colour="pink")
    with pytest.raises(DataError, match=r"test: .*'pink', which is none of the known"):
        surefit.fit(frame[:40], target="price", columns=["size", "colour"], data=surefit.Sampling(test=odd))


@pytest.mark.parametrize("rows", [2, 5, 9])
def test_few_rows_are_all_trained_on(rows):
    x = np.linspace(0, 1, rows)
    fit = surefit.fit((x, 3 * x), method="polynomial")
    assert fit.problem.sizes() == {"train": rows, "validation": 0, "test": 0}
    assert re.search(f"{rows} rows are too few to hold some out", fit.card())
    with pytest.raises(ArgumentError, match="too few for shares"):
        surefit.fit((x, 3 * x), data=surefit.Sampling(split=(0.98, 0.01, 0.01)))


@pytest.mark.parametrize("orient", ["index", "table", "columns", "split", "records"])
def test_json_of_pandas_is_the_same_table_however_it_lies(tmp_path, orient):
    """Rows by their labels were 30 columns of two rows, and an index that counts rows an input."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"x": np.linspace(0, 3, 30), "y": np.arange(30.0) ** 2})
    path = tmp_path / "t.json"
    frame.to_json(path, orient=orient, double_precision=15)
    table = read_table(path)
    assert table.names == ("x", "y")
    assert np.allclose(table.x[:, 0], frame.x) and np.allclose(table.y[:, 0], frame.y)


def test_an_index_that_says_something_stays_a_column(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"y": [1.0, 4.0, 9.0]}, index=pandas.Index([0.5, 1.0, 1.5], name="x"))
    frame.to_json(tmp_path / "t.json", orient="table")
    assert read_table(tmp_path / "t.json").names == ("x", "y")


def test_what_is_no_table_is_told_what_to_do():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"x": [1.0, 2.0], "z": [1.0, 2.0], "y": [1.0, 2.0]})
    for target, words in [
        (["a.csv", "b.csv"], "join them"),
        ("runs/*.parquet", "a pattern is not looked up"),
        (frame.set_index(["x", "z"]), "reset_index"),
        ("https://some.where/c.csv", "'https://some.where/c.csv'"),
    ]:
        with pytest.raises(DataError, match=words):
            surefit.fit(target)


def test_columns_of_a_dict_keep_what_their_library_knows_of_them():
    pandas = pytest.importorskip("pandas")
    days = pandas.period_range("2024-01", periods=3, freq="M")
    table = read_table({"t": days, "y": [1.0, 2.0, 3.0]})
    assert table.x[:, 0].tolist() == [0.0, 31.0, 60.0]


def test_a_card_calls_a_table_a_table():
    for source in ({"x": [1.0, 2.0, 3.0], "y": [1.0, 2.0, 4.0]}, [{"x": float(i), "y": i * i} for i in range(3)]):
        assert surefit.fit(source, method="polynomial").target == "table (3 rows)"
