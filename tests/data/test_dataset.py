"""Data sets and loaders: every row once, epochs that repeat with the seed, and PyTorch's behaviour."""

from __future__ import annotations

import math
import warnings
from collections import namedtuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surefit.core.creation import tensor
from surefit.core.tensor import Tensor
from surefit.data import (
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    Subset,
    TensorDataset,
    default_collate,
    random_split,
)
from surefit.errors import ArgumentError, AxisError, DataError, ShapeError


class Squares(Dataset):
    """Samples without a fast path, which count how often they were read."""

    def __init__(self, n):
        self.n, self.read = n, []

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        if not 0 <= i < self.n:
            raise IndexError(i)
        self.read.append(i)
        return tensor([float(i)]), i * i


def numbers(n):
    return TensorDataset(np.arange(n), np.arange(n, dtype=np.float32)[:, None] * [1.0, 10.0])


# ---- data sets


def test_tensor_dataset():
    data = TensorDataset(tensor([[1.0, 2.0], [3.0, 4.0]]), np.array([7, 8]))
    assert len(data) == 2
    x, y = data[1]
    assert isinstance(x, Tensor) and x.tolist() == [3.0, 4.0] and y.item() == 8
    assert [t.shape for t in data[0:1]] == [(1, 2), (1,)]
    assert [t.tolist() for t in data[np.array([1, 0])]] == [[[3, 4], [1, 2]], [8, 7]]
    assert data[-1][1].item() == 8
    assert [y.item() for _, y in data] == [7, 8]  # iteration ends by IndexError
    assert data.tensors[1].dtype == np.int64


@pytest.mark.parametrize(
    "tensors, error, message",
    [
        ((), ArgumentError, "no tensors"),
        (
            (np.zeros(3), np.zeros((2, 3))),
            ShapeError,
            r"same number of rows; got shapes \[\(3,\), \(2, 3\)\]",
        ),
        ((np.zeros(3), 5.0), ShapeError, "needs rows"),
    ],
)
def test_refused_tensors(tensors, error, message):
    with pytest.raises(error, match=message):
        TensorDataset(*tensors)


def test_subset_and_concat():
    data = Squares(5)
    part = Subset(data, [4, 0, -1])
    assert len(part) == 3 and [part[i][1] for i in range(2)] == [16, 0]
    assert [y for _, y in Subset(data, [3, 1])] == [9, 1]
    nested = Subset(Subset(numbers(10), [9, 8, 7, 6]), [3, 0])
    assert nested[0][0].item() == 6 and nested[1][0].item() == 9
    assert nested[np.array([1, 0])][0].tolist() == [9, 6]
    both = numbers(3) + numbers(2) + Subset(numbers(10), [5])
    assert isinstance(both, ConcatDataset) and len(both) == 6
    assert [both[i][0].item() for i in range(-6, 6)] == [0, 1, 2, 0, 1, 5] * 2
    for i in (6, -7):
        with pytest.raises(AxisError, match=f"index {i} is outside a data set of 6"):
            both[i]


@pytest.mark.parametrize(
    "indices, error, message",
    [
        ([0, 5], AxisError, "5 is outside a data set of 5 samples"),
        ([-6], AxisError, "-6 is outside"),
        ([0.5], ArgumentError, "whole numbers in one dimension"),
        ([[0, 1]], ArgumentError, "whole numbers in one dimension"),
        ([True, False], ArgumentError, "whole numbers"),
    ],
)
def test_refused_indices(indices, error, message):
    with pytest.raises(error, match=message):
        Subset(numbers(5), indices)
    assert len(Subset(numbers(5), [])) == 0


def test_abstract():
    with pytest.raises(NotImplementedError, match="Dataset must define __len__"):
        len(Dataset())
    with pytest.raises(NotImplementedError, match="Dataset must define __getitem__"):
        Dataset()[0]
    with pytest.raises(ArgumentError, match="no data sets"):
        ConcatDataset([])


# ---- random_split


@settings(deadline=None)
@given(st.integers(1, 300), st.lists(st.integers(0, 9), min_size=1, max_size=5), st.integers(0, 99))
def test_split_is_a_partition(n, weights, seed):
    if not any(weights):
        weights = [1]
    shares = [w / sum(weights) for w in weights]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parts = random_split(range(n), shares, generator=seed)
        again = random_split(range(n), shares, generator=seed)
    assert sorted(i for part in parts for i in part) == list(range(n))
    assert [p.indices.tolist() for p in parts] == [p.indices.tolist() for p in again]


def test_split_lengths_are_torchs():
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # both warn of empty parts
        for shares in ([0.8, 0.2], [0.7, 0.2, 0.1], [1 / 3] * 3, [0.29, 0.71], [1.0]):
            for n in (1, 2, 3, 7, 10, 100, 101, 308):
                theirs = torch.utils.data.random_split(range(n), shares)
                assert [len(p) for p in random_split(range(n), shares)] == [len(p) for p in theirs]


def test_split_by_numbers():
    first, second, none = random_split(numbers(10), [7, 3, 0], generator=0)
    assert (len(first), len(second), len(none)) == (7, 3, 0)
    assert first.indices.tolist() != sorted(first.indices.tolist())  # shuffled
    different = random_split(numbers(10), [7, 3, 0], generator=1)
    assert different[0].indices.tolist() != first.indices.tolist()


def test_split_into_nothing_warns():
    with pytest.warns(UserWarning, match=r"share of 0\.1 of 3 samples is an empty part"):
        random_split(range(3), [0.9, 0.1])


@pytest.mark.parametrize(
    "lengths, message",
    [
        ([5, 4], r"sum to 9; expected whole numbers that sum to the 10 samples"),
        ([0.5, 0.4], r"sum to 0\.9"),
        ([5.5, 4.5], "expected whole numbers"),
        ([11, -1], "numbers >= 0"),
        ([math.nan, 1], "numbers >= 0"),
        ([], "numbers >= 0"),
    ],
)
def test_refused_lengths(lengths, message):
    with pytest.raises(ArgumentError, match=message):
        random_split(range(10), lengths)


# ---- DataLoader


@settings(deadline=None)
@given(
    st.integers(0, 60),
    st.integers(1, 20),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["fast", "subset", "slow"]),
)
def test_every_row_once(n, batch_size, shuffle, drop_last, kind):
    data = {"fast": numbers(n), "subset": Subset(numbers(n + 3), range(n)), "slow": Squares(n)}[kind]
    if drop_last and 0 < n < batch_size:
        drop_last = False
    loader = DataLoader(data, batch_size, shuffle, drop_last=drop_last, generator=n)
    batches = list(loader)
    assert len(loader) == len(batches) == (n // batch_size if drop_last else math.ceil(n / batch_size))
    seen = [int(i) for x, _ in batches for i in x.numpy().ravel()]
    assert len(set(seen)) == len(seen) == (len(batches) * batch_size if drop_last else n)
    assert set(seen) <= set(range(n))
    if not shuffle:
        assert seen == list(range(len(seen)))
    for x, y in batches[:-1]:
        assert len(x) == len(y) == batch_size


def test_batches_match_their_rows():
    x = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    for data in (
        TensorDataset(x, x.sum(1)),
        random_split(TensorDataset(x, x.sum(1)), [0.6, 0.4], generator=1)[0],
    ):
        for a, b in DataLoader(data, 8, shuffle=True, generator=0):
            assert isinstance(a, Tensor) and a.dtype == b.dtype == np.float32 and a.shape[1:] == (3,)
            np.testing.assert_array_equal(a.numpy().sum(1), b.numpy())


def test_fast_and_slow_paths_agree():
    data = numbers(23)
    fast = DataLoader(data, 5, shuffle=True, generator=7)
    slow = DataLoader(data, 5, shuffle=True, generator=7, collate_fn=default_collate)
    for _ in range(2):
        for a, b in zip(fast, slow, strict=True):
            assert type(a) is type(b) is list
            for s, t in zip(a, b, strict=True):
                assert s.dtype == t.dtype
                np.testing.assert_array_equal(s.numpy(), t.numpy())


def test_fast_path_reads_no_single_sample(monkeypatch):
    def never(self, index):
        raise AssertionError("a sample was read alone")

    data = Subset(numbers(20), range(0, 20, 2))
    loader = DataLoader(data, 4, shuffle=True, generator=0)
    monkeypatch.setattr(TensorDataset, "__getitem__", never)
    monkeypatch.setattr(Subset, "__getitem__", never)
    assert sum(len(x) for x, _ in loader) == 10


def test_a_subclass_is_asked_for_its_samples():
    class Shifted(TensorDataset):
        def __getitem__(self, index):
            return tuple(t + 100 for t in super().__getitem__(index))

    data = Shifted(np.arange(4.0))
    for source in (data, Subset(data, [0, 1])):
        assert all(x.numpy().min() >= 100 for (x,) in DataLoader(source, 2))


def test_epochs_differ_and_repeat_with_the_seed():
    def epochs(generator):
        loader = DataLoader(numbers(30), 7, shuffle=True, generator=generator)
        return [[int(i) for x, _ in loader for i in x.numpy()] for _ in range(3)]

    first = epochs(0)
    assert first[0] != first[1] != first[2]
    assert first == epochs(0) == epochs(np.random.default_rng(0)) != epochs(1)
    assert epochs(None) != epochs(None)


def test_two_iterators_at_once():
    loader = DataLoader(numbers(12), 4, shuffle=True, generator=0)
    pairs = list(zip(loader, loader, strict=True))
    for side in (0, 1):
        assert sorted(int(i) for pair in pairs for i in pair[side][0].numpy()) == list(range(12))


def test_gradients_flow_through_the_loader():
    x = tensor([[1.0], [2.0], [3.0]], requires_grad=True)
    for (batch,) in DataLoader(TensorDataset(x), 2):
        (batch * batch).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [[2.0], [4.0], [6.0]])


def test_sampler_drop_last_and_collate():
    loader = DataLoader(numbers(5), 2, sampler=[4, 4, 0, 1, 2], drop_last=True)
    assert len(loader) == 2
    assert [x.tolist() for x, _ in loader] == [[4, 4], [0, 1]]
    loader = DataLoader(Squares(5), 2, collate_fn=lambda samples: [y for _, y in samples])
    assert list(loader) == [[0, 1], [4, 9], [16]]
    assert list(DataLoader(["a", "b", "c"], 2)) == [["a", "b"], ["c"]]
    assert [b.tolist() for b in DataLoader(np.arange(6).reshape(3, 2), 2)] == [[[0, 1], [2, 3]], [[4, 5]]]


def test_getitems_hook():
    class Many(Squares):
        def __getitems__(self, rows):
            return [(tensor([float(i)]), -i) for i in rows]

    assert [y.tolist() for _, y in DataLoader(Many(3), 2)] == [[0, -1], [-2]]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"dataset": iter([1, 2])}, "has no length and index"),
        ({"dataset": 5}, "a int has no length and index"),
        ({"batch_size": 0}, "batch_size: expected a whole number >= 1, got 0"),
        ({"batch_size": None}, r"len\(dataset\) takes all at once"),
        ({"batch_size": 2.0}, "batch_size"),
        ({"shuffle": True, "sampler": [0]}, "sampler decides the order already"),
        ({"batch_size": 11, "drop_last": True}, "10 samples do not fill one batch of 11"),
    ],
)
def test_refused_loaders(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        DataLoader(**({"dataset": numbers(10)} | arguments))


# ---- collating

Point = namedtuple("Point", "x y")
SAMPLES = {
    "floats": [1.5, 2.5],
    "ints": [1, 2],
    "bools": [True, False],
    "scalars": [np.float32(1), np.float32(2)],
    "arrays": [np.zeros((2, 3)), np.ones((2, 3))],
    "int8 arrays": [np.zeros(2, np.int32), np.ones(2, np.int32)],
    "texts": ["a", "bc"],
    "tuples": [(1.0, "a", [1, 2]), (2.0, "b", [3, 4])],
    "lists": [[1, np.ones(2)], [2, np.zeros(2)]],
    "dicts": [{"x": 1.0, "y": (1, 2)}, {"x": 2.0, "y": (3, 4)}],
    "named": [Point(1.0, 2), Point(3.0, 4)],
}


@pytest.mark.parametrize("samples", SAMPLES.values(), ids=SAMPLES.keys())
def test_collate_is_torchs(samples):
    torch = pytest.importorskip("torch")

    def same(ours, theirs):
        if isinstance(theirs, torch.Tensor):
            assert isinstance(ours, Tensor)
            assert str(theirs.dtype).removeprefix("torch.") == str(ours.dtype)
            np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
        elif isinstance(theirs, dict):
            assert ours.keys() == theirs.keys()
            for key in theirs:
                same(ours[key], theirs[key])
        elif isinstance(theirs, list | tuple):
            if not isinstance(theirs[0], str):  # texts: PyTorch's kind depends on where they stand, ours is a list
                assert type(ours) is type(theirs)
            assert len(ours) == len(theirs)
            for a, b in zip(ours, theirs, strict=True):
                same(a, b)
        else:
            assert ours == theirs

    same(default_collate(samples), torch.utils.data.default_collate(samples))


def test_collate_tensors_and_mixed_numbers():
    batch = default_collate([tensor([1.0, 2.0]), tensor([3.0, 4.0])])
    assert batch.tolist() == [[1, 2], [3, 4]] and batch.dtype == np.float32
    assert default_collate([1, 2.5]).tolist() == [1.0, 2.5]


@pytest.mark.parametrize(
    "samples, error, message",
    [
        ([np.zeros(2), np.zeros(3)], ShapeError, r"different shapes \[\(2,\), \(3,\)\]"),
        ([tensor([1.0]), tensor([1.0, 2.0])], ShapeError, "one shape"),
        ([(1, 2), (1,)], DataError, r"have \[1, 2\] parts"),
        ([{"a": 1}, {"b": 1}], DataError, r"different keys; the first has \['a'\]"),
        ([object(), object()], DataError, "cannot make a batch of object"),
        ([None, None], DataError, "cannot make a batch of NoneType"),
    ],
)
def test_refused_samples(samples, error, message):
    with pytest.raises(error, match=message):
        default_collate(samples)


# ---- streams, and batches of one's own


class Count(IterableDataset):
    def __iter__(self):
        return iter(range(7))


def test_a_stream_comes_in_batches():
    assert [b.tolist() for b in DataLoader(Count(), batch_size=3)] == [[0, 1, 2], [3, 4, 5], [6]]
    loader = DataLoader(Count(), batch_size=3, drop_last=True, collate_fn=sum)
    assert list(loader) == [3, 12] == list(loader)
    with pytest.raises(TypeError, match="no length"):
        len(loader)
    for keywords in ({"shuffle": True}, {"sampler": [1]}, {"batch_sampler": [[1]]}):
        with pytest.raises(ArgumentError, match="own order"):
            DataLoader(Count(), **keywords)
    with pytest.raises(NotImplementedError, match="__iter__"):
        list(DataLoader(IterableDataset()))


@pytest.mark.parametrize(
    "data", [numbers(6), Subset(numbers(8), range(2, 8)), Squares(6)], ids=lambda d: type(d).__name__
)
def test_batches_by_their_own_sampler(data):
    loader = DataLoader(data, batch_sampler=[[5, 0], [1], [2, 2, 4]])
    assert len(loader) == 3
    want = [
        [data[i][1].tolist() if hasattr(data[i][1], "tolist") else data[i][1] for i in rows]
        for rows in loader.batch_sampler
    ]
    assert [y.tolist() for _, y in loader] == want
    for keywords in ({"batch_size": 2}, {"shuffle": True}, {"sampler": [1]}, {"drop_last": True}):
        with pytest.raises(ArgumentError, match="batch_sampler"):
            DataLoader(data, batch_sampler=[[0]], **keywords)
