"""What is changed in place is changed: every form ends as PyTorch ends, or is refused with what to write instead."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.core.leaves import Parameter, State, flatten_parameters
from surefit.core.program import record
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, CapturedError, DtypeError, GradientError, RecordError, ShapeError

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")

# Each script runs under both names; w is a leaf that requires grad, x one that does not, n integers, net a layer.
SETUP = """
w = torch.tensor([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]], requires_grad=True)
x = torch.tensor([[0.5, -1.5, 2.0], [3.0, 0.25, -4.0]])
n = torch.tensor([[1, 2, 3], [4, 5, 6]])
net = torch.nn.Linear(3, 2)
with torch.no_grad():
    for p in net.parameters():
        p.copy_(torch.arange(float(p.numel())).reshape(p.shape))
"""

ON_DATA = [
    "{}.fill_(0.5)", "{}.zero_()", "{}.copy_(x)", "{}.copy_(x[0])", "{}.copy_(n)", "{}.add_(1)", "{}.add_(x)",
    "{}.add_(x, alpha=2)", "{}.sub_(x)", "{}.sub_(x, alpha=0.5)", "{}.mul_(x)", "{}.div_(2)",
    "{}.div_(x, rounding_mode='floor')",
    "{}.pow_(2)", "{}.neg_()", "{}.abs_()", "{}.clamp_(-1, 2)", "{}.clamp_(min=0)", "{}.exp_()", "{}.abs_().sqrt_()",
    "{}.abs_().log_()", "{}.sin_()", "{}.tanh_()", "{}.sigmoid_()", "{}.relu_()", "{}.floor_()", "{}.round_()",
    "{}.sign_()", "{}.square_()", "{}.reciprocal_()", "{}.lerp_(x, 0.25)", "{}.addcmul_(x, x, value=0.5)",
    "{}.addcdiv_(x, x + 10, value=-2)", "{}.masked_fill_(x > 0, 9)", "{}.tril_()", "{}.cumsum_(0)", "{}.fmod_(2)",
    "{}.remainder_(2)", "{}.add_(x.double())", "{}.add_(n)", "{}.mul_(torch.tensor(3))",
    "{}[0] = 7", "{}[0] = x[1]", "{}[:, 1] = 7", "{}[0, 1] = 7", "{}[0][1] = 7", "{}[:, ::2] = x[:, :2]",
    "{}[..., 0] += 1",
    "{}[x > 0] = 0", "{}[x > 0] *= 2", "{}[x > 0] = x[x > 0]", "{}[[1, 0], [0, 2]] = 5", "{}[torch.tensor([1])] = 3",
    "{}[:] = x", "{}[...] = 2", "{}[1:, 1:] = torch.tensor([[8, 9]])", "{}[-1] -= 3", "{}[0:1].add_(1)",
    "{}[0].zero_()",
    "{}[:, 0].copy_(torch.tensor([1, 2]))", "{}.view(-1).add_(1)", "{}.view(3, 2)[1] = 4", "{}.reshape(6)[2:4].mul_(5)",
    "{}.T[0] = 3", "{}.T[1].fill_(2)", "{}.transpose(0, 1)[2].zero_()",
    "{}.permute(1, 0)[0, 1] = 5", "{}.flatten()[3] = 1", "{}.unsqueeze(0)[0, 1] = 6", "{}.squeeze()[0] = 6",
    "{}.narrow(1, 1, 2).fill_(4)", "{}.unbind(0)[1].fill_(4)", "{}.chunk(3, 1)[0].fill_(4)",
    "{}.split(2, 1)[1].fill_(4)",
    "{}.expand(2, 3).add_(1)", "{}.movedim(0, 1)[1] = 8", "{}.view(2, 3, 1).expand(2, 3, 1)[1] = 8",
    "{}.T.reshape(6).fill_(9)", "{}[:, :2].reshape(4).fill_(9)", "{}.repeat(1, 1).fill_(9)", "{}.clone().fill_(9)",
    "torch.flatten({})[0] = 3", "torch.transpose({}, 0, 1)[0] = 3", "torch.squeeze({})[1] = 3",
    "torch.reshape({}, (3, 2))[1] = 3",
    "torch.nn.init.zeros_({})", "torch.nn.init.constant_({}, 0.5)", "torch.nn.init.ones_({}[0:1])",
    "d = {}; d += x; d -= 1; d *= 2; d /= 4; d **= 2", "d = {}; d //= 2", "d = {}; d %= 2",
    "a = {}; b = a.view(-1); b += 1; a[0] = b[4]", "a = {}; r = a[1]; a.fill_(3); r += a[0]",
    "for row in {}: row.mul_(2)",
    "{}.diagonal().fill_(9)", "{}.diagonal(1).add_(3)", "{}.diagonal(-1)[0] = 8", "{}.T.diagonal(1).zero_()",
    "{}[:, 1:].diagonal().mul_(2)", "{}.view(1, 2, 3).diagonal(0, 1, 2).zero_()", "torch.diagonal({}, 0, 1, 0)[1] = 4",
    "{}.expand(2, 3).diagonal().view(2).sub_(7)", "{}.diagonal(-2).fill_(9)", "{}.diagonal(9).fill_(9)",
]  # fmt: skip

SCRIPTS = [
    *[s.format("w.data") for s in ON_DATA],
    *[s.format("w.detach()") for s in ON_DATA],
    *[s.format("x") for s in ON_DATA if s != "{}.copy_(x[0])"],  # which PyTorch refuses
    *["with torch.no_grad():\n    " + s.format("w") for s in ON_DATA],
    "w[0].data.zero_()", "w.view(-1).detach()[1:3] = 9", "w.T.data[0] = 5", "w[:, 1:].T.detach().add_(1)",
    "w[0:1].data += 2",
    "d = w.T.reshape(6).detach()\nd += 1", "r = w[1].detach()\nw.data.zero_()\nx[0] = r",
    "w.data = x * 2", "w.data = w.data - 0.5 * x", "w.data += x", "w.data -= 0.1 * x", "w.data *= 2", "w.data **= 2",
    "net.bias.data.fill_(0.5)", "net.weight.data[0] = 1", "net.weight.data.copy_(x)",
    "net.bias.data = net.bias.data * 3",
    "net.state_dict()['weight'].zero_()", "net.state_dict()['bias'][0] = 9",
    "own = net.state_dict()\nfor k in own: own[k].copy_(own[k] * 2 + 1)",
    "other = torch.nn.Linear(3, 2)\nfor p, q in zip(other.parameters(), net.parameters()): p.data.copy_(q.data)\n"
    "w.data.copy_(other.weight.data)",
    "(w * x).sum().backward()\nw.grad.data.zero_()\n(w * x).sum().backward()\nw.grad.zero_()\n"
    "(w * x * 2).sum().backward()",
    "(w * x).sum().backward()\ng = w.grad\ng.zero_()\n(w * x * 3).sum().backward()\nx.copy_(g)",
    "w.grad = x\n(w * n).sum().backward()", "(w * x).sum().backward()\ng = w.grad\nw.grad = None\n"
    "(w * x * 2).sum().backward()\nx.copy_(g)",
    "(w * x).sum().backward()\nw.grad[0] = 0\nw.grad *= 3\nw.data -= 0.1 * w.grad.data",
    "(w * x).sum().backward()\nw.grad.clamp_(-1, 1)\nwith torch.no_grad():\n    w -= w.grad\n    w.grad.zero_()",
    "d = w.data\nw.data.fill_(2)\nx.copy_(d)", "d = w.detach()\nwith torch.no_grad():\n    w += 1\nx.copy_(d)",
    "r = w.data[0]\nw.data.mul_(3)\nx[1] = r", "y = x.view(-1)\ny += 1\nx *= 2\nw.data.copy_(y.view(2, 3))",
    "n[0] = 7; n += 1; n.mul_(2); n.clamp_(max=9)", "n[n > 3] = 0", "n[0] = 2.75", "n.copy_(x)", "n.fill_(2)",
    "b = x > 0\nb[0] = True\nb &= x > 2\nx[b] = 100", "x[0] = w.detach()[1]", "x[x > 100] = 5",
    "x[0] = torch.tensor([[1.0, 2.0, 3.0]])",
    "with torch.no_grad():\n    y = (w * 2).view(-1)\n    y[0] = 100\n    x.copy_(y.view(2, 3))",
    "with torch.no_grad():\n    h = w * 2\n    q = h[:, :2]\n    q += 1\n    x.copy_(h)",
    "y = (w * 2).detach()\ny += 1\ny[0] = 0\nx.copy_(y)",
    "h = w * 2\nh = h.view(-1)\nh += 1\nh.sum().backward()", "h = (w * x).view(3, 2).T\nh *= 2\nh.sum().backward()",
    "w.data.unfold(1, 1, 2).mul_(3)", "x.unfold(0, 2, 2).zero_()", "x.unfold(1, 1, 1)[0].fill_(7)",
    "v = w.detach().requires_grad_()\n(v * v).sum().backward()\nx.copy_(v.grad)",
]  # fmt: skip


def run(script: str, module: Any) -> dict[str, np.ndarray]:
    """The leaves and gradients after a script."""
    names: dict[str, Any] = {"torch": module}
    exec(SETUP, names)  # noqa: S102 (the scripts above)
    exec(script, names)  # noqa: S102
    net = names["net"]
    leaves = {k: names[k] for k in "wxn"} | {"weight": net.weight, "bias": net.bias}
    out = {k: t.detach().numpy().copy() for k, t in leaves.items()}
    return out | {f"{k}.grad": t.grad.numpy().copy() for k, t in leaves.items() if t.grad is not None}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("script", SCRIPTS)
def test_in_place_ends_as_in_pytorch(script: str) -> None:
    have, want = run(script, surefit), run(script, torch)
    assert have.keys() == want.keys()
    for k in want:
        assert have[k].dtype == want[k].dtype
        np.testing.assert_allclose(have[k], want[k], rtol=2e-6, atol=1e-7, err_msg=k)


CLASSIC = """
x_data, y_data = [1.0, 2.0, 3.0], [4.0, 7.0, 10.0]
w = torch.tensor([1.0], requires_grad=True)
b = torch.tensor([0.0], requires_grad=True)
for epoch in range(60):
    for x, y in zip(x_data, y_data):
        loss = (x * w + b - y) ** 2
        loss.sum().backward()
        w.data = w.data - 0.02 * w.grad.data
        b.data -= 0.02 * b.grad.data
        w.grad.data.zero_()
        b.grad.zero_()
"""


def test_the_classic_loop_ends_as_in_pytorch():
    ends = []
    for module in (torch, surefit):
        names = {"torch": module}
        exec(CLASSIC, names)  # noqa: S102
        ends.append((names["w"].item(), names["b"].item()))
    np.testing.assert_allclose(ends[1], ends[0], rtol=1e-5)
    np.testing.assert_allclose(ends[1], (3, 1), atol=0.15)


def test_a_target_network_follows():
    net, target = nn.Linear(3, 2, generator=0), nn.Linear(3, 2, generator=1)
    start = [p.detach().numpy().copy() for p in target.parameters()]
    for _ in range(3):
        for p, q in zip(net.parameters(), target.parameters(), strict=True):
            q.data.copy_(0.9 * q.data + 0.1 * p.data)
    for p, q, before in zip(net.parameters(), target.parameters(), start, strict=True):
        np.testing.assert_allclose(q.detach().numpy(), 0.729 * before + 0.271 * p.detach().numpy(), rtol=1e-5)


@pytest.mark.parametrize(
    "change, error, words",
    [
        (lambda w, x: (w * 2).add_(1), GradientError, "only a leaf can be changed in place"),
        (lambda w, x: (w * 2).view(-1).zero_(), GradientError, "only a leaf can be changed in place"),
        (lambda w, x: (w * 2).__setitem__(0, 1.0), GradientError, r"where\(mask, a, b\)"),
        (lambda w, x: w.__setitem__(0, 1.0), GradientError, r"no_grad\(\)"),
        (lambda w, x: w[0].zero_(), GradientError, "only a leaf"),
        (lambda w, x: w.__iadd__(1), GradientError, r"no_grad\(\)"),
        (lambda w, x: w.view(-1).__iadd__(1), GradientError, "would not change that tensor"),
        (lambda w, x: x.__setitem__(0, w[1]), GradientError, "a leaf keeps no history"),
        (lambda w, x: x.add_(w), GradientError, "a leaf keeps no history"),
        (lambda w, x: x.copy_(w), GradientError, "a leaf keeps no history"),
        (lambda w, x: x[0].__iadd__(w[0]), GradientError, "a leaf keeps no history"),
        (lambda w, x: x.expand(4, 2, 3).zero_(), ArgumentError, r"clone\(\)"),
        (lambda w, x: x.unfold(1, 2, 1).zero_(), GradientError, r"overlap.*clone\(\)"),
        (lambda w, x: x.copy_(surefit.zeros(4)), ShapeError, r"\(4,\)"),
        (lambda w, x: x.__setitem__(0, surefit.zeros(2)), ShapeError, r"\(2,\) does not fit x\[index\] of \(3,\)"),
        (lambda w, x: x.add_(surefit.zeros(5, 2, 3)), ShapeError, r"\(5, 2, 3\)"),
        (lambda w, x: x.long().add_(0.5), DtypeError, "does not fit into a tensor of int64"),
        (lambda w, x: setattr(w, "data", Parameter(x).data), GradientError, r"copy_\(q\.data\)"),
        (lambda w, x: x.fill_(x), ShapeError, "one number"),
        (lambda w, x: x.long().normal_(), DtypeError, "needs float32 or float64"),
    ],
)  # fmt: skip
def test_what_cannot_reach_a_leaf_is_refused_with_the_cure(change, error, words):
    w, x = Tensor(np.ones((2, 3), np.float32), requires_grad=True), surefit.zeros(2, 3)
    with pytest.raises(error, match=words):
        change(w, x)
    assert w.tolist() == [[1.0] * 3] * 2 and x.tolist() == [[0.0] * 3] * 2


def test_a_part_of_a_result_that_somebody_holds_is_not_changed_silently():
    w = Tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    h = w * 2
    part = h[:2]
    with pytest.raises(GradientError, match="would not change that tensor"):
        part += 1
    detached = h.detach()
    with pytest.raises(GradientError, match=r"detach\(\)\.clone\(\)"):
        detached += 1
    with pytest.raises(GradientError, match=r"detach\(\)\.clone\(\)"):
        detached[0] = 1
    with pytest.raises(GradientError, match=r"detach\(\)\.clone\(\)"):
        h[0:2].data.zero_()
    copied = h.clone()
    copied += 1  # which shares nothing
    mean = h.mean(0, keepdim=True)
    mean += 1
    assert h.tolist() == [2, 4, 6, 8] and copied.tolist() == [3, 5, 7, 9] and mean.tolist() == [6]


FUNCTIONS = (
    """
x.view(-1) | x.reshape(6) | x.reshape(2, 3) | x.flatten() | x.ravel() | x.T | x.mT | x.transpose(0, 1) | x.permute(1, 0)
x.swapaxes(0, 1) | x.movedim(0, 1) | x.squeeze() | x.squeeze(0) | x.unsqueeze(0) | x.expand(2, 3) | x.narrow(0, 0, 1)
x.split(1)[0] | x.chunk(2)[1] | x.unbind(1)[2] | x[0] | x[0:1] | x[:, None] | x[...] | x[:] | x[0, 0]
x[[0, 1]] | x[x > 0]
x.clone() | x.repeat(1, 1) | x.repeat(2, 1) | x.tile(1, 1) | x.roll(1, 0) | x.flip(0) | x.tril() | x.triu() | x.abs()
x + 0 | x * 1 | -x | x.to(torch.float32) | x.float() | x.double() | x.sum(0) | x.sum(1, keepdim=True) | x.mean()
x.max(0)[0] | x.amax(1) | x.sort(1)[0] | x.gather(1, n - n) | x.clamp(-9, 9) | x.softmax(0) | x.cumsum(0) | x @ x.T
torch.cat([x]) | torch.stack([x]) | torch.where(x > 0, x, x) | torch.matmul(x, x[0]) | x.masked_fill(x > 99, 0)
x.T.reshape(6) | x.T.reshape(3, 2) | x.T.flatten() | x[:, :2].reshape(4) | x[:1].reshape(3) | x[:, :2].view(2, 2, 1)
x.diagonal() | x.diagonal(1) | x.T.diagonal() | x[:, 1:].diagonal() | x.diag() | x.diagonal().diag()
x.transpose(0, 1).reshape(3, 1, 2) | x[:, ::2].reshape(-1) | x.unsqueeze(1).expand(2, 1, 3).reshape(6)
x.detach() | x.data
x.T.unsqueeze(0).squeeze() | x.view(3, 2).T.reshape(6) | x.T.detach().reshape(6) | x.T.T.reshape(6) | x[1:].T.reshape(3)
torch.broadcast_to(x, (2, 3))
""".replace("\n", " | ")
    .strip(" |")
    .split(" | ")
)


@pytest.mark.parametrize("expression", FUNCTIONS)
def test_what_is_a_view_of_the_argument_is_pytorchs(expression):
    ends = []
    for module in (torch, surefit):
        x, n = module.tensor([[0.5, -1.5, 2.0], [3.0, 0.25, -4.0]]), module.tensor([[1, 2, 3], [4, 5, 6]])
        y = eval(expression, {"torch": module, "x": x, "n": n})  # noqa: S307
        y.mul_(3)
        x.add_(1)
        ends.append((x.numpy().copy(), y.numpy().copy()))
    np.testing.assert_allclose(ends[1][0], ends[0][0], rtol=1e-6)
    np.testing.assert_allclose(ends[1][1], ends[0][1], rtol=1e-5)


def test_a_state_dict_reaches_the_module_while_it_is_fresh():
    net = nn.Linear(3, 2, generator=0)
    state = net.state_dict()
    kept = copy.deepcopy(state)
    state["bias"].fill_(3.0)
    state["weight"].zero_()  # the other parameter has moved in between, this one has not
    assert net.bias.tolist() == [3, 3] and state["bias"].tolist() == [3, 3]
    assert (net.weight == 0).all() and not (kept["weight"] == 0).all()
    net.bias.data.add_(1)
    assert state["bias"].tolist() == [3, 3]  # a snapshot
    with pytest.raises(GradientError, match="has changed since"):
        state["bias"].zero_()
    assert net.bias.tolist() == [4, 4]


def test_copies_of_views_are_tensors_of_their_own():
    x = surefit.tensor([1.0, 2.0, 3.0])
    for twin in (
        copy.deepcopy(x[1:]),
        pickle.loads(pickle.dumps(x[1:])),  # noqa: S301
        x[1:].clone(),
        copy.copy(x[1:]),
    ):
        assert type(twin) is Tensor and twin.tolist() == [2, 3]
        twin.zero_()
    assert x.tolist() == [1, 2, 3]


# --- recorded -----------------------------------------------------------------------------------------------------


def steps() -> dict[str, Any]:
    """Functions that change the leaf w (2, 3) by x (2, 3), each in another way."""

    def trained(w, x):
        w.grad = None
        ((w * x) ** 2).sum().backward()
        w.data -= 0.1 * w.grad.data
        return w.data.sum()

    return {
        "trained": trained,
        "fill": lambda w, x: w.data.fill_(0.5),
        "copy": lambda w, x: w.data.copy_(x).mul_(2),
        "row": lambda w, x: w.data[0].add_(x[1]),
        "column": lambda w, x: w.data[:, 1].copy_(x[:, 0]),
        "steps": lambda w, x: w.data[:, ::2].mul_(x[:, 1:]),
        "setitem": lambda w, x: w.data.__setitem__((slice(None), [0, 2]), x[:, 1:]),
        "number": lambda w, x: w.data.__setitem__(1, 7.0),
        "mask": lambda w, x: w.data.__setitem__(x > 0, 0.0),
        "diagonal": lambda w, x: w.data.diagonal().add_(x.diagonal(1)),
        "transposed": lambda w, x: w.data.T[1].sub_(x[:, 2]),
        "viewed": lambda w, x: w.data.view(-1)[1:4].add_(x.view(-1)[2:5]),
        "read again": lambda w, x: (w.data.add_(x), w.data[0].mul_(w.data[1]), w.data.sum())[-1],
    }


@pytest.mark.parametrize("kept", [False, True], ids=["made inside", "made before"])
@pytest.mark.parametrize("vector", [False, True], ids=["loose", "in a vector"])
@pytest.mark.parametrize("name", steps())
def test_a_recorded_change_is_the_eager_one(name, vector, kept):
    step, rng = steps()[name], np.random.default_rng(0)
    xs = [rng.normal(size=(2, 3)).astype(np.float32) for _ in range(3)]
    ends = []
    for recorded in (False, True):
        w, b = Parameter(np.arange(6, dtype=np.float32).reshape(2, 3)), Parameter([1.0])
        if vector:
            flatten_parameters([w, b])
        view = w.data  # what is held reads the recorded value too
        f = (lambda x, w=w: step(w, x)) if not kept else (lambda x, w=w, v=view: (step(w, x), v.add_(1), v * 2)[-1])
        f = record(f, surefit.tensor(xs[0])) if (recorded and name != "mask") or not recorded else f
        results = [f(surefit.tensor(x)) for x in xs]
        ends.append((w.detach().numpy(), view.numpy(), None if results[-1] is None else results[-1].numpy()))
    for have, want in zip(ends[1], ends[0], strict=True):
        np.testing.assert_array_equal(have, want)


def test_an_argument_is_not_changed_in_place_by_a_recorded_function():
    def f(x):
        x[0] = 1.0
        return x.sum()

    for change in (f, lambda x: x.add_(1), lambda x: x.view(-1).zero_(), lambda x: x.data.fill_(2)):
        with pytest.raises(RecordError, match=r"argument x.*in place"):
            record(change, np.zeros(3, np.float32))
        with pytest.raises(RecordError, match=r"argument x.*in place"):
            surefit.jit(change)(surefit.zeros(3))


def test_a_compiled_step_may_be_written_with_data():
    net = nn.Linear(1, 1, generator=0)
    x = np.linspace(-1, 1, 20, dtype=np.float32).reshape(-1, 1)

    def step(x, y):
        for p in net.parameters():
            p.grad = None
        loss = ((net(x) - y) ** 2).mean()
        loss.backward()
        for p in net.parameters():
            p.data -= 0.5 * p.grad.data
        return loss

    compiled = surefit.jit(step)
    for _ in range(100):
        compiled(x, 3 * x + 1)
    np.testing.assert_allclose([net.weight.item(), net.bias.item()], [3, 1], atol=1e-3)


def test_a_recorded_draw_is_refused():
    w = State(np.zeros(3), "w")
    with pytest.raises(CapturedError, match="normal_"):
        record(lambda x: w.normal_() + x, np.zeros(3))
    assert w.normal_(1.0, 0.0).tolist() == [1, 1, 1]
    assert 2 <= w.uniform_(2.0, 3.0, generator=0).min().item() <= 3
