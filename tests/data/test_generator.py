"""The generator of data: counts, splits, streams, noise, and files that hold what was sampled."""

from __future__ import annotations

import math

import numpy as np
import pytest

from surefit.data import Domain, generate, read_table, write_tables
from surefit.errors import ArgumentError, DataError, DomainError, FormulaError
from surefit.formulas import parse

BOX = "x1=-5:5, x2=-5:5"
FORMULA = "sin(x1) - cos(x2)"


def truth(x):
    return np.sin(x[:, 0]) - np.cos(x[:, 1])


def rows(table):
    return {tuple(row) for row in table.x}


def test_the_document_of_two_inputs():
    """--num 5000 --ratio 0.8, 500 extra in [-2, 2]^2, and a separate test file."""
    extra = {"extra_box": "x1=-2:2, x2=-2:2", "extra_ratio": 0.125}
    tables = generate(FORMULA, BOX, 5000, ratio=0.8, **extra, generator=0)
    assert list(tables) == ["train", "test"]
    train, test = tables["train"], tables["test"]
    assert (len(train), len(test)) == (4500, 1000)
    assert train.names == test.names == ("x1", "x2", "y") and train.targets == ("y",)
    assert (np.abs(train.x[4000:]) <= 2).all() and (np.abs(train.x[:4000]) > 2).any()
    for table in (train, test):
        assert Domain(BOX).contains(table.x).all()
        np.testing.assert_allclose(table.y[:, 0], truth(table.x), rtol=0, atol=1e-15)
    assert not rows(train) & rows(test)
    alone = generate(FORMULA, BOX, 5000, test=True, generator=0)
    assert list(alone) == ["test"] and len(alone["test"]) == 5000
    assert not rows(alone["test"]) & (rows(train) | rows(test))  # the same seed draws other points


def test_seeds():
    first = generate(FORMULA, BOX, 100, noise=0.1, generator=3)
    assert first == generate(FORMULA, BOX, 100, noise=0.1, generator=3)
    assert first != generate(FORMULA, BOX, 100, noise=0.1, generator=4)
    assert generate(FORMULA, BOX, 100) != generate(FORMULA, BOX, 100)
    rng = np.random.default_rng(3)
    assert first == generate(FORMULA, BOX, 100, noise=0.1, generator=rng)
    assert first != generate(FORMULA, BOX, 100, noise=0.1, generator=rng)


def test_targets():
    by_formula = generate(FORMULA, BOX, 50, generator=0)
    for target in (truth, lambda x: truth(x)[:, None], parse(FORMULA), parse("0*x2 " + "+" + FORMULA)):
        tables = generate(target, BOX, 50, generator=0)
        assert tables.keys() == by_formula.keys()
        for name in tables:
            np.testing.assert_allclose(tables[name].values, by_formula[name].values, rtol=0, atol=1e-14)
    swapped = generate(parse(FORMULA), "x2=0:1, x1=2:3", 50, generator=0)["train"]
    np.testing.assert_allclose(swapped["y"], np.sin(swapped["x1"]) - np.cos(swapped["x2"]), atol=1e-14)
    constant = generate("3", BOX, 10, generator=0)["train"]
    assert constant.y.ravel().tolist() == [3.0] * 8


def test_output_names():
    assert generate("x; x^2", "x=0:1", 10)["train"].targets == ("y1", "y2")
    assert generate("x*y", "x=0:1, y=0:1", 10)["train"].names == ("x", "y", "z")
    assert generate("x*y*z", "x=0:1, y=0:1, z=0:1", 10)["train"].targets == ("f",)
    assert generate("y1; y1^2", "y1=0:1", 10)["train"].names == ("y1", "z1", "z2")
    assert generate("x", "x=0:1", 10, outputs="height")["train"].targets == ("height",)
    assert generate("x; -x", "x=0:1", 10, outputs=["up", "down"])["train"].targets == ("up", "down")


def test_ratio():
    assert list(generate("x", "x=0:1", 10, ratio=1)) == ["train"]
    assert [len(t) for t in generate("x", "x=0:1", 10, ratio=0.01).values()] == [1, 9]


def test_designs_are_shuffled_before_they_are_divided():
    tables = generate("x", "x=0:1", 101, design="grid", generator=0)
    together = np.sort(np.concatenate([t["x"] for t in tables.values()]))
    np.testing.assert_array_equal(together, np.linspace(0, 1, 101))
    assert np.ptp(tables["test"]["x"]) > 0.5


def test_noise():
    clean = generate("x", "x=0:1", 5000, generator=0)
    noisy = generate("x", "x=0:1", 5000, noise="uniform:0:0.5", generator=0)
    for name in clean:
        np.testing.assert_array_equal(clean[name].x, noisy[name].x)
        added = noisy[name]["y"] - clean[name]["y"]
        assert added.min() >= 0 and added.max() <= 0.5 and added.std() == pytest.approx(0.5 / math.sqrt(12), rel=0.1)


def test_not_finite():
    with pytest.raises(DomainError, match=r"not finite at \d+ of 80 sampled points.*drop_nonfinite=True"):
        generate("log(x)", "x=-1:1", 100, generator=0)
    tables = generate("log(x)", "x=-1:1", 100, drop_nonfinite=True, generator=0)
    assert 0 < len(tables["train"]) < 80
    assert all(table["x"].min() > 0 for table in tables.values())


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ({"num": 0}, ArgumentError, "count: expected a whole number"),
        ({"ratio": 0}, ArgumentError, "ratio: the training share"),
        ({"ratio": 1.5}, ArgumentError, "ratio: the training share"),
        ({"test": True, "extra_box": "x1=0:1"}, ArgumentError, "extra_box: goes with training data"),
        ({"extra_ratio": 0.1}, ArgumentError, "extra_box does not say where"),
        ({"extra_box": "x1=0:6"}, DomainError, "reaches outside"),
        ({"design": "spiral"}, ArgumentError, "design: 'spiral' is unknown"),
        ({"noise": "loud"}, ArgumentError, "noise: cannot read 'loud'"),
        ({"outputs": ["a", "b"]}, ArgumentError, "2 names for 1 outputs"),
        ({"outputs": "x1"}, DataError, "'x1' stands over 2 columns"),
        ({"target": "sin(t)"}, FormulaError, "t"),
        ({"target": parse("sin(t)")}, DomainError, "no variable 't'"),
        ({"target": 5}, ArgumentError, "expected a formula or a function"),
        ({"target": lambda x: 1.0}, ArgumentError, r"must return \(8,\) or \(8, outputs\), it returned \(\)"),
        ({"target": lambda x: x.T}, ArgumentError, r"it returned \(2, 8\)"),
        ({"domain": "x1=1:0"}, DomainError, "reversed"),
    ],
)
def test_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        generate(**({"target": FORMULA, "domain": BOX, "num": 10} | arguments))


@pytest.mark.parametrize("kind", ["csv", "parquet", "npz"])
def test_files(tmp_path, kind):
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    tables = generate(FORMULA, BOX, 50, generator=0)
    paths = write_tables(tables, tmp_path / "new" / "folder", kind)
    assert {name: path.name for name, path in paths.items()} == {
        "train": f"train.{kind}",
        "test": f"test.{kind}",
    }
    assert {name: read_table(path) for name, path in paths.items()} == tables


def test_refused_files(tmp_path):
    tables = generate("x", "x=0:1", 10)
    with pytest.raises(DataError, match="format: 'xlsx' is unknown; choose one of csv, parquet, npz"):
        write_tables(tables, tmp_path, "xlsx")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot make the directory"):
        write_tables(tables, tmp_path / "file" / "folder")
