"""The doctor: what is wrong with a network, with the number seen and the cure, for a Fit or for any Module."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit import nn, optim
from surefit.data import Domain
from surefit.errors import ArgumentError
from surefit.fitting import checks
from surefit.fitting.findings import Diagnosis, Finding
from surefit.fitting.methods import LOSSES
from surefit.fitting.patient import Patient, observe
from surefit.fitting.problem import vectorised

if TYPE_CHECKING:
    from surefit.fitting.fit import Fit

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
    """Examine a network on a sample of its data. The network is not changed: no weight, buffer, `.grad`, flag or stream.

    Args:
        network: any Module; layers and activations are found in what it computes, however it is written.
        x: a sample of its inputs, (n, ...), array or Tensor; the training inputs are best, 20 rows the least.
        y: its targets: (n,) or (n, k) numbers, (n,) class indices, or (n, classes) ones and zeros.
        loss: a name ("mse", "cross_entropy", ...), a loss module, or the function (prediction, target) -> number that the
            network is trained with. None: "mse", or "cross_entropy" for class indices.
        history: losses by epoch: numbers, rows {"train_loss": ..., "validation_loss": ..., "lr": ...}, or such columns.
        lr: the learning rate of gradient descent, or the optimiser.
        function, domain: the target function and the box it is wanted on, to count its oscillations: x is then taken for
            all there is to train on.
        names: of the columns of x.

    Raises:
        ArgumentError, ShapeError: an argument is not what it must be.

    >>> net = nn.MLP(1, (16,), 1, activation="relu", generator=0)
    >>> x = np.linspace(-1.0, 1.0, 200)[:, None]
    >>> examine(net, 500 * x, np.sin(3 * x)).find("inputs-unscaled")[0].number
    500.0
    """
    patient = observe(network, x, y, loss, names)
    training = None if history is None else _training(history, patient)
    findings = list(_look(patient, training, *_rate(lr, training)))
    if function is not None or domain is not None:
        if function is None or domain is None:
            raise ArgumentError("function and domain must be given together: the box tells where the function is wanted")
        box = domain if isinstance(domain, Domain) else Domain(domain)
        many, _ = vectorised(function, box)
        findings += checks.sampling(many, box, len(patient.x))
    return Diagnosis(findings)


def diagnose(fit: Fit) -> Diagnosis:
    """Examine a Fit, with all that it knows: data in the network's units, training, and the function where there is one.

    A loaded Fit has a sample of its data only.
    """
    model, problem, method = fit.model, fit.problem, fit.method
    x, y = problem.train
    u = (x - model.x_shift.numpy()) / model.x_scale.numpy()
    v = (y - model.y_shift.numpy()) / model.y_scale.numpy()
    loss = method.get("loss") if method.get("loss") in LOSSES else None
    patient = observe(fit.network, u, v, loss, problem.names)
    training = None
    if fit.history:
        training = _training(fit.history, patient, known_loss=loss is not None, keeps_best=bool(method.get("best_weights")))
        training = checks.replace_done(training, fit.reached is True)
    findings = list(_look(patient, training, *_rate_of_fit(fit, training)))
    findings += [
        Finding("training-broke-down", "error", "training", None, warning, "see the cause named there") for warning in fit.warnings
    ]
    if problem.function is not None:
        findings += checks.sampling(problem.function, fit.domain, _rows_trained_on(fit))
    return Diagnosis(findings)


def _look(
    patient: Patient, training: checks.Training | None, lr: float | None, kind: str
) -> Iterator[Finding]:
    """All checks that apply."""
    found = list(checks.not_finite(patient))
    yield from found
    if all(f.severity == "ok" for f in found):
        for check in (
            checks.competition, checks.shapes, checks.reach, checks.units, checks.identical_units, checks.activations,
            checks.gradients, checks.data,
        ):  # fmt: skip
            yield from check(patient)
        if lr is not None:
            yield from checks.step_sizes(patient, lr, kind, _unlearned(patient))
    if training is not None:
        for look in (checks.rate_too_high, checks.progress, checks.overfitting):
            yield from look(training)
