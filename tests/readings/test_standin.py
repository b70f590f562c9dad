"""What one does with a fit, against integrals, indices, minima and roots that are known.

The stand-ins are exact where a polynomial is one, so that nothing but the reading is tested; else the network itself is
computed again by other means.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import scipy.integrate
import scipy.optimize

import surefit
from surefit.errors import ArgumentError, DataError, DomainError, ShapeError
from surefit.readings.integrals import mean_over
from surefit.readings.sensitivity import _by_grid, _by_samples


def exact(text, domain):
    """A fit without error of a polynomial of degree 2."""
    fit = surefit.fit(text, domain, method="polynomial")
    assert fit.error.max < 1e-11
    return fit


@pytest.fixture(scope="module")
def bowl():
    return exact("(x1 - 1/4)^2 + 3*(x2 - 1)^2 - 2", "x1=-1:1, x2=0:4")


@pytest.fixture(scope="module")
def wave():
    """A network of one input that turns several times."""
    return surefit.fit("sin(3*x)", "x=-3:3", tol=1e-9)


@pytest.fixture(scope="module")
def two():
    """Two outputs of two inputs."""
    return exact("x1^2 + x2^2; x1 - x2", "x1=-2:2, x2=-2:2")


def curve(method="varpro", n=40):
    x = np.linspace(0.0, 1.0, n)
    return surefit.fit((x, np.sin(3 * x)), method=method, model=(6,))


# --- integrals -------------------------------------------------------------------------------------------------------


def test_an_integral_is_the_one_known(bowl):
    def whole(a, b, shift, scale):
        return scale * ((b - shift) ** 3 - (a - shift) ** 3) / 3

    known = whole(-1, 1, 0.25, 1) * 4 + whole(0, 4, 1, 3) * 2 - 2 * 8
    value, error = bowl.integral()
    assert value == pytest.approx(known, rel=1e-11)
    assert error < 1e-9
    half = whole(0, 1, 0.25, 1) * 4 + whole(0, 4, 1, 3) - 2 * 4
    assert bowl.integral("x1=0:1").value == pytest.approx(half, rel=1e-11)


def test_of_one_input_it_is_that_of_quad(wave):
    known = scipy.integrate.quad(wave, 0.1, 2.5, epsabs=1e-12, limit=200)[0]
    assert wave.integral("x=0.1:2.5").value == pytest.approx(known, abs=1e-10)


def test_several_outputs_have_several_integrals(two):
    value, error = two.integral()
    assert value == pytest.approx([2 * 16 / 3 * 4, 0.0], abs=1e-9)
    assert error.shape == (2,)


@pytest.mark.parametrize("dim", [1, 2, 3, 4, 5, 6, 9])
def test_means_over_boxes_of_every_dimension(dim):
    box = surefit.Domain([(0.0, 2.0)] * dim)
    mean, error = mean_over(lambda x: np.cos(x.sum(axis=1))[:, None], box)
    known = ((np.exp(2j) - 1) / 2j) ** dim
    assert abs(mean[0] - known.real) <= max(1e-10, 5 * error[0])
    assert error[0] < 1e-3


def test_kinks_cost_accuracy_that_is_told():
    box = surefit.Domain("x1=0:1, x2=0:1")
    mean, error = mean_over(lambda x: np.abs(x[:, :1] - math.pi / 10), box)
    known = (0.1 * math.pi) ** 2 / 2 + (1 - 0.1 * math.pi) ** 2 / 2
    assert abs(mean[0] - known) < 10 * error[0] < 1e-4


def test_bounds_outside_are_refused(bowl):
    with pytest.raises(DomainError, match="outside the domain"):
        bowl.integral("x1=-2:1")


# --- extrema ---------------------------------------------------------------------------------------------------------


def test_extrema_inside_and_at_corners(bowl):
    low, high = bowl.minimum(), bowl.maximum()
    assert low.x == pytest.approx([0.25, 1.0], abs=1e-6)
    assert low.value == pytest.approx(-2.0, abs=1e-10)
    assert high.at == pytest.approx({"x1": -1.0, "x2": 4.0})
    assert high.value == pytest.approx(1.25**2 + 27 - 2)
    assert bowl.minimum({"x2": (2, 4)}).x == pytest.approx([0.25, 2.0], abs=1e-6)
    assert "the best that" in str(low)


@pytest.mark.slow
def test_of_several_minima_the_smallest_is_found(wave):
    fit = surefit.fit("sin(3*x1) * cos(2*x2) + x1/10", "x1=-3:3, x2=-3:3", tol=1e-4)
    found = fit.minimum()
    grid = np.stack(np.meshgrid(*[np.linspace(-3, 3, 601)] * 2), axis=-1).reshape(-1, 2)
    assert found.value <= fit.predict(grid).min() + 1e-12
    assert found.value == pytest.approx(-1 - 0.26, abs=0.02)
    assert wave.maximum().value == pytest.approx(1.0, abs=1e-8)


def test_an_output_is_named(two):
    assert two.minimum(output="y2").value == pytest.approx(-4.0)
    assert two.minimum(output=0).value == pytest.approx(0.0, abs=1e-9)
    with pytest.raises(ArgumentError, match="there are 2, y1, y2; say which"):
        two.minimum()
    with pytest.raises(ArgumentError, match="there is no 'z'"):
        two.minimum(output="z")
    with pytest.raises(ArgumentError, match="output=2"):
        two.minimum(output=2)


def test_scipy_goes_down_with_our_gradients(bowl):
    found = scipy.optimize.minimize(bowl.value_and_grad, [-0.5, 3.0], jac=True, bounds=bowl.domain.bounds)
    assert found.x == pytest.approx([0.25, 1.0], abs=1e-5)
    assert (
        scipy.optimize.check_grad(lambda x: bowl.value_and_grad(x)[0], lambda x: bowl.value_and_grad(x)[1], [0.3, 2.0])
        < 1e-5
    )
    with pytest.raises(ArgumentError, match="x has 3 numbers"):
        bowl.value_and_grad([1.0, 2.0, 3.0])


# --- roots and inverses ----------------------------------------------------------------------------------------------


def test_all_roots_of_one_input(wave):
    found = wave.roots()
    assert found.shape == (5, 1)
    assert found[:, 0] == pytest.approx(np.pi / 3 * np.arange(-2, 3), abs=1e-8)
    assert wave.predict(found) == pytest.approx(np.zeros(5), abs=1e-12)
    half = wave.roots(0.5, "x=0:3")
    known = np.array([math.pi / 18, 5 * math.pi / 18, 13 * math.pi / 18, 17 * math.pi / 18])
    assert half[:, 0] == pytest.approx(known[known < 3], abs=1e-8)


def test_a_touch_is_a_root_and_a_miss_is_none():
    assert exact("(x - 0.3)^2", "x=-1:1").roots()[:, 0] == pytest.approx([0.3], abs=1e-4)
    assert exact("(x - 0.3)^2 + 0.001", "x=-1:1").roots().shape == (0, 1)
    close = exact("(x - 0.3)^2 - 1e-8", "x=-1:1").roots()[:, 0]  # both between two of the points looked at
    assert close == pytest.approx([0.2999, 0.3001], abs=1e-7)
    assert exact("x^2 - 1", "x=-1:1").roots()[:, 0] == pytest.approx([-1.0, 1.0])  # at the ends


def test_roots_of_as_many_outputs_as_inputs(two):
    found = two.roots([2.0, 0.0])
    assert found == pytest.approx(np.array([[-1.0, -1.0], [1.0, 1.0]]), abs=1e-6)
    assert two.roots([100.0, 0.0]).shape == (0, 2)


def test_of_fewer_outputs_points_on_the_curve_are_found(two):
    found = two.roots(1.0, output="y1")
    assert len(found) > 3
    assert np.hypot(*found.T) == pytest.approx(np.ones(len(found)), abs=1e-7)


@pytest.mark.parametrize(
    "of_x, of_y",
    [(1.0, 1e-8), (1e-12, 1.0), (1e-200, 1.0), (1e200, 1.0), (1.0, 1e-200), (1.0, 1e150), (1e-9, 1e12), (1e9, 1e-170)],
)
def test_places_do_not_depend_on_the_units(of_x, of_y):
    """Of sin(2 x) on -1:2 in units of inputs and values: its extrema at +-pi/4, its zeros at 0 and pi/2."""
    fit = surefit.fit(
        lambda x: of_y * np.sin(2 * (x / of_x)), {"x": (-of_x, 2 * of_x)}, method=surefit.Features(), model=(40,)
    )
    low, high = fit.minimum(), fit.maximum()
    assert np.allclose([low.value / of_y, high.value / of_y], [-1, 1], rtol=1e-7)
    assert np.allclose([low.x[0] / of_x, high.x[0] / of_x], [-np.pi / 4, np.pi / 4], rtol=1e-4)
    assert np.allclose(fit.roots() / of_x, [[0], [np.pi / 2]], rtol=1e-6, atol=1e-6)
    assert np.allclose(fit.roots(of_y / 2, bounds={"x": (0, 0.7 * of_x)}) / of_x, np.pi / 12, rtol=1e-6)
    assert np.isclose(fit.inverse(of_y / 2, {"x": (0, 0.7 * of_x)}) / of_x, np.pi / 12, rtol=1e-6)
    with pytest.raises(ArgumentError, match="not monotone"):
        fit.inverse(of_y / 2)


@pytest.mark.parametrize("of_y", [1e-200, 1e-8, 1e8, 1e140])
def test_roots_and_indices_of_several_inputs_do_not_depend_on_the_units(of_y):
    """Two planes meet at (0.25, -0.5); of x + 2 y on a square 1/5 of the variance is due to x."""
    fit = surefit.fit(
        lambda x, y: (of_y * (x + 2 * y + 0.75), of_y * (x - y - 0.75)), "x=-1:1, y=-1:1", method="polynomial"
    )
    assert np.allclose(fit.roots(), [[0.25, -0.5]], atol=1e-7)
    indices = fit.sensitivity(output=0)
    assert np.allclose(indices.first, [0.2, 0.8], atol=1e-6)
    assert np.allclose(indices.total, [0.2, 0.8], atol=1e-6)


def test_an_inverse_undoes_the_fit():
    fit = surefit.fit("exp(x) + x", "x=0:3", tol=1e-9)
    x = np.array([[0.0, 0.4], [1.7, 3.0]])
    assert fit.inverse(fit(x)) == pytest.approx(x, abs=1e-9)
    assert isinstance(fit.inverse(5.0), float)
    assert np.isnan(fit.inverse(1e3))
    falling = exact("3 - x - x^2/10", "x=0:2")
    assert falling(falling.inverse(1.5)) == pytest.approx(1.5, abs=1e-12)


def test_where_it_turns_the_inverse_says_so(wave):
    with pytest.raises(ArgumentError, match=r"not monotone, it turns near x=-2\.6"):
        wave.inverse(0.5)
    assert wave.inverse(0.5, "x=-0.5:0.5") == pytest.approx(math.pi / 18, abs=1e-8)
    assert len(wave.inverse(0.5, all_solutions=True)) == 6
    with pytest.raises(ArgumentError, match="one value at a time"):
        wave.inverse([0.5, 0.6], all_solutions=True)
    with pytest.raises(ArgumentError, match="is for one input"):
        exact("x1*x2", "x1=0:1, x2=0:1").inverse(0.5)


# --- what matters ----------------------------------------------------------------------------------------------------


def ishigami(x, a=7.0, b=0.1):
    return np.sin(x[:, 0]) + a * np.sin(x[:, 1]) ** 2 + b * x[:, 2] ** 4 * np.sin(x[:, 0])


# Ishigami and Homma 1990; the values as Saltelli et al. 2008, Global Sensitivity Analysis, have them
FIRST, TOTAL = [0.3139, 0.4424, 0.0], [0.5576, 0.4424, 0.2437]


@pytest.mark.parametrize("indices, near", [(_by_grid, 5e-5), (_by_samples, 5e-3)])
def test_sobol_indices_are_the_published_ones(indices, near):
    _, variance, first, total = indices(ishigami, surefit.Domain([(-np.pi, np.pi)] * 3), 0)
    assert variance == pytest.approx(13.8446, rel=10 * near)
    assert first == pytest.approx(FIRST, abs=near)
    assert total == pytest.approx(TOTAL, abs=near)


def test_indices_of_a_fit_have_names():
    found = exact("3*pressure + 4*heat", "pressure=0:1, heat=0:1").sensitivity()
    assert found.to_dict()["heat"]["first"] == pytest.approx(16 / 25, abs=1e-9)
    assert str(found).splitlines()[1].split() == ["heat", "0.640", "0.640"]
    assert found.mean == pytest.approx(3.5)
    assert found.variance == pytest.approx(25 / 12)
    product = exact("x1*x2", "x1=-1:1, x2=-1:1").sensitivity()
    assert product.first == pytest.approx([0.0, 0.0], abs=1e-9)
    assert product.total == pytest.approx([1.0, 1.0], abs=1e-9)
    one = exact("x^2", "x=0:1").sensitivity()
    assert (one.first[0], one.total[0]) == pytest.approx((1.0, 1.0))


def test_a_constant_is_due_to_nothing():
    found = surefit.fit("0*x1 + 0*x2 + 3", "x1=0:1, x2=0:1", method="polynomial").sensitivity()
    assert found.total.sum() <= 2.0
    assert found.variance < 1e-20


def test_many_inputs_are_sampled():
    names = [f"x{i}" for i in range(1, 7)]
    text = " + ".join(f"{i + 1}*{name}" for i, name in enumerate(names))
    found = exact(text, dict.fromkeys(names, (0, 1))).sensitivity()
    known = np.arange(1, 7) ** 2 / np.sum(np.arange(1, 7) ** 2)
    assert found.first == pytest.approx(known, abs=5e-3)
    assert found.total == pytest.approx(known, abs=5e-3)


def test_partial_dependence_is_the_mean_over_the_others(bowl):
    found = bowl.partial_dependence("x1", [-1.0, 0.25])
    assert found.y == pytest.approx([25 / 16 + 5, 5.0], abs=2e-3)  # 3 (x2 - 1)^2 - 2 is 5 on the mean
    rows = np.array([[0.0, 1.0], [0.5, 2.0]])
    assert bowl.partial_dependence("x1", [0.25], over=rows).y == pytest.approx([-0.5])
    assert rows.tolist() == [[0.0, 1.0], [0.5, 2.0]]  # as they were
    assert bowl.partial_dependence("x2", 5).x.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    with pytest.raises(ArgumentError, match="there is no input 'x3'"):
        bowl.partial_dependence("x3")


# --- slices ----------------------------------------------------------------------------------------------------------


def test_a_slice_is_the_fit_with_inputs_held(bowl):
    cut = bowl.slice(x2=0.5)
    x = np.linspace(-1, 1, 7)
    assert cut.predict(x) == pytest.approx(bowl(x, 0.5), abs=0)
    assert cut(x1=0.3) == bowl(0.3, 0.5)
    assert cut.derivative(x)[:, 0] == pytest.approx(2 * (x - 0.25), abs=1e-9)
    assert cut.minimum().x == pytest.approx([0.25], abs=1e-6)
    assert cut.roots(-1.0)[:, 0] == pytest.approx([-0.25, 0.75], abs=1e-9)
    assert cut.inverse(-1.0, "x1=0.25:1") == pytest.approx(0.75)
    known = ((0.75**3 + 1.25**3) / 3) + 2 * (0.75 - 2)
    assert cut.integral().value == pytest.approx(known, rel=1e-11)
    assert "x2=0.5" in repr(cut)


def test_slices_of_slices_and_several_outputs():
    fit = exact("x1*x2 + x3; x3", "x1=0:1, x2=0:1, x3=0:1")
    cut = fit.slice(x3=0.5).slice(x1=0.25)
    assert cut.names == ("x2",)
    assert cut.predict([1.0]) == pytest.approx(np.array([[0.75, 0.5]]))
    assert cut.derivative([1.0]).ravel() == pytest.approx([0.25, 0.0], abs=1e-9)
    assert fit.slice(x1=1.0, x3=0.0).sensitivity(output="y1").first == pytest.approx([1.0])


@pytest.mark.parametrize(
    "fixed, error, said",
    [
        ({"x3": 1.0}, ArgumentError, "there is no input 'x3'"),
        ({"x1": 2.0}, DomainError, "outside the domain, where x1=-1:1"),
        ({"x1": math.nan}, DomainError, "outside"),
        ({"x1": "a"}, ArgumentError, "must be a number"),
        ({"x1": 0.0, "x2": 1.0}, ArgumentError, "every input is held"),
    ],
)
def test_slices_that_cannot_be(bowl, fixed, error, said):
    with pytest.raises(error, match=said):
        bowl.slice(**fixed)


# --- new rows --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["varpro", "lm"])
def test_a_fit_goes_on_with_new_rows(method):
    fit = curve(method)
    x = np.linspace(1.0, 2.0, 40)
    before = fit.predict(np.linspace(0, 1, 5))
    more = fit.update(x, np.sin(3 * x))
    at = np.linspace(0.0, 2.0, 200)
    assert np.abs(more.predict(at) - np.sin(3 * at)).max() < 1e-3
    assert str(more.domain) == "x=0:2"
    assert sum(more.problem.sizes().values()) == 80
    assert more.network.num_parameters() == fit.network.num_parameters()
    assert np.array_equal(fit.predict(np.linspace(0, 1, 5)), before)  # as it was
    assert "80 rows" in more.card()


def test_without_training_it_says_the_same_in_new_units():
    from surefit.models.inference import evaluate
    from surefit.models.scaled import scaled
    from surefit.readings.updating import extended, in_units_of

    x = np.random.default_rng(0).uniform(-1, 1, (60, 2))
    fit = surefit.fit((x, x[:, 0] * x[:, 1]), model=(5, 4), method=surefit.LM(iterations=3))
    problem = extended(fit.problem, 3 * x + 1, 7 * x[:, :1], 0)
    network = in_units_of(fit, problem)
    assert evaluate(scaled(network, problem, True, "float64"), x)[:, 0] == pytest.approx(fit.predict(x), abs=1e-12)


def test_few_new_rows_are_all_trained_on():
    fit = curve()
    more = fit.update([0.5, 0.6], np.sin([1.5, 1.8]))
    assert more.problem.sizes()["train"] == fit.problem.sizes()["train"] + 2
    assert more.problem.sizes()["test"] == fit.problem.sizes()["test"]


def test_an_experiment_goes_on():
    fit = surefit.fit(lambda x1, x2: x1 * x2, "x1=0:1, x2=0:1", budget=40, method="varpro")
    x = np.random.default_rng(0).uniform(1, 2, (30, 2))
    more = fit.update(x, x.prod(axis=1))
    assert more(1.5, 1.5) == pytest.approx(2.25, abs=0.05)


@pytest.mark.parametrize("kind", ["frame", "file", "pair"])
def test_new_rows_may_be_a_table_whose_columns_have_the_names_of_the_old(tmp_path, kind):
    rng = np.random.default_rng(2)
    x, kinds = rng.uniform(size=80), np.array(["red", "blue"])[rng.integers(0, 2, 80)]
    y = 2.0 * x + (kinds == "red")
    fit = surefit.fit({"x": x, "kind": kinds, "y": y}, method="polynomial")
    new = {"y": [5.0, 4.2], "note": ["a", "b"], "kind": ["red", "blue"], "x": [2.0, 2.1]}
    if kind == "pair":
        more = fit.update((fit.problem.train[0][:2], [1.0, 2.0]))
        assert len(more.problem.train[0]) == len(fit.problem.train[0]) + 2
        return
    table = new
    if kind == "file":
        table = tmp_path / "new.csv"
        rows = [",".join(map(str, row)) for row in zip(*new.values(), strict=True)]
        table.write_text("\n".join([",".join(new), *rows]))
    more = fit.update(table)
    np.testing.assert_array_equal(more.problem.train[1][-2:, 0], new["y"])
    assert more.predict({"kind": ["blue"], "x": [2.1]})[0] == pytest.approx(4.2, abs=1e-6)
    for wrong, words in (
        ({"x": [1.0], "y": [2.0]}, "no column 'kind'"),
        ({"x": [1.0], "kind": ["green"], "y": [2.0]}, "'green', which is none of the known"),
        ({"x": [1.0], "kind": ["red"]}, "no column 'y'"),
    ):
        with pytest.raises(DataError, match=f"update: .*{words}"):
            fit.update(wrong)


def test_what_cannot_be_updated_is_refused():
    known = exact("x^2", "x=0:1")
    with pytest.raises(ArgumentError, match="known function"):
        known.update([0.5], [0.25])
    fit = curve()
    with pytest.raises(ShapeError, match="update: y has shape"):
        fit.update([0.5, 0.6], [1.0])
    with pytest.raises(DomainError, match="NaN"):
        fit.update([0.5], [math.nan])
    with pytest.raises((ShapeError, DataError)):
        fit.update([[0.5, 0.6]], [1.0])


def test_a_linear_function_is_updated_by_least_squares():
    rng = np.random.default_rng(0)
    x, more = rng.uniform(size=(30, 2)), rng.uniform(size=(20, 2)) + 1.0
    y, values = (p @ [2.0, -1.0] + 0.5 + rng.normal(0.0, 0.1, len(p)) for p in (x, more))
    plan = surefit.Sampling(split=(1.0, 0.0, 0.0))
    fit = surefit.fit((x, y), data=plan, method="lm", model=surefit.nn.Sequential(surefit.nn.Linear(2, 1)))
    again = fit.update(more, values)
    rows = np.column_stack([np.concatenate([x, more]), np.ones(50)])
    truth = rows @ np.linalg.lstsq(rows, np.concatenate([y, values]), rcond=None)[0]
    np.testing.assert_allclose(again.predict(rows[:, :2]), truth, atol=1e-6)


def test_bounds_that_end_at_a_turn_lie_between_turns():
    """The turn of a network is where that of its rows is but for an error far below its own."""
    x = np.linspace(0, 10, 40)
    for fit in (surefit.fit((x, (x - 5) ** 2)), surefit.fit((x, (x - 5) ** 2), method="varpro", model=(12,))):
        assert fit.inverse([4.0, 9.0, 100.0], (5, 10)) == pytest.approx([7.0, 8.0, np.nan], abs=1e-4, nan_ok=True)
        assert fit.inverse(4.0, (0, 5)) == pytest.approx(3.0, abs=1e-4)
        with pytest.raises(ArgumentError, match=r"turns near x=(4\.99|5)"):
            fit.inverse(4.0, (4.9, 10))


@pytest.mark.parametrize(
    "ask, kind, says",
    [
        (lambda f: f.minimum("x=0:9"), DomainError, "bounds: x=0:9 reaches outside the domain"),
        (lambda f: f.integral({"z": (0, 1)}), DomainError, "bounds: the domain has no variable 'z'; it has x, y"),
        (lambda f: f.maximum({"x": (1, 0)}), DomainError, "bounds: the interval of 'x' is reversed"),
        (lambda f: f.sensitivity({"x": 0.5}), DomainError, "bounds: the interval of 'x' must be a pair"),
        (lambda f: f.roots([0.1, 0.2]), ShapeError, r"value: has shape \(2,\); one number is needed"),
        (lambda f: f.slice(), ArgumentError, "slice: say which inputs are held"),
        (lambda f: f.derivative([[1.0, 2.0, 3.0]]), ShapeError, r"derivative: points of shape \(1, 3\)"),
        (lambda f: f.slice(x=0.5).derivative([[1.0, 2.0]]), ShapeError, "derivative: points of shape"),
        (lambda f: f.update([[math.nan, 1.0]], [0.3]), DomainError, "update: x is nan in new row 0"),
        (lambda f: f.update([[0.1, 0.2], [0.3, math.inf]], [0.3, 0.4]), DomainError, "update: y is inf in new row 1"),
    ],
)
def test_an_error_names_the_argument_that_was_given(ask, kind, says):
    x = np.random.default_rng(0).uniform(0, 1, (30, 2))
    fit = surefit.fit({"x": x[:, 0], "y": x[:, 1], "z": x.sum(axis=1)}, method="polynomial")
    with pytest.raises(kind, match=says):
        ask(fit)


@pytest.mark.parametrize("formula, box, right", [
    ("sin(10*x)", "x=0:3", np.arange(10) * np.pi / 10),
    ("sin(10*x)", "x=-3:0", -np.arange(9, -1, -1) * np.pi / 10),
    ("exp(x) - 1", "x=0:1", [0.0]),
    ("x*(1 - x)*1e9", "x=0:1", [0.0, 1.0]),
    ("exp(x)", "x=0:1", []),
    ("x + 1e-4", "x=0:1", []),
])  # fmt: skip
def test_a_root_at_an_end_is_one_though_the_fit_takes_the_value_just_beyond_it(formula, box, right):
    fit = surefit.fit(formula, box)
    found = fit.roots()[:, 0]
    assert found.shape == np.shape(right)
    np.testing.assert_allclose(found, right, atol=1e-5)
    assert ((found >= fit.domain.low[0]) & (found <= fit.domain.high[0])).all()


def test_a_reading_outside_the_domain_says_so():
    """As `predict` does: a mean over the other inputs, and a slice, gave numbers without a word."""
    for asked in (
        lambda fit: fit.partial_dependence("x1", [100.0]),
        lambda fit: fit.slice(x1=0.5)(100.0),
        lambda fit: fit.slice(x1=0.5).predict([[100.0]]),
    ):
        fit = surefit.fit("x1*x2", "x1=0:1, x2=0:2", method="polynomial")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fit.partial_dependence("x1")
            fit.partial_dependence("x1", [0.0, 1.0])
            fit.slice(x1=0.5)(1.0)
        with pytest.warns(surefit.OutsideWarning):
            asked(fit)


def test_a_constant_fit_has_no_inverse():
    with pytest.raises(ArgumentError, match="is 2 everywhere"):
        surefit.fit("2", "x=0:1").inverse(2.0)


def test_an_experiment_takes_what_fit_takes_of_a_table_and_names_the_rest():
    experiment = surefit.Experiment({"a": (0, 2)})
    x = np.linspace(0, 1.9, 12)
    experiment.tell(x[:, None], np.exp(np.sin(x)))
    with pytest.raises(surefit.errors.UnknownArgumentError, match="did you mean method"):
        experiment.fit(metod="lm")
    fit = experiment.fit(target_scale="log", method="features", folds=3)
    assert fit.problem.log_target and fit.error.folds == 3
