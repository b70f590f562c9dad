"""Data sets and the loader that cuts them into batches: PyTorch's names and behaviour, on our Tensors."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from surefit.checking import warn
from surefit.core.creation import as_tensor, from_numpy, numpy_generator, tensor
from surefit.core.functions import stack
from surefit.core.tensor import Tensor
from surefit.data.designs import split_lengths
from surefit.errors import ArgumentError, AxisError, DataError, ShapeError


class Dataset:
    """Samples by number: a subclass defines ``__len__`` and ``__getitem__(index)``, which returns one sample.

    A sample may be a Tensor, an array, a number, a text, or a tuple, list or dict of those.
    ``dataset + dataset`` is a `ConcatDataset`.
    """

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} must define __len__, the number of its samples")

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(index), which returns one sample")

    def __add__(self, other: Dataset) -> ConcatDataset:
        return ConcatDataset([self, other])


class IterableDataset(Dataset):
    """Samples one after another, as from a file or a stream: a subclass defines ``__iter__``.

    A `DataLoader` cuts it into batches in its own order; it has a length only if the subclass defines ``__len__``.

    >>> class Count(IterableDataset):
    ...     def __iter__(self):
    ...         return iter(range(5))
    >>> [batch.tolist() for batch in DataLoader(Count(), batch_size=2)]
    [[0, 1], [2, 3], [4]]
    """

    def __len__(self) -> int:
        raise TypeError(f"{type(self).__name__} has no length, since it is read one sample after another")

    def __getitem__(self, index: Any) -> Any:
        raise TypeError(f"{type(self).__name__} has no index, since it is read one sample after another")

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} must define __iter__, which yields one sample after another")


class TensorDataset(Dataset):
    """Rows of tensors that share their first dimension; sample i is the tuple of their rows i.

    Args:
        tensors: Tensors or arrays, each with the same number of rows.

    Raises:
        ShapeError: a tensor has no rows to index (0-d), or the numbers of rows differ.

    >>> data = TensorDataset(np.arange(3.0), np.eye(3))
    >>> len(data), data[1][1].tolist()
    (3, [0.0, 1.0, 0.0])
    """

    def __init__(self, *tensors: Any) -> None:
        self.tensors: tuple[Tensor, ...] = tuple(as_tensor(t) for t in tensors)
        shapes = [t.shape for t in self.tensors]
        if not shapes:
            raise ArgumentError("TensorDataset: no tensors; give at least one, such as TensorDataset(x, y)")
        if not all(shapes):
            raise ShapeError(f"TensorDataset: every tensor needs rows, a first dimension; got shapes {shapes}")
        if len({shape[0] for shape in shapes}) > 1:
            raise ShapeError(f"TensorDataset: all tensors need the same number of rows; got shapes {shapes}")

    def __len__(self) -> int:
        return self.tensors[0].shape[0]

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(t[index] for t in self.tensors)

    def batch(self, rows: np.ndarray | slice) -> list[Tensor]:
        """These rows of every tensor, by one indexing each: what collating the single samples would give."""
        return [t[rows] if t.requires_grad else from_numpy(t.numpy()[rows]) for t in self.tensors]


class Subset(Dataset):
    """The samples of `dataset` at `indices`, in that order.

    Raises:
        AxisError: an index is outside the data set.
        ArgumentError: the indices are not whole numbers in one dimension.
    """

    def __init__(self, dataset: Any, indices: Sequence[int] | np.ndarray) -> None:
        index = np.asarray(indices)
        if index.size == 0:
            index = index.astype(np.int64)
        if index.ndim != 1 or index.dtype.kind not in "iu":
            raise ArgumentError(f"indices: expected whole numbers in one dimension, got {index.dtype} {index.shape}")
        n = len(dataset)
        outside = index[(index < -n) | (index >= n)]
        if outside.size:
            raise AxisError(f"indices: {int(outside[0])} is outside a data set of {n} samples")
        self.dataset = dataset
        self.indices = index.astype(np.int64)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> Any:
        rows = self.indices[index]
        return self.dataset[int(rows) if rows.ndim == 0 else rows]


class ConcatDataset(Dataset):
    """Data sets one after another.

    >>> len(ConcatDataset([range(3), range(4)]))
    7
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ArgumentError("ConcatDataset: no data sets; give at least one")
        self.cumulative_sizes = np.cumsum([len(d) for d in self.datasets]).tolist()

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> Any:
        i = index + len(self) if index < 0 else index
        if not 0 <= i < len(self):
            raise AxisError(f"index {index} is outside a data set of {len(self)} samples")
        which = int(np.searchsorted(self.cumulative_sizes, i, side="right"))
        return self.datasets[which][i - (self.cumulative_sizes[which - 1] if which else 0)]


def random_split(
    dataset: Any, lengths: Sequence[float], generator: int | np.random.Generator | None = None
) -> list[Subset]:
    """Random parts of a data set that do not overlap and together are all of it.

    Args:
        dataset: anything with a length and an index.
        lengths: numbers of samples that sum to ``len(dataset)``, or shares that sum to 1 (rounded down, what
            is left dealt one by one from the first part on).
        generator: int seed, Generator, or None for fresh entropy.

    Raises:
        ArgumentError: negative lengths, or lengths that sum to something else.

    >>> [len(part) for part in random_split(range(10), [0.7, 0.3], generator=0)]
    [7, 3]
    """
    n = len(dataset)
    parts = list(lengths)
    if not parts or any(not math.isfinite(part) or part < 0 for part in parts):
        raise ArgumentError(f"lengths: expected numbers >= 0, got {parts}")
    if math.isclose(sum(parts), 1.0) and max(parts) <= 1.0:
        sizes = split_lengths(n, parts)
        for share, size in zip(parts, sizes, strict=True):
            if share > 0 and size == 0:
                warn(f"lengths: a share of {share:g} of {n} samples is an empty part")
    elif sum(parts) == n and all(part == int(part) for part in parts):
        sizes = [int(part) for part in parts]
    else:
        raise ArgumentError(
            f"lengths: {parts} sum to {sum(parts):g}; expected whole numbers that sum to the {n} samples, "
            "or shares that sum to 1"
        )
    order = numpy_generator(generator).permutation(n)
    ends = np.cumsum(sizes)
    return [Subset(dataset, order[end - size : end]) for size, end in zip(sizes, ends, strict=True)]


class DataLoader:
    """Batches of a data set; each ``for`` over it is one epoch, with a new permutation when `shuffle` is on.

    A `TensorDataset` (also through `Subset` and `random_split`) is cut with one indexing operation per tensor
    and batch; any other data set is read sample by sample and collated.

    Args:
        dataset: anything with a length and an index, or an `IterableDataset`.
        batch_size: samples per batch; the last batch holds what is left.
        shuffle: a random order, new in every epoch.
        sampler: instead of shuffle, an iterable of indices that gives the order of each epoch.
        batch_sampler: instead of batch_size, shuffle, sampler and drop_last, an iterable of lists of indices, one for
            each batch.
        drop_last: leave out a last batch that is not full.
        collate_fn: a list of samples -> a batch; `default_collate` when None.
        generator: int seed, Generator, or None for fresh entropy. One seed gives one sequence of epochs.

    Raises:
        ArgumentError: batch_size below 1, shuffle beside a sampler, anything of the four beside a batch_sampler, an
            order of an IterableDataset, or drop_last with less than one batch of data.

    >>> data = TensorDataset(np.arange(10), np.arange(10.0))
    >>> loader = DataLoader(data, batch_size=4, shuffle=True, generator=0)
    >>> [len(x) for x, y in loader]
    [4, 4, 2]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool = False,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[Sequence[int]] | None = None,
        *,
        drop_last: bool = False,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        generator: int | np.random.Generator | None = None,
    ) -> None:
        if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
            raise ArgumentError(
                f"dataset: a {type(dataset).__name__} has no length and index; wrap arrays in "
                "TensorDataset(x, y), or turn an iterable into a list"
            )
        if isinstance(batch_size, bool) or not isinstance(batch_size, int | np.integer) or batch_size < 1:
            raise ArgumentError(
                f"batch_size: expected a whole number >= 1, got {batch_size!r}; len(dataset) takes all at once"
            )
        if shuffle and sampler is not None:
            raise ArgumentError("shuffle: a sampler decides the order already; give one of the two")
        streamed = isinstance(dataset, IterableDataset)
        if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
            raise ArgumentError(
                "batch_sampler: it decides size and order of the batches; leave out batch_size, shuffle, sampler and "
                "drop_last"
            )
        if streamed and (shuffle or sampler is not None or batch_sampler is not None):
            raise ArgumentError(
                f"dataset: a {type(dataset).__name__} is read in its own order; leave out shuffle, sampler and "
                "batch_sampler, or put list(dataset) in its place"
            )
        if drop_last and sampler is None and not streamed and 0 < len(dataset) < batch_size:
            raise ArgumentError(
                f"drop_last: {len(dataset)} samples do not fill one batch of {batch_size}, so none would "
                "ever come; use a smaller batch_size or drop_last=False"
            )
        self.dataset = dataset
        self.batch_size = int(batch_size)
        self.shuffle = bool(shuffle)
        self.sampler, self.batch_sampler = sampler, batch_sampler
        self.drop_last = bool(drop_last)
        self.collate_fn = default_collate if collate_fn is None else collate_fn
        self.generator = numpy_generator(generator)
        self._batch = _rows_reader(dataset) if collate_fn is None else None

    def __len__(self) -> int:
        if self.batch_sampler is not None:
            return len(self.batch_sampler)  # type: ignore[arg-type]
        n = len(self.dataset) if self.sampler is None else len(self.sampler)  # type: ignore[arg-type]
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        if isinstance(self.dataset, IterableDataset):
            return self._stream()
        if self.batch_sampler is not None:
            return (self._rows(np.asarray(list(rows), dtype=np.int64)) for rows in self.batch_sampler)
        return self._batches(self._order())  # the order is drawn now, not at the first batch

    def _order(self) -> np.ndarray | None:
        """The indices of one epoch; None for 0, 1, 2, ..."""
        if self.sampler is not None:
            return np.asarray(list(self.sampler), dtype=np.int64)
        return self.generator.permutation(len(self.dataset)) if self.shuffle else None

    def _rows(self, rows: np.ndarray) -> Any:
        """One batch of these rows."""
        if self._batch is not None:
            return self._batch(rows)
        return self.collate_fn(_samples(self.dataset, rows.tolist()))

    def _stream(self) -> Iterator[Any]:
        """Batches of an IterableDataset."""
        samples = iter(self.dataset)
        while batch := list(itertools.islice(samples, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield self.collate_fn(batch)

    def _batches(self, order: np.ndarray | None) -> Iterator[Any]:
        n = len(self.dataset) if order is None else len(order)
        end = n - n % self.batch_size if self.drop_last else n
        for start in range(0, end, self.batch_size):
            cut = slice(start, min(start + self.batch_size, n))
            if self._batch is not None:
                yield self._batch(cut if order is None else order[cut])
            else:
                rows = range(cut.start, cut.stop) if order is None else order[cut].tolist()
                yield self.collate_fn(_samples(self.dataset, list(rows)))


def _rows_reader(dataset: Any) -> Callable[[Any], list[Tensor]] | None:
    """A function from row numbers to a batch without a loop over samples, where the data set allows one."""
    kind = type(dataset)
    if isinstance(dataset, Subset) and kind.__getitem__ is Subset.__getitem__:
        inner, indices = _rows_reader(dataset.dataset), dataset.indices
        return None if inner is None else lambda rows: inner(indices[rows])
    if isinstance(dataset, TensorDataset) and kind.__getitem__ is TensorDataset.__getitem__:
        return dataset.batch
    return None  # also for a subclass that changes its samples: it must be asked for each


def _samples(dataset: Any, rows: list[int]) -> list[Any]:
    if hasattr(dataset, "__getitems__"):  # PyTorch's hook for data sets that fetch many samples at once
        return dataset.__getitems__(rows)
    return [dataset[i] for i in rows]


def default_collate(samples: Sequence[Any]) -> Any:
    """A list of samples as one batch: the leaves stacked along a new first dimension, the structure kept.

    Tensors, arrays and numbers become Tensors (Python floats float64, ints int64, as in PyTorch), texts stay
    a list; tuples and lists become a list, named tuples and dicts keep their kind.

    Raises:
        ShapeError: tensors of different shapes.
        DataError: samples of different structure, or of a kind that has no batch.

    >>> x, label = default_collate([(np.zeros(2), "a"), (np.ones(2), "b")])
    >>> x.shape, label
    ((2, 2), ['a', 'b'])
    """
    first = samples[0]
    if isinstance(first, Tensor):
        return stack(list(samples))
    if isinstance(first, np.ndarray | np.generic):
        shapes = {np.shape(s) for s in samples}
        if len(shapes) > 1:
            raise ShapeError(
                f"collate: samples of different shapes {sorted(shapes)} cannot be stacked; give collate_fn="
            )
        return tensor(np.stack(samples))
    if isinstance(first, bool | int | float):
        return tensor(np.array(samples))
    if isinstance(first, str | bytes):
        return list(samples)
    if isinstance(first, Mapping):
        if any(s.keys() != first.keys() for s in samples):
            raise DataError(f"collate: samples are dicts with different keys; the first has {list(first)}")
        return {key: default_collate([s[key] for s in samples]) for key in first}
    if isinstance(first, Sequence):
        if any(len(s) != len(first) for s in samples):
            raise DataError(f"collate: samples have {sorted({len(s) for s in samples})} parts; each needs as many")
        parts = [default_collate(column) for column in zip(*samples, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else parts
    raise DataError(
        f"collate: cannot make a batch of {type(first).__name__}; samples may be tensors, arrays, numbers, "
        "texts, tuples, lists and dicts; for others give collate_fn="
    )
