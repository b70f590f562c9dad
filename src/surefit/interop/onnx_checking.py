"""What is looked at before a graph from an ONNX file is built: sizes, names, shapes, dtypes, the specification's rules.

The rules of each operator (how many inputs, which attributes) are those that the package onnx has of its opset.
"""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from surefit.checking import memory_limit
from surefit.errors import ModelFileError
from surefit.files import reason
from surefit.interop.onnx_operators import MOST

DTYPES = {1: np.float32, 6: np.int32, 7: np.int64, 9: np.bool_, 11: np.float64}
_FIELDS = {1: "float_data", 6: "int32_data", 7: "int64_data", 9: "int32_data", 11: "double_data"}
MOST_AXES = 32  # of a value, which is what older NumPy holds
GROWTH = 100  # bytes of memory for one byte of structure, once protobuf has read it: empty messages are the worst
ENTRIES = 10**6  # of a graph, and of a weight: nodes, weights, inputs, outputs


def shown(name: str) -> str:
    """A name from a file, in one line and not too long."""
    return repr(name) if len(name) <= 60 else repr(name[:57] + "...")


def check_graph(onnx: Any, proto: Any) -> int:
    """The opset of a model; ModelFileError where it is of another kind, or newer than the package onnx knows."""
    graph = proto.graph
    newest = onnx.defs.onnx_opset_version()
    if proto.ir_version > onnx.IR_VERSION:
        raise ModelFileError(
            f"the ONNX file has IR version {proto.ir_version}, and the package onnx here reads up to "
            f"{onnx.IR_VERSION}; upgrade it, or export an older version"
        )
    versions = [o.version for o in proto.opset_import if o.domain in ("", "ai.onnx")]
    if not versions and proto.ir_version >= 3:
        raise ModelFileError("the ONNX file names no opset; export it with one")
    version = max(versions, default=1)
    if not 1 <= version <= newest:
        raise ModelFileError(
            f"the ONNX file has opset {version}, and the package onnx here knows 1 to {newest}; upgrade it, or export "
            "an older opset"
        )
    names = [v.name for v in graph.input]
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None) if len(names) < 1000 else "(many)"
    if twice is not None or not all(names):
        raise ModelFileError(f"the ONNX file has two inputs {shown(twice)}" if twice else "an ONNX input has no name")
    given = {t.name for t in graph.initializer}
    for v in graph.input:
        kind = v.type.WhichOneof("value")
        element = v.type.tensor_type.elem_type
        if v.name not in given and (kind not in ("tensor_type", None) or (element and element not in DTYPES)):
            known = ", ".join(np.dtype(d).name for d in DTYPES.values())
            what = f"data type {element}" if kind == "tensor_type" else str(kind)
            raise ModelFileError(f"the input {shown(v.name)} of the ONNX file has {what}; read are {known}")
    return int(version)


def check_node(onnx: Any, node: Any, version: int) -> None:
    """ModelFileError where a node breaks the rules of its operator in this opset."""
    name = node.op_type
    try:
        schema = onnx.defs.get_schema(name, version, "")
    except onnx.defs.SchemaError:
        raise ModelFileError(f"the ONNX operator {name!r} does not exist in opset {version}") from None
    if schema.deprecated:
        raise ModelFileError(f"the ONNX operator {name!r} no longer exists in opset {version}")
    for what, names, least, most in (
        ("inputs", node.input, schema.min_input, schema.max_input),
        ("outputs", node.output, schema.min_output, schema.max_output),
    ):
        if not least <= len(names) <= most:
            wanted = f"{least}" if least == most else f"{least} to {most}" if most < 100 else f"at least {least}"
            raise ModelFileError(f"the ONNX node {name} has {len(names)} {what}, and needs {wanted}")
    for i, given in enumerate(node.input):
        about = schema.inputs[min(i, len(schema.inputs) - 1)]
        if not given and about.option != onnx.defs.OpSchema.FormalParameterOption.Optional:
            raise ModelFileError(f"the ONNX node {name} lacks its input {about.name!r}")
    if not any(node.output):
        raise ModelFileError(f"an ONNX node {name} computes nothing that has a name")
    kinds = {a.name: a.type for a in node.attribute}
    if len(kinds) < len(node.attribute):
        raise ModelFileError(f"the ONNX node {name} has an attribute twice")
    for key, kind in kinds.items():
        rule = schema.attributes.get(key)
        if rule is None:
            raise ModelFileError(f"the ONNX node {name} has an attribute {shown(key)}, unknown in opset {version}")
        if int(getattr(rule.type, "value", rule.type)) != kind:
            raise ModelFileError(f"the attribute {key!r} of the ONNX node {name} is of another kind than it must be")
    for key, rule in schema.attributes.items():
        if rule.required and key not in kinds:
            raise ModelFileError(f"the ONNX node {name} lacks its attribute {key!r}")
    if "broadcast" in kinds or "consumed_inputs" in kinds:
        raise ModelFileError(f"the ONNX node {name} is of an opset before 7; convert the file to a newer one")


def defaults_of(onnx: Any, name: str, version: int) -> dict[str, float]:
    """The floating attributes that an operator has where a node leaves them out: floats of 32 bits, as all of them."""
    rules = onnx.defs.get_schema(name, version, "").attributes
    return {key: rule.default_value.f for key, rule in rules.items() if rule.default_value.type == 1}


def array_of(tensor: Any, folder: Path) -> np.ndarray:
    """The numbers of a TensorProto; as many as its shape says, or ModelFileError."""
    name = tensor.name[:60] or "a constant"
    if tensor.data_type not in DTYPES:
        known = ", ".join(np.dtype(d).name for d in DTYPES.values())
        raise ModelFileError(f"{name!r} of the ONNX file has data type {tensor.data_type}; read are {known}")
    dtype = np.dtype(DTYPES[tensor.data_type])
    shape = tuple(int(n) for n in tensor.dims[: MOST_AXES + 1])
    count = math.prod(shape)
    if len(shape) > MOST_AXES or any(n < 0 for n in shape) or math.prod(max(n, 1) for n in shape) > MOST:
        says = str(shape) if len(shape) <= MOST_AXES else f"one of {len(tensor.dims)} axes"
        raise ModelFileError(f"{name!r} of the ONNX file says that its shape is {says}, which is refused")
    places = [f for f in ("raw_data", *set(_FIELDS.values())) if len(getattr(tensor, f))]
    if len(places) + (tensor.data_location == 1) > 1 or tensor.HasField("segment"):
        raise ModelFileError(f"{name!r} of the ONNX file has its numbers in more than one place, or in segments")
    if tensor.data_location == 1:
        raw = _outside(tensor, folder, count * dtype.itemsize)
    elif tensor.HasField("raw_data"):
        raw = tensor.raw_data
    else:
        numbers = getattr(tensor, _FIELDS[tensor.data_type])
        if len(numbers) != count:
            raise ModelFileError(f"{name!r} of the ONNX file holds {len(numbers)} numbers for its shape {shape}")
        return _without_nan(np.array(numbers, dtype).reshape(shape), name)
    if len(raw) != count * dtype.itemsize:
        raise ModelFileError(f"{name!r} of the ONNX file holds {len(raw)} bytes for its shape {shape} of {dtype}")
    if dtype == np.bool_ and raw.strip(b"\0\1"):
        raise ModelFileError(f"{name!r} of the ONNX file holds truth values other than 0 and 1")
    return _without_nan(np.frombuffer(raw, dtype.newbyteorder("<")).astype(dtype).reshape(shape), name)


def _without_nan(value: np.ndarray, name: str) -> np.ndarray:
    """The same; ModelFileError for weights that are not numbers, which would make every result such a one."""
    if value.dtype.kind == "f" and value.ndim and np.isnan(value).any():
        raise ModelFileError(f"{name!r} of the ONNX file holds NaN; it comes from a training that failed")
    return value


def _outside(tensor: Any, folder: Path, size: int) -> bytes:
    """Weights from a file of their own, which must be a plain one in the directory of the model."""
    external = {e.key: e.value for e in tensor.external_data}
    place = external.get("location", "")
    if not place or "\0" in place or os.path.isabs(place) or Path(place).name != place or place in (".", ".."):
        raise ModelFileError(
            f"the ONNX file wants weights from {shown(place)}; only a file beside it is read, not another directory"
        )
    try:
        offset, length = int(external.get("offset", 0)), int(external.get("length", size))
    except ValueError:
        raise ModelFileError(f"the ONNX file names no place in {shown(place)} that is a number") from None
    try:
        handle = os.open(folder / place, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as e:
        raise ModelFileError(
            f"the ONNX file wants weights from {shown(place)}, which is no plain file beside it ({reason(e)})"
        ) from None
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or (folder / place).is_symlink():
            raise ModelFileError(f"the ONNX file wants weights from {shown(place)}, which is no plain file")
        if length != size or offset < 0 or offset + length > status.st_size:
            raise ModelFileError(f"{shown(place)} has no {size} bytes of weights where the ONNX file says they are")
        file.seek(offset)
        return file.read(length)


def attributes_of(node: Any, folder: Path) -> dict[str, Any]:
    """The attributes of a node as plain data."""
    return {a.name: _attribute(a, folder) for a in node.attribute}


def _attribute(a: Any, folder: Path) -> Any:
    if a.ref_attr_name:
        raise ModelFileError(f"the attribute {shown(a.name)} of an ONNX node stands for one of a function")
    kinds = {1: "f", 2: "i", 6: "floats", 7: "ints"}
    if a.type in kinds:
        value = getattr(a, kinds[a.type])
        if a.type in (1, 6) and np.isnan(value).any():
            raise ModelFileError(f"the attribute {shown(a.name)} of an ONNX node is NaN")
        return list(value) if a.type > 5 else value
    if a.type == 3:
        return a.s.decode("utf-8", "replace")
    if a.type == 8:
        return [s.decode("utf-8", "replace") for s in a.strings]
    if a.type == 4:
        return array_of(a.t, folder)
    raise ModelFileError(
        f"the attribute {shown(a.name)} of an ONNX node is of a kind that is not read, such as a graph"
    )


def constant_of(attributes: dict[str, Any]) -> np.ndarray:
    """The numbers of a node Constant."""
    for name, value in attributes.items():
        if name == "value" and isinstance(value, np.ndarray):
            return value
        if name in ("value_float", "value_floats"):
            return np.array(value, np.float32)
        if name in ("value_int", "value_ints"):
            return np.array(value, np.int64)
    raise ModelFileError("an ONNX node Constant holds no numbers")


# --- how large it becomes ---------------------------------------------------------------------------------------------

BULK = {4, 9, 10}  # fields of a weight that take as much memory as they have bytes: floats, bytes, doubles
PACKED = {5, 7, 11}  # whole numbers, of which one byte can be one


def check_sizes(path: str, content: bytes) -> None:
    """ModelFileError where reading a file would take more memory than there is: it is small, and unfolds.

    A byte of a weight is a byte in memory, a byte of structure can become a message of a hundred. So the file is walked
    through down to the weights of its graph, by the lengths in it.
    """
    bulk = entries = 0

    def counted(at: int, end: int) -> Iterator[tuple[int, int, int]]:
        nonlocal entries
        for found in _fields(content, at, end):
            entries += 1
            if entries > ENTRIES:
                raise ModelFileError(f"{path!r} has more than {ENTRIES} nodes, weights and other parts; it is refused")
            yield found

    for field, start, end in counted(0, len(content)):
        for inner, begin, stop in counted(start, end) if field == 7 else ():  # a graph
            for part, first, last in counted(begin, stop) if inner == 5 else ():  # a weight
                bulk += last - first if part in BULK else 0
                bulk += (last - first) * (GROWTH - 8) // GROWTH if part in PACKED else 0
    beside, limit = len(content) - bulk, memory_limit()
    if 3 * bulk > limit or GROWTH * beside > limit / 8:
        raise ModelFileError(
            f"{path!r} has {bulk / 2**20:.3g} MiB of weights and {beside / 2**20:.3g} MiB of other parts, which could "
            f"take too much of the {limit / 2**30:.3g} GiB of memory here"
        )


def _fields(content: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(number, begin, end) of the fields of a protobuf message with a length; it ends where there is no such thing."""
    while at < end:
        tag, at = _varint(content, at, end)
        kind = tag & 7
        if kind == 2:
            length, at = _varint(content, at, end)
            if length > end - at:
                return
            yield tag >> 3, at, at + length
            at += length
        elif kind == 0:
            _, at = _varint(content, at, end)
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            return


def _varint(content: bytes, at: int, end: int) -> tuple[int, int]:
    """A number of 7 bits a byte, and what comes after it."""
    value = shift = 0
    while at < end and shift < 70:
        byte = content[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            break
    return value, at


__all__ = [
    "DTYPES", "array_of", "attributes_of", "check_graph", "check_node", "check_sizes", "constant_of", "defaults_of",
    "shown",
]  # fmt: skip
