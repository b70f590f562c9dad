"""`torch.linalg`."""

from typing import Any

from surefit.core.creation import eye
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
    tril,
    triu,
    vector_norm,
)
from surefit.core.functions import linalg_norm as norm
from surefit.core.functions import pinverse as pinv
from surefit.torch.adapt import refusal


def solve_triangular(A: Any, B: Any, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Any:
    """X with A X = B (X A = B for left=False), of A only the triangle above or below the diagonal being read."""
    kept = (triu if upper else tril)(A)
    if unitriangular:
        kept = (triu if upper else tril)(A, 1 if upper else -1) + eye(A.shape[-1], dtype=A.dtype)
    return solve(kept, B) if left else solve(kept.mT, B.mT).mT


_NUMPY = "use numpy.linalg.{}(A.detach().numpy()), which has no gradient"
_ELSEWHERE = {name: _NUMPY.format(name) for name in ("eig", "eigh", "eigvals", "eigvalsh", "qr")}
_ELSEWHERE |= {"lstsq": "use pinv(A) @ b", "matrix_rank": "count svdvals(A) above a tolerance"}


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise refusal("surefit.torch.linalg", name, _ELSEWHERE, list(__all__))


__all__ = [
    "cholesky", "cross", "det", "inv", "matmul", "matrix_norm", "matrix_power", "multi_dot", "norm", "pinv", "slogdet",
    "solve", "solve_triangular", "svd", "svdvals", "vector_norm",
]  # fmt: skip
