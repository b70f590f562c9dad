"""A network as plain data: the settings of a perceptron, or the recorded evaluation of one sample as JSON."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from surefit import nn
from surefit.core import ops
from surefit.core.batching import batch
from surefit.core.leaves import Parameter
from surefit.core.modes import no_grad
from surefit.core.program import Constant, Equation, Program, Var, record
from surefit.core.tensor import Tensor
from surefit.errors import ModelFileError
from surefit.models.words import network_words
from surefit.sentences import Sentence, from_dict, say

LARGEST = 2**24  # numbers in one variable of one sample: what is larger is not from a fit


def describe_network(network: nn.Module, d: int, dtype: np.dtype) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """How to build a network again, and its numbers by name."""
    settings = network.settings() if type(network) is nn.MLP else None
    if settings is not None:
        return {"kind": "mlp", **settings}, {n: t.numpy() for n, t in network.state_dict().items()}
    with no_grad():
        program = record(lambda x: network(x.reshape(1, -1)).reshape(-1), Tensor(np.zeros(d), dtype))
    words, buffers = network_words(network), {id(b) for _, b in network.named_buffers()}
    about = {
        "said": words.to_dict() if isinstance(words, Sentence) else words,
        "fixed": [i for i, (t, _) in enumerate(program.state_in) if id(t) in buffers],
    }
    return {"kind": "program", **about, **program_to_json(program)}, {
        f"state.{i}": np.array(t._value) for i, (t, _) in enumerate(program.state_in)
    }


def network_from(description: dict[str, Any], weights: dict[str, np.ndarray], dtype: np.dtype) -> nn.Module:
    if description["kind"] == "mlp":
        settings: dict[str, Any] = {k: v for k, v in description.items() if k != "kind"}
        network: nn.Module = nn.MLP(**settings, generator=0, dtype=dtype)
        network.load_state_dict(weights)
        return network
    if description["kind"] == "program":
        return ProgramModule(description, weights)
    raise ModelFileError(f"unknown kind of network {description['kind']!r}")


class ProgramModule(nn.Module):
    """A network that is known only by its recorded evaluation of one sample; evaluates many, and differentiates.

    said: what it was made from, in words.
    """

    def __init__(self, description: dict[str, Any], weights: dict[str, np.ndarray]) -> None:
        super().__init__()
        self.program = program_from_json(description)
        self.said = from_dict(description.get("said") or say("network-recorded"))
        self.state, fixed = [], set(description.get("fixed", ()))  # which are no parameters; files of old do not say
        for i, _ in enumerate(self.program.state_in):
            value = weights[f"state.{i}"]
            if i in fixed:
                self.register_buffer(f"state{i}", value)
            elif value.dtype.kind == "f":
                setattr(self, f"state{i}", Parameter(value))
            self.state.append(getattr(self, f"state{i}", Tensor(value)))

    @property
    def numbers_a_row(self) -> int:
        """How many numbers the largest array of one sample holds."""
        return max((math.prod(e.result.shape) for e in self.program.equations), default=1)

    def forward(self, x: Any) -> Any:
        def one(row: Any) -> Any:
            return self.program.replay([row], self.state)[0][0]

        return batch(one)(x)


def program_to_json(program: Program) -> dict[str, Any]:
    def atom(a: Var | Constant) -> Any:
        return a.name if isinstance(a, Var) else {"value": a.value.tolist(), "dtype": str(a.value.dtype)}

    def plain(v: Any) -> Any:
        return {"dtype": str(v)} if isinstance(v, np.dtype) else v

    def named(v: Var) -> Any:
        return [v.name, list(v.shape), str(v.dtype)]

    return {
        "inputs": [named(v) for v in program.inputs],
        "state": [named(v) for _, v in program.state_in],
        "equations": [
            [named(e.result), e.op.name, [atom(a) for a in e.args], {k: plain(v) for k, v in e.params.items()}]
            for e in program.equations
        ],
        "outputs": [atom(a) for a in program.outputs],
    }


def program_from_json(data: dict[str, Any]) -> Program:
    env: dict[str, Var] = {}

    def name(entry: Any) -> Var:
        text, shape, dtype = entry
        env[text] = Var(text, ops.Aval(tuple(shape), ops.dtype_of(dtype)), None)
        return env[text]

    def atom(a: Any) -> Var | Constant:
        return env[a] if isinstance(a, str) else Constant(np.array(a["value"], ops.dtype_of(a["dtype"])))

    def param(v: Any) -> Any:
        if isinstance(v, dict):
            return ops.dtype_of(v["dtype"])
        return tuple(param(i) for i in v) if isinstance(v, list) else v

    inputs = tuple(name(e) for e in data["inputs"])
    state = tuple((Tensor(np.zeros(v.shape, v.dtype)), v) for v in map(name, data["state"]))
    equations = []
    for result, op, args, params in data["equations"]:
        if op not in ops.TABLE or ops.TABLE[op].tier == "batching":
            raise ModelFileError(
                f"the model needs the primitive {op!r}, which this surefit does not have; upgrade surefit"
            )
        atoms = tuple(atom(a) for a in args)
        equations.append(
            Equation(name(result), ops.TABLE[op], atoms, {k: param(v) for k, v in params.items()}, "model file")
        )
    large = next((v for v in env.values() if math.prod(v.shape) > LARGEST), None)
    if large is not None:
        raise ModelFileError(f"{large.name[:20]} of the model would have {math.prod(large.shape):.3g} numbers a sample")
    outputs = tuple(atom(a) for a in data["outputs"])
    program = Program("model", inputs, state, tuple(equations), outputs, (), lambda values: values)
    program.check()
    return program


__all__ = ["ProgramModule", "describe_network", "network_from", "program_from_json", "program_to_json"]
