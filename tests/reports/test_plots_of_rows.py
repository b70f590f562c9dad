"""Pictures of the fits of tables: of which rows their errors are, and where the largest is."""

from __future__ import annotations

import numpy as np
import pytest

import surefit
from surefit.doctor.graph import Layer
from surefit.view.panels import place_number

RNG = np.random.default_rng(0)
X = RNG.uniform(0, 1, (60, 3))
Y = X[:, 0] + X[:, 1] * X[:, 2] + 0.05 * RNG.normal(size=60)


def notes(fit):
    return [axes.get_title(loc="right") for axes in fit.plot().axes]


@pytest.mark.slow
def test_errors_of_rows_that_were_fitted_are_not_shown_as_those_of_others():
    """The picture had the root mean square of the training rows, where the card had that of rows left out."""
    fit = surefit.fit((X, Y))
    assert fit.error.kind == "estimated"
    note = next(text for text in notes(fit) if "RMSE" in text)
    left_out = next(line for line in note.split("\n") if line.startswith("left out"))
    assert note.startswith("training: ") and f"RMSE {fit.error.rmse:.3g}" in left_out
    alone = surefit.fit((X, Y), method="features", data=surefit.Sampling(split=(1, 0, 0)))
    assert next(text for text in notes(alone) if "RMSE" in text).startswith("training: ")


@pytest.mark.slow
def test_a_place_under_an_offset_is_told_from_its_neighbours():
    assert place_number(1.6e9 + 0.2345, 1.0) == "1600000000.234"
    assert place_number(1000.4123, 1.0) == "1000.412"
    assert place_number(0.4123456, 1.0) == "0.412" and place_number(2.0, 0.0) == "2"
    x = RNG.uniform(0, 1, 80)
    fit = surefit.fit({"t": 1.6e9 + x, "y": np.sin(6 * x)}, method="features")
    said = [part for text in notes(fit) for part in text.split() if part.startswith("16000000")]
    assert said


@pytest.mark.parametrize("several", ["quantiles", "outputs"])
def test_samples_of_several_outputs_are_drawn(several):
    more = (
        {"quantile": (0.1, 0.9), "method": surefit.Adam(epochs=2)} if several == "quantiles" else {"method": "features"}
    )
    target = (X, Y) if several == "quantiles" else (X, np.column_stack([Y, -Y]))
    for inputs in (1, 2, 3):
        surefit.fit((target[0][:, :inputs], target[1]), **more).plot("samples")


@pytest.mark.slow
def test_networks_side_by_side_are_looked_at_one_by_one():
    """Ten networks of 128 inputs were taken for one of 16 384, and their weights for far too large."""
    weight = RNG.normal(size=(10, 128, 64)) / np.sqrt(128)
    layer = Layer("w", weight, np.zeros((10, 1, 64)), np.zeros((5, 64)), True, stacked=True)
    rows = layer.per_unit()
    assert rows.shape == (640, 129)
    assert np.array_equal(rows[64 + 3, :-1], weight[1, :, 3])
    fit = surefit.fit({"a": X[:, 0], "y": Y}, quantile=(0.1, 0.5, 0.9))
    assert "unscaled-weights" not in [f.code for f in fit.doctor().findings if f.severity in ("warning", "error")]
