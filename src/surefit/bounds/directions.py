"""With which inputs the outputs of a Program can rise or fall: a reading of its equations by signs alone.

Of each number two things are known for each input: whether it may rise with it, and whether it may fall. A function
that rises keeps both, a factor below 0 exchanges them, a sum has what any of its terms has; whatever else is done to a
number that depends on an input leaves both possible. So what comes out is proved at every point, not only in a domain,
for exact arithmetic on the stored numbers. That a network is monotone by the signs of its weights is what is seen (Sill
1998, Monotonic networks); where two parts of a network move against each other, nothing is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from surefit.bounds.proving import program_of
from surefit.core.program import Constant, Equation, Program, Var

RISING = frozenset(
    "cast tanh sigmoid softplus relu exp expm1 log log1p sqrt sinh asinh asin atan erf atanh acosh floor ceil round "
    "trunc sign".split()
)  # functions of one number that never fall where they are defined
FALLING = frozenset(("neg", "acos"))
MOVING = frozenset(
    "reshape transpose broadcast_to concatenate slice flip sum cumsum amax maximum minimum add".split()
)  # whose results rise with each of their arguments


@dataclass(frozen=True)
class Moves:
    """Of each number of an array whether it may rise and fall with each input: two arrays (inputs, *shape)."""

    rises: np.ndarray
    falls: np.ndarray

    @property
    def turned(self) -> Moves:
        return Moves(self.falls, self.rises)

    @property
    def depends(self) -> np.ndarray:
        return np.asarray(self.rises | self.falls)


def directions(model: Any, inputs: int) -> np.ndarray:
    """Directions (outputs, inputs) that are proved: 1 never falls, -1 never rises, 0 does not depend, NaN not known.

    model: a Module (n, d) -> (n, k), or a Program of one row (1, d) -> (1, k). inputs: d.

    >>> import numpy as np
    >>> from surefit import nn
    >>> network = nn.MLP(2, (3,), 1, generator=0)
    >>> for weight in (network[0].weight, network[2].weight):
    ...     _ = weight.assign(abs(weight.detach().numpy()))
    >>> directions(network, 2).tolist()
    [[1.0, 1.0]]
    """
    program = program_of(model, inputs)
    found = _read(program, inputs)
    if not isinstance(found, Moves):
        return np.zeros((int(np.size(found)), inputs))
    rises, falls = (part.reshape(inputs, -1).T for part in (found.rises, found.falls))
    return np.where(rises & falls, np.nan, rises.astype(float) - falls)


def _read(program: Program, inputs: int) -> Any:
    """Moves of the first output, or its value where it depends on no input."""
    (x,) = program.inputs
    own = np.eye(inputs, dtype=bool).reshape(inputs, *x.shape)
    env: dict[Var, Any] = {x: Moves(own, np.zeros_like(own))}
    env |= {v: np.asarray(t.detach().numpy()) for t, v in program.state_in}
    for e in program.equations:
        args = [env[a] if isinstance(a, Var) else a.value for a in e.args]
        if any(isinstance(a, Moves) for a in args):
            env[e.result] = _moved(e, args, inputs)
        else:
            with np.errstate(all="ignore"):
                env[e.result] = e.op(*args, **e.params)
    result = program.outputs[0]
    return result.value if isinstance(result, Constant) else env[result]


def _moved(e: Equation, args: list[Any], inputs: int) -> Moves:
    """What an equation makes of its arguments."""
    name, first = e.op.name, args[0]
    if name in RISING:
        return first
    if name in FALLING:
        return first.turned
    if name == "sub":
        second = args[1]
        args, name = [first, second.turned if isinstance(second, Moves) else second], "add"
    if name in MOVING:
        return _together(e, args, inputs)
    known = next((i for i, a in enumerate(args) if not isinstance(a, Moves)), None)
    if known is not None and (name == "mul" or (name == "div" and known == 1)):
        return _times(name, args, known)
    if known is not None and name == "matmul" and min(a.ndim for a in _values(args)) > 1:
        return _times(name, args, known)
    return _anything(e, args, inputs)


def _values(args: list[Any]) -> list[np.ndarray]:
    """Arrays of the shapes of the arguments."""
    return [a.rises[0] if isinstance(a, Moves) else np.asarray(a) for a in args]


def _together(e: Equation, args: list[Any], inputs: int) -> Moves:
    """The moves of a result that rises with each of its arguments: the same operation, on marks of 0 and 1."""
    binary = e.op.name in ("add", "sub", "maximum", "minimum")

    def marks(a: Any, which: str, i: int) -> np.ndarray:
        if isinstance(a, Moves):
            return np.asarray(getattr(a, which)[i], np.float64)
        return np.zeros(np.shape(a))

    def of(which: str) -> np.ndarray:
        parts = []
        for i in range(inputs):
            each = [marks(a, which, i) for a in args]
            found = each[0] + each[1] if binary else e.op(*each, **e.params)
            parts.append(np.broadcast_to(found > 0, e.result.shape))
        return np.stack(parts)

    return Moves(of("rises"), of("falls"))


def _times(name: str, args: list[Any], constant: int) -> Moves:
    """The moves of a product with numbers that are known."""
    factor = np.asarray(args[constant], np.float64)
    moves = args[1 - constant]
    rank = max(factor.ndim, moves.rises.ndim - 1)
    whole = (len(moves.rises), *(1,) * (rank - moves.rises.ndim + 1), *moves.rises.shape[1:])
    up, down = (np.isnan(factor) | (factor > 0)).astype(float), (np.isnan(factor) | (factor < 0)).astype(float)

    def product(marks: np.ndarray, factor: np.ndarray) -> np.ndarray:
        marks = marks.reshape(whole).astype(float)
        if name == "matmul":
            return np.asarray(factor @ marks if constant == 0 else marks @ factor) > 0
        return marks * factor > 0

    return Moves(
        product(moves.rises, up) | product(moves.falls, down), product(moves.rises, down) | product(moves.falls, up)
    )


def _anything(e: Equation, args: list[Any], inputs: int) -> Moves:
    """Moves of a result of which nothing is known, but that it depends on what its arguments depend on."""
    shape = e.result.shape
    alike = e.op.elementwise and all(a.ndim <= len(shape) for a in _values(args))
    depends = np.zeros((inputs, *shape), bool)
    for a in args:
        if not isinstance(a, Moves):
            continue
        if alike:
            own = a.depends
            own = own.reshape(inputs, *(1,) * (len(shape) - own.ndim + 1), *own.shape[1:])
            depends = depends | own
        else:
            depends = depends | a.depends.reshape(inputs, -1).any(axis=1).reshape(inputs, *(1,) * len(shape))
    return Moves(depends, depends)


__all__ = ["directions"]
