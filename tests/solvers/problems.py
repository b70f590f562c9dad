"""The 35 problems of More, Garbow and Hillstrom (1981), Testing unconstrained optimization software.

Numbers, starting points and minima (sums of squares) are those of the paper. Jacobians are exact, by automatic
differentiation of the residuals below.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

import surefit as sf

sf64 = lambda a: sf.as_tensor(np.asarray(a, float))
upto = lambda m: np.arange(1.0, m + 1)


@dataclass(frozen=True)
class Problem:
    number: int
    residuals: object
    start: object
    minima: tuple[float, ...]  # of the sum of squares, all that the paper names

    def fun(self, x):
        return self.residuals(sf64(x)).numpy()

    def jac(self, x):
        return sf.jacobian(self.residuals)(sf64(x)).numpy()

    def reached(self, sum_of_squares):
        return any(abs(sum_of_squares - best) <= (1e-5 * best or 1e-10) for best in self.minima)


def freudenstein_roth(x):
    return sf.stack([-13 + x[0] + ((5 - x[1]) * x[1] - 2) * x[1], -29 + x[0] + ((x[1] + 1) * x[1] - 14) * x[1]])


def helical_valley(x):
    turn = sf.atan(x[1] / x[0]) / (2 * math.pi) + sf.where(x[0] < 0, 0.5, 0.0)
    return sf.stack([10 * (x[2] - 10 * turn), 10 * (sf.sqrt(x[0] ** 2 + x[1] ** 2) - 1), x[2]])


BARD = np.array([0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39])


def bard(x):
    u = upto(15)
    v = 16 - u
    return sf64(BARD) - (x[0] + sf64(u) / (sf64(v) * x[1] + sf64(np.minimum(u, v)) * x[2]))


GAUSSIAN = np.array([0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521, 0.3989])


def gaussian(x):
    y = np.concatenate([GAUSSIAN, GAUSSIAN[-2::-1]])
    return x[0] * sf.exp(-x[1] * (sf64((8 - upto(15)) / 2) - x[2]) ** 2 / 2) - sf64(y)


MEYER = np.array(
    [34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820, 3307, 2872.0]
)


def meyer(x):
    return x[0] * sf.exp(x[1] / (sf64(45 + 5 * upto(16)) + x[2])) - sf64(MEYER)


def gulf(x):
    t = upto(99) / 100
    y = 25 + (-50 * np.log(t)) ** (2 / 3)
    return sf.exp(-(sf.abs(sf64(y) - x[1]) ** x[2]) / x[0]) - sf64(t)


def box(x):
    t = upto(10) / 10
    return sf.exp(-sf64(t) * x[0]) - sf.exp(-sf64(t) * x[1]) - x[2] * sf64(np.exp(-t) - np.exp(-10 * t))


def powell_singular(x):
    a, b, c, d = x[0::4], x[1::4], x[2::4], x[3::4]
    return sf.cat([a + 10 * b, math.sqrt(5) * (c - d), (b - 2 * c) ** 2, math.sqrt(10) * (a - d) ** 2])


def wood(x):
    a, b, c, d = (x[i] for i in range(4))
    return sf.stack(
        [
            10 * (b - a**2),
            1 - a,
            math.sqrt(90) * (d - c**2),
            1 - c,
            math.sqrt(10) * (b + d - 2),
            (b - d) / math.sqrt(10),
        ]
    )


KOWALIK = np.array([0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246])
KOWALIK_U = np.array([4, 2, 1, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625])


def kowalik_osborne(x):
    u = sf64(KOWALIK_U)
    return sf64(KOWALIK) - x[0] * (u**2 + u * x[1]) / (u**2 + u * x[2] + x[3])


def brown_dennis(x):
    t = upto(20) / 5
    first = (x[0] + sf64(t) * x[1] - sf64(np.exp(t))) ** 2
    return first + (x[2] + x[3] * sf64(np.sin(t)) - sf64(np.cos(t))) ** 2


OSBORNE_1 = np.array(
    """.844 .908 .932 .936 .925 .908 .881 .850 .818 .784 .751 .718 .685 .658 .628 .603 .580 .558 .538 .522 .506 .490
    .478 .467 .457 .448 .438 .431 .424 .420 .414 .411 .406""".split(),
    float,
)


def osborne_1(x):
    t = sf64(10 * (upto(33) - 1))
    return sf64(OSBORNE_1) - (x[0] + x[1] * sf.exp(-t * x[3]) + x[2] * sf.exp(-t * x[4]))


def biggs(x):
    t = upto(13) / 10
    y = np.exp(-t) - 5 * np.exp(-10 * t) + 3 * np.exp(-4 * t)
    s = sf64(t)
    return x[2] * sf.exp(-s * x[0]) - x[3] * sf.exp(-s * x[1]) + x[5] * sf.exp(-s * x[4]) - sf64(y)


OSBORNE_2 = np.array(
    """1.366 1.191 1.112 1.013 .991 .885 .831 .847 .786 .725 .746 .679 .608 .655 .616 .606 .602 .626 .651 .724 .649
    .649 .694 .644 .624 .661 .612 .558 .533 .495 .500 .423 .395 .375 .372 .391 .396 .405 .428 .429 .523 .562 .607 .653
    .672 .708 .633 .668 .645 .632 .591 .559 .597 .625 .739 .710 .729 .720 .636 .581 .428 .292 .162 .098 .054""".split(),
    float,
)


def osborne_2(x):
    t = sf64((upto(65) - 1) / 10)
    bells = sum(x[i] * sf.exp(-((t - x[i + 7]) ** 2) * x[i + 4]) for i in (1, 2, 3))
    return sf64(OSBORNE_2) - (x[0] * sf.exp(-t * x[4]) + bells)


def watson(x):
    n = x.shape[0]
    powers = (upto(29) / 29)[:, None] ** np.arange(n)
    slopes = np.zeros((29, n))
    slopes[:, 1:] = np.arange(1, n) * powers[:, :-1]
    inner = sf64(slopes) @ x - (sf64(powers) @ x) ** 2 - 1
    return sf.cat([inner, x[:1], x[1:2] - x[:1] ** 2 - 1])


def rosenbrock(x):
    return sf.cat([10 * (x[1::2] - x[0::2] ** 2), 1 - x[0::2]])


def penalty_1(x):
    return sf.cat([math.sqrt(1e-5) * (x - 1), (x**2).sum().reshape(1) - 0.25])


def penalty_2(x):
    n, a = x.shape[0], math.sqrt(1e-5)
    y = np.exp(upto(n)[1:] / 10) + np.exp(upto(n)[:-1] / 10)
    e = sf.exp(x / 10)
    return sf.cat(
        [
            x[:1] - 0.2,
            a * (e[1:] + e[:-1] - sf64(y)),
            a * (e[1:] - math.exp(-0.1)),
            (sf64(upto(n)[::-1].copy()) * x**2).sum().reshape(1) - 1,
        ]
    )


def variably_dimensioned(x):
    s = (sf64(upto(x.shape[0])) * (x - 1)).sum().reshape(1)
    return sf.cat([x - 1, s, s**2])


def trigonometric(x):
    n = x.shape[0]
    return n - sf.cos(x).sum() + sf64(upto(n)) * (1 - sf.cos(x)) - sf.sin(x)


def brown_almost_linear(x):
    n = x.shape[0]
    return sf.cat([x[:-1] + x.sum() - (n + 1), x.prod().reshape(1) - 1])


def padded(x, left, right):
    return sf.cat([sf64(np.zeros(left)), x, sf64(np.zeros(right))])


def discrete_boundary(x):
    n = x.shape[0]
    h, t = 1 / (n + 1), sf64(upto(n) / (n + 1))
    z = padded(x, 1, 1)
    return 2 * x - z[:-2] - z[2:] + h**2 * (x + t + 1) ** 3 / 2


def discrete_integral(x):
    n = x.shape[0]
    h, t = 1 / (n + 1), upto(n) / (n + 1)
    lower = np.tril(np.outer(1 - t, t))
    upper = np.triu(np.outer(t, 1 - t), 1)
    return x + h / 2 * (sf64(lower + upper) @ (x + sf64(t) + 1) ** 3)


def broyden_tridiagonal(x):
    z = padded(x, 1, 1)
    return (3 - 2 * x) * x - z[:-2] - 2 * z[2:] + 1


def broyden_banded(x):
    n = x.shape[0]
    i, j = np.indices((n, n))
    near = ((j >= i - 5) & (j <= i + 1) & (i != j)).astype(float)
    return x * (2 + 5 * x**2) + 1 - sf64(near) @ (x * (1 + x))


def linear_full_rank(m):
    return lambda x: padded(x, 0, m - x.shape[0]) - 2 / m * x.sum() - 1


def linear_rank_1(m):
    return lambda x: sf64(upto(m)) * (sf64(upto(x.shape[0])) * x).sum() - 1


def linear_rank_1_with_zeros(m):
    rows = np.concatenate([[0], upto(m - 2), [0]])
    return lambda x: sf64(rows) * (sf64(upto(x.shape[0])[1:-1]) * x[1:-1]).sum() - 1


def chebyquad(x):
    n = x.shape[0]
    t = [1 + 0 * x, 2 * x - 1]
    for _ in range(n - 1):
        t.append(2 * (2 * x - 1) * t[-1] - t[-2])
    i = upto(n)
    integral = np.where(i % 2 == 0, -1 / np.maximum(i**2 - 1, 1), 0.0)
    return sf.stack([p.mean() for p in t[1:]]) - sf64(integral)


PROBLEMS = {
    "Rosenbrock": Problem(1, rosenbrock, [-1.2, 1], (0,)),
    "Freudenstein-Roth": Problem(2, freudenstein_roth, [0.5, -2], (0, 48.9842)),
    "Powell badly scaled": Problem(
        3, lambda x: sf.stack([1e4 * x[0] * x[1] - 1, sf.exp(-x[0]) + sf.exp(-x[1]) - 1.0001]), [0, 1], (0,)
    ),
    "Brown badly scaled": Problem(4, lambda x: sf.stack([x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2]), [1, 1], (0,)),
    "Beale": Problem(
        5, lambda x: sf64([1.5, 2.25, 2.625]) - x[0] * (1 - sf.stack([x[1], x[1] ** 2, x[1] ** 3])), [1, 1], (0,)
    ),
    "Jennrich-Sampson": Problem(
        6,
        lambda x: sf64(2 + 2 * upto(10)) - (sf.exp(sf64(upto(10)) * x[0]) + sf.exp(sf64(upto(10)) * x[1])),
        [0.3, 0.4],
        (124.362,),
    ),
    "Helical valley": Problem(7, helical_valley, [-1, 0, 0], (0,)),
    "Bard": Problem(8, bard, [1, 1, 1], (8.21487e-3, 17.4286)),
    "Gaussian": Problem(9, gaussian, [0.4, 1, 0], (1.12793e-8,)),
    "Meyer": Problem(10, meyer, [0.02, 4000, 250], (87.9458,)),
    "Gulf": Problem(11, gulf, [5, 2.5, 0.15], (0,)),
    "Box": Problem(12, box, [0, 10, 20], (0,)),
    "Powell singular": Problem(13, powell_singular, [3, -1, 0, 1], (0,)),
    "Wood": Problem(14, wood, [-3, -1, -3, -1], (0,)),
    "Kowalik-Osborne": Problem(15, kowalik_osborne, [0.25, 0.39, 0.415, 0.39], (3.07505e-4, 1.02734e-3)),
    "Brown-Dennis": Problem(16, brown_dennis, [25, 5, -5, -1], (85822.2,)),
    "Osborne 1": Problem(17, osborne_1, [0.5, 1.5, -1, 0.01, 0.02], (5.46489e-5,)),
    "Biggs EXP6": Problem(18, biggs, [1, 2, 1, 1, 1, 1], (5.65565e-3, 0)),
    "Osborne 2": Problem(19, osborne_2, [1.3, 0.65, 0.65, 0.7, 0.6, 3, 5, 7, 2, 4.5, 5.5], (4.01377e-2,)),
    "Watson 6": Problem(20, watson, [0] * 6, (2.28767e-3,)),
    "Watson 9": Problem(20, watson, [0] * 9, (1.39976e-6,)),
    "Watson 12": Problem(20, watson, [0] * 12, (4.72238e-10,)),
    "Extended Rosenbrock": Problem(21, rosenbrock, [-1.2, 1] * 5, (0,)),
    "Extended Powell singular": Problem(22, powell_singular, [3, -1, 0, 1] * 3, (0,)),
    "Penalty I 4": Problem(23, penalty_1, upto(4), (2.24997e-5,)),
    "Penalty I 10": Problem(23, penalty_1, upto(10), (7.08765e-5,)),
    "Penalty II 4": Problem(24, penalty_2, [0.5] * 4, (9.37629e-6,)),
    "Penalty II 10": Problem(24, penalty_2, [0.5] * 10, (2.93660e-4,)),
    "Variably dimensioned": Problem(25, variably_dimensioned, 1 - upto(10) / 10, (0,)),
    "Trigonometric": Problem(26, trigonometric, [0.1] * 10, (0, 2.79506e-5)),
    "Brown almost linear": Problem(27, brown_almost_linear, [0.5] * 10, (0, 1)),
    "Discrete boundary value": Problem(28, discrete_boundary, upto(10) / 11 * (upto(10) / 11 - 1), (0,)),
    "Discrete integral equation": Problem(29, discrete_integral, upto(10) / 11 * (upto(10) / 11 - 1), (0,)),
    "Broyden tridiagonal": Problem(30, broyden_tridiagonal, [-1] * 10, (0,)),
    "Broyden banded": Problem(31, broyden_banded, [-1] * 10, (0,)),
    "Linear, full rank": Problem(32, linear_full_rank(20), [1] * 5, (15,)),
    "Linear, rank 1": Problem(33, linear_rank_1(20), [1] * 5, (20 * 19 / (2 * 41),)),
    "Linear, rank 1, zeros": Problem(34, linear_rank_1_with_zeros(20), [1] * 5, ((400 + 60 - 6) / (2 * 37),)),
    "Chebyquad 7": Problem(35, chebyquad, upto(7) / 8, (0,)),
    "Chebyquad 8": Problem(35, chebyquad, upto(8) / 9, (3.51687e-3,)),
    "Chebyquad 10": Problem(35, chebyquad, upto(10) / 11, (6.50395e-3, 4.77271e-3)),
}
