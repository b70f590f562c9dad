"""`tune`: settings of a fit searched through with Optuna, each trial a fit of its own."""

from __future__ import annotations

import csv
import hashlib
import html
import inspect
import io
import itertools
import math
import multiprocessing
import os
import pickle
import signal
import time as clock
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surefit.attempts.journal import key_of
from surefit.attempts.methods import method_from
from surefit.checking import positive_number, whole_number
from surefit.data.sources import parquet_files, raw_of
from surefit.errors import ArgumentError, MissingExtraError, SurefitError
from surefit.files import write_atomically
from surefit.fitting.api import fit
from surefit.fitting.fitted import Fit
from surefit.nn.mlp import activation_module
from surefit.problems.posing import formula_texts
from surefit.reports.display import shown, write
from surefit.reports.provenance import text_of
from surefit.studies.comparison import SHOWN, SHOWN_OF_CLASSES, begin, heard, held, loss_of, measure_of
from surefit.studies.settings import arguments_of, words_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOGGED = b'{"op_code":'  # how each line of a journal of Optuna begins
SEARCH: dict[str, Any] = {"units": (4, 64, "log"), "layers": (1, 3), "activation": ["tanh", "silu", "sin"]}
ONE_LAYER: dict[str, Any] = {"units": SEARCH["units"], "activation": SEARCH["activation"]}
VARIED: dict[str, dict[str, Any]] = {
    "features": ONE_LAYER,
    "varpro": ONE_LAYER,
    "additive": {"units": (4, 32, "log")},
}  # methods of one layer
VARIED |= {"polynomial": {"degree": [1, 2]}}
RATES = {"lr": (1e-4, 1e-1, "log")}  # beside these, of Adam and its kin
STUDY = "surefit"  # its name in a journal
COLUMNS = ("number", "status", "loss", "max_error", "rmse", "parameters", "seconds", "settings")
INTERRUPTED = "interrupted"  # why a trial has no numbers that Ctrl-C ended; whoever goes on makes another
LISTENED = 0.5  # seconds between two looks at what other processes have done
MOST_SHOWN = 10  # trials in a table, the best


def tune(
    what: Any,
    domain: Any = None,
    search: Mapping[str, Any] | None = None,
    *,
    trials: int = 30,
    time: float | None = None,
    journal: str | os.PathLike[str] | None = None,
    processes: int = 1,
    seed: int = 0,
    callback: Callable[[Trial], Any] | None = None,
    progress: bool | None = None,
    **arguments: Any,
) -> Tuning:
    """Search sizes, activations, methods and their settings for the best fit of one target.

    Each trial is one call of `fit` with the same seed, so that all see the same data. It is judged as candidates within
    a fit are: a known function by its largest error, measured data by the rows by which the network was chosen; test
    rows have no part in it. What is tried next Optuna decides (`pip install "surefit[tune]"`): its tree-structured
    Parzen estimator (Bergstra et al., "Algorithms for hyper-parameter optimization", NIPS 2011).

    Args:
        what, domain: the target, as for `fit`.
        search: what is varied, by name: a list of choices, (low, high), or (low, high, "log"), whole numbers where both
            ends are. Names are those of `compare`: `units` and `layers` or `hidden`, `activation`, `method`, `lr`,
            `epochs` and all else that `fit` or a method takes. None: 4 to 64 units, 1 to 3 layers, three activations,
            and the learning rate of a method that has one.
        trials: how many; those that a journal holds count.
        time: seconds in all.
        journal: a file that keeps every trial. The same call goes on from it, and several at once share it.
        processes: how many work at the same time, on this machine. A target that cannot be sent to them (a lambda)
            needs 1. A trial whose process dies has failed, and fresh ones go on with the others.
        seed: of the fits, and of the search. With one process the same seed gives the same trials.
        callback: called with each `Trial` that ends here, or in a process of this call; returning True stops.
        progress: a line that tells which trial of how many it is, and how far; see `fit`. Of several processes, a line
            for each trial that has ended.
        arguments: for all trials, as for `fit`. With `tol` the search ends with the first fit within it.

    Returns:
        A `Tuning`. A trial that fails is a row with its error. Ctrl-C ends the search and keeps what there is; the
        trial that was being made does not count.

    Raises:
        MissingExtraError: without Optuna. ArgumentError: a search that nothing has a setting for, a journal of another
            search. If all trials fail, the error of the first.

    >>> import surefit
    >>> found = surefit.tune("sin(x)", "x=-3:3", {"hidden": [2, 16]}, trials=3, method="features")
    >>> found.settings, len(found.trials)
    ({'hidden': 16}, 3)
    """
    trials, seed = whole_number("trials", trials, 1), whole_number("seed", seed, 0)
    processes, time = whole_number("processes", processes, 1), positive_number("time", time)
    if callback is not None and not callable(callback):
        raise ArgumentError(f"callback={callback!r} must be a function of a trial")
    what = held(what)
    space = _space(search, arguments)
    end = None if time is None else clock.time() + time
    about = {} if journal is None else _identity(what, domain, space, arguments, seed)
    job = Job(what, domain, space, dict(arguments), seed, trials, end, about)
    _check(job)
    with _optuna() as optuna, shown(progress, None) as displays:
        if processes == 1:
            path = None if journal is None else Path(journal)
            study = _study(optuna, path, job)
            best, interrupted = _work(optuna, study, job, callback, displays=displays)
        else:
            best = None
            study, interrupted = _in_processes(optuna, job, processes, journal, _telling(job, callback, bool(displays)))
        found = tuple(
            _trial(one, space) for one in study.trials if one.state.is_finished() and not _was_interrupted(one)
        )
    done = [one for one in found if one.status == "done"]
    if not done:
        if interrupted:
            raise KeyboardInterrupt
        if not found:
            if time is None:
                raise ArgumentError(
                    f"processes={processes}: they ended before a single trial did, as those of a script without "
                    "`if __name__ == '__main__':` around its call of tune; write that, or give processes=1"
                )
            raise ArgumentError(f"time={time}: no trial ended within it; give more time")
        raise ArgumentError(f"tune: all {len(found)} trials failed; the first with {found[0].status}")
    least = min(done, key=lambda one: one.loss)
    if best is None or best[0] != least.number:  # of another process, or of an earlier run: the same fit again
        again = heard(arguments_of(job.arguments | least.settings), ())
        best = (least.number, fit(what, domain, seed=seed, **again))
    return Tuning(found, best[1], least.settings, study, interrupted)


@dataclass(frozen=True)
class Job:
    """A search, as it can be sent to another process.

    end: when it is over, by the clock of the machine. identity: which search it is, for a journal.
    """

    what: Any
    domain: Any
    space: dict[str, Any]
    arguments: dict[str, Any]
    seed: int
    trials: int
    end: float | None
    identity: dict[str, str]


def _identity(
    what: Any, domain: Any, space: Mapping[str, Any], arguments: Mapping[str, Any], seed: int
) -> dict[str, str]:
    """Which search it is, for a journal: what is fitted, to which values, where, with what, and what is varied."""
    found = {
        "target": text_of(what) or type(what).__name__, "values": _values(what), "domain": _said(domain),
        "search": repr(space), "seed": str(seed),
    }  # fmt: skip
    return found | {name: _said(value) for name, value in arguments.items() if name != "callbacks"}


def _values(what: Any) -> str:
    """What tells the values that are fitted from others under the same name: a table's own, a function's code."""
    if isinstance(what, str | os.PathLike) and os.path.exists(what):
        path = Path(what)
        return key_of("files", [_content(file) for file in (parquet_files(path) if path.is_dir() else [path])])
    if isinstance(what, str | os.PathLike) or formula_texts(what) is not None:
        return "formula"
    if callable(what):
        return key_of("function", [what, _constants(what)])
    raw = raw_of(what)
    return key_of("table", [raw.names, [column if _is_array(column) else list(column) for column in raw.columns]])


def _content(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _constants(function: Any) -> list[Any]:
    """The numbers, texts and arrays around a function that it uses: k of `lambda x: sin(k*x)`."""
    if not inspect.isfunction(function):
        return []
    around = inspect.getclosurevars(function)
    plain = int | float | complex | str | bytes | tuple | np.ndarray | np.generic | None
    named = [(name, value) for name, value in sorted({**around.globals, **around.nonlocals}.items())]
    return [*(pair for pair in named if isinstance(pair[1], plain)), function.__defaults__, function.__kwdefaults__]


def _is_array(column: Any) -> bool:
    return isinstance(column, np.ndarray) and not isinstance(column, np.ma.MaskedArray)


def _said(value: Any) -> str:
    """An argument as a text that tells it from others."""
    return text_of(value) or key_of(type(value).__name__, value)


# --- what is searched -------------------------------------------------------------------------------------------------


def _space(search: Mapping[str, Any] | None, arguments: Mapping[str, Any]) -> dict[str, Any]:
    if search is None:
        network = any(name in arguments for name in ("model", "hidden", "units"))
        search = {} if network else {k: v for k, v in SEARCH.items() if k not in arguments}
        method = arguments.get("method", "adam")
        of_method = VARIED.get(method_from(method).name)
        if of_method is not None and not network:
            search = {k: v for k, v in (SEARCH | of_method).items() if k in of_method and k not in arguments}
        if "lr" in arguments_of({"method": method})["method"].settings() and "lr" not in arguments:
            search = search | RATES
    if not isinstance(search, Mapping) or not search:
        raise ArgumentError(
            f'search={search!r} must be a dict of what is varied, such as {{"units": (4, 64, "log"), "activation": '
            '["tanh", "sin"]}'
        )
    for name, range_ in search.items():
        if name in arguments:
            raise ArgumentError(f"search: {name} is given as an argument as well; leave one out")
        _check_range(name, range_)
    return dict(search)


def _check_range(name: str, range_: Any) -> None:
    if isinstance(range_, list) and range_:
        return
    numbers = isinstance(range_, tuple) and len(range_) in (2, 3) and all(_is_number(n) for n in range_[:2])
    if not numbers or not range_[0] < range_[1] or (len(range_) == 3 and range_[2] != "log"):
        raise ArgumentError(
            f'search: {name}={range_!r} must be a list of choices, (low, high) with low < high, or (low, high, "log")'
        )
    if len(range_) == 3 and range_[0] <= 0:
        raise ArgumentError(f'search: {name}={range_!r} is logarithmic and must begin above 0; leave "log" out')


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and math.isfinite(value)


def _check(job: Job) -> None:
    """ArgumentError for a name that nothing has, and a choice that no trial can take, before anything is fitted."""
    first = {name: range_[0] for name, range_ in job.space.items()}
    arguments_of(job.arguments | first)
    for name in ("method", "hidden", "activation"):
        choices = job.space.get(name, ())
        for choice in choices if isinstance(choices, list) else ():
            arguments_of({name: choice})
            layers = choice if isinstance(choice, tuple | list) else (choice,)
            for one in layers if name == "activation" else ():
                if one not in ("auto", None):
                    activation_module(one)


def _suggested(trial: Any, space: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a trial. Choices that are no plain numbers or texts are given to Optuna by their places."""
    found: dict[str, Any] = {}
    for name, range_ in space.items():
        if isinstance(range_, list):
            choices = range_ if _are_plain(range_) else [str(i) for i in range(len(range_))]
            found[name] = _chosen(range_, trial.suggest_categorical(name, choices))
        elif all(isinstance(end, int | np.integer) for end in range_[:2]):
            found[name] = trial.suggest_int(name, int(range_[0]), int(range_[1]), log=len(range_) == 3)
        else:
            found[name] = trial.suggest_float(name, float(range_[0]), float(range_[1]), log=len(range_) == 3)
    return found


def _are_plain(choices: list[Any]) -> bool:
    return all(isinstance(choice, str | int | float | bool | None) for choice in choices)


def _chosen(range_: Any, known: Any) -> Any:
    """What Optuna knows as `known`: the choice at this place, or the value itself."""
    return range_[int(known)] if isinstance(range_, list) and not _are_plain(range_) else known


# --- Optuna -----------------------------------------------------------------------------------------------------------


@contextmanager
def _optuna() -> Iterator[Any]:
    """Optuna, silent while it is used."""
    try:
        import optuna
    except ImportError as error:
        raise MissingExtraError('tune needs Optuna: pip install "surefit[tune]"') from error
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield optuna
    finally:
        optuna.logging.set_verbosity(before)


def _study(optuna: Any, journal: Path | None, job: Job, worker: int = 0) -> Any:
    """The study of a search, new or as a journal holds it. ArgumentError: the journal is of another search."""
    storage = None
    if journal is not None:
        if not journal.parent.is_dir() or journal.is_dir():
            raise ArgumentError(f"journal={str(journal)!r} must be a file in a folder that exists")
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock, JournalFileSymlinkLock

        kind = JournalFileOpenLock if os.name == "nt" else JournalFileSymlinkLock  # Windows has no symbolic links
        lock = kind(str(journal))
        _without_half_a_line(journal, lock)
        storage = JournalStorage(JournalFileBackend(str(journal), lock_obj=lock))
    sampler = optuna.samplers.TPESampler(seed=job.seed + 1000 * worker, constant_liar=True, multivariate=True)
    study = optuna.create_study(storage=storage, sampler=sampler, study_name=STUDY, load_if_exists=True)
    found = study.user_attrs.get("search")
    if found is None:
        study.set_user_attr("search", job.identity)
    elif found != job.identity:
        raise ArgumentError(f"journal: {str(journal)!r} holds another search, {_difference(found, job.identity)}")
    return study


def _difference(found: Any, asked: Mapping[str, str]) -> str:
    """In what the search of a journal differs from the one that is asked for, and what to do."""
    known = found if isinstance(found, dict) else {}
    name = next((name for name in (*asked, *known) if known.get(name) != asked.get(name)), "target")
    if name == "values":
        return "of other values under the same name; give another file"
    there, here = (each.get(name, "none")[:80] for each in (known, asked))
    return f"whose {name} is {there} and not {here}; give another file"


def _without_half_a_line(journal: Path, lock: Any) -> None:
    """Take a last line away that was cut off as it was written, by a kill or a full disk: what follows it nobody reads.

    ArgumentError: it is a file of something else.
    """
    if not journal.exists():
        return
    lock.acquire()  # or another process may be writing that line
    try:
        with journal.open("rb+") as file:
            content = file.read()
            if content and not content.startswith(LOGGED[: len(content)]):
                raise ArgumentError(
                    f"journal: {str(journal)!r} exists and is no journal of a search; give another file"
                )
            if not content.endswith(b"\n"):
                file.truncate(content.rfind(b"\n") + 1)
    finally:
        lock.release()


def _work(
    optuna: Any, study: Any, job: Job, callback: Callable[[Trial], Any] | None = None, most: int | None = None,
    call: str = "", displays: Sequence[Any] = (),
) -> tuple[tuple[int, Fit] | None, bool]:  # fmt: skip
    """Trials until there are enough, `most` of them here: the best of these, its number and fit; whether interrupted.

    call: by what the trials of one call of `tune` are known, in a journal that several share. displays: of the fits.
    """
    best: tuple[int, Fit] | None = None
    trial, least, own = None, math.inf, 0
    try:
        while own != most and _counted(study) < job.trials:
            own += 1
            left = None if job.end is None else job.end - clock.time()
            if left is not None and left <= 0:
                break
            trial = study.ask()
            trial.set_user_attr("call", call)
            settings = _suggested(trial, job.space)
            trial.set_user_attr("settings", {name: text_of(value) or str(value) for name, value in settings.items()})
            same = next((one for one in _ended(study) if one.params == trial.params and one.value is not None), None)
            if same is not None:  # the same fit again would give the same
                trial.set_user_attr("found", same.user_attrs["found"])
                ended = study.tell(trial, same.value)
                if callback is not None and callback(_trial(ended, job.space)) is True:
                    break
                continue
            ended, found = _tried(optuna, study, job, trial, settings, left, displays)
            if found is not None and ended.value < least:
                least, best = ended.value, (trial.number, found)
            reached = found is not None and bool(found.reached)
            if reached or (callback is not None and callback(_trial(ended, job.space)) is True):
                break
    except KeyboardInterrupt:  # what there is is kept, and the trial under way is made by whoever goes on
        if trial is not None:
            trial.set_user_attr("failed", INTERRUPTED)
            study.tell(trial, state=optuna.trial.TrialState.FAIL, skip_if_finished=True)
        return best, True
    return best, False


def _tried(
    optuna: Any, study: Any, job: Job, trial: Any, settings: dict[str, Any], left: float | None,
    displays: Sequence[Any],
) -> tuple[Any, Fit | None]:  # fmt: skip
    """One trial as Optuna knows it when it has ended, and its fit; of one that failed None. left: seconds for it.

    KeyboardInterrupt: it was interrupted, and its numbers say nothing of its settings. ArgumentError: it is judged by
    another kind of error than the trials before it.
    """
    try:
        asked = arguments_of(job.arguments | settings)
        if left is not None:
            asked["time"] = min(left, asked.get("time") or left)
        begin(displays, asked, f"{_counted(study) + 1}/{job.trials}  {words_of(settings)}:  ")
        found = fit(job.what, job.domain, seed=job.seed, **heard(asked, displays))
        if found.interrupted:
            raise KeyboardInterrupt
        loss = loss_of(found)
        if not math.isfinite(loss):
            raise ArgumentError("its loss is not finite")
    except SurefitError as error:
        trial.set_user_attr("failed", f"{type(error).__name__}: {error}")
        return study.tell(trial, state=optuna.trial.TrialState.FAIL), None
    measure = measure_of(found)
    others = {one.user_attrs.get("measure", measure) for one in _ended(study)} - {measure}
    if others:
        trial.set_user_attr("failed", "judged by another kind of error")
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
        raise ArgumentError(
            f"search: with {words_of(settings)} fits are chosen by {measure}, and before by {others.pop()}, which say "
            "nothing of each other; search one kind, or see them side by side with compare"
        )
    trial.set_user_attr("measure", measure)
    trial.set_user_attr("found", _numbers(found))
    return study.tell(trial, loss), found


def _ended(study: Any) -> list[Any]:
    return [one for one in study.get_trials(deepcopy=False) if one.state.is_finished()]


def _counted(study: Any) -> int:
    """How many trials were made; one that was interrupted was not."""
    return sum(not _was_interrupted(one) for one in _ended(study))


def _was_interrupted(one: Any) -> bool:
    return bool(one.user_attrs.get("failed") == INTERRUPTED)


def _numbers(found: Fit) -> dict[str, Any]:
    return {
        "max_error": found.error.max, "rmse": found.error.rmse, "parameters": found.network.num_parameters(),
        "seconds": found.seconds,
        "accuracy": None if found.classified is None else found.classified.accuracy,
        "log_loss": None if found.classified is None else found.classified.log_loss,
    }  # fmt: skip


def _telling(job: Job, callback: Callable[[Trial], Any] | None, lines: bool) -> Callable[[Trial], Any]:
    """What is called with each trial of another process. lines: whether it writes one."""
    done = itertools.count(1)

    def tell(trial: Trial) -> Any:
        if lines:
            loss = f"{trial.loss:.3g}" if trial.status == "done" else trial.status
            write(f"trial {next(done)}/{job.trials}  {loss}  {words_of(trial.settings)}\n")
        return None if callback is None else callback(trial)

    return tell


def _in_processes(
    optuna: Any, job: Job, processes: int, journal: str | os.PathLike[str] | None, tell: Callable[[Trial], Any]
) -> tuple[Any, bool]:  # fmt: skip
    """The study after several processes have worked on it, by way of a journal; whether they were interrupted."""
    try:
        pickle.dumps(job)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise ArgumentError(
            f"processes={processes}: the target or an argument cannot be sent to another process ({error}); define "
            "functions in a module, or give processes=1"
        ) from None
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.log" if journal is None else Path(journal)
        shared = _study(optuna, path, job)  # made before all others, which then find it
        there, told = _counted(shared), {one.number for one in _ended(shared)}
        context = multiprocessing.get_context("spawn")
        call, trials = uuid.uuid4().hex, job.trials - there
        others, interrupted = set(multiprocessing.active_children()), False
        for first in itertools.count(1, processes):  # once, unless a process dies
            before = trials
            shares = [max(0, trials + i) // processes for i in range(processes)]  # together none too many
            try:
                with ProcessPoolExecutor(processes, mp_context=context) as pool:
                    asked = [
                        pool.submit(_worker, path, job, first + i, most, call) for i, most in enumerate(shares) if most
                    ]
                    ended = False
                    try:
                        ended = _ended_by_themselves(asked, shared, job, call, tell, told)
                    finally:
                        if not ended:  # they hear of it from here alone, and end their trials
                            for process in set(multiprocessing.active_children()) - others:
                                process.terminate()
                if not ended:
                    _fail(optuna, _study(optuna, path, job), call, INTERRUPTED)
                break
            except KeyboardInterrupt:
                interrupted = True
                _fail(optuna, _study(optuna, path, job), call, INTERRUPTED)
                break
            except BrokenExecutor as error:
                _fail(optuna, _study(optuna, path, job), call)
                trials = job.trials - _counted(_study(optuna, path, job))
                if trials == before:
                    raise ArgumentError(
                        f"processes={processes}: they die before a single trial ({error}), as of too little memory, or "
                        "of a script without `if __name__ == '__main__':`; give fewer, or processes=1"
                    ) from None
        study = _study(optuna, path, job)
        if journal is not None:
            return study, interrupted
        copy = optuna.create_study()
        copy.add_trials(study.get_trials(deepcopy=True))
        return copy, interrupted


def _ended_by_themselves(
    asked: Sequence[Future[None]], study: Any, job: Job, call: str, tell: Callable[[Trial], Any], told: set[int]
) -> bool:
    """Wait for processes, and tell their trials as they end; False: `tell` wants no more. told: those that it knows."""
    while True:
        running = wait(asked, timeout=LISTENED).not_done
        for one in _ended(study):
            if one.number not in told and one.user_attrs.get("call") == call and not _was_interrupted(one):
                told.add(one.number)
                if tell(_trial(one, job.space)) is True:
                    return False
        if not running:
            break
    for done in asked:
        done.result()
    return True


def _worker(path: Path, job: Job, number: int, most: int, call: str) -> None:
    with _interrupted_by_parent(), _optuna() as optuna:
        _work(optuna, _study(optuna, path, job, number), job, most=most, call=call)


@contextmanager
def _interrupted_by_parent() -> Iterator[None]:
    """Within the block SIGTERM, which the parent sends, interrupts once, and Ctrl-C does not.

    That reaches a process where a terminal sends it to all, and not where a notebook or `kill` sends it to the parent.
    """

    def interrupt(number: int, frame: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    except KeyboardInterrupt:  # between two trials
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _fail(optuna: Any, study: Any, call: str, why: str | None = None) -> None:
    """End the trials of a call that went with their processes: they are tried once, but for those interrupted."""
    running = (optuna.trial.TrialState.RUNNING,)
    for one in study.get_trials(deepcopy=False, states=running):
        if one.user_attrs.get("call") == call:
            if why is not None:
                study._storage.set_trial_user_attr(one._trial_id, "failed", why)
            study.tell(one.number, state=optuna.trial.TrialState.FAIL)


# --- what comes of it -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trial:
    """One fit of a search. status: "done", or the error that ended it. loss: by which it is judged.

    accuracy, log_loss: of a fit of classes, as its card tells them; else None.
    """

    number: int
    status: str
    settings: dict[str, Any]
    loss: float = math.nan
    max_error: float = math.nan
    rmse: float = math.nan
    parameters: int = 0
    seconds: float = math.nan
    accuracy: float | None = None
    log_loss: float | None = None


def _trial(one: Any, space: Mapping[str, Any]) -> Trial:
    """A trial of Optuna, with the choices themselves for the places by which it knows them."""
    settings = {name: _chosen(space[name], value) for name, value in one.params.items()}
    failed = one.user_attrs.get("failed")
    if failed is None and one.value is None:
        failed = "its process died"
    if failed is not None:
        return Trial(one.number, failed, settings)
    return Trial(one.number, "done", settings, float(one.value), **one.user_attrs["found"])


def _shown(number: float | None) -> str:
    return "" if number is None else f"{number:.3g}"


@dataclass(frozen=True, eq=False)
class Tuning:
    """What a search found.

    trials: all that ended, in order. best: the `Fit` of the best, settings: what it was made with. study: Optuna's own,
    for its further pictures and tables. interrupted: whether Ctrl-C ended it; with the same journal it goes on.
    """

    trials: tuple[Trial, ...]
    best: Fit
    settings: dict[str, Any]
    study: Any = field(repr=False)
    interrupted: bool = False

    def table(self) -> dict[str, list[Any]]:
        """One row for each trial as columns, settings too: `pandas.DataFrame(found.table())`."""
        names = list(dict.fromkeys(name for one in self.trials for name in one.settings))
        of_classes = list(SHOWN_OF_CLASSES) if self.best.classified is not None else []
        keys = [*COLUMNS[:-1], *of_classes]
        columns: dict[str, list[Any]] = {key: [getattr(one, key) for one in self.trials] for key in keys}
        return columns | {name: [one.settings.get(name) for one in self.trials] for name in names}

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write one row for each trial. The file appears whole or not at all."""
        columns = self.table()
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
        return write_atomically(Path(path), text.getvalue())

    def _ranked(self) -> list[Trial]:
        return sorted((one for one in self.trials if one.status == "done"), key=lambda one: one.loss)

    def plot(self, title: str | None = None) -> Figure:
        """The loss of each trial and the least so far; beside it the loss against each setting that is a number."""
        from surefit import view
        from surefit.view.language import say

        done = [one for one in self.trials if one.status == "done"]
        losses = np.array([one.loss for one in done])
        numbers = np.array([one.number for one in done])
        least = np.minimum.accumulate(losses)
        both = [
            view.Curve(numbers, losses, say("trials"), "points"),
            view.Curve(numbers, least, say("the least so far"), "steps"),
        ]
        log = "y" if (losses > 0).all() else ""
        panels = [view.Panel(both, say("trial"), say("loss"), log=log)]
        for name in done[0].settings:
            values = [one.settings.get(name) for one in done]
            kinds: list[str] = []
            wide = False
            if all(_is_number(value) for value in values):
                x = np.array(values, np.float64)
                wide = bool((x > 0).all() and x.max() > 20 * x.min())
            else:
                kinds = list(dict.fromkeys(map(str, values)))
                x = np.array([kinds.index(str(value)) for value in values], np.float64)
            dots = view.Curve(x, losses, "", "points")
            panels.append(view.Panel([dots], name, say("loss"), log="x" * wide + log, kinds=kinds))
        return view.chart(panels, title=title or self.best.target)

    def cells(self) -> tuple[list[str], list[list[str]]]:
        """Headings and cells of the best trials."""
        ranked = self._ranked()[:MOST_SHOWN]
        shown = SHOWN if self.best.classified is None else SHOWN_OF_CLASSES
        head = ["trial", "loss", *shown.values(), "parameters", "seconds", "settings"]
        cells = [
            [
                str(one.number), f"{one.loss:.3g}", *(_shown(getattr(one, key)) for key in shown), str(one.parameters),
                f"{one.seconds:.2g}", words_of(one.settings),
            ]
            for one in ranked
        ]  # fmt: skip
        return head, cells

    @property
    def _ended(self) -> str:
        return ", interrupted" if self.interrupted else ""

    def _note(self) -> str:
        failed = sum(one.status != "done" for one in self.trials)
        return f"{self.best.target}: {len(self.trials)} trials" + (f", {failed} failed" if failed else "") + self._ended

    def __repr__(self) -> str:
        head, cells = self.cells()
        widths = [max(len(line[j]) for line in [*cells, head]) for j in range(len(head))]
        lines = []
        for line in (head, *cells):
            *numbers, last = line
            lines.append("  ".join([*(n.rjust(w) for n, w in zip(numbers, widths, strict=False)), last]))
        return "\n".join([self._note(), *lines])

    def _repr_html_(self) -> str:
        head, cells = self.cells()
        rows = [
            "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in line) + "</tr>"
            for tag, line in [("th", head), *(("td", own) for own in cells)]
        ]
        top = f"<caption>{html.escape(self._note())}</caption>"
        return f"<table>{top}<thead>{rows[0]}</thead><tbody>{''.join(rows[1:])}</tbody></table>"


__all__ = ["Trial", "Tuning", "tune"]
