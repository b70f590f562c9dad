"""A model as C99: one header and one source that need math.h alone, allocate nothing, and are safe in any thread.

Sums are taken in the order of strict mode, elementary functions are those of `ir.mathlib`, and nothing is contracted,
so that the values are those of `predict`, bit for bit, with every compiler that rounds as IEEE 754 says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from surefit.core.order import BLOCK
from surefit.core.program import Program
from surefit.exporters.c_builder import TYPES, CFunction, CModule, number, text_of, used
from surefit.exporters.exportable import Exportable, identifier, plain, refuse, wrapped
from surefit.exporters.loops import Loops, Tables, Words
from surefit.ir import elementwise
from surefit.ir.builder import BYTES, KIND_OF, Value, constant, is_float
from surefit.ir.graph import Node
from surefit.ir.mathlib import FUNCTIONS

CODE = {"f32": 6, "f64": 11}  # bytes of a statement, seen of gcc -Os for a Cortex-M4F, which has floats and no doubles
STORED = {**TYPES, "i1": "unsigned char"}


class C(Words):
    """Statements of a C function."""

    def __init__(self, module: CModule) -> None:
        self.module = module
        self.f = CFunction(module)

    @contextmanager
    def loop(self, counter: str, start: str, stop: str, step: int = 1) -> Iterator[None]:
        f = self.f
        more = f"{counter}++" if step == 1 else f"{counter} += {step}"
        f.line(f"for (int {counter} = {start}; {counter} < {stop}; {more}) {{")
        f.depth += 1
        before = f.operations
        yield
        turns = int(stop) // step if stop.isdigit() else BLOCK
        f.operations = before + (f.operations - before) * max(1, turns)
        f.depth -= 1
        f.line("}")

    def block_end(self, start: str, size: int, stop: int) -> str:
        return f"{start} + {size}" if stop % size == 0 else f"({start} + {size} < {stop} ? {start} + {size} : {stop})"

    def load(self, array: str, kind: str, at: str) -> Value:
        if kind == "i1":
            return self.f.emit("i1", 1, f"{array}[{at}] != 0")
        return Value(f"{array}[{at}]", kind)

    def store(self, array: str, kind: str, at: str, value: Value) -> None:
        word = text_of(value)
        self.f.line(f"{array}[{at}] = {f'(unsigned char)({word})' if kind == 'i1' else bare(word)};")

    def number(self, x: Any, kind: str) -> Value:
        return constant(x, kind)

    def counter(self, text: str, kind: str) -> Value:
        if text == "0":
            return constant(0, kind)
        return self.f.emit(kind, 1, f"({TYPES[kind]}){text}")

    def apply(self, node: Node, args: list[Value]) -> Value:
        f = self.f
        if node.op in FUNCTIONS and is_float(args[0].kind) and node.op != "sign":
            name = self.module.kernel(node.op, args)
            f.operations += self.module.cost[name] - 1
            open_ = [a for a, n in zip(args, self.module.numbers(args), strict=True) if n is None]
            return f.emit(node.kind, 1, f"{name}({', '.join(bare(text_of(a)) for a in open_)})")
        try:
            return elementwise.apply(f, node, args, lambda bad, what: None)
        except KeyError:
            raise refuse("C", node.op) from None

    def combine(self, op: str, kind: str, a: Value, b: Value) -> Value:
        return elementwise.combine(self.f, op, a, b)

    def better(self, kind: str, a: Value, b: Value) -> Value:
        f = self.f
        better = f.compare("gt", a, b)
        if not is_float(kind):
            return better
        fresh = f.and_(f.unordered(a, a), f.compare("eq", b, b))
        return f.or_(fresh, f.and_(better, f.not_(f.unordered(b, b))))

    def variable(self, kind: str, value: Value) -> str:
        self.f.count += 1
        name = f"s{self.f.count}"
        self.f.line(f"{TYPES[kind]} {name} = {bare(text_of(value))};")
        return name

    def assign(self, name: str, kind: str, value: Value) -> None:
        self.f.line(f"{name} = {bare(text_of(value))};")

    def value(self, name: str, kind: str) -> Value:
        return Value(name, kind)

    def choose(self, condition: Value, kind: str, a: Value, b: Value) -> Value:
        return self.f.select(condition, a, b)

    def taken(self, array: str, kind: str, at: str, place: Value, stride: int, size: int) -> Value:
        p = text_of(self.f.convert(place, "i64"))
        good = self.f.emit("i1", 1, f"{p} < UINT64_C({size})")
        word = f"{array}[{at} + (int){p} * {stride}]"
        other = constant(np.nan if is_float(kind) else 0, kind)
        return self.f.emit(kind, 1, f"{good.name} ? {word} : {text_of(other)}")

    def place(self, place: Value, size: int) -> str:
        p = text_of(self.f.convert(place, "i64"))
        self.f.count += 1
        self.f.line(f"const int p{self.f.count} = {p} < UINT64_C({size}) ? (int){p} : 0;")
        return f"p{self.f.count}"


def bare(word: str) -> str:
    """A negative number without its brackets."""
    return word[1:-1] if word.startswith("(-") and word.endswith(")") and word.count("(") == 1 else word


class Entry:
    """One C function for one Program: its text, and what it costs."""

    def __init__(
        self, program: Program, module: CModule, tables: Tables, arguments: list[str], outputs: list[str]
    ) -> None:
        loops = Loops(program, arguments, outputs, tables)
        w = C(module)
        for name, (kind, size) in loops.arrays.items():
            w.f.line(f"{STORED[kind]} {name}[{max(1, size)}];")
        loops.write(w)
        lines = used(w.f.lines)
        body = "\n".join(lines)
        unused = [f"    (void){a};" for a in arguments if not re.search(rf"\b{a}\[", body)]
        self.body = "\n".join([*lines, *unused])
        self.operations = w.f.operations
        self.stack = sum(BYTES["i8" if kind == "i1" else kind] * size for kind, size in loops.arrays.values())


HEAD = """{comment}
#ifndef {guard}
#define {guard}

#include <stddef.h>

#ifdef __cplusplus
extern "C" {{
#endif

#define {guard_}INPUTS {d}
#define {guard_}OUTPUTS {k}

/* x: {inputs}. y: {outputs}. They must not overlap. */
void {p}_eval(const {real} x[{d}], {real} y[{k}]);

/* n points, x[i * {d} + input] -> y[i * {k} + output]. */
void {p}_batch(const {real} *x, {real} *y, size_t n);
{more}
/* Evaluates the stored points; the number of values that differ in any bit from those of the model, so 0 is right. */
int {p}_self_test(void);

#ifdef __cplusplus
}}
#endif

#endif
"""

DERIVATIVE = """
/* y as above; jacobian[output * {d} + input]: the derivative of an output by an input. */
void {p}_jacobian(const {real} x[{d}], {real} y[{k}], {real} jacobian[{dk}]);

/* product: the Hessian of weights[0] * y[0] + ... at x, times a direction. */
void {p}_hessian_product(const {real} x[{d}], const {real} weights[{k}], const {real} direction[{d}],
    {real} product[{d}]);
"""

GUARDS = """#include <float.h>
#include <math.h>
#include <stdint.h>

#include "{header}"

/* The results are exact to the bit only where each operation is rounded on its own. */
#if defined(__FAST_MATH__)
#error "compile without -ffast-math and -Ofast: they change results"
#endif
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 16
#error "compile for IEEE arithmetic without extra precision, as with -msse2 -mfpmath=sse"
#endif
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("fp-contract=off", "no-tree-vectorize") /* whose vectors are contracted all the same */
#else
#pragma STDC FP_CONTRACT OFF
#endif
"""


def c_code(model: Exportable, header: str) -> tuple[str, str]:
    """(header, source) of a model. header: the name of the header's file."""
    p = identifier(model.name)
    d, k, kind = len(model.inputs), len(model.outputs), model.kind
    real = TYPES[kind]
    module, tables = CModule(p), Tables(f"{p}_w")
    entries = {"eval": Entry(model.program, module, tables, ["x"], ["y"])}
    heads = {"eval": f"void {p}_eval(const {real} x[{d}], {real} y[{k}])"}
    if model.derivative is not None:
        entries["jacobian"] = Entry(model.derivative, module, tables, ["x"], ["y", "jacobian"])
        heads["jacobian"] = f"void {p}_jacobian(const {real} x[{d}], {real} y[{k}], {real} jacobian[{d * k}])"
    if model.curvature is not None:
        arguments = ["x", "weights", "direction"]
        entries["hessian_product"] = Entry(model.curvature, module, tables, arguments, ["product"])
        heads["hessian_product"] = (
            f"void {p}_hessian_product(const {real} x[{d}], const {real} weights[{k}],\n"
            f"    const {real} direction[{d}], {real} product[{d}])"
        )
    named = set(re.findall(rf"\b{p}_w\d+\b", " ".join(e.body for e in entries.values())))
    weights = {n: a for n, a in tables.arrays.items() if n in named}
    costs = [f"{p}_{n}: {e.operations} operations, {e.stack} bytes of stack for its arrays" for n, e in entries.items()]
    body = module.text()
    values = model.values()
    tests = {"test_x": model.points.astype(model.dtype), "test_y": values[0].astype(model.dtype)}
    costs.append(_flash(sum(a.nbytes for a in weights.values()), sum(a.nbytes for a in tests.values()),
                        "\n".join([body, *(e.body for e in entries.values())])))  # fmt: skip
    arrays = {**weights, **{f"{p}_{n}": a.reshape(-1) for n, a in tests.items()}}
    more = ""
    if model.derivative is not None:
        more = DERIVATIVE.format(p=p, d=d, k=k, dk=d * k, real=real)
        if model.curvature is None:
            more = more.split("\n\n")[0] + "\n"
    comment = "/*\n" + "\n".join(f" * {line}".rstrip() for line in [*model.comment(), *costs]) + "\n */"
    head = HEAD.format(
        comment=comment, guard=f"{p.upper()}_H", guard_=f"{p.upper()}_", p=p, d=d, k=k, real=real, more=more,
        inputs=plain(", ".join(model.inputs)), outputs=plain(", ".join(model.outputs)),
    )  # fmt: skip
    functions = [f"{heads[n]}\n{{\n{e.body}\n}}" for n, e in entries.items()]
    source = [GUARDS.format(header=header), *(_array(n, a) for n, a in arrays.items()), body, *functions,
              _batch(p, d, k, real), _self_test(p, d, k, real, len(model.points))]  # fmt: skip
    return head, comment + "\n" + "\n\n".join(part for part in source if part) + "\n"


def _flash(tables: int, tests: int, code: str) -> str:
    """What it takes of a read-only memory; of code that is a guess."""
    size = code.count(";") * CODE["f64" if "double" in code else "f32"]
    return (
        f"flash: {tables} bytes of tables, {tests} of the self-test, about {float(f'{size:.2g}'):.0f} of code "
        "(Cortex-M4F, gcc -Os)"
    )


def _array(name: str, a: np.ndarray) -> str:
    kind = KIND_OF[a.dtype.name]
    if is_float(kind):
        items = [number(v, kind) for v in a.tolist()]
    else:
        items = [text_of(constant(v, kind)) for v in a.tolist()]
    return f"static const {STORED[kind]} {name}[{a.size}] = {{\n{wrapped(items)}\n}};"


def _batch(p: str, d: int, k: int, real: str) -> str:
    return f"""void {p}_batch(const {real} *x, {real} *y, size_t n)
{{
    for (size_t i = 0; i < n; i++)
        {p}_eval(x + {d} * i, y + {k} * i);
}}"""


def _self_test(p: str, d: int, k: int, real: str, count: int) -> str:
    return f"""int {p}_self_test(void)
{{
    {real} y[{k}];
    int wrong = 0;
    for (int i = 0; i < {count}; i++) {{
        {p}_eval({p}_test_x + {d} * i, y);
        for (int j = 0; j < {k}; j++) {{
            const {real} want = {p}_test_y[{k} * i + j];
            wrong += !(y[j] == want || (y[j] != y[j] && want != want));
        }}
    }}
    return wrong;
}}"""


__all__ = ["c_code"]
