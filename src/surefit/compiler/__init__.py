"""The compiler: Programs as machine code, through LLVM."""

from surefit.compiler.function import Compiled, Jitted, compile_program, jit
from surefit.compiler.loop import TrainingLoop

__all__ = ["Compiled", "Jitted", "TrainingLoop", "compile_program", "jit"]
