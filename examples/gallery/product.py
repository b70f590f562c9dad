"""A product of two inputs, as a surface.

A network of ordinary units has no product; it takes some tens of them to make one. The largest error is measured on
fresh points, on the border and uphill from the worst.
"""

import surefit

fit = surefit.fit("x1 * x2", {"x1": (-2, 2), "x2": (-2, 2)}, tol=1e-4)
print(f"{fit.network.num_parameters()} parameters, max |error| {fit.error}")
fit.plot("surface").savefig("product.png")
