"""What an MLPSpec can say: an activation for each layer, no bias, other initial weights; and what then must be true."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.errors import ArgumentError
from surefit.models.spec import INITS, MLPSpec

QUICK = dict(method=surefit.Adam(epochs=3, patience=None), data=surefit.Sampling(count=60))


def test_each_layer_may_have_an_activation_of_its_own():
    fit = surefit.fit("sin(x)", "x=-3:3", model=MLPSpec((5, 4), ("relu", "sin")), dtype="float64", **QUICK)
    w1, b1, w2, b2, w3, b3 = (p.detach().numpy() for p in fit.network.parameters())
    x = np.linspace(-1, 1, 9)[:, None]  # in the units of the network
    hidden = np.sin(np.maximum(x @ w1.T + b1, 0) @ w2.T + b2)
    with surefit.no_grad():
        found = fit.network(surefit.tensor(x, dtype="float64")).numpy()
    np.testing.assert_allclose(found, hidden @ w3.T + b3, rtol=1e-12)


def test_without_bias_an_odd_activation_makes_an_odd_function_and_relu_is_homogeneous():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 2))
    odd = MLPSpec((6, 6), "tanh", bias=False).build(2, 1, rng, "float64")
    rays = MLPSpec((6, 6), "relu", bias=False).build(2, 1, rng, "float64")
    assert len(list(odd.parameters())) == 3
    with surefit.no_grad():
        value = {k: n(surefit.tensor(s * x)).numpy() for n, k, s in [(odd, "a", 1), (odd, "b", -1)]}
        grown = {s: rays(surefit.tensor(s * x)).numpy() for s in (1.0, 3.0)}
    np.testing.assert_allclose(value["b"], -value["a"], rtol=1e-12)
    np.testing.assert_allclose(grown[3.0], 3 * grown[1.0], rtol=1e-12)


@pytest.mark.parametrize("init, deviation", [("glorot", (2 / 96) ** 0.5), ("he", (2 / 64) ** 0.5), ("small", 0.01)])
def test_initial_weights_have_the_deviation_of_their_papers(init, deviation):
    network = MLPSpec((64, 32), "relu", init=init).build(3, 1, np.random.default_rng(1), "float64")
    middle = [m for m in network.modules() if isinstance(m, nn.Linear)][1]
    assert np.std(middle.weight.detach().numpy()) == pytest.approx(deviation, rel=0.1)
    assert not np.any(middle.bias.detach().numpy())


def test_from_zeros_no_unit_ever_differs_from_another():
    fit = surefit.fit("x^2", "x=-1:1", model=MLPSpec((7,), "tanh", init="zeros"), **QUICK)
    weight = fit.network.state_dict()["0.weight"].numpy()
    assert np.ptp(weight) == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("spec", [MLPSpec((4, 3), ("tanh", "relu")), MLPSpec((4,), "tanh", bias=False)])
def test_such_networks_are_kept_in_files_and_reports(spec, tmp_path):
    fit = surefit.fit("sin(x)", "x=-3:3", model=spec, **QUICK)
    again = surefit.load(fit.save(tmp_path / "model.surefit"))
    x = np.linspace(-3, 3, 11)
    np.testing.assert_array_equal(again.predict(x), fit.predict(x))
    assert again.network.settings() == fit.network.settings()
    assert fit.report(tmp_path / "report.html").stat().st_size > 1000
    built = nn.MLP(**fit.network.settings(), generator=0)
    assert [type(m) for m in built.modules()] == [type(m) for m in fit.network.modules()]


def test_what_does_not_fit_is_said():
    with pytest.raises(ArgumentError, match="3 activations for 2 hidden layers"):
        surefit.fit("x", "x=0:1", model=MLPSpec((4, 4), ("tanh",) * 3), **QUICK)
    with pytest.raises(ArgumentError, match="tanh"):
        surefit.fit("x", "x=0:1", model=MLPSpec((4, 4), ("tanh", "tanhh")), **QUICK)
    with pytest.raises(ArgumentError, match="glorot"):
        surefit.fit("x", "x=0:1", model=MLPSpec((4,), init="xavier"), **QUICK)
    with pytest.raises(ArgumentError, match="bias"):
        surefit.fit("x", "x=0:1", model=MLPSpec((4,), "tanh", bias=False), method="features")
    assert "glorot" in INITS


@pytest.mark.parametrize("widths", [(10_000_000,), (100_000, 100_000), (3, 10**9, 3)])
@pytest.mark.parametrize("method", ["auto", "features", "lm", "adam"])
def test_a_network_that_does_not_fit_into_memory_is_refused_before_it_is_built(widths, method, own_time):
    with own_time() as seconds, pytest.raises(ArgumentError, match=r"model: .*(memory|parameters)"):
        surefit.fit("sin(x)", "x=-1:1", model=widths, method=method)
    assert seconds[0] < 5


@pytest.mark.slow
def test_the_command_line_says_the_same(tmp_path, monkeypatch):
    from surefit.cli.app import run

    monkeypatch.chdir(tmp_path)
    words = "fit sin(x) --on x=-3:3 --hidden 4,3 --activation tanh,relu --no-bias --init he --epochs 2 --num 30 -q"
    assert run([*words.split(), "--out", "d"]) == 0
    settings = surefit.load("d").network.settings()
    assert settings["activation"] == ["tanh", "relu"] and settings["bias"] is False


# --- Modules ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [surefit.Adam(epochs=3), "lm", "features"], ids=["adam", "lm", "features"])
@pytest.mark.parametrize("activation", [nn.Tanh(), (nn.Tanh(),), nn.Softplus(2.0)], ids=repr)
def test_a_module_is_an_activation_like_a_name(method, activation, tmp_path):
    """Tanh as a Module is tanh by name; others are saved, loaded and written as they are."""
    x = np.linspace(-1, 1, 40)
    given = dict(method=method, seed=0)
    fit = surefit.fit((x, np.sin(3 * x)), model=MLPSpec((4,), activation), **given)
    if not isinstance(activation, nn.Softplus):
        by_name = surefit.fit((x, np.sin(3 * x)), model=MLPSpec((4,), "tanh"), **given)
        np.testing.assert_array_equal(fit.predict(x), by_name.predict(x))
    again = surefit.load(fit.save(tmp_path / "m.safetensors"))
    np.testing.assert_allclose(again.predict(x), fit.predict(x), rtol=1e-6, atol=1e-7)
    assert pickle.loads(pickle.dumps(fit))(0.5) == fit(0.5)  # noqa: S301
    assert fit.export(tmp_path / "m.py", verify=20).compared.ulp < 1000


def test_each_network_has_an_activation_of_its_own():
    spec = MLPSpec((4, 3), nn.PReLU())
    one, other = (spec.build(1, 1, np.random.default_rng(0), np.float32) for _ in range(2))
    assert not {id(p) for p in one.parameters()} & {id(p) for p in other.parameters()}


def test_features_are_not_placed_where_there_is_no_bend():
    with pytest.raises(ArgumentError, match="smooth or kinked"):
        surefit.fit("x", "x=0:1", method="features", model=MLPSpec((4,), nn.Identity()))
