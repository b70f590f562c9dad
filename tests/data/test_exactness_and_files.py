"""What a table must not lose: numbers that differ, masks, names; and what it must not open or keep trying to read."""

from __future__ import annotations

import gzip
import io
import os
from decimal import Decimal

import numpy as np
import pandas
import pyarrow
import pytest

from surefit.data import Domain, Sampling, Table, is_table_path, points_from, read_table, sample
from surefit.errors import ArgumentError, DataError
from surefit.problems.posing import pose

NANOSECONDS = 1_700_000_000_000_000_000 + 100 * np.arange(400)  # neighbours in float64 are 256 apart
Y = np.arange(400.0)


@pytest.mark.parametrize(
    "source",
    [
        (NANOSECONDS.astype(object), Y),
        (pandas.DataFrame({"t": NANOSECONDS, "u": Y}), Y),
        (pyarrow.table({"t": NANOSECONDS, "u": Y}), Y),
        [[int(n), 0.5] for n in NANOSECONDS],
        {"t": [int(n) for n in NANOSECONDS], "y": Y},
        {"t": np.ma.array(NANOSECONDS, mask=Y < 3), "y": Y},
        {"t": [Decimal(1) + Decimal(int(k)) / 10**20 for k in Y], "y": Y},
    ],
    ids=["objects", "frame", "arrow", "rows", "ints", "masked", "decimals"],
)
def test_numbers_that_differ_do_not_become_one(source):
    with pytest.raises(DataError, match=r"fall together"):
        read_table(source, drop_missing=True)


@pytest.mark.parametrize("lead", ["", "0."])
def test_texts_of_numbers_that_differ_do_not_become_one(tmp_path, lead):
    path = tmp_path / "t.csv"
    path.write_text("t,y\n" + "".join(f"{lead}{n},1\n" for n in NANOSECONDS))
    with pytest.raises(DataError, match=r"column 't' holds numbers .* fall together"):
        read_table(path)


OFFSET = 2**60
STEPS = 1000 * np.arange(40)  # none falls together with another, where float64 has multiples of 256 alone


@pytest.mark.parametrize(
    "source",
    [
        {"t": OFFSET + STEPS, "y": np.sin(STEPS / 9000)},
        {"t": (OFFSET + STEPS).astype(np.uint64), "y": np.sin(STEPS / 9000)},
        {"t": [int(OFFSET + n) for n in STEPS], "y": np.sin(STEPS / 9000)},
        {"t": [Decimal(int(OFFSET + n)) / 10**9 for n in STEPS], "y": np.sin(STEPS / 9000)},
        {"t": np.sin(STEPS / 9000), "y": OFFSET + STEPS},
        io.StringIO("t,y\n" + "".join(f"{OFFSET + n},{n}\n" for n in STEPS)),
    ],
    ids=["int64", "uint64", "ints", "decimals", "target", "text"],
)
def test_numbers_are_not_moved_by_rounding(source):
    with pytest.raises(DataError, match=r"which float64 rounds by up to .*subtract the first one"):
        read_table(source)


def test_what_rounding_does_not_move_is_taken():
    far = OFFSET + 256 * STEPS  # which float64 has
    assert (read_table({"t": far, "y": STEPS})["t"] == far).all()
    wide = np.random.default_rng(0).integers(-(2**62), 2**62, 50)  # rounded by 256 of 1e18
    assert np.abs(read_table({"t": wide, "y": np.arange(50)})["t"] - wide).max() <= 512
    same = read_table({"t": [2**60 + 1] * 5, "y": np.arange(5)})  # one number, which cannot fall together with another
    assert set(same["t"]) == {2.0**60}


def test_the_same_number_spelled_twice_is_no_loss(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("t,y\n0.10000000000000000,1\n0.1000000000000000000,2\n12345678901234567890,3\n")
    assert read_table(path)["t"].tolist() == [0.1, 0.1, 12345678901234567890.0]


def test_random_digits_beyond_float64_are_fine(tmp_path):
    path = tmp_path / "t.csv"
    rng = np.random.default_rng(0)
    path.write_text("t,y\n" + "".join(f"{v:.25f},1\n" for v in rng.random(2000)))
    assert len(read_table(path)) == 2000


def test_masks_inside_a_list_are_kept():
    row = np.ma.array([1.0, 2.0, 1e6], mask=[0, 0, 1])
    with pytest.raises(DataError, match=r"'x3' holds no value"):
        read_table(([row, row], [1.0, 2.0]))
    with pytest.raises(DataError, match=r"missing"):
        read_table(([row, row.data], [1.0, 2.0]))


def test_a_pair_keeps_the_names_of_arrow_tables_and_the_types_of_columns():
    table = read_table((pyarrow.table({"a": [1.0, 2.0], "b": [3, 4]}), pandas.Series([5.0, 6.0], name="c")))
    assert table.inputs == ("a", "b") and table.targets == ("c",) and table.x.tolist() == [[1, 3], [2, 4]]


def test_a_reader_of_batches_is_read_and_three_arrays_are_no_pair():
    assert len(read_table(pyarrow.table({"a": [1, 2], "b": [3.0, 4.0]}).to_reader())) == 2
    with pytest.raises(DataError, match=r"pair"):
        read_table((Y, Y, Y))


@pytest.mark.parametrize(
    "points",
    [
        {"b": [1.0, 2.0], "a": 3.0},
        pandas.DataFrame([[3.0, 1.0], [3.0, 2.0]]),  # without names: by place
        [{"b": 1.0, "a": 3.0}, {"b": 2.0, "a": 3.0}],
        pyarrow.table({"b": [1.0, 2.0], "y": [0.0, 0.0], "a": [3.0, 3.0]}),
    ],
    ids=["number beside column", "frame without names", "records", "arrow"],
)
def test_points_by_name(points):
    assert points_from(points, ("a", "b")).tolist() == [[3.0, 1.0], [3.0, 2.0]]


def test_one_row_by_name():
    row = np.array([(1.0, 3.0)], dtype=[("b", float), ("a", float)])[0]
    series = pandas.DataFrame({"b": [1.0], "y": [0.0], "a": [3.0]}).iloc[0]
    assert points_from(row, ("a", "b")).tolist() == points_from(series, ("a", "b")).tolist() == [[3.0, 1.0]]


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.npy", "t.npz", "t.csv.gz"])
def test_pipes_and_directories_are_refused_before_they_are_opened(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(DataError, match=r"pipe"):
        read_table(tmp_path / name)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match=r"directory"):
        pose(str(tmp_path / "folder.csv"), None, None, 0)


@pytest.mark.parametrize("name", ["a.xls", "a.mat", "a.parquet.gz", "a.sav", "a.dta", "a.h5"])
def test_files_of_others_are_refused_by_name(name):
    assert is_table_path(name)
    with pytest.raises(DataError, match=rf"cannot read '{name}'.*(unpack|save|pandas|scipy)"):
        pose(name, None, None, 0)


@pytest.mark.parametrize("text", ["sin(x)", "x/2.5", "a.b", "0.5", "x" * 5000, "x\0.y"])
def test_formulas_are_no_tables(text):
    assert not is_table_path(text)


def test_a_file_that_exists_is_a_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.b").write_text("x,y\n1,2\n")
    assert is_table_path("a.b")


def test_a_line_without_end_is_refused_in_bounded_memory(tmp_path):
    path = tmp_path / "t.csv.gz"
    with gzip.open(path, "wb", 1) as file:
        file.write(b"x,y\n")
        for _ in range(70):
            file.write(b"1" * (1 << 20))
    with pytest.raises(DataError, match=r"a line is longer than 64 MiB"):
        read_table(path)


def test_many_columns_take_linear_time(own_time):
    n = 50_000
    with own_time() as seconds:
        table = Table([f"c{i}" for i in range(n)], np.zeros((2, n)))
        assert table.select(targets=[f"c{i}" for i in range(2000)]).x.shape == (2, n - 2000)
        assert read_table(np.zeros((2, n))).x.shape == (2, n - 1)
    assert seconds[0] < 5  # 0.2 here; quadratic took minutes


def test_years_above_other_numbers_are_asked_about(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("2019,2020\n1,2\n3,4.5\n")
    with pytest.raises(DataError, match=r"years 2019 to 2020.*header=True"):
        read_table(path)
    assert read_table(path, header=True).names == ("2019", "2020")
    assert len(read_table(path, header=False)) == 3
    path.write_text("2019,2020\n2020,2021\n")  # among others of their kind
    assert len(read_table(path)) == 2
    path.write_text("1,2\n3,4\n")
    assert len(read_table(path)) == 2


def test_more_points_than_memory_are_refused():
    with pytest.raises(ArgumentError, match=r"count: .*memory"):
        sample(Domain("x=0:1"), 10**12)
    with pytest.raises(ArgumentError, match=r"count: .*memory"):
        pose("sin(x)", "x=0:1", Sampling(count=10**13), 0)
