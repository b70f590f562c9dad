"""PyTorch's own module tests: state, inputs, outputs, all gradients, running statistics, in float64."""

from __future__ import annotations

import functools
import json

import numpy as np
import pytest

from surefit import nn
from surefit.core.tensor import Tensor

NOT_SHIPPED = {  # module -> why
    "MultiheadAttention": "attention is written with nn.functional.scaled_dot_product_attention",
}
SHIPPED = """
AvgPool1d AvgPool2d BCELoss BCEWithLogitsLoss BatchNorm1d BatchNorm2d Bilinear CELU Conv1d Conv2d
CosineEmbeddingLoss CrossEntropyLoss ELU Embedding GELU GLU GRU GRUCell GaussianNLLLoss GroupNorm Hardshrink
Hardswish Hardtanh HingeEmbeddingLoss HuberLoss InstanceNorm1d InstanceNorm2d KLDivLoss L1Loss LSTM LSTMCell
LayerNorm LeakyReLU Linear LogSigmoid LogSoftmax MSELoss MarginRankingLoss MaxPool1d MaxPool2d Mish NLLLoss
PReLU PoissonNLLLoss RMSNorm RNN RNNCell ReLU ReLU6 SELU SiLU Sigmoid SmoothL1Loss SoftMarginLoss Softmax
Softmin Softplus Softshrink Softsign Tanh Tanhshrink Threshold
""".split()
COUNT = 808  # cases of the shipped modules among the 872

# PyTorch's own test passes one tensor as input and target here, so both recorded gradients are their sum
ONE_TENSOR = ("KLDivLoss", "scalar_")
TOLERANCE = {"rtol": 1e-9, "atol": 1e-11}


@functools.cache
def load(path):
    with np.load(path.with_suffix(".npz")) as arrays:
        return json.loads(path.read_text()), dict(arrays)


def decoded(spec, arrays, leaves):
    """A recorded argument: a tensor (put into `leaves` where it needs a gradient), a list, or a value."""
    if isinstance(spec, dict) and "t" in spec:
        leaf = Tensor(arrays[spec["t"]])
        if spec["grad"]:
            leaves.append(leaf.requires_grad_())
        return leaf
    if isinstance(spec, list):
        return tuple(decoded(s, arrays, leaves) for s in spec)
    return spec


def check(got, want, what):
    got = None if got is None else got.detach().numpy()
    if got is None:
        assert not want.any(), f"{what}: no gradient, wanted one"
        return
    assert got.shape == want.shape, f"{what}: shape {got.shape}, wanted {want.shape}"
    np.testing.assert_allclose(got, want, **TOLERANCE, err_msg=what)


def run(case, arrays):
    plain = [decoded(a, arrays, []) for a in case["ctor_args"]]
    named = {k: decoded(v, arrays, []) for k, v in case["ctor_kwargs"].items()}
    module = getattr(nn, case["module"])(*plain, **named).double().train(case["training"])
    module.load_state_dict({k: arrays[v["t"]] for k, v in case["state"].items()})

    leaves: list[Tensor] = []
    args = [decoded(a, arrays, leaves) for a in case["args"]]
    kwargs = {k: decoded(v, arrays, leaves) for k, v in case["kwargs"].items()}
    if case["module"] == ONE_TENSOR[0] and case["desc"].startswith(ONE_TENSOR[1]):
        np.testing.assert_array_equal(*(leaf.detach().numpy() for leaf in leaves))
        args = leaves = [leaves[0], leaves[0]]
    out = module(*args, **kwargs)
    outs = out if isinstance(out, tuple) else (out,)
    outs = tuple(part for o in outs for part in (o if isinstance(o, tuple) else (o,)))  # an LSTM's (y, (h, c))
    assert len(outs) == len(case["out"])
    for i, (got, key) in enumerate(zip(outs, case["out"], strict=True)):
        check(got, arrays[key], f"output {i}")

    total = sum((outs[i] * Tensor(arrays[c])).sum() for i, c in zip(case["cot_for"], case["cot"], strict=True))
    total.backward()
    assert len(leaves) == len(case["in_grads"])
    for i, (leaf, key) in enumerate(zip(leaves, case["in_grads"], strict=True)):
        check(leaf.grad, np.zeros(leaf.shape) if key is None else arrays[key], f"gradient of input {i}")
    parameters = dict(module.named_parameters())
    assert parameters.keys() == case["param_grads"].keys()
    for name, key in case["param_grads"].items():
        check(parameters[name].grad, arrays[key], f"gradient of {name}")
    state = module.state_dict()
    for name, key in case["state_after"].items():
        check(state[name], arrays[key], f"{name} afterwards")


@pytest.mark.slow
def test_every_module_in_the_vectors_is_shipped_or_named(shared_data):
    cases, _ = load(shared_data("opinfo/modules_f64.json"))
    assert len(cases) == 872
    assert {c["module"] for c in cases} == set(SHIPPED) | NOT_SHIPPED.keys()
    assert sum(c["module"] in SHIPPED for c in cases) == COUNT
    assert not any(hasattr(nn, name) for name in NOT_SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_module(shared_data, name):
    cases, arrays = load(shared_data("opinfo/modules_f64.json"))
    wrong = []
    for case in (c for c in cases if c["module"] == name):
        label = f"{case['desc']!r} {case['ctor_args']} {case['ctor_kwargs']} training={case['training']}"
        try:
            run(case, arrays)
        except Exception as problem:  # every case is attempted, so that one list shows all that is wrong
            wrong.append(f"{label}: {type(problem).__name__}: {problem}")
    assert not wrong, "\n".join(wrong)
