"""Calls of a fit: what is quick gives what was slow, sees what was changed, and many threads may ask at once."""

from __future__ import annotations

import copy
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import surefit
from surefit import nn, optim
from surefit.compiler import compile_program, ready
from surefit.core.modes import no_grad
from surefit.core.program import record
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, DataError, ShapeError, SurefitError
from surefit.models import inference
from surefit.models.scaled import Scaled

pytest.importorskip("llvmlite", reason="what is tested here is compiled")
POLYNOMIAL = {"method": "polynomial"}


def quick_fit(dtype="float64", **more):
    method = surefit.Adam(epochs=2, patience=None)
    return surefit.fit("sin(x)*y + x", "x=-2:2, y=0:3", method=method, model=(9, 7), dtype=dtype, **more)


def by_hand(fit, x):
    """The same perceptron in NumPy, from its weights as they are now."""
    m = fit.model
    h = ((x - m.x_shift.numpy()) / m.x_scale.numpy()).astype(m.dtype)
    layers = [l for l in m.network.modules() if isinstance(l, nn.Linear)]
    for i, layer in enumerate(layers):
        h = h @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
        h = np.tanh(h) if i < len(layers) - 1 else h
    return (h.astype(float) * m.y_scale.numpy() + m.y_shift.numpy())[:, 0]


X = np.random.default_rng(0).uniform([-2, 0], [2, 3], (600, 2))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_point_a_row_and_a_batch_have_the_bits_of_the_strict_program(dtype):
    fit = quick_fit(dtype)

    def values(x):
        with no_grad():
            return fit.model(x)

    program = compile_program(record(values, Tensor(X[:8])), "strict")
    want = np.concatenate([program.run([X[i : i + 8]])[0][0] for i in range(0, 600, 8)])[:, 0]
    assert np.array_equal(fit.predict(X), want)
    assert [fit(*row) for row in X[:20].tolist()] == want[:20].tolist()
    assert [fit(y=row[1], x=row[0]) for row in X[:5]] == want[:5].tolist()
    assert [fit(*row) for row in X[:5]] == want[:5].tolist()
    assert [fit.predict(X[i : i + 1])[0] for i in range(20)] == want[:20].tolist()
    assert [fit.predict([list(row)])[0] for row in X[:5].tolist()] == want[:5].tolist()
    assert fit(1, 2) == fit.predict([[1, 2]])[0] == fit.predict(np.array([[1, 2]]))[0] == fit(1.0, 2.0)
    assert type(fit(1, 2)) is float and fit.predict([[1, 2]]).shape == (1,)
    np.testing.assert_allclose(want, by_hand(fit, X), rtol=1e-4 if dtype == "float32" else 1e-11, atol=1e-5)


def test_several_outputs_and_classes_keep_their_shapes():
    fit = surefit.fit(["sin(x)", "cos(x)"], "x=-1:1", **POLYNOMIAL)
    assert fit(0.5).shape == (2,) and fit.predict([[0.5]]).shape == (1, 2)
    np.testing.assert_allclose(fit(0.5), [np.sin(0.5), np.cos(0.5)], atol=0.05)
    assert np.array_equal(fit(0.5), fit(np.array([0.5]))[0]) and np.array_equal(fit.predict([[0.5]])[0], fit(0.5))
    assert fit.derivative([[0.5]]).shape == (1, 2, 1)
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, 60)
    method = surefit.Adam(epochs=2)
    table = {"x": x, "way": np.where(x > 0, "up", "down")}
    sorted_out = surefit.fit(table, task="classify", method=method, model=(4,))
    assert str(sorted_out(0.5)) in ("up", "down") and sorted_out.predict([[0.5]]).tolist() == [sorted_out(0.5)]


def test_every_check_is_still_made():
    fit = surefit.fit("x + y", "x=0.1:1:log, y=0:1", **POLYNOMIAL)
    with pytest.raises(ArgumentError, match="takes x, y; got 1"):
        fit(0.5)
    with pytest.raises(ArgumentError, match="takes x, y"):
        fit(0.5, 0.5, 0.5)
    with pytest.raises(ShapeError, match="needed"):
        fit.predict([[0.5]])
    with pytest.raises(ShapeError, match="one point is"):
        fit.predict(np.array([0.5, 0.5]))
    with pytest.raises(DataError):
        fit.predict([["a", "b"]])
    for wrong in (lambda: fit(-1.0, 0.5), lambda: fit.predict([[0.0, 0.5]]), lambda: fit.derivative([[-1.0, 0.5]])):
        with pytest.raises(DataError, match="logarithmic input must be above 0"):
            wrong()
    for nothing in (fit.predict(np.zeros((0, 2))), fit.derivative(np.zeros((0, 2)))):
        assert nothing.shape[0] == 0


@pytest.mark.parametrize("call", [
    lambda fit: fit(3.0), lambda fit: fit.predict([[3.0]]), lambda fit: fit.predict(np.array([[np.nan]])),
    lambda fit: fit.derivative(np.array([[3.0]])), lambda fit: fit.predict(np.array([[0.0], [3.0]])),
])  # fmt: skip
def test_outside_the_domain_is_said_once_also_after_points_inside(call):
    fit = surefit.fit("x^2", "x=-1:1", **POLYNOMIAL)
    fit(0.5), fit.predict([[0.5]]), fit.derivative([[0.5]])
    with pytest.warns(surefit.OutsideWarning):
        call(fit)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        call(fit)
    assert np.isnan(fit(float("nan")))


def everything(fit, x):
    """Values in all ways of asking."""
    return [
        *fit.predict(x), *(fit.predict(x[i : i + 1])[0] for i in range(3)), *(fit(*r) for r in x[:3].tolist()),
    ]  # fmt: skip


def double(fit):
    fit.network.load_state_dict({n: 2 * t.numpy() for n, t in fit.network.state_dict().items()})


def train(fit):
    optimizer = optim.SGD(fit.network.parameters(), lr=1e-3)
    (fit.network(Tensor(X[:9], fit.dtype)) ** 2).mean().backward()
    optimizer.step()


def train_a_part(fit):
    last = [m for m in fit.network.modules() if isinstance(m, nn.Linear)][-1]
    optimizer = optim.Adam(last.parameters(), lr=1e-2)  # takes these two out of the vector that held all
    (fit.network(Tensor(X[:9], fit.dtype)) ** 2).mean().backward()
    optimizer.step()


def replace_a_weight(fit):
    layer = next(m for m in fit.network.modules() if isinstance(m, nn.Linear))
    layer.weight = nn.Parameter(np.ones(layer.weight.shape, fit.dtype))


def rescale(fit):
    fit.model.y_scale.assign(fit.model.y_scale.numpy() * 3)


def edit(fit):
    next(iter(fit.network.parameters())).data[0, 0] = 0.7


def another_model(fit):
    twin = copy.deepcopy(fit.model)
    rescale_of = twin.y_shift.numpy() + 1
    twin.y_shift.assign(rescale_of)
    fit.model = twin


CHANGES = [double, train, train_a_part, replace_a_weight, rescale, edit, another_model]


@pytest.mark.slow
@pytest.mark.parametrize("first", CHANGES)
def test_what_is_changed_of_the_model_counts_at_once(first):
    fit = quick_fit()
    for change in (lambda fit: None, first, train_a_part, double, edit):
        before = fit.predict(X)
        everything(fit, X[:300])
        change(fit)
        want = by_hand(fit, X[:300])
        got = everything(fit, X[:300])
        np.testing.assert_allclose(got, [*want, *want[:3], *want[:3]], rtol=1e-9, atol=1e-11)
        assert change.__name__ == "<lambda>" or not np.array_equal(fit.predict(X), before)


def test_a_layer_that_is_replaced_or_widened_to_float64_counts():
    layers = nn.Sequential(nn.Linear(2, 5, generator=0), nn.Tanh(), nn.Linear(5, 1, generator=1))
    fit = surefit.fit("x + y", "x=0:1, y=0:1", model=layers, method=surefit.Adam(epochs=1))
    x = np.abs(X[:5]) / 4
    before = fit.predict(x)
    fit.network[2] = nn.Linear(5, 1, generator=7)
    np.testing.assert_allclose(everything(fit, x)[:5], by_hand(fit, x), rtol=1e-4, atol=1e-6)
    assert not np.allclose(fit.predict(x), before)
    fit.network[1] = nn.ReLU()
    h = inference.evaluate(fit.model, x)[:, 0]
    np.testing.assert_allclose(fit.predict(x), h, rtol=1e-4, atol=1e-6)
    assert fit(*x[0].tolist()) == fit.predict(x)[0]


@pytest.mark.parametrize("ask", ["point", "row", "batch", "gradients"])
def test_threads_may_ask_at_once_while_the_weights_change(ask, monkeypatch):
    monkeypatch.setattr("surefit.cores.cores", lambda: 3)
    monkeypatch.setattr(ready, "WORTH", 0.0)
    monkeypatch.setattr(inference, "PATIENT", (0, 0))
    fit = quick_fit("float32")
    x = np.concatenate([X] * 10)
    calls = {
        "point": lambda: np.array([fit(*row) for row in X[:100].tolist()]),
        "row": lambda: np.concatenate([fit.predict(X[i : i + 1]) for i in range(100)]),
        "batch": lambda: fit.predict(x),
        "gradients": lambda: fit.derivative(x),
    }
    call = calls[ask]
    wants = [call()]
    own = fit.network.state_dict()
    one, two = ({n: k * t.numpy() for n, t in own.items()} for k in (1, 2))
    fit.network.load_state_dict(two)
    wants.append(call())
    assert not np.array_equal(*wants)
    with ThreadPoolExecutor(4) as pool:
        for weights, want in ((one, wants[0]), (two, wants[1])):
            fit.network.load_state_dict(weights)
            assert all(np.array_equal(y, want) for y in pool.map(lambda _: call(), range(8)))


def test_the_number_of_threads_changes_no_bit_and_few_blocks_are_right(monkeypatch):
    fit = quick_fit("float32")
    x = np.concatenate([X] * 12)
    want = fit.predict(x)
    monkeypatch.setattr(ready, "WORTH", 0.0)
    for cores in (1, 2, 5):
        monkeypatch.setattr("surefit.cores.cores", lambda cores=cores: cores)
        assert np.array_equal(fit.predict(x), want)
        for n in (2, 255, 256, 257, 1024, 1025, 1281, 1537):
            assert np.array_equal(fit.predict(x[:n]), want[:n])


def test_an_arena_belongs_to_one_run_at_a_time():
    fit = quick_fit()
    fit(0.5, 0.5)
    values = fit._inference._single["values"]
    desk = values._take()  # a call that is not over yet, in this very thread
    assert fit(0.5, 0.5) == fit.predict([[0.5, 0.5]])[0]
    desk.put(desk.first, 0, 0.1, 0.1)
    other = fit(1.0, 1.0)
    desk.step(desk.address)
    assert desk.values.tolist()[0] == fit(0.1, 0.1) != other


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_are_the_same_before_and_after_they_are_compiled(dtype, monkeypatch):
    fit = quick_fit(dtype)
    eager, one = fit.derivative(X), fit.derivative(X[:1])
    assert not any(what == "gradients" for what, _ in fit._inference._ready)
    monkeypatch.setattr(inference, "PATIENT", (0, 0))
    compiled, at_one = fit.derivative(X), fit.derivative(X[:1])
    assert {rows for what, rows in fit._inference._ready if what == "gradients"} == {1, inference.GRADIENTS}
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(compiled, eager, rtol=0, atol=tolerance)
    np.testing.assert_allclose(at_one, one, rtol=0, atol=tolerance)
    assert np.array_equal(compiled[:1], at_one) and np.array_equal(fit.derivative(X[:70]), compiled[:70])
    assert np.array_equal(fit.derivative(X[:1]), at_one)  # which is ready now
    if dtype == "float64":
        h = 1e-6
        for j in range(2):
            step = h * np.eye(2)[j]
            x = X[(X > [-1.9, 0.1]).all(1) & (X < [1.9, 2.9]).all(1)]
            slope = (fit.predict(x + step) - fit.predict(x - step)) / (2 * h)
            np.testing.assert_allclose(fit.derivative(x)[:, j], slope, atol=1e-7)
    value, gradient = fit.value_and_grad(X[0])
    assert value == fit(*X[0]) and np.array_equal(gradient, at_one[0])
    double(fit)
    again = fit.derivative(X)
    monkeypatch.setattr(inference, "PATIENT", (10**9, 10**9))
    np.testing.assert_allclose(again, copy.deepcopy(fit).derivative(X), rtol=0, atol=20 * tolerance)


def test_one_gradient_is_not_worth_compiling_and_many_are():
    fit = surefit.fit("x^2", "x=-1:1", **POLYNOMIAL)

    def compiled():
        return any(what == "gradients" for what, _ in fit._inference._ready)

    for _ in range(inference.PATIENT[0]):
        fit.derivative([[0.5]])
    assert not compiled()
    fit.derivative([[0.5]])
    assert compiled()


class Chosen(nn.Module):
    """A network with a table in it, whose index can lie outside."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(3, 1, dtype="float64", generator=0)

    def forward(self, x):
        return self.table(surefit.floor(x[:, 0]).to("int64"))


def test_an_error_inside_is_that_of_the_eager_call_and_nothing_stays_broken():
    model = Scaled(Chosen(), [0.0], [1.0], [0.0], [1.0], "float64")
    run = inference.Inference(model, 1)
    x = np.array([[0.5], [1.5], [2.5]])
    good = run(x)
    assert run.how == "compiled, strict"
    assert np.array_equal(good, model(Tensor(x)).detach().numpy())
    bad = np.full((3000, 1), 7.5)
    for wrong in (bad[:1], bad[:5], bad):
        with pytest.raises(SurefitError, match="index 7 is out of range"):
            run(wrong)
    assert np.array_equal(run(x), good) and run.point([1.5]) == good[1].tolist()


def test_copies_and_pickles_have_values_of_their_own():
    fit = quick_fit()
    want = fit(0.5, 0.5)
    for twin in (copy.copy(fit), copy.deepcopy(fit), pickle.loads(pickle.dumps(fit))):  # noqa: S301
        assert twin(0.5, 0.5) == want
    twin = copy.deepcopy(fit)
    double(twin)
    assert twin(0.5, 0.5) != want == fit(0.5, 0.5)


def test_a_model_that_nobody_has_any_more_is_freed():
    import gc
    import weakref

    fit = quick_fit()
    x = np.random.default_rng(0).uniform(0, 1, (500, 2))
    for _ in range(20):
        fit.predict(x)
    inference.values_of(fit.model)(x)
    gone = weakref.ref(fit.model)
    before = len(inference._known)
    del fit
    gc.collect()
    assert gone() is None
    assert len(inference._known) < before
