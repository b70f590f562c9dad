"""Times with and without a zone, impossible times, periods, and numbers that their source calls categories."""

from __future__ import annotations

import datetime
import io
import math
import tracemalloc

import numpy as np
import pytest

import surefit
from surefit.data import read_table
from surefit.data.columns import Coded
from surefit.errors import DataError

HOURS = np.arange(48.0)


def aware(zone=datetime.UTC):
    begin = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    return [(begin + datetime.timedelta(hours=h)).astimezone(zone) for h in HOURS]


def sources():
    pd = pytest.importorskip("pandas", reason="frames of pandas")
    yield "pandas", pd.DataFrame({"t": pd.date_range("2024-01-01", periods=48, freq="h", tz="UTC"), "y": HOURS})
    yield "Berlin", pd.DataFrame({"t": pd.to_datetime(aware()).tz_convert("Europe/Berlin"), "y": HOURS})
    yield "dict", {"t": aware(datetime.timezone(datetime.timedelta(hours=5))), "y": HOURS}
    yield "texts", {"t": [t.isoformat() for t in aware()], "y": HOURS}
    try:
        import polars as pl
        import pyarrow as pa
    except ImportError:
        return
    yield "polars", pl.DataFrame({"t": aware(), "y": HOURS})
    yield "pyarrow", pa.table({"t": pa.array(aware(), pa.timestamp("us", tz="UTC")), "y": HOURS})


def test_moments_with_a_zone_do_not_meet_such_without_one():
    for name, source in sources():
        fit = surefit.fit(source, method="polynomial")
        card = dict(fit.card_rows())["columns"]
        assert card == "t: seconds since 2024-01-01 00:00:00 UTC", name
        assert fit.predict({"t": "2024-01-01T12:00:00+02:00"})[0] == pytest.approx(10.0), name
        for value in ("2024-01-01 12:00:00", np.datetime64("2024-01-01T12:00"), datetime.datetime(2024, 1, 1, 12)):
            with pytest.raises(DataError, match=r"column 't' has no time zone.*such as 2024-01-01T00:00:00Z"):
                fit.predict({"t": value})
    plain = surefit.fit({"t": [f"2024-01-01 {h:02.0f}:00" for h in range(24)], "y": HOURS[:24]}, method="polynomial")
    assert dict(plain.card_rows())["columns"] == "t: seconds since 2024-01-01 00:00:00"
    with pytest.raises(DataError, match=r"has a time zone .*it had none, such as 2024-01-01T00:00:00"):
        plain.predict({"t": aware()[3]})


def test_the_zone_is_kept_in_the_file(tmp_path):
    fit = surefit.fit({"t": aware(), "y": HOURS}, method="polynomial")
    loaded = surefit.load(fit.save(tmp_path / "zone.safetensors"))
    assert loaded.problem.coding == fit.problem.coding and loaded.card() == fit.card()
    with pytest.raises(DataError, match="no time zone"):
        loaded.predict({"t": "2024-01-01 12:00"})


def test_whole_days_need_no_zone():
    days = [datetime.datetime(2024, 1, 1 + i, tzinfo=datetime.UTC) for i in range(20)]
    fit = surefit.fit({"t": days, "y": np.arange(20.0)}, method="polynomial")
    assert fit.predict({"t": "2024-01-06"})[0] == pytest.approx(5.0)


def test_some_with_a_zone_and_some_without_are_refused():
    mixed = [*aware()[:24], *(t.replace(tzinfo=None) for t in aware()[24:])]
    with pytest.raises(DataError, match="some times have a time zone, some not"):
        surefit.fit({"t": mixed, "y": HOURS})


@pytest.mark.parametrize("odd", ["10:75", "13:05 PM", "0:30 AM", "10:20:75"])
def test_times_of_day_that_there_are_not(odd):
    with pytest.raises(DataError, match=f"'{odd}': there is no such time of day"):
        read_table(io.StringIO(f"t,y\n9:30,1\n{odd},2\n"))
    with pytest.raises(DataError, match=r"no date .*there is no such time of day"):
        read_table(io.StringIO(f"t,y\n2024-01-01 9:30,1\n2024-01-02 {odd},2\n"))


def test_periods_are_their_first_moments():
    pd = pytest.importorskip("pandas", reason="frames of pandas")
    frame = pd.DataFrame({"t": pd.period_range("2020-01", periods=36, freq="M"), "y": np.arange(36.0)})
    fit = surefit.fit(frame, method="polynomial")
    assert dict(fit.card_rows())["columns"] == "t: days since 2020-01-01"
    assert fit.predict({"t": "2021-01"})[0] == pytest.approx(12.0, abs=0.1)


# --- categories that are numbers -------------------------------------------------------------------------------------


def coded_by(values):
    """The means that a table has for each category, which no line through the numbers gives."""
    return np.select([values == 1, values == 2], [5.0, -3.0], 1.0)


def category_frames():
    pd = pytest.importorskip("pandas", reason="frames of pandas")
    kind = np.tile([1, 2, 7], 20)
    yield "int", pd.DataFrame({"kind": pd.Categorical(kind), "y": coded_by(kind)})
    yield "float", pd.DataFrame({"kind": pd.Categorical(kind.astype(float)), "y": coded_by(kind)})
    try:
        import pyarrow as pa
    except ImportError:
        return
    yield "arrow", pa.table({"kind": pa.array(kind).dictionary_encode(), "y": coded_by(kind)})


def test_what_a_frame_calls_categories_is_no_number_line(tmp_path):
    for name, frame in category_frames():
        fit = surefit.fit(frame, method=surefit.Polynomial(degree=1))
        assert dict(fit.card_rows())["columns"] == "kind: one of 1, 2, 7", name
        for given in ([1, 2, 7], ["1", "2", "7"], np.array([1.0, 2.0, 7.0])):
            assert fit.predict({"kind": given}) == pytest.approx([5.0, -3.0, 1.0], abs=1e-9), name
        loaded = surefit.load(fit.save(tmp_path / f"{name}.safetensors"))
        assert loaded.predict({"kind": [7]}) == pytest.approx([1.0], abs=1e-9)
        for odd in (3, "3", 1.5):
            with pytest.raises(DataError, match=f"'{odd}', which is none of the known 1, 2, 7"):
                fit.predict({"kind": [1, odd] if not isinstance(odd, str) else ["1", odd]})
    plain = surefit.fit({"kind": [1, 2, 7] * 20, "y": [5.0, -3.0, 1.0] * 20}, method="polynomial")
    assert "columns" not in dict(plain.card_rows())  # numbers in any other source stay numbers


def test_numbers_that_are_categories_are_taken_by_place():
    pd = pytest.importorskip("pandas", reason="frames of pandas")
    kind = np.tile([1, 2, 7], 20)
    frame = pd.DataFrame({"kind": pd.Categorical(kind), "x": np.linspace(0, 1, 60)})
    frame["y"] = coded_by(kind) + frame.x
    fit = surefit.fit(frame, method=surefit.Polynomial(degree=1))
    for rows in ([[2, 0.5]], [("2", 0.5)], np.array([[2.0, 0.5]]), [[0, 1, 0, 0.5]]):
        assert fit.predict(rows) == pytest.approx([-2.5], abs=1e-9)
    assert [fit(2, 0.5), fit("2", 0.5), fit.slice(kind=2)(0.5), fit.slice(kind="2")(0.5)] == pytest.approx([-2.5] * 4)
    assert fit.maximum().at["kind"] == "1" and fit.sensitivity().names == ("kind", "x")


def test_missing_categories_are_missing():
    pd = pytest.importorskip("pandas", reason="frames of pandas")
    kind = pd.Categorical([1, 2, None] * 20)
    y = np.tile([5.0, -3.0, 1.0], 20)
    with pytest.raises(DataError, match="row 2, column 'kind' is missing"):
        surefit.fit(pd.DataFrame({"kind": kind, "y": y}))
    fit = surefit.fit(pd.DataFrame({"kind": kind, "y": y}), missing="median", method=surefit.Polynomial(degree=1))
    assert fit.predict({"kind": [1, None]}) == pytest.approx([5.0, 1.0], abs=1e-9)


def test_categories_as_classes_groups_and_keys():
    pd = pytest.importorskip("pandas", reason="frames of pandas")
    t = np.linspace(0, 6, 20)
    frame = pd.DataFrame({"s": pd.Categorical(np.repeat([3, 5], 20)), "t": np.tile(t, 2), "v": np.r_[np.sin(t), t / 6]})
    assert surefit.fit_many(frame, by="s", x="t", y="v")[5](3.0) == pytest.approx(0.5, abs=0.05)
    three = pd.concat([frame, frame.assign(s=7)]).astype({"s": "category"})
    assert surefit.fit(three, data=surefit.Sampling(groups="s"), method="polynomial").names == ("t",)
    classes = surefit.fit(frame, task="classify", target="s", method="features", model=(5,))
    assert classes.classified.classes == (3, 5)


def test_categories_of_many_rows_take_the_memory_of_a_few_columns_of_numbers():
    arrow = pytest.importorskip("pyarrow", reason="a table of pyarrow")
    rows = 100_000
    kinds = np.array(["red", "green", "blue"])[np.arange(rows) % 3]
    table = arrow.table({"kind": kinds, "y": np.arange(rows) / rows})
    read_table(table.slice(0, 100))
    tracemalloc.start()
    try:
        found = read_table(table)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.values[:3, :3].tolist() == [[0, 0, 1], [0, 1, 0], [1, 0, 0]]
    assert peak < 22 * 8 * rows  # of which four columns are the table itself


def test_texts_of_arrow_are_those_of_its_rows():
    arrow = pytest.importorskip("pyarrow", reason="tables of pyarrow")
    rows = ["b", "a", None, "a", "c", "b", "a", "b", "c", "a"] * 3
    of_chunks = arrow.chunked_array([rows[:4], [], rows[4:]], arrow.large_string())
    for texts in (arrow.array(rows), of_chunks, arrow.array(["z", *rows, "z"])[1:-1]):
        table = arrow.table({"kind": texts, "y": np.arange(30.0)})
        found = read_table(table, missing="median")
        own = read_table({"kind": rows, "y": np.arange(30.0)}, missing="median")
        assert found.coding == own.coding
        np.testing.assert_array_equal(found.values, own.values)


# --- where an error is, as people write such places ---


def test_places_are_said_in_the_texts_and_times_of_the_table(tmp_path):
    rng = np.random.default_rng(0)
    hours = np.datetime64("2024-03-01T00:00") + np.arange(60).astype("m8[h]")
    colours, two = (
        np.array(["red", "green", "blue"])[rng.integers(0, 3, 60)],
        np.array(["on", "off"])[np.arange(60) % 2],
    )
    gaps = np.where(np.arange(60) % 5 == 0, np.nan, rng.random(60))
    table = {"when": hours, "colour": colours, "switch": two, "gap": gaps, "z": rng.random(60), "y": rng.random(60)}
    fit = surefit.fit(
        table, missing="median", method="features", model=(4,), data=surefit.Sampling(split=(0.8, 0.1, 0.1))
    )
    fit.save(tmp_path / "m.safetensors")
    place = fit.error.at  # in the numbers of the network
    row = next(
        i for i in range(60) if abs(place["when"] - 3600 * i) < 1 and abs(place["z"] - table["z"][i]) < 1e-6
    )  # fmt: skip
    gap = "gap=missing" if np.isnan(gaps[row]) else f"gap={gaps[row]:.4g}"
    wanted = f"when={str(hours[row]).replace('T', ' ')}:00, colour={colours[row]}, switch={two[row]}, {gap}"
    for one in (fit, surefit.load(tmp_path / "m.safetensors")):
        assert one.error.where.startswith(wanted) and wanted in str(one) and wanted in one.card("zh")
        assert one.error.where.endswith(f"z={table['z'][row]:.4g}")
        assert one.error.at == place and one.predict({k: [v[row]] for k, v in table.items()}).shape == (1,)


@pytest.mark.parametrize(
    "code, numbers, said",
    [
        (Coded("d", "time", unit="days", origin="2024-01-01"), [31.0], "2024-02-01"),
        (Coded("d", "time", unit="days", origin="2024-01-01"), [0.5], "2024-01-01 12:00:00"),
        (
            Coded("t", "time", unit="seconds", origin="2024-01-01T00:00:00", zoned=True),
            [90.25],
            "2024-01-01 00:01:30.25Z",
        ),
        (Coded("c", "text", ("a", "b")), [0.0], "a"),
        (Coded("c", "text", ("a", "b")), [1.0], "b"),
        (Coded("c", "text", ("a", "b", "c")), [0.0, 1.0, 0.0], "b"),
        (Coded("n", "number", fill=2.0, flagged=True), [2.0, 1.0], "missing"),
        (Coded("n", "number", fill=2.0, flagged=True), [3.0, 0.0], 3.0),
        (Coded("s", "duration", unit="seconds"), [3.0], 3.0),
        (Coded("d", "time", unit="days", origin="2024-01-01"), [math.nan], math.nan),
    ],
)
def test_what_stood_in_a_column_is_told_from_its_numbers(code, numbers, said):
    assert (
        code.said(numbers) == pytest.approx(said, nan_ok=True)
        if isinstance(said, float)
        else code.said(numbers) == said
    )
