"""What a network computed, read off the graph of its pass: layers and activations, however it is written.

Every product with a parameter is a layer, and every relu, tanh and sigmoid an activation, in Modules, functions or
matrices by hand. Names come from the modules and parameters. All that the doctor knows of the insides of a Tensor,
beyond `core.graph`, stands in this file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from surefit import nn
from surefit.core.backward import backpropagate
from surefit.core.graph import ancestors, arguments, birth, constants, op_of, parents
from surefit.core.leaves import Parameter
from surefit.core.tensor import Tensor
from surefit.models.observed import Seen

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
    stacked: bool = False  # a matrix (inputs, units) for each of several networks side by side

    def per_unit(self, of: str = "weight") -> np.ndarray:
        """The numbers that come into each unit, (units, inputs [+ 1 for the bias]); of "weight" or "gradient"."""
        w, b = (self.weight, self.bias) if of == "weight" else (self.gradient, self.bias_gradient)
        assert w is not None
        if self.stacked:
            rows = w.swapaxes(-1, -2).reshape(-1, w.shape[-2])
        else:
            rows = w.reshape(w.shape[0], -1) if self.units_first or w.ndim > 2 else w.T
        return rows if b is None or b.size != len(rows) else np.column_stack([rows, b.reshape(-1)])


@dataclass
class Units:
    """An activation. slope (rows, units): relative to its steepest, so 0 is flat and 1 is where nothing is lost."""

    name: str
    kind: str  # "rectifier" or "bounded"
    slope: np.ndarray
    hidden: bool  # a layer follows


# --- reading a tensor -------------------------------------------------------------------------------------------


def array(t: Tensor) -> np.ndarray:
    """The numbers of a tensor; of one inside `batch` those of all samples."""
    value = t._value
    while hasattr(value, "frame"):
        value = value.value
    return np.asarray(value)


def values_of(g: Any) -> np.ndarray:
    return array(g) if isinstance(g, Tensor) else np.asarray(getattr(g, "value", g))


def leaf_state(leaf: Tensor) -> tuple[Any, Any, bool]:
    """The number, the gradient and the flag of a leaf, for `restore`."""
    return leaf._value, leaf._grad, leaf.requires_grad


def restore(leaf: Tensor, state: tuple[Any, Any, bool]) -> None:
    """Make a leaf what it was."""
    value, leaf._grad, leaf.requires_grad = state
    if leaf._value is not value:
        leaf._store(value)


# --- layers and activations -----------------------------------------------------------------------------------------


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
        self.graph = ancestors(output)
        self.parameter = {id(p): (n, p) for n, p in network.named_parameters()}
        self.modules: dict[int, Seen] = {}  # birth of a tensor -> the leaf module that made it
        for s in seen:
            if isinstance(s.output, Tensor):
                for t in ancestors(s.output, stop=[i for i in s.inputs if isinstance(i, Tensor)]):
                    self.modules[birth(t)] = s
        self.users: dict[int, list[Tensor]] = {}
        for t in self.graph:
            for p in parents(t):
                self.users.setdefault(birth(p), []).append(t)
        self.products: dict[int, Weight] = {}
        for t in self.graph:
            weight = self._weight(t)
            if weight is not None:
                self.products[birth(t)] = weight
        self.after: dict[int, Tensor] = {}  # birth -> the nearest product before it, itself included
        self.hidden: set[int] = set()  # births of what enters a product sooner or later
        for t in self.graph:
            before = [self.after[birth(p)] for p in parents(t) if birth(p) in self.after]
            nearest = t if birth(t) in self.products else max(before, key=birth, default=None)
            if nearest is not None:
                self.after[birth(t)] = nearest
        for t in reversed(self.graph):
            if birth(t) in self.products or birth(t) in self.hidden:
                self.hidden.update(birth(p) for p in parents(t))

    def _origin(self, t: Tensor) -> list[Tensor]:
        """From a parameter to this tensor, when there is only layout between them; else nothing."""
        path = [t]
        while op_of(path[-1]) in _LAYOUT:
            path.append(parents(path[-1])[0])
        return path[::-1] if id(path[-1]) in self.parameter else []

    def _weight(self, t: Tensor) -> Weight | None:
        """What makes this tensor a layer; None when it is none."""
        if op_of(t) != "matmul":
            return None
        for place, p in arguments(t):
            path = self._origin(p)
            matrices = [i for i, step in enumerate(path) if step.ndim >= 2]
            if not matrices:
                continue
            name, leaf = self.parameter[id(path[0])]
            steps = path[matrices[0] + 1 :]
            turned = sum(op_of(step) == "transpose" for step in steps) % 2 == 1
            words = name.removesuffix(".weight") if leaf.ndim >= 2 else f"layer {len(self.products) + 1}"
            return Weight(words, leaf, path[matrices[0]], place == 0, turned, self._bias(t))
        return None

    def _bias(self, t: Tensor) -> Tensor | None:
        """The parameter that is added to a product, or the part of one."""
        users = self.users.get(birth(t), [])
        while len(users) == 1 and op_of(users[0]) in _LAYOUT:
            users = self.users.get(birth(users[0]), [])
        if len(users) != 1 or op_of(users[0]) != "add":
            return None
        for p in parents(users[0]):
            path = self._origin(p)
            if path:
                return next(step for step in path if step.numel() == p.numel())
        return None

    def stacked(self, t: Tensor, leaf: Parameter) -> bool:
        """Whether a product is many at once, one for each matrix of a parameter; windows of a convolution are one."""
        return any(p.ndim == 3 and any(step is leaf for step in self._origin(p)[:1]) for _, p in arguments(t))

    def place(self, t: Tensor) -> str:
        """Where an activation stands: its module, or what it comes after."""
        s = self.modules.get(birth(t))
        if s is not None and isinstance(s.module, RECTIFIERS + BOUNDED):
            return name_of(s)
        near = self.after.get(birth(t))
        return op_of(t) if near is None else f"{op_of(t)} after {self.products[birth(near)].name}"

    def by_unit(self, values: np.ndarray, t: Tensor) -> np.ndarray:
        """An activation's numbers as (rows, units): units are channels after a convolution, else the last axis."""
        near = self.after.get(birth(t))
        axis = -1
        if near is not None and values.ndim >= 2:
            weight = self.products[birth(near)]
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
                found.append(Units(self.place(t), kind, self.by_unit(values, t), birth(t) in self.hidden))
        return found

    def _slope(self, t: Tensor) -> tuple[str, np.ndarray] | None:
        """Kind and relative slope of an activation; None when this tensor is none (or inside a compound one)."""
        s = self.modules.get(birth(t))
        if s is not None and not isinstance(s.module, _PLAIN):
            if isinstance(s.module, RECTIFIERS + BOUNDED):
                kind = "rectifier" if isinstance(s.module, RECTIFIERS) else "bounded"
                return (kind, _relative_slope(s.module, s.inputs[0])) if s.output is t else None
            if type(s.module).__module__.startswith("surefit.nn."):  # what they use inside is their own affair
                return None
        y, op = array(t), op_of(t)
        if op == "relu" or (op == "maximum" and any(np.all(np.asarray(v) == 0) for v in constants(t))):
            return "rectifier", (y > 0).astype(np.float64)
        if op == "tanh":
            return "bounded", 1.0 - np.square(y, dtype=np.float64)
        if op == "sigmoid" and not self._gates(t):
            return "bounded", 4.0 * y * (1.0 - y.astype(np.float64))
        return None

    def _gates(self, t: Tensor) -> bool:
        """Whether a sigmoid is multiplied by what it was taken of, as in x sigmoid(x): that is meant to saturate."""
        own = {birth(p) for p in parents(t)}
        products = [u for u in self.users.get(birth(t), []) if op_of(u) == "mul"]
        return any(own & {birth(p) for p in parents(u)} for u in products)


def _relative_slope(activation: nn.Module, z: Tensor) -> np.ndarray:
    """The derivative of an elementwise activation at z, divided by its steepest (1 for rectifiers)."""

    def slope(at: np.ndarray) -> np.ndarray:
        u = Tensor(at).requires_grad_()
        y = activation.forward(u)
        return values_of(backpropagate([(y, np.ones(y.shape, y.dtype))], wanted=[u])[0][1])

    steepest = 1.0
    if isinstance(activation, BOUNDED):
        steepest = float(slope(np.linspace(-3, 3, 101).astype(z.dtype)).max())
    return slope(array(z)).astype(np.float64) / steepest


def reach(anatomy: Anatomy, output: Tensor) -> tuple[float, float] | None:
    """The range of the last activation, when there is one and only layout follows it."""
    t = output
    while op_of(t) in _LAYOUT:
        t = parents(t)[0]
    s = anatomy.modules.get(birth(t))
    if op_of(t) == "relu" or (s is not None and s.output is t and isinstance(s.module, nn.Softplus)):
        return 0.0, np.inf
    return {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}.get(op_of(t))


def layers(anatomy: Anatomy, trained: set[int]) -> list[Layer]:
    """The products of a graph, without gradients."""
    found = []
    for t in anatomy.graph:
        if birth(t) not in anatomy.products:
            continue
        w = anatomy.products[birth(t)]
        values = array(t)
        if w.left and w.tensor.ndim == values.ndim == 2:
            values = values.T
        found.append(
            Layer(
                name=w.name,
                weight=array(w.tensor),
                bias=None if w.bias is None else array(w.bias),
                output=values.reshape(-1, values.shape[-1]),
                units_first=w.left != w.turned or w.tensor.ndim > 2,
                trained=id(w.leaf) in trained,
                stacked=w.tensor.ndim == 3 and not w.left and not w.turned and anatomy.stacked(t, w.leaf),
            )
        )
    return found


def evenly(n: int, most: int) -> np.ndarray:
    """Places of at most so many of n rows, evenly spaced."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(int))


def norm(a: np.ndarray | None) -> float:
    """The root of the sum of squares; 0 of nothing."""
    return 0.0 if a is None else float(np.linalg.norm(a.astype(np.float64)))


def name_of(s: Seen) -> str:
    return f"{s.name} ({type(s.module).__name__})" if s.name else type(s.module).__name__


__all__ = [
    "Anatomy", "Layer", "Units", "array", "evenly", "layers", "leaf_state", "name_of", "norm", "reach", "restore",
    "values_of",
]  # fmt: skip
