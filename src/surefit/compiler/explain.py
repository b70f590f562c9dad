"""What the compiler made of a Program, for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from surefit.compiler.graph import VIEWS
from surefit.compiler.plan import Kernel, Plan

if TYPE_CHECKING:
    from surefit.compiler.compiled import Built


@dataclass(frozen=True)
class Explanation:
    """Plain data about one compiled Program; printing it gives a page.

    equations: of the Program; nodes: left after the passes; kernels: (kind, space, what it writes, operations);
    arena_bytes; flops: additions and multiplications of products and elementwise operations in one run; threads and
    why; seconds: of record, passes, IR and LLVM; cached: whether machine code came from the disk.
    """

    name: str
    mode: str
    target: str
    equations: int
    nodes: int
    kernels: tuple[tuple[str, str, str, int], ...]
    arena_bytes: int
    flops: int
    threads: int
    why_threads: str
    seconds: dict[str, float]
    cached: bool

    @classmethod
    def of(cls, built: Built) -> Explanation:
        """Gathered from what was built."""
        layout, lines = built.layout, [eq.line for eq in built.program.equations]
        rows = tuple((kind, space, f"{what} ({lines[at]})", count) for kind, space, what, count, at in layout.kernels)
        return cls(
            name=built.program.name,
            mode=built.mode,
            target=f"{built.target.cpu}, {built.target.vector_bytes}-byte vectors",
            equations=len(lines),
            nodes=layout.nodes,
            kernels=rows,
            arena_bytes=layout.arena,
            flops=layout.flops,
            threads=layout.threads,
            why_threads=layout.why_threads,
            seconds=dict(built.seconds),
            cached=built.cached,
        )

    def __str__(self) -> str:
        lines = [
            f"{self.name}: {self.mode} mode, {self.target}",
            f"  {self.equations} equations, {self.nodes} nodes after the passes, {len(self.kernels)} kernels",
            f"  arena {self.arena_bytes:,} bytes, {self.flops:,} operations a run, {self.threads} thread "
            f"({self.why_threads})",
            "  " + ", ".join(f"{k} {1e3 * v:.1f} ms" for k, v in self.seconds.items())
            + (" (machine code from the disk cache)" if self.cached else ""),
        ]  # fmt: skip
        for i, (kind, space, writes, operations) in enumerate(self.kernels, 1):
            lines.append(f"  {i:3d} {kind:8s} {space:24s} {operations:>12,}  {writes}")
        return "\n".join(lines)


def kernel_row(plan: Plan, kernel: Kernel) -> tuple[str, str, str, int, int]:
    """A kernel as (kind, space, what it writes, operations, equation)."""
    if kernel.node is not None:
        n = kernel.node
        count = n.size * (2 * n.args[0].shape[-1] if n.op == "matmul" else 1)
        sizes = " @ ".join(str(a.shape) for a in n.args) if n.op == "matmul" else str(n.shape)
        return kernel.kind, sizes, f"{n.op} n{n.id}", count, n.equation
    size = 1
    for extent in kernel.space:
        size *= extent
    seen: set[int] = set()
    operations = 0
    stack: list[Any] = [r.node.args[0] if r.reduce else r.node for r in kernel.roots]
    tops = {n.id for n in stack}
    while stack:
        n = stack.pop()
        if n.id in seen:
            continue
        seen.add(n.id)
        if n.id in plan.stored and n.id not in tops:
            continue
        operations += n.op not in VIEWS and n.op not in ("input", "constant")
        stack += n.args
    operations += sum(r.reduce for r in kernel.roots)
    space = str(kernel.space) + (f" over {kernel.reduced}" if kernel.reduced else "")
    writes = ", ".join(f"{r.node.op} n{r.node.id}" for r in kernel.roots)
    return "loops", space, writes, size * operations, kernel.roots[0].node.equation


__all__ = ["Explanation", "kernel_row"]
