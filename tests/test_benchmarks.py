"""Each benchmark runs, in its smallest size, and writes what it says it writes."""

from __future__ import annotations

import importlib
import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

import surefit
from surefit.ir.mathlib import FUNCTIONS
from surefit.problems.callables import called

ROOT = Path(__file__).resolve().parent.parent


def run(file: str, *arguments: str) -> str:
    source = Path(surefit.__file__).parent.parent
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / file, *arguments],
        env=os.environ | {"PYTHONPATH": str(source), "SUREFIT_BENCHMARK_PAUSE": "0"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_names_each_of_them_with_its_command():
    page = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    files = sorted(path.name for path in (ROOT / "benchmarks").glob("*.py"))
    assert files == sorted(set(re.findall(r"^\| `(\w+\.py)` \|", page, re.MULTILINE)))
    assert files == sorted(set(re.findall(r"^\$ python benchmarks/(\w+\.py)", page, re.MULTILINE)))


@pytest.mark.slow
def test_eager_step(tmp_path):
    out = run(
        "eager_step.py", "--rounds", "2", "--seconds", "0.001", "--workloads", "E2", "--threads", "1",
        "--json", str(tmp_path / "figures.json"),
    )  # fmt: skip
    assert "| E2: 1-512-1 ReLU, batch 32, SGD, MSE | 1 |" in out
    (row,) = json.loads((tmp_path / "figures.json").read_text())["rows"]
    assert len(row["seconds"]["surefit"]) == 2
    assert all(0 < s < 1 for s in row["seconds"]["surefit"])


@pytest.mark.slow
def test_monotone(tmp_path):
    pytest.importorskip("sklearn", reason="scikit-learn is an extra")
    file = tmp_path / "figures.json"
    out = run("monotone.py", "--only", "logistic", "--rows", "60", "--divisions", "1", "--json", str(file))
    assert "| logistic (60 rows) |" in out
    (row,) = json.loads(file.read_text())["rows"]
    assert all(0 < error < 1 for errors in row["rmse"].values() for error in errors)


@pytest.mark.slow
def test_hard(tmp_path):
    out = run(
        "hard.py", "--only", "kink,max", "--time", "2", "--contestants", "surefit,Chebyshev", "--called", "--own-time",
        "--json", str(tmp_path / "figures.json"),
    )  # fmt: skip
    assert "| within 1e-06 of 2 | 2 | 0 |  |" in out
    rows = json.loads((tmp_path / "figures.json").read_text())["rows"]
    assert [row["name"] for row in rows] == ["kink", "max"]
    assert all(row["runs"]["surefit"]["error"] < 1e-12 for row in rows)


@pytest.mark.slow
def test_hard_of_which_nothing_can_be_read(tmp_path):
    out = run(
        "hard.py", "--opaque", "--only", "Student,noncentral chi square", "--time", "2", "--own-time",
        "--contestants", "surefit,Chebyshev", "--json", str(tmp_path / "figures.json"),
    )  # fmt: skip
    assert "| function (inputs) | surefit | s | surefit's card |" in out  # Chebyshev knows functions of one input only
    rows = json.loads((tmp_path / "figures.json").read_text())["rows"]
    assert [(row["name"], row["dim"]) for row in rows] == [("Student", 2), ("noncentral chi square", 3)]
    runs = [row["runs"]["surefit"] for row in rows]
    assert all(0 < run["error"] < 0.2 and 0.5 * run["error"] < run["card"] for run in runs)
    assert "surefit's card says too little, by more than 5 %, on " in out
    given = ("--opaque", "--own-time", "--contestants", "SciPy RBF", "--beside", str(tmp_path / "figures.json"))
    both = run("hard.py", *given, "--only", "Student,noncentral chi square", "--time", "2")
    assert "| function (inputs) | surefit | SciPy RBF | s | surefit's card |" in both
    with pytest.raises(AssertionError, match="join runs of one kind"):
        run("hard.py", *given, "--only", "Student", "--time", "0.2")


@pytest.fixture(scope="module")
def opaque():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        yield importlib.import_module("harness.opaque")


def test_nothing_can_be_read_from_opaque_functions(opaque):
    for name, (_, text) in opaque.OPAQUE.items():
        box = surefit.data.Domain(text)
        function, outputs = called(opaque.Opaque(opaque.values_of(name)), box)
        assert function.formulas is None and outputs == 1, name
        x = opaque.edge_points(box, 300, np.random.default_rng(0))
        assert np.isfinite(function(x)).all() and ((box.low <= x) & (x <= box.high)).all(), name
    box = surefit.data.Domain("x=0:1, y=0:1")
    arithmetic = lambda points: points[:, 0] * np.exp(points[:, 1])
    assert called(arithmetic, box)[0].formulas is not None  # of which all can be read
    assert called(opaque.Opaque(arithmetic), box)[0].formulas is None


def test_opaque_functions_are_what_they_are_called(opaque):
    """Against the equations that they solve, and against SciPy's integrals, at points that are typed here."""

    def at(name, *point):
        return float(opaque.values_of(name)(np.array([point]))[0])

    f = at("Colebrook", 1e5, 0.01)
    assert 1 / np.sqrt(f) == pytest.approx(-2 * np.log10(0.01 / 3.7 + 2.51 / (1e5 * np.sqrt(f))), rel=1e-13)
    angle = at("Kepler", 0.3, 0.9)
    assert angle - 0.9 * np.sin(angle) == pytest.approx(0.3, abs=1e-14)
    z = at("root of a cubic", 7.0, 3.0)
    assert z + 7 * z**3 == pytest.approx(3, rel=1e-13)
    whole, _ = quad(lambda u: u**4 * np.exp(u) / np.expm1(u) ** 2, 0, 428 / 300)
    assert at("Debye", 300.0, 428.0) == pytest.approx(3 * (300 / 428) ** 3 * whole, rel=1e-10)
    end = solve_ivp(lambda t, s: [s[1], 1.5 * (1 - s[0] ** 2) * s[1] - s[0]], (0, 3), [1, 0], rtol=1e-11, atol=1e-12)
    assert at("van der Pol", 1.5, 1.0) == pytest.approx(np.hypot(*end.y[:, -1]), rel=1e-5)
    assert at("eigenvalue with a cone", 0.6, 0.8) == pytest.approx(-1)
    assert at("distance to a triangle", 0.05, -0.35 - 1.1) == pytest.approx(1.1 * 1.1 / np.hypot(1.1, 0.1))
    small = at("Mie", 0.1, 1.5)  # Rayleigh's law
    assert small == pytest.approx(8 / 3 * 0.1**4 * ((1.5**2 - 1) / (1.5**2 + 2)) ** 2, rel=0.02)


def test_cards_that_say_too_little_are_named(opaque):
    runs = {
        "right": {"error": 1.04e-3, "card": 1e-3},
        "little": {"error": 1.06e-3, "card": 1e-3},
        "roundoff": {"error": 9e-14, "card": 1e-16},
        "broken": {"error": None},
    }
    said = opaque.cards_told_too_little(runs)
    assert said == "surefit's card says too little, by more than 5 %, on 1 of 3: little."


@pytest.mark.slow
def test_import_time(tmp_path):
    out = run("import_time.py", "--rounds", "1", "--json", str(tmp_path / "figures.json"))
    assert "| `import surefit` |" in out
    assert json.loads((tmp_path / "figures.json").read_text())["loaded"] == []


@pytest.mark.slow
def test_inference(tmp_path):
    out = run(
        "inference.py", "--rounds", "2", "--seconds", "0.001", "--only", "point,both", "--threads", "1",
        "--json", str(tmp_path / "figures.json"),
    )  # fmt: skip
    assert "| value at a point, 1-20-1, float64 | 1 |" in out
    rows = json.loads((tmp_path / "figures.json").read_text())["rows"]
    assert [row["call"] for row in rows] == ["point", "both"]
    assert all(0 < s < 1 for row in rows for seconds in row["seconds"].values() for s in seconds)


@pytest.mark.slow
def test_least_squares(tmp_path):
    out = run("least_squares.py", "--count", "1", "--only", "geodesic,trf", "--json", str(tmp_path / "figures.json"))
    assert "| surefit, geodesic | 2 of 2 |" in out and "| SciPy trf | 2 of 2 |" in out
    rows = json.loads((tmp_path / "figures.json").read_text())["rows"]
    assert len(rows) == 6 and all(row["calls"] > 0 for row in rows)


@pytest.mark.slow
def test_solver_targets(tmp_path):
    out = run("solver_targets.py", "--seeds", "1", "--rounds", "1", "--json", str(tmp_path / "figures.json"))
    assert "| sin(x) on x=-6.283:6.283 | float64 |" in out and "shell to result" in out
    rows = json.loads((tmp_path / "figures.json").read_text())["rows"]
    assert len(rows) == 12
    assert all(run["error"] <= row["relative"] for row in rows for run in row["runs"])


@pytest.fixture
def material(tmp_path):
    """Data of the benchmarks in little: two equations, and a table of 120 rows with its masks."""
    (tmp_path / "functions").mkdir()
    equations = [
        {"name": "A", "formula": "sin(a)", "vars": [["a", 0.0, 3.0]], "dim": 1},
        {"name": "B", "formula": "a*b", "vars": [["a", 0.0, 1.0], ["b", 1.0, 2.0]], "dim": 2},
    ]
    (tmp_path / "functions" / "feynman_1_50.json").write_text(json.dumps(equations))
    (tmp_path / "uci" / "small").mkdir(parents=True)
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (120, 2))
    np.savetxt(tmp_path / "uci" / "small" / "data.csv.gz", np.c_[x, x @ [1, 2]], delimiter=",")
    np.savetxt(tmp_path / "uci" / "small" / "test_mask.csv.gz", np.eye(10)[np.arange(120) % 10], delimiter=",")
    return str(tmp_path)


@pytest.mark.slow
def test_functions(material, tmp_path):
    out = run(
        "functions.py", "--data", material, "--time", "0.2", "--contestants", "surefit,SciPy RBF",
        "--json", str(tmp_path / "figures.json"),
    )  # fmt: skip
    assert "| A (1) |" in out and "| B (2) |" in out
    rows = json.loads((tmp_path / "figures.json").read_text())["rows"]
    assert all(0 < run["error"] < 0.5 for row in rows for (run,) in row["runs"].values())
    only = run("functions.py", "--data", material, "--time", "0.1", "--only", "B", "--contestants", "surefit")
    assert "| B (2) |" in only and "| A (1) |" not in only
    hidden = run(
        "functions.py",
        "--data",
        material,
        "--time",
        "0.5",
        "--opaque",
        "--own-time",
        "--contestants",
        "surefit,SciPy RBF",
    )
    assert "| 1 input (1): median, largest |" in hidden and "| 2 inputs (1): median, largest |" in hidden
    assert "surefit's card says too little, by more than 5 %, on 0 of 2." in hidden
    assert "Seconds are of processor time." in hidden
    numbers = run("functions.py", "--data", material, "--time", "0.1", "--only", "A", "--sensitivity", "LM_FIRST,UNITS")
    assert "| LM_FIRST | 60 |" in numbers and "| UNITS |" in numbers


@pytest.mark.slow
def test_slices_of_functions_are_joined(tmp_path):
    files = []
    for name, ours, theirs in (("A", 1e-3, 2e-3), ("B", 3e-3, 2e-3), ("C", 4e-3, 9e-3)):
        runs = {n: [{"error": e, "seconds": 1.0}] for n, e in (("surefit", ours), ("SciPy RBF", theirs))}
        machine = {"processor": "a CPU", "cores": 1, "system": "Linux", "python": "3.11"}
        figures = {
            "machine": machine,
            "versions": {"scipy": "1"},
            "seconds": 10.0,
            "seeds": 1,
            "rows": [{"name": name, "dim": 1, "runs": runs}],
        }
        files.append(tmp_path / f"{name}.json")
        files[-1].write_text(json.dumps(figures))
    out = run("functions.py", "--joined", ",".join(map(str, files)))
    assert "a CPU, 1 cores, Linux" in out  # where it was measured, not where it is joined
    assert "| median of all | 3.0e-03 | 2.0e-03 |" in out
    assert "| largest of all | 4.0e-03 | 9.0e-03 |" in out
    assert "surefit is worse than SciPy RBF on 1 of 3: B." in out
    files[0].write_text(files[0].read_text().replace("10.0", "2.0"))
    with pytest.raises(AssertionError, match="join runs of one kind"):
        run("functions.py", "--joined", ",".join(map(str, files)))


@pytest.mark.slow
def test_tables(material, tmp_path):
    file = tmp_path / "figures.json"
    out = run("tables.py", "--data", material, "--only", "small", "--splits", "1", "--json", str(file))
    assert "| small (120 rows, 2 inputs) |" in out
    (row,) = json.loads(file.read_text())["rows"]
    assert all(0 < error < 1 for (error,) in row["rmse"].values())
    assert 0.5 < row["covered"][0] <= 1 and 0 < row["wide"][0] < 4 and "| covered | wide |" in out


@pytest.mark.slow
def test_unseen(tmp_path):
    pytest.importorskip("sklearn", reason="the peers")
    file = tmp_path / "figures.json"
    options = ("--kinds", "drawn", "--seeds", "2", "--peers", "mean;ridge", "--json", str(file))
    out = run("unseen.py", "--only", "12 rows", *options)
    assert "| 12 rows (12 rows, 3 columns) |" in out and "Worse than mean or ridge by more than 2 %: " in out
    (row,) = json.loads(file.read_text())["rows"]
    assert set(row["squares"]) == {"surefit", "mean", "ridge"} and len(row["squares"]["ridge"]) == 2
    parts = ("--only", "linnerud Pulse", "--kinds", "measured", "--folds", "2", "--repeats", "2")
    out = run("unseen.py", *parts, *options[4:])
    (row,) = json.loads(file.read_text())["rows"]
    assert "| linnerud Pulse (10 rows, 3 columns) |" in out
    assert row["divisions"] == 2 and len(row["squares"]["surefit"]) == 4
    assert len(set(row["squares"]["mean"])) == 4  # other parts


def test_missing_material_is_said(tmp_path):
    with pytest.raises(AssertionError, match=r"is not in .*name the folder that holds it with --data"):
        run("tables.py", "--data", str(tmp_path))


@pytest.mark.slow
def test_gemm(tmp_path):
    file = tmp_path / "figures.json"
    out = run("gemm.py", "--rounds", "2", "--seconds", "0.0001", "--networks", "E3-mnist", "--json", str(file))
    assert "| 784-100 forward: 128 x 100 x 784 |" in out
    rows = json.loads(file.read_text())["rows"]
    assert len(rows) == 5
    assert all(0 < s < 1 for row in rows for turns in row["seconds"].values() for s in turns)


@pytest.mark.slow
def test_elementary(tmp_path):
    file = tmp_path / "figures.json"
    out = run("elementary.py", "--rounds", "2", "--seconds", "0", "--json", str(file))
    assert "| tanh, float32 |" in out and "| fmod, float64 |" in out and "| logaddexp, float64 |" in out
    rows = json.loads(file.read_text())["rows"]
    assert len(rows) == 2 * len(FUNCTIONS)
    assert all(0 < ns < 1e6 for row in rows for turns in row["ns"].values() for ns in turns)


SAME_ARITHMETIC = """
import json
from importlib.util import find_spec
from harness.contenders import CONTENDERS, first_losses
from harness.workloads import WORKLOADS
names = [n for n in CONTENDERS if n != "torch-compile" and find_spec(CONTENDERS[n][0])]
print(json.dumps({k: {n: first_losses(n, w, 1)[1] for n in names} for k, w in WORKLOADS.items()}))
"""


@pytest.mark.slow
def test_all_contenders_of_the_training_steps_do_the_same_arithmetic():
    path = os.pathsep.join([str(Path(surefit.__file__).parent.parent), str(ROOT / "benchmarks")])
    done = subprocess.run(
        [sys.executable, "-c", SAME_ARITHMETIC],
        env=os.environ | {"PYTHONPATH": path, "SUREFIT_CACHE": "off"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    for key, losses in json.loads(done.stdout).items():
        assert {"surefit", "numpy"} <= set(losses)
        for name, seen in losses.items():
            assert seen[0] != seen[-1]
            np.testing.assert_allclose(seen, losses["numpy"], rtol=1e-3, err_msg=f"{key}: {name}")


@pytest.mark.slow
def test_training_step(tmp_path):
    file = tmp_path / "figures.json"
    out = run(
        "training_step.py", "--quick", "--only", "E4", "--threads", "1", "--contenders", "surefit,numpy",
        "--json", str(file),
    )  # fmt: skip
    assert "| E4 | 1 |" in out and "E4: 1-10-10-1 sigmoid, batch 1, SGD." in out
    figures = json.loads(file.read_text())
    assert figures["machine"]["cores"] >= 1
    assert [(r["workload"], r["contender"], r["threads"]) for r in figures["rows"]] == [
        ("E4", "surefit", 1), ("E4", "numpy", 1)
    ]  # fmt: skip
    assert all(0 < r["us_per_step"] < 1e6 and r["compile_s"] > 0 for r in figures["rows"])


@pytest.mark.slow
def test_compile_time(tmp_path):
    file = tmp_path / "figures.json"
    out = run("compile_time.py", "--rounds", "2", "--only", "E4", "--json", str(file))
    assert "| E4 | cold |" in out and "| E4 | cached |" in out
    (row,) = json.loads(file.read_text())["rows"]
    assert min(r["LLVM"] for r in row["cold"]) > max(r["LLVM"] for r in row["cached"])


@pytest.mark.slow
def test_scaling(tmp_path):
    file, picture = tmp_path / "figures.json", tmp_path / "curves.png"
    out = run(
        "scaling.py", "--quick", "--only", "depth,networks", "--contenders", "surefit", "--json", str(file),
        "--picture", str(picture),
    )  # fmt: skip
    assert "| depth | 16 |" in out and "| networks | 16 |" in out
    assert picture.read_bytes().startswith(b"\x89PNG")
    shallow, deep, _, _ = (r["us_per_step"] for r in json.loads(file.read_text())["rows"])
    assert 0 < shallow < deep


@pytest.mark.slow
def test_cold_start(tmp_path):
    file = tmp_path / "figures.json"
    out = run("cold_start.py", "--rounds", "2", "--against", "sklearn", "--json", str(file))
    assert "surefit fit 'sin(x)' --on x=-6.28:6.28 --tol 1e-8" in out
    first = json.loads(file.read_text())["rows"][0]
    assert first["name"] == "surefit" and len(first["seconds"]) == 2


def test_an_unknown_workload_is_said():
    with pytest.raises(AssertionError, match="'E9' is not one of E1, E2"):
        run("training_step.py", "--only", "E9")


@pytest.mark.slow
def test_two_ways(tmp_path):
    out = run("two_ways.py", "--quick", "--out", str(tmp_path))
    assert "| surefit, batches of 32 | 25 |" in out
    assert (tmp_path / "two-ways.md").is_file()


@pytest.mark.slow
def test_certify():
    if "SUREFIT_DATA" not in os.environ:
        pytest.skip("the systems of arXiv 2505.15497 are not here")
    out = run("certify.py", "--part", "systems", "--first", "1", "--seconds", "2")
    assert "| WaterTank 12 | 0.097 |" in out and "proved |" in out


@pytest.mark.slow
def test_large(tmp_path):
    pytest.importorskip("pyarrow", reason="the table is a Parquet file")
    out = run("large.py", "--rows", "2e4", "--units", "10", "--json", str(tmp_path / "figures.json"))
    assert "| 2e4 | in parts |" in out
    automatic, _, whole, own, parts, adam, windows = json.loads((tmp_path / "figures.json").read_text())["rows"]
    assert parts["rmse"] == pytest.approx(whole["rmse"], rel=0.3) and automatic["rmse"] <= 1.1 * adam["rmse"]
    assert windows["rmse"] == pytest.approx(adam["rmse"], rel=0.3)
    assert own["rmse"] <= 1.1 * parts["rmse"]
    for row in (own, parts, adam, windows):
        assert 0 < row["told"] <= row["peak"] < 2**30


@pytest.mark.slow
def test_many(tmp_path):
    pytest.importorskip("sklearn", reason="the peer")
    out = run("many.py", "--count", "50", "--against", "5", "--noises", "0.1", "--json", str(tmp_path / "figures.json"))
    assert "| 0.1 |" in out
    (row,) = json.loads((tmp_path / "figures.json").read_text())["rows"]
    assert 0 < row["distance"] < 0.1 and row["seconds"] > 0


@pytest.mark.slow
def test_many_through_dask(tmp_path):
    pytest.importorskip("sklearn", reason="the peer")
    pytest.importorskip("distributed", reason="what shares the fits")
    options = ("--count", "50", "--against", "5", "--noises", "0.1", "--dask")
    out = run("many.py", *options, "--json", str(tmp_path / "figures.json"))  # which ends badly where bits differ
    (row,) = json.loads((tmp_path / "figures.json").read_text())["rows"]
    assert "| through Dask |" in out and row["dask_seconds"] > 0


@pytest.mark.slow
def test_slow_functions(tmp_path):
    options = ("--only", "damped wave; front", "--seeds", "1", "--time", "1", "--no-budget")
    out = run("slow.py", *options, "--json", str(tmp_path / "figures.json"))
    rows = json.loads((tmp_path / "figures.json").read_text())["rows"]
    assert len(rows) == 2 and "| damped wave (1) | 50 ms |" in out and "| front (1) | 10 ms |" in out


def test_documents_show_what_was_measured(tmp_path):
    """Every table of figures is that of the kept run; a figure that was changed by hand is noticed."""
    figures = runpy.run_path(str(ROOT / "scripts" / "figures.py"))
    shown = 0
    for name, lang in figures["DOCUMENTS"].items():
        text = (ROOT / name).read_text(encoding="utf-8")
        assert figures["renewed"](text, lang) == text, "run: python scripts/figures.py"
        for m in figures["MARKED"].finditer(text):
            shown += 1
            digit = next(i for i in range(m.start("body"), m.end("body")) if text[i].isdigit())
            changed = text[:digit] + str((int(text[digit]) + 1) % 10) + text[digit + 1 :]
            assert figures["renewed"](changed, lang) == text
    assert shown > 8
