"""An error of the system at every step of everything that surefit writes: the old file stays, a sentence says why.

    python scripts/fuzz_writers.py [--most 40] [NAME ...]

For each writer: let it write over old files, count its calls of open, write, fsync, rename, link and truncate in that
directory, and make each of them fail in turn, with a full disk and with an error of the disk. (A library in front of
that of C does it, so the writes of Python's own files and of other packages are reached as well; it needs Linux and a
C compiler.) After each failure every file must be the old one or the new one, whole, nothing else may lie there, and
what was raised must be an error of surefit in one line with the reason of the system. Logs and checkpoints warn
instead, and the fit goes on: what they hold must be readable. The exit code is 1 where something else happened.
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import os
import shutil
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import surefit
import surefit.torch
from surefit.errors import SurefitError

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>
enum { OPEN, WRITE, FSYNC, RENAME, LINK, TRUNCATE, KINDS };
static char place[4096];
static int kind = -1, nth = 0, code = 0, counts[KINDS];
void fault_arm(const char *where, int which, int number, int error) {
    strncpy(place, where, sizeof place - 1);
    kind = which; nth = number; code = error;
    memset(counts, 0, sizeof counts);
}
int fault_count(int which) { return counts[which]; }
static int hit(int which) {
    if (++counts[which] == nth && which == kind) { errno = code; return 1; }
    return 0;
}
static int here(const char *path) { return place[0] && path && strncmp(path, place, strlen(place)) == 0; }
static int file_here(int fd) {
    char link[64], path[4096];
    if (!place[0]) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = 0;
    return here(path);
}
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define OPENER(name)                                                              \
    int name(const char *path, int flags, ...) {                                  \
        va_list more; va_start(more, flags); mode_t mode = va_arg(more, mode_t); va_end(more); \
        if (here(path) && (flags & (O_WRONLY | O_RDWR)) && hit(OPEN)) return -1;  \
        return REAL(name)(path, flags, mode);                                     \
    }
OPENER(open)
OPENER(open64)
FILE *fopen64(const char *path, const char *mode) {
    if (here(path) && strpbrk(mode, "wa+") && hit(OPEN)) return NULL;
    return REAL(fopen64)(path, mode);
}
ssize_t write(int fd, const void *data, size_t n) {
    if (file_here(fd) && hit(WRITE)) return -1;
    return REAL(write)(fd, data, n);
}
int fsync(int fd) { return file_here(fd) && hit(FSYNC) ? -1 : REAL(fsync)(fd); }
int rename(const char *a, const char *b) { return here(b) && hit(RENAME) ? -1 : REAL(rename)(a, b); }
int renameat(int i, const char *a, int j, const char *b) {
    return here(b) && hit(RENAME) ? -1 : REAL(renameat)(i, a, j, b);
}
int linkat(int i, const char *a, int j, const char *b, int flags) {
    return here(b) && hit(LINK) ? -1 : REAL(linkat)(i, a, j, b, flags);
}
int ftruncate64(int fd, off64_t n) { return file_here(fd) && hit(TRUNCATE) ? -1 : REAL(ftruncate64)(fd, n); }
int truncate64(const char *path, off64_t n) { return here(path) && hit(TRUNCATE) ? -1 : REAL(truncate64)(path, n); }
"""
STEPS = ("open", "write", "fsync", "rename", "link", "truncate")
CODES = (errno.ENOSPC, errno.EIO)
OLD = b"what was there before\n"
Writer = Callable[[Path], Any]


def writers() -> dict[str, Writer]:
    """Everything that writes a file whole or not at all, by name; each is given a directory."""
    quick = surefit.Adam(epochs=2)
    fit = surefit.fit("sin(x)", "x=-1:1", method=quick, model=(4,), seed=0, callbacks=surefit.Snapshots())
    table = surefit.data.Table(["x", "y"], np.arange(20.0).reshape(10, 2))
    proved = surefit.construct("x^2", "x=-1:1", tol=1e-2)
    rng = np.random.default_rng(0)
    many = surefit.fit_many(
        {"g": np.repeat([1, 2, 3], 30), "x": rng.uniform(size=90), "y": rng.uniform(size=90)}, by="g", x="x", y="y"
    )
    compared = surefit.compare(
        {"x": np.linspace(0, 1, 40), "y": np.linspace(0, 1, 40) ** 2}, method=["polynomial", "features"]
    )
    found: dict[str, Writer] = {
        "model": lambda d: fit.save(d / "m.safetensors"),
        "outputs": lambda d: fit.save_outputs(d),
        "report html": lambda d: fit.report(d / "r.html"),
        "report md": lambda d: fit.report(d / "r.md"),
        "picture png": lambda d: fit.plot().savefig(d / "p.png"),
        "picture svg": lambda d: fit.plot("loss").savefig(d / "p.svg"),
        "drawing": lambda d: fit.graph("network").save(d / "g.svg"),
        "film": lambda d: fit.animate(d / "film.html"),
        "certificate": lambda d: proved.certificate.save(d / "c.json"),
        "table csv": lambda d: surefit.data.write_table(table, d / "t.csv"),
        "table npz": lambda d: surefit.data.write_table(table, d / "t.npz"),
        "table parquet": lambda d: surefit.data.write_table(table, d / "t.parquet"),
        "many": lambda d: many.save(d / "many.safetensors"),
        "comparison": lambda d: compared.to_csv(d / "compared.csv"),
        "weights": lambda d: surefit.torch.save(fit.network.state_dict(), d / "w.pt"),
    }
    for to in ("c", "onnx", "numpy", "js", "fortran", "formula", "fmu", "casadi"):
        found[f"export {to}"] = lambda d, to=to: fit.export(d / "e", to)
    found["export table"] = lambda d: proved.export(d / "e", "table")
    return found


def goers() -> dict[str, tuple[Writer, Callable[[Path], Any]]]:
    """What warns and goes on, and how what it wrote is read afterwards."""
    quick = {"method": surefit.Adam(epochs=3), "model": (4,), "seed": 0, "jit": False}
    line = ("sin(x)", "x=-1:1")

    def read_rows(path: Path) -> list[str]:
        return path.read_text().splitlines() if path.exists() else []

    def runs(d: Path) -> Any:
        return surefit.fit(lambda x: x * x, (-1, 1), budget=8, log=d / "runs.csv", method="polynomial")

    return {
        "log csv": (lambda d: surefit.fit(*line, callbacks=surefit.CSVLogger(d / "l.csv"), **quick),
                    lambda d: read_rows(d / "l.csv")),
        "log json": (lambda d: surefit.fit(*line, callbacks=surefit.JSONLogger(d / "l.jsonl"), **quick),
                     lambda d: read_rows(d / "l.jsonl")),
        "checkpoint": (lambda d: surefit.fit(*line, checkpoint=surefit.Checkpoint(d / "k", seconds=1e-9), **quick),
                       lambda d: surefit.fit(*line, resume=d / "k", checkpoint=d / "k", **quick)),
        "log of runs": (runs, runs),
    }  # fmt: skip


class Faults:
    """The library that makes calls fail."""

    def __init__(self) -> None:
        self.library = ctypes.CDLL(None)
        self.library.fault_arm.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_int, ctypes.c_int]

    def arm(self, place: Path | None, step: int = -1, nth: int = 0, code: int = 0) -> None:
        """Let the nth call of a step fail there; None: none anywhere."""
        self.library.fault_arm(b"" if place is None else os.fsencode(place), step, nth, code)

    def counts(self) -> list[int]:
        """How often each step was called since."""
        return [self.library.fault_count(i) for i in range(len(STEPS))]


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a directory, by name."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def old_files(folder: Path, names: dict[str, bytes]) -> None:
    """Files of these names with another content."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(OLD)


def failing(faults: Faults, name: str, write: Writer, most: int) -> Counter[str]:
    """Every failure of a writer; what came of it."""
    found: Counter[str] = Counter()
    with TemporaryDirectory() as place:
        folder = Path(place)
        write(folder)
        new = contents(folder)
        old_files(folder, new)
        faults.arm(folder)
        write(folder)
        counts = faults.counts()
        faults.arm(None)
        for step, count in enumerate(counts):
            numbers = list(range(1, count + 1))[:: max(1, count // most)]
            for nth in numbers:
                for code in CODES if count <= most else CODES[nth % 2 :][:1]:
                    for path in folder.rglob("*"):
                        if path.is_file():
                            path.unlink()
                    old_files(folder, new)
                    faults.arm(folder, step, int(nth), code)
                    said = "nothing"
                    try:
                        write(folder)
                    except SurefitError as error:
                        said = str(error)
                    except BaseException as error:
                        said = f"{type(error).__name__}: {error}"
                        found[f"WRONG: {name}, {STEPS[step]} {nth}: {said}"] += 1
                    finally:
                        faults.arm(None)
                    now = contents(folder)
                    if name == "outputs":  # takes the pictures of an earlier fit away before it draws its own
                        now = {n: b for n, b in new.items() if n.endswith(".png")} | now
                    if set(now) != set(new):
                        found[f"WRONG: {name}, {STEPS[step]} {nth}: beside it {sorted(set(now) ^ set(new))}"] += 1
                    partial = [n for n in now if now[n] != OLD and n in new and len(now[n]) < 0.8 * len(new[n])]
                    if partial:
                        found[f"WRONG: {name}, {STEPS[step]} {nth}: not whole: {partial}"] += 1
                    told = said != "nothing"
                    if told and ("\n" in said or os.strerror(code) not in said):
                        found[f"WRONG: {name}, {STEPS[step]} {nth}: says {said!r}"] += 1
                    same = [n for n in now if now[n] == OLD]
                    if not told and same:
                        found[f"WRONG: {name}, {STEPS[step]} {nth}: says nothing, and {same} is old"] += 1
                    if told and "was written, but" not in said and not same and name != "outputs":
                        found[f"WRONG: {name}, {STEPS[step]} {nth}: the old file is gone: {said}"] += 1
                    if len({now[n] == OLD for n in now if n in new}) == 2 and name.startswith("export"):
                        found[f"WRONG: {name}: old and new files side by side after {STEPS[step]} {nth}"] += 1
                    found["refused" if told else "written"] += 1
    return found


def going_on(faults: Faults, name: str, write: Writer, read: Callable[[Path], Any], most: int) -> Counter[str]:
    """Every failure of what warns and goes on."""
    found: Counter[str] = Counter()
    with TemporaryDirectory() as place:
        faults.arm(Path(place))
        write(Path(place))
        counts = faults.counts()
        faults.arm(None)
    for step, count in enumerate(counts):
        numbers = list(range(1, count + 1))[:: max(1, count // most)]
        for nth in numbers:
            for code in CODES if count <= most else CODES[nth % 2 :][:1]:
                with TemporaryDirectory() as place, warnings.catch_warnings(record=True) as heard:
                    warnings.simplefilter("always")
                    faults.arm(Path(place), step, int(nth), code)
                    said, fit = "went on", None
                    try:
                        fit = write(Path(place))
                    except SurefitError as error:
                        said = "refused"
                        if "\n" in str(error) or os.strerror(code) not in str(error):
                            found[f"WRONG: {name}, {STEPS[step]} {nth}: says {error}"] += 1
                    except BaseException as error:
                        found[f"WRONG: {name}, {STEPS[step]} {nth}: {type(error).__name__}: {error}"] += 1
                    finally:
                        faults.arm(None)
                    words = [str(w.message) for w in heard]
                    words += [] if fit is None else map(str, (*fit.warnings, *fit.problem.notes))
                    if said == "went on" and not any(os.strerror(code) in word for word in words):
                        said = "went on, without a word"
                    try:
                        read(Path(place))
                    except Exception as error:
                        found[f"WRONG: {name}, {STEPS[step]} {nth}: afterwards {type(error).__name__}: {error}"] += 1
                    found[said] += 1
    return found


def main() -> int:
    """Print what became of each failure; 1 where a file was lost, or something else was raised."""
    about = argparse.ArgumentParser(description=__doc__)
    about.add_argument("names", nargs="*", metavar="NAME")
    about.add_argument("--most", type=int, default=40, help="calls of a step that are made to fail, of each writer")
    given = about.parse_args()
    if "SUREFIT_FAULTS" not in os.environ:
        compiler = shutil.which("gcc") or shutil.which("cc")
        if compiler is None or not sys.platform.startswith("linux"):
            about.error("this needs Linux and a C compiler")
        with TemporaryDirectory() as folder:
            source, library = Path(folder) / "faults.c", Path(folder) / "faults.so"
            source.write_text(SHIM)
            subprocess.run([compiler, "-O1", "-shared", "-fPIC", source, "-o", library, "-ldl"], check=True)
            environment = os.environ | {"LD_PRELOAD": str(library), "SUREFIT_FAULTS": "1"}
            return subprocess.run([sys.executable, *sys.argv], env=environment, check=False).returncode
    faults, failed = Faults(), False
    work: dict[str, Callable[[], Counter[str]]] = {
        name: lambda name=name, write=write: failing(faults, name, write, given.most)
        for name, write in writers().items()
    }
    for name, (write, read) in goers().items():
        work[name] = lambda name=name, write=write, read=read: going_on(faults, name, write, read, given.most)
    for name in given.names or work:
        found = work[name]()
        print(f"{name:14} " + ", ".join(f"{n} {what}" for what, n in found.items() if not what.startswith("WRONG")))
        for what in found:
            if what.startswith("WRONG"):
                print("  " + what)
                failed = True
        sys.stdout.flush()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
