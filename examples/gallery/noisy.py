"""A noisy table, and how far off a new value may be.

Measured data are not interpolated. The band is where nine of ten new measurements are expected. A table of this size is
not split: each row is left out in turn, and the band is as wide as what these rows were missed by. Nine of ten holds on
the average over tables; a single one, such as this, gives some percent more or less.
"""

import matplotlib.pyplot as plt
import numpy as np

import surefit

rng = np.random.default_rng(0)
hours = rng.uniform(0, 24, 300)
degrees = 15 + 6 * np.sin(2 * np.pi * (hours - 9) / 24) + rng.normal(0, 1.0, 300)
fit = surefit.fit({"hours": hours, "degrees": degrees})
grid = np.linspace(hours.min(), hours.max(), 200)
low, high = fit.interval(grid, 0.9)
new = rng.uniform(0.5, 23.5, 2000)
measured = 15 + 6 * np.sin(2 * np.pi * (new - 9) / 24) + rng.normal(0, 1.0, 2000)
low_new, high_new = fit.interval(new, 0.9)
print(f"{np.mean((low_new <= measured) & (measured <= high_new)):.0%} of 2000 new measurements lie in their interval")

figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
axes.plot(hours, degrees, ".", color="0.6", label="measurements")
axes.fill_between(grid, low, high, alpha=0.25, label="90 % interval")
axes.plot(grid, fit.predict(grid), label="fit")
axes.set(xlabel="hours", ylabel="degrees", title="A day of temperatures")
axes.legend()
figure.savefig("noisy.png")
