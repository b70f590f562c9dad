"""What it costs to listen to a training: loggers and callbacks beside the same fit without any.

    python benchmarks/callbacks.py [--rounds 9] [NAME ...]

Contestants train the same network in turn, round after round, and are compared by the seconds of the processor that a
fit takes, in each round with the one without callbacks; the median over the rounds counts, with the lower and the upper
quartile beside it. Of those that cost little twenty listen at once, and a twentieth of what they cost is told: else it
would be lost in what two runs of one fit differ by. The exit code is 1 where a logger costs more than 1 %.

A function that may look at the weights is called between two epochs, for which compiled code has to stop; loggers, and
functions that say `passive = True`, hear of many epochs at once.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import surefit

LIMIT, MANY = 0.01, 20


def rows(n: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    """A table with some noise."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (n, 4))
    return x, np.sin(3 * x[:, 0]) * x[:, 1] + x[:, 2] ** 2 + 0.05 * rng.normal(size=n)


def trainings() -> dict[str, dict[str, Any]]:
    """What is trained, by name: arguments of `fit`."""
    table, wide = rows(), surefit.MLPSpec((64, 64))
    return {
        "adam, compiled": dict(what=table, method=surefit.Adam(epochs=3000, patience=None), model=wide, jit=True),
        "adam, eager": dict(what=table, method=surefit.Adam(epochs=200, patience=None), model=wide, jit=False),
        "lm": dict(what=rows(3000), method=surefit.LM(iterations=40), model=(40,)),
        "lbfgs": dict(what=table, method=surefit.LBFGS(iterations=600), model=(40,)),
        "automatic": dict(what=rows(150)),
    }  # fmt: skip


def listeners(folder: Path) -> dict[str, Callable[[], list[Any]]]:
    """Who listens, by name; each call makes new ones."""

    def passive(event: Any) -> None:
        return

    passive.passive = True  # type: ignore[attr-defined]
    return {
        "nobody": list,
        "a function": lambda: [lambda event: None],
        "a passive one": lambda: [passive] * MANY,
        "CSVLogger": lambda: [surefit.CSVLogger(folder / f"{i}.csv") for i in range(MANY)],
        "JSONLogger": lambda: [surefit.JSONLogger(folder / f"{i}.jsonl") for i in range(MANY)],
    }


def seconds(training: dict[str, Any], callbacks: Any) -> float:
    """Seconds of the processor that a fit takes, beside those that compiling takes."""
    given = dict(training)
    began = time.process_time()
    surefit.fit(given.pop("what"), seed=0, callbacks=callbacks, **given)
    return time.process_time() - began


def main() -> int:
    """Print the cost of each listener in each training."""
    about = argparse.ArgumentParser(description=__doc__)
    about.add_argument("names", nargs="*", metavar="NAME")
    about.add_argument("--rounds", type=int, default=9)
    given = about.parse_args()
    over = False
    for name, training in trainings().items():
        if given.names and name not in given.names:
            continue
        with TemporaryDirectory() as place:
            ways = listeners(Path(place))
            seconds(training, ())  # compiles what is to be compiled
            found: dict[str, list[float]] = {way: [] for way in ways}
            for number in range(given.rounds):
                order = list(ways)[:: 1 if number % 2 else -1]
                for way in order:
                    found[way].append(seconds(training, ways[way]()))
        base = np.array(found.pop("nobody"))
        print(f"{name}: {np.median(base):.3f} s", flush=True)
        for way, spent in found.items():
            share = 1 if way == "a function" else MANY
            low, middle, high = np.quantile((np.array(spent) / base - 1.0) / share, (0.25, 0.5, 0.75))
            print(f"  {way:14} {middle:+7.2%}  ({low:+.2%} to {high:+.2%})", flush=True)
            over |= way.endswith("Logger") and middle > LIMIT
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
