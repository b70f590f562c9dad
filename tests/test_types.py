"""What mypy, pyright and Python itself say of a user's script: one script, three oracles, the same types."""

from __future__ import annotations

import ast
import functools
import importlib.util
import inspect
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import surefit
from surefit.core import functions

ROOT = Path(__file__).resolve().parents[1]
SOURCE = Path(surefit.__file__).resolve().parent

# every reveal_type says behind it what is expected; Python prints the class it has met
SCRIPT = """
from typing import reveal_type

import numpy as np

import surefit
from surefit import nn

fit = surefit.fit("x**2", {"x": (-1, 1)}, model=(4,), method=surefit.Adam(epochs=1))
reveal_type(fit)  # Fit
reveal_type(fit.predict(np.zeros((3, 1))))  # ndarray
reveal_type(fit.predict([0.0, 0.5]))  # ndarray
fit.save("model.safetensors")
reveal_type(surefit.load("model.safetensors"))  # Fit

x = surefit.tensor([1.0, 2.0])
array = np.ones(2)
reveal_type(x)  # Tensor
reveal_type(surefit.sin(x))  # Tensor
reveal_type(surefit.sin(array))  # ndarray
reveal_type(surefit.sin(0.5))  # float
reveal_type(surefit.maximum(x, 0.0))  # Tensor
reveal_type(surefit.maximum(0.0, x))  # Tensor
reveal_type(surefit.where(x > 0, x, -x))  # Tensor
reveal_type(surefit.cat([x, x]))  # Tensor
reveal_type(surefit.stack((x, 1 - x), dim=1))  # Tensor
reveal_type(surefit.max(x))  # Tensor
reveal_type(surefit.max(x, 0).indices)  # Tensor
reveal_type(surefit.sort(x).values)  # Tensor
reveal_type(surefit.allclose(x, array))  # bool
reveal_type(surefit.split(x, 1))  # tuple
reveal_type(surefit.nonzero(x))  # Tensor
reveal_type(surefit.einsum("i,i->", x, x))  # Tensor
reveal_type(surefit.zeros(2, 3))  # Tensor
reveal_type(surefit.softmax(x, dim=0))  # Tensor

reveal_type(x + 1)  # Tensor
reveal_type(1 / x)  # Tensor
reveal_type(x - array)  # Tensor
reveal_type(2 ** x @ x)  # Tensor
reveal_type(-x)  # Tensor
reveal_type(x >= 1.5)  # Tensor
reveal_type((x > 1) & (x < 2))  # Tensor
reveal_type(x == x)  # Tensor
reveal_type(x[0])  # Tensor
reveal_type(x.sum())  # Tensor
reveal_type(x.mean(axis=0, keepdims=True))  # Tensor
reveal_type(x.softmax(axis=0))  # Tensor
reveal_type(x.reshape(-1, 1).T)  # Tensor
reveal_type(x.max(dim=0).values)  # Tensor
reveal_type(x.clone().add_(1.0))  # Tensor
reveal_type(x.to("float64").float())  # Tensor
reveal_type(x.new_zeros(2))  # Tensor
reveal_type(x.numpy())  # ndarray
reveal_type(float(x.sum()))  # float


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(1, 8)
        self.gain = nn.Parameter(surefit.ones(8))

    def forward(self, x: surefit.Tensor, times: int = 1) -> tuple[surefit.Tensor, int]:
        return surefit.tanh(self.first(x)) * self.gain, times


net = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))
points = x.unsqueeze(1)
reveal_type(net(points))  # Tensor
reveal_type(Net()(points))  # tuple
reveal_type(Net()(points, times=2)[0])  # Tensor
loss = nn.functional.mse_loss(net(points), points)
reveal_type(loss)  # Tensor
reveal_type(nn.MSELoss()(net(points), points))  # Tensor
reveal_type(nn.functional.relu(x))  # Tensor
optimizer = surefit.optim.Adam(net.parameters(), lr=1e-3)
for rows, targets in surefit.data.DataLoader(surefit.data.TensorDataset(points, points), batch_size=2):
    optimizer.zero_grad()
    nn.functional.mse_loss(net(rows), targets).backward()
    optimizer.step()
with surefit.no_grad():
    reveal_type(net(points).detach())  # Tensor


def f(x: surefit.Tensor, gain: float = 1.0) -> surefit.Tensor:
    return (gain * surefit.sin(x)).sum()


def g(weights: dict[str, surefit.Tensor]) -> surefit.Tensor:
    return (weights["a"] * weights["b"]).sum()


@surefit.jit
def step(x: surefit.Tensor, n: int = 3) -> surefit.Tensor:
    return x * n


@surefit.jit(mode="strict")
def strict(x: surefit.Tensor) -> dict[str, surefit.Tensor]:
    return {"x": x}


reveal_type(surefit.grad(f)(x))  # Tensor
reveal_type(surefit.grad(f)([1.0, 2.0], gain=2.0))  # Tensor
reveal_type(surefit.grad(surefit.sin)(0.5))  # Tensor
reveal_type(surefit.grad(surefit.grad(surefit.sin))(0.5))  # Tensor
reveal_type(surefit.grad(g)({"a": x, "b": x}))  # dict
reveal_type(surefit.grad(lambda t: t * t)(0.5))  # Tensor
reveal_type(surefit.batch(surefit.grad(lambda t: t * t))(array))  # Tensor
reveal_type(surefit.jit(surefit.grad(lambda t: t * t))(0.5))  # Tensor
reveal_type(surefit.value_and_grad(f)(x)[0])  # Tensor
reveal_type(surefit.jacobian(surefit.sin)(x))  # Tensor
reveal_type(surefit.hessian(f)(x))  # Tensor
reveal_type(surefit.batch(f)(points))  # Tensor
reveal_type(step)  # Jitted
reveal_type(step(x))  # Tensor
reveal_type(step(x, n=2))  # Tensor
reveal_type(strict(x))  # dict
reveal_type(surefit.jit(f)(x, 2.0))  # Tensor
reveal_type(surefit.jit(surefit.grad(f))(x, 2.0))  # Tensor
"""

# the same of a program written for PyTorch
PORTED = """
from typing import reveal_type

import surefit.torch as torch
import surefit.torch.nn.functional as F
from surefit.torch import nn, optim
from surefit.torch.utils.data import DataLoader, TensorDataset, random_split


class Net(nn.Module):
    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(2, hidden, device="cpu")
        self.act = nn.ReLU(inplace=True)
        self.fc2 = nn.Linear(hidden, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(F.relu(self.act(self.fc1(x))))


device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
reveal_type(device)  # Device
torch.manual_seed(0)
net = Net(4).to(device)
reveal_type(net)  # Net
reveal_type(net.train().eval())  # Net
x = torch.randn(20, 2, device=device)
reveal_type(x)  # Tensor
y = x.sum(dim=1, keepdim=True)
train, _ = random_split(TensorDataset(x, y), [16, 4])
optimizer = optim.Adam(net.parameters(), lr=1e-2)
scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=2)
for xb, yb in DataLoader(train, batch_size=16, shuffle=True):
    loss = nn.MSELoss()(net(xb), yb)
    reveal_type(loss)  # Tensor
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()


@torch.no_grad()
def evaluate(points: torch.Tensor) -> float:
    return float(net(points).mean())


reveal_type(evaluate(x))  # float
with torch.inference_mode():
    reveal_type(net(x))  # Tensor
reveal_type(torch.max(x, 1).indices)  # Tensor
reveal_type(torch.cat([x, x], dim=0))  # Tensor
reveal_type(torch.autograd.grad(net(x).sum(), list(net.parameters())))  # tuple
reveal_type(torch.allclose(x, x))  # bool
reveal_type(torch.einsum("ij,ij->i", x, x))  # Tensor
reveal_type(torch.split(x, 10))  # tuple
reveal_type(F.softmax(x, dim=1))  # Tensor
reveal_type(nn.Sequential(nn.Linear(2, 2), nn.Tanh()))  # Sequential
reveal_type(scheduler.get_last_lr())  # list
reveal_type(torch.linspace(0, 1, 5).numpy())  # ndarray
"""

# the same of classes, callbacks, a student, many curves
STUDY = """
from typing import reveal_type

import numpy as np

import surefit

rng = np.random.default_rng(0)
a, b = rng.random(40), rng.random(40)
fit = surefit.fit({"a": a, "b": b, "kind": np.where(a > b, "x", "z")}, task="classify", method="features")
reveal_type(fit)  # Fit
reveal_type(fit.predict_proba([[0.1, 0.2]]))  # ndarray
reveal_type(fit.error.max)  # float
reveal_type(fit.doctor())  # Diagnosis
reveal_type(fit.card())  # str
reveal_type(fit.to_dict())  # dict


def seen(event: surefit.Epoch) -> bool:
    return event.train_loss < 1e-9


taught = surefit.fit("x^2", "x=0:1", method=surefit.Adam(epochs=2), callbacks=[surefit.On(epoch=seen)])
reveal_type(taught.derivative([[0.5]]))  # ndarray
reveal_type(taught.minimum())  # Extremum
reveal_type(taught.roots(0.5))  # ndarray
student = surefit.distil(taught, domain="x=0:1", time=1.0)
reveal_type(student)  # Fit
reveal_type(student.export("out.py", to="numpy").paths)  # tuple
curves = {"sensor": np.repeat([1, 2], 20), "t": np.tile(np.linspace(0, 1, 20), 2), "v": a}
many = surefit.fit_many(curves, by="sensor", x="t", y="v")
reveal_type(many)  # Many
reveal_type(many[1])  # Curve
"""

# each of these lines is a mistake, and is said to be one
MISTAKES = """
import surefit
from surefit import nn

x = surefit.tensor([1.0])


def f(x: surefit.Tensor, gain: float = 1.0) -> surefit.Tensor:
    return gain * x


class Net(nn.Module):
    def forward(self, x: surefit.Tensor) -> surefit.Tensor:
        return x


surefit.sinn(x)  # wrong
x.summ()  # wrong
surefit.sin("x")  # wrong
surefit.sum(x, axes=0)  # wrong
x + "1"  # wrong
x.softmax()  # wrong
surefit.jit(f)(x, "a")  # wrong
surefit.jit(f)(x, gains=1.0)  # wrong
surefit.grad(f)(x, gain="a")  # wrong
Net()("x")  # wrong
Net()(x, x)  # wrong
surefit.fit("x", {"x": (0, 1)}, epochs=3)  # wrong
surefit.load(3)  # wrong
"""

SCRIPTS = {"script": SCRIPT, "ported": PORTED, "study": STUDY}


def expected(script: str) -> dict[int, str]:
    """By line what its remark says of the type."""
    lines = enumerate(script.splitlines(), 1)
    return {n: line.rpartition("# ")[2] for n, line in lines if line.strip().startswith("reveal_type(")}


WRONG = {n for n, line in enumerate(MISTAKES.splitlines(), 1) if line.endswith("# wrong")}


def short(name: str) -> str:
    """ "numpy.ndarray[tuple[Any, ...], dtype[Any]]" -> "ndarray"; "tuple[Tensor, int]" -> "tuple"."""
    return re.match(r"[\w.]+", name.strip("\"'"))[0].rpartition(".")[2]


Said = dict[str, list[tuple[int, str, str]]]  # by file: (line, "note" or "error", text)


def mypy(paths: list[Path], cache: Path) -> Said:
    """Everything that mypy says of files. cache: what it knows of files that have not changed since the last time."""
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("mypy is not installed (pip install -e '.[dev]')")
    command = [sys.executable, "-m", "mypy", "--config-file=", "--strict", "--cache-dir", cache, *paths]
    return by_file(checked(command, paths, {"MYPYPATH": str(SOURCE.parent)}), r"(.*?):(\d+): (\w+): (.*)")


def pyright(paths: list[Path], cache: Path) -> Said:
    """The same of pyright, which keeps nothing."""
    if importlib.util.find_spec("pyright") is None or shutil.which("node") is None:
        pytest.skip("pyright is not installed (pip install pyright, which needs Node)")
    folder = paths[0].parent
    (folder / "pyrightconfig.json").write_text(f'{{"extraPaths": ["{SOURCE.parent.as_posix()}"]}}')
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--project", folder]
    return by_file(checked(command, paths, {}), r"\s*(.*?):(\d+):\d+ - (\w+): (.*)")


def by_file(out: str, pattern: str) -> Said:
    found: Said = {}
    for m in filter(None, (re.match(pattern, line) for line in out.splitlines())):
        found.setdefault(Path(m[1]).stem, []).append((int(m[2]), m[3].replace("information", "note"), m[4]))
    return found


def checked(command: list[object], paths: list[Path], more: dict[str, str]) -> str:
    done = subprocess.run(
        [str(c) for c in command],
        capture_output=True, text=True, cwd=paths[0].parent, env=os.environ | more, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def told(tmp_path_factory, pytestconfig):
    """told(tool): what it says of all scripts, in one run: each begins by reading the package and its types."""
    cache = getattr(pytestconfig, "cache", None)  # with -p no:cacheprovider there is none

    @functools.cache
    def of(tool):
        folder = tmp_path_factory.mktemp(tool.__name__)
        paths = [folder / f"{name}.py" for name in (*SCRIPTS, "mistakes")]
        for path in paths:
            path.write_text((SCRIPTS | {"mistakes": MISTAKES})[path.stem])
        return tool(paths, folder / "cache" if cache is None else cache.mkdir(tool.__name__))

    return of


TOOLS = [pytest.param(mypy, id="mypy"), pytest.param(pyright, id="pyright")]


@pytest.mark.slow
@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_has_the_types_that_it_runs_with(tool, name, told):
    said = told(tool)[name]
    assert [s for s in said if s[1] != "note"] == []
    pattern = r'Revealed type is "(.*)"' if tool is mypy else r'Type of ".*" is "(.*)"$'
    types = {line: short(m[1]) for line, _, text in said if (m := re.match(pattern, text))}
    assert types == expected(SCRIPTS[name])


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_script_runs_with_these_types(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"{name}.py"
    path.write_text(SCRIPTS[name])
    runpy.run_path(str(path))
    met = re.findall(r"Runtime type is '(\w+)'", capsys.readouterr().err)
    same = {"View": "Tensor", "Snapshot": "Tensor"}  # tensors that belong to others
    assert [same.get(m, m) for m in met] == list(expected(SCRIPTS[name]).values())


@pytest.mark.slow
@pytest.mark.parametrize("tool", TOOLS)
def test_mistakes_are_seen_before_the_script_runs(tool, told):
    assert {line for line, kind, _ in told(tool)["mistakes"] if kind == "error"} == WRONG


def names_for_tools() -> set[str]:
    """The names that the stub of surefit exports."""
    tree = ast.parse((SOURCE / "__init__.pyi").read_text(encoding="utf-8"))
    names = [a.asname for node in tree.body if isinstance(node, ast.ImportFrom) for a in node.names if a.name != "*"]
    assert len(names) == len(set(names)) and not set(names) & set(in_stub())
    return set(names) | set(in_stub())


def stub() -> ast.Module:
    return ast.parse((SOURCE / "core" / "signatures.pyi").read_text(encoding="utf-8"))


def in_stub() -> list[str]:
    """`__all__` of the stub."""
    node = next(n for n in stub().body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "__all__")
    return ast.literal_eval(node.value)


def test_tools_see_every_public_name_and_no_other():
    assert names_for_tools() == set(dir(surefit))


def test_the_stubs_are_what_the_script_writes():
    pytest.importorskip("ruff", reason="ruff formats the stub (pip install -e '.[dev]')")
    done = subprocess.run([sys.executable, "scripts/signatures.py", "--check"], cwd=ROOT, check=False)
    assert done.returncode == 0, "run: python scripts/signatures.py"


def test_every_method_that_tools_see_exists():
    methods = next(n for n in stub().body if isinstance(n, ast.ClassDef))
    names = {n.name for n in methods.body if isinstance(n, ast.FunctionDef)}
    assert len(names) > 200 and {n for n in names if not hasattr(surefit.Tensor, n)} == set()


def test_every_function_is_declared_with_its_own_arguments():
    declared: dict[str, set[str]] = {}
    for node in stub().body:
        if isinstance(node, ast.FunctionDef):
            a = node.args
            every = [*a.posonlyargs, *a.args, *a.kwonlyargs, *([a.vararg] if a.vararg else [])]
            declared.setdefault(node.name, set()).update(p.arg for p in every)
    assert set(declared) == set(functions.__all__)
    for name in functions.__all__:
        f = getattr(functions, name)
        if inspect.isfunction(f):
            assert declared[name] == set(inspect.signature(f).parameters), name


@pytest.mark.parametrize("name", sorted(set(functions.__all__) & set(in_stub())))
def test_elementwise_results_are_as_declared(name):
    """Where a number is declared to give a number and an array an array, they do."""
    forms = [n for n in stub().body if isinstance(n, ast.FunctionDef) and n.name == name]
    returned = {ast.unparse(n.returns) for n in forms}
    if returned != {"Tensor", "_Array", "float"}:
        assert "_Array" not in returned
        return
    f = getattr(functions, name)
    extra = {"clamp": [0.0, 1.0], "clip": [0.0, 1.0], "clamp_min": [0.0], "clamp_max": [1.0]}.get(name, [])
    inside = 1.5 if name in ("acosh", "arccosh") else 0.25
    assert isinstance(f(surefit.tensor([inside]), *extra), surefit.Tensor)
    assert isinstance(f(np.array([inside]), *extra), np.ndarray)
    assert isinstance(f(inside, *extra), (float, int, np.generic))
