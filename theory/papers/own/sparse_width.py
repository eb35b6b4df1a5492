"""The width of sparse unit vectors: E of the s largest of d normal squares, and where eq. (14) needs no linear term.

By duality the s largest add up to s t^2 + sum (g_l^2 - t^2)_+ at most, whence E <= d L(s/d), L(p) = E[g^2; |g| > t] at
P(|g| > t) = p; and L(p)/p = 1 + t m, m = phi/Q, p = 2Q.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction as F

import sympy as sp
from flint import arb, ctx, fmpq

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
from untrained.theory.evidence import Enclosed, Symbolic
from untrained.theory.laws import suprema
from untrained.theory.objects import sparse_norms
from untrained.theory.proof.algebra import exact_number, reduced
from untrained.theory.proof.balls import ball, enclosed, fact

_MILLS = "textbook.mills"
_MOST_SUMMED = 10**4
"""Largest d at which the order statistics are integrated."""


def excess_falls(p: Premises) -> Symbolic:
    """c(t) = L/p - A log(1/p) = 1 + t m + A log(2Q) falls from 1 at t = 0: c' = m (1 + t(m - t) - A) <= 0."""
    mills, t, m = p.of(_MILLS), sp.symbols("t", positive=True), sp.symbols("m", positive=True)
    slope, inverse = exact_number(mills["slope"]), exact_number(mills["inverse"])
    A = exact_number(p["log_factor"])
    ratio_falls, log_falls = m * (m - t), -m
    derivative = m + t * ratio_falls + A * log_falls
    most = (1 + t * (m - t) - A).subs(m, slope * t + inverse / t)
    return reduced(
        "m' = m(m - t) and (log Q)' = -m; the bracket grows in m, so Mills' bound may stand for m, and what is left "
        "is a polynomial in t^2.",
        [
            ("derivative", sp.expand(derivative - m * (1 + t * (m - t) - A))),
            ("bracket in powers of t", sp.expand(most - ((slope - 1) * t**2 + 1 + inverse - A))),
            ("coefficient of t^2", slope <= 1),
            ("and the rest", 1 + inverse <= A),
            ("c(0) = 1", exact_number(p["linear"]) >= 1),
        ],
        sufficient=True,
    )


def excess_at_share(p: Premises) -> Enclosed:
    """c(t) <= 0 at a t with P(|g| > t) >= share, and c falls in t: so L(s/d) d <= A s log(d/s) for s <= share d."""
    mills, A = p.of(_MILLS), ball(p["log_factor"])
    share = F(p["share"]) if p.given("share") else F(1)
    with ctx.workprec(200):
        t = _level_at(share)
        reached = suprema.beyond(t)
        excess = suprema.energy_beyond(t) / reached + A * reached.log()
        return enclosed(
            {"share": reached, "excess at t": excess},
            [
                -excess,
                fact(reached >= ball(share)),
                fact(mills["slope"] <= 1),
                fact(p["log_factor"] >= 1 + mills["inverse"]),
            ],
            "The excess has derivative m (1 + t(m - t) - A), which Mills' bound makes negative.",
            sufficient=True,
        )


def _level_at(share: F) -> arb:
    """A level that |g| exceeds a little more often than a share of the time (0 where the share is 1 or more)."""
    if share >= 1:
        return arb(0)
    return arb((suprema.quantile(fmpq(share.numerator, share.denominator)) - arb(2) ** -100).mid())


def largest_energy(case: Case, c: Constants) -> Sides:
    """E of the s largest of d squares against A s log(d/s) + c s: summed for small d, between bounds for large."""
    s, d = int(case["s"]), int(case["d"])
    with ctx.workprec(suprema.BITS):
        claimed = ball(c["log_factor"]) * s * (ball(d) / s).log() + ball(c.get("linear", 0)) * s
        if s < d <= _MOST_SUMMED:
            return Sides(sparse_norms.squared_width_exact(s, d), float(claimed), unit=s)
        return Sides(suprema.mean_of_largest_squares(d, s), claimed, unit=ball(s))


def within_share(case: Case, c: Constants) -> bool:
    """Whether s <= share d."""
    return bool(case["s"] <= F(c["share"]) * case["d"])


def at_share(c: Constants, *widths: int) -> tuple[Mapping[str, int], ...]:
    """The largest whole s <= share d at each of these d."""
    return tuple({"s": max(1, min(d, int(F(c["share"]) * d))), "d": d} for d in widths)


_SIZES = (
    *({"s": s, "d": d} for d in (2, 10, 100, 1000) for s in (1, 2, 5, 18, 50, 90, 400) if s < d),
    *({"s": d, "d": d} for d in (1, 1000)),
    *({"s": 1, "d": d} for d in (10**6, 10**60)),
    {"s": 10**29, "d": 10**30},
)


def _within(c: Constants) -> tuple[Mapping[str, int], ...]:
    return (*_SIZES, *at_share(c, 100, 1000, 10**30))


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="own.sparse_width",
        source=Source("own", "sharpens the (5/4)s of the usual sparse width to s"),
        says="For every s <= d, E max over |S| = s of <g_S, g_S> is at most ${log_factor:factor}s log(d/s) + ${linear:factor}s, g standard normal in R^d.",
        tex=r"\mathbb{E}\max_{|S|=s}\langle g_S,g_S\rangle\le ${log_factor:factor}s\log(d/s)+${linear:factor}s",
        refuted_by="s <= d where the exact order-statistic integral, or a lower bound on it, is larger",
        domain={"s": Range(1, 10**60), "d": Range(1, 10**60)},
        constants={"log_factor": Constant(2, "down"), "linear": Constant(1, "down")},
        needs=(_MILLS,),
        proofs=(excess_falls,),
        exact=ExactRoute(_SIZES, largest_energy),
        controls=(
            Control("linear_0.999", {"linear": F(999, 1000)}),
            Control("log_factor_1.95", {"log_factor": F(195, 100)}),
        ),
        version=2,
    ),
    Claim(
        id="own.eq14_domain",
        source=Source("own", "where the printed eq. (14) is true"),
        says="For every s <= ${share:factor}d, E max over |S| = s of <g_S, g_S> is at most ${log_factor:factor}s log(d/s): there the printed eq. (14) needs no linear term.",
        tex=r"s\le ${share:factor}d\Rightarrow \mathbb{E}\max_{|S|=s}\langle g_S,g_S\rangle\le ${log_factor:factor}s\log(d/s)",
        refuted_by="s within the share of d where the mean certainly exceeds the bound",
        domain={"s": Range(1, 10**60), "d": Range(1, 10**60)},
        hypotheses=(Hypothesis("share", "s <= ${share:factor}d", within_share),),
        constants={"share": Constant(F(18, 100), "up"), "log_factor": Constant(2, "down")},
        needs=(_MILLS,),
        proofs=(excess_at_share,),
        exact=ExactRoute(_within, largest_energy),
        controls=(
            Control("share_0.186", {"share": F(186, 1000)}),
            Control("log_factor_1.95", {"log_factor": F(195, 100)}),
            Control("any_share", {}, ("share",)),
        ),
        version=2,
    ),
)
