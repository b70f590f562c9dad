"""`torch.utils.data`."""

from typing import Any

from surefit.data.dataset import (
    ConcatDataset,
    Dataset,
    IterableDataset,
    Subset,
    TensorDataset,
    default_collate,
    random_split,
)
from surefit.data.dataset import DataLoader as _DataLoader
from surefit.data.samplers import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from surefit.torch.adapt import adapted_class, refusal

_WORKERS = (
    "num_workers", "pin_memory_device", "timeout", "worker_init_fn", "multiprocessing_context", "prefetch_factor",
    "persistent_workers",
)  # fmt: skip
DataLoader = adapted_class(_DataLoader, __name__, _WORKERS)

_ELSEWHERE = {"get_worker_info": "data are read by one process here", "ChainDataset": "use itertools.chain"}


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise refusal("surefit.torch.utils.data", name, _ELSEWHERE, list(__all__))


__all__ = [
    "BatchSampler", "ConcatDataset", "DataLoader", "Dataset", "IterableDataset", "RandomSampler",
    "Sampler", "SequentialSampler", "Subset", "SubsetRandomSampler", "TensorDataset",
    "WeightedRandomSampler", "default_collate", "random_split",
]  # fmt: skip
