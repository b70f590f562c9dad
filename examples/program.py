"""A function written down as a program: print it, draw it, differentiate it, and find a minimum by its gradient."""

import surefit
from surefit import view


def f(x1, x2):
    return surefit.log(x1) + x1 * x2 - surefit.sin(x2)


program = surefit.record(f, 2.0, 5.0)
print(program)
view.draw_program(program, title="ln(x1) + x1*x2 - sin(x2)").save("graph.svg")

gradient = surefit.grad(f, argnums=(0, 1))
print("\nits gradient, which is a program too")
print(surefit.record(gradient, 2.0, 5.0))
print("\nat (2, 5):", *(g.item() for g in gradient(2.0, 5.0)))


# Newton's method: the zero of the gradient, with the Hessian from the same engine.
def bowl(p):
    return (p[0] - 1) ** 2 + 2 * (p[1] - p[0] ** 2) ** 2 + surefit.cosh(p[0] * p[1])


p = surefit.tensor([0.5, 0.5], dtype=surefit.float64)
for _ in range(8):
    step = surefit.solve(surefit.hessian(bowl)(p), surefit.grad(bowl)(p))
    p = p - step
slope = surefit.grad(bowl)(p)
print(f"\nminimum of the bowl at {p.tolist()}, where its gradient is {slope.tolist()}")
