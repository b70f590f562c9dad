"""Every layer, the networks of the experiments and random ones, exported, compiled, run and compared with the model.

    python scripts/fuzz_exports.py [--count 200] [--seed 0] [--derivative 10] [--to c,numpy,...] [--every 10]

C has to have the bits of strict mode with gcc and clang, from -O0 to -O3 -march=native, in float32 and float64; of
one network in so many the Jacobian and a Hessian product are compared, too. What is C inside (FMU, CasADi) has to have
the bits as well, and is run for one network in `--every`. The other languages have to be near: their largest
differences are printed. The exit code is 1 where C differs, or another language does by more than NEAR.

Each compiler is called once for many networks. Tables and formulas are for small networks: they have some of their own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.exporters.networks import experiments, exportable, layers, random_networks, small_networks
from tests.exporters.test_c import built, called, same, sources, strict_values, wrong_entries

from surefit.errors import ExportError
from surefit.exporters import compared, write
from surefit.exporters.exportable import Exportable, identifier
from surefit.exporters.running import distance, points_of

FLAGS = [("-O0",), ("-O1",), ("-O2",), ("-O3",), ("-O3", "-march=native")]
NEAR = 60  # units in the last place of the largest value
TOGETHER = 24  # networks in one file of a language, each in both dtypes
POINTS = 16
SMALL = ("table", "formula")
INSIDE = ("fmu", "fmu3", "casadi")  # C with something around it


def networks(count: int, seed: int, derivative: int) -> Iterator[Exportable]:
    """All of them, in both dtypes; some with derivatives."""
    everything = [(name, net, d) for name, (net, d) in (layers() | experiments()).items()]
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


def in_fortran(models: Sequence[Exportable], folder: Path) -> list[np.ndarray]:
    """The values of each at its points, by one program."""
    uses, work, given = [], [], []
    for i, m in enumerate(models):
        name, d, k = identifier(m.name), len(m.inputs), len(m.outputs)
        uses.append(f"  use {name}_model, only: e{i} => {name}_eval")
        kind = "real32" if m.kind == "f32" else "real64"
        work.append(
            f"  block\n    real({kind}) :: x({d}), y({k})\n    do i = 1, {POINTS}\n      read (*, *) x\n"
            f"      call e{i}(x, y)\n      write (*, '({k}es26.17e3)') y\n    end do\n  end block"
        )
        given += [" ".join(f"{v:.17g}" for v in row) for row in points_of(m, POINTS).tolist()]
    kinds = "  use, intrinsic :: iso_fortran_env, only: real32, real64"
    main = "\n".join(["program main", kinds, *uses, "  implicit none", "  integer :: i", *work, "end program main", ""])
    parts = [write(m, folder / identifier(m.name), "fortran")[0].read_text() for m in models]
    (folder / "all.f90").write_text("\n".join([*parts, main]))
    subprocess.run(["gfortran", "-O1", "all.f90", "-o", "main"], cwd=folder, check=True)
    out = subprocess.run(
        [str(folder / "main")], input="\n".join(given) + "\n", capture_output=True, text=True, check=True
    )
    numbers = iter(out.stdout.split())
    return [
        np.array([float(next(numbers)) for _ in range(POINTS * len(m.outputs))], m.dtype).reshape(POINTS, -1)
        for m in models
    ]  # fmt: skip


def in_javascript(models: Sequence[Exportable], folder: Path) -> list[np.ndarray]:
    """The values of each at its points, by one run of Node."""
    urls = [write(m, folder / identifier(m.name), "js")[0].resolve().as_uri() for m in models]
    given = [points_of(m, POINTS).tolist() for m in models]
    code = (
        "let text = ''; for await (const part of process.stdin) text += part;\n"
        "const [urls, given] = JSON.parse(text), out = [];\n"
        "for (let i = 0; i < urls.length; i++) { const { evaluate } = await import(urls[i]);\n"
        "  out.push(given[i].map((x) => Array.from(evaluate(x), String))); }\n"
        "console.log(JSON.stringify(out));"
    )
    done = subprocess.run(
        ["node", "--input-type=module", "-e", code], input=json.dumps([urls, given]), capture_output=True, text=True,
        check=True, cwd=folder,
    )  # fmt: skip
    return [
        np.array([[float(v.replace("Infinity", "inf")) for v in row] for row in rows], m.dtype)
        for m, rows in zip(models, json.loads(done.stdout), strict=True)
    ]


AT_ONCE: dict[str, Callable[[Sequence[Exportable], Path], list[np.ndarray]]] = {
    "fortran": in_fortran, "js": in_javascript,
}  # fmt: skip


class Worst:
    """The largest differences of each language, and what was refused."""

    def __init__(self) -> None:
        self.of: dict[str, tuple[float, str]] = defaultdict(lambda: (0.0, "none"))
        self.counts: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.failed = False

    def add(self, to: str, ulp: float, name: str, exact: bool) -> None:
        self.of[to] = max(self.of[to], (ulp, name))
        self.counts[to] += 1
        if ulp > NEAR or (to in INSIDE and not exact):
            print(f"{to}: {name}: {ulp:.3g} ulp", flush=True)
            self.failed = True


def near(models: Sequence[Exportable], languages: Sequence[str], worst: Worst) -> None:
    """Write models in some languages, and compare."""
    with TemporaryDirectory() as place:
        for to in languages:
            folder = Path(place) / to
            folder.mkdir()
            if to in AT_ONCE:
                for m, values in zip(models, AT_ONCE[to](models, folder), strict=True):
                    found = distance(m, points_of(m, POINTS), values)
                    worst.add(to, found.ulp, m.name, found.exact)
                continue
            for m in models:
                try:
                    found = compared(m, write(m, folder / identifier(m.name), to), to, POINTS)
                except ExportError as error:
                    if to not in SMALL or "choose another format" not in str(error):
                        raise
                    worst.refused[to] += 1
                else:
                    worst.add(to, found.ulp, m.name, found.exact)


def main() -> int:
    """Print what was compared, and what differs."""
    about = argparse.ArgumentParser(description=__doc__)
    about.add_argument("--count", type=int, default=200)
    about.add_argument("--seed", type=int, default=0)
    about.add_argument("--derivative", type=int, default=10)
    about.add_argument("--every", type=int, default=10)
    about.add_argument("--to", default="c,numpy,onnx,js,fortran,fmu,fmu3,casadi,table,formula")
    given = about.parse_args()
    languages = given.to.split(",")
    failed, done = False, 0
    worst = Worst()
    stream = networks(given.count, given.seed, given.derivative)
    while models := list(islice(stream, TOGETHER)):
        done += len(models)
        for name in wrong_in_c(models, ("gcc", "clang")) if "c" in languages else ():
            print(f"c: {name}")
            failed = True
        plain = [replace(m, derivative=None, curvature=None) for m in models]
        near(plain, [to for to in languages if to not in ("c", *SMALL, *INSIDE)], worst)
        near(
            [m for i, m in enumerate(plain) if i // 2 % given.every == 0],
            [to for to in languages if to in INSIDE],
            worst,
        )
        print(f"{done} networks", flush=True)
    small = [
        exportable(net, d, f"{name} {dtype}", dtype, derivative=False)
        for name, net, d in (small_networks(given.count // 2, given.seed) if set(languages) & set(SMALL) else ())
        for dtype in ("float32", "float64")
    ]
    near([m for m in small if "straight" in m.name], [to for to in languages if to == "table"], worst)
    near(small, [to for to in languages if to == "formula"], worst)
    for to, (ulp, name) in worst.of.items():
        refused = f", {worst.refused[to]} refused by name" if worst.refused[to] else ""
        print(f"{to}: at most {ulp:.3g} ulp ({name}) of {worst.counts[to]}{refused}")
    return int(failed or worst.failed)


if __name__ == "__main__":
    sys.exit(main())
