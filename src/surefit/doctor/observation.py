"""What the doctor sees of a network: one forward and one backward pass over a sample, taken apart by layer.

The layers are read off the graph of the pass, not off the modules: every product with a parameter is a layer and
every relu, tanh and sigmoid an activation, however the network is written (Modules, functions, or matrices by hand).
Names come from the modules and parameters. Everything is as before when the pass is over.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from surefit import nn
from surefit.core import ops
from surefit.core.leaves import Parameter
from surefit.core.random import Generator
from surefit.core.tensor import Tensor, backpropagate, enable_grad, no_grad
from surefit.errors import ArgumentError, ShapeError
from surefit.models.observed import Seen, observed
from surefit.nn import functional as F

ROWS = 1000  # rows of the sample that pass through the network; evenly spaced ones of more
PROBE = 1.0  # outputs are raised by this much to ask a loss whether it minds
SURELY_CLASSES = 1e-6  # how near to 0 and 1, and its sum to 1, a row of labels is

# Activations by what goes wrong with them. Those of a graph's own primitives are seen without their module.
RECTIFIERS = (
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.PReLU,
    nn.ELU,
    nn.CELU,
    nn.SELU,
    nn.GELU,
    nn.SiLU,
    nn.Mish,
    nn.Hardswish,
)
BOUNDED = (nn.Tanh, nn.Sigmoid, nn.Softsign, nn.Hardtanh, nn.Hardsigmoid)
_PLAIN = (nn.ReLU, nn.Tanh, nn.Sigmoid)  # these are one primitive
_LAYOUT = ("transpose", "reshape", "cast", "broadcast_to", "slice")  # a weight passed through these is still a weight


@dataclass
class Layer:
    """A product with a weight. output (rows, units), without the bias; gradients are None where there are none."""

    name: str
    weight: np.ndarray
    bias: np.ndarray | None
    output: np.ndarray
    units_first: bool  # the weight stands on the left, W @ x, or is stored (units, inputs)
    gradient: np.ndarray | None = None
    bias_gradient: np.ndarray | None = None
    trained: bool = True

    def per_unit(self, of: str = "weight") -> np.ndarray:
        """The numbers that come into each unit, (units, inputs [+ 1 for the bias]); of "weight" or "gradient"."""
        w, b = (self.weight, self.bias) if of == "weight" else (self.gradient, self.bias_gradient)
        assert w is not None
        rows = w.reshape(w.shape[0], -1) if self.units_first or w.ndim > 2 else w.T
        return rows if b is None or b.size != len(rows) else np.column_stack([rows, b.reshape(-1)])


@dataclass
class Units:
    """An activation. slope (rows, units): relative to its steepest, so 0 is flat and 1 is where nothing is lost."""

    name: str
    kind: str  # "rectifier" or "bounded"
    slope: np.ndarray
    hidden: bool  # a layer follows


@dataclass
class Patient:
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


# --- nothing is changed -------------------------------------------------------------------------------------


@contextmanager
def unchanged(network: nn.Module) -> Iterator[None]:
    """Whatever happens inside, the network is afterwards what it was: leaves, gradients, flags, streams, fields."""
    modules = list(network.modules())
    fields = [(m, dict(m.__dict__), {k: _kept(v) for k, v in m.__dict__.items()}) for m in modules]
    leaves = [(t, t._value, t._grad, t.requires_grad) for t in _leaves(network)]
    try:
        yield
    finally:
        for module, before, copies in fields:
            module.__dict__.clear()
            module.__dict__.update(before)
            for name, kept in copies.items():
                if kept is not None:
                    _put_back(before[name], kept)
        for leaf, value, grad, requires_grad in leaves:
            if leaf._value is not value:
                leaf._store(value)
            leaf._grad, leaf.requires_grad = grad, requires_grad


def _leaves(network: nn.Module) -> list[Tensor]:
    """Every leaf tensor in a field of the network, and those of its random streams."""
    found: dict[int, Tensor] = {}
    for module in network.modules():
        for value in module.__dict__.values():
            for t in (value.key, value.counter) if isinstance(value, Generator) else (value,):
                if isinstance(t, Tensor) and t._node is None:
                    found[id(t)] = t
    return list(found.values())


def _kept(value: Any) -> Any:
    """A copy of what can change in place, or None."""
    if isinstance(value, (list, dict, set, np.ndarray)):
        return value.copy()
    return copy.deepcopy(value.bit_generator.state) if isinstance(value, np.random.Generator) else None


def _put_back(value: Any, kept: Any) -> None:
    if isinstance(value, np.random.Generator):
        value.bit_generator.state = kept
    elif isinstance(value, np.ndarray):
        if value.flags.writeable:
            value[...] = kept
    elif isinstance(value, list):
        value[:] = kept
    else:
        value.clear()
        value.update(kept)


def _for_examination(network: nn.Module) -> None:
    """As for prediction: no dropout, running statistics, or those of the sample where there are none yet."""
    network.eval()
    for m in network.modules():
        seen = m._buffers.get("num_batches_tracked")
        if seen is not None and int(seen.detach().numpy()) == 0:
            m.__dict__["training"] = True
    for p in network.parameters():
        if p.dtype in ops._FLOATS:
            p.requires_grad = True


# --- the pass -----------------------------------------------------------------------------------------------


def observe(network: nn.Module, x: Any, y: Any = None, loss: Any = None, names: Sequence[str] | None = None) -> Patient:
    """Send a sample through a network and its gradient back. Arguments are those of `examine`."""
    if not isinstance(network, nn.Module):
        raise ArgumentError(f"network={network!r} must be a surefit.nn.Module")
    inputs, targets = _sample(x, y)
    rows = evenly(len(inputs), ROWS)
    trained = {id(p) for p in network.parameters() if p.requires_grad}
    with unchanged(network), enable_grad():
        _for_examination(network)
        u = _tensor(inputs[rows], network, isinstance(x, Tensor))
        if u.dtype in ops._FLOATS:
            u.requires_grad_()  # so that the graph holds frozen layers too
        with observed(network) as seen:
            output = network(u)
        if not isinstance(output, Tensor):
            raise ArgumentError(f"network: it must return one tensor, got {type(output).__name__}")
        patient = Patient(
            x=inputs,
            y=targets,
            names=_names(names, inputs),
            output=_array(output),
            parameters={n: _array(p) for n, p in network.named_parameters()},
            outputs_by_module=[(_name(s), _array(s.output)) for s in seen if isinstance(s.output, Tensor)],
        )
        anatomy = Anatomy(network, output, seen)
        patient.units = anatomy.units()
        patient.reach = _reach(anatomy, output)
        patient.layers = _layers(anatomy, trained)
        _add_loss(patient, anatomy, output, None if targets is None else targets[rows], loss)
    return patient


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
    a = values.detach().numpy() if isinstance(values, Tensor) else np.asarray(values)
    if a.dtype.kind not in "fiub":
        raise ArgumentError(f"{name}: must be numbers, got {a.dtype}")
    return a


def evenly(n: int, most: int) -> np.ndarray:
    """Places of at most so many of n rows, evenly spaced."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(int))


def norm(a: np.ndarray | None) -> float:
    """The root of the sum of squares; 0 of nothing."""
    return 0.0 if a is None else float(np.linalg.norm(a.astype(np.float64)))


def _dtype(network: nn.Module) -> np.dtype:
    return next((p.dtype for p in network.parameters() if p.dtype in ops._FLOATS), ops.float32)


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


def _array(t: Tensor) -> np.ndarray:
    """The numbers of a tensor; of one inside `batch` those of all samples."""
    value = t._value
    while hasattr(value, "frame"):
        value = value.value
    return np.asarray(value)


def _name(s: Seen) -> str:
    return f"{s.name} ({type(s.module).__name__})" if s.name else type(s.module).__name__


# --- the graph ----------------------------------------------------------------------------------------------


class Weight(NamedTuple):
    """What makes a product a layer.

    name: of the layer. leaf: the parameter. tensor: the matrix, which is the leaf or a part of it. left: it is the left
    factor, W @ x. turned: it was transposed on its way into the product. bias: what is added to the product, or None.
    """

    name: str
    leaf: Parameter
    tensor: Tensor
    left: bool
    turned: bool
    bias: Tensor | None


class Anatomy:
    """Layers and activations in the graph of an output, in the order in which they were computed."""

    def __init__(self, network: nn.Module, output: Tensor, seen: list[Seen]) -> None:
        self.graph = _ancestors(output)
        self.parameter = {id(p): (n, p) for n, p in network.named_parameters()}
        self.modules: dict[int, Seen] = {}  # birth of a tensor -> the leaf module that made it
        for s in seen:
            if isinstance(s.output, Tensor):
                for t in _ancestors(s.output, stop=[i for i in s.inputs if isinstance(i, Tensor)]):
                    self.modules[t._birth] = s
        self.users: dict[int, list[Tensor]] = {}
        for t in self.graph:
            for p in _parents(t):
                self.users.setdefault(p._birth, []).append(t)
        self.products: dict[int, Weight] = {}
        for t in self.graph:
            weight = self._weight(t)
            if weight is not None:
                self.products[t._birth] = weight
        self.after: dict[int, Tensor] = {}  # birth -> the nearest product before it, itself included
        self.hidden: set[int] = set()  # births of what enters a product sooner or later
        for t in self.graph:
            before = [self.after[p._birth] for p in _parents(t) if p._birth in self.after]
            nearest = t if t._birth in self.products else max(before, key=lambda b: b._birth, default=None)
            if nearest is not None:
                self.after[t._birth] = nearest
        for t in reversed(self.graph):
            if t._birth in self.products or t._birth in self.hidden:
                self.hidden.update(p._birth for p in _parents(t))

    def _origin(self, t: Tensor) -> list[Tensor]:
        """From a parameter to this tensor, when there is only layout between them; else nothing."""
        path = [t]
        while _op(path[-1]) in _LAYOUT:
            path.append(_parents(path[-1])[0])
        return path[::-1] if id(path[-1]) in self.parameter else []

    def _weight(self, t: Tensor) -> Weight | None:
        """What makes this tensor a layer; None when it is none."""
        if t._node is None or _op(t) != "matmul":
            return None
        for place, p, _ in t._node.parents:
            path = self._origin(p)
            matrices = [i for i, step in enumerate(path) if step.ndim >= 2]
            if not matrices:
                continue
            name, leaf = self.parameter[id(path[0])]
            steps = path[matrices[0] + 1 :]
            turned = sum(_op(step) == "transpose" for step in steps) % 2 == 1
            words = name.removesuffix(".weight") if leaf.ndim >= 2 else f"layer {len(self.products) + 1}"
            return Weight(words, leaf, path[matrices[0]], place == 0, turned, self._bias(t))
        return None

    def _bias(self, t: Tensor) -> Tensor | None:
        """The parameter that is added to a product, or the part of one."""
        users = self.users.get(t._birth, [])
        while len(users) == 1 and _op(users[0]) in _LAYOUT:
            users = self.users.get(users[0]._birth, [])
        if len(users) != 1 or _op(users[0]) != "add":
            return None
        for p in _parents(users[0]):
            path = self._origin(p)
            if path:
                return next(step for step in path if step.numel() == p.numel())
        return None

    def place(self, t: Tensor) -> str:
        """Where an activation stands: its module, or what it comes after."""
        s = self.modules.get(t._birth)
        if s is not None and isinstance(s.module, RECTIFIERS + BOUNDED):
            return _name(s)
        near = self.after.get(t._birth)
        return _op(t) if near is None else f"{_op(t)} after {self.products[near._birth].name}"

    def by_unit(self, values: np.ndarray, t: Tensor) -> np.ndarray:
        """An activation's numbers as (rows, units): units are channels after a convolution, else the last axis."""
        near = self.after.get(t._birth)
        axis = -1
        if near is not None and values.ndim >= 2:
            weight = self.products[near._birth]
            if weight.tensor.ndim > 2 and values.ndim > 2:
                axis = 1
            elif weight.left and values.ndim == 2:
                axis = 0
        values = np.moveaxis(values, axis, -1) if values.ndim else values.reshape(1, 1)
        return values.reshape(-1, values.shape[-1])

    def units(self) -> list[Units]:
        """Every activation whose slope is known."""
        found = []
        for t in self.graph:
            slope = self._slope(t)
            if slope is not None:
                kind, values = slope
                found.append(Units(self.place(t), kind, self.by_unit(values, t), t._birth in self.hidden))
        return found

    def _slope(self, t: Tensor) -> tuple[str, np.ndarray] | None:
        """Kind and relative slope of an activation; None when this tensor is none (or inside a compound one)."""
        s = self.modules.get(t._birth)
        if s is not None and not isinstance(s.module, _PLAIN):
            if isinstance(s.module, RECTIFIERS + BOUNDED):
                kind = "rectifier" if isinstance(s.module, RECTIFIERS) else "bounded"
                return (kind, _relative_slope(s.module, s.inputs[0])) if s.output is t else None
            if type(s.module).__module__.startswith("surefit.nn."):  # what they use inside is their own affair
                return None
        y, op = _array(t), _op(t)
        if op == "relu" or (op == "maximum" and any(np.all(np.asarray(v) == 0) for v in _constants(t))):
            return "rectifier", (y > 0).astype(np.float64)
        if op == "tanh":
            return "bounded", 1.0 - np.square(y, dtype=np.float64)
        if op == "sigmoid" and not self._gates(t):
            return "bounded", 4.0 * y * (1.0 - y.astype(np.float64))
        return None

    def _gates(self, t: Tensor) -> bool:
        """Whether a sigmoid is multiplied by what it was taken of, as in x sigmoid(x): that is meant to saturate."""
        own = {p._birth for p in _parents(t)}
        products = [u for u in self.users.get(t._birth, []) if _op(u) == "mul"]
        return any(own & {p._birth for p in _parents(u)} for u in products)


def _op(t: Tensor) -> str:
    """The name of the primitive that made a tensor; "" for a leaf."""
    return "" if t._node is None else t._node.op.name


def _parents(t: Tensor) -> list[Tensor]:
    return [] if t._node is None else [p for _, p, _ in t._node.parents]


def _constants(t: Tensor) -> list[Any]:
    """The arguments of a primitive that no gradient flows to."""
    assert t._node is not None
    flowing = {i for i, _, _ in t._node.parents}
    return [v for i, v in enumerate(t._node.values) if i not in flowing and not hasattr(v, "frame")]


def _ancestors(t: Tensor, stop: Sequence[Tensor] = ()) -> list[Tensor]:
    """All tensors that a tensor was computed from, itself included, oldest first; not beyond those of `stop`."""
    ends = {id(s) for s in stop}
    found = {t._birth: t} if id(t) not in ends else {}
    stack = list(found.values())
    while stack:
        for p in _parents(stack.pop()):
            if p._birth not in found and id(p) not in ends:
                found[p._birth] = p
                stack.append(p)
    return [found[b] for b in sorted(found)]


def _relative_slope(activation: nn.Module, z: Tensor) -> np.ndarray:
    """The derivative of an elementwise activation at z, divided by its steepest (1 for rectifiers)."""

    def slope(at: np.ndarray) -> np.ndarray:
        u = Tensor(at).requires_grad_()
        y = activation.forward(u)
        return _array_of(backpropagate([(y, np.ones(y.shape, y.dtype))], wanted=[u])[0][1])

    steepest = 1.0
    if isinstance(activation, BOUNDED):
        steepest = float(slope(np.linspace(-3, 3, 101).astype(z.dtype)).max())
    return slope(_array(z)).astype(np.float64) / steepest


def _reach(anatomy: Anatomy, output: Tensor) -> tuple[float, float] | None:
    """The range of the last activation, when there is one and only layout follows it."""
    t = output
    while _op(t) in _LAYOUT:
        t = _parents(t)[0]
    s = anatomy.modules.get(t._birth)
    if _op(t) == "relu" or (s is not None and s.output is t and isinstance(s.module, nn.Softplus)):
        return 0.0, np.inf
    return {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}.get(_op(t))


# --- layers, loss and gradients -----------------------------------------------------------------------------


def _layers(anatomy: Anatomy, trained: set[int]) -> list[Layer]:
    """The products of a graph, without gradients."""
    found = []
    for t in anatomy.graph:
        if t._birth not in anatomy.products:
            continue
        w = anatomy.products[t._birth]
        values = _array(t)
        if w.left and w.tensor.ndim == values.ndim == 2:
            values = values.T
        found.append(
            Layer(
                name=w.name,
                weight=_array(w.tensor),
                bias=None if w.bias is None else _array(w.bias),
                output=values.reshape(-1, values.shape[-1]),
                units_first=w.left != w.turned or w.tensor.ndim > 2,
                trained=id(w.leaf) in trained,
            )
        )
    return found


def _add_loss(patient: Patient, anatomy: Anatomy, output: Tensor, y: np.ndarray | None, loss: Any) -> None:
    """Value and gradients of the loss; without y, gradients of a fixed random mixture of the outputs."""
    if y is None:
        mixture = np.random.default_rng(0).standard_normal(output.shape)
        _add_gradients(patient, anatomy, output, Tensor(mixture / max(mixture.size, 1), output.dtype))
        return
    patient.labels = _labels(y, output.shape)
    function, patient.loss_name = _loss_function(loss, patient, y)
    target, patient.broadcasts = _target(y, output, function, patient)
    patient.targets = _array(target)

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
                push = _gradients(v, None, [p]).get(p._birth, np.zeros(p.shape))
            except (ValueError, ArithmeticError):  # outside what the loss accepts
                return None
        return float(_array(v)), push

    v = value(output)
    patient.loss, patient.loss_at = float(_array(v)), loss_at
    patient.push = _add_gradients(patient, anatomy, v, None, [output]).get(output._birth)


def _add_gradients(
    patient: Patient, anatomy: Anatomy, root: Tensor, weight: Any, more: Sequence[Tensor] = ()
) -> dict[int, np.ndarray]:
    """Fills in the gradients of the layers and who gets none; all gradients by birth."""
    leaves = {n: p for n, p in anatomy.parameter.values() if p.requires_grad}
    products = list(anatomy.products.values())
    parts = [p for w in products for p in (w.tensor, w.bias) if p is not None]
    wanted = {t._birth: t for t in (*leaves.values(), *parts, *more)}
    found = _gradients(root, weight, list(wanted.values()))
    patient.unreached = [n for n, p in leaves.items() if p._birth not in found]
    for layer, w in zip(patient.layers, products, strict=True):
        layer.gradient = _summed(found.get(w.tensor._birth), layer.weight)
        layer.bias_gradient = None if w.bias is None else _summed(found.get(w.bias._birth), _array(w.bias))
    return found


def _summed(gradient: np.ndarray | None, of: np.ndarray) -> np.ndarray | None:
    """A gradient in the shape of what it is of; inside `batch` there is one for each sample."""
    return gradient if gradient is None or gradient.ndim == of.ndim else gradient.sum(axis=0)


def _gradients(root: Tensor, weight: Any, wanted: Sequence[Tensor]) -> dict[int, np.ndarray]:
    """Gradients of a tensor (of its product with a weight, summed) by birth of those wanted; no `.grad` is touched."""
    if not root.requires_grad or not wanted:
        return {}
    start = np.ones((), root.dtype) if weight is None else weight
    return {t._birth: _array_of(g) for t, g in backpropagate([(root, start)], wanted=wanted)}


def _array_of(g: Any) -> np.ndarray:
    return _array(g) if isinstance(g, Tensor) else np.asarray(getattr(g, "value", g))


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


def _loss_function(loss: Any, patient: Patient, y: np.ndarray) -> tuple[Callable[[Any, Any], Any], str | None]:
    """The loss and its name; the user's own has none. None: mse, or cross_entropy for class indices."""
    if loss is None:
        loss = "cross_entropy" if patient.classes and y.dtype.kind in "iu" else "mse"
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
    y: np.ndarray, output: Tensor, function: Callable[[Any, Any], Any], patient: Patient
) -> tuple[Tensor, bool]:
    """y as the loss wants it, in the output's shape where the sizes agree; whether the loss broadcast it before."""
    floating = y.dtype.kind in "fb" or (not patient.classes and output.dtype in ops._FLOATS)
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


__all__ = ["BOUNDED", "PROBE", "RECTIFIERS", "ROWS", "Anatomy", "Layer", "Patient", "Units", "observe", "unchanged"]
