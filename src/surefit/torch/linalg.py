"""`torch.linalg`."""

from surefit.core.functions import (
    cholesky,
    cross,
    det,
    inv,
    matmul,
    matrix_norm,
    matrix_power,
    multi_dot,
    slogdet,
    solve,
    svd,
    svdvals,
    vector_norm,
)
from surefit.core.functions import linalg_norm as norm
from surefit.core.functions import pinverse as pinv

__all__ = [
    "cholesky", "cross", "det", "inv", "matmul", "matrix_norm", "matrix_power", "multi_dot", "norm", "pinv", "slogdet",
    "solve", "svd", "svdvals", "vector_norm",
]  # fmt: skip
