"""What can happen to model files: flipped bits, cuts, swapped blocks, killed savers. None may load silently wrong.

    python scripts/fuzz_files.py [--changes 10000] [--kills 300] [--seed 0] [--quick]

Every changed file has to be refused with a ModelFileError of one sentence; after every kill the file has to be a whole
one, and once somebody saves again nothing else may lie beside it. (Of those that are hit between the last two steps a
temporary file stays until then: a file gets its name first, and then takes the place of the old one.)

--changes counts the flips of single bits, over all kinds of files; of each other change there is a fifth as many.
--quick does a hundredth of it, as the tests do.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import surefit
from surefit.errors import ModelFileError

Loader = Callable[[Path], Any]


def makers() -> dict[str, Callable[[], Any]]:
    """What has a file, by name: every kind of fit, and many curves at once."""
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(60, 2))
    y = x[:, 0] - x[:, 1] ** 2 + 0.05 * rng.normal(size=60)
    quick = {"method": surefit.Adam(epochs=3), "model": (3,), "seed": 0}
    mixed = {
        "width [mm]": x[:, 0].tolist(), "colour": [("red", "green", "blue")[i % 3] for i in range(60)],
        "day": [f"2024-01-{1 + i % 28:02d}" for i in range(60)], "gap": [None, *x[1:, 1].tolist()], "y": y.tolist(),
    }  # fmt: skip
    curves = {"g": np.repeat([1, 2, 3], 20), "x": x[:, 0], "y": y}

    def module() -> Any:
        linear = surefit.nn.Linear
        net = surefit.nn.Sequential(linear(1, 3, generator=1), surefit.nn.Sin(), linear(3, 1, generator=3))
        return surefit.fit(np.tanh, (-1, 1), **{**quick, "model": net})

    return {
        "formula": lambda: surefit.fit("sin(a) - b", "a=-1:1, b=-1:1", seed=0, tol=1e-2),
        "composed": lambda: surefit.fit("exp(sin(a)*b)", "a=-1:1, b=-1:1", seed=0, tol=1e-2),
        "jump": lambda: surefit.fit("floor(x) + x", "x=-2:2", seed=0),
        "polynomial": lambda: surefit.fit("x^3", "x=-1:1", method="polynomial"),
        "table": lambda: surefit.fit(mixed, target="y", missing="median", **quick),
        "solved": lambda: surefit.fit((x, y), method=surefit.LM(iterations=3), model=(3,), seed=0),
        "taught": lambda: surefit.fit((x[:16, :1], np.sin(6 * x[:16, 0])), data=surefit.Sampling(noise=0), seed=0),
        "quantile": lambda: surefit.fit((x, y), quantile=(0.1, 0.5, 0.9), seed=0),
        "classes": lambda: surefit.fit((x, np.digitize(y, [-0.2, 0.3])), task="classify", **quick),
        "float32": lambda: surefit.fit("sin(x)", "x=-1:1", tol=1e-2, seed=0).to("float32"),
        "ensemble": lambda: surefit.ensemble("sin(x)", "x=-1:1", members=2, **quick).fits[1],
        "module": module,
        "constructed": lambda: surefit.construct("x^2", "x=-1:1", tol=1e-2),
        "many": lambda: surefit.fit_many(curves, by="g", x="x", y="y"),
    }


def models(folder: Path, names: Sequence[str] = ()) -> dict[str, tuple[Path, Loader]]:
    """Files of these kinds, or of all, each with what reads it."""
    kinds = makers()
    return {
        name: (
            kinds[name]().save(folder / f"{name}.safetensors"),
            surefit.Many.load if name == "many" else surefit.load,
        )
        for name in names or kinds
    }


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


def changed_files(folder: Path, count: int, seed: int, names: Sequence[str] = ()) -> Counter[str]:
    """So many single-bit flips, and a fifth as many of each other change; what became of them."""
    rng = np.random.default_rng(seed)
    found: Counter[str] = Counter()
    path = folder / "changed" / "m.safetensors"
    path.parent.mkdir()
    files = models(folder, names)
    for kind, (file, load) in files.items():
        whole = file.read_bytes()
        load(file)
        flips, others = -(-count // len(files)), -(-count // (5 * len(files)))
        made: Counter[str] = Counter()
        for what, raw in changes(whole, rng):
            if made["flip"] >= flips:
                break
            if raw == whole or (what != "flip" and made[what] >= others):
                continue
            made[what] += 1
            path.write_bytes(raw)
            try:
                load(path)
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
    first, second = (path for path, _ in models(folder, ("formula", "polynomial")).values())
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
    about.add_argument("--quick", action="store_true", help="a hundredth of it")
    given = about.parse_args()
    if given.quick:
        given.changes, given.kills = given.changes // 100, max(1, given.kills // 100)
    wrong = False
    with TemporaryDirectory() as folder:
        for what, n in sorted(changed_files(Path(folder), given.changes, given.seed).items()):
            print(f"{what:40} {n}")
            wrong |= not what.endswith(": refused")
    with TemporaryDirectory() as folder:
        for what, n in killed_savers(Path(folder), given.kills, given.seed).items():
            print(f"{what:40} {n}")
            wrong |= what not in ("whole", "left beside it") and n > 0
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
