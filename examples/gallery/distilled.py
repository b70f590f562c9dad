"""A slow model becomes a small network.

A Gaussian process of 200 rows computes with all of them for every value. `distil` takes any model with a `predict`, and
measures how far the network is from it.
"""

import time

import matplotlib.pyplot as plt
import numpy as np

import surefit

rng = np.random.default_rng(4)
X = rng.uniform(0, 1, (200, 2))
y = np.sin(5 * X[:, 0]) * X[:, 1] + 0.02 * rng.normal(size=200)
process = surefit.solvers.GaussianProcess().fit(X, y)
student = surefit.distil(process, {"x1": (0, 1), "x2": (0, 1)})
print(f"{student.network.num_parameters()} parameters, distance from the process: {student.error}")

new = rng.uniform(0, 1, (20_000, 2))
seconds = {}
for name, model in (("Gaussian process", process), ("network", student)):
    model.predict(new)  # compiled, where it will be
    began = time.perf_counter()
    model.predict(new)
    seconds[name] = time.perf_counter() - began
print("the network is faster:", seconds["network"] < seconds["Gaussian process"])

figure, all_axes = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained")
x1, x2 = np.meshgrid(np.linspace(0, 1, 81), np.linspace(0, 1, 81))
grid = np.column_stack([x1.ravel(), x2.ravel()])
for axes, (name, model) in zip(all_axes, (("Gaussian process", process), ("network", student)), strict=True):
    levels = axes.contourf(x1, x2, model.predict(grid).reshape(x1.shape), np.linspace(-1.2, 1.2, 25))
    axes.set(xlabel="x1", ylabel="x2", title=name)
figure.colorbar(levels, ax=all_axes, label="value")
figure.savefig("distilled.png")
