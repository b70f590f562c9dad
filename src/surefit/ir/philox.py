"""Random bits in compiled code: Philox4x64-10, the same bits as the primitive `random_bits` gives on NumPy.

A block of four 64-bit words is a function of a key and of its own number alone (Salmon, Moraes, Dror and Shaw,
"Parallel random numbers: as easy as 1, 2, 3", 2011), so nothing is carried from one block to the next.
"""

from __future__ import annotations

from surefit.ir.builder import Function, Module, Value

_MULTIPLY = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
_WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)  # the golden ratio, and sqrt(3) - 1
_ROUNDS = 10


def random_bits(f: Function, out: Value, count: int, key: Value, counter: Value) -> None:
    """Store `count` int32, uniform over all of them, from out on; key and counter are scalars of kind i64."""
    if not count:
        return
    blocks, rest = divmod(count, 8)
    block = _block(f.module)
    if blocks:
        with f.loop(0, blocks) as l:
            to = f.gep(out, f.mul(l.i, f.i64(8)), "i32")
            f.call(block, to, key, counter, f.add(l.i, f.i64(1)))
    if rest:
        last = f.alloca("i32", 8)
        f.call(block, last, key, counter, f.i64(blocks + 1))
        for i in range(rest):
            f.store(f.load(f.gep(last, i, "i32"), "i32"), f.gep(out, 8 * blocks + i, "i32"))


def _block(module: Module) -> str:
    """`block(out, key, counter, number)`: one block of eight int32; its name with @. Inlined where it is called."""
    if "philox" not in module.shared:
        args = [("out", "ptr"), ("key", "i64"), ("counter", "i64"), ("number", "i64")]
        f = Function(module, "philox_block", args, private=True)
        zero = f.i64(0)
        k0, k1 = f.args["key"], zero
        x = [f.args["number"], f.args["counter"], zero, zero]
        for i in range(_ROUNDS):
            if i:
                k0, k1 = f.add(k0, f.i64(_WEYL[0])), f.add(k1, f.i64(_WEYL[1]))
            (high0, low0), (high1, low1) = _product(f, x[0], _MULTIPLY[0]), _product(f, x[2], _MULTIPLY[1])
            x = [f.xor(f.xor(high1, x[1]), k0), low1, f.xor(f.xor(high0, x[3]), k1), low0]
        for i, word in enumerate(x):  # low half first
            low, high = f.convert(word, "i32"), f.convert(f.lshr(word, f.i64(32)), "i32")
            f.store(low, f.gep(f.args["out"], 2 * i, "i32"))
            f.store(high, f.gep(f.args["out"], 2 * i + 1, "i32"))
        f.ret()
        module.shared["philox"] = f.end()
    return module.shared["philox"]


def _product(f: Function, a: Value, b: int) -> tuple[Value, Value]:
    """The two words of a times b, unsigned: (high, low)."""
    wide, product, high = (f.fresh("w") for _ in range(3))
    f.line(f"{wide} = zext {a} to i128")
    f.line(f"{product} = mul i128 {wide}, {b}")
    f.line(f"{high} = lshr i128 {product}, 64")
    return f.emit("i64", 1, f"trunc i128 {high} to i64"), f.emit("i64", 1, f"trunc i128 {product} to i64")
