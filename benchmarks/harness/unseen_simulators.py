"""More simulators, which nothing in surefit was tuned to: those of `simulators.py --unseen`.

From the Virtual Library of Simulation Experiments (Surjanovic and Bingham, https://www.sfu.ca/~ssurjano), of one to
twenty inputs. Each takes points of the unit cube, (n, d), and gives values (n,).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Values = Callable[[np.ndarray], np.ndarray]


def between(u: np.ndarray, low: list[float], high: list[float]) -> np.ndarray:
    """The columns of points of the unit cube, in the units of a simulator."""
    return (np.array(low) + u * (np.array(high) - np.array(low))).T


def around(u: np.ndarray, mean: list[float], deviation: list[float]) -> np.ndarray:
    """The same for inputs that are given by mean and standard deviation: two of these to each side."""
    middle, reach = np.array(mean), 2.0 * np.array(deviation)
    return between(u, (middle - reach).tolist(), (middle + reach).tolist())


def cantilever(u: np.ndarray) -> np.ndarray:
    e, x, y, w, t = between(u, [2.6e7, 200, 700, 2, 2], [3.2e7, 800, 1300, 4, 4])
    return 4 * 100**3 / (e * w * t) * np.sqrt((y / t**2) ** 2 + (x / w**2) ** 2)


def welch(u: np.ndarray) -> np.ndarray:
    x = u.T - 0.5
    small = [0.05, 0.08, 0.0, 0.0, -0.03, 0.03, 0.0, -0.09, -0.01, -0.07, 0.0, 0.0, -0.04, 0.06, 0.0, -0.01, -0.03]
    return (
        5 * x[11] / (1 + x[0]) + 5 * (x[3] - x[19]) ** 2 + x[4] + 40 * x[18] ** 3 - 5 * x[18] + 0.25 * x[12] ** 2
        + np.array(small) @ x[1:18]
    )  # fmt: skip


def curved(u: np.ndarray) -> np.ndarray:
    x, y, z = u[:, :3].T
    bend = 4 * (x - 2 + 8 * y - 8 * y**2) ** 2 + (3 - 4 * y) ** 2
    return bend + 16 * np.sqrt(z + 1) * (2 * z - 1) ** 2


def exponential(u: np.ndarray) -> np.ndarray:
    x = np.maximum(u.T, 1e-12)
    return 100 * sum(np.exp(-2 / x[i] ** power) for i, power in enumerate((1.75, 1.5, 1.25)))


def eight(u: np.ndarray) -> np.ndarray:
    return curved(u) + sum(i * np.log(1 + u[:, 2:i].sum(axis=1)) for i in range(4, 9))


def currin(u: np.ndarray) -> np.ndarray:
    x, y = u.T
    rational = (2300 * x**3 + 1900 * x**2 + 2092 * x + 60) / (100 * x**3 + 500 * x**2 + 4 * x + 20)
    return (1 - np.exp(-1 / (2 * np.maximum(y, 1e-12)))) * rational


def lim(u: np.ndarray) -> np.ndarray:
    x, y = u.T
    return ((30 + 5 * x * np.sin(5 * x)) * (4 + np.exp(-5 * y)) - 100) / 6


def robot_arm(u: np.ndarray) -> np.ndarray:
    angle, length = np.cumsum(2 * np.pi * u[:, :4], axis=1), u[:, 4:]
    return np.hypot((length * np.cos(angle)).sum(axis=1), (length * np.sin(angle)).sum(axis=1))


def bump(u: np.ndarray) -> np.ndarray:
    x, y = between(u, [-2, -2], [6, 6])
    return x * np.exp(-(x**2) - y**2)


def six(u: np.ndarray) -> np.ndarray:
    x = u.T
    return np.exp(np.sin((0.9 * (x[0] + 0.48)) ** 10)) + x[1] * x[2] + x[3]


def spill(u: np.ndarray) -> np.ndarray:
    mass, rate, place, delay = between(u, [7, 0.02, 0.01, 30.01], [13, 0.12, 3, 30.295])
    at, when = 1.5, 40.0

    def cloud(distance: np.ndarray | float, since: np.ndarray | float) -> np.ndarray:
        return mass / np.sqrt(rate * since) * np.exp(-(distance**2) / (4 * rate * since))

    return cloud(at, when) + cloud(at - place, when - delay)


def two_peaks(u: np.ndarray) -> np.ndarray:
    return sum(np.exp(-50 * ((u - centre) ** 2).sum(axis=1)) for centre in (1 / 3, 2 / 3))


def park(u: np.ndarray) -> np.ndarray:
    x, y, z, w = np.maximum(u, 1e-9).T
    return x / 2 * (np.sqrt(1 + (y + z**2) * w / x**2) - 1) + (x + 3 * w) * np.exp(1 + np.sin(z))


def park_2(u: np.ndarray) -> np.ndarray:
    x, y, z, w = u.T
    return 2 / 3 * np.exp(x + y) - w * np.sin(z) + z


def webster(u: np.ndarray) -> np.ndarray:
    a, b = between(u, [1, -1], [10, 5])
    return a**2 + b**3


def loeppky(u: np.ndarray) -> np.ndarray:
    x = u.T
    pairs = 3 * x[0] * x[1] + 2.2 * x[0] * x[2] + 1.4 * x[1] * x[2]
    return np.array([6, 4, 5.5, 1, 0.5, 0.2, 0.1]) @ x[:7] + pairs


def sulfur(u: np.ndarray) -> np.ndarray:
    centre = np.array([71.0, 0.5, 5.5, 5.0, 1.7, 0.3, 0.76, 0.39, 0.85])
    factor = np.array([1.15, 1.5, 1.5, 1.4, 1.2, 1.3, 1.2, 1.1, 1.1])
    q, y, life, psi, humid, beta, t, cloud, ground = between(u, (centre / factor).tolist(), (centre * factor).tolist())
    return -0.5 * 1361**2 / 365 * cloud * t**2 * ground**2 * beta * psi * humid * 3 * q * y * life * 1e12 / 5.1e14


def steel_column(u: np.ndarray) -> np.ndarray:
    fs, p1, p2, p3, b, d, h, f0, e = around(
        u, [400, 5e5, 6e5, 6e5, 300, 20, 300, 30, 2.1e5], [35, 5e4, 9e4, 9e4, 3, 2, 5, 10, 4200]
    )
    p, euler = p1 + p2 + p3, np.pi**2 * e * b * d * h**2 / 7500**2
    return fs - p * (1 / (2 * b * d) + f0 / (b * d * h) * euler / (euler - p))


def short_column(u: np.ndarray) -> np.ndarray:
    b, h, y, m, p = between(u, [5, 15, 4, 1200, 300], [15, 25, 6, 2800, 700])
    return 1 - 4 * m / (b * h**2 * y) - (p / (b * h * y)) ** 2


def flood(u: np.ndarray) -> np.ndarray:
    q, ks, zv, zm, hd, cb, length, b = between(
        u, [500, 15, 49, 54, 7, 55, 4990, 295], [3000, 45, 51, 56, 9, 56, 5010, 305]
    )
    return zv + (q / (b * ks * np.sqrt((zm - zv) / length))) ** 0.6 - hd - cb


def forrester(u: np.ndarray) -> np.ndarray:
    x = u[:, 0]
    return (6 * x - 2) ** 2 * np.sin(12 * x - 4)


def camel(u: np.ndarray) -> np.ndarray:
    x, y = between(u, [-2, -1], [2, 1])
    return (4 - 2.1 * x**2 + x**4 / 3) * x**2 + x * y + (4 * y**2 - 4) * y**2


def morokoff(u: np.ndarray) -> np.ndarray:
    d = u.shape[1]
    return (1 + 1 / d) ** d * np.prod(u ** (1 / d), axis=1)


def bratley(u: np.ndarray) -> np.ndarray:
    return (np.cumprod(u, axis=1) * (-1.0) ** np.arange(1, u.shape[1] + 1)).sum(axis=1)


UNSEEN: dict[str, tuple[Values, int]] = {
    "cantilever": (cantilever, 5),
    "welch": (welch, 20),
    "curved": (curved, 3),
    "exponential": (exponential, 3),
    "eight": (eight, 8),
    "currin": (currin, 2),
    "lim": (lim, 2),
    "robot arm": (robot_arm, 8),
    "bump": (bump, 2),
    "six": (six, 6),
    "spill": (spill, 4),
    "two peaks": (two_peaks, 2),
    "park": (park, 4),
    "park 2": (park_2, 4),
    "webster": (webster, 2),
    "loeppky": (loeppky, 10),
    "sulfur": (sulfur, 9),
    "steel column": (steel_column, 9),
    "short column": (short_column, 5),
    "flood": (flood, 8),
    "forrester": (forrester, 1),
    "camel": (camel, 2),
    "morokoff": (morokoff, 5),
    "bratley": (bratley, 6),
}
"""Values on points of the unit cube, and how many inputs, by name."""
