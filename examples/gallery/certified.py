"""A bound that is proved.

Measured errors are looked for; this one holds at every point of the interval, rounding of the running program included.
"""

import matplotlib.pyplot as plt
import numpy as np

import surefit

fit = surefit.fit("exp(-x^2)", "x=-3:3", tol=1e-5)
certificate = fit.certify()
print(certificate.error)

x = np.linspace(-3, 3, 2001)
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
axes.plot(x, fit.predict(x) - np.exp(-(x**2)), label="error of the fit")
for sign in (-1, 1):
    axes.axhline(sign * certificate.error.upper, color="C3", label="proved bound" if sign > 0 else None)
axes.set(xlabel="x", ylabel="fit - exp(-x²)", title="No error is outside the red lines: proved")
axes.set_ylim(-1.5 * certificate.error.upper, 1.5 * certificate.error.upper)
axes.legend(loc="upper right", ncols=2)
figure.savefig("certified.png")
