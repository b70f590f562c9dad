"""Work spread over the cores: how many there are, threads for it, and calls that are made at once.

What is spread is cut into the same pieces however many cores there are, and put together in the same order, so that no
bit of a result depends on their number. The pieces are calls of NumPy, LAPACK or compiled code, which let other threads
of Python run meanwhile. Where all cores have work already, as with restarts, nothing more is spread.
"""

from __future__ import annotations

import contextvars
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from surefit.worker import Background

Item = TypeVar("Item")
Made = TypeVar("Made")


def cores() -> int:
    """Cores that this process may use; SUREFIT_THREADS in the environment says fewer."""
    try:
        have = len(os.sched_getaffinity(0))
    except AttributeError:
        have = os.cpu_count() or 1
    wish = os.environ.get("SUREFIT_THREADS", "")
    return max(1, min(have, int(wish))) if wish.isdigit() else have


class Here(Executor):
    """An executor without threads, for Pythons that start none (in browsers): a task is done when it is submitted."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call it; the future is done."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def pool_of(workers: int) -> Executor:
    """So many threads, or an executor that needs none where none can be started."""
    try:
        threading.Thread(target=int).start()
    except RuntimeError:
        return Here()
    return ThreadPoolExecutor(workers)


class _Taken:
    """How many cores have work from here, beside those of the callers."""

    def __init__(self) -> None:
        self.lock, self.count = threading.Lock(), 0


_taken = _Taken()


def _after_fork() -> None:
    global _taken
    _taken = _Taken()  # no thread of the parent works in a child


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def free() -> int:
    """Cores that have no work from here, with that of the caller."""
    return max(1, cores() - _taken.count)


@contextmanager
def taken(wanted: int) -> Iterator[int]:
    """So many cores beside that of the caller, or those that have no work from here yet; free again afterwards."""
    of = _taken
    with of.lock:
        got = max(0, min(wanted, cores() - 1 - of.count))
        of.count += got
    try:
        yield got
    finally:
        with of.lock:
            of.count -= got


def together(work: Callable[[], None], others: Iterable[Callable[[], None]]) -> None:
    """This thread's work, and that of the others in threads of their own, until all is done.

    An error of this thread is raised when the others are done, else the first of theirs. Where the system has no more
    threads, those are left out that would have had one: what they share must be done by who is there.
    """
    errors: list[Exception] = []

    def helping(call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:
            errors.append(error)

    begun: list[Background] = []
    try:
        for call in others:
            context = contextvars.copy_context()  # in which NumPy keeps what it warns of
            helper = Background(lambda c=context, f=call: c.run(helping, f), beside=True)  # type: ignore[misc]
            try:
                helper.start()
            except RuntimeError:
                break
            begun.append(helper)
        work()
    finally:
        for helper in begun:
            helper.finish()
    if errors:
        raise errors[0]


def each(work: Callable[[Item], Made], items: Sequence[Item], worth: bool = True) -> list[Made]:
    """work(item) of all items, in their order; as many at a time as there are cores without work.

    worth: whether a call takes so long (a millisecond) that it is worth a thread; else they are made one by one. No
    call may change what another one reads. The error of the first item that has one is raised, and what has not begun
    then does not begin.
    """
    if not worth or len(items) < 2:
        return [work(item) for item in items]
    turns = iter(range(len(items)))  # whose next() is one operation: every item is somebody's
    made: dict[int, Made] = {}
    failed: dict[int, Exception] = {}

    def some() -> None:
        try:
            for i in turns:
                try:
                    made[i] = work(items[i])
                except Exception as error:
                    failed[i] = error
                    break
        finally:  # all are done, or, after an error or an interrupt, nobody needs the others
            for _ in turns:
                pass

    with taken(len(items) - 1) as helpers:
        together(some, [some] * helpers)
    if failed:
        raise failed[min(failed)]
    return [made[i] for i in range(len(items))]


__all__ = ["Here", "cores", "each", "free", "pool_of", "taken", "together"]
