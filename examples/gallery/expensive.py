"""An expensive function, with a budget of 60 calls.

Where nothing may be wasted, the points are chosen as one goes: half of them fill the box, the others lie where cheap
models disagree. All train, and the error is estimated by leaving values out.
"""

import math

import matplotlib.pyplot as plt
import numpy as np

import surefit

called = []


def simulator(x1, x2):
    called.append((x1, x2))
    return math.exp(-x1) * math.sin(4 * x2) + 0.3 * x1


fit = surefit.fit(simulator, {"x1": (0, 2), "x2": (0, 2)}, budget=60)
print(f"{len(called)} calls; error {fit.error}")

x1, x2 = np.meshgrid(np.linspace(0, 2, 101), np.linspace(0, 2, 101))
error = np.abs(fit(x1, x2) - (np.exp(-x1) * np.sin(4 * x2) + 0.3 * x1))
print(f"the true largest error on a grid is {error.max():.1e}")
figure, axes = plt.subplots(figsize=(6, 4.5), layout="constrained")
levels = axes.contourf(x1, x2, fit(x1, x2), 20)
axes.plot(*zip(*called, strict=True), "w.", markeredgecolor="k", markersize=8, clip_on=False)
figure.colorbar(levels, label="fit")
axes.set(xlabel="x1", ylabel="x2", title="60 calls of a simulator, and what was learned of it")
figure.savefig("expensive.png")
