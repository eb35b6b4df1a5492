"""How many columns keep J J^T near Sigma(U) in the operator norm, at a cost logarithmic in n.

J J^T is the mean of k independent copies of D M D, M = UU^T, D the mask of the rows that are on. L = ||M||, S = ||Sigma||,
V = ||E(DMD)^2 - Sigma^2||: with p_ilj the probability that three rows are on, entry (i, j) of E(DMD)^2 is sum_l M_il M_lj p_ilj.
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction as F
from functools import cache

import numpy as np
import sympy as sp
from flint import arb, ctx

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
from untrained.theory.objects.convolution_generator import plane_arcs
from untrained.theory.objects.shapes import Array
from untrained.theory.papers.heckel20a.dual_kernel import GAUSSIAN
from untrained.theory.papers.own.dual_kernel import (
    HALVES,
    INDEPENDENT,
    columns_of_plane,
    inner_and_shares,
    tuples_of_arcs,
)
from untrained.theory.papers.textbook.matrix_sums import MATRIX_BERNSTEIN
from untrained.theory.papers.textbook.tails import binomial_at_least
from untrained.theory.proof.algebra import exact_number, reduced
from untrained.theory.proof.balls import ball

_LARGEST, _QUARTER = "own.dual_kernel.largest", "own.dual_kernel.quarter"
_VARIANCE, _BERNSTEIN = "own.dual_kernel.variance", "own.dual_kernel.bernstein"
_BITS = 256


# Three rows.


def three_signs(p: Premises) -> Symbolic:
    """Of three signs either none of the pairs differ, or two do."""
    alike = [
        1 - F(1, 2) * sum(a != b for a, b in itertools.combinations(s, 2)) for s in itertools.product((0, 1), repeat=3)
    ]
    same = [len(set(s)) == 1 for s in itertools.product((0, 1), repeat=3)]
    total = sp.Symbol("total", positive=True)
    mean = (1 - sp.Rational(1, 2) * total / sp.pi) / 2  # of half the indicator: all on as often as all off
    claimed = exact_number(p["share"]) - total / (exact_number(p["parts"]) * sp.pi)
    return reduced(
        "1 less half the number of pairs that differ indicates that all three signs agree. A pair differs with probability "
        "angle/pi, and all are on as often as all are off.",
        [
            ("indicator", sp.Integer(int(alike == [F(int(x)) for x in same])) - 1),
            ("Gaussian columns", sp.Integer(int(p.given("gaussian"))) >= 1),
            ("probability", sp.simplify(mean - claimed)),
        ],
    )


def chamber(case: Case, c: Constants) -> Sides:
    """The walls of a chamber of a reflection group, 1/order of the directions; or three rows in a plane, by arcs."""
    if "order" in case:
        exact, total = F(1, case["order"]), sum(_CHAMBERS[case["order"]])
    else:
        angles = _ANGLES[case["rows"]]
        exact = sum((a.probability for a in plane_arcs(angles) if a.active.all()), F(0))
        total = sum(abs((a - b + 1) % 2 - 1) for a, b in itertools.combinations(angles, 2))
    claimed = F(c["share"]) - total / F(c["parts"])
    return Sides(abs(exact - claimed), F(0), unit=1)


# The variance.


def variance_argument(p: Premises) -> Symbolic:
    """X = DMD lies between 0 and L, so X^2 <= L X; and s(L - s) rises up to L/2."""
    level, s, more = sp.symbols("L s more", nonnegative=True)
    lead = exact_number(p["lead"])
    half = exact_number(p.of(_LARGEST)["factor"])
    return reduced(
        "E X^2 - Sigma^2 <= lead L Sigma - Sigma^2, whose eigenvalues lambda(lead L - lambda) rise with lambda <= S <= L/2.",
        [
            ("Gaussian columns", sp.Integer(int(p.given("gaussian"))) >= 1),
            ("X^2 <= lead L X", lead >= 1),
            ("difference of two", sp.expand((s + more) * (lead * level - s - more) - s * (lead * level - s) - more * (lead * level - 2 * s - more))),
            ("lead L - s - (s + more) >= 0 for s + more <= L/2", lead >= 2 * half),
        ],
        sufficient=True,
    )  # fmt: skip


@cache
def plane_variance(rows: int) -> tuple[float, float, float]:
    """V, L and S of listed rows in a plane, by their arcs."""
    case = columns_of_plane(rows, 1, 0)
    (inner, q) = inner_and_shares(case)
    square: Array = np.sum([float(weight) * JJ @ JJ for weight, JJ in tuples_of_arcs(case)], axis=0)
    sigma = q * inner
    norms = (np.linalg.norm(x, 2) for x in (square - sigma @ sigma, inner, sigma))
    variance, largest, mean = (float(x) for x in norms)
    return variance, largest, mean


def variance_by_arcs(case: Case, c: Constants) -> Sides:
    """V from the definition against S(lead L - S), in units of L^2."""
    V, L, S = plane_variance(case["rows"])
    return Sides(V, S * (float(c["lead"]) * L - S) + 1e-8 * L**2, unit=L**2)


# The bound.


def bernstein_argument(p: Premises) -> Symbolic:
    """Matrix Bernstein for (DMD - Sigma)/k and for its negative."""
    textbook, quarter = p.of(MATRIX_BERNSTEIN), exact_number(p.of(_QUARTER)["factor"])
    form = sp.Matrix([[1 - quarter, quarter], [quarter, -quarter]])
    most = max(form.eigenvals(), key=sp.N)
    third, rate = exact_number(textbook["third"]), exact_number(textbook["rate"])
    stands = all(p.given(name) for name in ("independent", "halves", "gaussian"))
    return reduced(
        "With P = M^{1/2}Dw and Q = M^{1/2}(w - Dw), w^T(DMD - Sigma)w <= ||P||^2 - (1/4)||P + Q||^2 as Sigma >= M/4, which is "
        "largest for opposite P and Q; ||P||^2 + ||Q||^2 <= L, so it is at most L times the larger eigenvalue of a form in "
        "two variables, (1 + sqrt 5)/4. On the other side Sigma - DMD <= S. Both variances are V/k.",
        [
            ("hypotheses", sp.Integer(int(stands)) >= 1),
            ("S on the other side", exact_number(p.of(_LARGEST)["factor"]) <= most),
            ("two sides", exact_number(p["factor"]) >= 2 * exact_number(textbook["factor"])),
            ("n", exact_number(textbook["dimension"]) <= 1),
            ("rate", exact_number(p["rate"]) <= rate),
            ("term of L t", exact_number(p["third"]) >= third * most),
        ],
        sufficient=True,
    )


def far_by_arcs(case: Case, c: Constants) -> Sides:
    """P(||J J^T - Sigma|| >= t) for one row, binomial, or over every choice of patterns, against the bound."""
    t, k = F(case["t"]), int(case["k"])
    with ctx.workprec(_BITS):
        if case["rows"] == 0 and not case["copies"] and not case["alone"]:
            V, L, n = ball(F(1, 4)), arb(1), 1
            probability = 2 * binomial_at_least(math.ceil(k * (F(1, 2) + t)), k, F(1, 2))
        else:
            inner, q = inner_and_shares(case)
            V, L, n = ball(plane_variance(case["rows"])[0]), ball(plane_variance(case["rows"])[1]), len(inner)
            far = (w for w, JJ in tuples_of_arcs(case) if np.linalg.norm(JJ - q * inner, 2) >= t)
            probability = ball(sum(far, F(0)))
        exponent = ball(c["rate"]) * k * ball(t) ** 2 / (V + ball(c["third"]) * L * ball(t))
        return Sides(probability, ball(c["factor"]) * n * (-exponent).exp())


# How many columns that takes.


def columns_argument(p: Premises) -> Symbolic:
    """k t^2 rate/(V + third L t) at t = e S with V <= S(lead L - S), set equal to ln(2n/delta)."""
    e, ratio = sp.symbols("e ratio", positive=True)  # L/S
    bernstein, variance = p.of(_BERNSTEIN), p.of(_VARIANCE)
    per_column = exact_number(bernstein["rate"]) * e**2
    per_column /= exact_number(variance["lead"]) * ratio - 1 + exact_number(bernstein["third"]) * ratio * e
    claimed = exact_number(p["lead"]) * (ratio - exact_number(p["less"]) + exact_number(p["slope"]) * e * ratio) / e**2
    excess = sp.expand(sp.simplify((claimed - 1 / per_column) * e**2))
    terms = sp.Poly(excess, ratio, e).coeffs() if excess != 0 else []
    return reduced(
        "In the bound t = e S, and V is at most S(L - S).",
        [
            ("hypotheses", sp.Integer(int(all(p.given(name) for name in ("independent", "halves", "gaussian")))) >= 1),
            ("columns", all(x >= 0 for x in terms)),
            ("in the logarithm", exact_number(p["both"]) >= exact_number(bernstein["factor"])),
        ],
        sufficient=True,
    )


def columns_of_one_row(case: Case, c: Constants) -> Sides:
    """One row, L = 2S: the binomial probability at the claimed number of columns; `copies` are of one column."""
    e, delta = F(case["e"]), F(case["delta"])
    with ctx.workprec(_BITS):
        width = ball(c["lead"]) * (2 - ball(c["less"]) + 2 * ball(c["slope"]) * ball(e)) / ball(e) ** 2
        k = max(1, math.ceil(float((width * ball(F(c["both"]) / delta).log()).upper())))
        far = (
            2 * binomial_at_least(math.ceil(k * (1 + e) / 2), k, F(1, 2))
            if not case["copies"] | case["alone"]
            else arb(1)
        )
        return Sides(far / ball(delta), arb(1), unit=1)


def _e(e: F, delta: F, **changes: int) -> Case:
    return {"e": e, "delta": delta, "copies": 0, "alone": 0} | changes


_THREE = Hypothesis("gaussian", "the column is Gaussian with covariance a multiple of the identity")
_ANGLES = (
    (F(0), F(1, 3), F(3, 4)),
    (F(0), F(2, 3), F(4, 3)),
    (F(0), F(0), F(0)),
    (F(0), F(1, 5), F(11, 10)),
    (F(0), F(1), F(1, 2)),
)
"""Three rows in a plane, in units of pi."""
_CHAMBERS = {
    8: (F(1, 2), F(1, 2), F(1, 2)),
    24: (F(2, 3), F(2, 3), F(1, 2)),
    48: (F(2, 3), F(3, 4), F(1, 2)),
    120: (F(2, 3), F(4, 5), F(1, 2)),
}
"""Orders of the reflection groups A_1^3, A_3, B_3 and H_3, and the angles between simple roots in units of pi."""
_FAR = (
    *(columns_of_plane(0, k, k // 2, t=t) for k, t in ((1, F(1, 2)), (10, F(1, 5)), (10**9, F(4, 10**4)))),
    *(columns_of_plane(rows, k, 1, t=t) for rows in (1, 2) for k in (2, 4) for t in (F(1, 2), F(2), F(4))),
    columns_of_plane(0, 4, 2, copies=1, t=F(1, 2)),
    columns_of_plane(0, 4, 2, alone=1, t=F(1, 2)),
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="own.dual_kernel.three",
        source=Source("own", "orthant probability of three variables, for the second moment of D UU^T D"),
        says="Three rows of U, none of them zero, are on together with probability $share less the sum of the three angles between them divided by $parts pi.",
        tex=r"P\{u_i^Tc,u_j^Tc,u_l^Tc>0\}=$share-\frac{\theta_{ij}+\theta_{jl}+\theta_{il}}{$parts\pi}",
        refuted_by="three rows that are on together more or less often",
        hypotheses=(_THREE,),
        constants={"share": Constant(F(1, 2)), "parts": Constant(4)},
        proofs=(three_signs,),
        exact=ExactRoute(
            (*({"rows": i} for i in range(len(_ANGLES))), *({"order": order} for order in _CHAMBERS)), chamber
        ),
        controls=(Control("parts_4.1", {"parts": F(41, 10)}), Control("share_0.49", {"share": F(49, 100)})),
    ),
    Claim(
        id=_VARIANCE,
        source=Source("own", "variance of a column's share of J J^T"),
        says="V = ||E(DMD)(DMD) - Sigma Sigma|| is at most S(${lead:factor}L - S), with M = UU^T, L = ||M|| and S = ||Sigma||.",
        tex=r"\|\mathbb E(DMD)(DMD)-\Sigma\Sigma\|\le\|\Sigma\|(${lead:factor}\|M\|-\|\Sigma\|)",
        refuted_by="rows with a larger variance",
        domain={"n": Range(1, 10**6)},
        hypotheses=(GAUSSIAN,),
        constants={"lead": Constant(1, "down")},
        needs=(_LARGEST,),
        proofs=(variance_argument,),
        exact=ExactRoute(tuple({"rows": rows} for rows in range(3)), variance_by_arcs),
        controls=(Control("lead_0.98", {"lead": F(98, 100)}),),
    ),
    Claim(
        id=_BERNSTEIN,
        source=Source("own", "concentration of J J^T in Heckel and Soltanolkotabi, in the operator norm"),
        says="||J J^T - Sigma|| >= t with probability at most ${factor:factor}n e^{-${rate:factor}k t t/(V + ${third:factor}L t)}, V = ||E(DMD)(DMD) - Sigma Sigma||, M = UU^T, L = ||M||.",
        tex=r"P\{\|JJ^T-\Sigma\|\ge t\}\le ${factor:factor}n\exp\frac{-${rate:factor}k\,t\,t}{V+${third:factor}L\,t}",
        refuted_by="rows, columns and a t with a larger probability",
        domain={"n": Range(1, 10**6), "k": Range(1, 10**9), "t": Range(0, 1e300, False)},
        hypotheses=(GAUSSIAN, INDEPENDENT, HALVES),
        constants={"factor": Constant(2, "down"), "rate": Constant(F(1, 2), "up"), "third": Constant(F(27, 100), "down")},
        needs=(MATRIX_BERNSTEIN, _QUARTER, _LARGEST),
        proofs=(bernstein_argument,),
        exact=ExactRoute(_FAR, far_by_arcs),
        controls=(Control("rate_0.51", {"rate": F(51, 100)}),),
    ),
    Claim(
        id="own.dual_kernel.columns",
        source=Source("own", "how many columns keep J J^T near its mean, in the operator norm"),
        says="(${lead:factor}/e)(L/S - ${less} + ${slope:factor}e L/S)ln($both n/delta)/e columns or more keep ||J J^T - Sigma|| below e S, S = ||Sigma||, L = ||UU^T||, but with probability delta.",
        tex=r"k\ge\frac{$lead}{\epsilon\,\epsilon}\Big(\frac LS-$less+${slope:factor}\epsilon\frac LS\Big)\ln\frac{$both n}\delta\Rightarrow P\{\|JJ^T-\Sigma\|\ge\epsilon S\}\le\delta",
        refuted_by="rows and a number of columns that leave more",
        domain={"n": Range(1, 10**6), "e": Range(0, 1, False), "delta": Range(0, 1, False)},
        hypotheses=(GAUSSIAN, INDEPENDENT, HALVES),
        constants={
            "lead": Constant(2, "down"),
            "less": Constant(1, "up"),
            "slope": Constant(F(27, 100), "down"),
            "both": Constant(2, "down"),
        },
        needs=(_BERNSTEIN, _VARIANCE),
        proofs=(columns_argument,),
        exact=ExactRoute(
            (
                *(_e(e, delta) for e in (F(1, 2), F(1, 100)) for delta in (F(1, 100), F(1, 10**40))),
                _e(F(1, 2), F(1, 100), copies=1),
                _e(F(1, 2), F(1, 100), alone=1),
            ),
            columns_of_one_row,
        ),
        controls=(Control("lead_1.9", {"lead": F(19, 10)}), Control("less_1.05", {"less": F(105, 100)})),
    ),
)  # fmt: skip
