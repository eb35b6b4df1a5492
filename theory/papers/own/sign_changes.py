"""Our own results on changes of sign: Lemmas B.2, C.2, C.3 and C.4 with smaller numbers, and for neurons that go off.

Lemma C.2's count by Chernoff's bound on sum (t^2 - g_l^2)_+, which s changes within R bring to s t^2 - R^2 at least: at
any failure rate the number of changes is the least one possible for large d and x.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction as F
from functools import partial
from typing import Any

import sympy as sp
from flint import arb, ctx

from untrained.theory.claim import (
    FAILURE_SIDES,
    Case,
    Claim,
    Constant,
    Constants,
    Control,
    ExactRoute,
    Premises,
    Range,
    Sides,
    Source,
)
from untrained.theory.evidence import Enclosed, Symbolic
from untrained.theory.laws import suprema
from untrained.theory.papers.textbook.tails import CHERNOFF
from untrained.theory.papers.vanveen18.lemma_b2 import lemma_b2
from untrained.theory.papers.vanveen18.lemma_c2 import lemma_c2, lemma_c3, lemma_c4
from untrained.theory.proof.algebra import exact_number, reduced
from untrained.theory.proof.balls import ball, enclosed, fact

CHANGES_TAIL, CHANGES_SHARP = "own.lemC2_tail", "own.lemC2_sharp"


# How often s signs can be changed within R: for every level t and exponent theta.


def changes_by_transform(p: Premises) -> Symbolic:
    """Each g_l^2 is t^2 - (t^2 - g_l^2)_+ at least: Chernoff's bound for the sum over l of these, at theta/t^2."""
    t, R, s, theta, x, u, m = sp.symbols("t R s theta x u m", positive=True)
    e, z = sp.symbols("e z", nonnegative=True)
    power, T = exact_number(p["power"]), t**2
    claimed = -theta * (s - (R / t) ** power)
    chord = sp.exp(m) - 1 - m
    return reduced(
        "s changes within R make s squares add up to R^2 at most, so that the sum of all (T - g_l^2)_+, T = t^2, is s T - R^2 "
        "at least. The mean of e^{theta(T - g^2)_+/T} exceeds 1 by the integral of e^{theta(T - x^2)/T} - 1 against the "
        "normal density over |x| < t, or over 0 < x < t where only neurons that are on count; x = tu.",
        [
            ("a square below T", (T - e) - (T - sp.Max(e, 0))),
            ("a square above T", (T + e) - (T - sp.Max(-e, 0)) >= 0),
            ("entries that are not changed", sp.Max(T - z, 0) >= 0),
            ("the density is largest at 0", (-(x**2) / 2).is_negative is True),
            ("factor of the peak", exact_number(p["peak"]) >= 1),
            ("x = tu", theta * (T - (t * u) ** 2) / T - theta * (1 - u**power)),
            ("1 + m <= e^m, at 0", chord.subs(m, 0)),
            ("1 + m <= e^m, slope at 0", sp.diff(chord, m).subs(m, 0)),
            ("1 + m <= e^m, convex", sp.diff(chord, m, 2) > 0),
            ("exponent", -theta / T * (s * T - R**2) - claimed),
            ("charge of the radius", exact_number(p["charge"]) >= 1),
            ("factor", exact_number(p["factor"]) >= exact_number(p.of(CHERNOFF)["factor"])),
        ],
        sufficient=True,
    )


def mean_excess(theta: arb, power: arb) -> arb:
    """psi(theta), the integral of e^{theta(1 - u^power)} - 1 over u from 0 to 1."""
    share = 1 / power
    return theta.exp() * share * theta ** (-share) * theta.gamma_lower(share) - 1


def _peak(sides: int) -> arb:
    """The density at 0 of |g|, or half of it."""
    return sides / (2 * arb.pi()).sqrt()


def change_probability(case: Case, c: Constants) -> Sides:
    """P(s changes or more within R) against the bound at this t and theta."""
    d, s, sides = int(case["d"]), int(case["s"]), int(case["sides"])
    with ctx.workprec(suprema.BITS):
        R, t, theta = (ball(case[name]) for name in ("R", "t", "theta"))
        power = ball(c["power"])
        grows = ball(c["peak"]) * _peak(sides) * d * t * mean_excess(theta, power)
        bound = ball(c["factor"]) * (grows - theta * (s - ball(c["charge"]) * (R / t) ** power)).exp()
        return Sides(suprema.changes_at_least(d, s, R, bound, sides), bound)


def _near_the_law() -> tuple[Mapping[str, Any], ...]:
    """s, t and theta at which the bound is nearly the probability: X = (dR)^{2/3}, s = ratio X, t = aX/d."""
    return tuple(
        {
            "d": d,
            "R": F(root**3, d),
            "s": int(F(ratio) * root**2),
            "t": F(a) * root**2 / d,
            "theta": F(theta),
            "sides": sides,
        }
        for root, d in ((10, 10**3), (10**3, 10**12), (10**20, 10**60))
        for sides, ratio, a, theta in (
            (2, "1.39", "1.511", "0.21"),
            (2, "1.888", "1.397", "0.755"),
            (2, "3.01", "1.232", "1.54"),
            (1, "0.90", "1.89", "0.26"),
            (1, "1.306", "1.717", "0.916"),
            (1, "2.25", "1.48", "1.81"),
        )
    )


_CERTAIN = tuple({"d": 10, "R": 5, "s": 1, "t": 5, "theta": F(1, 10**6), "sides": sides} for sides in (1, 2))

_TAIL = Claim(
    id=CHANGES_TAIL,
    source=Source("own", "Chernoff's bound for Lemma C.2's count"),
    says="For all t, theta > 0 the probability that s signs can be changed within R is at most ${factor:factor}exp(${peak:factor}q d t psi(theta) - theta(s - ${charge:factor}(R/t)^{$power})), psi(theta) = -1 + E e^{theta(1 - u^{$power})} for u uniform on the unit interval, q the density of |g_l| where it is largest; and that s neurons can be put off likewise, with half of q.",
    tex=r"P\{|S(W)|\ge s\text{ within }R\}\le ${factor:factor}\exp\big(${peak:factor}q\,d\,t\,\psi(\vartheta)-\vartheta(s-${charge:factor}(R/t)^{$power})\big),\ \psi(\vartheta)=-1+\mathbb{E}e^{\vartheta(1-u^{$power})}",
    refuted_by="d, R, s, t, theta where the probability is larger",
    domain={
        "d": Range(1, 10**60),
        "R": Range(1e-60, 1e60, False, True),
        "s": Range(1, 10**60),
        "t": Range(1e-60, 1e60, False, True),
        "theta": Range(1e-9, 100, False, True),
        "sides": Range(1, 2),
    },
    constants={
        "factor": Constant(1, "down"),
        "peak": Constant(1, "down"),
        "charge": Constant(1, "down"),
        "power": Constant(2, "down"),
    },
    needs=(CHERNOFF,),
    proofs=(changes_by_transform,),
    exact=ExactRoute((*_near_the_law(), *_CERTAIN), change_probability, compares=FAILURE_SIDES),
    controls=(
        Control("factor_0.99", {"factor": F(99, 100)}),
        Control("peak_0.97", {"peak": F(97, 100)}),
        Control("charge_0.95", {"charge": F(95, 100)}),
        Control("power_1.98", {"power": F(198, 100)}),
    ),
)


# Lemma C.2 by that bound.


def count_by_transform(p: Premises, sides: int = 2) -> Enclosed:
    """With t = aX/d, X = (dR)^{2/3}, the exponent is X times a number, which a and theta make large enough."""
    tail = p.of(CHANGES_TAIL)
    with ctx.workprec(120):
        x = ball(p["scale"]) ** (ball(2) / 3)
        ratio = ball(p["per_x"]) * x
        a, theta = map(ball, suprema.changes_tilt(float(ratio), sides))
        grows = ball(tail["peak"]) * _peak(sides) * a * mean_excess(theta, ball(tail["power"]))
        rate = (theta * (ratio - ball(tail["charge"]) / a**2) - grows) / x
        return enclosed(
            {"a": a, "theta": theta, "exponent in units of x": rate},
            [
                rate - ball(p["failure_rate"]),
                fact(F(p["power"]) == F(2, 3)),
                fact(tail["power"] == 2),
                fact(tail["factor"] <= 1),
            ],
            "R = X^{3/2}/d, so (R/t)^2 = X/a^2 and dt = aX, for every d and R; more than per_x x changes are a whole number "
            "s of them above it, and the bound falls in s.",
            sufficient=True,
        )


CLAIMS: tuple[Claim, ...] = (
    lemma_c3("own.lemC3_sharp", -1, Source("own", "sharpens Lemma C.3: 2m - 1 in place of 2m")),
    lemma_c4(
        "own.lemC4_exponent",
        F(3178, 10000),
        Source("own", "sharpens Lemma C.4: 0.3178 in place of 1/6"),
        Control("exponent_0.318", {"exponent": F(318, 1000)}),
        Control("level_0.501", {"level": F(501, 1000)}),
    ),
    _TAIL,
    lemma_c2(
        CHANGES_SHARP,
        Source("own", "sharpens Lemma C.2: 1.1895x in place of 2 ceil(x)"),
        {"per_x": Constant(F(11895, 10000), "down")},
        count_by_transform,
        (CHANGES_TAIL,),
        Control("per_x_1.18", {"per_x": F(118, 100)}),
        Control("per_x_0.77_rarely", {"per_x": F(77, 100), "failure_rate": F(1, 1000)}),
        Control("rate_0.174", {"failure_rate": F(174, 1000)}),
        Control("scale_1.97", {"scale": F(197, 100)}),
        Control("power_0.666", {"power": F(666, 1000)}),
    ),
    lemma_c2(
        "own.lemC2_off",
        Source("own", "Lemma C.2 for neurons that go off"),
        {"per_x": Constant(F(8231, 10000), "down")},
        partial(count_by_transform, sides=1),
        (CHANGES_TAIL,),
        Control("per_x_0.815", {"per_x": F(815, 1000)}),
        Control("per_x_0.48_rarely", {"per_x": F(48, 100), "failure_rate": F(1, 1000)}),
        Control("rate_0.174", {"failure_rate": F(174, 1000)}),
        Control("scale_1.97", {"scale": F(197, 100)}),
        Control("power_0.666", {"power": F(666, 1000)}),
        sides=1,
    ),
    lemma_b2(
        "own.lemB2_sharp",
        Source("own", "Lemma B.2 with s = ceil(1.1895x) in place of 2 ceil(x)"),
        {"per_x": Constant(F(11895, 10000), "down")},
        CHANGES_SHARP,
        Control("linear_0.999", {"linear": F(999, 1000)}),
        Control("deviation_1.77", {"deviation": F(177, 100)}),
        Control("rate_in_n_0.82", {"failure_rate_rows": F(82, 100)}),
        Control("power_0.65", {"power": F(65, 100)}),
        Control("per_x_0.1", {"per_x": F(1, 10)}),
    ),
)
