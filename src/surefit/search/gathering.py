"""An expensive function becomes a table: its evaluations within a budget, over the workers of an executor.

What is fitted afterwards are exact rows like those of any other table; so every method, strategy and judge holds.
"""

from __future__ import annotations

import math
import os
import pickle
import statistics
import time as clock
from collections import deque
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from surefit.attempts.events import Callback, Evaluated, notify, notify_failure
from surefit.attempts.journal import Journal, key_of
from surefit.checking import positive_number, whole_number
from surefit.data import Domain, Sampling
from surefit.errors import ArgumentError, DataError, DomainError
from surefit.formulas import Formula, parse_many
from surefit.problems.callables import FormulaFunction, by_name
from surefit.problems.calling import Call, Result, fingerprint, ways_of
from surefit.problems.posing import formula_texts, needed_domain, pose
from surefit.problems.problem import Problem
from surefit.problems.runs import Runs
from surefit.problems.workers import another, workers_of
from surefit.sentences import Sentence, say

FIRST_LEAST = 2  # points for each input that fill the box, however small the budget is
FEWEST = 5  # evaluations of which anything can be fitted
FEWEST_SPLIT = 20  # rows, of fewer of which validation and test take a fifth each
FILLING = 0.5  # of the budget, for points that fill the box
PLENTY = 2000  # evaluations beyond which all fill the box: the place of each is no matter any more
BATCHES = 20  # in which the others are chosen, if there are fewer workers
LEAST_SHARE = 0.3  # of a limit of time, for evaluating after the first result
GRACE = 10.0  # seconds beyond its time that a first result is waited for: SciPy or workers may have to be started
SHARE, MOST_RESERVE = 0.6, 20.0  # of a limit of time for evaluating, unless more than so many seconds would be left
HOPELESS = 20  # evaluations without a single value after which no more are spent
MOST_BARREN = 3  # pools in a row whose processes died before a single call had ended
OF_ROWS = ("quantiles", "monotone", "periodic", "copies")  # what is known of the table of evaluations
TICK = 0.2  # seconds between two looks at the clock; a wait without an end may not be woken by Ctrl-C


@dataclass(frozen=True)
class Budget:
    """How an expensive function may be evaluated.

    evaluations: calls at most, those in the log included. executor: of `concurrent.futures`, or None: one by one, here.
    log: a file that each is appended to. timeout: seconds for each, counted from when a worker gets it.
    """

    evaluations: int
    executor: Any = None
    log: str | os.PathLike[str] | None = None
    timeout: float | None = None

    @classmethod
    def read(cls, budget: Any, executor: Any, log: Any, timeout: Any) -> Budget | None:
        """The arguments of fit; None where no budget was given. ArgumentError for what cannot be."""
        if budget is None:
            given = [n for n, v in (("executor", executor), ("log", log), ("timeout", timeout)) if v is not None]
            if given:
                raise ArgumentError(f"{given[0]}: goes with budget=N, the number of evaluations at most; give both")
            return None
        evaluations, timeout = whole_number("budget", budget, FEWEST), positive_number("timeout", timeout)
        made = not isinstance(executor, type)  # ThreadPoolExecutor itself is none yet
        if executor is not None and not (made and callable(getattr(executor, "submit", None))):
            raise ArgumentError(
                f"executor={executor!r} must be one of concurrent.futures, such as ProcessPoolExecutor(8), or have "
                "its method submit"
            )
        if timeout is not None and executor is None:
            raise ArgumentError(
                "timeout: a call that runs here cannot be ended; give executor=ThreadPoolExecutor(1) or a pool of "
                "processes"
            )
        return cls(evaluations, executor, log, timeout)


class _Here(Executor):
    """Calls at once, in this thread."""

    _max_workers = 1

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def gathered(
    target: Any, domain: Any, data: Sampling | None, seed: int, budget: Budget, *, time: float | None = None,
    began: float | None = None, callbacks: Sequence[Callback] = (), few: int = 0, journal: Journal | None = None,
) -> Problem:  # fmt: skip
    """The Problem of a function that was evaluated within a budget.

    The arguments are those of `pose` and `fit`; began: when the clock of `time` started. Callbacks hear of every
    evaluation (`Evaluated`) and may end them; so does Ctrl-C, and what there is is fitted. journal: where evaluations
    are kept, unless there is a log, from which they go on by themselves.

    ArgumentError: the target is no function, or cannot be sent to a worker. DataError: no evaluation gave a value.
    """
    call, box, source, code = _called(target, domain)
    taken = ("split", "test", "target_scale", "monotone", "periodic")
    if data is not None and data != Sampling(**{name: getattr(data, name) for name in taken}):
        raise ArgumentError(
            "data: a fit with a budget chooses its points itself; of a Sampling it takes split=, target_scale=, "
            "monotone= and periodic= alone"
        )
    _check_sendable(call, budget.executor)
    runs = Runs(box, log=budget.log, seed=seed, function=source["name"], code=code)
    most = budget.evaluations
    runs.first = most if most > PLENTY else max(min(FIRST_LEAST * box.dim, most), math.ceil(FILLING * most))
    began = clock.perf_counter() if began is None else began
    with notify_failure(callbacks, began):
        with runs.held():
            notes = Collector(runs, call, budget, time, began, callbacks, None if runs.log else journal).run()
        return posed_runs(runs, data, seed, source | {"budget": most}, notes, few)


def posed_runs(
    runs: Runs,
    data: Sampling | None,
    seed: int,
    source: dict[str, Any],
    notes: tuple[Sentence, ...] = (),
    few: int = 0,
) -> Problem:
    """The Problem of evaluations: that of a table of their rows, which knows how many there were."""
    table = runs.table()
    plan = Sampling() if data is None else data
    if len(table) < FEWEST_SPLIT and not few:  # after failures: what was evaluated is fitted, however little it is
        plan = replace(plan, split=(0.6, 0.2, 0.2) if len(table) >= FEWEST else (1.0, 0.0, 0.0))
    problem = pose(table, runs.box, plan, seed, few=few)
    said = {key: problem.source[key] for key in OF_ROWS if key in problem.source}
    known = source | said | {"evaluated": runs.counts()}
    return replace(problem, source=known, notes=(*runs.notes(), *notes, *problem.notes))


def _called(target: Any, domain: Any) -> tuple[Call, Domain, dict[str, Any], str | None]:
    """A target as a call, its domain, what it was as plain data, and the fingerprint of its source."""
    texts = formula_texts(target.text if isinstance(target, Formula) else target)
    if texts is not None:
        named = domain is not None and Domain.is_named(domain)
        box = needed_domain(domain, None if named else parse_many(texts)[0].variables or None)
        formulas = [f.text for f in parse_many(texts, box.names)]
        call = Call(FormulaFunction(formulas, box.names), ("matrix",))
        return call, box, {"kind": "formula", "text": formulas, "name": "; ".join(formulas)}, None
    if not callable(target) or hasattr(target, "columns"):
        raise ArgumentError(
            f"budget: goes with a function that can be evaluated; the target is a {type(target).__name__}, whose rows "
            "are all there"
        )
    box = needed_domain(domain, None)
    name = getattr(target, "__name__", type(target).__name__)
    called = by_name(target, box.names)
    return Call(called, ways_of(called, box.names)), box, {"kind": "callable", "name": name}, fingerprint(target)


def _check_sendable(call: Call, executor: Any) -> None:
    """ArgumentError where a function cannot be sent to the processes of the standard library."""
    if isinstance(executor, ProcessPoolExecutor):
        try:
            pickle.dumps(call)
        except Exception as error:
            raise _unsendable(error) from None


def _unsendable(error: BaseException) -> ArgumentError:
    return ArgumentError(
        f"executor: the function cannot be sent to another process ({type(error).__name__}: {error}); define it at the "
        "top of a module that can be imported, or use a ThreadPoolExecutor, or loky, which sends any function"
    )


class Collector:
    """Keeps the workers of an executor busy until the budget or the time is spent, and writes down what they find."""

    def __init__(
        self, runs: Runs, call: Call, budget: Budget, time: float | None, began: float, callbacks: Sequence[Callback],
        journal: Journal | None = None,
    ) -> None:  # fmt: skip
        self.journal = journal
        self.runs, self.call, self.budget, self.callbacks = runs, call, budget, callbacks
        self.executor = _Here() if budget.executor is None else budget.executor
        self.room = workers_of(self.executor)  # calls at once
        self.began, self.time = began, time
        self.deadline = math.inf if time is None else began + max(SHARE * time, time - MOST_RESERVE)
        if runs.log is not None and runs.log.header["way"] in call.ways:
            self.call = Call(call.f, (runs.log.header["way"],))
        self.calls = len(runs.runs)  # those of an earlier run are in the log
        self.fresh = 0  # evaluations that ended in this run
        self.flying: dict[Future[Result], tuple[np.ndarray, float, int]] = {}  # point, since when, calls at most
        self.queue: deque[np.ndarray] = deque()
        self.lengths: list[float] = []  # seconds of calls
        self.ended: Sentence | None = None  # why nothing more is started, before the budget is spent
        self.stopped = False  # nothing more is waited for either
        self.broken = False  # a process of the executor died, and it takes no more calls
        self.fresh_pools: list[ProcessPoolExecutor] = []  # that were made in its place
        self.barren = 0  # of these, how many in a row have given nothing yet

    def run(self) -> tuple[Sentence, ...]:
        """Evaluate; what the card should say of it beside failures."""
        try:
            while True:
                while self._may_start():
                    self._start()
                    self._collect(0.0)
                if not self.flying or self.stopped:
                    break
                self._collect(self._patience())
        except KeyboardInterrupt:
            self._end("sampling-interrupted")
        finally:
            for pool in self.fresh_pools:
                pool.shutdown(wait=False, cancel_futures=True)
        self._leave()
        renewed = (say("workers-renewed", count=len(self.fresh_pools)),) if self.fresh_pools else ()
        return renewed if self.ended is None else (*renewed, self.ended)

    # --- starting ---

    def _may_start(self) -> bool:
        if self.ended is not None or self.calls >= self.budget.evaluations or len(self.flying) >= self.room:
            return False
        if self.broken and (self.flying or not self._renewed()):
            return False
        if len(self.call.ways) > 1 and (self.flying or self.calls + len(self.call.ways) > self.budget.evaluations):
            return False  # how it wants to be called is still to be seen
        if clock.perf_counter() + self._expected() > self.deadline and (self.lengths or self.flying):
            if self.fresh:
                self._end("sampling-time", stopped=False, time=self.time)
            return False
        return True

    def _renewed(self) -> bool:
        """Whether a fresh pool of processes is in the place of one that broke."""
        pool = another(self.executor) if self.barren < MOST_BARREN else None
        if pool is None:
            left = self.budget.evaluations - self.calls
            if self.runs.log is None:
                self._end("workers-died", stopped=False, left=left)
            else:
                self._end("workers-died-log", stopped=False, left=left, log=self.runs.log.path.name)
            return False
        self.fresh_pools.append(pool)
        self.executor, self.room, self.broken = pool, workers_of(pool), False
        self.barren += 1
        return True

    def _expected(self) -> float:
        """Seconds that a call takes, where it would be waited for."""
        return statistics.median(self.lengths) if self.lengths else 0.0

    def _end(self, code: str, stopped: bool = True, **values: Any) -> None:
        """Start nothing more; stopped: and wait for nothing."""
        self.stopped |= stopped
        if self.ended is None:
            self.ended = say(code, count=len(self.runs.runs), budget=self.budget.evaluations, **values)

    def _start(self) -> None:
        left = self.budget.evaluations - self.calls
        if not self.queue:
            batch = max(self.room, self.budget.evaluations // BATCHES, 1)
            filling = self.runs.first - len(self.runs.runs) - len(self.flying)
            self.queue.extend(self.runs.ask(min(left, filling if filling > 0 else batch)))
        point = self.queue.popleft()
        most = min(left, len(self.call.ways))
        self.calls += most
        try:
            future = self._known(point) or self.executor.submit(self.call, point, most)
        except (BrokenExecutor, RuntimeError) as error:  # RuntimeError: it was shut down
            self.calls -= most
            self.runs.withdraw(point)
            if not self.fresh and not isinstance(error, BrokenExecutor):
                raise ArgumentError(f"executor: it takes no calls ({error}); fit inside of its with block") from None
            self.broken = True
            return
        self.flying[future] = (point, clock.perf_counter(), most)

    def _known(self, point: np.ndarray) -> Future[Result] | None:
        """The call at a point that an earlier process has made."""
        known = None if self.journal is None else self.journal.find(key_of("call", point))
        if known is None:
            return None
        future: Future[Result] = Future()
        future.set_result(Result(*known))
        return future

    # --- collecting ---

    def _patience(self) -> float:
        """Seconds to wait for the next result at most."""
        return TICK if self.budget.timeout is None else min(TICK, self.budget.timeout / 4)

    def _collect(self, seconds: float) -> None:
        """Write down what has ended; give up what takes too long."""
        done, _ = wait(self.flying, timeout=seconds, return_when=FIRST_COMPLETED)
        for future in done:
            self._ended(future)
        now = clock.perf_counter()
        if self.budget.timeout is not None:
            for future, (point, since, _) in list(self.flying.items()):
                if now - since > self.budget.timeout:
                    del self.flying[future]
                    future.cancel()
                    self.room -= 1  # its worker may be busy with it without end
                    self._note(point, Result((), now - since, f"it took longer than {self.budget.timeout:g} s"))
            if self.room <= 0:
                self._end("workers-hang")
        if now > self.deadline + (0.0 if self.fresh else GRACE):
            self._end("sampling-time", time=self.time)

    def _ended(self, future: Future[Result]) -> None:
        """What came of a call; the errors of the function itself are results."""
        point, _, most = self.flying.pop(future)
        error = future.exception()
        if isinstance(error, KeyboardInterrupt):  # Ctrl-C is heard by worker processes too
            self.runs.withdraw(point)
            self._end("sampling-interrupted")
            return
        if isinstance(error, BrokenExecutor):  # a worker process died of this call, or of another in flight with it
            result = Result((), math.nan, "the process that evaluated it died")
            self.broken = True
        elif error is not None and not self.fresh:
            self._leave()
            raise _unsendable(error) from None
        elif error is not None:
            result = Result((), math.nan, f"{type(error).__name__}: {error}")
        else:
            result, self.barren = future.result(), 0
            if self.journal is not None:
                self.journal.keep(key_of("call", point), tuple(result))
            self.calls -= most - result.calls
        if result.way is not None and len(self.call.ways) > 1:
            self.call = Call(self.call.f, (result.way,))
            if self.runs.log is not None:
                self.runs.log.header["way"] = result.way
        self._note(point, result)

    def _note(self, point: np.ndarray, result: Result) -> None:
        """One evaluation, on the disk and told."""
        known = self.runs.width or len(result.y) or 1
        if result.y and len(result.y) != known:
            error = f"it gave {len(result.y)} values, and {known} elsewhere"
            result = result._replace(y=(), error=error)
        self.fresh += 1
        if self.fresh == 1 and self.time is not None:  # what it took to get going is not charged
            self.deadline = max(self.deadline, clock.perf_counter() + LEAST_SHARE * self.time)
        if math.isfinite(result.seconds):
            self.lengths.append(result.seconds)
        y = result.y or (math.nan,) * known
        try:
            self.runs.tell(point, y, seconds=result.seconds, error=result.error)
        except DataError as error:  # a full disk: what was evaluated is fitted
            self._end("log-failed", why=str(error).removeprefix("log: "))
        event = Evaluated(
            len(self.runs.runs), self.budget.evaluations, len(self.runs.failed), clock.perf_counter() - self.began,
            tuple(point.tolist()), result.y, result.error,
        )  # fmt: skip
        if notify(self.callbacks, event):
            self._end("sampling-callback")
        if len(self.runs.runs) == len(self.runs.failed) >= HOPELESS:
            self.flying.clear()
            first = self.runs.where(self.runs.runs[0])
            raise DomainError(
                f"none of the first {len(self.runs.runs)} evaluations gave a value; the first, at {first}. Correct the "
                "function, or shrink the domain"
            )

    def _leave(self) -> None:
        """Take back what has not begun, and write down what has ended meanwhile."""
        for future, (point, _, _) in list(self.flying.items()):
            if future.cancel():
                self.runs.withdraw(point)
                del self.flying[future]
            elif future.done():
                self._ended(future)
        self.flying.clear()


__all__ = ["Budget", "Collector", "gathered", "posed_runs"]
