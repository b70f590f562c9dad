"""A formula of two variables: fit it, ask how good the fit is, write everything into a folder."""

import surefit

fit = surefit.fit(
    "sin(x1) - cos(x2)",
    {"x1": (-5, 5), "x2": (-5, 5)},
    model=(64, 64),  # two hidden layers
    data=surefit.Sampling(design="sobol", count=4096),  # spreads points more evenly than chance does
    method=surefit.Adam(epochs=200),
)
print(fit)
print(fit.doctor())

paths = fit.save_outputs("formula")
print("\nwritten", *paths, sep="\n  ")
