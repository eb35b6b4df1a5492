"""Sums of independent variables: Hoeffding's inequality for the binomial law, and a lower tail of positive ones."""

from __future__ import annotations

import math
from fractions import Fraction as F

import sympy as sp
from flint import ctx

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
from untrained.theory.papers.textbook.tails import CHERNOFF, binomial_at_least, binomial_at_most
from untrained.theory.proof.algebra import exact_number, reduced
from untrained.theory.proof.balls import ball

_HALF = F(1, 2)
_BITS = 160


# Hoeffding's inequality, both sides.


def hoeffding_transform(p: Premises) -> Symbolic:
    """log E e^{t(X - p)} <= t^2/8 for X = Bernoulli(p), then Chernoff's bound on either side at t = 4u/d."""
    t, s, d, w = sp.symbols("t p d w", positive=True)
    u = sp.Symbol("u", nonnegative=True) if p.given("u") else sp.Symbol("u", real=True)
    cumulant = sp.log(1 - s + s * sp.exp(t)) - s * t
    curvature = w * (1 - w)  # w = p e^t/(1 - p + p e^t)
    at_best = (-t * u + d * t**2 / 8).subs(t, 4 * u / d)
    claimed = exact_number(p["rate"]) * u ** exact_number(p["power"]) / d
    return reduced(
        "The cumulant and its slope vanish at 0 and its curvature w(1 - w) is at most 1/4; the two sides add up.",
        [
            ("cumulant at 0", cumulant.subs(t, 0)),
            ("slope at 0", sp.diff(cumulant, t).subs(t, 0)),
            ("curvature", sp.diff(cumulant, t, 2) - curvature.subs(w, s * sp.exp(t) / (1 - s + s * sp.exp(t)))),
            ("1/4 - w(1 - w) is a square", sp.Rational(1, 4) - curvature - (w - sp.Rational(1, 2)) ** 2),
            ("t >= 0", 4 * u / d >= 0),
            ("exponent", sp.simplify(-at_best - claimed) >= 0),
            ("factor", exact_number(p["factor"]) >= 2 * exact_number(p.of(CHERNOFF)["factor"])),
        ],
        sufficient=True,
    )


def hoeffding_sides(case: Case, c: Constants) -> Sides:
    """P(|Bin(d, p) - dp| > u) against factor e^{-rate u^power/d}."""
    d, p, u = int(case["d"]), F(case["p"]), F(case["u"])
    with ctx.workprec(_BITS):
        below = binomial_at_most(math.ceil(d * p - u) - 1, d, p)
        above = binomial_at_least(max(math.floor(d * p + u) + 1, math.ceil(d * p - u)), d, p)
        bound = ball(c["factor"]) * (-ball(c["rate"]) * ball(u) ** ball(c["power"]) / d).exp()
        return Sides(below + above, bound)


_HOEFFDING = Claim(
    id="textbook.hoeffding",
    source=Source(
        "textbook",
        "Hoeffding 1963, for the binomial law",
        formal="Lean: HasSubgaussianMGF.measure_sum_ge_le_of_iIndepFun with hasSubgaussianMGF_of_mem_Icc in Mathlib, one side; same rate",
    ),
    says="|Bin(d, p) - dp| > u with probability at most ${factor:factor}e^{-${rate:factor}u^$power/d}, for every p and every u >= 0.",
    tex=r"P\{|\mathrm{Bin}(d,p)-dp|>u\}\le ${factor:factor}e^{-${rate:factor}u^{$power}/d}",
    refuted_by="d, p, u where the binomial law gives more",
    domain={"d": Range(1, 10**15, True, True), "p": Range(0, 1, False), "u": Range(0, 1e15, False)},
    hypotheses=(Hypothesis("u", "u >= 0", lambda case, c: case["u"] >= 0),),
    constants={"factor": Constant(2, "down"), "rate": Constant(2, "up"), "power": Constant(2, "up")},
    needs=(CHERNOFF,),
    proofs=(hoeffding_transform,),
    exact=ExactRoute(
        (
            *({"d": 1, "p": _HALF, "u": u} for u in (0, F(1, 4), F(4999, 10000))),
            *({"d": d, "p": p, "u": u} for d in (10, 100) for p in (_HALF, F(1, 10)) for u in (1, 3, 20)),
            {"d": 10**9, "p": _HALF, "u": 2 * 10**6},
            {"d": 1, "p": _HALF, "u": -2},
        ),
        hoeffding_sides,
    ),
    controls=(
        Control("factor_1.64", {"factor": F(164, 100)}),
        Control("rate_2.01", {"rate": F(201, 100)}),
        Control("power_2.01", {"power": F(201, 100)}),
        Control("any_u", {}, ("u",)),
    ),
)


# Sums of variables that are not negative.


def nonnegative_transform(p: Premises) -> Symbolic:
    """E e^{-tX} <= e^{-t E X + t^2 E X^2/2} for X >= 0, then Chernoff's bound at t = u/v, v the sum of E X_l^2."""
    x = sp.Symbol("x", nonnegative=True) if p.given("positive") else sp.Symbol("x", real=True)
    u, v, between, t = sp.symbols("u v xi t", positive=True)
    copies = sp.Integer(1) if p.given("independent") else sp.Symbol("k", positive=True)  # k equal ones have k times v
    rest = 1 - x + x**2 / 2 - sp.exp(-x)
    at_best = (-t * u + t**2 * copies * v / 2).subs(t, u / (copies * v))
    claimed = exact_number(p["rate"]) * u ** exact_number(p["power"]) / v
    return reduced(
        "e^{-x} <= 1 - x + x^2/2 by Taylor's remainder, 1 + y <= e^y, and independent transforms multiply.",
        [
            *((f"derivative {k} at 0", sp.diff(rest, x, k).subs(x, 0)) for k in range(3)),
            ("Taylor's remainder", sp.diff(rest, x, 3).subs(x, between) * x**3 / 6 >= 0),
            ("exponent", sp.simplify((-at_best - claimed) * v) >= 0),
            ("moment", exact_number(p["moment"]) - 2),
            ("factor", exact_number(p["factor"]) >= exact_number(p.of(CHERNOFF)["factor"])),
        ],
        sufficient=True,
    )


def bernstein_sides(case: Case, c: Constants) -> Sides:
    """X_l = size times a Bernoulli(p), its negative, or `copies` equal ones: the sum is binomial."""
    d, p, u = int(case["d"]), F(case["p"]), F(case["u"])
    size, copies, sign = F(case.get("size", 1)), int(case.get("copies", 1)), int(case.get("sign", 1))
    gap = u / (size * copies)
    with ctx.workprec(_BITS):
        if sign > 0:
            tail = binomial_at_most(math.ceil(d * p - gap) - 1, d, p)
        else:
            tail = binomial_at_least(math.floor(d * p + gap) + 1, d, p)
        moments = copies * ball(d * p) * ball(size) ** ball(c["moment"])
        bound = ball(c["factor"]) * (-ball(c["rate"]) * ball(u) ** ball(c["power"]) / moments).exp()
        return Sides(tail, bound)


_RARE = {"d": 10**16, "p": F(1, 10**6)}
_BERNSTEIN = Claim(
    id="textbook.bernstein_lower",
    source=Source("textbook", "lower tail of a sum of independent non-negative variables (Maurer 2003)"),
    says="For independent X_l >= 0, the sum of X_l is below its mean by more than u with probability at most ${factor:factor}e^{-${rate:factor}u^$power/sum E X_l^$moment}, for every u >= 0.",
    tex=r"P\{\sum X_l<\mathbb{E}\sum X_l-u\}\le ${factor:factor}e^{-${rate:factor}u^{$power}/\sum\mathbb{E}X_l^{$moment}}",
    refuted_by="a law of X_l >= 0 and u where the sum falls below more often",
    domain={"d": Range(1, 10**16, True, True), "p": Range(0, 1, False), "u": Range(0, 1e16, False)},
    hypotheses=(
        Hypothesis("positive", "X_l >= 0", lambda case, c: case.get("sign", 1) > 0),
        Hypothesis("independent", "the X_l are independent", lambda case, c: case.get("copies", 1) < 2),
    ),
    constants={
        "factor": Constant(1, "down"),
        "rate": Constant(_HALF, "up"),
        "power": Constant(2, "up"),
        "moment": Constant(2),
    },
    needs=(CHERNOFF,),
    proofs=(nonnegative_transform,),
    exact=ExactRoute(
        (
            {"d": 1, "p": F(1, 1000), "u": F(1, 2000)},
            *(
                {"d": d, "p": p, "u": d * p * share}
                for d in (10, 1000)
                for p in (F(1, 10), _HALF)
                for share in (F(1, 10), _HALF)
            ),
            *({**_RARE, "u": 10**7 * size, "size": size} for size in (1, 100, F(1, 100))),
            {"d": 100, "p": F(1, 100), "u": 10, "sign": -1},
            {"d": 10, "p": _HALF, "u": 1000, "copies": 1000},
        ),
        bernstein_sides,
    ),
    controls=(
        Control("factor_0.99", {"factor": F(99, 100)}),
        Control("rate_0.51", {"rate": F(51, 100)}),
        Control("moment_1.99", {"moment": F(199, 100)}),
        Control("moment_2.01", {"moment": F(201, 100)}),
        Control("either_sign", {}, ("positive",)),
        Control("dependent", {}, ("independent",)),
    ),
)

CLAIMS: tuple[Claim, ...] = (_HOEFFDING, _BERNSTEIN)
