"""The journal of a fit: what came of each costly part of it, by what went in, so that a fit that was killed goes on.

Nothing in a fit but the clock is left to chance. So a resumed fit runs from its beginning, and whatever the journal
knows is taken from it instead of being done again: attempts that have ended, values of a slow function, teachers. An
entry is found by a digest of all that went into it; so it does not matter in which order, thread or nested run it is
asked for, and what does not fit is simply not found. An attempt that takes long leaves its state every few seconds,
and begins there.

The journal is in memory; a `Store` keeps it on the disk.
"""

from __future__ import annotations

import hashlib
import inspect
import re
import textwrap
import threading
import time as clock
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np

from surefit import nn
from surefit.checking import warn
from surefit.core.random import Generator
from surefit.core.tensor import Tensor
from surefit.data import Domain
from surefit.errors import CheckpointError
from surefit.problems.calling import fingerprint

COSTLY = 20.0  # times the seconds that writing a state takes pass before the next one is written: a twentieth at most
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class Store(Protocol):
    """Where a journal is kept. Values are plain data, arrays and sentences; an error is a `CheckpointError`."""

    def add(self, entries: Mapping[str, Any]) -> None:
        """Keep further entries."""

    def hold(self, key: str, value: Any) -> None:
        """Keep the state of what is under way, in the place of the one before."""

    def drop(self, key: str) -> None:
        """Forget a state."""


class Journal:
    """What is known of a fit, and what is new.

    entries: of an earlier process, by key. states: of attempts that were under way. seconds: how long what is new may
    wait to be kept; epochs: so many epochs, or iterations of a solver, instead, of the states of attempts.
    """

    def __init__(
        self, store: Store, entries: Mapping[str, Any] | None = None, states: Mapping[str, Any] | None = None, *,
        seconds: float = 10.0, epochs: int | None = None,
    ) -> None:  # fmt: skip
        self.store, self.seconds, self.epochs = store, seconds, epochs
        self.entries, self.states = dict(entries or {}), dict(states or {})
        self.held = set(self.states)  # keys of states that are on the disk
        self.pending: dict[str, Any] = {}
        self.lock = threading.RLock()  # restarts run at once
        self.broken = False
        self.written, self.pause = clock.monotonic(), seconds

    def find(self, key: str) -> Any:
        """What is known under a key, or None."""
        return self.entries.get(key)

    def keep(self, key: str, value: Any) -> None:
        """Take note of what came of something; it reaches the disk with the next write."""
        with self.lock:
            self.pending[key] = value
            if self.waited:
                self.flush()

    def recall(self, kind: str, things: Any, compute: Callable[[], Any], least: float = 0.0) -> Any:
        """What `compute` gives, which is plain data and arrays; from the journal if it is known.

        least: seconds that it must have taken to be worth keeping.
        """
        key = key_of(kind, things)
        known = self.find(key)
        if known is not None:
            return known
        began = clock.perf_counter()
        value = compute()
        if clock.perf_counter() - began >= least:
            self.keep(key, value)
        return value

    def agrees(self, kind: str, things: Any, value: Any) -> bool:
        """Whether a value is the one that is known of these things; it is from now on."""
        key, digest = key_of(kind, things), key_of("value", value)
        known = self.find(key)
        if known is None:
            self.keep(key, digest)
        return known in (None, digest)

    def all(self, kind: str) -> list[Any]:
        """All that is known of a kind."""
        return [value for key, value in self.entries.items() if key.startswith(f"{kind}-")]

    def underway(self, key: str, mark: Callable[[], Any], again: Callable[[Any], None]) -> Underway:
        """The place of an attempt that begins; mark: what is to be kept beside its state, which `again` takes back."""
        return Underway(self, key, mark, again)

    @property
    def waited(self) -> bool:
        """Whether it is time to write."""
        return clock.monotonic() - self.written >= self.pause

    def flush(self) -> None:
        """Bring all that is new to the disk."""
        with self.lock:
            pending, self.pending = self.pending, {}
            if pending:
                self._timed(lambda: self.store.add(pending))
            for key in self.held.intersection(pending):  # now that the end is on the disk
                self._guarded(partial(self.store.drop, key))
                self.held.discard(key)

    def hold(self, key: str, state: Any) -> None:
        """Bring the state of an attempt to the disk, and all that is new."""
        with self.lock:
            self.flush()
            self.held.add(key)
            self._timed(lambda: self.store.hold(key, state))

    def _timed(self, act: Callable[[], None]) -> None:
        began = clock.monotonic()
        self._guarded(act)
        self.written = clock.monotonic()
        self.pause = max(self.seconds, COSTLY * (self.written - began))

    def _guarded(self, act: Callable[[], None]) -> None:
        """Do what a full disk may prevent: that is said once, and costs no fit."""
        if self.broken:
            return
        try:
            act()
        except CheckpointError as error:
            self.broken = True
            warn(f"checkpoint: nothing more is written ({error}); the fit goes on", RuntimeWarning)


class Underway:
    """An attempt that is being made: its state in the journal."""

    def __init__(
        self, journal: Journal, key: str, mark: Callable[[], Any], again: Callable[[Any], None]
    ) -> None:  # fmt: skip
        self.journal, self.key, self.mark, self.again = journal, key, mark, again
        self.last = 0

    def take(self, fits: Callable[[Any], bool] = lambda state: True) -> Any:
        """The state from which to go on, once; None where there is none, or none that fits.

        What was kept beside it is back then.
        """
        state = self.journal.states.pop(self.key, None)
        if state is None or not fits(state["own"]):
            return None
        self.again(state["beside"])
        return state["own"]

    def due(self, number: int) -> bool:
        """Whether to keep the state after so many epochs or iterations."""
        if self.journal.epochs is None:
            return self.journal.waited
        if number - self.last < self.journal.epochs:
            return False
        self.last = number
        return True

    def keep(self, state: Any) -> None:
        """Keep a state, of which nothing may change later on."""
        self.journal.hold(self.key, {"beside": self.mark(), "own": state})


# --- digests ----------------------------------------------------------------------------------------------------------


def key_of(kind: str, things: Any) -> str:
    """A key for what is of this kind and depends on these things: plain data, arrays, networks, records, functions."""
    digest = hashlib.blake2b(digest_size=16)
    _feed(digest, things)
    return f"{kind}-{digest.hexdigest()}"


def _feed(digest: Any, thing: Any) -> None:
    if isinstance(thing, (np.ndarray, np.generic)):
        array = np.ascontiguousarray(thing)
        digest.update(f"array {array.dtype.str} {array.shape};".encode())
        digest.update(repr(array.tolist()).encode() if array.dtype.hasobject else array.tobytes())
        return
    kind, parts = type(thing).__name__, _parts(thing)
    if parts is None:
        digest.update(f"{kind} {thing!r};".encode())
        return
    digest.update(f"{kind} {len(parts)}(".encode())
    for part in parts:
        _feed(digest, part)
    digest.update(b")")


def _parts(thing: Any) -> list[Any] | None:
    """What something consists of; None for what its text tells."""
    if thing is None or isinstance(thing, (bool, int, float, str, bytes, np.dtype)):
        return None
    if isinstance(thing, (list, tuple, set, frozenset)):
        return sorted(thing, key=repr) if isinstance(thing, (set, frozenset)) else list(thing)
    if isinstance(thing, Mapping):
        return [part for pair in thing.items() for part in pair]
    if isinstance(thing, nn.Module):
        return _of_module(thing)
    if isinstance(thing, Tensor):
        return [thing.detach().numpy()]
    if isinstance(thing, Generator):
        return [thing.key.numpy(), thing.counter.numpy()]
    if isinstance(thing, np.random.Generator):
        return [thing.bit_generator.state]
    if isinstance(thing, Domain):
        return [thing.names, thing.low, thing.high, thing.log]
    if is_dataclass(thing) and not isinstance(thing, type):
        return [part for f in fields(thing) for part in (f.name, getattr(thing, f.name))]
    if isinstance(thing, partial):
        return [thing.func, thing.args, thing.keywords]
    if callable(thing):
        code, own = getattr(thing, "__code__", None), ""
        if code is not None and code.co_name == "<lambda>":  # which may stand in one line with others
            own = _ADDRESS.sub("", repr((code.co_code, code.co_names, code.co_consts)))
        return [getattr(thing, "__qualname__", type(thing).__qualname__), fingerprint(thing), own]
    return [type(thing).__qualname__, _ADDRESS.sub("", repr(thing))]


def _of_module(network: nn.Module) -> list[Any]:
    """The layers with their settings, their source where it is not ours, and all numbers and random streams."""
    own: list[Any] = [_ADDRESS.sub("", repr(network)), network.training]
    for kind in dict.fromkeys(type(module) for module in network.modules()):
        if not kind.__module__.startswith("surefit."):
            try:
                own.append(textwrap.dedent(inspect.getsource(kind)))
            except (OSError, TypeError):
                own.append(kind.__qualname__)
    return [*own, state_of(network)]


def state_of(network: nn.Module) -> dict[str, np.ndarray]:
    """Copies of the parameters, buffers and random streams of a network, by name."""
    return {name: leaf.detach().numpy().copy() for name, leaf in network.state_dict().items()}


__all__ = ["Journal", "Store", "Underway", "key_of", "state_of"]
