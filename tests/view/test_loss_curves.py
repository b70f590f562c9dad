"""Loss curves: every value of a history is on the page, and the best epoch is the right one."""

from __future__ import annotations

import numpy as np
import pytest

from surefit.errors import ArgumentError, DtypeError, ShapeError
from surefit.view import loss_curves, style

EPOCHS = np.arange(1, 41)
TRAIN = np.exp(-EPOCHS / 8.0)
VALIDATION = 1.2 * TRAIN + 1e-4 * EPOCHS**2  # falls, then rises


def line(axes, label):
    return next(one for one in axes.get_lines() if one.get_label() == label)


def labels(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def ring(axes):
    return [(one.get_xdata()[0], one.get_ydata()[0]) for one in axes.get_lines() if one.get_markerfacecolor() == "none"]


def test_curves_are_drawn_on_a_log_axis_in_their_colours():
    (axes,) = loss_curves({"train": TRAIN, "validation": VALIDATION}, ylabel="mean squared error").axes
    assert axes.get_yscale() == "log" and axes.get_ylabel() == "mean squared error" and axes.get_xlabel() == "epoch"
    np.testing.assert_array_equal(line(axes, "training").get_xdata(), EPOCHS)
    np.testing.assert_array_equal(line(axes, "training").get_ydata(), TRAIN)
    np.testing.assert_array_equal(line(axes, "validation").get_ydata(), VALIDATION)
    assert (line(axes, "training").get_color(), line(axes, "validation").get_color()) == (
        style.BLUE,
        style.ORANGE,
    )


def test_the_best_epoch_is_that_of_the_validation_loss():
    (axes,) = loss_curves({"train": TRAIN, "validation": VALIDATION}).axes
    at = int(np.argmin(VALIDATION))
    assert at not in (0, 39)
    assert ring(axes) == [(EPOCHS[at], VALIDATION[at])]
    assert labels(axes)[-1].startswith(f"best epoch {EPOCHS[at]}: validation ")


def test_without_validation_the_training_loss_decides():
    (axes,) = loss_curves({"loss": TRAIN}).axes
    assert ring(axes) == [(40, TRAIN[-1])]


def test_the_best_epoch_can_be_given():
    (axes,) = loss_curves({"train": TRAIN, "validation": VALIDATION}, best=7).axes
    assert ring(axes) == [(7, VALIDATION[6])]
    with pytest.raises(ArgumentError, match="best: 41"):
        loss_curves({"train": TRAIN}, best=41)


def test_epochs_may_be_numbered():
    (axes,) = loss_curves({"epoch": 10 * EPOCHS, "train": TRAIN}).axes
    np.testing.assert_array_equal(line(axes, "training").get_xdata(), 10 * EPOCHS)
    assert loss_curves({"steps": 10 * EPOCHS, "train": TRAIN}).axes[0].get_xlabel() == "step"


def test_a_changing_learning_rate_gets_its_panel():
    rate = 0.1 * 0.5 ** (EPOCHS // 10)
    upper, lower = loss_curves({"train": TRAIN, "lr": rate}).axes
    np.testing.assert_array_equal(lower.get_lines()[0].get_ydata(), rate)
    assert lower.get_ylabel() == "learning rate" and lower.get_yscale() == "log"
    assert upper.get_xlim() == lower.get_xlim()
    assert len(loss_curves({"train": TRAIN, "lr": np.full(40, 0.1)}).axes) == 1


def test_a_learning_rate_that_reaches_zero_has_a_linear_axis():
    _, lower = loss_curves({"train": TRAIN, "lr": np.linspace(0.1, 0.0, 40)}).axes
    assert lower.get_yscale() == "linear"


def test_rows_are_the_same_history_as_columns():
    rows = [{"epoch": i, "train": t, "validation": v} for i, t, v in zip(EPOCHS, TRAIN, VALIDATION, strict=True)]
    (one,), (two,) = loss_curves(rows).axes, loss_curves({"train": TRAIN, "validation": VALIDATION}).axes
    for label in ("training", "validation"):
        np.testing.assert_array_equal(line(one, label).get_xydata(), line(two, label).get_xydata())


def test_values_that_were_not_measured_are_no_gaps():
    measured = [v if i % 10 == 0 else None for i, v in zip(EPOCHS, VALIDATION, strict=True)]
    (axes,) = loss_curves({"train": TRAIN, "validation": measured}).axes
    np.testing.assert_array_equal(line(axes, "validation").get_xdata(), [10, 20, 30, 40])
    rows = [{"train": t} | ({} if v is None else {"validation": v}) for t, v in zip(TRAIN, measured, strict=True)]
    (axes,) = loss_curves(rows).axes
    np.testing.assert_array_equal(line(axes, "validation").get_xdata(), [10, 20, 30, 40])


def test_zeros_and_what_is_not_finite_are_marked():
    train = TRAIN.copy()
    train[20:], train[30] = 0.0, np.nan
    (axes,) = loss_curves({"train": train}).axes
    assert axes.get_yscale() == "log"
    assert {"not finite (1)", "exactly 0 (19)"} < set(labels(axes))
    np.testing.assert_array_equal(line(axes, "not finite (1)").get_xdata(), [31])
    assert axes.get_title(loc="right") == "best epoch 21: training 0"  # nothing to ring on a log axis
    assert ring(axes) == []


def test_nothing_but_zeros_and_negative_losses_are_linear():
    assert loss_curves({"train": [0.0, 0.0]}).axes[0].get_yscale() == "linear"
    (axes,) = loss_curves({"train": [1.0, 0.0, -2.0]}).axes
    assert axes.get_yscale() == "linear" and ring(axes) == [(3, -2.0)]


def test_a_loss_that_was_never_finite():
    (axes,) = loss_curves({"train": [np.nan, np.inf]}).axes
    assert labels(axes)[-1] == "not finite (2)" and ring(axes) == []


def test_several_runs_have_a_colour_each(texts):
    runs = {"Adam": {"train": TRAIN, "validation": VALIDATION}, "LM": {"train": 1e-6 * TRAIN[:5]}}
    figure = loss_curves(runs)
    (axes,) = figure.axes
    drawn = [one for one in axes.get_lines() if len(one.get_xdata()) > 1]
    assert {one.get_color() for one in drawn} == set(style.OKABE_ITO[:2])
    adam = [one for one in drawn if one.get_color() == style.OKABE_ITO[0]]
    thick = max(adam, key=lambda one: one.get_linewidth())
    np.testing.assert_array_equal(thick.get_ydata(), VALIDATION)
    assert len(ring(axes)) == 2
    assert "Adam (" in texts(figure) and "LM (" in texts(figure)
    with pytest.raises(ArgumentError, match="best"):
        loss_curves(runs, best=3)


def test_other_columns_are_curves_and_time_is_not():
    (axes,) = loss_curves({"train": TRAIN, "time": EPOCHS * 0.1, "penalty": TRAIN / 3}).axes
    assert labels(axes)[:2] == ["training", "penalty"]


@pytest.mark.parametrize(
    "history, error, says",
    [
        ({}, ArgumentError, "no losses"),
        ([], ArgumentError, "history"),
        ([1.0, 2.0], ArgumentError, "one mapping per epoch"),
        ({"lr": [0.1]}, ArgumentError, "no losses"),
        ({"train": []}, ArgumentError, "no losses"),
        ({"train": [1.0], "validation": [1.0, 2.0]}, ShapeError, "different lengths"),
        ({"train": [1.0], "lr": [1.0, 2.0]}, ShapeError, "different lengths"),
        ({"train": [1.0], "loss": [1.0]}, ArgumentError, "two columns"),
        ({"train": ["low"]}, DtypeError, "train"),
    ],
)
def test_refusals(history, error, says):
    with pytest.raises(error, match=says):
        loss_curves(history)


GAPS = np.where(EPOCHS == 30, np.nan, np.where(EPOCHS > 20, 0.0, TRAIN))


@pytest.mark.slow
@pytest.mark.parametrize(
    "history",
    [
        {"train": TRAIN, "validation": VALIDATION, "lr": 1e-3 * 0.9**EPOCHS},
        {
            "train": GAPS,
            "validation": [None, *VALIDATION[1:]],
            "test": VALIDATION,
            "some other quantity": TRAIN,
        },
        {f"a run with a long name {i}": {"train": TRAIN * 10**i, "lr": TRAIN} for i in range(7)},
        {"train": [0.3]},
        {"train": [1e-300, 1e-310]},
        {"train": [1e190, 1.0]},
    ],
    ids=["ordinary", "gaps", "many", "one epoch", "tiny", "huge"],
)
def test_nothing_overlaps_or_leaves_the_page(history, assert_readable):
    assert_readable(loss_curves(history, title="training of a network"))
