"""The workers of an executor: how many there are, and others like them where one died."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from typing import Any


def workers_of(executor: Any) -> int:
    """How many calls an executor runs at once, as far as it says; else the number of CPUs."""
    for owner, name in ((executor, "_max_workers"), (executor, "num_workers"), (executor, "max_workers")):
        number = getattr(owner, name, None)
        if isinstance(number, int) and number > 0:
            return number
    client = getattr(executor, "_client", None)  # of Dask's client.get_executor()
    if client is not None and hasattr(client, "nthreads"):
        return max(1, sum(client.nthreads().values()))
    return os.cpu_count() or 1


def another(executor: Any) -> ProcessPoolExecutor | None:
    """A pool of as many processes, begun in the same way; None of an executor that we cannot make again.

    A pool of the standard library takes no more calls once one of its processes has died. Executors of others heal
    themselves, or only their owners know how they are made.
    """
    if type(executor) is not ProcessPoolExecutor:
        return None
    own = vars(executor)
    return ProcessPoolExecutor(
        own["_max_workers"], own["_mp_context"], own["_initializer"], own["_initargs"],
        max_tasks_per_child=own.get("_max_tasks_per_child"),
    )  # fmt: skip


__all__ = ["another", "workers_of"]
