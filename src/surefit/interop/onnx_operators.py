"""What each ONNX operator means, in functions of tensors.

Attributes that a node leaves out have the defaults of the specification, which are filled in where it is read. A value
is a Tensor, or an array where it is known while the graph is read: shapes, axes and what is computed from them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from surefit.core import functions as F
from surefit.core import ops
from surefit.core.primitive import normalize_axes, normalize_axis
from surefit.core.tensor import Tensor
from surefit.errors import ModelFileError
from surefit.nn import functional as N

MOST = 2**27  # elements of a value that a file may ask for

Operator = Callable[..., Any]
OPERATORS: dict[str, Operator] = {}  # name -> f(attributes, *inputs), missing inputs are None


def _operator(*names: str) -> Callable[[Operator], Operator]:
    def enter(f: Operator) -> Operator:
        for name in names:
            OPERATORS[name] = f
        return f

    return enter


def known(x: Any, what: str) -> np.ndarray:
    """A value that has to be known while the graph is read."""
    if isinstance(x, np.ndarray):
        return x
    if isinstance(x, Tensor) and isinstance(ops.known(x), np.ndarray):
        return np.asarray(ops.known(x))
    if isinstance(x, Tensor) and isinstance(x._value, np.ndarray):
        return x._value
    raise ModelFileError(f"{what} depends on the input of the model; only constant ones can be read")


def integers(x: Any, what: str) -> list[int]:
    return [int(v) for v in known(x, what).reshape(-1)]


def bounded(shape: Any, what: str) -> tuple[int, ...]:
    """A shape that fits into memory."""
    shape = tuple(int(n) for n in shape)
    if math.prod(max(n, 0) for n in shape) > MOST:
        raise ModelFileError(f"{what}: a value of shape {shape} has more than {MOST} elements; the file is refused")
    return shape


def _axis(a: dict[str, Any], axis: Any, x: Any, rank: int | None = None) -> int:
    """An axis of x, or of a value with so many, from the first one on; an error where it has none such."""
    return normalize_axis(a["op"], axis, len(x.shape) if rank is None else rank, "axis")


def _promoted(op: ops.Op) -> Operator:
    def call(attributes: dict[str, Any], *args: Any) -> Any:
        shape = np.broadcast_shapes(*(np.shape(a) if isinstance(a, np.ndarray) else a.shape for a in args))
        bounded(shape, op.name)
        return op(*args)

    return call


_ELEMENTWISE = {
    "Add": "add", "Sub": "sub", "Mul": "mul", "Neg": "neg", "Abs": "abs", "Sqrt": "sqrt", "Exp": "exp",
    "Log": "log", "Sin": "sin", "Cos": "cos", "Tan": "tan", "Asin": "asin", "Acos": "acos", "Atan": "atan",
    "Sinh": "sinh", "Cosh": "cosh", "Asinh": "asinh", "Acosh": "acosh", "Atanh": "atanh", "Tanh": "tanh",
    "Sigmoid": "sigmoid", "Relu": "relu", "Erf": "erf", "Floor": "floor", "Ceil": "ceil", "Round": "round",
    "Sign": "sign", "Softplus": "softplus", "Equal": "eq", "Less": "lt", "LessOrEqual": "le", "Greater": "gt",
    "GreaterOrEqual": "ge", "And": "logical_and", "Or": "logical_or", "Xor": "logical_xor", "Not": "logical_not",
    "Where": "where",
}  # fmt: skip
OPERATORS |= {name: _promoted(ops.primitive(ours)) for name, ours in _ELEMENTWISE.items()}

OPERATORS |= {
    "Elu": lambda a, x: N.elu(x, a["alpha"]), "Celu": lambda a, x: N.celu(x, a["alpha"]),
    "LeakyRelu": lambda a, x: N.leaky_relu(x, a["alpha"]), "Softsign": lambda a, x: N.softsign(x),
    "Gelu": lambda a, x: N.gelu(x, a.get("approximate", "none")), "Mish": lambda a, x: N.mish(x),
    "HardSwish": lambda a, x: N.hardswish(x), "Reciprocal": lambda a, x: 1.0 / x, "Identity": lambda a, x: x,
    "Dropout": lambda a, x, *rest: x, "Swish": lambda a, x: x * F.sigmoid(a.get("alpha", 1.0) * x),
    "ThresholdedRelu": lambda a, x: F.where(x > a["alpha"], x, 0.0),
    "HardSigmoid": lambda a, x: F.clamp(a["alpha"] * x + a["beta"], 0.0, 1.0),
    "Transpose": lambda a, x: F.permute(x, tuple(a.get("perm", range(len(x.shape))[::-1]))),
    "Concat": lambda a, *xs: _concat(xs, a["axis"]), "Shape": lambda a, x: _shape(a, x),
    "Size": lambda a, x: np.array(math.prod(x.shape), np.int64), "IsNaN": lambda a, x: ops.ne(x, x),
}  # fmt: skip


@_operator("Div")
def _div(a: dict[str, Any], x: Any, y: Any) -> Any:
    if x.dtype.kind == "f":
        return ops.div(x, y)
    q = ops.floor_divide(ops.abs_(x), ops.abs_(y))  # towards zero
    return q * ops.sign(x) * ops.sign(y)


@_operator("Pow")
def _pow(a: dict[str, Any], x: Any, y: Any) -> Any:
    power = ops.pow_(x, y)
    return power if power.dtype == x.dtype else ops.cast(power, dtype=x.dtype)


@_operator("Mod")
def _mod(a: dict[str, Any], x: Any, y: Any) -> Any:
    return (ops.fmod if a.get("fmod") else ops.remainder)(x, y)


@_operator("Max", "Min", "Sum", "Mean")
def _several(a: dict[str, Any], *xs: Any) -> Any:
    op = {"Max": ops.maximum, "Min": ops.minimum}.get(a["op"], ops.add)
    y = xs[0]
    for x in xs[1:]:
        y = op(y, x)
    return y / len(xs) if a["op"] == "Mean" else y


@_operator("Selu")
def _selu(a: dict[str, Any], x: Any) -> Any:
    alpha, gamma = a["alpha"], a["gamma"]
    return N.elu(x, alpha) * gamma


@_operator("PRelu")
def _prelu(a: dict[str, Any], x: Any, slope: Any) -> Any:
    return F.where(x < 0, slope * x, x)


@_operator("Clip")
def _clip(a: dict[str, Any], x: Any, low: Any = None, high: Any = None) -> Any:
    low, high = a.get("min", low), a.get("max", high)
    x = x if low is None else ops.maximum(x, low)
    return x if high is None else ops.minimum(x, high)


@_operator("MatMul")
def _matmul(a: dict[str, Any], x: Any, y: Any) -> Any:
    return _product(x, y)


def _product(x: Any, y: Any) -> Any:
    """x @ y, if that fits into memory."""
    lead = np.broadcast_shapes(x.shape[:-2], y.shape[:-2]) if len(x.shape) > 1 and len(y.shape) > 1 else ()
    bounded((*lead, x.shape[-2] if len(x.shape) > 1 else 1, y.shape[-1] if len(y.shape) > 1 else 1), "MatMul")
    return F.matmul(x, y)


@_operator("Gemm")
def _gemm(a: dict[str, Any], x: Any, y: Any, c: Any = None) -> Any:
    x = F.transpose(x, 0, 1) if a.get("transA") else x
    y = F.transpose(y, 0, 1) if a.get("transB") else y
    alpha, beta = a["alpha"], a["beta"]
    out = _product(x, y)
    out = out if alpha == 1.0 else out * alpha
    return out if c is None else out + (c if beta == 1.0 else c * beta)


@_operator("Flatten")
def _flatten(a: dict[str, Any], x: Any) -> Any:
    axis = a.get("axis", 1)
    axis = axis if axis == len(x.shape) else _axis(a, axis, x)
    return ops.reshape(x, shape=(math.prod(x.shape[:axis]), math.prod(x.shape[axis:])))


@_operator("Reshape")
def _reshape(a: dict[str, Any], x: Any, shape: Any = None) -> Any:
    want = list(a["shape"]) if shape is None else integers(shape, "Reshape: the shape")
    if not a.get("allowzero"):
        want = [x.shape[i] if n == 0 else n for i, n in enumerate(want)]
    return F.reshape(x, tuple(want))


@_operator("Squeeze")
def _squeeze(a: dict[str, Any], x: Any, axes: Any = None) -> Any:
    chosen = a.get("axes") if axes is None else integers(axes, "Squeeze: axes")
    if chosen is None:
        return F.squeeze(x)
    at = normalize_axes("Squeeze", chosen, len(x.shape), "axes")
    if any(x.shape[i] != 1 for i in at):
        raise ModelFileError(f"Squeeze: axes {chosen} of a value of shape {x.shape} are not all of size 1")
    return F.squeeze(x, at)


@_operator("Unsqueeze")
def _unsqueeze(a: dict[str, Any], x: Any, axes: Any = None) -> Any:
    chosen = a["axes"] if axes is None else integers(axes, "Unsqueeze: axes")
    rank = len(x.shape) + len(chosen)
    at = normalize_axes("Unsqueeze", chosen, rank, "axes")
    rest = iter(x.shape)
    return ops.reshape(x, shape=tuple(1 if i in at else next(rest) for i in range(rank)))


@_operator("Expand")
def _expand(a: dict[str, Any], x: Any, shape: Any) -> Any:
    want = bounded(np.broadcast_shapes(x.shape, tuple(integers(shape, "Expand: the shape"))), "Expand")
    return ops.broadcast_to(x, shape=want)


@_operator("Tile")
def _tile(a: dict[str, Any], x: Any, repeats: Any) -> Any:
    times = integers(repeats, "Tile: repeats")
    bounded([n * t for n, t in zip(x.shape, times, strict=True)], "Tile")
    return F.tile(x, tuple(times))


@_operator("ConstantOfShape")
def _constant_of_shape(a: dict[str, Any], shape: Any) -> Any:
    value = a.get("value", np.zeros(1, np.float32))
    return np.full(bounded(integers(shape, "ConstantOfShape"), "ConstantOfShape"), value.reshape(-1)[0], value.dtype)


@_operator("Range")
def _range(a: dict[str, Any], start: Any, stop: Any, step: Any) -> Any:
    first, last, by = (known(v, "Range").reshape(-1)[0] for v in (start, stop, step))
    if not by or not all(math.isfinite(v) for v in (first, last, by)):
        raise ModelFileError(f"Range: from {first} to {last} in steps of {by} leads nowhere")
    bounded((max(0, math.ceil((float(last) - float(first)) / float(by))),), "Range")
    return np.arange(first, last, by, dtype=known(start, "Range").dtype)


def _concat(xs: tuple[Any, ...], axis: int) -> Any:
    bounded((sum(math.prod(x.shape) for x in xs),), "Concat")
    return F.cat(list(xs), axis)


def _shape(a: dict[str, Any], x: Any) -> np.ndarray:
    return np.array(x.shape, np.int64)[a.get("start", 0) : a.get("end")]


@_operator("Cast")
def _cast(a: dict[str, Any], x: Any) -> Any:
    return ops.cast(x, dtype=ops.dtype_of(a["to"]))


@_operator("Gather")
def _gather(a: dict[str, Any], x: Any, index: Any) -> Any:
    axis = _axis(a, a.get("axis", 0), x)
    size = x.shape[axis]
    bounded((*x.shape[:axis], *index.shape, *x.shape[axis + 1 :]), "Gather")
    return ops.take(x, ops.where(ops.lt(index, 0), index + size, index), axis=axis)


@_operator("Slice")
def _slice(a: dict[str, Any], x: Any, start: Any = None, stop: Any = None, axes: Any = None, step: Any = None) -> Any:
    first = list(a["starts"]) if start is None else integers(start, "Slice: starts")
    last = list(a["ends"]) if stop is None else integers(stop, "Slice: ends")
    at = a.get("axes") if axes is None else integers(axes, "Slice: axes")
    at = list(range(len(first))) if at is None else [_axis(a, i, x) for i in at]
    by = [1] * len(first) if step is None else integers(step, "Slice: steps")
    parts: list[slice] = [slice(None)] * len(x.shape)
    for i, b, e, s in zip(at, first, last, by, strict=True):
        parts[i] = slice(b, e, s)
    turned = [i for i, p in enumerate(parts) if p.step is not None and p.step < 0]
    for i in turned:  # backwards: the same elements forwards, then turned
        places = range(*parts[i].indices(x.shape[i]))
        parts[i] = slice(places[-1], places[0] + 1, -places.step) if len(places) else slice(0, 0)
    spans = [p.indices(n) for p, n in zip(parts, x.shape, strict=True)]
    y = ops.slice_(
        x, start=tuple(b for b, _, _ in spans), stop=tuple(max(b, e) for b, e, _ in spans),
        step=tuple(s for _, _, s in spans),
    )  # fmt: skip
    return ops.flip(y, axes=tuple(turned)) if turned else y


@_operator("Split")
def _split(a: dict[str, Any], x: Any, sizes: Any = None) -> Any:
    axis = a.get("axis", 0)
    given = a.get("split") if sizes is None else integers(sizes, "Split")
    n, parts = x.shape[axis], a.get("num_outputs", a["outputs"])
    if given is None:
        each = -(-n // parts)
        given = [min(each, n - i * each) for i in range(parts)]
    return F.split(x, list(given), axis)


@_operator("Pad")
def _pad(a: dict[str, Any], x: Any, pads: Any = None, value: Any = None, axes: Any = None) -> Any:
    sizes = list(a["pads"]) if pads is None else integers(pads, "Pad: pads")
    at = list(range(len(x.shape))) if axes is None else [_axis(a, i, x) for i in integers(axes, "Pad: axes")]
    if len(sizes) != 2 * len(at):
        raise ModelFileError(f"Pad: {len(sizes)} pads for {len(at)} axes, which need two each")
    number = float(known(value, "Pad: the value").reshape(-1)[0]) if value is not None else a.get("value", 0.0)
    both = [(0, 0)] * len(x.shape)
    for k, i in enumerate(at):
        both[i] = (sizes[k], sizes[k + len(at)])
    bounded([n + lo + hi for n, (lo, hi) in zip(x.shape, both, strict=True)], "Pad")
    flat = [v for pair in reversed(both) for v in pair]
    modes = {"constant": "constant", "edge": "replicate", "reflect": "reflect", "wrap": "circular"}
    mode = modes.get(a.get("mode", "constant"))
    if mode is None:
        raise ModelFileError(f"Pad: the mode {a['mode'][:20]!r} is none of {', '.join(modes)}")
    return F.pad(x, flat, mode, number) if mode == "constant" else F.pad(x, flat, mode)


REDUCTIONS: dict[str, Operator] = {
    "ReduceSum": lambda x, axes: ops.sum_(x, axes=axes), "ReduceProd": lambda x, axes: ops.prod(x, axes=axes),
    "ReduceMax": lambda x, axes: ops.amax(x, axes=axes), "ReduceMin": lambda x, axes: _smallest(x, axes),
    "ReduceMean": lambda x, axes: F.mean(x, axes), "ReduceSumSquare": lambda x, axes: ops.sum_(x * x, axes=axes),
    "ReduceL1": lambda x, axes: ops.sum_(F.abs(x), axes=axes),
    "ReduceL2": lambda x, axes: F.sqrt(ops.sum_(x * x, axes=axes)),
    "ReduceLogSumExp": lambda x, axes: F.logsumexp(x, axes),
    "ReduceLogSum": lambda x, axes: F.log(ops.sum_(x, axes=axes)),
}  # fmt: skip


def _smallest(x: Any, axes: tuple[int, ...]) -> Any:
    if x.dtype == np.bool_:
        return ops.logical_not(ops.amax(ops.logical_not(x), axes=axes))
    return -ops.amax(-x, axes=axes)


@_operator(*REDUCTIONS)
def _reduce(a: dict[str, Any], x: Any, axes: Any = None) -> Any:
    given = a.get("axes") if axes is None else integers(axes, f"{a['op']}: axes")
    if not given:
        if a.get("noop_with_empty_axes"):
            return x
        given = range(len(x.shape))
    at = normalize_axes(a["op"], tuple(given), len(x.shape), "axes") if x.shape else ()
    if any(x.shape[i] == 0 for i in at) and a["op"] in ("ReduceMax", "ReduceMin"):  # the identity of the reduction
        least = {"f": -math.inf, "b": False}.get(x.dtype.kind, -(2**31))
        most = {"f": math.inf, "b": True}.get(x.dtype.kind, 2**31 - 1)
        y: Any = np.full(ops.reduced_shape(x.shape, at), least if a["op"] == "ReduceMax" else most, x.dtype)
    else:
        y = REDUCTIONS[a["op"]](x, at) if at else x
    y = y if y.dtype == x.dtype else ops.cast(y, dtype=x.dtype)
    return ops.reshape(y, shape=ops.kept_shape(x.shape, at)) if a.get("keepdims", 1) else y


@_operator("ArgMax", "ArgMin")
def _arg(a: dict[str, Any], x: Any) -> Any:
    axis = _axis(a, a.get("axis", 0), x)
    x = -x if a["op"] == "ArgMin" else x
    if a.get("select_last_index"):
        y = (x.shape[axis] - 1) - ops.argmax(ops.flip(x, axes=(axis,)), axis=axis)
    else:
        y = ops.argmax(x, axis=axis)
    return ops.reshape(y, shape=ops.kept_shape(x.shape, (axis,))) if a.get("keepdims", 1) else y


@_operator("CumSum")
def _cumsum(a: dict[str, Any], x: Any, axis: Any) -> Any:
    i = _axis(a, integers(axis, "CumSum: the axis")[0], x)
    x = ops.flip(x, axes=(i,)) if a.get("reverse") else x
    y = ops.cumsum(x, axis=i)
    if a.get("exclusive"):
        y = y - x
    y = y if y.dtype == x.dtype else ops.cast(y, dtype=x.dtype)
    return ops.flip(y, axes=(i,)) if a.get("reverse") else y


@_operator("Softmax", "LogSoftmax")
def _softmax(a: dict[str, Any], x: Any) -> Any:
    f = F.softmax if a["op"] == "Softmax" else F.log_softmax
    if a["version"] >= 13:
        return f(x, a.get("axis", -1))
    axis = _axis(a, a.get("axis", 1), x)  # earlier, all axes from this one on are one
    flat = ops.reshape(x, shape=(math.prod(x.shape[:axis]), math.prod(x.shape[axis:])))
    return ops.reshape(f(flat, 1), shape=x.shape)


@_operator("BatchNormalization")
def _batch_norm(a: dict[str, Any], x: Any, scale: Any, bias: Any, mean: Any, var: Any) -> Any:
    if a.get("training_mode"):
        raise ModelFileError("BatchNormalization: the model is in training mode; export it for inference")
    shape = (-1, *(1 for _ in x.shape[2:]))
    gain = scale / F.sqrt(var + a["epsilon"])
    return (x - F.reshape(mean, shape)) * F.reshape(gain, shape) + F.reshape(bias, shape)


@_operator("LayerNormalization")
def _layer_norm(a: dict[str, Any], x: Any, scale: Any, bias: Any = None) -> Any:
    axis = _axis(a, a.get("axis", -1), x)
    axes = tuple(range(axis, len(x.shape)))
    mean = F.mean(x, axes, keepdim=True)
    d = x - mean
    inverse = 1.0 / F.sqrt(F.mean(d * d, axes, keepdim=True) + a["epsilon"])
    y = d * inverse * scale
    return (y if bias is None else y + bias), mean, inverse


@_operator("InstanceNormalization")
def _instance_norm(a: dict[str, Any], x: Any, scale: Any, bias: Any) -> Any:
    axes = tuple(range(2, len(x.shape)))
    d = x - F.mean(x, axes, keepdim=True)
    shape = (-1, *(1 for _ in axes))
    y = d / F.sqrt(F.mean(d * d, axes, keepdim=True) + a["epsilon"])
    return y * F.reshape(scale, shape) + F.reshape(bias, shape)


def _pads(a: dict[str, Any], sizes: tuple[int, ...], kernel: list[int]) -> tuple[list[int], list[int]]:
    """Padding before and behind each axis in space."""
    n = len(kernel)
    stride, dilation = a.get("strides", [1] * n), a.get("dilations", [1] * n)
    auto = a.get("auto_pad", "NOTSET")
    if auto in ("NOTSET", "VALID"):
        pads = a.get("pads", [0] * 2 * n) if auto == "NOTSET" else [0] * 2 * n
        return list(pads[:n]), list(pads[n:])
    low, high = [], []
    for size, k, s, d in zip(sizes, kernel, stride, dilation, strict=True):
        whole = max((-(-size // s) - 1) * s + (k - 1) * d + 1 - size, 0)
        small, large = whole // 2, whole - whole // 2
        low.append(small if auto == "SAME_UPPER" else large)
        high.append(large if auto == "SAME_UPPER" else small)
    return low, high


def _windows(a: dict[str, Any], x: Any, kernel: list[int], value: float, outside: float | None = None) -> Any:
    """(batch, channels, places..., kernel...). outside: what is beyond the padding, where ceil_mode looks there."""
    n = len(kernel)
    low, high = _pads(a, x.shape[2:], kernel)
    stride, dilation = a.get("strides", [1] * n), a.get("dilations", [1] * n)
    more = [0] * n
    if a.get("ceil_mode"):
        for i, size in enumerate(x.shape[2:]):
            span, whole = (kernel[i] - 1) * dilation[i] + 1, size + low[i] + high[i]
            count = -(-(whole - span) // stride[i]) + 1
            count -= (count - 1) * stride[i] >= size + low[i]  # a window that begins in the padding behind
            more[i] = max(0, (count - 1) * stride[i] + span - whole)
    for before, behind, number in ((low, high, value), ([0] * n, more, value if outside is None else outside)):
        if any(before) or any(behind):
            sizes = (s + p + q for s, p, q in zip(x.shape[2:], before, behind, strict=True))
            bounded([*x.shape[:2], *sizes], a["op"])
            x = ops.pad(x, low=(0, 0, *before), high=(0, 0, *behind), interior=(0,) * (n + 2), value=number)
    return ops.window(
        x, axes=tuple(range(2, n + 2)), size=tuple(kernel), stride=tuple(stride), dilation=tuple(dilation)
    )


@_operator("Conv")
def _conv(a: dict[str, Any], x: Any, w: Any, bias: Any = None) -> Any:
    group, kernel = a.get("group", 1), list(w.shape[2:])
    if len(x.shape) < 3 or len(w.shape) != len(x.shape) or group < 1 or w.shape[1] * group != x.shape[1]:
        raise ModelFileError(f"Conv: weights of shape {w.shape} in {group} groups do not fit values of shape {x.shape}")
    views = _windows(a, x, kernel, 0.0)
    batch, channels, *places = views.shape[: len(kernel) + 2]
    n, count = len(kernel), math.prod(views.shape[2 : len(kernel) + 2])
    bounded((batch, channels, count, *kernel), "Conv")
    size, out = channels // group * math.prod(kernel), w.shape[0] // group
    order = (0, 1, *range(n + 2, 2 * n + 2), *range(2, n + 2))
    columns = F.reshape(ops.transpose(views, axes=order), (batch, group, size, count))
    y = F.reshape(F.matmul(F.reshape(w, (group, out, size)), columns), (batch, group * out, *places))
    return y if bias is None else y + F.reshape(bias, (-1, *(1 for _ in kernel)))


@_operator("MaxPool", "AveragePool")
def _pool(a: dict[str, Any], x: Any) -> Any:
    kernel = list(a["kernel_shape"])
    axes = tuple(range(len(kernel) + 2, 2 * len(kernel) + 2))
    if a["op"] == "MaxPool":
        return ops.amax(_windows(a, x, kernel, -math.inf if x.dtype.kind == "f" else -(2**31)), axes=axes)
    total = ops.sum_(_windows(a, x, kernel, 0.0), axes=axes)
    ones = np.ones((1, 1, *x.shape[2:]), x.dtype)
    padded = 1.0 if a.get("count_include_pad") else 0.0
    count = np.add.reduce(np.asarray(_windows(a, ones, kernel, padded, 0.0)), axes)
    return total / count.astype(x.dtype).view(ops.Literal)


@_operator("GlobalAveragePool", "GlobalMaxPool")
def _global_pool(a: dict[str, Any], x: Any) -> Any:
    axes = tuple(range(2, len(x.shape)))
    return F.mean(x, axes, keepdim=True) if a["op"] == "GlobalAveragePool" else F.amax(x, axes, keepdim=True)


__all__ = ["MOST", "OPERATORS", "bounded"]
