"""Settings of an optimiser that are changed while it trains take effect at the next step, or are refused."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from surefit import jit, nn, optim
from surefit.compiler import TrainingLoop
from surefit.core.creation import tensor
from surefit.errors import ArgumentError, RecordError

torch = pytest.importorskip("torch", reason="the oracle of every path is PyTorch")
X = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
Y = np.sin(X[:, :1])

KINDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {  # settings at first, and those that come later
    "SGD": (dict(lr=0.1), dict(momentum=0.9, weight_decay=0.01)),
    "SGD, dampened": (dict(lr=0.1, momentum=0.5), dict(lr=0.05, maximize=True)),
    "SGD, Nesterov": (dict(lr=0.1, momentum=0.9), dict(nesterov=True)),
    "Adam": (dict(lr=0.01), dict(betas=(0.5, 0.9), eps=1e-3)),
    "Adam, decay": (dict(lr=0.01), dict(lr=0.03, weight_decay=0.1)),
    "AdamW": (dict(lr=0.01), dict(weight_decay=0.5)),
    "NAdam": (dict(lr=0.01), dict(betas=(0.8, 0.99), weight_decay=0.1)),
    "RMSprop": (dict(lr=0.01), dict(alpha=0.5, eps=1e-4)),
    "RMSprop, momentum": (dict(lr=0.01, momentum=0.1), dict(momentum=0.9)),
    "Adagrad": (dict(lr=0.01), dict(lr_decay=0.1)),
    "Adadelta": (dict(lr=1.0), dict(rho=0.5)),
}
WAYS: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "item": lambda g, new: [g.__setitem__(k, v) for k, v in new.items()],
    "update": lambda g, new: g.update(new),
    "names": lambda g, new: g.update(**new),
    "or": lambda g, new: g.__ior__(new),
}


def nets() -> tuple[nn.Module, Any]:
    net = nn.Sequential(nn.Linear(3, 4, generator=1), nn.Tanh(), nn.Linear(4, 1, generator=2))
    peer = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    peer.load_state_dict({k: torch.tensor(v.numpy()) for k, v in net.state_dict().items()})
    return net, peer


def step_of(net: Any, optimizer: Any) -> Callable[[Any, Any], Any]:
    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = ((net(x) - y) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss

    return step


@pytest.mark.parametrize("way, compiled", [*((way, False) for way in WAYS), ("update", True)])
@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_setting_takes_effect_as_in_pytorch(kind: str, way: str, compiled: bool) -> None:
    (first, later), name = KINDS[kind], kind.split(",")[0]
    net, peer = nets()
    ours, theirs = (
        getattr(optim, name)(net.parameters(), **first),
        getattr(torch.optim, name)(peer.parameters(), **first),
    )
    ours.prepare()
    step = step_of(net, ours)
    step, data = (jit(step), (X, Y)) if compiled else (step, (tensor(X), tensor(Y)))
    for _ in range(3):
        step(*data), step_of(peer, theirs)(torch.tensor(X), torch.tensor(Y))
    before = net[0].weight.detach().numpy().copy()
    WAYS[way](ours.param_groups[0], later)
    theirs.param_groups[0].update(later)
    for _ in range(3):
        step(*data), step_of(peer, theirs)(torch.tensor(X), torch.tensor(Y))
    assert not np.allclose(before, peer[0].weight.detach().numpy(), rtol=1e-3)
    for p, q in zip(net.parameters(), peer.parameters(), strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=2e-4, atol=2e-6)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    "kind, later",
    [("Adam", {"amsgrad": True}), ("RMSprop", {"centered": True}), ("RMSprop", {"momentum": 0.5}),
     ("SGD", {"momentum": 0.5, "dampening": 0.1})],
)  # fmt: skip
def test_state_that_a_setting_needs_is_made_when_it_comes(kind: str, later: dict[str, Any], compiled: bool) -> None:
    """As an optimiser that had it, and zeros, all along; PyTorch stops with a KeyError."""
    (net, _), (other, _) = nets(), nets()
    ours, its = (getattr(optim, kind)(n.parameters(), lr=0.01) for n in (net, other))
    ours.prepare()
    step = jit(step_of(net, ours)) if compiled else step_of(net, ours)
    data = (X, Y) if compiled else (tensor(X), tensor(Y))
    step(*data), step_of(other, its)(tensor(X), tensor(Y))
    again = getattr(optim, kind)(other.parameters(), lr=0.01, **later)
    again.prepare()
    for old, new in zip(its.param_groups[0].chunks, again.param_groups[0].chunks, strict=True):
        for k, leaf in old.state.items():
            new.state[k].assign(leaf)
    ours.param_groups[0].update(later)
    for _ in range(3):
        step(*data), step_of(other, again)(tensor(X), tensor(Y))
    for p, q in zip(net.parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-5, atol=1e-7)


def pickled(optimizer: Any) -> Any:
    return pickle.loads(pickle.dumps(optimizer))  # noqa: S301


def group_of(kind: Any = optim.SGD, **options: Any) -> Any:
    return kind(nn.Linear(2, 1, generator=0).parameters(), **options).param_groups[0]


@pytest.mark.parametrize(
    "change, wanted",
    [
        (lambda g: g.update(learning_rate=0.1), "no setting 'learning_rate'"),
        (lambda g: g.__setitem__("weight_deacy", 0.1), "did you mean 'weight_decay'"),
        (lambda g: g.setdefault("beta", 0.1), "no setting 'beta'"),
        (lambda g: g.update(lr=-1.0), "lr=-1.0 must be >= 0"),
        (lambda g: g.update(lr=float("nan")), "lr=nan must be >= 0"),
        (lambda g: g.update(lr="fast"), "lr='fast' is not a number"),
        (lambda g: g.update(params=[]), "params cannot be replaced"),
        (lambda g: g.update(nesterov=True), "nesterov=True needs momentum"),
        (lambda g: g.pop("lr"), "cannot be removed"),
        (lambda g: g.clear(), "cannot be removed"),
        (lambda g: g.__delitem__("momentum"), "cannot be removed"),
    ],
)
def test_what_would_do_nothing_is_refused(change: Callable[[Any], Any], wanted: str) -> None:
    group = group_of(lr=0.5)
    with pytest.raises(ArgumentError, match=wanted):
        change(group)
    assert group["lr"] == 0.5


@pytest.mark.parametrize("given, cure", [(nn.Linear(1, 1), r"its \.parameters\(\)"), (3, "a list of parameters")])
def test_what_is_no_list_of_parameters_is_named(given: Any, cure: str) -> None:
    with pytest.raises(ArgumentError, match=f"SGD: params is one (Linear|int); give {cure}"):
        optim.SGD(given, lr=0.1)


def test_betas_are_checked_one_by_one() -> None:
    with pytest.raises(ArgumentError, match="betas"):
        group_of(optim.Adam)["betas"] = (0.9, 1.0)


def test_settings_of_the_optimizer_itself_are_refused() -> None:
    optimizer = optim.SGD(nn.Linear(2, 1, generator=0).parameters())
    with pytest.raises(ArgumentError, match="param_groups"):
        optimizer.lr = 0.1


@pytest.mark.parametrize("kind, key", [(optim.Rprop, "lr"), (optim.Adagrad, "initial_accumulator_value")])
def test_what_only_the_first_step_reads_is_refused_after_it(kind: Any, key: str) -> None:
    net, _ = nets()
    optimizer = kind(net.parameters())
    optimizer.param_groups[0][key] = 0.25
    step_of(net, optimizer)(tensor(X), tensor(Y))
    optimizer.param_groups[0][key] = 0.25  # it is that already
    with pytest.raises(ArgumentError, match="only the first step"):
        optimizer.param_groups[0][key] = 0.5


def test_a_group_reads_as_a_dict_does() -> None:
    group = group_of(optim.Adam, lr=0.5, betas=(0.25, 0.75))
    for plain in (
        dict(group),
        {**group},
        group.copy(),
        dict(group.items()),
        dict(zip(group, group.values(), strict=True)),
    ):
        assert plain["lr"] == 0.5 and plain["beta1"] == 0.25
    assert group["betas"] == (0.25, 0.75) and "betas" in group and group.get("nothing", 3) == 3


@pytest.mark.parametrize("again", [copy.deepcopy, pickled])
def test_a_copy_has_settings_of_its_own(again: Callable[[Any], Any]) -> None:
    net, _ = nets()
    optimizer = optim.Adam(net.parameters(), lr=0.5)
    step_of(net, optimizer)(tensor(X), tensor(Y))
    other = again(optimizer)
    other.param_groups[0]["lr"] = 0.125
    assert (optimizer.param_groups[0]["lr"], other.param_groups[0]["lr"]) == (0.5, 0.125)
    with pytest.raises(ArgumentError):
        other.param_groups[0]["lr"] = -1


def test_momentum_of_one_group_alone_counts() -> None:
    """The defaults have none; PyTorch reads that of the group."""
    net, peer = nets()
    made = [
        kind([{"params": n[0].parameters(), "momentum": 0.9}, {"params": n[2].parameters()}], lr=0.1)
        for kind, n in ((optim.SGD, net), (torch.optim.SGD, peer))
    ]
    for _ in range(4):
        step_of(net, made[0])(tensor(X), tensor(Y)), step_of(peer, made[1])(torch.tensor(X), torch.tensor(Y))
    for p, q in zip(net.parameters(), peer.parameters(), strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-5, atol=1e-7)


def test_a_training_loop_does_not_go_on_with_settings_of_yesterday() -> None:
    net, _ = nets()
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    optimizer.prepare()
    loop = TrainingLoop(step_of(net, optimizer), [X, Y])
    loop.run(steps=2)
    optimizer.param_groups[0]["lr"] = 0.2  # a leaf
    loop.run(steps=2)
    optimizer.param_groups[0]["weight_decay"] = 0.1
    with pytest.raises(RecordError, match=r"fixed of a ParamGroup.*make a new TrainingLoop"):
        loop.run(steps=2)


OPTIMISERS = sorted(
    n for n, c in vars(optim).items()
    if isinstance(c, type) and issubclass(c, optim.Optimizer) and c is not optim.Optimizer
)  # fmt: skip


@pytest.mark.parametrize("name", OPTIMISERS)
@pytest.mark.parametrize("value", ["a", "0.1", [1], 1j, float("nan"), {}])
def test_settings_of_another_kind_are_refused_by_name(name, value):
    kind = getattr(optim, name)
    for key, p in list(inspect.signature(kind).parameters.items())[1:]:
        if p.default is None:
            continue
        with pytest.raises(ArgumentError, match=rf"^{name}: {key}"):
            kind([nn.Parameter([1.0, 2.0])], **{"lr": 0.1, key: value})


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_setting_as_a_tensor_or_a_number_of_numpy_is_taken(name):
    for lr in (tensor(0.1), np.float32(0.1), np.array(0.1), 1):
        getattr(optim, name)([nn.Parameter([1.0, 2.0])], lr=lr)
