"""What can happen to model files: flipped bits, cuts, swapped blocks, killed savers. None may load silently wrong.

    python scripts/fuzz_files.py [--changes 10000] [--kills 300] [--seed 0]

Every changed file has to be refused with a ModelFileError of one sentence; after every kill the file has to be a whole
one, and once somebody saves again nothing else may lie beside it. `tests/storage` does a part of this each time.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import surefit
from surefit.errors import ModelFileError


def models(folder: Path) -> list[Path]:
    """Files of every kind of record: a formula, a table, classes, a network of one's own, a constructed one."""
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(60, 2))
    y = x[:, 0] - x[:, 1] ** 2
    quick = surefit.Adam(epochs=3)
    net = surefit.nn.Sequential(
        surefit.nn.Linear(1, 3, generator=1), surefit.nn.Sin(), surefit.nn.Linear(3, 1, generator=3)
    )
    fits = {
        "formula": surefit.fit("sin(a) - b", "a=-1:1, b=-1:1", seed=0, tol=1e-2),
        "table": surefit.fit((x, y), method=quick, model=(3,), seed=0),
        "classes": surefit.fit((x, y > 0), task="classify", method=quick, model=(3,), seed=0),
        "module": surefit.fit(np.tanh, (-1, 1), method=quick, model=net, seed=0),
        "constructed": surefit.construct("x^2", "x=-1:1", tol=1e-2),
    }
    return [fit.save(folder / f"{name}.safetensors") for name, fit in fits.items()]


def changes(raw: bytes, rng: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    """One change of each kind, without end."""
    n = len(raw)
    while True:
        bit = int(rng.integers(8 * n))
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        yield "flip", bytes(flipped)
        yield "cut", raw[: int(rng.integers(n))]
        size = int(rng.choice([1, 8, 64, 512]))
        i, j = np.sort(rng.integers(0, n - size, 2)).tolist()
        if j - i >= size:
            yield "swap", raw[:i] + raw[j : j + size] + raw[i + size : j] + raw[i : i + size] + raw[j + size :]
        yield "hole", raw[:i] + bytes(size) + raw[i + size :]
        yield "more", raw + rng.bytes(size)


def changed_files(folder: Path, count: int, seed: int) -> Counter[str]:
    """So many single-bit flips, and a fifth as many of each other change; what became of them."""
    rng = np.random.default_rng(seed)
    found: Counter[str] = Counter()
    path = folder / "changed" / "m.safetensors"
    path.parent.mkdir()
    for kind, whole in ((p.stem, p.read_bytes()) for p in models(folder)):
        made: Counter[str] = Counter()
        for what, raw in changes(whole, rng):
            if made["flip"] >= count // 5:
                break
            if raw == whole or (what != "flip" and made[what] >= count // 25):
                continue
            made[what] += 1
            path.write_bytes(raw)
            try:
                surefit.load(path)
            except ModelFileError as e:
                found[f"{what}: refused" if "\n" not in str(e) else f"{what}: refused in several lines"] += 1
            except Exception as e:
                found[f"{what}: {type(e).__name__} ({kind})"] += 1
            else:
                found[f"{what}: loaded ({kind})"] += 1
    return found


def killed_savers(folder: Path, count: int, seed: int) -> Counter[str]:
    """Kill -9 so many processes that save two models in turn under one name."""
    rng = np.random.default_rng(seed)
    first, second = models(folder)[:2]
    place = folder / "saved"
    place.mkdir()
    path = place / "m.safetensors"
    surefit.load(first).save(path)
    cards = {surefit.load(p).card() for p in (first, second)}
    found: Counter[str] = Counter()
    fits = [surefit.load(p) for p in (first, second)]
    for _ in range(count):
        child = os.fork()
        if child == 0:
            while True:
                for fit in fits:
                    fit.save(path)
        time.sleep(rng.uniform(0.0, 0.05))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        whole = surefit.load(path).card() in cards
        found["whole" if whole else "another model"] += 1
        found["left beside it"] += len(list(place.iterdir())) - 1
    surefit.load(first).save(path)
    found["left after the next save"] = len(list(place.iterdir())) - 1
    return found


def main() -> int:
    """Print what became of everything; 1 where something loaded, or crashed, or remained."""
    about = argparse.ArgumentParser(description=__doc__)
    about.add_argument("--changes", type=int, default=10_000)
    about.add_argument("--kills", type=int, default=300)
    about.add_argument("--seed", type=int, default=0)
    given = about.parse_args()
    wrong = False
    with TemporaryDirectory() as folder:
        for what, n in sorted(changed_files(Path(folder), given.changes, given.seed).items()):
            print(f"{what:40} {n}")
            wrong |= not what.endswith(": refused")
    with TemporaryDirectory() as folder:
        for what, n in killed_savers(Path(folder), given.kills, given.seed).items():
            print(f"{what:40} {n}")
            wrong |= what != "whole" and n > 0
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
