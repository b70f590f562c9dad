"""What the compiler made of a Program, for people."""

from __future__ import annotations

from dataclasses import dataclass

from surefit.compiler.codegen import Layout
from surefit.compiler.engine import Target
from surefit.core.program import Program


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
    def of(
        cls, program: Program, layout: Layout, mode: str, target: Target, seconds: dict[str, float], cached: bool
    ) -> Explanation:
        """Of a Program and what became of it."""
        lines = [eq.line for eq in program.equations]
        rows = tuple((kind, space, f"{what} ({lines[at]})", count) for kind, space, what, count, at in layout.kernels)
        return cls(
            name=program.name,
            mode=mode,
            target=f"{target.cpu}, {target.vector_bytes}-byte vectors",
            equations=len(lines),
            nodes=layout.nodes,
            kernels=rows,
            arena_bytes=layout.arena,
            flops=layout.flops,
            threads=layout.threads,
            why_threads=layout.why_threads,
            seconds=dict(seconds),
            cached=cached,
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


__all__ = ["Explanation"]
