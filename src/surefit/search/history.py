"""The losses of a fit as they are kept."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any


class History(list[dict[str, Any]]):
    """Losses, one dict for each epoch or iteration: a list, which a notebook shows as a curve."""

    def _repr_html_(self) -> str:
        return losses_html(self)


def losses_html(rows: Sequence[Mapping[str, Any]], width: int = 420, height: int = 160) -> str:
    """The losses of training and validation on a log scale, as a drawing in HTML, and the last of them in words."""
    kinds = [("train_loss", "#d2600f"), ("validation_loss", "#1f5fa8")]
    curves = []
    for key, colour in kinds:
        points = [(i, math.log10(v)) for i, r in enumerate(rows) if (v := r.get(key)) and math.isfinite(v) and v > 0]
        curves.append((key.replace("_", " "), colour, points[:: max(1, -(-len(points) // width))]))
    logs = [y for *_, points in curves for _, y in points]
    if not logs:
        return f"<p>{len(rows)} rows, no loss</p>"
    low, high = min(logs), max(logs)
    drawn, words = [], []
    for name, colour, points in curves:
        if not points:
            continue
        room = max(len(rows) - 1, 1), (high - low) or 1.0
        path = " ".join(f"{x / room[0] * width:.1f},{(high - y) / room[1] * height:.1f}" for x, y in points)
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        words.append(f'<span style="color:{colour}">{name} {10 ** points[-1][1]:.2e}</span>')
    size = f'width="{width}" height="{height + 4}" viewBox="0 -2 {width} {height + 4}"'
    box = f'<svg {size} role="img">{"".join(drawn)}</svg>'
    return f"{box}<p>after {len(rows)}: {', '.join(words)}; log scale, {10**low:.1e} to {10**high:.1e}</p>"


__all__ = ["History"]
