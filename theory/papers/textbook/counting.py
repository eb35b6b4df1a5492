"""Wendel's count of half-spaces, and medians of the binomial law."""

from __future__ import annotations

import math
from fractions import Fraction as F

import sympy as sp

from untrained.theory.claim import (
    Case,
    Claim,
    Constant,
    Constants,
    Control,
    ExactRoute,
    Hypothesis,
    Premises,
    Range,
    Sides,
    Source,
)
from untrained.theory.evidence import Symbolic
from untrained.theory.papers.textbook.tails import binomial_at_least
from untrained.theory.proof.algebra import exact_number, reduced
from untrained.theory.proof.balls import ball

_HALF = F(1, 2)


# Wendel.


def half_space_recursion(p: Premises) -> Symbolic:
    """D hyperplanes in R^n cut it into C(D, n) = C(D - 1, n) + C(D - 1, n - 1) cells, each a pattern of signs.

    The binomial law on the right obeys the same recursion, on its last trial, and begins alike.
    """
    D = sp.Symbol("D", integer=True, positive=True)
    share, less, fewer = exact_number(p["share"]), int(p["less"]), int(p["fewer"])
    weight = sp.Rational(1, 2) if p.given("symmetric") else sp.Symbol("q", positive=True)
    cells = 1 if p.given("general") else 0  # hyperplanes that are all the same one add none
    in_a_line = sum(
        sp.binomial(D - less, k) * share**k * (1 - share) ** (D - less - k) for k in range(max(0, 2 - fewer))
    )
    return reduced(
        "The last hyperplane is cut by the others as R^{n-1} by D - 1; of 2^D patterns, all alike by symmetry, those of "
        "a cell are in one half-space. In R^1 there are 2 cells, in R^0 none; one direction is in a half-space.",
        [
            ("weight of C(D - 1, n)", weight - (1 - share)),
            ("weight of C(D - 1, n - 1)", weight * cells - share),
            ("n = 1", sp.simplify(in_a_line - 2 * weight**D)),
            ("n = 0", sp.true if fewer > 0 else sp.false),
            ("D = 1", sp.true if 0 <= 1 - less <= 1 - fewer else sp.false),
        ],
        sufficient=True,
    )


def half_space_sides(case: Case, c: Constants) -> Sides:
    """How far the binomial probability is from a count done another way."""
    trials, most = int(case["D"]) - int(c["less"]), int(case["n"]) - int(c["fewer"])
    share = F(c["share"])
    claimed = sum(math.comb(trials, k) * share**k * (1 - share) ** (trials - k) for k in range(min(most, trials) + 1))
    return Sides(abs(claimed - _in_a_half_space(case)), F(0), unit=1)


def _in_a_half_space(case: Case) -> F:
    """In R^1 by signs, in R^2 by which direction comes first; of n + 1 directions one pattern and its negative fail."""
    D, n = int(case["D"]), int(case["n"])
    if not case.get("symmetric", True) or (n >= D and case.get("general", True)):
        return F(1)
    if n == 1 or not case.get("general", True):
        return F(2, 2**D)
    return F(2 * D, 2**D) if n == 2 else 1 - F(2, 2**D)


_WENDEL = Claim(
    id="textbook.wendel",
    source=Source("textbook", "Wendel 1962"),
    says="D independent directions in R^n in general position, each symmetric about the origin, lie in one half-space with probability P(Bin(D - $less, $share) <= n - $fewer).",
    tex=r"P\{v_1,\dots,v_D\ \text{in a half-space}\}=P\{\mathrm{Bin}(D-$less,$share)\le n-$fewer\}",
    refuted_by="D, n where another share of sign patterns leaves the directions in a half-space",
    domain={"D": Range(1, 10**9, True, True), "n": Range(1, 10**9, True, True)},
    hypotheses=(
        Hypothesis("symmetric", "v_l and -v_l have one law", lambda case, c: case.get("symmetric", True)),
        Hypothesis("general", "any n of them are a basis", lambda case, c: case.get("general", True)),
    ),
    constants={
        "less": Constant(1, whole=True),
        "share": Constant(_HALF),
        "fewer": Constant(1, whole=True),
    },
    proofs=(half_space_recursion,),
    exact=ExactRoute(
        (
            *({"D": D, "n": n} for n in (1, 2) for D in (1, 2, 3, 10)),
            *({"D": n + more, "n": n} for n in (3, 5, 10) for more in (-1, 0, 1)),
            {"D": 6, "n": 2, "symmetric": False},
            {"D": 6, "n": 2, "general": False},
        ),
        half_space_sides,
    ),
    controls=(
        Control("share_0.51", {"share": F(51, 100)}),
        Control("less_0", {"less": 0}),
        Control("fewer_2", {"fewer": 2}),
        Control("any_law", {}, ("symmetric",)),
        Control("any_position", {}, ("general",)),
    ),
)


# Kaas and Buhrman.


def median_reflected(p: Premises) -> Symbolic:
    """P(Bin(d, p) >= m) is an integral of x^{m - 1} (1 - x)^{d - m}, of which at most half lies below q = (m - 1)/d.

    With h = q log x + (1 - q) log(1 - x) this is e^{dh} dx/(1 - x), and dx/(1 - x) = x/|q - x| |dh|: at x < q < y with
    h(x) = h(y) the part of y is the larger where 2xy <= q(x + y), that is 1/x + 1/y >= 2/q.
    """
    x, y, q, d, m, s, choices = sp.symbols("x y q d m s C", positive=True)
    term = choices * x**m * (1 - x) ** (d - m)
    before, after = m * term / x, (d - m) * term / (1 - x)  # m C(d, m) of this m, and of the next
    h = q * sp.log(x) + (1 - q) * sp.log(1 - x)
    gain = y / (y - q) - x / (q - x)
    return reduced(
        "Derivatives of the terms telescope. In s = 1/x, h is k(s) = (1 - q) log(s - 1) - log s, with its top at 1/q; as "
        "k(1/q + t) >= k(1/q - t) for 0 < t < 1/q - 1, equal values have a mean of at least 1/q.",
        [
            ("derivative of a term", sp.diff(term, x) - before + after),
            ("powers", sp.expand(d * q - (m - 1)).subs(q, (m - 1) / d)),
            ("powers of 1 - x", sp.expand(d * (1 - q) - 1 - (d - m)).subs(q, (m - 1) / d)),
            ("dx/(1 - x)", sp.diff(h, x) * x / (q - x) - 1 / (1 - x)),
            ("part of y", gain - (q * (x + y) - 2 * x * y) / ((y - q) * (q - x))),
            ("h in s", sp.diff(h.subs(x, 1 / s), s) - _slope(s, q)),
            ("k rises to 1/q and falls from there", _slope(s, q) - (1 - q * s) / (s * (s - 1))),
            ("k(1/q + t) - k(1/q - t) grows", _reflection_grows()),
            ("share", exact_number(p["share"]) >= sp.Rational(1, 2)),
            ("m - 1 >= dp", exact_number(p["above"]) >= 1),
        ],
        sufficient=True,
    )


def _slope(s: sp.Expr, q: sp.Expr) -> sp.Expr:
    """k'(s)."""
    return (1 - q) / (s - 1) - 1 / s


def _reflection_grows() -> bool:
    """k'(1/q + t) + k'(1/q - t) >= 0, at q = 1/(1 + r) and t = r/(1 + z) for all r, z > 0: no coefficient is negative."""
    r, z = sp.symbols("r z", positive=True)
    q, t = 1 / (1 + r), r / (1 + z)
    above, below = sp.fraction(sp.cancel(sp.together(_slope(1 / q + t, q) + _slope(1 / q - t, q))))
    return all(coefficient >= 0 for part in (above, below) for coefficient in sp.Poly(part, r, z).coeffs())


def median_sides(case: Case, c: Constants) -> Sides:
    """P(Bin(d, p) >= m) at the largest p that is allowed for this m, where it is largest."""
    d, m = int(case["d"]), int(case["m"])
    p = max(F(0), min(F(1), (m - F(c["above"])) / d))
    return Sides(binomial_at_least(m, d, p), ball(c["share"]))


_MEDIAN = Claim(
    id="textbook.binomial_median",
    source=Source("textbook", "Kaas and Buhrman 1980"),
    says="A median of Bin(d, p) lies between the whole numbers next to dp: P(Bin(d, p) >= m) <= $share wherever m >= dp + $above.",
    tex=r"m\ge dp+$above\Rightarrow P\{\mathrm{Bin}(d,p)\ge m\}\le $share",
    refuted_by="d, p, m where the binomial law gives more",
    domain={"d": Range(1, 10**9, True, True), "p": Range(0, 1, False), "m": Range(1, 10**9, True, True)},
    constants={"share": Constant(_HALF, "down"), "above": Constant(1, "down")},
    proofs=(median_reflected,),
    exact=ExactRoute(
        (
            *({"d": d, "m": m} for d in (1, 2, 3, 5, 10, 30) for m in range(1, d + 1)),
            *({"d": d, "m": m} for d in (10**4, 10**6) for m in (1, 2, d // 4, d // 2, d - 1, d)),
        ),
        median_sides,
    ),
    controls=(Control("share_0.499", {"share": F(499, 1000)}), Control("above_0.69", {"above": F(69, 100)})),
)

CLAIMS: tuple[Claim, ...] = (_WENDEL, _MEDIAN)
