"""The doctor: what is wrong with a network, with the number seen and the cure, for a Fit or for any Module."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit import nn, optim
from surefit.attempts.methods import LOSSES
from surefit.core.tensor import Tensor
from surefit.data import Domain
from surefit.doctor import data_checks, network_checks, row_checks, solver_checks, training_checks
from surefit.doctor.findings import Diagnosis, Finding
from surefit.doctor.observation import Patient, observe
from surefit.doctor.training_checks import Training
from surefit.errors import ArgumentError, ShapeError
from surefit.problems.callables import vectorised

if TYPE_CHECKING:
    from surefit.search.record import Record

UNSEEN, APART = 0.05, 5.0  # relative error where it was not trained, and times the error where it was, that are told

# Optimisers whose step is about lr in every weight, whatever the gradient's size.
SIGN_LIKE = ("adam", "adamw", "nadam", "radam", "adamax", "rmsprop", "adagrad")


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
    patient = observe(network, x, y, loss, names)
    training = None if history is None else _training(history, patient)
    findings = list(_look(patient, training, *_rate(lr)))
    if target is not None:
        findings += data_checks.sampling(*target, len(patient.x))
    return Diagnosis(findings)


def diagnose(fit: Record) -> Diagnosis:
    """Examine a Fit, with all that it knows: data in the network's units, training, and the function if there is one.

    A loaded Fit has a sample of its data only.
    """
    model, problem, method = fit.model, fit.problem, fit.method
    x, y = problem.train
    u, v = model.rows((x, y))
    solved = fit.made.solved and method.get("solver") != "adam"
    loss = method["loss"] if method["loss"] in LOSSES else None  # a loss of the user's own is known by name only
    patient = observe(fit.network, u, v, loss, problem.names)
    training = None
    history = [r for r in fit.history if r.get("stage") == method.get("stage")]
    if history and not solved:
        options = dict(keeps_best=bool(method["best_weights"]), done=fit.reached is True)
        training = _training(history, patient, chance=loss is not None, **options)
    findings = [_of_warning(warning) for warning in fit.warnings if warning not in problem.notes]
    findings += [
        Finding("data-note", "note", "data", None, note, "see whether that is meant so") for note in problem.notes
    ]
    findings += _of_error(fit)
    lr = float(np.max([r["lr"] for r in history])) if history and not solved else None
    findings += _look(patient, training, lr, method.get("solver", method["method"]), solved)
    if solved:
        findings += solver_checks.solved(fit.model, method, patient, fit.reached, problem.exact)
    if fit.reached is False:
        findings.append(_missed(fit))
    if problem.function is None and len(x) > 1:
        findings += row_checks.rows(problem, problem.sizes())
    if problem.function is not None:
        findings += data_checks.sampling(problem.function, fit.domain, _rows_trained_on(fit))
    return Diagnosis(findings)


def _of_warning(warning: str) -> Finding:
    """What a warning of the training means: only numbers that were not finite break a training down."""
    if getattr(warning, "code", "") == "training-not-finite" or warning.startswith("the loss became"):  # of old files
        return Finding("training-broke-down", "error", "training", None, warning, "follow the cause that it names")
    return Finding("training-note", "note", "training", None, warning, "see whether that matters to you")


def _of_error(fit: Record) -> Iterator[Finding]:
    """Errors that the training rows do not show: infinite ones, and such as are far larger where it was not trained."""
    error = fit.error
    if not (np.isfinite(error.max) and np.isfinite(error.rmse)):
        yield Finding(
            "error-not-finite", "error", "result", None,
            f"the error that was measured is not finite (largest {error.max:g}, rmse {error.rmse:g})",
            "the target or the network has no finite value somewhere in the domain: shrink the domain, or look at the "
            "place that the card names",
        )  # fmt: skip
        return
    x, y = fit.problem.train
    trained = float(np.sqrt(np.mean((fit._predict(x) - y) ** 2)))
    if error.relative_l2 > UNSEEN and error.rmse > APART * trained:
        yield Finding(
            "unseen-error", "warning", "result", error.rmse / max(trained, 1e-300),
            f"where it was not trained its error (rmse {error.rmse:.3g}) is {error.rmse / max(trained, 1e-300):.3g} "
            f"times that at the training rows ({trained:.3g})",
            "more samples, a smaller network, or a penalty",
        )  # fmt: skip


def _missed(fit: Record) -> Finding:
    """That the tolerance was not reached."""
    most, tol = fit.error.max, float(fit.tol)  # type: ignore[arg-type]
    message = (
        f"the largest error measured is {most:.3g}, {most / tol:.3g} times the tolerance {tol:g} that was asked for"
    )
    cure = (
        "more units, samples, epochs or time, or another method; a larger tolerance where the target has kinks or noise"
    )
    return Finding("tolerance-missed", "warning", "result", most, message, cure)


def _rows_trained_on(fit: Record) -> int:
    """How many rows the training had; of a loaded fit the least that its steps speak of, since it keeps only some."""
    have, epochs = len(fit.problem.train[0]), len(fit.history)
    if fit.made.solved:  # a solver, which takes all rows every time
        return fit.problem.sizes()["train"]
    batch = fit.method["batch_size"]
    return have if not epochs else max(have, (-(-fit.steps // epochs) - 1) * batch + 1)


def _target(function: Any, domain: Any) -> tuple[Callable[[np.ndarray], np.ndarray], Domain] | None:
    """A known function as one of points (n, d) -> (n, k), and its box."""
    if function is None and domain is None:
        return None
    if function is None or domain is None:
        raise ArgumentError("function and domain must be given together: the box tells where the function is wanted")
    box = domain if isinstance(domain, Domain) else Domain(domain)
    return vectorised(function, box)[0], box


def _points(x: Any, box: Domain) -> np.ndarray:
    points = np.asarray(x.detach().numpy() if isinstance(x, Tensor) else x, np.float64)
    points = points[:, None] if points.ndim == 1 and box.dim == 1 else points
    if points.ndim != 2 or points.shape[1] != box.dim:
        raise ShapeError(f"x: shape {points.shape}; the function takes points (n, {box.dim}) of {box}")
    return points


def _look(
    patient: Patient, training: Training | None, lr: float | None, method: str, solved: bool = False
) -> Iterator[Finding]:
    """All checks that apply. What is not finite makes the numbers of the network meaningless.

    solved: by a solver, at whose minimum gradients are rounding and say nothing, and whose units may well be so steep
    that they are flat on most rows.
    """
    finite = list(network_checks.not_finite(patient))
    yield from finite
    if finite[0].severity == "ok":
        for check in _OF_THE_NETWORK:
            if not (solved and check is network_checks.gradients):
                yield from (f for f in check(patient) if not (solved and f.code == "saturated-units"))
        if training is None:
            yield from training_checks.worse_than_constant(patient)
        if lr is not None:
            yield from training_checks.step_sizes(patient, lr, method in SIGN_LIKE, training)
    if training is not None:
        for look in (training_checks.rate_too_high, training_checks.progress, training_checks.overfitting):
            yield from look(training)


_OF_THE_NETWORK: tuple[Callable[[Patient], Iterator[Finding]], ...] = (
    network_checks.unreached,
    network_checks.competition,
    network_checks.shapes,
    network_checks.reach,
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


def _training(history: Any, patient: Patient, chance: bool = True, **options: bool) -> Training:
    """A run in any of the forms that `examine` takes."""
    columns = _columns(history)
    if not len(columns.get("train_loss", ())):
        raise ArgumentError("history: it holds no training losses; give numbers, or rows with 'train_loss'")
    return Training(
        train=columns["train_loss"],
        validation=columns.get("validation_loss"),
        lr=columns.get("lr"),
        chance=training_checks.chance(patient) if chance else None,
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
