"""Write the stubs: what type checkers and editors know of surefit's names, and of functions and methods of tensors.

    python scripts/signatures.py            # write src/surefit/__init__.pyi, core/signatures.pyi, torch/**/*.pyi
    python scripts/signatures.py --check    # exit with 1 where they are not what would be written

The functions work on whatever they are given (tensors, arrays, numbers, names that are recorded), so their own
annotations say `Any`. A user's script gives tensors and gets tensors. That is said here, from the signatures that the
functions have at run time, so that no name and no argument is written twice. Public names are imported when they are
first used, which no tool can follow: for tools there is a list of plain imports.
"""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch_signatures import STUBS

import surefit
from surefit.core import functions, methods
from surefit.core.ops import Op
from surefit.core.tensor import Tensor

SOURCE = Path(__file__).resolve().parents[1] / "src/surefit"

HEAD = '''"""Types of the functions and methods of tensors, for tools. Written by scripts/signatures.py: change that."""

from collections.abc import Sequence
from typing import Any, Literal, Self, overload

import numpy as np

from surefit.core.primitive import Arithmetic
from surefit.core.shapes import Found
from surefit.core.tensor import Tensor

type_Array = np.ndarray[Any, np.dtype[Any]]
type_Plain = type_Array | np.number[Any] | np.bool_ | float  # what is not a tensor; int and bool are floats here
type_Operand = Tensor | type_Plain
'''

# whose arguments of these names may each be what makes the result a tensor
OPERANDS = ("a", "b", "c", "condition", "x", "y", "start", "end")
ELEMENTWISE = {  # besides the primitives of one argument: array in, array out, and a number for a number
    "clamp", "clamp_max", "clamp_min", "clip", "deg2rad", "frac", "logit", "rad2deg", "round", "rsqrt",
    "softplus", "reciprocal",
}  # fmt: skip
TAKEN = {"view"}  # of surefit itself these are other things: here they are methods only
LISTS = {"tensors", "matrices", "operands", "xs"}
KIND_OF_RESULT = {"max": "extreme", "min": "extreme", "median": "extreme", "nonzero": "nonzero", "unique": "unique"}

OPERATORS = "add sub mul truediv floordiv mod pow matmul and or xor".split()
COMPARISONS = "lt le gt ge eq ne".split()


def parameters_of(f: Any) -> list[inspect.Parameter]:
    """The parameters; those of a primitive are those of its value, by place."""
    if not isinstance(f, Op):
        return list(inspect.signature(f).parameters.values())
    gradients = f.vjps
    n = len(gradients) if isinstance(gradients, tuple) else len(inspect.signature(f.value).parameters)
    names = {1: ["x"], 2: ["a", "b"], 3: ["condition", "a", "b"]}[n]
    return [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in names]


def written(parameters: list[inspect.Parameter], types: dict[str, str] | None = None, first: str = "") -> str:
    """Parameters as the text between parentheses; `types` replaces annotations."""
    parts = [first] if first else []
    kinds = [p.kind for p in parameters]
    for i, p in enumerate(parameters):
        annotation = (types or {}).get(p.name) or (p.annotation if isinstance(p.annotation, str) else "Any")
        if p.kind is p.KEYWORD_ONLY and p.VAR_POSITIONAL not in kinds and p.KEYWORD_ONLY not in kinds[:i]:
            parts.append("*")
        star = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        parts.append(f"{star}{p.name}: {annotation}" + ("" if p.default is p.empty else f" = {p.default!r}"))
        if p.kind is p.POSITIONAL_ONLY and p.POSITIONAL_ONLY not in kinds[i + 1 :]:
            parts.append("/")
    return ", ".join(parts)


def result_of(f: Any) -> str:
    """What comes out where tensors go in."""
    said = "Any" if isinstance(f, Op) else str(inspect.signature(f).return_annotation)
    return said.replace("Found", "Found[Any]").replace("Any", "Tensor")


def overloaded(variants: list[str]) -> list[str]:
    return variants if len(variants) == 1 else [line for v in variants for line in ("@overload", v)]


def special(name: str, rest: list[inspect.Parameter], first: str) -> list[str] | None:
    """The functions whose result depends on an argument; `first` is the text of the first parameter."""
    head, kind = f"def {name}({first}", KIND_OF_RESULT.get(name)
    if kind == "extreme":
        other = [f"{head}, dim: Tensor) -> Tensor: ..."] if name != "median" else []
        return [
            f"{head}, dim: None = None, keepdim: bool = False) -> Tensor: ...",
            f"{head}, dim: int, keepdim: bool = False) -> Found[Tensor]: ...",
            *other,
        ]
    if kind == "nonzero":
        return [
            f"{head}, as_tuple: Literal[False] = False) -> Tensor: ...",
            f"{head}, as_tuple: Literal[True]) -> tuple[Tensor, ...]: ...",
        ]
    if kind == "unique":
        return [
            f"{head}, sorted: bool = True, *, dim: int | None = None) -> Tensor: ...",
            f"{head}, {written(rest)}) -> Any: ...",
        ]
    return None


def declared(name: str, f: Any) -> list[str]:
    """A function of this module."""
    parameters = parameters_of(f)
    first, rest = parameters[0], parameters[1:]
    result = result_of(f)
    if "Tensor" not in result:
        types = dict.fromkeys("ab", "type_Operand")
        return [f"def {name}({written(parameters, types)}) -> {result}: ..."]
    if (variants := special(name, rest, "x: Tensor")) is not None:
        return overloaded([*variants, f"def {name}(x: type_Plain, {written(rest)}) -> Any: ..."])
    several = [p.name for p in parameters if p.name in LISTS]
    if several:  # of tensors, or of anything
        form = "{}" if several[0] in [p.name for p in parameters if p.kind is p.VAR_POSITIONAL] else "Sequence[{}]"
        of = {kind: {several[0]: form.format(kind)} for kind in ("Tensor", "Any")}
        return overloaded(
            [f"def {name}({written(parameters, of[k])}) -> {r}: ..." for k, r in zip(of, (result, "Any"), strict=True)]
        )
    operands = [first.name, *(p.name for p in rest if p.name in OPERANDS and p.default is p.empty)]
    variants = []
    for i in operands:
        types = {o: "Tensor" if o == i else "type_Operand" for o in operands}
        variants.append(f"def {name}({written(parameters, types)}) -> {result}: ...")
    alike = len(operands) == 1 and result == "Tensor" and (isinstance(f, Op) or name in ELEMENTWISE)
    if alike:
        for kind in ("type_Array", "float"):
            variants.append(f"def {name}({written(parameters, {operands[0]: kind})}) -> {kind}: ...")
    else:
        variants.append(f"def {name}({written(parameters, dict.fromkeys(operands, 'type_Plain'))}) -> Any: ...")
    return overloaded(variants)


def respelled(parameters: list[inspect.Parameter]) -> list[inspect.Parameter]:
    """Parameters under NumPy's names."""
    new = [p.replace(name={"dim": "axis", "keepdim": "keepdims"}.get(p.name, p.name)) for p in parameters]
    named, found = [], False
    for p in new:
        found = found or p.name in ("axis", "keepdims")
        named.append(p.replace(kind=p.KEYWORD_ONLY) if found else p)
    return named


def method(name: str, f: Any) -> list[str]:
    """A function as a method of Tensor, which takes NumPy's keywords too."""
    rest = parameters_of(f)[1:]
    types = {p.name: "type_Operand" for p in rest if p.name in OPERANDS and p.default is p.empty}
    result = result_of(f)
    variants = special(name, rest, "self") or [f"def {name}({written(rest, types, 'self')}) -> {result}: ..."]
    if {"dim", "keepdim"} & {p.name for p in rest} and not isinstance(f, Op):
        if name in KIND_OF_RESULT:
            variants.append(f"def {name}(self, *, axis: Any = None, keepdims: bool = False) -> Any: ...")
        else:
            variants.append(f"def {name}({written(respelled(rest), types, 'self')}) -> {result}: ...")
    return overloaded(variants)


def in_place(name: str, f: Any) -> list[str]:
    rest = parameters_of(f)[1:]
    types = {p.name: "type_Operand" for p in rest if p.name in OPERANDS and p.default is p.empty}
    return [f"def {name}_({written(rest, types, 'self')}) -> Self: ..."]


def operators() -> list[str]:
    """The operators, which are tensors whatever stands on the other side."""
    out = []
    for name in OPERATORS:
        out += [f"def __{r}{name}__(self, o: type_Operand, /) -> Tensor: ..." for r in ("", "r")]
    for name in COMPARISONS:
        ignored = "  # type: ignore[override]" if name in ("eq", "ne") else ""
        out.append(f"def __{name}__(self, o: Any, /) -> Tensor: ...{ignored}")
    out += [f"def __{name}__(self) -> Tensor: ..." for name in ("neg", "pos", "abs", "invert")]
    return out + [
        f"def __i{name}__(self, o: type_Operand, /) -> Self: ..." for name in ("add", "sub", "mul", "truediv")
    ]


def text() -> str:
    """The whole file."""
    lines = [HEAD.strip("\n").replace("type_", "_"), ""]
    for name in sorted(functions.__all__):
        lines += declared(name, getattr(functions, name))
    lines += ["", "class Methods(Arithmetic):", "    __slots__ = ()"]
    given = set(vars(Tensor)) | {n for base in Tensor.__mro__[1:] for n in vars(base)}
    body: list[str] = []
    for name in methods.METHODS:
        if name in given and is_made_from_function(name):
            body += method(name, getattr(functions, name))
    for name in methods.IN_PLACE:
        body += in_place(name, getattr(functions, name))
    lines += [f"    {line}" for line in [*body, *operators()]]
    names = "".join(f'    "{n}",\n' for n in sorted({*functions.__all__} - TAKEN))
    lines += ["", f"__all__ = [\n{names}]", ""]
    return "\n".join(lines).replace("type_", "_")


def is_made_from_function(name: str) -> bool:
    """Whether Tensor's method of this name was made from the function, and not written in the class."""
    made: Callable[..., Any] | None = vars(Tensor).get(name)
    f = getattr(functions, name)
    return made is not None and (isinstance(f, Op) or inspect.unwrap(made) is f)


def public() -> str:
    """The stub of surefit itself: every public name, imported by name, which exports it."""
    lines = [
        '"""The public names, for tools. Written by scripts/signatures.py from surefit/__init__.py."""\n',
        *(f"from surefit import {room} as {room}" for room in surefit._ROOMS),
        "from surefit._version import __version__ as __version__",
        *(f"from {home} import {name} as {name}" for name, home in surefit._MODULE_OF.items()),
        "from surefit.core.signatures import *",
    ]
    return "\n".join(lines)


def formatted(path: Path, text: str) -> str:
    """A file as Ruff leaves it."""
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(path), "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True, cwd=SOURCE).stdout


def main() -> int:
    """0 unless a file that was checked is an old one."""
    old = False
    stubs = {"__init__.pyi": public, "core/signatures.pyi": text, **STUBS}
    for name, write in stubs.items():
        path = SOURCE / name
        new = formatted(path, write())
        if "--check" in sys.argv[1:]:
            old |= not path.exists() or path.read_text(encoding="utf-8") != new
        else:
            path.write_text(new, encoding="utf-8")
    return int(old)


if __name__ == "__main__":
    sys.exit(main())
