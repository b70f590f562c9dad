"""A wish, and a proof, as the page shows them: typeset, sampled, as Python and as a command."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable
from typing import Any

import numpy as np

from surefit.attempts.methods import LBFGS, LM, FirstOrder
from surefit.bounds.certificate import Certificate, ceil_words, floor_words
from surefit.formulas.mathml import to_mathml
from surefit.reports.pictures import GRID, finite, numbers

from .wishes import CONSTRUCT, Wish


def preview_of(wish: Wish) -> dict[str, Any]:
    """The formula as MathML, its values on a grid, the size of the network, and the call in two languages."""
    shown: dict[str, Any] = dict(
        names=list(wish.names), parameters=wish.parameters, python=python_of(wish), command=command_of(wish)
    )
    if wish.function is not None and wish.domain is not None:
        axes = [np.linspace(*wish.domain[name], n) for name, n in zip(wish.names, GRID[len(wish.names)], strict=True)]
        mesh = np.meshgrid(*axes) if len(axes) == 2 else axes
        with np.errstate(all="ignore"):
            values = np.broadcast_to(wish.function(*(m.ravel() for m in mesh)), (mesh[0].size,))
        shown |= dict(
            mathml=to_mathml(wish.function, left="y"),
            axes=[numbers(axis, None) for axis in axes], target=numbers(values, None),
        )  # fmt: skip
    return shown


def python_of(wish: Wish) -> str:
    """The call as Python."""
    lines, data = target_of(wish)
    if wish.method == CONSTRUCT:
        return (
            f"import surefit\n\nfit = surefit.construct(\n    {', '.join(lines)}, units={wish.units}\n)\nprint(fit)\n"
        )
    if isinstance(wish.method, FirstOrder):
        m = wish.method
        lines.append(f"method=surefit.{type(m).__name__}(lr={m.lr!r}, epochs={m.epochs}, batch_size={m.batch_size})")
    elif isinstance(wish.method, (LM, LBFGS)):
        lines.append(f"method=surefit.{type(wish.method).__name__}(iterations={wish.method.iterations})")
    else:
        lines.append(f"method={wish.method!r}")
    if wish.model is not None:
        bias = "" if wish.model.bias else ", bias=False"
        init = "" if wish.model.init == "auto" else f", init={wish.model.init!r}"
        lines.append(f"model=surefit.MLPSpec({wish.model.widths!r}, {wish.model.activation!r}{bias}{init})")
    if wish.function is not None:
        design = "" if wish.data.design == "auto" else f"{wish.data.design!r}, "
        noise = "" if wish.data.noise is None else f", noise={noise_of(wish)!r}"
        lines.append(f"data=surefit.Sampling({design}count={wish.data.count}{noise})")
    lines.append(f"seed={wish.seed}")
    return f"import surefit\n\n{data}fit = surefit.fit(\n    " + ",\n    ".join(lines) + ",\n)\nprint(fit)\n"


def target_of(wish: Wish) -> tuple[list[str], str]:
    """What is fitted, as the first arguments of the call, and the lines that must come before it."""
    if wish.function is not None:
        return [repr(wish.target), repr(wish.domain)], ""
    if wish.file:
        columns = f"target={wish.output!r}", f"columns={list(wish.names)!r}"
        return [repr(wish.file), *columns, *([f"decimal={wish.decimal!r}"] if wish.decimal != "." else [])], ""
    rows = "".join(f"    {row},\n" for row in wish.target.values.tolist())
    table = f"table = surefit.data.Table({[*wish.names, wish.output]!r}, [\n{rows}])\n\n"
    return ["table"], table


def command_of(wish: Wish) -> str:
    """The call as a command."""
    if wish.function is None:  # a drawn curve is saved by the page under this name
        file = wish.file or "drawn.csv"
        words = ["surefit", "fit", file if not file.startswith("-") else f"./{file}"]
        words += ["--target", listed([wish.output]), "--columns", listed(wish.names)]
        words += ["--decimal", wish.decimal] if wish.decimal != "." else []
    else:
        words = ["surefit", "fit", str(wish.target)]
    for name, (low, high) in (wish.domain or {}).items():
        words += ["--on", f"{name}={low!r}:{high!r}"]
    if wish.method == CONSTRUCT:
        words[1] = CONSTRUCT
        return shlex.join([*words, "--units", str(wish.units)])
    method = wish.method if isinstance(wish.method, str) else wish.method.name
    words += ["--method", method]
    if wish.model is not None:
        activation = wish.model.activation
        several = activation if isinstance(activation, str) else ",".join(map(str, activation))
        words += ["--hidden", ",".join(map(str, wish.model.widths)), "--activation", several]
        words += [] if wish.model.bias else ["--no-bias"]
        words += [] if wish.model.init == "auto" else ["--init", wish.model.init]
    if isinstance(wish.method, FirstOrder):
        m = wish.method
        words += ["--lr", f"{m.lr!r}", "--epochs", str(m.epochs), "--batch-size", str(m.batch_size)]
    elif isinstance(wish.method, (LM, LBFGS)):
        words += ["--iterations", str(wish.method.iterations)]
    words += ["--num", str(wish.data.count)] if wish.function is not None else []
    words += ["--seed", str(wish.seed)]
    words += [] if wish.data.design == "auto" else ["--design", wish.data.design]
    if wish.data.noise is not None:
        words += ["--noise", repr(noise_of(wish))]
    return shlex.join(words)


def listed(names: Iterable[str]) -> str:
    """Names with commas between them, in quotes where they hold commas or quotes themselves, as in CSV."""
    return ",".join('"' + n.replace('"', '""') + '"' if set(n) & set(',"，') else n for n in names)


def noise_of(wish: Wish) -> float:
    """The standard deviation of the noise."""
    noise: Any = wish.data.noise
    return float(getattr(noise, "scale", noise))


def gap_of(lower: float, upper: float) -> dict[str, str | None]:
    """Two bounds in words, rounded outwards, so that what is read is proved too."""
    return dict(lower=floor_words(lower), upper=ceil_words(upper) if math.isfinite(upper) else None)


def proof_of(proof: Certificate) -> dict[str, Any]:
    """A certificate: both bounds, and in words how it ended."""
    return gap_of(proof.lower, proof.upper) | dict(
        at={k: finite(v) for k, v in getattr(proof.error, "at", {}).items()},
        boxes=int(proof.boxes),
        seconds=finite(proof.seconds),
        text=str(proof),
        complete=proof.complete,
    )


__all__ = ["command_of", "gap_of", "preview_of", "proof_of", "python_of"]
