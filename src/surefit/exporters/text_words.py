"""What languages with infix arithmetic have in common: values are names of variables, formulas fill templates."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from surefit.exporters.exportable import refuse
from surefit.exporters.loops import Words
from surefit.ir.graph import Node

REDUCTIONS = {"sum": "add", "prod": "mul", "amax": "maximum"}
BOOLEAN = {"add": "logical_or", "mul": "logical_and", "maximum": "logical_or", "minimum": "logical_and"}


class TextWords(Words):
    """Statements as lines of text; TEMPLATES are formulas in {0}, {1}, {2}."""

    LANGUAGE: ClassVar[str]
    TEMPLATES: ClassVar[dict[str, str]]

    def __init__(self, depth: int = 1) -> None:
        self.lines: list[str] = []
        self.depth = depth
        self.count = 0
        self.used: set[str] = set()  # primitives, some of which need helpers

    @abstractmethod
    def constant_line(self, name: str, kind: str, text: str) -> str:
        """A statement that gives a new variable its only value."""

    @abstractmethod
    def rounded(self, text: str, kind: str) -> str:
        """A formula, rounded to its kind where the language computes in another."""

    @abstractmethod
    def opening(self, counter: str, start: str, stop: str, step: int) -> tuple[str, str]:
        """The first and the last line of a loop."""

    @abstractmethod
    def converted(self, text: str, source: str, kind: str) -> str:
        """A number as another kind."""

    def line(self, text: str) -> None:
        self.lines.append("  " * self.depth + text)

    def made(self, text: str, kind: str) -> str:
        """A formula as a variable; its name."""
        self.count += 1
        self.line(self.constant_line(f"t{self.count}", kind, text))
        return f"t{self.count}"

    @contextmanager
    def loop(self, counter: str, start: str, stop: str, step: int = 1) -> Iterator[None]:
        first, last = self.opening(counter, start, stop, step)
        self.line(first)
        self.depth += 1
        yield
        self.depth -= 1
        self.line(last)

    def formula(self, op: str, kind: str, args: list[str], of: str) -> str:
        """A primitive of arguments of kind `of`; the name of its value."""
        if of == "i1":
            op = BOOLEAN.get(op, op)
        text = self.TEMPLATES.get(op if of[0] == "f" else f"{op} of integers", self.TEMPLATES.get(op))
        if text is None or (op == "pow" and of[0] != "f"):
            raise refuse(self.LANGUAGE, op)
        self.used.add(op)
        return self.made(self.rounded(text.format(*args), kind), kind)

    def apply(self, node: Node, args: list[Any]) -> Any:
        source = node.args[0].kind
        if node.op == "copy":
            return args[0]
        if node.op == "cast":
            return self.made(self.converted(args[0], source, node.kind), node.kind)
        if node.op == "where":
            return self.choose(args[0], node.kind, args[1], args[2])
        if source[0] == "i" and node.op in ("floor", "ceil", "trunc", "round"):
            return args[0]
        if source == "i1" and node.op in ("relu", "abs"):
            return args[0]
        return self.formula(node.op, node.kind, args, source)

    def combine(self, op: str, kind: str, a: Any, b: Any) -> Any:
        return self.formula(REDUCTIONS[op], kind, [a, b], kind)

    def value(self, name: str, kind: str) -> Any:
        return name

    def better(self, kind: str, a: Any, b: Any) -> Any:
        if kind[0] != "f":
            return self.formula("gt", "i1", [a, b], kind)
        nan_a, nan_b = (self.formula("ne", "i1", [v, v], kind) for v in (a, b))
        larger = self.formula("gt", "i1", [a, b], kind)
        fresh = self.formula("logical_and", "i1", [nan_a, self.formula("logical_not", "i1", [nan_b], "i1")], "i1")
        return self.formula("logical_or", "i1", [fresh, larger], "i1")


__all__ = ["TextWords"]
