"""The MNIST digits, and the IDX format they come in."""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from surefit.cachedir import cache_dir
from surefit.checking import check_memory
from surefit.errors import DataError
from surefit.keywords import naming

# Addresses that carry the four files unchanged: PyTorch's, the CVDF's, the authors' own (often closed).
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)
# SHA-256 of the unpacked files, which stays the same however a mirror packs them.
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


class Digits(NamedTuple):
    """Images (n, 28, 28) uint8, black 0 to white 255, and labels (n,) int64 from 0 to 9."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


@naming
def mnist(
    root: str | os.PathLike[str] | None = None, download: bool = False, *, mirrors: Sequence[str] = MIRRORS
) -> Digits:
    """The MNIST data set of LeCun, Cortes and Burges (CC BY-SA 3.0): 60 000 training and 10 000 test digits.

    Args:
        root: the directory of the four IDX files, packed (``.gz``) or not; also torchvision's directory above
            ``MNIST/raw``. None: ``mnist`` in the user's cache directory. Other data sets of this format, such
            as Fashion-MNIST, are read from a root as well.
        download: fetch files that are missing, about 11 MB, into that directory; nothing is fetched
            otherwise.
        mirrors: addresses of directories, tried in order. What they send is checked against known checksums.

    Raises:
        DataError: a file is missing (the message says where it was looked for), damaged, or not what its name
            says; or no mirror delivered it.
    """
    directory = Path(root) if root is not None else cache_dir("mnist", create=download)
    if directory is None:
        raise DataError("mnist: caching is switched off (SUREFIT_CACHE=off); name a directory: mnist(root=...)")
    arrays = [read_idx(_file(directory, name, download, mirrors)) for name in SHA256]
    for images, labels, name in ((arrays[0], arrays[1], "train"), (arrays[2], arrays[3], "t10k")):
        if images.ndim != 3 or labels.shape != images.shape[:1]:
            raise DataError(
                f"{directory}: {name} images {images.shape} and labels {labels.shape} do not belong together"
            )
    return Digits(arrays[0], arrays[1].astype(np.int64), arrays[2], arrays[3].astype(np.int64))


def _file(directory: Path, name: str, download: bool, mirrors: Sequence[str]) -> Path:
    for folder in (directory, directory / "MNIST" / "raw"):
        for file in (f"{name}.gz", name):
            if (folder / file).is_file():
                return folder / file
    if not download:
        raise DataError(
            f"mnist: there is no {name} or {name}.gz in {str(directory)!r}; name the directory that holds "
            "it with root=, or say download=True to fetch it (about 11 MB)"
        )
    from surefit.data.download import fetch  # here, because HTTP and TLS are slow to import and rarely needed

    directory.mkdir(parents=True, exist_ok=True)
    return fetch([f"{base.rstrip('/')}/{name}.gz" for base in mirrors], directory / f"{name}.gz", SHA256[name])


def _announced(file: Any) -> bytes:
    """As much of a file as its beginning announces, and a byte more if there is one."""
    head = bytes(file.read(4))
    if len(head) == 4 and head[:2] == b"\0\0" and head[2] in _DTYPES:
        head += file.read(4 * head[3])
        if len(head) == 4 + 4 * head[3]:
            size = math.prod(struct.unpack_from(f">{head[3]}I", head, 4)) * np.dtype(_DTYPES[head[2]]).itemsize
            check_memory("IDX", 2.0 * size, "an array of the announced shape", "it is damaged", error=DataError)
            head += file.read(size + 1)
    return head


def read_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """The array in an IDX file, packed with gzip or not, in the machine's byte order.

    The format: two zero bytes, a type code, the number of dimensions, their sizes as big-endian uint32, the
    numbers.

    Raises:
        DataError: no such file, damaged gzip, not IDX, an unknown type, or more or fewer numbers than
            announced.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as file:
            data = _announced(file)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{str(path)!r} cannot be read ({error}); remove a damaged file and fetch it again") from error
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in _DTYPES or len(data) < 4 + 4 * data[3]:
        raise DataError(f"{str(path)!r} is not an IDX file: it starts with {data[:4].hex(' ') or 'nothing'}")
    shape = struct.unpack_from(f">{data[3]}I", data, 4)
    dtype, start = np.dtype(_DTYPES[data[2]]), 4 + 4 * data[3]
    announced = math.prod(shape) * dtype.itemsize
    if len(data) - start != announced:
        raise DataError(f"{str(path)!r} announces {shape}, {announced} bytes, but holds {len(data) - start}")
    return np.frombuffer(data, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))
