"""Lemma B.1, the smallest singular value of the Jacobian at the start: statement, proof, exact law, controls.

The paper's road is Oliveira's Theorem C.1 with h = sqrt 6 (Section C.1); ours is Davidson and Szarek on the active
columns, whose number is binomial.
"""

from __future__ import annotations

import math
from fractions import Fraction as F
from typing import Any

import sympy as sp
from flint import arb, ctx
from scipy.special import bdtr

from untrained.theory.claim import (
    FAILURE_SIDES,
    Case,
    Claim,
    Constant,
    Constants,
    Control,
    CountRoute,
    Draw,
    ExactRoute,
    Hypothesis,
    Premises,
    Range,
    Sides,
    Source,
)
from untrained.theory.evidence import Enclosed, Symbolic
from untrained.theory.laws import masked
from untrained.theory.papers.vanveen18.jacobian import GRAM
from untrained.theory.proof.algebra import exact_number, gaussian_mean, reduced
from untrained.theory.proof.balls import ball, enclosed, fact

LOWEST, BINOMIAL = "textbook.davidson_szarek.smallest", "textbook.binomial_lower"
OLIVEIRA, SIGMA, H = "vanveen18.thmC1", "vanveen18.sigma", "vanveen18.h"


def _source(label: str, equation: str = "", page: int | None = None, reading: str = "") -> Source:
    return Source("vanveen18", label, equation, page, reading)


# Theorem C.1 on two laws whose tails are known: a Bernoulli variable over its mean, and the masked columns.


def oliveira(case: Case, c: Constants) -> Sides:
    """P(the mean falls below its bound in some direction) against delta, on either instance."""
    return _bernoulli(case, c) if "p" in case else _masked(case, c)


def _deviation(case: Case, c: Constants, h: float) -> float:
    spread = case.get("n", 1) + float(c["log_factor"]) * math.log(float(c["tail_factor"]) / case["delta"])
    return float(c["constant"]) * h * math.sqrt(max(0.0, spread) / case["d"])


def _bernoulli(case: Case, c: Constants) -> Sides:
    """n = 1, A_1 = Bernoulli(p)/p: the mean is binomial, h the ratio of its moment to its first."""
    p, d = float(case["p"]), int(case["d"])
    level = 1 - _deviation(case, c, p ** (1 / float(c["moment"]) - 1))
    below = math.ceil(level * d * p) - 1
    return Sides(float(bdtr(below, d, p)) if below >= 0 else 0.0, case["delta"])


def _masked(case: Case, c: Constants) -> Sides:
    """A_1 = a a^T, a = v phi': the exact law of the smallest eigenvalue of V_S V_S^T."""
    n, d, half = int(case["n"]), int(case["d"]), F(1, 2)
    share = 1 - _deviation(case, c, _normal_ratio(float(c["moment"])))
    if share <= 0:
        return Sides(ball(0), ball(case["delta"]))
    return Sides(masked.masked_smallest_below(n, d, share * d * float(half), relative_width=0.1), ball(case["delta"]))


def _normal_ratio(moment: float) -> float:
    """(E (a^T u)^{2 q})^{1/q} over E (a^T u)^2, a = v phi': sqrt 6 at q = 2."""
    q = moment
    absolute = 2**q * math.gamma(q + 0.5) / math.sqrt(math.pi)
    return 2 * (absolute / 2) ** (1 / q)


def oliveira_says_something(case: Case, c: Constants) -> bool:
    """Whether the bound is above zero."""
    q = float(c["moment"])
    h = _normal_ratio(q) if "n" in case else float(case["p"]) ** (1 / q - 1)
    return _deviation(case, c, h) < 1


_LIKELY = tuple({"p": p, "d": d, "delta": q} for p in (0.5, 0.1, 0.9) for d in (20, 1000, 10**5) for q in (0.5, 0.05))
_RARE = tuple({"p": 0.01, "d": 10**8, "delta": q} for q in (1e-3, 1e-10, 1e-30, 1e-100))
_MASKED_CASES = tuple(
    {"n": n, "d": d, "delta": q}
    for n, d, q in ((1, 1000, 0.3), (2, 2000, 0.1), (4, 3000, 0.3), (8, 4000, 0.5), (4, 200, 0.1))
)

_THEOREM_C1 = Claim(
    id=OLIVEIRA,
    source=_source(
        "Theorem C.1 (Oliveira 2013)",
        "",
        19,
        "the deviation 7h sqrt((n + 2 log(2/delta))/d) and the square root over E(u^T A_1 u)^2 are read",
    ),
    says="With probability 1 - delta the mean of d i.i.d. PSD matrices A_l is, in every direction u, at least 1 - ${constant:factor}h sqrt((n + ${log_factor:factor}log($tail_factor/delta))/d) of its expectation, h bounding the ratio of (E (u^T A_1 u)^$moment)^{1/$moment} to E u^T A_1 u.",
    tex=r"P\{\forall u: u^T\hat\Sigma u\ge(1-${constant:factor}h\sqrt{(n+${log_factor:factor}\ln($tail_factor/\delta))/d})\,u^T\Sigma u\}\ge 1-\delta,\ (\mathbb{E}(u^TA_1u)^{$moment})^{1/$moment}\le h\,u^T\Sigma u",
    refuted_by="a law of A_1 for which the exact probability of falling below exceeds delta",
    domain={"n": Range(1, 8), "d": Range(20, 10**8), "delta": Range(1e-100, 0.5, False, True)},
    constants={
        "constant": Constant(7, "down"),
        "log_factor": Constant(2, "down"),
        "tail_factor": Constant(2, "down"),
        "moment": Constant(2, "down"),
    },
    exact=ExactRoute(
        _LIKELY + _RARE + _MASKED_CASES, oliveira, informative=oliveira_says_something, compares=FAILURE_SIDES
    ),
    controls=(
        Control("constant_0.98", {"constant": F(98, 100)}),
        Control("no_deviation", {"constant": 0}),
        Control("first_moment", {"moment": 1}),
    ),
    version=2,
)


# Section C.1: Sigma and h for A_1 = a a^T, and what Theorem C.1 then gives.


def second_moment(p: Premises) -> Symbolic:
    """E[a a^T] for a = v phi'(<w, z>): active half the time where z is not zero, v standard normal."""
    x = sp.symbols("x", real=True)
    density = sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)
    active = sp.integrate(density, (x, 0, sp.oo)) if p.given("z") else sp.Integer(1)  # phi'(0) = 1
    variance, mean = gaussian_mean(x**2, [x], sp.Integer(1)), gaussian_mean(x, [x], sp.Integer(1))
    return reduced(
        "The pattern and v are independent; off-diagonal entries are E[phi'^2] E[v_i] E[v_j].",
        [
            ("diagonal entry", active * variance - exact_number(p["diagonal"])),
            ("off-diagonal entry", active * mean**2 - exact_number(p["off_diagonal"])),
        ],
    )


def moment_ratio(p: Premises) -> Symbolic:
    """h: (E (a^T u)^{2q})^{1/q} <= h u^T Sigma u for every unit u, q the moment of Theorem C.1."""
    x, q = sp.symbols("x", real=True), exact_number(p.of(OLIVEIRA)["moment"])
    diagonal = exact_number(p.of(SIGMA)["diagonal"])
    higher = diagonal * gaussian_mean(x ** (2 * q), [x], sp.Integer(1))
    return reduced(
        "<v, u> is standard normal for every unit u and independent of the pattern, so E (a^T u)^4 = 3/2 and "
        "u^T Sigma u = 1/2; both sides are homogeneous of degree two in u.",
        [
            ("moment", q - exact_number(p["moment"])),
            (
                "h^q (u^T Sigma u)^q >= E (a^T u)^{2q}",
                sp.sqrt(exact_number(p["h_squared"])) ** q * diagonal**q >= higher,
            ),
        ],
    )


def least_ratio(p: Premises) -> Symbolic:
    """d/n at which (1 - C h sqrt((n + L log(T/delta))/d)) Sigma reaches the level, delta = factor e^{-rate n}."""
    bound, sigma = p.of(OLIVEIRA), exact_number(p.of(SIGMA)["diagonal"])
    per_row = 1 + exact_number(bound["log_factor"]) * exact_number(p["failure_rate"])
    slope_sq = exact_number(bound["constant"]) ** 2 * exact_number(p.of(H)["h_squared"]) * per_row
    return reduced(
        "log(T/delta) = rate n where T is delta's own factor; the deviation falls in d, so equality marks the least d.",
        [
            ("h", exact_number(p["h_squared"]) - exact_number(p.of(H)["h_squared"])),
            ("delta's factor", exact_number(p["failure_factor"]) - exact_number(bound["tail_factor"])),
            ("least d/n", slope_sq / (1 - exact_number(p["level"]) / sigma) ** 2 - exact_number(p["width_ratio"])),
        ],
    )


_PAPERS_ROAD = (
    Claim(
        id=SIGMA,
        source=_source("Section C.1", "Sigma = E[a_1 a_1^T] = I_n/2", 19),
        says="For a = v phi'(<w,z>), E[a a^T] has the diagonal $diagonal and $off_diagonal elsewhere.",
        tex=r"\mathbb{E}[aa^T]=${diagonal:factor}I_n",
        refuted_by="a moment that differs",
        hypotheses=(Hypothesis("z", "z is not zero"),),
        constants={"diagonal": Constant(F(1, 2)), "off_diagonal": Constant(0)},
        proofs=(second_moment,),
        controls=(Control("diagonal_0.51", {"diagonal": F(51, 100)}), Control("any_z", {}, ("z",))),
        version=2,
    ),
    Claim(
        id=H,
        source=_source("Section C.1", "h = sqrt 6", 19),
        says="h = sqrt $h_squared satisfies Theorem C.1's condition on moments of order $moment for A_1 = a a^T.",
        tex=r"(\mathbb{E}(u^TA_1u)^{$moment})^{1/$moment}\le\sqrt{$h_squared}\,u^T\Sigma u",
        refuted_by="a direction u in which the moment exceeds h u^T Sigma u",
        constants={"h_squared": Constant(6, "down"), "moment": Constant(2)},
        needs=(SIGMA,),
        reads=(OLIVEIRA,),
        proofs=(moment_ratio,),
        controls=(Control("sqrt_5.99", {"h_squared": F(599, 100)}),),
        version=2,
    ),
    Claim(
        id="vanveen18.lemB1.arithmetic",
        source=_source("Section C.1, last display", "d >= 3528 n", 19),
        says="Theorem C.1 with h = sqrt $h_squared and delta = ${failure_factor:factor}e^{-${failure_rate:factor}n} gives lambda_min >= ${level:factor}d exactly from d = $width_ratio n on.",
        tex=r"\delta=${failure_factor:factor}e^{-${failure_rate:factor}n},\ h=\sqrt{$h_squared}:\ \lambda_{\min}\ge ${level:factor}d\iff d\ge $width_ratio\,n",
        refuted_by="another ratio from the same substitution",
        constants={
            "width_ratio": Constant(3528),
            "h_squared": Constant(6),
            "failure_factor": Constant(2),
            "failure_rate": Constant(1),
            "level": Constant(F(1, 4)),
        },
        needs=(SIGMA, H),
        reads=(OLIVEIRA,),
        proofs=(least_ratio,),
        controls=(Control("3828", {"width_ratio": 3828}), Control("3527", {"width_ratio": 3527})),
        version=2,
    ),
)


# The lemma itself, for any d/n.


def two_events(p: Premises) -> Enclosed:
    """sigma_min(V_S) >= f sqrt(d) for every n and d >= C n: few columns are active, or these have a small value.

    P(|S| <= x d) <= e^{-d KL(x || 1/2)}; given |S| >= x d Davidson-Szarek leaves t = (sqrt(xC) - 1 - f sqrt(C)) sqrt n.
    """
    lowest, binomial, sigma = p.of(LOWEST), p.of(BINOMIAL), p.of(SIGMA)
    with ctx.workprec(120):
        C, fraction, active = ball(p["width_ratio"]), ball(p["fraction"]), ball(sigma["diagonal"])
        x = ball(_best_share(float(p["width_ratio"]), float(p["fraction"])))
        few = C * ball(binomial["rate"]) * (x * (x / active).log() + (1 - x) * ((1 - x) / (1 - active)).log())
        slack = ball(lowest["columns"]) * (x * C).sqrt() - ball(lowest["rows"]) - C.sqrt() * fraction
        small = ball(lowest["rate"]) * slack.max(arb(0)) ** int(lowest["power"])
        claimed, rate = ball(p["failure_factor"]), ball(p["failure_rate"])
        total = ball(binomial["factor"]) * (rate - few).exp() + ball(lowest["factor"]) * (rate - small).exp()
        return enclosed(
            {"exponent of few columns": few, "exponent of a small value": small, "x": x},
            [active - x, few - rate, small - rate, claimed - total, fact(p.of(GRAM)["z_power"] == 2)],
            "Both exponents are in units of n and grow in C (sqrt x > f), so d >= C n for every n follows from "
            "d = C n; beyond the claimed rate both terms fall in n, so n = 1 decides the factor.",
            sufficient=True,
        )


def _best_share(C: float, fraction: float) -> F:
    """The share x that balances the two exponents (any x proves; this one is found by bisection)."""
    low, high = min(0.4998, fraction**2), 0.4999
    for _ in range(60):
        x = (low + high) / 2
        few = C * (x * math.log(2 * x) + (1 - x) * math.log(2 - 2 * x))
        small = max(0.0, math.sqrt(x * C) - 1 - math.sqrt(C) * fraction) ** 2 / 2
        low, high = (x, high) if small < few else (low, x)
    return F(round(low * 10**6), 10**6)


def smallest_value_failure(case: Case, c: Constants) -> Sides:
    """P(sigma_min(V_S) < f sqrt(d)) against the claimed failure, d = ceil(C n), by the exact law."""
    n = int(case["n"])
    d = math.ceil(F(c["width_ratio"]) * n)
    level = F(c["fraction"]) ** 2 * d
    limit = _failure(n, c)
    return Sides(masked.masked_smallest_against(n, d, level, limit), limit)


def _failure(n: int, c: Constants) -> arb:
    with ctx.workprec(160):
        return ball(c["failure_factor"]) * (-ball(c["failure_rate"]) * n).exp()


def value_above(case: Case, c: Constants) -> Sides:
    """sigma_min(J)/(nu ||z||) against fraction sqrt d from below."""
    bound = float(c["fraction"]) * math.sqrt(case["d"])
    return Sides(bound, case["sigma"], unit=bound)


def claimed_probability(case: Case, c: Constants) -> float:
    """One minus the claimed failure."""
    return 1 - float(c["failure_factor"]) * math.exp(-float(c["failure_rate"]) * case["n"])


def _rows(c: Constants) -> tuple[dict[str, int], ...]:
    """Few rows where the layer is wide, and 64 near the threshold, which is highest there."""
    return tuple({"n": n} for n in (1, 2, 3, 16, 64) if n <= 16 or c["width_ratio"] <= 400)


def _cells(c: Constants) -> tuple[dict[str, Any], ...]:
    return tuple({"n": n, "d": math.ceil(F(c["width_ratio"]) * n)} for n in (4, 16))


def lemma_b1(claim_id: str, ratio: int, source: Source, nearest: Control) -> Claim:
    """Lemma B.1 for a given d/n, with the same evidence whatever the ratio."""
    return Claim(
        id=claim_id,
        source=source,
        says="For d >= $width_ratio n, sigma_min(J(W_0)) >= ${fraction:factor}nu sqrt(d) ||z|| with probability at least 1 - ${failure_factor:factor}e^{-${failure_rate:factor}n}.",
        tex=r"d\ge $width_ratio\,n\Rightarrow\sigma_{\min}(J(W_0))\ge${fraction:factor}\nu\sqrt d\,\|z\|\ \text{w.p.}\ 1-${failure_factor:factor}e^{-${failure_rate:factor}n}",
        refuted_by="n and d >= C n where the exact failure probability exceeds the claimed one, or trials that exclude it",
        domain={"n": Range(1, 10**9), "d/n": Range("width_ratio", 1e60, False, True)},
        law={"sigma": Draw("jacobian_sigma_min", ("n", "d"))},
        constants={
            "width_ratio": Constant(ratio, "down"),
            "fraction": Constant(F(1, 2), "up"),
            "failure_factor": Constant(2, "down"),
            "failure_rate": Constant(1, "up"),
        },
        needs=(GRAM, SIGMA, LOWEST, BINOMIAL),
        proofs=(two_events,),
        exact=ExactRoute(_rows, smallest_value_failure, compares=FAILURE_SIDES),
        count=CountRoute(_cells, value_above, claimed_probability, 2000),
        controls=(nearest, Control("fraction_0.71", {"fraction": F(71, 100)})),
        version=2,
    )


_LEMMA = (
    lemma_b1(
        "vanveen18.lemB1.printed",
        3828,
        _source("Lemma B.1", "d >= 3828 n", 17, "3828 may itself be a misreading of 3528"),
        Control("width_67", {"width_ratio": 67}),
    ),
    lemma_b1(
        "vanveen18.lemB1.proof",
        3528,
        _source("Lemma B.1 by its proof, Section C.1", "d >= 3528 n", 19),
        Control("width_67", {"width_ratio": 67}),
    ),
)

CLAIMS: tuple[Claim, ...] = (_THEOREM_C1, *_PAPERS_ROAD, *_LEMMA)
