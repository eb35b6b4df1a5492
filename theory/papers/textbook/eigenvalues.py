"""The density of the eigenvalues of a real Wishart matrix: against laws and moments of V V^T known without it."""

from __future__ import annotations

import math
from fractions import Fraction as F

import numpy as np

from untrained.theory.claim import Case, Claim, Constant, Constants, Control, ExactRoute, Range, Sides, Source
from untrained.theory.laws.chi_square import chi_square_above
from untrained.theory.laws.wishart import eigenvalues_inside
from untrained.theory.proof.balls import ball

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)
_CLOSE = F(1, 10**8)
"""How far a quadrature may be from an exact law: that of a true density is off by about 1e-12."""


def _exponent(n: int, s: int, c: Constants) -> F:
    return (s - n - F(c["offset"])) / F(c["halving"])


def density_sides(case: Case, c: Constants) -> Sides:
    """A moment or a probability by the stated density, against the same of V V^T."""
    n, s = int(case["n"]), int(case["s"])
    if "b" in case:
        return Sides(
            abs(_inside_by_density(n, s, float(case["b"]), c) / _inside(n, s, float(case["b"])) - 1), float(_CLOSE)
        )
    by_density, by_entries = _trace(n, s, c) if case.get("trace") else _determinant(n, s, c)
    return Sides(abs(by_density - by_entries), F(0), unit=1)


def _trace(n: int, s: int, c: Constants) -> tuple[F, F]:
    """E tr^2: the density has the degree N in all, so its trace is Gamma(N) times the scale; that of V is chi2_{ns}."""
    scale = F(c["halving"])
    degree = n * (_exponent(n, s, c) + 1) + F(n * (n - 1), 2)
    return scale**2 * degree * (degree + 1), F(n * s * (n * s + 2))


def _determinant(n: int, s: int, c: Constants) -> tuple[F, F]:
    """E det: a ratio of Selberg's integrals; of V V^T it is n! times the number of minors, by Cauchy and Binet."""
    scale, first = F(c["halving"]), _exponent(n, s, c) + 1
    return math.prod((scale * (first + F(j, 2)) for j in range(n)), start=F(1)), F(math.perm(s, n))


def _inside(n: int, s: int, b: float) -> float:
    """P(all eigenvalues <= b): of one row by a sum of squares, else as the Pfaffian has it."""
    return 1 - float(chi_square_above(s, ball(b))) if n == 1 else float(eigenvalues_inside(n, s, 0, b))


def _inside_by_density(n: int, s: int, b: float, c: Constants) -> float:
    far = math.sqrt(n) + math.sqrt(s) + 9
    return _ordered(n, s, math.sqrt(b), c) / _ordered(n, s, far, c)


def _ordered(n: int, s: int, top: float, c: Constants) -> float:
    """Integral of the density over y_n < ... < y_1 < top, y the singular values: no kink and no root is left."""
    power, scale = 2 * float(_exponent(n, s, c)) + 1, float(c["halving"])
    y, weights = [np.array(top)], np.array(1.0)
    for _ in range(n):
        half = y[-1][..., None] / 2
        y = [*(one[..., None] for one in y), half * (1 + _NODES)]
        weights = weights[..., None] * half * _WEIGHTS
    values = y[1:]
    density = math.prod(2 * v**power * np.exp(-(v**2) / scale) for v in values)
    for i, larger in enumerate(values):
        density = density * math.prod(larger**2 - smaller**2 for smaller in values[i + 1 :])
    return float((weights * density).sum())


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="textbook.wishart",
        source=Source("textbook", "de Bruijn 1955; Chiani 2014: eigenvalues of a real Wishart matrix"),
        says="For V of shape n x s with independent standard normal entries, s >= n, the eigenvalues of V V^T have a density proportional to the product of x_i^{(s - n - ${offset})/$halving} e^{-x_i/$halving} and of their distances |x_i - x_j|.",
        tex=r"f(x)\propto\prod_i x_i^{(s-n-$offset)/$halving}e^{-x_i/$halving}\prod_{i<j}|x_i-x_j|",
        refuted_by="a probability or a moment that differs from that of V V^T",
        domain={"n": Range(1, 10**9, True, True), "s": Range(1, 10**9, True, True)},
        constants={"offset": Constant(1), "halving": Constant(2)},
        exact=ExactRoute(
            (
                *({"n": n, "s": s, "trace": trace} for n, s in ((1, 4), (2, 3), (5, 5), (30, 40)) for trace in (0, 1)),
                *({"n": n, "s": s, "b": b} for n, s, b in ((1, 5, 4), (2, 2, 3), (2, 7, 12), (3, 3, 5), (3, 6, 14))),
            ),
            density_sides,
        ),
        controls=(
            Control("offset_1.01", {"offset": F(101, 100)}),
            Control("offset_0.99", {"offset": F(99, 100)}),
            Control("halving_2.01", {"halving": F(201, 100)}),
            Control("halving_1.99", {"halving": F(199, 100)}),
        ),
    ),
)
