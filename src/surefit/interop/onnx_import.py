"""A network from an ONNX file, as a Module whose weights are parameters.

Nothing in a file is trusted: lengths, shapes and dtypes are checked before a value is made, weights beside the file are
read from plain files in its own directory alone, and nothing is run but the operators of `onnx_operators`.
"""

from __future__ import annotations

import math
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np

from surefit import nn
from surefit.core.leaves import Parameter
from surefit.core.tensor import Tensor
from surefit.errors import ArgumentError, MissingExtraError, ModelFileError, SurefitError
from surefit.files import reason, regular_file
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
    """A graph of ONNX operators. inputs, outputs: their names, in order; nodes: (operator, attributes, names)."""

    def __init__(self, proto: Any, folder: Path) -> None:
        super().__init__()
        graph = proto.graph
        if proto.functions:
            raise ModelFileError("the ONNX file defines functions of its own, which are not read; export it without")
        if graph.sparse_initializer:
            raise ModelFileError("the ONNX file has sparse weights, which are not read; make them dense")
        version = max((o.version for o in proto.opset_import if o.domain in ("", "ai.onnx")), default=1)
        self.fixed: dict[str, Any] = {}
        self.leaves: dict[str, str] = {}
        total = 0
        for i, tensor in enumerate(graph.initializer):
            value = array_of(tensor, folder)
            total += value.size
            if total > MOST:
                raise ModelFileError(f"the weights of the ONNX file have more than {MOST} elements; it is refused")
            self._enter(tensor.name, value, i)
        self.inputs = tuple(v.name for v in graph.input if v.name not in self.fixed and v.name not in self.leaves)
        self.outputs = tuple(v.name for v in graph.output)
        self.nodes: list[tuple[str, dict[str, Any], tuple[str, ...], tuple[str, ...]]] = []
        defined = {"", *self.inputs, *self.fixed, *self.leaves}
        for node in graph.node:
            self._read(node, version, folder, defined)
        missing = [name for name in self.outputs if name not in defined]
        if missing or not self.outputs:
            raise ModelFileError(f"no node of the ONNX file computes its output {', '.join(missing) or '(none)'}")
        self.eval()

    def _enter(self, name: str, value: np.ndarray, i: int) -> None:
        """A weight: a parameter if it is floating and no single number, else known."""
        if value.dtype.kind == "f" and value.ndim and value.size:
            self.leaves[name] = f"weight{i}"
            setattr(self, f"weight{i}", Parameter(value))
        else:
            self.fixed[name] = value

    def _read(self, node: Any, version: int, folder: Path, defined: set[str]) -> None:
        if node.domain not in ("", "ai.onnx") or (node.op_type not in OPERATORS and node.op_type != "Constant"):
            where = f" of the domain {node.domain!r}" if node.domain else ""
            raise ModelFileError(f"the ONNX operator {node.op_type!r}{where} is not known; known are {_listed()}")
        unknown = [name for name in node.input if name not in defined]
        if unknown:
            raise ModelFileError(f"the ONNX node {node.op_type} reads {unknown[0]!r}, which nothing before it computes")
        attributes = {a.name: _attribute(a, folder) for a in node.attribute}
        if node.op_type == "Constant":
            value = _constant(attributes)
            if any(name in defined for name in node.output):
                raise ModelFileError(f"the ONNX file computes {node.output[0]!r} twice")
            self.fixed[node.output[0]] = value
            defined.add(node.output[0])
            return
        if node.op_type == "Cast":
            if attributes.get("to") not in _DTYPES:
                raise ModelFileError(f"the ONNX node Cast makes data type {attributes.get('to')}, which is not read")
            attributes["to"] = np.dtype(_DTYPES[attributes["to"]])
        attributes |= {"op": node.op_type, "version": version, "outputs": len(node.output)}
        self.nodes.append((node.op_type, attributes, tuple(node.input), tuple(node.output)))
        for name in node.output:
            if name and name in defined:
                raise ModelFileError(f"the ONNX file computes {name!r} twice")
            defined.add(name)

    def forward(self, *args: Any) -> Any:
        if len(args) != len(self.inputs):
            raise ArgumentError(f"the ONNX model takes {', '.join(self.inputs)}; got {len(args)} values")
        env: dict[str, Any] = {"": None, **self.fixed}
        env |= {name: getattr(self, leaf) for name, leaf in self.leaves.items()}
        env |= dict(zip(self.inputs, args, strict=True))
        for op, attributes, inputs, outputs in self.nodes:
            given = [env[name] for name in inputs]
            while given and given[-1] is None:
                given.pop()
            try:
                made = OPERATORS[op](attributes, *given)
            except SurefitError as e:
                raise type(e)(f"the ONNX node {op} ({', '.join(outputs)}): {e}") from None
            except (KeyError, TypeError, ValueError, IndexError) as e:
                raise ModelFileError(f"the ONNX node {op} ({', '.join(outputs)}) is malformed: {e}") from None
            many = made if isinstance(made, (tuple, list)) else (made,)
            env |= dict(zip(outputs, many, strict=False))
            if len(outputs) > len(many) and any(name for name in outputs[len(many) :]):
                env |= {name: _Missing(op) for name in outputs[len(many) :] if name}
        results = [env[name] for name in self.outputs]
        for r in results:
            if isinstance(r, _Missing):
                raise ModelFileError(f"the ONNX node {r.op} has further outputs, which are not computed here")
        results = [r if hasattr(r, "aval") or isinstance(r, Tensor) else Tensor(np.array(r)) for r in results]
        return results[0] if len(results) == 1 else tuple(results)


class _Missing:
    """An output of a node that is only needed in training."""

    def __init__(self, op: str) -> None:
        self.op = op


def _listed() -> str:
    return ", ".join(sorted(OPERATORS))


_DTYPES = {1: np.float32, 6: np.int32, 7: np.int64, 9: np.bool_, 11: np.float64}
_FIELDS = {1: "float_data", 6: "int32_data", 7: "int64_data", 9: "int32_data", 11: "double_data"}


def array_of(tensor: Any, folder: Path) -> np.ndarray:
    """The numbers of a TensorProto; as many as its shape says, or ModelFileError."""
    name = tensor.name or "a constant"
    if tensor.data_type not in _DTYPES:
        known = ", ".join(np.dtype(d).name for d in _DTYPES.values())
        raise ModelFileError(f"{name!r} of the ONNX file has data type {tensor.data_type}; read are {known}")
    dtype = np.dtype(_DTYPES[tensor.data_type])
    shape = tuple(int(n) for n in tensor.dims)
    count = math.prod(shape)
    if any(n < 0 for n in shape) or count > MOST:
        raise ModelFileError(f"{name!r} of the ONNX file says that its shape is {shape}, which is refused")
    if tensor.data_location == 1:
        raw = _outside(tensor, folder, count * dtype.itemsize)
    elif tensor.HasField("raw_data"):
        raw = tensor.raw_data
    else:
        numbers = getattr(tensor, _FIELDS[tensor.data_type])
        if len(numbers) != count:
            raise ModelFileError(f"{name!r} of the ONNX file holds {len(numbers)} numbers for its shape {shape}")
        return np.array(numbers, dtype).reshape(shape)
    if len(raw) != count * dtype.itemsize:
        raise ModelFileError(f"{name!r} of the ONNX file holds {len(raw)} bytes for its shape {shape} of {dtype}")
    return np.frombuffer(raw, dtype.newbyteorder("<")).astype(dtype).reshape(shape)


def _outside(tensor: Any, folder: Path, size: int) -> bytes:
    """Weights from a file of their own, which must be a plain one in the directory of the model."""
    external = {e.key: e.value for e in tensor.external_data}
    place = external.get("location", "")
    if not place or "\0" in place or os.path.isabs(place) or Path(place).name != place or place in (".", ".."):
        raise ModelFileError(
            f"the ONNX file wants weights from {place!r}; only a file beside it is read, not another directory"
        )
    try:
        offset, length = int(external.get("offset", 0)), int(external.get("length", size))
    except ValueError:
        raise ModelFileError(f"the ONNX file names no place in {place!r} that is a number") from None
    try:
        handle = os.open(folder / place, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as e:
        raise ModelFileError(
            f"the ONNX file wants weights from {place!r}, which is no plain file beside it ({reason(e)})"
        ) from None
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or (folder / place).is_symlink():
            raise ModelFileError(f"the ONNX file wants weights from {place!r}, which is no plain file")
        if length != size or offset < 0 or offset + length > status.st_size:
            raise ModelFileError(f"{place!r} has no {size} bytes of weights where the ONNX file says they are")
        file.seek(offset)
        return file.read(length)


def _attribute(a: Any, folder: Path) -> Any:
    """An attribute of a node as plain data."""
    kinds = {1: "f", 2: "i", 6: "floats", 7: "ints"}
    if a.type in kinds:
        value = getattr(a, kinds[a.type])
        return list(value) if a.type > 5 else value
    if a.type == 3:
        return a.s.decode("utf-8", "replace")
    if a.type == 8:
        return [s.decode("utf-8", "replace") for s in a.strings]
    if a.type == 4:
        return array_of(a.t, folder)
    raise ModelFileError(f"the attribute {a.name!r} of an ONNX node is of a kind that is not read, such as a graph")


def _constant(attributes: dict[str, Any]) -> np.ndarray:
    for name, value in attributes.items():
        if name == "value" and isinstance(value, np.ndarray):
            return value
        if name in ("value_float", "value_floats"):
            return np.array(value, np.float32)
        if name in ("value_int", "value_ints"):
            return np.array(value, np.int64)
    raise ModelFileError("an ONNX node Constant holds no numbers")


__all__ = ["OnnxModule", "array_of", "from_onnx"]
