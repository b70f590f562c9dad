"""From LLVM text to machine code in memory: the target, the passes, the object code. The only importer of llvmlite."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from surefit.errors import ArgumentError, MissingExtraError

_lock = threading.RLock()  # LLVM's context is one for the process


@lru_cache(maxsize=1)
def _binding() -> Any:
    try:
        import llvmlite.binding as llvm
    except ImportError:
        raise MissingExtraError("compiling needs llvmlite: pip install llvmlite") from None
    with _lock:  # doing it twice does no harm
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
    return llvm


@dataclass(frozen=True)
class Target:
    """A CPU to write code for: LLVM's name and features of it, and how many bytes one of its vectors holds."""

    cpu: str
    features: str
    vector_bytes: int
    registers: int  # vector registers
    fma: bool

    @property
    def x86(self) -> bool:
        """Whether it has the registers of x86."""
        return self.vector_bytes > 16 or self.cpu == "x86-64"

    def lanes(self, kind: str) -> int:
        """Lanes of a vector of this kind (booleans go with float32)."""
        size = {"f64": 8, "i64": 8}.get(kind, 4)
        return max(1, self.vector_bytes // size)


LEVELS = ("avx512", "avx2", "neon", "generic")


@lru_cache(maxsize=16)
def target(level: str | None = None) -> Target:
    """The target of this machine; level: "avx512", "avx2", "neon" or "generic" for less than it could do.

    SUREFIT_TARGET in the environment sets the level where none is given. ArgumentError when it is unknown or this CPU
    lacks it.
    """
    llvm = _binding()
    level = level or os.environ.get("SUREFIT_TARGET") or None
    cpu, have = llvm.get_host_cpu_name(), dict(llvm.get_host_cpu_features())
    wide = all(have.get(f) for f in ("avx512f", "avx512dq", "avx512vl", "avx512bw"))
    middle = bool(have.get("avx2") and have.get("fma"))
    possible = ["avx512"] * wide + ["avx2"] * middle + ["neon"] * bool(have.get("neon")) + ["generic"]
    level = level or possible[0]
    if level not in LEVELS:
        raise ArgumentError(f"target={level!r} is unknown; choose one of {', '.join(LEVELS)}")
    if level not in possible:
        raise ArgumentError(f"target={level!r}: this CPU ({cpu}) has {', '.join(possible)}")
    if level == "avx512":
        extra = ",-prefer-256-bit"
        return Target(cpu, llvm.get_host_cpu_features().flatten() + extra, 64, 32, True)
    if level == "avx2":
        off = [f for f in have if f.startswith(("avx512", "avx10", "evex512"))]
        features = ",".join(("+" if on and f not in off else "-") + f for f, on in sorted(have.items()))
        return Target("x86-64-v3", features, 32, 16, True)
    if level == "neon":
        return Target(cpu, llvm.get_host_cpu_features().flatten(), 16, 32, True)
    return Target("generic" if not cpu.startswith("x86") else "x86-64", "", 16, 16, False)


# Lines of a function beyond which LLVM translates it as it stands: the time for anything better grows with the square
# of its length (3 000 sines in a row: minutes). A training step of sixty layers has 12 000.
LONG = 100_000


def machine(t: Target, opt: int = 2) -> Any:
    """LLVM's target machine."""
    llvm = _binding()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=t.cpu if t.cpu != "generic" else "", features=t.features, opt=opt, jit=True
    )


def _longest_function(text: str) -> int:
    """Lines of the longest function."""
    return max(body.count("\n") for body in text.split("\n}"))


def versions() -> str:
    """llvmlite and LLVM, for cache keys."""
    llvm = _binding()
    import llvmlite

    return f"llvmlite {llvmlite.__version__}, LLVM {'.'.join(map(str, llvm.llvm_version_info))}"


def optimise(text: str, t: Target, level: int = 0) -> tuple[Any, Any]:
    """Parsed, verified and optimised: (module, target machine).

    What is written is tight already: on the networks of the benchmarks LLVM's passes gained nothing but the time they
    take, so level 0 runs none. Vectors are ours, so its vectorisers and unrolling stay off.
    """
    llvm = _binding()
    module = llvm.parse_assembly(text)
    tm = machine(t, 2 if _longest_function(text) <= LONG else 0)
    module.triple = tm.triple
    module.data_layout = str(tm.target_data)
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=level)
    options.loop_vectorization = False
    options.slp_vectorization = False
    options.loop_unrolling = False
    options.loop_interleaving = False
    builder = llvm.create_pass_builder(tm, options)
    builder.getModulePassManager().run(module, builder)
    return module, tm


def object_code(text: str, t: Target, level: int = 0) -> bytes:
    """Machine code of a module as an object file."""
    with _lock:
        module, tm = optimise(text, t, level)
        return tm.emit_object(module)


def assembly(text: str, t: Target, level: int = 0) -> str:
    """Machine code of a module as assembly text."""
    with _lock:
        module, tm = optimise(text, t, level)
        return tm.emit_assembly(module)


class Library:
    """Object code loaded into this process; addresses of its functions. Freed with the object.

    An address keeps nothing alive: whoever runs code holds its library, as what `function` returns does.
    """

    def __init__(self, code: bytes, t: Target, names: Sequence[str]) -> None:
        llvm = _binding()
        with _lock:
            empty = llvm.parse_assembly("")
            self._engine: Any = llvm.create_mcjit_compiler(empty, machine(t))
            self._engine.add_object_file(llvm.object_file.ObjectFileRef.from_data(code))
            self._engine.finalize_object()
            self.addresses = {n: self._engine.get_function_address(n) for n in names}

    def function(self, name: str, pointers: int = 1) -> Any:
        """A function of the code, which takes so many pointers and returns nothing; it holds this library."""
        f = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * pointers)(self.addresses[name])
        f.library = self  # type: ignore[attr-defined]
        return f

    def close(self) -> None:
        """Free the machine code; its functions must not run any more."""
        with _lock:
            if self._engine is not None:
                self._engine.close()
                self._engine = None
