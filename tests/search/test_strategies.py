"""What strategies propose after which candidate: nothing is fitted here, a fake tells what came of each attempt."""

from __future__ import annotations

import numpy as np
import pytest

from surefit.attempts.attempt import Outcome
from surefit.attempts.methods import LBFGS, LM, Adam, Features, Polynomial, VarPro
from surefit.attempts.progress import Progress
from surefit.core import ops
from surefit.models.scaled import scaled
from surefit.models.spec import MLPSpec
from surefit.problems.posing import pose
from surefit.search import limits, runner
from surefit.search.candidates import Candidate
from surefit.search.judging import Judge
from surefit.search.runner import State, run
from surefit.search.strategies import rounds
from surefit.search.strategies.functions import Climb, known_function, more_units
from surefit.search.strategies.given import given_model, given_network
from surefit.search.strategies.layers import most_parameters, of_layers, reserve
from surefit.search.strategies.named import named
from surefit.search.strategies.tables import measured_data
from surefit.sentences import Sentence, say


class Fake:
    """Performs nothing: what came of each attempt is told by `score(attempt, number)`; notes what was proposed."""

    def __init__(self, monkeypatch, score):
        self.proposed, self.score = [], score
        monkeypatch.setattr(runner, "scored", self.scored)

    def __call__(self, attempt, progress, within):
        if attempt.method is None:  # made by the strategy itself
            return attempt.made
        self.proposed.append(attempt)
        progress.evaluations += 1
        units = next((p.shape[0] for p in attempt.network.parameters()), 0)
        details = {"solver": attempt.method.name, "units": units, "gain": 2.0, "ridge": 0.0}
        return Outcome(
            network=attempt.network, problem=attempt.problem, stage=Sentence(attempt.method.name),
            reason=say("time", time=1), row=1, details=details,
        )  # fmt: skip

    def scored(self, attempt, outcome, judge, tol):
        score = self.score(attempt, len(self.proposed))
        model = scaled(outcome.network, outcome.problem, True, ops.float64)
        zero = judge.measured(lambda x: np.zeros((len(x), 1)))
        scatter = np.random.default_rng(len(self.proposed)).normal(size=40)
        residuals = None if outcome.problem.exact else np.abs(score * scatter)
        return Candidate(
            model=model, problem=outcome.problem, stage=outcome.stage, reason=outcome.reason, score=score, error=zero,
            largest=score, row=1, details=outcome.details, by=say("what-largest"), residuals=residuals,
        )  # fmt: skip

    @property
    def names(self):
        return [a.method.name for a in self.proposed]

    def units(self, kind=Features):
        return [a.network[0].out_features for a in self.proposed if isinstance(a.method, kind) and not a.local]


def state_of(target, box, tol=None, aim=1e-7, **limits):
    problem = pose(target, box, None, 0, solver=True)
    return State(problem, 0, ops.float64, Judge(problem, 0), Progress(**limits), tol, aim=aim)


@pytest.fixture
def fake(monkeypatch):
    return lambda score: Fake(monkeypatch, score)


def test_a_network_of_which_the_weights_are_known_is_measured_however_late_it_comes(fake):
    perform = fake(lambda attempt, n: 1e-2 if attempt.method else 1e-5)
    state = state_of("x*y", "x=0:1, y=0:1", time=1000.0)
    layers = [(np.ones((3, 2)), np.zeros(3)), (np.ones((1, 3)), np.zeros(1))]

    def late():
        yield state.attempt(Features(), state.hidden(3), state.drawn(20))
        state.progress.began -= 900.0
        yield state.attempt(Features(), state.hidden(5), state.drawn(20), reserve=reserve(state))
        yield of_layers(state, layers, "tanh", say("nothing"), state.problem, solver="separated", units=3)

    run(state, late(), perform)
    assert perform.units() == [3] and [c.score for c in state.candidates] == [1e-2, 1e-5]


def test_a_network_may_be_larger_only_as_long_as_nothing_smaller_is_near(fake):
    perform = fake(lambda attempt, n: [1e-2, 1e-6][n - 1])
    state = state_of("x*y", "x=0:1, y=0:1")
    sizes, reserves = [], []

    def two():
        for units in (3, 5):
            yield state.attempt(Features(), state.hidden(units), state.drawn(20))
            sizes.append(most_parameters(state))
            reserves.append(reserve(state))
        yield say("nothing")

    run(state, two(), perform)
    assert sizes == [limits.MOST_UNASKED, limits.UNASKED_PARAMETERS]
    assert reserves == [limits.SOLVER_RESERVE, limits.LAST_RESERVE]
    short = state_of("x*y", "x=0:1, y=0:1", time=0.1)
    assert most_parameters(short) < limits.UNASKED_PARAMETERS  # more cannot be measured in that time
    assert np.isinf(most_parameters(state_of("x*y", "x=0:1, y=0:1", tol=1e-9)))


def test_half_of_five_seconds_is_time_enough_to_measure_a_network_that_steps_need(fake_clock):
    """Four steps of five inputs have some 200 000 parameters, and without them some seeds ended a million times off."""
    state = state_of("x*y", "x=0:1, y=0:1", time=5.0)
    fake_clock.sleep(2.8)
    assert most_parameters(state) > 205_000


def test_the_first_network_that_is_good_enough_ends_it(fake):
    perform = fake(lambda attempt, n: 1e-9)
    state = state_of("sin(x)", "x=-3:3", tol=1e-6)
    assert run(state, known_function(state), perform).code == "tolerance"
    assert perform.names == ["features"] and perform.units() == [20]


def test_more_units_are_tried_as_long_as_they_help(fake):
    perform = fake(lambda attempt, n: 1e-2 / 4.0**n)
    state = state_of("sin(x)", "x=-3:3", tol=1e-30)
    run(state, known_function(state), perform)
    assert perform.units()[:7] == [20, 50, 100, 200, 400, 800, 1600]


def test_between_few_units_and_many_they_are_placed_where_the_function_is_rough(fake):
    perform = fake(lambda attempt, n: 1e-1 / 4.0**n)
    state = state_of("sqrt(x)", "x=0:1", tol=1e-30)
    run(state, known_function(state), perform)
    kinds = [(a.network[0].out_features, a.local) for a in perform.proposed]
    assert [units for units, _ in kinds[:3]] == [20, 50, 100]
    local = [units for units, is_local in kinds if is_local]
    assert kinds[3][1] and len(local) > 1 and local == sorted(local)
    assert all(len(a.problem.train[0]) >= 3 * a.network[0].out_features for a in perform.proposed if a.local)


def test_near_the_goal_the_same_network_is_polished(fake):
    perform = fake(lambda attempt, n: 5e-6 if isinstance(attempt.method, Features) else 1e-9)
    state = state_of("sin(x)", "x=-3:3", tol=1e-6)
    assert run(state, known_function(state), perform).code == "tolerance"
    assert perform.names == ["features", "varpro"]
    assert perform.proposed[0].network is perform.proposed[1].network


@pytest.mark.slow
def test_where_more_units_do_not_help_it_goes_on_to_what_may(fake):
    perform = fake(lambda attempt, n: 0.05)
    state = state_of("abs(x1+x2)", "x1=-1:1, x2=-1:1")
    reason = run(state, known_function(state), perform)
    kinds = list(dict.fromkeys(perform.names))
    assert kinds == ["features", "lm", "adam"]
    assert reason.code == "all-tried"
    assert [s.code for s in state.choice if s.code == "no-help"] == ["no-help"]
    rounds = [a for a in perform.proposed if isinstance(a.method, LM)]
    sizes = [len(a.problem.train[0]) for a in rounds]
    assert sizes == sorted(sizes) and sizes[0] < sizes[-1]  # more points from round to round


@pytest.mark.parametrize(("time", "share", "layers"), [
    (None, 0.5, [16]), (1e6, 0.5, [16, 48]), (1e6, 1e-9, [16]),
])  # fmt: skip
def test_where_the_time_allows_it_wider_layers_take_the_place_of_further_rounds(fake, monkeypatch, time, share, layers):
    monkeypatch.setattr(rounds, "OF_DEEPER", share)
    perform = fake(lambda attempt, n: 0.05)
    state = state_of("abs(x1+x2)*x3", "x1=-1:1, x2=-1:1, x3=-1:1", time=time)
    run(state, rounds.deeper(state), perform)
    assert list(dict.fromkeys(perform.units(LM))) == layers
    at_first = sum(units == 16 for units in perform.units(LM))
    assert at_first == 2 if len(layers) > 1 else at_first > 2
    for a in perform.proposed:
        p, rows = a.network.num_parameters(), len(a.problem.train[0])
        assert rows >= limits.LM_FEW * p  # enough to be fixed by
        assert rows * p <= 1.25 * limits.MOST_NUMBERS  # to hold; what is drawn has up to a fifth more on the faces


def test_adam_is_left_out_where_it_has_nothing_to_add(fake):
    perform = fake(lambda attempt, n: 1e-4)
    state = state_of("abs(x1+x2)", "x1=-1:1, x2=-1:1")
    run(state, known_function(state), perform)
    assert "adam" not in perform.names and "lm" not in perform.names
    assert state.choice[-1].code == "no-adam"


def test_evaluations_end_it_wherever_it_is(fake):
    perform = fake(lambda attempt, n: 0.05)
    state = state_of("abs(x1+x2)", "x1=-1:1, x2=-1:1", evaluations=5)
    assert run(state, known_function(state), perform) == "all 5 evaluations were used"
    assert len(perform.proposed) == 5


def test_an_interrupt_and_a_callback_end_it(fake):
    def interrupt(attempt, n):
        if n == 2:
            raise KeyboardInterrupt
        return 0.05

    state = state_of("abs(x)", "x=-1:1")
    assert run(state, known_function(state), fake(interrupt)).code == "interrupted"
    assert len(state.candidates) == 1
    stopped = state_of("abs(x)", "x=-1:1", halted=lambda: True)
    stopped.progress.halt()
    assert run(stopped, known_function(stopped), fake(lambda a, n: 0.05)).code == "halted"


def noisy(rows=60):
    x = np.linspace(-1, 1, rows)
    return x, np.sin(3 * x) + 0.1 * np.random.default_rng(0).normal(size=rows)


def test_of_measured_data_a_polynomial_is_kept_unless_another_is_clearly_better(fake):
    kinds = lambda perform: [type(a.method).__name__ for a in perform.proposed]
    close = fake(lambda attempt, n: 0.1 if isinstance(attempt.method, Polynomial) else 0.097)
    state = state_of(noisy(), None)
    run(state, measured_data(state), close)
    assert kinds(close)[:2] == ["Polynomial", "Polynomial"]
    assert state.best is state.candidates[0]  # the linear one
    far = fake(lambda attempt, n: 0.1 if isinstance(attempt.method, Polynomial) else 0.05)
    state = state_of(noisy(), None)
    run(state, measured_data(state), far)
    assert state.best.details["solver"] in ("features", "varpro")


@pytest.mark.slow
def test_networks_for_tables_are_trained_where_rows_allow(fake):
    tabular = lambda attempt: attempt.method is not None and attempt.method.name == "tabular"
    score = lambda attempt, n: 0.05 if tabular(attempt) else 0.1
    more = fake(score)
    state = state_of(noisy(600), None)
    run(state, measured_data(state), more)
    assert "tabular" in more.names and "adam" not in more.names
    assert "no-adam-tabular" in [s.code for s in state.choice]
    assert state.best.details["solver"] == "tabular"
    few = fake(score)
    state = state_of(noisy(60), None)
    run(state, measured_data(state), few)
    assert "tabular" not in few.names
    near = fake(lambda attempt, n: 0.099 if tabular(attempt) else 0.1)  # a small one is as good
    state = state_of(noisy(600), None)
    run(state, measured_data(state), near)
    assert state.best.details["solver"] != "tabular"


def test_trees_are_kept_where_nothing_smoother_is_as_good(fake, monkeypatch):
    monkeypatch.setattr("surefit.search.strategies.tables.can_teach", lambda problem: False)
    name = lambda attempt: "none" if attempt.method is None else attempt.method.name

    def best(**scores):
        perform = fake(lambda attempt, n: scores.get(name(attempt), 0.1))
        state = state_of(noisy(600), None)
        run(state, measured_data(state), perform)
        assert perform.names.index("tabular") < perform.names.index("trees")
        return state.best.details["solver"]

    assert best(trees=0.05, tabular=0.06) == "trees"
    assert best(trees=0.05, tabular=0.0503) == "tabular"
    assert best(trees=0.0995) not in ("trees", "tabular")
    smooth = fake(lambda attempt, n: 0.001 if name(attempt) == "tabular" else 0.1)
    state = state_of(noisy(600), None)
    run(state, measured_data(state), smooth)
    assert "trees" not in smooth.names


def test_the_most_units_are_tried_where_more_helped_before(fake, monkeypatch):
    monkeypatch.setattr("surefit.search.strategies.tables.can_teach", lambda problem: False)

    def units(helped):
        score = lambda attempt, n: 0.1 / helped**n if isinstance(attempt.method, Features) else 0.2
        perform = fake(score)
        state = state_of(noisy(1800), None)
        run(state, measured_data(state), perform)
        return [a.network[0].out_features for a in perform.proposed if isinstance(a.method, Features)]

    assert 800 in units(1.8)
    assert 300 in units(1.1) and 800 not in units(1.1)


@pytest.mark.slow
def test_adam_never_wins_on_rows_too_few_to_tell(fake, monkeypatch):
    monkeypatch.setattr("surefit.search.strategies.tables.TABULAR_ROWS", 10**6)
    score = lambda attempt, n: 0.01 if isinstance(attempt.method, Adam) else 0.1
    few = fake(score)
    state = state_of(noisy(60), None)
    run(state, measured_data(state), few)
    assert "adam" not in few.names and state.choice[-1].code == "no-adam-teacher"
    more = fake(score)
    state = state_of(noisy(600), None)
    run(state, measured_data(state), more)
    assert "adam" in more.names
    assert all(c.validated == 0 for c in state.candidates)
    for c in state.candidates:  # as few as the validation rows of 60
        c.residuals, c.validated = c.residuals[:6], 6
    assert state.best.details["solver"] != "adam"


def test_a_tolerance_ends_the_ladder_of_a_table(fake):
    perform = fake(lambda attempt, n: 0.05)
    state = state_of(noisy(), None, tol=0.1)
    assert run(state, measured_data(state), perform).code == "tolerance"
    assert len(perform.proposed) == 1


def test_a_given_network_is_kept_and_each_method_that_fits_it_is_tried(fake):
    perform = fake(lambda attempt, n: 0.05)
    state = state_of("sin(x)", "x=-3:3")
    network = state.built((8,))
    run(state, given_network(state, network), perform)
    assert perform.names == ["features", "varpro", "adam"]
    deep = fake(lambda attempt, n: 0.05)
    state = state_of("sin(x)", "x=-3:3")
    run(state, given_network(state, state.built((8, 8))), deep)
    assert list(dict.fromkeys(deep.names)) == ["lm", "varpro", "adam"]
    large = fake(lambda attempt, n: 0.05)
    state = state_of("sin(x)", "x=-3:3")
    run(state, given_network(state, state.built((200, 200))), large)
    assert large.names == ["lbfgs", "adam"]
    kinked = fake(lambda attempt, n: 0.05)
    run(state, given_network(state, state.built(MLPSpec((200, 200), "relu"))), kinked)
    assert kinked.names == ["adam"]  # L-BFGS takes curvature from gradients, which jump


def test_another_start_of_a_deep_network_takes_adam_longer_through_more_points_and_more_epochs(fake):
    perform = fake(lambda attempt, n: 0.5)
    state = state_of("sin(x*y)", "x=-3:3, y=-3:3", tol=0.01, time=1000.0)
    for doubled in range(5):
        run(state, given_network(state, state.built((200, 200)), doubled=doubled), perform)
    assert perform.names == ["adam"] * 5
    rows = [len(a.problem.train[0]) for a in perform.proposed]
    steps = [a.method.epochs * n for a, n in zip(perform.proposed, rows, strict=True)]
    assert [n / rows[0] for n in rows] == pytest.approx([1, 2, 2, 4, 4], rel=0.05)
    assert [n / steps[0] for n in steps] == pytest.approx([1, 2, 4, 8, 16], rel=0.05)


def test_a_given_network_begins_again_from_other_weights_while_there_is_time_for_a_tolerance(fake):
    def first_weights(perform):
        return {a.network[0].weight.detach().numpy().tobytes() for a in perform.proposed if a.method.name == "features"}

    perform = fake(lambda attempt, n: 0.5 if n < 10 else 1e-3)
    state = state_of("sin(x)", "x=-3:3", tol=0.01, time=1000.0)
    assert run(state, given_model(state, (8,)), perform).code == "tolerance"
    assert len(perform.proposed) == 10 and len(first_weights(perform)) == 4  # and four solves, each of its own weights
    trained = [a for a in perform.proposed if isinstance(a.method, Adam)]
    assert trained[0].method.epochs is None
    # the second start takes Adam to its end, the third has twice as many points
    rows = [len(a.problem.train[0]) for a in trained]
    assert rows[2] == pytest.approx(2 * rows[1], rel=0.05) and trained[2].method.epochs == trained[1].method.epochs
    assert len({a.seed for a in perform.proposed}) == 4

    for asked in ({"tol": 0.01}, {"time": 1000.0}):  # one alone asks for no more
        once = fake(lambda attempt, n: 0.5)
        state = state_of("sin(x)", "x=-3:3", **asked)
        run(state, given_model(state, (8,)), once)
        assert once.names == ["features", "varpro", "adam"]
    module = fake(lambda attempt, n: 0.5)
    state = state_of("sin(x)", "x=-3:3", tol=0.01, time=1000.0)
    run(state, given_model(state, state.built((8,))), module)  # whose weights are its owner's
    assert module.names == ["features", "varpro", "adam"]


@pytest.mark.parametrize(
    ("method", "names"),
    [(Features(), ["features"]), (VarPro(), ["features", "varpro"]), (LM(), ["lm"]), (LBFGS(), ["lbfgs"])],
)
def test_a_named_method_is_one_attempt(fake, method, names):
    perform = fake(lambda attempt, n: 0.05)
    state = state_of("sin(x)", "x=-3:3", aim=None)
    run(state, named(state, method, None), perform)
    assert perform.names == names


@pytest.mark.slow
def test_with_no_time_given_the_clock_decides_nothing(fake, monkeypatch):
    """The same attempts, however long each of them takes."""

    def proposed(seconds):
        perform = fake(lambda attempt, n: 0.05 / n)
        state = state_of("abs(x1+x2)", "x1=-1:1, x2=-1:1")
        ticks = iter(np.arange(1, 10**6) * seconds)
        monkeypatch.setattr(type(state.progress), "seconds", property(lambda self: next(ticks)))
        run(state, known_function(state), perform)
        monkeypatch.undo()
        return [(a.method, len(a.problem.train[0]), a.network.num_parameters()) for a in perform.proposed]

    assert proposed(1e-6) == proposed(100.0)


def test_with_a_time_a_share_is_kept_for_what_follows(fake):
    perform = fake(lambda attempt, n: 0.05)
    state = state_of("abs(x1+x2)", "x1=-1:1, x2=-1:1", time=1e-9)
    assert run(state, known_function(state), perform).code == "time"
    assert len(perform.proposed) == 1  # the first is always done


def test_the_first_attempt_is_made_however_late(fake):
    """What is said before it must not end it: untrained weights are no fit."""
    perform = fake(lambda attempt, n: 0.5)
    state = state_of("sin(x1) - cos(x2)", "x1=-5:5, x2=-5:5", time=1e-9)
    assert run(state, known_function(state), perform).code == "time"
    assert state.choice[0].code != "tried"  # something was said before
    assert len(perform.proposed) == len(state.candidates) == 1


def test_what_was_found_is_judged_after_all_where_an_interrupt_comes_meanwhile(fake):
    came = []

    def score(attempt, n):
        if n == 2 and not came:
            came.append(n)
            raise KeyboardInterrupt  # while the second network is measured, which is the better one
        return 0.5 if n == 1 else 0.01

    state = state_of("abs(x)", "x=-1:1")
    perform = fake(score)
    assert run(state, known_function(state), perform).code == "interrupted"
    assert [c.score for c in state.candidates] == [0.5, 0.01] and state.best.score == 0.01
    assert state.progress.interrupted and len(perform.proposed) == 2


def test_many_inputs_go_on_to_hidden_layers_where_more_units_would_take_the_time(fake, monkeypatch, fake_clock):
    """Units placed at random that learn little of four inputs are no use in large numbers, if time is short."""

    def score(attempt, number):
        if isinstance(attempt.method, Features):
            fake_clock.sleep(0.5)
        return 0.2 / number

    def units(**time):
        perform = fake(score)
        state = state_of("sin(a*b) + c*d*a", "a=0:3, b=0:3, c=0:1, d=0:1", **time)
        run(state, more_units(state, Climb(limits.MANY_INPUTS)), perform)
        return perform.units()

    assert units(time=5.0) == [300]
    assert units(time=5000.0)[:2] == units()[:2] == [300, 800]
