"""Which elements: the largest, the middle, those of a mask, those that differ; and values put at chosen places.

Functions under PyTorch's names. Those whose result has a shape that depends on values (nonzero, unique, masked_select)
need the values, and so cannot be recorded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from surefit.core import ops
from surefit.core.ops import FLOATS, aval_of, dtype_of, int64, normalize_axis, shape_of
from surefit.core.shapes import (
    Found,
    broadcast_to,
    cat,
    flat_places,
    gather,
    getitem,
    narrow,
    put_at,
    ravel,
    reshape,
    several,
    sort,
    squeeze,
    unsqueeze,
    whole,
)
from surefit.errors import ArgumentError, AxisError, DtypeError, GradientError, RecordError, ShapeError


def values_of(name: str, x: Any) -> np.ndarray:
    """The array behind a value that must be known now. RecordError while it is recorded or batched."""
    dtype_of(aval_of(x).dtype)
    array = np.asarray(x) if isinstance(x, (int, float)) else ops.known(x)
    if array is None:
        raise RecordError(
            f"{name}: the shape of its result depends on values, which are not known while a function is recorded or "
            "batched; use where(mask, x, 0), or call it outside"
        )
    return ops.plain_array(array)


def like(x: Any, array: Any) -> Any:
    """An array as a value of x's kind: a Tensor if x is one."""
    return getattr(x, "made", np.asarray)(array)


# --- by order -------------------------------------------------------------------------------------


def topk(x: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Found:
    """(values, indices) of the k largest (or smallest) along dim, in order. AxisError for more than there are."""
    axis, k = normalize_axis("topk", dim, len(shape_of(x))), whole("topk", "k", k)
    if not 0 <= k <= shape_of(x)[axis]:
        raise AxisError(f"topk: k={k} is more than the {shape_of(x)[axis]} elements along dim {dim}")
    values, indices = sort(x, axis, descending=largest)
    return Found(narrow(values, axis, 0, k), narrow(indices, axis, 0, k))


def kthvalue(x: Any, k: int, dim: int = -1, keepdim: bool = False) -> Found:
    """(values, indices) of the k-th smallest along dim, k = 1, 2, ..."""
    axis, k = normalize_axis("kthvalue", dim, len(shape_of(x))), whole("kthvalue", "k", k)
    if not 1 <= k <= shape_of(x)[axis]:
        raise AxisError(f"kthvalue: k={k} is not from 1 to {shape_of(x)[axis]}, the size of dim {dim}")
    found = Found(*(narrow(v, axis, k - 1, 1) for v in sort(x, axis)))
    return found if keepdim else Found(*(squeeze(v, axis) for v in found))


def median(x: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The middle element, the lower of two; with dim, (values, indices). NaN where there is one."""
    if dim is None:
        return squeeze(median(ravel(x), 0)[0])
    axis = normalize_axis("median", dim, len(shape_of(x)))
    values, indices = sort(x, axis)
    n = shape_of(x)[axis]
    if not n:
        raise ShapeError(f"median: dim {dim} of {shape_of(x)} is empty")
    last = narrow(values, axis, n - 1, 1)  # NaN comes last
    place = ops.where(ops.ne(last, last), np.int64(n - 1), np.int64((n - 1) // 2))
    found = Found(gather(values, axis, place), gather(indices, axis, place))
    return found if keepdim else Found(*(squeeze(v, axis) for v in found))


def quantile(x: Any, q: Any, dim: int | None = None, keepdim: bool = False, interpolation: str = "linear") -> Any:
    """The q-quantiles along dim (of all elements for None): q a number, or a vector, whose axis comes first.

    interpolation between neighbours: "linear", "lower", "higher", "nearest" or "midpoint" (as in NumPy).
    """
    if aval_of(x).dtype not in FLOATS:
        raise DtypeError(f"quantile: needs float32 or float64, got {aval_of(x).dtype}; cast first (x.float())")
    qs = np.asarray(values_of("quantile", q), np.float64)
    if qs.ndim > 1 or ((qs < 0) | (qs > 1)).any():
        raise ArgumentError(f"quantile: q={q} must be one number from 0 to 1, or a vector of them")
    kinds = ("linear", "lower", "higher", "nearest", "midpoint")
    if interpolation not in kinds:
        raise ArgumentError(f"quantile: interpolation={interpolation!r} must be one of {', '.join(kinds)}")
    axis = 0 if dim is None else normalize_axis("quantile", dim, len(shape_of(x)))
    row = sort(ravel(x) if dim is None else x, axis)[0]
    n = shape_of(row)[axis]
    if not n:
        raise ShapeError(f"quantile: dim {dim} of {shape_of(x)} is empty")
    found = []
    for at in qs.reshape(-1) * (n - 1):
        low, high = narrow(row, axis, math.floor(at), 1), narrow(row, axis, math.ceil(at), 1)
        part = at - math.floor(at)
        share = {"linear": part, "lower": 0.0, "higher": 1.0, "midpoint": 0.5, "nearest": float(round(at) > at)}
        y = low + (high - low) * share[interpolation]
        if not keepdim:
            y = squeeze(y, axis)
        elif dim is None:
            y = reshape(y, (1,) * len(shape_of(x)))
        found.append(y)
    return found[0] if qs.ndim == 0 else cat([unsqueeze(y, 0) for y in found], 0)


def diff(x: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """The n-th differences of neighbours along dim, of x with what is put in front and behind."""
    axis, n = normalize_axis("diff", dim, len(shape_of(x))), whole("diff", "n", n)
    x = cat([v for v in (prepend, x, append) if v is not None], axis)
    for _ in range(n):
        size = shape_of(x)[axis]
        x = narrow(x, axis, 1, max((size - 1, 0))) - narrow(x, axis, 0, max((size - 1, 0)))
    return x


# --- by value -------------------------------------------------------------------------------------


def nonzero(x: Any, as_tuple: bool = False) -> Any:
    """The places that are not zero: (count, axes), or a tuple of one index for each axis."""
    if not isinstance(as_tuple, bool):
        raise ArgumentError(f"nonzero: as_tuple={as_tuple!r} must be True or False")
    places = np.nonzero(np.atleast_1d(values_of("nonzero", x)))
    return tuple(like(x, p) for p in places) if as_tuple else like(x, np.stack(places, -1))


def argwhere(x: Any) -> Any:
    """The places that are not zero: (count, axes)."""
    return nonzero(x)


def unique(
    x: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The different elements in order; on request where each element of x went, and how often each occurs."""
    if not isinstance(sorted, bool):
        raise ArgumentError(f"unique: sorted={sorted!r} must be True or False")
    found = np.unique(values_of("unique", x), return_inverse=True, return_counts=True, axis=dim)
    inverse = found[1] if dim is not None else found[1].reshape(shape_of(x))
    parts = [found[0], *([inverse] if return_inverse else []), *([found[2]] if return_counts else [])]
    parts = [like(x, p) for p in parts]
    return tuple(parts) if len(parts) > 1 else parts[0]


def masked_select(x: Any, mask: Any) -> Any:
    """The elements of x where mask is True, along one axis; the shapes broadcast."""
    if aval_of(mask).dtype != ops.bool_:
        raise DtypeError(f"masked_select: mask must be bool, got {aval_of(mask).dtype}")
    shape = ops.broadcast_shapes("masked_select", shape_of(x), shape_of(mask))
    return getitem(broadcast_to(x, shape), np.broadcast_to(values_of("masked_select", mask), shape))


def bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    """How often 0, 1, 2, ... occur among integers (n,), or the sums of their weights."""
    array = values_of("bincount", x)
    if array.ndim != 1 or array.dtype.kind not in "iu" or (array < 0).any():
        raise DtypeError(f"bincount: needs integers >= 0 along one axis, got {array.dtype} of shape {array.shape}")
    return like(x, np.bincount(array, None if weights is None else values_of("bincount", weights), minlength))


def histc(x: Any, bins: int = 100, min: float = 0, max: float = 0) -> Any:
    """How many elements fall into each of `bins` equal parts of [min, max] (of the range of x where both are 0)."""
    array, bins = values_of("histc", x), whole("histc", "bins", bins)
    span = (min, max) if (min, max) != (0, 0) else (array.min(), array.max()) if array.size else (0, 1)
    return like(x, np.histogram(array, bins, span)[0].astype(array.dtype))


def bucketize(x: Any, boundaries: Any, *, right: bool = False) -> Any:
    """The number of boundaries (in order) that are below each element (for right, below or equal)."""
    edges, array = values_of("bucketize", boundaries), values_of("bucketize", x)
    return like(x, np.searchsorted(edges, array, side="right" if right else "left"))


def isin(elements: Any, test_elements: Any) -> Any:
    """Where an element is one of the others."""
    return like(elements, np.isin(values_of("isin", elements), values_of("isin", test_elements)))


def count_nonzero(x: Any, dim: Any = None) -> Any:
    """How many elements are not zero."""
    axes = ops.normalize_axes("count_nonzero", dim, len(shape_of(x)))
    return ops.sum_(ops.cast(ops.ne(x, 0), dtype=int64), axes=axes)


def isclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Where |a - b| <= atol + rtol |b|, or a equals b (also both infinite; both NaN if asked)."""
    near = ops.le(ops.abs_(ops.sub(a, b)), ops.abs_(b) * rtol + atol)
    near = ops.logical_or(ops.logical_and(near, ops.lt(ops.abs_(b), math.inf)), ops.eq(a, b))
    return ops.logical_or(near, ops.logical_and(ops.ne(a, a), ops.ne(b, b))) if equal_nan else near


def allclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether `isclose` holds everywhere."""
    return bool(values_of("allclose", isclose(a, b, rtol, atol, equal_nan)).all())


def equal(a: Any, b: Any) -> bool:
    """Whether shapes and all elements are equal."""
    return shape_of(a) == shape_of(b) and bool(values_of("equal", ops.eq(a, b)).all())


def nan_to_num(x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Any:
    """x with numbers for NaN and the infinities (default: 0 and the largest numbers of the dtype)."""
    dtype = aval_of(x).dtype
    if dtype not in FLOATS:
        return ops.cast(x, dtype=dtype)
    most = float(np.finfo(dtype).max)
    x = ops.where(ops.eq(x, math.inf), most if posinf is None else posinf, x)
    x = ops.where(ops.eq(x, -math.inf), -most if neginf is None else neginf, x)
    return ops.where(ops.ne(x, x), nan, x)


# --- put at places --------------------------------------------------------------------------------


def scatter(x: Any, dim: int, index: Any, src: Any, reduce: str | None = None) -> Any:
    """x with src[i, j] (or one number) put at [index[i, j], j] (dim=0); of a place that is named twice the last stays.

    reduce "add" or "multiply" combines with what is there.
    """
    shape, ishape, dtype = shape_of(x), shape_of(index), aval_of(x).dtype
    if reduce not in (None, "add", "multiply"):
        raise ArgumentError(f"scatter: reduce={reduce!r} must be None, 'add' or 'multiply'")
    axis = normalize_axis("scatter", dim, len(shape))
    if shape_of(src) == ():
        src = ops.broadcast_to(ops.cast(src, dtype=dtype), shape=ishape)
    elif len(shape_of(src)) != len(ishape) or any(m > n for m, n in zip(ishape, shape_of(src), strict=True)):
        raise ShapeError(f"scatter: index {ishape} is larger than src {shape_of(src)}")
    elif shape_of(src) != ishape:
        src = ops.slice_(src, start=(0,) * len(ishape), stop=ishape, step=(1,) * len(ishape))
    if aval_of(src).dtype != dtype:
        raise DtypeError(f"scatter: value {dtype} and src {aval_of(src).dtype} must have one dtype")
    places = ravel(flat_places("scatter", shape, ishape, axis, index))
    flat, size = ravel(x), math.prod(shape)
    if reduce == "add":
        return reshape(flat + ops.scatter_add(ravel(src), places, axis=0, size=size), shape)
    if reduce == "multiply":
        for at, value in zip(values_of("scatter", places), ravel(src), strict=True):
            flat = put_at(flat, np.array([at]), getitem(flat, np.array([at])) * value)
        return reshape(flat, shape)
    return reshape(put_at(flat, values_of("scatter", places), ravel(src)), shape)


def _slices(name: str, x: Any, dim: int, index: Any) -> tuple[int, tuple[Any, ...]]:
    """The axis, and the index of the slices of x along it that `index` (n,) names."""
    axis = normalize_axis(name, dim, len(shape_of(x)))
    if len(shape_of(index)) != 1:
        raise ShapeError(f"{name}: index must have one axis, got {shape_of(index)}")
    return axis, (*(slice(None),) * axis, values_of(name, index))


def index_fill(x: Any, dim: int, index: Any, value: Any) -> Any:
    """x with one number in the slices along dim at the places of index (n,)."""
    return put_at(x, _slices("index_fill", x, dim, index)[1], ops.cast(value, dtype=aval_of(x).dtype))


def index_copy(x: Any, dim: int, index: Any, source: Any) -> Any:
    """x with the slices of source put along dim at the places of index (n,)."""
    return put_at(x, _slices("index_copy", x, dim, index)[1], source)


def index_add(x: Any, dim: int, index: Any, source: Any, *, alpha: float = 1) -> Any:
    """x with alpha times the slices of source added along dim at the places of index (n,); repeated ones add up."""
    axis, _ = _slices("index_add", x, dim, index)
    source = source if alpha == 1 else source * alpha
    return x + ops.scatter_add(source, index, axis=axis, size=shape_of(x)[axis])


def index_put(x: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
    """x with values at the places of a tuple of indices; accumulate=True adds them, repeated places too."""
    at = tuple(values_of("index_put", i) for i in indices)
    if not accumulate:
        return put_at(x, at, ops.cast(values, dtype=aval_of(x).dtype))
    places = np.arange(math.prod(shape_of(x))).reshape(shape_of(x))[at]
    values = ops.broadcast_to(ops.cast(values, dtype=aval_of(x).dtype), shape=places.shape)
    added = ops.scatter_add(ravel(values), places.ravel(), axis=0, size=math.prod(shape_of(x)))
    return x + reshape(added, shape_of(x))


def unfold(x: Any, dimension: int, size: int, step: int) -> Any:
    """Windows of `size` places along an axis, `step` apart, as a new last axis."""
    axis = normalize_axis("unfold", dimension, len(shape_of(x)))
    return ops.part_of[0](x, _UNFOLD, {"axis": axis, "size": size, "step": step})


def _windows(x: Any, axis: int, size: int, step: int) -> Any:
    return ops.window(x, axes=(axis,), size=(size,), stride=(step,), dilation=(1,))


def _windows_put(x: Any, new: Any, axis: int, size: int, step: int) -> Any:
    """x with windows in their places, which must not overlap: a place in two of them has no one value."""
    if step < size:
        raise GradientError(
            f"unfold: windows of {size} places, {step} apart, overlap, so they cannot be changed in place one by one; "
            "change unfold(...).clone()"
        )
    shape = shape_of(x)
    place = ops.iota(size=shape[axis], dtype=int64)
    inside = ops.logical_and(
        ops.remainder(place, step) < size, place < ops.window_count(shape[axis], size, step, 1) * step
    )
    inside = reshape(inside, tuple(n if i == axis else 1 for i, n in enumerate(shape)))
    folded = ops.fold(new, axes=(axis,), size=(size,), stride=(step,), dilation=(1,), shape=shape)
    return ops.where(inside, folded, x)


_UNFOLD = ops.Part("unfold", _windows, _windows_put)


# --- grids and stacks -----------------------------------------------------------------------------


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Any, ...]:
    """Vectors as the axes of a grid: each value repeated over the others' axes. "xy" exchanges the first two axes."""
    xs = list(tensors[0]) if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else list(tensors)
    if any(len(shape_of(x)) > 1 for x in xs):
        raise ShapeError(f"meshgrid: needs vectors, got shapes {[shape_of(x) for x in xs]}")
    if indexing not in ("ij", "xy"):
        raise ArgumentError(f"meshgrid: indexing={indexing!r} must be 'ij' or 'xy'")
    shape = tuple(math.prod(shape_of(x)) for x in xs)
    grids = []
    for i, x in enumerate(xs):
        laid = reshape(x, tuple(shape[i] if k == i else 1 for k in range(len(xs))))
        grid = ops.broadcast_to(laid, shape=shape)
        if indexing == "xy" and len(xs) > 1:
            grid = ops.transpose(grid, axes=(1, 0, *range(2, len(xs))))
        grids.append(grid)
    return tuple(grids)


def cartesian_prod(*tensors: Any) -> Any:
    """All combinations of the elements of vectors: (n1 n2 ..., count of vectors)."""
    columns = [ravel(g) for g in meshgrid(*tensors)]
    return columns[0] if len(columns) == 1 else cat([unsqueeze(c, 1) for c in columns], 1)


def atleast_1d(x: Any) -> Any:
    """A scalar as a vector of one element; anything else as it is."""
    return reshape(x, shape_of(x) or 1)


def atleast_2d(x: Any) -> Any:
    """A vector as one row; a matrix as it is."""
    return x if len(shape_of(x)) > 1 else unsqueeze(atleast_1d(x), 0)


def vstack(tensors: Sequence[Any]) -> Any:
    """Values one below the other; vectors are rows."""
    return cat([atleast_2d(t) for t in several("vstack", tensors)], 0)


def hstack(tensors: Sequence[Any]) -> Any:
    """Values side by side: along the second axis, vectors along their own."""
    xs = [atleast_1d(t) for t in several("hstack", tensors)]
    return cat(xs, 0 if xs and len(shape_of(xs[0])) == 1 else 1)


def column_stack(tensors: Sequence[Any]) -> Any:
    """Vectors as the columns of a matrix, beside matrices as they are."""
    return cat([t if len(shape_of(t)) > 1 else reshape(t, (-1, 1)) for t in several("column_stack", tensors)], 1)


def repeat_interleave(x: Any, repeats: Any, dim: int | None = None) -> Any:
    """Each element (slice along dim) several times, one beside the other: a number of times, or one for each."""
    x, axis = (ravel(x), 0) if dim is None else (x, normalize_axis("repeat_interleave", dim, len(shape_of(x))))
    place = np.repeat(np.arange(shape_of(x)[axis]), values_of("repeat_interleave", repeats))
    return ops.take(x, place.view(ops.Literal), axis=axis)


__all__ = [
    "allclose", "argwhere", "atleast_1d", "atleast_2d", "bincount", "bucketize", "cartesian_prod", "column_stack",
    "count_nonzero", "diff", "equal", "histc", "hstack", "index_add", "index_copy", "index_fill", "index_put",
    "isclose", "isin", "kthvalue", "masked_select", "median", "meshgrid", "nan_to_num", "nonzero", "quantile",
    "repeat_interleave", "scatter", "topk", "unfold", "unique", "vstack",
]  # fmt: skip
