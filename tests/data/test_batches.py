"""Tables in parts: every row once, in order or shuffled, with its number, from whatever holds the table."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from surefit.data import batches
from surefit.data.batches import batches_of
from surefit.data.columns import Raw
from surefit.data.sources import raw_of
from surefit.errors import DataError

arrow = pytest.importorskip("pyarrow", reason="tables in parts are read by pyarrow")
parquet = pytest.importorskip("pyarrow.parquet", reason="tables in parts are read by pyarrow")
ROWS = 3000
VALUES = np.column_stack([np.arange(float(ROWS)), np.random.default_rng(0).random(ROWS)])


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(batches, "BLOCK", 500)
    monkeypatch.setattr(batches, "READ", 5000)


def write(path, values, group=170, **more):
    parquet.write_table(arrow.table({"a": values[:, 0], "y": values[:, 1]} | more), path, row_group_size=group)
    return path


def text(values, end="\n"):
    return "".join([f"# of a test{end}a,y{end}", *(f"{a!r},{y!r}{end}" for a, y in values.tolist())])


def csv(folder):
    (folder / "t.csv").write_text(text(VALUES), encoding="utf-8")
    return folder / "t.csv"


def windows_csv(folder):
    lines = b"\xef\xbb\xbf" + text(VALUES, "\r\n").encode() + b"\r\n" * 4000  # a part of blank lines at the end
    (folder / "w.csv").write_bytes(lines)
    return folder / "w.csv"


def packed_csv(folder):
    (folder / "t.csv.gz").write_bytes(gzip.compress(text(VALUES).encode()))
    return folder / "t.csv.gz"


def many_files(folder):
    (folder / "all").mkdir()
    for i, part in enumerate(np.split(VALUES, [500, 501, 2000])):
        write(folder / "all" / f"part-{i}.parquet", part, 700)
    return folder / "all"


def partitioned(folder):
    for i, part in enumerate(np.split(VALUES, [900, 1000])):
        (folder / "hive" / f"kind={i}").mkdir(parents=True)
        write(folder / "hive" / f"kind={i}" / "part.parquet", part)
    return folder / "hive"


def frame(folder):
    dask = pytest.importorskip("dask.dataframe", reason="the partitions are Dask's")
    pandas = pytest.importorskip("pandas", reason="of frames of pandas")
    return dask.from_pandas(pandas.DataFrame(VALUES, columns=["a", "y"]), npartitions=5)


SOURCES = {
    "one file": lambda folder: write(folder / "t.parquet", VALUES),
    "one row group": lambda folder: write(folder / "one.parquet", VALUES, ROWS),
    "many files": many_files, "partitioned": partitioned, "csv": csv, "windows csv": windows_csv,
    "packed csv": packed_csv, "dask": frame, "columns": lambda folder: {"a": VALUES[:, 0], "y": VALUES[:, 1]},
}  # fmt: skip
IN_ORDER = ("packed csv", "one row group")  # what cannot be read from the middle


def numbers_of(start, part):
    """The rows of a part by the number that stands in each of them, which is that of the row."""
    raw = part if isinstance(part, Raw) else raw_of(part)
    found = np.asarray(raw.columns[raw.names.index("a")], np.float64)
    np.testing.assert_array_equal(found, start + np.arange(len(found)))
    return found


@pytest.mark.parametrize("name", SOURCES)
def test_every_row_comes_once_with_its_number_in_order_and_shuffled(tmp_path, name):
    source = batches_of(SOURCES[name](tmp_path), True, {})
    np.testing.assert_array_equal(np.concatenate(list(source.map(numbers_of, ["a", "y"]))), VALUES[:, 0])
    orders = []
    for seed in (1, 1, 2):
        parts = list(source.map(numbers_of, ["a", "y"], np.random.default_rng(seed)))
        assert len(parts) > 3
        orders.append(np.concatenate(parts))
        np.testing.assert_array_equal(np.sort(orders[-1]), VALUES[:, 0])
    np.testing.assert_array_equal(orders[0], orders[1])
    shuffled = not np.array_equal(orders[0], VALUES[:, 0]) and not np.array_equal(orders[0], orders[2])
    assert shuffled is (name not in IN_ORDER)


def test_large_row_groups_are_read_in_turn(tmp_path):
    source = batches_of(write(tmp_path / "t.parquet", VALUES, 1500), True, {})
    first = [int(part[0]) for part in source.map(numbers_of, ["a"], np.random.default_rng(0))]
    assert sorted(first) == [0, 500, 1000, 1500, 2000, 2500]
    assert {one // 1500 for one in first[:2]} == {0, 1}


def test_the_columns_of_a_dataset_are_those_of_all_its_files(tmp_path):
    folder = tmp_path / "all"
    (folder / "kind=u").mkdir(parents=True)
    (folder / "kind=v").mkdir()
    write(folder / "kind=u" / "p.parquet", VALUES[:1000])
    table = arrow.table({"y": arrow.array(VALUES[1000:, 1]), "a": arrow.array(np.arange(1000, ROWS))})
    parquet.write_table(table, folder / "kind=v" / "p.parquet")  # whole numbers, in another order
    source = batches_of(folder, True, {})
    for columns in (None, ["kind", "y", "a"]):
        parts = list(source.parts(columns))
        found = {n: np.concatenate([p.columns[p.names.index(n)] for p in parts]) for n in ("a", "y", "kind")}
        np.testing.assert_array_equal(found["a"].astype(float), VALUES[:, 0])
        np.testing.assert_array_equal(found["y"], VALUES[:, 1])
        assert found["kind"].tolist() == ["u"] * 1000 + ["v"] * 2000


def test_a_delimiter_and_a_header_that_were_told_hold_for_all_parts(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("".join(f"{a!r}|{y!r}\n" for a, y in VALUES.tolist()), encoding="utf-8")
    source = batches_of(path, True, {"delimiter": "|", "header": False})
    found = np.concatenate([part.columns[0] for part in source.parts()])
    np.testing.assert_array_equal(found, VALUES[:, 0])
    with pytest.raises(DataError, match="its encoding is gbk"):
        batches_of(path, True, {"encoding": "gbk"})


def test_a_line_without_an_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "LONGEST", 20_000)
    monkeypatch.setattr(batches, "HEAD", 2000)
    path = csv(tmp_path)
    with path.open("a", encoding="utf-8") as file:
        file.write("1," + "1" * 100_000 + "\n2,2\n")
    with pytest.raises(DataError, match="a line of more than"):
        list(batches_of(path, True, {}).parts())


def test_a_file_that_breaks_off_is_named(tmp_path):
    path = write(tmp_path / "t.parquet", VALUES, ROWS)
    source, data = batches_of(path, True, {}), path.read_bytes()
    path.write_bytes(data[:4] + bytes(len(data) - 2000) + data[len(data) - 1996 :])
    with pytest.raises(DataError, match=r"t\.parquet: .*(read to its end|not a readable)"):
        list(source.parts())
