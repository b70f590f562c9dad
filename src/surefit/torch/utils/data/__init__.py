"""`torch.utils.data`."""

from surefit.data.dataset import ConcatDataset, Dataset, Subset, TensorDataset, default_collate, random_split
from surefit.data.dataset import DataLoader as _DataLoader
from surefit.data.samplers import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from surefit.torch.adapt import adapted_class

_WORKERS = (
    "num_workers", "pin_memory_device", "timeout", "worker_init_fn", "multiprocessing_context", "prefetch_factor",
    "persistent_workers",
)  # fmt: skip
DataLoader = adapted_class(_DataLoader, __name__, _WORKERS)

__all__ = [
    "BatchSampler", "ConcatDataset", "DataLoader", "Dataset", "RandomSampler", "Sampler", "SequentialSampler", "Subset",
    "SubsetRandomSampler", "TensorDataset", "WeightedRandomSampler", "default_collate", "random_split",
]  # fmt: skip
