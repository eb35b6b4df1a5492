"""The exact law of Lemma B.1: the smallest eigenvalue of V_S V_S^T with a random half S of the columns.

Given |S| the law is Wishart's and it decreases in |S|, so the binomial mixture is enclosed by a few blocks.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from functools import cache, lru_cache
from itertools import pairwise

from flint import arb, ctx

from untrained.theory.laws.wishart import Level, checked_level, rate_below, smallest_eigenvalue_below
from untrained.theory.objects.shapes import whole_number
from untrained.theory.proof.balls import ball

_law = lru_cache(maxsize=4096, typed=True)(smallest_eigenvalue_below)
"""The law given |S|, once: it does not depend on the probability that it is compared with."""


@lru_cache(maxsize=8)
def _binomial_sums(d: int) -> tuple[arb, ...]:
    """P(Binomial(d, 1/2) < s) for s = 0 .. d + 1, each with at least 128 correct bits."""
    with ctx.workprec(192):
        term, sums = arb(1) / arb(2) ** d, [arb(0)]
        for s in range(d + 1):
            sums.append(sums[-1] + term)
            term = term * (d - s) / (s + 1)
        return tuple(sums)


def _log_size(x: arb) -> float:
    largest = x.abs_upper()
    return float(largest.log()) if largest > 0 else -math.inf


def _block_bounds(points: dict[int, arb], d: int) -> tuple[arb, arb, dict[int, float]]:
    """Enclosing sums of the mixture, and the log doubt of every block, keyed by where to split it."""
    sums, doubts = _binomial_sums(d), {}
    lower = upper = sums[min(points)]
    for (p, f), (q, g) in pairwise(sorted(points.items())):
        own, between = (sums[p + 1] - sums[p]) * f, sums[q] - sums[p + 1]
        lower, upper = lower + own + between * g, upper + own + between * f
        if q - p > 1:
            doubts[(p + q) // 2] = _log_size(between * (f - g))
    return lower, upper, doubts


def _refine(n: int, d: int, level: Level, bits: int, finished: Callable[[arb, arb], bool]) -> tuple[arb, arb]:
    """Bounds of the binomial mixture, refined where the doubt is largest until they satisfy `finished`."""
    # The law decreases in s: 1 for s < n, and at least 0 past s = d.
    points = {min(n - 1, d): arb(1), d + 1: arb(0)}
    while True:
        with ctx.workprec(192):
            lower, upper, doubts = _block_bounds(points, d)
            if finished(lower, upper):
                return lower, upper
        if not doubts:
            raise ArithmeticError(f"the mixture for n={n}, d={d} stays undecided with laws of {bits} bits")
        worst = max(doubts.values())
        for s in (s for s, doubt in doubts.items() if doubt > worst - 1.5):
            points[s] = _law(n, s, level, relative_bits=bits)


def _checked_mixture(n: int, d: int, level: Level) -> tuple[int, int]:
    n, d = whole_number("n", n, 1), whole_number("d", d, 0)
    if ball(checked_level(level, "level")) == 0:
        raise ValueError(f"level must be above 0, got {level!r}")
    return n, d


def masked_smallest_below(n: int, d: int, level: Level, *, relative_width: float = 1e-6) -> arb:
    """P(smallest eigenvalue of V_S V_S^T < level), V n x d Gaussian, |S| ~ Binomial(d, 1/2) independent.

    Parameters
    ----------
    n, d : rows (>= 1) and columns (>= 0) of V.
    level : threshold above 0.
    relative_width : width of the enclosure relative to the probability, in (0, 1).

    Returns
    -------
    arb

    Raises
    ------
    ValueError
        If a count, the level or the width is out of range.
    ArithmeticError
        If the accuracy needs more working precision than the cap.

    Source: conditioned on |S| the law is Wishart; N. G. de Bruijn 1955.
    """
    n, d = _checked_mixture(n, d, level)
    if not 1e-30 <= relative_width < 1:
        raise ValueError(f"relative_width must be in [1e-30, 1), got {relative_width!r}")
    bits = 8 - math.floor(math.log2(relative_width))
    lower, upper = _refine(n, d, level, bits, lambda low, high: high - low <= relative_width * low)
    with ctx.workprec(192):
        return lower.union(upper)


def masked_smallest_against(n: int, d: int, level: Level, limit: Level) -> arb:
    """Bound P(smallest eigenvalue of V_S V_S^T < level) from the side that decides whether it is at most a limit.

    From below where it is above the limit, from above where it is not.

    Parameters
    ----------
    n, d : rows (>= 1) and columns (>= 0) of V.
    level : threshold above 0.
    limit : probability to compare with.

    Returns
    -------
    arb

    Raises
    ------
    ValueError
        If a count, the level or the limit is out of range.
    ArithmeticError
        If the two numbers are too close to be told apart.

    Source: conditioned on |S| the law is Wishart; N. G. de Bruijn 1955.
    """
    n, d = _checked_mixture(n, d, level)
    with ctx.workprec(192):
        most = ball(checked_level(limit, "limit"))
    lower, upper = _refine(n, d, level, 40, lambda low, high: high <= most or low > most)
    return lower if lower > most else upper


def masked_smallest_decides(n: int, d: int, level: Level, limit: Level) -> bool:
    """Whether P(smallest eigenvalue of V_S V_S^T < level) <= limit, as `masked_smallest_against` tells."""
    return bool(masked_smallest_against(n, d, level, limit) <= ball(checked_level(limit, "limit")))


def _log_estimate(n: int, d: int) -> float:
    """Log of the mixture at level d/4 by the trapezoidal rule over |S|; an estimate, not an enclosure."""
    sums, step = _binomial_sums(d), max(1, round(0.35 * math.sqrt(d)))

    def term(s: int) -> float:
        law = smallest_eigenvalue_below(n, s, Fraction(d, 4), relative_bits=20)
        with ctx.workprec(192):
            return _log_size((sums[s + 1] - sums[s]) * law * step)

    terms: list[float] = []
    for way in (-1, 1):
        for s in range(d // 2 + (step if way > 0 else 0), -1 if way < 0 else d + 1, way * step):
            terms.append(term(s))
            if terms[-1] < max(terms) - 14:
                break
    top = max(terms)
    return top + math.log(sum(math.exp(value - top) for value in terms))


def _width_guess(n: int) -> int:
    """Width at which the leading exponent of the mixture reaches n - log 2."""

    def exponent(d: float) -> float:
        options = ((i / 100) * d for i in range(5, 51))
        return min(rate_below(n, s, d / 4) + 2 * (s - d / 2) ** 2 / d for s in options)

    d = 24.0 * n
    while exponent(d) < n - math.log(2) and d < 1e4 * n:
        d *= 1.03
    return int(d)


def _crossing(n: int, guess: int) -> int:
    """Estimated smallest width with failure probability 2 e^-n: a bracketed secant on its logarithm."""
    low, high, target = n - 1, 0, math.log(2) - n
    at, slope = max(n, guess), 0.0
    past: tuple[int, float] | None = None
    while high == 0 or high - low > 1:
        excess = _log_estimate(n, at) - target
        low, high = (low, at) if excess <= 0 else (at, high)
        if past is not None and past[0] != at:
            slope = (excess - past[1]) / (at - past[0])
        past = (at, excess)
        step = math.ceil(-excess / slope) if slope < 0 else at // 16 * (1 if excess > 0 else -1)
        at = at + (step or (1 if excess > 0 else -1))
        at = max(low + 1, min(at, high - 1 if high else 2 * low + 2))
    return high


def smallest_sufficient_width(n: int, *, start: int | None = None) -> int:
    """Smallest d >= n with P(smallest singular value of V_S < sqrt(d)/2) <= 2 e^-n.

    The answer is decided exactly at d and at d - 1; below that the probability is taken to decrease in d.

    Parameters
    ----------
    n : rows of V, at least 1.
    start : first width to try; by default the leading-order guess.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If n is below 1 or start is below n.

    Source: conditioned on |S| the law is Wishart; N. G. de Bruijn 1955.
    """
    n = whole_number("n", n, 1)
    if start is not None:
        start = whole_number("start", start, n)
    with ctx.workprec(192):
        limit = 2 * arb(-n).exp()

    @cache
    def holds(d: int) -> bool:
        return masked_smallest_decides(n, d, Fraction(d, 4), limit)

    d = _crossing(n, start or _width_guess(n))
    while not holds(d):
        d += 1
    while d > n and holds(d - 1):
        d -= 1
    return d
