"""An argument that a function or class does not have: the error names the one that was meant, wherever it is given."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest

import surefit
from surefit import data, integrations, nn, optim, solvers
from surefit.errors import ArgumentError, UnknownArgumentError

# of tensors and functions of them (Python's own TypeError), written by surefit alone, or with names of the caller's own
RESULTS = {
    "Certificate",
    "Proved",
    "Slopes",
    "Undefined",
    "Verdict",
    "Formula",
    "Many",
    "Curve",
    "Comparison",
    "Tuning",
}
LEFT_OUT = {
    "surefit.core", "surefit.attempts.events.Started", "surefit.attempts.events.Epoch",
    "surefit.attempts.events.Evaluated", "surefit.attempts.events.Finished", "surefit.attempts.events.Failed",
}  # fmt: skip
ANY_NAME = {"ParameterDict", "ModuleDict", "Identity", "Keeper", "ensemble", "compare", "tune"}  # last: those of fit


FUNCTIONS = {
    "data.read_table", "data.write_table", "data.generate", "data.sample", "data.mnist", "solvers.gauss_newton",
    "solvers.lbfgs", "solvers.levenberg_marquardt", "solvers.linear_features", "solvers.place_units",
    "solvers.solve_output", "solvers.varpro",
}  # fmt: skip


def everything() -> dict[str, object]:
    """The public classes, and those functions that settings are given to, by name."""
    rooms = {"surefit": surefit, "nn": nn, "optim": optim, "data": data, "solvers": solvers, "log": integrations}
    found = {f"{label}.{name}": getattr(room, name) for label, room in rooms.items() for name in room.__all__}
    return {name: thing for name, thing in found.items() if callable(thing) and has_names(name, thing)}


def has_names(name: str, thing: object) -> bool:
    home = f"{getattr(thing, '__module__', '')}.{getattr(thing, '__name__', '')}"
    if (
        any(home == left or home.startswith(left + ".") for left in LEFT_OUT)
        or name.split(".")[-1] in ANY_NAME | RESULTS
    ):
        return False
    if not isinstance(thing, type):
        return name in FUNCTIONS or name.startswith("surefit.")
    if issubclass(thing, (BaseException, tuple, Warning)) or inspect.isabstract(thing):
        return False
    return any("__init__" in vars(c) for c in thing.__mro__ if c.__module__.startswith("surefit"))


@pytest.mark.parametrize("name, thing", everything().items())
def test_an_unknown_name_is_named(name, thing):
    with pytest.raises(ArgumentError, match="zyxw") as error:
        thing(zyxw=1)
    assert isinstance(error.value, TypeError), "code that expects Python's own error goes on as before"


@pytest.mark.parametrize(
    "call, meant",
    [
        (lambda: surefit.Features(penalty=1), "ridge"),
        (lambda: surefit.VarPro(alpha=1), "ridge"),
        (lambda: surefit.Adam(learning_rate=1), "lr"),
        (lambda: surefit.Adam(max_iter=1), "epochs"),
        (lambda: surefit.Adam(batchsize=1), "batch_size"),
        (lambda: surefit.LM(epochs=1), "iterations"),
        (lambda: surefit.LBFGS(maxiter=1), "iterations"),
        (lambda: surefit.Auto(max_nfev=1), "evaluations"),
        (lambda: surefit.Sampling(n=1), "count"),
        (lambda: surefit.Sampling(samples=1), "count"),
        (lambda: surefit.MLPSpec((3,), act="tanh"), "activation"),
        (lambda: surefit.smallest("x", "x=0:1", 1e-3, max_units=4), "largest"),
        (lambda: surefit.construct("x", "x=0:1", hidden=4), "units"),
        (lambda: surefit.ensemble("x", "x=0:1", n_estimators=4), "members"),
        (lambda: surefit.tune("x", "x=0:1", n_trials=4), "trials"),
        (lambda: surefit.compare("x", "x=0:1", epoch=4), "epochs"),
        (lambda: data.read_table("a.csv", sep=";"), "delimiter"),
        (lambda: data.DataLoader([1], batch=2), "batch_size"),
        (lambda: optim.Adam([], learning_rate=1), "lr"),
        (lambda: nn.MLP(1, (2,), 1, nonlinearity="tanh"), "activation"),
        (lambda: solvers.levenberg_marquardt(abs, [1.0], maxiter=1), "max_iterations"),
        (lambda: surefit.On(epok=print), "epoch"),
        (lambda: surefit.CSVLogger("a.csv", evry=1), "every"),
        (lambda: surefit.fit("x", "x=0:1", epochs=1), r"Adam\(epochs=300\)"),
        (lambda: surefit.fit("x", x=(0, 1)), r"domain=\{\"x\": \(-3, 3\)\}"),
        (lambda: surefit.fit(formula="x"), "comes first"),
        (lambda: surefit.fit(X=[1], y=[2]), r"fit\(\(X, y\)\)"),
        (lambda: surefit.fit("x", 0, 1), "give the others by name"),
    ],
)  # fmt: skip
def test_names_of_other_libraries_are_understood(call, meant):
    with pytest.raises(UnknownArgumentError, match=meant):
        call()


def test_methods_of_a_fit_say_it_too():
    fit = surefit.fit("x", "x=0:1", method="polynomial")
    for call, meant in [
        (lambda: fit.plot(language="zh"), "lang"),
        (lambda: fit.interval([0.5], confidence=0.9), "level"),
        (lambda: fit.export("a.c", format="c"), "to"),
        (lambda: fit.certify(seconds=3), "time"),
        (lambda: fit.save("a.safetensors", True), "by place"),
    ]:
        with pytest.raises(UnknownArgumentError, match=meant):
            call()


def test_signatures_copies_and_subclasses_are_what_they_were():
    assert list(inspect.signature(surefit.Adam).parameters)[:3] == ["lr", "epochs", "batch_size"]
    assert list(inspect.signature(nn.Linear).parameters)[:2] == ["in_features", "out_features"]
    method = surefit.Adam(lr=0.1)
    assert pickle.loads(pickle.dumps(method)) == copy.deepcopy(method) == method  # noqa: S301
    assert pickle.loads(pickle.dumps(surefit.smallest)) is surefit.smallest  # noqa: S301

    class Wide(nn.Linear):
        def __init__(self, width: int) -> None:
            super().__init__(1, width, biass=True)

    with pytest.raises(TypeError, match=r"Linear has no argument 'biass'; did you mean bias\?"):
        Wide(3)
