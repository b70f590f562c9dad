"""A network from an ONNX file, as a Module whose weights are parameters.

Nothing in a file is trusted: lengths, shapes and dtypes are checked before a value is made, weights beside the file are
read from plain files in its own directory alone, and nothing is run but the operators of `onnx_operators`.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from surefit import nn
from surefit.checking import memory_limit
from surefit.core import ops
from surefit.core.leaves import Parameter
from surefit.core.modes import is_grad_enabled
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, MissingExtraError, ModelFileError, ShapeError, SurefitError
from surefit.files import reason, regular_file
from surefit.interop.onnx_checking import (
    DTYPES,
    array_of,
    attributes_of,
    check_graph,
    check_node,
    check_sizes,
    constant_of,
    defaults_of,
    shown,
)
from surefit.interop.onnx_operators import MOST, OPERATORS
from surefit.keywords import naming

LARGEST = 2**31  # bytes of a file, which is what protobuf can hold


@naming
def from_onnx(path: str | os.PathLike[str]) -> OnnxModule:
    """A feed-forward network from an ONNX file.

    Args:
        path: the file. Weights in files of their own must lie beside it.

    Returns:
        A Module: called with the inputs of the graph, tensors of the shapes that the file says, it returns the output
        (a tuple of several). Its floating weights are parameters, so that it can be trained, fitted further, recorded,
        compiled and exported.

    Raises:
        ModelFileError: the file is damaged or hostile, or has an operator that is not known here; its name is said.
        MissingExtraError: the package onnx is not installed.
    """
    onnx = _package()
    file = regular_file(path, "ONNX file", error=ModelFileError)
    try:
        if file.stat().st_size > LARGEST:
            raise ModelFileError(f"{str(path)!r} has more than {LARGEST} bytes, which no ONNX file can have")
        content = file.read_bytes()
    except OSError as e:
        raise ModelFileError(f"cannot read the ONNX file {str(path)!r} ({reason(e)})") from None
    check_sizes(str(path), content)
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(content)
    except Exception:
        raise ModelFileError(f"{str(path)!r} is not an ONNX file, or it is damaged") from None
    if not proto.graph.node:
        raise ModelFileError(f"{str(path)!r} holds no graph; an ONNX file with nodes is needed")
    return OnnxModule(proto, Path(os.path.realpath(file)).parent)


def _package() -> Any:
    try:
        import onnx
    except ImportError:
        raise MissingExtraError('from_onnx needs the package onnx: pip install "surefit[onnx]"') from None
    return onnx


class OnnxModule(nn.Module):
    """A graph of ONNX operators. inputs, outputs: their names, in order; nodes: (operator, attributes, names).

    shapes: of the inputs, as the file says them: None for what it leaves open.
    """

    def __init__(self, proto: Any, folder: Path) -> None:
        super().__init__()
        graph = proto.graph
        if proto.functions:
            raise ModelFileError("the ONNX file defines functions of its own, which are not read; export it without")
        if graph.sparse_initializer:
            raise ModelFileError("the ONNX file has sparse weights, which are not read; make them dense")
        version = check_graph(_package(), proto)
        self.fixed: dict[str, Any] = {}
        self.leaves: dict[str, str] = {}
        self.shapes = {v.name: _shape(v.type.tensor_type) for v in graph.input}
        total = 0
        for tensor in graph.initializer:
            value = array_of(tensor, folder)
            total += value.size
            if tensor.name in self.fixed or tensor.name in self.leaves:
                raise ModelFileError(f"the ONNX file has two weights {shown(tensor.name)}")
            if total > MOST:
                raise ModelFileError(f"the weights of the ONNX file have more than {MOST} elements; it is refused")
            self._enter(tensor.name, value)
        self.inputs = tuple(v.name for v in graph.input if v.name not in self.fixed and v.name not in self.leaves)
        self.outputs = tuple(v.name for v in graph.output)
        self.nodes: list[tuple[str, dict[str, Any], tuple[str, ...], tuple[str, ...]]] = []
        defined = {*self.inputs, *self.fixed, *self.leaves}
        for node in graph.node:
            self._read(node, version, folder, defined)
        missing = [name for name in self.outputs if name not in defined]
        if missing or not self.outputs:
            named = ", ".join(map(shown, missing[:5]))
            raise ModelFileError(f"no node of the ONNX file computes its output {named or '(none)'}")
        last = {name: i for i, (_, _, inputs, outputs) in enumerate(self.nodes) for name in (*inputs, *outputs)}
        self.done: list[list[str]] = [[] for _ in self.nodes]  # which values nothing after a node reads
        for name in set(last).difference(("", *self.outputs, *self.fixed, *self.leaves)):
            self.done[last[name]].append(name)
        self.eval()

    def _enter(self, name: str, value: np.ndarray) -> None:
        """A weight: a parameter if it is floating and no single number, else known."""
        if value.dtype.kind == "f" and value.ndim and value.size:
            self.leaves[name] = leaf = f"weight{len(self.leaves) + len(self.fixed)}"
            setattr(self, leaf, Parameter(value))
        else:
            self.fixed[name] = value

    def _read(self, node: Any, version: int, folder: Path, defined: set[str]) -> None:
        if node.domain not in ("", "ai.onnx") or (node.op_type not in OPERATORS and node.op_type != "Constant"):
            where = f" of the domain {shown(node.domain)}" if node.domain else ""
            raise ModelFileError(f"the ONNX operator {shown(node.op_type)}{where} is not known; known are {_listed()}")
        unknown = [name for name in node.input if name and name not in defined]
        if unknown:
            raise ModelFileError(
                f"the ONNX node {node.op_type} reads {shown(unknown[0])}, which nothing before it computes"
            )
        attributes = attributes_of(node, folder)
        check_node(_package(), node, version)
        made = [name for name in node.output if name]
        twice = next((name for i, name in enumerate(made) if name in defined or name in made[:i]), "")
        if twice:
            raise ModelFileError(f"the ONNX file computes {shown(twice)} twice")
        defined.update(made)
        if node.op_type == "Constant":
            self._enter(node.output[0], constant_of(attributes))
            return
        if node.op_type == "Cast":
            if attributes.get("to") not in DTYPES:
                raise ModelFileError(f"the ONNX node Cast makes data type {attributes.get('to')}, which is not read")
            attributes["to"] = np.dtype(DTYPES[attributes["to"]])
        attributes = defaults_of(_package(), node.op_type, version) | attributes
        attributes |= {"op": node.op_type, "version": version, "outputs": len(node.output)}
        self.nodes.append((node.op_type, attributes, tuple(node.input), tuple(node.output)))

    def forward(self, *args: Any) -> Any:
        if len(args) != len(self.inputs):
            raise ArgumentError(
                f"the ONNX model takes {', '.join(map(shown, self.inputs))}; got {len(args)} values"
            )  # fmt: skip
        env: dict[str, Any] = {"": None, **self.fixed}
        env |= {name: getattr(self, leaf) for name, leaf in self.leaves.items()}
        env |= {name: _as_declared(name, self.shapes[name], x) for name, x in zip(self.inputs, args, strict=True)}
        alive, limit, kept = 0, SHARE * memory_limit(), is_grad_enabled()
        for (op, attributes, inputs, outputs), done in zip(self.nodes, self.done, strict=True):
            given = [_constant(env[name]) for name in inputs]
            while given and given[-1] is None:
                given.pop()
            try:
                made = OPERATORS[op](attributes, *given)
            except MemoryError:
                raise ModelFileError(f"the ONNX node {op} makes values that the memory here cannot hold") from None
            except SurefitError as e:
                raise type(e)(f"the ONNX node {op} ({', '.join(map(shown, outputs))}): {str(e)[:400]}") from None
            except Exception as e:  # whatever an operator of the file that does not fit leads to
                said = " ".join(str(e).split())[:200]
                raise ModelFileError(
                    f"the ONNX node {op} ({', '.join(map(shown, outputs))}) is malformed: {said}"
                ) from None
            many = made if isinstance(made, (tuple, list)) else (made,)
            alive += sum(_bytes(value) for value in many)
            env |= {name: _Missing(op) for name in outputs[len(many) :] if name}
            env |= dict(zip(outputs, many, strict=False))
            env[""] = None
            for name in done:
                value = env.pop(name, None)
                alive -= 0 if kept or name in self.inputs else _bytes(value)
            if alive > limit:
                raise ModelFileError(
                    f"the ONNX nodes up to {op} ({', '.join(map(shown, outputs))}) make values of {alive / 2**30:.3g} "
                    f"GiB at once, too much for the memory here; give fewer rows at once"
                )
        results = [env[name] for name in self.outputs]
        for r in results:
            if isinstance(r, _Missing):
                raise ModelFileError(f"the ONNX node {r.op} has further outputs, which are not computed here")
        results = [r if hasattr(r, "aval") or isinstance(r, Tensor) else Tensor(np.array(r)) for r in results]
        if not kept:  # a graph may give a weight as it is
            results = [r.detach() if isinstance(r, Parameter) else r for r in results]
        return results[0] if len(results) == 1 else tuple(results)


def _shape(kind: Any) -> tuple[int | None, ...] | None:
    """The shape that a file says of an input; None: it says none."""
    if not kind.HasField("shape"):
        return None
    return tuple(d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim)


def _as_declared(name: str, shape: tuple[int | None, ...] | None, x: Any) -> Any:
    """A value in the shape that the file says of an input, with as many rows as it has.

    Points (n, d) whose numbers that shape has in other places, as (n, 1, 1, d), are put there in their order. Any other
    shape is an error: a graph means something else then, as the axis 1 of a maximum does.
    """
    if shape is None:
        return x
    have, rest = tuple(x.shape), shape[1:]
    if len(have) == len(shape) and all(n in (None, m) for n, m in zip(rest, have[1:], strict=True)):
        return x
    if len(have) == 2:
        if len(shape) > 1 and None not in rest and math.prod(n or 0 for n in rest) == have[1]:
            return ops.reshape(x, shape=(have[0], *(n or 0 for n in rest)))
        if have[0] == 1 and None not in shape and math.prod(n or 0 for n in shape) == have[1]:
            return ops.reshape(x, shape=tuple(n or 0 for n in shape))
    said = ", ".join("?" if n is None else str(n) for n in shape)
    raise ShapeError(
        f"the input {shown(name)} of the ONNX file has the shape ({said}{',' * (len(shape) == 1)}); got {have}; give "
        "that shape, or points (n, d) with as many numbers each"
    )


def _constant(x: Any) -> Any:
    """A value that is known while the graph is read may stand in a recorded program, however large it is."""
    return x.view(ops.Literal) if isinstance(x, np.ndarray) else x


SHARE = 0.25  # of the memory that the values of a graph may take; an operator takes a few times as much while it works


def _bytes(value: Any) -> int:
    """Of a value of a node; 0 for what only stands for one."""
    if isinstance(value, (Tensor, np.ndarray)):
        return int(math.prod(value.shape)) * int(value.dtype.itemsize)
    return 0


class _Missing:
    """An output of a node that is only needed in training."""

    def __init__(self, op: str) -> None:
        self.op = op


def _listed() -> str:
    return ", ".join(sorted(OPERATORS))


__all__ = ["OnnxModule", "from_onnx"]
