"""Deciding listed cases exactly: by floats from exact laws, or by balls whose sign is certain.

Below `decide` stand both sides of each such claim: failure probabilities by their exact law against the claimed ones.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from flint import arb, ctx

from untrained.theory.claim import Case, Claim, Constants, ExactRoute, Sides, listed
from untrained.theory.evidence import Exact
from untrained.theory.laws import masked, misfit, order_statistics, wishart
from untrained.theory.objects import sparse_norms
from untrained.theory.proof.balls import ball, ends, share_of_budget

FLOAT_GUARD = 1e-9
"""A float margin this close to zero decides nothing: the laws used are good to about 1e-12."""


def decide(claim: Claim) -> Exact:
    """Evaluate both sides on every listed case where the hypotheses hold and keep the least margin.

    Raises
    ------
    ValueError
        where the claim has no exact route.
    """
    route = claim.exact
    if route is None:
        raise ValueError(f"claim must have an exact route, got {claim.id} without one")
    cases = listed(route.cases, claim.values)
    rows = [(case, *_bounds(route.sides(case, claim.values).margin)) for case in cases if _meets(claim, case)]
    informative = sum(_says_something(route, case, claim) for case, *_ in rows)
    if not rows:
        return Exact(len(cases), 0, 0.0, {}, route.covers)
    undecided = sum(low < 0 <= high for _, low, high in rows)
    certain_failure = [row for row in rows if row[2] < 0]
    case, low, high = min(certain_failure or rows, key=lambda row: row[1])
    margin = high if certain_failure else max(low, 0.0) if undecided else low
    first = dict(certain_failure[0][0]) if certain_failure else {}
    return Exact(len(cases), informative, margin, dict(case), route.covers, bool(route.covers), undecided, first)


def _meets(claim: Claim, case: Case) -> bool:
    return all(bool(h.holds(case, claim.values)) for h in claim.hypotheses if h.holds)


def _says_something(route: ExactRoute, case: Case, claim: Claim) -> bool:
    return route.informative is None or bool(route.informative(case, claim.values))


def _bounds(margin: Any) -> tuple[float, float]:
    """Lower and upper end of a margin: a ball's own, or a float widened by the guard."""
    if isinstance(margin, arb):
        return ends(margin)
    x = float(margin)
    if math.isnan(x):
        return -math.inf, math.inf
    return (x, x) if x == 0 or abs(x) > FLOAT_GUARD else (-FLOAT_GUARD, FLOAT_GUARD)


def _exp(x: Any) -> arb:
    return ball(x).exp()


def smallest_singular_failure(case: Case, c: Constants) -> Sides:
    """P(sigma_min(V_S) < sqrt(d)/2) against 2 e^{-n}, d = ceil(width_ratio n)."""
    n = int(case["n"])
    d = math.ceil(Fraction(c["width_ratio"]) * n)
    level = Fraction(c["fraction"]) ** 2 * d
    allowed = 2 * _exp(-n)
    return Sides(masked.masked_smallest_below(n, d, level, relative_width=0.5), allowed)


def width_threshold(case: Case, c: Constants) -> Sides:
    """At the listed width the claimed probability holds, and not below: at no d >= n up to n = 16, else one below."""
    n, d = int(case["n"]), int(case["d"]) + int(c["shift"])
    with ctx.workprec(192):
        allowed = 2 * arb(-n).exp()
    holds = d >= n and masked.masked_smallest_decides(n, d, Fraction(d, 4), allowed)
    below = range(n, d) if n <= 16 else range(max(n, d - 1), d)
    fails = not any(masked.masked_smallest_decides(n, k, Fraction(k, 4), allowed) for k in below)
    return Sides(0.0 if holds and fails else 2.0, 1.0)


def largest_norm_failure(case: Case, c: Constants) -> Sides:
    """P(||V|| > sqrt d + deviation sqrt n) against e^{-n/2}."""
    n, d = int(case["n"]), int(case["d"])
    with ctx.workprec(160):
        level = (ball(d).sqrt() + ball(c["deviation"]) * ball(n).sqrt()) ** 2
    return Sides(wishart.largest_eigenvalue_above(n, d, level), _exp(Fraction(-n, 2)))


def whole_matrix_failure(case: Case, c: Constants) -> Sides:
    """At s = d: P(||V|| > 2 sqrt n + sqrt(c d)) against e^{-n/2}."""
    n, d = int(case["n"]), int(case["d"])
    with ctx.workprec(160):
        level = (2 * ball(n).sqrt() + (ball(c["linear"]) * d).sqrt()) ** 2
    return Sides(wishart.largest_eigenvalue_above(n, d, level), _exp(Fraction(-n, 2)))


def rank_failure(case: Case, c: Constants) -> Sides:
    """P(|g|_{m-} < level m/d), a binomial tail, against e^{-exponent m}."""
    m, d = int(case["m"]), int(case["d"])
    if m > d:
        return Sides(0.0, 1.0)
    failure = order_statistics.smallest_entry_below(m, d, float(c["level"]) * m / d)
    return Sides(failure, math.exp(-float(c["exponent"]) * m))


def chi_square_failure(case: Case, c: Constants) -> Sides:
    """P(chi2_n > 2n) against e^{-exponent n}, both as balls; n is whichever dimension the case names."""
    n = int(case["n"] if "n" in case else case["d"])
    with ctx.workprec(max(128, 4 * n)):
        tail = ball(n).gamma_upper(ball(Fraction(n, 2)), regularized=1)
        return Sides(tail, _exp(-Fraction(c["exponent"]) * n))


def output_norm_failure(case: Case, c: Constants) -> Sides:
    """P(||V phi(W_0 z)|| > factor ||y||) against e^{-a n} + e^{-a d}, a = exponent."""
    n, d, a = int(case["n"]), int(case["d"]), float(c["exponent"])
    return Sides(misfit.output_exceeds(n, d, float(c["factor"])), math.exp(-a * n) + math.exp(-a * d))


def misfit_says_nothing(case: Case, c: Constants) -> bool:
    """Whether the claimed failure probability is 1 or more."""
    a = float(c["exponent"])
    return math.exp(-a * case["n"]) + math.exp(-a * case["d"]) >= 1


def misfit_says_something(case: Case, c: Constants) -> bool:
    """Whether the claimed failure probability is below 1."""
    return not misfit_says_nothing(case, c)


def misfit_failure(case: Case, c: Constants) -> Sides:
    """P(||V phi(W_0 z) - y|| > factor ||y||) against e^{-a n} + e^{-a d}; floored at the quadrature's 1e-12."""
    n, d, a = int(case["n"]), int(case["d"]), float(c["exponent"])
    return Sides(misfit.misfit_exceeds(n, d, float(c["factor"])) + 1e-12, math.exp(-a * n) + math.exp(-a * d))


def perturbation_failure(case: Case, c: Constants) -> Sides:
    """At (2dR)^{2/3} = d/3, where the printed logarithm vanishes: a lower bound on the failure probability.

    k neurons can be flipped if k of the |g_l| are below R/sqrt k; then ||V_S|| is at least the norm of one
    row, a chi with k degrees of freedom independent of S.
    """
    n, d = int(case["n"]), int(case["d"])
    R_sq = (d / 3) ** 3 / (2 * d) ** 2
    k = int(case["flips"])
    flips_happen = order_statistics.smallest_entry_below(k, d, math.sqrt(R_sq / k))
    bound = 2 * math.sqrt(n) + math.sqrt(float(c["linear"]) * d)
    with ctx.workprec(160):
        row = (ball(bound) ** 2 / 2).gamma_upper(ball(Fraction(k, 2)), regularized=1)
    return Sides(ball(flips_happen) * row, _exp(Fraction(-n, 2)) + ball(math.exp(-d / 18)))


def sparse_width(case: Case, c: Constants) -> Sides:
    """E max_{|S|=s} ||g_S||^2 by its order-statistic integral against 2 s log(d/s) + c s."""
    s, d = int(case["s"]), int(case["d"])
    if s > d:
        return Sides(0.0, 1.0)
    claimed = 2 * s * math.log(d / s) + float(c["linear"]) * s
    return Sides(sparse_norms.squared_width_exact(s, d), claimed, unit=s)


def oliveira_bernoulli(n_is_one: Case, c: Constants) -> Sides:
    """n = 1, A_1 = Bernoulli(p)/p: P(mean < 1 - k h sqrt((1 + 2 log(2/delta))/d)) against delta, h = p^{-1/2}."""
    p, d, delta = float(n_is_one["p"]), int(n_is_one["d"]), float(n_is_one["delta"])
    level = 1 - float(c["constant"]) / math.sqrt(p) * math.sqrt((1 + 2 * math.log(2 / delta)) / d)
    from scipy.stats import binom

    below = math.ceil(level * d * p) - 1
    return Sides(float(binom.cdf(below, d, p)) if below >= 0 else 0.0, delta)


def oliveira_masked(case: Case, c: Constants) -> Sides:
    """A_1 = a a^T, a = v phi': P(lambda_min < (1 - k sqrt 6 sqrt((n + 2 log(2/delta))/d)) d/2) against delta."""
    n, d, delta = int(case["n"]), int(case["d"]), float(case["delta"])
    share = 1 - float(c["constant"]) * math.sqrt(6) * math.sqrt((n + 2 * math.log(2 / delta)) / d)
    if share <= 0:
        return Sides(ball(0), ball(delta))
    return Sides(masked.masked_smallest_below(n, d, share * d / 2, relative_width=0.1), ball(delta))


def oliveira(case: Case, c: Constants) -> Sides:
    """Whichever instance the case describes."""
    return oliveira_bernoulli(case, c) if "p" in case else oliveira_masked(case, c)


def oliveira_informative(case: Case, c: Constants) -> bool:
    """Whether the bound is above zero."""
    h = math.sqrt(6) if "n" in case else 1 / math.sqrt(case["p"])
    n = case.get("n", 1)
    return float(c["constant"]) * h * math.sqrt((n + 2 * math.log(2 / case["delta"])) / case["d"]) < 1


def width_inequality(case: Case, c: Constants) -> Sides:
    """The width inequality at this size: left side at d/n against 1/12, in balls."""
    with ctx.workprec(120):
        return Sides(share_of_budget(ball(Fraction(int(case["d"]), int(case["n"]))), arb(0)), ball(Fraction(1, 12)))


def union_total(case: Case, c: Constants) -> Sides:
    """The five events' failure probabilities at this size against the theorem's, in balls."""
    n, d = int(case["n"]), int(case["d"])
    with ctx.workprec(120):
        third = ball(Fraction(1, 3))
        power = ball(d) ** (2 * third) * ball(n) ** third
        flips = (-(ball(120) ** (2 * third)) / 6 * power).exp()
        total = 2 * _exp(-n) + 3 * _exp(Fraction(-n, 2)) + _exp(Fraction(-d, 2)) + flips
        allowed = ball(c["coefficient"]) * _exp(Fraction(-n, 2)) + _exp(Fraction(-d, 2))
        return Sides(total, allowed + (-ball(c["last_exponent"]) * power).exp())
