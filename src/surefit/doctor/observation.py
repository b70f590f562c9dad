"""What the doctor sees of a network: one forward and one backward pass over a sample, taken apart by layer.

Everything is as before when the pass is over.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from surefit import nn
from surefit.core import ops
from surefit.core.backward import backpropagate
from surefit.core.graph import birth
from surefit.core.modes import enable_grad, no_grad
from surefit.core.tensor import Tensor
from surefit.data.columns import unmasked
from surefit.doctor.graph import Anatomy, Layer, Units, array, evenly, layers, name_of, reach, values_of
from surefit.doctor.unchanged import for_examination, unchanged
from surefit.errors import ArgumentError, ShapeError
from surefit.models.inference import rows_at_once
from surefit.models.observed import observed
from surefit.nn import functional as F

ROWS = 1000  # rows of the sample that pass through the network; evenly spaced ones of more
NUMBERS = 8_000_000  # in an array of it, about: then fewer rows
PROBE = 1.0  # outputs are raised by this much to ask a loss whether it minds
SURELY_CLASSES = 1e-6  # how near to 0 and 1, and its sum to 1, a row of labels is


@dataclass
class Observation:
    """A sample and what the network did with it.

    x, y: the whole sample, y None when unknown. output (rows, ...): of the rows that passed through. loss: its value;
    push: its gradient by output; loss_at(output) evaluates it elsewhere, None where it fails. unreached: names of
    parameters without a gradient, None when nothing was differentiated. labels: (rows,) class
    indices when y holds classes. reach: (low, high) of the last activation, None for a linear end.
    """

    x: np.ndarray
    y: np.ndarray | None
    names: tuple[str, ...]
    output: np.ndarray
    parameters: dict[str, np.ndarray]
    outputs_by_module: list[tuple[str, np.ndarray]]
    targets: np.ndarray | None = None  # y of the rows that passed through, in the shape of the output where it fits
    layers: list[Layer] = field(default_factory=list)
    units: list[Units] = field(default_factory=list)
    loss_name: str | None = None  # None: the user's own, or nothing
    loss: float | None = None
    unreached: list[str] | None = None
    push: np.ndarray | None = None
    loss_at: Callable[[np.ndarray], tuple[float, np.ndarray] | None] = lambda output: None
    labels: np.ndarray | None = None
    reach: tuple[float, float] | None = None
    outputs: tuple[str, ...] = ()  # names of the targets, where they have names
    broadcasts: bool = False  # the user's loss compares shapes that only broadcasting makes equal

    @property
    def classes(self) -> bool:
        """Whether y holds classes and the output one number for each."""
        return self.labels is not None

    @property
    def softmax_in_loss(self) -> bool:
        """Whether the loss does not mind a number added to all outputs of a row: then it takes a softmax itself."""
        moved = self.loss_at(self.output + PROBE)
        return self.loss is not None and moved is not None and math.isclose(moved[0], self.loss, rel_tol=1e-4)


# --- the pass -----------------------------------------------------------------------------------------------


def observe(
    network: nn.Module, x: Any, y: Any = None, loss: Any = None, names: Sequence[str] | None = None
) -> Observation:
    """Send a sample through a network and its gradient back. Arguments are those of `examine`."""
    if not isinstance(network, nn.Module):
        raise ArgumentError(f"network={network!r} must be a surefit.nn.Module")
    inputs, targets = _sample(x, y)
    rows = evenly(len(inputs), rows_at_once(network, ROWS, NUMBERS))
    trained = {id(p) for p in network.parameters() if p.requires_grad}
    with unchanged(network), enable_grad():
        for_examination(network)
        u = _tensor(inputs[rows], network, isinstance(x, Tensor))
        if u.dtype.kind == "f":
            u.requires_grad_()  # so that the graph holds frozen layers too
        with observed(network) as seen:
            output = network(u)
        if not isinstance(output, Tensor):
            raise ArgumentError(f"network: it must return one tensor, got {type(output).__name__}")
        observation = Observation(
            x=inputs,
            y=targets,
            names=_names(names, inputs),
            output=array(output),
            parameters={n: array(p) for n, p in network.named_parameters()},
            outputs_by_module=[(name_of(s), array(s.output)) for s in seen if isinstance(s.output, Tensor)],
        )
        anatomy = Anatomy(network, output, seen)
        observation.units = anatomy.units()
        observation.reach = reach(anatomy, output)
        observation.layers = layers(anatomy, trained)
        _add_loss(observation, anatomy, output, None if targets is None else targets[rows], loss)
    return observation


def _sample(x: Any, y: Any) -> tuple[np.ndarray, np.ndarray | None]:
    inputs = _plain("x", x)
    if inputs.ndim == 0 or not len(inputs):
        raise ShapeError(f"x: shape {inputs.shape}; needed a sample with at least one row, (n, ...)")
    if y is None:
        return inputs, None
    targets = _plain("y", y)
    if targets.ndim == 0 or len(targets) != len(inputs):
        raise ShapeError(f"y: shape {targets.shape} for x of shape {inputs.shape}; needed one row for each row of x")
    return inputs, targets


def _plain(name: str, values: Any) -> np.ndarray:
    a = values.detach().numpy() if isinstance(values, Tensor) else unmasked(values)
    if a.dtype.kind not in "fiub":
        raise ArgumentError(f"{name}: must be numbers, got {a.dtype}")
    return a


def _dtype(network: nn.Module) -> np.dtype:
    return next((p.dtype for p in network.parameters() if p.dtype.kind == "f"), ops.float32)


def _tensor(values: np.ndarray, network: nn.Module, as_it_is: bool) -> Tensor:
    """The sample in the network's dtype; integers stay where they are indices, as for an Embedding."""
    indices = values.dtype.kind in "iu" and (as_it_is or any(isinstance(m, nn.Embedding) for m in network.modules()))
    return Tensor(values) if indices else Tensor(values, _dtype(network))


def _names(names: Sequence[str] | None, x: np.ndarray) -> tuple[str, ...]:
    columns = int(np.prod(x.shape[1:]))
    if names is None:
        return tuple(f"x{i + 1}" for i in range(columns)) if columns != 1 else ("x",)
    if len(names) != columns:
        raise ArgumentError(f"names={list(names)!r}: {len(names)} names for {columns} columns of x")
    return tuple(names)


# --- loss and gradients -----------------------------------------------------------------------------


def _add_loss(observation: Observation, anatomy: Anatomy, output: Tensor, y: np.ndarray | None, loss: Any) -> None:
    """Value and gradients of the loss; without y, gradients of a fixed random mixture of the outputs."""
    if y is None:
        mixture = np.random.default_rng(0).standard_normal(output.shape)
        _add_gradients(observation, anatomy, output, Tensor(mixture / max(mixture.size, 1), output.dtype))
        return
    observation.labels = _labels(y, output.shape)
    function, observation.loss_name = _loss_function(loss, observation, y)
    target, observation.broadcasts = _target(y, output, function, observation)
    observation.targets = array(target)

    def value(prediction: Tensor) -> Tensor:
        v = function(prediction, target)
        if not isinstance(v, Tensor):
            raise ArgumentError(f"loss: it must return a tensor, got {type(v).__name__}")
        return v if v.ndim == 0 else v.mean()

    def loss_at(place: np.ndarray) -> tuple[float, np.ndarray] | None:
        with enable_grad(), np.errstate(all="ignore"):
            p = Tensor(place, output.dtype).requires_grad_()
            try:
                v = value(p)
                push = _gradients(v, None, [p]).get(birth(p), np.zeros(p.shape))
            except (ValueError, ArithmeticError):  # outside what the loss accepts
                return None
        return float(array(v)), push

    v = value(output)
    observation.loss, observation.loss_at = float(array(v)), loss_at
    observation.push = _add_gradients(observation, anatomy, v, None, [output]).get(birth(output))


def _add_gradients(
    observation: Observation, anatomy: Anatomy, root: Tensor, weight: Any, more: Sequence[Tensor] = ()
) -> dict[int, np.ndarray]:
    """Fills in the gradients of the layers and who gets none; all gradients by birth."""
    leaves = {n: p for n, p in anatomy.parameter.values() if p.requires_grad}
    products = list(anatomy.products.values())
    parts = [p for w in products for p in (w.tensor, w.bias) if p is not None]
    wanted = {birth(t): t for t in (*leaves.values(), *parts, *more)}
    found = _gradients(root, weight, list(wanted.values()))
    observation.unreached = [n for n, p in leaves.items() if birth(p) not in found]
    for layer, w in zip(observation.layers, products, strict=True):
        layer.gradient = _summed(found.get(birth(w.tensor)), layer.weight)
        layer.bias_gradient = None if w.bias is None else _summed(found.get(birth(w.bias)), array(w.bias))
    return found


def _summed(gradient: np.ndarray | None, of: np.ndarray) -> np.ndarray | None:
    """A gradient in the shape of what it is of; inside `batch` there is one for each sample."""
    return gradient if gradient is None or gradient.ndim == of.ndim else gradient.sum(axis=0)


def _gradients(root: Tensor, weight: Any, wanted: Sequence[Tensor]) -> dict[int, np.ndarray]:
    """Gradients of a tensor (of its product with a weight, summed) by birth of those wanted; no `.grad` is touched."""
    if not root.requires_grad or not wanted:
        return {}
    start = np.ones((), root.dtype) if weight is None else weight
    return {birth(t): values_of(g) for t, g in backpropagate([(root, start)], wanted=wanted)}


def _labels(y: np.ndarray, shape: tuple[int, ...]) -> np.ndarray | None:
    """Class indices (rows,), when the output has a column for each class and y holds indices or a distribution."""
    if len(shape) != 2 or shape[1] < 2:
        return None
    if y.dtype.kind in "iu" and y.shape == shape[:1] and y.size and y.min() >= 0 and y.max() < shape[1]:
        return y
    if y.shape != shape or not np.isfinite(y).all():
        return None
    near = np.minimum(np.abs(y), np.abs(y - 1.0)).max() <= SURELY_CLASSES
    return y.argmax(axis=1) if near and np.abs(y.sum(axis=1) - 1.0).max() <= SURELY_CLASSES else None


def _loss_function(loss: Any, observation: Observation, y: np.ndarray) -> tuple[Callable[[Any, Any], Any], str | None]:
    """The loss and its name; the user's own has none. None: mse, or cross_entropy for class indices."""
    if loss is None:
        loss = "cross_entropy" if observation.classes and y.dtype.kind in "iu" else "mse"
    if isinstance(loss, str):
        function = getattr(F, f"{loss}_loss", None) or (getattr(F, loss, None) if loss in _NAMED else None)
        if function is None:
            raise ArgumentError(
                f"loss={loss!r} is unknown; name a loss of surefit.nn.functional, such as 'mse', or give a function"
            )
        return function, loss
    if not callable(loss):
        raise ArgumentError(
            f"loss={loss!r} must be a name, a function (prediction, target) -> number, or a loss module"
        )
    own = getattr(loss, "__module__", "") == "surefit.nn.losses"
    if isinstance(loss, nn.Module) and type(loss).__module__ == "surefit.nn.loss_modules":
        return loss, type(loss).__name__
    return loss, getattr(loss, "__name__", None) if own else None


_NAMED = ("cross_entropy", "binary_cross_entropy", "binary_cross_entropy_with_logits", "kl_div")


def _target(
    y: np.ndarray, output: Tensor, function: Callable[[Any, Any], Any], observation: Observation
) -> tuple[Tensor, bool]:
    """y as the loss wants it, in the output's shape where the sizes agree; whether the loss broadcast it before."""
    floating = y.dtype.kind in "fb" or (not observation.classes and output.dtype.kind == "f")
    target = Tensor(y, output.dtype) if floating else Tensor(y)
    if not floating or target.shape == output.shape or target.numel() != output.numel():
        return target, False
    try:
        with no_grad():
            function(output.detach(), target)
        passed = True
    except ShapeError:
        passed = False
    return target.reshape(*output.shape), passed


__all__ = ["PROBE", "ROWS", "Observation", "observe"]
