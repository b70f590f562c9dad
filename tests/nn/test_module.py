"""Module: registration, state, copies, dtypes, flat vector, texts, and a training step that records."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from surefit import nn
from surefit.core.creation import ones, randn, tensor, zeros
from surefit.core.leaves import Parameter, State
from surefit.core.modes import no_grad
from surefit.core.program import record
from surefit.core.random import Generator
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, DtypeError, ShapeError


class Net(nn.Module):
    def __init__(self, generator=0):
        super().__init__()
        draw = np.random.default_rng(generator)
        self.first = nn.Linear(3, 4, generator=draw)
        self.scale = Parameter([2.0])
        self.body = nn.Sequential(nn.ReLU(), nn.BatchNorm1d(4), nn.Dropout(0.5, generator=draw))
        self.register_buffer("seen", 0)
        self.last = nn.Linear(4, 1, generator=draw)

    def forward(self, x):
        return self.last(self.body(self.first(x) * self.scale))


NAMES = [
    "scale",
    "seen",
    "first.weight",
    "first.bias",
    "body.1.weight",
    "body.1.bias",
    "body.1.running_mean",
    "body.1.running_var",
    "body.1.num_batches_tracked",
    "body.2.generator.key",
    "body.2.generator.counter",
    "last.weight",
    "last.bias",
]


def values(module):
    return {n: t.numpy().copy() for n, t in module.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[n], b[n]) for n in a)


# --- registration ----------------------------------------------------------------------------------


def test_names_come_in_pytorchs_order():
    net = Net()
    assert [n for n, _ in net.named_parameters()] == [
        n for n in NAMES if n.split(".")[-1] in ("scale", "weight", "bias")
    ]
    assert [n for n, _ in net.named_buffers()] == [
        "seen",
        "body.1.running_mean",
        "body.1.running_var",
        "body.1.num_batches_tracked",
    ]
    assert list(net.state_dict()) == NAMES
    assert [n for n, _ in net.named_modules()] == ["", "first", "body", "body.0", "body.1", "body.2", "last"]
    assert [n for n, _ in net.named_children()] == ["first", "body", "last"]
    assert net.num_parameters() == 3 * 4 + 4 + 1 + 4 + 4 + 4 + 1


def test_a_replaced_field_keeps_its_place():
    net = Net()
    net.first = nn.Linear(3, 4, bias=False, generator=1)
    assert next(net.children()) is net.first
    assert [n for n, _ in net.named_parameters()][:2] == ["scale", "first.weight"]


def test_a_field_that_becomes_something_else_is_forgotten():
    net = Net()
    net.scale = 3.0
    net.body = None
    del net.last
    assert list(net.state_dict()) == ["seen", "first.weight", "first.bias"]
    with pytest.raises(AttributeError):
        net.last  # noqa: B018


def test_assigning_a_tensor_to_a_buffer_changes_the_leaf():
    net = Net()
    leaf = net.seen
    net.seen = net.seen + 1
    assert net.seen is leaf
    assert isinstance(net.seen, State)
    assert net.seen.item() == 1
    with pytest.raises(ShapeError):
        net.seen = tensor([1, 2])


def test_a_parameter_is_not_replaced_by_a_plain_tensor_unnoticed():
    net = Net()
    with pytest.raises(DtypeError, match="is a Parameter"):
        net.scale = net.scale * 2
    assert "scale" in dict(net.named_parameters())


def test_fields_before_init_are_refused():
    class Forgetful(nn.Module):
        def __init__(self):
            self.weight = Parameter([1.0])

    with pytest.raises(AttributeError, match=r"super\(\).__init__"):
        Forgetful()


def test_a_module_without_forward_says_so():
    with pytest.raises(NotImplementedError, match="forward"):
        nn.Module()(1.0)


@pytest.mark.parametrize("name", ["", "a.b", "forward", "train"])
def test_unusable_module_names(name):
    with pytest.raises(ArgumentError, match="cannot be named"):
        nn.Module().add_module(name, nn.ReLU())


def test_only_modules_can_be_added():
    with pytest.raises(DtypeError, match="must be a Module"):
        nn.Sequential(nn.ReLU(), np.tanh)


def test_apply_visits_children_first():
    seen = []
    net = Net()
    net.apply(lambda m: seen.append(type(m).__name__))
    assert seen == ["Linear", "ReLU", "BatchNorm1d", "Dropout", "Sequential", "Linear", "Net"]


# --- sharing ---------------------------------------------------------------------------------------


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(3, 3, generator=0)
        self.b = nn.Linear(3, 3, generator=1)
        self.b.weight = self.a.weight

    def forward(self, x):
        return self.b(self.a(x))


def test_a_shared_parameter_counts_once_but_has_both_names_in_the_state():
    net = Tied()
    assert [n for n, _ in net.named_parameters()] == ["a.weight", "a.bias", "b.bias"]
    assert list(net.state_dict()) == ["a.weight", "a.bias", "b.weight", "b.bias"]
    other = Tied()
    other.load_state_dict(net.state_dict())
    assert same(values(net), values(other))
    assert other.a.weight is other.b.weight
    net(ones(2, 3)).sum().backward()
    assert net.a.weight.grad is net.b.weight.grad


def test_a_copy_shares_what_the_original_shares():
    twin = copy.deepcopy(Tied())
    assert twin.a.weight is twin.b.weight
    assert len(list(twin.parameters())) == 3


def test_a_shared_module_counts_once():
    layer = nn.Linear(2, 2, generator=0)
    net = nn.Sequential(layer, nn.ReLU(), layer)
    assert [n for n, _ in net.named_parameters()] == ["0.weight", "0.bias"]
    assert list(net.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]


# --- state -----------------------------------------------------------------------------------------


def test_state_survives_a_round_trip_through_arrays():
    a, b = Net(0), Net(1)
    assert not same(values(a), values(b))
    b.load_state_dict(values(a))
    assert same(values(a), values(b))
    x = randn(5, 3, generator=2)
    assert np.array_equal(a(x).detach().numpy(), b(x).detach().numpy())  # dropout too: the stream is state


def test_state_survives_safetensors(tmp_path):
    numpy_files = pytest.importorskip("safetensors.numpy")
    a, b = Net(0).double(), Net(1).double()
    a(randn(8, 3, generator=2).double())
    numpy_files.save_file(values(a), tmp_path / "net.safetensors")
    b.load_state_dict(numpy_files.load_file(tmp_path / "net.safetensors"))
    assert same(values(a), values(b))
    assert b.state_dict()["body.2.generator.counter"].item() == 1


def test_a_state_dict_is_a_snapshot():
    net = Net()
    before = net.state_dict()
    old = before["scale"].item()
    with no_grad():
        net.scale.assign(net.scale * 2)
    assert before["scale"].item() == old
    assert not before["scale"].requires_grad


def test_strict_loading_names_what_is_missing_and_unexpected():
    net = Net()
    state = values(net)
    del state["last.bias"]
    state["extra"] = np.zeros(1)
    with pytest.raises(ArgumentError, match=r"missing: last\.bias; unexpected: extra"):
        net.load_state_dict(state)
    state["scale"] = np.array([7.0])
    net.load_state_dict(state, strict=False)
    assert net.scale.item() == 7.0


def test_a_state_without_random_streams_loads_and_leaves_them():
    net = Net()
    key = net.body[2].generator.key.item()
    net.load_state_dict({n: v for n, v in values(net).items() if "generator" not in n})
    assert net.body[2].generator.key.item() == key


def test_loading_another_shape_is_refused_before_anything_changes():
    net = Net()
    before = values(net)
    state = {n: v + 1 for n, v in before.items()}
    state["last.weight"] = np.zeros((1, 5))
    with pytest.raises(ShapeError, match=r"last\.weight has shape \(1, 4\), the state's is \(1, 5\)"):
        net.load_state_dict(state)
    assert same(values(net), before)


def test_loading_casts_to_the_dtypes_here():
    net = Net()
    net.load_state_dict({n: v.astype(np.float64) for n, v in values(net).items()})
    assert {str(p.dtype) for p in net.parameters()} == {"float32"}
    assert net.seen.dtype == np.int64


# --- modes -----------------------------------------------------------------------------------------


def test_train_and_eval_reach_every_module():
    net = Net()
    assert all(m.training for m in net.modules())
    assert net.eval() is net
    assert not any(m.training for m in net.modules())
    net.body.train()
    assert [m.training for m in net.children()] == [False, True, False]


def test_requires_grad_and_zero_grad():
    net = Net()
    net(randn(4, 3, generator=0)).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    net.requires_grad_(False)
    assert not net(randn(4, 3, generator=0)).requires_grad


def test_double_and_back():
    net = Net()
    net.point = Parameter(np.float32(3.0))  # no axes
    single = values(net)
    assert net.double() is net
    assert {str(p.dtype) for p in net.parameters()} == {"float64"}
    assert net.body[1].running_mean.dtype == np.float64
    assert net.body[1].num_batches_tracked.dtype == np.int64
    assert net.point.shape == ()
    assert net(zeros(2, 3, dtype="float64")).dtype == np.float64
    net.load_state_dict(single)
    assert same(values(net.float()), single)
    with pytest.raises(DtypeError, match="float32 or float64"):
        net.to("int64")


def test_double_leaves_the_old_vector_behind():
    net = nn.Linear(2, 1, generator=0)
    old = net.parameter_vector()
    net.double()
    assert net.weight.owner is None
    old.assign(np.zeros(3, np.float32))
    assert net.weight.detach().numpy().any()
    assert net.parameter_vector().dtype == np.float64


# --- the flat vector -------------------------------------------------------------------------------


def test_parameters_are_views_of_one_vector():
    net = nn.Sequential(nn.Linear(2, 3, generator=0), nn.Tanh(), nn.Linear(3, 1, generator=1))
    names = [n for n, _ in net.named_parameters()]
    x, y = ones(1, 2), net(ones(1, 2)).item()
    vector = net.parameter_vector()
    assert vector.shape == (13,)
    assert net.parameter_vector() is vector
    assert net(x).item() == y
    parts = {n: (a, b) for n, (_, a, b, _) in zip(names, vector.parts, strict=True)}
    assert parts == {"0.weight": (0, 6), "0.bias": (6, 9), "2.weight": (9, 12), "2.bias": (12, 13)}
    vector.assign(np.arange(13, dtype=np.float32))
    assert net[0].weight.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert net[2].bias.tolist() == [12]
    net[0].bias.assign(np.zeros(3, np.float32))
    assert vector.tolist() == [0, 1, 2, 3, 4, 5, 0, 0, 0, 9, 10, 11, 12]


def test_the_vector_needs_one_dtype():
    net = nn.Sequential(nn.Linear(1, 1, generator=0), nn.Linear(1, 1, generator=0).double())
    with pytest.raises(DtypeError, match="different dtypes"):
        net.parameter_vector()


# --- copies ----------------------------------------------------------------------------------------


def train(net, steps=3, seed=5):
    draw = np.random.default_rng(seed)
    for _ in range(steps):
        x = randn(6, 3, generator=draw)
        net.zero_grad()
        net(x).square().mean().backward()
        with no_grad():
            for p in net.parameters():
                p.assign(p - 0.1 * p.grad)


@pytest.mark.parametrize("flat", [False, True], ids=["loose", "in a vector"])
def test_a_deep_copy_trains_independently(flat):
    net = Net()
    if flat:
        net.parameter_vector()
    twin = copy.deepcopy(net)
    assert twin.first.weight.owner is None
    assert {id(p) for p in net.parameters()}.isdisjoint({id(p) for p in twin.parameters()})
    assert list(twin.state_dict()) == NAMES
    before = values(net)
    assert same(values(twin), before)
    train(twin)
    assert same(values(net), before)
    train(net)
    assert same(values(net), values(twin))  # the same data and the same dropout stream: the same result


def test_a_deep_copy_keeps_registered_leaves_and_fields_one():
    twin = copy.deepcopy(Net())
    assert dict(twin.named_buffers())["body.1.running_mean"] is twin.body[1].running_mean
    twin(ones(2, 3))
    assert twin.state_dict()["body.2.generator.counter"].item() == 1
    assert twin.state_dict()["seen"].item() == 0


def test_a_deep_copy_shares_generators_that_were_shared():
    g = Generator(0)
    twin = copy.deepcopy(nn.Sequential(nn.Dropout(generator=g), nn.Dropout(generator=g)))
    assert twin[0].generator is twin[1].generator
    assert twin[0].generator is not g


# --- recording -------------------------------------------------------------------------------------


def training_step(net, rate):
    def step(x, y):
        net.zero_grad()
        loss = nn.functional.mse_loss(net(x), y)
        loss.backward()
        with no_grad():
            for p in net.parameters():
                p.assign(p - rate * p.grad)
        return loss

    return step


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("flat", [False, True], ids=["loose", "in a vector"])
def test_a_recorded_training_step_replays_bit_for_bit(dtype, flat):
    draw = np.random.default_rng(0)
    net = nn.Sequential(
        nn.Linear(3, 8, generator=draw),
        nn.ReLU(),
        nn.Dropout(0.3, generator=draw),
        nn.BatchNorm1d(8),
        nn.Residual(nn.Sequential(nn.Linear(8, 8, generator=draw), nn.Tanh(), nn.LayerNorm(8))),
        nn.Linear(8, 1, generator=draw),
    ).to(dtype)
    twin = copy.deepcopy(net)
    if flat:
        net.parameter_vector()
    rate, twin_rate = State(0.1, "lr", dtype), State(0.1, "lr", dtype)
    x, y = draw.standard_normal((16, 3)).astype(dtype), draw.standard_normal((16, 1)).astype(dtype)
    before = values(net)
    program = record(training_step(net, rate), x, y)
    program.check()
    assert same(values(net), before)  # recording changes nothing
    assert all(p.grad is None for p in net.parameters())
    eager = training_step(twin, twin_rate)
    for k in range(5):
        for r in (rate, twin_rate):
            r.assign(0.1 / (k + 1))
        x, y = draw.standard_normal((16, 3)).astype(dtype), draw.standard_normal((16, 1)).astype(dtype)
        assert program(x, y).item() == eager(tensor(x), tensor(y)).item()
        assert same(values(net), values(twin))
    assert net.state_dict()["2.generator.counter"].item() == 5
    assert net.state_dict()["3.num_batches_tracked"].item() == 5


# --- representation --------------------------------------------------------------------------------

GOLDEN = """\
Sequential(
  (0): Linear(in_features=2, out_features=8, bias=True)
  (act): LeakyReLU(negative_slope=0.01)
  (block): Sequential(
    (0): Conv1d(1, 2, kernel_size=(3,), stride=(1,), padding=same, bias=False)
    (1): BatchNorm1d(2, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
    (2): ModuleList(
      (0-1): 2 x Dropout(p=0.5, inplace=False)
      (2): GELU(approximate='none')
    )
  )
  (out): ModuleDict(
    (a): Identity()
    (b): LayerNorm((8,), eps=1e-05, elementwise_affine=True, bias=True)
  )
)"""


def nested(nn):
    block = nn.Sequential(
        nn.Conv1d(1, 2, 3, padding="same", bias=False),
        nn.BatchNorm1d(2),
        nn.ModuleList([nn.Dropout(), nn.Dropout(), nn.GELU()]),
    )
    out = nn.ModuleDict({"a": nn.Identity(), "b": nn.LayerNorm(8)})
    from collections import OrderedDict

    return nn.Sequential(OrderedDict({"0": nn.Linear(2, 8), "act": nn.LeakyReLU(), "block": block, "out": out}))


def test_representation():
    assert repr(nested(nn)) == GOLDEN


def test_representation_and_state_names_are_pytorchs():
    torch = pytest.importorskip("torch")
    ours, theirs = nested(nn), nested(torch.nn)
    assert repr(ours) == repr(theirs)
    assert [n for n in ours.state_dict() if "generator" not in n] == list(theirs.state_dict())
    ours.load_state_dict({n: v.numpy() for n, v in theirs.state_dict().items()})


def test_representation_of_a_module_with_its_own_extra():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.ReLU()

        def extra_repr(self):
            return "k=1"

    assert repr(Own()) == "Own(\n  k=1\n  (a): ReLU()\n)"
    assert isinstance(Own().a, nn.Module)
    assert not isinstance(Own(), Tensor)
