"""Tables as people have them: masks, large numbers, frames of other libraries, remarks, delimiters, names."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import numpy as np
import pytest

import surefit
from surefit.data import points_from, read_table
from surefit.data.columns import Coded
from surefit.errors import ArgumentError, DataError, FormulaError, ShapeError, SurefitError

X = np.linspace(0, 1, 30)
Y = 3 * X + 1


# --- what is hidden is missing ---


def masked(values):
    hidden = np.zeros(len(values), bool)
    hidden[[3, 7]] = True
    return np.ma.MaskedArray(np.where(hidden, 1e6, values), hidden)


@pytest.mark.parametrize(
    "source",
    [
        (X, masked(Y)),
        (masked(X), Y),
        {"x": X, "y": masked(Y)},
        (np.ma.MaskedArray(np.stack([X, X**2], 1), masked(X).mask[:, None] * [True, False]), Y),
        np.ma.MaskedArray(np.stack([X, Y], 1), masked(X).mask[:, None] * [False, True]),
        (X, np.ma.MaskedArray((100 * Y).astype(int), masked(X).mask)),
    ],
)
def test_masked_values_are_missing(source):
    with pytest.raises(DataError, match=r"row 3.* is missing"):
        read_table(source)
    table = read_table(source, drop_missing=True)
    assert len(table) == 28 and np.abs(table.values).max() < 1e3


@pytest.fixture
def fit():
    return surefit.fit("a + 2*b", "a=0:1, b=0:1", method="polynomial")


def test_a_masked_argument_has_no_value(fit):
    a = np.ma.MaskedArray([0.25, 0.5], [False, True])
    with pytest.warns(surefit.OutsideWarning):
        np.testing.assert_allclose(fit(a, 0.5), [1.25, np.nan])
    np.testing.assert_allclose(fit.predict({"a": a, "b": 0.5}), [1.25, np.nan])
    np.testing.assert_allclose(fit.derivative({"a": a, "b": 0.5})[:, 1], [2.0, np.nan])
    found = surefit.examine(fit.network, np.ma.stack([a, a], axis=1)).findings
    assert [f.code for f in found if f.severity == "error"] == ["not-finite"]
    np.testing.assert_allclose(surefit.parse("2*x").on_points(a[:, None]), [0.5, np.nan])


def test_arguments_that_do_not_fit_together_are_named(fit):
    with pytest.raises(ShapeError, match=r"a \(2,\), b \(3,\)"):
        fit([1, 2], [1, 2, 3])


COMPLEX, HIDDEN = Y + 1j, masked(Y)


@pytest.mark.parametrize(
    "call",
    [
        lambda f, v: surefit.fit((X, Y), data=surefit.Sampling(weights=v)),
        lambda f, v: surefit.fit((X, Y), data=surefit.Sampling(weights=lambda x, y: v)),
        lambda f, v: surefit.Sampling(order=v),
        lambda f, v: surefit.Experiment("a=0:1").tell(X, v) or surefit.Experiment("a=0:1").tell(v, X),
        lambda f, v: f.domain.contains(np.stack([v, v], axis=1)) if v is COMPLEX else refused(),
        lambda f, v: surefit.solvers.GaussianProcess().fit(X[:, None], v),
        lambda f, v: surefit.solvers.linear_features(X[:, None], v[:, None], 3),
        lambda f, v: f.roots(v[0] if v is COMPLEX else v[3]),
        lambda f, v: surefit.examine(f.network, np.stack([v, v], axis=1)) if v is COMPLEX else refused(),
        lambda f, v: surefit.parse("2*x").on_points(v[:, None]) if v is COMPLEX else refused(),
        lambda f, v: surefit.data.generate(lambda p: v[0] * p[:, 0] if v is COMPLEX else refused(), "x=0:1", num=10),
    ],
)  # fmt: skip
@pytest.mark.parametrize("values", [COMPLEX, HIDDEN], ids=["complex", "masked"])
def test_no_part_of_complex_numbers_is_dropped_and_no_mask_is_lost_anywhere(fit, call, values):
    with pytest.raises(SurefitError):  # a ComplexWarning would be an error of its own
        call(fit, values)


def refused():
    raise ArgumentError("masked values are NaN here, which is said by what comes out")


# --- what holds numbers in a way of its own ---


def test_a_tensor_with_a_history_and_a_matrix_are_read():
    torch = pytest.importorskip("torch", reason="its tensors")
    tensor = torch.tensor(Y, requires_grad=True)
    np.testing.assert_array_equal(read_table((X, tensor)).y[:, 0], Y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        matrix = np.matrix(np.stack([X, Y], axis=1))
    np.testing.assert_array_equal(read_table(matrix).y[:, 0], Y)
    np.testing.assert_array_equal(points_from(torch.tensor(X, requires_grad=True), ("x",))[:, 0], X)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"a": X, "b": 3.0, "y": Y}, r"column 'b' is 3\.0; a table needs a value for each row"),
        ({"a": X, "b": np.array(3.0), "y": Y}, r"column 'b'"),
        ({"a": [1, 2, 3], "b": "abc", "y": [1, 2, 3]}, r"column 'b' is 'abc'"),
        (([[10**400], [1]], [1.0, 2.0]), r"larger than any float64"),
    ],
)
def test_what_is_one_value_is_no_column(source, words):
    with pytest.raises(DataError, match=words):
        read_table(source)


def test_a_sparse_matrix_is_refused_with_the_cure(fit):
    sparse = pytest.importorskip("scipy.sparse", reason="its matrices").csr_matrix([[0.5, 0.0], [0.0, 1.0]])
    with pytest.raises(DataError, match=r"sparse; give \.toarray\(\)"):
        read_table((sparse, [1.0, 2.0]))
    with pytest.raises(DataError, match=r"sparse; give \.toarray\(\)"):
        fit.predict(sparse)
    with pytest.raises(DataError, match="not numbers"):
        fit.predict([[10**400, 1]])


# --- numbers that fall together in float64 ---


@pytest.mark.parametrize(
    "column",
    [
        1_700_000_000_000_000_000 + 100 * np.arange(30),  # nanoseconds 100 ns apart
        (np.uint64(2**63) + np.arange(30, dtype=np.uint64)),
        2**53 + np.arange(30),
    ],
)
def test_numbers_that_fall_together_in_float64_are_refused_with_the_cure(column):
    with pytest.raises(DataError, match=r"fall together.*subtract the first one"):
        read_table((column, Y))
    read_table((column - column[0], Y))


def test_large_whole_numbers_that_stay_apart_are_fine():
    column = 1_700_000_000_000_000_000 + 1_000_000 * np.arange(30)
    assert len(np.unique(read_table((column, Y)).x)) == 30


@pytest.mark.slow
def test_a_small_spread_on_a_large_offset_is_no_constant():
    t = 1.6e9 + 1e-3 * np.linspace(0, 1, 200)
    wave = np.sin(6 * np.linspace(0, 1, 200))
    fit = surefit.fit((t, wave))
    assert fit.error.rmse < 1e-2 * wave.std()  # a step of float64 there is a four-thousandth of the range
    assert not any("constant" in w for w in fit.warnings)


@pytest.mark.slow
def test_inputs_whose_squares_overflow_are_fitted():
    small, large = (surefit.fit((np.linspace(0, size, 60), np.sin(np.linspace(0, 5, 60)))) for size in (1.0, 1e200))
    assert large.error.rmse < max(1e-6, 2 * small.error.rmse)


# --- other libraries, by what they offer ---


class Column:
    def __init__(self, values):
        self.values = list(values)
        self.null_count = sum(v is None for v in self.values)

    def to_numpy(self):
        return np.array(self.values)

    def to_pylist(self):
        return self.values


def arrow(**columns):
    names = list(columns)
    return SimpleNamespace(column_names=names, column=lambda i: Column(columns[names[i]]))


class Lazy:
    """A lazy frame of polars, as far as it matters."""

    def __init__(self, frame):
        self.frame = frame

    def collect_schema(self):
        return {}

    def collect(self):
        return self.frame


def test_frames_of_other_libraries():
    pd = pytest.importorskip("pandas")
    pa = pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"a": X, "b": Y})
    records = [{"a": a, "b": b} for a, b in zip(X.tolist(), Y.tolist(), strict=True)]
    everything = [
        frame, pa.table({"a": X, "b": Y}), pa.record_batch({"a": X, "b": Y}), Lazy(frame), records, arrow(a=X, b=Y),
        frame.to_records(index=False),
    ]  # fmt: skip
    for source in everything:
        table = read_table(source)
        assert table.names == ("a", "b") and table.targets == ("b",)
        np.testing.assert_array_equal(table.values, np.stack([X, Y], 1))
    with pytest.raises(DataError, match=r"row 1.*missing"):
        read_table(pa.table({"a": [1.0, None], "b": [1.0, 2.0]}))


def test_a_frame_keeps_its_names_beside_a_series():
    pd = pytest.importorskip("pandas")
    table = read_table((pd.DataFrame({"p": X, "q": X**2}), pd.Series(Y, name="target")))
    assert table.inputs == ("p", "q") and table.targets == ("target",)
    fit = surefit.fit((np.stack([X, X**2], 1), Y), surefit.Domain("a=0:1, b=0:1"), method="features")
    assert fit.names == ("a", "b")


@pytest.mark.parametrize("frame", [True, False])
def test_rows_whose_labels_stand_in_another_order_are_no_pair(frame):
    pd = pytest.importorskip("pandas", reason="labels of rows are pandas'")
    x = pd.DataFrame({"p": X, "q": X**2}) if frame else pd.Series(X)
    y, other = pd.Series(Y, name="y"), pd.Series(Y).sample(frac=1.0, random_state=0)
    with pytest.raises(DataError, match=r"same labels in another order.*y\.loc\[X\.index\]"):
        read_table((x, other))
    right = read_table((x, y)).y
    for same in (other.loc[x.index], y.set_axis(range(100, 100 + len(y))), y.to_numpy(), y.set_axis([0] * len(y))):
        np.testing.assert_array_equal(read_table((x, same)).y, right)


@pytest.mark.parametrize("kind", [np.array, list, lambda y: np.array(y)[:, None]])
def test_values_of_rows_as_a_second_argument_are_told_where_they_belong(kind):
    with pytest.raises(ArgumentError, match=r"a pair: fit\(\(X, y\)"):
        surefit.fit(np.stack([X, X**2], 1), kind(Y))


@pytest.mark.parametrize("source", [np.zeros((40, 0)), (X, np.zeros((30, 0))), (np.zeros((30, 0)), Y), [[1, 2], [3]]])
def test_what_is_no_table_is_refused_in_one_sentence(source):
    with pytest.raises((DataError, ShapeError), match=r"\w"):
        surefit.fit(source)


def test_very_many_columns_take_no_longer_than_their_numbers(own_time):
    names = [f"c{i}" for i in range(20_000)]
    with own_time() as seconds:
        surefit.data.Table(names, np.zeros((2, len(names))))
        surefit.Domain(dict.fromkeys(names, (0, 1)))
    assert seconds[0] < 5.0  # quadratic it took minutes


# --- points by name ---

NAMES = ("a", "b")
POINTS = np.array([[1.0, 2.0], [3.0, 4.0]])


def by_name():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"b": POINTS[:, 1], "target": [0.0, 0.0], "a": POINTS[:, 0]})
    yield frame
    yield frame[["b", "a"]]
    yield {"b": POINTS[:, 1], "a": POINTS[:, 0]}
    yield frame.to_records(index=False)
    yield [{"b": b, "a": a} for a, b in POINTS.tolist()]
    yield surefit.data.Table(("b", "a"), POINTS[:, ::-1])
    yield arrow(b=POINTS[:, 1], a=POINTS[:, 0])
    yield POINTS
    yield POINTS.tolist()


def test_points_are_taken_by_name_where_they_have_names():
    for given in by_name():
        np.testing.assert_array_equal(points_from(given, NAMES), POINTS)


def test_a_fit_takes_columns_by_name_everywhere():
    fit = surefit.fit("sin(a) + b^2", "a=0:4, b=0:5", method="features", model=(60,))
    for given in by_name():
        np.testing.assert_array_equal(fit.predict(given), fit.predict(POINTS))
        np.testing.assert_array_equal(fit.derivative(given), fit.derivative(POINTS))
        np.testing.assert_array_equal(fit.interval(given).low, fit.interval(POINTS).low)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"a": [1.0], "c": [2.0]}, "no column 'b'; the inputs are a, b, and the columns that came are a, c"),
        ([{"a": 1.0}], "no column 'b'"),
        ("ab", "not numbers"),
        (["a", "b"], "not numbers"),
        (None, "not numbers"),
        ([1.0, 2.0], "one point is"),
        (np.zeros((3, 3)), r"needed \(n, 2\)"),
        (object(), "not numbers"),
    ],
)
def test_points_that_do_not_fit_are_refused_by_name(given, words):
    with pytest.raises((DataError, ShapeError), match=words):
        points_from(given, NAMES)


def test_a_series_that_was_fitted_is_predicted_where_it_was_measured():
    pd = pytest.importorskip("pandas")
    at = pd.date_range("2024-03-30", periods=len(X), freq="h", tz="UTC")
    for index in (pd.Index(X, name="x"), pd.RangeIndex(len(X)), at, at.rename("t")):
        series = pd.Series(Y, index=index, name="y")
        fit = surefit.fit(series, method="features", model=(10,))
        np.testing.assert_allclose(fit.predict(series), Y, atol=1e-2)  # at its values it would be another line
        elsewhere = pd.Series(X, index=pd.Index(Y, name="z"))
        np.testing.assert_array_equal(fit.predict(elsewhere), fit.predict(X))
    series = pd.Series(Y, index=pd.Index(X, name="x"))
    for places in (series, series.rename("other")):
        np.testing.assert_array_equal(points_from(places, ("x",)), X[:, None])
    for places in (series.rename("x"), pd.Series(Y), pd.Series(Y, name="y")):
        np.testing.assert_array_equal(points_from(places, ("x",)), Y[:, None])


def test_places_of_xarray_need_no_values():
    xr = pytest.importorskip("xarray")
    grid = np.stack(np.meshgrid([1.0, 3.0], [2.0, 4.0, 5.0], indexing="ij"), axis=-1).reshape(-1, 2)
    np.testing.assert_array_equal(points_from(xr.Dataset(coords={"a": [1.0, 3.0], "b": [2.0, 4.0, 5.0]}), NAMES), grid)
    np.testing.assert_array_equal(points_from(xr.DataArray(POINTS), NAMES), POINTS)
    along = xr.Dataset({"b": ("row", POINTS[:, 1]), "a": ("row", POINTS[:, 0])})
    np.testing.assert_array_equal(points_from(along, NAMES), POINTS)


def without_values():
    pd, pl = (pytest.importorskip(name) for name in ("pandas", "polars"))
    yield {"a": [None, None]}
    yield {"a": ["", ""]}
    yield {"a": np.array(["NaT", "NaT"], "M8[D]")}
    yield pd.DataFrame({"a": [np.nan, np.nan]})
    yield pd.DataFrame({"a": pd.Categorical([None, None], categories=["q"])})
    yield pl.DataFrame({"a": pl.Series([None, None], dtype=pl.String)})


def test_a_column_of_missing_values_has_no_kind():
    """Whatever the column held when it was fitted: nothing is known there."""
    text = Coded("a", "text", ("q", "r", "s"))
    for given in without_values():
        assert np.isnan(points_from(given, ("a",))).all()
        assert np.isnan(points_from(given, text.columns, coding=[text])).all()


def test_what_is_no_row_is_told_how_many_columns_one_has():
    text = Coded("a", "text", ("q", "r", "s"))
    with pytest.raises(DataError, match=r"'q' are not numbers; give an array \(n, 2\)"):
        points_from("q", (*text.columns, "b"), coding=[text])


# --- text files ---


def read(tmp_path, text, name="t.csv"):
    (tmp_path / name).write_text(text, encoding="utf-8")
    return read_table(tmp_path / name)


@pytest.mark.parametrize(
    "text",
    [
        "# made by a scope's export \"v1\nx,y\n1,2\n3,4\n",
        "% a remark, with commas, here\n1 2\n3 4\n",
        "x,y\n1,2\n# in between\n3,4\n",
        "sep=;\nx;y\n1;2\n3;4\n",
        "x,y,\n1,2,\n3,4,\n",
        "x,y\n1,2,\n3,4,\n",
        "x,y\n1.0D+00,2.0D0\n3.0d+00,4\n",
    ],
)
def test_tables_with_remarks_other_delimiters_and_exponents(tmp_path, text):
    np.testing.assert_array_equal(read(tmp_path, text).values, [[1, 2], [3, 4]])


def test_a_minus_of_typographers_is_a_minus(tmp_path):
    np.testing.assert_array_equal(
        read(tmp_path, "x,y\n\N{MINUS SIGN}1,2\n3,\N{MINUS SIGN}4e-1\n").values, [[-1, 2], [3, -0.4]]
    )


def test_a_missing_cell_is_still_one(tmp_path):
    with pytest.raises(DataError, match="line 3 has 2 cells, expected 3"):
        read(tmp_path, "x,y,z\n1,2,3\n4,5\n")
    with pytest.raises(DataError, match="missing"):
        read(tmp_path, "x,y,z\n1,2,\n4,5,6\n")


def test_a_folder_is_no_formula(tmp_path, monkeypatch, capsys):
    from surefit.cli.app import run

    (tmp_path / "rows").mkdir()
    monkeypatch.chdir(tmp_path)
    for name in (str(tmp_path), f"{tmp_path}/", "rows"):
        with pytest.raises(DataError, match="without Parquet files"):
            surefit.fit(name)
    assert run(["fit", "rows"]) != 0 and "without Parquet files" in capsys.readouterr().err
    assert surefit.fit("rows", "rows=-1:1", method="features", model=(5,)).names == ("rows",)  # a variable of that name


def test_an_expression_of_symbols_is_told_how_it_is_given():
    sympy = pytest.importorskip("sympy", reason="sympy is not installed")
    x = sympy.Symbol("x")
    with pytest.raises(DataError, match=r"sympy\.lambdify"):
        surefit.fit(sympy.sin(x) * sympy.Abs(x), "x=-1:1")
    assert surefit.fit(str(sympy.exp(-(x**2)) / 3 + sympy.pi * x), "x=-1:1", tol=1e-6).error.max < 1e-6


def test_nothing_is_no_folder(tmp_path, monkeypatch):
    """Not even where the folder one works in holds Parquet files."""
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    monkeypatch.chdir(tmp_path)
    pandas.DataFrame({"x": [1.0, 2.0], "y": [1.0, 4.0]}).to_parquet("t.parquet")
    with pytest.raises(FormulaError, match="empty"):
        surefit.fit("", "x=0:1")


def test_only_the_parquet_files_of_a_folder_are_its_table(tmp_path):
    """Notes, checksums and hidden files lie beside them; what a folder below is named by is a column."""
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    x = np.linspace(0, 1, 60)
    for part, name in enumerate(("a.parquet", "b.PARQUET", "c.pq")):
        folder = tmp_path / f"batch={part}"
        folder.mkdir()
        rows = x[part::3]
        pandas.DataFrame({"x": rows, "y": 3 * rows + part}).to_parquet(folder / name)
        (folder / f".{name}.crc").write_bytes(b"crc")
    (tmp_path / "_SUCCESS").write_text("")
    (tmp_path / "README.md").write_text("# notes\n")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "d.parquet").write_bytes(b"no table")
    fit = surefit.fit(tmp_path, target="y", columns=["x", "batch"], method="features")
    np.testing.assert_allclose(fit.predict([[0.25, 0], [0.25, 2]]).ravel(), [0.75, 2.75], atol=1e-6)


@pytest.mark.parametrize("name", ["data.pq", "DATA.PARQUET", "a b.csv", "x.csv.gz", "data.txt"])
def test_a_file_name_is_no_formula(name):
    with pytest.raises(DataError, match="no file"):
        surefit.fit(name)


# --- frames whose labels are no texts ---


@pytest.mark.parametrize("labels", [[0, 1, 2], [(0, "a"), (0, "b"), (1, "a")], [10.5, 11.5, 12.5]])
def test_labels_that_are_no_texts_name_columns_too(labels):
    pandas = pytest.importorskip("pandas", reason="frames are those of pandas")
    values = np.random.default_rng(0).random((40, 3))
    columns = pandas.MultiIndex.from_tuples(labels) if isinstance(labels[0], tuple) else labels
    frame = pandas.DataFrame(values, columns=columns)
    fit = surefit.fit(frame, method="features", model=(8,))
    wanted = fit.predict(values[:, :2])
    for given in (frame, frame.iloc[:, [2, 1, 0]], frame.iloc[:, [1, 0]]):
        np.testing.assert_array_equal(fit.predict(given), wanted)
    named = surefit.fit((values[:, :2], values[:, 2]), method="features", model=(8,))
    np.testing.assert_array_equal(named.predict(pandas.DataFrame(values[:, :2])), named.predict(values[:, :2]))


# --- JSON ---


@pytest.mark.parametrize(
    "name, text, words",
    [
        ("t.jsonl", '{"x":1,"y":2}\n\n{"x":1,\n', "line 3 is not JSON"),
        ("t.jsonl", '{"x":1,"y":2}\n\n{"x":1}\n', "t.jsonl: line 3 and the first differ in y"),
        ("t.jsonl", '{"x":1,"y":2}\n\n{"x":null,"y":2}\n', "line 3, column 'x' is missing"),
        ("t.json", '[{"x":1,"y":2},{"x":1}]', "t.json: row 1 and the first differ in y"),
        ("t.json", '{"columns":["x","y"],"data":[[1,2],[3]]}', "row 1 is no list of 2 values"),
        ("t.json", '{"columns":["x","y"],"data":[[1,2],7]}', "row 1 is no list of 2 values"),
        ("t.json", '{"x":{"a":1,"b":2},"y":{"a":1,"c":2}}', "column 'y' has other row labels"),
    ],
)
def test_json_that_is_wrong_is_told_by_its_line(name, text, words, tmp_path):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=words):
        read_table(tmp_path / name)


def test_rows_of_json_are_paired_by_their_labels_and_lines_end_at_line_feeds_alone(tmp_path):
    (tmp_path / "t.json").write_text('{"x":{"a":1,"b":2},"y":{"b":20,"a":10}}', encoding="utf-8")
    assert read_table(tmp_path / "t.json").values.tolist() == [[1, 10], [2, 20]]
    rows = "\n".join(f'{{"kind":"a\u2028b{i % 2}","y":{i}}}' for i in range(6))
    (tmp_path / "t.jsonl").write_text(rows, encoding="utf-8")
    assert len(read_table(tmp_path / "t.jsonl")) == 6


def test_money_and_places_that_are_no_files(tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n$1.50,2\n$2.50,3\n")
    with pytest.raises(DataError, match=r"leave out '\$'"):
        read_table(tmp_path / "t.csv")
    with pytest.raises(DataError, match="an address is not fetched; download it"):
        surefit.fit("https://example.com/t.csv")
    with pytest.raises(DataError, match=r"there is no file '~.no.csv'; write '.+no.csv'"):
        surefit.fit("~/no.csv")


def test_of_one_input_a_bare_number_is_told_how_to_write_it():
    fit = surefit.fit("x", "x=0:1")
    for reading in (fit.derivative, fit.predict):
        with pytest.raises(ShapeError, match=r"one point is \[\[x\]\]"):
            reading(0.5)
