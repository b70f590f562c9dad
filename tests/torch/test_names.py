"""What `surefit.torch` refuses, and says instead; what it stores; functions that it needed, beside PyTorch's."""

from __future__ import annotations

import importlib

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
        (st, "uint8", "int32"), (st, "float16", "float32"), (st, "compile", r"surefit\.jit"),
        (st.func, "linearize", "jvp"), (st, "randnn", "nearest name is randn"),
        (st.nn, "MultiheadAttention", "scaled_dot_product_attention"), (st.nn, "Liner", "Linear"),
        (st.linalg, "eigh", "numpy"), (st.cuda, "amp", "autocast"), (st.optim.swa_utils, "SWALR", "LinearLR"),
        (st.nn.utils, "spectral_norm", "weight"), (st.nn.utils.rnn, "pack_padded_sequence", "pad_sequence"),
        (st.distributions, "Beta", "log probability"), (st.utils, "tensorboard", "plot"),
        (st.utils.data, "get_worker_info", "process"), (st.autograd, "detect_anomaly", "isfinite"),
        (st.optim, "Adm", "Adam"), (st.nn.functional, "rel", "relu"),
    ],
)  # fmt: skip
def test_a_missing_name_says_what_to_use(module, name, words):
    with pytest.raises(AttributeError, match=words):
        getattr(module, name)


# names that share letters with something else, of another sense
STRANGE = "ops package testing nested export quantization xpu polygamma hub nll profiler library fx rfft poisson"


@pytest.mark.parametrize("name", STRANGE.split())
def test_no_name_is_proposed_that_only_shares_letters(name):
    with pytest.raises(AttributeError) as raised:
        getattr(st, name)
    assert "nearest name" not in str(raised.value)


SLIPS = {
    st: "tahn:tanh arrange:arange zeros_lik:zeros_like matmull:matmul soft_max:softmax new_zeros:zeros flaot32:float32",
    st.nn: "Lienar:Linear ReLu:ReLU Tanhh:Tanh CrossEntropy:CrossEntropyLoss MSE:MSELoss LSTm:LSTM Dropuot:Dropout",
    st.nn.functional: "mse:mse_loss relu_:relu crossentropy:cross_entropy nll:nll_loss",
    st.optim: "SGDD:SGD Adm:Adam",
}


@pytest.mark.parametrize("module, pair", [(m, pair) for m, pairs in SLIPS.items() for pair in pairs.split()])
def test_a_slip_of_the_fingers_is_understood(module, pair):
    name, meant = pair.split(":")
    with pytest.raises(AttributeError, match=f"nearest name is {meant}$"):
        getattr(module, name)


@pytest.mark.parametrize(
    "name, expected",
    [
        ("inner", lambda x, y: np.inner(x, y)),
        ("rot90", lambda x, y: np.rot90(x)),
        ("renorm", lambda x, y: x * np.minimum(3.0 / np.linalg.norm(x, axis=1, keepdims=True), 1.0)),
    ],
)
def test_what_is_proposed_instead_does_the_same(name, expected):
    """These cures are Python: they run, and give what the missing name gives elsewhere."""
    x, y = st.arange(6.0).reshape(2, 3), st.arange(12.0).reshape(4, 3)
    cure = st._ELSEWHERE[name].removeprefix("use ")
    found = eval(cure, {"x": x, "y": y, "limit": 3.0})  # noqa: S307
    assert np.allclose(found.numpy(), expected(x.numpy(), y.numpy()))


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


ONE = b'"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'


@pytest.mark.parametrize(
    "top",
    [
        b"{%s,%s}" % (ONE, ONE), b'{"a":' * 100_000, b"[1]", b'{"w":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}',
        b'{"__metadata__":{"surefit.torch":"%s"},%s}' % (b"[" * 100_000, ONE), b'{"__metadata__":[1],%s}' % ONE,
        b'{"w":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}}',
        b'{"w":{"dtype":"F32","shape":[%s],"data_offsets":[0,4]}}' % (b"9" * 5000),
    ],
    ids=["twice", "deep", "a list", "short floats", "deep texts", "no texts", "endless", "long number"],
)  # fmt: skip
def test_hostile_headers_are_refused_in_one_sentence(tmp_path, top):
    path = tmp_path / "net.pt"
    path.write_bytes(len(top).to_bytes(8, "little") + top + bytes(4))
    with pytest.raises(ModelFileError) as caught:
        st.load(path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500


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


@pytest.mark.parametrize(
    "line, words",
    [
        ("from surefit.torch.func import functionalize", r"surefit\.record"),
        ("from surefit.torch.distributions import MultivariateNormal", "cholesky"),
        ("from surefit.torch.nn import MultiheadAttention", "scaled_dot_product_attention"),
        ("from surefit.torch import compile", r"surefit\.jit"),
        ("from surefit.torch.nn.utils.rnn import pack_padded_sequence", "pad_sequence"),
    ],
)
def test_an_import_of_a_missing_name_says_what_to_use(line, words):
    with pytest.raises(ImportError, match=words):
        exec(line)  # noqa: S102 (a line of this file)
    assert not hasattr(st, "compile")


def test_the_stream_goes_back_to_where_it_was():
    st.manual_seed(3)
    st.rand(2)
    at, mine = st.get_rng_state(), st.Generator().manual_seed(5)
    first, there = st.rand(3).tolist(), mine.get_state()
    own = st.rand(2, generator=mine).tolist()
    st.set_rng_state(at)
    mine.set_state(there)
    assert st.rand(3).tolist() == first and st.rand(2, generator=mine).tolist() == own
    with pytest.raises(ArgumentError, match="get_rng_state"):
        st.set_rng_state(st.zeros(3))


def _distributions(d, make):
    loc, scale = make([0.0, 1.0]), make([1.0, 2.0])
    p, q = make([0.2, 0.7]), make([[0.2, 0.5, 0.3], [1.0, 1.0, 2.0]])
    yield d.Normal(loc, scale), d.Normal(0.5, 1.5), make([0.3, -1.0]), make([0.1, 0.9])
    yield d.Uniform(loc, scale + 1), d.Uniform(-1.0, 9.0), make([0.3, 1.5]), make([0.1, 0.9])
    yield d.Bernoulli(p), d.Bernoulli(logits=loc), make([1.0, 0.0]), None
    yield d.Bernoulli(logits=scale), d.Bernoulli(p), make([1.0, 0.0]), None
    yield d.Categorical(q), d.Categorical(logits=q), make([2.0, 0.0]), None
    yield d.Categorical(logits=q), d.Categorical(q), make([[2.0, 0.0], [1.0, 1.0]]), None


def test_distributions_are_pytorchs():
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle")

    def of(d, module):
        def make(x):
            leaves.append(module.tensor(x, dtype=module.float64, requires_grad=True))
            return leaves[-1]

        leaves, out = [], []
        for first, second, x, u in _distributions(d, make):
            out += [first.log_prob(x), first.entropy(), d.kl_divergence(first, second), first.probs if u is None else x]
            if u is not None:
                out += [first.cdf(x), first.icdf(u)]
            if "Categorical" not in type(first).__name__:
                out += [first.mean, first.variance, first.stddev]
        finite = [o for o in out if np.isfinite(o.detach().numpy()).all()]
        sum((o * o).sum() for o in finite).backward()
        return [o.detach().numpy() for o in out] + [x.grad.numpy() for x in leaves if x.grad is not None]

    ours, theirs = of(st.distributions, st), of(torch.distributions, torch)
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)


def test_draws_have_the_moments_of_their_distribution():
    st.manual_seed(0)
    d = st.distributions
    for kind in (
        d.Normal(st.tensor([0.0, 3.0]), st.tensor([1.0, 0.1])), d.Uniform(st.zeros(2), st.tensor([1.0, 5.0])),
        d.Bernoulli(st.tensor([0.2, 0.9])),
    ):  # fmt: skip
        x = kind.sample((20000,))
        assert x.shape == (20000, 2) and not x.requires_grad
        np.testing.assert_allclose(x.mean(0).numpy(), kind.mean.numpy(), atol=0.05)
        np.testing.assert_allclose(x.std(0).numpy(), kind.stddev.numpy(), atol=0.05)
    q = st.tensor([[0.2, 0.8], [0.9, 0.1]])
    x = d.Categorical(q).sample((5000,))
    np.testing.assert_allclose([(x[:, i] == 1).float().mean().item() for i in (0, 1)], [0.8, 0.1], atol=0.03)
    assert d.Categorical(q[0]).sample().shape == () and d.Categorical(q).sample().shape == (2,)
    scale = st.ones(2, requires_grad=True)
    d.Normal(st.zeros(2), scale).rsample().sum().backward()
    assert (scale.grad != 0).all()
    with pytest.raises(ArgumentError, match="whole numbers"):
        d.Bernoulli(st.tensor([0.5])).rsample()
    for call in (lambda: d.Normal(0.0, -1.0), lambda: d.Categorical(), lambda: d.Bernoulli(st.tensor([2.0])),
                 lambda: d.kl_divergence(d.Normal(0.0, 1.0), d.Uniform(0.0, 1.0))):  # fmt: skip
        with pytest.raises(ArgumentError):
            call()


@pytest.mark.filterwarnings("ignore:Full backward hook")
def test_backward_hooks_see_and_change_gradients():
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle")

    def of(torch):
        layer = torch.nn.Linear(2, 2)
        layer.load_state_dict({"weight": torch.tensor([[1.0, 2.0], [3.0, 4.0]]), "bias": torch.zeros(2)})
        seen = []

        def hook(module, into, out):
            seen.append([None if g is None else g.tolist() for g in (*into, *out)])
            return (into[0] * 10,) if into[0] is not None else None

        handle = layer.register_full_backward_hook(hook)
        x = torch.ones(1, 2).requires_grad_()
        (layer(x).sum() + x.sum()).backward()  # x also passes beside the layer
        layer(torch.ones(1, 2)).sum().backward()
        handle.remove()
        layer(x).sum().backward()
        return seen, x.grad.tolist(), layer.weight.grad.tolist()

    assert of(st) == of(torch)


def test_gradcheck_and_zeros_for_what_is_unused():
    x, y = (st.tensor([1.5, 2.0], dtype=st.float64, requires_grad=True) for _ in range(2))
    assert st.autograd.gradcheck(lambda a, b: a**3 * b, (x, y))

    class Wrong(st.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 3

    assert not st.autograd.gradcheck(Wrong.apply, x, raise_exception=False)
    with pytest.raises(GradientError, match="differences"):
        st.autograd.gradcheck(Wrong.apply, x)
    with pytest.raises(DtypeError, match="float64"):
        st.autograd.gradcheck(lambda a: a, x.float().detach().requires_grad_())
    assert [g.tolist() for g in st.autograd.grad(x.sum(), [x, y], materialize_grads=True)] == [[1, 1], [0, 0]]


@pytest.mark.parametrize(
    "call",
    [
        lambda t, x: t.take(x, t.tensor([0, 7])), lambda t, x: t.searchsorted(x[0, 0].sort().values, x[1]),
        lambda t, x: t.cov(x[0]), lambda t, x: t.corrcoef(x[0]), lambda t, x: t.combinations(x[0, 0], 3),
        lambda t, x: x.unfold(1, 2, 1), lambda t, x: x.unfold(-1, 3, 2), lambda t, x: t.selu(x),
        lambda t, x: x.index_put((t.tensor([0, 2]), t.tensor([1, 1])), t.ones(2, 5, dtype=t.float64)),
        lambda t, x: x.index_put((t.tensor([0, 0]),), x[1:], accumulate=True),
        lambda t, x: t.zeros(3, dtype=t.float64).index_put_((t.tensor([1]),), t.tensor([7.0], dtype=t.float64)),
        lambda t, x: t.nn.utils.rnn.pad_sequence([x[0], x[1, :2]], batch_first=True, padding_value=9.0),
        lambda t, x: t.nn.utils.rnn.pad_sequence([x[0, 0, :3], x[1, 2]]),
        lambda t, x: t.cholesky_solve(x[0, :, :2], t.linalg.cholesky(x[1] @ x[1].mT + t.eye(4, dtype=t.float64))),
        lambda t, x: t.linalg.solve_triangular(x[0, :, :4], x[1], upper=False),
        lambda t, x: t.linalg.solve_triangular(x[0, :, :4], x[1].mT, upper=True, left=False, unitriangular=True),
    ],
)  # fmt: skip
def test_functions_of_places(call):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle")
    ours, theirs = surefit.tensor(X, requires_grad=True), torch.tensor(X, requires_grad=True)
    a, b = call(st, ours), call(torch, theirs)
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-9, atol=1e-12)
    if b.requires_grad:
        (a * a).sum().backward()
        (b * b).sum().backward()
        np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(
    "options",
    [
        {"precision": 2}, {"precision": 7}, {"sci_mode": True}, {"sci_mode": False, "precision": 5}, {"linewidth": 30},
        {"edgeitems": 1, "threshold": 4}, {"profile": "short"}, {"threshold": float("inf")},
    ],
    ids=str,
)  # fmt: skip
def test_printing_options_give_the_numbers_pytorch_prints(options):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle of what is printed")
    values = [1 / 3, 0.05, 12.345678, 0.5, 0.25, 2.0, 7.125, 10.0]

    def numbers(text):
        return [float(n.strip(" []")) for n in text[7:-1].replace("\n", "").split(",") if n.strip() != "..."]

    try:
        torch.set_printoptions(**options)
        st.set_printoptions(**options)
        ours, theirs = repr(st.tensor(values)), repr(torch.tensor(values))
    finally:
        torch.set_printoptions(profile="default", sci_mode=None)
        st.set_printoptions(profile="default")
    assert ("..." in ours, "e+" in ours) == ("..." in theirs, "e+" in theirs)
    assert len(numbers(ours)) == len(numbers(theirs))
    assert numbers(ours) == pytest.approx(numbers(theirs), abs=0.5 * 10.0 ** -options.get("precision", 4), rel=1e-2)
    assert max(map(len, ours.split("\n"))) <= options.get("linewidth", 75) + 1
    with pytest.raises(ArgumentError, match="profile='long'"):
        st.set_printoptions(profile="long")


@pytest.mark.parametrize("name", sorted(set(st.special.__all__)))
def test_special_functions_and_their_gradients_are_pytorchs(name):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle of the numbers")
    values = np.linspace(0.05, 0.95, 7)
    keywords = {"dim": 0} if name in ("softmax", "log_softmax", "logsumexp") else {}
    found = []
    for lib in (st, torch):
        x = lib.tensor(values, requires_grad=True)
        args = (x, lib.tensor(values[::-1].copy())) if name.startswith("xlog") else (x,)
        y = getattr(lib.special, name)(*args, **keywords)
        if y.requires_grad:  # PyTorch has no gradients of Bessel functions
            (y * lib.linspace(1, 2, 7, dtype=lib.float64)).sum().backward()
        found.append((y.detach().numpy(), None if x.grad is None else x.grad.numpy()))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-9, atol=1e-12)
    if found[1][1] is not None:
        np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-7, atol=1e-10)
    with pytest.raises(AttributeError, match=r"scipy\.special\.zeta"):
        st.special.zeta(x)


def test_running_extremes_and_sums_against_numpy():
    x = st.tensor([[3.0, 1.0, 4.0], [1.0, 5.0, 9.0]], requires_grad=True)
    top, low = st.cummax(x, 1), st.cummin(x, dim=-1)
    assert np.array_equal(top.values.tolist(), np.maximum.accumulate(x.tolist(), axis=1))
    assert top.indices.tolist() == [[0, 0, 2], [0, 1, 2]]
    assert low.values.tolist() == [[3.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    top.values.sum().backward()
    assert x.grad.tolist() == [[2.0, 0.0, 1.0], [1.0, 1.0, 1.0]]
    big = st.tensor([1000.0, 0.0, 1000.0])
    assert st.logcumsumexp(big, 0).tolist() == pytest.approx([1000.0, 1000.0, 1000.0 + np.log(2.0)])
    assert [part.tolist() for part in st.tensor_split(st.arange(5), 2)] == [[0, 1, 2], [3, 4]]
    a, b = np.array([1.0, 2.0]), np.array([[1.0, 3.0, 5.0]])
    assert np.array_equal(st.kron(st.tensor(a), st.tensor(b)).tolist(), np.kron(a, b))
    assert np.array_equal(st.vander(st.tensor(a), 3).tolist(), np.vander(a, 3))


def test_a_buffer_that_is_not_saved():
    net = st.nn.Linear(1, 1)
    net.register_buffer("table", st.ones(2), persistent=False)
    assert list(net.state_dict()) == ["weight", "bias"]
    assert [name for name, _ in net.named_buffers()] == ["table"]
    net.load_state_dict(net.state_dict())


def test_averages_of_weights():
    from surefit.torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

    net = st.nn.Sequential(st.nn.Linear(1, 1), st.nn.BatchNorm1d(1))
    mean, slow = AveragedModel(net), AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.5))
    own = AveragedModel(net, avg_fn=lambda old, new, count: old + 0.25 * (new - old))
    for value in (1.0, 2.0, 6.0):
        st.nn.init.constant_(net[0].weight, value)
        for average in (mean, slow, own):
            average.update_parameters(net)
    assert [m.module[0].weight.item() for m in (mean, slow, own)] == [3.0, 3.75, 2.4375]
    update_bn([st.tensor([[0.0], [2.0]]), st.tensor([[4.0], [6.0]])], mean)
    inputs = 3.0 * np.array([[0.0, 2.0], [4.0, 6.0]]) + mean.module[0].bias.item()
    assert mean.module[1].running_mean.item() == pytest.approx(inputs.mean())
    assert mean.module[1].running_var.item() == pytest.approx(inputs.var(axis=1, ddof=1).mean())


@pytest.mark.parametrize(
    "module, words", [("cuda.amp", "float32"), ("utils.tensorboard", "TensorBoardLogger"), ("nn.quantum", "porting")]
)
def test_a_missing_module_says_what_to_use(module, words):
    with pytest.raises(ModuleNotFoundError, match=words):
        importlib.import_module(f"surefit.torch.{module}")
