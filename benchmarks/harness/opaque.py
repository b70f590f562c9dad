"""Functions of which nothing can be read, and points that measure what was fitted to them.

A formula says where it is rough, and so does a Python function that only computes. A root finder, an eigenvalue, an
integral or a compiled special function says nothing: `Opaque` makes that of any function of points.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy import special

from surefit.data import Domain

Values = Callable[[np.ndarray], np.ndarray]
TOO_LITTLE = 1.05  # times what the card says: an error above that is more than the card tells
ROUNDING = 1e-13  # of the range: an error below that is roundoff, whatever the card says


class Opaque:
    """A function of points (n, d) as one of d columns or numbers, that refuses everything but real numbers."""

    __slots__ = ("_values",)

    def __init__(self, values: Values) -> None:
        self._values = values

    def __call__(self, *columns: Any) -> np.ndarray:
        numbers = np.broadcast_arrays(*(np.asarray(c, dtype=np.float64) for c in columns))
        found = self._values(np.stack([np.ravel(c) for c in numbers], axis=1))
        return np.reshape(found, numbers[0].shape)


def cards_told_too_little(runs: Mapping[str, Mapping[str, Any]], error: str = "error") -> str:
    """A note: where the error of a run is above "card", what the card says is the largest; as shares of the range."""
    known = {name: run for name, run in runs.items() if run.get(error) is not None and run.get("card") is not None}
    few = [name for name, run in known.items() if run[error] > max(TOO_LITTLE * run["card"], ROUNDING)]
    which = f": {', '.join(few)}" if few else ""
    percent = round(100 * (TOO_LITTLE - 1))
    return f"surefit's card says too little, by more than {percent} %, on {len(few)} of {len(known)}{which}."


def edge_points(box: Domain, count: int, rng: np.random.Generator) -> np.ndarray:
    """Points (about count, d): a half even, a half with inputs at distances 1e-9 to 1 from ends; some lie on ends.

    Of an input that is positive over two powers of ten or more a fifth of the points are even in its logarithm.
    """
    u = rng.uniform(size=(count, box.dim))
    near, on = count // 2, count // 10
    distance = 10.0 ** rng.uniform(-9, 0, (near, box.dim))
    side = rng.integers(0, 3, (near, box.dim))  # the lower end, the upper one, neither
    u[:near] = np.where(side == 0, distance, np.where(side == 1, 1 - distance, u[:near]))
    side = rng.integers(0, 3, (on, box.dim))
    u[near : near + on] = np.where(side == 0, 0.0, np.where(side == 1, 1.0, u[near : near + on]))
    x = box.low + u * (box.high - box.low)
    for i, (low, high) in enumerate(zip(box.low, box.high, strict=True)):
        if low > 0 and high > 100 * low:
            x[-(count // 5) :, i] = np.exp(rng.uniform(np.log(low), np.log(high), count // 5))
    return np.clip(np.concatenate([x, box.corners()]), box.low, box.high)


def _colebrook(reynolds: np.ndarray, roughness: np.ndarray) -> np.ndarray:
    """Friction factor f of a pipe: 1/sqrt(f) = -2 log10(roughness / 3.7 + 2.51 / (reynolds sqrt(f)))."""
    z = np.full(reynolds.shape, 5.0)
    for _ in range(60):
        inside = roughness / 3.7 + 2.51 * z / reynolds
        step = (z + 2 * np.log10(inside)) / (1 + 2 / np.log(10) * 2.51 / reynolds / inside)
        z = z - step
        if np.all(np.abs(step) < 1e-15):
            break
    return 1 / z**2


def _kepler(mean: np.ndarray, eccentricity: np.ndarray) -> np.ndarray:
    """Eccentric anomaly E with E - e sin(E) = M, by Newton's method kept within halved intervals."""
    low, high = np.zeros(mean.shape), np.full(mean.shape, np.pi)
    angle = np.where(eccentricity < 0.8, mean, np.pi)
    for _ in range(80):
        off = angle - eccentricity * np.sin(angle) - mean
        high, low = np.where(off > 0, np.minimum(high, angle), high), np.where(off < 0, np.maximum(low, angle), low)
        new = angle - off / (1 - eccentricity * np.cos(angle))
        new = np.where((new < low) | (new > high), (low + high) / 2, new)
        done = np.all(np.abs(new - angle) < 1e-15)
        angle = new
        if done:
            break
    return angle


def _planck(wavelength: np.ndarray, temperature: np.ndarray) -> np.ndarray:
    """Radiance of a black body, W/m^3, of micrometres and kelvin."""
    metres = wavelength * 1e-6
    return 3.74177e-16 / metres**5 / np.expm1(1.438777e-2 / (metres * temperature))


NODES, WEIGHTS = np.polynomial.legendre.leggauss(80)
NODES, WEIGHTS = (NODES + 1) / 2, WEIGHTS / 2  # of integrals over [0, 1]


def _debye(temperature: np.ndarray, debye: np.ndarray) -> np.ndarray:
    """Heat capacity of a crystal over 3 N k; what the integrand is beyond 60 is below roundoff."""
    x = debye / temperature
    end = np.minimum(x, 60.0)[:, None]
    u = NODES * end
    return 3 / x**3 * np.sum(WEIGHTS * end * u**4 * np.exp(-u) / np.expm1(-u) ** 2, axis=1)


def _smallest_eigenvalue(entries: Sequence[Sequence[Any]]) -> np.ndarray:
    """Of symmetric matrices, of which the entries are numbers or arrays."""
    rows = [np.stack(np.broadcast_arrays(*row), axis=-1) for row in entries]
    return np.linalg.eigvalsh(np.stack(np.broadcast_arrays(*rows), axis=-2))[..., 0]


def _singular(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """The smaller singular value of [[a, b], [c, 1]]."""
    matrices = np.stack([np.stack([a, b], -1), np.stack([c, np.ones_like(c)], -1)], -2)
    return np.linalg.svd(matrices, compute_uv=False)[:, 1]


def _cubic_root(k: np.ndarray, c: np.ndarray) -> np.ndarray:
    """z with z + k z^3 = c, by halving an interval."""
    low, high = np.zeros(k.shape), c.copy()
    for _ in range(70):
        middle = (low + high) / 2
        above = middle + k * middle**3 > c
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return (low + high) / 2


def _scattering(size: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Mie's efficiency of scattering of a sphere: a sum over twelve multipoles."""
    total, inner = np.zeros(size.shape), size * index
    for n in range(1, 13):
        jx, jm, yx = special.spherical_jn(n, size), special.spherical_jn(n, inner), special.spherical_yn(n, size)
        djx = jx + size * special.spherical_jn(n, size, True)
        djm = jm + inner * special.spherical_jn(n, inner, True)
        h, dh = jx + 1j * yx, djx + 1j * (yx + size * special.spherical_yn(n, size, True))
        electric = (index**2 * jm * djx - jx * djm) / (index**2 * jm * dh - h * djm)
        total = total + (2 * n + 1) * (electric + (jm * djx - jx * djm) / (jm * dh - h * djm)).real
    return 2 / size**2 * total


def _van_der_pol(damping: np.ndarray, stiffness: np.ndarray) -> np.ndarray:
    """How far from rest x'' = damping (1 - x^2) x' - stiffness x is at time 3: 150 steps of Runge and Kutta."""

    def slope(state: np.ndarray) -> np.ndarray:
        return np.stack([state[1], damping * (1 - state[0] ** 2) * state[1] - stiffness * state[0]])

    state, h = np.stack([np.ones(damping.shape), np.zeros(damping.shape)]), 0.02
    for _ in range(150):
        a = slope(state)
        b = slope(state + h / 2 * a)
        c = slope(state + h / 2 * b)
        state = state + h / 6 * (a + 2 * b + 2 * c + slope(state + h * c))
    return np.hypot(state[0], state[1])


def _to_triangle(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Distance to the border of a triangle."""
    start = np.array([[-0.5, -0.4], [0.6, -0.3], [0.2, 0.7]])
    along = np.roll(start, -1, axis=0) - start
    from_start = np.stack([x, y], -1)[:, None] - start
    part = np.clip(np.sum(from_start * along, -1) / np.sum(along**2, -1), 0, 1)
    return np.sqrt(np.sum((from_start - part[..., None] * along) ** 2, -1)).min(-1)


def _narrow_peaks(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    one, two = (x - 0.3) ** 2 + (y + 0.2) ** 2, (x + 0.5) ** 2 + (y - 0.4) ** 2
    return np.exp(-2000 * one) + 0.5 * np.exp(-800 * two)


def _call_option(spot: np.ndarray, strike: np.ndarray, volatility: np.ndarray) -> np.ndarray:
    """Black and Scholes: a year, no interest."""
    d = (np.log(spot / strike) + volatility**2 / 2) / volatility
    return spot * special.ndtr(d) - strike * special.ndtr(d - volatility)


OPAQUE: dict[str, tuple[Callable[..., np.ndarray], str]] = {
    "Colebrook": (_colebrook, "reynolds=4e3:1e8, roughness=0:0.05"),
    "Kepler": (_kepler, "mean=0:3.14159265358979, eccentricity=0:0.99"),
    "Planck": (_planck, "wavelength=0.1:100, temperature=300:6000"),
    "Debye": (_debye, "temperature=5:1000, debye=100:2000"),
    "elliptic of the first kind": (special.ellipkinc, "phi=0:1.57, m=0:0.999"),
    "elliptic of the second kind": (special.ellipeinc, "phi=-6:6, m=0:1"),
    "incomplete beta of two": (lambda a, x: special.betainc(a, 2.0, x), "a=0.5:10, x=0:1"),
    "incomplete gamma": (special.gammainc, "a=0.5:20, x=0:40"),
    "Bessel of the first kind": (special.jv, "v=0.5:5, x=0:20"),
    "Student": (special.stdtr, "df=1:30, t=-10:10"),
    "hypergeometric of two": (lambda a, z: special.hyp2f1(a, 1.5, 2.5, z), "a=0.1:3, z=-5:0.9"),
    "Voigt": (lambda x, g: special.voigt_profile(x, 0.3, g), "x=-10:10, g=1e-3:1"),
    "Mie": (_scattering, "size=0.1:8, index=1.1:1.6"),
    "van der Pol": (_van_der_pol, "damping=0.1:3, stiffness=0.5:2"),
    "root of a cubic": (_cubic_root, "k=0:100, c=0:10"),
    "eigenvalue of two": (
        lambda a, b: _smallest_eigenvalue([[a, 0.1, 0.05], [0.1, b, 0.2], [0.05, 0.2, 0.5]]), "a=-1:1, b=-1:1",
    ),
    "eigenvalue with a cone": (lambda a, b: _smallest_eigenvalue([[a, b], [b, -a]]), "a=-1:1, b=-1:1"),
    "distance to a triangle": (_to_triangle, "x=-1:1, y=-1:1"),
    "narrow peaks": (_narrow_peaks, "x=-1:1, y=-1:1"),
    "incomplete beta of three": (special.betainc, "a=0.5:5, b=0.5:5, x=0:1"),
    "noncentral chi square": (special.chndtr, "x=0.1:30, k=1:10, l=0:10"),
    "Black and Scholes": (_call_option, "spot=50:150, strike=50:150, volatility=0.05:0.6"),
    "hypergeometric of three": (lambda a, b, z: special.hyp2f1(a, b, 3.5, z), "a=0.5:2, b=0.5:2, z=-4:0.95"),
    "eigenvalue of three": (
        lambda a, b, c: _smallest_eigenvalue([[a, c, 0.0], [c, b, 0.3], [0.0, 0.3, 2.0]]), "a=-1:1, b=-1:1, c=0.1:1",
    ),
    "singular value": (_singular, "a=0:2, b=-1:1, c=-1:1"),
}  # fmt: skip


def values_of(name: str) -> Values:
    """One of `OPAQUE` as a function of points (n, d)."""
    function = OPAQUE[name][0]
    return lambda x: np.asarray(function(*np.asarray(x, dtype=np.float64).T), dtype=np.float64)
