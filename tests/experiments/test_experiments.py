"""The experiments in their quick form: what each claims is borne out; their parts against independent references."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import surefit
from surefit import experiments, fitting
from surefit.errors import ArgumentError, DataError
from surefit.experiments import (
    digits,
    digits_claims,
    digits_networks,
    exercises,
    result,
    sine_by_sample,
    sine_reciprocal,
    three_functions,
    two_inputs,
    two_ways,
)
from surefit.experiments.byhand import numeric_gradient, one_hot, through
from surefit.experiments.digits_networks import Digits
from surefit.experiments.result import (
    Claim,
    Grid,
    Options,
    Result,
    Row,
    Setting,
    Verdict,
    settings_of,
    shown,
    verdict_of,
)
from surefit.nn import functional as F

PICTURES = {
    "sine-reciprocal": 4,
    "two-ways": 3,
    "digits": 2,
    "three-functions": 2,
    "sine-by-sample": 4,
    "two-inputs": 10,
}


@pytest.fixture(scope="module", params=experiments.NAMES)
def done(request):
    """The result of one experiment, quick, and what it logged on the way."""
    log = []
    mnist = request.getfixturevalue("shared_data")("mnist") if request.param == "digits" else None
    return experiments.run(request.param, Options(quick=True, mnist=mnist, log=log.append)), log


@pytest.mark.slow
def test_an_experiment(done, tmp_path):
    found, log = done
    assert found.wrong == []
    assert found.claims and found.quick and found.seconds > 0 and log
    assert all(s.reason for s in found.settings) and len(found.settings) >= 5
    assert all(row.faithful is not None for row in found.rows)
    paths = experiments.save([found], tmp_path)
    assert len([path for path in paths if path.suffix == ".png"]) == len(found.pictures) == PICTURES[found.name]
    assert all(path.stat().st_size > 1000 for path in paths)
    record = json.loads((tmp_path / f"{found.name}.json").read_text())
    assert [row["quantity"] for row in record["rows"]] == [row.quantity for row in found.rows]
    page = (tmp_path / "experiments.md").read_text()
    for text in (
        found.title,
        found.claims[0].found,
        found.rows[0].quantity,
        *(f"{p.name}.png" for p in found.pictures),
    ):
        assert text in page.replace("\\|", "|").replace("\\*", "*")


# --- sine-by-sample ------------------------------------------------------------------------------------------------


def test_the_published_losses_to_the_digit():
    """Document 003, epoch 100: the random stream, the order of drawing and the updates are the document's."""
    w, x, x_test = sine_by_sample.draw()
    history = sine_by_sample.train(w, x, x_test, updates=100 * 50)
    assert round(history["train"][-1], 5) == 0.05917
    assert round(history["test"][-1], 5) == 0.07770


def test_the_stream_is_numpys_legacy_one():
    np.random.seed(0)  # noqa: NPY002
    W1, W2 = np.random.randn(1, 10), np.random.randn(10, 10)  # noqa: NPY002
    w, _, _ = sine_by_sample.draw()
    np.testing.assert_array_equal(w[0], W1)
    np.testing.assert_array_equal(w[2], W2)


def test_the_hand_written_backward_is_that_of_differences():
    w, x, _ = sine_by_sample.draw(1)
    y = np.sin(x)
    gradients, value = sine_by_sample.backward(w, x, y)
    assert value == pytest.approx(sine_by_sample.loss_of(w, x), rel=1e-14)
    for k, gradient in enumerate(gradients):

        def loss(part, k=k):
            return sine_by_sample.loss_of([*w[:k], part, *w[k + 1 :]], x)

        np.testing.assert_allclose(gradient, numeric_gradient(loss, w[k]), rtol=1e-5, atol=1e-9)


def test_averaging_predictions_first_is_another_gradient():
    w, x, _ = sine_by_sample.draw()
    y = np.sin(x)
    wrong, _ = sine_by_sample.averaged_first(w, x, y)

    def loss(part):
        p, _, _ = sine_by_sample.forward([*w[:4], part, w[5]], x)
        return 0.5 * float((p.mean() - y.mean()) ** 2)

    np.testing.assert_allclose(wrong[4], numeric_gradient(loss, w[4]), rtol=1e-5, atol=1e-9)
    w[5] -= (sine_by_sample.forward(w, x)[0] - y).mean()  # now the mean is right, and nothing else
    wrong, value = sine_by_sample.averaged_first(w, x, y)
    assert max(np.abs(g).max() for g in wrong) < 1e-12 and value < 1e-25
    assert np.abs(sine_by_sample.backward(w, x, y)[0][4]).max() > 1e-3


def test_equal_updates_and_equal_time_are_parts_of_one_run():
    w, x, x_test = sine_by_sample.draw()
    long = sine_by_sample.train(w, x, x_test, batch=8, updates=100, seconds=0.02)
    assert long["seconds"][-1] >= 0.02
    assert sine_by_sample._until(long, "update", 100)["update"] == [50.0, 100.0]


# --- sine-reciprocal -----------------------------------------------------------------------------------------------


def test_the_data_are_the_documents():
    x, y, x_test, y_test = sine_reciprocal.draw(0)
    assert (len(x), len(x_test)) == (420, 180)
    assert (np.diff(x[:, 0]) > 0).all() and (np.diff(x_test[:, 0]) > 0).all()
    noise = np.concatenate([y - sine_reciprocal.target(x), y_test - sine_reciprocal.target(x_test)])
    assert 0 <= noise.min() < noise.max() < 0.01
    together = np.sort(np.concatenate([x, x_test])[:, 0])
    np.testing.assert_allclose(together, np.linspace(-3, 3, 600))


def test_without_bias_the_network_is_two_half_lines():
    network = sine_reciprocal.network_of(50, 0, bias=False)
    x = np.array([[1.0], [-2.0]])
    np.testing.assert_allclose(network.forward(3 * x), 3 * network.forward(x), rtol=1e-13)


@pytest.mark.parametrize("function", [np.sin, np.square, np.exp])
def test_a_network_through_knots_is_their_interpolation(function):
    knots = np.sort(np.random.default_rng(0).uniform(-3, 3, 20))
    x = np.linspace(knots[0], knots[-1], 500)
    line = through(knots, function(knots)).forward(x[:, None])[:, 0]
    np.testing.assert_allclose(line, np.interp(x, knots, function(knots)), rtol=1e-10, atol=1e-10)


def test_knots_must_increase():
    with pytest.raises(ArgumentError, match="must increase"):
        through(np.array([0.0, 0.0]), np.array([1.0, 2.0]))


# --- digits --------------------------------------------------------------------------------------------------------


def small_digits(n=200):
    rng = np.random.default_rng(0)
    x, labels = rng.uniform(0, 1, (n, 20)).astype(np.float32), rng.integers(0, 10, n)
    return Digits(x, labels, x, labels)


@pytest.mark.parametrize("recipe", [digits.PRINTED, digits.SOFTMAX, *digits.TOGETHER[:3]], ids=lambda r: r.name)
def test_a_recipes_gradients_are_autograds(recipe):
    sample = small_digits()
    network, loss = recipe.network((20, 8, 8, 10), 0), recipe.loss()
    for layer in network.linear():
        layer.weight = layer.weight.astype(np.float64)
        layer.bias = None if layer.bias is None else layer.bias.astype(np.float64)
    x = recipe.inputs(sample.x.astype(np.float64))
    value = loss.forward(network.forward(x), sample.labels)
    network.backward(loss.backward())
    module = digits_networks.AsModule(network, recipe).double()
    outputs = module(surefit.tensor(x))
    if recipe.softmax:
        theirs = F.cross_entropy(outputs, surefit.tensor(sample.labels))
    else:
        theirs = digits_networks.printed_loss(outputs, surefit.tensor(one_hot(sample.labels, 10))).mean()
    theirs.backward()
    assert value == pytest.approx(theirs.item(), rel=1e-9)
    for (_, mine), parameter in zip(network.parameters(), module.parameters(), strict=True):
        np.testing.assert_allclose(mine, parameter.grad.numpy(), rtol=1e-8, atol=1e-10)


def test_recipes_are_what_they_say():
    printed, he = digits.PRINTED.network(digits.DEEP, 0), digits.TOGETHER[0].network(digits.DEEP, 0)
    assert [layer.weight.shape for layer in printed.linear()] == [(785, 100), (100, 100), (100, 100), (100, 10)]
    assert printed.linear()[0].weight.std() == pytest.approx(1.0, rel=0.01)
    assert he.linear()[0].weight.std() == pytest.approx(np.sqrt(2 / 785), rel=0.01)
    residual = digits.TOGETHER[-1].network(digits.DEEP, 0)
    assert len(residual.linear()) == 4 and residual.linear()[0].bias is not None
    x = np.ones((1, 784), np.float32)
    assert residual.forward(x).shape == (1, 10)


def test_full_batch_and_mini_batches_both_learn():
    sample = small_digits()
    for recipe in (digits.TOGETHER[1], digits.TOGETHER[2]):
        run = digits.train(recipe, (20, 30, 10), sample, 40)
        assert run.last("train_loss") < run.history["train_loss"][0]
        assert set(run.history) == {"train_loss", "train_accuracy", "test_loss", "test_accuracy"}


def test_without_images_the_way_to_get_them_is_told(tmp_path):
    with pytest.raises(DataError, match=r"(?s)digits needs the MNIST images.*--mnist DIR.*--download"):
        experiments.run("digits", Options(mnist=tmp_path))


def test_images_are_fetched_only_when_asked(monkeypatch):
    asked = []

    def mnist(root, download):
        asked.append((root, download))
        raise DataError("nothing there")

    monkeypatch.setattr(digits_networks.data, "mnist", mnist)
    for download in (False, True):
        with pytest.raises(DataError, match="nothing there"):
            digits.load(Options(download=download))
    assert asked == [(None, False), (None, True)]


# --- three-functions, two-ways, two-inputs -------------------------------------------------------------------------


def test_scaled_losses_are_in_the_units_of_the_labels():
    raw, scaled = (three_functions.train("1000*sin(x)", 2, False, scale_y) for scale_y in (False, True))
    truth = float(np.square(1000 * np.sin(np.linspace(-10, 10, 100))).mean())
    for trained in (raw, scaled):  # a network that knows nothing yet is off by about the labels themselves
        assert trained.losses[0] == pytest.approx(truth, rel=1.0)
    assert three_functions.relative(np.zeros(5), np.array([-1.0, 1.0, -1.0, 1.0, 0.0])) == pytest.approx(1.0)


def test_by_hand_and_framework_have_one_gradient():
    x, y, x_test, _ = two_ways.draw(np.sin)
    assert (len(x), len(x_test)) == (800, 200)
    assert two_ways.gradients_agree(x, y) < 1e-13


def test_the_frameworks_part_runs_on_pytorch():
    """The same code, other modules: PyTorch's names are ours."""
    torch = pytest.importorskip("torch")
    parts = two_ways.Parts(
        "PyTorch",
        torch.nn,
        torch.optim,
        torch.utils.data.Dataset,
        torch.utils.data.DataLoader,
        torch.utils.data.random_split,
        lambda a: torch.tensor(a, dtype=torch.float32),
        torch.no_grad,
        lambda seed: torch.Generator().manual_seed(seed),
    )
    torch.manual_seed(0)
    theirs, ours = (two_ways.in_framework(p, np.square, 3) for p in (parts, two_ways.OURS))
    for trained in (theirs, ours):
        assert trained.losses[-1] < 0.5 * trained.losses[0]
    assert theirs.predict(np.zeros((2, 1))).shape == ours.predict(np.zeros((2, 1))).shape == (2, 1)
    assert 0.25 < theirs.losses[-1] / ours.losses[-1] < 4  # the same recipe from another start


def test_points_go_where_the_error_is():
    class WrongOnOneSide(surefit.nn.Module):
        def forward(self, x):
            right = surefit.where(x[:, :1] > 0, 1.0, 0.0)
            return surefit.sin(x[:, :1]) - surefit.cos(x[:, 1:]) + right

    points = two_inputs.where_it_errs(WrongOnOneSide(), 200, np.random.default_rng(0))
    assert points.shape == (200, 2)
    assert (points[:, 0] > 0).mean() > 0.95


def test_the_middle_is_a_sixth_of_the_grid():
    assert two_inputs.in_middle(two_inputs.grid()).mean() == pytest.approx(0.16, abs=0.005)


# --- verdicts: the same sentence on numbers that bear it out, on others, and untested -------------------------------

FOUND = (1e-17, np.array([-0.1, 0.0, 2.0]))  # no gradient, curvatures of both signs: a saddle
NO_SADDLE = (1e-17, np.array([0.1, 1.0, 2.0]))
SHAPES = [(name, shape) for shape in sine_reciprocal.SHAPES for name in ("sin 15x", "-2 / (2 + sin x)")]
GOOD, BAD = {"f1": 0.01, "f2": 0.5, "f3": 0.01}, {"f1": 0.3, "f2": 0.01, "f3": 0.3}


def suspect(**more):
    numbers = {"dead hidden units": 0.0, "dead outputs": 0.0, "sum of the outputs": 1.0}
    return {**numbers, "gradient that lowers wrong outputs": 0.5, "gradient, first / last layer": 1.0, **more}


@pytest.mark.parametrize(
    "claim, on_true, on_false",
    [
        (sine_reciprocal._depth_claim, ({k: 1.0 / len(k[1]) for k in SHAPES},), ({k: len(k[1]) for k in SHAPES},)),
        (
            sine_reciprocal._width_claim,
            ({"x^2 / 9": [1, 0.01, 0.01], "-2 / (2 + sin x)": [1, 0.5, 0.2, 0.05], "sin 15x": [1, 0.1]},),
            ({"x^2 / 9": [1, 0.2, 0.2], "-2 / (2 + sin x)": [1, 0.01, 0.01, 0.01], "sin 15x": [1, 0.99]},),
        ),
        (
            two_ways._fit_by_hand,
            ({"sin x": 0.01, "x^2": 0.01}, {"a": 0.01}, 9),
            ({"sin x": 0.6, "x^2": 0.2}, {"a": 0.6}, 9),
        ),
        (two_ways._given_rate, ([9.0, 1.0], 9, 0.01), ([1.0, np.inf], 9, 4.0)),
        (lambda r, tested: three_functions.claims(r, r, r, tested=tested)[0], (GOOD,), (BAD,)),
        (lambda r, tested: three_functions.claims(r, r, r, tested=tested)[1], (GOOD,), (BAD,)),
        (sine_by_sample.starts_claim, (np.array([1.0, 1.1]), 9), (np.array([1.0, 6.0]), 9)),
        (sine_by_sample.saturated_claim, (0.3, 0.0, 0.3, 9), (0.3, 0.3, 0.3, 9)),
        (
            sine_by_sample.representation_claim,
            (2.8, {1: 3, 8: 2, 50: 1}, {1: 3, 8: 2, 50: 1}),
            (1.0, {1: 1, 8: 2, 50: 3}, {1: 1, 8: 2, 50: 3}),
        ),
        (two_inputs.worst_claim, ({5: 1.2, 300: 1.1},), ({5: 0.9, 300: 0.5},)),
        (
            two_inputs.cures_claim,
            ({"plain": 3, "region by hand": 1, "wider, deeper": 1, "by the error": 1},) * 2,
            ({"plain": 1, "region by hand": 2, "wider, deeper": 2, "by the error": 2},) * 2,
        ),
        (
            digits_claims.gradients_claim,
            (suspect(**{"gradient, first / last layer": 1e-6}), suspect()),
            (suspect(), suspect()),
        ),
        (
            digits_claims.depth_claim,
            (0.1, 0.9, {"residual layers alone": 0.9}),
            (-5.0, 0.2, {"residual layers alone": 0.1}),
        ),
        (digits_claims.deep_claim, ([0.0233], [0.1]), ([1.0], [0.9])),
        (
            digits_claims.shallow_claim,
            (digits.PUBLISHED_SHALLOW, digits.PUBLISHED_SHALLOW),
            (dict.fromkeys(digits.PUBLISHED_SHALLOW, -5.0), digits.PUBLISHED_SHALLOW),
        ),
    ],
)
def test_a_claim_of_a_source_can_be_refuted_and_is_not_tested_by_a_quick_run(claim, on_true, on_false):
    assert claim(*on_true, tested=True).verdict is Verdict.HOLDS
    assert claim(*on_false, tested=True).verdict is Verdict.REFUTED
    for numbers in (on_true, on_false):
        quick = claim(*numbers, tested=False)
        assert quick.verdict is Verdict.NOT_TESTED and quick.our_verdict in (None, Verdict.NOT_TESTED)


@pytest.mark.parametrize(
    "claim, on_true, on_false",
    [
        (sine_by_sample.recipe_claim, (1e-9, 0.001, 0.25), (1e-30, 0.3, 0.25)),
        (sine_by_sample.saddles_claim, ([NO_SADDLE],), ([FOUND],)),
        (two_inputs.sampled_claim, (0.05,), (0.163,)),
        (exercises.cannot_run, ("",), ("no attribute 'sigmoid'",)),
        (
            digits_claims.cross_entropy_claim,
            ([2.0], [1.0], suspect()),
            ([1.0], [-9.0], suspect(**{"sum of the outputs": 3e5})),
        ),
        (two_ways._same_network, (1e-16,), (0.1,)),
        (
            sine_reciprocal._needs_bias,
            ({"with": 0.001, "without": 0.39, "floor": 0.39, "constant": 0.2},),
            ({"with": 0.3, "without": 0.3, "floor": 0.1, "constant": 0.2},),
        ),
    ],
)
def test_what_also_a_quick_run_can_test_is_refuted_by_other_numbers(claim, on_true, on_false):
    assert claim(*on_true).verdict is Verdict.HOLDS
    assert claim(*on_false).verdict is Verdict.REFUTED


def test_a_refuted_source_and_our_answer_are_two_verdicts():
    """A run whose numbers are the other way round: the source is right, and what we say about it is what is wrong."""
    found = a_result(claims=[sine_by_sample.saddles_claim([NO_SADDLE]), two_inputs.sampled_claim(0.163)])
    assert found.counts() == {"holds": 1, "refuted": 1, "partly": 0, "not tested": 0}
    assert found.counts(ours=True) == {"holds": 1, "refuted": 1, "partly": 0, "not tested": 0}
    assert [claim.said for claim in found.wrong] == ["saddle points are rare"]
    mixed = two_inputs.worst_claim({5: 1.2, 300: 0.5}, tested=True)
    assert (mixed.verdict, mixed.our_verdict) == (Verdict.PARTLY, Verdict.HOLDS)


def test_a_verdict_belongs_to_a_sentence():
    assert verdict_of() is Verdict.NOT_TESTED
    for words in (("said", None, "found"), ("", Verdict.HOLDS, "found"), ("said", Verdict.HOLDS, "found", "ours")):
        with pytest.raises(ArgumentError, match="each needs the other"):
            Claim(*words)


def test_the_printed_class_is_tried_and_fails():
    assert "sigmoid" in exercises.printed_class_fails(exercises.PrintedBackward())
    assert exercises.printed_class_fails(SimpleNamespace(backward=lambda g: g)) == ""


def test_two_per_cent_depends_on_of_what():
    y = np.ones((4, 1))
    y[::2] = 3.0
    off = sine_reciprocal._two_percent(y + np.sqrt(0.02 * np.square(y).mean()), y)  # 2 % of the squares
    assert (off.verdict, off.our_verdict) == (Verdict.PARTLY, Verdict.HOLDS) and "labels 2.0%" in off.found
    assert sine_reciprocal._two_percent(2 * y, y).verdict is Verdict.REFUTED


# --- results -------------------------------------------------------------------------------------------------------


def a_result(**more):
    rows = [Row("a | b", 1.25, 1.5, None, 0.5, None, (0, 1, 2, 3, 4), "why")]
    grids = [Grid("G", ("x", "y"), [("one", float("nan"))], "below")]
    return Result("name", "Title", "document 000", "About.", rows=rows, grids=grids, **more)


def test_a_result_as_markdown_and_plain_data(tmp_path):
    found = a_result(
        claims=[Claim("said", Verdict.REFUTED, "found", "ours", Verdict.HOLDS)],
        settings=[Setting("LR", "0.1", "given")],
    )
    page = found.markdown()
    assert "| a \\| b | 1.25 | 1.5 | - | 0.5 | 0-4 |" in page
    assert (
        "- a | b: why." in page
        and "| said | refuted | found | ours | holds |" in page
        and "| `LR` | `0.1` | given |" in page
    )
    both = Row("q", None, 1.0, 2.0, better_seeds=(0, 1, 2))
    assert result.row_cells(both)[-1] == "0 / 0-2"
    assert not found.wrong and found.row("a | b").source == 1.25
    found.save(tmp_path)
    assert json.loads((tmp_path / "name.json").read_text())["tables"][0]["rows"] == [["one", None]]


def test_formulas_in_markdown_are_no_italics():
    table = result.markdown_table(("a*b*c", "|x|"), [("`2 * pi * x`", "1")])
    assert table == "| a\\*b\\*c | \\|x\\| |\n| --- | --- |\n| `2 * pi * x` | 1 |"


def test_settings_are_read_from_the_top_of_a_file():
    settings = {s.name: s for s in settings_of(sine_reciprocal)}
    assert settings["WIDTH"] == Setting("WIDTH", "640", "given")
    assert settings["SHAPES"].value.startswith("((640,)")  # an annotation is no part of the name
    assert {"LR", "EPOCHS", "SEEDS", "PUBLISHED"} <= set(settings)


def test_numbers_are_shown_in_four_digits():
    assert [shown(v) for v in (0.00044, 100000.0, -10.13, 0, True)] == ["0.00044", "100000", "-10.13", "0", "1"]


def test_an_unknown_experiment_is_named():
    with pytest.raises(ArgumentError, match="no experiment 'sinus'; they are sine-reciprocal"):
        experiments.run("sinus")


# --- the command ---------------------------------------------------------------------------------------------------


@pytest.fixture
def command(capsys, monkeypatch, tmp_path):
    """command("--all") runs `surefit reproduce --all` on results that cost nothing; .ran: what was asked for."""
    from surefit.cli import main

    ran = []

    def run(name, options):
        if name == "digits" and options.mnist is None:
            raise DataError("digits needs the MNIST images")
        ran.append((name, options))
        options.log("a sentence")
        ours = Verdict.REFUTED if name == "two-ways" and options.quick else Verdict.HOLDS
        return a_result(claims=[Claim("said", Verdict.REFUTED, f"found by {name}", "the opposite", ours)])

    monkeypatch.setattr(experiments, "run", run)
    monkeypatch.chdir(tmp_path)

    def call(*words):
        ran.clear()
        code = main(["reproduce", *words])
        return SimpleNamespace(code=code, ran=ran, **dict(zip(("out", "err"), capsys.readouterr(), strict=True)))

    return call


def test_all_experiments_in_their_order(command, tmp_path):
    done = command("--all", "--mnist", str(tmp_path), "--out", "there")
    assert done.code == 0
    assert [name for name, _ in done.ran] == list(experiments.NAMES)
    assert all(options.mnist == tmp_path and not options.quick for _, options in done.ran)
    assert "Claims of the sources: holds 0, refuted 6, partly 0, not tested 0 (6 in all)." in done.out
    assert "Claims of surefit: holds 6, refuted 0" in done.out
    assert "a | b" in done.out and "why" in done.out
    assert "a sentence" in done.err
    assert (tmp_path / "there" / "experiments.md").is_file()


def test_a_sentence_of_ours_that_is_refuted_is_exit_code_3(command):
    done = command("two-ways", "sine-reciprocal", "--quick", "--quiet")
    assert done.code == 3
    assert "refuted: surefit says: the opposite. Measured: found by two-ways" in done.out
    assert "Claims of surefit: holds 1, refuted 1" in done.out
    assert done.err == ""
    assert [name for name, _ in done.ran] == ["sine-reciprocal", "two-ways"]


def test_without_images_the_others_run(command):
    done = command("--all")
    assert done.code == 3
    assert "digits is left out" in done.err and len(done.ran) == 5
    assert all(not options.download for _, options in done.ran)
    assert command("two-ways", "--download").ran[0][1].download
    alone = command("digits")
    assert alone.code == 2 and "digits needs the MNIST images" in alone.err


def test_json(command):
    done = command("two-inputs", "--json")
    record = json.loads(done.out)
    assert record["experiments"][0]["rows"][0]["source"] == 1.25 and record["files"] == []


@pytest.mark.parametrize(
    "words, message",
    [
        ([], "which experiment"),
        (["--all", "digits"], "leave out digits"),
        (["two-input"], "did you mean two-inputs"),
    ],
)
def test_wrong_words(command, words, message):
    done = command(*words)
    assert done.code == 2 and message in done.err and not done.ran


def test_the_doctor_knows_the_fixed_network():
    """The fixed recipe raises no alarm before training; the printed one does, by itself."""
    sample = small_digits(400)
    fixed = digits.TOGETHER[1]
    assert digits.examined(fixed, fixed.network((20, 30, 10), 0), sample.x, sample.labels).ok
    printed = digits.examined(digits.PRINTED, digits.PRINTED.network((20, 30, 10), 0), sample.x, sample.labels)
    assert printed.find("outputs-do-not-compete")[0].severity == "error"
    assert isinstance(printed, fitting.Diagnosis)
    assert result.NOT_GIVEN == "not given" and replace(a_result(), quick=True).quick
