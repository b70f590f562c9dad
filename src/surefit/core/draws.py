"""Random numbers of NumPy and of Python that a function draws while it is recorded.

They would be drawn once and be constants ever after, without a word, while the same function draws new ones in every
eager call. So the streams that a function can reach are looked at before and after: one that has moved was drawn from.
"""

from __future__ import annotations

import functools
import pickle
import random
import sys
import types
from collections.abc import Iterator
from typing import Any

MOST = 2000  # objects that are looked at
DEEP = 5  # from one to the next


class Streams:
    """The streams of random numbers that a function can reach, and where each of them stands now.

    They are those of NumPy and Python for everybody, and what the function's closure, globals, defaults and the fields
    of all these lead to. A stream that the function makes for itself is not among them.
    """

    def __init__(self, f: Any) -> None:
        everybody = {"Python's random": random._inst}
        numpys = getattr(sys.modules.get("numpy.random.mtrand"), "_rand", None)
        self.known: dict[str, Any] = everybody | {"NumPy's np.random": numpys} | _reachable(f)
        self.before = {name: _state_of(s) for name, s in self.known.items()}

    def drawn(self) -> list[str]:
        """Names of the streams that have moved since."""
        return [name for name, s in self.known.items() if _state_of(s) != self.before[name]]


def _state_of(stream: Any) -> bytes | None:
    """Where a stream stands; None for what is no stream."""
    module = sys.modules.get("numpy.random")
    if isinstance(stream, random.Random):
        return pickle.dumps(stream.getstate())
    if module is not None and isinstance(stream, module.Generator):
        return pickle.dumps(stream.bit_generator.state)
    if module is not None and isinstance(stream, module.RandomState):
        return pickle.dumps(stream.get_state(legacy=False))
    return None


def _reachable(f: Any) -> dict[str, Any]:
    """Streams by the names under which f gets at them."""
    found: dict[str, Any] = {}
    seen: set[int] = set()
    level = [("", f)]
    for _ in range(DEEP):
        below: list[tuple[str, Any]] = []
        for name, value in level:
            if id(value) in seen or len(seen) > MOST:
                continue
            seen.add(id(value))
            if _state_of(value) is not None:
                found[name] = value
            else:
                below += _parts(name, value)
        level = below
    return found


def _parts(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """What a value leads to, with names."""
    if isinstance(value, types.MethodType):
        yield name, value.__func__
        yield "self", value.__self__
    elif isinstance(value, types.FunctionType):
        yield from _parts_of_function(value)
    elif isinstance(value, functools.partial):
        yield from ((name, part) for part in (value.func, *value.args, *value.keywords.values()))
    elif isinstance(value, dict):
        yield from ((f"{name}[{k!r}]", v) for k, v in list(value.items())[:MOST])
    elif isinstance(value, (list, tuple)):
        yield from ((f"{name}[{i}]", v) for i, v in enumerate(value[:MOST]))
    elif not isinstance(value, (type, types.ModuleType)):
        fields = getattr(value, "__dict__", None)
        if isinstance(fields, dict):
            yield from ((f"{name}.{k}" if name else str(k), v) for k, v in fields.items())


def _parts_of_function(f: types.FunctionType) -> Iterator[tuple[str, Any]]:
    codes, names = [f.__code__], set[str]()
    while codes:
        code = codes.pop()
        names.update(code.co_names)
        codes += [c for c in code.co_consts if isinstance(c, types.CodeType)]
    yield from ((n, f.__globals__[n]) for n in sorted(names) if n in f.__globals__)
    for n, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True):
        try:
            yield n, cell.cell_contents
        except ValueError:  # not filled yet
            continue
    yield from (("an argument's default", v) for v in (*(f.__defaults__ or ()), *(f.__kwdefaults__ or {}).values()))
    yield from f.__dict__.items()


__all__ = ["Streams"]
