"""What `surefit.torch` refuses, and says instead; what it stores; functions that it needed, beside PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

import surefit
import surefit.torch as st
from surefit.core import entropy
from surefit.errors import ArgumentError, DtypeError, GradientError, ModelFileError, ShapeError


@pytest.fixture(autouse=True)
def _no_stream():
    yield
    entropy.unnamed[0] = None


@pytest.mark.parametrize(
    "module, name, words",
    [
        (st, "uint8", "int32"), (st, "float16", "float32"), (st, "compile", r"surefit\.jit"), (st, "func", "batch"),
        (st, "randnn", "nearest name is randn"), (st.nn, "LSTM", "recurrence"), (st.nn, "Liner", "Linear"),
        (st.optim, "Adm", "Adam"), (st.nn.functional, "rel", "relu"),
    ],
)  # fmt: skip
def test_a_missing_name_says_what_to_use(module, name, words):
    with pytest.raises(AttributeError, match=words):
        getattr(module, name)


@pytest.mark.parametrize(
    "call",
    [
        lambda: st.device("cuda"), lambda: st.ones(2).to("cuda:0"), lambda: st.ones(2).cuda(),
        lambda: st.zeros(2, device="mps"),
        lambda: st.nn.Linear(2, 2).cuda(), lambda: st.nn.Linear(2, 2, device="cuda"),
        lambda: st.nn.Linear(2, 2).to("xpu"),
    ],
)  # fmt: skip
def test_another_device_is_refused(call):
    with pytest.raises(ArgumentError, match="CPU alone"):
        call()


def test_one_seed_gives_one_program():
    def drawn():
        st.manual_seed(7)
        net = st.nn.Sequential(st.nn.Linear(3, 4), st.nn.Dropout(0.5))
        order = [y.item() for y in st.utils.data.DataLoader(list(range(9)), shuffle=True)]
        return net(st.randn(2, 3)).tolist(), st.rand(3).tolist(), order, st.empty(2).uniform_().tolist()

    assert drawn() == drawn()
    assert st.rand(3).tolist() != st.rand(3).tolist()


def test_checkpoints(tmp_path):
    net = st.nn.Linear(2, 3)
    path = tmp_path / "net.pt"
    st.save({"net": net.state_dict(), "at": (1, [2.5, None], "text")}, path)
    back = st.load(path)
    assert back["at"] == (1, [2.5, None], "text")
    assert back["net"]["weight"].tolist() == net.weight.tolist()
    with pytest.raises(DtypeError, match="state_dict"):
        st.save(net, path)
    path.write_bytes(b"PK\x03\x04 a zip")
    with pytest.raises(ModelFileError, match="pickle"):
        st.load(path)
    path.write_bytes(b"nothing")
    with pytest.raises(ModelFileError, match="safetensors"):
        st.load(path)


def test_losses_repeat_only_what_is_meant_to_be():
    loss = st.nn.MSELoss()
    assert loss(st.ones(3, 1), st.tensor(0.0)).item() == 1
    with pytest.raises(ShapeError):
        loss(st.ones(3, 1), st.ones(3))


def test_gradients_of_what_is_not_there():
    x, y = (st.ones(2, requires_grad=True) for _ in range(2))
    with pytest.raises(GradientError, match="allow_unused"):
        st.autograd.grad(x.sum(), y)
    with pytest.raises(GradientError, match="does not require grad"):
        st.autograd.grad(x.sum(), st.ones(2))
    with pytest.raises(ArgumentError, match="requires_grad=True"):
        st.optim.SGD([st.ones(2)], lr=0.1)


X = np.random.default_rng(0).standard_normal((3, 4, 5))


@pytest.mark.parametrize(
    "name, args",
    [
        ("topk", (2,)), ("kthvalue", (3, 1)), ("median", (2,)), ("median", ()), ("quantile", (0.3,)),
        ("quantile", (0.7, 1)),
        ("diff", (2,)), ("nan_to_num", ()), ("cdist", (X[:, :2],)), ("trapezoid", ()),
        ("frac", ()),
        ("flipud", ()), ("select", (1, 2)), ("var_mean", (1,)), ("aminmax", ()), ("count_nonzero", ()), ("deg2rad", ()),
        ("dist", (X * 2,)), ("pinverse", ()), ("repeat_interleave", (2, 1)), ("float_power", (2,)), ("nansum", ()),
    ],
)  # fmt: skip
def test_functions_and_their_gradients_are_pytorchs(name, args):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle")
    x = X
    ours, theirs = surefit.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    arrays = isinstance(args[0], np.ndarray) if args else False
    a = getattr(st, name)(ours, *([surefit.tensor(args[0])] if arrays else args))
    b = getattr(torch, name)(theirs, *([torch.tensor(args[0])] if arrays else args))
    pairs = zip(a, b, strict=True) if isinstance(b, tuple) else [(a, b)]
    for p, q in pairs:
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-9, atol=1e-12)
        if q.requires_grad:
            p.sum().backward(retain_graph=True)
            q.sum().backward(retain_graph=True)
    if theirs.grad is not None and name != "aminmax":
        np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), rtol=1e-8, atol=1e-10)


def test_a_function_with_two_results_has_second_derivatives():
    class Both(st.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**2, x**3

        @staticmethod
        def backward(ctx, g2, g3):
            (x,) = ctx.saved_tensors
            return g2 * 2 * x + g3 * 3 * x**2

    x = st.tensor([2.0], requires_grad=True)
    a, b = Both.apply(x)
    (g,) = st.autograd.grad(a + b, x, create_graph=True)
    assert g.item() == 16
    assert st.autograd.grad(g, x)[0].item() == 14
