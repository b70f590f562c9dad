"""A sine, as exact as you ask.

One input, a formula, a tolerance. The picture has the target, the fit, and the error below them on a scale of its own.
"""

import surefit

fit = surefit.fit("sin(x) + sin(3*x)/3", "x=-pi:pi", tol=1e-8)
print(fit)
fit.plot().savefig("sine.png")
