"""surefit: fit a function with a neural network, and say truthfully how good the fit is.

    import surefit

    fit = surefit.fit("sin(x1) - cos(x2)", {"x1": (-5, 5), "x2": (-5, 5)})
    print(fit)                 # the card: network, method, largest error and where
    fit(0.5, 1.0)              # a value
    fit.plot()                 # target, fit and error

Underneath is a small deep-learning framework under PyTorch's names: `surefit.tensor`, `surefit.nn`, `surefit.optim`,
`surefit.data`; functions of tensors (`surefit.sin`, `surefit.cat`, ...) and of functions (`surefit.grad`,
`surefit.jacobian`, `surefit.batch`, `surefit.record`). Everything is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from surefit._version import __version__

_ROOMS = ("bounds", "compiler", "data", "errors", "formulas", "interop", "nn", "optim", "solvers", "view")

# where each public name lives; a name that is not here is looked for among the functions of tensors.
# Type checkers read the same from __init__.pyi, which scripts/signatures.py writes.
_HOME = {
    "surefit.fitting": (
        "fit construct distil ensemble Ensemble Fit Experiment Measured Estimated load examine Diagnosis Finding "
        "MLPSpec "
        "SGD Adam AdamW RMSprop Adagrad Adamax NAdam RAdam "
        "Auto Polynomial Additive Features VarPro LM LBFGS "
        "Started Epoch Evaluated Finished Failed On OutsideWarning find_lr RateTest smallest Smallest Interval "
        "Snapshots Live TextPlot Checkpoint"
    ),
    "surefit.bounds": "certify certify_pair certify_slopes verify Certificate Proved Slopes Undefined Verdict",
    "surefit.data": "Domain Sampling Noise",
    "surefit.formulas": "Formula parse",
    "surefit.interop": "from_onnx",
    "surefit.many": "fit_many Many Curve",
    "surefit.integrations": "CSVLogger JSONLogger TensorBoardLogger MLflowLogger",
    "surefit.studies": "compare Comparison tune Tuning",
    "surefit.reports.exported": "export_module",
    "surefit.core.tensor": "Tensor",
    "surefit.core.modes": "no_grad enable_grad is_grad_enabled",
    "surefit.core.leaves": "Parameter",
    "surefit.core.creation": (
        "tensor as_tensor from_numpy zeros ones full zeros_like ones_like full_like arange linspace eye "
        "rand randn randint randperm rand_like randn_like normal bernoulli multinomial logspace"
    ),
    "surefit.core.random": "Generator",
    "surefit.core.batching": "batch",
    "surefit.core.functional": "grad value_and_grad vjp jacobian hessian hvp",
    "surefit.core.program": "record Program",
    "surefit.compiler": "jit",
    "surefit.core.ops": "float32 float64 int32 int64 bool_",
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names.split()}

# what a program that comes from PyTorch may ask for, and where it is here
_NO_DEVICES = "; everything is on the CPU: leave devices out"
_ELSEWHERE = {
    "manual_seed": "; randomness is an argument: give generator=0 to layers, loaders and random functions",
    "device": _NO_DEVICES,
    "cuda": _NO_DEVICES,
    "save": "; a fit saves itself, fit.save(path); numpy.savez(path, **net.state_dict()) keeps a network's weights",
    "autograd": "; use tensor.backward(), or surefit.grad, jacobian, hessian, vjp, hvp of a function",
    "utils": "; DataLoader, TensorDataset and random_split are in surefit.data",
    "linalg": "; its functions are surefit.solve, inv, det, svd, cholesky, ...",
    "vmap": "; its name here is surefit.batch",
    "func": "; surefit.batch is vmap, and grad, jacobian, hessian, vjp, hvp are in surefit itself",
    "float": "; use surefit.float32",
    "double": "; use surefit.float64",
    "int": "; use surefit.int32",
    "long": "; use surefit.int64",
    "bool": "; use surefit.bool_",
    "compile": "; its name here is surefit.jit",
    "torch": "; write import surefit.torch as torch",
    "sklearn": "; write from surefit.sklearn import FitRegressor, FitClassifier",
}


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"surefit.{name}")
    if name.startswith("_"):
        raise AttributeError(f"module 'surefit' has no attribute {name!r}")
    module = import_module(_MODULE_OF.get(name, "surefit.core.functions"))
    try:
        value = getattr(module, name) if name in _MODULE_OF or name in module.__all__ else None
    except AttributeError:
        value = None
    if value is None:
        raise AttributeError(f"module 'surefit' has no attribute {name!r}" + _ELSEWHERE.get(name, ""))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    from surefit.core import functions

    return sorted({"__version__", *_ROOMS, *_MODULE_OF, *functions.__all__})


__all__ = ["__version__", *_ROOMS, *_MODULE_OF]
