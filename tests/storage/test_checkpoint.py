"""Fits that are killed and go on: the oracle is the same fit without a stop, of which each bit must be the same."""

from __future__ import annotations

import csv
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time as clock
import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import surefit
from surefit.attempts import journal as journals
from surefit.attempts.journal import key_of
from surefit.errors import ArgumentError, CheckpointError, ModelFileError
from surefit.search.strategies import tables
from surefit.sentences import Sentence, say
from surefit.storage import checkpoint as checkpoints
from surefit.storage.checkpoint import packed, unpacked

from .killed import killed


class Killed(BaseException):
    """The process ends here."""


def rows(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    r = np.random.default_rng(seed)
    x = r.uniform(-1, 1, (n, 2))
    return x, np.sin(2 * x[:, 0]) + x[:, 1] ** 2 + 0.05 * r.normal(size=n)


FEW = surefit.Sampling(count=150)
BOX = {"x": (-2.0, 2.0), "y": (0.0, 1.0)}
DROPS = surefit.MLPSpec((8, 8), dropout=0.2)
FITS = {
    "adam": dict(what="sin(x)*y", domain=BOX, method=surefit.Adam(epochs=9), model=DROPS, jit=False, data=FEW),
    "adam without patience": dict(
        what="sin(x)*y", domain=BOX, method=surefit.Adam(epochs=9, schedule="plateau", best_weights=False),
        model=(6,), jit=False, data=FEW,
    ),
    "sgd, once a batch": dict(
        what="sin(x)*y", domain=BOX, jit=False, model=(6,), data=FEW,
        method=surefit.SGD(epochs=6, momentum=0.9, schedule="onecycle", batch_size=40),
    ),
    "points added": dict(
        what="abs(x)*y", domain=BOX, method=surefit.Adam(epochs=9), model=(6,), jit=False,
        data=surefit.Sampling(count=100, adaptive=2),
    ),
    "rate": dict(
        what="sin(x)*y", domain=BOX, method=surefit.Adam(lr="auto", epochs=4), model=(6,), jit=False, data=FEW,
    ),
    "lm": dict(what="abs(sin(3*x))*y", domain=BOX, method=surefit.LM(iterations=8), model=(3, 3)),
    "lm, rows": dict(what=rows(80), method=surefit.LM(iterations=8), model=(3, 3)),
    "varpro": dict(what="abs(sin(3*x))*y", domain=BOX, method=surefit.VarPro(iterations=10), model=(8,)),
    "varpro, rows": dict(what=rows(80), method=surefit.VarPro(iterations=10), model=(5,)),
    "lbfgs": dict(what="abs(sin(3*x))*y", domain=BOX, method=surefit.LBFGS(iterations=12), model=(3, 3)),
    "lbfgs, rows": dict(what=rows(80), method=surefit.LBFGS(iterations=12), model=(3, 3)),
    "auto": dict(what="sin(9*x)*exp(-x)", domain=(-1, 2), tol=1e-7),
    "auto, model": dict(what="abs(sin(2*x))", domain=(-2, 2), model=(3, 3), tol=0.3),
    "one for each input": dict(what=rows(80), method="additive"),
}  # fmt: skip


def fitted(name: str, **more):
    options = FITS[name] | more
    return surefit.fit(options.pop("what"), options.pop("domain", None), **options)


def traits(fit) -> dict:
    """All that must be the same, to the last bit, and nothing that the clock decides."""
    state = {n: v.detach().numpy().tobytes() for n, v in fit.network.state_dict().items()}
    state |= {f"scaling {n}": v.detach().numpy().tobytes() for n, v in fit.model.named_buffers()}
    history = [{k: repr(v) for k, v in row.items() if k != "seconds"} for row in fit.history]
    said = [str(s) for s in (fit.stop_reason, *(fit.made.choice or () if fit.made.solved else ()), *fit.warnings)]
    numbers = (fit.error.max, fit.error.rmse, fit.score, fit.best_epoch, fit.steps, str(fit.dtype))
    return {"state": state, "history": history, "said": said, "numbers": repr(numbers)}


@pytest.fixture
def every_moment(monkeypatch):
    """Checkpoints are written whenever they can be."""
    monkeypatch.setattr(journals, "COSTLY", 0.0)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # what power failures do is not asked here


@pytest.fixture
def mortal(monkeypatch):
    """mortal(n): the process ends instead of the n-th write of a checkpoint; mortal(None): it lives."""
    write = checkpoints._Directory._write
    count, end = 0, None

    def dying(self, path, entries):
        nonlocal count
        count += 1
        if end is not None and count >= end:
            raise Killed  # later ones, such as in a finally, never reach the disk
        write(self, path, entries)

    monkeypatch.setattr(checkpoints._Directory, "_write", dying)

    def set_end(number):
        nonlocal count, end
        seen, count, end = count, 0, number
        return seen

    return set_end


QUICK = ["adam", "points added", "lm", "varpro, rows", "lbfgs", "auto"]


@pytest.mark.usefixtures("every_moment")
@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in FITS])
def test_killed_at_any_write_it_goes_on_to_the_same_bits(name, tmp_path, mortal):
    often = dict(checkpoint=surefit.Checkpoint(tmp_path / "often", seconds=1e-9))
    whole = traits(fitted(name))
    mortal(None)
    assert traits(fitted(name, **often)) == whole
    writes = mortal(None)
    assert writes >= 2
    ends = (3,) if name in QUICK else np.random.default_rng(len(name)).integers(1, writes + 1, 2).tolist()
    for end in {writes, *(min(end, writes) for end in ends)}:
        place = tmp_path / str(end)
        mortal(end)
        with pytest.raises(Killed):
            fitted(name, checkpoint=surefit.Checkpoint(place, seconds=1e-9))
        mortal(2)  # and once more on the way
        with suppress(Killed):
            fitted(name, checkpoint=surefit.Checkpoint(place, seconds=1e-9), resume=place)
        mortal(None)
        assert traits(fitted(name, resume=place)) == whole, f"after write {end}"
        assert traits(fitted(name, resume=place)) == whole, "and of a fit that has ended"
        left = sorted(p.name for p in place.iterdir() if not p.name.startswith("part-"))
        assert left == ["checkpoint.json", "lock"]


@pytest.mark.slow
@pytest.mark.usefixtures("every_moment")
def test_compiled_epochs_go_on_to_the_same_bits(tmp_path, mortal):
    for schedule in ("cosine", "plateau"):
        how = dict(
            what="sin(x)*y", domain=BOX, jit=True, model=DROPS, data=surefit.Sampling(count=130),
            method=surefit.Adam(epochs=40, batch_size=60, patience=30, schedule=schedule),
            callbacks=lambda event: None,
        )  # fmt: skip
        whole = traits(surefit.fit(how.pop("what"), how.pop("domain"), **how))
        place = tmp_path / schedule
        often = surefit.Checkpoint(place, epochs=3)
        mortal(7)
        with pytest.raises(Killed):
            surefit.fit("sin(x)*y", BOX, checkpoint=often, **how)
        mortal(None)
        assert any(p.name.startswith("state-") for p in place.iterdir())
        again = surefit.fit("sin(x)*y", BOX, checkpoint=often, resume=place, **how)
        assert again.compile_seconds is not None
        assert traits(again) == whole


@pytest.mark.slow
@pytest.mark.usefixtures("every_moment")
def test_a_table_with_a_teacher(tmp_path, mortal, monkeypatch):
    whole = traits(surefit.fit(rows(60)))
    asked = []
    teacher_of = tables.teacher_of
    monkeypatch.setattr(tables, "teacher_of", lambda *given: (asked.append(1), teacher_of(*given))[1])
    for end in (1, 3):
        place = tmp_path / str(end)
        mortal(end)
        with pytest.raises(Killed):
            surefit.fit(rows(60), checkpoint=surefit.Checkpoint(place, seconds=1e-9))
        mortal(None)
        assert traits(surefit.fit(rows(60), resume=place)) == whole
        asked.clear()
        assert traits(surefit.fit(rows(60), resume=place)) == whole
        assert not asked


@pytest.mark.slow
def test_restarts_go_on(tmp_path):
    how = dict(method=surefit.Adam(epochs=30), model=(6,), restarts=3, jit=False)
    whole = surefit.fit("sin(x)", (-1, 1), **how)

    def die(event):
        if isinstance(event, surefit.Epoch) and event.epoch == 20:
            raise KeyError("killed")

    often = surefit.Checkpoint(tmp_path, epochs=4)
    with pytest.raises(KeyError):
        surefit.fit("sin(x)", (-1, 1), checkpoint=often, callbacks=die, **how)
    again = surefit.fit("sin(x)", (-1, 1), resume=tmp_path, **how)
    assert again.restarts == whole.restarts
    assert traits(again) == traits(whole)


@pytest.mark.slow
def test_the_smallest_network_goes_on(tmp_path):
    how = dict(tol=0.2, tries=1)
    whole = surefit.smallest("abs(x)", (-1, 1), **how)
    first = surefit.smallest("abs(x)", (-1, 1), checkpoint=tmp_path, **how)
    again = surefit.smallest("abs(x)", (-1, 1), resume=tmp_path, **how)
    for found in (first, again):
        assert (found.units, str(found.reason)) == (whole.units, str(whole.reason))
        assert traits(found.fit) == traits(whole.fit)
        assert [(t.units, t.error, t.fits) for t in found.curve] == [(t.units, t.error, t.fits) for t in whole.curve]
    with pytest.raises(CheckpointError, match="tol was"):
        surefit.smallest("abs(x)", (-1, 1), resume=tmp_path, tol=0.01, tries=1)


# --- real processes, really killed ------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="a process cannot be killed so on Windows")
@pytest.mark.parametrize("name", ["adam", "compiled", "lm", "auto"])
def test_killed_at_random_moments(name):
    """`scripts/kill_fits.py` does it 20 times, with many more kinds of fit."""
    _, differ = killed(name, 1)
    assert differ == 0


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """A directory with the checkpoint of a fit of a formula."""
    place = tmp_path_factory.mktemp("ended")
    surefit.fit("sin(x)", (-1, 1), method=surefit.Adam(epochs=4), model=(4,), checkpoint=place)
    return place


@pytest.fixture
def copy(ended, tmp_path):
    for path in ended.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


SAME = dict(method=surefit.Adam(epochs=4), model=(4,))


@pytest.mark.parametrize(
    ("what", "domain", "more", "said"),
    [
        ("cos(x)", (-1, 1), {}, r"target was 'sin\(x\)' and is 'cos\(x\)'"),
        ("sin(x)", (-1, 2), {}, r"domain was \(-1, 1\) and is \(-1, 2\)"),
        ("sin(x)", (-1, 1), {"seed": 1}, "seed was 0 and is 1"),
        ("sin(x)", (-1, 1), {"model": (5,)}, r"model was \(4,\) and is \(5,\)"),
        ("sin(x)", (-1, 1), {"method": surefit.Adam(epochs=5)}, r"method was surefit.Adam\(epochs=4\) and is"),
        ("sin(x)", (-1, 1), {"tol": 0.1}, "tol was None and is 0.1"),
        ("sin(x)", (-1, 1), {"dtype": "float64"}, "dtype was None and is 'float64'"),
        ("sin(x)", (-1, 1), {"jit": False}, "jit was None and is False"),
        ("sin(x)", (-1, 1), {"restarts": 2}, "networks was 1 and is 2"),
        ("sin(x)", (-1, 1), {"data": surefit.Sampling(count=9)}, "data was None and is"),
        (np.sin, (-1, 1), {}, "target was"),
        (rows(20), None, {}, "target was"),
    ],
)
def test_another_fit_is_refused(ended, what, domain, more, said):
    with pytest.raises(CheckpointError, match=f"^resume: .* is of another fit: {said}") as caught:
        surefit.fit(what, domain, resume=ended, **SAME | more)
    assert "\n" not in str(caught.value)


def test_changed_data_and_functions_are_refused(tmp_path):
    x, y = rows(40)
    how = dict(method=surefit.Adam(epochs=2), model=(4,))
    table = tmp_path / "t.csv"

    def write(values):
        table.write_text("a,b,c\n" + "".join(f"{p[0]},{p[1]},{v}\n" for p, v in zip(x, values, strict=True)))

    write(y)
    surefit.fit(table, checkpoint=tmp_path / "rows", **how)
    surefit.fit(table, resume=tmp_path / "rows", **how)
    write(np.where(np.arange(40) == 7, y + 1e-9, y))
    with pytest.raises(CheckpointError, match="the table has changed"):
        surefit.fit(table, resume=tmp_path / "rows", **how)
    with pytest.raises(CheckpointError, match="target was"):
        surefit.fit((x, y + 1e-12), resume=tmp_path / "rows", **how)

    state = {"add": 0.0}

    def target(x):
        return np.sin(x) + state["add"]

    surefit.fit(target, (-1, 1), checkpoint=tmp_path / "call", **how)
    surefit.fit(target, (-1, 1), resume=tmp_path / "call", **how)
    state["add"] = 1e-9
    with pytest.raises(CheckpointError, match="the function 'target' gives other values"):
        surefit.fit(target, (-1, 1), resume=tmp_path / "call", **how)


def test_directories(ended, tmp_path, monkeypatch):
    def fit(**more):
        return surefit.fit("sin(x)", (-1, 1), **SAME | more)

    with pytest.raises(CheckpointError, match="holds one already; resume="):
        fit(checkpoint=ended)
    with pytest.raises(CheckpointError, match=r"there is no checkpoint in .*; checkpoint="):
        fit(resume=tmp_path / "none")
    assert not (tmp_path / "none").exists()
    with pytest.raises(ArgumentError, match="leave checkpoint out"):
        fit(resume=ended, checkpoint=tmp_path)
    for wrong in (3, "", True):
        with pytest.raises(ArgumentError, match="must be the path of a directory"):
            fit(checkpoint=wrong)
        with pytest.raises(ArgumentError, match="must be the path of a directory"):
            fit(resume=wrong)
    with pytest.raises(ArgumentError, match="one of the two"):
        surefit.Checkpoint(tmp_path, seconds=1, epochs=1)
    for more in ({"seconds": 0}, {"epochs": 0}, {"epochs": 1.5}, {"seconds": math.nan}):
        with pytest.raises(ArgumentError, match=f"Checkpoint: {next(iter(more))}"):
            surefit.Checkpoint(tmp_path, **more)
    (tmp_path / "file").write_text("x")
    with pytest.raises(CheckpointError, match="cannot make the directory"):
        fit(checkpoint=tmp_path / "file")
    fit(checkpoint=tmp_path / "both", resume=tmp_path / "both")
    fit(checkpoint=tmp_path / "both", resume=f"{tmp_path}/./both")
    (tmp_path / "both/checkpoint.json").unlink()
    with pytest.raises(CheckpointError, match=r"without its checkpoint\.json"):
        fit(checkpoint=tmp_path / "both")
    monkeypatch.setattr(checkpoints, "__version__", "9.9")
    with pytest.raises(CheckpointError, match=r"is of surefit .*, and this is 9\.9"):
        fit(resume=ended)


def test_damaged_files_are_refused(copy):
    def fit():
        return surefit.fit("sin(x)", (-1, 1), resume=copy, **SAME)

    fit()
    part = next(copy.glob("part-*"))
    whole = part.read_bytes()
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 8 * len(whole), 60)
    broken = [bytes(b ^ (1 << (bit % 8)) if i == bit // 8 else b for i, b in enumerate(whole)) for bit in bits]
    broken += [b"", whole[:7], whole[:-1], whole[: len(whole) // 2], whole + b"x", b"\0" * 100, b"PK\3\4" + whole]
    for content in broken:
        part.write_bytes(content)
        with pytest.raises(CheckpointError, match=r"^resume: .*part-.*done again$") as caught:
            fit()
        assert "\n" not in str(caught.value)
    fit_file = surefit.fit("x", (-1, 1), method=surefit.Adam(epochs=1), model=(2,)).save(copy / "model.surefit")
    part.write_bytes(Path(fit_file).read_bytes())
    with pytest.raises(CheckpointError, match="done again"):
        fit()
    part.unlink()
    part.mkdir()
    with pytest.raises(CheckpointError, match="is a directory"):
        fit()
    part.rmdir()
    fit()  # what the part held was done again
    about = copy / "checkpoint.json"
    for text in ("", "{}", "[1]", "{", "[" * 100_000, '{"surefit checkpoint": "2"}', "\xff"):
        about.write_text(text, encoding="latin-1")
        with pytest.raises(CheckpointError, match="damaged, or of something else"):
            fit()


def test_one_writes_at_a_time(tmp_path):
    refused = []

    def meanwhile(event):
        if isinstance(event, surefit.Epoch) and not refused:
            for how in ({"resume": tmp_path}, {"checkpoint": tmp_path, "resume": tmp_path}):
                with pytest.raises(CheckpointError, match="another fit is writing") as caught:
                    surefit.fit("sin(x)", (-1, 1), **SAME | how)
                refused.append(str(caught.value))

    surefit.fit("sin(x)", (-1, 1), checkpoint=tmp_path, callbacks=meanwhile, **SAME)
    assert len(refused) == 2
    surefit.fit("sin(x)", (-1, 1), resume=tmp_path, **SAME)


@pytest.mark.usefixtures("every_moment")
def test_a_full_disk_ends_the_checkpoint_and_not_the_fit(tmp_path, monkeypatch):
    whole = traits(fitted("sgd, once a batch"))

    def full(*given):
        raise ModelFileError("cannot write 'part' (No space left on device)")

    monkeypatch.setattr(checkpoints, "write_container", full)
    with pytest.warns(RuntimeWarning, match="nothing more is written .*No space left") as caught:
        found = fitted("sgd, once a batch", checkpoint=surefit.Checkpoint(tmp_path, seconds=1e-9))
    assert len(caught) == 1
    assert traits(found) == whole


def test_nothing_is_executed(copy):
    import pickle

    class Evil:
        def __reduce__(self):
            return (os.mkdir, (str(copy / "evil"),))

    for name in ("part-000009.safetensors", "state-attempt-0.safetensors"):
        (copy / name).write_bytes(pickle.dumps(Evil()))
        with pytest.raises(CheckpointError, match="done again"):
            surefit.fit("sin(x)", (-1, 1), resume=copy, **SAME)
        (copy / name).unlink()
    assert not (copy / "evil").exists()


# --- functions, callbacks, interrupts, the clock ----------------------------------------------------------------------


@pytest.mark.slow
def test_a_slow_function_is_not_asked_again(tmp_path, monkeypatch):
    monkeypatch.setattr("surefit.problems.callables.SLOW", 0.0)
    monkeypatch.setattr("surefit.problems.callables.SLOW_POINT", 0.0)
    calls = []

    def by_point(x, y):
        calls.append(1)
        if x > 1.9:
            return 1.0 / 0.0 if y > 2 else math.sin(x) * y
        return math.sin(x) * y

    def at_once(p):
        calls.append(1)
        return np.sin(p[:, 0]) * p[:, 1]

    for f, way in ((by_point, "values"), (at_once, "points")):
        how = dict(method=surefit.LM(iterations=5), model=(4,))
        whole = traits(surefit.fit(f, BOX, **how))
        place = tmp_path / way
        surefit.fit(f, BOX, checkpoint=place, **how)
        calls.clear()
        again = surefit.fit(f, BOX, resume=place, **how)
        assert len(calls) == 1  # to see that it is the same function
        assert traits(again) == whole
        assert again.problem.function is not None
        assert again.problem.function(np.array([[0.5, 0.5]]))[0, 0] == math.sin(0.5) * 0.5


def test_evaluations_within_a_budget_are_not_made_again(tmp_path):
    count = [0]
    end = [10**9]

    def f(x, y):
        count[0] += 1
        if count[0] == end[0]:
            raise Killed
        return math.sin(x) * y

    how = dict(budget=30, method=surefit.LM(iterations=3), model=(4,))
    often = surefit.Checkpoint(tmp_path, seconds=1e-9)
    whole = traits(surefit.fit(f, BOX, **how))
    calls, count[0], end[0] = count[0], 0, 22
    with pytest.raises(Killed):
        surefit.fit(f, BOX, checkpoint=often, **how)
    count[0], end[0] = 0, 10**9
    again = surefit.fit(f, BOX, checkpoint=often, resume=tmp_path, **how)
    assert traits(again) == whole
    assert count[0] <= calls - 15  # a few may not have reached the disk


@pytest.mark.usefixtures("every_moment")
def test_logs_are_complete_and_other_callbacks_hear_what_comes(tmp_path, mortal):
    def log(name):
        return surefit.CSVLogger(tmp_path / name)

    def read(name):
        found = csv.DictReader((tmp_path / name).read_text().splitlines())
        return [{k: v for k, v in row.items() if k != "seconds"} for row in found]

    heard = []
    for name in ("adam", "lm, rows"):
        fitted(name, callbacks=log(f"{name} whole"))
        place = tmp_path / name
        mortal(4)
        with pytest.raises(Killed):
            fitted(name, checkpoint=surefit.Checkpoint(place, seconds=1e-9))
        mortal(None)
        heard.clear()
        fitted(name, resume=place, callbacks=[log(f"{name} again"), heard.append])
        assert read(f"{name} again") == read(f"{name} whole")
        epochs = sum(isinstance(event, surefit.Epoch) for event in heard)
        assert 0 < epochs < len(read(f"{name} whole"))
        assert isinstance(heard[-1], surefit.Finished)


@pytest.mark.usefixtures("every_moment")
@pytest.mark.parametrize("name", ["adam", "lm", pytest.param("auto", marks=pytest.mark.slow)])
def test_after_ctrl_c_or_a_callback_it_goes_on(name, tmp_path):
    whole = fitted(name)
    seen = []

    def press(event):
        if len(seen) >= len(whole.history) // 2:
            raise KeyboardInterrupt

    def stop(event):
        return len(seen) >= len(whole.history) // 2

    for how, end in (("ctrl-c", press), ("callback", stop)):
        seen.clear()
        watching = [surefit.On(epoch=seen.append), surefit.On(epoch=end)]
        often = surefit.Checkpoint(tmp_path / how, seconds=1e-9)
        cut = fitted(name, checkpoint=often, callbacks=watching)
        assert len(cut.history) < len(whole.history)
        assert traits(fitted(name, resume=tmp_path / how)) == traits(whole)


@pytest.mark.usefixtures("every_moment")
def test_time_that_was_used_counts_and_more_of_it_goes_on(tmp_path, fake_clock):
    how = dict(method=surefit.Adam(epochs=40), model=(6,), jit=False)
    whole = surefit.fit("sin(x)", (-1, 1), **how)

    def slowly(event):
        clock.sleep(0.03)

    often = surefit.Checkpoint(tmp_path, epochs=1)
    cut = surefit.fit("sin(x)", (-1, 1), time=0.5, checkpoint=often, callbacks=slowly, **how)
    assert cut.stop_reason.code == "time"
    assert len(cut.history) < 40
    began = fake_clock.now
    same = surefit.fit("sin(x)", (-1, 1), time=0.5, resume=tmp_path, callbacks=slowly, **how)
    assert traits(same) == traits(cut)  # there is no more time
    assert same.seconds >= 0.5
    assert same.seconds >= fake_clock.now - began
    longer = surefit.fit("sin(x)", (-1, 1), time=600.0, resume=tmp_path, **how)
    assert traits(longer) == traits(whole)
    assert longer.seconds > 0.45


def test_a_module_is_trained_in_place(tmp_path):
    def net():
        return surefit.nn.Sequential(
            surefit.nn.Linear(1, 6, generator=0), surefit.nn.Tanh(), surefit.nn.Linear(6, 1, generator=1)
        )

    how = dict(method=surefit.Adam(epochs=5), jit=False)
    a, b = net(), net()
    surefit.fit("sin(x)", (-1, 1), model=a, checkpoint=tmp_path, **how)
    again = surefit.fit("sin(x)", (-1, 1), model=b, resume=tmp_path, **how)
    assert again.network is b
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        assert (p.detach().numpy() == q.detach().numpy()).all()
    with pytest.raises(CheckpointError, match="model was"):
        surefit.fit("sin(x)", (-1, 1), model=b, resume=tmp_path, **how)  # its weights are others now


def test_classes_and_ensembles(tmp_path):
    x, y = rows(60)
    labelled = (x, np.where(y > 0.5, "high", "low"))
    how = dict(task="classify", method=surefit.Adam(epochs=3), model=(4,))
    whole = surefit.fit(labelled, checkpoint=tmp_path / "classes", **how)
    again = surefit.fit(labelled, resume=tmp_path / "classes", **how)
    assert traits(whole) == traits(again)
    assert again.classified.to_dict() == whole.classified.to_dict()
    how = dict(members=2, method=surefit.Adam(epochs=3), model=(4,))
    whole = surefit.ensemble("sin(x)", (-1, 1), checkpoint=tmp_path / "group", **how)
    again = surefit.ensemble("sin(x)", (-1, 1), resume=tmp_path / "group", **how)
    assert [traits(f) for f in whole.fits] == [traits(f) for f in again.fits]


# --- parts ------------------------------------------------------------------------------------------------------------

NUMBERS = st.floats(allow_nan=True) | st.integers(-(2**130), 2**130) | st.booleans() | st.none() | st.text(max_size=9)


def several(inner):
    return (
        st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    )


@settings(max_examples=40, deadline=None)
@given(st.recursive(NUMBERS, several, max_leaves=8))
def test_what_is_packed_comes_back(value):
    tensors: dict[str, np.ndarray] = {}
    text = json.dumps(packed(value, tensors), allow_nan=False)
    again = unpacked(json.loads(text), tensors)
    assert repr(again) == repr(value)


def test_arrays_and_sentences_come_back():
    sentence = say("solver-undetermined", reason=say("time", time=2.0), rank=1, variables=3)
    arrays = [np.float32(0.1), np.array(-0.0), np.arange(6.0).reshape(2, 3).T, np.array([], int), np.array([True])]
    tensors: dict[str, np.ndarray] = {}
    again = unpacked(json.loads(json.dumps(packed({"a": arrays, "s": sentence}, tensors))), tensors)
    for one, other in zip(again["a"], arrays, strict=True):
        assert (type(one), one.dtype, one.shape) == (type(other), other.dtype, other.shape)
        assert one.tobytes() == other.tobytes()
    assert isinstance(again["s"], Sentence)
    assert again["s"].said("zh") == sentence.said("zh")
    with pytest.raises(CheckpointError, match="a object cannot be kept"):
        packed(object(), {})


def test_keys_tell_apart_what_differs_in_one_bit():
    x = np.linspace(0.0, 1.0, 5)
    net = surefit.nn.Linear(2, 3, generator=0)
    things = [
        x, x.astype(np.float32), np.nextafter(x, 2), x[:4], x.reshape(5, 1), list(x), 1, 1.0, True, "1", None, (), [],
        {"a": 1}, {"a": 2}, {"b": 1}, surefit.Adam(), surefit.Adam(lr=1e-3), surefit.SGD(), net,
        surefit.nn.Linear(2, 3, generator=1), surefit.nn.Tanh(), surefit.Domain((0, 1)), surefit.Domain((0, 2)),
        np.random.default_rng(0), np.random.default_rng(1), surefit.Generator(0), surefit.Generator(1), math.sin,
        math.cos, lambda x: x, lambda x: x + 1, ["ab", "c"], ["a", "bc"], -0.0, 0.0,
    ]  # fmt: skip
    keys = [key_of("t", thing) for thing in things]
    assert len(set(keys)) == len(keys)
    assert keys == [key_of("t", thing) for thing in things]
    assert key_of("t", surefit.nn.Linear(2, 3, generator=0)) == key_of("t", net)


def test_threads_keep_side_by_side():
    class Memory:
        def __init__(self):
            self.parts = {}

        def add(self, entries):
            clock.sleep(0.001)
            self.parts |= entries

        def hold(self, key, value): ...

        def drop(self, key): ...

    store = Memory()
    journal = journals.Journal(store, seconds=1e-9)
    threads = [
        threading.Thread(target=lambda k=k: [journal.keep(f"{k} {i}", i) for i in range(30)]) for k in range(4)
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.flush()
    assert len(store.parts) == 120


def test_another_numpy_is_said(copy):
    about = copy / "checkpoint.json"
    text = json.loads(about.read_text())
    text["environment"]["numpy"] = "1.0"
    about.write_text(json.dumps(text))
    with pytest.warns(RuntimeWarning, match=r"made with NumPy 1\.0 .* the last digits may be others"):
        surefit.fit("sin(x)", (-1, 1), resume=copy, **SAME)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text["environment"]["numpy"] = np.__version__
        about.write_text(json.dumps(text))
        surefit.fit("sin(x)", (-1, 1), resume=copy, **SAME)


# --- the command line -------------------------------------------------------------------------------------------------


def command(*words: str) -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": str(Path(surefit.__file__).parents[1]), "LANG": "C"}
    return subprocess.run(
        [sys.executable, "-m", "surefit", *words], capture_output=True, text=True, env=environment, timeout=120
    )


@pytest.mark.slow
def test_the_command_line(tmp_path):
    same = "fit sin(x) --on x=-3:3 --method adam --epochs 4 --hidden 4 --json".split()
    place = str(tmp_path / "place")
    first = command(*same, "--checkpoint", place, "--out", str(tmp_path / "out"))
    assert first.returncode == 0, first.stderr
    again = command(*same, "--resume", place)
    assert again.returncode == 0, again.stderr
    card, card_again = json.loads(first.stdout), json.loads(again.stdout)
    assert card["error"] == card_again["error"]
    assert "checkpoint" not in (tmp_path / "out/run.toml").read_text()  # whoever repeats it begins
    for words, said in (
        (["--checkpoint", place], f"--checkpoint: '{place}' holds one already; --resume {place} goes on with it"),
        (["--resume", place, "--seed", "1"], "--resume: the checkpoint in"),
        (
            ["--resume", str(tmp_path / "none")],
            f"--resume: there is no checkpoint in '{tmp_path / 'none'}'; --checkpoint",
        ),
    ):
        refused = command(*same, *words)
        assert refused.returncode == 2
        assert "Traceback" not in refused.stderr
        assert said in " ".join(refused.stderr.split()), refused.stderr
