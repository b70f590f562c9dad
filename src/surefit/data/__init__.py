"""Data: domains and samples of functions, tables, data sets and loaders, and the MNIST digits."""

from __future__ import annotations

from surefit.data.columns import Coded
from surefit.data.csv_text import read_rows
from surefit.data.dataset import (
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    Subset,
    TensorDataset,
    default_collate,
    random_split,
)
from surefit.data.designs import DESIGNS, corner_points, default_count, face_points, sample
from surefit.data.digits import Digits, mnist, read_idx
from surefit.data.domain import Domain, box_words, check_finite
from surefit.data.generator import generate, write_tables
from surefit.data.places import place_said, points_from, points_of, raw_names
from surefit.data.samplers import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from surefit.data.sampling import Noise, Sampling, with_settings
from surefit.data.sources import is_table_path, raw_of
from surefit.data.table import Table, read_csv, read_table, write_table
from surefit.keywords import naming_all

__all__ = [
    "DESIGNS",
    "BatchSampler",
    "Coded",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "Digits",
    "Domain",
    "IterableDataset",
    "Noise",
    "RandomSampler",
    "Sampler",
    "Sampling",
    "SequentialSampler",
    "Subset",
    "SubsetRandomSampler",
    "Table",
    "TensorDataset",
    "WeightedRandomSampler",
    "box_words",
    "check_finite",
    "corner_points",
    "default_collate",
    "default_count",
    "face_points",
    "generate",
    "is_table_path",
    "mnist",
    "place_said",
    "points_from",
    "points_of",
    "random_split",
    "raw_names",
    "raw_of",
    "read_csv",
    "read_idx",
    "read_rows",
    "read_table",
    "sample",
    "with_settings",
    "write_table",
    "write_tables",
]

naming_all(globals(), __all__)
