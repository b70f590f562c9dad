"""One elementwise primitive as instructions, for numbers or lanes."""

from __future__ import annotations

from collections.abc import Callable

from surefit.ir.builder import Function, Value, is_float
from surefit.ir.graph import Node
from surefit.ir.mathlib import FUNCTIONS

Check = Callable[[Value, str], None]  # (lanes that are wrong, what is wrong with them)


def _maximum(f: Function, a: Value, b: Value, how: str) -> Value:
    """maximum ("gt") or minimum ("lt"); a NaN wins."""
    if a.kind == "i1":
        return f.or_(a, b) if how == "gt" else f.and_(a, b)
    m = f.select(f.compare(how, a, b), a, b)
    return f.select(f.unordered(a, a), a, m) if is_float(a.kind) else m


def _sign(f: Function, x: Value) -> Value:
    one, zero = f.const(1, x), f.const(0, x)
    positive = f.select(f.compare("gt", x, 0), one, zero)
    return f.select(f.compare("lt", x, 0), f.const(-1, x), positive)


def _relu(f: Function, x: Value) -> Value:
    return x if x.kind == "i1" else f.select(f.compare("lt", x, 0), f.const(0, x), x)


def _quotient(f: Function, a: Value, b: Value, check: Check) -> tuple[Value, Value]:
    """Truncated quotient and remainder of integers; a divisor of 0 is reported."""
    zero = f.compare("eq", b, 0)
    check(zero, "division")
    minus = f.compare("eq", b, -1)  # the smallest integer by -1 would trap
    safe = f.select(f.or_(zero, minus), f.const(1, b), b)
    q = f.select(minus, f.neg(a), f.div(a, safe))
    return q, f.select(minus, f.const(0, a), f.rem(a, safe))


def _floored(f: Function, name: str, a: Value, b: Value, check: Check) -> Value:
    q, r = _quotient(f, a, b, check)
    if name == "fmod":
        return r
    wrong = f.and_(f.compare("ne", r, 0), f.compare("lt", f.xor(r, b), 0))  # signs differ: one step down
    if name == "remainder":
        return f.select(wrong, f.add(r, b), r)
    return f.select(wrong, f.sub(q, 1), q)


def _integer_power(f: Function, a: Value, b: Value, check: Check) -> Value:
    a, b = (f.splat(v, max(a.width, b.width)) for v in (a, b))
    check(f.compare("lt", b, 0), "power")
    with f.loop(0, 64 if a.kind == "i64" else 32, carry=[f.const(1, a), a, b]) as l:
        result, base, e = l.carried
        odd = f.compare("ne", f.and_(e, 1), 0)
        l.next = [f.select(odd, f.mul(result, base), result), f.mul(base, base), f.lshr(e, 1)]
    return l.result[0]


def apply(f: Function, node: Node, args: list[Value], check: Check) -> Value:
    """The value of an elementwise node from its arguments' values."""
    op, kind = node.op, node.kind
    a = args[0]
    b = args[1] if len(args) > 1 else a
    real = is_float(a.kind)
    if op == "copy":
        return a
    if op == "cast":
        return f.convert(a, kind)
    if op in ("eq", "ne", "lt", "le", "gt", "ge"):
        return f.compare(op, a, b)
    if op == "where":
        return f.select(a, args[1], args[2])
    if op == "add":
        return f.or_(a, b) if kind == "i1" else f.add(a, b)
    if op == "mul":
        return f.and_(a, b) if kind == "i1" else f.mul(a, b)
    if op == "logical_and":
        return f.and_(a, b)
    if op == "logical_or":
        return f.or_(a, b)
    if op == "logical_xor":
        return f.xor(a, b)
    if op == "logical_not":
        return f.not_(a)
    if op == "sub":
        return f.sub(a, b)
    if op == "div":
        return f.div(a, b)
    if op == "neg":
        return f.neg(a)
    if op == "abs":
        return a if kind == "i1" else f.abs(a)
    if op == "square":
        return f.mul(a, a)
    if op == "sqrt":
        return f.sqrt(a)
    if op == "maximum":
        return _maximum(f, *f._pair(a, b), "gt")
    if op == "minimum":
        return _maximum(f, *f._pair(a, b), "lt")
    if op == "relu":
        return _relu(f, a)
    if op == "sign":
        return _sign(f, a)
    if op in ("floor", "ceil", "trunc", "round"):
        if not real:
            return a
        return {"floor": f.floor, "ceil": f.ceil, "trunc": f.trunc, "round": f.round_even}[op](a)
    if not real and op in ("floor_divide", "remainder", "fmod"):
        return _floored(f, op, *f._pair(a, b), check)
    if not real and op == "pow":
        return _integer_power(f, a, b, check)
    if len(args) == 2:
        return FUNCTIONS[op](f, *f._pair(a, b))
    return FUNCTIONS[op](f, a)


def identity_of(op: str, kind: str) -> float:
    """What a reduction begins with."""
    if op == "sum":
        return 0
    if op == "prod":
        return 1
    return {"f32": float("-inf"), "f64": float("-inf"), "i1": 0, "i32": -(2**31), "i64": -(2**63)}[kind]


def combine(f: Function, op: str, a: Value, b: Value) -> Value:
    """Two partial results of a reduction."""
    if op == "sum":
        return f.add(a, b)
    if op == "prod":
        return f.mul(a, b)
    return _maximum(f, a, b, "gt")
