"""ONNX files: the specification's own cases, PyTorch's exports, our exports, and files that mean harm."""

from __future__ import annotations

import os
import warnings

import numpy as np
import pytest

from surefit.core.modes import no_grad
from surefit.core.program import record
from surefit.core.tensor import Tensor
from surefit.errors import ModelFileError, ShapeError
from surefit.interop import from_onnx

onnx = pytest.importorskip("onnx", reason="the package that writes and reads ONNX")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

WANTED = set(
    "Gemm MatMul Add Sub Mul Div Neg Abs Sqrt Exp Log Pow Relu LeakyRelu Elu Selu Celu ThresholdedRelu HardSigmoid "
    "HardSwish Sigmoid Tanh Softplus Softsign Erf Gelu Mish PRelu Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh "
    "Atanh Softmax LogSoftmax Clip Flatten Reshape Concat Transpose Squeeze Unsqueeze Identity BatchNormalization Conv "
    "AveragePool GlobalAveragePool GlobalMaxPool Floor Ceil Round Sign Reciprocal Max Min Sum Mean Where Equal Less "
    "LessOrEqual Greater GreaterOrEqual And Or Xor Not Shape Gather Slice Expand ReduceSum ReduceMean ReduceMax "
    "ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSum ReduceLogSumExp LayerNormalization Pad "
    "ArgMax ArgMin CumSum Split Tile Range Mod Constant ConstantOfShape InstanceNormalization Cast Size MaxPool".split()
)
HAVE = {1, 6, 7, 9, 11}  # float32, int32, int64, bool, float64


def node_cases():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.loader import load_model_tests

        return [c for c in load_model_tests(kind="node") if _readable(c.model)]


def _array(value) -> np.ndarray:
    return numpy_helper.to_array(value) if isinstance(value, TensorProto) else np.array(value)


def _readable(model) -> bool:
    """Cases of operators that are read, of dtypes that exist here, one node each and not in training mode."""
    graph = model.graph
    kinds = {v.type.tensor_type.elem_type for v in (*graph.input, *graph.output)}
    one = len(graph.node) == 1 and graph.node[0].domain == "" and graph.node[0].op_type in WANTED
    return one and kinds <= HAVE


@pytest.mark.slow
def test_every_node_case_of_the_specification():
    cases = node_cases()
    assert len(cases) > 500
    wrong = []
    for case in cases:
        node = case.model.graph.node[0]
        attributes = {a.name: a for a in node.attribute}
        training = "training_mode" in attributes and attributes["training_mode"].i
        if training or (node.op_type == "MaxPool" and len(node.output) > 1):
            continue  # gives more than values
        path = _written(case.model)
        try:
            net = from_onnx(path)
            for given, wanted in case.data_sets:
                with no_grad():
                    got = net(*(a if a.dtype.kind in "ib" else Tensor(a) for a in map(_array, given)))
                many = got if isinstance(got, tuple) else (got,)
                for g, w in zip(many, map(_array, wanted), strict=False):
                    a = g.numpy()
                    if (
                        a.shape != w.shape
                        or a.dtype != w.dtype
                        or not np.allclose(a, w, case.rtol, case.atol, equal_nan=True)
                    ):
                        wrong.append(case.name)
        except Exception as e:
            wrong.append((case.name, repr(e)[:200]))
    assert not wrong


_folder = None


@pytest.fixture(autouse=True)
def _in_folder(tmp_path):
    global _folder
    _folder = tmp_path


def _written(model, name: str = "m.onnx"):
    path = _folder / name
    path.write_bytes(model.SerializeToString())
    return path


def test_networks_of_pytorch_come_in(tmp_path):
    torch = pytest.importorskip("torch", reason="PyTorch writes the files")
    T = torch.nn
    torch.manual_seed(0)
    networks = [
        (T.Sequential(T.Linear(3, 5), T.Tanh(), T.Linear(5, 1)), (4, 3)),
        (T.Sequential(T.Linear(3, 5), T.GELU(), T.LayerNorm(5), T.Linear(5, 2)), (4, 3)),
        (T.Sequential(T.Linear(3, 5), T.BatchNorm1d(5), T.ELU(), T.Linear(5, 2), T.Softmax(1)), (4, 3)),
        (T.Sequential(T.Conv2d(1, 2, 3, padding=1), T.ReLU(), T.MaxPool2d(2), T.Flatten()), (2, 1, 6, 6)),
        (T.Sequential(T.Conv1d(2, 4, 3, stride=2, groups=2), T.SiLU(), T.Flatten(), T.Linear(16, 1)), (2, 2, 9)),
        (T.Sequential(T.Linear(3, 5), T.Softplus(), T.Dropout(), T.Linear(5, 1), T.Sigmoid()), (4, 3)),
        (T.Sequential(T.Linear(3, 5), T.Mish(), T.PReLU(), T.Hardswish(), T.LogSoftmax(1)), (4, 3)),
        (T.Sequential(T.AvgPool2d(2), T.AdaptiveAvgPool2d(1), T.Flatten(), T.Linear(2, 2)), (2, 2, 4, 4)),
        (T.Sequential(T.Linear(3, 6), T.GroupNorm(2, 6), T.Hardtanh(), T.CELU(), T.SELU()), (4, 3)),
        (T.Sequential(T.Linear(3, 6), T.Unflatten(1, (2, 3)), T.Tanhshrink(), T.Softsign(), T.Flatten()), (4, 3)),
    ]  # fmt: skip
    for i, (net, shape) in enumerate(networks):
        x = torch.randn(shape)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                torch.onnx.export(net.eval(), (x,), str(tmp_path / f"{i}.onnx"), dynamo=False, opset_version=17)
            except (ImportError, ModuleNotFoundError) as e:
                pytest.skip(f"this PyTorch writes no ONNX: {e}")
        with no_grad():
            got = from_onnx(tmp_path / f"{i}.onnx")(Tensor(x.numpy())).numpy()
        assert np.allclose(got, net(x).detach().numpy(), atol=2e-6), net


@pytest.mark.slow  # this exporter of PyTorch takes seconds
def test_networks_of_the_newer_exporter_of_pytorch_come_in(tmp_path):
    torch = pytest.importorskip("torch", reason="PyTorch writes the files")
    pytest.importorskip("onnxscript", reason="PyTorch's newer exporter needs it")
    T = torch.nn
    torch.manual_seed(0)
    networks = [
        (T.Sequential(T.Linear(3, 5), T.GELU(), T.LayerNorm(5), T.Linear(5, 2), T.Softmax(1)), (4, 3)),
        (T.Sequential(T.Conv2d(1, 2, 3), T.BatchNorm2d(2), T.SiLU(), T.MaxPool2d(2), T.Flatten()), (2, 1, 6, 6)),
    ]  # fmt: skip
    for i, (net, shape) in enumerate(networks):
        x, more = torch.randn(shape), torch.randn(7, *shape[1:])
        path = tmp_path / f"{i}.onnx"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sizes = ({0: torch.export.Dim("n")},)
            torch.onnx.export(net.eval(), (x,), str(path), dynamo=True, verbose=False, dynamic_shapes=sizes)
        ours = from_onnx(path)
        for rows in (x, more):
            with no_grad():
                got = ours(Tensor(rows.numpy())).numpy()
            assert np.allclose(got, net(rows).detach().numpy(), atol=2e-6), net


def _linear(**changes):
    """y = x W + b."""
    w = changes.pop("w", numpy_helper.from_array(np.arange(6, dtype=np.float32).reshape(3, 2), "w"))
    b = numpy_helper.from_array(np.ones(2, np.float32), "b")
    nodes = changes.pop(
        "nodes", [helper.make_node("MatMul", ["x", "w"], ["t"]), helper.make_node("Add", ["t", "b"], ["y"])]
    )
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2])
    return helper.make_model(helper.make_graph(nodes, "g", [x], [y], [w, b]))


def test_weights_are_parameters_and_the_module_records_and_differentiates():
    net = from_onnx(_written(_linear()))
    assert sorted(p.shape for p in net.parameters()) == [(2,), (3, 2)]
    x = Tensor(np.ones((4, 3), np.float32))
    assert net(x).shape == (4, 2)
    net(x).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    with no_grad():
        program = record(net, x)
    assert program.primitives() == {"add": 1, "matmul": 1}


def _graph(nodes, shape, constants):
    """A graph of x, of this shape, with weights by name."""
    made = [numpy_helper.from_array(np.asarray(v), name) for name, v in constants.items()]
    x, y = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape), onnx.ValueInfoProto(name="y")
    y.type.tensor_type.elem_type = TensorProto.FLOAT
    graph = helper.make_graph(nodes, "g", [x], [y], made)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)


def test_weights_that_are_nodes_are_parameters_too():
    """As older exporters write them. What is written into nodes may be as large as it likes where it is recorded."""
    w = np.arange(6, dtype=np.float32).reshape(3, 2)
    node = helper.make_node("Constant", [], ["w"], value=numpy_helper.from_array(w))
    picked = helper.make_node("Gather", ["x", "i"], ["v"], axis=1)
    index = np.arange(-30, 30) % 3
    tall = np.tile(w, (20, 1))
    big = helper.make_node("Constant", [], ["tall"], value=numpy_helper.from_array(tall))
    product = helper.make_node("MatMul", ["x", "w"], ["p"])
    total = helper.make_node("MatMul", ["v", "tall"], ["q"])
    net = from_onnx(
        _written(
            _graph([node, big, picked, product, total, helper.make_node("Add", ["p", "q"], ["y"])], ["n", 3],
                   {"i": index}),
        )
    )  # fmt: skip
    assert sorted(p.shape for p in net.parameters()) == [(3, 2), (60, 2)]
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    with no_grad():
        program = record(net, Tensor(x))
        assert np.allclose(net(Tensor(x)).numpy(), x @ w + x[:, index] @ tall, rtol=1e-5)
    assert program.primitives()["matmul"] == 2
    net(Tensor(x)).sum().backward()
    assert all(p.grad is not None for p in net.parameters())


@pytest.mark.parametrize("shape", [["n", 1, 3], ["n", 3, 1], ["n", 1, 1, 3], [1, 1, 1, 3], [3], [3, 1]])
def test_points_get_the_shape_that_the_file_says(shape):
    """A graph means something else of another: what is largest along an axis is."""
    runtime = pytest.importorskip("onnxruntime", reason="the truth: another program that runs the file")
    axis = len(shape) - 2 if len(shape) > 2 else 0
    nodes = [
        helper.make_node("ReduceMax", ["x"], ["m"], axes=[axis], keepdims=1), helper.make_node("Sub", ["x", "m"], ["y"])
    ]  # fmt: skip
    model = _graph(nodes, shape, {})
    net, session = from_onnx(_written(model)), runtime.InferenceSession(model.SerializeToString())
    rows = 4 if shape[0] == "n" else 1
    x = np.random.default_rng(0).normal(size=(rows, 3)).astype(np.float32)
    full = x.reshape([rows if n == "n" else n for n in shape])
    wanted = session.run(None, {"x": full})[0]
    with no_grad():
        for given in (x, full):
            got = net(Tensor(given)).numpy()
            assert got.shape == wanted.shape
            assert np.array_equal(got, wanted)


@pytest.mark.parametrize(
    "shape, given",
    [(["n", 1, 3], (5, 2)), (["n", 3], (5, 2)), (["n", None, 3], (5, 3)), ([3], (5, 3)), (["n", 3], (3,)),
     (["n", 1, 3], (2, 3, 3)), ([3, 1], (2, 3))],
)  # fmt: skip
def test_another_shape_than_that_of_the_file_is_refused(shape, given):
    net = from_onnx(_written(_graph([helper.make_node("Relu", ["x"], ["y"])], shape, {})))
    with pytest.raises(ShapeError, match=r"the input 'x' of the ONNX file has the shape \(.*\); got"):
        net(Tensor(np.zeros(given, np.float32)))


# --- harm -----------------------------------------------------------------------------------------------------------


def _external(location: str, **more: str):
    w = TensorProto()
    w.name, w.data_type, w.data_location = "w", TensorProto.FLOAT, TensorProto.EXTERNAL
    w.dims.extend([3, 2])
    for key, value in {"location": location, **more}.items():
        entry = w.external_data.add()
        entry.key, entry.value = key, value
    return _linear(w=w)


def test_weights_beside_the_file_are_read(tmp_path):
    (tmp_path / "weights.bin").write_bytes(b"1234" + np.arange(6, dtype=np.float32).tobytes())
    net = from_onnx(_written(_external("weights.bin", offset="4", length="24")))
    with no_grad():
        assert net(Tensor(np.ones((1, 3), np.float32))).numpy().tolist() == [[7.0, 10.0]]


@pytest.mark.parametrize(
    "location",
    ["../secret.bin", "/etc/passwd", "a/../../secret.bin", "link.bin", "pipe", ".", "", "nothing.bin", "a\\0b"],
)
def test_weights_elsewhere_are_refused(location, tmp_path):
    folder = tmp_path / "inside"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(24))
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    os.mkfifo(folder / "pipe")
    with pytest.raises(ModelFileError, match="wants weights from") as caught:
        from_onnx(_written(_external(location), "inside/m.onnx"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("more", [{"offset": "8"}, {"length": "1000000000000"}, {"offset": "-4"}, {"offset": "x"}])
def test_weights_that_are_not_where_they_should_be(more, tmp_path):
    (tmp_path / "w.bin").write_bytes(bytes(24))
    with pytest.raises(ModelFileError, match=r"w\.bin"):
        from_onnx(_written(_external("w.bin", **more)))


def _tensor(dims, kind=TensorProto.FLOAT, raw=b""):
    t = TensorProto()
    t.name, t.data_type, t.raw_data = "w", kind, raw
    t.dims.extend(dims)
    return t


@pytest.mark.parametrize(
    "model, words",
    [
        (lambda: _linear(w=_tensor([2**40, 2**20])), "shape"),
        (lambda: _linear(w=_tensor([-1, 2])), "shape"),
        (lambda: _linear(w=_tensor([3, 2], raw=bytes(8))), "8 bytes"),
        (lambda: _linear(w=_tensor([3, 2], kind=TensorProto.STRING)), "data type 8"),
        (lambda: _linear(nodes=[helper.make_node("LSTM", ["x", "w"], ["y"])]), "'LSTM'"),
        (lambda: _linear(nodes=[helper.make_node("Add", ["x", "w"], ["y"], domain="evil")]), "domain 'evil'"),
        (lambda: _linear(nodes=[helper.make_node("Add", ["x", "no"], ["y"])]), "'no'"),
        (lambda: _linear(nodes=[helper.make_node("Add", ["x", "w"], ["z"])]), "output 'y'"),
        (
            lambda: _linear(nodes=[helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Relu", ["x"], ["y"])]),
            "twice",
        ),
    ],
)
def test_a_damaged_graph_is_refused(model, words):
    with pytest.raises(ModelFileError, match=words):
        from_onnx(_written(model()))


def test_a_value_without_measure_is_refused():
    shape = numpy_helper.from_array(np.array([2**20, 2**20, 3], np.int64), "w")
    net = from_onnx(_written(_linear(w=shape, nodes=[helper.make_node("Expand", ["x", "w"], ["y"])])))
    with pytest.raises(ModelFileError, match="more than"), no_grad():
        net(Tensor(np.ones((1, 3), np.float32)))


def test_a_value_that_doubles_again_and_again_is_refused():
    nodes = [helper.make_node("Concat", [f"t{i}" if i else "x"] * 2, [f"t{i + 1}"], axis=0) for i in range(40)]
    net = from_onnx(_written(_linear(nodes=[*nodes, helper.make_node("Identity", ["t40"], ["y"])])))
    with pytest.raises(ModelFileError, match=r"Concat.*more than"), no_grad():
        net(Tensor(np.ones((1, 3), np.float32)))


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x08\x12" + b"\xff" * 50, bytes(1000)])
def test_no_onnx_at_all(content, tmp_path):
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(ModelFileError, match=r"m\.onnx"):
        from_onnx(tmp_path / "m.onnx")
    with pytest.raises(ModelFileError, match="no ONNX file"):
        from_onnx(tmp_path / "nothing.onnx")


@pytest.mark.parametrize(
    "op, more",
    [("LeakyRelu", 0), ("Selu", 0), ("HardSigmoid", 0), ("Elu", 0), ("Celu", 0), ("BatchNormalization", 4),
     ("LayerNormalization", 1), ("InstanceNormalization", 2)],
)  # fmt: skip
def test_attributes_that_are_left_out_are_floats_of_32_bits(op, more, tmp_path):
    """As those that are written: 0.01 is 0.0099999998, and in float64 that is seen."""
    from onnx.reference import ReferenceEvaluator

    rng = np.random.default_rng(0)
    shape = (2, 3, 4) if op == "InstanceNormalization" else (2, 3)
    weights = [numpy_helper.from_array(rng.random(3) * 1e-3, f"w{i}") for i in range(more)]
    node = helper.make_node(op, ["x", *(w.name for w in weights)], ["y"])
    ends = [helper.make_tensor_value_info(n, TensorProto.DOUBLE, shape) for n in "xy"]
    graph = helper.make_graph([node], "g", ends[:1], ends[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    x = 1e-2 * rng.normal(size=shape)
    wanted = ReferenceEvaluator(model).run(None, {"x": x})[0]
    onnx.save(model, tmp_path / "m.onnx")
    with no_grad():
        y = from_onnx(tmp_path / "m.onnx")(Tensor(x)).numpy()
    assert np.allclose(y, wanted, rtol=1e-13, atol=1e-15)
