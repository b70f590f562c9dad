"""`torch.nn.utils.rnn`: sequences of several lengths, filled up to one."""

from collections.abc import Sequence
from typing import Any

from surefit.core.functions import pad, stack
from surefit.core.ops import shape_of
from surefit.errors import ShapeError
from surefit.torch.adapt import refusal


def pad_sequence(sequences: Sequence[Any], batch_first: bool = False, padding_value: float = 0.0) -> Any:
    """Tensors (length, ...) as one tensor (longest, n, ...), or (n, longest, ...) with batch_first."""
    rows = list(sequences)
    if not rows or any(len(shape_of(r)) < 1 or shape_of(r)[1:] != shape_of(rows[0])[1:] for r in rows):
        raise ShapeError(
            f"pad_sequence: needs tensors (length, ...) alike but for length, got {[*map(shape_of, rows)]}"
        )
    longest, after = max(shape_of(r)[0] for r in rows), len(shape_of(rows[0])) - 1
    filled = [pad(r, (*(0, 0) * after, 0, longest - shape_of(r)[0]), value=padding_value) for r in rows]
    return stack(filled, 0 if batch_first else 1)


_PACKED = "sequences of a batch have one length here; use pad_sequence and a mask, or take the output at each length"


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    elsewhere = dict.fromkeys(("pack_padded_sequence", "pad_packed_sequence", "pack_sequence"), _PACKED)
    raise refusal("surefit.torch.nn.utils.rnn", name, elsewhere, list(__all__))


__all__ = ["pad_sequence"]
