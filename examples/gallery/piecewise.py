"""A piecewise function, by the fewest straight pieces.

A kink, and a curve that begins further on. The network of ReLU units that `construct` finds keeps the tolerance
everywhere, which is proved, and no piecewise-linear function with fewer breakpoints does.
"""

import surefit

fit = surefit.construct("abs(x) + max(0, x - 1)^2", "x=-2:3", tol=0.05)
print(dict(fit.card_rows())["hinges"])
print(fit.certificate.error)
fit.plot("tube").savefig("piecewise.png")
