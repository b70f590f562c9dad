"""The doctor: what is wrong with a network, with the number seen and the cure, for a Fit or for any Module."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from surefit import nn, optim
from surefit.attempts.methods import LOSSES
from surefit.checking import number_array
from surefit.core.tensor import Tensor
from surefit.data import Domain
from surefit.doctor import data_checks, network_checks, result_checks, row_checks, solver_checks, training_checks
from surefit.doctor.findings import Diagnosis, Finding
from surefit.doctor.observation import Observation, observe
from surefit.doctor.training_checks import Training
from surefit.errors import ArgumentError, ShapeError
from surefit.keywords import naming
from surefit.models.inference import values_of
from surefit.problems.callables import vectorised
from surefit.search.record import Record, Solved

POOR = 0.1  # relative L2 error of a table that is worth a warning about its units

# Optimisers whose step is about lr in every weight, whatever the gradient's size.
SIGN_LIKE = ("adam", "adamw", "nadam", "radam", "adamax", "rmsprop", "adagrad")
# Solvers that write the weights of several layers down: what these hand on has the sizes of what it stands for.
WRITTEN = ("composed", "linked", "maxima", "separated")


@naming
def examine(
    network: nn.Module,
    x: Any,
    y: Any = None,
    *,
    loss: Any = None,
    history: Any = None,
    lr: Any = None,
    function: Callable[..., Any] | None = None,
    domain: Any = None,
    names: Sequence[str] | None = None,
) -> Diagnosis:
    """Examine a network on a sample of its data. It is not changed: no weight, buffer, `.grad`, flag or stream.

    Args:
        network: any Module; layers and activations are found in what it computes, however it is written.
        x: a sample of its inputs, (n, ...), array or Tensor; the training inputs are best, 20 rows the least.
        y: its targets: (n,) or (n, k) numbers, (n,) class indices, or (n, classes) ones and zeros.
        loss: what the network is trained with: a name ("mse", "cross_entropy", ...), a loss module, or a function
            (prediction, target) -> number. None: "mse", or "cross_entropy" for class indices.
        history: losses by epoch: numbers, rows {"train_loss": ..., "validation_loss": ..., "lr": ...}, or such columns.
        lr: the learning rate of gradient descent, or the optimiser.
        function, domain: the target function and the box it is wanted on, to count its oscillations: x is then taken
            for all there is to train on. y may be left out.
        names: of the columns of x.

    Raises:
        ArgumentError, ShapeError: an argument is not what it must be.

    >>> net = nn.MLP(1, (16,), 1, activation="relu", generator=0)
    >>> x = np.linspace(-1.0, 1.0, 200)[:, None]
    >>> examine(net, 500 * x, np.sin(3 * x)).find("inputs-unscaled")[0].number
    500.0
    """
    target = _target(function, domain)
    if target is not None and y is None:
        y = target[0](_points(x, target[1]))
    observation = observe(network, x, y, loss, names)
    training = None if history is None else _training(history, observation)
    findings = list(_look(observation, training, *_rate(lr)))
    findings += _of_sample(observation)
    if target is not None:
        findings += data_checks.sampling(*target, len(observation.x))
    return Diagnosis(findings)


def diagnose(fit: Record) -> Diagnosis:
    """Examine a Fit, with all that it knows: data in the network's units, training, and the function if there is one.

    A loaded Fit has a sample of its data only.
    """
    problem, method, made = fit.problem, fit.method, fit.made
    u, v = fit.model.rows(problem.train)
    solver = isinstance(made, Solved) and method.get("solver") != "adam"
    named = "mse" if fit.made.solved else method["loss"]  # solvers weigh squares, whatever that makes of them
    loss = named if named in LOSSES and not problem.quantiles else None  # one of the user's own is known by name only
    observation = observe(fit.network, u, v, loss, problem.names)
    observation.outputs = fit.outputs
    training = None
    history = [r for r in fit.history if r.get("stage") == method.get("stage")]
    if history and not solver:
        options = dict(keeps_best=bool(method["best_weights"]), done=fit.reached is True)
        training = _training(history, observation, chance=loss is not None, **options)
    lr = float(np.max([r["lr"] for r in history])) if history and not solver else None
    about = _look(observation, training, lr, method.get("solver", method["method"]), solver, problem.train[1])
    findings = [*result_checks.warnings(fit), *result_checks.error(fit), *result_checks.calmed(about, fit)]
    if isinstance(made, Solved) and solver:
        seen = solver_checks.solved(fit.model, made, observation, fit.reached, problem.exact)
        findings += result_checks.calmed(seen, fit)
    findings += result_checks.tolerance(fit)
    if problem.function is None:
        findings += _of_rows(fit)
    else:
        findings += result_checks.decades(fit)
        sampled = data_checks.sampling(problem.function, fit.domain, _rows_trained_on(fit))
        findings += result_checks.calmed(sampled, fit)
    if any(f.code == "nothing-learned" for f in findings):
        findings = [f for f in findings if f.code != "large-error"]  # which says the same
    return Diagnosis(findings)


def _of_rows(fit: Record) -> Iterator[Finding]:
    """What the rows of a table tell."""
    r = row_checks.rows_of(fit)
    if fit.problem.quantiles:  # which values lie above and below: what is left of them tells nothing
        yield from row_checks.columns(replace(r, y=r.y[:, :1], outputs=r.outputs[:1], residual=None))
        return
    usual = () if fit.classified is None else ("two-valued-target", "given-target")  # of the columns of classes
    yield from (f for f in row_checks.columns(r) if f.code not in usual)
    yield from row_checks.split(r, values_of(fit.model))
    if not result_checks.is_good(fit):
        yield from row_checks.decades(r, poor=fit.error.relative_l2 > POOR)


def _rows_trained_on(fit: Record) -> int:
    """How many rows the training had; of a loaded fit the least that its steps speak of, since it keeps only some."""
    have, epochs = len(fit.problem.train[0]), len(fit.history)
    if fit.made.solved:  # a solver, which takes all rows every time
        return fit.problem.sizes()["train"]
    batch = fit.method["batch_size"]
    return have if not epochs else max(have, (-(-fit.steps // epochs) - 1) * batch + 1)


def _of_sample(o: Observation) -> Iterator[Finding]:
    """What the rows of a sample tell, where they are numbers: not of pictures, and not of classes."""
    if o.y is None or o.classes or o.x.ndim != 2 or o.x.dtype.kind != "f" or o.y.dtype.kind not in "fiub":
        return
    x, y = o.x.astype(np.float64), o.y.reshape(len(o.y), -1).astype(np.float64)
    if len(x) < 2 or not (np.isfinite(x).all() and np.isfinite(y).all()):
        return
    residual = None
    if o.targets is not None and o.output.shape == o.targets.shape and len(o.output) == len(x):
        residual = (o.output - o.targets).reshape(y.shape).astype(np.float64)
    names = tuple(f"y{i + 1}" for i in range(y.shape[1])) if y.shape[1] > 1 else ("y",)
    yield from row_checks.columns(row_checks.Rows(x, y, o.names, names, residual, train=len(x)))


def _target(function: Any, domain: Any) -> tuple[Callable[[np.ndarray], np.ndarray], Domain] | None:
    """A known function as one of points (n, d) -> (n, k), and its box."""
    if function is None and domain is None:
        return None
    if function is None or domain is None:
        raise ArgumentError("function and domain must be given together: the box tells where the function is wanted")
    box = domain if isinstance(domain, Domain) else Domain(domain)
    return vectorised(function, box)[0], box


def _points(x: Any, box: Domain) -> np.ndarray:
    points = number_array("x", x.detach().numpy() if isinstance(x, Tensor) else x)
    points = points[:, None] if points.ndim == 1 and box.dim == 1 else points
    if points.ndim != 2 or points.shape[1] != box.dim:
        raise ShapeError(f"x: shape {points.shape}; the function takes points (n, {box.dim}) of {box}")
    return points


def _look(
    observation: Observation, training: Training | None, lr: float | None, method: str, solved: bool = False,
    unscaled: np.ndarray | None = None,
) -> Iterator[Finding]:  # fmt: skip
    """All checks that apply. What is not finite makes the numbers of the network meaningless.

    solved: by a solver, at whose minimum gradients are rounding and say nothing, and whose units may well be so steep
    that they are flat on most rows, or equal where an input has few values.
    unscaled: the targets before they were scaled for the network.
    """
    finite = list(network_checks.not_finite(observation))
    yield from finite
    if finite[0].severity == "ok":
        for check in _OF_THE_NETWORK:
            told_nothing = solved and check in (network_checks.gradients, network_checks.identical_units)
            if not (told_nothing or (method in WRITTEN and check is network_checks.activations)):
                yield from (f for f in check(observation) if not (solved and f.code == "saturated-units"))
        yield from network_checks.reach(observation, unscaled)
        if training is None:
            yield from training_checks.worse_than_constant(observation)
        if lr is not None:
            yield from training_checks.step_sizes(observation, lr, method in SIGN_LIKE, training)
    if training is not None:
        for look in (training_checks.rate_too_high, training_checks.progress, training_checks.overfitting):
            yield from look(training)


_OF_THE_NETWORK: tuple[Callable[[Observation], Iterator[Finding]], ...] = (
    network_checks.unreached,
    network_checks.competition,
    network_checks.shapes,
    network_checks.units,
    network_checks.identical_units,
    network_checks.activations,
    network_checks.gradients,
    training_checks.unscaled_weights,
    data_checks.data,
)


def _rate(lr: Any) -> tuple[float | None, str]:
    """A learning rate and the method's name from the argument lr."""
    if isinstance(lr, optim.Optimizer):
        return float(lr.param_groups[0]["lr"]), type(lr).__name__.lower()
    if lr is None:
        return None, ""
    if isinstance(lr, bool) or not isinstance(lr, (int, float, np.number)) or not 0 < lr < np.inf:
        raise ArgumentError(f"lr={lr!r} must be a number > 0 or an optimiser")
    return float(lr), "sgd"


def _training(history: Any, observation: Observation, chance: bool = True, **options: bool) -> Training:
    """A run in any of the forms that `examine` takes."""
    columns = _columns(history)
    if not len(columns.get("train_loss", ())):
        raise ArgumentError("history: it holds no training losses; give numbers, or rows with 'train_loss'")
    return Training(
        train=columns["train_loss"],
        validation=columns.get("validation_loss"),
        lr=columns.get("lr"),
        chance=training_checks.chance(observation) if chance else None,
        **options,
    )


def _columns(history: Any) -> dict[str, np.ndarray]:
    """The columns of a history that are complete."""
    rows = history if isinstance(history, Mapping) else list(history)
    if not isinstance(rows, Mapping) and not all(isinstance(r, Mapping) for r in rows):
        rows = {"train_loss": rows}
    try:
        if isinstance(rows, Mapping):
            return {k: np.asarray(v, np.float64).reshape(-1) for k, v in rows.items() if k in _COLUMNS}
        shared = [k for k in _COLUMNS if rows and all(r.get(k) is not None for r in rows)]
        return {k: np.array([r[k] for r in rows], np.float64) for k in shared}
    except (TypeError, ValueError) as e:
        raise ArgumentError(f"history: it must hold losses by epoch ({e})") from None


_COLUMNS = ("train_loss", "validation_loss", "lr")

__all__ = ["Diagnosis", "Finding", "diagnose", "examine"]
