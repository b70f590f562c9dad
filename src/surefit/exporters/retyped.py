"""A Program with every float of one dtype: for hardware that has only float32, or for the digits of float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from surefit.core import ops
from surefit.core.program import Constant, Equation, Program, Var
from surefit.core.tensor import Tensor


def retyped(program: Program, dtype: Any) -> Program:
    """The same equations in another dtype: inputs, weights, constants and results.

    Args:
        program: floats of any dtype in it are replaced; integers and booleans stay.
        dtype: float32 or float64.

    Returns:
        A Program whose weights are copies of those that the given one reads now.
    """
    to = ops.dtype_of(dtype)
    names: dict[str, Var] = {}

    def name(v: Var) -> Var:
        if v.dtype.kind == "f":
            v = Var(v.name, v.aval._replace(dtype=to), None)
        names[v.name] = v
        return v

    def array(a: np.ndarray) -> np.ndarray:
        return a.astype(to) if a.dtype.kind == "f" else a

    def atom(a: Var | Constant) -> Var | Constant:
        return names[a.name] if isinstance(a, Var) else Constant(array(a.value))

    def param(value: Any) -> Any:
        return to if isinstance(value, np.dtype) and value.kind == "f" else value

    inputs = tuple(map(name, program.inputs))
    state = tuple((Tensor(array(np.asarray(program._present(t)))), name(v)) for t, v in program.state_in)
    equations = tuple(
        Equation(name(e.result), e.op, tuple(map(atom, e.args)), {k: param(v) for k, v in e.params.items()}, e.line)
        for e in program.equations
    )
    outputs = tuple(map(atom, program.outputs))
    made = Program(program.name, inputs, state, equations, outputs, (), program.rebuild)
    made.check()
    return made


__all__ = ["retyped"]
