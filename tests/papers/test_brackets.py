"""Both ends of the brackets of five constants, found again by other means: closed forms, mpmath, scipy.

The statement is affirmed just inside the proved end and not just beyond it; refuted just beyond the refuted end and not
just inside it.
"""

import math
from fractions import Fraction as F

import mpmath
import pytest
from papers.statements import outcome
from scipy.optimize import brentq
from scipy.stats import norm

NEAR = 1e-6
LISTED = {"own.eq14_domain": 2e-5, "vanveen18.union": 1e-4}
"""How near the listed cases come to an end that is a limit."""


def order_exponent_proved():
    """log(2 pi)/2 - 1 + 1/sqrt(2 pi): Chernoff with the density at 0."""
    return math.log(2 * math.pi) / 2 - 1 + 1 / math.sqrt(2 * math.pi)


def order_exponent_refuted():
    """-log P(Bin(d, P(|g| < m/(2d))) >= m)/m at m = 10^6, d = 10^15, term by term in mpmath."""
    mpmath.mp.dps = 40
    m, d = mpmath.mpf(10**6), mpmath.mpf(10**15)
    p = mpmath.erf(m / (2 * d) / mpmath.sqrt(2))
    log_first = mpmath.loggamma(d + 1) - mpmath.loggamma(m + 1) - mpmath.loggamma(d - m + 1)
    log_first += m * mpmath.log(p) + (d - m) * mpmath.log1p(-p)
    term = total = mpmath.mpf(1)
    for k in range(200):
        term *= (d - m - k) / (m + k + 1) * p / (1 - p)
        total += term
    return float(-(log_first + mpmath.log(total)) / m)


def chi_square_proved():
    """(1 - log 2)/2."""
    return (1 - math.log(2)) / 2


def chi_square_refuted():
    """-log P(chi2_n > 2n)/n at n = 10^6, by Legendre's continued fraction for the upper gamma function."""
    mpmath.mp.dps = 40
    a, x = mpmath.mpf(500_000), mpmath.mpf(10**6)
    fraction = mpmath.mpf(0)
    for k in range(3000, 0, -1):
        fraction = k * (a - k) / (x + 2 * k + 1 - a + fraction)
    log_tail = -x + a * mpmath.log(x) - mpmath.log(x + 1 - a + fraction) - mpmath.loggamma(a)
    return float(-log_tail / 10**6)


def sparse_share():
    """The share p at which E[g^2; |g| > t] = 2 p log(1/p), p = P(|g| > t)."""

    def excess(p):
        t = norm.isf(p / 2)
        return p + 2 * t * norm.pdf(t) - 2 * p * math.log(1 / p)

    return brentq(excess, 0.1, 0.3, xtol=1e-14)


def width_aspect():
    """The root of the printed width inequality, in mpmath."""
    mpmath.mp.dps = 30

    def gap(C):
        u = 3 * mpmath.mpf(120) ** (mpmath.mpf(2) / 3) * C ** (-mpmath.mpf(1) / 3)
        return 2 / mpmath.sqrt(C) + mpmath.sqrt(2 * u * mpmath.log(1 / u)) - mpmath.mpf(1) / 12

    return float(mpmath.findroot(gap, (1e15, 1e16), solver="anderson"))


def union_coefficient():
    """2 e^{-1} + 3 e^{-1/2} over e^{-1/2}, that is n = 1, where the terms in d vanish."""
    return 2 * math.exp(-0.5) + 3


BRACKETS = [
    ("vanveen18.lemC4", "exponent", order_exponent_proved, order_exponent_refuted, 1),
    ("vanveen18.lemB4.eq16.corrected", "rate", chi_square_proved, chi_square_refuted, 1),
    ("own.eq14_domain", "share", sparse_share, sparse_share, 1),
    ("vanveen18.width.printed", "aspect", width_aspect, width_aspect, -1),
    ("vanveen18.union", "coefficient", union_coefficient, union_coefficient, -1),
]


@pytest.mark.parametrize(
    ("claim_id", "constant", "proved", "refuted", "way"), BRACKETS, ids=[row[0] for row in BRACKETS]
)
def test_the_ends_of_a_bracket(claim_id, constant, proved, refuted, way):
    slack = LISTED.get(claim_id, NEAR)

    def says(value, off):
        return outcome(claim_id, **{constant: F(value * (1 + way * off))})

    assert says(proved(), -slack) == "affirmed"
    assert says(proved(), slack) != "affirmed"
    assert says(refuted(), slack) == "refuted"
    assert says(refuted(), -slack) != "refuted"


def test_the_ends_meet_where_a_constant_is_sharp():
    ends = {claim_id: (proved(), refuted()) for claim_id, _, proved, refuted, _ in BRACKETS}
    gaps = {claim_id: abs(b / a - 1) for claim_id, (a, b) in ends.items()}
    assert max(gaps.values()) < 2e-4
