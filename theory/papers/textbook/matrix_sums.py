"""Sums of independent random matrices: Bernstein's inequality for the largest eigenvalue, which is assumed."""

from __future__ import annotations

import math
from fractions import Fraction as F

from flint import arb, ctx

from untrained.theory.claim import (
    Case,
    Claim,
    Constant,
    Constants,
    Control,
    ExactRoute,
    Hypothesis,
    Range,
    Sides,
    Source,
)
from untrained.theory.papers.textbook.gaussian import AFTER_ZERO
from untrained.theory.papers.textbook.tails import binomial_at_least
from untrained.theory.proof.balls import ball

MATRIX_BERNSTEIN = "textbook.matrix_bernstein"
_BITS = 256


def diagonal_sides(case: Case, c: Constants) -> Sides:
    """P(largest of n independent Bin(d, p) - mean >= t), diagonal summands; `copies` are of one summand."""
    d, p, mean, t = int(case["d"]), F(case["p"]), F(case["mean"]), F(case["t"])
    with ctx.workprec(_BITS):
        if case["copies"]:
            one = ball(p if t <= d * (1 - mean) else 0)
        else:
            one = binomial_at_least(math.ceil(d * mean + t), d, p) if d * mean + t > 0 else arb(1)
        above = one if case["n"] == 1 else -(int(case["n"]) * (-one).log1p()).expm1()
        variance, most = ball(d * (p * (1 - mean) ** 2 + (1 - p) * mean**2)), ball(F(case["most"]))
        exponent = ball(c["rate"]) * ball(t) ** 2 / (variance + ball(c["third"]) * most * ball(t))
        bound = ball(c["factor"]) * ball(int(case["n"])) ** ball(c["dimension"]) * (-exponent).exp()
    return Sides(above / bound, arb(1), unit=1)


def _sum(n: int, d: int, p: F, t: F | int, **changes: F | int) -> Case:
    """n independent sums of d Bernoulli variables less their mean, each at most 1 - p."""
    return {"n": n, "d": d, "p": p, "t": t, "mean": p, "most": 1 - p, "copies": 0} | changes


_HALF, _RARE, _OFTEN = F(1, 2), F(1, 1000), F(9999, 10000)
_CASES = (
    *(_sum(n, d, p, t) for n in (1, 10) for d in (1, 10) for p in (_HALF, F(1, 10)) for t in (F(1, 2), 3)),
    _sum(1, 1, _OFTEN, 1 - _OFTEN),
    _sum(1, 10**9, _HALF, 4 * 10**5),
    _sum(10**200, 10**9, _HALF, 49 * 10**4),
    _sum(1, 10**9, _RARE, 2 * 10**5),
    _sum(1, 10, _HALF, -5),
    _sum(1, 100, _HALF, 50, copies=1),
    _sum(1, 100, _HALF, 50, mean=0, most=1),
    _sum(1, 1000, _RARE, 9, most=0),
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id=MATRIX_BERNSTEIN,
        source=Source("textbook", "Tropp 2012, Theorem 1.4, and 2015, Theorem 6.6.1", reading="from memory"),
        says="The largest eigenvalue of a sum of symmetric n x n random matrices is at least t with probability at most ${factor:factor}n^{$dimension}e^{-${rate:factor}t t/(V + ${third:factor}R t)}, V the largest eigenvalue of the sum of the means of their squares.",
        tex=r"P\{\lambda_{\max}(\sum_lX_l)\ge t\}\le ${factor:factor}n^{$dimension}\exp\frac{-${rate:factor}t\,t}{V+${third:factor}Rt}",
        refuted_by="matrices whose sum has a larger eigenvalue more often",
        domain={"n": Range(1, 10**300, True, True), "t": Range(0, 1e300, False)},
        hypotheses=(
            AFTER_ZERO,
            Hypothesis("independent", "the matrices are independent", lambda case, c: not case["copies"]),
            Hypothesis("centred", "each has mean zero", lambda case, c: case["mean"] == case["p"]),
            Hypothesis("bounded", "no eigenvalue of a matrix exceeds R", lambda case, c: case["most"] >= 1 - case["mean"]),
        ),
        constants={
            "factor": Constant(1, "down"),
            "dimension": Constant(1, "down"),
            "rate": Constant(_HALF, "up"),
            "third": Constant(F(1, 3), "down"),
        },
        exact=ExactRoute(_CASES, diagonal_sides),
        controls=(
            Control("factor_0.99", {"factor": F(99, 100)}),
            Control("dimension_0.99", {"dimension": F(99, 100)}),
            Control("rate_0.51", {"rate": F(51, 100)}),
            Control("third_0.3", {"third": F(3, 10)}),
        ),
    ),
)  # fmt: skip
