"""Products of vectors, matrices and stacks of matrices, einsum, and linear algebra, under PyTorch's names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from surefit.core import ops
from surefit.core.ops import aval_of, normalize_axis, shape_of
from surefit.core.shapes import diagonal, permute, reshape, roll, squeeze, stop_gradient, unsqueeze, whole
from surefit.errors import ArgumentError, DtypeError, ShapeError


def matmul(a: Any, b: Any) -> Any:
    """Matrix product of vectors, matrices and stacks of matrices, as NumPy's @."""
    sa, sb = shape_of(a), shape_of(b)
    if len(sa) >= 2 and len(sb) >= 2:
        return ops.matmul(a, b)
    if not sa or not sb:
        raise ShapeError(f"matmul: {sa} @ {sb}: a scalar takes no part in a matrix product; use *")
    if sa[-1] != (sb[0] if len(sb) == 1 else sb[-2]):
        raise ShapeError(f"matmul: {sa} @ {sb}: {sa[-1]} columns meet {sb[0] if len(sb) == 1 else sb[-2]} rows")
    left = ops.reshape(a, shape=(1, sa[0])) if len(sa) == 1 else a
    right = ops.reshape(b, shape=(sb[0], 1)) if len(sb) == 1 else b
    y = ops.matmul(left, right)
    shape = y.shape[:-1] if len(sb) == 1 else y.shape
    if len(sa) == 1:
        shape = (*shape[:-1],) if len(sb) == 1 else (*shape[:-2], shape[-1])
    return ops.reshape(y, shape=shape)


def _axes_checked(name: str, a: Any, b: Any, na: int, nb: int) -> None:
    if len(shape_of(a)) != na or len(shape_of(b)) != nb:
        raise ShapeError(f"{name}: needs {na} and {nb} axes, got {shape_of(a)} and {shape_of(b)}")
    if aval_of(a).dtype != aval_of(b).dtype:
        raise DtypeError(f"{name}: dtypes {aval_of(a).dtype} and {aval_of(b).dtype} differ; cast one of them")


def mm(a: Any, b: Any) -> Any:
    """Product of two matrices."""
    _axes_checked("mm", a, b, 2, 2)
    return ops.matmul(a, b)


def mv(a: Any, b: Any) -> Any:
    """Matrix times vector."""
    _axes_checked("mv", a, b, 2, 1)
    return matmul(a, b)


def bmm(a: Any, b: Any) -> Any:
    """Product of two stacks of matrices (b, n, k) and (b, k, m)."""
    _axes_checked("bmm", a, b, 3, 3)
    if a.shape[0] != b.shape[0]:
        raise ShapeError(f"bmm: {a.shape} and {b.shape}: stacks of {a.shape[0]} and {b.shape[0]}")
    return ops.matmul(a, b)


def dot(a: Any, b: Any) -> Any:
    """Inner product of two vectors."""
    _axes_checked("dot", a, b, 1, 1)
    if a.shape != b.shape:
        raise ShapeError(f"dot: vectors of {a.shape[0]} and {b.shape[0]} elements")
    return matmul(a, b)


vdot = dot


def outer(a: Any, b: Any) -> Any:
    """a[i] * b[j]."""
    if len(shape_of(a)) != 1 or len(shape_of(b)) != 1:
        raise ShapeError(f"outer: needs two vectors, got {shape_of(a)} and {shape_of(b)}")
    return ops.mul(unsqueeze(a, 1), unsqueeze(b, 0))


def addmm(c: Any, a: Any, b: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    """beta * c + alpha * (a @ b)."""
    product = mm(a, b)
    product = product if alpha == 1 else product * alpha
    if beta == 0:
        return product
    return (c if beta == 1 else c * beta) + product


def addmv(c: Any, a: Any, x: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    """beta * c + alpha * (matrix a times vector x)."""
    return c * beta + mv(a, x) * alpha


def baddbmm(c: Any, a: Any, b: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    """beta * c + alpha * (a @ b) for stacks of matrices."""
    return c * beta + bmm(a, b) * alpha


def cross(a: Any, b: Any, dim: int = -1) -> Any:
    """Products of vectors in space: dim has size 3, the shapes broadcast."""
    shape = ops.broadcast_shapes("cross", shape_of(a), shape_of(b))
    axis = normalize_axis("cross", dim, len(shape))
    if shape[axis] != 3:
        raise ShapeError(f"cross: dim {dim} of {shape} must have size 3")
    a, b = ops.broadcast_to(a, shape=shape), ops.broadcast_to(b, shape=shape)
    return roll(a, -1, axis) * roll(b, -2, axis) - roll(a, -2, axis) * roll(b, -1, axis)


def kron(a: Any, b: Any) -> Any:
    """Every element of a times b: of matrices (n k, m l), of vectors (n k,); missing axes in front have size 1."""
    sa, sb = shape_of(a), shape_of(b)
    axes = max(len(sa), len(sb))
    sa, sb = (1,) * (axes - len(sa)) + sa, (1,) * (axes - len(sb)) + sb
    pairs = list(zip(sa, sb, strict=True))
    left, right = [s for n, _ in pairs for s in (n, 1)], [s for _, m in pairs for s in (1, m)]
    return reshape(ops.mul(reshape(a, left), reshape(b, right)), [n * m for n, m in pairs])


def matrix_power(a: Any, n: int) -> Any:
    """The n-th power of square matrices, by squaring; negative n of the inverse, n = 0 the unit matrix."""
    n = whole("matrix_power", "n", n)
    if n < 0:
        return matrix_power(inv(a), -n)
    size = shape_of(a)[-1]
    y = ops.where(ops.mask(size, size, ops.eq), ops.mul(a, 0) + 1, ops.mul(a, 0))
    while n:
        y, a, n = (matmul(y, a) if n & 1 else y), matmul(a, a), n >> 1
    return y


def tensordot(a: Any, b: Any, dims: Any = 2) -> Any:
    """Sum over the last `dims` axes of a and the first of b, or over two lists of axes."""
    sa, sb = shape_of(a), shape_of(b)
    if isinstance(dims, int):
        ia, ib = list(range(len(sa) - dims, len(sa))), list(range(dims))
    else:
        ia, ib = ([d] if isinstance(d, int) else list(d) for d in dims)
    ia = [normalize_axis("tensordot", i, len(sa), "dims") for i in ia]
    ib = [normalize_axis("tensordot", i, len(sb), "dims") for i in ib]
    if len(ia) != len(ib) or any(sa[i] != sb[j] and 1 not in (sa[i], sb[j]) for i, j in zip(ia, ib, strict=True)):
        raise ShapeError(f"tensordot: {sa} and {sb} do not match over {ia} and {ib}")
    for i, j in zip(ia, ib, strict=True):  # an axis of size 1 is repeated, so the other is summed
        if sa[i] != sb[j]:
            a, b = (_summed(a, i), b) if sb[j] == 1 else (a, _summed(b, j))
    sa, sb = shape_of(a), shape_of(b)
    ra, rb = [i for i in range(len(sa)) if i not in ia], [i for i in range(len(sb)) if i not in ib]
    k = math.prod(sa[i] for i in ia)
    left = reshape(ops.transpose(a, axes=(*ra, *ia)), (math.prod(sa[i] for i in ra), k))
    right = reshape(ops.transpose(b, axes=(*ib, *rb)), (k, math.prod(sb[i] for i in rb)))
    return reshape(ops.matmul(left, right), tuple(sa[i] for i in ra) + tuple(sb[i] for i in rb))


def _summed(x: Any, axis: int) -> Any:
    return unsqueeze(ops.sum_(x, axes=(axis,)), axis)


def einsum(equation: str, *operands: Any) -> Any:
    """Sums of products in Einstein's notation, "bij,bjk->bik"; ... stands for broadcast axes."""
    if not isinstance(equation, str):
        raise ArgumentError(f"einsum: the equation must be text such as 'ij,jk->ik', got {type(equation).__name__}")
    if len(operands) == 1 and isinstance(operands[0], (tuple, list)):
        operands = tuple(operands[0])
    ins, _, out = equation.replace(" ", "").partition("->")
    terms = ins.split(",")
    if len(terms) != len(operands):
        raise ShapeError(f"einsum: {equation!r} names {len(terms)} operands, got {len(operands)}")
    spare = list(map(chr, range(0x100, 0x180)))  # letters for the axes behind ...
    most = 0
    for i, (term, x) in enumerate(zip(terms, operands, strict=True)):
        n = len(shape_of(x)) - len(term.replace("...", ""))
        if ("..." not in term and n != 0) or n < 0:
            raise ShapeError(f"einsum: {term!r} names {len(term.replace('...', ''))} axes of {shape_of(x)}")
        most = n if n > most else most
        terms[i] = term.replace("...", "".join(spare[len(spare) - n :]) if n else "")
    dots = "".join(spare[len(spare) - most :]) if most else ""
    if "->" in equation:
        out = out.replace("...", dots)
    else:
        once = sorted(c for c in set("".join(terms)) if "".join(terms).count(c) == 1 and c not in dots)
        out = dots + "".join(once)
    if len(set(out)) != len(out) or not set(out) <= set("".join(terms)):
        raise ShapeError(f"einsum: output {out!r} of {equation!r} repeats an index or names one no operand has")
    sizes: dict[str, int] = {}
    pairs = []
    for term, x in zip(terms, operands, strict=True):
        for c in sorted({c for c in term if term.count(c) > 1}):  # a repeated index takes the diagonal
            while term.count(c) > 1:
                i, j = term.index(c), term.rindex(c)
                x = diagonal(x, 0, i, j)
                term = "".join(t for k, t in enumerate(term) if k not in (i, j)) + c
        for c, n in zip(term, shape_of(x), strict=True):
            if sizes.get(c, 1) not in (1, n) and n != 1:
                raise ShapeError(f"einsum: index {c!r} of {equation!r} has sizes {sizes[c]} and {n}")
            sizes[c] = n if n != 1 else sizes.get(c, 1)
        pairs.append((term, x))
    term, x = pairs[0]
    for k, (other, y) in enumerate(pairs[1:], 2):
        later = set(out).union(*(t for t, _ in pairs[k:])) if k <= len(pairs) else set(out)
        term, x = _contract(term, x, other, y, later, sizes)
    gone = tuple(i for i, c in enumerate(term) if c not in out)
    if gone:
        x = ops.sum_(x, axes=gone)
        term = "".join(c for c in term if c in out)
    return permute(x, tuple(term.index(c) for c in out)) if term != out else x


def _contract(a: str, x: Any, b: str, y: Any, keep: set[str], sizes: dict[str, int]) -> tuple[str, Any]:
    """One pair of einsum operands as matrix products; the indices that nothing needs any more are summed."""
    for term, other in ((a, b), (b, a)):
        lone = tuple(i for i, c in enumerate(term) if c not in other and c not in keep)
        if lone and term is a:
            x, a = ops.sum_(x, axes=lone), "".join(c for i, c in enumerate(a) if i not in lone)
        elif lone:
            y, b = ops.sum_(y, axes=lone), "".join(c for i, c in enumerate(b) if i not in lone)
    batch = [c for c in a if c in b and c in keep]
    inner = [c for c in a if c in b and c not in keep]
    left, right = [c for c in a if c not in b], [c for c in b if c not in a]

    def laid(term: str, v: Any, order: list[str]) -> Any:
        v = permute(v, tuple(term.index(c) for c in order))
        return ops.broadcast_to(v, shape=tuple(sizes[c] for c in order))

    def size(cs: list[str]) -> int:
        return math.prod(sizes[c] for c in cs)

    x = reshape(laid(a, x, batch + left + inner), (*(sizes[c] for c in batch), size(left), size(inner)))
    y = reshape(laid(b, y, batch + inner + right), (*(sizes[c] for c in batch), size(inner), size(right)))
    z = ops.matmul(x, y)
    order = batch + left + right
    return "".join(order), reshape(z, tuple(sizes[c] for c in order))


# --- linear algebra -------------------------------------------------------------------------------


def det(a: Any) -> Any:
    """Determinant of square matrices (..., n, n)."""
    return ops.det(a)


def slogdet(a: Any) -> tuple[Any, Any]:
    """(sign, log|det|) of square matrices."""
    return ops.sign(ops.det(stop_gradient(a))), ops.slogabsdet(a)


def inv(a: Any) -> Any:
    """Inverse of square matrices; ArgumentError for a singular one."""
    return ops.inv(a)


inverse = inv


def pinverse(a: Any, rcond: float = 1e-15) -> Any:
    """The pseudo-inverse of matrices (Moore and Penrose); singular values below rcond times the largest are zeros."""
    u, s, vh = svd(a)
    keep = ops.gt(s, ops.mul(stop_gradient(s[..., :1]), rcond))
    inverse_s = ops.where(keep, ops.div(1.0, ops.where(keep, s, 1.0)), 0.0)
    return matmul(ops.mul(ops.swap_last(vh), unsqueeze(inverse_s, -2)), ops.swap_last(u))


def cholesky(a: Any, *, upper: bool = False) -> Any:
    """Lower (or upper) triangular L with L L^T = a; ArgumentError when a is not positive definite."""
    lower = ops.cholesky(a)
    return ops.swap_last(lower) if upper else lower


def solve(a: Any, b: Any, *, left: bool = True) -> Any:
    """X with a X = b (or X a = b for left=False); b is (..., n, k), or (..., n) as in PyTorch."""
    sa, sb = shape_of(a), shape_of(b)
    vector = len(sb) == 1 or (len(sb) == len(sa) - 1 and sb == sa[:-1])
    if vector:
        b = unsqueeze(b, -1)
    if left:
        x = ops.solve(a, b)
    else:
        if vector:
            raise ShapeError(f"linalg.solve: left=False needs a matrix on the right, got {sb}")
        x = ops.swap_last(ops.solve(ops.swap_last(a), ops.swap_last(b)))
    return squeeze(x, -1) if vector else x


def multi_dot(matrices: Sequence[Any]) -> Any:
    """The product of several matrices (the first and last may be vectors), left to right."""
    xs = list(matrices)
    if len(xs) < 2:
        raise ShapeError(f"linalg.multi_dot: needs at least two matrices, got {len(xs)}")
    y = xs[0]
    for x in xs[1:]:
        y = matmul(y, x)
    return y


def svd(a: Any) -> tuple[Any, Any, Any]:
    """(U, s, Vh) with a = U diag(s) Vh, s falling: U (..., m, k), s (..., k), Vh (..., k, n), k = min(m, n).

    The gradients of U and Vh do not exist where singular values coincide; that of s does.
    """
    ops.svd.rule(aval_of(a))
    u, s, v = ops.svd_parts(ops.svd(a), shape_of(a)[-2])
    return u, squeeze(s, -2), ops.swap_last(v)


def svdvals(a: Any) -> Any:
    """The singular values of matrices (..., m, n), falling: (..., min(m, n))."""
    return svd(a)[1]


__all__ = [
    "addmm",
    "addmv",
    "baddbmm",
    "bmm",
    "cholesky",
    "cross",
    "det",
    "dot",
    "einsum",
    "inv",
    "inverse",
    "kron",
    "matmul",
    "matrix_power",
    "mm",
    "multi_dot",
    "mv",
    "outer",
    "pinverse",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "vdot",
]  # fmt: skip
