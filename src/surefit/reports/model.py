"""The section about the model: its formula, its layers, how it is trained, its scaling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from surefit import nn
from surefit.formulas.mathml import math
from surefit.models.recorded import ProgramModule
from surefit.models.words import network_words
from surefit.reports.document import Block, Formula, Picture, Table, Text
from surefit.reports.plots import graph, structure
from surefit.reports.words import Speech

if TYPE_CHECKING:
    from surefit.search.record import Record

LARGEST_GRAPH = 60  # nodes of a computation graph that a page can show


def model_section(fit: Record, say: Speech) -> list[Block]:
    """Formula and diagrams of the network, its layers, its scaling."""
    network, sizes = fit.network, fit.layers()
    counts = {"parameters": network.num_parameters(), "dtype": str(fit.dtype)}
    plain = type(network) is nn.MLP and sizes is not None
    if plain and sizes is not None:
        words = say("model-mlp", sizes="-".join(map(str, sizes)), **counts)
    else:
        code = "model-program" if isinstance(network, ProgramModule) else "model-other"
        words = say(code, what=say.sentence(network_words(network)), **counts)
    blocks: list[Block] = [Text(words)]
    if plain and sizes is not None and (settings := network.settings()) is not None:
        bias, activation = settings.get("bias", True), settings["activation"]
        logs = tuple(name in fit.domain.logarithmic for name in fit.names) if fit.model.has_log else ()
        scale = fit.method.get("scale", True)
        blocks.append(mlp_formula(sizes, activation, scale, bias, x_log=logs, y_log=fit.model.y_log))
    blocks += _layers(fit, say)
    if sizes is not None:
        blocks.append(Picture("network", lambda: graph(fit, "network"), say("diagram-caption")))
    elif len(graph(fit, "computation").nodes) <= LARGEST_GRAPH:
        blocks.append(Picture("graph", lambda: graph(fit, "computation"), say("graph-caption")))
    blocks.append(Picture("structure", lambda: structure(fit), say("structure-caption")))
    return blocks + _scaling(fit, say)


def _layers(fit: Record, say: Speech) -> list[Block]:
    header, *rows = fit.layer_rows()
    total = rows.pop()
    named = [
        (say("network") if name == "network" else name, kind, _size(output), parameters)
        for name, kind, output, parameters in rows
    ]
    titles = tuple(say(key) for key in ("layer", "kind", "output", "parameters"))
    assert len(titles) == len(header)
    return [Table([*named, (say("total"), *total[1:])], titles, (3,))]


def _size(shape: str) -> str:
    """(200,) as 200, (3, 8) as 3 × 8."""
    return shape.strip("(),").replace(", ", " × ")


def _scaling(fit: Record, say: Speech) -> list[Block]:
    m = fit.model
    shifts = np.concatenate([m.x_shift.numpy(), m.y_shift.numpy()])
    scales = np.concatenate([m.x_scale.numpy(), m.y_scale.numpy()])
    logs = [*(fit.domain.logarithmic if m.has_log else ()), *(fit.outputs if m.y_log else ())]
    taken = [Text(say("logarithms", names=", ".join(logs)))] if logs else []
    if not shifts.any() and (scales == 1.0).all():
        return [*taken, Text(say("no-scaling"))]
    rows = [
        (name, f"{shift:.6g}", f"{scale:.6g}")
        for name, shift, scale in zip((*fit.names, *fit.outputs), shifts, scales, strict=True)
    ]
    return [*taken, Text(say("scaling")), Table(rows, (say("column"), say("shift"), say("scale")), (1, 2))]


# --- formula ------------------------------------------------------------------------------------------------

_MINUS, _OF = "<mo>\N{MINUS SIGN}</mo>", "<mo>\N{FUNCTION APPLICATION}</mo>"


def _sub(letter: str, *index: str) -> str:
    return f"<msub><mi>{letter}</mi><mrow>{''.join(index)}</mrow></msub>"


def mlp_formula(
    sizes: list[int], activation: str | list[str], is_scaled: bool, bias: bool = True, *,
    x_log: Sequence[bool] = (), y_log: bool = False,
) -> Formula:  # fmt: skip
    r"""The formula of a multilayer perceptron: its input, its hidden layers (activations may differ), its output.

    x_log: for each input whether its logarithm enters, () for none; y_log: whether the exponential comes out.

    >>> print(mlp_formula([1, 8, 1], "tanh", False).latex.splitlines()[2])
    h_{1} &= \mathrm{tanh}(W_{1} h_{0} + b_{1}), & W_{1} &\in \mathbb{R}^{8 \times 1} \\
    """
    last = len(sizes) - 1
    first = ("<mi>x</mi>", "x")
    rows, latex = [], []
    if all(x_log) and x_log:
        first = (f"<mi>ln</mi>{_OF}<mi>x</mi>", r"\ln x")
    elif any(x_log):
        first, ln = ("<mi>u</mi>", "u"), r"\ln "
        for i, log in enumerate(x_log, 1):
            own = _sub("x", f"<mn>{i}</mn>")
            rows.append(f"{_sub('u', f'<mn>{i}</mn>')}<mo>=</mo>{f'<mi>ln</mi>{_OF}{own}' if log else own}")
            latex.append(rf"u_{{{i}}} &= {ln if log else ''}x_{{{i}}} \\")
    if is_scaled:
        ends = (_sub("m", "<mi>x</mi>"), _sub("s", "<mi>x</mi>"))
        above = f"<mrow>{first[0]}{_MINUS}{ends[0]}</mrow>"
        first = (f"<mfrac>{above}{ends[1]}</mfrac>", rf"\frac{{{first[1]} - m_x}}{{s_x}}")
    rows.append(f"{_sub('h', '<mn>0</mn>')}<mo>=</mo>{first[0]}")
    latex.append(f"h_{{0}} &= {first[1]} \\\\")
    for i in range(1, last + 1):
        n, before = f"<mn>{i}</mn>", f"<mn>{i - 1}</mn>"
        linear = f"{_sub('W', n)}<mo>\N{INVISIBLE TIMES}</mo>{_sub('h', before)}"
        tex = f"W_{{{i}}} h_{{{i - 1}}}"
        if bias:
            linear, tex = f"{linear}<mo>+</mo>{_sub('b', n)}", f"{tex} + b_{{{i}}}"
        size = f"<mn>{sizes[i]}</mn><mo>×</mo><mn>{sizes[i - 1]}</mn>"
        domain = f"<mspace width='1em'/>{_sub('W', n)}<mo>∈</mo><msup><mi>ℝ</mi><mrow>{size}</mrow></msup>"
        tex_domain = f"& W_{{{i}}} &\\in \\mathbb{{R}}^{{{sizes[i]} \\times {sizes[i - 1]}}} \\\\"
        if i < last:
            kind = activation if isinstance(activation, str) else activation[i - 1]
            name = {"relu": "ReLU", "leaky_relu": "LeakyReLU", "sigmoid": "σ", "gelu": "GELU"}.get(kind, kind)
            rows.append(f"{_sub('h', n)}<mo>=</mo><mi>{name}</mi>{_OF}{_fenced(linear)}<mo>,</mo>{domain}")
            latex.append(f"h_{{{i}}} &= \\mathrm{{{name}}}({tex}), {tex_domain}")
        else:
            hat = "<mover><mi>y</mi><mo>^</mo></mover>"
            whole = f"{_sub('s', '<mi>y</mi>')}<mo>⊙</mo>{_fenced(linear)}<mo>+</mo>{_sub('m', '<mi>y</mi>')}"
            whole = whole if is_scaled else linear
            rows.append(f"{hat}<mo>=</mo>{f'<mi>exp</mi>{_OF}{_fenced(whole)}' if y_log else whole}<mo>,</mo>{domain}")
            tex = f"s_y \\odot ({tex}) + m_y" if is_scaled else tex
            tex = f"\\exp({tex})" if y_log else tex
            latex.append(f"\\hat{{y}} &= {tex}, {tex_domain}")
    body = "\n".join(["\\begin{aligned}", *latex, "\\end{aligned}"])
    return Formula(math(*rows), body)


def _fenced(row: str) -> str:
    return f'<mrow><mo fence="true">(</mo>{row}<mo fence="true">)</mo></mrow>'


# --- structure ----------------------------------------------------------------------------------------------
