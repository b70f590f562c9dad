"""The coefficients of the elementary functions, fitted here and written to src/surefit/ir/coefficients.py.

    python scripts/minimax.py            # writes the file (about half a minute)
    python scripts/minimax.py --check    # fits again and compares instead

Every polynomial is the best one in the sense of Chebyshev: the largest weighted error is as small as it can be. Remez's
exchange finds it in high precision. Then the coefficients are rounded to the type they are used in, the lowest first,
and those that are left are fitted again after each, so that they make up for the rounding (after Brisebarre and
Chevillard, "Efficient polynomial L-infinity approximations", 2007, in its simplest form).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import mpmath as mp
from mpmath import mpf

FILE = Path(__file__).resolve().parents[1] / "src" / "surefit" / "ir" / "coefficients.py"
DIGITS = 45


@dataclass(frozen=True)
class Fit:
    """value(x) is near sum of c[i] x^i on [low, high]; the error counts times weight(x).

    bits: the error that is allowed, as a power of two; it is checked after rounding.
    """

    name: str
    kind: str
    about: str
    value: Callable[[mpf], mpf]
    low: mpf | float
    high: mpf | float
    terms: int
    weight: Callable[[mpf], mpf]
    bits: float

    @property
    def full_name(self) -> str:
        return self.name if "_F64_" in self.name else f"{self.name}_{self.kind.upper()}"


def nodes(low: mpf, high: mpf, n: int) -> list[mpf]:
    """Chebyshev's extrema: n points, dense at the ends."""
    return [(low + high) / 2 - (high - low) / 2 * mp.cos(mp.pi * i / (n - 1)) for i in range(n)]


def rounded(c: mpf, kind: str) -> float:
    """The nearest number of this kind; an mpf goes to float64 in one rounding."""
    if kind == "f64":
        return float(c)
    with mp.workprec(24):
        return float(+c)


class Best:
    """Remez's exchange for polynomials of which the first coefficients may be fixed already."""

    def __init__(self, fit: Fit) -> None:
        self.fit = fit
        low, high = mpf(fit.low), mpf(fit.high)
        inner = nodes(low, high, 16 * fit.terms + 34)[1:-1]  # ends and middle are often 0 / 0
        edge = (high - low) * mpf(10) ** -9
        self.grid = [low + edge, *inner, high - edge]
        self.values = [fit.value(x) for x in self.grid]
        self.weights = [abs(fit.weight(x)) for x in self.grid]

    def errors(self, c: Sequence[mpf | float]) -> list[mpf]:
        return [
            w * (v - mp.polyval(list(reversed([mpf(a) for a in c])), x))
            for x, v, w in zip(self.grid, self.values, self.weights, strict=True)
        ]

    def solve(self, fixed: Sequence[float]) -> list[mpf]:
        """All coefficients, the first of them as given."""
        k, n = len(fixed), self.fit.terms
        free = n - k
        if not free:
            return [mpf(c) for c in fixed]
        m = len(self.grid) - 1
        at = [round((1 - float(mp.cos(mp.pi * i / free))) / 2 * m) for i in range(free + 1)]
        best: list[mpf] = []
        for _ in range(12):
            a, b = mp.matrix(free + 1, free + 1), mp.matrix(free + 1, 1)
            for row, i in enumerate(at):
                x, w = self.grid[i], self.weights[i]
                for j in range(free):
                    a[row, j] = w * x ** (k + j)
                a[row, free] = (-1) ** row
                b[row] = w * (self.values[i] - mp.fsum(mpf(c) * x**j for j, c in enumerate(fixed)))
            found = mp.lu_solve(a, b)
            best = [*(mpf(c) for c in fixed), *(found[j] for j in range(free))]
            e = self.errors(best)
            turns = self.extrema(e, free + 1)
            if turns is None or turns == at or max(map(abs, e)) < abs(found[free]) * mpf("1.001"):
                break
            at = turns
        return best

    @staticmethod
    def extrema(e: Sequence[mpf], count: int) -> list[int] | None:
        """Where the error alternates in sign: the largest of each run, and of those the `count` neighbours that
        leave out the smallest ends."""
        runs: list[int] = []
        for i, x in enumerate(e):
            if runs and (x > 0) == (e[runs[-1]] > 0):
                if abs(x) > abs(e[runs[-1]]):
                    runs[-1] = i
            else:
                runs.append(i)
        while len(runs) > count:
            runs.pop(0 if abs(e[runs[0]]) < abs(e[runs[-1]]) else -1)
        return runs if len(runs) == count else None

    def run(self) -> tuple[list[float], float]:
        """Rounded coefficients and log2 of the largest weighted error that is left."""
        c = self.solve([])
        fixed: list[float] = []
        while len(fixed) < self.fit.terms:
            fixed.append(rounded(c[len(fixed)], self.fit.kind))
            kept = [*(mpf(x) for x in fixed), *c[len(fixed) :]]
            c = min(kept, self.solve(fixed), key=lambda c: max(map(abs, self.errors(c))))
        return fixed, float(mp.log(max(map(abs, self.errors(fixed))), 2))


def fits() -> list[Fit]:
    """All that mathlib needs. Errors are weighted so that they are relative to the function that is wanted."""
    half_ln2 = mp.log(2) / 2 * mpf("1.0001")
    quarter = (mp.pi / 4 * mpf("1.0001")) ** 2
    near = mpf(0.625)
    s_max = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1) * mpf("1.001")) ** 2

    def root(f: Callable[[mpf], mpf]) -> Callable[[mpf], mpf]:
        return lambda z: f(mp.sqrt(z))

    def both(name: str, about: str, value: Callable[[mpf], mpf], low: mpf | float, high: mpf | float,
             weight: Callable[[mpf], mpf], **terms: tuple[int, float]) -> list[Fit]:  # fmt: skip
        return [Fit(name, k, about, value, low, high, n, weight, bits) for k, (n, bits) in terms.items()]

    return [
        *both("EXP", "(e^r - 1 - r) / r^2 on |r| <= ln(2)/2",
              lambda r: (mp.expm1(r) - r) / r**2, -half_ln2, half_ln2, lambda r: r**2 / mp.expm1(r),
              f32=(5, -26), f64=(11, -56)),
        Fit("EXP_F64_SHORT", "f64", "the same, as float32 needs it", lambda r: (mp.expm1(r) - r) / r**2,
            -half_ln2, half_ln2, 6, lambda r: r**2 / mp.expm1(r), -31),
        *both("TANH", "(tanh(r) - r) / r^3 in r^2 on |r| <= 0.256", root(lambda r: (mp.tanh(r) - r) / r**3), 0,
              mpf("0.2561") ** 2, root(lambda r: r**3 / mp.tanh(r)), f32=(3, -26), f64=(7, -57)),
        *both("SINH", "(sinh(x) - x) / x^3 in x^2 on |x| <= 1", root(lambda x: (mp.sinh(x) - x) / x**3), 0, 1,
              root(lambda x: x**3 / mp.sinh(x)), f32=(4, -27), f64=(7, -56)),
        *both("LOG", "log((1+s)/(1-s)) / s - 2, over s^2, in s^2, |s| <= (sqrt(2)-1)/(sqrt(2)+1)",
              root(lambda s: (2 * mp.atanh(s) / s - 2) / s**2), 0, s_max, lambda z: z / 2, f32=(3, -27), f64=(7, -58)),
        Fit("LOG_F64_SHORT", "f64", "the same, as float32 needs it", root(lambda s: (2 * mp.atanh(s) / s - 2) / s**2),
            0, s_max, 4, lambda z: z / 2, -34),
        *both("POW", "(log((1+s)/(1-s)) / s - 2 - 2/3 s^2) / s^4 in s^2 on the same",
              root(lambda s: (2 * mp.atanh(s) / s - 2 - 2 * s**2 / 3) / s**4), 0, s_max, lambda z: z**2 / 2,
              f64=(7, -64)),
        *both("LOG1P", "(log(1+t) - t + t^2/2) / t^3 on sqrt(1/2) - 1 <= t <= sqrt(2) - 1",
              lambda t: (mp.log1p(t) - t + t**2 / 2) / t**3, mp.sqrt("0.5") - mpf("1.0001"), mp.sqrt(2) - mpf("0.9999"),
              lambda t: t**3 / mp.log1p(t), f32=(9, -26)),
        *both("SOFTPLUS", "(log(1+t) - t + t^2/2) / t^3 on 0 <= t <= 1", lambda t: (mp.log1p(t) - t + t**2 / 2) / t**3,
              0, 1, lambda t: t**3 / mp.log1p(t), f32=(9, -26)),
        *both("SIN", "(sin(r) - r) / r^3 in r^2 on |r| <= pi/4", root(lambda r: (mp.sin(r) - r) / r**3), 0, quarter,
              root(lambda r: r**3 / mp.sin(r)), f32=(3, -26), f64=(6, -57)),
        *both("COS", "(cos(r) - 1 + r^2/2) / r^4 in r^2 on |r| <= pi/4",
              root(lambda r: (mp.cos(r) - 1 + r**2 / 2) / r**4), 0, quarter, lambda z: z**2,
              f32=(3, -26), f64=(6, -57)),
        *both("ASIN", "(asin(x) - x) / x^3 in x^2 on |x| <= 1/2", root(lambda x: (mp.asin(x) - x) / x**3), 0,
              mpf("0.2501"), root(lambda x: x**3 / mp.asin(x)), f32=(5, -26), f64=(13, -56)),
        *both("ATAN", "(atan(x) - x) / x^3 in x^2 on |x| <= 0.66", root(lambda x: (mp.atan(x) - x) / x**3), 0,
              mpf("0.4357"), root(lambda x: x**3 / mp.atan(x)), f32=(6, -26), f64=(15, -57)),
        *both("ERF", "(erf(x) / x - 2/sqrt(pi)) / x^2 in x^2 on |x| <= 0.625",
              root(lambda x: (mp.erf(x) / x - 2 / mp.sqrt(mp.pi)) / x**2), 0, mpf("0.3907"),
              root(lambda x: x**3 / mp.erf(x)), f32=(4, -26), f64=(9, -57)),
        *both("ERFC", "-log(erfc(0.625 + t)) on 0 <= t <= 3.33", lambda t: -mp.log(mp.erfc(near + t)), 0, mpf("3.33"),
              lambda t: mp.erfc(near + t) / mp.erf(near + t), f32=(9, -26)),
        *both("ERFC", "the same on 0 <= t <= 5.33", lambda t: -mp.log(mp.erfc(near + t)), 0, mpf("5.33"),
              lambda t: mp.erfc(near + t) / mp.erf(near + t), f64=(22, -56)),
        *both("ERFCX", "(1 + 2a) e^(a^2) erfc(a) in (a - 3) / (a + 3) on 0.62 <= a <= 27.6", scaled_erfc(3),
              mpf("-2.38") / mpf("3.62"), mpf("24.6") / mpf("30.6"), lambda q: 1 / scaled_erfc(3)(q), f64=(20, -54)),
        Fit("ERFCX_F64_SHORT", "f64", "the same in (a - 2) / (a + 2) on 0.62 <= a <= 10.2, as float32 needs it",
            scaled_erfc(2), mpf("-1.38") / mpf("2.62"), mpf("8.2") / mpf("12.2"), 10, lambda q: 1 / scaled_erfc(2)(q),
            -28),
        *both("CBRT", "z^(1/3) on sqrt(1/2) <= z <= sqrt(2)", mp.cbrt, mp.sqrt("0.5") * mpf("0.9999"),
              mp.sqrt(2) * mpf("1.0001"), lambda z: 1 / mp.cbrt(z), f64=(8, -25)),
    ]  # fmt: skip


def scaled_erfc(k: int) -> Callable[[mpf], mpf]:
    """(1 + 2a) e^(a^2) erfc(a) as a function of (a - k) / (a + k)."""

    def value(q: mpf) -> mpf:
        a = k * (1 + q) / (1 - q)
        return (1 + 2 * a) * mp.exp(a * a) * mp.erfc(a)

    return value


def pieces(x: mpf, *bits: int) -> tuple[float, ...]:
    """x as a sum: each piece so many bits of what the ones before have left over, cut off, not rounded."""
    found = []
    for b in bits:
        unit = mpf(2) ** (int(mp.floor(mp.log(x, 2))) + 1 - b)
        found.append(float(mp.floor(x / unit) * unit))
        x -= mpf(found[-1])
    return tuple(found)


TABLE_BITS = 1216  # of 2 / pi: the exponents of float64, and 192 bits for the product


def constants() -> dict[str, tuple[str, object]]:
    """Numbers that are no fits: name -> (what it is, value)."""
    return {
        "LN2_F32": ("ln(2) as 14 bits and the rest", pieces(mp.log(2), 14, 24)),
        "LN2_F64": ("ln(2) as 41 bits and the rest", pieces(mp.log(2), 41, 53)),
        "HALF_PI_24": ("pi/2 in pieces of 24 bits", pieces(mp.pi / 2, 24, 24, 24)),
        "HALF_PI_33": ("pi/2 in pieces of 33 bits", pieces(mp.pi / 2, 33, 33, 33, 53)),
        "HALF_PI_TWO": ("pi/2 as two float64", pieces(mp.pi / 2, 53, 53)),
        "TWO_THIRDS": ("2/3 as two float64", pieces(mpf(2) / 3, 53, 53)),
        "TWO_OVER_ROOT_PI_F32": ("2/sqrt(pi) as two float32", pieces(2 / mp.sqrt(mp.pi), 24, 24)),
        "TWO_OVER_ROOT_PI_F64": ("2/sqrt(pi) as two float64", pieces(2 / mp.sqrt(mp.pi), 53, 53)),
        "QUARTER_PI_F32": ("pi/4 as 21 bits and the rest", pieces(mp.pi / 4, 21, 24)),
        "QUARTER_PI_F64": ("pi/4 as 50 bits and the rest", pieces(mp.pi / 4, 50, 53)),
        "LOG2_E_F32": ("1/ln(2) as two float32", pieces(1 / mp.log(2), 24, 24)),
        "LOG2_E_F64": ("1/ln(2) as two float64", pieces(1 / mp.log(2), 53, 53)),
        "LOG10_E_F32": ("1/ln(10) as two float32", pieces(1 / mp.log(10), 24, 24)),
        "LOG10_E_F64": ("1/ln(10) as two float64", pieces(1 / mp.log(10), 53, 53)),
        "LOG10_2_F32": ("log10(2) as 14 bits and the rest", pieces(mp.log10(2), 14, 24)),
        "LOG10_2_F64": ("log10(2) as 41 bits and the rest", pieces(mp.log10(2), 41, 53)),
        "CBRT_2": ("the cube root of 2, and of 1/2", (float(mp.cbrt(2)), float(mp.cbrt(mpf(1) / 2)))),
        "TABLE_BITS": ("how many bits of 2/pi follow", TABLE_BITS),
        "TWO_OVER_PI": ("2/pi times 2 to that power", int(mp.floor(2 / mp.pi * mpf(2) ** TABLE_BITS))),
    }


def text(found: list[tuple[Fit, list[float], float]]) -> str:
    """The module, as scripts/minimax.py writes it."""
    lines = ['"""Coefficients of the elementary functions, lowest first. Written by scripts/minimax.py."""', ""]
    with mp.workprec(TABLE_BITS + 64):
        for name, (about, value) in constants().items():
            lines += [f"# {about}"]
            if isinstance(value, tuple):
                lines += [f"{name} = (", *(f"    {x!r}," for x in value), ")"]
            elif value > 1 << 64:
                digits = f"{value:x}"
                lines += [f"{name} = int(", *(f'    "{digits[i : i + 96]}"' for i in range(0, len(digits), 96))]
                lines[-1] += ","
                lines += ["    16,", ")"]
            else:
                lines += [f"{name} = {value}"]
    lines += [""]
    for fit, c, bits in found:
        lines += [f"# {fit.about}: 2^{bits:.1f}", f"{fit.full_name} = ("]
        lines += [f"    {x!r}," for x in c]
        lines += [")", ""]
    return "\n".join(lines)


def main() -> None:
    """Fit, check the errors, write or compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the file instead of writing it")
    parser.add_argument("--only", help="fit only this name, and print it")
    options = parser.parse_args()
    mp.mp.dps = DIGITS
    found = []
    for fit in fits():
        if options.only and fit.name != options.only:
            continue
        c, bits = Best(fit).run()
        print(f"{fit.name} {fit.kind}: {len(c)} terms, 2^{bits:.2f}")
        if bits > fit.bits and not options.only:
            raise SystemExit(f"{fit.name} {fit.kind} needs 2^{fit.bits}")
        found.append((fit, c, bits))
    if options.only:
        print(text(found))
    elif options.check:
        assert FILE.read_text(encoding="utf-8") == text(found), "coefficients.py is not what this script writes"
    else:
        FILE.write_text(text(found), encoding="utf-8")


if __name__ == "__main__":
    main()
