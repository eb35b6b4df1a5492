"""Laws of suprema in balls: norms of Gaussian matrices, the largest squares, the signs that a radius can change.

Each ball certainly contains the probability: exactly where there is a closed form, else between a lower bound by one
way of reaching the event and an upper bound by what the event needs.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise

from flint import arb, ctx, fmpq
from scipy.optimize import minimize_scalar

from untrained.theory.laws.wishart import largest_eigenvalue_above
from untrained.theory.proof.balls import ball

BITS = 512
"""Working precision: widths go up to 10^60, whose log-gammas cancel."""
_BINS = (1, 8, 64)
_DENSITY = math.sqrt(2 / math.pi)
"""Density of |g| at 0, for a standard normal g."""
_MOST_TERMS = 3000


def chi_above(count: int, level: arb) -> arb:
    """P(||g|| > level) for g standard normal in R^count."""
    if not level > 0:
        return arb(1) if level < 0 else arb(0, 1)
    with ctx.workprec(BITS):
        if count == 1:
            return beyond(level)
        return (level**2 / 2).gamma_upper(arb(fmpq(count, 2)), regularized=1)


def chi_mean(count: int) -> arb:
    """E ||g|| for g standard normal in R^count."""
    with ctx.workprec(BITS):
        half = arb(fmpq(1, 2))
        return arb(2).sqrt() * ((half * (count + 1)).lgamma() - (half * count).lgamma()).exp()


def norm_above(n: int, d: int, level: arb) -> arb:
    """P(||V|| > level), V of shape n x d with independent standard normal entries."""
    if min(n, d) == 1:
        return chi_above(max(n, d), level)
    return largest_eigenvalue_above(n, d, level**2) if level > 0 else arb(1)


def longest_column_above(n: int, d: int, level: arb) -> arb:
    """P(some column of V is longer than level): the supremum over single columns."""
    with ctx.workprec(BITS):
        return -(ball(d) * (-chi_above(n, level)).log1p()).expm1()


def binomial_above(d: int, m: int, p: arb) -> arb:
    """P(Bin(d, p) >= m), as a ball whatever d and m: terms are summed, and what is left is below a geometric sum."""
    with ctx.workprec(BITS):
        if m <= 0:
            return arb(1)
        if m > d or p == 0:
            return arb(0)
        if p * d > m:
            return 1 - _tail(d, d - m + 1, 1 - p)
        return _tail(d, m, p)


def _tail(d: int, m: int, p: arb) -> arb:
    term = total = _log_mass(d, (m,), (p,)).exp()
    odds = p / (1 - p)
    for k in range(m, min(d, m + _MOST_TERMS)):
        ratio = arb(fmpq(d - k, k + 1)) * odds
        term = term * ratio
        total = total + term
        if ratio < 1 and term < total * arb(2) ** -60:
            break
    else:
        k = min(d, m + _MOST_TERMS)
        ratio = arb(fmpq(max(d - k, 0), k + 1)) * odds
    if not ratio < 1:
        return total.union(arb(1))
    return total.union(total + term * ratio / (1 - ratio))


def _log_mass(d: int, counts: tuple[int, ...], shares: tuple[arb, ...]) -> arb:
    """Log of the multinomial probability that cells of these shares hold exactly these counts."""
    most, whole = sum(counts), sum(shares, arb(0))
    log = arb(d + 1).lgamma() - arb(d - most + 1).lgamma()
    for count, share in zip(counts, shares, strict=True):
        log = log - arb(count + 1).lgamma() + (count * share.log() if count else 0)
    return log + ((d - most) * (-whole).log1p() if d > most else 0)


# How many signs of <w_l, z> can be changed within R: k or more, if the k smallest g_l^2 add up to R^2 at most.
# With one side only the g_l above 0 count: the neurons that can be put off.


def changes_at_least(d: int, k: int, radius: arb, limit: arb, sides: int = 2) -> arb:
    """P(k signs or more can be changed within the radius), from the side that decides against the limit."""
    if k > d:
        return arb(0)
    with ctx.workprec(BITS):
        needs = (_needs(d, k, m, radius, sides) for m in {1, (k + 1) // 2, k // 2 + 1, k})
        upper = min(needs, key=float_or_one)
        if not upper <= limit:
            bound = _by_transform(d, k, radius, sides)
            upper = upper.min(bound) if bound.is_finite() else upper
        if upper <= limit:
            return upper
        lower = arb(0)
        for way in (_one_way, _likely_way):
            for bins in _BINS:
                lower = lower.max(way(d, k, radius, bins, sides))
                if lower > limit:
                    return lower
        return lower.union(upper)


def changes_tilt(ratio: float, sides: int = 2) -> tuple[float, float]:
    """The a and theta at which theta (ratio - 1/a^2) - sides phi(0) a psi(theta) is largest, in floats.

    exp(-X times this) bounds P(ratio X changes or more within R), X = (dR)^{2/3}. For a given theta a is a cube root.
    """

    def level(theta: float) -> float:
        return float((4 * theta / (sides * _DENSITY * _transform(theta))) ** (1 / 3))

    def lost(log_theta: float) -> float:
        theta = math.exp(log_theta)
        return -theta * (ratio - 3 / level(theta) ** 2)

    theta = math.exp(float(minimize_scalar(lost, bounds=(-16, 6), method="bounded", options={"xatol": 1e-9}).x))
    return level(theta), theta


def _transform(theta: float) -> float:
    """psi(theta), the integral of e^{theta(1 - u^2)} - 1 over u from 0 to 1."""
    return math.exp(theta) * math.sqrt(math.pi / (4 * theta)) * math.erf(math.sqrt(theta)) - 1


def _by_transform(d: int, k: int, radius: arb, sides: int) -> arb:
    """Chernoff's bound: the k smallest g_l^2 add up to k t^2 - sum (t^2 - g_l^2)_+ at least, whatever t."""
    scale = (radius * d) ** arb(fmpq(2, 3))
    a, theta = (ball(x) for x in changes_tilt(float(k / scale), sides))
    t = a * scale / d
    rate = theta / t**2
    mean = theta.exp() * (t * (rate + arb(0.5)).sqrt()).erf() / (1 + 2 * rate).sqrt() - below(t)
    return (-theta * (k - (radius / t) ** 2) + d * (mean * sides / 2).log1p()).exp()


def float_or_one(x: arb) -> float:
    """Upper end of a probability as a float, for comparing."""
    return float(x.upper()) if x.is_finite() else 1.0


def below(level: arb) -> arb:
    """P(|g| < level) for a standard normal g, accurate for small levels."""
    return (level / arb(2).sqrt()).erf()


def _needs(d: int, k: int, m: int, radius: arb, sides: int = 2) -> arb:
    """All but m - 1 of the k changed have g_l^2 >= |g|_{m-}^2, so |g|_{m-} <= R/sqrt(k - m + 1)."""
    return binomial_above(d, m, below(radius / arb(k - m + 1).sqrt()) * sides / 2)


def _one_way(d: int, k: int, radius: arb, bins: int, sides: int = 2) -> arb:
    """The probability of one profile of the k smallest: bins of |g| with exactly so many each."""
    if not k >= bins:
        return arb(0)
    tilt = _tilt(float((radius * d) ** 2) * (_DENSITY * sides / 2) ** 2 / float(k) ** 3)
    places = [(j + 1) / bins for j in range(bins)]
    weights = [math.exp(-tilt * (v - 0.5 / bins) ** 2) for v in places]
    counts = _rounded([w / sum(weights) for w in weights], k)
    cost = sum(count * v * v for count, v in zip(counts, places, strict=True))
    edges = [arb(0), *(radius * v / math.sqrt(cost) * (1 - 1e-9) for v in places)]
    shares = tuple((below(b) - below(a)) * sides / 2 for a, b in pairwise(edges))
    spent = sum((count * edge**2 for count, edge in zip(counts, edges[1:], strict=True)), arb(0))
    return _log_mass(d, counts, shares).exp() if spent <= radius**2 else arb(0)


def _tilt(spread: float) -> float:
    """The beta of the likeliest profile e^{-beta v^2} on [0, 1] whose second moment over its mass cubed is `spread`."""

    def moments(beta: float) -> float:
        places = [(j + 0.5) / 200 for j in range(200)]
        weights = [math.exp(beta * (1 - v * v)) / 200 for v in places]
        return sum(w * v * v for w, v in zip(weights, places, strict=True)) / sum(weights) ** 3

    low, high = 0.0, 50.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if moments(middle) > spread else (low, middle)
    return low


def _rounded(shares: list[float], total: int) -> tuple[int, ...]:
    """Whole numbers near these shares of a total, which they add up to."""
    counts = [int(share * total) for share in shares]
    for j in range(min(total - sum(counts), len(counts))):
        counts[j] += 1
    counts[0] += total - sum(counts)
    return tuple(counts)


def _likely_way(d: int, k: int, radius: arb, bins: int, sides: int = 2) -> arb:
    """One minus the probabilities that fewer than j k/bins of the |g_l| lie below the j-th of evenly spread levels."""
    ranks = [-(-k * (j + 1) // bins) for j in range(bins)]
    own = [ranks[0], *(b - a for a, b in pairwise(ranks))]
    cost = sum(count * ((j + 1) / bins) ** 2 for j, count in enumerate(own))
    levels = [radius * (j + 1) / bins / math.sqrt(cost) * (1 - 1e-9) for j in range(bins)]
    spent = sum((count * level**2 for count, level in zip(own, levels, strict=True)), arb(0))
    short = (1 - binomial_above(d, rank, below(level) * sides / 2) for rank, level in zip(ranks, levels, strict=True))
    return (1 - sum(short, arb(0))).max(arb(0)) if spent <= radius**2 else arb(0)


# The s largest of d squares, by Chebyshev's inequality on what exceeds a level, and by duality.


def largest_squares_above(d: int, s: int, level: arb) -> arb:
    """P(the s largest of d normal squares add up to more than `level`), for large d and s a share of it."""
    with ctx.workprec(BITS):
        return _least_energy(d, s, level).union(_most_energy(d, s, level))


@lru_cache(maxsize=256)
def mean_of_largest_squares(d: int, s: int) -> arb:
    """E of the sum of the s largest of d normal squares."""
    with ctx.workprec(BITS):
        if s == d:
            return ball(d)
        upper = ball(d) * energy_beyond(quantile(fmpq(s, d)))
        return _mean_from_below(d, s).union(upper.upper())


def quantile(share: fmpq) -> arb:
    """Some t with P(|g| > t) near a share: any t serves a bound, and this one is found by Newton's rule."""
    p, t = arb(share), arb(float((2 * (1 / arb(share)).log()).sqrt()))
    for _ in range(200):
        step = (beyond(t) - p) / (2 * density(t))
        t = arb((t + step).mid())
        if abs(step) < arb(2) ** -200:
            break
    return t


def beyond(t: arb) -> arb:
    """P(|g| > t)."""
    return (t / arb(2).sqrt()).erfc()


def density(t: arb) -> arb:
    """The normal density."""
    return (-t * t / 2).exp() / (2 * arb.pi()).sqrt()


def energy_beyond(t: arb) -> arb:
    """E[g^2; |g| > t]."""
    return beyond(t) + 2 * t * density(t)


def _fourth_beyond(t: arb) -> arb:
    return 3 * beyond(t) + 2 * density(t) * (t**3 + 3 * t)


def _exceeds(mean: arb, variance: arb, level: arb) -> arb:
    """Chebyshev (Cantelli): P(X > level) from above, for a level above the mean."""
    gap = level - mean
    return variance / (variance + gap**2) if gap > 0 else arb(1)


def _least_energy(d: int, s: int, level: arb) -> arb:
    """The squares beyond t are among the s largest where they are no more than s."""
    if not 0 < s < d:
        return arb(0)
    t = quantile(fmpq(s, d)) + arb(10) / (ball(s) ** arb(fmpq(1, 2)))
    share, energy = beyond(t), energy_beyond(t)
    many = _exceeds(d * share, d * share, ball(s))
    low = _exceeds(-d * energy, d * (_fourth_beyond(t) - energy**2), -level)
    return (1 - many - low).max(arb(0))


def _most_energy(d: int, s: int, level: arb) -> arb:
    """The s largest add up to s t^2 + sum (g_l^2 - t^2)_+ at most, whatever t."""
    t = quantile(fmpq(s, d))
    square, share = t * t, beyond(t)
    mean = energy_beyond(t) - square * share
    second = _fourth_beyond(t) - 2 * square * energy_beyond(t) + square**2 * share
    return _exceeds(d * mean, d * (second - mean**2), level - s * square).min(arb(1))


def _mean_from_below(d: int, s: int) -> arb:
    """E[X; N <= s] >= E X - sqrt(E X^2 P(N > s)), X the squares beyond t and N their number."""
    if s == 1:
        return _mean_by_levels(d, [quantile(fmpq(1, d)) + arb(fmpq(j - 12, 24)) for j in range(36)])
    t = quantile(fmpq(s, d)) + arb(1) / (ball(s) ** arb(fmpq(1, 4)))
    share, energy = beyond(t), energy_beyond(t)
    second = d * (_fourth_beyond(t) - energy**2) + (d * energy) ** 2
    return d * energy - (second * _exceeds(d * share, d * share, ball(s))).sqrt()


def _mean_by_levels(d: int, levels: list[arb]) -> arb:
    """E of the largest square from below: P(max |g_l| > t) is at least what it is at the next level."""
    squares = [arb(0), *(t**2 for t in levels)]
    chances = (longest_column_above(1, d, t) for t in levels)
    return sum(((b - a) * chance for (a, b), chance in zip(pairwise(squares), chances, strict=True)), arb(0))


# One row v of V against g = W_0 z/||z||: columns with |g_l| <= |v_l| tan(phi) give the most v_l^2 for what they cost.


def row_above(d: int, radius: arb, level: arb) -> arb:
    """P(signs within the radius can be changed so that ||v_S|| > level), v and g standard normal in R^d, d large."""
    with ctx.workprec(BITS):
        budget, target = radius**2, level**2
        share = float(budget / d)
        return _row_by_cone(d, budget, target, _angle(share * (1 - 1e-6))).union(
            _row_by_duality(d, budget, target, _angle(share))
        )


def _cone(phi: arb) -> tuple[arb, arb, arb, arb, arb]:
    """E over |g| <= |v| tan(phi) of v^2, g^2, v^4, v^2 g^2, g^4: polar coordinates."""
    pi, double, quadruple = arb.pi(), (2 * phi).sin(), (4 * phi).sin()
    squares = 2 / pi * (phi + double / 2), 2 / pi * (phi - double / 2)
    even, odd = 3 * phi / 4 + quadruple / 16, double / 2
    return (*squares, 8 / pi * (even + odd), 8 / pi * (phi / 4 - quadruple / 16), 8 / pi * (even - odd))


def _angle(share: float) -> arb:
    """The phi at which the cone costs a share of d, found by bisection; pi/2 where all of it costs less."""
    low, high = 0.0, math.pi / 2
    for _ in range(80):
        middle = (low + high) / 2
        cost = 2 / math.pi * (middle - math.sin(2 * middle) / 2)
        low, high = (middle, high) if cost < share else (low, middle)
    return arb(low)


def _row_by_cone(d: int, budget: arb, target: arb, phi: arb) -> arb:
    energy, cost, fourth, _, cost_fourth = _cone(phi)
    dear = _exceeds(d * cost, d * (cost_fourth - cost**2), budget)
    short = _exceeds(-d * energy, d * (fourth - energy**2), -target)
    return (1 - dear - short).max(arb(0))


def _row_by_duality(d: int, budget: arb, target: arb, phi: arb) -> arb:
    """||v_S||^2 <= mu R^2 + sum (v_l^2 - mu g_l^2)_+ for every S that costs R^2 at most, whatever mu."""
    mu = 1 / phi.tan() ** 2
    energy, cost, fourth, mixed, cost_fourth = _cone(phi)
    mean = energy - mu * cost
    second = fourth - 2 * mu * mixed + mu**2 * cost_fourth
    return _exceeds(d * mean, d * (second - mean**2), target - mu * budget).min(arb(1))
