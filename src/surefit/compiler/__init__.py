"""The compiler: Programs as machine code, through LLVM.

A function goes this way; each step knows those above it and none below:

    core.program.record     a function of Tensors, run once on names           -> Program: inputs, equations, outputs
    ir.graph                equal values are one, constants are folded,        -> Graph of Nodes
                            thin products become multiplications and sums
    indexing                views cost nothing: where an element of a slice,
                            transpose or window lies in what it is a view of
    columns                 many points of a network lie along the vectors
    plan                    which values are stored, by which loops, in which  -> Plan: kernels, places in the arena
                            order, and where in memory
    context, lower          the kernels of a plan, one after the other         -> a function in LLVM IR
      fused_values, fusion    a fusion group: loops over one index space,
                              values in vectors along one axis
      ir.elementwise, .mathlib one primitive for numbers or lanes
      gemm                    matrix products as register tiles
      turned                  products of which the transpose is computed
      ahead                   the next batch's rows, asked for during a product
    threads                 how two threads share a step, and whether it pays
    codegen                 plan and IR of a Program                           -> module text, Layout
    loop_code               a native loop around the step; the epochs' runtime
    engine                  LLVM's passes, object code, memory                 -> Library: addresses of functions
    cache                   object code on disk
    compiled                the machine code of a Program, with its arena      -> Built, explained by `explain`
    ready                   the same for one that is asked often, without
                            anything to prepare in a call
    function, loop          what people call: `jit`, `compile_program`, `TrainingLoop`

`jit(f)` records f for the shapes that it is called with, and this happens once. `Compiled.llvm_ir`, `.assembly` and
`.explain()` show the stages of one function.
"""

from surefit.compiler.function import Compiled, Jitted, compile_program, jit
from surefit.compiler.loop import TrainingLoop

__all__ = ["Compiled", "Jitted", "TrainingLoop", "compile_program", "jit"]
