"""Angles modulo pi/2, for sin, cos and tan.

Up to a bound, k pi/2 is taken away in pieces (Cody and Waite 1980): products of k with pieces of few bits are exact.
Beyond it, 192 bits of 2/pi that matter are multiplied with the number's 53 (Payne and Hanek 1983), lane by lane in a
function of its own that is called only when a lane needs it.
"""

from __future__ import annotations

import numpy as np

from surefit.ir import coefficients as C
from surefit.ir.builder import Function, Module, Value
from surefit.ir.lanes import (
    INTEGER,
    Lanes,
    any_lane,
    fast_two_sum,
    reading,
    replaced,
    two_product,
    two_sum,
    where,
)

_FAR = 1.0e5  # beyond this, k may have more bits than the pieces leave room for
_SHIFT = {"f32": 1.5 * 2.0**23, "f64": 1.5 * 2.0**52}  # adding it rounds to an integer and leaves that in the low bits


def quadrants(x: Lanes, exact: bool) -> tuple[Lanes, Lanes | None, Lanes]:
    """x = k pi/2 + r + low, |r| <= pi/4: (r, low, integers whose low two bits are those of k).

    exact: whether low is wanted; otherwise it is None.
    """
    v = x if x.kind == "f32" and "contract" in x.f.flags else x.to("f64")
    parts = _by_fused(v, exact) if v.kind == "f32" else _by_exact_products(v)
    parts = replaced(x.f, any_lane(v.abs().is_("gt", _FAR)), lambda: _with_far_lanes(v, parts), parts)
    if x.kind != v.kind:
        parts = _narrowed(*parts)
    return parts[0], parts[2] if exact else None, parts[1]


def _narrowed(r: Lanes, n: Lanes, low: Lanes) -> list[Lanes]:
    """(r, n, low) in float32 and its integers."""
    short = r.to("f32")
    with reading(r.f, ""):
        return [short, n.to("i32"), ((r - short.to("f64")) + low).to("f32")]


def _by_fused(x: Lanes, exact: bool) -> list[Lanes]:
    """(r, n), or (r, n, low), of float32 with fused multiply-add: the first product is exact in its sum."""
    f = x.f
    t = x * float(2 / np.pi) + _SHIFT["f32"]
    k = t - _SHIFT["f32"]
    a, b, c = C.HALF_PI_24
    first = Lanes(f, f.exact_fma(k.v, -a, x.v))
    if not exact:
        return [Lanes(f, f.exact_fma(k.v, -c, f.exact_fma(k.v, -b, first.v))), t.bits()]
    p, p_low = two_product(k, Lanes(f, f.const(b, k.v)))
    with reading(f, ""):
        r, lost = two_sum(first, -p)
        r, low = fast_two_sum(r, (lost - p_low) - k * c)
    return [r, t.bits(), low]


def _by_exact_products(x: Lanes) -> list[Lanes]:
    """(r, n, low) of float64: every product is exact, and so are the sums that matter."""
    with reading(x.f, ""):
        t = x * float(2 / np.pi) + _SHIFT["f64"]
        k = t - _SHIFT["f64"]
        a, b, c, d = C.HALF_PI_33
        r, lost = two_sum(x - k * a, -(k * b))
        r, rest = two_sum(r, -(k * c))
        r, low = fast_two_sum(r, (lost + rest) - k * d)
    return [r, t.bits(), low]


def _with_far_lanes(x: Lanes, parts: list[Lanes]) -> list[Lanes]:
    """(r, n) or (r, n, low) with the lanes that are far out computed again."""
    f, width = x.f, x.v.width
    values = [x, *parts] if len(parts) == 3 else [x, *parts, parts[0]]
    places = [f.alloca(a.kind, width) for a in values]
    for a, p in zip(values, places, strict=True):
        f.store(a.v, p)
    f.call(reduction(f.module, x.kind), *places, f.i64(width))
    return [Lanes(f, f.load(p, a.kind, width)) for a, p in zip(parts, places[1:], strict=False)]


def reduction(module: Module, kind: str) -> str:
    """`reduce(x, r, n, low, count)`: for each |x| > _FAR its x = n pi/2 + r + low; the function's name with @."""
    key = ("angles", kind)
    if key not in module.shared:
        names = ("x", "r", "n", "low")
        f = Function(module, f"reduce_angles_{kind}", [*((a, "ptr") for a in names), ("count", "i64")],
                     private=True, inline="noinline", noalias=False)  # fmt: skip
        with f.loop(0, f.args["count"]) as l:
            at = [f.gep(f.args[a], l.i, INTEGER[kind] if a == "n" else kind) for a in names]
            x = Lanes(f, f.load(at[0], kind)).to("f64")
            with f.when(x.abs().is_("gt", _FAR).v):
                r, n, low = _payne_hanek(x)
                if kind == "f32":
                    r, n, low = _narrowed(r, n, low)
                for a, p in zip((r, n, low), at[1:], strict=True):
                    f.store(a.v, p)
        f.ret()
        module.shared[key] = f.end()
    return module.shared[key]


def _payne_hanek(x: Lanes) -> tuple[Lanes, Lanes, Lanes]:
    """(r, n, low) of a scalar float64 beyond 2^16; NaN for infinity."""
    f = x.f
    n = x.bits()
    exponent = ((n >> 52) & 0x7FF) - 1075  # x = mantissa 2^exponent
    exponent = where(exponent.is_("gt", 0x7FE - 1075), 0x7FE - 1075, exponent)  # infinity ends as NaN anyway
    mantissa = (n & ((1 << 52) - 1)) | (1 << 52)
    # of 2/pi 192 bits, from the one that gives x 2/pi the weight 2 on: what is before them counts full turns
    offset = (C.TABLE_BITS - 190) - exponent
    table = f.module.array(np.frombuffer(C.TWO_OVER_PI.to_bytes(C.TABLE_BITS // 8 + 8, "little"), np.uint8))
    at = f.gep(Value(table, "ptr"), (offset >> 3).v, "i8")

    def big(text: str) -> str:
        name = f.fresh("w")
        f.line(f"{name} = {text}")
        return name

    loaded = big(f"load i256, {at}, align 1")
    shift = big(f"zext {(offset & 7).v} to i256")
    window = big(f"trunc i256 {big(f'lshr i256 {loaded}, {shift}')} to i192")
    product = big(f"mul i192 {window}, {big(f'zext {mantissa.v} to i192')}")  # times 2^-190: x 2/pi modulo 4
    turned = big(f"add i192 {product}, {1 << 189}")
    k = Lanes(f, f.emit("i64", 1, f"trunc i192 {big(f'lshr i192 {turned}, 190')} to i64"))
    fraction = big(f"shl i192 {product}, 2")  # signed, times 2^-192
    negative = f.emit("i1", 1, f"icmp slt i192 {fraction}, 0")
    size = big(f"select {negative}, i192 {big(f'sub i192 0, {fraction}')}, i192 {fraction}")
    digits = []  # of 32 bits
    for i in range(5):
        part = big(f"trunc i192 {big(f'lshr i192 {size}, {160 - 32 * i}')} to i32")
        digits.append(Lanes(f, f.emit("f64", 1, f"uitofp i32 {part} to double")) * 2.0 ** (-32 * (i + 1)))
    with reading(f, ""):
        high, low = fast_two_sum(digits[0], digits[1])
        high, low = fast_two_sum(high, low + (digits[2] + (digits[3] + digits[4])))
        # times pi/2
        r, lost = two_product(high, _spread(high, C.HALF_PI_TWO[0]))
        lost = lost + (high * C.HALF_PI_TWO[1] + low * C.HALF_PI_TWO[0])
        r, low = fast_two_sum(r, lost)
        minus = Lanes(f, negative) ^ x.is_("lt", 0.0)
        r, low = where(minus, -r, r), where(minus, -low, low)
        r = where(x.abs().is_("lt", np.inf), r, np.nan)
    return r, where(x.is_("lt", 0.0), 0 - k, k), low


def _spread(like: Lanes, x: float) -> Lanes:
    return Lanes(like.f, like.f.const(x, like.v))
