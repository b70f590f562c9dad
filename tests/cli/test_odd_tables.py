"""Tables of texts, dates and other endings at the command line, and from standard input."""

from __future__ import annotations

import io
import math
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import surefit as library

ROWS = "".join(f"{i % 3},{'uv'[i % 2]},2024-01-{i + 1:02},{2 * (i % 3) + 5 * (i % 2) + i}\n" for i in range(20))
TEXT = "x,c,day,y\n" + ROWS


@pytest.fixture
def typed(monkeypatch):
    """typed(text): what stands on standard input; None: a terminal."""

    def put(text):
        stream = io.BytesIO((text or "").encode())
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=stream, isatty=lambda: text is None))

    return put


@pytest.mark.slow
def test_a_table_from_standard_input(surefit, typed):
    typed(TEXT)
    ran = surefit("fit - --method polynomial --out demo --json")
    assert ran.code == 0, ran.err
    assert ran.json()["target"]["name"] == "standard input"
    fit = library.load("demo/model.safetensors")
    assert fit.predict({"x": 1, "c": "v", "day": "2024-01-11"})[0] == pytest.approx(2 + 5 + 10, abs=1e-6)
    typed("c,day,x\nv,2024-01-11,1\nu,2024-01-12,0\n")
    ran = surefit("predict demo/model.safetensors --csv -")
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert lines[0] == "c,day,x,y" and lines[1].startswith("v,2024-01-11,1,")
    assert [float(line.split(",")[-1]) for line in lines[1:]] == pytest.approx([17, 11], abs=1e-6)
    assert float(surefit("predict demo/model.safetensors --at x=1,c=v,day=2024-01-11").out) == pytest.approx(
        17, abs=1e-6
    )
    ran = surefit("predict demo/model.safetensors --at x=1,c=w,day=2024-01-11")
    assert ran.code == 2 and "'w', which is none of the known u, v" in ran.err
    typed(None)
    ran = surefit("fit -")
    assert ran.code == 2 and "standard input is a terminal; send a table into it" in ran.err
    typed("")
    assert "the file is empty" in surefit("fit -").err


def test_columns_target_and_weights_are_options(surefit, tmp_path):
    rows = "".join(f"{i},{i % 4},{1 + i % 2},{3 * i},no\n" for i in range(20))
    (tmp_path / "t.csv").write_text('"a, b",c,w,y,note\n' + rows)
    for line in (
        "--target y --columns '\"a, b\",c'",
        "--target-column 3 --columns 0,1",
        "--targets y --columns 0,c --weights w",
    ):
        ran = surefit(f"fit t.csv {line} --method polynomial --json")
        assert ran.code == 0, ran.err
        assert (ran.json()["inputs"], ran.json()["outputs"]) == (["a, b", "c"], ["y"])
    for option in ("--target y", "--columns x", "--decimal ,", "--sheet 1", "--weights w"):
        ran = surefit(f"fit x --on x=0:1 {option}")
        assert ran.code == 2 and f"{option.split()[0].replace('target', 'targets')} is for tables" in ran.err


@pytest.mark.slow
def test_a_sheet_of_a_book(surefit, tmp_path):
    book = pytest.importorskip("openpyxl", reason="writes the file").Workbook()
    for title in ("one", "two"):
        sheet = book.active if title == "one" else book.create_sheet(title)
        sheet.title = title
        for row in (["x", title], *([i, 2 * i] for i in range(20))):
            sheet.append(row)
    book.save(tmp_path / "book.xlsx")
    ran = surefit("fit book.xlsx")
    assert ran.code == 2 and "several sheets, one, two; name one, such as --sheet one" in ran.err
    assert surefit("fit book.xlsx --sheet two --method polynomial --json").json()["outputs"] == ["two"]
    assert surefit("fit book.xlsx --sheet two --method polynomial --out d -q").code == 0
    ran = surefit("predict d/model.safetensors --csv book.xlsx --sheet two --out o.csv")
    assert ran.out == "o.csv  20 rows: x, two, two_fit\n"


def test_test_rows_are_coded_as_the_others(surefit, tmp_path):
    (tmp_path / "t.csv").write_text(TEXT)
    (tmp_path / "test.csv").write_text("x,c,day,y\n0,v,2024-02-01,36\n1,v,2024-02-02,39\n")
    ran = surefit("fit t.csv --test-table test.csv --method polynomial --json")
    assert ran.code == 0, ran.err
    assert ran.json()["data"]["test"] == 2 and ran.json()["error"]["max"] < 1e-6
    (tmp_path / "test.csv").write_text("x,c,day,y\n0,w,2024-02-01,36\n")
    assert "line 2, column 'c' is 'w', which is none of the known" in surefit("fit t.csv --test-table test.csv").err


@pytest.mark.slow
def test_predictions_keep_odd_rows_as_they_stand(surefit, tmp_path):
    (tmp_path / "t.csv").write_text(TEXT)
    assert surefit("fit t.csv --method polynomial --columns x,c --out d -q").code == 0
    (tmp_path / "p.csv").write_text("# made by hand\nsep;c;x;\nA;u;1;\n# in between\nB;v;2;\n")
    ran = surefit("predict d/model.safetensors --csv p.csv")
    assert ran.code == 0, ran.err
    assert [line.rpartition(";")[0] for line in ran.out.splitlines()] == ["sep;c;x", "A;u;1", "B;v;2"]


@pytest.mark.slow
def test_a_table_is_trained_on_in_parts(surefit, tmp_path, monkeypatch):
    pytest.importorskip("pyarrow", reason="tables in parts are read by pyarrow")
    (tmp_path / "t.csv").write_text("a;y;w\n" + "".join(f"{i / 500};{i % 50};{1 + i % 2}\n" for i in range(1000)))
    line = "fit t.csv --target y --columns a --method adam --hidden 8 --epochs 2 --no-jit --weights w"
    ran = surefit(f"{line} --window 300 --out demo --json")
    assert ran.code == 0, ran.err
    fit = library.load("demo/model.safetensors")
    assert fit.problem.source["parts"]["window"] == 320 and fit.names == ("a",)
    assert "read in parts" in surefit(f"{line} --stream --lang en").out
    monkeypatch.setattr("surefit.data.batches.TEXT_NUMBER", 1e-6)  # now the file is a large one
    assert "read in parts" in surefit(line).out
    assert "read in parts" not in surefit(f"{line} --no-stream").out
    assert "read in parts" not in surefit(f"{line} --quantile 0.5").out  # which needs all rows, and has them


@pytest.mark.parametrize(
    "options, words",
    [
        ("--method adam --window 0", "--window 0: expected a whole number"),
        ("--window 100 --no-stream", "--window: is for a table that is read in parts, and --no-stream reads all"),
        ("--window 100", "--window: --method features goes over a table in parts once"),
        ("--stream --method lm", "--method: a table in parts is fitted by 'features'"),
        ("--stream --method adam --groups w", "--groups: rows of one group cannot be had"),
        ("--stream --method features --loss huber", "--loss: of a table that is read in parts"),
        ("--stream --method adam --test-table t.csv", "a table of test rows cannot be had"),
    ],
)
def test_what_parts_cannot_do_is_refused(surefit, tmp_path, options, words):
    pytest.importorskip("pyarrow", reason="tables in parts are read by pyarrow")
    (tmp_path / "t.csv").write_text("a,w,y\n" + "".join(f"{i / 50},{i % 5},{i % 7}\n" for i in range(200)))
    ran = surefit(f"fit t.csv {options}")
    assert ran.code == 2 and words in ran.err
    assert "cannot" not in surefit(f"fit t.csv {options} --lang zh").err


def test_a_formula_has_no_parts(surefit):
    ran = surefit("fit sin(x) --on x=0:1 --window 100")
    assert ran.code == 2 and "--window is for tables" in ran.err


@pytest.fixture(scope="module")
def kinds_of_columns(tmp_path_factory):
    """A fit of texts, days and numbers, of which some are missing."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("kinds") / "prices.csv"
    rows = [
        f"{rng.choice(['red', 'green'])},2024-01-{1 + i % 28:02d},{'' if i % 9 == 0 else i},{i * 0.5}"
        for i in range(80)
    ]
    path.write_text("\n".join(["color,when,size,price", *rows]) + "\n")
    library.fit(path, missing="median", method="polynomial").save(path.with_name("prices.safetensors"))
    return path.with_name("prices.safetensors")


@pytest.mark.parametrize(
    ("point", "words", "chinese"),
    [
        (
            "color=purple,when=2024-01-05,size=2",
            "column 'color' is 'purple', which is none of",
            "'color' 列为 'purple'，不在",
        ),
        ("color=red,when=soon,size=2", "column 'when' is 'soon', expected days since", "'when' 列为 'soon'，应为"),
        (
            "color=red,when=2024-02-30,size=2",
            "column 'when' is '2024-02-30', no date (",
            "'when' 列为 '2024-02-30'，不是日期",
        ),
        ("color=1,when=5,size=2", "column 'color' is '1', which is none of", "'color' 列为 '1'，不在"),
    ],
)
def test_a_point_is_quoted_and_has_no_row(surefit, kinds_of_columns, point, words, chinese):
    ran = surefit(f"predict {kinds_of_columns} --at color=red,when=2024-01-05,size=2 --at {point}")
    assert ran.code == 2 and f"--at {point}: {words}" in ran.err
    in_chinese = surefit(f"--lang zh predict {kinds_of_columns} --at {point}")
    assert f"--at {point}：{chinese}" in in_chinese.err
    assert not re.search(r"\brow\b|行", ran.err + in_chinese.err)


@pytest.mark.parametrize("missing", ["", ",size=", ",size=nan", ", size = "])
def test_a_value_that_may_be_missing_is_left_out_empty_or_nan(surefit, kinds_of_columns, missing):
    ran = surefit(f"predict {kinds_of_columns} --at 'color=red,when=2024-01-05{missing}'")
    assert ran.code == 0, ran.err
    expected = library.load(kinds_of_columns).predict({"color": "red", "when": "2024-01-05", "size": math.nan})
    assert float(ran.out) == pytest.approx(float(expected[0]), rel=1e-12)


WORSE = [  # bytes of a file, options, what is said
    (b"x,y\n1,2\n1e400,3\n", "", "line 3, column 'x' is '1e400', and numbers in float64 end at 1.8e308"),
    (b"x,y\n1,2\n2,-.5e999\n", "", "line 3, column 'y' is '-.5e999', and numbers in float64 end at"),
    (b"x;y\n1;2\n2;1,5D+400\n", "--decimal ,", "'1,5D+400', and numbers in float64 end at"),
    (b"x,y\n1,2\n1e400x,3\n", "", "not a number"),
    (b"\0" * 3000, "", "holds no text, only blanks or zero bytes"),
    (b"\n\n \n", "", "holds no text, only blanks or zero bytes"),
    (b"x,y\n", "", "only a header, no rows"),
    (b"g,y\na,1\na,2\nb,3\nb,4\nc,5\nc,6\n", "--groups g", "'g' is then no input, and no other column is left"),
]


@pytest.mark.parametrize("content, options, words", WORSE)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_what_no_table_can_hold_is_called_by_its_name(surefit, tmp_path, content, options, words, lang):
    (tmp_path / "t.csv").write_bytes(content)
    ran = surefit(f"fit {tmp_path / 't.csv'} {options} --lang {lang}")
    assert ran.code == 2
    if lang == "en":
        assert words in ran.err
    else:
        assert re.search("[\u4e00-\u9fff]", ran.err) and not re.search("[a-z]{3,} [a-z]{3,} [a-z]{3,}", ran.err)


@pytest.mark.parametrize("ending", ["npz", "npy"])
def test_a_file_that_is_no_array_does_not_advise_to_unpickle_it(surefit, tmp_path, ending):
    (tmp_path / f"t.{ending}").write_bytes(b"PK nope")
    ran = surefit(f"fit {tmp_path / f't.{ending}'}")
    assert ran.code == 2 and "not a readable NumPy file of numbers" in ran.err and "allow_pickle" not in ran.err


@pytest.mark.parametrize(
    "line, said",
    [
        ("data sin(x) --on x=0:1 --out {taken}", "--out: cannot make the directory"),
        ("fit sin(x) --on x=0:1 --checkpoint {taken}", "--checkpoint: cannot make the directory"),
        ("construct {taken}.csv --tol 0.1", "names a table, and a formula is needed"),
    ],
)
def test_the_option_is_named(surefit, tmp_path, line, said):
    (tmp_path / "taken").write_text("a file")
    ran = surefit(line.format(taken=tmp_path / "taken"))
    assert ran.code == 2 and said in ran.err


@pytest.mark.parametrize("table", [lambda: zip([1, 2], [3, 4], strict=True), lambda: ((v for v in (1, 2)), [3, 4])])
def test_what_gives_its_values_once_is_no_table(table):
    with pytest.raises(library.errors.DataError, match=r"gives its values once.* list\(\.\.\.\)"):
        library.fit(table())
