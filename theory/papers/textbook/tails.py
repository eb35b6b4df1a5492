"""Chernoff's bound, what it gives for the binomial law, and Mills' ratio: each with a proof and exact laws."""

from __future__ import annotations

import math
from fractions import Fraction as F
from functools import lru_cache

import sympy as sp
from flint import arb, ctx
from scipy.special import smirnov

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
from untrained.theory.laws.suprema import binomial_above
from untrained.theory.proof.algebra import exact_number, reduced
from untrained.theory.proof.balls import ball

CHERNOFF, MASSART = "textbook.chernoff", "textbook.massart"
_HALF = F(1, 2)
_BITS = 512


# Markov's inequality for e^{tX}.


def markov(p: Premises) -> Symbolic:
    """1{x >= a} <= factor e^{t(x - a)} at every x, so the means are in this order."""
    t = sp.Symbol("t", nonnegative=True) if p.given("t") else sp.Symbol("t", real=True)
    y, factor = sp.Symbol("y", real=True), exact_number(p["factor"])
    bound = factor * sp.exp(t * y)
    return reduced(
        "With y = x - a the bound is at least 1 at y = 0, does not fall in y, and is not negative.",
        [("at y = 0", bound.subs(y, 0) >= 1), ("slope in y", sp.diff(bound, y) >= 0), ("sign", factor >= 0)],
        sufficient=True,
    )


def chernoff_sides(case: Case, c: Constants) -> Sides:
    """X = a + gap surely, or X standard normal."""
    t, factor = ball(case["t"]), ball(c["factor"])
    if "gap" in case:
        return Sides(1.0, factor * (t * ball(case["gap"])).exp())
    a = ball(case["a"])
    return Sides(upper_normal(a), factor * (-t * a + t * t / 2).exp())


def upper_normal(t: arb) -> arb:
    """Q(t), the upper tail of the standard normal law."""
    return (t / arb(2).sqrt()).erfc() / 2


_CHERNOFF = Claim(
    id=CHERNOFF,
    source=Source(
        "textbook",
        "Markov's inequality for e^{tX} (Chernoff 1952)",
        formal="Lean: measure_ge_le_exp_mul_mgf in Mathlib; same constant",
    ),
    says="P(X >= a) <= ${factor:factor}e^{-ta} E e^{tX} for every t >= 0.",
    tex=r"P\{X\ge a\}\le ${factor:factor}e^{-ta}\,\mathbb{E}e^{tX}",
    refuted_by="a law and a t where the probability is larger",
    domain={"t": Range(0, 1e300, False)},
    hypotheses=(Hypothesis("t", "t >= 0", lambda case, c: case["t"] >= 0),),
    constants={"factor": Constant(1, "down")},
    proofs=(markov,),
    exact=ExactRoute(
        (
            *({"gap": gap, "t": t} for gap in (0, 1, 10) for t in (0, 1, 10)),
            *({"a": a, "t": t} for a in (0, 1, 5, 40) for t in (0, 1, 5, 40)),
            {"gap": 1, "t": -1},
        ),
        chernoff_sides,
    ),
    controls=(Control("factor_0.99", {"factor": F(99, 100)}), Control("any_t", {}, ("t",))),
)


# The binomial law.


def binomial_transform(p: Premises) -> Symbolic:
    """Chernoff's bound for -Bin(d, p) at its best t: per trial t x + log E e^{-tX} = -KL(x||p)."""
    x, y, s, q = sp.symbols("x y p q", positive=True)
    t = sp.log(s * y / (x * q))
    divergence = x * sp.log(x / s) + y * sp.log(y / q)
    exponent = t * x + sp.log(q / y) + divergence
    excess = sp.Symbol("p - x", nonnegative=True) if p.given("below") else sp.Symbol("p - x", real=True)
    return reduced(
        "x + y = p + q = 1; e^t = py/(xq), so q + p e^{-t} = q/y; at x = 0 let t grow.",
        [
            ("p e^{-t}", s * sp.exp(-t) - x * q / y),
            ("E e^{-tX}", (q + x * q / y - q / y).subs(y, 1 - x)),
            ("exponent", sp.expand(sp.expand_log(exponent, force=True)).subs(y, 1 - x).expand()),
            ("py - xq = p - x", (s * y - x * q - (s - x)).subs({y: 1 - x, q: 1 - s})),
            ("t >= 0", excess >= 0),
            ("factor", exact_number(p["factor"]) >= exact_number(p.of(CHERNOFF)["factor"])),
            ("rate", exact_number(p["rate"]) <= 1),
        ],
        sufficient=True,
    )


def poisson_transform(p: Premises) -> Symbolic:
    """Chernoff's bound for Bin(d, p) at e^t = m/(dp), its transform bounded by the Poisson law's."""
    m, mean, u = sp.symbols("m dp u", positive=True)
    t = sp.log(m / mean)
    excess = sp.Symbol("m - dp", nonnegative=True) if p.given("above") else sp.Symbol("m - dp", real=True)
    claimed = m * sp.log(mean / m) + m - mean
    chord = sp.exp(u) - 1 - u
    return reduced(
        "(1 + p(e^t - 1))^d <= e^{dp(e^t - 1)} by 1 + u <= e^u, which is convex and touches at 0; then the base of the "
        "claimed power is at most 1 (its logarithm is -dp h(m/dp), h >= 0), so a lower rate says less.",
        [
            ("1 + u <= e^u, at 0", chord.subs(u, 0)),
            ("1 + u <= e^u, slope at 0", sp.diff(chord, u).subs(u, 0)),
            ("1 + u <= e^u, convex", sp.diff(chord, u, 2) > 0),
            ("exponent", sp.expand_log(-t * m + mean * (sp.exp(t) - 1) - claimed, force=True)),
            ("t >= 0", excess >= 0),
            ("factor", exact_number(p["factor"]) >= exact_number(p.of(CHERNOFF)["factor"])),
            ("rate", exact_number(p["rate"]) <= 1),
        ],
        sufficient=True,
    )


@lru_cache(maxsize=1024)
def binomial_at_least(m: int, d: int, p: F) -> arb:
    """P(Bin(d, p) >= m)."""
    if p == 1:
        return arb(m <= d)
    with ctx.workprec(_BITS):
        return binomial_above(d, m, ball(p))


def binomial_at_most(m: int, d: int, p: F) -> arb:
    """P(Bin(d, p) <= m): d - m failures or more."""
    return binomial_at_least(d - m, d, 1 - p)


def binomial_lower_sides(case: Case, c: Constants) -> Sides:
    """P(Bin(d, p) <= xd) against factor e^{-rate d KL(x||p)}."""
    d, p, x = int(case["d"]), F(case["p"]), F(case["x"])
    with ctx.workprec(_BITS):
        divergence = _relative_entropy(x, p) + _relative_entropy(1 - x, 1 - p)
        bound = ball(c["factor"]) * (-ball(c["rate"]) * d * divergence).exp()
        return Sides(binomial_at_most(math.floor(x * d), d, p), bound)


def _relative_entropy(x: F, p: F) -> arb:
    return ball(x) * ball(x / p).log() if x else arb(0)


def binomial_upper_sides(case: Case, c: Constants) -> Sides:
    """P(Bin(d, p) >= m) against factor ((dp/m)^m e^{m - dp})^rate."""
    d, p, m = int(case["d"]), F(case["p"]), int(case["m"])
    with ctx.workprec(_BITS):
        base = m * ball(d * p / m).log() + m - ball(d * p)
        return Sides(binomial_at_least(m, d, p), ball(c["factor"]) * (ball(c["rate"]) * base).exp())


_TINY = F(1, 10**9)
_LOWER_CASES: tuple[Case, ...] = (
    *(
        {"d": d, "p": p, "x": p * share}
        for d in (1, 10, 1000)
        for p in (F(1, 10), _HALF)
        for share in (F(1, 10), _HALF, 1)
    ),
    *({"d": d, "p": _HALF, "x": _TINY} for d in (1, 10, 1000)),
    {"d": 10**6, "p": _HALF, "x": F(2, 5)},
    {"d": 100, "p": _HALF, "x": F(9, 10)},
)
_UPPER_CASES: tuple[Case, ...] = (
    *({"d": d, "p": p, "m": m} for d, p, m in ((10, _HALF, 8), (100, F(1, 10), 10), (1000, F(1, 10), 200))),
    {"d": 1, "p": 1 - _TINY, "m": 1},
    {"d": 10**12, "p": F(1, 10**12), "m": 10**4},
    {"d": 100, "p": _HALF, "m": 10},
)
_BINOMIAL = (
    Claim(
        id="textbook.binomial_lower",
        source=Source(
            "textbook",
            "Chernoff's bound for the binomial law (relative entropy form)",
            formal="Lean: binomial_lower_tail_kl in trureturing (the-omega-institute), for 0 < x < p < 1; same constants",
        ),
        says="For x <= p, Bin(d, p) <= x d with probability at most ${factor:factor}e^{-${rate:factor}d KL(x||p)}, KL the relative entropy.",
        tex=r"P\{\mathrm{Bin}(d,p)\le xd\}\le ${factor:factor}e^{-${rate:factor}d\,\mathrm{KL}(x\|p)}",
        refuted_by="d, p, x where the binomial law gives more",
        domain={"d": Range(1, 10**15, True, True), "p": Range(0, 1, False), "x": Range(0, 1, False)},
        hypotheses=(Hypothesis("below", "x <= p", lambda case, c: case["x"] <= case["p"]),),
        constants={"factor": Constant(1, "down"), "rate": Constant(1, "up")},
        needs=(CHERNOFF,),
        proofs=(binomial_transform,),
        exact=ExactRoute(_LOWER_CASES, binomial_lower_sides),
        controls=(
            Control("factor_0.99", {"factor": F(99, 100)}),
            Control("rate_1.01", {"rate": F(101, 100)}),
            Control("any_x", {}, ("below",)),
        ),
    ),
    Claim(
        id="textbook.binomial_upper",
        source=Source(
            "textbook",
            "Chernoff's bound for the binomial law (Poisson form)",
            formal="Lean: binomial_upper_tail_kl in trureturing (the-omega-institute), the relative entropy form, which is sharper",
        ),
        says="For m >= dp, Bin(d, p) >= m with probability at most ${factor:factor}((dp/m)^m e^{m - dp})^$rate.",
        tex=r"P\{\mathrm{Bin}(d,p)\ge m\}\le ${factor:factor}\big((dp/m)^me^{m-dp}\big)^{$rate}",
        refuted_by="d, p, m where the binomial law gives more",
        domain={"d": Range(1, 10**15, True, True), "p": Range(0, 1, False), "m": Range(1, 10**15, True, True)},
        hypotheses=(Hypothesis("above", "m >= dp", lambda case, c: case["m"] >= case["d"] * case["p"]),),
        constants={"factor": Constant(1, "down"), "rate": Constant(1, "up")},
        needs=(CHERNOFF,),
        proofs=(poisson_transform,),
        exact=ExactRoute(_UPPER_CASES, binomial_upper_sides),
        controls=(
            Control("factor_0.99", {"factor": F(99, 100)}),
            Control("rate_1.01", {"rate": F(101, 100)}),
            Control("any_m", {}, ("above",)),
        ),
    ),
)


# The normal law.


def mills_slope(p: Premises) -> Symbolic:
    """Q - phi t/(a t^2 + b) falls, and to 0: its derivative is -phi times a quotient of polynomials in t^2."""
    t = sp.Symbol("t", positive=True) if p.given("t") else sp.Symbol("t", real=True)
    a, b = exact_number(p["slope"]), exact_number(p["inverse"])
    lower = t / (a * t**2 + b)
    numerator = sp.expand(sp.numer(sp.together(1 + sp.diff(lower, t) - t * lower)))
    coefficients = sp.Poly(numerator, t).all_coeffs()
    return reduced(
        "Q' = -phi and phi' = -t phi; no coefficient is negative and the last is positive, so Q > phi t/(a t^2 + b), "
        "and dividing by it gives the ratio.",
        [
            *((f"coefficient {i}", coefficient >= 0) for i, coefficient in enumerate(reversed(coefficients))),
            ("the last", coefficients[-1] > 0),
            ("t/(a t^2 + b) is positive", lower > 0),
        ],
        sufficient=True,
    )


def mills_sides(case: Case, c: Constants) -> Sides:
    """phi(t)/Q(t) against slope t + inverse/t."""
    with ctx.workprec(_BITS):
        t = ball(F(case["t"]))
        density = (-t * t / 2).exp() / (2 * arb.pi()).sqrt()
        return Sides(density / upper_normal(t), ball(c["slope"]) * t + ball(c["inverse"]) / t)


_MILLS = Claim(
    id="textbook.mills",
    source=Source("textbook", "Mills' ratio (Gordon 1941)"),
    says="phi(t)/Q(t) < ${slope:factor}t + ${inverse}/t for every t > 0, phi the normal density and Q its upper tail.",
    tex=r"\varphi(t)/Q(t)<${slope:factor}t+$inverse/t",
    refuted_by="t > 0 where the ratio is larger",
    domain={"t": Range(1e-6, 1e6, False, True)},
    hypotheses=(Hypothesis("t", "t > 0", lambda case, c: case["t"] > 0),),
    constants={"slope": Constant(1, "down"), "inverse": Constant(1, "down")},
    proofs=(mills_slope,),
    exact=ExactRoute(tuple({"t": t} for t in (F(1, 10**6), F(1, 100), _HALF, 1, 3, 10, 100, 10**4, -1)), mills_sides),
    controls=(
        Control("slope_0.99", {"slope": F(99, 100)}),
        Control("inverse_0.99", {"inverse": F(99, 100)}),
        Control("any_t", {}, ("t",)),
    ),
)


# The empirical law.


def empirical_sides(case: Case, c: Constants) -> Sides:
    """P(sup(F_d - F) > eps), the law of Smirnov's statistic, against factor e^{-rate d eps^2}."""
    d, eps = int(case["d"]), case["t"] / math.sqrt(case["d"])
    return Sides(
        float(smirnov(d, eps)), float(c["factor"]) * math.exp(-float(c["rate"]) * d * eps ** float(c["power"]))
    )


_MASSART = Claim(
    id=MASSART,
    source=Source(
        "textbook",
        "Massart 1990 (Dvoretzky, Kiefer, Wolfowitz 1956), one-sided; Reeve 2024 where the bound is above 1/2",
    ),
    says="For d independent draws of a law with distribution function F, the supremum of F_d - F, F_d that of the draws, is above eps with probability at most ${factor:factor}e^{-${rate:factor}d eps^$power}.",
    tex=r"P\{\sup_x(F_d(x)-F(x))>\varepsilon\}\le ${factor:factor}e^{-${rate:factor}d\varepsilon^{$power}}",
    refuted_by="d and eps where the law of the supremum for a continuous F, which is exact, gives more",
    domain={"d": Range(1, 10**9, True, True), "t": Range(0, 1e5, False)},
    constants={"factor": Constant(1, "down"), "rate": Constant(2, "up"), "power": Constant(2, "down")},
    exact=ExactRoute(
        tuple(
            {"d": d, "t": t} for d in (1, 2, 5, 20, 100, 10**4, 10**5) for t in (0.1, 0.5, 1.0, 2.0, 3.0) if t**2 < d
        ),
        empirical_sides,
    ),
    controls=(
        Control("factor_0.99", {"factor": F(99, 100)}),
        Control("rate_2.01", {"rate": F(201, 100)}),
        Control("power_1.99", {"power": F(199, 100)}),
    ),
)

CLAIMS: tuple[Claim, ...] = (_CHERNOFF, *_BINOMIAL, _MILLS, _MASSART)
