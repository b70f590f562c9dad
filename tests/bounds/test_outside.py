"""What comes from outside: networks of other programs, kinds of numbers nobody chose, formulas with every branch."""

import math

import numpy as np
import pytest

import surefit
from surefit import nn, verify
from surefit.bounds import certify
from surefit.bounds import interval as I
from surefit.bounds.affine import form_of, range_of
from surefit.core import ops
from surefit.core.modes import no_grad
from surefit.core.program import record
from surefit.core.tensor import Tensor
from surefit.errors import FormulaError
from surefit.formulas import parse

# --- float32 that overflows, constants that are computed where the model runs, two dtypes in one model ---


def _run(function, d, dtype):
    with no_grad():
        x = Tensor(np.zeros((1, d)), dtype)
        function(x)
        return record(function, x)


@pytest.mark.parametrize(
    "name, function, low, high",
    [
        ("exp", ops.exp, 80, 100),
        ("square", ops.square, 1e19, 1e20),
        ("product", lambda x: x * ops.relu(x), 1e19, 1e20),
        ("sinh", ops.sinh, 80, 100),
        ("relu of exp", lambda x: ops.relu(ops.exp(x)), 80, 100),
        ("exp as float64", lambda x: ops.cast(ops.exp(x), dtype=ops.float64), 80, 100),
    ],
)
def test_what_is_infinite_in_float32_has_no_bound_there(name, function, low, high):
    program = _run(function, 1, np.float32)
    with np.errstate(all="ignore"):
        top = np.asarray(function(Tensor(np.array([[high]]), np.float32)).numpy(), float)
    assert np.isinf(top).all()
    settings = dict(mode="deployed", boxes=200, time=2)
    assert math.isinf(certify(program, "0", {"x": (low, high)}, **settings).upper), name
    real = certify(program, "0", {"x": (low, high)}, boxes=200, time=2)  # and has one in exact arithmetic
    assert np.isfinite(real.upper)
    small = certify(program, "0", {"x": (low / 100, high / 100)}, **settings)
    assert np.isfinite(small.upper)


def test_a_product_in_float32_keeps_its_rounding_when_it_is_added_to_in_float64():
    rng = np.random.default_rng(0)
    weights, one = surefit.tensor((1000 * rng.normal(size=(40, 1))).astype(np.float32)), surefit.tensor(np.ones((1, 1)))

    def function(x):
        return ops.cast(x @ weights, dtype=ops.float64) + one

    program = _run(function, 40, np.float32)
    names = [f"x{i}" for i in range(40)]
    w = weights.numpy()[:, 0].astype(float)
    target = " + ".join(f"({float(v)!r})*{n}" for v, n in zip(w, names, strict=True)) + " + 1"
    middle = rng.normal(size=40).astype(np.float32).astype(float)
    box = {n: (m, float(np.nextafter(np.float32(m), np.float32(9)))) for n, m in zip(names, middle, strict=True)}
    running = float(function(Tensor(middle[None], np.float32)).numpy()[0, 0])
    exact = math.fsum([a * b for a, b in zip(w, middle, strict=True)]) + 1.0
    proof = certify(program, target, box, mode="deployed", strict=False, boxes=1)
    assert abs(running - exact) > 1e-5  # of float32
    assert proof.upper >= abs(running - exact)


def test_constants_that_cancel_where_the_model_runs():
    terms = np.random.default_rng(0).normal(size=(1, 4000)) * 1e4
    terms[0, -1] -= terms.sum()
    row, ones = surefit.tensor(terms.astype(np.float32)), surefit.tensor(np.ones((4000, 1), np.float32))

    def function(x):
        return x + row @ ones

    program = _run(function, 1, np.float32)
    running = abs(float(function(Tensor(np.zeros((1, 1)), np.float32)).numpy()[0, 0]))
    exact = abs(math.fsum(row.numpy()[0].astype(float)))
    assert certify(program, "x", "x=-1:1", mode="deployed", strict=False).upper >= max(running, exact)
    assert certify(program, "x", "x=-1:1").upper == pytest.approx(exact, rel=1e-6)


def test_a_constant_that_underflows_where_the_model_runs():
    tiny, big = surefit.tensor(np.array([[1e-44]])), surefit.tensor(np.array([[1e38]], np.float32))
    program = _run(lambda x: x + ops.cast(tiny, dtype=ops.float32) * big, 1, np.float32)
    running = float(np.float32(1e-44) * np.float32(1e38))  # 9.8e-7
    proof = certify(program, "x", "x=-1:1", mode="deployed")
    assert proof.lower <= running <= proof.upper


# --- formulas ---


def test_erfc_far_out_is_not_as_exact_as_elsewhere():
    mpmath = pytest.importorskip("mpmath", reason="the truth")
    x = np.linspace(15.0, 26.0, 400)
    r = I.RULES["erfc"](I.Range.of(x))
    with mpmath.workdps(40):
        for point, low, high in zip(x, r.low, r.high, strict=True):
            truth = mpmath.erfc(mpmath.mpf(float(point)))
            assert mpmath.mpf(float(low)) <= truth <= mpmath.mpf(float(high))


def test_what_overflows_may_be_below_the_largest_float():
    x = 709.78271289338397
    with np.errstate(over="ignore"):
        while np.isfinite(np.exp(x)):
            x = float(np.nextafter(x, 800.0))
        assert I.exp(I.Range.of(np.array([x]))).low[0] < np.finfo(float).max * (1 - 2.0**-45)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_condition_may_have_conditions_in_it(activation):
    net = nn.MLP(2, (6,), 1, activation=activation, generator=0)
    text = "x if (x > 0 if y > 0 else x < -0.5) else y"
    proof = certify(net, text, {"x": (-1, 1), "y": (-1, 1)}, boxes=2000)
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.uniform(-1, 1, (4000, 2)), [[-1, -1], [-1, 1], [1, -1], [1, 1]]])
    x, y = points.T
    f = np.where(np.where(y > 0, x > 0, x < -0.5), x, y)
    with no_grad():
        values = net(Tensor(points, np.float32)).numpy()[:, 0]
    assert np.abs(f - values).max() - 1e-5 <= proof.upper < 10


def test_conditions_of_numbers_alone_on_many_boxes():
    low, high = np.zeros((5, 2)), np.ones((5, 2))
    f = parse("x if (y == x and 7 <= e) else y + 2", ("x", "y"))
    for r in (range_of(f, low, high), form_of(f, low, high).range):
        assert r.low.shape == (5,)
        assert (r.low <= 2).all()
        assert (r.high >= 3).all()


def test_a_number_with_a_million_zeros_is_refused_and_not_computed():
    net = nn.MLP(1, (2,), 1, generator=0)
    with pytest.raises(FormulaError, match="too small"):
        certify(net, "x + 1e-999999999", "x=0:1")
    assert certify(net, "x + 1e-400", "x=0:1").upper < 10  # a thousandth of the smallest float is a number


@pytest.mark.parametrize("relation", ["y <= 1e308", "y <= -1e308", "y - 1e308 <= x", "-1e308 <= y <= 1e308"])
def test_relations_with_the_largest_numbers_are_unknown_and_no_crash(relation):
    assert verify(nn.MLP(1, (3,), 1, generator=0), relation, "x=0:1", time=2).holds in (None, "1e308" not in relation)


def test_derivatives_where_the_model_has_no_value_are_everything():
    from surefit.bounds.slopes import slope_of

    with np.errstate(all="ignore"):
        r = slope_of("sqrt", I.Range(np.array([-1.0]), np.array([4.0])), 0.0)
    assert r.bad.all()


# --- networks of other programs ---


def _model(nodes, constants, d, k, dtype):
    onnx = pytest.importorskip("onnx", reason="networks from outside are ONNX files")
    from onnx import helper, numpy_helper

    kind = onnx.TensorProto.FLOAT if dtype == np.float32 else onnx.TensorProto.DOUBLE
    weights = [numpy_helper.from_array(v, n) for n, v in constants.items()]
    graph = helper.make_graph(
        [helper.make_node(op, ins, [out], **more) for op, ins, out, more in nodes], "g",
        [helper.make_tensor_value_info("x", kind, [1, d])], [helper.make_tensor_value_info("y", kind, [1, k])], weights,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    model.ir_version = 9
    return model


LAYERS = {
    "leaky": [("LeakyRelu", {"alpha": 0.3})],
    "steep leaky": [("LeakyRelu", {"alpha": 1.5})],
    "clip": [("Clip", {}, [-0.5], [0.7])],
    "division": [("Div", {}, "row"), ("Tanh", {})],
    "batch norm": [("BatchNormalization", {"epsilon": 1e-3}, "row", "row", "row", "positive"), ("Relu", {})],
    "sigmoid": [("Sigmoid", {})],
    "row minus": [("Sub", {}, "row"), ("Abs", {})],
    "twice": [("Concat", {"axis": 1}, "self"), ("Elu", {"alpha": 0.4})],
    "picked twice": [("Gather", {"axis": 1}, np.array([1, 1, 0, 2])), ("Relu", {}), ("Neg", {})],
    "largest": [("Max", {}, "row"), ("Min", {}, [0.4])],
    "mean": [("ReduceMean", {}, np.array([1])), ("Softplus", {})],
    "denormals": [("Mul", {}, [1e-40]), ("Relu", {})],
    "large and small": [("Mul", {}, [1e30]), ("Relu", {}), ("Mul", {}, [1e-30])],
    "negative zero": [("Mul", {}, [-0.0]), ("Add", {}, "row")],
    "a slope for each": [("PRelu", {}, "positive"), ("Erf", {})],
}


@pytest.mark.parametrize("shape", [[1, 1, 1, 2], ["n", 1, 2], ["n", 2, 1], [2]])
def test_what_is_proved_of_an_onnx_file_is_of_the_shape_that_it_takes(tmp_path, shape):
    """Of points (1, 2) the largest along the axis 1 is another number than of (1, 1, 2): it was once proved instead."""
    onnx = pytest.importorskip("onnx", reason="networks from outside are ONNX files")
    runtime = pytest.importorskip("onnxruntime", reason="the truth: another program that runs the file")
    from onnx import helper, numpy_helper

    constants = {
        "i": np.arange(-20, 20) % 2, "s": np.array([1, 2]),
        "w": np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32),
    }  # fmt: skip
    axis = len(shape) - 2 if len(shape) > 2 else 0
    nodes = [
        helper.make_node("ReduceMax", ["x"], ["m"], axes=[axis], keepdims=1),
        helper.make_node("Mul", ["x", "m"], ["u"]), helper.make_node("Reshape", ["u", "s"], ["v"]),
        helper.make_node("Gather", ["v", "i"], ["a"], axis=1),
        helper.make_node("Constant", [], ["w"], value=numpy_helper.from_array(constants.pop("w"))),
        helper.make_node("MatMul", ["a", "w"], ["y"]),
    ]  # fmt: skip
    kind = onnx.TensorProto.FLOAT
    x, y = helper.make_tensor_value_info("x", kind, shape), helper.make_tensor_value_info("y", kind, [1, 2])
    graph = helper.make_graph(nodes, "g", [x], [y], [numpy_helper.from_array(v, n) for n, v in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    onnx.save(model, tmp_path / "net.onnx")
    session = runtime.InferenceSession(model.SerializeToString())
    points = np.random.default_rng(1).uniform(-1, 1, (300, 2)).astype(np.float32)
    points[:4] = [[-1, -1], [-1, 1], [1, -1], [1, 1]]
    runs = [session.run(None, {"x": p.reshape([1 if n == "n" else n for n in shape])})[0][0] for p in points]
    top = float(np.abs(runs).max())
    proof = certify(surefit.from_onnx(tmp_path / "net.onnx"), ["0", "0"], "x=-1:1, y=-1:1", rtol=0.02, time=10)
    assert top * (1 - 1e-5) <= proof.upper <= 1.1 * top


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", LAYERS)
def test_networks_of_onnx_are_bounded_as_onnxruntime_runs_them(tmp_path, name, dtype):
    onnx = pytest.importorskip("onnx", reason="networks from outside are ONNX files")
    runtime = pytest.importorskip("onnxruntime", reason="the truth: another program that runs the file")
    rng = np.random.default_rng(len(name))
    d, width = 2, 4
    constants = {"W": rng.normal(size=(d, width)), "b": rng.normal(size=width)}
    nodes, last = [("Gemm", ["x", "W", "b"], "v0", {})], "v0"
    for i, (op, attributes, *more) in enumerate(LAYERS[name]):
        ins = [last]
        for j, value in enumerate(more):
            if isinstance(value, str) and value == "self":
                ins.append(last)
                width *= 2
                continue
            array = rng.normal(size=width) if isinstance(value, str) else np.asarray(value)
            if isinstance(value, str) and value == "positive":
                array = np.abs(array)
            constants[f"c{i}{j}"] = array if array.dtype.kind == "i" or op != "Clip" else array.reshape(())
            ins.append(f"c{i}{j}")
        last = f"v{i + 1}"
        nodes.append((op, ins, last, attributes))
        width = 1 if op == "ReduceMean" else width
    constants |= {"V": rng.normal(size=(width, 2)), "c": rng.normal(size=2)}
    nodes.append(("Gemm", [last, "V", "c"], "y", {"alpha": 0.5, "beta": 2.0}))
    constants = {n: v.astype(dtype) if v.dtype.kind == "f" else v for n, v in constants.items()}
    model = _model(nodes, constants, d, 2, dtype)
    onnx.save(model, tmp_path / "net.onnx")
    try:
        session = runtime.InferenceSession(model.SerializeToString())
    except Exception:  # it has not every operator in float64; the reference of the standard has
        from onnx.reference import ReferenceEvaluator

        session = ReferenceEvaluator(model)
    net = surefit.from_onnx(tmp_path / "net.onnx")

    t = rng.random((300, d))
    t[:80] = np.round(t[:80])
    x = (-1 + 3 * t).astype(dtype)
    y = np.concatenate([session.run(None, {"x": row[None]})[0] for row in x]).astype(float)
    top = y[:, 0].max()
    slack = (1e-5 if dtype == np.float32 else 1e-12) * (1 + np.abs(y).max())
    box = {"p": (-1, 2), "q": (-1, 2)}
    assert verify(net, f"y1 <= {float(top - 3 * slack)!r}", box, time=1).holds is not True
    above = verify(net, f"y1 <= {float(top + 0.5 * (1 + abs(top)))!r}", box, time=4)
    assert above.holds is not False
    for mode in ("real", "deployed"):
        proof = certify(net, ["0", "0"], box, mode=mode, strict=False, rtol=0.05, boxes=4000)
        assert np.abs(y).max() <= proof.upper + slack
        assert proof.lower <= proof.upper < 10 * (1 + np.abs(y).max())


# --- activations as other programs write them ---


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "activation",
    [
        lambda x: surefit.clamp(0.2 * x + 0.5, 0.0, 1.0), lambda x: surefit.clamp(x, min=-0.1),
        lambda x: surefit.clamp(x, max=0.1), nn.functional.hardsigmoid, nn.functional.selu, nn.functional.celu,
        lambda x: nn.functional.celu(x, 0.7), lambda x: nn.functional.celu(x, -0.7),
        lambda x: nn.functional.elu(x, 2.0) * 1.5,
    ],
    ids=["hardsigmoid, ONNX", "from", "up to", "hardsigmoid", "selu", "celu", "celu 0.7", "celu -0.7", "selu, ONNX"],
)  # fmt: skip
def test_activations_of_several_primitives_are_bounded(activation, dtype):
    first, last = nn.Linear(2, 6, generator=1, dtype=dtype), nn.Linear(6, 1, generator=2, dtype=dtype)
    program = record(lambda x: last(activation(first(x))), Tensor(np.zeros((1, 2)), dtype))
    rng = np.random.default_rng(0)
    for mode, (low, high) in (("real", (-3.0, 3.0)), ("deployed", (-3.0, 3.0)), ("deployed", (-0.25, 0.25))):
        x = np.clip(rng.uniform(low, high, (4000, 2)).round(1), low, high).astype(dtype)
        with no_grad():
            y = last(activation(first(Tensor(x)))).numpy().astype(float)
        box = {"x1": (low, high), "x2": (low, high)}
        proof = certify(program, "0", box, mode=mode, rtol=0.05, boxes=3000, time=None)
        assert np.abs(y).max() <= proof.upper + (1e-6 if mode == "real" else 1e-14)
        assert proof.upper <= 1.3 * np.abs(y).max()
