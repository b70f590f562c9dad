"""The doctor: each disease is given to a network on purpose and must be named; healthy ones must raise no alarm."""

from __future__ import annotations

import itertools
import json
import math
from types import SimpleNamespace

import numpy as np
import pytest

import surefit
from surefit import nn, optim
from surefit.core.random import Generator
from surefit.doctor.data_checks import oscillations, turning_points
from surefit.doctor.examine import Diagnosis, Finding, diagnose, examine
from surefit.doctor.observation import observe
from surefit.errors import ArgumentError, ShapeError
from surefit.nn import functional as F

N = 300


def rng(seed=0):
    return np.random.default_rng(seed)


def box(n=N, d=2, seed=0):
    return rng(seed).uniform(-1.0, 1.0, (n, d))


def wave(x):
    return np.sin(3 * x[:, :1]) - np.cos(2 * x[:, 1:2])


X = box()
Y = wave(X)


def mlp(hidden=(20, 20), activation="relu", n_in=2, n_out=1, seed=0, **more):
    return nn.MLP(n_in, hidden, n_out, activation=activation, generator=seed, **more)


def only(diagnosis, code, severity=None):
    """The one finding with a code."""
    found = diagnosis.find(code)
    assert len(found) == 1, f"{code}: {[f.code for f in diagnosis.shown()]}"
    if severity is not None:
        assert found[0].severity == severity, found[0]
    if found[0].severity != "ok":
        assert found[0].cure
    return found[0]


def at(diagnosis, code, where):
    return next(f for f in diagnosis.find(code) if f.where == where)


# --- healthy networks: no false alarm -----------------------------------------------------------------------


def test_a_well_trained_sine_raises_no_alarm():
    fit = surefit.fit("sin(x)", "x=-6.28:6.28", method=surefit.Adam(epochs=60))
    assert fit.error.relative_l2 < 0.02
    diagnosis = fit.doctor()
    assert diagnosis.ok and not diagnosis.shown(), diagnosis
    assert "Nothing is wrong" in str(diagnosis)
    assert diagnosis.find("undersampled")[0].number == pytest.approx(500, rel=0.01)  # 1000 points, two periods


@pytest.mark.slow
def test_the_relu_network_of_two_inputs_raises_no_alarm():
    target, where = "sin(x1) - cos(x2)", "x1=-5:5, x2=-5:5"
    model = surefit.MLPSpec((64, 64), activation="relu")
    fit = surefit.fit(target, where, method=surefit.Adam(epochs=20), model=model)
    assert fit.error.relative_l2 < 0.05
    assert fit.doctor().ok and not fit.doctor().shown(), fit.doctor()
    model, plan = surefit.MLPSpec((200, 100, 100, 80, 50, 30), activation="relu"), surefit.Sampling(count=1000)
    fit = surefit.fit(target, where, method=surefit.Adam(epochs=12), model=model, data=plan)
    diagnosis = diagnose(fit)
    assert diagnosis.ok, diagnosis
    assert len(diagnosis.find("dead-units")) == len(diagnosis.find("identical-units")) == 6


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "silu", "gelu", "elu", "selu", "sin", "leaky_relu"])
@pytest.mark.parametrize("hidden", [(50,), (50, 50, 50)])
def test_a_network_fresh_from_its_initialisation_raises_no_alarm(activation, hidden):
    diagnosis = examine(mlp(hidden, activation), X, Y)
    assert diagnosis.ok, diagnosis


@pytest.mark.parametrize("more", [dict(norm="batch"), dict(norm="layer"), dict(dropout=0.5)])
def test_deep_networks_with_their_usual_helpers_raise_no_alarm(more):
    diagnosis = examine(mlp((50,) * 8, **more), X, Y)
    assert diagnosis.ok, diagnosis


def test_healthy_classifiers_raise_no_alarm():
    x, labels = clusters()
    one_hot = np.eye(10)[labels]
    for target, loss in ((labels, None), (labels, F.cross_entropy), (one_hot, "cross_entropy"), (one_hot, "mse")):
        diagnosis = examine(mlp((50,), n_in=64, n_out=10), x, target, loss=loss)
        assert diagnosis.ok, diagnosis
        only(diagnosis, "outputs-compete", "ok")
    with_softmax = nn.Sequential(mlp((50,), n_in=64, n_out=10), nn.Softmax(-1))
    assert examine(with_softmax, x, one_hot, loss=lambda p, y: -(y * surefit.log(p + 1e-12)).sum(-1).mean()).ok
    logarithms = nn.Sequential(mlp((50,), n_in=64, n_out=10), nn.LogSoftmax(-1))
    assert examine(logarithms, x, labels, loss="nll").ok


# --- dead, always-on and saturated units --------------------------------------------------------------------


def biased(activation, bias, share=1.0):
    """Two hidden layers; a share of the second one's units have this bias."""
    net = mlp((20, 20), activation)
    b = np.zeros(20)
    b[: round(20 * share)] = bias
    net[2].bias.assign(b.astype(np.float32))
    return net


@pytest.mark.parametrize(("share", "severity"), [(0.0, "ok"), (0.5, "note"), (0.8, "warning"), (1.0, "error")])
def test_dead_units_by_layer(share, severity):
    diagnosis = examine(biased("relu", -100.0, share), X, Y)
    assert at(diagnosis, "dead-units", "1 (ReLU)").severity == "ok"
    seen = at(diagnosis, "dead-units", "3 (ReLU)")
    assert seen.severity == severity
    assert share <= seen.number <= share + 0.2  # a few of the others are dead from the start


@pytest.mark.parametrize(("bias", "share", "severity"), [(0.0, 0.0, "ok"), (100.0, 1.0, "warning")])
def test_always_on_units_by_layer(bias, share, severity):
    seen = at(examine(biased("relu", bias, share), X, Y), "always-on-units", "3 (ReLU)")
    assert seen.severity == severity
    assert seen.number == pytest.approx(share, abs=0.25)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "softsign", "hardtanh"])
@pytest.mark.parametrize(("share", "severity"), [(0.0, "ok"), (0.2, "note"), (0.5, "warning"), (1.0, "error")])
def test_saturated_units_by_layer(activation, share, severity):
    diagnosis = examine(biased(activation, 100.0, share), X, Y)
    first, second = sorted(diagnosis.find("saturated-units"), key=lambda f: f.where)
    assert (first.severity, first.number) == ("ok", 0.0)
    assert (second.severity, second.number) == (severity, pytest.approx(share))


@pytest.mark.parametrize("z", [2.6, 2.7])  # tanh(2.6467) = 0.99
def test_saturation_is_a_tanh_beyond_99_percent(z):
    net = nn.Sequential(nn.Linear(1, 4, generator=0), nn.Tanh(), nn.Linear(4, 1, generator=1))
    net[0].weight.assign(np.full((4, 1), z, np.float32))
    nn.init.zeros_(net[0].bias)
    x = np.where(np.arange(100) % 2 == 0, 1.0, -1.0)[:, None]
    assert only(examine(net, x, x), "saturated-units").number == (abs(math.tanh(z)) > 0.99)


def test_a_saturated_output_is_what_probabilities_want():
    net = nn.Sequential(nn.Linear(2, 1, generator=0), nn.Sigmoid())
    net[0].weight.assign(np.full((1, 2), 1000.0, np.float32))
    y = (X.sum(axis=1, keepdims=True) > 0).astype(float)
    assert not examine(net, X, y, loss="binary_cross_entropy").find("saturated-units")


def test_the_relus_of_a_clamp_and_a_maximum_are_seen_too():
    class ByHand(nn.Module):
        def __init__(self):
            super().__init__()
            self.W1 = nn.Parameter(rng().standard_normal((2, 30)))
            self.b1 = nn.Parameter(np.full(30, -100.0))
            self.W2 = nn.Parameter(rng(1).standard_normal((30, 1)) / 5)

        def forward(self, x):
            return surefit.maximum(x @ self.W1 + self.b1, 0.0) @ self.W2

    seen = only(examine(ByHand(), X, Y), "dead-units", "error")
    assert (seen.where, seen.number) == ("maximum after W1", 1.0)


def test_a_sigmoid_that_is_a_gate_may_saturate():
    class Gated(nn.Module):
        def __init__(self, gate):
            super().__init__()
            self.a, self.b, self.gate = nn.Linear(2, 20, generator=0), nn.Linear(20, 1, generator=1), gate
            nn.init.constant_(self.a.bias, 100.0)

        def forward(self, x):
            z = self.a(x)
            return self.b(z * surefit.sigmoid(z) if self.gate else surefit.sigmoid(z))

    assert not examine(Gated(True), X, Y).find("saturated-units")
    only(examine(Gated(False), X, Y), "saturated-units", "error")


def test_few_rows_are_not_enough_to_call_a_unit_dead():
    assert not examine(mlp(), X[:5], Y[:5]).find("dead-units")


# --- signals and gradients through the depth ----------------------------------------------------------------


def normal_weights(hidden, activation, std):
    net = mlp(hidden, activation)
    for i, m in enumerate(m for m in net.modules() if isinstance(m, nn.Linear)):
        nn.init.normal_(m.weight, 0.0, std, generator=i)
    return net


@pytest.mark.parametrize(
    ("std", "code"),
    [(1.0, "exploding-activations"), (0.01, "vanishing-activations"), ((2 / 50) ** 0.5, "activations-by-layer")],
)
def test_activations_through_the_depth(std, code):
    net = normal_weights((50,) * 5, "relu", std)
    seen = only(examine(net, X, Y), code, "ok" if code == "activations-by-layer" else "warning")
    h, deviations = X.astype(np.float32), []
    for m in [m for m in net.modules() if isinstance(m, nn.Linear)][:-1]:  # the same with NumPy
        z = h @ m.weight.detach().numpy().T
        deviations.append(np.sqrt(z.var(axis=0).mean()))
        h = np.maximum(z + m.bias.detach().numpy(), 0)
    assert seen.number == pytest.approx(deviations[-1] / deviations[0], rel=1e-3)
    assert seen.where == "0 to 8"


@pytest.mark.parametrize(
    ("hidden", "activation", "code"),
    [
        ((50,) * 10, "sigmoid", "vanishing-gradients"),
        ((50,) * 10, "tanh", "gradients-by-layer"),
        ((50,) * 10, "relu", "gradients-by-layer"),
    ],
)
def test_gradients_through_the_depth(hidden, activation, code):
    net = mlp(hidden, activation)
    only(examine(net, X, Y), code, "ok" if code == "gradients-by-layer" else "warning")


def test_batch_normalisation_without_statistics_yet_takes_those_of_the_sample():
    net = mlp((50,) * 5, norm="batch")
    for m in net.modules():
        if isinstance(m, nn.Linear):
            m.weight.assign(m.weight * 100.0)  # undone by the normalisation
    seen = only(examine(net, X, Y), "activations-by-layer", "ok")
    assert 0.3 < seen.number < 3
    assert all(not b.numpy().any() for n, b in net.named_buffers() if "num_batches" in n)


def test_an_exploding_gradient_and_its_number():
    net = normal_weights((30,) * 8, "tanh", 1.0)
    for i, m in enumerate(m for m in net.modules() if isinstance(m, nn.Linear)):
        m.weight.assign(m.weight * (4.0 if i else 1e-4))  # tiny signals, so that nothing saturates
    seen = only(examine(net, X, Y), "exploding-gradients", "warning")
    F.mse_loss(net(surefit.tensor(X)), surefit.tensor(Y).float()).backward()
    ends = [m.weight for m in net.modules() if isinstance(m, nn.Linear)]
    size = [float(np.linalg.norm(w.grad.numpy())) for w in ends]
    weight = [float(np.linalg.norm(w.detach().numpy())) for w in ends]
    relative = size[0] / weight[0] / (size[-1] / weight[-1])
    plain = size[0] / ends[0].numel() ** 0.5 / (size[-1] / ends[-1].numel() ** 0.5)
    assert seen.number == pytest.approx(min(relative, plain), rel=1e-3)


def test_without_targets_gradients_are_looked_at_all_the_same():
    assert only(examine(mlp((50,) * 10, "sigmoid"), X), "vanishing-gradients").number < 1e-5
    only(examine(mlp((50,) * 3, "tanh"), X), "gradients-by-layer", "ok")


def test_units_that_are_copies_of_each_other():
    constant = mlp((20, 20), "tanh")
    for m in constant.modules():
        if isinstance(m, nn.Linear):
            nn.init.constant_(m.weight, 0.3)
    found = examine(constant, X, Y).find("identical-units")
    assert [(f.severity, f.number) for f in found] == [("error", 0.95)] * 2
    twins = mlp((20, 20), "tanh")
    w, out = twins[0].weight.detach().numpy().copy(), twins[2].weight.detach().numpy().copy()
    w[1], out[:, 1] = w[0], out[:, 0]
    twins[0].weight.assign(w)
    twins[2].weight.assign(out)
    seen = at(examine(twins, X, Y), "identical-units", "0")
    assert (seen.severity, seen.number) == ("note", pytest.approx(0.05))


def test_units_that_differ_beside_one_that_has_grown_large_are_no_copies():
    net = mlp((20,), "tanh")
    b = net[0].bias.detach().numpy().copy()
    b[:3] = 1e9, 30.0, 40.0  # saturated on every row, without a gradient
    net[0].bias.assign(b)
    assert only(examine(net, X, Y), "identical-units", "ok").number == 0.0


def test_equal_weights_that_part_at_the_first_step_are_no_copies():
    net = mlp((20,), "tanh")
    nn.init.constant_(net[0].weight, 0.3)  # the output weights differ, so the gradients do
    assert only(examine(net, X, Y), "identical-units", "ok").number == 0.0


# --- numbers that are not finite, parameters without a gradient ---------------------------------------------


def with_nan(network):
    w = network[2].weight.detach().numpy().copy()
    w[3, 4] = np.nan
    network[2].weight.assign(w)
    return network


def test_the_first_place_that_is_not_finite_is_named():
    bad = X.copy()
    bad[7, 1] = np.inf
    cases = [
        (mlp(), bad, Y, None, "inputs"),
        (mlp(), X, np.full_like(Y, np.nan), None, "targets"),
        (with_nan(mlp()), X, Y, None, "parameter 2.weight"),
        (normal_weights((50,) * 6, "relu", 1e12), X, Y, None, "output of"),
        (mlp(), X, Y, lambda p, y: surefit.log(p - 100.0).mean(), "loss"),
    ]
    for net, x, y, loss, where in cases:
        seen = only(examine(net, x, y, loss=loss), "not-finite", "error")
        assert seen.where.startswith(where)
    assert only(examine(with_nan(mlp()), X, Y), "not-finite").number == 1
    assert only(examine(mlp(), X, Y), "not-finite", "ok").number == 0


def test_parameters_that_the_loss_does_not_reach():
    class Detached(nn.Module):
        def __init__(self, whole):
            super().__init__()
            self.a, self.b, self.whole = nn.Linear(2, 5, generator=0), nn.Linear(5, 1, generator=1), whole

        def forward(self, x):
            h = surefit.tensor(np.tanh(self.a(x).detach().numpy()))
            return self.b(h).detach() if self.whole else self.b(h)

    part, whole = (only(examine(Detached(w), X, Y), "no-gradient") for w in (False, True))
    assert (part.severity, part.number, part.where) == ("warning", 2, "a.weight")
    assert (whole.severity, whole.number) == ("error", 4)
    only(examine(mlp(), X, Y), "no-gradient", "ok")


# --- outputs that do not compete ----------------------------------------------------------------------------


def clusters(n=400, d=64, classes=10, seed=0):
    """Well separated classes."""
    r = rng(seed)
    centres = r.uniform(0, 1, (classes, d))
    labels = r.integers(0, classes, n)
    return np.clip(centres[labels] + 0.1 * r.standard_normal((n, d)), 0, 1), labels


class Matmul:
    """A layer that remembers its input, with the gradient written by hand."""

    def __init__(self):
        self.memory = None

    def forward(self, x, weight):
        self.memory = x
        return x @ weight


class Printed(nn.Module):
    """ReLU after every layer, the last one too; N(0, 1) weights; ones appended to the input instead of biases."""

    def __init__(self, *sizes, seed=0):
        super().__init__()
        r = rng(seed)
        for i, shape in enumerate(itertools.pairwise(sizes)):
            setattr(self, f"W{i + 1}", nn.Parameter(r.standard_normal(shape)))
        self.layers = [Matmul() for _ in range(len(sizes) - 1)]

    def forward(self, x):
        for i, layer in enumerate(self.layers):
            x = F.relu(layer.forward(x, getattr(self, f"W{i + 1}")))
        return x


def printed_loss(p, y):
    """-sum y log(p + 1e-12), straight on the ReLU output."""
    return -(y * surefit.log(p + 1e-12)).sum(dim=-1).mean()


def softmax_loss(p, y):
    return printed_loss(surefit.softmax(p, -1), y)


DEEP, SHALLOW = (785, 100, 100, 100, 10), (785, 100, 10)


@pytest.mark.parametrize("sizes", [SHALLOW, DEEP])
def test_the_printed_classes_are_named(sizes):
    x, labels = clusters(d=784)
    x, y = np.column_stack([x, np.ones(len(x))]), np.eye(10)[labels]
    net = Printed(*sizes)
    diagnosis = examine(net, x, y, loss=printed_loss)
    seen = only(diagnosis, "outputs-do-not-compete", "error")
    assert seen.number == 0.0
    assert "no floor" in seen.message
    assert "cross_entropy" in seen.cure
    only(diagnosis, "constant-inputs", "note")  # the appended ones stand for a bias

    train(net, x, y, printed_loss, lr=10.0 if sizes == SHALLOW else 0.01, until=lambda loss: loss < 0)
    later = examine(net, x, y, loss=printed_loss)
    assert only(later, "negative-loss", "error").number < 0
    only(later, "outputs-do-not-compete", "error")

    competing = examine(Printed(*sizes), x, y, loss=softmax_loss)  # the same with a softmax before the logarithm
    assert not competing.find("outputs-do-not-compete")
    assert only(competing, "outputs-compete", "ok").number == pytest.approx(0.5, abs=0.01)


def train(net, x, y, loss, lr, until, steps=60):
    optimizer = optim.SGD(net.parameters(), lr=lr)
    x, y = surefit.tensor(x).float(), surefit.tensor(y).float()
    for _ in range(steps):
        optimizer.zero_grad()
        value = loss(net(x), y)
        value.backward()
        optimizer.step()
        if until(value.item()):
            return
    raise AssertionError(f"never got there: {value.item()}")


def test_the_deep_printed_class_starts_too_large():
    x, labels = clusters(d=784)
    seen = only(
        examine(Printed(*DEEP), np.column_stack([x, np.ones(len(x))]), np.eye(10)[labels], loss=printed_loss),
        "exploding-activations",
    )
    assert 30 < seen.number < 80  # about 7 a layer: the root of half its width
    assert seen.where == "W1 to W3"


@pytest.mark.parametrize("sizes", [SHALLOW, DEEP])
def test_the_printed_classes_on_digits(shared_data, sizes):
    digits = surefit.data.mnist(shared_data("mnist"))
    images, labels = digits.test_images[:1000] / 255.0, digits.test_labels[:1000]
    x, y = np.column_stack([images.reshape(len(images), -1), np.ones(len(images))]), np.eye(10)[labels]
    only(examine(Printed(*sizes), x, y, loss=printed_loss), "outputs-do-not-compete", "error")
    fixed = examine(mlp((100,) * (len(sizes) - 2), n_in=784, n_out=10), x[:, :784], labels)
    assert fixed.ok, fixed


def test_logits_without_a_softmax_in_a_likelihood():
    x, labels = clusters()
    net = mlp((50,), n_in=64, n_out=10)
    only(examine(net, x, labels, loss=F.nll_loss), "outputs-do-not-compete", "error")
    only(examine(net, x, labels, loss=nn.NLLLoss()), "outputs-do-not-compete", "error")


def test_probabilities_that_do_not_sum_to_one():
    x, labels = clusters()
    over_rows = nn.Sequential(mlp((50,), n_in=64, n_out=10), nn.Softmax(0))
    seen = only(examine(over_rows, x, labels), "probabilities-do-not-sum-to-one", "error")
    assert seen.number == pytest.approx(10 / len(x))  # each of ten columns sums to 1
    assert "dim=-1" in seen.cure
    sigmoids = nn.Sequential(mlp((50,), n_in=64, n_out=10), nn.Sigmoid())
    seen = only(
        examine(sigmoids, x, np.eye(10)[labels], loss="binary_cross_entropy"), "probabilities-do-not-sum-to-one", "note"
    )
    assert seen.number == pytest.approx(5, abs=2)
    only(examine(sigmoids, x, np.eye(10)[labels], loss=printed_loss), "outputs-do-not-compete", "error")


def test_a_softmax_taken_twice():
    x, labels = clusters()
    net = nn.Sequential(mlp((50,), n_in=64, n_out=10), nn.Softmax(-1))
    seen = only(examine(net, x, labels, loss="cross_entropy"), "softmax-twice", "warning")
    sure = surefit.tensor(np.eye(10)[labels] * 1.0)  # the best that probabilities can do
    assert seen.number == pytest.approx(F.cross_entropy(sure, surefit.tensor(labels)).item(), rel=1e-6)


def test_much_too_sure_before_training():
    x, labels = clusters()
    net = mlp((50,), n_in=64, n_out=10)
    only(examine(net, x, labels), "worse-than-constant", "ok")
    for m in (net[0], net[2]):
        nn.init.normal_(m.weight, 0.0, 1.0, generator=0)
    seen = only(examine(net, x, labels), "worse-than-constant", "warning")
    loss = F.cross_entropy(net(surefit.tensor(x)), surefit.tensor(labels)).item()
    share = np.bincount(labels) / len(labels)
    assert seen.number == pytest.approx(loss / -(share * np.log(share)).sum(), rel=1e-4)


@pytest.mark.parametrize("sizes", [SHALLOW, DEEP])
def test_weights_that_do_not_know_how_many_inputs_they_add(sizes):
    x, labels = clusters(d=784)
    x, y = np.column_stack([x, np.ones(len(x))]), np.eye(10)[labels]
    for loss in (printed_loss, softmax_loss):
        seen = only(examine(Printed(*sizes), x, y, loss=loss), "unscaled-weights", "warning")
        assert seen.number == pytest.approx(math.sqrt(785), rel=0.01)  # N(0, 1) on 785 inputs
        assert seen.where == "W1" and "kaiming_normal_" in seen.cure
    he = mlp((100,) * (len(sizes) - 2), n_in=784, n_out=10)
    for layer in (m for m in he.modules() if isinstance(m, nn.Linear)):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=0)
    assert only(examine(he, x[:, :784], labels), "unscaled-weights", "ok").number == pytest.approx(2**0.5, rel=0.05)


def test_a_squared_error_of_outputs_that_are_all_zero_still_competes():
    x, labels = clusters()
    net = nn.Sequential(mlp((50,), n_in=64, n_out=10), nn.ReLU())
    nn.init.constant_(net[0][2].bias, -100.0)  # nothing is above its target anywhere
    only(examine(net, x, np.eye(10)[labels], loss="mse"), "outputs-compete", "ok")


def test_targets_that_broadcast_against_the_outputs():
    def careless(p, y):
        return ((p - y) ** 2).mean()

    seen = only(examine(mlp(), X, Y[:, 0], loss=careless), "shapes-broadcast", "error")
    assert seen.number == N
    for loss in (None, "mse", F.mse_loss, nn.MSELoss()):  # these refuse, so nothing is compared wrongly
        assert not examine(mlp(), X, Y[:, 0], loss=loss).find("shapes-broadcast")
    assert not examine(mlp(), X, Y, loss=careless).find("shapes-broadcast")


@pytest.mark.parametrize(
    ("last", "low", "high"),
    [(nn.ReLU(), 0, np.inf), (nn.Tanh(), -1, 1), (nn.Sigmoid(), 0, 1), (nn.Softplus(), 0, np.inf)],
)
def test_targets_out_of_reach_of_the_last_activation(last, low, high):
    net = nn.Sequential(mlp(), last)
    seen = only(examine(net, X, Y), "targets-out-of-reach", "error")
    assert seen.number == pytest.approx(np.mean((low > Y) | (high < Y)))
    only(examine(net, X, np.clip(Y, max(low, -1), min(high, 1))), "targets-out-of-reach", "ok")
    assert not examine(mlp(), X, Y).find("targets-out-of-reach")


# --- data ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "where", "number"),
    [
        (lambda x: x * [1.0, 500.0], "b", 500.0),
        (lambda x: x * 1e-3, "b", 1e-3),
        (lambda x: np.add(x, [0.0, 50.0]), "b", 50 / (1 / 3) ** 0.5),
        (lambda x: x * [1e-2, 50.0], "a", 5000.0),
    ],
)
def test_inputs_that_are_not_scaled(change, where, number):
    seen = only(examine(mlp(), change(X), Y, names=["a", "b"]), "inputs-unscaled", "warning")
    assert seen.where == where
    assert seen.number == pytest.approx(number, rel=0.1)
    only(examine(mlp(), X, Y), "inputs-unscaled", "ok")


def test_targets_that_are_not_scaled():
    x = np.linspace(-10, 10, 100)[:, None]
    y = x**4 - x**3 + x**2 - x + 1
    seen = only(examine(mlp(n_in=1), x, y), "targets-unscaled", "warning")
    assert seen.number == pytest.approx(np.abs(y).max())
    two = examine(mlp(n_out=2), X, np.column_stack([Y, 0.02 * Y]))
    assert only(two, "targets-unscaled", "warning").number == pytest.approx(50, rel=0.01)
    only(examine(mlp(), X, Y), "targets-unscaled", "ok")


def test_scaling_is_seen_where_fit_does_not_do_it():
    method = surefit.Adam(epochs=3, scale=False)
    raw = surefit.fit("1000*sin(x/100)", "x=-500:500", method=method, model=(8,), data=surefit.Sampling(count=200))
    assert only(raw.doctor(), "inputs-unscaled").number == pytest.approx(500, rel=0.01)
    assert only(raw.doctor(), "targets-unscaled").number == pytest.approx(1000, rel=0.01)
    scaled = surefit.fit("1000*sin(x/100)", "x=-500:500", method=surefit.Adam(epochs=3), model=(8,))
    only(scaled.doctor(), "inputs-unscaled", "ok")
    only(scaled.doctor(), "targets-unscaled", "ok")


def test_columns_that_say_nothing():
    x = np.column_stack([X, np.full(N, 3.0), X[:, 0]])
    diagnosis = examine(mlp(n_in=4), x, Y, names=["a", "b", "c", "d"])
    assert only(diagnosis, "constant-inputs", "warning").where == "c"
    assert "d" in only(diagnosis, "repeated-inputs", "warning").message
    healthy = examine(mlp(), X, Y)
    only(healthy, "constant-inputs", "ok")
    only(healthy, "repeated-inputs", "ok")
    border = np.pad(box(100, 64), ((0, 0), (0, 36)))  # as an image has
    only(examine(mlp(n_in=100), border, Y[:100]), "constant-inputs", "note")


def test_targets_that_do_not_vary():
    only(examine(mlp(), X, np.ones((N, 1))), "constant-targets", "error")
    only(examine(mlp(n_out=2), X, np.column_stack([Y, np.ones(N)])), "constant-targets", "warning")
    only(examine(mlp(n_out=3), X, np.full(N, 2)), "constant-targets", "error")
    only(examine(mlp(), X, Y), "constant-targets", "ok")


@pytest.mark.parametrize(
    ("text", "domain", "count"),
    [
        ("sin(x)", "x=0:2*pi*8", [8]),
        ("sin(20*x)*cos(3*y)", "x=-pi:pi, y=-pi:pi", [20, 3]),
        ("x", "x=0:1", [0]),
        ("x^2 + 1e-3*sin(1000*x)", "x=-1:1", [0.5]),  # small wiggles do not count
    ],
)
def test_oscillations_are_counted(text, domain, count):
    domain = surefit.Domain(domain)
    formula = surefit.parse(text, domain.names)
    assert oscillations(lambda x: formula.on_points(x)[:, None], domain) == pytest.approx(count, abs=0.5)


def test_turning_points():
    assert turning_points(np.array([0.0, 1.0, 0.0, 1.0]), 0.5) == 2
    assert turning_points(np.array([0.0, 1.0, 0.9, 1.1]), 0.5) == 0
    assert turning_points(np.zeros(10), 0.0) == 0


@pytest.mark.parametrize(("samples", "severity"), [(15, "error"), (35, "warning"), (200, "ok")])
def test_samples_for_each_oscillation(samples, severity):
    x = np.linspace(0, 1, samples)[:, None]
    diagnosis = examine(mlp(n_in=1), x, function=lambda x: np.sin(20 * np.pi * x), domain="x=0:1")
    seen = only(diagnosis, "undersampled", severity)
    assert seen.number == pytest.approx(samples / 10, rel=0.01)
    assert diagnosis.find("constant-targets")  # y came from the function


def test_a_fit_of_too_few_samples_is_told_so_and_a_table_is_not():
    plan = surefit.Sampling(count=100)
    fit = surefit.fit("sin(60*x)", "x=-pi:pi", data=plan, method=surefit.Adam(epochs=3), model=(8,))
    seen = only(fit.doctor(), "undersampled", "error")
    assert seen.number == pytest.approx(100 / 60, rel=0.05)
    table = surefit.fit((X, Y[:, 0]), method=surefit.Adam(epochs=3), model=(8,))
    assert not table.doctor().find("undersampled")


# --- training -----------------------------------------------------------------------------------------------

EPOCHS = np.arange(200)
NOISE = rng(5).standard_normal(200)
FALL = 10 ** (-4 * (1 - np.exp(-EPOCHS / 30)))  # falls by four decades and settles


def trained(loss, **more):
    """The diagnosis of a network with this history."""
    return examine(mlp(), X, Y, history=loss, **more)


def test_a_history_without_fault():
    for noise in (0.0, 0.05, 0.1):
        diagnosis = trained(FALL * 10 ** (noise * NOISE))
        only(diagnosis, "learning-rate-too-high", "ok")
        only(diagnosis, "progress", "ok")


def zigzag(decades, fall=1.0):
    return FALL**fall * 10 ** (decades * (-1.0) ** EPOCHS)


@pytest.mark.parametrize(
    ("loss", "severity"),
    [
        (FALL[::-1] * 1e4, "error"),  # rises from the start
        (np.where(EPOCHS < 100, FALL, FALL * 30), "note"),  # had learned, then jumped up and stayed
        (np.where(EPOCHS < 100, FALL**0.4, FALL**0.4 * 10), "warning"),
        (zigzag(0.4), "note"),
        (zigzag(0.4, fall=0.2), "warning"),
        (np.where(EPOCHS % 12 == 5, FALL * 30, FALL), "note"),
        (np.where(EPOCHS == 150, np.nan, FALL), "error"),
    ],
)
def test_a_learning_rate_that_is_too_high(loss, severity):
    seen = only(trained(loss, lr=None), "learning-rate-too-high", severity)
    assert seen.number >= 3 or seen.number == pytest.approx(10**0.8, rel=0.1) or seen.number == 151


def test_a_learning_rate_that_is_too_low():
    slow = 10 ** (-0.3 * EPOCHS / 200)
    seen = only(trained([dict(train_loss=v, lr=1e-6) for v in slow]), "learning-rate-too-low", "warning")
    assert seen.number == pytest.approx(2, rel=0.1)
    assert "3e-06" in seen.cure


def test_a_loss_that_still_falls_at_the_end():
    steady = 10 ** (-1.5 * EPOCHS / 200)
    only(trained(steady), "not-converged", "warning")
    lowered = {"train_loss": steady, "lr": np.cos(EPOCHS / 200 * np.pi / 2)}  # as the schedule means it to
    assert not trained(lowered).find("not-converged")
    very_good = 1e-5 * steady
    only(trained(very_good), "not-converged", "note")


def test_nothing_learned():
    seen = only(trained(np.full(200, Y.var()) * (1 + 0.01 * NOISE)), "nothing-learned", "error")
    assert seen.number == pytest.approx(1, rel=0.05)


def test_a_poor_fit_that_has_settled():
    seen = only(trained(0.3 * Y.var() + FALL), "progress", "note")
    assert seen.number == pytest.approx(0.3, rel=0.01)


def test_overfitting():
    rows = [dict(train_loss=a, validation_loss=max(a, 0.05), lr=1e-3) for a in FALL]
    seen = only(trained(rows), "overfitting", "warning")
    assert seen.number == pytest.approx(0.05 / FALL[-10], rel=0.1)
    close = [dict(train_loss=a, validation_loss=1.3 * a, lr=1e-3) for a in FALL]
    only(trained(close), "overfitting", "ok")
    harmless = [dict(train_loss=a * 1e-6, validation_loss=max(a * 1e-6, 1e-6), lr=1e-3) for a in FALL]
    only(trained(harmless), "overfitting", "note")
    assert not trained(FALL).find("overfitting")


def test_the_size_of_a_step():
    net = mlp((20,), "tanh")
    patient = observe(net, X, Y)
    expected = max(0.01 * np.linalg.norm(p.gradient) / np.linalg.norm(p.weight) for p in patient.layers)
    assert only(examine(net, X, Y, lr=0.01), "step-size", "ok").number == pytest.approx(expected)
    only(examine(net, X, Y, lr=10.0), "step-too-large", "warning")
    only(examine(net, X, Y, lr=1e-8), "step-too-small", "warning")
    adam = optim.Adam(net.parameters(), lr=0.5)
    rms = min(float(np.sqrt(np.mean(p.weight**2))) for p in patient.layers)
    assert only(examine(net, X, Y, lr=adam), "step-too-large").number == pytest.approx(0.5 / rms, rel=1e-4)
    only(examine(net, X, Y, lr=optim.Adam(net.parameters(), lr=1e-3)), "step-size", "ok")


def quick(method, **more):
    return surefit.fit("sin(x)", "x=-6.28:6.28", method=method, data=surefit.Sampling(count=400), **more)


@pytest.mark.slow
def test_real_runs_with_a_bad_learning_rate():
    high = quick(surefit.Adam(epochs=40, lr=0.3)).doctor()
    assert not high.ok
    assert high.find("step-too-large") or high.find("saturated-units")
    low = quick(surefit.Adam(epochs=40, lr=1e-6)).doctor()
    only(low, "learning-rate-too-low", "warning")
    unstable = quick(surefit.SGD(epochs=30, lr=0.13, batch_size=400))
    assert any(f.code in ("learning-rate-too-high", "training-broke-down") for f in unstable.doctor().problems)


def test_a_real_run_that_overfits():
    x = box(60, 5, seed=1)
    noisy = x[:, 0] + 0.5 * rng(2).standard_normal(60)
    only(surefit.fit((x, noisy), method=surefit.Adam(epochs=150)).doctor(), "overfitting", "warning")


def test_a_real_run_that_learns_nothing():
    fit = surefit.fit("sin(200*x)", "x=-3:3", method=surefit.Adam(epochs=15), model=(16,))
    diagnosis = fit.doctor()
    only(diagnosis, "nothing-learned", "error")


@pytest.mark.slow
@pytest.mark.parametrize("method", [surefit.Adam(epochs=60), "features", "auto"])
def test_a_tolerance_that_was_missed_is_no_good_health(method):
    fit = surefit.fit("abs(x)", "x=-1:1", method=method, model=(8,), tol=1e-9, time=2)
    missed = only(fit.doctor(), "tolerance-missed", "warning")
    assert missed.number == fit.error.max
    assert f"{fit.error.max / 1e-9:.3g} times the tolerance 1e-09" in missed.message
    reached = surefit.fit("abs(x)", "x=-1:1", method=method, model=(8,), tol=10.0)
    assert not reached.doctor().find("tolerance-missed")


def test_a_run_that_broke_down_says_so():
    def breaks(prediction, target):
        breaks.calls += 1
        d = ((prediction - target) ** 2).mean()
        return d * float("nan") if breaks.calls > 60 else d

    breaks.calls = 0
    fit = quick(surefit.Adam(epochs=50, loss=breaks), model=(8,))
    assert fit.warnings[0] in only(fit.doctor(), "training-broke-down", "error").message


# --- any network, and nothing is changed --------------------------------------------------------------------


class Functional(nn.Module):
    """Activations as functions."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(2, 20, generator=0), nn.Linear(20, 20, generator=1)
        self.c = nn.Linear(20, 1, generator=2)

    def forward(self, x):
        return self.c(surefit.tanh(self.b(F.relu(self.a(x)))))


class Columns(nn.Module):
    """Samples in columns, as textbooks write it."""

    def __init__(self):
        super().__init__()
        self.W1 = nn.Parameter(rng().standard_normal((20, 2)))
        self.b1 = nn.Parameter(np.zeros((20, 1)))
        self.W2 = nn.Parameter(rng(1).standard_normal((1, 20)) / 5)

    def forward(self, x):
        return (self.W2 @ surefit.sigmoid(self.W1 @ x.T + self.b1)).T


class Pictures(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(1, 4, 3, generator=0), nn.Conv2d(4, 8, 3, generator=1)
        self.f = nn.Linear(32, 3, generator=2)

    def forward(self, x):
        x = nn.MaxPool2d(2)(F.relu(self.c2(F.relu(self.c1(x)))))
        return self.f(x.reshape(len(x), -1))


class Branching(nn.Module):
    """A Python branch on a value, which no recording could follow."""

    def __init__(self):
        super().__init__()
        self.inner = mlp()

    def forward(self, x):
        return self.inner(x * 2 if float(x.detach().numpy().sum()) > 0 else x)


@pytest.mark.parametrize(
    ("net", "layers", "units"),
    [
        (Functional(), {"a": 20, "b": 20, "c": 1}, {"relu after a": 20, "tanh after b": 20}),
        (Columns(), {"W1": 20, "W2": 1}, {"sigmoid after W1": 20}),
        (
            mlp((20, 20), "silu", residual=True),
            {"0": 20, "2.module.0": 20, "3": 1},
            {"1 (SiLU)": 20, "2.module.1 (SiLU)": 20},
        ),
        (mlp((20,), norm="batch", dropout=0.3), {"0": 20, "4": 1}, {"2 (ReLU)": 20}),
        (
            Branching(),
            {"inner.0": 20, "inner.2": 20, "inner.4": 1},
            {"inner.1 (ReLU)": 20, "inner.3 (ReLU)": 20},
        ),
    ],
)
def test_layers_and_units_are_found_however_a_network_is_written(net, layers, units):
    patient = observe(net, X, Y)
    assert {p.name: p.output.shape[1] for p in patient.layers} == layers
    assert all(p.output.shape[0] == N and p.gradient.shape == p.weight.shape for p in patient.layers)
    assert [len(p.per_unit()) for p in patient.layers] == list(layers.values())
    assert {u.name: u.slope.shape[1] for u in patient.units} == units
    assert examine(net, X, Y).ok


def test_units_of_a_convolution_are_its_channels():
    x, y = rng().uniform(0, 1, (100, 1, 8, 8)), rng(1).integers(0, 3, 100)
    patient = observe(Pictures(), x, y)
    assert [(u.name, u.slope.shape) for u in patient.units] == [
        ("relu after c1", (100 * 36, 4)), ("relu after c2", (100 * 16, 8))
    ]  # fmt: skip
    assert [len(p.per_unit()) for p in patient.layers] == [4, 8, 3]
    assert examine(Pictures(), x, y).ok


def test_indices_stay_indices():
    net = nn.Sequential(nn.Embedding(10, 4, generator=0), nn.Linear(4, 1, generator=0))
    x = rng().integers(0, 10, 200)
    assert examine(net, x, x[:, None] * 0.1).ok
    assert examine(mlp(n_in=1), np.arange(-3, 4)[:, None], np.arange(7.0)[:, None]).ok  # whole numbers are numbers


def test_frozen_layers_are_seen_and_not_blamed():
    net = mlp((20, 20), "tanh")
    net[0].requires_grad_(False)
    patient = observe(net, X, Y)
    assert [(p.name, p.trained) for p in patient.layers] == [("0", False), ("2", True), ("4", True)]
    assert only(examine(net, X, Y), "gradients-by-layer", "ok").where == "2 to 4"
    assert not net[0].weight.requires_grad


def test_bias_is_part_of_a_unit():
    net = mlp((2,), "tanh")
    nn.init.constant_(net[0].weight, 0.5)
    nn.init.constant_(net[2].weight, 0.5)
    net[0].bias.assign([0.0, 1.0])  # the same weights, another place: no copies
    only(examine(net, X, Y), "identical-units", "ok")


class Stateful(nn.Module):
    """Everything that a forward pass could change."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Linear(2, 8, generator=0), nn.BatchNorm1d(8)
        self.drop, self.last = nn.Dropout(0.5, generator=0), nn.Linear(8, 1, generator=1)
        self.stream, self.rng = Generator(3), np.random.default_rng(4)
        self.calls, self.seen, self.sizes = 0, [], np.zeros(2)
        self.total = surefit.tensor(0.0)

    def forward(self, x):
        self.calls += 1
        self.seen.append(x)
        self.sizes += 1
        self.total.add_(1.0)
        with surefit.no_grad():
            self.last.bias.assign(self.last.bias * 0.5)
        noise = self.stream.uniform((len(x), 8)) + self.rng.uniform()
        return self.last(self.drop(surefit.tanh(self.norm(self.first(x) + noise))))


def snapshot(net):
    return {
        "state": {n: v.numpy().copy() for n, v in net.state_dict().items()},
        "grad": {n: None if p.grad is None else p.grad.numpy().copy() for n, p in net.named_parameters()},
        "requires_grad": [p.requires_grad for p in net.parameters()],
        "training": [m.training for m in net.modules()],
        "fields": [sorted(m.__dict__) for m in net.modules()],
    }


@pytest.mark.parametrize("mode", [True, False])
@pytest.mark.parametrize("trained_before", [True, False])
def test_the_network_is_not_changed(mode, trained_before):
    net = Stateful()
    optimizer = optim.Adam(net.parameters(), lr=0.1)  # the parameters live in its vector
    if trained_before:
        for _ in range(3):
            optimizer.zero_grad()
            F.mse_loss(net(surefit.tensor(X).float()), surefit.tensor(Y).float()).backward()
            optimizer.step()
    net.first.weight.requires_grad_(False)
    net.train(mode)
    net.drop.train()  # a flag of its own
    before, fields = snapshot(net), (net.calls, len(net.seen), net.sizes.tolist(), net.total.item())
    stream, vector = net.rng.bit_generator.state, net.parameter_vector()
    examine(net, X, Y, loss=lambda p, y: ((p - y) ** 2).mean(), history=FALL, lr=optimizer)
    after = snapshot(net)
    np.testing.assert_equal(after, before)
    assert (net.calls, len(net.seen), net.sizes.tolist(), net.total.item()) == fields
    assert net.rng.bit_generator.state == stream
    assert net.parameter_vector() is vector
    assert "forward" not in net.first.__dict__
    with pytest.raises(ShapeError):
        examine(net, X, Y[:5])
    with pytest.raises(ZeroDivisionError):
        examine(net, X, Y, loss=lambda p, y: p / (1 // 0))
    np.testing.assert_equal(snapshot(net), before)


def test_training_goes_on_as_if_nobody_had_looked():
    results = []
    for look in (False, True):
        net = nn.Sequential(
            nn.Linear(2, 8, generator=0), nn.BatchNorm1d(8), nn.Dropout(0.3, generator=1), nn.Linear(8, 1, generator=2)
        )
        optimizer = optim.Adam(net.parameters(), lr=0.01)
        x, y = surefit.tensor(X).float(), surefit.tensor(Y).float()
        for _ in range(5):
            optimizer.zero_grad()
            F.mse_loss(net(x), y).backward()
            if look:
                examine(net, X, Y)
            optimizer.step()
        results.append({n: v.numpy() for n, v in net.state_dict().items()})
    np.testing.assert_equal(*results)


# --- loaded models, the diagnosis itself, arguments ---------------------------------------------------------


@pytest.mark.parametrize("model", [(16, 16), None])
def test_a_loaded_model_is_examined_like_the_fit(tmp_path, model):
    if model is None:
        model = nn.Sequential(nn.Linear(2, 8, generator=1), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 1, generator=2))
    plan = surefit.Sampling(count=200)
    fit = surefit.fit("sin(a) - b", "a=-1:1, b=-1:1", model=model, data=plan, method=surefit.Adam(epochs=60))
    again = surefit.load(fit.save(tmp_path / "model.safetensors"))
    one, two = diagnose(fit), diagnose(again)
    assert one.ok and two.ok, f"{one}\n{two}"
    assert [(f.code, f.severity) for f in one] == [(f.code, f.severity) for f in two]
    for a, b in zip(one, two, strict=True):
        assert a.number == pytest.approx(b.number, rel=1e-3, abs=1e-6), a


def test_a_loaded_model_knows_from_its_steps_how_many_rows_it_had():
    from surefit.doctor.examine import _rows_trained_on

    rows = SimpleNamespace(train=(np.zeros((2000, 1)), None))
    made = SimpleNamespace(solved=False)
    loaded = SimpleNamespace(problem=rows, history=[{}] * 10, steps=10 * 79, method={"batch_size": 64}, made=made)
    assert _rows_trained_on(loaded) == 78 * 64 + 1
    loaded.history = []
    assert _rows_trained_on(loaded) == 2000


def test_a_diagnosis_reads_well():
    diagnosis = examine(mlp((20, 20, 20)), 1000 * X, np.ones((N, 1)), names=["length", "width"])
    text = str(diagnosis)
    lines = text.splitlines()
    assert lines[0].startswith("1 error, 1 warning; ")
    assert text.index("constant-targets") < text.index("inputs-unscaled")  # the worst first
    assert "Cure: " in text
    assert max(map(len, lines)) <= 100
    page = diagnosis._repr_html_()
    assert page.count("<tr>") == 3
    data = json.loads(json.dumps(diagnosis.to_dict(), allow_nan=False))
    assert data["ok"] is False
    assert data["findings"][0]["code"] == "constant-targets"
    assert {"code", "severity", "where", "number", "message", "cure"} == set(data["findings"][0])


def test_one_cure_stands_after_all_that_it_is_for():
    net = mlp((20, 20, 20), "tanh")
    for i in (0, 2, 4):
        nn.init.constant_(net[i].bias, 100.0)
    text = str(examine(net, X, Y))
    assert text.count("[saturated-units]") == 3
    assert text.count("Cure: scale the inputs to size 1, use smaller weights") == 1


def test_one_sentence_when_nothing_is_wrong():
    healthy = examine(mlp((20,), "tanh"), X, Y)
    assert str(healthy) == f"Nothing is wrong: {len(healthy)} things looked at, all as they should be."
    assert healthy._repr_html_().startswith("<p>Nothing is wrong")
    assert all(f.cure == "" for f in healthy)


def test_html_shows_names_as_text():
    text = Diagnosis([Finding("c", "error", "<script>", math.inf, "a < b", "x")])
    assert "<script>" not in text._repr_html_()
    assert text.findings[0].number is None


def test_wrong_arguments_are_named():
    cases = [
        (dict(network=1), ArgumentError, "network"),
        (dict(x=np.array(["a"])), ArgumentError, "x: must be numbers"),
        (dict(x=np.zeros((0, 2)), y=np.zeros((0, 1))), ShapeError, "at least one row"),
        (dict(y=Y[:3]), ShapeError, "one row for each"),
        (dict(loss="mes"), ArgumentError, "loss='mes'"),
        (dict(loss=3), ArgumentError, "loss=3"),
        (dict(loss=lambda p, y: 1.0), ArgumentError, "must return a tensor"),
        (dict(history=[]), ArgumentError, "no training losses"),
        (dict(history=["a"]), ArgumentError, "history"),
        (dict(lr=-1), ArgumentError, "lr=-1"),
        (dict(function=np.sin), ArgumentError, "function and domain"),
        (dict(names=["a"]), ArgumentError, "1 names for 2 columns"),
        (dict(y=None, function=np.sin, domain="x=0:1"), ShapeError, r"\(n, 1\)"),
    ]
    for change, error, words in cases:
        arguments = {"network": mlp(), "x": X, "y": Y, **change}
        with pytest.raises(error, match=words):
            examine(arguments.pop("network"), arguments.pop("x"), arguments.pop("y"), **arguments)
