"""The derivatives of a network's outputs by its parameters, row by row, as machine code.

The engine differentiates the recorded evaluation of one row, the batch reading makes many rows of that, and the
compiler makes code of the whole. What is differentiated by are the parts of the parameter vector that the network
reads, each a weight or a bias: by the vector itself, every part's derivative would be written out with zeros for all
the others.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit.core.batching import batch
from surefit.core.functional import jacobian
from surefit.core.functions import cat
from surefit.core.leaves import FlatVector
from surefit.core.modes import no_grad
from surefit.core.program import Program, Var, record
from surefit.core.tensor import Tensor

if TYPE_CHECKING:
    from surefit.compiler.ready import Ready

ROWS = 32  # at a time: their derivatives stay in a core's cache until they are copied to where they belong


def compiled_jacobian(program: Program, vector: FlatVector, size: int, tangents: bool) -> Ready:
    """Of outputs (k,) at one row: a function of rows (m, d) -> their derivatives (m, k, size) by the first parameters.

    program: of one row; vector: the leaf that holds all parameters, of which the first `size` are meant. tangents:
    derivatives (m, k + d k, size), of the outputs and then of their derivatives by the inputs, by input and output.
    Calls use the vector's present values and all cores; neither these nor the rows beside it change a bit of a row.
    RecordError, MissingExtraError: the program does not compile, or nothing does here.
    """
    from surefit.compiler.ready import Ready

    leaves = [leaf for leaf, _ in program.state_in]
    place = next(i for i, leaf in enumerate(leaves) if leaf is vector)
    ranges = _parts(program, program.state_in[place][1], size)
    names = [name for name, _ in ranges]
    bounds = sorted({bound for _, bound in ranges}) or [(0, vector.numel())]
    inner = replace(
        program, inputs=(*program.inputs, *names),
        equations=tuple(eq for eq in program.equations if eq.result not in names),
    )  # fmt: skip

    def one(row: Any) -> Any:
        state: list[Any] = list(leaves)

        def everything(*parts: Any) -> Any:
            given = dict(zip(bounds, parts, strict=True))
            now = state if ranges else [*state[:place], *parts, *state[place + 1 :]]

            def outputs(point: Any) -> Any:
                return inner.replay([point, *(given[bound] for _, bound in ranges)], now)[0][0]

            if not tangents:
                return outputs(row)
            return cat([outputs(row), jacobian(outputs)(row).T.reshape(-1)])

        parts = [vector[start:stop] for start, stop in bounds]
        found = jacobian(everything, tuple(range(len(parts))))(*parts)
        rows = found[0].shape[0]
        blocks: list[Any] = []
        end = 0
        for (start, stop), block in zip(bounds, found, strict=True):
            if start > end:  # of what is never read
                blocks.append(Tensor(np.zeros((rows, start - end))))
            blocks.append(block)
            end = stop
        if end < size:
            blocks.append(Tensor(np.zeros((rows, size - end))))
        return cat(blocks, 1)[:, :size]

    d = program.inputs[0].shape[0]
    with no_grad():
        return Ready(record(batch(one), Tensor(np.zeros((ROWS, d)))), "fast")


def _parts(program: Program, vector: Var, size: int) -> list[tuple[Var, tuple[int, int]]]:
    """What reads a part of the vector before `size`, and from where to where; none where it is read in another way."""
    found: list[tuple[Var, tuple[int, int]]] = []
    for eq in program.equations:
        if vector not in eq.args:
            continue
        if eq.op.name != "slice" or eq.params["step"] != (1,):
            return []
        start, stop = eq.params["start"][0], eq.params["stop"][0]
        if start < size:
            found.append((eq.result, (start, stop)))
    bounds = sorted({bound for _, bound in found})
    apart = all(first[1] <= second[0] for first, second in pairwise(bounds))
    return found if apart and all(stop <= size for _, stop in bounds) else []


__all__ = ["compiled_jacobian"]
