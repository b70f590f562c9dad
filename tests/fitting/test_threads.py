"""Several fits at once, and interrupts: each in a fresh process, since an earlier fit would hide what goes wrong."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

ADAM = "surefit.Adam(epochs=500)"
RESTARTS = f"fit = surefit.fit('sin(x)', 'x=-2:2', method={ADAM}, model=(64, 64), restarts=2)"
ENSEMBLE = f"fit = surefit.ensemble('sin(x)', 'x=-2:2', method={ADAM}, model=(64, 64), members=3).fits[0]"
TWO_THREADS = f"""
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(2) as pool:
    one = lambda text: surefit.fit(text, 'x=-2:2', method={ADAM}, model=(64, 64))
    fit = list(pool.map(one, ('sin(x)', 'cos(x)')))[0]
"""
PREDICTIONS = """
from concurrent.futures import ThreadPoolExecutor
import numpy as np
fit = surefit.fit('sin(x)', 'x=-2:2')
x = np.linspace(-2, 2, 1000)
with ThreadPoolExecutor(4) as pool:
    every = list(pool.map(lambda _: fit.predict(x), range(8)))
assert all((y == every[0]).all() for y in every)
"""


def run(code, tmp_path, **more):
    env = os.environ | {"SUREFIT_CACHE": str(tmp_path)} | more
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=env)


@pytest.mark.slow
@pytest.mark.parametrize("cache", ["off", "cold and warm"])
@pytest.mark.parametrize("body", [RESTARTS, ENSEMBLE, TWO_THREADS, PREDICTIONS])
def test_several_at_once_do_not_crash(body, cache, tmp_path):
    code = f"import surefit\n{body}\nprint(fit.error.max < 0.1)"
    for _ in range(2):
        done = run(code, tmp_path, **({"SUREFIT_CACHE": "off"} if cache == "off" else {}))
        assert (done.returncode, done.stdout.strip()) == (0, "True"), done.stderr


LONG = """
import os, signal, threading, time, surefit
from surefit.fitting import Epoch
def ready(event):
    if isinstance(event, Epoch) and event.epoch == 1:
        threading.Timer(0.2, interrupt).start()
def interrupt():
    spent.append(time.process_time())
    os.kill(os.getpid(), signal.SIGINT)
ready.passive = {passive}
spent = []
fit = surefit.fit('sin(9*x)', 'x=-2:2', method=surefit.Adam(epochs=10**7, patience=None), model=(16,), jit={jit},
                  callbacks=[ready]{more})
print('ended', fit.interrupted, len(fit.history) < 10**7, fit.error.max < 2, time.process_time() - spent[0] < 2)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="SIGINT is another thing on Windows")
@pytest.mark.parametrize("jit", [True, False])
@pytest.mark.parametrize("more", ["", ", restarts=2"])
def test_an_interrupt_ends_it_soon_with_the_best_so_far(jit, more, tmp_path):
    code = LONG.format(jit=jit, more=more, passive=jit)
    env = os.environ | {"SUREFIT_CACHE": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=120)
    assert done.stdout.split() == ["ended", "True", "True", "True", "True"], done.stderr


@pytest.mark.slow
def test_inside_a_solve_blas_has_one_thread_and_afterwards_what_it_had(tmp_path):
    code = """
import surefit, scipy.linalg
from surefit.fitting import Epoch
from threadpoolctl import threadpool_info
count = lambda: [lib['num_threads'] for lib in threadpool_info() if lib['user_api'] == 'blas']
seen = []
def look(event):
    if isinstance(event, Epoch):
        seen.extend(count())
before = count()
surefit.fit('sin(x)', 'x=-2:2', callbacks=[look])
surefit.fit('sin(x)', 'x=-2:2', method='lm', restarts=2, callbacks=[look])
print(set(seen), count() == before)
"""
    done = run(code, tmp_path, OPENBLAS_NUM_THREADS="2")
    assert done.stdout.strip() == "{1} True", done.stdout + done.stderr
