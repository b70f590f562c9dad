"""Shapes and places: reshape, permute, cat, split, pad, triangles, indexing, gather, scatter, sort."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from surefit.core import ops
from surefit.core.ops import aval_of, int32, int64, normalize_axes, normalize_axis, shape_of
from surefit.errors import ArgumentError, AxisError, DtypeError, RecordError, ShapeError

Value = TypeVar("Value")


class Found(NamedTuple, Generic[Value]):
    """Values, and the places along an axis where they stand."""

    values: Value
    indices: Value


def stop_gradient(x: Any) -> Any:
    """The same value, through which no gradient passes (Tensor.detach for any kind of value)."""
    detach = getattr(x, "detach", None)
    return detach() if detach is not None else x


def size_tuple(name: str, size: Any) -> tuple[int, ...]:
    """Sizes given as one tuple or several ints."""
    if len(size) == 1 and isinstance(size[0], (tuple, list)):
        size = size[0]
    try:
        return tuple(n.__index__() for n in size)
    except (AttributeError, TypeError):
        raise DtypeError(f"{name}: sizes must be integers, got {tuple(size)}") from None


def whole(name: str, argument: str, value: Any) -> int:
    """An integer given as a Python or NumPy integer; DtypeError otherwise."""
    try:
        return value.__index__()
    except (AttributeError, TypeError):
        raise DtypeError(f"{name}: {argument}={value!r} must be an integer") from None


def reshape(x: Any, *shape: Any) -> Any:
    """The same elements in row order in a new shape; one size may be -1."""
    have = shape_of(x)
    want = size_tuple("reshape", shape)
    if -1 in want:
        known = math.prod(n for n in want if n != -1)
        if want.count(-1) > 1:
            raise ShapeError(f"reshape: shape {want} has more than one -1")
        if known == 0 or math.prod(have) % known:
            raise ShapeError(f"reshape: {math.prod(have)} elements of {have} cannot fill {want}")
        want = tuple(math.prod(have) // known if n == -1 else n for n in want)
    if want == have:
        return ops.reshape(x, shape=want)
    ops.reshape.rule(aval_of(x), want)
    return ops.reshape(x, shape=want)


view = reshape


def ravel(x: Any) -> Any:
    """All elements along one axis."""
    return reshape(x, -1) if math.prod(shape_of(x)) else reshape(x, 0)


def flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """Axes start_dim to end_dim made one."""
    shape = shape_of(x)
    if not shape:
        return reshape(x, 1)
    a, b = normalize_axis("flatten", start_dim, len(shape)), normalize_axis("flatten", end_dim, len(shape))
    if a > b:
        raise AxisError(f"flatten: start_dim={start_dim} lies behind end_dim={end_dim}")
    return ops.reshape(x, shape=(*shape[:a], math.prod(shape[a : b + 1]), *shape[b + 1 :]))


def permute(x: Any, *dims: Any) -> Any:
    """The axes in another order."""
    n = len(shape_of(x))
    order = size_tuple("permute", dims)
    axes = tuple(normalize_axis("permute", d, n, "dims") for d in order)
    ops.transpose.rule(aval_of(x), axes)
    return ops.transpose(x, axes=axes)


def transpose(x: Any, dim0: int, dim1: int) -> Any:
    """Two axes exchanged."""
    n = len(shape_of(x))
    if n == 0:
        normalize_axis("transpose", dim0, 1, "dim0"), normalize_axis("transpose", dim1, 1, "dim1")
        return x
    a, b = normalize_axis("transpose", dim0, n, "dim0"), normalize_axis("transpose", dim1, n, "dim1")
    axes = list(range(n))
    axes[a], axes[b] = b, a
    return ops.transpose(x, axes=tuple(axes))


swapaxes = swapdims = transpose


def movedim(x: Any, source: Any, destination: Any) -> Any:
    """Axes moved to new places, the others keeping their order."""
    n = len(shape_of(x))
    many = [s if isinstance(s, (tuple, list)) else (s,) for s in (source, destination)]
    if len(many[0]) != len(many[1]):
        raise AxisError(f"movedim: source={source} and destination={destination} differ in length")
    src = [normalize_axis("movedim", i, n, "source") for i in many[0]]
    dst = [normalize_axis("movedim", i, n, "destination") for i in many[1]]
    if len(set(src)) != len(src) or len(set(dst)) != len(dst):
        raise AxisError(f"movedim: source={source} or destination={destination} names an axis twice")
    order = [i for i in range(n) if i not in src]
    for d, s in sorted(zip(dst, src, strict=True)):
        order.insert(d, s)
    return ops.transpose(x, axes=tuple(order))


moveaxis = movedim


def squeeze(x: Any, dim: Any = None) -> Any:
    """Without the axes of size 1 (all of them, or those that dim names)."""
    shape = shape_of(x)
    if dim is not None and not shape:
        normalize_axes("squeeze", dim, 1)
        return x
    axes = normalize_axes("squeeze", dim, len(shape))
    return ops.reshape(x, shape=tuple(n for i, n in enumerate(shape) if n != 1 or i not in axes))


def unsqueeze(x: Any, dim: int) -> Any:
    """With a new axis of size 1 at dim."""
    shape = shape_of(x)
    i = normalize_axis("unsqueeze", dim, len(shape) + 1)
    return ops.reshape(x, shape=(*shape[:i], 1, *shape[i:]))


def broadcast_to(x: Any, *shape: Any) -> Any:
    """x repeated to a larger shape without copying; -1 keeps a size."""
    have, want = shape_of(x), size_tuple("broadcast_to", shape)
    lead = len(want) - len(have)
    if -1 in want:
        if lead < 0 or -1 in want[:lead]:
            raise ShapeError(f"expand: {want} for {have}: -1 keeps an existing size and cannot stand for a new axis")
        want = tuple(have[i - lead] if n == -1 else n for i, n in enumerate(want))
    ops.broadcast_to.rule(aval_of(x), want)
    return ops.broadcast_to(x, shape=want)


expand = broadcast_to


def broadcast_tensors(*xs: Any) -> tuple[Any, ...]:
    """All values repeated to their common shape."""
    shape = ops.broadcast_shapes("broadcast_tensors", *(shape_of(x) for x in xs))
    return tuple(ops.broadcast_to(x, shape=shape) for x in xs)


def repeat(x: Any, *repeats: Any) -> Any:
    """x laid side by side, repeats[i] times along axis i; more repeats than axes add axes in front."""
    times, shape = size_tuple("repeat", repeats), shape_of(x)
    lead = len(times) - len(shape)
    if lead < 0:
        raise ShapeError(f"repeat: {len(times)} repeats for the {len(shape)} axes of {shape}; give one for each axis")
    if min(times, default=0) < 0:
        raise ShapeError(f"repeat: repeats {times} must be >= 0")
    shape = (1,) * lead + shape
    spaced = [k for n in shape for k in (1, n)]
    wide = [k for t, n in zip(times, shape, strict=True) for k in (t, n)]
    y = ops.broadcast_to(ops.reshape(x, shape=tuple(spaced)), shape=tuple(wide))
    y = ops.reshape(y, shape=tuple(t * n for t, n in zip(times, shape, strict=True)))
    return y.clone() if hasattr(y, "clone") else y  # nobody's view, as in PyTorch


def tile(x: Any, *dims: Any) -> Any:
    """repeat, but with ones added in front when fewer dims than axes are given."""
    times, n = size_tuple("tile", dims), len(shape_of(x))
    return repeat(x, (1,) * (n - len(times)) + times)


def flip(x: Any, *dims: Any) -> Any:
    """The order along dims reversed."""
    axes = normalize_axes("flip", size_tuple("flip", dims), len(shape_of(x)), "dims")
    return ops.flip(x, axes=axes)


def fliplr(x: Any) -> Any:
    """The columns in reverse order."""
    return flip(x, 1)


def flipud(x: Any) -> Any:
    """The rows in reverse order."""
    return flip(x, 0)


def roll(x: Any, shifts: Any, dims: Any = None) -> Any:
    """Elements shifted along dims, those that fall off the end coming back at the start."""
    shape = shape_of(x)
    moves = size_tuple("roll", shifts if isinstance(shifts, (tuple, list)) else (shifts,))
    if dims is None or (isinstance(dims, (tuple, list)) and not dims):
        if len(moves) != 1:
            raise AxisError(f"roll: shifts={shifts} needs one dim for each shift")
        return reshape(roll(ravel(x), moves[0], 0), shape) if shape else x
    axes = dims if isinstance(dims, (tuple, list)) else (dims,)
    if len(axes) != len(moves):
        raise AxisError(f"roll: {len(moves)} shifts for {len(axes)} dims")
    for k, d in zip(moves, axes, strict=True):
        axis = normalize_axis("roll", d, len(shape), "dims")
        n = shape[axis]
        if n and k % n:
            x = cat([narrow(x, axis, n - k % n, k % n), narrow(x, axis, 0, n - k % n)], axis)
    return x


def narrow(x: Any, dim: int, start: int, length: int) -> Any:
    """The elements start to start + length along dim."""
    shape = shape_of(x)
    axis = normalize_axis("narrow", dim, len(shape))
    first = start + shape[axis] if start < 0 else start
    if length < 0 or first < 0 or first + length > shape[axis]:
        raise AxisError(f"narrow: {start}:{start + length} is not inside dim {dim} of size {shape[axis]}")
    lo = tuple(first if i == axis else 0 for i in range(len(shape)))
    hi = tuple(first + length if i == axis else n for i, n in enumerate(shape))
    return ops.slice_(x, start=lo, stop=hi, step=(1,) * len(shape))


def select(x: Any, dim: int, index: int) -> Any:
    """The slice at a place along dim, without that axis."""
    axis = normalize_axis("select", dim, len(shape_of(x)))
    return getitem(x, (*(slice(None),) * axis, whole("select", "index", index)))


def unflatten(x: Any, dim: int, sizes: Sequence[int]) -> Any:
    """An axis as several; one of the sizes may be -1."""
    shape = shape_of(x)
    axis = normalize_axis("unflatten", dim, len(shape))
    want, known = size_tuple("unflatten", (tuple(sizes),)), math.prod(n for n in sizes if n != -1)
    if -1 in want and known and shape[axis] % known == 0:
        want = tuple(shape[axis] // known if n == -1 else n for n in want)
    if math.prod(want) != shape[axis]:
        raise ShapeError(f"unflatten: dim {dim} of size {shape[axis]} cannot become {tuple(sizes)}")
    return ops.reshape(x, shape=(*shape[:axis], *want, *shape[axis + 1 :]))


def split(x: Any, split_size: int | Sequence[int], dim: int = 0) -> tuple[Any, ...]:
    """Pieces of split_size along dim (the last may be smaller), or of the sizes given."""
    shape = shape_of(x)
    axis = normalize_axis("split", dim, len(shape))
    n = shape[axis]
    if isinstance(split_size, (tuple, list)):
        sizes = list(size_tuple("split", split_size))
        if sum(sizes) != n or min(sizes, default=0) < 0:
            raise ShapeError(f"split: sizes {sizes} must be >= 0 and add up to {n}, the size of dim {dim}")
    else:
        split_size = whole("split", "split_size", split_size)
        if split_size < 1:
            raise ArgumentError(f"split: split_size={split_size} must be >= 1")
        sizes = [min(split_size, n - i) for i in range(0, n, split_size)] or [0]
    starts = np.cumsum([0, *sizes])
    return tuple(narrow(x, axis, int(s), k) for s, k in zip(starts, sizes, strict=False))


def chunk(x: Any, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    """x in `chunks` pieces along dim, as even as possible."""
    chunks = whole("chunk", "chunks", chunks)
    if chunks < 1:
        raise ArgumentError(f"chunk: chunks={chunks} must be >= 1")
    n = shape_of(x)[normalize_axis("chunk", dim, len(shape_of(x)))]
    return split(x, -(-n // chunks) or 1, dim)


def unbind(x: Any, dim: int = 0) -> tuple[Any, ...]:
    """The slices along dim, that axis removed."""
    axis = normalize_axis("unbind", dim, len(shape_of(x)))
    return tuple(squeeze(narrow(x, axis, i, 1), axis) for i in range(shape_of(x)[axis]))


def cat(tensors: Sequence[Any], dim: int = 0) -> Any:
    """Values joined along an existing axis. Empty one-axis values are passed over, as in PyTorch."""
    xs = several("cat", tensors)
    if not xs:
        raise ShapeError("cat: needs at least one tensor")
    shapes = [shape_of(x) for x in xs]
    if not all(shapes):
        raise ShapeError(f"cat: zero-dimensional tensor at place {shapes.index(())}; use stack for scalars")
    solid = [x for x, s in zip(xs, shapes, strict=True) if s != (0,)]
    if len({len(shape_of(x)) for x in solid}) == 1 and len(shape_of(solid[0])) > 1:
        xs = solid
    avals = [aval_of(x) for x in xs]
    axis = normalize_axis("cat", dim, len(avals[0].shape))
    ops.concatenate.rule(*avals, axis=axis)
    return ops.concatenate(*xs, axis=axis)


concat = concatenate = cat


def several(name: str, tensors: Any) -> list[Any]:
    if hasattr(tensors, "shape") or not isinstance(tensors, Iterable) or isinstance(tensors, (str, dict)):
        got = "one tensor" if hasattr(tensors, "shape") else type(tensors).__name__
        raise DtypeError(f"{name}: needs a list or tuple of tensors, got {got}; use [x]")
    return list(tensors)


def stack(tensors: Sequence[Any], dim: int = 0) -> Any:
    """Values of one shape joined along a new axis."""
    xs = list(tensors) if hasattr(tensors, "shape") else several("stack", tensors)  # a tensor gives its rows
    shapes = {shape_of(x) for x in xs}
    if len(shapes) != 1:
        raise ShapeError(f"stack: needs one or more tensors of one shape, got {[shape_of(x) for x in xs]}")
    return cat([unsqueeze(x, dim) for x in xs], dim)


def pad(x: Any, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Any:
    """Padded at both ends of the last axes: pad = (low, high) of the last axis, then of the one before, ...

    mode "constant" (with value, default 0), "reflect", "replicate" or "circular". Negative sizes crop
    (in constant and circular mode).
    """
    shape = shape_of(x)
    if not isinstance(pad, (tuple, list)):
        raise DtypeError(f"pad: pad={pad!r} must be a list of sizes, (low, high) of the last axis first")
    sizes = size_tuple("pad", pad)
    if len(sizes) % 2 or len(sizes) // 2 > len(shape):
        raise ShapeError(f"pad: {len(sizes)} sizes for {len(shape)} axes; give (low, high) pairs, the last axis first")
    low, high = [0] * len(shape), [0] * len(shape)
    for k in range(len(sizes) // 2):
        low[-1 - k], high[-1 - k] = sizes[2 * k], sizes[2 * k + 1]
    if mode == "constant":
        return _pad_constant(x, low, high, 0.0 if value is None else value)
    if value is not None and value != 0:
        raise ArgumentError(f"pad: value={value} has no meaning in mode {mode!r}")
    if mode not in ("reflect", "replicate", "circular"):
        raise ArgumentError(f"pad: mode={mode!r} must be 'constant', 'reflect', 'replicate' or 'circular'")
    if mode == "circular" and min(sizes, default=0) < 0:  # what is cropped does not come round again
        x = _pad_constant(x, [min(lo, 0) for lo in low], [min(hi, 0) for hi in high], 0.0)
        low, high, shape = [max(lo, 0) for lo in low], [max(hi, 0) for hi in high], shape_of(x)
    for axis, (lo, hi, n) in enumerate(zip(low, high, shape, strict=True)):
        if lo or hi:
            place = _pad_places(mode, lo, hi, n, axis)
            x = ops.take(x, place, axis=axis)
    return x


def _pad_constant(x: Any, low: list[int], high: list[int], value: float) -> Any:
    shape = shape_of(x)
    for lo, hi, n in zip(low, high, shape, strict=True):
        if n + lo + hi < 0 or min((lo, hi)) < -n:
            raise ShapeError(f"pad: cropping {low} and {high} leaves less than nothing of {shape}")
    start = tuple(-lo if lo < 0 else 0 for lo in low)
    stop = tuple(n + hi if hi < 0 else n for n, hi in zip(shape, high, strict=True))
    if min((*low, *high), default=0) < 0:
        x = ops.slice_(x, start=start, stop=stop, step=(1,) * len(shape))
    up = [tuple(v if v > 0 else 0 for v in side) for side in (low, high)]
    return ops.pad(x, low=up[0], high=up[1], interior=(0,) * len(shape), value=value)


def _pad_places(mode: str, lo: int, hi: int, n: int, axis: int) -> Any:
    """For each place of the padded axis, the place it copies."""
    most = n - 1 if mode == "reflect" else n
    if mode != "replicate" and min((most - lo, most - hi)) < 0:
        raise ShapeError(f"pad: mode {mode!r} cannot pad axis {axis} of size {n} by ({lo}, {hi}): at most {most}")
    if n == 0 or n + lo + hi < 0:
        raise ShapeError(f"pad: ({lo}, {hi}) does not fit axis {axis} of size {n}")
    at = ops.iota(size=n + lo + hi, dtype=int64) - lo
    if mode == "circular":
        return ops.remainder(at, n)
    if mode == "replicate":
        return ops.minimum(ops.maximum(at, 0), n - 1)
    at = ops.abs_(at)
    return ops.where(ops.gt(at, n - 1), 2 * (n - 1) - at, at)


def tril(x: Any, diagonal: int = 0) -> Any:
    """The lower triangle of the last two axes, zeros above."""
    return _triangle("tril", x, ops.le, diagonal)


def triu(x: Any, diagonal: int = 0) -> Any:
    """The upper triangle of the last two axes, zeros below."""
    return _triangle("triu", x, ops.ge, diagonal)


def _triangle(name: str, x: Any, compare: ops.Op, offset: int) -> Any:
    shape, dtype, _ = aval_of(x)
    if len(shape) < 2:
        raise ShapeError(f"{name}: needs at least two axes, got {shape}")
    n, m = shape[-2:]
    return ops.where(ops.mask(n, m, compare, offset), x, np.zeros((), dtype))


def diagonal(x: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """The elements x[..., i, i + offset] of axes dim1 and dim2, along a new last axis."""
    shape = shape_of(x)
    a, b = (
        normalize_axis("diagonal", dim1, len(shape), "dim1"),
        normalize_axis("diagonal", dim2, len(shape), "dim2"),
    )
    if a == b:
        raise AxisError(f"diagonal: dim1={dim1} and dim2={dim2} are the same axis")
    return ops.part_of[0](x, _DIAGONAL, {"offset": whole("diagonal", "offset", offset), "dim1": a, "dim2": b})


def _diagonal_value(x: Any, offset: int, dim1: int, dim2: int) -> Any:
    x = movedim(x, (dim1, dim2), (-2, -1))
    n, m = x.shape[-2:]
    row = max((0, -offset))
    count = max((0, min((n - row, m - row - offset))))
    place = ops.iota(size=count, dtype=int64) * (m + 1) + (row * (m + 1) + offset)
    return ops.take(ops.reshape(x, shape=(*x.shape[:-2], n * m)), place, axis=x.ndim - 2)


def _diagonal_put(x: Any, new: Any, offset: int, dim1: int, dim2: int) -> Any:
    turned = movedim(x, (dim1, dim2), (-2, -1))
    n, m = turned.shape[-2:]
    if not new.shape[-1]:
        return x
    at = np.clip(np.arange(n) - max((0, -offset)), 0, new.shape[-1] - 1).view(
        ops.Literal
    )  # of each row in the diagonal
    rows = ops.take(new, at, axis=new.ndim - 1)
    on = (np.arange(m) == np.arange(n)[:, None] + offset).view(ops.Literal)
    return movedim(ops.where(on, ops.reshape(rows, shape=(*rows.shape, 1)), turned), (-2, -1), (dim1, dim2))


_DIAGONAL = ops.Part("diagonal", _diagonal_value, _diagonal_put)


def diag(x: Any, diagonal: int = 0) -> Any:
    """The diagonal of a matrix as a vector, or a vector as the diagonal of a matrix of zeros."""
    diagonal = whole("diag", "diagonal", diagonal)
    shape = shape_of(x)
    if len(shape) == 2:
        return _diagonal_value(x, diagonal, 0, 1)
    if len(shape) != 1:
        raise ShapeError(f"diag: needs one or two axes, got {shape}")
    n = shape[0] + abs(diagonal)
    first = -diagonal * n if diagonal < 0 else diagonal
    place = ops.iota(size=shape[0], dtype=int64) * (n + 1) + first
    return ops.reshape(ops.scatter_add(x, place, axis=0, size=n * n), shape=(n, n))


def trace(x: Any) -> Any:
    """Sum of the diagonal of a matrix."""
    if len(shape_of(x)) != 2:
        raise ShapeError(f"trace: needs a matrix, got {shape_of(x)}")
    return ops.sum_(diagonal(x), axes=(0,))


# --- indexing -------------------------------------------------------------------------------------


def _wrapped(index: Any, n: int, axis: int) -> Any:
    """Indices, the negative ones counted from the end; AxisError where they are known and out of range."""
    if aval_of(index).dtype not in (int32, int64):
        raise DtypeError(f"indices must be integers, got {aval_of(index).dtype}; cast with .long()")
    value = ops.known(index)
    if value is not None:
        if value.size and (value.min() < -n or value.max() >= n):
            bad = value[(value < -n) | (value >= n)].reshape(-1)[0]
            raise AxisError(f"index {bad} is out of range for axis {axis} of size {n}")
        if not value.size or value.min() >= 0:
            return index
    backwards = ops.logical_and(ops.lt(index, 0), ops.ge(index, -n))  # what is out of range stays what it is
    return ops.where(backwards, index + n, index)


def checked(index: Any, n: int) -> Any:
    """Indices of which none ends in another row: those that are not known yet are looked at when they come."""
    return index if ops.known(index) is not None else ops.take(ops.iota(size=n, dtype=int64), index, axis=0)


def _index_array(item: Any) -> Any:
    """A list, array or Tensor inside x[...] as an int64 or bool array-like."""
    if isinstance(item, (list, tuple)):
        item = np.asarray(item) if len(item) else np.zeros(0, np.int64)
    dtype = aval_of(item).dtype
    if dtype not in (ops.bool_, int32, int64):
        if isinstance(item, np.ndarray) and item.dtype.kind in "iu":
            return item.astype(np.int64)
        raise DtypeError(f"indices must be integers or booleans, got {dtype}")
    return item


def getitem(x: Any, index: Any) -> Any:
    """x[index] as in NumPy: integers, slices, None, ..., integer arrays (repeats count), boolean masks."""
    if index.__class__ is not tuple:
        index = (index,)
    shape = shape_of(x)
    items = _expanded(shape, index)
    # basic part: slices, and integers when no array takes part; arrays keep a full slice for now
    fancy = [i for i in items if not isinstance(i, (int, slice)) and i is not None]
    spans: list[tuple[int, int, int]] = []  # start, stop, step of each axis of x
    back, out, arrays = [], [], []
    axis = 0
    for item in items:
        if item is None:
            out.append(1)
            continue
        n = shape[axis]
        if isinstance(item, slice):
            try:
                a, b, s = item.indices(n)
            except (TypeError, ValueError) as e:
                raise AxisError(f"index {item}: {e}") from None
            count = len(range(a, b, s))
            if s < 0:  # the same elements upwards, turned round afterwards
                back.append(axis)
                a, s = a + (count - 1) * s, -s
            spans.append((a, a + (count - 1) * s + 1, s) if count else (0, 0, s))
            out.append(count)
        elif isinstance(item, int) and not fancy:
            if not -n <= item < n:
                raise AxisError(f"index {item} is out of range for axis {axis} of size {n}")
            spans.append((item % n, item % n + 1, 1))
        else:
            arrays.append((len(out), np.asarray(item) if isinstance(item, int) else item, n, axis))
            spans.append((0, n, 1))
            out.append(n)
        axis += 1
    if any(span != (0, n, 1) for span, n in zip(spans, shape, strict=True)):
        start, stop, step = zip(*spans, strict=True)
        x = ops.slice_(x, start=start, stop=stop, step=step)
    if back:
        x = ops.flip(x, axes=tuple(back))
    if tuple(out) != shape_of(x):
        x = ops.reshape(x, shape=tuple(out))
    if not arrays:
        return x
    places = [k for k, i in enumerate(index) if i is not None and i is not Ellipsis and not isinstance(i, slice)]
    return _take_arrays(x, arrays, together=places[-1] - places[0] == len(places) - 1)


def _expanded(shape: tuple[int, ...], index: tuple[Any, ...]) -> list[Any]:
    """The index with ... written out, masks as places, and one entry for each axis of x (and each None)."""
    items: list[Any] = []
    for item in index:
        if item is None or item is Ellipsis or isinstance(item, slice):
            items.append(item)
        elif isinstance(item, (bool, np.bool_)):
            raise DtypeError(f"index {item}: a single boolean is not an index; use None to add an axis")
        elif isinstance(item, (int, np.integer)):
            items.append(int(item))
        else:
            items.append(_index_array(item))
    used = sum(0 if i is None or i is Ellipsis else len(shape_of(i)) if _is_mask(i) else 1 for i in items)
    if sum(i is Ellipsis for i in items) > 1:
        raise AxisError("an index can hold only one ...")
    if used > len(shape):
        raise AxisError(f"too many indices: {used} for the {len(shape)} axes of {shape}")
    if not any(i is Ellipsis for i in items):
        items.append(Ellipsis)
    at = next(k for k, i in enumerate(items) if i is Ellipsis)
    items[at : at + 1] = [slice(None)] * (len(shape) - used)
    full: list[Any] = []
    axis = 0
    for item in items:
        if _is_mask(item):
            mask = ops.known(item)
            if mask is None:
                raise RecordError(
                    "x[mask] has a shape that depends on the values of the mask, so it cannot be recorded or "
                    "batched; use where(mask, x, 0) or a constant NumPy mask"
                )
            if mask.shape != shape[axis : axis + mask.ndim]:
                raise ShapeError(f"mask of shape {mask.shape} does not fit axes {axis} on of {shape}")
            full.extend(places.view(ops.Literal) for places in np.nonzero(mask))
            axis += mask.ndim
        else:
            full.append(item)
            axis += item is not None
    return full


def _is_mask(item: Any) -> bool:
    return (
        not isinstance(item, (int, slice))
        and item is not None
        and item is not Ellipsis
        and aval_of(item).dtype == ops.bool_
    )


def _take_arrays(x: Any, arrays: list[tuple[int, Any, int, int]], together: bool) -> Any:
    """x indexed by one or more integer arrays at the given axes (broadcast against each other).

    Their axes stand in the place of the indices where these are written `together`, side by side, else in front.
    """
    if len(arrays) == 1:
        place, index, n, axis = arrays[0]
        return ops.take(x, _wrapped(index, n, axis), axis=place)
    axes = [place for place, *_ in arrays]
    shape = ops.broadcast_shapes("index", *(shape_of(i) for _, i, *_ in arrays))
    flat: Any = 0
    for _, index, n, axis in arrays:
        flat = flat * n + checked(_wrapped(index, n, axis), n)
    flat = flat if shape_of(flat) == shape else ops.broadcast_to(flat, shape=shape)
    rest = [i for i in range(x.ndim) if i not in axes]
    lead = math.prod(n for _, _, n, _ in arrays)
    front = ops.transpose(x, axes=(*axes, *rest))
    front = ops.reshape(front, shape=(lead, *(x.shape[i] for i in rest)))
    y = ops.take(front, flat, axis=0)
    if together:
        k = len(shape)
        order = (*range(k, k + axes[0]), *range(k), *range(k + axes[0], y.ndim))
        y = ops.transpose(y, axes=order)
    return y


def put_at(x: Any, index: Any, value: Any) -> Any:
    """x with value, broadcast, in the places x[index]; where a place is named twice the last one stays."""
    shape = shape_of(x)
    items = index if index.__class__ is tuple else (index,)
    if any(_is_mask(i) and ops.known(i) is None for i in items if not isinstance(i, (list, tuple, bool, np.bool_))):
        return _put_where(x, items, value)
    items = tuple(i if ops.known(i) is None else ops.known(i) for i in items)
    n = math.prod(shape)
    places = getitem(np.arange(n).reshape(shape), items)
    if not isinstance(places, (np.ndarray, np.generic)):
        raise RecordError(
            "x[index] = value: the index is not known while a function is recorded or batched; use "
            "where(arange(n) == index, value, x) or scatter_add"
        )
    given = shape_of(value)
    while len(given) > places.ndim and given[0] == 1:  # as NumPy and PyTorch have it
        given = given[1:]
    if not fits(given, places.shape):
        raise ShapeError(f"x[index] = value: value of shape {shape_of(value)} does not fit x[index] of {places.shape}")
    value = ops.broadcast_to(ops.reshape(value, shape=given), shape=places.shape)
    if ops.at_once(x, value):
        out = np.array(x, order="C")
        out.reshape(-1)[places.reshape(-1)] = value.reshape(-1)
        return out
    if not places.size:
        return x
    source = np.full(n, -1)
    source[places.reshape(-1)] = np.arange(places.size)
    new = ops.take(ops.reshape(value, shape=(places.size,)), np.maximum(source, 0).view(ops.Literal), axis=0)
    flat = ops.where((source >= 0).view(ops.Literal), new, ops.reshape(x, shape=(n,)))
    return ops.reshape(flat, shape=shape)


def fits(shape: tuple[int, ...], wide: tuple[int, ...]) -> bool:
    """Whether a value of this shape broadcasts to the wide one."""
    return len(shape) <= len(wide) and all(n in (1, m) for n, m in zip(shape[::-1], wide[::-1], strict=False))


def _put_where(x: Any, items: tuple[Any, ...], value: Any) -> Any:
    """x[mask] = number with a mask whose values are not known yet."""
    shape, mask = shape_of(x), items[0]
    if len(items) > 1 or shape_of(value) != ():
        raise RecordError(
            "x[mask] = value: how many values it takes depends on the mask, which is not known while a function is "
            "recorded or batched; use where(mask, value, x) with a value of x's shape"
        )
    lead = shape_of(mask)
    if lead != shape[: len(lead)]:
        raise ShapeError(f"mask of shape {lead} does not fit {shape}")
    return ops.where(ops.reshape(mask, shape=(*lead, *(1,) * (len(shape) - len(lead)))), value, x)


def gather(x: Any, dim: int, index: Any) -> Any:
    """out[i, j] = x[index[i, j], j] for dim=0 (PyTorch's gather): index has as many axes as x."""
    shape, ishape = shape_of(x), shape_of(index)
    if aval_of(index).dtype not in (int32, int64):
        raise DtypeError(f"gather: index must be int64 or int32, got {aval_of(index).dtype}")
    if not shape and ishape in ((), (1,)):
        normalize_axis("gather", dim, 1)
        return ops.reshape(x, shape=ishape)
    if not math.prod(ishape):  # nothing is taken
        return ops.take(ravel(x), index, axis=0)
    if not ishape and len(shape) == 1:
        return ops.reshape(gather(x, dim, ops.reshape(index, shape=(1,))), shape=())
    axis = normalize_axis("gather", dim, len(shape))
    _check_along("gather", shape, ishape, axis)
    return ops.take(ravel(x), _flat_places(shape, ishape, axis, index), axis=0)


def _check_along(name: str, shape: tuple[int, ...], ishape: tuple[int, ...], axis: int) -> None:
    if len(ishape) != len(shape):
        raise ShapeError(f"{name}: index {ishape} must have as many axes as the value {shape}")
    if any(m > n for i, (m, n) in enumerate(zip(ishape, shape, strict=True)) if i != axis):
        raise ShapeError(f"{name}: index {ishape} is larger than the value {shape} outside dim {axis}")


def _flat_places(shape: tuple[int, ...], ishape: tuple[int, ...], axis: int, index: Any) -> Any:
    """For each entry of an index along one axis, its place in the flattened value."""
    strides = [math.prod(shape[i + 1 :]) for i in range(len(shape))]
    value = ops.known(index)
    if value is not None and value.size and (value.min() < 0 or value.max() >= shape[axis]):
        bad = value[(value < 0) | (value >= shape[axis])].reshape(-1)[0]
        raise AxisError(f"index {bad} is out of range for dim {axis} of size {shape[axis]}")
    # the other axes' part is a sum of iotas, so that nothing large is captured when this is recorded
    places = (checked(index, shape[axis]) if len(shape) > 1 else index) * strides[axis]
    for i, (m, s) in enumerate(zip(ishape, strides, strict=True)):
        if i != axis and m > 1:
            line = ops.reshape(ops.iota(size=m, dtype=int64), shape=(m,) + (1,) * (len(shape) - 1 - i))
            places = places + ops.mul(line, s)
    return places


def flat_places(name: str, shape: tuple[int, ...], ishape: tuple[int, ...], axis: int, index: Any) -> Any:
    """For each entry of an index along one axis, its place in the flattened value, after a check of both."""
    if aval_of(index).dtype not in (int32, int64):
        raise DtypeError(f"{name}: index must be int64 or int32, got {aval_of(index).dtype}")
    _check_along(name, shape, ishape, axis)
    return _flat_places(shape, ishape, axis, index)


def take_along_dim(x: Any, indices: Any, dim: int | None = None) -> Any:
    """gather with the other axes broadcast; dim=None takes from the flattened value."""
    if dim is None:
        return ops.take(ravel(x), ravel(_wrapped(indices, math.prod(shape_of(x)), 0)), axis=0)
    shape, ishape = shape_of(x), shape_of(indices)
    if len(shape) != len(ishape):
        raise ShapeError(f"take_along_dim: indices {ishape} must have as many axes as the value {shape}")
    axis = normalize_axis("take_along_dim", dim, len(shape))
    common = list(
        ops.broadcast_shapes("take_along_dim", ops.kept_shape(shape, (axis,)), ops.kept_shape(ishape, (axis,)))
    )
    common[axis] = shape[axis]
    x = ops.broadcast_to(x, shape=tuple(common))
    common[axis] = ishape[axis]
    return gather(x, axis, ops.broadcast_to(_wrapped(indices, shape[axis], axis), shape=tuple(common)))


def index_select(x: Any, dim: int, index: Any) -> Any:
    """The slices of x along dim at the places of a one-axis index."""
    shape = shape_of(x)
    if len(shape_of(index)) > 1:
        raise ShapeError(f"index_select: index must have one axis, got {shape_of(index)}")
    if not shape:
        return x
    axis = normalize_axis("index_select", dim, len(shape))
    if not shape_of(index):
        index = ops.reshape(index, shape=(1,))
    return ops.take(x, _wrapped(index, shape[axis], axis), axis=axis)


def scatter_add(x: Any, dim: int, index: Any, src: Any) -> Any:
    """x with src[i, j] added at [index[i, j], j] (dim=0); repeated places add up."""
    shape, ishape, sshape = shape_of(x), shape_of(index), shape_of(src)
    if aval_of(index).dtype not in (int32, int64):
        raise DtypeError(f"scatter_add: index must be int64 or int32, got {aval_of(index).dtype}")
    if not shape:
        return x + ops.sum_(src, axes=tuple(range(len(sshape))))
    axis = normalize_axis("scatter_add", dim, len(shape))
    if not ishape and len(shape) == 1:
        index, src, ishape, sshape = reshape(index, 1), reshape(src, 1), (1,), sshape or (1,)
    _check_along("scatter_add", shape, ishape, axis)
    if len(sshape) != len(shape) or any(m > n for m, n in zip(ishape, sshape, strict=True)):
        raise ShapeError(f"scatter_add: index {ishape} is larger than src {sshape}")
    if aval_of(x).dtype != aval_of(src).dtype:
        raise DtypeError(f"scatter_add: value {aval_of(x).dtype} and src {aval_of(src).dtype} must have one dtype")
    if ishape != sshape:
        src = ops.slice_(src, start=(0,) * len(ishape), stop=ishape, step=(1,) * len(ishape))
    places = _flat_places(shape, ishape, axis, index)
    added = ops.scatter_add(ravel(src), ravel(places), axis=0, size=math.prod(shape))
    return x + ops.reshape(added, shape=shape)


def masked_fill(x: Any, mask: Any, value: Any) -> Any:
    """x with value wherever mask is True."""
    if aval_of(mask).dtype != ops.bool_:
        raise DtypeError(f"masked_fill: mask must be bool, got {aval_of(mask).dtype}")
    if shape_of(value) != ():
        raise ShapeError(f"masked_fill: value must be one number, got shape {shape_of(value)}")
    shape = ops.broadcast_shapes("masked_fill", shape_of(x), shape_of(mask))
    y = ops.where(mask, value if aval_of(value).weak else ops.cast(value, dtype=aval_of(x).dtype), x)
    return y if shape_of(y) == shape else ops.broadcast_to(y, shape=shape)


def one_hot(labels: Any, num_classes: int) -> Any:
    """Class indices (...,) -> zeros and ones (..., num_classes), int64."""
    return ops.cast(ops.eq(unsqueeze(labels, -1), ops.iota(size=int(num_classes), dtype=int64)), dtype=int64)


def sort(x: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Found:
    """(values, indices) in order along dim. Always stable."""
    shape = shape_of(x)
    if not shape:
        normalize_axis("sort", dim, 1)
        return Found(x, ops.reshape(ops.argsort(ops.reshape(x, shape=(1,)), axis=0, descending=False), shape=()))
    axis = normalize_axis("sort", dim, len(shape))
    order = ops.argsort(x, axis=axis, descending=bool(descending))
    return Found(gather(x, axis, order), order)


def argsort(x: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    """The places that sort x along dim. Always stable."""
    return sort(x, dim, descending)[1]


__all__ = [
    "argsort",
    "broadcast_tensors",
    "broadcast_to",
    "cat",
    "chunk",
    "concat",
    "concatenate",
    "diag",
    "diagonal",
    "expand",
    "flatten",
    "flip",
    "fliplr",
    "flipud",
    "gather",
    "getitem",
    "index_select",
    "masked_fill",
    "moveaxis",
    "movedim",
    "narrow",
    "one_hot",
    "pad",
    "permute",
    "ravel",
    "repeat",
    "reshape",
    "roll",
    "scatter_add",
    "select",
    "sort",
    "split",
    "squeeze",
    "stack",
    "stop_gradient",
    "swapaxes",
    "swapdims",
    "take_along_dim",
    "tile",
    "trace",
    "transpose",
    "tril",
    "triu",
    "unbind",
    "unflatten",
    "unsqueeze",
    "view",
]  # fmt: skip
