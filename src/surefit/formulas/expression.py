"""The steps of a formula: nodes, their conditions and guards, and their evaluation."""

from __future__ import annotations

import inspect
import keyword
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from surefit.checking import number_array
from surefit.core import ops
from surefit.errors import ArgumentError, ShapeError

from .functions import CONSTANTS, TABLE

if TYPE_CHECKING:
    from surefit.core.program import Program

COMPARISONS = {"<": ops.lt, "<=": ops.le, ">": ops.gt, ">=": ops.ge, "==": ops.eq, "!=": ops.ne}


@dataclass(frozen=True, slots=True)
class Node:
    """One step: `op` applied to the earlier nodes `args`.

    op is "number", "constant" or "variable" (value: the number or the name), "compare" (value: the signs of a
    chain such as 0 < x < 1), "and", "or", "not", "if" (condition, then, else), or a name of the table of
    functions.
    """

    op: str
    args: tuple[int, ...] = ()
    value: Any = None
    start: int = field(default=0, compare=False)  # columns in the text it was read from
    end: int = field(default=0, compare=False)


def find_conditions(nodes: Sequence[Node]) -> list[bool]:
    """For each node whether it is true or false rather than a number."""
    found: list[bool] = []
    for node in nodes:
        if node.op == "if":
            found.append(found[node.args[1]] and found[node.args[2]])
        else:
            found.append(node.op in ("compare", "and", "or", "not"))
    return found


@ops.silent
def fold_constants(nodes: Sequence[Node]) -> list[float | bool | None]:
    """For each node its value in float64 where no variable takes part, else None."""
    known: list[float | bool | None] = []
    kinds = find_conditions(nodes)
    for node in nodes:
        if node.op == "number":
            known.append(node.value)
        elif node.op == "constant":
            known.append(CONSTANTS[node.value])
        elif node.op == "variable" or any(known[a] is None for a in node.args):
            known.append(None)
        else:
            arrays: list[Any] = [np.asarray(known[a], np.bool_ if kinds[a] else np.float64) for a in node.args]
            known.append(_apply(node, arrays, [kinds[a] for a in node.args], ops.float64).item())
    return known


def _apply(node: Node, args: list[Any], kinds: list[bool], dtype: np.dtype) -> Any:
    """The value of one node from those of its arguments; `kinds` says which of these are conditions."""
    if node.op == "not":
        return ops.logical_not(args[0])
    if node.op in ("and", "or"):
        join = ops.logical_and if node.op == "and" else ops.logical_or
        result = args[0]
        for a in args[1:]:
            result = join(result, a)
        return result
    if node.op == "if":
        if kinds[1] and kinds[2]:
            return ops.where(*args)
        then, other = (_number(a, is_condition, dtype) for a, is_condition in zip(args[1:], kinds[1:], strict=True))
        if then.__class__ is float and other.__class__ is float:
            then = np.asarray(then, dtype)  # two Python numbers chosen by an array would meet in float32
        return ops.where(args[0], then, other)
    args = [_number(a, is_condition, dtype) for a, is_condition in zip(args, kinds, strict=True)]
    if node.op == "compare":
        result = None
        for sign, a, b in zip(node.value, args, args[1:], strict=False):
            holds = COMPARISONS[sign](a, b)
            result = holds if result is None else ops.logical_and(result, holds)
        return result
    return TABLE[node.op].value(*args)


@ops.silent
def apply_numbers(op: str, values: Sequence[float]) -> float:
    """The value of a function of the table on plain numbers, in float64."""
    return float(TABLE[op].value(*(np.asarray(v, np.float64) for v in values)))


def _number(value: Any, is_condition: bool, dtype: np.dtype) -> Any:
    """A condition where a number is needed counts 1 if it holds and 0 if not."""
    if not is_condition:
        return value
    return float(value) if value.__class__ is bool else ops.cast(value, dtype=dtype)


# --- conditionals ---------------------------------------------------------------------------------


class Guard(NamedTuple):
    """Conditions that must all be as they should: those of the guard `outer`, and one more."""

    outer: int  # its place among all guards, where the first stands for no condition at all
    condition: int  # the node that decides
    must_hold: bool


ALWAYS = Guard(0, 0, True)


def find_guards(nodes: Sequence[Node]) -> tuple[list[Guard], list[int]]:
    """All guards of a tree, ALWAYS first and outer before inner ones; for each node the place of its own."""
    guards = [ALWAYS]
    place = [0] * len(nodes)

    def inside(outer: int, condition: int, must_hold: bool) -> int:
        guards.append(Guard(outer, condition, must_hold))
        return len(guards) - 1

    for i in range(len(nodes) - 1, -1, -1):  # parents stand after their arguments
        node, here = nodes[i], place[i]
        for a in node.args:
            place[a] = here
        if node.op == "if":
            condition, then, other = node.args
            place[then] = inside(here, condition, True)
            place[other] = inside(here, condition, False)
        elif node.op in ("and", "or"):  # `x > 0 and log(x) < 1`: the second counts only where the first holds
            for before, a in zip(node.args, node.args[1:], strict=False):
                here = place[a] = inside(here, before, node.op == "and")
    return guards, place


class _Guarding:
    """Replaces arguments by safe values wherever the branch they stand in is not taken."""

    def __init__(self, guards: list[Guard], place: list[int], results: list[Any]) -> None:
        self.guards, self.place, self.results = guards, place, results
        self.masks: dict[int, Any] = {0: None}

    def __call__(self, i: int, op: str, args: list[Any]) -> list[Any]:
        function = TABLE.get(op)
        if function is None or not function.safe or not self.place[i]:
            return args
        if op == "pow" and args[1].__class__ is float and args[1] in (1.0, 2.0):
            return args  # a square is safe everywhere
        mask = self.mask(self.place[i])
        if mask is None:
            return args
        return [
            a if safe is None or a.__class__ is float else ops.where(mask, a, safe)
            for a, safe in zip(args, function.safe, strict=True)
        ]

    def mask(self, guard: int) -> Any:
        """Where all conditions of the guard are as they must be; None for everywhere."""
        missing = [guard]
        while missing[-1] not in self.masks:
            missing.append(self.guards[missing[-1]].outer)
        for g in reversed(missing[:-1]):
            outer, condition, must_hold = self.guards[g]
            self.masks[g] = self._narrowed(self.masks[outer], self.results[condition], must_hold)
        return self.masks[guard]

    def _narrowed(self, outer: Any, condition: Any, must_hold: bool) -> Any:
        if condition.__class__ is bool:  # decided already: the branch is used everywhere, or dropped
            return outer
        here = condition if must_hold else ops.logical_not(condition)
        return here if outer is None else ops.logical_and(outer, here)


# --- the expression ----------------------------------------------------------------------------------


class Expression:
    """The steps of a function of named variables: what formulas, their printing and Programs share.

    Attributes: those of `Formula`, and `written`, the text that the places of the nodes are of ("" of one that was
    not read): what its numbers mean exactly.
    """

    written = ""

    def __init__(self, nodes: Sequence[Node], variables: Sequence[str], guarded: bool = True) -> None:
        self.nodes = tuple(nodes)
        self.variables = tuple(variables)
        # Branches not taken are kept finite. That needs a tree: a node used twice has no one condition.
        self._guards = find_guards(self.nodes) if guarded else None
        self.constants = fold_constants(self.nodes)
        self.conditions = find_conditions(self.nodes)
        self._announce()

    def _announce(self) -> None:
        """Tell `inspect.signature` the names of the variables, so that recordings and tools show them."""
        parameters = [
            inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD)
            for name in self.variables
            if not keyword.iskeyword(name)
        ]
        if len(parameters) == len(self.variables):
            self.__signature__ = inspect.Signature(parameters)

    @property
    def used(self) -> frozenset[str]:
        """The variables that the formula really mentions."""
        return frozenset(node.value for node in self.nodes if node.op == "variable")

    @ops.silent
    def __call__(self, *values: Any, **named: Any) -> Any:
        bound = self._bind(values, named)
        plain = all(isinstance(v, (int, float)) for v in bound)
        bound, dtype = _as_floats(bound)
        result = self._evaluate(dict(zip(self.variables, bound, strict=True)), dtype)
        shape = np.broadcast_shapes(*(v.shape for v in bound)) if bound else ()
        if result.shape != shape:  # not every variable takes part
            result = ops.broadcast_to(result, shape=shape)
        return result.item() if plain else result

    def _bind(self, values: tuple[Any, ...], named: dict[str, Any]) -> list[Any]:
        expected = f"{len(self.variables)} ({', '.join(self.variables)})" if self.variables else "none"
        if len(values) > len(self.variables):
            raise ArgumentError(f"formula {self._short()}: {len(values)} values came, expected {expected}")
        given = dict(zip(self.variables, values, strict=False))
        for name, value in named.items():
            if name not in self.variables:
                raise ArgumentError(f"formula {self._short()}: there is no variable {name!r}; expected {expected}")
            if name in given:
                raise ArgumentError(f"formula {self._short()}: {name!r} is given twice, by place and by name")
            given[name] = value
        missing = [name for name in self.variables if name not in given]
        if missing:
            raise ArgumentError(f"formula {self._short()}: no value for {', '.join(missing)}; expected {expected}")
        return [given[name] for name in self.variables]

    def _evaluate(self, values: dict[str, Any], dtype: np.dtype) -> Any:
        last = _number(self._steps(values, dtype)[-1], self.conditions[-1], dtype)
        return np.asarray(last, dtype) if last.__class__ is float else last

    def _steps(
        self, values: dict[str, Any], dtype: np.dtype, rounding: Callable[[Any], Any] | None = None
    ) -> list[Any]:
        """The value of each node; numbers and truth values of Python where no variable takes part.

        rounding: what is done to each number as soon as it is computed.
        """
        results: list[Any] = []
        guard = _Guarding(*self._guards, results) if self._guards is not None else None
        for i, node in enumerate(self.nodes):
            known = self.constants[i]
            if known is not None:
                results.append(known)
            elif node.op == "variable":
                results.append(values[node.value])
            elif node.op == "if" and results[node.args[0]].__class__ is bool:
                chosen = node.args[1] if results[node.args[0]] else node.args[2]
                results.append(self._as_kind(i, chosen, results, dtype))
            else:
                args = [results[a] for a in node.args]
                if guard is not None:
                    args = guard(i, node.op, args)
                result = _apply(node, args, [self.conditions[a] for a in node.args], dtype)
                results.append(result if rounding is None or self.conditions[i] else rounding(result))
        return results

    def _as_kind(self, i: int, chosen: int, results: list[Any], dtype: np.dtype) -> Any:
        if self.conditions[chosen] and not self.conditions[i]:
            return _number(results[chosen], True, dtype)
        return results[chosen]

    @ops.silent
    def enclosed(self, values: dict[str, Any]) -> list[Any]:
        """Each node where variables are numbers of another arithmetic that knows all primitives, such as intervals.

        The last is a number, also where it is a condition.
        """
        steps = self._steps(dict(values), ops.float64)
        return [*steps[:-1], _number(steps[-1], self.conditions[-1], ops.float64)]

    @ops.silent
    def steps_on(self, points: np.ndarray, rounding: Callable[[Any], Any] | None = None) -> list[np.ndarray]:
        """The value of each node at many points. points (n, d) -> (n,) float64, or bool of a condition, each.

        rounding: what is done to each number as soon as it is computed; see how much the result depends on it.
        """
        values = dict(zip(self.variables, np.asarray(points, np.float64).T, strict=True))
        shape = (len(points),)
        steps = self._steps(values, ops.float64, rounding)
        return [v if np.shape(v) == shape else np.broadcast_to(v, shape) for v in steps]

    def on_points(self, points: Any) -> np.ndarray:
        """The values at many points. points (n, d), one column for each variable -> (n,) float64.

        Raises ShapeError when the points do not have one column for each variable.
        """
        points = number_array("points", points)
        d = len(self.variables)
        if points.ndim != 2 or points.shape[1] != d:
            raise ShapeError(
                f"formula {self._short()}: points of shape {points.shape}, expected (n, {d}): one column for "
                f"each of {', '.join(self.variables) or 'no variables'}"
            )
        result = self(*points.T) if d else self()
        return np.array(np.broadcast_to(result, (len(points),)))

    def program(self, shape: tuple[int, ...] = (), dtype: Any = np.float64) -> Program:
        """The formula as a Program of primitives, each variable an array of this shape and dtype.

        >>> from surefit.formulas import parse
        >>> print(parse("sin(x) + 2").program())
        Formula(x: float64[]):
            t1: float64[] = sin(x)
            t2: float64[] = add(t1, 2.0)
            return t2
        """
        from surefit.core.program import record

        return record(self, *(np.zeros(shape, dtype) for _ in self.variables))

    def _short(self) -> str:
        text = str(self)
        return repr(text if len(text) <= 40 else text[:37] + "...")

    def __str__(self) -> str:
        return f"formula of {len(self.nodes)} steps"


def _as_floats(values: list[Any]) -> tuple[list[Any], np.dtype]:
    """The values as arrays (or Tensors, ...) of floats, and the dtype they meet in."""
    avals = [ops.aval_of(v) for v in values]
    for a in avals:
        ops.dtype_of(a.dtype)  # DtypeError for complex numbers, texts, ...
    dtypes = [a.dtype if a.dtype in (ops.float32, ops.float64) else ops.float64 for a in avals]
    strong = [d for d, a in zip(dtypes, avals, strict=True) if not a.weak]  # Python numbers follow the arrays
    dtype = ops.float32 if strong and ops.float64 not in strong else ops.float64
    arrays = [
        np.asarray(v, dtype) if isinstance(v, (int, float)) else v if a.dtype == d else ops.cast(v, dtype=d)
        for v, a, d in zip(values, avals, dtypes, strict=True)
    ]
    return arrays, dtype


def natural(name: str) -> tuple[Any, ...]:
    """A sort key that counts: x2 comes before x10."""
    return tuple(int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name))


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Distinct names in natural order."""
    return tuple(sorted(set(names), key=natural))
