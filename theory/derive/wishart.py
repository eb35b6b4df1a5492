"""Exact laws of the extreme eigenvalues of a real Wishart matrix, in ball arithmetic.

Throughout W = V V^T with V of shape (n, s), entries independent standard normal. The joint density of the
eigenvalues integrates over a box [a, b]^n to a constant times a Pfaffian (de Bruijn), whose entries obey
two-term recursions; every result is a ball that certainly contains the true probability.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from functools import cache, lru_cache
from itertools import accumulate, pairwise

from flint import arb, arb_mat, ctx, fmpq

Level = float | Fraction | arb
_MOST_BITS = 1 << 16


def _checked_count(value: int, name: str, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}")
    return value


def _checked_law(n: int, s: int, relative_bits: int) -> None:
    _checked_count(n, "n", 1)
    _checked_count(s, "s", 0)
    _checked_count(relative_bits, "relative_bits", 1)


def _checked_level(level: Level, name: str) -> Level:
    if isinstance(level, bool) or not isinstance(level, (float, int, Fraction, arb)):
        raise ValueError(f"{name} must be a float, int, Fraction or ball, got {level!r}")
    ball = _ball(level)
    if not ball.is_finite() or ball < 0:
        raise ValueError(f"{name} must be finite and at least 0, got {level!r}")
    return level


def _ball(level: Level) -> arb:
    if isinstance(level, Fraction):
        return arb(fmpq(level.numerator, level.denominator))
    return level if isinstance(level, arb) else arb(level)


def _upper_gammas(shape: fmpq, at: arb | None, count: int) -> tuple[list[arb], list[arb]]:
    """Q(shape + i, at) and at^(shape+i) e^-at / Gamma(shape+i+1) for i < count; `at` None is infinity."""
    if at is None or at == 0:
        return [arb(0 if at is None else 1)] * count, [arb(0)] * count
    step = at ** arb(shape) * (-at).exp() * arb(shape + 1).rgamma()
    tail = at.gamma_upper(arb(shape), 1)
    tails, steps = [], []
    for i in range(1, count + 1):
        tails.append(tail)
        steps.append(step)
        tail, step = tail + step, step * at / arb(shape + i)
    return tails, steps


def _pair_masses(first: int, a: arb, b: arb | None, count: int) -> list[arb]:
    """2 Gamma(m) 2^-m times the mass of Gamma(m) on [a, b], for m = first, first + 1, ..."""
    near, far = (_upper_gammas(fmpq(first), end, count)[0] for end in (a, b))
    scale, masses = arb(first).gamma() * arb(2) ** (1 - first), []
    for i in range(count):
        masses.append(scale * (near[i] - far[i]))
        scale = scale * (first + i) / 2
    return masses


def _skew_matrix(n: int, s: int, a: arb, b: arb | None) -> arb_mat:
    """De Bruijn's matrix for x^(k-1) e^(-x/2) / (2^k Gamma(k)), k = (s-n+1)/2 + i, bordered for odd n."""
    k = fmpq(s - n + 1, 2)
    near, h_a = _upper_gammas(k, a / 2, n)
    far, h_b = _upper_gammas(k, None if b is None else b / 2, n)
    G = [p - q for p, q in zip(near, far, strict=True)]
    h = [p + q for p, q in zip(h_a, h_b, strict=True)]
    mass = _pair_masses(s - n + 1, a, b, 2 * n - 1)
    r = list(accumulate(range(n), lambda g, i: g / arb(k + i), initial=arb(k).rgamma()))
    size = n + n % 2
    A = [[arb(0)] * size for _ in range(size)]
    for j in range(n):
        entry = arb(0)
        for i in range(j, n - 1):
            entry = entry - mass[i + j] * (r[i + 1] * r[j]) + h[i] * G[j]
            A[i + 1][j], A[j][i + 1] = entry, -entry
    if size > n:
        for i in range(n):
            A[i][n], A[n][i] = G[i], -G[i]
    return arb_mat(A)


def _constant(n: int, s: int) -> arb:
    """Factor K that turns the Pfaffian of the normalised functions into a probability."""
    K = arb.pi() ** (arb(n) / 2)
    for i in range(n):
        K = K * arb(fmpq(s - n + 1, 2) + i).gamma()
        K = K * arb(fmpq(s - i, 2)).rgamma() * arb(fmpq(n - i, 2)).rgamma()
    return K


def _inside(n: int, s: int, low: Level, high: Level | None) -> arb:
    """P(low <= all eigenvalues <= high) for s >= n at the current working precision."""
    b = None if high is None else _ball(high)
    return _constant(n, s) * _skew_matrix(n, s, _ball(low), b).det().sqrt()


def _until_accurate(compute: Callable[[], arb], relative_bits: int, bits: int) -> arb:
    while bits <= _MOST_BITS:
        with ctx.workprec(bits):
            value = compute()
            if value.is_finite() and value.rel_accuracy_bits() >= relative_bits:
                return value
        bits += bits // 2
    raise ArithmeticError(f"{relative_bits} relative bits need a working precision above {_MOST_BITS} bits")


def _edges(n: float, s: float) -> tuple[float, float]:
    return (math.sqrt(s) - math.sqrt(n)) ** 2, (math.sqrt(s) + math.sqrt(n)) ** 2


def _rate_below(n: float, s: float, level: float, points: int = 16) -> float:
    """Leading exponent (nats) of P(smallest eigenvalue < level): half of int sqrt((a-y)(b-y))/y dy."""
    a, b = _edges(n, s)
    if s <= n or level >= a:
        return 0.0
    nodes = [(i + 0.5) / points for i in range(points)]
    at = [max(a - (a - level) * u * u, 1e-300) for u in nodes]
    # y = a - (a - level) u^2 removes the square-root end at y = a.
    terms = (u * u * math.sqrt(b - y) / y for u, y in zip(nodes, at, strict=True))
    return (a - level) ** 1.5 * sum(terms) / points


def _starting_bits(n: int, s: int, relative_bits: int) -> int:
    """Working precision that covers the cancellation of the determinant (fitted, only a first try)."""
    return relative_bits + 32 + int(n * (math.log2(s + 1) + 2))


def eigenvalues_inside(n: int, s: int, low: Level, high: Level | None, *, relative_bits: int = 40) -> arb:
    """Probability that every eigenvalue of W_n(s, I) lies in [low, high].

    Parameters
    ----------
    n, s : rows (>= 1) and columns (>= 0) of the Gaussian matrix.
    low, high : ends of the interval, ``high`` None for infinity; floats and fractions are taken as exact.
    relative_bits : correct bits of the returned ball.

    Returns
    -------
    arb

    Raises
    ------
    ValueError
        If a count or an end is out of range.
    ArithmeticError
        If the accuracy needs more working precision than the cap.

    Source: N. G. de Bruijn 1955; M. Chiani, Distribution of the largest eigenvalue for real Wishart, 2014.
    """
    _checked_law(n, s, relative_bits)
    a = _ball(_checked_level(low, "low"))
    b = None if high is None else _ball(_checked_level(high, "high"))
    if b is not None and b < a:
        raise ValueError(f"high must be at least low = {low!r}, got {high!r}")
    if s < n:
        if a > 0 or s == 0:
            return arb(0 if a > 0 else 1)
        n, s = s, n
    if b is not None and b.is_exact() and b == a:
        return arb(0)
    return _until_accurate(lambda: _inside(n, s, low, high), relative_bits, _starting_bits(n, s, relative_bits))


def smallest_eigenvalue_below(n: int, s: int, level: Level, *, relative_bits: int = 40) -> arb:
    """P(smallest eigenvalue of W_n(s, I) < level), accurate relative to this probability itself.

    Parameters
    ----------
    n, s : rows (>= 1) and columns (>= 0); s < n makes the smallest eigenvalue 0.
    level : threshold, at least 0.
    relative_bits : correct bits of the returned ball.

    Returns
    -------
    arb

    Raises
    ------
    ValueError
        If a count or the level is out of range.
    ArithmeticError
        If the accuracy needs more working precision than the cap.

    Source: N. G. de Bruijn 1955; M. Chiani, Distribution of the largest eigenvalue for real Wishart, 2014.
    """
    _checked_law(n, s, relative_bits)
    threshold = _ball(_checked_level(level, "level"))
    if threshold == 0 or (s < n and threshold > 0):
        return arb(0 if threshold == 0 else 1)
    tail = _rate_below(n, s, float(threshold)) / math.log(2)
    bits = _starting_bits(n, s, relative_bits) + int(min(tail, _MOST_BITS / 2))
    return _until_accurate(lambda: 1 - _inside(n, s, level, None), relative_bits, bits)


def largest_eigenvalue_above(n: int, s: int, level: Level, *, relative_bits: int = 40) -> arb:
    """P(largest eigenvalue of W_n(s, I) > level), accurate relative to this probability itself.

    Parameters
    ----------
    n, s : rows (>= 1) and columns (>= 0); the two exchange roles where s < n.
    level : threshold, at least 0.
    relative_bits : correct bits of the returned ball.

    Returns
    -------
    arb

    Raises
    ------
    ValueError
        If a count or the level is out of range.
    ArithmeticError
        If the accuracy needs more working precision than the cap.

    Source: N. G. de Bruijn 1955; M. Chiani, Distribution of the largest eigenvalue for real Wishart, 2014.
    """
    _checked_law(n, s, relative_bits)
    threshold = _ball(_checked_level(level, "level"))
    n, s = min(n, s), max(n, s)
    if n == 0 or threshold == 0:
        return arb(0 if n == 0 else 1)
    bits = _starting_bits(n, s, relative_bits)
    return _until_accurate(lambda: 1 - _inside(n, s, 0, level), relative_bits, bits)


@lru_cache(maxsize=8)
def _binomial_sums(d: int) -> tuple[arb, ...]:
    """P(Binomial(d, 1/2) < s) for s = 0 .. d + 1, each with at least 128 correct bits."""
    with ctx.workprec(192):
        term, sums = arb(1) / arb(2) ** d, [arb(0)]
        for s in range(d + 1):
            sums.append(sums[-1] + term)
            term = term * (d - s) / (s + 1)
        return tuple(sums)


def _log_size(ball: arb) -> float:
    largest = ball.abs_upper()
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
            points[s] = smallest_eigenvalue_below(n, s, level, relative_bits=bits)


def _checked_mixture(n: int, d: int, level: Level) -> None:
    _checked_count(n, "n", 1)
    _checked_count(d, "d", 0)
    if _ball(_checked_level(level, "level")) == 0:
        raise ValueError(f"level must be above 0, got {level!r}")


def masked_smallest_below(n: int, d: int, level: Level, *, relative_width: float = 1e-6) -> arb:
    """P(smallest eigenvalue of V_S V_S^T < level), V n x d Gaussian, |S| ~ Binomial(d, 1/2) independent.

    Parameters
    ----------
    n, d : rows (>= 1) and columns (>= 0) of V.
    level : threshold above 0.
    relative_width : wanted width of the enclosure relative to the probability, in (0, 1).

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
    _checked_mixture(n, d, level)
    if not 1e-30 <= relative_width < 1:
        raise ValueError(f"relative_width must be in [1e-30, 1), got {relative_width!r}")
    bits = 8 - math.floor(math.log2(relative_width))
    lower, upper = _refine(n, d, level, bits, lambda low, high: high - low <= relative_width * low)
    with ctx.workprec(192):
        return lower.union(upper)


def masked_smallest_decides(n: int, d: int, level: Level, limit: Level) -> bool:
    """Whether P(smallest eigenvalue of V_S V_S^T < level) <= limit, computed only as far as that needs.

    Parameters
    ----------
    n, d : rows (>= 1) and columns (>= 0) of V.
    level : threshold above 0.
    limit : probability to compare with.

    Returns
    -------
    bool

    Raises
    ------
    ValueError
        If a count, the level or the limit is out of range.
    ArithmeticError
        If the two numbers are too close to be told apart.

    Source: conditioned on |S| the law is Wishart; N. G. de Bruijn 1955.
    """
    _checked_mixture(n, d, level)
    with ctx.workprec(192):
        most = _ball(_checked_level(limit, "limit"))
    _, upper = _refine(n, d, level, 40, lambda low, high: high <= most or low > most)
    return bool(upper <= most)


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
        return min(_rate_below(n, s, d / 4) + 2 * (s - d / 2) ** 2 / d for s in options)

    d = 24.0 * n
    while exponent(d) < n - math.log(2) and d < 1e4 * n:
        d *= 1.03
    return int(d)


def _crossing(n: int, guess: int) -> int:
    """Estimated smallest width with failure probability 2 e^-n: a bracketed secant on its logarithm."""
    low, high, wanted = n - 1, 0, math.log(2) - n
    at, slope = max(n, guess), 0.0
    past: tuple[int, float] | None = None
    while high == 0 or high - low > 1:
        excess = _log_estimate(n, at) - wanted
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
    _checked_count(n, "n", 1)
    if start is not None:
        _checked_count(start, "start", n)
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


def as_interval(ball: arb) -> tuple[float, float]:
    """Floats that enclose a ball, rounded outwards.

    Returns
    -------
    tuple of float

    Raises
    ------
    ValueError
        If the ball is not finite.
    """
    if not ball.is_finite():
        raise ValueError(f"ball must be finite, got {ball!r}")
    with ctx.workprec(64):
        low, high = ball.lower(), ball.upper()
        near, far = float(low), float(high)
        return (
            near if arb(near) <= low else math.nextafter(near, -math.inf),
            far if arb(far) >= high else math.nextafter(far, math.inf),
        )
