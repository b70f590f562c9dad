"""A sum of functions of one input each.

Six inputs are many for a table of 400 rows, unless each acts on its own. Then every part can be drawn, and read.
"""

import matplotlib.pyplot as plt
import numpy as np

import surefit

rng = np.random.default_rng(2)
X = rng.uniform(-1, 1, (400, 6))
parts = [lambda u: np.sin(3 * u), lambda u: u**2, np.abs, lambda u: np.exp(u) / 2, lambda u: 0.8 * u, lambda u: 0 * u]
y = sum(f(X[:, i]) for i, f in enumerate(parts)) + 0.1 * rng.normal(size=400)
fit = surefit.fit((X, y), method=surefit.Additive(units=12))
print(f"rmse {fit.error.rmse:.3f} on rows that took no part; the noise is 0.1")

grid = np.linspace(-0.97, 0.97, 98)
figure, all_axes = plt.subplots(2, 3, figsize=(8, 4.5), sharex=True, sharey=True, layout="constrained")
for i, (axes, f) in enumerate(zip(all_axes.flat, parts, strict=True)):
    effect, true = fit.partial_dependence(fit.names[i], grid).y, f(grid)
    axes.plot(grid, true - true.mean(), color="0.6", linewidth=4, label="truth")
    axes.plot(grid, effect - effect.mean(), label="fit")
    axes.set_title(fit.names[i])
all_axes[0, 0].legend()
figure.suptitle("What each input adds")
figure.savefig("additive.png")
