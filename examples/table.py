"""Measurements: a CSV file with noise in it, one column to predict, and a prediction for new rows."""

import csv

import numpy as np

import surefit

# A table as an experiment leaves it: the period of a pendulum by length (m) and amplitude (degrees), by stopwatch.
rng = np.random.default_rng(0)
length, amplitude = rng.uniform(0.2, 1.5, 500), rng.uniform(2.0, 80.0, 500)
swing = np.radians(amplitude) ** 2
period = 2 * np.pi * np.sqrt(length / 9.81) * (1 + swing / 16 + 11 * swing**2 / 3072)
with open("pendulum.csv", "w", newline="", encoding="utf-8") as file:
    table = csv.writer(file)
    table.writerow(["length", "amplitude", "period"])
    table.writerows(np.column_stack([length, amplitude, period + rng.normal(0, 0.01, 500)]).round(3).tolist())

# The last column is the target. Few rows: few weights, or the network learns the noise by heart.
fit = surefit.fit("pendulum.csv", model=(16, 16), method=surefit.Adam(epochs=300))
print(fit)
print(f"\none metre, 30 degrees: {fit(length=1.0, amplitude=30.0):.3f} s")
fit.plot().savefig("pendulum.png")
fit.error_map().savefig("pendulum-error.png")
