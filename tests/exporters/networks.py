"""Networks to export: every activation and every layer that surefit has, and random ones."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np

from surefit import nn
from surefit.core.functional import hvp, jacobian
from surefit.core.modes import no_grad
from surefit.core.program import Program, record
from surefit.core.tensor import Tensor
from surefit.exporters.exportable import Exportable
from surefit.models.scaled import Scaled

ACTIVATIONS = {
    "CELU": nn.CELU(), "ELU": nn.ELU(0.7), "GELU": nn.GELU(), "GELUtanh": nn.GELU("tanh"), "GLU": nn.GLU(),
    "SELU": nn.SELU(), "Hardshrink": nn.Hardshrink(), "Hardsigmoid": nn.Hardsigmoid(), "Hardswish": nn.Hardswish(),
    "Hardtanh": nn.Hardtanh(), "LeakyReLU": nn.LeakyReLU(), "LogSigmoid": nn.LogSigmoid(),
    "LogSoftmax": nn.LogSoftmax(dim=-1), "Mish": nn.Mish(), "PReLU": nn.PReLU(), "ReLU": nn.ReLU(),
    "ReLU6": nn.ReLU6(), "Sigmoid": nn.Sigmoid(), "SiLU": nn.SiLU(), "Sin": nn.Sin(), "Softmax": nn.Softmax(dim=-1),
    "Softmin": nn.Softmin(dim=-1), "Softplus": nn.Softplus(), "Softshrink": nn.Softshrink(),
    "Softsign": nn.Softsign(), "Square": nn.Square(), "Tanh": nn.Tanh(), "Tanhshrink": nn.Tanhshrink(),
    "Threshold": nn.Threshold(0.1, -0.2),
}  # fmt: skip


class Reshaped(nn.Module):
    """Rows as images or sequences: x.reshape(-1, *shape)."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x):
        return x.reshape(-1, *self.shape)


class Embedded(nn.Module):
    """The integer part of each input looked up."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(4, 3, generator=0)

    def forward(self, x):
        return self.table(((x * x).floor() % 4).long()).reshape(x.shape[0], -1)


class Bilinear(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Bilinear(2, 2, 3, generator=0)

    def forward(self, x):
        return self.layer(x[:, :2], x[:, 2:])


class Recurrent(nn.Module):
    """The numbers of a row one after another through a recurrent layer, or steps of a cell; what it ends with."""

    def __init__(self, layer: nn.Module, steps: int) -> None:
        super().__init__()
        self.layer, self.steps = layer, steps

    def forward(self, x):
        parts = x.reshape(x.shape[0], self.steps, -1)
        if not isinstance(self.layer, (nn.RNNCell, nn.LSTMCell, nn.GRUCell)):
            return self.layer(parts)[0][:, -1]
        state = None
        for i in range(self.steps):
            state = self.layer(parts[:, i], state)
        return state[0] if isinstance(state, tuple) else state


class Compared(nn.Module):
    """How alike or how far the two halves of a row are."""

    def __init__(self) -> None:
        super().__init__()
        self.alike, self.far = nn.CosineSimilarity(1), nn.PairwiseDistance()

    def forward(self, x):
        import surefit as s

        halves = x[:, :3], x[:, 3:]
        return s.stack([self.alike(*halves), self.far(*halves)], 1)


class Formula(nn.Module):
    """Elementary functions that no layer uses."""

    def forward(self, x):
        import surefit as s

        a, b = x[:, 0:1], x[:, 1:2]
        c = s.cos(3e5 * a) + s.tan(a) * s.atan(b) + s.asin(a / (1 + a * a)) - s.acos(b / (1 + b * b))
        c = c + s.sinh(a) * s.cosh(b) + s.asinh(a) + s.acosh(1 + b * b) + s.atanh(a / (2 + a * a))
        d = s.log1p(a * a) - s.expm1(b) + s.log(1 + b * b) / s.log2(2 + a * a) + s.log10(3 + a * a) + s.exp2(a)
        e = s.erf(a) + s.erfc(b) + s.cbrt(a) + s.hypot(a, b) + s.logaddexp(a, b) + s.atan2(a, b)
        f = (1 + a * a) ** b + (a * a) ** 0.3 + a**3 + s.fmod(a, b) + (a % b) + (a // b) + (1 + b * b) ** -0.5
        g = s.cumsum(s.cat([a, b], 1), 1).sum(1, keepdim=True) + s.maximum(a, b) - s.minimum(a, b) * s.sign(a)
        h = s.cat([a, b, c, d], 1).argmax(1, keepdim=True).double() + s.round(a) + s.ceil(b) + s.trunc(a)
        return s.cat([c, d, e, f, g, h.to(c.dtype)], 1)


def layers() -> dict[str, tuple[nn.Module, int]]:
    """name -> (network, inputs)."""
    found: dict[str, tuple[nn.Module, int]] = {}
    for i, (name, activation) in enumerate(ACTIVATIONS.items()):
        width = 18 + i % 3 * 2
        after = width // 2 if name == "GLU" else width
        net = nn.Sequential(nn.Linear(2, width, generator=i), activation, nn.Linear(after, 2, generator=i + 1))
        found[name] = (net, 2)
    normed = {
        "BatchNorm1d": nn.BatchNorm1d(6), "LayerNorm": nn.LayerNorm(6), "RMSNorm": nn.RMSNorm(6),
        "GroupNorm": nn.GroupNorm(2, 6), "Dropout": nn.Dropout(0.3), "Identity": nn.Identity(),
    }  # fmt: skip
    for name, layer in normed.items():
        found[name] = (nn.Sequential(nn.Linear(3, 6, generator=4), layer, nn.Tanh(), nn.Linear(6, 1, generator=5)), 3)
    residual = nn.Residual(nn.Sequential(nn.Linear(4, 4, generator=1), nn.Tanh()))
    found["Residual"] = (nn.Sequential(residual, nn.Linear(4, 2, generator=2)), 4)
    found["Embedding"] = (nn.Sequential(Embedded(), nn.Linear(6, 1, generator=0)), 2)
    found["Bilinear"] = (nn.Sequential(Bilinear(), nn.Sigmoid(), nn.Linear(3, 1, generator=0)), 4)
    image = nn.Sequential(
        Reshaped(1, 6, 6), nn.Conv2d(1, 2, 3, padding=1, generator=0), nn.InstanceNorm2d(2), nn.ReLU(),
        nn.MaxPool2d(2), nn.BatchNorm2d(2), nn.AvgPool2d(2, stride=1), nn.Flatten(), nn.Linear(8, 2, generator=1),
    )  # fmt: skip
    found["Conv2d"] = (image, 36)
    sequence = nn.Sequential(
        Reshaped(2, 9), nn.Conv1d(2, 4, 3, stride=2, dilation=2, groups=2, generator=0), nn.Tanh(),
        nn.InstanceNorm1d(4), nn.AvgPool1d(2, stride=1), nn.MaxPool1d(2, stride=1), nn.AdaptiveAvgPool1d(1),
        nn.Unflatten(1, (2, 2)), nn.Flatten(), nn.Linear(4, 1, generator=1),
    )  # fmt: skip
    found["Conv1d"] = (sequence, 18)
    adaptive = nn.Sequential(Reshaped(1, 5, 5), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4, 1, generator=1))
    found["AdaptiveAvgPool2d"] = (adaptive, 25)
    opened = nn.Sequential(
        Reshaped(2, 3, 3), nn.ConvTranspose2d(2, 2, 3, stride=2, padding=1, generator=0), nn.Dropout2d(), nn.Tanh(),
        nn.Upsample(scale_factor=2), nn.Flatten(), nn.Linear(200, 1, generator=1),
    )  # fmt: skip
    found["ConvTranspose2d"] = (opened, 18)
    opened = nn.Sequential(
        Reshaped(2, 4), nn.ConvTranspose1d(2, 3, 2, generator=0), nn.Dropout1d(), nn.Flatten(),
        nn.Linear(15, 2, generator=1),
    )  # fmt: skip
    found["ConvTranspose1d"] = (opened, 8)
    for kind in (nn.RNN, nn.LSTM, nn.GRU):
        found[kind.__name__] = (Recurrent(kind(2, 3, batch_first=True, generator=0), 3), 6)
    for cell in (nn.RNNCell, nn.LSTMCell, nn.GRUCell):
        found[cell.__name__] = (Recurrent(cell(2, 3, generator=0), 3), 6)
    found["Compared"] = (Compared(), 6)
    found["Formula"] = (Formula(), 2)
    found["MLP"] = (nn.MLP(3, (33, 17), 2, generator=3), 3)
    found["one input"] = (nn.MLP(1, (50,), 1, generator=3), 1)
    found["linear"] = (nn.Sequential(nn.Linear(3, 2, generator=0)), 3)
    for name, (net, _) in found.items():
        if name not in ("Formula",):
            _shake(net)
    return found


def experiments() -> dict[str, tuple[nn.Module, int]]:
    """The networks of `surefit.experiments`, name -> (network, inputs); of the digits a 28th of the pixels."""
    from surefit.experiments import sine_by_sample, sine_reciprocal, three_functions, two_inputs, two_ways

    low, *hidden, high = sine_by_sample.WIDTHS
    found: dict[str, tuple[nn.Module, int]] = {
        "sine by sample": (nn.MLP(low, tuple(hidden), high, activation="sigmoid", generator=0), low),
        "sine reciprocal": (nn.MLP(1, (sine_reciprocal.WIDTH,), 1, activation="relu", generator=0), 1),
        "three functions": (nn.MLP(1, (three_functions.HIDDEN,), 1, activation="relu", generator=0), 1),
        "two inputs": (two_inputs.build(two_inputs.HIDDEN, 0), 2),
        "two ways": (nn.MLP(1, (two_ways.HIDDEN,), 1, activation="relu", generator=0), 1),
        "digits": (nn.MLP(28, (100, 100, 100), 10, activation="relu", generator=0), 28),
    }
    return found


def small_networks(count: int, seed: int = 0) -> Iterator[tuple[str, nn.Module, int]]:
    """(name, network, inputs) of one input and straight pieces, and of few units: for tables and formulas."""
    rng = np.random.default_rng(seed)
    straight = [nn.ReLU(), nn.LeakyReLU(), nn.ReLU6(), nn.Hardtanh(), nn.PReLU(), nn.Hardshrink(), nn.Softshrink()]
    curved = [ACTIVATIONS[n] for n in ACTIVATIONS if n not in ("GLU", "Softmax", "LogSoftmax", "Softmin")]
    for i in range(count):
        d, kinds = (1, straight) if i % 2 else (int(rng.integers(1, 4)), curved)
        h, k = int(rng.integers(1, 9)), int(rng.integers(1, 3))
        parts = [nn.Linear(d, h, generator=rng), kinds[i // 2 % len(kinds)]]
        if i % 3 == 0:
            parts += [nn.Linear(h, 3, generator=rng), kinds[int(rng.integers(len(kinds)))]]
        net = nn.Sequential(*parts, nn.Linear(3 if i % 3 == 0 else h, k, generator=rng))
        _shake(net)
        yield f"{'straight' if i % 2 else 'small'} {i}", net, d


def _shake(net: nn.Module) -> None:
    """Running statistics and gains that are not 0 and 1."""
    rng = np.random.default_rng(3)
    for name, b in net.named_buffers():
        if "running" in name:
            b.data = rng.uniform(0.5, 1.5, b.shape).astype(np.float32)
    for p in net.parameters():
        p.data = p.detach().numpy() + rng.normal(0, 0.1, p.shape).astype(np.float32)


def random_networks(count: int, seed: int = 0) -> Iterator[tuple[str, nn.Module, int]]:
    """(name, network, inputs): perceptrons of random widths and activations, some with norms, gates and bridges."""
    rng = np.random.default_rng(seed)
    names = [n for n in ACTIVATIONS if n not in ("GLU",)]
    for i in range(count):
        d, depth = int(rng.integers(1, 5)), int(rng.integers(0, 4))
        widths = [d, *(int(w) for w in rng.integers(1, 40, depth)), int(rng.integers(1, 4))]
        parts: list[nn.Module] = []
        for j in range(depth + 1):
            parts.append(nn.Linear(widths[j], widths[j + 1], bias=bool(rng.integers(0, 4)), generator=rng))
            if j < depth:
                parts.append(ACTIVATIONS[names[int(rng.integers(len(names)))]])
                parts += _extra(int(rng.integers(16)), widths[j + 1], rng)
        net = nn.Sequential(*parts)
        _shake(net)
        yield f"random {i}", net, d


def _extra(kind: int, width: int, rng: np.random.Generator) -> list[nn.Module]:
    """What may follow an activation of some width, and keeps it; mostly nothing."""
    if kind == 0:
        return [nn.BatchNorm1d(width)]
    if kind == 1:
        return [nn.LayerNorm(width)]
    if kind == 2:
        return [nn.RMSNorm(width)]
    if kind == 3:
        return [nn.Residual(nn.Sequential(nn.Linear(width, width, generator=rng), nn.Tanh()))]
    if kind == 4:
        return [nn.Linear(width, 2 * width, generator=rng), nn.GLU()]
    return []


def scaled(net: nn.Module, d: int, dtype: str) -> Scaled:
    """A network with some scaling around it, ready for use."""
    rng = np.random.default_rng(1)
    net.eval()
    net = copy.deepcopy(net).to(dtype)  # of its own: another dtype later on must not change it
    with no_grad():
        k = net(Tensor(np.zeros((2, d)), net_dtype(dtype))).shape[1]
    model = Scaled(
        net, rng.normal(size=d), rng.uniform(0.5, 2, d), rng.normal(size=k), rng.uniform(0.5, 2, k), net_dtype(dtype)
    )
    model.eval()
    return model


def net_dtype(name: str) -> np.dtype:
    return np.dtype(name)


def programs(model: Scaled, d: int, dtype: str = "float64") -> tuple[Program, Program, Program]:
    """Value, value with Jacobian, and Hessian product of one point."""
    k = len(model.y_shift.numpy())

    def row(x):
        return model(x.reshape(1, -1)).reshape(-1)

    def value(x):
        with no_grad():
            return model(x)

    def both(x):
        return model(x), jacobian(row)(x.reshape(-1))

    def product(x, weights, direction):
        return hvp(lambda t: (row(t) * weights).sum(), x.reshape(-1), direction)

    def zeros(*shape: int) -> Tensor:
        return Tensor(np.zeros(shape), np.dtype(dtype))

    return (
        record(value, zeros(1, d)), record(both, zeros(1, d)), record(product, zeros(1, d), zeros(k), zeros(d)),
    )  # fmt: skip


def exportable(net: nn.Module, d: int, name: str, dtype: str = "float32", derivative: bool = True) -> Exportable:
    """A network as what is exported, with the compiled strict values as its reference."""
    from surefit.compiler import compile_program

    model = scaled(net, d, dtype)
    k = len(model.y_shift.numpy())
    value, both, product = programs(model, d)
    used = both if derivative else value
    compiled: list = []

    def reference(points: np.ndarray) -> list[np.ndarray]:
        if not compiled:
            compiled.append(compile_program(used, mode="strict"))
        results = [compiled[0].run([p[None]])[0] for p in points]
        return [
            np.stack([r[i].reshape(shape) for r in results])
            for i, shape in enumerate([(k,), (k, d)][: len(results[0])])
        ]

    def batch(n: int) -> Program:
        return record(lambda x: _no_grad(model, x), Tensor(np.zeros((n, d)), np.float64))

    points = np.random.default_rng(0).normal(0, 1.5, (4, d))
    names = tuple(f"x{i}" for i in range(d)), tuple(f"y{i}" for i in range(k))
    return Exportable(
        name, value, *names, np.full(d, -3.0), np.full(d, 3.0), (f"network {name}",), points, reference,
        both if derivative else None, product if derivative else None, batch,
    )  # fmt: skip


def _no_grad(model: Scaled, x):
    with no_grad():
        return model(x)
