"""Gradients as data: few points become worth many.

A simulation with an adjoint gives the slope beside the value. The same dozen points, with and without slopes.
"""

import matplotlib.pyplot as plt
import numpy as np

import surefit


def value(x):
    return np.sin(3 * x) * np.exp(-x / 2)


def slope(x):
    return (3 * np.cos(3 * x) - np.sin(3 * x) / 2) * np.exp(-x / 2)


figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
grid = np.linspace(0, 5, 500)
for name, derivatives in (("values", None), ("values and slopes", slope)):
    few = surefit.Sampling(count=12, derivatives=derivatives)
    fit = surefit.fit(value, "x=0:5", method="features", model=(24,), data=few)
    error = np.abs(fit.predict(grid) - value(grid))
    print(f"{fit.problem.sizes()['train']} points, {name}: max |error| {error.max():.1e}")
    axes.semilogy(grid, error, label=name)
axes.set(xlabel="x", ylabel="|error|", title="The same points, with and without slopes", ylim=(1e-8, 10))
axes.legend(loc="upper right")
figure.savefig("gradients.png")
