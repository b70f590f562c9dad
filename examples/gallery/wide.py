"""A wide table, of which three columns matter.

Forty inputs and 150 rows. A Gaussian process, which has a length scale for each input, finds out which of them matter,
and teaches a small network. The slopes of that network are the picture.
"""

import matplotlib.pyplot as plt
import numpy as np

import surefit

rng = np.random.default_rng(1)
X = rng.normal(size=(150, 40))
y = 2 * X[:, 3] - X[:, 17] + 0.5 * X[:, 17] * X[:, 30] + 0.1 * rng.normal(size=150)
fit = surefit.fit((X, y))
slopes = np.abs(fit.derivative(X)).mean(axis=0)
first = np.argsort(-slopes)
print("largest mean slopes:", ", ".join(f"{fit.names[i]} {slopes[i]:.2f}" for i in first[:3]))
print(f"the largest of the other 37: {slopes[first[3]]:.3f}")
new = rng.normal(size=(2000, 40)).clip(X.min(axis=0), X.max(axis=0))
true = 2 * new[:, 3] - new[:, 17] + 0.5 * new[:, 17] * new[:, 30]
rmse = np.sqrt(np.mean((fit.predict(new) - true) ** 2))
print(f"rmse {rmse:.3f} against the truth, whose deviation is {true.std():.2f}")

figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
axes.bar(range(1, 41), slopes)
axes.set(xlabel="number of the input", ylabel="mean |slope| of the fit", title="Which of 40 inputs matter")
figure.savefig("wide.png")
