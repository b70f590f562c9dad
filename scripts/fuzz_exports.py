"""Every layer and as many random networks as wanted, exported, compiled, run and compared with the model.

    python scripts/fuzz_exports.py [--count 200] [--seed 0] [--derivative 10] [--to c,numpy,onnx,js,fortran]

C has to have the bits of strict mode with gcc and clang, from -O0 to -O3 -march=native, in float32 and float64; of one
network in so many the Jacobian and a Hessian product are compared, too. The other languages have to be near: their
largest differences are printed. The exit code is 1 where C differs, or another language does by more than NEAR.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.exporters.networks import exportable, layers, random_networks
from tests.exporters.test_c import built, called, same, sources, strict_values, wrong_entries

from surefit.exporters import compared, write
from surefit.exporters.exportable import Exportable, identifier

FLAGS = [("-O0",), ("-O1",), ("-O2",), ("-O3",), ("-O3", "-march=native")]
NEAR = 60  # units in the last place of the largest value
TOGETHER = 25  # networks in one file of C


def networks(count: int, seed: int, derivative: int) -> Iterator[Exportable]:
    """All of them, in both dtypes; some with derivatives."""
    everything = [(name, net, d) for name, (net, d) in layers().items()]
    everything += random_networks(count, seed)
    for i, (name, net, d) in enumerate(everything):
        for dtype in ("float32", "float64"):
            yield exportable(net, d, f"{name} {dtype}", dtype, derivative=bool(derivative) and i % derivative == 0)


def wrong_in_c(models: Sequence[Exportable], compilers: Sequence[str]) -> list[str]:
    """Names of the networks whose C has other bits than strict mode, and with which compiler."""
    wrong = []
    full = [m for m in models if m.derivative is not None]
    wanted = {m.name: strict_values(m) for m in full}
    with TemporaryDirectory() as folder:
        path = sources(list(models), Path(folder))
        for compiler in compilers:
            for flags in FLAGS:
                library = built(path, compiler, flags)
                found = wrong_entries(library, full, wanted)
                found += [m.name for m in models if not same_values(library, m)]
                wrong += [f"{name} ({compiler} {' '.join(flags)})" for name in found]
    return wrong


def same_values(library: object, m: Exportable) -> bool:
    """Whether a batch of the self-test's points has the bits of the model."""
    want = m.reference(m.points)[0].astype(m.dtype)
    got = want * 0
    called(library[f"{identifier(m.name)}_batch"], m.points, got, count=len(got))  # type: ignore[index]
    return same(got, want)


def main() -> int:
    """Print what was compared, and what differs."""
    about = argparse.ArgumentParser(description=__doc__)
    about.add_argument("--count", type=int, default=200)
    about.add_argument("--seed", type=int, default=0)
    about.add_argument("--derivative", type=int, default=10)
    about.add_argument("--to", default="c,numpy,onnx,js,fortran")
    given = about.parse_args()
    languages = given.to.split(",")
    failed, done = False, 0
    worst: dict[str, tuple[float, str]] = defaultdict(lambda: (0.0, "none"))
    stream = networks(given.count, given.seed, given.derivative)
    while models := list(islice(stream, TOGETHER)):
        done += len(models)
        for name in wrong_in_c(models, ("gcc", "clang")) if "c" in languages else ():
            print(f"c: {name}")
            failed = True
        with TemporaryDirectory() as folder:
            for m in models:
                plain = replace(m, derivative=None, curvature=None)
                for to in languages:
                    if to != "c":
                        found = compared(plain, write(plain, Path(folder) / identifier(m.name), to), to, 16)
                        worst[to] = max(worst[to], (found.ulp, m.name))
                        failed |= found.ulp > NEAR
        print(f"{done} networks", flush=True)
    for to, (ulp, name) in worst.items():
        print(f"{to}: at most {ulp:.3g} ulp ({name})")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
