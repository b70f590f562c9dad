"""ONNX files that break the rules or mean harm: one sentence, no code run, no other file read, little memory.

What is not a rule here is one of the specification (https://onnx.ai/onnx/operators/), which decides what is refused.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from surefit.core.modes import no_grad
from surefit.core.tensor import Tensor
from surefit.errors import SurefitError
from surefit.interop import from_onnx

onnx = pytest.importorskip("onnx", reason="the package that writes and reads ONNX")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

node = helper.make_node
OPSET = [helper.make_opsetid("", 18)]


def value(name: str, kind: int = TensorProto.FLOAT, shape: Any = ("n", 3)) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def weight(name: str, given: Any) -> Any:
    return numpy_helper.from_array(np.asarray(given), name)


def whole(name: str, *numbers: int) -> Any:
    return weight(name, np.array(numbers, np.int64))


def model(nodes: Any, weights: Any = (), inputs: Any = None, outputs: Any = None, **more: Any) -> Any:
    inputs, outputs = inputs or [value("x")], outputs or [value("y", shape=None)]
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(weights))
    return helper.make_model(graph, **{"opset_imports": OPSET, "ir_version": 8} | more)


def one(op: str, *weights: Any, reads: tuple[str, ...] = (), **attributes: Any) -> Callable[[], Any]:
    """A model of one node that reads x and all weights."""
    names = reads or ("x", *(w.name for w in weights))
    return lambda: model([node(op, names, ["y"], **attributes)], weights)


def tensor(dims: Any, kind: int = TensorProto.FLOAT, raw: bytes = b"", **more: Any) -> Any:
    t = TensorProto(name="w", data_type=kind, raw_data=raw, **more)
    t.dims.extend(dims)
    return t


def image(op: str, *weights: Any, **attributes: Any) -> Callable[[], Any]:
    """A model of one node that reads an image of 4 x 4 points."""
    names = ("x", *(w.name for w in weights))
    return lambda: model([node(op, names, ["y"], **attributes)], weights, [value("x", shape=(1, 1, 4, 4))])


def with_field(change: Callable[[Any], Any]) -> Callable[[], Any]:
    """y = relu(x), and something else in the file."""

    def make() -> Any:
        made = model([node("Relu", ["x"], ["y"])])
        change(made)
        return made

    return make


BRANCH = helper.make_graph([node("Identity", ["x"], ["z"])], "s", [], [value("z")])
TRUE = weight("c", np.array(True))
KERNEL = weight("k", np.ones((2, 1, 2, 2), np.float32))
W = weight("w", np.arange(6, dtype=np.float32).reshape(3, 2))
HUGE = 2**40

CASES: dict[str, tuple[Callable[[], Any], str]] = {
    # what could run or loop
    "if": (one("If", TRUE, reads=("c",), then_branch=BRANCH, else_branch=BRANCH), "'If' is not known"),
    "loop": (one("Loop", whole("m", HUGE), TRUE, reads=("m", "c"), body=BRANCH), "'Loop' is not known"),
    "graph in a node": (one("Relu", body=BRANCH), "such as a graph"),
    "foreign domain": (one("Relu", domain="com.evil"), "domain 'com.evil'"),
    "function": (with_field(lambda m: m.functions.add(name="f")), "functions of its own"),
    "attribute of a function": (
        with_field(lambda m: m.graph.node[0].attribute.add(name="alpha", ref_attr_name="a", type=1)), "of a function",
    ),
    "cycle": (
        lambda: model([node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"]), node("Relu", ["b"], ["y"])]),
        "reads 'b'",
    ),
    "reads itself": (one("Relu", reads=("y",)), "reads 'y'"),
    # versions
    "newer opset": (with_field(lambda m: setattr(m.opset_import[0], "version", 999)), "opset 999"),
    "negative opset": (with_field(lambda m: setattr(m.opset_import[0], "version", -5)), "opset -5"),
    "no opset": (with_field(lambda m: m.ClearField("opset_import")), "names no opset"),
    "newer format": (with_field(lambda m: setattr(m, "ir_version", 999)), "IR version 999"),
    "operator of another opset": (
        with_field(lambda m: (setattr(m.opset_import[0], "version", 10), setattr(m.graph.node[0], "op_type", "Gelu"))),
        "'Gelu' does not exist in opset 10",
    ),
    # names
    "two weights of a name": (lambda: model([node("MatMul", ["x", "w"], ["y"])], [W, W]), "two weights 'w'"),
    "two inputs of a name": (
        lambda: model([node("Relu", ["x"], ["y"])], inputs=[value("x"), value("x")]), "two inputs 'x'",
    ),
    "two outputs of a name": (lambda: model([node("Split", ["x"], ["y", "y"], axis=1, num_outputs=2)]), "'y' twice"),
    "weight that is computed": (
        lambda: model([node("Relu", ["x"], ["w"]), node("MatMul", ["x", "w"], ["y"])], [W]), "'w' twice",
    ),
    "endless name": (lambda: model([node("Relu", ["q" * 2**20], ["y"])]), "reads 'qqq"),
    "endless operator": (lambda: model([node("R" * 2**20, ["x"], ["y"])]), "'RRR"),
    "name with control characters": (lambda: model([node("Relu", ["a\n\x1b[31m"], ["y"])]), r"\\n\\x1b"),
    # weights
    "text": (lambda: model([], [helper.make_tensor("w", TensorProto.STRING, [1], [b"a"])]), "holds no graph"),
    "texts": (one("Identity", helper.make_tensor("w", TensorProto.STRING, [1], [b"a"]), reads=("w",)), "data type 8"),
    "text as input": (lambda: model([node("Identity", ["x"], ["y"])], inputs=[value("x", 8)]), "'x' .* data type 8"),
    "bfloat16": (one("Identity", tensor([3], 16, bytes(6)), reads=("w",)), "data type 16"),
    "no data type": (one("Identity", tensor([3], 0, bytes(6)), reads=("w",)), "data type 0"),
    "too few bytes": (one("Identity", tensor([3, 2], raw=bytes(23)), reads=("w",)), "23 bytes"),
    "too many bytes": (one("Identity", tensor([3, 2], raw=bytes(25)), reads=("w",)), "25 bytes"),
    "2 GB claimed": (one("Identity", tensor([2**29]), reads=("w",)), "shape"),
    "nothing times endless": (one("Identity", tensor([0, 2**62]), reads=("w",)), "shape"),
    "minus times minus": (one("Identity", tensor([-3, -2], raw=bytes(24)), reads=("w",)), "shape"),
    "1000 axes": (one("Identity", tensor([1] * 1000, raw=bytes(4)), reads=("w",)), "1000 axes"),
    "numbers in two places": (
        one("Identity", tensor([1], raw=bytes(4), float_data=[1.0]), reads=("w",)), "more than one place",
    ),
    "segments": (
        one("Identity", tensor([1], raw=bytes(4), segment=TensorProto.Segment(begin=5)), reads=("w",)), "segments",
    ),
    "odd truth values": (one("Not", tensor([2], TensorProto.BOOL, b"\x07\xff"), reads=("w",)), "other than 0 and 1"),
    "NaN": (one("MatMul", weight("w", np.full((3, 2), np.nan, np.float32))), "'w' .* NaN"),
    "sparse": (with_field(lambda m: m.graph.sparse_initializer.add()), "sparse"),
    "NaN as an attribute": (one("Elu", alpha=math.nan), "'alpha' .* NaN"),
    # rules of operators
    "too many inputs": (one("Relu", reads=("x", "x", "x")), "has 3 inputs, and needs 1"),
    "too few inputs": (one("Gemm"), "has 1 inputs, and needs 2 to 3"),
    "no inputs": (lambda: model([node("Max", [], ["y"])]), "at least 1"),
    "input left out": (one("Add", reads=("x", "")), "lacks its input 'B'"),
    "no output": (lambda: model([node("Constant", [], [], value_float=1.0), node("Relu", ["x"], ["y"])]), "0 outputs"),
    "nothing comes out": (lambda: model([node("Relu", ["x"], ["z"])]), "its output 'y'"),
    "unknown attribute": (one("Relu", slope=2.0), "'slope', unknown"),
    "attribute of another kind": (one("LeakyRelu", alpha="hello"), "'alpha' .* another kind"),
    "attribute twice": (
        with_field(lambda m: [m.graph.node[0].attribute.add(name="a", type=1) for _ in range(2)]), "twice",
    ),
    "attribute that is missing": (image("MaxPool"), "lacks its attribute 'kernel_shape'"),
    "texts as a constant": (lambda: model([node("Constant", [], ["y"], value_string=b"a")]), "holds no numbers"),
    "data type of a cast": (one("Cast", to=999), "data type 999"),
    # axes and shapes
    "gather axis": (one("Gather", whole("i", 0), axis=99), "axis=99"),
    "gather index": (one("Gather", whole("i", HUGE), axis=1), "out of range"),
    "slice axis": (one("Slice", whole("a", 0), whole("b", 1), whole("c", 77)), "axis=77"),
    "slice step": (one("Slice", whole("a", 0), whole("b", 1), whole("c", 0), whole("d", 0)), "zero"),
    "flatten axis": (one("Flatten", axis=17), "axis=17"),
    "concat axis": (one("Concat", reads=("x", "x"), axis=9), "9 is out of range"),
    "softmax axis": (one("Softmax", axis=17), "17 is out of range"),
    "squeeze of more than one": (one("Squeeze", whole("a", 0)), "not all of size 1"),
    "unsqueeze axis": (one("Unsqueeze", whole("a", 50)), "50 is out of range"),
    "unsqueeze twice": (one("Unsqueeze", whole("a", 0, 0)), "twice"),
    "reduce axis": (one("ReduceSum", whole("a", 50)), "50 is out of range"),
    "cumsum axis": (one("CumSum", whole("a", 50)), "axis=50"),
    "argmax axis": (one("ArgMax", axis=50), "axis=50"),
    "layer norm axis": (one("LayerNormalization", W, axis=44), "axis=44"),
    "transpose twice": (one("Transpose", perm=[0, 0]), "once"),
    "reshape": (one("Reshape", whole("s", 2**62, 2**62)), "6 elements"),
    "reshape of two unknowns": (one("Reshape", whole("s", -1, -1)), "more than one -1"),
    "split": (lambda: model([node("Split", ["x", "s"], ["y", "z"], axis=1)], [whole("s", 5, 7)]), "add up to 3"),
    "pad of one side": (one("Pad", whole("p", 1)), "need two each"),
    "pad mode": (one("Pad", whole("p", 0, 0, 0, 0), mode="evil"), "'evil'"),
    "less than nothing": (one("Pad", whole("p", -HUGE, 0, 0, 0)), "less than nothing"),
    "tile": (one("Tile", whole("r", -1, 1)), ">= 0"),
    "negative size": (one("ConstantOfShape", whole("s", -4), reads=("s",)), "negative"),
    "steps of nothing": (one("Range", *(weight(n, v) for n, v in zip("abc", (0, 20, 0), strict=True)),
                             reads=("a", "b", "c")), "leads nowhere"),
    "conv of rows": (one("Conv", W), "do not fit"),
    "conv in no groups": (image("Conv", KERNEL, group=0), "0 groups"),
    "conv without stride": (image("Conv", KERNEL, strides=[0, 0]), ">= 1"),
    "conv with holes": (image("Conv", KERNEL, dilations=[HUGE, 1]), "more than the 4"),
    "pool of nothing": (image("MaxPool", kernel_shape=[0, 0]), ">= 1"),
    "division of whole numbers": (one("Div", whole("a", 5), whole("b", 0), reads=("a", "b")), "division by zero"),
    # sizes
    "expand": (one("Expand", whole("s", HUGE, 1, 3)), "more than"),
    "constant of shape": (one("ConstantOfShape", whole("s", HUGE), reads=("s",)), "more than"),
    "range": (one("Range", *(weight(n, v) for n, v in zip("abc", (0, 2**60, 1), strict=True)),
                  reads=("a", "b", "c")), "more than"),
    "tile endlessly": (one("Tile", whole("r", HUGE, 1)), "more than"),
    "pad endlessly": (one("Pad", whole("p", HUGE, 0, 0, 0)), "more than"),
    "conv padded": (image("Conv", KERNEL, pads=[HUGE, 1, 1, 1]), "more than"),
    "pool padded": (image("AveragePool", kernel_shape=[3, 3], pads=[20000] * 4), "more than"),
    "outer product": (
        lambda: model([node("Unsqueeze", ["v", "a"], ["q"]), node("Mul", ["v", "q"], ["y"])],
                      [weight("v", np.ones(2**15, np.float32)), whole("a", 1)]),
        "more than",
    ),
}  # fmt: skip


def refused(path: Any, made: Any) -> str:
    """The sentence with which a model is refused, when it is read or when it is called."""
    path.write_bytes(made if isinstance(made, bytes) else made.SerializeToString())

    def called() -> None:
        net = from_onnx(path)
        shapes = {v.name: [d.dim_value or 2 for d in v.type.tensor_type.shape.dim] for v in made.graph.input}
        with no_grad():
            net(*(Tensor(np.ones(shapes[name], np.float32)) for name in net.inputs))

    with pytest.raises(SurefitError) as caught:
        called()
    said = str(caught.value)
    assert "\n" not in said and said.isprintable() and len(said) < 1200
    return said


@pytest.mark.parametrize("name", CASES)
def test_what_breaks_a_rule_is_refused_in_one_sentence(name, tmp_path):
    import re

    make, words = CASES[name]
    said = refused(tmp_path / "m.onnx", make())
    assert re.search(words, said), said


def test_an_ordinary_network_is_read(tmp_path):
    """So that the models of the cases are refused for what they have, not for what all of them have."""
    nodes = [node("MatMul", ["x", "w"], ["t"]), node("Relu", ["t"], ["y"])]
    made = model(nodes, [W], outputs=[value("y", shape=("n", 2))])
    onnx.checker.check_model(made)
    path = tmp_path / "m.onnx"
    path.write_bytes(made.SerializeToString())
    with no_grad():
        assert from_onnx(path)(Tensor(np.ones((1, 3), np.float32))).numpy().tolist() == [[6.0, 9.0]]


def varint(n: int) -> bytes:
    found = b""
    while n > 127:
        found, n = found + bytes([n & 127 | 128]), n >> 7
    return found + bytes([n])


def message(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


ATTRIBUTES = message(1, message(2, b"y") + message(4, b"Relu") + message(5, b"") * 10_000_000)
BOMBS = {
    "nodes": message(7, message(1, b"") * 10_000_000), "attributes": message(7, ATTRIBUTES),
    "opsets": message(8, b"") * 10_000_000, "weights": message(7, message(5, b"") * 3_000_000),
    "dims": message(7, message(5, message(13, b"") * 10_000_000)), "axes": message(7, message(5, b"\x08\x01" * 10**7)),
}  # fmt: skip
LOADED = """
import resource, sys
from surefit.interop import from_onnx
from surefit.errors import SurefitError
import onnx
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
for path in sys.argv[1:]:
    try:
        from_onnx(path)
        print("read")
    except SurefitError as e:
        assert "\\n" not in str(e)
        print("refused")
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits and counts of Linux")
@pytest.mark.slow
def test_a_small_file_that_unfolds_takes_little_memory(tmp_path):
    paths = []
    for name, content in BOMBS.items():
        paths.append(tmp_path / f"{name}.onnx")
        paths[-1].write_bytes(b"\x08\x08" + content)
    (tmp_path / "deep.onnx").write_bytes(b"")
    deep = b""
    for _ in range(5000):
        deep = message(7, message(1, message(5, message(6, deep[-60_000:]))))
    (tmp_path / "deep.onnx").write_bytes(b"\x08\x08" + deep)
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *map(str, paths), str(tmp_path / "deep.onnx")], capture_output=True, text=True,
        check=True, env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    *said, spent = done.stdout.split()
    assert said == ["refused"] * (len(paths) + 1)
    assert int(spent) < 700


@pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")
def test_values_that_do_not_fit_beside_each_other_are_refused(tmp_path):
    """Each is small enough; two hundred of them are not."""
    count = 200
    made = model(
        [*(node("ConstantOfShape", ["s"], [f"c{i}"]) for i in range(count)),
         node("Sum", [f"c{i}" for i in range(count)], ["y"])],
        [whole("s", 2**24)],
    )  # fmt: skip
    import surefit.interop.onnx_import as importing

    limit = importing.memory_limit
    importing.memory_limit = lambda: 2.0**31
    try:
        assert "GiB at once" in refused(tmp_path / "m.onnx", made)
    finally:
        importing.memory_limit = limit
    # what is no longer needed does not count
    nodes = [node("Relu", [f"t{i}" if i else "x"], [f"t{i + 1}"]) for i in range(300)]
    path = tmp_path / "long.onnx"
    path.write_bytes(model([*nodes, node("Identity", ["t300"], ["y"])]).SerializeToString())
    with no_grad():
        assert from_onnx(path)(Tensor(np.ones((2**10, 3), np.float32))).shape == (2**10, 3)
