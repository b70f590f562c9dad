"""One BLAS thread inside a block, the former number after it: nested, at once in several threads, in forks."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import surefit
from surefit import solvers
from surefit.blas import one_thread
from surefit.solvers.gradients import gradient_features, solve_gradient_output


def threads() -> set[int]:
    """What threadpoolctl sees, which looks for the libraries itself."""
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def three():
    with threadpool_limits(3, user_api="blas"):
        yield


def test_one_thread_inside_a_block_and_the_former_number_after_it():
    with one_thread():
        assert threads() == {1}
        with one_thread():
            assert threads() == {1}
        assert threads() == {1}
    assert threads() == {3}


def test_the_former_number_comes_back_after_an_error():
    with pytest.raises(ValueError, match="mine"), one_thread():
        raise ValueError("mine")
    assert threads() == {3}


def test_a_block_that_ends_does_not_end_the_limit_of_another_thread():
    inside, done = threading.Event(), threading.Event()
    seen: list[set[int]] = []

    def other() -> None:
        with one_thread():
            inside.set()
            done.wait(10)
            seen.append(threads())

    thread = threading.Thread(target=other)
    with one_thread():
        thread.start()
        assert inside.wait(10)
    assert threads() == {1}  # the other is still inside
    done.set()
    thread.join()
    assert seen == [{1}] and threads() == {3}


def test_many_threads_that_enter_and_leave_at_once():
    wrong: list[set[int]] = []

    def work() -> None:
        for _ in range(200):
            with one_thread():
                pass
        with one_thread():
            if threads() != {1}:
                wrong.append(threads())

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong and threads() == {3}


def _fit(found: set[int]) -> dict[str, object]:
    """A call of each public solver; what the caller's function sees goes to `found`."""
    t = np.linspace(-1, 1, 30)
    y = np.sin(2 * t)[:, None]

    def look() -> None:
        found.update(threads())

    def residuals(x: np.ndarray) -> np.ndarray:
        look()
        return x[0] * t - y[:, 0]

    def squares(x: np.ndarray) -> tuple[float, np.ndarray]:
        look()
        return float(x @ x), 2 * x

    def phi(theta: np.ndarray) -> np.ndarray:
        look()
        return np.stack([np.tanh(theta[0] * t), np.ones_like(t)], axis=1)

    def slope(theta: np.ndarray, c: np.ndarray) -> np.ndarray:
        return (c[0] * (1 - np.tanh(theta[0] * t[:, None]) ** 2) * t[:, None])[:, :, None]

    def activation(z: np.ndarray) -> np.ndarray:
        look()
        return np.tanh(z)

    def both(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return activation(z), 1 - np.tanh(z) ** 2

    x, gradients = t[:, None], 2 * np.cos(2 * t)[:, None, None]
    return {
        "levenberg_marquardt": lambda: solvers.levenberg_marquardt(residuals, [1.0]),
        "gauss_newton": lambda: solvers.gauss_newton(residuals, [1.0]),
        "lbfgs": lambda: solvers.lbfgs(squares, np.ones(2)),
        "varpro": lambda: solvers.varpro(phi, slope, np.array([1.0]), y),
        "linear_features": lambda: solvers.linear_features(x, y, 5, activation=activation),
        "gradient_features": lambda: gradient_features(x, y, gradients, 5, both),
    }


@pytest.mark.parametrize("name", list(_fit(set())))
def test_a_solve_has_one_blas_thread(name):
    found: set[int] = set()
    _fit(found)[name]()
    assert found == {1} and threads() == {3}


def test_solving_for_an_output_layer_has_one_blas_thread(monkeypatch):
    found: set[int] = set()
    svd = np.linalg.svd

    def watched(*arguments, **options):
        found.update(threads())
        return svd(*arguments, **options)

    monkeypatch.setattr(np.linalg, "svd", watched)
    t = np.linspace(-1, 1, 20)[:, None]
    solvers.solve_output(np.tanh(t * [1.0, 2.0]), t)
    solve_gradient_output(np.tanh(t), (1 - np.tanh(t) ** 2)[:, :, None], t, np.ones((20, 1, 1)))
    assert found == {1} and threads() == {3}


def test_entering_again_costs_next_to_nothing(own_time):
    def seconds(count: int = 2000) -> float:
        with own_time() as taken:
            for _ in range(count):
                with one_thread():
                    pass
        return taken[0] / count

    with one_thread():
        assert min(seconds() for _ in range(5)) < 20e-6
    assert min(seconds() for _ in range(5)) < 100e-6


def alone(code: str) -> str:
    """What a fresh process prints."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
        | {"PYTHONPATH": str(Path(surefit.__file__).parent.parent)},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


NUMBERS = """
import sys
from threadpoolctl import threadpool_info, threadpool_limits
def threads():
    return sorted(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")
"""


def test_a_blas_library_that_is_loaded_during_a_solve_is_limited_too():
    out = alone(
        NUMBERS + "import numpy\nfrom surefit.blas import one_thread, scipy_linalg\n"
        "with one_thread():\n"
        "    assert 'scipy.linalg' not in sys.modules\n"
        "    before = len(threads()); scipy_linalg(); print(set(threads()), len(threads()) >= before)\n"
        "with one_thread():\n"
        "    print(set(threads()))\n"
    )
    assert out.splitlines() == ["{1} True", "{1}"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_fork_during_a_solve_of_another_thread_is_not_limited():
    out = alone(
        NUMBERS + "import os, threading, numpy\nfrom surefit.blas import one_thread\n"
        "threadpool_limits(3, user_api='blas')\n"
        "inside, done = threading.Event(), threading.Event()\n"
        "def solve():\n"
        "    with one_thread():\n"
        "        inside.set(); done.wait(20)\n"
        "thread = threading.Thread(target=solve); thread.start(); inside.wait(20)\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    before = set(threads())\n"
        "    with one_thread():\n"
        "        print(before, set(threads()), flush=True)\n"
        "    os._exit(0)\n"
        "os.waitpid(child, 0); done.set(); thread.join(); print(set(threads()))\n"
    )
    assert out.splitlines() == ["{3} {1}", "{3}"]


@pytest.mark.slow
def test_a_table_is_fitted_with_one_thread_from_the_first_attempt_to_the_last():
    """In a fresh process, where SciPy and its own BLAS are first loaded in the middle of the search."""
    out = alone(
        NUMBERS + "import numpy, surefit\n"
        "from surefit.solvers.gaussian_process import _Posterior\n"
        "found = set()\nmade = _Posterior.__init__\n"
        "def watched(self, *arguments):\n    made(self, *arguments); found.update(threads())\n"
        "_Posterior.__init__ = watched\n"
        "x = numpy.random.default_rng(0).normal(size=(30, 2))\n"
        "surefit.fit((x, x[:, 0] + numpy.sin(x[:, 1])), time=3)\nprint(found)\n"
    )
    assert out == "{1}"
