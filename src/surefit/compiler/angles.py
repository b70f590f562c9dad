"""Angles modulo pi/2, for sin, cos and tan.

Up to a bound, k pi/2 is taken away in pieces (Cody and Waite 1980): products of k with pieces of few bits are exact.
Beyond it, 192 bits of 2/pi that matter are multiplied with the number's 53 (Payne and Hanek 1983), lane by lane in a
function of its own that is called only when a lane needs it.
"""

from __future__ import annotations

import numpy as np

from surefit.compiler import coefficients as C
from surefit.compiler.lanes import Lanes, any_lane, fast_two_sum, reading, replaced, two_product, two_sum, where
from surefit.compiler.text import Function, Module, Value

_FAR = 1.0e5  # beyond this, k may have more bits than the pieces leave room for
_NEAREST = 16 - 52  # exponent of a mantissa of 53 bits from which on the table is read
_SHIFT = {"f32": 1.5 * 2.0**23, "f64": 1.5 * 2.0**52}  # adding it rounds to an integer and leaves that in the low bits


def quadrants(x: Lanes, exact: bool) -> tuple[Lanes, Lanes | None, Lanes]:
    """x = k pi/2 + r + low, |r| <= pi/4: (r, low, integers whose low two bits are those of k).

    exact: whether low is wanted; otherwise it is None.
    """
    if x.kind == "f32" and "contract" in x.f.flags:
        r, low, n = _by_fused(x, exact)
    else:
        r, low, n = _by_exact_products(x.to("f64"))
    far = x.abs().is_("gt", _FAR)

    def reduced() -> list[Lanes]:
        new = _far(x.to("f64"))
        if x.kind == r.kind == "f32":
            new = _narrowed(*new)
        return [where(far, a, b) for a, b in zip(new, (r, n, low), strict=True) if b is not None]

    found = replaced(x.f, any_lane(far), reduced, [a for a in (r, n, low) if a is not None])
    if x.kind != r.kind:
        found = _narrowed(*found)
    return found[0], found[2] if exact else None, found[1]


def _narrowed(r: Lanes, n: Lanes, low: Lanes) -> list[Lanes]:
    """(r, n, low) in float32 and its integers."""
    short = r.to("f32")
    with reading(r.f, ""):
        return [short, n.to("i32"), ((r - short.to("f64")) + low).to("f32")]


def _by_fused(x: Lanes, exact: bool) -> tuple[Lanes, Lanes | None, Lanes]:
    """float32 with fused multiply-add: the first product is exact in its sum, and the third hardly counts."""
    f = x.f
    t = x * float(2 / np.pi) + _SHIFT["f32"]
    k = t - _SHIFT["f32"]
    a, b, c = C.HALF_PI_24
    first = Lanes(f, f.exact_fma(k.v, -a, x.v))
    if not exact:
        return Lanes(f, f.exact_fma(k.v, -c, f.exact_fma(k.v, -b, first.v))), None, t.bits()
    p, p_low = two_product(k, Lanes(f, f.const(b, k.v)))
    with reading(f, ""):
        r, lost = two_sum(first, -p)
        r, low = fast_two_sum(r, (lost - p_low) - k * c)
    return r, low, t.bits()


def _by_exact_products(x: Lanes) -> tuple[Lanes, Lanes, Lanes]:
    """float64: every product is exact, and so are the sums that matter."""
    with reading(x.f, ""):
        t = x * float(2 / np.pi) + _SHIFT["f64"]
        k = t - _SHIFT["f64"]
        a, b, c, d = C.HALF_PI_33
        r, lost = two_sum(x - k * a, -(k * b))
        r, rest = two_sum(r, -(k * c))
        r, low = fast_two_sum(r, (lost + rest) - k * d)
    return r, low, t.bits()


def _far(x: Lanes) -> list[Lanes]:
    """All lanes by Payne and Hanek's reduction, meant for large ones: (r, k, low)."""
    f, width = x.f, x.v.width
    at, high, low = (f.alloca("f64", width) for _ in range(3))
    count = f.alloca("i64", width)
    f.store(x.v, at)
    f.call(reduction(f.module), at, high, low, count, f.i64(width))
    return [Lanes(f, f.load(p, k, width)) for p, k in ((high, "f64"), (count, "i64"), (low, "f64"))]


def reduction(module: Module) -> str:
    """`reduce(x, high, low, k, n)`: of n float64 with |x| > 2^16, x = k pi/2 + high + low; its name with @."""
    if "angles" not in module.shared:
        f = Function(module, "reduce_angles", [(a, "ptr") for a in ("x", "high", "low", "k")] + [("n", "i64")],
                     private=True, inline="noinline", noalias=False)  # fmt: skip
        with f.loop(0, f.args["n"]) as l:
            _payne_hanek(f, *(f.gep(f.args[a], l.i, "i64") for a in ("x", "high", "low", "k")))
        f.ret()
        module.shared["angles"] = f.end()
    return module.shared["angles"]


def _payne_hanek(f: Function, x_at: Value, high_at: Value, low_at: Value, k_at: Value) -> None:
    x = Lanes(f, f.load(x_at, "f64"))
    n = x.bits()
    exponent = ((n >> 52) & 0x7FF) - 1075  # x = mantissa 2^exponent
    exponent = where(exponent.is_("gt", 0x7FE - 1075), 0x7FE - 1075, exponent)  # infinity ends as NaN anyway
    exponent = where(exponent.is_("lt", _NEAREST), _NEAREST, exponent)  # smaller numbers are not asked for
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
        finite = x.abs().is_("lt", np.inf)
        r = where(finite, r, np.nan)
    f.store(r.v, high_at)
    f.store(low.v, low_at)
    f.store(where(x.is_("lt", 0.0), 0 - k, k).v, k_at)


def _spread(like: Lanes, x: float) -> Lanes:
    return Lanes(like.f, like.f.const(x, like.v))
