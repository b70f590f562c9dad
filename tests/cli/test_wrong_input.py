"""Every wrong input ends in one message that names what came and what to write instead, exit code 2, no traceback."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

FORMULA = [
    # the formula
    ("fit 'sin(z)' --on x=0:1", ["unknown name 'z'", "the variable is x", "    sin(z)\n        ^"]),
    ("fit 2x --on x=0:1", ["an operator is missing between '2' and 'x'", "    2x\n     ^", "did you mean: 2*x"]),
    ("fit 'sin(x' --on x=0:1", ["sin(x"]),
    ("fit 'x1*x2' --on x1=0:1", ["unknown name 'x2'"]),
    ("fit '-1/x2+' --on x2=0:1", ["something is missing after '+'"]),
    ("fit 'x + y'", ["--on is missing", "--on x=-1:1 --on y=-1:1"]),
    ("fit 2x", ["did you mean: 2*x"]),  # the formula comes before the domain
    ("fit 'log(x)' --on x=-1:1", ["not finite at 41 of 82 sampled points", "gives nan", "--drop-nonfinite"]),
    ("fit 'log(x)' --on x=-2:-1", ["not finite at any of the 82 sampled points", "Check the formula"]),
    ("fit '1/x' --on x=-1:1 --num 41", ["not finite at 1 of 41", "x=0 gives inf", "--drop-nonfinite"]),
    # the domain
    ("fit x --on x=1:0", ["--on", "'x' is reversed: 1 to 0", "write low first"]),
    ("fit x --on x=1:1", ["--on", "'x' has no width"]),
    ("fit x --on x=1", ["--on", "cannot read '1'", "LOW:HIGH"]),
    ("fit x --on x=a:1", ["--on", "the low end of 'x'", "unknown name 'a'"]),
    ("fit x --on x=0:inf", ["--on"]),
    ("fit x --on x=0:1 --on x=0:2", ["--on", "'x' is given 2 times"]),
    # numbers and names
    ("fit x --on x=0:1 --hidden 0", ["--hidden 0: expected widths", "such as 64,64"]),
    ("fit x --on x=0:1 --hidden 8,", ["--hidden 8,: expected widths"]),
    ("fit x --on x=0:1 --lr -1", ["--lr -1: expected a number above 0"]),
    ("fit x --on x=0:1 --lr nan", ["--lr nan: expected a number above 0"]),
    ("fit x --on x=0:1 --epochs 0", ["--epochs 0: expected a whole number of 1 or more"]),
    ("fit x --on x=0:1 --epochs 1.5", ["--epochs 1.5: expected a whole number"]),
    ("fit x --on x=0:1 --batch-size no", ["--batch-size no: expected a whole number"]),
    ("fit x --on x=0:1 --tol 0", ["--tol 0: expected a number above 0"]),
    ("fit x --on x=0:1 --seed -1", ["--seed -1: expected a whole number of 0 or more"]),
    ("fit x --on x=0:1 --dtype half", ["--dtype half: expected one of float32, float64"]),
    ("fit x --on x=0:1 --activation tan", ["--activation tan: expected one of", "did you mean tanh?"]),
    ("fit x --on x=0:1 --method addam", ["--method addam: expected one of", "did you mean adam?"]),
    ("fit x --on x=0:1 --schedule cos", ["--schedule cos: expected one of", "cosine"]),
    ("fit x --on x=0:1 --loss mae", ["--loss mae: expected one of mse, l1"]),
    ("fit x --on x=0:1 --design sobel", ["--design sobel: expected one of", "did you mean sobol?"]),
    ("fit x --on x=0:1 --patience soon", ["--patience soon: expected a whole number", "none"]),
    ("fit x --on x=0:1 --momentum 0.9", ["--momentum: adam has no such setting; choose --method sgd or rmsprop"]),
    ("fit x --on x=0:1 --dropout 2", ["--dropout 2: expected a number of 0 or more and not above 1"]),
    ("fit x --on x=0:1 --split 0.5,0.5", ["--split 0.5,0.5: expected shares", "0.8,0.1,0.1"]),
    ("fit x --on x=0:1 --split 1,1,1", ["--split 1,1,1: expected shares", "sum to 1"]),
    ("fit x --on x=0:1 --noise loud", ["--noise: cannot read 'loud'", "uniform:0.01"]),
    ("fit x --on x=0:1 --num 1 --design grid", ["--num: a product of axes", "at least 2 points"]),
    ("fit x --on x=0:1 --extra-ratio 0.5", ["--extra-ratio: ", "--extra-box does not say where"]),
    ("fit x --on x=0:1 --extra-box y=0:1", ["--extra-box: the domain has no variable 'y'"]),
    ("fit x --on x=0:1 --extra-box x=0:2", ["--extra-box: x=0:2 reaches outside the domain"]),
    ("fit x --on x=0:1 --columns a", ["--columns is for tables"]),
]  # fmt: skip

WORDS = [
    ("fti x", ["there is no command 'fti'; did you mean fit?"]),
    ("frobnicate", ["there is no command", "commands are fit, compare, tune, predict", "certify, verify, check, data"]),
    ("help", ["there is no command 'help'; write surefit --help, or surefit fit --help"]),
    ("--verbose", ["there is no option --verbose", "see: surefit --help"]),
    ("fit", ["what should be fitted?", 'surefit fit "sin(x)" --on x=-3:3']),
    ("fit x --on x=0:1 --epoch 5", ["there is no option --epoch; did you mean --epochs?", "surefit fit --help"]),
    ("fit x --on x=0:1 -epochs 5", ["there is no option -epochs; did you mean --epochs?"]),
    ("fit x --on x=0:1 -o m", ["there is no option -o; did you mean --out?", "surefit fit --help"]),
    ("fit x --on x=0:1 -z 5", ["there is no option -z", "surefit fit --help"]),
    ("fit x --on x=0:1 --no-scal", ["did you mean --no-scale?"]),
    ("fit x --on x=0:1 --lr", ["--lr: its value is missing"]),
    ("fit x --on x=0:1 --out ''", ["--out: its value is missing"]),
    ("fit x --on x=0:1 --out=", ["--out: its value is missing"]),
    ("data x --on x=0:1 --out ''", ["--out: its value is missing"]),
    ("export model.safetensors --to c --out ''", ["--out: its value is missing"]),
    ("construct x --on x=0:1 --tol 0.1 --out ''", ["--out: its value is missing"]),
    ("fit x + 1 --on x=0:1", ["these words are too many: + 1", "quotes"]),
    ("predict", ["MODEL is missing"]),
    ("certify m.safetensors --tol abc", ["--tol abc: expected a number", "see: surefit certify --help"]),
    ("certify m.safetensors --time=soon", ["--time soon: expected a number"]),
    ("construct sin(x) --on x=0:1 --units 2.5", ["--units 2.5: expected a whole number"]),
    ("play --port 99999", ["--port 99999: expected a number of 65535 or less"]),
    ("construct sin(x) --on x=0:1 --tol -1", ["--tol -1.0 must be a number > 0"]),
    ("info m.safetensors m.safetensors", ["these words are too many: m.safetensors", "see: surefit info --help"]),
    ("check none.json m.safetensors", ["there is no"]),
    ("predict model.safetensors points.csv", ["these words are too many: points.csv", "a table goes after --csv"]),
    ("data x --on x=0:1", ["--out is missing"]),
]  # fmt: skip

TABLES = [
    ("fit nowhere.csv", ["there is no file 'nowhere.csv'"]),
    ("fit god.csv", ["there is no file 'god.csv'; did you mean 'good.csv'?"]),
    ("fit good.cvs", ["there is no file 'good.cvs'; did you mean 'good.csv'?"]),
    ("fit data/good.cvs", ["there is no file 'data/good.cvs'"]),
    ("fit sheet.xls", ["cannot read 'sheet.xls'", "save it as .xlsx or CSV"]),
    ("fit words.csv", ["line 3, column 'b' is 'two', not a number", "--columns"]),
    ("fit holes.csv", ["line 3, column 'b' is missing ('')", "leave such rows out with --drop-missing"]),
    ("fit good.csv --targets z", ["--targets: good.csv has no column 'z'; it has a, b, y"]),
    ("fit good.csv --columns a,z", ["--columns: good.csv has no column 'z'; it has a, b, y"]),
    ("fit good.csv --num 50", ["--num is for formulas; good.csv brings its own points"]),
    ("fit good.csv --on c=0:1", ["--on", "a, b"]),
    ("fit comma.csv", ["'0,5', not a number", "--decimal ','"]),
    ("fit empty.csv", ["empty.csv: the file is empty"]),
    ("fit chinese.csv", ["line 1 is not utf-8 text", "--encoding gbk"]),
]


@pytest.mark.parametrize("line, says", FORMULA + WORDS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_wrong_word(surefit, line, says):
    assert_refused(surefit(line), says)


@pytest.mark.parametrize("line, says", TABLES, ids=lambda value: value if isinstance(value, str) else "")
def test_a_wrong_table(surefit, tmp_path, line, says):
    rows = "".join(f"{i},{i * i % 7},{i % 3}\n" for i in range(20))
    (tmp_path / "good.csv").write_text("a,b,y\n" + rows)
    (tmp_path / "words.csv").write_text("a,b,y\n1,2,3\n1,two,3\n")
    (tmp_path / "holes.csv").write_text("a,b,y\n1,2,3\n1,,3\n")
    (tmp_path / "comma.csv").write_text("a;b;y\n0,5;1;2\n0,7;2;3\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "chinese.csv").write_bytes("长,宽,面积\n1,2,2\n".encode("gbk"))
    assert_refused(surefit(line), says)


PREDICT = [
    ("predict two.safetensors", ["give points, --at x=1, or a table, --csv IN"]),
    ("predict two.safetensors --at x1=1", ["no value for x2", "--at x1=NUMBER,x2=NUMBER"]),
    ("predict two.safetensors --at x1=1,x3=2", ["the model has no input 'x3'", "--at x1=NUMBER,x2=NUMBER"]),
    ("predict two.safetensors --at 1,2", ["cannot read '1'", "--at x1=NUMBER,x2=NUMBER"]),
    ("predict two.safetensors --at x1=1,x2=", ["cannot read 'x2='"]),
    ("predict two.safetensors --at x1=1,x2=a", ["the value of x2 is not a number", "unknown name 'a'"]),
    ("predict two.safetensors --at x1=1,x1=2", ["x1 comes twice"]),
    ("predict two.safetensors --at x1=1,x2=2 --out o.csv", ["--out: is for the rows of --csv IN"]),
    ("predict two.safetensors --csv nowhere.csv", ["there is no file 'nowhere.csv'"]),
    ("predict two.safetensors --csv lacking.csv", ["lacking.csv: there is no column 'x2'", "that came are x1, z"]),
    ("predict two.safetensors --csv words.csv", ["line 3, column 'x2' is 'two', not a number"]),
    ("predict two.safetensors --csv good.csv --out good.csv", ["--out good.csv: is the table that is read"]),
    ("predict two.safetensors --csv good.csv --out o.json", ["'o.json'", ".csv, .parquet, .npz"]),
    ("predict two.safetensors --csv good.csv --out nowhere/o.csv", ["cannot write 'nowhere/o.csv' (No such file"]),
    ("predict nowhere.safetensors --at x=1", ["there is no model file 'nowhere.safetensors'"]),
    ("info cut.safetensors", ["'cut.safetensors' is damaged or not a model file"]),
    ("info good.csv", ["'good.csv' is a text, not a model file"]),
    ("doctor nowhere.safetensors", ["there is no model file"]),
]  # fmt: skip


@pytest.mark.parametrize("line, says", PREDICT, ids=lambda value: value if isinstance(value, str) else "")
def test_a_wrong_use_of_a_model(surefit, models, tmp_path, line, says):
    shutil.copy(models / "two.safetensors", tmp_path)
    (tmp_path / "cut.safetensors").write_bytes((models / "two.safetensors").read_bytes()[:2000])
    (tmp_path / "good.csv").write_text("x1,x2\n0,1\n")
    (tmp_path / "lacking.csv").write_text("x1,z\n0,1\n")
    (tmp_path / "words.csv").write_text("x1,x2\n0,1\n0,two\n")
    assert_refused(surefit(line), says)


CONFIG = [
    ("lr = 0.1\nepoch = 3", ["run.toml: there is no setting 'epoch'; did you mean epochs?"]),
    ('lr = "fast"', ["run.toml: lr = fast: expected a number above 0"]),
    ("lr = true", ["run.toml: lr = true: expected a number above 0"]),
    ("scale = 1", ["run.toml: scale = 1: expected true or false"]),
    ("hidden = [8, 0]", ["run.toml: hidden = [8, 0]: expected widths"]),
    ("lr = 1979-05-27", ["expected a number above 0"]),
    ("lr =", ["'run.toml' is not a TOML file"]),
    ("lr = " + "[" * 5000, ["'run.toml' is not a TOML file"]),
    ("epochs = 99999999999999999999", ["epochs = 99999999999999999999: expected a whole number"]),
    ("[lr]\nrate = 1", ["expected a number above 0"]),
    (None, ["--config: there is no file 'run.toml'"]),
]


@pytest.mark.parametrize("text, says", CONFIG)
def test_a_wrong_config(surefit, tmp_path, text, says):
    if text is not None:
        (tmp_path / "run.toml").write_text(text)
    assert_refused(surefit("fit x --on x=0:1 --config run.toml"), says)


@pytest.mark.parametrize(
    "line, says",
    [
        ("fit x --on x=0:1 --out file/there {small}", ["--out: cannot make the directory 'file/there'"]),
        ("fit x --on x=0:1 --save-config file/run.toml {small}", ["--save-config: cannot make the directory 'file'"]),
        ("fit x --on x=0:1 --save-config . {small}", ["--save-config: cannot write '.'", "a directory"]),
        ("data x --on x=0:1 --out file/there", ["cannot make the directory 'file/there'"]),
        ("construct x --on x=0:1 --out file/there", ["--out: cannot make the directory 'file' (File exists)"]),
        ("compare x --on x=0:1 --hidden 3 --hidden 4 --out file", ["--out: cannot make the directory 'file'"]),
        ("tune x --on x=0:1 --out file/there/too", ["--out: cannot make the directory 'file' (File exists)"]),
        ("reproduce --all --out file/there", ["--out: cannot make the directory 'file' (File exists)"]),
    ],
)
def test_a_place_that_cannot_be_written(surefit, tmp_path, line, says, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("surefit.experiments.run", lambda *_: pytest.fail("an experiment was made"))
    assert_refused(surefit(line), says)


def test_a_certificate_that_cannot_be_written_is_told_before_it_is_sought(surefit, tmp_path, monkeypatch):
    assert surefit("construct 'x^2' --on x=0:1 --tol 0.01 --out made").code == 0
    monkeypatch.setattr("surefit.fitting.Fit.certify", lambda *_, **__: pytest.fail("a proof was sought"))
    for place, says in (("made", "a directory"), ("made/card.txt/proof.json", "cannot make the directory")):
        assert_refused(surefit(f"certify made --out {place}"), ["--out: ", says])


@pytest.mark.parametrize(
    "line",
    [
        "fit 'log(x)' --on x=-1:1 --out here --save-config run.toml",
        "construct '2x' --on x=0:1 --out here",
        "compare 'log(x)' --on x=-1:1 --method lm --method varpro --out here",
        "tune 'log(x)' --on x=-1:1 --vary units=2:4 --out here",
        "reproduce nothing --out here",
    ],
)
def test_nothing_is_written_by_a_run_that_is_refused(surefit, tmp_path, line):
    assert surefit(line).code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("line", ["fit 2x --on x=0:1", "data 2x --on x=0:1 --out here", "info nowhere"])
def test_with_json_a_refusal_leaves_stdout_empty(surefit, line):
    assert_refused(surefit(f"{line} --json"), [])


def assert_refused(ran, says):
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.startswith("error: ")
    missing = [part for part in says if part not in ran.err]
    assert not missing, f"{missing} not in:\n{ran.err}"
    assert "Traceback" not in ran.err
    argument = re.search(r"\b(drop_nonfinite|drop_missing|columns|encoding|decimal|batch_size)\b=", ran.err)
    assert argument is None, f"speaks of Python's {argument[0]}:\n{ran.err}"


@pytest.mark.slow
@pytest.mark.parametrize(
    "line, says",
    [
        ("predict fit.safetensors --at x=1 --interval 2", ["--interval 2.0 must be a probability"]),
        ("report fit.safetensors --out r.pdf", ["--out: 'r.pdf' ends in '.pdf'"]),
        ("export fit.safetensors --to c --units z=N", ["--units: there is no variable 'z'"]),
        ("certify fit.safetensors --tol 0", ["--tol 0.0 must be a number above 0"]),
        ("certify fit.safetensors --rtol -1", ["--rtol -1.0 must be"]),
        ("verify fit.safetensors y<=2 --time 0", ["--time 0.0 must be a number above 0"]),
        ("check nothing.json fit.safetensors", ["there is no certificate 'nothing.json'"]),
        ("info fitt.safetensors", ["there is no model file 'fitt.safetensors'; did you mean 'fit.safetensors'?"]),
        ("certify rows.safetensors", ["give the formula that it should be, surefit certify MODEL 'sin(x)'"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_argument_of_a_command_that_reads_a_model(surefit, line, says):
    """Options are named as they are typed, also where the library found the fault."""
    assert surefit("fit x --on x=0:1 --quiet --out made").code == 0
    assert surefit("data x --on x=0:1 --num 20 --out rows").code == 0
    assert surefit("fit rows/train.csv --quiet --out rows --method polynomial").code == 0
    Path("made/model.safetensors").rename("fit.safetensors")
    Path("rows/model.safetensors").rename("rows.safetensors")
    assert_refused(surefit(line), says)


def test_a_language_that_there_is_not_is_said_in_that_of_the_locale(surefit, monkeypatch):
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    ran = surefit("info w --lang fr")
    assert ran.code == 2 and "应为 en 或 zh" in ran.err


def test_a_number_beyond_all_others_is_told_from_one_that_is_none(surefit):
    for option in ("--lr", "--tol", "--time"):
        ran = surefit(f"fit x --on x=0:1 {option} 1e400")
        assert ran.code == 2 and "beyond the largest number" in ran.err
    assert "beyond" not in surefit("fit x --on x=0:1 --tol much").err
