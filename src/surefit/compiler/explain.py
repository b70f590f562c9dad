"""What the compiler made of a Program, for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from surefit.compiler.graph import VIEWS
from surefit.compiler.plan import Kernel, Plan

if TYPE_CHECKING:
    from surefit.compiler.function import Compiled


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
    def of(cls, compiled: Compiled) -> Explanation:
        """Gathered from a compiled Program."""
        plan = compiled.plan
        rows = tuple(_row(plan, k) for k in plan.kernels)
        return cls(
            name=compiled.program.name,
            mode=compiled.mode,
            target=f"{compiled.target.cpu}, {compiled.target.vector_bytes}-byte vectors",
            equations=len(compiled.program.equations),
            nodes=len([n for n in plan.order if n.op not in ("input", "constant")]),
            kernels=rows,
            arena_bytes=plan.arena,
            flops=sum(r[3] for r in rows),
            threads=compiled.threads,
            why_threads=compiled.why_threads,
            seconds=dict(compiled.seconds),
            cached=compiled.cached,
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


def _row(plan: Plan, kernel: Kernel) -> tuple[str, str, str, int]:
    if kernel.node is not None:
        n = kernel.node
        count = n.size * (2 * n.args[0].shape[-1] if n.op == "matmul" else 1)
        sizes = " @ ".join(str(a.shape) for a in n.args) if n.op == "matmul" else str(n.shape)
        return kernel.kind, sizes, f"{n.op} n{n.id} ({n.line})", count
    size = 1
    for n in kernel.space:
        size *= n
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
    return "loops", space, ", ".join(f"{r.node.op} n{r.node.id}" for r in kernel.roots), size * operations


__all__ = ["Explanation"]
