"""An ensemble, which disagrees where there are no data.

Eight networks from eight seeds, trained at once over the cores. Between the rows they agree, in the gap they do not.
That is a warning and no interval: the truth may lie outside of the band, and here it does.
"""

import matplotlib.pyplot as plt
import numpy as np

import surefit

rng = np.random.default_rng(3)
x = np.concatenate([rng.uniform(-3, -0.5, 60), rng.uniform(1.5, 3, 40)])
y = np.sin(2 * x) + 0.05 * rng.normal(size=100)
group = surefit.ensemble((x, y), members=8, model=(32, 32), method=surefit.Adam(epochs=300))
grid = np.linspace(x.min(), x.max(), 300)
mean, spread = group.predict(grid, return_std=True)
gap = (grid > -0.5) & (grid < 1.5)
print(f"spread {spread[~gap].mean():.3f} where there are rows, {spread[gap].mean():.3f} in the gap")

figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
axes.fill_between(grid, mean - 2 * spread, mean + 2 * spread, alpha=0.25, label="mean ± 2 spreads")
axes.plot(grid, mean, label="mean of 8 networks")
axes.plot(grid, np.sin(2 * grid), "--", color="0.4", label="truth")
axes.plot(x, y, "k.", markersize=4, label="rows")
axes.set(xlabel="x", ylabel="y", title="Eight networks and a gap in the data")
axes.legend(loc="upper right", fontsize="small")
figure.savefig("ensemble.png")
