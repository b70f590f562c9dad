"""Work spread over the cores: in order, at once, and not one bit of a result depends on how many there are."""

import os
import threading
from time import sleep

import numpy as np
import pytest

import surefit
from surefit import cores as spread
from surefit.attempts.chain_jacobian import CACHED
from surefit.attempts.residuals import Residuals
from surefit.cores import each, taken
from surefit.models.spec import MLPSpec
from surefit.search.restarts import at_once
from surefit.solvers import damped
from surefit.solvers.features import linear_features, place_units

SOON = 60  # seconds that a thread waits for the others at most


@pytest.fixture
def machine(monkeypatch):
    """As if the machine had so many cores; how many threads helped, each time, is in the list that this returns."""

    def of(count: int) -> list[int]:
        helped: list[int] = []
        real = spread.together

        def together(work, others):
            others = list(others)
            helped.append(len(others))
            real(work, others)

        monkeypatch.undo()
        monkeypatch.delenv("SUREFIT_THREADS", raising=False)
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(count)), raising=False)
        monkeypatch.setattr(spread, "together", together)
        return helped

    return of


def test_items_are_done_at_once_and_their_results_are_in_order(machine):
    machine(3)
    meet = threading.Barrier(3)
    seen = each(lambda i: (i, meet.wait(SOON), threading.get_ident()), range(3))
    assert [i for i, _, _ in seen] == [0, 1, 2]
    assert len({ident for *_, ident in seen}) == 3
    machine(1)
    assert each(lambda i: threading.get_ident(), range(3)) == [threading.get_ident()] * 3


def test_what_is_not_worth_it_stays_in_its_thread(machine):
    helped = machine(3)
    assert each(lambda i: threading.get_ident(), range(3), worth=False) == [threading.get_ident()] * 3
    assert each(lambda i: i, [7]) == [7]
    assert each(lambda i: i, []) == []
    assert not helped


def test_the_error_of_the_first_item_is_raised_and_what_comes_later_does_not_begin(machine):
    machine(2)
    begun, meet = [], threading.Barrier(2)

    def work(i):
        begun.append(i)
        if i < 2:
            meet.wait(SOON)
        raise ValueError(i)

    with pytest.raises(ValueError, match=r"^0$"):
        each(work, range(100))
    assert sorted(begun) == [0, 1]


def test_an_interrupt_ends_it_when_the_others_are_done(machine):
    machine(2)
    caller, meet, done = threading.get_ident(), threading.Barrier(2), []

    def work(i):
        if i < 2:
            meet.wait(SOON)
        if threading.get_ident() == caller:
            raise KeyboardInterrupt
        sleep(0.01)
        done.append(i)

    with pytest.raises(KeyboardInterrupt):
        each(work, range(500))
    assert 0 < len(done) < 100


def test_cores_that_have_work_are_not_given_more(machine):
    helped = machine(3)
    meet = threading.Barrier(3)

    def work(_):
        meet.wait(SOON)  # all three cores are at work
        before = spread.free()
        inner = each(lambda _: threading.get_ident(), range(4))
        meet.wait(SOON)
        return before, set(inner) == {threading.get_ident()}

    assert each(work, range(3)) == [(1, True)] * 3
    assert sorted(helped) == [0, 0, 0, 2]
    assert spread.free() == 3


def test_a_limit_in_the_environment_holds_for_all(machine, monkeypatch):
    helped = machine(4)
    monkeypatch.setenv("SUREFIT_THREADS", "2")
    each(abs, range(9))
    with taken(5) as others:
        assert others == 1
        records, _ = at_once([lambda halted: threading.get_ident()] * 3)
    assert helped == [1]
    assert len(set(records)) == 1


def test_many_curves_keep_to_that_limit(machine, monkeypatch):
    machine(4)
    monkeypatch.setenv("SUREFIT_THREADS", "1")
    x, threads = np.linspace(-1, 1, 6), set()
    from surefit.many import curves

    real = curves.fit_groups

    def watched(*args, **kwargs):
        threads.add(threading.get_ident())
        return real(*args, **kwargs)

    monkeypatch.setattr(curves, "fit_groups", watched)
    surefit.fit_many(x=x, y=np.sin(np.linspace(1, 2, 3000)[:, None] * x), hidden=1, chunk=1000)
    assert len(threads) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_process_has_all_cores(machine):
    machine(3)
    with taken(2):
        pid = os.fork()
        if not pid:
            os._exit(0 if spread.free() == 3 else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def of_each_machine(machine, make):
    """What comes of it on one core and on three, and how many threads helped there."""
    made = []
    for count in (1, 3):
        helped = machine(count)
        made.append(make())
    assert max(helped) > 0
    return made


def test_a_jacobian_has_the_same_bits_on_more_cores(machine):
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-1, 1, (5 * CACHED + 7, 3)), rng.standard_normal((5 * CACHED + 7, 1))
    network = MLPSpec((12, 12), "tanh").build(3, 1, np.random.default_rng(1), np.float64)
    theta = np.concatenate([p.detach().numpy().ravel() for p in network.parameters()])
    one, three = of_each_machine(machine, lambda: Residuals(network, x, y, None).jacobian(theta).copy())
    assert np.array_equal(one, three)
    h, turn = 1e-6, rng.standard_normal(len(theta))
    rows = Residuals(network, x, y, None)
    slope = (rows.residuals(theta + h * turn) - rows.residuals(theta - h * turn)) / (2 * h)
    assert np.abs(one @ turn - slope).max() < 1e-7


def test_products_and_triangles_of_many_rows_are_those_of_the_whole(machine):
    a = np.random.default_rng(0).standard_normal((3 * damped.BLOCK + 5, 20))
    for make in (damped.products, lambda a: damped._triangle_of(a).T @ damped._triangle_of(a)):
        one, three = of_each_machine(machine, lambda make=make: make(a))
        assert np.array_equal(one, three)
        assert np.abs(one - a.T @ a).max() < 1e-11 * len(a)


@pytest.mark.parametrize("goal", [None, 10.0])
def test_gains_are_tried_at_once_and_chosen_as_one_after_the_other(machine, goal):
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (2600, 2))
    y = np.sin(3 * x[:, :1] * x[:, 1:])

    def make():
        stream = np.random.default_rng(5)
        found = linear_features(x, y, 200, generator=stream, scales=(1.0, 2.0, 4.0), beyond=1, draws=2, goal=goal)
        return found, stream.random()

    (one, after_one), (three, after_three) = of_each_machine(machine, make)
    assert one.tried == three.tried and np.array_equal(one.x, three.x)
    assert len(one.tried) == (1 if goal else len(one.tried)) and (goal or len(one.tried) > 3)
    assert after_one == after_three  # the caller's stream goes on from the same place
    fresh = np.random.default_rng(5)
    place_units(2, 200, 1.0, fresh)
    assert (after_one == fresh.random()) == (goal is not None)


@pytest.mark.parametrize(("rows", "most"), [(300, 3), (60, 1)])
def test_folds_of_many_rows_are_fitted_at_once_and_give_the_same_error(machine, rows, most):
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (rows, 1))
    y = np.sin(3 * x[:, 0]) + 0.1 * rng.standard_normal(rows)
    threads, made = [], []
    from surefit.search import folds

    real = folds.without

    for count in (1, 3):
        machine(count)
        used: set[int] = set()
        meet = threading.Barrier(min(count, most))

        def without(*args, used=used, meet=meet):
            if threading.get_ident() not in used:
                used.add(threading.get_ident())
                meet.wait(SOON)
            return real(*args)

        folds.without = without
        try:
            made.append(surefit.fit((x, y), folds=6, method=surefit.VarPro(iterations=5), model=(4,)))
        finally:
            folds.without = real
        threads.append(len(used))
    assert threads == [1, most]
    assert made[0].error == made[1].error and made[0].error.folds == 6
