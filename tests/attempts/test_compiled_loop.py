"""Compiled training in `fit`: the same run as the eager one, said on the card, stopped by the same things."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

import surefit
from surefit import nn
from surefit.attempts.compiled_loop import _loop as loop_of
from surefit.attempts.training import Training
from surefit.core.creation import from_numpy
from surefit.errors import ArgumentError, NotFiniteError, RecordError
from surefit.models.scaled import scaled
from surefit.problems.posing import pose

TARGET, DOMAIN = "sin(3*x) + y", {"x": (-1, 1), "y": (0, 1)}
SMALL = dict(model=(8,), data=surefit.Sampling(count=90), dtype="float64")
NUMBERS = ("epoch", "train_loss", "validation_loss", "lr")


def both(method, **options):
    """The same fit eager and compiled."""
    options = {**SMALL, **options}
    return tuple(surefit.fit(TARGET, DOMAIN, method=method, jit=jit, **options) for jit in (False, True))


@pytest.mark.parametrize(
    "method",
    [
        surefit.Adam(epochs=12, batch_size=16),
        surefit.Adam(epochs=12, batch_size=16, schedule="onecycle", clip_norm=0.5),
        surefit.SGD(epochs=12, batch_size=32, schedule="plateau", nesterov=True),
        surefit.AdamW(epochs=12, loss="huber"),
        surefit.RMSprop(epochs=12, batch_size=7, schedule="step", best_weights=False),
        surefit.Adam(epochs=40, lr=0.5, patience=4),
    ],
    ids=["cosine", "onecycle", "plateau", "full batch", "last weights", "patience"],
)
def test_the_same_epochs_as_eager(method):
    eager, native = both(method)
    assert len(eager.history) == len(native.history) and eager.stop_reason == native.stop_reason
    assert (eager.steps, eager.best_epoch) == (native.steps, native.best_epoch)
    for a, b in zip(eager.history, native.history, strict=True):
        np.testing.assert_allclose([b[k] for k in NUMBERS], [a[k] for k in NUMBERS], rtol=1e-7)
    x = np.random.default_rng(0).uniform(0, 1, (20, 2))
    np.testing.assert_allclose(native.predict(x), eager.predict(x), rtol=1e-6, atol=1e-9)


def test_weights_and_gradients_train_the_same():
    options = dict(
        data=surefit.Sampling(count=60, weights=lambda x, y: 1 + x[:, 0] ** 2, derivatives=True),
    )
    eager, native = both(surefit.Adam(epochs=6, batch_size=16), **options)
    for a, b in zip(eager.history, native.history, strict=True):
        np.testing.assert_allclose([b[k] for k in NUMBERS], [a[k] for k in NUMBERS], rtol=1e-7)


def test_dropout_and_batch_normalisation_train_the_same():
    def network():
        g = np.random.default_rng(3)
        return nn.Sequential(
            nn.Linear(2, 12, dtype="float64", generator=g), nn.BatchNorm1d(12, dtype="float64"), nn.ReLU(),
            nn.Dropout(0.2, generator=5), nn.Linear(12, 1, dtype="float64", generator=g),
        )  # fmt: skip

    fits = [
        surefit.fit(
            TARGET, DOMAIN, method=surefit.Adam(epochs=8, batch_size=16), jit=jit, **{**SMALL, "model": network()}
        )
        for jit in (False, True)
    ]
    for a, b in zip(fits[0].history, fits[1].history, strict=True):
        np.testing.assert_allclose([b[k] for k in NUMBERS], [a[k] for k in NUMBERS], rtol=1e-7)


def test_one_seed_gives_one_result():
    def once():
        fit = surefit.fit(TARGET, DOMAIN, method=surefit.Adam(epochs=9, batch_size=16), jit=True, **SMALL)
        return np.concatenate([p.detach().numpy().reshape(-1) for p in fit.network.parameters()])

    assert np.array_equal(once(), once())


def test_events_are_those_of_the_eager_run():
    def events(jit, passive):
        heard = []

        def listen(event):
            heard.append(event)

        listen.passive = passive
        surefit.fit(TARGET, DOMAIN, method=surefit.Adam(epochs=7), callbacks=[listen], jit=jit, **SMALL)
        return [
            (type(e).__name__, getattr(e, "epoch", 0), getattr(e, "step", 0), getattr(e, "best", None)) for e in heard
        ]

    assert events(False, False) == events(True, False) == events(True, True)


def test_a_callback_sees_the_weights_of_its_epoch_and_stops_there():
    network = nn.MLP(2, (6,), 1, generator=np.random.default_rng(0), dtype="float64")
    seen = []

    def listen(event):
        if isinstance(event, surefit.Epoch):
            seen.append(network.state_dict())
            return event.epoch == 5
        return None

    options = {**SMALL, "model": network}
    fit = surefit.fit(TARGET, DOMAIN, method=surefit.Adam(epochs=50), callbacks=[listen], jit=True, **options)
    assert len(fit.history) == len(seen) == 5 and fit.stop_reason == "stopped by a callback"
    first = [next(iter(s.values())) for s in seen]
    assert all(not np.array_equal(a, b) for a, b in itertools.pairwise(first))


def test_a_tolerance_ends_it():
    fit = surefit.fit("x", "x=-1:1", tol=0.2, method=surefit.Adam(epochs=3000), model=(8,), jit=True)
    assert fit.reached and len(fit.history) < 3000 and fit.stop_reason == "the tolerance was reached"


def test_time_ends_it_and_the_history_has_an_epoch():
    fit = surefit.fit(TARGET, DOMAIN, time=0.2, method=surefit.Adam(epochs=10**6), jit=True, model=(64, 64))
    assert fit.history and "0.2 s used up" in fit.stop_reason
    assert np.isfinite(fit.error.max)


def test_what_is_not_finite_says_the_same_as_eager():
    messages = []
    for jit in (False, True):
        with pytest.raises(NotFiniteError) as caught:
            surefit.fit("x", "x=-1:1", method=surefit.SGD(lr=1e200, epochs=500), jit=jit, model=(4,))
        messages.append(str(caught.value))
    assert all("Likely cause: a learning rate that is too high" in m for m in messages)


def test_the_card_says_how_it_was_trained():
    eager, native = both(surefit.Adam(epochs=3))
    assert eager.compile_seconds is None and "compiling" not in eager.card()
    assert 0 < native.compile_seconds < native.seconds and "s of compiling" in native.card()
    assert surefit.fit(TARGET, DOMAIN, method=surefit.Adam(epochs=3), **SMALL).compile_seconds is None  # too short
    long = surefit.fit(TARGET, DOMAIN, method=surefit.Adam(epochs=200, batch_size=16), **SMALL)
    assert long.compile_seconds is not None


class Branching(nn.Module):
    """A network that looks at its values, which no recording can."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(2, 1, dtype="float64")

    def forward(self, x):
        y = self.inner(x)
        return y if float(y.sum().item()) > 0 else y * 2


def test_what_does_not_record_is_trained_without_the_compiler_and_says_so():
    method = surefit.Adam(epochs=200, batch_size=16)
    options = {**SMALL, "model": Branching()}
    fit = surefit.fit(TARGET, DOMAIN, method=method, **options)
    assert any("without the compiler" in w for w in fit.warnings)
    assert fit.inference.startswith("NumPy: ") and np.isfinite(fit.predict([[0.1, 0.2]])).all()
    with pytest.raises(RecordError):
        surefit.fit(TARGET, DOMAIN, method=method, jit=True, **options)


def test_values_do_not_depend_on_how_many_are_asked_for(tmp_path):
    fit = surefit.fit(TARGET, DOMAIN, method=surefit.Adam(epochs=3), model=(9, 7))
    assert fit.inference == "compiled, strict"
    x = np.random.default_rng(1).uniform(0, 1, (300, 2))
    y = fit.predict(x)
    assert np.array_equal(y[:5], [fit.predict(x[i : i + 1])[0] for i in range(5)])
    assert np.array_equal(y[:270], fit.predict(x[:270]))
    loaded = surefit.load(fit.save(tmp_path / "m.safetensors") or tmp_path / "m.safetensors")
    assert np.array_equal(loaded.predict(x), y)


@pytest.mark.slow
def test_values_without_llvmlite(monkeypatch):
    import copy

    import surefit.compiler.engine as engine
    from surefit.errors import MissingExtraError

    fit = surefit.fit(TARGET, DOMAIN, method=surefit.Adam(epochs=3), model=(9,))
    x = np.random.default_rng(1).uniform(0, 1, (30, 2))
    y = fit.predict(x)

    def missing():
        raise MissingExtraError("compiling needs llvmlite: pip install llvmlite")

    monkeypatch.setattr(engine, "_binding", missing)
    engine.target.cache_clear()
    fit = copy.deepcopy(fit)  # whose model nobody has compiled
    assert fit.inference.startswith("NumPy: compiling needs llvmlite")
    np.testing.assert_allclose(fit.predict(x), y, rtol=1e-5, atol=1e-6)
    eager = surefit.fit(TARGET, DOMAIN, method=surefit.Adam(epochs=200, batch_size=16), **SMALL)
    assert any("llvmlite" in w for w in eager.warnings)


def test_an_interrupt_within_a_chunk_of_epochs_leaves_a_history_that_can_be_drawn():
    class Passive:
        passive = True

        def __call__(self, event):
            if isinstance(event, surefit.Epoch):
                raise KeyboardInterrupt

    method = surefit.Adam(epochs=200, batch_size=16)
    fit = surefit.fit(TARGET, DOMAIN, method=method, jit=True, callbacks=Passive(), **SMALL)
    assert fit.interrupted and len(fit.history) == 1
    assert fit.best_epoch is None  # the weights are those of an epoch whose losses were not written down
    assert fit.plot("loss").axes


# --- several at once ---


@pytest.mark.slow
def test_restarts_of_a_solver_keep_the_network_of_the_smallest_error():
    arguments = dict(method=surefit.LM(iterations=40), model=(6,), data=surefit.Sampling("uniform", 30))
    for target, domain in (("max(x, y)", "x=-1:1, y=-1:1"), ("abs(x)", "x=-1:1")):
        members = surefit.ensemble(target, domain, members=4, **arguments).fits
        best = surefit.fit(target, domain, restarts=4, **arguments)
        assert best.restarts == [f.error.max for f in members]
        assert best.error.max == min(best.restarts) < max(best.restarts)


def test_restarts_of_a_solver_on_a_table_are_judged_where_they_were_not_fitted():
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, 60)
    data = (x, np.sin(3 * x) + 0.3 * rng.normal(size=60))
    members = surefit.ensemble(data, members=4, method="features").fits
    best = surefit.fit(data, restarts=4, method="features")
    assert best.seed == members[int(np.argmin([f.score for f in members]))].seed
    assert best.restarts == [f.score for f in members]
    assert best.score == min(best.restarts)


@pytest.mark.slow
def test_restarts_keep_the_best():
    method = surefit.Adam(epochs=30, batch_size=16)
    alone = surefit.fit(TARGET, DOMAIN, method=method, **SMALL)
    best = surefit.fit(TARGET, DOMAIN, method=method, restarts=4, **SMALL)
    assert len(best.restarts) == 4
    assert min(best.restarts) == best.error.max <= alone.error.max == best.restarts[0]  # judged as all candidates are
    assert "the best of 4 networks" in best.card()


@pytest.mark.slow
def test_members_of_an_ensemble_are_the_fits_of_their_seeds():
    method = surefit.Adam(epochs=5)
    group = surefit.ensemble(TARGET, DOMAIN, members=3, method=method, seed=4, **SMALL)
    assert len(group) == 3 and group.fits[0].seed == 4 and len({f.seed for f in group.fits}) == 3
    alone = surefit.fit(TARGET, DOMAIN, method=method, seed=4, **SMALL)
    x = np.array([[0.1, 0.2], [-0.5, 0.9]])
    assert np.array_equal(group.fits[0].predict(x), alone.predict(x))
    mean, spread = group.predict(x, return_std=True)
    values = [f.predict(x) for f in group.fits]
    np.testing.assert_allclose(mean, np.mean(values, axis=0))
    np.testing.assert_allclose(spread, np.std(values, axis=0, ddof=1))
    np.testing.assert_allclose(group.spread(x), spread)
    assert "ensemble of 3 fits" in str(group)


def test_callbacks_hear_of_the_first_network_only():
    heard = []
    surefit.fit(TARGET, DOMAIN, method=surefit.Adam(epochs=4), restarts=3, callbacks=[heard.append], **SMALL)
    assert [e.epoch for e in heard if isinstance(e, surefit.Epoch)] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: surefit.fit("x", "x=-1:1", restarts=0), "restarts=0"),
        (lambda: surefit.fit("x", "x=-1:1", restarts=2, model=nn.Linear(1, 1)), "trained only once"),
        (lambda: surefit.ensemble("x", "x=-1:1", members=1), "members=1"),
        (lambda: surefit.ensemble("x", "x=-1:1", epochs=3), "no argument 'epochs'"),
    ],
)
def test_wrong_arguments(call, words):
    with pytest.raises(ArgumentError, match=words):
        call()


def test_an_error_in_one_of_several_is_raised():
    with pytest.raises(NotFiniteError):
        surefit.fit("x", "x=-1:1", method=surefit.SGD(lr=1e200, epochs=5), model=(4,), restarts=3)


def training_of(rows, loss="mse", weights=None):
    """A training of a small network with so many validation rows, of a table of noise."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(rows, 5)), rng.normal(size=(rows, 1))
    problem = pose(
        (np.vstack([x[:100], x]), np.vstack([y[:100], y])), None, surefit.Sampling(split=(0.5, 0.5, 0)), 0, False, None
    )
    few, many = (x[:100], y[:100]), (x, y)
    problem = replace(problem, train=few, validation=many, weights=None, validation_weights=weights)
    network = nn.MLP(5, (32, 32), 1, "tanh", generator=rng)
    return Training(scaled(network, problem, True, np.float32), problem, surefit.Adam(epochs=1, loss=loss))


@pytest.mark.parametrize("loss", ["mse", "huber", "l1"])
def test_many_validation_rows_are_looked_at_in_blocks(loss):
    rows = 40_000
    weights = np.random.default_rng(1).uniform(size=rows)
    run = training_of(rows, loss, weights)
    columns = [None if c is None else from_numpy(c) for c in run.validation_columns]
    whole = float(run.loss_of(*columns).item())
    assert run.validate() == pytest.approx(whole, rel=1e-6)


def test_the_memory_of_validation_is_that_of_a_block():
    """Of a million rows a layer of 64 units held 25 MB for each tenth of the rows as long as training went on."""
    size = {rows: loop_of(training_of(rows)).validation.arena.bytes.nbytes for rows in (10_000, 60_000)}
    held = 60_000 * 6 * 4  # the rows themselves
    assert size[60_000] - held < 1.5 * size[10_000]
