"""Columns of very many texts, of which the rare ones count as one, and codes of which some are numbers."""

from __future__ import annotations

import io

import numpy as np
import pytest

import surefit
from surefit.data import read_table
from surefit.errors import DataError

RNG = np.random.default_rng(0)
ROWS = 1500
PLACE = np.minimum(179, RNG.exponential(35, ROWS).astype(int))
EFFECT = RNG.normal(size=180)
SITES = np.array([f"s{i:03d}" for i in PLACE])
X = RNG.normal(size=ROWS)
Y = EFFECT[PLACE] + X
LINEAR = surefit.Polynomial(degree=1)


def counted(texts):
    values, counts = np.unique(texts, return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


@pytest.fixture(scope="module")
def fit():
    return surefit.fit({"site": SITES, "x": X, "y": Y}, method=LINEAR)


def test_frequent_texts_keep_their_columns_and_rare_ones_share_one(fit):
    (code,) = fit.problem.coding
    counts = counted(SITES)
    kept = set(code.categories) - {"other"}
    assert kept | set(code.rare) == set(counts) and not kept & set(code.rare)
    assert 50 < len(kept) < 100
    assert min(counts[t] for t in kept) > max(counts[t] for t in code.rare)
    assert f"other: any of {len(code.rare)} rarer texts" in str(fit)


def test_rare_texts_are_predicted_as_other_and_unknown_ones_are_refused(fit, tmp_path):
    rare = fit.problem.coding[0].rare
    for one in (fit, surefit.load(fit.save(tmp_path / "m.surefit"))):
        found = one.predict({"site": [rare[0], rare[-1], "other", "s000"], "x": np.zeros(4)})
        assert found[0] == found[1] == found[2]
        assert found[3] == pytest.approx(EFFECT[0], abs=0.1)
        with pytest.raises(DataError, match=r"is 'nowhere', which is none of the known .*'other' stands for rare ones"):
            one.predict({"site": ["nowhere"], "x": [0.0]})


def test_parts_of_a_table_count_the_texts_of_all_rows(tmp_path):
    arrow = pytest.importorskip("pyarrow", reason="Parquet")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(arrow.table({"site": SITES, "x": X, "y": Y}), tmp_path / "t.parquet", row_group_size=400)
    whole = read_table(tmp_path / "t.parquet")
    parts = surefit.fit(tmp_path / "t.parquet", method="features", model=(10,), data=surefit.Sampling(stream=True))
    assert parts.problem.coding == whole.coding


def test_a_missing_text_stays_a_category_of_its_own():
    sites = SITES.astype(object)
    sites[::50] = None
    (code,) = read_table({"site": sites, "y": Y}, missing="median").coding[:1]
    assert {"missing", "other"} <= set(code.categories) and "missing" not in code.rare


def test_a_text_called_other_is_among_the_others():
    sites = SITES.astype(object)
    sites[:200] = "other"
    table = read_table({"site": sites, "y": Y})
    assert table.names.count("site=other") == 1
    assert table["site=other"][:200].all() and "other" not in table.coding[0].rare


def test_texts_that_hardly_repeat_are_no_categories():
    with pytest.raises(DataError, match="1500 different texts in 1500 rows, too many to be categories"):
        read_table({"t": [f"t{i}" for i in range(1500)], "y": Y})


def test_texts_of_which_none_is_rare_have_a_column_each():
    """150 sites that report about as often had been refused, and of 8 to 12 reports each most were other."""
    sites = np.concatenate([np.repeat(f"s{i:03d}", n) for i, n in enumerate(RNG.integers(8, 13, 150))])
    effect = dict(zip(np.unique(sites).tolist(), RNG.normal(size=150).tolist(), strict=True))
    y = np.array([effect[site] for site in sites.tolist()])
    for columns in (
        {"site": sites, "y": y},
        {"site": np.repeat(np.unique(sites), 10), "y": np.repeat([*effect.values()], 10)},
    ):
        table = read_table(columns)
        assert table.coding[0].rare == () and len(table.coding[0].categories) == 150
    fit = surefit.fit({"site": sites, "y": y + 0.1 * RNG.normal(size=len(y))}, method=LINEAR)
    found = fit.predict({"site": list(effect)})
    assert np.sqrt(np.mean((found - np.array([*effect.values()])) ** 2)) < 0.1
    assert fit.error.rmse == pytest.approx(0.1, rel=0.3)


@pytest.mark.parametrize("count, rows, told", [(400, 4000, 300), (250, 200_000, 167)])
def test_of_too_many_such_texts_the_error_says_what_to_do(count, rows, told):
    texts = np.array([f"t{i}" for i in range(count)])[np.arange(rows) % count]
    with pytest.raises(
        DataError, match=f"{count} different texts in {rows} rows, none much rarer .* {told} can be told"
    ):
        read_table({"t": texts, "y": np.zeros(rows)})


DRIVE = np.array(["4", "f", "r"])[RNG.integers(0, 3, 120)]


def written(drive, y):
    return io.StringIO("drive,y\n" + "".join(f"{d},{v}\n" for d, v in zip(drive, y, strict=True)))


@pytest.mark.parametrize("source", ["arrays", "text"])
def test_a_few_codes_may_be_numbers(source):
    y = (DRIVE == "4") * 1.0 + (DRIVE == "f") * 2.0
    fit = surefit.fit({"drive": DRIVE, "y": y} if source == "arrays" else written(DRIVE, y), method=LINEAR)
    assert fit.problem.coding[0].categories == ("4", "f", "r")
    for rows in ({"drive": ["4", "f"]}, [["4"], ["f"]], io.StringIO("drive\n4\nf\n")):
        rows = read_rows(rows) if isinstance(rows, io.StringIO) else rows
        assert fit.predict(rows) == pytest.approx([1.0, 2.0], abs=1e-9)
    assert fit.predict({"drive": [4]}) == pytest.approx([1.0], abs=1e-9)
    assert fit.update({"drive": ["4", "r"], "y": [1.0, 0.0]}).problem.coding == fit.problem.coding


def read_rows(stream):
    from surefit.data.sources import raw_of

    return {name: column.texts() for name, column in zip(*raw_of(stream)[1:3], strict=True)}


@pytest.mark.parametrize(
    "column",
    [
        np.where(np.arange(120) == 7, "7", np.array(["a", "f", "r"])[np.arange(120) % 3]),  # a slip of the pen
        np.where(np.arange(120) % 3 == 0, "a", np.arange(120).astype(str)),  # numbers, and one text
        np.array(["1", "2", "f"])[np.arange(120) % 3],  # more figures than texts
        np.array(["1.5", "f", "r"])[np.arange(120) % 3],
    ],
)
def test_numbers_among_texts_are_an_error_all_the_same(column):
    y = np.arange(120.0)
    for source in ({"c": column, "y": y}, written(column, y)):
        with pytest.raises(DataError, match="not a number"):
            read_table(source)
